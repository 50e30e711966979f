//! The search behind a number: what the number links to, and what it was counted by. Pure.

use crate::{
    archive::search::{Search, Sort},
    query::{self, Context, Filter, QueryError},
};
use jiff::Timestamp;
use std::fmt::Write;

/// A time, its end not included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// At or after.
    pub from: Timestamp,
    /// Before.
    pub to: Timestamp,
}

/// A search as the console's search page takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// In the query language; empty for everything.
    pub q: String,
    /// When the posts were published.
    pub span: Span,
    /// Which come first.
    pub sort: Sort,
}

impl Ask {
    /// The address of the search page that asks this; `base` is where the console is, without a slash at its end, and may be empty.
    #[must_use]
    pub fn address(&self, base: &str) -> String {
        let mut address = format!("{base}/search?q=");
        encode(&self.q, &mut address);
        for (name, at) in [("from", self.span.from), ("to", self.span.to)] {
            let _ = write!(address, "&{name}=");
            encode(&at.to_string(), &mut address);
        }
        let sort = match self.sort {
            Sort::Time => "",
            Sort::Oldest => "&sort=oldest",
            Sort::Relevance => "&sort=relevance",
            Sort::Heat => "&sort=heat",
        };
        address.push_str(sort);
        address
    }

    /// The search, which finds no hits unless a limit is set.
    ///
    /// # Errors
    /// When `q` is no query.
    pub fn search(&self, context: &Context) -> Result<Search, QueryError> {
        let within = Filter::Time { from: Some(self.span.from), to: Some(self.span.to) };
        let query = query::parse(&self.q, context)?.and([within]);
        Ok(Search { sort: self.sort, limit: 0, ..Search::new(query) })
    }

    /// The same for the posts alone that have this value too. None where the language cannot say so as it is meant.
    pub(super) fn with(&self, filter: &Filter, context: &Context) -> Option<Self> {
        let said = filter.to_string();
        if query::parse(&said, context).ok()? != query::Query::Filter(filter.clone()) {
            return None;
        }
        let q = if self.q.is_empty() { said } else { format!("({}) {said}", self.q) };
        let is_short = q.chars().count() <= query::MAX_CHARS.min(super::LONGEST_QUERY);
        (is_short && query::parse(&q, context).is_ok()).then(|| Self { q, ..self.clone() })
    }

    /// The same over another time.
    pub(super) fn over(&self, span: Span) -> Self {
        Self { span, ..self.clone() }
    }
}

/// Everything but letters, digits and `-._~` as `%XX` (RFC 3986, 2.3).
fn encode(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::field::Keyword;
    use proptest::prelude::*;

    fn ask(q: &str) -> Ask {
        let span = Span { from: "2026-11-27T16:00:00Z".parse().unwrap(), to: "2026-11-28T16:00:00Z".parse().unwrap() };
        Ask { q: q.to_owned(), span, sort: Sort::Time }
    }

    #[test]
    fn an_address_is_that_of_the_search_page() {
        let expected =
            "/search?q=%E5%81%9C%E6%B0%B4%20%26%20a&from=2026-11-27T16%3A00%3A00Z&to=2026-11-28T16%3A00%3A00Z";
        assert_eq!(ask("停水 & a").address(""), expected);
        let by_heat = Ask { sort: Sort::Heat, ..ask("") }.address("https://w.example");
        assert!(by_heat.starts_with("https://w.example/search?q=&from=") && by_heat.ends_with("&sort=heat"));
    }

    #[test]
    fn what_is_added_holds_beside_all_of_the_query() {
        let place = Filter::keyword(Keyword::find("place").unwrap(), "抚琴 街道");
        let narrowed = ask("停水 或 断水").with(&place, &Context::default()).unwrap();
        assert_eq!(narrowed.q, "(停水 或 断水) 街道:\"抚琴 街道\"");
        let hostile = Filter::keyword(Keyword::find("source").unwrap(), "\"”」』 或 停水");
        assert_eq!(ask("").with(&hostile, &Context::default()), None);
    }

    proptest! {
        #[test]
        fn an_address_is_plain_ascii(q in any::<String>()) {
            let address = ask(&q).address("");
            prop_assert!(address.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/?&=%-._~".contains(&byte)));
        }

        #[test]
        fn a_value_that_is_added_is_the_value_that_is_asked_for(value in any::<String>()) {
            let context = Context::default();
            let filter = Filter::keyword(Keyword::find("source").unwrap(), &value);
            if let Some(narrowed) = ask("").with(&filter, &context) {
                prop_assert_eq!(query::parse(&narrowed.q, &context).unwrap(), query::Query::Filter(filter));
            }
        }
    }
}
