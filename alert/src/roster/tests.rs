//! Who is on duty, by config and changes; what is found in advance; who hands over to whom.

use super::{
    change::{Kind, Slot},
    findings::{self, Finding, findings},
    handover::{self, Handover, Missing},
    *,
};
use jiff::{SignedDuration, civil::DateTime};
use proptest::prelude::*;
use schemas::kit::settings::Person;

fn duty(text: &str) -> Duty {
    toml::from_str(&format!("id = \"desk\"\n{text}")).unwrap()
}

fn people(names: &[&str]) -> People {
    let person =
        |name: &&str| toml::from_str::<Person>(&format!("name = \"{name}\"\nchannels = [\"{name}\"]")).unwrap();
    People::of(names.iter().map(person))
}

fn shanghai() -> TimeZone {
    TimeZone::get("Asia/Shanghai").unwrap()
}

fn local(text: &str, tz: &TimeZone) -> Timestamp {
    text.parse::<DateTime>().unwrap().to_zoned_datetime(tz.clone()).unwrap().timestamp()
}

/// A time of November 2026 in Shanghai: `at("24T08:00")`.
fn at(text: &str) -> Timestamp {
    local(&format!("2026-11-{text}"), &shanghai())
}

fn written(n: i64, kind: Kind, from: &str, to: &str, person: &str, of: Option<&str>) -> Change {
    Change {
        n,
        roster: "desk".into(),
        kind,
        from: at(from),
        to: at(to),
        person: person.into(),
        instead_of: of.map(str::to_owned),
        with: None,
        why: String::new(),
        by: "张主任".into(),
        at: at("20T00:00"),
        agreed_by: None,
        agreed_at: None,
        withdrawn_by: None,
        withdrawn_at: None,
    }
}

fn instead(n: i64, from: &str, to: &str, person: &str, of: &str) -> Change {
    written(n, Kind::Override, from, to, person, Some(of))
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

fn reached(duty: &Duty, changes: &[Change], people: &People, when: &str) -> Reach {
    reach(Some(duty), changes, people, &every(), at(when), &shanghai(), false)
}

fn who(duty: &Duty, changes: &[Change], when: &str) -> Vec<String> {
    on_duty(duty, changes, at(when), &shanghai()).into_iter().map(|turn| turn.person).collect()
}

#[test]
fn shifts_cross_midnight_and_end_before_the_next_begins() {
    let duty = duty(NIGHT_AND_DAY);
    for (when, channel) in [
        ("24T07:59:59", "night"),
        ("24T08:00:00", "day"),
        ("24T19:59:59", "day"),
        ("24T20:00:00", "night"),
        ("25T00:00:00", "night"),
    ] {
        assert_eq!(reached(&duty, &[], &People::default(), when).channels, [channel], "{when}");
    }
}

#[test]
fn nobody_is_paged_into_the_void() {
    let gap = NIGHT_AND_DAY.replacen("20:00", "18:00", 1);
    let mut duty = duty(&gap);
    let reach = reached(&duty, &[], &People::default(), "24T19:00");
    assert_eq!((reach.channels, reach.gap), (vec!["leader".to_owned()], true));
    duty.escalation.clear();
    assert_eq!(reached(&duty, &[], &People::default(), "24T19:00").channels, every());
    duty.channels = vec!["desk".into()];
    assert!(!reached(&duty, &[], &People::default(), "24T19:00").gap);
    let without = super::reach(None, &[], &People::default(), &every(), at("24T19:00"), &shanghai(), false);
    assert_eq!(without.channels, every());
}

#[test]
fn whoever_is_on_duty_is_paged_where_they_alone_are_reached_and_once() {
    let duty = duty(
        "channels = [\"night\"]\n[[shift]]\nfrom = \"00:00\"\nto = \"00:00\"\nperson = \"李雷\"\nchannels = [\"night\"]\n",
    );
    let reach = reached(&duty, &[], &people(&["李雷"]), "24T03:00");
    assert_eq!(
        (reach.channels, reach.people, reach.gap),
        (vec!["night".to_owned(), "李雷".into()], vec!["李雷".to_owned()], false)
    );
    let people = people(&["李雷"]);
    assert_eq!(people.owner("李雷").map(|person| person.name.as_str()), Some("李雷"));
    assert!(people.owner("night").is_none());
}

/// The table of `change.rs`, a row each.
#[test]
fn changes_lie_over_the_plan() {
    let duty = duty(NIGHT_AND_DAY);
    let first = instead(1, "24T12:00", "24T22:00", "韩梅", "王敏");
    let one = std::slice::from_ref(&first);
    assert_eq!(who(&duty, one, "24T11:59"), ["王敏"]);
    assert_eq!(who(&duty, one, "24T12:00"), ["韩梅"]);
    assert_eq!(who(&duty, one, "24T19:59"), ["韩梅"]);
    assert_eq!(who(&duty, one, "24T20:00"), ["李雷"], "she does not stand for him");
    let turns = plan(&duty, one, at("24T08:00"), at("24T20:00"), &shanghai());
    let told: Vec<_> = turns.iter().map(|turn| (turn.person.as_str(), turn.source, turn.from, turn.to)).collect();
    assert_eq!(
        told,
        [
            ("王敏", Source::Shift, at("24T08:00"), at("24T12:00")),
            ("韩梅", Source::Override, at("24T12:00"), at("24T20:00"))
        ]
    );
    assert_eq!((turns[1].instead_of.as_deref(), turns[1].change, turns[1].shift), (Some("王敏"), Some(1), Some(0)));
    // Her own channels and the shift's, not those of whom she stands for.
    let reach = reached(&duty, one, &people(&["王敏", "韩梅"]), "24T13:00");
    assert_eq!(reach.channels, ["韩梅", "day"]);

    // Two overrides, in whichever order they are read: the later decides.
    let later = instead(2, "24T14:00", "24T16:00", "赵倩", "王敏");
    let both = [later.clone(), first.clone()];
    let at_hours = ["24T13:00", "24T15:00", "24T17:00"];
    assert_eq!(at_hours.map(|when| who(&duty, &both, when).concat()), ["韩梅", "赵倩", "韩梅"]);
    let over_her = instead(3, "24T15:00", "24T15:30", "孙莉", "赵倩");
    let three = [first.clone(), later, over_her];
    assert_eq!(who(&duty, &three, "24T15:10"), ["孙莉"]);
    assert_eq!(on_duty(&duty, &three, at("24T15:10"), &shanghai())[0].instead_of.as_deref(), Some("王敏"));

    let extra = written(4, Kind::Extra, "24T12:00", "24T14:00", "孙莉", None);
    assert_eq!(who(&duty, &[extra], "24T13:00"), ["王敏", "孙莉"]);

    let with = Some(Slot { from: at("25T20:00"), to: at("26T08:00"), person: "李雷".into() });
    let proposed = Change { with, ..written(5, Kind::Swap, "24T08:00", "24T20:00", "王敏", None) };
    assert_eq!(who(&duty, std::slice::from_ref(&proposed), "24T09:00"), ["王敏"]);
    let agreed = Change { agreed_by: Some("李雷".into()), agreed_at: Some(at("22T00:00")), ..proposed };
    assert_eq!(who(&duty, std::slice::from_ref(&agreed), "24T09:00"), ["李雷"]);
    assert_eq!(who(&duty, std::slice::from_ref(&agreed), "25T23:00"), ["王敏"]);
    assert_eq!(who(&duty, std::slice::from_ref(&agreed), "25T09:00"), ["王敏"]);

    let withdrawn =
        Change { withdrawn_by: Some("张主任".into()), withdrawn_at: Some(at("24T15:00")), ..first.clone() };
    let times = ["24T14:59", "24T15:00"];
    assert_eq!(times.map(|when| who(&duty, std::slice::from_ref(&withdrawn), when).concat()), ["韩梅", "王敏"]);
    let late = Change { at: at("24T13:00"), ..first.clone() };
    assert_eq!(
        ["24T12:30", "24T13:00"].map(|when| who(&duty, std::slice::from_ref(&late), when).concat()),
        ["王敏", "韩梅"]
    );
    let elsewhere = Change { roster: "other".into(), ..first };
    assert_eq!(who(&duty, &[elsewhere], "24T13:00"), ["王敏"]);
}

fn found(duty: &Duty, changes: &[Change], people: &People) -> Vec<Finding> {
    findings(duty, &[duty], changes, people, at("24T12:00"), &shanghai())
}

fn keys(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.key.as_str()).collect()
}

/// The table of `findings.rs`, a row each.
#[test]
fn what_is_wrong_is_found_in_advance() {
    let whole = duty(NIGHT_AND_DAY);
    assert_eq!(found(&whole, &[], &People::default()), []);

    let gap = duty(&NIGHT_AND_DAY.replacen("20:00", "18:00", 1));
    let gaps = found(&gap, &[], &People::default());
    assert_eq!((keys(&gaps), gaps[0].times), (vec!["gap/18:00-20:00"], 14));
    assert_eq!((gaps[0].from, gaps[0].to), (at("24T18:00"), at("24T20:00")));
    assert_eq!(
        found(
            &duty(&format!("channels = [\"desk\"]\n{}", NIGHT_AND_DAY.replacen("20:00", "18:00", 1))),
            &[],
            &People::default()
        ),
        []
    );

    let two = duty(&NIGHT_AND_DAY.replacen("王敏", "李雷", 1).replacen("20:00", "21:00", 1));
    assert_eq!(keys(&found(&two, &[], &People::default())), ["double/李雷/desk"]);
    let mut other = duty(
        "channels = [\"desk\"]\n[[shift]]\nfrom = \"19:00\"\nto = \"23:00\"\nperson = \"李雷\"\nchannels = [\"night\"]\n",
    );
    other.id = "flood".into();
    let both = [&whole, &other];
    let double = findings(&whole, &both, &[], &People::default(), at("24T12:00"), &shanghai());
    assert_eq!(
        (keys(&double), double[0].other.as_deref(), double[0].times),
        (vec!["double/李雷/flood"], Some("flood"), 14)
    );
    assert_eq!((double[0].from, double[0].to), (at("24T20:00"), at("24T23:00")));

    let nowhere = duty(&NIGHT_AND_DAY.replace("channels = [\"night\"]", ""));
    let unreached = found(&nowhere, &[], &People::default());
    assert_eq!(keys(&unreached), ["gap/20:00-08:00", "unreachable/李雷"]);
    assert_eq!(found(&nowhere, &[], &people(&["李雷"])), []);
    let by_change = written(1, Kind::Extra, "25T12:00", "25T14:00", "孙莉", None);
    let unreached = found(&whole, &[by_change], &People::default());
    assert_eq!((keys(&unreached), unreached[0].changes.as_slice()), (vec!["unreachable/孙莉"], [1].as_slice()));

    // She has left the config, or the shifts have changed: the change refers to nothing.
    let gone = instead(2, "25T08:00", "25T20:00", "李雷", "孙莉");
    let stale = found(&whole, std::slice::from_ref(&gone), &People::default());
    assert_eq!((keys(&stale), stale[0].person.as_deref()), (vec!["stale/2"], Some("孙莉")));
    let with = Some(Slot { from: at("26T20:00"), to: at("27T08:00"), person: "孙莉".into() });
    let swap = Change { with, ..written(3, Kind::Swap, "25T08:00", "25T20:00", "王敏", None) };
    let stale = found(&whole, &[swap], &People::default());
    assert_eq!(keys(&stale), ["stale/3"], "who is to agree should know");
    assert_eq!(stale[0].person.as_deref(), Some("孙莉"));
    let withdrawn = Change { withdrawn_at: Some(at("24T11:00")), ..gone };
    assert_eq!(found(&whole, &[withdrawn], &People::default()), []);

    let (first, later) =
        (instead(4, "25T08:00", "25T20:00", "赵倩", "王敏"), instead(5, "25T12:00", "26T12:00", "孙莉", "王敏"));
    let overlap = found(&whole, &[first, later], &people(&["赵倩", "孙莉"]));
    assert_eq!((keys(&overlap), overlap[0].changes.as_slice()), (vec!["overlap/4-5"], [4, 5].as_slice()));
    assert_eq!((overlap[0].from, overlap[0].to), (at("25T12:00"), at("26T12:00").min(at("25T20:00"))));
    assert_eq!(findings::AHEAD.as_hours(), 336);
}

fn note(at: Timestamp, by: &str, to: &[&str]) -> Handover {
    Handover {
        n: 1,
        roster: "desk".into(),
        at,
        by: by.into(),
        to: to.iter().map(|name| (*name).to_owned()).collect(),
        note: "x".into(),
        written_by: by.into(),
        written_at: at,
        incidents: Vec::new(),
        confirmed_by: None,
        confirmed_at: None,
    }
}

/// The table of `handover.rs`, a row each.
#[test]
fn who_hands_over_and_who_has_not_taken_over() {
    let duty = duty(NIGHT_AND_DAY);
    let around = |when: &str| {
        plan(
            &duty,
            &[],
            at(when) - SignedDuration::from_hours(48),
            at(when) + SignedDuration::from_hours(48),
            &shanghai(),
        )
    };
    let evening = Some((at("24T20:00"), vec!["李雷".to_owned()]));
    for when in ["24T08:00", "24T19:50", "24T20:10", "25T07:00"] {
        assert_eq!(handover::of(&around(when), "王敏", at(when)), evening, "{when}");
    }
    assert_eq!(handover::of(&around("24T19:50"), "孙莉", at("24T19:50")), None);

    let pending = |when: &str, handovers: &[Handover], required| {
        let all = handover::pending(&around(when), handovers, required, at(when));
        all.into_iter()
            .filter(|one| one.from == at("24T20:00"))
            .map(|one| (one.person, one.state, one.overdue))
            .collect::<Vec<_>>()
    };
    let written = note(at("24T20:00"), "王敏", &["李雷"]);
    let confirmed = Handover { confirmed_at: Some(at("24T20:05")), ..written.clone() };
    let li = |state, overdue| vec![("李雷".to_owned(), state, overdue)];
    assert_eq!(pending("24T20:29", std::slice::from_ref(&written), false), li(Missing::Unconfirmed, false));
    assert_eq!(pending("24T20:30", &[written], true), li(Missing::Unconfirmed, true));
    assert_eq!(pending("24T20:30", &[confirmed], true), []);
    assert_eq!(pending("24T20:30", &[], true), li(Missing::Unwritten, true));
    assert_eq!(pending("24T20:30", &[], false), []);
    assert_eq!(pending("25T08:00", &[], true), [], "he is off again");
    assert_eq!(pending("24T19:59", &[], true), []);

    // One and the same person goes on: nothing is handed over. A week is one turn.
    let week = self::duty(
        "[[shift]]\nfrom = \"08:00\"\nto = \"08:00\"\npeople = [\"王敏\", \"李雷\"]\nturn = \"week\"\nstarting = \"2026-11-23\"\n",
    );
    let turns = plan(&week, &[], at("20T00:00"), at("30T23:00"), &shanghai());
    assert_eq!(handover::pending(&turns, &[], true, at("25T09:00")), []);
    assert_eq!(handover::of(&turns, "王敏", at("25T09:00")), Some((at("30T08:00"), vec!["李雷".to_owned()])));
    let monday = handover::pending(&turns, &[], true, at("30T08:10"));
    assert_eq!((monday.len(), monday[0].person.as_str()), (1, "李雷"));
}

fn zones() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "Asia/Shanghai",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/St_Johns",
        "Pacific/Apia",
        "Africa/Cairo",
        "America/Santiago",
        "UTC",
    ])
}

fn names() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["A", "B", "C", "D"]).prop_map(str::to_owned)
}

/// Shifts that join to whole days.
fn whole_days() -> impl Strategy<Value = Duty> {
    (prop::collection::btree_set(0..96_i8, 1..5), prop::collection::vec(names(), 3), prop::sample::select(vec!["\"day\"", "\"week\"", "3"]))
        .prop_map(|(quarters, people, turn)| {
            let times: Vec<String> = quarters.iter().map(|q| format!("{:02}:{:02}", q / 4, q % 4 * 15)).collect();
            let shifts = times.iter().enumerate().map(|(n, from)| {
                let to = &times[(n + 1) % times.len()];
                format!("[[shift]]\nfrom = \"{from}\"\nto = \"{to}\"\npeople = {people:?}\nturn = {turn}\nstarting = \"2011-12-24\"\n")
            });
            duty(&shifts.collect::<String>())
        })
}

fn some_change(n: i64, start: Timestamp) -> impl Strategy<Value = Change> {
    let hours = move |hour: i64| start + SignedDuration::from_mins(hour * 7);
    (0..800_i64, 1..400_i64, names(), names(), 0..3_u8, 0..900_i64).prop_map(
        move |(from, length, person, of, kind, gone)| Change {
            n,
            from: hours(from),
            to: hours(from + length),
            person,
            instead_of: (kind == 0).then_some(of.clone()),
            with: (kind == 2).then(|| Slot { from: hours(from + length), to: hours(from + 2 * length), person: of }),
            kind: [Kind::Override, Kind::Extra, Kind::Swap][usize::from(kind)],
            at: start,
            agreed_at: (gone % 2 == 0).then_some(start),
            withdrawn_at: (gone > 700).then(|| hours(gone)),
            ..written(n, Kind::Extra, "24T00:00", "24T01:00", "x", None)
        },
    )
}

/// Times before clocks change somewhere, a day before the date line moved in Samoa among them.
fn starts() -> impl Strategy<Value = Timestamp> {
    prop::sample::select(vec![
        "2011-12-28T06:00:00Z",
        "2026-03-06T00:00:00Z",
        "2026-03-27T12:00:00Z",
        "2026-04-03T12:00:00Z",
        "2026-10-23T12:00:00Z",
        "2026-10-30T12:00:00Z",
    ])
    .prop_map(|text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The plan of days and the answer for an instant agree at every instant, whatever changes there are and whatever the clocks do.
    #[test]
    fn plan_and_instant_agree(duty in whole_days(), zone in zones(), (start, changes) in starts().prop_flat_map(|start| (Just(start), (some_change(1, start), some_change(2, start), some_change(3, start)).prop_map(|(a, b, c)| vec![a, b, c])))) {
        let tz = TimeZone::get(zone).unwrap();
        let end = start + SignedDuration::from_hours(100);
        let turns = plan(&duty, &changes, start, end, &tz);
        prop_assert!(turns.iter().all(|turn| turn.from < turn.to));
        for step in 0..(100 * 60 / 13) {
            let now = start + SignedDuration::from_mins(step * 13);
            let mut planned: Vec<&str> = turns.iter().filter(|turn| turn.covers(now)).map(|turn| turn.person.as_str()).collect();
            let answer = on_duty(&duty, &changes, now, &tz);
            let mut answered: Vec<&str> = answer.iter().map(|turn| turn.person.as_str()).collect();
            planned.sort_unstable();
            answered.sort_unstable();
            prop_assert_eq!(planned, answered, "{} {}", now, zone);
        }
    }

    /// Shifts that join on paper leave no instant out and count none twice, whatever the clocks do.
    #[test]
    fn a_change_of_clocks_leaves_nobody_out(duty in whole_days(), zone in zones(), start in starts()) {
        let tz = TimeZone::get(zone).unwrap();
        for step in 0..(100 * 60 / 7) {
            let now = start + SignedDuration::from_mins(step * 7);
            prop_assert_eq!(on_duty(&duty, &[], now, &tz).len(), 1, "{} {}", now, zone);
        }
    }

    /// Whenever nobody can be reached within the fortnight, there is a finding that says so, and never one where somebody can.
    #[test]
    fn a_gap_is_found_or_there_is_none(duty in whole_days(), zone in zones(), start in starts(), (first, second) in (names(), names())) {
        let tz = TimeZone::get(zone).unwrap();
        let people = people(&[first.as_str(), second.as_str()].into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        let gap = findings(&duty, &[&duty], &[], &people, start, &tz).iter().any(|one| one.kind == findings::Kind::Gap);
        let every = every();
        let lonely = (0..14 * 24 * 4).any(|quarter| {
            reach(Some(&duty), &[], &people, &every, start + SignedDuration::from_mins(quarter * 15), &tz, false).gap
        });
        prop_assert_eq!(gap, lonely, "{}", zone);
    }
}
