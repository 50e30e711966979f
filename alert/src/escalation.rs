//! When nobody signs: the next in line is paged, once.
//!
//! | state | roster has a step | escalated before | clock, pages | outcome |
//! |---|---|---|---|---|
//! | signed or beyond | any | any | any | nothing: it stops at 签收 |
//! | 新发 | no | any | any | nothing is paged; that the time is up is noted once |
//! | 新发 | yes | yes | any | nothing: one step, once |
//! | 新发 | yes | no | before the time | nothing |
//! | 新发 | yes | no | at the time or after, however long | page the step |
//! | 新发 | yes | no | a page was given up before the time | page the step: nobody else will hear of it |
//!
//! The clock jumping back delays it at most until the clock has caught up; jumping ahead pages early, never twice.

use crate::incident::{File, PROGRAM};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::settings::{Duty, EscalationStep},
    records::State,
};

/// By when somebody must have signed where no roster says otherwise.
pub const SIGN_WITHIN: SignedDuration = SignedDuration::from_mins(15);

/// By when an incident that opens now must be signed.
#[must_use]
pub fn sign_by(duty: Option<&Duty>, opened_at: Timestamp) -> Timestamp {
    let within = duty
        .and_then(|duty| duty.escalation.as_ref())
        .and_then(|step| SignedDuration::try_from(step.after).ok())
        .unwrap_or(SIGN_WITHIN);
    opened_at.checked_add(within).unwrap_or(Timestamp::MAX)
}

/// Whether the step is due now.
#[must_use]
pub fn due<'a>(
    file: &File,
    step: Option<&'a EscalationStep>,
    page_given_up: bool,
    now: Timestamp,
) -> Option<&'a EscalationStep> {
    let step = step?;
    let late = file.incident.ack_due_at.is_none_or(|due| due <= now);
    (file.awaits_signature() && (late || page_given_up)).then_some(step)
}

impl File {
    /// Whether the clock runs: nobody has signed, and the step was not taken.
    #[must_use]
    pub fn awaits_signature(&self) -> bool {
        self.incident.state == State::New && self.matter.escalated_at.is_none()
    }

    /// Notes that the time is up and the roster has no step: the clock stops, so that it is noted once.
    pub fn overdue(&mut self, now: Timestamp) {
        self.matter.escalated_at = Some(now);
        self.record(now, PROGRAM, "overdue", "逾时无人签收, 值班表没有下一级");
    }

    /// Notes that the step was taken.
    pub fn escalate(&mut self, step: &EscalationStep, page_given_up: bool, now: Timestamp) {
        let why = if page_given_up { "通知未能送达" } else { "逾时无人签收" };
        let person = if step.person.is_empty() { "下一级" } else { &step.person };
        self.matter.escalated_at = Some(now);
        self.record(now, PROGRAM, "escalated", format!("{why}, 通知 {person} ({})", step.channels.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::file;

    fn duty() -> Duty {
        toml::from_str("id = \"desk\"\n[escalation]\nafter = \"10m\"\nperson = \"张主任\"\nchannels = [\"leader\"]\n")
            .unwrap()
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + minute * 60).unwrap()
    }

    #[test]
    fn the_roster_sets_the_clock() {
        assert_eq!(sign_by(Some(&duty()), at(0)), at(10));
        assert_eq!(sign_by(Some(&toml::from_str("id = \"x\"").unwrap()), at(0)), at(15));
        assert_eq!(sign_by(None, at(0)), at(15));
        assert_eq!(sign_by(None, Timestamp::MAX), Timestamp::MAX);
    }

    /// The module's table, a row each.
    #[test]
    fn when_the_step_is_due() {
        let duty = duty();
        let step = duty.escalation.as_ref();
        let make = |state, escalated: bool| {
            let mut file = file("water");
            file.incident.state = state;
            file.incident.ack_due_at = Some(at(10));
            file.matter.escalated_at = escalated.then(|| at(10));
            file
        };
        for state in [State::Acked, State::Assigned, State::Handling, State::Responded, State::Watching, State::Closed]
        {
            assert_eq!(due(&make(state, false), step, true, at(99)).is_some(), false, "{state:?}");
        }
        let new = make(State::New, false);
        assert!(due(&new, None, true, at(99)).is_none());
        assert!(due(&make(State::New, true), step, true, at(99)).is_none());
        assert!(due(&new, step, false, at(10) - SignedDuration::from_millis(1)).is_none());
        assert!(due(&new, step, false, at(10)).is_some());
        assert!(due(&new, step, false, at(10_000_000)).is_some());
        assert!(due(&new, step, true, at(1)).is_some());
    }

    #[test]
    fn once_taken_it_is_not_due_again() {
        let duty = duty();
        let step = duty.escalation.as_ref();
        let mut file = file("water");
        file.incident.ack_due_at = Some(at(10));
        file.escalate(due(&file, step, false, at(10)).unwrap(), false, at(10));
        assert!(due(&file, step, true, at(99)).is_none());
        assert_eq!(file.incident.version, 1, "whoever is about to sign is not disturbed");
    }
}
