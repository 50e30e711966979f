//! How often entries went on rising that stood where this one stands.
//!
//! What became of a rise is known when the entry has gone on, or is off the list: it is learned then, never before. The odds of a new one are
//! the mean of those that were like it in hour, heat and rank, each weighing the less the more it differs (Nadaraya 1964, Watson 1964),
//! and of a prior where there are few.

/// So far apart two rises are hardly alike any more: in hours of the day, in the logarithm of the heat, in ranks as a share of the list.
const WIDTH: [f64; 3] = [2.0, 0.7, 0.3];
/// The odds while nothing is known, and how many rises that is worth.
const PRIOR: f64 = 0.25;
const PRIOR_RISES: f64 = 8.0;

/// Where a rise stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// The hour of the day, from 0 to 24.
    pub hour: f64,
    /// The heat.
    pub heat: u64,
    /// 0 at the head of the list, 1 at its end.
    pub rank: f64,
}

impl Place {
    /// How much another rise says about this one: 1 if it stood at the same place.
    fn alike(self, other: Self) -> f64 {
        let hours = (self.hour - other.hour).abs();
        let heat = |place: Self| (place.heat.max(1) as f64).ln();
        let apart = [hours.min(24.0 - hours), heat(self) - heat(other), self.rank - other.rank];
        let square: f64 = apart.iter().zip(WIDTH).map(|(apart, width)| (apart / width).powi(2)).sum();
        (-square / 2.0).exp()
    }
}

/// What became of rises so far.
#[derive(Debug, Clone, Default)]
pub struct Odds {
    settled: Vec<(Place, bool)>,
}

impl Odds {
    /// A rise at this place went on, or did not.
    pub fn learn(&mut self, place: Place, went_on: bool) {
        self.settled.push((place, went_on));
    }

    /// How likely one at this place goes on, from 0 to 1.
    #[must_use]
    pub fn of(&self, place: Place) -> f64 {
        let mut weight = PRIOR_RISES;
        let mut went_on = PRIOR * PRIOR_RISES;
        for &(other, went) in &self.settled {
            let alike = place.alike(other);
            weight += alike;
            went_on += if went { alike } else { 0.0 };
        }
        went_on / weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MORNING: Place = Place { hour: 6.0, heat: 50_000, rank: 0.2 };
    const EVENING: Place = Place { hour: 18.0, heat: 500_000, rank: 0.2 };

    #[test]
    fn the_odds_are_those_of_what_stood_alike() {
        let mut odds = Odds::default();
        assert_eq!(odds.of(MORNING), PRIOR);
        for _ in 0..40 {
            odds.learn(MORNING, true);
            odds.learn(EVENING, false);
        }
        assert!(odds.of(MORNING) > 0.8 && odds.of(EVENING) < 0.1);
        assert!((odds.of(Place { hour: 12.0, ..MORNING }) - PRIOR).abs() < 0.1, "hours between tell little");
    }

    #[test]
    fn midnight_is_near_to_eleven_at_night() {
        let late = Place { hour: 23.5, ..MORNING };
        assert!(late.alike(Place { hour: 0.5, ..MORNING }) > 0.8);
        assert_eq!(late.alike(late), 1.0);
    }
}
