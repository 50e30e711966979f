//! Structured logs on standard error: readable on a terminal, JSON elsewhere. `RUST_LOG` chooses what is told.
//!
//! Crawled text is hostile in logs too: it may hold escape codes that rewrite a terminal. Both formats escape control
//! characters in field values; messages are constants.

use std::io::IsTerminal;
use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Starts logging. Only the first call has an effect.
pub fn start() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,tantivy=warn,html5ever=error,selectors=error,sqlx=warn,hyper=warn"));
    let registry = tracing_subscriber::registry().with(filter);
    let _ = if std::io::stderr().is_terminal() {
        registry.with(fmt::layer().with_target(false).with_writer(std::io::stderr)).try_init()
    } else {
        registry.with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr)).try_init()
    };
}
