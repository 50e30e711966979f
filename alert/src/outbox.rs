//! What is sent next, and what becomes of a page that a channel did not take.
//!
//! Choosing, per channel:
//!
//! | in flight to the channel | waiting | sent now |
//! |---|---|---|
//! | fewer than 4 | any that are due | the most urgent first, then the oldest, up to 4 |
//! | 4 or more | red | red too, up to 4 more: a red one never waits behind others |
//! | 4 or more | none that is red | none |
//! | the same page | | never twice at once |
//!
//! After an answer:
//!
//! | answer | age of the page | outcome |
//! |---|---|---|
//! | success | any | sent |
//! | refused for good | any | given up at once: trying again would be refused again |
//! | failed for now | less than 12 h | tried again after 1 s, 2 s, 4 s … 5 min, each with jitter |
//! | failed for now, the channel says when | less than 12 h | tried again then, at most 10 min later |
//! | failed for now | 12 h or more | given up |
//!
//! A page that is given up is shown on the incident and escalates it ([`crate::escalation`]).

use jiff::{SignedDuration, Timestamp};
use schemas::{kit::backoff::Backoff, records::Level};
use std::{collections::HashSet, time::Duration};

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

const RED: u8 = 1;
const AT_ONCE: usize = 4;
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
}

/// What is under way: key and channel.
pub type InFlight = HashSet<(String, String)>;

/// The pages to send now, the most urgent first.
#[must_use]
pub fn choose<'a>(waiting: &'a [Waiting], in_flight: &InFlight, now: Timestamp) -> Vec<&'a Waiting> {
    let mut due: Vec<&Waiting> = waiting
        .iter()
        .filter(|page| page.next_at <= now && !in_flight.iter().any(|(key, _)| *key == page.key))
        .collect();
    due.sort_by(|a, b| (a.urgency, a.created_at, &a.key).cmp(&(b.urgency, b.created_at, &b.key)));
    let mut chosen: Vec<&Waiting> = Vec::new();
    for page in due {
        let busy = in_flight.iter().filter(|(_, channel)| *channel == page.channel).count()
            + chosen.iter().filter(|other| other.channel == page.channel).count();
        let room = if page.urgency == RED { 2 * AT_ONCE } else { AT_ONCE };
        if busy < room {
            chosen.push(page);
        }
    }
    chosen
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
    /// It will never take it.
    #[error("{0}")]
    ForGood(String),
}

/// What becomes of a page that was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Tried again.
    Again(Timestamp),
    /// Given up.
    GivenUp,
}

/// Decides it. `attempts` counts the one that just failed; `jitter` lies between 0 and 1.
#[must_use]
pub fn fate(failure: &Failure, created_at: Timestamp, attempts: u32, now: Timestamp, jitter: f64) -> Fate {
    let Failure::ForNow { after, .. } = failure else { return Fate::GivenUp };
    if now.duration_since(created_at) >= GIVE_UP_AFTER {
        return Fate::GivenUp;
    }
    let wait = after.map_or_else(|| BACKOFF.wait(attempts, jitter), |asked| asked.min(LONGEST_ASKED));
    Fate::Again(now.checked_add(wait).unwrap_or(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn page(key: &str, channel: &str, urgency: u8, created: i64) -> Waiting {
        Waiting {
            key: key.into(),
            channel: channel.into(),
            urgency,
            attempts: 0,
            created_at: at(created),
            next_at: at(created),
        }
    }

    fn keys(chosen: &[&Waiting]) -> Vec<String> {
        chosen.iter().map(|page| page.key.clone()).collect()
    }

    #[test]
    fn the_most_urgent_first_then_the_oldest() {
        let waiting =
            [page("a", "desk", 4, 1), page("b", "desk", 1, 3), page("c", "desk", 4, 0), page("d", "desk", 3, 2)];
        assert_eq!(keys(&choose(&waiting, &InFlight::new(), at(9))), ["b", "d", "c", "a"]);
    }

    #[test]
    fn a_red_one_never_waits_behind_others() {
        let busy: InFlight = (0..4).map(|n| (format!("blue{n}"), "desk".to_owned())).collect();
        let waiting = [page("blue4", "desk", 4, 0), page("red", "desk", 1, 5), page("other", "phone", 4, 0)];
        assert_eq!(keys(&choose(&waiting, &busy, at(9))), ["red", "other"]);
    }

    #[test]
    fn what_is_not_due_or_under_way_waits() {
        let later = Waiting { next_at: at(10), ..page("later", "desk", 1, 0) };
        let busy: InFlight = [("busy".to_owned(), "desk".to_owned())].into();
        let waiting = [later, page("busy", "desk", 1, 0)];
        assert!(choose(&waiting, &busy, at(9)).is_empty());
        assert_eq!(keys(&choose(&waiting, &busy, at(10))), ["later"]);
    }

    #[test]
    fn what_becomes_of_a_failure() {
        let for_now = |after| Failure::ForNow { reason: "HTTP 503".into(), after };
        let hours = 3600;
        assert_eq!(fate(&Failure::ForGood("HTTP 404".into()), at(0), 1, at(1), 1.0), Fate::GivenUp);
        assert_eq!(fate(&for_now(None), at(0), 1, at(1), 1.0), Fate::Again(at(2)));
        assert_eq!(fate(&for_now(None), at(0), 3, at(1), 1.0), Fate::Again(at(5)));
        assert_eq!(fate(&for_now(None), at(0), 30, at(1), 1.0), Fate::Again(at(301)));
        assert_eq!(fate(&for_now(Some(Duration::from_secs(60))), at(0), 1, at(1), 0.0), Fate::Again(at(61)));
        assert_eq!(fate(&for_now(Some(Duration::MAX)), at(0), 1, at(1), 0.0), Fate::Again(at(601)));
        assert_eq!(fate(&for_now(None), at(0), 99, at(12 * hours - 1), 1.0), Fate::Again(at(12 * hours + 299)));
        assert_eq!(fate(&for_now(None), at(0), 99, at(12 * hours), 1.0), Fate::GivenUp);
    }

    proptest! {
        /// Whatever waits, every channel's most urgent due page is sent unless the channel is full, and nothing twice.
        #[test]
        fn no_channel_starves(pages in proptest::collection::vec((0..3u8, 1..5u8, 0..20i64, 0..20i64), 0..40)) {
            let waiting: Vec<Waiting> = pages.iter().enumerate().map(|(n, &(channel, urgency, created, next))| Waiting {
                next_at: at(next),
                ..page(&n.to_string(), &channel.to_string(), urgency, created)
            }).collect();
            let chosen = choose(&waiting, &InFlight::new(), at(10));
            let mut seen = HashSet::new();
            for page in &chosen {
                prop_assert!(page.next_at <= at(10) && seen.insert(&page.key));
            }
            for channel in ["0", "1", "2"] {
                let due: Vec<_> = waiting.iter().filter(|page| page.channel == channel && page.next_at <= at(10)).collect();
                let most = due.iter().map(|page| page.urgency).min();
                let first = chosen.iter().find(|page| page.channel == channel).map(|page| page.urgency);
                prop_assert_eq!(most, first);
                let red = due.iter().filter(|page| page.urgency == RED).count();
                let sent = chosen.iter().filter(|page| page.channel == channel).count();
                prop_assert_eq!(sent, due.len().min(AT_ONCE.max(red.min(2 * AT_ONCE))));
            }
        }
    }
}
