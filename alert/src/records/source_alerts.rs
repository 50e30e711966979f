//! How sources stand that are in trouble, and the alerts that told of it.

use super::{Records, RecordsError, Tx, json, millis, text, time, unjson};
use crate::upkeep::{Alert, Standing, trouble::Kind};
use jiff::Timestamp;
use sqlx::{Row, any::AnyRow};
use std::collections::BTreeMap;

const COLUMNS: &str = "id, message, kind, source, name, since, alerted_at, resolved_at, reason";

/// None for an alert of a kind that a newer program made.
fn alert(row: &AnyRow) -> Result<Option<Alert>, sqlx::Error> {
    let Some(kind) = Kind::parse(row.try_get("kind")?) else { return Ok(None) };
    Ok(Some(Alert {
        id: row.try_get("id")?,
        group: row.try_get("message")?,
        kind,
        source: row.try_get("source")?,
        name: row.try_get("name")?,
        since: time(row.try_get("since")?),
        alerted_at: time(row.try_get("alerted_at")?),
        resolved_at: row.try_get::<Option<i64>, _>("resolved_at")?.map(time),
        reason: row.try_get("reason")?,
    }))
}

fn alerts(rows: &[AnyRow]) -> Result<Vec<Alert>, RecordsError> {
    let alerts: Result<Vec<_>, _> = rows.iter().map(alert).collect();
    Ok(alerts?.into_iter().flatten().collect())
}

impl Records {
    /// How the sources stand that are in trouble.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn standings(&self) -> Result<BTreeMap<String, Standing>, RecordsError> {
        let rows = sqlx::query("SELECT source, body FROM source_standings").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let source: String = row.try_get("source")?;
                let standing = unjson(&source, row.try_get("body")?)?;
                Ok((source, standing))
            })
            .collect()
    }

    /// Alerts, the youngest first; `open` leaves out those that are over.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn source_alerts(&self, open: bool, most: u32) -> Result<Vec<Alert>, RecordsError> {
        let only = if open { "WHERE resolved_at IS NULL" } else { "" };
        let query = format!("SELECT {COLUMNS} FROM source_alerts {only} ORDER BY alerted_at DESC, id DESC LIMIT $1");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(i64::from(most)).fetch_all(&self.pool).await?;
        alerts(&rows)
    }

    /// Alerts that have begun or ended since a moment, itself included; the oldest change first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn source_alerts_since(&self, since: Timestamp, most: u32) -> Result<Vec<Alert>, RecordsError> {
        let query =
            format!("SELECT {COLUMNS} FROM source_alerts WHERE changed_at >= $1 ORDER BY changed_at, id LIMIT $2");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(millis(since))
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
        alerts(&rows)
    }

    /// How many alerts are open, by kind.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn open_source_alerts(&self) -> Result<BTreeMap<Kind, i64>, RecordsError> {
        let rows = sqlx::query("SELECT kind, COUNT(*) AS n FROM source_alerts WHERE resolved_at IS NULL GROUP BY kind")
            .fetch_all(&self.pool)
            .await?;
        let mut counts = BTreeMap::new();
        for row in &rows {
            if let Some(kind) = Kind::parse(row.try_get("kind")?) {
                counts.insert(kind, row.try_get("n")?);
            }
        }
        Ok(counts)
    }
}

impl Tx {
    /// Writes how a source stands; a source that is well is forgotten.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn save_standing(&mut self, source: &str, standing: Option<&Standing>) -> Result<(), RecordsError> {
        match standing.filter(|standing| !standing.is_well()) {
            Some(standing) => {
                sqlx::query(
                    "INSERT INTO source_standings (source, body) VALUES ($1, $2)
                     ON CONFLICT (source) DO UPDATE SET body = excluded.body",
                )
                .bind(text(source))
                .bind(json(standing))
                .execute(&mut *self.tx)
                .await?;
            }
            None => {
                sqlx::query("DELETE FROM source_standings WHERE source = $1")
                    .bind(text(source))
                    .execute(&mut *self.tx)
                    .await?;
            }
        }
        Ok(())
    }

    /// Writes an alert down. One that is known already changes nothing.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn open_source_alert(&mut self, alert: &Alert) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO source_alerts (id, message, kind, source, name, since, alerted_at, resolved_at, changed_at, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $7, $8) ON CONFLICT (id) DO NOTHING",
        )
        .bind(text(&alert.id))
        .bind(text(&alert.group))
        .bind(alert.kind.as_str())
        .bind(text(&alert.source))
        .bind(text(&alert.name))
        .bind(millis(alert.since))
        .bind(millis(alert.alerted_at))
        .bind(text(&alert.reason))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Marks an alert as over.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn resolve_source_alert(&mut self, id: &str, at: Timestamp) -> Result<(), RecordsError> {
        sqlx::query("UPDATE source_alerts SET resolved_at = $2, changed_at = $2 WHERE id = $1 AND resolved_at IS NULL")
            .bind(text(id))
            .bind(millis(at))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// The alerts of a kind that are open.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn open_alerts_of(&mut self, kind: Kind) -> Result<Vec<Alert>, RecordsError> {
        let query = format!("SELECT {COLUMNS} FROM source_alerts WHERE kind = $1 AND resolved_at IS NULL ORDER BY id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(kind.as_str()).fetch_all(&mut *self.tx).await?;
        alerts(&rows)
    }

    /// The alerts that one message told of.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn alerts_of(&mut self, group: &str) -> Result<Vec<Alert>, RecordsError> {
        let query = format!("SELECT {COLUMNS} FROM source_alerts WHERE message = $1 ORDER BY since, id");
        let rows = sqlx::query(sqlx::AssertSqlSafe(query)).bind(text(group)).fetch_all(&mut *self.tx).await?;
        alerts(&rows)
    }
}
