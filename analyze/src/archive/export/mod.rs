//! The whole result of a search as a file: CSV, XLSX or JSON Lines, written as it is found.
//!
//! | format | is |
//! |---|---|
//! | `csv` | UTF-8 with a byte order mark, so that spreadsheets read it as such; RFC 4180 |
//! | `xlsx` | one sheet; all cells are text or numbers, none a formula |
//! | `jsonl` | one post a line, as the search shows it |
//!
//! Posts are taken some thousand at a time by cursors, one of them in memory; an XLSX waits in a temporary file until its last row is
//! written. So memory does not grow with the result. A file that breaks off is never ended as if it were whole.

mod cells;
mod corrections;

use super::{
    Archive,
    search::{Hit, Search, SearchError},
};
use cells::Cell;
use jiff::tz::TimeZone;
use rust_xlsxwriter::{Workbook, XlsxError};
use schemas::records::AnalyzedPost;
use serde::{Deserialize, Serialize};
use std::{
    io::{self, BufWriter, Write},
    path::Path,
    time::{Duration, Instant},
};

/// The longest file, in posts; a sheet has a few more rows.
pub const MOST_ROWS: u64 = 1_000_000;
/// Posts found in one go: their places are in memory.
const CHUNK: usize = 10_000;
/// How long finding them may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// A sheet's cell takes 32,767 UTF-16 code units.
const LONGEST_CELL: usize = 32_000;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// A spreadsheet.
    Xlsx,
    /// JSON, one post a line.
    Jsonl,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Jsonl => "application/x-ndjson",
        }
    }

    /// The ending of its files' names.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
            Self::Jsonl => "jsonl",
        }
    }
}

/// Why a file breaks off, or never begins.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The result is longer than a file may be.
    #[error(
        "共 {0} 条, 一次最多导出 {MOST_ROWS} 条: 请缩小范围 / {0} posts; at most {MOST_ROWS} are exported at a time: narrow the search"
    )]
    TooMany(u64),
    /// It cannot be found.
    #[error(transparent)]
    Search(#[from] SearchError),
    /// It cannot be written.
    #[error("the file cannot be written: {0}")]
    Write(#[from] io::Error),
    /// It cannot be written as a spreadsheet.
    #[error("the spreadsheet cannot be written: {0}")]
    Sheet(#[from] XlsxError),
}

impl From<csv::Error> for ExportError {
    fn from(error: csv::Error) -> Self {
        Self::Write(error.into())
    }
}

impl Archive {
    /// How many posts a file would hold.
    ///
    /// # Errors
    /// When they are more than [`MOST_ROWS`], or cannot be counted.
    pub fn count_rows(&self, search: &Search, deadline: Instant) -> Result<u64, ExportError> {
        let page = self.search(&Search { limit: 0, cursor: None, ..search.clone() }, deadline)?;
        let rows = page.texts.unwrap_or(page.total);
        if rows > MOST_ROWS { Err(ExportError::TooMany(rows)) } else { Ok(rows) }
    }

    /// Writes all posts that match. Times are those of `tz`; `temporary` is a folder for an XLSX while it grows. Returns the number of
    /// posts.
    ///
    /// # Errors
    /// When they cannot be found or written.
    pub fn export(
        &self,
        search: &Search,
        format: Format,
        tz: &TimeZone,
        temporary: &Path,
        out: impl Write + Send,
    ) -> Result<u64, ExportError> {
        let copies = |copies: u64| search.collapse.then_some(copies);
        let mut out = BufWriter::with_capacity(1 << 16, out);
        match format {
            Format::Csv => {
                out.write_all("\u{feff}".as_bytes())?;
                let mut table = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut out);
                table.write_record(cells::header(search.collapse))?;
                let rows = self.each(search, |post, count| {
                    let row = cells::row(&post, copies(count), tz).into_iter().map(|cell| match cell {
                        Cell::Text(text) => text,
                        Cell::Number(number) => number.to_string(),
                    });
                    Ok(table.write_record(row)?)
                })?;
                table.flush()?;
                drop(table);
                out.flush()?;
                Ok(rows)
            }
            Format::Jsonl => {
                let rows = self.each(search, |post, count| {
                    let hit = Hit { copies: copies(count), ..Hit::of(post, &[]) };
                    serde_json::to_writer(&mut out, &hit).map_err(io::Error::from)?;
                    Ok(out.write_all(b"\n")?)
                })?;
                out.flush()?;
                Ok(rows)
            }
            Format::Xlsx => {
                let mut book = Workbook::new();
                book.set_tempdir(temporary)?;
                let sheet = book.add_worksheet_with_constant_memory();
                let sheet = sheet?;
                for (column, name) in (0..).zip(cells::header(search.collapse)) {
                    sheet.write_string(0, column, name)?;
                }
                let mut at = 0;
                let rows = self.each(search, |post, count| {
                    at += 1;
                    for (column, cell) in (0..).zip(cells::row(&post, copies(count), tz)) {
                        match cell {
                            Cell::Text(text) if text.is_empty() => {}
                            Cell::Text(text) => drop(sheet.write_string(at, column, shortened(text))?),
                            // Exact up to 2^53, as in every spreadsheet.
                            Cell::Number(number) => drop(sheet.write_number(at, column, number as f64)?),
                        }
                    }
                    Ok(())
                })?;
                book.save_to_writer(&mut out)?;
                out.flush()?;
                Ok(rows)
            }
        }
    }

    /// Hands over one post after the other, at most [`MOST_ROWS`].
    fn each(
        &self,
        search: &Search,
        mut take: impl FnMut(AnalyzedPost, u64) -> Result<(), ExportError>,
    ) -> Result<u64, ExportError> {
        let (facets, histogram) = (Vec::new(), None);
        let mut search = Search { facets, histogram, cursor: None, ..search.clone() };
        let mut rows = 0;
        loop {
            let next = self.take_from(&search, CHUNK, Instant::now() + PATIENCE, |post, copies| {
                rows += 1;
                // Posts that arrived since they were counted.
                if rows > MOST_ROWS { Err(ExportError::TooMany(rows)) } else { take(post, copies) }
            })?;
            if next.is_none() {
                return Ok(rows);
            }
            search.cursor = next;
        }
    }
}

/// A text that fits into a cell.
fn shortened(text: String) -> String {
    if text.len() <= LONGEST_CELL {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > LONGEST_CELL
    });
    match end {
        None => text,
        Some((end, _)) => format!("{}…(过长, 已截断)", &text[..end]),
    }
}
