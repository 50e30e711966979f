//! Topics that nobody defined: found while they emerge.
//!
//! The way of a post:
//!
//! 1. Its terms, and the pairs of its most telling ones, are counted in tables of a fixed size ([`sketch`]). What is always there tells
//!    nothing: a term weighs what its rarity says.
//! 2. It belongs to the emerging topic of whose core it says enough ([`found`]), if there is one.
//! 3. If not, it is remembered ([`recent`]) and compared with the posts of the last weeks that say the same rare terms. When enough
//!    voices ([`mod@voices`]) speak of one thing, the number of them within an hour, a day, a week, a month and 90 days is compared with what the
//!    tables expect ([`evidence`]). From a line on it is a topic, from a higher one on it is worth a page.
//!
//! | what comes | outcome |
//! |---|---|
//! | a copy of a known post | it belongs to a topic that is there, and is no voice; unless it comes on another day or under a title of its own |
//! | a post whose time is more than six hours ago | what it says is learned; it founds nothing |
//! | what sells ([`advert`]) | the same |
//! | one thread, one text, one form that is filled in again and again | one voice, which founds nothing |
//! | what comes every day, or every day at this hour | as expected |
//! | fewer than [`evidence::VOICES`] voices | nothing |
//! | as many or more, less surprising than the line | nothing yet; the line is higher where they share no name of a thing ([`names`]) |
//! | more surprising | a topic, with the id of its earliest post |
//! | they share neither the name of a thing nor a word that is rarely said | nothing: a kind of matter, each of his own |
//! | two topics with nearly the same core | the younger becomes part of the elder, which keeps its id |
//! | a topic whose posts speak of two things | the lesser part becomes a topic of its own |
//! | no post for four times its usual gap, three days at least | it ends |
//!
//! Pure: what it does follows from the posts and times that it is given, so that a replay yields the same ids, whatever restarts lie
//! between. Memory is bounded, whatever comes ([`Emerging::BOUND`], [`memory`]): tables of a fixed size, [`recent`] posts and at most
//! [`MOST`] topics.

mod advert;
mod copies;
mod evidence;
mod found;
mod headline;
mod memory;
mod names;
mod recent;
mod shown;
mod sketch;
#[cfg(test)]
mod tests;
mod voices;
mod volume;

pub use found::{Event, Found, What};
pub use shown::Shown;

use super::{samples, state::Config};
use advert::sells;
use copies::Copies;
use evidence::{Evidence, Judge};
use found::core;
use jiff::{Timestamp, tz::TimeZone};
use names::{coded_area, is_place, names_area, names_thing};
use recent::{KEPT, Recent, Remembered};
use rustc_hash::FxHashMap;
use schemas::records::{AnalyzedPost, Label, PlaceFound, PlaceKind, Sample};
use serde::{Deserialize, Serialize};
use sketch::{Pairs, Rhythm, Terms, pair};
use std::collections::{BTreeMap, BTreeSet};
use voices::voices;
use volume::Volume;
use xxhash_rust::xxh3::xxh3_64;

/// Things that are remembered of a post.
const NAMES: usize = 8;
/// Watch topics that are remembered of a post.
const WATCHED: usize = 32;
/// Topics that live at once.
const MOST: usize = 256;
/// A post that is older than this when it comes founds nothing, in seconds.
const LIVE: i64 = 6 * 3_600;
/// Terms of a post of which pairs are counted.
const PAIRED: usize = 9;
/// What a term in the title weighs more.
const TITLE: f32 = 1.6;
/// What a term that only says where weighs less: a matter is more than its place.
const PLACE: f32 = 0.5;
/// A term that weighs less, the logarithm of how rare it is, tells nothing.
const TELLS: f32 = 2.3;
/// The surprise from which something is a topic.
const TOPIC: f64 = 3.5;
/// How much more surprising it must be where the voices share no name of a thing: they may speak of a kind of matter, each of his own.
const UNNAMED: f64 = 1.0;
/// Posts that a new one is compared with.
const COMPARED: usize = 40;
/// From this likeness on two posts may speak of one thing, and with so many terms in common.
const ALIKE: f32 = 0.1;
/// The same for a post that is older than some weeks.
const LONG_AGO: f32 = 0.15;
const WEEKS: i64 = 30 * 86_400;
/// The same for posts that name different places.
const ELSEWHERE: f32 = 0.35;
/// The same for posts of one area that name different things.
const OTHERS: f32 = 0.2;
/// The same for posts that name the same thing.
const NAMED: f32 = 0.06;
const COMMON: usize = 3;
/// A term that more than this share of all posts have is no name of a matter.
const RARELY: f32 = 0.005;
/// Two topics with so much of their cores in common are one.
const SAME: f32 = 0.5;
/// Posts of one topic that are remembered in one second.
const REMEMBERED: u32 = 4;
/// Posts that are held against those before them in one second: where more come, what emerges has voices among these.
const SOUGHT: u32 = 64;

/// What has changed.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// A topic was found.
    Born {
        /// Its number, by which [`Emerging::observe`] names it.
        topic: u32,
        /// The posts that it has so far: when each counts, whether it is negative, and what it says.
        posts: Vec<Member>,
    },
    /// It has another headline.
    Renamed(u32),
    /// It is worth a page.
    Paged(u32),
    /// One became part of another.
    Merged {
        /// The number of the one that is no more.
        from: u32,
        /// The number of the one that goes on.
        into: u32,
        /// What it was.
        found: Box<Found>,
    },
    /// Of the first, the second became a topic of its own.
    Split(u32, u32),
    /// It has ended.
    Ended {
        /// The number that it had.
        topic: u32,
        /// What it was.
        found: Box<Found>,
    },
}

/// A post that a topic had before it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// The second at which it counts.
    pub at: i64,
    /// Whether it is negative.
    pub negative: bool,
    /// What it says.
    pub sample: Sample,
}

impl From<&Remembered> for Member {
    fn from(post: &Remembered) -> Self {
        Self { at: post.at, negative: post.negative, sample: (&post.sample).into() }
    }
}

/// What voices have in common, beside ordinary words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shared {
    /// The name of a thing, hashed: they speak of one matter.
    Thing(u64),
    /// A word that is rarely said.
    Word,
    /// Nothing: they speak of the same kind of thing, each of his own.
    Nothing,
}

/// From which surprise on something is told.
#[derive(Debug, Clone, PartialEq)]
pub struct Lines {
    /// -log10 of the probability from which something is a topic.
    pub topic: f64,
    /// Voices that a page needs.
    pub voices: u32,
    /// Pages a night that may be false.
    pub false_pages: f64,
    /// In which the hours of the day are reckoned.
    pub tz: TimeZone,
}

impl Lines {
    /// By the config: a third of the false pages that it grants are those of emerging topics.
    pub(super) fn of(config: &Config) -> Self {
        let voices = u32::try_from(config.min_count / 3).unwrap_or(u32::MAX).max(5);
        Self { topic: TOPIC, voices, false_pages: config.false_pages / 3.0, tz: config.tz.clone() }
    }
}

/// All that was learned and found: what a snapshot holds.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Emerging {
    terms: Terms,
    pairs: Pairs,
    rhythm: Rhythm,
    volume: Volume,
    recent: Recent,
    copies: Copies,
    judge: Judge,
    topics: BTreeMap<u32, Found>,
    next: u32,
    swept: i64,
    /// Posts of topics that were remembered in this second.
    second: (i64, u32),
    /// Posts that were held against others in this second.
    sought: (i64, u32),
    /// The topics that have a term in their core: follows from `topics`.
    #[serde(skip)]
    by_term: FxHashMap<u64, Vec<u32>>,
    /// What was not told yet.
    #[serde(skip)]
    changes: Vec<Change>,
}

impl Emerging {
    /// Goes on from a snapshot.
    pub fn restored(&mut self) {
        self.recent.index();
        self.index();
    }

    /// The topics that live, by their numbers.
    pub fn topics(&self) -> impl Iterator<Item = (u32, &Found)> {
        self.topics.iter().map(|(&number, topic)| (number, topic))
    }

    /// A topic that lives.
    #[must_use]
    pub fn topic(&self, number: u32) -> Option<&Found> {
        self.topics.get(&number)
    }

    /// Takes in a first-seen post that counts at second `at`, and says to which topic it belongs, if to one.
    pub fn observe(&mut self, post: &AnalyzedPost, at: i64, now: i64, lines: &Lines) -> Option<u32> {
        if post.terms.is_empty() || post.official.is_some() {
            return None;
        }
        let keys: Vec<(u64, &str)> = post.terms.iter().map(|term| (xxh3_64(term.as_bytes()), term.as_str())).collect();
        let copied = post.cluster.as_deref();
        if copied.is_some_and(|founder| !self.copies.is_looked_at(founder, post.title.as_deref(), at)) {
            let topic = self.belongs(&keys)?;
            self.topics.get_mut(&topic)?.count(at);
            return Some(topic);
        }
        let weighed = self.learn(post, &keys, at, lines);
        let topic = self.belongs(&keys);
        let (warmth, live) =
            (self.pair_up(&weighed, at), at > now - LIVE && !sells(keys.iter().map(|(_, term)| *term)));
        if let Some(number) = topic {
            self.join(number, post, &keys, weighed, at, now, lines);
            return Some(number);
        }
        if !live || warmth < self.recent.wanted(now) || post.id.len() + post.source.len() > memory::ID {
            return None;
        }
        if self.sought.0 != now {
            self.sought = (now, 0);
        }
        self.sought.1 += 1;
        if self.sought.1 > SOUGHT {
            return None;
        }
        let remembered = remembered(post, weighed, at);
        self.found(remembered, post, &keys, at, now, lines)
    }

    /// Counts the terms of a post, and weighs them: the most telling first.
    fn learn(&mut self, post: &AnalyzedPost, keys: &[(u64, &str)], at: i64, lines: &Lines) -> Vec<(u64, f32)> {
        let (second, hour) = (second(at), hour(at, &lines.tz));
        self.volume.add(at, hour);
        let all = self.volume.ever() as f32;
        for name in things(post).filter(|name| !post.terms.iter().any(|term| term == name)) {
            self.terms.add(xxh3_64(name.as_bytes()), second);
        }
        let title = post.title.as_deref().map(crate::understand::fold).unwrap_or_default();
        let mut weighed = Vec::with_capacity(keys.len());
        for &(key, term) in keys {
            let ever = self.terms.add(key, second).ever;
            self.rhythm.add(key, hour);
            let weight = ((all + 1.0) / (ever + 1.5)).ln();
            if weight >= TELLS {
                let factor = match () {
                    () if is_place(term, post) => PLACE,
                    () if title.contains(term) => TITLE,
                    () => 1.0,
                };
                weighed.push((key, weight * factor));
            }
        }
        weighed.sort_by(|a: &(u64, f32), b| b.1.total_cmp(&a.1));
        weighed.truncate(KEPT);
        weighed
    }

    /// Counts the pairs of the most telling terms, and says by which factor the most unusual of them comes more often than ever.
    fn pair_up(&mut self, weighed: &[(u64, f32)], at: i64) -> f32 {
        let (second, all) = (second(at), self.volume.ever() as f32);
        let lately = self.volume.within(4 * 3_600, at) as f32;
        let telling = &weighed[..weighed.len().min(PAIRED)];
        let mut warmth = 0.0_f32;
        for (index, (one, _)) in telling.iter().enumerate() {
            for (other, _) in &telling[index + 1..] {
                let often = self.pairs.add(pair(*one, *other), second);
                if often.lately[1] >= 1.9 {
                    let expected = (often.ever - often.lately[1]).max(0.0) / all.max(1.0) * lately;
                    warmth = warmth.max(often.lately[1] / (expected + 0.5));
                }
            }
        }
        warmth
    }

    /// The topic that terms belong to: the one of whose core they say the most, the elder of two.
    fn belongs(&self, keys: &[(u64, &str)]) -> Option<u32> {
        let mut candidates: Vec<u32> =
            keys.iter().filter_map(|(key, _)| self.by_term.get(key)).flatten().copied().collect();
        candidates.sort_unstable();
        let mut best: Option<(u32, f32)> = None;
        for same in candidates.chunk_by(|a, b| a == b).filter(|same| same.len() >= 2) {
            let Some(topic) = self.topics.get(&same[0]) else { continue };
            let (share, common) = topic.share(|key| keys.iter().any(|(other, _)| *other == key));
            if Found::takes((share, common)) && best.is_none_or(|(_, other)| share > other) {
                best = Some((same[0], share));
            }
        }
        best.map(|(number, _)| number)
    }

    /// A post belongs to a topic that is there.
    #[expect(clippy::too_many_arguments, reason = "a post, what is known of it, and when")]
    fn join(
        &mut self,
        number: u32,
        post: &AnalyzedPost,
        keys: &[(u64, &str)],
        weighed: Vec<(u64, f32)>,
        at: i64,
        now: i64,
        lines: &Lines,
    ) {
        let Some(topic) = self.topics.get_mut(&number) else { return };
        topic.count(at);
        if self.second.0 != now {
            self.second = (now, 0);
        }
        self.second.1 += 1;
        if self.second.1 > REMEMBERED {
            return;
        }
        if post.id.len() + post.source.len() <= memory::ID {
            topic.remember(remembered(post, weighed, at));
        }
        topic.spell(keys);
        if topic.has_grown() {
            self.unindex(number);
            if let Some(topic) = self.topics.get_mut(&number) {
                topic.renew();
                topic.spell(keys);
                if topic.head() {
                    let headline = topic.headline.clone();
                    topic.tell(What::Renamed, Some(headline), now);
                    self.changes.push(Change::Renamed(number));
                }
            }
            self.index_one(number);
        }
        self.weigh(number, at, now, lines);
    }

    /// Judges a topic anew: whether it is worth a page.
    fn weigh(&mut self, number: u32, at: i64, now: i64, lines: &Lines) {
        let Some(topic) = self.topics.get(&number).filter(|topic| !topic.paged) else { return };
        let members: Vec<&Remembered> = topic.members.iter().collect();
        let Some(evidence) = self.evidence(&topic.core, &members, at, topic.posts as f32, lines) else { return };
        let line = self.judge.page(lines.false_pages, now);
        let Some(topic) = self.topics.get_mut(&number) else { return };
        topic.voices = topic.voices.max(evidence.voices);
        if evidence.surprise > topic.surprise {
            topic.take(&evidence);
        }
        if evidence.surprise >= line && evidence.voices >= lines.voices {
            topic.paged = true;
            topic.tell(What::Paged, None, now);
            self.changes.push(Change::Paged(number));
        }
    }

    /// Remembers a post that belongs to no topic, and asks whether it makes one.
    fn found(
        &mut self,
        remembered: Remembered,
        post: &AnalyzedPost,
        keys: &[(u64, &str)],
        at: i64,
        now: i64,
        lines: &Lines,
    ) -> Option<u32> {
        let near = self.recent.near(&remembered, COMPARED);
        let alike: Vec<u64> = near
            .into_iter()
            .filter(|&number| {
                self.recent.get(number).is_some_and(|other| {
                    let (likeness, common) = remembered.likeness(other);
                    let alike = match () {
                        () if remembered.shares_name(other) => NAMED,
                        () if remembered.is_elsewhere(other) => ELSEWHERE,
                        () if remembered.is_of_others(other) => OTHERS,
                        () if other.at < at - WEEKS => LONG_AGO,
                        () => ALIKE,
                    };
                    let least = if remembered.shares_name(other) { 2 } else { COMMON };
                    other.topic.is_none() && likeness >= alike && common >= least
                })
            })
            .collect();
        let number = self.recent.push(remembered);
        if alike.len() + 1 < evidence::VOICES as usize {
            return None;
        }
        let places = keys.iter().filter(|(_, term)| is_place(term, post)).map(|(key, _)| *key).collect::<Vec<u64>>();
        let posts: Vec<&Remembered> =
            alike.iter().chain([&number]).filter_map(|&number| self.recent.get(number)).collect();
        let speaking = voices(posts.iter().copied());
        let core = core(&speaking);
        if speaking.len() < evidence::VOICES as usize || core.len() < 2 {
            return None;
        }
        let shared = self.shared(&core, &speaking, keys, &places, at);
        let line = match shared {
            Shared::Thing(_) => lines.topic,
            Shared::Word => lines.topic + UNNAMED,
            Shared::Nothing => return None,
        };
        // All that speak of it, whether or not they are near to this post; those of whom it is not sure are none.
        let mut members: Vec<u64> = core
            .iter()
            .flat_map(|core| self.recent.with(core.key))
            .copied()
            .chain([number])
            .filter(|&number| {
                self.recent.get(number).is_some_and(|post| {
                    post.topic.is_none() && {
                        let all: f32 = core.iter().map(|core| core.weight).sum();
                        let has = core.iter().filter(|core| post.has(core.key));
                        let (weight, common) = has.fold((0.0, 0), |(weight, n), core| (weight + core.weight, n + 1));
                        Found::takes((weight / all, common))
                    }
                })
            })
            .collect();
        members.sort_unstable();
        members.dedup();
        let posts: Vec<&Remembered> = members.iter().filter_map(|&number| self.recent.get(number)).collect();
        self.judge.asked(now);
        let evidence = self.evidence(&core, &posts, at, posts.len() as f32, lines)?;
        if evidence.surprise < line {
            return None;
        }
        let posts: Vec<Remembered> = posts.into_iter().cloned().collect();
        let number = self.bear(&members, posts, core, keys, &evidence, at, now, lines);
        if let (Shared::Thing(name), Some(topic)) = (shared, self.topics.get_mut(&number)) {
            topic.thing = things(post).find(|thing| xxh3_64(thing.as_bytes()) == name).map(str::to_owned);
        }
        Some(number)
    }

    #[expect(clippy::too_many_arguments, reason = "what was found, and when")]
    fn bear(
        &mut self,
        members: &[u64],
        posts: Vec<Remembered>,
        core: Vec<found::Core>,
        keys: &[(u64, &str)],
        evidence: &Evidence,
        at: i64,
        now: i64,
        lines: &Lines,
    ) -> u32 {
        if self.topics.len() >= MOST
            && let Some((&quietest, _)) = self.topics.iter().min_by_key(|(_, topic)| topic.last)
        {
            self.end(quietest, now);
        }
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        for &member in members {
            if let Some(post) = self.recent.get_mut(member) {
                post.topic = Some(number);
            }
        }
        let told = posts.iter().map(Member::from).collect();
        let id = posts.first().map(id).unwrap_or_default();
        let mut topic = Found::new(self.free(id), posts, core, now);
        topic.spell(keys);
        topic.head();
        topic.voices = evidence.voices;
        topic.take(evidence);
        self.topics.insert(number, topic);
        self.index_one(number);
        self.changes.push(Change::Born { topic: number, posts: told });
        self.weigh(number, at, now, lines);
        number
    }

    /// An id that no living topic has: a founding post may found another one when the first has been merged away.
    fn free(&self, id: String) -> String {
        let taken = |id: &str| self.topics.values().any(|topic| topic.id == id);
        if !taken(&id) {
            return id;
        }
        (2..).map(|number| format!("{id}-{number}")).find(|id| !taken(id)).unwrap_or(id)
    }

    /// What most voices share that is rarely spoken of; `keys` are the terms of one of them.
    fn shared(
        &self,
        core: &[found::Core],
        voices: &[&Remembered],
        keys: &[(u64, &str)],
        places: &[u64],
        at: i64,
    ) -> Shared {
        let rarely = (self.volume.ever() as f32 * RARELY).max(5.0);
        let most = |count: usize| count * 3 >= voices.len() * 2;
        let is_rare = |key: u64, count: usize| self.terms.of(key, second(at)).ever - count as f32 <= rarely;
        let names = voices.iter().flat_map(|voice| &voice.names);
        let named = names.collect::<BTreeSet<&u64>>().into_iter().filter_map(|&name| {
            let count = voices.iter().filter(|voice| voice.names.contains(&name)).count();
            // Of two names the one that the terms are about.
            let weight = core.iter().find(|core| core.key == name).map_or(0.0, |core| core.weight);
            (most(count) && is_rare(name, count)).then_some((name, count, weight))
        });
        if let Some((name, ..)) = named.max_by(|a, b| a.2.total_cmp(&b.2).then(a.1.cmp(&b.1))) {
            return Shared::Thing(name);
        }
        // Words that are parts of each other are one: 购房补贴, 购房, 补贴.
        let said = core.iter().filter_map(|core| keys.iter().find(|(key, _)| *key == core.key));
        let said: Vec<&str> = said.map(|(_, term)| *term).collect();
        if !most(names::most_common(voices.iter().map(|voice| voice.lies), voices.len())) || names::apart(&said) < 2 {
            return Shared::Nothing;
        }
        let word = core.iter().filter(|core| !places.contains(&core.key)).any(|core| {
            let count = voices.iter().filter(|voice| voice.has(core.key)).count();
            most(count) && is_rare(core.key, count)
        });
        if word { Shared::Word } else { Shared::Nothing }
    }

    /// What speaks for posts being more than was to be expected.
    fn evidence(
        &self,
        core: &[found::Core],
        posts: &[&Remembered],
        at: i64,
        counted: f32,
        lines: &Lines,
    ) -> Option<Evidence> {
        let (one, other) = (core.first()?.key, core.get(1)?.key);
        let (second, hour) = (second(at), hour(at, &lines.tz));
        let usual = evidence::Usual {
            pair: (self.pairs.of(pair(one, other), second).ever - counted).max(0.0),
            terms: [self.terms.of(one, second), self.terms.of(other, second)],
            rhythms: [self.rhythm.of(one), self.rhythm.of(other)],
            counted,
        };
        evidence::weigh(&usual, posts, &self.volume, at, hour)
    }

    /// The second in which the next topic ends, unless posts of it come.
    #[must_use]
    pub fn ends(&self) -> Option<i64> {
        self.topics.values().map(|topic| topic.last + topic.patience() + 1).min()
    }

    /// What has changed since it was asked last.
    pub fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// A rising watch topic explains what was worth a page: nobody is paged again, and the topic says so.
    pub fn explained(&mut self, number: u32, by: &str, now: i64) {
        if let Some(topic) = self.topics.get_mut(&number) {
            topic.tell(What::Explained, Some(by.to_owned()), now);
        }
    }

    /// Moves on to `now`: ends what is quiet, makes one of what is one. Says what has changed since it was asked last.
    pub fn tick(&mut self, now: i64) -> Vec<Change> {
        if now.div_euclid(60) != self.swept {
            self.swept = now.div_euclid(60);
            self.recent.forget(now);
            let quiet: Vec<u32> = self
                .topics
                .iter()
                .filter(|(_, topic)| now - topic.last > topic.patience())
                .map(|(&number, _)| number)
                .collect();
            for number in quiet {
                self.end(number, now);
            }
            self.merge(now);
            self.split(now);
        }
        self.changes()
    }

    fn end(&mut self, number: u32, now: i64) {
        self.unindex(number);
        if let Some(mut found) = self.topics.remove(&number) {
            found.tell(What::Ended, None, now);
            self.changes.push(Change::Ended { topic: number, found: Box::new(found) });
        }
    }

    /// Makes one of two topics with nearly the same core.
    fn merge(&mut self, now: i64) {
        let mut pairs: Vec<(u32, u32)> = Vec::new();
        for (&number, topic) in &self.topics {
            for core in &topic.core {
                let others = self.by_term.get(&core.key).into_iter().flatten();
                pairs.extend(others.filter(|&&other| other > number).map(|&other| (number, other)));
            }
        }
        pairs.sort_unstable();
        for same in pairs.chunk_by(|a, b| a == b).filter(|same| same.len() >= 2) {
            let (elder, younger) = same[0];
            let (Some(one), Some(other)) = (self.topics.get(&elder), self.topics.get(&younger)) else { continue };
            let within = |a: &Found, b: &Found| a.share(|key| b.core.iter().any(|core| core.key == key)).0;
            if within(one, other).min(within(other, one)) < SAME {
                continue;
            }
            self.unindex(younger);
            self.unindex(elder);
            if let Some(mut part) = self.topics.remove(&younger)
                && let Some(whole) = self.topics.get_mut(&elder)
            {
                whole.posts += part.posts;
                (whole.first, whole.last) = (whole.first.min(part.first), whole.last.max(part.last));
                whole.paged |= part.paged;
                whole.tell(What::Merged, Some(part.id.clone()), now);
                for post in &part.members {
                    whole.remember(post.clone());
                }
                whole.renew();
                part.tell(What::Ended, Some(whole.id.clone()), now);
                self.changes.push(Change::Merged { from: younger, into: elder, found: Box::new(part) });
            }
            self.index_one(elder);
        }
    }

    /// Makes two of a topic whose posts speak of two things.
    fn split(&mut self, now: i64) {
        let numbers: Vec<u32> = self.topics.keys().copied().collect();
        for number in numbers {
            if self.topics.len() >= MOST {
                return;
            }
            let Some(part) = self.topics.get_mut(&number).and_then(Found::part) else { continue };
            self.unindex(number);
            let born = self.next;
            self.next = self.next.wrapping_add(1);
            let name = self.free(part.first().map(id).unwrap_or_default());
            let told = part.iter().map(Member::from).collect();
            let core = core(&voices(&part));
            let mut topic = Found::new(name.clone(), part, core, now);
            if let Some(whole) = self.topics.get_mut(&number) {
                whole.tell(What::Split, Some(name), now);
                whole.renew();
                whole.head();
                topic.events.push(Event {
                    at: Timestamp::from_second(now).unwrap_or_default(),
                    what: What::Split,
                    other: Some(whole.id.clone()),
                });
                topic.inherit(whole);
                topic.head();
            }
            self.topics.insert(born, topic);
            self.index_one(number);
            self.index_one(born);
            self.changes.push(Change::Born { topic: born, posts: told });
            self.changes.push(Change::Split(number, born));
        }
    }

    fn index(&mut self) {
        self.by_term.clear();
        let numbers: Vec<u32> = self.topics.keys().copied().collect();
        numbers.into_iter().for_each(|number| self.index_one(number));
    }

    fn index_one(&mut self, number: u32) {
        let Some(topic) = self.topics.get(&number) else { return };
        for core in &topic.core {
            self.by_term.entry(core.key).or_default().push(number);
        }
    }

    fn unindex(&mut self, number: u32) {
        let Some(topic) = self.topics.get(&number) else { return };
        for core in &topic.core {
            if let Some(numbers) = self.by_term.get_mut(&core.key) {
                numbers.retain(|&other| other != number);
                if numbers.is_empty() {
                    self.by_term.remove(&core.key);
                }
            }
        }
    }
}

/// The id of a topic whose earliest post this is.
fn id(founder: &Remembered) -> String {
    format!("emerging-{}-{}", founder.raw.partition, founder.raw.offset)
}

/// The tables reckon in seconds that fit in 32 bits, which lasts until 2106.
fn second(at: i64) -> u32 {
    u32::try_from(at.max(0)).unwrap_or(u32::MAX)
}

fn hour(at: i64, tz: &TimeZone) -> usize {
    Timestamp::from_second(at).map_or(0, |time| tz.to_offset(time).to_datetime(time).hour().unsigned_abs() as usize)
}

fn remembered(post: &AnalyzedPost, terms: Vec<(u64, f32)>, at: i64) -> Remembered {
    let own = post.thread_id.as_deref().map_or_else(|| post.id.clone(), |thread| format!("{} {thread}", post.source));
    let mut says: Vec<u32> = post.terms.iter().map(|term| xxh3_64(term.as_bytes()) as u32).collect();
    says.sort_unstable();
    says.dedup();
    Remembered {
        raw: post.raw,
        at,
        terms,
        says,
        thread: xxh3_64(own.as_bytes()),
        source: xxh3_64(post.source.as_bytes()) as u32,
        print: post.fingerprint.as_deref().and_then(|hex| u64::from_str_radix(hex, 16).ok()),
        headline: headline::headline(post.title.as_deref(), &post.text),
        titled: post.title.as_deref().is_some_and(|title| !title.trim().is_empty()),
        sample: samples::candidate(post).without_long_url(memory::URL),
        negative: post.sentiment.is_some_and(|sentiment| sentiment.label == Label::Negative),
        watched: post.topics.iter().take(WATCHED).map(|id| xxh3_64(id.as_bytes())).collect(),
        place: post.places.first().map(|place| place.name.clone()),
        lies: area(post).map(|name| xxh3_64(name.as_bytes())),
        names: things(post).map(|name| xxh3_64(name.as_bytes())).collect(),
        unit: post.unit.as_ref().map(|unit| unit.name.clone()),
        topic: None,
    }
}

/// The area in which a post lies: a place that was recognised, another city, or else the first that it names.
fn area(post: &AnalyzedPost) -> Option<&str> {
    let titled = || coded_area(post.title.as_deref().unwrap_or(&post.text));
    let place = post.places.first().map(|place| place.name.as_str()).or(post.elsewhere.as_deref());
    place.or_else(titled).or_else(|| post.terms.iter().map(String::as_str).find(|term| names_area(term)))
}

/// The things that a post names, those that were recognised first.
fn things(post: &AnalyzedPost) -> impl Iterator<Item = &str> {
    let is_thing = |place: &&PlaceFound| !matches!(place.kind, PlaceKind::District | PlaceKind::Street);
    let places = post.places.iter().filter(is_thing).map(|place| place.name.as_str());
    places.chain(post.terms.iter().map(|term| names::bare(term)).filter(|term| names_thing(term))).take(NAMES)
}

/// The key of a watch topic, as members know it.
pub(super) fn watched(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}
