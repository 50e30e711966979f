//! Snapshots of the list: JSON lines of `{"t": RFC 3339, "items": [[title, heat, tag], …]}`.

use anyhow::{Context, ensure};
use jiff::{Timestamp, tz::TimeZone};
use serde::Deserialize;
use std::path::Path;

/// What marks an entry that is off the list.
const GONE: &str = "gone";
/// In which the hours of the day are reckoned.
const TIME_ZONE: &str = "Asia/Shanghai";

/// An entry of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is called: its identity.
    pub title: String,
    /// As the site shows it.
    pub heat: u64,
}

/// The list at one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The second.
    pub at: i64,
    /// The hour of the day, with its fraction, from 0 to 24.
    pub hour: f64,
    /// What is on the list, the hottest first.
    pub entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Line {
    t: Timestamp,
    items: Vec<(String, u64, String)>,
}

/// Reads snapshots in order of time.
///
/// # Errors
/// When the file cannot be read, a line is no snapshot, or a snapshot is older than the one before it: with the line's number.
pub fn read(path: &Path) -> anyhow::Result<Vec<Snapshot>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text).with_context(|| path.display().to_string())
}

/// The same from text.
///
/// # Errors
/// As [`read`].
pub fn parse(text: &str) -> anyhow::Result<Vec<Snapshot>> {
    let zone = TimeZone::get(TIME_ZONE).context("the time zone of the list")?;
    let mut snapshots: Vec<Snapshot> = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let number = index + 1;
        let Line { t, items } =
            serde_json::from_str(line).with_context(|| format!("line {number} is no snapshot of the list"))?;
        let at = t.as_second();
        ensure!(
            snapshots.last().is_none_or(|before| before.at < at),
            "line {number}: {t} is not after the snapshot before it; sort the file by time"
        );
        let time = zone.to_offset(t).to_datetime(t);
        let mut entries: Vec<Entry> =
            items.into_iter().filter(|(_, _, tag)| tag != GONE).map(|(title, heat, _)| Entry { title, heat }).collect();
        entries.sort_by(|a, b| b.heat.cmp(&a.heat).then_with(|| a.title.cmp(&b.title)));
        snapshots.push(Snapshot { at, hour: f64::from(time.hour()) + f64::from(time.minute()) / 60.0, entries });
    }
    Ok(snapshots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hottest_is_first_and_what_is_gone_is_off() {
        let line =
            r#"{"t": "2026-08-11T09:30:00+08:00", "items": [["甲", 5, "new"], ["乙", 9, "hot"], ["丙", 99, "gone"]]}"#;
        let read = parse(line).unwrap();
        assert_eq!((read[0].at, read[0].hour), (1_786_411_800, 9.5));
        let titles: Vec<&str> = read[0].entries.iter().map(|entry| entry.title.as_str()).collect();
        assert_eq!(titles, ["乙", "甲"]);
    }

    #[test]
    fn what_cannot_be_read_is_named_by_its_line() {
        let good = r#"{"t": "2026-08-11T09:30:00+08:00", "items": []}"#;
        let error = |text: &str| format!("{:#}", parse(text).unwrap_err());
        assert!(error(&format!("{good}\n{{\"t\": 1}}")).starts_with("line 2 is no snapshot"));
        assert!(error(&format!("{good}\n\n{good}")).starts_with("line 3: 2026-08-11T01:30:00Z is not after"));
        assert!(error("{\"t\": \"2026-08-11T09:30:00+08:00\", \"items\": [[\"甲\", -1, \"new\"]]}").contains("line 1"));
    }
}
