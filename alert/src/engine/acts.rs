//! What people do to an incident, each as one transaction, with its entry on the audit record.

use super::{Desk, desk::ActError, link::ByLink, reach::id_of};
use crate::{
    audit::entry,
    clock::Happening,
    incident::{Command, File, Refusal},
    matter::join,
    outbox::Reason,
    records::{RecordsError, Tx, repeat},
};
use jiff::Timestamp;
use schemas::{
    kit::auth::{Caller, Role},
    records::{Incident, State},
};

fn is_broken_off(error: &ActError) -> bool {
    matches!(error, ActError::Records(error) if error.is_broken_off())
}

impl Desk {
    /// Whether somebody may see an incident: a unit's people see what was handed to their unit, or what it assists.
    #[must_use]
    pub fn may_see(&self, incident: &Incident, by: &Caller) -> bool {
        if by.role != Role::Unit {
            return true;
        }
        let Some(unit) = self.plan.people.find(&by.name).and_then(|person| person.unit.as_deref()) else {
            return false;
        };
        let is_theirs = |named: Option<&str>| named == Some(unit);
        is_theirs(incident.unit.as_deref())
            || is_theirs(incident.unit_id.as_deref())
            || incident.assisting.iter().any(|name| name == unit || id_of(incident, name) == Some(unit))
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
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut file =
            tx.incident(id).await?.filter(|file| self.may_see(&file.incident, by)).ok_or(ActError::Unknown)?;
        if let Some(link) = link {
            link.still_holds(&mut tx, &file).await?;
        }
        let before = file.incident.clone();
        // What a unit notes is its progress.
        let report = match command {
            Command::Note { text } if by.role == Role::Unit => Some(Command::Report { text: text.clone() }),
            _ => None,
        };
        let command = report.as_ref().unwrap_or(command);
        if !file.act(command, &by.name, seen, now)? {
            return Ok(file);
        }
        if let Some(link) = link {
            link.told(&mut file);
        }
        let rule = self.plan.rule(&file.incident.topic.id);
        let happening = Happening::Done(command, &by.name);
        if !file.incident.drill {
            self.plan.clocks.follow(&mut file, happening, now);
        }
        rule.ladder.follow(&mut file, happening, now);
        let (seq, detail) = file.fresh.last().map(|event| (event.seq, event.text.clone())).unwrap_or_default();
        let told = self.told_of(&mut tx, command, (&before, &file.incident), by, now).await?;
        if let (Command::Assign { .. }, Some((_, channels))) = (command, &told)
            && channels.is_empty()
        {
            file.record(now, crate::incident::PROGRAM, "unit_unreached", "承办单位没有可通知的人员, 请电话告知");
        }
        if file.incident.drill && matches!(command, Command::Ack | Command::Close { .. } | Command::FalseAlarm { .. }) {
            self.note_result(&mut file, now).await?;
        }
        tx.save(&mut file).await?;
        self.audit(&mut tx, &file, by, command.action(), &detail, now).await?;
        if let Some((reason, channels)) = told {
            self.write_pages(&mut tx, &file, seq, reason, &channels, now).await?;
        }
        if file.incident.state == State::Closed {
            self.tell_of_the_end(&mut tx, &file, now).await?;
        }
        tx.commit().await?;
        self.wake();
        Ok(file)
    }

    /// Who hears at once of what somebody did: the unit of what is handed to it, or taken from it; the desk of what the unit says.
    async fn told_of(
        &self,
        tx: &mut Tx,
        command: &Command,
        (before, after): (&Incident, &Incident),
        by: &Caller,
        now: Timestamp,
    ) -> Result<Option<(Reason, Vec<String>)>, RecordsError> {
        // What the desk itself notes down for a unit that telephoned, the desk need not be told.
        let reason = match command {
            Command::Assign { .. } => return Ok(Some((Reason::Assigned, self.of_units(after)))),
            Command::Return { .. } if by.role != Role::Unit => {
                return Ok(Some((Reason::Returned, self.of_units(before))));
            }
            Command::Return { .. } => Reason::Returned,
            Command::Answer { .. } if by.role == Role::Unit => Reason::Answered,
            _ => return Ok(None),
        };
        let duty = self.plan.rule(&after.topic.id).duty.as_ref();
        Ok(Some((reason, self.reach(tx, duty, now, false).await?.channels)))
    }

    /// Merges an incident into another one; returns that one.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn merge_incidents(
        &self,
        id: &str,
        into: &str,
        why: &str,
        by: &Caller,
        seen: Option<u64>,
    ) -> Result<File, ActError> {
        repeat(is_broken_off, || self.merge_once(id, into, why, by, seen)).await
    }

    async fn merge_once(
        &self,
        id: &str,
        into: &str,
        why: &str,
        by: &Caller,
        seen: Option<u64>,
    ) -> Result<File, ActError> {
        if into.trim().is_empty() {
            return Err(Refusal::Missing("into").into());
        }
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut from = tx.incident(id).await?.ok_or(ActError::Unknown)?;
        let mut target = tx.incident(into).await?.ok_or(ActError::Unknown)?;
        refuse_changed(&from, seen)?;
        let level = target.incident.level;
        self.plan.clocks.go_on(&mut from, now);
        join::merge(&mut from, &mut target, &by.name, why, now)?;
        self.plan.clocks.follow(&mut from, Happening::Merged, now);
        if target.incident.level > level {
            let rule = self.plan.rule(&target.incident.topic.id);
            self.plan.clocks.follow(&mut target, Happening::Raised, now);
            rule.ladder.follow(&mut target, Happening::Raised, now);
        }
        tx.save(&mut from).await?;
        tx.save(&mut target).await?;
        let detail = format!("{id} → {into}: {}", why.trim());
        for file in [&from, &target] {
            self.audit(&mut tx, file, by, "merged", &detail, now).await?;
        }
        self.tell_of_the_end(&mut tx, &from, now).await?;
        tx.commit().await?;
        self.wake();
        Ok(target)
    }

    /// Splits topics that joined from an incident; returns the new one.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn split_incident(
        &self,
        id: &str,
        topics: &[String],
        why: &str,
        by: &Caller,
        seen: Option<u64>,
    ) -> Result<File, ActError> {
        repeat(is_broken_off, || self.split_once(id, topics, why, by, seen)).await
    }

    async fn split_once(
        &self,
        id: &str,
        topics: &[String],
        why: &str,
        by: &Caller,
        seen: Option<u64>,
    ) -> Result<File, ActError> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let mut file = tx.incident(id).await?.ok_or(ActError::Unknown)?;
        refuse_changed(&file, seen)?;
        let number = tx.next_id(&self.day(now)).await?;
        let mut new = join::split(&mut file, topics, number, &by.name, why, now)?;
        let rule = self.plan.rule(&new.incident.topic.id);
        rule.ladder.follow(&mut new, Happening::Split, now);
        self.plan.clocks.follow(&mut new, Happening::Split, now);
        for topic in topics {
            tx.leave(topic, id).await?;
        }
        tx.save(&mut file).await?;
        tx.save(&mut new).await?;
        let detail = format!("{id} → {}: {}", new.incident.id, why.trim());
        for file in [&file, &new] {
            self.audit(&mut tx, file, by, "split", &detail, now).await?;
        }
        tx.commit().await?;
        self.wake();
        Ok(new)
    }

    async fn audit(
        &self,
        tx: &mut Tx,
        file: &File,
        by: &Caller,
        action: &str,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        let entry = entry(by, action, &file.incident.id, detail, now);
        tx.audit(&format!("{}/{:06}", file.incident.id, file.seq), &entry).await
    }

    /// Pages the channels that keep what they were told until they are told that it is over.
    async fn tell_of_the_end(&self, tx: &mut Tx, file: &File, now: Timestamp) -> Result<(), RecordsError> {
        let mut channels = tx.told_channels(&file.incident.id).await?;
        channels.retain(|channel| self.plan.routes.get(channel).is_some_and(|route| route.keeps));
        self.write_pages(tx, file, file.seq, Reason::Closed, &channels, now).await
    }
}

fn refuse_changed(file: &File, seen: Option<u64>) -> Result<(), Refusal> {
    let now = file.incident.version;
    match seen {
        Some(seen) if seen != now => Err(Refusal::Changed { seen, now }),
        _ => Ok(()),
    }
}
