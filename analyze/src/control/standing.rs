//! What people have set of watch topics and words, beside what the config sets. Pure.
//!
//! | a record says | then |
//! |---|---|
//! | a watch topic is defined or changed | it stands, in the order of the ids, behind those of the config |
//! | one is removed | it stands no more; its id is never given to another |
//! | one with the id of a topic of the config | the config's stands |
//! | a word is added, or removed | it stands, or not, beside those of the file |
//! | anything else | it is not looked at here |

use jiff::{Timestamp, tz::TimeZone};
use schemas::{
    kit::settings::Watch,
    records::{Control, ControlValue},
};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What people have set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Standing {
    // `None`: removed.
    watch: BTreeMap<String, Set<Option<(String, String)>>>,
    words: BTreeMap<String, Set<bool>>,
}

/// A value, and who set it when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Set<T> {
    value: T,
    by: String,
    at: Timestamp,
}

/// Where a watch topic stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Origin {
    /// In the config file; it is changed there.
    Config,
    /// Set by somebody.
    People,
    /// Of words: in the file of the user dictionary; it is changed there.
    File,
}

/// A watch topic, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct WatchTopic {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) query: String,
    pub(super) from: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Timestamp>,
}

/// A word of the user dictionary, as the API shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct UserWord {
    pub(super) word: String,
    pub(super) from: Origin,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Timestamp>,
}

impl Standing {
    /// Takes in a record; says whether anything changes here.
    pub(super) fn take(&mut self, control: &Control) -> bool {
        let (by, at) = (control.who.clone(), control.at);
        match &control.value {
            ControlValue::Watch { id, name, query } => {
                let value = Some((name.clone(), query.clone()));
                self.watch.insert(id.clone(), Set { value, by, at });
            }
            ControlValue::WatchRemoved { id } => {
                self.watch.insert(id.clone(), Set { value: None, by, at });
            }
            ControlValue::Word { word, present } => {
                self.words.insert(word.clone(), Set { value: *present, by, at });
            }
            ControlValue::SourcePaused { .. }
            | ControlValue::Correction(_)
            | ControlValue::CorrectionRemoved { .. } => {
                return false;
            }
        }
        true
    }

    /// All watch topics: those of the config, then people's.
    pub(super) fn watch<'a>(&self, config: impl IntoIterator<Item = &'a Watch>) -> Vec<WatchTopic> {
        let mut topics: Vec<WatchTopic> = config
            .into_iter()
            .map(|Watch { id, name, query }| WatchTopic {
                id: id.clone(),
                name: name.clone(),
                query: query.clone(),
                from: Origin::Config,
                by: None,
                at: None,
            })
            .collect();
        let of_config: BTreeSet<String> = topics.iter().map(|topic| topic.id.clone()).collect();
        for (id, Set { value, by, at }) in &self.watch {
            let Some((name, query)) = value.as_ref().filter(|_| !of_config.contains(id)) else { continue };
            topics.push(WatchTopic {
                id: id.clone(),
                name: name.clone(),
                query: query.clone(),
                from: Origin::People,
                by: Some(by.clone()),
                at: Some(*at),
            });
        }
        topics
    }

    /// All words: those of the file, then people's.
    pub(super) fn words(&self, file: &[String]) -> Vec<UserWord> {
        let of_file = file.iter().map(|word| UserWord { word: word.clone(), from: Origin::File, by: None, at: None });
        let people = self.words.iter().filter(|(word, set)| set.value && !file.contains(word));
        let people = people.map(|(word, Set { by, at, .. })| UserWord {
            word: word.clone(),
            from: Origin::People,
            by: Some(by.clone()),
            at: Some(*at),
        });
        of_file.chain(people).collect()
    }

    /// An id for a new watch topic: the day, and a number that no topic of that day has or had.
    pub(super) fn new_id(&self, now: Timestamp, tz: &TimeZone) -> String {
        let day = now.to_zoned_datetime(tz.clone()).strftime("w-%Y%m%d-").to_string();
        let taken = self.watch.keys().filter_map(|id| id.strip_prefix(&day)?.parse::<u32>().ok()).max();
        format!("{day}{:03}", taken.unwrap_or(0).saturating_add(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: ControlValue) -> Control {
        Control { v: 1, at: Timestamp::UNIX_EPOCH, who: "分析员".into(), value }
    }

    fn watch(id: &str, query: &str) -> ControlValue {
        ControlValue::Watch { id: id.into(), name: format!("专题{id}"), query: query.into() }
    }

    #[test]
    fn the_table() {
        let config = [Watch { id: "water".into(), name: "停水".into(), query: "停水".into() }];
        let mut standing = Standing::default();
        for value in [watch("b", "停电"), watch("a", "停气"), watch("water", "别的"), watch("b", "断电")] {
            assert!(standing.take(&set(value)));
        }
        let told = |standing: &Standing| -> Vec<(String, String, Origin)> {
            standing.watch(&config).into_iter().map(|topic| (topic.id, topic.query, topic.from)).collect()
        };
        let row = |id: &str, query: &str, from| (id.to_owned(), query.to_owned(), from);
        let water = row("water", "停水", Origin::Config);
        let a = row("a", "停气", Origin::People);
        assert_eq!(told(&standing), [water.clone(), a.clone(), row("b", "断电", Origin::People)]);
        assert!(standing.take(&set(ControlValue::WatchRemoved { id: "b".into() })));
        assert_eq!(told(&standing), [water, a]);

        for (word, present) in [("背街", true), ("小区北门", true), ("背街", false), ("在文件里", true)] {
            assert!(standing.take(&set(ControlValue::Word { word: word.into(), present })));
        }
        let words: Vec<(String, Origin)> =
            standing.words(&["在文件里".into()]).into_iter().map(|word| (word.word, word.from)).collect();
        assert_eq!(words, [("在文件里".to_owned(), Origin::File), ("小区北门".to_owned(), Origin::People)]);
        assert!(!standing.take(&set(ControlValue::CorrectionRemoved { post: "forum:1".into() })));
    }

    #[test]
    fn an_id_is_never_given_twice() {
        let now: Timestamp = "2026-11-24T17:00:00Z".parse().unwrap();
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        let mut standing = Standing::default();
        assert_eq!(standing.new_id(now, &tz), "w-20261125-001", "the day is the desk's");
        standing.take(&set(watch("w-20261125-007", "停水")));
        standing.take(&set(ControlValue::WatchRemoved { id: "w-20261125-007".into() }));
        assert_eq!(standing.new_id(now, &tz), "w-20261125-008");
    }
}
