//! The service kit: what every service needs alike.

pub mod apart;
pub mod auth;
pub mod backoff;
pub mod backup;
pub mod disk;
pub mod fs;
pub mod holidays;
pub mod http;
pub mod internal;
pub mod kv;
pub mod metrics;
pub mod operation;
pub mod service;
pub mod settings;
pub mod shutdown;
pub mod telemetry;
pub mod tokens;
