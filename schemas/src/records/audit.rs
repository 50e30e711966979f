//! `audit`: who did what, from every stage to alert, which keeps it.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A record of `audit`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// Version of the record.
    pub v: u16,
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The user's or token's name.
    pub who: String,
    /// The role in which it was done.
    pub role: crate::kit::auth::Role,
    /// What was done: `search`, `export`, `login`, `login_failed`, …
    pub action: String,
    /// On what: an incident's id, a source, a user.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub object: String,
    /// What a reader of the record needs beside it, such as the query.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

super::record!(AuditEntry, "audit", 1);
