//! `control`: what people set in the console, for every stage. Compacted: the last value of a key stands.

use super::{Label, PlaceFound};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

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
    /// What was understood of a post is corrected: all that is corrected of it, with what was corrected before.
    Correction(Correction),
    /// The correction of a post is taken back: what was understood stands again.
    CorrectionRemoved {
        /// The post's id.
        post: String,
    },
}

/// What a person says of a post where the program judged it wrongly. A key that is missing is not corrected; one that is null says
/// that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Correction {
    /// The post's id.
    pub post: String,
    /// Its sentiment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<Label>,
    /// The class of the matter: `一级`, `一级/二级` or `一级/二级/三级`; null: no matter of government.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub category: Option<Option<String>>,
    /// The places of ours that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub places: Option<Vec<PlaceFound>>,
    /// The unit that is to answer; null: none.
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    pub unit: Option<Option<UnitNamed>>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A unit as a person names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnitNamed {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Tells a key that is null from one that is missing.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl Control {
    /// The key under which the log keeps the last value.
    #[must_use]
    pub fn key(&self) -> String {
        match &self.value {
            ControlValue::Watch { id, .. } | ControlValue::WatchRemoved { id } => format!("watch/{id}"),
            ControlValue::SourcePaused { id, .. } => format!("source/{id}"),
            ControlValue::Word { word, .. } => format!("word/{word}"),
            ControlValue::Correction(Correction { post, .. }) | ControlValue::CorrectionRemoved { post } => {
                format!("correction/{post}")
            }
        }
    }
}

super::record!(Control, "control", 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_not_corrected_and_null_says_that_there_is_none() {
        let correction: Correction = serde_json::from_str(r#"{"post":"forum:1","category":null}"#).unwrap();
        assert_eq!((correction.category.clone(), correction.unit.clone()), (Some(None), None));
        let written = serde_json::to_value(&correction).unwrap();
        assert_eq!(written, serde_json::json!({"post": "forum:1", "category": null}));
    }

    #[test]
    fn a_correction_and_its_being_taken_back_have_one_key() {
        let control = |value| Control { v: 1, at: Timestamp::UNIX_EPOCH, who: "分析员".into(), value };
        let correction = Correction { post: "forum:1".into(), ..Correction::default() };
        assert_eq!(control(ControlValue::Correction(correction)).key(), "correction/forum:1");
        assert_eq!(control(ControlValue::CorrectionRemoved { post: "forum:1".into() }).key(), "correction/forum:1");
    }
}
