//! Who is told of an incident, and the pages that tell them.

use super::{Desk, plan::Rule};
use crate::{
    clock::Told,
    escalation::{Ladder, Rung},
    incident::{File, PROGRAM},
    outbox::{self, Reason},
    records::{Page, RecordsError, Tx},
    roster::{self, Reach},
};
use jiff::Timestamp;
use schemas::{
    kit::settings::{Duty, EscalationStep},
    records::Incident,
};

impl Desk {
    /// Where a roster's pages go now.
    pub(super) fn reach(&self, duty: Option<&Duty>, now: Timestamp, escalated: bool) -> Reach {
        roster::reach(duty, &self.plan.people, &self.plan.channels, now, &self.style.tz, escalated)
    }

    /// Where a step's pages go now.
    fn targets(&self, step: &EscalationStep, incident: &Incident, now: Timestamp) -> Vec<String> {
        let mut channels = self.plan.people.channels(&step.person).to_vec();
        channels.extend(step.channels.iter().cloned());
        if let Some(duty) = step.roster.as_deref().and_then(|id| self.plan.duties.get(id)) {
            channels.extend(self.reach(Some(duty), now, false).channels);
        }
        if step.unit_leader {
            channels.extend(self.leaders(incident));
        }
        distinct(channels)
    }

    /// Where whoever leads the incident's unit is reached; those that know no leader of it, its people.
    pub(super) fn leaders(&self, incident: &Incident) -> Vec<String> {
        let of = |leads: bool| {
            let people = self.plan.people.of_unit(incident.unit.as_deref(), incident.unit_id.as_deref());
            people
                .filter(|person| person.leads || !leads)
                .flat_map(|person| person.channels.clone())
                .collect::<Vec<_>>()
        };
        let leaders = distinct(of(true));
        if leaders.is_empty() { distinct(of(false)) } else { leaders }
    }

    /// Where the people of the incident's units are reached: of the one that leads, and of those that assist.
    pub(super) fn of_units(&self, incident: &Incident) -> Vec<String> {
        let people = &self.plan.people;
        let leading = people.of_unit(incident.unit.as_deref(), incident.unit_id.as_deref());
        let assisting = incident.assisting.iter().flat_map(|unit| people.of_unit(Some(unit), None));
        distinct(leading.chain(assisting).flat_map(|person| person.channels.clone()).collect())
    }

    /// Who hears what follows: whoever is on duty, and those who were called upon.
    fn audience(&self, file: &File, rule: &Rule, now: Timestamp) -> Reach {
        let mut reach = self.reach(rule.duty.as_ref(), now, false);
        for step in rule.ladder.steps(file.incident.level).take(file.matter.called as usize) {
            reach.channels.extend(self.targets(step, &file.incident, now));
        }
        Reach { channels: distinct(reach.channels), ..reach }
    }

    /// Everybody that a roster's chain reaches.
    fn everybody(&self, file: &File, ladder: &Ladder, duty: Option<&Duty>, now: Timestamp) -> Vec<String> {
        let mut channels = self.reach(duty, now, false).channels;
        for step in ladder.steps(file.incident.level) {
            channels.extend(self.targets(step, &file.incident, now));
        }
        distinct(channels)
    }

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
        let reach = self.audience(file, rule, now);
        let seq = file.seq;
        if reach.gap {
            let instead = reach.channels.join(", ");
            file.record(now, PROGRAM, "roster_gap", format!("值班表此刻无人可通知, 改为通知: {instead}"));
        }
        tx.save(file).await?;
        self.write_pages(tx, file, seq, reason, &reach.channels, now).await
    }

    /// Writes the pages of a rung that was just taken.
    pub(super) async fn page_rung(
        &self,
        tx: &mut Tx,
        file: &File,
        rung: Rung<'_>,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let duty = rule.duty.as_ref();
        let mut channels = match rung {
            Rung::Remind => self.reach(duty, now, false).channels,
            Rung::Step(step) => self.targets(step, &file.incident, now),
            Rung::Again => self.everybody(file, &rule.ladder, duty, now),
        };
        if channels.is_empty() {
            // A step whose people cannot be reached now must not be a silence.
            channels = self.everybody(file, &rule.ladder, duty, now);
        }
        self.write_pages(tx, file, file.seq, Reason::Escalation, &channels, now).await
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
            Told::Warning => (Reason::ClockWarning, self.reach(rule.duty.as_ref(), now, false).channels),
            Told::Expired => (Reason::ClockExpired, self.everybody(file, &rule.ladder, rule.duty.as_ref(), now)),
        };
        if of_unit {
            channels.extend(match told {
                Told::Warning => self.of_units(&file.incident),
                Told::Expired => self.leaders(&file.incident),
            });
        }
        self.write_pages(tx, file, seq, reason, &distinct(channels), now).await
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
        let incident = &file.incident;
        for channel in channels {
            let key = format!("{}/{seq}/{channel}", incident.id);
            tx.add_page(&Page {
                incident: Some(incident.id.clone()),
                channel: channel.clone(),
                reason: reason.as_str().into(),
                urgency: outbox::urgency(incident.level),
                body: self.style.body(&key, reason, incident),
                created_at: now,
                key,
            })
            .await?;
        }
        Ok(())
    }
}

/// Each once, in order.
fn distinct(channels: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    channels.into_iter().filter(|channel| seen.insert(channel.clone())).collect()
}
