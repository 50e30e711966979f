//! "Why was I not paged?": of an incident or a topic, by a moment, from what is on record.
//!
//! | what is on record by then | reason |
//! |---|---|
//! | the topic had no incident | `no_incident`, and no other: trend says why |
//! | the topic's last incident was closed, or found to be a false alarm, and not opened again | `closed`, and no other |
//! | the incident was opened later | `not_yet`, and no other |
//! | it was merged into another | `merged`: that one pages |
//! | it rose again after a person had found that it is none | `false_alarm` |
//! | it was signed before anything more | `signed`: nobody is paged for want of a signature any more |
//! | the person that is asked about is not in the config | `unknown_person` |
//! | … was not on duty when it opened | `not_on_duty`, and who was |
//! | a silence kept a page back | `silenced`, each |
//! | nobody of the roster could be reached | `roster_gap` |
//! | a page to an asked channel was taken | `sent`; in a digest `digest` |
//! | … went over to another channel | `passed_over` |
//! | … was given up | `failed`, with the last error |
//! | … was tried and not taken yet | `trying`, with the last error |
//! | … was not tried yet: there was no room in the quota, or it was just written down | `waiting` |
//! | no page was written to any asked channel | `not_addressed`, and to which they were |

use crate::outbox::Reason;
use jiff::{Timestamp, tz::TimeZone};
use schemas::records::{Delivery, DeliveryState, Event, Incident};
use serde::Serialize;
use std::collections::BTreeSet;

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Because {
    /// A word that programs compare.
    pub code: &'static str,
    /// When that was.
    pub at: Option<Timestamp>,
    /// What a person reads.
    pub text: String,
}

/// Whom is asked about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// Channels; all of them where there is none.
    pub channels: Vec<String>,
    /// The person, whether the config knows them, and who was on duty when the incident opened.
    pub person: Option<(String, bool, Vec<String>)>,
}

/// What is on record.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Its history.
    pub history: &'a [Event],
    /// Its pages.
    pub deliveries: &'a [Delivery],
}

/// What is said of a topic that had no incident by then.
#[must_use]
pub fn no_incident() -> Because {
    let text = "此刻该话题没有事件, 也就没有通知; 为何没有事件, 见话题的判断".to_owned();
    Because { code: "no_incident", at: None, text }
}

/// What is said of a topic whose last incident was over by then; `None` where it was open, so that its pages are the answer.
#[must_use]
pub fn closed(incident: &Incident, history: &[Event], tz: &TimeZone, at: Timestamp) -> Option<Because> {
    let is_turn = |event: &&Event| matches!(event.action.as_str(), "closed" | "false_alarm" | "reopened");
    let turn = history.iter().rev().find(|event| event.at <= at && is_turn(event))?;
    let how = match turn.action.as_str() {
        "closed" => "办结",
        "false_alarm" => "判为误报",
        _ => return None,
    };
    let time = tz.to_datetime(turn.at).strftime("%m-%d %H:%M:%S");
    let text = format!("该话题最近的事件 {} 已于 {time} {how}, 此后没有新的事件; 为何没有, 见话题的判断", incident.id);
    Some(Because { code: "closed", at: Some(turn.at), text })
}

/// Whether a page was taken by then, and the reasons in order, by the module's table.
#[must_use]
pub fn why(known: Known<'_>, asked: &Asked, tz: &TimeZone, at: Timestamp) -> (bool, Vec<Because>) {
    let time = |at: Timestamp| tz.to_datetime(at).strftime("%m-%d %H:%M:%S").to_string();
    let because = |code, at, text: String| Because { code, at, text };
    let incident = known.incident;
    if incident.opened_at > at {
        let text = format!("此刻尚无此事件: 它于 {} 才发生", time(incident.opened_at));
        return (false, vec![because("not_yet", Some(incident.opened_at), text)]);
    }
    let mut reasons = Vec::new();
    for event in known.history.iter().filter(|event| event.at <= at) {
        let code = match event.action.as_str() {
            "merged" if incident.merged_into.is_some() => "merged",
            "false_again" => "false_alarm",
            "acked" => "signed",
            "page_silenced" => "silenced",
            "roster_gap" => "roster_gap",
            _ => continue,
        };
        let text = match code {
            "signed" => format!("{} 已于 {} 签收, 此后不再催签", event.who, time(event.at)),
            _ => event.text.clone(),
        };
        reasons.push(because(code, Some(event.at), text));
    }
    if let Some((person, is_known, on_duty)) = &asked.person {
        if !is_known && !on_duty.contains(person) {
            reasons.push(because("unknown_person", None, format!("配置与值班表中没有 {person}, 或没有其联系渠道")));
        } else if !on_duty.contains(person) {
            let who = if on_duty.is_empty() { "无人".to_owned() } else { on_duty.join(", ") };
            let text = format!("事件发生时 {person} 不在班; 在班: {who}");
            reasons.push(because("not_on_duty", Some(incident.opened_at), text));
        }
    }
    let is_asked =
        |channel: &String| (asked.channels.is_empty() && asked.person.is_none()) || asked.channels.contains(channel);
    let written: Vec<&Delivery> = known.deliveries.iter().filter(|page| page.created_at <= at).collect();
    let mut paged = false;
    let mut addressed = false;
    for page in written.iter().filter(|page| is_asked(&page.channel)) {
        addressed = true;
        let what = format!("{} ({})", page.channel, Reason::name_of(&page.reason));
        let error = page.last_error.as_deref().unwrap_or("原因不明");
        let sent = page.sent_at.filter(|sent| *sent <= at);
        let (code, when, text) = match (page.state, sent) {
            (DeliveryState::Sent, Some(sent)) => {
                paged = true;
                match &page.digest {
                    Some(digest) => ("digest", sent, format!("{what} 于 {} 合并送达, 见 {digest}", time(sent))),
                    None => ("sent", sent, format!("{what} 于 {} 送达", time(sent))),
                }
            }
            (DeliveryState::Failed, _) => match &page.then {
                Some(then) => ("passed_over", page.created_at, format!("{what} 未能送达: {error}; 改由 {then} 发送")),
                None => ("failed", page.created_at, format!("{what} 未能送达: {error}")),
            },
            (DeliveryState::Pending, _) if page.attempts > 0 => {
                ("trying", page.created_at, format!("{what} 已试 {} 次未成: {error}", page.attempts))
            }
            _ => ("waiting", page.created_at, format!("{what} 于 {} 写入, 当时尚未发出", time(page.created_at))),
        };
        reasons.push(because(code, Some(when), text));
    }
    if !addressed {
        let to: BTreeSet<&str> = written.iter().map(|page| page.channel.as_str()).collect();
        let to = if to.is_empty() { "无".to_owned() } else { to.into_iter().collect::<Vec<_>>().join(", ") };
        let text = format!("到此刻为止没有发往所问渠道的通知; 已写入通知的渠道: {to}");
        reasons.push(because("not_addressed", None, text));
    }
    (paged, reasons)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::file;

    fn at(second: i64) -> Timestamp {
        file("water").incident.opened_at + jiff::SignedDuration::from_secs(second)
    }

    fn page(channel: &str, state: DeliveryState) -> Delivery {
        Delivery {
            key: format!("k/{channel}"),
            channel: channel.into(),
            reason: "opened".into(),
            state,
            attempts: 0,
            last_error: None,
            digest: None,
            then: None,
            created_at: at(0),
            sent_at: (state == DeliveryState::Sent).then(|| at(10)),
        }
    }

    fn event(action: &str, second: i64) -> Event {
        Event { seq: 1, at: at(second), who: "王敏".into(), action: action.into(), text: format!("原文 {action}") }
    }

    fn asked(channel: &str) -> Asked {
        Asked { channels: vec![channel.into()], person: None }
    }

    /// The first rows of the module's table.
    #[test]
    fn a_topic_without_an_open_incident_says_so() {
        let incident = file("water").incident;
        let code = |history: &[Event], second| {
            closed(&incident, history, &TimeZone::UTC, at(second)).map(|because| (because.code, because.at))
        };
        assert_eq!(code(&[event("acked", 1)], 9), None, "it is open: its pages are the answer");
        for ending in ["closed", "false_alarm"] {
            let history = [event("acked", 1), event(ending, 5), event("noted", 6), event("reopened", 8)];
            assert_eq!(code(&history, 4), None, "not yet");
            assert_eq!(code(&history, 7), Some(("closed", Some(at(5)))), "{ending}");
            assert_eq!(code(&history, 8), None, "it was opened again");
        }
    }

    /// The module's table, a row each.
    #[test]
    fn every_reason_is_said() {
        let mut incident = file("water").incident;
        incident.merged_into = Some("20261124-0009".into());
        let failed = Delivery { last_error: Some("HTTP 404".into()), ..page("desk", DeliveryState::Failed) };
        let look = |history: &[Event], deliveries: &[Delivery], asked: &Asked, second: i64| {
            let known = Known { incident: &incident, history, deliveries };
            let (paged, reasons) = why(known, asked, &TimeZone::UTC, at(second));
            (paged, reasons.iter().map(|reason| reason.code).collect::<Vec<_>>(), reasons)
        };
        let desk = asked("desk");
        let codes = |history: &[Event], deliveries: &[Delivery], second| {
            let (paged, codes, _) = look(history, deliveries, &desk, second);
            (paged, codes)
        };
        let sent = page("desk", DeliveryState::Sent);
        assert_eq!(codes(&[], &[], -1), (false, vec!["not_yet"]));
        for (action, code) in [
            ("merged", "merged"),
            ("false_again", "false_alarm"),
            ("acked", "signed"),
            ("page_silenced", "silenced"),
            ("roster_gap", "roster_gap"),
        ] {
            assert_eq!(codes(&[event(action, 5)], &[], 9), (false, vec![code, "not_addressed"]), "{action}");
            assert_eq!(codes(&[event(action, 10)], &[], 9), (false, vec!["not_addressed"]), "{action} came later");
        }
        assert_eq!(codes(&[], std::slice::from_ref(&sent), 10), (true, vec!["sent"]));
        assert_eq!(
            codes(&[], std::slice::from_ref(&sent), 9),
            (false, vec!["waiting"]),
            "by then it was not taken yet"
        );
        let merged = Delivery { digest: Some("digest/k".into()), ..sent.clone() };
        assert_eq!(codes(&[], &[merged], 10), (true, vec!["digest"]));
        assert_eq!(codes(&[], std::slice::from_ref(&failed), 10), (false, vec!["failed"]));
        let over = Delivery { then: Some("phone".into()), ..failed.clone() };
        assert_eq!(codes(&[], &[over], 10), (false, vec!["passed_over"]));
        let tried = Delivery { attempts: 3, ..page("desk", DeliveryState::Pending) };
        assert_eq!(codes(&[], &[tried], 10), (false, vec!["trying"]));
        assert_eq!(codes(&[], &[page("desk", DeliveryState::Pending)], 10), (false, vec!["waiting"]));
        let (_, of_another, reasons) = look(&[], &[page("phone", DeliveryState::Sent)], &desk, 10);
        assert_eq!(of_another, ["not_addressed"]);
        assert!(reasons[0].text.ends_with("phone"), "{reasons:?}");
        let who = |is_known, on_duty: &[&str]| Asked {
            channels: vec!["desk".into()],
            person: Some(("李雷".into(), is_known, on_duty.iter().map(|name| (*name).to_owned()).collect())),
        };
        assert_eq!(look(&[], &[], &who(false, &[]), 9).1, ["unknown_person", "not_addressed"]);
        let (_, codes, reasons) = look(&[], &[], &who(true, &["王敏"]), 9);
        assert_eq!(codes, ["not_on_duty", "not_addressed"]);
        assert!(reasons[0].text.contains("在班: 王敏"), "{reasons:?}");
        assert_eq!(look(&[], &[sent], &who(true, &["李雷"]), 10).1, ["sent"]);
        let everybody = Asked::default();
        assert_eq!(look(&[], &[page("phone", DeliveryState::Sent), failed], &everybody, 10).1, ["sent", "failed"]);
    }
}
