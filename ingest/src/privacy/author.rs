//! Authors as keyed hashes: the same author always has the same hash, and without the key nobody can try out names.

use anyhow::Context;
use hmac::{Hmac, KeyInit, Mac};
use schemas::kit::settings::{LogKind, Settings, secret};
use sha2::Sha256;
use std::{fmt, io::ErrorKind, path::Path};

/// The environment variable that holds the key; with `_FILE` behind it, one that names a file.
const KEY_VARIABLE: &str = "WANGLOU_AUTHOR_KEY";
/// The file in the data folder that keeps a key which was made here.
pub(crate) const KEY_FILE: &str = "author-key";
/// Below this a key can be tried out.
const SHORT_KEY_BYTES: usize = 16;

/// The key that pseudonymises authors.
#[derive(Clone)]
pub(crate) struct AuthorKey {
    // Keyed once: a hash then costs two blocks of SHA-256 less.
    keyed: Hmac<Sha256>,
}

impl AuthorKey {
    /// The key of the environment; else the one kept in the data folder, which is made when there is none.
    ///
    /// # Errors
    /// When the file can be neither read nor made.
    pub(crate) fn load(settings: &Settings) -> anyhow::Result<Self> {
        let key = match secret(KEY_VARIABLE) {
            Some(key) => key,
            None => {
                if settings.log.kind == LogKind::Kafka {
                    tracing::warn!(
                        variable = KEY_VARIABLE,
                        "each ingest worker makes a key of its own for authors, and to one an author is another than to the \
                         next: set the same key for all of them"
                    );
                }
                kept(&settings.data_dir)?
            }
        };
        if key.len() < SHORT_KEY_BYTES {
            tracing::warn!(
                variable = KEY_VARIABLE,
                "the key that pseudonymises authors is shorter than 16 bytes and can be tried out: set a longer one"
            );
        }
        Self::new(key.as_bytes())
    }

    /// A key from its bytes.
    pub(crate) fn new(key: &[u8]) -> anyhow::Result<Self> {
        let keyed = Hmac::new_from_slice(key).context("the key that pseudonymises authors cannot be used")?;
        Ok(Self { keyed })
    }

    /// 16 hex digits for an author's name or id; none for a blank one.
    pub(crate) fn hash(&self, author: &str) -> Option<String> {
        let author = author.trim();
        if author.is_empty() {
            return None;
        }
        let mut mac = self.keyed.clone();
        mac.update(author.as_bytes());
        let digest = mac.finalize().into_bytes();
        Some(hex(&digest[..8]))
    }
}

impl fmt::Debug for AuthorKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuthorKey(…)")
    }
}

fn kept(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join(KEY_FILE);
    match std::fs::read_to_string(&path) {
        Ok(key) if !key.trim().is_empty() => return Ok(key.trim().to_owned()),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("the key that pseudonymises authors, {}", path.display()));
        }
        _ => {}
    }
    let key = hex(&rand::random::<[u8; 32]>());
    std::fs::create_dir_all(data_dir)
        .and_then(|()| write_private(&path, key.as_bytes()))
        .with_context(|| format!("the key that pseudonymises authors cannot be kept in {}", path.display()))?;
    Ok(key)
}

/// Writes a file that only its owner can read, in one step. The kit's own way would let others read it for a moment.
fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let beside = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&beside, path)?;
    path.parent().map_or(Ok(()), |folder| std::fs::File::open(folder)?.sync_all())
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|half| char::from(DIGITS[usize::from(half)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// RFC 4231, test case 2, first eight bytes.
    #[test]
    fn it_is_hmac_sha256() {
        let key = AuthorKey::new(b"Jefe").unwrap();
        assert_eq!(key.hash("what do ya want for nothing?").unwrap(), "5bdcc146bf60754e");
    }

    #[test]
    fn a_blank_author_is_none() {
        assert_eq!(AuthorKey::new(b"k").unwrap().hash(" \t"), None);
    }

    #[test]
    fn a_key_is_made_once_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (kept(folder.path()).unwrap(), kept(folder.path()).unwrap());
        assert_eq!(first, second);
        assert_eq!(first.len(), 64);
        let mode = std::fs::metadata(folder.path().join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_that_cannot_be_read_is_an_error_and_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(KEY_FILE)).unwrap();
        assert!(kept(folder.path()).is_err());
    }
}
