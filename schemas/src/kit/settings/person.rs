//! `[[person]]`: people who are on duty, and the units' people who are told of what was handed to their unit.

use super::KeyFault;
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// `[[person]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name, as in shifts and as it stands on the history: the same as the user's, where the person logs in.
    pub name: String,
    /// Channels that reach this person and nobody else: a message there may be signed with one tap.
    #[serde(default)]
    pub channels: Vec<String>,
    /// The unit that they belong to, by its id in the file of places or by its name; none for the centre's own people.
    pub unit: Option<String>,
    /// Whether they lead it: whoever leads a unit is told when it is silent.
    #[serde(default)]
    pub leads: bool,
}

impl Person {
    pub(super) fn check(&self, channels: &HashSet<&str>) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        let wrong = self.name.trim() != self.name || self.name.chars().any(char::is_control);
        if wrong || !(1..=64).contains(&self.name.chars().count()) {
            faults.push(("name", "must have 1 to 64 characters, none of them a control character".into()));
        }
        for channel in self.channels.iter().filter(|channel| !channels.contains(channel.as_str())) {
            faults.push(("channels", format!("there is no [[channel]] with the id {channel:?}")));
        }
        if self.leads && self.unit.is_none() {
            faults.push(("leads", "leads which unit? Name it: unit = \"…\"".into()));
        }
        faults
    }
}

/// Names that stand twice, and channels that two people share: by the place of the later person.
pub(super) fn shared<'a>(people: impl Iterator<Item = &'a Person>) -> Vec<(usize, KeyFault)> {
    let (mut names, mut owners) = (HashSet::new(), HashMap::new());
    let mut faults = Vec::new();
    for (place, person) in people.enumerate() {
        if !names.insert(&person.name) {
            faults.push((place, ("name", format!("there is another [[person]] {:?}", person.name))));
        }
        for channel in &person.channels {
            if let Some(owner) = owners.insert(channel, &person.name).filter(|owner| **owner != person.name) {
                let message = format!(
                    "{channel:?} is {owner}'s own: one tap there signs as {owner}. A channel that several read belongs into the \
                     roster, not to a person"
                );
                faults.push((place, ("channels", message)));
            }
        }
    }
    faults
}
