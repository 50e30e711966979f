//! A backup: a folder with a manifest that names each file, its size and its checksum.
//!
//! * It is written under another name and renamed when all of it is on the disk: a half backup is never taken for a whole one.
//! * It shares nothing with what it was taken of: files are copied, not linked.
//! * It is restored into a data folder that holds nothing, and each file is compared with the manifest on the way. Until the last one
//!   is in its place the data folder holds [`UNFINISHED`], and no instance starts on it; restoring again begins anew.
//!
//! What goes into it, and in which order, so that its parts agree, is the business of those who know the parts.

use super::fs::write_atomically;
use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, Permissions},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Component, Path, PathBuf},
};
use xxhash_rust::xxh3::Xxh3;

/// The manifest's file.
pub const MANIFEST: &str = "manifest.json";
/// The folder within a data folder that says: a restore has begun and has not ended.
pub const UNFINISHED: &str = ".restoring";
/// The version of the manifest that this program writes, and the newest that it understands.
const VERSION: u16 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the manifest.
    pub v: u16,
    /// The program that took it.
    pub program: String,
    /// When it was begun: all that was acknowledged before is in it.
    pub taken_at: Timestamp,
    /// What a person must know: what is not in it.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Its files, sorted by path.
    pub files: Vec<Entry>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Entry {
    /// Where it is, from the backup's folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// Its checksum: XXH3, 128 bits, as hex digits.
    pub xxh3: String,
}

/// A backup that is being taken.
#[derive(Debug)]
pub struct Backup {
    to: PathBuf,
    partial: PathBuf,
    taken_at: Timestamp,
}

impl Backup {
    /// Begins a backup that will be the folder `to`, which must not be there yet.
    ///
    /// # Errors
    /// When it is there, or its place cannot be written.
    pub fn begin(to: &Path, now: Timestamp) -> Result<Self> {
        ensure!(!to.exists(), "{} is there already: give each backup a folder of its own", to.display());
        let name = to.file_name().with_context(|| format!("{} names no folder", to.display()))?;
        let partial = to.with_file_name(format!(".{}.partial", name.to_string_lossy()));
        let unusable = || format!("the backup cannot be written to {}", partial.display());
        remove(&partial).with_context(unusable)?;
        std::fs::create_dir_all(&partial).with_context(unusable)?;
        // It holds what the data folder holds, the key that pseudonymises authors too.
        std::fs::set_permissions(&partial, Permissions::from_mode(0o700)).with_context(unusable)?;
        Ok(Self { to: to.to_owned(), partial, taken_at: now })
    }

    /// Where its files go meanwhile.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.partial
    }

    /// Writes the manifest of all that is there, and gives the backup its name once everything is on the disk.
    ///
    /// # Errors
    /// When something cannot be read back or written.
    pub fn finish(self, notes: Vec<String>) -> Result<Manifest> {
        let mut files = Vec::new();
        list(&self.partial, &self.partial, &mut files)?;
        files.sort();
        let program = concat!("wanglou ", env!("CARGO_PKG_VERSION")).to_owned();
        let manifest = Manifest { v: VERSION, program, taken_at: self.taken_at, notes, files };
        write_atomically(&self.partial.join(MANIFEST), &serde_json::to_vec_pretty(&manifest)?)?;
        std::fs::rename(&self.partial, &self.to)
            .with_context(|| format!("the backup is whole in {} and cannot be renamed", self.partial.display()))?;
        let parent = self.to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent)?.sync_all()?;
        Ok(manifest)
    }
}

/// Lists the files below a folder with their checksums, and sees to it that they are on the disk.
fn list(root: &Path, folder: &Path, files: &mut Vec<Entry>) -> Result<()> {
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir() {
            list(root, &path, files)?;
            continue;
        }
        let file = File::open(&path).with_context(|| path.display().to_string())?;
        file.sync_all()?;
        let (bytes, xxh3) = copy_hashed(file, io::sink()).with_context(|| path.display().to_string())?;
        let name = path.strip_prefix(root).ok().and_then(Path::to_str);
        let path = name.with_context(|| format!("{} has a name that is no text", path.display()))?.to_owned();
        files.push(Entry { path, bytes, xxh3 });
    }
    File::open(folder)?.sync_all()?;
    Ok(())
}

/// Copies a file that is open, with its permissions. It may be gone from its folder meanwhile.
///
/// # Errors
/// Whatever the file system says.
pub fn copy_open(mut from: &File, to: &Path) -> io::Result<()> {
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut copy = File::create(to)?;
    copy.set_permissions(Permissions::from_mode(from.metadata()?.permissions().mode() & 0o777))?;
    io::copy(&mut from, &mut copy)?;
    Ok(())
}

/// Copies a file if it is there, with its permissions. Says whether it was.
///
/// # Errors
/// Whatever else the file system says.
pub fn copy_if_there(from: &Path, to: &Path) -> Result<bool> {
    match File::open(from) {
        Ok(file) => {
            copy_open(&file, to).with_context(|| format!("copying {} to {}", from.display(), to.display()))?;
            Ok(true)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| from.display().to_string()),
    }
}

/// Copies and tells size and checksum.
fn copy_hashed(mut from: impl Read, mut to: impl Write) -> io::Result<(u64, String)> {
    let (mut hash, mut bytes, mut buffer) = (Xxh3::new(), 0, vec![0; 1 << 20]);
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok((bytes, format!("{:032x}", hash.digest128())));
        }
        hash.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
        bytes += count as u64;
    }
}

/// Reads the manifest of a backup.
///
/// # Errors
/// When there is none, or a newer program wrote it.
pub fn manifest(from: &Path) -> Result<Manifest> {
    let path = from.join(MANIFEST);
    let text = std::fs::read(&path)
        .with_context(|| format!("{} cannot be read: is {} a whole backup?", path.display(), from.display()))?;
    let manifest: Manifest = serde_json::from_slice(&text).with_context(|| path.display().to_string())?;
    ensure!(
        manifest.v <= VERSION,
        "{} is of version {}, this program knows {VERSION}: restore with the program that took it ({})",
        path.display(),
        manifest.v,
        manifest.program
    );
    for entry in &manifest.files {
        let safe = Path::new(&entry.path).components().all(|part| matches!(part, Component::Normal(_)));
        ensure!(
            safe && !entry.path.is_empty(),
            "{} names {:?}, which leads out of the backup",
            path.display(),
            entry.path
        );
    }
    Ok(manifest)
}

/// Restores a backup into a data folder that holds nothing. `elsewhere` says of a file whether it belongs to another place.
/// Nothing is in its place before every file was found to be what the manifest says.
///
/// # Errors
/// When the data folder holds something, or the backup is damaged; what is there is then as it was.
pub fn restore(from: &Path, data_dir: &Path, elsewhere: impl Fn(&str) -> Option<PathBuf>) -> Result<Manifest> {
    let manifest = manifest(from)?;
    begin_restore(data_dir)?;
    let staging = data_dir.join(UNFINISHED);
    for entry in &manifest.files {
        let (source, target) = (from.join(&entry.path), staging.join(&entry.path));
        let damaged = || format!("the backup's file {}", source.display());
        let file = File::open(&source).with_context(damaged)?;
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let copy = File::create(&target).with_context(|| target.display().to_string())?;
        copy.set_permissions(Permissions::from_mode(file.metadata()?.permissions().mode() & 0o777))?;
        let (bytes, xxh3) = copy_hashed(file, &copy).with_context(damaged)?;
        if (bytes, &xxh3) != (entry.bytes, &entry.xxh3) {
            remove(&staging)?;
            bail!(
                "{} is damaged: {bytes} bytes with the checksum {xxh3}, the manifest says {} and {}",
                source.display(),
                entry.bytes,
                entry.xxh3
            );
        }
        copy.sync_all()?;
    }
    for entry in &manifest.files {
        if let Some(place) = elsewhere(&entry.path) {
            ensure!(!place.exists(), "{} is there already: move it aside, then restore again", place.display());
            put(&staging.join(&entry.path), &place)?;
        }
    }
    for child in std::fs::read_dir(&staging)? {
        let child = child?;
        std::fs::rename(child.path(), data_dir.join(child.file_name()))?;
    }
    File::open(data_dir)?.sync_all()?;
    remove(&staging)?;
    File::open(data_dir)?.sync_all()?;
    Ok(manifest)
}

/// Sees to it that the data folder holds nothing but the sign of a restore that has begun.
fn begin_restore(data_dir: &Path) -> Result<()> {
    let context = || format!("the data folder {}", data_dir.display());
    std::fs::create_dir_all(data_dir).with_context(context)?;
    let staging = data_dir.join(UNFINISHED);
    if staging.exists() {
        // It held nothing when that restore began: all that is here is half of it.
        for child in std::fs::read_dir(data_dir).with_context(context)? {
            let path = child?.path();
            if path != staging {
                remove(&path).with_context(context)?;
            }
        }
        remove(&staging).with_context(context)?;
    }
    let mut children = std::fs::read_dir(data_dir).with_context(context)?;
    ensure!(
        children.next().is_none(),
        "the data folder {} is not empty: a backup is restored into an empty one only. Move it aside, or name another data_dir",
        data_dir.display()
    );
    std::fs::create_dir(&staging).with_context(context)
}

/// Moves a file, to another file system too.
fn put(from: &Path, to: &Path) -> Result<()> {
    let context = || format!("putting {} into its place", to.display());
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    if std::fs::rename(from, to).is_err() {
        copy_open(&File::open(from).with_context(context)?, to).with_context(context)?;
        File::open(to).and_then(|file| file.sync_all()).with_context(context)?;
        std::fs::remove_file(from).with_context(context)?;
    }
    Ok(())
}

/// Refuses a data folder that a restore has left half-way.
///
/// # Errors
/// What to do.
pub fn check_finished(data_dir: &Path) -> Result<()> {
    ensure!(
        !data_dir.join(UNFINISHED).exists(),
        "a restore into {} has not ended: run `wanglou restore` again",
        data_dir.display()
    );
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    fn taken(folder: &TempDir) -> PathBuf {
        let to = folder.path().join("backup");
        let backup = Backup::begin(&to, Timestamp::UNIX_EPOCH).unwrap();
        std::fs::create_dir(backup.folder().join("log")).unwrap();
        std::fs::write(backup.folder().join("log/a.db"), b"records").unwrap();
        std::fs::write(backup.folder().join("key"), b"secret").unwrap();
        std::fs::set_permissions(backup.folder().join("key"), Permissions::from_mode(0o600)).unwrap();
        assert!(!to.exists(), "it has its name when it is whole");
        let manifest = backup.finish(vec!["a note".into()]).unwrap();
        assert_eq!(manifest.files.iter().map(|file| &*file.path).collect::<Vec<_>>(), ["key", "log/a.db"]);
        to
    }

    #[test]
    fn what_was_taken_is_restored_with_its_permissions() {
        let folder = TempDir::new().unwrap();
        let (from, data) = (taken(&folder), folder.path().join("data"));
        let elsewhere = folder.path().join("srv/r.db");
        restore(&from, &data, |path| (path == "log/a.db").then(|| elsewhere.clone())).unwrap();
        assert_eq!(std::fs::read(&elsewhere).unwrap(), b"records");
        let key = data.join("key");
        assert_eq!(std::fs::read(&key).unwrap(), b"secret");
        assert_eq!(key.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        check_finished(&data).unwrap();
        let again = restore(&from, &data, |_| None).unwrap_err().to_string();
        assert!(again.contains("not empty"), "{again}");
    }

    #[test]
    fn a_damaged_or_half_backup_is_refused_and_leaves_nothing() {
        let folder = TempDir::new().unwrap();
        let (from, data) = (taken(&folder), folder.path().join("data"));
        std::fs::write(from.join("log/a.db"), b"recorcs").unwrap();
        let error = restore(&from, &data, |_| None).unwrap_err().to_string();
        assert!(error.contains("a.db is damaged"), "{error}");
        assert_eq!(std::fs::read_dir(&data).unwrap().count(), 0);
        std::fs::remove_file(from.join("log/a.db")).unwrap();
        assert!(restore(&from, &data, |_| None).is_err());
        std::fs::remove_file(from.join(MANIFEST)).unwrap();
        let error = restore(&from, &data, |_| None).unwrap_err().to_string();
        assert!(error.contains("a whole backup"), "{error}");
    }

    #[test]
    fn a_restore_that_was_cut_off_is_told_and_begins_anew() {
        let folder = TempDir::new().unwrap();
        let (from, data) = (taken(&folder), folder.path().join("data"));
        std::fs::create_dir_all(data.join(UNFINISHED).join("log")).unwrap();
        std::fs::create_dir_all(data.join("trend")).unwrap();
        assert!(check_finished(&data).unwrap_err().to_string().contains("wanglou restore"));
        restore(&from, &data, |_| None).unwrap();
        check_finished(&data).unwrap();
        assert!(!data.join("trend").exists() && data.join("log/a.db").exists());
    }

    #[test]
    fn a_manifest_that_leads_out_of_the_backup_is_refused() {
        let folder = TempDir::new().unwrap();
        let from = taken(&folder);
        let text = std::fs::read_to_string(from.join(MANIFEST)).unwrap();
        for bad in ["../key", "/etc/passwd", ""] {
            std::fs::write(from.join(MANIFEST), text.replace("\"key\"", &format!("{bad:?}"))).unwrap();
            assert!(manifest(&from).unwrap_err().to_string().contains("leads out"), "{bad}");
        }
        std::fs::write(from.join(MANIFEST), text.replace("\"v\": 1", "\"v\": 2")).unwrap();
        assert!(manifest(&from).unwrap_err().to_string().contains("version 2"));
    }

    #[test]
    fn a_backup_that_is_there_is_never_written_over() {
        let folder = TempDir::new().unwrap();
        let to = taken(&folder);
        assert!(Backup::begin(&to, Timestamp::UNIX_EPOCH).unwrap_err().to_string().contains("there already"));
    }
}
