//! The threads on disk: `trend/official`, one file that is replaced in one step. Its format: a version, the xxh3 of the rest, the
//! rest in postcard. One that cannot be read is begun anew: it holds a month of figures and nothing that is not in the log.

use super::Official;
use anyhow::Context;
use schemas::kit::fs::write_atomically;
use std::{io::ErrorKind, path::Path};
use xxhash_rust::xxh3::xxh3_64;

const VERSION: u8 = 1;

fn encode(official: &Official) -> anyhow::Result<Vec<u8>> {
    let body = postcard::to_stdvec(official).context("the official threads cannot be encoded")?;
    let mut bytes = vec![VERSION];
    bytes.extend(xxh3_64(&body).to_le_bytes());
    bytes.extend(body);
    Ok(bytes)
}

fn decode(bytes: &[u8]) -> Option<Official> {
    let (&version, rest) = bytes.split_first()?;
    let (sum, body) = rest.split_first_chunk::<8>()?;
    let is_whole = version == VERSION && xxh3_64(body) == u64::from_le_bytes(*sum);
    is_whole.then(|| postcard::from_bytes(body).ok())?
}

/// Reads the file, if there is one that can be read.
pub(in super::super) fn load(path: &Path) -> Official {
    let read = match std::fs::read(path) {
        Ok(bytes) => decode(&bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => return Official::default(),
        Err(_) => None,
    };
    read.unwrap_or_else(|| {
        tracing::warn!(file = %path.display(), "what was measured of official threads cannot be read: it is measured anew");
        Official::default()
    })
}

/// Writes the file.
///
/// # Errors
/// When the disk cannot take it.
pub(in super::super) fn save(path: &Path, official: &Official) -> anyhow::Result<()> {
    write_atomically(path, &encode(official)?).with_context(|| format!("{} cannot be written", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{super::tests::*, *};
    use proptest::prelude::*;
    use schemas::records::Kind;

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("official");
        assert_eq!(load(&path), Official::default());
        let mut official = Official::default();
        official.observe(&by("水务局", post(Kind::Post, "t", 9)), NOW);
        official.observe(&to("水务局", post(Kind::Comment, "1", 8)), NOW);
        save(&path, &official).unwrap();
        assert_eq!(load(&path), official);
        std::fs::write(&path, "x").unwrap();
        assert_eq!(load(&path), Official::default());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert!(decode(&bytes).is_none());
        }
    }
}
