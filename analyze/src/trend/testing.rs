//! What the tests of this folder share.

use super::state::{Config, Trend, WatchTopic};
use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    log::Position,
    records::{AnalyzedPost, Counts, Kind, Precision, Pulse, Record, Spike, Verdict},
};
use std::collections::BTreeMap;

/// A first-seen post from raw offset `offset` of partition 0.
pub(super) fn post(offset: u64) -> AnalyzedPost {
    AnalyzedPost {
        v: AnalyzedPost::VERSION,
        raw: Position { partition: 0, offset },
        verdict: Verdict::First,
        id: format!("forum:{offset}"),
        source: "forum".into(),
        kind: Kind::Post,
        url: None,
        title: None,
        text: "停水了".into(),
        published_at: Timestamp::UNIX_EPOCH,
        published_precision: Precision::Second,
        date_clamped: false,
        fetched_at: Timestamp::UNIX_EPOCH,
        thread_id: None,
        parent_id: None,
        counts: Counts::default(),
        previous: None,
        sentiment: None,
        tones: Vec::new(),
        keyphrases: Vec::new(),
        terms: Vec::new(),
        topics: Vec::new(),
        place: None,
        category: None,
        places: Vec::new(),
        elsewhere: None,
        unit: None,
        fingerprint: None,
        cluster: None,
        official: None,
        addressed_to: None,
        corrected: None,
        gone_at: None,
        reply: None,
    }
}

/// Monday, 28 September 2026, 00:00 in Shanghai.
pub(super) const START: i64 = 1_790_524_800;

pub(super) fn time(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

pub(super) fn config(topics: &[&str]) -> Config {
    let watch =
        topics.iter().map(|id| WatchTopic { id: (*id).into(), name: format!("专题 {id}"), query: (*id).into() });
    Config::of(watch.collect(), TimeZone::get("Asia/Shanghai").unwrap())
}

/// A town whose posts are drawn at random, by a seed, and watched as time passes.
pub(super) struct Town {
    pub(super) trend: Trend,
    pub(super) now: i64,
    pub(super) spikes: BTreeMap<String, (i64, Spike)>,
    pub(super) pulses: Vec<Pulse>,
    offset: u64,
    random: u64,
}

impl Town {
    pub(super) fn new(topics: &[&str], seed: u64) -> Self {
        let trend = Trend::new(&config(topics));
        Self { trend, now: START, spikes: BTreeMap::new(), pulses: Vec::new(), offset: 0, random: seed }
    }

    /// A number from 0 up to 1 (SplitMix64, Steele et al. 2014).
    pub(super) fn random(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A Poisson number, by waiting times.
    pub(super) fn poisson(&mut self, mean: f64) -> u64 {
        let (mut count, mut waited) = (0, -(1.0 - self.random()).ln());
        while waited < mean {
            count += 1;
            waited -= (1.0 - self.random()).ln();
        }
        count
    }

    /// A post of a topic (or of none) that is counted now.
    pub(super) fn push(&mut self, topic: &str, published: i64) {
        let post = self.make(topic, published);
        self.trend.observe(&post, time(self.now));
    }

    pub(super) fn make(&mut self, topic: &str, published: i64) -> AnalyzedPost {
        let offset = self.offset;
        self.offset += 1;
        AnalyzedPost {
            text: format!("{offset}: {topic}"),
            published_at: time(published),
            fetched_at: time(self.now),
            topics: if topic.is_empty() { vec![] } else { vec![topic.into()] },
            ..post(offset)
        }
    }

    pub(super) fn tick(&mut self) {
        for pulse in self.trend.tick(time(self.now)) {
            if let Some(spike) = &pulse.spike {
                self.spikes.entry(spike.id.clone()).or_insert((self.now, spike.clone()));
            }
            self.pulses.push(pulse);
        }
    }

    /// Lets so many minutes pass, with posts of each topic at `rate(topic, second)` a minute, as they are published.
    pub(super) fn pass(&mut self, minutes: i64, topics: &[&str], rate: impl Fn(&str, i64) -> f64) {
        for _ in 0..minutes {
            let mut due = Vec::new();
            for topic in topics {
                for _ in 0..self.poisson(rate(topic, self.now)) {
                    due.push((self.now + (self.random() * 60.0) as i64, *topic));
                }
            }
            due.sort_unstable();
            let end = self.now + 60;
            for (at, topic) in due {
                self.now = at;
                self.push(topic, at);
            }
            self.now = end;
            self.tick();
            self.pulses.clear();
        }
    }

    pub(super) fn pulse(&self, topic: &str) -> Pulse {
        self.trend.pulse(self.trend.topic(topic).unwrap(), time(self.now)).unwrap()
    }
}

/// The day's rhythm: few posts at night, most at noon and in the evening; its mean is near 1.
pub(super) fn rhythm(second: i64) -> f64 {
    let hour = (second - START).rem_euclid(86_400) as f64 / 3_600.0;
    match hour {
        h if h < 6.0 => 0.2,
        h if h < 9.0 => 0.2 + (h - 6.0) * 0.3,
        h if (12.0..13.5).contains(&h) => 2.5,
        h if h < 18.0 => 1.1,
        h if h < 23.0 => 1.6,
        _ => 0.8,
    }
}
