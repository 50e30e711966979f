//! Which posts were seen. It spares the log what it holds already.

use super::{
    catalog::{Marks, Stored},
    offsets::Covered,
    plan::Plan,
    recent::Recent,
};
use crate::seen::{Fingerprint, Hashing};
use schemas::log::Position;
use std::{
    ops::Range,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};

/// Marks that wait at most while they cannot be written, 16 MB; and how many are forgotten when there are more.
const MOST_WAITING: usize = 1 << 20;
const FORGOTTEN: usize = MOST_WAITING / 8;

/// The posts that were seen.
pub(crate) struct Seen {
    hashing: Hashing,
    plan: Plan,
    young: Mutex<Young>,
    wake: Condvar,
    /// The oldest first. Replaced as a whole: whoever looks something up holds no lock.
    runs: RwLock<Arc<[Stored]>>,
}

struct Young {
    recent: Recent,
    /// Marked, and in no run yet.
    waiting: Vec<Fingerprint>,
    /// By partition of `posts.raw`; none until it is known where to begin.
    covered: Option<Vec<Covered>>,
    stop: bool,
}

/// What is taken to be written.
pub(super) struct Batch {
    pub(super) marks: Vec<Fingerprint>,
    /// The next offset of each partition that is not covered by what was ever marked.
    pub(super) positions: Option<Vec<u64>>,
}

/// Why the keeper was woken.
pub(super) enum Woken {
    /// There is enough to write.
    Full,
    /// The time is up.
    Late,
    /// It is to end.
    Stop,
}

impl Seen {
    pub(super) fn new(kept: Marks, plan: Plan) -> Self {
        let covered = kept.positions.map(|positions| positions.into_iter().map(Covered::up_to).collect());
        let young = Young { recent: Recent::new(), waiting: Vec::new(), covered, stop: false };
        Self {
            hashing: Hashing::new(kept.seed),
            plan,
            young: Mutex::new(young),
            wake: Condvar::new(),
            runs: RwLock::new(kept.runs.into()),
        }
    }

    /// Makes the fingerprints that are known here.
    pub(crate) fn hashing(&self) -> Hashing {
        self.hashing
    }

    /// Which of these very states of posts were seen. May read the disk: it blocks.
    pub(crate) fn knows(&self, posts: &[Fingerprint]) -> Vec<bool> {
        let (mut known, mut open) = (vec![false; posts.len()], Vec::new());
        {
            let mut young = self.lock();
            for (index, &post) in posts.iter().enumerate() {
                match young.recent.knows(post) {
                    Some(answer) => known[index] = answer,
                    None => open.push(index),
                }
            }
        }
        let runs = self.runs();
        if open.is_empty() || runs.is_empty() {
            return known;
        }
        let sizes: Vec<u64> = runs.iter().map(|stored| stored.run.count()).collect();
        let ends_soon = self.plan.ends_soon(&sizes);
        let (mut found, mut ending) = (Vec::new(), Vec::new());
        for index in open {
            let post = posts[index];
            if let Some((age, content)) = look_up(&runs, post.id)
                && content == post.content
            {
                known[index] = true;
                found.push(post);
                if age == 0 && ends_soon {
                    ending.push(post);
                }
            }
        }
        let mut young = self.lock();
        found.into_iter().for_each(|post| young.recent.recall(post));
        // Still asked for: it must not go with the oldest run.
        self.wait_for_a_run(&mut young, &ending);
        known
    }

    /// Remembers posts that the log has acknowledged.
    pub(crate) fn mark(&self, posts: &[Fingerprint]) {
        self.remember(posts, |_| {});
    }

    /// Remembers posts that the log has acknowledged at these positions of `posts.raw`.
    pub(crate) fn mark_appended(&self, posts: &[Fingerprint], positions: &[Position]) {
        self.remember(posts, |covered| {
            for position in positions {
                if let Some(covered) = covered.get_mut(position.partition as usize) {
                    covered.add(position.offset..position.offset + 1);
                }
            }
        });
    }

    /// Remembers posts that were read back: all that there are between two offsets of a partition.
    pub(crate) fn mark_read(&self, posts: &[Fingerprint], partition: u32, offsets: Range<u64>) {
        self.remember(posts, |covered| {
            if let Some(covered) = covered.get_mut(partition as usize) {
                covered.add(offsets);
            }
        });
    }

    /// The next offset of each partition that is not covered by what is remembered; none in a new memory.
    pub(crate) fn positions(&self) -> Option<Vec<u64>> {
        self.lock().positions()
    }

    /// Begins a new memory at these offsets: what lies before them will not be read back.
    pub(crate) fn begin_at(&self, offsets: &[u64]) {
        self.lock().covered = Some(offsets.iter().map(|&offset| Covered::up_to(offset)).collect());
    }

    /// Whether all posts between two offsets of a partition are remembered.
    pub(crate) fn covers(&self, partition: u32, offsets: Range<u64>) -> bool {
        let young = self.lock();
        young
            .covered
            .as_ref()
            .and_then(|covered| covered.get(partition as usize))
            .is_some_and(|here| here.holds(offsets))
    }

    fn remember(&self, posts: &[Fingerprint], cover: impl FnOnce(&mut [Covered])) {
        let mut young = self.lock();
        posts.iter().for_each(|&post| young.recent.mark(post));
        cover(young.covered.as_deref_mut().unwrap_or_default());
        self.wait_for_a_run(&mut young, posts);
    }

    fn wait_for_a_run(&self, young: &mut Young, posts: &[Fingerprint]) {
        if self.plan == Plan::MEMORY_ONLY {
            return;
        }
        young.waiting.extend_from_slice(posts);
        if young.waiting.len() > MOST_WAITING {
            // They cannot be written, and the keeper says why. The oldest are forgotten.
            young.waiting.drain(..FORGOTTEN);
        }
        if young.waiting.len() >= self.plan.smallest() as usize {
            self.wake.notify_one();
        }
    }

    /// Waits until there is something to do for the keeper.
    pub(super) fn wait(&self, longest: Duration) -> Woken {
        let enough = self.plan.smallest() as usize;
        let idle = |young: &mut Young| !young.stop && young.waiting.len() < enough;
        let waited = self.wake.wait_timeout_while(self.lock(), longest, idle);
        let (young, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        match waited.timed_out() {
            _ if young.stop => Woken::Stop,
            true => Woken::Late,
            false => Woken::Full,
        }
    }

    /// Waits for a time, or until the keeper is to end.
    pub(super) fn rest(&self, pause: Duration) -> Woken {
        let waited = self.wake.wait_timeout_while(self.lock(), pause, |young| !young.stop);
        if waited.unwrap_or_else(PoisonError::into_inner).0.stop { Woken::Stop } else { Woken::Late }
    }

    /// Lets the keeper end.
    pub(super) fn stop(&self) {
        self.lock().stop = true;
        self.wake.notify_all();
    }

    /// Takes what waits to be written.
    pub(super) fn take(&self) -> Batch {
        let mut young = self.lock();
        Batch { marks: std::mem::take(&mut young.waiting), positions: young.positions() }
    }

    /// How many marks wait to be written.
    pub(super) fn waiting(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Gives back what could not be written.
    pub(super) fn give_back(&self, mut marks: Vec<Fingerprint>) {
        let mut young = self.lock();
        marks.append(&mut young.waiting);
        young.waiting = marks;
    }

    /// The runs as they are now, the oldest first.
    pub(super) fn runs(&self) -> Arc<[Stored]> {
        self.runs.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the runs.
    pub(super) fn set_runs(&self, runs: Vec<Stored>) {
        *self.runs.write().unwrap_or_else(PoisonError::into_inner) = runs.into();
    }

    fn lock(&self) -> MutexGuard<'_, Young> {
        self.young.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Young {
    fn positions(&self) -> Option<Vec<u64>> {
        Some(self.covered.as_ref()?.iter().map(Covered::next).collect())
    }
}

/// Which run knows a post, from the oldest, and the content that it was last marked with.
fn look_up(runs: &[Stored], id: u64) -> Option<(usize, u64)> {
    runs.iter().enumerate().rev().find_map(|(age, stored)| match stored.run.get(id) {
        Ok(content) => Some((age, content?)),
        Err(error) => {
            tracing::warn!(run = stored.number, %error, "what was seen cannot be read: posts may be appended again");
            None
        }
    })
}
