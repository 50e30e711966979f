//! `wanglou check`: every fault of the config with its line.

use anyhow::Result;
use std::{path::Path, process::ExitCode};

pub(crate) fn run(config: &Path) -> Result<ExitCode> {
    match super::checked(config) {
        Ok(settings) => {
            for warning in settings.warnings().into_iter().chain(alert::warnings(&settings)) {
                eprintln!("{}", super::told(config, &[warning]));
            }
            println!("{}: no fault", config.display());
            Ok(ExitCode::SUCCESS)
        }
        Err(faults) => {
            eprintln!("{}", super::told(config, &faults));
            Ok(ExitCode::from(2))
        }
    }
}
