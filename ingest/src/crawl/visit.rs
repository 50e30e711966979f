//! One visit to a source: fetch, read, hand in, report. What a visit remembers it remembers after the door has
//! acknowledged; a visit that is dropped half-way has done nothing that the next one will not do again.

use super::{
    memory::{Bookmark, Memory, ThreadRead},
    stretch::{self, Back},
};
use crate::{
    charset,
    door::{Door, Rejectable},
    source::{
        Reader, Site,
        listing::{Context, Found, ListPage, Row, Thread, ThreadPage, exact},
    },
    web::fetch::{FetchError, Fetched, Fetcher, Page, Validators},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::backoff::Backoff,
    log::LogError,
    records::{CrawlOutcome, CrawlReport, DoorPost, Record},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

/// How long the door is waited for between tries.
const DOOR_BACKOFF: Backoff = Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(30) };
/// So many threads say something about a site.
const SIGNIFICANT: u32 = 3;
/// Troubles that a report tells of.
const MAX_TROUBLES: usize = 3;

/// A visit under way.
pub(crate) struct Visit<'a> {
    site: &'a Arc<Site>,
    fetcher: &'a Fetcher,
    door: &'a Door,
    memory: &'a mut Memory,
    began: Timestamp,
    pages: u32,
    found: u32,
    new: u32,
    /// The rows of the list's first page.
    first_rows: Vec<String>,
    broken: usize,
    troubles: Vec<String>,
    more_troubles: usize,
}

/// Why a visit ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The source is at fault.
    Source { outcome: CrawlOutcome, reason: String, retry_after: Option<Duration> },
    /// The log will never take anything again.
    Log(LogError),
}

/// A report, and how long the site wants to be left alone.
#[derive(Debug)]
pub(crate) struct Visited {
    pub(crate) report: CrawlReport,
    pub(crate) retry_after: Option<Duration>,
}

impl<'a> Visit<'a> {
    pub(crate) fn new(
        site: &'a Arc<Site>,
        fetcher: &'a Fetcher,
        door: &'a Door,
        memory: &'a mut Memory,
        began: Timestamp,
    ) -> Self {
        Self {
            site,
            fetcher,
            door,
            memory,
            began,
            pages: 0,
            found: 0,
            new: 0,
            first_rows: Vec::new(),
            broken: 0,
            troubles: Vec::new(),
            more_troubles: 0,
        }
    }

    /// Makes the visit. `next_visit_at` in the report is for the caller to fill in.
    ///
    /// # Errors
    /// When the log will never take anything again.
    pub(crate) async fn run(mut self) -> Result<Visited, LogError> {
        let site = self.site.clone();
        let ended = match &site.reader {
            Reader::Html(_) => self.html(&site.reader).await,
            Reader::Feed(_) => self.feed().await,
        };
        let (outcome, back, mut reason, retry_after) = match ended {
            Ok((outcome, back)) => (outcome, Some(back), None, None),
            Err(Stop::Source { outcome, reason, retry_after }) => (outcome, None, Some(reason), retry_after),
            Err(Stop::Log(error)) => return Err(error),
        };
        let complete = back.is_some() && !self.memory.is_owing();
        let stretch = stretch::claim(self.memory.covered_to, back.unwrap_or(Back::ToTheKnown), complete, self.began);
        self.memory.covered_to = stretch.covered_to;
        self.memory.forget();
        if reason.is_none() {
            reason = self.told();
        }
        let report = CrawlReport {
            v: CrawlReport::VERSION,
            source: site.id.clone(),
            name: site.name.clone(),
            started_at: self.began,
            finished_at: Timestamp::now().max(self.began),
            outcome,
            reason,
            pages: self.pages,
            found: self.found,
            new: self.new,
            covered: stretch.covered,
            gap: stretch.gap,
            gap_reason: None,
            closed: Vec::new(),
            silent_since: None,
            clock_offset_ms: None,
            lags: Vec::new(),
            gone: 0,
            rows: self.memory.read_rows(&self.first_rows),
            next_visit_at: self.began,
        };
        Ok(Visited { report, retry_after })
    }

    /// A forum: its list, then the threads that have news.
    async fn html(&mut self, reader: &Reader) -> Result<(CrawlOutcome, Back), Stop> {
        let start = self.site.start.clone();
        let (mut rows, mut known, mut more) = (Vec::<Row>::new(), false, Some(start));
        let mut validators = self.memory.list.clone();
        let mut unchanged = false;
        for number in 0..reader.list_pages() {
            let Some(url) = more.take() else { break };
            let conditional = if number == 0 { validators.clone() } else { Validators::default() };
            let Some(page) = self.fetch(&url, &conditional).await.map_err(|error| stop(&error))? else {
                (unchanged, known) = (true, true);
                break;
            };
            if number == 0 {
                validators = page.validators.clone();
            }
            let list = self.list(page).await?;
            let Some(last) = list.rows.last() else {
                if number == 0 {
                    return Err(layout_changed(&format!("list.item and list.link match nothing on {url}")));
                }
                break;
            };
            if number == 0 {
                self.first_rows = list.rows.iter().map(|row| row.key.clone()).collect();
            }
            known = self.memory.knows(last.key.as_str(), last.changed.as_deref());
            rows.extend(list.rows);
            if known {
                break;
            }
            more = list.next;
        }
        // Only now: a list that breaks off half-way must not make its first rows known.
        let listed: Vec<String> = rows.iter().map(|row| row.key.clone()).collect();
        for row in &rows {
            self.memory.list(row.key.as_str(), row.changed.as_deref(), self.began);
        }
        let every = SignedDuration::try_from(self.site.every).unwrap_or(SignedDuration::MAX);
        let (mut read, mut matched, mut worded, mut reached, mut failed) = (0, false, false, None, None);
        for key in self.memory.due(&listed, self.began, every) {
            match self.thread(reader, &key).await {
                Ok(found) => {
                    read += 1;
                    matched |= found.any;
                    worded |= found.text;
                    if listed.last() == Some(&key) {
                        reached = found.latest;
                    }
                }
                Err(Stop::Log(error)) => return Err(Stop::Log(error)),
                // The site wants to be left alone, or a person is needed: the other threads would fare no better.
                Err(Stop::Source { outcome, reason, retry_after })
                    if retry_after.is_some() || outcome == CrawlOutcome::LoginRequired =>
                {
                    self.memory.failed(&key, false);
                    return Err(Stop::Source { outcome, reason, retry_after });
                }
                Err(Stop::Source { outcome, reason, .. }) => {
                    let is_gone = reason.starts_with("HTTP 404") || reason.starts_with("HTTP 410");
                    let given_up = self.memory.failed(&key, is_gone);
                    if !is_gone {
                        failed.get_or_insert(outcome);
                        self.trouble(format!("{key}: {reason}{}", if given_up { ", given up" } else { "" }));
                    }
                }
            }
        }
        if read > 0 && !matched {
            return Err(layout_changed("thread.post and thread.comments match nothing on any thread"));
        }
        // One thread of pictures is no sign; several without a word are.
        if read >= SIGNIFICANT && !worded {
            return Err(layout_changed(&format!("the selectors for text match nothing on {read} threads")));
        }
        if let (0, Some(outcome)) = (read, failed) {
            let reason = self.told().unwrap_or_default();
            return Err(Stop::Source { outcome, reason, retry_after: None });
        }
        self.memory.list = validators;
        let outcome = if unchanged && self.found == 0 { CrawlOutcome::NotModified } else { CrawlOutcome::Ok };
        let back = if known || more.is_none() { Back::ToTheKnown } else { Back::To(reached) };
        Ok((outcome, back))
    }

    /// A thread: its first page again, and then on from where the last visit ended.
    async fn thread(&mut self, reader: &Reader, key: &str) -> Result<FoundInThread, Stop> {
        let address = Url::parse(key).map_err(|_| source_fault("the address cannot be read".into()))?;
        let bookmark = self.memory.bookmark(key);
        let mut thread_id = None;
        let (mut next, mut last_page) = (Some(address.clone()), address.clone());
        let mut news = false;
        let mut in_thread = FoundInThread::default();
        // Looking at the first page again does not count: else a thread of one page a visit would never be read on.
        let goes_on = bookmark.as_ref().is_some_and(|bookmark| bookmark.page != address);
        let pages = reader.thread_pages() + u32::from(goes_on);
        let mut seen_pages: Vec<Url> = Vec::new();
        for number in 0..pages {
            let Some(url) = next.take().filter(|url| !seen_pages.contains(url)) else { break };
            seen_pages.push(url.clone());
            let Some(page) = self.fetch(&url, &Validators::default()).await.map_err(|error| stop(&error))? else {
                break;
            };
            let found = self.thread_page(page, &address, thread_id.clone()).await?;
            if number == 0 {
                thread_id.clone_from(&found.thread_id);
            }
            let (posts, rejects) = parted(found.posts);
            in_thread.add(&posts, &rejects);
            if !posts.is_empty() || !rejects.is_empty() {
                news |= self.hand_in(posts, rejects).await?;
            }
            last_page = url;
            next = found.next;
            // The first page has been looked at anew; then on from where the last visit ended.
            if let (0, Some(bookmark)) = (number, &bookmark)
                && bookmark.page != address
                && next.is_some()
            {
                thread_id.get_or_insert_with(|| bookmark.thread_id.clone());
                next = Some(bookmark.page.clone());
            }
        }
        let finished = next.as_ref().is_none_or(|next| seen_pages.contains(next));
        let page = if finished { last_page } else { next.unwrap_or(last_page) };
        let bookmark = thread_id.map(|thread_id| Bookmark { page, thread_id });
        self.memory.read(key, ThreadRead { news, finished, bookmark }, Timestamp::now());
        Ok(in_thread)
    }

    /// A feed.
    async fn feed(&mut self) -> Result<(CrawlOutcome, Back), Stop> {
        let (url, validators) = (self.site.start.clone(), self.memory.list.clone());
        let Some(page) = self.fetch(&url, &validators).await.map_err(|error| stop(&error))? else {
            return Ok((CrawlOutcome::NotModified, Back::ToTheKnown));
        };
        let validators = page.validators.clone();
        let (site, now) = (self.site.clone(), self.began);
        let (list, broken) = blocking(move || {
            let decoded = charset::decode(&page.body, site.encoding, page.charset.as_deref());
            let context = Context { source: &site.id, now, tz: &site.tz };
            site.reader.list(&decoded.text, &page.url, &context).map(|list| (list, decoded.broken))
        })
        .await?
        .map_err(|error| layout_changed(&format!("{url} is no feed: {error}")))?;
        self.note_broken(broken, &url);
        let (posts, _) = parted(list.rows.into_iter().flat_map(|row| row.posts).collect());
        let oldest = posts.iter().min_by_key(|post| post.published_at);
        let back = match oldest {
            Some(oldest) if !self.memory.knows(&oldest.native_id, None) => Back::To(Some(oldest.published_at)),
            _ => Back::ToTheKnown,
        };
        let ids: Vec<String> = posts.iter().map(|post| post.native_id.clone()).collect();
        if !posts.is_empty() {
            self.hand_in(posts, Vec::new()).await?;
        }
        for id in &ids {
            self.memory.list(id, None, now);
            self.memory.read(id, ThreadRead { news: false, finished: true, bookmark: None }, now);
        }
        self.first_rows = ids;
        self.memory.list = validators;
        Ok((CrawlOutcome::Ok, back))
    }

    async fn fetch(&mut self, url: &Url, validators: &Validators) -> Result<Option<Page>, FetchError> {
        let fetched = self.fetcher.get(url, self.site.own(), validators).await?;
        self.pages += 1;
        Ok(match fetched {
            Fetched::Page(page) => Some(page),
            Fetched::NotModified => None,
        })
    }

    async fn list(&mut self, page: Page) -> Result<ListPage, Stop> {
        let url = page.url.clone();
        let (list, broken) = self.read(page, |reader, text, url, context| reader.list(text, url, context)).await?;
        self.note_broken(broken, &url);
        Ok(list)
    }

    async fn thread_page(&mut self, page: Page, address: &Url, thread_id: Option<String>) -> Result<ThreadPage, Stop> {
        let (url, address) = (page.url.clone(), address.clone());
        let (found, broken) = self
            .read(page, move |reader, text, url, context| {
                let thread = thread_id.as_deref().map_or(Thread::First(&address), Thread::Later);
                reader.thread(text, url, &thread, context)
            })
            .await?;
        self.note_broken(broken, &url);
        Ok(found)
    }

    /// Decodes and reads a page, on a thread that may take its time.
    async fn read<T: Send + 'static>(
        &self,
        page: Page,
        read: impl FnOnce(&Reader, &str, &Url, &Context<'_>) -> Result<T, String> + Send + 'static,
    ) -> Result<(T, usize), Stop> {
        let site = self.site.clone();
        blocking(move || {
            let decoded = charset::decode(&page.body, site.encoding, page.charset.as_deref());
            let context = Context { source: &site.id, now: Timestamp::now(), tz: &site.tz };
            read(&site.reader, &decoded.text, &page.url, &context).map(|found| (found, decoded.broken))
        })
        .await?
        .map_err(source_fault)
    }

    /// Hands posts in, waiting for as long as the log cannot take them. Returns whether there was anything new.
    async fn hand_in(&mut self, posts: Vec<DoorPost>, rejects: Vec<Rejectable>) -> Result<bool, Stop> {
        self.found += (posts.len() + rejects.len()) as u32;
        if let Some(reject) = rejects.first() {
            self.trouble(format!(
                "{} of {} could not be read: {}",
                rejects.len(),
                posts.len() + rejects.len(),
                reject.reason
            ));
        }
        let waiting_since = Instant::now();
        let mut failures = 0;
        loop {
            let error = match self.door.take_crawled(&self.site.id, posts.clone(), rejects.clone()).await {
                Ok(accepted) => {
                    self.new += accepted.accepted as u32;
                    return Ok(accepted.accepted > 0);
                }
                Err(error @ LogError::Unavailable(_)) => error,
                Err(error) => return Err(Stop::Log(error)),
            };
            failures += 1;
            let waited = waiting_since.elapsed().as_secs();
            tracing::warn!(source = %self.site.id, %error, waited, "the log does not take posts: the crawl waits");
            tokio::time::sleep(DOOR_BACKOFF.wait(failures, rand::random())).await;
        }
    }

    fn note_broken(&mut self, broken: usize, url: &Url) {
        if broken > 0 {
            self.broken += broken;
            tracing::debug!(source = %self.site.id, %url, broken, "bytes that no encoding explains were replaced");
        }
    }

    fn trouble(&mut self, trouble: String) {
        if self.troubles.len() < MAX_TROUBLES {
            self.troubles.push(trouble);
        } else {
            self.more_troubles += 1;
        }
    }

    /// What went wrong on the way, although the visit came to its end.
    fn told(&self) -> Option<String> {
        let mut told = self.troubles.clone();
        if self.more_troubles > 0 {
            told.push(format!("and {} more", self.more_troubles));
        }
        if self.broken > 0 {
            told.push(format!(
                "{} broken characters were replaced: if texts look wrong, set encoding for this source",
                self.broken
            ));
        }
        (!told.is_empty()).then(|| told.join("; "))
    }
}

/// Posts, and what could not become one.
fn parted(found: Vec<Found>) -> (Vec<DoorPost>, Vec<Rejectable>) {
    let (mut posts, mut rejects) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(post) => posts.push(post),
            Err(reject) => rejects.push(reject),
        }
    }
    (posts, rejects)
}

/// What the pages of a thread held.
#[derive(Debug, Default)]
struct FoundInThread {
    any: bool,
    text: bool,
    /// The latest time that is stated well enough to tell how far back a list goes.
    latest: Option<Timestamp>,
}

impl FoundInThread {
    fn add(&mut self, posts: &[DoorPost], rejects: &[Rejectable]) {
        self.any |= !posts.is_empty() || !rejects.is_empty();
        self.text |= posts.iter().any(|post| !post.text.is_empty()) || !rejects.is_empty();
        let times = posts.iter().filter_map(exact);
        self.latest = times.chain(self.latest).max();
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Stop> {
    tokio::task::spawn_blocking(work).await.map_err(|error| source_fault(format!("a page could not be read: {error}")))
}

fn source_fault(reason: String) -> Stop {
    Stop::Source { outcome: CrawlOutcome::Failed, reason, retry_after: None }
}

fn layout_changed(what: &str) -> Stop {
    let reason = format!("{what}: the site may have changed its layout; look at the page and set the selectors anew");
    Stop::Source { outcome: CrawlOutcome::LayoutChanged, reason, retry_after: None }
}

fn stop(error: &FetchError) -> Stop {
    let reason = error.to_string();
    let (outcome, reason, retry_after) = match *error {
        FetchError::RobotsDenied(_) => {
            (CrawlOutcome::RobotsDenied, format!("{reason}: it is obeyed; ask the site, or remove the source"), None)
        }
        FetchError::LoginRequired(_) => (
            CrawlOutcome::LoginRequired,
            format!("{reason}: no log-in is worked around; ask the site for a feed"),
            None,
        ),
        FetchError::Status { status: 403, .. } => {
            (CrawlOutcome::Failed, format!("{reason}: the site refuses us; ask it, or visit less often"), None)
        }
        FetchError::Status { retry_after, .. } => (CrawlOutcome::Failed, reason, retry_after),
        FetchError::Busy(wait) => (CrawlOutcome::Failed, reason, Some(wait)),
        _ => (CrawlOutcome::Failed, reason, None),
    };
    Stop::Source { outcome, reason, retry_after }
}
