//! What people changed of the duty roster and handed over, what was told of it, and who reads it in a calendar.

use super::{Records, RecordsError, Tx, json, millis, text, time, unjson};
use crate::roster::{Change, handover::Handover};
use jiff::{SignedDuration, Timestamp};
use sqlx::{Any, Executor, Row};
use std::collections::HashSet;

/// After this time it is forgotten what was told.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A secret address at which a calendar app reads turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CalendarFeed {
    /// Whose it is.
    pub owner: String,
    /// Whether it shows everybody's turns, and not the owner's alone.
    pub all: bool,
    /// Since when there is one.
    pub created_at: Timestamp,
}

async fn changes<'c>(on: impl Executor<'c, Database = Any>, since: Timestamp) -> Result<Vec<Change>, RecordsError> {
    let rows = sqlx::query("SELECT roster, body FROM roster_changes WHERE until > $1 ORDER BY roster, n")
        .bind(millis(since))
        .fetch_all(on)
        .await?;
    rows.iter().map(|row| unjson(row.try_get("roster")?, row.try_get("body")?)).collect()
}

async fn handovers<'c>(on: impl Executor<'c, Database = Any>, since: Timestamp) -> Result<Vec<Handover>, RecordsError> {
    let rows = sqlx::query("SELECT roster, body FROM roster_handovers WHERE at >= $1 ORDER BY roster, n")
        .bind(millis(since))
        .fetch_all(on)
        .await?;
    rows.iter().map(|row| unjson(row.try_get("roster")?, row.try_get("body")?)).collect()
}

fn feed(row: &sqlx::any::AnyRow) -> Result<CalendarFeed, RecordsError> {
    let whose: String = row.try_get("whose")?;
    Ok(CalendarFeed { owner: row.try_get("owner")?, all: whose == "all", created_at: time(row.try_get("created_at")?) })
}

impl Records {
    /// Changes of all rosters whose time ends after an instant, those that were withdrawn too, in the order of their numbers.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn roster_changes(&self, since: Timestamp) -> Result<Vec<Change>, RecordsError> {
        changes(&self.pool, since).await
    }

    /// Hand-overs of turns that ended at an instant or later, in the order of their numbers.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn handovers(&self, since: Timestamp) -> Result<Vec<Handover>, RecordsError> {
        handovers(&self.pool, since).await
    }

    /// What was told of rosters since an instant, by key.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn roster_told(&self, since: Timestamp) -> Result<HashSet<String>, RecordsError> {
        let rows =
            sqlx::query("SELECT key FROM roster_told WHERE at >= $1").bind(millis(since)).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("key")?)).collect()
    }

    /// The calendar feed of a secret address, by its hash.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn calendar_feed(&self, hash: &str) -> Result<Option<CalendarFeed>, RecordsError> {
        let row = sqlx::query("SELECT owner, whose, created_at FROM calendar_feeds WHERE hash = $1")
            .bind(text(hash))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(feed).transpose()
    }

    /// Somebody's calendar feed.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn calendar_feed_of(&self, owner: &str) -> Result<Option<CalendarFeed>, RecordsError> {
        let row = sqlx::query("SELECT owner, whose, created_at FROM calendar_feeds WHERE owner = $1")
            .bind(text(owner))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(feed).transpose()
    }
}

impl Tx {
    /// See [`Records::roster_changes`].
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn roster_changes(&mut self, since: Timestamp) -> Result<Vec<Change>, RecordsError> {
        changes(&mut *self.tx, since).await
    }

    /// See [`Records::handovers`].
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn handovers(&mut self, since: Timestamp) -> Result<Vec<Handover>, RecordsError> {
        handovers(&mut *self.tx, since).await
    }

    /// A change by its number.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn roster_change(&mut self, roster: &str, n: i64) -> Result<Option<Change>, RecordsError> {
        let row = sqlx::query("SELECT body FROM roster_changes WHERE roster = $1 AND n = $2")
            .bind(text(roster))
            .bind(n)
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(|row| unjson(roster, row.try_get("body")?)).transpose()
    }

    /// A hand-over by its number.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn handover(&mut self, roster: &str, n: i64) -> Result<Option<Handover>, RecordsError> {
        let row = sqlx::query("SELECT body FROM roster_handovers WHERE roster = $1 AND n = $2")
            .bind(text(roster))
            .bind(n)
            .fetch_optional(&mut *self.tx)
            .await?;
        row.map(|row| unjson(roster, row.try_get("body")?)).transpose()
    }

    /// The number of a roster's next change.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn next_change(&mut self, roster: &str) -> Result<i64, RecordsError> {
        let row = sqlx::query("SELECT COALESCE(MAX(n), 0) + 1 AS n FROM roster_changes WHERE roster = $1")
            .bind(text(roster))
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(row.try_get("n")?)
    }

    /// The number of a roster's next hand-over.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn next_handover(&mut self, roster: &str) -> Result<i64, RecordsError> {
        let row = sqlx::query("SELECT COALESCE(MAX(n), 0) + 1 AS n FROM roster_handovers WHERE roster = $1")
            .bind(text(roster))
            .fetch_one(&mut *self.tx)
            .await?;
        Ok(row.try_get("n")?)
    }

    /// Writes a change down, or what has become of it.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn save_roster_change(&mut self, change: &Change) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO roster_changes (roster, n, until, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (roster, n) DO UPDATE SET until = excluded.until, body = excluded.body",
        )
        .bind(text(&change.roster))
        .bind(change.n)
        .bind(millis(change.until()))
        .bind(json(change))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Writes a hand-over down, or that it was confirmed.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn save_handover(&mut self, handover: &Handover) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO roster_handovers (roster, n, at, body) VALUES ($1, $2, $3, $4)
             ON CONFLICT (roster, n) DO UPDATE SET at = excluded.at, body = excluded.body",
        )
        .bind(text(&handover.roster))
        .bind(handover.n)
        .bind(millis(handover.at))
        .bind(json(handover))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Notes that something is told of a roster, and forgets what was told long ago; `false` when it was told before.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn tell_of_roster(&mut self, key: &str, at: Timestamp) -> Result<bool, RecordsError> {
        let long_ago = at.checked_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        sqlx::query("DELETE FROM roster_told WHERE at < $1").bind(millis(long_ago)).execute(&mut *self.tx).await?;
        let done = sqlx::query("INSERT INTO roster_told (key, at) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING")
            .bind(text(key))
            .bind(millis(at))
            .execute(&mut *self.tx)
            .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Makes somebody's calendar feed; the one that they had before leads nowhere from now on.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn set_calendar_feed(&mut self, feed: &CalendarFeed, hash: &str) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO calendar_feeds (owner, hash, whose, created_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (owner) DO UPDATE SET hash = excluded.hash, whose = excluded.whose, created_at = excluded.created_at",
        )
        .bind(text(&feed.owner))
        .bind(hash)
        .bind(if feed.all { "all" } else { "mine" })
        .bind(millis(feed.created_at))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Revokes somebody's calendar feed; `false` when there was none.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn revoke_calendar_feed(&mut self, owner: &str) -> Result<bool, RecordsError> {
        let done =
            sqlx::query("DELETE FROM calendar_feeds WHERE owner = $1").bind(text(owner)).execute(&mut *self.tx).await?;
        Ok(done.rows_affected() == 1)
    }
}
