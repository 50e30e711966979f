//! Who did what, for the audit record.

use jiff::Timestamp;
use schemas::{
    kit::auth::Caller,
    log::{LogError, NewRecord, SharedLog, Topic},
    records::{AuditEntry, Record},
};

/// An entry as of now.
pub(crate) fn entry(caller: Caller, action: &str, object: &str, detail: String) -> AuditEntry {
    AuditEntry {
        v: AuditEntry::VERSION,
        at: Timestamp::now(),
        who: caller.name,
        role: caller.role,
        action: action.to_owned(),
        object: object.to_owned(),
        detail,
    }
}

/// Puts it on the record, for what must not be done without.
pub(crate) async fn append(log: &SharedLog, entry: &AuditEntry) -> Result<(), LogError> {
    let record = NewRecord { partition: 0, key: None, value: entry.encode() };
    log.append(Topic::Audit, vec![record]).await.map(drop)
}

/// Puts it on the record, for what is only looked at: a log that cannot take it neither fails nor slows a search.
pub(crate) async fn audit(log: SharedLog, entry: AuditEntry) {
    if let Err(error) = append(&log, &entry).await {
        tracing::error!(%error, who = entry.who, action = entry.action, "it could not be put on the audit record");
    }
}
