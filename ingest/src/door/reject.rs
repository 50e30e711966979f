//! What a visit found and could not make a post of: kept with the reason and what was found, so that nothing is lost.

use super::line::readable;
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use schemas::records::{Record, Rejected};
use serde::Serialize;

/// Of what was found so much is kept.
const MAX_BYTES: usize = 256 << 10;

/// Something that could not become a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rejectable {
    /// Why.
    pub(crate) reason: String,
    /// What was found, as JSON.
    pub(crate) bytes: Vec<u8>,
}

impl Rejectable {
    pub(crate) fn new(reason: String, found: &impl Serialize) -> Self {
        let mut bytes = serde_json::to_vec(found).unwrap_or_default();
        bytes.truncate(MAX_BYTES);
        Self { reason: readable(&reason), bytes }
    }

    pub(super) fn record(self, source: &str, now: Timestamp) -> Rejected {
        Rejected {
            v: Rejected::VERSION,
            at: now,
            stage: "ingest".into(),
            origin: format!("source {source}"),
            reason: self.reason,
            bytes: STANDARD.encode(self.bytes),
        }
    }
}
