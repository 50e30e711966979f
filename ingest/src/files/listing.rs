//! What to do with each file of a folder, by what is remembered of it. Pure.
//!
//! | the entry | remembered | at the last look | outcome |
//! |---|---|---|---|
//! | a link, or anything but a file | – | – | refused: what it leads to may lie anywhere |
//! | a name of a file that is being written (`.x`, `~$x`, `x.tmp`, `x.part`, `x.filepart`, `x.crdownload`), or another than `pattern`, or of no kind that is read | – | – | passed over |
//! | a file | no | not there, or of another size or time | waits: it may still be being written |
//! | a file | no | the same size and time | read from its first row |
//! | the same size and time | read, to its end | – | done |
//! | the same size and time | read, up to a row | – | read on from there: nobody writes it |
//! | the same size and time | read with other columns, and something was refused | – | read again: the config may have been mended |
//! | another size or time | yes | as in the rows of a file that is not remembered | waits, then is read from its first row; what was taken before, the door spares |

use super::reader::Format;
use regex::Regex;
use serde::{Deserialize, Serialize};

/// By what a file is known again: whoever changes it changes one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    pub(crate) size: u64,
    /// When it was written, in nanoseconds since 1970.
    pub(crate) written: i128,
}

/// What stands in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    /// None for what is no plain file.
    pub(crate) stamp: Option<Stamp>,
}

/// What is remembered of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub(crate) stamp: Stamp,
    /// Hash of how it begins and ends.
    pub(crate) print: u64,
    /// Hash of how the config had it read.
    pub(crate) reading: u64,
    /// Rows that the door has taken or refused.
    pub(crate) rows: u64,
    /// Whether that is all of them, or it cannot be read on.
    pub(crate) done: bool,
    /// Whether anything of it was refused.
    #[serde(default)]
    pub(crate) refused: bool,
}

/// What to do with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    PassOver,
    Refuse,
    Wait,
    /// Read it; rows up to this one were taken.
    Read(u64),
    Done,
}

/// Decides. `before` is the file's stamp at the last look; `reading` the hash of the config's way of reading.
pub(crate) fn step(
    listed: &Listed,
    pattern: Option<&Regex>,
    remembered: Option<&Remembered>,
    before: Option<Stamp>,
    reading: u64,
) -> Step {
    if is_unfinished(&listed.name)
        || pattern.is_some_and(|pattern| !pattern.is_match(&listed.name))
        || Format::of(&listed.name).is_none()
    {
        return Step::PassOver;
    }
    let Some(stamp) = listed.stamp else { return Step::Refuse };
    match remembered.filter(|known| known.stamp == stamp) {
        Some(known) if known.reading != reading && known.refused => Step::Read(0),
        Some(known) if known.done => Step::Done,
        Some(known) => Step::Read(known.rows),
        None if before == Some(stamp) => Step::Read(0),
        None => Step::Wait,
    }
}

/// What programs call a file that they are still writing.
fn is_unfinished(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    name.starts_with('.')
        || name.starts_with("~$")
        || [".tmp", ".part", ".filepart", ".crdownload"].iter().any(|end| lower.ends_with(end))
}

/// A pattern of names: `*` stands for any characters, `?` for one.
///
/// # Errors
/// When it is too long.
pub(crate) fn pattern(text: &str) -> Result<Regex, regex::Error> {
    let expression = regex::escape(text).replace(r"\*", ".*").replace(r"\?", ".");
    Regex::new(&format!("(?s)^(?:{expression})$"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const READING: u64 = 7;

    fn stamp(size: u64) -> Stamp {
        Stamp { size, written: 1 }
    }

    fn known(rows: u64, done: bool, refused: bool) -> Remembered {
        Remembered { stamp: stamp(5), print: 0, reading: READING, rows, done, refused }
    }

    fn at(name: &str, size: u64, remembered: Option<&Remembered>, before: Option<u64>, reading: u64) -> Step {
        let listed = Listed { name: name.into(), stamp: Some(stamp(size)) };
        step(&listed, None, remembered, before.map(stamp), reading)
    }

    #[test]
    fn each_row_of_the_table() {
        let link = Listed { name: "x.csv".into(), stamp: None };
        assert_eq!(step(&link, None, None, None, READING), Step::Refuse);
        for name in
            [".x.csv", "~$x.xlsx", "x.csv.tmp", "x.csv.PART", "x.filepart", "x.crdownload", "x.pdf", "x", "x.xls"]
        {
            assert_eq!(at(name, 5, None, Some(5), READING), Step::PassOver, "{name}");
        }
        assert_eq!(at("x.csv", 5, None, None, READING), Step::Wait);
        assert_eq!(at("x.csv", 5, None, Some(4), READING), Step::Wait);
        assert_eq!(at("x.CSV", 5, None, Some(5), READING), Step::Read(0));
        assert_eq!(at("x.csv", 5, Some(&known(9, true, true)), None, READING), Step::Done);
        assert_eq!(at("x.csv", 5, Some(&known(9, false, false)), None, READING), Step::Read(9));
        assert_eq!(at("x.csv", 5, Some(&known(9, true, true)), None, 8), Step::Read(0));
        assert_eq!(at("x.csv", 5, Some(&known(9, true, false)), None, 8), Step::Done);
        assert_eq!(at("x.csv", 6, Some(&known(9, true, false)), Some(5), READING), Step::Wait);
        assert_eq!(at("x.csv", 6, Some(&known(9, true, false)), Some(6), READING), Step::Read(0));
    }

    #[test]
    fn patterns_are_of_the_whole_name() {
        let matches = |text: &str, name: &str| pattern(text).unwrap().is_match(name);
        assert!(matches("工单*.csv", "工单2026-11.csv") && matches("*", "x") && matches("a?c", "a单c"));
        assert!(!matches("工单*.csv", "x工单.csv") && !matches("*.csv", "xcsv") && !matches("a?c", "ac"));
        assert!(matches("a(b].csv", "a(b].csv"), "nothing else in it means anything");
    }

    #[derive(Debug, Clone, Copy)]
    enum Event {
        Write,
        Look,
        Read,
        Restart,
    }

    proptest! {
        /// However a file is written, looked at and read, with restarts between: a half-written one is never read, and once it
        /// is left alone its last state is read to the end, once.
        #[test]
        fn the_last_state_is_read_once(events in prop::collection::vec(
            prop_oneof![Just(Event::Write), Just(Event::Look), Just(Event::Read), Just(Event::Restart)], 0..40)) {
            let (mut size, mut remembered, mut before) = (1, None::<Remembered>, None);
            let mut read_to_the_end = Vec::new();
            let look = |size, remembered: &mut Option<Remembered>, before: &mut Option<Stamp>, to_the_end: bool| {
                let listed = Listed { name: "x.csv".into(), stamp: Some(stamp(size)) };
                let step = step(&listed, None, remembered.as_ref(), *before, READING);
                let was = before.replace(stamp(size));
                if let Step::Read(from) = step {
                    // What is read was of this size before: nobody was writing it.
                    assert!(was == Some(stamp(size)) || remembered.as_ref().is_some_and(|known| known.stamp == stamp(size)));
                    let rows = if to_the_end { size } else { (from + 1).min(size) };
                    let done = rows == size;
                    *remembered = Some(Remembered { stamp: stamp(size), print: 0, reading: READING, rows, done, refused: false });
                    return done.then_some(size);
                }
                None
            };
            for event in events {
                match event {
                    Event::Write => size += 1,
                    Event::Look => read_to_the_end.extend(look(size, &mut remembered, &mut before, false)),
                    Event::Read => read_to_the_end.extend(look(size, &mut remembered, &mut before, true)),
                    Event::Restart => before = None,
                }
            }
            for _ in 0..3 {
                read_to_the_end.extend(look(size, &mut remembered, &mut before, true));
            }
            prop_assert_eq!(read_to_the_end.last(), Some(&size));
            let distinct: std::collections::BTreeSet<_> = read_to_the_end.iter().collect();
            prop_assert_eq!(distinct.len(), read_to_the_end.len());
        }
    }
}
