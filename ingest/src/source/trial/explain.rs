//! Key by key: what its selector or path finds on a page, and where it finds nothing, what comes nearest.

use crate::source::{
    json::{self, field, path::Path},
    page,
    select::{self, Pick},
};
use schemas::kit::settings::{Field, Json, JsonField, Source};
use scraper::{ElementRef, Html};
use serde::Serialize;
use std::collections::BTreeMap;

/// Items that are asked for their values.
const LOOKED_AT: usize = 50;
const MAX_SAMPLE_CHARS: usize = 60;

/// What a key of the config finds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyFound {
    /// The key, such as `thread.fields.text`.
    pub key: String,
    /// In how many it finds something.
    pub found: usize,
    /// Of how many.
    pub of: usize,
    /// The first value.
    pub sample: Option<String>,
    /// Where it finds nothing: what comes nearest.
    pub nearest: Option<String>,
    /// Whether posts come out without it.
    pub optional: bool,
}

impl KeyFound {
    /// What is wrong, where something is.
    pub(super) fn problem(&self) -> Option<String> {
        if self.found > 0 || self.optional || self.of == 0 {
            return None;
        }
        let nearest = self.nearest.as_deref().map(|nearest| format!("; {nearest}")).unwrap_or_default();
        Some(format!("{} finds nothing in any of {}{nearest}", self.key, self.of))
    }
}

/// The keys of a list page.
pub(super) fn list(source: &Source, text: &str) -> Vec<KeyFound> {
    if let Some(json) = &source.json {
        return of_json("json", &json.items, &json.fields, text);
    }
    let (Some(list), Some(html)) = (&source.list, parsed(source, text)) else { return Vec::new() };
    let mut keys = vec![items("list.item", &list.item, &html)];
    let rows = matching(&list.item, &html);
    let named =
        list.link.iter().map(|field| ("link", field)).chain(list.changed.iter().map(|field| ("changed", field)));
    keys.extend(named.map(|(name, field)| value(&format!("list.{name}"), field, &rows, name != "link")));
    for (name, field) in sorted(&list.fields) {
        keys.push(value(&format!("list.fields.{name}"), field, &rows, is_optional(name)));
    }
    let whole = [html.root_element()];
    keys.extend(list.next.iter().map(|field| value("list.next", field, &whole, true)));
    keys
}

/// The keys of a thread page.
pub(super) fn thread(source: &Source, text: &str) -> Vec<KeyFound> {
    if let Some(Json { comments: Some(comments), .. }) = &source.json {
        return of_json("json.comments", &comments.items, &comments.fields, text);
    }
    let (Some(thread), Some(html)) = (&source.thread, parsed(source, text)) else { return Vec::new() };
    let whole = [html.root_element()];
    let mut keys = vec![items("thread.post", &thread.post, &html)];
    let post: Vec<_> = matching(&thread.post, &html).into_iter().take(1).collect();
    keys.extend(thread.title.iter().map(|field| value("thread.title", field, &whole, true)));
    for (name, field) in sorted(&thread.fields) {
        keys.push(value(&format!("thread.fields.{name}"), field, &post, is_optional(name)));
    }
    if let Some(comments) = &thread.comments {
        // A thread that nobody has answered is a good one.
        keys.push(KeyFound { optional: true, ..items("thread.comments.item", &comments.item, &html) });
        let found = matching(&comments.item, &html);
        for (name, field) in sorted(&comments.fields) {
            keys.push(value(&format!("thread.comments.fields.{name}"), field, &found, is_optional(name)));
        }
    }
    keys.extend(thread.next.iter().map(|field| value("thread.next", field, &whole, true)));
    keys
}

fn is_optional(name: &str) -> bool {
    !matches!(name, "text" | "published_at" | "native_id")
}

fn sorted<'f, F>(fields: impl IntoIterator<Item = (&'f String, &'f F)>) -> BTreeMap<&'f String, &'f F> {
    fields.into_iter().collect()
}

fn parsed(source: &Source, text: &str) -> Option<Html> {
    let uncommented = if source.uncomment { &text.replace("<!--", "").replace("-->", "") } else { text };
    page::parse(uncommented).ok()
}

fn matching<'h>(css: &str, html: &'h Html) -> Vec<ElementRef<'h>> {
    select::selector(css).map(|selector| html.select(&selector).take(LOOKED_AT).collect()).unwrap_or_default()
}

fn items(key: &str, css: &str, html: &Html) -> KeyFound {
    let found = matching(css, html).len();
    let nearest = if found == 0 { nearest(css, html) } else { None };
    KeyFound { key: key.into(), found, of: 1, sample: None, nearest, optional: false }
}

fn value(key: &str, field: &Field, items: &[ElementRef<'_>], optional: bool) -> KeyFound {
    let values: Vec<String> = match Pick::new(field) {
        Ok(pick) => items.iter().filter_map(|item| pick.from(*item)).collect(),
        Err(_) => Vec::new(),
    };
    let nearest = match (items.first(), values.is_empty()) {
        (Some(item), true) => Some(format!("the first one holds {}", outline(*item))),
        _ => None,
    };
    KeyFound { key: key.into(), found: values.len(), of: items.len(), sample: shown(key, &values), nearest, optional }
}

/// The elements within one, as selectors would name them. No words: they may be a person's.
fn outline(item: ElementRef<'_>) -> String {
    let mut names: Vec<String> = Vec::new();
    for element in item.descendent_elements().take(500) {
        let classes = element.value().classes().take(3).map(|class| format!(".{class}"));
        let name = format!("{}{}", element.value().name(), classes.collect::<String>());
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() == 16 {
            break;
        }
    }
    names.join(" ")
}

/// The longest part of a selector, from its begin, that matches something.
fn nearest(css: &str, html: &Html) -> Option<String> {
    css.split(',').find_map(|way| {
        let ends: Vec<usize> = boundaries(way);
        ends.into_iter().rev().find_map(|end| {
            let part = way[..end].trim().trim_end_matches(['>', '+', '~']).trim_end();
            let found = matching(part, html).len();
            (!part.is_empty() && found > 0).then(|| format!("nearest is `{part}`, which matches {found}"))
        })
    })
}

/// Where a selector can be cut, so that what is before is one.
fn boundaries(css: &str) -> Vec<usize> {
    let mut depth = 0_usize;
    let mut ends = Vec::new();
    for (at, c) in css.char_indices() {
        match c {
            '[' | '(' => {
                if depth == 0 {
                    ends.push(at);
                }
                depth += 1;
            }
            ']' | ')' => depth = depth.saturating_sub(1),
            ' ' | '>' | '+' | '~' | '.' | '#' | ':' if depth == 0 => ends.push(at),
            _ => {}
        }
    }
    ends
}

fn of_json(prefix: &str, path: &str, fields: &BTreeMap<String, JsonField>, text: &str) -> Vec<KeyFound> {
    let (Ok(answer), Ok(compiled)) = (json::read(text), Path::new(path)) else { return Vec::new() };
    let items: Vec<_> = compiled.all(&answer).into_iter().take(LOOKED_AT).collect();
    let nearest = items.is_empty().then(|| json::path::shown(&answer));
    let mut keys = vec![KeyFound {
        key: format!("{prefix}.items"),
        found: items.len(),
        of: 1,
        sample: None,
        nearest,
        // Nobody has commented.
        optional: answer.as_array().is_some_and(Vec::is_empty),
    }];
    for (name, field) in fields {
        let Ok(pick) = field::Pick::new(field) else { continue };
        let values: Vec<String> = items.iter().filter_map(|item| pick.from(item)).collect();
        let nearest = items
            .first()
            .filter(|_| values.is_empty())
            .map(|item| json::path::shown(item).replacen("the answer", "the first one", 1));
        keys.push(KeyFound {
            key: format!("{prefix}.fields.{name}"),
            found: values.len(),
            of: items.len(),
            sample: shown(name, &values),
            nearest,
            optional: is_optional(name),
        });
    }
    keys
}

/// The first value, but for a name: posts show it as a pseudonym.
fn shown(key: &str, values: &[String]) -> Option<String> {
    let first = values.first()?;
    Some(if key.ends_with("author") { "a name".to_owned() } else { sample(first) })
}

/// The begin of a value. What it is of a person's is masked as the door would.
fn sample(value: &str) -> String {
    let masked = crate::privacy::mask(value);
    let short: String = masked.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_SAMPLE_CHARS).collect();
    if short.len() < masked.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_a_selector_that_still_matches() {
        let html = Html::parse_document("<ul class='topics'><li class='line'>x</li><li>y</li></ul>");
        for (css, expected) in [
            ("ul.topics > li.row", Some("`ul.topics > li`, which matches 2")),
            ("ul.topiclist.topics li.row", Some("`ul`, which matches 1")),
            ("tbody[id^='a.b'], ul[x='>']", Some("`ul`, which matches 1")),
            ("article", None),
        ] {
            let found = nearest(css, &html);
            assert_eq!(found.is_some(), expected.is_some(), "{css}: {found:?}");
            assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()), "{css}");
        }
    }
}
