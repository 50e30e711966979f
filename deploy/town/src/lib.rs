//! The demo town: a small web site with a forum in GBK and a feed in UTF-8, served on loopback and really crawled.
//!
//! It plays the outside world, so it knows nothing of Wanglou's stages; what they share is a site, as on the web. The town
//! is a world of its own clock: what is said in it is a pure function of a seed and the time ([`Town`]). It has days of
//! history ([`history()`]), ordinary life, and from twenty seconds after its start something goes wrong in it, again and
//! again: a water main breaks, gas is smelt at a school, a road caves in.
//!
//! A worse place is the [`hostile`] forum, for tests.
//!
//! Beside the site there is a [`Phone`]: it receives the pages that a webhook channel sends, and shows them.
//!
//! ```no_run
//! # async fn demo(shutdown: tokio_util::sync::CancellationToken) -> std::io::Result<()> {
//! let town = town::Town::new(2026, jiff::Timestamp::now(), 7);
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let base_url = format!("http://{}", listener.local_addr()?);
//! let config = town::sources(&base_url); // two [[source]] tables
//! let lines = town::history(&town, &base_url); // what was said before, as lines for the door
//! town::serve(listener, town, town::Phone::new(), shutdown).await
//! # }
//! ```

mod chronicle;
mod dice;
mod history;
pub mod hostile;
mod phone;
mod post;
mod rhythm;
mod scenario;
mod site;
mod sources;
mod speech;
mod streets;

pub use history::history;
pub use phone::{Page, Phone};
pub use site::{router, serve};
pub use sources::sources;

use chronicle::Chronicle;
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The town: what is said in it until any moment that somebody asks for. Clones are the same town.
#[derive(Debug, Clone)]
pub struct Town(Arc<Mutex<Chronicle>>);

impl Town {
    /// A town with so many days of history before its start. The same three values make the same town.
    ///
    /// Fractions of a second of the start are dropped. Towns with different values share no id, but for a chance of one in
    /// nine thousand: whoever wants an old town back keeps its start; a new start over an old archive lays a second history
    /// beside the first.
    #[must_use]
    pub fn new(seed: u64, start: Timestamp, history_days: u32) -> Self {
        Self(Arc::new(Mutex::new(Chronicle::new(seed, start.as_second(), history_days))))
    }

    /// The chronicle, written up to this moment.
    fn chronicle(&self, now: Timestamp) -> MutexGuard<'_, Chronicle> {
        let mut chronicle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        chronicle.write_to(now.as_second());
        chronicle
    }
}

/// A moment as a timestamp.
fn timestamp(unix: i64) -> Timestamp {
    Timestamp::from_second(unix).unwrap_or(Timestamp::UNIX_EPOCH)
}
