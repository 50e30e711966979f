//! The desk: each thing that happens to an incident, as one transaction. The pure cores decide; this loads, saves and pages.

use super::{Clock, plan::Plan};
use crate::{
    clock::Happening,
    incident::{File, PROGRAM, Refusal},
    lease::{self, Candidate, Epoch, Outcome},
    link::Links,
    matter::{self, Meaning},
    message::Style,
    outbox::Reason,
    policy::Figures,
    records::{Records, RecordsError, Tx},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::metrics,
    log::{Identity, Topic},
    records::{Event, Pulse, TopicKind},
};
use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};
use tokio::{sync::Notify, time::Instant};

/// How often an incident's figures are shown on the `incidents` topic while they change.
const SHOW_EVERY: SignedDuration = SignedDuration::from_secs(2);
/// So many open incidents are looked through for one that a rise is about.
const MOST_RELATED: u32 = 200;
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
    /// Whether the watchdog found anything overdue when it looked last.
    pub overdue: AtomicBool,
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
            overdue: AtomicBool::new(false),
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

    /// Begins a change, as the active process. Changes take turns: what time it is is asked after this, or what waited for its turn would be dated before
    /// what went first.
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

    /// The day of an instant, as ids of incidents begin with it.
    pub(super) fn day(&self, now: Timestamp) -> String {
        self.style.tz.to_datetime(now).strftime("%Y%m%d").to_string()
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
        let mut opened = Vec::new();
        let mut tx = self.begin().await?;
        let now = self.now();
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
        if !opened.is_empty() {
            self.look_for_storm(&mut tx, now).await?;
        }
        tx.commit().await?;
        for level in opened {
            metrics::ALERT_INCIDENTS.with_label_values(&[&format!("{level:?}")]).inc();
        }
        self.wake();
        Ok(())
    }

    /// Lets a rise join an open incident that is about the same matter; `false` when there is none.
    async fn joins(&self, tx: &mut Tx, pulse: &Pulse, now: Timestamp) -> Result<bool, RecordsError> {
        let since = now.checked_sub(matter::SAME_MATTER).unwrap_or(Timestamp::MIN);
        let open = tx.opened_since(since, MOST_RELATED).await?;
        let related = open
            .into_iter()
            .find(|file| file.incident.topic.id != pulse.topic.id && matter::is_related(&file.incident, pulse));
        let Some(mut file) = related else { return Ok(false) };
        let (before, rule) = (file.clone(), self.plan.rule(&file.incident.topic.id));
        let paged = file.relate(pulse, &rule.thresholds, now);
        self.happened(&mut file, &before, paged == Some(Reason::Rebound), now);
        self.save_and_page(tx, &mut file, paged, rule, now).await?;
        Ok(true)
    }

    /// What a pulse does to clocks and chain.
    fn happened(&self, file: &mut File, before: &File, rebounds: bool, now: Timestamp) {
        let rule = self.plan.rule(&file.incident.topic.id);
        let raised = (file.incident.level > before.incident.level).then_some(Happening::Raised);
        for happening in raised.into_iter().chain(rebounds.then_some(Happening::Rebound)) {
            self.plan.clocks.follow(file, happening, now);
            rule.ladder.follow(file, happening, now);
        }
    }

    /// Returns the incident if one has opened.
    async fn take_one(&self, tx: &mut Tx, pulse: &Pulse, now: Timestamp) -> Result<Option<File>, RecordsError> {
        let rule = self.plan.rule(&pulse.topic.id);
        let youngest = tx.youngest_of(&pulse.topic.id).await?;
        let category = youngest.as_ref().and_then(|file| file.incident.category.as_deref());
        let (level, _) = rule.thresholds.judge(&Figures::of(pulse), category);
        match (matter::meaning(youngest.as_ref(), pulse, level), youngest, &pulse.spike) {
            (Meaning::Nothing, ..) | (_, None, None) => Ok(None),
            (Meaning::Opens, _, Some(rise)) => {
                let mut rise = rise.clone();
                rise.late |= now.duration_since(pulse.at) > LATE;
                if self.joins(tx, pulse, now).await? {
                    return Ok(None);
                }
                let id = tx.next_id(&self.day(now)).await?;
                let mut file = matter::open(id, pulse, &rise, &rule.thresholds, now);
                self.plan.clocks.follow(&mut file, Happening::Opened, now);
                rule.ladder.follow(&mut file, Happening::Opened, now);
                tracing::info!(incident = %file.incident.id, topic = %pulse.topic.id, level = ?file.incident.level, "opened");
                self.save_and_page(tx, &mut file, Some(Reason::Opened), rule, now).await?;
                Ok(Some(file))
            }
            (meaning, Some(mut file), _) => {
                let before = file.clone();
                let paged = file.follow(meaning, pulse, &rule.thresholds, now);
                self.happened(&mut file, &before, meaning == Meaning::Rebounds, now);
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
}

/// Whether anything that a person sees has changed.
fn figures_changed(before: &File, after: &File) -> bool {
    before.incident != after.incident || before.matter.rises != after.matter.rises
}

/// An id for what has none of its own.
pub(crate) fn random_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}
