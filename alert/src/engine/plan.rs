//! What the config says about judging and paging, ready for use.
//!
//! | config | thresholds | roster |
//! |---|---|---|
//! | a `[[policy]]` names the topic or `"*"` | its own over the defaults | its `duty`; every channel when it names none |
//! | none does, there is a `[[duty]]` | the defaults | the first |
//! | none does, there is no `[[duty]]` | the defaults | every channel |

use crate::{clock::Clocks, escalation::Ladder, outbox::Route, policy::Thresholds, quiet::storm, roster::People};
pub use schemas::kit::settings::Drill as Practice;
use schemas::kit::settings::{Duty, Settings};
use std::collections::HashMap;

/// How a topic's incidents are judged and who is paged.
#[derive(Debug, Clone)]
pub struct Rule {
    /// When a level is reached.
    pub thresholds: Thresholds,
    /// The roster; every channel where there is none.
    pub duty: Option<Duty>,
    /// Who is next in line when nobody signs.
    pub ladder: Ladder,
}

impl Rule {
    fn of(thresholds: Thresholds, duty: Option<Duty>) -> Self {
        Self { ladder: Ladder::of(duty.as_ref()), thresholds, duty }
    }
}

/// The rules of all topics.
#[derive(Debug, Clone)]
pub struct Plan {
    rules: Vec<(Vec<String>, Rule)>,
    otherwise: Rule,
    /// The deadlines that run.
    pub clocks: Clocks,
    /// The people of the config.
    pub people: People,
    /// Every roster.
    pub duties: Vec<Duty>,
    /// Every channel's id.
    pub channels: Vec<String>,
    /// What the outbox knows of each channel, by id.
    pub routes: HashMap<String, Route>,
    /// What is practised every week.
    pub drills: Vec<Practice>,
    /// When so many incidents open at once that pages are merged.
    pub storm: storm::Rules,
    /// Who is told when a source is not covered: the roster that `[coverage]` names, or the first.
    pub upkeep: Option<Duty>,
}

impl Plan {
    /// The plan of a config.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let duty = |id: &str| settings.duty.iter().map(|duty| duty.get_ref()).find(|duty| duty.id == id).cloned();
        let rules = settings
            .policy
            .iter()
            .map(|policy| policy.get_ref())
            .map(|policy| {
                let rule = Rule::of(Thresholds::of(Some(policy)), policy.duty.as_deref().and_then(duty));
                (policy.topics.clone(), rule)
            })
            .collect();
        let first = settings.duty.first().map(|duty| duty.get_ref().clone());
        Self {
            upkeep: settings.coverage.duty.as_deref().and_then(duty).or_else(|| first.clone()),
            rules,
            duties: settings.duty.iter().map(|duty| duty.get_ref().clone()).collect(),
            people: People::of(settings.person.iter().map(|person| person.get_ref().clone())),
            otherwise: Rule::of(Thresholds::default(), first),
            clocks: Clocks::of(settings),
            storm: storm::Rules::of(&settings.storm),
            drills: settings.drill.iter().map(|drill| drill.get_ref().clone()).collect(),
            channels: settings.channel.iter().map(|channel| channel.get_ref().id.clone()).collect(),
            routes: settings
                .channel
                .iter()
                .map(|channel| (channel.get_ref().id.clone(), Route::of(channel.get_ref())))
                .collect(),
        }
    }

    /// The rule of a topic.
    #[must_use]
    pub fn rule(&self, topic: &str) -> &Rule {
        let named = |topics: &[String]| topics.iter().any(|name| name == "*" || name == topic);
        self.rules.iter().find(|(topics, _)| named(topics)).map_or(&self.otherwise, |(_, rule)| rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The module's table, a row each.
    #[test]
    fn which_roster_a_topic_has() {
        const DUTIES: &str = "[[channel]]\nid = \"c\"\nkind = \"webhook\"\nurl = \"http://h/\"\n\
            [[watch]]\nid = \"gas\"\nname = \"燃气\"\nquery = \"燃气\"\n\
            [[duty]]\nid = \"first\"\nchannels = [\"c\"]\n[[duty]]\nid = \"second\"\nchannels = [\"c\"]\n";
        let duty = |config: &str, topic: &str| {
            Plan::of(&Settings::parse(config, []).unwrap()).rule(topic).duty.as_ref().map(|duty| duty.id.clone())
        };
        let with = |policies: &str| format!("{DUTIES}{policies}");
        assert_eq!(duty("", "water"), None);
        assert_eq!(duty(DUTIES, "water").as_deref(), Some("first"));
        let one = with("[[policy]]\ntopics = [\"gas\"]\nduty = \"second\"\n");
        assert_eq!(duty(&one, "gas").as_deref(), Some("second"));
        assert_eq!(duty(&one, "water").as_deref(), Some("first"));
        assert_eq!(duty(&with("[[policy]]\nduty = \"second\"\n"), "water").as_deref(), Some("second"));
        assert_eq!(duty(&with("[[policy]]\n"), "water"), None);
    }
}
