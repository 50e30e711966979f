//! The score of the Numenta Anomaly Benchmark, from its definition (Lavin & Ahmad, *Evaluating Real-time Anomaly Detection
//! Algorithms – the Numenta Anomaly Benchmark*, ICMLA 2015, section II).
//!
//! A threshold makes every row whose anomaly score is as high or higher a detection:
//!
//! | row | what a detection in it counts |
//! |---|---|
//! | probation: the first 15 % of a file, at most 750 rows | nothing, and windows that begin there do not count either |
//! | in a window, the earliest detection of it | `+ true positive × σ(y) / σ(-1)`, with `y = -(last - row + 1) / rows`, from -1 at the begin |
//! | in a window, a later one | nothing |
//! | outside, after a window of the file | `false positive × σ(y)`, with `y = (row - last) / (rows - 1)` from the window before |
//! | outside, before the first window | `- false positive` |
//! | none in a window | `- false negative`, once for the window |
//!
//! `σ(y) = 2 / (1 + e^{5y}) - 1`, and -1 from `y = 3` on. A corpus is **normalised** so that a detector that says nothing has 0 and one
//! that finds every window at its first row, and nothing else, has 100. One threshold holds for all files: the best there is
//! ([`Rows::best`]), or a given one ([`Rows::at`]).

use std::ops::RangeInclusive;

/// Rows at the begin of a file in which a detector may learn.
#[must_use]
pub fn probation(rows: usize) -> usize {
    (rows * 15 / 100).min(750)
}

/// What is gained and lost: a profile's cost matrix.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Gained by a window that is found at its first row.
    pub true_positive: f64,
    /// Lost by a detection far from any window.
    pub false_positive: f64,
    /// Lost by a window in which nothing was found.
    pub false_negative: f64,
}

/// The score at one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// Rows with an anomaly score as high or higher are detections.
    pub threshold: f64,
    /// 0 for a detector that says nothing, 100 for a perfect one.
    pub normalised: f64,
    /// Windows in which something was found.
    pub found: usize,
    /// All windows.
    pub windows: usize,
    /// Detections outside of windows.
    pub false_positives: usize,
}

/// One row that is scored.
#[derive(Debug, Clone, Copy)]
struct Row {
    score: f64,
    /// What a detection here counts, before weights.
    worth: f64,
    window: Option<usize>,
}

/// The scored rows of a corpus.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    rows: Vec<Row>,
    windows: usize,
}

impl Rows {
    /// Adds a file: an anomaly score for each row, and the rows of each window, in order and apart from each other.
    pub fn add(&mut self, scores: &[f64], windows: &[RangeInclusive<usize>]) {
        let probation = probation(scores.len());
        let mut coming = windows.iter().peekable();
        let mut before: Option<&RangeInclusive<usize>> = None;
        for (row, &score) in scores.iter().enumerate() {
            while let Some(past) = coming.next_if(|window| *window.end() < row) {
                before = Some(past);
            }
            let within = coming.peek().filter(|window| window.contains(&row));
            let first = within.is_some_and(|window| row == *window.start());
            if row < probation {
                continue;
            }
            self.windows += usize::from(first);
            match within {
                Some(window) if *window.start() < probation => {}
                Some(window) => {
                    let left = (window.end() - row + 1) as f64;
                    let worth = sigmoid(-left / length(window)) / sigmoid(-1.0);
                    self.rows.push(Row { score, worth, window: Some(self.windows - 1) });
                }
                None => {
                    let worth = before
                        .map_or(-1.0, |window| sigmoid((row - window.end()) as f64 / (length(window) - 1.0).max(1.0)));
                    self.rows.push(Row { score, worth, window: None });
                }
            }
        }
    }

    /// The score at this threshold.
    #[must_use]
    pub fn at(&self, threshold: f64, weights: Weights) -> Score {
        let mut sweep = Sweep::new(self, weights);
        self.rows.iter().filter(|row| row.score >= threshold).for_each(|row| sweep.detect(row));
        sweep.score(threshold)
    }

    /// The score at the threshold that is best for these rows; the highest one of several.
    #[must_use]
    pub fn best(&self, weights: Weights) -> Score {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by(|one, other| other.score.total_cmp(&one.score));
        let mut sweep = Sweep::new(self, weights);
        let mut best = sweep.score(f64::INFINITY);
        for same in rows.chunk_by(|one, other| one.score == other.score) {
            same.iter().for_each(|row| sweep.detect(row));
            let score = sweep.score(same.first().map_or(f64::INFINITY, |row| row.score));
            if score.normalised > best.normalised {
                best = score;
            }
        }
        best
    }
}

/// What has been detected so far, while a threshold falls.
struct Sweep {
    weights: Weights,
    /// What each window counts.
    windows: Vec<Option<f64>>,
    raw: f64,
    false_positives: usize,
}

impl Sweep {
    fn new(rows: &Rows, weights: Weights) -> Self {
        let raw = -weights.false_negative * rows.windows as f64;
        Self { weights, windows: vec![None; rows.windows], raw, false_positives: 0 }
    }

    fn detect(&mut self, row: &Row) {
        let Some(window) = row.window.and_then(|window| self.windows.get_mut(window)) else {
            self.raw += self.weights.false_positive * row.worth;
            self.false_positives += 1;
            return;
        };
        let worth = self.weights.true_positive * row.worth;
        let before = window.unwrap_or(-self.weights.false_negative);
        // An earlier row is worth more: the earliest one counts.
        if window.is_none() || worth > before {
            self.raw += worth - before;
            *window = Some(worth);
        }
    }

    fn score(&self, threshold: f64) -> Score {
        let windows = self.windows.len();
        let span = windows as f64 * (self.weights.true_positive + self.weights.false_negative);
        let above = self.raw + self.weights.false_negative * windows as f64;
        Score {
            threshold,
            normalised: if span > 0.0 { 100.0 * above / span } else { 0.0 },
            found: self.windows.iter().flatten().count(),
            windows,
            false_positives: self.false_positives,
        }
    }
}

fn length(window: &RangeInclusive<usize>) -> f64 {
    (window.end() + 1 - window.start()) as f64
}

fn sigmoid(position: f64) -> f64 {
    if position >= 3.0 { -1.0 } else { 2.0 / (1.0 + (5.0 * position).exp()) - 1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDARD: Weights = Weights { true_positive: 1.0, false_positive: 0.11, false_negative: 1.0 };

    /// 1,000 rows, of which 150 are probation, with two windows of 100 and of 50 rows.
    fn rows(detections: &[usize]) -> Rows {
        let scores: Vec<f64> = (0..1_000).map(|row| f64::from(u8::from(detections.contains(&row)))).collect();
        let mut rows = Rows::default();
        rows.add(&scores, &[300..=399, 600..=649]);
        rows
    }

    fn at(detections: &[usize]) -> Score {
        rows(detections).at(0.5, STANDARD)
    }

    fn close(one: f64, other: f64) {
        assert!((one - other).abs() < 1e-3, "{one} and {other}");
    }

    #[test]
    fn probation_is_15_percent_and_750_rows_at_most() {
        assert_eq!((probation(1_000), probation(4_999), probation(5_001), probation(15_902)), (150, 749, 750, 750));
    }

    #[test]
    fn a_detector_that_says_nothing_has_0_and_a_perfect_one_100() {
        for weights in
            [STANDARD, Weights { false_negative: 2.0, ..STANDARD }, Weights { false_positive: 0.22, ..STANDARD }]
        {
            close(rows(&[]).at(0.5, weights).normalised, 0.0);
            close(rows(&[300, 600]).at(0.5, weights).normalised, 100.0);
        }
    }

    /// σ(-1) is 0.98661 and σ(-0.5) is 0.84828: a window found at its middle counts 0.85980, of the two in all
    /// (1.85980 + 2) / 4.
    #[test]
    fn later_in_a_window_is_worth_less() {
        close(at(&[300, 625]).normalised, 100.0 * 3.859_80 / 4.0);
        // The last row of 50: y = -1/50, σ = 0.04996, of 0.98661 that is 0.05063.
        close(at(&[300, 649]).normalised, 100.0 * 3.050_63 / 4.0);
    }

    #[test]
    fn only_the_earliest_detection_of_a_window_counts() {
        assert_eq!(at(&[300, 301, 350, 399, 625, 640]), at(&[300, 625]));
    }

    #[test]
    fn what_was_not_found_counts_once() {
        let score = at(&[300]);
        close(score.normalised, 50.0);
        assert_eq!((score.found, score.windows, score.false_positives), (1, 2, 0));
    }

    /// Before the first window -0.11. Ten rows after 100 rows: y = 10/99, σ = -0.24721. Far away: -1.
    #[test]
    fn false_detections_count_by_their_distance_from_the_window_before() {
        close(at(&[300, 600, 200]).normalised, 100.0 - 100.0 * 0.11 / 4.0);
        close(at(&[300, 600, 409]).normalised, 100.0 - 100.0 * 0.11 * 0.247_21 / 4.0);
        close(at(&[300, 600, 900]).normalised, 100.0 - 100.0 * 0.11 / 4.0);
        assert_eq!(at(&[300, 600, 200, 409, 900]).false_positives, 3);
    }

    #[test]
    fn probation_counts_nothing_and_neither_do_windows_that_begin_in_it() {
        assert_eq!(at(&[300, 600, 0, 149]), at(&[300, 600]));
        let mut rows = Rows::default();
        rows.add(&[1.0; 1_000], &[100..=199]);
        assert_eq!(rows.at(0.5, STANDARD).windows, 0);
    }

    #[test]
    fn the_best_threshold_is_that_of_all_files_together() {
        let mut scores = vec![0.0; 1_000];
        (scores[310], scores[200], scores[620]) = (0.9, 0.8, 0.7);
        let mut rows = Rows::default();
        rows.add(&scores, &[300..=399, 600..=649]);
        // Another file in which 0.7 is noise.
        let mut noisy = vec![0.0; 1_000];
        noisy[500..540].fill(0.7);
        let alone = rows.best(STANDARD);
        assert_eq!((alone.threshold, alone.found, alone.false_positives), (0.7, 2, 1));
        rows.add(&noisy, &[]);
        let both = rows.best(STANDARD);
        assert_eq!((both.threshold, both.found, both.false_positives), (0.9, 1, 0));
        assert_eq!(both, rows.at(0.9, STANDARD));
        assert!(rows.best(Weights { false_negative: 9.0, ..STANDARD }).found == 2);
    }

    #[test]
    fn without_a_detection_worth_it_nothing_is_best() {
        let mut rows = Rows::default();
        rows.add(&[1.0; 1_000], &[]);
        let best = rows.best(STANDARD);
        assert_eq!((best.threshold, best.normalised), (f64::INFINITY, 0.0));
    }
}
