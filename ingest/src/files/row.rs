//! From a row to a post, whatever file it stands in. Pure.
//!
//! A row is made into the object that a program would push, and that is read by the door's own rules; so a file is judged as
//! strictly as everything else that comes in. What comes before, by the form of a key:
//!
//! | form | a value is read as |
//! |---|---|
//! | text | itself; a number without a fraction as its digits; blank is missing |
//! | time | RFC 3339, the source's `time_formats`, the forms that [`crate::times`] knows, a spreadsheet's date, its serial number. Never a time that counts from now: a file is read at any time |
//! | count | digits, `1,234` too; blank is missing |
//! | links | several, separated by blanks, commas or semicolons |
//!
//! A row with the answering body and no answer is not answered yet: it has no reply.

use super::columns::{Form, Key, Target};
use crate::{door::Rejectable, times};
use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};
use schemas::records::{DoorPost, Kind, Precision};
use serde_json::{Map, Value, json};

/// Days from a spreadsheet's first day to 1970-01-01. It believes that 1900 was a leap year.
const SERIAL_OF_1970: f64 = 25_569.0;
/// Serial numbers that are taken for dates: 1954 to 2119. What is larger are seconds since 1970.
const SERIALS: std::ops::Range<f64> = 20_000.0..80_000.0;
/// No file has a time that is still right after so long and yet counts from now.
const ANOTHER_DAY: SignedDuration = SignedDuration::from_hours(24 * 401 + 7);

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Number(f64),
    /// A date of a spreadsheet.
    Date(DateTime),
    /// A value of a line.
    Json(Value),
    /// What a spreadsheet shows where a formula has failed.
    Failed(String),
}

/// How the rows of a source are read, beside their columns.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) source: String,
    pub(crate) kind: Kind,
    pub(crate) place: Option<String>,
    pub(crate) tz: TimeZone,
    pub(crate) time_formats: Vec<String>,
}

/// A column of a row: its heading, what it is, and what stands there.
pub(crate) type Column<'a> = (&'a str, Target, Cell);

/// Makes the post of a row.
///
/// # Errors
/// What is wrong, the column named, with the row as it stands.
pub(crate) fn post(row: &[Column<'_>], manner: &Manner, now: Timestamp) -> Result<DoorPost, Rejectable> {
    let mut object = Map::new();
    let mut precision = None;
    let mut fault = None;
    for (heading, target, cell) in row {
        let Target::Key(key) = target else { continue };
        match manner.value(*key, cell, now) {
            Ok(None) => {}
            Ok(Some((value, exact_to))) => {
                if key.name == "published_at" {
                    precision = exact_to;
                }
                put(&mut object, *key, value);
            }
            Err(reason) => {
                fault = Some(format!("column {heading}: {reason}"));
                break;
            }
        }
    }
    let made = fault.map_or(Ok(()), Err).and_then(|()| finish(object, precision, manner));
    made.map_err(|reason| refused(&reason, row))
}

/// A row that is refused, with the row as it stands.
pub(crate) fn refused(reason: &str, row: &[Column<'_>]) -> Rejectable {
    Rejectable::new(reason, &as_it_stands(row))
}

fn finish(mut object: Map<String, Value>, precision: Option<Precision>, manner: &Manner) -> Result<DoorPost, String> {
    // Who is to answer is known before there is an answer.
    let is_to_come = |reply: &Map<String, Value>| reply.keys().all(|key| matches!(key.as_str(), "by" | "published_at"));
    if object.get("reply").and_then(Value::as_object).is_some_and(is_to_come) {
        object.remove("reply");
    }
    object.entry("source").or_insert_with(|| manner.source.as_str().into());
    object.entry("kind").or_insert_with(|| json!(manner.kind));
    if let Some(place) = &manner.place {
        object.entry("place").or_insert_with(|| place.as_str().into());
    }
    if let Some(precision) = precision {
        object.entry("published_precision").or_insert_with(|| json!(precision));
    }
    // A post of pictures has no text; a row without one is judged by its title.
    object.entry("text").or_insert_with(|| "".into());
    serde_json::from_value(Value::Object(object)).map_err(|error| error.to_string())
}

fn put(object: &mut Map<String, Value>, key: Key, value: Value) {
    let (object, name) = match key.name.split_once('.') {
        None => (object, key.name),
        Some((outer, name)) => {
            let outer = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            let Value::Object(inner) = outer else { return };
            (inner, name)
        }
    };
    match (object.get_mut(name), value) {
        (Some(Value::String(above)), Value::String(below)) if key.form == Form::Texts => {
            above.push('\n');
            above.push_str(&below);
        }
        (_, value) => {
            object.insert(name.to_owned(), value);
        }
    }
}

/// The row, so that whoever looks into it can tell what it was.
fn as_it_stands(row: &[Column<'_>]) -> Value {
    let text = |cell: &Cell| match cell {
        Cell::Text(text) | Cell::Failed(text) => text.as_str().into(),
        Cell::Number(number) => json!(number),
        Cell::Date(date) => date.to_string().into(),
        Cell::Json(value) => value.clone(),
    };
    let taken = row.iter().filter(|(_, target, _)| *target != Target::Ignore);
    Value::Object(taken.map(|(heading, _, cell)| ((*heading).to_owned(), text(cell))).collect())
}

impl Manner {
    /// The value as the door takes it, and how exact a time is; nothing where the cell is blank.
    fn value(&self, key: Key, cell: &Cell, now: Timestamp) -> Result<Option<(Value, Option<Precision>)>, String> {
        let plain = |value: Option<Value>| Ok(value.map(|value| (value, None)));
        match (key.form, cell) {
            (_, Cell::Failed(error)) => Err(format!("its formula has failed: {error}")),
            (_, Cell::Json(Value::Null)) => Ok(None),
            (_, Cell::Text(text)) if text.trim().is_empty() => Ok(None),
            (_, Cell::Json(Value::String(text))) if text.trim().is_empty() => Ok(None),
            (Form::Json, Cell::Json(value)) => plain(Some(value.clone())),
            (Form::Json, _) => Err("can be given in .jsonl only".into()),
            (Form::Text | Form::Texts, cell) => plain(Some(text(cell)?.into())),
            (Form::Count, cell) => plain(Some(count(cell)?.into())),
            (Form::Links, Cell::Json(value @ Value::Array(_))) => plain(Some(value.clone())),
            (Form::Links, cell) => {
                let text = text(cell)?;
                let links = text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '，' | '；'));
                plain(Some(links.filter(|link| !link.is_empty()).collect()))
            }
            (Form::Time, cell) => {
                let (at, precision) = self.time(cell, now)?;
                Ok(Some((at.to_string().into(), Some(precision))))
            }
        }
    }

    fn time(&self, cell: &Cell, now: Timestamp) -> Result<times::Stated, String> {
        let number = match cell {
            Cell::Date(at) => return self.on(*at),
            Cell::Number(number) => Some(*number),
            Cell::Json(Value::Number(number)) => number.as_f64(),
            _ => None,
        };
        if let Some(number) = number {
            return self.serial(number).ok_or_else(|| format!("{number} is no time"));
        }
        let text = text(cell)?;
        let text = text.trim();
        let read = |now| {
            let mut formats = self.time_formats.iter();
            formats
                .find_map(|format| times::read_as(format, text, now, &self.tz))
                .or_else(|| times::read(text, now, &self.tz))
        };
        // Digits alone may be a serial number that was kept as text.
        let stated = read(now).or_else(|| text.parse().ok().and_then(|number| self.serial(number)));
        let shown: String = text.chars().take(60).collect();
        let Some(stated) = stated else {
            return Err(format!("{shown:?} is no time that is understood: set [source.file] time_formats"));
        };
        let earlier = now.checked_sub(ANOTHER_DAY).ok().and_then(read);
        if earlier.is_some_and(|earlier| earlier != stated) {
            return Err(format!("{shown:?} counts from the day on which it is read: a file must state the whole date"));
        }
        Ok(stated)
    }

    /// A spreadsheet's serial number, or seconds or milliseconds since 1970.
    fn serial(&self, number: f64) -> Option<times::Stated> {
        if SERIALS.contains(&number) {
            // To the millisecond: its fractions of a day are not exact.
            let millis = ((number - SERIAL_OF_1970) * 86_400_000.0).round() as i64;
            let at = Timestamp::from_millisecond(millis).ok()?;
            return self.on(TimeZone::UTC.to_datetime(at)).ok();
        }
        let seconds = if number >= 1e12 { number / 1e3 } else { number };
        let at = (seconds >= 1e9).then(|| Timestamp::from_second(seconds as i64).ok())??;
        Some((at, Precision::Second))
    }

    fn on(&self, at: DateTime) -> Result<times::Stated, String> {
        let precision = match (at.hour(), at.minute(), at.second()) {
            (0, 0, 0) => Precision::Day,
            (_, _, 0) => Precision::Minute,
            _ => Precision::Second,
        };
        let stated = self.tz.to_timestamp(at).map_err(|_| format!("{at} is no time"))?;
        Ok((stated, precision))
    }
}

fn text(cell: &Cell) -> Result<String, String> {
    match cell {
        Cell::Text(text) | Cell::Json(Value::String(text)) => Ok(text.trim().to_owned()),
        Cell::Number(number) => Ok(number.to_string()),
        Cell::Date(date) => Ok(date.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        Cell::Json(Value::Number(number)) => Ok(number.to_string()),
        Cell::Json(_) | Cell::Failed(_) => Err("is no text".into()),
    }
}

fn count(cell: &Cell) -> Result<u64, String> {
    let wrong = || "is no count".to_owned();
    let text = text(cell).map_err(|_| wrong())?;
    // Digits alone: a name that holds one is no count.
    let digits: String = text.chars().filter(|c| !matches!(c, ',' | '，' | ' ')).collect();
    digits.parse().map_err(|_| format!("{:?} is no count", text.chars().take(60).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::{super::columns::Columns, *};
    use proptest::prelude::*;

    fn manner() -> Manner {
        Manner {
            source: "hotline".into(),
            kind: Kind::Report,
            place: Some("金牛区".into()),
            tz: TimeZone::get("Asia/Shanghai").unwrap(),
            time_formats: vec!["%d.%m.%Y %H:%M".into()],
        }
    }

    fn made(values: &[(&'static str, Cell)]) -> Result<DoorPost, String> {
        let columns = Columns::default();
        let row = values.iter().map(|(heading, cell)| (*heading, columns.target(heading).unwrap(), cell.clone()));
        let row: Vec<_> = row.collect();
        post(&row, &manner(), "2026-11-24T12:00:00Z".parse().unwrap()).map_err(|reject| reject.reason)
    }

    fn cell(text: &str) -> Cell {
        Cell::Text(text.into())
    }

    fn with(heading: &'static str, cell: Cell) -> Result<DoorPost, String> {
        made(&[
            ("native_id", self::cell("1")),
            ("text", self::cell("停水")),
            ("published_at", self::cell("2026-11-24 10:05")),
            (heading, cell),
        ])
    }

    #[test]
    fn a_hotlines_row_becomes_a_report_with_its_reply() {
        let post = made(&[
            ("工单编号", Cell::Number(20_261_124_001.0)),
            ("诉求标题", cell("停水")),
            ("诉求内容", cell("抚琴街道停水")),
            ("工单内容", cell("补充：整栋楼")),
            ("来电时间", cell("2026年11月24日 下午3点05分")),
            ("承办单位", cell("水务局")),
            ("答复内容", cell("已派人抢修")),
            ("答复时间", Cell::Date("2026-11-24T18:00:00".parse().unwrap())),
        ])
        .unwrap();
        assert_eq!(
            (post.source.as_str(), post.native_id.as_str(), post.kind),
            ("hotline", "20261124001", Kind::Report)
        );
        assert_eq!(post.text, "抚琴街道停水\n补充：整栋楼");
        assert_eq!(post.published_at.to_string(), "2026-11-24T07:05:00Z");
        assert_eq!((post.published_precision, post.place.as_deref()), (Some(Precision::Minute), Some("金牛区")));
        let reply = post.reply.unwrap();
        assert_eq!((reply.text.as_str(), reply.by.as_deref()), ("已派人抢修", Some("水务局")));
        assert_eq!(reply.published_at.unwrap().to_string(), "2026-11-24T10:00:00Z");
    }

    #[test]
    fn a_row_that_names_who_is_to_answer_is_not_answered() {
        assert_eq!(with("承办单位", cell("水务局")).unwrap().reply, None);
    }

    #[test]
    fn times_of_all_kinds() {
        let time = |cell: Cell| manner().time(&cell, "2026-11-24T12:00:00Z".parse().unwrap());
        let at = |cell: Cell| time(cell).map(|(at, precision)| (at.to_string(), precision));
        let (noon, minute) = ("2026-11-24T04:00:00Z", Precision::Minute);
        let noon_exactly = Ok((noon.to_owned(), minute));
        assert_eq!(at(Cell::Number(46_350.5)), noon_exactly);
        assert_eq!(at(cell("46350.5")), noon_exactly);
        assert_eq!(at(cell("24.11.2026 12:00")), noon_exactly);
        assert_eq!(at(Cell::Date("2026-11-24T12:00:00".parse().unwrap())), noon_exactly);
        assert_eq!(at(cell("2026-11-24T12:00:00+08:00")).unwrap().0, noon);
        assert_eq!(at(Cell::Number(1_795_492_800.0)).unwrap().0, noon);
        assert_eq!(at(Cell::Number(46_350.0)), Ok(("2026-11-23T16:00:00Z".to_owned(), Precision::Day)));
        for relative in ["5分钟前", "昨天 08:30", "刚刚", "11-24 10:05", "10:05"] {
            let reason = time(cell(relative)).unwrap_err();
            assert!(reason.contains("whole date"), "{relative}: {reason}");
        }
        for wrong in [cell("很久以前"), Cell::Number(7.0), Cell::Number(f64::NAN), Cell::Number(-1e300)] {
            assert!(time(wrong).is_err());
        }
    }

    #[test]
    fn what_is_wrong_is_named_with_its_column() {
        for (heading, bad, expected) in [
            ("likes", cell("很多"), "column likes: \"很多\" is no count"),
            ("reply.published_at", cell("明年"), "column reply.published_at"),
            ("title", Cell::Failed("#REF!".into()), "column title: its formula has failed: #REF!"),
            ("kind", cell("工单"), "unknown variant"),
            ("reply", cell("x"), "column reply: can be given in .jsonl only"),
        ] {
            let reason = with(heading, bad).unwrap_err();
            assert!(reason.contains(expected), "{reason}");
        }
        let reason = made(&[("text", cell("停水")), ("native_id", cell("1"))]).unwrap_err();
        assert!(reason.contains("missing key `published_at`"), "{reason}");
    }

    #[test]
    fn counts_and_links() {
        assert_eq!(with("likes", cell("1,234")).unwrap().likes, Some(1_234));
        assert_eq!(with("likes", cell(" ")).unwrap().likes, None);
        let links = with("media", cell("https://a.example/1.jpg；https://a.example/2.jpg")).unwrap().media;
        assert_eq!(links, ["https://a.example/1.jpg", "https://a.example/2.jpg"]);
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), number in any::<f64>(), heading in 0usize..4) {
            let heading = ["published_at", "likes", "media", "reply.text"][heading];
            let _ = with(heading, Cell::Text(text));
            let _ = with(heading, Cell::Number(number));
        }
    }
}
