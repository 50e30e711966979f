//! Upkeep: whether every source is covered, and who is told when one is not. Reports and the time go in; alerts, their ends and
//! the messages about both come out. What happens to one trouble of one source is in [`trouble`], what a message says in
//! [`text`].
//!
//! What a report says of each kind of trouble (– says nothing):
//!
//! | report | failing | layout | login | silent | gap |
//! |---|---|---|---|---|---|
//! | good | good | good | good | good, or bad while it is silent | |
//! | failed, or robots.txt forbids it | bad | – | – | – | |
//! | layout changed | good | bad | good | – | |
//! | log-in required | good | – | bad | – | |
//! | a gap that could not be read | | | | | bad until all of it is closed |
//!
//! `unreported` is judged by the time: nobody has reported a visit for so long since the last one promised the next. `clock` is
//! judged by the sources together: at least three of them, and most of them, see our clock off by the same.
//!
//! Who is told when:
//!
//! | alerts that are due | message |
//! |---|---|
//! | some of a kind | one for all of them; it waits for others for a tenth of the kind's time, at most a minute |
//! | more of a kind, while at least half of all sources (three or more) are in it, and a message has told of three | none: they join that one |
//! | all of a message are over | one, that says so |

pub mod text;
pub mod trouble;

use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::settings::Settings,
    records::{CrawlOutcome, CrawlReport, Span},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use trouble::{Kind, Told, Trouble};

/// Under which name the trouble with our own clock stands: no source can be called so.
pub const OURS: &str = "*";
/// Sources that make an outage of all of them.
const MANY: usize = 3;
/// How long others are waited for.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(60);
/// How long after a start a source that has not reported is not missed, beside its own pace.
const SETTLING: SignedDuration = SignedDuration::from_mins(15);
/// A gap that is open for longer will not be closed any more; it stays on the record of coverage.
const FINAL: SignedDuration = SignedDuration::from_hours(24);
/// An offset of a clock that was seen longer ago says nothing of now.
const OFFSET_KEPT: SignedDuration = SignedDuration::from_mins(30);
const MOST_GAPS: usize = 16;
const LONGEST_REASON: usize = 300;

/// After which times what is told.
#[derive(Debug, Clone)]
pub struct Rules {
    after: BTreeMap<Kind, SignedDuration>,
    resolve_after: SignedDuration,
    clock_tolerance: SignedDuration,
}

impl Rules {
    /// The rules of a config.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let coverage = &settings.coverage;
        let signed = |duration: Duration| SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
        let after = [
            (Kind::Failing, coverage.failing_after),
            (Kind::Layout, coverage.layout_after),
            (Kind::Login, coverage.login_after),
            (Kind::Silent, coverage.silent_after),
            (Kind::Gap, coverage.gap_after),
            (Kind::Unreported, coverage.unreported_after),
            (Kind::Clock, coverage.clock_after),
        ];
        Self {
            after: after.map(|(kind, after)| (kind, signed(after))).into(),
            resolve_after: signed(coverage.resolve_after),
            clock_tolerance: signed(coverage.clock_tolerance),
        }
    }

    fn after(&self, kind: Kind) -> SignedDuration {
        // Unreported counts from when the visit was due, like the others from when they began.
        self.after.get(&kind).copied().unwrap_or_default()
    }
}

/// How a source stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Standing {
    /// The name that people read.
    pub name: String,
    /// What is wrong.
    pub troubles: BTreeMap<Kind, Trouble>,
    /// Gaps that are open, and when they were reported.
    #[serde(default)]
    gaps: Vec<(Span, Timestamp)>,
    /// When the next visit is due.
    #[serde(default)]
    due: Option<Timestamp>,
}

impl Standing {
    /// Whether there is nothing to remember beyond the next report.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let (troubles, gaps) = self.durable();
        troubles.is_empty() && gaps.is_empty()
    }

    /// What must outlive the process. A visit that is a moment late is no such thing.
    fn durable(&self) -> (BTreeMap<Kind, Trouble>, Vec<(Span, Timestamp)>) {
        let lasts = |(kind, trouble): &(&Kind, &Trouble)| **kind != Kind::Unreported || trouble.told.is_some();
        let troubles = self.troubles.iter().filter(lasts).map(|(kind, trouble)| (*kind, trouble.clone()));
        (troubles.collect(), self.gaps.clone())
    }
}

/// An alert: one trouble of one source that somebody was told of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// Its id.
    pub id: String,
    /// The id of the first alert of the message that told of it.
    pub group: String,
    /// What is wrong.
    pub kind: Kind,
    /// The source; [`OURS`] for our own clock.
    pub source: String,
    /// Its name.
    pub name: String,
    /// Since when.
    pub since: Timestamp,
    /// When it was told.
    pub alerted_at: Timestamp,
    /// When it was over.
    pub resolved_at: Option<Timestamp>,
    /// What the source said.
    pub reason: String,
}

/// What follows from judging.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Alerts that have begun.
    pub opened: Vec<Alert>,
    /// Alerts that are over, by id.
    pub resolved: Vec<String>,
    /// Messages that tell of alerts that have begun: the group, and its kind.
    pub tell: Vec<(String, Kind)>,
    /// Messages whose alerts are all over.
    pub told_over: Vec<String>,
}

/// All sources.
#[derive(Debug, Clone)]
pub struct Upkeep {
    rules: Rules,
    sources: BTreeMap<String, Standing>,
    /// Whether only the sources of the config are expected to report.
    listed: bool,
    /// What servers' clocks said, and when.
    offsets: BTreeMap<String, (Timestamp, SignedDuration)>,
    /// Sources that have changed in a way that must outlive this process.
    changed: BTreeSet<String>,
}

impl Upkeep {
    /// Begins with the sources of a config and with how they stood.
    #[must_use]
    pub fn new(settings: &Settings, stored: BTreeMap<String, Standing>, now: Timestamp) -> Self {
        let mut sources: BTreeMap<String, Standing> = settings
            .source
            .iter()
            .map(|source| source.get_ref())
            .map(|source| {
                let every = SignedDuration::try_from(source.every).unwrap_or(SignedDuration::MAX);
                let due = now.saturating_add(every.max(SETTLING)).unwrap_or(Timestamp::MAX);
                (
                    source.id.clone(),
                    Standing { name: source.display_name().into(), due: Some(due), ..Standing::default() },
                )
            })
            .collect();
        let listed = !sources.is_empty();
        for (id, standing) in stored {
            match sources.get_mut(&id) {
                // A start is no report: whoever was due while nobody looked is given the time that a start takes.
                Some(source) => *source = Standing { due: standing.due.max(source.due), ..standing },
                None => {
                    sources.insert(id, standing);
                }
            }
        }
        Self { rules: Rules::of(settings), sources, listed, offsets: BTreeMap::new(), changed: BTreeSet::new() }
            .without_the_removed(settings)
    }

    /// A source that was taken out of the config will never report again: its troubles end with it.
    fn without_the_removed(mut self, settings: &Settings) -> Self {
        if self.listed {
            let known: BTreeSet<&str> = settings.source.iter().map(|source| source.get_ref().id.as_str()).collect();
            for (id, standing) in &mut self.sources {
                if id != OURS && !known.contains(id.as_str()) {
                    standing.gaps.clear();
                    standing.due = None;
                    for trouble in standing.troubles.values_mut() {
                        // Long ago, and often: nothing that is left to wait for.
                        trouble.good(Timestamp::MIN);
                        trouble.good(Timestamp::MIN);
                    }
                }
            }
        }
        self
    }

    /// How a source stands.
    #[must_use]
    pub fn standing(&self, source: &str) -> Option<&Standing> {
        self.sources.get(source)
    }

    /// Sources that have changed since this was asked last, in a way that must outlive this process.
    pub fn take_changed(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.changed)
    }

    /// Takes a report.
    pub fn take(&mut self, report: &CrawlReport, now: Timestamp) {
        let standing = self.sources.entry(report.source.clone()).or_default();
        let before = standing.durable();
        standing.name = crate::message::clean(&report.name, 80);
        // Times of reports are outside input: none lies in the future.
        let at = report.started_at.min(now);
        standing.take(report, at, now);
        standing.due = standing.due.max(Some(report.next_visit_at.min(now + SignedDuration::from_hours(24))));
        if before != standing.durable() {
            self.changed.insert(report.source.clone());
        }
        if let Some(offset) = report.clock_offset_ms {
            self.offsets.insert(report.source.clone(), (at, SignedDuration::from_millis(offset)));
        }
    }

    /// Judges by the time. All reports up to now must have been taken: what an older one says may be over.
    pub fn judge(&mut self, now: Timestamp) -> Verdict {
        self.miss_reports(now);
        self.compare_clocks(now);
        let mut verdict = Verdict::default();
        self.end(&mut verdict, now);
        for kind in Kind::ALL {
            self.tell(kind, &mut verdict, now);
        }
        verdict
    }

    /// Whose visit was due, and nobody has reported one.
    fn miss_reports(&mut self, now: Timestamp) {
        for standing in self.sources.values_mut() {
            if let Some(due) = standing.due.filter(|due| *due < now) {
                standing.mark(Kind::Unreported, due, "");
            }
        }
    }

    /// Whether the sources agree that our clock is wrong, or right.
    fn compare_clocks(&mut self, now: Timestamp) {
        self.offsets.retain(|_, (at, _)| now.duration_since(*at) <= OFFSET_KEPT);
        let Some((offset, agree)) =
            agreed(self.offsets.values().map(|(_, offset)| *offset), self.rules.clock_tolerance)
        else {
            return;
        };
        let standing = self.sources.entry(OURS.into()).or_default();
        if offset.abs() > self.rules.clock_tolerance {
            let reason = format!("{:+.1} s / {agree}", offset.as_secs_f64());
            standing.mark(Kind::Clock, now, &reason);
        } else if let Some(trouble) = standing.troubles.get_mut(&Kind::Clock) {
            trouble.good(now);
        }
    }

    /// Ends what is over.
    fn end(&mut self, verdict: &mut Verdict, now: Timestamp) {
        let mut groups = BTreeSet::new();
        for (id, standing) in &mut self.sources {
            standing.troubles.retain(|kind, trouble| {
                let over = trouble.is_over(*kind, self.rules.resolve_after, now);
                if over && (*kind != Kind::Unreported || trouble.told.is_some()) {
                    self.changed.insert(id.clone());
                }
                if let Some(told) = trouble.told.as_ref().filter(|_| over) {
                    verdict.resolved.push(told.alert.clone());
                    groups.insert(told.group.clone());
                }
                !over
            });
        }
        let open: BTreeSet<&str> = self.told(None).map(|(_, told)| told.group.as_str()).collect();
        verdict.told_over = groups.into_iter().filter(|group| !open.contains(group.as_str())).collect();
    }

    /// What was told and is not over.
    fn told(&self, kind: Option<Kind>) -> impl Iterator<Item = (Kind, &Told)> {
        self.sources
            .values()
            .flat_map(|standing| &standing.troubles)
            .filter(move |(known, _)| kind.is_none_or(|kind| kind == **known))
            .filter_map(|(kind, trouble)| Some((*kind, trouble.told.as_ref()?)))
    }

    /// Tells of what is due.
    fn tell(&mut self, kind: Kind, verdict: &mut Verdict, now: Timestamp) {
        let after = self.rules.after(kind);
        let due: Vec<(String, Timestamp)> = self
            .sources
            .iter()
            .filter_map(|(id, standing)| Some((id.clone(), standing.troubles.get(&kind)?.due_at(after)?)))
            .filter(|(_, due)| *due <= now)
            .collect();
        let Some(first) = due.iter().map(|(_, due)| *due).min() else { return };
        let joins = self.outage(kind);
        let wait = (after / 10).min(LONGEST_WAIT);
        if joins.is_none() && now < first.saturating_add(wait).unwrap_or(Timestamp::MAX) {
            return;
        }
        let id = |source: &str, since: Timestamp| format!("{}-{}-{source}", kind.as_str(), since.as_millisecond());
        let mut group = joins.clone();
        for (source, _) in due {
            let Some(standing) = self.sources.get_mut(&source) else { continue };
            let Some(trouble) = standing.troubles.get_mut(&kind) else { continue };
            let id = id(&source, trouble.since);
            let group = group.get_or_insert_with(|| id.clone()).clone();
            trouble.told = Some(Told { alert: id.clone(), group: group.clone() });
            verdict.opened.push(Alert {
                id,
                group,
                kind,
                name: if standing.name.is_empty() { source.clone() } else { standing.name.clone() },
                since: trouble.since,
                alerted_at: now,
                resolved_at: None,
                reason: trouble.reason.clone(),
                source: source.clone(),
            });
            self.changed.insert(source);
        }
        if joins.is_none()
            && let Some(group) = group
        {
            verdict.tell.push((group, kind));
        }
    }

    /// The message that tells of an outage of most sources, while it lasts.
    fn outage(&self, kind: Kind) -> Option<String> {
        let all = self.sources.keys().filter(|id| *id != OURS).count();
        let suffers =
            |standing: &&Standing| standing.troubles.get(&kind).is_some_and(|trouble| !trouble.is_recovering());
        let suffering = self.sources.values().filter(suffers).count();
        if suffering < MANY || 2 * suffering < all {
            return None;
        }
        let mut members: BTreeMap<&str, usize> = BTreeMap::new();
        for (_, told) in self.told(Some(kind)) {
            *members.entry(&told.group).or_default() += 1;
        }
        members.into_iter().find(|(_, count)| *count >= MANY).map(|(group, _)| group.to_owned())
    }

    /// How many sources there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.sources.keys().filter(|id| *id != OURS).count()
    }
}

impl Standing {
    fn mark(&mut self, kind: Kind, since: Timestamp, reason: &str) {
        let mut slot = self.troubles.remove(&kind);
        Trouble::bad(&mut slot, since, reason);
        self.troubles.extend(slot.map(|trouble| (kind, trouble)));
    }

    /// The module's table.
    fn take(&mut self, report: &CrawlReport, at: Timestamp, now: Timestamp) {
        use CrawlOutcome as O;
        let bad = match report.outcome {
            O::Ok | O::NotModified => report.silent_since.map(|_| Kind::Silent),
            O::Failed | O::RobotsDenied => Some(Kind::Failing),
            O::LayoutChanged => Some(Kind::Layout),
            O::LoginRequired => Some(Kind::Login),
        };
        let good: &[Kind] = match report.outcome {
            O::Ok | O::NotModified => &[Kind::Failing, Kind::Layout, Kind::Login, Kind::Silent, Kind::Unreported],
            O::Failed | O::RobotsDenied => &[Kind::Unreported],
            O::LayoutChanged => &[Kind::Failing, Kind::Login, Kind::Unreported],
            O::LoginRequired => &[Kind::Failing, Kind::Unreported],
        };
        for kind in good.iter().filter(|kind| Some(**kind) != bad) {
            if let Some(trouble) = self.troubles.get_mut(kind) {
                trouble.good(report.finished_at.clamp(at, now));
            }
        }
        if let Some(kind) = bad {
            let reason = crate::message::clean(report.reason.as_deref().unwrap_or_default(), LONGEST_REASON);
            let reason = match report.silent_since.filter(|_| kind == Kind::Silent) {
                Some(since) => since.to_string(),
                None => reason,
            };
            self.mark(kind, at, &reason);
        }
        self.take_gaps(report, at, now);
    }

    fn take_gaps(&mut self, report: &CrawlReport, at: Timestamp, now: Timestamp) {
        if let Some(gap) = report.gap.filter(|gap| gap.from < gap.to) {
            self.gaps.push((gap, at));
            let reason = crate::message::clean(report.gap_reason.as_deref().unwrap_or_default(), LONGEST_REASON);
            self.mark(Kind::Gap, at, &reason);
        }
        for closed in &report.closed {
            self.gaps = self.gaps.iter().flat_map(|gap| without(gap, closed.from, closed.to)).collect();
        }
        self.gaps.retain(|(_, reported)| now.duration_since(*reported) < FINAL);
        if self.gaps.len() > MOST_GAPS {
            self.gaps.remove(0);
        }
        if self.gaps.is_empty()
            && let Some(trouble) = self.troubles.get_mut(&Kind::Gap)
        {
            trouble.good(at);
        }
    }
}

/// What is left of a gap.
fn without(&(gap, reported): &(Span, Timestamp), from: Timestamp, to: Timestamp) -> Vec<(Span, Timestamp)> {
    let parts = [(gap.from, gap.to.min(from)), (gap.from.max(to), gap.to)];
    let left = parts.into_iter().filter(|(from, to)| from < to);
    left.map(|(from, to)| (Span { from, to }, reported)).collect()
}

/// The offset that at least three clocks, and most of all, agree upon, and how many they are.
fn agreed(offsets: impl Iterator<Item = SignedDuration>, tolerance: SignedDuration) -> Option<(SignedDuration, usize)> {
    let mut offsets: Vec<SignedDuration> = offsets.collect();
    offsets.sort_unstable();
    let median = *offsets.get(offsets.len() / 2)?;
    let near = |offset: &&SignedDuration| offset.saturating_sub(median).abs() <= tolerance;
    let agree = offsets.iter().filter(near).count();
    (agree >= MANY && 2 * agree > offsets.len()).then_some((median, agree))
}

#[cfg(test)]
mod tests;
