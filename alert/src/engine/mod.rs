//! The engine: the tasks that read, page, escalate and feed around the pure cores.
//!
//! | task | reads | writes |
//! |---|---|---|
//! | [`pulses`] | `topics.pulse` from its own position | incident, events, pages, feed and position, in one transaction |
//! | [`clocks`] | incidents to which time has something to do, and once a minute all that are open; the duty roster | escalation and deadlines, their pages; by [`roster`], pages about the roster; what silences ([`quiet`]) kept back, the end of a storm, drills ([`drill`]) |
//! | [`sender`] | pages that are due | digests and pages that go over; what is spent of a quota; the channel; then, by [`delivery`], the page's mark and the incident's history |
//! | [`feed`] | the feed table | `incidents`; then the rows are deleted |
//! | [`upkeep`] | `crawl.reports` from its own position, and the time | how sources stand, alerts, pages and position, in one transaction |
//! | [`deadman`] | whether a canary comes out, what is measured of stages and disk | canaries, alerts about Wanglou itself, the daily message; the heartbeat |
//! | [`audit`] | `audit` from its own position | the audit record and the position, in one transaction |
//!
//! They run while this process is active: [`keeper`] holds the lease and runs them. Each of their transactions is fenced by
//! [`Desk::begin`].
//!
//! What a crash at any point does: before a commit, the pulse is read again; between commit and sending, the page is found
//! waiting; between sending and marking, it is sent again with the same key; between append and deletion, a record of
//! `incidents` is appended twice. Nothing is lost. A database that can't take it now (a full disk) holds the tasks up and
//! is tried again; it never makes them skip.

pub mod acts;
pub mod audit;
pub mod clocks;
pub mod deadman;
pub mod delivery;
pub mod desk;
pub mod drill;
pub mod feed;
pub mod keeper;
pub mod link;
pub mod paging;
pub mod plan;
pub mod pulses;
pub mod quiet;
mod reach;
pub mod roster;
pub mod sender;
mod storm;
mod tail;
pub mod upkeep;

pub use desk::Desk;
pub use plan::Plan;

use jiff::Timestamp;
use schemas::kit::{backoff::Backoff, shutdown::Shutdown};
use std::{sync::Arc, time::Duration};

/// What time it is: a value that is passed in, so that tests can move it.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock on the wall.
#[must_use]
pub fn wall_clock() -> Clock {
    Arc::new(Timestamp::now)
}

const BACKOFF: Backoff = Backoff { first: Duration::from_millis(200), longest: Duration::from_secs(10) };

/// Tries until it succeeds (`Some`) or the stage stops (`None`). What it does is held up meanwhile, never skipped.
pub(crate) async fn insist<T, E: std::fmt::Display, F: Future<Output = Result<T, E>>>(
    what: &'static str,
    shutdown: &Shutdown,
    work: impl Fn() -> F,
) -> Option<T> {
    for failures in 1.. {
        match work().await {
            Ok(done) => return Some(done),
            Err(error) => tracing::error!(what, failures, %error, "held up; trying again"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return None,
            () = tokio::time::sleep(BACKOFF.wait(failures, rand::random())) => {}
        }
    }
    None
}
