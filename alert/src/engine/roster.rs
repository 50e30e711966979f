//! The duty roster: what people change, hand over and take over, and what is told of it in time. What is decided is in
//! [`crate::roster`].
//!
//! | what | is told to | once |
//! |---|---|---|
//! | a change is made, proposed, agreed to, withdrawn | the roster's channels, and those of whose turns it changes | each |
//! | a finding, at `report_at` or as soon as the service runs, within six hours | the roster's channels | a day |
//! | who came on has not taken over for half an hour | the roster's channels | each turn |
//!
//! A roster without channels of its own is told like any page: to whoever is on duty, else its escalation, else to all.

use super::{Desk, desk::random_key, paging::tell};
use crate::{
    audit::entry,
    outbox::Reason,
    records::{RecordsError, Tx, repeat},
    roster::{
        self, Change,
        findings::{Finding, Kind, findings},
        handover::{self, Handover},
        plan,
        rules::{self, Known, Refusal, Wanted},
        text::Step,
    },
};
use jiff::{SignedDuration, Timestamp};
use schemas::kit::{auth::Caller, settings::Duty};
use std::collections::HashSet;

/// How long after its time a report is still made.
const REPORT_WITHIN: SignedDuration = SignedDuration::from_hours(6);
/// The time around now that hand-overs are reckoned from: a rotation's turn may last long.
const AROUND: SignedDuration = SignedDuration::from_hours(32 * 24);
/// How urgent it is, among what pages tell of: like a matter of level III.
const URGENCY: u8 = 3;
/// The most incidents that are attached to a hand-over.
const MOST_INCIDENTS: u32 = 500;
/// What was told is looked for so far back.
const TOLD: SignedDuration = SignedDuration::from_hours(72);

/// Why something came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RosterError {
    /// There is no such roster, change or hand-over.
    #[error("{0}")]
    Unknown(&'static str),
    /// It may not be, or makes no sense.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database could not take it.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

const NO_ROSTER: RosterError = RosterError::Unknown("没有这个值班表 / there is no such roster");
const NO_CHANGE: RosterError = RosterError::Unknown("没有这项变更 / there is no such change");
const NO_HANDOVER: RosterError = RosterError::Unknown("没有这次交接 / there is no such hand-over");

fn is_broken_off(error: &RosterError) -> bool {
    matches!(error, RosterError::Records(error) if error.is_broken_off())
}

impl Desk {
    /// A roster by its id.
    ///
    /// # Errors
    /// When there is none.
    pub fn duty(&self, id: &str) -> Result<&Duty, RosterError> {
        self.plan.duties.iter().find(|duty| duty.id == id).ok_or(NO_ROSTER)
    }

    /// Changes who is on duty.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn change_roster(&self, id: &str, wanted: &Wanted, by: &Caller) -> Result<Change, RosterError> {
        let duty = self.duty(id)?;
        let once = async || {
            let mut tx = self.begin().await?;
            let now = self.now();
            let changes = tx.roster_changes(now).await?;
            let (all, people, tz) = (&self.plan.duties, &self.plan.people, &self.style.tz);
            let known = Known { duty, all, changes: &changes, people, tz };
            let n = tx.next_change(id).await?;
            let change = rules::change(wanted.clone(), n, known, by, now)?;
            let step = if change.is_decided() { Step::Made } else { Step::Proposed };
            self.save_change(tx, duty, &change, step, by, now).await?;
            Ok(change)
        };
        repeat(is_broken_off, once).await
    }

    /// Agrees to a swap.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn agree_to_change(&self, id: &str, n: i64, by: &Caller) -> Result<Change, RosterError> {
        self.follow_change(id, n, by, rules::agree, Step::Agreed).await
    }

    /// Withdraws a change.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn withdraw_change(&self, id: &str, n: i64, by: &Caller) -> Result<Change, RosterError> {
        self.follow_change(id, n, by, rules::withdraw, Step::Withdrawn).await
    }

    async fn follow_change(
        &self,
        id: &str,
        n: i64,
        by: &Caller,
        rule: impl Fn(&Change, &Caller, Timestamp) -> Result<Option<Change>, Refusal>,
        step: Step,
    ) -> Result<Change, RosterError> {
        let duty = self.duty(id)?;
        let once = async || {
            let mut tx = self.begin().await?;
            let now = self.now();
            let known = tx.roster_change(id, n).await?.ok_or(NO_CHANGE)?;
            let Some(change) = rule(&known, by, now)? else { return Ok(known) };
            self.save_change(tx, duty, &change, step, by, now).await?;
            Ok(change)
        };
        repeat(is_broken_off, once).await
    }

    async fn save_change(
        &self,
        mut tx: Tx,
        duty: &Duty,
        change: &Change,
        step: Step,
        by: &Caller,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        tx.save_roster_change(change).await?;
        let detail = serde_json::to_string(change).unwrap_or_default();
        let action = format!("roster_change_{}", step.as_str());
        tx.audit(&random_key(), &entry(by, &action, &format!("{}/{}", change.roster, change.n), &detail, now)).await?;
        let mut channels = self.reach_roster(&mut tx, duty, now).await?;
        for person in change.people() {
            roster::add(&mut channels, self.plan.people.channels(person));
        }
        let key = format!("change/{}/{}", change.n, step.as_str());
        self.page_roster(&mut tx, duty, &key, &self.style.change_text(duty, change, step), &channels, now).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// Writes what is handed over at the end of a turn: of whoever calls, or of `of`.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn hand_over(
        &self,
        id: &str,
        note: &str,
        of: Option<&str>,
        by: &Caller,
    ) -> Result<Handover, RosterError> {
        let duty = self.duty(id)?;
        let person = of.unwrap_or(&by.name);
        if person != by.name && !rules::rules(by) {
            return Err(Refusal::NotYours("只能交自己的班 / hand over your own turn").into());
        }
        let once = async || {
            let now = self.now();
            // The list is for reading: what opens meanwhile is paged to whoever is on.
            let open = self.records.incidents(Some(true), MOST_INCIDENTS).await?;
            let mut tx = self.begin().await?;
            let changes = tx.roster_changes(before(now)).await?;
            let turns = plan(duty, &changes, before(now), after(now), &self.style.tz);
            let Some((at, to)) = handover::of(&turns, person, now) else {
                let message = format!(
                    "{person} 现在不值班, 12 小时内也未值班 / {person:?} is not on duty, nor was within twelve hours"
                );
                return Err(Refusal::Wrong("not_on_duty", message).into());
            };
            let handover = Handover {
                n: tx.next_handover(id).await?,
                roster: id.to_owned(),
                at,
                by: person.to_owned(),
                to,
                note: note.to_owned(),
                written_by: by.name.clone(),
                written_at: now,
                incidents: open.into_iter().map(handover::Open::from).collect(),
                confirmed_by: None,
                confirmed_at: None,
            };
            tx.save_handover(&handover).await?;
            let object = format!("{id}/{}", handover.n);
            tx.audit(&random_key(), &entry(by, "roster_handed_over", &object, note, now)).await?;
            tx.commit().await?;
            Ok(handover)
        };
        repeat(is_broken_off, once).await
    }

    /// Takes over.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn take_over(&self, id: &str, n: i64, by: &Caller) -> Result<Handover, RosterError> {
        self.duty(id)?;
        let once = async || {
            let mut tx = self.begin().await?;
            let now = self.now();
            let known = tx.handover(id, n).await?.ok_or(NO_HANDOVER)?;
            if known.confirmed_at.is_some() {
                return Ok(known);
            }
            if !rules::rules(by) && !known.to.contains(&by.name) {
                return Err(Refusal::NotYours("由接班人确认 / who comes on confirms").into());
            }
            let handover = Handover { confirmed_by: Some(by.name.clone()), confirmed_at: Some(now), ..known };
            tx.save_handover(&handover).await?;
            let object = format!("{id}/{n}");
            tx.audit(&random_key(), &entry(by, "roster_taken_over", &object, "", now)).await?;
            tx.commit().await?;
            Ok(handover)
        };
        repeat(is_broken_off, once).await
    }

    /// Tells what is wrong with the rosters, once a day, and who has not taken over.
    ///
    /// # Errors
    /// When the database could not take it.
    pub async fn watch_rosters(&self) -> Result<(), RecordsError> {
        if self.plan.duties.iter().all(|duty| duty.shift.is_empty()) {
            return Ok(());
        }
        let now = self.now();
        let told = self.records.roster_told(now.checked_sub(TOLD).unwrap_or(now)).await?;
        let local = self.style.tz.to_datetime(now);
        let handovers = self.records.handovers(before(now)).await?;
        for duty in self.plan.duties.iter().filter(|duty| !duty.shift.is_empty()) {
            let report = format!("findings/{}/{}", duty.id, local.date());
            let late = duty.report_at.duration_until(local.time());
            if !late.is_negative() && late < REPORT_WITHIN && !told.contains(&report) {
                self.report(duty, &report, now).await?;
            }
            self.tell_who_is_missing(duty, &handovers, &told, now).await?;
        }
        Ok(())
    }

    async fn report(&self, duty: &Duty, report: &str, now: Timestamp) -> Result<(), RecordsError> {
        let mut tx = self.begin().await?;
        if !tx.tell_of_roster(report, now).await? {
            return Ok(());
        }
        let changes = tx.roster_changes(now).await?;
        let found = self.findings(duty, &changes, now);
        let channels = self.reach_roster(&mut tx, duty, now).await?;
        let date = self.style.tz.to_datetime(now).date();
        for finding in &found {
            let key = format!("{}/{date}", finding.key);
            self.page_roster(&mut tx, duty, &key, &self.style.finding_text(duty, finding), &channels, now).await?;
        }
        tx.commit().await?;
        if !found.is_empty() {
            let gap = found.iter().any(|finding| finding.kind == Kind::Gap);
            tracing::warn!(roster = %duty.id, findings = found.len(), gap, "the roster's next fortnight has faults");
            self.wake();
        }
        Ok(())
    }

    async fn tell_who_is_missing(
        &self,
        duty: &Duty,
        handovers: &[Handover],
        told: &HashSet<String>,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let own: Vec<Handover> = handovers.iter().filter(|handover| handover.roster == duty.id).cloned().collect();
        if !duty.handover && own.iter().all(|handover| handover.confirmed_at.is_some()) {
            return Ok(());
        }
        let changes = self.records.roster_changes(before(now)).await?;
        for pending in self.pending(duty, &changes, &own, now) {
            let key = format!("handover/{}/{}/{}", duty.id, pending.from.as_second(), pending.person);
            if !pending.overdue || told.contains(&key) {
                continue;
            }
            let mut tx = self.begin().await?;
            if tx.tell_of_roster(&key, now).await? {
                let channels = self.reach_roster(&mut tx, duty, now).await?;
                let name = format!("handover/{}/{}", pending.from.as_second(), pending.person);
                self.page_roster(&mut tx, duty, &name, &self.style.pending_text(duty, &pending), &channels, now)
                    .await?;
                tx.commit().await?;
                self.wake();
            }
        }
        Ok(())
    }

    /// What is wrong with the fortnight ahead of a roster.
    #[must_use]
    pub fn findings(&self, duty: &Duty, changes: &[Change], now: Timestamp) -> Vec<Finding> {
        let all: Vec<&Duty> = self.plan.duties.iter().collect();
        findings(duty, &all, changes, &self.plan.people, now, &self.style.tz)
    }

    /// Who came on to a roster and has not taken over.
    #[must_use]
    pub fn pending(
        &self,
        duty: &Duty,
        changes: &[Change],
        handovers: &[Handover],
        now: Timestamp,
    ) -> Vec<handover::Pending> {
        let from = now.checked_sub(handover::LOOK_BACK * 2).unwrap_or(now);
        let until = now.checked_add(handover::LOOK_BACK).unwrap_or(now);
        handover::pending(&plan(duty, changes, from, until, &self.style.tz), handovers, duty.handover, now)
    }

    /// Writes pages about a roster. The key names what they tell of, so that it pages a channel once.
    async fn page_roster(
        &self,
        tx: &mut Tx,
        duty: &Duty,
        what: &str,
        text: &str,
        channels: &[String],
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let what = format!("{}/{what}", duty.id);
        let body = |key: &str| self.style.roster_body(key, duty, text);
        tell(tx, (Reason::Roster, &what, URGENCY), channels, body, now).await
    }
}

/// From when on turns and hand-overs matter for what is handed over now.
#[must_use]
pub fn before(now: Timestamp) -> Timestamp {
    now.checked_sub(handover::LOOK_BACK * 2).unwrap_or(now)
}

fn after(now: Timestamp) -> Timestamp {
    now.checked_add(AROUND).unwrap_or(now)
}
