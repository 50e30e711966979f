//! The author's own words in a post that passes others on: `支持！//@用户:原来的话//@用户:更早的话`.

/// What a site writes into a repost when its author writes nothing.
const NOTHING_SAID: [&str; 4] = ["转发微博", "转发", "轉發微博", "repost"];

/// The author's own words: the beginning of the text, before the first `//@`; all of it when the author added nothing.
#[must_use]
pub fn own_words(text: &str) -> &str {
    let Some(chain) = repost_chain(text) else { return text };
    let own = text[..chain].trim_end();
    let said = own.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    // Emoji and marks alone are words too: 👍//@… is approval.
    if own.trim().is_empty() || NOTHING_SAID.contains(&said.as_str()) { text } else { own }
}

/// Where the words of others begin: `//@`, with or without a space, in half or full width.
fn repost_chain(text: &str) -> Option<usize> {
    text.char_indices().find_map(|(at, c)| {
        let slash = |c| matches!(c, '/' | '／');
        if !slash(c) {
            return None;
        }
        let rest = text[at + c.len_utf8()..].strip_prefix(slash)?.trim_start_matches(' ');
        rest.starts_with(['@', '＠']).then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_repost_chain_is_cut_off() {
        for (text, own) in [
            ("支持！//@用户:停水三天//@用户 :真的", "支持！"),
            ("支持！／／＠用户:停水三天", "支持！"),
            ("👍// @用户:停水三天", "👍"),
            ("没有转发 http://a.cn/@b 的话", "没有转发 http://a.cn/@b 的话"),
            ("//@用户:停水三天", "//@用户:停水三天"),
            ("转发微博//@用户:停水三天", "转发微博//@用户:停水三天"),
            ("Repost //@用户:停水三天", "Repost //@用户:停水三天"),
            ("", ""),
        ] {
            assert_eq!(own_words(text), own, "{text}");
        }
    }

    proptest! {
        #[test]
        fn they_are_always_the_beginning_of_the_text(text in "[/／@＠ a好]{0,20}") {
            prop_assert!(text.starts_with(own_words(&text)));
        }
    }
}
