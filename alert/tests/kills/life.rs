//! The process that is killed: the engine as it runs, over the folder that it finds, and the people who act. It ends by itself when the play is
//! over and nothing is left to do, and at once when nobody holds its standard input any more.

use crate::{
    play::{Deed, PATIENCE, Play, Step},
    support,
};
use alert::{
    channel,
    engine::{Clock, Desk, Plan, desk::ActError, feed, pulses::Pulses, sender::Sender, upkeep::Reports},
    lease::Candidate,
    link::{self, Links},
    message::Style,
    records::Records,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{auth::Caller, settings::Settings, shutdown::Shutdown},
    log::{Embedded, EmbeddedOptions, NewRecord, Position, SharedLog, Topic},
    records::{Pulse, Record},
};
use std::{
    collections::{HashMap, VecDeque},
    io::Read,
    path::Path,
    sync::Arc,
    time::Duration,
};

/// What it says when it runs.
pub const UP: &str = "kills: up";
/// What it says at its end.
pub const OVER: &str = "kills: over";
/// The pause between two looks of whatever looks again and again.
const PAUSE: Duration = Duration::from_millis(20);
/// Pulses of so long before the last one on the topic are appended once more after a restart, as trend repeats them.
const AGAIN: SignedDuration = SignedDuration::from_mins(2);

pub fn open_log(folder: &Path) -> SharedLog {
    Arc::new(Embedded::open(&EmbeddedOptions::new(folder.join("log"))).unwrap())
}

/// A desk over the play's records; it is the active one.
pub async fn open_desk(play: &Play, settings: &Settings) -> Arc<Desk> {
    let records = Records::open(settings).await.unwrap();
    let style = Style { base: "https://wanglou.example".into(), tz: settings.tz() };
    let links = Links::of(settings, link::keys(&records, &|_| None).await.unwrap(), &style.base);
    let clock: Clock = {
        let play = play.clone();
        Arc::new(move || play.now())
    };
    let desk = Arc::new(Desk::new(records, Plan::of(settings), style, clock).with_links(links));
    // The one before bore the same name, and is dead.
    desk.claim(&Candidate::new("kills")).await.unwrap();
    desk
}

pub async fn live(folder: &Path) {
    std::thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::abort();
    });
    let play = Play::read(folder);
    let settings = play.settings();
    let (log, desk) = (open_log(folder), open_desk(&play, &settings).await);
    let pulses = Pulses::open(&desk, &log).await.unwrap();
    let reports = Reports::open(&desk, &log, &Arc::new(settings.clone())).await.unwrap();
    let stop = Shutdown::new();
    let channels = channel::open(&settings, &support::secret, PATIENCE).unwrap();
    let sender = Sender::new(Arc::clone(&desk), channels, stop.clone());
    println!("\n{UP}");
    let people = People::new(&play, &desk).await;
    tokio::join!(
        pulses.run(Arc::clone(&desk), stop.clone()),
        reports.run(Arc::clone(&desk), stop.clone()),
        sender.run(),
        feed::run(Arc::clone(&desk), log.clone(), stop.clone()),
        tick(&desk, &stop),
        async {
            tokio::join!(trend(&play, &log), people.run());
            while !is_over(&desk, &log).await {
                tokio::time::sleep(PAUSE).await;
            }
            stop.cancel();
        },
    );
    println!("\n{OVER}");
}

async fn tick(desk: &Desk, stop: &Shutdown) {
    while !stop.is_cancelled() {
        if let Err(error) = desk.tick().await {
            eprintln!("a tick: {error}");
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Appends the pulses that are due, and some of them once more after a restart.
async fn trend(play: &Play, log: &SharedLog) {
    let last = last_pulse(log).await.map_or(Timestamp::MIN, |pulse| pulse.at - AGAIN);
    let mut pulses: VecDeque<Pulse> = play.pulses().into_iter().filter(|pulse| pulse.at >= last).collect();
    while !pulses.is_empty() {
        let due = pulses.partition_point(|pulse| pulse.at <= play.now());
        let records = pulses.drain(..due).map(|pulse| NewRecord { partition: 0, key: None, value: pulse.encode() });
        let records: Vec<_> = records.collect();
        if !records.is_empty() {
            log.append(Topic::TopicsPulse, records).await.unwrap();
        }
        tokio::time::sleep(PAUSE).await;
    }
}

async fn last_pulse(log: &SharedLog) -> Option<Pulse> {
    let (low, end) = log.bounds(Topic::TopicsPulse, 0).await.unwrap();
    if low == end {
        return None;
    }
    let from = vec![Position { partition: 0, offset: end - 1 }];
    let batch = log.reader(Topic::TopicsPulse, from).await.unwrap().next(1, Duration::from_secs(5)).await.unwrap()?;
    Some(Pulse::decode(&batch.entries[0].value).unwrap())
}

/// Whether all that was appended is read, told and sent, and time alone has nothing to do any more.
async fn is_over(desk: &Desk, log: &SharedLog) -> bool {
    let (_, end) = log.bounds(Topic::TopicsPulse, 0).await.unwrap();
    let position = desk.records.position(Topic::TopicsPulse).await.unwrap();
    let is_read = position.is_some_and(|(_, next)| next[0] == end);
    let waits = desk.records.open_with_due().await.unwrap().iter().any(|(_, due)| due.is_some());
    let (pending, feed) = (desk.records.pending().await.unwrap().0, desk.records.feed(1).await.unwrap());
    is_read && !waits && pending == 0 && feed.is_none()
}

/// Those who act.
struct People<'a> {
    play: &'a Play,
    desk: &'a Arc<Desk>,
    /// What is still to be done to each incident that is known; the next one first.
    left: HashMap<String, (Timestamp, VecDeque<Step>)>,
}

impl<'a> People<'a> {
    async fn new(play: &'a Play, desk: &'a Arc<Desk>) -> Self {
        let mut people = Self { play, desk, left: HashMap::new() };
        // Those that are closed may still be reopened.
        for incident in desk.records.incidents(Some(false), u32::MAX).await.unwrap() {
            people.meet(&incident.id).await;
        }
        people
    }

    /// Reads in an incident's history what was done to it already.
    async fn meet(&mut self, id: &str) {
        if self.left.contains_key(id) {
            return;
        }
        let history = self.desk.records.history(id).await.unwrap();
        let mut steps: VecDeque<Step> = self.play.script(id).into();
        while steps.front().is_some_and(|step| history.iter().any(|event| event.who == step.who)) {
            steps.pop_front();
        }
        self.left.insert(id.to_owned(), (history[0].at, steps));
    }

    /// Acts until no pulse is left that could open an incident and nobody has anything left to do.
    async fn run(mut self) {
        let last = self.play.pulses().last().unwrap().at + SignedDuration::from_mins(1);
        loop {
            for (file, _) in self.desk.records.open_with_due().await.unwrap() {
                self.meet(&file.incident.id).await;
            }
            let now = self.play.now();
            let mut due = Vec::new();
            for (id, (opened, steps)) in &mut self.left {
                if steps.front().is_some_and(|step| *opened + step.after <= now) {
                    due.extend(steps.pop_front().map(|step| (id.clone(), step)));
                }
            }
            for (id, step) in due {
                self.act(&id, step).await;
            }
            if now > last && self.left.values().all(|(_, steps)| steps.is_empty()) {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn act(&self, id: &str, step: Step) {
        let by = Caller { name: step.who, role: step.role };
        let done = match &step.deed {
            Deed::Act(command) => self.desk.act(id, command, &by, None).await,
            Deed::Merge => match self.neighbour(id).await {
                Some(other) => self.desk.merge_incidents(id, &other, "同一件事", &by, None).await,
                None => return,
            },
            Deed::Split => {
                let file = self.desk.records.incident(id).await.unwrap().unwrap();
                let Some(other) = file.incident.merged_into else { return };
                self.desk.split_incident(&other, &[file.incident.topic.id], "两件事", &by, None).await
            }
        };
        match done {
            // What another did before makes some things impossible; nobody minds.
            Ok(_) | Err(ActError::Refused(_) | ActError::Unknown) => {}
            Err(error) => panic!("{id}: {:?}: {error}", step.deed),
        }
    }

    async fn neighbour(&self, id: &str) -> Option<String> {
        let open = self.desk.records.open_with_due().await.unwrap();
        open.into_iter().map(|(other, _)| other.incident.id).filter(|other| other.as_str() < id).max()
    }
}
