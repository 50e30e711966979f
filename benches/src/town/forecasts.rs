//! What the forecasts of the next hour were worth.
//!
//! At each full hour the forecast of each topic is kept, and an hour later held against what was counted, beside two that anybody
//! can make: as much as in the last hour, and as much as at this hour a week ago.

use schemas::records::Pulse;

const HOUR: u32 = 3_600;
const WEEK: usize = 7 * 24;

/// A forecast that waits for its hour to end.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    at: u32,
    expected: f64,
    lower: f64,
    upper: f64,
    last_hour: f64,
}

/// What was counted in the hours of a topic, and its forecast.
#[derive(Debug, Clone, Default)]
struct Topic {
    /// By hour since the town's begin; no number where it is not known.
    counted: Vec<f32>,
    waiting: Option<Waiting>,
}

/// The forecasts of all topics.
#[derive(Debug, Clone, Default)]
pub struct Forecasts {
    topics: Vec<Topic>,
    /// Hours that were forecast.
    pub hours: u64,
    /// Those that came to lie within the band.
    pub within: u64,
    /// Absolute errors, in posts, added up.
    pub error: f64,
    /// The same, had one said "as in the last hour".
    pub as_last_hour: f64,
    /// And "as a week ago", over the hours of which that is known.
    pub as_last_week: f64,
    /// Our error over these hours.
    pub beside_last_week: f64,
}

impl Forecasts {
    /// Of so many topics.
    #[must_use]
    pub fn of(topics: usize) -> Self {
        Self { topics: vec![Topic::default(); topics], ..Self::default() }
    }

    /// Takes in the pulse of a topic at the end of an hour, told at second `now` since the town's begin.
    pub fn take(&mut self, topic: u16, pulse: &Pulse, now: u32) {
        let Some(counted) = pulse.windows.iter().find(|window| window.seconds == HOUR) else { return };
        let (counted, hour) = (counted.count as f64, (now / HOUR) as usize);
        let topic = &mut self.topics[usize::from(topic)];
        topic.counted.resize(hour, f32::NAN);
        let last_week = hour.checked_sub(WEEK).and_then(|hour| topic.counted.get(hour)).copied();
        let last_week = last_week.filter(|counted| !counted.is_nan());
        topic.counted.push(counted as f32);
        if let Some(waiting) = topic.waiting.take().filter(|waiting| waiting.at + HOUR == now) {
            self.hours += 1;
            self.within += u64::from((waiting.lower.floor()..=waiting.upper.ceil()).contains(&counted));
            let error = (counted - waiting.expected).abs();
            self.error += error;
            self.as_last_hour += (counted - waiting.last_hour).abs();
            if let Some(last_week) = last_week {
                self.as_last_week += (counted - f64::from(last_week)).abs();
                self.beside_last_week += error;
            }
        }
        topic.waiting = pulse.forecast.map(|forecast| Waiting {
            at: now,
            expected: forecast.expected,
            lower: forecast.lower,
            upper: forecast.upper,
            last_hour: counted,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use schemas::records::{Forecast, Phase, Record, TopicKind, TopicRef, Window};

    fn pulse(count: u64, expected: f64) -> Pulse {
        let window = Window {
            seconds: HOUR,
            count,
            negative: 0,
            copies: 0,
            expected,
            upper: 0.0,
            surprise: 0.0,
            once_in_days: None,
        };
        Pulse {
            v: Pulse::VERSION,
            topic: TopicRef { id: "water".into(), kind: TopicKind::Watch, name: "停水".into() },
            at: Timestamp::UNIX_EPOCH,
            phase: Phase::Quiet,
            spike: None,
            negative_share: 0.0,
            windows: vec![window],
            total: 0,
            reach: 0,
            lag_seconds: 0.0,
            forecast: Some(Forecast { seconds: HOUR, expected, lower: expected - 2.0, upper: expected + 2.0 }),
            samples: Vec::new(),
            through: Vec::new(),
        }
    }

    #[test]
    fn forecasts_are_held_against_the_hour_that_follows() {
        let mut forecasts = Forecasts::of(1);
        forecasts.take(0, &pulse(10, 12.0), HOUR);
        forecasts.take(0, &pulse(13, 20.0), 2 * HOUR);
        assert_eq!((forecasts.hours, forecasts.within), (1, 1));
        assert_eq!((forecasts.error, forecasts.as_last_hour), (1.0, 3.0));
        forecasts.take(0, &pulse(30, 20.0), 3 * HOUR);
        assert_eq!((forecasts.hours, forecasts.within, forecasts.as_last_week), (2, 1, 0.0));
        // An hour that was not told is held against nothing.
        forecasts.take(0, &pulse(30, 20.0), 5 * HOUR);
        assert_eq!(forecasts.hours, 2);
    }
}
