//! How long a page takes, from the pulse's being appended to the receiver's having it, while a thousand incidents are open with their deadlines and
//! chains. A measurement, run by hand:
//! `cargo test --release -p alert --test latency -- --ignored --nocapture`

// A test speaks by failing.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

mod support;

use alert::Upstreams;
use axum::Router;
use schemas::{
    kit::{settings::Settings, shutdown::Shutdown},
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{Phase, Pulse, Record},
};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use support::{Night, Receiver};
use tempfile::TempDir;

const OPEN: usize = 1_000;
const SECONDS: usize = 30;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, run by hand"]
async fn from_pulse_to_receiver_with_a_thousand_open_incidents_and_a_hundred_pulses_a_second() {
    let (receiver, folder) = (Receiver::start().await, TempDir::new().unwrap());
    // Each page by itself: a storm would merge them, by design a minute's wait.
    let config = format!(
        "[storm]\nincidents = 0\n[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{}/desk\"\n",
        receiver.url
    );
    let mut settings = Settings::parse(&config, []).unwrap();
    settings.data_dir = folder.path().to_owned();
    let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
    let upstreams = Upstreams { ingest: Router::new(), analyze: Router::new(), ready: Vec::new() };
    let shutdown = Shutdown::new();
    let service = alert::start(&settings, log.clone(), upstreams, shutdown.clone()).await.unwrap();
    let shape = Night::begin("").await;
    let pulse = |topic: usize, count| Pulse {
        at: jiff::Timestamp::now(),
        ..shape.make(&format!("t{topic}"), "s1", count, Phase::Rising)
    };
    let append = async |pulses: Vec<Pulse>| {
        let records = pulses.iter().map(|pulse| NewRecord { partition: 0, key: None, value: pulse.encode() }).collect();
        log.append(Topic::TopicsPulse, records).await.unwrap();
    };
    let got = async |count: usize| {
        while receiver.left().len() < count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let begun = Instant::now();
    append((0..OPEN).map(|topic| pulse(topic, 16)).collect()).await;
    got(OPEN).await;
    println!("{OPEN} incidents opened and paged in {:.2?}", begun.elapsed());
    receiver.take_all();

    let mut sent = HashMap::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(10));
    for n in 0..SECONDS * 100 {
        ticks.tick().await;
        // Every tenth founds an incident; the others tell of known ones.
        let one = if n % 10 == 0 { pulse(OPEN + n, 16) } else { pulse(n % OPEN, 17 + n as u64 % 8) };
        if n % 10 == 0 {
            sent.insert(one.topic.id.clone(), Instant::now());
        }
        append(vec![one]).await;
    }
    got(sent.len()).await;
    let mut waits: Vec<Duration> = receiver
        .take_all()
        .iter()
        .map(|message| message.at - sent[message.body["incident"]["topic"]["id"].as_str().unwrap()])
        .collect();
    waits.sort();
    let of = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize];
    println!("{} pages: p50 {:.1?}, p99 {:.1?}, longest {:.1?}", waits.len(), of(0.5), of(0.99), of(1.0));
    assert!(of(0.99) < Duration::from_secs(1));
    shutdown.cancel();
    service.task.await.unwrap().unwrap();
}
