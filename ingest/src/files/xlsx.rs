//! XLSX. This module alone imports calamine and zip.
//!
//! Such a file is a zip of XML, and a program must hold its table of texts in memory. So before it is opened as a workbook, its parts are
//! unpacked once to nowhere and counted: what they really are, not what they claim to be. A sheet is then read cell by
//! cell; a cell at the far end of an empty sheet costs nothing.
//!
//! | the file | outcome |
//! |---|---|
//! | larger than [`MOST_BYTES`], unpacked than [`MOST_UNPACKED`], of more parts than [`MOST_PARTS`] | refused: hand it in in parts, or as CSV |
//! | a row of more than [`LONGEST_ROW`] bytes of text | refused from there on |
//! | no workbook, a password, no such sheet | refused |

use super::{
    columns::Headings,
    reader::{LONGEST_ROW, Rows, Unfit},
    row::Cell,
};
use calamine::{DataRef, Reader, Xlsx};
use jiff::civil::DateTime;
use std::{
    fs::File,
    io::{self, BufReader, Read, Seek},
};

/// The largest file.
const MOST_BYTES: u64 = 64 << 20;
/// The most that all its parts may be together.
const MOST_UNPACKED: u64 = 512 << 20;
const MOST_PARTS: usize = 10_000;
/// Columns that are read: an export has dozens.
const MOST_COLUMNS: u32 = 1_024;

pub(super) fn read(file: File, rows: &mut Rows<'_>) -> Result<(), Unfit> {
    let size = file.metadata().map_err(broken)?.len();
    if size > MOST_BYTES {
        return Err(too_large(&format!("it has {} MiB, and at most {} are taken", size >> 20, MOST_BYTES >> 20)));
    }
    let file = unpacked(BufReader::new(file))?;
    let mut book: Xlsx<_> = Xlsx::new(file).map_err(broken)?;
    let sheets = book.sheet_names();
    let sheet = match &rows.reading.sheet {
        Some(sheet) if !sheets.contains(sheet) => {
            return Err(Unfit::Layout(format!("it has no sheet {sheet:?}, but {}", sheets.join(", "))));
        }
        Some(sheet) => sheet.clone(),
        None => sheets.first().cloned().ok_or_else(|| Unfit::Layout("it has no sheet".into()))?,
    };
    let mut cells = book.worksheet_cells_reader(&sheet).map_err(broken)?;
    let (mut table, mut row) = (Table { rows, headings: None }, Row::default());
    while let Some(cell) = cells.next_cell().map_err(broken)? {
        let (at, column) = cell.get_position();
        if at != row.at {
            table.take(std::mem::replace(&mut row, Row { at, ..Row::default() }))?;
        }
        row.add(column, cell.get_value())?;
    }
    table.take(row)?;
    table.headings.map(|_| ()).ok_or_else(|| Unfit::Layout(format!("its sheet {sheet:?} has no row of headings")))
}

/// Unpacks everything once to see how much it is.
fn unpacked<R: Read + Seek>(file: R) -> Result<R, Unfit> {
    let mut archive = zip::ZipArchive::new(file).map_err(|error| Unfit::Broken(format!("it is no XLSX: {error}")))?;
    if archive.len() > MOST_PARTS {
        return Err(too_large(&format!("it has {} parts", archive.len())));
    }
    let mut left = MOST_UNPACKED;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(broken)?;
        left -= io::copy(&mut part.take(left + 1), &mut io::sink()).map_err(broken)?.min(left + 1);
        if left == 0 {
            return Err(too_large(&format!("unpacked it has more than {} MiB", MOST_UNPACKED >> 20)));
        }
    }
    let mut file = archive.into_inner();
    file.rewind().map_err(broken)?;
    Ok(file)
}

fn too_large(what: &str) -> Unfit {
    Unfit::Broken(format!("it is too large: {what}. Hand it in in parts, or as CSV, which may have any size"))
}

fn broken(error: impl std::fmt::Display) -> Unfit {
    Unfit::Broken(error.to_string())
}

/// A row of a sheet; cells that are not written are not there.
#[derive(Default)]
struct Row {
    /// From 0.
    at: u32,
    cells: Vec<(usize, Cell)>,
    bytes: usize,
}

impl Row {
    fn add(&mut self, column: u32, value: &DataRef<'_>) -> Result<(), Unfit> {
        self.bytes += match value {
            DataRef::String(text) => text.len(),
            DataRef::SharedString(text) => text.len(),
            _ => 0,
        };
        // Known before it is copied: many cells may share one long text.
        if self.bytes > LONGEST_ROW {
            let reason = format!("row {}: it holds more than {LONGEST_ROW} bytes of text", u64::from(self.at) + 1);
            return Err(Unfit::Broken(reason));
        }
        if column >= MOST_COLUMNS {
            return Err(Unfit::Broken(format!("row {}: more than {MOST_COLUMNS} columns", u64::from(self.at) + 1)));
        }
        let cell = match value {
            DataRef::Empty => return Ok(()),
            DataRef::Int(number) => Cell::Number(*number as f64),
            DataRef::Float(number) => Cell::Number(*number),
            DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => Cell::Text(text.clone()),
            DataRef::SharedString(text) => Cell::Text((*text).to_owned()),
            DataRef::Bool(truth) => Cell::Text(truth.to_string()),
            DataRef::DateTime(date) if date.is_datetime() => {
                let (year, month, day, hour, minute, second, _) = date.to_ymd_hms_milli();
                let parts = (year as i16, month as i8, day as i8, hour as i8, minute as i8, second as i8);
                DateTime::new(parts.0, parts.1, parts.2, parts.3, parts.4, parts.5, 0)
                    .map_or(Cell::Number(date.as_f64()), Cell::Date)
            }
            DataRef::DateTime(duration) => Cell::Number(duration.as_f64()),
            DataRef::Error(error) => Cell::Failed(error.to_string()),
        };
        self.cells.push((column as usize, cell));
        Ok(())
    }
}

struct Table<'a, 'b> {
    rows: &'a mut Rows<'b>,
    headings: Option<Headings>,
}

impl Table<'_, '_> {
    fn take(&mut self, row: Row) -> Result<(), Unfit> {
        let line = u64::from(row.at) + 1;
        if row.cells.is_empty() {
            return Ok(());
        }
        if let Some(headings) = &self.headings {
            return self.rows.table(line, headings, row.cells);
        }
        if self.rows.reading.header.is_some_and(|header| line < header) {
            return Ok(());
        }
        let last = row.cells.iter().map(|(column, _)| *column).max().unwrap_or(0);
        let mut headings = vec![String::new(); last + 1];
        for (column, cell) in row.cells {
            headings[column] = match cell {
                Cell::Text(text) => text,
                Cell::Number(number) => number.to_string(),
                _ => return Err(Unfit::Layout(format!("row {line} holds values and no headings"))),
            };
        }
        self.headings = Some(Headings::read(headings, &self.rows.reading.columns).map_err(Unfit::Layout)?);
        Ok(())
    }
}
