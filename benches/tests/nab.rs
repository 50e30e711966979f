//! The benchmark's score holds: a change of trend's series or surprise that spoils it is seen here. The five files are read from
//! `WANGLOU_SHARED_DATA`, or `../shared/data` beside the repository.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use analyze::trend::gauge::Reading;
use benches::nab::{files, run, scorer::Rows};
use std::path::PathBuf;

/// The least score at the one best threshold, and at our own.
const BEST: f64 = 88.0;
const OWN: f64 = 84.0;

#[test]
fn the_score_on_the_tweet_counts_holds() {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    let data = std::env::var_os("WANGLOU_SHARED_DATA").map_or_else(beside, PathBuf::from).join("spikes/nab");
    if !data.is_dir() {
        eprintln!("skipped: {} is not there; name the data's folder in WANGLOU_SHARED_DATA", data.display());
        return;
    }
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
