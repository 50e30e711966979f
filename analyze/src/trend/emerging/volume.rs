//! How many posts there are at all: what shares are shares of.

use super::{
    evidence::LONGEST,
    sketch::{HALF_LIFE, HOURS},
};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Seconds that are counted together.
const SLOT: i64 = 600;
/// The longest window, in slots.
const SLOTS: i64 = LONGEST / SLOT;

/// All posts, by time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Volume {
    /// The number of each slot that had posts, with their number, the newest last.
    slots: VecDeque<(i64, u32)>,
    at: i64,
    /// Posts ever, with the half-life of the tables.
    ever: f64,
    /// The first moment that was counted.
    pub(super) since: Option<i64>,
    /// Posts by hour of the day.
    hours: [f32; HOURS],
}

impl Volume {
    /// Counts a post.
    pub(super) fn add(&mut self, at: i64, hour: usize) {
        self.since.get_or_insert(at);
        if at > self.at {
            self.ever *= (-((at - self.at) as f64) * std::f64::consts::LN_2 / HALF_LIFE).exp();
            self.at = at;
        }
        self.ever += 1.0;
        self.hours[hour % HOURS] += 1.0;
        let slot = at.div_euclid(SLOT);
        if self.slots.back().is_none_or(|(last, _)| *last < slot) {
            self.slots.push_back((slot, 1));
        } else if let Some((_, count)) = self.slots.iter_mut().rev().take(64).find(|(other, _)| *other <= slot) {
            // What is late goes where it belongs, or to the one before: order holds.
            *count += 1;
        }
        while self.slots.front().is_some_and(|(first, _)| *first < slot - SLOTS) {
            self.slots.pop_front();
        }
    }

    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.slots.capacity() * size_of::<(i64, u32)>()
    }

    /// Posts ever.
    pub(super) fn ever(&self) -> f64 {
        self.ever
    }

    /// Posts of the last so many seconds before `at`.
    pub(super) fn within(&self, seconds: i64, at: i64) -> f64 {
        let from = (at - seconds).div_euclid(SLOT);
        self.slots.iter().rev().take_while(|(slot, _)| *slot >= from).map(|&(_, count)| f64::from(count)).sum()
    }

    /// The share of all posts that come within an hour of this one of the day.
    pub(super) fn around(&self, hour: usize) -> f32 {
        around(&self.hours, hour)
    }
}

/// The share of what came within an hour of this one.
pub(super) fn around(hours: &[f32; HOURS], hour: usize) -> f32 {
    let sum: f32 = hours.iter().sum();
    let near: f32 = [HOURS - 1, 0, 1].iter().map(|step| hours[(hour + step) % HOURS]).sum();
    if sum > 0.0 { near / sum } else { 3.0 / HOURS as f32 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_what_lies_in_it() {
        let mut volume = Volume::default();
        for minute in 0..600 {
            volume.add(minute * 60, (minute / 60) as usize);
        }
        assert_eq!(volume.within(3_600, 600 * 60 - 1), 70.0, "an hour, and the slot in which it begins");
        assert!((volume.ever() - 600.0).abs() < 1.0);
        assert!((volume.around(5) - 0.3).abs() < 0.01);
        volume.add(100, 0);
        assert_eq!(volume.slots.len(), 60, "what is late makes no disorder");
    }
}
