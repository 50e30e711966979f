use super::*;
use crate::log::{Jump, SharedLog, broker::Broker, conformance};
use rdkafka::{
    TopicPartitionList,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
    consumer::Consumer,
};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// A log of its own on the broker that all tests share.
struct Fixture {
    settings: LogSettings,
    log: SharedLog,
}

async fn make() -> Fixture {
    let settings = Broker::shared().settings();
    let log = Arc::new(Kafka::open(&settings).await.unwrap());
    Fixture { settings, log }
}

#[async_trait]
impl conformance::Fixture for Fixture {
    fn log(&self) -> SharedLog {
        Arc::clone(&self.log)
    }

    async fn reopen(&mut self) {
        self.log.close().await;
        self.log = Arc::new(Kafka::open(&self.settings).await.unwrap());
    }

    async fn forget(&self, partition: u32, count: u64) -> bool {
        let client = Settled::new(&self.settings).unwrap();
        let admin: AdminClient<client::Quiet> = client.config().create_with_context(client::Quiet).unwrap();
        let mut list = TopicPartitionList::new();
        let offset = rdkafka::Offset::Offset(count as i64);
        list.add_partition_offset(&client.name(Topic::PostsRaw), partition as i32, offset).unwrap();
        admin.delete_records(&list, &AdminOptions::new()).await.unwrap();
        true
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn conforms() {
    conformance::run(make).await;
}

fn record(value: impl Into<bytes::Bytes>) -> NewRecord {
    NewRecord { partition: 0, key: None, value: value.into() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_was_made_anew_is_another() {
    let fixture = make().await;
    let before = fixture.log.describe(Topic::PostsRaw).await.unwrap();
    let client = Settled::new(&fixture.settings).unwrap();
    let admin: AdminClient<client::Quiet> = client.config().create_with_context(client::Quiet).unwrap();
    admin.delete_topics(&[&client.name(Topic::PostsRaw)], &AdminOptions::new()).await.unwrap();
    // The brokers forget it a moment later.
    let clerk: rdkafka::consumer::BaseConsumer = client.config().create().unwrap();
    let is_there = || {
        let metadata = clerk.fetch_metadata(None, SOON).unwrap();
        metadata.topics().iter().any(|topic| topic.name() == client.name(Topic::PostsRaw))
    };
    while tokio::task::block_in_place(is_there) {}
    fixture.log.close().await;
    let after = Kafka::open(&fixture.settings).await.unwrap().describe(Topic::PostsRaw).await.unwrap();
    assert_eq!(before.identity.cluster, after.identity.cluster);
    assert!(after.resume(Some((&before.identity, &[7, 7]))).is_err(), "its positions say nothing about the new one");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_fit_is_refused_with_what_to_do() {
    let mut settings = Broker::shared().settings();
    Kafka::open(&settings).await.unwrap().close().await;
    settings.partitions = 3;
    let error = Kafka::open(&settings).await.err().unwrap().to_string();
    assert!(error.contains("set it back to 2"), "{error}");
    let settings = LogSettings { replication: 3, ..Broker::shared().settings() };
    let error = Kafka::open(&settings).await.err().unwrap().to_string();
    assert!(error.contains("Set [log] replication"), "{error}");
    let mut settings = Broker::shared().settings();
    settings.client.insert("no.such.setting".into(), "1".into());
    let error = Kafka::open(&settings).await.err().unwrap().to_string();
    assert!(error.contains("no.such.setting"), "{error}");
    let mut settings = Broker::shared().settings();
    settings.client_secret.insert("sasl.password".into(), "WANGLOU_NO_SUCH_SECRET".into());
    let error = Kafka::open(&settings).await.err().unwrap().to_string();
    assert!(error.contains("WANGLOU_NO_SUCH_SECRET"), "{error}");
}

/// A broker that is killed: appends fail as temporary or wait, readers too; when it is back, everything goes on by itself
/// and what was acknowledged is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_dies_and_comes_back() {
    let broker = Broker::start();
    let log: SharedLog = Arc::new(broker.open(&broker.settings()).await);
    log.append(Topic::PostsRaw, vec![record("before")]).await.unwrap();
    let mut reader = log.reader(Topic::PostsRaw, vec![Position { partition: 0, offset: 0 }]).await.unwrap();
    let batch = reader.next(10, SOON).await.unwrap().unwrap();
    assert_eq!(batch.next, 1);
    tokio::task::block_in_place(|| broker.kill());
    let refused = log.append(Topic::PostsRaw, vec![record("while it is away")]).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    assert!(log.takes_posts().is_err(), "readiness tells it");
    let waiting = tokio::spawn({
        let log = Arc::clone(&log);
        async move { log.append(Topic::PostsRaw, vec![record("after")]).await }
    });
    tokio::task::block_in_place(|| broker.restart());
    // The one that waited may have run out of patience before the broker was back: then it is for the caller to try again.
    while waiting.is_finished() && log.append(Topic::PostsRaw, vec![record("after")]).await.is_err() {}
    let _ = waiting.await.unwrap();
    log.append(Topic::PostsRaw, vec![record("last")]).await.unwrap();
    log.takes_posts().unwrap();
    let mut seen = vec![bytes::Bytes::from_static(b"before")];
    let mut next = batch.next;
    while seen.last().unwrap() != "last" {
        match reader.next(10, SOON).await {
            Ok(Some(batch)) => {
                assert_eq!(batch.jump, None);
                assert_eq!(batch.entries.first().map_or(batch.next, |entry| entry.offset), next);
                next = batch.next;
                seen.extend(batch.entries.into_iter().map(|entry| entry.value));
            }
            Ok(None) => panic!("nothing came: {seen:?}"),
            Err(LogError::Unavailable(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert!(seen.iter().any(|value| value == "after"), "{seen:?}");
    // And not only once.
    tokio::task::block_in_place(|| {
        broker.kill();
        broker.restart();
    });
    while log.append(Topic::PostsRaw, vec![record("again")]).await.is_err() {}
}

/// A broker that hangs: the append runs out of patience, its producer is built anew, and the next append works; what was
/// given up lies before it, whole, or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_hangs() {
    let broker = Broker::start();
    let log = broker.open(&broker.settings()).await;
    log.append(Topic::PostsRaw, vec![record("before")]).await.unwrap();
    broker.freeze();
    let refused = log.append(Topic::PostsRaw, (0..100).map(|i| record(i.to_string())).collect()).await;
    assert!(matches!(refused, Err(LogError::Unavailable(_))), "{refused:?}");
    broker.thaw();
    let again = log.append(Topic::PostsRaw, (0..100).map(|i| record(i.to_string())).collect()).await.unwrap();
    assert!(again.windows(2).all(|pair| pair[0].offset + 1 == pair[1].offset));
    let end = log.bounds(Topic::PostsRaw, 0).await.unwrap().1;
    let mut reader = log.reader(Topic::PostsRaw, vec![Position { partition: 0, offset: 0 }]).await.unwrap();
    let mut values = Vec::new();
    while (values.len() as u64) < end {
        values.extend(reader.next(1000, SOON).await.unwrap().unwrap().entries.into_iter().map(|entry| entry.value));
    }
    let rest: Vec<_> =
        values[1..].iter().map(|value| std::str::from_utf8(value).unwrap().parse::<usize>().unwrap()).collect();
    // Each time it was appended, it lies there as a beginning of what was given.
    let whole = rest.split(|&i| i == 0).skip(1).all(|run| run.iter().copied().eq(1..=run.len()));
    assert!(whole && rest.ends_with(&(0..100).collect::<Vec<_>>()), "{rest:?}");
}

/// A topic that its administrator has made takes less than ours do: what it refuses is refused, what was to lie behind it is not
/// stored without it, and the next append works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_refuses_leaves_no_hole() {
    let fixture = make().await;
    let client = Settled::new(&fixture.settings).unwrap();
    let admin: AdminClient<client::Quiet> = client.config().create_with_context(client::Quiet).unwrap();
    let name = client.name(Topic::PostsRaw);
    let less = AlterConfig::new(ResourceSpecifier::Topic(&name)).set("max.message.bytes", "1500000");
    admin.alter_configs([&less], &AdminOptions::new()).await.unwrap()[0].as_ref().unwrap();
    // Of random bytes, which no compression makes smaller: it fills a batch alone.
    let big: Vec<u8> = (0..3 << 20).map(|_| rand::random()).collect();
    // The broker sees to its new settings a moment later; until then it takes what is too large.
    loop {
        let (_, before) = fixture.log.bounds(Topic::PostsRaw, 0).await.unwrap();
        match fixture.log.append(Topic::PostsRaw, vec![record("a"), record(big.clone()), record("b")]).await {
            Ok(_) => {}
            Err(refused) => {
                assert!(matches!(refused, LogError::Refused(_)), "{refused}");
                let (_, after) = fixture.log.bounds(Topic::PostsRaw, 0).await.unwrap();
                assert!(after - before <= 1, "{} of three were stored", after - before);
                break;
            }
        }
    }
    fixture.log.append(Topic::PostsRaw, vec![record("next")]).await.unwrap();
}

/// Records that fall to retention while a reader stands before them are told as a jump, also when nothing is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_fell_to_retention() {
    let fixture = make().await;
    fixture.log.append(Topic::PostsRaw, (0..5).map(|i| record(i.to_string())).collect()).await.unwrap();
    conformance::Fixture::forget(&fixture, 0, 5).await;
    let mut reader = fixture.log.reader(Topic::PostsRaw, vec![Position { partition: 0, offset: 2 }]).await.unwrap();
    let batch = reader.next(10, SOON).await.unwrap().unwrap();
    assert_eq!((batch.jump, batch.next), (Some(Jump::Ahead { expected: 2, found: 5 }), 5));
}

/// Two workers share the partitions; when one leaves, the other gets all, after the leaver's work has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workers_share_and_take_over() {
    let fixture = make().await;
    let other = Kafka::open(&fixture.settings).await.unwrap();
    let mut first = fixture.log.share().await.unwrap();
    let ours = tokio::time::timeout(SOON, first.changed()).await.unwrap().unwrap();
    assert_eq!(ours, [0, 1]);
    let mut second = other.share().await.unwrap();
    let ours = tokio::time::timeout(SOON, first.changed()).await.unwrap().unwrap();
    assert_eq!(ours.len(), 1, "one is taken away");
    let early = tokio::time::timeout(Duration::from_millis(500), second.changed()).await;
    assert!(early.is_err(), "it is not given out before it is settled");
    first.settled();
    let theirs = tokio::time::timeout(SOON, second.changed()).await.unwrap().unwrap();
    assert_eq!(theirs.len(), 1);
    assert_ne!(theirs, ours);
    drop(first);
    let theirs = tokio::time::timeout(SOON, second.changed()).await.unwrap().unwrap();
    assert_eq!(theirs, [0, 1]);
    other.close().await;
    assert!(matches!(second.changed().await, Err(LogError::Closed)));
}
