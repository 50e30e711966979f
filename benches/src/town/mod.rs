//! A simulated town: topics with their rhythms, events that must page, and what must not.
//!
//! 1. [`plan`] draws what happens, [`rhythm`] how rates go, all from one seed ([`random`]).
//! 2. [`stream`] draws the posts, minute by minute, as they come in.
//! 3. [`watch`] hands them to trend; [`oracle`] judges the same minutes by the truth.
//! 4. [`judge`] says which alarm is whose, [`forecasts`] what came of the forecasts, [`table`] what all that is worth.
//!
//! Nothing in the detector knows of all this.

pub mod forecasts;
pub mod judge;
pub mod oracle;
pub mod plan;
pub mod random;
pub mod rhythm;
pub mod stream;
pub mod table;
pub mod watch;

use analyze::trend::{Config, Trend};
use forecasts::Forecasts;
use judge::{Alarm, Judgement};
use oracle::Oracle;
use plan::Plan;
use std::{
    sync::mpsc::sync_channel,
    time::{Duration, Instant},
};
use stream::Stream;
use watch::Watch;

/// Minutes that the drawing may be ahead of the watching.
const AHEAD: usize = 64;
/// An oracle's alarm is over when the ratio was below the line for so many seconds.
const CALM: u32 = 600;

/// What came of a town.
#[derive(Debug)]
pub struct Outcome {
    /// Posts.
    pub posts: u64,
    /// How long trend took for them.
    pub took: Duration,
    /// Trend's alarms.
    pub alarms: Vec<Alarm>,
    /// What they are worth.
    pub ours: Judgement,
    /// What the oracle's are worth, at as many false ones.
    pub oracle: Judgement,
    /// The likelihood ratio from which it gives alarm.
    pub threshold: f64,
    /// What trend's forecasts were worth, from the end of the warm-up on.
    pub forecasts: Forecasts,
    /// Trend as it stands at the end.
    pub trend: Trend,
}

/// Runs a town through trend and through the oracle.
///
/// # Errors
/// When the thread that draws it has failed.
pub fn run(plan: &Plan, config: &Config) -> anyhow::Result<Outcome> {
    let mut watch = Watch::new(plan, config);
    let (mut posts, mut took) = (0, Duration::ZERO);
    let oracle = std::thread::scope(|scope| {
        let (send, receive) = sync_channel(AHEAD);
        let drawing = scope.spawn(move || {
            let mut oracle = Oracle::new(plan);
            for minute in Stream::new(plan) {
                oracle.observe(&minute);
                if send.send(minute).is_err() {
                    break;
                }
            }
            oracle
        });
        for minute in receive {
            let began = Instant::now();
            watch.observe(&minute);
            took += began.elapsed();
            posts += minute.posts.len() as u64;
        }
        drawing.join().map_err(|_| anyhow::anyhow!("the thread that draws the town has failed"))
    })?;
    let (alarms, forecasts, trend) = watch.end();
    let ours = Judgement::of(&alarms, plan);
    let (threshold, known) = at_equal_rate(&oracle, plan, ours.wrong.len());
    Ok(Outcome { posts, took, alarms, ours, oracle: known, threshold, forecasts, trend })
}

/// The lowest threshold at which the oracle has no more false alarms than that, and its alarms there.
#[must_use]
pub fn at_equal_rate(oracle: &Oracle, plan: &Plan, wrong: usize) -> (f64, Judgement) {
    let judged = |threshold: f64| Judgement::of(&oracle.alarms(threshold, CALM), plan);
    let (mut low, mut high) = (oracle::FLOOR, 100.0);
    let lowest = judged(low);
    if lowest.wrong.len() <= wrong {
        return (low, lowest);
    }
    while high - low > 0.01 {
        let middle = f64::midpoint(low, high);
        if judged(middle).wrong.len() <= wrong { high = middle } else { low = middle }
    }
    (high, judged(high))
}
