//! The audit record, beside a running service or without one: what `wanglou audit` does.

use crate::records::{Chain, Link, Records, RecordsError};
use jiff::Timestamp;
use schemas::{
    kit::{auth::Caller, settings::Settings},
    records::{AuditEntry, Record},
};

impl std::str::FromStr for Link {
    type Err = String;

    /// From `NUMBER:HASH`, as `wanglou audit verify` prints it.
    fn from_str(text: &str) -> Result<Self, String> {
        let link = text.split_once(':').and_then(|(seq, hash)| {
            let is_hash = hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
            let seq = seq.parse().ok().filter(|seq| *seq > 0)?;
            is_hash.then(|| Self { seq, hash: hash.to_owned() })
        });
        link.ok_or_else(|| {
            format!(
                "{text:?} is no link of the audit record: wanted is NUMBER:HASH as `wanglou audit verify` printed it"
            )
        })
    }
}

impl std::fmt::Display for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.seq, self.hash)
    }
}

/// What somebody did, and to what, as it stands on the audit record.
pub(crate) fn entry(by: &Caller, action: &str, object: &str, detail: &str, at: Timestamp) -> AuditEntry {
    AuditEntry {
        v: AuditEntry::VERSION,
        at,
        who: by.name.clone(),
        role: by.role,
        action: action.to_owned(),
        object: object.to_owned(),
        detail: detail.to_owned(),
    }
}

/// Reckons the chain of the audit record again; it must pass through `known`, if one is known.
///
/// # Errors
/// When the records cannot be read.
pub async fn verify(settings: &Settings, known: Option<&Link>) -> Result<Chain, RecordsError> {
    let records = Records::open(settings).await?;
    let chain = records.verify_audit(known).await;
    records.close().await;
    chain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_as_it_is_written() {
        let link = Link { seq: 17, hash: "0123456789abcdef".repeat(4) };
        assert_eq!(link.to_string().parse(), Ok(link.clone()));
        for wrong in ["", "17", "0:00", "x:00", &format!("17:{}", "G".repeat(64)), &format!("0:{}", link.hash)] {
            assert!(wrong.parse::<Link>().unwrap_err().contains("NUMBER:HASH"), "{wrong}");
        }
    }
}
