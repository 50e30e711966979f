//! `[storm]`, `[canary]`, `[heartbeat]`, `[alarm]`, `[quiet]` and `[[drill]]`: when many rise at once, and how it is proven that all
//! of it is alive.

use super::{Day, KeyFault, log::duration};
use crate::records::Level;
use jiff::civil::{Date, DateTime, Time};
use serde::{Deserialize, Deserializer, de::Error};
use std::time::Duration;

/// `[storm]`: when so many incidents open at once that their pages are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Storm {
    /// More than so many; 0: there are no storms.
    pub incidents: u32,
    /// Opened within this time.
    #[serde(with = "duration")]
    pub within: Duration,
}

impl Default for Storm {
    fn default() -> Self {
        Self { incidents: 20, within: Duration::from_secs(600) }
    }
}

/// `[canary]`: a marked post that is handed in at the door and must come out of the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Canary {
    /// One each time; `"0s"`: none.
    #[serde(with = "duration")]
    pub every: Duration,
    /// It must be found within this time.
    #[serde(with = "duration")]
    pub within: Duration,
}

impl Default for Canary {
    fn default() -> Self {
        Self { every: Duration::from_secs(300), within: Duration::from_secs(120) }
    }
}

/// `[heartbeat]`: an address of somebody outside, who calls for help when nothing comes any more.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Heartbeat {
    /// The address, asked by GET.
    pub url: Option<String>,
    /// The environment variable that holds it, where it is a secret (with `_FILE` behind it, one that names a file).
    pub url_env: Option<String>,
    /// How often.
    #[serde(with = "duration")]
    pub every: Duration,
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self { url: None, url_env: None, every: Duration::from_secs(60) }
    }
}

/// `[alarm]`: from when on it is told that Wanglou itself lags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alarm {
    /// So many records wait to be read by a stage; 0: that is never told.
    pub behind: u64,
    /// A page waits for so long; `"0s"`: that is never told.
    #[serde(with = "duration")]
    pub page: Duration,
    /// Something must last so long before it is told, and be gone as long before it counts as over.
    #[serde(with = "duration")]
    pub after: Duration,
}

impl Default for Alarm {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self { behind: 50_000, page: minutes(10), after: minutes(3) }
    }
}

/// `[quiet]`: the daily message that all is well, or what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Quiet {
    /// At which time of day it is sent, such as `"08:00"`; none is sent where this is missing.
    pub daily: Option<Time>,
}

/// `[[drill]]`: a page that is only practised (演练), every week.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Drill {
    /// When, such as `"wed 10:00"`.
    pub weekly: Weekly,
    /// Of which level.
    #[serde(default = "yellow")]
    pub level: Level,
    /// What it says beside that it is practised.
    #[serde(default)]
    pub text: String,
}

fn yellow() -> Level {
    Level::III
}

/// A day of the week and a time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekly {
    /// The day.
    pub day: Day,
    /// The time.
    pub time: Time,
}

impl Weekly {
    /// The moment on a date, if that is its day.
    #[must_use]
    pub fn on(self, date: Date) -> Option<DateTime> {
        (date.weekday() == self.day.weekday()).then(|| date.to_datetime(self.time))
    }
}

impl<'de> Deserialize<'de> for Weekly {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        let wrong = || {
            D::Error::custom(format!(
                "{written:?} is no day and time: wanted is weekly = \"wed 10:00\" (mon, tue, … sun)"
            ))
        };
        let (day, time) = written.split_once(' ').ok_or_else(wrong)?;
        let day = Day::deserialize(serde::de::value::StrDeserializer::<D::Error>::new(day)).map_err(|_| wrong())?;
        let time = time.trim().parse().map_err(|_| wrong())?;
        Ok(Self { day, time })
    }
}

const DAY: Duration = Duration::from_secs(24 * 3600);

impl Storm {
    pub(super) fn check(self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if self.incidents == 1 {
            faults.push(("incidents", "must be at least 2, or 0 for no storms: two incidents are none".into()));
        }
        if self.within < Duration::from_secs(60) || self.within > DAY {
            faults.push(("within", "must lie between 1m and 24h".into()));
        }
        faults
    }
}

impl Canary {
    pub(super) fn check(self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if !self.every.is_zero() && self.every < Duration::from_secs(60) {
            faults.push(("every", "must be at least 1m, or \"0s\" for none".into()));
        }
        if self.within < Duration::from_secs(5) || (!self.every.is_zero() && self.within > self.every) {
            faults.push(("within", "must lie between 5s and every: one is awaited at a time".into()));
        }
        faults
    }
}

impl Heartbeat {
    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if let Some(url) = &self.url
            && !crate::records::is_web_link(url)
        {
            faults.push(("url", format!("{url:?} is no address that begins with http:// or https://")));
        }
        if self.url.is_some() && self.url_env.is_some() {
            faults.push((
                "url_env",
                "url and url_env exclude each other: url_env for an address that is a secret".into(),
            ));
        }
        if self.every < Duration::from_secs(10) || self.every > DAY {
            faults.push(("every", "must lie between 10s and 24h".into()));
        }
        faults
    }
}

impl Alarm {
    pub(super) fn check(self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if self.after > DAY {
            faults.push(("after", "is longer than a day".into()));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use crate::kit::settings::Settings;

    fn faults(text: &str) -> String {
        let faults = Settings::parse(text, []).err().unwrap_or_default();
        faults.iter().map(|fault| fault.message.clone()).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn what_cannot_be_is_refused_and_says_what_can() {
        for (text, words) in [
            ("[storm]\nincidents = 1\n", "at least 2, or 0"),
            ("[storm]\nwithin = \"1s\"\n", "between 1m and 24h"),
            ("[canary]\nevery = \"10s\"\n", "at least 1m, or \"0s\""),
            ("[canary]\nevery = \"1m\"\nwithin = \"2m\"\n", "one is awaited at a time"),
            ("[heartbeat]\nurl = \"ftp://x\"\n", "http:// or https://"),
            ("[heartbeat]\nurl = \"https://x/\"\nurl_env = \"X\"\n", "exclude each other"),
            ("[heartbeat]\nevery = \"1s\"\n", "between 10s and 24h"),
            ("[alarm]\nafter = \"48h\"\n", "longer than a day"),
            ("[quiet]\ndaily = \"morning\"\n", "integer as hour"),
            ("[[drill]]\nweekly = \"10:00\"\n", "wed 10:00"),
            ("[[drill]]\nweekly = \"someday 10:00\"\n", "wed 10:00"),
        ] {
            assert!(faults(text).contains(words), "{text}: {}", faults(text));
        }
        let right = "[storm]\nincidents = 0\n[canary]\nevery = \"0s\"\n[heartbeat]\nurl = \"https://x.example/ping\"\n\
            [quiet]\ndaily = \"08:00\"\n[[drill]]\nweekly = \"wed 10:00\"\nlevel = \"II\"\n";
        assert_eq!(faults(right), "");
    }

    #[test]
    fn a_weekly_moment_is_on_its_day_alone() {
        let settings = Settings::parse("[[drill]]\nweekly = \"wed 10:00\"\n", []).unwrap();
        let weekly = settings.drill[0].get_ref().weekly;
        assert_eq!(weekly.on("2026-11-25".parse().unwrap()), Some("2026-11-25T10:00".parse().unwrap()));
        assert_eq!(weekly.on("2026-11-26".parse().unwrap()), None);
    }
}
