//! What flags were worth, judged when all is known.
//!
//! | a life | counts as |
//! |---|---|
//! | its peak is [`RISER`] times its first heat or more | one that rose; found if it was told, before its peak or with it |
//! | told, and its heat grew to [`ON`] times that of the flag or more | a flag that went on |
//! | told, and it did not | a flag that fell |

use super::watch::Life;

/// A rise goes on when its heat grows by a fifth.
pub const ON: f64 = 1.2;
/// What grew so many times has risen.
pub const RISER: f64 = 3.0;

/// What one flag was worth.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome<'a> {
    /// What it is called.
    pub title: &'a str,
    /// The second of the flag.
    pub at: i64,
    /// The odds that it would go on, as they were then.
    pub odds: f64,
    /// The heat with which it came, that of the flag, and the highest from then on.
    pub first: u64,
    /// See there.
    pub then: u64,
    /// See there.
    pub peak: u64,
}

impl Outcome<'_> {
    /// The share of its peak that it had at the flag: the less, the earlier it was told.
    #[must_use]
    pub fn share(&self) -> f64 {
        self.then as f64 / self.peak.max(1) as f64
    }

    /// Whether it grew no more after the flag.
    #[must_use]
    pub fn fell(&self) -> bool {
        (self.peak as f64) < ON * self.then as f64
    }

    /// Whether it rose, from its first heat to its peak.
    #[must_use]
    pub fn rose(&self) -> bool {
        rose(self.first, self.peak)
    }
}

fn rose(first: u64, peak: u64) -> bool {
    peak as f64 >= RISER * first.max(1) as f64
}

/// The flag of a life, if it has one.
#[must_use]
pub fn outcome(life: &Life) -> Option<Outcome<'_>> {
    let (reading, odds) = life.flag?;
    let &(at, then) = life.readings.get(reading)?;
    Some(Outcome { title: &life.title, at, odds, first: life.first(), then, peak: life.peak(reading) })
}

/// All flags together.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// Lives on the list.
    pub lives: usize,
    /// Flags.
    pub flags: usize,
    /// Flags that fell.
    pub fell: usize,
    /// The share of the peak at the flag, at the median of all flags.
    pub share: f64,
    /// Lives that rose, and those of them that were never told.
    pub rose: usize,
    /// See there.
    pub missed: usize,
    /// The share of the peak at the flag, at the median of those that rose.
    pub share_of_risers: f64,
}

impl Summary {
    /// Counts.
    pub fn of<'a>(lives: impl IntoIterator<Item = &'a Life>) -> Self {
        let mut summary = Self::default();
        let (mut shares, mut risers) = (Vec::new(), Vec::new());
        for life in lives {
            summary.lives += 1;
            let has_risen = rose(life.first(), life.peak(0));
            summary.rose += usize::from(has_risen);
            match outcome(life) {
                Some(outcome) => {
                    summary.flags += 1;
                    summary.fell += usize::from(outcome.fell());
                    shares.push(outcome.share());
                    if has_risen {
                        risers.push(outcome.share());
                    }
                }
                None => summary.missed += usize::from(has_risen),
            }
        }
        Self { share: median(shares), share_of_risers: median(risers), ..summary }
    }
}

/// The middle one; 0 of none.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(heat: &[u64], flag: Option<usize>) -> Life {
        let readings = (0..).zip(heat.iter().copied()).collect();
        Life { title: "本条".into(), readings, flag: flag.map(|reading| (reading, 0.5)) }
    }

    #[test]
    fn a_flag_is_judged_by_what_came_after_it() {
        let told = life(&[10, 15, 30, 20], Some(1));
        let found = outcome(&told).unwrap();
        assert_eq!((found.first, found.then, found.peak, found.fell(), found.rose()), (10, 15, 30, false, true));
        assert_eq!(found.share(), 0.5);
        assert!(outcome(&life(&[10, 30, 35], Some(1))).unwrap().fell(), "it grew by less than a fifth");
        assert_eq!(outcome(&life(&[10, 30], None)), None);
    }

    #[test]
    fn what_rose_untold_was_missed() {
        let lives = [life(&[10, 15, 30], Some(1)), life(&[10, 40], None), life(&[10, 12], Some(1)), life(&[9], None)];
        let summary = Summary::of(&lives);
        assert_eq!((summary.lives, summary.flags, summary.fell, summary.rose, summary.missed), (4, 2, 1, 2, 1));
        assert_eq!((summary.share, summary.share_of_risers), (1.0, 0.5));
        assert_eq!(Summary::of(&[]), Summary::default());
    }
}
