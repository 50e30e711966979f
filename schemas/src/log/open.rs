//! Opens the log that the config names.

use super::{Embedded, Kafka, SharedLog};
use crate::kit::settings::{LogKind, Settings};
use std::sync::Arc;

/// Opens the log that the settings name.
///
/// # Errors
/// What keeps it from being opened, and what to do.
pub async fn open(settings: &Settings) -> anyhow::Result<SharedLog> {
    match settings.log.kind {
        LogKind::Embedded => Ok(Arc::new(Embedded::open(&settings.log.embedded(&settings.data_dir))?)),
        LogKind::Kafka => Ok(Arc::new(Kafka::open(&settings.log).await?)),
    }
}
