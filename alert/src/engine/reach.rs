//! Where pages go now: those of a roster, by the config and by what people changed; those of a step, of a unit, of an incident.

use super::{Desk, plan::Rule};
use crate::{
    incident::File,
    records::{RecordsError, Tx},
    roster::{self, Reach, add},
};
use jiff::Timestamp;
use schemas::{
    kit::settings::{Duty, EscalationStep},
    records::Incident,
};

/// The id of a unit that is named, where the program proposed it: `[[person]]` may name either.
pub(super) fn id_of<'a>(incident: &'a Incident, name: &str) -> Option<&'a str> {
    incident.proposed.iter().find(|proposed| proposed.name == name).map(|proposed| proposed.id.as_str())
}

impl Desk {
    /// Where a roster's pages go now.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn reach(
        &self,
        tx: &mut Tx,
        duty: Option<&Duty>,
        now: Timestamp,
        escalated: bool,
    ) -> Result<Reach, RecordsError> {
        let changes = if duty.is_some() { tx.roster_changes(now).await? } else { Vec::new() };
        let (people, channels, tz) = (&self.plan.people, &self.plan.channels, &self.style.tz);
        Ok(roster::reach(duty, &changes, people, channels, now, tz, escalated))
    }

    /// Where it is told what is wrong with a roster: its own channels; where it has none, like any page.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn reach_roster(
        &self,
        tx: &mut Tx,
        duty: &Duty,
        now: Timestamp,
    ) -> Result<Vec<String>, RecordsError> {
        if duty.channels.is_empty() {
            return Ok(self.reach(tx, Some(duty), now, false).await?.channels);
        }
        Ok(duty.channels.clone())
    }

    /// Where a step's pages go.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn targets(
        &self,
        tx: &mut Tx,
        step: &EscalationStep,
        incident: &Incident,
        now: Timestamp,
    ) -> Result<Vec<String>, RecordsError> {
        let mut channels = self.plan.people.channels(&step.person).to_vec();
        add(&mut channels, &step.channels);
        let roster = step.roster.as_deref().and_then(|id| self.plan.duties.iter().find(|duty| duty.id == id));
        if roster.is_some() {
            add(&mut channels, &self.reach(tx, roster, now, false).await?.channels);
        }
        if step.unit_leader {
            add(&mut channels, &self.leaders(incident));
        }
        Ok(channels)
    }

    /// Where whoever leads the incident's unit is reached; where nobody is known to lead it, its people.
    pub(super) fn leaders(&self, incident: &Incident) -> Vec<String> {
        let of = |all: bool| {
            let mut channels = Vec::new();
            let people = self.plan.people.of_unit(incident.unit.as_deref(), incident.unit_id.as_deref());
            people.filter(|person| person.leads || all).for_each(|person| add(&mut channels, &person.channels));
            channels
        };
        let leaders = of(false);
        if leaders.is_empty() { of(true) } else { leaders }
    }

    /// Where the people of the incident's units are reached: of the one that leads, and of those that assist.
    pub(super) fn of_units(&self, incident: &Incident) -> Vec<String> {
        let people = &self.plan.people;
        let leading = people.of_unit(incident.unit.as_deref(), incident.unit_id.as_deref());
        let assisting = incident.assisting.iter().flat_map(|unit| people.of_unit(Some(unit), id_of(incident, unit)));
        let mut channels = Vec::new();
        leading.chain(assisting).for_each(|person| add(&mut channels, &person.channels));
        channels
    }

    /// Who hears what follows: whoever is on duty, and those who were called upon.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn audience(
        &self,
        tx: &mut Tx,
        file: &File,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<Reach, RecordsError> {
        let mut reach = self.reach(tx, rule.duty.as_ref(), now, false).await?;
        for step in rule.ladder.steps(file.incident.level).take(file.matter.called as usize) {
            add(&mut reach.channels, &self.targets(tx, step, &file.incident, now).await?);
        }
        Ok(reach)
    }

    /// Everybody whom an incident's chain reaches.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn everybody(
        &self,
        tx: &mut Tx,
        file: &File,
        rule: &Rule,
        now: Timestamp,
    ) -> Result<Vec<String>, RecordsError> {
        let mut channels = self.reach(tx, rule.duty.as_ref(), now, false).await?.channels;
        for step in rule.ladder.steps(file.incident.level) {
            add(&mut channels, &self.targets(tx, step, &file.incident, now).await?);
        }
        Ok(channels)
    }
}
