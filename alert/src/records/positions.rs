//! Where this stage stands in the topics that it reads.

use super::{Records, RecordsError, Tx};
use schemas::log::{Identity, Topic};
use sqlx::Row;

impl Records {
    /// The stored position: the log it was taken in, and the next offset of each partition.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn position(&self, topic: Topic) -> Result<Option<(Identity, Vec<u64>)>, RecordsError> {
        let rows = sqlx::query("SELECT cluster, topic_id, next FROM positions WHERE topic = $1 ORDER BY part")
            .bind(topic.name())
            .fetch_all(&self.pool)
            .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let identity = Identity { cluster: first.try_get("cluster")?, topic_id: first.try_get("topic_id")? };
        let next = rows.iter().map(|row| Ok(row.try_get::<i64, _>("next")?.unsigned_abs()));
        Ok(Some((identity, next.collect::<Result<_, sqlx::Error>>()?)))
    }
}

impl Tx {
    /// Moves the position of a partition.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn move_position(
        &mut self,
        topic: Topic,
        of: &Identity,
        part: u32,
        next: u64,
    ) -> Result<(), RecordsError> {
        sqlx::query(
            "INSERT INTO positions (topic, part, cluster, topic_id, next) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (topic, part) DO UPDATE SET cluster = excluded.cluster, topic_id = excluded.topic_id,
             next = excluded.next",
        )
        .bind(topic.name())
        .bind(i64::from(part))
        .bind(&of.cluster)
        .bind(&of.topic_id)
        .bind(next as i64)
        .execute(&mut *self.tx)
        .await?;
        Ok(())
    }
}
