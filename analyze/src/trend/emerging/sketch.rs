//! What is always there: how often terms, and pairs of terms, come, learned in tables of a fixed size.
//!
//! The model is SigniTrend (Schubert, Weiler, Kriegel, *SigniTrend: scalable detection of emerging topics in textual streams by hashed
//! significance thresholds*, KDD 2014): a moving mean and a moving variance for everything that comes, kept in hashed tables as in a
//! count-min sketch, so that memory does not grow with the vocabulary. A key has a cell in each of [`ROWS`] rows; of what its cells say the
//! least is believed, so a collision makes a term look more ordinary, never more unusual.
//!
//! Three things differ from the paper. Several time scales stand side by side ([`SCALES`]). Nothing happens in epochs: a count fades
//! continuously, and its mean and square are integrated exactly over the time since the cell was touched last. And a rate is a share of all
//! posts, not a number an hour, so that the rhythm of the day, which all terms have in common, cancels; a rhythm of a term's own is in
//! [`Rhythm`].

use serde::{Deserialize, Serialize};

/// Over how long a count fades, in seconds: an hour, a day, a month.
pub(super) const SCALES: [f32; 3] = [3_600.0, 86_400.0, 30.0 * 86_400.0];
/// Mean and square fade so many times more slowly.
const MEMORY: f32 = 12.0;
/// After this many seconds the weight of a rate is halved.
pub(super) const HALF_LIFE: f64 = 180.0 * 86_400.0;
/// Rows of a table.
const ROWS: usize = 2;
/// Cells of a row of terms, and of pairs.
const TERMS: usize = 1 << 16;
const PAIRS: usize = 1 << 18;

/// The place of a key in a row.
fn place(key: u64, row: usize, cells: usize) -> usize {
    let mixed = key.wrapping_add(row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 32) as usize & (cells - 1)
}

/// A table takes its memory with the first that is counted, and never more.
fn allot<T: Clone + Default>(cells: &mut Vec<T>, length: usize) {
    if cells.is_empty() {
        cells.resize(length, T::default());
    }
}

/// The key of a pair, the same in either order.
pub(super) fn pair(one: u64, other: u64) -> u64 {
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    low.rotate_left(23).wrapping_mul(0x94d0_49bb_1331_11eb) ^ high
}

/// How often one thing came.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Cell {
    /// Up to when it is reckoned, in seconds.
    at: u32,
    /// Posts ever, with the half-life.
    pub(super) ever: f32,
    /// Of each scale: posts lately.
    pub(super) lately: [f32; 3],
    mean: [f32; 3],
    square: [f32; 3],
}

impl Cell {
    /// Moves on to `now`.
    fn step(&mut self, now: u32) {
        if now <= self.at {
            return;
        }
        let passed = (now - std::mem::replace(&mut self.at, now)) as f32;
        if self.ever == 0.0 {
            return;
        }
        self.ever *= (-passed * (std::f64::consts::LN_2 / HALF_LIFE) as f32).exp();
        for (scale, span) in SCALES.into_iter().enumerate() {
            let (count, long) = (self.lately[scale], MEMORY * span);
            // What the mean forgets, and what is left of the count, and of its square.
            let (kept, left) = ((-passed / long).exp(), (-passed / span).exp());
            self.mean[scale] = self.mean[scale] * kept + count * (kept - left) * span / (long - span);
            let half = span / 2.0;
            self.square[scale] =
                self.square[scale] * kept + count * count * (kept - left * left) * half / (long - half);
            self.lately[scale] = count * left;
        }
    }

    fn add(&mut self, weight: f32) {
        self.ever += weight;
        self.lately.iter_mut().for_each(|count| *count += weight);
    }

    /// How uneven it comes beyond chance: the variance that is not Poisson's, over the squared mean. An evenly fading count of a Poisson
    /// stream has half its mean for a variance.
    pub(super) fn unevenness(&self, scale: usize) -> f32 {
        let (mean, square) = (self.mean[scale], self.square[scale]);
        if mean <= 1e-3 { 0.0 } else { ((square - mean * mean - mean / 2.0) / (mean * mean)).max(0.0) }
    }

    fn least(self, other: Self) -> Self {
        if other.ever < self.ever { other } else { self }
    }
}

/// How often terms came.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Terms {
    cells: Vec<Cell>,
}

impl Terms {
    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.cells.capacity() * size_of::<Cell>()
    }

    /// Counts one, and says how often it came up to now, this one included.
    pub(super) fn add(&mut self, key: u64, now: u32) -> Cell {
        allot(&mut self.cells, ROWS * TERMS);
        let mut found: Option<Cell> = None;
        for row in 0..ROWS {
            let cell = &mut self.cells[row * TERMS + place(key, row, TERMS)];
            cell.step(now);
            cell.add(1.0);
            found = Some(found.map_or(*cell, |found| found.least(*cell)));
        }
        found.unwrap_or_default()
    }

    /// How often it came.
    pub(super) fn of(&self, key: u64, now: u32) -> Cell {
        if self.cells.is_empty() {
            return Cell::default();
        }
        let cell = |row| self.cells[row * TERMS + place(key, row, TERMS)];
        let mut found = (1..ROWS).fold(cell(0), |found, row| found.least(cell(row)));
        found.step(now);
        found
    }
}

/// How often pairs came: less is kept of each, for there are many.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Often {
    at: u32,
    /// Posts ever, with the half-life.
    pub(super) ever: f32,
    /// Posts of the last a month, of the last hours, fading.
    pub(super) lately: [f32; 2],
}

/// Over how long a pair's counts fade, in seconds.
const PAIR_SCALES: [f32; 2] = [7.0 * 86_400.0, 4.0 * 3_600.0];

impl Often {
    fn step(&mut self, now: u32) {
        if now <= self.at {
            return;
        }
        let passed = (now - std::mem::replace(&mut self.at, now)) as f32;
        if self.ever > 0.0 {
            self.ever *= (-passed * (std::f64::consts::LN_2 / HALF_LIFE) as f32).exp();
            for (count, span) in self.lately.iter_mut().zip(PAIR_SCALES) {
                *count *= (-passed / span).exp();
            }
        }
    }
}

/// How often pairs of terms came together.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Pairs {
    cells: Vec<Often>,
}

impl Pairs {
    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.cells.capacity() * size_of::<Often>()
    }

    /// Counts one, and says how often it came up to now, this one included.
    pub(super) fn add(&mut self, key: u64, now: u32) -> Often {
        allot(&mut self.cells, ROWS * PAIRS);
        let mut found = Often { ever: f32::INFINITY, ..Often::default() };
        for row in 0..ROWS {
            let cell = &mut self.cells[row * PAIRS + place(key, row, PAIRS)];
            cell.step(now);
            cell.ever += 1.0;
            cell.lately.iter_mut().for_each(|count| *count += 1.0);
            if cell.ever < found.ever {
                found = *cell;
            }
        }
        found
    }

    /// How often it came.
    pub(super) fn of(&self, key: u64, now: u32) -> Often {
        if self.cells.is_empty() {
            return Often::default();
        }
        let mut found = Often { ever: f32::INFINITY, ..Often::default() };
        for row in 0..ROWS {
            let mut cell = self.cells[row * PAIRS + place(key, row, PAIRS)];
            cell.step(now);
            if cell.ever < found.ever {
                found = cell;
            }
        }
        found
    }
}

/// Cells of a row of rhythms.
const RHYTHMS: usize = 1 << 14;
/// Hours of the day.
pub(super) const HOURS: usize = 24;

/// When in the day terms come: 早安 comes every morning, and a lottery every evening at eight.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Rhythm {
    /// For each cell, how many posts of each hour, newer days weighing more.
    hours: Vec<[f32; HOURS]>,
}

/// A cell is halved when one of its hours holds more than this: so newer days weigh more.
const FULL: f32 = 512.0;

impl Rhythm {
    /// The bytes that are held.
    pub(super) fn held(&self) -> usize {
        self.hours.capacity() * size_of::<[f32; HOURS]>()
    }

    pub(super) fn add(&mut self, key: u64, hour: usize) {
        allot(&mut self.hours, ROWS * RHYTHMS);
        for row in 0..ROWS {
            let hours = &mut self.hours[row * RHYTHMS + place(key, row, RHYTHMS)];
            hours[hour % HOURS] += 1.0;
            if hours[hour % HOURS] > FULL {
                hours.iter_mut().for_each(|count| *count /= 2.0);
            }
        }
    }

    /// The hours of the cell with the fewest posts.
    pub(super) fn of(&self, key: u64) -> [f32; HOURS] {
        if self.hours.is_empty() {
            return [0.0; HOURS];
        }
        let cell = |row| self.hours[row * RHYTHMS + place(key, row, RHYTHMS)];
        let sum = |hours: &[f32; HOURS]| hours.iter().sum::<f32>();
        (1..ROWS).map(cell).fold(cell(0), |found, other| if sum(&other) < sum(&found) { other } else { found })
    }
}

/// A table is kept as its filled cells: a quiet board fills few.
mod sparse {
    use super::{Cell, HOURS, Often, PAIRS, Pairs, RHYTHMS, ROWS, Rhythm, TERMS, Terms};
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    fn filled<S: Serializer, T: Serialize + PartialEq + Default>(
        cells: &[T],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let none = T::default();
        let filled = || cells.iter().enumerate().filter(|(_, cell)| **cell != none);
        serializer
            .collect_seq(Lengthed { length: filled().count(), cells: filled().map(|(at, cell)| (at as u32, cell)) })
    }

    /// An iterator that knows its length, as postcard asks.
    struct Lengthed<I> {
        length: usize,
        cells: I,
    }

    impl<I: Iterator> Iterator for Lengthed<I> {
        type Item = I::Item;
        fn next(&mut self) -> Option<I::Item> {
            self.cells.next()
        }
        fn size_hint(&self) -> (usize, Option<usize>) {
            (self.length, Some(self.length))
        }
    }

    fn whole<'de, D, T>(deserializer: D, length: usize) -> Result<Vec<T>, D::Error>
    where
        D: Deserializer<'de>,
        T: Deserialize<'de> + Default + Clone,
    {
        let filled = Vec::<(u32, T)>::deserialize(deserializer)?;
        let mut cells = vec![T::default(); if filled.is_empty() { 0 } else { length }];
        for (at, cell) in filled {
            *cells
                .get_mut(at as usize)
                .ok_or_else(|| D::Error::custom(format!("a cell {at} beyond the {length} of the table")))? = cell;
        }
        Ok(cells)
    }

    impl Serialize for Terms {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            filled(&self.cells, serializer)
        }
    }
    impl<'de> Deserialize<'de> for Terms {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            whole::<D, Cell>(deserializer, ROWS * TERMS).map(|cells| Self { cells })
        }
    }
    impl Serialize for Pairs {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            filled(&self.cells, serializer)
        }
    }
    impl<'de> Deserialize<'de> for Pairs {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            whole::<D, Often>(deserializer, ROWS * PAIRS).map(|cells| Self { cells })
        }
    }
    impl Serialize for Rhythm {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            filled(&self.hours, serializer)
        }
    }
    impl<'de> Deserialize<'de> for Rhythm {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            whole::<D, [f32; HOURS]>(deserializer, ROWS * RHYTHMS).map(|hours| Self { hours })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_steady_term_is_as_often_as_it_is_and_not_uneven() {
        let mut terms = Terms::default();
        let mut cell = Cell::default();
        // One every ten minutes for thirty days.
        for step in 1..=30 * 144 {
            cell = terms.add(7, step * 600);
        }
        assert!((cell.lately[0] - 6.5).abs() < 0.6, "{cell:?}");
        assert!((cell.lately[1] - 144.5).abs() < 1.0, "{cell:?}");
        assert!((cell.mean[0] - 6.0).abs() < 0.2, "{cell:?}");
        assert!(cell.unevenness(0) < 0.01, "{cell:?}");
    }

    #[test]
    fn what_comes_in_bursts_is_uneven() {
        let mut terms = Terms::default();
        let mut cell = Cell::default();
        for day in 1..40 {
            for step in 0..100 {
                cell = terms.add(7, day * 86_400 + step * 10);
            }
        }
        assert!(cell.unevenness(0) > 5.0, "{cell:?}");
    }

    #[test]
    fn a_key_that_came_never_is_nothing() {
        assert_eq!(Terms::default().of(1, 99).ever, 0.0);
        assert_eq!(Pairs::default().of(pair(1, 2), 99).ever, 0.0);
        assert_eq!(pair(1, 2), pair(2, 1));
    }

    #[test]
    fn a_table_comes_back_from_its_filled_cells() {
        let (mut terms, mut pairs, mut rhythm) = (Terms::default(), Pairs::default(), Rhythm::default());
        for key in 0..50_u64 {
            terms.add(key, 1_000 + key as u32);
            pairs.add(pair(key, key + 1), 1_000);
            rhythm.add(key, key as usize);
        }
        let bytes = postcard::to_stdvec(&(&terms, &pairs, &rhythm)).unwrap();
        assert!(bytes.len() < 20_000, "{}", bytes.len());
        assert_eq!(postcard::from_bytes::<(Terms, Pairs, Rhythm)>(&bytes).unwrap(), (terms, pairs, rhythm));
    }

    proptest! {
        /// However the time is cut into steps, the same is reckoned.
        #[test]
        fn steps_do_not_matter(first in 1_u32..100_000, second in 1_u32..100_000) {
            let mut one = Cell { at: 1, ..Cell::default() };
            one.add(5.0);
            let mut other = one;
            one.step(1 + first);
            one.step(1 + first + second);
            other.step(1 + first + second);
            for scale in 0..3 {
                prop_assert!((one.lately[scale] - other.lately[scale]).abs() < 1e-3);
                prop_assert!((one.mean[scale] - other.mean[scale]).abs() < 1e-3);
                prop_assert!((one.square[scale] - other.square[scale]).abs() < 1e-2);
            }
        }
    }
}
