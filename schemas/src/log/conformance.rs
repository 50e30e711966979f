//! What every log must do, as a suite that each implementation's tests run: `conformance::run(make)`.
//!
//! `make` opens a log with two partitions for posts that no test has used before. A test that must see a restart gets the
//! log closed and opened again through [`Fixture::reopen`].

// A suite speaks by failing: unlike the rest of the crate it may panic.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

use super::{Jump, Log, NewRecord, Position, SharedLog, Topic};
use async_trait::async_trait;
use bytes::Bytes;
use std::{collections::HashSet, sync::Arc, time::Duration};

/// A log under test.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The log, with two partitions in the topics of posts.
    fn log(&self) -> SharedLog;
    /// Closes it and opens the same one again.
    async fn reopen(&mut self);
    /// Makes the first `count` records of a partition of `posts.raw` fall to retention; `false` if this log can't on demand.
    async fn forget(&self, partition: u32, count: u64) -> bool;
}

const SOON: Duration = Duration::from_secs(20);
const NOW: Duration = Duration::from_millis(50);

fn record(partition: u32, value: &str) -> NewRecord {
    NewRecord { partition, key: None, value: Bytes::copy_from_slice(value.as_bytes()) }
}

fn at(partition: u32, offset: u64) -> Position {
    Position { partition, offset }
}

async fn read_values(log: &dyn Log, topic: Topic, from: Position, count: usize) -> Vec<(u64, String)> {
    let mut reader = log.reader(topic, vec![from]).await.unwrap();
    let mut values = Vec::new();
    while values.len() < count {
        let batch = reader.next(count, SOON).await.unwrap().expect("records that were acknowledged can be read");
        assert_eq!(batch.partition, from.partition);
        assert_eq!(batch.jump, None);
        values.extend(batch.entries.iter().map(|e| (e.offset, String::from_utf8(e.value.to_vec()).unwrap())));
    }
    values
}

/// Runs the whole suite, each part on a log of its own.
pub async fn run<F: Fixture, Make: AsyncFn() -> F>(make: Make) {
    appends_are_numbered_and_read_back_in_order(&make().await).await;
    partitions_are_apart(&make().await).await;
    a_reader_waits_and_is_woken(&make().await).await;
    readers_do_not_disturb_each_other(&make().await).await;
    all_partitions_get_their_turn(&make().await).await;
    a_batch_is_bounded_in_bytes(&make().await).await;
    many_appenders_lose_nothing(&make().await).await;
    what_is_acknowledged_survives_a_restart(&mut make().await).await;
    identity_survives_a_restart_and_differs_between_topics(&mut make().await).await;
    what_cannot_be_taken_is_refused(&make().await).await;
    keys_and_times_are_kept(&make().await).await;
    a_compacted_topic_keeps_the_last_of_each_key(&make().await).await;
    a_position_behind_retention_shows_a_jump(&make().await).await;
    a_position_beyond_the_end_shows_a_step_back(&make().await).await;
    a_worker_alone_has_the_whole_share(&make().await).await;
    a_closed_log_refuses(&make().await).await;
}

async fn appends_are_numbered_and_read_back_in_order(fixture: &impl Fixture) {
    let log = fixture.log();
    let first = log.append(Topic::PostsRaw, vec![record(0, "a"), record(0, "b")]).await.unwrap();
    let second = log.append(Topic::PostsRaw, vec![record(0, "c")]).await.unwrap();
    assert_eq!((first, second), (vec![at(0, 0), at(0, 1)], vec![at(0, 2)]));
    let values = read_values(&*log, Topic::PostsRaw, at(0, 1), 2).await;
    assert_eq!(values, [(1, "b".into()), (2, "c".into())]);
    assert_eq!(log.bounds(Topic::PostsRaw, 0).await.unwrap(), (0, 3));
    assert!(log.append(Topic::PostsRaw, vec![]).await.unwrap().is_empty());
}

async fn partitions_are_apart(fixture: &impl Fixture) {
    let log = fixture.log();
    let positions = log
        .append(Topic::PostsRaw, vec![record(0, "a"), record(1, "b"), record(0, "c"), record(1, "d")])
        .await
        .unwrap();
    assert_eq!(positions, [at(0, 0), at(1, 0), at(0, 1), at(1, 1)]);
    let values = read_values(&*log, Topic::PostsRaw, at(1, 0), 2).await;
    assert_eq!(values, [(0, "b".into()), (1, "d".into())]);
}

async fn a_reader_waits_and_is_woken(fixture: &impl Fixture) {
    let log = fixture.log();
    let mut reader = log.reader(Topic::PostsRaw, vec![at(0, 0), at(1, 0)]).await.unwrap();
    assert_eq!(reader.next(10, NOW).await.unwrap(), None, "nothing is there yet");
    let waiting = tokio::spawn(async move { reader.next(10, SOON).await });
    log.append(Topic::PostsRaw, vec![record(1, "late")]).await.unwrap();
    let batch = waiting.await.unwrap().unwrap().unwrap();
    assert_eq!((batch.partition, batch.next, batch.end, batch.entries.len()), (1, 1, 1, 1));
}

async fn readers_do_not_disturb_each_other(fixture: &impl Fixture) {
    let log = fixture.log();
    log.append(Topic::PostsRaw, vec![record(0, "a"), record(0, "b")]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(read_values(&*log, Topic::PostsRaw, at(0, 0), 2).await.len(), 2);
    }
}

async fn all_partitions_get_their_turn(fixture: &impl Fixture) {
    let log = fixture.log();
    let records = (0..4_000).map(|i| record(i % 2, &i.to_string())).collect();
    log.append(Topic::PostsRaw, records).await.unwrap();
    let mut reader = log.reader(Topic::PostsRaw, vec![at(0, 0), at(1, 0)]).await.unwrap();
    let (mut next, mut turns) = ([0, 0], Vec::new());
    while next != [2_000, 2_000] {
        let batch = reader.next(5, SOON).await.unwrap().unwrap();
        assert!(batch.entries.len() <= 5);
        // A log may be far away: one partition's records can arrive before the other's. Then they take turns.
        if !next.contains(&0) && !next.contains(&2_000) {
            turns.push(batch.partition);
        }
        next[batch.partition as usize] = batch.next;
    }
    assert!(turns.windows(2).all(|pair| pair[0] != pair[1]), "a full partition must not starve the other: {turns:?}");
}

async fn a_batch_is_bounded_in_bytes(fixture: &impl Fixture) {
    let log = fixture.log();
    for _ in 0..5 {
        log.append(Topic::PostsRaw, vec![NewRecord { partition: 0, key: None, value: vec![7; 3 << 20].into() }])
            .await
            .unwrap();
    }
    let mut reader = log.reader(Topic::PostsRaw, vec![at(0, 0)]).await.unwrap();
    let mut next = 0;
    while next < 5 {
        let batch = reader.next(1_000, SOON).await.unwrap().unwrap();
        assert!((1..=2).contains(&batch.entries.len()), "{} records of 3 MiB", batch.entries.len());
        assert!(batch.entries.iter().all(|entry| entry.value.len() == 3 << 20));
        next = batch.next;
    }
}

async fn many_appenders_lose_nothing(fixture: &impl Fixture) {
    let log = fixture.log();
    let tasks: Vec<_> = (0..16)
        .map(|task| {
            let log = Arc::clone(&log);
            tokio::spawn(async move {
                for i in 0..20 {
                    log.append(Topic::PostsRaw, vec![record(0, &format!("{task}/{i}"))]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let values = read_values(&*log, Topic::PostsRaw, at(0, 0), 320).await;
    assert!(values.iter().map(|(offset, _)| *offset).eq(0..320));
    assert_eq!(values.iter().map(|(_, value)| value).collect::<HashSet<_>>().len(), 320);
    for task in 0..16 {
        let of_task = values.iter().filter(|(_, value)| value.starts_with(&format!("{task}/")));
        let expected: Vec<_> = (0..20).map(|i| format!("{task}/{i}")).collect();
        assert!(of_task.map(|(_, value)| value).eq(&expected), "one appender's records keep their order");
    }
}

async fn what_is_acknowledged_survives_a_restart(fixture: &mut impl Fixture) {
    fixture.log().append(Topic::PostsRaw, vec![record(0, "a"), record(1, "b")]).await.unwrap();
    fixture.reopen().await;
    let log = fixture.log();
    assert_eq!(read_values(&*log, Topic::PostsRaw, at(1, 0), 1).await, [(0, "b".into())]);
    assert_eq!(log.append(Topic::PostsRaw, vec![record(0, "c")]).await.unwrap(), [at(0, 1)]);
}

async fn identity_survives_a_restart_and_differs_between_topics(fixture: &mut impl Fixture) {
    let before = fixture.log().describe(Topic::PostsRaw).await.unwrap();
    assert_eq!(before.partitions, 2);
    fixture.reopen().await;
    let log = fixture.log();
    assert_eq!(log.describe(Topic::PostsRaw).await.unwrap(), before);
    let other = log.describe(Topic::PostsAnalyzed).await.unwrap();
    assert_eq!(other.identity.cluster, before.identity.cluster);
    assert_ne!(other.identity.topic_id, before.identity.topic_id);
    assert_eq!(log.describe(Topic::Control).await.unwrap().partitions, 1);
}

async fn what_cannot_be_taken_is_refused(fixture: &impl Fixture) {
    let log = fixture.log();
    let huge = NewRecord { partition: 0, key: None, value: vec![0; 9 << 20].into() };
    for bad in [record(2, "no such partition"), huge] {
        let outcome = log.append(Topic::PostsRaw, vec![record(0, "good"), bad]).await;
        assert!(matches!(outcome, Err(super::LogError::Refused(_))), "{outcome:?}");
    }
    assert_eq!(log.append(Topic::PostsRaw, vec![record(0, "next")]).await.unwrap(), [at(0, 0)]);
    assert!(log.reader(Topic::PostsRaw, vec![at(2, 0)]).await.is_err());
}

async fn keys_and_times_are_kept(fixture: &impl Fixture) {
    let log = fixture.log();
    let before = jiff::Timestamp::now().as_millisecond();
    let keyed =
        NewRecord { partition: 0, key: Some(Bytes::from_static(b"k")), value: Bytes::from_static(&[0, 255, 10]) };
    log.append(Topic::PostsRaw, vec![keyed.clone(), record(0, "")]).await.unwrap();
    let after = jiff::Timestamp::now().as_millisecond();
    let mut reader = log.reader(Topic::PostsRaw, vec![at(0, 0)]).await.unwrap();
    let entries = reader.next(2, SOON).await.unwrap().unwrap().entries;
    assert_eq!((&entries[0].key, &entries[0].value), (&keyed.key, &keyed.value));
    assert_eq!((&entries[1].key, &entries[1].value), (&None, &Bytes::new()));
    assert!((before..=after).contains(&entries[0].appended_at.as_millisecond()));
}

async fn a_compacted_topic_keeps_the_last_of_each_key(fixture: &impl Fixture) {
    let log = fixture.log();
    let set = |key: &'static str, value: &'static str| NewRecord {
        partition: 0,
        key: Some(Bytes::from_static(key.as_bytes())),
        value: Bytes::from_static(value.as_bytes()),
    };
    let records = vec![set("a", "1"), set("b", "1"), set("a", "2"), set("a", "3")];
    log.append(Topic::Control, records).await.unwrap();
    let mut reader = log.reader(Topic::Control, vec![at(0, 0)]).await.unwrap();
    let mut last = std::collections::HashMap::new();
    let mut next = 0;
    while next < 4 {
        let batch = reader.next(10, SOON).await.unwrap().unwrap();
        assert_eq!(batch.jump, None, "what compaction removes is no loss");
        next = batch.next;
        last.extend(batch.entries.into_iter().map(|entry| (entry.key.unwrap(), entry.value)));
    }
    assert_eq!(last.len(), 2);
    assert_eq!(&last[&b"a"[..]][..], b"3");
    assert_eq!(&last[&b"b"[..]][..], b"1");
}

async fn a_position_behind_retention_shows_a_jump(fixture: &impl Fixture) {
    let log = fixture.log();
    log.append(Topic::PostsRaw, (0..5).map(|i| record(0, &i.to_string())).collect()).await.unwrap();
    if !fixture.forget(0, 3).await {
        return;
    }
    let (first, end) = log.bounds(Topic::PostsRaw, 0).await.unwrap();
    assert_eq!((first, end), (3, 5));
    let mut reader = log.reader(Topic::PostsRaw, vec![at(0, 1)]).await.unwrap();
    let batch = reader.next(10, SOON).await.unwrap().unwrap();
    assert_eq!(batch.jump, Some(Jump::Ahead { expected: 1, found: 3 }));
    assert_eq!(batch.entries.iter().map(|entry| entry.offset).collect::<Vec<_>>(), [3, 4]);
    assert_eq!(log.append(Topic::PostsRaw, vec![record(0, "next")]).await.unwrap(), [at(0, 5)]);
}

async fn a_position_beyond_the_end_shows_a_step_back(fixture: &impl Fixture) {
    let log = fixture.log();
    log.append(Topic::PostsRaw, vec![record(0, "a")]).await.unwrap();
    let mut reader = log.reader(Topic::PostsRaw, vec![at(0, 9)]).await.unwrap();
    let batch = reader.next(10, SOON).await.unwrap().unwrap();
    assert_eq!((batch.jump, batch.next), (Some(Jump::Back { expected: 9, end: 1 }), 1));
    log.append(Topic::PostsRaw, vec![record(0, "b")]).await.unwrap();
    let batch = reader.next(10, SOON).await.unwrap().unwrap();
    assert_eq!((batch.jump, batch.entries[0].offset), (None, 1));
}

async fn a_worker_alone_has_the_whole_share(fixture: &impl Fixture) {
    let mut share = fixture.log().share().await.unwrap();
    let mut ours = tokio::time::timeout(SOON, share.changed()).await.expect("a share is given out").unwrap();
    ours.sort_unstable();
    assert_eq!(ours, [0, 1]);
    share.settled();
}

async fn a_closed_log_refuses(fixture: &impl Fixture) {
    let log = fixture.log();
    log.append(Topic::PostsRaw, vec![record(0, "a")]).await.unwrap();
    log.close().await;
    assert!(matches!(log.append(Topic::PostsRaw, vec![record(0, "b")]).await, Err(super::LogError::Closed)));
}
