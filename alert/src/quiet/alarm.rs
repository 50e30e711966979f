//! Wanglou itself: which of its stages lag, and whether its disk is short.
//!
//! | what is measured | kind | found when |
//! |---|---|---|
//! | records that wait to be read by a stage of this process | lag | at least `behind` |
//! | how long the oldest page has waited | lag | at least `page` |
//! | a stage's own readiness | lag | it says that it is not ready |
//! | room on the disk of `data_dir` | disk | no more than the reserve, or posts are not taken for want of it |
//!
//! | alert of the kind | found | outcome |
//! |---|---|---|
//! | none open | for less than `after` | nothing |
//! | none open | for `after` | it opens, and is told |
//! | open | still, or again | nothing |
//! | open | not for `after` | it is over, and that is told |
//!
//! How long something has lasted is known to the process alone: after a restart it must last as long again. What is open is in the records.

use crate::upkeep::trouble::Kind;
use jiff::{SignedDuration, Timestamp};
use schemas::kit::settings;
use std::collections::{BTreeMap, BTreeSet};

/// The kinds that are judged here.
pub const KINDS: [Kind; 2] = [Kind::Lag, Kind::Disk];

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    behind: u64,
    page: SignedDuration,
    after: SignedDuration,
}

impl Rules {
    /// The rules of a config.
    #[must_use]
    pub fn of(settings: &settings::Alarm) -> Self {
        let time = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        Self { behind: settings.behind, page: time(settings.page), after: time(settings.after) }
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sample {
    /// Records that wait to be read, by topic.
    pub behind: Vec<(String, u64)>,
    /// How long the oldest page has waited.
    pub page: SignedDuration,
    /// Stages that are not ready, and why.
    pub unready: Vec<(String, String)>,
    /// Bytes free on the disk and bytes in reserve, where they were measured.
    pub disk: Option<(u64, u64)>,
    /// Whether posts are not taken for want of room.
    pub stopped: bool,
}

impl Sample {
    /// What is found, by the module's first table.
    #[must_use]
    pub fn findings(&self, rules: Rules) -> BTreeMap<Kind, String> {
        let mut lags = Vec::new();
        for (topic, behind) in &self.behind {
            if rules.behind > 0 && *behind >= rules.behind {
                lags.push(format!("{topic} 有 {behind} 条待读"));
            }
        }
        if !rules.page.is_zero() && self.page >= rules.page {
            lags.push(format!("最早的待发通知已等 {} 分钟", self.page.as_mins()));
        }
        lags.extend(self.unready.iter().map(|(stage, why)| format!("{stage} 未就绪: {why}")));
        let mut found = BTreeMap::new();
        if !lags.is_empty() {
            found.insert(Kind::Lag, lags.join("; "));
        }
        let short = self.disk.filter(|(free, reserve)| free <= reserve);
        if let Some((free, reserve)) = short {
            found.insert(Kind::Disk, format!("剩余 {} MiB, 预留 {} MiB", free >> 20, reserve >> 20));
        } else if self.stopped {
            found.insert(Kind::Disk, "磁盘已满或只读, 已停止收帖".to_owned());
        }
        found
    }
}

/// How long what is found has lasted.
#[derive(Debug, Clone, Default)]
pub struct Watch {
    bad: BTreeMap<Kind, Timestamp>,
    well: BTreeMap<Kind, Timestamp>,
}

/// What begins and what is over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// What begins: since when, and why.
    pub begins: Vec<(Kind, Timestamp, String)>,
    /// What is over.
    pub over: Vec<Kind>,
}

impl Watch {
    /// Judges, by the module's second table; `open` are the kinds of which an alert is open.
    pub fn judge(
        &mut self,
        rules: Rules,
        found: &BTreeMap<Kind, String>,
        open: &BTreeSet<Kind>,
        now: Timestamp,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        for kind in KINDS {
            let (here, gone) = (found.get(&kind), open.contains(&kind));
            let lasted = |since: Timestamp| now.duration_since(since) >= rules.after;
            if let Some(why) = here {
                self.well.remove(&kind);
                // A clock that went back must not make it last for ever.
                let since = *self.bad.entry(kind).and_modify(|since| *since = (*since).min(now)).or_insert(now);
                if !gone && lasted(since) {
                    verdict.begins.push((kind, since, why.clone()));
                }
            } else {
                self.bad.remove(&kind);
                let since = *self.well.entry(kind).and_modify(|since| *since = (*since).min(now)).or_insert(now);
                if gone && lasted(since) {
                    verdict.over.push(kind);
                }
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules =
        Rules { behind: 100, page: SignedDuration::from_mins(10), after: SignedDuration::from_mins(3) };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    /// The module's first table, a row each.
    #[test]
    fn what_is_found() {
        let found = |sample: Sample| sample.findings(RULES).into_iter().collect::<Vec<_>>();
        assert_eq!(found(Sample::default()), []);
        assert_eq!(found(Sample { behind: vec![("posts.raw".into(), 99)], ..Sample::default() }), []);
        let lag = found(Sample { behind: vec![("posts.raw".into(), 100)], ..Sample::default() });
        assert_eq!(lag, [(Kind::Lag, "posts.raw 有 100 条待读".to_owned())]);
        assert_eq!(found(Sample { page: SignedDuration::from_mins(9), ..Sample::default() }), []);
        assert_eq!(found(Sample { page: SignedDuration::from_mins(10), ..Sample::default() })[0].0, Kind::Lag);
        let unready = found(Sample { unready: vec![("analyze".into(), "no archive".into())], ..Sample::default() });
        assert_eq!(unready, [(Kind::Lag, "analyze 未就绪: no archive".to_owned())]);
        assert_eq!(found(Sample { disk: Some((2 << 20, 1 << 20)), ..Sample::default() }), []);
        let short = found(Sample { disk: Some((1 << 20, 1 << 20)), ..Sample::default() });
        assert_eq!(short, [(Kind::Disk, "剩余 1 MiB, 预留 1 MiB".to_owned())]);
        assert_eq!(found(Sample { stopped: true, ..Sample::default() })[0].0, Kind::Disk);
    }

    /// The module's second table, a row each.
    #[test]
    fn when_it_is_told() {
        let (mut watch, none, lag) = (Watch::default(), BTreeMap::new(), BTreeMap::from([(Kind::Lag, "x".to_owned())]));
        let (closed, open) = (BTreeSet::new(), BTreeSet::from([Kind::Lag]));
        let mut judge = |found: &BTreeMap<Kind, String>, open: &BTreeSet<Kind>, second| {
            let verdict = watch.judge(RULES, found, open, at(second));
            (verdict.begins.len(), verdict.over.len())
        };
        assert_eq!(judge(&lag, &closed, 0), (0, 0));
        assert_eq!(judge(&lag, &closed, 179), (0, 0));
        assert_eq!(judge(&none, &closed, 179), (0, 0), "a blip");
        assert_eq!(judge(&lag, &closed, 180), (0, 0));
        assert_eq!(judge(&lag, &closed, 360), (1, 0));
        assert_eq!(judge(&lag, &open, 400), (0, 0));
        assert_eq!(judge(&none, &open, 500), (0, 0));
        assert_eq!(judge(&lag, &open, 600), (0, 0), "it was not over");
        assert_eq!(judge(&none, &open, 700), (0, 0));
        assert_eq!(judge(&none, &open, 880), (0, 1));
    }
}
