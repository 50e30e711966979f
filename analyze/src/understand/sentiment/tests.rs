//! Training and measuring on sets that are made here: small, but the whole way.

use super::*;
use schemas::records::Label;
use std::{fmt::Write, fs, path::Path};

/// The training sets, in which 满意 is positive, 气愤 negative (and angry) and 通知 neutral, beside words that say nothing.
fn sets(folder: &Path) {
    let line = |word: &str, labels: &str, number: usize| format!("{{\"text\":\"第{number}条{word}留言\",{labels}}}\n");
    let (good, bad, plain) = (
        "\"sentiment\":\"positive\"",
        "\"sentiment\":\"negative\"",
        "\"sentiment\":\"neutral\",\"emotion\":\"neutral\"",
    );
    let angry = "\"sentiment\":\"negative\",\"emotion\":\"angry\"";
    let sets = [
        ("smp2020_usual_eval_labeled", &[("满意", good), ("气愤", angry), ("通知", plain)][..]),
        ("smp2020_virus_eval_labeled", &[("满意", good), ("气愤", angry), ("通知", plain)][..]),
        ("smp2020_virus_train", &[("满意", good), ("气愤", angry), ("通知", plain)][..]),
        ("weibo2018_train", &[("满意", good), ("气愤", bad)][..]),
        ("online_shopping", &[("满意", good), ("气愤", bad), ("说不清", "\"sentiment\":null")][..]),
        ("bdci_car", &[("通知", plain)][..]),
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

fn judged(model: &Model, text: &str) -> Emotions {
    model.emotions(&features_of(&Segmenter::default(), text))
}

#[test]
fn training_learns_and_yields_the_same_bytes_again() {
    let folder = tempfile::tempdir().unwrap();
    sets(folder.path());
    let out = folder.path().join("model.bin");
    let table = train(folder.path(), None, &out).unwrap();
    let model = Model::decode(&fs::read(&out).unwrap()).unwrap();
    assert_eq!(Samples::read(folder.path(), None, train::THIN).unwrap().train(), (model.clone(), table.clone()));
    for (text, label) in [("很满意", Label::Positive), ("很气愤", Label::Negative), ("通知一下", Label::Neutral)]
    {
        assert_eq!(judged(&model, text).sentiment().label, label, "{text}");
    }
    assert!(judged(&model, "很气愤").0[model::ANGER] > 0.5, "of the negative emotions it is the one that was told");
    let sets = ["smp2020_usual_eval_labeled", "smp2020_virus_eval_labeled", "smp2020_virus_train", "weibo2018_train"];
    for set in sets.into_iter().chain(["online_shopping", "tone anger"]) {
        let row = table.0.iter().find(|row| row.set == set).unwrap();
        assert!(row.accuracy > 0.99 && row.texts > 0, "{table}");
    }
}

#[test]
fn a_corrected_text_is_judged_as_corrected() {
    let folder = tempfile::tempdir().unwrap();
    sets(folder.path());
    let text = "真是满意得很呢";
    let corrections = folder.path().join("corrections.jsonl");
    fs::write(
        &corrections,
        format!(
            "{{\"text\":\"{text}\",\"sentiment\":\"positive\"}}\n{{\"text\":\"{text}!\",\"sentiment\":\"negative\"}}\n"
        ),
    )
    .unwrap();
    let label = |corrections| {
        let (model, _) = Samples::read(folder.path(), corrections, 1).unwrap().train();
        judged(&model, text).sentiment().label
    };
    assert_eq!(label(None), Label::Positive);
    assert_eq!(label(Some(&corrections)), Label::Negative, "and the last correction counts");
}

#[test]
fn a_text_is_taken_once() {
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
