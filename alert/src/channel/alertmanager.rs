//! Prometheus' Alertmanager as a receiver: `POST {url}/api/v2/alerts` with the alerts as they stand. An alert is known by its labels,
//! so a repeat changes nothing there. An answer's status says what became of it ([`super::http`]).
//!
//! | page | alerts |
//! |---|---|
//! | an incident opened, escalated, rebounded | `WanglouIncident` of its level fires |
//! | its level has risen | the same; those of the lower levels end: the level is a label, for routes to look at |
//! | it is closed | all its levels end |
//! | alerts about sources | a `WanglouSource` each fires |
//! | they are over | they end |
//! | a digest that another channel could not take | one `WanglouDigest` fires for a day |
//!
//! Alertmanager ends what nobody repeats within `resolve_timeout`, so what fires is given an end of its own, 30 days later.

use super::{fit::Limit, gateway::short, http, note::Note};
use crate::{
    message::level_word,
    outbox::{Failure, Reason},
    records::Page,
};
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use schemas::records::{Incident, Level};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, time::Duration};

const FIRES_FOR: SignedDuration = SignedDuration::from_hours(30 * 24);
const DIGEST_FIRES_FOR: SignedDuration = SignedDuration::from_hours(24);
const LEVELS: [Level; 4] = [Level::IV, Level::III, Level::II, Level::I];
const MOST: Limit = Limit::Bytes(4096);

/// An Alertmanager.
pub struct Alertmanager {
    client: Client,
    url: String,
    token: Option<String>,
    labels: BTreeMap<String, String>,
}

impl Alertmanager {
    /// The one at an address; `labels` are added to every alert.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(
        url: &str,
        token: Option<String>,
        labels: BTreeMap<String, String>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let url = format!("{}/api/v2/alerts", url.trim_end_matches('/'));
        Ok(Self { client: http::client(timeout)?, url, token, labels })
    }

    /// Sends a page.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, page: &Page) -> Result<(), Failure> {
        let alerts = alerts(&Note::of(page)?, &self.labels, page.created_at);
        let mut request = self.client.post(&self.url).json(&alerts);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        http::exchange(request).await?.by_status()
    }
}

/// The alerts of a page, by the module's table. Times are the page's own: a repeat is the same to the byte.
fn alerts(note: &Note, more: &BTreeMap<String, String>, at: Timestamp) -> Vec<Value> {
    let later = |wait: SignedDuration| at.checked_add(wait).unwrap_or(Timestamp::MAX);
    let text = note.as_text("\n", MOST);
    let alert = |labels: &[(&str, &str)], since: Timestamp, ends: Timestamp| {
        let all = more.iter().map(|(label, value)| (label.as_str(), value.as_str())).chain(labels.iter().copied());
        let all: Map<String, Value> = all.map(|(label, value)| (label.to_owned(), value.into())).collect();
        json!({
            "labels": all,
            "annotations": { "summary": note.title(), "description": text, "link": note.link },
            "startsAt": since.min(ends).to_string(),
            "endsAt": ends.to_string(),
            "generatorURL": note.console,
        })
    };
    if let Some(incident) = &note.incident {
        let labels = |level| {
            [
                ("alertname", "WanglouIncident"),
                ("incident", incident.id.as_str()),
                ("topic", incident.topic.id.as_str()),
                ("level", level_word(level)),
            ]
        };
        let closed = note.reason == Reason::Closed.as_str();
        let fires = (!closed).then(|| alert(&labels(incident.level), incident.opened_at, later(FIRES_FOR)));
        let ended = ended(note, incident).map(|level| alert(&labels(level), incident.opened_at, at));
        return fires.into_iter().chain(ended).collect();
    }
    if note.alerts.is_empty() {
        let id = short(&note.key);
        let labels = [("alertname", "WanglouDigest"), ("digest", id.as_str()), ("level", level_word(note.level()))];
        return vec![alert(&labels, at, later(DIGEST_FIRES_FOR))];
    }
    let over = note.is_over();
    note.alerts
        .iter()
        .map(|source| {
            let ends = if over { source.resolved_at.unwrap_or(at) } else { later(FIRES_FOR) };
            let labels =
                [("alertname", "WanglouSource"), ("source", source.source.as_str()), ("kind", source.kind.as_str())];
            alert(&labels, source.since, ends)
        })
        .collect()
}

/// The levels whose alerts end with a page.
fn ended<'a>(note: &'a Note, incident: &'a Incident) -> impl Iterator<Item = Level> + 'a {
    let (opened, closed) = (note.reason == Reason::Opened.as_str(), note.reason == Reason::Closed.as_str());
    LEVELS.into_iter().filter(move |level| closed && *level == incident.level || !opened && *level < incident.level)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::note::tests::page;
    use crate::samples::moment;

    fn told(reason: Reason, level: Level) -> Vec<(String, bool)> {
        let mut page = page("停水");
        let mut body: Value = serde_json::from_str(&page.body).unwrap();
        body["reason"] = reason.as_str().into();
        body["incident"]["level"] = level_word(level).into();
        page.body = body.to_string();
        let labels = BTreeMap::from([("district".to_owned(), "金牛".to_owned())]);
        alerts(&Note::of(&page).unwrap(), &labels, moment())
            .iter()
            .map(|alert| {
                assert_eq!(alert["labels"]["district"], "金牛");
                assert_eq!(alert["labels"]["incident"], "20261124-0001");
                let ends: Timestamp = alert["endsAt"].as_str().unwrap().parse().unwrap();
                (alert["labels"]["level"].as_str().unwrap().to_owned(), ends > moment())
            })
            .collect()
    }

    /// The module's table, for incidents.
    #[test]
    fn what_fires_and_what_ends() {
        let expect = |alerts: &[(&str, bool)]| {
            alerts.iter().map(|(level, fires)| ((*level).to_owned(), *fires)).collect::<Vec<_>>()
        };
        assert_eq!(told(Reason::Opened, Level::II), expect(&[("II", true)]));
        assert_eq!(told(Reason::Level, Level::II), expect(&[("II", true), ("IV", false), ("III", false)]));
        assert_eq!(told(Reason::Escalation, Level::IV), expect(&[("IV", true)]));
        assert_eq!(told(Reason::Closed, Level::III), expect(&[("IV", false), ("III", false)]));
    }
}
