//! What is remembered of a source between visits, kept on disk ([`crate::store`]): its ledger, its rhythm and its frontier. A
//! saving, like all memory here: without it a visit fetches everything again, and the door knows what is new. It is in memory
//! for as long as a visit takes: there may be ten thousand sources.
//!
//! A worker that takes a source over has no such memory of it, or an old one. What the reports say is enough to go on
//! ([`Inheritance`]): up to when the source is covered, and which rows were read. The rest is fetched again.

use super::{
    frontier::{Frontier, Known},
    ledger::Ledger,
    order::Order,
    rhythm::Rhythm,
};
use crate::{
    store::{Kept, Store},
    web::request::Validators,
};
use jiff::Timestamp;
use schemas::records::CrawlReport;
use serde::{Deserialize, Serialize};

/// What is remembered of a source.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) state: State,
    pub(crate) frontier: Frontier,
}

/// What is remembered of it but for its rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// Tells whether the list or feed has changed.
    pub(crate) list: Validators,
    pub(crate) ledger: Ledger,
    pub(crate) rhythm: Rhythm,
    /// In which order its list was the last time.
    pub(crate) order: Order,
    /// Whether its list ever said where it goes on. One that never did may be a window, whose end is no end.
    pub(crate) goes_on: bool,
    /// The report of the last visit. It is kept before it is told, so that nothing is ever told that rests on what is forgotten;
    /// one that was not told before a crash is told after it.
    pub(crate) last: Option<CrawlReport>,
}

/// A row as it is kept; its key on disk is a hash.
#[derive(Serialize, Deserialize)]
struct Row {
    key: String,
    row: Known,
}

/// What the reports of a source say to whoever takes it over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inheritance {
    /// Up to when it is covered.
    pub(crate) covered_to: Option<Timestamp>,
    /// Rows that were read.
    pub(crate) rows: Vec<u32>,
    /// When the last visit ended.
    pub(crate) last_visit: Option<Timestamp>,
}

impl Memory {
    /// Whether the reports tell of a later visit: another worker's, or one whose memory could not be kept.
    pub(crate) fn is_older_than(&self, told: &Inheritance) -> bool {
        self.state.last.as_ref().map(|last| last.finished_at) < told.last_visit
    }

    /// Takes over what the reports say. They never say less than what is true, and neither does what is remembered here:
    /// both hold.
    pub(crate) fn inherit(&mut self, inheritance: &Inheritance, now: Timestamp) {
        self.state.ledger.inherit(inheritance.covered_to);
        self.frontier.inherit(&inheritance.rows, now);
    }

    /// The memory of a source as it was kept, as far as there is one and it can be read. Blocks.
    pub(crate) fn load(store: &Store, source: &str) -> Self {
        let kept = store.load(source).unwrap_or_else(|error| {
            tracing::warn!(source, error = format!("{error:#}"), "all of a source is fetched again");
            Kept::default()
        });
        let state = kept.state.and_then(|state| serde_json::from_slice(&state).ok()).unwrap_or_default();
        let rows = kept.rows.iter().filter_map(|(_, row)| serde_json::from_slice::<Row>(row).ok());
        Self { state, frontier: Frontier::kept(rows.map(|row| (row.key, row.row)).collect()) }
    }

    /// Keeps what has changed since it was loaded. Blocks.
    ///
    /// # Errors
    /// When it cannot be written: what was kept before is still there.
    pub(crate) fn save(mut self, store: &Store, source: &str) -> anyhow::Result<()> {
        let (mut puts, mut deletes) = (Vec::new(), Vec::new());
        for (key, row) in self.frontier.changes() {
            let hash = xxhash_rust::xxh3::xxh3_64(key.as_bytes());
            match row {
                Some(row) => puts.push((hash, serde_json::to_vec(&Row { key, row })?)),
                None => deletes.push(hash),
            }
        }
        store.save(source, serde_json::to_vec(&self.state)?, puts, &deletes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Found;
    use schemas::{log::Identity, records::Record as _};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_covered_never_shrinks_by_an_inheritance() {
        let mut memory = Memory::default();
        memory.state.ledger.covered_to = Some(at(5));
        memory.inherit(&Inheritance { covered_to: Some(at(3)), ..Inheritance::default() }, at(9));
        assert_eq!(memory.state.ledger.covered_to, Some(at(5)));
        memory.inherit(&Inheritance::default(), at(9));
        assert_eq!(memory.state.ledger.covered_to, Some(at(5)));
    }

    #[test]
    fn what_the_reports_say_counts_where_they_tell_of_a_later_visit() {
        let told = |second| Inheritance { last_visit: Some(at(second)), ..Inheritance::default() };
        assert!(Memory::default().is_older_than(&told(1)) && !Memory::default().is_older_than(&Inheritance::default()));
        let report = CrawlReport::decode(include_bytes!("../../../schemas/fixtures/crawl_report.v1.json")).unwrap();
        let ended = report.finished_at.as_second();
        let mut memory = Memory::default();
        memory.state.last = Some(CrawlReport { finished_at: at(ended), ..report });
        assert!(!memory.is_older_than(&told(ended)) && memory.is_older_than(&told(ended + 1)));
    }

    #[test]
    fn it_is_kept_with_what_has_changed_and_what_was_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let identity = Identity { cluster: "c".into(), topic_id: "t".into() };
        let store = Store::open(folder.path(), Found { identity: &identity, ends: &[0] }, 1_000_000).unwrap();
        let mut memory = Memory::load(&store, "forum");
        assert_eq!(memory, Memory::default());
        memory.frontier.list("a", Some("3"), None, false, at(0));
        memory.frontier.list("b", None, None, false, at(0));
        memory.state.goes_on = true;
        memory.clone().save(&store, "forum").unwrap();
        memory.frontier.changes();
        let mut again = Memory::load(&store, "forum");
        assert_eq!(again, memory);
        again.frontier.list("a", Some("4"), None, false, at(1));
        again.clone().save(&store, "forum").unwrap();
        assert!(Memory::load(&store, "forum").frontier.knows("a", Some("4"), None));
        assert!(!Memory::load(&store, "other").frontier.has("a"));
    }
}
