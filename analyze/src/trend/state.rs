//! All topics: counts posts, moves on with the clock, tells pulses. Pure: what it does follows from the posts and the times it
//! is given, so that a replay of history runs through the very same code.
//!
//! What becomes of a record of `posts.analyzed`:
//!
//! | raw position | verdict | outcome |
//! |---|---|---|
//! | not beyond the last one seen of the partition | any | dropped: it was counted before |
//! | beyond it | first | counted in `all`, in each of its watch topics, and in its category and category × unit, at its moment ([`Moment`]) |
//! | beyond it | revision | the difference of likes, replies and reposts goes to the reach of now; the post is not counted again |
//! | beyond it | duplicate, gone | only the position moves |
//!
//! Rises are sought in watch topics, and in category × unit where no watch topic explains them. More of everything, or of
//! a whole category, is no matter that a desk could sign; the arrival rate is watched by its band on the board.

use super::{
    allowance::{Allowance, Crossings},
    arrival::{Numbers, Sources},
    baseline::Watched,
    calendar::Calendar,
    directory::Directory,
    dispersion::Common,
    emergent::{Emerged, Emergent},
    emerging::{Found, Lines},
    fields::{Fields, Index},
    moment::Moment,
    mood::Mood,
    rhythm::Rhythm,
    series::{DAY, HISTORY, HOUR, MINUTE},
    snapshot::{self, Borrowed},
    spike::Rule,
    topic::{Around, Manner, Topic},
};
use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    kit::{
        holidays::Holidays,
        settings::{Settings, Watch},
    },
    log::{Identity, Position},
    records::{AnalyzedPost, CANARY_SOURCE, CrawlReport, Phase, Pulse, TopicKind, TopicRef, Verdict},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

/// Topics that learn in one step of the clock, so that none takes long.
const LEARN_AT_ONCE: usize = 200;
/// Topics that are told in one step, so that a million of them after a start fill no memory: the others follow with the next one.
const TELL_AT_ONCE: usize = 20_000;
/// Every so many seconds a topic that sleeps is looked after.
const ROUND: i64 = DAY;

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
    /// At most so many pages a night are false, over all topics.
    pub false_pages: f64,
    /// -log10 of the tail probability below which no count is a spike.
    pub surprise: f64,
    /// Likes, replies and reposts from which few posts with much reach are a spike.
    pub min_reach: u64,
    /// After this time the weight of the past is halved.
    pub half_life: Duration,
    /// In which the hours of the week are reckoned.
    pub tz: TimeZone,
    /// Days that are like a Sunday, and days of the weekend that are like a Friday.
    pub holidays: Holidays,
}

impl Config {
    /// The defaults, for these topics, in a world without holidays.
    #[must_use]
    pub fn of(watch: Vec<WatchTopic>, tz: TimeZone) -> Self {
        Self { watch, tz, holidays: Holidays::default(), ..Self::from(&Settings::default()) }
    }
}

impl From<&Settings> for Config {
    fn from(settings: &Settings) -> Self {
        let watch = settings.watch.iter().map(|watch| WatchTopic::from(watch.get_ref()));
        let trend = &settings.trend;
        Self {
            watch: watch.collect(),
            min_count: trend.min_count,
            false_pages: trend.false_pages,
            surprise: trend.surprise,
            min_reach: trend.min_reach,
            half_life: trend.half_life,
            tz: settings.tz(),
            holidays: Holidays::of(&settings.calendar),
        }
    }
}

/// Everything that was counted and learned: what a snapshot holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    /// The last raw offset seen of each partition.
    seen: BTreeMap<u32, u64>,
    /// Posts that were laid into hours which were over.
    laid_in: u64,
    /// The minute in which the horizons were last enforced.
    swept: i64,
    /// The hour for which the allowance was shared out.
    shared_out: i64,
    crossings: Crossings,
    allowance: Allowance,
    common: Common,
    sources: Sources,
    all: Topic,
    watch: Vec<Topic>,
    /// Which watch topics need to be looked at with each tick.
    awake: BTreeSet<u32>,
    fields: Fields,
    emergent: Emergent,
}

impl State {
    fn new(watch: Vec<Topic>, config: &Config) -> Self {
        let all = TopicRef { id: "all".into(), kind: TopicKind::All, name: "全部".into() };
        Self {
            seen: BTreeMap::new(),
            laid_in: 0,
            swept: 0,
            shared_out: 0,
            crossings: Crossings::default(),
            allowance: Allowance::of(config.false_pages, watch.len(), &Crossings::default()),
            common: Common::default(),
            sources: Sources::default(),
            all: Topic::new(all, None, None),
            awake: (0..watch.len() as u32).collect(),
            watch,
            fields: Fields::default(),
            emergent: Emergent::default(),
        }
    }

    /// Which topics there are.
    fn watch(&mut self, watch: &[WatchTopic], now: Timestamp) {
        let same = self.watch.len() == watch.len()
            && self.watch.iter().zip(watch).all(|(topic, watch)| topic.about.id == watch.id);
        if same && self.watch.iter().zip(watch).all(|(topic, watch)| topic.query.as_ref() == Some(&watch.query)) {
            // The usual restart: a million topics are not moved about for it.
            self.watch.iter_mut().zip(watch).for_each(|(topic, watch)| topic.about.name.clone_from(&watch.name));
            return;
        }
        if !same {
            self.awake = (0..watch.len() as u32).collect();
        }
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
}

/// A rise that has begun, of which no pulse tells yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The topic.
    pub topic: String,
    /// The rise.
    pub spike: String,
}

/// All topics.
#[derive(Debug, Clone)]
pub struct Trend {
    manner: Manner,
    false_pages: f64,
    state: State,
    /// What is derived from the state.
    directory: Directory,
    numbers: Numbers,
    index: Index,
    /// The rhythm of a week of which nothing is known.
    flat: Rhythm,
    /// What was begun since somebody asked.
    begun: Vec<Begun>,
    /// From where on something emerges.
    lines: Lines,
}

/// What a question about a topic rests on, beside the topic.
#[derive(Clone, Copy)]
struct Ground<'a> {
    manner: &'a Manner,
    sources: &'a Sources,
    all: &'a Topic,
    laid_in: u64,
    flat: &'a Rhythm,
    now: i64,
}

impl<'a> Ground<'a> {
    /// For a topic whose posts mostly are of this category.
    fn around(self, categories: &'a [Topic], category: Option<u16>) -> Around<'a> {
        let own = category.and_then(|category| categories.get(usize::from(category)));
        let rhythm = own.and_then(|category| category.baseline.rhythm()).or(self.all.baseline.rhythm());
        Around {
            manner: self.manner,
            rhythm: rhythm.unwrap_or(self.flat),
            sources: self.sources,
            all: &self.all.shares,
        }
    }

    /// For a category.
    fn around_category(self) -> Around<'a> {
        self.around(&[], None)
    }

    fn learn(self, topic: &mut Topic, around: Around<'_>) {
        topic.learn(&Watched::by(&self.all.series, self.now), self.laid_in, self.all.mood, around, self.now);
    }

    /// Asks whether a rise begins, with a post of second `at`, or by the longer windows. Before one is called, what was laid in since
    /// the last lesson is learned.
    fn judge(self, topic: &mut Topic, at: Option<i64>, founder: Position, around: Around<'_>) -> Option<Begun> {
        let ask = |topic: &mut Topic| match at {
            Some(at) => topic.crosses(at, around, self.now),
            None => topic.looks(around, self.now),
        };
        let mut crossing = ask(topic)?;
        if topic.is_outdated(self.laid_in, self.now) {
            self.learn(topic, around);
            topic.touch(self.now);
            crossing = ask(topic)?;
        }
        let since = at.unwrap_or(crossing.1.end.min(self.now));
        Some(Begun { topic: topic.about.id.clone(), spike: topic.rise(founder, since, crossing, self.now) })
    }
}

impl Trend {
    /// Begins without history.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let watch = config.watch.iter().map(|watch| topic(watch, None)).collect();
        Self::with(config, State::new(watch, config))
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
        self.derive();
    }

    fn with(config: &Config, state: State) -> Self {
        let manner = Manner {
            rule: Rule { min_count: config.min_count, surprise: config.surprise, alarms: state.allowance.window },
            other_alarms: state.allowance.other,
            min_reach: config.min_reach,
            half_life: config.half_life.as_secs() as i64,
            calendar: Calendar::new(config.tz.clone(), &config.holidays),
            common: state.common,
        };
        let mut trend = Self {
            manner,
            false_pages: config.false_pages,
            state,
            directory: Directory::default(),
            numbers: Numbers::default(),
            index: Index::default(),
            flat: Rhythm::flat(0.5),
            begun: Vec::new(),
            lines: Lines::of(config),
        };
        trend.state.emergent.emerging.restored();
        trend.derive();
        trend
    }

    /// The bytes of a snapshot, as of the beginning of a log.
    ///
    /// # Errors
    /// When the state cannot be encoded.
    pub fn encode(&self) -> anyhow::Result<Vec<u8>> {
        let identity = Identity { cluster: String::new(), topic_id: String::new() };
        Borrowed { identity: &identity, next: &[], state: &self.state }.encode()
    }

    /// Goes on from the bytes of a snapshot.
    ///
    /// # Errors
    /// When they are no snapshot of this version.
    pub fn decode(config: &Config, bytes: &[u8], now: Timestamp) -> anyhow::Result<Self> {
        Ok(Self::restore(config, snapshot::decode(bytes)?.state, now))
    }

    /// What follows from the state.
    fn derive(&mut self) {
        self.directory = Directory::of(&self.state.watch);
        self.numbers = self.state.sources.numbers();
        self.index = Index::of(&self.state.fields);
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
        match post.verdict {
            // A canary is nobody's opinion.
            _ if post.source == CANARY_SOURCE => {}
            Verdict::First => self.count(post, now),
            Verdict::Revision => {
                let difference = difference(post.previous.unwrap_or(post.counts).sum(), post.counts.sum());
                let second = now.as_second();
                let Self { state, directory, .. } = self;
                state.all.revise(post, difference, second);
                for id in &post.topics {
                    let Some(index) = directory.number(id, &state.watch) else { continue };
                    state.awake.insert(index);
                    state.watch[index as usize].revise(post, difference, second);
                }
            }
            Verdict::Duplicate | Verdict::Gone => {}
        }
        true
    }

    /// Takes in what a visit to a source reports: which stretches of time were read.
    pub fn report(&mut self, report: &CrawlReport, now: Timestamp) {
        self.state.sources.report(report, &mut self.numbers, now.as_second());
    }

    fn count(&mut self, post: &AnalyzedPost, now: Timestamp) {
        let second = now.as_second();
        let moment = Moment::of(post, second);
        let Self { manner, state, directory, numbers, index, flat, begun, lines, .. } = self;
        let State { sources, all, watch, awake, fields, emergent, laid_in, .. } = state;
        let source = sources.number(&post.source, numbers);
        if moment.exact {
            sources.came(source, moment.at, second);
        }
        *laid_in += u64::from(moment.at.div_euclid(HOUR) < second.div_euclid(HOUR));
        let category = fields.category(post, index);
        all.count(post, moment, source, category, now);
        let ground = Ground { manner, sources, all, laid_in: *laid_in, flat, now: second };
        let mut explained = false;
        for id in &post.topics {
            let Some(number) = directory.number(id, watch) else { continue };
            let topic = &mut watch[number as usize];
            topic.count(post, moment, source, category, now);
            awake.insert(number);
            let around = ground.around(&fields.categories, topic.category());
            begun.extend(ground.judge(topic, Some(moment.at), post.raw, around));
            explained |= topic.rises.is_on();
        }
        if let Some(topic) = emergent.observe(post, moment, (source, category), (lines, watch), now, begun) {
            if !explained {
                let around = ground.around(&fields.categories, topic.category());
                begun.extend(ground.judge(topic, Some(moment.at), post.raw, around));
            }
            explained |= topic.rises.is_on();
        }
        let Some(category) = category else { return };
        fields.categories[usize::from(category)].count(post, moment, source, None, now);
        let Some(number) = fields.pair(category, post, index, second) else { return };
        fields.count(number, post, moment, source, now);
        let Fields { categories, pairs, .. } = fields;
        let pair = &mut pairs[number as usize];
        if !explained && pair.topic.baseline.has_history() && !pair.is_explained() {
            let around = ground.around(categories, Some(category));
            begun.extend(ground.judge(&mut pair.topic, Some(moment.at), post.raw, around));
        }
    }

    /// Moves on to `now`: what was learned takes effect, longer windows are looked at, rises end.
    pub fn advance(&mut self, now: Timestamp) {
        if self.state.all.total == 0 {
            return;
        }
        let second = now.as_second();
        self.learn(second);
        let Self { manner, state, flat, begun, .. } = self;
        let State { sources, all, watch, awake, fields, emergent, laid_in, swept, seen, .. } = state;
        emergent.step(watch, now, begun);
        let Fields { categories, pairs, awake: awake_pairs } = fields;
        let sweep = std::mem::replace(swept, second.div_euclid(MINUTE)) != second.div_euclid(MINUTE);
        if sweep {
            sources.settle(second, HISTORY);
            all.forget(second);
            categories.iter_mut().for_each(|topic| topic.forget(second));
            // Those that sleep take turns.
            let rounds = (ROUND / MINUTE) as usize;
            let turn = second.div_euclid(MINUTE).rem_euclid(rounds as i64) as usize;
            watch.iter_mut().skip(turn).step_by(rounds).for_each(|topic| topic.forget(second));
            let stays = |topic: &mut Topic| {
                let awake = topic.is_awake(second);
                if !awake {
                    topic.rest();
                }
                awake
            };
            awake.retain(|&number| watch.get_mut(number as usize).is_some_and(stays));
            awake_pairs.retain(|&number| pairs.get_mut(number as usize).is_some_and(|pair| stays(&mut pair.topic)));
        }
        let founder = seen
            .iter()
            .next_back()
            .map_or(Position { partition: 0, offset: 0 }, |(&partition, &offset)| Position { partition, offset });
        let ground = Ground { manner, sources, all, laid_in: *laid_in, flat, now: second };
        let mut look = |topic: &mut Topic, around: Around<'_>, quiet: bool| {
            if sweep {
                topic.forget(second);
            }
            topic.step(around, second);
            if quiet {
                topic.pass_over(second);
            } else if topic.is_due_to_look(second) {
                begun.extend(ground.judge(topic, None, founder, around));
            }
        };
        for &number in &*awake {
            if let Some(topic) = watch.get_mut(number as usize) {
                let around = ground.around(categories, topic.category());
                look(topic, around, false);
            }
        }
        for &number in &*awake_pairs {
            if let Some(pair) = pairs.get_mut(number as usize) {
                let quiet = !pair.topic.baseline.has_history() || pair.is_explained();
                let around = ground.around(categories, Some(pair.category));
                look(&mut pair.topic, around, quiet);
            }
        }
        for topic in emergent.topics_mut().filter(|topic| topic.is_awake(second)) {
            let around = ground.around(categories, topic.category());
            look(topic, around, false);
        }
    }

    /// Moves on to `now` and says what is to be told: what has changed, at most once a second for each topic, a rise or another
    /// phase at once, and every topic with posts within a day at least once a minute; of category × unit the rises alone. Nothing
    /// before the first record.
    pub fn tick(&mut self, now: Timestamp) -> Vec<Pulse> {
        // Whoever wants to know of it has asked by now.
        self.state.emergent.emerged.clear();
        self.advance(now);
        if self.state.all.total == 0 {
            return Vec::new();
        }
        let through = self.through();
        let Self { manner, state, flat, begun, .. } = self;
        begun.clear();
        let State { sources, all, watch, awake, fields, emergent, laid_in, .. } = state;
        let Fields { categories, pairs, awake: awake_pairs } = fields;
        let mut pulses = Vec::new();
        let ground = Ground { manner, sources, all, laid_in: *laid_in, flat, now: now.as_second() };
        let mut tell = |topic: &mut Topic, around: Around<'_>| {
            // What rises never waits for the rest.
            if (pulses.len() < TELL_AT_ONCE || topic.rises.is_on()) && topic.is_due(now) {
                let pulse = topic.pulse(around, through.clone(), now);
                topic.mark(Some(&pulse));
                pulses.push(pulse);
            }
        };
        for &number in &*awake {
            if let Some(topic) = watch.get_mut(number as usize) {
                let around = ground.around(categories, topic.category());
                tell(topic, around);
            }
        }
        for &number in &*awake_pairs {
            if let Some(pair) = pairs.get_mut(number as usize)
                && pair.topic.rises.spike(now.as_second()).is_some()
            {
                let around = ground.around(categories, Some(pair.category));
                tell(&mut pair.topic, around);
            }
        }
        for topic in emergent.topics_mut().filter(|topic| topic.is_awake(now.as_second())) {
            let around = ground.around(categories, topic.category());
            tell(topic, around);
        }
        for topic in std::mem::take(&mut emergent.parted) {
            let around = ground.around(categories, topic.category());
            pulses.push(Pulse { phase: Phase::Quiet, ..topic.pulse(around, through.clone(), now) });
        }
        if all.is_due(now) {
            let pulse = all.pulse(ground.around_category(), through.clone(), now);
            all.mark(Some(&pulse));
            pulses.insert(0, pulse);
        }
        pulses
    }

    /// The rises that have begun since this was last asked, or since the last tick.
    pub fn begun(&mut self) -> Vec<Begun> {
        std::mem::take(&mut self.begun)
    }

    /// What happened to emerging topics since this was last asked.
    pub fn emerged(&mut self) -> Vec<Emerged> {
        std::mem::take(&mut self.state.emergent.emerged)
    }

    /// What is known of an emerging topic beside its counts.
    #[must_use]
    pub fn found(&self, id: &str) -> Option<&Found> {
        self.state.emergent.found(id)
    }

    /// The second in which the next emerging topic ends, unless posts of it come.
    pub(crate) fn ends(&self) -> Option<i64> {
        self.state.emergent.emerging.ends()
    }

    /// How many rises have begun that no pulse has told yet.
    #[must_use]
    pub fn news(&self) -> usize {
        self.begun.len()
    }

    /// Makes the next tick tell everything.
    pub fn tell_all(&mut self) {
        let State { all, watch, awake, emergent, .. } = &mut self.state;
        all.mark(None);
        for (number, topic) in (0..).zip(watch) {
            topic.mark(None);
            awake.insert(number);
        }
        emergent.topics_mut().for_each(|topic| topic.mark(None));
    }

    /// Some topics at a time, so that no step takes long.
    fn learn(&mut self, now: i64) {
        let Self { manner, false_pages, state, flat, .. } = self;
        let State {
            sources,
            all,
            watch,
            awake,
            fields,
            emergent,
            laid_in,
            common,
            crossings,
            allowance,
            shared_out,
            ..
        } = state;
        let Fields { categories, pairs, awake: awake_pairs } = fields;
        let laid_in = *laid_in;
        if all.is_due_to_learn(laid_in, now) {
            let (watched, shares) = (Watched::by(&all.series, now), all.shares.clone());
            let around = Around { manner, rhythm: flat, sources, all: &shares };
            all.learn(&watched, laid_in, Mood::default(), around, now);
        }
        let mut watched = None;
        let mut left = LEARN_AT_ONCE;
        let ground = Ground { manner, sources, all, laid_in, flat, now };
        let mut learn = |topic: &mut Topic, around: Around<'_>| {
            if left > 0 && topic.is_due_to_learn(laid_in, now) {
                left -= 1;
                let watched = watched.get_or_insert_with(|| Watched::by(&ground.all.series, now));
                topic.learn(watched, laid_in, ground.all.mood, around, now);
            }
        };
        categories.iter_mut().for_each(|topic| learn(topic, ground.around_category()));
        for &number in &*awake {
            if let Some(topic) = watch.get_mut(number as usize) {
                let around = ground.around(categories, topic.category());
                learn(topic, around);
            }
        }
        for &number in &*awake_pairs {
            if let Some(pair) = pairs.get_mut(number as usize) {
                let around = ground.around(categories, Some(pair.category));
                learn(&mut pair.topic, around);
            }
        }
        for topic in emergent.topics_mut().filter(|topic| topic.is_awake(now)) {
            let around = ground.around(categories, topic.category());
            learn(topic, around);
        }
        if std::mem::replace(shared_out, now.div_euclid(HOUR)) != now.div_euclid(HOUR) {
            *common = Common::of(
                watch.iter().filter(|topic| topic.baseline.has_history()).map(|topic| &topic.baseline.evidence),
            );
            crossings.pass(watch.iter().filter(|topic| topic.baseline.has_history()).count());
            watch.iter_mut().filter_map(|topic| topic.was_near(now)).for_each(|rarest| crossings.add(rarest));
            *allowance = Allowance::of(*false_pages, watch.len() + awake_pairs.len(), crossings);
            (manner.common, manner.rule.alarms, manner.other_alarms) = (*common, allowance.window, allowance.other);
        }
    }

    fn through(&self) -> Vec<Position> {
        self.state.seen.iter().map(|(&partition, &offset)| Position { partition, offset }).collect()
    }

    /// The topics: the watch topics in the order of the config, those that emerge in the order in which they were found, then the topic
    /// of everything.
    pub(super) fn topics(&self) -> impl Iterator<Item = &Topic> {
        self.state.watch.iter().chain(self.state.emergent.topics()).chain([&self.state.all])
    }

    /// Categories, and category × unit.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Topic> {
        self.state.fields.topics()
    }

    /// Category × unit.
    pub(super) fn pairs(&self) -> impl Iterator<Item = &Topic> {
        self.state.fields.pairs.iter().map(|pair| &pair.topic)
    }

    /// The sources of a topic and their shares, the largest first.
    pub(super) fn sources(&self, topic: &Topic) -> Vec<(&str, f64)> {
        self.state.sources.names(&topic.shares)
    }

    /// The topic with this id.
    pub(super) fn topic(&self, id: &str) -> Option<&Topic> {
        if let Some(number) = self.directory.number(id, &self.state.watch) {
            return self.state.watch.get(number as usize);
        }
        std::iter::once(&self.state.all)
            .chain(self.state.emergent.topics())
            .chain(self.fields())
            .find(|topic| topic.about.id == id)
    }

    /// A topic's state at `now`; none before the first record.
    pub(super) fn pulse(&self, topic: &Topic, now: Timestamp) -> Option<Pulse> {
        (self.state.all.total > 0).then(|| topic.pulse(self.around(topic), self.through(), now))
    }

    /// What a topic is judged against.
    pub(super) fn around(&self, topic: &Topic) -> Around<'_> {
        let state = &self.state;
        let ground = Ground {
            manner: &self.manner,
            sources: &state.sources,
            all: &state.all,
            laid_in: state.laid_in,
            flat: &self.flat,
            now: 0,
        };
        ground.around(&state.fields.categories, topic.category())
    }
}

/// From one number to another, whatever they are: sources claim what they like.
fn difference(before: u64, after: u64) -> i64 {
    let up = |value| i64::try_from(value).unwrap_or(i64::MAX);
    if after >= before { up(after - before) } else { -up(before - after) }
}

fn topic(watch: &WatchTopic, since: Option<i64>) -> Topic {
    let about = TopicRef { id: watch.id.clone(), kind: TopicKind::Watch, name: watch.name.clone() };
    Topic::new(about, Some(watch.query.clone()), since)
}
