//! The audit record: entries are added, never changed.

use super::{Records, RecordsError, Tx, json, millis, text, time, unjson};
use schemas::records::{AuditEntry, Record};
use sqlx::Row;

impl Tx {
    /// Adds an entry. The id makes a repeat harmless: `audit/0/17` for what came from the topic, a random one otherwise.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn audit(&mut self, id: &str, entry: &AuditEntry) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO audit (id, at, who, role, action, object, detail) VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (id) DO NOTHING",
        )
        .bind(id)
        .bind(millis(entry.at))
        .bind(text(&entry.who))
        .bind(json(&entry.role))
        .bind(text(&entry.action))
        .bind(text(&entry.object))
        .bind(text(&entry.detail))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}

impl Records {
    /// The youngest entries, the youngest first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn audit_entries(&self, most: u32) -> Result<Vec<AuditEntry>, RecordsError> {
        let rows =
            sqlx::query("SELECT at, who, role, action, object, detail FROM audit ORDER BY at DESC, id DESC LIMIT $1")
                .bind(i64::from(most))
                .fetch_all(&self.pool)
                .await?;
        rows.iter()
            .map(|row| {
                Ok(AuditEntry {
                    v: AuditEntry::VERSION,
                    at: time(row.try_get("at")?),
                    who: row.try_get("who")?,
                    role: unjson("an audit entry's role", row.try_get("role")?)?,
                    action: row.try_get("action")?,
                    object: row.try_get("object")?,
                    detail: row.try_get("detail")?,
                })
            })
            .collect()
    }
}
