//! The commands, a file each.

pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod brief;
pub(crate) mod check;
pub(crate) mod corrections;
pub(crate) mod import;
pub(crate) mod reindex;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod run;
pub(crate) mod search;
pub(crate) mod source;
pub(crate) mod train;
pub(crate) mod understand;
pub(crate) mod user;

use anyhow::{Result, bail};
use schemas::kit::settings::{Fault, Settings, no_fault};
use std::path::Path;

/// Reads the config, or names all its faults.
pub(crate) fn settings(path: &Path) -> Result<Settings> {
    match checked(path) {
        Ok(settings) => Ok(settings),
        Err(faults) => bail!("{}", told(path, &faults)),
    }
}

/// Reads the config and lets every stage judge it.
pub(crate) fn checked(path: &Path) -> Result<Settings, Vec<Fault>> {
    let settings = Settings::load(path)?;
    let mut faults = ingest::check(&settings);
    faults.extend(analyze::check(&settings));
    faults.extend(alert::check(&settings));
    no_fault(faults).map(|()| settings)
}

/// The faults as a person reads them, one a line.
pub(crate) fn told(path: &Path, faults: &[Fault]) -> String {
    faults.iter().map(|fault| fault.in_file(path)).collect::<Vec<_>>().join("\n")
}
