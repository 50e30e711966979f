//! A bad day: what happens when, thrown with the seed's dice before it begins, so that a seed is a day.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};
use std::time::Duration;
use town::hostile::{Event, Faults};

/// A day lasts so long for each kill.
const PER_KILL: Duration = Duration::from_secs(7);
/// Something happens in each forum so often.
const TICK: Duration = Duration::from_millis(100);
/// What happens in a forum within [`PER_KILL`], in an order that is thrown anew each time.
const DECK: [(usize, Event); 11] = [
    (14, Event::Post),
    (1, Event::Burst),
    (20, Event::Comment),
    (2, Event::LateComment),
    (1, Event::CommentBurst),
    (3, Event::EditPost),
    (4, Event::EditComment),
    (3, Event::DeleteThread),
    (5, Event::DeleteComment),
    (1, Event::Flash),
    (1, Event::Pin),
];

/// Something of the day.
#[derive(Debug, Clone, Copy)]
pub enum Moment {
    Happens(usize, Event),
    /// From now on this goes wrong at a site, or not any more.
    Fault(usize, fn(&mut Faults)),
    Kill,
    Start,
}

/// What happens when, in order.
pub struct Day;

impl Day {
    pub fn of(seed: u64, kills: u64, outage: Duration, sites: usize) -> impl Iterator<Item = (Duration, Moment)> {
        let dice = &mut StdRng::seed_from_u64(seed);
        let lasts = (PER_KILL * kills as u32).max(outage + PER_KILL);
        let mut day: Vec<_> = (0..sites).map(|site| (Duration::ZERO, Moment::Fault(site, ordinary))).collect();
        (0..sites).for_each(|site| life(&mut day, site, lasts, dice));
        spell(&mut day, dice.random_range(0..sites), lasts, outage, [down, up], dice);
        spell(&mut day, dice.random_range(0..sites), lasts, Duration::from_secs(2), [asks_for_log_in, is_open], dice);
        spell(&mut day, dice.random_range(0..sites), lasts, Duration::from_secs(2), [emptied, filled], dice);
        for kill in 0..kills as u32 {
            let at = PER_KILL * kill + Duration::from_millis(dice.random_range(0..6_000));
            let back = at + Duration::from_millis(dice.random_range(0..800));
            day.extend([(at, Moment::Kill), (back, Moment::Start)]);
        }
        day.extend((0..sites).map(|site| (lasts, Moment::Fault(site, none))));
        day.sort_by_key(|(at, _)| *at);
        day.into_iter()
    }
}

fn life(day: &mut Vec<(Duration, Moment)>, site: usize, lasts: Duration, dice: &mut StdRng) {
    let mut deck = Vec::new();
    let mut at = TICK;
    while at < lasts {
        if deck.is_empty() {
            deck = DECK.iter().flat_map(|&(times, event)| std::iter::repeat_n(event, times)).collect();
            deck.shuffle(dice);
        }
        day.extend(deck.pop().map(|event| (at, Moment::Happens(site, event))));
        at += TICK.mul_f64(dice.random_range(0.5..1.5)) * PER_KILL.as_millis() as u32 / 7_000;
    }
}

/// Something that goes wrong at a site for a time.
fn spell(
    day: &mut Vec<(Duration, Moment)>,
    site: usize,
    lasts: Duration,
    time: Duration,
    [begin, end]: [fn(&mut Faults); 2],
    dice: &mut StdRng,
) {
    let at = lasts.saturating_sub(time).mul_f64(dice.random_range(0.0..1.0));
    day.extend([(at, Moment::Fault(site, begin)), (at + time, Moment::Fault(site, end))]);
}

/// What every site is like all day.
fn ordinary(faults: &mut Faults) {
    *faults = Faults {
        rate: Some(60),
        errors: 0.05,
        resets: 0.02,
        stalls: 0.004,
        shifts: 0.3,
        clock_skew: jiff::SignedDuration::from_secs(90),
        ..Faults::default()
    };
}

fn none(faults: &mut Faults) {
    *faults = Faults::default();
}

fn down(faults: &mut Faults) {
    faults.down = true;
}

fn up(faults: &mut Faults) {
    faults.down = false;
}

fn asks_for_log_in(faults: &mut Faults) {
    faults.login = true;
}

fn is_open(faults: &mut Faults) {
    faults.login = false;
}

fn emptied(faults: &mut Faults) {
    faults.emptied = true;
}

fn filled(faults: &mut Faults) {
    faults.emptied = false;
}
