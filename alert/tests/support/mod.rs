//! A night at the desk, as a script: pulses come, time moves, and every message must have been expected.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used, clippy::panic, missing_docs)]

pub mod postgres;
mod receiver;
pub mod robots;

#[allow(unused_imports)]
pub use receiver::{Answer, Message, Receiver};

use alert::{
    channel,
    engine::{Clock, Desk, Plan, feed, pulses::Pulses, sender::Sender, upkeep::Reports},
    incident::{Command, File},
    lease::Candidate,
    link::{self, Links},
    message::Style,
    records::Records,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{
        auth::{Caller, Role},
        settings::{ChannelKind, Settings},
        shutdown::Shutdown,
    },
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{Incident, Phase, Pulse, Record, Sample, Spike, TopicKind, TopicRef, Window},
};
use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;

/// Asks until it is so; a test that would wait for ever ends by the runner's own limit.
pub async fn until<T>(what: impl AsyncFn() -> Option<T>) -> T {
    loop {
        if let Some(found) = what().await {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

/// A config in which time alone pages nobody: no deadlines, nobody reminded, nobody paged again. For nights about something else.
pub fn patient(config: &str) -> String {
    let patient = config.replace("[[duty]]\n", "[[duty]]\nresume_after = \"0s\"\nrepeat = { times = 0 }\n");
    format!("{patient}[[clock]]\nid = \"response\"\nname = \"回应\"\nuntil = \"responded\"\nwithin = \"0s\"\n")
}

/// A moment by the clock of a night, which like a real one never shows whole milliseconds, as the database keeps them.
fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap() + SignedDuration::from_nanos(123_456)
}

/// How long a test's webhook waits for an answer.
pub const PATIENCE: Duration = Duration::from_millis(300);

/// A mail takes several answers, and they come from another process.
fn patience(settings: &Settings) -> Duration {
    let has_mail = settings.channel.iter().any(|channel| channel.get_ref().kind == ChannelKind::Mail);
    if has_mail { Duration::from_secs(10) } else { PATIENCE }
}

/// Where the records of a test are: in a file, or on a server when the test runs as part of `on_postgres`.
pub async fn records_url() -> String {
    if module_path!().starts_with("on_postgres") { postgres::database().await } else { "sqlite:records.db".to_owned() }
}

/// What the environment of a test holds, by the names that its config gives.
pub fn secret(name: &str) -> Option<String> {
    match name {
        "ROBOT_SECRET" => Some(robots::SECRET.to_owned()),
        "MAIL_PASSWORD" => Some("s3cret".to_owned()),
        _ => None,
    }
}

/// A pulse of a watch topic; of a rise, unless that is called nothing.
pub fn pulse(at: Timestamp, topic: &str, rise: &str, count: u64, phase: Phase) -> Pulse {
    let spike = Spike { id: rise.into(), since: at, count, peak: count, why: "5 分钟内骤增".into(), late: false };
    Pulse {
        v: Pulse::VERSION,
        topic: TopicRef { id: topic.into(), kind: TopicKind::Watch, name: "停水".into() },
        at,
        phase,
        spike: (!rise.is_empty()).then_some(spike),
        windows: vec![Window {
            seconds: 300,
            count,
            negative: 3,
            copies: 0,
            expected: 1.5,
            upper: 6.0,
            surprise: 9.0,
            once_in_days: None,
        }],
        total: count,
        negative_share: 0.2,
        reach: 42,
        lag_seconds: 2.0,
        forecast: None,
        samples: vec![Sample {
            id: "forum:t1".into(),
            source: "forum".into(),
            url: Some("https://forum.example/t/1".into()),
            excerpt: "抚琴街道今天又停水了".into(),
            published_at: at,
            sentiment: None,
            reach: 6,
            category: None,
            unit: None,
        }],
        through: Vec::new(),
    }
}

pub struct Night {
    pub settings: Settings,
    pub receiver: Receiver,
    pub robots: robots::Robots,
    pub log: SharedLog,
    pub desk: Arc<Desk>,
    time: Arc<AtomicI64>,
    /// So many milliseconds pass with each look at the clock.
    passes: Arc<AtomicI64>,
    pulses: Pulses,
    reports: Reports,
    sender: Sender,
    keys: HashSet<String>,
    folder: TempDir,
}

impl Night {
    /// `{hook}` in the config is where the receiver listens; `{hook}/desk` is then the channel that tests call desk. `{robots}`
    /// is where the doubles of the platforms listen.
    pub async fn begin(config: &str) -> Self {
        let start: Timestamp = "2026-11-24T14:00:00Z".parse().unwrap();
        let time = Arc::new(AtomicI64::new(start.as_millisecond()));
        let (receiver, robots) = (Receiver::start().await, robots::Robots::start(Arc::clone(&time)).await);
        let folder = TempDir::new().unwrap();
        let text = config.replace("{hook}", &receiver.url).replace("{robots}", &robots.url);
        let mut settings = Settings::parse(&text, []).unwrap();
        settings.data_dir = folder.path().to_owned();
        settings.records.url = records_url().await;
        let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
        let passes = Arc::new(AtomicI64::new(0));
        let (desk, pulses, reports, sender) = open(&settings, &log, &time, &passes).await;
        Self {
            settings,
            receiver,
            robots,
            log,
            desk,
            time,
            passes,
            pulses,
            reports,
            sender,
            keys: HashSet::new(),
            folder,
        }
    }

    pub fn now(&self) -> Timestamp {
        moment(self.time.load(Ordering::SeqCst))
    }

    /// A pulse of a rise, now; what is due is done.
    pub async fn pulse(&mut self, topic: &str, rise: &str, count: u64) {
        let pulse = self.make(topic, rise, count, Phase::Rising);
        self.send(&pulse).await;
    }

    pub fn make(&self, topic: &str, rise: &str, count: u64, phase: Phase) -> Pulse {
        pulse(self.now(), topic, rise, count, phase)
    }

    pub async fn append(&self, pulse: &Pulse) {
        self.append_bytes(pulse.encode()).await;
    }

    pub async fn append_bytes(&self, value: bytes::Bytes) {
        self.append_to(Topic::TopicsPulse, value).await;
    }

    pub async fn append_to(&self, topic: Topic, value: bytes::Bytes) {
        self.log.append(topic, vec![NewRecord { partition: 0, key: None, value }]).await.unwrap();
    }

    /// Lets reports of visits, and the time, take effect, without sending anything.
    pub async fn keep_up(&mut self) {
        self.reports.step(&self.desk).await.unwrap();
    }

    pub async fn send(&mut self, pulse: &Pulse) {
        self.append(pulse).await;
        self.read().await;
        self.deliver().await;
    }

    /// Lets what was appended take effect, without sending anything.
    pub async fn read(&mut self) {
        self.pulses.step(&self.desk, &Shutdown::new()).await.unwrap();
    }

    /// Sends what is due.
    pub async fn deliver(&mut self) {
        self.sender.step().await.unwrap();
    }

    /// Time moves; what is due then is done.
    pub async fn wait(&mut self, minutes: i64) {
        self.wait_seconds(minutes * 60).await;
    }

    pub async fn wait_seconds(&mut self, seconds: i64) {
        self.time.fetch_add(SignedDuration::from_secs(seconds).as_millis() as i64, Ordering::SeqCst);
        self.desk.tick().await.unwrap();
        self.desk.watch_rosters().await.unwrap();
        self.deliver().await;
    }

    /// As after SIGKILL: everything in memory is gone, what is on disk is found again.
    pub async fn crash(&mut self) {
        let (desk, pulses, reports, sender) = open(&self.settings, &self.log, &self.time, &self.passes).await;
        (self.desk, self.pulses, self.reports, self.sender) = (desk, pulses, reports, sender);
    }

    /// The clock on the wall is set, ahead or back, and nothing else happens.
    pub fn set_clock(&self, minutes: i64) {
        self.time.fetch_add(minutes * 60_000, Ordering::SeqCst);
    }

    /// Everything takes its time: so long passes with each look at the clock.
    pub fn everything_takes(&self, time: SignedDuration) {
        self.passes.store(time.as_millis() as i64, Ordering::SeqCst);
    }

    /// The watchdog looks through all that is open; it finds nothing amiss.
    pub async fn all_is_well(&self) {
        assert_eq!(self.desk.watch().await.unwrap(), 0);
    }

    /// Somebody of a unit does something.
    pub async fn act_for_unit(
        &self,
        who: &str,
        id: &str,
        command: Command,
    ) -> Result<File, alert::engine::desk::ActError> {
        self.desk.act(id, &command, &Caller { name: who.into(), role: Role::Unit }, None).await
    }

    /// As after a restart with another config.
    pub async fn restart(&mut self, config: &str) {
        let text = config.replace("{hook}", &self.receiver.url).replace("{robots}", &self.robots.url);
        let (data_dir, url) = (self.settings.data_dir.clone(), self.settings.records.url.clone());
        self.settings = Settings::parse(&text, []).unwrap();
        (self.settings.data_dir, self.settings.records.url) = (data_dir, url);
        self.crash().await;
    }

    pub async fn act(&self, who: &str, id: &str, command: Command) -> Result<File, alert::engine::desk::ActError> {
        self.desk.act(id, &command, &Caller { name: who.into(), role: Role::Operator }, None).await
    }

    /// The one message that a channel has got, which says why; it is taken away.
    pub fn expect(&mut self, channel: &str, reason: &str) -> Message {
        let message = self.receiver.take(channel, reason);
        assert!(self.keys.insert(message.key()), "{} was sent before", message.key());
        message
    }

    /// The same message again, as after a crash.
    pub fn expect_again(&mut self, channel: &str, reason: &str) -> Message {
        let message = self.receiver.take(channel, reason);
        assert!(self.keys.contains(&message.key()), "{} was never sent before", message.key());
        message
    }

    /// Nobody has been told anything that was not expected.
    pub fn expect_nothing(&self) {
        assert_eq!(self.receiver.left(), Vec::<String>::new());
    }

    pub async fn incidents(&self) -> Vec<Incident> {
        self.desk.records.incidents(None, 500).await.unwrap()
    }

    pub async fn only(&self) -> Incident {
        let incidents = self.incidents().await;
        assert_eq!(incidents.len(), 1, "{incidents:?}");
        incidents.into_iter().next().unwrap()
    }

    pub async fn history(&self, id: &str) -> Vec<String> {
        self.desk.records.history(id).await.unwrap().into_iter().map(|event| event.action).collect()
    }

    pub async fn feed(&self) {
        feed::step(&self.desk, &self.log).await.unwrap();
    }
}

impl Drop for Night {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.expect_nothing();
        }
    }
}

async fn open(
    settings: &Settings,
    log: &SharedLog,
    time: &Arc<AtomicI64>,
    passes: &Arc<AtomicI64>,
) -> (Arc<Desk>, Pulses, Reports, Sender) {
    let records = Records::open(settings).await.unwrap();
    let (time, passes) = (Arc::clone(time), Arc::clone(passes));
    let clock: Clock = Arc::new(move || moment(time.fetch_add(passes.load(Ordering::SeqCst), Ordering::SeqCst)));
    let style = Style { base: "https://wanglou.example".into(), tz: settings.tz() };
    let links = Links::of(settings, link::keys(&records, &|_| None).await.unwrap(), &style.base);
    let desk = Arc::new(Desk::new(records, Plan::of(settings), style, clock).with_links(links));
    // The one before bore the same name, so there is nothing to wait for.
    desk.claim(&Candidate::new("night")).await.unwrap();
    let pulses = Pulses::open(&desk, log).await.unwrap();
    let reports = Reports::open(&desk, log, &Arc::new(settings.clone())).await.unwrap();
    let sender =
        Sender::new(Arc::clone(&desk), channel::open(settings, &secret, patience(settings)).unwrap(), Shutdown::new());
    (desk, pulses, reports, sender)
}
