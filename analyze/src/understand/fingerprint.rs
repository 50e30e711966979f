//! What a text is known by when it comes again, copied or lightly edited.
//!
//! Of the author's own words only letters, digits and Chinese characters count: emoji, marks, links and mentions are left out. Each row
//! of three characters is hashed, and of the hashes two things are made:
//!
//! * a **SimHash** of 64 bits (Charikar, *Similarity estimation techniques from rounding algorithms*, 2002): near texts differ in few
//!   bits. It is what is stored and shown.
//! * a **sketch**: the smallest [`SKETCH`] hashes (bottom-k, Broder 1997). Up to the smaller of their largest hashes, two sketches are
//!   samples of the same part of all hashes, so the share that they have in common says how much of the *shorter* text is in the other
//!   ([`Fingerprint::contained`]). That holds for a text that was cut off, got a foreword, or whose sentences were moved, which a
//!   SimHash alone does not see.

use super::marks::marks;

/// Hashes of a sketch.
pub(crate) const SKETCH: usize = 24;
/// A text is read up to here, in characters that count.
const MOST: usize = 2_000;
/// For the SimHash so many rows are counted; what follows in a longer text changes little.
const COUNTED: usize = 600;
/// Bits of a count up to that.
const PLANES: usize = 10;

/// What a text is known by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// The SimHash.
    pub simhash: u64,
    /// The smallest hashes, in order; fewer when the text has fewer rows.
    sketch: Vec<u32>,
    /// Characters that count.
    length: usize,
}

impl Fingerprint {
    /// The fingerprint of the author's own words of a folded title and text.
    #[must_use]
    pub fn of(title: &str, text: &str) -> Self {
        let mut chars = Vec::with_capacity((title.len() + text.len()) / 3);
        for text in [title, text] {
            let mut from = 0;
            for mark in marks(text) {
                chars.extend(text[from..mark.at.start].chars().filter(|c| c.is_alphanumeric()));
                from = mark.at.end;
            }
            chars.extend(text[from..].chars().filter(|c| c.is_alphanumeric()));
        }
        Self::of_chars(&chars[..chars.len().min(MOST)])
    }

    fn of_chars(chars: &[char]) -> Self {
        let mut hashes: Vec<u64> = chars.windows(3).map(hash).collect();
        if hashes.is_empty() && !chars.is_empty() {
            hashes.push(hash(chars));
        }
        let simhash = simhash(&hashes[..hashes.len().min(COUNTED)]);
        // The upper halves; SimHash counts all bits, so the two are no independent evidence and need not be.
        let mut sketch: Vec<u32> = hashes.iter().map(|hash| (hash >> 32) as u32).collect();
        if sketch.len() > 4 * SKETCH {
            sketch.select_nth_unstable(3 * SKETCH);
            sketch.truncate(3 * SKETCH);
        }
        sketch.sort_unstable();
        sketch.dedup();
        sketch.truncate(SKETCH);
        Self { simhash, sketch, length: chars.len() }
    }

    /// The SimHash as 16 hexadecimal digits; none when no character counts.
    #[must_use]
    pub fn hex(&self) -> Option<String> {
        (self.length > 0).then(|| format!("{:016x}", self.simhash))
    }

    /// How many bits of the SimHash differ.
    #[must_use]
    pub fn distance(&self, other: &Self) -> u32 {
        (self.simhash ^ other.simhash).count_ones()
    }

    /// Characters that count.
    #[must_use]
    pub fn length(&self) -> usize {
        self.length
    }

    /// The sketch, in order.
    #[must_use]
    pub fn sketch(&self) -> &[u32] {
        &self.sketch
    }

    /// How many hashes two sketches have in common, and of how many of the shorter text that were compared.
    #[must_use]
    pub fn contained(&self, other: &Self) -> (usize, usize) {
        // A sketch that is not full holds all hashes of its text: it bounds nothing.
        let end = |sketch: &[u32]| if sketch.len() < SKETCH { u32::MAX } else { sketch[SKETCH - 1] };
        let end = end(&self.sketch).min(end(&other.sketch));
        let part = |sketch: &'_ [u32]| sketch.partition_point(|&hash| hash <= end);
        let (one, two) = (&self.sketch[..part(&self.sketch)], &other.sketch[..part(&other.sketch)]);
        (common(one, two), one.len().min(two.len()))
    }
}

/// How many of the one are in the other; both are in order. Always the lesser one steps on, without a branch: a post is compared with
/// many founders.
fn common(one: &[u32], two: &[u32]) -> usize {
    let (mut common, mut i, mut j) = (0, 0, 0);
    while let (Some(a), Some(b)) = (one.get(i), two.get(j)) {
        common += usize::from(a == b);
        i += usize::from(a <= b);
        j += usize::from(b <= a);
    }
    common
}

/// Hash of a row of characters: each mixed in, then stirred (the last step of SplitMix64).
fn hash(row: &[char]) -> u64 {
    let mixed =
        row.iter().fold(0u64, |hash, &c| (hash.rotate_left(21) ^ u64::from(c)).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let stirred = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let stirred = (stirred ^ (stirred >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    stirred ^ (stirred >> 31)
}

/// Each bit is set that more than half of the hashes have. The 64 counts stand upright: plane n holds bit n of all of them, so that a
/// hash is added to all at once.
fn simhash(hashes: &[u64]) -> u64 {
    let mut planes = [0u64; PLANES];
    for &hash in hashes {
        let mut carry = hash;
        for plane in &mut planes {
            let next = *plane & carry;
            *plane ^= carry;
            carry = next;
            if carry == 0 {
                break;
            }
        }
    }
    let count = |bit: u32| planes.iter().rev().fold(0, |count, plane| 2 * count + (plane >> bit & 1));
    let all = hashes.len() as u64;
    (0..u64::BITS).fold(0, |simhash, bit| simhash | (u64::from(2 * count(bit) > all) << bit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::fold;
    use proptest::prelude::*;

    fn of(text: &str) -> Fingerprint {
        Fingerprint::of("", &fold(text))
    }

    const TEXT: &str =
        "昨天下午抚琴西路的自来水管又爆了，路面全是水，打了三次电话都说马上来，到现在也没有人来修，老人下楼都不方便";

    #[test]
    fn what_does_not_count_changes_nothing() {
        let other = format!("{}😭😭[怒] http://t.cn/A6PqoMKY @水务局", TEXT.replace('，', "  "));
        assert_eq!(of(TEXT), of(&other));
        assert_eq!(of("昨天停水").hex().unwrap().len(), 16);
        assert_eq!(of("😭！@水务局").hex(), None);
    }

    #[test]
    fn a_light_edit_changes_few_bits_and_another_text_half_of_them() {
        let edited = of(&TEXT.replace("三次", "五次"));
        assert!(of(TEXT).distance(&edited) <= 12, "{}", of(TEXT).distance(&edited));
        let other = of("小区门口的幼儿园下个月开学，学费涨了八百块，家长群里都在问为什么没有提前通知，教育局管不管");
        assert!(of(TEXT).distance(&other) > 16, "{}", of(TEXT).distance(&other));
    }

    #[test]
    fn a_part_is_contained_in_the_whole() {
        let half: String = TEXT.chars().take(TEXT.chars().count() / 2).collect();
        let (common, of_all) = of(TEXT).contained(&of(&half));
        assert!(common >= 6 && common + 1 >= of_all, "{common} of {of_all}");
    }

    proptest! {
        #[test]
        fn a_simhash_has_the_bits_of_the_majority(hashes in prop::collection::vec(any::<u64>(), 0..COUNTED)) {
            let ones = |bit: u32| hashes.iter().filter(|&hash| hash >> bit & 1 == 1).count();
            for bit in 0..64 {
                prop_assert_eq!(simhash(&hashes) >> bit & 1 == 1, 2 * ones(bit) > hashes.len());
            }
        }

        #[test]
        fn common_hashes_are_those_of_both(one in prop::collection::btree_set(0_u32..60, 0..24), two in prop::collection::btree_set(0_u32..60, 0..24)) {
            let (a, b): (Vec<u32>, Vec<u32>) = (one.iter().copied().collect(), two.iter().copied().collect());
            prop_assert_eq!(common(&a, &b), one.intersection(&two).count());
        }

        #[test]
        fn sketches_are_bounded_and_in_order(text in "\\PC{0,300}") {
            let found = of(&text);
            prop_assert!(found.sketch().len() <= SKETCH);
            prop_assert!(found.sketch().windows(2).all(|two| two[0] < two[1]));
            let (common, all) = found.contained(&found);
            prop_assert_eq!(common, all);
        }
    }
}
