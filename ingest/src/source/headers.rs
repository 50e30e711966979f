//! Headers of the config, with their secrets filled in from the environment: `Authorization = "Bearer $TOWN_TOKEN"`.

use super::PathFault;
use http::{HeaderName, HeaderValue};
use std::{collections::BTreeMap, fmt};

/// Headers that go with each request to a source's own host. They are never shown.
#[derive(Clone, Default)]
pub(crate) struct Headers(pub(crate) Vec<(HeaderName, HeaderValue)>);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

impl Headers {
    /// Fills in what `secret` knows by name.
    ///
    /// # Errors
    /// Every fault, with the path of its key.
    pub(crate) fn new(
        headers: &BTreeMap<String, String>,
        secret: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, Vec<PathFault>> {
        let (mut filled, mut faults) = (Vec::new(), Vec::new());
        for (name, value) in headers {
            match header(name, value, &secret) {
                Ok(header) => filled.push(header),
                Err(fault) => faults.push((vec!["json".into(), "headers".into(), name.clone()], fault)),
            }
        }
        if faults.is_empty() { Ok(Self(filled)) } else { Err(faults) }
    }
}

fn header(
    name: &str,
    value: &str,
    secret: impl Fn(&str) -> Option<String>,
) -> Result<(HeaderName, HeaderValue), String> {
    let valid = HeaderName::try_from(name).map_err(|_| format!("{name:?} is no name of a header"))?;
    if matches!(valid.as_str(), "host" | "content-length" | "transfer-encoding" | "connection" | "user-agent") {
        return Err(format!("{name:?} is not for a config to set"));
    }
    let filled = filled(value, secret)?;
    // Without the value: it may hold the secret.
    let mut value =
        HeaderValue::from_str(&filled).map_err(|_| format!("the value of {name:?} cannot be a header's"))?;
    value.set_sensitive(true);
    Ok((valid, value))
}

/// The text with each `$NAME` and `${NAME}` filled in; `$$` is a dollar sign.
fn filled(text: &str, secret: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            out.push('$');
            rest = after;
            continue;
        }
        let (name, after) = match after.strip_prefix('{') {
            Some(braced) => braced.split_once('}').ok_or("a `${` without its `}`")?,
            None => {
                after.split_at(after.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(after.len()))
            }
        };
        if name.is_empty() {
            return Err("a `$` without a name: `$NAME` is taken from the environment, `$$` is a dollar sign".into());
        }
        out.push_str(&secret(name).ok_or_else(|| {
            format!("{name} is not set: it is taken from the environment variable {name}, or from the file that {name}_FILE names")
        })?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> Result<Headers, Vec<PathFault>> {
        let secret = |name: &str| (name == "TOKEN").then(|| "hush".to_owned());
        Headers::new(&BTreeMap::from([("Authorization".to_owned(), value.to_owned())]), secret)
    }

    #[test]
    fn secrets_are_filled_in_and_never_shown() {
        for (written, expected) in [
            ("Bearer $TOKEN", "Bearer hush"),
            ("${TOKEN}x", "hushx"),
            ("$$5", "$5"),
            ("plain", "plain"),
            ("$TOKEN-$TOKEN", "hush-hush"),
        ] {
            let headers = headers(written).unwrap();
            assert_eq!(headers.0[0].1.to_str().unwrap(), expected, "{written}");
            assert!(!format!("{headers:?} {:?}", headers.0).contains("hush"));
        }
    }

    #[test]
    fn what_is_missing_is_named_with_its_key() {
        let (path, message) = headers("Bearer $OTHER").unwrap_err().remove(0);
        assert_eq!(path, ["json", "headers", "Authorization"]);
        assert!(message.contains("OTHER is not set") && message.contains("OTHER_FILE"), "{message}");
        for bad in ["$", "${TOKEN", "a\nb"] {
            assert!(headers(bad).is_err(), "{bad}");
        }
        let host = Headers::new(&BTreeMap::from([("Host".to_owned(), "x".to_owned())]), |_| None);
        assert!(host.unwrap_err()[0].1.contains("not for a config"));
    }
}
