//! Small towns, so that no change spoils unnoticed what is paged: `--bin town` prints the whole picture.
//!
//! The bounds are generous: they tell a change that spoils from one that does not, and are no measure.

#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use analyze::trend::Config;
use benches::town::{
    judge::Cause,
    plan::{Plan, Settings},
    rhythm::Rhythm,
    run,
    table::{Figures, table},
    watch,
};
use jiff::tz::TimeZone;

/// False pages a night that the config allows.
const ALLOWED: f64 = 2.0;

/// Three weeks of a small town, two of them warm-up.
fn small(seed: u64, rhythm: Rhythm) -> Plan {
    Plan::draw(Settings {
        seed,
        rhythm,
        days: 21,
        topics: 24,
        rates: (0.02, 4.0),
        events: 36,
        floods: 8,
        outages: 6,
        backfills: 6,
        ..Settings::default()
    })
}

fn hold(seed: u64, rhythm: Rhythm) {
    let plan = small(seed, rhythm);
    let watched = Config::of(watch::topics(&plan), TimeZone::get("Asia/Shanghai").unwrap());
    let outcome = run(&plan, &Config { false_pages: ALLOWED, ..watched }).unwrap();
    println!("{}", table(&plan, &outcome, ALLOWED));
    let figures = Figures::of(&plan, &outcome, |_| true);
    let nights = plan.minutes().len() as f64 / 720.0;
    assert!(figures.oracle >= 10, "the oracle sees {} events: too few to tell anything", figures.oracle);
    assert!(figures.recall() >= 0.85, "recall is {:.2} of the oracle's", figures.recall());
    assert!(figures.delay() <= 2.0, "the median delay is {:.2} of the oracle's", figures.delay());
    assert!(outcome.ours.by(Cause::Nothing) as f64 <= 1.5 * ALLOWED * nights, "{:?}", outcome.ours.wrong);
    for cause in [Cause::Flood, Cause::Outage, Cause::Backfill] {
        assert!(outcome.ours.by(cause) <= 2, "{:?}", outcome.ours.wrong);
    }
}

#[test]
fn a_town_is_paged_nearly_as_by_one_who_knows_it() {
    hold(1, Rhythm::Shared);
}

#[test]
fn whatever_its_rhythm() {
    hold(2, Rhythm::Own);
}

#[test]
#[ignore = "takes minutes; make soak runs it"]
fn whatever_the_rhythm_and_the_seed() {
    for seed in 3..6 {
        // Days that differ by chance nobody can learn; the oracle is told them: they are left to the figures.
        for rhythm in [Rhythm::Shared, Rhythm::Own, Rhythm::Night, Rhythm::Weekend, Rhythm::Drift] {
            hold(seed, rhythm);
        }
    }
}
