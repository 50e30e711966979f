//! One visit to a source: walk its list back to what is known, read the threads with news, chase a gap, report. What a visit
//! remembers it remembers after the door has acknowledged; a visit that is dropped half-way has done nothing that the next
//! one will not do again.
//!
//! * [`list`](super::list): the walk through the list, and the chase of a gap.
//! * [`thread`](super::thread): the threads.
//! * [`hand_in`](super::hand_in): what was found, to the door.

use super::{
    ledger::{Back, Missing, Stretch},
    memory::Memory,
};
use crate::{
    charset,
    cores::on_a_core,
    door::Door,
    source::{Reader, Site, listing::Context},
    web::{
        fetch::{FetchError, Fetcher},
        request::{Fetched, Page, Request, Validators},
    },
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    log::LogError,
    records::{ClosedGap, CrawlOutcome, CrawlReport, LagCount, Record, Span},
};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};
use url::Url;

/// Troubles that a report tells of.
const MAX_TROUBLES: usize = 3;
/// A visit begins with nothing new after this.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// A visit under way.
pub(crate) struct Visit<'a> {
    pub(super) site: &'a Arc<Site>,
    pub(super) fetcher: &'a Fetcher,
    pub(super) door: &'a Door,
    pub(super) memory: &'a mut Memory,
    pub(super) began: Timestamp,
    pub(super) found: u32,
    pub(super) new: u32,
    pub(super) gone: u32,
    pub(super) lags: BTreeMap<u32, u32>,
    /// Threads that were read, and those that could not be.
    pub(super) threads_read: usize,
    pub(super) failed: HashSet<String>,
    /// The rows of the list's first page.
    pub(super) first_rows: Vec<String>,
    /// Where the list goes on behind what was read, and why it was not read on.
    pub(super) behind: Option<(Missing, String)>,
    /// Gaps that were found on the way, with their reasons, and those that were closed.
    pub(super) gaps: Vec<(Span, String)>,
    pub(super) closed: Vec<ClosedGap>,
    /// Until when there is time for what is not urgent.
    spare_until: Timestamp,
    pages: u32,
    clock_offset: Option<SignedDuration>,
    broken: usize,
    troubles: Vec<String>,
    more_troubles: usize,
}

/// Why a visit ended before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// The source is at fault.
    Source(Trouble),
    /// The log will never take anything again.
    Log(LogError),
}

/// What is wrong with a source.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub(crate) outcome: CrawlOutcome,
    pub(crate) reason: String,
    /// How long the site wants to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// Whether the page is there no more.
    pub(crate) is_gone: bool,
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
            found: 0,
            new: 0,
            gone: 0,
            lags: BTreeMap::new(),
            threads_read: 0,
            failed: HashSet::new(),
            first_rows: Vec::new(),
            behind: None,
            gaps: Vec::new(),
            closed: Vec::new(),
            spare_until: began,
            pages: 0,
            clock_offset: None,
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
        let (outcome, stretch, mut reason, retry_after) = match self.visit().await {
            Ok((outcome, back)) => (outcome, self.claim(Some(back)), None, None),
            Err(Stop::Source(trouble)) => {
                (trouble.outcome, self.claim(None), Some(trouble.reason), trouble.retry_after)
            }
            Err(Stop::Log(error)) => return Err(error),
        };
        self.memory.frontier.forget();
        if reason.is_none() {
            reason = self.told();
        }
        let site = self.site;
        let now = Timestamp::now();
        // One gap a report: of several, the stretch that they span.
        let gap =
            self.gaps.iter().map(|(gap, _)| *gap).reduce(|a, b| Span { from: a.from.min(b.from), to: a.to.max(b.to) });
        let reasons: Vec<&str> = self.gaps.iter().map(|(_, reason)| reason.as_str()).take(MAX_TROUBLES).collect();
        let answers = matches!(outcome, CrawlOutcome::Ok | CrawlOutcome::NotModified);
        let report = CrawlReport {
            v: CrawlReport::VERSION,
            source: site.id.clone(),
            name: site.name.clone(),
            started_at: self.began,
            finished_at: now.max(self.began),
            outcome,
            reason,
            pages: self.pages,
            found: self.found,
            new: self.new,
            covered: stretch.covered,
            gap,
            gap_reason: (!reasons.is_empty()).then(|| reasons.join("; ")),
            closed: self.closed,
            silent_since: answers.then(|| self.memory.state.rhythm.silent_since(now, &site.tz)).flatten(),
            clock_offset_ms: self.clock_offset.and_then(|offset| i64::try_from(offset.as_millis()).ok()),
            lags: self.lags.into_iter().map(|(up_to_seconds, posts)| LagCount { up_to_seconds, posts }).collect(),
            gone: self.gone,
            // Whoever knows these rows takes what stands below them for read: so it must have been.
            rows: match (stretch.covered, gap) {
                (Some(_), None) => self.memory.frontier.read_rows(self.first_rows.iter().map(String::as_str)),
                _ => Vec::new(),
            },
            next_visit_at: self.began,
        };
        Ok(Visited { report, retry_after })
    }

    async fn visit(&mut self) -> Result<(CrawlOutcome, Back), Stop> {
        let walked = self.walk().await?;
        let threads = self.threads(&walked.listed, true).await?;
        self.spare_until = Timestamp::now() + self.spare();
        self.chase().await?;
        self.threads(&walked.listed, false).await?;
        let outcome = if walked.unchanged && self.found == 0 { CrawlOutcome::NotModified } else { CrawlOutcome::Ok };
        let reached = walked.oldest.or(threads.reached).filter(|_| !walked.is_broken);
        self.memory.state.list = walked.validators;
        Ok((outcome, if self.behind.is_some() { Back::To(reached) } else { Back::ToTheKnown }))
    }

    /// What the visit covers, none when it did not come to its end. What is missing is chased from now on, whatever became
    /// of the visit: the rows before it are known now.
    fn claim(&mut self, back: Option<Back>) -> Stretch {
        let began = self.began;
        let ledger = &mut self.memory.state.ledger;
        let before = ledger.covered_to;
        let complete = back.is_some() && !self.memory.frontier.is_owing();
        let ended = Timestamp::now().max(began);
        let stretch = ledger.claim(back.unwrap_or(Back::ToTheKnown), complete, began, ended);
        if let Some((missing, reason)) = self.behind.take() {
            match before {
                Some(before) => {
                    let gap = stretch.gap.unwrap_or(Span { from: before.min(began), to: ended });
                    ledger.open(gap, missing, false, began);
                    self.gaps.push((gap, reason));
                }
                // Before the first visit there was no watch: it is history.
                None if missing != Missing::Lost => ledger.open(Span { from: began, to: began }, missing, true, began),
                None => {}
            }
        }
        stretch
    }

    /// Fetches a page and reads it, on a thread that may take its time. None when it has not changed.
    pub(super) async fn read<T: Send + 'static>(
        &mut self,
        url: &Url,
        validators: &Validators,
        read: impl FnOnce(&Reader, &str, &Url, &Context<'_>) -> Result<T, String> + Send + 'static,
    ) -> Result<Option<(T, Page)>, Stop> {
        let site = self.site.clone();
        let asked = Request {
            url,
            home: &site.start,
            allow_private: site.allow_private,
            validators,
            headers: &site.headers.0,
            accept: None,
        };
        let fetched = self.fetcher.fetch(&asked).await.map_err(|error| Stop::Source(Trouble::of(&error)))?;
        self.pages += 1;
        let Fetched::Page(mut page) = fetched else { return Ok(None) };
        self.clock_offset = self.clock_offset.or(page.clock_offset);
        let reading = on_a_core(move || {
            let body = std::mem::take(&mut page.body);
            let decoded = charset::decode(&body, site.encoding, page.charset.as_deref());
            let context = Context { source: &site.id, now: Timestamp::now(), tz: &site.tz, link: page.next.as_ref() };
            (read(&site.reader, &decoded.text, &page.url, &context), page, decoded.broken)
        });
        let (found, page, broken) =
            reading.await.map_err(|error| Stop::failed(format!("{url} could not be read: {error}")))?;
        if broken > 0 {
            self.broken += broken;
            tracing::debug!(source = %self.site.id, %url, broken, "bytes that no encoding explains were replaced");
        }
        let found = found.map_err(|reason| match *self.site.reader {
            Reader::Html(_) => Stop::failed(reason),
            Reader::Feed(_) => Stop::layout_changed(&format!("{url} is no feed that can be read: {reason}")),
            Reader::Json(_) => Stop::layout_changed(&format!("{url} is no answer that can be read: {reason}")),
        })?;
        Ok(Some((found, *page)))
    }

    /// Whether there is time to begin with something: with what has news for as long as a visit may take at all, and then with
    /// the rest for half of the source's pause, so that news do not wait for what is old.
    pub(super) fn has_time(&self, is_urgent: bool) -> bool {
        let now = Timestamp::now();
        if is_urgent { now.duration_since(self.began) < LONGEST } else { now < self.spare_until }
    }

    fn spare(&self) -> SignedDuration {
        let half = SignedDuration::try_from(self.site.pace.usual / 2).unwrap_or(LONGEST);
        half.clamp(SignedDuration::from_secs(2), LONGEST)
    }

    pub(super) fn is_html(&self) -> bool {
        matches!(*self.site.reader, Reader::Html(_))
    }

    pub(super) fn trouble(&mut self, trouble: String) {
        if self.troubles.len() < MAX_TROUBLES {
            self.troubles.push(trouble);
        } else {
            self.more_troubles += 1;
        }
    }

    /// What went wrong on the way, although the visit came to its end.
    pub(super) fn told(&self) -> Option<String> {
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

impl Stop {
    pub(super) fn failed(reason: String) -> Self {
        Self::Source(Trouble { outcome: CrawlOutcome::Failed, reason, retry_after: None, is_gone: false })
    }

    pub(super) fn layout_changed(what: &str) -> Self {
        let reason =
            format!("{what}: the site may have changed its layout; look at the page and set the selectors anew");
        Self::Source(Trouble { outcome: CrawlOutcome::LayoutChanged, reason, retry_after: None, is_gone: false })
    }

    pub(super) fn login(url: &Url) -> Self {
        let reason = format!("{url} shows a form for a log-in: no log-in is worked around; ask the site for a feed");
        Self::Source(Trouble { outcome: CrawlOutcome::LoginRequired, reason, retry_after: None, is_gone: false })
    }
}

impl Trouble {
    fn of(error: &FetchError) -> Self {
        let reason = error.to_string();
        let failed = |reason, retry_after| (CrawlOutcome::Failed, reason, retry_after);
        let (outcome, reason, retry_after) = match *error {
            FetchError::RobotsDenied(_) => (
                CrawlOutcome::RobotsDenied,
                format!("{reason}: it is obeyed; ask the site, or remove the source"),
                None,
            ),
            FetchError::LoginRequired(_) => (
                CrawlOutcome::LoginRequired,
                format!("{reason}: no log-in is worked around; ask the site for a feed"),
                None,
            ),
            FetchError::Status { status: 403, .. } => {
                failed(format!("{reason}: the site refuses us; ask it, or visit less often"), None)
            }
            _ => failed(reason, error.leave_alone()),
        };
        Self { outcome, reason, retry_after, is_gone: matches!(error, FetchError::Status { status: 404 | 410, .. }) }
    }
}
