//! What crosses between the stages of Wanglou, and what every service needs alike.
//!
//! Three rooms:
//!
//! * [`records`]: the records that travel on the log. No I/O.
//! * [`log`]: the boundary to the log they travel on, its conformance suite, and the embedded log.
//! * [`kit`]: the service kit: settings, roles, metric names, HTTP manners, start-up and shutdown.
//!
//! This crate knows no stage: nothing here may name a crawler, an index or an incident policy.

/// The description of the whole JSON API (OpenAPI 3.1), as the gateway serves it.
pub const OPENAPI: &str = include_str!("../openapi.json");

pub mod kit;
pub mod log;
pub mod records;
