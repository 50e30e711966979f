//! The desk: each thing that happens to an incident, as one transaction. The pure cores decide; this loads, saves and pages.

use super::{
    Clock,
    link::ByLink,
    plan::{Plan, Rule},
};
use crate::{
    escalation,
    incident::{Command, File, PROGRAM, Refusal},
    lease::{self, Candidate, Epoch, Outcome},
    link::Links,
    matter::{self, Meaning},
    message::Style,
    outbox::{self, Reason},
    policy::Figures,
    records::{Page, Records, RecordsError, Tx, repeat},
    roster::{self, Reach},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{auth::Caller, metrics, settings::Duty},
    log::{Identity, Topic},
    records::{AuditEntry, Event, Pulse, Record, State, TopicKind},
};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::{sync::Notify, time::Instant};

/// How often an incident's figures are shown on the `incidents` topic while they change.
const SHOW_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// A pulse that is read later than this was not paged in time, and the page says so.
const LATE: SignedDuration = SignedDuration::from_mins(10);

/// Why an act came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// There is no such incident.
    #[error("没有这个事件 / there is no such incident")]
    Unknown,
    /// Its state does not allow it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The link was sent before it was reopened.
    #[error("事件已重开, 此链接已失效 / it was reopened after this link was sent")]
    Reopened,
    /// The database could not take it.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// While this process is active.
#[derive(Debug, Clone, Copy)]
struct Reign {
    epoch: Epoch,
    /// When the last renewal that succeeded was asked for.
    renewed: Instant,
}

/// The desk.
pub struct Desk {
    /// The records.
    pub records: Records,
    /// How incidents are judged and who is paged.
    pub plan: Plan,
    /// How messages look.
    pub style: Style,
    /// The links that sign, which messages carry.
    pub links: Links,
    /// What time it is.
    pub clock: Clock,
    /// Whether the records answered when they were asked for the lease last.
    pub usable: AtomicBool,
    reign: Mutex<Option<Reign>>,
    /// Wakes the keeper of the lease: a change found that another has taken over.
    pub(super) doubted: Notify,
    /// Wakes the sender: pages were written down.
    pub(super) to_send: Notify,
    /// Wakes the feed.
    pub(super) to_feed: Notify,
}

impl Desk {
    /// A desk over records.
    #[must_use]
    pub fn new(records: Records, plan: Plan, style: Style, clock: Clock) -> Self {
        Self {
            records,
            plan,
            style,
            links: Links::default(),
            clock,
            usable: AtomicBool::new(true),
            reign: Mutex::default(),
            doubted: Notify::new(),
            to_send: Notify::new(),
            to_feed: Notify::new(),
        }
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    fn reign(&self) -> std::sync::MutexGuard<'_, Option<Reign>> {
        self.reign.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The epoch in which this process is active, as far as it knows.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        self.reign().map(|reign| reign.epoch)
    }

    /// Whether this process is active and may be sure of it.
    #[must_use]
    pub fn is_active(&self) -> bool {
        self.reign().is_some_and(|reign| lease::is_certain(reign.renewed.elapsed()))
    }

    /// Asks for the lease, or renews it.
    ///
    /// # Errors
    /// When the database cannot answer: whoever was active is so still, until the lease runs out.
    pub async fn claim(&self, candidate: &Candidate) -> Result<Outcome, RecordsError> {
        let asked = Instant::now();
        let answer = self.records.claim(candidate, self.epoch()).await;
        self.usable.store(answer.is_ok(), Ordering::Relaxed);
        if let Ok(outcome) = &answer {
            *self.reign() = outcome.epoch().map(|epoch| Reign { epoch, renewed: asked });
        }
        metrics::ALERT_ACTIVE.set(self.is_active().into());
        answer
    }

    /// Notes that the database does not answer for the lease.
    pub(super) fn unheard(&self) {
        self.usable.store(false, Ordering::Relaxed);
        metrics::ALERT_ACTIVE.set(self.is_active().into());
    }

    /// Gives the lease back.
    ///
    /// # Errors
    /// When the database cannot take it: the lease runs out then.
    pub async fn give_back(&self) -> Result<(), RecordsError> {
        let reign = self.reign().take();
        metrics::ALERT_ACTIVE.set(0);
        match reign {
            Some(reign) => self.records.give_back(reign.epoch).await,
            None => Ok(()),
        }
    }

    /// Begins a change, as the active process.
    ///
    /// # Errors
    /// When this process is not the active one; or when the database cannot take it now.
    pub(crate) async fn begin(&self) -> Result<Tx, RecordsError> {
        let epoch = self.epoch().ok_or(RecordsError::Standby)?;
        let begun = self.records.begin_in(epoch).await;
        if matches!(begun, Err(RecordsError::Fenced { .. })) {
            self.doubted.notify_one();
        }
        begun
    }

    /// Where a roster's pages go now.
    pub(super) fn reach(&self, duty: Option<&Duty>, now: Timestamp, escalated: bool) -> Reach {
        roster::reach(duty, &self.plan.people, &self.plan.channels, now, &self.style.tz, escalated)
    }

    pub(super) fn wake(&self) {
        self.to_send.notify_one();
        self.to_feed.notify_one();
    }

    /// Lets pulses take effect, and moves the position that they were read up to in the same transaction.
    ///
    /// # Errors
    /// When the database could not take it: nothing has happened then.
    pub async fn take(
        &self,
        pulses: &[Pulse],
        identity: &Identity,
        partition: u32,
        next: u64,
    ) -> Result<(), RecordsError> {
        let now = self.now();
        let mut opened = Vec::new();
        let mut tx = self.begin().await?;
        let mut open = tx.open_topics().await?;
        for pulse in pulses {
            if pulse.topic.kind == TopicKind::All || (pulse.spike.is_none() && !open.contains(&pulse.topic.id)) {
                continue;
            }
            if let Some(file) = self.take_one(&mut tx, pulse, now).await? {
                open.insert(file.incident.topic.id);
                opened.push(file.incident.level);
            }
        }
        tx.move_position(Topic::TopicsPulse, identity, partition, next).await?;
        tx.commit().await?;
        for level in opened {
            metrics::ALERT_INCIDENTS.with_label_values(&[&format!("{level:?}")]).inc();
        }
        self.wake();
        Ok(())
    }

    /// Returns the incident if one has opened.
    async fn take_one(&self, tx: &mut Tx, pulse: &Pulse, now: Timestamp) -> Result<Option<File>, RecordsError> {
        let rule = self.plan.rule(&pulse.topic.id);
        let youngest = tx.youngest_of(&pulse.topic.id).await?;
        let (level, _) = rule.thresholds.judge(&Figures::of(pulse));
        match (matter::meaning(youngest.as_ref(), pulse, level), youngest, &pulse.spike) {
            (Meaning::Nothing, ..) | (_, None, None) => Ok(None),
            (Meaning::Opens, _, Some(rise)) => {
                let mut rise = rise.clone();
                rise.late |= now.duration_since(pulse.at) > LATE;
                let day = now.to_zoned_datetime(self.style.tz.clone()).strftime("%Y%m%d").to_string();
                let id = tx.next_id(&day).await?;
                let mut file = matter::open(id, pulse, &rise, &rule.thresholds, now);
                file.incident.ack_due_at = Some(escalation::sign_by(rule.duty.as_ref(), now));
                tracing::info!(incident = %file.incident.id, topic = %pulse.topic.id, level = ?file.incident.level, "opened");
                self.save_and_page(tx, &mut file, Some(Reason::Opened), rule, now).await?;
                Ok(Some(file))
            }
            (meaning, Some(mut file), _) => {
                let before = file.clone();
                let paged = file.follow(meaning, pulse, &rule.thresholds, now);
                if file.fresh.is_empty() && !figures_changed(&before, &file) {
                    return Ok(None);
                }
                let show = file.fresh.is_empty() && now.duration_since(file.matter.shown_at) >= SHOW_EVERY;
                if show || !file.fresh.is_empty() {
                    file.matter.shown_at = now;
                }
                self.save_and_page(tx, &mut file, paged, rule, now).await?;
                if show {
                    let (seq, text) = (file.seq, format!("共 {} 条", file.incident.count));
                    let event = Event { seq, at: now, who: PROGRAM.into(), action: "figures".into(), text };
                    tx.show(&file.incident, event).await?;
                }
                Ok(None)
            }
            (_, None, Some(_)) => Ok(None),
        }
    }

    async fn save_and_page(
        &self,
        tx: &mut Tx,
        file: &mut File,
        reason: Option<Reason>,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let Some(reason) = reason else { return tx.save(file).await };
        let escalated = file.matter.escalated_at.is_some();
        let reach = self.reach(rule.duty.as_ref(), now, escalated);
        let seq = file.seq;
        if reach.gap {
            let instead = reach.channels.join(", ");
            file.record(now, PROGRAM, "roster_gap", format!("值班表此刻无人可通知, 改为通知: {instead}"));
        }
        tx.save(file).await?;
        self.write_pages(tx, file, seq, reason, &reach.channels, now).await
    }

    /// The key names the event that the page tells of, so that the same event never pages a channel under two keys.
    async fn write_pages(
        &self,
        tx: &mut Tx,
        file: &File,
        seq: u64,
        reason: Reason,
        channels: &[String],
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let incident = &file.incident;
        for channel in channels {
            let key = format!("{}/{seq}/{channel}", incident.id);
            let body = self.body(tx, &key, reason, incident, channel, now).await?;
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

    /// Does what somebody wants done, and writes it on the audit record.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn act(&self, id: &str, command: &Command, by: &Caller, seen: Option<u64>) -> Result<File, ActError> {
        self.act_by(id, command, by, seen, None).await
    }

    /// The same; by whoever opened a link, where one is given.
    pub(super) async fn act_by(
        &self,
        id: &str,
        command: &Command,
        by: &Caller,
        seen: Option<u64>,
        link: Option<&ByLink<'_>>,
    ) -> Result<File, ActError> {
        let is_broken_off = |error: &ActError| matches!(error, ActError::Records(error) if error.is_broken_off());
        repeat(is_broken_off, || self.act_once(id, command, by, seen, link)).await
    }

    async fn act_once(
        &self,
        id: &str,
        command: &Command,
        by: &Caller,
        seen: Option<u64>,
        link: Option<&ByLink<'_>>,
    ) -> Result<File, ActError> {
        let now = self.now();
        let mut tx = self.begin().await?;
        let mut file = tx.incident(id).await?.ok_or(ActError::Unknown)?;
        if let Some(link) = link {
            link.still_holds(&mut tx, &file).await?;
        }
        if !file.act(command, &by.name, seen, now)? {
            return Ok(file);
        }
        if let Some(link) = link {
            link.told(&mut file);
        }
        let detail = file.fresh.last().map(|event| event.text.clone()).unwrap_or_default();
        tx.save(&mut file).await?;
        let entry = AuditEntry {
            v: AuditEntry::VERSION,
            at: now,
            who: by.name.clone(),
            role: by.role,
            action: command.action().into(),
            object: id.into(),
            detail,
        };
        tx.audit(&format!("{id}/{:06}", file.seq), &entry).await?;
        if file.incident.state == State::Closed {
            self.tell_of_the_end(&mut tx, &file, now).await?;
        }
        tx.commit().await?;
        self.wake();
        Ok(file)
    }

    /// Pages the channels that keep what they were told until they are told that it is over.
    async fn tell_of_the_end(&self, tx: &mut Tx, file: &File, now: Timestamp) -> Result<(), RecordsError> {
        let mut channels = tx.told_channels(&file.incident.id).await?;
        channels.retain(|channel| self.plan.routes.get(channel).is_some_and(|route| route.keeps));
        self.write_pages(tx, file, file.seq, Reason::Closed, &channels, now).await
    }

    /// Pages the next in line wherever nobody has signed in time.
    ///
    /// # Errors
    /// When the database could not take it.
    pub async fn escalate(&self) -> Result<(), RecordsError> {
        let now = self.now();
        for id in self.records.due(now).await? {
            let mut tx = self.begin().await?;
            // Somebody may have signed since it was found.
            let Some(mut file) = tx.incident(&id).await?.filter(File::awaits_signature) else { continue };
            if !self.escalate_one(&mut tx, &mut file, false, now).await? {
                file.overdue(now);
                tx.save(&mut file).await?;
            }
            tx.commit().await?;
            self.wake();
        }
        Ok(())
    }

    /// Takes the step if it is due; `false` when there is none to take.
    pub(super) async fn escalate_one(
        &self,
        tx: &mut Tx,
        file: &mut File,
        given_up: bool,
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        let rule = self.plan.rule(&file.incident.topic.id);
        let step = rule.duty.as_ref().and_then(|duty| duty.escalation.as_ref());
        let Some(step) = escalation::due(file, step, given_up, now) else { return Ok(false) };
        file.escalate(step, given_up, now);
        tracing::warn!(incident = %file.incident.id, given_up, "escalated");
        tx.save(file).await?;
        self.write_pages(tx, file, file.seq, Reason::Escalation, &step.channels, now).await?;
        Ok(true)
    }
}

/// Whether anything that a person sees has changed.
fn figures_changed(before: &File, after: &File) -> bool {
    before.incident != after.incident || before.matter.rises != after.matter.rises
}

/// An id for what has none of its own.
pub(crate) fn random_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}
