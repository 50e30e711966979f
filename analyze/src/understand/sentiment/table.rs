//! Where a feature's weights stand: a hash table that a post's features are looked up in, made to be a file.
//!
//! A row is 40 bytes, within one cache line or two: four tags of one byte, then the nine weights of each of the four
//! features. The upper bits of a feature's hash name its row, the lower eight its tag, so that a feature which the model
//! does not know is taken for one that it knows about once in a hundred times, and costs one look into memory.

use super::model::SCORES;
use rustc_hash::FxHashMap;

/// Features in a row.
const SLOTS: usize = 4;
/// Bytes of a row.
pub(super) const ROW: usize = SLOTS + SLOTS * SCORES;
/// Rows of a trained model: less than 4 MiB.
pub(super) const ROWS: usize = 104_500;

/// A row: tags (nought where there is no feature), then weights.
pub(super) type Row = [u8; ROW];

/// Where a feature would stand.
#[derive(Clone, Copy)]
struct Place {
    row: usize,
    tag: u8,
}

impl Place {
    #[inline]
    fn of(feature: u32, rows: usize) -> Self {
        Self { row: ((u64::from(feature) * rows as u64) >> 32) as usize, tag: (feature as u8).max(1) }
    }
}

/// The number of a feature's slot, where it has one.
#[inline]
pub(super) fn slot(rows: &[Row], feature: u32) -> Option<usize> {
    let place = Place::of(feature, rows.len());
    let tags = &rows[place.row][..SLOTS];
    tags.iter().position(|&tag| tag == place.tag).map(|at| place.row * SLOTS + at)
}

/// The weights of a slot.
#[inline]
pub(super) fn weights(rows: &[Row], slot: usize) -> [i8; SCORES] {
    let start = SLOTS + (slot % SLOTS) * SCORES;
    std::array::from_fn(|class| rows[slot / SLOTS][start + class].cast_signed())
}

/// Sets the weights of a slot.
pub(super) fn set_weights(rows: &mut [Row], slot: usize, weights: [i8; SCORES]) {
    let start = SLOTS + (slot % SLOTS) * SCORES;
    rows[slot / SLOTS][start..start + SCORES].copy_from_slice(&weights.map(i8::cast_unsigned));
}

/// How many slots these rows have.
pub(super) fn slots(rows: &[Row]) -> usize {
    rows.len() * SLOTS
}

/// Gives slots to features by their rank (their number of texts), the highest first, while there is room in their rows.
pub(super) fn lay_out(texts: &FxHashMap<u32, u32>, rows: usize) -> Vec<Row> {
    let mut features: Vec<(u32, u32)> = texts.iter().map(|(&feature, &texts)| (texts, feature)).collect();
    features.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut table = vec![[0; ROW]; rows];
    for (_, feature) in features {
        let place = Place::of(feature, rows);
        let tags = &mut table[place.row][..SLOTS];
        if !tags.contains(&place.tag)
            && let Some(free) = tags.iter_mut().find(|tag| **tag == 0)
        {
            *free = place.tag;
        }
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_features_find_room_and_keep_their_weights() {
        // One row: four have room.
        let texts = [(0x10, 5), (0x20, 9), (0x30, 1), (0x40, 7), (0x50, 6)].into_iter().collect();
        let mut rows = lay_out(&texts, 1);
        assert_eq!(slot(&rows, 0x30), None);
        let places: Vec<_> = [0x20, 0x40, 0x50, 0x10].iter().map(|&feature| slot(&rows, feature)).collect();
        assert_eq!(places, [Some(0), Some(1), Some(2), Some(3)]);
        set_weights(&mut rows, 2, [-128, 0, 127, 1, -1, 2, 3, -2, -3]);
        assert_eq!(weights(&rows, 2), [-128, 0, 127, 1, -1, 2, 3, -2, -3]);
        assert_eq!((weights(&rows, 1), weights(&rows, 3)), ([0; SCORES], [0; SCORES]));
    }
}
