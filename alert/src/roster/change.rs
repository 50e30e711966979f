//! Changes: somebody takes another's place (顶班), comes on beside those of the plan (加班), or two exchange turns (换班).
//!
//! | change | who is on duty in its time |
//! |---|---|
//! | override, X instead of Y | X wherever Y is on by the plan and the changes before |
//! | two overrides of Y at the same time | who the later one names; the check says so |
//! | an override of X, who stands there for Y | who the later one names, for Y |
//! | extra, X | X beside the others |
//! | swap of a turn of A and one of B, proposed | as without it |
//! | the same, agreed | B in A's turn, A in B's |
//! | withdrawn | until it was withdrawn as it said, from then on as without it |
//! | written down after its time had begun | from then on: nobody was paged there before |
//!
//! Changes take effect in the order of their numbers. None is ever deleted.

use super::{Source, Turn};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// 顶班.
    Override,
    /// 加班.
    Extra,
    /// 换班.
    Swap,
}

/// Somebody's time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// It begins.
    pub from: Timestamp,
    /// It ends.
    pub to: Timestamp,
    /// Whose it is.
    pub person: String,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Its number within the roster, from 1.
    pub n: i64,
    /// The roster's id.
    pub roster: String,
    /// What kind.
    pub kind: Kind,
    /// It begins; of a swap, the first turn does.
    pub from: Timestamp,
    /// It ends; of a swap, the first turn does.
    pub to: Timestamp,
    /// Who is on; of a swap, whose the first turn is.
    pub person: String,
    /// Whose place they take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// The other turn of a swap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub with: Option<Slot>,
    /// Why.
    pub why: String,
    /// Who wrote it down.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Who agreed to the swap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreed_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agreed_at: Option<Timestamp>,
    /// Who withdrew it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<Timestamp>,
}

impl Change {
    /// Whether it has, or had, an effect.
    #[must_use]
    pub fn is_decided(&self) -> bool {
        self.kind != Kind::Swap || self.agreed_at.is_some()
    }

    /// Whether it waits for somebody's word.
    #[must_use]
    pub fn is_proposed(&self) -> bool {
        !self.is_decided() && self.withdrawn_at.is_none()
    }

    /// Whether it stands.
    #[must_use]
    pub fn stands(&self) -> bool {
        self.is_decided() && self.withdrawn_at.is_none()
    }

    /// When the last of its time ends.
    #[must_use]
    pub fn until(&self) -> Timestamp {
        self.with.as_ref().map_or(self.to, |with| with.to.max(self.to))
    }

    /// When the first of its time begins.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.with.as_ref().map_or(self.from, |with| with.from.min(self.from))
    }

    /// Whose turns it changes.
    pub fn people(&self) -> impl Iterator<Item = &str> {
        let with = self.with.as_ref().map(|with| &with.person);
        std::iter::once(&self.person).chain(&self.instead_of).chain(with).map(String::as_str)
    }

    /// Whether it is a swap between somebody and another.
    #[must_use]
    pub fn is_swap_of(&self, person: &str) -> bool {
        self.kind == Kind::Swap && self.people().any(|one| one == person)
    }

    /// Who takes whose place, and when.
    pub(super) fn replacements(&self) -> Vec<Replacement<'_>> {
        let one = |from, to, of, by| Replacement { from, to, of, by };
        match (&self.instead_of, &self.with) {
            (Some(of), _) => vec![one(self.from, self.to, of, &self.person)],
            (None, Some(with)) => {
                vec![
                    one(self.from, self.to, &self.person, &with.person),
                    one(with.from, with.to, &with.person, &self.person),
                ]
            }
            (None, None) => Vec::new(),
        }
    }

    /// A time of it, as far as it had or has an effect.
    pub(super) fn effective(&self, from: Timestamp, to: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let decided = self.agreed_at.filter(|_| self.kind == Kind::Swap).unwrap_or(self.at);
        let (from, to) = (from.max(decided), self.withdrawn_at.map_or(to, |at| at.min(to)));
        (self.is_decided() && from < to).then_some((from, to))
    }

    /// Applies it to turns; returns whom it should replace and did not find on duty.
    pub(super) fn apply(&self, turns: &mut Vec<Turn>) -> Vec<String> {
        let mut missing = Vec::new();
        for replacement in self.replacements() {
            let Some((from, to)) = self.effective(replacement.from, replacement.to) else { continue };
            let mut changed = Vec::with_capacity(turns.len() + 2);
            let mut found = false;
            for turn in turns.drain(..) {
                let (begins, ends) = (turn.from.max(from), turn.to.min(to));
                if begins >= ends || !turn.is_held_by(replacement.of) {
                    changed.push(turn);
                    continue;
                }
                found = true;
                if turn.from < begins {
                    changed.push(Turn { to: begins, ..turn.clone() });
                }
                if ends < turn.to {
                    changed.push(Turn { from: ends, ..turn.clone() });
                }
                changed.push(Turn {
                    from: begins,
                    to: ends,
                    person: replacement.by.to_owned(),
                    source: if self.kind == Kind::Swap { Source::Swap } else { Source::Override },
                    change: Some(self.n),
                    instead_of: Some(turn.instead_of.unwrap_or(turn.person)),
                    ..turn
                });
            }
            *turns = changed;
            if !found {
                missing.push(replacement.of.to_owned());
            }
        }
        if self.kind == Kind::Extra
            && let Some((from, to)) = self.effective(self.from, self.to)
        {
            turns.push(Turn {
                from,
                to,
                person: self.person.clone(),
                source: Source::Extra,
                shift: None,
                change: Some(self.n),
                instead_of: None,
            });
        }
        missing
    }
}

/// Somebody takes another's place.
pub(super) struct Replacement<'a> {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    /// Whose place.
    pub(super) of: &'a str,
    /// Who takes it.
    pub(super) by: &'a str,
}

impl Turn {
    /// Whether somebody holds it, or another holds it in their place.
    fn is_held_by(&self, person: &str) -> bool {
        self.person == person || (self.source == Source::Override && self.instead_of.as_deref() == Some(person))
    }
}
