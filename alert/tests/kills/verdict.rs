//! What must hold in the morning, of pages, messages, the audit record and the topics. What must hold of a history is in [`crate::history`].

use crate::{
    front::{Arrived, Front},
    history,
    life::{open_desk, open_log},
    play::{PATIENCE, Play},
    support,
};
use alert::{
    channel::{self, Channel},
    engine::Desk,
    incident::{File, PROGRAM},
    records::{Chain, Page},
};
use jiff::Timestamp;
use schemas::{
    log::{Position, SharedLog, Topic},
    records::{Event, IncidentRecord, Record},
};
use serde_json::Value;
use sqlx::{AnyConnection, Connection, Row as _};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

/// When a process was killed: it was alive before the first, and dead after the second.
pub type Kill = (Instant, Instant);

/// What is wrong: with which incident, and what.
pub type Complaints = Vec<(Option<String>, String)>;

/// A page as it is stored.
struct Row {
    page: Page,
    state: String,
    digest: Option<String>,
    passed_to: Option<String>,
}

/// Everything that is known in the morning.
pub struct Morning {
    pub complaints: Complaints,
    rows: BTreeMap<String, Row>,
    pub files: Vec<(File, Vec<Event>)>,
    /// Messages to webhooks by their key, to robots by the keys of the pages that look so.
    pub arrived: Vec<Arrived>,
    kills: Vec<Kill>,
    pub told: BTreeMap<&'static str, usize>,
}

pub async fn judge(play: &Play, front: &Front, kills: Vec<Kill>) -> Morning {
    let arrived = front.take();
    front.calm();
    let settings = play.settings();
    let desk = open_desk(play, &settings).await;
    let log = open_log(&play.folder);
    let mut files = Vec::new();
    for incident in desk.records.incidents(None, 1_000_000).await.unwrap() {
        let file = desk.records.incident(&incident.id).await.unwrap().unwrap();
        files.push((file, desk.records.history(&incident.id).await.unwrap()));
    }
    let mut told = BTreeMap::new();
    for one in &arrived {
        *told.entry(one.what).or_default() += 1;
    }
    let mut morning = Morning { complaints: Vec::new(), rows: rows(play).await, files, arrived, kills, told };
    let lost = |n: &u64| {
        let topic = Play::topic(*n);
        let has = |file: &File| {
            file.incident.topic.id == topic || file.incident.related.iter().any(|other| other.id == topic)
        };
        !morning.files.iter().any(|(file, _)| has(file))
    };
    let lost: Vec<u64> = (0..play.incidents).filter(lost).collect();
    morning.complain_if(!lost.is_empty(), None, || format!("topics that have risen have no incident: {lost:?}"));
    morning.pages();
    morning.messages(&looks(&settings, &morning.rows, front).await);
    for (file, history) in &morning.files {
        let found = history::faults(play, file, history);
        morning.complaints.extend(found.into_iter().map(|what| (Some(file.incident.id.clone()), what)));
    }
    morning.records(&desk).await;
    morning.topics(&desk, &log).await;
    desk.records.close().await;
    morning
}

async fn rows(play: &Play) -> BTreeMap<String, Row> {
    let file = format!("sqlite:{}", play.folder.join("records.db").display());
    let url = if play.records.starts_with("sqlite") { &file } else { &play.records };
    let mut connection = AnyConnection::connect(url).await.unwrap();
    let rows = sqlx::query(
        "SELECT key, incident, channel, reason, urgency, body, state, digest, passed_to, created_at FROM pages",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let row = |row: &sqlx::any::AnyRow| Row {
        page: Page {
            key: row.get("key"),
            incident: row.get("incident"),
            channel: row.get("channel"),
            reason: row.get("reason"),
            urgency: row.get::<i64, _>("urgency") as u8,
            body: row.get("body"),
            created_at: Timestamp::from_millisecond(row.get("created_at")).unwrap(),
        },
        state: row.get("state"),
        digest: row.get("digest"),
        passed_to: row.get("passed_to"),
    };
    let rows = rows.iter().map(row).map(|row| (row.page.key.clone(), row)).collect();
    connection.close().await.unwrap();
    rows
}

/// How each page looks to its receiver: a channel and a message, and the pages that look so. A robot's message bears no key.
type Looks = HashMap<(String, String), Vec<String>>;

async fn looks(settings: &schemas::kit::settings::Settings, rows: &BTreeMap<String, Row>, front: &Front) -> Looks {
    let channels = channel::open(settings, &support::secret, PATIENCE).unwrap();
    let mut looks = Looks::new();
    for row in rows.values() {
        let channel = &channels[&row.page.channel];
        let message = if matches!(**channel, Channel::Webhook(_)) {
            serde_json::json!({ "key": row.page.key, "bytes": row.page.body })
        } else {
            // What the double says does not matter: it has seen too many within a minute.
            let _ = channel.send(&row.page, Timestamp::now()).await;
            front.take().pop().unwrap().message
        };
        looks.entry((row.page.channel.clone(), message.to_string())).or_default().push(row.page.key.clone());
    }
    looks
}

impl Morning {
    fn complain_if(&mut self, wrong: bool, incident: Option<&str>, what: impl FnOnce() -> String) {
        if wrong {
            self.complaints.push((incident.map(str::to_owned), what()));
        }
    }

    /// Each page is sent, or in a digest that was sent, or another channel has it; and each incident has told of its opening.
    fn pages(&mut self) {
        let mut complaints = Complaints::new();
        for row in self.rows.values() {
            let complaint = self.undelivered(row).map(|why| format!("{} is not delivered: {why}", row.page.key));
            complaints.extend(complaint.map(|what| (row.page.incident.clone(), what)));
        }
        for (file, history) in &self.files {
            let id = &file.incident.id;
            if history.first().is_some_and(|event| event.action == "opened") {
                for channel in ["hall", "wecom"] {
                    if !self.rows.contains_key(&format!("{id}/1/{channel}")) {
                        complaints.push((Some(id.clone()), format!("{channel} was never to be told that it opened")));
                    }
                }
            }
            // Whatever is to be told is told: each rung and each clock has a page of its own event.
            for event in
                history.iter().filter(|event| ["escalated", "clock_warning", "clock_expired"].contains(&&*event.action))
            {
                let stem = format!("{id}/{}/", event.seq);
                if self.rows.range(stem.clone()..).next().is_none_or(|(key, _)| !key.starts_with(&stem)) {
                    complaints.push((Some(id.clone()), format!("nobody was paged of {event:?}")));
                }
            }
        }
        self.complaints.append(&mut complaints);
    }

    fn undelivered(&self, row: &Row) -> Option<String> {
        match (row.state.as_str(), &row.digest, row.passed_to.as_deref().filter(|to| !to.is_empty())) {
            ("sent", None, _) => None,
            ("sent", Some(digest), _) => match self.rows.get(digest) {
                Some(digest) if digest.state == "sent" => None,
                _ => Some(format!("it stands in {digest:?}, which was not sent")),
            },
            ("failed", _, Some(_)) if row.page.reason == "digest" => None,
            ("failed", _, Some(to)) => {
                let key = format!("{}{to}", row.page.key.strip_suffix(&row.page.channel).unwrap());
                match self.rows.get(&key) {
                    Some(next) => self.undelivered(next),
                    None => Some(format!("{to} was to send it, and does not know of it")),
                }
            }
            (state, ..) => Some(format!("it is {state}")),
        }
    }

    /// Messages and pages agree, and what was told again had to be.
    fn messages(&mut self, looks: &Looks) {
        let mut by_look: BTreeMap<(String, String), Vec<Arrived>> = BTreeMap::new();
        for one in &self.arrived {
            by_look.entry((one.channel.clone(), one.message.to_string())).or_default().push(one.clone());
        }
        let mut complaints = Complaints::new();
        let incident = |keys: &[String]| self.rows[&keys[0]].page.incident.clone();
        for (look, tries) in &by_look {
            let Some(keys) = looks.get(look) else {
                complaints.push((
                    None,
                    format!("{} got what is not in the records, or not as it is there: {}", look.0, look.1),
                ));
                continue;
            };
            let mut taken: Vec<&Arrived> = tries.iter().filter(|one| one.taken).collect();
            taken.sort_by_key(|one| one.at);
            let had_no_reason = |pair: &&[&Arrived]| {
                let killed = |kill: &Kill| kill.1 >= pair[0].at && kill.0 <= pair[1].at;
                pair[0].seen && !self.kills.iter().any(killed)
            };
            let repeats = taken.windows(2).filter(had_no_reason).count();
            if repeats >= keys.len() {
                complaints.push((
                    incident(keys),
                    format!("{keys:?} was told again without a reason, {repeats} times: {taken:?}"),
                ));
            }
        }
        for (look, keys) in looks {
            let sent =
                keys.iter().filter(|key| self.rows[*key].state == "sent" && self.rows[*key].digest.is_none()).count();
            let taken = by_look.get(look).map_or(0, |tries| tries.iter().filter(|one| one.taken).count());
            if taken < sent {
                complaints.push((incident(keys), format!("{keys:?} are marked as sent, but {} took {taken}", look.0)));
            }
        }
        let mut named = HashMap::new();
        for row in self.rows.values().filter(|row| row.page.reason == "digest") {
            let body: Value = serde_json::from_str(&row.page.body).unwrap();
            for page in body["pages"].as_array().unwrap() {
                let key = page["key"].as_str().unwrap().to_owned();
                if let Some(other) = named.insert(key.clone(), &row.page.key) {
                    complaints.push((None, format!("{key} stands in two digests: {other} and {}", row.page.key)));
                }
            }
        }
        self.complaints.append(&mut complaints);
    }

    /// The audit record holds, and has an entry for each thing that people did; nothing is due that is not written down.
    async fn records(&mut self, desk: &Desk) {
        let chain = desk.records.verify_audit(None).await.unwrap();
        let entries = desk.records.audit_entries(u32::MAX >> 1).await.unwrap();
        let whole = matches!(&chain, Chain::Whole(link) if link.seq == entries.len() as u64);
        self.complain_if(!whole, None, || format!("the audit record: {chain:?} of {} entries", entries.len()));
        let mut acts: Vec<(String, String, String)> = self
            .files
            .iter()
            .flat_map(|(file, history)| history.iter().map(|event| (file.incident.id.clone(), event)))
            .filter(|(_, event)| event.who != PROGRAM)
            .map(|(id, event)| (id, event.who.clone(), event.action.clone()))
            .collect();
        let mut audited: Vec<(String, String, String)> =
            entries.into_iter().map(|entry| (entry.object, entry.who, entry.action)).collect();
        acts.sort();
        audited.sort();
        for act in &acts {
            let is_there = audited.binary_search(act).is_ok();
            self.complain_if(!is_there, Some(&act.0), || {
                format!("{act:?} is in the history, and not on the audit record")
            });
        }
        let (acts, audited) = (acts.len(), audited.len());
        self.complain_if(acts != audited, None, || format!("people did {acts} things, the audit record has {audited}"));
        let wrong = desk.watch().await.unwrap();
        self.complain_if(wrong != 0, None, || {
            format!("the watchdog found {wrong} incidents overdue or wrongly written down")
        });
        for (file, due) in desk.records.open_with_due().await.unwrap() {
            self.complain_if(due.is_some(), Some(&file.incident.id), || format!("still due at {due:?}"));
        }
    }

    /// The pulses are read to their end; `incidents` has each event at least once, the first times in order.
    async fn topics(&mut self, desk: &Desk, log: &SharedLog) {
        let (_, end) = log.bounds(Topic::TopicsPulse, 0).await.unwrap();
        let position = desk.records.position(Topic::TopicsPulse).await.unwrap().unwrap().1[0];
        self.complain_if(position != end, None, || format!("topics.pulse ends at {end}, and is read up to {position}"));
        let left = desk.records.feed(1).await.unwrap();
        self.complain_if(left.is_some(), None, || "records of the feed are not appended".into());
        let (low, end) = log.bounds(Topic::Incidents, 0).await.unwrap();
        let mut reader = log.reader(Topic::Incidents, vec![Position { partition: 0, offset: low }]).await.unwrap();
        let (mut next, mut seen): (u64, HashMap<String, u64>) = (low, HashMap::new());
        let mut early = HashSet::new();
        while next < end {
            let batch = reader.next(1_000, Duration::from_secs(5)).await.unwrap().unwrap();
            for entry in &batch.entries {
                let record = IncidentRecord::decode(&entry.value).unwrap();
                if record.event.action == "figures" {
                    continue;
                }
                let last = seen.entry(record.incident.id.clone()).or_default();
                if record.event.seq > *last + 1 {
                    early.insert((record.incident.id.clone(), record.event.seq));
                }
                *last = (*last).max(record.event.seq);
            }
            next = batch.next;
        }
        for (id, seq) in early {
            self.complain_if(true, Some(&id), || {
                format!("event {seq} is on the topic `incidents` before the one before it")
            });
        }
        let short: Vec<String> = self
            .files
            .iter()
            .filter(|(file, _)| seen.get(&file.incident.id) != Some(&file.seq))
            .map(|(file, _)| file.incident.id.clone())
            .collect();
        for id in short {
            self.complain_if(true, Some(&id), || format!("the topic `incidents` ends with event {:?}", seen.get(&id)));
        }
    }
}
