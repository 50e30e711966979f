//! The benchmark's files: counts, windows and profiles in, results out.
//!
//! | what | beside the counts | in the benchmark's own tree |
//! |---|---|---|
//! | counts: `timestamp,value` | `*.csv` | `data/realTweets/*.csv` |
//! | windows: begin and end of each, by file | `combined_windows.json` | `labels/combined_windows.json` |
//! | profiles: the cost matrices | `profiles.json` | `config/profiles.json` |
//!
//! Timestamps have no zone and are taken for UTC.

use super::scorer::Weights;
use anyhow::{Context, Result, bail, ensure};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use serde::Deserialize;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// The seconds of a row.
pub const STEP: u32 = 300;
/// The part of the benchmark that is read, as its files of windows name it.
const PART: &str = "realTweets";
const DETECTOR: &str = "wanglou";

/// One row of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As it stands in the file.
    timestamp: String,
    value: String,
    /// The begin of its five minutes.
    pub at: Timestamp,
    /// Tweets in them.
    pub count: u64,
}

/// One file of counts, with its windows.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// Its name, without the folder.
    pub name: String,
    /// In order of time.
    pub rows: Vec<Row>,
    /// The rows of each window, in order.
    pub windows: Vec<RangeInclusive<usize>>,
}

/// A profile: its name and what it weighs.
pub type Profile = (String, Weights);

/// All files of a folder, by name, and the profiles: the standard one first.
///
/// # Errors
/// When a file is missing or is not what it should be: which one, where, and what was expected.
pub fn read(folder: &Path) -> Result<(Vec<File>, Vec<Profile>)> {
    let tree = folder.join("data").join(PART);
    let (counts, labels, config) = if tree.is_dir() {
        (tree, folder.join("labels"), folder.join("config"))
    } else {
        (folder.to_owned(), folder.to_owned(), folder.to_owned())
    };
    let windows = text(&labels.join("combined_windows.json"))?;
    let windows: BTreeMap<String, Vec<(String, String)>> = serde_json::from_str(&windows).with_context(|| {
        format!("{}: not a list of windows by file", labels.join("combined_windows.json").display())
    })?;
    let mut paths: Vec<PathBuf> = fs::read_dir(&counts)
        .with_context(|| format!("{} cannot be listed", counts.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "csv"))
        .collect();
    paths.sort();
    ensure!(!paths.is_empty(), "{}: no .csv file; give the folder of the benchmark's tweet counts", counts.display());
    let mut files = Vec::new();
    for path in paths {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let key = format!("{PART}/{name}");
        let windows = windows
            .get(&key)
            .with_context(|| format!("{key} is not in combined_windows.json; take the file away or add its windows"))?;
        files.push(file(&name, &text(&path)?, windows).with_context(|| path.display().to_string())?);
    }
    let profiles = profiles(&text(&config.join("profiles.json"))?)
        .with_context(|| config.join("profiles.json").display().to_string())?;
    Ok((files, profiles))
}

fn text(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

fn file(name: &str, text: &str, windows: &[(String, String)]) -> Result<File> {
    let mut lines = text.lines();
    ensure!(lines.next().map(str::trim) == Some("timestamp,value"), "line 1: not timestamp,value");
    let mut rows: Vec<Row> = Vec::new();
    for (number, line) in lines.enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let row = row(line).with_context(|| format!("line {}: {line:.60}", number + 2))?;
        if let Some(last) = rows.last()
            && row.at <= last.at
        {
            bail!("line {}: not after the line before; sort the rows by time", number + 2);
        }
        rows.push(row);
    }
    let windows = windows.iter().map(|(begin, end)| {
        let (begin, end) = (time(begin)?, time(end)?);
        let first = rows.partition_point(|row| row.at < begin);
        let beyond = rows.partition_point(|row| row.at <= end);
        ensure!(first < beyond, "no row lies in the window from {begin} to {end}");
        Ok(first..=beyond - 1)
    });
    let mut windows = windows.collect::<Result<Vec<_>>>()?;
    windows.sort_by_key(|window| *window.start());
    for pair in windows.windows(2) {
        ensure!(pair[0].end() < pair[1].start(), "two windows overlap: rows {:?} and {:?}", pair[0], pair[1]);
    }
    Ok(File { name: name.into(), rows, windows })
}

fn row(line: &str) -> Result<Row> {
    let (timestamp, value) = line.trim().split_once(',').context("expected timestamp,value")?;
    let count: f64 = value.parse().with_context(|| format!("{value:.20} is no number"))?;
    ensure!(count.is_finite() && count >= 0.0, "{value:.20} is no count");
    Ok(Row { timestamp: timestamp.into(), value: value.into(), at: time(timestamp)?, count: count.round() as u64 })
}

fn time(text: &str) -> Result<Timestamp> {
    let civil: DateTime =
        text.trim().parse().with_context(|| format!("{text:.40} is no time such as 2015-02-26 21:42:53"))?;
    Ok(TimeZone::UTC.to_timestamp(civil)?)
}

fn profiles(text: &str) -> Result<Vec<Profile>> {
    #[derive(Deserialize)]
    struct Entry {
        #[serde(rename = "CostMatrix")]
        costs: Costs,
    }
    #[derive(Deserialize)]
    struct Costs {
        #[serde(rename = "tpWeight")]
        true_positive: f64,
        #[serde(rename = "fpWeight")]
        false_positive: f64,
        #[serde(rename = "fnWeight")]
        false_negative: f64,
    }
    let entries: BTreeMap<String, Entry> =
        serde_json::from_str(text).context("not a list of cost matrices by profile")?;
    let weights = |Costs { true_positive, false_positive, false_negative }| Weights {
        true_positive,
        false_positive,
        false_negative,
    };
    let mut profiles: Vec<Profile> = entries.into_iter().map(|(name, entry)| (name, weights(entry.costs))).collect();
    profiles.sort_by_key(|(name, _)| name != "standard");
    ensure!(!profiles.is_empty(), "no profile in it");
    Ok(profiles)
}

/// Writes the scores of a file as the benchmark's scorers read them, and says where.
///
/// # Errors
/// When it cannot be written.
pub fn write(folder: &Path, file: &File, scores: &[f64]) -> Result<PathBuf> {
    let folder = folder.join(DETECTOR).join(PART);
    fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = folder.join(format!("{DETECTOR}_{}", file.name));
    fs::write(&path, result(file, scores)).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}

fn result(file: &File, scores: &[f64]) -> String {
    let mut text = String::from("timestamp,value,anomaly_score,label\n");
    for (number, (row, score)) in file.rows.iter().zip(scores).enumerate() {
        let label = u8::from(file.windows.iter().any(|window| window.contains(&number)));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{},{},{score},{label}", row.timestamp, row.value);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTS: &str = "timestamp,value\n2015-01-01 00:02:53,4\n2015-01-01 00:07:53,9.0\n2015-01-01 00:12:53,3\n";

    fn windows(of: &[(&str, &str)]) -> Vec<(String, String)> {
        of.iter().map(|(begin, end)| ((*begin).into(), (*end).into())).collect()
    }

    fn refused(text: &str, of: &[(&str, &str)]) -> String {
        format!("{:#}", file("a.csv", text, &windows(of)).unwrap_err())
    }

    #[test]
    fn counts_and_windows_are_read_and_results_written() {
        let of = windows(&[("2015-01-01 00:07:53.000000", "2015-01-01 00:12:53.000000")]);
        let file = file("a.csv", COUNTS, &of).unwrap();
        assert_eq!(file.rows.iter().map(|row| row.count).collect::<Vec<_>>(), [4, 9, 3]);
        assert_eq!(file.windows, [1..=2]);
        assert_eq!(
            result(&file, &[0.0, 0.75, 0.0]),
            "timestamp,value,anomaly_score,label\n2015-01-01 00:02:53,4,0,0\n2015-01-01 00:07:53,9.0,0.75,1\n2015-01-01 00:12:53,3,0,1\n"
        );
    }

    #[test]
    fn what_is_wrong_is_refused_with_where_it_is() {
        assert!(refused("time,value\n", &[]).contains("line 1"));
        assert!(refused("timestamp,value\n2015-01-01 00:02:53,many\n", &[]).contains("line 2"));
        assert!(refused("timestamp,value\nyesterday,3\n", &[]).contains("line 2"));
        assert!(refused("timestamp,value\n2015-01-01 00:02:53,-3\n", &[]).contains("no count"));
        let back = "timestamp,value\n2015-01-01 00:07:53,1\n2015-01-01 00:02:53,1\n";
        assert!(refused(back, &[]).contains("line 3"));
        assert!(refused(COUNTS, &[("2016-01-01 00:00:00", "2016-01-02 00:00:00")]).contains("no row"));
        let twice = ("2015-01-01 00:02:53", "2015-01-01 00:07:53");
        assert!(refused(COUNTS, &[twice, twice]).contains("overlap"));
    }

    #[test]
    fn either_layout_is_read_and_the_standard_profile_comes_first() {
        let profiles = r#"{"other": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 2.0, "fpWeight": 0.5, "tnWeight": 1.0}},
            "standard": {"CostMatrix": {"tpWeight": 1.0, "fnWeight": 1.0, "fpWeight": 0.25, "tnWeight": 1.0}}}"#;
        let windows = r#"{"realTweets/a.csv": [["2015-01-01 00:07:53", "2015-01-01 00:12:53"]]}"#;
        let both = [["", "", ""], ["data/realTweets", "labels", "config"]].map(|folders| {
            let folder = tempfile::tempdir().unwrap();
            for (sub, (name, text)) in
                folders.iter().zip([("a.csv", COUNTS), ("combined_windows.json", windows), ("profiles.json", profiles)])
            {
                fs::create_dir_all(folder.path().join(sub)).unwrap();
                fs::write(folder.path().join(sub).join(name), text).unwrap();
            }
            read(folder.path()).unwrap()
        });
        assert_eq!(both[0], both[1]);
        assert_eq!(both[0].1[0].0, "standard");
        assert_eq!(both[0].1[1].1.false_negative, 2.0);
    }
}
