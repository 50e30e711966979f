//! What counting a post costs, on one core: `cargo bench -p benches --bench trend`.

#![allow(missing_docs, clippy::unwrap_used)]

use analyze::trend::{Config, Trend, WatchTopic};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use schemas::{
    log::Position,
    records::{AnalyzedPost, Counts, Kind, Label, Precision, Record, Sentiment, Verdict},
};
use std::hint::black_box;

const TOPICS: u64 = 100;
const POSTS: u64 = 100_000;
/// Posts a second of event time.
const PACE: u64 = 10_000;

fn config() -> Config {
    let watch =
        (0..TOPICS).map(|i| WatchTopic { id: format!("topic-{i}"), name: format!("专题 {i}"), query: String::new() });
    Config::of(watch.collect(), TimeZone::get("Asia/Shanghai").unwrap())
}

/// A stream of which every third post matches a topic, and every thirtieth two.
fn posts(begin: Timestamp) -> Vec<AnalyzedPost> {
    (0..POSTS)
        .map(|i| {
            let published_at = begin + SignedDuration::from_millis((i * 1_000 / PACE) as i64);
            let mut topics = Vec::new();
            if i % 3 == 0 {
                topics.push(format!("topic-{}", i / 3 % TOPICS));
            }
            if i % 30 == 0 {
                topics.push(format!("topic-{}", i / 7 % TOPICS));
            }
            AnalyzedPost {
                v: AnalyzedPost::VERSION,
                raw: Position { partition: (i % 4) as u32, offset: i / 4 },
                verdict: Verdict::First,
                id: format!("forum:{i}"),
                source: "forum".into(),
                kind: Kind::Post,
                url: Some(format!("https://forum.example/t/{i}")),
                title: Some("请问什么时候来水".into()),
                text: format!(
                    "第 {i} 栋从早上就没有水, 打电话也没有人接, 不知道什么时候修好, 家里老人小孩都等着用水做饭"
                ),
                published_at,
                published_precision: Precision::Second,
                date_clamped: false,
                fetched_at: published_at,
                thread_id: None,
                parent_id: None,
                counts: Counts { likes: i % 7, replies: 0, reposts: 0 },
                previous: None,
                sentiment: Some(Sentiment { label: Label::Negative, negative: 0.8, neutral: 0.2, positive: 0.0 }),
                tones: Vec::new(),
                keyphrases: Vec::new(),
                terms: Vec::new(),
                topics,
                place: None,
                category: None,
                places: Vec::new(),
                elsewhere: None,
                unit: None,
                fingerprint: None,
                cluster: None,
                official: None,
                addressed_to: None,
                corrected: None,
                gone_at: None,
                reply: None,
            }
        })
        .collect()
}

fn observe(criterion: &mut Criterion) {
    let begin: Timestamp = "2026-11-24T03:00:00Z".parse().unwrap();
    let posts = posts(begin);
    let mut group = criterion.benchmark_group("trend");
    group.throughput(Throughput::Elements(POSTS)).sample_size(10);
    group.bench_function("observe", |bencher| {
        bencher.iter_batched(
            || Trend::new(&config()),
            |mut trend| {
                for post in &posts {
                    black_box(trend.observe(post, post.published_at));
                }
                trend
            },
            BatchSize::LargeInput,
        );
    });
    group.throughput(Throughput::Elements(TOPICS + 1));
    let mut trend = Trend::new(&config());
    posts.iter().for_each(|post| {
        trend.observe(post, post.published_at);
    });
    let now = begin + SignedDuration::from_secs((POSTS / PACE) as i64);
    group.bench_function("pulse of every topic", |bencher| {
        bencher.iter(|| {
            trend.tell_all();
            trend.tick(black_box(now))
        });
    });
    group.finish();
}

criterion_group!(benches, observe);
criterion_main!(benches);
