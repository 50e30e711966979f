//! Opens the log that the config names.

use super::{Embedded, EmbeddedOptions, Kafka, SharedLog};
use crate::kit::{
    disk::Disk,
    settings::{LogKind, Settings},
};
use std::sync::Arc;

/// Opens the log that the settings name.
///
/// # Errors
/// What keeps it from being opened, and what to do.
pub async fn open(settings: &Settings) -> anyhow::Result<SharedLog> {
    match settings.log.kind {
        LogKind::Embedded => {
            let disk = Arc::new(Disk::new(&settings.data_dir, settings.disk.reserve_bytes));
            let options = EmbeddedOptions { disk, ..settings.log.embedded(&settings.data_dir) };
            Ok(Arc::new(Embedded::open(&options)?))
        }
        LogKind::Kafka => Ok(Arc::new(Kafka::open(&settings.log).await?)),
    }
}
