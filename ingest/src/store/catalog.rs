//! The catalog: one small table that says what of the folder counts. What changes together is written together.

use super::{Found, run::Run};
use anyhow::Result;
use schemas::{
    kit::kv::{Kv, KvError, Lasting, Pair, Writes},
    log::Identity,
};
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

/// The table's file.
pub(super) const FILE: &str = "catalog.db";
/// The file that says: the catalog was found to be damaged. The next start sets it aside.
pub(super) const DAMAGED: &str = "damaged";

const IDENTITY: &[u8] = b"log";
const SEED: &[u8] = b"seed";
const RUNS: &[u8] = b"runs";
const POSITIONS: &[u8] = b"positions";

/// The catalog, open.
pub(super) struct Catalog {
    kv: Kv,
    folder: Option<PathBuf>,
}

/// What the catalog says of the marks.
pub(super) struct Marks {
    /// Seeds their hashes.
    pub(super) seed: u64,
    /// The runs, the oldest first.
    pub(super) runs: Vec<Stored>,
    /// The next offset of each partition that they do not cover; none in a new one.
    pub(super) positions: Option<Vec<u64>>,
    /// Whether a run that is listed could not be opened.
    pub(super) lost: bool,
}

/// A run that the catalog lists.
#[derive(Clone)]
pub(super) struct Stored {
    /// Names its file; the greater, the later it was begun.
    pub(super) number: u64,
    pub(super) run: Arc<Run>,
}

/// What the catalog belongs to, compared with the log at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belongs {
    /// To nothing yet.
    New,
    /// To this log.
    Here,
    /// To another.
    Elsewhere,
    /// To this log, as it was before it was set back: what is remembered is not in it.
    SetBack,
}

impl Catalog {
    /// Opens the catalog of a folder.
    pub(super) fn open(folder: &Path) -> Result<Self, KvError> {
        Ok(Self { kv: Kv::open(&folder.join(FILE))?, folder: Some(folder.to_owned()) })
    }

    /// One of nothing, that is never written to disk.
    pub(super) fn in_memory() -> Result<(Self, Marks), KvError> {
        let marks = Marks { seed: rand::random(), runs: Vec::new(), positions: None, lost: false };
        Ok((Self { kv: Kv::in_memory()?, folder: None }, marks))
    }

    /// What it belongs to.
    pub(super) fn belongs(&self, log: Found<'_>) -> Result<Belongs, KvError> {
        let Some(identity) = self.value::<Identity>(IDENTITY)? else { return Ok(Belongs::New) };
        if identity != *log.identity {
            return Ok(Belongs::Elsewhere);
        }
        let lies_within = |positions: Vec<u64>| {
            positions.len() == log.ends.len() && positions.iter().zip(log.ends).all(|(position, end)| position <= end)
        };
        let positions = self.value::<Vec<u64>>(POSITIONS)?;
        Ok(if positions.is_none_or(lies_within) { Belongs::Here } else { Belongs::SetBack })
    }

    /// Makes it belong to a log.
    pub(super) fn found(&self, identity: &Identity) -> Result<(), KvError> {
        let mut writes = Writes::default();
        writes.put(IDENTITY.into(), json(identity));
        writes.put(SEED.into(), rand::random::<u64>().to_le_bytes().into());
        self.kv.write(writes, Lasting::Now)
    }

    /// What it says of the marks. A run that cannot be read is forgotten.
    pub(super) fn marks(&self, folder: &Path) -> Result<Marks, KvError> {
        let open = |number| match Run::open(&file(folder, number)) {
            Ok(run) => Some(Stored { number, run: Arc::new(run) }),
            Err(error) => {
                tracing::warn!(file = %file(folder, number).display(), %error, "posts that were seen are forgotten: they may be appended again");
                None
            }
        };
        let seed = self.kv.get(SEED)?.and_then(|seed| Some(u64::from_le_bytes(seed.try_into().ok()?)));
        // Without its seed no mark says anything.
        let listed = if seed.is_some() { self.run_numbers()? } else { Vec::new() };
        let runs: Vec<Stored> = listed.iter().copied().filter_map(open).collect();
        let lost = runs.len() < listed.len();
        Ok(Marks { seed: seed.unwrap_or_else(rand::random), runs, positions: self.value(POSITIONS)?, lost })
    }

    /// The runs that count, the oldest first.
    pub(super) fn run_numbers(&self) -> Result<Vec<u64>, KvError> {
        Ok(self.value(RUNS)?.unwrap_or_default())
    }

    /// From now on these runs count, and cover these positions.
    pub(super) fn keep(&self, runs: &[Stored], positions: Option<&[u64]>, lasting: Lasting) -> Result<(), KvError> {
        let mut writes = Writes::default();
        writes.put(RUNS.into(), json(&runs.iter().map(|stored| stored.number).collect::<Vec<_>>()));
        if let Some(positions) = positions {
            writes.put(POSITIONS.into(), json(&positions));
        }
        self.write(writes, lasting)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, KvError> {
        self.kv.get(key).inspect_err(|error| self.note(error))
    }

    pub(super) fn scan(&self, prefix: &[u8]) -> Result<Vec<Pair>, KvError> {
        self.kv.scan(prefix).inspect_err(|error| self.note(error))
    }

    pub(super) fn write(&self, writes: Writes, lasting: Lasting) -> Result<(), KvError> {
        self.kv.write(writes, lasting).inspect_err(|error| self.note(error))
    }

    /// Nonsense, or a value of a later version, is none.
    fn value<T: serde::de::DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>, KvError> {
        Ok(self.get(key)?.and_then(|value| serde_json::from_slice(&value).ok()))
    }

    fn note(&self, error: &KvError) {
        if let Some(folder) = self.folder.as_deref().filter(|_| error.is_damage()) {
            tracing::error!(folder = %folder.display(), %error, "the memory is damaged; the next start sets it aside and begins anew");
            // On a disk that takes no writes there is nothing more to do.
            let _ = std::fs::write(folder.join(DAMAGED), error.to_string());
        }
    }
}

/// The file of a run.
pub(super) fn file(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number}.run"))
}

/// The number of a run's file.
pub(super) fn number(file: &Path) -> Option<u64> {
    let name = file.file_name()?.to_str()?;
    name.strip_suffix(".run")?.parse().ok()
}

/// Removes a run's file; when that fails the next start does it.
pub(super) fn remove(folder: &Path, number: u64) {
    match std::fs::remove_file(file(folder, number)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(file = %file(folder, number).display(), %error, "a file that is of no more use stays until the next start");
        }
        _ => {}
    }
}

fn json(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}
