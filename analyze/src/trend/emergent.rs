//! Emerging topics, counted like watch topics: what [`emerging`](super::emerging) finds gets counts, a pulse, samples and rises.
//!
//! | what was found | outcome |
//! |---|---|
//! | a topic | it is counted from now on; its first counts are the posts that are remembered of it |
//! | another headline | the topic's name |
//! | it is worth a page | a rise begins |
//! | the same, and half of its posts or more lie in one rising watch topic | no rise; the topic says what explains it |
//! | it became part of another | the other's counts take in the posts that are remembered of it; a last pulse says that it is quiet |
//! | it has ended | its counts are forgotten |
//!
//! Once found, it may rise again as any topic does.

use super::{
    emerging::{Change, Emerging, Found, Lines, What, watched},
    moment::Moment,
    series::Cell,
    spike::Seen,
    state::Begun,
    surprise::Expectation,
    topic::Topic,
};
use jiff::Timestamp;
use schemas::records::{AnalyzedPost, TopicKind, TopicRef};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Of a topic's posts, from this share on that lie in a rising watch topic, that one explains it.
const EXPLAINED: f64 = 0.5;
/// How far the counts of a page's window were certain: the doubt of a rate that was hardly ever seen.
const DOUBT: f64 = 0.5;

/// What happened to an emerging topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Emerged {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
    /// The topic's id.
    pub topic: String,
    /// Its headline then.
    pub headline: String,
    /// The posts that it had.
    pub posts: u64,
    /// The most voices that it had at once.
    pub voices: u32,
    /// When its first post was published, and its latest.
    pub first: Timestamp,
    /// When its latest post was published.
    pub last: Timestamp,
    /// Why it is one, in words.
    pub why: String,
    /// -log10 of the probability that so many speak of it by chance.
    pub surprise: f64,
    /// The thing whose name its first voices shared; none where they shared words alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thing: Option<String>,
    /// Of a merge or a split, the other topic; the watch topic that explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other: Option<String>,
    /// Posts that differ.
    pub excerpts: Vec<String>,
}

impl Emerged {
    fn of(found: &Found, what: What, other: Option<String>, now: Timestamp) -> Self {
        let time = |second| Timestamp::from_second(second).unwrap_or_default();
        Self {
            at: now,
            what,
            topic: found.id.clone(),
            headline: found.headline.clone(),
            posts: found.posts,
            voices: found.voices,
            first: time(found.first),
            last: time(found.last),
            why: found.why.clone(),
            surprise: found.surprise,
            thing: found.thing.clone(),
            other,
            excerpts: found.excerpts().map(str::to_owned).collect(),
        }
    }
}

/// What was found, and its counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Emergent {
    pub(super) emerging: Emerging,
    topics: BTreeMap<u32, Topic>,
    /// Topics that are no more and were rising: each is told once more, as quiet.
    #[serde(skip)]
    pub(super) parted: Vec<Topic>,
    /// What happened since somebody asked.
    #[serde(skip)]
    pub(super) emerged: Vec<Emerged>,
}

impl Emergent {
    /// Takes in a first-seen post; says which topic it belongs to.
    pub(super) fn observe(
        &mut self,
        post: &AnalyzedPost,
        moment: Moment,
        (source, category): (u16, Option<u16>),
        (lines, watch): (&Lines, &[Topic]),
        now: Timestamp,
        begun: &mut Vec<Begun>,
    ) -> Option<&mut Topic> {
        let number = self.emerging.observe(post, moment.at, now.as_second(), lines)?;
        // Of a topic that is found with this post it is one of the posts that are remembered.
        if let Some(topic) = self.topics.get_mut(&number) {
            topic.count(post, moment, source, category, now);
        }
        let changes = self.emerging.changes();
        self.apply(changes, watch, now, begun);
        self.topics.get_mut(&number)
    }

    /// Moves on to `now`.
    pub(super) fn step(&mut self, watch: &[Topic], now: Timestamp, begun: &mut Vec<Begun>) {
        let changes = self.emerging.tick(now.as_second());
        self.apply(changes, watch, now, begun);
    }

    /// The topics.
    pub(super) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.topics.values()
    }

    /// The topics, to be moved on.
    pub(super) fn topics_mut(&mut self) -> impl Iterator<Item = &mut Topic> {
        self.topics.values_mut()
    }

    /// What was found under this id.
    pub(super) fn found(&self, id: &str) -> Option<&Found> {
        self.emerging.topics().map(|(_, found)| found).find(|found| found.id == id)
    }

    fn apply(&mut self, changes: Vec<Change>, watch: &[Topic], now: Timestamp, begun: &mut Vec<Begun>) {
        for change in changes {
            match change {
                Change::Born { topic: number, posts } => {
                    let Some(found) = self.emerging.topic(number) else { continue };
                    let about =
                        TopicRef { id: found.id.clone(), kind: TopicKind::Emerging, name: found.headline.clone() };
                    tracing::info!(topic = %about.id, headline = %about.name, why = %found.why, "a topic emerges");
                    let mut topic = Topic::new(about, None, Some(found.first));
                    posts.iter().for_each(|member| topic.recall(member, now.as_second()));
                    self.topics.insert(number, topic);
                    self.emerged.push(Emerged::of(found, What::Born, None, now));
                }
                Change::Renamed(number) => {
                    let (Some(found), Some(topic)) = (self.emerging.topic(number), self.topics.get_mut(&number)) else {
                        continue;
                    };
                    topic.about.name.clone_from(&found.headline);
                    self.emerged.push(Emerged::of(found, What::Renamed, None, now));
                }
                Change::Paged(number) => self.page(number, watch, now, begun),
                Change::Merged { from, into, found } => {
                    self.part(from, now);
                    let other = self.emerging.topic(into).map(|into| into.id.clone());
                    if let Some(topic) = self.topics.get_mut(&into) {
                        found.posts().for_each(|member| topic.recall(&member, now.as_second()));
                    }
                    self.emerged.push(Emerged::of(&found, What::Merged, other, now));
                }
                Change::Split(whole, part) => {
                    let other = self.emerging.topic(whole).map(|whole| whole.id.clone());
                    if let Some(part) = self.emerging.topic(part) {
                        self.emerged.push(Emerged::of(part, What::Split, other, now));
                    }
                }
                Change::Ended { topic, found } => {
                    self.part(topic, now);
                    self.emerged.push(Emerged::of(&found, What::Ended, None, now));
                }
            }
        }
    }

    fn page(&mut self, number: u32, watch: &[Topic], now: Timestamp, begun: &mut Vec<Begun>) {
        let (Some(found), Some(topic)) = (self.emerging.topic(number), self.topics.get_mut(&number)) else { return };
        let explains =
            watch.iter().find(|watch| watch.rises.is_on() && found.share_of(watched(&watch.about.id)) >= EXPLAINED);
        if let Some(explains) = explains {
            let by = explains.about.id.clone();
            self.emerged.push(Emerged::of(found, What::Explained, Some(by.clone()), now));
            self.emerging.explained(number, &by, now.as_second());
            return;
        }
        self.emerged.push(Emerged::of(found, What::Paged, None, now));
        if topic.rises.is_on() {
            return;
        }
        let (voices, seconds, expected) = found.crowd;
        let seen = Seen {
            seconds,
            end: now.as_second(),
            cell: Cell { count: voices, ..Cell::default() },
            voices: voices.into(),
            expected: Expectation::new(expected, DOUBT),
        };
        let spike =
            topic.rise(found.founder, found.last.min(now.as_second()), (found.why.clone(), seen), now.as_second());
        begun.push(Begun { topic: found.id.clone(), spike });
    }

    /// Takes a topic out; one that rises is told once more.
    fn part(&mut self, number: u32, now: Timestamp) {
        if let Some(topic) = self.topics.remove(&number)
            && topic.rises.spike(now.as_second()).is_some()
        {
            self.parted.push(topic);
        }
    }
}
