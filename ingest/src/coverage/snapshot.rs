//! What is known of the sources on disk: one file, replaced in one step, with the position in `crawl.reports` up to which it
//! was read. A month of reports is far more than can be read again on every start.
//!
//! Format: a line `wanglou-coverage VERSION`, the xxh3 of the rest in eight bytes, little-endian, then the snapshot as postcard.
//!
//! | file | outcome |
//! |---|---|
//! | whole, of this version, of this log | go on from its position |
//! | absent, of another log or version, or damaged | begin anew from the reports that the log still keeps |

use super::source::{History, Source};
use anyhow::{Context, ensure};
use schemas::{
    kit::{backup::copy_if_there, fs::write_atomically},
    log::Identity,
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, io::ErrorKind, path::Path};
use xxhash_rust::xxh3::xxh3_64;

/// The folder within the data folder.
pub(super) const FOLDER: &str = "coverage";
const FILE: &str = "snapshot";
const HEAD: &[u8] = b"wanglou-coverage 1\n";

/// What is known, and up to where.
#[derive(Debug, Deserialize)]
pub(super) struct Snapshot {
    pub(super) identity: Identity,
    pub(super) read_to: u64,
    /// Reports beyond that which are in it all the same.
    pub(super) ahead: BTreeSet<u64>,
    pub(super) sources: Vec<(String, History)>,
}

/// The bytes of the file.
pub(super) fn encode(
    identity: &Identity,
    read_to: u64,
    ahead: &BTreeSet<u64>,
    sources: &[Source],
) -> anyhow::Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Borrowed<'a>(&'a Identity, u64, &'a BTreeSet<u64>, Vec<(&'a str, &'a History)>);
    let sources = sources.iter().map(|source| (source.id.as_str(), &source.history)).collect();
    let body = postcard::to_stdvec(&Borrowed(identity, read_to, ahead, sources)).context("it cannot be encoded")?;
    Ok([HEAD, &xxh3_64(&body).to_le_bytes(), &body].concat())
}

fn decode(bytes: &[u8]) -> anyhow::Result<Snapshot> {
    let rest = bytes.strip_prefix(HEAD).context("it is of another version, or none at all")?;
    let (sum, body) = rest.split_first_chunk::<8>().context("it ends in the checksum")?;
    ensure!(xxh3_64(body) == u64::from_le_bytes(*sum), "the checksum does not agree");
    Ok(postcard::from_bytes(body)?)
}

pub(super) fn write(folder: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let cannot = || folder.display().to_string();
    std::fs::create_dir_all(folder).with_context(cannot)?;
    write_atomically(&folder.join(FILE), bytes).with_context(cannot)
}

/// Copies the snapshot into the folder `to` of a backup. Copy the log afterwards: the position must lie in it.
pub(crate) fn backup(data_dir: &Path, to: &Path) -> anyhow::Result<()> {
    copy_if_there(&data_dir.join(FOLDER).join(FILE), &to.join(FOLDER).join(FILE))?;
    Ok(())
}

/// The snapshot, if there is one that can be used.
pub(super) fn load(folder: &Path) -> Option<Snapshot> {
    let path = folder.join(FILE);
    let read = match std::fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return None,
        read => read.map_err(Into::into).and_then(|bytes| decode(&bytes)),
    };
    read.inspect_err(|error| {
        tracing::warn!(
            file = %path.display(), error = format!("{error:#}"),
            "the snapshot of coverage cannot be used: it is made anew from the reports that the log still keeps"
        );
    })
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{Timestamp, tz::TimeZone};
    use proptest::prelude::*;
    use schemas::records::{CrawlReport, Record};
    use std::time::Duration;

    fn bytes() -> (Source, Vec<u8>) {
        let mut source = Source::new("forum", "锦水论坛", "html", Duration::from_secs(60));
        let report = CrawlReport::decode(include_bytes!("../../../schemas/fixtures/crawl_report.v1.json")).unwrap();
        let now: Timestamp = report.finished_at;
        source.take(report, now, &TimeZone::UTC);
        let identity = Identity { cluster: "c".into(), topic_id: "t".into() };
        let bytes = encode(&identity, 7, &[9].into(), std::slice::from_ref(&source)).unwrap();
        (source, bytes)
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        assert!(load(folder.path()).is_none());
        let (source, bytes) = bytes();
        write(folder.path(), &bytes).unwrap();
        let read = load(folder.path()).unwrap();
        assert_eq!((read.read_to, read.ahead, read.identity.cluster.as_str()), (7, [9].into(), "c"));
        let (id, history) = &read.sources[0];
        assert_eq!((id, format!("{history:?}")), (&source.id, format!("{:?}", source.history)));
    }

    proptest! {
        #[test]
        fn any_damage_is_seen(at in 0.0..1.0_f64, bit in 0_u8..8) {
            let (_, mut bytes) = bytes();
            let at = (bytes.len() as f64 * at) as usize;
            bytes[at] ^= 1 << bit;
            prop_assert!(decode(&bytes).is_err());
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(decode(&bytes).is_err());
            let _ = decode(&[HEAD, &xxh3_64(&bytes).to_le_bytes(), &bytes].concat());
        }
    }
}
