//! `wanglou backup`: everything into a folder, while the instance runs.
//!
//! What holds positions is copied before what they point into, the log last: so a restored instance reads on from where each
//! part stands, and finds all of it.

use alert::records::backup::{Copied, backup as backup_records};
use anyhow::{Context, Result};
use schemas::{
    kit::{backup::Backup, settings::LogKind},
    log,
};
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The folder that the backup will be. It must not be there yet.
    #[arg(long)]
    to: PathBuf,
    #[command(flatten)]
    config: crate::Config,
}

pub(crate) async fn run(options: &Options) -> Result<ExitCode> {
    let settings = super::settings(&options.config.config)?;
    let data_dir = settings.data_dir.clone();
    let backup = Backup::begin(&options.to, jiff::Timestamp::now())?;
    let mut notes = vec!["the config file is not in this backup".to_owned()];
    let records = backup_records(&settings, backup.folder()).await?;
    if let Copied::Elsewhere(how) = records {
        notes.push(how);
    }
    let is_embedded = settings.log.kind == LogKind::Embedded;
    if !is_embedded {
        notes.push(
            "the log is Kafka's and not in this backup: restore beside the same cluster, with its topics as they were"
                .to_owned(),
        );
    }
    let work = move || -> Result<_> {
        let to = backup.folder();
        analyze::trend::backup(&data_dir, to).context("the trend snapshot")?;
        analyze::archive::backup(&data_dir, to).context("the archive")?;
        ingest::backup(&data_dir, to).context("ingest's memories")?;
        if is_embedded {
            log::backup(&data_dir.join("log"), &to.join("log"))?;
        }
        backup.finish(notes)
    };
    let manifest = tokio::task::spawn_blocking(work).await??;
    let bytes: u64 = manifest.files.iter().map(|file| file.bytes).sum();
    println!(
        "{}: {} files, {} MiB, as of {}",
        options.to.display(),
        manifest.files.len(),
        bytes >> 20,
        manifest.taken_at
    );
    for note in &manifest.notes {
        println!("note: {note}");
    }
    Ok(ExitCode::SUCCESS)
}
