//! Turns as a calendar: iCalendar, RFC 5545.
//!
//! | rule | here |
//! |---|---|
//! | lines end with CRLF (3.1) | every one |
//! | a line has at most 75 octets without its end; a longer one goes on behind CRLF and a space (3.1) | folded before the character that would not fit: none is torn |
//! | `\`, `;`, `,` and line breaks in text (3.3.11) | `\\`, `\;`, `\,`, `\n`; other control characters are left out |
//! | times (3.3.5) | UTC, with a Z: no VTIMEZONE is needed |
//! | UID (3.8.4.7) | of roster, person and beginning: the same as long as the turn is |
//! | DTSTAMP (3.8.7.2) | when the calendar was made |

use super::{Source, Turn};
use jiff::Timestamp;
use std::fmt::Write;

/// The most octets of a line.
const LONGEST: usize = 75;

/// A turn of a roster.
#[derive(Debug, Clone)]
pub struct Entry<'a> {
    /// The roster's id.
    pub roster: &'a str,
    /// The roster's name.
    pub name: &'a str,
    /// The turn.
    pub turn: &'a Turn,
}

/// A calendar of turns.
#[must_use]
pub fn calendar<'a>(name: &str, entries: impl IntoIterator<Item = Entry<'a>>, made_at: Timestamp) -> String {
    let mut text = String::new();
    let mut line = |content: &str| fold(&mut text, content);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line("PRODID:-//Wanglou//Duty roster//ZH");
    line("CALSCALE:GREGORIAN");
    line("METHOD:PUBLISH");
    line(&format!("X-WR-CALNAME:{}", escaped(name)));
    line("REFRESH-INTERVAL;VALUE=DURATION:PT1H");
    for Entry { roster, name, turn } in entries {
        line("BEGIN:VEVENT");
        line(&format!("UID:{}", uid(roster, turn)));
        line(&format!("DTSTAMP:{}", utc(made_at)));
        line(&format!("DTSTART:{}", utc(turn.from)));
        line(&format!("DTEND:{}", utc(turn.to)));
        line(&format!("SUMMARY:{}", escaped(&format!("值班: {} ({name})", turn.person))));
        if let Some(description) = description(turn) {
            line(&format!("DESCRIPTION:{}", escaped(&description)));
        }
        line("TRANSP:TRANSPARENT");
        line("END:VEVENT");
    }
    line("END:VCALENDAR");
    text
}

fn description(turn: &Turn) -> Option<String> {
    let how = match turn.source {
        Source::Shift | Source::Rotation => return None,
        Source::Override => "顶班",
        Source::Extra => "加班",
        Source::Swap => "换班",
    };
    let place = turn.instead_of.as_ref().map(|person| format!(", 代 {person}")).unwrap_or_default();
    Some(format!("{how}{place}"))
}

/// Ids may be Chinese, and names may be anything: a UID is plain.
fn uid(roster: &str, turn: &Turn) -> String {
    let key = format!("{roster}\n{}\n{}", turn.person, turn.from.as_millisecond());
    format!("{}@wanglou", &schemas::kit::tokens::hash(&key)[..32])
}

fn utc(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A text as a value.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\\' | ';' | ',' => {
                let _ = write!(escaped, "\\{c}");
            }
            '\n' => escaped.push_str("\\n"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

/// Adds a line, folded.
fn fold(text: &mut String, content: &str) {
    let mut length = 0;
    for c in content.chars() {
        if length + c.len_utf8() > LONGEST {
            text.push_str("\r\n ");
            length = 1;
        }
        text.push(c);
        length += c.len_utf8();
    }
    text.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turn(person: &str) -> Turn {
        Turn {
            from: "2026-11-24T12:00:00Z".parse().unwrap(),
            to: "2026-11-25T00:00:00Z".parse().unwrap(),
            person: person.into(),
            source: Source::Override,
            shift: Some(0),
            change: Some(1),
            instead_of: Some("李雷".into()),
        }
    }

    fn made_at() -> Timestamp {
        "2026-11-24T03:04:05.678Z".parse().unwrap()
    }

    #[test]
    fn a_turn_is_an_event() {
        let turn = turn("王敏");
        let text = calendar("值班, 夜", [Entry { roster: "night", name: "夜班; 一", turn: &turn }], made_at());
        let lines: Vec<&str> = text.split_terminator("\r\n").collect();
        assert_eq!(lines[0], "BEGIN:VCALENDAR");
        assert_eq!(lines[5], "X-WR-CALNAME:值班\\, 夜");
        assert!(lines[8].starts_with("UID:") && lines[8].ends_with("@wanglou"), "{text}");
        assert_eq!(
            lines[9..15],
            [
                "DTSTAMP:20261124T030405Z",
                "DTSTART:20261124T120000Z",
                "DTEND:20261125T000000Z",
                "SUMMARY:值班: 王敏 (夜班\\; 一)",
                "DESCRIPTION:顶班\\, 代 李雷",
                "TRANSP:TRANSPARENT"
            ]
        );
        let again = calendar("x", [Entry { roster: "night", name: "y", turn: &turn }], Timestamp::UNIX_EPOCH);
        assert!(again.contains(lines[8]), "its id stays");
        let other = calendar("x", [Entry { roster: "day", name: "y", turn: &turn }], made_at());
        assert!(!other.contains(lines[8]), "another roster's turn has another");
    }

    #[test]
    fn text_is_escaped() {
        for (text, wanted) in [
            ("a,b;c\\d", "a\\,b\\;c\\\\d"),
            ("一行\n两行\r\n三行", "一行\\n两行\\n三行"),
            ("铃\u{7}\0\r", "铃"),
            ("\"引号\": 不变", "\"引号\": 不变"),
        ] {
            assert_eq!(escaped(text), wanted);
        }
    }

    #[test]
    fn lines_are_folded_at_75_octets() {
        let folded = |content: &str| {
            let mut text = String::new();
            fold(&mut text, content);
            text
        };
        assert_eq!(folded(&"x".repeat(75)), format!("{}\r\n", "x".repeat(75)));
        assert_eq!(folded(&"x".repeat(76)), format!("{}\r\n x\r\n", "x".repeat(75)));
        assert_eq!(folded(&"x".repeat(150)), format!("{}\r\n {}\r\n x\r\n", "x".repeat(75), "x".repeat(74)));
        // Twenty-five characters of three octets are 75; of the next lines 24 and the space are 73.
        assert_eq!(folded(&"望".repeat(26)), format!("{}\r\n 望\r\n", "望".repeat(25)));
        assert_eq!(folded(&format!("x{}", "望".repeat(25))), format!("x{}\r\n 望\r\n", "望".repeat(24)));
        assert_eq!(folded(&format!("{}😀", "x".repeat(72))), format!("{}\r\n 😀\r\n", "x".repeat(72)));
        assert_eq!(folded(""), "\r\n");
    }

    proptest! {
        /// Whatever the names: lines are short, unfold to what they were, and there are no others.
        #[test]
        fn any_name_is_carried(name in any::<String>(), person in any::<String>()) {
            let turn = turn(&person);
            let text = calendar(&name, [Entry { roster: "r", name: &name, turn: &turn }], made_at());
            prop_assert!(text.ends_with("\r\n"));
            prop_assert!(text.split_terminator("\r\n").all(|line| line.len() <= 75 && !line.chars().any(char::is_control)));
            let unfolded = text.replace("\r\n ", "");
            let wanted = format!("SUMMARY:{}", escaped(&format!("值班: {person} ({name})")));
            prop_assert_eq!(unfolded.split_terminator("\r\n").filter(|line| **line == wanted).count(), 1);
            prop_assert_eq!(unfolded.split_terminator("\r\n").count(), 17);
        }
    }
}
