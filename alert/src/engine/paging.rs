//! The pages that are written down: of an incident, and of anything else. Whom they tell says [`super::reach`].

use super::{Desk, plan::Rule};
use crate::{
    clock::Told,
    escalation::Rung,
    incident::{File, PROGRAM},
    message::noted,
    outbox::{self, Reason},
    records::{Page, RecordsError, Tx},
    roster::add,
};
use jiff::Timestamp;

/// Writes pages that tell of no incident. The key names what they tell of, so that it pages a channel once.
pub(super) async fn tell(
    tx: &mut Tx,
    (reason, what, urgency): (Reason, &str, u8),
    channels: &[String],
    body: impl Fn(&str) -> String,
    now: Timestamp,
) -> Result<(), RecordsError> {
    for channel in channels {
        let key = format!("{}/{what}/{channel}", reason.as_str());
        tx.add_page(&Page {
            incident: None,
            channel: channel.clone(),
            reason: reason.as_str().into(),
            urgency,
            body: body(&key),
            created_at: now,
            key,
        })
        .await?;
    }
    Ok(())
}

impl Desk {
    /// Saves a file, and pages whoever is to hear of its last event, if there is a reason.
    pub(super) async fn save_and_page(
        &self,
        tx: &mut Tx,
        file: &mut File,
        reason: Option<Reason>,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let Some(reason) = reason else { return tx.save(file).await };
        if self.hush(tx, file, &[reason], now).await? {
            return tx.save(file).await;
        }
        let reach = self.audience(tx, file, rule, now).await?;
        let seq = file.seq;
        if reach.gap {
            let instead = reach.channels.join(", ");
            file.record(now, PROGRAM, "roster_gap", format!("值班表此刻无人可通知, 改为通知: {instead}"));
        }
        tx.save(file).await?;
        self.write_pages(tx, file, seq, reason, &reach.channels, now).await
    }

    /// Writes the pages of a rung that was just taken. `seq` is its event.
    pub(super) async fn page_rung(
        &self,
        tx: &mut Tx,
        file: &File,
        rung: Rung<'_>,
        seq: u64,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let mut channels = match rung {
            Rung::Remind => self.reach(tx, rule.duty.as_ref(), now, false).await?.channels,
            Rung::Step(step) => self.targets(tx, step, &file.incident, now).await?,
            Rung::Again => self.everybody(tx, file, rule, now).await?,
        };
        if channels.is_empty() {
            // A step whose people cannot be reached now must not be a silence.
            channels = self.everybody(tx, file, rule, now).await?;
        }
        self.write_pages(tx, file, seq, Reason::Escalation, &channels, now).await
    }

    /// Writes the pages of a clock that will run out, or has: to the desk; of the unit's own clocks to the unit, too. `seq` is its event.
    pub(super) async fn page_clock(
        &self,
        tx: &mut Tx,
        file: &File,
        (told, of_unit, seq): (Told, bool, u64),
        rule: &Rule,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let (reason, mut channels) = match told {
            Told::Warning => (Reason::ClockWarning, self.reach(tx, rule.duty.as_ref(), now, false).await?.channels),
            Told::Expired => (Reason::ClockExpired, self.everybody(tx, file, rule, now).await?),
        };
        if of_unit {
            let theirs = match told {
                Told::Warning => self.of_units(&file.incident),
                Told::Expired => self.leaders(&file.incident),
            };
            add(&mut channels, &theirs);
        }
        self.write_pages(tx, file, seq, reason, &channels, now).await
    }

    /// Writes the pages of an incident when the silence over it has ended. `seq` is its event, whose text the pages say too.
    pub(super) async fn page_after_quiet(
        &self,
        tx: &mut Tx,
        file: &File,
        seq: u64,
        channels: &[String],
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let text = tx.event_text(&file.incident.id, seq).await?.unwrap_or_default();
        self.write_noted(tx, file, (seq, Reason::SilenceOver, &text), channels, now).await
    }

    /// Writes pages to channels. The key names the event that the page tells of, so that the same event never pages a channel under two keys.
    pub(super) async fn write_pages(
        &self,
        tx: &mut Tx,
        file: &File,
        seq: u64,
        reason: Reason,
        channels: &[String],
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        self.write_noted(tx, file, (seq, reason, ""), channels, now).await
    }

    /// The same, with a line of their own where there is one.
    async fn write_noted(
        &self,
        tx: &mut Tx,
        file: &File,
        (seq, reason, note): (u64, Reason, &str),
        channels: &[String],
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let incident = &file.incident;
        for channel in channels {
            let key = format!("{}/{seq}/{channel}", incident.id);
            let mut body = self.body(tx, &key, reason, incident, channel, now).await?;
            if !note.is_empty() {
                body = noted(&body, note);
            }
            tx.add_page(&Page {
                incident: Some(incident.id.clone()),
                channel: channel.clone(),
                reason: reason.as_str().into(),
                urgency: outbox::urgency(incident.level),
                body,
                created_at: now,
                key,
            })
            .await?;
        }
        Ok(())
    }
}
