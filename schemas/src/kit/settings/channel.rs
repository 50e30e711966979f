//! `[[channel]]`: where pages go.
//!
//! | kind | `url` or `url_env` | `secret_env` is | keys of its own |
//! |---|---|---|---|
//! | `webhook` | http, https | the key of the signature | |
//! | `wecom` | http, https: the robot's address, with its key | | |
//! | `dingtalk` | http, https: the robot's address, with its token | the secret of 加签 | |
//! | `feishu` | http, https: the robot's address | the secret of 签名校验 | |
//! | `mail` | `smtps://` TLS, `smtp://` STARTTLS, `smtp+plain://` neither, loopback only | the password | `from`, `to`, `user`, `ca` |
//! | `gateway` | http, https, may hold placeholders | | `to`, `method`, `headers`, `body`, `success` |
//! | `alertmanager` | http, https: what stands before `/api/v2/alerts` | a bearer token | `labels` |
//!
//! A key of another kind is a fault: whoever wrote it believes that it does something.

use super::{KeyFault, log::duration};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
    path::PathBuf,
    time::Duration,
};

/// `[[channel]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Channel {
    /// The id.
    pub id: String,
    /// The name that people read.
    #[serde(default)]
    pub name: String,
    /// What it speaks.
    pub kind: ChannelKind,
    /// Where it is.
    #[serde(default)]
    pub url: String,
    /// The environment variable that holds the address, where the address itself is a secret, as a robot's is.
    pub url_env: Option<String>,
    /// The environment variable that holds the secret: what it is depends on the kind.
    pub secret_env: Option<String>,
    /// Mail: the addresses that it goes to. Gateway: the telephone numbers.
    #[serde(default)]
    pub to: Vec<String>,
    /// Mail: the address that it comes from.
    pub from: Option<String>,
    /// Mail: the name to log in with.
    pub user: Option<String>,
    /// Mail: a file of certificates (PEM) that are trusted beside the machine's own.
    pub ca: Option<PathBuf>,
    /// Gateway: POST unless said otherwise.
    pub method: Option<GatewayMethod>,
    /// Gateway: headers, the content type among them. Values may hold placeholders.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Gateway: the body, with placeholders.
    pub body: Option<String>,
    /// Gateway: what an answer must say beside its status to mean success.
    pub success: Option<GatewaySuccess>,
    /// Alertmanager: labels that are added to every alert, such as `district = "金牛"`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// At most so many messages within a minute; without it what the kind's platform allows, or no limit where it has none.
    pub per_minute: Option<u32>,
    /// The channel that takes over a page that this one cannot take.
    pub then: Option<String>,
    /// After so long without success a page that is not red goes over to `then`.
    #[serde(default = "ten_minutes", with = "duration")]
    pub failover_after: Duration,
    /// After so long without success a red page goes over to `then`.
    #[serde(default = "two_minutes", with = "duration")]
    pub failover_after_red: Duration,
}

/// What a channel speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelKind {
    /// JSON by HTTP POST; success is a 2xx answer.
    Webhook,
    /// A group robot of WeCom (企业微信).
    Wecom,
    /// A custom robot of DingTalk (钉钉).
    DingTalk,
    /// A custom robot of Feishu (飞书).
    Feishu,
    /// E-mail by SMTP.
    Mail,
    /// SMS or voice by an HTTP request that the config describes.
    Gateway,
    /// Prometheus' Alertmanager, version 2 of its API.
    Alertmanager,
}

/// How a gateway is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum GatewayMethod {
    /// GET, with everything in the address.
    Get,
    /// POST.
    #[default]
    Post,
    /// PUT.
    Put,
}

/// `[channel.success]`: a value in a gateway's JSON answer that means success.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySuccess {
    /// Where it stands, as a JSON pointer (RFC 6901): `/result/code`.
    pub pointer: String,
    /// What stands there; a number or a truth value is written as text: `"0"`, `"true"`.
    pub equals: String,
}

fn two_minutes() -> Duration {
    Duration::from_secs(120)
}

fn ten_minutes() -> Duration {
    Duration::from_secs(600)
}

impl Channel {
    /// What is wrong with this channel by itself.
    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = self.strangers();
        match (self.url.is_empty(), &self.url_env) {
            (true, None) => faults.push((
                "url",
                "the address is missing: set url or, where it is secret as a robot's is, url_env to the name of the \
                 environment variable that holds it"
                    .into(),
            )),
            (false, Some(_)) => faults.push(("url_env", "url is set too: one of the two says where it is".into())),
            (false, None) => faults.extend(self.url_fault(&self.url).map(|fault| ("url", fault))),
            (true, Some(_)) => {}
        }
        for (key, name) in [("url_env", &self.url_env), ("secret_env", &self.secret_env)] {
            faults.extend(name.as_deref().filter(|name| !is_variable(name)).map(|name| {
                (key, format!("{name:?} is no name of an environment variable: the secret itself does not belong here"))
            }));
        }
        match self.kind {
            ChannelKind::Mail => self.check_mail(&mut faults),
            ChannelKind::Gateway => self.check_gateway(&mut faults),
            _ => {}
        }
        for label in self.labels.keys().filter(|label| !is_label(label)) {
            faults.push(("labels", format!("{label:?} is no label: letters, digits and _, no digit first")));
        }
        if self.per_minute.is_some_and(|most| most < 2) {
            faults.push(("per_minute", "must be 2 or more: one is kept for red pages".into()));
        }
        if self.then.is_none() {
            for (key, set) in [
                ("failover_after", self.failover_after != ten_minutes()),
                ("failover_after_red", self.failover_after_red != two_minutes()),
            ] {
                if set {
                    faults.push((key, "there is no then: name the channel that takes over".into()));
                }
            }
        }
        faults
    }

    /// What is wrong with an address of this kind, if anything is. It is not repeated: it may hold a key.
    #[must_use]
    pub fn url_fault(&self, text: &str) -> Option<String> {
        if self.kind == ChannelKind::Mail {
            return mail_fault(text);
        }
        // A gateway's may hold placeholders, which stand in for what an address may hold.
        let web = url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let shown = if self.url_env.is_some() { "what it holds".to_owned() } else { format!("{text:?}") };
        (!web).then(|| format!("{shown} is no http or https address"))
    }

    /// Keys of other kinds.
    fn strangers(&self) -> Vec<KeyFault> {
        use ChannelKind::{Alertmanager, DingTalk, Feishu, Gateway, Mail, Webhook, Wecom};
        let keys: [(&'static str, bool, &[ChannelKind]); 11] = [
            ("secret_env", self.secret_env.is_some(), &[Webhook, DingTalk, Feishu, Mail, Alertmanager]),
            ("to", !self.to.is_empty(), &[Mail, Gateway]),
            ("from", self.from.is_some(), &[Mail]),
            ("user", self.user.is_some(), &[Mail]),
            ("ca", self.ca.is_some(), &[Mail]),
            ("method", self.method.is_some(), &[Gateway]),
            ("headers", !self.headers.is_empty(), &[Gateway]),
            ("body", self.body.is_some(), &[Gateway]),
            ("success", self.success.is_some(), &[Gateway]),
            ("labels", !self.labels.is_empty(), &[Alertmanager]),
            ("per_minute", self.per_minute.is_some(), &[Webhook, Wecom, DingTalk, Feishu, Mail, Gateway]),
        ];
        keys.into_iter()
            .filter(|(_, set, kinds)| *set && !kinds.contains(&self.kind))
            .map(|(key, _, kinds)| {
                let kinds: Vec<String> = kinds.iter().map(|kind| format!("{kind:?}").to_lowercase()).collect();
                (key, format!("has no meaning for this kind; it belongs to {}", kinds.join(", ")))
            })
            .collect()
    }

    fn check_mail(&self, faults: &mut Vec<KeyFault>) {
        if self.to.is_empty() {
            faults.push(("to", "the recipients are missing: to = [\"duty@example.gov.cn\"]".into()));
        }
        for address in self.to.iter().filter(|address| !is_mail_address(address)) {
            faults.push(("to", format!("{address:?} is no mail address")));
        }
        match &self.from {
            None => faults.push(("from", "the sender is missing: from = \"wanglou@example.gov.cn\"".into())),
            Some(from) if !is_mail_address(from) => faults.push(("from", format!("{from:?} is no mail address"))),
            Some(_) => {}
        }
        match (&self.user, &self.secret_env) {
            (Some(_), None) => faults.push(("user", "the password is missing: name its variable in secret_env".into())),
            (None, Some(_)) => faults.push(("secret_env", "the name to log in with is missing: set user".into())),
            _ => {}
        }
    }

    fn check_gateway(&self, faults: &mut Vec<KeyFault>) {
        if self.to.is_empty() {
            faults.push(("to", "the telephone numbers are missing: to = [\"13800000000\"]".into()));
        }
        for number in self.to.iter().filter(|number| !is_number(number)) {
            faults.push(("to", format!("{number:?} is no telephone number: digits, with a + before them or not")));
        }
        if self.body.is_some() && self.method == Some(GatewayMethod::Get) {
            faults.push(("body", "GET has no body: put the placeholders into url, or use POST".into()));
        }
        if let Some(success) = &self.success
            && !(success.pointer.is_empty() || success.pointer.starts_with('/'))
        {
            faults.push(("success", format!("{:?} is no JSON pointer such as \"/code\"", success.pointer)));
        }
    }
}

fn mail_fault(text: &str) -> Option<String> {
    let wanted = "wanted is smtps://HOST:465 (TLS), smtp://HOST:587 (STARTTLS) or, on this machine alone, smtp+plain://127.0.0.1:25";
    let Ok(url) = url::Url::parse(text) else { return Some(format!("this is no address of a mail server: {wanted}")) };
    if !url.username().is_empty() || url.password().is_some() {
        return Some("name and password do not belong into the address: set user and secret_env".into());
    }
    match (url.scheme(), url.host_str().filter(|host| !host.is_empty())) {
        ("smtps" | "smtp", Some(_)) => None,
        ("smtp+plain", Some(host)) => (!is_loopback(host)).then(|| {
            "smtp+plain sends pages and password in the open: only to this machine itself. Use smtps or smtp".into()
        }),
        _ => Some(format!("this is no address of a mail server: {wanted}")),
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn is_label(name: &str) -> bool {
    is_variable(name)
}

/// What lies behind it only the mail server knows; this finds what was mistyped.
fn is_mail_address(text: &str) -> bool {
    let plain =
        text.len() <= 254 && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '<' | '>' | ',' | ';' | '"'));
    plain
        && text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text);
    (3..=20).contains(&digits.len()) && digits.chars().all(|c| c.is_ascii_digit() || c == '-')
}

/// What is wrong with the chains of `then`: the place of the channel in the list, and what.
pub(super) fn chain_faults<'a>(channels: impl Iterator<Item = &'a Channel> + Clone) -> Vec<(usize, String)> {
    let next: HashMap<&str, Option<&str>> =
        channels.clone().map(|channel| (channel.id.as_str(), channel.then.as_deref())).collect();
    let mut faults = Vec::new();
    for (place, channel) in channels.enumerate() {
        let Some(then) = channel.then.as_deref() else { continue };
        if !next.contains_key(then) {
            faults.push((place, format!("there is no [[channel]] with the id {then:?}")));
            continue;
        }
        let (mut seen, mut at) = (HashSet::new(), then);
        while at != channel.id && seen.insert(at) {
            match next.get(at).copied().flatten() {
                Some(further) => at = further,
                None => break,
            }
        }
        if at == channel.id {
            faults.push((
                place,
                format!("the chain comes back to {:?}: a page that nobody takes would go round for ever", channel.id),
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let channel: Channel = toml::from_str(text).unwrap();
        channel.check().into_iter().map(|(key, message)| format!("{key}: {message}")).collect()
    }

    fn only(text: &str, key: &str, words: &str) {
        let faults = faults(text);
        assert!(
            faults.len() == 1 && faults[0].starts_with(&format!("{key}: ")) && faults[0].contains(words),
            "{text}\n{faults:?}"
        );
    }

    const MAIL: &str = "id = \"m\"\nkind = \"mail\"\nfrom = \"wanglou@a.example\"\nto = [\"duty@a.example\"]\n";
    const SMS: &str =
        "id = \"s\"\nkind = \"gateway\"\nurl = \"https://sms.example/send?to={phone}\"\nto = [\"13800000000\"]\n";

    #[test]
    fn what_is_right_has_no_fault() {
        for text in [
            "id = \"a\"\nkind = \"wecom\"\nurl = \"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k\"".to_owned(),
            "id = \"a\"\nkind = \"dingtalk\"\nurl_env = \"DING_URL\"\nsecret_env = \"DING_SECRET\"\nper_minute = 10"
                .into(),
            "id = \"a\"\nkind = \"feishu\"\nurl_env = \"FEISHU_URL\"\nthen = \"b\"\nfailover_after = \"1m\"".into(),
            format!("{MAIL}url = \"smtps://mail.a.example\"\nuser = \"u\"\nsecret_env = \"P\"\nca = \"ca.pem\""),
            format!("{MAIL}url = \"smtp://mail.a.example:587\""),
            format!("{MAIL}url = \"smtp+plain://127.0.0.1:25\""),
            format!("{MAIL}url = \"smtp+plain://[::1]:25\""),
            format!("{SMS}method = \"GET\"\n[success]\npointer = \"/code\"\nequals = \"0\""),
            "id = \"a\"\nkind = \"alertmanager\"\nurl = \"http://am:9093\"\nlabels = { district = \"金牛\" }".into(),
        ] {
            assert_eq!(faults(&text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        only("id = \"a\"\nkind = \"wecom\"", "url", "url_env");
        only("id = \"a\"\nkind = \"wecom\"\nurl = \"http://h/\"\nurl_env = \"U\"", "url_env", "one of the two");
        only("id = \"a\"\nkind = \"wecom\"\nurl = \"smtp://h\"", "url", "no http");
        only(
            "id = \"a\"\nkind = \"dingtalk\"\nurl = \"http://h/\"\nsecret_env = \"SEC-1\"",
            "secret_env",
            "does not belong here",
        );
        only("id = \"a\"\nkind = \"wecom\"\nurl = \"http://h/\"\nsecret_env = \"S\"", "secret_env", "dingtalk");
        only("id = \"a\"\nkind = \"feishu\"\nurl = \"http://h/\"\nto = [\"1\"]", "to", "gateway");
        only("id = \"a\"\nkind = \"feishu\"\nurl = \"http://h/\"\nper_minute = 1", "per_minute", "kept for red");
        only(
            "id = \"a\"\nkind = \"feishu\"\nurl = \"http://h/\"\nfailover_after_red = \"1m\"",
            "failover_after_red",
            "no then",
        );
        only("id = \"a\"\nkind = \"alertmanager\"\nurl = \"http://h/\"\nper_minute = 9", "per_minute", "no meaning");
        only(
            "id = \"a\"\nkind = \"alertmanager\"\nurl = \"http://h/\"\nlabels = { \"a b\" = \"x\" }",
            "labels",
            "no label",
        );
        only(&format!("{MAIL}url = \"http://h/\""), "url", "smtps://HOST:465");
        only(&format!("{MAIL}url = \"smtp+plain://mail.a.example\""), "url", "in the open");
        only(&format!("{MAIL}url = \"smtp://u:s3cret@mail.a.example\""), "url", "set user and secret_env");
        only(&format!("{MAIL}url = \"smtp://h\"\nuser = \"u\""), "user", "secret_env");
        only(&format!("{MAIL}url = \"smtp://h\"\nsecret_env = \"P\""), "secret_env", "set user");
        only("id = \"m\"\nkind = \"mail\"\nurl = \"smtp://h\"\nfrom = \"w@a\"", "to", "recipients");
        only("id = \"m\"\nkind = \"mail\"\nurl = \"smtp://h\"\nto = [\"w@a\"]", "from", "sender");
        only(
            "id = \"m\"\nkind = \"mail\"\nurl = \"smtp://h\"\nfrom = \"w@a\"\nto = [\"a b@c\"]",
            "to",
            "no mail address",
        );
        only("id = \"s\"\nkind = \"gateway\"\nurl = \"http://h/\"", "to", "telephone");
        only("id = \"s\"\nkind = \"gateway\"\nurl = \"http://h/\"\nto = [\"一三八\"]", "to", "no telephone number");
        only(&format!("{SMS}method = \"GET\"\nbody = \"x\""), "body", "GET has no body");
        only(&format!("{SMS}[success]\npointer = \"code\"\nequals = \"0\""), "success", "JSON pointer");
    }

    #[test]
    fn an_address_from_the_environment_is_not_repeated() {
        let channel: Channel = toml::from_str("id = \"a\"\nkind = \"wecom\"\nurl_env = \"U\"").unwrap();
        assert!(!channel.url_fault("s3cret").unwrap().contains("s3cret"));
        assert_eq!(channel.url_fault("https://h/?key=s3cret"), None);
    }

    #[test]
    fn chains_end() {
        let chain = |links: &[(&str, Option<&str>)]| {
            let channels: Vec<Channel> = links
                .iter()
                .map(|(id, then)| {
                    let then = then.map(|then| format!("then = \"{then}\"\n")).unwrap_or_default();
                    toml::from_str(&format!("id = \"{id}\"\nkind = \"webhook\"\nurl = \"http://h/\"\n{then}")).unwrap()
                })
                .collect();
            chain_faults(channels.iter()).into_iter().map(|(place, _)| place).collect::<Vec<_>>()
        };
        assert_eq!(chain(&[("a", Some("b")), ("b", Some("c")), ("c", None)]), Vec::<usize>::new());
        assert_eq!(
            chain(&[("a", Some("c")), ("b", Some("c")), ("c", None)]),
            Vec::<usize>::new(),
            "two may share a next one"
        );
        assert_eq!(chain(&[("a", Some("x"))]), [0]);
        assert_eq!(chain(&[("a", Some("a"))]), [0]);
        // Whoever only leads into the loop is not at fault.
        assert_eq!(chain(&[("a", Some("b")), ("b", Some("c")), ("c", Some("b"))]), [1, 2]);
    }
}
