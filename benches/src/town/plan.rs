//! What happens in a town: drawn before it begins, so that it can be told from the outcome.
//!
//! | what | is | should |
//! |---|---|---|
//! | event | more posts on a topic, by a factor, for a while, as a step, a ramp or a decay | page |
//! | flood | a few texts, copied hundreds of times | not |
//! | outage | a source cannot be read; afterwards its posts come in at once, or never | not |
//! | backfill | posts that are days old are laid in | not |
//!
//! All begin after the warm-up. Between two events of a topic lies a day, so that each alarm is one event's.

use super::{
    random::Random,
    rhythm::{Course, Rhythm, Weeks},
};

const HOUR: u32 = 60;
const DAY: u32 = 24 * HOUR;
/// Sources that a topic has at most.
const MOST_SOURCES: u32 = 4;

/// What is drawn.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What all chance comes from.
    pub seed: u64,
    /// How long it lasts.
    pub days: u32,
    /// Days in which nothing happens and no alarm counts.
    pub warm_up: u32,
    /// How many topics.
    pub topics: u16,
    /// Posts a minute of a topic, in the mean: its logarithm is uniform between these.
    pub rates: (f64, f64),
    /// How rates go.
    pub rhythm: Rhythm,
    /// How many events.
    pub events: u32,
    /// How many floods.
    pub floods: u32,
    /// How many sources.
    pub sources: u8,
    /// How many outages.
    pub outages: u32,
    /// How many backfills.
    pub backfills: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            seed: 1,
            days: 60,
            warm_up: 14,
            topics: 500,
            rates: (0.01, 50.0),
            rhythm: Rhythm::Shared,
            events: 200,
            floods: 40,
            sources: 12,
            outages: 20,
            backfills: 20,
        }
    }
}

/// A topic.
#[derive(Debug, Clone)]
pub struct Topic {
    /// How its rate goes.
    pub course: Course,
    /// Its sources and their shares of it.
    pub sources: Vec<(u8, f64)>,
}

/// How an event goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// At once, and at once over.
    Step,
    /// It grows until it is over.
    Ramp,
    /// At once, then less and less: to a twentieth.
    Decay,
}

/// More posts on a topic for a while. Times are minutes since the town's begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Which topic.
    pub topic: u16,
    /// Its first minute.
    pub begin: u32,
    /// The minute in which it is over.
    pub end: u32,
    /// How many times as much as usual, at the top.
    pub factor: f64,
    /// How it goes.
    pub shape: Shape,
    /// Posts that it adds, in the mean.
    pub excess: f64,
}

impl Event {
    /// What a minute has more than usual, in multiples of the usual.
    #[must_use]
    pub fn more(&self, minute: u32) -> f64 {
        if !(self.begin..self.end).contains(&minute) {
            return 0.0;
        }
        let share = (f64::from(minute - self.begin) + 0.5) / f64::from(self.end - self.begin);
        (self.factor - 1.0)
            * match self.shape {
                Shape::Step => 1.0,
                Shape::Ramp => share,
                Shape::Decay => (-3.0 * share).exp(),
            }
    }
}

/// A few texts that are copied again and again. Times are minutes since the town's begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Flood {
    /// Which topic.
    pub topic: u16,
    /// Its first minute.
    pub begin: u32,
    /// The minute in which it is over.
    pub end: u32,
    /// Copies in the mean.
    pub copies: f64,
    /// Different texts.
    pub texts: u32,
}

/// A source that cannot be read. Times are minutes since the town's begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Outage {
    /// Which source.
    pub source: u8,
    /// Its first minute.
    pub begin: u32,
    /// The minute in which it is read again.
    pub end: u32,
    /// Whether what was posted meanwhile comes in then.
    pub returns: bool,
}

/// Posts that are laid in days later. Times are minutes since the town's begin.
#[derive(Debug, Clone, PartialEq)]
pub struct Backfill {
    /// Which topic.
    pub topic: u16,
    /// The minute in which they come in.
    pub at: u32,
    /// From when they are.
    pub from: u32,
    /// Up to when they are.
    pub to: u32,
    /// How many.
    pub posts: u32,
}

/// A town before it begins.
#[derive(Debug)]
pub struct Plan {
    /// What it was drawn by.
    pub settings: Settings,
    /// The weeks of its rhythms.
    pub weeks: Weeks,
    /// By number.
    pub topics: Vec<Topic>,
    /// The mean lag of each source, in seconds.
    pub lags: Vec<f64>,
    /// In the order of their beginning.
    pub events: Vec<Event>,
    /// In the order of their beginning.
    pub floods: Vec<Flood>,
    /// In the order of their beginning.
    pub outages: Vec<Outage>,
    /// In the order of their coming in.
    pub backfills: Vec<Backfill>,
}

impl Plan {
    /// Draws everything. What finds no room (many events on few topics) is left out.
    #[must_use]
    pub fn draw(settings: Settings) -> Self {
        let mut random = Random::new(settings.seed);
        let sources = settings.sources.max(1);
        let lags: Vec<f64> = (0..sources).map(|_| random.log_between(3.0, 240.0)).collect();
        let topics = (0..settings.topics).map(|_| topic(&settings, sources, &mut random)).collect();
        let mut plan = Self {
            settings,
            weeks: Weeks::default(),
            topics,
            lags,
            events: Vec::new(),
            floods: Vec::new(),
            outages: Vec::new(),
            backfills: Vec::new(),
        };
        plan.draw_events(&mut random);
        plan.draw_what_must_not_page(&mut random);
        plan
    }

    /// The minutes after the warm-up.
    #[must_use]
    pub fn minutes(&self) -> std::ops::Range<u32> {
        self.settings.warm_up * DAY..self.settings.days * DAY
    }

    /// The rate of a topic, in posts a minute, without events.
    #[must_use]
    pub fn rate(&self, topic: u16, minute: u32) -> f64 {
        self.topics[usize::from(topic)].course.rate(minute, &self.weeks)
    }

    /// A minute after the warm-up from which so many are left.
    fn begin(&self, length: u32, random: &mut Random) -> u32 {
        let minutes = self.minutes();
        minutes.start + random.below((minutes.len() as u32).saturating_sub(length))
    }

    fn draw_events(&mut self, random: &mut Random) {
        // Each gets some tries at a place where its topic is free.
        for _ in 0..self.settings.events {
            for _ in 0..50 {
                let topic = random.below(u32::from(self.settings.topics)) as u16;
                let length = random.log_between(10.0, 720.0).round() as u32;
                let begin = self.begin(length, random);
                let factor = random.log_between(1.5, 20.0);
                let shape = [Shape::Step, Shape::Ramp, Shape::Decay][random.below(3) as usize];
                let free = |other: &Event| {
                    other.topic != topic || begin > other.end + DAY || other.begin > begin + length + DAY
                };
                if self.events.iter().all(free) {
                    let mut event = Event { topic, begin, end: begin + length, factor, shape, excess: 0.0 };
                    let more = |minute| self.rate(topic, minute) * event.more(minute);
                    event.excess = (event.begin..event.end).map(more).sum();
                    self.events.push(event);
                    break;
                }
            }
        }
        self.events.sort_by_key(|event| event.begin);
    }

    fn draw_what_must_not_page(&mut self, random: &mut Random) {
        for _ in 0..self.settings.floods {
            let (topic, length) = (random.below(u32::from(self.settings.topics)) as u16, 5 + random.below(56));
            let begin = self.begin(length, random);
            let (copies, texts) = (random.log_between(50.0, 800.0), 1 + random.below(3));
            self.floods.push(Flood { topic, begin, end: begin + length, copies, texts });
        }
        for _ in 0..self.settings.outages {
            let length = random.log_between(10.0, 480.0).round() as u32;
            let begin = self.begin(length + 1, random);
            let source = random.below(self.lags.len() as u32) as u8;
            let apart = |other: &Outage| other.source != source || begin > other.end || other.begin > begin + length;
            if self.outages.iter().all(apart) {
                self.outages.push(Outage { source, begin, end: begin + length, returns: random.unit() < 0.5 });
            }
        }
        for _ in 0..self.settings.backfills {
            let topic = random.below(u32::from(self.settings.topics)) as u16;
            let at = self.begin(1, random);
            let back = (random.between(2.0, 8.0) * f64::from(DAY)) as u32;
            let (from, to) = (at.saturating_sub(back), at.saturating_sub(DAY));
            let usual = self.topics[usize::from(topic)].course.base * f64::from(to - from);
            let posts = 30 + (usual * random.between(0.1, 0.6)) as u32;
            self.backfills.push(Backfill { topic, at, from, to, posts: posts.min(50_000) });
        }
        self.floods.sort_by_key(|flood| flood.begin);
        self.outages.sort_by_key(|outage| outage.begin);
        self.backfills.sort_by_key(|backfill| backfill.at);
    }
}

fn topic(settings: &Settings, sources: u8, random: &mut Random) -> Topic {
    let base = random.log_between(settings.rates.0, settings.rates.1);
    let course = Course::draw(settings.rhythm, base, settings.days, random);
    let mut shares: Vec<(u8, f64)> = Vec::new();
    for _ in 0..=random.below(MOST_SOURCES) {
        let source = random.below(u32::from(sources)) as u8;
        if shares.iter().all(|(known, _)| *known != source) {
            shares.push((source, random.between(0.2, 1.0)));
        }
    }
    let total: f64 = shares.iter().map(|(_, share)| share).sum();
    shares.iter_mut().for_each(|(_, share)| *share /= total);
    Topic { course, sources: shares }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64) -> Plan {
        Plan::draw(Settings { seed, topics: 50, days: 40, rhythm: Rhythm::Mixed, ..Settings::default() })
    }

    #[test]
    fn a_seed_draws_the_same_town_again_and_another_one_another() {
        let (one, same, other) = (plan(1), plan(1), plan(2));
        assert_eq!(one.events, same.events);
        assert_eq!((&one.floods, &one.outages, &one.backfills), (&same.floods, &same.outages, &same.backfills));
        assert_ne!(one.events, other.events);
    }

    #[test]
    fn everything_happens_after_the_warm_up_and_within_its_bounds() {
        let plan = plan(3);
        let (minutes, last) = (plan.minutes(), 40 * DAY);
        assert_eq!(plan.events.len(), 200);
        for event in &plan.events {
            assert!(minutes.contains(&event.begin) && event.end <= last);
            assert!((10..=720).contains(&(event.end - event.begin)) && (1.5..=20.0).contains(&event.factor));
            assert!(
                event.excess > 0.0 && event.more(event.begin.wrapping_sub(1)) == 0.0 && event.more(event.end) == 0.0
            );
        }
        assert!(plan.outages.iter().all(|outage| minutes.contains(&outage.begin) && outage.end < last));
        assert!(plan.backfills.iter().all(|backfill| backfill.from < backfill.to && backfill.to + DAY <= backfill.at));
        for topic in &plan.topics {
            let sum: f64 = topic.sources.iter().map(|(_, share)| share).sum();
            assert!((sum - 1.0).abs() < 1e-9 && (0.01..=50.0).contains(&topic.course.base));
        }
    }

    #[test]
    fn events_of_a_topic_lie_a_day_apart() {
        let plan = plan(4);
        for (at, event) in plan.events.iter().enumerate() {
            let other = plan.events[at + 1..].iter().find(|other| other.topic == event.topic);
            assert!(other.is_none_or(|other| other.begin > event.end + DAY));
        }
    }
}
