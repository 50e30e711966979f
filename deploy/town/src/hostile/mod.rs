//! A forum that means no harm and is a hard place all the same: the outside world as crawlers meet it on a bad day. Posts come in
//! bursts, threads are bumped and deleted while the list is being read, pages are refused, broken off or never finished,
//! and there are hours without an answer. It plays that world for tests: it remembers everything that it ever showed
//! ([`Shown`]), so that a test can tell what a crawler missed.
//!
//! | address | what |
//! |---|---|
//! | `/robots.txt` | all may be crawled |
//! | `/board?page=N` | threads, pinned ones first, then the one that was answered last |
//! | `/new?page=N` | threads, the newest first, with no word about answers |
//! | `/thread/N?page=N` | a thread and its comments, the oldest first; with `order=new` the newest first |
//! | `/feed.xml` | RSS of the newest threads; with `paged=N` page by page |
//! | `/api/posts?page=N`, `/api/timeline?max_id=N` | the newest threads as JSON, by page and by cursor |
//! | `/login` | where one is sent that is to log in |
//!
//! * `world`: what is there; `life`: what happens there; pure, the moment and the dice come in.
//! * `faults`: what goes wrong with a request; pure too. `wire` does it to the connection.
//! * `board`, `feed`, `api`: the pages. `sources`: the same pages as `[[source]]` tables.

mod api;
mod board;
mod faults;
mod feed;
mod life;
mod sources;
mod wire;
mod world;

pub use faults::Faults;
pub use life::Event;
pub use sources::Face;
pub use world::Shown;

use crate::dice::Dice;
use faults::{Fate, Load};
use jiff::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use world::World;

/// Rows and comments on a page, entries of a feed.
pub const PER_PAGE: usize = 10;

/// The forum. Clones are the same forum.
#[derive(Debug, Clone)]
pub struct Forum(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    world: World,
    faults: Faults,
    load: Load,
    dice: Dice,
}

impl Forum {
    /// A forum with three days of history, and nothing wrong with it.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let world = World::with_history(&mut dice, Timestamp::now());
        Self(Arc::new(Mutex::new(State { world, faults: Faults::default(), load: Load::default(), dice })))
    }

    /// Sets what goes wrong from now on.
    pub fn fault(&self, set: impl FnOnce(&mut Faults)) {
        set(&mut self.lock().faults);
    }

    /// Lets something happen, now.
    pub fn happen(&self, event: Event) {
        let state = &mut *self.lock();
        life::happen(event, &mut state.world, &mut state.dice, Timestamp::now());
    }

    /// Everything that it ever showed.
    #[must_use]
    pub fn shown(&self) -> Vec<Shown> {
        self.lock().world.shown()
    }

    /// How many requests came, and how many of them were spoilt.
    #[must_use]
    pub fn requests(&self) -> (u64, u64) {
        let state = self.lock();
        (state.load.requests, state.load.spoilt)
    }

    /// Serves it until `shutdown` is set.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, listener: TcpListener, shutdown: CancellationToken) -> std::io::Result<()> {
        wire::serve(self, listener, shutdown).await
    }

    /// What becomes of a request; before a later page of a list, the rows may move.
    fn fate(&self, request: &wire::Request) -> Fate {
        let state = &mut *self.lock();
        let now = Timestamp::now();
        let fate = state.load.fate(&state.faults, &request.path, now, &mut state.dice);
        if matches!(fate, Fate::Answer) && request.page > 1 && state.dice.chance(state.faults.shifts) {
            life::shift(&mut state.world, &mut state.dice, request.thread(), request.page, now);
        }
        fate
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
