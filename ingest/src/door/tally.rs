//! What became of what was handed in: the answer of a door, and what each pushing source has handed in lately.

use crate::lately::Lately;
use jiff::Timestamp;
use schemas::{kit::metrics, records::Via};
use serde::Serialize;
use std::collections::HashMap;

/// Refused lines that are listed one by one; more are only counted, so that 64 MiB of nonsense do not make an answer of
/// gigabytes.
pub const MAX_LISTED: usize = 10_000;
/// Pushing sources that are told apart; a program that makes up a source for each post must not fill the memory.
const MAX_PUSHED: usize = 1_000;

/// The way by which posts come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Push,
    Import,
    /// A folder that is watched. Its records say `import`: one by one they are that, and a new word there would be set aside by
    /// every stage of an older version.
    File,
    Crawl,
}

impl Way {
    /// As the records say it.
    pub(super) fn via(self) -> Via {
        match self {
            Self::Push => Via::Push,
            Self::Import | Self::File => Via::Import,
            Self::Crawl => Via::Crawl,
        }
    }

    /// As the metrics say it.
    fn name(self) -> &'static str {
        match self {
            Self::Push => "push",
            Self::Import => "import",
            Self::File => "file",
            Self::Crawl => "crawl",
        }
    }

    /// Whether it is a source of the config, whose word of official voices counts.
    pub(super) fn is_of_config(self) -> bool {
        matches!(self, Self::File | Self::Crawl)
    }
}

impl From<Via> for Way {
    fn from(via: Via) -> Self {
        match via {
            Via::Push => Self::Push,
            Via::Import => Self::Import,
            Via::Crawl => Self::Crawl,
        }
    }
}

/// What became of what was handed in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// Durable now.
    pub accepted: u64,
    /// Known already and unchanged.
    pub duplicate: u64,
    /// What was refused, with line and reason; at most [`MAX_LISTED`].
    pub refused: Vec<Refused>,
    /// Refused beyond those that are listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub refused_unlisted: u64,
    /// The numbers of the crawled posts that are durable now.
    #[serde(skip)]
    pub(crate) taken: Vec<u64>,
    /// Lines that were read, blank ones included.
    #[serde(skip)]
    pub lines: u64,
}

/// A line that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// Its number, from 1.
    pub line: u64,
    /// Why.
    pub reason: String,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Accepted {
    /// How many were refused, listed or not.
    #[must_use]
    pub fn refused_count(&self) -> u64 {
        self.refused.len() as u64 + self.refused_unlisted
    }

    pub(crate) fn refuse(&mut self, line: u64, reason: String) {
        if self.refused.len() < MAX_LISTED {
            self.refused.push(Refused { line, reason });
        } else {
            self.refused_unlisted += 1;
        }
    }

    /// Adds what became of the next chunk; lines are its caller's to count.
    pub(crate) fn add(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.refused_unlisted += other.refused_unlisted;
        self.taken.extend(other.taken);
        for refused in other.refused {
            self.refuse(refused.line, refused.reason);
        }
    }

    pub(super) fn count(&self, way: Way) {
        for (metric, count) in [
            (&metrics::INGEST_ACCEPTED, self.accepted),
            (&metrics::INGEST_DUPLICATE, self.duplicate),
            (&metrics::INGEST_REFUSED, self.refused_count()),
        ] {
            metric.with_label_values(&[way.name()]).inc_by(count);
        }
    }
}

/// What came in through the doors of programs, by source.
#[derive(Debug, Default)]
pub(crate) struct Pushed(HashMap<String, Handed>);

/// What one source has handed in.
#[derive(Debug)]
pub(crate) struct Handed {
    /// When it last did.
    pub(crate) last: Timestamp,
    /// How many posts.
    pub(crate) posts: Lately<1>,
}

impl Pushed {
    /// Counts posts of a source. Beyond [`MAX_PUSHED`] sources the one that has been silent longest is forgotten.
    pub(crate) fn take(&mut self, source: &str, count: u64, at: Timestamp) {
        if !self.0.contains_key(source) {
            if self.0.len() >= MAX_PUSHED
                && let Some(silent) = self.0.iter().min_by_key(|(_, handed)| handed.last).map(|(id, _)| id.clone())
            {
                self.0.remove(&silent);
            }
            self.0.insert(source.to_owned(), Handed { last: at, posts: Lately::default() });
        }
        if let Some(handed) = self.0.get_mut(source) {
            handed.last = handed.last.max(at);
            handed.posts.add(at, [count]);
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Handed)> {
        self.0.iter().map(|(source, handed)| (source.as_str(), handed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_up_sources_do_not_fill_the_memory() {
        let mut pushed = Pushed::default();
        for n in 0..MAX_PUSHED as i64 + 10 {
            pushed.take(&format!("s{n}"), 1, Timestamp::from_second(n).unwrap());
        }
        assert_eq!(pushed.iter().count(), MAX_PUSHED);
        assert!(pushed.iter().all(|(source, _)| source != "s0"));
    }

    #[test]
    fn refused_lines_are_listed_up_to_a_limit_and_all_are_counted() {
        let mut all = Accepted::default();
        for line in 0..MAX_LISTED as u64 + 5 {
            all.refuse(line, "no".into());
        }
        assert_eq!((all.refused.len(), all.refused_count()), (MAX_LISTED, MAX_LISTED as u64 + 5));
    }
}
