//! Understanding, trend and archive: `posts.raw` into `posts.analyzed`, `topics.pulse` and search.
//!
//! Must not know: how posts are fetched or who is paged. It reads `posts.raw`, `crawl.reports` and `control`, writes
//! `posts.analyzed`, `topics.pulse` and `posts.rejected`, and imports nothing of the other stages.
//!
//! * [`query`]: the language of watch topics and of search: parsing, and matching against a post.
//! * [`understand`]: one post: normalise, segment, sentiment, keyphrases, watch topics.
//! * [`archive`]: verdicts (first seen, revision, duplicate), tantivy, search.
//! * [`pipeline`]: from posts.raw through all of these to posts.analyzed and the archive.
//! * [`replay`]: history through the very same code.
//! * [`trend`]: across posts: counts, expectation, surprise, spikes, pulses.

pub mod archive;
pub mod pipeline;
pub mod query;
pub mod replay;
pub mod trend;
pub mod understand;

use schemas::{
    kit::{
        service::{Ready, Service},
        settings::{DistrictFile, Fault, Places, Settings, Spanned, Taxonomy},
        shutdown::Shutdown,
    },
    log::SharedLog,
};
use std::sync::Arc;
use tokio::task::JoinHandle;
use understand::Understanding;

/// Faults of the config that only this stage can judge: queries of watch topics, and the district's own files.
#[must_use]
pub fn check(settings: &Settings) -> Vec<Fault> {
    let names = names(settings);
    let mut faults: Vec<Fault> = settings
        .watch
        .iter()
        .filter_map(|watch| {
            let error = query::parse_watch(&watch.get_ref().query, &names).err()?;
            Some(settings.fault(watch, "query", error.to_string()))
        })
        .collect();
    faults.extend(taxonomy(settings).err().into_iter().flatten());
    faults.extend(places(settings).err().into_iter().flatten());
    faults
}

/// The taxonomy that the config names.
fn taxonomy(settings: &Settings) -> Result<Option<Taxonomy>, Vec<Fault>> {
    settings.understand.taxonomy.as_deref().map(Taxonomy::load).transpose()
}

/// The places that the config names.
fn places(settings: &Settings) -> Result<Option<Places>, Vec<Fault>> {
    settings.understand.places.as_deref().map(Places::load).transpose()
}

/// Starts the stage. Its router has `/api/search`, `/api/search/export`, `/api/briefs`, `/api/threads`, `/api/topics`, `/api/topics/hot` and `/api/topics/{id}/pulse`.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(settings: &Settings, log: SharedLog, shutdown: Shutdown) -> anyhow::Result<Service> {
    let understanding = Arc::new(understanding(settings)?);
    let archive = archive::start(settings, log.clone(), understanding, shutdown.clone()).await?;
    let trend = trend::start(settings, log, shutdown.clone()).await?;
    let ready = {
        let (archive, trend) = (archive.ready.clone(), trend.ready.clone());
        Ready::new(move || archive.check().and_then(|()| trend.check()))
    };
    let task = tokio::spawn(async move {
        let until_end = async |task: JoinHandle<anyhow::Result<()>>| {
            let outcome = task.await.map_err(anyhow::Error::from).and_then(|ended| ended);
            // One without the other is no watch: both end, and the process with them.
            shutdown.cancel();
            outcome
        };
        let (archive, trend) = tokio::join!(until_end(archive.task), until_end(trend.task));
        archive.and(trend)
    });
    Ok(Service { name: "analyze", router: archive.router.merge(trend.router), ready, task })
}

/// What understanding needs, with the watch topics, the taxonomy and the places of the config.
///
/// # Errors
/// When a watch topic's query cannot be parsed, or a district's own file is faulty.
pub fn understanding(settings: &Settings) -> anyhow::Result<Understanding> {
    let told = |faults: Vec<Fault>| anyhow::anyhow!(faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n"));
    let (taxonomy, places) = (taxonomy(settings).map_err(told)?, places(settings).map_err(told)?);
    let taxonomy = match &taxonomy {
        Some(own) => own,
        None => understand::category::shipped()?,
    };
    let places = match &places {
        Some(own) => own,
        None => understand::places::shipped()?,
    };
    Understanding::with(settings.watch.iter().map(Spanned::get_ref), &names(settings), taxonomy, places)
}

/// What the config calls its sources and watch topics, for queries.
#[must_use]
pub fn names(settings: &Settings) -> query::Names {
    let mut names = query::Names::default();
    for source in settings.source.iter().map(Spanned::get_ref) {
        names.add("source", &source.id, &source.name);
    }
    for watch in settings.watch.iter().map(Spanned::get_ref) {
        names.add("topic", &watch.id, &watch.name);
    }
    names
}
