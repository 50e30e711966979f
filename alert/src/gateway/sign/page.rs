//! What a phone shows: small pages of HTML without a script. Everything that was crawled or typed is escaped.

use crate::{
    engine::link::Signer,
    message::{level_word, state_name},
    policy::level_name,
};
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::{Timestamp, tz::TimeZone};
use schemas::records::{Incident, State};
use sha2::{Digest, Sha256};
use std::{fmt::Write, sync::LazyLock};

const STYLE: &str = include_str!("page.css");

/// Nothing may run, load, frame or be sent elsewhere; the one style sheet is known by its hash.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
});

/// How a page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    /// It says how things stand.
    Plain,
    /// It is done.
    Good,
    /// Something is wrong.
    Bad,
}

/// What a page says first: in Chinese, and the same in English.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) tone: Tone,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) english: String,
}

impl Said {
    pub(super) fn new(tone: Tone, title: &str, text: impl Into<String>, english: impl Into<String>) -> Self {
        Self { tone, title: title.to_owned(), text: text.into(), english: english.into() }
    }
}

/// What a page asks for.
pub(super) enum Ask<'a> {
    /// One tap of the person whose own the channel is.
    Own(&'a str),
    /// Who of these, and their PIN; one may be chosen already.
    Group(&'a [Signer], Option<&'a str>),
    /// Nothing: there is nothing to sign, or nobody who could.
    Nothing,
}

/// A page about an incident.
pub(super) struct View<'a> {
    pub(super) incident: &'a Incident,
    pub(super) tz: &'a TimeZone,
    /// The incident's page in the console.
    pub(super) console: &'a str,
    pub(super) said: Option<Said>,
    pub(super) ask: Ask<'a>,
    /// The form token.
    pub(super) form: &'a str,
}

/// A page that says one thing, and where to go on.
pub(super) fn notice(status: StatusCode, said: &Said, console: &str) -> Response {
    let body = told(said) + &on(console, "登录值班台", "Log in at the console");
    answer(status, &said.title, &body)
}

impl View<'_> {
    pub(super) fn show(&self, status: StatusCode) -> Response {
        let mut body = self.said.as_ref().map(told).unwrap_or_default();
        body += &self.head();
        match self.ask {
            Ask::Own(name) => body += &self.own(name),
            Ask::Group(signers, chosen) => body += &self.group(signers, chosen),
            Ask::Nothing => {}
        }
        body += &self.facts();
        body += &self.samples();
        body += &on(self.console, "登录值班台查看详情", "Log in at the console for more");
        answer(status, &self.incident.title, &body)
    }

    fn head(&self) -> String {
        let incident = self.incident;
        format!(
            "<section><span class=\"level {}\">{}</span><h1>{}</h1></section>",
            level_word(incident.level),
            level_name(incident.level),
            escape(&incident.title)
        )
    }

    fn facts(&self) -> String {
        let incident = self.incident;
        let mut rows = vec![
            ("缘由", incident.why.clone()),
            (
                "数量",
                format!(
                    "{} 条, 5 分钟最高 {} 条, 负面 {:.0}%, 互动 {}",
                    incident.count,
                    incident.peak,
                    incident.negative_share * 100.0,
                    incident.reach
                ),
            ),
            ("状态", state_name(incident.state).to_owned()),
        ];
        if let Some(who) = &incident.acked_by {
            let at = incident.acked_at.map(|at| self.time(at)).unwrap_or_default();
            rows.push(("签收", format!("{who} {at}")));
        }
        rows.push(("发现", self.time(incident.opened_at)));
        if let Some(due) = incident.ack_due_at.filter(|_| incident.state == State::New) {
            rows.push(("签收时限", self.time(due)));
        }
        rows.push(("编号", incident.id.clone()));
        let mut list = String::new();
        for (name, value) in rows {
            let _ = write!(list, "<dt>{name}</dt><dd>{}</dd>", escape(&value));
        }
        format!("<section><dl>{list}</dl></section>")
    }

    fn samples(&self) -> String {
        if self.incident.samples.is_empty() {
            return String::new();
        }
        let mut list = String::new();
        for sample in &self.incident.samples {
            let (text, source) = (escape(&sample.excerpt), escape(&sample.source));
            let _ = write!(
                list,
                "<blockquote>{text}<small>{source} {}</small></blockquote>",
                self.time(sample.published_at)
            );
        }
        format!("<section><h2>样例 <span lang=\"en\">Samples</span></h2>{list}</section>")
    }

    fn own(&self, name: &str) -> String {
        let (name, form) = (escape(name), escape(self.form));
        format!(
            "<section><form method=\"post\"><input type=\"hidden\" name=\"form\" value=\"{form}\"><p>以 <b>{name}</b> 的名义签收\
             <small lang=\"en\">Sign as {name}. This link is yours alone: do not pass it on</small></p>\
             <button type=\"submit\">签收</button></form></section>"
        )
    }

    fn group(&self, signers: &[Signer], chosen: Option<&str>) -> String {
        let mut names = String::new();
        for signer in signers {
            let name = escape(&signer.name);
            let checked = if chosen == Some(signer.name.as_str()) { " checked" } else { "" };
            let duty = if signer.on_duty { "<span class=\"duty\">当班</span>" } else { "" };
            let _ = write!(
                names,
                "<label><input type=\"radio\" name=\"who\" value=\"{name}\" required{checked}>{name}{duty}</label>"
            );
        }
        format!(
            "<section><form method=\"post\" autocomplete=\"off\"><input type=\"hidden\" name=\"form\" value=\"{}\">\
             <h2>由谁签收 <span lang=\"en\">Who signs</span></h2><fieldset class=\"names\">{names}</fieldset>\
             <label class=\"pin\">签收 PIN (六位数字)<input name=\"pin\" type=\"password\" inputmode=\"numeric\" pattern=\"[0-9]{{6}}\" \
             minlength=\"6\" maxlength=\"6\" autocomplete=\"off\" required></label><button type=\"submit\">签收</button>\
             <small lang=\"en\">Choose your name, give your PIN and sign. No PIN yet: set one in the console</small></form></section>",
            escape(self.form)
        )
    }

    fn time(&self, at: Timestamp) -> String {
        time(self.tz, at)
    }
}

/// A time as a person reads it, in the config's timezone.
pub(super) fn time(tz: &TimeZone, at: Timestamp) -> String {
    at.to_zoned_datetime(tz.clone()).strftime("%m-%d %H:%M").to_string()
}

fn told(said: &Said) -> String {
    let tone = match said.tone {
        Tone::Plain => "",
        Tone::Good => " good",
        Tone::Bad => " bad",
    };
    format!(
        "<section class=\"told{tone}\" role=\"status\"><p><b>{}</b></p><p>{}<small lang=\"en\">{}</small></p></section>",
        escape(&said.title),
        escape(&said.text),
        escape(&said.english)
    )
}

fn on(console: &str, words: &str, english: &str) -> String {
    format!(
        "<a class=\"go\" href=\"{}\" rel=\"noreferrer\">{words}<small lang=\"en\">{english}</small></a>",
        escape(console)
    )
}

fn answer(status: StatusCode, title: &str, body: &str) -> Response {
    let page = format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width,initial-scale=1\"><meta name=\"robots\" content=\"noindex,nofollow\">\
         <meta name=\"referrer\" content=\"no-referrer\"><meta name=\"format-detection\" content=\"telephone=no\">\
         <title>{} · 望楼</title><style>{STYLE}</style></head><body><main>\
         <div class=\"brand\"><b>望楼</b><span>舆情签收</span></div>{body}</main></body></html>",
        escape(title)
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow, noarchive"),
    ];
    let mut response = (status, headers, page).into_response();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// Text within an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever was posted or typed, it is text.
        #[test]
        fn nothing_breaks_out(text in any::<String>()) {
            let safe = escape(&text);
            prop_assert!(!safe.contains(['<', '>', '"', '\'']) && !safe.chars().any(char::is_control));
            let back = safe.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'").replace("&amp;", "&");
            prop_assert_eq!(back, text.replace(char::is_control, " "));
        }
    }
}
