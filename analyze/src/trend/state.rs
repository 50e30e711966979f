//! All topics: counts posts, moves on with the clock, tells pulses. Pure: what it does follows from the posts and the times it
//! is given, so that a replay of history runs through the very same code.
//!
//! What becomes of a record of `posts.analyzed`:
//!
//! | raw position | verdict | outcome |
//! |---|---|---|
//! | not beyond the last one seen of the partition | any | dropped: it was counted before |
//! | beyond it | first | counted in `all` and in each of its watch topics, at its moment ([`Moment`]) |
//! | beyond it | revision | the difference of likes, replies and reposts goes to the reach; the post is not counted again |
//! | beyond it | duplicate, gone | only the position moves |

use super::{
    baseline::Watched,
    moment::Moment,
    series::HOUR,
    spike::Rule,
    topic::{Manner, Topic},
};
use jiff::{Timestamp, tz::TimeZone};
use rustc_hash::FxHashMap;
use schemas::{
    kit::settings::{Settings, Watch},
    log::Position,
    records::{AnalyzedPost, Pulse, TopicKind, TopicRef, Verdict},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// A watch topic, as trend knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchTopic {
    /// Its id, as in the records.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Its query. Trend does not run it, but a topic whose query has changed begins anew.
    pub query: String,
}

impl From<&Watch> for WatchTopic {
    fn from(watch: &Watch) -> Self {
        Self { id: watch.id.clone(), name: watch.name.clone(), query: watch.query.clone() }
    }
}

/// What trend is told by the config.
#[derive(Debug, Clone)]
pub struct Config {
    /// The watch topics, in the order of the config.
    pub watch: Vec<WatchTopic>,
    /// Posts in five minutes from which a topic without history rises.
    pub min_count: u64,
    /// -log10 of the tail probability from which a count is a spike.
    pub surprise: f64,
    /// After this time the weight of the past is halved.
    pub half_life: Duration,
    /// In which the hours of the week are reckoned.
    pub tz: TimeZone,
}

impl From<&Settings> for Config {
    fn from(settings: &Settings) -> Self {
        let watch = settings.watch.iter().map(|watch| WatchTopic::from(watch.get_ref()));
        Self {
            watch: watch.collect(),
            min_count: settings.trend.min_count,
            surprise: settings.trend.surprise,
            half_life: settings.trend.half_life,
            tz: settings.tz(),
        }
    }
}

/// Everything that was counted and learned: what a snapshot holds.
///
/// Rises are sought in watch topics only: more of everything is no matter that a desk could sign. The arrival rate is watched
/// by its band on the board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The last raw offset seen of each partition.
    seen: BTreeMap<u32, u64>,
    /// Posts that were laid into hours which were over.
    laid_in: u64,
    /// The minute in which the horizons were last enforced.
    swept: i64,
    all: Topic,
    watch: Vec<Topic>,
}

impl State {
    /// Which topics there are.
    fn watch(&mut self, watch: &[WatchTopic], now: Timestamp) {
        let mut known: BTreeMap<String, Topic> =
            self.watch.drain(..).map(|topic| (topic.about.id.clone(), topic)).collect();
        for watch in watch {
            let mut topic = match known.remove(&watch.id) {
                Some(topic) if topic.query.as_deref() == Some(&watch.query) => topic,
                Some(_) => {
                    tracing::info!(topic = %watch.id, "the query has changed: the topic is counted anew from now on");
                    self::topic(watch, Some(now.as_second()))
                }
                None => {
                    tracing::info!(topic = %watch.id, "a new topic: it is counted from now on");
                    self::topic(watch, Some(now.as_second()))
                }
            };
            topic.about.name.clone_from(&watch.name);
            self.watch.push(topic);
        }
        for id in known.keys() {
            tracing::info!(topic = %id, "the topic stands no more: its counts are forgotten");
        }
    }

    /// Asks whether a rise begins with a post. Before one is called, what was laid in since the last lesson is learned.
    fn judge(&mut self, index: usize, moment: Moment, founder: Position, manner: &Manner, now: i64) {
        let topic = &mut self.watch[index];
        let Some(mut crossing) = topic.crosses(moment.at, manner, now) else { return };
        if topic.is_outdated(self.laid_in, now) {
            topic.learn(&Watched::by(&self.all.series, now), self.laid_in, manner, now);
            match topic.crosses(moment.at, manner, now) {
                Some(still) => crossing = still,
                None => return,
            }
        }
        topic.rise(founder, moment.at, crossing, now);
    }
}

/// All topics.
#[derive(Debug, Clone)]
pub struct Trend {
    manner: Manner,
    state: State,
    by_id: FxHashMap<String, usize>,
}

impl Trend {
    /// Begins without history.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let all = TopicRef { id: "all".into(), kind: TopicKind::All, name: "全部".into() };
        let watch = config.watch.iter().map(|watch| topic(watch, None)).collect();
        let state = State { seen: BTreeMap::new(), laid_in: 0, swept: 0, all: Topic::new(all, None, None), watch };
        Self::with(config, state)
    }

    /// Goes on from a state. The config decides which topics there are: one that is gone is forgotten, one that is new or has
    /// another query is counted from `now` on, one that was renamed goes on under the new name.
    pub(super) fn restore(config: &Config, mut state: State, now: Timestamp) -> Self {
        state.watch(&config.watch, now);
        Self::with(config, state)
    }

    /// From now on these are the watch topics, with what is known of those that stay: see [`Trend::restore`].
    pub(super) fn watch(&mut self, watch: &[WatchTopic], now: Timestamp) {
        self.state.watch(watch, now);
        self.by_id = by_id(&self.state);
    }

    fn with(config: &Config, state: State) -> Self {
        let manner = Manner {
            rule: Rule { min_count: config.min_count, surprise: config.surprise },
            half_life: config.half_life.as_secs() as i64,
            tz: config.tz.clone(),
        };
        Self { manner, by_id: by_id(&state), state }
    }

    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// Takes in a record; `false` when it was seen before.
    pub fn observe(&mut self, post: &AnalyzedPost, now: Timestamp) -> bool {
        let Position { partition, offset } = post.raw;
        if self.state.seen.get(&partition).is_some_and(|&seen| offset <= seen) {
            return false;
        }
        self.state.seen.insert(partition, offset);
        let second = now.as_second();
        let moment = Moment::of(post, second);
        match post.verdict {
            Verdict::First => self.count(post, moment, now),
            Verdict::Revision => {
                let difference = difference(post.previous.unwrap_or(post.counts).sum(), post.counts.sum());
                let Self { state, by_id, .. } = self;
                state.all.revise(post, moment, difference, second);
                for &index in post.topics.iter().filter_map(|id| by_id.get(id)) {
                    state.watch[index].revise(post, moment, difference, second);
                }
            }
            Verdict::Duplicate | Verdict::Gone => {}
        }
        true
    }

    fn count(&mut self, post: &AnalyzedPost, moment: Moment, now: Timestamp) {
        let Self { manner, state, by_id } = self;
        let second = now.as_second();
        state.laid_in += u64::from(moment.at.div_euclid(HOUR) < second.div_euclid(HOUR));
        state.all.count(post, moment, now);
        for &index in post.topics.iter().filter_map(|id| by_id.get(id)) {
            state.watch[index].count(post, moment, now);
            state.judge(index, moment, post.raw, manner, second);
        }
    }

    /// Moves on to `now` and says what is to be told: what has changed, at most once a second for each topic, a rise or another
    /// phase at once, and everything at least once a minute. Nothing before the first record.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Pulse> {
        if self.state.all.total == 0 {
            return Vec::new();
        }
        let second = now.as_second();
        self.learn(second);
        let through = self.through();
        let sweep = std::mem::replace(&mut self.state.swept, second / 60) != second / 60;
        let Self { manner, state, .. } = self;
        let mut pulses = Vec::new();
        for topic in std::iter::once(&mut state.all).chain(&mut state.watch) {
            topic.step(manner, second);
            if sweep {
                topic.series.forget(second);
            }
            if topic.is_due(now) {
                let pulse = topic.pulse(manner, through.clone(), now);
                topic.mark(Some(&pulse));
                pulses.push(pulse);
            }
        }
        pulses
    }

    /// How many rises have begun that no pulse has told yet.
    #[must_use]
    pub fn news(&self, now: Timestamp) -> usize {
        self.state.watch.iter().filter(|topic| topic.has_new_spike(now)).count()
    }

    /// Makes the next tick tell everything.
    pub fn tell_all(&mut self) {
        std::iter::once(&mut self.state.all).chain(&mut self.state.watch).for_each(|topic| topic.mark(None));
    }

    fn learn(&mut self, now: i64) {
        let Self { manner, state, .. } = self;
        let laid_in = state.laid_in;
        let mut watched = None;
        if state.all.is_due_to_learn(laid_in, now) {
            let watched = watched.get_or_insert_with(|| Watched::by(&state.all.series, now));
            state.all.learn(watched, laid_in, manner, now);
        }
        for topic in state.watch.iter_mut().filter(|topic| topic.is_due_to_learn(laid_in, now)) {
            let watched = watched.get_or_insert_with(|| Watched::by(&state.all.series, now));
            topic.learn(watched, laid_in, manner, now);
        }
    }

    fn through(&self) -> Vec<Position> {
        self.state.seen.iter().map(|(&partition, &offset)| Position { partition, offset }).collect()
    }

    /// The topics: the watch topics in the order of the config, then the topic of everything.
    pub(super) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.state.watch.iter().chain([&self.state.all])
    }

    /// The topic with this id.
    pub(super) fn topic(&self, id: &str) -> Option<&Topic> {
        self.topics().find(|topic| topic.about.id == id)
    }

    /// A topic's state at `now`; none before the first record.
    pub(super) fn pulse(&self, topic: &Topic, now: Timestamp) -> Option<Pulse> {
        (self.state.all.total > 0).then(|| topic.pulse(&self.manner, self.through(), now))
    }

    pub(super) fn manner(&self) -> &Manner {
        &self.manner
    }
}

/// From one number to another, whatever they are: sources claim what they like.
fn difference(before: u64, after: u64) -> i64 {
    let up = |value| i64::try_from(value).unwrap_or(i64::MAX);
    if after >= before { up(after - before) } else { -up(before - after) }
}

fn by_id(state: &State) -> FxHashMap<String, usize> {
    state.watch.iter().enumerate().map(|(index, topic)| (topic.about.id.clone(), index)).collect()
}

fn topic(watch: &WatchTopic, since: Option<i64>) -> Topic {
    let about = TopicRef { id: watch.id.clone(), kind: TopicKind::Watch, name: watch.name.clone() };
    Topic::new(about, Some(watch.query.clone()), since)
}
