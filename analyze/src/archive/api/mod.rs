//! `GET /api/search`, `GET /api/search/export`, `GET /api/corrections/export`, `GET /api/threads`, `GET /api/briefs`.

mod brief;
mod file;
mod parameters;

use super::{
    Archive,
    brief::Links,
    search::{MOST_HITS, Page, SearchError, Thread},
};
use crate::{
    audit::{self, audit, entry},
    query::Context,
};
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use jiff::{Timestamp, tz::TimeZone};
use parameters::Parameters;
use schemas::{
    kit::{
        auth::{Caller, MAY_EXPORT, MAY_SEARCH, guard},
        http::Problem,
        metrics,
    },
    log::SharedLog,
    records::CANARY_SOURCE,
};
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Searches at a time; more wait.
const AT_A_TIME: usize = 4;
/// Files that are written at a time; more are refused at once.
const FILES_AT_A_TIME: usize = 2;
/// How long a search may wait and work.
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone)]
struct Api {
    archive: Arc<Archive>,
    log: SharedLog,
    tz: TimeZone,
    links: Links,
    searches: Arc<Semaphore>,
    files: Arc<Semaphore>,
}

/// The search's part of the API; days begin as `tz` says, and `links` is where the console is.
pub(super) fn router(archive: Arc<Archive>, log: SharedLog, tz: TimeZone, links: Links) -> Router {
    let (searches, files) = (Arc::new(Semaphore::new(AT_A_TIME)), Arc::new(Semaphore::new(FILES_AT_A_TIME)));
    let api = Api { archive, log, tz, links, searches, files };
    Router::new()
        .route("/api/search", guard(MAY_SEARCH, get(search)))
        .route("/api/search/export", guard(MAY_EXPORT, get(file::export)))
        .route("/api/corrections/export", guard(MAY_EXPORT, get(file::corrections)))
        .route("/api/briefs", guard(MAY_EXPORT, get(brief::brief)))
        .route("/api/threads", guard(MAY_SEARCH, get(thread)))
        .with_state(api)
}

type Given<T> = Result<Query<T>, QueryRejection>;

fn read<T>(parameters: Given<T>) -> Result<T, Problem> {
    parameters.map(|Query(given)| given).map_err(|rejection| Problem::bad_request("bad_query", rejection.body_text()))
}

async fn search(State(api): State<Api>, caller: Caller, parameters: Given<Parameters>) -> Result<Json<Page>, Problem> {
    let parameters = read(parameters)?;
    let asked = parameters.to_string();
    let search = parameters.search(&api.context())?;
    tokio::spawn(audit(api.log.clone(), entry(caller, "search", "", asked)));
    api.work(move |archive, deadline| archive.search(&search, deadline)).await.map(Json)
}

/// Which thread, and which page of it.
#[derive(Deserialize, Serialize)]
struct OfThread {
    id: String,
    /// The query whose words are marked.
    q: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

async fn thread(State(api): State<Api>, caller: Caller, parameters: Given<OfThread>) -> Result<Json<Thread>, Problem> {
    let OfThread { id, q, limit, cursor } = read(parameters)?;
    let marked = parameters::query(q, &api.context())?;
    let limit = parameters::number("limit", limit, MOST_HITS)?.unwrap_or(MOST_HITS);
    let cursor = cursor.filter(|cursor| !cursor.is_empty());
    // Wanglou's own question whether its canary has arrived is nobody's reading.
    if id.split_once(':').is_none_or(|(source, _)| source != CANARY_SOURCE) {
        let asked = serde_json::json!({ "id": id }).to_string();
        tokio::spawn(audit(api.log.clone(), entry(caller, "thread", "", asked)));
    }
    let found = api.work(move |archive, deadline| archive.thread(&id, limit, cursor, &marked, deadline)).await?;
    found.map(Json).ok_or_else(|| {
        Problem::not_found("id: 库中没有这个帖子 / the archive does not hold this post: pass on a hit's id as it is")
    })
}

impl Api {
    /// What the words of a query are read against, now.
    fn context(&self) -> Context {
        let names = self.archive.understanding().get().names().clone();
        Context { now: Timestamp::now(), tz: self.tz.clone(), names }
    }

    /// Does what reads the archive, when its turn comes.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Archive, Instant) -> Result<T, SearchError> + Send + 'static,
    ) -> Result<T, Problem> {
        let deadline = Instant::now() + PATIENCE;
        let permit = self.turn(deadline).await?;
        let archive = self.archive.clone();
        let work = move || {
            let timer = metrics::ANALYZE_SEARCH.start_timer();
            let outcome = work(&archive, deadline);
            timer.observe_duration();
            drop(permit);
            outcome
        };
        let outcome = tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?;
        outcome.map_err(problem)
    }

    async fn turn(&self, deadline: Instant) -> Result<OwnedSemaphorePermit, Problem> {
        let permit = tokio::time::timeout_at(deadline.into(), self.searches.clone().acquire_owned()).await;
        permit.ok().and_then(Result::ok).ok_or_else(|| {
            Problem::unavailable("太多检索在进行, 请稍后再试 / too many searches at a time: try again soon")
        })
    }
}

fn problem(error: SearchError) -> Problem {
    match error {
        SearchError::Cursor(error) => Problem::bad_request("bad_cursor", error.to_string()),
        SearchError::TooManyTexts(_) => Problem::bad_request("too_many", format!("collapse: {error}")),
        SearchError::TooFine(error) => Problem::bad_request("too_many", format!("histogram: {error}")),
        SearchError::TooLong => Problem::unavailable(error.to_string()),
        SearchError::Archive(error) => Problem::internal(&error),
    }
}
