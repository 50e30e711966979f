//! Room on the disk: when intake stops, and when it goes on.
//!
//! A disk that is full stops everything at once, the pages too. So intake, and intake alone, stops while there is still a
//! reserve: what was taken is analyzed, incidents open and pages go out within it. Nobody needs to start anything again
//! when there is room.
//!
//! | intake | the disk | from then on |
//! |---|---|---|
//! | any | its file system is read-only | [`Intake::ReadOnly`] |
//! | open | free ≥ reserve | open |
//! | open | free < reserve | [`Intake::Short`] |
//! | short or read-only | free < reserve and a tenth of it more | short |
//! | short or read-only | free ≥ reserve and a tenth of it more | open |
//! | any | it cannot be asked | as before: what fails then fails by itself and says so |
//!
//! The tenth is there so that intake does not flap at the brim.

use crate::kit::metrics;
use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The reserve, unless the config sets one: a fiftieth of the disk, at most 1 GiB.
const LARGEST_DEFAULT: u64 = 1 << 30;
const DEFAULT_SHARE: u64 = 50;

/// A disk as it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes that this process may still fill.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
    /// Whether the file system takes no writes.
    pub read_only: bool,
}

impl Space {
    /// Asks the operating system about the disk that a folder lies on.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn of(folder: &Path) -> io::Result<Self> {
        let found = rustix::fs::statvfs(folder)?;
        Ok(Self {
            free: found.f_bavail.saturating_mul(found.f_frsize),
            total: found.f_blocks.saturating_mul(found.f_frsize),
            read_only: found.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY),
        })
    }

    /// The reserve that is kept on this disk.
    #[must_use]
    pub fn reserve(self, configured: Option<u64>) -> u64 {
        configured.unwrap_or(LARGEST_DEFAULT.min(self.total / DEFAULT_SHARE))
    }
}

/// Whether posts are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Intake {
    /// They are.
    #[default]
    Open,
    /// Not now: what is free is the reserve.
    Short,
    /// Not now: the file system takes no writes.
    ReadOnly,
}

impl Intake {
    /// What comes of it, given the disk as it is now. See the module's table.
    #[must_use]
    pub fn next(self, space: Space, reserve: u64) -> Self {
        let wanted = match self {
            Self::Open => reserve,
            Self::Short | Self::ReadOnly => reserve.saturating_add(reserve / 10),
        };
        match space {
            Space { read_only: true, .. } => Self::ReadOnly,
            Space { free, .. } if free < wanted => Self::Short,
            Space { .. } => Self::Open,
        }
    }
}

type Probe = Box<dyn Fn() -> io::Result<Space> + Send + Sync>;

/// The disk that a folder lies on, and whether there is room for intake. Asking costs a microsecond: it is done for every
/// append, so that intake stops in time and goes on at once.
pub struct Disk {
    folder: PathBuf,
    reserve: Option<u64>,
    probe: Probe,
    intake: Mutex<Intake>,
}

impl Disk {
    /// The disk of a folder. `None`: the default reserve.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>, reserve: Option<u64>) -> Self {
        let folder = folder.into();
        let asked = folder.clone();
        Self::with_probe(folder, reserve, move || Space::of(&asked))
    }

    /// A disk that is found to be what `probe` says.
    #[must_use]
    pub fn with_probe(
        folder: impl Into<PathBuf>,
        reserve: Option<u64>,
        probe: impl Fn() -> io::Result<Space> + Send + Sync + 'static,
    ) -> Self {
        Self { folder: folder.into(), reserve, probe: Box::new(probe), intake: Mutex::default() }
    }

    /// Looks, and shows what it found in the metrics; a change is logged.
    ///
    /// # Errors
    /// Why no posts are taken now, and what to do.
    pub fn check(&self) -> Result<(), String> {
        let mut intake = self.intake.lock().unwrap_or_else(PoisonError::into_inner);
        let space = match (self.probe)() {
            Ok(space) => space,
            Err(error) => {
                tracing::warn!(folder = %self.folder.display(), %error, "the disk cannot be asked how much room it has");
                return if *intake == Intake::Open {
                    Ok(())
                } else {
                    Err(format!("the disk of {}: {error}", self.folder.display()))
                };
            }
        };
        let reserve = space.reserve(self.reserve);
        let next = intake.next(space, reserve);
        let before = std::mem::replace(&mut *intake, next);
        metrics::DISK_FREE.set(space.free.try_into().unwrap_or(i64::MAX));
        metrics::DISK_RESERVE.set(reserve.try_into().unwrap_or(i64::MAX));
        metrics::DISK_STOPPED.set((*intake != Intake::Open).into());
        let outcome = self.told(*intake, space, reserve);
        if before != *intake {
            match &outcome {
                Ok(()) => {
                    tracing::info!(folder = %self.folder.display(), free = space.free, "there is room again: posts are taken");
                }
                Err(reason) => tracing::error!(%reason, "no posts are taken until there is room"),
            }
        }
        outcome
    }

    fn told(&self, intake: Intake, space: Space, reserve: u64) -> Result<(), String> {
        let folder = self.folder.display();
        match intake {
            Intake::Open => Ok(()),
            Intake::Short => Err(format!(
                "the disk of {folder} has {} left and keeps {} in reserve ([disk] reserve_bytes): make room, and posts are taken \
                 again by themselves",
                told_bytes(space.free),
                told_bytes(reserve)
            )),
            Intake::ReadOnly => Err(format!(
                "the file system of {folder} is read-only: see the system's log for the disk's fault, and mount it writable again"
            )),
        }
    }
}

/// A size as a person reads it.
fn told_bytes(bytes: u64) -> String {
    if bytes < 10 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) }
}

impl fmt::Debug for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Disk").field("folder", &self.folder).field("reserve", &self.reserve).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn space(free: u64) -> Space {
        Space { free, total: 1000, read_only: false }
    }

    #[test]
    fn the_table() {
        use Intake::*;
        let read_only = |free| Space { read_only: true, ..space(free) };
        for (intake, space, next) in [
            (Open, space(100), Open),
            (Open, space(99), Short),
            (Short, space(109), Short),
            (Short, space(110), Open),
            (Open, read_only(999), ReadOnly),
            (Short, read_only(999), ReadOnly),
            (ReadOnly, space(109), Short),
            (ReadOnly, space(110), Open),
        ] {
            assert_eq!(intake.next(space, 100), next, "{intake:?} {space:?}");
        }
        assert_eq!(Short.next(space(0), 0), Open, "without a reserve only a read-only disk stops intake");
        assert_eq!(Open.next(space(u64::MAX - 1), u64::MAX), Short, "an absurd reserve does not wrap around");
    }

    #[test]
    fn the_default_reserve_fits_the_disk() {
        let of = |total| Space { free: 0, total, read_only: false }.reserve(None);
        assert_eq!((of(10 << 30), of(1 << 50)), ((10 << 30) / 50, 1 << 30));
        assert_eq!(space(0).reserve(Some(7)), 7);
    }

    #[test]
    fn a_real_disk_can_be_asked() {
        let folder = tempfile::tempdir().unwrap();
        let found = Space::of(folder.path()).unwrap();
        assert!(found.total > 0 && found.free <= found.total && !found.read_only);
        assert!(Space::of(&folder.path().join("absent")).is_err());
    }

    #[test]
    fn what_is_wrong_is_told_and_ends_by_itself() {
        let found = Arc::new(Mutex::new(Ok(space(50))));
        let probed = Arc::clone(&found);
        let disk = Disk::with_probe("/data", Some(100), move || {
            probed.lock().unwrap().as_ref().copied().map_err(|()| io::ErrorKind::NotFound.into())
        });
        let told = disk.check().unwrap_err();
        assert!(told.contains("/data") && told.contains("reserve_bytes"), "{told}");
        *found.lock().unwrap() = Err(());
        assert!(disk.check().is_err(), "what cannot be asked is as it was");
        *found.lock().unwrap() = Ok(space(110));
        assert_eq!(disk.check(), Ok(()));
        *found.lock().unwrap() = Err(());
        assert_eq!(disk.check(), Ok(()));
        *found.lock().unwrap() = Ok(Space { read_only: true, ..space(500) });
        assert!(disk.check().unwrap_err().contains("read-only"));
    }
}
