//! Storms: they begin with the incidents that open, end by the time, and are remembered in the records, so that a crash neither ends
//! nor repeats one. What is decided is in [`crate::quiet::storm`].

use super::{Desk, paging::tell};
use crate::{
    outbox::{Minor, Reason},
    quiet::storm::{EVERY, Storm, Turn},
    records::{RecordsError, Tx},
};
use jiff::Timestamp;
use schemas::{kit::metrics, records::Incident};
use std::collections::HashMap;

/// The name under which it is remembered.
const NAME: &str = "storm";
/// So many open incidents are counted and sorted.
const MOST: u32 = 2_000;
/// Before what is merged, behind what is red.
const URGENCY: u8 = 2;

impl Desk {
    /// Looks whether a storm begins or is over, within a change.
    ///
    /// # Errors
    /// When the database could not take it.
    pub(super) async fn look_for_storm(&self, tx: &mut Tx, now: Timestamp) -> Result<bool, RecordsError> {
        let rules = self.plan.storm;
        let storm: Option<Storm> = tx.state::<Option<Storm>>(NAME).await?.flatten();
        let (from, to) = (now.saturating_sub(rules.within), now.saturating_add(rules.within));
        let opened = tx.opened_between(from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX)).await?;
        let turn = rules.turn(storm.is_some(), opened);
        metrics::ALERT_STORM.set(match turn {
            Turn::Begins => 1,
            Turn::Over => 0,
            Turn::Stays => storm.is_some().into(),
        });
        let (storm, reason) = match (turn, storm) {
            (Turn::Stays, _) | (Turn::Over, None) => return Ok(false),
            (Turn::Begins, _) => {
                let begun = Storm { since: now };
                tx.save_state(NAME, &Some(&begun)).await?;
                tracing::warn!(opened, "a storm of incidents begins: pages of the lower levels are merged");
                (begun, Reason::Storm)
            }
            (Turn::Over, Some(storm)) => {
                tx.save_state::<Option<Storm>>(NAME, &None).await?;
                tracing::warn!(since = %storm.since, "the storm of incidents is over");
                (storm, Reason::StormOver)
            }
        };
        let open: Vec<Incident> = tx.open_files(MOST).await?.into_iter().map(|file| file.incident).collect();
        let open: Vec<Incident> = open.into_iter().filter(|incident| !incident.drill).collect();
        let lasted = now.duration_since(storm.since).as_mins();
        let body = |key: &str| match reason {
            Reason::Storm => self.style.storm_body(key, reason.as_str(), opened, &open, rules.within.as_mins()),
            _ => self.style.storm_over_body(key, reason.as_str(), &open, lasted),
        };
        let what = storm.since.as_millisecond().to_string();
        tell(tx, (reason, &what, URGENCY), &self.plan.channels, body, now).await?;
        Ok(true)
    }

    /// Lets a storm end by the time.
    ///
    /// # Errors
    /// When the database could not take it.
    pub(super) async fn calm_storm(&self) -> Result<(), RecordsError> {
        if self.records.state::<Option<Storm>>(NAME).await?.flatten().is_none() {
            metrics::ALERT_STORM.set(0);
            return Ok(());
        }
        let mut tx = self.begin().await?;
        if self.look_for_storm(&mut tx, self.now()).await? {
            tx.commit().await?;
            self.wake();
        }
        Ok(())
    }

    /// What pages of the lower levels get in each channel now, while there is a storm; empty while there is none.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn minor(&self, now: Timestamp) -> Result<HashMap<String, Minor>, RecordsError> {
        if self.records.state::<Option<Storm>>(NAME).await?.flatten().is_none() {
            return Ok(HashMap::new());
        }
        let last = self.records.last_minor(now.checked_sub(EVERY).unwrap_or(Timestamp::MIN)).await?;
        let minor = |channel: &String| match last.get(channel) {
            Some(last) if now.duration_since(*last).abs() < EVERY => Minor::Held,
            _ => Minor::OneMessage,
        };
        Ok(self.plan.channels.iter().map(|channel| (channel.clone(), minor(channel))).collect())
    }
}
