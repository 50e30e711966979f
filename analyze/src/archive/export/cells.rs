//! A post as a row of a table: what a person reads, in the columns that an analyst works with.
//!
//! Crawled text is hostile: what a spreadsheet would take for a formula begins with an apostrophe here, and control characters are
//! spaces.

use crate::query::{
    Facts,
    field::{COUNTS, FLAGS, KEYWORDS},
};
use jiff::{Timestamp, tz::TimeZone};
use schemas::records::AnalyzedPost;

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cell {
    Text(String),
    Number(u64),
}

/// How the columns are called.
pub(super) fn header(collapsed: bool) -> Vec<&'static str> {
    let mut names = vec!["发布时间"];
    names.extend(KEYWORDS.iter().map(|field| field.chinese[0]));
    names.extend(["标题", "正文"]);
    names.extend(COUNTS.iter().map(|field| field.chinese[0]));
    names.extend(FLAGS.iter().map(|field| field.chinese[0]));
    names.extend(["官方回复", "回复单位", "回复时间", "链接", "编号"]);
    if collapsed {
        names.push("同文条数");
    }
    names
}

/// A post's cells; `copies` where copies are collapsed.
pub(super) fn row(post: &AnalyzedPost, copies: Option<u64>, tz: &TimeZone) -> Vec<Cell> {
    let facts = Facts::of(post);
    let at = |at: Timestamp| at.to_zoned_datetime(tz.clone()).strftime("%F %T").to_string();
    let text = |text: &str| Cell::Text(defused(text));
    let mut cells = vec![Cell::Text(at(post.published_at))];
    for field in &KEYWORDS {
        let values = field.levels.iter().flat_map(|level| (level.values)(&facts)).map(|value| {
            let choice = field.choices.iter().find(|(wire, _)| *wire == value);
            choice.and_then(|(_, words)| words.first().copied()).unwrap_or(value)
        });
        cells.push(text(&values.collect::<Vec<_>>().join(", ")));
    }
    cells.push(text(post.title.as_deref().unwrap_or("")));
    cells.push(text(&post.text));
    cells.extend(COUNTS.iter().map(|field| Cell::Number((field.of)(post.counts))));
    cells.extend(FLAGS.iter().map(|flag| Cell::Text(if (flag.of)(&facts) { "是" } else { "" }.to_owned())));
    let reply = post.reply.as_ref();
    cells.push(text(reply.map_or("", |reply| &reply.text)));
    cells.push(text(reply.and_then(|reply| reply.by.as_deref()).unwrap_or("")));
    cells.push(Cell::Text(reply.and_then(|reply| reply.published_at).map(at).unwrap_or_default()));
    cells.push(text(post.url.as_deref().unwrap_or("")));
    cells.push(text(&post.id));
    cells.extend(copies.map(Cell::Number));
    cells
}

/// A text that no spreadsheet evaluates.
fn defused(text: &str) -> String {
    // Half and full width: some spreadsheets take both.
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    let mut safe = String::with_capacity(text.len() + 1);
    if is_formula {
        safe.push('\'');
    }
    safe.extend(text.chars().map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c }));
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn formulas_are_defused() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert!(defused(text).starts_with('\''), "{text:?}");
        }
        assert_eq!(defused("停水=没水"), "停水=没水");
        assert_eq!(defused("a\0b\u{1b}[2Jc\nd"), "a b [2Jc\nd");
    }

    proptest! {
        #[test]
        fn no_cell_begins_as_a_formula(text in any::<String>()) {
            prop_assert!(!defused(&text).starts_with(['=', '+', '-', '@', '\t', '\r']));
        }
    }
}
