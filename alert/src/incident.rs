//! An incident's file: how commands and the program itself move it along.
//!
//! 新发 → 已签收 → 已交办 → 处置中 → 已回应 → 观察 → 办结. What a command makes of each state (— is refused):
//!
//! | state | ack | assign | respond | note | return | close | false alarm | reopen |
//! |---|---|---|---|---|---|---|---|---|
//! | 新发 new | 已签收 | — sign first | — sign first | 新发 | — no unit has it | — sign first | 办结 | — open |
//! | 已签收 acked | — signed | 已交办 | 已回应 | 已签收 | — no unit has it | 办结 | 办结 | — open |
//! | 已交办 assigned | — signed | 已交办 | 已回应 | 处置中 | 已签收 | 办结 | 办结 | — open |
//! | 处置中 handling | — signed | 已交办 | 已回应 | 处置中 | 已签收 | 办结 | 办结 | — open |
//! | 已回应 responded | — signed | 已交办 | 已回应 | 已回应 | 已签收 | 办结 | 办结 | — open |
//! | 观察 watching | — signed | 已交办 | 已回应 | 观察 | 已签收 | 办结 | 办结 | — open |
//! | 办结 closed | — closed | — closed | — closed | — closed | — closed | — closed | — closed | 已签收 |
//!
//! 退回 takes the matter from the unit back to the desk; without a unit it is refused. Whoever reopens an incident, or says of
//! one that nobody has signed that it is a false alarm (误报), signs it by that. All three need a reason.
//!
//! A note on an incident that was handed on is its progress. The program itself moves 已回应 to 观察 when the topic has
//! calmed, and back to 处置中 when it rises again ([`crate::matter`]).
//!
//! Signing again by the one who signed changes nothing and is no error: a finger taps twice. Signing by somebody else is
//! refused with the name of the one who did.
//!
//! The version rises with what people decide upon: state, unit, level, another rise. Figures and deliveries leave it alone,
//! or nobody could sign while posts pour in.

use crate::{matter::Matter, policy::level_name};
use jiff::Timestamp;
use schemas::records::{Event, Incident, Level, State};

/// Whom the history names for what the program does by itself.
pub const PROGRAM: &str = "wanglou";

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 签收
    Ack,
    /// 交办
    Assign {
        /// To which unit.
        unit: String,
        /// What the desk adds.
        text: String,
    },
    /// 官方回应
    Respond {
        /// What was answered.
        text: String,
    },
    /// A note.
    Note {
        /// What is noted.
        text: String,
    },
    /// 退回
    Return {
        /// Why the unit does not take it.
        text: String,
    },
    /// 办结
    Close {
        /// How it ended.
        text: String,
    },
    /// 误报
    FalseAlarm {
        /// Why it is none.
        text: String,
    },
    /// 重开
    Reopen {
        /// Why.
        text: String,
    },
}

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Something that the command needs is missing.
    #[error("缺少 {0} / {0} is required")]
    Missing(&'static str),
    /// It has changed since the person looked.
    #[error(
        "事件已有变化 (您看到第 {seen} 版, 现为第 {now} 版), 请刷新后再操作 / it has changed meanwhile: look again"
    )]
    Changed {
        /// The version that the person saw.
        seen: u64,
        /// The version now.
        now: u64,
    },
    /// Nobody has signed it.
    #[error("请先签收 / nobody has signed it yet: sign first")]
    NotSigned,
    /// Somebody else signed it.
    #[error("{0} 已签收 / {0} has signed it already")]
    SignedBy(String),
    /// It is closed.
    #[error("事件已办结 / it is closed")]
    Closed,
    /// It is not closed.
    #[error("事件尚未办结 / it is not closed")]
    Open,
    /// It was handed to nobody.
    #[error("尚未交办, 无从退回 / no unit has it")]
    NotAssigned,
}

impl Refusal {
    /// A word that programs compare.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Changed { .. } => "version",
            Self::NotSigned => "not_signed",
            Self::SignedBy(_) => "signed_by_other",
            Self::Closed => "closed",
            Self::Open => "open",
            Self::NotAssigned => "not_assigned",
        }
    }
}

impl Command {
    /// The word in the history and in the audit record.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Ack => "acked",
            Self::Assign { .. } => "assigned",
            Self::Respond { .. } => "responded",
            Self::Note { .. } => "noted",
            Self::Return { .. } => "returned",
            Self::Close { .. } => "closed",
            Self::FalseAlarm { .. } => "false_alarm",
            Self::Reopen { .. } => "reopened",
        }
    }

    /// What is missing in it.
    fn missing(&self) -> Option<&'static str> {
        let (what, text) = match self {
            Self::Ack => return None,
            Self::Assign { unit, .. } => ("unit", unit),
            Self::Respond { text }
            | Self::Note { text }
            | Self::Return { text }
            | Self::Close { text }
            | Self::FalseAlarm { text }
            | Self::Reopen { text } => ("text", text),
        };
        text.trim().is_empty().then_some(what)
    }

    /// The state that it leads to.
    fn leads(&self, from: State, unit: Option<&str>) -> Result<State, Refusal> {
        match (self, from) {
            (Self::Reopen { .. }, State::Closed) => Ok(State::Acked),
            (Self::Reopen { .. }, _) => Err(Refusal::Open),
            (_, State::Closed) => Err(Refusal::Closed),
            (Self::FalseAlarm { .. }, _) => Ok(State::Closed),
            (Self::Return { .. }, _) if unit.is_none() => Err(Refusal::NotAssigned),
            (Self::Ack, _) => Ok(State::Acked),
            (Self::Note { .. }, State::Assigned) => Ok(State::Handling),
            (Self::Note { .. }, _) => Ok(from),
            (_, State::New) => Err(Refusal::NotSigned),
            (Self::Assign { .. }, _) => Ok(State::Assigned),
            (Self::Respond { .. }, _) => Ok(State::Responded),
            (Self::Return { .. }, _) => Ok(State::Acked),
            (Self::Close { .. }, _) => Ok(State::Closed),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Ack => "签收".into(),
            Self::Assign { unit, text } if text.trim().is_empty() => format!("交办 {}", unit.trim()),
            Self::Assign { unit, text } => format!("交办 {}: {}", unit.trim(), text.trim()),
            Self::Respond { text } | Self::Note { text } | Self::Close { text } => text.trim().to_owned(),
            Self::Return { text } => format!("退回: {}", text.trim()),
            Self::FalseAlarm { text } => format!("误报: {}", text.trim()),
            Self::Reopen { text } => format!("重开: {}", text.trim()),
        }
    }
}

/// An incident with what only this stage needs to know of it.
#[derive(Debug, Clone, PartialEq)]
pub struct File {
    /// The incident as everybody sees it.
    pub incident: Incident,
    /// What judging the next pulse needs.
    pub matter: Matter,
    /// Number of the last event.
    pub seq: u64,
    /// The stored row's revision; nought when it is not stored yet.
    pub revision: i64,
    /// Events that are not stored yet.
    pub fresh: Vec<Event>,
}

impl File {
    /// Adds an event to the history.
    pub fn record(&mut self, at: Timestamp, who: &str, action: &str, text: impl Into<String>) {
        self.seq += 1;
        self.fresh.push(Event { seq: self.seq, at, who: who.into(), action: action.into(), text: text.into() });
    }

    /// Adds an event that changes what people decide upon: the version rises.
    pub fn change(&mut self, at: Timestamp, who: &str, action: &str, text: impl Into<String>) {
        self.record(at, who, action, text);
        self.incident.version += 1;
        self.incident.updated_at = at;
    }

    /// Does what somebody wants done; `false` when it was done already.
    ///
    /// # Errors
    /// Why it is refused; nothing has changed then.
    pub fn act(&mut self, command: &Command, who: &str, seen: Option<u64>, at: Timestamp) -> Result<bool, Refusal> {
        if let Some(what) = command.missing() {
            return Err(Refusal::Missing(what));
        }
        if *command == Command::Ack
            && self.incident.state != State::Closed
            && let Some(by) = &self.incident.acked_by
        {
            return if by == who { Ok(false) } else { Err(Refusal::SignedBy(by.clone())) };
        }
        let state = command.leads(self.incident.state, self.incident.unit.as_deref())?;
        if let Some(seen) = seen
            && seen != self.incident.version
        {
            return Err(Refusal::Changed { seen, now: self.incident.version });
        }
        match command {
            Command::Ack => self.sign(who, at),
            Command::Assign { unit, .. } => self.incident.unit = Some(unit.trim().to_owned()),
            Command::Return { .. } => self.incident.unit = None,
            Command::FalseAlarm { .. } => {
                if self.incident.acked_by.is_none() {
                    self.sign(who, at);
                }
                self.incident.false_alarm = true;
            }
            Command::Reopen { .. } => {
                self.sign(who, at);
                self.incident.false_alarm = false;
            }
            Command::Respond { .. } | Command::Note { .. } | Command::Close { .. } => {}
        }
        self.incident.state = state;
        self.change(at, who, command.action(), command.text());
        Ok(true)
    }

    fn sign(&mut self, who: &str, at: Timestamp) {
        self.incident.acked_by = Some(who.to_owned());
        self.incident.acked_at = Some(at);
        self.incident.ack_due_at = None;
    }

    /// Raises the level; it never falls by itself, so it can't flap.
    pub fn raise(&mut self, level: Level, why: &str, at: Timestamp) {
        let text = format!("{} → {}: {why}", level_name(self.incident.level), level_name(level));
        self.incident.level = level;
        why.clone_into(&mut self.incident.why);
        self.change(at, PROGRAM, "level", text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::file;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn commands() -> [Command; 8] {
        let text = String::from("已处理");
        [
            Command::Ack,
            Command::Assign { unit: "水务局".into(), text: String::new() },
            Command::Respond { text: text.clone() },
            Command::Note { text: text.clone() },
            Command::Return { text: text.clone() },
            Command::Close { text: text.clone() },
            Command::FalseAlarm { text: text.clone() },
            Command::Reopen { text },
        ]
    }

    /// The module's table, a row each.
    #[test]
    fn every_command_in_every_state() {
        use State::*;
        let (signed, open, no_unit) = (Err("signed_by_other"), Err("open"), Err("not_assigned"));
        let handed_on = |note| [signed, Ok(Assigned), Ok(Responded), Ok(note), Ok(Acked), Ok(Closed), Ok(Closed), open];
        let sign = Err("not_signed");
        let table: [(State, [Result<State, &str>; 8]); 7] = [
            (New, [Ok(Acked), sign, sign, Ok(New), no_unit, sign, Ok(Closed), open]),
            (Acked, [signed, Ok(Assigned), Ok(Responded), Ok(Acked), no_unit, Ok(Closed), Ok(Closed), open]),
            (Assigned, handed_on(Handling)),
            (Handling, handed_on(Handling)),
            (Responded, handed_on(Responded)),
            (Watching, handed_on(Watching)),
            (Closed, [[Err("closed"); 7].as_slice(), &[Ok(Acked)]].concat().try_into().unwrap()),
        ];
        for (state, outcomes) in table {
            for (command, wanted) in commands().iter().zip(outcomes) {
                let mut file = file("water");
                file.incident.state = state;
                file.incident.acked_by = (state != New).then(|| "王敏".into());
                file.incident.unit = (!matches!(state, New | Acked)).then(|| "水务局".into());
                let before = file.clone();
                let done = file.act(command, "李雷", None, at(9));
                match wanted {
                    Ok(state) => {
                        assert_eq!(done, Ok(true), "{command:?}");
                        assert_eq!(file.incident.state, state, "{command:?}");
                        assert_eq!(file.incident.version, before.incident.version + 1);
                        assert_eq!(file.fresh.len(), before.fresh.len() + 1);
                    }
                    Err(code) => {
                        assert_eq!(done.unwrap_err().code(), code, "{state:?} {command:?}");
                        assert_eq!(file, before, "a refused command changes nothing");
                    }
                }
            }
        }
    }

    #[test]
    fn signing_twice_is_told_apart() {
        let mut file = file("water");
        assert_eq!(file.act(&Command::Ack, "王敏", None, at(1)), Ok(true));
        let signed = file.clone();
        assert_eq!(
            file.act(&Command::Ack, "王敏", Some(1), at(2)),
            Ok(false),
            "a second tap, with the version of the first"
        );
        assert_eq!(file.act(&Command::Ack, "李雷", None, at(3)), Err(Refusal::SignedBy("王敏".into())));
        assert_eq!(file, signed);
        assert_eq!((file.incident.acked_at, file.incident.ack_due_at), (Some(at(1)), None));
    }

    #[test]
    fn a_unit_sends_it_back_and_another_one_gets_it() {
        let mut file = file("water");
        let assign = |unit: &str| Command::Assign { unit: unit.into(), text: String::new() };
        for command in [Command::Ack, assign("水务局"), Command::Return { text: "不属本单位".into() }] {
            assert_eq!(file.act(&command, "王敏", None, at(1)), Ok(true));
        }
        assert_eq!((file.incident.state, file.incident.unit.as_deref()), (State::Acked, None));
        assert_eq!(file.fresh.last().unwrap().text, "退回: 不属本单位");
        assert_eq!(file.act(&assign("住建局"), "王敏", None, at(2)), Ok(true));
        assert_eq!(file.incident.unit.as_deref(), Some("住建局"));
    }

    #[test]
    fn who_says_that_it_is_a_false_alarm_or_reopens_it_signs_it() {
        let mut file = file("water");
        assert_eq!(file.act(&Command::FalseAlarm { text: "演习".into() }, "王敏", Some(1), at(1)), Ok(true));
        let incident = &file.incident;
        assert_eq!((incident.state, incident.false_alarm, incident.ack_due_at), (State::Closed, true, None));
        assert_eq!(incident.acked_by.as_deref(), Some("王敏"));
        assert_eq!(file.act(&Command::Reopen { text: "并非演习".into() }, "李雷", Some(2), at(2)), Ok(true));
        let incident = &file.incident;
        assert_eq!((incident.state, incident.false_alarm), (State::Acked, false));
        assert_eq!((incident.acked_by.as_deref(), incident.acked_at), (Some("李雷"), Some(at(2))));
    }

    #[test]
    fn another_version_is_refused() {
        let mut file = file("water");
        let note = Command::Note { text: "已电话联系".into() };
        assert_eq!(file.act(&note, "王敏", Some(7), at(1)), Err(Refusal::Changed { seen: 7, now: 1 }));
        assert_eq!(file.act(&note, "王敏", Some(1), at(1)), Ok(true));
        assert_eq!(file.act(&note, "李雷", Some(1), at(1)), Err(Refusal::Changed { seen: 1, now: 2 }));
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut file = file("water");
        let blank = || " \n".to_owned();
        for (command, what) in [
            (Command::Assign { unit: blank(), text: "x".into() }, "unit"),
            (Command::Respond { text: blank() }, "text"),
            (Command::Note { text: blank() }, "text"),
            (Command::Return { text: blank() }, "text"),
            (Command::Close { text: blank() }, "text"),
            (Command::FalseAlarm { text: blank() }, "text"),
            (Command::Reopen { text: blank() }, "text"),
        ] {
            assert_eq!(file.act(&command, "王敏", None, at(1)), Err(Refusal::Missing(what)));
        }
    }
}
