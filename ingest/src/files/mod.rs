//! Kind `file`: folders that are watched, by which hotlines and units hand in what they have: JSON Lines, CSV, XLSX.
//!
//! * [`columns`], [`row`]: from a row to a post, by the config. Pure.
//! * [`reader`], [`text`], [`xlsx`]: from a file to rows.
//! * [`listing`]: what to do with each file of a folder. Pure.
//! * [`away`]: where files go that have been read.
//! * [`memory`]: how far each file has been read.
//! * [`folder`]: one look at a folder: list, read, hand in, put away, report.
//! * [`watch`]: whose folder it is, and the looks, one after the other.
//!
//! Nothing of a file is lost by a crash: the memory moves after the door has acknowledged. What was handed in and not yet remembered
//! is handed in again, and spared. Files are never changed and never deleted; `done = "move"` moves them.

mod away;
mod columns;
mod folder;
mod listing;
mod memory;
mod reader;
mod row;
mod text;
mod watch;
mod xlsx;

pub(crate) use memory::MEMORIES;
pub(crate) use watch::{Files, run};

use crate::{
    charset,
    source::{html::check_format, placed},
};
use columns::Columns;
use jiff::tz::TimeZone;
use reader::Reading;
use regex::Regex;
use row::Manner;
use schemas::{
    kit::settings::{Done, Fault, Settings, Source, SourceKind},
    records::Kind,
};
use std::{path::PathBuf, time::Duration};
use xxhash_rust::xxh3::xxh3_64;

/// A source of kind `file`, ready to be looked at.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pattern: Option<Regex>,
    pub(crate) every: Duration,
    reading: Reading,
    /// Hash of all that decides how its files are read.
    reading_print: u64,
    done: Done,
}

impl Folder {
    fn new(source: &Source, tz: TimeZone) -> Result<Self, Vec<(Vec<String>, String)>> {
        let mut faults = Vec::new();
        let mut fault = |path: &[&str], message: String| {
            faults.push((path.iter().map(|&key| key.to_owned()).collect(), message));
        };
        let settings = &source.file;
        let pattern = source.pattern.as_deref().map(listing::pattern).transpose().unwrap_or_else(|error| {
            fault(&["pattern"], error.to_string());
            None
        });
        let encoding = source.encoding.as_deref().and_then(|name| {
            let encoding = charset::named(name);
            if encoding.is_none() {
                fault(&["encoding"], format!("{name:?} is no encoding, such as \"gb18030\" or \"utf-8\""));
            }
            encoding
        });
        for format in &settings.time_formats {
            if let Err(error) = check_format(format) {
                fault(&["file", "time_formats"], error);
            }
        }
        let columns = Columns::new(source).unwrap_or_else(|wrong| {
            for (heading, message) in wrong {
                fault(&["columns"], format!("{heading}: {message}"));
            }
            Columns::default()
        });
        if !faults.is_empty() {
            return Err(faults);
        }
        // Checked by the settings.
        let tz = settings.timezone.as_deref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(tz);
        let manner = Manner {
            source: settings.source.clone().unwrap_or_else(|| source.id.clone()),
            kind: settings.kind.unwrap_or(Kind::Post),
            place: settings.place.clone(),
            tz,
            time_formats: settings.time_formats.clone(),
        };
        let reading_print =
            xxh3_64(format!("{:?}{:?}{:?}{manner:?}", source.columns, settings, source.encoding).as_bytes());
        let reading = Reading {
            columns,
            manner,
            encoding,
            delimiter: settings.delimiter.as_ref().and_then(|delimiter| delimiter.bytes().next()),
            header: settings.header.map(u64::from),
            sheet: settings.sheet.clone(),
        };
        Ok(Self {
            id: source.id.clone(),
            name: source.display_name().to_owned(),
            path: source.path.clone().unwrap_or_default(),
            pattern,
            every: source.every,
            reading,
            reading_print,
            done: settings.done,
        })
    }
}

/// All sources that are folders.
///
/// # Errors
/// Every fault, with its line.
pub(crate) fn folders(settings: &Settings) -> Result<Vec<Folder>, Vec<Fault>> {
    let (mut folders, mut faults) = (Vec::new(), Vec::new());
    for source in settings.source.iter().filter(|source| source.get_ref().kind == SourceKind::File) {
        match Folder::new(source.get_ref(), settings.tz()) {
            Ok(folder) => folders.push(folder),
            Err(wrong) => faults.extend(wrong.into_iter().map(|wrong| placed(settings, source, wrong))),
        }
    }
    if faults.is_empty() { Ok(folders) } else { Err(faults) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::kit::settings::Place;

    /// A hotline's folder, with more keys of its source.
    pub(super) fn folder(more: &str) -> Result<Folder, Vec<Fault>> {
        let text = format!("[[source]]\nid = \"hotline\"\nkind = \"file\"\npath = \"/srv/hotline\"\n{more}");
        folders(&Settings::parse(&text, []).unwrap()).map(|mut folders| folders.remove(0))
    }

    #[test]
    fn every_fault_is_named_with_its_line() {
        let faults = folder(
            "encoding = \"klingon\"\n[source.file]\ntime_formats = [\"%Y %!\"]\n[source.columns]\n\"编号\" = \"number\"",
        )
        .unwrap_err();
        let mut lines: Vec<_> = faults
            .iter()
            .map(|fault| match fault.place {
                Place::Line(line) => line,
                _ => 0,
            })
            .collect();
        lines.sort_unstable();
        assert_eq!(lines, [5, 7, 8], "{faults:#?}");
    }

    #[test]
    fn a_change_of_how_files_are_read_shows() {
        let print = |more: &str| folder(more).unwrap().reading_print;
        let plain = print("");
        assert_eq!(plain, print("every = \"5s\"\n[source.file]\n"));
        for more in ["[source.columns]\n\"x\" = \"text\"", "[source.file]\nheader = 2", "encoding = \"gbk\""] {
            assert_ne!(plain, print(more), "{more}");
        }
    }
}
