//! Where files go when they have been read: `done/` and `failed/` within the folder, and what is told of those that failed.

use std::{
    fmt::Write,
    fs, io,
    path::{Path, PathBuf},
};

/// Rows that are named in a report; of more only the number is told.
const MOST_NAMED: usize = 10_000;

/// What was refused of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refusals {
    rows: Vec<(u64, String)>,
    pub(crate) count: u64,
    /// Why the file was not read to its end.
    pub(crate) unfit: Option<String>,
}

impl Refusals {
    pub(crate) fn row(&mut self, line: u64, reason: String) {
        self.count += 1;
        if self.rows.len() < MOST_NAMED {
            self.rows.push((line, reason));
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        self.count == 0 && self.unfit.is_none()
    }

    /// In a line, for a report of the visit.
    pub(crate) fn short(&self) -> String {
        let mut parts: Vec<String> = self.unfit.iter().cloned().collect();
        if let Some((line, reason)) = self.rows.first() {
            let others = if self.count > 1 { format!(" (and {} more rows)", self.count - 1) } else { String::new() };
            parts.push(format!("row {line} refused: {reason}{others}"));
        }
        parts.join("; ")
    }

    /// In full, for whoever handed the file in.
    pub(crate) fn full(&self, name: &str, taken: u64) -> String {
        let mut text = format!("{name}: {taken} rows were taken, {} refused.\n", self.count);
        if let Some(unfit) = &self.unfit {
            // Writing to a string does not fail.
            let _ = writeln!(text, "The file was not read to its end: {unfit}");
        }
        for (line, reason) in &self.rows {
            let _ = writeln!(text, "row {line}: {reason}");
        }
        if self.count > self.rows.len() as u64 {
            let _ = writeln!(text, "and {} more", self.count - self.rows.len() as u64);
        }
        text
    }
}

/// Moves a file to `done/`; one that something was refused of to `failed/`, with a report beside it. Nothing that is there is
/// overwritten.
///
/// # Errors
/// When the folder cannot be written. The file then still stands where it was.
pub(crate) fn put(folder: &Path, name: &str, failed: bool, report: Option<&str>) -> io::Result<PathBuf> {
    let to = folder.join(if failed { "failed" } else { "done" });
    fs::create_dir_all(&to)?;
    let free = (1..).map(|number| if number == 1 { name.to_owned() } else { format!("{number}~{name}") });
    let free = free.into_iter().find(|name| !to.join(name).exists()).unwrap_or_default();
    if let Some(report) = report.filter(|_| failed) {
        fs::write(to.join(format!("{free}.errors.txt")), report)?;
    }
    let to = to.join(free);
    fs::rename(folder.join(name), &to)?;
    Ok(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        for content in ["one", "two"] {
            fs::write(folder.path().join("x.csv"), content).unwrap();
            put(folder.path(), "x.csv", true, Some(content)).unwrap();
        }
        let read = |name: &str| fs::read_to_string(folder.path().join("failed").join(name)).unwrap();
        assert_eq!((read("x.csv"), read("2~x.csv")), ("one".into(), "two".into()));
        assert_eq!((read("x.csv.errors.txt"), read("2~x.csv.errors.txt")), ("one".into(), "two".into()));
        assert!(!folder.path().join("x.csv").exists());
    }

    #[test]
    fn refusals_are_named_up_to_a_limit_and_counted() {
        let mut refusals = Refusals::default();
        for line in 2..MOST_NAMED as u64 + 5 {
            refusals.row(line, "column 来电时间: \"昨天\"".into());
        }
        let full = refusals.full("x.csv", 7);
        assert!(
            full.starts_with("x.csv: 7 rows were taken, 10003 refused.\nrow 2: column 来电时间"),
            "{}",
            &full[..80]
        );
        assert!(full.ends_with("and 3 more\n"));
        assert_eq!(refusals.short(), "row 2 refused: column 来电时间: \"昨天\" (and 10002 more rows)");
    }
}
