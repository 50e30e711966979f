//! 演练: pages that are practised, by hand and by schedule. A drill is an incident like any other to whoever is paged: it goes to whoever is
//! on duty, is signed and escalates. It says 演练 first in every message, counts in no statistics, has no deadlines, and no silence keeps it back.
//!
//! | `[[drill]]` | practised today | outcome |
//! |---|---|---|
//! | another day, or before its time | | nothing |
//! | at its time, or up to an hour after it (the process was down) | no | a drill |
//! | the same | yes | nothing |
//! | later | | nothing until next week |

use super::{Desk, plan::Practice};
use crate::{
    clock::Happening,
    incident::{File, PROGRAM},
    matter,
    message::level_word,
    outbox::Reason,
    records::{RecordsError, Tx, repeat},
};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemas::{
    kit::auth::{Caller, Role},
    records::{DeliveryState, Incident, Level},
};
use std::collections::BTreeSet;

/// So long after its time it is still practised.
const WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// The longest text, in characters.
const LONGEST: usize = 200;

/// Why a drill came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// It may not be.
    #[error("演练说明过长, 至多 200 字 / text: at most 200 characters")]
    Long,
    /// The database could not take it.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

fn is_broken_off(error: &DrillError) -> bool {
    matches!(error, DrillError::Records(error) if error.is_broken_off())
}

/// The name of a drill that is due now, by the module's table, if it is: its date and what is practised.
fn due(practice: &Practice, tz: &TimeZone, now: Timestamp) -> Option<String> {
    let date = tz.to_datetime(now).date();
    let at = tz.to_timestamp(practice.weekly.on(date)?).ok()?;
    let late = now.duration_since(at);
    let name = || format!("drill/{date}/{}/{}", practice.weekly.time, level_word(practice.level));
    (!late.is_negative() && late < WITHIN).then(name)
}

impl Desk {
    /// Begins a drill.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn drill(&self, level: Level, text: &str, by: &Caller) -> Result<Incident, DrillError> {
        if text.chars().count() > LONGEST {
            return Err(DrillError::Long);
        }
        let once = async || {
            let mut tx = self.begin().await?;
            let now = self.now();
            let incident = self.begin_drill(&mut tx, level, text, by, now).await?;
            tx.commit().await?;
            self.wake();
            Ok(incident)
        };
        repeat(is_broken_off, once).await
    }

    async fn begin_drill(
        &self,
        tx: &mut Tx,
        level: Level,
        text: &str,
        by: &Caller,
        now: Timestamp,
    ) -> Result<Incident, RecordsError> {
        let id = tx.next_id(&self.day(now)).await?;
        let mut file = matter::drill(id, level, text, &by.name, now);
        let rule = self.plan.rule(&file.incident.topic.id);
        rule.ladder.follow(&mut file, Happening::Opened, now);
        self.audit_quiet(tx, by, "drilled", &file.incident.id, &file.incident.title, now).await?;
        self.save_and_page(tx, &mut file, Some(Reason::Opened), rule, now).await?;
        tracing::info!(incident = %file.incident.id, "a drill begins");
        Ok(file.incident)
    }

    /// Begins the drills that are due.
    ///
    /// # Errors
    /// When the database could not take it.
    pub(super) async fn practise(&self, now: Timestamp) -> Result<(), RecordsError> {
        for practice in &self.plan.drills {
            let Some(key) = due(practice, &self.style.tz, now) else { continue };
            let yesterday = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
            if self.records.roster_told(yesterday).await?.contains(&key) {
                continue;
            }
            let mut tx = self.begin().await?;
            if tx.tell_of_roster(&key, now).await? {
                let by = Caller { name: PROGRAM.into(), role: Role::Admin };
                self.begin_drill(&mut tx, practice.level, &practice.text, &by, now).await?;
                tx.commit().await?;
                self.wake();
            }
        }
        Ok(())
    }

    /// Notes on a drill's history how it went: who signed after how long, and which channels did not take it.
    pub(super) async fn note_result(&self, file: &mut File, now: Timestamp) -> Result<(), RecordsError> {
        let pages = self.records.deliveries(&file.incident.id).await?;
        let of = |state: DeliveryState| -> BTreeSet<&str> {
            pages.iter().filter(|page| page.state == state).map(|page| page.channel.as_str()).collect()
        };
        let listed = |channels: BTreeSet<&str>| channels.into_iter().collect::<Vec<_>>().join(", ");
        let signed = match (&file.incident.acked_by, file.incident.acked_at) {
            (Some(by), Some(at)) => {
                let seconds = at.duration_since(file.incident.opened_at).as_secs().max(0);
                format!("{by} 于 {} 分 {} 秒后签收", seconds / 60, seconds % 60)
            }
            _ => "无人签收".to_owned(),
        };
        let mut text = format!("演练结果: {signed}");
        for (state, what) in [(DeliveryState::Failed, "未送达"), (DeliveryState::Pending, "尚未送达")] {
            let channels = of(state);
            if !channels.is_empty() {
                text.push_str(&format!("; {what}: {}", listed(channels)));
            }
        }
        if of(DeliveryState::Sent).len() == pages.iter().map(|page| &page.channel).collect::<BTreeSet<_>>().len() {
            text.push_str("; 各渠道均已送达");
        }
        file.record(now, PROGRAM, "drill_result", text);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The module's table, a row each.
    #[test]
    fn when_it_is_practised() {
        let practice: Practice = toml::from_str("weekly = \"wed 10:00\"").unwrap();
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        let due = |now: &str| due(&practice, &tz, now.parse().unwrap());
        assert_eq!(due("2026-11-24T02:30:00Z"), None, "a Tuesday");
        assert_eq!(due("2026-11-25T01:59:59Z"), None);
        assert_eq!(due("2026-11-25T02:00:00Z").as_deref(), Some("drill/2026-11-25/10:00:00/III"));
        assert_eq!(due("2026-11-25T02:59:59Z"), due("2026-11-25T02:00:00Z"));
        assert_eq!(due("2026-11-25T03:00:00Z"), None);
    }
}
