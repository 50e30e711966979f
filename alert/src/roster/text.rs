//! What a message about the roster says: what, when, who, what to do; one screen of plain text. Names and reasons were written by
//! people, and are cleaned like whatever else is.

use super::{
    Change,
    change::{self, Slot},
    findings::{Finding, Kind},
    handover::{Missing, PATIENCE, Pending},
};
use crate::{
    message::{Style, clean},
    outbox::Reason,
};
use jiff::Timestamp;
use schemas::kit::settings::Duty;
use serde_json::json;

/// What has become of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// A swap waits for somebody's word.
    Proposed,
    /// It stands.
    Made,
    /// A swap was agreed to.
    Agreed,
    /// It is withdrawn.
    Withdrawn,
}

impl Step {
    /// The word in the key and on the audit record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Made => "made",
            Self::Agreed => "agreed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// What people call a roster.
#[must_use]
pub fn name(duty: &Duty) -> &str {
    if duty.name.is_empty() { &duty.id } else { &duty.name }
}

impl Style {
    fn span(&self, from: Timestamp, to: Timestamp) -> String {
        let local = |at: Timestamp| at.to_zoned_datetime(self.tz.clone());
        let (from, to) = (local(from), local(to));
        let end = if from.date() == to.date() { "%H:%M" } else { "%m-%d %H:%M" };
        format!("{} 至 {}", from.strftime("%Y-%m-%d %H:%M"), to.strftime(end))
    }

    /// The message that tells of a finding.
    #[must_use]
    pub fn finding_text(&self, duty: &Duty, finding: &Finding) -> String {
        let name = name(duty);
        let person = clean(finding.person.as_deref().unwrap_or_default(), 64);
        let (what, advice) = match finding.kind {
            Kind::Gap => ("有时段无人可通知".to_owned(), "在配置中补上班次, 或给值班表加渠道; 或安排加班"),
            Kind::Double => match &finding.other {
                Some(other) => (format!("{person} 同时在 {other} 值班"), "其中一班换人: 顶班或换班"),
                None => (format!("{person} 同时有两班"), "其中一班换人: 顶班或换班"),
            },
            Kind::Unreachable => {
                (format!("{person} 无法通知到"), "在配置中给此人加 [[person]] 与渠道, 或给班次加渠道; 或换人")
            }
            Kind::Stale => (
                format!("变更 #{} 已无所指: {person} 在该时段不值班", numbers(finding)),
                "撤回该变更, 或按现在的班次重新安排",
            ),
            Kind::Overlap => {
                (format!("变更 #{} 重叠, 以后一项为准: 代 {person}", numbers(finding)), "撤回不要的那一项")
            }
        };
        let often =
            if finding.times > 1 { format!(" (14 天内 {} 次, 此为首次)", finding.times) } else { String::new() };
        let lines = [
            format!("【值班表】{name}: {what}"),
            format!("时间: {}{often}", self.span(finding.from, finding.to)),
            format!("处理: {advice}"),
            self.roster_link(),
        ];
        lines.join("\n")
    }

    /// The message that tells of a change.
    #[must_use]
    pub fn change_text(&self, duty: &Duty, change: &Change, step: Step) -> String {
        let of = |person: &str| clean(person, 64);
        let kind = match change.kind {
            change::Kind::Override => "顶班",
            change::Kind::Extra => "加班",
            change::Kind::Swap => "换班",
        };
        let (word, by) = match step {
            Step::Proposed => ("待同意", &change.by),
            Step::Made => ("", &change.by),
            Step::Agreed => ("已同意", change.agreed_by.as_ref().unwrap_or(&change.by)),
            Step::Withdrawn => ("已撤回", change.withdrawn_by.as_ref().unwrap_or(&change.by)),
        };
        let mut lines = vec![match (&change.instead_of, &change.with) {
            (Some(other), _) => {
                format!("【值班表】{}: {kind}{word}, {} 代 {}", name(duty), of(&change.person), of(other))
            }
            (None, Some(with)) => {
                format!("【值班表】{}: {kind}{word}, {} 与 {}", name(duty), of(&change.person), of(&with.person))
            }
            (None, None) => format!("【值班表】{}: {kind}{word}, {}", name(duty), of(&change.person)),
        }];
        match &change.with {
            None => lines.push(format!("时间: {}", self.span(change.from, change.to))),
            Some(Slot { from, to, person }) => {
                lines.push(format!("{} 的班: {}", of(&change.person), self.span(change.from, change.to)));
                lines.push(format!("{} 的班: {}", of(person), self.span(*from, *to)));
            }
        }
        let why = if change.why.is_empty() { String::new() } else { format!(", 缘由: {}", clean(&change.why, 400)) };
        lines.push(format!("由: {}{why}", of(by)));
        if step == Step::Proposed {
            lines.push("处理: 在值班表页面同意或撤回; 未同意前按原班次".into());
        }
        lines.push(self.roster_link());
        lines.join("\n")
    }

    /// The message that tells that somebody has not taken over.
    #[must_use]
    pub fn pending_text(&self, duty: &Duty, pending: &Pending) -> String {
        let person = clean(&pending.person, 64);
        let minutes = PATIENCE.as_mins();
        let (what, advice) = match pending.state {
            Missing::Unconfirmed => (
                format!("{person} 接班 {minutes} 分钟仍未确认"),
                "打电话核实此人是否在岗; 在值班表页面确认接班, 或安排顶班",
            ),
            Missing::Unwritten => {
                (format!("{person} 接班 {minutes} 分钟仍无交班记录"), "请上一班在值班表页面补写交班, 接班人确认")
            }
        };
        let since = pending.from.to_zoned_datetime(self.tz.clone()).strftime("%Y-%m-%d %H:%M").to_string();
        let lines = [
            format!("【值班表】{}: {what}", name(duty)),
            format!("接班时间: {since}"),
            format!("处理: {advice}"),
            self.roster_link(),
        ];
        lines.join("\n")
    }

    fn roster_link(&self) -> String {
        format!("{}/roster", self.base)
    }

    /// The body that a webhook gets.
    #[must_use]
    pub fn roster_body(&self, key: &str, duty: &Duty, text: &str) -> String {
        let reason = Reason::Roster.as_str();
        json!({ "key": key, "reason": reason, "roster": duty.id, "text": text, "link": self.roster_link() }).to_string()
    }
}

fn numbers(finding: &Finding) -> String {
    finding.changes.iter().map(i64::to_string).collect::<Vec<_>>().join(", #")
}
