//! `/api/incidents`: what stands in the records, and what people do to it.

use super::{Gateway, limit, outage::problem, session::unreadable};
use crate::{
    engine::desk::ActError,
    incident::{Command, Refusal},
};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
};
use jiff::Timestamp;
use schemas::{
    kit::{auth::Caller, http::Problem},
    records::{Delivery, Event, Incident},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const LONGEST_TEXT: usize = 4000;
const LONGEST_UNIT: usize = 100;
const MOST_ASSISTING: usize = 20;

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Which {
    #[default]
    Open,
    Closed,
    All,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListQuery {
    #[serde(default)]
    state: Which,
    limit: Option<u32>,
}

#[derive(Debug, Serialize)]
pub(super) struct List {
    incidents: Vec<Incident>,
}

#[derive(Debug, Serialize)]
pub(super) struct IncidentFile {
    incident: Incident,
    history: Vec<Event>,
    deliveries: Vec<Delivery>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Act {
    version: Option<u64>,
    text: String,
    unit: String,
    unit_id: Option<String>,
    assisting: Vec<String>,
    due_at: Option<Timestamp>,
    press: bool,
    clock: String,
}

/// What is merged or split.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Join {
    version: Option<u64>,
    text: String,
    into: String,
    topics: Vec<String>,
}

/// `GET /api/incidents`
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<List>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request("query", rejection.body_text()))?;
    let limit = limit(query.limit, 100)?;
    let open = match query.state {
        Which::Open => Some(true),
        Which::Closed => Some(false),
        Which::All => None,
    };
    let mut incidents = gateway.desk.records.incidents(open, limit).await.map_err(|error| problem(&error))?;
    incidents.retain(|incident| gateway.desk.may_see(incident, &caller));
    Ok(Json(List { incidents }))
}

/// `GET /api/incidents/{id}`
pub(super) async fn one(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
    caller: Caller,
) -> Result<Json<IncidentFile>, Problem> {
    let file = gateway.desk.records.incident(&id).await.map_err(|error| problem(&error))?;
    let seen = file.filter(|file| gateway.desk.may_see(&file.incident, &caller));
    seen.ok_or_else(unknown)?;
    read(&gateway, &id).await
}

/// An incident as it is now. Whoever has just sent it back to the desk sees that, and nothing later.
async fn read(gateway: &Gateway, id: &str) -> Result<Json<IncidentFile>, Problem> {
    let records = &gateway.desk.records;
    let file = records.incident(id).await.map_err(|error| problem(&error))?;
    let incident = file.ok_or_else(unknown)?.incident;
    let history = records.history(id).await.map_err(|error| problem(&error))?;
    let deliveries = records.deliveries(id).await.map_err(|error| problem(&error))?;
    Ok(Json(IncidentFile { incident, history, deliveries }))
}

fn unknown() -> Problem {
    Problem::not_found(ActError::Unknown.to_string())
}

/// `POST /api/incidents/{id}/{what}`, with what is done chosen by the route.
pub(super) async fn act(
    gateway: Arc<Gateway>,
    id: String,
    caller: Caller,
    body: Result<Option<Json<Act>>, JsonRejection>,
    command: fn(Act) -> Command,
) -> Result<Json<IncidentFile>, Problem> {
    let act = body.map_err(|rejection| unreadable(&rejection))?.map(|Json(act)| act).unwrap_or_default();
    for (what, text, most) in [("text", &act.text, LONGEST_TEXT), ("unit", &act.unit, LONGEST_UNIT)] {
        if text.chars().count() > most {
            return Err(Problem::bad_request("too_long", format!("{what} has more than {most} characters")));
        }
    }
    if act.assisting.len() > MOST_ASSISTING || act.assisting.iter().any(|unit| unit.chars().count() > LONGEST_UNIT) {
        let message =
            format!("assisting has more than {MOST_ASSISTING} units, or one of more than {LONGEST_UNIT} characters");
        return Err(Problem::bad_request("too_long", message));
    }
    let (version, command) = (act.version, command(act));
    gateway.desk.act(&id, &command, &caller, version).await.map_err(refused)?;
    read(&gateway, &id).await
}

/// `POST /api/incidents/{id}/merge`: answers with the incident that goes on.
pub(super) async fn merge(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
    caller: Caller,
    body: Result<Json<Join>, JsonRejection>,
) -> Result<Json<IncidentFile>, Problem> {
    let Json(join) = body.map_err(|rejection| unreadable(&rejection))?;
    let why = said(&join.text)?;
    let merged = gateway.desk.merge_incidents(&id, &join.into, &why, &caller, join.version).await.map_err(refused)?;
    read(&gateway, &merged.incident.id).await
}

/// `POST /api/incidents/{id}/split`: answers with the new incident.
pub(super) async fn split(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
    caller: Caller,
    body: Result<Json<Join>, JsonRejection>,
) -> Result<Json<IncidentFile>, Problem> {
    let Json(join) = body.map_err(|rejection| unreadable(&rejection))?;
    let why = said(&join.text)?;
    let new = gateway.desk.split_incident(&id, &join.topics, &why, &caller, join.version).await.map_err(refused)?;
    read(&gateway, &new.incident.id).await
}

fn said(text: &str) -> Result<String, Problem> {
    if text.chars().count() > LONGEST_TEXT {
        return Err(Problem::bad_request("too_long", format!("text has more than {LONGEST_TEXT} characters")));
    }
    Ok(lines(text))
}

fn refused(error: ActError) -> Problem {
    match error {
        ActError::Unknown => unknown(),
        ActError::Refused(refusal @ (Refusal::Missing(_) | Refusal::Past)) => {
            Problem::bad_request(refusal.code(), refusal.to_string())
        }
        ActError::Refused(refusal) => Problem::conflict(refusal.code(), refusal.to_string()),
        error @ ActError::Reopened => Problem::conflict("reopened", error.to_string()),
        ActError::Records(error) => problem(&error),
    }
}

impl Act {
    pub(super) fn ack(self) -> Command {
        Command::Ack
    }

    pub(super) fn assign(self) -> Command {
        Command::Assign {
            unit: line(&self.unit),
            unit_id: self.unit_id.as_deref().map(line).filter(|id| !id.is_empty()),
            assisting: self.assisting.iter().map(|unit| line(unit)).filter(|unit| !unit.is_empty()).collect(),
            due_at: self.due_at,
            text: lines(&self.text),
        }
    }

    pub(super) fn respond(self) -> Command {
        Command::Respond { text: lines(&self.text), press: self.press }
    }

    pub(super) fn note(self) -> Command {
        Command::Note { text: lines(&self.text) }
    }

    pub(super) fn send_back(self) -> Command {
        Command::Return { text: lines(&self.text) }
    }

    pub(super) fn close(self) -> Command {
        Command::Close { text: lines(&self.text) }
    }

    pub(super) fn false_alarm(self) -> Command {
        Command::FalseAlarm { text: lines(&self.text) }
    }

    pub(super) fn unit_ack(self) -> Command {
        Command::UnitAck
    }

    pub(super) fn answer(self) -> Command {
        Command::Answer { text: lines(&self.text) }
    }

    pub(super) fn pause(self) -> Command {
        Command::Pause { clock: line(&self.clock), text: lines(&self.text) }
    }

    pub(super) fn resume(self) -> Command {
        Command::Resume { clock: line(&self.clock), text: lines(&self.text) }
    }

    pub(super) fn reopen(self) -> Command {
        Command::Reopen { text: lines(&self.text) }
    }
}

fn line(text: &str) -> String {
    crate::message::clean(text, LONGEST_UNIT)
}

/// What people write may have lines, but no other control characters.
fn lines(text: &str) -> String {
    text.chars().filter(|&c| c == '\n' || !c.is_control()).collect()
}
