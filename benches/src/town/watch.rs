//! The town goes through trend itself, with the time of the town as the clock.
//!
//! A minute's posts are handed over second by second; every ten seconds it is asked whether a rise has begun, as the worker does
//! between batches, and every minute all pulses are taken.

use super::{
    forecasts::Forecasts,
    judge::Alarm,
    plan::Plan,
    stream::{Minute, Voice},
};
use analyze::trend::{Config, Trend, WatchTopic};
use jiff::Timestamp;
use schemas::{
    log::Position,
    records::{AnalyzedPost, Counts, Kind, Phase, Precision, Pulse, Record, Verdict},
};
use std::{collections::HashMap, fmt::Write};

/// Monday, 28 September 2026, 00:00 in Shanghai.
pub const START: i64 = 1_790_524_800;
const CELL: u32 = 10;

/// Trend, and the alarms that it gave.
#[derive(Debug)]
pub struct Watch {
    trend: Trend,
    post: AnalyzedPost,
    topics: Vec<String>,
    sources: Vec<String>,
    numbers: HashMap<String, u16>,
    alarms: Vec<Alarm>,
    forecasts: Forecasts,
    /// From which second on they are judged.
    judged_from: u32,
    /// The last alarm of each topic, and its spike's id.
    last: Vec<Option<(usize, String)>>,
}

/// The ids of a town's topics.
#[must_use]
pub fn topics(plan: &Plan) -> Vec<WatchTopic> {
    let topic = |number: usize| {
        let id = format!("topic-{number}");
        WatchTopic { name: id.clone(), query: id.clone(), id }
    };
    (0..plan.topics.len()).map(topic).collect()
}

impl Watch {
    /// Begins without history, by a config with the town's topics.
    #[must_use]
    pub fn new(plan: &Plan, config: &Config) -> Self {
        let topics: Vec<String> = config.watch.iter().map(|topic| topic.id.clone()).collect();
        Self {
            trend: Trend::new(config),
            post: blank(),
            numbers: topics.iter().enumerate().map(|(number, id)| (id.clone(), number as u16)).collect(),
            forecasts: Forecasts::of(topics.len()),
            judged_from: plan.minutes().start * 60,
            last: vec![None; topics.len()],
            topics,
            sources: (0..plan.lags.len()).map(|source| format!("source-{source}")).collect(),
            alarms: Vec::new(),
        }
    }

    /// Hands over what comes in within a minute.
    pub fn observe(&mut self, minute: &Minute) {
        let (begin, mut from) = (minute.number * 60, 0);
        for cell in 0..60 / CELL {
            let end = (cell + 1) * CELL;
            let to = from + minute.posts[from..].partition_point(|post| u32::from(post.second) < end);
            for index in from..to {
                self.push(minute, index);
            }
            from = to;
            // A cell's last second: nothing counts ahead.
            let now = time(begin + end - 1);
            self.trend.advance(now);
            if end == 60 || self.trend.news() > 0 {
                let pulses = self.trend.tick(now);
                self.take(&pulses, begin + end);
            }
        }
    }

    fn push(&mut self, minute: &Minute, index: usize) {
        let (from, post) = (minute.posts[index], &mut self.post);
        let now = time(minute.number * 60 + u32::from(from.second));
        post.raw.offset += 1;
        let offset = post.raw.offset;
        post.id.clear();
        post.text.clear();
        // Writing to a string cannot fail.
        let _ = write!(post.id, "town:{offset}");
        post.cluster = None;
        let written = match from.voice {
            Voice::First(text) => write!(post.text, "洗稿第 {text} 篇, 一字不差地发了又发"),
            Voice::Copy(text) => {
                post.cluster = Some(format!("flood:{text}"));
                write!(post.text, "洗稿第 {text} 篇, 一字不差地发了又发")
            }
            Voice::Own | Voice::Old => write!(post.text, "第 {offset} 号来话"),
        };
        debug_assert!(written.is_ok());
        if let Voice::First(text) = from.voice {
            post.id = format!("flood:{text}");
        }
        post.source.clone_from(&self.sources[usize::from(from.source)]);
        post.topics[0].clone_from(&self.topics[usize::from(from.topic)]);
        post.published_at = time(from.at);
        post.fetched_at = now;
        self.trend.observe(post, now);
    }

    fn take(&mut self, pulses: &[Pulse], now: u32) {
        for pulse in pulses {
            let Some(&topic) = self.numbers.get(&pulse.topic.id) else { continue };
            if now.is_multiple_of(3_600) && now >= self.judged_from {
                self.forecasts.take(topic, pulse, now);
            }
            let Some(spike) = &pulse.spike else { continue };
            let last = &mut self.last[usize::from(topic)];
            if last.as_ref().is_none_or(|(_, id)| *id != spike.id) {
                *last = Some((self.alarms.len(), spike.id.clone()));
                let since = u32::try_from(spike.since.as_second() - START).unwrap_or(0);
                self.alarms.push(Alarm { topic, seen: now, since, until: now, why: spike.why.clone() });
            }
            if let (Some((index, _)), true) = (last, pulse.phase != Phase::Quiet) {
                self.alarms[*index].until = now;
            }
        }
    }

    /// The alarms, in the order in which they were seen, what forecasts were worth, and trend as it stands.
    #[must_use]
    pub fn end(self) -> (Vec<Alarm>, Forecasts, Trend) {
        (self.alarms, self.forecasts, self.trend)
    }
}

fn time(second: u32) -> Timestamp {
    Timestamp::from_second(START + i64::from(second)).unwrap_or_default()
}

/// A post that is filled in again and again.
#[must_use]
pub fn blank() -> AnalyzedPost {
    AnalyzedPost {
        v: AnalyzedPost::VERSION,
        raw: Position { partition: 0, offset: 0 },
        verdict: Verdict::First,
        id: String::new(),
        source: String::new(),
        kind: Kind::Post,
        url: None,
        title: None,
        text: String::new(),
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
        topics: vec![String::new()],
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
