//! `wanglou corrections`: what people corrected, as `wanglou train sentiment --corrections` reads it, whether an instance runs or not.

use analyze::archive::Archive;
use anyhow::Result;
use std::{io::stdout, process::ExitCode, sync::Arc};

pub(crate) fn run(config: &crate::Config) -> Result<ExitCode> {
    let settings = super::settings(&config.config)?;
    let archive = Archive::open_read_only(&settings.data_dir, Arc::new(analyze::understanding(&settings)?))?;
    let lines = archive.export_corrections(stdout().lock())?;
    eprintln!("{lines} corrected posts");
    Ok(ExitCode::SUCCESS)
}
