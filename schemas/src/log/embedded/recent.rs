//! The newest records of a topic, in memory: who reads along with the writer needs no disk.
//!
//! | what is asked for | outcome |
//! |---|---|
//! | an offset that is here | what follows it, as [`store::read`](super::store::read) would yield it |
//! | an older one, or one that is not here for another reason | nothing: the file answers |
//! | anything after retention, or after the file was opened anew | nothing, until more was appended |
//!
//! Only what has been committed is put in, and never what a compacted topic holds: there a record may be replaced.

use crate::log::{Entry, Position};
use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Bytes that are kept of a topic, about: half a second of ten thousand posts a second.
const MOST: usize = 8 << 20;
/// What a record takes beside its bytes, about.
const OVERHEAD: usize = 128;

/// See the module.
#[derive(Debug)]
pub(super) struct Recent {
    most: usize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    partitions: Vec<VecDeque<Entry>>,
    /// The partition of each record that is kept, the oldest first.
    order: VecDeque<u32>,
    bytes: usize,
}

impl Recent {
    pub(super) fn new(partitions: u32) -> Self {
        Self::holding(partitions, MOST)
    }

    fn holding(partitions: u32, most: usize) -> Self {
        let partitions = (0..partitions).map(|_| VecDeque::new()).collect();
        Self { most, kept: Mutex::new(Kept { partitions, ..Kept::default() }) }
    }

    /// Puts in what was committed, in its order.
    pub(super) fn put(&self, entries: impl Iterator<Item = (u32, Entry)>) {
        let mut kept = self.lock();
        for (partition, entry) in entries {
            kept.put(partition, entry);
        }
        while kept.bytes > self.most && kept.forget_first() {}
    }

    /// Forgets all.
    pub(super) fn clear(&self) {
        let mut kept = self.lock();
        kept.partitions.iter_mut().for_each(VecDeque::clear);
        kept.order.clear();
        kept.bytes = 0;
    }

    /// Records of a partition from an offset on and before `end`, at most `most` records and about `bytes` bytes, but at least one where
    /// there is one; `None` when the file must be asked.
    pub(super) fn read(&self, from: Position, end: u64, most: usize, bytes: usize) -> Option<Vec<Entry>> {
        let kept = self.lock();
        let entries = kept.partitions.get(from.partition as usize)?;
        // Offsets follow each other: a commit leaves none out, and one that failed has used none.
        let place = usize::try_from(from.offset.checked_sub(entries.front()?.offset)?).ok()?;
        entries.get(place).filter(|entry| entry.offset == from.offset)?;
        let mut taken = 0;
        let mut found = Vec::with_capacity(most.min(entries.len() - place));
        for entry in entries.range(place..).take(most).take_while(|entry| entry.offset < end) {
            taken += entry.value.len();
            found.push(entry.clone());
            if taken >= bytes {
                break;
            }
        }
        Some(found)
    }

    /// A panic elsewhere leaves at most a record out, which a read then asks the file for.
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn put(&mut self, partition: u32, entry: Entry) {
        let Some(entries) = self.partitions.get_mut(partition as usize) else { return };
        self.bytes += size(&entry);
        entries.push_back(entry);
        self.order.push_back(partition);
    }

    fn forget_first(&mut self) -> bool {
        let Some(partition) = self.order.pop_front() else { return false };
        if let Some(entry) = self.partitions.get_mut(partition as usize).and_then(VecDeque::pop_front) {
            self.bytes = self.bytes.saturating_sub(size(&entry));
        }
        true
    }
}

fn size(entry: &Entry) -> usize {
    OVERHEAD + entry.value.len() + entry.key.as_ref().map_or(0, bytes::Bytes::len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn entry(offset: u64, length: usize) -> Entry {
        Entry { offset, appended_at: Timestamp::UNIX_EPOCH, key: None, value: Bytes::from(vec![b'x'; length]) }
    }

    fn offsets(recent: &Recent, offset: u64, end: u64, most: usize, bytes: usize) -> Option<Vec<u64>> {
        let entries = recent.read(Position { partition: 0, offset }, end, most, bytes)?;
        Some(entries.iter().map(|entry| entry.offset).collect())
    }

    #[test]
    fn the_table_holds() {
        let recent = Recent::holding(2, 10 * (OVERHEAD + 10));
        assert_eq!(offsets(&recent, 0, 9, 9, 99), None, "nothing is here yet");
        recent.put((5..20).map(|offset| (0, entry(offset, 10))));
        assert_eq!(offsets(&recent, 10, 20, 3, 99), Some(vec![10, 11, 12]));
        assert_eq!(offsets(&recent, 10, 12, 9, 99), Some(vec![10, 11]));
        assert_eq!(offsets(&recent, 10, 20, 9, 15), Some(vec![10, 11]), "the one that reaches the bytes is the last");
        assert_eq!(offsets(&recent, 9, 20, 9, 99), None, "ten are kept");
        assert_eq!(offsets(&recent, 20, 20, 9, 99), None);
        assert_eq!(recent.read(Position { partition: 1, offset: 0 }, 9, 9, 99), None);
        assert_eq!(recent.read(Position { partition: 7, offset: 0 }, 9, 9, 99), None);
        recent.clear();
        assert_eq!(offsets(&recent, 10, 20, 9, 99), None);
        recent.put([(0, entry(20, 10))].into_iter());
        assert_eq!(offsets(&recent, 20, 21, 9, 99), Some(vec![20]));
    }

    proptest! {
        #[test]
        fn it_yields_what_was_put_in_or_nothing(
            commits in prop::collection::vec(prop::collection::vec((0_u32..3, 0_usize..400), 0..20), 0..20),
            asked in (0_u32..3, 0_u64..60, 1_usize..20, 1_usize..2_000),
        ) {
            let recent = Recent::holding(3, 4_000);
            let mut all: Vec<Vec<Entry>> = vec![Vec::new(); 3];
            for commit in commits {
                let entries: Vec<_> = commit
                    .into_iter()
                    .map(|(partition, length)| {
                        let of = &mut all[partition as usize];
                        of.push(entry(of.len() as u64, length));
                        (partition, of[of.len() - 1].clone())
                    })
                    .collect();
                recent.put(entries.into_iter());
                prop_assert!(recent.lock().bytes <= 4_000);
            }
            let (partition, offset, most, bytes) = asked;
            let end = all[partition as usize].len() as u64;
            if let Some(found) = recent.read(Position { partition, offset }, end, most, bytes) {
                prop_assert!(!found.is_empty() && found.len() <= most);
                prop_assert_eq!(&found[..], &all[partition as usize][offset as usize..][..found.len()]);
            }
        }
    }
}
