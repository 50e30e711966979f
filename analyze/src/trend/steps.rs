//! Steps of one length with what was counted in them: sixteen bytes each, for most of a million topics have little more than a few.
//!
//! A count of 65,535 and more, or a reach beyond ± 2³¹, is rare: such a step only says that it is large, and lies beside.

use super::series::Cell;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Steps beyond the horizon are dropped when they are this part of all.
const DROPPED: usize = 16;
/// What the count of a large step says.
const LARGE: u16 = u16::MAX;

/// One step, packed.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Step {
    at: u32,
    count: u16,
    negative: u16,
    copies: u16,
    late: u16,
    reach: i32,
}

impl Step {
    /// None when it does not fit.
    fn new(at: u32, cell: Cell) -> Option<Self> {
        let small = |value: u32| u16::try_from(value).ok();
        Some(Self {
            at,
            count: small(cell.count).filter(|count| *count != LARGE)?,
            negative: small(cell.negative)?,
            copies: small(cell.copies)?,
            late: small(cell.late)?,
            reach: i32::try_from(cell.reach).ok()?,
        })
    }
}

/// The steps, the oldest first; none is empty but by a correction of reach.
#[expect(clippy::box_collection, reason = "eight bytes in each of a million topics, where it is nearly always none")]
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Steps {
    kept: Vec<Step>,
    large: Option<Box<BTreeMap<u32, Cell>>>,
}

impl Steps {
    /// How many are kept.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }

    /// Adds to a step, wherever it lies.
    pub(super) fn add(&mut self, at: i64, what: Cell) {
        let Ok(at) = u32::try_from(at) else { return };
        let index = match self.kept.last() {
            Some(last) if last.at > at => self.kept.binary_search_by_key(&at, |step| step.at),
            Some(last) if last.at == at => Ok(self.kept.len() - 1),
            _ => Err(self.kept.len()),
        };
        let mut cell = index.map_or(Cell::default(), |index| self.cell(&self.kept[index]));
        cell.add(what);
        let step = Step::new(at, cell).unwrap_or_else(|| {
            self.large.get_or_insert_default().insert(at, cell);
            Step { at, count: LARGE, negative: 0, copies: 0, late: 0, reach: 0 }
        });
        match index {
            Ok(index) => self.kept[index] = step,
            Err(index) => self.kept.insert(index, step),
        }
    }

    fn cell(&self, step: &Step) -> Cell {
        if step.count == LARGE {
            return self.large.as_ref().and_then(|large| large.get(&step.at)).copied().unwrap_or_default();
        }
        Cell {
            count: step.count.into(),
            negative: step.negative.into(),
            copies: step.copies.into(),
            late: step.late.into(),
            reach: step.reach.into(),
        }
    }

    fn indices(&self, from: i64, to: i64) -> std::ops::Range<usize> {
        let index = |at: i64| {
            let at = u32::try_from(at.max(0)).unwrap_or(u32::MAX);
            // Most questions are about the end of a long line.
            let near = self.kept.len().saturating_sub(64);
            let from = if self.kept.get(near).is_some_and(|step| step.at < at) { near } else { 0 };
            from + self.kept[from..].partition_point(|step| step.at < at)
        };
        let (from, to) = (index(from), index(to));
        from..to.max(from)
    }

    /// The steps from `from` up to `to`, the end excluded.
    pub(super) fn range(&self, from: i64, to: i64) -> impl Iterator<Item = (u32, Cell)> + Clone {
        self.kept[self.indices(from, to)].iter().map(|step| (step.at, self.cell(step)))
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, Cell)> + Clone {
        self.kept.iter().map(|step| (step.at, self.cell(step)))
    }

    pub(super) fn sum(&self, from: i64, to: i64) -> Cell {
        let mut all = Cell::default();
        self.range(from, to).for_each(|(_, cell)| all.add(cell));
        all
    }

    /// Drops what lies before a step, once it is enough to be worth moving the rest.
    pub(super) fn drop_before(&mut self, first: i64) {
        let past = self.indices(0, first).end;
        if past * DROPPED > self.kept.len() {
            self.kept.drain(..past);
            if let Some(large) = &mut self.large {
                large.retain(|at, _| i64::from(*at) >= first);
            }
            self.large.take_if(|large| large.is_empty());
        }
        // What a busy day has left behind is given back.
        if self.kept.capacity() > 8 && self.kept.capacity() > 3 * self.kept.len() {
            self.kept.shrink_to(self.kept.len() + self.kept.len() / 4);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cell() -> impl Strategy<Value = Cell> {
        let count = || prop_oneof![0..3_u32, 60_000..70_000_u32, Just(u32::MAX)];
        let reach = prop_oneof![-3..3_i64, Just(i64::from(i32::MAX)), any::<i64>()];
        (count(), count(), count(), count(), reach).prop_map(|(count, negative, copies, late, reach)| Cell {
            count,
            negative,
            copies,
            late,
            reach,
        })
    }

    #[test]
    fn a_step_is_sixteen_bytes() {
        assert_eq!(size_of::<Step>(), 16);
    }

    proptest! {
        /// Whatever is added, however large and in whatever order, is found again; and a snapshot changes nothing.
        #[test]
        fn nothing_is_lost_by_packing(added in prop::collection::vec((0..20_i64, cell()), 0..60), from in 0..20_i64) {
            let (mut steps, mut plain) = (Steps::default(), BTreeMap::<u32, Cell>::new());
            for (at, cell) in added {
                steps.add(at, cell);
                plain.entry(at as u32).or_default().add(cell);
            }
            let all: Vec<_> = plain.clone().into_iter().collect();
            prop_assert_eq!(&steps.iter().collect::<Vec<_>>()[..], &all[..]);
            prop_assert_eq!(steps.range(from, from + 5).count(), all.iter().filter(|(at, _)| (from..from + 5).contains(&i64::from(*at))).count());
            let bytes = postcard::to_allocvec(&steps).unwrap();
            prop_assert_eq!(&postcard::from_bytes::<Steps>(&bytes).unwrap(), &steps);
            steps.drop_before(20);
            prop_assert_eq!(steps, Steps::default());
        }
    }
}
