//! Training and measuring on sets that are made here: small, but the whole way.

use super::*;
use schemas::records::Label;
use std::{fmt::Write, fs, path::Path};

/// The four training sets, in which 满意 is positive, 气愤 negative and 通知 neutral, beside words that say nothing.
fn sets(folder: &Path) {
    let line = |word: &str, label: &str, number: usize| {
        format!("{{\"text\":\"第{number}条{word}留言\",\"sentiment\":{label}}}\n")
    };
    let sets = [
        ("smp2020_virus_train", &[("满意", "\"positive\""), ("气愤", "\"negative\""), ("通知", "\"neutral\"")][..]),
        ("weibo2018_train", &[("满意", "\"positive\""), ("气愤", "\"negative\"")][..]),
        ("online_shopping", &[("满意", "\"positive\""), ("气愤", "\"negative\""), ("说不清", "null")][..]),
        ("bdci_car", &[("通知", "\"neutral\"")][..]),
        ("smp2020_usual_eval_labeled", &[("满意", "\"positive\"")][..]),
        ("smp2020_virus_eval_labeled", &[("气愤", "\"negative\"")][..]),
    ];
    for (nth, (set, labels)) in sets.into_iter().enumerate() {
        let mut text = String::new();
        for number in 0..60 {
            for &(word, label) in labels {
                text.write_str(&line(word, label, number + 100 * nth)).unwrap();
            }
        }
        fs::write(folder.join(format!("{set}.jsonl")), text).unwrap();
    }
}

#[test]
fn training_learns_and_yields_the_same_bytes_again() {
    let folder = tempfile::tempdir().unwrap();
    sets(folder.path());
    let out = folder.path().join("model.bin");
    let model = train(folder.path(), &out).unwrap();
    assert_eq!(Model::decode(&fs::read(&out).unwrap()).as_ref(), Ok(&model));
    assert_eq!(train::fit(folder.path()).unwrap(), model);
    let segmenter = Segmenter::default();
    for (text, label) in [("很满意", Label::Positive), ("很气愤", Label::Negative), ("通知一下", Label::Neutral)]
    {
        assert_eq!(model.judge(&features_of(&segmenter, text)).label, label, "{text}");
    }
    let table = evaluate(&model, folder.path()).unwrap();
    assert_eq!(table.0.len(), 5);
    assert!(table.0.iter().all(|row| row.accuracy > 0.99 && row.texts > 0), "{table}");
}

#[test]
fn texts_kept_for_scoring_are_never_trained_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.jsonl");
    fs::write(
        &path,
        "{\"text\":\"停水了！\",\"sentiment\":\"negative\"}\n{\"text\":\"来水了\",\"sentiment\":\"positive\"}\n",
    )
    .unwrap();
    let mut seen = [data::same_text("停水了")].into_iter().collect();
    let examples = data::read(&path, &mut seen).unwrap();
    assert_eq!(examples.iter().map(|example| example.text.as_str()).collect::<Vec<_>>(), ["来水了"]);
    assert!(data::read(&path, &mut seen).unwrap().is_empty(), "nor is a text taken twice");
}

#[test]
fn a_bad_line_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("set.jsonl");
    fs::write(&path, "{\"text\":\"好\",\"sentiment\":\"positive\"}\n{\"text\":\"好\",\"sentiment\":\"great\"}\n")
        .unwrap();
    let error = data::read(&path, &mut rustc_hash::FxHashSet::default()).unwrap_err();
    assert!(format!("{error:#}").contains("set.jsonl line 2"), "{error:#}");
}
