//! Nothing that was ever public is missed, or it is said that it may have been: wanglou crawls a forum that is a hard place
//! (`town::hostile`), on a bad day, and is itself killed at random. In the evening the forum, which forgets nothing, is compared
//! with the archive.
//!
//! | variable | meaning | without it |
//! |---|---|---|
//! | `WANGLOU_SOAK` | how often wanglou is killed | 3, for `make test` |
//! | `WANGLOU_OUTAGE` | how many seconds one site is away | 6 |
//! | `WANGLOU_SEED` | the day to live through again | a new one, printed |
//!
//! [`real`] does the same, without a bad day, with programs that run the web: WordPress and Isso.
//!
//! The parts: [`day`] is what happens when, [`watch`] is what is killed, [`proof`] judges in the evening.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test speaks by failing, and this one tells its figures
#![allow(missing_docs, unreachable_pub)] // nobody else uses its parts

mod day;
mod proof;
mod real;
#[path = "../../../../ingest/tests/common/site.rs"]
mod site;
#[path = "../support/mod.rs"]
mod support;
mod watch;

use day::{Day, Moment};
use proof::Proof;
use std::time::Duration;
use tokio::{net::TcpListener, time::Instant};
use tokio_util::sync::CancellationToken;
use town::hostile::{Face, Forum};
use watch::Watch;

/// Kills of a day in `make test`.
const FEW: u64 = 3;
/// Seconds of an outage in `make test`.
const SHORT: u64 = 6;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text:?} is no number")))
}

/// Each face has a forum of its own: what is wrong with one does not spare the others.
async fn open(seed: u64, shutdown: &CancellationToken) -> Vec<(Face, Forum, String)> {
    let mut forums = Vec::new();
    for (face, salt) in Face::ALL.into_iter().zip(0..) {
        let forum = Forum::new(seed.wrapping_add(salt));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let source = face.source(&format!("http://{}", listener.local_addr().unwrap()));
        tokio::spawn(forum.clone().serve(listener, shutdown.clone()));
        forums.push((face, forum, source));
    }
    forums
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_that_was_public_is_stored_once_or_lies_in_a_reported_gap() {
    let seed = number("WANGLOU_SEED").unwrap_or_else(rand::random);
    let (kills, outage) = (number("WANGLOU_SOAK").unwrap_or(FEW), number("WANGLOU_OUTAGE").unwrap_or(SHORT));
    println!("{kills} kills, an outage of {outage} s, WANGLOU_SEED={seed}");
    let shutdown = CancellationToken::new();
    let forums = open(seed, &shutdown).await;
    let mut watch = Watch::start(&forums.iter().map(|(_, _, source)| source.as_str()).collect::<String>()).await;
    watch.has_visited(&Face::ALL.map(Face::id), jiff::Timestamp::now()).await;

    let begin = Instant::now();
    for (at, moment) in Day::of(seed, kills, Duration::from_secs(outage), forums.len()) {
        tokio::time::sleep_until(begin + at).await;
        match moment {
            Moment::Happens(place, event) => forums[place].1.happen(event),
            Moment::Fault(place, set) => forums[place].1.fault(set),
            Moment::Kill => watch.kill(),
            Moment::Start => watch.spawn(),
        }
    }
    let proofs: Vec<_> = forums.iter().map(|(face, forum, _)| Proof::new(*face, forum.shown())).collect();
    let stored = watch.settle(&proofs, jiff::Timestamp::now()).await;
    let reports = watch.reports().await;
    let verdicts: Vec<_> = proofs.iter().map(|proof| proof.judge(&stored, &reports)).collect();
    for (verdict, (_, forum, _)) in verdicts.iter().zip(&forums) {
        let (requests, spoilt) = forum.requests();
        println!("{verdict}; {requests} requests, {spoilt} of them spoilt");
        if !verdict.faults.is_empty() {
            println!("{}\n{}", verdict.diary.join("\n"), verdict.faults.join("\n"));
        }
    }
    let faults: Vec<String> = verdicts.into_iter().flat_map(|verdict| verdict.faults).chain(watch.panics()).collect();
    assert!(faults.is_empty(), "WANGLOU_SEED={seed}\n{}", faults.join("\n"));
    shutdown.cancel();
}
