//! Reads `control`: first all that was set before, then what is set. It is compacted and small, so it is read from its first record
//! whenever the stage starts, and no position is kept.
//!
//! A record that this program cannot read (a newer one has written it) is passed over and named; it stays in `control`, and a newer
//! program reads it.

use super::{Controls, PoisonError};
use crate::archive::corrections::{Corrections, Standing};
use anyhow::Context;
use schemas::{
    kit::{backoff::Backoff, metrics, settings::Settings, shutdown::Shutdown},
    log::{Batch, LogError, Position, Reader, SharedLog, Topic},
    records::{Control, ControlValue, Record},
};
use std::time::Duration;

/// Records in one go.
const MOST: usize = 1_000;
/// How long a read waits.
const WAIT: Duration = Duration::from_secs(30);
const RETRY: Backoff = Backoff { first: Duration::from_millis(100), longest: Duration::from_secs(5) };

/// Follows `control` for a stage.
pub(crate) struct Follower {
    controls: Controls,
    reader: Box<dyn Reader>,
    next: u64,
}

impl Follower {
    /// Reads all that was set before.
    ///
    /// # Errors
    /// When `control` cannot be read.
    pub(crate) async fn open(
        settings: &Settings,
        log: SharedLog,
        file_words: Vec<String>,
    ) -> anyhow::Result<(Controls, Self)> {
        log.describe(Topic::Control).await.context("control cannot be described")?;
        let (first, end) = log.bounds(Topic::Control, 0).await.context("control cannot be read")?;
        let reader = reader(&log, first).await.context("control cannot be read")?;
        let mut follower = Self { controls: Controls::new(settings, log, file_words), reader, next: first };
        while follower.next < end {
            let batch = follower.reader.next(MOST, WAIT).await.context("control cannot be read")?;
            let batch =
                batch.context("control cannot be read: it does not yield what it holds; is the broker well?")?;
            follower.take(&batch);
        }
        let controls = follower.controls.clone();
        controls.0.read.send_replace(follower.next);
        Ok((controls, follower))
    }

    /// Follows what is set until shutdown.
    ///
    /// # Errors
    /// When `control` can never be read again.
    pub(crate) async fn run(mut self, shutdown: Shutdown) -> anyhow::Result<()> {
        let mut failures = 0;
        loop {
            let batch = tokio::select! {
                biased;
                () = shutdown.cancelled() => return Ok(()),
                batch = self.reader.next(MOST, WAIT) => batch,
            };
            match batch {
                Ok(batch) => {
                    failures = 0;
                    if let Some(batch) = batch {
                        self.take(&batch);
                    }
                    continue;
                }
                Err(LogError::Closed) if shutdown.is_cancelled() => return Ok(()),
                Err(LogError::Unavailable(error)) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "control cannot be read now; trying again");
                }
                Err(error) => return Err(error).context("control cannot be read"),
            }
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                () = tokio::time::sleep(RETRY.wait(failures, 0.5)) => {}
            }
            match reader(&self.controls.0.log, self.next).await {
                Ok(reader) => self.reader = reader,
                // The one there is tries again.
                Err(error) => tracing::warn!(%error, "control cannot be opened again now"),
            }
        }
    }

    fn take(&mut self, batch: &Batch) {
        if let Some(jump) = batch.jump {
            metrics::ANALYZE_JUMPS.with_label_values(&[Topic::Control.name()]).inc();
            tracing::error!(topic = %Topic::Control, %jump, "what people set may be missing: look whether it still stands");
        }
        let inner = &self.controls.0;
        let mut changed = false;
        for entry in &batch.entries {
            let control = match Control::decode(&entry.value) {
                Ok(control) => control,
                Err(error) => {
                    tracing::error!(offset = entry.offset, %error, "a record of control is passed over");
                    continue;
                }
            };
            changed |= inner.standing.write().unwrap_or_else(PoisonError::into_inner).take(&control);
            take_correction(&inner.corrections, control);
        }
        self.next = batch.next;
        if changed {
            inner.changes.send_modify(|changes| *changes += 1);
        }
        inner.read.send_replace(self.next);
    }
}

fn take_correction(corrections: &Corrections, control: Control) {
    let Control { at, who, value, .. } = control;
    match value {
        ControlValue::Correction(correction) => {
            let post = correction.post.clone();
            corrections.set(&post, Some(Standing { correction, by: who, at }));
        }
        ControlValue::CorrectionRemoved { post } => corrections.set(&post, None),
        ControlValue::Watch { .. }
        | ControlValue::WatchRemoved { .. }
        | ControlValue::SourcePaused { .. }
        | ControlValue::Word { .. } => {}
    }
}

async fn reader(log: &SharedLog, from: u64) -> Result<Box<dyn Reader>, LogError> {
    log.reader(Topic::Control, vec![Position { partition: 0, offset: from }]).await
}

/// The corrections that stand, for whoever works on an archive that no stage runs.
///
/// # Errors
/// When `control` cannot be read.
pub(crate) async fn corrections(settings: &Settings, log: &SharedLog) -> anyhow::Result<Corrections> {
    let (controls, _) = Follower::open(settings, log.clone(), Vec::new()).await?;
    Ok(controls.corrections().clone())
}
