//! Work that keeps a core busy for a while, such as reading a page, away from the threads that wait for sites.

use std::{
    num::NonZero,
    sync::{Arc, LazyLock},
    thread::available_parallelism,
};
use tokio::{
    sync::Semaphore,
    task::{JoinError, spawn_blocking},
};

/// As many at once as there are cores: more would be no faster, and each holds a page and the tree of its elements.
static CORES: LazyLock<Arc<Semaphore>> =
    LazyLock::new(|| Arc::new(Semaphore::new(available_parallelism().map_or(2, NonZero::get))));

/// Waits for a core, and works on it.
///
/// # Errors
/// When the work panicked, or the runtime ends.
pub(crate) async fn on_a_core<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, JoinError> {
    // It is never closed; and if it were, the work is worth more than the bound.
    let core = CORES.clone().acquire_owned().await;
    spawn_blocking(move || {
        let _core = core;
        work()
    })
    .await
}
