//! What tests begin with.

use crate::{incident::File, matter, policy::Thresholds};
use jiff::{SignedDuration, Timestamp};
use schemas::records::{Label, Phase, Pulse, Record, Sample, Spike, TopicKind, TopicRef, Window};

pub(crate) fn moment() -> Timestamp {
    "2026-11-24T03:04:05Z".parse().unwrap()
}

pub(crate) fn spike(id: &str, count: u64) -> Spike {
    Spike { id: id.into(), since: moment(), count, peak: count, why: "5 分钟内骤增".into(), late: false }
}

pub(crate) fn pulse(topic: &str) -> Pulse {
    Pulse {
        v: Pulse::VERSION,
        topic: TopicRef { id: topic.into(), kind: TopicKind::Watch, name: "停水".into() },
        at: moment(),
        phase: Phase::Rising,
        spike: Some(spike("s1", 18)),
        windows: vec![Window {
            seconds: 300,
            count: 18,
            negative: 15,
            copies: 0,
            expected: 1.5,
            upper: 6.0,
            surprise: 9.25,
            once_in_days: None,
        }],
        total: 118,
        negative_share: 0.875,
        reach: 42,
        lag_seconds: 2.5,
        forecast: None,
        samples: vec![Sample {
            id: "forum:t1".into(),
            source: "forum".into(),
            url: Some("https://forum.example/t/1".into()),
            excerpt: "抚琴街道今天又停水了".into(),
            published_at: moment(),
            sentiment: Some(Label::Negative),
            reach: 6,
            category: None,
            unit: None,
        }],
        through: Vec::new(),
    }
}

/// A new incident, not stored yet.
pub(crate) fn file(topic: &str) -> File {
    let pulse = pulse(topic);
    let rise = pulse.spike.clone().unwrap();
    let mut file = matter::open("20261124-0001".into(), &pulse, &rise, &Thresholds::default(), moment());
    file.incident.ack_due_at = Some(moment() + SignedDuration::from_mins(15));
    file
}
