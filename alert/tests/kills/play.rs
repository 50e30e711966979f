//! What happens in the life of the incidents, all of it decided by a seed: which pulses come when, and what people do. The process that is
//! killed and the one that kills it read it from the same file, and the time from the same clock.

use crate::support;
use alert::incident::Command;
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{auth::Role, settings::Settings},
    records::{Phase, Pulse, Sample},
};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// How long a channel is waited for, on the wall's clock: far beyond what a busy machine takes to answer.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// The time at which the play begins.
const START: &str = "2026-11-24T01:00:00Z";
const MINUTE: i64 = 60_000;
pub const UNIT: &str = "抚琴街道";
/// The people of a script, by the place of what they do in it.
const STEPS: usize = 12;

/// A play.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Play {
    pub folder: PathBuf,
    pub records: String,
    /// Where the receivers listen.
    pub front: String,
    /// When it began, by the wall's clock, in milliseconds.
    pub begun: i64,
    /// How much faster than the wall's its clock runs.
    pub speed: i64,
    pub incidents: u64,
    /// In how many of its minutes they open.
    pub minutes: i64,
    pub seed: u64,
}

/// A number from 0 to `sides` less one that hangs on nothing but the seed and what it is for.
pub fn dice(seed: u64, what: &str, sides: u64) -> u64 {
    let mut hash = what
        .bytes()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    for (shift, factor) in [(30, 0xbf58_476d_1ce4_e5b9), (27, 0x94d0_49bb_1331_11eb)] {
        hash = (hash ^ (hash >> shift)).wrapping_mul(factor);
    }
    (hash ^ (hash >> 31)) % sides
}

pub fn wall() -> i64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis() as i64
}

/// What somebody does, so long after the incident opened.
#[derive(Debug, Clone)]
pub struct Step {
    pub after: SignedDuration,
    /// Nobody does two things in an incident: so its history says what was done.
    pub who: String,
    pub role: Role,
    pub deed: Deed,
}

#[derive(Debug, Clone)]
pub enum Deed {
    Act(Command),
    /// Into the open incident before it.
    Merge,
    /// Out of that again.
    Split,
}

impl Play {
    pub fn read(folder: &Path) -> Self {
        serde_json::from_slice(&std::fs::read(folder.join("play.json")).unwrap()).unwrap()
    }

    pub fn write(&self) {
        std::fs::write(self.folder.join("play.json"), serde_json::to_vec(self).unwrap()).unwrap();
    }

    /// What time it is in the play.
    pub fn now(&self) -> Timestamp {
        self.at((wall() - self.begun) * self.speed)
    }

    fn at(&self, millis: i64) -> Timestamp {
        START.parse::<Timestamp>().unwrap() + SignedDuration::from_millis(millis)
    }

    /// So long as the wall's clock goes meanwhile.
    pub fn of_wall(&self, time: Duration) -> SignedDuration {
        SignedDuration::try_from(time).unwrap() * self.speed as i32
    }

    fn dice(&self, what: &str, sides: u64) -> u64 {
        dice(self.seed, what, sides)
    }

    pub fn settings(&self) -> Settings {
        let mut settings = Settings::parse(&config(&self.front), []).unwrap();
        settings.data_dir.clone_from(&self.folder);
        settings.records.url.clone_from(&self.records);
        settings
    }

    pub fn topic(n: u64) -> String {
        format!("t{n}")
    }

    /// When a topic rises first: a quarter of them by the dozens at once, the others one by one.
    fn rises_at(&self, n: u64) -> i64 {
        let group = n / 25;
        let what = if group.is_multiple_of(4) { format!("group {group}") } else { format!("topic {n}") };
        self.dice(&what, (self.minutes * MINUTE) as u64) as i64
    }

    /// All pulses in the order of their time.
    pub fn pulses(&self) -> Vec<Pulse> {
        let mut pulses: Vec<Pulse> = (0..self.incidents).flat_map(|n| self.pulses_of(n)).collect();
        pulses.sort_by(|a, b| (a.at, &a.topic.id).cmp(&(b.at, &b.topic.id)));
        pulses
    }

    fn pulses_of(&self, n: u64) -> Vec<Pulse> {
        let (begins, base) = (self.rises_at(n), 15 + self.dice(&format!("base {n}"), 10));
        // One in five grows beyond its level, one in forty becomes red.
        let grows = match self.dice(&format!("growth {n}"), 40) {
            0 => 400,
            1..8 => 60,
            _ => 1,
        };
        let mut pulses = Vec::new();
        let mut tell = |minute: i64, rise: &str, count: u64, phase| {
            pulses.push(self.pulse(n, begins + minute * MINUTE, rise, count, phase));
        };
        for (step, minute) in [0, 2, 6, 12].into_iter().enumerate() {
            tell(minute, "a", base + step as u64 * grows, Phase::Rising);
        }
        if self.dice(&format!("again {n}"), 3) == 0 {
            tell(26, "b", base, Phase::Rising);
            tell(28, "b", base + grows, Phase::Peak);
        }
        tell(40, "", 2, Phase::Quiet);
        pulses
    }

    fn pulse(&self, n: u64, millis: i64, rise: &str, count: u64, phase: Phase) -> Pulse {
        let rise = if rise.is_empty() { String::new() } else { format!("{rise}{n}") };
        let mut pulse = support::pulse(self.at(millis), &Self::topic(n), &rise, count, phase);
        pulse.topic.name = format!("停水{n}");
        // Two of ten topics show the same posts, so that they are one matter.
        let shown = match n % 10 {
            6 | 7 => vec![format!("forum:g{}", n / 10), format!("forum:h{}", n / 10)],
            _ => vec![format!("forum:p{n}")],
        };
        let sample = pulse.samples[0].clone();
        pulse.samples = shown.into_iter().map(|id| Sample { id, ..sample.clone() }).collect();
        pulse
    }

    /// What people do to an incident.
    pub fn script(&self, incident: &str) -> Vec<Step> {
        use Command as C;
        let text = || "已处理".to_owned();
        let act = |command| Deed::Act(command);
        let assign = || act(C::assign(UNIT, "请核实"));
        let press = self.dice(&format!("press {incident}"), 2) == 0;
        let (respond, close) = (act(C::Respond { text: text(), press }), act(C::Close { text: text() }));
        let (ack, unit_ack, answer) = (act(C::Ack), act(C::UnitAck), act(C::Answer { text: text() }));
        let note = act(C::Note { text: text() });
        let deeds = match self.dice(&format!("script {incident}"), 100) {
            0..12 => vec![],
            12..20 => vec![ack],
            20..55 => vec![ack, assign(), unit_ack, answer, respond, close],
            55..66 => {
                let again = act(C::Reopen { text: text() });
                vec![
                    ack,
                    assign(),
                    act(C::Return { text: text() }),
                    assign(),
                    note,
                    respond,
                    close.clone(),
                    again,
                    close,
                ]
            }
            66..72 => vec![act(C::FalseAlarm { text: text() })],
            72..84 => vec![ack, Deed::Merge, Deed::Split],
            84..92 => {
                let clock = || "response".to_owned();
                let pause = act(C::Pause { clock: clock(), text: text() });
                vec![ack, pause, act(C::Resume { clock: clock(), text: String::new() }), respond]
            }
            _ => vec![ack, note, respond],
        };
        let mut after = 0;
        let steps = deeds.into_iter().enumerate().map(|(n, deed)| {
            after += 20_000 + self.dice(&format!("wait {incident} {n}"), 7 * MINUTE as u64) as i64;
            let of_unit = matches!(deed, Deed::Act(C::UnitAck | C::Answer { .. } | C::Return { .. }));
            let by_unit = of_unit && self.dice(&format!("role {incident} {n}"), 2) == 0;
            let role = if by_unit { Role::Unit } else { Role::Operator };
            let who = match deed {
                Deed::Act(_) => format!("s{n}"),
                // These stand in another incident's history too.
                Deed::Merge | Deed::Split => format!("m{n}-{incident}"),
            };
            Step { after: SignedDuration::from_millis(after), who, role, deed }
        });
        steps.collect()
    }
}

/// Every kind of channel that answers over HTTP with words of its own, with quotas, chains and a unit.
fn config(front: &str) -> String {
    let channel = |id: &str, kind: &str, path: &str, more: &str| {
        format!("[[channel]]\nid = \"{id}\"\nkind = \"{kind}\"\nurl = \"{front}/{id}{path}\"\n{more}\n")
    };
    let secret = "secret_env = \"ROBOT_SECRET\"\nfailover_after = \"30m\"";
    let mut config = [
        channel("desk", "webhook", "", ""),
        channel("hall", "webhook", "", "per_minute = 30\nthen = \"desk\""),
        channel("leader", "webhook", "", ""),
        channel("unit", "webhook", "", ""),
        channel("wecom", "wecom", "/cgi-bin/webhook/send?key=KEY", "then = \"hall\""),
        channel("dingtalk", "dingtalk", "/robot/send?access_token=TOKEN", &format!("then = \"hall\"\n{secret}")),
        channel("feishu", "feishu", "/open-apis/bot/v2/hook/TOKEN", &format!("then = \"desk\"\n{secret}")),
    ]
    .concat();
    config += "[[duty]]\nid = \"d\"\nchannels = [\"hall\", \"wecom\"]\nresume_after = \"6m\"\nrepeat = { times = 2, every = \"5m\" }\n\
        [[duty.escalation]]\nafter = \"5m\"\nperson = \"带班\"\nchannels = [\"leader\", \"dingtalk\"]\n\
        [[duty.escalation]]\nafter = \"5m\"\nperson = \"主任\"\nchannels = [\"feishu\"]\n";
    for (id, name, until, from, within) in [
        ("information", "权威信息发布", "responded", "opened", 40),
        ("press", "新闻发布会", "press_conference", "opened", 50),
        ("response", "官方回应", "responded", "opened", 45),
        ("unit_ack", "单位签收", "unit_acked", "assigned", 8),
        ("answer", "单位答复", "answered", "assigned", 20),
    ] {
        let levels = match id {
            "information" | "press" => "levels = [\"I\", \"II\"]\n",
            "response" => "levels = [\"III\", \"IV\"]\n",
            _ => "",
        };
        config += &format!(
            "[[clock]]\nid = \"{id}\"\nname = \"{name}\"\n{levels}from = \"{from}\"\nuntil = \"{until}\"\nwithin = \"{within}m\"\n"
        );
    }
    for n in 0..STEPS {
        let channels = if n == 0 { "channels = [\"unit\"]\nleads = true\n" } else { "" };
        config += &format!("[[person]]\nname = \"s{n}\"\nunit = \"{UNIT}\"\n{channels}");
    }
    config
}
