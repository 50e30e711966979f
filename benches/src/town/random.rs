//! Numbers by chance, from a seed: quick ones, because a town draws hundreds of millions.

use rand::{RngExt, SeedableRng, rngs::SmallRng};

/// Means beyond this are drawn in parts, each exactly: a product of uniform numbers must not underflow.
const PART: f64 = 16.0;

/// A source of chance.
#[derive(Debug, Clone)]
pub struct Random(SmallRng);

impl Random {
    /// From a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(SmallRng::seed_from_u64(seed))
    }

    /// A number from 0 up to 1.
    pub fn unit(&mut self) -> f64 {
        self.0.random()
    }

    /// A number between two bounds.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A number whose logarithm is uniform between those of two bounds above zero.
    pub fn log_between(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    /// A whole number below a bound; 0 where the bound is 0.
    pub fn below(&mut self, bound: u32) -> u32 {
        // The bias of 2^-32 per value is far below what any run could show.
        ((u64::from(self.0.random::<u32>()) * u64::from(bound)) >> 32) as u32
    }

    /// A number of the standard normal distribution (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// A Poisson number, exactly, by products of uniform numbers (Knuth, *Seminumerical Algorithms*, 3.4.1): one per post.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        let (mut left, mut count) = (mean, 0);
        while left > PART {
            count += self.factors((-PART).exp());
            left -= PART;
        }
        if left > 0.0 { count + self.factors((-left).exp()) } else { count }
    }

    fn factors(&mut self, limit: f64) -> u32 {
        let (mut count, mut product) = (0, self.unit());
        while product > limit {
            count += 1;
            product *= self.unit();
        }
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn poisson_numbers_have_the_mean_and_the_variance_of_their_kind() {
        let mut random = Random::new(1);
        for mean in [0.003, 0.4, 3.0, 15.9, 16.1, 250.0] {
            let draws = 200_000;
            let (mut sum, mut squares) = (0.0, 0.0);
            for _ in 0..draws {
                let count = f64::from(random.poisson(mean));
                (sum, squares) = (sum + count, squares + count * count);
            }
            let found = sum / f64::from(draws);
            let variance = squares / f64::from(draws) - found * found;
            assert!((found - mean).abs() < 5.0 * (mean / f64::from(draws)).sqrt(), "{found} for {mean}");
            assert!((variance / mean - 1.0).abs() < 0.25, "{variance} for {mean}");
        }
        assert_eq!(random.poisson(0.0), 0);
        assert_eq!(random.poisson(-1.0), 0);
    }

    #[test]
    fn bounds_are_kept() {
        let mut random = Random::new(2);
        for _ in 0..10_000 {
            assert!(random.below(7) < 7);
            assert!((0.01..=50.0).contains(&random.log_between(0.01, 50.0)));
        }
        assert_eq!(random.below(0), 0);
    }
}
