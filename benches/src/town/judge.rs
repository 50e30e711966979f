//! Which alarm is whose: the same rule for the detector and for the oracle.
//!
//! The first row that fits decides:
//!
//! | alarm on a topic | is |
//! |---|---|
//! | before the end of the warm-up | not counted |
//! | seen, or of posts published, from the begin of an event of the topic up to an hour after its end | the event's |
//! | seen within the day after that | an echo: long windows still hold the event |
//! | within an hour of another false one of the topic, up to its end | the same false one |
//! | during a flood on the topic or within an hour after it | false, by the flood |
//! | within an hour after a backfill of the topic | false, by the backfill |
//! | while a source of the topic is dark, or within an hour after that | false, by the outage |
//! | else | false |

use super::plan::Plan;

const HOUR: u32 = 3_600;
/// So many seconds after an event's end an alarm may still be its own: posts come in late, and windows are full.
const GRACE: u32 = HOUR;
/// So many seconds after an event long windows hold it.
const ECHO: u32 = 24 * HOUR;
/// Alarms of a topic that are not so many seconds apart are one.
pub const APART: u32 = HOUR;

/// An alarm. Times are seconds since the town's begin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// Which topic.
    pub topic: u16,
    /// When it was given.
    pub seen: u32,
    /// When the post was published that made it.
    pub since: u32,
    /// Up to when it lasted.
    pub until: u32,
    /// What it says.
    pub why: String,
}

/// What makes a false alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A flood of copies.
    Flood,
    /// Posts that were laid in.
    Backfill,
    /// A source that could not be read.
    Outage,
    /// Chance, or an expectation that is wrong.
    Nothing,
}

/// What a detector's alarms are worth.
#[derive(Debug, Clone, Default)]
pub struct Judgement {
    /// For each event, how many seconds after its begin it was seen, if it was.
    pub delays: Vec<Option<u32>>,
    /// Alarms after the warm-up that are an event's.
    pub right: usize,
    /// Alarms that are an event's echo.
    pub echoes: usize,
    /// False alarms, with their causes.
    pub wrong: Vec<(Alarm, Cause)>,
}

impl Judgement {
    /// Judges alarms by what happened.
    #[must_use]
    pub fn of(alarms: &[Alarm], plan: &Plan) -> Self {
        let mut judgement = Self { delays: vec![None; plan.events.len()], ..Self::default() };
        let mut last: Vec<Option<u32>> = vec![None; plan.topics.len()];
        let mut alarms: Vec<&Alarm> = alarms.iter().filter(|alarm| alarm.seen >= plan.minutes().start * 60).collect();
        alarms.sort_by_key(|alarm| (alarm.seen, alarm.topic));
        for alarm in alarms {
            let of_topic = || plan.events.iter().enumerate().filter(|(_, event)| event.topic == alarm.topic);
            let within = |second: u32, begin: u32, after: u32| (begin..begin + after).contains(&second);
            let own = of_topic().find(|(_, event)| {
                let (begin, length) = (event.begin * 60, (event.end - event.begin) * 60 + GRACE);
                within(alarm.seen, begin, length) || alarm.seen > begin && within(alarm.since, begin, length)
            });
            if let Some((index, event)) = own {
                judgement.right += 1;
                judgement.delays[index].get_or_insert(alarm.seen - event.begin * 60);
            } else if of_topic().any(|(_, event)| within(alarm.seen, event.end * 60, GRACE + ECHO)) {
                judgement.echoes += 1;
            } else {
                let last = &mut last[usize::from(alarm.topic)];
                let same = last.is_some_and(|until| alarm.seen < until + APART);
                *last = (*last).max(Some(alarm.until));
                if !same {
                    judgement.wrong.push((alarm.clone(), cause(alarm, plan)));
                }
            }
        }
        judgement
    }

    /// How many false alarms a cause made.
    #[must_use]
    pub fn by(&self, cause: Cause) -> usize {
        self.wrong.iter().filter(|(_, of)| *of == cause).count()
    }

    /// The share of right ones among all alarms, echoes left out; 1 without any.
    #[must_use]
    pub fn precision(&self) -> f64 {
        let all = self.right + self.wrong.len();
        if all == 0 { 1.0 } else { self.right as f64 / all as f64 }
    }
}

fn cause(alarm: &Alarm, plan: &Plan) -> Cause {
    let during = |begin: u32, end: u32| (begin * 60..end * 60 + HOUR).contains(&alarm.seen);
    let sources = &plan.topics[usize::from(alarm.topic)].sources;
    if plan.floods.iter().any(|flood| flood.topic == alarm.topic && during(flood.begin, flood.end)) {
        Cause::Flood
    } else if plan.backfills.iter().any(|backfill| backfill.topic == alarm.topic && during(backfill.at, backfill.at)) {
        Cause::Backfill
    } else if plan
        .outages
        .iter()
        .any(|outage| sources.iter().any(|(source, _)| *source == outage.source) && during(outage.begin, outage.end))
    {
        Cause::Outage
    } else {
        Cause::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::plan::{Backfill, Event, Flood, Outage, Settings, Shape},
        *,
    };

    const DAY: u32 = 24 * 60;

    /// Topic 0 with an event of an hour on day 20, topic 1 with nothing, topic 2 with a flood, topic 3 with a backfill, topic 4 with an
    /// outage, each an hour later.
    fn plan() -> Plan {
        let mut plan = Plan::draw(Settings { topics: 5, events: 0, ..Settings::default() });
        let at = 20 * DAY;
        let event = |topic, begin, end| Event { topic, begin, end, factor: 3.0, shape: Shape::Step, excess: 10.0 };
        plan.events = vec![event(0, at, at + 60)];
        plan.floods = vec![Flood { topic: 2, begin: at, end: at + 60, copies: 9.0, texts: 1 }];
        plan.backfills = vec![Backfill { topic: 3, at: at + 59, from: 0, to: DAY, posts: 9 }];
        plan.outages = vec![Outage { source: 0, begin: at, end: at + 60, returns: true }];
        (0..5).for_each(|topic| plan.topics[topic].sources = vec![(u8::from(topic != 4), 1.0)]);
        plan
    }

    fn alarm(topic: u16, minute: u32) -> Alarm {
        Alarm { topic, seen: minute * 60, since: minute * 60, until: minute * 60 + 600, why: String::new() }
    }

    #[test]
    fn the_table_holds() {
        let (plan, at) = (plan(), 20 * DAY);
        let judged = |alarms: &[Alarm]| Judgement::of(alarms, &plan);
        assert!(judged(&[alarm(0, 13 * DAY)]).wrong.is_empty(), "warm-up");
        for minute in [at, at + 30, at + 119] {
            let found = judged(&[alarm(0, minute)]);
            assert_eq!((found.delays[0], found.right), (Some((minute - at) * 60), 1));
        }
        let late = Alarm { since: at * 60, ..alarm(0, at + 300) };
        assert_eq!(judged(&[late]).delays[0], Some(300 * 60));
        assert_eq!(judged(&[alarm(0, at + 600)]).echoes, 1);
        assert_eq!(judged(&[alarm(0, at - 1)]).by(Cause::Nothing), 1);
        for (topic, cause) in [(1, Cause::Nothing), (2, Cause::Flood), (3, Cause::Backfill), (4, Cause::Outage)] {
            assert_eq!(judged(&[alarm(topic, at + 70)]).by(cause), 1, "{cause:?}");
            assert_eq!(judged(&[alarm(topic, at + 130)]).by(Cause::Nothing), 1);
        }
    }

    #[test]
    fn false_alarms_that_are_not_apart_are_one() {
        let plan = plan();
        let judged = Judgement::of(&[alarm(1, 21_000), alarm(1, 21_069), alarm(1, 21_138), alarm(2, 21_001)], &plan);
        assert_eq!(judged.wrong.len(), 2);
        assert_eq!(Judgement::of(&[alarm(1, 21_000), alarm(1, 21_071)], &plan).wrong.len(), 2);
    }

    #[test]
    fn the_first_alarm_of_an_event_makes_its_delay() {
        let (plan, at) = (plan(), 20 * DAY);
        let judged = Judgement::of(&[alarm(0, at + 40), alarm(0, at + 10), alarm(1, at)], &plan);
        assert_eq!((judged.delays[0], judged.right), (Some(600), 2));
        assert!((judged.precision() - 2.0 / 3.0).abs() < 1e-9);
    }
}
