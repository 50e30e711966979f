//! What is remembered of a source between visits, kept in the data folder: its ledger, its rhythm and its frontier. A saving,
//! like all memory here: without it a visit fetches everything again, and the door knows what is new.
//!
//! A worker that takes a source over has no such memory of it, or an old one. What the reports say is enough to go on
//! ([`Inheritance`]): up to when the source is covered, and which rows were read. The rest is fetched again.

use super::{
    frontier::{Frontier, Known},
    ledger::Ledger,
    rhythm::Rhythm,
};
use crate::web::request::Validators;
use jiff::Timestamp;
use schemas::log::Identity;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
};

/// What is remembered of a source.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Memory {
    // What was handed in lies in this log; with another log everything has to be fetched again.
    log: Identity,
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
    /// Whether its list ever said where it goes on. One that never did may be a window, whose end is no end.
    pub(crate) goes_on: bool,
}

/// What the reports of a source say to whoever takes it over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inheritance {
    /// Up to when it is covered.
    pub(crate) covered_to: Option<Timestamp>,
    /// Rows that were read.
    pub(crate) rows: Vec<u32>,
    /// When the next visit is due.
    pub(crate) next_visit_at: Option<Timestamp>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    log: Identity,
    #[serde(default)]
    state: State,
    #[serde(default)]
    rows: HashMap<String, Known>,
}

impl Memory {
    pub(crate) fn new(log: Identity) -> Self {
        Self { log, state: State::default(), frontier: Frontier::default() }
    }

    /// Takes over what the reports say. They never say less than what is true, and neither does what is remembered here:
    /// both hold.
    pub(crate) fn inherit(&mut self, inheritance: &Inheritance) {
        self.state.ledger.inherit(inheritance.covered_to);
        self.frontier.inherit(&inheritance.rows);
    }

    /// The memory of a source, as it was kept; a new one when there is none, it cannot be read, or it belongs to another log.
    pub(crate) fn load(data_dir: &Path, source: &str, log: &Identity) -> Self {
        let kept = std::fs::read(file(data_dir, source)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        kept.filter(|kept: &Kept| kept.log == *log).map_or_else(
            || Self::new(log.clone()),
            |kept| Self { log: kept.log, state: kept.state, frontier: Frontier::kept(kept.rows) },
        )
    }

    /// Keeps it.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub(crate) fn save(&self, data_dir: &Path, source: &str) -> io::Result<()> {
        let path = file(data_dir, source);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        let kept = Kept { log: self.log.clone(), state: self.state.clone(), rows: self.frontier.rows().clone() };
        schemas::kit::fs::write_atomically(&path, &serde_json::to_vec(&kept)?)
    }
}

/// The folder of all memories, under the data folder.
pub(crate) const MEMORIES: &str = "crawl";

/// A source's id holds only letters, digits, `.`, `_` and `-`.
fn file(data_dir: &Path, source: &str) -> PathBuf {
    data_dir.join(MEMORIES).join(format!("{source}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        Memory::new(Identity { cluster: "c".into(), topic_id: "t".into() })
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_is_covered_never_shrinks_by_an_inheritance() {
        let mut memory = memory();
        memory.state.ledger.covered_to = Some(at(5));
        memory.inherit(&Inheritance { covered_to: Some(at(3)), ..Inheritance::default() });
        assert_eq!(memory.state.ledger.covered_to, Some(at(5)));
        memory.inherit(&Inheritance::default());
        assert_eq!(memory.state.ledger.covered_to, Some(at(5)));
    }

    #[test]
    fn it_is_kept_and_belongs_to_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = memory();
        memory.frontier.list("a", Some("3"), None, false, at(0));
        memory.frontier.changes();
        memory.save(folder.path(), "forum").unwrap();
        assert_eq!(Memory::load(folder.path(), "forum", &memory.log), memory);
        let other = Identity { cluster: "other".into(), topic_id: "t".into() };
        assert!(!Memory::load(folder.path(), "forum", &other).frontier.has("a"));
        std::fs::write(file(folder.path(), "forum"), b"{ torn").unwrap();
        assert!(!Memory::load(folder.path(), "forum", &memory.log).frontier.has("a"));
    }
}
