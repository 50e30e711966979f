//! What a stage looks like from outside: its part of the API, whether it is ready, and the task that runs it.

use axum::Router;
use std::{fmt, sync::Arc};
use tokio::task::JoinHandle;

/// A running stage. The binary starts stages, serves their routers, and ends when one of them ends.
pub struct Service {
    /// `ingest`, `analyze` or `alert`.
    pub name: &'static str,
    /// Its part of the API, guarded by role.
    pub router: Router,
    /// Whether it can do its work now.
    pub ready: Ready,
    /// Runs until shutdown; an error before that is fatal and says what to do.
    pub task: JoinHandle<anyhow::Result<()>>,
}

/// Whether a stage can do its work now: `Err` says what is missing.
#[derive(Clone)]
pub struct Ready {
    check: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
    own: bool,
}

impl Ready {
    /// A readiness that is asked for each time.
    pub fn new(check: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self { check: Arc::new(check), own: true }
    }

    /// The readiness of a service that runs in another process: it is told, and this process is ready without it.
    pub fn elsewhere(check: impl Fn() -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self { check: Arc::new(check), own: false }
    }

    /// Asks.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self) -> Result<(), String> {
        (self.check)()
    }

    /// Whether it is of this process.
    #[must_use]
    pub fn is_own(&self) -> bool {
        self.own
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ready({:?})", self.check())
    }
}
