use super::*;
use crate::samples::file;
use proptest::prelude::*;

const THREE: &str = r#"
id = "desk"
resume_after = "20m"
[ack]
I = "5m"
[[escalation]]
after = "10m"
person = "张主任"
channels = ["leader"]
[[escalation]]
after = "15m"
channels = ["director"]
levels = ["I", "II"]
[[escalation]]
after = "30m"
channels = ["group"]
[repeat]
times = 2
every = "45m"
"#;

fn ladder(duty: &str) -> Ladder {
    Ladder::of(Some(&toml::from_str(duty).unwrap()))
}

fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + minute * 60).unwrap()
}

fn opened(ladder: &Ladder, level: Level) -> File {
    let mut file = file("water");
    file.incident.level = level;
    ladder.follow(&mut file, Happening::Opened, at(0));
    file
}

fn done(ladder: &Ladder, file: &mut File, command: &Command, who: &str, minute: i64) {
    assert_eq!(file.act(command, who, None, at(minute)), Ok(true), "{command:?}");
    ladder.follow(file, Happening::Done(command, who), at(minute));
}

fn note() -> Command {
    Command::Note { text: "已电话联系".into() }
}

/// When each rung is taken while nobody does anything, by minutes, and which it is.
fn rungs(ladder: &Ladder, file: &mut File) -> Vec<(i64, &'static str)> {
    let mut taken = Vec::new();
    while let Some(next) = file.matter.chain.as_ref().and_then(|chain| chain.next_at) {
        assert!(!file.matter.chain.as_ref().unwrap().is_due(next - SignedDuration::from_millis(1)));
        let kind = match ladder.take(file, Why::Time, next) {
            Some(Rung::Remind) => "remind",
            Some(Rung::Step(step)) => match step.channels[0].as_str() {
                "leader" => "leader",
                "director" => "director",
                _ => "group",
            },
            Some(Rung::Again) => "again",
            None => panic!("due, and nothing there"),
        };
        taken.push((next.duration_since(at(0)).as_mins(), kind));
        assert!(taken.len() < 50, "it ends");
    }
    taken
}

#[test]
fn step_by_step_until_everybody_was_paged_again() {
    let ladder = ladder(THREE);
    let mild = [(10, "leader"), (40, "group"), (85, "again"), (130, "again")];
    assert_eq!(rungs(&ladder, &mut opened(&ladder, Level::IV)), mild);
    let red = [(5, "leader"), (20, "director"), (50, "group"), (95, "again"), (140, "again")];
    let mut file = opened(&ladder, Level::I);
    assert_eq!(file.incident.ack_due_at, Some(at(5)));
    assert_eq!(rungs(&ladder, &mut file), red);
    let told: Vec<&str> =
        file.fresh.iter().filter(|event| event.action == "escalated").map(|event| event.text.as_str()).collect();
    assert_eq!(told[0], "逾时无人签收, 通知 张主任 (leader)");
    assert_eq!(told[4], "逾时无人签收, 再次通知全部人员, 已逐级通知完毕");
    assert_eq!(file.incident.version, 1, "whoever is about to sign is not disturbed");
}

#[test]
fn without_a_roster_everybody_is_paged_again() {
    let ladder = Ladder::of(None);
    assert_eq!(rungs(&ladder, &mut opened(&ladder, Level::IV)), [(15, "again"), (45, "again"), (75, "again")]);
}

#[test]
fn a_higher_level_is_to_be_signed_sooner() {
    let ladder = ladder(THREE);
    let mut file = opened(&ladder, Level::IV);
    file.raise(Level::I, "共 1000 条", at(2));
    ladder.follow(&mut file, Happening::Raised, at(2));
    assert_eq!(file.incident.ack_due_at, Some(at(7)));
    assert_eq!(rungs(&ladder, &mut file)[0], (7, "leader"));
    let mut late = opened(&ladder, Level::IV);
    late.raise(Level::I, "共 1000 条", at(9));
    ladder.follow(&mut late, Happening::Raised, at(9));
    assert_eq!(rungs(&ladder, &mut late)[0], (10, "leader"), "never later than before");
}

#[test]
fn it_stops_at_the_signature_and_resumes_when_nothing_follows() {
    let ladder = ladder(THREE);
    let mut file = opened(&ladder, Level::IV);
    done(&ladder, &mut file, &Command::Ack, "王敏", 3);
    let idle = [(23, "remind"), (33, "leader"), (63, "group"), (108, "again"), (153, "again")];
    assert_eq!(rungs(&ladder, &mut file.clone()), idle);
    // A note by somebody else is no sign of life of whoever signed.
    done(&ladder, &mut file, &note(), "李雷", 5);
    assert_eq!(rungs(&ladder, &mut file.clone()), idle);
    let mut silent = file.clone();
    done(&ladder, &mut silent, &note(), "王敏", 6);
    assert_eq!(rungs(&ladder, &mut silent), []);
    let assign = Command::Assign {
        unit: "水务局".into(),
        unit_id: None,
        assisting: Vec::new(),
        due_at: None,
        text: String::new(),
    };
    done(&ladder, &mut file, &assign, "王敏", 7);
    assert_eq!(rungs(&ladder, &mut file.clone()), []);
    done(&ladder, &mut file, &Command::Return { text: "不属本单位".into() }, "水务局", 8);
    assert_eq!(rungs(&ladder, &mut file.clone())[0], (28, "remind"));
    done(&ladder, &mut file, &Command::Respond { text: "已恢复".into(), press: false }, "王敏", 8);
    assert_eq!(rungs(&ladder, &mut file.clone()), []);
    ladder.follow(&mut file, Happening::Rebound, at(9));
    assert_eq!(rungs(&ladder, &mut file.clone())[0], (29, "remind"), "it is the desk's turn again");
    done(&ladder, &mut file, &Command::Close { text: "已处理".into() }, "王敏", 9);
    assert_eq!(rungs(&ladder, &mut file), []);
}

#[test]
fn who_need_not_be_reminded_is_not() {
    let ladder = ladder("id = \"desk\"\nresume_after = \"0s\"\n");
    let mut file = opened(&ladder, Level::IV);
    done(&ladder, &mut file, &Command::Ack, "王敏", 3);
    assert_eq!(rungs(&ladder, &mut file), []);
}

#[test]
fn a_page_that_was_given_up_hurries_the_next_rung() {
    let ladder = ladder(THREE);
    let mut file = opened(&ladder, Level::IV);
    assert!(matches!(ladder.take(&mut file, Why::GivenUp, at(1)), Some(Rung::Step(_))));
    assert!(file.fresh.last().unwrap().text.starts_with("通知未能送达"));
    assert_eq!(file.matter.chain.as_ref().unwrap().next_at, Some(at(31)), "the next waits its full time");
}

#[test]
fn after_a_long_absence_one_rung_is_taken_and_the_next_one_waits() {
    let ladder = ladder(THREE);
    let mut file = opened(&ladder, Level::IV);
    assert!(ladder.take(&mut file, Why::Time, at(500)).is_some());
    assert_eq!(file.matter.chain.as_ref().unwrap().next_at, Some(at(530)));
}

#[test]
fn a_clock_that_went_back_delays_by_one_wait_at_most() {
    let ladder = ladder(THREE);
    let mut file = opened(&ladder, Level::IV);
    let chain = file.matter.chain.as_mut().unwrap();
    assert!(!chain.clone().mend(at(3)));
    assert!(chain.mend(at(-600)));
    assert_eq!(chain.next_at, Some(at(-590)));
    assert!(!chain.mend(at(-600)), "once");
}

proptest! {
    /// Whatever the times are, a chain ends, each rung comes after the one before, and none is taken twice.
    #[test]
    fn every_chain_ends(steps in prop::collection::vec(1..120_u64, 0..6), times in 0..5_u32, every in 1..120_u64, idle: bool) {
        let mut duty = format!("id = \"d\"\nresume_after = \"7m\"\n[repeat]\ntimes = {times}\nevery = \"{every}m\"\n");
        for after in &steps {
            duty += &format!("[[escalation]]\nafter = \"{after}m\"\nchannels = [\"leader\"]\n");
        }
        let ladder = ladder(&duty);
        let mut file = opened(&ladder, Level::II);
        if idle {
            done(&ladder, &mut file, &Command::Ack, "王敏", 0);
        }
        let taken = rungs(&ladder, &mut file);
        prop_assert_eq!(taken.len(), steps.len() + times as usize + usize::from(idle));
        prop_assert!(taken.windows(2).all(|two| two[0].0 < two[1].0), "{:?}", taken);
    }
}
