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
            Ok(()) => row::post(&columns, &self.reading.manner, self.now),
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
            Ok(columns) => row::post(&columns, &self.reading.manner, self.now),
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
    let mut table =
        ::csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text);
    let mut record = ::csv::StringRecord::new();
    let mut headings: Option<Headings> = None;
    loop {
        leash.renew();
        let line = table.position().line();
        if !table.read_record(&mut record).map_err(|error| at(line, error))? {
            return headings.map(|_| ()).ok_or_else(|| Unfit::Layout("it has no row of headings".into()));
        }
        // The position before a record counts the blank lines before it.
        let first = record.position().map_or(line, ::csv::Position::line);
        let breaks = record
            .as_byte_record()
            .iter()
            .map(|field| field.iter().filter(|&&byte| byte == b'\n').count())
            .sum::<usize>();
        let line = first.max(table.position().line().saturating_sub(breaks as u64 + 1));
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

#[cfg(test)]
mod tests {
    use super::{super::tests::folder, *};
    use encoding_rs::GB18030;
    use proptest::prelude::*;
    use std::io::Write;

    /// The rows of a file, line by line: the post's id, or why there is none.
    fn rows(name: &str, bytes: &[u8], more: &str, skip: u64) -> (Vec<(u64, String)>, Result<(), Unfit>) {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.rewind().unwrap();
        let mut rows = Vec::new();
        let outcome = read(file, Format::of(name).unwrap(), &folder(more).unwrap().reading, skip, &mut |row| {
            rows.push((row.line, row.found.map_or_else(|reject| reject.reason, |post| post.native_id)));
            true
        });
        (rows, outcome)
    }

    fn at(rows: &[(u64, String)], line: u64) -> &str {
        &rows.iter().find(|(at, _)| *at == line).unwrap().1
    }

    const TABLE: &str = "工单编号,诉求内容,来电时间,点赞\n\
        1,\"停水了，\n整栋楼\",2026-11-24 10:05,3\n\
        \n\
        2,路灯不亮,昨天,\n\
        3,路灯不亮,2026/11/24 10:06,许多\n\
        4,井盖,2026年11月24日10时07分,1,多的\n\
        5,噪音,2026-11-24T10:08:00+08:00\n";
    const LIKES: &str = "[source.columns]\n\"点赞\" = \"likes\"";

    #[test]
    fn one_bad_row_never_costs_the_good_ones() {
        let (rows, outcome) = rows("x.csv", TABLE.as_bytes(), LIKES, 0);
        assert_eq!(outcome, Ok(()));
        assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 5, 6, 7, 8], "as an editor counts them");
        assert_eq!((at(&rows, 2), at(&rows, 8)), ("1", "5"));
        assert!(at(&rows, 5).contains("column 来电时间") && at(&rows, 5).contains("whole date"), "{rows:?}");
        assert!(at(&rows, 6).contains("column 点赞: \"许多\" is no count"), "{rows:?}");
        assert!(at(&rows, 7).contains("column E: has no heading"), "{rows:?}");
    }

    #[test]
    fn reading_goes_on_behind_the_rows_that_were_taken() {
        let (rows, _) = rows("x.csv", TABLE.as_bytes(), LIKES, 3);
        assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn encodings_and_delimiters_are_found_out() {
        let gb = GB18030.encode(TABLE).0.into_owned();
        assert_eq!(rows("x.csv", &gb, LIKES, 0), rows("x.csv", TABLE.as_bytes(), LIKES, 0));
        for delimiter in ["\t", ";", "|"] {
            let table = TABLE.replace(',', delimiter);
            assert_eq!(at(&rows("x.csv", table.as_bytes(), LIKES, 0).0, 2), "1", "{delimiter:?}");
        }
        let (rows, _) = rows("x.tsv", TABLE.replace(',', "\t").as_bytes(), LIKES, 0);
        assert_eq!(rows.len(), 5);
    }

    #[test]
    fn a_title_above_the_headings_is_passed_over_when_the_config_says_so() {
        let table = format!("12345热线工单明细,,,\n制表：某某,,,\n{TABLE}");
        let (_, outcome) = rows("x.csv", table.as_bytes(), LIKES, 0);
        assert!(matches!(&outcome, Err(Unfit::Layout(reason)) if reason.contains("12345热线工单明细")), "{outcome:?}");
        let (rows, outcome) = rows("x.csv", table.as_bytes(), &format!("[source.file]\nheader = 3\n{LIKES}"), 0);
        assert_eq!((outcome, at(&rows, 4)), (Ok(()), "1"));
    }

    #[test]
    fn an_unknown_column_refuses_the_file_by_name_unless_it_is_ignored() {
        let table = "工单编号,诉求内容,来电时间,联系电话\n1,停水,2026-11-24 10:05,13812345678\n";
        let (none, outcome) = rows("x.csv", table.as_bytes(), "", 0);
        assert!(none.is_empty());
        assert!(matches!(&outcome, Err(Unfit::Layout(reason)) if reason.contains("D (\"联系电话\")")), "{outcome:?}");
        let (rows, outcome) = rows("x.csv", table.as_bytes(), "[source.columns]\n\"联系电话\" = \"ignore\"", 0);
        assert_eq!((outcome, at(&rows, 2)), (Ok(()), "1"));
    }

    #[test]
    fn a_quote_that_is_not_closed_does_not_swallow_a_file() {
        let mut table = TABLE.replace("2,路灯", "2,\"路灯");
        table.push_str(&"6,噪音,2026-11-24 10:09,1\n".repeat(LONGEST_ROW / 20));
        let (rows, outcome) = rows("x.csv", table.as_bytes(), LIKES, 0);
        assert_eq!(at(&rows, 2), "1");
        assert!(matches!(&outcome, Err(Unfit::Broken(reason)) if reason.contains("quote")), "{outcome:?}");
    }

    #[test]
    fn lines_are_judged_as_the_door_judges_them() {
        let text = [
            r#"{"native_id":"1","text":"停水","published_at":"2026-11-24T10:05:00+08:00","likes":3,"reply":{"text":"已抢修","by":"水务局"}}"#,
            r#"{"native_id":2,"text":"停水","published_at":"2026-11-24 10:05","点赞":"1,000"}"#,
            "",
            r#"{"native_id":"3","text":"停水","published_at":"2026-11-24 10:05","lkes":1}"#,
            r#"["1"]"#,
            r#"{"native_id":"4","text":"停水","published_at":"2026-11-24 10:05","reply":{"txt":"x"}}"#,
            r#"{"native_id":"5","text":"停水","published_at":"2026-11-24 10:05""#,
            r#"{"native_id":"6","text":"停水"}"#,
        ];
        let (rows, outcome) = rows("x.jsonl", text.join("\r\n").as_bytes(), LIKES, 0);
        assert_eq!(outcome, Ok(()));
        assert_eq!((at(&rows, 1), at(&rows, 2)), ("1", "2"));
        for (line, reason) in
            [(4, "unknown key `lkes`"), (5, "no JSON object"), (6, "txt"), (7, "EOF"), (8, "published_at")]
        {
            assert!(at(&rows, line).contains(reason), "{line}: {rows:?}");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_refused_and_the_next_one_taken() {
        let good = r#"{"native_id":"1","text":"停水","published_at":"2026-11-24 10:05"}"#;
        let (rows, outcome) = rows("x.ndjson", format!("{}\n{good}", "x".repeat(3 * MAX_LINE_BYTES)).as_bytes(), "", 0);
        assert_eq!((outcome, at(&rows, 2)), (Ok(()), "1"));
        assert!(at(&rows, 1).contains("longer than"), "{}", at(&rows, 1));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), text in any::<String>()) {
            for name in ["x.csv", "x.jsonl", "x.xlsx", "x.tsv"] {
                let _ = rows(name, &bytes, "", 0);
                let _ = rows(name, &[TABLE.as_bytes(), &bytes].concat(), LIKES, 0);
                let _ = rows(name, format!("native_id,text,published_at\n1,{text},{text}\n").as_bytes(), "", 0);
            }
        }
    }
}
