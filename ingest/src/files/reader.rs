//! Reads a file row by row: JSON Lines, CSV, XLSX. Blocking; to be run on a thread that may take its time.
//!
//! JSON Lines and CSV are streamed, however large. An XLSX is bounded ([`super::xlsx`]).
//!
//! | what is wrong | outcome |
//! |---|---|
//! | a value of a row | that row is refused, the column named; the others are taken |
//! | the headings | the file is refused ([`Unfit::Layout`]): every row would be |
//! | the file itself breaks off, or is no such file | what came before is taken, the rest refused ([`Unfit::Broken`]) |

use super::{
    columns::{Columns, Headings, number_name},
    row::{self, Cell, Manner},
    text::{Leash, Text},
    xlsx,
};
use crate::door::Rejectable;
use encoding_rs::Encoding;
use jiff::Timestamp;
use schemas::records::{DoorPost, MAX_LINE_BYTES};
use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::Path,
};

/// The longest row of a table, in bytes: a post's text may have 256 KiB.
pub(super) const LONGEST_ROW: usize = 4 << 20;

/// A line that is longer is not even passed over: who writes such lines does not write lines.
const LONGEST_LINE: usize = 64 << 20;

/// What a file is, by the end of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Lines,
    /// With what stands between values, where the name says it.
    Csv(Option<u8>),
    Xlsx,
}

impl Format {
    pub(crate) fn of(name: &str) -> Option<Self> {
        let end = Path::new(name).extension()?.to_str()?.to_ascii_lowercase();
        match end.as_str() {
            "jsonl" | "ndjson" => Some(Self::Lines),
            "csv" => Some(Self::Csv(None)),
            "tsv" => Some(Self::Csv(Some(b'\t'))),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// How the files of a source are read.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    pub(crate) columns: Columns,
    pub(crate) manner: Manner,
    pub(crate) encoding: Option<&'static Encoding>,
    pub(crate) delimiter: Option<u8>,
    /// The row of the headings, from 1; the first that is not blank.
    pub(crate) header: Option<u64>,
    pub(crate) sheet: Option<String>,
}

/// A row that was read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// Its number within the file's rows, from 1: how far the file has been read.
    pub(crate) number: u64,
    /// The line, or the row of the sheet, from 1, as people find it.
    pub(crate) line: u64,
    pub(crate) found: Result<DoorPost, Rejectable>,
}

/// Why a file is not read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unfit {
    /// Its columns are others than those that the config knows.
    #[error("{0}")]
    Layout(String),
    /// It breaks off, is damaged, or too large.
    #[error("{0}")]
    Broken(String),
    /// Whoever takes the rows takes no more.
    #[error("nobody takes the rows")]
    Stopped,
}

/// Takes a row; false when no more are taken.
pub(crate) type Emit<'a> = &'a mut dyn FnMut(Row) -> bool;

/// Reads a file. Rows up to `skip` are passed over.
///
/// # Errors
/// Why it is not read to its end.
pub(crate) fn read(file: File, format: Format, reading: &Reading, skip: u64, emit: Emit<'_>) -> Result<(), Unfit> {
    let now = Timestamp::now();
    let mut rows = Rows { reading, now, skip, number: 0, emit };
    match format {
        Format::Lines => lines(file, &mut rows),
        Format::Csv(delimiter) => csv(file, delimiter, &mut rows),
        Format::Xlsx => xlsx::read(file, &mut rows),
    }
}

/// What all kinds of files do with a row.
pub(super) struct Rows<'a> {
    pub(super) reading: &'a Reading,
    now: Timestamp,
    skip: u64,
    number: u64,
    emit: Emit<'a>,
}

impl Rows<'_> {
    /// A row of a table; `cells` hold nothing where they are blank.
    pub(super) fn table(&mut self, line: u64, headings: &Headings, cells: Vec<(usize, Cell)>) -> Result<(), Unfit> {
        if cells.iter().all(|(_, cell)| matches!(cell, Cell::Text(text) if text.trim().is_empty())) {
            return Ok(());
        }
        self.number += 1;
        if self.number <= self.skip {
            return Ok(());
        }
        let mut columns = Vec::with_capacity(cells.len());
        let mut stray = None;
        for (index, cell) in cells {
            match headings.0.get(index) {
                Some((heading, Some(target))) => columns.push((heading.as_str(), *target, cell)),
                _ if matches!(&cell, Cell::Text(text) if text.trim().is_empty()) => {}
                _ => stray = stray.or(Some(index + 1)),
            }
        }
        let found = match stray {
            Some(number) => Err(format!("column {}: has no heading, and something stands in it", number_name(number))),
            None => Ok(()),
        };
        let found = match found {
            Ok(()) => row::post(columns, &self.reading.manner, self.now),
            Err(reason) => Err(row::refused(&reason, &columns)),
        };
        self.emit(line, found)
    }

    fn object(&mut self, line: u64, text: &[u8]) -> Result<(), Unfit> {
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        self.number += 1;
        if self.number <= self.skip {
            return Ok(());
        }
        let found = self.line(text);
        self.emit(line, found)
    }

    fn line(&self, text: &[u8]) -> Result<DoorPost, Rejectable> {
        let refused = |reason: &str| Rejectable::new(reason, &String::from_utf8_lossy(text));
        if text.len() > MAX_LINE_BYTES {
            return Err(refused(&format!("the line is longer than {MAX_LINE_BYTES} bytes")));
        }
        let object = match serde_json::from_slice::<Value>(text) {
            Ok(Value::Object(object)) => object,
            Ok(_) => return Err(refused("the line is no JSON object: {\"native_id\":…}")),
            Err(error) => return Err(refused(&error.to_string())),
        };
        let columns = object.iter().map(|(key, value)| {
            let target = self.reading.columns.target(key).ok_or_else(|| {
                format!("unknown key `{}`: name it in [source.columns]", key.chars().take(60).collect::<String>())
            })?;
            Ok((key.as_str(), target, Cell::Json(value.clone())))
        });
        match columns.collect::<Result<Vec<_>, String>>() {
            Ok(columns) => row::post(columns, &self.reading.manner, self.now),
            Err(reason) => Err(refused(&reason)),
        }
    }

    fn emit(&mut self, line: u64, found: Result<DoorPost, Rejectable>) -> Result<(), Unfit> {
        if (self.emit)(Row { number: self.number, line, found }) { Ok(()) } else { Err(Unfit::Stopped) }
    }
}

fn text(mut file: File, reading: &Reading, most: usize) -> Result<(BufReader<Text<File>>, Leash), Unfit> {
    let encoding = match reading.encoding {
        Some(encoding) => encoding,
        None => {
            let found = super::text::encoding(&mut file).map_err(broken)?;
            file.seek(SeekFrom::Start(0)).map_err(broken)?;
            found
        }
    };
    let leash = Leash::of(most);
    Ok((BufReader::with_capacity(64 << 10, Text::new(file, encoding, leash.clone())), leash))
}

fn broken(error: impl std::fmt::Display) -> Unfit {
    Unfit::Broken(error.to_string())
}

fn lines(file: File, rows: &mut Rows<'_>) -> Result<(), Unfit> {
    let (mut text, leash) = text(file, rows.reading, LONGEST_LINE)?;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        // A line that is too long is passed over to its end, and refused.
        loop {
            let available = text.fill_buf().map_err(|error| at(number, error))?;
            let end = available.iter().position(|&byte| byte == b'\n');
            let taken = end.unwrap_or(available.len());
            let room = (MAX_LINE_BYTES + 1).saturating_sub(line.len());
            line.extend_from_slice(&available[..taken.min(room)]);
            let is_last = available.is_empty();
            text.consume(taken + usize::from(end.is_some()));
            if is_last {
                return rows.object(number, &line);
            }
            if end.is_some() {
                break;
            }
        }
        leash.renew();
        rows.object(number, &line)?;
    }
    Ok(())
}

fn at(line: u64, error: impl std::fmt::Display) -> Unfit {
    Unfit::Broken(format!("line {line}: {error}"))
}

fn csv(file: File, named: Option<u8>, rows: &mut Rows<'_>) -> Result<(), Unfit> {
    let (mut text, leash) = text(file, rows.reading, LONGEST_ROW)?;
    let delimiter = match rows.reading.delimiter.or(named) {
        Some(delimiter) => delimiter,
        None => delimiter(text.fill_buf().map_err(broken)?, rows.reading.header),
    };
    let mut table = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
    let mut record = ::csv::StringRecord::new();
    let mut headings: Option<Headings> = None;
    loop {
        leash.renew();
        let line = table.position().line();
        if !table.read_record(&mut record).map_err(|error| at(line, error))? {
            return headings.map(|_| ()).ok_or_else(|| Unfit::Layout("it has no row of headings".into()));
        }
        // The position before a record counts the blank lines before it.
        let line = record.position().map_or(line, ::csv::Position::line);
        let blank = record.iter().all(|value| value.trim().is_empty());
        match &headings {
            Some(headings) => {
                let cells = record.iter().enumerate().map(|(index, value)| (index, Cell::Text(value.to_owned())));
                rows.table(line, headings, cells.collect())?;
            }
            None if blank || rows.reading.header.is_some_and(|header| line < header) => {}
            None => {
                let row = record.iter().map(str::to_owned);
                headings = Some(Headings::read(row, &rows.reading.columns).map_err(Unfit::Layout)?);
            }
        }
    }
}

/// What stands between the headings: that of these which stands there most often.
fn delimiter(head: &[u8], header: Option<u64>) -> u8 {
    let lines = head.split(|&byte| byte == b'\n').skip(header.map_or(0, |header| header as usize - 1));
    let headings = lines.map(<[u8]>::trim_ascii).find(|line| !line.is_empty()).unwrap_or_default();
    let (mut best, mut most) = (b',', 0);
    for delimiter in [b',', b'\t', b';', b'|'] {
        let (mut quoted, mut count) = (false, 0);
        for &byte in headings {
            quoted ^= byte == b'"';
            count += usize::from(byte == delimiter && !quoted);
        }
        if count > most {
            (best, most) = (delimiter, count);
        }
    }
    best
}
