//! Who was met most often, of many who are met: counted in place, without sorting all of them. Pure.

/// Counts, which are all zero between two questions.
#[derive(Debug, Default)]
pub(super) struct Tally {
    times: Vec<u8>,
    met: Vec<u64>,
}

impl Tally {
    /// Of these places, each named as often as it is met (255 times at most), the `most` that are met most often, in that order; of
    /// those met equally often the lower first.
    pub(super) fn most_often(&mut self, places: impl Iterator<Item = u32>, most: usize) -> Vec<u32> {
        let Self { times, met } = self;
        for place in places {
            let at = place as usize;
            if at >= times.len() {
                times.resize(at + 1, 0);
            }
            if times[at] == 0 {
                met.push(u64::from(place));
            }
            times[at] = times[at].saturating_add(1);
        }
        for place in &mut *met {
            // In order of these numbers, those met most often come first, and among them the lower ones.
            let times = std::mem::take(&mut times[*place as usize]);
            *place |= u64::from(u8::MAX - times) << u32::BITS;
        }
        if met.len() > most {
            met.select_nth_unstable(most);
            met.truncate(most);
        }
        met.sort_unstable();
        met.drain(..).map(|place| place as u32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::{cmp::Reverse, collections::BTreeMap};

    proptest! {
        #[test]
        fn it_is_as_if_all_were_sorted(asked in prop::collection::vec(prop::collection::vec(0_u32..40, 0..200), 1..4), most in 0_usize..20) {
            let mut tally = Tally::default();
            for places in asked {
                let mut times: BTreeMap<u32, usize> = BTreeMap::new();
                places.iter().for_each(|place| *times.entry(*place).or_default() += 1);
                let mut sorted: Vec<u32> = times.keys().copied().collect();
                sorted.sort_by_key(|place| (Reverse(times[place]), *place));
                sorted.truncate(most);
                prop_assert_eq!(tally.most_often(places.into_iter(), most), sorted);
            }
        }
    }
}
