//! What goes wrong: scenarios that rise by the clock, each at its place and hour, so that a demo stays alive for as long as
//! it runs.
//!
//! A scenario's rate, in posts and comments a minute, by the minutes since it began:
//!
//! | minutes | rate |
//! |---|---|
//! | 0 – 1 | rises in a straight line to the peak |
//! | 1 – 8 | the peak |
//! | 8 – 28 | falls as a parabola to nought |
//!
//! Beside it the authorities speak: at 6 minutes they state the matter, at 16 they say how the work goes, at 27 they
//! close it. The press is there at 3 minutes and passes each notice on.

use crate::{
    dice::{Dice, mix},
    streets::{FUQIN, STREETS},
};

/// The first scenario begins this many seconds after the town's start.
const FIRST: i64 = 20;
/// Seconds from the begin of one scenario to the next.
const EVERY: i64 = 15 * 60;
/// Seconds from begin to end.
const LASTS: i64 = 28 * 60;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Trouble {
    /// 自来水主管爆裂
    WaterMain,
    /// 学校附近燃气异味
    GasSmell,
    /// 路面塌陷, 交通拥堵
    RoadCave,
}

impl Trouble {
    /// All of them, in the order in which they come.
    pub(crate) const ALL: [Self; 3] = [Self::WaterMain, Self::GasSmell, Self::RoadCave];

    /// Posts and comments a minute at the peak.
    const fn peak(self) -> f64 {
        match self {
            Self::WaterMain => 42.0,
            Self::GasSmell => 26.0,
            Self::RoadCave => 20.0,
        }
    }
}

/// A notice by the authorities, or a report in the press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// The press: something has happened.
    Flash,
    /// The authorities state the matter.
    Statement,
    /// How the work goes.
    Progress,
    /// It is over.
    Closed,
}

impl Step {
    /// All of them, with the seconds since the begin at which they come.
    pub(crate) const ALL: [(i64, Self); 4] =
        [(3 * 60, Self::Flash), (6 * 60, Self::Statement), (16 * 60, Self::Progress), (27 * 60, Self::Closed)];
}

/// One of the scenarios of a town.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Scenario {
    /// Which one: 0, 1, 2 …
    pub(crate) index: u32,
    /// What goes wrong.
    pub(crate) trouble: Trouble,
    /// When it begins, in Unix seconds.
    pub(crate) begins: i64,
    /// Where: a place of [`STREETS`].
    pub(crate) street: usize,
    /// Two communities of that street, at whose border it happens.
    pub(crate) corner: [&'static str; 2],
}

impl Scenario {
    /// The scenario of this number in the town of this seed and start.
    pub(crate) fn nth(seed: u64, start: i64, index: u32) -> Self {
        let mut dice = Dice::new(mix(seed ^ 0x7363_656e, u64::from(index)));
        let street = if index == 0 { FUQIN } else { dice.below(STREETS.len()) };
        let communities = STREETS[street].communities;
        let first = if index == 0 { 5 } else { dice.below(communities.len()) };
        let second = if index == 0 { 3 } else { (first + 1 + dice.below(communities.len() - 1)) % communities.len() };
        Self {
            index,
            trouble: Trouble::ALL[index as usize % Trouble::ALL.len()],
            begins: start + FIRST + i64::from(index) * EVERY,
            street,
            corner: [communities[first], communities[second]],
        }
    }

    /// The scenarios that are going on at a moment.
    pub(crate) fn at(seed: u64, start: i64, unix: i64) -> impl Iterator<Item = Self> {
        let since = unix - start - FIRST;
        let first = (since - LASTS).div_euclid(EVERY) + 1;
        (first.max(0)..=since.div_euclid(EVERY)).map(move |index| Self::nth(seed, start, index as u32))
    }

    /// Posts and comments a minute at a moment.
    pub(crate) fn rate(&self, unix: i64) -> f64 {
        let minutes = (unix - self.begins) as f64 / 60.0;
        let share = match minutes {
            m if m < 0.0 => 0.0,
            m if m < 1.0 => m,
            m if m < 8.0 => 1.0,
            m if m < 28.0 => ((28.0 - m) / 20.0).powi(2),
            _ => 0.0,
        };
        share * self.trouble.peak()
    }

    /// The share of posts that come from the streets nearby: the fault spreads.
    pub(crate) fn spread(&self, unix: i64) -> f64 {
        ((unix - self.begins) as f64 / 600.0).clamp(0.0, 0.4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_table() {
        let water = Scenario::nth(1, 1_000, 0);
        assert_eq!((water.begins, STREETS[water.street].name, water.corner), (1_020, "抚琴", ["金沙路", "圃园路"]));
        for (minutes, rate) in
            [(-1.0, 0.0), (0.0, 0.0), (0.5, 21.0), (1.0, 42.0), (7.9, 42.0), (18.0, 10.5), (28.0, 0.0), (90.0, 0.0)]
        {
            assert!((water.rate(1_020 + (minutes * 60.0) as i64) - rate).abs() < 0.01, "{minutes}");
        }
    }

    #[test]
    fn scenarios_follow_each_other_for_ever() {
        let at = |unix| Scenario::at(9, 0, unix).map(|scenario| scenario.index).collect::<Vec<_>>();
        assert!(at(19).is_empty());
        assert_eq!(at(20), [0]);
        assert_eq!(at(15 * 60 + 20), [0, 1]);
        assert_eq!(at(28 * 60 + 20), [1]);
        assert_eq!(at(15 * 60 * 100 + 20), [99, 100]);
        for index in 0..50 {
            let scenario = Scenario::nth(9, 0, index);
            assert_ne!(scenario.corner[0], scenario.corner[1]);
        }
    }
}
