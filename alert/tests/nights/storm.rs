//! Nights in which hundreds rise at once.

use crate::support::{Message, Night};
use alert::incident::Command;
use proptest::prelude::*;
use schemas::records::Phase;
use std::collections::HashMap;

const DESK: &str = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\n[[duty]]\nid = \"d\"\nchannels = [\"desk\"]\n\
    resume_after = \"0s\"\nrepeat = { times = 0 }\nack = { I = \"24h\", II = \"24h\", III = \"24h\", IV = \"24h\" }\n\
    [[clock]]\nid = \"response\"\nname = \"回应\"\nuntil = \"responded\"\nwithin = \"0s\"\n\
    [[clock]]\nid = \"information\"\nname = \"报送\"\nuntil = \"responded\"\nwithin = \"0s\"\n";

/// So many matters rise, each with so many posts.
async fn rise(night: &mut Night, from: usize, many: usize, count: u64) {
    for n in from..from + many {
        night.append(&night.make(&format!("t{n}"), "s1", count, Phase::Rising)).await;
    }
    // Who waits for pulses where there are none waits for ever.
    if many > 0 {
        night.read().await;
    }
}

fn of<'a>(messages: &'a [Message], reason: &'a str) -> Vec<&'a Message> {
    messages.iter().filter(|message| message.reason() == reason).collect()
}

/// How often each incident is named by number in pages of its own and digests: what tells of a storm names the board.
fn named(messages: &[Message]) -> HashMap<String, usize> {
    let mut named: HashMap<String, usize> = HashMap::new();
    for message in messages {
        match message.reason() {
            "digest" => {
                for page in message.body["pages"].as_array().unwrap() {
                    *named.entry(page["incident"].as_str().unwrap().to_owned()).or_default() += 1;
                }
            }
            "storm" | "storm_over" => {}
            _ => *named.entry(message.body["incident"]["id"].as_str().unwrap().to_owned()).or_default() += 1,
        }
    }
    named
}

#[tokio::test]
async fn three_hundred_at_once_are_a_handful_of_messages() {
    let mut night = Night::begin(DESK).await;
    rise(&mut night, 0, 300, 18).await;
    night.deliver().await;
    for _ in 0..5 {
        night.wait(1).await;
    }
    let messages = night.receiver.take_all();
    assert!(messages.len() <= 6, "{}", messages.len());
    let told = of(&messages, "storm");
    assert_eq!(told.len(), 1);
    assert!(told[0].text().starts_with("【舆情风暴】10 分钟内新增 300 起事件"), "{}", told[0].text());
    let named = named(&messages);
    assert_eq!(named.len(), 300);
    assert!(named.values().all(|times| *times == 1), "{named:?}");
    // It is over when few open any more.
    night.wait(10).await;
    let over = night.expect("desk", "storm_over");
    assert!(over.text().contains("未签收 300 起"), "{}", over.text());
    night.pulse("later", "s1", 18).await;
    night.expect("desk", "opened");
}

#[tokio::test]
async fn red_and_orange_page_alone_and_at_once() {
    let mut night = Night::begin(DESK).await;
    rise(&mut night, 0, 100, 18).await;
    night.deliver().await;
    night.receiver.take_all();
    for n in 0..3 {
        rise(&mut night, 200 + n, 1, 5_000).await;
        night.deliver().await;
        let page = night.expect("desk", "opened");
        assert!(page.text().contains("红色 I 级"), "{}", page.text());
    }
    rise(&mut night, 300, 5, 18).await;
    night.deliver().await;
    night.expect_nothing();
    night.wait(1).await;
    let digest = night.expect("desk", "digest");
    assert_eq!(digest.body["pages"].as_array().unwrap().len(), 5);
    night.wait(11).await;
    night.expect("desk", "storm_over");
}

/// One message a minute, however they trickle in; and a crash forgets neither the storm nor the minute.
#[tokio::test]
async fn a_crash_in_the_middle_of_it_repeats_nothing() {
    let mut night = Night::begin(DESK).await;
    let mut messages = Vec::new();
    for n in 0..60 {
        rise(&mut night, n * 3, 3, 18).await;
        night.deliver().await;
        if n % 7 == 0 {
            night.crash().await;
        }
        night.wait_seconds(10).await;
    }
    for _ in 0..3 {
        night.wait(1).await;
    }
    messages.extend(night.receiver.take_all());
    assert_eq!(of(&messages, "storm").len(), 1);
    // Before it begins each alone, at most as many as the config allows; then a message a minute.
    assert!(of(&messages, "opened").len() <= 24, "{}", of(&messages, "opened").len());
    assert!(of(&messages, "digest").len() <= 13, "{}", of(&messages, "digest").len());
    let named = named(&messages);
    assert_eq!(named.len(), 180);
    assert!(named.values().all(|times| *times == 1), "{named:?}");
    night.wait(20).await;
    night.expect("desk", "storm_over");
}

#[tokio::test]
async fn few_are_no_storm_and_none_is_wanted_with_nought() {
    let mut night = Night::begin(DESK).await;
    rise(&mut night, 0, 20, 18).await;
    night.deliver().await;
    let messages = night.receiver.take_all();
    assert_eq!((messages.len(), of(&messages, "opened").len()), (20, 20));
    let mut night = Night::begin(&format!("[storm]\nincidents = 0\n{DESK}")).await;
    rise(&mut night, 0, 50, 18).await;
    night.deliver().await;
    assert_eq!(of(&night.receiver.take_all(), "opened").len(), 50);
}

#[tokio::test]
async fn what_is_signed_is_not_listed_when_it_is_over() {
    let mut night = Night::begin(&format!("[storm]\nincidents = 4\nwithin = \"5m\"\n{DESK}")).await;
    rise(&mut night, 0, 6, 18).await;
    night.deliver().await;
    night.wait(1).await;
    night.receiver.take_all();
    for n in 1..=4 {
        night.act("王敏", &format!("20261124-000{n}"), Command::Ack).await.unwrap();
    }
    night.wait(5).await;
    let over = night.expect("desk", "storm_over");
    assert!(over.text().contains("未签收 2 起") && over.text().contains("20261124-0006"), "{}", over.text());
    assert!(!over.text().contains("20261124-0001"), "{}", over.text());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3, ..ProptestConfig::default() })]

    /// However they rise: everyone is named exactly once, no red one waits, and there is at most one merged message a minute.
    #[test]
    fn each_is_named_once_and_no_red_one_waits(waves in proptest::collection::vec((0..40_usize, 0..3_usize, 5..90_i64), 1..5)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut night = Night::begin(DESK).await;
            let (mut from, mut all, mut minutes) = (0, Vec::new(), 1);
            for (blue, red, seconds) in waves {
                rise(&mut night, from, blue, 18).await;
                rise(&mut night, from + blue, red, 5_000).await;
                from += blue + red;
                night.deliver().await;
                let sent = night.receiver.take_all();
                let reds = sent.iter().filter(|message| message.reason() == "opened" && message.text().contains("红色 I 级")).count();
                assert_eq!(reds, red, "no red one waits");
                all.extend(sent);
                night.wait_seconds(seconds).await;
                minutes += 1 + seconds / 60;
            }
            for _ in 0..5 {
                night.wait(1).await;
            }
            all.extend(night.receiver.take_all());
            let named = named(&all);
            assert_eq!(named.len(), from);
            assert!(named.values().all(|times| *times == 1), "{named:?}");
            assert!(i64::try_from(of(&all, "digest").len()).unwrap() <= minutes + 5);
            night.wait(30).await;
            night.receiver.take_all();
        });
    }
}
