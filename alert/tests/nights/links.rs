//! Nights with a phone: the message brings a link, the phone opens it, and whoever it is signs.

use crate::support::{Answer, Message, Night, patient};
use alert::incident::Command;
use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode, header},
};
use schemas::{kit::settings::Settings, records::State};
use std::sync::Arc;
use tower::ServiceExt;

/// 22:00 by local time when a night begins: 李雷 is on duty, at a phone of his own; 张主任 is next in line.
const ROSTER: &str = r#"
[[channel]]
id = "desk"
kind = "webhook"
url = "{hook}/desk"
[[channel]]
id = "lilei"
kind = "webhook"
url = "{hook}/lilei"
then = "desk"
failover_after = "2m"
[[channel]]
id = "leader"
kind = "webhook"
url = "{hook}/leader"
[[person]]
name = "李雷"
channels = ["lilei"]
[[person]]
name = "张主任"
channels = ["leader"]
[[duty]]
id = "desk"
channels = ["desk"]
[[duty.shift]]
from = "08:00"
to = "20:00"
person = "王敏"
channels = ["desk"]
[[duty.shift]]
from = "20:00"
to = "08:00"
person = "李雷"
[duty.escalation]
after = "15m"
person = "张主任"
channels = ["leader"]
"#;
const PIN: &str = "480513";
const ID: &str = "20261124-0001";
const BASE: &str = "https://wanglou.example";

/// The link by which the readers of a message sign; that it is there, and is what its text ends with.
fn link(message: &Message) -> String {
    let link = message.body["sign_link"].as_str().unwrap().to_owned();
    assert_eq!(message.text().lines().last(), Some(link.as_str()));
    assert_eq!(message.body["link"], format!("{BASE}/incidents/{ID}"));
    assert!(link.len() <= BASE.len() + 100 && link.starts_with(&format!("{BASE}/a/")), "{link}");
    link
}

struct Page {
    status: StatusCode,
    text: String,
}

impl Page {
    fn form(&self) -> Option<&str> {
        self.text.split("name=\"form\" value=\"").nth(1)?.split('"').next()
    }
}

async fn send(night: &Night, request: axum::http::request::Builder, body: String) -> Page {
    let router = alert::sign_pages(Arc::clone(&night.desk));
    let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
    let status = response.status();
    let text = to_bytes(response.into_body(), 64 << 10).await.unwrap();
    Page { status, text: String::from_utf8(text.to_vec()).unwrap() }
}

/// The phone opens a link.
async fn open(night: &Night, link: &str) -> Page {
    send(night, Request::get(link.strip_prefix(BASE).unwrap()), String::new()).await
}

/// The phone opens a link, fills the form in and presses the button. A page without a form has none to press.
async fn sign(night: &Night, link: &str, who: &str, pin: &str) -> Page {
    let page = open(night, link).await;
    let Some(form) = page.form() else { return page };
    press(night, link, form, who, pin).await
}

async fn press(night: &Night, link: &str, form: &str, who: &str, pin: &str) -> Page {
    let fields = [("form", form), ("who", who), ("pin", pin)];
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let request = Request::post(link.strip_prefix(BASE).unwrap())
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin");
    send(night, request, body).await
}

/// A night in which everybody but 李雷 has a PIN, as `wanglou user pin` sets it.
async fn begin(config: &str) -> Night {
    let night = Night::begin(&patient(config)).await;
    for name in ["王敏", "张主任"] {
        alert::users::set_pin(&night.settings, name, PIN).await.unwrap();
    }
    night
}

#[tokio::test]
async fn one_tap_and_nobody_else_is_called() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let link = link(&night.expect("lilei", "opened"));
    let page = sign(&night, &link, "", "").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text.contains("李雷 于 11-24 22:00 签收"), "{}", page.text);
    let incident = night.only().await;
    assert_eq!((incident.state, incident.acked_by.as_deref()), (State::Acked, Some("李雷")));
    let history = night.desk.records.history(ID).await.unwrap();
    assert_eq!(history.last().unwrap().text, "签收 (经消息链接, 渠道 lilei)");
    night.wait(600).await;
    night.expect_nothing();
}

#[tokio::test]
async fn in_the_group_one_gives_name_and_pin() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("lilei", "opened");
    let link = link(&night.expect("desk", "opened"));
    let page = open(&night, &link).await;
    assert!(page.text.contains("value=\"王敏\"") && page.text.contains("value=\"张主任\""));
    assert!(!page.text.contains("value=\"李雷\""), "who has no PIN signs at his own phone");
    assert_eq!(sign(&night, &link, "王敏", "111119").await.status, StatusCode::FORBIDDEN);
    assert_eq!(night.only().await.state, State::New);
    assert_eq!(sign(&night, &link, "王敏", PIN).await.status, StatusCode::OK);
    assert_eq!(night.only().await.acked_by.as_deref(), Some("王敏"));
    night.wait(600).await;
    night.expect_nothing();
}

#[tokio::test]
async fn a_preview_signs_nothing_and_the_next_in_line_is_called() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    let links = [link(&night.expect("desk", "opened")), link(&night.expect("lilei", "opened"))];
    for link in &links {
        for _ in 0..3 {
            assert_eq!(open(&night, link).await.status, StatusCode::OK);
        }
    }
    night.wait(15).await;
    let link = link(&night.expect("leader", "escalation"));
    let page = sign(&night, &link, "", "").await;
    assert!(page.status == StatusCode::OK && page.text.contains("张主任"), "{}", page.text);
    let late = open(&night, &links[1]).await;
    assert!(late.text.contains("张主任 已签收") && late.form().is_none(), "{}", late.text);
}

#[tokio::test]
async fn guesses_kill_the_link_and_not_the_watch() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("lilei", "opened");
    let group = link(&night.expect("desk", "opened"));
    let form = open(&night, &group).await.form().unwrap().to_owned();
    // The router is a new one each time, as after a restart: what makes the link dead is in the records.
    for n in 0..10 {
        let page = press(&night, &group, &form, "王敏", "111119").await;
        assert_eq!(page.status, if n < 9 { StatusCode::FORBIDDEN } else { StatusCode::GONE }, "{n}");
    }
    assert_eq!(press(&night, &group, &form, "王敏", PIN).await.status, StatusCode::GONE);
    night.wait(15).await;
    let leader = link(&night.expect("leader", "escalation"));
    assert_eq!(sign(&night, &leader, "", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_goes_over_to_a_group_does_not_sign_as_the_person_it_was_for() {
    let config = ROSTER.replace("channels = [\"desk\"]\n[[duty.shift]]\nfrom = \"08", "[[duty.shift]]\nfrom = \"08");
    let mut night = begin(&config).await;
    night.receiver.answers("lilei", (0..9).map(|_| Answer::Status(500)));
    night.pulse("water", "s1", 18).await;
    let own = link(&night.expect("lilei", "opened"));
    for _ in 0..2 {
        night.wait(1).await;
    }
    let again: Vec<Message> = night.receiver.take_all();
    let over = again.iter().find(|message| message.channel == "desk").unwrap();
    assert!(again.iter().filter(|message| message.channel == "lilei").all(|message| link(message) == own));
    let group = link(over);
    assert_ne!(group, own);
    assert!(!over.body.to_string().contains(own.strip_prefix(BASE).unwrap()), "nothing of his link is in the group");
    let page = open(&night, &group).await;
    assert!(page.text.contains("name=\"pin\"") && !page.text.contains("的名义"), "{}", page.text);
    assert_eq!(sign(&night, &group, "", "").await.status, StatusCode::FORBIDDEN);
    assert_eq!(sign(&night, &own, "", "").await.status, StatusCode::OK, "his own still is his");
}

#[tokio::test]
async fn what_goes_over_after_it_was_signed_brings_no_link_to_sign() {
    let config = ROSTER.replace("channels = [\"desk\"]\n[[duty.shift]]\nfrom = \"08", "[[duty.shift]]\nfrom = \"08");
    let mut night = begin(&config).await;
    night.receiver.answers("lilei", (0..9).map(|_| Answer::Status(500)));
    night.pulse("water", "s1", 18).await;
    night.act("王敏", ID, Command::Ack).await.unwrap();
    for _ in 0..2 {
        night.wait(1).await;
    }
    let messages = night.receiver.take_all();
    let over = messages.iter().find(|message| message.channel == "desk").unwrap();
    assert!(over.body.get("sign_link").is_none() && !over.body.to_string().contains("/a/"), "{}", over.body);
    assert_eq!(over.text().lines().last(), Some(format!("{BASE}/incidents/{ID}").as_str()));
}

#[tokio::test]
async fn what_follows_the_signature_leads_to_the_console() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let own = link(&night.expect("lilei", "opened"));
    assert_eq!(sign(&night, &own, "", "").await.status, StatusCode::OK);
    night.wait(1).await;
    night.pulse("water", "s1", 60).await;
    for channel in ["desk", "lilei"] {
        let page = night.expect(channel, "level");
        assert!(page.body.get("sign_link").is_none());
        assert_eq!(page.text().lines().last(), Some(format!("{BASE}/incidents/{ID}").as_str()));
    }
}

#[tokio::test]
async fn nothing_is_signed_after_the_close_nor_after_the_reopening() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    let links = [link(&night.expect("desk", "opened")), link(&night.expect("lilei", "opened"))];
    let forms =
        [open(&night, &links[0]).await, open(&night, &links[1]).await].map(|page| page.form().unwrap().to_owned());
    let reason = || "演习".to_owned();
    night.act("王敏", ID, Command::FalseAlarm { text: reason() }).await.unwrap();
    for (command, words) in [(None, "事件已办结"), (Some(Command::Reopen { text: reason() }), "事件已重开")] {
        if let Some(command) = command {
            night.act("王敏", ID, command).await.unwrap();
        }
        let before = night.history(ID).await;
        for (link, form) in links.iter().zip(&forms) {
            let page = open(&night, link).await;
            assert!(page.form().is_none() && page.text.contains(words), "{}", page.text);
            let page = press(&night, link, form, "张主任", PIN).await;
            assert!(page.status == StatusCode::CONFLICT && page.text.contains(words), "{}", page.text);
        }
        assert_eq!(night.history(ID).await, before);
    }
    assert_eq!(night.only().await.acked_by.as_deref(), Some("王敏"));
}

#[tokio::test]
async fn a_new_rise_gets_links_of_its_own_and_the_old_ones_sign_the_old() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let old = link(&night.expect("lilei", "opened"));
    night.act("王敏", ID, Command::FalseAlarm { text: "演习".into() }).await.unwrap();
    night.wait(7 * 60).await;
    night.pulse("water", "s2", 18).await;
    night.expect("desk", "opened");
    let new = night.expect("lilei", "opened").body["sign_link"].as_str().unwrap().to_owned();
    assert!(open(&night, &old).await.text.contains("事件已办结"));
    assert!(open(&night, &new).await.text.contains("20261125-0001"));
    assert_eq!(sign(&night, &new, "", "").await.status, StatusCode::OK);
    let incidents = night.incidents().await;
    assert_eq!((incidents[0].state, incidents[1].state), (State::Acked, State::Closed));
}

#[tokio::test]
async fn a_link_ends_after_a_day_and_the_next_message_brings_another() {
    let config = ROSTER.split("[duty.escalation]").next().unwrap();
    let mut night = begin(config).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let old = link(&night.expect("lilei", "opened"));
    for _ in 0..24 {
        night.wait(60).await;
    }
    let page = sign(&night, &old, "", "").await;
    assert!(page.status == StatusCode::GONE && page.text.contains("链接已过期"), "{}", page.text);
    assert!(page.text.contains(BASE) && !page.text.contains("抚琴"));
    night.pulse("water", "s1", 60).await;
    night.expect("desk", "level");
    let new = link(&night.expect("lilei", "level"));
    assert_ne!(new, old);
    assert_eq!(sign(&night, &new, "", "").await.status, StatusCode::OK);
}

#[tokio::test]
async fn links_outlive_a_crash_and_sign_on_another_process() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let own = link(&night.expect("lilei", "opened"));
    let form = open(&night, &own).await.form().unwrap().to_owned();
    night.crash().await;
    let page = press(&night, &own, &form, "", "").await;
    assert!(page.status == StatusCode::OK && page.text.contains("签收成功"), "{}", page.text);
}

#[tokio::test]
async fn two_at_once_and_one_is_told_who() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    let (group, own) = (link(&night.expect("desk", "opened")), link(&night.expect("lilei", "opened")));
    let (first, second) = tokio::join!(sign(&night, &group, "王敏", PIN), sign(&night, &own, "", ""));
    let who = night.only().await.acked_by.unwrap();
    for page in [&first, &second] {
        assert!(page.text.contains(&who), "{}", page.text);
    }
    let signed = [&first, &second].iter().filter(|page| page.text.contains("签收成功")).count();
    assert_eq!(signed, 1, "{} {}", first.text, second.text);
    let history = night.history(ID).await;
    assert_eq!(history.iter().filter(|action| *action == "acked").count(), 1);
}

#[tokio::test]
async fn a_phone_that_changed_hands_signs_as_nobody() {
    let mut night = begin(ROSTER).await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    let old = link(&night.expect("lilei", "opened"));
    let config = night
        .settings
        .text
        .replace("name = \"李雷\"", "name = \"韩梅梅\"")
        .replace("person = \"李雷\"", "person = \"韩梅梅\"");
    let settings = Settings::parse(&config, []).unwrap();
    night.settings.person = settings.person;
    night.crash().await;
    let page = sign(&night, &old, "", "").await;
    assert!(page.status == StatusCode::GONE && page.text.contains("换了使用者"), "{}", page.text);
    assert_eq!(night.only().await.state, State::New);
}
