//! What must hold of an incident's history: no event is missing; each rung of its chain was taken in order, once, not before its time and not
//! left out when its time had come; each clock was told of, or stopped in time.

use crate::play::Play;
use alert::incident::{File, PROGRAM};
use jiff::{SignedDuration, Timestamp};
use schemas::records::{Event, State};
use std::{collections::BTreeMap, time::Duration};

/// What a machine may be late by, on the wall's clock, from all that kills and the load of the test do.
const LATE: Duration = Duration::from_secs(8);

const FIVE: SignedDuration = SignedDuration::from_mins(5);
/// The rungs of the play's roster, and how long each waits.
const UNSIGNED: [(&str, SignedDuration); 4] =
    [("带班", FIVE), ("主任", FIVE), ("再次通知全部人员", FIVE), ("再次通知全部人员, 已逐级通知完毕", FIVE)];
const REMINDER: (&str, SignedDuration) = ("提醒值班人员", SignedDuration::from_mins(6));

/// A chain, as it must be by the roster.
struct Chain {
    idle: bool,
    taken: usize,
    since: Timestamp,
}

impl Chain {
    fn rung(&self) -> Option<(&'static str, SignedDuration)> {
        if !self.idle {
            return UNSIGNED.get(self.taken).copied();
        }
        if self.taken == 0 { Some(REMINDER) } else { UNSIGNED.get(self.taken - 1).copied() }
    }

    fn due(&self) -> Option<Timestamp> {
        self.rung().map(|(_, wait)| self.since + wait)
    }
}

/// What is wrong with a history.
pub fn faults(play: &Play, file: &File, history: &[Event]) -> Vec<String> {
    let mut faults = Vec::new();
    if !(1..).zip(history).all(|(seq, event)| event.seq == seq) || file.seq != history.len() as u64 {
        faults.push(format!("there is a gap: {} events, the last has the number {}", history.len(), file.seq));
    }
    if let Some(pair) = history.windows(2).find(|pair| pair[0].at > pair[1].at) {
        faults.push(format!("it goes back in time: {pair:?}"));
    }
    faults.extend(chain(play, file, history));
    faults.extend(clocks(play, file, history));
    faults
}

fn chain(play: &Play, file: &File, history: &[Event]) -> Vec<String> {
    let late = play.of_wall(LATE);
    let mut faults = Vec::new();
    let mut chain: Option<Chain> = None;
    let end = |chain: &mut Option<Chain>, at: Timestamp| {
        let missed = chain.take().and_then(|chain| chain.due()).filter(|due| *due + late < at);
        missed.map(|due| format!("a rung was due at {due}, and at {at} it was not taken"))
    };
    let merged = history.iter().rev().find(|event| event.action == "merged").map(|event| event.seq);
    for event in history {
        let begin = |idle| Some(Chain { idle, taken: 0, since: event.at });
        let by_program = event.who == PROGRAM;
        match event.action.as_str() {
            "opened" => chain = begin(false),
            "escalated" => {
                let Some(one) = &mut chain else {
                    faults.push(format!("no chain was running: {event:?}"));
                    continue;
                };
                match one.rung() {
                    Some((name, _)) if !event.text.contains(name) => {
                        faults.push(format!("not in order: {name} comes next, not {event:?}"));
                    }
                    Some((_, wait)) if !event.text.contains("未能送达") && event.at < one.since + wait => {
                        faults.push(format!("too early, at {} it was due: {event:?}", one.since + wait));
                    }
                    Some((_, wait)) if event.at > one.since + wait + late => {
                        faults.push(format!("too late, at {} it was due: {event:?}", one.since + wait));
                    }
                    None => faults.push(format!("one rung too many: {event:?}")),
                    Some(_) => {}
                }
                one.taken += 1;
                one.since = event.at;
            }
            "acked" | "reopened" | "returned" | "rebound" => {
                faults.extend(end(&mut chain, event.at));
                chain = begin(true);
            }
            // The new one begins as if it was just signed; of the old one nothing changes.
            "split" if event.seq == 1 => chain = begin(true),
            "merged" if file.incident.merged_into.is_some() && merged == Some(event.seq) => {
                faults.extend(end(&mut chain, event.at));
            }
            "split" | "merged" | "noted" | "paused" | "resumed" => {}
            _ if by_program => {}
            _ => faults.extend(end(&mut chain, event.at)),
        }
    }
    if let Some(due) = chain.and_then(|chain| chain.due()) {
        faults.push(format!("the chain has not come to its end: a rung is due at {due}"));
    }
    faults
}

fn clocks(play: &Play, file: &File, history: &[Event]) -> Vec<String> {
    let late = play.of_wall(LATE);
    let (now, incident) = (play.now(), &file.incident);
    let mut faults = Vec::new();
    for clock in &incident.clocks {
        let end = clock.stopped_at.unwrap_or(now);
        let wrong = match (clock.stopped_at, &clock.paused, clock.expired) {
            (None, Some(_), _) => None,
            (_, _, true) if !clock.warned => Some("it has run out, and is not marked as warned"),
            (Some(_), _, true) if end < clock.due_at => Some("it has run out before its time"),
            (_, _, false) if end > clock.due_at + late => Some("its time was over, and nobody was told"),
            (_, _, false) if !clock.warned && end > clock.warn_at + late => Some("nobody was warned"),
            (None, None, false) => Some("it neither stopped nor ran out"),
            _ => None,
        };
        faults.extend(wrong.map(|wrong| format!("{wrong}: {clock:?}")));
    }
    if incident.state == State::Closed && incident.clocks.iter().any(|clock| clock.stopped_at.is_none()) {
        faults.push("closed, and a clock runs on".into());
    }
    // Merging and splitting hand clocks over with what was told of them.
    if !history.iter().any(|event| event.action == "merged" || event.action == "split") {
        let mut told: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for event in history {
            let action = event.action.as_str();
            if action == "clock_warning" || action == "clock_expired" {
                *told.entry((action, event.text.split(' ').next().unwrap_or_default())).or_default() += 1;
            }
        }
        for clock in &incident.clocks {
            *told.entry(("clock_expired", &clock.name)).or_default() -= i64::from(clock.expired);
        }
        let wrong = told.iter().filter(|((action, _), left)| *action == "clock_expired" && **left != 0);
        faults.extend(wrong.map(|((_, name), left)| format!("{name}: {left} more told than have run out")));
        for ((_, name), warned) in told.iter().filter(|((action, _), _)| *action == "clock_warning") {
            let marked = incident.clocks.iter().filter(|clock| clock.name == *name && clock.warned).count() as i64;
            // A clock that ran out while nobody looked is told as that alone.
            if *warned > marked {
                faults.push(format!("{name}: warned {warned} times, {marked} clocks are marked"));
            }
        }
    }
    faults
}
