//! What a month's commit says beside its documents, changed in one step with them: what of the log they cover, and with which
//! understanding they were built.

use super::coverage::Coverage;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The payload of a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Payload {
    #[serde(flatten)]
    pub(super) coverage: Coverage,
    /// Older programs wrote none: such a month is better built anew.
    #[serde(default)]
    pub(super) built: Built,
}

/// With which understanding all of a month's documents were built, or with a later one: what is added later does not change it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Built {
    /// [`Understanding::version`](crate::understand::Understanding::version).
    pub(super) version: String,
    /// When that began.
    pub(super) at: Timestamp,
}

impl Built {
    /// Whether the month is to be built anew: because it was made by another version, or because somebody asked for it.
    ///
    /// | built by | asked for | due |
    /// |---|---|---|
    /// | this version | after it was built | yes: watch topics or words may have changed |
    /// | this version | before, in the request that is being worked off | no |
    /// | another version | at any time | yes |
    pub(super) fn is_due(&self, version: &str, requested_at: Timestamp) -> bool {
        self.version != version || self.at < requested_at
    }
}

impl Payload {
    pub(super) fn decode(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    pub(super) fn encode(&self) -> String {
        // Strings, numbers and times: serde_json cannot fail on them.
        serde_json::to_string(self).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_table() {
        let built = Built { version: "2".into(), at: at(100) };
        assert!(built.is_due("2", at(101)));
        assert!(!built.is_due("2", at(100)));
        assert!(built.is_due("3", at(50)));
    }

    #[test]
    fn the_payload_of_an_older_program_is_read_and_is_due() {
        let old = r#"{"log":{"cluster":"c","topic_id":"t"},"next":[3,5]}"#;
        let payload = Payload::decode(old).unwrap();
        assert_eq!(payload.coverage, Coverage::decode(old).unwrap());
        assert!(payload.built.is_due("1", Timestamp::UNIX_EPOCH));
        let now = Payload { built: Built { version: "1".into(), at: at(7) }, ..payload };
        assert_eq!(Payload::decode(&now.encode()).unwrap(), now);
        assert_eq!(
            Coverage::decode(&now.encode()).unwrap(),
            now.coverage,
            "an older program reads what this one wrote"
        );
    }
}
