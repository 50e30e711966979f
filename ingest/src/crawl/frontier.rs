//! The frontier of a source: which rows were listed in which state, and which threads behind them are to be read. A saving,
//! like all memory here: without it a visit fetches everything again, and the door knows what is new.
//!
//! A row is *known* when it was listed before in the same state.
//!
//! | thread | read it |
//! |---|---|
//! | never listed, or its state differs, or it rose in the list ([`order`](super::order)) | now: it is owed |
//! | the last visit to it failed, or did not reach its last page | now, up to some tries: it is owed |
//! | read, with news a while ago | when the next comment is expected by its own rate, or when a quarter of that while has passed |
//! | read, without news for a week | no more |
//!
//! What is owed since the source's first visit is history: it is read when there is time, and nothing waits for it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use url::Url;

/// Rows that are remembered; the ones that were listed least lately are forgotten.
pub(crate) const MAX_ROWS: usize = 20_000;
/// Rows that a report names.
const MAX_REPORTED: usize = 100;
/// So often a visit to a thread is tried before it is given up, and becomes a gap.
pub(crate) const MAX_TRIES: u32 = 5;
/// How long after its last news a thread is visited at all.
const FOLLOWED: SignedDuration = SignedDuration::from_hours(7 * 24);
/// A thread whose row tells of news is not visited more often without.
const TOLD_PAUSE: SignedDuration = SignedDuration::from_mins(10);
/// Posts of a thread that are remembered, so that it is noticed when one is gone.
const MAX_POSTS: usize = 500;
/// Threads without known news that a visit reads again.
const MAX_REVISITS: usize = 20;

/// What is remembered of a row, and of the thread behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Known {
    changed: Option<String>,
    /// Since when it is known in this state.
    since: Timestamp,
    listed_at: Timestamp,
    #[serde(default)]
    thread: Option<Thread>,
}

/// What is remembered of a thread.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Thread {
    /// Its address, where that is not the row's key.
    #[serde(default)]
    address: Option<Url>,
    read_at: Option<Timestamp>,
    news_at: Timestamp,
    /// Visits with news per hour, fading.
    rate: f32,
    owed: bool,
    /// Owed since before the source was covered at all.
    history: bool,
    tries: u32,
    /// From where it goes on, with the thread's id.
    bookmark: Option<Bookmark>,
    /// The native ids of its posts, as far as they are remembered.
    #[serde(default)]
    posts: Vec<String>,
}

/// How far a long thread has been read: its last page that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bookmark {
    pub(crate) page: Url,
    pub(crate) thread_id: String,
    /// The first comment of the page: what stands there now tells whether the thread moved.
    #[serde(default)]
    pub(crate) begins: Option<String>,
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
    /// The native ids of its posts that are known now.
    pub(crate) posts: Vec<String>,
}

/// Why a thread is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Why {
    /// It has news.
    News,
    /// It may have news by now.
    Again,
    /// It was there before the source was covered.
    History,
}

/// The rows of a source, by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Frontier {
    rows: HashMap<String, Known>,
    /// Rows that another worker has read.
    inherited: HashSet<u32>,
    /// When they were taken over.
    inherited_at: Option<Timestamp>,
    /// Keys that have changed since they were kept, and those that are gone.
    dirty: HashSet<String>,
}

impl Frontier {
    /// As it was kept.
    pub(crate) fn kept(rows: HashMap<String, Known>) -> Self {
        Self { rows, ..Self::default() }
    }

    /// What has changed since it was kept: rows to keep, and keys to drop.
    pub(crate) fn changes(&mut self) -> Vec<(String, Option<Known>)> {
        let dirty = std::mem::take(&mut self.dirty);
        dirty.into_iter().map(|key| (key.clone(), self.rows.get(&key).cloned())).collect()
    }

    /// Takes over the rows that another worker reports as read.
    pub(crate) fn inherit(&mut self, rows: &[u32], now: Timestamp) {
        self.inherited = rows.iter().copied().collect();
        self.inherited_at = Some(now);
    }

    /// Those of the rows that have been read in the state in which they were listed, for whoever takes the source over.
    pub(crate) fn read_rows<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Vec<u32> {
        let is_read = |thread: &Thread| !thread.owed && thread.tries == 0;
        let read = |key: &str| {
            let row = self.rows.get(key).filter(|row| row.thread.as_ref().is_none_or(is_read))?;
            Some(hash(key, row.changed.as_deref()))
        };
        keys.filter_map(read).take(MAX_REPORTED).collect()
    }

    /// Whether a row was listed in this state, at any time or before `found_at`.
    pub(crate) fn knows(&self, key: &str, changed: Option<&str>, before: Option<Timestamp>) -> bool {
        let is_old = |since: Timestamp| before.is_none_or(|before| since < before);
        let own = self.rows.get(key).is_some_and(|row| row.changed.as_deref() == changed && is_old(row.since));
        // Who takes over after a crash may inherit the rows of the very visit that found a gap: they prove nothing of it.
        own || (self.inherited_at.is_some_and(is_old) && self.inherited.contains(&hash(key, changed)))
    }

    /// Notes that a row was listed. A thread that is not known in this state is owed a visit from now on.
    pub(crate) fn list(
        &mut self,
        key: &str,
        changed: Option<&str>,
        thread: Option<&Url>,
        history: bool,
        now: Timestamp,
    ) {
        let inherited = self.inherited.contains(&hash(key, changed));
        let is_new = !self.rows.contains_key(key);
        let row = self.rows.entry(key.to_owned()).or_insert_with(|| Known {
            changed: None,
            since: now,
            listed_at: now,
            thread: None,
        });
        // Rewritten once a day at the least, so that what is still listed is not forgotten.
        let moved = now.duration_since(row.listed_at) >= SignedDuration::from_hours(24);
        if is_new || moved {
            row.listed_at = now;
            self.dirty.insert(key.to_owned());
        }
        if !is_new && row.changed.as_deref() == changed {
            return;
        }
        row.changed = changed.map(str::to_owned);
        row.since = now;
        self.dirty.insert(key.to_owned());
        if let Some(address) = thread {
            let thread = row.thread.get_or_insert_with(|| Thread::new(now));
            thread.address = (address.as_str() != key).then(|| address.clone());
            // Another worker has read it: it is looked at again as if its news had come just now.
            thread.owed = !inherited;
            thread.history = thread.owed && (history && thread.read_at.is_none());
            thread.tries = 0;
            if inherited {
                thread.read_at = Some(now);
            }
            thread.has_news(now);
        }
    }

    /// Notes that a row rose in the list: its thread has news, whatever its state says.
    pub(crate) fn raise(&mut self, key: &str, now: Timestamp) {
        if let Some(thread) = self.thread(key).filter(|thread| !thread.owed || thread.history) {
            (thread.owed, thread.history, thread.tries) = (true, false, 0);
            thread.has_news(now);
        }
    }

    /// The threads to read now, in this order: those with news, in the order of the list; then the owed ones that are listed
    /// no more, those to be looked at again, and history.
    ///
    /// `tells` says whether a row's state tells of new comments, as a forum's does; else it tells of edits alone.
    pub(crate) fn due<'a>(
        &'a self,
        listed: impl Iterator<Item = &'a str>,
        now: Timestamp,
        every: SignedDuration,
        tells: bool,
    ) -> Vec<(String, Why)> {
        let place: HashMap<&str, usize> = listed.enumerate().map(|(place, key)| (key, place)).collect();
        let mut due: Vec<(Why, usize, i64, &str)> = Vec::new();
        for (key, row) in &self.rows {
            let Some(thread) = &row.thread else { continue };
            let place = place.get(key.as_str()).copied().unwrap_or(usize::MAX);
            if thread.owed {
                let why = if thread.history { Why::History } else { Why::News };
                due.push((why, place, 0, key));
            } else if let Some(over) = thread.overdue(tells && row.changed.is_some(), now, every) {
                // The longest overdue first.
                due.push((Why::Again, 0, -over.as_secs(), key));
            }
        }
        due.sort_unstable();
        let mut again = 0;
        due.retain(|(why, ..)| {
            again += usize::from(*why == Why::Again);
            *why != Why::Again || again <= MAX_REVISITS
        });
        due.into_iter().map(|(why, _, _, key)| (key.to_owned(), why)).collect()
    }

    /// The page behind a row, where that is not its key.
    pub(crate) fn page_behind(&self, key: &str) -> Option<Url> {
        self.rows.get(key)?.thread.as_ref()?.address.clone()
    }

    pub(crate) fn bookmark(&self, key: &str) -> Option<Bookmark> {
        self.rows.get(key)?.thread.as_ref()?.bookmark.clone()
    }

    /// Notes that a thread was read, and everything found is durable.
    pub(crate) fn read(&mut self, key: &str, read: ThreadRead, now: Timestamp) {
        if let Some(thread) = self.thread(key) {
            thread.owed = !read.finished;
            thread.history &= thread.owed;
            thread.tries = 0;
            if read.news && thread.read_at.is_some() {
                thread.has_news(now);
            }
            thread.read_at = Some(now);
            thread.bookmark = read.bookmark;
            thread.posts = read.posts;
            thread.posts.truncate(MAX_POSTS);
        }
    }

    /// The native ids of the posts of a thread, as far as they are remembered.
    pub(crate) fn posts(&self, key: &str) -> &[String] {
        self.rows.get(key).and_then(|row| row.thread.as_ref()).map_or(&[], |thread| thread.posts.as_slice())
    }

    /// Whether all posts of a thread are remembered, as far as they were found.
    pub(crate) fn remembers_all(&self, key: &str) -> bool {
        self.posts(key).len() < MAX_POSTS
    }

    /// Whether a row was listed before, in whatever state.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.rows.contains_key(key)
    }

    /// Whether there is room for news alone.
    pub(crate) fn is_half_full(&self) -> bool {
        self.rows.len() > MAX_ROWS / 2
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether the next failure of a thread is the last one.
    pub(crate) fn is_given_up_next(&self, key: &str) -> bool {
        self.rows.get(key).and_then(|row| row.thread.as_ref()).is_none_or(|thread| thread.tries + 1 >= MAX_TRIES)
    }

    /// Notes that a visit to a thread failed. Returns whether it is given up.
    pub(crate) fn failed(&mut self, key: &str) -> bool {
        let Some(thread) = self.thread(key) else { return true };
        thread.tries = thread.tries.saturating_add(1);
        // What was read last may be what is wrong: the next try begins at the beginning.
        thread.bookmark = None;
        thread.owed = thread.tries < MAX_TRIES;
        thread.history &= thread.owed;
        !thread.owed
    }

    /// Notes that a thread is there no more.
    pub(crate) fn gone(&mut self, key: &str) {
        if let Some(row) = self.rows.get_mut(key) {
            row.thread = None;
            self.dirty.insert(key.to_owned());
        }
    }

    /// Whether a thread with news is owed a visit still: then not everything up to now is covered.
    pub(crate) fn is_owing(&self) -> bool {
        self.rows.values().filter_map(|row| row.thread.as_ref()).any(|thread| thread.owed && !thread.history)
    }

    /// Forgets the rows that were listed least lately.
    pub(crate) fn forget(&mut self) {
        if self.rows.len() <= MAX_ROWS {
            return;
        }
        let mut listed: Vec<_> = self.rows.values().map(|row| row.listed_at).collect();
        listed.sort_unstable();
        let limit = listed[listed.len() - MAX_ROWS];
        let dirty = &mut self.dirty;
        self.rows.retain(|key, row| {
            let stays = row.listed_at >= limit;
            if !stays {
                dirty.insert(key.clone());
            }
            stays
        });
    }

    fn thread(&mut self, key: &str) -> Option<&mut Thread> {
        let thread = self.rows.get_mut(key)?.thread.as_mut()?;
        self.dirty.insert(key.to_owned());
        Some(thread)
    }
}

/// A row in a state, in few bytes: every worker computes the same.
pub(crate) fn hash(key: &str, changed: Option<&str>) -> u32 {
    let text = changed.map_or_else(|| key.to_owned(), |changed| format!("{key}\n{changed}"));
    xxhash_rust::xxh3::xxh3_64(text.as_bytes()) as u32
}

impl Thread {
    fn new(now: Timestamp) -> Self {
        Self {
            address: None,
            read_at: None,
            news_at: now,
            rate: 0.0,
            owed: true,
            history: false,
            tries: 0,
            bookmark: None,
            posts: Vec::new(),
        }
    }

    /// News came: its rate is that of the last few times.
    fn has_news(&mut self, now: Timestamp) {
        let hours = (now.duration_since(self.news_at).as_secs_f32() / 3_600.0).max(1.0 / 60.0);
        if now > self.news_at {
            self.rate = self.rate / 2.0 + 0.5 / hours;
        }
        self.news_at = self.news_at.max(now);
    }

    /// For how long it has been time to look at it again; none when it is not.
    fn overdue(&self, is_told: bool, now: Timestamp, every: SignedDuration) -> Option<SignedDuration> {
        let read = self.read_at?;
        let (since_read, since_news) = (now.duration_since(read), now.duration_since(self.news_at));
        if since_news >= FOLLOWED {
            return None;
        }
        let least = if is_told { every.max(TOLD_PAUSE) } else { every };
        let fading = since_news / 4;
        let expected = (self.rate > 0.0).then(|| SignedDuration::from_secs((3_600.0 / f64::from(self.rate)) as i64));
        let pause = expected.map_or(fading, |expected| expected.max(fading / 4).min(fading)).max(least);
        (since_read >= pause).then(|| since_read - pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
    }

    fn page() -> Url {
        Url::parse("https://forum.example/t").unwrap()
    }

    const EVERY: SignedDuration = SignedDuration::from_mins(1);

    fn read(news: bool) -> ThreadRead {
        ThreadRead { news, finished: true, bookmark: None, posts: Vec::new() }
    }

    fn listed(changed: Option<&str>) -> Frontier {
        let mut frontier = Frontier::default();
        frontier.list("a", changed, Some(&page()), false, at(0));
        frontier
    }

    fn due(frontier: &Frontier, minutes: i64) -> Option<Why> {
        frontier.due(["a"].into_iter(), at(minutes), EVERY, true).first().map(|(_, why)| *why)
    }

    #[test]
    fn a_row_is_known_in_the_state_in_which_it_was_listed() {
        let mut frontier = listed(Some("3"));
        assert!(frontier.knows("a", Some("3"), None) && !frontier.knows("a", Some("4"), None));
        assert!(!frontier.knows("a", None, None) && !frontier.knows("b", Some("3"), None));
        frontier.list("a", Some("4"), Some(&page()), false, at(10));
        assert!(frontier.knows("a", Some("4"), Some(at(11))) && !frontier.knows("a", Some("4"), Some(at(10))));
    }

    #[test]
    fn a_thread_with_news_is_owed_until_it_was_read() {
        let mut frontier = listed(Some("3"));
        assert_eq!((due(&frontier, 0), frontier.is_owing()), (Some(Why::News), true));
        frontier.read("a", read(true), at(0));
        assert_eq!((due(&frontier, 1), frontier.is_owing()), (None, false));
        frontier.list("a", Some("3"), Some(&page()), false, at(1));
        assert_eq!(due(&frontier, 1), None);
        frontier.list("a", Some("4"), Some(&page()), false, at(2));
        assert_eq!(due(&frontier, 2), Some(Why::News));
    }

    #[test]
    fn a_thread_that_rose_is_owed_although_its_state_is_the_same() {
        let mut frontier = listed(None);
        frontier.read("a", read(true), at(0));
        frontier.raise("a", at(1));
        assert_eq!((due(&frontier, 1), frontier.is_owing()), (Some(Why::News), true));
        frontier.raise("b", at(1));
        assert!(!frontier.has("b"));
    }

    #[test]
    fn who_takes_over_is_not_told_that_a_given_up_thread_was_read() {
        let mut frontier = listed(Some("3"));
        (0..MAX_TRIES).for_each(|_| _ = frontier.failed("a"));
        assert!(!frontier.is_owing() && frontier.read_rows(["a"].into_iter()).is_empty());
        frontier.read("a", read(true), at(1));
        assert_eq!(frontier.read_rows(["a"].into_iter()).len(), 1);
    }

    #[test]
    fn a_thread_is_visited_at_widening_intervals_for_a_week() {
        let mut frontier = listed(None);
        let (mut minute, mut pauses, mut last) = (0, Vec::new(), 0);
        while minute < 9 * 24 * 60 {
            if due(&frontier, minute).is_some() {
                frontier.read("a", read(false), at(minute));
                pauses.push(minute - last);
                last = minute;
            }
            minute += 1;
        }
        assert!(pauses.windows(2).all(|pair| pair[1] + 1 >= pair[0]), "{pauses:?}");
        assert!((6 * 24 * 60..=7 * 24 * 60).contains(&last) && pauses.len() < 60, "{pauses:?}");
    }

    #[test]
    fn where_rows_tell_of_edits_alone_comments_are_looked_for_soon() {
        let mut frontier = listed(Some("modified"));
        frontier.read("a", read(true), at(0));
        let due = |tells| !frontier.due(["a"].into_iter(), at(2), EVERY, tells).is_empty();
        assert!(due(false) && !due(true));
    }

    #[test]
    fn a_hot_thread_is_visited_sooner_than_a_calm_one() {
        let visits = |news_every: i64| {
            let mut frontier = listed(None);
            let mut visits = 0;
            for minute in 0..600 {
                if due(&frontier, minute).is_some() {
                    let news = minute / news_every != (minute - 1) / news_every;
                    frontier.read("a", read(news), at(minute));
                    visits += i64::from(minute >= 300);
                }
            }
            visits
        };
        assert!(visits(3) > 2 * visits(120), "{} and {}", visits(3), visits(120));
    }

    #[test]
    fn a_thread_that_fails_is_owed_for_some_tries_even_when_it_is_listed_no_more() {
        let mut frontier = listed(Some("3"));
        for _ in 1..MAX_TRIES {
            assert!(!frontier.failed("a"));
            assert!(frontier.is_owing());
            assert_eq!(frontier.due([].into_iter(), at(1), EVERY, true), [("a".to_owned(), Why::News)]);
        }
        assert!(frontier.failed("a"));
        assert!(!frontier.is_owing());
        frontier.list("a", Some("4"), Some(&page()), false, at(2));
        frontier.gone("a");
        assert_eq!((due(&frontier, 30), frontier.is_owing()), (None, false));
    }

    #[test]
    fn a_long_thread_is_owed_until_its_last_page_was_read() {
        let mut frontier = listed(Some("3"));
        let bookmark = Bookmark { page: Url::parse("http://f/t?p=5").unwrap(), thread_id: "1".into(), begins: None };
        frontier.read(
            "a",
            ThreadRead { news: true, finished: false, bookmark: Some(bookmark.clone()), posts: Vec::new() },
            at(0),
        );
        assert_eq!((due(&frontier, 0), frontier.is_owing()), (Some(Why::News), true));
        assert_eq!(frontier.bookmark("a"), Some(bookmark));
    }

    #[test]
    fn history_is_read_last_and_nothing_waits_for_it() {
        let mut frontier = Frontier::default();
        for key in ["old", "older"] {
            frontier.list(key, None, Some(&page()), true, at(0));
        }
        assert!(!frontier.is_owing());
        frontier.list("new", None, Some(&page()), false, at(1));
        let order = frontier.due(["new", "old", "older"].into_iter(), at(1), EVERY, true);
        let order: Vec<_> = order.iter().map(|(key, why)| (key.as_str(), *why)).collect();
        assert_eq!(order, [("new", Why::News), ("old", Why::History), ("older", Why::History)]);
        frontier.list("old", Some("1"), Some(&page()), false, at(2));
        assert!(frontier.is_owing(), "news of an old thread is news");
    }

    #[test]
    fn what_another_worker_has_read_is_not_owed_and_what_has_changed_since_is() {
        let mut theirs = Frontier::default();
        for (key, changed) in [("a", Some("3")), ("b", Some("1")), ("c", None), ("d", Some("9"))] {
            theirs.list(key, changed, Some(&page()), false, at(0));
        }
        for key in ["a", "b", "c"] {
            theirs.read(key, read(true), at(0));
        }
        let keys = ["a", "b", "c", "d"];
        let rows = theirs.read_rows(keys.into_iter());
        assert_eq!(rows.len(), 3, "one is owed a visit still");

        let mut ours = Frontier::default();
        ours.list("b", Some("0"), Some(&page()), false, at(-600));
        ours.read("b", read(true), at(-600));
        ours.inherit(&rows, at(0));
        assert!(ours.knows("a", Some("3"), None) && ours.knows("b", Some("1"), None) && ours.knows("c", None, None));
        assert!(!ours.knows("d", Some("9"), None) && !ours.knows("a", Some("4"), None));
        for (key, changed) in [("a", Some("4")), ("b", Some("1")), ("c", None), ("d", Some("9"))] {
            ours.list(key, changed, Some(&page()), false, at(1));
        }
        let due = |minutes| ours.due(keys.into_iter(), at(minutes), EVERY, true).into_iter().map(|(key, _)| key);
        assert_eq!(due(1).collect::<Vec<_>>(), ["a", "d"]);
        assert_eq!(due(100).count(), 4, "counts move without news");
    }

    #[test]
    fn what_is_inherited_is_no_proof_for_a_gap_that_was_found_before() {
        let mut frontier = Frontier::default();
        frontier.inherit(&[hash("a", Some("3"))], at(10));
        assert!(frontier.knows("a", Some("3"), None) && frontier.knows("a", Some("3"), Some(at(11))));
        assert!(!frontier.knows("a", Some("3"), Some(at(9))));
    }

    #[test]
    fn it_is_bounded_forgets_what_was_not_listed_lately_and_tells_what_to_keep() {
        let mut frontier = Frontier::default();
        for n in 0..MAX_ROWS as i64 + 10 {
            frontier.list(&n.to_string(), None, None, false, at(n));
        }
        assert_eq!(frontier.changes().len(), MAX_ROWS + 10);
        frontier.forget();
        assert!(!frontier.knows("9", None, None) && frontier.knows("10", None, None));
        let changes = frontier.changes();
        assert!(changes.len() == 10 && changes.iter().all(|(_, row)| row.is_none()));
        frontier.list("50", None, None, false, at(51));
        assert!(frontier.changes().is_empty(), "what has not changed is not kept anew");
    }
}
