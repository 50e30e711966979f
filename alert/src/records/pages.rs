//! The outbox.

use super::{Records, RecordsError, Tx, millis, text, time};
use crate::outbox::{Reason, Waiting};
use jiff::Timestamp;
use schemas::records::{Delivery, DeliveryState};
use sqlx::{Row, any::AnyRow};

// What the sender asks after every message. However many pages have been sent, and however many wait, it reads an index
// (migration 0011) and the few pages that it is to choose from.
const WAITING_CHANNELS: &str = "SELECT DISTINCT channel FROM pages WHERE state = 'pending' AND digest IS NULL";
const WAITING: &str = "SELECT key, channel, reason, urgency, attempts, last_error, created_at, next_at FROM pages
    WHERE state = 'pending' AND digest IS NULL AND channel = $1 AND next_at <= $2 ORDER BY urgency, created_at, key LIMIT $3";
const STUCK: &str = "SELECT key, channel, reason, urgency, attempts, last_error, created_at, next_at FROM pages
    WHERE state = 'pending' AND digest IS NULL AND channel = $1 AND created_at <= $2 AND attempts > 0
    ORDER BY urgency, created_at, key LIMIT $3";
const PENDING: &str = "SELECT COUNT(*) AS n, MIN(next_at) AS due FROM pages WHERE state = 'pending' AND digest IS NULL";

/// A page as it is written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The idempotency key.
    pub key: String,
    /// The incident's id; none for a page about sources.
    pub incident: Option<String>,
    /// The channel's id.
    pub channel: String,
    /// Why it is sent.
    pub reason: String,
    /// 1 is red.
    pub urgency: u8,
    /// What is sent, the same at every try.
    pub body: String,
    /// When it was written down.
    pub created_at: Timestamp,
}

fn waiting(row: &AnyRow) -> Result<Waiting, sqlx::Error> {
    Ok(Waiting {
        key: row.try_get("key")?,
        channel: row.try_get("channel")?,
        urgency: row.try_get::<i64, _>("urgency")?.clamp(1, 9) as u8,
        attempts: row.try_get::<i64, _>("attempts")?.clamp(0, i64::from(u32::MAX)) as u32,
        created_at: time(row.try_get("created_at")?),
        next_at: time(row.try_get("next_at")?),
        is_digest: row.try_get::<&str, _>("reason")? == Reason::Digest.as_str(),
        last_error: row.try_get("last_error")?,
    })
}

fn page(row: &AnyRow) -> Result<Page, sqlx::Error> {
    Ok(Page {
        key: row.try_get("key")?,
        incident: row.try_get("incident")?,
        channel: row.try_get("channel")?,
        reason: row.try_get("reason")?,
        urgency: row.try_get::<i64, _>("urgency")?.clamp(1, 9) as u8,
        body: row.try_get("body")?,
        created_at: time(row.try_get("created_at")?),
    })
}

fn state(word: &str) -> DeliveryState {
    match word {
        "sent" => DeliveryState::Sent,
        "failed" => DeliveryState::Failed,
        _ => DeliveryState::Pending,
    }
}

impl Records {
    /// The channels that pages wait for.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn waiting_channels(&self) -> Result<Vec<String>, RecordsError> {
        let rows = sqlx::query(WAITING_CHANNELS).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Ok(row.try_get("channel")?)).collect()
    }

    /// The pages that are due in a channel and in no digest, the most urgent first, at most `most`.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn waiting(&self, channel: &str, now: Timestamp, most: u32) -> Result<Vec<Waiting>, RecordsError> {
        let rows = sqlx::query(WAITING)
            .bind(text(channel))
            .bind(millis(now))
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(waiting).collect::<Result<_, _>>()?)
    }

    /// Pages that a channel has not taken though they were tried, written down at a time or before it: the oldest first, whether
    /// they are due or not.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn stuck(&self, channel: &str, before: Timestamp, most: u32) -> Result<Vec<Waiting>, RecordsError> {
        let rows = sqlx::query(STUCK)
            .bind(text(channel))
            .bind(millis(before))
            .bind(i64::from(most))
            .fetch_all(&self.pool)
            .await?;
        Ok(rows.iter().map(waiting).collect::<Result<_, _>>()?)
    }

    /// How many pages wait (those in a digest with it, as one), and when the next one is due.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn pending(&self) -> Result<(i64, Option<Timestamp>), RecordsError> {
        let row = sqlx::query(PENDING).fetch_one(&self.pool).await?;
        Ok((row.try_get("n")?, row.try_get::<Option<i64>, _>("due")?.map(time)))
    }

    /// A page, if it still waits, and in no digest.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn page(&self, key: &str) -> Result<Option<Page>, RecordsError> {
        let row = sqlx::query(
            "SELECT key, incident, channel, reason, urgency, body, created_at FROM pages
             WHERE key = $1 AND state = 'pending' AND digest IS NULL",
        )
        .bind(key)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(page).transpose()?)
    }

    /// The pages of an incident, the first first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn deliveries(&self, incident: &str) -> Result<Vec<Delivery>, RecordsError> {
        let rows = sqlx::query(
            "SELECT key, channel, reason, state, attempts, last_error, digest, passed_to, created_at, sent_at FROM pages
             WHERE incident = $1 ORDER BY created_at, key",
        )
        .bind(text(incident))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(Delivery {
                    key: row.try_get("key")?,
                    channel: row.try_get("channel")?,
                    reason: row.try_get("reason")?,
                    state: state(row.try_get("state")?),
                    attempts: row.try_get::<i64, _>("attempts")?.clamp(0, i64::from(u32::MAX)) as u32,
                    last_error: row.try_get("last_error")?,
                    digest: row.try_get("digest")?,
                    then: row.try_get("passed_to")?,
                    created_at: time(row.try_get("created_at")?),
                    sent_at: row.try_get::<Option<i64>, _>("sent_at")?.map(time),
                })
            })
            .collect()
    }
}

impl Tx {
    /// Writes a page down. A key that is known already changes nothing.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn add_page(&mut self, page: &Page) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO pages (key, incident, channel, reason, urgency, body, state, attempts, created_at, next_at)
             VALUES ($1, $2, $3, $4, $5, $6, 'pending', 0, $7, $7) ON CONFLICT (key) DO NOTHING",
        )
        .bind(&page.key)
        .bind(&page.incident)
        .bind(&page.channel)
        .bind(&page.reason)
        .bind(i64::from(page.urgency))
        .bind(&page.body)
        .bind(millis(page.created_at))
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }

    /// Marks a waiting page: the channel said success. `false` when it does not wait any more.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn page_sent(&mut self, key: &str, at: Timestamp) -> Result<bool, RecordsError> {
        let done = sqlx::query(
            "UPDATE pages SET state = 'sent', sent_at = $2, attempts = attempts + 1, last_error = NULL
             WHERE key = $1 AND state = 'pending'",
        )
        .bind(key)
        .bind(millis(at))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Notes why a waiting page was not taken, and when it is tried again; never where that is `None`.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn page_failed(
        &mut self,
        key: &str,
        error: &str,
        again: Option<Timestamp>,
    ) -> Result<bool, RecordsError> {
        let done = sqlx::query(
            "UPDATE pages SET state = $2, last_error = $3, attempts = attempts + 1, next_at = COALESCE($4, next_at)
             WHERE key = $1 AND state = 'pending'",
        )
        .bind(key)
        .bind(if again.is_some() { "pending" } else { "failed" })
        .bind(text(error))
        .bind(again.map(millis))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Where a page stands; none that was never written down.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn page_state(&mut self, key: &str) -> Result<Option<DeliveryState>, RecordsError> {
        let row = sqlx::query("SELECT state FROM pages WHERE key = $1").bind(key).fetch_optional(&mut *self.tx).await?;
        Ok(row.map(|row| Ok::<_, sqlx::Error>(state(row.try_get("state")?))).transpose()?)
    }

    /// Notes why a channel did not take a waiting page, and who takes over. It is in no digest any more. `false` when it does not
    /// wait any more.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn page_passed_on(&mut self, key: &str, error: &str, to: &str) -> Result<bool, RecordsError> {
        let done = sqlx::query(
            "UPDATE pages SET state = 'failed', last_error = $2, passed_to = $3, digest = NULL
             WHERE key = $1 AND state = 'pending'",
        )
        .bind(key)
        .bind(text(error))
        .bind(text(to))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Puts a waiting page into a digest.
    ///
    /// # Errors
    /// [`RecordsError::Raced`] when it does not wait any more, or is in one.
    pub async fn merge_page(&mut self, key: &str, digest: &str) -> Result<(), RecordsError> {
        let done = sqlx::query("UPDATE pages SET digest = $2 WHERE key = $1 AND state = 'pending' AND digest IS NULL")
            .bind(key)
            .bind(digest)
            .execute(&mut *self.tx)
            .await?;
        if done.rows_affected() == 1 { Ok(()) } else { Err(RecordsError::Raced(key.to_owned())) }
    }

    /// The pages that wait with a digest, the most urgent first.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn merged_in(&mut self, digest: &str) -> Result<Vec<Page>, RecordsError> {
        let rows = sqlx::query(
            "SELECT key, incident, channel, reason, urgency, body, created_at FROM pages
             WHERE digest = $1 AND state = 'pending' ORDER BY urgency, created_at, key",
        )
        .bind(digest)
        .fetch_all(&mut *self.tx)
        .await?;
        Ok(rows.iter().map(page).collect::<Result<_, _>>()?)
    }

    /// The channels that were told of an incident, or are to be.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn told_channels(&mut self, incident: &str) -> Result<Vec<String>, RecordsError> {
        let rows = sqlx::query("SELECT DISTINCT channel FROM pages WHERE incident = $1 ORDER BY channel")
            .bind(text(incident))
            .fetch_all(&mut *self.tx)
            .await?;
        rows.iter().map(|row| Ok(row.try_get("channel")?)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::kit::settings::Settings;

    /// What waits is found in an index, and in the order in which it is wanted: nothing is sorted, and no page is read that is not chosen.
    #[tokio::test]
    async fn the_outbox_is_never_read_through() {
        let folder = tempfile::TempDir::new().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        let records = Records::open(&settings).await.unwrap();
        for (query, index) in [
            (WAITING_CHANNELS, "pages_waiting"),
            (WAITING, "pages_waiting (channel=?)"),
            (STUCK, "pages_waiting (channel=?)"),
            (PENDING, "pages_unsent"),
        ] {
            let explain = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
            let mut explain = sqlx::query(explain);
            for n in 0..query.matches('$').count() {
                explain = explain.bind(n as i64);
            }
            let rows = explain.fetch_all(&records.pool).await.unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.try_get("detail").unwrap()).collect();
            assert!(matches!(plan.as_slice(), [only] if only.ends_with(index)), "{query}: {plan:?}");
        }
    }
}
