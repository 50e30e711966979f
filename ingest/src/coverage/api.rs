//! `GET /api/coverage`: each source, how it stands, and how its last day and its last thirty were covered.
//!
//! Sources that programs push are listed behind those of the config, for as long as they have handed something in within a day.
//!
//! Of many sources a page is answered at a time (`limit`, `cursor`); `changed_since` asks for those alone that have changed,
//! and `source` for one with everything that is known of it.

use super::{
    Coverage, Known,
    findings::{Finding, Kind},
    gaps,
    lags::Percentiles,
    source::Source,
    timeline::{QUARTER, Seconds, midnight_after, second, time},
};
use crate::door::Door;
use axum::{
    Json, Router,
    extract::{Query, State, rejection::QueryRejection},
    routing::get,
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use schemas::kit::{
    auth::{self, MAY_WATCH},
    http::Problem,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The states of a source.
pub(super) const STATES: [&str; 4] = ["ok", "late", "failing", "waiting"];

const DAY: u32 = 86_400;
const QUARTERS: u32 = 96;
const DAYS: usize = 30;
const USUAL_LIMIT: usize = 1_000;
const LARGEST_LIMIT: usize = 5_000;

/// One source of the answer.
#[derive(Debug, Serialize)]
struct SourceState {
    id: String,
    name: String,
    kind: &'static str,
    state: &'static str,
    last_visit_at: Option<Timestamp>,
    last_success_at: Option<Timestamp>,
    last_new_at: Option<Timestamp>,
    next_visit_at: Option<Timestamp>,
    posts_24h: u64,
    visits_24h: u64,
    failed_24h: u64,
    reason: Option<String>,
    finding: Option<FindingShown>,
    proof: Option<Proof>,
}

/// What is wrong.
#[derive(Debug, Serialize)]
struct FindingShown {
    kind: Kind,
    since: Timestamp,
    until: Option<Timestamp>,
    reason: String,
}

/// How a source's time was covered.
#[derive(Debug, Serialize)]
struct Proof {
    /// Of the last 24 hours.
    day: Seconds,
    /// Of today and the 29 days before.
    month: Seconds,
    /// A letter for each quarter of an hour, the last one being under way.
    grid: String,
    /// When the first of them begins.
    grid_from: Timestamp,
    /// A letter for each day, the last one being today.
    days: String,
    lag_24h: Option<Percentiles>,
    lag_30d: Option<Percentiles>,
    open_gaps: Vec<GapShown>,
    clock_offset_ms: Option<i64>,
}

/// A gap.
#[derive(Debug, Serialize)]
struct GapShown {
    from: Timestamp,
    to: Timestamp,
    reason: String,
}

/// Everything that is known of one source beside its state.
#[derive(Debug, Serialize)]
struct Detail {
    days: Vec<DayShown>,
    closed_gaps: Vec<ClosedShown>,
    past_findings: Vec<FindingShown>,
}

#[derive(Debug, Serialize)]
struct DayShown {
    date: String,
    #[serde(flatten)]
    seconds: Seconds,
}

#[derive(Debug, Serialize)]
struct ClosedShown {
    from: Timestamp,
    to: Timestamp,
    closed_at: Timestamp,
    proof: String,
}

/// What the console asks for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    source: Option<String>,
    changed_since: Option<Timestamp>,
    limit: Option<usize>,
    cursor: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    at: Timestamp,
    total: usize,
    by_state: BTreeMap<&'static str, usize>,
    sources: Vec<SourceState>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Detail>,
    next: Option<String>,
}

/// The moments that an answer is about.
struct Moment<'a> {
    now: Timestamp,
    running: Timestamp,
    tz: &'a TimeZone,
    /// The bounds of the quarters of an hour.
    quarters: Vec<u32>,
    /// The bounds of the days.
    days: Vec<u32>,
}

impl<'a> Moment<'a> {
    fn new(now: Timestamp, running: Timestamp, tz: &'a TimeZone) -> Self {
        let at = second(now);
        let first = (at - at % QUARTER).saturating_sub((QUARTERS - 1) * QUARTER);
        let last = first + (QUARTERS - 1) * QUARTER;
        let quarters = (0..QUARTERS).map(|quarter| first + quarter * QUARTER).chain([at.max(last + 1)]).collect();
        let today = now.to_zoned_datetime(tz.clone());
        let begin = (DAYS as i64 - 1).days();
        let begin =
            today.checked_sub(begin).and_then(|day| day.start_of_day()).map_or(0, |day| second(day.timestamp()));
        let mut days = vec![begin];
        while days.len() < DAYS {
            days.push(midnight_after(days[days.len() - 1], tz));
        }
        let last = days[days.len() - 1];
        days.push(at.max(last + 1));
        Self { now, running, tz, quarters, days }
    }
}

/// `GET /api/coverage`.
pub(crate) fn router(coverage: Coverage, door: Door) -> Router {
    Router::new().route("/api/coverage", auth::guard(MAY_WATCH, get(show))).with_state((coverage, door))
}

async fn show(
    State((coverage, door)): State<(Coverage, Door)>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<Answer>, Problem> {
    let Query(asked) = asked.map_err(|error| Problem::bad_request("query", error.body_text()))?;
    let now = Timestamp::now();
    let moment = Moment::new(now, coverage.0.running, &coverage.0.tz);
    let pushed = pushed(&door, &coverage, now);
    answer(&coverage.lock(), pushed, &asked, &moment).map(Json)
}

fn answer(known: &Known, pushed: Vec<SourceState>, asked: &Asked, moment: &Moment<'_>) -> Result<Answer, Problem> {
    let now = moment.now;
    let mut by_state: BTreeMap<_, _> = STATES.map(|state| (state, 0)).into();
    let states = known.sources.iter().map(|source| source.state(now)).chain(pushed.iter().map(|source| source.state));
    for state in states {
        *by_state.entry(state).or_default() += 1;
    }
    let total = known.sources.len() + pushed.len();
    let mut answer = Answer { at: now, total, by_state, sources: Vec::new(), detail: None, next: None };
    if let Some(id) = &asked.source {
        let source = known.source(id);
        answer.sources = match source {
            Some(source) => vec![source.shown(moment)],
            None => pushed.into_iter().filter(|source| source.id == *id).collect(),
        };
        if answer.sources.is_empty() {
            return Err(Problem::not_found(format!("没有信源 {id} / there is no source {id}")));
        }
        answer.detail = source.map(|source| source.detail(moment));
        return Ok(answer);
    }
    let begin = match &asked.cursor {
        None => 0,
        Some(cursor) => cursor
            .parse()
            .map_err(|_| Problem::bad_request("cursor", "the cursor must be one that an answer gave as `next`"))?,
    };
    let limit = asked.limit.unwrap_or(USUAL_LIMIT);
    if !(1..=LARGEST_LIMIT).contains(&limit) {
        return Err(Problem::bad_request("limit", format!("limit must lie between 1 and {LARGEST_LIMIT}")));
    }
    // A cursor is a place in the config's order, so it stays good while sources change their state.
    let page = known.sources.iter().enumerate().skip(begin);
    let mut page = page.filter(|(_, source)| asked.changed_since.is_none_or(|since| source.changed_since(since, now)));
    for (place, source) in page.by_ref() {
        if answer.sources.len() == limit {
            answer.next = Some(place.to_string());
            return Ok(answer);
        }
        answer.sources.push(source.shown(moment));
    }
    answer.sources.extend(pushed);
    Ok(answer)
}

impl Source {
    fn shown(&self, moment: &Moment<'_>) -> SourceState {
        let history = &self.history;
        let [visits, failed, posts] = history.lately.sums(moment.now);
        let last = history.last.as_ref();
        SourceState {
            id: self.id.clone(),
            name: self.name.clone(),
            kind: self.kind,
            state: self.state(moment.now),
            last_visit_at: last.map(|last| last.finished_at),
            last_success_at: history.last_success_at,
            last_new_at: history.last_new_at,
            next_visit_at: last.map(|last| last.next_visit_at),
            posts_24h: posts,
            visits_24h: visits,
            failed_24h: failed,
            reason: last.and_then(|last| last.reason.clone()),
            finding: history.findings.now().map(FindingShown::of),
            proof: Some(self.proof(moment)),
        }
    }

    fn proof(&self, moment: &Moment<'_>) -> Proof {
        let (history, now, tail) = (&self.history, second(moment.now), self.tail(moment.running));
        Proof {
            day: history.timeline.seconds(now.saturating_sub(DAY), now, &tail),
            month: history.timeline.seconds(moment.days[0], now, &tail),
            grid: history.timeline.grid(&moment.quarters, &tail),
            grid_from: time(moment.quarters[0]),
            days: history.timeline.grid(&moment.days, &tail),
            lag_24h: history.lags.percentiles(DAY, now),
            lag_30d: history.lags.percentiles(DAYS as u32 * DAY, now),
            open_gaps: history.gaps.open().iter().map(GapShown::of).collect(),
            clock_offset_ms: history.clock_offset_ms,
        }
    }

    fn detail(&self, moment: &Moment<'_>) -> Detail {
        let (history, tail) = (&self.history, self.tail(moment.running));
        let date = |at| time(at).to_zoned_datetime(moment.tz.clone()).strftime("%Y-%m-%d").to_string();
        let day =
            |pair: &[u32]| DayShown { date: date(pair[0]), seconds: history.timeline.seconds(pair[0], pair[1], &tail) };
        let closed = |gap: &gaps::Closed| ClosedShown {
            from: time(gap.from),
            to: time(gap.to),
            closed_at: time(gap.at),
            proof: gap.proof.clone(),
        };
        Detail {
            days: moment.days.windows(2).map(day).collect(),
            closed_gaps: history.gaps.closed().map(closed).collect(),
            past_findings: history.findings.past().map(FindingShown::of).collect(),
        }
    }
}

impl FindingShown {
    fn of(finding: &Finding) -> Self {
        Self { kind: finding.kind, since: finding.since, until: finding.until, reason: finding.reason.clone() }
    }
}

impl GapShown {
    fn of(gap: &gaps::Open) -> Self {
        Self { from: time(gap.from), to: time(gap.to), reason: gap.reason.clone() }
    }
}

/// Sources that programs push. Nobody visits them: of their time nothing can be proven.
fn pushed(door: &Door, coverage: &Coverage, now: Timestamp) -> Vec<SourceState> {
    let known = coverage.lock();
    let mut pushed: Vec<_> = door
        .pushed()
        .iter()
        .filter(|(id, _)| known.source(id).is_none())
        .filter_map(|(id, handed)| {
            let [posts] = handed.posts.sums(now);
            (posts > 0).then(|| SourceState {
                id: id.to_owned(),
                name: id.to_owned(),
                kind: "push",
                state: "ok",
                last_visit_at: Some(handed.last),
                last_success_at: Some(handed.last),
                last_new_at: Some(handed.last),
                next_visit_at: None,
                posts_24h: posts,
                visits_24h: 0,
                failed_24h: 0,
                reason: None,
                finding: None,
                proof: None,
            })
        })
        .collect();
    pushed.sort_by(|a, b| a.id.cmp(&b.id));
    pushed
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::records::{CrawlReport, Record, Span};
    use std::{collections::BTreeSet, time::Duration};

    fn now() -> Timestamp {
        "2026-11-24T15:59:30Z".parse().unwrap()
    }

    /// Sources that were each visited a minute ago and cover the hour before.
    fn known(sources: usize) -> Known {
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        let mut known = Known { sources: Vec::new(), places: Default::default(), read_to: 0, ahead: BTreeSet::new() };
        for number in 0..sources {
            let id = format!("s{number}");
            let mut source = Source::new(&id, "源", "html", Duration::from_secs(60));
            let mut report =
                CrawlReport::decode(include_bytes!("../../../schemas/fixtures/crawl_report.v1.json")).unwrap();
            report.outcome = schemas::records::CrawlOutcome::Ok;
            (report.gap, report.closed, report.silent_since) = (None, Vec::new(), None);
            report.started_at = now() - 1.minute();
            report.finished_at = report.started_at;
            report.next_visit_at = now();
            report.covered = Some(Span { from: now() - 61.minutes(), to: report.started_at });
            source.take(report, now(), &tz);
            known.places.insert(id, number);
            known.sources.push(source);
        }
        known
    }

    fn ask(known: &Known, asked: &Asked) -> Answer {
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        answer(known, Vec::new(), asked, &Moment::new(now(), now(), &tz)).unwrap()
    }

    fn asked() -> Asked {
        Asked { source: None, changed_since: None, limit: None, cursor: None }
    }

    #[test]
    fn a_source_is_shown_by_the_quarter_and_by_the_day() {
        let answer = ask(&known(1), &Asked { source: Some("s0".into()), ..asked() });
        let proof = answer.sources[0].proof.as_ref().unwrap();
        assert_eq!((proof.day.total(), proof.day.unwatched), (DAY, DAY - 3_660));
        // Nobody had promised a visit in that hour: it is all here, and late.
        assert_eq!((proof.grid.len(), &proof.grid[91..]), (96, "ullll"));
        assert_eq!(proof.grid_from, "2026-11-23T16:00:00Z".parse().unwrap());
        assert_eq!((proof.days.len(), &proof.days[28..]), (30, "uu"));
        let detail = answer.detail.unwrap();
        assert_eq!(detail.days[29].date, "2026-11-24");
        let sums = detail.days.iter().map(|day| day.seconds.total()).sum::<u32>();
        assert_eq!(sums, proof.month.total());
        assert_eq!(detail.days[28].seconds.total(), DAY);
    }

    #[test]
    fn many_sources_are_answered_by_the_page_and_none_twice() {
        let known = known(2_500);
        let mut seen = BTreeSet::new();
        let mut cursor = None;
        loop {
            let page = ask(&known, &Asked { cursor, ..asked() });
            assert!(page.sources.len() <= USUAL_LIMIT && page.total == 2_500 && page.by_state["ok"] == 2_500);
            seen.extend(page.sources.into_iter().map(|source| source.id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 2_500);
    }

    #[test]
    fn only_what_has_changed_is_answered() {
        let mut known = known(3);
        known.sources[0].history.taken_at = Some(now() - 1.hour());
        let since = Asked { changed_since: Some(now() - 1.minute()), ..asked() };
        assert_eq!(ask(&known, &since).sources.len(), 2);
        // It has become late since, which nobody reports.
        known.sources[0].history.last.as_mut().unwrap().next_visit_at = now() - 150.seconds();
        known.sources[0].history.last.as_mut().unwrap().finished_at = now() - 170.seconds();
        let late = ask(&known, &since);
        assert_eq!((late.sources.len(), late.sources[0].state), (3, "late"));
    }

    #[test]
    fn what_cannot_be_answered_is_refused() {
        let tz = TimeZone::UTC;
        let moment = Moment::new(now(), now(), &tz);
        for (wrong, code) in [
            (Asked { limit: Some(0), ..asked() }, "limit"),
            (Asked { limit: Some(5_001), ..asked() }, "limit"),
            (Asked { cursor: Some("x".into()), ..asked() }, "cursor"),
            (Asked { source: Some("x".into()), ..asked() }, "not_found"),
        ] {
            assert_eq!(answer(&known(1), Vec::new(), &wrong, &moment).err().unwrap().code, code);
        }
    }

    #[test]
    fn a_moment_on_the_bound_has_whole_grids() {
        for now in ["2026-11-24T16:00:00Z", "2026-11-24T15:59:59Z", "2026-03-29T01:30:00Z", "1970-01-01T00:00:00Z"] {
            let tz = TimeZone::get("Europe/Berlin").unwrap();
            let moment = Moment::new(now.parse().unwrap(), Timestamp::UNIX_EPOCH, &tz);
            assert_eq!((moment.quarters.len(), moment.days.len()), (97, 31), "{now}");
            assert!(moment.quarters.windows(2).all(|pair| pair[0] < pair[1]), "{now}");
        }
    }
}
