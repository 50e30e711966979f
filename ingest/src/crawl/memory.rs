//! What is remembered of a source between visits: which threads were listed in which state, which of them we still owe a
//! visit, and up to when the source is covered. Kept in the data folder; a saving, like all memory here: without it a visit
//! fetches everything again, and the door knows what is new.
//!
//! A row of the list is *known* when it was listed before in the same state. The list is sorted by news, so when the last
//! row of a page is known, everything behind it is known too. (The first rows say nothing: pinned threads stand there.)
//!
//! | thread | owed a visit |
//! |---|---|
//! | never listed, or its `changed` differs | yes |
//! | the last visit to it failed, or did not reach its last page | yes, up to some tries |
//! | has `changed`, and it is the same | now and then for a day after its last news: counts move without it |
//! | has no `changed` | at widening intervals, for three days after its last news |
//!
//! A worker that takes a source over has no such file of it, or an old one. What the reports say is enough to go on
//! ([`Inheritance`]): up to when the source is covered, and which rows were read. The rest is fetched again.

use crate::web::fetch::Validators;
use jiff::{SignedDuration, Timestamp};
use schemas::log::Identity;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
};
use url::Url;

/// Threads that are remembered; the ones that were listed least lately are forgotten.
const MAX_THREADS: usize = 5_000;
/// Rows that a report names.
const MAX_ROWS: usize = 100;
/// So often a visit to a thread is tried before it is given up.
const MAX_TRIES: u32 = 5;

/// What is remembered of a source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    // What was handed in lies in this log; with another log everything has to be fetched again.
    log: Identity,
    /// Tells whether the list or feed has changed.
    #[serde(default)]
    pub(crate) list: Validators,
    /// Up to when the source is covered.
    #[serde(default)]
    pub(crate) covered_to: Option<Timestamp>,
    #[serde(default)]
    threads: HashMap<String, Thread>,
    /// Rows that another worker has read.
    #[serde(skip)]
    inherited: HashSet<u32>,
}

/// What the reports of a source say to whoever takes it over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Inheritance {
    /// Up to when it is covered.
    pub(crate) covered_to: Option<Timestamp>,
    /// Rows that were read.
    pub(crate) rows: Vec<u32>,
    /// When the next visit is due.
    pub(crate) next_visit_at: Option<Timestamp>,
}

/// What is remembered of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Thread {
    changed: Option<String>,
    listed_at: Timestamp,
    #[serde(default)]
    read_at: Option<Timestamp>,
    #[serde(default)]
    news_at: Option<Timestamp>,
    #[serde(default)]
    owed: bool,
    #[serde(default)]
    tries: u32,
    /// From where it goes on, with the thread's id.
    #[serde(default)]
    bookmark: Option<Bookmark>,
}

/// How far a long thread has been read: the first page that was not, or else the last one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bookmark {
    pub(crate) page: Url,
    pub(crate) thread_id: String,
}

/// What a visit to a thread came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ThreadRead {
    /// Whether it brought anything new.
    pub(crate) news: bool,
    /// Whether its last page was read.
    pub(crate) finished: bool,
    /// Where to go on.
    pub(crate) bookmark: Option<Bookmark>,
}

impl Memory {
    pub(crate) fn new(log: Identity) -> Self {
        Self { log, list: Validators::default(), covered_to: None, threads: HashMap::new(), inherited: HashSet::new() }
    }

    /// Takes over what the reports say. They never say less than what is true, and neither does what is remembered here:
    /// both hold.
    pub(crate) fn inherit(&mut self, inheritance: &Inheritance) {
        self.covered_to = self.covered_to.max(inheritance.covered_to);
        self.inherited = inheritance.rows.iter().copied().collect();
    }

    /// Those of the rows that have been read in the state in which they were listed, for whoever takes the source over.
    pub(crate) fn read_rows(&self, keys: &[String]) -> Vec<u32> {
        let read = |key: &String| {
            let thread = self.threads.get(key).filter(|thread| !thread.owed)?;
            Some(row(key, thread.changed.as_deref()))
        };
        keys.iter().filter_map(read).take(MAX_ROWS).collect()
    }

    /// Whether a row was listed before in this state.
    pub(crate) fn knows(&self, key: &str, changed: Option<&str>) -> bool {
        let own = self.threads.get(key).is_some_and(|thread| thread.changed.as_deref() == changed);
        own || self.inherited.contains(&row(key, changed))
    }

    /// Notes that a row was listed. One that is not known is owed a visit from now on.
    pub(crate) fn list(&mut self, key: &str, changed: Option<&str>, now: Timestamp) {
        let known = self.threads.get(key).is_some_and(|thread| thread.changed.as_deref() == changed);
        let thread = self.threads.entry(key.to_owned()).or_insert_with(|| Thread {
            changed: None,
            listed_at: now,
            read_at: None,
            news_at: None,
            owed: true,
            tries: 0,
            bookmark: None,
        });
        thread.listed_at = now;
        if !known {
            thread.changed = changed.map(str::to_owned);
            (thread.owed, thread.tries, thread.news_at) = (true, 0, Some(now));
            if self.inherited.contains(&row(key, changed)) {
                // Another worker has read it: it is looked at again as if its news had come just now.
                (thread.owed, thread.read_at) = (false, Some(now));
            }
        }
    }

    /// The threads to visit now: the listed ones in their order, then the owed ones that are listed no more.
    pub(crate) fn due(&self, listed: &[String], now: Timestamp, every: SignedDuration) -> Vec<String> {
        let is_due = |key: &String| self.threads.get(key).is_some_and(|thread| thread.is_due(now, every));
        let mut due: Vec<String> = listed.iter().filter(|key| is_due(key)).cloned().collect();
        let mut others: Vec<_> = self.threads.keys().filter(|key| is_due(key) && !due.contains(key)).cloned().collect();
        others.sort();
        due.append(&mut others);
        due
    }

    pub(crate) fn bookmark(&self, key: &str) -> Option<Bookmark> {
        self.threads.get(key)?.bookmark.clone()
    }

    /// Notes that a thread was visited, and everything found is durable.
    pub(crate) fn read(&mut self, key: &str, read: ThreadRead, now: Timestamp) {
        if let Some(thread) = self.threads.get_mut(key) {
            thread.read_at = Some(now);
            thread.owed = !read.finished;
            thread.tries = 0;
            if read.news {
                thread.news_at = Some(now);
            }
            thread.bookmark = read.bookmark;
        }
    }

    /// Notes that a visit to a thread failed. Returns whether it is given up.
    pub(crate) fn failed(&mut self, key: &str, is_gone: bool) -> bool {
        let Some(thread) = self.threads.get_mut(key) else { return true };
        thread.tries += 1;
        // What was read last may be what is wrong: the next try begins at the beginning.
        thread.bookmark = None;
        thread.owed = !is_gone && thread.tries < MAX_TRIES;
        if !thread.owed {
            thread.news_at = None;
        }
        !thread.owed
    }

    /// Whether a thread is owed a visit still: then not everything up to now is covered.
    pub(crate) fn is_owing(&self) -> bool {
        self.threads.values().any(|thread| thread.owed && thread.tries > 0)
    }

    /// Forgets the threads that were listed least lately.
    pub(crate) fn forget(&mut self) {
        if self.threads.len() > MAX_THREADS {
            let mut listed: Vec<_> = self.threads.values().map(|thread| thread.listed_at).collect();
            listed.sort_unstable();
            let limit = listed[listed.len() - MAX_THREADS];
            self.threads.retain(|_, thread| thread.listed_at >= limit);
        }
    }

    /// The memory of a source, as it was kept; a new one when there is none, it cannot be read, or it belongs to another log.
    pub(crate) fn load(data_dir: &Path, source: &str, log: &Identity) -> Self {
        let kept = std::fs::read(file(data_dir, source)).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        kept.filter(|memory: &Self| memory.log == *log).unwrap_or_else(|| Self::new(log.clone()))
    }

    /// Keeps it.
    ///
    /// # Errors
    /// Whatever the file system says.
    pub(crate) fn save(&self, data_dir: &Path, source: &str) -> io::Result<()> {
        let path = file(data_dir, source);
        path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        schemas::kit::fs::write_atomically(&path, &serde_json::to_vec(self)?)
    }
}

/// The folder of all memories, under the data folder.
pub(crate) const MEMORIES: &str = "crawl";
/// A row of the list in a state, in few bytes: every worker computes the same.
fn row(key: &str, changed: Option<&str>) -> u32 {
    let text = changed.map_or_else(|| key.to_owned(), |changed| format!("{key}\n{changed}"));
    xxhash_rust::xxh3::xxh3_64(text.as_bytes()) as u32
}

/// A source's id holds only letters, digits, `.`, `_` and `-`.
fn file(data_dir: &Path, source: &str) -> PathBuf {
    data_dir.join(MEMORIES).join(format!("{source}.json"))
}

impl Thread {
    fn is_due(&self, now: Timestamp, every: SignedDuration) -> bool {
        if self.owed {
            return true;
        }
        let (Some(read), Some(news)) = (self.read_at, self.news_at) else { return false };
        let (since_read, since_news) = (now.duration_since(read), now.duration_since(news));
        match self.changed {
            Some(_) => {
                let pause = SignedDuration::from_mins(10).max(every).max(since_news / 2);
                since_news < SignedDuration::from_hours(24) && since_read >= pause
            }
            None => since_news < SignedDuration::from_hours(72) && since_read >= every.max(since_news / 4),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory() -> Memory {
        Memory::new(Identity { cluster: "c".into(), topic_id: "t".into() })
    }

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
    }

    const EVERY: SignedDuration = SignedDuration::from_mins(1);

    fn read(news: bool) -> ThreadRead {
        ThreadRead { news, finished: true, bookmark: None }
    }

    fn due(memory: &Memory, minutes: i64) -> bool {
        !memory.due(&["a".to_owned()], at(minutes), EVERY).is_empty()
    }

    #[test]
    fn a_row_is_known_in_the_state_in_which_it_was_listed() {
        let mut memory = memory();
        assert!(!memory.knows("a", Some("3")));
        memory.list("a", Some("3"), at(0));
        assert!(memory.knows("a", Some("3")) && !memory.knows("a", Some("4")) && !memory.knows("a", None));
    }

    #[test]
    fn a_thread_with_news_is_owed_until_it_was_read() {
        let mut memory = memory();
        memory.list("a", Some("3"), at(0));
        assert!(due(&memory, 0));
        memory.read("a", read(true), at(0));
        assert!(!due(&memory, 1));
        memory.list("a", Some("3"), at(1));
        assert!(!due(&memory, 1));
        memory.list("a", Some("4"), at(2));
        assert!(due(&memory, 2));
    }

    #[test]
    fn a_thread_without_news_is_visited_now_and_then_and_at_last_left() {
        let mut memory = memory();
        memory.list("a", Some("3"), at(0));
        memory.read("a", read(true), at(0));
        assert!(!due(&memory, 9) && due(&memory, 20));
        memory.read("a", read(false), at(600));
        assert!(!due(&memory, 700) && due(&memory, 1_300));
        assert!(!due(&memory, 24 * 60));
    }

    #[test]
    fn a_thread_of_a_list_that_tells_no_changes_is_visited_at_widening_intervals() {
        let mut memory = memory();
        memory.list("a", None, at(0));
        memory.read("a", read(true), at(0));
        assert!(due(&memory, 1));
        memory.read("a", read(false), at(400));
        assert!(!due(&memory, 450) && due(&memory, 540));
        memory.read("a", read(true), at(540));
        assert!(due(&memory, 542));
        assert!(!due(&memory, 540 + 72 * 60));
    }

    #[test]
    fn a_thread_that_fails_is_owed_for_some_tries_even_when_it_is_listed_no_more() {
        let mut memory = memory();
        memory.list("a", Some("3"), at(0));
        for _ in 1..MAX_TRIES {
            assert!(!memory.failed("a", false));
            assert!(memory.is_owing());
            assert_eq!(memory.due(&[], at(1), EVERY), ["a"]);
        }
        assert!(memory.failed("a", false));
        assert!(!memory.is_owing() && !due(&memory, 30));
        memory.list("a", Some("4"), at(2));
        assert!(memory.failed("a", true), "a thread that is gone is not tried again");
    }

    #[test]
    fn a_long_thread_is_owed_until_its_last_page_was_read() {
        let mut memory = memory();
        memory.list("a", Some("3"), at(0));
        let bookmark = Bookmark { page: Url::parse("http://f/t?p=5").unwrap(), thread_id: "1".into() };
        memory.read("a", ThreadRead { news: true, finished: false, bookmark: Some(bookmark.clone()) }, at(0));
        assert!(due(&memory, 0));
        assert!(!memory.is_owing(), "it is under way, not failing");
        assert_eq!(memory.bookmark("a"), Some(bookmark));
    }

    #[test]
    fn what_another_worker_has_read_is_not_owed_and_what_has_changed_since_is() {
        let mut theirs = memory();
        for (key, changed) in [("a", Some("3")), ("b", Some("1")), ("c", None), ("d", Some("9"))] {
            theirs.list(key, changed, at(0));
        }
        for key in ["a", "b", "c"] {
            theirs.read(key, read(true), at(0));
        }
        let keys = ["a", "b", "c", "d"].map(str::to_owned);
        let rows = theirs.read_rows(&keys);
        assert_eq!(rows.len(), 3, "one is owed a visit still");

        let mut ours = memory();
        ours.list("b", Some("0"), at(-600));
        ours.read("b", read(true), at(-600));
        ours.inherit(&Inheritance { covered_to: Some(at(0)), rows, next_visit_at: None });
        assert_eq!(ours.covered_to, Some(at(0)));
        assert!(ours.knows("a", Some("3")) && ours.knows("b", Some("1")) && ours.knows("c", None));
        assert!(!ours.knows("d", Some("9")) && !ours.knows("a", Some("4")));
        for (key, changed) in [("a", Some("4")), ("b", Some("1")), ("c", None), ("d", Some("9"))] {
            ours.list(key, changed, at(1));
        }
        assert_eq!(ours.due(&keys, at(1), EVERY), ["a", "d"]);
        assert_eq!(ours.due(&keys, at(12), EVERY), ["a", "b", "c", "d"], "counts move without news");
    }

    #[test]
    fn what_is_covered_never_shrinks_by_an_inheritance() {
        let mut memory = memory();
        memory.covered_to = Some(at(5));
        memory.inherit(&Inheritance { covered_to: Some(at(3)), ..Inheritance::default() });
        assert_eq!(memory.covered_to, Some(at(5)));
        memory.inherit(&Inheritance::default());
        assert_eq!(memory.covered_to, Some(at(5)));
    }

    #[test]
    fn it_is_bounded_and_forgets_what_was_not_listed_lately() {
        let mut memory = memory();
        for n in 0..MAX_THREADS as i64 + 10 {
            memory.list(&n.to_string(), None, at(n));
        }
        memory.forget();
        assert!(memory.threads.len() == MAX_THREADS && !memory.knows("9", None) && memory.knows("10", None));
    }

    #[test]
    fn it_is_kept_and_belongs_to_its_log() {
        let folder = tempfile::tempdir().unwrap();
        let mut memory = memory();
        memory.list("a", Some("3"), at(0));
        memory.save(folder.path(), "forum").unwrap();
        assert_eq!(Memory::load(folder.path(), "forum", &memory.log), memory);
        let other = Identity { cluster: "other".into(), topic_id: "t".into() };
        assert!(!Memory::load(folder.path(), "forum", &other).knows("a", Some("3")));
        std::fs::write(file(folder.path(), "forum"), b"{ torn").unwrap();
        assert!(!Memory::load(folder.path(), "forum", &memory.log).knows("a", Some("3")));
    }
}
