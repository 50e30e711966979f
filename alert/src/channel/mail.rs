//! E-mail by SMTP, one transaction for all recipients.
//!
//! | address | connection |
//! |---|---|
//! | `smtps://HOST[:465]` | TLS from the first byte |
//! | `smtp://HOST[:587]` | STARTTLS; a server that offers none is refused, nothing is said in the open |
//! | `smtp+plain://127.0.0.1[:25]` | neither, to this machine itself alone |
//!
//! | answer | meaning |
//! |---|---|
//! | 2yz to the message | taken |
//! | 4yz | not now |
//! | 5yz | never: the log-in, the sender or the message is refused |
//! | some recipients are refused, some are not | taken: those who can be reached are; the others are named with why |
//! | all are refused | never, if each is for good; else not now |
//! | no connection, no TLS, no answer in time | not now: it may have been taken |
//! | no STARTTLS, no way to log in that we know | never |
//!
//! The Message-ID is made from the page's key, and the date is the page's: a repeat is the same mail to the byte, and mailboxes show it
//! once.

use super::{
    fit::{Limit, cut},
    gateway::short,
    http::chain,
    note::Note,
};
use crate::{
    outbox::{Failure, Taken},
    records::Page,
};
use anyhow::Context;
use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, Header, HeaderName, HeaderValue},
    },
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail as From, Rcpt},
        extension::ClientId,
    },
};
use schemas::kit::settings::Channel;
use std::{
    error::Error,
    time::{Duration, SystemTime},
};
use url::Url;

/// A transaction is several questions and answers: so many times as long as another channel is waited for.
const STEPS: u32 = 3;
const MOST: Limit = Limit::Bytes(64 << 10);
const MOST_OF_SUBJECT: Limit = Limit::Characters(120);

/// A mail server, and who writes to whom over it.
pub struct Mail {
    host: String,
    port: u16,
    security: Security,
    hello: ClientId,
    from: Mailbox,
    to: Vec<Mailbox>,
    credentials: Option<Credentials>,
    patience: Duration,
}

enum Security {
    Tls(TlsParameters),
    StartTls(TlsParameters),
    Plain,
}

impl Mail {
    /// The server at an address that was checked ([`Channel::url_fault`]).
    ///
    /// # Errors
    /// An address that is none, or a file of certificates that cannot be read.
    pub fn new(channel: &Channel, url: &str, password: Option<String>, timeout: Duration) -> anyhow::Result<Self> {
        let url: Url = url.parse()?;
        let host = url.host_str().context("the address names no host")?.trim_matches(['[', ']']).to_owned();
        let (security, port) = match url.scheme() {
            "smtps" => (Security::Tls(tls(&host, channel)?), 465),
            "smtp" => (Security::StartTls(tls(&host, channel)?), 587),
            _ => (Security::Plain, 25),
        };
        let from: Address = channel.from.as_deref().unwrap_or_default().parse().context("from")?;
        let to = channel.to.iter().map(|to| Ok(Mailbox::new(None, to.parse()?)));
        let credentials = channel.user.clone().zip(password);
        Ok(Self {
            host,
            port: url.port().unwrap_or(port),
            security,
            hello: ClientId::Domain(from.domain().to_owned()),
            to: to.collect::<Result<_, lettre::address::AddressError>>().context("to")?,
            from: Mailbox::new(Some("望楼".into()), from),
            credentials: credentials.map(|(user, password)| Credentials::new(user, password)),
            patience: timeout * STEPS,
        })
    }

    /// Sends a page.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, page: &Page) -> Result<Taken, Failure> {
        let message = self.message(page)?;
        match tokio::time::timeout(self.patience, self.deliver(&message)).await {
            Ok(done) => done,
            Err(_) => Err(for_now(format!("the mail server did not answer within {} s", self.patience.as_secs()))),
        }
    }

    fn message(&self, page: &Page) -> Result<Vec<u8>, Failure> {
        let note = Note::of(page)?;
        let id = format!("<{}@{}>", short(&page.key), self.from.email.domain());
        let mut message = Message::builder()
            .from(self.from.clone())
            .subject(cut(&note.title(), MOST_OF_SUBJECT))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(page.created_at.as_second().unsigned_abs()))
            .message_id(Some(id))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN);
        for to in &self.to {
            message = message.to(to.clone());
        }
        let message = message.body(note.as_text("\n", MOST));
        Ok(message
            .map_err(|error| Failure::ForGood(format!("no mail can be made of it: {}", chain(&error))))?
            .formatted())
    }

    async fn deliver(&self, message: &[u8]) -> Result<Taken, Failure> {
        let from_the_start = match &self.security {
            Security::Tls(parameters) => Some(parameters.clone()),
            Security::StartTls(_) | Security::Plain => None,
        };
        let server = (self.host.as_str(), self.port);
        let mut connection =
            AsyncSmtpConnection::connect_tokio1(server, Some(self.patience), &self.hello, from_the_start, None)
                .await
                .map_err(|error| judge("连接", &error))?;
        let done = self.converse(&mut connection, message).await;
        // A good-bye that is not heard changes nothing. After an error none is said: a connection whose TLS has failed has no stream
        // any more, and lettre 0.11 panics when it is written to.
        if done.is_ok() {
            let _ = connection.quit().await;
        }
        done
    }

    async fn converse(&self, connection: &mut AsyncSmtpConnection, message: &[u8]) -> Result<Taken, Failure> {
        if let Security::StartTls(parameters) = &self.security {
            let upgraded = connection.starttls(parameters.clone(), &self.hello).await;
            upgraded.map_err(|error| judge("STARTTLS", &error))?;
        }
        if let Some(credentials) = &self.credentials {
            let entered = connection.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await;
            entered.map_err(|error| judge("登录 / log-in", &error))?;
        }
        let from = From::new(Some(self.from.email.clone()), Vec::new());
        connection.command(from).await.map_err(|error| judge("发件人 / sender", &error))?;
        let mut refused = Vec::new();
        for to in &self.to {
            if let Err(error) = connection.command(Rcpt::new(to.email.clone(), Vec::new())).await {
                refused.push(judge(&format!("收件人 / recipient {}", to.email), &error));
            }
        }
        if refused.len() == self.to.len() {
            let passes = refused.iter().position(|failure| matches!(failure, Failure::ForNow { .. })).unwrap_or(0);
            return Err(refused.swap_remove(passes));
        }
        connection.command(Data).await.map_err(|error| judge("DATA", &error))?;
        connection.message(message).await.map_err(|error| judge("正文 / message", &error))?;
        let but = refused.iter().map(Failure::to_string).collect::<Vec<_>>().join("; ");
        Ok(Taken { but: Some(but).filter(|but| !but.is_empty()) })
    }
}

/// How the server is known to be the one that it should be.
fn tls(host: &str, channel: &Channel) -> anyhow::Result<TlsParameters> {
    let mut parameters = TlsParameters::builder(host.to_owned());
    if let Some(file) = &channel.ca {
        let pem = std::fs::read(file).with_context(|| format!("ca: {} cannot be read", file.display()))?;
        let certificate = Certificate::from_pem(&pem);
        let certificate = certificate.with_context(|| format!("ca: {} holds no certificates (PEM)", file.display()))?;
        parameters = parameters.add_root_certificate(certificate);
    }
    parameters.build().context("TLS")
}

fn for_now(reason: String) -> Failure {
    Failure::ForNow { reason, after: None }
}

/// What an error in a step of the conversation means, by the module's table.
fn judge(step: &str, error: &SmtpError) -> Failure {
    let reason = match (error.status(), error.source()) {
        (Some(code), Some(said)) => format!("{step}: {code} {said}"),
        _ => format!("{step}: {}", chain(error)),
    };
    if error.is_permanent() || error.is_client() { Failure::ForGood(reason) } else { for_now(reason) }
}

/// Nobody's absence note should come back (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::note::tests::page;

    fn mail(rest: &str) -> anyhow::Result<Mail> {
        let channel: Channel = toml::from_str(&format!(
            "id = \"m\"\nkind = \"mail\"\nfrom = \"wanglou@desk.example\"\nto = [\"a@desk.example\", \"b@desk.example\"]\n{rest}"
        ))
        .unwrap();
        Mail::new(&channel, &channel.url, None, Duration::from_secs(1))
    }

    #[test]
    fn a_mail_is_the_same_at_every_try() {
        let mail = mail("url = \"smtp+plain://127.0.0.1\"\n").unwrap();
        let (first, again) = (mail.message(&page("停水")).unwrap(), mail.message(&page("停水")).unwrap());
        assert_eq!(first, again);
        let text = String::from_utf8(first).unwrap();
        let header = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().to_owned();
        assert_eq!(header("To: "), "a@desk.example, b@desk.example");
        assert_eq!(header("Date: "), "Tue, 24 Nov 2026 03:04:05 +0000");
        assert_eq!(header("Message-ID: "), format!("<{}@desk.example>", short("20261124-0001/1/desk")));
        assert_eq!(header("Auto-Submitted: "), "auto-generated");
        let other = mail.message(&Page { key: "20261124-0001/2/desk".into(), ..page("停水") }).unwrap();
        assert!(!String::from_utf8(other).unwrap().contains(&short("20261124-0001/1/desk")));
    }

    /// Whatever a title holds, it makes no header of its own.
    #[test]
    fn a_title_makes_no_header() {
        let mail = mail("url = \"smtp+plain://127.0.0.1\"\n").unwrap();
        let text = String::from_utf8(mail.message(&page("停水\r\nBcc: x@evil.example")).unwrap()).unwrap();
        assert!(!text.lines().any(|line| line.to_lowercase().starts_with("bcc")), "{text}");
    }

    #[test]
    fn certificates_that_are_none_are_named() {
        let fault = |ca: &str| {
            mail(&format!("url = \"smtps://mail.desk.example\"\nca = \"{ca}\"\n")).err().unwrap().to_string()
        };
        assert!(fault("/nowhere/ca.pem").contains("/nowhere/ca.pem cannot be read"));
    }
}
