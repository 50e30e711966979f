//! A channel's quota: a bucket of tokens, each of which comes back a little more than a minute after it was spent.
//!
//! A bucket that fills at a steady rate lets twice its size through within some minute; a robot that shuts out for ten minutes whoever
//! sends one too many wants none such. So it is kept when each token was spent, and no minute sees more than the quota. A
//! message may arrive some seconds after it was sent: that is what the little more is for.
//!
//! A token is spent, durably, before the message is sent: whoever takes over after a crash knows what was spent.
//!
//! | | red pages | others |
//! |---|---|---|
//! | tokens | all that are there | all but a quarter (at least one), which is kept for red ones |
//! | while the channel rests | none | none |
//!
//! | kind | within a minute | within a second |
//! |---|---|---|
//! | `wecom`, `dingtalk` | 20 | |
//! | `feishu` | 100 | 5 |
//! | others | no limit, unless `per_minute` sets one | |
//!
//! A clock that jumps back does not lock a channel up: what would lie more than a minute ahead, or a rest that would last longer than any
//! does, is not believed.

use jiff::{SignedDuration, Timestamp};
use schemas::kit::settings::{Channel, ChannelKind};
use serde::{Deserialize, Serialize};

const MINUTE: SignedDuration = SignedDuration::from_secs(65);
const SECOND: SignedDuration = SignedDuration::from_millis(1_500);
/// The longest rest that a channel asks for.
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(10);

/// How much a channel takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Messages within a minute.
    pub per_minute: usize,
    /// Messages within a second, where that is limited too.
    pub per_second: Option<usize>,
}

/// How many messages may be sent now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Red ones.
    pub red: usize,
    /// Of those that are left when the red ones are sent, so many are kept for further red ones.
    pub kept: usize,
}

impl Room {
    /// No limit.
    pub const ENDLESS: Self = Self { red: usize::MAX, kept: 0 };

    /// How many others may be sent beside so many red ones.
    #[must_use]
    pub fn others(self, red: usize) -> usize {
        self.red.saturating_sub(red).saturating_sub(self.kept)
    }
}

impl Quota {
    /// The quota of a config's channel; none where there is no limit.
    #[must_use]
    pub fn of(channel: &Channel) -> Option<Self> {
        let (usual, per_second) = match channel.kind {
            ChannelKind::Wecom | ChannelKind::DingTalk => (Some(20), None),
            ChannelKind::Feishu => (Some(100), Some(5)),
            ChannelKind::Webhook | ChannelKind::Mail | ChannelKind::Gateway | ChannelKind::Alertmanager => (None, None),
        };
        let per_minute = channel.per_minute.or(usual)?;
        Some(Self { per_minute: usize::try_from(per_minute).unwrap_or(usize::MAX), per_second })
    }

    fn kept_for_red(self) -> usize {
        self.per_minute.div_ceil(4).min(self.per_minute.saturating_sub(1))
    }
}

/// What a channel's quota was spent on lately, and until when it rests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    #[serde(default)]
    at: Vec<Timestamp>,
    #[serde(default)]
    rests_until: Option<Timestamp>,
}

impl Spent {
    /// How much may be sent now.
    #[must_use]
    pub fn room(&self, quota: Option<Quota>, now: Timestamp) -> Room {
        let rests = self.rests_until.is_some_and(|until| {
            let left = until.duration_since(now);
            left.is_positive() && left <= LONGEST_REST
        });
        let Some(quota) = quota else { return if rests { Room { red: 0, kept: 0 } } else { Room::ENDLESS } };
        let within = |time| self.at.iter().filter(|at| now.duration_since(**at).abs() < time).count();
        let mut free = quota.per_minute.saturating_sub(within(MINUTE));
        if let Some(per_second) = quota.per_second {
            free = free.min(per_second.saturating_sub(within(SECOND)));
        }
        // A second's limit is over in a second: nothing of it is kept.
        let kept = quota.kept_for_red().min(quota.per_second.map_or(usize::MAX, |_| 1));
        Room { red: if rests { 0 } else { free }, kept }
    }

    /// Spends tokens.
    pub fn spend(&mut self, tokens: usize, now: Timestamp) {
        self.at.retain(|at| now.duration_since(*at).abs() < MINUTE);
        self.at.extend(std::iter::repeat_n(now, tokens));
    }

    /// Lets the channel rest.
    pub fn rest(&mut self, until: Timestamp) {
        self.rests_until = Some(until);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(1_795_000_000_000 + millisecond).unwrap()
    }

    const TWENTY: Quota = Quota { per_minute: 20, per_second: None };

    fn quota(rest: &str) -> Option<Quota> {
        Quota::of(&toml::from_str(&format!("id = \"c\"\nurl = \"http://h/\"\n{rest}")).unwrap())
    }

    #[test]
    fn every_kind_has_its_own() {
        assert_eq!(quota("kind = \"dingtalk\""), Some(TWENTY));
        assert_eq!(quota("kind = \"feishu\""), Some(Quota { per_minute: 100, per_second: Some(5) }));
        assert_eq!(quota("kind = \"webhook\""), None);
        assert_eq!(quota("kind = \"webhook\"\nper_minute = 6"), Some(Quota { per_minute: 6, per_second: None }));
    }

    #[test]
    fn a_token_comes_back_a_minute_after_it_was_spent() {
        let mut spent = Spent::default();
        assert_eq!(spent.room(Some(TWENTY), at(0)), Room { red: 20, kept: 5 });
        assert_eq!(spent.room(Some(TWENTY), at(0)).others(0), 15);
        spent.spend(15, at(0));
        spent.spend(3, at(30_000));
        assert_eq!(spent.room(Some(TWENTY), at(64_999)).red, 2);
        assert_eq!(spent.room(Some(TWENTY), at(64_999)).others(0), 0, "these are for red ones");
        assert_eq!(spent.room(Some(TWENTY), at(65_000)).red, 17);
        assert_eq!(spent.room(None, at(0)), Room::ENDLESS);
    }

    #[test]
    fn a_channel_that_rests_takes_nothing() {
        let mut spent = Spent::default();
        spent.rest(at(60_000));
        for quota in [Some(TWENTY), None] {
            assert_eq!(spent.room(quota, at(59_999)).red, 0);
            assert!(spent.room(quota, at(60_000)).red >= 20);
        }
    }

    #[test]
    fn a_clock_that_jumps_back_locks_nothing_up() {
        let mut spent = Spent::default();
        spent.spend(20, at(3_600_000));
        spent.rest(at(3_600_000 + 600_000));
        assert_eq!(spent.room(Some(TWENTY), at(3_600_000)).red, 0);
        assert_eq!(spent.room(Some(TWENTY), at(0)).red, 20);
        spent.spend(20, at(0));
        assert_eq!(spent.room(Some(TWENTY), at(0)).red, 0);
        assert_eq!(spent.room(Some(TWENTY), at(65_000)).red, 20);
    }

    proptest! {
        /// However messages come, no minute sees more than the quota, nor a second more than its own.
        #[test]
        fn no_minute_sees_more(steps in proptest::collection::vec((0..20_000_i64, 0..30_usize), 1..60), limited in any::<bool>()) {
            let quota = Quota { per_minute: 20, per_second: limited.then_some(5) };
            let (mut spent, mut now, mut sent) = (Spent::default(), 0, Vec::new());
            for (wait, wanted) in steps {
                now += wait;
                let tokens = wanted.min(spent.room(Some(quota), at(now)).red);
                spent.spend(tokens, at(now));
                sent.extend(std::iter::repeat_n(now, tokens));
            }
            for from in &sent {
                let within = |time| sent.iter().filter(|at| **at >= *from && **at < from + time).count();
                prop_assert!(within(60_000) <= 20);
                prop_assert!(!limited || within(1_000) <= 5);
            }
        }
    }
}
