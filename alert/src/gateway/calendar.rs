//! Rosters as calendars: `/api/roster/{id}.ics` for whoever is logged in, and `/calendar/{token}.ics` for calendar apps, which
//! cannot log in.
//!
//! | request | answer |
//! |---|---|
//! | `POST /api/calendar` | an address with a token of 128 random bits, shown this once; the one before leads nowhere from now on |
//! | `GET /api/calendar` | whether there is one, without the address: of the token only the hash is kept |
//! | `DELETE /api/calendar` | it leads nowhere from now on; what is gone already is no fault |
//! | `GET /calendar/{token}.ics`, a token that is known | a calendar to read, and nothing else |
//! | any other under `/calendar/` | 404, whatever is wrong with it |

use super::{Gateway, outage::problem, roster::duty, session::unreadable};
use crate::{
    audit::entry,
    engine::desk::random_key,
    records::{CalendarFeed, RecordsError, repeat},
    roster::{Turn, ical, plan, text::name},
};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{SignedDuration, Timestamp};
use schemas::kit::{auth::Caller, http::Problem, settings::Duty, tokens::hash};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const BACK: SignedDuration = SignedDuration::from_hours(31 * 24);
const AHEAD: SignedDuration = SignedDuration::from_hours(92 * 24);
/// A token has so many characters: 128 bits in hex.
const TOKEN: usize = 32;

/// Whose turns a feed shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Whose {
    Mine,
    All,
}

impl Whose {
    fn of(feed: &CalendarFeed) -> Self {
        if feed.all { Self::All } else { Self::Mine }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    whose: Whose,
}

#[derive(Debug, Deserialize)]
pub(super) struct Filter {
    person: Option<String>,
}

#[derive(Debug, Serialize)]
struct Feed {
    whose: Whose,
    created_at: Timestamp,
}

#[derive(Debug, Serialize)]
pub(super) struct Standing {
    feed: Option<Feed>,
}

#[derive(Debug, Serialize)]
pub(super) struct Made {
    address: String,
    whose: Whose,
    created_at: Timestamp,
}

/// `GET /api/roster/{id}.ics`
pub(super) async fn of_roster(
    State(gateway): State<Arc<Gateway>>,
    Path(file): Path<String>,
    query: Result<Query<Filter>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(filter) = query.map_err(|rejection| Problem::bad_request("query", rejection.body_text()))?;
    let id = file.strip_suffix(".ics").ok_or_else(unknown)?;
    let duty = duty(&gateway, id)?;
    calendar(&gateway, std::slice::from_ref(duty), name(duty), filter.person.as_deref()).await
}

/// `GET /calendar/{token}.ics`
pub(super) async fn of_token(
    State(gateway): State<Arc<Gateway>>,
    Path(file): Path<String>,
) -> Result<Response, Problem> {
    let token = file.strip_suffix(".ics").filter(|token| token.len() == TOKEN).ok_or_else(unknown)?;
    let records = &gateway.desk.records;
    let feed = records.calendar_feed(&hash(token)).await.map_err(|error| problem(&error))?.ok_or_else(unknown)?;
    let person = (!feed.all).then_some(feed.owner.as_str());
    let title = if feed.all { "望楼值班表".to_owned() } else { format!("望楼值班: {}", feed.owner) };
    calendar(&gateway, &gateway.desk.plan.duties, &title, person).await
}

/// `GET /api/calendar`
pub(super) async fn standing(State(gateway): State<Arc<Gateway>>, caller: Caller) -> Result<Json<Standing>, Problem> {
    let feed = gateway.desk.records.calendar_feed_of(&caller.name).await.map_err(|error| problem(&error))?;
    let feed = feed.map(|feed| Feed { whose: Whose::of(&feed), created_at: feed.created_at });
    Ok(Json(Standing { feed }))
}

/// `POST /api/calendar`
pub(super) async fn make(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    body: Result<Json<Wanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Made>), Problem> {
    let Json(Wanted { whose }) = body.map_err(|rejection| unreadable(&rejection))?;
    let (token, now) = (random_key(), gateway.desk.now());
    let feed = CalendarFeed { owner: caller.name.clone(), all: whose == Whose::All, created_at: now };
    let once = async || {
        let mut tx = gateway.desk.records.begin().await?;
        tx.set_calendar_feed(&feed, &hash(&token)).await?;
        tx.audit(&random_key(), &entry(&caller, "calendar_made", "", "", now)).await?;
        tx.commit().await
    };
    repeat(RecordsError::is_broken_off, once).await.map_err(|error| problem(&error))?;
    let address = format!("{}/calendar/{token}.ics", gateway.desk.style.base);
    Ok((StatusCode::CREATED, Json(Made { address, whose, created_at: now })))
}

/// `DELETE /api/calendar`
pub(super) async fn revoke(State(gateway): State<Arc<Gateway>>, caller: Caller) -> Result<StatusCode, Problem> {
    let now = gateway.desk.now();
    let once = async || {
        let mut tx = gateway.desk.records.begin().await?;
        if tx.revoke_calendar_feed(&caller.name).await? {
            tx.audit(&random_key(), &entry(&caller, "calendar_revoked", "", "", now)).await?;
        }
        tx.commit().await
    };
    repeat(RecordsError::is_broken_off, once).await.map_err(|error| problem(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

async fn calendar(gateway: &Gateway, duties: &[Duty], title: &str, person: Option<&str>) -> Result<Response, Problem> {
    let desk = &gateway.desk;
    let now = desk.now();
    let (from, to) = (now.checked_sub(BACK).unwrap_or(now), now.checked_add(AHEAD).unwrap_or(now));
    let changes = desk.records.roster_changes(from).await.map_err(|error| problem(&error))?;
    let turns: Vec<(&Duty, Turn)> = duties
        .iter()
        .flat_map(|duty| plan(duty, &changes, from, to, &desk.style.tz).into_iter().map(move |turn| (duty, turn)))
        .filter(|(_, turn)| person.is_none_or(|person| turn.person == person))
        .collect();
    let entries = turns.iter().map(|(duty, turn)| ical::Entry { roster: &duty.id, name: name(duty), turn });
    let headers = [(header::CONTENT_TYPE, "text/calendar; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, ical::calendar(title, entries, now)).into_response())
}

fn unknown() -> Problem {
    Problem::not_found("没有这个日历 / there is no such calendar")
}
