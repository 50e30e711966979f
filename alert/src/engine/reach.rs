//! Where a roster's pages go now, by the config and by what people changed.

use super::Desk;
use crate::{
    records::{RecordsError, Tx},
    roster::{self, Reach},
};
use jiff::Timestamp;
use schemas::kit::settings::Duty;

impl Desk {
    /// Where a roster's pages go now.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn reach(
        &self,
        tx: &mut Tx,
        duty: Option<&Duty>,
        now: Timestamp,
        escalated: bool,
    ) -> Result<Reach, RecordsError> {
        let changes = if duty.is_some() { tx.roster_changes(now).await? } else { Vec::new() };
        let (people, channels, tz) = (&self.plan.people, &self.plan.channels, &self.style.tz);
        Ok(roster::reach(duty, &changes, people, channels, now, tz, escalated))
    }

    /// Where it is told what is wrong with a roster: its own channels; where it has none, like any page.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn reach_roster(
        &self,
        tx: &mut Tx,
        duty: &Duty,
        now: Timestamp,
    ) -> Result<Vec<String>, RecordsError> {
        if duty.channels.is_empty() {
            return Ok(self.reach(tx, Some(duty), now, false).await?.channels);
        }
        Ok(duty.channels.clone())
    }
}
