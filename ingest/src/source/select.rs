//! One value of a page: a CSS selector, an attribute, a regular expression. Compiled once, when the stage starts.

use ego_tree::iter::Edge;
use regex::Regex;
use schemas::{kit::settings::Field, records::MAX_TEXT_BYTES};
use scraper::{ElementRef, Node, Selector};

/// A compiled [`Field`].
#[derive(Debug)]
pub(crate) struct Pick {
    // None: the item itself.
    selector: Option<Selector>,
    attribute: Option<String>,
    regex: Option<Regex>,
}

/// Compiles a selector.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn selector(css: &str) -> Result<Selector, String> {
    // The error of something that is not supported begins with an apology.
    Selector::parse(css).map_err(|error| {
        let error = error.to_string();
        format!("{css:?} is no CSS selector: {}", error.lines().last().unwrap_or_default())
    })
}

impl Pick {
    /// # Errors
    /// What is wrong with the selector or the expression.
    pub(crate) fn new(field: &Field) -> Result<Self, String> {
        let (css, expression) = match field {
            Field::Selector(css) => (css.as_str(), None),
            Field::Detailed(detailed) => (detailed.css.as_str(), detailed.regex.as_deref()),
        };
        let (css, attribute) = split_attribute(css);
        Ok(Self {
            selector: if css.is_empty() { None } else { Some(selector(css)?) },
            attribute: attribute.map(str::to_owned),
            regex: expression.map(regex).transpose()?,
        })
    }

    /// The value within an item: of the first match that has one.
    pub(crate) fn from(&self, item: ElementRef<'_>) -> Option<String> {
        match &self.selector {
            None => self.value(item),
            Some(selector) => item.select(selector).find_map(|element| self.value(element)),
        }
    }

    fn value(&self, element: ElementRef<'_>) -> Option<String> {
        let value = match &self.attribute {
            Some(name) => element.attr(name)?.trim().to_owned(),
            None => text(element),
        };
        let value = match &self.regex {
            None => value,
            Some(regex) => {
                let found = regex.captures(&value)?;
                found.get(1).or_else(|| found.get(0))?.as_str().trim().to_owned()
            }
        };
        (!value.is_empty()).then_some(value)
    }
}

/// Compiles a regular expression.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn regex(expression: &str) -> Result<Regex, String> {
    // The error draws a picture of several lines; its last says what is wrong.
    Regex::new(expression).map_err(|error| {
        let error = error.to_string();
        format!("{expression:?} is no regular expression: {}", error.lines().last().unwrap_or_default().trim())
    })
}

/// `"a.title@href"`: the selector and the attribute. An `@` within brackets or quotes is part of the selector.
fn split_attribute(css: &str) -> (&str, Option<&str>) {
    match css.rsplit_once('@') {
        Some((before, name)) if is_attribute(name) => (before.trim(), Some(name.trim())),
        _ => (css.trim(), None),
    }
}

fn is_attribute(name: &str) -> bool {
    let name = name.trim();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | ':' | '.'))
}

/// The text of an element as a reader sees its lines: blocks and `<br>` break, spaces are folded, scripts are left out. At
/// most so much as a post can hold, and a little more, so that the door sees that it is too long.
pub(crate) fn text(element: ElementRef<'_>) -> String {
    let mut out = Folded::default();
    let mut hidden = 0_usize;
    // By edges and not by recursion: a page may be nested deeper than any stack.
    for edge in element.traverse() {
        if out.text.len() > MAX_TEXT_BYTES {
            break;
        }
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Text(text) if hidden == 0 => out.push(text),
                Node::Element(element) if is_hidden(element.name()) => hidden += 1,
                Node::Element(element) if breaks(element.name()) => out.new_line(),
                _ => {}
            },
            Edge::Close(node) => match node.value() {
                Node::Element(element) if is_hidden(element.name()) => hidden = hidden.saturating_sub(1),
                Node::Element(element) if breaks(element.name()) => out.new_line(),
                _ => {}
            },
        }
    }
    out.text
}

fn is_hidden(name: &str) -> bool {
    matches!(name, "script" | "style" | "noscript" | "template" | "head")
}

fn breaks(name: &str) -> bool {
    matches!(
        name,
        "br" | "p"
            | "div"
            | "li"
            | "ul"
            | "ol"
            | "tr"
            | "table"
            | "blockquote"
            | "pre"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "dd"
            | "dt"
            | "hr"
    )
}

/// Text with its white space folded.
#[derive(Debug, Default)]
struct Folded {
    text: String,
    line: bool,
    space: bool,
}

impl Folded {
    fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.space = true;
                continue;
            }
            if !self.text.is_empty() {
                if self.line {
                    self.text.push('\n');
                } else if self.space {
                    self.text.push(' ');
                }
            }
            (self.line, self.space) = (false, false);
            self.text.push(c);
        }
    }

    fn new_line(&mut self) {
        self.line = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::kit::settings::Detailed;
    use scraper::Html;

    fn pick(css: &str, expression: Option<&str>, html: &str) -> Option<String> {
        let field = match expression {
            None => Field::Selector(css.into()),
            Some(regex) => Field::Detailed(Detailed { css: css.into(), regex: Some(regex.into()) }),
        };
        Pick::new(&field).unwrap().from(Html::parse_fragment(html).root_element())
    }

    #[test]
    fn text_attribute_and_expression() {
        let html = r#"<div data-id="7"><a class="t" href=" /t/12 "> 停水
            了 </a><span>回复(35)</span></div>"#;
        assert_eq!(pick("a.t", None, html).as_deref(), Some("停水 了"));
        assert_eq!(pick("a.t@href", None, html).as_deref(), Some("/t/12"));
        assert_eq!(pick("div@data-id", None, html).as_deref(), Some("7"));
        assert_eq!(pick("span", Some(r"\((\d+)\)"), html).as_deref(), Some("35"));
        assert_eq!(pick("span", Some(r"\d+"), html).as_deref(), Some("35"));
        assert_eq!(pick("a[href*='@x']", None, html), None);
        assert_eq!(pick("a@title", None, html), None);
    }

    #[test]
    fn the_item_itself() {
        let field = Field::Selector("@data-id".into());
        let html = Html::parse_fragment("<p data-id=9>x</p>");
        let item = html.select(&selector("p").unwrap()).next().unwrap();
        assert_eq!(Pick::new(&field).unwrap().from(item).as_deref(), Some("9"));
        assert_eq!(Pick::new(&Field::Selector(String::new())).unwrap().from(item).as_deref(), Some("x"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(Pick::new(&Field::Selector("a[".into())).unwrap_err().contains("no CSS selector"));
        let bad = Field::Detailed(Detailed { css: "a".into(), regex: Some("(".into()) });
        assert!(Pick::new(&bad).unwrap_err().contains("no regular expression"));
    }

    #[test]
    fn text_is_what_a_reader_sees() {
        let html = Html::parse_fragment(
            "<div>一<br>二<p>三 <b>四</b></p><script>x=1</script><style>p{}</style>\u{a0}五<ul><li>六</li><li>七</li></ul></div>",
        );
        assert_eq!(text(html.root_element()), "一\n二\n三 四\n五\n六\n七");
    }
}
