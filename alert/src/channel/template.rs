//! Templates of a gateway's request: text with placeholders, filled in so that no value can break out of its place.
//!
//! | placeholder | is |
//! |---|---|
//! | `{phone}` | the numbers of `to`; several are joined by commas |
//! | `{text}` | the message, at most 500 characters |
//! | `{title}` | its first line |
//! | `{level}` | `I`, `II`, `III` or `IV` |
//! | `{link}` | the link by which one signs the incident, or, where nobody needs to, the address of its page |
//! | `{key}` | the page's key: a repeat bears the same |
//! | `{id}` | the same as 32 hexadecimal digits, for gateways that take no other signs |
//! | `{env.NAME}` | what the environment variable NAME (or the file that NAME_FILE names) holds |
//!
//! Braces around anything else than a word stay as they are, so JSON needs no escaping.

use std::collections::BTreeSet;

/// How values are written into a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Escape {
    /// Within a JSON string's quotes.
    Json,
    /// In an address or a form: all but unreserved characters percent-encoded.
    Percent,
    /// In a header: no control characters.
    Header,
}

impl Escape {
    fn write(self, value: &str) -> String {
        match self {
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
            }
            Self::Percent => value
                .bytes()
                .map(|byte| match byte {
                    b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
                    other => format!("%{other:02X}"),
                })
                .collect(),
            Self::Header => value.chars().filter(|c| !c.is_control()).collect(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(String),
}

/// A template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pieces: Vec<Piece>,
    escape: Escape,
}

const NAMES: [&str; 7] = ["phone", "text", "title", "level", "link", "key", "id"];

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// A placeholder that there is none of.
    pub(super) fn parse(text: &str, escape: Escape) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text;
        while let Some(open) = rest.find('{') {
            plain.push_str(&rest[..open]);
            rest = &rest[open..];
            let word = rest[1..].split('}').next().filter(|word| rest.len() > word.len() + 1);
            match word.filter(|word| is_word(word)) {
                Some(name) if NAMES.contains(&name) || variable(name).is_some() => {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(Piece::Value(name.to_owned()));
                    rest = &rest[name.len() + 2..];
                }
                Some(name) => {
                    return Err(format!(
                        "there is no placeholder {{{name}}}: there are {{{}}} and {{env.NAME}}",
                        NAMES.join("}, {")
                    ));
                }
                None => {
                    plain.push('{');
                    rest = &rest[1..];
                }
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self { pieces, escape })
    }

    /// The environment variables that it names.
    pub(super) fn variables(&self) -> BTreeSet<String> {
        self.names().filter_map(|name| variable(name).map(str::to_owned)).collect()
    }

    /// Whether it has a placeholder.
    pub(super) fn has(&self, placeholder: &str) -> bool {
        self.names().any(|name| name == placeholder)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The text with its values.
    pub(super) fn fill(&self, value: impl Fn(&str) -> String) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Value(name) => self.escape.write(&value(name)),
            })
            .collect()
    }
}

/// The variable of a placeholder `env.NAME`.
pub(super) fn variable(name: &str) -> Option<&str> {
    name.strip_prefix("env.").filter(|name| !name.is_empty() && !name.contains('.'))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(text: &str, escape: Escape, value: &str) -> String {
        Template::parse(text, escape).unwrap().fill(|_| value.to_owned())
    }

    #[test]
    fn values_are_written_as_their_place_wants_them() {
        let value = "停水\n\"又\" & 停=+\u{1}";
        assert_eq!(filled("{\"to\":\"{phone}\"}", Escape::Json, value), "{\"to\":\"停水\\n\\\"又\\\" & 停=+\\u0001\"}");
        assert_eq!(filled("a={text}&b", Escape::Percent, "停 &="), "a=%E5%81%9C%20%26%3D&b");
        assert_eq!(filled("Bearer {env.TOKEN}", Escape::Header, "x\r\ny"), "Bearer xy");
        assert_eq!(
            filled("{\"a\":{\"b\":1},\"c\":\"{}\"} { text } {", Escape::Json, "!"),
            "{\"a\":{\"b\":1},\"c\":\"{}\"} { text } {"
        );
    }

    #[test]
    fn what_it_names_is_known() {
        let template = Template::parse("{env.A}{phone}{env.B}{env.A}", Escape::Json).unwrap();
        assert_eq!(template.variables().into_iter().collect::<Vec<_>>(), ["A", "B"]);
        assert!(template.has("phone") && !template.has("text"));
        assert!(Template::parse("{mobile}", Escape::Json).unwrap_err().contains("{phone}, {text}"));
        assert!(Template::parse("{env.}", Escape::Json).is_err());
    }

    proptest! {
        #[test]
        fn nothing_breaks_out_of_json(value in any::<String>()) {
            let text = filled("{\"phone\":\"{phone}\",\"n\":[{\"t\":\"{text}\"}]}", Escape::Json, &value);
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(json, serde_json::json!({ "phone": value, "n": [{ "t": value }] }));
        }

        #[test]
        fn nothing_breaks_out_of_an_address(value in any::<String>()) {
            let url: url::Url = filled("http://h/{phone}?text={text}&end=1", Escape::Percent, &value).parse().unwrap();
            let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
            prop_assert_eq!(pairs, [("text".to_owned(), value), ("end".to_owned(), "1".to_owned())]);
            prop_assert_eq!(url.fragment(), None);
        }

        #[test]
        fn no_template_makes_it_panic(text in any::<String>()) {
            if let Ok(template) = Template::parse(&text, Escape::Json) {
                template.fill(str::to_owned);
            }
        }
    }
}
