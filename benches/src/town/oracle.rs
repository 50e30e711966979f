//! The best that could be done: a detector that knows the truth.
//!
//! It knows of each topic how many posts are to come in within each ten seconds: rates, lags, outages, what returns after them. It
//! knows copies and backfills for what they are. All that it must tell is whether more came in than that: by the generalised
//! likelihood ratio for a change of a Poisson rate, over all windows of a fine grid that end now (Kulldorff, *Communications in
//! Statistics* 26, 1997; as a surveillance chart Lucas, *Technometrics* 27, 1985):
//!
//! ```text
//! n ln(n/μ) - (n - μ), where n > μ
//! ```
//!
//! No learner can know as much; how near it comes is what is measured. The threshold is not chosen: it is where the oracle has as
//! many false alarms as the detector beside it.

use super::{
    judge::Alarm,
    plan::Plan,
    stream::{CELLS, Minute, Voice},
};

/// Windows, in cells of ten seconds, up to a day.
const WINDOWS: [usize; 26] = [
    1, 2, 3, 4, 6, 9, 12, 18, 30, 45, 60, 90, 120, 180, 270, 360, 540, 720, 1_080, 1_440, 2_160, 2_880, 4_320, 5_760,
    7_200, 8_640,
];
/// Cells that are kept of each topic: more than the longest window.
const KEPT: usize = 16_384;
/// What is lower is no alarm in any town.
pub const FLOOR: f64 = 7.0;
/// Seconds of a cell.
const CELL: u32 = 10;

/// Sums since the town's begin.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    came: f64,
    expected: f64,
}

/// The detector that knows.
#[derive(Debug)]
pub struct Oracle {
    topics: usize,
    /// The sums at the end of each cell, by topic, going round.
    kept: Vec<Sums>,
    now: Vec<Sums>,
    /// The cells with a high likelihood ratio, by topic: their number and the ratio.
    high: Vec<Vec<(u32, f32)>>,
    counts: Vec<[u32; CELLS]>,
}

impl Oracle {
    /// Of a town.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let topics = plan.topics.len();
        Self {
            topics,
            kept: vec![Sums::default(); topics * KEPT],
            now: vec![Sums::default(); topics],
            high: vec![Vec::new(); topics],
            counts: vec![[0; CELLS]; topics],
        }
    }

    /// Looks at what comes in within a minute.
    pub fn observe(&mut self, minute: &Minute) {
        self.counts.iter_mut().for_each(|counts| *counts = [0; CELLS]);
        for post in &minute.posts {
            if matches!(post.voice, Voice::Own | Voice::First(_)) {
                self.counts[usize::from(post.topic)][usize::from(post.second) / CELL as usize] += 1;
            }
        }
        for topic in 0..self.topics {
            let expected = f64::from(minute.expected[topic]) / CELLS as f64;
            for step in 0..CELLS {
                let cell = minute.number as usize * CELLS + step;
                let count = self.counts[topic][step];
                let sums = &mut self.now[topic];
                sums.came += f64::from(count);
                sums.expected += expected;
                let kept = &mut self.kept[topic * KEPT..(topic + 1) * KEPT];
                kept[cell % KEPT] = *sums;
                // Without a post no window is fuller than it was.
                if count > 0 {
                    let ratio = highest(kept, cell);
                    if ratio > FLOOR {
                        self.high[topic].push((cell as u32, ratio as f32));
                    }
                }
            }
        }
    }

    /// The alarms at a threshold: each from the end of its first cell, until the ratio was below for so many seconds.
    #[must_use]
    pub fn alarms(&self, threshold: f64, calm: u32) -> Vec<Alarm> {
        let mut alarms = Vec::new();
        for (topic, high) in self.high.iter().enumerate() {
            let mut going_on: Option<Alarm> = None;
            for &(cell, _) in high.iter().filter(|(_, ratio)| f64::from(*ratio) >= threshold) {
                let end = (cell + 1) * CELL;
                match &mut going_on {
                    Some(alarm) if end <= alarm.until + calm => alarm.until = end,
                    _ => {
                        let next = Alarm { topic: topic as u16, seen: end, since: end, until: end, why: String::new() };
                        alarms.extend(going_on.replace(next));
                    }
                }
            }
            alarms.extend(going_on);
        }
        alarms
    }
}

/// The highest ratio of the windows that end with a cell.
fn highest(kept: &[Sums], cell: usize) -> f64 {
    let end = kept[cell % KEPT];
    let mut best = FLOOR;
    for window in WINDOWS {
        // Before the begin nothing was.
        let begin = if window > cell { Sums::default() } else { kept[(cell - window) % KEPT] };
        let (came, expected) = (end.came - begin.came, (end.expected - begin.expected).max(1e-9));
        let more = came - expected;
        // No ratio is above more²/μ: the logarithm is taken only where it can matter.
        if more > 0.0 && more * more > best * expected {
            best = best.max(came * (came / expected).ln() - more);
        }
        if window > cell {
            break;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::{
        super::{plan::Settings, stream::Post},
        *,
    };

    fn oracle() -> Oracle {
        Oracle::new(&Plan::draw(Settings { topics: 1, days: 2, warm_up: 1, ..Settings::default() }))
    }

    fn minute(number: u32, posts: u32, expected: f32, voice: Voice) -> Minute {
        let post = |n: u32| Post { at: number * 60, topic: 0, source: 0, second: (n % 60) as u8, voice };
        Minute { number, posts: (0..posts).map(post).collect(), expected: vec![expected] }
    }

    #[test]
    fn what_was_expected_is_no_alarm_and_what_was_not_is_one() {
        let mut oracle = oracle();
        (0..600).for_each(|number| oracle.observe(&minute(number, 6, 6.0, Voice::Own)));
        assert!(oracle.alarms(FLOOR, 600).is_empty());
        (600..610).for_each(|number| oracle.observe(&minute(number, 24, 6.0, Voice::Own)));
        (610..900).for_each(|number| oracle.observe(&minute(number, 0, 6.0, Voice::Own)));
        let alarms = oracle.alarms(15.0, 600);
        assert_eq!(alarms.len(), 1);
        assert!((36_000..36_180).contains(&alarms[0].seen), "{alarms:?}");
        assert!(oracle.alarms(1_000.0, 600).is_empty());
    }

    #[test]
    fn a_slow_rise_is_seen_in_a_long_window() {
        let mut oracle = oracle();
        (0..1_000).for_each(|number| oracle.observe(&minute(number, 2, 2.0, Voice::Own)));
        (1_000..1_400).for_each(|number| oracle.observe(&minute(number, 3, 2.0, Voice::Own)));
        assert_eq!(oracle.alarms(20.0, 600).len(), 1);
    }

    #[test]
    fn copies_and_old_posts_are_known_for_what_they_are() {
        let mut oracle = oracle();
        for number in 0..100 {
            oracle.observe(&minute(number, 50, 0.1, if number % 2 == 0 { Voice::Copy(0) } else { Voice::Old }));
        }
        assert!(oracle.alarms(FLOOR, 600).is_empty());
    }

    #[test]
    fn the_ratio_is_that_of_its_definition() {
        let mut oracle = oracle();
        oracle.observe(&minute(0, 60, 6.0, Voice::Own));
        // Ten in each cell, one expected: of six cells together 60 ln 10 - 54.
        let (_, ratio) = oracle.high[0][5];
        assert!((f64::from(ratio) - (60.0 * 10.0_f64.ln() - 54.0)).abs() < 1e-3, "{ratio}");
    }
}
