//! The posts of a town, minute by minute, as they come in; and what a knower of its truth expects to come in.
//!
//! A post is published at a second drawn from its topic's rate and comes in after its source's lag (half to one and a half
//! times the mean). What would come in while the source is dark comes in during the minute in which it is read again, or never.

use super::{
    plan::{Backfill, Flood, Plan},
    random::Random,
};
use std::collections::{BTreeMap, VecDeque};

/// Minutes that lie ahead of the present one and are kept at hand; no lag is longer.
const AHEAD: usize = 8;
/// Cells of a minute.
pub const CELLS: usize = 6;

/// What a post is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Voice {
    /// One of its own.
    Own,
    /// The first of a text that is copied afterwards.
    First(u16),
    /// A copy of that text.
    Copy(u16),
    /// Laid in days later.
    Old,
}

/// A post that comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Post {
    /// The second in which it was published, since the town's begin.
    pub at: u32,
    /// Its topic's number.
    pub topic: u16,
    /// Its source's number.
    pub source: u8,
    /// The second of the minute in which it comes in.
    pub second: u8,
    /// What it is.
    pub voice: Voice,
}

/// What comes in within a minute.
#[derive(Debug, Clone)]
pub struct Minute {
    /// Its number since the town's begin.
    pub number: u32,
    /// In the order of their coming in.
    pub posts: Vec<Post>,
    /// Posts that were expected to come in of each topic, by one who knows rates, lags, outages and what was held back.
    pub expected: Vec<f32>,
}

/// Draws what comes in.
#[derive(Debug)]
pub struct Stream<'a> {
    plan: &'a Plan,
    random: Random,
    next: u32,
    /// What comes in next: the present minute and those ahead.
    ahead: VecDeque<Vec<Post>>,
    /// What comes in later.
    held: BTreeMap<u32, Vec<Post>>,
    /// The rates of the last minutes, the present one first.
    rates: VecDeque<Vec<f64>>,
    /// What each source holds back of each topic and will bring, in the mean.
    owed: Vec<Vec<f64>>,
    /// Texts that were copied so far, by flood.
    texts: Vec<u32>,
}

impl<'a> Stream<'a> {
    /// From the town's begin.
    #[must_use]
    pub fn new(plan: &'a Plan) -> Self {
        let topics = plan.topics.len();
        Self {
            plan,
            random: Random::new(plan.settings.seed ^ 0x5eed),
            next: 0,
            ahead: vec![Vec::new(); AHEAD].into(),
            held: BTreeMap::new(),
            rates: vec![vec![0.0; topics]; AHEAD].into(),
            owed: vec![vec![0.0; topics]; plan.lags.len()],
            texts: vec![0; plan.floods.len()],
        }
    }

    /// Whether a source is dark in a minute: when it is read again, and whether it brings what it held back.
    fn dark(&self, source: u8, minute: u32) -> Option<(u32, bool)> {
        let outages = self.plan.outages.iter().take_while(|outage| outage.begin <= minute);
        outages
            .filter(|outage| outage.source == source && minute < outage.end)
            .map(|outage| (outage.end, outage.returns))
            .next()
    }

    fn draw_minute(&mut self, number: u32) {
        let mut rates = self.rates.pop_back().unwrap_or_default();
        rates.clear();
        // What the sources do in the minutes ahead does not depend on the post.
        let dark: Vec<Vec<Option<(u32, bool)>>> = (0..self.plan.lags.len() as u8)
            .map(|source| (0..AHEAD as u32).map(|ahead| self.dark(source, number + ahead)).collect())
            .collect();
        for (topic, is) in self.plan.topics.iter().enumerate() {
            let rate = is.course.rate(number, &self.plan.weeks);
            rates.push(rate);
            let count = self.random.poisson(rate);
            self.publish(topic as u16, count, number, &dark, |_| Voice::Own);
        }
        self.rates.push_front(rates);
        let plan = self.plan;
        let events = plan.events.iter().take_while(|event| event.begin <= number);
        for event in events.filter(|event| number < event.end) {
            let rate = self.rates[0][usize::from(event.topic)] * event.more(number);
            let count = self.random.poisson(rate);
            self.publish(event.topic, count, number, &dark, |_| Voice::Own);
        }
        for (index, flood) in
            plan.floods.iter().enumerate().filter(|(_, flood)| (flood.begin..flood.end).contains(&number))
        {
            self.flood(index, flood, number, &dark);
        }
        for backfill in plan.backfills.iter().filter(|backfill| backfill.at == number) {
            self.lay_in(backfill);
        }
    }

    fn flood(&mut self, index: usize, flood: &Flood, number: u32, dark: &[Vec<Option<(u32, bool)>>]) {
        let count = self.random.poisson(flood.copies / f64::from(flood.end - flood.begin));
        for _ in 0..count {
            let seen = self.texts[index];
            // The first ones are the texts themselves; their numbers are the flood's own.
            let text = |text: u32| (index as u32 * 3 + text) as u16;
            let voice = if seen < flood.texts {
                self.texts[index] += 1;
                Voice::First(text(seen))
            } else {
                Voice::Copy(text(self.random.below(flood.texts)))
            };
            self.publish(flood.topic, 1, number, dark, |_| voice);
        }
    }

    fn lay_in(&mut self, backfill: &Backfill) {
        let (from, span) = (backfill.from * 60, (backfill.to - backfill.from) * 60);
        let source = self.plan.topics[usize::from(backfill.topic)].sources[0].0;
        for _ in 0..backfill.posts {
            let second = self.random.below(60) as u8;
            let at = from + self.random.below(span);
            self.ahead[0].push(Post { at, topic: backfill.topic, source, second, voice: Voice::Old });
        }
    }

    fn publish(
        &mut self,
        topic: u16,
        count: u32,
        number: u32,
        dark: &[Vec<Option<(u32, bool)>>],
        voice: impl Fn(&mut Random) -> Voice,
    ) {
        let sources = &self.plan.topics[usize::from(topic)].sources;
        for _ in 0..count {
            let mut left = self.random.unit();
            let mut source = sources[0].0;
            for &(number, share) in sources {
                source = number;
                left -= share;
                if left < 0.0 {
                    break;
                }
            }
            let at = number * 60 + self.random.below(60);
            let lag = self.plan.lags[usize::from(source)] * (0.5 + self.random.unit());
            let comes = at + lag as u32;
            let ahead = ((comes / 60 - number) as usize).min(AHEAD - 1);
            let voice = voice(&mut self.random);
            let mut post = Post { at, topic, source, second: (comes % 60) as u8, voice };
            match dark[usize::from(source)][ahead] {
                None => self.ahead[ahead].push(post),
                Some((_, false)) => {}
                Some((end, true)) => {
                    post.second = self.random.below(60) as u8;
                    self.held.entry(end).or_default().push(post);
                }
            }
        }
    }

    fn expected(&mut self, number: u32) -> Vec<f32> {
        let dark: Vec<_> = (0..self.plan.lags.len() as u8).map(|source| self.dark(source, number)).collect();
        let mut expected = vec![0.0; self.plan.topics.len()];
        for (topic, is) in self.plan.topics.iter().enumerate() {
            let mut sum = 0.0;
            for &(source, share) in &is.sources {
                let lag = self.plan.lags[usize::from(source)] / 60.0;
                let (ago, part) = ((lag as usize).min(AHEAD - 2), lag.fract());
                let rate = self.rates[ago][topic] * (1.0 - part) + self.rates[ago + 1][topic] * part;
                let owed = &mut self.owed[usize::from(source)][topic];
                match dark[usize::from(source)] {
                    None => sum += share * rate + std::mem::take(owed),
                    Some((_, true)) => *owed += share * rate,
                    Some((_, false)) => {}
                }
            }
            expected[topic] = sum as f32;
        }
        expected
    }
}

impl Iterator for Stream<'_> {
    type Item = Minute;

    fn next(&mut self) -> Option<Minute> {
        let number = self.next;
        if number >= self.plan.minutes().end {
            return None;
        }
        self.draw_minute(number);
        let mut posts = self.ahead.pop_front().unwrap_or_default();
        self.ahead.push_back(Vec::new());
        posts.extend(self.held.remove(&number).unwrap_or_default());
        posts.sort_by_key(|post| post.second);
        let expected = self.expected(number);
        self.next += 1;
        Some(Minute { number, posts, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::plan::{Outage, Settings},
        *,
    };

    fn quiet(topics: u16, days: u32) -> Plan {
        let settings = Settings {
            topics,
            days,
            warm_up: 1,
            events: 0,
            floods: 0,
            outages: 0,
            backfills: 0,
            ..Settings::default()
        };
        Plan::draw(settings)
    }

    #[test]
    fn as_much_comes_in_as_is_expected() {
        let plan = Plan::draw(Settings {
            topics: 30,
            days: 9,
            warm_up: 2,
            events: 0,
            floods: 0,
            backfills: 0,
            ..Settings::default()
        });
        assert!(!plan.outages.is_empty());
        let (mut came, mut expected) = (vec![0_u32; 30], [0.0_f64; 30]);
        for minute in Stream::new(&plan) {
            minute.posts.iter().for_each(|post| came[usize::from(post.topic)] += 1);
            (0..30).for_each(|topic| expected[topic] += f64::from(minute.expected[topic]));
        }
        for topic in 0..30 {
            let (came, expected) = (f64::from(came[topic]), expected[topic]);
            assert!((came - expected).abs() < 5.0 * expected.sqrt() + 1.0, "{came} came, {expected} expected");
        }
    }

    #[test]
    fn posts_come_in_order_and_never_before_they_are_published() {
        let plan = quiet(20, 2);
        for minute in Stream::new(&plan) {
            let comes = |post: &Post| minute.number * 60 + u32::from(post.second);
            assert!(minute.posts.windows(2).all(|pair| comes(&pair[0]) <= comes(&pair[1])));
            assert!(minute.posts.iter().all(|post| post.at <= comes(post) && comes(post) < post.at + 8 * 60));
        }
    }

    #[test]
    fn what_a_dark_source_held_back_comes_in_at_once_or_never() {
        for returns in [true, false] {
            let mut plan = quiet(20, 2);
            (0..20).for_each(|topic| plan.topics[topic].sources = vec![(0, 1.0)]);
            plan.outages = vec![Outage { source: 0, begin: 1_500, end: 1_800, returns }];
            let (mut late, mut dark) = (0, 0);
            for minute in Stream::new(&plan) {
                if (1_500..1_800).contains(&minute.number) {
                    dark += minute.posts.len();
                    assert!(minute.expected.iter().all(|expected| *expected == 0.0));
                }
                late += minute.posts.iter().filter(|post| post.at + 600 < minute.number * 60).count();
                assert!(minute.number == 1_800 || late == 0 || minute.number > 1_800);
            }
            assert_eq!(dark, 0);
            assert_eq!(late > 1_000, returns, "{late}");
        }
    }

    #[test]
    fn a_flood_is_copies_of_few_texts() {
        let mut plan = quiet(5, 2);
        plan.floods = vec![Flood { topic: 3, begin: 1_500, end: 1_520, copies: 300.0, texts: 2 }];
        let plan = plan;
        let posts: Vec<Post> = Stream::new(&plan).flat_map(|minute| minute.posts).collect();
        let firsts = posts.iter().filter(|post| matches!(post.voice, Voice::First(_))).count();
        let copies = posts.iter().filter(|post| matches!(post.voice, Voice::Copy(_)) && post.topic == 3).count();
        assert!(firsts == 2 && (200..400).contains(&copies), "{firsts} texts, {copies} copies");
    }
}
