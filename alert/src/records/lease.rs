//! The lease's row, and the fence: see [`crate::lease`] for what is decided by it.

use super::{Records, RecordsError, Tx, millis, time};
use crate::lease::{self, Candidate, Epoch, Outcome, Stored};
use sqlx::Row;

impl Records {
    /// Asks for the lease, for somebody who is active in an epoch or stands by.
    ///
    /// # Errors
    /// When the database cannot answer: nothing is known then.
    pub async fn claim(&self, candidate: &Candidate, ours: Option<Epoch>) -> Result<Outcome, RecordsError> {
        let mut tx = self.begin_on(&self.lease).await?;
        let stored = tx.lease().await?;
        let outcome = lease::judge(&stored, candidate, ours);
        if let Some(epoch) = outcome.epoch() {
            sqlx::query("UPDATE lease SET epoch = $1, holder = $2, ends_at = $3 WHERE name = 'alert'")
                .bind(epoch)
                .bind(&candidate.name)
                .bind(millis(lease::end(&stored, candidate)))
                .execute(&mut *tx.tx)
                .await?;
            tx.commit().await?;
        }
        Ok(outcome)
    }

    /// Gives the lease back: another may take over at once. Does nothing when it is not ours any more.
    ///
    /// # Errors
    /// When the database cannot take it: the lease runs out then.
    pub async fn give_back(&self, ours: Epoch) -> Result<(), RecordsError> {
        sqlx::query("UPDATE lease SET holder = '' WHERE name = 'alert' AND epoch = $1")
            .bind(ours)
            .execute(&self.lease)
            .await?;
        Ok(())
    }

    /// Begins a change of the process that is active in this epoch. Until it is done nobody else changes anything, and nobody
    /// takes over.
    ///
    /// # Errors
    /// [`RecordsError::Fenced`] when another has taken over; or when the database cannot take it now.
    pub async fn begin_in(&self, ours: Epoch) -> Result<Tx, RecordsError> {
        let mut tx = self.begin().await?;
        let stored = tx.lease().await?;
        if stored.epoch == ours { Ok(tx) } else { Err(RecordsError::Fenced { ours, theirs: stored.epoch }) }
    }
}

impl Tx {
    async fn lease(&mut self) -> Result<Stored, RecordsError> {
        let row = sqlx::query(self.dialect.lease()).fetch_one(&mut *self.tx).await?;
        Ok(Stored {
            epoch: row.try_get("epoch")?,
            holder: row.try_get("holder")?,
            ends_at: time(row.try_get("ends_at")?),
            now: time(row.try_get("now")?),
        })
    }
}
