//! Finding every fault of a config, with its line.
//!
//! A TOML deserializer stops at the first error. To go on, the faulty lines are blanked out (the line numbers of the
//! others stay) and the text is read again, until it can be read or no line is left to blank.

use serde::de::DeserializeOwned;
use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

/// Where a fault is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A line, from 1.
    Line(usize),
    /// Another file that the config names, and a line of it, from 1.
    OfFile(PathBuf, Option<usize>),
    /// An environment variable.
    Environment(String),
}

/// A fault of the config: where, and what is wrong and would be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Fault {
    /// A fault.
    pub fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }

    /// The same fault, of a file that the config names and not of the config.
    #[must_use]
    pub(super) fn of_file(self, file: &Path) -> Self {
        let line = match self.place {
            Place::Line(line) => Some(line),
            _ => None,
        };
        Self { place: Place::OfFile(file.to_owned(), line), ..self }
    }

    /// The fault with the file's name before it: `wanglou.toml:12: …`.
    #[must_use]
    pub fn in_file(&self, file: &std::path::Path) -> String {
        match &self.place {
            Place::File => format!("{}: {}", file.display(), self.message),
            Place::Line(line) => format!("{}:{line}: {}", file.display(), self.message),
            Place::OfFile(other, None) => format!("{}: {}", other.display(), self.message),
            Place::OfFile(other, Some(line)) => format!("{}:{line}: {}", other.display(), self.message),
            Place::Environment(name) => format!("{name} (environment): {}", self.message),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.in_file("config".as_ref()))
    }
}

/// `Ok` where there is no fault.
///
/// # Errors
/// The faults, in the order of their lines.
pub fn no_fault(mut faults: Vec<Fault>) -> Result<(), Vec<Fault>> {
    faults.sort();
    faults.dedup();
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Reads a text, or names every fault of it.
pub(super) fn deserialize<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Fault>> {
    let mut left = text.to_owned();
    let mut faults = Vec::new();
    loop {
        let error = match toml::from_str::<T>(&left) {
            Ok(value) if faults.is_empty() => return Ok(value),
            Ok(_) => break,
            Err(error) => error,
        };
        let Some(span) = error.span() else {
            faults.push(Fault::new(Place::File, error.message().trim().to_owned()));
            break;
        };
        faults.push(Fault::new(Place::Line(line_of(&left, span.start)), readable(error.message())));
        if !blank(&mut left, span) {
            break;
        }
    }
    no_fault(faults).and_then(|()| Err(vec![Fault::new(Place::File, "cannot be read")]))
}

fn readable(message: &str) -> String {
    message.trim().replace("unknown field", "unknown key").replace("missing field", "missing key")
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|&&byte| byte == b'\n').count() + 1
}

/// Blanks the faulty lines; when the fault is a whole table (a key is missing in it), the table. Returns whether there was
/// anything left to blank.
fn blank(text: &mut String, span: Range<usize>) -> bool {
    let start = text[..span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let first_line_end = text[start..].find('\n').map_or(text.len(), |length| start + length);
    let is_header = text[start..first_line_end].trim_start().starts_with('[');
    let mut end = text[span.end.max(start)..].find('\n').map_or(text.len(), |length| span.end.max(start) + length);
    if is_header {
        // Up to the next header.
        end = text[first_line_end..]
            .match_indices('\n')
            .map(|(at, _)| first_line_end + at)
            .find(|&at| text[at + 1..].trim_start_matches([' ', '\t']).starts_with('['))
            .unwrap_or(text.len());
    }
    let blanked: String = text[start..end].chars().filter(|&c| c == '\n').collect();
    let had_any = text[start..end].chars().any(|c| !c.is_whitespace());
    text.replace_range(start..end, &blanked);
    had_any
}

/// The line of a key within a table's text; the table's own line where the key is not written there.
pub(super) fn place_of_key(text: &str, table: Range<usize>, key: &str) -> Place {
    let table = table.start.min(text.len())..table.end.min(text.len());
    // Spans of tables may end with the header; keys follow up to the next header.
    let end = text[table.start..]
        .match_indices('\n')
        .map(|(at, _)| table.start + at + 1)
        .find(|&at| at > table.end && text[at..].trim_start_matches([' ', '\t']).starts_with('['))
        .unwrap_or(text.len());
    let mut at = table.start;
    for line in text[table.start..end].split_inclusive('\n') {
        let written = line.trim_start();
        if written.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', '.'])) {
            return Place::Line(line_of(text, at));
        }
        at += line.len();
    }
    Place::Line(line_of(text, table.start))
}

/// The line of a key of a sub-table, which may be written as a table of its own (`[source.thread.fields]`) or within one
/// around it; the line of the nearest table that is written where the key is not.
pub(super) fn place_within(text: &str, section: &str, table: Range<usize>, path: &[&str]) -> Place {
    let start = table.start.min(text.len());
    let next = text[start..].match_indices('\n').map(|(at, _)| start + at + 1).find(|&at| {
        at > table.start && text[at..].trim_start_matches([' ', '\t']).starts_with(&format!("[[{section}]]"))
    });
    let own = &text[..next.unwrap_or(text.len())];
    for depth in (1..=path.len()).rev() {
        let header = format!("[{section}.{}]", path[..depth].join("."));
        let mut at = start;
        for line in own[start..].split_inclusive('\n') {
            if line.trim_start().starts_with(&header) {
                return path.get(depth).map_or(Place::Line(line_of(own, at)), |key| place_of_key(own, at..at, key));
            }
            at += line.len();
        }
    }
    place_of_key(own, table, path.first().copied().unwrap_or_default())
}

/// Where a section begins in the text; the beginning when it is not written.
pub(super) fn section(text: &str, name: &str) -> Range<usize> {
    let at = text
        .split_inclusive('\n')
        .scan(0, |at, line| {
            let here = *at;
            *at += line.len();
            Some((here, line))
        })
        .find(|(_, line)| !name.is_empty() && line.trim().starts_with(&format!("[{name}]")))
        .map_or(0, |(at, _)| at);
    at..at
}

/// The text with overrides from the environment (`WANGLOU__SECTION__KEY`), if there are any.
pub(super) fn overridden(
    text: &str,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Option<String>, Vec<Fault>> {
    let mut document: toml_edit::DocumentMut =
        text.parse().map_err(|error: toml_edit::TomlError| vec![Fault::new(Place::File, error.to_string())])?;
    let mut faults = Vec::new();
    let mut any = false;
    for (name, value) in environment {
        let Some(path) = name.strip_prefix("WANGLOU__") else { continue };
        let keys: Vec<String> = path.split("__").map(str::to_lowercase).collect();
        let fault = |message: &str| Fault::new(Place::Environment(name.clone()), message);
        let Some((last, sections)) = keys.split_last().filter(|_| keys.iter().all(|key| !key.is_empty())) else {
            faults.push(fault("names no key: WANGLOU__SECTION__KEY is wanted"));
            continue;
        };
        let Some(table) = descend(document.as_table_mut(), sections) else {
            faults.push(fault("names a list: only keys of plain sections can be overridden"));
            continue;
        };
        let value = value.parse::<toml_edit::Value>().unwrap_or_else(|_| value.as_str().into());
        table.insert(last, toml_edit::Item::Value(value));
        any = true;
    }
    no_fault(faults)?;
    Ok(any.then(|| document.to_string()))
}

fn descend<'a>(table: &'a mut toml_edit::Table, sections: &[String]) -> Option<&'a mut toml_edit::Table> {
    match sections.split_first() {
        None => Some(table),
        Some((first, rest)) => descend(table.entry(first).or_insert_with(toml_edit::table).as_table_mut()?, rest),
    }
}
