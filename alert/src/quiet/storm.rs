//! 舆情风暴: so many incidents open at once that a page for each would tell nobody anything.
//!
//! | storm | opened within the time | outcome |
//! |---|---|---|
//! | none | at most as many as the config allows | nothing |
//! | none | more | it begins: one message to every channel |
//! | goes on | at least half as many | nothing |
//! | goes on | fewer than half | it is over: one message with what is unsigned |
//! | goes on, and the config has no storms any more | any | it is over |
//!
//! While it goes on, red and orange pages go out alone as always, and of the others each channel gets one message a minute, whatever
//! its quota ([`crate::outbox::choose`]).

use crate::message::{Style, level_mark};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::settings,
    records::{Incident, Level, State},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// So many of the gravest are named when it begins.
const GRAVEST: usize = 5;
/// So many unsigned ones are named when it is over.
const UNSIGNED: usize = 30;
/// A channel gets a message of the lower levels so often.
pub const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// A storm that goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storm {
    /// Since when.
    pub since: Timestamp,
}

/// What changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing.
    Stays,
    /// It begins.
    Begins,
    /// It is over.
    Over,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// More than so many begin one; 0: there are none.
    incidents: u64,
    /// Opened within this time.
    pub within: SignedDuration,
}

impl Rules {
    /// The rules of a config.
    #[must_use]
    pub fn of(settings: &settings::Storm) -> Self {
        let within = SignedDuration::try_from(settings.within).unwrap_or(SignedDuration::MAX);
        Self { incidents: settings.incidents.into(), within }
    }

    /// What changes, by the module's table; `opened` is how many opened within the time.
    #[must_use]
    pub fn turn(self, goes_on: bool, opened: u64) -> Turn {
        match goes_on {
            true if self.incidents == 0 || 2 * opened < self.incidents => Turn::Over,
            false if self.incidents > 0 && opened > self.incidents => Turn::Begins,
            _ => Turn::Stays,
        }
    }
}

impl Style {
    /// The message that it begins: how many, how many of each level, and the gravest.
    #[must_use]
    pub fn storm_body(&self, key: &str, reason: &str, opened: u64, open: &[Incident], minutes: i64) -> String {
        let mut gravest: Vec<&Incident> = open.iter().filter(|incident| incident.state == State::New).collect();
        gravest.sort_by(|a, b| (b.level, b.count, &a.id).cmp(&(a.level, a.count, &b.id)));
        let mut lines = vec![
            format!("【舆情风暴】{minutes} 分钟内新增 {opened} 起事件"),
            format!("未签收: {}", by_level(gravest.iter().map(|incident| incident.level))),
            "红色、橙色照常逐条通知; 其余每分钟合并为一条".to_owned(),
        ];
        // Without their numbers: each has its own message.
        lines.extend(gravest.iter().take(GRAVEST).map(|one| format!("{} {}", level_mark(one.level), one.title)));
        self.told_body(key, reason, lines)
    }

    /// The message that it is over, with what is unsigned.
    #[must_use]
    pub fn storm_over_body(&self, key: &str, reason: &str, open: &[Incident], minutes: i64) -> String {
        let mut unsigned: Vec<&Incident> = open.iter().filter(|incident| incident.state == State::New).collect();
        unsigned.sort_by(|a, b| (b.level, b.count, &a.id).cmp(&(a.level, a.count, &b.id)));
        let mut lines = vec![
            format!("【风暴结束】历时 {minutes} 分钟, 恢复逐条通知"),
            format!("未签收 {} 起: {}", unsigned.len(), by_level(unsigned.iter().map(|incident| incident.level))),
        ];
        let named = unsigned.iter().take(UNSIGNED);
        lines.extend(named.map(|one| format!("{} {} {}", level_mark(one.level), one.id, one.title)));
        if unsigned.len() > UNSIGNED {
            lines.push(format!("… 另有 {} 起", unsigned.len() - UNSIGNED));
        }
        self.told_body(key, reason, lines)
    }

    /// The body of a message that is about no incident and no source: its lines, and the link to the board.
    #[must_use]
    pub fn told_body(&self, key: &str, reason: &str, mut lines: Vec<String>) -> String {
        let link = format!("{}/incidents", self.base);
        lines.push(link.clone());
        json!({ "key": key, "reason": reason, "text": lines.join("\n"), "link": link }).to_string()
    }
}

/// `红 1, 橙 2, 黄 0, 蓝 14`.
#[must_use]
pub fn by_level(levels: impl Iterator<Item = Level>) -> String {
    let levels: Vec<Level> = levels.collect();
    let counted = [Level::I, Level::II, Level::III, Level::IV].map(|level| {
        let many = levels.iter().filter(|other| **other == level).count();
        format!("{} {many}", level_mark(level))
    });
    counted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::file;
    use proptest::prelude::*;

    fn rules(incidents: u32) -> Rules {
        Rules::of(&settings::Storm { incidents, ..settings::Storm::default() })
    }

    /// The module's table, a row each.
    #[test]
    fn when_it_begins_and_when_it_is_over() {
        for (goes_on, opened, turn) in [
            (false, 20, Turn::Stays),
            (false, 21, Turn::Begins),
            (true, 300, Turn::Stays),
            (true, 10, Turn::Stays),
            (true, 9, Turn::Over),
        ] {
            assert_eq!(rules(20).turn(goes_on, opened), turn, "{goes_on} {opened}");
        }
        assert_eq!((rules(0).turn(false, 999), rules(0).turn(true, 999)), (Turn::Stays, Turn::Over));
    }

    proptest! {
        /// A number of incidents that stays what it is never makes it begin and end in turns.
        #[test]
        fn it_does_not_flap(incidents in 2..100_u32, opened in 0..300_u64) {
            let rules = rules(incidents);
            let (begins, over) = (rules.turn(false, opened) == Turn::Begins, rules.turn(true, opened) == Turn::Over);
            prop_assert!(!(begins && over));
        }
    }

    #[test]
    fn the_messages_name_what_matters() {
        let style = Style { base: "https://w.example".into(), tz: jiff::tz::TimeZone::UTC };
        let mut open: Vec<Incident> = (0..40).map(|n| Incident { id: format!("n{n}"), ..file("t").incident }).collect();
        (open[7].level, open[9].state) = (Level::I, State::Acked);
        let text = |body: String| -> String {
            serde_json::from_str::<serde_json::Value>(&body).unwrap()["text"].as_str().unwrap().to_owned()
        };
        let begins = text(style.storm_body("k", "storm", 41, &open, 10));
        assert!(
            begins.starts_with("【舆情风暴】10 分钟内新增 41 起事件\n未签收: 红 1, 橙 0, 黄 0, 蓝 38\n"),
            "{begins}"
        );
        assert_eq!(begins.lines().count(), 3 + 5 + 1);
        assert!(begins.lines().nth(3).unwrap().starts_with("红 "), "the gravest first: {begins}");
        let over = text(style.storm_over_body("k", "storm_over", &open, 25));
        assert!(over.contains("未签收 39 起") && over.contains("红 n7 ") && over.contains("另有 9 起"), "{over}");
    }
}
