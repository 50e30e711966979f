//! Understands many records at a time, on all cores. What comes out is in the order that went in.

use super::arrival::{self, Came};
use crate::understand::{Living, Understanding};
use bytes::Bytes;
use futures::{StreamExt, future::try_join_all, stream};
use jiff::Timestamp;
use schemas::{
    kit::metrics,
    log::{Batch, Entry, Jump},
};
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};

/// Records that one thread takes at a time: long enough to be worth a hand-over, short enough to share a batch out.
const CHUNK: usize = 128;
/// Batches under way at a time.
const BATCHES: usize = 2;

/// A batch, each record understood or found unreadable.
pub(super) struct Understood {
    pub(super) partition: u32,
    pub(super) records: Vec<Record>,
    pub(super) next: u64,
    pub(super) end: u64,
    pub(super) jump: Option<Jump>,
}

/// A raw record.
pub(super) struct Record {
    pub(super) offset: u64,
    pub(super) appended_at: Timestamp,
    pub(super) outcome: Result<Came, Unreadable>,
}

/// What is set aside.
pub(super) struct Unreadable {
    pub(super) reason: String,
    pub(super) bytes: Bytes,
}

pub(super) async fn run(
    mut batches: mpsc::Receiver<Batch>,
    out: mpsc::Sender<Understood>,
    understanding: Living,
) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cores = Arc::new(Semaphore::new(cores));
    let batches = stream::poll_fn(move |context| batches.poll_recv(context));
    let understood = batches.map(|batch| understand(batch, understanding.get(), cores.clone())).buffered(BATCHES);
    let mut understood = std::pin::pin!(understood);
    loop {
        let batch = tokio::select! {
            // The next part may end while nothing comes: then this one and the reader behind it must end too.
            () = out.closed() => return Ok(()),
            batch = understood.next() => batch,
        };
        let Some(batch) = batch.transpose()? else { return Ok(()) };
        if out.send(batch).await.is_err() {
            return Ok(());
        }
    }
}

async fn understand(
    batch: Batch,
    understanding: Arc<Understanding>,
    cores: Arc<Semaphore>,
) -> anyhow::Result<Understood> {
    let timer = metrics::ANALYZE_UNDERSTAND.start_timer();
    let Batch { partition, entries, next, end, jump } = batch;
    let mut entries = entries.into_iter();
    let chunks = std::iter::from_fn(|| {
        let chunk: Vec<Entry> = entries.by_ref().take(CHUNK).collect();
        (!chunk.is_empty()).then_some(chunk)
    });
    let work = chunks.map(|chunk| {
        let (understanding, cores) = (understanding.clone(), cores.clone());
        async move {
            let core = cores.acquire_owned().await?;
            let work = move || {
                let records = chunk.into_iter().map(|entry| read(entry, &understanding)).collect::<Vec<_>>();
                drop(core);
                records
            };
            anyhow::Ok(tokio::task::spawn_blocking(work).await?)
        }
    });
    let records = try_join_all(work).await?.into_iter().flatten().collect();
    timer.observe_duration();
    Ok(Understood { partition, records, next, end, jump })
}

fn read(entry: Entry, understanding: &Understanding) -> Record {
    let outcome = arrival::read(&entry, understanding);
    let outcome = outcome.map_err(|reason| Unreadable { reason, bytes: entry.value });
    Record { offset: entry.offset, appended_at: entry.appended_at, outcome }
}
