//! The embedded log: records a second, each commit durable before the next.

#![allow(missing_docs, clippy::unwrap_used)] // a bench fails loudly

use bytes::Bytes;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use schemas::log::{Embedded, EmbeddedOptions, Log, NewRecord, Position, Topic};
use std::time::Duration;

const RECORDS: usize = 500;
const BYTES: usize = 300;

fn records() -> Vec<NewRecord> {
    (0..RECORDS)
        .map(|i| NewRecord { partition: (i % 4) as u32, key: None, value: Bytes::from(vec![b'x'; BYTES]) })
        .collect()
}

fn log(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let log = Embedded::open(&EmbeddedOptions::new(folder.path())).unwrap();
    let mut group = criterion.benchmark_group("log");
    group.throughput(Throughput::Elements(RECORDS as u64)).measurement_time(Duration::from_secs(10));
    group.bench_function("append 500 records of 300 bytes, durable", |bencher| {
        bencher.iter_batched(
            records,
            |records| runtime.block_on(log.append(Topic::PostsRaw, records)).unwrap(),
            BatchSize::SmallInput,
        );
    });
    group.bench_function("read 500 records of 300 bytes", |bencher| {
        let start = Position { partition: 0, offset: 0 };
        let mut reader = runtime.block_on(log.reader(Topic::PostsRaw, vec![start])).unwrap();
        bencher.iter(|| {
            let batch = runtime.block_on(reader.next(RECORDS, Duration::ZERO)).unwrap();
            if batch.is_none_or(|batch| batch.next == batch.end) {
                reader = runtime.block_on(log.reader(Topic::PostsRaw, vec![start])).unwrap();
            }
        });
    });
    group.finish();
    runtime.block_on(log.close());
}

criterion_group!(benches, log);
criterion_main!(benches);
