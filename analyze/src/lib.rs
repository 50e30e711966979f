//! Understanding, trend and archive: `posts.raw` into `posts.analyzed`, `topics.pulse` and search.
//!
//! Must not know: how posts are fetched or who is paged. It reads `posts.raw`, `crawl.reports` and `control`, writes
//! `posts.analyzed`, `topics.pulse` and `posts.rejected`, and imports nothing of the other stages.
//!
//! * [`query`]: the language of watch topics and of search: parsing, and matching against a post.
//! * [`understand`]: one post: normalise, segment, sentiment, keyphrases, watch topics.
//! * [`archive`]: verdicts (first seen, revision, duplicate), tantivy, search.
//! * [`pipeline`]: from posts.raw through all of these to posts.analyzed and the archive.
//! * [`trend`]: across posts: counts, expectation, surprise, spikes, pulses.

pub mod archive;
pub mod pipeline;
pub mod query;
pub mod trend;
pub mod understand;

use schemas::{
    kit::{
        service::Service,
        settings::{Fault, Settings},
        shutdown::Shutdown,
    },
    log::SharedLog,
};

/// Faults of the config that only this stage can judge: queries of watch topics.
#[must_use]
pub fn check(settings: &Settings) -> Vec<Fault> {
    settings
        .watch
        .iter()
        .filter_map(|watch| {
            let error = query::parse(&watch.get_ref().query).err()?;
            Some(settings.fault(watch, "query", error.to_string()))
        })
        .collect()
}

/// Starts the stage. Its router has `/api/search`, `/api/topics`, `/api/topics/hot` and `/api/topics/{id}/pulse`.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(_settings: &Settings, _log: SharedLog, _shutdown: Shutdown) -> anyhow::Result<Service> {
    anyhow::bail!("not built yet")
}
