//! Getting pages from sites that are not ours: politely, only from where we may, and never more than we can hold.
//!
//! * [`fetch`]: a page, by all that follows; [`request`]: what is asked and what comes back; [`error`]: or why not.
//! * [`robots`]: what a site allows; [`pace`]: when it may be asked; [`breaker`]: when it had better not be; [`hosts`] keeps
//!   these for each host.
//! * [`address`]: where we may go at all; [`exchange`]: one request and its answer, bounded in time and size, with [`link`].
//! * [`drift`]: what the servers' clocks say of ours.

pub(crate) mod address;
pub(crate) mod breaker;
pub(crate) mod drift;
pub(crate) mod error;
pub(crate) mod exchange;
pub(crate) mod fetch;
pub(crate) mod hosts;
mod link;
pub(crate) mod pace;
pub(crate) mod request;
pub(crate) mod robots;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A lock whose holder panicked still guards values that are whole: each change is one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
