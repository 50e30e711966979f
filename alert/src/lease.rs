//! Who is active. Of several processes over one database, one holds the lease: it reads, pages, escalates, feeds and takes what
//! people do. The others stand by.
//!
//! The lease is a row: an epoch, who holds it, and when it ends by the database's own clock, which alone decides. Its holder
//! renews it every [`RENEW`]; who takes over raises the epoch. Every transaction of the active process begins by locking
//! that row and comparing the epoch ("fencing"): one that was passed over while it slept can change nothing any more,
//! whatever it still believes. The lease's end is thus a matter of speed, the epoch one of truth.
//!
//! | we are | the row says | outcome |
//! |---|---|---|
//! | active | our epoch, run out or not | renew: nobody has taken over |
//! | active | another epoch | fenced: step down, stand by |
//! | standby | given back, or nobody's yet | take it |
//! | standby | ours, or our predecessor's who is known to be dead | take it: a restart need not wait |
//! | standby | another's, run out | take it |
//! | standby | another's, ending later than any lease lasts | take it: the database's clock was set back |
//! | standby | another's | wait |
//!
//! | what the active process gets for an answer | it is |
//! |---|---|
//! | renewed | active, certain until [`LASTS`] after it asked |
//! | none, for less than that | active |
//! | none, for longer | active, but in doubt: not ready; the database refuses or confirms it when it answers again |

use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How long a lease lasts.
pub const LASTS: Duration = Duration::from_secs(6);
/// How often it is renewed.
pub const RENEW: Duration = Duration::from_secs(2);
/// How often who stands by looks.
pub const LOOK: Duration = Duration::from_secs(1);

/// Which reign it is; it only ever rises.
pub type Epoch = i64;

/// The lease as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The epoch.
    pub epoch: Epoch,
    /// Who holds it; empty when it was given back.
    pub holder: String,
    /// When it ends.
    pub ends_at: Timestamp,
    /// What time it is there.
    pub now: Timestamp,
}

/// A process that may hold the lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name, of its own for each start.
    pub name: String,
    /// The one before it in its place, if that is known to be dead.
    pub predecessor: Option<String>,
    /// How long it wants the lease.
    pub lasts: Duration,
}

impl Candidate {
    /// A candidate with the usual lease and no predecessor.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), predecessor: None, lasts: LASTS }
    }
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Active, as before: write the new end down.
    Renew(Epoch),
    /// Active from now on, in this epoch: write it down.
    Take(Epoch),
    /// Another is active.
    Wait,
    /// Another has taken over from us.
    Fenced,
}

impl Outcome {
    /// The epoch in which we are active then.
    #[must_use]
    pub fn epoch(self) -> Option<Epoch> {
        match self {
            Self::Renew(epoch) | Self::Take(epoch) => Some(epoch),
            Self::Wait | Self::Fenced => None,
        }
    }
}

/// Decides for a candidate that is active in the epoch `ours`, or stands by.
#[must_use]
pub fn judge(stored: &Stored, candidate: &Candidate, ours: Option<Epoch>) -> Outcome {
    match ours {
        Some(ours) if ours == stored.epoch => return Outcome::Renew(ours),
        Some(_) => return Outcome::Fenced,
        None => {}
    }
    let own = stored.holder == candidate.name || candidate.predecessor.as_ref() == Some(&stored.holder);
    let left = stored.ends_at.duration_since(stored.now);
    let runs = left > SignedDuration::ZERO && left <= SignedDuration::try_from(LASTS).unwrap_or(SignedDuration::MAX);
    if stored.holder.is_empty() || own || !runs { Outcome::Take(stored.epoch + 1) } else { Outcome::Wait }
}

/// When a lease that is written now ends.
#[must_use]
pub fn end(stored: &Stored, candidate: &Candidate) -> Timestamp {
    stored.now.saturating_add(candidate.lasts).unwrap_or(stored.now)
}

/// Whether somebody whose last renewal was asked for so long ago may still be sure of the lease.
#[must_use]
pub fn is_certain(since_renewal: Duration) -> bool {
    since_renewal < LASTS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_795_000_000_000 + millis).unwrap()
    }

    fn stored(holder: &str, ends_at: i64) -> Stored {
        Stored { epoch: 7, holder: holder.into(), ends_at: at(ends_at), now: at(0) }
    }

    /// The module's tables, a row each.
    #[test]
    fn who_is_active() {
        let us = Candidate { predecessor: Some("us, before".into()), ..Candidate::new("us") };
        let judge = |holder: &str, ends_at, ours| judge(&stored(holder, ends_at), &us, ours);
        assert_eq!(judge("us", 1, Some(7)), Outcome::Renew(7));
        assert_eq!(judge("us", -99_000, Some(7)), Outcome::Renew(7));
        assert_eq!(judge("other", 6_000, Some(6)), Outcome::Fenced);
        assert_eq!(judge("", -1, Some(6)), Outcome::Fenced);
        assert_eq!(judge("", 6_000, None), Outcome::Take(8));
        assert_eq!(judge("us", 6_000, None), Outcome::Take(8));
        assert_eq!(judge("us, before", 6_000, None), Outcome::Take(8));
        assert_eq!(judge("other", 0, None), Outcome::Take(8));
        assert_eq!(judge("other", 6_001, None), Outcome::Take(8));
        assert_eq!(judge("other", 6_000, None), Outcome::Wait);
        assert_eq!(judge("other", 1, None), Outcome::Wait);
    }

    #[test]
    fn an_end_is_by_the_databases_clock() {
        assert_eq!(end(&stored("other", -5), &Candidate::new("us")), at(6_000));
    }

    #[test]
    fn who_hears_nothing_is_in_doubt() {
        assert!(is_certain(LASTS - Duration::from_millis(1)));
        assert!(!is_certain(LASTS));
    }

    /// One who can't answer is passed over within ten seconds, whatever the moment.
    #[test]
    fn the_times_fit() {
        assert!(RENEW * 2 < LASTS, "one renewal may fail");
        assert!(LASTS + LOOK <= Duration::from_secs(8));
    }

    proptest::proptest! {
        /// Whoever judges, of the row as it stands: at most one of two who stand by comes to hold each epoch.
        #[test]
        fn epochs_rise_and_have_one_holder(asks in proptest::collection::vec((0..3_usize, 0..9_000_i64), 1..200)) {
            let candidates = ["a", "b", "c"].map(Candidate::new);
            let mut row = Stored { epoch: 0, holder: String::new(), ends_at: at(0), now: at(0) };
            let mut believed: [Option<Epoch>; 3] = [None; 3];
            let mut reigns = std::collections::HashMap::new();
            for (who, later) in asks {
                row.now = at(row.now.as_millisecond() - at(0).as_millisecond() + later);
                let outcome = judge(&row, &candidates[who], believed[who]);
                believed[who] = outcome.epoch();
                if let Some(epoch) = outcome.epoch() {
                    proptest::prop_assert!(epoch >= row.epoch);
                    proptest::prop_assert_eq!(*reigns.entry(epoch).or_insert(who), who);
                    row = Stored { epoch, holder: candidates[who].name.clone(), ends_at: end(&row, &candidates[who]), now: row.now };
                }
                // What the fence lets through: those who believe in the epoch that stands there.
                let writers = believed.iter().filter(|&&epoch| epoch == Some(row.epoch)).count();
                proptest::prop_assert!(writers <= 1);
            }
        }
    }
}
