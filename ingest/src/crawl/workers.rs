//! The tasks that visit sources, one each: begun and left as the share changes.

use super::{Crawl, share::Change};
use crate::source::Site;
use jiff::Timestamp;
use schemas::{
    kit::{metrics, shutdown::Shutdown},
    log::LogError,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::task::JoinSet;

/// How long a visit under way may go on when its source is to be left; then it is dropped.
const LEAVING: Duration = Duration::from_secs(3);

pub(super) struct Workers {
    crawl: Arc<Crawl>,
    sites: BTreeMap<String, Arc<Site>>,
    shutdown: Shutdown,
    tasks: JoinSet<(String, Result<(), LogError>)>,
    /// Who is visited, and what makes them be left.
    running: BTreeMap<String, Shutdown>,
    /// Whether there was a share before: then others have visited these sources a moment ago.
    was_told: bool,
}

impl Workers {
    pub(super) fn new(crawl: Arc<Crawl>, sites: Vec<Site>, shutdown: Shutdown) -> Self {
        let sites = sites.into_iter().map(|site| (site.id.clone(), Arc::new(site))).collect();
        Self { crawl, sites, shutdown, tasks: JoinSet::new(), running: BTreeMap::new(), was_told: false }
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &str> {
        self.sites.keys().map(String::as_str)
    }

    pub(super) fn running(&self) -> BTreeSet<String> {
        self.running.keys().cloned().collect()
    }

    /// Waits until a task ends, which none does but at the end or with an error.
    ///
    /// # Errors
    /// The one that it ended with.
    pub(super) async fn ended(&mut self) -> anyhow::Result<()> {
        let Some(ended) = self.tasks.join_next().await else { return std::future::pending().await };
        let (source, outcome) = ended?;
        self.running.remove(&source);
        Ok(outcome?)
    }

    /// Leaves sources and, when nothing is under way on them any more, returns.
    ///
    /// # Errors
    /// As [`Self::ended`].
    pub(super) async fn leave(&mut self, change: &Change) -> anyhow::Result<()> {
        for source in &change.leave {
            if let Some(leave) = self.running.get(source) {
                leave.cancel();
            }
        }
        while change.leave.iter().any(|source| self.running.contains_key(source)) {
            self.ended().await?;
        }
        self.tell();
        Ok(())
    }

    /// Begins with sources, each from where its reports say that it is covered.
    pub(super) async fn begin(&mut self, change: &Change) {
        if change.begin.is_empty() {
            return;
        }
        self.crawl.coverage.catch_up(&self.crawl.log).await;
        for id in &change.begin {
            let Some(site) = self.sites.get(id).cloned() else { continue };
            let leave = self.shutdown.child_token();
            self.running.insert(id.clone(), leave.clone());
            let (crawl, shutdown, id) = (self.crawl.clone(), self.shutdown.clone(), id.clone());
            // Whoever had the source may have been asked to wait, or has just been there.
            let due = crawl.coverage.next_visit_at(&id).filter(|_| self.was_told).unwrap_or(Timestamp::MIN);
            self.tasks.spawn(async move {
                let outcome = tokio::select! {
                    () = shutdown.cancelled() => Ok(()),
                    () = async { leave.cancelled().await; tokio::time::sleep(LEAVING).await } => {
                        tracing::info!(source = %id, "a visit is dropped: the source is another worker's now");
                        Ok(())
                    }
                    ended = crawl.source(site, due, &leave) => ended,
                };
                (id, outcome)
            });
        }
        self.was_told = true;
        self.tell();
    }

    fn tell(&self) {
        metrics::INGEST_SOURCES.set(self.running.len() as i64);
    }
}
