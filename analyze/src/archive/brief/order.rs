//! What a brief is asked to be about, and over which time. Pure.
//!
//! | kind | needs | period | period before |
//! |---|---|---|---|
//! | `matter` 快报 | `q`; `from` and `to`, the last 24 hours when left out | from `from` to `to` | as long, and ends at `from` |
//! | `day` 日报 | `date` | that day of the timezone | the day before |
//! | `week` 周报 | `date` | Monday to Sunday around that day | the week before |
//!
//! A day or week that is not over ends now, and is compared with the same part of the one before. `q` narrows those two when given.

use super::ask::Span;
use crate::query::{self, Context};
use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest time of a brief.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 1_100);
/// The time of a matter, unless the caller says otherwise.
const USUAL: SignedDuration = SignedDuration::from_hours(24);
/// The longest query, in characters: what narrows it must fit beside it.
const LONGEST_QUERY: usize = 800;

/// What kind of brief.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 快报, of one matter.
    Matter,
    /// 日报.
    Day,
    /// 周报.
    Week,
}

/// What a caller says of a brief; an empty text counts as left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[allow(missing_docs)] // The table above.
pub struct Wanted {
    pub kind: Option<String>,
    pub q: Option<String>,
    pub from: Option<String>,
    pub to: Option<String>,
    pub date: Option<String>,
    /// `html` or `docx`.
    pub format: Option<String>,
}

/// What a brief is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// What kind of brief.
    pub kind: Kind,
    /// The query as it was typed.
    pub typed: String,
    /// The query as it stays true: `近7天` says another time tomorrow.
    pub q: String,
    /// The period.
    pub span: Span,
    /// The one before.
    pub before: Span,
    /// Whether the period is not over.
    pub is_open: bool,
}

/// Why there is no such brief.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{parameter}: {message}")]
pub struct BadOrder {
    /// Which of the parameters is wrong.
    pub parameter: &'static str,
    /// What is wrong, and what would be right.
    pub message: String,
}

fn bad(parameter: &'static str, message: impl fmt::Display) -> BadOrder {
    BadOrder { parameter, message: message.to_string() }
}

/// What is given of them, as the audit record shows it.
impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut given = serde_json::to_value(self).unwrap_or_default();
        if let Some(given) = given.as_object_mut() {
            given.retain(|_, value| value.as_str().is_some_and(|value| !value.is_empty()));
        }
        given.fmt(f)
    }
}

impl Wanted {
    /// Reads it, as of the context's now.
    ///
    /// # Errors
    /// The parameter that is wrong, and what would be right.
    pub fn order(&self, context: &Context) -> Result<Order, BadOrder> {
        let given =
            |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        let kind = given(&self.kind).and_then(|kind| serde_json::from_value(kind.into()).ok());
        let kind: Kind = kind.ok_or_else(|| bad("kind", "应为 matter、day 或 week / must be matter, day or week"))?;
        let typed = given(&self.q).unwrap_or_default();
        let q = lasting(&typed, context)?;
        let (from, to, date) = (given(&self.from), given(&self.to), given(&self.date));
        let now = Timestamp::from_second(context.now.as_second()).unwrap_or(context.now);
        let (span, before, is_open) = if kind == Kind::Matter {
            if typed.is_empty() {
                return Err(bad("q", "快报要有检索式 / a brief of a matter needs a query"));
            }
            if date.is_some() {
                return Err(bad("date", "快报用 from 和 to / a brief of a matter takes from and to instead"));
            }
            let to = time("to", to)?.unwrap_or(now);
            let from = match time("from", from)? {
                Some(from) => from,
                None => to.checked_sub(USUAL).map_err(|error| bad("to", error))?,
            };
            if from >= to {
                return Err(bad("from", "应早于 to (默认为现在) / must be before to, which is now when left out"));
            }
            let length = from.duration_until(to);
            if length > LONGEST {
                return Err(bad("from", "时间跨度不能超过 1100 天 / at most 1100 days before to"));
            }
            let earlier = from.checked_sub(length).map_err(|error| bad("from", error))?;
            (Span { from, to }, Span { from: earlier, to: from }, false)
        } else {
            if from.is_some() || to.is_some() {
                return Err(bad(
                    "from",
                    "日报、周报用 date / a brief of a day or a week takes date instead of from and to",
                ));
            }
            period(kind, date, now, context)?
        };
        Ok(Order { kind, typed, q, span, before, is_open })
    }
}

/// A query whose words of time are those of now.
fn lasting(typed: &str, context: &Context) -> Result<String, BadOrder> {
    let query = query::parse(typed, context).map_err(|error| bad("q", error))?;
    let printed = query.to_string();
    let same = query::parse(&printed, context).is_ok_and(|again| again == query);
    let q = if same { printed } else { typed.to_owned() };
    if q.chars().count() > LONGEST_QUERY {
        return Err(bad("q", format!("检索式过长 / at most {LONGEST_QUERY} characters")));
    }
    Ok(q)
}

fn time(parameter: &'static str, text: Option<String>) -> Result<Option<Timestamp>, BadOrder> {
    let parse = |text: String| {
        text.parse()
            .map_err(|_| bad(parameter, "应为带时区的时间 / must be RFC 3339, such as 2026-11-24T08:00:00+08:00"))
    };
    text.map(parse).transpose()
}

/// The day or week around a date, the one before, and whether it is not over.
fn period(kind: Kind, date: Option<String>, now: Timestamp, context: &Context) -> Result<(Span, Span, bool), BadOrder> {
    let form = || bad("date", "应为日期, 如 2026-11-28 / must be a date such as 2026-11-28");
    let date: Date = date.and_then(|date| date.parse().ok()).ok_or_else(form)?;
    let beyond = |error: jiff::Error| bad("date", error);
    let days = if kind == Kind::Week { 7 } else { 1 };
    let first = match kind {
        Kind::Week => date.checked_sub(i64::from(date.weekday().to_monday_zero_offset()).days()).map_err(beyond)?,
        Kind::Matter | Kind::Day => date,
    };
    let midnight = |date: Date| -> Result<Timestamp, BadOrder> {
        date.to_zoned_datetime(context.tz.clone()).map(|zoned| zoned.timestamp()).map_err(beyond)
    };
    let from = midnight(first)?;
    let end = midnight(first.checked_add(days.days()).map_err(beyond)?)?;
    let earlier = midnight(first.checked_sub(days.days()).map_err(beyond)?)?;
    if from >= now {
        return Err(bad("date", "这一期还没有开始 / this period has not begun yet"));
    }
    let is_open = now < end;
    let (to, before_to) = if is_open {
        let same_hour = now.to_zoned_datetime(context.tz.clone()).checked_sub(days.days()).map_err(beyond)?;
        (now, same_hour.timestamp().clamp(earlier, from))
    } else {
        (end, from)
    };
    Ok((Span { from, to }, Span { from: earlier, to: before_to }, is_open))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn context() -> Context {
        let now = "2026-11-28T04:30:00.5Z".parse().unwrap();
        Context { now, tz: TimeZone::get("Asia/Shanghai").unwrap(), ..Context::default() }
    }

    fn wanted(kind: &str, q: &str, from: &str, to: &str, date: &str) -> Wanted {
        let some = |text: &str| Some(text.to_owned());
        Wanted { kind: some(kind), q: some(q), from: some(from), to: some(to), date: some(date), format: None }
    }

    fn told(span: Span) -> String {
        format!("{} {}", span.from, span.to)
    }

    #[test]
    fn periods_are_those_of_the_table() {
        let order = |wanted: Wanted| wanted.order(&context()).unwrap();
        let day = order(wanted("day", "", "", "", "2026-11-27"));
        assert_eq!(told(day.span), "2026-11-26T16:00:00Z 2026-11-27T16:00:00Z");
        assert_eq!(told(day.before), "2026-11-25T16:00:00Z 2026-11-26T16:00:00Z");
        assert!(!day.is_open);
        let week = order(wanted("week", "", "", "", "2026-11-22"));
        assert_eq!(told(week.span), "2026-11-15T16:00:00Z 2026-11-22T16:00:00Z", "a Sunday ends its week");
        assert_eq!(told(week.before), "2026-11-08T16:00:00Z 2026-11-15T16:00:00Z");
        let today = order(wanted("day", "", "", "", "2026-11-28"));
        assert_eq!(told(today.span), "2026-11-27T16:00:00Z 2026-11-28T04:30:00Z");
        assert_eq!(told(today.before), "2026-11-26T16:00:00Z 2026-11-27T04:30:00Z", "as far as today");
        assert!(today.is_open);
        let matter = order(wanted("matter", "停水", "2026-11-20T00:00:00+08:00", "2026-11-22T00:00:00+08:00", ""));
        assert_eq!(told(matter.span), "2026-11-19T16:00:00Z 2026-11-21T16:00:00Z");
        assert_eq!(told(matter.before), "2026-11-17T16:00:00Z 2026-11-19T16:00:00Z");
        let usual = order(wanted("matter", "停水", "", "", ""));
        assert_eq!(told(usual.span), "2026-11-27T04:30:00Z 2026-11-28T04:30:00Z");
    }

    #[test]
    fn words_of_time_stay_true() {
        let order = wanted("matter", "停水 时间:今天", "", "", "").order(&context()).unwrap();
        assert_eq!(order.typed, "停水 时间:今天");
        assert!(order.q.contains("2026-11-27T16:00:00Z"), "{}", order.q);
    }

    #[test]
    fn what_makes_no_sense_is_refused_by_name() {
        let parameter = |wanted: Wanted| wanted.order(&context()).unwrap_err().parameter;
        assert_eq!(parameter(wanted("month", "", "", "", "2026-11-27")), "kind");
        assert_eq!(parameter(wanted("matter", " ", "", "", "")), "q");
        assert_eq!(parameter(wanted("matter", "(", "", "", "")), "q");
        assert_eq!(parameter(wanted("matter", "停水", "", "", "2026-11-27")), "date");
        assert_eq!(parameter(wanted("matter", "停水", "yesterday", "", "")), "from");
        assert_eq!(parameter(wanted("matter", "停水", "2026-11-29T00:00:00Z", "", "")), "from");
        assert_eq!(parameter(wanted("matter", "停水", "2000-01-01T00:00:00Z", "", "")), "from");
        assert_eq!(parameter(wanted("day", "", "2026-11-20T00:00:00Z", "", "2026-11-27")), "from");
        assert_eq!(parameter(wanted("day", "", "", "", "")), "date");
        assert_eq!(parameter(wanted("day", "", "", "", "2026-11-31")), "date");
        assert_eq!(parameter(wanted("day", "", "", "", "2026-11-29")), "date");
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(kind in "matter|day|week", q in ".{0,20}", from in any::<String>(), date in "-?[0-9]{4}-[0-9]{2}-[0-9]{2}") {
            for wanted in [wanted(&kind, &q, &from, "", ""), wanted(&kind, &q, "", "", &date)] {
                if let Ok(order) = wanted.order(&context()) {
                    prop_assert!(order.span.from < order.span.to && order.before.from <= order.before.to);
                    prop_assert!(order.before.to <= order.span.from);
                }
            }
        }
    }
}
