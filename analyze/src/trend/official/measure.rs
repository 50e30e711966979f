//! From comments and answers to how long people wait. Pure.
//!
//! When a comment is answered:
//!
//! | what the unit wrote in the thread | the comment is |
//! |---|---|
//! | an answer that names it, not before it | answered then, surely |
//! | else an answer that names nobody (or the opening post), not before it | answered by the first such one, presumably |
//! | only answers that name others, or lie before it | unanswered |
//!
//! Names under which a unit addresses people in its text (`回复@…`) are not matched: authors are known as hashes alone. A wait
//! is measured only where both times are exact to the minute.

use super::{Answer, Comment, Official, Thread};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// The windows that are told, in hours.
const WINDOWS: [i64; 3] = [24, 7 * 24, 30 * 24];
/// Times that are exact to the minute may be this much apart the wrong way round.
const SLACK: i64 = 60;

/// A unit, and how it answers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct UnitState {
    unit: String,
    windows: Vec<Window>,
}

/// Comments of the last so many hours.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(super) struct Window {
    hours: i64,
    comments: u64,
    answered: u64,
    /// Of the answered: those that an answer names.
    answered_by_name: u64,
    unanswered: u64,
    /// Of the unanswered: those that are gone.
    unanswered_gone: u64,
    /// Comments beyond those that are measured, of all times.
    unmeasured: u64,
    median_seconds: Option<i64>,
    p90_seconds: Option<i64>,
    oldest_unanswered: Option<Oldest>,
}

/// The comment that has waited longest and is still there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Oldest {
    id: String,
    published_at: Timestamp,
}

/// An answer to a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answered {
    /// How long it took, where that can be told.
    after: Option<i64>,
    by_name: bool,
}

/// All units, by name.
pub(super) fn units(official: &Official, now: i64) -> Vec<UnitState> {
    let mut units: BTreeMap<&str, Vec<&Thread>> = BTreeMap::new();
    for thread in official.threads.values() {
        if let Some(unit) = &thread.unit {
            units.entry(unit).or_default().push(thread);
        }
    }
    let units = units.into_iter().map(|(unit, threads)| {
        let outcomes: Vec<_> = threads.iter().flat_map(|thread| outcomes(thread)).collect();
        let unmeasured = threads.iter().map(|thread| thread.unmeasured).sum();
        let windows = WINDOWS.map(|hours| window(hours, &outcomes, unmeasured, now)).into();
        UnitState { unit: unit.to_owned(), windows }
    });
    units.collect()
}

type Outcome<'a> = (&'a str, &'a Comment, Option<Answered>);

fn outcomes(thread: &Thread) -> Vec<Outcome<'_>> {
    let mut named: HashMap<&str, Vec<&Answer>> = HashMap::new();
    let mut general: Vec<&Answer> = Vec::new();
    for answer in thread.answers.values() {
        match answer.to.as_deref().filter(|to| !thread.opening.contains(*to)) {
            Some(to) => named.entry(to).or_default().push(answer),
            None => general.push(answer),
        }
    }
    general.sort_by_key(|answer| answer.at);
    let outcome = |(id, comment)| {
        let (id, comment): (&String, &Comment) = (id, comment);
        let earliest = comment.at - SLACK;
        let by_name = named.get(id.as_str()).and_then(|answers| {
            answers.iter().copied().filter(|answer| answer.at >= earliest).min_by_key(|answer| answer.at)
        });
        let answer = by_name.or_else(|| {
            let first = general.partition_point(|answer| answer.at < earliest);
            general.get(first).copied()
        });
        let answered = answer.map(|answer| Answered {
            after: (comment.exact && answer.exact).then(|| (answer.at - comment.at).max(0)),
            by_name: by_name.is_some(),
        });
        (id.as_str(), comment, answered)
    };
    thread.comments.iter().map(outcome).collect()
}

fn window(hours: i64, outcomes: &[Outcome<'_>], unmeasured: u64, now: i64) -> Window {
    let mut window = Window { hours, unmeasured, ..Window::default() };
    let (mut waits, mut oldest) = (Vec::new(), None::<(&str, i64)>);
    for (id, comment, answered) in outcomes.iter().filter(|(_, comment, _)| comment.at > now - hours * 3_600) {
        window.comments += 1;
        match answered {
            Some(answered) => {
                window.answered += 1;
                window.answered_by_name += u64::from(answered.by_name);
                waits.extend(answered.after);
            }
            None => {
                window.unanswered += 1;
                window.unanswered_gone += u64::from(comment.gone);
                if !comment.gone && oldest.is_none_or(|(_, at)| comment.at < at) {
                    oldest = Some((id, comment.at));
                }
            }
        }
    }
    waits.sort_unstable();
    (window.median_seconds, window.p90_seconds) = (quantile(&waits, 50), quantile(&waits, 90));
    window.oldest_unanswered =
        oldest.and_then(|(id, at)| Some(Oldest { id: id.to_owned(), published_at: Timestamp::from_second(at).ok()? }));
    window
}

/// The smallest value that so many per cent do not exceed.
fn quantile(sorted: &[i64], per_cent: usize) -> Option<i64> {
    let place = (sorted.len() * per_cent).div_ceil(100);
    sorted.get(place.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::{
        super::tests::{NOW, by, post, to},
        *,
    };
    use schemas::records::{AnalyzedPost, Kind, Precision};

    fn measured(posts: &[AnalyzedPost]) -> Vec<UnitState> {
        let mut official = Official::default();
        for post in posts {
            official.observe(post, NOW);
        }
        units(&official, NOW)
    }

    fn comment(id: &str, ago: i64) -> AnalyzedPost {
        to("水务局", post(Kind::Comment, id, ago))
    }

    fn answer(id: &str, ago: i64, parent: Option<&str>) -> AnalyzedPost {
        by("水务局", AnalyzedPost { parent_id: parent.map(str::to_owned), ..post(Kind::Comment, id, ago) })
    }

    fn opening() -> AnalyzedPost {
        by("水务局", post(Kind::Post, "t", 3 * 3_600))
    }

    #[test]
    fn each_row_of_the_table() {
        let outcome = |answers: &[AnalyzedPost]| {
            let mut posts = vec![opening(), comment("1", 1_000), comment("2", 900)];
            posts.extend_from_slice(answers);
            let window = measured(&posts)[0].windows[0].clone();
            (
                window.answered,
                window.answered_by_name,
                window.median_seconds,
                window.oldest_unanswered.map(|oldest| oldest.id),
            )
        };
        let oldest = |id: &str| Some(format!("hall:{id}"));
        assert_eq!(outcome(&[answer("a", 700, Some("1"))]), (1, 1, Some(300), oldest("2")));
        assert_eq!(outcome(&[answer("a", 700, None)]), (2, 0, Some(200), None));
        assert_eq!(outcome(&[answer("a", 700, Some("t"))]), (2, 0, Some(200), None), "it names the opening post");
        assert_eq!(outcome(&[answer("a", 950, None)]), (2, 0, Some(0), None), "within the minute of the second");
        assert_eq!(outcome(&[answer("a", 990, None)]), (1, 0, Some(10), oldest("2")));
        assert_eq!(outcome(&[answer("a", 700, Some("elsewhere"))]), (0, 0, None, oldest("1")));
        assert_eq!(outcome(&[answer("a", 2_000, Some("1"))]), (0, 0, None, oldest("1")), "before it was asked");
        assert_eq!(outcome(&[answer("a", 400, None), answer("b", 700, Some("2"))]), (2, 1, Some(200), None));
    }

    #[test]
    fn windows_and_percentiles() {
        let mut posts = vec![opening()];
        for number in 1..=10 {
            posts.push(comment(&format!("c{number}"), 5_000));
            posts.push(answer(&format!("a{number}"), 5_000 - number * 100, Some(&format!("c{number}"))));
        }
        posts.push(comment("old", 8 * 24 * 3_600));
        posts.push(to(
            "水务局",
            AnalyzedPost { published_precision: Precision::Day, ..post(Kind::Comment, "day", 4_500) },
        ));
        posts.push(answer("b", 4_400, Some("day")));
        let windows = &measured(&posts)[0].windows;
        let told = |window: &Window| {
            (window.hours, window.comments, window.answered, window.median_seconds, window.p90_seconds)
        };
        assert_eq!(
            windows.iter().map(told).collect::<Vec<_>>(),
            [
                (24, 11, 11, Some(500), Some(900)),
                (168, 11, 11, Some(500), Some(900)),
                (720, 12, 11, Some(500), Some(900)),
            ]
        );
        assert_eq!(windows[2].oldest_unanswered.as_ref().unwrap().id, "hall:old");
        assert_eq!(quantile(&[], 50), None);
    }

    #[test]
    fn a_unit_that_nobody_talks_to_is_told_with_noughts() {
        let units = measured(&[opening()]);
        assert_eq!((units[0].unit.as_str(), units[0].windows[2].comments), ("水务局", 0));
    }
}
