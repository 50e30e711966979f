//! Links that sign: which page carries which, who may sign with one, and the signature.

use super::{
    Desk,
    desk::{ActError, random_key},
};
use crate::{
    audit::entry,
    incident::{Command, File, Refusal},
    link::{Audience, Links},
    outbox::Reason,
    records::{RecordsError, Tx},
    roster,
};
use jiff::Timestamp;
use schemas::{
    kit::{
        auth::{Caller, Role},
        tokens::hash,
    },
    records::{Incident, State},
};

/// By which link somebody signs.
#[derive(Debug)]
pub struct ByLink<'a> {
    /// How often the incident had been reopened when it was sent.
    pub turn: u16,
    /// Whom it was sent to.
    pub audience: &'a Audience,
}

impl ByLink<'_> {
    /// A link that was sent before the incident was reopened signs no more. While it is closed, that is what is told.
    pub(super) async fn still_holds(&self, tx: &mut Tx, file: &File) -> Result<(), ActError> {
        let reopened = tx.reopenings(&file.incident.id).await? != self.turn;
        if reopened && file.incident.state != State::Closed {
            return Err(ActError::Reopened);
        }
        Ok(())
    }

    /// Lets the history, and with it the audit record, say which way the signature came.
    pub(super) fn told(&self, file: &mut File) {
        if let Some(event) = file.fresh.last_mut() {
            event.text = format!("{} ({})", event.text, self.audience.told());
        }
    }
}

/// Somebody who may sign with a group's link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The name.
    pub name: String,
    /// Whether they are on duty now.
    pub on_duty: bool,
}

impl Desk {
    /// The same desk, with links that sign in its messages.
    #[must_use]
    pub fn with_links(mut self, links: Links) -> Self {
        self.links = links;
        self
    }

    /// The link by which a channel's readers sign an incident; none when it awaits no signature, or there are no links.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn sign_link(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        channel: &str,
        now: Timestamp,
    ) -> Result<Option<String>, RecordsError> {
        if self.links.is_empty() || incident.state != State::New {
            return Ok(None);
        }
        let turn = tx.reopenings(&incident.id).await?;
        Ok(self.links.write(&incident.id, turn, channel, now))
    }

    /// The body of a page, with the signing link of its channel.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub(super) async fn body(
        &self,
        tx: &mut Tx,
        key: &str,
        reason: Reason,
        incident: &Incident,
        channel: &str,
        now: Timestamp,
    ) -> Result<String, RecordsError> {
        let link = self.sign_link(tx, incident, channel, now).await?;
        Ok(self.style.body_with(key, reason, incident, link.as_deref()))
    }

    /// Who may sign an incident with a group's link and a PIN: those of its roster, who is on duty first; without a roster, or where
    /// that names nobody, all people of the config. Only who has a PIN.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn signers(&self, incident: &Incident, now: Timestamp) -> Result<Vec<Signer>, RecordsError> {
        let duty = self.plan.rule(&incident.topic.id).duty.as_ref();
        let changes = self.records.roster_changes(now).await?;
        let turns = duty.map(|duty| roster::on_duty(duty, &changes, now, &self.style.tz)).unwrap_or_default();
        let on_duty: Vec<String> = turns.into_iter().map(|turn| turn.person).collect();
        let mut names = on_duty.clone();
        if let Some(duty) = duty {
            names.extend(duty.shift.iter().flat_map(|shift| shift.get_ref().members()).map(str::to_owned));
            names.extend(duty.escalation.iter().map(|step| step.person.clone()));
        }
        if names.iter().all(String::is_empty) {
            names.extend(self.links.everybody().iter().cloned());
        }
        let with_pin = self.records.with_pin().await?;
        let mut signers: Vec<Signer> = Vec::new();
        for name in names.into_iter().filter(|name| with_pin.contains(name)) {
            if !signers.iter().any(|known| known.name == name) {
                signers.push(Signer { on_duty: on_duty.contains(&name), name });
            }
        }
        Ok(signers)
    }

    /// Signs an incident as somebody who opened a link.
    ///
    /// # Errors
    /// Why it came to nothing.
    pub async fn sign_by_link(&self, id: &str, who: &str, link: &ByLink<'_>) -> Result<File, ActError> {
        let by = Caller { name: who.to_owned(), role: self.role_of(who).await? };
        self.act_by(id, &Command::Ack, &by, None, Some(link)).await
    }

    /// The role of a person: the user's of that name. Whoever is on a roster and can't log in is on duty all the same.
    async fn role_of(&self, name: &str) -> Result<Role, RecordsError> {
        Ok(self.records.user(name).await?.map_or(Role::Operator, |user| user.role))
    }

    /// Notes a wrong PIN: on the audit record, and against the link.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn wrong_pin(
        &self,
        token: &str,
        expires_at: Timestamp,
        incident: &str,
        who: &str,
        detail: String,
    ) -> Result<(), RecordsError> {
        let by = Caller { name: who.to_owned(), role: self.role_of(who).await? };
        let mut tx = self.records.begin().await?;
        let now = self.now();
        tx.wrong_try(&hash(token), expires_at, now).await?;
        tx.audit(&random_key(), &entry(&by, "pin_failed", incident, &detail, now)).await?;
        tx.commit().await
    }
}

/// Who signed an incident, if that is why it can't be signed.
#[must_use]
pub fn signed_by(error: &ActError) -> Option<&str> {
    match error {
        ActError::Refused(Refusal::SignedBy(who)) => Some(who),
        _ => None,
    }
}
