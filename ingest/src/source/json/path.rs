//! JSONPath (RFC 9535), and values as texts.

use serde_json::Value;
use serde_json_path::JsonPath;

/// Nests deeper than any API does; what is deeper is refused by the parser already.
const MAX_CHARS: usize = 1_000;

/// A compiled path.
#[derive(Debug, Clone)]
pub(crate) struct Path(JsonPath);

impl Path {
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(path: &str) -> Result<Self, String> {
        if path.chars().count() > MAX_CHARS {
            return Err(format!("a JSONPath of more than {MAX_CHARS} characters"));
        }
        JsonPath::parse(path).map(Self).map_err(|error| format!("{path:?} is no JSONPath (RFC 9535): {error}"))
    }

    /// The path of a key as templates name it: `user.name` is `$.user.name`.
    pub(crate) fn of_key(key: &str) -> Result<Self, String> {
        if key.starts_with('$') {
            return Self::new(key);
        }
        let quoted: String = key.split('.').map(|part| format!("[{}]", Value::from(part))).collect();
        Self::new(&format!("${quoted}"))
    }

    /// All that it finds.
    pub(crate) fn all<'v>(&self, value: &'v Value) -> Vec<&'v Value> {
        self.0.query(value).all()
    }

    /// The first that it finds and that can be a text.
    pub(crate) fn text(&self, value: &Value) -> Option<String> {
        self.0.query(value).iter().find_map(|found| scalar(found))
    }
}

/// A value as a text; none of nothing, and of what holds others.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
    };
    (!text.is_empty()).then_some(text)
}

/// What an answer holds, for a person who looks for where its items are.
pub(crate) fn shown(answer: &Value) -> String {
    let short = |text: &str| text.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
    match answer {
        Value::Object(object) => {
            let said = ["error", "message", "error_description", "msg", "errmsg"]
                .iter()
                .find_map(|key| scalar(object.get(*key)?));
            let keys: Vec<String> = object.keys().take(20).map(|key| short(key)).collect();
            let said = said.map(|said| format!(" and says {:?}", short(&said))).unwrap_or_default();
            format!("the answer is an object with the keys {}{said}", keys.join(", "))
        }
        Value::Array(items) => format!("the answer is a list of {}", items.len()),
        other => format!("the answer is {:?}", short(&other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_are_paths_and_strange_ones_are_quoted() {
        let value = json!({"user": {"name": "张三", "it's \"x\"": 7}, "a-b": true, "none": null, "many": [1, 2]});
        let text = |key| Path::of_key(key).unwrap().text(&value);
        assert_eq!(text("user.name").as_deref(), Some("张三"));
        assert_eq!(text("user.it's \"x\"").as_deref(), Some("7"));
        assert_eq!(text("a-b").as_deref(), Some("true"));
        assert_eq!((text("none"), text("many"), text("absent")), (None, None, None));
        assert_eq!(text("$.many[1]").as_deref(), Some("2"));
        assert!(Path::new("$[").unwrap_err().contains("no JSONPath"));
    }
}
