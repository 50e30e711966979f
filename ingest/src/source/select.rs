//! One value of a page: a CSS selector, an attribute, JSON in it, a regular expression. Compiled once, when the stage starts.

use super::json::path::Path;
use ego_tree::{NodeRef, iter::Edge};
use regex::Regex;
use schemas::{
    kit::settings::{Detailed, Field},
    records::MAX_TEXT_BYTES,
};
use scraper::{ElementRef, Node, Selector};

/// JSON in an attribute is a few hundred bytes.
const MAX_JSON_BYTES: usize = 64 << 10;

/// A compiled [`Field`]: its ways, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Pick(Vec<Way>);

#[derive(Debug)]
struct Way {
    // None: the item itself.
    selector: Option<Selector>,
    attribute: Option<String>,
    shows: Option<Regex>,
    json: Option<Path>,
    regex: Option<Regex>,
    without: Option<Selector>,
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
    /// What is wrong with a selector, an expression or a path.
    pub(crate) fn new(field: &Field) -> Result<Self, String> {
        let mut ways = Vec::new();
        gather(field, &mut ways)?;
        Ok(Self(ways))
    }

    /// The value within an item: of the first way, and its first match, that has one.
    pub(crate) fn from(&self, item: ElementRef<'_>) -> Option<String> {
        self.0.iter().find_map(|way| match &way.selector {
            None => way.value(item),
            Some(selector) => item.select(selector).find_map(|element| way.value(element)),
        })
    }
}

fn gather(field: &Field, ways: &mut Vec<Way>) -> Result<(), String> {
    let plain;
    let detailed = match field {
        Field::FirstOf(fields) => return fields.iter().try_for_each(|field| gather(field, ways)),
        Field::Detailed(detailed) => detailed,
        Field::Selector(css) => {
            plain = Detailed { css: css.clone(), ..Detailed::default() };
            &plain
        }
    };
    let (css, attribute) = split_attribute(&detailed.css);
    ways.push(Way {
        selector: if css.is_empty() { None } else { Some(selector(css)?) },
        attribute: attribute.map(str::to_owned),
        shows: detailed.shows.as_deref().map(regex).transpose()?,
        json: detailed.json.as_deref().map(Path::new).transpose()?,
        regex: detailed.regex.as_deref().map(regex).transpose()?,
        without: detailed.without.as_deref().map(selector).transpose()?,
    });
    Ok(())
}

impl Way {
    fn value(&self, element: ElementRef<'_>) -> Option<String> {
        if self.shows.as_ref().is_some_and(|shows| !shows.is_match(&text(element))) {
            return None;
        }
        let mut value = match &self.attribute {
            Some(name) => element.attr(name)?.trim().to_owned(),
            None => text_without(element, self.without.as_ref()),
        };
        if let Some(path) = &self.json {
            let json = serde_json::from_str(value.get(..MAX_JSON_BYTES).unwrap_or(&value)).ok()?;
            value = path.text(&json)?;
        }
        if let Some(regex) = &self.regex {
            let found = regex.captures(&value)?;
            value = found.get(1).or_else(|| found.get(0))?.as_str().trim().to_owned();
        }
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
    text_without(element, None)
}

/// The same, but for what `without` matches.
fn text_without(element: ElementRef<'_>, without: Option<&Selector>) -> String {
    let mut out = Folded::default();
    let mut hidden = 0_usize;
    let is_out = |node: NodeRef<'_, Node>| {
        without.is_some_and(|without| ElementRef::wrap(node).is_some_and(|element| without.matches(&element)))
    };
    // By edges and not by recursion: a page may be nested deeper than any stack.
    for edge in element.traverse() {
        if out.text.len() > MAX_TEXT_BYTES {
            break;
        }
        match edge {
            Edge::Open(node) => match node.value() {
                Node::Text(text) if hidden == 0 => out.push(text),
                Node::Element(element) if is_hidden(element.name()) || is_out(node) => hidden += 1,
                Node::Element(element) if breaks(element.name()) => out.new_line(),
                _ => {}
            },
            Edge::Close(node) => match node.value() {
                Node::Element(element) if is_hidden(element.name()) || is_out(node) => {
                    hidden = hidden.saturating_sub(1);
                    if breaks(element.name()) {
                        out.new_line();
                    }
                }
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
    use scraper::Html;

    fn pick(css: &str, expression: Option<&str>, html: &str) -> Option<String> {
        let field = match expression {
            None => Field::Selector(css.into()),
            Some(regex) => {
                Field::Detailed(Detailed { css: css.into(), regex: Some(regex.into()), ..Detailed::default() })
            }
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

    fn read(field: &str, html: &str) -> Option<String> {
        let table: toml::Table = format!("x = {field}").parse().unwrap();
        let field: Field = table["x"].clone().try_into().unwrap();
        Pick::new(&field).unwrap().from(Html::parse_fragment(html).root_element())
    }

    #[test]
    fn the_first_way_that_yields_something() {
        let html = r#"<em>发表于 <span title="2026-11-24 10:05:30">5分钟前</span></em><i></i>"#;
        assert_eq!(read(r#"["b", "i", "em span@title", "em"]"#, html).as_deref(), Some("2026-11-24 10:05:30"));
        assert_eq!(read(r#"["em span@alt", "em"]"#, html).as_deref(), Some("发表于 5分钟前"));
        assert_eq!(read(r#"["b", "i"]"#, html), None);
    }

    #[test]
    fn json_in_an_attribute() {
        let html = r#"<p data-field='{"content":{"post_id":456,"date":""}}' data-bad="{">x</p>"#;
        assert_eq!(read(r#"{ css = "p@data-field", json = "$.content.post_id" }"#, html).as_deref(), Some("456"));
        assert_eq!(read(r#"{ css = "p@data-field", json = "$.content.date" }"#, html), None);
        assert_eq!(read(r#"[{ css = "p@data-bad", json = "$" }, "p"]"#, html).as_deref(), Some("x"));
    }

    #[test]
    fn a_link_by_the_words_that_it_shows() {
        let html = "<div class=page><a href='/1'>上一页</a><a href='/3'> 下一页 </a></div>";
        assert_eq!(read(r#"{ css = ".page a@href", shows = "^下一页" }"#, html).as_deref(), Some("/3"));
    }

    #[test]
    fn a_text_without_its_quotations() {
        let html =
            "<td>我家也<span style='display:none'>噪</span>是<div class=quote>张三：<p>停水了</p></div>几点来？</td>";
        let html = format!("<table><tr>{html}</table>");
        let field = r#"{ css = "td", without = ".quote, [style*='display:none']" }"#;
        assert_eq!(read(field, &html).as_deref(), Some("我家也是\n几点来？"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert!(Pick::new(&Field::Selector("a[".into())).unwrap_err().contains("no CSS selector"));
        let bad = Field::Detailed(Detailed { css: "a".into(), regex: Some("(".into()), ..Detailed::default() });
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
