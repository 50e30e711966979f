//! Folders of the archive: `2026-11` is a month as it was first built, `2026-11.2` as it was built anew.
//!
//! A generation that is built beside the one in use becomes the month's by its last commit alone, which names what it covers; the
//! commits before name nothing. So the change is one atomic step, and whatever a crash leaves behind is told apart:
//!
//! | folders of a month | the month is | the rest |
//! |---|---|---|
//! | the first | the first | – |
//! | several, of which some name what they cover | the one that covers the most; of equals the latest | is removed |
//! | several, of which none does | the earliest: nothing is in it yet, and nothing can be in a copy of it | is removed |

use super::{coverage::Coverage, dates::Month};
use anyhow::Context;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A month's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Generation {
    pub(super) month: Month,
    pub(super) number: u32,
    pub(super) path: PathBuf,
}

impl Generation {
    /// The first of a month.
    pub(super) fn first(archive: &Path, month: Month) -> Self {
        Self { month, number: 1, path: archive.join(month.to_string()) }
    }

    /// The one after this.
    pub(super) fn next(&self) -> Self {
        let number = self.number + 1;
        Self { number, path: self.path.with_file_name(format!("{}.{number}", self.month)), ..*self }
    }

    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (month, number) = match name.split_once('.') {
            None => (name, 1),
            Some((month, number)) => (month, number.parse().ok().filter(|number| *number > 1)?),
        };
        let month: Month = month.parse().ok()?;
        let named = Self { month, number, path: path.to_owned() };
        let again = if number == 1 { month.to_string() } else { format!("{month}.{number}") };
        (again == name).then_some(named)
    }

    /// Removes it, if it is there: aside first, in one step, so that nobody takes half of it for a month. What has it open goes
    /// on reading.
    pub(super) fn remove(&self) {
        if let Err(error) = self.set_aside() {
            tracing::warn!(folder = %self.path.display(), %error, "a folder that is no longer needed stays until the next start");
        }
    }

    /// As [`Self::remove`].
    ///
    /// # Errors
    /// When it is as it was.
    pub(super) fn set_aside(&self) -> std::io::Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let aside = self.path.with_file_name(format!("{GONE}{name}"));
        remove_folder(&aside);
        match std::fs::rename(&self.path, &aside) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => {
                remove_folder(&aside);
                Ok(())
            }
        }
    }
}

/// What the name of a folder that is being removed begins with.
const GONE: &str = ".gone-";

fn remove_folder(folder: &Path) {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(folder = %folder.display(), %error, "a folder that is no longer needed stays until the next start");
        }
        _ => {}
    }
}

/// Removes what a crash kept from being removed.
pub(super) fn tidy(archive: &Path, left: &[Generation]) -> std::io::Result<()> {
    for entry in std::fs::read_dir(archive)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(GONE) {
            remove_folder(&entry.path());
        }
    }
    left.iter().for_each(Generation::remove);
    Ok(())
}

/// The months' folders, and those that are left over. `covered` says what a generation names that it covers.
pub(super) fn list(
    archive: &Path,
    covered: impl Fn(&Generation) -> anyhow::Result<Option<Coverage>>,
) -> anyhow::Result<(Vec<Generation>, Vec<Generation>)> {
    let entries = match std::fs::read_dir(archive) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok((Vec::new(), Vec::new())),
        Err(error) => return Err(error).with_context(|| format!("listing {}", archive.display())),
    };
    let mut of_month: BTreeMap<Month, Vec<Generation>> = BTreeMap::new();
    for entry in entries {
        if let Some(generation) = Generation::of(&entry?.path()) {
            of_month.entry(generation.month).or_default().push(generation);
        }
    }
    let (mut used, mut left) = (Vec::new(), Vec::new());
    for (_, mut generations) in of_month {
        generations.sort_by_key(|generation| generation.number);
        let mut best: (usize, Option<Coverage>) = (0, None);
        if generations.len() > 1 {
            for (at, generation) in generations.iter().enumerate() {
                let Some(covered) = covered(generation)? else { continue };
                if best.1.as_ref().is_none_or(|best| covered.includes(best)) {
                    best = (at, Some(covered));
                }
            }
        }
        used.push(generations.swap_remove(best.0));
        left.extend(generations);
    }
    Ok((used, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(generations: &[Generation]) -> Vec<String> {
        let mut names: Vec<_> = generations.iter().map(|found| format!("{}/{}", found.month, found.number)).collect();
        names.sort();
        names
    }

    #[test]
    fn the_table() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "2026-09",
            "2026-10",
            "2026-10.2",
            "2026-10.3",
            "2026-11.2",
            "2026-12",
            "2026-12.2",
            "lock",
            "2026-11.1",
            "2026-11.02",
            "2026-08",
            "2026-08.2",
        ] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let covered = |generation: &Generation| {
            let name = generation.path.file_name().unwrap().to_str().unwrap();
            let covers = |next| {
                Coverage::decode(&format!(r#"{{"log":{{"cluster":"c","topic_id":"t"}},"next":[{next}]}}"#)).unwrap()
            };
            let found = [("2026-10", 7), ("2026-10.2", 7), ("2026-08", 8), ("2026-08.2", 7)];
            Ok(found.into_iter().find(|(of, _)| *of == name).map(|(_, next)| covers(next)))
        };
        let (used, left) = list(folder.path(), covered).unwrap();
        assert_eq!(numbers(&used), ["2026-08/1", "2026-09/1", "2026-10/2", "2026-11/2", "2026-12/1"]);
        assert_eq!(numbers(&left), ["2026-08/2", "2026-10/1", "2026-10/3", "2026-12/2"]);
        tidy(folder.path(), &left).unwrap();
        assert!(!folder.path().join("2026-08.2").exists() && folder.path().join("2026-08").exists());
        assert!(list(&folder.path().join("absent"), covered).unwrap().0.is_empty());
        let next = Generation::first(folder.path(), "2026-10".parse().unwrap()).next().next();
        assert_eq!(next.path, folder.path().join("2026-10.3"));
    }
}
