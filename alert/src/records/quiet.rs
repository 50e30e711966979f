//! Silences, and what the engine remembers of itself.

use super::{Records, RecordsError, Tx, json, millis, text, unjson};
use crate::quiet::silence::Silence;
use jiff::Timestamp;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, any::AnyRow};

fn silence(row: &AnyRow) -> Result<Silence, RecordsError> {
    let n: i64 = row.try_get("n")?;
    unjson(&format!("silence {n}"), row.try_get("body")?)
}

impl Records {
    /// Silences, the youngest first; `active` leaves out those that are over.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn silences(&self, active: bool, most: u32) -> Result<Vec<Silence>, RecordsError> {
        let rows = sqlx::query("SELECT n, body FROM silences WHERE settled <= $1 ORDER BY n DESC LIMIT $2")
            .bind(i64::from(!active))
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(silence).collect()
    }

    /// What the engine remembers under a name.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn state<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, RecordsError> {
        let row = sqlx::query("SELECT body FROM engine_state WHERE name = $1")
            .bind(text(name))
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| unjson(name, row.try_get("body")?)).transpose()
    }

    /// When each channel was last sent, or is about to be sent, a message of a lower level than the second: a page alone or a digest.
    /// Channels that had none since an instant are left out.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn last_minor(
        &self,
        since: Timestamp,
    ) -> Result<std::collections::HashMap<String, Timestamp>, RecordsError> {
        let rows = sqlx::query(
            "SELECT channel, MAX(at) AS at FROM (
                 SELECT channel, sent_at AS at FROM pages
                 WHERE sent_at >= $1 AND state = 'sent' AND digest IS NULL AND urgency > 2
                 UNION ALL
                 SELECT channel, created_at AS at FROM pages
                 WHERE created_at >= $1 AND sent_at IS NULL AND reason = 'digest' AND urgency > 2) AS minor GROUP BY channel",
        )
        .bind(millis(since))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| Ok((row.try_get("channel")?, super::time(row.try_get("at")?)))).collect()
    }

    /// When the page was written down that waits for the longest time.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn oldest_page(&self) -> Result<Option<Timestamp>, RecordsError> {
        let row = sqlx::query("SELECT MIN(created_at) AS at FROM pages WHERE state = 'pending'")
            .fetch_one(&self.pool)
            .await?;
        Ok(row.try_get::<Option<i64>, _>("at")?.map(super::time))
    }

    /// How many pages were sent and how many given up since an instant, by when they were written down; those that another channel took over
    /// count as neither.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn pages_since(&self, since: Timestamp) -> Result<(i64, i64), RecordsError> {
        let row = sqlx::query(
            "SELECT COALESCE(SUM(CASE WHEN state = 'sent' THEN 1 ELSE 0 END), 0) AS sent,
                    COALESCE(SUM(CASE WHEN state = 'failed' AND passed_to IS NULL THEN 1 ELSE 0 END), 0) AS failed
             FROM pages WHERE created_at >= $1",
        )
        .bind(millis(since))
        .fetch_one(&self.pool)
        .await?;
        Ok((row.try_get("sent")?, row.try_get("failed")?))
    }
}

impl Tx {
    /// Silences that are not over, or of which it is not yet told what they kept back; the first first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn silences(&mut self) -> Result<Vec<Silence>, RecordsError> {
        let rows =
            sqlx::query("SELECT n, body FROM silences WHERE settled = 0 ORDER BY n").fetch_all(&mut *self.tx).await?;
        rows.iter().map(silence).collect()
    }

    /// A silence by its number.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn silence(&mut self, n: i64) -> Result<Option<Silence>, RecordsError> {
        let row =
            sqlx::query("SELECT n, body FROM silences WHERE n = $1").bind(n).fetch_optional(&mut *self.tx).await?;
        row.as_ref().map(silence).transpose()
    }

    /// The number of the next silence.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn next_silence(&mut self) -> Result<i64, RecordsError> {
        let row = sqlx::query("SELECT COALESCE(MAX(n), 0) + 1 AS n FROM silences").fetch_one(&mut *self.tx).await?;
        Ok(row.try_get("n")?)
    }

    /// Writes a silence; `settled` when it is over and what it kept back was told.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn save_silence(&mut self, silence: &Silence, settled: bool) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO silences (n, until, settled, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (n) DO UPDATE SET until = excluded.until, settled = excluded.settled, body = excluded.body",
        )
        .bind(silence.n)
        .bind(millis(silence.end()))
        .bind(i64::from(settled))
        .bind(json(silence))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// What the engine remembers under a name.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn state<T: DeserializeOwned>(&mut self, name: &str) -> Result<Option<T>, RecordsError> {
        let row = sqlx::query("SELECT body FROM engine_state WHERE name = $1")
            .bind(text(name))
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(|row| unjson(name, row.try_get("body")?)).transpose()
    }

    /// Remembers something under a name.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn save_state<T: Serialize + Sync>(&mut self, name: &str, state: &T) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO engine_state (name, body) VALUES ($1, $2)
             ON CONFLICT (name) DO UPDATE SET body = excluded.body",
        )
        .bind(text(name))
        .bind(json(state))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// How many incidents were opened between two instants, both included; closed ones too, and none that is only practised.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn opened_between(&mut self, from: Timestamp, to: Timestamp) -> Result<u64, RecordsError> {
        let row =
            sqlx::query("SELECT COUNT(*) AS n FROM incidents WHERE opened_at >= $1 AND opened_at <= $2 AND drill = 0")
                .bind(millis(from))
                .bind(millis(to))
                .fetch_one(&mut *self.tx)
                .await?;
        Ok(row.try_get::<i64, _>("n")?.unsigned_abs())
    }

    /// The files of incidents that are not closed, the youngest first, at most `most`.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn open_files(&mut self, most: u32) -> Result<Vec<crate::incident::File>, RecordsError> {
        self.opened_since(Timestamp::MIN, most).await
    }
}
