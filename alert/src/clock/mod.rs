//! Clocks: deadlines that run, by the rules of the config or those that the state set.
//!
//! The clocks that there are where the config says nothing (国办发〔2016〕61号: especially serious and major matters within 5 hours with
//! authoritative information and within 24 with a press conference, others within 48 with a response; a clock runs from the moment at which
//! the incident has the level):
//!
//! | id | levels | from | until | within | warns |
//! |---|---|---|---|---|---|
//! | `information` 权威信息发布 | 红 橙 | opened | a response | 5 h | 1 h before |
//! | `press` 新闻发布会 | 红 橙 | opened | a response that is a press conference | 24 h | 4 h before |
//! | `response` 官方回应 | 黄 蓝 | opened | a response | 48 h | 12 h before |
//! | `unit_ack` 单位签收 | all | 交办 | the unit signs | 1 h | 15 min before |
//! | `answer` 单位答复 | all | 交办 | the unit answers | 24 h, or what 交办 says | a fifth before |
//!
//! What happens to them:
//!
//! | happening | clocks that start | clocks that stop |
//! |---|---|---|
//! | opened | of its level, from `opened` | |
//! | a level is reached | of that level, from `opened`, that never ran | |
//! | 签收 | from `acked`, that never ran | |
//! | 交办 | from `assigned`, anew | from `assigned` (another unit had it); until `assigned` |
//! | 单位签收; a note or a report while the unit has it | | until `unit_acked` |
//! | 单位答复 | | until `answered`, `unit_acked` |
//! | 官方回应 | | until `responded`; a press conference: until `press_conference` too |
//! | 退回 | | from `assigned` |
//! | 办结, 误报, merged | | all |
//! | split off from another | | none; those that are paused go on: the pause was of the other |
//! | 重开 | of its level, from `opened`, anew | |
//! | a rise after the response | of its level, from `opened`, that have stopped, anew | |
//!
//! Time alone: at `warn_at` people are warned once, at `due_at` it has run out, once; it goes on being shown as run out until it stops. A clock that
//! is paused does neither. A clock that ran out while nobody looked (the process was down) is told late, never skipped; the warning before it is
//! left out then.

use crate::{
    calendar::Calendar,
    incident::{Command, File, PROGRAM},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::settings::{ClockRule, ClockStart, ClockStop, ClockTime, Settings},
    records::{Clock, Level, Pause, State},
};
use std::time::Duration;

/// The rules, and the calendar that they count by.
#[derive(Debug, Clone)]
pub struct Clocks {
    rules: Vec<ClockRule>,
    calendar: Calendar,
}

/// What happens to an incident, as far as clocks are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Happening<'a> {
    /// It has opened.
    Opened,
    /// It has reached a higher level.
    Raised,
    /// It rises again after a response.
    Rebound,
    /// Somebody did something.
    Done(&'a Command, &'a str),
    /// Another incident goes on with it.
    Merged,
    /// It was split off from another.
    Split,
}

/// What time alone did to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// It will run out soon.
    Warning,
    /// It has run out.
    Expired,
}

fn hours(hours: u64) -> Duration {
    Duration::from_secs(hours * 3600)
}

/// The clocks of the module's first table.
fn usual() -> Vec<ClockRule> {
    use ClockStop as Stop;
    let rule = |id: &str, name: &str, levels: &[Level], from, until, within, warn| ClockRule {
        id: id.into(),
        name: name.into(),
        levels: levels.to_vec(),
        from,
        until,
        within,
        time: ClockTime::All,
        warn,
    };
    let (grave, others) = ([Level::I, Level::II], [Level::III, Level::IV]);
    let (opened, assigned) = (ClockStart::Opened, ClockStart::Assigned);
    let quarter = Some(Duration::from_secs(15 * 60));
    vec![
        rule("information", "权威信息发布", &grave, opened, Stop::Responded, hours(5), Some(hours(1))),
        rule("press", "新闻发布会", &grave, opened, Stop::PressConference, hours(24), Some(hours(4))),
        rule("response", "官方回应", &others, opened, Stop::Responded, hours(48), Some(hours(12))),
        rule("unit_ack", "单位签收", &[], assigned, Stop::UnitAcked, hours(1), quarter),
        rule("answer", "单位答复", &[], assigned, Stop::Answered, hours(24), None),
    ]
}

impl Clocks {
    /// The clocks of a config: the usual ones, with its own in their places and beside them.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let mut rules = usual();
        for rule in settings.clock.iter().map(|rule| rule.get_ref()) {
            match rules.iter_mut().find(|known| known.id == rule.id) {
                Some(known) => known.clone_from(rule),
                None => rules.push(rule.clone()),
            }
        }
        rules.retain(|rule| !rule.within.is_zero());
        Self { rules, calendar: Calendar::new(&settings.calendar, settings.tz()) }
    }

    /// Whether any of them counts working time.
    #[must_use]
    pub fn count_working_time(&self) -> bool {
        self.rules.iter().any(|rule| rule.time == ClockTime::Working)
    }

    /// Starts and stops what a happening starts and stops, by the module's second table.
    pub fn follow(&self, file: &mut File, happening: Happening<'_>, now: Timestamp) {
        let from = |start| move |rule: &ClockRule| rule.from == start;
        let until = |stop| move |rule: &ClockRule| rule.until == stop;
        match happening {
            Happening::Opened | Happening::Raised => self.start(file, ClockStart::Opened, false, None, now),
            Happening::Rebound => self.start(file, ClockStart::Opened, true, None, now),
            Happening::Merged => self.stop(file, |_| true, now),
            Happening::Split => self.go_on(file, now),
            Happening::Done(command, who) => match command {
                Command::Ack => self.start(file, ClockStart::Acked, false, None, now),
                Command::Assign { due_at, .. } => {
                    self.stop(file, from(ClockStart::Assigned), now);
                    self.stop(file, until(ClockStop::Assigned), now);
                    self.start(file, ClockStart::Assigned, true, *due_at, now);
                }
                Command::UnitAck => self.stop(file, until(ClockStop::UnitAcked), now),
                Command::Answer { .. } => {
                    self.stop(file, until(ClockStop::UnitAcked), now);
                    self.stop(file, until(ClockStop::Answered), now);
                }
                Command::Respond { press, .. } => {
                    self.stop(file, until(ClockStop::Responded), now);
                    if *press {
                        self.stop(file, until(ClockStop::PressConference), now);
                    }
                }
                Command::Return { .. } => self.stop(file, from(ClockStart::Assigned), now),
                Command::Close { .. } | Command::FalseAlarm { .. } => self.stop(file, |_| true, now),
                Command::Reopen { .. } => self.start(file, ClockStart::Opened, true, None, now),
                Command::Pause { clock, text } => self.pause(file, clock, who, text, now),
                Command::Resume { clock, .. } => self.resume(file, clock, now),
                // Progress of the unit: it has taken it on, though it did not say so.
                Command::Note { .. } | Command::Report { .. } if file.incident.state == State::Handling => {
                    self.stop(file, until(ClockStop::UnitAcked), now);
                }
                Command::Note { .. } | Command::Report { .. } => {}
            },
        }
    }

    /// Starts the clocks of an incident's level that have this start; `anew`: also those that have run before and stand still.
    fn start(&self, file: &mut File, start: ClockStart, anew: bool, due_at: Option<Timestamp>, now: Timestamp) {
        let incident = &mut file.incident;
        for rule in &self.rules {
            let of_level = rule.levels.is_empty() || rule.levels.contains(&incident.level);
            let mut runs = incident.clocks.iter().filter(|clock| clock.id == rule.id).peekable();
            let is_due = match runs.peek() {
                None => true,
                Some(_) => anew && runs.all(|clock| clock.stopped_at.is_some()),
            };
            if rule.from != start || !of_level || !is_due {
                continue;
            }
            let within = SignedDuration::try_from(rule.within).unwrap_or(SignedDuration::MAX);
            let asked = due_at.filter(|due| rule.until == ClockStop::Answered && *due > now);
            let due_at = asked.unwrap_or_else(|| self.calendar.after(now, within, rule.time));
            incident.clocks.push(Clock {
                id: rule.id.clone(),
                name: rule.name.clone(),
                started_at: now,
                warn_at: self.warns_at(rule, now, due_at),
                due_at,
                warned: false,
                expired: false,
                stopped_at: None,
                paused: None,
            });
        }
    }

    /// So long before the end as the rule says, in the clock's own time.
    fn warns_at(&self, rule: &ClockRule, now: Timestamp, due_at: Timestamp) -> Timestamp {
        let whole = self.calendar.between(now, due_at, rule.time);
        let before = rule.warn.and_then(|warn| SignedDuration::try_from(warn).ok()).unwrap_or(whole / 5).min(whole);
        self.calendar.after(now, whole - before, rule.time).min(due_at)
    }

    fn stop(&self, file: &mut File, which: impl Fn(&ClockRule) -> bool, now: Timestamp) {
        for clock in file.incident.clocks.iter_mut().filter(|clock| clock.stopped_at.is_none()) {
            // What the config has no rule for any more is stopped by the end of the incident alone.
            let stops = match self.rules.iter().find(|rule| rule.id == clock.id) {
                Some(rule) => which(rule),
                None => false,
            };
            if stops || file.incident.state == State::Closed {
                clock.stopped_at = Some(now);
                clock.paused = None;
            }
        }
    }

    fn pause(&self, file: &mut File, id: &str, who: &str, why: &str, now: Timestamp) {
        let time = self.time_of(id);
        if let Some(clock) = running(file, id).filter(|clock| clock.paused.is_none()) {
            let left_seconds = self.calendar.between(now, clock.due_at, time).as_secs();
            clock.paused = Some(Pause { since: now, by: who.to_owned(), why: why.trim().to_owned(), left_seconds });
        }
    }

    fn resume(&self, file: &mut File, id: &str, now: Timestamp) {
        if let Some(clock) = running(file, id) {
            self.resume_one(clock, now);
        }
    }

    /// Whether it was paused.
    fn resume_one(&self, clock: &mut Clock, now: Timestamp) -> bool {
        let Some(pause) = clock.paused.take() else { return false };
        let time = self.time_of(&clock.id);
        let warned_before = self.calendar.between(clock.warn_at, clock.due_at, time);
        let left = SignedDuration::from_secs(pause.left_seconds);
        clock.due_at = self.calendar.after(now, left, time);
        clock.warn_at = self.calendar.after(now, left.saturating_sub(warned_before), time).min(clock.due_at);
        true
    }

    /// Lets all that is paused go on: it goes to another incident, for which nobody has paused it.
    pub fn go_on(&self, file: &mut File, now: Timestamp) {
        let mut clocks = std::mem::take(&mut file.incident.clocks);
        for clock in &mut clocks {
            if self.resume_one(clock, now) {
                file.record(now, PROGRAM, "resumed", format!("{} 继续计时: 暂停不随事件转移", clock.name));
            }
        }
        file.incident.clocks = clocks;
    }

    fn time_of(&self, id: &str) -> ClockTime {
        self.rules.iter().find(|rule| rule.id == id).map(|rule| rule.time).unwrap_or_default()
    }

    /// Whether a clock is one of the unit's, which its leader hears of.
    #[must_use]
    pub fn is_of_unit(&self, id: &str) -> bool {
        self.rules.iter().any(|rule| rule.id == id && rule.from == ClockStart::Assigned)
    }
}

/// The clock of an id that runs.
fn running<'a>(file: &'a mut File, id: &str) -> Option<&'a mut Clock> {
    file.incident.clocks.iter_mut().find(|clock| clock.id == id && clock.stopped_at.is_none())
}

/// Whether time alone may still do something to a clock.
fn is_live(clock: &Clock) -> bool {
    clock.stopped_at.is_none() && clock.paused.is_none() && !clock.expired
}

/// When time alone will do something to a clock of the incident next.
#[must_use]
pub fn next(clocks: &[Clock]) -> Option<Timestamp> {
    clocks
        .iter()
        .filter(|clock| is_live(clock))
        .map(|clock| if clock.warned { clock.due_at } else { clock.warn_at })
        .min()
}

/// Lets time take effect: the clocks that are to be told of now, each once.
pub fn pass(clocks: &mut [Clock], now: Timestamp) -> Vec<(Told, Clock)> {
    let mut told = Vec::new();
    for clock in clocks.iter_mut().filter(|clock| is_live(clock)) {
        if clock.due_at <= now {
            (clock.warned, clock.expired) = (true, true);
            told.push((Told::Expired, clock.clone()));
        } else if !clock.warned && clock.warn_at <= now {
            clock.warned = true;
            told.push((Told::Warning, clock.clone()));
        }
    }
    told
}

#[cfg(test)]
mod tests;
