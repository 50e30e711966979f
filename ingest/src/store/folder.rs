//! The folder of the memory: whose it is, what is set aside, and how it is copied.

use super::{
    Found,
    catalog::{self, Belongs, Catalog, Marks},
};
use anyhow::{Context, Result, bail};
use schemas::kit::{
    backup::copy_if_there,
    kv::{self, KvError, Lasting},
};
use std::{
    fs::{DirBuilder, File, Permissions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// Its name in the data folder.
const MEMORY: &str = "memory";
const LOCK: &str = ".lock";
/// What was damaged, until the next that is.
const ASIDE: &str = "set-aside";
/// The folder in which older versions kept what they remembered of sources.
const OUTDATED: &str = "crawl";
/// So often a backup begins again because what it copies has changed meanwhile.
const TRIES: usize = 5;

/// The folder, locked for this process; released by the operating system, whatever happens to this process.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Locks the memory of a data folder for this process; none when another process has it.
    pub(super) fn lock(data_dir: &Path) -> Result<Option<Self>> {
        let path = data_dir.join(MEMORY);
        let cannot = || format!("the memory of ingest in {}", path.display());
        // The seed of its hashes lies in it.
        DirBuilder::new().recursive(true).mode(0o700).create(&path).with_context(cannot)?;
        // One that was restored has the permissions that any folder has.
        std::fs::set_permissions(&path, Permissions::from_mode(0o700)).with_context(cannot)?;
        let lock = File::create(path.join(LOCK)).with_context(cannot)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self { path, _lock: lock })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(cannot),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens what is in it; a memory that is damaged is set aside, one of another log removed.
    pub(super) fn open(&self, log: Found<'_>) -> Result<(Catalog, Marks)> {
        if self.path.join(catalog::DAMAGED).exists() {
            self.set_aside("it was found to be damaged")?;
        }
        let opened = match self.try_open(log) {
            Err(error) if error.is_damage() => {
                self.set_aside(&error.to_string())?;
                self.try_open(log)
            }
            opened => opened,
        };
        let (belongs, catalog) = opened?;
        let catalog = match belongs {
            Belongs::New | Belongs::Here => catalog,
            Belongs::Elsewhere | Belongs::SetBack => {
                drop(catalog);
                let why = if belongs == Belongs::SetBack { "the log was set back" } else { "it is of another log" };
                tracing::warn!(folder = %self.path.display(), why, "the memory is removed; everything is fetched again");
                self.empty(|path| remove(path).map(|_| ()))?;
                self.try_open(log)?.1
            }
        };
        let marks = catalog.marks(&self.path)?;
        if marks.lost
            && let Err(error) = catalog.keep(&marks.runs, None, Lasting::Now)
        {
            tracing::warn!(folder = %self.path.display(), %error, "what cannot be read is listed until it can be written");
        }
        self.sweep(&marks)?;
        Ok((catalog, marks))
    }

    fn try_open(&self, log: Found<'_>) -> Result<(Belongs, Catalog), KvError> {
        let catalog = Catalog::open(&self.path)?;
        let belongs = catalog.belongs(log)?;
        if belongs == Belongs::New {
            catalog.found(log.identity)?;
        }
        Ok((belongs, catalog))
    }

    fn set_aside(&self, why: &str) -> Result<()> {
        let aside = self.path.join(ASIDE);
        tracing::warn!(folder = %self.path.display(), why, aside = %aside.display(), "the memory is set aside and begun anew; everything is fetched again");
        remove(&aside)?;
        std::fs::create_dir(&aside)?;
        self.empty(|path| match path.file_name() {
            Some(name) => std::fs::rename(path, aside.join(name)),
            None => Ok(()),
        })
    }

    /// Does away with all that is in it.
    fn empty(&self, away: impl Fn(&Path) -> io::Result<()>) -> Result<()> {
        for child in std::fs::read_dir(&self.path)? {
            let path = child?.path();
            if path.file_name().is_some_and(|name| name != LOCK && name != ASIDE) {
                away(&path).with_context(|| path.display().to_string())?;
            }
        }
        Ok(())
    }

    /// Removes the runs that do not count: a crash has left them.
    fn sweep(&self, marks: &Marks) -> Result<()> {
        for child in std::fs::read_dir(&self.path)? {
            if let Some(number) = catalog::number(&child?.path())
                .filter(|number| marks.runs.iter().all(|stored| stored.number != *number))
            {
                catalog::remove(&self.path, number);
            }
        }
        Ok(())
    }
}

/// Removes what older versions remembered of sources: a saving, that this version does not read.
pub(crate) fn remove_outdated(data_dir: &Path) {
    let outdated = data_dir.join(OUTDATED);
    match remove(&outdated) {
        Ok(false) => {}
        Ok(true) => {
            tracing::info!(folder = %outdated.display(), "the memory of an older version is removed; everything is fetched again");
        }
        Err(error) => {
            tracing::warn!(folder = %outdated.display(), %error, "the memory of an older version cannot be removed");
        }
    }
}

/// Copies the memory of a data folder into the folder `to`, while a process may be writing it.
///
/// # Errors
/// When it cannot be read, or the copy not written.
pub(crate) fn backup(data_dir: &Path, to: &Path) -> Result<()> {
    let (from, to) = (data_dir.join(MEMORY), to.join(MEMORY));
    if !from.join(catalog::FILE).exists() {
        return Ok(());
    }
    let context = || format!("the memory in {}", from.display());
    for _ in 0..TRIES {
        remove(&to)?;
        std::fs::create_dir_all(&to)?;
        match kv::copy(&from.join(catalog::FILE), &to.join(catalog::FILE)) {
            Err(error) if error.is_damage() => {
                // The next start begins it anew, and so does one that is restored without it.
                tracing::warn!(%error, "the memory is damaged, and left out of the backup");
                remove(&to)?;
                return Ok(());
            }
            copied => copied.with_context(context)?,
        }
        // The copy says what counts. A run that is merged or dropped before it is copied is not there: so once more.
        let runs = Catalog::open(&to).and_then(|copy| copy.run_numbers()).with_context(context)?;
        let mut all = true;
        for number in runs {
            all &= copy_if_there(&catalog::file(&from, number), &catalog::file(&to, number))?;
        }
        if all {
            return Ok(());
        }
    }
    bail!("{} changes faster than it is copied: take the backup again", context())
}

/// Removes a file or folder. Says whether it was there.
fn remove(path: &Path) -> io::Result<bool> {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
