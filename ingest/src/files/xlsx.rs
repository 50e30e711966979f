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
        let size = io::copy(&mut part.take(left + 1), &mut io::sink()).map_err(broken)?;
        left = left.saturating_sub(size);
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

#[cfg(test)]
mod tests {
    use super::{
        super::{reader, tests::folder},
        *,
    };
    use schemas::records::DoorPost;
    use std::io::Write;
    use zip::{ZipWriter, write::SimpleFileOptions};

    /// A workbook with one sheet of these rows; `texts` are its shared ones, style 1 is a date.
    fn book(rows: &str, texts: &[&str]) -> File {
        const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
        const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
        let texts: String = texts.iter().map(|text| format!("<si><t>{text}</t></si>")).collect();
        let relation = |id: u8, kind: &str, target: &str| {
            format!("<Relationship Id=\"r{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
        };
        let relations = |all: String| format!("<Relationships xmlns=\"{PACKAGE}/relationships\">{all}</Relationships>");
        let parts = [
            ("[Content_Types].xml", format!("<Types xmlns=\"{PACKAGE}/content-types\"/>")),
            ("_rels/.rels", relations(relation(1, "officeDocument", "xl/workbook.xml"))),
            (
                "xl/workbook.xml",
                format!(
                    "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"工单\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
                ),
            ),
            (
                "xl/_rels/workbook.xml.rels",
                relations(
                    relation(1, "worksheet", "worksheets/sheet1.xml")
                        + &relation(2, "sharedStrings", "sharedStrings.xml")
                        + &relation(3, "styles", "styles.xml"),
                ),
            ),
            ("xl/sharedStrings.xml", format!("<sst xmlns=\"{MAIN}\">{texts}</sst>")),
            (
                "xl/styles.xml",
                format!(
                    "<styleSheet xmlns=\"{MAIN}\"><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"22\"/></cellXfs></styleSheet>"
                ),
            ),
            (
                "xl/worksheets/sheet1.xml",
                format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>"),
            ),
        ];
        let mut zip = ZipWriter::new(tempfile::tempfile().unwrap());
        for (name, content) in parts {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        let mut file = zip.finish().unwrap();
        file.rewind().unwrap();
        file
    }

    type Found = Vec<(u64, Result<DoorPost, String>)>;

    fn rows(file: File, more: &str) -> (Found, Result<(), Unfit>) {
        let mut rows = Vec::new();
        let reading = folder(more).unwrap().reading;
        let outcome = reader::read(file, reader::Format::Xlsx, &reading, 0, &mut |row| {
            rows.push((row.line, row.found.map_err(|reject| reject.reason)));
            true
        });
        (rows, outcome)
    }

    const TEXTS: &[&str] = &["工单编号", "诉求内容", "来电时间", "抚琴街道停水", "昨天"];
    const HEADINGS: &str =
        r#"<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c></row>"#;

    #[test]
    fn dates_numbers_and_texts_of_a_sheet() {
        let sheet = format!(
            r#"{HEADINGS}<row r="2"><c r="A2"><v>20261124001</v></c><c r="B2" t="s"><v>3</v></c><c r="C2" s="1"><v>46350.420138888891</v></c></row>
            <row r="4"><c r="A4"><v>2</v></c><c r="B4" t="inlineStr"><is><t>路灯不亮</t></is></c><c r="C4"><v>46350.5</v></c></row>
            <row r="5"><c r="A5"><v>3</v></c><c r="B5" t="s"><v>3</v></c><c r="C5" t="s"><v>4</v></c></row>
            <row r="6"><c r="A6"><v>4</v></c><c r="B6" t="e"><v>#REF!</v></c><c r="C6"><v>46350.5</v></c></row>"#
        );
        let (rows, outcome) = rows(book(&sheet, TEXTS), "");
        assert_eq!(outcome, Ok(()));
        assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 4, 5, 6]);
        let first = rows[0].1.as_ref().unwrap();
        assert_eq!((first.native_id.as_str(), first.text.as_str()), ("20261124001", "抚琴街道停水"));
        assert_eq!(first.published_at.to_string(), "2026-11-24T02:05:00Z");
        let second = rows[1].1.as_ref().unwrap();
        assert_eq!(
            (second.text.as_str(), second.published_at.to_string().as_str()),
            ("路灯不亮", "2026-11-24T04:00:00Z")
        );
        assert!(rows[2].1.as_ref().unwrap_err().contains("column 来电时间"), "{:?}", rows[2]);
        assert!(rows[3].1.as_ref().unwrap_err().contains("column 诉求内容: its formula has failed"), "{:?}", rows[3]);
    }

    #[test]
    fn a_cell_at_the_far_end_costs_nothing() {
        let far = r#"<row r="1048576"><c r="A1048576"><v>7</v></c><c r="B1048576" t="s"><v>3</v></c><c r="C1048576"><v>46350.5</v></c></row>"#;
        let (found, outcome) = rows(book(&format!("{HEADINGS}{far}"), TEXTS), "");
        assert_eq!((outcome, found[0].0), (Ok(()), 1_048_576));
        let wide = r#"<row r="2"><c r="XFD2"><v>7</v></c></row>"#;
        let (_, outcome) = rows(book(&format!("{HEADINGS}{wide}"), TEXTS), "");
        assert!(matches!(&outcome, Err(Unfit::Broken(reason)) if reason.contains("row 2")), "{outcome:?}");
    }

    #[test]
    fn what_is_no_such_workbook_is_refused_with_the_reason() {
        let (_, outcome) = rows(book(HEADINGS, TEXTS), "[source.file]\nsheet = \"明细\"");
        assert_eq!(outcome, Err(Unfit::Layout("it has no sheet \"明细\", but 工单".into())));
        let (_, outcome) = rows(book("", TEXTS), "");
        assert!(matches!(&outcome, Err(Unfit::Layout(reason)) if reason.contains("headings")), "{outcome:?}");
        let mut nonsense = tempfile::tempfile().unwrap();
        nonsense.write_all(b"PK\x03\x04nonsense").unwrap();
        nonsense.rewind().unwrap();
        assert!(matches!(rows(nonsense, "").1, Err(Unfit::Broken(_))));
    }

    #[test]
    fn a_bomb_is_seen_before_it_goes_off() {
        let mut zip = ZipWriter::new(tempfile::tempfile().unwrap());
        zip.start_file("xl/sharedStrings.xml", SimpleFileOptions::default()).unwrap();
        let blank = vec![b' '; 1 << 20];
        for _ in 0..(MOST_UNPACKED >> 20) + 1 {
            zip.write_all(&blank).unwrap();
        }
        let mut file = zip.finish().unwrap();
        file.rewind().unwrap();
        assert!(file.metadata().unwrap().len() < MOST_BYTES, "it is small until it is unpacked");
        let (_, outcome) = rows(file, "");
        assert!(matches!(&outcome, Err(Unfit::Broken(reason)) if reason.contains("unpacked")), "{outcome:?}");
    }

    #[test]
    fn one_long_text_that_many_cells_share_does_not_multiply() {
        let long = "长".repeat(LONGEST_ROW / 12);
        let cells: String =
            ["A", "B", "C", "D", "E"].map(|name| format!("<c r=\"{name}2\" t=\"s\"><v>5</v></c>")).concat();
        let mut texts = TEXTS.to_vec();
        texts.push(&long);
        let (_, outcome) = rows(book(&format!("{HEADINGS}<row r=\"2\">{cells}</row>"), &texts), "");
        assert!(matches!(&outcome, Err(Unfit::Broken(reason)) if reason.contains("row 2")), "{outcome:?}");
    }
}
