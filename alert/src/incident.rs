//! An incident's file: how commands and the program itself move it along.
//!
//! 新发 → 已签收 → 已交办 → 处置中 → 已回应 → 观察 → 办结. What a command makes of each state (— is refused):
//!
//! | state | ack | assign | respond | note | return | close | false alarm | reopen | unit ack | answer | report |
//! |---|---|---|---|---|---|---|---|---|---|---|---|
//! | 新发 new | 已签收 | — sign first | — sign first | 新发 | — no unit has it | — sign first | 办结 | — open | — no unit has it | — no unit has it | — no unit has it |
//! | 已签收 acked | — signed | 已交办 | 已回应 | 已签收 | — no unit has it | 办结 | 办结 | — open | — no unit has it | — no unit has it | — no unit has it |
//! | 已交办 assigned | — signed | 已交办 | 已回应 | 处置中 | 已签收 | 办结 | 办结 | — open | 处置中 | 处置中 | 处置中 |
//! | 处置中 handling | — signed | 已交办 | 已回应 | 处置中 | 已签收 | 办结 | 办结 | — open | 处置中 | 处置中 | 处置中 |
//! | 已回应 responded | — signed | 已交办 | 已回应 | 已回应 | 已签收 | 办结 | 办结 | — open | 已回应 | 已回应 | 已回应 |
//! | 观察 watching | — signed | 已交办 | 已回应 | 观察 | 已签收 | 办结 | 办结 | — open | 观察 | 观察 | 观察 |
//! | 办结 closed | — closed | — closed | — closed | — closed | — closed | — closed | — closed | 已签收 | — closed | — closed | — closed |
//!
//! A clock that runs may be paused in every state but 办结, with a reason, and goes on after that ([`crate::clock`]).
//!
//! 退回 takes the matter from the unit back to the desk; without a unit it is refused. Whoever reopens an incident, or says of
//! one that nobody has signed that it is a false alarm (误报), signs it by that. All three need a reason.
//!
//! A note on an incident that was handed on is its progress; one by the unit itself is its report. The program itself moves 已回应 to 观察 when the topic has
//! calmed, and back to 处置中 when it rises again ([`crate::matter`]).
//!
//! Signing again by the one who signed changes nothing and is no error: a finger taps twice. Signing by somebody else is
//! refused with the name of the one who did.
//!
//! The version rises with what people decide upon: state, unit, level, another rise. Figures and deliveries leave it alone,
//! or nobody could sign while posts pour in.

use crate::{clock, matter::Matter, policy::level_name};
use jiff::Timestamp;
use schemas::records::{Clock, Event, Incident, Level, State};

/// Whom the history names for what the program does by itself.
pub const PROGRAM: &str = "wanglou";

/// What somebody wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// 签收
    Ack,
    /// 交办
    Assign {
        /// To which unit: the one that leads.
        unit: String,
        /// Its id, where the program proposed it.
        unit_id: Option<String>,
        /// Units that assist it.
        assisting: Vec<String>,
        /// By when it must answer; by the rule of the clock where this is missing.
        due_at: Option<Timestamp>,
        /// What the desk adds.
        text: String,
    },
    /// 官方回应
    Respond {
        /// What was answered.
        text: String,
        /// Whether it was a press conference (新闻发布会).
        press: bool,
    },
    /// A note.
    Note {
        /// What is noted.
        text: String,
    },
    /// 单位进展: a note by the unit.
    Report {
        /// How far it has got.
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
    /// 单位签收
    UnitAck,
    /// 单位答复: what the unit tells the desk; the desk answers the people.
    Answer {
        /// What was done.
        text: String,
    },
    /// 暂停计时
    Pause {
        /// The clock's id.
        clock: String,
        /// Why.
        text: String,
    },
    /// 恢复计时
    Resume {
        /// The clock's id.
        clock: String,
        /// What there is to say of it.
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
    #[error("尚未交办 / no unit has it")]
    NotAssigned,
    /// The deadline lies in the past.
    #[error("办理期限已过, 请填写将来的时间 / the deadline lies in the past")]
    Past,
    /// No such clock runs.
    #[error("没有正在走的计时 {0:?} / no clock {0:?} is running")]
    NoClock(String),
    /// It is the same incident, or is closed, or holds no such topic.
    #[error("{0}")]
    Apart(&'static str),
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
            Self::Past => "past",
            Self::NoClock(_) => "no_clock",
            Self::Apart(_) => "apart",
        }
    }
}

impl Command {
    /// 交办 to one unit, with the deadline that the rules set.
    pub fn assign(unit: impl Into<String>, text: impl Into<String>) -> Self {
        Self::Assign { unit: unit.into(), unit_id: None, assisting: Vec::new(), due_at: None, text: text.into() }
    }

    /// The word in the history and in the audit record.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Ack => "acked",
            Self::Assign { .. } => "assigned",
            Self::Respond { .. } => "responded",
            Self::Note { .. } => "noted",
            Self::Report { .. } => "reported",
            Self::Return { .. } => "returned",
            Self::Close { .. } => "closed",
            Self::FalseAlarm { .. } => "false_alarm",
            Self::Reopen { .. } => "reopened",
            Self::UnitAck => "unit_acked",
            Self::Answer { .. } => "answered",
            Self::Pause { .. } => "paused",
            Self::Resume { .. } => "resumed",
        }
    }

    /// What is missing in it.
    fn missing(&self) -> Option<&'static str> {
        let (what, text) = match self {
            Self::Ack | Self::UnitAck => return None,
            Self::Assign { unit, .. } => ("unit", unit),
            Self::Pause { clock, .. } | Self::Resume { clock, .. } if clock.trim().is_empty() => ("clock", clock),
            Self::Resume { .. } => return None,
            Self::Respond { text, .. }
            | Self::Note { text }
            | Self::Report { text }
            | Self::Return { text }
            | Self::Close { text }
            | Self::FalseAlarm { text }
            | Self::Reopen { text }
            | Self::Answer { text }
            | Self::Pause { text, .. } => ("text", text),
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
            (Self::Return { .. } | Self::UnitAck | Self::Answer { .. } | Self::Report { .. }, _) if unit.is_none() => {
                Err(Refusal::NotAssigned)
            }
            (Self::UnitAck | Self::Answer { .. } | Self::Report { .. } | Self::Note { .. }, State::Assigned) => {
                Ok(State::Handling)
            }
            (Self::UnitAck | Self::Answer { .. } | Self::Report { .. } | Self::Note { .. }, _) => Ok(from),
            (Self::Pause { .. } | Self::Resume { .. }, _) => Ok(from),
            (Self::Ack, _) => Ok(State::Acked),
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
            Self::UnitAck => "单位签收".into(),
            Self::Assign { unit, assisting, text, .. } => {
                let with =
                    if assisting.is_empty() { String::new() } else { format!(", 协办 {}", assisting.join(", ")) };
                let said = if text.trim().is_empty() { String::new() } else { format!(": {}", text.trim()) };
                format!("交办 {}{with}{said}", unit.trim())
            }
            Self::Respond { text, press: true } => format!("新闻发布会: {}", text.trim()),
            Self::Respond { text, .. } | Self::Note { text } | Self::Close { text } => text.trim().to_owned(),
            Self::Answer { text } => format!("单位答复: {}", text.trim()),
            Self::Report { text } => format!("单位进展: {}", text.trim()),
            Self::Pause { clock, text } => format!("暂停计时 {clock}: {}", text.trim()),
            Self::Resume { clock, text } if text.trim().is_empty() => format!("恢复计时 {clock}"),
            Self::Resume { clock, text } => format!("恢复计时 {clock}: {}", text.trim()),
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

    /// When time alone has something to do to it next: the next rung of its chain, a clock, or the
    /// end of a silence.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        if self.incident.state == State::Closed {
            return None;
        }
        let rung = self.matter.chain.as_ref().and_then(|chain| chain.next_at);
        let quiet = self.matter.quiet.as_ref().map(|quiet| quiet.until);
        [rung, clock::next(&self.incident.clocks), quiet].into_iter().flatten().min()
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
        if *command == Command::UnitAck
            && self.incident.state != State::Closed
            && let Some(by) = &self.incident.unit_acked_by
        {
            return if by == who { Ok(false) } else { Err(Refusal::SignedBy(by.clone())) };
        }
        let state = command.leads(self.incident.state, self.incident.unit.as_deref())?;
        self.refuse(command, at)?;
        if let Some(seen) = seen
            && seen != self.incident.version
        {
            return Err(Refusal::Changed { seen, now: self.incident.version });
        }
        match command {
            Command::Ack => self.sign(who, at),
            Command::Assign { unit, unit_id, assisting, .. } => {
                self.take_from_unit();
                self.incident.unit = Some(unit.trim().to_owned());
                self.incident.unit_id.clone_from(unit_id);
                self.incident.assisting.clone_from(assisting);
            }
            Command::Return { .. } => self.take_from_unit(),
            Command::UnitAck => self.sign_for_unit(who, at),
            Command::Answer { .. } => {
                if self.incident.unit_acked_by.is_none() {
                    self.sign_for_unit(who, at);
                }
            }
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
            Command::Respond { .. }
            | Command::Note { .. }
            | Command::Report { .. }
            | Command::Close { .. }
            | Command::Pause { .. }
            | Command::Resume { .. } => {}
        }
        self.incident.state = state;
        self.change(at, who, command.action(), command.text());
        Ok(true)
    }

    /// What else a command may fail by.
    fn refuse(&self, command: &Command, at: Timestamp) -> Result<(), Refusal> {
        let runs = |id: &str, paused: bool| {
            let is = |clock: &&Clock| clock.id == id && clock.stopped_at.is_none() && clock.paused.is_some() == paused;
            self.incident.clocks.iter().find(is).map(|_| ()).ok_or_else(|| Refusal::NoClock(id.to_owned()))
        };
        match command {
            Command::Assign { due_at: Some(due), .. } if *due <= at => Err(Refusal::Past),
            Command::Pause { clock, .. } => runs(clock, false),
            Command::Resume { clock, .. } => runs(clock, true),
            _ => Ok(()),
        }
    }

    fn take_from_unit(&mut self) {
        let incident = &mut self.incident;
        (incident.unit, incident.unit_id, incident.unit_acked_by, incident.unit_acked_at) = (None, None, None, None);
        incident.assisting.clear();
    }

    fn sign_for_unit(&mut self, who: &str, at: Timestamp) {
        self.incident.unit_acked_by = Some(who.to_owned());
        self.incident.unit_acked_at = Some(at);
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

    fn assign(unit: &str) -> Command {
        Command::Assign { unit: unit.into(), unit_id: None, assisting: Vec::new(), due_at: None, text: String::new() }
    }

    fn commands() -> [Command; 11] {
        let text = String::from("已处理");
        [
            Command::Ack,
            assign("水务局"),
            Command::Respond { text: text.clone(), press: false },
            Command::Note { text: text.clone() },
            Command::Return { text: text.clone() },
            Command::Close { text: text.clone() },
            Command::FalseAlarm { text: text.clone() },
            Command::Reopen { text: text.clone() },
            Command::UnitAck,
            Command::Answer { text: text.clone() },
            Command::Report { text },
        ]
    }

    /// The module's table, a row each.
    #[test]
    fn every_command_in_every_state() {
        use State::*;
        let (signed, open, no_unit) = (Err("signed_by_other"), Err("open"), Err("not_assigned"));
        let handed_on = |next| {
            let by_unit = [Ok(next); 3];
            let by_desk = [signed, Ok(Assigned), Ok(Responded), Ok(next), Ok(Acked), Ok(Closed), Ok(Closed), open];
            [by_desk.as_slice(), &by_unit].concat().try_into().unwrap()
        };
        let sign = Err("not_signed");
        let table: [(State, [Result<State, &str>; 11]); 7] = [
            (New, [Ok(Acked), sign, sign, Ok(New), no_unit, sign, Ok(Closed), open, no_unit, no_unit, no_unit]),
            (
                Acked,
                [
                    signed,
                    Ok(Assigned),
                    Ok(Responded),
                    Ok(Acked),
                    no_unit,
                    Ok(Closed),
                    Ok(Closed),
                    open,
                    no_unit,
                    no_unit,
                    no_unit,
                ],
            ),
            (Assigned, handed_on(Handling)),
            (Handling, handed_on(Handling)),
            (Responded, handed_on(Responded)),
            (Watching, handed_on(Watching)),
            (Closed, [[Err("closed"); 7].as_slice(), &[Ok(Acked)], &[Err("closed"); 3]].concat().try_into().unwrap()),
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
        for command in [Command::Ack, assign("水务局"), Command::Return { text: "不属本单位".into() }] {
            assert_eq!(file.act(&command, "王敏", None, at(1)), Ok(true));
        }
        assert_eq!((file.incident.state, file.incident.unit.as_deref()), (State::Acked, None));
        assert_eq!(file.fresh.last().unwrap().text, "退回: 不属本单位");
        assert_eq!(file.act(&assign("住建局"), "王敏", None, at(2)), Ok(true));
        assert_eq!(file.incident.unit.as_deref(), Some("住建局"));
    }

    #[test]
    fn a_unit_signs_once_and_answers() {
        let mut file = file("water");
        let with = Command::Assign {
            unit: "水务局".into(),
            unit_id: Some("water".into()),
            assisting: vec!["抚琴街道".into(), "城管局".into()],
            due_at: Some(at(100)),
            text: "请速处置".into(),
        };
        assert_eq!(file.act(&Command::Ack, "王敏", None, at(1)), Ok(true));
        assert_eq!(file.act(&with, "王敏", None, at(100)), Err(Refusal::Past));
        assert_eq!(file.act(&with, "王敏", None, at(1)), Ok(true));
        assert_eq!(file.fresh.last().unwrap().text, "交办 水务局, 协办 抚琴街道, 城管局: 请速处置");
        assert_eq!(file.act(&Command::UnitAck, "陈工", None, at(2)), Ok(true));
        assert_eq!(file.act(&Command::UnitAck, "陈工", Some(1), at(3)), Ok(false), "a second tap");
        assert_eq!(file.act(&Command::UnitAck, "周工", None, at(3)), Err(Refusal::SignedBy("陈工".into())));
        assert_eq!((file.incident.unit_acked_by.as_deref(), file.incident.unit_acked_at), (Some("陈工"), Some(at(2))));
        assert_eq!(file.act(&Command::Answer { text: "已抢修".into() }, "陈工", None, at(4)), Ok(true));
        assert_eq!(file.incident.state, State::Handling, "the people are answered by the desk");
        assert_eq!(file.act(&Command::Return { text: "不属本单位".into() }, "陈工", None, at(5)), Ok(true));
        let incident = &file.incident;
        assert_eq!((&incident.unit, &incident.unit_id, &incident.unit_acked_by), (&None, &None, &None));
        assert!(incident.assisting.is_empty());
    }

    #[test]
    fn only_a_clock_that_runs_is_paused() {
        let mut file = file("water");
        let pause = Command::Pause { clock: "response".into(), text: "等待检测报告".into() };
        let resume = Command::Resume { clock: "response".into(), text: String::new() };
        assert_eq!(file.act(&pause, "督查", None, at(1)), Err(Refusal::NoClock("response".into())));
        assert_eq!(file.act(&resume, "督查", None, at(1)), Err(Refusal::NoClock("response".into())));
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
            (assign(&blank()), "unit"),
            (Command::Respond { text: blank(), press: true }, "text"),
            (Command::Answer { text: blank() }, "text"),
            (Command::Pause { clock: "response".into(), text: blank() }, "text"),
            (Command::Resume { clock: blank(), text: "x".into() }, "clock"),
            (Command::Note { text: blank() }, "text"),
            (Command::Report { text: blank() }, "text"),
            (Command::Return { text: blank() }, "text"),
            (Command::Close { text: blank() }, "text"),
            (Command::FalseAlarm { text: blank() }, "text"),
            (Command::Reopen { text: blank() }, "text"),
        ] {
            assert_eq!(file.act(&command, "王敏", None, at(1)), Err(Refusal::Missing(what)));
        }
    }
}
