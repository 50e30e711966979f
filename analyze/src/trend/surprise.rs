//! How surprising a count is: `-log10 P(X ≥ count)`, were all as expected.
//!
//! The rate of a topic is not known but believed, with a mean and a doubt: a gamma distribution. The posts of a window are
//! Poisson given the rate. Together they are negative binomial (Gelman et al., *Bayesian Data Analysis*, 3rd ed., section
//! 2.6), here by its mean and its size: the variance is `mean + mean² / size`. Its upper tail is the regularised
//! incomplete beta function, `P(X ≥ n) = I_p(n, size)` with `p = mean / (mean + size)` (Abramowitz & Stegun 26.5.24),
//! computed from the continued fraction DLMF 8.17.22 by the modified Lentz method, all in logarithms: a probability of
//! 10⁻¹⁰⁰⁰⁰⁰ is a number like any other.

use std::f64::consts::LN_10;

/// What is expected of a window: a negative binomial distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expectation {
    /// The mean.
    pub(super) mean: f64,
    /// The size: the smaller, the wider. The variance is `mean + mean² / size`.
    pub(super) size: f64,
}

/// The tail probability at the upper edge of the expected band.
const EDGE: f64 = 3.0;

impl Expectation {
    /// A distribution within the limits of what can be computed: a mean and a size above zero.
    pub(super) fn new(mean: f64, size: f64) -> Self {
        let within = |value: f64, low: f64, high: f64| if value.is_finite() { value.clamp(low, high) } else { high };
        Self { mean: within(mean, 1e-9, 1e12), size: within(size, 1e-3, 1e9) }
    }

    /// The same of the part of the posts that has come in.
    pub(super) fn part(self, share: f64) -> Self {
        Self::new(self.mean * share, self.size)
    }

    /// The standard deviation.
    pub(super) fn deviation(self) -> f64 {
        (self.mean + self.mean * self.mean / self.size).sqrt()
    }

    /// `-log10 P(X ≥ count)`: 0 for a count that is certain.
    pub(super) fn surprise(self, count: u64) -> f64 {
        if count == 0 { 0.0 } else { (-self.ln_tail(count as f64) / LN_10).max(0.0) }
    }

    /// How often, a day, counts of this height or more are begun when windows of so many seconds slide along, were all as expected: the
    /// rate of false alarms of a line drawn there.
    ///
    /// For a Poisson process clumps of windows with at least `k` posts come at the rate `(1 − μ/k)·λ·P(X = k − 1)` (Alm,
    /// *Stochastic Processes and their Applications* 16, 1983: scan statistics), which is `(k − μ)·P(X = k) / w`. Averaged over
    /// a gamma belief about the rate it is `(1 − p)·(k − μ)·P(X = k) / w` with the negative binomial's probability and its `p`.
    /// Without meaning for counts that are not above the mean: infinite.
    pub(super) fn alarms_a_day(self, count: u64, seconds: i64) -> f64 {
        if count as f64 <= self.mean {
            return f64::INFINITY;
        }
        let share = self.size / (self.mean + self.size);
        self.ln_mass(count as f64).exp() * share * (count as f64 - self.mean) * 86_400.0 / seconds as f64
    }

    /// The smallest count, `floor` or more, whose alarms are at most so many a day.
    pub(super) fn line_for_alarms(self, alarms: f64, seconds: i64, floor: u64) -> u64 {
        // Up to the mean alarms are infinite, and beyond a standard deviation above it they only fall.
        let rises = |count: u64| self.alarms_a_day(count, seconds) <= alarms;
        let low = floor.max((self.mean + self.deviation()).ceil() as u64);
        if rises(low) {
            return low;
        }
        let (mut low, mut step) = (low, 1);
        while !rises(low.saturating_add(step)) && step < u64::MAX / 4 {
            low = low.saturating_add(step);
            step *= 2;
        }
        let mut high = low.saturating_add(step);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if rises(middle) { high = middle } else { low = middle }
        }
        high
    }

    /// `ln P(X = count)`, for a count of one or more: `p^k·(1 − p)^size / (k·B(k, size))`.
    fn ln_mass(self, count: f64) -> f64 {
        let (ln_p, ln_q) = (-(self.size / self.mean).ln_1p(), -(self.mean / self.size).ln_1p());
        count * ln_p + self.size * ln_q - count.ln() - ln_beta(count, self.size)
    }

    /// The smallest count that is as surprising as this or more.
    pub(super) fn line(self, surprise: f64) -> u64 {
        // Sought outwards from where an approximation has it, for each look is dear.
        let guess = self.near_line(surprise);
        let below = |count: u64| self.surprise(count) < surprise;
        let mut step = 1_u64;
        let (mut low, mut high) = (guess, guess);
        if below(guess) {
            while below(high) && high < u64::MAX / 2 {
                low = high;
                high = high.saturating_add(step);
                step = step.saturating_mul(2);
            }
        } else {
            while low > 0 && !below(low) {
                high = low;
                low = low.saturating_sub(step);
                step = step.saturating_mul(2);
            }
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if below(middle) { low = middle } else { high = middle }
        }
        high
    }

    /// About where the line is: the normal quantile (Abramowitz & Stegun 26.2.23) of a gamma distribution with the same mean and
    /// variance (Wilson & Hilferty, *PNAS* 17, 1931).
    fn near_line(self, surprise: f64) -> u64 {
        let t = (2.0 * LN_10 * surprise.max(0.1)).sqrt();
        let z = t
            - (2.515_517 + t * (0.802_853 + t * 0.010_328)) / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308)));
        let variance = self.deviation().powi(2);
        let shape = self.mean * self.mean / variance;
        let cube = 1.0 - 1.0 / (9.0 * shape) + z / (3.0 * shape.sqrt());
        (self.mean * cube.max(0.0).powi(3)).ceil().max(1.0) as u64
    }

    /// The upper edge of the expected band: the smallest count whose probability, or that of a higher one, is at most 10⁻³.
    pub(super) fn upper(self) -> u64 {
        self.line(EDGE)
    }

    /// The upper edge, sought from a guess nearby: along a curve, from the step before.
    pub(super) fn upper_near(self, guess: u64) -> u64 {
        let mut edge = guess.max(1);
        for _ in 0..16 {
            if self.surprise(edge) < EDGE {
                edge += 1;
            } else if edge > 1 && self.surprise(edge - 1) >= EDGE {
                edge -= 1;
            } else {
                return edge;
            }
        }
        self.upper()
    }

    fn ln_tail(self, count: f64) -> f64 {
        let sum = self.mean + self.size;
        // ln p and ln (1 - p), each without cancellation.
        let (ln_p, ln_q) = (-(self.size / self.mean).ln_1p(), -(self.mean / self.size).ln_1p());
        let (a, b) = (count, self.size);
        let front = a * ln_p + b * ln_q - ln_beta(a, b);
        if self.mean / sum < (a + 1.0) / (a + b + 2.0) {
            front - a.ln() + fraction(a, b, self.mean / sum).ln()
        } else {
            // Below the mean the tail is nearly everything: what is missing is the small one.
            let missing = (front - b.ln() + fraction(b, a, self.size / sum).ln()).exp();
            (-missing.min(1.0)).ln_1p().max(f64::MIN)
        }
    }
}

fn ln_beta(a: f64, b: f64) -> f64 {
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if large < 10.0 {
        return libm::lgamma(small) + libm::lgamma(large) - libm::lgamma(small + large);
    }
    // Two large values of lgamma would cancel: their difference is taken term by term of Stirling's series (DLMF 5.11.1).
    let rise = (large - 0.5) * (small / large).ln_1p() + small * (small + large).ln() - small;
    libm::lgamma(small) - (rise + stirling(small + large) - stirling(large))
}

/// What is left of lgamma beyond its leading terms, from 10 on.
fn stirling(z: f64) -> f64 {
    let square = 1.0 / (z * z);
    (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1_260.0 - square / 1_680.0))) / z
}

/// The continued fraction of the incomplete beta function (DLMF 8.17.22), by the modified Lentz method.
fn fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    // Some multiple of the square root of the larger argument suffices; the limit only bounds what cannot happen.
    const MOST: u32 = 100_000;
    let away = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut value = d;
    for m in 1..MOST {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / away(1.0 + even * d);
        c = away(1.0 + even / c);
        value *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / away(1.0 + odd * d);
        c = away(1.0 + odd / c);
        let step = d * c;
        value *= step;
        if (step - 1.0).abs() < 1e-14 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The tail by adding up the probabilities below it: slow, and right where the tail is not tiny.
    fn by_sum(expectation: Expectation, count: u64) -> f64 {
        let Expectation { mean, size } = expectation;
        let p = mean / (mean + size);
        let mut term = (1.0 - p).powf(size);
        let mut below = 0.0;
        for k in 0..count {
            below += term;
            term *= p * (size + k as f64) / (k as f64 + 1.0);
        }
        -(1.0 - below).log10()
    }

    #[test]
    fn it_agrees_with_adding_up() {
        for (mean, size) in [(0.01, 0.5), (1.5, 2.0), (1.5, 50.0), (40.0, 10.0), (250.0, 30.0)] {
            let expectation = Expectation::new(mean, size);
            for count in 1..200 {
                let sum = by_sum(expectation, count);
                if sum < 6.0 {
                    let found = expectation.surprise(count);
                    assert!((found - sum).abs() < 1e-6, "mean {mean} size {size} count {count}: {found} and {sum}");
                }
            }
        }
    }

    /// With size 1 the distribution is geometric: `P(X ≥ n) = p^n`, exactly, however small.
    #[test]
    fn it_is_exact_far_out_in_the_tail() {
        let expectation = Expectation::new(3.0, 1.0);
        for count in [1, 10, 1_000, 1_000_000] {
            let exact = -(count as f64) * 0.75_f64.log10();
            assert!((expectation.surprise(count) / exact - 1.0).abs() < 1e-9, "{count}");
        }
    }

    /// A large size is nearly Poisson: `P(X ≥ 18 | mean 1.5)` is 1.96·10⁻¹³ (sum of the series from 18 on).
    #[test]
    fn a_large_size_is_nearly_poisson() {
        let series: f64 =
            (18..60).map(|k| f64::from(k) * 1.5_f64.ln() - 1.5 - libm::lgamma(f64::from(k) + 1.0)).map(f64::exp).sum();
        let found = Expectation::new(1.5, 1e8).surprise(18);
        assert!((found + series.log10()).abs() < 1e-3, "{found}");
    }

    #[test]
    fn the_line_is_the_first_count_at_or_above_it() {
        for (mean, size) in [(0.001, 0.5), (1.5, 2.0), (250.0, 30.0), (1e5, 50.0)] {
            let expectation = Expectation::new(mean, size);
            let line = expectation.line(6.0);
            assert!(
                expectation.surprise(line) >= 6.0 && expectation.surprise(line - 1) < 6.0,
                "mean {mean} size {size}"
            );
            assert_eq!(expectation.upper_near(3), expectation.upper());
        }
    }

    /// The clumps of a simulated Poisson process, slid along second by second, come as often as they are said to.
    #[test]
    fn alarms_come_as_often_as_said() {
        let (rate, seconds, count) = (3.0 / 60.0, 60_i64, 11_u64);
        let mut random = 7_u64;
        let mut uniform = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (mut at, mut within, mut clumps, mut last) = (0.0, std::collections::VecDeque::new(), 0_u32, f64::MIN);
        let days = 400.0;
        while at < days * 86_400.0 {
            at += -(1.0 - uniform()).ln() / rate;
            within.push_back(at);
            while within[0] <= at - seconds as f64 {
                within.pop_front();
            }
            if within.len() as u64 >= count {
                clumps += u32::from(at > last + seconds as f64);
                last = at;
            }
        }
        let said = Expectation::new(3.0, 1e8).alarms_a_day(count, seconds) * days;
        assert!((f64::from(clumps) / said - 1.0).abs() < 0.15, "{clumps} came, {said} were said");
    }

    #[test]
    fn the_line_for_alarms_is_the_first_count_below_them() {
        for (mean, size) in [(0.001, 0.5), (1.5, 2.0), (250.0, 30.0), (1e5, 5e4)] {
            let expectation = Expectation::new(mean, size);
            for alarms in [10.0, 0.01, 1e-6] {
                let line = expectation.line_for_alarms(alarms, 300, 1);
                assert!(expectation.alarms_a_day(line, 300) <= alarms);
                let deviation = (mean + mean * mean / size).sqrt();
                assert!(
                    line == 1
                        || (line - 1) as f64 <= mean + deviation + 1.0
                        || expectation.alarms_a_day(line - 1, 300) > alarms,
                    "mean {mean} size {size} alarms {alarms}"
                );
            }
        }
        assert_eq!(Expectation::new(0.001, 0.5).line_for_alarms(1e9, 300, 7), 7);
    }

    /// Close to where the two branches meet, with a tail of 10⁻³ beside a rest of nearly 1.
    #[test]
    fn large_counts_do_not_cancel() {
        let expectation = Expectation::new(10_f64.powf(3.508_752_703), 10_f64.powf(-2.642_146_62));
        assert!(expectation.surprise(872_353) >= expectation.surprise(872_352));
        for (a, b) in [(3.0, 12.0), (12.0, 3.0), (0.01, 11.0), (25.0, 30.0)] {
            let plain = libm::lgamma(a) + libm::lgamma(b) - libm::lgamma(a + b);
            assert!((ln_beta(a, b) - plain).abs() < 1e-11, "{a} {b}");
        }
    }

    proptest! {
        #[test]
        fn more_posts_are_never_less_surprising(mean in -9.0..6.0_f64, size in -3.0..9.0_f64, count in 0_u64..1_000_000) {
            let expectation = Expectation::new(10_f64.powf(mean), 10_f64.powf(size));
            let (fewer, more) = (expectation.surprise(count), expectation.surprise(count + 1));
            prop_assert!(fewer.is_finite() && more.is_finite() && fewer >= 0.0);
            prop_assert!(more >= fewer - 1e-7 * fewer.max(1.0), "{fewer} then {more}");
        }

        #[test]
        fn any_numbers_at_all_give_a_number(mean in any::<f64>(), size in any::<f64>(), count in any::<u64>()) {
            let expectation = Expectation::new(mean, size);
            let found = expectation.surprise(count);
            prop_assert!(found.is_finite() && found >= 0.0, "{found}");
            prop_assert!(expectation.alarms_a_day(count.max(1), 300) >= 0.0);
            expectation.line_for_alarms(0.01, 300, count);
        }
    }
}
