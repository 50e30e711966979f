//! SMS and voice through a provider's HTTP interface: every provider has its own, so the config describes the request
//! ([`super::template`]) and what success looks like.
//!
//! | answer | meaning |
//! |---|---|
//! | 2xx, and the value at `success.pointer` is `success.equals` | taken |
//! | 2xx, and there is no `success` | taken |
//! | 2xx otherwise | not now: what its codes mean only the provider knows |
//! | anything else | by its HTTP status ([`super::http`]) |
//!
//! Values are escaped by the content type of the body: `application/json` (also where none is given) or
//! `application/x-www-form-urlencoded`. Several numbers go into one request, so that a repeat reaches nobody twice whom the first
//! try has reached alone.

use super::{
    fit::Limit,
    http::{self, Answer},
    note::Note,
    template::{Escape, Template, variable},
    webhook::header_value,
};
use crate::{message::level_word, outbox::Failure, records::Page};
use anyhow::Context;
use reqwest::{
    Client, Method,
    header::{self, HeaderName},
};
use schemas::kit::settings::{Channel, GatewayMethod, GatewaySuccess};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, time::Duration};

const MOST: Limit = Limit::Characters(500);

/// A gateway.
pub struct Gateway {
    client: Client,
    request: Request,
    to: String,
    success: Option<GatewaySuccess>,
    secrets: HashMap<String, String>,
}

/// The templates of a request.
struct Request {
    method: Method,
    url: Template,
    headers: Vec<(HeaderName, Template)>,
    body: Option<Template>,
}

impl Gateway {
    /// The gateway that a config describes; `secret` knows what the environment holds.
    ///
    /// # Errors
    /// What is wrong with its templates, or a variable that is not set.
    pub fn new(
        channel: &Channel,
        url: &str,
        secret: &dyn Fn(&str) -> Option<String>,
        timeout: Duration,
    ) -> anyhow::Result<Self> {
        let request = Request::of(channel, url).map_err(|(key, fault)| anyhow::anyhow!("{key}: {fault}"))?;
        let mut secrets = HashMap::new();
        for name in request.variables() {
            let value = secret(&name)
                .with_context(|| format!("the environment variable {name} (or {name}_FILE) is not set"))?;
            secrets.insert(name, value);
        }
        let (to, success) = (channel.to.join(","), channel.success.clone());
        Ok(Self { client: http::client(timeout)?, request, to, success, secrets })
    }

    /// Sends a page.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, page: &Page) -> Result<(), Failure> {
        let note = Note::of(page)?;
        let value = |name: &str| self.value(name, &note);
        let url = self.request.url.fill(value);
        let url: url::Url = url.parse().map_err(|_| Failure::ForGood("the address of the request is none".into()))?;
        let mut request = self.client.request(self.request.method.clone(), url);
        for (name, template) in &self.request.headers {
            request = request.header(name, header_value(&template.fill(value)));
        }
        if let Some(body) = &self.request.body {
            request = request.body(body.fill(value));
        }
        self.judge(&http::exchange(request).await?)
    }

    fn value(&self, name: &str, note: &Note) -> String {
        match name {
            "phone" => self.to.clone(),
            "text" => note.as_text("\n", MOST),
            "title" => note.title(),
            "level" => level_word(note.level()).to_owned(),
            "link" => note.link.clone(),
            "key" => note.key.clone(),
            "id" => short(&note.key),
            other => variable(other).and_then(|name| self.secrets.get(name)).cloned().unwrap_or_default(),
        }
    }

    fn judge(&self, answer: &Answer) -> Result<(), Failure> {
        answer.by_status()?;
        let Some(success) = &self.success else { return Ok(()) };
        let found = answer.json().and_then(|body| body.pointer(&success.pointer).map(written));
        if found.as_deref() == Some(success.equals.as_str()) {
            return Ok(());
        }
        let found = found.map_or_else(|| "无此值 / nothing".to_owned(), |found| format!("{found:?}"));
        let wanted = format!("{} = {found}, 应为 / wanted {:?}", success.pointer, success.equals);
        Err(Failure::ForNow {
            reason: format!("网关未接收 / not taken: {wanted}; {}", answer.said()), after: None
        })
    }
}

/// A value of an answer as the config writes it.
fn written(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A key as 32 hexadecimal digits.
pub(super) fn short(key: &str) -> String {
    Sha256::digest(key.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

impl Request {
    /// The request of a config: the key that is wrong, and what is wrong with it.
    fn of(channel: &Channel, url: &str) -> Result<Self, (&'static str, String)> {
        let method = match channel.method.unwrap_or_default() {
            GatewayMethod::Get => Method::GET,
            GatewayMethod::Post => Method::POST,
            GatewayMethod::Put => Method::PUT,
        };
        let (mut headers, mut escape) = (Vec::new(), None);
        for (name, value) in &channel.headers {
            let known = HeaderName::try_from(name.as_str());
            let name = known.map_err(|_| ("headers", format!("{name:?} is no name of a header")))?;
            if name == header::CONTENT_TYPE {
                escape = Some(escape_of(value)?);
            }
            headers.push((name, Template::parse(value, Escape::Header).map_err(|fault| ("headers", fault))?));
        }
        let body = channel.body.as_deref().map(|body| Template::parse(body, escape.unwrap_or(Escape::Json)));
        let body = body.transpose().map_err(|fault| ("body", fault))?;
        if let Some(body) = &body {
            if escape.is_none() {
                let json = Template::parse("application/json; charset=utf-8", Escape::Header);
                headers.push((header::CONTENT_TYPE, json.map_err(|fault| ("headers", fault))?));
            }
            let sample = body.fill(|_| "1".to_owned());
            if escape.unwrap_or(Escape::Json) == Escape::Json
                && let Err(error) = serde_json::from_str::<Value>(&sample)
            {
                return Err(("body", format!("with its values in place it is no JSON: {error}")));
            }
        }
        let url = Template::parse(url, Escape::Percent).map_err(|fault| ("url", fault))?;
        let request = Self { method, url, headers, body };
        if !request.templates().any(|template| template.has("phone")) {
            return Err(("to", "no placeholder {phone} says where the numbers go: put it into url or body".into()));
        }
        Ok(request)
    }

    fn templates(&self) -> impl Iterator<Item = &Template> {
        std::iter::once(&self.url).chain(self.headers.iter().map(|(_, template)| template)).chain(&self.body)
    }

    fn variables(&self) -> impl Iterator<Item = String> {
        self.templates().flat_map(Template::variables).collect::<std::collections::BTreeSet<_>>().into_iter()
    }
}

/// How values are escaped in a body of a content type.
fn escape_of(content_type: &str) -> Result<Escape, (&'static str, String)> {
    match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json" => Ok(Escape::Json),
        "application/x-www-form-urlencoded" => Ok(Escape::Percent),
        other => Err((
            "headers",
            format!(
                "values cannot be escaped for {other:?}: it must be application/json or application/x-www-form-urlencoded"
            ),
        )),
    }
}

/// What is wrong with a gateway of a config: the key, and what.
pub(super) fn fault(channel: &Channel) -> Option<(&'static str, String)> {
    // An address from the environment is seen only when it is opened; it may hold the number.
    let url = if channel.url.is_empty() { "http://in.the.environment/{phone}" } else { &channel.url };
    Request::of(channel, url).err()
}

/// The environment variables that a gateway's templates name.
pub(super) fn variables(channel: &Channel) -> Vec<String> {
    Request::of(channel, &channel.url).map(|request| request.variables().collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::http::answer;

    fn channel(rest: &str) -> Channel {
        toml::from_str(&format!("id = \"sms\"\nkind = \"gateway\"\nto = [\"13800000000\", \"13900000000\"]\n{rest}"))
            .unwrap()
    }

    #[test]
    fn faults_are_named_with_their_key() {
        let fault =
            |rest: &str| fault(&channel(rest)).map(|(key, words)| format!("{key}: {words}")).unwrap_or_default();
        assert_eq!(fault("url = \"http://h/?to={phone}&text={text}\"\nmethod = \"GET\"\n"), "");
        assert_eq!(fault("url = \"http://h/\"\nbody = '{\"to\":\"{phone}\",\"n\":{phone}}'\n"), "");
        assert_eq!(fault("url_env = \"U\"\n"), "");
        for (rest, words) in [
            ("url = \"http://h/\"\n", "to: no placeholder {phone}"),
            ("url = \"http://h/{mobile}\"\n", "url: there is no placeholder {mobile}"),
            ("url = \"http://h/{phone}\"\nbody = '{\"a\":{text}\"}'\n", "body: with its values in place it is no JSON"),
            ("url = \"http://h/{phone}\"\nheaders = { \"a b\" = \"x\" }\n", "headers: \"a b\" is no name"),
            (
                "url = \"http://h/{phone}\"\nheaders = { Content-Type = \"text/xml\" }\n",
                "headers: values cannot be escaped",
            ),
        ] {
            assert!(fault(rest).starts_with(words), "{}", fault(rest));
        }
    }

    #[test]
    fn variables_are_wanted_when_it_is_opened() {
        let channel = channel("url = \"http://h/{phone}\"\nheaders = { Authorization = \"Bearer {env.TOKEN}\" }\n");
        assert_eq!(variables(&channel), ["TOKEN"]);
        let open = |secret: &dyn Fn(&str) -> Option<String>| {
            Gateway::new(&channel, &channel.url, secret, Duration::from_secs(1))
        };
        assert!(open(&|_| None).err().unwrap().to_string().contains("TOKEN_FILE"));
        assert_eq!(open(&|name| Some(name.to_lowercase())).unwrap().secrets["TOKEN"], "token");
    }

    /// The module's table, a row each.
    #[test]
    fn what_the_answer_means() {
        let gateway = |success: &str| {
            let channel = channel(&format!("url = \"http://h/{{phone}}\"\n{success}"));
            Gateway::new(&channel, &channel.url, &|_| None, Duration::from_secs(1)).unwrap()
        };
        let (any, code) = (gateway(""), gateway("success = { pointer = \"/result/0/code\", equals = \"0\" }\n"));
        assert_eq!(any.judge(&answer(200, "whatever")), Ok(()));
        assert!(matches!(any.judge(&answer(400, "{}")), Err(Failure::ForGood(_))));
        assert!(matches!(any.judge(&answer(503, "{}")), Err(Failure::ForNow { .. })));
        for body in [r#"{"result":[{"code":0}]}"#, r#"{"result":[{"code":"0"}]}"#] {
            assert_eq!(code.judge(&answer(200, body)), Ok(()), "{body}");
        }
        for body in [r#"{"result":[{"code":17,"message":"余额不足"}]}"#, r#"{"result":[]}"#, "<html>"] {
            let Err(Failure::ForNow { reason, .. }) = code.judge(&answer(200, body)) else { panic!("{body}") };
            assert!(reason.contains("/result/0/code"), "{reason}");
        }
    }
}
