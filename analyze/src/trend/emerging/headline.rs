//! What a topic is called: words that somebody wrote, whole, not a bag of terms.
//!
//! | the post has | its headline |
//! |---|---|
//! | a title | the title |
//! | none, but a 【headline】 or a #hashtag# of six characters or more | that |
//! | neither | its first clause of eight characters or more |
//!
//! Cut to [`MOST`] characters, at a mark where one is near. Of the posts of a topic the one that says most of its terms gives its headline.

/// Characters of a headline.
const MOST: usize = 30;
/// A clause that is shorter than this says too little.
const LEAST: usize = 8;

/// The headline that a post could give.
pub(super) fn headline(title: Option<&str>, text: &str) -> String {
    let title = title.map(str::trim).filter(|title| title.chars().nth(3).is_some());
    let found = title.or_else(|| set_apart(text)).unwrap_or_else(|| clause(text));
    clean(found)
}

/// What the author set apart at the head of a text.
fn set_apart(text: &str) -> Option<&str> {
    let text = &text[..text.floor_char_boundary(600)];
    [('【', '】'), ('#', '#')].into_iter().find_map(|(open, close)| {
        let inside = &text[text.find(open)? + open.len_utf8()..];
        let inside = inside[..inside.find(close)?].trim();
        (6..=MOST + 6).contains(&inside.chars().count()).then_some(inside)
    })
}

/// The first clause that says something.
fn clause(text: &str) -> &str {
    let text = &text[..text.floor_char_boundary(1_200)];
    let parts = || text.split(['。', '!', '！', '?', '？', '\n', ';', '；']).map(str::trim);
    parts().find(|part| part.chars().nth(LEAST - 1).is_some()).or_else(|| parts().next()).unwrap_or(text)
}

/// One line without what does not show, at most [`MOST`] characters.
fn clean(text: &str) -> String {
    let shows = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let characters: Vec<char> = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(shows).collect();
    let line: String = characters.iter().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ");
    let characters: Vec<char> = line.chars().collect();
    if characters.len() <= MOST {
        return line.trim_end_matches(is_mark).to_owned();
    }
    // A mark in the second half ends it well.
    let end = (MOST / 2..MOST).rev().find(|&at| is_mark(characters[at]));
    match end {
        Some(end) => characters[..end].iter().collect::<String>().trim_end_matches(is_mark).to_owned(),
        None => characters[..MOST - 1].iter().chain(&['…']).collect(),
    }
}

fn is_mark(c: char) -> bool {
    matches!(c, ',' | '，' | '。' | '!' | '！' | ';' | '；' | ':' | '：' | '、' | '.' | ' ')
}

/// How well a headline says the terms of a topic, which are given with what they weigh.
pub(super) fn worth<'t>(headline: &str, terms: impl IntoIterator<Item = (&'t str, f32)>) -> f32 {
    let folded = crate::understand::fold(headline);
    let said: f32 = terms.into_iter().filter(|(term, _)| folded.contains(term)).map(|(_, weight)| weight).sum();
    let length = folded.chars().count();
    let fits = if length < LEAST {
        0.6
    } else if length > MOST - 2 {
        0.9
    } else {
        1.0
    };
    said * fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_table_holds() {
        assert_eq!(headline(Some("东城花园夜间施工扰民"), "每天吵到十二点"), "东城花园夜间施工扰民");
        assert_eq!(headline(None, "快看【东城花园停水三天】没人管"), "东城花园停水三天");
        assert_eq!(headline(None, "#东城花园停水# 已经三天了"), "东城花园停水");
        assert_eq!(
            headline(Some(" "), "你好。东城花园已经停水三天了, 没人管。请处理"),
            "东城花园已经停水三天了, 没人管"
        );
    }

    #[test]
    fn a_long_one_ends_at_a_mark() {
        let title = "关于东城花园小区二期业主集体反映开发商延期交房, 并且拒绝支付违约金等若干问题的情况说明";
        assert_eq!(headline(Some(title), ""), "关于东城花园小区二期业主集体反映开发商延期交房");
        assert_eq!(headline(Some(&"长".repeat(50)), "").chars().count(), MOST);
    }

    #[test]
    fn the_one_that_says_more_is_worth_more() {
        let terms = [("搅拌站", 5.0), ("噪音", 3.0)];
        assert!(worth("东城花园旁搅拌站噪音扰民", terms) > worth("搅拌站什么时候搬走呢请问", terms));
    }

    proptest! {
        #[test]
        fn any_text_gives_a_short_line(title in any::<Option<String>>(), text in any::<String>()) {
            let line = headline(title.as_deref(), &text);
            prop_assert!(line.chars().count() <= MOST);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
