//! Import: a file of lines of any size, through the same door as everything else.
//!
//! Lines are handed on in batches, each durable before the next is read: an import that breaks off can simply be run again.
//! While the log cannot take them the import waits and tries again, for some minutes.

use crate::door::{Accepted, Door};
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use schemas::{
    kit::backoff::Backoff,
    log::LogError,
    records::{MAX_LINE_BYTES, Via},
};
use std::{pin::pin, time::Duration};
use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// Bytes that are handed on at a time.
const BATCH_BYTES: usize = 1 << 20;
/// Tries, with waits of together some five minutes.
const TRIES: u32 = 14;
const BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };

/// Why an import broke off.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read on.
    #[error("the file cannot be read after line {line}: {error}")]
    Read {
        /// The last line that was read.
        line: u64,
        /// What the file system says.
        error: std::io::Error,
    },
    /// The log does not take posts.
    #[error(
        "{error}; everything up to line {line} is stored: run the import again, what is stored already does no harm"
    )]
    Log {
        /// The last line that is durable.
        line: u64,
        /// What the log says.
        error: LogError,
    },
}

/// Imports a file, a line at a time. `progress` is told what came of it so far, batch by batch.
///
/// # Errors
/// When the file cannot be read or the log does not take its posts; bad lines are listed in the outcome.
pub async fn import(
    mut file: impl AsyncBufRead + Unpin,
    door: &Door,
    mut progress: impl FnMut(&Accepted),
) -> Result<Accepted, ImportError> {
    let mut outcome = Accepted::default();
    let mut batch = BytesMut::new();
    loop {
        let read = bounded_line(&mut file, &mut batch)
            .await
            .map_err(|error| ImportError::Read { line: outcome.lines, error })?;
        if batch.len() >= BATCH_BYTES || !read {
            hand_on(door, batch.split().freeze(), &mut outcome).await?;
            progress(&outcome);
        }
        if !read {
            return Ok(outcome);
        }
    }
}

/// Imports lines from a stream, such as ones that are generated. A line must hold no line break.
///
/// # Errors
/// As [`import`].
pub async fn import_lines(
    lines: impl Stream<Item = Bytes>,
    door: &Door,
    mut progress: impl FnMut(&Accepted),
) -> Result<Accepted, ImportError> {
    let mut outcome = Accepted::default();
    let mut batch = BytesMut::new();
    let mut lines = pin!(lines);
    loop {
        let line = lines.next().await;
        if let Some(line) = &line {
            batch.extend_from_slice(line);
            batch.extend_from_slice(b"\n");
        }
        if batch.len() >= BATCH_BYTES || line.is_none() {
            hand_on(door, batch.split().freeze(), &mut outcome).await?;
            progress(&outcome);
        }
        if line.is_none() {
            return Ok(outcome);
        }
    }
}

/// Appends the next line with its break. Of a line that is too long only so much is kept that the door sees that it is.
async fn bounded_line(file: &mut (impl AsyncBufRead + Unpin), batch: &mut BytesMut) -> std::io::Result<bool> {
    let begin = batch.len();
    loop {
        let available = file.fill_buf().await?;
        if available.is_empty() {
            return Ok(batch.len() > begin);
        }
        let end = available.iter().position(|&byte| byte == b'\n');
        let taken = end.map_or(available.len(), |end| end + 1);
        let room = (MAX_LINE_BYTES + 1).saturating_sub(batch.len() - begin);
        batch.extend_from_slice(&available[..taken.min(room)]);
        file.consume(taken);
        if end.is_some() {
            if !batch.ends_with(b"\n") {
                batch.extend_from_slice(b"\n");
            }
            return Ok(true);
        }
    }
}

async fn hand_on(door: &Door, batch: Bytes, outcome: &mut Accepted) -> Result<(), ImportError> {
    let mut failures = 0;
    loop {
        let error = match door.take_lines(batch.clone(), Via::Import).await {
            Ok(mut next) => {
                for refused in &mut next.refused {
                    refused.line += outcome.lines;
                }
                outcome.lines += next.lines;
                outcome.add(next);
                return Ok(());
            }
            Err(error) => error,
        };
        failures += 1;
        if failures >= TRIES || !matches!(error, LogError::Unavailable(_)) {
            return Err(ImportError::Log { line: outcome.lines, error });
        }
        tracing::warn!(%error, failures, "the log does not take the import: waiting");
        tokio::time::sleep(BACKOFF.wait(failures, rand::random())).await;
    }
}
