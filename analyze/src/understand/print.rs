//! `wanglou understand`: what is understood of each post in a file, a line of JSON a post, without a running instance.
//!
//! A line is a post as the doors take it or any object with a `"text"` (and perhaps `"id"` and `"title"`): labelled sets are
//! read as they are. A line that cannot be read is named with its number, and the others go on.

use super::{Understanding, Understood};
use crate::query::Facts;
use anyhow::Context;
use schemas::records::{Category, MAX_LINE_BYTES, PlaceFound, Sentiment, ToneProbability, UnitProposed, post_id};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, Read, Write};

/// What is read of a line; whatever else it holds is passed over.
#[derive(Debug, Deserialize)]
struct Line {
    id: Option<serde_json::Value>,
    source: Option<String>,
    native_id: Option<String>,
    title: Option<String>,
    text: String,
    place: Option<String>,
}

/// What is printed of a post.
#[derive(Debug, Serialize)]
struct Printed<'a> {
    id: serde_json::Value,
    sentiment: Sentiment,
    tones: &'a [ToneProbability],
    category: Option<&'a Category>,
    places: &'a [PlaceFound],
    elsewhere: Option<&'a str>,
    unit: Option<&'a UnitProposed>,
    keyphrases: &'a [String],
    fingerprint: Option<String>,
    topics: &'a [String],
    words: Vec<&'a str>,
}

/// Reads lines, prints what is understood of each, and names those that cannot be read on `complaints`. Returns how
/// many could not be read.
///
/// # Errors
/// When reading or writing itself fails.
pub fn print(
    understanding: &Understanding,
    mut lines: impl BufRead,
    mut out: impl Write,
    mut complaints: impl Write,
) -> anyhow::Result<usize> {
    let mut bad = 0;
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let length = (&mut lines).take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        let read = if length > MAX_LINE_BYTES && line.last() != Some(&b'\n') {
            skip_line(&mut lines)?;
            Err(anyhow::anyhow!("longer than {MAX_LINE_BYTES} bytes"))
        } else if line.trim_ascii().is_empty() {
            continue;
        } else {
            serde_json::from_slice::<Line>(&line).context("no JSON object with a \"text\"")
        };
        match read {
            Ok(line) => {
                serde_json::to_writer(&mut out, &printed(number, &line, &understand(understanding, &line)))?;
                out.write_all(b"\n")?;
            }
            Err(error) => {
                bad += 1;
                writeln!(complaints, "line {number}: {error:#}")?;
            }
        }
    }
    out.flush()?;
    Ok(bad)
}

fn understand(understanding: &Understanding, line: &Line) -> Understood {
    let stated = Facts { places: line.place.as_deref().into_iter().collect(), ..Facts::default() };
    understanding.understand_with(line.title.as_deref().unwrap_or(""), &line.text, stated)
}

/// The id is the line's own, or the post's, or the line's number.
fn printed<'a>(number: usize, line: &Line, found: &'a Understood) -> Printed<'a> {
    let id = match (&line.id, &line.source, &line.native_id) {
        (Some(id), ..) => id.clone(),
        (None, Some(source), Some(native_id)) => post_id(source, native_id).into(),
        _ => number.into(),
    };
    let words =
        [&found.title.words, &found.text.words].into_iter().flat_map(|words| words.split_whitespace()).collect();
    Printed {
        id,
        sentiment: found.sentiment,
        tones: &found.tones,
        category: found.category.as_ref(),
        places: &found.places,
        elsewhere: found.elsewhere.as_deref(),
        unit: found.unit.as_ref(),
        keyphrases: &found.keyphrases,
        fingerprint: found.fingerprint.hex(),
        topics: &found.topics,
        words,
    }
}

/// Passes over the rest of a line, however long it is.
fn skip_line(lines: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = lines.fill_buf()?;
        let (length, ended) = match buffer.iter().position(|&byte| byte == b'\n') {
            Some(end) => (end + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        lines.consume(length);
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed_of(input: &[u8]) -> (Vec<serde_json::Value>, String, usize) {
        let understanding = Understanding::new([]).unwrap();
        let (mut out, mut complaints) = (Vec::new(), Vec::new());
        let bad = print(&understanding, input, &mut out, &mut complaints).unwrap();
        let lines = out.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
        (lines.map(|line| serde_json::from_slice(line).unwrap()).collect(), String::from_utf8(complaints).unwrap(), bad)
    }

    #[test]
    fn good_lines_are_printed_and_bad_ones_named() {
        let input = "{\"source\":\"s\",\"native_id\":\"7\",\"title\":\"停水\",\"text\":\"三天了\",\"kind\":\"post\"}\n\
            nonsense\n\n{\"text\":\"很好\",\"id\":\"x\"}\n{\"title\":\"no text\"}\n{\"text\":\"\"}";
        let (lines, complaints, bad) = printed_of(input.as_bytes());
        let ids: Vec<String> = lines.iter().map(|line| line["id"].to_string()).collect();
        assert_eq!(ids, ["\"s:7\"", "\"x\"", "6"]);
        assert_eq!(lines[0]["words"], serde_json::json!(["停水", "三天", "了"]));
        assert_eq!(bad, 2);
        let starts: Vec<&str> = complaints.lines().map(|line| line.split(':').next().unwrap()).collect();
        assert_eq!(starts, ["line 2", "line 5"]);
    }

    #[test]
    fn a_line_that_never_ends_is_passed_over() {
        let mut input = vec![b'a'; 3 * MAX_LINE_BYTES];
        input.extend(b"\n\xff\xfe\n{\"text\":\"\\u0000\"}\n");
        let (lines, complaints, bad) = printed_of(&input);
        assert_eq!((lines.len(), bad), (1, 2));
        assert!(complaints.starts_with("line 1: longer than"), "{complaints}");
    }
}
