//! What the night's posts are, and who hands them in: lanes that push batches by the clock, each again and again until it is
//! acknowledged. Some batches are sent twice on purpose, and of some every fifth post is revised afterwards.
//!
//! What a post says is a function of its number, so what must be in the archive is known without remembering it.

use crate::support::PUSH;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinHandle, time::Instant};

/// Posts a second.
pub const RATE: u64 = 2_000;
/// Posts a request.
pub const BATCH: u64 = 100;
/// Requests that are under way at a time; each lane is a source.
pub const LANES: u64 = 4;
/// Watch topics that cross the line once each, by twenty posts of one batch.
pub const PROBES: u64 = 400;
/// Every so many batches one crosses.
const PROBE_EVERY: u64 = 20;

/// Of the posts of a batch: those that a probe's topic matches.
const CROSSING: u64 = 20;

/// The batch's number in the whole night.
pub fn batch_of(lane: u64, turn: u64) -> u64 {
    turn * LANES + lane
}

/// The watch topic that a batch makes rise, if it makes one.
pub fn probe(batch: u64) -> Option<u64> {
    (batch.is_multiple_of(PROBE_EVERY) && batch / PROBE_EVERY < PROBES).then_some(batch / PROBE_EVERY)
}

/// Posts of a batch that are revised.
pub fn revised(batch: u64) -> impl Iterator<Item = u64> {
    let some = batch % 10 == 3;
    (0..BATCH).filter(move |index| some && index % 5 == 1)
}

/// Whether a post is about water.
pub fn is_water(batch: u64, index: u64) -> bool {
    index.is_multiple_of(10) || (probe(batch).is_some() && index < CROSSING)
}

/// Posts about water in a batch.
pub fn water(batch: u64) -> u64 {
    (0..BATCH).filter(|index| is_water(batch, *index)).count() as u64
}

/// Posts of a batch that its probe's topic matches.
pub fn crossing() -> u64 {
    CROSSING
}

fn line(batch: u64, index: u64, at: jiff::Timestamp, is_revision: bool) -> String {
    let probe = probe(batch).filter(|_| index < CROSSING).map(|probe| format!("probe{probe}x ")).unwrap_or_default();
    let text =
        if is_water(batch, index) { "小区又停水了, 没人通知" } else { "路边的桂花开了, 很香" };
    let revision = if is_revision { " 修订" } else { "" };
    let number = batch * BATCH + index;
    json!({
        "source": format!("lane{}", batch % LANES), "native_id": number.to_string(), "kind": "post",
        "text": format!("{probe}{text} 第{number}条{revision}"), "author": format!("author {}", number % 97),
        "published_at": at.to_string(),
    })
    .to_string()
        + "\n"
}

/// Where posts are handed in, and until when.
pub struct Stream {
    client: reqwest::Client,
    gateway: String,
    stopped: AtomicBool,
}

/// What was handed in and acknowledged.
#[derive(Debug, Default)]
pub struct HandedIn {
    /// How many batches of each lane.
    pub turns: Vec<u64>,
    /// Requests that were not acknowledged and sent again.
    pub again: u64,
    /// The longest time from a batch's being due to its acknowledgement.
    pub latest: Duration,
    /// How long it went on.
    pub lasted: Duration,
}

impl HandedIn {
    /// The numbers of all batches.
    pub fn batches(&self) -> impl Iterator<Item = u64> {
        (0..).zip(&self.turns).flat_map(|(lane, turns)| (0..*turns).map(move |turn| batch_of(lane, turn)))
    }

    pub fn posts(&self) -> u64 {
        self.turns.iter().sum::<u64>() * BATCH
    }
}

impl Stream {
    pub fn new(gateway: String) -> Self {
        let client = schemas::kit::http::client().timeout(Duration::from_secs(10)).build().unwrap();
        Self { client, gateway, stopped: AtomicBool::new(false) }
    }

    /// What is due by now is still handed in.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Hands lines in until they are acknowledged; how often they had to be sent again.
    async fn insist(&self, lines: &str) -> u64 {
        for again in 0.. {
            let request =
                self.client.post(format!("{}/api/posts", self.gateway)).bearer_auth(PUSH).body(lines.to_owned());
            match request.send().await.map(|answer| (answer.status(), answer)) {
                Ok((StatusCode::ACCEPTED, answer)) => match answer.json::<Value>().await {
                    Ok(answer) if answer["refused"] == json!([]) => return again,
                    Ok(answer) => panic!("good posts are refused: {answer}"),
                    Err(_) => {} // killed within the answer
                },
                Ok((status, answer)) if status.is_client_error() => {
                    panic!("the door answers {status}: {}", answer.text().await.unwrap_or_default())
                }
                Ok(_) | Err(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        unreachable!("it is sent for ever")
    }

    async fn lane(&self, lane: u64, begin: Instant) -> (u64, u64, Duration) {
        let pause = Duration::from_secs_f64((BATCH * LANES) as f64 / RATE as f64);
        let (mut turn, mut again, mut latest) = (0, 0, Duration::ZERO);
        loop {
            // By the clock: what a kill has delayed is made up for as fast as the door takes it.
            let due = begin + pause * turn as u32;
            if self.stopped.load(Ordering::Relaxed) && due > Instant::now() {
                return (turn, again, latest);
            }
            tokio::time::sleep_until(due).await;
            let (batch, now) = (batch_of(lane, turn), jiff::Timestamp::now());
            let lines: String = (0..BATCH).map(|index| line(batch, index, now, false)).collect();
            again += self.insist(&lines).await;
            latest = latest.max(due.elapsed());
            if batch % 10 == 7 {
                again += self.insist(&lines).await;
            }
            let revisions: String = revised(batch).map(|index| line(batch, index, now, true)).collect();
            if !revisions.is_empty() {
                again += self.insist(&revisions).await;
            }
            turn += 1;
        }
    }
}

/// All lanes, under way.
pub struct Pushing {
    begin: Instant,
    lanes: Vec<JoinHandle<(u64, u64, Duration)>>,
}

pub fn push(stream: &Arc<Stream>) -> Pushing {
    let begin = Instant::now();
    let lane = |lane| {
        let stream = Arc::clone(stream);
        tokio::spawn(async move { stream.lane(lane, begin).await })
    };
    Pushing { begin, lanes: (0..LANES).map(lane).collect() }
}

/// Waits until all that was due is acknowledged.
pub async fn finish(pushing: Pushing) -> HandedIn {
    let mut handed_in = HandedIn::default();
    for lane in pushing.lanes {
        let (turns, again, latest) = lane.await.unwrap();
        handed_in.turns.push(turns);
        handed_in.again += again;
        handed_in.latest = handed_in.latest.max(latest);
    }
    handed_in.lasted = pushing.begin.elapsed();
    handed_in
}
