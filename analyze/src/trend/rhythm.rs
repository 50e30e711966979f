//! The shape of a week: how much comes in each of its hours against the mean hour.
//!
//! Between the middles of two hours it runs straight, so that the morning's climb is no surprise; sums over any stretch are
//! read off the running total.

use super::{
    calendar::{Calendar, SLOTS},
    series::HOUR,
};
use serde::{Deserialize, Serialize};

/// The shape of a week.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Rhythm {
    /// By hour of the week, against the mean hour.
    factors: Vec<f32>,
    /// The relative variance of each.
    doubts: Vec<f32>,
    /// Hours of a mean rate from the middle of the first hour to that of each, and to that of the first one again.
    until: Vec<f32>,
}

impl Rhythm {
    /// From the factors of all hours and the relative variances of these beliefs.
    pub(super) fn new(factors: Vec<f32>, doubts: Vec<f32>) -> Self {
        let mut sum = 0.0_f64;
        let mut until = vec![0.0];
        for slot in 0..SLOTS {
            sum += f64::from(factors[slot] + factors[(slot + 1) % SLOTS]) / 2.0;
            until.push(sum as f32);
        }
        Self { factors, doubts, until }
    }

    /// All hours alike, as far as one knows.
    pub(super) fn flat(doubt: f32) -> Self {
        Self::new(vec![1.0; SLOTS], vec![doubt; SLOTS])
    }

    /// The factor of an hour of the week.
    pub(super) fn factor(&self, slot: usize) -> f64 {
        f64::from(self.factors[slot])
    }

    /// The relative variance of the factor about this moment.
    pub(super) fn doubt(&self, at: i64, calendar: &Calendar) -> f64 {
        f64::from(self.doubts[calendar.slot(at)])
    }

    /// How many mean hours the stretch from `from` to `to`, in seconds, is worth.
    pub(super) fn hours(&self, from: i64, to: i64, calendar: &Calendar) -> f64 {
        if to - from > 2 * HOUR && !calendar.is_plain(from, to) {
            // A holiday begins or ends in it: piece by piece.
            let cut = (from + 1).div_euclid(HOUR) * HOUR + HOUR;
            return self.hours(from, cut, calendar) + self.hours(cut, to, calendar);
        }
        let begin = self.position(calendar.second_of_week(from));
        let weeks = (to - from).div_euclid(SLOTS as i64 * HOUR);
        let rest = calendar.second_of_week(from) + (to - from).rem_euclid(SLOTS as i64 * HOUR);
        let total = f64::from(self.until[SLOTS]);
        let end = self.position(rest.rem_euclid(SLOTS as i64 * HOUR));
        let around = if rest >= SLOTS as i64 * HOUR { total } else { 0.0 };
        (weeks as f64 * total + end - begin + around).max(0.0)
    }

    /// The running total at a second of the week, counted from Monday at midnight.
    fn position(&self, second: i64) -> f64 {
        let from_middle = second - HOUR / 2;
        let (slot, share) = (from_middle.div_euclid(HOUR), from_middle.rem_euclid(HOUR) as f64 / HOUR as f64);
        // The half hour before the first middle belongs to the week before.
        let (slot, before) = if slot < 0 { (SLOTS - 1, f64::from(self.until[SLOTS])) } else { (slot as usize, 0.0) };
        let (one, next) = (f64::from(self.factors[slot]), f64::from(self.factors[(slot + 1) % SLOTS]));
        f64::from(self.until[slot]) - before + share * one + share * share / 2.0 * (next - one)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            series::{DAY, MINUTE},
            testing::START,
        },
        *,
    };
    use jiff::{civil::Date, tz::TimeZone};
    use proptest::prelude::*;
    use schemas::kit::holidays::Holidays;

    fn calendar(off: &[Date]) -> Calendar {
        Calendar::new(TimeZone::get("Asia/Shanghai").unwrap(), &Holidays::new(off.iter().copied(), []))
    }

    /// Sundays at twice, noon at four times the rest.
    fn rhythm() -> Rhythm {
        let factor = |slot: usize| {
            if slot / 24 == 6 {
                2.0
            } else if slot % 24 == 12 {
                4.0
            } else {
                1.0
            }
        };
        Rhythm::new((0..SLOTS).map(factor).collect(), vec![0.0; SLOTS])
    }

    #[test]
    fn stretches_add_up() {
        let (rhythm, calendar) = (rhythm(), calendar(&[]));
        assert!((rhythm.hours(START, START + DAY, &calendar) - 27.0).abs() < 0.2);
        assert!((rhythm.hours(START, START + 7 * DAY, &calendar) - (6.0 * 27.0 + 48.0)).abs() < 1e-3);
        let noon = START + 12 * HOUR + 30 * MINUTE;
        let minute = rhythm.hours(noon - 30, noon + 30, &calendar) * 60.0;
        assert!((minute - 4.0).abs() < 0.05, "{minute}");
    }

    #[test]
    fn a_holiday_has_the_shape_of_a_sunday() {
        let (rhythm, holiday) = (rhythm(), calendar(&[Date::constant(2026, 9, 29)]));
        let tuesday = rhythm.hours(START + DAY, START + 2 * DAY, &holiday);
        assert!((tuesday - 48.0).abs() < 1.0, "{tuesday}");
        assert!((rhythm.hours(START, START + 7 * DAY, &holiday) - (5.0 * 27.0 + 96.0)).abs() < 2.0);
    }

    proptest! {
        #[test]
        fn parts_make_the_whole(from in 0..14 * DAY, first in 0..3 * DAY, second in 0..10 * DAY) {
            let (rhythm, calendar) = (rhythm(), calendar(&[]));
            let (from, middle, to) = (START + from, START + from + first, START + from + first + second);
            let (one, two) = (rhythm.hours(from, middle, &calendar), rhythm.hours(middle, to, &calendar));
            let whole = rhythm.hours(from, to, &calendar);
            prop_assert!((one + two - whole).abs() < 0.02, "{one} and {two}, not {whole}");
            prop_assert!(whole >= 0.9 * (to - from) as f64 / HOUR as f64 - 0.01);
        }
    }
}
