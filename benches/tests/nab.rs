//! The benchmark's score holds: a change of trend's series or surprise that spoils it is seen here.

use analyze::trend::gauge::Reading;
use benches::nab::{files, run, scorer::Rows};
use std::path::PathBuf;

#[test]
fn the_score_on_the_tweet_counts_holds() {
    let Some(data) = std::env::var_os("NAB_DATA").map(PathBuf::from).or_else(|| {
        let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/spikes/nab");
        beside.is_dir().then_some(beside)
    }) else {
        eprintln!("skipped: NAB_DATA names no folder with the benchmark's counts");
        return;
    };
    let (files, profiles) = files::read(&data).unwrap();
    let mut rows = Rows::default();
    for file in &files {
        rows.add(&run(file), &file.windows);
    }
    let (name, weights) = &profiles[0];
    assert_eq!(name, "standard");
    let (best, own) = (rows.best(*weights), rows.at(Reading::ALARM, *weights));
    assert!(best.normalised >= BEST, "at the best threshold {best:?}");
    assert!(own.normalised >= OWN, "at our own threshold {own:?}");
}

/// The least score at the one best threshold, and at our own.
const BEST: f64 = 88.0;
const OWN: f64 = 80.0;
