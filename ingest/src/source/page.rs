//! A page as a tree, within limits. Pages are hostile: nesting 100,000 deep takes a parser quadratic time, and a few
//! kilobytes of unclosed formatting tags can be made to grow into gigabytes of nodes. So the nesting is estimated before
//! anything is parsed, and the tree is watched while it grows.

use ego_tree::Tree;
use html5ever::{driver, tendril::TendrilSink};
use scraper::{Html, HtmlTreeSink, Node};

/// Browsers stop at 512.
const MAX_NESTING: usize = 1_024;
/// A page of 4 MiB has some 100,000.
const MAX_NODES: usize = 400_000;
/// The tree is looked at each time so many bytes have been parsed: with nesting bounded, it cannot grow far in between.
const STEP_BYTES: usize = 4 << 10;

/// Parses a page.
///
/// # Errors
/// When it goes beyond what can be handled.
pub(crate) fn parse(text: &str) -> Result<Html, String> {
    if nesting(text) > MAX_NESTING {
        return Err(format!("the page nests more than {MAX_NESTING} elements: it is broken, or means harm"));
    }
    let mut html = Html::new_document();
    // Every tag makes a node, of itself or of the text behind it: a tree that never grows is never copied.
    let tags = memchr::memchr_iter(b'<', text.as_bytes()).count();
    html.tree = Tree::with_capacity(Node::Document, tags.min(MAX_NODES) + 8);
    let mut parser = driver::parse_document(HtmlTreeSink::new(html), driver::ParseOpts::default());
    let mut rest = text;
    while !rest.is_empty() {
        let (step, after) = rest.split_at(boundary(rest, STEP_BYTES));
        parser.process(step.into());
        rest = after;
        let nodes = parser.tokenizer.sink.sink.0.borrow().tree.values().len();
        if nodes > MAX_NODES {
            return Err(format!("the page has more than {MAX_NODES} elements"));
        }
    }
    Ok(parser.finish())
}

/// The last place at or before `most` where a character begins; never nought.
fn boundary(text: &str, most: usize) -> usize {
    if text.len() <= most { text.len() } else { text.floor_char_boundary(most).max(1) }
}

/// An upper estimate of how deep a page or feed nests: tags that open less tags that close, leaving out elements that hold
/// nothing and those that a next one of their kind closes.
pub(crate) fn nesting(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    for at in memchr::memchr_iter(b'<', bytes) {
        let closes = bytes.get(at + 1) == Some(&b'/');
        let name = &bytes[(at + 1 + usize::from(closes)).min(bytes.len())..];
        let length = name.iter().take(16).take_while(|byte| byte.is_ascii_alphanumeric()).count();
        if length == 0 || is_flat(&name[..length]) {
            continue;
        }
        if closes {
            depth = depth.saturating_sub(1);
        } else {
            depth += 1;
            deepest = deepest.max(depth);
        }
    }
    deepest
}

fn is_flat(name: &[u8]) -> bool {
    let mut lower = [0; 6];
    let Some(lower) = lower.get_mut(..name.len()) else { return false };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let holds_nothing = matches!(
        &*lower,
        b"area"
            | b"base"
            | b"br"
            | b"col"
            | b"embed"
            | b"hr"
            | b"img"
            | b"input"
            | b"link"
            | b"meta"
            | b"param"
            | b"source"
            | b"track"
            | b"wbr"
    );
    holds_nothing
        || matches!(
            &*lower,
            b"p" | b"li" | b"td" | b"th" | b"tr" | b"dt" | b"dd" | b"option" | b"tbody" | b"thead" | b"tfoot" | b"body"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_common_page_is_parsed_however_it_is_cut() {
        let text = format!("<ul>{}</ul>", "<li>抚琴街道<br>停水".repeat(2_000));
        let html = parse(&text).unwrap();
        let items = html.select(&scraper::Selector::parse("li").unwrap()).count();
        assert_eq!(items, 2_000);
        assert_eq!(html, Html::parse_document(&text));
    }

    #[test]
    fn a_page_that_nests_too_deeply_is_refused() {
        for tag in ["<div>", "<b>", "<span class=x>", "<blockquote>", "<DIV>"] {
            assert!(parse(&tag.repeat(100_000)).unwrap_err().contains("nests"), "{tag}");
        }
        assert!(parse(&"<div>".repeat(MAX_NESTING)).is_ok());
    }

    #[test]
    fn a_page_whose_tree_explodes_is_refused() {
        let open: String = (0..1_000).map(|n| format!("<b id={n}>")).collect();
        let bomb = format!("<p>{open}</p>{}", "<p>x</p>".repeat(500_000));
        assert!(parse(&bomb).unwrap_err().contains("elements"));
    }

    #[test]
    fn unclosed_rows_are_no_nesting() {
        assert_eq!(nesting(&"<tr><td>x<p>y<li>z<br>".repeat(1_000)), 0);
        assert_eq!(nesting("<div><p>x</div></div></div><div><b>"), 2);
        assert_eq!(nesting("a < b </ <"), 0);
    }
}
