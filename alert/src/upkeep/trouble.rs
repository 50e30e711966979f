//! One trouble of one source: from the first sign of it to its proven end.
//!
//! | trouble | what comes | it is |
//! |---|---|---|
//! | none | a bad sign | suspected, since then |
//! | suspected or told | a bad sign | what it was; a recovery that had begun is forgotten |
//! | suspected or told | a good sign | recovering |
//! | suspected, not recovering | its time has passed | due to be told |
//! | recovering | well in two visits, for long enough | over; whoever was told is told again |
//! | recovering | anything less | what it was |
//!
//! So a source that is well every other visit is in trouble all the time and is told of once; and one blip tells nobody.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// So many visits must be good.
const GOOD_VISITS: u32 = 2;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Visits fail.
    Failing,
    /// The selectors match nothing.
    Layout,
    /// It asks for a log-in.
    Login,
    /// It has fallen silent against its own rhythm.
    Silent,
    /// Something was missed, and is not made up for.
    Gap,
    /// Nobody visits it.
    Unreported,
    /// Our clock is wrong.
    Clock,
    /// A stage of ours lags.
    Lag,
    /// Our disk is short.
    Disk,
    /// A canary of ours did not come out.
    Canary,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 10] = [
        Self::Failing,
        Self::Layout,
        Self::Login,
        Self::Silent,
        Self::Gap,
        Self::Unreported,
        Self::Clock,
        Self::Lag,
        Self::Disk,
        Self::Canary,
    ];

    /// The word in records, in the API and in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failing => "failing",
            Self::Layout => "layout",
            Self::Login => "login",
            Self::Silent => "silent",
            Self::Gap => "gap",
            Self::Unreported => "unreported",
            Self::Clock => "clock",
            Self::Lag => "lag",
            Self::Disk => "disk",
            Self::Canary => "canary",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether one good sign ends it: a gap that is closed is closed, and a report that came has come.
    fn ends_at_once(self) -> bool {
        matches!(self, Self::Gap | Self::Unreported)
    }
}

/// A trouble.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What the last bad sign said.
    pub reason: String,
    /// The alert and the message that told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// Since when it is well again, and for how many visits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    well: Option<(Timestamp, u32)>,
}

/// Under which names it was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The alert's id.
    pub alert: String,
    /// The id of the first alert of the message.
    pub group: String,
}

impl Trouble {
    /// A bad sign.
    pub fn bad(slot: &mut Option<Self>, since: Timestamp, reason: &str) {
        match slot {
            Some(trouble) => {
                trouble.well = None;
                reason.clone_into(&mut trouble.reason);
            }
            None => *slot = Some(Self { since, reason: reason.to_owned(), told: None, well: None }),
        }
    }

    /// A good sign.
    pub fn good(&mut self, at: Timestamp) {
        let (since, visits) = self.well.unwrap_or((at, 0));
        self.well = Some((since.min(at), visits.saturating_add(1)));
    }

    /// Whether the last sign was a good one.
    #[must_use]
    pub fn is_recovering(&self) -> bool {
        self.well.is_some()
    }

    /// Whether it is over.
    #[must_use]
    pub fn is_over(&self, kind: Kind, resolve_after: SignedDuration, now: Timestamp) -> bool {
        self.well.is_some_and(|(since, visits)| {
            kind.ends_at_once() || (visits >= GOOD_VISITS && now.duration_since(since) >= resolve_after)
        })
    }

    /// When it is to be told; none when it was, or is recovering.
    #[must_use]
    pub fn due_at(&self, after: SignedDuration) -> Option<Timestamp> {
        let waits = self.told.is_none() && !self.is_recovering();
        waits.then(|| self.since.saturating_add(after).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    const AFTER: SignedDuration = SignedDuration::from_secs(600);
    const WELL: SignedDuration = SignedDuration::from_secs(300);

    fn over(trouble: &Trouble, kind: Kind, second: i64) -> bool {
        trouble.is_over(kind, WELL, at(second))
    }

    /// The module's table, a row each.
    #[test]
    fn from_the_first_sign_to_the_proven_end() {
        let mut slot = None;
        Trouble::bad(&mut slot, at(0), "HTTP 503");
        assert_eq!(slot.as_ref().unwrap().due_at(AFTER), Some(at(600)));
        Trouble::bad(&mut slot, at(60), "HTTP 502");
        let trouble = slot.as_mut().unwrap();
        assert_eq!((trouble.since, trouble.reason.as_str()), (at(0), "HTTP 502"));
        trouble.good(at(100));
        assert_eq!((trouble.due_at(AFTER), over(trouble, Kind::Failing, 10_000)), (None, false), "one visit is none");
        trouble.good(at(160));
        assert!(!over(trouble, Kind::Failing, 399) && over(trouble, Kind::Failing, 400));
        Trouble::bad(&mut slot, at(200), "HTTP 503");
        let trouble = slot.as_mut().unwrap();
        assert_eq!((trouble.since, trouble.due_at(AFTER)), (at(0), Some(at(600))), "it was not over");
        trouble.told = Some(Told { alert: "a".into(), group: "a".into() });
        assert_eq!(trouble.due_at(AFTER), None);
        trouble.good(at(700));
        assert!(
            !over(trouble, Kind::Layout, 700) && over(trouble, Kind::Gap, 700) && over(trouble, Kind::Unreported, 700)
        );
    }

    #[test]
    fn every_kind_has_its_word() {
        for kind in Kind::ALL {
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        assert_eq!(Kind::parse("x"), None);
    }
}
