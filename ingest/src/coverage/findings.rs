//! What is wrong with a source now, and since when. Four different findings, for four different acts:
//!
//! | last report | finding | what to do |
//! |---|---|---|
//! | failed, or robots.txt forbids it | failing | see whether the site, or our line to it, is down |
//! | the selectors match nothing | layout | set the selectors anew |
//! | it asks for a log-in | login | ask the site for a feed; no log-in is worked around |
//! | good, but silent against the source's own rhythm | silent | see whether anything is posted there at all |
//!
//! A finding lasts from the first report of its kind to the first that is not of it. Reports come in the order of their visits,
//! but for two workers that visit at the same time: an older one than the last says nothing of now.

use super::timeline::second;
use jiff::Timestamp;
use schemas::records::{CrawlOutcome, CrawlReport};
use serde::{Deserialize, Serialize};

/// How many stretches that have passed are kept.
const MOST_PAST: usize = 8;
/// The longest reason that is kept.
const LONGEST: usize = 300;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Failing,
    Layout,
    Login,
    Silent,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Finding {
    pub(super) kind: Kind,
    pub(super) since: Timestamp,
    /// None while it lasts.
    pub(super) until: Option<Timestamp>,
    pub(super) reason: String,
}

/// What is wrong with a source, and what was.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Findings {
    now: Option<Finding>,
    past: Vec<Finding>,
}

impl Kind {
    fn of(report: &CrawlReport) -> Option<Self> {
        match report.outcome {
            CrawlOutcome::Failed | CrawlOutcome::RobotsDenied => Some(Self::Failing),
            CrawlOutcome::LayoutChanged => Some(Self::Layout),
            CrawlOutcome::LoginRequired => Some(Self::Login),
            CrawlOutcome::Ok | CrawlOutcome::NotModified => report.silent_since.map(|_| Self::Silent),
        }
    }
}

impl Findings {
    /// Takes the last report of a source.
    pub(super) fn take(&mut self, report: &CrawlReport) {
        let kind = Kind::of(report);
        if let Some(ended) = self.now.take_if(|finding| Some(finding.kind) != kind) {
            self.past.push(Finding { until: Some(report.started_at), ..ended });
            if self.past.len() > MOST_PAST {
                self.past.remove(0);
            }
        }
        let Some(kind) = kind else { return };
        let since = report.silent_since.filter(|_| kind == Kind::Silent).unwrap_or(report.started_at);
        let reason = short(report.reason.as_deref().unwrap_or_default());
        match &mut self.now {
            Some(finding) => finding.reason = reason,
            None => self.now = Some(Finding { kind, since, until: None, reason }),
        }
    }

    /// What is wrong now.
    pub(super) fn now(&self) -> Option<&Finding> {
        self.now.as_ref()
    }

    /// What was wrong, the youngest first.
    pub(super) fn past(&self) -> impl Iterator<Item = &Finding> {
        self.past.iter().rev()
    }
}

/// A text that is kept for every source: no longer than a person reads.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Whether a visit brought nothing.
pub(crate) fn is_failure(outcome: CrawlOutcome) -> bool {
    !matches!(outcome, CrawlOutcome::Ok | CrawlOutcome::NotModified)
}

/// When a report's visit began, as the timeline counts.
pub(super) fn began(report: &CrawlReport) -> u32 {
    second(report.started_at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use schemas::records::Record;

    fn report(outcome: CrawlOutcome, minute: i64) -> CrawlReport {
        let mut report = CrawlReport::decode(include_bytes!("../../../schemas/fixtures/crawl_report.v1.json")).unwrap();
        report.started_at += SignedDuration::from_mins(minute);
        report.silent_since = None;
        report.outcome = outcome;
        report
    }

    /// The module's table, a row each.
    #[test]
    fn four_findings_are_told_apart() {
        use CrawlOutcome as O;
        let mut silent = report(O::NotModified, 0);
        silent.silent_since = Some(Timestamp::UNIX_EPOCH);
        for (report, kind) in [
            (report(O::Failed, 0), Some(Kind::Failing)),
            (report(O::RobotsDenied, 0), Some(Kind::Failing)),
            (report(O::LayoutChanged, 0), Some(Kind::Layout)),
            (report(O::LoginRequired, 0), Some(Kind::Login)),
            (silent, Some(Kind::Silent)),
            (report(O::Ok, 0), None),
            (report(O::NotModified, 0), None),
        ] {
            let mut findings = Findings::default();
            findings.take(&report);
            assert_eq!(findings.now().map(|finding| finding.kind), kind, "{:?}", report.outcome);
        }
    }

    #[test]
    fn a_finding_lasts_from_the_first_report_to_the_first_other() {
        let mut findings = Findings::default();
        for minute in [1, 2, 3] {
            findings.take(&report(CrawlOutcome::Failed, minute));
        }
        assert_eq!(findings.now().unwrap().since, report(CrawlOutcome::Ok, 1).started_at);
        findings.take(&report(CrawlOutcome::LayoutChanged, 4));
        let layout = findings.now().unwrap();
        assert_eq!((layout.kind, layout.since), (Kind::Layout, report(CrawlOutcome::Ok, 4).started_at));
        findings.take(&report(CrawlOutcome::Ok, 5));
        assert_eq!(findings.now(), None);
        let past: Vec<_> = findings.past().map(|finding| (finding.kind, finding.until)).collect();
        let at = |minute| Some(report(CrawlOutcome::Ok, minute).started_at);
        assert_eq!(past, [(Kind::Layout, at(5)), (Kind::Failing, at(4))]);
    }

    #[test]
    fn a_long_reason_is_cut() {
        let mut long = report(CrawlOutcome::Failed, 0);
        long.reason = Some("错".repeat(100_000));
        let mut findings = Findings::default();
        findings.take(&long);
        assert_eq!(findings.now().unwrap().reason.chars().count(), LONGEST + 1);
    }
}
