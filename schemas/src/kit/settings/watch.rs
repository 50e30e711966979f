//! `[[watch]]`: a watch topic.

use serde::Deserialize;

/// `[[watch]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Watch {
    /// The id in addresses and records.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Substrings with AND, OR, NOT and brackets: `"停水 OR 断水 OR (水压 AND 低)"`.
    pub query: String,
}
