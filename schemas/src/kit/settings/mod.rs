//! The config: one TOML file, a struct per concern, every key with a default but the sources.
//!
//! [`Settings::load`] names every fault with its line ([`Fault`]): unknown keys, wrong types, what is missing, and what does
//! not fit together. What only a stage can judge (a query, a selector) the stages check themselves and report as faults
//! too; `wanglou check` shows them all.
//!
//! `WANGLOU__SECTION__KEY` in the environment overrides a key: `WANGLOU__HTTP__LISTEN=0.0.0.0:80`.

mod alert;
mod archive;
mod calendar;
mod channel;
mod coverage;
mod crawl;
mod disk;
mod faults;
mod file;
mod http;
mod json;
mod log;
mod person;
mod places;
mod quiet;
mod roster;
mod source;
mod taxonomy;
mod understand;
mod watch;

pub use alert::{
    ClockRule, ClockStart, ClockStop, ClockTime, Duty, EscalationStep, LevelRule, Policy, Records, Repeat, Tone,
};
pub use archive::{Archive, Trend};
pub use calendar::{CalendarSettings, Hours};
pub use channel::{Channel, ChannelKind, GatewayMethod, GatewaySuccess};
pub use coverage::Coverage;
pub use crawl::Crawl;
pub use disk::DiskSettings;
pub use faults::{Fault, Place, no_fault};
pub use file::{Done, FileSettings, Official};
pub use http::{Http, Token, Upstream};
pub use json::{Json, JsonComments, JsonDetailed, JsonField, Next};
pub use log::{LogKind, LogRetention, LogSettings};
pub use person::Person;
pub use places::{GazetteerPlace, Places, Unit, UnitLevel};
pub use quiet::{Alarm, Canary, Drill, Heartbeat, Quiet, Storm, Weekly};
pub use roster::{Day, Shift, Span};
pub use serde_spanned::Spanned;
pub use source::{Comments, Detailed, Feed, Field, HtmlList, HtmlThread, Order, Source, SourceKind};
pub use taxonomy::{Level1, Level2, Taxonomy};
pub use understand::{DistrictFile, Understand};
pub use watch::Watch;

use serde::Deserialize;
use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

/// Everything that can be set.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Where everything embedded lives; relative to the working folder.
    pub data_dir: PathBuf,
    /// The timezone in which people read times and days begin.
    pub timezone: String,
    /// The address that is served, and who may call.
    pub http: Http,
    /// The log.
    pub log: LogSettings,
    /// The records database.
    pub records: Records,
    /// How sources are visited.
    pub crawl: Crawl,
    /// After which time it is told that a source is not covered.
    pub coverage: Coverage,
    /// Room on the disk.
    pub disk: DiskSettings,
    /// The archive.
    pub archive: Archive,
    /// When a topic rises.
    pub trend: Trend,
    /// What posts are about, and where.
    pub understand: Understand,
    /// The sources to crawl. None is needed when posts are pushed.
    pub source: Vec<Spanned<Source>>,
    /// The watch topics.
    pub watch: Vec<Spanned<Watch>>,
    /// Where pages go.
    pub channel: Vec<Spanned<Channel>>,
    /// People on duty, and the units' people.
    pub person: Vec<Spanned<Person>>,
    /// The duty roster.
    pub duty: Vec<Spanned<Duty>>,
    /// How incidents are judged and who is paged.
    pub policy: Vec<Spanned<Policy>>,
    /// Deadlines that run.
    pub clock: Vec<Spanned<ClockRule>>,
    /// Working days.
    pub calendar: CalendarSettings,
    /// When so many incidents open at once that their pages are merged.
    pub storm: Storm,
    /// A post through the whole of it, every few minutes.
    pub canary: Canary,
    /// Who outside is told that this lives.
    pub heartbeat: Heartbeat,
    /// From when on it is told that Wanglou itself lags.
    pub alarm: Alarm,
    /// The daily message.
    pub quiet: Quiet,
    /// What is practised.
    pub drill: Vec<Spanned<Drill>>,
    /// The text that this was read from, for faults that are found later.
    #[serde(skip)]
    pub text: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data_dir: "data".into(),
            timezone: "Asia/Shanghai".into(),
            http: Http::default(),
            log: LogSettings::default(),
            records: Records::default(),
            crawl: Crawl::default(),
            coverage: Coverage::default(),
            disk: DiskSettings::default(),
            archive: Archive::default(),
            trend: Trend::default(),
            understand: Understand::default(),
            source: Vec::new(),
            watch: Vec::new(),
            channel: Vec::new(),
            person: Vec::new(),
            duty: Vec::new(),
            policy: Vec::new(),
            clock: Vec::new(),
            calendar: CalendarSettings::default(),
            storm: Storm::default(),
            canary: Canary::default(),
            heartbeat: Heartbeat::default(),
            alarm: Alarm::default(),
            quiet: Quiet::default(),
            drill: Vec::new(),
            text: String::new(),
        }
    }
}

impl Settings {
    /// Reads the config file, with overrides from the environment.
    ///
    /// # Errors
    /// Every fault that can be seen without the stages.
    pub fn load(path: &Path) -> Result<Self, Vec<Fault>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            vec![Fault::new(
                Place::File,
                format!("cannot be read: {error}. Name the config with --config FILE; README.md shows a small one"),
            )]
        })?;
        Self::parse(&text, std::env::vars())
    }

    /// Reads a config text; `environment` holds the overrides.
    ///
    /// # Errors
    /// Every fault that can be seen without the stages.
    pub fn parse(text: &str, environment: impl IntoIterator<Item = (String, String)>) -> Result<Self, Vec<Fault>> {
        let mut settings: Self = faults::deserialize(text)?;
        if let Some(text) = faults::overridden(text, environment)? {
            settings = faults::deserialize(&text)?;
            settings.text = text;
        } else {
            text.clone_into(&mut settings.text);
        }
        let faults = settings.check();
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    /// The timezone.
    #[must_use]
    pub fn tz(&self) -> jiff::tz::TimeZone {
        // Checked when the settings were read.
        jiff::tz::TimeZone::get(&self.timezone).unwrap_or(jiff::tz::TimeZone::UTC)
    }

    /// A fault of a key of a table, with the key's line.
    #[must_use]
    pub fn fault<T>(&self, table: &Spanned<T>, key: &str, message: impl Into<String>) -> Fault {
        Fault::new(faults::place_of_key(&self.text, table.span(), key), message)
    }

    /// A fault of a key of a plain section, with the key's line; of the section where the key is not written.
    #[must_use]
    pub fn section_fault(&self, section: &str, key: &str, message: impl Into<String>) -> Fault {
        Fault::new(faults::place_of_key(&self.text, faults::section(&self.text, section), key), message)
    }

    /// A fault of a key of a table within a table, such as `&["thread", "fields", "text"]` of a `[[source]]`: with the line
    /// of that key, or of the nearest table around it that is written.
    #[must_use]
    pub fn fault_within<T>(
        &self,
        section: &str,
        table: &Spanned<T>,
        path: &[&str],
        message: impl Into<String>,
    ) -> Fault {
        Fault::new(faults::place_within(&self.text, section, table.span(), path), message)
    }

    /// What is no fault of the log's settings, and will be regretted all the same.
    #[must_use]
    pub fn warnings(&self) -> Vec<Fault> {
        let alone = self.log.kind == LogKind::Kafka && self.log.replication == 1;
        let message = "warning: each record lies on one broker only: when it is lost, what was acknowledged is lost. With three \
                       brokers or more, set it to 3";
        let alone = alone.then(|| self.section_fault("log", "replication", message));
        let strangers =
            self.source.iter().any(|source| !source.get_ref().allow_private && !source.get_ref().url.is_empty());
        let message = "warning: sites that are crawled cannot tell whom to ask: set [crawl] contact to an address of yours, which \
                       is sent with each request";
        let nameless =
            (strangers && self.crawl.contact.is_none()).then(|| self.section_fault("crawl", "contact", message));
        alone.into_iter().chain(nameless).collect()
    }

    /// What does not fit together.
    fn check(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let line = |section, key| faults::place_of_key(&self.text, faults::section(&self.text, section), key);
        if jiff::tz::TimeZone::get(&self.timezone).is_err() {
            faults.push(Fault::new(
                line("", "timezone"),
                format!("{:?} is no timezone of the IANA database, such as \"Asia/Shanghai\"", self.timezone),
            ));
        }
        faults.extend(self.http.check().into_iter().map(|(key, message)| Fault::new(line("http", key), message)));
        let upstream = self.http.upstream.check();
        faults.extend(upstream.into_iter().map(|(key, message)| Fault::new(line("http.upstream", key), message)));
        faults.extend(self.log.check().into_iter().map(|(key, message)| Fault::new(line("log", key), message)));
        faults.extend(self.crawl.check().into_iter().map(|(key, message)| Fault::new(line("crawl", key), message)));
        faults.extend(self.trend.check().into_iter().map(|(key, message)| Fault::new(line("trend", key), message)));
        self.check_ids(&mut faults, "source", &self.source, |source| &source.id);
        self.check_ids(&mut faults, "watch", &self.watch, |watch| &watch.id);
        self.check_ids(&mut faults, "channel", &self.channel, |channel| &channel.id);
        self.check_ids(&mut faults, "duty", &self.duty, |duty| &duty.id);
        for source in &self.source {
            faults.extend(source.get_ref().check().into_iter().map(|(key, message)| self.fault(source, key, message)));
        }
        let channels: HashSet<&str> = self.channel.iter().map(|channel| channel.get_ref().id.as_str()).collect();
        let duties: HashSet<&str> = self.duty.iter().map(|duty| duty.get_ref().id.as_str()).collect();
        let coverage = self.coverage.check(&duties);
        faults.extend(coverage.into_iter().map(|(key, message)| Fault::new(line("coverage", key), message)));
        for channel in &self.channel {
            faults
                .extend(channel.get_ref().check().into_iter().map(|(key, message)| self.fault(channel, key, message)));
        }
        let chains = channel::chain_faults(self.channel.iter().map(|channel| channel.get_ref()));
        faults.extend(chains.into_iter().map(|(place, message)| self.fault(&self.channel[place], "then", message)));
        for person in &self.person {
            let checked = person.get_ref().check(&channels);
            faults.extend(checked.into_iter().map(|(key, message)| self.fault(person, key, message)));
        }
        let shared = person::shared(self.person.iter().map(|person| person.get_ref()));
        faults.extend(shared.into_iter().map(|(at, (key, message))| self.fault(&self.person[at], key, message)));
        let people: HashMap<&str, &Person> =
            self.person.iter().map(|person| (person.get_ref().name.as_str(), person.get_ref())).collect();
        for duty in &self.duty {
            let checked = duty.get_ref().check(&channels, &people, &duties);
            faults.extend(checked.into_iter().map(|(key, message)| self.fault(duty, key, message)));
            for shift in &duty.get_ref().shift {
                let checked = shift.get_ref().check();
                faults.extend(checked.into_iter().map(|(key, message)| self.fault(shift, key, message)));
            }
        }
        self.check_ids(&mut faults, "clock", &self.clock, |clock| &clock.id);
        for clock in &self.clock {
            faults.extend(clock.get_ref().check().into_iter().map(|(key, message)| self.fault(clock, key, message)));
        }
        for (section, checked) in [
            ("storm", self.storm.check()),
            ("canary", self.canary.check()),
            ("heartbeat", self.heartbeat.check()),
            ("alarm", self.alarm.check()),
        ] {
            faults.extend(checked.into_iter().map(|(key, message)| Fault::new(line(section, key), message)));
        }
        let calendar = self.calendar.check();
        faults.extend(calendar.into_iter().map(|(key, message)| Fault::new(line("calendar", key), message)));
        for policy in &self.policy {
            let topics: HashSet<&str> = self.watch.iter().map(|watch| watch.get_ref().id.as_str()).collect();
            let checked = policy.get_ref().check(&topics, &duties);
            faults.extend(checked.into_iter().map(|(key, message)| self.fault(policy, key, message)));
        }
        faults
    }

    fn check_ids<'a, T>(
        &'a self,
        faults: &mut Vec<Fault>,
        section: &str,
        tables: &'a [Spanned<T>],
        id: impl Fn(&'a T) -> &'a str,
    ) {
        let mut seen = HashSet::new();
        for table in tables {
            let id = id(table.get_ref());
            if !is_id(id) {
                faults.push(self.fault(table, "id", "must be 1 to 64 letters, digits, '.', '_' or '-'"));
            } else if !seen.insert(id) {
                faults.push(self.fault(table, "id", format!("there is another [[{section}]] with the id {id:?}")));
            }
        }
    }
}

/// Whether a text can be an id: it goes into file names, metric labels, addresses and post ids.
#[must_use]
pub fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

/// Reads a secret from the environment variable `name`, or from the file that `name_FILE` names.
#[must_use]
pub fn secret(name: &str) -> Option<String> {
    if let Ok(value) = std::env::var(name)
        && !value.is_empty()
    {
        return Some(value);
    }
    let path = std::env::var(format!("{name}_FILE")).ok()?;
    std::fs::read_to_string(path).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}

/// A key and what is wrong with it: what the structs' own checks yield.
pub(crate) type KeyFault = (&'static str, String);

#[cfg(test)]
mod tests;
