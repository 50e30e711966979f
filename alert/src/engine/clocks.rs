//! What time alone does to incidents: once a second the rungs and clocks whose time has come, once a minute a look at all that is open.
//! Every ten seconds the rosters are looked at ([`super::roster`]).
//!
//! The look (the watchdog) proves that nothing is forgotten, whatever happened to the process or to the clock: of every open incident it computes anew
//! when time has something to do to it, and compares that with what stands in the database.
//!
//! | found | outcome |
//! |---|---|
//! | it agrees, and lies ahead or at most a minute back | nothing |
//! | more than a minute back | counted as overdue, and logged: ticks do not get through |
//! | it disagrees with the database | counted, and written anew |
//! | a rung that a clock gone back has put off | waits its full time from now ([`crate::escalation`]) |
//! | a new incident without a chain, as an earlier version wrote it | its chain begins: due when it was to be signed |

use super::Desk;
use crate::{
    clock::{self, Happening, Told},
    escalation::Why,
    incident::{File, PROGRAM},
    outbox::Reason,
    records::{RecordsError, Tx},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{metrics, shutdown::Shutdown},
    records::State,
};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::time::MissedTickBehavior;

const TICK: Duration = Duration::from_secs(1);
/// How many ticks pass between two looks.
const LOOK_EVERY: u32 = 60;
/// A rung or a clock may be so late before it counts as overdue.
const LATE: SignedDuration = SignedDuration::from_mins(1);
/// The rosters are looked at every so many ticks.
const ROSTERS: u32 = 10;

/// Ticks until the stage stops.
pub async fn run(desk: Arc<Desk>, shutdown: Shutdown) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for tick in 0_u32.. {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if tick.is_multiple_of(LOOK_EVERY)
            && let Err(error) = desk.watch().await
        {
            tracing::error!(%error, "open incidents cannot be looked through; trying again in a minute");
        }
        if let Err(error) = desk.tick().await {
            tracing::error!(%error, "escalation and clocks are held up; trying again");
        }
        if tick.is_multiple_of(ROSTERS)
            && let Err(error) = desk.watch_rosters().await
        {
            tracing::error!(%error, "what is to be told of the rosters is held up; trying again");
        }
        match desk.records.open_incidents().await {
            Ok(open) => metrics::ALERT_OPEN.set(open),
            Err(error) => tracing::warn!(%error, "open incidents cannot be counted"),
        }
        match desk.records.pending().await {
            Ok((pending, _)) => metrics::ALERT_PENDING.set(pending),
            Err(error) => tracing::warn!(%error, "waiting pages cannot be counted"),
        }
        if let Err(error) = desk.count_source_alerts().await {
            tracing::warn!(%error, "open source alerts cannot be counted");
        }
    }
}

impl Desk {
    /// Takes the rungs whose time has come, and tells of the clocks that will run out or have.
    ///
    /// # Errors
    /// When the database could not take it.
    pub async fn tick(&self) -> Result<(), RecordsError> {
        let now = self.now();
        self.settle_silences(now).await?;
        self.calm_storm().await?;
        self.practise(now).await?;
        let due = self.records.due(self.now()).await?;
        for id in &due {
            let mut tx = self.begin().await?;
            // Somebody may have acted since it was found, and those before it have taken their time.
            let Some(mut file) = tx.incident(id).await? else { continue };
            self.pass(&mut tx, &mut file, self.now()).await?;
            tx.commit().await?;
        }
        if !due.is_empty() {
            self.wake();
        }
        Ok(())
    }

    /// Lets time take effect on an incident.
    async fn pass(&self, tx: &mut Tx, file: &mut File, now: Timestamp) -> Result<(), RecordsError> {
        if file.incident.state == State::Closed {
            return tx.save(file).await;
        }
        let rule = self.plan.rule(&file.incident.topic.id);
        let mut told = Vec::new();
        for (what, clock) in clock::pass(&mut file.incident.clocks, now) {
            let due = self.style.tz.to_datetime(clock.due_at).strftime("%m-%d %H:%M").to_string();
            let (action, text) = match what {
                Told::Warning => ("clock_warning", format!("{} 即将到期: {due}", clock.name)),
                Told::Expired => ("clock_expired", format!("{} 已逾期: {due}", clock.name)),
            };
            tracing::warn!(incident = %file.incident.id, clock = %clock.id, action, "a clock");
            file.record(now, PROGRAM, action, text);
            if what == Told::Expired {
                metrics::ALERT_CLOCKS_EXPIRED.with_label_values(&[&clock.id]).inc();
            }
            told.push((what, self.plan.clocks.is_of_unit(&clock.id), file.seq));
        }
        let rung = if file.matter.chain.as_ref().is_some_and(|chain| chain.is_due(now)) {
            rule.ladder.take(file, Why::Time, now)
        } else {
            None
        };
        let seq = file.seq;
        let over = self.end_of_quiet(tx, file, rule, now).await?;
        let over_seq = file.seq;
        let mut reasons: Vec<Reason> = told.iter().map(|(what, ..)| reason_of(*what)).collect();
        reasons.extend(rung.is_some().then_some(Reason::Escalation));
        let is_hushed = self.hush(tx, file, &reasons, now).await?;
        tx.save(file).await?;
        // Whoever was called upon hears it all from the one page.
        let mut rung = rung;
        if let Some(channels) = over {
            rung = None;
            self.page_after_quiet(tx, file, over_seq, &channels, now).await?;
        }
        if is_hushed {
            return Ok(());
        }
        for one in told {
            self.page_clock(tx, file, one, rule, now).await?;
        }
        if let Some(rung) = rung {
            let why = file.matter.chain.as_ref().map_or("unsigned", |chain| chain.waits.as_str());
            tracing::warn!(incident = %file.incident.id, seq, why, "escalated");
            metrics::ALERT_ESCALATIONS.with_label_values(&[why]).inc();
            self.page_rung(tx, file, rung, seq, rule, now).await?;
        }
        Ok(())
    }

    /// Takes the next rung because a page was given up, if that page was of the rung taken last. `false` when nothing was done, and nothing saved.
    pub(super) async fn hurry(
        &self,
        tx: &mut Tx,
        file: &mut File,
        page: u64,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let is_last = |chain: &crate::escalation::Chain| page >= chain.seq && chain.next_at.is_some();
        if file.incident.state != State::New || !file.matter.chain.as_ref().is_some_and(is_last) {
            return Ok(false);
        }
        let rule = self.plan.rule(&file.incident.topic.id);
        let Some(rung) = rule.ladder.take(file, Why::GivenUp, now) else { return Ok(false) };
        tracing::warn!(incident = %file.incident.id, "escalated: a page could not be delivered");
        metrics::ALERT_ESCALATIONS.with_label_values(&["undelivered"]).inc();
        let seq = file.seq;
        let is_hushed = self.hush(tx, file, &[Reason::Escalation], now).await?;
        tx.save(file).await?;
        if !is_hushed {
            self.page_rung(tx, file, rung, seq, rule, now).await?;
        }
        Ok(true)
    }

    /// Looks through all that is open, by the module's table. Returns how many were overdue or wrongly written down.
    ///
    /// # Errors
    /// When the database could not take it.
    pub async fn watch(&self) -> Result<usize, RecordsError> {
        let now = self.now();
        let mut found = 0;
        for (file, stored) in self.records.open_with_due().await? {
            let id = file.incident.id.clone();
            let mut right = file;
            self.mend(&mut right, now);
            let is_late = stored.is_some_and(|due| now.duration_since(due) > LATE);
            // The database keeps milliseconds.
            let is_wrong = right.next_due().map(Timestamp::as_millisecond) != stored.map(Timestamp::as_millisecond);
            if is_late {
                tracing::error!(incident = %id, due = ?stored, "its next step is overdue");
            }
            if is_wrong {
                tracing::error!(incident = %id, ?stored, due = ?right.next_due(), "its next step was not written down as it should be: mended");
                let mut tx = self.begin().await?;
                if let Some(mut file) = tx.incident(&id).await? {
                    self.mend(&mut file, now);
                    tx.save(&mut file).await?;
                    tx.commit().await?;
                }
            }
            found += usize::from(is_late || is_wrong);
        }
        self.overdue.store(found > 0, Ordering::Relaxed);
        metrics::ALERT_OVERDUE.set(i64::try_from(found).unwrap_or(i64::MAX));
        Ok(found)
    }

    fn mend(&self, file: &mut File, now: Timestamp) {
        if file.incident.state == State::New && file.matter.chain.is_none() {
            let due = file.incident.ack_due_at;
            let rule = self.plan.rule(&file.incident.topic.id);
            rule.ladder.follow(file, Happening::Opened, now);
            if let (Some(chain), Some(due)) = (&mut file.matter.chain, due) {
                chain.next_at = chain.next_at.min(Some(due.max(now)));
                file.incident.ack_due_at = Some(due);
            }
        }
        if let Some(chain) = &mut file.matter.chain {
            chain.mend(now);
        }
    }
}

fn reason_of(told: Told) -> Reason {
    match told {
        Told::Warning => Reason::ClockWarning,
        Told::Expired => Reason::ClockExpired,
    }
}
