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
//! * `control`: what people set at runtime: corrections, watch topics, words.
//! * [`trend`]: across posts: counts, expectation, surprise, spikes, pulses.

pub mod archive;
mod audit;
mod control;
pub mod pipeline;
pub mod query;
pub mod replay;
pub mod trend;
pub mod understand;

use control::{Follower, Renewal};
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
    faults.extend(words(settings).err().into_iter().flatten());
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

/// The words of the user dictionary that the config names.
fn words(settings: &Settings) -> Result<Vec<String>, Vec<Fault>> {
    control::dictionary::of(settings.understand.dictionary.as_deref())
}

/// Starts the stage. Its router has `/api/search`, `/api/search/export`, `/api/briefs`, `/api/threads`, `/api/topics`, `/api/topics/hot`,
/// `/api/topics/{id}/pulse`, `/api/corrections`, `/api/watch`, `/api/words` and what lies under them.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(settings: &Settings, log: SharedLog, shutdown: Shutdown) -> anyhow::Result<Service> {
    let of_config = understanding(settings)?;
    // All that people have set is known before the first post is read.
    let (controls, follower) = Follower::open(settings, log.clone(), words(settings).map_err(told)?).await?;
    let renewal = Renewal::begin(settings, of_config, controls.clone()).await?;
    let topics = renewal.topics();
    let held = archive::open(settings, renewal.living(), controls.corrections().clone()).await?;
    let archive = archive::start(settings, log.clone(), held.clone(), shutdown.clone()).await?;
    let trend = trend::start_watching(settings, topics, log.clone(), shutdown.clone()).await?;
    let control = control::router(controls, held, log);
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
        let following = tokio::spawn(follower.run(shutdown.clone()));
        let renewing = tokio::spawn(renewal.run(shutdown.clone()));
        let (archive, trend, following, renewing) =
            tokio::join!(until_end(archive.task), until_end(trend.task), until_end(following), until_end(renewing));
        archive.and(trend).and(following).and(renewing)
    });
    Ok(Service { name: "analyze", router: archive.router.merge(trend.router).merge(control), ready, task })
}

/// The same with the watch topics and words that people have set, for whoever works on an archive that no stage runs.
///
/// # Errors
/// When it cannot be built, or `control` cannot be read.
pub async fn understanding_now(settings: &Settings, log: &SharedLog) -> anyhow::Result<Arc<Understanding>> {
    let of_config = understanding(settings)?;
    let (controls, _) = Follower::open(settings, log.clone(), words(settings).map_err(told)?).await?;
    Ok(Renewal::begin(settings, of_config, controls).await?.living().get())
}

/// What understanding needs, with the watch topics, the taxonomy, the places and the words of the config.
///
/// # Errors
/// When a watch topic's query cannot be parsed, or a district's own file is faulty.
pub fn understanding(settings: &Settings) -> anyhow::Result<Understanding> {
    let (taxonomy, places) = (taxonomy(settings).map_err(told)?, places(settings).map_err(told)?);
    let taxonomy = match &taxonomy {
        Some(own) => own,
        None => understand::category::shipped()?,
    };
    let places = match &places {
        Some(own) => own,
        None => understand::places::shipped()?,
    };
    let names = names(settings);
    let understanding = Understanding::with(settings.watch.iter().map(Spanned::get_ref), &names, taxonomy, places)?;
    match words(settings).map_err(told)? {
        none if none.is_empty() => Ok(understanding),
        words => understanding.renewed(settings.watch.iter().map(Spanned::get_ref), &names, &words),
    }
}

#[allow(clippy::needless_pass_by_value)] // `map_err` wants a function of this type
fn told(faults: Vec<Fault>) -> anyhow::Error {
    anyhow::anyhow!(faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("\n"))
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
