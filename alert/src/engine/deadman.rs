//! Proof that all of it is alive: canaries, the heartbeat, alarms about Wanglou itself, the daily message. What is decided is in
//! [`crate::quiet`].
//!
//! | what | how often | tells |
//! |---|---|---|
//! | a canary ([`crate::quiet::canary`]) | `[canary] every` | the roster of `[coverage]`, when one does not come out, and when one does again |
//! | stages and disk ([`crate::quiet::alarm`]) | every ten seconds | the same, when something has lasted, and when it is over |
//! | the daily message ([`crate::quiet::daily`]) | `[quiet] daily` | the same |
//! | the heartbeat | `[heartbeat] every` | an address outside: only while this process is active, no canary has failed, and nothing is overdue |
//!
//! Alerts stand beside those about sources, so that `/api/coverage/alerts` shows them. A heartbeat that fails is logged and counted and pages
//! nobody: whoever it does not reach calls by himself.

use super::{Desk, paging::tell};
use crate::{
    outbox::Reason,
    quiet::{
        alarm::{self, Sample, Watch},
        canary::{self, Canaries, Step},
        daily::{self, Report},
    },
    records::{RecordsError, Tx},
    upkeep::{Alert, OURS, trouble::Kind},
};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{
        auth::{Caller, Role},
        metrics,
        service::Ready,
        settings::{Settings, secret},
        shutdown::Shutdown,
    },
    log::Topic,
    records::{CANARY_SOURCE, Incident, post_id},
};
use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tower::ServiceExt;

const TICK: Duration = Duration::from_secs(1);
/// Stages and disk are looked at every so many ticks.
const LOOK_EVERY: u32 = 10;
/// How long a stage, or the address outside, may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The name under which canaries are remembered.
const NAME: &str = "canaries";
/// Like a matter of level II: nobody may hear of anything any more.
const URGENCY: u8 = 2;
/// The daily message is none of haste.
const URGENCY_OF_DAILY: u8 = 4;
const MOST: u32 = 5_000;

/// The other stages, as this one asks them.
#[derive(Clone)]
pub struct Stages {
    /// The door and coverage.
    pub ingest: Router,
    /// The search.
    pub analyze: Router,
    /// Whether they can do their work, by name.
    pub ready: Vec<(&'static str, Ready)>,
}

/// What watches.
pub struct Deadman {
    desk: Arc<Desk>,
    stages: Stages,
    canary: canary::Rules,
    alarm: alarm::Rules,
    daily: Option<jiff::civil::Time>,
    url: Option<String>,
    every: Duration,
    client: reqwest::Client,
    watch: Watch,
}

impl Deadman {
    /// What a config wants watched.
    ///
    /// # Errors
    /// When no client can be made to ask the address outside.
    pub fn new(desk: Arc<Desk>, stages: Stages, settings: &Settings) -> anyhow::Result<Self> {
        let heartbeat = &settings.heartbeat;
        let url = heartbeat.url.clone().or_else(|| heartbeat.url_env.as_deref().and_then(secret));
        Ok(Self {
            desk,
            stages,
            canary: canary::Rules::of(&settings.canary),
            alarm: alarm::Rules::of(&settings.alarm),
            daily: settings.quiet.daily,
            url,
            every: heartbeat.every,
            client: schemas::kit::http::client().timeout(PATIENCE).build()?,
            watch: Watch::default(),
        })
    }

    /// Watches until the stage stops.
    pub async fn run(mut self, shutdown: Shutdown) {
        let beats = self.heart();
        tokio::join!(beats.run(&shutdown), async {
            for tick in 0_u32.. {
                tokio::select! {
                    () = shutdown.cancelled() => return,
                    () = tokio::time::sleep(TICK) => {}
                }
                if let Err(error) = self.step().await {
                    tracing::error!(%error, "the canary is held up; trying again");
                }
                if tick.is_multiple_of(LOOK_EVERY)
                    && let Err(error) = self.look(&self.sample()).await
                {
                    tracing::error!(%error, "what is to be told of the stages is held up; trying again");
                }
                if let Err(error) = self.report().await {
                    tracing::error!(%error, "the daily message is held up; trying again");
                }
            }
        });
    }

    /// Hands a canary in, looks for it, or tells that it did not come out.
    ///
    /// # Errors
    /// When the database could not take it.
    pub async fn step(&mut self) -> Result<(), RecordsError> {
        let now = self.desk.now();
        let before: Canaries = self.desk.records.state(NAME).await?.unwrap_or_default();
        let mut canaries = before.clone();
        let step = canaries.step(self.canary, now);
        let mut failed = None;
        // Where none are wanted any more, nothing is wrong with them.
        let open = self.desk.records.open_source_alerts().await?;
        let mut is_well = !self.canary.are_on() && open.contains_key(&Kind::Canary);
        match step {
            Step::Rest => {}
            Step::HandIn(id, made) => canaries.handed_in(self.hand_in(&id, made).await),
            Step::Look(id) => {
                if let Some(took) = canaries.looked(self.find(&id).await, now) {
                    metrics::ALERT_CANARIES.with_label_values(&["ok"]).inc();
                    metrics::ALERT_CANARY.observe(took.as_secs_f64().max(0.0));
                    is_well = true;
                }
            }
            Step::Failed(since, said) => {
                metrics::ALERT_CANARIES.with_label_values(&["failed"]).inc();
                failed = Some((since, said));
            }
        }
        if canaries == before && failed.is_none() && !is_well {
            return Ok(());
        }
        let mut tx = self.desk.begin().await?;
        tx.save_state(NAME, &canaries).await?;
        if let Some((since, said)) = failed {
            self.desk.ours_begins(&mut tx, (Kind::Canary, Reason::Canary), since, &said, now).await?;
        } else if is_well {
            self.desk.ours_is_over(&mut tx, (Kind::Canary, Reason::CanaryOver), now).await?;
        }
        tx.commit().await?;
        self.desk.wake();
        Ok(())
    }

    /// Judges what was measured of the stages and the disk.
    ///
    /// # Errors
    /// When the database could not take it.
    pub async fn look(&mut self, sample: &Sample) -> Result<(), RecordsError> {
        let now = self.desk.now();
        let oldest = self.desk.records.oldest_page().await?;
        let page = oldest.map_or(SignedDuration::ZERO, |at| now.duration_since(at).max(SignedDuration::ZERO));
        metrics::ALERT_OLDEST.set(page.as_secs());
        let sample = Sample { page, ..sample.clone() };
        let alerts = self.desk.records.open_source_alerts().await?;
        let open: BTreeSet<Kind> = alarm::KINDS.into_iter().filter(|kind| alerts.contains_key(kind)).collect();
        let verdict = self.watch.judge(self.alarm, &sample.findings(self.alarm), &open, now);
        if verdict == alarm::Verdict::default() {
            return Ok(());
        }
        let mut tx = self.desk.begin().await?;
        for (kind, since, why) in &verdict.begins {
            self.desk.ours_begins(&mut tx, (*kind, Reason::Alarm), *since, why, now).await?;
        }
        for kind in &verdict.over {
            self.desk.ours_is_over(&mut tx, (*kind, Reason::AlarmOver), now).await?;
        }
        tx.commit().await?;
        self.desk.wake();
        Ok(())
    }

    /// What is measured in this process.
    #[must_use]
    pub fn sample(&self) -> Sample {
        let behind = [Topic::PostsRaw, Topic::PostsAnalyzed].map(|topic| {
            let waits = metrics::ANALYZE_BEHIND.with_label_values(&[topic.name()]).get();
            (topic.name().to_owned(), u64::try_from(waits).unwrap_or_default())
        });
        let bytes = |gauge: i64| u64::try_from(gauge).unwrap_or_default();
        let (free, reserve) = (bytes(metrics::DISK_FREE.get()), bytes(metrics::DISK_RESERVE.get()));
        let unready =
            self.stages.ready.iter().filter_map(|(name, ready)| Some(((*name).to_owned(), ready.check().err()?)));
        Sample {
            behind: behind.into(),
            page: SignedDuration::ZERO,
            unready: unready.collect(),
            disk: (reserve > 0).then_some((free, reserve)),
            stopped: metrics::DISK_STOPPED.get() != 0,
        }
    }

    /// Sends the daily message when it is due.
    ///
    /// # Errors
    /// When the database could not take it.
    pub async fn report(&self) -> Result<(), RecordsError> {
        let desk = &self.desk;
        let now = desk.now();
        let Some(date) = daily::due(self.daily, &desk.style.tz, now) else { return Ok(()) };
        let told = format!("daily/{date}");
        let yesterday = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        if desk.records.roster_told(yesterday).await?.contains(&told) {
            return Ok(());
        }
        let real = |incidents: Vec<Incident>| incidents.into_iter().filter(|incident| !incident.drill).collect();
        let mut report = Report {
            opened: real(desk.records.incidents_since(yesterday, MOST).await?),
            open: real(desk.records.incidents(Some(true), MOST).await?),
            dark: desk.records.open_source_alerts().await?.values().sum(),
            covered: self.covered().await,
            canaries: None,
            pages: desk.records.pages_since(yesterday).await?,
        };
        let mut tx = desk.begin().await?;
        if !tx.tell_of_roster(&told, now).await? {
            return Ok(());
        }
        if self.canary.are_on() {
            let canaries: Canaries = tx.state(NAME).await?.unwrap_or_default();
            report.canaries = Some((canaries.ok, canaries.failed));
            tx.save_state(NAME, &Canaries { ok: 0, failed: 0, ..canaries }).await?;
        }
        let reason = Reason::Daily;
        let text = |key: &str| desk.style.daily_body(key, reason.as_str(), &report, now);
        desk.page_ours(&mut tx, &told, reason, URGENCY_OF_DAILY, text, now).await?;
        tx.commit().await?;
        desk.wake();
        Ok(())
    }

    fn heart(&self) -> Heart {
        Heart { desk: Arc::clone(&self.desk), url: self.url.clone(), every: self.every, client: self.client.clone() }
    }

    /// Sends a heartbeat, if all is well; for whoever moves the time by hand.
    pub async fn beat(&self) {
        self.heart().beat().await;
    }

    /// Hands a canary in at the door.
    async fn hand_in(&self, id: &str, made: Timestamp) -> Result<(), String> {
        let post = serde_json::json!({
            "source": CANARY_SOURCE,
            "native_id": id,
            "kind": "report",
            "text": format!("望楼自检 {id}"),
            "published_at": made.to_string(),
        });
        let request = Request::post("/api/posts").header(header::CONTENT_TYPE, "application/x-ndjson");
        let (status, answer) = ask(&self.stages.ingest, request, Body::from(format!("{post}\n"))).await?;
        let count = |key: &str| answer[key].as_u64().unwrap_or_default();
        match status {
            // One that was handed in before the answer came is known already.
            StatusCode::ACCEPTED if count("accepted") + count("duplicate") > 0 => Ok(()),
            StatusCode::ACCEPTED => Err(answer["refused"].to_string()),
            status => Err(format!("HTTP {} {}", status.as_u16(), answer["message"].as_str().unwrap_or_default())),
        }
    }

    /// Whether the search finds a canary.
    async fn find(&self, id: &str) -> Result<bool, String> {
        let id = post_id(CANARY_SOURCE, id).replace(':', "%3A");
        let request = Request::get(format!("/api/threads?id={id}&limit=1"));
        match ask(&self.stages.analyze, request, Body::empty()).await? {
            (StatusCode::OK, _) => Ok(true),
            (StatusCode::NOT_FOUND, answer) if answer["message"].is_string() => Ok(false),
            (status, answer) => {
                Err(format!("HTTP {} {}", status.as_u16(), answer["message"].as_str().unwrap_or_default()))
            }
        }
    }

    /// How many sources are covered now, and how many there are.
    async fn covered(&self) -> Option<(u64, u64)> {
        let request = Request::get("/api/coverage?limit=1");
        let (status, answer) = ask(&self.stages.ingest, request, Body::empty()).await.ok()?;
        let all = answer["total"].as_u64().filter(|_| status == StatusCode::OK)?;
        Some((answer["by_state"]["ok"].as_u64().unwrap_or_default(), all))
    }
}

/// Asks a stage, as the program itself.
async fn ask(
    stage: &Router,
    request: axum::http::request::Builder,
    body: Body,
) -> Result<(StatusCode, serde_json::Value), String> {
    let mut request = request.body(body).map_err(|error| error.to_string())?;
    request.extensions_mut().insert(Caller { name: crate::incident::PROGRAM.into(), role: Role::Admin });
    let answer = async {
        let response = stage.clone().oneshot(request).await.map_err(|error| error.to_string())?;
        let status = response.status();
        let body = to_bytes(response.into_body(), 8 << 20).await.map_err(|error| error.to_string())?;
        Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
    };
    tokio::time::timeout(PATIENCE, answer).await.unwrap_or_else(|_| Err("没有应答 / no answer".into()))
}

/// What beats.
struct Heart {
    desk: Arc<Desk>,
    url: Option<String>,
    every: Duration,
    client: reqwest::Client,
}

impl Heart {
    async fn run(self, shutdown: &Shutdown) {
        if self.url.is_none() {
            return;
        }
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = async {
                    self.beat().await;
                    tokio::time::sleep(self.every).await;
                } => {}
            }
        }
    }

    async fn beat(&self) {
        let Some(url) = &self.url else { return };
        let outcome = match self.is_well().await {
            Err(why) => {
                tracing::warn!(why, "the heartbeat is withheld");
                "withheld"
            }
            // The address may be a secret: it is in no message.
            Ok(()) => match self.client.get(url).send().await.and_then(reqwest::Response::error_for_status) {
                Ok(_) => {
                    metrics::ALERT_HEARTBEAT_AT.set(self.desk.now().as_second());
                    "ok"
                }
                Err(error) => {
                    tracing::warn!(error = %error.without_url(), "the heartbeat was not taken; trying again at its time");
                    "failed"
                }
            },
        };
        metrics::ALERT_HEARTBEATS.with_label_values(&[outcome]).inc();
    }

    async fn is_well(&self) -> Result<(), String> {
        if !self.desk.is_active() {
            return Err("this process is not the active one".into());
        }
        if self.desk.overdue.load(Ordering::Relaxed) {
            return Err("the next step of an incident is overdue".into());
        }
        match self.desk.records.open_source_alerts().await {
            Ok(open) if open.contains_key(&Kind::Canary) => Err("the canary does not come out".into()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Desk {
    /// Opens an alert about Wanglou itself and tells of it; nothing where one of the kind is open.
    async fn ours_begins(
        &self,
        tx: &mut Tx,
        (kind, reason): (Kind, Reason),
        since: Timestamp,
        why: &str,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        if !tx.open_alerts_of(kind).await?.is_empty() {
            return Ok(());
        }
        tracing::error!(kind = kind.as_str(), why, "an alert about Wanglou itself");
        let id = format!("{}-{}", kind.as_str(), now.as_millisecond());
        let alert = Alert {
            id: id.clone(),
            group: id.clone(),
            kind,
            source: OURS.into(),
            name: "望楼".into(),
            since,
            alerted_at: now,
            resolved_at: None,
            reason: crate::message::clean(why, 300),
        };
        tx.open_source_alert(&alert).await?;
        metrics::ALERT_SOURCE_ALERTS.with_label_values(&[kind.as_str()]).inc();
        let alerts = [alert];
        let text = self.style.ours_text(reason.name(), &alerts, now);
        let body = |key: &str| self.style.alert_body(key, reason.as_str(), kind, &alerts, &text);
        self.page_ours(tx, &id, reason, URGENCY, body, now).await
    }

    /// Ends the alerts of a kind and tells that it is over; nothing where none is open.
    async fn ours_is_over(
        &self,
        tx: &mut Tx,
        (kind, reason): (Kind, Reason),
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        for mut alert in tx.open_alerts_of(kind).await? {
            tx.resolve_source_alert(&alert.id, now).await?;
            alert.resolved_at = Some(now);
            let (id, alerts) = (alert.id.clone(), [alert]);
            let text = self.style.ours_text(reason.name(), &alerts, now);
            let body = |key: &str| self.style.alert_body(key, reason.as_str(), kind, &alerts, &text);
            self.page_ours(tx, &id, reason, URGENCY, body, now).await?;
        }
        Ok(())
    }

    /// Writes pages to whoever looks after Wanglou itself.
    async fn page_ours(
        &self,
        tx: &mut Tx,
        what: &str,
        reason: Reason,
        urgency: u8,
        body: impl Fn(&str) -> String,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let reach = self.reach(tx, self.plan.upkeep.as_ref(), now, false).await?;
        tell(tx, (reason, what, urgency), &reach.channels, body, now).await
    }
}
