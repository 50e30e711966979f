//! `wanglou run`, and the stages one by one.

use crate::{
    all_in_one,
    apart::{self, Stage},
};
use anyhow::{Result, bail};
use schemas::kit::{
    settings::{LogKind, Settings},
    shutdown, telemetry,
};
use std::{path::Path, process::ExitCode};

pub(crate) async fn all(config: &Path) -> Result<ExitCode> {
    let settings = read(config)?;
    warn(&settings, config);
    all_in_one::run(&settings, shutdown::on_signal()?, async |_, address| {
        println!("望楼 Wanglou: http://{address}/");
        Ok(())
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

/// One stage alone. Stages meet on the log, and the embedded log belongs to one process.
pub(crate) async fn one(stage: Stage, config: &Path) -> Result<ExitCode> {
    let settings = read(config)?;
    if settings.log.kind == LogKind::Embedded {
        bail!(
            "{stage} alone needs a log that processes share, and [log] kind = \"embedded\" belongs to one process: use \
             `wanglou run --config {}`",
            config.display()
        );
    }
    if stage == Stage::Alert {
        warn(&settings, config);
    }
    apart::run(stage, &settings, shutdown::on_signal()?, async |_, address| {
        println!("望楼 Wanglou {stage}: http://{address}/");
        Ok(())
    })
    .await?;
    Ok(ExitCode::SUCCESS)
}

fn read(config: &Path) -> Result<Settings> {
    telemetry::start();
    super::settings(config)
}

fn warn(settings: &Settings, config: &Path) {
    for warning in settings.warnings().into_iter().chain(alert::warnings(settings)) {
        tracing::warn!("{}", warning.in_file(config));
    }
}
