//! An emerging topic: what it is about, who speaks of it, and what became of it.

use super::{
    Member,
    evidence::Evidence,
    headline,
    recent::Remembered,
    voices::{is_voice, voices},
};
use jiff::Timestamp;
use rustc_hash::FxHashMap;
use schemas::log::Position;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Posts of its own that a topic remembers.
pub(super) const MEMBERS: usize = 40;
/// Terms that say what it is about.
const CORE: usize = 10;
/// A post belongs to it when it has this share of what its core weighs, and two of its terms.
const BELONGS: f32 = 0.38;
/// A headline gives way to one that is worth so much more.
const BETTER: f32 = 1.25;
/// Without a post for so long, in seconds, it ends: four times its usual gap, within these bounds.
const QUIET: [i64; 2] = [3 * 86_400, 60 * 86_400];
/// Events that are remembered.
pub(super) const EVENTS: usize = 32;

/// What happened in the life of a topic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// The other topic's id, or the new headline. Always written: snapshots are not self-describing.
    pub other: Option<String>,
}

/// What can happen to a topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum What {
    /// It was found.
    Born,
    /// It got another headline.
    Renamed,
    /// Another topic turned out to be the same and became part of it.
    Merged,
    /// A part of it became a topic of its own.
    Split,
    /// It was worth a page.
    Paged,
    /// It was, but most of its posts lie in a watch topic that rises: nobody was paged again.
    Explained,
    /// It ended for want of posts, or as a part of another.
    Ended,
}

/// A term of a topic's core.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Core {
    pub(super) key: u64,
    /// How it is written, where a post of the topic has said it since it was found to be core.
    pub(super) term: Option<String>,
    pub(super) weight: f32,
}

/// An emerging topic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Derived from the founding record: a replay yields the same.
    pub id: String,
    /// What it is called.
    pub headline: String,
    /// The record of the first post that belongs to it.
    pub founder: Position,
    /// When it was found.
    pub born: i64,
    /// When its first post was published.
    pub first: i64,
    /// When its latest post was published.
    pub last: i64,
    /// Posts that belonged to it.
    pub posts: u64,
    /// The most voices that it had at once.
    pub voices: u32,
    /// The greatest surprise so far: -log10 of the probability that so many speak of it by chance.
    pub surprise: f64,
    /// Why that is, in words.
    pub why: String,
    /// The voices of that moment, within how many seconds, and how many were expected.
    pub(in super::super) crowd: (u32, i64, f64),
    /// The thing whose name its first voices shared: a road, an estate, a school; none where they shared words alone.
    pub thing: Option<String>,
    /// What happened to it.
    pub events: Vec<Event>,
    pub(super) core: Vec<Core>,
    pub(super) members: VecDeque<Remembered>,
    pub(super) paged: bool,
    worth: f32,
    /// Members when the core was made last.
    grown: u64,
    /// The same when it was asked last whether it is two.
    examined: u64,
}

impl Found {
    pub(super) fn new(id: String, members: Vec<Remembered>, core: Vec<Core>, now: i64) -> Self {
        let first = members.iter().map(|post| post.at).min().unwrap_or(now);
        let last = members.iter().map(|post| post.at).max().unwrap_or(now);
        let founder = members.iter().map(|post| post.raw).next().unwrap_or(Position { partition: 0, offset: 0 });
        let posts = members.len() as u64;
        let mut found = Self {
            id,
            headline: String::new(),
            founder,
            born: now,
            first,
            last,
            posts,
            voices: 0,
            surprise: 0.0,
            why: String::new(),
            crowd: (0, 0, 0.0),
            thing: None,
            events: Vec::new(),
            core,
            members: members.into(),
            paged: false,
            worth: 0.0,
            grown: posts,
            examined: 0,
        };
        found.tell(What::Born, None, now);
        found.head();
        found
    }

    pub(super) fn tell(&mut self, what: What, other: Option<String>, now: i64) {
        if self.events.len() == EVENTS {
            self.events.remove(1);
        }
        self.events.push(Event { at: Timestamp::from_second(now).unwrap_or_default(), what, other });
    }

    /// Takes over evidence that is stronger than what was there.
    pub(super) fn take(&mut self, evidence: &Evidence) {
        (self.surprise, self.why) = (evidence.surprise, evidence.why());
        self.crowd = (evidence.voices, evidence.seconds, evidence.expected);
    }

    /// How much of its core is in a post with these terms, 0 to 1, and how many of its terms.
    pub(super) fn share(&self, has: impl Fn(u64) -> bool) -> (f32, usize) {
        let all: f32 = self.core.iter().map(|core| core.weight).sum();
        let common = self.core.iter().filter(|core| has(core.key));
        let (weight, count) = common.fold((0.0, 0), |(weight, count), core| (weight + core.weight, count + 1));
        (if all > 0.0 { weight / all } else { 0.0 }, count)
    }

    /// Whether a post belongs to it.
    pub(super) fn takes((share, common): (f32, usize)) -> bool {
        share >= BELONGS && common >= 2
    }

    /// A further post belongs to it.
    pub(super) fn count(&mut self, at: i64) {
        self.posts += 1;
        self.first = self.first.min(at);
        self.last = self.last.max(at);
    }

    /// Remembers a post of it, when it says something of its own.
    pub(super) fn remember(&mut self, post: Remembered) {
        if !is_voice(&self.members, &post) {
            return;
        }
        if self.members.len() == MEMBERS {
            self.members.pop_front();
        }
        self.members.push_back(post);
    }

    /// Whether it has grown so much that its core is to be made anew.
    pub(super) fn has_grown(&self) -> bool {
        self.posts >= self.grown + (self.grown / 4).clamp(1, 50)
    }

    /// Makes the core anew from what its members say.
    pub(super) fn renew(&mut self) {
        self.grown = self.posts;
        let mut core = core(&voices(&self.members));
        for new in &mut core {
            new.term = self.core.iter().find(|old| old.key == new.key).and_then(|old| old.term.clone());
        }
        if core.len() >= 2 {
            self.core = core;
        }
    }

    /// Learns how its core terms are written.
    pub(super) fn spell(&mut self, terms: &[(u64, &str)]) {
        for core in self.core.iter_mut().filter(|core| core.term.is_none()) {
            core.term = terms.iter().find(|(key, _)| *key == core.key).map(|(_, term)| (*term).to_owned());
        }
    }

    /// Seeks the best headline; says whether it is another.
    pub(super) fn head(&mut self) -> bool {
        let worth = |headline: &str| {
            let terms = self.core.iter().filter_map(|core| Some((core.term.as_deref()?, core.weight)));
            headline::worth(headline, terms)
        };
        let now = worth(&self.headline);
        let mut best: Option<(&str, f32)> = None;
        for member in &self.members {
            let worth = worth(&member.headline);
            if best.is_none_or(|(_, other)| worth > other) {
                best = Some((&member.headline, worth));
            }
        }
        match best {
            Some((headline, worth)) if self.headline.is_empty() || worth > now * BETTER && worth > 0.0 => {
                let changed = headline != self.headline;
                (self.headline, self.worth) = (headline.to_owned(), worth);
                changed
            }
            _ => false,
        }
    }

    /// After which silence it ends.
    pub(super) fn patience(&self) -> i64 {
        (4 * (self.last - self.first) / i64::try_from(self.posts.max(1)).unwrap_or(i64::MAX)).clamp(QUIET[0], QUIET[1])
    }

    /// What most of its members state of themselves, with the share of those that do.
    fn most<'m>(&'m self, what: impl Fn(&'m Remembered) -> Option<&'m str>) -> Option<(String, f64)> {
        let mut counts: FxHashMap<&str, usize> = FxHashMap::default();
        self.members.iter().filter_map(&what).for_each(|value| *counts.entry(value).or_default() += 1);
        let (value, count) = counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(a.0)))?;
        Some((value.to_owned(), count as f64 / self.members.len() as f64))
    }

    /// The place that most of its posts name, and which share of them does.
    #[must_use]
    pub fn place(&self) -> Option<(String, f64)> {
        self.most(|post| post.place.as_deref())
    }

    /// The unit that is proposed for most of its posts, and for which share.
    #[must_use]
    pub fn unit(&self) -> Option<(String, f64)> {
        self.most(|post| post.unit.as_deref())
    }

    /// The terms that it is known by, the weightiest first.
    pub fn terms(&self) -> impl Iterator<Item = &str> {
        self.core.iter().filter_map(|core| core.term.as_deref())
    }

    /// Excerpts of its posts that differ, the newest last.
    pub fn excerpts(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|post| post.sample.excerpt.as_str())
    }

    /// The posts that are remembered of it.
    pub(in super::super) fn posts(&self) -> impl Iterator<Item = Member> {
        self.members.iter().map(Member::from)
    }

    /// The bytes that it takes, those of its posts with it.
    pub(super) fn held(&self) -> usize {
        let texts = [&self.id, &self.headline, &self.why]
            .into_iter()
            .chain(self.events.iter().filter_map(|event| event.other.as_ref()));
        let terms = self.core.iter().filter_map(|core| core.term.as_ref());
        size_of::<Self>()
            + texts.chain(terms).map(String::capacity).sum::<usize>()
            + self.events.capacity() * size_of::<Event>()
            + self.core.capacity() * size_of::<Core>()
            + self.members.iter().map(Remembered::held).sum::<usize>()
    }

    /// The share of its remembered posts that belong to this watch topic.
    pub(in super::super) fn share_of(&self, watched: u64) -> f64 {
        let within = self.members.iter().filter(|post| post.watched.contains(&watched)).count();
        within as f64 / self.members.len().max(1) as f64
    }
}

/// The terms that most of some voices have, the weightiest first.
pub(super) fn core(voices: &[&Remembered]) -> Vec<Core> {
    let mut found: FxHashMap<u64, (usize, f32)> = FxHashMap::default();
    for (term, weight) in voices.iter().flat_map(|voice| &voice.terms) {
        let entry = found.entry(*term).or_default();
        *entry = (entry.0 + 1, entry.1 + weight);
    }
    let least = (voices.len() / 2).max(2);
    let mut core: Vec<Core> = found
        .into_iter()
        .filter(|(_, (count, _))| *count >= least)
        .map(|(key, (count, weight))| {
            let share = count as f32 / voices.len() as f32;
            Core { key, term: None, weight: weight / count as f32 * share * share }
        })
        .collect();
    core.sort_unstable_by(|a, b| b.weight.total_cmp(&a.weight).then(a.key.cmp(&b.key)));
    core.truncate(CORE);
    core
}

/// Members from which it is asked whether a topic is two; and how many each part must have.
const DIVIDED: usize = 12;
const PART: usize = 4;
/// So much of one part may have the other part's term.
const APART: f64 = 0.15;

impl Found {
    /// Takes out the lesser part of a topic that is two: two terms, of which nearly every post has one and hardly any has both.
    pub(super) fn part(&mut self) -> Option<Vec<Remembered>> {
        let count = self.members.len();
        if count < DIVIDED || self.examined == self.grown {
            return None;
        }
        self.examined = self.grown;
        let mut terms: FxHashMap<u64, Vec<usize>> = FxHashMap::default();
        for (at, member) in self.members.iter().enumerate() {
            member.terms.iter().for_each(|(term, _)| terms.entry(*term).or_default().push(at));
        }
        let mut terms: Vec<(u64, Vec<usize>)> =
            terms.into_iter().filter(|(_, posts)| posts.len() >= PART && posts.len() <= count - PART).collect();
        terms.sort_unstable_by(|a, b| b.1.len().cmp(&a.1.len()).then(a.0.cmp(&b.0)));
        terms.truncate(24);
        for (index, (_, one)) in terms.iter().enumerate() {
            for (_, other) in &terms[index + 1..] {
                let both = one.iter().filter(|post| other.contains(post)).count();
                let either = one.len() + other.len() - both;
                if both as f64 > APART * other.len() as f64 || either * 10 < count * 9 {
                    continue;
                }
                let lesser: Vec<usize> = other.iter().filter(|post| !one.contains(post)).copied().collect();
                let apart = self.are_apart(one, &lesser);
                if lesser.len() >= PART && apart {
                    let mut part = Vec::new();
                    let mut rest = VecDeque::new();
                    for (at, member) in self.members.drain(..).enumerate() {
                        if lesser.contains(&at) { part.push(member) } else { rest.push_back(member) }
                    }
                    self.members = rest;
                    self.posts = self.posts.saturating_sub(part.len() as u64);
                    self.grown = self.posts;
                    return Some(part);
                }
            }
        }
        None
    }

    /// Whether posts of two parts have less than half as much in common as posts of one part.
    fn are_apart(&self, one: &[usize], other: &[usize]) -> bool {
        let mean = |a: &[usize], b: &[usize]| {
            let (mut sum, mut count) = (0.0, 0);
            for &i in a {
                for &j in b.iter().filter(|&&j| j != i) {
                    sum += self.members[i].likeness(&self.members[j]).0;
                    count += 1;
                }
            }
            if count == 0 { 0.0 } else { sum / count as f32 }
        };
        mean(one, other) < mean(one, one).min(mean(other, other)) / 2.0
    }

    /// Takes over how the terms of the topic that it was part of are written, and that it was told.
    pub(super) fn inherit(&mut self, whole: &Self) {
        for core in &mut self.core {
            core.term = whole.core.iter().find(|other| other.key == core.key).and_then(|other| other.term.clone());
        }
        self.thing.clone_from(&whole.thing);
        self.paged = whole.paged;
    }
}
