//! Nights at random: pulses, signatures, time, crashes and channels that fail, in any order. Whatever happens, each page
//! that was due is delivered, and a repeat is the same message to the byte.

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
        let escalations = deliveries.iter().filter(|page| page.reason == "escalation").count();
        assert!(escalations <= 1 && (incident.state != State::New || escalations == 1), "{incident:?}");
        let history = night.desk.records.history(&incident.id).await.unwrap();
        assert!((1..).zip(&history).all(|(seq, event)| event.seq == seq), "a gap in the history");
    }
    assert!(got.is_empty(), "nobody wrote these down: {:?}", got.keys());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]
    #[test]
    fn no_page_is_lost(steps in proptest::collection::vec(step(), 1..25)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(play(steps));
    }
}
