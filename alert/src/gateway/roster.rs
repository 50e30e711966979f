//! `/api/roster`: who is on duty, what is planned and changed, what is wrong with it, and what is handed over.

use super::{Gateway, outage::problem, session::unreadable};
use crate::{
    engine::roster::{RosterError, before},
    records::RecordsError,
    roster::{
        self, Change, Turn,
        change::{Kind, Slot},
        findings::Finding,
        handover::{Handover, Pending},
        on_duty, plan,
        rules::{Refusal, Wanted},
        text::name,
    },
};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::StatusCode,
};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Weekday, tz::TimeZone};
use schemas::kit::{auth::Caller, http::Problem, settings::Duty};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The longest span that is shown at once.
const LONGEST: SignedDuration = SignedDuration::from_hours(92 * 24);
/// How far ahead it is looked for who comes on next.
const NEXT: SignedDuration = SignedDuration::from_hours(31 * 24);
/// The longest note, in characters.
const LONGEST_NOTE: usize = 4000;
const LONGEST_NAME: usize = 64;

#[derive(Debug, Deserialize)]
pub(super) struct Span {
    from: Option<Timestamp>,
    to: Option<Timestamp>,
}

/// All rosters.
#[derive(Debug, Serialize)]
pub(super) struct Board {
    at: Timestamp,
    from: Timestamp,
    to: Timestamp,
    rosters: Vec<Roster>,
    people: Vec<String>,
}

/// One roster.
#[derive(Debug, Serialize)]
struct Roster {
    id: String,
    name: String,
    handover: bool,
    report_at: String,
    channels: Vec<String>,
    turns: Vec<Turn>,
    now: Vec<OnDuty>,
    next: Vec<OnDuty>,
    findings: Vec<Finding>,
    changes: Vec<Change>,
    handovers: Vec<Handover>,
    pending: Vec<Pending>,
}

/// Who is on, until when, and where they are reached.
#[derive(Debug, Serialize)]
struct OnDuty {
    person: String,
    from: Timestamp,
    to: Timestamp,
    channels: Vec<String>,
}

/// A change, as it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeWanted {
    kind: Kind,
    from: Timestamp,
    to: Timestamp,
    person: String,
    instead_of: Option<String>,
    with: Option<Slot>,
    #[serde(default)]
    why: String,
}

/// A hand-over, as it comes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HandoverWanted {
    note: String,
    by: Option<String>,
}

impl From<RosterError> for Problem {
    fn from(error: RosterError) -> Self {
        match error {
            RosterError::Unknown(what) => Self::not_found(what),
            RosterError::Refused(Refusal::Wrong(code, message)) => Self::bad_request(code, message),
            RosterError::Refused(Refusal::Late(code, message)) => Self::conflict(code, message),
            RosterError::Refused(Refusal::NotYours(message)) => Self::new(StatusCode::FORBIDDEN, "not_yours", message),
            RosterError::Records(error) => problem(&error),
        }
    }
}

/// `GET /api/roster`
pub(super) async fn board(
    State(gateway): State<Arc<Gateway>>,
    query: Result<Query<Span>, QueryRejection>,
) -> Result<Json<Board>, Problem> {
    let Query(asked) = query.map_err(|rejection| Problem::bad_request("query", rejection.body_text()))?;
    let desk = &gateway.desk;
    let (now, tz) = (desk.now(), &desk.style.tz);
    let from = asked.from.unwrap_or_else(|| monday(now, tz));
    let to = asked.to.unwrap_or_else(|| from.checked_add(SignedDuration::from_hours(7 * 24)).unwrap_or(from));
    if from >= to || to.duration_since(from) > LONGEST {
        return Err(Problem::bad_request(
            "span",
            "from 须早于 to, 至多 92 天 / from must lie before to, by 92 days at most",
        ));
    }
    let read = async {
        let changes = desk.records.roster_changes(from.min(before(now))).await?;
        let handovers = desk.records.handovers(from.min(before(now))).await?;
        Ok::<_, RecordsError>((changes, handovers))
    };
    let (changes, handovers) = read.await.map_err(|error| problem(&error))?;
    let people = desk.plan.people.names();
    let members = desk.plan.duties.iter().flat_map(|duty| &duty.shift).flat_map(|shift| shift.get_ref().members());
    let mut named: Vec<String> = Vec::new();
    for name in people.chain(members).map(str::to_owned) {
        roster::add(&mut named, &[name]);
    }
    let rosters = desk.plan.duties.iter().map(|duty| {
        let on = |turn: &Turn| OnDuty {
            person: turn.person.clone(),
            from: turn.from,
            to: turn.to,
            channels: turn.channels(duty, &desk.plan.people),
        };
        let own: Vec<Handover> = handovers.iter().filter(|handover| handover.roster == duty.id).cloned().collect();
        let ahead = plan(duty, &changes, now, now.checked_add(NEXT).unwrap_or(now), tz);
        let next = ahead.iter().map(|turn| turn.from).filter(|begins| *begins > now).min();
        Roster {
            id: duty.id.clone(),
            name: name(duty).to_owned(),
            handover: duty.handover,
            report_at: duty.report_at.strftime("%H:%M").to_string(),
            channels: duty.channels.clone(),
            turns: plan(duty, &changes, from, to, tz),
            now: on_duty(duty, &changes, now, tz).iter().map(on).collect(),
            next: ahead.iter().filter(|turn| Some(turn.from) == next).map(on).collect(),
            findings: desk.findings(duty, &changes, now),
            changes: changes
                .iter()
                .filter(|change| change.roster == duty.id && change.until() > from)
                .cloned()
                .collect(),
            pending: desk.pending(duty, &changes, &own, now),
            handovers: own.into_iter().rev().collect(),
        }
    });
    Ok(Json(Board { at: now, from, to, rosters: rosters.collect(), people: named }))
}

/// When the week began.
fn monday(now: Timestamp, tz: &TimeZone) -> Timestamp {
    let today = tz.to_datetime(now).date();
    let monday = today.saturating_sub(i64::from(today.weekday().since(Weekday::Monday)).days());
    monday.at(0, 0, 0, 0).to_zoned_datetime(tz.clone()).map_or(now, |day| day.timestamp())
}

/// `POST /api/roster/{id}/changes`
pub(super) async fn change(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
    caller: Caller,
    body: Result<Json<ChangeWanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Change>), Problem> {
    let Json(ChangeWanted { kind, from, to, person, instead_of, with, why }) =
        body.map_err(|rejection| unreadable(&rejection))?;
    let names = std::iter::once(&person).chain(&instead_of).chain(with.iter().map(|with| &with.person));
    if names.into_iter().any(|name| name.chars().count() > LONGEST_NAME) {
        return Err(Problem::bad_request(
            "too_long",
            format!("人名最多 {LONGEST_NAME} 字 / a name has at most {LONGEST_NAME} characters"),
        ));
    }
    let wanted = Wanted { kind, from, to, person, instead_of, with, why };
    Ok((StatusCode::CREATED, Json(gateway.desk.change_roster(&id, &wanted, &caller).await?)))
}

/// A roster and a number in a path.
type Numbered = Result<Path<(String, i64)>, PathRejection>;

fn numbered(path: Numbered) -> Result<(String, i64), Problem> {
    path.map(|Path(path)| path).map_err(|rejection| Problem::bad_request("number", rejection.body_text()))
}

/// `POST /api/roster/{id}/changes/{n}/agree`
pub(super) async fn agree(
    State(gateway): State<Arc<Gateway>>,
    path: Numbered,
    caller: Caller,
) -> Result<Json<Change>, Problem> {
    let (id, n) = numbered(path)?;
    Ok(Json(gateway.desk.agree_to_change(&id, n, &caller).await?))
}

/// `DELETE /api/roster/{id}/changes/{n}`
pub(super) async fn withdraw(
    State(gateway): State<Arc<Gateway>>,
    path: Numbered,
    caller: Caller,
) -> Result<Json<Change>, Problem> {
    let (id, n) = numbered(path)?;
    Ok(Json(gateway.desk.withdraw_change(&id, n, &caller).await?))
}

/// `POST /api/roster/{id}/handovers`
pub(super) async fn hand_over(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
    caller: Caller,
    body: Result<Json<HandoverWanted>, JsonRejection>,
) -> Result<(StatusCode, Json<Handover>), Problem> {
    let Json(wanted) = body.map_err(|rejection| unreadable(&rejection))?;
    // What people write may have lines, but no other control characters.
    let note: String = wanted.note.chars().filter(|&c| c == '\n' || !c.is_control()).collect();
    if note.trim().is_empty() {
        return Err(Problem::bad_request(
            "note",
            "note: 请写明交班事项, 无事也请写明 / write what is handed over, also when it is nothing",
        ));
    }
    if note.chars().count() > LONGEST_NOTE {
        return Err(Problem::bad_request(
            "too_long",
            format!("note: 最多 {LONGEST_NOTE} 字 / at most {LONGEST_NOTE} characters"),
        ));
    }
    let handover = gateway.desk.hand_over(&id, note.trim(), wanted.by.as_deref(), &caller).await?;
    Ok((StatusCode::CREATED, Json(handover)))
}

/// `POST /api/roster/{id}/handovers/{n}/confirm`
pub(super) async fn take_over(
    State(gateway): State<Arc<Gateway>>,
    path: Numbered,
    caller: Caller,
) -> Result<Json<Handover>, Problem> {
    let (id, n) = numbered(path)?;
    Ok(Json(gateway.desk.take_over(&id, n, &caller).await?))
}

/// A roster of the config, for whoever reads only.
pub(super) fn duty<'a>(gateway: &'a Gateway, id: &str) -> Result<&'a Duty, Problem> {
    Ok(gateway.desk.duty(id)?)
}
