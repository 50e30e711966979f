//! What signing from a phone needs: the key that links are signed with, people's PINs, and how often a link was tried in vain.
//! PINs are stored as PHC strings, links as hashes: neither can be used when read.

use super::{Records, RecordsError, Tx, millis, text};
use jiff::Timestamp;
use sqlx::Row;

impl Records {
    /// What is kept under a name; `otherwise` is kept, once and for all processes, where there is nothing yet.
    ///
    /// # Errors
    /// When the database cannot answer or take it.
    pub async fn secret(&self, name: &str, otherwise: &str) -> Result<String, RecordsError> {
        let mut tx = self.begin().await?;
        sqlx::query("INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING")
            .bind(name)
            .bind(otherwise)
            .execute(&mut *tx.tx)
            .await?;
        let row = sqlx::query("SELECT value FROM secrets WHERE name = $1").bind(name).fetch_one(&mut *tx.tx).await?;
        let value = row.try_get("value")?;
        tx.commit().await?;
        Ok(value)
    }

    /// Somebody's PIN as a PHC string.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn pin(&self, name: &str) -> Result<Option<String>, RecordsError> {
        let row =
            sqlx::query("SELECT pin FROM pins WHERE name = $1").bind(text(name)).fetch_optional(&self.pool).await?;
        Ok(row.map(|row| row.try_get("pin")).transpose()?)
    }

    /// Who has a PIN, by name.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn with_pin(&self) -> Result<Vec<String>, RecordsError> {
        let rows = sqlx::query("SELECT name FROM pins ORDER BY name").fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("name")?)).collect()
    }

    /// How many wrong PINs were given with a link.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn wrong_tries(&self, link: &str) -> Result<u32, RecordsError> {
        let row =
            sqlx::query("SELECT wrong FROM link_tries WHERE link = $1").bind(link).fetch_optional(&self.pool).await?;
        let wrong: i64 = row.map_or(Ok(0), |row| row.try_get("wrong"))?;
        Ok(u32::try_from(wrong).unwrap_or(u32::MAX))
    }

    /// How often an incident was reopened.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn reopenings(&self, incident: &str) -> Result<u16, RecordsError> {
        reopenings(sqlx::query(REOPENINGS).bind(text(incident)).fetch_one(&self.pool).await)
    }
}

const REOPENINGS: &str = "SELECT COUNT(*) AS n FROM events WHERE incident = $1 AND action = 'reopened'";

fn reopenings(row: Result<sqlx::any::AnyRow, sqlx::Error>) -> Result<u16, RecordsError> {
    let count: i64 = row?.try_get("n")?;
    Ok(u16::try_from(count).unwrap_or(u16::MAX))
}

impl Tx {
    /// Sets somebody's PIN, a PHC string.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn set_pin(&mut self, name: &str, pin: &str, at: Timestamp) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO pins (name, pin, set_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO UPDATE SET pin = excluded.pin, set_at = excluded.set_at",
        )
        .bind(text(name))
        .bind(pin)
        .bind(millis(at))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Counts a wrong PIN that was given with a link, and forgets links that have ended.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn wrong_try(&mut self, link: &str, expires_at: Timestamp, now: Timestamp) -> Result<(), RecordsError> {
        sqlx::query("DELETE FROM link_tries WHERE expires_at <= $1").bind(millis(now)).execute(&mut *self.tx).await?;
        sqlx::query(
            "INSERT INTO link_tries (link, wrong, expires_at) VALUES ($1, 1, $2)
             ON CONFLICT (link) DO UPDATE SET wrong = link_tries.wrong + 1",
        )
        .bind(link)
        .bind(millis(expires_at))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// How often an incident was reopened.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn reopenings(&mut self, incident: &str) -> Result<u16, RecordsError> {
        reopenings(sqlx::query(REOPENINGS).bind(text(incident)).fetch_one(&mut *self.tx).await)
    }
}
