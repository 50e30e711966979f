//! Chance that repeats: the same seed and stream always throw the same numbers, on every machine and in every version.
//!
//! A generator from a library promises good numbers, not the same ones for ever; here the same ones are the point, for a
//! thread that was laid into the history must read the same when it is crawled. This is SplitMix64.

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes two numbers into one that shows no trace of either.
pub(crate) const fn mix(a: u64, b: u64) -> u64 {
    let mut z = (a ^ b.wrapping_mul(GOLDEN)).wrapping_add(GOLDEN);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A stream of numbers.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The stream of a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(mix(seed, 0))
    }

    /// The next number.
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix(self.0, 1)
    }

    /// 0 ≤ x < 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// 0 ≤ x < n; nought when n is.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.roll().checked_rem(n as u64).unwrap_or(0) as usize
    }

    /// True with this probability.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of the words; an empty table yields an empty word.
    pub(crate) fn word<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words.get(self.below(words.len())).copied().unwrap_or("")
    }

    /// How many events fall into a stretch in which this many are expected (Knuth; for small means).
    pub(crate) fn poisson(&mut self, mean: f64) -> usize {
        let limit = (-mean.max(0.0)).exp();
        let (mut events, mut product) = (0, self.unit());
        while product > limit {
            events += 1;
            product *= self.unit();
        }
        events
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_never_change() {
        let mut dice = Dice::new(7);
        assert_eq!(
            [dice.roll(), dice.roll(), dice.roll()],
            [8_107_292_435_649_414_667, 5_195_060_603_494_957_789, 1_156_705_027_723_479_494]
        );
        assert!((0..1000).all(|_| (0.0..1.0).contains(&dice.unit()) && dice.below(6) < 6));
        assert_eq!((dice.below(0), dice.word(&[])), (0, ""));
    }

    #[test]
    fn poisson_has_its_mean() {
        let mut dice = Dice::new(1);
        let total: usize = (0..20_000).map(|_| dice.poisson(1.5)).sum();
        assert!((29_000..31_000).contains(&total), "{total}");
        assert_eq!(dice.poisson(0.0), 0);
    }
}
