//! `control`: what people set in the console, for every stage. Compacted: the last value of a key stands.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A record of `control`. The record's key in the log is [`Control::key`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Control {
    /// Version of the record.
    pub v: u16,
    /// When it was set.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Who set it.
    pub who: String,
    /// What is set.
    pub value: ControlValue,
}

/// What can be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum ControlValue {
    /// A watch topic is defined or changed.
    Watch {
        /// The topic's id.
        id: String,
        /// Its name.
        name: String,
        /// Its query.
        query: String,
    },
    /// A watch topic is removed.
    WatchRemoved {
        /// The topic's id.
        id: String,
    },
    /// A source is paused or goes on.
    SourcePaused {
        /// The source's id.
        id: String,
        /// Whether it is paused.
        paused: bool,
    },
    /// A word is added to the user dictionary, or removed.
    Word {
        /// The word.
        word: String,
        /// Whether it stands in the dictionary.
        present: bool,
    },
}

impl Control {
    /// The key under which the log keeps the last value.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.value {
            ControlValue::Watch { id, .. } | ControlValue::WatchRemoved { id } => format!("watch/{id}"),
            ControlValue::SourcePaused { id, .. } => format!("source/{id}"),
            ControlValue::Word { word, .. } => format!("word/{word}"),
        }
    }
}

super::record!(Control, "control", 1);
