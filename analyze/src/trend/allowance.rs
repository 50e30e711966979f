//! How many false pages a night the desk accepts, and where the line is drawn that gives them.
//!
//! Each count has its rarity: how often a day chance alone brings as many ([`Expectation::alarms_a_day`]). That is a claim of a
//! model. What a desk gets depends on how windows overlap, on topics on which too little is posted to page at all, and on
//! days that differ more than the model thinks. So the claim is held against what came: [`Crossings`] counts how often topics
//! came near a line, and the line is drawn where they cross it as often as the allowance grants.
//!
//! ```text
//! crossings a topic and day
//!   0.5 ┤ ·                    where much is known: as counted
//!  0.05 ┤    ·
//!       ┤       ╲              where real rises would be counted as false: followed on by the slope
//! grant ┤──────────╳
//!       └──────────┼────────── rarity: 1 a day … 10⁻⁵ a day
//!                 line
//! ```
//!
//! * Real rises are crossings too, and the more of all the rarer they are: so the line is not read off where it lies but followed
//!   from where crossings are [`FOLLOWED`] times as frequent. What is rarer than [`CHANCE`] is no chance and not counted.
//! * Before anything came the model is believed, as if it had been seen for [`PRIOR_DAYS`] days of one topic.
//!
//! [`Expectation::alarms_a_day`]: super::surprise::Expectation::alarms_a_day

use super::series::HOUR;
use serde::{Deserialize, Serialize};

/// Hours of a night, for which the allowance is stated.
const NIGHT: f64 = 12.0;
/// The part of it for counts; reach and negative share have one each, and what emerges the rest.
const COUNTS: f64 = 0.85;
const OTHERS: f64 = 0.05;
/// However much is granted, one topic may page falsely once in so many days.
const ONCE_IN: f64 = 30.0;

/// Where topics seldom come near a line at all, it is still no lower than this: those that do are not to page every week.
const LOOSEST: f64 = 2.0 / ONCE_IN;

/// Orders of rarity that are counted: quarters of a decade, from once a day on.
const ORDERS: usize = 21;
const A_DECADE: f64 = 4.0;
/// What comes by chance less often a day than this is taken for a real rise.
const CHANCE: f64 = 1e-5;
/// What came is halved in weight after so many hours.
const HALF_LIFE: f64 = 7.0 * 24.0;
/// The days of one topic that the model is worth.
const PRIOR_DAYS: f64 = 20.0;
/// By the model, windows that overlap make so many times the crossings of one of them.
const INDEPENDENT: f64 = 5.0;
/// Crossings that are so many times as frequent as what is granted are taken for chance; and those so many times as
/// frequent again show the slope.
const FOLLOWED: f64 = 10.0;
const SLOPE_OVER: f64 = 8.0;
/// The bounds of the slope: by the model it is 1.
const SLOPE: (f64, f64) = (0.5, 1.1);
/// Fewer crossings than this show nothing.
const SHOWN: f64 = 10.0;
/// Crossings of a topic within so many seconds are one.
pub(super) const APART: i64 = HOUR;
/// What comes more often a day than this, by the model, is no crossing.
pub(super) const NEAR: f64 = 1.0;

/// What may be spent, in false alarms a day.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Allowance {
    /// By each window of each topic, as the model reckons.
    pub(super) window: f64,
    /// By the reach of a topic, and by its negative share.
    pub(super) other: f64,
}

impl Allowance {
    /// Of so many false pages a night for so many topics, by what came so far.
    pub(super) fn of(false_pages: f64, topics: usize, came: &Crossings) -> Self {
        let each = false_pages * 24.0 / NIGHT / topics.max(1) as f64;
        Self { window: came.line((each * COUNTS).min(1.0 / ONCE_IN)), other: (each * OTHERS).min(0.5 / ONCE_IN) }
    }
}

/// How often topics came near a line.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Crossings {
    /// Days of topics that were watched.
    days: f32,
    /// Crossings by order of rarity.
    orders: Vec<f32>,
}

impl Crossings {
    /// An hour has passed, in which so many topics were watched.
    pub(super) fn pass(&mut self, topics: usize) {
        let weight = 0.5_f64.powf(1.0 / HALF_LIFE) as f32;
        self.days = self.days * weight + topics as f32 / 24.0;
        self.orders.iter_mut().for_each(|crossings| *crossings *= weight);
    }

    /// A topic has crossed every line down to this one.
    pub(super) fn add(&mut self, alarms: f64) {
        if alarms < CHANCE {
            return;
        }
        self.orders.resize(ORDERS, 0.0);
        let order = (-alarms.log10() * A_DECADE).floor().clamp(0.0, (ORDERS - 1) as f64);
        self.orders[order as usize] += 1.0;
    }

    /// How often a day a topic crosses the line of each order.
    fn rates(&self) -> Vec<f64> {
        let days = f64::from(self.days) + PRIOR_DAYS;
        let mut sum = 0.0;
        let mut rates: Vec<f64> = (0..ORDERS)
            .rev()
            .map(|order| {
                sum += f64::from(self.orders.get(order).copied().unwrap_or(0.0));
                (sum + PRIOR_DAYS * INDEPENDENT * line_of(order)) / days
            })
            .collect();
        rates.reverse();
        rates
    }

    /// The line that a topic crosses so often a day.
    fn line(&self, granted: f64) -> f64 {
        let rates = self.rates();
        let known = SHOWN / (f64::from(self.days) + PRIOR_DAYS);
        let near = (granted * FOLLOWED).max(known).min(rates[0] / 2.0);
        let often = (near * SLOPE_OVER).min(rates[0]);
        let (near_line, often_line) = (crossed(&rates, near), crossed(&rates, often));
        let slope = ((often / near).ln() / (often_line / near_line).ln().max(1e-3)).clamp(SLOPE.0, SLOPE.1);
        (near_line * (granted / near).powf(1.0 / slope)).min(LOOSEST)
    }
}

/// How often a day the model says that the line of an order is crossed.
fn line_of(order: usize) -> f64 {
    10_f64.powf(-(order as f64) / A_DECADE)
}

/// Where a falling course passes a rate: straight between orders, in logarithms.
fn crossed(rates: &[f64], rate: f64) -> f64 {
    let above = rates.iter().rposition(|&other| other >= rate).unwrap_or(0);
    let Some(&below) = rates.get(above + 1) else { return line_of(above) };
    let part = ((rates[above] / rate).ln() / (rates[above] / below).ln().max(1e-9)).clamp(0.0, 1.0);
    line_of(above) * 10_f64.powf(-part / A_DECADE)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many days of 100 topics that cross the line of 10⁻ⁿ `often × 10⁻ⁿ·slope` times a day.
    fn came(days: usize, often: f64, slope: f64) -> Crossings {
        let mut crossings = Crossings::default();
        let mut owed = [0.0; ORDERS];
        for _ in 0..days * 24 {
            crossings.pass(100);
            for (order, owed) in owed.iter_mut().enumerate() {
                let (here, next) = (line_of(order).powf(slope), line_of(order + 1).powf(slope));
                *owed += 100.0 / 24.0 * often * (here - next);
                while *owed >= 1.0 {
                    crossings.add(line_of(order) * 0.9);
                    *owed -= 1.0;
                }
            }
        }
        crossings
    }

    #[test]
    fn without_any_evidence_the_model_is_believed() {
        let line = Crossings::default().line(0.01);
        assert!((line * INDEPENDENT / 0.01 - 1.0).abs() < 0.1, "{line}");
    }

    #[test]
    fn the_line_is_where_as_much_comes_as_is_granted() {
        for (often, slope) in [(5.0, 1.0), (0.5, 1.0), (2.0, 0.7)] {
            let line = came(40, often, slope).line(0.01);
            let comes = often * line.powf(slope);
            assert!((0.007..0.014).contains(&comes), "{often} {slope}: at {line} come {comes}");
        }
    }

    #[test]
    fn real_rises_do_not_raise_the_line() {
        let chance = came(40, 2.0, 1.0);
        let mut with = chance.clone();
        // As many again as are granted, in some thousand days of topics.
        (0..20).for_each(|_| with.add(1e-4));
        let (without, of) = (chance.line(0.02), with.line(0.02));
        assert!(of > 0.7 * without && of < without, "{of} and {without}");
        // Those that are plainly none of chance change nothing.
        let before = with.clone();
        (0..500).for_each(|_| with.add(1e-9));
        assert_eq!(with, before);
    }

    #[test]
    fn more_topics_have_less_each_and_one_topic_no_more_than_it_should() {
        let came = came(20, 5.0, 1.0);
        let of = |topics| Allowance::of(2.0, topics, &came);
        assert!(of(1_000).window > 5.0 * of(10_000).window);
        assert_eq!(of(1).window, of(10).window);
        assert!(of(1).window <= LOOSEST);
        assert!((of(1_000).other - 0.05 * 4.0 / 1_000.0).abs() < 1e-9);
    }

    #[test]
    fn topics_that_never_come_near_are_no_reason_to_page_at_random() {
        let line = came(40, 0.0, 1.0).line(0.01);
        assert!(line <= LOOSEST && line > 0.0, "{line}");
    }
}
