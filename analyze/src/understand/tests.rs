use super::*;
use proptest::prelude::*;
use schemas::records::Label;
use std::sync::LazyLock;

fn watch(id: &str, query: &str) -> Watch {
    Watch { id: id.into(), name: id.into(), query: query.into() }
}

static UNDERSTANDING: LazyLock<Understanding> = LazyLock::new(|| {
    Understanding::new(&[watch("water", "停水 OR 断水 OR (水压 AND 低)"), watch("noise", "噪音 -演练")]).unwrap()
});

#[test]
fn a_post_is_understood() {
    let found = UNDERSTANDING.understand_text("", "我們小區又停水三天了，物業不管，氣死人！[怒]");
    assert_eq!(found.topics, ["water"]);
    assert_eq!(found.text.folded, "我们小区又停水三天了,物业不管,气死人![怒]");
    assert!(found.text.words.split(' ').any(|word| word == "停水"), "{}", found.text.words);
    assert_eq!(found.sentiment.label, Label::Negative, "{:?}", found.sentiment);
}

#[test]
fn sentiment_is_of_own_words() {
    let own = UNDERSTANDING.understand_text("", "太好了，感谢师傅连夜抢修！[赞]");
    let passed_on = UNDERSTANDING.understand_text("", "太好了，感谢师傅连夜抢修！[赞]//@用户:又停水，气死人，垃圾");
    assert_eq!(own.sentiment.label, Label::Positive);
    assert_eq!(passed_on.sentiment.label, Label::Positive);
    assert_eq!(passed_on.topics, ["water"], "watch topics look at the whole");
}

#[test]
fn a_query_that_cannot_be_used_names_its_topic() {
    for query in ["停水 AND", "-停水", ""] {
        let error = Understanding::new(&[watch("bad", query)]).err().unwrap();
        assert!(format!("{error:#}").contains("\"bad\": at character"), "{error:#}");
    }
}

#[test]
fn hostile_texts_are_understood() {
    for text in ["", "\0", "\u{202e}水停\u{202c}", "👨‍👩‍👧", "\u{301}", "[[[[[[", "//@//@//@", "#####", "@", "http://"]
    {
        for text in [text.to_owned(), text.repeat(1000)] {
            let found = UNDERSTANDING.understand_text(&text, &text);
            assert!((found.sentiment.negative + found.sentiment.neutral + found.sentiment.positive - 1.0).abs() < 1e-4);
        }
    }
    for letter in ["a", "水", "9", "的", "😭", "啊", "#"] {
        let found = UNDERSTANDING.understand_text("", &letter.repeat((1 << 20) / letter.len()));
        assert!(found.text.words.split(' ').all(|word| word.chars().count() <= 32));
    }
}

#[test]
fn places_and_units_of_the_district_are_words() {
    let words = Understanding::new([]).unwrap().understand_text("", "金牛区茶店子街道今天又停水了").text.words;
    assert_eq!(words, "金牛区 茶店子街道 今天 又 停水 了");
}

proptest! {
    #[test]
    fn any_text_is_understood(title in any::<String>(), text in any::<String>()) {
        let found = UNDERSTANDING.understand_text(&title, &text);
        prop_assert_eq!(found.text.folded.chars().count(), text.chars().count());
        prop_assert_eq!(found.text.words.replace(' ', "").chars().count(),
            found.text.words.split(' ').map(|word| word.chars().count()).sum::<usize>());
        prop_assert!(found.keyphrases.len() <= 5);
        prop_assert!(found.text.words.split(' ').all(|word| found.text.folded.contains(word)));
    }
}

/// Watch topics and words change while the program runs: what is built anew for them shares what stays.
#[test]
fn a_renewal_knows_new_topics_and_words_and_shares_the_rest() {
    let topics = [watch("water", "停水"), watch("gas", "停气")];
    let text = "嘎啦巷头停气了";
    let before = &*UNDERSTANDING;
    let words = |understanding: &Understanding| understanding.normalise(text).words;
    assert!(!words(before).split(' ').any(|word| word == "嘎啦巷头"), "{}", words(before));
    let renewed = before.renewed(&topics, &Names::default(), &["嘎啦巷头".into(), "?".into()]).unwrap();
    assert_eq!(renewed.understand_text("", text).topics, ["gas"]);
    assert!(words(&renewed).split(' ').any(|word| word == "嘎啦巷头"), "{}", words(&renewed));
    assert_eq!(renewed.version(), before.version());
    assert!(Arc::ptr_eq(&renewed.district, &before.district));
    // Other topics of the same words copy no dictionary.
    let again = [watch("both", "停水 OR 停气")];
    let again = renewed.renewed(&again, &Names::default(), &["嘎啦巷头".into()]).unwrap();
    assert!(again.segmenter.is_the_same(&renewed.segmenter));
    // A word that is taken out is none any more.
    let without = again.renewed(&topics, &Names::default(), &[]).unwrap();
    assert_eq!(words(&without), words(before));
    assert!(before.renewed(&[watch("bad", "(")], &Names::default(), &[]).is_err());
}
