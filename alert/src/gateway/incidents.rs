//! `/api/incidents`: what stands in the records, and what people do to it.

use super::{Gateway, limit, outage::problem, session::unreadable};
use crate::{engine::desk::ActError, incident::Command};
use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, QueryRejection},
    },
};
use schemas::{
    kit::{auth::Caller, http::Problem},
    records::{Delivery, Event, Incident},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const LONGEST_TEXT: usize = 4000;
const LONGEST_UNIT: usize = 100;

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
}

/// `GET /api/incidents`
pub(super) async fn list(
    State(gateway): State<Arc<Gateway>>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<List>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::bad_request("query", rejection.body_text()))?;
    let limit = limit(query.limit, 100)?;
    let open = match query.state {
        Which::Open => Some(true),
        Which::Closed => Some(false),
        Which::All => None,
    };
    let incidents = gateway.desk.records.incidents(open, limit).await.map_err(|error| problem(&error))?;
    Ok(Json(List { incidents }))
}

/// `GET /api/incidents/{id}`
pub(super) async fn one(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
) -> Result<Json<IncidentFile>, Problem> {
    let records = &gateway.desk.records;
    let file = records.incident(&id).await.map_err(|error| problem(&error))?;
    let incident = file.ok_or_else(|| Problem::not_found(ActError::Unknown.to_string()))?.incident;
    let history = records.history(&id).await.map_err(|error| problem(&error))?;
    let deliveries = records.deliveries(&id).await.map_err(|error| problem(&error))?;
    Ok(Json(IncidentFile { incident, history, deliveries }))
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
    let (version, command) = (act.version, command(act));
    match gateway.desk.act(&id, &command, &caller, version).await {
        Ok(_) => one(State(gateway), Path(id)).await,
        Err(ActError::Unknown) => Err(Problem::not_found(ActError::Unknown.to_string())),
        Err(ActError::Refused(refusal @ crate::incident::Refusal::Missing(_))) => {
            Err(Problem::bad_request(refusal.code(), refusal.to_string()))
        }
        Err(ActError::Refused(refusal)) => Err(Problem::conflict(refusal.code(), refusal.to_string())),
        Err(error @ ActError::Reopened) => Err(Problem::conflict("reopened", error.to_string())),
        Err(ActError::Records(error)) => Err(problem(&error)),
    }
}

impl Act {
    pub(super) fn ack(self) -> Command {
        Command::Ack
    }

    pub(super) fn assign(self) -> Command {
        Command::Assign { unit: line(&self.unit), text: lines(&self.text) }
    }

    pub(super) fn respond(self) -> Command {
        Command::Respond { text: lines(&self.text) }
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
