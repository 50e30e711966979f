//! The file of `[understand] dictionary`: words of the district that the dictionary which ships does not have.
//!
//! One word a line; what stands behind `#`, and empty lines, are passed over. When the file is looked at (its time of change and its
//! size):
//!
//! | it looks | then |
//! |---|---|
//! | as when it was read last | nothing |
//! | otherwise, and otherwise than at the last look | it may still be written: it is looked at again |
//! | otherwise, and as at the last look | it is read |
//!
//! A file that is faulty then, or gone, changes nothing: the words that stand stay, and its faults are told once.

use crate::understand::user_word;
use schemas::kit::settings::{Fault, Place};
use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    time::SystemTime,
};

/// More words are no dictionary of a district.
const MOST_WORDS: usize = 100_000;

/// How a file looks from outside; none where there is none.
pub(crate) type Look = Option<(SystemTime, u64)>;

/// When the file is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watched {
    read: Look,
    seen: Look,
}

impl Watched {
    /// It was read when it looked so.
    pub(crate) fn read(look: Look) -> Self {
        Self { read: look, seen: look }
    }

    /// Whether it is to be read, now that it looks so.
    pub(crate) fn look(&mut self, look: Look) -> bool {
        let settled = self.seen == look;
        self.seen = look;
        let due = settled && self.read != look;
        if due {
            self.read = look;
        }
        due
    }
}

/// Looks at a file.
pub(crate) fn look(path: &Path) -> Look {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

/// The words of a file, folded, each once, in its order.
///
/// # Errors
/// Every fault, with its line.
pub(crate) fn load(path: &Path) -> Result<Vec<String>, Vec<Fault>> {
    let fault = |line, message| Fault::new(Place::OfFile(PathBuf::from(path), line), message);
    let text = std::fs::read_to_string(path).map_err(|error| {
        let what = match error.kind() {
            ErrorKind::InvalidData => "is not UTF-8".to_owned(),
            _ => format!("cannot be read: {error}"),
        };
        let message = format!("{what}. Give the path of a text file with one word a line, or leave the key out");
        vec![fault(None, message)]
    })?;
    parse(&text).map_err(|faults| faults.into_iter().map(|(line, message)| fault(Some(line), message)).collect())
}

/// The words of a text; or each faulty line, from 1, and what is wrong.
fn parse(text: &str) -> Result<Vec<String>, Vec<(usize, String)>> {
    let mut words: Vec<String> = Vec::new();
    let mut known = std::collections::HashSet::new();
    let mut faults = Vec::new();
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let word = line.split('#').next().unwrap_or_default().trim();
        if word.is_empty() {
            continue;
        }
        match user_word(word) {
            Ok(word) if known.insert(word.clone()) => words.push(word),
            Ok(_) => {}
            Err(why) => {
                let shown: String = word.chars().take(20).collect();
                faults.push((number, format!("{shown:?}: {why}")));
            }
        }
        if words.len() > MOST_WORDS {
            faults.push((number, format!("more than {MOST_WORDS} words: keep those of the district")));
            break;
        }
    }
    if faults.is_empty() { Ok(words) } else { Err(faults) }
}

/// The words of the file that the config names.
///
/// # Errors
/// Every fault, with its line.
pub(crate) fn of(path: Option<&Path>) -> Result<Vec<String>, Vec<Fault>> {
    Ok(path.map(load).transpose()?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn a_word_a_line_and_what_is_none_is_named_with_its_line() {
        let text = "\u{feff}# 本区的词\r\n背街小巷\r\n\r\n５Ｇ基站 # 全角也可\n背街小巷\n";
        assert_eq!(parse(text).unwrap(), ["背街小巷", "5g基站"]);
        let faults = parse("背街\n水\n一句很长的话不是一个词因为它太长了\nabc\n两个 词\n").unwrap_err();
        assert_eq!(faults.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 4, 5]);
        assert!(faults[0].1.contains("水"), "{faults:?}");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.txt");
        let told = |path: &Path| load(path).unwrap_err()[0].to_string();
        assert!(told(&path).contains("words.txt: cannot be read"));
        std::fs::write(&path, [0xff, 0xfe, 0x00]).unwrap();
        assert!(told(&path).contains("is not UTF-8"));
        std::fs::write(&path, "背街\n?\n").unwrap();
        assert!(told(&path).contains("words.txt:2: "), "{}", told(&path));
    }

    #[test]
    fn the_table() {
        let at = |second, size| Some((SystemTime::UNIX_EPOCH + Duration::from_secs(second), size));
        let mut watched = Watched::read(at(1, 10));
        assert!(!watched.look(at(1, 10)), "as it was read");
        assert!(!watched.look(at(2, 4)), "it may still be written");
        assert!(!watched.look(at(2, 12)), "and it was");
        assert!(watched.look(at(2, 12)), "it has settled");
        assert!(!watched.look(at(2, 12)), "once");
        assert!(!watched.look(None) && watched.look(None) && !watched.look(None), "gone is told once");
        assert!(!watched.look(at(1, 10)) && watched.look(at(1, 10)), "an older one is another one");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            if let Ok(words) = parse(&text) {
                prop_assert!(words.iter().all(|word| user_word(word).as_deref() == Ok(word)));
            }
        }
    }
}
