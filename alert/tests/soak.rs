//! Nights at random: pulses, signatures, time, crashes and channels that fail, in any order. Whatever happens, each page
//! that was due is delivered, and a repeat is the same message to the byte.

// A test speaks by failing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use alert::incident::Command;
use proptest::prelude::*;
use schemas::records::{DeliveryState, State};
use std::collections::HashMap;
use support::{Answer, Night};

const ROSTER: &str = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\n\
    [[channel]]\nid = \"leader\"\nkind = \"webhook\"\nurl = \"{hook}/leader\"\n\
    [[duty]]\nid = \"d\"\nchannels = [\"desk\"]\n[duty.escalation]\nafter = \"10m\"\nchannels = [\"leader\"]\n";

#[derive(Debug, Clone)]
enum Step {
    Pulse {
        topic: u8,
        rise: u8,
        count: u64,
    },
    Ack,
    Close,
    Wait(i64),
    /// The process dies before anything is sent.
    CrashUnsent,
    /// The process dies between two steps.
    Crash,
    Fail(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..2_u8, 0..3_u8, 15..1_500_u64).prop_map(|(topic, rise, count)| Step::Pulse { topic, rise, count }),
        1 => Just(Step::Ack),
        1 => Just(Step::Close),
        3 => (1..900_i64).prop_map(Step::Wait),
        1 => Just(Step::CrashUnsent),
        1 => Just(Step::Crash),
        3 => prop_oneof![Just(500_u16), Just(429), Just(503)].prop_map(Step::Fail),
    ]
}

async fn play(steps: Vec<Step>) {
    let mut night = Night::begin(ROSTER).await;
    let mut unread = 0;
    for step in steps {
        match step {
            Step::Pulse { topic, rise, count } => {
                night.pulse(&format!("t{topic}"), &format!("s{rise}"), count).await;
            }
            Step::Ack | Step::Close => {
                let command =
                    if matches!(step, Step::Ack) { Command::Ack } else { Command::Close { text: "已处理".into() } };
                for incident in night.incidents().await {
                    let _ = night.act("王敏", &incident.id, command.clone()).await;
                }
            }
            Step::Wait(seconds) => night.wait_seconds(seconds).await,
            Step::CrashUnsent => {
                night.append(&night.make("t9", &format!("u{unread}"), 20, schemas::records::Phase::Rising)).await;
                unread += 1;
                night.read().await;
                night.crash().await;
            }
            Step::Crash => night.crash().await,
            Step::Fail(status) => night.receiver.answers("desk", [Answer::Status(status)]),
        }
    }
    for _ in 0..20 {
        night.wait(10).await;
    }
    let mut got: HashMap<String, Vec<bytes::Bytes>> = HashMap::new();
    for message in night.receiver.take_all() {
        got.entry(message.key()).or_default().push(message.bytes);
    }
    for incident in night.incidents().await {
        let deliveries = night.desk.records.deliveries(&incident.id).await.unwrap();
        assert_eq!(deliveries[0].reason, "opened");
        for page in &deliveries {
            assert_eq!(page.state, DeliveryState::Sent, "{page:?}");
            let messages = got.remove(&page.key).unwrap_or_default();
            assert_eq!(messages.len(), page.attempts as usize, "{page:?}");
            assert!(messages.iter().all(|message| *message == messages[0]), "a repeat differs");
        }
        // Whoever is called upon is called whatever happened: unsigned, the leader and then everybody again.
        let called = deliveries.iter().filter(|page| page.reason == "escalation" && page.channel == "leader").count();
        assert!(incident.state != State::New || called == 4, "{called}: {incident:?}");
        assert!(called <= 8, "{called}: once as unsigned and once as idle, at most");
        let history = night.desk.records.history(&incident.id).await.unwrap();
        assert!((1..).zip(&history).all(|(seq, event)| event.seq == seq), "a gap in the history");
    }
    assert!(got.is_empty(), "nobody wrote these down: {:?}", got.keys());
    night.all_is_well().await;
}

/// The desk takes four messages a minute; the leader takes over what it does not take.
const LIMITED: &str = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\nper_minute = 4\nthen = \"leader\"\n\
    [[channel]]\nid = \"leader\"\nkind = \"webhook\"\nurl = \"{hook}/leader\"\n\
    [[duty]]\nid = \"d\"\nchannels = [\"desk\"]\n[duty.repeat]\ntimes = 0\n";

fn crowded() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..60_u8, 15..1_200_u64).prop_map(|(topic, count)| Step::Pulse { topic, rise: 0, count }),
        3 => (1..200_i64).prop_map(Step::Wait),
        2 => Just(Step::CrashUnsent),
        1 => Just(Step::Crash),
        3 => prop_oneof![Just(500_u16), Just(429), Just(404)].prop_map(Step::Fail),
    ]
}

/// Every page is sent alone, or named in exactly one digest, or another channel has it.
async fn play_crowded(steps: Vec<Step>) {
    let mut night = Night::begin(LIMITED).await;
    let mut unread = 0;
    for step in steps {
        match step {
            // Read and not yet sent: so that many are due at once.
            Step::Pulse { topic, rise, count } => {
                let pulse =
                    night.make(&format!("t{topic}"), &format!("s{rise}"), count, schemas::records::Phase::Rising);
                night.append(&pulse).await;
                night.read().await;
            }
            Step::Wait(seconds) => night.wait_seconds(seconds).await,
            Step::CrashUnsent => {
                for _ in 0..5 {
                    let pulse = night.make(&format!("u{unread}"), "s", 20, schemas::records::Phase::Rising);
                    night.append(&pulse).await;
                    unread += 1;
                }
                night.read().await;
                night.crash().await;
            }
            Step::Fail(status) => night.receiver.answers("desk", [Answer::Status(status)]),
            Step::Ack | Step::Close | Step::Crash => night.crash().await,
        }
    }
    for _ in 0..60 {
        night.wait_seconds(40).await;
    }
    let (mut alone, mut digests) = (HashMap::<String, usize>::new(), HashMap::new());
    for message in night.receiver.take_all() {
        if message.reason() == "digest" {
            let before = digests.insert(message.key(), message.body["pages"].clone());
            assert!(before.is_none_or(|before| before == message.body["pages"]), "a repeat differs");
        } else {
            *alone.entry(message.key()).or_default() += 1;
        }
    }
    let mut named = HashMap::<String, String>::new();
    for (digest, pages) in &digests {
        for page in pages.as_array().unwrap() {
            let other = named.insert(page["key"].as_str().unwrap().to_owned(), digest.clone());
            assert_eq!(other, None, "{page} stands in two digests");
        }
    }
    for incident in night.incidents().await {
        let deliveries = night.desk.records.deliveries(&incident.id).await.unwrap();
        for page in &deliveries {
            match (page.state, &page.then, &page.digest) {
                (DeliveryState::Sent, None, None) => assert_eq!(alone[&page.key], page.attempts as usize, "{page:?}"),
                (DeliveryState::Sent, None, Some(digest)) => assert_eq!(named.get(&page.key), Some(digest), "{page:?}"),
                (DeliveryState::Failed, Some(then), None) => {
                    let key = format!("{}{then}", page.key.strip_suffix(&page.channel).unwrap());
                    let taken = deliveries.iter().find(|other| other.key == key).unwrap();
                    assert_eq!(taken.state, DeliveryState::Sent, "{taken:?}");
                }
                _ => panic!("{page:?}"),
            }
        }
    }
    assert_eq!(night.desk.records.pending().await.unwrap().0, 0);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]
    #[test]
    fn no_page_is_lost(steps in proptest::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }

    #[test]
    fn every_page_is_told_once_though_there_is_a_quota(steps in proptest::collection::vec(crowded(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play_crowded(steps));
    }
}
