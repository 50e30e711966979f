//! Links, mentions, emoticons and topics in a folded text: what is no ordinary prose.

use std::ops::Range;

/// What a mark is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MarkKind {
    /// `http://…`
    Link,
    /// `@somebody`
    Mention,
    /// `[泪]`
    Emoticon,
}

/// A mark and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) kind: MarkKind,
    pub(super) at: Range<usize>,
}

impl Mark {
    pub(super) fn is_emoticon(&self) -> bool {
        self.kind == MarkKind::Emoticon
    }
}

/// The longest name in `[…]`, in characters.
const MAX_EMOTICON: usize = 8;
/// The longest name after `@`, in characters, as on Weibo.
const MAX_NAME: usize = 30;

/// The marks of a folded text, in order, never overlapping.
pub(super) fn marks(text: &str) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find(['h', '@', '[']).map(|at| from + at) {
        let rest = &text[at..];
        let found = match rest.as_bytes()[0] {
            b'h' => link(rest).map(|length| (MarkKind::Link, length)),
            b'@' => mention(rest).map(|length| (MarkKind::Mention, length)),
            _ => emoticon(rest).map(|length| (MarkKind::Emoticon, length)),
        };
        from = at + found.map_or(1, |(_, length)| length);
        marks.extend(found.map(|(kind, _)| Mark { kind, at: at..from }));
    }
    marks
}

fn link(rest: &str) -> Option<usize> {
    let address = rest.strip_prefix("http")?;
    let address = address.strip_prefix('s').unwrap_or(address).strip_prefix("://")?;
    Some(address.find(|c: char| !c.is_ascii_graphic()).map_or(rest.len(), |end| rest.len() - address.len() + end))
}

fn mention(rest: &str) -> Option<usize> {
    let name = rest[1..].chars().take(MAX_NAME).take_while(|&c| c.is_alphanumeric() || matches!(c, '_' | '-'));
    let length: usize = name.map(char::len_utf8).sum();
    (length > 0).then_some(1 + length)
}

fn emoticon(rest: &str) -> Option<usize> {
    let mut inside = rest[1..].char_indices().take(MAX_EMOTICON + 1);
    let (length, close) = inside.find(|&(_, c)| !c.is_alphanumeric())?;
    (length > 0 && close == ']').then_some(length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(text: &str) -> Vec<(MarkKind, &str)> {
        marks(text).into_iter().map(|mark| (mark.kind, &text[mark.at])).collect()
    }

    #[test]
    fn links_mentions_and_emoticons_are_found() {
        assert_eq!(
            found("停水http://t.cn/a6?b=1,看@水务-局: [泪][] [a b]怎么办 a@ hhttps://x"),
            [
                (MarkKind::Link, "http://t.cn/a6?b=1,"),
                (MarkKind::Mention, "@水务-局"),
                (MarkKind::Emoticon, "[泪]"),
                (MarkKind::Link, "https://x"),
            ]
        );
        assert_eq!(found(&format!("@{}", "名".repeat(40)))[0].1.chars().count(), MAX_NAME + 1);
        assert_eq!(found("[一二三四五六七八九]"), []);
    }

    proptest! {
        #[test]
        fn marks_lie_in_order_within_the_text(text in "[h@\\[\\]ttp:/s a泪😭]{0,60}") {
            let mut end = 0;
            for mark in marks(&text) {
                prop_assert!(mark.at.start >= end && mark.at.end > mark.at.start);
                prop_assert!(text.get(mark.at.clone()).is_some());
                end = mark.at.end;
            }
        }
    }
}
