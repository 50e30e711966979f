//! The state on disk: one file, replaced in one step, that holds what was counted together with the position up to which it
//! was. So a restart counts nothing twice and misses nothing.
//!
//! Format: a line `wanglou-trend VERSION`, the xxh3 of the rest in eight bytes, little-endian, then the snapshot as postcard.
//!
//! | file | outcome |
//! |---|---|
//! | absent | begin anew |
//! | whole, of this version, of this log | go on |
//! | whole, of another log or another number of partitions | refused, with what to do |
//! | of a newer version | refused: upgrade, or move it aside |
//! | of an older version | set aside: it counted otherwise; begin anew from what the log still keeps |
//! | anything else | set aside under another name, begin anew from what the log still keeps |

use super::state::State;
use anyhow::{Context, bail};
use jiff::Timestamp;
use schemas::log::Identity;
use serde::{Deserialize, Serialize};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
};
use xxhash_rust::xxh3::xxh3_64;

const MAGIC: &str = "wanglou-trend ";
const VERSION: u32 = 6;

/// What was counted, and up to where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    /// The log that the position belongs to.
    pub(super) identity: Identity,
    /// The next offset of `posts.analyzed` to read, by partition.
    pub(super) next: Vec<u64>,
    /// What was counted before it.
    pub(super) state: State,
}

/// A snapshot that borrows its state, to be written.
#[derive(Serialize)]
pub(super) struct Borrowed<'a> {
    pub(super) identity: &'a Identity,
    pub(super) next: &'a [u64],
    pub(super) state: &'a State,
}

impl Borrowed<'_> {
    /// The bytes of the file.
    pub(super) fn encode(&self) -> anyhow::Result<Vec<u8>> {
        let body = postcard::to_stdvec(self).context("the trend snapshot cannot be encoded")?;
        let mut bytes = format!("{MAGIC}{VERSION}\n").into_bytes();
        bytes.extend(xxh3_64(&body).to_le_bytes());
        bytes.extend(body);
        Ok(bytes)
    }
}

/// Why bytes are no snapshot that can be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    /// A newer program wrote it.
    #[error("version {0} is newer than the {VERSION} that this program knows")]
    Newer(u32),
    /// It is damaged.
    #[error("{0}")]
    Corrupt(String),
}

pub(super) fn decode(bytes: &[u8]) -> Result<Snapshot, Unusable> {
    let corrupt = |what: &str| Unusable::Corrupt(what.into());
    let end =
        bytes.iter().take(64).position(|&byte| byte == b'\n').ok_or_else(|| corrupt("the first line is missing"))?;
    let head = std::str::from_utf8(&bytes[..end]).ok().and_then(|head| head.strip_prefix(MAGIC));
    let version: u32 =
        head.and_then(|head| head.parse().ok()).ok_or_else(|| corrupt("the first line names no version"))?;
    if version > VERSION {
        return Err(Unusable::Newer(version));
    }
    if version < VERSION {
        return Err(Unusable::Corrupt(format!(
            "version {version} counted otherwise than the {VERSION} of this program"
        )));
    }
    let (sum, body) = bytes[end + 1..].split_first_chunk::<8>().ok_or_else(|| corrupt("it ends in the checksum"))?;
    if xxh3_64(body) != u64::from_le_bytes(*sum) {
        return Err(corrupt("the checksum does not agree"));
    }
    postcard::from_bytes(body).map_err(|error| Unusable::Corrupt(error.to_string()))
}

/// Reads the snapshot, if there is one.
///
/// # Errors
/// When the file cannot be read or set aside, or a newer program wrote it.
pub(super) fn load(path: &Path, now: Timestamp) -> anyhow::Result<Option<Snapshot>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(error).with_context(|| format!("the trend snapshot {} cannot be read", path.display()));
        }
    };
    match decode(&bytes) {
        Ok(snapshot) => Ok(Some(snapshot)),
        Err(error @ Unusable::Newer(_)) => bail!(
            "the trend snapshot {}: {error}. Run the program that wrote it, or move the file aside: counts are then rebuilt \
             from what the log still keeps",
            path.display()
        ),
        Err(error) => {
            let aside = aside(path, now);
            std::fs::rename(path, &aside)
                .with_context(|| format!("the trend snapshot {} cannot be set aside", path.display()))?;
            tracing::error!(
                file = %path.display(), aside = %aside.display(), %error,
                "the trend snapshot cannot be used: it was set aside, and counts are rebuilt from what the log still keeps"
            );
            Ok(None)
        }
    }
}

fn aside(path: &Path, now: Timestamp) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".damaged-{}", now.as_millisecond()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use super::{super::testing::Town, *};
    use proptest::prelude::*;

    fn identity() -> Identity {
        Identity { cluster: "c".into(), topic_id: "t".into() }
    }

    fn bytes() -> Vec<u8> {
        let mut town = Town::new(&["water"], 0);
        town.pass(120, &["", "water"], |_, _| 1.0);
        Borrowed { identity: &identity(), next: &[7, 9], state: town.trend.state() }.encode().unwrap()
    }

    #[test]
    fn what_is_written_is_read() {
        let mut town = Town::new(&["water"], 0);
        town.pass(120, &["", "water"], |_, _| 1.0);
        let snapshot = decode(&bytes()).unwrap();
        assert_eq!(snapshot, Snapshot { identity: identity(), next: vec![7, 9], state: town.trend.state().clone() });
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(load(&path, now).unwrap(), None);
        let whole = bytes();
        std::fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        assert_eq!(load(&path, now).unwrap(), None);
        assert!(!path.exists());
        assert_eq!(std::fs::read(folder.path().join("snapshot.damaged-0")).unwrap(), whole[..whole.len() - 1]);
        std::fs::write(&path, &whole).unwrap();
        assert!(load(&path, now).unwrap().is_some());
    }

    #[test]
    fn an_older_file_is_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        std::fs::write(&path, "wanglou-trend 1\nwhatever").unwrap();
        assert_eq!(load(&path, Timestamp::UNIX_EPOCH).unwrap(), None);
        assert!(folder.path().join("snapshot.damaged-0").exists());
    }

    #[test]
    fn a_newer_file_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("snapshot");
        std::fs::write(&path, "wanglou-trend 9\nwhatever").unwrap();
        let error = load(&path, Timestamp::UNIX_EPOCH).unwrap_err().to_string();
        assert!(error.contains("version 9 is newer") && error.contains("move the file aside"), "{error}");
        assert!(path.exists());
    }

    proptest! {
        #[test]
        fn any_damage_is_seen(at in 0.0..1.0_f64, bit in 0_u8..8) {
            let mut bytes = bytes();
            let at = (bytes.len() as f64 * at) as usize;
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).is_err());
            let mut body = format!("{MAGIC}{VERSION}\n").into_bytes();
            body.extend(xxh3_64(&bytes).to_le_bytes());
            body.extend(&bytes);
            prop_assert!(decode(&body).is_err());
        }
    }
}
