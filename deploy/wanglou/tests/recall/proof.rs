//! In the evening: what the forum ever showed against what is stored, and what the reports say. Pure.
//!
//! | shown | must be |
//! |---|---|
//! | before the first complete visit | whatever it is: nobody watched |
//! | since then, and still | stored, or in a reported gap that is open |
//! | during a whole complete visit, and then deleted | stored, or in a reported gap; but for a comment of which the list says nothing |
//! | only between two complete visits | whatever it is: nobody can have seen it; it is counted |
//!
//! And nothing is stored twice, nothing that was never shown, nothing under another thread or as an answer to something else;
//! and where a source still holds everything, no gap stays open.

use jiff::{SignedDuration, Timestamp};
use schemas::records::{CrawlReport, Span};
use serde_json::Value;
use std::{
    collections::{HashMap, HashSet},
    fmt,
};
use town::hostile::{Face, Shown};

/// Faults of one kind that are told one by one.
const TOLD: usize = 5;

/// A hit of the archive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stored {
    source: String,
    pub id: String,
    kind: String,
    thread: Option<String>,
    parent: Option<String>,
    pub text: String,
}

impl Stored {
    pub fn new(hit: &Value) -> Self {
        let text = |key: &str| hit[key].as_str().map(str::to_owned);
        Self {
            source: text("source").unwrap(),
            id: text("native_id").unwrap(),
            kind: text("kind").unwrap(),
            thread: text("thread_id"),
            parent: text("parent_id"),
            text: text("text").unwrap(),
        }
    }
}

/// What one face showed until the evening.
pub struct Proof {
    pub face: Face,
    shown: HashMap<String, Shown>,
}

/// What is wrong, and figures for whoever reads them.
#[derive(Debug, Default)]
pub struct Verdict {
    face: &'static str,
    shown: usize,
    stored: usize,
    /// Shown only between two complete visits.
    fleeting: usize,
    /// Of these, shown for longer than ten intervals, and not in a reported gap.
    unwatched: usize,
    /// In gaps: open ones, or, of what was deleted, any.
    in_gaps: usize,
    /// Whose last text is not the stored one.
    stale: usize,
    gaps: usize,
    visits: usize,
    pub faults: Vec<String>,
    /// The visits, for whoever looks into a fault.
    pub diary: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {} shown, {} stored, {} in reported gaps, {} fleeting ({} of them long), {} not in their last words; {} gaps reported, {} visits",
            self.face,
            self.shown,
            self.stored,
            self.in_gaps,
            self.fleeting,
            self.unwatched,
            self.stale,
            self.gaps,
            self.visits
        )
    }
}

impl Proof {
    pub fn new(face: Face, shown: Vec<Shown>) -> Self {
        let of_face = shown.into_iter().filter(|shown| face.has_threads() || !shown.is_comment());
        Self { face, shown: of_face.map(|shown| (native_id(face, &shown), shown)).collect() }
    }

    /// Whether everything is stored that can still be read.
    pub fn is_settled(&self, stored: &[Stored]) -> bool {
        let stored: HashSet<&str> = self.of_face(stored).map(|stored| stored.id.as_str()).collect();
        let mut lasting = self.shown.iter().filter(|(_, shown)| shown.gone_at.is_none());
        self.face.holds_all() && lasting.all(|(id, _)| stored.contains(id.as_str()))
    }

    pub fn judge(&self, stored: &[Stored], reports: &[CrawlReport]) -> Verdict {
        let reports: Vec<&CrawlReport> = reports.iter().filter(|report| report.source == self.face.id()).collect();
        let complete: Vec<&CrawlReport> = reports.iter().copied().filter(|report| report.covered.is_some()).collect();
        let reported: Vec<Span> = reports.iter().filter_map(|report| report.gap).collect();
        let open = open_gaps(&reports);
        let begin = complete.first().map_or(Timestamp::MAX, |first| first.started_at);
        let mut verdict = Verdict {
            face: self.face.id(),
            shown: self.shown.len(),
            gaps: reported.len(),
            visits: reports.len(),
            diary: reports.iter().map(|report| diary(report)).collect(),
            ..Verdict::default()
        };
        let ids = self.stored_rightly(stored, &mut verdict);
        let (mut missed, mut missed_gone) = (Vec::new(), Vec::new());
        for (id, shown) in self.shown.iter().filter(|(id, _)| !ids.contains(id.as_str())) {
            match shown.gone_at {
                _ if shown.at < begin => {}
                None if lies_in(shown.at, &open) => verdict.in_gaps += 1,
                None => missed.push((shown.at, id)),
                Some(gone_at) => {
                    let during = |visit: &&&CrawlReport| visit.started_at >= shown.at && visit.finished_at <= gone_at;
                    if lies_in(shown.at, &reported) {
                        verdict.in_gaps += 1;
                    } else if let Some(visit) = complete.iter().find(during).filter(|_| self.is_told(shown)) {
                        missed_gone.push((shown.at, id, gone_at, visit.started_at));
                    } else {
                        verdict.fleeting += 1;
                        let time = gone_at.duration_since(shown.at);
                        verdict.unwatched += usize::from(time > SignedDuration::from_secs(10));
                    }
                }
            }
        }
        missed.sort();
        missed_gone.sort();
        verdict.tell("missed", missed.iter().map(|(at, id)| format!("{id}, shown since {}", clock(*at))));
        let gone = missed_gone.iter();
        verdict.tell(
            "missed while it was shown",
            gone.map(|(at, id, gone, visit)| {
                format!("{id}, shown from {} to {}, visited at {}", clock(*at), clock(*gone), clock(*visit))
            }),
        );
        if self.face.holds_all() {
            verdict.tell(
                "a gap that could have been closed",
                open.iter().map(|gap| format!("{} to {}", clock(gap.from), clock(gap.to))),
            );
        }
        verdict
    }

    /// Whether the list says that it is there. Comments under a list that is silent about them are found when their thread is
    /// looked at again.
    fn is_told(&self, shown: &Shown) -> bool {
        self.face == Face::Board || !shown.is_comment()
    }

    /// Judges what is stored, and returns its ids.
    fn stored_rightly<'a>(&'a self, stored: &'a [Stored], verdict: &mut Verdict) -> HashSet<&'a str> {
        let mut ids = HashSet::new();
        let (mut twice, mut invented, mut misplaced) = (Vec::new(), Vec::new(), Vec::new());
        for post in self.of_face(stored) {
            verdict.stored += 1;
            if !ids.insert(post.id.as_str()) {
                twice.push(post.id.clone());
            }
            let Some(shown) = self.shown.get(&post.id) else {
                invented.push(format!("{post:?}"));
                continue;
            };
            if !shown.texts.iter().any(|(_, text)| *text == post.text) {
                invented.push(format!("{post:?} of {:?}", shown.texts));
            }
            let is_last = shown.texts.last().is_some_and(|(_, text)| *text == post.text);
            verdict.stale += usize::from(!is_last && shown.gone_at.is_none());
            let place = place(self.face, shown);
            if (post.kind.as_str(), post.thread.clone(), post.parent.clone()) != place {
                misplaced.push(format!("{post:?}, which is {place:?}"));
            }
        }
        verdict.tell("stored twice", twice.into_iter());
        verdict.tell("never shown", invented.into_iter());
        verdict.tell("in a wrong place", misplaced.into_iter());
        ids
    }

    fn of_face<'a>(&self, stored: &'a [Stored]) -> impl Iterator<Item = &'a Stored> + use<'a> {
        let source = self.face.id();
        stored.iter().filter(move |stored| stored.source == source)
    }
}

impl Verdict {
    fn tell(&mut self, what: &str, faults: impl ExactSizeIterator<Item = String>) {
        let more = faults.len().saturating_sub(TOLD);
        self.faults.extend(faults.take(TOLD).map(|fault| format!("{}: {what}: {fault}", self.face)));
        if more > 0 {
            self.faults.push(format!("{}: {what}: and {more} more", self.face));
        }
    }
}

/// A visit in a line.
fn diary(report: &CrawlReport) -> String {
    let span = |span: Span| format!("{}..{}", clock(span.from), clock(span.to));
    let closed: Vec<String> =
        report.closed.iter().map(|gap| format!("{}..{} ({})", clock(gap.from), clock(gap.to), gap.proof)).collect();
    format!(
        "{}..{} {:?}, {} pages, {} of {} new, covered {}, gap {} {}, closed {closed:?}, {}",
        clock(report.started_at),
        clock(report.finished_at),
        report.outcome,
        report.pages,
        report.new,
        report.found,
        report.covered.map(span).unwrap_or_default(),
        report.gap.map(span).unwrap_or_default(),
        report.gap_reason.as_deref().unwrap_or_default(),
        report.reason.as_deref().unwrap_or_default(),
    )
}

/// The time of day.
fn clock(at: Timestamp) -> String {
    at.strftime("%H:%M:%S%.3f").to_string()
}

fn native_id(face: Face, shown: &Shown) -> String {
    match face.has_threads() && shown.is_comment() {
        true => format!("{}/{}", shown.thread, shown.id),
        false => shown.id.clone(),
    }
}

/// Kind, thread and parent.
fn place(face: Face, shown: &Shown) -> (&'static str, Option<String>, Option<String>) {
    match (face.has_threads(), shown.is_comment()) {
        (false, _) => ("post", None, None),
        (true, false) => ("post", Some(shown.thread.clone()), None),
        (true, true) => {
            let within = |id: &String| format!("{}/{id}", shown.thread);
            let parent = shown.answers.as_ref().map_or_else(|| shown.thread.clone(), within);
            ("comment", Some(shown.thread.clone()), Some(parent))
        }
    }
}

/// What was reported as a gap and not closed since.
fn open_gaps(reports: &[&CrawlReport]) -> Vec<Span> {
    let mut open: Vec<Span> = Vec::new();
    for report in reports {
        open.extend(report.gap);
        for closed in &report.closed {
            open = open.into_iter().flat_map(|gap| without(gap, closed.from, closed.to)).collect();
        }
    }
    open
}

/// What is left of a gap.
fn without(gap: Span, from: Timestamp, to: Timestamp) -> Vec<Span> {
    if from <= gap.from && gap.to <= to {
        return Vec::new();
    }
    if to <= gap.from || from >= gap.to {
        return vec![gap];
    }
    let before = (from > gap.from).then_some(Span { from: gap.from, to: from });
    let after = (to < gap.to).then_some(Span { from: to, to: gap.to });
    before.into_iter().chain(after).collect()
}

/// Whether a moment lies in one of these; the forum states its times to the second.
fn lies_in(at: Timestamp, gaps: &[Span]) -> bool {
    gaps.iter().any(|gap| gap.from.as_second() <= at.as_second() && at.as_second() <= gap.to.as_second())
}
