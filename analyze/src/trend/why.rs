//! Why was I not paged? For a topic and a moment: the counts, what was expected, the surprise, the line, and which rule kept it
//! quiet.
//!
//! It is reckoned with what is known now: posts that came in later are counted where they belong, and the expectation is the
//! present one. Windows shorter than an hour can be answered for as far back as the curve by minutes goes (those below a minute's
//! multiple are rounded to it), others for eight weeks.

use super::{
    mood, reach,
    series::{CURVE, Cell, HISTORY, HOUR, LIVE},
    spike::{Seen, Verdict, figure, length},
    state::Trend,
    topic::{Around, Topic, WINDOWS, rounded},
};
use jiff::Timestamp;
use serde::Serialize;

/// One window at that moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct WindowSeen {
    seconds: i64,
    count: u64,
    copies: u64,
    /// The posts that were judged: of near-copies only so many speak.
    judged: u64,
    expected: f64,
    surprise: f64,
    /// How many days pass until chance brings so many; none when it is not above what is expected.
    once_in_days: Option<f64>,
    /// The least count that would have been a rise.
    line: u64,
    verdict: Verdict,
}

/// What the second or the third trigger saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct OtherSeen {
    /// `reach` or `negative`.
    trigger: &'static str,
    seconds: i64,
    /// The reach, or the share of negative posts.
    value: f64,
    usual: f64,
    once_in_days: Option<f64>,
    rises: bool,
}

/// A rise that stood for the topic at that moment, or that was the last one before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct RiseSeen {
    id: String,
    from: Timestamp,
    seen: Timestamp,
    ended: Timestamp,
    count: u64,
    why: String,
}

/// What kept it quiet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// It was told: a rise stood at that moment.
    Told,
    /// Nothing is known of that time any more.
    Forgotten,
    /// Nothing was posted.
    NoPosts,
    /// A rise of before stood for these posts.
    RiseOfBefore,
    /// What a window says: see the first row of its verdict.
    #[serde(untagged)]
    Kept(Verdict),
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Why {
    at: Timestamp,
    outcome: Outcome,
    /// The answer in one sentence.
    answer: String,
    windows: Vec<WindowSeen>,
    triggers: Vec<OtherSeen>,
    rise: Option<RiseSeen>,
    /// How many alarms a day each window may raise by chance.
    allowed_a_day: f64,
    min_count: u64,
    surprise: f64,
}

/// The answer for a topic and a moment, given at `now`.
pub(super) fn why(trend: &Trend, topic: &Topic, at: i64, now: i64) -> Why {
    let around = trend.around(topic);
    let rule = around.manner.rule;
    let history = topic.baseline.has_history();
    let age = now - at;
    let windows: Vec<Seen> = WINDOWS
        .into_iter()
        .filter(|&seconds| {
            age < LIVE - seconds || seconds >= 60 && age < CURVE - seconds || seconds >= HOUR && age < HISTORY
        })
        .map(|seconds| topic.seen(seconds, at, cell(topic, at, seconds, age), around, now))
        .collect();
    let rise = topic.past(now).filter(|past| past.from <= at).last();
    let stands = rise.as_ref().filter(|past| at <= past.ended || at - WINDOWS[2] <= past.ended);
    let outcome = if let Some(past) = stands {
        if past.seen <= at && at <= past.ended { Outcome::Told } else { Outcome::RiseOfBefore }
    } else if age >= HISTORY {
        Outcome::Forgotten
    } else {
        kept(&windows, history, around)
    };
    let answer = answer(outcome, &windows, stands.map(|past| past.why.as_str()), around, history);
    Why {
        at: Timestamp::from_second(at).unwrap_or_default(),
        outcome,
        answer,
        windows: windows.iter().map(|seen| window(*seen, history, around)).collect(),
        triggers: triggers(topic, at, age, around),
        rise: rise.map(|past| {
            let time = |second| Timestamp::from_second(second).unwrap_or_default();
            RiseSeen {
                id: past.id,
                from: time(past.from),
                seen: time(past.seen),
                ended: time(past.ended),
                count: past.count,
                why: past.why,
            }
        }),
        allowed_a_day: rule.alarms,
        min_count: rule.min_count,
        surprise: rule.surprise,
    }
}

/// What was counted, by steps as fine as are still kept.
fn cell(topic: &Topic, at: i64, seconds: i64, age: i64) -> Cell {
    if age < LIVE - seconds {
        topic.series.window(at, seconds)
    } else if age < CURVE - seconds {
        topic.series.between(at - seconds + 60, at + 60)
    } else {
        topic.series.between_hours(at - seconds + HOUR, at + HOUR)
    }
}

fn kept(windows: &[Seen], history: bool, around: Around<'_>) -> Outcome {
    if windows.iter().all(|seen| seen.cell.count == 0) {
        return Outcome::NoPosts;
    }
    // The window that came the furthest speaks.
    let verdicts = windows.iter().map(|seen| seen.verdict(history, around.manner.rule));
    Outcome::Kept(verdicts.max_by_key(|verdict| furthest(*verdict)).unwrap_or(Verdict::TooFew))
}

fn furthest(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::NoHistory => 0,
        Verdict::TooFew => 1,
        Verdict::TooSmall => 2,
        Verdict::NoSurprise => 3,
        Verdict::WithinAllowance => 4,
        Verdict::Rise => 5,
    }
}

fn answer(outcome: Outcome, windows: &[Seen], rise: Option<&str>, around: Around<'_>, history: bool) -> String {
    let rule = around.manner.rule;
    let best = windows
        .iter()
        .filter(|seen| Outcome::Kept(seen.verdict(history, rule)) == outcome)
        .min_by(|a, b| a.alarms().total_cmp(&b.alarms()).then(b.cell.count.cmp(&a.cell.count)));
    let seen = best.map_or_else(String::new, |seen| {
        format!("{} {} 条, 预期 {} 条", length(seen.seconds), seen.cell.count, figure(seen.expected.mean))
    });
    let line = best.map_or(0, |seen| seen.line(history, rule));
    match outcome {
        Outcome::Told => format!("已告警: {}", rise.unwrap_or_default()),
        Outcome::RiseOfBefore => format!("已并入此前的一次上升: {}", rise.unwrap_or_default()),
        Outcome::Forgotten => "那时的计数已超过保存期限 (8 周), 无从回答".into(),
        Outcome::NoPosts => "那时没有收到该专题的帖子".into(),
        Outcome::Kept(Verdict::NoHistory) => {
            format!("尚无一天的历史可比, 5 分钟满 {} 条才报; 当时不足", rule.min_count)
        }
        Outcome::Kept(Verdict::TooFew) => format!("条数太少: 任何时段都不足 {} 条", rule.floor(true)),
        Outcome::Kept(Verdict::TooSmall) => format!("{seen}: 高出不到四分之一, 不算上升"),
        Outcome::Kept(Verdict::NoSurprise) => format!("{seen}: 属正常波动, 满 {line} 条才报"),
        Outcome::Kept(Verdict::WithinAllowance) => {
            format!("{seen}: 偶然也会如此, 按允许的误报次数, 满 {line} 条才报")
        }
        Outcome::Kept(Verdict::Rise) => {
            format!("{seen}: 按现在所知已够告警; 当时这些帖子尚未到齐, 或那时的预期不同")
        }
    }
}

fn window(seen: Seen, history: bool, around: Around<'_>) -> WindowSeen {
    let rule = around.manner.rule;
    WindowSeen {
        seconds: seen.seconds,
        count: seen.cell.count.into(),
        copies: seen.cell.copies.into(),
        judged: seen.voices,
        expected: rounded(seen.expected.mean),
        surprise: rounded(seen.surprise()),
        once_in_days: days(seen.alarms()),
        line: seen.line(history, rule),
        verdict: seen.verdict(history, rule),
    }
}

fn triggers(topic: &Topic, at: i64, age: i64, around: Around<'_>) -> Vec<OtherSeen> {
    let (rule, allowed) = (around.manner.rule, around.manner.other_alarms);
    let mut seen = Vec::new();
    for (window, seconds) in reach::WINDOWS.into_iter().enumerate() {
        let cell = cell(topic, at, seconds, age);
        let reach = u64::try_from(cell.reach).unwrap_or(0);
        seen.push(OtherSeen {
            trigger: "reach",
            seconds,
            value: reach as f64,
            usual: rounded(topic.reach.usual(window)),
            once_in_days: days(topic.reach.alarms_a_day(window, reach)),
            rises: topic.reach.reason(window, cell, around.manner.min_reach, allowed).is_some(),
        });
    }
    for (window, seconds) in mood::WINDOWS.into_iter().enumerate() {
        let cell = cell(topic, at, seconds, age);
        seen.push(OtherSeen {
            trigger: "negative",
            seconds,
            value: rounded(f64::from(cell.negative) / f64::from(cell.count.max(1))),
            usual: rounded(topic.mood.share()),
            once_in_days: days(topic.mood.alarms_a_day(window, cell)),
            rises: topic.mood.reason(window, cell, rule.min_count, allowed).is_some(),
        });
    }
    seen
}

fn days(alarms: f64) -> Option<f64> {
    (alarms.is_finite() && alarms > 0.0).then(|| rounded(1.0 / alarms))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            series::{DAY, MINUTE},
            testing::Town,
        },
        *,
    };

    fn town() -> Town {
        let mut town = Town::new(&["water", "parks"], 3);
        town.pass(3 * 24 * 60, &["", "water"], |topic, _| if topic == "water" { 1.0 } else { 2.0 });
        town
    }

    fn ask(town: &Town, at: i64) -> Why {
        why(&town.trend, town.trend.topic("water").unwrap(), at, town.now)
    }

    #[test]
    fn it_says_which_rule_kept_it_quiet() {
        let mut town = town();
        let quiet = ask(&town, town.now);
        assert!(
            matches!(quiet.outcome, Outcome::Kept(Verdict::TooSmall | Verdict::NoSurprise | Verdict::WithinAllowance)),
            "{quiet:?}"
        );
        let five = quiet.windows.iter().find(|window| window.seconds == 300).unwrap();
        assert!((five.expected - 5.0).abs() < 2.0 && five.line > five.count, "{five:?}");
        let nothing = why(&town.trend, town.trend.topic("parks").unwrap(), town.now, town.now);
        assert_eq!(nothing.outcome, Outcome::NoPosts);
        let before = town.now;
        town.pass(10, &["water"], |_, _| 12.0);
        let told = ask(&town, town.now);
        assert_eq!(told.outcome, Outcome::Told);
        assert!(told.answer.starts_with("已告警: ") && told.rise.is_some(), "{told:?}");
        assert_ne!(ask(&town, before - HOUR).outcome, Outcome::Told);
        assert_eq!(ask(&town, before - 60 * DAY).outcome, Outcome::Forgotten);
    }

    #[test]
    fn one_can_ask_for_last_night_too() {
        let mut town = town();
        let then = town.now;
        town.pass(20 * 60, &["", "water"], |_, _| 1.0);
        let why = ask(&town, then + 30 * MINUTE);
        let hour = why.windows.iter().find(|window| window.seconds == HOUR).unwrap();
        assert!((30..100).contains(&hour.count), "{hour:?}");
        assert!(serde_json::to_value(why.outcome).unwrap().is_string());
    }
}
