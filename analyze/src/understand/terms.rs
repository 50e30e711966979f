//! The words that carry a post's meaning: what emerging topics are sought in.
//!
//! | word | taken |
//! |---|---|
//! | a stop word, a number with its measure (三天, 20元), a lone character | no |
//! | within a link, a mention or an emoticon | no |
//! | any other, names of places and bodies among them | once, in the order of the text, the title first |
//! | two neighbours at the head (五一 桥 → 五一桥), as names are made of | as one term beside them, up to [`JOINED`] of them |
//! | the same, where the first is a number and the second what roads, bridges, schools are called (八一 路) | the same |
//! | two neighbours, where the first is the end of a district's name (东城 区 医院) | not: the name begins behind it |
//! | when there are more than [`MOST`] | those that are the rarer in ordinary text |

use super::{
    Cut, Segmenter,
    keyphrases::{carries_meaning, rarity},
    marks::marks,
    segment::is_han,
};
use rustc_hash::FxHashSet;

/// At most this many terms.
const MOST: usize = 40;
/// Neighbours that are joined, of the title, or of the beginning where there is none; and characters of one.
const JOINED: usize = 10;
const LONGEST: usize = 8;
/// What a number may stand before in a name: 五一 桥, 八一 路.
const NUMBERED: [&str; 12] = ["桥", "大桥", "路", "街", "大道", "广场", "村", "巷", "小学", "中学", "医院", "社区"];
/// How names of districts end.
const ENDS: [&str; 8] = ["省", "市", "区", "县", "镇", "乡", "村", "州"];
/// Words of a text that are looked at.
const LOOKED_AT: usize = 600;

/// The terms of texts, the title before the text.
pub(super) fn terms(segmenter: &Segmenter, texts: &[&Cut<'_>]) -> Vec<String> {
    let mut seen = FxHashSet::default();
    let mut terms: Vec<(&str, f32)> = Vec::new();
    for text in texts {
        let marks = marks(text.folded);
        let mut marks = marks.iter().peekable();
        let mut at = 0;
        for &token in text.tokens.iter().take(LOOKED_AT) {
            let start = at;
            at += token.len();
            while marks.next_if(|mark| mark.at.end <= start).is_some() {}
            let marked = marks.peek().is_some_and(|mark| mark.at.start < at);
            let short = token.chars().nth(1).is_none();
            if !marked && !short && carries_meaning(token) && seen.insert(token) {
                terms.push((token, rarity(segmenter, token)));
            }
        }
    }
    if terms.len() > MOST {
        let mut rarities: Vec<f32> = terms.iter().map(|&(_, rarity)| rarity).collect();
        rarities.sort_unstable_by(|a, b| b.total_cmp(a));
        let line = rarities[MOST - 1];
        terms.retain(|&(_, rarity)| rarity >= line);
        terms.truncate(MOST);
    }
    let mut terms: Vec<String> = terms.into_iter().map(|(term, _)| term.to_owned()).collect();
    if let Some(head) = texts.iter().find(|text| !text.folded.trim().is_empty()) {
        joined(head, &mut terms);
    }
    terms
}

/// Joins the neighbours at the head of a text.
fn joined(head: &Cut<'_>, terms: &mut Vec<String>) {
    let marks = marks(head.folded);
    let mut at = 0;
    let mut found = 0;
    for pair in head.tokens.windows(2).take(4 * JOINED) {
        let start = at;
        at += pair[0].len();
        let end = at + pair[1].len();
        let marked = marks.iter().any(|mark| mark.at.start < end && mark.at.end > start);
        let fits = !ENDS.contains(&pair[0]) && (3..=LONGEST).contains(&head.folded[start..end].chars().count());
        let numbered = NUMBERED.contains(&pair[1]) && pair[0].chars().nth(1).is_some();
        let carries = pair.iter().all(|word| carries_meaning(word)) || numbered;
        if !marked && fits && carries && pair.iter().all(|word| word.chars().all(is_han)) {
            let term = &head.folded[start..end];
            if !terms.iter().any(|other| other == term) {
                terms.push(term.to_owned());
                found += 1;
            }
            if found == JOINED {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::fold;
    use proptest::prelude::*;

    fn found(title: &str, text: &str) -> Vec<String> {
        let segmenter = Segmenter::default();
        let (title, text) = (fold(title), fold(text));
        let (title, text) = (Cut::new(&segmenter, &title, &title), Cut::new(&segmenter, &text, &text));
        terms(&segmenter, &[&title, &text])
    }

    #[test]
    fn words_that_say_something_are_terms_once_and_the_title_comes_first() {
        assert_eq!(
            found("搅拌站噪音", "我们小区旁边的搅拌站三天两头都有噪音[怒]@环保局 http://t.cn/abc 2019年"),
            ["搅拌站", "噪音", "小区", "旁边", "三天两头", "搅拌站噪音"]
        );
    }

    #[test]
    fn of_a_long_text_the_rarer_words_are_kept() {
        let text = "学校 老师 学生 家长 医院 公司 ".repeat(3)
            + &"搅拌站 廊桥 尘肺 捆绑 油烟 涵洞 搬迁 公示 中标 违建".repeat(9);
        assert!(found("", &text).len() <= MOST);
        assert!(found("", &text).contains(&"廊桥".to_owned()));
    }

    proptest! {
        #[test]
        fn any_text_gives_few_distinct_terms(title in any::<String>(), text in "[水停了 a1#@\\[\\]桥\\PC]{0,200}") {
            let found = found(&title, &text);
            prop_assert!(found.len() <= MOST + JOINED);
            let distinct: FxHashSet<&String> = found.iter().collect();
            prop_assert_eq!(distinct.len(), found.len());
            prop_assert!(found.iter().all(|term| term.chars().count() >= 2));
        }
    }
}
