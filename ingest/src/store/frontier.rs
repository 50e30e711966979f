//! The frontier: where ingest stands with each source. What the bytes mean is the crawl's business.

use super::Store;
use anyhow::{Context, Result};
use schemas::kit::kv::{KvError, Lasting, Writes};

/// What is kept of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    /// Its state; none when it was never saved.
    pub(crate) state: Option<Vec<u8>>,
    /// Its rows by their keys, in order.
    pub(crate) rows: Vec<(u64, Vec<u8>)>,
}

impl Store {
    /// What is kept of a source. Blocks.
    ///
    /// # Errors
    /// When it cannot be read: everything of the source has to be fetched again.
    pub(crate) fn load(&self, source: &str) -> Result<Kept> {
        let load = || {
            let rows = self.0.catalog.scan(&row_prefix(source))?.into_iter();
            let rows = rows.filter_map(|(key, value)| Some((u64::from_be_bytes(key.try_into().ok()?), value)));
            Ok::<_, KvError>(Kept { state: self.0.catalog.get(&state_key(source))?, rows: rows.collect() })
        };
        load().with_context(|| format!("what is remembered of source {source} cannot be read"))
    }

    /// Keeps a source's new state, and its rows that are new, have changed (`puts`) or are gone (`deletes`): all of it or
    /// nothing. Outlives a killed process; a power cut may cost the last saves. Blocks.
    ///
    /// # Errors
    /// When it cannot be written, and what to do. What was kept before is still there.
    pub(crate) fn save(&self, source: &str, state: Vec<u8>, puts: Vec<(u64, Vec<u8>)>, deletes: &[u64]) -> Result<()> {
        let mut writes = Writes::default();
        writes.put(state_key(source), state);
        deletes.iter().for_each(|&row| writes.delete(row_key(source, row)));
        puts.into_iter().for_each(|(row, value)| writes.put(row_key(source, row), value));
        let saved = self.0.catalog.write(writes, Lasting::Soon);
        saved.with_context(|| format!("what is remembered of source {source} cannot be kept"))
    }

    /// Forgets the sources that are not of the config any more. Blocks.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub(crate) fn forget_others(&self, is_configured: impl Fn(&str) -> bool) -> Result<()> {
        for (source, _) in self.0.catalog.scan(STATE)? {
            let Ok(source) = String::from_utf8(source) else { continue };
            if is_configured(&source) {
                continue;
            }
            let mut writes = Writes::default();
            writes.delete(state_key(&source));
            for (row, _) in self.0.catalog.scan(&row_prefix(&source))? {
                writes.delete([row_prefix(&source), row].concat());
            }
            self.0.catalog.write(writes, Lasting::Soon)?;
            tracing::info!(source, "a source that is no more is forgotten");
        }
        Ok(())
    }
}

const STATE: &[u8] = b"state/";
const ROW: &[u8] = b"row/";

fn state_key(source: &str) -> Vec<u8> {
    [STATE, source.as_bytes()].concat()
}

/// No id of a source holds a zero byte, so that no source's rows lie among another's.
fn row_prefix(source: &str) -> Vec<u8> {
    [ROW, source.as_bytes(), b"\0"].concat()
}

fn row_key(source: &str, row: u64) -> Vec<u8> {
    [&row_prefix(source)[..], &row.to_be_bytes()].concat()
}
