//! What channels' quotas were spent on.

use super::{Records, RecordsError, Tx, json, text, unjson};
use crate::outbox::Spent;
use sqlx::Row;
use std::collections::HashMap;

impl Records {
    /// What every channel's quota was spent on lately.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn quotas(&self) -> Result<HashMap<String, Spent>, RecordsError> {
        let rows = sqlx::query("SELECT channel, body FROM channel_quotas").fetch_all(&self.pool).await?;
        rows.iter()
            .map(|row| {
                let channel: String = row.try_get("channel")?;
                let spent = unjson(&channel, row.try_get("body")?)?;
                Ok((channel, spent))
            })
            .collect()
    }
}

impl Tx {
    /// What a channel's quota was spent on lately.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn quota(&mut self, channel: &str) -> Result<Spent, RecordsError> {
        let row = sqlx::query("SELECT body FROM channel_quotas WHERE channel = $1")
            .bind(text(channel))
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map_or_else(|| Ok(Spent::default()), |row| unjson(channel, row.try_get("body")?))
    }

    /// Keeps what a channel's quota was spent on.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn save_quota(&mut self, channel: &str, spent: &Spent) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO channel_quotas (channel, body) VALUES ($1, $2)
             ON CONFLICT (channel) DO UPDATE SET body = excluded.body",
        )
        .bind(text(channel))
        .bind(json(spent))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
