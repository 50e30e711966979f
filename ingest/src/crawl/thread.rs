//! Threads: which of them a visit reads, and how one is read.
//!
//! | the thread | is read |
//! |---|---|
//! | has news, its oldest comments stand first | its first page, and then on from where the last visit ended, if nothing moved before that |
//! | has news, its newest comments stand first | back to comments that are known |
//! | is looked at again | from its first page to its last, so that edits and what is gone are noticed |
//! | has more pages than a visit may read | so many of them; the next visit goes on |
//!
//! Comments that are deleted while it is read pull later ones up, over the edge of a page that was read already: pages that
//! were read one after the other are read once more, until a reading meets everything that the one before had met.

use super::{
    bottom::{self, Bottom},
    frontier::{Bookmark, ThreadRead, Why},
    ledger::Missing,
    order,
    visit::{Stop, Trouble, Visit},
};
use crate::{
    source::listing::{Found, Thread, ThreadPage, latest},
    web::request::Validators,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::settings::Order,
    records::{CrawlOutcome, Span},
};
use std::collections::{BTreeMap, HashMap, HashSet};
use url::Url;

/// So many threads say something about a site.
const SIGNIFICANT: usize = 3;
/// So many comments at the end of a page must be known.
const TRAILING: usize = 3;
/// So often pages are read once more.
const AGAIN: u32 = 2;
/// So many pages of new comments are read at once, where the newest stand first.
const MOST_AT_ONCE: u32 = 50;

/// What the threads came to.
#[derive(Debug, Default)]
pub(super) struct Threads {
    /// The latest time that the last listed one states: how far back the list goes.
    pub(super) reached: Option<Timestamp>,
}

/// What the pages of a thread held.
#[derive(Debug, Default)]
struct InThread {
    /// Whether there was a post or comment, one that cannot be read included.
    any: bool,
    text: bool,
    latest: Option<Timestamp>,
}

/// A thread that is being read.
struct Reading {
    address: Url,
    thread_id: Option<String>,
    /// Native ids that were known before.
    known: HashSet<String>,
    /// Whether its first page was there.
    is_there: bool,
    /// Those that were met, in their order.
    met: Vec<String>,
    news: bool,
    held: InThread,
}

impl Visit<'_> {
    /// Reads the threads that are due, of the rows that the list holds and of others: those with news, or the rest.
    pub(super) async fn threads(&mut self, listed: &[String], with_news: bool) -> Result<Threads, Stop> {
        let every = SignedDuration::try_from(self.site.pace.usual).unwrap_or(SignedDuration::MAX);
        let mut due = self.memory.frontier.due(listed.iter().map(String::as_str), self.began, every, self.is_html());
        // Those that were given up, and are gaps since.
        let given_up: Vec<String> = self.memory.state.ledger.threads_due(self.began).map(str::to_owned).collect();
        due.extend(given_up.into_iter().map(|key| (key, Why::Again)));
        // What chasing a gap has brought up is news too, and not urgent.
        due.retain(|(key, why)| (!with_news || *why == Why::News) && !self.failed.contains(key));
        let (mut read, mut worded, mut failed, mut empty) = (0, false, Vec::new(), Vec::new());
        let mut threads = Threads::default();
        for (key, why) in due {
            if !self.has_time(with_news) {
                if why == Why::News {
                    self.trouble("more threads have news than this visit can read: the next one goes on".into());
                }
                break;
            }
            let trouble = match self.thread(&key, why).await {
                // An API says by its answer that nobody has commented; a page that shows nothing says nothing.
                Ok(None) => {
                    empty.push(key);
                    continue;
                }
                Ok(Some(held)) => {
                    read += 1;
                    worded |= held.text;
                    if listed.last() == Some(&key) {
                        threads.reached = held.latest;
                    }
                    let missing = Missing::Thread(key);
                    let closed =
                        self.memory.state.ledger.close(|gap| gap.missing == missing, "the thread was read to its end");
                    self.closed.extend(closed);
                    continue;
                }
                Err(Stop::Source(trouble)) => trouble,
                Err(stop) => return Err(stop),
            };
            if trouble.is_gone {
                self.thread_is_gone(&key, "its thread is not found any more").await?;
                continue;
            }
            self.thread_failed(&key, &trouble.reason);
            // The site wants to be left alone, or a person is needed: the other threads would fare no better.
            if trouble.retry_after.is_some() || trouble.outcome == CrawlOutcome::LoginRequired {
                return Err(Stop::Source(trouble));
            }
            failed.push(trouble.outcome);
        }
        self.threads_read += read;
        let are_all_empty = self.threads_read == 0 && !empty.is_empty();
        for key in empty {
            // Forums say in words, on a page that is there, that a thread is deleted. When it is no change of the layout, it stays so.
            if self.threads_read > 0 && self.memory.frontier.is_given_up_next(&key) {
                self.thread_is_gone(&key, "its thread shows nothing any more").await?;
            } else {
                self.thread_failed(&key, "neither thread.post nor thread.comments match anything");
            }
        }
        if are_all_empty {
            return Err(Stop::layout_changed("thread.post and thread.comments match nothing on any thread"));
        }
        // One thread of pictures is no sign; several without a word are.
        if read >= SIGNIFICANT && !worded {
            return Err(Stop::layout_changed(&format!("the selectors for text match nothing on {read} threads")));
        }
        // One broken thread is its own trouble.
        if let (0, [outcome, ..]) = (read, failed.as_slice())
            && (failed.len() >= SIGNIFICANT || *outcome == CrawlOutcome::RobotsDenied)
        {
            let (outcome, reason) = (*outcome, self.told().unwrap_or_default());
            return Err(Stop::Source(Trouble { outcome, reason, retry_after: None, is_gone: false }));
        }
        Ok(threads)
    }

    /// A thread that cannot be read is tried at the next visits; then it is a gap, and tried more and more rarely.
    fn thread_failed(&mut self, key: &str, reason: &str) {
        self.failed.insert(key.to_owned());
        let missing = Missing::Thread(key.to_owned());
        self.memory.state.ledger.failed(&missing, self.site.pace.fastest, Timestamp::now());
        let given_up = self.memory.frontier.failed(key);
        let reason = format!("{key}: {reason}");
        if given_up && !self.memory.state.ledger.is_chased(&missing) {
            let from = self.memory.state.ledger.covered_to.unwrap_or(self.began).min(self.began);
            let span = Span { from, to: self.began };
            self.memory.state.ledger.open(span, missing, false, self.began);
            self.gaps.push((span, reason.clone()));
        }
        self.trouble(reason);
    }

    async fn thread_is_gone(&mut self, key: &str, reason: &str) -> Result<(), Stop> {
        let posts = self.memory.frontier.posts(key).to_vec();
        if !posts.is_empty() {
            self.tell_gone(posts, reason).await?;
        }
        self.memory.frontier.gone(key);
        let missing = Missing::Thread(key.to_owned());
        let closed = self.memory.state.ledger.close(|gap| gap.missing == missing, "the thread is gone from the site");
        self.closed.extend(closed);
        Ok(())
    }

    /// Reads a thread. None when its page shows nothing.
    async fn thread(&mut self, key: &str, why: Why) -> Result<Option<InThread>, Stop> {
        let address = Url::parse(key).map_err(|_| Stop::failed("the address cannot be read".into()));
        let address = self.memory.frontier.page_behind(key).map_or(address, Ok)?;
        let mut reading = Reading {
            address,
            thread_id: None,
            known: self.memory.frontier.posts(key).iter().cloned().collect(),
            is_there: false,
            met: Vec::new(),
            news: false,
            held: InThread::default(),
        };
        let bookmark = self.memory.frontier.bookmark(key).filter(|_| why != Why::Again);
        let read = match self.site.reader.thread_order() {
            Order::Oldest => self.oldest_first(&mut reading, bookmark).await,
            Order::Newest => self.newest_first(&mut reading, why == Why::Again).await,
        };
        let read = read.map_err(|stop| match stop {
            // A later page that is not there says that the thread became shorter while it was read.
            Stop::Source(trouble) if reading.is_there => Stop::Source(Trouble { is_gone: false, ..trouble }),
            stop => stop,
        })?;
        if !reading.held.any && self.is_html() {
            return Ok(None);
        }
        // Where the newest stand first, whatever is remembered ends the next reading: what was read half-way must not.
        let is_half = !read.finished && self.site.reader.thread_order() == Order::Newest;
        let mut posts = if is_half { Vec::new() } else { reading.met.clone() };
        if read.whole && self.memory.frontier.remembers_all(key) {
            let met: HashSet<&String> = reading.met.iter().collect();
            let mut gone: Vec<String> = reading.known.iter().filter(|id| !met.contains(id)).cloned().collect();
            // Where most are missing at once, the page has changed rather than the thread.
            if !gone.is_empty() && gone.len() <= (reading.known.len() / 2).max(1) {
                gone.sort();
                self.tell_gone(gone, "it stands in its thread no more").await?;
            } else {
                posts.extend(gone);
            }
        } else {
            let before = self.memory.frontier.posts(key).iter();
            posts.extend(before.filter(|id| is_half || !reading.met.contains(id)).cloned());
        }
        let bookmark = reading.thread_id.map(|thread_id| Bookmark { page: read.page, thread_id, begins: read.begins });
        let came_to = ThreadRead { news: reading.news, finished: read.finished, bookmark, posts };
        self.memory.frontier.read(key, came_to, Timestamp::now());
        Ok(Some(reading.held))
    }

    /// The first page again, then on from the bookmark to the last page.
    async fn oldest_first(&mut self, reading: &mut Reading, bookmark: Option<Bookmark>) -> Result<ReadTo, Stop> {
        let first = reading.address.clone();
        let mut bookmark = bookmark.filter(|bookmark| bookmark.page != first);
        // Looking again at the first page and the last one that was read does not count: else a thread would never be read on.
        let mut left = self.site.reader.thread_pages() + if bookmark.is_some() { 2 } else { 0 };
        let (mut whole, mut pages) = (true, BTreeMap::new());
        let mut next = Some(first.clone());
        let (mut last, mut last_begins) = (first.clone(), None);
        let expected = bookmark.as_ref().and_then(|bookmark| bookmark.begins.clone());
        let (mut run, mut ids): (Vec<Url>, HashMap<Url, Vec<String>>) = Default::default();
        while let Some(url) = next.clone().filter(|url| left > 0 && !pages.contains_key(url)) {
            left -= 1;
            let is_bookmark = pages.len() == 1 && !whole;
            let page = match self.thread_page(&url, reading).await {
                Ok(page) => page,
                // The thread has become shorter: it is read from its beginning.
                Err(Stop::Source(trouble)) if is_bookmark && trouble.is_gone => ThreadPage::default(),
                Err(stop) => return Err(stop),
            };
            if !is_bookmark {
                self.shows_something(&page, &url, &first)?;
            }
            let (begins, after) = (begins(&page), page.next.clone());
            ids.insert(url.clone(), native_ids(&page));
            self.take(reading, page.posts).await?;
            // Where it begins otherwise, what is new may stand on the pages before.
            if is_bookmark && (begins.is_none() || begins != expected) {
                (whole, next) = (true, pages.get(&first).cloned().flatten());
                left += 1;
                run.push(first.clone());
                continue;
            }
            pages.insert(url.clone(), after.clone());
            run.push(url.clone());
            (last, last_begins) = (url.clone(), begins);
            next = after;
            if url == first
                && next.is_some()
                && let Some(bookmark) = bookmark.take()
            {
                reading.thread_id.get_or_insert(bookmark.thread_id);
                (whole, next) = (false, Some(bookmark.page));
                run.clear();
            }
        }
        let finished = next.as_ref().is_none_or(|next| pages.contains_key(next));
        let read = run.iter().filter_map(|url| ids.get(url)).flatten().cloned().collect();
        if !self.is_believable(reading, &run, read).await? {
            return Ok(ReadTo::again(first));
        }
        Ok(ReadTo { page: last, begins: last_begins, finished, whole: whole && finished })
    }

    /// From the first page back to what is known, or all of it.
    async fn newest_first(&mut self, reading: &mut Reading, all: bool) -> Result<ReadTo, Stop> {
        let first = reading.address.clone();
        let (mut run, mut read): (Vec<Url>, Vec<String>) = Default::default();
        let mut next = Some(first.clone());
        let mut known = false;
        // What lies between here and what is known must be read in one go, or would be taken for known.
        let most = self.site.reader.thread_pages().max(MOST_AT_ONCE);
        while let Some(url) = next.clone().filter(|url| !run.contains(url)) {
            let page = self.thread_page(&url, reading).await?;
            self.shows_something(&page, &url, &first)?;
            let ids = native_ids(&page);
            known |= !ids.is_empty() && ids.iter().rev().take(TRAILING).all(|id| reading.known.contains(id));
            read.extend(ids);
            next = page.next;
            self.take(reading, page.posts).await?;
            run.push(url);
            if (known && !all) || run.len() as u32 >= most {
                break;
            }
        }
        if !self.is_believable(reading, &run, read).await? {
            return Ok(ReadTo::again(first));
        }
        let is_end = next.is_none();
        if !is_end && !known {
            let reason = format!("{first}: after {} pages of comments nothing known was reached", run.len());
            self.trouble(reason.clone());
            // Before the first visit there was no watch.
            if let Some(from) = self.memory.state.ledger.covered_to {
                self.gaps.push((Span { from: from.min(self.began), to: self.began }, reason));
            }
        }
        Ok(ReadTo { page: first, begins: None, finished: true, whole: is_end })
    }

    /// A later page of a thread without a comment is none: the layout may be changing under our eyes.
    fn shows_something(&self, page: &ThreadPage, url: &Url, first: &Url) -> Result<(), Stop> {
        if page.posts.is_empty() && url != first && self.is_html() {
            return Err(Stop::failed(format!("{url} shows no comment, although the page before leads to it")));
        }
        Ok(())
    }

    /// Reads a run of pages once more, down to where it ended, until a reading met everything that the one before had met: nothing can
    /// have slid over the edge of a page meanwhile. Returns whether there was one: a thread that moved each time is owed still.
    async fn is_believable(&mut self, reading: &mut Reading, run: &[Url], mut read: Vec<String>) -> Result<bool, Stop> {
        let (Some(first), true) = (run.first(), run.len() > 1) else { return Ok(true) };
        for _ in 0..AGAIN {
            let met = reading.met.len();
            let before = std::mem::take(&mut read);
            let mut bottom = Bottom::of(before.iter().cloned());
            let mut next = Some(first.clone());
            for _ in 0..run.len() as u32 + MOST_AT_ONCE {
                let Some(url) = next.take() else { break };
                let page = match self.thread_page(&url, reading).await {
                    Ok(page) => page,
                    Err(Stop::Source(trouble)) => {
                        self.trouble(format!("{url} could not be read once more: {}", trouble.reason));
                        return Ok(false);
                    }
                    Err(stop) => return Err(stop),
                };
                next.clone_from(&page.next);
                let ids = native_ids(&page);
                self.take(reading, page.posts).await?;
                let passes = bottom.passes(ids.iter().cloned());
                read.extend(ids);
                if passes {
                    break;
                }
            }
            if order::only_rose(&before[..before.len().saturating_sub(bottom::ROWS)], &read) {
                // Beside what this last reading alone has met it may have missed something.
                reading.met.truncate(met);
                return Ok(true);
            }
        }
        self.trouble(format!("{} moved each time that it was read: it is read again", reading.address));
        Ok(false)
    }

    async fn thread_page(&mut self, url: &Url, reading: &mut Reading) -> Result<ThreadPage, Stop> {
        let (address, thread_id) = (reading.address.clone(), reading.thread_id.clone());
        let is_first = *url == address;
        let read = self
            .read(url, &Validators::default(), move |reader, text, url, context| {
                let thread = match &thread_id {
                    Some(id) if !is_first => Thread::Later(id),
                    _ => Thread::First(&address),
                };
                reader.thread(text, url, &thread, context)
            })
            .await?;
        let Some((page, at)) = read else {
            return Err(Stop::failed(format!("{url} is said not to have changed, and nobody asked")));
        };
        if page.login {
            return Err(Stop::login(&at.url));
        }
        if is_first {
            reading.is_there = true;
            reading.thread_id.clone_from(&page.thread_id);
        }
        Ok(page)
    }

    async fn take(&mut self, reading: &mut Reading, posts: Vec<Found>) -> Result<(), Stop> {
        reading.held.any |= !posts.is_empty();
        reading.held.text |= posts.iter().any(|post| post.as_ref().map_or(true, |post| !post.text.is_empty()));
        reading.held.latest = reading.held.latest.max(latest(&posts));
        for post in posts.iter().flatten() {
            if !reading.met.contains(&post.native_id) {
                reading.met.push(post.native_id.clone());
            }
        }
        let known = &reading.known;
        reading.news |= self.hand_in(posts, |id| known.contains(id)).await?;
        Ok(())
    }
}

/// How far a thread was read.
struct ReadTo {
    /// Its last page that was read.
    page: Url,
    /// The first comment of that page.
    begins: Option<String>,
    finished: bool,
    /// From its first page to its last.
    whole: bool,
}

impl ReadTo {
    /// It is to be read again, from its first page.
    fn again(first: Url) -> Self {
        Self { page: first, begins: None, finished: false, whole: false }
    }
}

/// The first comment of a page that could be read.
fn begins(page: &ThreadPage) -> Option<String> {
    page.posts.iter().flatten().next().map(|post| post.native_id.clone())
}

/// The posts and comments of a page that could be read, in its order.
fn native_ids(page: &ThreadPage) -> Vec<String> {
    page.posts.iter().flatten().map(|post| post.native_id.clone()).collect()
}
