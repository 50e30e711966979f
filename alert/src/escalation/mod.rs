//! When nobody signs, or whoever signed does nothing: those next in line are paged, step by step.
//!
//! An incident's chain says which rung comes next, and when:
//!
//! | chain | first rung | then | at the end |
//! |---|---|---|---|
//! | unsigned: from the opening until 签收 | the first step, when the time to sign is over | each step its `after` after the one before | `repeat.times` times everybody again, each `repeat.every` after the one before |
//! | idle: from 签收 until anything else is done | the roster is reminded, `resume_after` later | as above | as above |
//!
//! | happening | outcome |
//! |---|---|
//! | opens | unsigned begins; the first rung is due at the level's `ack`, or after the first step's `after` |
//! | reaches a higher level, unsigned, no rung taken | the first rung is due at that level's `ack` from now, if that is sooner |
//! | 签收, 重开 | unsigned ends, idle begins; none with `resume_after = "0s"` |
//! | split off from another | idle begins: whoever split it has signed |
//! | anything else that a person does but a note by whoever did not sign | the chain ends |
//! | 办结, 误报, merged | the chain ends |
//! | 退回; a rise after the response | idle begins anew: it is the desk's turn again |
//! | a page was given up, of the rung taken last or of the opening | the next step is taken at once: nobody else will hear of it. Of an earlier one, or where no step is left: nothing, for whoever is paged again would be paged over the same channels |
//! | the time of a rung has come, however long ago | that one rung is taken; the next one waits its full time from now |
//! | the clock has gone back beyond the moment at which the rung was set | it waits its full time from now |
//! | a step is not for the incident's level, or the config has none any more | it is passed over |
//!
//! So a clock that jumps ahead pages early, once; one that jumps back delays by one wait at most.

use crate::{
    clock::Happening,
    incident::{Command, File, PROGRAM},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::settings::{Duty, EscalationStep, Repeat},
    records::{Level, State},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, time::Duration};

/// By when somebody must have signed where no roster says otherwise.
pub const SIGN_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// What a chain waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Waits {
    /// 签收
    Unsigned,
    /// Whatever follows 签收.
    Idle,
}

impl Waits {
    /// The word in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Idle => "idle",
        }
    }
}

/// How far the chain of an incident has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// What it waits for.
    pub waits: Waits,
    /// Rungs taken.
    pub taken: u32,
    /// When the next one is due; none after the last.
    pub next_at: Option<Timestamp>,
    /// How long that was to wait when it was set, in milliseconds: what tells a clock that went back.
    pub wait: i64,
    /// The number of the event that the last rung's pages tell of.
    pub seq: u64,
}

/// What a rung is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rung<'a> {
    /// Whoever is on duty is reminded.
    Remind,
    /// A step of the roster.
    Step(&'a EscalationStep),
    /// Everybody again.
    Again,
}

/// Why a rung is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its time has come.
    Time,
    /// A page was given up.
    GivenUp,
}

/// The rules of a roster.
#[derive(Debug, Clone, Default)]
pub struct Ladder {
    steps: Vec<EscalationStep>,
    ack: BTreeMap<Level, Duration>,
    repeat: Repeat,
    resume_after: Option<SignedDuration>,
}

fn signed(time: Duration) -> SignedDuration {
    SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX)
}

impl Ladder {
    /// The rules of a roster; without one, everybody is paged again.
    #[must_use]
    pub fn of(duty: Option<&Duty>) -> Self {
        let Some(duty) = duty else { return Self::default() };
        Self {
            steps: duty.escalation.clone(),
            ack: duty.ack.clone(),
            repeat: duty.repeat,
            resume_after: Some(signed(duty.resume_after)).filter(|after| !after.is_zero()),
        }
    }

    /// How long an incident may stay unsigned.
    #[must_use]
    pub fn sign_within(&self, level: Level) -> SignedDuration {
        let first = || self.steps.iter().find(|step| is_for(step, level)).map(|step| step.after);
        self.ack.get(&level).copied().or_else(first).map_or(SIGN_WITHIN, signed)
    }

    /// The first steps of an incident of a level.
    pub fn steps(&self, level: Level) -> impl Iterator<Item = &EscalationStep> {
        self.steps.iter().filter(move |step| is_for(step, level))
    }

    /// The rung that comes after so many.
    #[must_use]
    pub fn rung(&self, waits: Waits, taken: u32, level: Level) -> Option<Rung<'_>> {
        let mut left = taken as usize;
        if waits == Waits::Idle {
            if left == 0 {
                return Some(Rung::Remind);
            }
            left -= 1;
        }
        let steps = self.steps(level).count();
        match self.steps(level).nth(left) {
            Some(step) => Some(Rung::Step(step)),
            None => (left - steps.min(left) < self.repeat.times as usize).then_some(Rung::Again),
        }
    }

    /// How long the rung after so many waits.
    fn wait(&self, waits: Waits, taken: u32, level: Level) -> Option<SignedDuration> {
        match (self.rung(waits, taken, level)?, taken) {
            (Rung::Remind, _) => self.resume_after,
            (_, 0) => Some(self.sign_within(level)),
            (Rung::Step(step), _) => Some(signed(step.after)),
            (Rung::Again, _) => Some(signed(self.repeat.every)),
        }
    }

    fn begin(&self, waits: Waits, level: Level, seq: u64, now: Timestamp) -> Option<Chain> {
        Chain { waits, taken: 0, next_at: None, wait: 0, seq }.waiting(self, level, now)
    }

    /// Begins and ends chains, by the module's second table.
    pub fn follow(&self, file: &mut File, happening: Happening<'_>, now: Timestamp) {
        let (level, seq) = (file.incident.level, file.seq);
        let idle = || self.resume_after.and_then(|_| self.begin(Waits::Idle, level, seq, now));
        match happening {
            Happening::Opened => {
                file.matter.chain = self.begin(Waits::Unsigned, level, seq, now);
                file.incident.ack_due_at = now.checked_add(self.sign_within(level)).ok();
            }
            Happening::Raised => {
                let sooner = now.checked_add(self.sign_within(level)).ok();
                if let Some(chain) = &mut file.matter.chain
                    && (chain.waits, chain.taken) == (Waits::Unsigned, 0)
                    && sooner < chain.next_at
                {
                    (chain.next_at, chain.wait) = (sooner, self.sign_within(level).as_millis() as i64);
                    file.incident.ack_due_at = sooner;
                }
            }
            Happening::Rebound | Happening::Split => file.matter.chain = idle(),
            Happening::Merged => file.matter.chain = None,
            Happening::Done(command, who) => match command {
                Command::Ack | Command::Reopen { .. } | Command::Return { .. } => file.matter.chain = idle(),
                Command::Note { .. } if file.incident.state == State::New => {}
                Command::Note { .. } if file.incident.acked_by.as_deref() != Some(who) => {}
                Command::Pause { .. } | Command::Resume { .. } => {}
                _ => file.matter.chain = None,
            },
        }
    }

    /// Takes the next rung, if there is one; notes it, and says what it is.
    pub fn take(&self, file: &mut File, why: Why, now: Timestamp) -> Option<Rung<'_>> {
        let level = file.incident.level;
        let chain = file.matter.chain.clone()?;
        let rung = self.rung(chain.waits, chain.taken, level);
        if (why, rung) == (Why::GivenUp, Some(Rung::Again)) {
            return None;
        }
        let Some(rung) = rung else {
            file.matter.chain = Some(Chain { next_at: None, ..chain });
            return None;
        };
        let reason = match (why, chain.waits) {
            (Why::GivenUp, _) => "通知未能送达",
            (Why::Time, Waits::Unsigned) => "逾时无人签收",
            (Why::Time, Waits::Idle) => "签收后逾时无处置",
        };
        let whom = match rung {
            Rung::Remind => "提醒值班人员".to_owned(),
            Rung::Step(step) => format!("通知 {}", name_of(step)),
            Rung::Again => "再次通知全部人员".to_owned(),
        };
        let taken = chain.taken.saturating_add(1);
        let is_last = self.rung(chain.waits, taken, level).is_none();
        let end = if is_last { ", 已逐级通知完毕" } else { "" };
        file.record(now, PROGRAM, "escalated", format!("{reason}, {whom}{end}"));
        let remind = u32::from(chain.waits == Waits::Idle);
        file.matter.called = file.matter.called.max(taken.saturating_sub(remind));
        file.matter.chain = Chain { taken, seq: file.seq, ..chain }.waiting(self, level, now);
        Some(rung)
    }
}

impl Chain {
    /// Sets when the next rung is due; an ended chain waits for nothing.
    fn waiting(self, ladder: &Ladder, level: Level, now: Timestamp) -> Option<Self> {
        let wait = ladder.wait(self.waits, self.taken, level);
        let next_at = wait.and_then(|wait| now.checked_add(wait).ok());
        let wait = wait.map_or(0, |wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        Some(Self { next_at, wait, ..self })
    }

    /// Whether the next rung is due.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        self.next_at.is_some_and(|next| next <= now)
    }

    /// Whether the clock has gone back beyond the moment at which the next rung was set; it waits its full time from now then.
    pub fn mend(&mut self, now: Timestamp) -> bool {
        let wait = SignedDuration::from_millis(self.wait);
        let fresh = now.checked_add(wait).ok();
        let is_wrong = self.next_at.is_some() && self.next_at > fresh;
        if is_wrong {
            self.next_at = fresh;
        }
        is_wrong
    }
}

fn is_for(step: &EscalationStep, level: Level) -> bool {
    step.levels.is_empty() || step.levels.contains(&level)
}

fn name_of(step: &EscalationStep) -> String {
    let mut names = Vec::new();
    if !step.person.is_empty() {
        names.push(step.person.clone());
    }
    names.extend(step.roster.iter().map(|roster| format!("值班表 {roster}")));
    if step.unit_leader {
        names.push("承办单位负责人".into());
    }
    let channels = step.channels.join(", ");
    match (names.is_empty(), channels.is_empty()) {
        (true, _) => format!("下一级 ({channels})"),
        (false, true) => names.join(", "),
        (false, false) => format!("{} ({channels})", names.join(", ")),
    }
}

#[cfg(test)]
mod tests;
