//! The channel `mail` against a mail server with STARTTLS, TLS and log-in, which the test starts and ends (`mail/server.sh`).

// A test speaks by failing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use alert::{
    channel::{self, Channel},
    outbox::{Failure, Taken},
    records::Page,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use schemas::{kit::settings::Settings, records::DeliveryState};
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use support::{Night, secret};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

struct Server {
    folder: TempDir,
    starttls: u64,
    tls: u64,
    mails: UnboundedReceiver<Value>,
    script: Child,
}

impl Server {
    /// A server of its own, whose certificate an authority of its own has signed.
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let write =
            |name: &str, what: &str, der: &[u8]| std::fs::write(folder.path().join(name), pem(what, der)).unwrap();
        write("ca.pem", "CERTIFICATE", authority.der());
        write("cert.pem", "CERTIFICATE", certificate.der());
        write("key.pem", "PRIVATE KEY", &key.serialize_der());

        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mail/server.sh"))
            .args(["run".into(), folder.path().join("cert.pem"), folder.path().join("key.pem")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(script.stdout.take().unwrap()).lines();
        let ports =
            lines.next().expect("the mail server starts: alert/tests/mail/server.sh fetch installs it").unwrap();
        let ports: Value = serde_json::from_str(&ports).unwrap();
        let (tell, mails) = unbounded_channel();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = tell.send(serde_json::from_str(&line).unwrap());
            }
        });
        let port = |name: &str| ports[name].as_u64().unwrap();
        Self { starttls: port("starttls"), tls: port("tls"), folder, mails, script }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A config with the channel `mail`.
    fn config(&self, url: &str, to: &[&str], rest: &str) -> String {
        format!(
            "[[channel]]\nid = \"mail\"\nkind = \"mail\"\nfrom = \"wanglou@desk.example\"\nurl = \"{url}\"\nto = {to:?}\n{rest}\n"
        )
    }

    /// Over STARTTLS, with log-in.
    fn usual(&self, to: &[&str]) -> String {
        let url = format!("smtp://localhost:{}", self.starttls);
        self.config(&url, to, &format!("user = \"wanglou\"\nsecret_env = \"MAIL_PASSWORD\"\nca = {:?}", self.ca()))
    }

    async fn mail(&mut self) -> Value {
        self.mails.recv().await.unwrap()
    }

    fn nothing_more(&mut self) {
        assert!(self.mails.try_recv().is_err());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}

fn pem(what: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN {what}-----\n{}\n-----END {what}-----\n", lines.join("\n"))
}

fn open(config: &str, timeout: u64) -> Arc<Channel> {
    let settings = Settings::parse(config, []).unwrap();
    channel::open(&settings, &secret, Duration::from_secs(timeout)).unwrap().remove("mail").unwrap()
}

fn page(key: &str) -> Page {
    let (text, link) =
        ("【新舆情】蓝色 IV 级 停水\n缘由: 见 https://evil.example", "https://wanglou.example/incidents/20261124-0001");
    Page {
        key: key.into(),
        incident: None,
        channel: "mail".into(),
        reason: "opened".into(),
        urgency: 4,
        body: json!({ "key": key, "reason": "opened", "text": format!("{text}\n{link}"), "link": link }).to_string(),
        created_at: "2026-11-24T03:04:05Z".parse().unwrap(),
    }
}

async fn send(config: &str) -> Result<Taken, Failure> {
    open(config, 10).send(&page("i/1/mail"), jiff::Timestamp::now()).await
}

fn header(mail: &Value, name: &str) -> String {
    let raw = mail["raw"].as_str().unwrap();
    raw.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_mail_goes_over_starttls_and_tls_to_all_recipients() {
    let mut server = Server::start();
    send(&server.usual(&["a@desk.example", "b@desk.example"])).await.unwrap();
    let first = server.mail().await;
    assert_eq!(first["to"], json!(["a@desk.example", "b@desk.example"]));
    assert_eq!(
        (&first["from"], &first["user"], &first["secure"]),
        (&json!("wanglou@desk.example"), &json!("wanglou"), &json!(true))
    );
    assert!(header(&first, "Subject").starts_with("=?utf-8?"));

    let url = format!("smtps://127.0.0.1:{}", server.tls);
    send(&server.config(&url, &["a@desk.example", "b@desk.example"], &format!("ca = {:?}", server.ca())))
        .await
        .unwrap();
    let again = server.mail().await;
    assert_eq!((&again["user"], &again["secure"]), (&Value::Null, &json!(true)));
    assert_eq!(header(&again, "Message-ID"), header(&first, "Message-ID"), "a repeat is seen as one");
    assert_eq!(again["raw"], first["raw"]);

    let url = format!("smtp+plain://127.0.0.1:{}", server.starttls);
    send(&server.config(&url, &["a@desk.example"], "")).await.unwrap();
    assert_eq!(server.mail().await["secure"], false);
}

#[tokio::test]
async fn a_server_that_is_not_trusted_hears_nothing() {
    let mut server = Server::start();
    for url in [format!("smtp://localhost:{}", server.starttls), format!("smtps://localhost:{}", server.tls)] {
        let failure = send(&server.config(&url, &["a@desk.example"], "")).await.unwrap_err();
        assert!(
            matches!(failure, Failure::ForNow { .. }) && failure.to_string().to_lowercase().contains("certificate"),
            "{failure}"
        );
    }
    server.nothing_more();
}

/// What each refusal means to the page.
#[tokio::test]
async fn refusals_are_for_good_or_for_now() {
    let mut server = Server::start();
    for (to, code, for_good) in [
        (&["nobody@desk.example"][..], "550", true),
        (&["full@desk.example"], "452", false),
        (&["nobody@desk.example", "full@desk.example"], "452", false),
        (&["spam@desk.example"], "554", true),
        (&["later@desk.example"], "451", false),
    ] {
        let failure = send(&server.usual(to)).await.unwrap_err();
        assert_eq!(matches!(failure, Failure::ForGood(_)), for_good, "{failure}");
        assert!(failure.to_string().contains(code), "{failure}");
    }
    let wrong = server.usual(&["a@desk.example"]).replace("user = \"wanglou\"", "user = \"somebody\"");
    let failure = send(&wrong).await.unwrap_err();
    assert!(matches!(&failure, Failure::ForGood(reason) if reason.contains("535")), "{failure}");
    let gone = server.config("smtp+plain://127.0.0.1:1", &["a@desk.example"], "");
    assert!(matches!(send(&gone).await, Err(Failure::ForNow { .. })));
    server.nothing_more();
}

#[tokio::test]
async fn one_recipient_who_is_refused_costs_the_others_nothing() {
    let mut server = Server::start();
    let all = ["nobody@desk.example", "a@desk.example", "full@desk.example"];
    let mut night = Night::begin(&server.usual(&all)).await;
    night.pulse("water", "s1", 18).await;
    assert_eq!(server.mail().await["to"], json!(["a@desk.example"]));
    server.nothing_more();
    let history = night.desk.records.history(&night.only().await.id).await.unwrap();
    let sent = &history.iter().find(|event| event.action == "page_sent").unwrap().text;
    let told = ["已送达 mail", "nobody@desk.example", "full@desk.example"].map(|text| sent.contains(text));
    assert_eq!((told, sent.contains("a@desk.example")), ([true; 3], false), "{sent}");
}

/// The server has the mail and does not say so: it is sent again, and is the same.
#[tokio::test]
async fn an_unanswered_mail_is_repeated_as_the_same() {
    let mut server = Server::start();
    let mute = open(&server.usual(&["mute@desk.example"]), 1);
    let failure = mute.send(&page("i/1/mail"), jiff::Timestamp::now()).await.unwrap_err();
    assert!(matches!(failure, Failure::ForNow { .. }), "{failure}");
    let config = server.usual(&["mute@desk.example"]);
    assert!(matches!(
        open(&config, 1).send(&page("i/1/mail"), jiff::Timestamp::now()).await,
        Err(Failure::ForNow { .. })
    ));
    let (first, again) = (server.mail().await, server.mail().await);
    assert_eq!(first["raw"], again["raw"]);
}

#[tokio::test]
async fn from_the_outbox_to_the_mailbox() {
    let mut server = Server::start();
    let mut night = Night::begin(&server.usual(&["duty@desk.example"])).await;
    night.pulse("water", "s1", 18).await;
    let mail = server.mail().await;
    let incident = night.only().await;
    let deliveries = night.desk.records.deliveries(&incident.id).await.unwrap();
    assert_eq!((deliveries.len(), deliveries[0].state, deliveries[0].attempts), (1, DeliveryState::Sent, 1));
    assert!(!header(&mail, "Message-ID").is_empty());

    let mut night = Night::begin(&server.usual(&["spam@desk.example"])).await;
    night.pulse("water", "s1", 18).await;
    let deliveries = night.desk.records.deliveries(&incident.id).await.unwrap();
    assert_eq!(deliveries[0].state, DeliveryState::Failed);
    assert!(deliveries[0].last_error.as_deref().unwrap().contains("554"));
}
