//! The hot list: which topics are hot over an hour, a day or a week, and why.
//!
//! A topic's heat is a sum of points, each stated with what it was given for:
//!
//! | part | points | given for |
//! |---|---|---|
//! | rising | 100 | a rise that goes on |
//! | volume | up to 40 | posts above the expectation, in standard deviations `z`: `z / (z + 6)` of them |
//! | growth | up to 20 | the second half of the time against the first: all of them for eightfold |
//! | negative | up to 20 | the share of negative posts, drawn to none where there are few |
//! | reach | up to 15 | likes, replies and reposts, by their logarithm: all of them for a million |
//! | sources | up to 5 | how many sources it comes from: `(n - 1) / (n + 2)` of them |

use super::{
    series::{DAY, HOUR, MINUTE},
    spike::figure,
    state::Trend,
    topic::{Topic, rounded},
};
use jiff::Timestamp;
use schemas::records::TopicRef;
use serde::{Deserialize, Serialize};

/// The time that a hot list is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
pub(super) enum Period {
    #[default]
    #[serde(rename = "1h")]
    Hour,
    #[serde(rename = "24h")]
    Day,
    #[serde(rename = "7d")]
    Week,
}

impl Period {
    pub(super) fn seconds(self) -> i64 {
        match self {
            Self::Hour => HOUR,
            Self::Day => DAY,
            Self::Week => 7 * DAY - 30 * MINUTE,
        }
    }
}

/// A source's share of a topic.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct SourceShare {
    source: String,
    /// Of all posts of the topic ever counted, 0 to 1.
    share: f64,
}

/// One part of a topic's heat.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Part {
    part: &'static str,
    points: f64,
    most: f64,
    /// What it was given for, in words.
    why: String,
}

/// How hot a topic is, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Heat {
    /// The sum of the parts' points.
    pub(super) score: f64,
    seconds: i64,
    count: u64,
    expected: f64,
    negative: u64,
    negative_share: f64,
    reach: u64,
    /// Posts of the second half of the time against the first.
    growth: f64,
    sources: Vec<SourceShare>,
    parts: Vec<Part>,
}

/// A topic on the hot list.
#[derive(Debug)]
pub(super) struct Hot<'a> {
    pub(super) topic: &'a Topic,
    pub(super) heat: Heat,
}

/// The topics with posts in the time, the hottest first, at most so many.
pub(super) fn hot(trend: &Trend, period: Period, most: usize, now: Timestamp) -> Vec<Hot<'_>> {
    let topics = trend.topics().filter(|topic| topic.about.id != "all").chain(trend.pairs());
    let mut hot: Vec<Hot<'_>> = topics
        .filter_map(|topic| Some(Hot { topic, heat: heat(trend, topic, period.seconds(), now.as_second())? }))
        .collect();
    let key = |hot: &Hot<'_>| -> (f64, TopicRef) { (hot.heat.score, hot.topic.about.clone()) };
    hot.sort_by(|a, b| {
        let ((a, of_a), (b, of_b)) = (key(a), key(b));
        b.total_cmp(&a).then(of_a.id.cmp(&of_b.id))
    });
    hot.truncate(most);
    hot
}

/// How hot a topic is over the last so many seconds; none without posts.
fn heat(trend: &Trend, topic: &Topic, seconds: i64, now: i64) -> Option<Heat> {
    let cell = topic.series.window(now, seconds);
    if cell.count == 0 {
        return None;
    }
    let around = trend.around(topic);
    let seen = topic.seen(seconds, now, cell, around, now);
    let (mean, size) = (seen.expected.mean, seen.expected.size);
    let deviation = (mean + mean * mean / size).sqrt().max(0.5);
    let z = ((f64::from(cell.count) - mean) / deviation).max(0.0);
    let half = topic.series.window(now, seconds / 2);
    let growth = (f64::from(half.count) + 1.0) / (f64::from(cell.count.saturating_sub(half.count)) + 1.0);
    let share = f64::from(cell.negative) / f64::from(cell.count);
    let drawn = f64::from(cell.negative) / (f64::from(cell.count) + 3.0);
    let reach = u64::try_from(cell.reach).unwrap_or(0);
    let sources = trend.sources(topic);
    let among = sources.len() as f64;
    let part = |part, of: f64, most: f64, why| Part { part, points: rounded(of.clamp(0.0, 1.0) * most), most, why };
    let count = cell.count;
    let mut parts = vec![
        part("volume", z / (z + 6.0), 40.0, format!("{count} 条, 预期 {} 条, 高出 {z:.1} 个标准差", figure(mean))),
        part("growth", growth.log2() / 3.0, 20.0, format!("后半段是前半段的 {growth:.1} 倍")),
        part("negative", drawn, 20.0, format!("负面 {} 条, 占 {:.0}%", cell.negative, share * 100.0)),
        part("reach", (reach as f64).ln_1p() / 1e6_f64.ln(), 15.0, format!("赞评转共 {reach}")),
        part("sources", (among - 1.0) / (among + 2.0), 5.0, format!("来自 {} 个来源", sources.len())),
    ];
    if topic.rises.is_on() {
        let why = topic.rises.spike(now).map(|spike| spike.why).unwrap_or_default();
        parts.insert(0, part("rising", 1.0, 100.0, why));
    }
    let sources =
        sources.into_iter().map(|(source, share)| SourceShare { source: source.into(), share: rounded(share) });
    Some(Heat {
        score: rounded(parts.iter().map(|part| part.points).sum()),
        seconds,
        count: count.into(),
        expected: rounded(mean),
        negative: cell.negative.into(),
        negative_share: rounded(share),
        reach,
        growth: rounded(growth),
        sources: sources.collect(),
        parts,
    })
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{Town, time},
        *,
    };

    #[test]
    fn the_hottest_is_first_and_says_why() {
        let mut town = Town::new(&["roads", "water", "parks"], 0);
        town.pass(2 * 24 * 60, &["", "roads", "water"], |topic, _| if topic == "roads" { 2.0 } else { 0.02 });
        town.pass(30, &["", "roads", "water"], |topic, _| if topic == "roads" { 2.0 } else { 3.0 });
        let list = |period| {
            let hot = hot(&town.trend, period, 10, time(town.now));
            hot.iter().map(|hot| (hot.topic.about.id.clone(), hot.heat.clone())).collect::<Vec<_>>()
        };
        let hour = list(Period::Hour);
        assert_eq!(hour.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["water", "roads"]);
        let heat = &hour[0].1;
        assert!(heat.count > 50 && heat.expected < 5.0 && heat.growth > 10.0, "{heat:?}");
        assert_eq!(heat.parts[0].part, "rising");
        let sum: f64 = heat.parts.iter().map(|part| part.points).sum();
        assert!((sum - heat.score).abs() < 0.01 && heat.parts.iter().all(|part| part.points <= part.most));
        assert_eq!(heat.sources, [SourceShare { source: "forum".into(), share: 1.0 }]);
        let week = list(Period::Week);
        assert!(week[1].1.count > 5_000 && week[1].1.count > hour[1].1.count, "{week:?}");
    }
}
