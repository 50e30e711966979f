//! Keyphrases that read like a headline.
//!
//! First come what the author set apart: `#话题#`, 【headlines】, 《works》 and short quotations. Then neighbouring words
//! that carry meaning, joined (`驷马桥` `路口` `停水` → 驷马桥路口停水), the rarest first: rarity is what the
//! dictionary's frequencies say, and what stands in the title or early counts more. All are cut from the original text.

use super::{
    Cut, Segmenter,
    marks::marks,
    segment::{is_han, is_word},
    stop_words::is_stop_word,
};
use rustc_hash::FxHashMap;
use std::{cell::RefCell, ops::Range};

/// At most this many keyphrases.
const MOST: usize = 5;
/// Words joined into one phrase, and its length in characters, at most.
const MAX_WORDS: usize = 4;
const MAX_CHARS: usize = 12;
/// A topic or quotation is taken up to this length, in characters.
const MAX_QUOTE: usize = 24;
/// Words of a text that are looked at: a headline is found at the beginning or not at all.
const MAX_TOKENS: usize = 400;
/// The logarithm of how many words the dictionary's source texts had (60 millions).
const LOG_TOTAL: f32 = 17.9;

/// A phrase that may be chosen: where it stands in which text, and what speaks for it.
#[derive(Debug, Clone)]
struct Candidate {
    text: usize,
    at: Range<usize>,
    score: f32,
}

/// The keyphrases of texts, the best first.
pub(super) fn keyphrases(segmenter: &Segmenter, texts: &[&Cut<'_>]) -> Vec<String> {
    let mut candidates = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        candidates.extend(set_apart(number, text.folded));
    }
    let first = candidates.len();
    for (number, text) in texts.iter().enumerate() {
        // The last text is the post's own; what stands before it is its title.
        let bonus = if number + 1 < texts.len() { 1.5 } else { 1.0 };
        joined(segmenter, number, text, bonus, &mut candidates);
    }
    candidates[first..].sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut chosen: Vec<&str> = Vec::new();
    let mut phrases = Vec::new();
    for Candidate { text, at, .. } in candidates {
        let folded = texts[text].folded;
        let phrase = &folded[at.clone()];
        if !chosen.iter().any(|other| other.contains(phrase) || phrase.contains(other)) {
            chosen.push(phrase);
            phrases.push(original(texts[text], at).to_owned());
            if phrases.len() == MOST {
                break;
            }
        }
    }
    phrases
}

/// The same place in the original, which has a character for each of the folded text.
fn original<'t>(text: &Cut<'t>, at: Range<usize>) -> &'t str {
    let (before, length) = (text.folded[..at.start].chars().count(), text.folded[at].chars().count());
    let mut places = text.original.char_indices().map(|(place, _)| place).skip(before);
    let start = places.next().unwrap_or(text.original.len());
    let end = if length == 0 { Some(start) } else { places.nth(length - 1) };
    &text.original[start..end.unwrap_or(text.original.len())]
}

/// Topics and quotations, topics first.
fn set_apart(number: usize, text: &str) -> Vec<Candidate> {
    let text = &text[..text.floor_char_boundary(8 << 10)];
    let (mut topics, mut quotes) = (Vec::new(), Vec::new());
    let mut from = 0;
    while let Some((at, open)) = text[from..].char_indices().find(|&(_, c)| closing(c).is_some()) {
        let start = from + at + open.len_utf8();
        from = start;
        let inside = text[start..].char_indices().take(MAX_QUOTE + 1);
        let Some(length) = closing(open).and_then(|close| inside.into_iter().find(|&(_, c)| c == close)) else {
            continue;
        };
        let inside = text[start..][..length.0].trim();
        if inside.chars().nth(1).is_some() && is_word(inside) && !inside.contains("http") && !is_stop_word(inside) {
            let lead = text[start..].len() - text[start..].trim_start().len();
            let at = start + lead..start + lead + inside.len();
            (if open == '#' { &mut topics } else { &mut quotes }).push(Candidate { text: number, at, score: 0.0 });
            from = start + length.0 + length.1.len_utf8();
        }
    }
    topics.append(&mut quotes);
    topics
}

fn closing(open: char) -> Option<char> {
    Some(match open {
        '#' => '#',
        '“' => '”',
        '「' => '」',
        '『' => '』',
        '《' => '》',
        '【' => '】',
        _ => return None,
    })
}

/// Neighbouring words that carry meaning, joined.
fn joined(segmenter: &Segmenter, number: usize, text: &Cut<'_>, bonus: f32, candidates: &mut Vec<Candidate>) {
    let marks = marks(text.folded);
    let mut marks = marks.iter().peekable();
    let mut run: Vec<(Range<usize>, f32)> = Vec::new();
    let mut at = 0;
    for (place, token) in text.tokens.iter().take(MAX_TOKENS).enumerate() {
        let here = at..at + token.len();
        at = here.end;
        while marks.next_if(|mark| mark.at.end <= here.start).is_some() {}
        let marked = marks.peek().is_some_and(|mark| mark.at.start < here.end);
        if marked || !carries_meaning(token) {
            phrases_of_run(number, &mut run, candidates);
        } else {
            let early = 1.0 + 0.5 / (1.0 + place as f32 / 20.0);
            run.push((here, rarity(segmenter, token) * bonus * early));
        }
    }
    phrases_of_run(number, &mut run, candidates);
}

/// Makes phrases of a run of words: one, or when it is too long several of like length.
fn phrases_of_run(number: usize, run: &mut Vec<(Range<usize>, f32)>, candidates: &mut Vec<Candidate>) {
    // In bytes, three to a Chinese character.
    const MAX_BYTES: usize = 3 * MAX_CHARS;
    for words in run.chunk_by(|(one, _), (next, _)| one.end == next.start) {
        // A phrase does not begin with a lone character; it may end with one (水压 低).
        let lone = words.iter().take_while(|(at, _)| at.len() <= 3).count();
        let words = &words[lone..];
        let bytes: usize = words.iter().map(|(at, _)| at.len()).sum();
        let parts = words.len().div_ceil(MAX_WORDS).max(bytes.div_ceil(MAX_BYTES)).max(1);
        for words in words.chunks(words.len().div_ceil(parts).max(1)) {
            let at = words[0].0.start..words[words.len() - 1].0.end;
            let sum: f32 = words.iter().map(|(_, score)| score).sum();
            if at.len() > 3 {
                candidates.push(Candidate { text: number, at, score: sum / (words.len() as f32).sqrt() });
            }
        }
    }
    run.clear();
}

/// Whether a word is a number with its measure: 三天, 2019年.
fn is_amount(token: &str) -> bool {
    let is_number = |c: char| c.is_ascii_digit() || "一二三四五六七八九十百千万亿两几半".contains(c);
    // Most words begin with no number and are done with here.
    token.starts_with(is_number)
        && token
            .trim_end_matches(|c| "天点周年月日号个台条次家元块人名位岁楼层户时分秒度米".contains(c))
            .chars()
            .all(is_number)
}

pub(super) fn carries_meaning(token: &str) -> bool {
    if is_stop_word(token) || is_amount(token) {
        return false;
    }
    let mut chars = token.chars();
    match (chars.next(), chars.next()) {
        // A single Chinese character may belong to its neighbours (水压 低); a letter or digit says nothing.
        (Some(c), None) => is_han(c),
        (Some(_), Some(_)) => token.chars().any(|c| c.is_alphabetic()),
        _ => false,
    }
}

/// How rare a word is: minus the logarithm of its share in ordinary text, asked of the dictionary once a word and thread.
pub(super) fn rarity(segmenter: &Segmenter, word: &str) -> f32 {
    const REMEMBERED: usize = 1 << 15;
    thread_local! {
        static KNOWN: RefCell<FxHashMap<Box<str>, f32>> = RefCell::default();
    }
    KNOWN.with_borrow_mut(|known| {
        if let Some(&rarity) = known.get(word) {
            return rarity;
        }
        if known.len() == REMEMBERED {
            known.clear();
        }
        let rarity = (LOG_TOTAL - (segmenter.frequency(word) as f32).ln()).max(0.0);
        known.insert(word.into(), rarity);
        rarity
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::fold;
    use proptest::prelude::*;

    fn found(title: &str, text: &str) -> Vec<String> {
        let segmenter = Segmenter::default();
        let (title_folded, text_folded) = (fold(title), fold(text));
        let title = Cut::new(&segmenter, title, &title_folded);
        let text = Cut::new(&segmenter, text, &text_folded);
        keyphrases(&segmenter, &[&title, &text])
    }

    #[test]
    fn topics_and_quotations_come_first() {
        let phrases = found("", "物业说“明天恢复供水”，＃金牛区停水＃ 三天了还没水[怒]@水务局 http://t.cn/a#b#");
        assert_eq!(phrases[..2], ["金牛区停水", "明天恢复供水"]);
        assert!(phrases.iter().all(|phrase| !phrase.contains("怒") && !phrase.contains("水务局")), "{phrases:?}");
    }

    #[test]
    fn neighbouring_words_are_joined_and_taken_from_the_original() {
        let phrases = found("", "我們小區的自來水管爆裂了，沒有人來修");
        assert!(phrases.contains(&"自來水管爆裂".to_owned()), "{phrases:?}");
    }

    #[test]
    fn small_words_are_no_keyphrases() {
        assert_eq!(found("", "这个是真的吗？我们已经可以了，但是还没有三天 2019年 1 2 3 ！！！"), [""; 0]);
    }

    #[test]
    fn an_amount_is_a_number_with_or_without_measures() {
        for (word, amount) in [
            ("三天", true),
            ("2019年", true),
            ("十几", true),
            ("半", true),
            ("1天2", false),
            ("天", false),
            ("三里屯", false),
            ("", false),
            ("a1", false),
        ] {
            assert_eq!(is_amount(word), amount, "{word}");
        }
    }

    #[test]
    fn a_long_run_is_parted_evenly_and_none_begins_with_a_lone_character() {
        let phrases = found("", "市 青羊区人民法院执行局工作人员态度恶劣");
        assert!(phrases.len() > 1, "{phrases:?}");
        assert!(phrases.iter().all(|phrase| (2..=MAX_CHARS).contains(&phrase.chars().count())), "{phrases:?}");
    }

    #[test]
    fn there_are_few_and_none_within_another() {
        let phrases = found(
            "停水通知",
            &"停水通知 青羊区人民法院 驷马桥街道办事处 供水管网改造 高考期间 夜间施工噪音 ".repeat(3),
        );
        assert_eq!(phrases.len(), MOST);
        for (number, phrase) in phrases.iter().enumerate() {
            assert!(phrases[number + 1..].iter().all(|other| !other.contains(phrase) && !phrase.contains(other)));
        }
    }

    proptest! {
        #[test]
        fn every_keyphrase_is_in_the_original(title in any::<String>(), text in "[#“”停水Ａ體的 \\PC]{0,60}") {
            for phrase in found(&title, &text) {
                prop_assert!(title.contains(&phrase) || text.contains(&phrase));
            }
        }
    }
}
