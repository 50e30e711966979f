//! Crawled text on its way into HTML and XML. Pure. Every text of both files passes here.

/// A text as HTML and XML show it, in elements and in quoted attributes: nothing of it is markup; control characters, what
/// turns the direction of text and what XML cannot hold are gone.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => safe.push(' '),
            c if c.is_control() || is_unseen(c) => {}
            c => safe.push(c),
        }
    }
    safe
}

/// Marks and overrides of direction, and code points that are no characters.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
        || (c as u32) & 0xfffe == 0xfffe
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
}

/// An address as a link's target: plain ASCII, so that no program reads it otherwise than another.
pub(super) fn target(address: &str) -> String {
    let mut safe = String::with_capacity(address.len());
    for c in address.chars() {
        if c.is_ascii_graphic() {
            safe.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                safe.push_str(&format!("%{byte:02X}"));
            }
        }
    }
    escape(&safe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_is_markup_and_nothing_unseen_stays() {
        assert_eq!(
            escape("<b a=\"1\" c='2'>&amp;\u{1b}[2J\u{202e}\u{ffff}\0x\ny"),
            "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;amp;[2Jx y"
        );
        assert_eq!(target("http://a.example/水?a&b"), "http://a.example/%E6%B0%B4?a&amp;b");
    }

    proptest! {
        #[test]
        fn any_text_is_text(text in any::<String>()) {
            let safe = escape(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'']) && !safe.chars().any(char::is_control));
        }
    }
}
