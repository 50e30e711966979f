//! The daily message: that all is well (平安), or what is not.
//!
//! | time of day | sent today | outcome |
//! |---|---|---|
//! | before the time that the config names | | nothing |
//! | at that time, or up to four hours after it (the process was down) | no | sent |
//! | the same | yes | nothing |
//! | later | | nothing until tomorrow |
//!
//! It says 平安 when nothing is unsigned, no deadline is over, no source is dark, each canary has come out, and each page was taken.

use super::storm::by_level;
use crate::message::Style;
use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use schemas::records::{Incident, State};

/// So long after its time it is still sent.
const WITHIN: SignedDuration = SignedDuration::from_hours(4);

/// The date for which it is due now, by the module's table, if it is.
#[must_use]
pub fn due(daily: Option<Time>, tz: &TimeZone, now: Timestamp) -> Option<String> {
    let date = tz.to_datetime(now).date();
    let at = tz.to_timestamp(date.to_datetime(daily?)).ok()?;
    let late = now.duration_since(at);
    (!late.is_negative() && late < WITHIN).then(|| date.to_string())
}

/// What it tells of.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Report {
    /// Incidents that were opened since yesterday.
    pub opened: Vec<Incident>,
    /// Incidents that are open now.
    pub open: Vec<Incident>,
    /// Alerts about sources, and about Wanglou itself, that are open.
    pub dark: i64,
    /// Sources that are covered now, and sources in all; none where ingest does not answer.
    pub covered: Option<(u64, u64)>,
    /// Canaries that came out, and that did not; none where there are none.
    pub canaries: Option<(u64, u64)>,
    /// Pages that were sent, and that were given up, since yesterday.
    pub pages: (i64, i64),
}

impl Report {
    fn unsigned(&self) -> impl Iterator<Item = &Incident> {
        self.open.iter().filter(|incident| incident.state == State::New)
    }

    fn overdue(&self) -> usize {
        let clocks = self.open.iter().flat_map(|incident| &incident.clocks);
        clocks.filter(|clock| clock.expired && clock.stopped_at.is_none()).count()
    }

    /// Whether all is well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.unsigned().count() == 0
            && self.overdue() == 0
            && self.dark == 0
            && self.covered.is_some()
            && self.canaries.is_none_or(|(_, failed)| failed == 0)
            && self.pages.1 == 0
    }
}

impl Style {
    /// The message.
    #[must_use]
    pub fn daily_body(&self, key: &str, reason: &str, report: &Report, now: Timestamp) -> String {
        let time = self.tz.to_datetime(now).strftime("%m-%d %H:%M").to_string();
        let how = if report.is_well() { "平安" } else { "有事项待处理" };
        let covered = match report.covered {
            Some((_, 0)) => "无采集信源".to_owned(),
            Some((covered, all)) => format!("{covered} / {all} ({}%)", covered * 100 / all),
            None => "采集服务 (ingest) 无应答".to_owned(),
        };
        let mut lines = vec![
            format!("【每日报平安】{time} {how}"),
            format!("24 小时新增: {}", by_level(report.opened.iter().map(|incident| incident.level))),
            format!("未签收: {}; 时限已逾期: {}", report.unsigned().count(), report.overdue()),
            format!("信源覆盖: {covered}; 未恢复的告警: {}", report.dark),
        ];
        if let Some((ok, failed)) = report.canaries {
            lines.push(format!("全链路自检: 成功 {ok}, 失败 {failed}"));
        }
        lines.push(format!("通知: 送达 {}, 未送达 {}", report.pages.0, report.pages.1));
        self.told_body(key, reason, lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::file;

    /// The module's table, a row each.
    #[test]
    fn when_it_is_due() {
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        let due = |time: &str, now: &str| super::due(Some(time.parse().unwrap()), &tz, now.parse().unwrap());
        assert_eq!(due("08:00", "2026-11-24T23:59:59Z"), None);
        assert_eq!(due("08:00", "2026-11-25T00:00:00Z").as_deref(), Some("2026-11-25"));
        assert_eq!(due("08:00", "2026-11-25T03:59:59Z").as_deref(), Some("2026-11-25"));
        assert_eq!(due("08:00", "2026-11-25T04:00:00Z"), None);
        assert_eq!(super::due(None, &tz, Timestamp::UNIX_EPOCH), None);
    }

    #[test]
    fn it_says_that_all_is_well_only_when_it_is() {
        let style = Style { base: "https://w.example".into(), tz: TimeZone::get("Asia/Shanghai").unwrap() };
        let well = Report { covered: Some((9, 10)), canaries: Some((288, 0)), pages: (4, 0), ..Report::default() };
        let text = |report: &Report| style.daily_body("k", "daily", report, "2026-11-25T00:00:00Z".parse().unwrap());
        let said = text(&well);
        for words in ["【每日报平安】11-25 08:00 平安", "红 0, 橙 0, 黄 0, 蓝 0", "9 / 10 (90%)", "成功 288", "送达 4"]
        {
            assert!(said.contains(words), "{words}: {said}");
        }
        let unsigned = Report { open: vec![file("water").incident], ..well.clone() };
        for (report, words) in [
            (unsigned, "未签收: 1"),
            (Report { dark: 1, ..well.clone() }, "未恢复的告警: 1"),
            (Report { covered: None, ..well.clone() }, "无应答"),
            (Report { canaries: Some((0, 1)), ..well.clone() }, "失败 1"),
            (Report { pages: (0, 1), ..well.clone() }, "未送达 1"),
        ] {
            let said = text(&report);
            assert!(said.contains("有事项待处理") && said.contains(words), "{words}: {said}");
        }
        assert!(Report { canaries: None, ..well }.is_well());
    }
}
