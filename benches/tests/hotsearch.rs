//! Entries of the hot search are told while they rise. The snapshots are read from `WANGLOU_SHARED_DATA`, or `../shared/data` beside the
//! repository.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use benches::hotsearch::{file, judge::Summary, watch::Watch};
use std::path::PathBuf;

#[test]
fn rises_are_told_before_their_peak_and_the_odds_are_worth_something() {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    let data = std::env::var_os("WANGLOU_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let heat = data.join("topics/weibo_hot_search_heat.jsonl");
    if !heat.is_file() {
        eprintln!("skipped: {} is not there; name the data's folder in WANGLOU_SHARED_DATA", heat.display());
        return;
    }
    let snapshots = file::read(&heat).unwrap();
    let summary = |line| {
        let mut watch = Watch::new(line);
        snapshots.iter().for_each(|snapshot| watch.take(snapshot));
        Summary::of(watch.lives())
    };
    let (all, likely) = (summary(0.0), summary(0.3));
    assert!(all.missed * 10 <= all.rose, "every rise is told: {all:?}");
    assert!(all.share_of_risers < 0.7, "and before its peak: {all:?}");
    let went_on = |summary: &Summary| (summary.flags - summary.fell) as f64 / summary.flags as f64;
    assert!(went_on(&likely) > 1.5 * went_on(&all), "{likely:?} beside {all:?}");
    assert!(likely.share_of_risers < all.share_of_risers, "{likely:?} beside {all:?}");
}
