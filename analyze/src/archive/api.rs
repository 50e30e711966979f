//! `GET /api/search`.

use super::{
    Archive,
    search::{Filter, MOST_HITS, Page, Search, SearchError, Sort},
};
use crate::query;
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use jiff::Timestamp;
use schemas::{
    kit::{
        auth::{Caller, MAY_SEARCH, guard},
        http::Problem,
        metrics,
    },
    log::{NewRecord, SharedLog, Topic},
    records::{AuditEntry, Record},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// Searches at a time; more wait.
const AT_A_TIME: usize = 4;
/// How long a search may wait and work.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest query, in characters.
const LONGEST_QUERY: usize = 1_000;
/// Hits of a page, unless the caller says otherwise.
const HITS: usize = 20;

#[derive(Clone)]
struct Api {
    archive: Arc<Archive>,
    log: SharedLog,
    permits: Arc<Semaphore>,
}

/// The search's part of the API.
pub(super) fn router(archive: Arc<Archive>, log: SharedLog) -> Router {
    let api = Api { archive, log, permits: Arc::new(Semaphore::new(AT_A_TIME)) };
    Router::new().route("/api/search", guard(MAY_SEARCH, get(search))).with_state(api)
}

/// The parameters as they come; an empty one counts as left out.
#[derive(Deserialize, Serialize)]
struct Parameters {
    q: Option<String>,
    from: Option<String>,
    to: Option<String>,
    source: Option<String>,
    kind: Option<String>,
    sentiment: Option<String>,
    unit: Option<String>,
    topic: Option<String>,
    sort: Option<String>,
    limit: Option<String>,
    cursor: Option<String>,
}

/// What is given of them, as the audit record shows it.
impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut given = serde_json::to_value(self).unwrap_or_default();
        if let Some(given) = given.as_object_mut() {
            given.retain(|_, value| value.as_str().is_some_and(|value| !value.is_empty()));
        }
        given.fmt(f)
    }
}

async fn search(
    State(api): State<Api>,
    caller: Caller,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Result<Json<Page>, Problem> {
    let Query(parameters) = parameters.map_err(|rejection| Problem::bad_request("bad_query", rejection.body_text()))?;
    let asked = parameters.to_string();
    let search = parse(parameters)?;
    tokio::spawn(audit(api.log.clone(), caller, asked));
    let deadline = Instant::now() + PATIENCE;
    let busy = || Problem::unavailable("太多检索在进行, 请稍后再试 / too many searches at a time: try again soon");
    let permit = tokio::time::timeout_at(deadline.into(), api.permits.acquire_owned()).await;
    let permit = permit.ok().and_then(Result::ok).ok_or_else(busy)?;
    let work = move || {
        let timer = metrics::ANALYZE_SEARCH.start_timer();
        let page = api.archive.search(&search, deadline);
        timer.observe_duration();
        drop(permit);
        page
    };
    let page = tokio::task::spawn_blocking(work).await.map_err(|error| Problem::internal(&error))?;
    page.map(Json).map_err(|error| match error {
        SearchError::Cursor(error) => Problem::bad_request("bad_cursor", error.to_string()),
        SearchError::TooLong => Problem::unavailable(error.to_string()),
        SearchError::Archive(error) => Problem::internal(&error),
    })
}

fn parse(parameters: Parameters) -> Result<Search, Problem> {
    let given = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let q = given(parameters.q).unwrap_or_default();
    if q.chars().count() > LONGEST_QUERY {
        let message = format!("q: 检索式过长 / at most {LONGEST_QUERY} characters");
        return Err(Problem::bad_request("bad_query", message));
    }
    let query = query::parse(&q).map_err(|error| Problem::bad_request("bad_query", format!("q: {error}")))?;
    let time = |key: &str, text: Option<String>| match given(text) {
        None => Ok(None),
        Some(text) => text.trim().parse::<Timestamp>().map(Some).map_err(|_| {
            let message = format!("{key}: must be a time such as 2026-11-24T08:00:00+08:00 (in an address, + is %2B)");
            Problem::bad_request("bad_time", message)
        }),
    };
    let limit = match given(parameters.limit) {
        None => HITS,
        Some(text) => text.trim().parse().ok().filter(|limit| *limit <= MOST_HITS).ok_or_else(|| {
            Problem::bad_request("bad_limit", format!("limit: must be a number from 0 to {MOST_HITS}"))
        })?,
    };
    Ok(Search {
        query,
        filter: Filter {
            from: time("from", parameters.from)?,
            to: time("to", parameters.to)?,
            source: given(parameters.source),
            kind: word("kind", given(parameters.kind), "post, comment, repost or report")?,
            sentiment: word("sentiment", given(parameters.sentiment), "negative, neutral or positive")?,
            unit: given(parameters.unit),
            topic: given(parameters.topic),
        },
        sort: word("sort", given(parameters.sort), "time, relevance or heat")?.unwrap_or(Sort::Time),
        limit,
        cursor: given(parameters.cursor),
    })
}

/// One of the words of an enumeration.
fn word<T: DeserializeOwned>(key: &str, text: Option<String>, words: &str) -> Result<Option<T>, Problem> {
    let Some(text) = text else { return Ok(None) };
    serde_json::from_value(text.into())
        .map(Some)
        .map_err(|_| Problem::bad_request("bad_parameter", format!("{key}: must be {words}")))
}

/// Who searched for what is on the record. A log that cannot take it neither fails nor slows the search.
async fn audit(log: SharedLog, caller: Caller, asked: String) {
    let entry = AuditEntry {
        v: AuditEntry::VERSION,
        at: Timestamp::now(),
        who: caller.name,
        role: caller.role,
        action: "search".to_owned(),
        object: String::new(),
        detail: asked,
    };
    let record = NewRecord { partition: 0, key: None, value: entry.encode() };
    if let Err(error) = log.append(Topic::Audit, vec![record]).await {
        tracing::error!(%error, who = entry.who, "a search could not be put on the audit record");
    }
}
