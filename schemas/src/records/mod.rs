//! The records that travel on the log, one file each.
//!
//! On the wire a record is one JSON object with a version `"v"`. Versions roll: a reader ignores keys that it does not
//! know, so a new optional key needs no new version; `v` rises only when an old reader would misunderstand the record,
//! and then the old reader sets it aside ([`DecodeError::TooNew`]) instead of guessing.
//!
//! Golden fixtures of every version ever written are kept in `schemas/fixtures/` and read by the tests; the JSON Schema
//! files in `schemas/json/` are generated from these types and checked against them.

mod analyzed;
mod audit;
mod control;
mod corrected;
mod crawl;
mod door;
mod gone;
mod incident;
mod post;
mod pulse;
mod rejected;
mod understood;

pub use analyzed::{AnalyzedPost, Label, Sentiment, Tone, ToneProbability, Verdict};
pub use audit::AuditEntry;
pub use control::{Control, ControlValue, Correction, UnitNamed};
pub use corrected::{Corrected, CorrectedField, Judged};
pub use crawl::{ClosedGap, CrawlOutcome, CrawlReport, LAG_BOUNDS, LagCount, Span, lag_bucket};
pub use door::{DoorPost, DoorReply, FieldFault, MAX_LINE_BYTES, MAX_TEXT_BYTES, is_web_link};
pub use gone::{Gone, RawRecord};
pub use incident::{
    Clock, Delivery, DeliveryState, Event, Incident, IncidentRecord, Level, Pause, State, UnitProposal,
};
pub use post::{CANARY_SOURCE, Counts, Kind, Precision, RawPost, Reply, Via, post_id};
pub use pulse::{Forecast, Phase, Pulse, Sample, Spike, TopicKind, TopicRef, Window};
pub use rejected::Rejected;
pub use understood::{Category, PlaceFound, PlaceKind, UnitProposed};

use serde::{Serialize, de::DeserializeOwned};
use std::cell::RefCell;

/// A record of the log: it has a version and is JSON on the wire.
pub trait Record: Serialize + DeserializeOwned {
    /// The version that this program writes, and the newest that it understands.
    const VERSION: u16;

    /// The name of the record, as in `schemas/json/NAME.json`.
    const NAME: &'static str;

    /// The version that this value was written with.
    fn version(&self) -> u16;

    /// Encodes the record as it stands on the wire.
    fn encode(&self) -> bytes::Bytes {
        /// A buffer of this size stays with its thread.
        const KEPT: usize = 64 << 10;
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        // Written where there is room, then copied once: what stays in memory is as large as the record, and nothing is grown step by step.
        // A record that is encoded within another's encoding finds no buffer and takes one of its own.
        let mut buffer = BUFFER.take();
        buffer.clear();
        // A record holds only strings, numbers, lists and maps with string keys: serde_json cannot fail on those.
        let encoded = match serde_json::to_writer(&mut buffer, self) {
            Ok(()) => bytes::Bytes::copy_from_slice(&buffer),
            Err(_) => bytes::Bytes::new(),
        };
        if buffer.capacity() <= KEPT {
            BUFFER.set(buffer);
        }
        encoded
    }

    /// Reads a record from the wire.
    ///
    /// # Errors
    /// [`DecodeError::TooNew`] when a newer program wrote it, [`DecodeError::Malformed`] when it is no such record.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        #[derive(serde::Deserialize)]
        struct Head {
            v: u16,
        }
        let (found, result) = match serde_json::from_slice::<Self>(bytes) {
            Ok(record) => (record.version(), Ok(record)),
            Err(error) => (
                serde_json::from_slice::<Head>(bytes).map_or(0, |head| head.v),
                Err(DecodeError::Malformed(error.to_string())),
            ),
        };
        if found > Self::VERSION { Err(DecodeError::TooNew { found, known: Self::VERSION }) } else { result }
    }
}

/// Why bytes are not a record that this program can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// A newer program wrote it in a way that this one would misunderstand.
    #[error("version {found} is newer than the {known} that this program knows: upgrade this stage")]
    TooNew {
        /// The version on the wire.
        found: u16,
        /// The newest version that this program knows.
        known: u16,
    },
    /// It is no JSON of this shape.
    #[error("not a record of this kind: {0}")]
    Malformed(String),
}

macro_rules! record {
    ($type:ty, $name:literal, $version:literal) => {
        impl super::Record for $type {
            const VERSION: u16 = $version;
            const NAME: &'static str = $name;
            fn version(&self) -> u16 {
                self.v
            }
        }
    };
}
use record;
