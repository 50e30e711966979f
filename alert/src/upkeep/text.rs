//! What a message about sources says: what, which, since when, why, what to do; one screen of plain text, and the alerts as JSON
//! beside it. What a site said of itself has been cleaned before it was kept.

use super::{Alert, OURS, trouble::Kind};
use crate::message::Style;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// So many names stand in a message.
const NAMES: usize = 6;
/// So many alerts stand in its JSON.
const LISTED: usize = 50;

/// What is wrong, as a person reads it.
#[must_use]
pub fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Failing => "访问失败",
        Kind::Layout => "版面变化, 读不到内容",
        Kind::Login => "要求登录",
        Kind::Silent => "久无新帖, 与平日不符",
        Kind::Gap => "有漏采, 尚未补上",
        Kind::Unreported => "无人访问",
        Kind::Clock => "本机时钟有误",
        Kind::Lag => "处理落后",
        Kind::Disk => "磁盘空间不足",
        Kind::Canary => "全链路自检未通过",
    }
}

/// What whoever is told can do.
fn advice(kind: Kind, many: bool) -> &'static str {
    match (kind, many) {
        (Kind::Failing, true) => "多个信源同时失败: 先查本机网络, DNS 与出口; 再逐个打开网站",
        (Kind::Failing, false) => "用浏览器打开网站: 打不开则等其恢复或联系站方; 打得开则查本机网络与访问频率",
        (Kind::Layout, _) => "打开网站对照版面, 用 wanglou source try 核对并改选择器",
        (Kind::Login, _) => "望楼不绕过登录: 请站方提供公开页面或订阅源, 或停用该信源",
        (Kind::Silent, _) => "打开网站看是否真的无人发帖; 若有新帖, 检查所采的是否是最新列表",
        (Kind::Gap, _) => "缺口会自动回补; 若列表已翻不到, 请人工核对该时段, 并缩短访问间隔",
        (Kind::Unreported, true) => "采集服务可能已停: 查 wanglou ingest 是否在运行, 日志与磁盘",
        (Kind::Unreported, false) => "查采集服务的日志: 该信源是否仍在配置中, 访问是否卡住",
        (Kind::Lag, _) => "查日志与 /metrics: 是否有阶段停顿, 机器是否过载, 渠道是否不通",
        (Kind::Disk, _) => "清理磁盘或缩短保留期 ([log.retention], [archive]); 空间恢复后自动继续收帖",
        (Kind::Canary, _) => "新帖可能已进不来或检索不到: 按所示阶段查 ingest, analyze 的日志与 /readyz",
        (Kind::Clock, _) => "核对本机时间与 NTP 服务: 时钟不准, 发布时间与延迟都不可信",
    }
}

impl Style {
    /// Where coverage is shown.
    fn coverage_link(&self, alerts: &[Alert]) -> String {
        match alerts {
            [one] if one.source != OURS => format!("{}/coverage?source={}", self.base, encoded(&one.source)),
            _ => format!("{}/coverage", self.base),
        }
    }

    fn local(&self, at: Timestamp, format: &str) -> String {
        at.to_zoned_datetime(self.tz.clone()).strftime(format).to_string()
    }

    /// The message that tells of alerts; `sources` is how many there are in all.
    #[must_use]
    pub fn alert_text(&self, kind: Kind, alerts: &[Alert], sources: usize, now: Timestamp) -> String {
        let since = alerts.iter().map(|alert| alert.since).min().unwrap_or(now);
        let mut lines = vec![format!("【信源告警】{}", headline(kind, alerts, sources))];
        lines.push(format!("自: {} (已 {})", self.local(since, "%Y-%m-%d %H:%M"), lasting(now.duration_since(since))));
        if let Some(reason) = self.reason(kind, alerts) {
            lines.push(format!("原因: {reason}"));
        }
        lines.push(format!("处理: {}", advice(kind, alerts.len() > 1)));
        lines.push(self.coverage_link(alerts));
        lines.join("\n")
    }

    /// The message about Wanglou itself, when something begins or is over.
    #[must_use]
    pub fn ours_text(&self, headline: &str, alerts: &[Alert], now: Timestamp) -> String {
        let mut lines = Vec::new();
        for alert in alerts {
            lines.push(format!("【{headline}】望楼 {}", kind_name(alert.kind)));
            let since = self.local(alert.since, "%Y-%m-%d %H:%M");
            let lasted = lasting(now.duration_since(alert.since));
            if let Some(over) = alert.resolved_at {
                lines.push(format!("自 {since} 至 {}, 共 {lasted}", self.local(over, "%Y-%m-%d %H:%M")));
            } else {
                lines.push(format!("自: {since} (已 {lasted})"));
                lines.push(format!("原因: {}", alert.reason));
                lines.push(format!("处理: {}", advice(alert.kind, false)));
            }
        }
        lines.push(self.coverage_link(alerts));
        lines.join("\n")
    }

    /// The message that says that all of it is over.
    #[must_use]
    pub fn over_text(&self, kind: Kind, alerts: &[Alert], sources: usize, now: Timestamp) -> String {
        let since = alerts.iter().map(|alert| alert.since).min().unwrap_or(now);
        let lines = [
            format!("【信源恢复】{}", headline(kind, alerts, sources)),
            format!(
                "自 {} 至 {}, 共 {}",
                self.local(since, "%Y-%m-%d %H:%M"),
                self.local(now, "%Y-%m-%d %H:%M"),
                lasting(now.duration_since(since))
            ),
            self.coverage_link(alerts),
        ];
        lines.join("\n")
    }

    /// The first reason that there is.
    fn reason(&self, kind: Kind, alerts: &[Alert]) -> Option<String> {
        let reason = alerts.iter().map(|alert| alert.reason.as_str()).find(|reason| !reason.is_empty())?;
        Some(match (kind, reason.parse::<Timestamp>()) {
            (Kind::Silent, Ok(since)) => format!("最近一条新帖在 {}", self.local(since, "%Y-%m-%d %H:%M")),
            (Kind::Clock, _) => match reason.split_once(" / ") {
                Some((offset, sites)) => format!("{sites} 个网站的时间与本机相差 {offset}"),
                None => reason.to_owned(),
            },
            _ => reason.to_owned(),
        })
    }

    /// The body that a webhook gets.
    #[must_use]
    pub fn alert_body(&self, key: &str, reason: &str, kind: Kind, alerts: &[Alert], text: &str) -> String {
        json!({
            "key": key,
            "reason": reason,
            "kind": kind,
            "sources": alerts.len(),
            "alerts": alerts.iter().take(LISTED).collect::<Vec<_>>(),
            "text": text,
            "link": self.coverage_link(alerts),
        })
        .to_string()
    }
}

fn headline(kind: Kind, alerts: &[Alert], sources: usize) -> String {
    match alerts {
        [one] if one.source == OURS => kind_name(kind).to_owned(),
        [one] => format!("{} {}", one.name, kind_name(kind)),
        many => {
            let names: Vec<&str> = many.iter().take(NAMES).map(|alert| alert.name.as_str()).collect();
            let more = if many.len() > NAMES { " 等" } else { "" };
            format!("{} / {sources} 个信源{}: {}{more}", many.len(), kind_name(kind), names.join(", "))
        }
    }
}

/// `12 分钟`, `3 小时 5 分钟`.
fn lasting(duration: SignedDuration) -> String {
    let minutes = duration.as_mins().max(0);
    match (minutes / (24 * 60), minutes / 60 % 24, minutes % 60) {
        (0, 0, 0) => format!("{} 秒", duration.as_secs().max(0)),
        (0, 0, minutes) => format!("{minutes} 分钟"),
        (0, hours, minutes) => format!("{hours} 小时 {minutes} 分钟"),
        (days, hours, _) => format!("{days} 天 {hours} 小时"),
    }
}

/// An id within an address. Ids may be Chinese.
fn encoded(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::moment;
    use jiff::tz::TimeZone;

    fn style() -> Style {
        Style { base: "https://wanglou.example".into(), tz: TimeZone::get("Asia/Shanghai").unwrap() }
    }

    fn alert(kind: Kind, source: &str, name: &str, reason: &str) -> Alert {
        Alert {
            id: "a".into(),
            group: "a".into(),
            kind,
            source: source.into(),
            name: name.into(),
            since: moment(),
            alerted_at: moment(),
            resolved_at: None,
            reason: reason.into(),
        }
    }

    #[test]
    fn one_source_is_told_of_in_one_screen() {
        let now = moment() + SignedDuration::from_mins(10);
        let alerts = [alert(Kind::Failing, "论坛", "锦水论坛", "HTTP 503")];
        insta::assert_snapshot!(style().alert_text(Kind::Failing, &alerts, 12, now), @"
        【信源告警】锦水论坛 访问失败
        自: 2026-11-24 11:04 (已 10 分钟)
        原因: HTTP 503
        处理: 用浏览器打开网站: 打不开则等其恢复或联系站方; 打得开则查本机网络与访问频率
        https://wanglou.example/coverage?source=%E8%AE%BA%E5%9D%9B
        ");
        insta::assert_snapshot!(style().over_text(Kind::Failing, &alerts, 12, now + SignedDuration::from_hours(30)), @"
        【信源恢复】锦水论坛 访问失败
        自 2026-11-24 11:04 至 2026-11-25 17:14, 共 1 天 6 小时
        https://wanglou.example/coverage?source=%E8%AE%BA%E5%9D%9B
        ");
    }

    #[test]
    fn many_sources_are_told_of_in_one_screen_too() {
        let alerts: Vec<Alert> =
            (0..200).map(|number| alert(Kind::Unreported, &number.to_string(), &format!("源{number}"), "")).collect();
        insta::assert_snapshot!(style().alert_text(Kind::Unreported, &alerts, 210, moment() + SignedDuration::from_secs(42)), @"
        【信源告警】200 / 210 个信源无人访问: 源0, 源1, 源2, 源3, 源4, 源5 等
        自: 2026-11-24 11:04 (已 42 秒)
        处理: 采集服务可能已停: 查 wanglou ingest 是否在运行, 日志与磁盘
        https://wanglou.example/coverage
        ");
        let body = style().alert_body("k", "source_alert", Kind::Unreported, &alerts, "t");
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((body["sources"].as_u64(), body["alerts"].as_array().unwrap().len()), (Some(200), LISTED));
    }

    #[test]
    fn silence_and_clocks_say_what_was_seen() {
        let silent = [alert(Kind::Silent, "forum", "锦水论坛", &moment().to_string())];
        assert!(style().alert_text(Kind::Silent, &silent, 3, moment()).contains("最近一条新帖在 2026-11-24 11:04"));
        let clock = [alert(Kind::Clock, OURS, OURS, "+95.0 s / 4")];
        let text = style().alert_text(Kind::Clock, &clock, 3, moment());
        assert!(
            text.starts_with("【信源告警】本机时钟有误\n") && text.contains("4 个网站的时间与本机相差 +95.0 s"),
            "{text}"
        );
    }
}
