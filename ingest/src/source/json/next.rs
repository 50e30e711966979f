//! Where the next page of an API's answer is.
//!
//! | `next` | the next page is |
//! |---|---|
//! | `link` | the address in the header `Link: <…>; rel="next"` |
//! | `url` | the address in the answer |
//! | `cursor`, `parameter` | this one with the answer's cursor in that query parameter |
//! | `page`, `first` | this one with the next number in that query parameter |
//! | `offset` | this one with the number of items so far in that query parameter |
//! | `last` | this one with the id of the last item in that query parameter |
//! | `grow` | this one with four times the number in that query parameter, where the answer was as long as asked for |
//!
//! There is none after an answer without items, one with fewer than `full`, one whose `more` says no, and none that is this one.

use super::{field::is_none, path::Path};
use schemas::kit::settings::Next;
use serde_json::Value;
use url::Url;

/// A compiled [`Next`].
#[derive(Debug)]
pub(crate) struct Paging {
    way: Way,
    full: Option<usize>,
    more: Option<Path>,
}

#[derive(Debug)]
enum Way {
    Link,
    Address(Path),
    Cursor(Path, String),
    Page(String, u32),
    Offset(String),
    Last(String, Path),
    Grow(String),
}

/// More than this is not asked for at once.
const MOST: u64 = 40_000;

impl Paging {
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(next: &Next) -> Result<Self, String> {
        if let Some(fault) = next.fault() {
            return Err(fault.to_owned());
        }
        let way = match next {
            Next { url: Some(path), .. } => Way::Address(Path::new(path)?),
            Next { cursor: Some(path), parameter: Some(parameter), .. } => {
                Way::Cursor(Path::new(path)?, parameter.clone())
            }
            Next { page: Some(parameter), first, .. } => Way::Page(parameter.clone(), first.unwrap_or(1)),
            Next { offset: Some(parameter), .. } => Way::Offset(parameter.clone()),
            Next { last: Some(parameter), id, .. } => {
                Way::Last(parameter.clone(), Path::new(id.as_deref().unwrap_or("$.id"))?)
            }
            Next { grow: Some(parameter), .. } => Way::Grow(parameter.clone()),
            _ => Way::Link,
        };
        let more = next.more.as_deref().map(Path::new).transpose()?;
        Ok(Self { way, full: next.full.map(|full| full as usize), more })
    }

    /// The address of the page after this one; `link` is what the header says.
    pub(crate) fn after(&self, url: &Url, answer: &Value, items: &[&Value], link: Option<&Url>) -> Option<Url> {
        let last = items.last()?;
        if self.full.is_some_and(|full| items.len() < full) {
            return None;
        }
        if let Some(more) = &self.more {
            more.text(answer).filter(|value| !is_none(value))?;
        }
        let next = match &self.way {
            Way::Link => link?.clone(),
            Way::Address(path) => url.join(&path.text(answer)?).ok()?,
            Way::Cursor(path, parameter) => with(url, parameter, &path.text(answer).filter(|cursor| !is_none(cursor))?),
            Way::Page(parameter, first) => {
                with(url, parameter, &number(url, parameter).unwrap_or(u64::from(*first)).checked_add(1)?.to_string())
            }
            Way::Offset(parameter) => {
                let so_far = number(url, parameter).unwrap_or(0).checked_add(items.len() as u64)?;
                with(url, parameter, &so_far.to_string())
            }
            Way::Grow(parameter) => {
                let asked = number(url, parameter).filter(|asked| items.len() as u64 >= *asked)?;
                with(url, parameter, &asked.saturating_mul(4).min(MOST).to_string())
            }
            Way::Last(parameter, id) => with(url, parameter, &id.text(last)?),
        };
        (matches!(next.scheme(), "http" | "https") && next.has_host() && next != *url && next.as_str().len() <= 4 << 10)
            .then_some(next)
    }
}

/// The number that a query parameter of an address holds.
fn number(url: &Url, parameter: &str) -> Option<u64> {
    url.query_pairs().find(|(name, _)| name == parameter)?.1.parse().ok()
}

/// The address with a query parameter set.
fn with(url: &Url, parameter: &str, value: &str) -> Url {
    let others: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != parameter)
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let mut next = url.clone();
    next.query_pairs_mut().clear().extend_pairs(others).append_pair(parameter, value);
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn after(next: &str, url: &str, answer: &Value) -> Option<String> {
        let next: Next = toml::from_str(next).unwrap();
        let items: Vec<&Value> = answer["items"].as_array().unwrap().iter().collect();
        let link = Url::parse("https://t.example/linked").unwrap();
        let next = Paging::new(&next).unwrap().after(&Url::parse(url).unwrap(), answer, &items, Some(&link));
        next.map(Into::into)
    }

    #[test]
    fn each_row_of_the_table() {
        let answer = json!({"items": [{"id": 9}, {"id": 8, "n": "x"}], "next": "/p?c=2", "cursor": "a b", "more": true, "no": 0});
        let api = "https://t.example/api?q=%E6%B0%B4";
        for (next, url, expected) in [
            ("link = true", api, Some("https://t.example/linked")),
            ("url = '$.next'", api, Some("https://t.example/p?c=2")),
            ("url = '$.none'", api, None),
            ("cursor = '$.cursor'\nparameter = 'c'", api, Some("https://t.example/api?q=%E6%B0%B4&c=a+b")),
            ("cursor = '$.no'\nparameter = 'c'", api, None),
            ("page = 'page'", api, Some("https://t.example/api?q=%E6%B0%B4&page=2")),
            ("page = 'page'\nfirst = 0", "https://t.example/api", Some("https://t.example/api?page=1")),
            ("page = 'page'", "https://t.example/api?page=7&x=1", Some("https://t.example/api?x=1&page=8")),
            ("offset = 'o'", "https://t.example/api?o=20", Some("https://t.example/api?o=22")),
            ("last = 'max_id'", "https://t.example/api?max_id=10", Some("https://t.example/api?max_id=8")),
            ("last = 'max_id'", "https://t.example/api?max_id=8", None),
            ("grow = 'limit'", "https://t.example/api?limit=2", Some("https://t.example/api?limit=8")),
            ("grow = 'limit'", "https://t.example/api?limit=3", None),
            ("grow = 'limit'", api, None),
            ("last = 'max_id'\nid = '$.n'", "https://t.example/api", Some("https://t.example/api?max_id=x")),
            ("page = 'page'\nfull = 2", "https://t.example/api", Some("https://t.example/api?page=2")),
            ("page = 'page'\nfull = 3", "https://t.example/api", None),
            ("page = 'page'\nmore = '$.more'", "https://t.example/api", Some("https://t.example/api?page=2")),
            ("page = 'page'\nmore = '$.no'", "https://t.example/api", None),
        ] {
            assert_eq!(after(next, url, &answer).as_deref(), expected, "{next} at {url}");
        }
        assert_eq!(after("page = 'page'", api, &json!({"items": []})), None);
    }

    #[test]
    fn numbers_that_are_full_end_it() {
        let answer = json!({"items": [{}]});
        for way in ["page", "offset"] {
            assert_eq!(after(&format!("{way} = 'n'"), &format!("https://t.example/?n={}", u64::MAX), &answer), None);
        }
        assert_eq!(
            after("url = '$.items[0].x'", "https://t.example/", &json!({"items": [{"x": "javascript:1"}]})),
            None
        );
    }

    #[test]
    fn what_does_not_belong_together_is_said() {
        for bad in
            ["", "page = 'p'\noffset = 'o'", "cursor = '$.c'", "link = true\nfirst = 1", "url = '$.u'\nid = '$.id'"]
        {
            assert!(Paging::new(&toml::from_str(bad).unwrap()).is_err(), "{bad}");
        }
    }
}
