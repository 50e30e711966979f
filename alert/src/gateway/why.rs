//! `GET /api/incidents/{id}/why` and `GET /api/topics/{id}/paged`: why somebody was paged about an incident or a topic by a moment, or
//! was not. What is said is in [`crate::quiet::why`].

use super::{Gateway, outage};
use crate::{
    quiet::why::{Asked, Because, Known, closed, no_incident, why},
    records::RecordsError,
    roster,
};
use axum::{
    Json,
    extract::{Path, Query, State, rejection::QueryRejection},
};
use jiff::Timestamp;
use schemas::{
    kit::http::Problem,
    records::{Event, Incident},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    channel: Option<String>,
    person: Option<String>,
    at: Option<Timestamp>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    incident: Option<String>,
    at: Timestamp,
    paged: bool,
    channels: Vec<String>,
    reasons: Vec<Because>,
}

/// `GET /api/incidents/{id}/why`
pub(super) async fn of_incident(
    State(gateway): State<Arc<Gateway>>,
    Path(id): Path<String>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(question) = question.map_err(|error| Problem::bad_request("query", error.body_text()))?;
    let (desk, problem) = (&gateway.desk, |error: RecordsError| outage::problem(&error));
    let file = desk.records.incident(&id).await.map_err(problem)?;
    let incident = file.ok_or_else(|| Problem::not_found("没有这个事件 / there is no such incident"))?.incident;
    let history = desk.records.history(&id).await.map_err(problem)?;
    let at = question.at.unwrap_or_else(|| desk.now());
    answer(&gateway, &incident, &history, &question, at).await.map(Json).map_err(problem)
}

/// `GET /api/topics/{id}/paged`
pub(super) async fn of_topic(
    State(gateway): State<Arc<Gateway>>,
    Path(topic): Path<String>,
    question: Result<Query<Question>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(question) = question.map_err(|error| Problem::bad_request("query", error.body_text()))?;
    let (desk, problem) = (&gateway.desk, |error: RecordsError| outage::problem(&error));
    let at = question.at.unwrap_or_else(|| desk.now());
    let nobody =
        |incident, because| Answer { incident, at, paged: false, channels: Vec::new(), reasons: vec![because] };
    let Some(incident) = desk.records.incident_of(&topic, at).await.map_err(problem)? else {
        return Ok(Json(nobody(None, no_incident())));
    };
    let history = desk.records.history(&incident.id).await.map_err(problem)?;
    match closed(&incident, &history, &desk.style.tz, at) {
        Some(because) => Ok(Json(nobody(Some(incident.id), because))),
        None => answer(&gateway, &incident, &history, &question, at).await.map(Json).map_err(problem),
    }
}

async fn answer(
    gateway: &Gateway,
    incident: &Incident,
    history: &[Event],
    question: &Question,
    at: Timestamp,
) -> Result<Answer, RecordsError> {
    let deliveries = gateway.desk.records.deliveries(&incident.id).await?;
    let asked = asked(gateway, incident, question).await?;
    let known = Known { incident, history, deliveries: &deliveries };
    let (paged, reasons) = why(known, &asked, &gateway.desk.style.tz, at);
    Ok(Answer { incident: Some(incident.id.clone()), at, paged, channels: asked.channels, reasons })
}

/// Whose channels are asked about; of a person their own and those of the shifts in which they were on duty.
async fn asked(gateway: &Gateway, incident: &Incident, question: &Question) -> Result<Asked, RecordsError> {
    let desk = &gateway.desk;
    let mut channels: Vec<String> = question.channel.clone().into_iter().collect();
    let Some(name) = question.person.clone() else { return Ok(Asked { channels, person: None }) };
    let duty = desk.plan.rule(&incident.topic.id).duty.as_ref();
    let changes = desk.records.roster_changes(incident.opened_at).await?;
    let turns =
        duty.map(|duty| roster::on_duty(duty, &changes, incident.opened_at, &desk.style.tz)).unwrap_or_default();
    roster::add(&mut channels, desk.plan.people.channels(&name));
    for turn in turns.iter().filter(|turn| turn.person == name) {
        let shift = duty.zip(turn.shift).and_then(|(duty, shift)| duty.shift.get(shift));
        roster::add(&mut channels, shift.map_or(&[], |shift| &shift.get_ref().channels));
    }
    let is_known = desk.plan.people.find(&name).is_some();
    let on_duty = turns.into_iter().map(|turn| turn.person).collect();
    Ok(Asked { channels, person: Some((name, is_known, on_duty)) })
}
