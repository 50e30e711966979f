//! `posts.rejected`: what could not be read, with the reason and the bytes, so that nothing is lost.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A record of `posts.rejected`. For administrators only, kept for seven days: the bytes may hold anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rejected {
    /// Version of the record.
    pub v: u16,
    /// When it was set aside.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The stage that set it aside.
    pub stage: String,
    /// Where it came from: a source, a door, or a log position.
    pub origin: String,
    /// Why, for the person who must act.
    pub reason: String,
    /// The bytes, base64.
    pub bytes: String,
}

super::record!(Rejected, "rejected", 1);
