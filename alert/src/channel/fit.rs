//! Making a text safe for a channel, and making it fit.
//!
//! Crawled text is hostile. A chat's markdown, and the eagerness with which clients make links of what looks like one, would let a
//! post put a link, a mention or a heading into our message. Escaping by backslash is not promised by any of the platforms, so
//! characters that mean something are replaced by their full-width twins, which mean nothing and read the same:
//!
//! | written | becomes | because |
//! |---|---|---|
//! | `[ ] ( ) < > * _ ~ # ! \| & \` and the backtick | full width, in markdown | links, pictures, fonts, headings, tables, entities |
//! | `@` | `＠` | mentions, mail addresses |
//! | `"` | `＂`, in markdown | the quote of a tag's attribute; and it would double in JSON |
//! | `://` | `:／／` | bare links |
//! | a full stop between letters, or a letter and a digit | `．` | bare links without a scheme; a number such as 12.5 stays |
//!
//! What must fit is cut between characters, and what must not be cut (the link, an incident's number) is set aside first.

/// How long a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limit {
    /// Bytes of UTF-8.
    Bytes(usize),
    /// Characters.
    Characters(usize),
}

impl Limit {
    /// How long a text is by this measure.
    pub(super) fn length(self, text: &str) -> usize {
        match self {
            Self::Bytes(_) => text.len(),
            Self::Characters(_) => text.chars().count(),
        }
    }

    /// How long it may be.
    pub(super) fn most(self) -> usize {
        match self {
            Self::Bytes(most) | Self::Characters(most) => most,
        }
    }

    fn of(self, most: usize) -> Self {
        match self {
            Self::Bytes(_) => Self::Bytes(most),
            Self::Characters(_) => Self::Characters(most),
        }
    }
}

/// Text that no client makes a link or a mention of.
pub(super) fn plain(text: &str) -> String {
    let text = text.replace("://", ":／／");
    let mut safe = String::with_capacity(text.len());
    let mut before = None::<char>;
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let joins = |a: Option<char>, b: Option<&char>| match (a, b) {
            (Some(a), Some(b)) => {
                a.is_alphanumeric() && b.is_alphanumeric() && !(a.is_ascii_digit() && b.is_ascii_digit())
            }
            _ => false,
        };
        safe.push(match c {
            '@' => '＠',
            '.' if joins(before, rest.peek()) => '．',
            other => other,
        });
        before = Some(c);
    }
    safe
}

/// Text that means nothing in any of the platforms' markdown.
pub(super) fn markdown(text: &str) -> String {
    plain(text)
        .chars()
        .map(|c| match c {
            '[' => '［',
            ']' => '］',
            '(' => '（',
            ')' => '）',
            '<' => '＜',
            '>' => '＞',
            '*' => '＊',
            '_' => '＿',
            '~' => '～',
            '#' => '＃',
            '!' => '！',
            '|' => '｜',
            '&' => '＆',
            '\\' => '＼',
            '`' => '｀',
            '"' => '＂',
            other => other,
        })
        .collect()
}

/// An address of ours as a markdown link; what would end the link early is percent-encoded.
pub(super) fn markdown_link(words: &str, link: &str) -> String {
    let link: String = link
        .chars()
        .map(|c| match c {
            '(' => "%28".to_owned(),
            ')' => "%29".to_owned(),
            '<' => "%3C".to_owned(),
            '>' => "%3E".to_owned(),
            ' ' => "%20".to_owned(),
            other => other.to_string(),
        })
        .collect();
    format!("[{words}]({link})")
}

/// A text that fits, cut between characters; a mark says that there was more.
pub(super) fn cut(text: &str, limit: Limit) -> String {
    if limit.length(text) <= limit.most() {
        return text.to_owned();
    }
    const MORE: &str = "…";
    let Some(room) = limit.most().checked_sub(limit.length(MORE)) else { return String::new() };
    let mut kept = String::new();
    let mut length = 0;
    for c in text.chars() {
        length += match limit {
            Limit::Bytes(_) => c.len_utf8(),
            Limit::Characters(_) => 1,
        };
        if length > room {
            break;
        }
        kept.push(c);
    }
    kept + MORE
}

/// A message that fits: `head` and `tail` (the link) whole, and of the lines between them as much as there is room for. When not
/// even those two fit, the head alone, cut: half a link leads nowhere.
pub(super) fn fit(head: &str, lines: &[String], tail: &str, between: &str, limit: Limit) -> String {
    let joint = if tail.is_empty() { 0 } else { limit.length(between) };
    let Some(mut room) = limit.most().checked_sub(limit.length(head) + joint + limit.length(tail)) else {
        return cut(head, limit);
    };
    let mut message = head.to_owned();
    for line in lines {
        let Some(left) = room.checked_sub(limit.length(between)).filter(|left| *left > 0) else { break };
        let kept = cut(line, limit.of(left));
        if kept.is_empty() {
            break;
        }
        let was_cut = kept != *line;
        room = left - limit.length(&kept);
        message = message + between + &kept;
        if was_cut {
            break;
        }
    }
    if tail.is_empty() { message } else { message + between + tail }
}

/// Lines of a list that all fit: each has its name, whole, and as much of its text as its share of the room allows.
pub(super) fn list(entries: &[(String, String)], room: usize, between: &str, limit: Limit) -> Vec<String> {
    let names: usize = entries.iter().map(|(name, _)| limit.length(name) + limit.length(between) + 1).sum();
    let mut left = room.saturating_sub(names);
    let mut waiting = entries.len();
    let mut lines = Vec::with_capacity(entries.len());
    for (name, text) in entries {
        let share = left / waiting.max(1);
        waiting = waiting.saturating_sub(1);
        let text = if share == 0 { String::new() } else { cut(text, limit.of(share)) };
        left -= limit.length(&text).min(left);
        lines.push(if text.is_empty() { name.clone() } else { format!("{name} {text}") });
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_looks_like_a_link_or_a_mention_is_none() {
        assert_eq!(
            plain("见 https://evil.example/a?b=1 或 evil.example"),
            "见 https:／／evil．example/a?b=1 或 evil．example"
        );
        assert_eq!(plain("@all 12.5% 第1.2节 v1.a 例子.中国 完。"), "＠all 12.5% 第1.2节 v1．a 例子．中国 完。");
        assert_eq!(
            markdown("[点我](https://evil.example) <@all> # **红** `x` <at id=all></at> &lt;"),
            "［点我］（https:／／evil．example） ＜＠all＞ ＃ ＊＊红＊＊ ｀x｀ ＜at id=all＞＜/at＞ ＆lt;"
        );
        assert_eq!(markdown_link("打开", "https://w.example/a(b) c"), "[打开](https://w.example/a%28b%29%20c)");
    }

    #[test]
    fn the_head_and_the_link_stay_whole() {
        let lines = ["缘由: 热度上升".to_owned(), "样例: 又停水了".to_owned()];
        let fitted = |most| fit("**停水**", &lines, "[打开](u)", "\n", Limit::Bytes(most));
        assert_eq!(fitted(200), "**停水**\n缘由: 热度上升\n样例: 又停水了\n[打开](u)");
        // The second line has 6 bytes left for itself: one character and the mark.
        assert_eq!(fitted(52), "**停水**\n缘由: 热度上升\n样…\n[打开](u)");
        assert_eq!(fitted(33), "**停水**\n缘由:…\n[打开](u)");
        assert_eq!(fitted(22), "**停水**\n[打开](u)");
        assert_eq!(fitted(21), "**停水**");
        assert_eq!(fit("停水了", &[], "", "\n", Limit::Characters(2)), "停…");
    }

    proptest! {
        #[test]
        fn a_cut_text_fits_and_begins_as_it_did(text in any::<String>(), most in 0..40usize, by_bytes in any::<bool>()) {
            let limit = if by_bytes { Limit::Bytes(most) } else { Limit::Characters(most) };
            let kept = cut(&text, limit);
            prop_assert!(limit.length(&kept) <= most);
            if limit.length(&text) <= most {
                prop_assert_eq!(kept, text);
            } else {
                prop_assert!(text.starts_with(kept.strip_suffix('…').unwrap_or_default()));
            }
        }

        /// Whatever was posted: nothing of it means anything, and the message is as long as it may be.
        #[test]
        fn a_message_fits_and_its_link_is_whole(
            head in "[^\\p{C}]{0,30}", lines in proptest::collection::vec(any::<String>(), 0..6), most in 0..300usize, by_bytes in any::<bool>(),
        ) {
            let limit = if by_bytes { Limit::Bytes(most) } else { Limit::Characters(most) };
            let link = markdown_link("打开", "https://wanglou.example/incidents/20261124-0001");
            let lines: Vec<String> = lines.iter().map(|line| markdown(line)).collect();
            let message = fit(&markdown(&head), &lines, &link, "\n", limit);
            prop_assert!(limit.length(&message) <= most, "{message:?}");
            let without = message.strip_suffix(&link).unwrap_or(&message);
            prop_assert!(!without.contains(['[', ']', '(', ')', '<', '>', '@', '*', '#', '`', '_']) && !without.contains("://"), "{message:?}");
            if limit.length(&markdown(&head)) + limit.length(&link) < most {
                prop_assert!(message.ends_with(&link));
            }
        }

        #[test]
        fn a_list_names_all_and_fits(texts in proptest::collection::vec(any::<String>(), 1..30), room in 600..4_000usize, by_bytes in any::<bool>()) {
            let limit = if by_bytes { Limit::Bytes(0) } else { Limit::Characters(0) };
            let entries: Vec<(String, String)> = texts.into_iter().enumerate().map(|(n, text)| (format!("20261124-{n:04}"), markdown(&text))).collect();
            let lines = list(&entries, room, "\n", limit);
            prop_assert!(limit.length(&lines.join("\n")) <= room);
            for ((name, _), line) in entries.iter().zip(&lines) {
                prop_assert!(line.starts_with(name.as_str()));
            }
        }
    }
}
