//! `/api/searches`: searches that people keep under a name.
//!
//! | whose it is | its owner | an administrator | others |
//! |---|---|---|---|
//! | shared | sees, changes, deletes | sees, deletes | see |
//! | not shared | sees, changes, deletes | as if it were not there | as if it were not there |
//!
//! Changing what is not there answers 404. Deleting it is no fault: it is gone, as was wanted. Each change is on the audit record, in the same transaction.

use super::{Gateway, outage::problem, session::unreadable};
use crate::{
    audit,
    engine::desk::random_key,
    message::clean,
    records::{RecordsError, SavedSearch, repeat},
};
use axum::{
    Json,
    extract::{Path, State, rejection::JsonRejection},
    http::StatusCode,
};
use jiff::Timestamp;
use schemas::{
    kit::{
        auth::{Caller, Role},
        http::Problem,
    },
    records::AuditEntry,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest name, in characters.
const LONGEST_NAME: usize = 60;
/// The longest query string, in characters: a query of a thousand Chinese characters, each nine when it is escaped, and filters.
const LONGEST_QUERY: usize = 12_000;
/// The most that one person keeps.
const MOST: i64 = 200;
/// The most that are shown.
const MOST_SHOWN: u32 = 500;

/// What is kept, as it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    name: String,
    query: String,
    #[serde(default)]
    shared: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct List {
    searches: Vec<SavedSearch>,
}

/// Why nothing was changed.
enum Refused {
    Problem(Problem),
    Records(RecordsError),
}

impl From<RecordsError> for Refused {
    fn from(error: RecordsError) -> Self {
        Self::Records(error)
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Problem(problem) => problem,
            Refused::Records(error) => super::outage::problem(&error),
        }
    }
}

/// `GET /api/searches`
pub(super) async fn list(State(gateway): State<Arc<Gateway>>, caller: Caller) -> Result<Json<List>, Problem> {
    let searches = gateway.desk.records.searches(&caller.name, MOST_SHOWN).await.map_err(|error| problem(&error))?;
    Ok(Json(List { searches }))
}

/// `POST /api/searches`
pub(super) async fn save(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<SavedSearch>), Problem> {
    let wanted = read(body)?;
    let now = gateway.desk.now();
    let search = SavedSearch {
        id: random_key(),
        owner: caller.name.clone(),
        name: wanted.name,
        query: wanted.query,
        shared: wanted.shared,
        created_at: now,
        changed_at: now,
    };
    let once = async || {
        let mut tx = gateway.desk.records.begin().await?;
        if tx.searches_of(&caller.name).await? >= MOST {
            let message = format!(
                "每人最多保存 {MOST} 个检索, 请先删去不用的 / one person keeps at most {MOST} searches: delete some"
            );
            return Err(Refused::Problem(Problem::conflict("too_many", message)));
        }
        tx.save_search(&search).await?;
        tx.audit(&random_key(), &entry(&caller, "search_saved", &search, now)).await?;
        Ok(tx.commit().await?)
    };
    repeat(is_broken_off, once).await?;
    Ok((StatusCode::CREATED, Json(search)))
}

/// `PUT /api/searches/{id}`
pub(super) async fn change(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
    caller: Caller,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<SavedSearch>, Problem> {
    let wanted = read(body)?;
    let now = gateway.desk.now();
    let once = async || {
        let mut tx = gateway.desk.records.begin().await?;
        let found = tx.search(&id).await?.filter(|search| search.shared || search.owner == caller.name);
        let Some(known) = found else {
            let message = "没有这个检索, 可能已被删除 / there is no such search: it may have been deleted";
            return Err(Refused::Problem(Problem::not_found(message)));
        };
        if known.owner != caller.name {
            return Err(Refused::Problem(not_yours(&known)));
        }
        let Wanted { name, query, shared } = &wanted;
        let (name, query) = (name.clone(), query.clone());
        let search = SavedSearch { name, query, shared: *shared, changed_at: now, ..known };
        tx.save_search(&search).await?;
        tx.audit(&random_key(), &entry(&caller, "search_changed", &search, now)).await?;
        tx.commit().await?;
        Ok(search)
    };
    Ok(Json(repeat(is_broken_off, once).await?))
}

/// `DELETE /api/searches/{id}`
pub(super) async fn delete(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<StatusCode, Problem> {
    let once = async || {
        let mut tx = gateway.desk.records.begin().await?;
        let found = tx.search(&id).await?.filter(|search| search.shared || search.owner == caller.name);
        let Some(search) = found else { return Ok(()) };
        if search.owner != caller.name && caller.role != Role::Admin {
            return Err(Refused::Problem(not_yours(&search)));
        }
        tx.forget_search(&id).await?;
        tx.audit(&random_key(), &entry(&caller, "search_deleted", &search, gateway.desk.now())).await?;
        Ok(tx.commit().await?)
    };
    repeat(is_broken_off, once).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn is_broken_off(refused: &Refused) -> bool {
    matches!(refused, Refused::Records(error) if error.is_broken_off())
}

fn not_yours(search: &SavedSearch) -> Problem {
    let owner = &search.owner;
    let message = format!(
        "这是 {owner} 保存的检索, 只有本人能改; 可另存一份 / {owner} keeps this search and alone may change it: save one of your own"
    );
    Problem::new(StatusCode::FORBIDDEN, "not_yours", message)
}

/// What is kept, made fit to be shown to others.
fn read(body: Result<Json<Wanted>, JsonRejection>) -> Result<Wanted, Problem> {
    let Json(wanted) = body.map_err(|rejection| unreadable(&rejection))?;
    if wanted.name.chars().count() > LONGEST_NAME {
        let message = format!("name: 名称最多 {LONGEST_NAME} 字 / at most {LONGEST_NAME} characters");
        return Err(Problem::bad_request("too_long", message));
    }
    let name = clean(&wanted.name, LONGEST_NAME);
    if name.is_empty() {
        return Err(Problem::bad_request("name", "name: 请给检索起个名称 / a name is needed"));
    }
    if wanted.query.chars().count() > LONGEST_QUERY {
        let message = format!("query: 检索条件过长 / at most {LONGEST_QUERY} characters");
        return Err(Problem::bad_request("too_long", message));
    }
    // The page's address is escaped, so nothing but plain characters stands in it.
    let plain =
        wanted.query.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'#' | b'\\'));
    let query = wanted.query.strip_prefix('?').unwrap_or(&wanted.query).to_owned();
    if !plain || query.is_empty() {
        let message = "query: 应为检索页地址中 ? 之后的部分 (已转义) / what stands behind the ? of the search page's address is needed, \
                       escaped as it is there";
        return Err(Problem::bad_request("query", message));
    }
    Ok(Wanted { name, query, shared: wanted.shared })
}

fn entry(caller: &Caller, action: &str, search: &SavedSearch, at: Timestamp) -> AuditEntry {
    let SavedSearch { name, query, shared, owner, .. } = search;
    let detail = serde_json::json!({ "owner": owner, "name": name, "query": query, "shared": shared }).to_string();
    audit::entry(caller, action, &search.id, &detail, at)
}
