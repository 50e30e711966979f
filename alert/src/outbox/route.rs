//! What the outbox knows of a channel: its quota, and who takes over.
//!
//! | page | tried | can be sent now | waits for | outcome |
//! |---|---|---|---|---|
//! | any | | | less than the channel's `failover_after` | stays |
//! | any | yes | | as long or longer | goes over to `then` |
//! | any | no | no: no room in the quota, or the channel rests | as long or longer | goes over to `then` |
//! | any | no | yes | however long (the process was down) | tried first |
//! | any | | | there is no `then` | stays |
//!
//! Red pages have a time of their own, `failover_after_red`.

use super::{Quota, Waiting};
use jiff::{SignedDuration, Timestamp};
use schemas::kit::settings::{Channel, ChannelKind};

/// What the outbox knows of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The channel that takes over.
    pub then: Option<String>,
    /// How much it takes.
    pub quota: Option<Quota>,
    /// So many pages may stand in one digest: as many as the kind's messages have room to name.
    pub digest: usize,
    /// The same in a storm: where a message may be long, more.
    pub digest_in_storm: usize,
    /// Whether it keeps what it was told until it is told that it is over.
    pub keeps: bool,
    after: SignedDuration,
    after_red: SignedDuration,
}

impl Route {
    /// The route of a config's channel.
    #[must_use]
    pub fn of(channel: &Channel) -> Self {
        let time = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        Self {
            then: channel.then.clone(),
            quota: Quota::of(channel),
            digest: if channel.kind == ChannelKind::Gateway { 10 } else { 30 },
            digest_in_storm: match channel.kind {
                ChannelKind::Webhook | ChannelKind::Mail | ChannelKind::Alertmanager => 100,
                ChannelKind::Gateway => 10,
                ChannelKind::Wecom | ChannelKind::DingTalk | ChannelKind::Feishu => 30,
            },
            keeps: channel.kind == ChannelKind::Alertmanager,
            after: time(channel.failover_after),
            after_red: time(channel.failover_after_red),
        }
    }

    /// How long a page is this channel's; for ever where nobody takes over.
    #[must_use]
    pub fn patience(&self, urgency: u8) -> Option<SignedDuration> {
        self.then.as_ref()?;
        Some(if urgency <= super::RED { self.after_red } else { self.after })
    }

    /// Pages written down before this may have to go over; none where nobody takes over.
    #[must_use]
    pub fn looks_before(&self, now: Timestamp) -> Option<Timestamp> {
        self.then.as_ref()?;
        now.checked_sub(self.after.min(self.after_red)).ok()
    }

    /// Whether a page goes over to the next channel, by the module's table.
    #[must_use]
    pub fn gives_way(&self, page: &Waiting, can_be_sent: bool, now: Timestamp) -> bool {
        let waited = now.duration_since(page.created_at);
        self.patience(page.urgency).is_some_and(|patience| waited >= patience) && (page.attempts > 0 || !can_be_sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::tests::{at, page};

    /// The module's table, a row each.
    #[test]
    fn when_a_page_goes_over() {
        let route = |then: &str| {
            Route::of(&toml::from_str(&format!("id = \"c\"\nkind = \"webhook\"\nurl = \"http://h/\"\n{then}")).unwrap())
        };
        let with = route("then = \"d\"\n");
        let tried = |urgency, attempts| Waiting { attempts, ..page("p", "c", urgency, 0) };
        for (page, can_be_sent, now, goes) in [
            (tried(4, 3), false, 599, false),
            (tried(4, 3), false, 600, true),
            (tried(4, 3), true, 600, true),
            (tried(4, 0), false, 600, true),
            (tried(4, 0), true, 99_999, false),
            (tried(1, 1), false, 119, false),
            (tried(1, 1), false, 120, true),
            (tried(1, 0), false, 120, true),
        ] {
            assert_eq!(with.gives_way(&page, can_be_sent, at(now)), goes, "{page:?} {can_be_sent} {now}");
            assert!(!route("").gives_way(&page, can_be_sent, at(now)));
        }
        assert_eq!(with.looks_before(at(500)), Some(at(380)));
        assert_eq!(route("").looks_before(at(500)), None);
    }
}
