//! Who is on duty at an instant, and where they are reached.
//!
//! Shifts are times of day by the config's timezone, and the instant is turned into a time of day, never the other way
//! round. So there is nothing that a change of clocks could break:
//!
//! | shift | on duty at local time t |
//! |---|---|
//! | from < to | from ≤ t < to |
//! | from > to, across midnight | t ≥ from or t < to |
//! | from = to | always |
//! | a local time that occurs twice | both times |
//! | a local time that is skipped | never occurs; the shift is shorter that day |
//!
//! Nobody is ever paged into the void: where a roster reaches nobody at an instant, its escalation is paged, and where it
//! has none, every channel.

use jiff::{Timestamp, civil::Time, tz::TimeZone};
use schemas::kit::settings::{Duty, Person, Shift};

/// Whether a shift covers a time of day.
#[must_use]
pub fn covers(shift: &Shift, time: Time) -> bool {
    match shift.from.cmp(&shift.to) {
        std::cmp::Ordering::Less => shift.from <= time && time < shift.to,
        std::cmp::Ordering::Greater => time >= shift.from || time < shift.to,
        std::cmp::Ordering::Equal => true,
    }
}

/// The people of the config.
#[derive(Debug, Clone, Default)]
pub struct People(Vec<Person>);

impl People {
    /// The people of a config.
    #[must_use]
    pub fn of(people: impl IntoIterator<Item = Person>) -> Self {
        Self(people.into_iter().collect())
    }

    /// Somebody by name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.name == name)
    }

    /// Whose own a channel is.
    #[must_use]
    pub fn owner(&self, channel: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.channels.iter().any(|own| own == channel))
    }

    /// Where somebody is reached alone.
    #[must_use]
    pub fn channels(&self, name: &str) -> &[String] {
        self.find(name).map_or(&[], |person| &person.channels)
    }

    /// Who belongs to a unit, by its name or its id.
    pub fn of_unit<'a>(&'a self, name: Option<&'a str>, id: Option<&'a str>) -> impl Iterator<Item = &'a Person> {
        self.0
            .iter()
            .filter(move |person| person.unit.as_deref().is_some_and(|unit| Some(unit) == name || Some(unit) == id))
    }
}

/// Who is paged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reach {
    /// Channels by id, each once.
    pub channels: Vec<String>,
    /// Who is on duty.
    pub people: Vec<String>,
    /// Whether the roster itself reaches nobody now.
    pub gap: bool,
}

/// Where a page goes now: the roster's channels and those of whoever is on duty; every channel without a roster.
#[must_use]
pub fn reach(
    duty: Option<&Duty>,
    people: &People,
    every_channel: &[String],
    now: Timestamp,
    tz: &TimeZone,
    escalated: bool,
) -> Reach {
    let Some(duty) = duty else {
        return Reach { channels: every_channel.to_vec(), ..Reach::default() };
    };
    let time = tz.to_datetime(now).time();
    let mut reach = Reach::default();
    add(&mut reach.channels, &duty.channels);
    for shift in duty.shift.iter().filter(|shift| covers(shift, time)) {
        add(&mut reach.channels, people.channels(&shift.person));
        add(&mut reach.channels, &shift.channels);
        add(&mut reach.people, std::slice::from_ref(&shift.person));
    }
    reach.gap = reach.channels.is_empty();
    for step in duty.escalation.iter().filter(|_| escalated || reach.gap) {
        add(&mut reach.channels, people.channels(&step.person));
        add(&mut reach.channels, &step.channels);
    }
    if reach.channels.is_empty() {
        add(&mut reach.channels, every_channel);
    }
    reach
}

fn add(to: &mut Vec<String>, more: &[String]) {
    for one in more {
        if !to.contains(one) {
            to.push(one.clone());
        }
    }
}

/// The times of day that no shift and no channel of the roster covers, told in minutes: what a check warns of.
#[must_use]
pub fn gaps(duty: &Duty, people: &People) -> Vec<(Time, Time)> {
    if !duty.channels.is_empty() {
        return Vec::new();
    }
    let minute = |minute: i16| Time::midnight() + jiff::Span::new().minutes(minute);
    let reached = |shift: &Shift| !shift.channels.is_empty() || !people.channels(&shift.person).is_empty();
    let open = |at: i16| !duty.shift.iter().any(|shift| reached(shift) && covers(shift, minute(at)));
    let mut gaps: Vec<(Time, Time)> = Vec::new();
    let mut begin = None;
    for at in 0..24 * 60 {
        match (open(at), begin) {
            (true, None) => begin = Some(at),
            (false, Some(from)) => {
                gaps.push((minute(from), minute(at)));
                begin = None;
            }
            _ => {}
        }
    }
    gaps.extend(begin.map(|from| (minute(from), Time::midnight())));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duty(text: &str) -> Duty {
        toml::from_str(&format!("id = \"desk\"\n{text}")).unwrap()
    }

    const NIGHT_AND_DAY: &str = r#"
        [[shift]]
        from = "08:00"
        to = "20:00"
        person = "王敏"
        channels = ["day"]
        [[shift]]
        from = "20:00"
        to = "08:00"
        person = "李雷"
        channels = ["night"]
        [escalation]
        after = "15m"
        person = "张主任"
        channels = ["leader"]
    "#;

    fn every() -> Vec<String> {
        vec!["day".into(), "night".into(), "leader".into(), "desk".into()]
    }

    fn who(duty: &Duty, local: &str, zone: &str) -> Reach {
        let tz = TimeZone::get(zone).unwrap();
        let now = local.parse::<jiff::civil::DateTime>().unwrap().to_zoned_datetime(tz.clone()).unwrap().timestamp();
        reach(Some(duty), &People::default(), &every(), now, &tz, false)
    }

    #[test]
    fn shifts_cross_midnight_and_end_before_the_next_begins() {
        let duty = duty(NIGHT_AND_DAY);
        for (local, channel) in [
            ("2026-11-24T07:59:59", "night"),
            ("2026-11-24T08:00:00", "day"),
            ("2026-11-24T19:59:59", "day"),
            ("2026-11-24T20:00:00", "night"),
            ("2026-11-25T00:00:00", "night"),
        ] {
            assert_eq!(who(&duty, local, "Asia/Shanghai").channels, [channel], "{local}");
        }
    }

    #[test]
    fn a_change_of_clocks_leaves_nobody_out() {
        let duty = duty(NIGHT_AND_DAY.replace("08:00", "02:30").as_str());
        let tz = TimeZone::get("Europe/Berlin").unwrap();
        for date in ["2026-03-29T00:00:00", "2026-10-25T00:00:00"] {
            let midnight =
                date.parse::<jiff::civil::DateTime>().unwrap().to_zoned_datetime(tz.clone()).unwrap().timestamp();
            for minute in 0..26 * 60 {
                let now = midnight + jiff::SignedDuration::from_mins(minute);
                assert_eq!(
                    reach(Some(&duty), &People::default(), &every(), now, &tz, false).channels.len(),
                    1,
                    "{now}"
                );
            }
        }
    }

    #[test]
    fn nobody_is_paged_into_the_void() {
        let mut duty = duty(
            &NIGHT_AND_DAY
                .replace("20:00", "18:00")
                .replace("\"18:00\"\n        to = \"08", "\"22:00\"\n        to = \"08"),
        );
        let gap = who(&duty, "2026-11-24T19:00:00", "Asia/Shanghai");
        assert_eq!((gap.channels, gap.gap), (vec!["leader".to_owned()], true));
        assert_eq!(gaps(&duty, &People::default()).len(), 1);
        duty.escalation.clear();
        assert_eq!(who(&duty, "2026-11-24T19:00:00", "Asia/Shanghai").channels, every());
        duty.channels = vec!["desk".into()];
        assert_eq!(gaps(&duty, &People::default()), []);
        assert!(!who(&duty, "2026-11-24T19:00:00", "Asia/Shanghai").gap);
    }

    #[test]
    fn without_a_roster_every_channel_is_paged() {
        assert_eq!(
            reach(None, &People::default(), &every(), Timestamp::UNIX_EPOCH, &TimeZone::UTC, false).channels,
            every()
        );
    }

    #[test]
    fn whoever_is_on_duty_is_paged_where_they_alone_are_reached() {
        let people = People::of([toml::from_str("name = \"李雷\"\nchannels = [\"lilei\"]\n").unwrap()]);
        let duty = duty("[[shift]]\nfrom = \"00:00\"\nto = \"00:00\"\nperson = \"李雷\"\n");
        assert_eq!(gaps(&duty, &people), []);
        let reach = reach(Some(&duty), &people, &every(), Timestamp::UNIX_EPOCH, &TimeZone::UTC, false);
        assert_eq!((reach.channels, reach.gap), (vec!["lilei".to_owned()], false));
        assert_eq!(people.owner("lilei").map(|person| person.name.as_str()), Some("李雷"));
        assert_eq!(people.owner("night"), None);
    }

    #[test]
    fn a_channel_is_paged_once_however_often_it_is_named() {
        let duty = duty(
            "channels = [\"night\"]\n[[shift]]\nfrom = \"00:00\"\nto = \"00:00\"\nperson = \"李雷\"\nchannels = [\"night\"]\n",
        );
        assert_eq!(who(&duty, "2026-11-24T03:00:00", "Asia/Shanghai").channels, ["night"]);
    }
}
