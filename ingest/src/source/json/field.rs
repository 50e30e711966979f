//! One value of an item: a path, a template, an expression. Compiled once, when the stage starts.

use super::path::Path;
use crate::source::select;
use regex::Regex;
use schemas::kit::settings::{JsonDetailed, JsonField};
use serde_json::Value;

/// A compiled [`JsonField`].
#[derive(Debug)]
pub(crate) struct Pick(Vec<One>);

#[derive(Debug)]
struct One {
    what: What,
    regex: Option<Regex>,
    stands_for: Option<String>,
}

#[derive(Debug)]
enum What {
    Path(Path),
    Template(Template),
}

/// A text with places to be filled: `https://town.example/posts/{id}`.
#[derive(Debug)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Value(Path),
}

impl Pick {
    /// # Errors
    /// What is wrong with a path, a template or an expression.
    pub(crate) fn new(field: &JsonField) -> Result<Self, String> {
        let mut ones = Vec::new();
        gather(field, &mut ones)?;
        Ok(Self(ones))
    }

    /// The value within an item.
    pub(crate) fn from(&self, item: &Value) -> Option<String> {
        self.0.iter().find_map(|one| one.from(item))
    }

    /// Everything that the first of its ways finds.
    pub(crate) fn all(&self, item: &Value) -> Vec<String> {
        let found = self.0.iter().map(|one| one.all(item));
        found.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    }
}

fn gather(field: &JsonField, ones: &mut Vec<One>) -> Result<(), String> {
    let (path, regex, stands_for) = match field {
        JsonField::FirstOf(fields) => return fields.iter().try_for_each(|field| gather(field, ones)),
        JsonField::Path(path) => (path, None, None),
        JsonField::Detailed(JsonDetailed { path, regex, stands_for }) => (path, regex.as_deref(), stands_for.clone()),
    };
    let what = if path.starts_with('$') { What::Path(Path::new(path)?) } else { What::Template(Template::new(path)?) };
    ones.push(One { what, regex: regex.map(select::regex).transpose()?, stands_for });
    Ok(())
}

impl One {
    fn from(&self, item: &Value) -> Option<String> {
        let value = match &self.what {
            What::Path(path) => path.text(item)?,
            What::Template(template) => template.fill(item)?,
        };
        self.shaped(value)
    }

    fn all(&self, item: &Value) -> Vec<String> {
        match &self.what {
            What::Path(path) => {
                let found = path.all(item).into_iter().filter_map(super::path::scalar);
                found.filter_map(|value| self.shaped(value)).collect()
            }
            What::Template(_) => self.from(item).into_iter().collect(),
        }
    }

    fn shaped(&self, value: String) -> Option<String> {
        let value = match &self.regex {
            None => value,
            Some(regex) => {
                let found = regex.captures(&value)?;
                found.get(1).or_else(|| found.get(0))?.as_str().trim().to_owned()
            }
        };
        match &self.stands_for {
            // `false` and `0` say that there is none.
            Some(_) if is_none(&value) => None,
            Some(other) => Some(other.clone()),
            None => (!value.is_empty()).then_some(value),
        }
    }
}

/// How APIs write that there is nothing.
pub(crate) fn is_none(value: &str) -> bool {
    matches!(value, "" | "0" | "false")
}

impl Template {
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(text: &str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (key, after) = after.split_once('}').ok_or_else(|| format!("{text:?}: a `{{` without its `}}`"))?;
            if key.is_empty() {
                return Err(format!("{text:?}: `{{}}` names no key"));
            }
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Value(Path::of_key(key)?));
            rest = after;
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Self { parts })
    }

    /// The text, where every value is there. An id that is nought is none: so APIs write "no parent".
    pub(crate) fn fill(&self, item: &Value) -> Option<String> {
        self.filled(item, |value, _| value.to_owned())
    }

    /// The same as an address: values cannot break out of the place where they stand. One with which it begins is an address
    /// itself, and stands as it is.
    pub(crate) fn fill_address(&self, item: &Value) -> Option<String> {
        self.filled(item, |value, before| match before {
            "" => value.to_owned(),
            _ => url::form_urlencoded::byte_serialize(value.as_bytes()).collect(),
        })
    }

    fn filled(&self, item: &Value, written: impl Fn(&str, &str) -> String) -> Option<String> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(path) => {
                    let value = path.text(item).filter(|value| !is_none(value))?;
                    out.push_str(&written(&value, &out));
                }
            }
        }
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pick(field: &str) -> Pick {
        let table: toml::Table = format!("x = {field}").parse().unwrap();
        Pick::new(&table["x"].clone().try_into().unwrap()).unwrap()
    }

    #[test]
    fn paths_templates_and_what_stands_for_them() {
        let item = json!({"id": 7, "post": 3, "parent": 0, "user": {"name": "张三"}, "empty": "", "at": "发布于 四川", "pics": ["a", null, "b"]});
        for (field, expected) in [
            (r#""$.id""#, Some("7")),
            (r#""c{id}""#, Some("c7")),
            (r#""/u/{user.name}/{id}""#, Some("/u/张三/7")),
            (r#""comment""#, Some("comment")),
            (r#""c{parent}""#, None),
            (r#"["c{parent}", "{post}"]"#, Some("3")),
            (r#"["$.empty", "$.absent", "$.user.name"]"#, Some("张三")),
            (r#"{ path = "$.at", regex = "发布于\\s*(.+)" }"#, Some("四川")),
            (r#"[{ path = "$.parent", as = "comment" }, "post"]"#, Some("post")),
            (r#"[{ path = "$.post", as = "comment" }, "post"]"#, Some("comment")),
            (r#""$.user""#, None),
        ] {
            assert_eq!(pick(field).from(&item).as_deref(), expected, "{field}");
        }
        assert_eq!(pick(r#"["$.absent[*]", "$.pics[*]"]"#).all(&item), ["a", "b"]);
    }

    #[test]
    fn a_value_cannot_break_out_of_an_address() {
        let template = Template::new("/comments?post={id}&n=1").unwrap();
        assert_eq!(
            template.fill_address(&json!({"id": "1&x=/../#"})).unwrap(),
            "/comments?post=1%26x%3D%2F..%2F%23&n=1"
        );
        assert_eq!(template.fill_address(&json!({"id": null})), None);
        let template = Template::new("{link}&n={id}").unwrap();
        let item = json!({"link": "https://t.example/c?post=1", "id": "a&b"});
        assert_eq!(template.fill_address(&item).unwrap(), "https://t.example/c?post=1&n=a%26b");
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (bad, expected) in [("{id", "without its"), ("{}", "names no key")] {
            assert!(Template::new(bad).unwrap_err().contains(expected), "{bad}");
        }
        assert!(Pick::new(&JsonField::Path("$.[".into())).unwrap_err().contains("no JSONPath"));
    }
}
