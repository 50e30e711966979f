//! A trial as a person reads it. Pages are hostile: nothing of them reaches the terminal but what can be seen.

use super::{Trial, TriedPage, explain::KeyFound};
use schemas::records::{Precision, RawPost};
use std::fmt;

const MAX_VALUE_CHARS: usize = 200;

impl fmt::Display for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.what.is_empty() {
            writeln!(f, "{}", visible(&self.what))?;
        }
        for page in &self.pages {
            page.print(f)?;
        }
        for problem in &self.problems {
            writeln!(f, "! {}", visible(problem))?;
        }
        let good = self.pages.iter().flat_map(|page| &page.posts).filter(|post| post.is_ok()).count();
        match good {
            0 => writeln!(f, "no post came out"),
            _ => writeln!(
                f,
                "posts come out: {good} shown of {} found",
                self.pages.iter().map(|page| page.found).sum::<usize>()
            ),
        }
    }
}

impl TriedPage {
    fn print(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n{} {}\n  {}, {} found", self.role, visible(&self.url), visible(&self.fetched), self.found)?;
        writeln!(f, "  next page: {}", self.next.as_deref().map_or("none".into(), visible))?;
        for key in &self.keys {
            print_key(key, f)?;
        }
        for row in &self.rows {
            writeln!(f, "  row {}", visible(&row.key))?;
            for (name, value) in
                [("changed", &row.changed), ("published_at", &row.published_at), ("thread", &row.thread)]
            {
                if let Some(value) = value {
                    writeln!(f, "      {name}: {}", visible(value))?;
                }
            }
        }
        for post in &self.posts {
            match post {
                Ok(post) => print_post(post, f)?,
                Err(reason) => writeln!(f, "  refused: {}", visible(reason))?,
            }
        }
        Ok(())
    }
}

fn print_key(key: &KeyFound, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mark = if key.found == 0 { '–' } else { '+' };
    write!(f, "  {mark} {} {}/{}", visible(&key.key), key.found, key.of)?;
    match (&key.sample, &key.nearest) {
        (Some(sample), _) => writeln!(f, ": {}", visible(sample)),
        (None, Some(nearest)) => writeln!(f, ": {}", visible(nearest)),
        (None, None) => writeln!(f),
    }
}

fn print_post(post: &RawPost, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let exact = match post.published_precision {
        Precision::Second => "to the second",
        Precision::Minute => "to the minute",
        Precision::Hour => "to the hour",
        Precision::Day => "to the day",
    };
    writeln!(f, "  {:?} {}", post.kind, visible(&post.native_id))?;
    let some = |value: &Option<String>| value.clone();
    let counts = post.counts;
    let number = |number: u64| (number > 0).then(|| number.to_string());
    for (name, value) in [
        ("url", some(&post.url)),
        ("title", some(&post.title)),
        ("text", Some(post.text.clone())),
        ("author", post.author.as_ref().map(|author| format!("{author} (a pseudonym)"))),
        ("published_at", Some(format!("{} ({exact})", post.published_at))),
        ("thread_id", some(&post.thread_id)),
        ("parent_id", some(&post.parent_id)),
        ("likes", number(counts.likes)),
        ("replies", number(counts.replies)),
        ("reposts", number(counts.reposts)),
        ("place", some(&post.place)),
        ("media", (!post.media.is_empty()).then(|| post.media.join(" "))),
    ] {
        if let Some(value) = value {
            writeln!(f, "      {name}: {}", visible(&value))?;
        }
    }
    Ok(())
}

/// What a terminal can be shown: lines in one, no control characters, none that turn the writing's direction, not too long.
fn visible(text: &str) -> String {
    let is_hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let mut out: String = text
        .chars()
        .take(MAX_VALUE_CHARS)
        .map(|c| if c == '\n' { '⏎' } else { c })
        .filter(|c| !is_hidden(*c))
        .collect();
    if text.chars().nth(MAX_VALUE_CHARS).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_page_moves_no_terminal() {
        let trial = Trial {
            what: "a\u{1b}[2J\u{202e}b".into(),
            pages: vec![TriedPage {
                url: "\u{1b}]0;x\u{7}".into(),
                posts: vec![Err("x\r\n\u{9b}31m".into())],
                ..TriedPage::default()
            }],
            problems: vec!["\u{1b}".repeat(3) + &"长".repeat(5_000)],
            ..Trial::default()
        };
        let shown = trial.to_string();
        assert!(!shown.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}')), "{shown:?}");
        assert!(shown.contains("a[2Jb") && shown.contains("no post came out") && shown.len() < 2_000);
    }
}
