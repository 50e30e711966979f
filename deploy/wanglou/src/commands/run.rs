//! `wanglou run`, and the stages one by one.

use crate::all_in_one;
use anyhow::{Result, bail};
use schemas::kit::{settings::LogKind, shutdown, telemetry};
use std::{path::Path, process::ExitCode};

pub(crate) async fn all(config: &Path) -> Result<ExitCode> {
    telemetry::start();
    let settings = super::settings(config)?;
    for warning in alert::warnings(&settings) {
        tracing::warn!("{}", warning.in_file(config));
    }
    let shutdown = shutdown::on_signal()?;
    all_in_one::run(&settings, shutdown, async |_, address| {
        println!("望楼 Wanglou: http://{address}/");
        Ok(())
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// One stage alone. Stages meet on the log, and the embedded log belongs to one process.
pub(crate) fn one(stage: &str, config: &Path) -> Result<ExitCode> {
    let settings = super::settings(config)?;
    match settings.log.kind {
        LogKind::Embedded => bail!(
            "{stage} alone needs a log that processes share, and [log] kind = \"embedded\" belongs to one process: use \
             `wanglou run --config {}`",
            config.display()
        ),
        LogKind::Kafka => bail!("this build has no Kafka log"),
    }
}
