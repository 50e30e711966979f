//! Webhooks that fail in every documented way, and crashes at every point: no page is lost, and a repeat bears the same key.

use crate::support::{Answer, Night};
use alert::incident::Command;
use schemas::records::DeliveryState;

const ONE: &str = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\n";
const ID: &str = "20261124-0001";

async fn state(night: &Night) -> (DeliveryState, u32, Option<String>) {
    let page = night.desk.records.deliveries(ID).await.unwrap().remove(0);
    (page.state, page.attempts, page.last_error)
}

#[tokio::test]
async fn errors_that_pass_are_tried_again_with_the_same_key() {
    for status in [500, 502, 503, 504, 408, 425, 429] {
        let mut night = Night::begin(ONE).await;
        night.receiver.answers("desk", [Answer::Status(status), Answer::Status(status)]);
        night.pulse("water", "s1", 18).await;
        night.expect("desk", "opened");
        assert_eq!(state(&night).await.0, DeliveryState::Pending);
        night.wait_seconds(1).await;
        night.expect_again("desk", "opened");
        night.wait_seconds(2).await;
        night.expect_again("desk", "opened");
        assert_eq!(state(&night).await, (DeliveryState::Sent, 3, None), "{status}");
        night.wait(14).await;
    }
}

#[tokio::test]
async fn errors_that_do_not_pass_are_given_up() {
    for status in [301, 307, 400, 401, 403, 404, 410, 413, 422] {
        let mut night = Night::begin(ONE).await;
        night.receiver.answers("desk", [Answer::With(status, vec![("location", "/elsewhere".into())], String::new())]);
        night.pulse("water", "s1", 18).await;
        night.expect("desk", "opened");
        let (state, attempts, error) = state(&night).await;
        assert_eq!((state, attempts), (DeliveryState::Failed, 1));
        assert!(error.unwrap().contains(&status.to_string()));
        night.wait(14).await;
        night.expect_nothing();
    }
}

#[tokio::test]
async fn retry_after_is_heeded() {
    let mut night = Night::begin(ONE).await;
    night.receiver.answers("desk", [Answer::With(429, vec![("retry-after", "120".into())], "slow down".into())]);
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.wait_seconds(119).await;
    night.expect_nothing();
    night.wait_seconds(1).await;
    night.expect_again("desk", "opened");
}

#[tokio::test]
async fn an_unanswered_page_is_sent_again_with_the_same_key() {
    let mut night = Night::begin(ONE).await;
    night.receiver.answers("desk", [Answer::Silence]);
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.wait(1).await;
    night.expect_again("desk", "opened");
    assert_eq!(state(&night).await.0, DeliveryState::Sent);
}

#[tokio::test]
async fn a_refused_connection_is_tried_again_until_it_is_given_up() {
    let mut night =
        Night::begin("[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/hook?key=s3cret\"\n")
            .await;
    night.pulse("water", "s1", 18).await;
    let (waiting, _, error) = state(&night).await;
    let error = error.unwrap();
    assert_eq!(waiting, DeliveryState::Pending);
    assert!(!error.contains("s3cret") && error.to_lowercase().contains("refused"), "{error}");
    for _ in 0..200 {
        night.wait(5).await;
    }
    let (given_up, attempts, _) = state(&night).await;
    assert_eq!(given_up, DeliveryState::Failed);
    assert!((130..160).contains(&attempts), "{attempts}");
    assert!(night.history(ID).await.contains(&"page_failed".to_owned()));
}

#[tokio::test]
async fn a_long_answer_is_not_read_to_its_end() {
    let mut night = Night::begin(ONE).await;
    night.receiver.answers("desk", [Answer::With(500, vec![], "\u{1b}[31m<b>x</b>\n".repeat(1 << 20))]);
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let error = state(&night).await.2.unwrap();
    assert!(error.len() < 1_000 && !error.chars().any(char::is_control), "{error:?}");
    night.wait(1).await;
    night.expect_again("desk", "opened");
}

#[tokio::test]
async fn a_crash_before_the_pulse_takes_effect_loses_nothing() {
    let mut night = Night::begin(ONE).await;
    night.append(&night.make("water", "s1", 18, schemas::records::Phase::Rising)).await;
    night.crash().await;
    night.read().await;
    night.deliver().await;
    night.expect("desk", "opened");
}

#[tokio::test]
async fn a_crash_between_writing_and_sending_loses_nothing() {
    let mut night = Night::begin(ONE).await;
    night.append(&night.make("water", "s1", 18, schemas::records::Phase::Rising)).await;
    night.read().await;
    night.crash().await;
    night.deliver().await;
    night.expect("desk", "opened");
    night.crash().await;
    night.deliver().await;
    night.expect_nothing();
}

/// The channel said 200, and the process died before that was noted.
#[tokio::test]
async fn a_crash_between_sending_and_marking_repeats_with_the_same_key() {
    let mut night = Night::begin(ONE).await;
    night.append(&night.make("water", "s1", 18, schemas::records::Phase::Rising)).await;
    night.read().await;
    let key = format!("{ID}/1/desk");
    let page = night.desk.records.page(&key).await.unwrap().unwrap();
    let channels = alert::channel::open(&night.settings, &crate::support::secret, crate::support::PATIENCE).unwrap();
    channels["desk"].send(&page, night.now()).await.unwrap();
    night.expect("desk", "opened");
    night.crash().await;
    night.deliver().await;
    let again = night.expect_again("desk", "opened");
    assert_eq!(again.bytes, page.body.as_bytes(), "to the byte");
    assert_eq!(state(&night).await.0, DeliveryState::Sent);
}

#[tokio::test]
async fn a_clock_that_runs_survives_a_crash() {
    let mut night = Night::begin(&format!(
        "{ONE}[[channel]]\nid = \"leader\"\nkind = \"webhook\"\nurl = \"{{hook}}/leader\"\n\
         [[duty]]\nid = \"d\"\nchannels = [\"desk\"]\n[duty.escalation]\nafter = \"10m\"\nchannels = [\"leader\"]\n[duty.repeat]\ntimes = 0\n"
    ))
    .await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.wait(9).await;
    night.crash().await;
    night.wait(1).await;
    night.expect("leader", "escalation");
    night.crash().await;
    night.wait(60).await;
    night.expect_nothing();
}

#[tokio::test]
async fn the_feed_survives_a_crash() {
    let mut night = Night::begin(ONE).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.crash().await;
    night.feed().await;
    assert_eq!(night.log.bounds(schemas::log::Topic::Incidents, 0).await.unwrap(), (0, 3));
}

#[tokio::test]
async fn one_dead_channel_holds_up_no_other() {
    let mut night = Night::begin(&format!(
        "[storm]\nincidents = 0\n{ONE}[[channel]]\nid = \"dead\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:1/\"\n"
    ))
    .await;
    for n in 0..50 {
        night.append(&night.make(&format!("t{n}"), "s1", 18, schemas::records::Phase::Rising)).await;
    }
    night.read().await;
    night.deliver().await;
    for _ in 0..50 {
        night.expect("desk", "opened");
    }
}

#[tokio::test]
async fn a_channel_that_left_the_config_is_given_up_and_said() {
    let mut night = Night::begin(ONE).await;
    night.append(&night.make("water", "s1", 18, schemas::records::Phase::Rising)).await;
    night.read().await;
    night.settings.channel.clear();
    night.crash().await;
    night.deliver().await;
    let (state, _, error) = state(&night).await;
    assert_eq!(state, DeliveryState::Failed);
    assert!(error.unwrap().contains("\"desk\""));
}

#[tokio::test]
async fn another_log_is_refused() {
    let night = Night::begin(ONE).await;
    let folder = tempfile::TempDir::new().unwrap();
    let other: schemas::log::SharedLog =
        std::sync::Arc::new(schemas::log::Embedded::open(&schemas::log::EmbeddedOptions::new(folder.path())).unwrap());
    let error = alert::engine::pulses::Pulses::open(&night.desk, &other).await.err().unwrap();
    assert!(error.to_string().contains("another") || error.to_string().contains("taken in log"), "{error}");
}

/// A receiver that holds the key recomputes what the header says.
#[tokio::test]
async fn pages_are_signed_over_time_and_body() {
    use hmac::{Hmac, KeyInit, Mac};
    let mut night = Night::begin(ONE).await;
    night.append(&night.make("water", "s1", 18, schemas::records::Phase::Rising)).await;
    night.read().await;
    let page = night.desk.records.page(&format!("{ID}/1/desk")).await.unwrap().unwrap();
    let url = format!("{}/desk", night.receiver.url);
    let webhook = alert::channel::Webhook::new(url, Some("一把钥匙".into()), crate::support::PATIENCE).unwrap();
    webhook.send(&page, night.now()).await.unwrap();
    let message = night.expect("desk", "opened");
    let header = |name: &str| message.headers[name].to_str().unwrap().to_owned();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice("一把钥匙".as_bytes()).unwrap();
    mac.update(header("x-wanglou-timestamp").as_bytes());
    mac.update(b".");
    mac.update(&message.bytes);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(header("x-wanglou-signature"), format!("sha256={hex}"));
    assert_eq!(header("x-wanglou-timestamp"), night.now().as_second().to_string());
    night.deliver().await;
    assert!(
        night.expect_again("desk", "opened").headers.get("x-wanglou-signature").is_none(),
        "this channel has no key"
    );
}

#[tokio::test]
async fn a_red_one_passes_those_that_hang() {
    let mut night = Night::begin(ONE).await;
    night.receiver.answers("desk", vec![Answer::Silence; 4]);
    for n in 0..6 {
        night.append(&night.make(&format!("t{n}"), "s1", 18, schemas::records::Phase::Rising)).await;
    }
    night.append(&night.make("red", "s1", 5_000, schemas::records::Phase::Rising)).await;
    night.read().await;
    night.deliver().await;
    let order: Vec<String> = night
        .receiver
        .take_all()
        .iter()
        .map(|page| page.body["incident"]["level"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(order.iter().position(|level| level == "I").map(|at| at < 5), Some(true), "{order:?}");
    for _ in 0..4 {
        night.wait(1).await;
    }
    night.receiver.take_all();
    let (pending, _) = night.desk.records.pending().await.unwrap();
    assert_eq!(pending, 0);
}
