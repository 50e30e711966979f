//! Silences: they are set and ended, each as one transaction with its entry on the audit record; what they keep back is noted on the
//! incident's history, and told when they are over. What is decided is in [`crate::quiet::silence`].
//!
//! | when a silence is over | outcome |
//! |---|---|
//! | another one keeps the incident's pages back | it goes on under that one |
//! | unsigned, and something was kept back | paged now, with what was kept back; its chain goes on from where it stands |
//! | signed, a deadline ran out unheard and runs on | paged now |
//! | anything else | noted on the history, and nobody is paged |
//! | an alert about its source was kept back, and is not over | told now |
//! | an alert was kept back and is over | neither is told |

use super::{Desk, desk::random_key, plan::Rule};
use crate::{
    audit::entry,
    incident::{File, PROGRAM},
    outbox::Reason,
    quiet::silence::{Quiet, Refusal, Scope, Silence, Wanted, keeper},
    records::{RecordsError, Tx, repeat},
};
use jiff::Timestamp;
use schemas::{
    kit::{auth::Caller, metrics},
    records::State,
};
use std::collections::BTreeMap;

/// So many open incidents are looked through when a silence is set or ended.
const MOST_OPEN: u32 = 10_000;

/// Why a silence came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum SilenceError {
    /// There is no such silence.
    #[error("没有这项静默 / there is no such silence")]
    Unknown,
    /// It may not be.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The database could not take it.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

fn is_broken_off(error: &SilenceError) -> bool {
    matches!(error, SilenceError::Records(error) if error.is_broken_off())
}

impl Desk {
    /// Sets a silence.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn silence(&self, wanted: &Wanted, by: &Caller) -> Result<Silence, SilenceError> {
        let once = async || {
            let mut tx = self.begin().await?;
            let now = self.now();
            let mut up_to = None;
            if let Some(topic) = wanted.topic.as_deref().map(str::trim) {
                let open = tx.open_files(MOST_OPEN).await?;
                let of_topic = open.iter().filter(|file| file.incident.topic.id == topic);
                up_to = of_topic.map(|file| file.incident.level).max();
            }
            let n = tx.next_silence().await?;
            let silence = wanted.silence(n, by, up_to, now)?;
            tx.save_silence(&silence, false).await?;
            let detail = format!("{}, {}: {}", scope_name(&silence.scope), self.until(&silence), silence.reason);
            self.audit_quiet(&mut tx, by, "silenced", &silence.n.to_string(), &detail, now).await?;
            tx.commit().await?;
            Ok(silence)
        };
        repeat(is_broken_off, once).await
    }

    /// Ends a silence now; one that is over already stays as it is.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn end_silence(&self, n: i64, by: &Caller) -> Result<Silence, SilenceError> {
        let once = async || {
            let mut tx = self.begin().await?;
            let now = self.now();
            let mut silence = tx.silence(n).await?.ok_or(SilenceError::Unknown)?;
            if !silence.holds(now) {
                return Ok(silence);
            }
            (silence.ended_at, silence.ended_by) = (Some(now), Some(by.name.clone()));
            tx.save_silence(&silence, false).await?;
            // What it kept back is due now: the next tick looks at it.
            for mut file in tx.open_files(MOST_OPEN).await? {
                if let Some(quiet) = file.matter.quiet.as_mut().filter(|quiet| quiet.silence == n) {
                    quiet.until = now;
                    tx.save(&mut file).await?;
                }
            }
            self.audit_quiet(&mut tx, by, "silence_ended", &n.to_string(), &scope_name(&silence.scope), now).await?;
            tx.commit().await?;
            Ok(silence)
        };
        repeat(is_broken_off, once).await
    }

    /// Whether a silence keeps back what is to be told of an incident. It is noted on the history then; the file is not yet saved.
    pub(super) async fn hush(
        &self,
        tx: &mut Tx,
        file: &mut File,
        reasons: &[Reason],
        now: Timestamp,
    ) -> Result<bool, RecordsError> {
        if reasons.is_empty() {
            return Ok(false);
        }
        let silences = tx.silences().await?;
        let Some(silence) = keeper(&silences, &file.incident, file.matter.quiet.as_ref(), now) else {
            if file.incident.silenced_by.take().is_some()
                && let Some(quiet) = &mut file.matter.quiet
            {
                // It broke through: what was kept back is told by this page.
                quiet.kept.clear();
            }
            return Ok(false);
        };
        let level = file.incident.level;
        let quiet = file.matter.quiet.get_or_insert_with(|| Quiet {
            silence: silence.n,
            since: now,
            level,
            until: silence.end(),
            kept: BTreeMap::new(),
        });
        (quiet.silence, quiet.until) = (silence.n, silence.end());
        for reason in reasons {
            *quiet.kept.entry(reason.as_str().to_owned()).or_default() += 1;
            metrics::ALERT_SILENCED.inc();
        }
        file.incident.silenced_by = Some(silence.n.to_string());
        let what: Vec<&str> = reasons.iter().map(|reason| reason.name()).collect();
        let text =
            format!("静默 {} ({}, {}) 期间不通知: {}", silence.n, silence.reason, self.until(silence), what.join(", "));
        file.record(now, PROGRAM, "page_silenced", text);
        Ok(true)
    }

    /// What becomes of an incident when the silence over it ends, by the module's table: the channels to page, if any; the file is not
    /// yet saved. What is said beside it is in the history's last event.
    pub(super) async fn end_of_quiet(
        &self,
        tx: &mut Tx,
        file: &mut File,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<Option<Vec<String>>, RecordsError> {
        let Some(quiet) = file.matter.quiet.clone().filter(|quiet| quiet.until <= now) else { return Ok(None) };
        let silences = tx.silences().await?;
        if let Some(other) = keeper(&silences, &file.incident, Some(&quiet), now) {
            file.matter.quiet = Some(Quiet { silence: other.n, until: other.end(), ..quiet });
            if file.incident.silenced_by.is_some() {
                file.incident.silenced_by = Some(other.n.to_string());
            }
            return Ok(None);
        }
        (file.matter.quiet, file.incident.silenced_by) = (None, None);
        if quiet.kept.is_empty() {
            return Ok(None);
        }
        let kept: Vec<String> =
            quiet.kept.iter().map(|(reason, times)| format!("{} {times}", Reason::name_of(reason))).collect();
        let since = self.style.tz.to_datetime(quiet.since).strftime("%H:%M").to_string();
        let text = format!("静默 {} 已结束; 自 {since} 未通知: {}", quiet.silence, kept.join(", "));
        file.record(now, PROGRAM, "silence_over", text);
        let runs_on = file.incident.clocks.iter().any(|clock| clock.expired && clock.stopped_at.is_none());
        let unheard = quiet.kept.contains_key(Reason::ClockExpired.as_str()) && runs_on;
        if file.incident.state != State::New && !unheard {
            return Ok(None);
        }
        Ok(Some(self.audience(tx, file, rule, now).await?.channels))
    }

    /// Lets silences that are over go, and tells of the sources that they kept back.
    ///
    /// # Errors
    /// When the database could not take it.
    pub(super) async fn settle_silences(&self, now: Timestamp) -> Result<(), RecordsError> {
        if !self.records.silences(true, 1_000).await?.iter().any(|silence| silence.end() <= now) {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        for silence in tx.silences().await? {
            if now < silence.end() {
                continue;
            }
            for group in &silence.kept {
                self.page_kept_sources(&mut tx, group, now).await?;
            }
            tx.save_silence(&silence, true).await?;
        }
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    /// Until when a silence lasts, as people read it.
    fn until(&self, silence: &Silence) -> String {
        let until = self.style.tz.to_datetime(silence.end()).strftime("%m-%d %H:%M").to_string();
        format!("至 {until}")
    }

    pub(super) async fn audit_quiet(
        &self,
        tx: &mut Tx,
        by: &Caller,
        action: &str,
        object: &str,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        tx.audit(&random_key(), &entry(by, action, object, detail, now)).await
    }
}

fn scope_name(scope: &Scope) -> String {
    match scope {
        Scope::Topic { id, .. } => format!("话题 {id}"),
        Scope::Source(source) => format!("信源 {source}"),
        Scope::Below(level) => format!("{} 以下", crate::policy::level_name(*level)),
    }
}
