//! Merging two incidents that are one matter, and splitting what is another.
//!
//! | asked | outcome |
//! |---|---|
//! | merge into itself, or where either is closed | refused |
//! | merge | the other one goes on: it takes the topics, rises, figures and the higher level; each of its clocks runs out when the earlier of the two would have, one that is paused later than one that runs. This one is closed, and says where it went |
//! | split topics that did not join, or none | refused |
//! | split | a new incident of those topics with their rises, of the same level, signed by whoever split it, with the deadlines that ran already; the unit is told of neither |

use super::{Matter, clean};
use crate::{
    incident::{File, PROGRAM, Refusal},
    policy::level_name,
};
use jiff::Timestamp;
use schemas::records::{Incident, State, TopicRef};

/// Merges `from`, none of whose clocks is paused, into `into`.
///
/// # Errors
/// Why not; nothing has changed then.
pub fn merge(from: &mut File, into: &mut File, who: &str, why: &str, at: Timestamp) -> Result<(), Refusal> {
    if why.trim().is_empty() {
        return Err(Refusal::Missing("text"));
    }
    if from.incident.id == into.incident.id {
        return Err(Refusal::Apart("不能并入自身 / an incident cannot be merged into itself"));
    }
    if [&*from, &*into].iter().any(|file| file.incident.state == State::Closed) {
        return Err(Refusal::Closed);
    }
    let taken = std::mem::take(&mut from.matter.rises).into_iter().map(|mut rise| {
        rise.topic = rise.topic.or_else(|| Some(from.incident.topic.id.clone()));
        rise
    });
    let is_new = |file: &File, id: &str| file.matter.rises.iter().all(|known| known.id != id);
    let mut rises: Vec<_> = taken.collect();
    from.matter.rises.clone_from(&rises);
    rises.retain(|rise| is_new(into, &rise.id));
    into.matter.rises.append(&mut rises);
    let topics = std::iter::once(&from.incident.topic).chain(&from.incident.related);
    for topic in topics {
        let known =
            into.incident.topic.id == topic.id || into.incident.related.iter().any(|other| other.id == topic.id);
        if !known {
            into.incident.related.push(topic.clone());
            into.matter.joined.insert(topic.id.clone(), from.last_pulse_of(&topic.id));
        }
    }
    into.sum_up();
    into.matter.risen_at = into.matter.risen_at.max(from.matter.risen_at);
    into.incident.reach = into.incident.reach.max(from.incident.reach);
    into.incident.surprise = into.incident.surprise.max(from.incident.surprise);
    let mut gone_on = Vec::new();
    for clock in from.incident.clocks.iter().filter(|clock| clock.stopped_at.is_none()) {
        match into.incident.clocks.iter_mut().find(|own| own.id == clock.id && own.stopped_at.is_none()) {
            Some(own) if own.paused.is_some() || clock.due_at < own.due_at => {
                gone_on.extend(own.paused.is_some().then(|| own.name.clone()));
                *own = clock.clone();
            }
            Some(_) => {}
            // The unit's deadlines are of what was handed to it.
            None if from.incident.unit.is_none() => into.incident.clocks.push(clock.clone()),
            None => {}
        }
    }
    let why = why.trim();
    let told = format!("并入 {} {}: {why}", from.incident.id, from.incident.title);
    into.change(at, who, "merged", told);
    for name in gone_on {
        into.record(at, PROGRAM, "resumed", format!("{name} 继续计时: 按 {} 的期限", from.incident.id));
    }
    if from.incident.level > into.incident.level {
        let why = format!("{}: 并入 {} 的级别", level_name(from.incident.level), from.incident.id);
        into.raise(from.incident.level, &why, at);
    }
    from.incident.state = State::Closed;
    from.incident.merged_into = Some(into.incident.id.clone());
    from.incident.ack_due_at = None;
    from.matter.chain = None;
    let told = format!("并入 {} {}: {why}", into.incident.id, into.incident.title);
    from.change(at, who, "merged", told);
    Ok(())
}

/// Splits topics that joined from an incident; `id` is the new one's.
///
/// # Errors
/// Why not; nothing has changed then.
pub fn split(
    file: &mut File,
    topics: &[String],
    id: String,
    who: &str,
    why: &str,
    at: Timestamp,
) -> Result<File, Refusal> {
    if why.trim().is_empty() {
        return Err(Refusal::Missing("text"));
    }
    if file.incident.state == State::Closed {
        return Err(Refusal::Closed);
    }
    let (taken, left): (Vec<TopicRef>, Vec<TopicRef>) =
        file.incident.related.iter().cloned().partition(|topic| topics.contains(&topic.id));
    let mut rest = taken.clone();
    if rest.is_empty() || rest.len() != topics.len() {
        return Err(Refusal::Apart("只能拆出并入的话题 / only topics that joined can be split off"));
    }
    let topic = rest.remove(0);
    let is_taken = |of: &Option<String>| of.as_ref().is_some_and(|of| topics.contains(of));
    let (mut rises, kept): (Vec<_>, Vec<_>) =
        std::mem::take(&mut file.matter.rises).into_iter().partition(|rise| is_taken(&rise.topic));
    file.matter.rises = kept;
    for rise in &mut rises {
        rise.topic = rise.topic.take().filter(|of| *of != topic.id);
    }
    let why = why.trim();
    let incident = Incident {
        id,
        version: 0,
        title: clean(&format!("{}: 由 {} 拆出", topic.name, file.incident.id), 100),
        state: State::Acked,
        opened_at: at,
        updated_at: at,
        ack_due_at: None,
        acked_by: Some(who.to_owned()),
        acked_at: Some(at),
        unit: None,
        unit_id: None,
        assisting: Vec::new(),
        unit_acked_by: None,
        unit_acked_at: None,
        clocks: file.incident.clocks.iter().filter(|clock| clock.stopped_at.is_none()).cloned().collect(),
        related: rest,
        split_from: Some(file.incident.id.clone()),
        // What its posts show and point to, its own next pulse tells.
        samples: Vec::new(),
        proposed: Vec::new(),
        category: None,
        topic: topic.clone(),
        ..file.incident.clone()
    };
    let joined = std::mem::take(&mut file.matter.joined);
    let last_pulse_at = joined.get(&topic.id).copied().unwrap_or(Timestamp::MIN);
    let (theirs, ours) = joined.into_iter().filter(|(of, _)| *of != topic.id).partition(|(of, _)| topics.contains(of));
    file.matter.joined = ours;
    let matter = Matter {
        last_pulse_at,
        joined: theirs,
        risen_at: file.matter.risen_at,
        rises,
        shown_at: at,
        ..Matter::default()
    };
    let mut new = File { incident, matter, seq: 0, revision: 0, fresh: Vec::new() };
    new.sum_up();
    new.change(at, who, "split", format!("由 {} 拆出: {why}", file.incident.id));
    file.incident.related = left;
    file.sum_up();
    let names: Vec<&str> = taken.iter().map(|topic| topic.name.as_str()).collect();
    file.change(at, who, "split", format!("拆出 {} 为 {}: {why}", names.join(", "), new.incident.id));
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{policy::Thresholds, samples};
    use jiff::SignedDuration;
    use schemas::records::{Clock, Level, Pause};

    fn at(minute: i64) -> Timestamp {
        samples::moment() + SignedDuration::from_mins(minute)
    }

    fn file(id: &str, topic: &str, rise: &str, count: u64) -> File {
        let mut pulse = samples::pulse(topic);
        pulse.spike = Some(samples::spike(rise, count));
        let rise = pulse.spike.clone().unwrap();
        super::super::open(id.into(), &pulse, &rise, &Thresholds::default(), at(0))
    }

    fn clock(id: &str, due: i64) -> Clock {
        Clock {
            id: id.into(),
            name: id.into(),
            started_at: at(0),
            due_at: at(due),
            warn_at: at(due - 1),
            warned: false,
            expired: false,
            stopped_at: None,
            paused: None,
        }
    }

    #[test]
    fn the_other_one_goes_on_with_everything() {
        let (mut from, mut into) = (file("a", "gas", "g1", 60), file("b", "water", "w1", 20));
        from.incident.clocks = vec![clock("response", 10), clock("press", 30)];
        into.incident.clocks = vec![clock("response", 20)];
        merge(&mut from, &mut into, "王敏", "同一处施工", at(5)).unwrap();
        let incident = &into.incident;
        assert_eq!((incident.count, incident.spikes.clone()), (80, vec!["w1".to_owned(), "g1".to_owned()]));
        assert_eq!(incident.related.iter().map(|topic| topic.id.as_str()).collect::<Vec<_>>(), ["gas"]);
        assert_eq!(incident.level, Level::II, "the higher one");
        let due: Vec<(&str, Timestamp)> =
            incident.clocks.iter().map(|clock| (clock.id.as_str(), clock.due_at)).collect();
        assert_eq!(due, [("response", at(10)), ("press", at(30))]);
        assert_eq!((from.incident.state, from.incident.merged_into.as_deref()), (State::Closed, Some("b")));
        assert_eq!((from.incident.count, from.matter.chain.is_none()), (60, true), "its figures stand");
        assert_eq!(into.fresh.iter().filter(|event| event.action == "merged").count(), 1);
    }

    #[test]
    fn a_clock_that_runs_goes_before_one_that_is_paused() {
        let (mut from, mut into) = (file("a", "gas", "g1", 60), file("b", "water", "w1", 20));
        let pause = Pause { since: at(1), by: "督查".into(), why: "检测".into(), left_seconds: 300 };
        from.incident.clocks = vec![clock("response", 30)];
        into.incident.clocks = vec![Clock { paused: Some(pause), ..clock("response", 20) }];
        merge(&mut from, &mut into, "王敏", "同一处施工", at(5)).unwrap();
        let own = &into.incident.clocks[0];
        assert_eq!((&own.paused, own.due_at), (&None, at(30)), "nobody has paused it for the other matter");
        assert_eq!(into.fresh.iter().filter(|event| event.action == "resumed").count(), 1, "and it is told");
    }

    #[test]
    fn what_cannot_be_merged_is_refused_and_changes_nothing() {
        let mut from = file("a", "gas", "g1", 60);
        let (mut same, mut closed) = (from.clone(), file("b", "water", "w1", 20));
        closed.incident.state = State::Closed;
        let before = (from.clone(), closed.clone());
        assert_eq!(merge(&mut from, &mut same, "王敏", "x", at(1)).unwrap_err().code(), "apart");
        assert_eq!(merge(&mut from, &mut closed, "王敏", "x", at(1)), Err(Refusal::Closed));
        assert_eq!(merge(&mut closed, &mut from, "王敏", "x", at(1)), Err(Refusal::Closed));
        assert_eq!(merge(&mut from, &mut closed, "王敏", " ", at(1)), Err(Refusal::Missing("text")));
        assert_eq!((from, closed), before);
    }

    #[test]
    fn what_was_merged_can_be_split_again() {
        let (mut from, mut into) = (file("a", "gas", "g1", 60), file("b", "water", "w1", 20));
        into.incident.clocks = vec![clock("response", 20)];
        merge(&mut from, &mut into, "王敏", "同一处施工", at(5)).unwrap();
        let topics = ["gas".to_owned()];
        for wrong in [&[][..], &["water".to_owned()], &["gas".to_owned(), "x".to_owned()]] {
            assert_eq!(split(&mut into, wrong, "c".into(), "李雷", "两回事", at(6)).unwrap_err().code(), "apart");
        }
        let new = split(&mut into, &topics, "c".into(), "李雷", "两回事", at(6)).unwrap();
        assert_eq!((into.incident.count, into.incident.related.len()), (20, 0));
        assert_eq!((new.incident.count, new.incident.topic.id.as_str()), (60, "gas"));
        assert_eq!((new.incident.state, new.incident.acked_by.as_deref()), (State::Acked, Some("李雷")));
        assert_eq!((new.incident.split_from.as_deref(), new.incident.clocks.len()), (Some("b"), 1));
        assert_eq!(new.matter.rises[0].topic, None, "it is its own topic now");
        assert!(new.matter.last_pulse_at < at(5), "later pulses count");
    }
}
