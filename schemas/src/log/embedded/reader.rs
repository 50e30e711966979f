//! Reads partitions in turn, from memory what is new and on a connection of its own what is older, and sleeps until the writer says that
//! an end has moved.

use super::{recent::Recent, store, writer::unavailable};
use crate::log::{Batch, Entry, Jump, LogError, Position, Reader};
use async_trait::async_trait;
use rusqlite::Connection;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::watch;

/// A batch holds about this many bytes at most, whatever the number of records.
const BATCH_BYTES: usize = 4 << 20;

pub(super) struct EmbeddedReader {
    path: PathBuf,
    // None before the first read, and after a read was dropped half-way.
    connection: Option<Connection>,
    positions: Vec<Position>,
    turn: usize,
    ends: watch::Receiver<Vec<u64>>,
    compacted: bool,
    recent: Arc<Recent>,
}

impl EmbeddedReader {
    pub(super) fn new(
        path: PathBuf,
        positions: Vec<Position>,
        ends: watch::Receiver<Vec<u64>>,
        compacted: bool,
        recent: Arc<Recent>,
    ) -> Self {
        Self { path, connection: None, positions, turn: 0, ends, compacted, recent }
    }

    /// The partition whose turn it is among those that have something to tell, and its end.
    fn ready(&mut self) -> Option<(usize, u64)> {
        let ends = self.ends.borrow_and_update();
        let count = self.positions.len();
        let index = (0..count).map(|step| (self.turn + step) % count).find(|&index| {
            let position = self.positions[index];
            ends[position.partition as usize] != position.offset
        })?;
        self.turn = (index + 1) % count;
        Some((index, ends[self.positions[index].partition as usize]))
    }

    async fn read(&mut self, from: Position, end: u64, most: usize) -> Result<Vec<Entry>, LogError> {
        if let Some(entries) = self.recent.read(from, end, most, BATCH_BYTES) {
            // Nothing else here waits: a reader with much to read must let others have their turn.
            tokio::task::yield_now().await;
            return Ok(entries);
        }
        let (connection, path) = (self.connection.take(), self.path.clone());
        let (connection, entries) = tokio::task::spawn_blocking(move || {
            let connection = match connection {
                Some(connection) => connection,
                None => store::open_for_reading(&path)?,
            };
            let entries = store::read(&connection, from, end, most, BATCH_BYTES)?;
            Ok((connection, entries))
        })
        .await
        .map_err(|error| LogError::Unavailable(error.to_string()))?
        .map_err(|error: rusqlite::Error| unavailable(&error))?;
        self.connection = Some(connection);
        Ok(entries)
    }
}

#[async_trait]
impl Reader for EmbeddedReader {
    async fn next(&mut self, most: usize, wait: Duration) -> Result<Option<Batch>, LogError> {
        let deadline = tokio::time::Instant::now() + wait;
        let (index, end) = loop {
            if let Some(ready) = self.ready() {
                break ready;
            }
            match tokio::time::timeout_at(deadline, self.ends.changed()).await {
                Err(_) => return Ok(None),
                Ok(Err(_)) => return Err(LogError::Closed),
                Ok(Ok(())) => {}
            }
        };
        let from = self.positions[index];
        let entries = if from.offset < end { self.read(from, end, most.max(1)).await? } else { Vec::new() };
        let jump = Jump::between(from.offset, entries.first().map(|entry| entry.offset), end);
        let next = entries.last().map_or(end, |entry| entry.offset + 1);
        self.positions[index].offset = next;
        let jump = jump.filter(|jump| !(self.compacted && matches!(jump, Jump::Ahead { .. })));
        Ok(Some(Batch { partition: from.partition, entries, next, end, jump }))
    }
}
