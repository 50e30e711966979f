//! The chronicle: everything that is ever said in the town, in the order in which it is said.
//!
//! It is a pure function of the seed, the start and the length of the history, written beat by beat (ten seconds) as far as
//! somebody asks; what was written never changes. A view at a moment shows what was said until then: whatever can be seen
//! once can be seen ever after, under the same number.
//!
//! An entry is kept as a few numbers; its words are made from its seed when it is read ([`speech`](crate::speech)). So a day
//! of talk costs a few megabytes.

use crate::{
    dice::{Dice, mix},
    rhythm,
    scenario::{Scenario, Step},
    speech::Matter,
    streets::STREETS,
};

/// Seconds of a beat.
const BEAT: i64 = 10;
/// Of all that is said, the share that opens a thread.
const OPENING_SHARE: f64 = 0.28;
/// A thread takes so many comments and no more: people go on in a new one.
pub(crate) const MOST_COMMENTS: usize = 29;
/// Among so many of the last arrivals people look for a thread to answer: what is busy gets busier.
const ATTENTION: usize = 80;
/// News of ordinary life, as a share of what is said.
const NEWS_SHARE: f64 = 0.004;

/// What a thread is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Topic {
    /// Ordinary life.
    Everyday(Matter),
    /// A scenario.
    Trouble(Scenario),
    /// A notice of the authorities about a scenario.
    Notice(Scenario, Step),
}

/// What a report in the feed is about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum NewsTopic {
    /// Ordinary life.
    Everyday,
    /// A scenario.
    Trouble(Scenario, Step),
}

/// A thread.
#[derive(Debug)]
pub(crate) struct Thread {
    pub(crate) number: u64,
    pub(crate) at: i64,
    pub(crate) topic: Topic,
    pub(crate) street: usize,
    pub(crate) seed: u64,
    pub(crate) comments: Vec<Comment>,
}

impl Thread {
    /// The comments that can be seen at a moment.
    pub(crate) fn comments_at(&self, now: i64) -> &[Comment] {
        &self.comments[..self.comments.partition_point(|comment| comment.at <= now)]
    }

    /// When somebody last said something in it.
    pub(crate) fn last_at(&self, now: i64) -> i64 {
        self.comments_at(now).last().map_or(self.at, |comment| comment.at)
    }
}

/// A comment.
#[derive(Debug)]
pub(crate) struct Comment {
    pub(crate) number: u64,
    pub(crate) at: i64,
    pub(crate) street: usize,
    pub(crate) seed: u64,
}

/// A report in the feed.
#[derive(Debug)]
pub(crate) struct News {
    pub(crate) number: u64,
    pub(crate) at: i64,
    pub(crate) topic: NewsTopic,
    pub(crate) seed: u64,
}

/// Something was said: where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Arrival {
    /// When.
    pub(crate) at: i64,
    /// What and where.
    pub(crate) entry: Entry,
}

/// The place of an entry in the chronicle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// The opening post of a thread.
    Post { thread: usize },
    /// A comment.
    Comment { thread: usize, comment: usize },
    /// A report in the feed.
    News { news: usize },
}

impl Entry {
    const fn thread(self) -> Option<usize> {
        match self {
            Self::Post { thread } | Self::Comment { thread, .. } => Some(thread),
            Self::News { .. } => None,
        }
    }
}

/// What happens in a beat, before it is known where it goes.
#[derive(Debug, Clone, Copy)]
enum Event {
    Life,
    Trouble(Scenario),
    Official(Scenario, Step),
    News,
}

/// Everything that was said so far.
#[derive(Debug)]
pub(crate) struct Chronicle {
    seed: u64,
    start: i64,
    begins: i64,
    written_to: i64,
    next_number: u64,
    threads: Vec<Thread>,
    news: Vec<News>,
    arrivals: Vec<Arrival>,
}

impl Chronicle {
    /// A town whose history begins so many days before its start.
    pub(crate) fn new(seed: u64, start: i64, history_days: u32) -> Self {
        let begins = start - i64::from(history_days) * 86_400;
        // The numbers of two towns do not meet: each has a range of its own, of ten million numbers.
        let range = 1000 + mix(mix(seed, start as u64), u64::from(history_days)) % 9000;
        Self {
            seed,
            start,
            begins,
            written_to: begins,
            next_number: range * 10_000_000 + 1,
            threads: Vec::new(),
            news: Vec::new(),
            arrivals: Vec::new(),
        }
    }

    pub(crate) const fn start(&self) -> i64 {
        self.start
    }

    /// Writes on until everything that is said up to this moment stands in it.
    pub(crate) fn write_to(&mut self, now: i64) {
        while self.written_to <= now {
            self.write_beat(self.written_to);
            self.written_to += BEAT;
        }
    }

    fn write_beat(&mut self, from: i64) {
        let mut dice = Dice::new(mix(self.seed, (from - self.begins) as u64));
        let mut events = Vec::new();
        let mut happen = |dice: &mut Dice, per_minute: f64, event: Event| {
            for _ in 0..dice.poisson(per_minute * BEAT as f64 / 60.0) {
                events.push((from + dice.below(BEAT as usize) as i64, event));
            }
        };
        let life = rhythm::rate(from + BEAT / 2);
        happen(&mut dice, life, Event::Life);
        happen(&mut dice, life * NEWS_SHARE, Event::News);
        for scenario in Scenario::at(self.seed, self.start, from) {
            happen(&mut dice, scenario.rate(from + BEAT / 2), Event::Trouble(scenario));
        }
        for scenario in Scenario::at(self.seed, self.start, from) {
            for (after, step) in Step::ALL {
                let at = scenario.begins + after;
                if (from..from + BEAT).contains(&at) {
                    events.push((at, Event::Official(scenario, step)));
                }
            }
        }
        events.sort_by_key(|(at, _)| *at);
        for (at, event) in events {
            self.write(at, event, &mut dice);
        }
    }

    fn write(&mut self, at: i64, event: Event, dice: &mut Dice) {
        match event {
            Event::Life => {
                let busy = self.pick(dice, |topic| matches!(topic, Topic::Everyday(_)));
                let street = dice.below(STREETS.len());
                match busy {
                    Some(thread) => self.comment(at, thread, street, dice),
                    None => self.open(at, Topic::Everyday(matter(dice)), street, dice),
                }
            }
            Event::Trouble(scenario) => {
                let busy = self.pick(dice, |topic| {
                    matches!(topic, Topic::Trouble(other) | Topic::Notice(other, _) if other.index == scenario.index)
                });
                let near = STREETS[scenario.street].near;
                let spread = dice.chance(scenario.spread(at));
                let street = if spread { near[dice.below(near.len())] } else { scenario.street };
                match busy {
                    Some(thread) => self.comment(at, thread, street, dice),
                    None => self.open(at, Topic::Trouble(scenario), street, dice),
                }
            }
            Event::Official(scenario, step) => {
                if step != Step::Flash {
                    self.open(at, Topic::Notice(scenario, step), scenario.street, dice);
                }
                self.report(at, NewsTopic::Trouble(scenario, step), dice);
            }
            Event::News => self.report(at, NewsTopic::Everyday, dice),
        }
    }

    /// A thread to answer in, unless a new one is opened.
    fn pick(&self, dice: &mut Dice, fits: impl Fn(&Topic) -> bool) -> Option<usize> {
        if dice.chance(OPENING_SHARE) {
            return None;
        }
        let recent = &self.arrivals[self.arrivals.len().saturating_sub(ATTENTION)..];
        let open: Vec<usize> = recent
            .iter()
            .filter_map(|arrival| arrival.entry.thread())
            .filter(|&thread| fits(&self.threads[thread].topic) && self.threads[thread].comments.len() < MOST_COMMENTS)
            .collect();
        (!open.is_empty()).then(|| open[dice.below(open.len())])
    }

    fn open(&mut self, at: i64, topic: Topic, street: usize, dice: &mut Dice) {
        self.arrivals.push(Arrival { at, entry: Entry::Post { thread: self.threads.len() } });
        let number = self.number();
        self.threads.push(Thread { number, at, topic, street, seed: dice.roll(), comments: Vec::new() });
    }

    fn comment(&mut self, at: i64, thread: usize, street: usize, dice: &mut Dice) {
        let number = self.number();
        let comments = &mut self.threads[thread].comments;
        self.arrivals.push(Arrival { at, entry: Entry::Comment { thread, comment: comments.len() } });
        comments.push(Comment { number, at, street, seed: dice.roll() });
    }

    fn report(&mut self, at: i64, topic: NewsTopic, dice: &mut Dice) {
        self.arrivals.push(Arrival { at, entry: Entry::News { news: self.news.len() } });
        let number = self.number();
        self.news.push(News { number, at, topic, seed: dice.roll() });
    }

    const fn number(&mut self) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        number
    }

    /// What has arrived until a moment, in order.
    pub(crate) fn arrivals_at(&self, now: i64) -> &[Arrival] {
        &self.arrivals[..self.arrivals.partition_point(|arrival| arrival.at <= now)]
    }

    /// How many threads there are at a moment.
    pub(crate) fn thread_count(&self, now: i64) -> usize {
        self.threads.partition_point(|thread| thread.at <= now)
    }

    /// The threads at a moment, the one that was answered last first: some of them, after `skip`.
    ///
    /// It walks the arrivals backwards and takes each thread where it meets it first, so the front page costs the same
    /// however long the town has been talking.
    pub(crate) fn latest(&self, now: i64, skip: usize, take: usize) -> Vec<&Thread> {
        let mut met = std::collections::HashSet::new();
        self.arrivals_at(now)
            .iter()
            .rev()
            .filter_map(|arrival| arrival.entry.thread())
            .filter(|&thread| met.insert(thread))
            .skip(skip)
            .take(take)
            .map(|thread| &self.threads[thread])
            .collect()
    }

    /// The thread at a place that an [`Entry`] names.
    pub(crate) fn thread_of(&self, place: usize) -> &Thread {
        &self.threads[place]
    }

    /// The report at a place that an [`Entry`] names.
    pub(crate) fn news_of(&self, place: usize) -> &News {
        &self.news[place]
    }

    /// The thread of a number, if it can be seen at a moment.
    pub(crate) fn thread(&self, number: u64, now: i64) -> Option<&Thread> {
        let place = self.threads.binary_search_by_key(&number, |thread| thread.number).ok()?;
        Some(&self.threads[place]).filter(|thread| thread.at <= now)
    }

    /// The reports at a moment, in order.
    pub(crate) fn news_at(&self, now: i64) -> &[News] {
        &self.news[..self.news.partition_point(|news| news.at <= now)]
    }
}

/// A matter of ordinary life, as often as it comes up.
fn matter(dice: &mut Dice) -> Matter {
    let mut left = dice.below(Matter::ALL.iter().map(|(_, share)| *share as usize).sum()) as u32;
    for (matter, share) in Matter::ALL {
        if left < share {
            return matter;
        }
        left -= share;
    }
    Matter::Food
}

#[cfg(test)]
mod tests;
