//! A night that nobody would want: a watch under 2,000 posts a second whose processes, and whose broker, are killed at random.
//! Whatever is killed: every acknowledged post is in the archive exactly once, trend's counts are exact, every due page is
//! delivered, and a repeat is the same message.
//!
//! | variable | meaning | without it |
//! |---|---|---|
//! | `WANGLOU_SOAK` | how many processes are killed; the broker a twentieth as often | 24, for `make test` |
//! | `WANGLOU_SEED` | the night to live through again | a new one, printed |
//!
//! The parts: [`watch`] is what is killed, [`broker`] what it stands on, [`stream`] hands posts in and remembers what was
//! acknowledged, [`phone`] takes the pages, [`proof`] counts in the morning.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // a test speaks by failing, and this one tells its figures
#![allow(missing_docs, unreachable_pub)] // nobody else uses its parts

mod figures;
mod phone;
mod proof;
mod stream;
#[path = "../support/mod.rs"]
mod support;
mod watch;

use figures::Figures;
use phone::Phone;
use rand::{RngExt as _, SeedableRng, rngs::StdRng};
use std::{sync::Arc, time::Duration};
use stream::Stream;
use tokio::{sync::Mutex, time::Instant};
use watch::{Shape, Watch};

/// Kills of a night in `make test`.
const FEW: u32 = 24;
/// Kills of processes for each of the broker.
const PER_BROKER: u32 = 20;

/// One night at a time: two would measure each other.
static BED: Mutex<()> = Mutex::const_new(());

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text:?} is no number")))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_on_the_embedded_log() {
    let _bed = BED.lock().await;
    night(Shape::AllInOne).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_night_on_kafka() {
    let _bed = BED.lock().await;
    night(Shape::Apart).await;
}

async fn night(shape: Shape) {
    let kills = number("WANGLOU_SOAK").map_or(FEW, |kills| kills as u32);
    let seed = number("WANGLOU_SEED").unwrap_or_else(rand::random);
    println!("{shape:?}: {kills} kills, WANGLOU_SEED={seed}");
    let mut dice = StdRng::seed_from_u64(seed);

    let phone = Phone::start(dice.random()).await;
    let mut watch = Watch::start(shape, &phone.channel()).await;
    let stream = Arc::new(Stream::new(watch.gateway()));
    let pushing = stream::push(&stream);
    let mut figures = Figures::default();
    for kill in 0..kills {
        watch.work_for(Duration::from_millis(dice.random_range(0..3_000)), &mut figures).await;
        let victim = dice.random_range(0..watch.processes());
        watch.kill(victim);
        tokio::time::sleep(Duration::from_millis(dice.random_range(0..300))).await;
        let started = Instant::now();
        watch.spawn(victim);
        // Every fourth comes back into the next kill.
        if dice.random_ratio(3, 4) {
            watch.ready().await;
            figures.recovered.push(started.elapsed());
        }
        if watch.has_broker() && kill % PER_BROKER == PER_BROKER / 2 {
            watch.ready().await;
            watch.kill_broker(Duration::from_millis(dice.random_range(0..2_000))).await;
            let back = Instant::now();
            watch.ready().await;
            figures.broker_recovered.push(back.elapsed());
        }
    }
    figures.kills = kills;
    figures.broker_kills = figures.broker_recovered.len() as u32;
    watch.ready().await;
    stream.stop();
    let morning = Instant::now();
    let handed_in = stream::finish(pushing).await;
    proof::all_is_there(&mut watch, &handed_in, &phone, &mut figures).await;
    figures.caught_up = morning.elapsed();
    figures.print(&handed_in, &phone);
}
