//! What is sent next, and what becomes of a page that a channel did not take.
//!
//! [`mod@choose`] says what is sent, merged or held; [`quota`] how much a channel takes; [`route`] when a page goes over to another.
//!
//! After an answer:
//!
//! | answer | age of the page | another channel takes over | outcome |
//! |---|---|---|---|
//! | success | any | | sent |
//! | refused for good | any | yes | goes over at once |
//! | refused for good | any | no | given up at once: trying again would be refused again |
//! | failed for now | at least the channel's `failover_after` | yes | goes over |
//! | failed for now | less | | tried again after 1 s, 2 s, 4 s … 5 min, each with jitter |
//! | failed for now, the channel says when | less | | tried again then, at most 10 min later |
//! | over the quota | less | | tried again when the whole channel has rested |
//! | failed for now | 12 h or more | no | given up |
//!
//! A page that is given up is shown on the incident and escalates it ([`crate::escalation`]); one that goes over is shown there with
//! the reason, and is written down anew for the other channel, under the key that a page of the same event has there: who was told
//! already is not told again.

mod choose;
mod quota;
mod route;

pub use choose::{Choice, InFlight, Limit, Minor, choose};
pub use quota::{Quota, Room, Spent};
pub use route::Route;

use jiff::{SignedDuration, Timestamp};
use schemas::{kit::backoff::Backoff, records::Level};
use std::time::Duration;

/// Why a page is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// An incident has opened.
    Opened,
    /// Its level has risen.
    Level,
    /// It rises again after an official response.
    Rebound,
    /// Nobody has signed.
    Escalation,
    /// A source is not covered.
    SourceAlert,
    /// It is covered again.
    SourceResolved,
    /// An incident is closed: for channels that keep what they were told until it is over.
    Closed,
    /// A clock will run out soon.
    ClockWarning,
    /// A clock has run out.
    ClockExpired,
    /// An incident was handed to a unit.
    Assigned,
    /// A unit has sent it back, or it was taken from the unit.
    Returned,
    /// A unit has answered.
    Answered,
    /// The duty roster: a change, a fault found in advance, a hand-over that nobody confirmed.
    Roster,
    /// Several pages in one, where there was no room for each.
    Digest,
    /// A silence is over that kept pages back.
    SilenceOver,
    /// So many incidents open at once that pages of the lower levels are merged.
    Storm,
    /// That is over.
    StormOver,
    /// A canary did not come out.
    Canary,
    /// Canaries come out again.
    CanaryOver,
    /// Wanglou itself lags, or its disk is short.
    Alarm,
    /// That is over.
    AlarmOver,
    /// The daily message.
    Daily,
}

impl Reason {
    /// The word in the message, in the API and in the key.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Level => "level",
            Self::Rebound => "rebound",
            Self::Escalation => "escalation",
            Self::SourceAlert => "source_alert",
            Self::SourceResolved => "source_resolved",
            Self::Closed => "closed",
            Self::ClockWarning => "clock_warning",
            Self::ClockExpired => "clock_expired",
            Self::Assigned => "assigned",
            Self::Returned => "returned",
            Self::Answered => "answered",
            Self::Roster => "roster",
            Self::Digest => "digest",
            Self::SilenceOver => "silence_over",
            Self::Storm => "storm",
            Self::StormOver => "storm_over",
            Self::Canary => "canary",
            Self::CanaryOver => "canary_over",
            Self::Alarm => "alarm",
            Self::AlarmOver => "alarm_over",
            Self::Daily => "daily",
        }
    }

    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Opened,
        Self::Level,
        Self::Rebound,
        Self::Escalation,
        Self::SourceAlert,
        Self::SourceResolved,
        Self::Closed,
        Self::ClockWarning,
        Self::ClockExpired,
        Self::Assigned,
        Self::Returned,
        Self::Answered,
        Self::Roster,
        Self::Digest,
        Self::SilenceOver,
        Self::Storm,
        Self::StormOver,
        Self::Canary,
        Self::CanaryOver,
        Self::Alarm,
        Self::AlarmOver,
        Self::Daily,
    ];

    /// What a person reads.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Opened => "新舆情",
            Self::Level => "升级",
            Self::Rebound => "回应后反弹",
            Self::Escalation => "催办",
            Self::ClockWarning => "即将到期",
            Self::ClockExpired => "已逾期",
            Self::Assigned => "交办",
            Self::Returned => "退回",
            Self::Answered => "单位答复",
            Self::SourceAlert => "信源告警",
            Self::SourceResolved => "信源恢复",
            Self::Closed => "办结",
            Self::Roster => "值班表",
            Self::Digest => "合并通知",
            Self::SilenceOver => "静默结束",
            Self::Storm => "舆情风暴",
            Self::StormOver => "风暴结束",
            Self::Canary => "自检失败",
            Self::CanaryOver => "自检恢复",
            Self::Alarm => "系统告警",
            Self::AlarmOver => "系统恢复",
            Self::Daily => "每日报平安",
        }
    }

    /// The same, of a word; the word itself where a newer program wrote it.
    #[must_use]
    pub fn name_of(word: &str) -> &str {
        match Self::ALL.into_iter().find(|reason| reason.as_str() == word) {
            Some(reason) => reason.name(),
            None => word,
        }
    }
}

/// How urgent a level is: 1 is red.
#[must_use]
pub fn urgency(level: Level) -> u8 {
    match level {
        Level::I => RED,
        Level::II => 2,
        Level::III => 3,
        Level::IV => 4,
    }
}

/// The level that an urgency stands for.
#[must_use]
pub fn level_of(urgency: u8) -> Level {
    match urgency {
        0 | RED => Level::I,
        2 => Level::II,
        3 => Level::III,
        _ => Level::IV,
    }
}

const RED: u8 = 1;
const GIVE_UP_AFTER: SignedDuration = SignedDuration::from_hours(12);
const LONGEST_ASKED: Duration = Duration::from_secs(600);
const BACKOFF: Backoff = Backoff { first: Duration::from_secs(1), longest: Duration::from_secs(300) };

/// A page that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// Its key.
    pub key: String,
    /// The channel.
    pub channel: String,
    /// 1 is red.
    pub urgency: u8,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was written down.
    pub created_at: Timestamp,
    /// Not before this.
    pub next_at: Timestamp,
    /// Whether it stands for others.
    pub is_digest: bool,
    /// Why it was not taken last.
    pub last_error: Option<String>,
}

/// A channel took a page.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// Whom of several it does not reach all the same, and why.
    pub but: Option<String>,
}

/// Why a channel did not take a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It may take it later.
    #[error("{reason}")]
    ForNow {
        /// What it answered.
        reason: String,
        /// When it asked to be tried again.
        after: Option<Duration>,
    },
    /// It takes nothing from us for a while.
    #[error("{reason}")]
    Throttled {
        /// What it answered.
        reason: String,
        /// How long the whole channel rests.
        rest: Duration,
    },
    /// It will never take it.
    #[error("{0}")]
    ForGood(String),
}

/// What becomes of a page that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Tried again.
    Again(Timestamp),
    /// Another channel takes over.
    GoesOver,
    /// Given up.
    GivenUp,
}

/// Decides it. `attempts` counts the one that just failed; `patience` is how long the page is this channel's, where another one
/// takes over then; `jitter` lies between 0 and 1.
#[must_use]
pub fn fate(
    failure: &Failure,
    created_at: Timestamp,
    attempts: u32,
    patience: Option<SignedDuration>,
    now: Timestamp,
    jitter: f64,
) -> Fate {
    let asked = match failure {
        Failure::ForGood(_) => return if patience.is_some() { Fate::GoesOver } else { Fate::GivenUp },
        Failure::ForNow { after, .. } => *after,
        Failure::Throttled { rest, .. } => Some(*rest),
    };
    let age = now.duration_since(created_at);
    match patience {
        Some(patience) if age >= patience => return Fate::GoesOver,
        None if age >= GIVE_UP_AFTER => return Fate::GivenUp,
        _ => {}
    }
    let wait = asked.map_or_else(|| BACKOFF.wait(attempts, jitter), |asked| asked.min(LONGEST_ASKED));
    Fate::Again(now.checked_add(wait).unwrap_or(now))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    pub(crate) fn page(key: &str, channel: &str, urgency: u8, created: i64) -> Waiting {
        Waiting {
            key: key.into(),
            channel: channel.into(),
            urgency,
            attempts: 0,
            created_at: at(created),
            next_at: at(created),
            is_digest: false,
            last_error: None,
        }
    }

    #[test]
    fn levels_and_urgencies_are_one() {
        for level in [Level::I, Level::II, Level::III, Level::IV] {
            assert_eq!(level_of(urgency(level)), level);
        }
        assert_eq!((level_of(0), level_of(9)), (Level::I, Level::IV));
    }

    /// The module's table, a row each.
    #[test]
    fn what_becomes_of_a_failure() {
        let for_now = |after| Failure::ForNow { reason: "HTTP 503".into(), after };
        let for_good = Failure::ForGood("HTTP 404".into());
        let throttled = Failure::Throttled { reason: "45009".into(), rest: Duration::from_secs(60) };
        let hours = 3600;
        let alone = |failure: &Failure, attempts, now| fate(failure, at(0), attempts, None, at(now), 1.0);
        assert_eq!(alone(&for_good, 1, 1), Fate::GivenUp);
        assert_eq!(alone(&for_now(None), 1, 1), Fate::Again(at(2)));
        assert_eq!(alone(&for_now(None), 3, 1), Fate::Again(at(5)));
        assert_eq!(alone(&for_now(None), 30, 1), Fate::Again(at(301)));
        assert_eq!(alone(&for_now(Some(Duration::from_secs(60))), 1, 1), Fate::Again(at(61)));
        assert_eq!(alone(&for_now(Some(Duration::MAX)), 1, 1), Fate::Again(at(601)));
        assert_eq!(alone(&throttled, 5, 1), Fate::Again(at(61)));
        assert_eq!(alone(&for_now(None), 99, 12 * hours - 1), Fate::Again(at(12 * hours + 299)));
        assert_eq!(alone(&for_now(None), 99, 12 * hours), Fate::GivenUp);
        let with = |failure: &Failure, now| fate(failure, at(0), 1, Some(SignedDuration::from_mins(10)), at(now), 1.0);
        assert_eq!(with(&for_good, 1), Fate::GoesOver);
        assert_eq!(with(&for_now(None), 599), Fate::Again(at(600)));
        assert_eq!(with(&for_now(None), 600), Fate::GoesOver);
        assert_eq!(with(&throttled, 599), Fate::Again(at(659)));
        assert_eq!(with(&throttled, 600), Fate::GoesOver);
    }
}
