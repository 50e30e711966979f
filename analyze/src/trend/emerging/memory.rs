//! What emerging topics hold in memory, and the bound of it.
//!
//! | part | at most | why |
//! |---|---|---|
//! | tables of terms, pairs and rhythms | 18 MiB | of a fixed size ([`super::sketch`]) |
//! | posts that are remembered, of all and of topics | [`LARGEST`] bytes each | their number is fixed, and each of their parts ([`super::recent`], [`super::found`]) |
//! | which posts have a term | 64 bytes for each term of a remembered post | a term that leads to none is forgotten |
//! | copied texts, counts by time | 2 MiB | their number is fixed |
//!
//! With posts as they are, a third of the bound is taken.

use super::{
    Emerging, MOST,
    found::{EVENTS, Found, MEMBERS},
    recent::{self, KEPT, Remembered},
};
use std::mem::size_of;

/// The most that a post takes: see [`Remembered::held`]. What is longer than this is not remembered.
pub(super) const LARGEST: usize = 3_072;
/// Bytes of a post's id and source together, and of its address, that are remembered.
pub(super) const ID: usize = 256;
pub(super) const URL: usize = 512;
/// What a term in an index takes, with its list and the table's free places.
const INDEXED: usize = 64;
/// The tables.
const TABLES: usize = 18 << 20;

impl Emerging {
    /// Whatever comes, no more bytes than these are held.
    pub const BOUND: usize = TABLES
        + (recent::MOST + MOST * MEMBERS) * LARGEST
        + recent::MOST * KEPT * INDEXED
        + MOST * (EVENTS * 160 + 4_096)
        + (2 << 20);

    /// The bytes that are held now, those on the heap counted by what was asked for.
    #[must_use]
    pub fn held(&self) -> usize {
        let topics: usize = self.topics.values().map(Found::held).sum();
        let tables = self.terms.held() + self.pairs.held() + self.rhythm.held();
        tables + self.recent.held() + topics + self.copies.held() + self.volume.held()
    }
}

impl Remembered {
    /// The bytes of a post, those on the heap with it.
    pub(super) fn held(&self) -> usize {
        let texts = [Some(&self.headline), self.place.as_ref(), self.unit.as_ref()];
        size_of::<Self>()
            + self.terms.capacity() * size_of::<(u64, f32)>()
            + self.says.capacity() * size_of::<u32>()
            + (self.names.capacity() + self.watched.capacity()) * size_of::<u64>()
            + texts.into_iter().flatten().map(String::capacity).sum::<usize>()
            + self.sample.held()
    }
}
