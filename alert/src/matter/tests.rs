use super::*;
use crate::samples::{pulse, spike};

fn minutes(minutes: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + minutes * 60).unwrap()
}

fn at(minute: i64, rise: &str, phase: Phase) -> Pulse {
    Pulse { at: minutes(minute), phase, spike: Some(spike(rise, 20)), ..pulse("water") }
}

fn opened() -> File {
    let pulse = at(0, "s1", Phase::Rising);
    open("20261124-0001".into(), &pulse, pulse.spike.as_ref().unwrap(), &Thresholds::default(), minutes(0))
}

fn in_state(state: State) -> File {
    let mut file = opened();
    file.incident.state = state;
    file
}

/// The module's table, a row each.
#[test]
fn what_a_pulse_means() {
    use Meaning::*;
    let all = Pulse {
        topic: TopicRef { id: "all".into(), kind: TopicKind::All, name: "全部".into() },
        ..at(1, "s1", Phase::Rising)
    };
    let calm = |minute| Pulse { spike: None, ..at(minute, "", Phase::Quiet) };
    let hour = 60;
    let table = [
        (None, all.clone(), Nothing),
        (Some(opened()), all, Nothing),
        (None, calm(1), Nothing),
        (None, at(1, "s1", Phase::Decaying), Nothing),
        (None, at(1, "s1", Phase::Rising), Opens),
        (None, at(1, "s1", Phase::Peak), Opens),
        (Some(opened()), at(0, "s1", Phase::Rising), Nothing),
        (Some(opened()), at(-1, "s2", Phase::Rising), Nothing),
        (Some(opened()), at(1, "s1", Phase::Rising), Updates),
        (Some(opened()), at(1, "s1", Phase::Decaying), Updates),
        (Some(opened()), calm(1), Nothing),
        (Some(in_state(State::Responded)), calm(1), Calms),
        (Some(in_state(State::Responded)), at(1, "s1", Phase::Quiet), Calms),
        (Some(in_state(State::Watching)), calm(1), Nothing),
        (Some(opened()), at(6 * hour, "s2", Phase::Rising), Joins),
        (Some(in_state(State::Acked)), at(6 * hour, "s2", Phase::Peak), Joins),
        (Some(in_state(State::Responded)), at(6 * hour, "s2", Phase::Rising), Rebounds),
        (Some(in_state(State::Watching)), at(1, "s2", Phase::Rising), Rebounds),
        (Some(opened()), at(6 * hour + 1, "s2", Phase::Rising), Opens),
        (Some(in_state(State::Watching)), at(6 * hour + 1, "s2", Phase::Rising), Opens),
        (Some(opened()), at(1, "s2", Phase::Decaying), Nothing),
        (Some(in_state(State::Closed)), at(1, "s1", Phase::Rising), Nothing),
        (Some(in_state(State::Closed)), at(1, "s2", Phase::Rising), Opens),
        (Some(in_state(State::Closed)), at(1, "s2", Phase::Decaying), Nothing),
        (Some(false_alarm()), at(1, "s1", Phase::Rising), Nothing),
        (Some(false_alarm()), at(6 * hour, "s2", Phase::Rising), FalseAgain),
        (Some(false_alarm()), at(1, "s2", Phase::Decaying), Nothing),
        (Some(false_alarm()), at(6 * hour + 1, "s2", Phase::Rising), Opens),
    ];
    for (row, (youngest, pulse, wanted)) in table.into_iter().enumerate() {
        assert_eq!(meaning(youngest.as_ref(), &pulse, Level::IV), wanted, "row {row}");
    }
    let closed = in_state(State::Closed);
    assert_eq!(meaning(Some(&closed), &at(1, "s1", Phase::Rising), Level::III), Opens, "it was closed as a small one");
    assert_eq!(meaning(Some(&closed), &at(1, "s1", Phase::Decaying), Level::III), Nothing);
    assert_eq!(meaning(Some(&false_alarm()), &at(1, "s2", Phase::Rising), Level::III), Opens, "it is more than that");
}

fn false_alarm() -> File {
    let mut file = in_state(State::Closed);
    file.incident.false_alarm = true;
    file
}

#[test]
fn a_false_alarm_that_rises_again_is_noted_once_and_pages_nobody() {
    let mut file = false_alarm();
    let (again, before) = (at(30, "s2", Phase::Rising), file.incident.clone());
    assert_eq!(file.follow(Meaning::FalseAgain, &again, &Thresholds::default(), minutes(30)), None);
    assert_eq!(file.fresh.last().unwrap().action, "false_again");
    assert_eq!((file.incident.version, file.incident.count), (before.version, before.count));
    assert_eq!(meaning(Some(&file), &at(31, "s2", Phase::Rising), Level::IV), Meaning::Nothing);
}

#[test]
fn rises_add_up_and_repeats_do_not() {
    let mut file = opened();
    let thresholds = Thresholds::default();
    let second = at(10, "s2", Phase::Rising);
    for _ in 0..2 {
        file.follow(Meaning::Joins, &second, &thresholds, minutes(10));
    }
    assert_eq!((file.incident.count, file.incident.spikes.len()), (40, 2));
    let grown = Pulse { spike: Some(spike("s2", 25)), ..at(11, "", Phase::Rising) };
    file.follow(Meaning::Updates, &grown, &thresholds, minutes(11));
    assert_eq!((file.incident.count, file.incident.peak), (45, 25));
}

#[test]
fn levels_rise_once_each_and_never_fall() {
    let mut file = opened();
    let thresholds = Thresholds::default();
    let mut paged = Vec::new();
    for (minute, count) in [(1, 40), (2, 60), (3, 45), (4, 61), (5, 250), (6, 10), (7, 240), (8, 2_000), (9, 3)] {
        let pulse = Pulse { spike: Some(spike("s1", count)), negative_share: 0.1, ..at(minute, "", Phase::Rising) };
        if file.follow(Meaning::Updates, &pulse, &thresholds, minutes(minute)).is_some() {
            paged.push((minute, file.incident.level));
        }
    }
    assert_eq!(paged, [(2, Level::III), (5, Level::II), (8, Level::I)]);
}

#[test]
fn a_rebound_pages_and_is_handled_again() {
    let mut file = in_state(State::Watching);
    let paged = file.follow(Meaning::Rebounds, &at(30, "s2", Phase::Rising), &Thresholds::default(), minutes(30));
    assert_eq!((paged, file.incident.state), (Some(Reason::Rebound), State::Handling));
}

#[test]
fn hostile_text_is_bounded_before_it_is_kept() {
    let mut pulse = at(0, "s1", Phase::Rising);
    pulse.topic.name = "停水\u{202e}\u{0}<script>".repeat(100_000);
    pulse.samples = vec![
        Sample {
            excerpt: "\u{1b}[2J<img src=x onerror=alert(1)>\n".repeat(50_000),
            url: Some("javascript:alert(1)".into()),
            ..pulse.samples[0].clone()
        };
        100
    ];
    let rise = pulse.spike.clone().unwrap();
    let file = open("20261124-0001".into(), &pulse, &rise, &Thresholds::default(), minutes(0));
    let kept = serde_json::to_string(&file.incident).unwrap();
    assert!(kept.len() < 8_000, "{}", kept.len());
    assert!(!kept.contains("\\u0000") && !kept.contains('\u{202e}') && !kept.contains("\\u001b"));
    assert_eq!(file.incident.samples[0].url, None);
}
