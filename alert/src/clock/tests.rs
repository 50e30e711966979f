use super::*;
use crate::samples::file;

fn clocks(config: &str) -> Clocks {
    Clocks::of(&Settings::parse(config, []).unwrap())
}

fn at(minute: i64) -> Timestamp {
    // Tuesday, 2026-11-24 10:00 in Shanghai, and so many minutes.
    "2026-11-24T02:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
}

fn assign(due_at: Option<Timestamp>) -> Command {
    Command::Assign { unit: "水务局".into(), unit_id: None, assisting: Vec::new(), due_at, text: String::new() }
}

fn text() -> String {
    "已处理".into()
}

/// What runs: ids with the minutes at which they run out.
fn running(file: &File) -> Vec<(String, i64)> {
    let clocks = file.incident.clocks.iter().filter(|clock| clock.stopped_at.is_none());
    clocks.map(|clock| (clock.id.clone(), clock.due_at.duration_since(at(0)).as_mins())).collect()
}

fn ids(file: &File) -> Vec<String> {
    running(file).into_iter().map(|(id, _)| id).collect()
}

fn opened(clocks: &Clocks, level: Level) -> File {
    let mut file = file("water");
    file.incident.level = level;
    clocks.follow(&mut file, Happening::Opened, at(0));
    file
}

fn done(clocks: &Clocks, file: &mut File, command: &Command, minute: i64) {
    assert_eq!(file.act(command, "王敏", None, at(minute)), Ok(true), "{command:?}");
    clocks.follow(file, Happening::Done(command, "王敏"), at(minute));
}

/// The module's first table.
#[test]
fn the_state_set_clocks_by_level() {
    let clocks = clocks("");
    let pair = |id: &str, hours: i64| (id.to_owned(), hours * 60);
    for level in [Level::I, Level::II] {
        assert_eq!(running(&opened(&clocks, level)), [pair("information", 5), pair("press", 24)]);
    }
    for level in [Level::III, Level::IV] {
        assert_eq!(running(&opened(&clocks, level)), [pair("response", 48)]);
    }
    let mut file = opened(&clocks, Level::IV);
    done(&clocks, &mut file, &Command::Ack, 1);
    done(&clocks, &mut file, &assign(None), 2);
    assert_eq!(running(&file)[1..], [("unit_ack".to_owned(), 62), ("answer".to_owned(), 2 + 24 * 60)]);
    let warns: Vec<i64> =
        file.incident.clocks.iter().map(|clock| clock.warn_at.duration_since(at(0)).as_mins()).collect();
    assert_eq!(warns, [36 * 60, 47, 2 + 24 * 60 * 4 / 5]);
}

/// The module's second table, row by row.
#[test]
fn what_starts_and_what_stops() {
    let clocks =
        clocks("[[clock]]\nid = \"hand\"\nname = \"交办\"\nfrom = \"acked\"\nuntil = \"assigned\"\nwithin = \"10m\"\n");
    let mut file = opened(&clocks, Level::IV);
    done(&clocks, &mut file, &Command::Ack, 1);
    assert_eq!(ids(&file), ["response", "hand"]);
    done(&clocks, &mut file, &assign(None), 2);
    assert_eq!(ids(&file), ["response", "unit_ack", "answer"]);
    done(&clocks, &mut file, &Command::UnitAck, 3);
    assert_eq!(ids(&file), ["response", "answer"]);
    done(&clocks, &mut file, &Command::Answer { text: text() }, 4);
    assert_eq!(ids(&file), ["response"]);
    // Another unit: its clocks begin anew, with the deadline that the desk sets.
    done(&clocks, &mut file, &assign(Some(at(300))), 5);
    assert_eq!(running(&file)[1..], [("unit_ack".to_owned(), 65), ("answer".to_owned(), 300)]);
    done(&clocks, &mut file, &Command::Return { text: text() }, 6);
    assert_eq!(ids(&file), ["response"]);
    file.raise(Level::II, "共 200 条", at(7));
    clocks.follow(&mut file, Happening::Raised, at(7));
    assert_eq!(running(&file)[1..], [("information".to_owned(), 307), ("press".to_owned(), 7 + 24 * 60)]);
    clocks.follow(&mut file, Happening::Raised, at(8));
    assert_eq!(file.incident.clocks.iter().filter(|clock| clock.id == "press").count(), 1, "once");
    done(&clocks, &mut file, &Command::Respond { text: text(), press: false }, 9);
    assert_eq!(ids(&file), ["press"]);
    done(&clocks, &mut file, &Command::Respond { text: text(), press: true }, 10);
    assert_eq!(ids(&file), Vec::<String>::new());
    clocks.follow(&mut file, Happening::Rebound, at(11));
    assert_eq!(running(&file), [("information".to_owned(), 311), ("press".to_owned(), 11 + 24 * 60)]);
    done(&clocks, &mut file, &Command::Close { text: text() }, 12);
    assert_eq!(ids(&file), Vec::<String>::new());
    done(&clocks, &mut file, &Command::Reopen { text: text() }, 13);
    assert_eq!(ids(&file), ["information", "press"]);
    clocks.follow(&mut file, Happening::Split, at(14));
    assert_eq!(ids(&file), ["information", "press"]);
    clocks.follow(&mut file, Happening::Merged, at(14));
    assert_eq!(ids(&file), Vec::<String>::new());
}

#[test]
fn a_pause_does_not_go_over_to_another_incident() {
    let clocks = clocks("");
    let mut file = opened(&clocks, Level::IV);
    done(&clocks, &mut file, &Command::Ack, 1);
    done(&clocks, &mut file, &Command::Pause { clock: "response".into(), text: text() }, 60);
    clocks.follow(&mut file, Happening::Split, at(90));
    assert_eq!(running(&file), [("response".to_owned(), 48 * 60 + 30)], "what was left goes on");
    let clock = &file.incident.clocks[0];
    assert_eq!((&clock.paused, clock.warn_at), (&None, at(36 * 60 + 30)));
    assert_eq!(file.fresh.last().map(|event| event.action.as_str()), Some("resumed"));
    let told = file.seq;
    clocks.go_on(&mut file, at(91));
    assert_eq!(file.seq, told, "nothing was paused");
}

#[test]
fn the_config_replaces_adds_and_takes_away() {
    let clocks = clocks(
        "[[clock]]\nid = \"response\"\nname = \"回应\"\nuntil = \"responded\"\nwithin = \"8h\"\ntime = \"working\"\n\
         [[clock]]\nid = \"press\"\nname = \"发布会\"\nuntil = \"press_conference\"\nwithin = \"0s\"\n",
    );
    // Tuesday 10:00: two hours until noon, four after it, and two on Wednesday.
    let file = opened(&clocks, Level::II);
    assert_eq!(running(&file), [("information".to_owned(), 300), ("response".to_owned(), (24 + 1) * 60)]);
    assert!(clocks.count_working_time());
}

#[test]
fn time_warns_once_and_runs_out_once() {
    let clocks = clocks("");
    let mut file = opened(&clocks, Level::I);
    let told = |file: &mut File, minute| -> Vec<(Told, String)> {
        pass(&mut file.incident.clocks, at(minute)).into_iter().map(|(told, clock)| (told, clock.id)).collect()
    };
    let warning = |id: &str| (Told::Warning, id.to_owned());
    let expired = |id: &str| (Told::Expired, id.to_owned());
    assert_eq!(next(&file.incident.clocks), Some(at(240)));
    assert_eq!(told(&mut file, 239), []);
    assert_eq!(told(&mut file, 240), [warning("information")]);
    assert_eq!(told(&mut file, 240), []);
    assert_eq!(next(&file.incident.clocks), Some(at(300)));
    assert_eq!(told(&mut file, 300), [expired("information")]);
    assert_eq!(told(&mut file, 900), []);
    // The program was down: the warning is left out, that it has run out is told.
    assert_eq!(told(&mut file, 48 * 60), [expired("press")]);
    assert_eq!(next(&file.incident.clocks), None);
    assert_eq!(ids(&file), ["information", "press"], "what has run out still waits for what it was for");
}

#[test]
fn a_pause_moves_the_end_by_its_length_in_the_clocks_own_time() {
    for (time, due) in [("all", 24 * 60 + 48 * 60), ("working", 0)] {
        let clocks = clocks(&format!(
            "[[clock]]\nid = \"response\"\nname = \"回应\"\nuntil = \"responded\"\nwithin = \"48h\"\nwarn = \"1h\"\ntime = \"{time}\"\n"
        ));
        let mut file = opened(&clocks, Level::IV);
        let before = file.incident.clocks[0].clone();
        let pause = Command::Pause { clock: "response".into(), text: "等待检测报告".into() };
        done(&clocks, &mut file, &pause, 0);
        let held = file.incident.clocks[0].paused.clone().unwrap();
        assert_eq!((held.by.as_str(), held.why.as_str(), held.left_seconds), ("王敏", "等待检测报告", 48 * 3600));
        assert_eq!((next(&file.incident.clocks), pass(&mut file.incident.clocks, at(99_999))), (None, Vec::new()));
        let again = file.act(&pause, "王敏", None, at(1)).unwrap_err();
        assert_eq!(again.code(), "no_clock", "it is paused already");
        // A day later.
        done(&clocks, &mut file, &Command::Resume { clock: "response".into(), text: String::new() }, 24 * 60);
        let after = &file.incident.clocks[0];
        let day = SignedDuration::from_hours(24);
        match time {
            "all" => assert_eq!(after.due_at, at(due)),
            // A working day later by its own time, which here is the same hour of the next working day.
            _ => assert!(after.due_at >= before.due_at + day, "{after:?}"),
        }
        assert_eq!(after.paused, None);
        assert!(after.warn_at < after.due_at);
    }
}

#[test]
fn a_clock_without_its_rule_stops_with_the_incident() {
    let with = clocks("[[clock]]\nid = \"own\"\nname = \"本区\"\nuntil = \"closed\"\nwithin = \"72h\"\n");
    let mut file = opened(&with, Level::IV);
    assert_eq!(ids(&file), ["response", "own"]);
    let without = clocks("");
    done(&without, &mut file, &Command::Ack, 1);
    done(&without, &mut file, &Command::Close { text: text() }, 2);
    assert_eq!((file.incident.state, ids(&file)), (State::Closed, Vec::<String>::new()));
}
