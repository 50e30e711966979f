//! What understanding a post costs, step by step, beside jieba alone: `cargo bench -p benches --bench understand`.
//!
//! The texts are made here by a small grammar, some 80 characters each, so that the figures need no data.
#![allow(missing_docs)]

use analyze::{
    query::{Context, Facts, Matcher, Names, Query, parse},
    understand::{Segmenter, Understanding, fold},
};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use schemas::kit::settings::Watch;
use std::hint::black_box;

const WHO: [&str; 6] = ["我们小区", "驷马桥路口", "三楼的邻居", "物业公司", "#金牛区停水#", "地铁六号线工地"];
const WHAT: [&str; 8] = [
    "又停水三天了，没有人管",
    "半夜还在施工，噪音大得睡不着[怒]",
    "的自來水管爆裂，路面全是水",
    "终于修好了，感谢师傅连夜抢修！",
    "发布通知：明天上午九点到下午六点检修",
    "收费不透明，打１２３４５也没有用",
    "堵车堵得一动不动😭😭",
    "的工作人员态度很好，点赞[赞]",
];
const HOW: [&str; 5] =
    ["，气死人！", "，有没有人知道怎么回事？", "。", "，详情见 http://t.cn/A6PqoMKY ", "，希望领导重视"];

fn texts(count: usize) -> Vec<String> {
    let mut random = StdRng::seed_from_u64(7);
    let mut pick = |from: &[&'static str]| from.choose(&mut random).copied().unwrap_or_default();
    (0..count).map(|_| (0..3).flat_map(|_| [pick(&WHO), pick(&WHAT), pick(&HOW)]).collect()).collect()
}

fn topics(count: usize) -> Vec<Watch> {
    let mut random = StdRng::seed_from_u64(8);
    let mut word = || (0..3).filter_map(|_| char::from_u32(random.random_range(0x4e00..0x9fa5))).collect::<String>();
    (0..count)
        .map(|number| {
            // Of each kind that analysts write: words, words near each other, words that filters narrow, a place alone.
            let query = match number % 4 {
                0 => format!("{} OR ({} AND {}) OR 停水{number}", word(), word(), word()),
                1 => format!("{} ~9 {} 情感:负面", word(), word()),
                2 => format!("({} 或 {}) 来源:forum -类型:转发", word(), word()),
                _ => format!("街道:{} 情感:负面", word()),
            };
            Watch { id: number.to_string(), name: number.to_string(), query }
        })
        .collect()
}

fn post(criterion: &mut Criterion) {
    let texts = texts(1000);
    let folded: Vec<String> = texts.iter().map(|text| fold(text)).collect();
    let segmenter = Segmenter::default();
    let understanding = Understanding::new(&topics(20)).expect("the queries are well formed");
    let mut group = criterion.benchmark_group("post");
    group.throughput(Throughput::Elements(texts.len() as u64));
    group.bench_function("fold", |bench| bench.iter(|| texts.iter().map(|text| fold(text).len()).sum::<usize>()));
    group.bench_function("segment", |bench| {
        bench.iter(|| folded.iter().map(|text| segmenter.cut(text).len()).sum::<usize>());
    });
    group.bench_function("understand", |bench| {
        bench.iter(|| texts.iter().for_each(|text| drop(black_box(understanding.understand_text("", text)))));
    });
    group.finish();
}

fn watch_topics(criterion: &mut Criterion) {
    let folded: Vec<String> = texts(1000).iter().map(|text| fold(text)).collect();
    let mut group = criterion.benchmark_group("watch topics");
    group.throughput(Throughput::Elements(folded.len() as u64));
    for count in [20, 10_000] {
        let queries: Vec<Query> =
            topics(count).iter().filter_map(|topic| parse(&topic.query, &Context::default()).ok()).collect();
        let matcher = Matcher::new(&queries).expect("an automaton of this size can be built");
        group.bench_function(format!("match {count}"), |bench| {
            let facts = Facts { source: "forum", places: vec!["抚琴街道"], ..Facts::default() };
            bench.iter(|| folded.iter().map(|text| matcher.matches("", text, &facts).len()).sum::<usize>());
        });
    }
    group.finish();
}

/// What it costs that somebody changes a watch topic, or a word of the user dictionary, while the program runs.
fn renewal(criterion: &mut Criterion) {
    let names = Names::default();
    let mut group = criterion.benchmark_group("renewal");
    group.sample_size(10);
    for count in [20, 1_000] {
        let topics = topics(count);
        let understanding = Understanding::new(&topics).expect("the queries are well formed");
        group.bench_function(format!("{count} topics, no new word"), |bench| {
            bench.iter(|| understanding.renewed(&topics, &names, &[]).is_ok());
        });
        let mut number = 0;
        group.bench_function(format!("{count} topics, a new word"), |bench| {
            bench.iter(|| {
                number += 1;
                understanding.renewed(&topics, &names, &[format!("嘎啦巷头{number}")]).is_ok()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, post, watch_topics, renewal);
criterion_main!(benches);
