//! Structured logs on standard error: readable on a terminal, JSON elsewhere. `RUST_LOG` chooses what is told.
//!
//! Crawled text is hostile in logs too: it may hold escape codes that rewrite a terminal. Both formats escape control
//! characters in field values; messages are constants.

use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Starts logging at level `info`. Only the first call has an effect.
pub fn start() {
    start_with("info");
}

/// Starts logging at a level of the caller's, unless `RUST_LOG` says otherwise. Only the first call has an effect.
pub fn start_with(level: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(format!("{level},tantivy=warn,html5ever=error,selectors=error,sqlx=warn,hyper=warn"))
    });
    let registry = tracing_subscriber::registry().with(filter);
    let _ = if std::io::stderr().is_terminal() {
        registry.with(fmt::layer().with_target(false).with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    };
}
