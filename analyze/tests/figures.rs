//! Figures on labelled sets that are not in the repository: read from `WANGLOU_SHARED_DATA`, or `../shared/data` beside it.
//! The floors stand a little below what was measured (models/sentiment.md), so that a change for the worse fails here.
#![allow(clippy::print_stderr, clippy::unwrap_used)]

use analyze::understand::{
    Segmenter, Understanding, fold,
    sentiment::{Samples, train::THIN},
};
use std::{
    collections::{BTreeMap, HashSet},
    fs,
    path::PathBuf,
};

/// A folder of the shared data; none where there is none.
fn data(folder: &str) -> Option<PathBuf> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    let path = std::env::var_os("WANGLOU_SHARED_DATA").map_or_else(beside, PathBuf::from).join(folder);
    if path.is_dir() {
        return Some(path);
    }
    eprintln!("skipped: {} is not there; name the data's folder in WANGLOU_SHARED_DATA", path.display());
    None
}

/// One fold of five, with fewer reviews: `wanglou train sentiment` measures all.
#[test]
fn sentiment_is_as_good_as_its_card_says() {
    let Some(folder) = data("sentiment") else { return };
    let table = Samples::read(&folder, None, 4 * THIN).unwrap().cross_validate(0..1);
    eprintln!("{table}");
    for (set, macro_f1, ece) in [
        ("smp2020_usual_eval_labeled", 0.75, 0.06),
        ("smp2020_virus_eval_labeled", 0.74, 0.06),
        ("smp2020_virus_train", 0.74, 0.05),
        ("weibo2018_train", 0.82, 0.05),
        ("online_shopping", 0.88, 0.05),
    ] {
        let row = table.0.iter().find(|row| row.set == set).unwrap();
        assert!(row.macro_f1 >= macro_f1 && row.ece <= ece, "{row:?}");
    }
}

/// Words of a segmented text as character ranges.
fn spans<'t>(words: impl Iterator<Item = &'t str>) -> HashSet<(usize, usize)> {
    let mut end = 0;
    words
        .map(|word| {
            let start = end;
            end += word.chars().count();
            (start, end)
        })
        .collect()
}

#[test]
fn segmentation_is_what_jieba_does() {
    let Some(folder) = data("segmentation") else { return };
    let gold = fs::read_to_string(folder.join("msr_test_gold.utf8")).unwrap();
    let segmenter = Segmenter::default();
    let (mut right, mut found, mut wanted) = (0, 0, 0);
    for line in gold.lines() {
        let truth = spans(line.split_whitespace());
        let text = fold(&line.split_whitespace().collect::<String>());
        let cut = spans(segmenter.cut(&text).into_iter());
        right += truth.intersection(&cut).count();
        found += cut.len();
        wanted += truth.len();
    }
    let f1 = 2.0 * right as f64 / (found + wanted) as f64;
    eprintln!("MSR F1 {f1:.4}");
    assert!(f1 > 0.81, "{f1}");
}

/// The figures of `defaults/taxonomy.md`: macro-F1 of the first level, over the classes that occur among labelled messages; of messages to a
/// city's leaders nearly all get a category, of Weibo chat few.
#[test]
fn categories_are_as_good_as_their_card_says() {
    let Some(folder) = data("messages") else { return };
    let understanding = Understanding::new([]).unwrap();
    let lines = |file: PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect::<Vec<_>>()
    };
    let category = |post: &serde_json::Value| {
        let text = |key: &str| post[key].as_str().unwrap_or_default();
        understanding.understand_text(text("title"), text("text")).category.map(|category| category.level1)
    };
    // Right, missed, wrongly given.
    let mut table: BTreeMap<String, [f32; 3]> = BTreeMap::new();
    for post in lines(folder.join("categories_dev.jsonl")) {
        let (label, found) = (post["category"].as_str().unwrap(), category(&post).unwrap_or_default());
        table.entry(label.into()).or_default()[usize::from(found != label)] += 1.0;
        if found != label {
            table.entry(found).or_default()[2] += 1.0;
        }
    }
    table.retain(|_, [right, missed, _]| *right + *missed > 0.0);
    let f1 = |[right, missed, wrong]: &[f32; 3]| 2.0 * right / (2.0 * right + missed + wrong);
    let mean = table.values().map(f1).sum::<f32>() / table.len() as f32;
    eprintln!("category, first level: macro-F1 {mean:.3} over {} classes", table.len());
    assert!(mean >= 0.9, "{mean:.3} {table:?}");
    let given = |posts: Vec<serde_json::Value>| {
        let given = posts.iter().filter(|post| category(post).is_some()).count();
        given as f32 / posts.len() as f32
    };
    let messages = given(lines(folder.join("messages_with_replies.jsonl")));
    eprintln!("messages that get a category: {messages:.3}");
    assert!(messages >= 0.985, "{messages}");
    let chat = given(lines(folder.join("../sentiment/smp2020_usual_eval_labeled.jsonl")));
    eprintln!("Weibo posts that get one: {chat:.3}");
    assert!(chat <= 0.12, "{chat}");
}
