//! `wanglou restore`: a backup into an empty data folder.

use alert::records;
use anyhow::Result;
use schemas::kit::backup;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The backup's folder.
    #[arg(long)]
    from: PathBuf,
    #[command(flatten)]
    config: crate::Config,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let settings = super::settings(&options.config.config)?;
    let place = |path: &str| records::backup::file(&settings).filter(|_| path == records::backup::FILE);
    let manifest = backup::restore(&options.from, &settings.data_dir, place)?;
    println!(
        "{}: {} files as of {}, each as the manifest says. Start the instance: it goes on from there",
        settings.data_dir.display(),
        manifest.files.len(),
        manifest.taken_at
    );
    for note in &manifest.notes {
        println!("note: {note}");
    }
    Ok(ExitCode::SUCCESS)
}
