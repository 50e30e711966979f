//! `wanglou replay`: history through understanding and trend, with the posts' own times as the clock: what would have been
//! paged, and when.

use crate::{
    query::Facts,
    trend::{Config, Emerged, Trend},
    understand::Understanding,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    log::Position,
    records::{AnalyzedPost, DoorPost, Phase, Pulse, Record, Spike, Verdict, post_id},
};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// The clock moves in steps of this length, as the ticks of a running instance do.
const STEP: SignedDuration = SignedDuration::from_secs(1);
/// Where nothing happens the clock moves in longer steps: no rise ends or begins between two of them unseen.
const IDLE_STEP: SignedDuration = SignedDuration::from_secs(60);

/// What would have been told to the alert stage: a rise begins, or ends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// When it would have been told.
    pub at: Timestamp,
    /// The watch topic.
    pub topic: String,
    /// `page` when a rise begins, `quiet` when it is over.
    pub what: &'static str,
    /// The rise.
    pub spike: Spike,
}

/// Replays posts. Sort them by `published_at` first; one that comes out of order is counted where it belongs.
pub struct Replay<'a> {
    understanding: &'a Understanding,
    trend: Trend,
    now: Option<Timestamp>,
    next_offset: u64,
    ids: HashSet<String>,
    rising: HashMap<String, Spike>,
    emerged: Vec<Emerged>,
}

impl<'a> Replay<'a> {
    /// Begins without history.
    #[must_use]
    pub fn new(understanding: &'a Understanding, config: &Config) -> Self {
        Self {
            understanding,
            trend: Trend::new(config),
            now: None,
            next_offset: 0,
            ids: HashSet::new(),
            rising: HashMap::new(),
            emerged: Vec::new(),
        }
    }

    /// Moves the clock to the post's time, then takes the post in. Returns what would have been told on the way.
    pub fn post(&mut self, post: &DoorPost) -> Vec<Told> {
        let mut told = self.until(post.published_at);
        if self.ids.insert(post_id(&post.source, &post.native_id)) {
            let now = self.now.map_or(post.published_at, |now| now.max(post.published_at));
            let analyzed = self.analyzed(post);
            self.trend.observe(&analyzed, now);
            self.emerged.extend(self.trend.emerged());
            if self.trend.news() > 0 {
                told.extend(self.tick(now));
            }
        }
        told
    }

    /// What happened to emerging topics since this was last asked, in order.
    pub fn emerged(&mut self) -> Vec<Emerged> {
        std::mem::take(&mut self.emerged)
    }

    /// Moves the clock.
    pub fn until(&mut self, at: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        let mut now = *self.now.get_or_insert(at);
        while now < at {
            let step = if self.rising.is_empty() { IDLE_STEP } else { STEP };
            now = now.checked_add(step).unwrap_or(at).min(at);
            told.extend(self.tick(now));
        }
        self.now = Some(now);
        told
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Told> {
        let pulses = self.trend.tick(now);
        self.emerged.extend(self.trend.emerged());
        pulses.into_iter().filter_map(|pulse| self.change(pulse)).collect()
    }

    /// What a pulse says that the one before did not.
    fn change(&mut self, pulse: Pulse) -> Option<Told> {
        let topic = pulse.topic.id;
        let (what, spike) = match (pulse.phase, pulse.spike) {
            (Phase::Quiet, _) => ("quiet", self.rising.remove(&topic)?),
            (_, Some(spike)) => {
                let before = self.rising.insert(topic.clone(), spike.clone());
                if before.is_some_and(|before| before.id == spike.id) {
                    return None;
                }
                ("page", spike)
            }
            (_, None) => return None,
        };
        Some(Told { at: pulse.at, topic, what, spike })
    }

    fn analyzed(&mut self, post: &DoorPost) -> AnalyzedPost {
        let facts = Facts {
            source: &post.source,
            kind: Some(post.kind),
            places: post.place.as_deref().into_iter().collect(),
            ..Facts::default()
        };
        let understood = self.understanding.understand_with(post.title.as_deref().unwrap_or(""), &post.text, facts);
        let offset = self.next_offset;
        self.next_offset += 1;
        AnalyzedPost {
            v: AnalyzedPost::VERSION,
            raw: Position { partition: 0, offset },
            verdict: Verdict::First,
            id: post_id(&post.source, &post.native_id),
            source: post.source.clone(),
            kind: post.kind,
            url: post.url.clone(),
            title: post.title.clone(),
            text: post.text.clone(),
            published_at: post.published_at,
            published_precision: post.published_precision.unwrap_or_default(),
            date_clamped: false,
            fetched_at: post.published_at,
            thread_id: post.thread_id.clone(),
            parent_id: post.parent_id.clone(),
            counts: post.counts(),
            previous: None,
            sentiment: Some(understood.sentiment),
            tones: understood.tones,
            keyphrases: understood.keyphrases,
            terms: understood.terms,
            topics: understood.topics,
            place: post.place.clone(),
            category: understood.category,
            places: understood.places,
            elsewhere: understood.elsewhere,
            unit: understood.unit,
            fingerprint: understood.fingerprint.hex(),
            cluster: None,
            official: None,
            addressed_to: None,
            corrected: None,
            gone_at: None,
            reply: None,
        }
    }
}
