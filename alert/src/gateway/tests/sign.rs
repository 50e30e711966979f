//! The page that a link in a message opens: what it shows, who signs with it, and what nobody can do with it.

use super::*;
use crate::{incident::Command, records::Page};
use jiff::SignedDuration;
use schemas::records::{Incident, State};

const HOUSE: &str = r#"
[http]
public_url = "https://wanglou.example"
[[channel]]
id = "desk"
kind = "wecom"
url = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k"
[[channel]]
id = "lilei"
kind = "gateway"
url = "http://127.0.0.1:9/?to={phone}&m={text}"
to = ["13800000000"]
[[person]]
name = "李雷"
channels = ["lilei"]
[[duty]]
id = "desk"
channels = ["desk", "lilei"]
[[duty.shift]]
from = "00:00"
to = "00:00"
person = "王敏"
channels = ["desk"]
[duty.escalation]
after = "15m"
person = "张主任"
channels = ["desk"]
"#;
const ID: &str = "20261124-0001";
const PIN: &str = "480513";

/// A house with an incident that awaits a signature, and a PIN of 王敏.
async fn house() -> House {
    let house = House::of(HOUSE, Vec::new()).await;
    house.add_incident().await;
    set_pin(&house, "王敏").await;
    house
}

async fn set_pin(house: &House, name: &str) {
    let hashed = tokio::task::spawn_blocking(|| crate::password::hash(PIN).unwrap()).await.unwrap();
    let mut tx = house.gateway.desk.records.begin().await.unwrap();
    tx.set_pin(name, &hashed, house.gateway.desk.now()).await.unwrap();
    tx.commit().await.unwrap();
}

impl House {
    async fn page(&self, channel: &str) -> Page {
        self.gateway.desk.records.page(&format!("{ID}/1/{channel}")).await.unwrap().unwrap()
    }

    /// The path of the link in the page that a channel got.
    async fn path(&self, channel: &str) -> String {
        let body: Value = serde_json::from_str(&self.page(channel).await.body).unwrap();
        body["sign_link"].as_str().unwrap().strip_prefix("https://wanglou.example").unwrap().to_owned()
    }

    /// A link that is made now.
    fn fresh(&self, id: &str, turn: u16, channel: &str) -> String {
        let desk = &self.gateway.desk;
        let link = desk.links.write(id, turn, channel, desk.now()).unwrap();
        link.strip_prefix("https://wanglou.example").unwrap().to_owned()
    }

    async fn incident(&self) -> Incident {
        self.gateway.desk.records.incident(ID).await.unwrap().unwrap().incident
    }

    /// Everything that a request might have changed.
    async fn everything(&self) -> String {
        let records = &self.gateway.desk.records;
        let file = records.incident(ID).await.unwrap();
        let (history, audit) = (records.history(ID).await.unwrap(), records.audit_entries(99).await.unwrap());
        format!("{file:?} {history:?} {audit:?} {:?}", records.deliveries(ID).await.unwrap())
    }

    async fn submit(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    /// Opens the page and presses its button, as a phone's browser does.
    async fn tap(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let form = form(&self.get(path, None).await.text);
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.append_pair("form", &form).extend_pairs(fields);
        self.submit(path, &[("sec-fetch-site", "same-origin"), ("origin", "null")], &body.finish()).await
    }

    async fn act(&self, who: &str, command: Command) {
        let by = Caller { name: who.into(), role: Role::Operator };
        self.gateway.desk.act(ID, &command, &by, None).await.unwrap();
    }
}

/// The form token of a page; nothing where it has no form.
fn form(page: &str) -> String {
    let value = page.split("name=\"form\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    value.unwrap_or_default().to_owned()
}

fn has_button(page: &Answer) -> bool {
    page.text.contains("<button")
}

#[tokio::test]
async fn anybody_with_the_link_reads_one_incident_and_needs_no_log_in() {
    let house = house().await;
    let path = house.path("lilei").await;
    assert!(path.len() <= 100, "{path}");
    let page = house.get(&path, None).await;
    assert_eq!(page.status, StatusCode::OK);
    for words in [
        "停水: 抚琴街道今天又停水了",
        "蓝色 IV 级",
        "18 条, 5 分钟最高 18 条",
        "11-24 11:19",
        "新发",
        "以 <b>李雷</b> 的名义",
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    assert!(page.text.contains("<html lang=\"zh-CN\">") && page.text.contains("noindex"));
    assert!(page.text.len() < 20 << 10, "{} bytes", page.text.len());
    assert!(
        !page.text.contains("<script") && !page.text.contains("forum.example"),
        "no script, and no address of a stranger"
    );
    let header = |name: &str| page.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("cache-control"), "no-store");
    assert_eq!(header("referrer-policy"), "no-referrer");
    assert!(header("x-robots-tag").starts_with("noindex"));
    assert!(!page.headers.contains_key("set-cookie"));
    let policy = header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
}

#[tokio::test]
async fn a_session_or_a_token_gives_no_more() {
    let house = house().await;
    let path = house.path("desk").await;
    let plain = house.get(&path, None).await.text;
    for role in Role::ALL {
        assert_eq!(house.get(&path, Some(role)).await.text, plain, "{role:?}");
    }
    let form = form(&plain);
    let request = request(Method::POST, &path, Some(Role::Admin))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let answer = house.send(request.body(Body::from(format!("form={form}&who=Admin&pin="))).unwrap()).await;
    assert_eq!((answer.status, house.incident().await.state), (StatusCode::FORBIDDEN, State::New));
    // And the link opens nothing else.
    for path in ["/api/incidents", "/api/incidents/20261124-0001", "/api/session"] {
        assert_eq!(house.get(path, None).await.status, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn looking_changes_nothing_whoever_looks() {
    let house = house().await;
    let before = house.everything().await;
    for channel in ["desk", "lilei"] {
        let path = house.path(channel).await;
        for agent in [
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) MicroMessenger/8.0.42",
            "Mozilla/5.0 (Linux; Android 12) DingTalk/7.0",
            "Feishu-LinkPreview/1.0",
            "facebookexternalhit/1.1",
            "TelegramBot (like TwitterBot)",
            "",
        ] {
            for method in [Method::GET, Method::HEAD, Method::GET] {
                let request = Request::builder().method(method.clone()).uri(&path).header(header::USER_AGENT, agent);
                let answer = house.send(request.header("purpose", "prefetch").body(Body::empty()).unwrap()).await;
                assert_eq!(answer.status, StatusCode::OK);
                assert_eq!(answer.text.is_empty(), method == Method::HEAD);
            }
        }
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let request = Request::builder().method(method).uri(&path).body(Body::empty()).unwrap();
            assert_eq!(house.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
        }
    }
    assert_eq!(house.everything().await, before);
}

#[tokio::test]
async fn one_tap_signs_as_whose_own_the_channel_is() {
    let house = house().await;
    let path = house.path("lilei").await;
    let answer = house.tap(&path, &[("who", "王敏"), ("pin", "000000")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert!(answer.text.contains("签收成功") && answer.text.contains("李雷 于 11-24 11:04 签收"), "{}", answer.text);
    assert!(answer.text.contains("https://wanglou.example/incidents/20261124-0001") && !has_button(&answer));
    let incident = house.incident().await;
    assert_eq!((incident.state, incident.acked_by.as_deref()), (State::Acked, Some("李雷")), "whoever else is named");
    let records = &house.gateway.desk.records;
    let event = records.history(ID).await.unwrap().pop().unwrap();
    assert_eq!(
        (event.who.as_str(), event.action.as_str(), event.text.as_str()),
        ("李雷", "acked", "签收 (经短信链接, 渠道 lilei)")
    );
    let audit = records.audit_entries(9).await.unwrap();
    assert!(
        audit.iter().any(|entry| entry.action == "acked" && entry.who == "李雷" && entry.detail.contains("渠道 lilei")),
        "{audit:?}"
    );

    // A finger taps twice.
    let before = house.everything().await;
    let again = house.submit(&path, &[], &format!("form={}", house.gateway.desk.links.form(&path[3..]))).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    let page = house.get(&path, None).await;
    assert!(page.text.contains("李雷 已签收") && !has_button(&page), "{}", page.text);
    assert_eq!(house.everything().await, before);
}

#[tokio::test]
async fn of_a_group_whoever_has_a_pin_signs_with_it() {
    let house = house().await;
    set_pin(&house, "张主任").await;
    set_pin(&house, "路人").await;
    let path = house.path("desk").await;
    let page = house.get(&path, None).await;
    assert!(
        page.text.contains("value=\"王敏\"") && page.text.contains("value=\"张主任\"") && page.text.contains("当班")
    );
    assert!(!page.text.contains("路人") && !page.text.contains("李雷"), "who is not on this roster, or has no PIN");
    for (who, pin) in [("王敏", "480514"), ("路人", PIN), ("李雷", PIN), ("", PIN), ("王敏", ""), ("<b>", PIN)]
    {
        house.wait(901);
        let answer = house.tap(&path, &[("who", who), ("pin", pin)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{who} {pin}");
        assert!(answer.text.contains("姓名或 PIN 不对") && has_button(&answer));
    }
    assert_eq!(house.incident().await.state, State::New);
    let audit = house.gateway.desk.records.audit_entries(99).await.unwrap();
    let failed: Vec<&str> =
        audit.iter().filter(|entry| entry.action == "pin_failed").map(|entry| entry.who.as_str()).collect();
    assert_eq!(failed.len(), 6, "{audit:?}");
    assert!(failed.contains(&"王敏") && failed.contains(&"路人"));

    let answer = house.tap(&path, &[("who", "张主任"), ("pin", " 480513 ")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(house.incident().await.acked_by.as_deref(), Some("张主任"));
    let event = house.gateway.desk.records.history(ID).await.unwrap().pop().unwrap();
    assert_eq!(event.text, "签收 (经群机器人链接, 渠道 desk)");
    // The button again: it was they; and somebody else is told who.
    let form = house.gateway.desk.links.form(&path[3..]);
    let answer = house.submit(&path, &[], &format!("form={form}&who=%E5%BC%A0%E4%B8%BB%E4%BB%BB&pin=")).await;
    assert_eq!((answer.status, answer.text.contains("张主任 已签收")), (StatusCode::OK, true));
    let answer = house.submit(&path, &[], &format!("form={form}&who=%E7%8E%8B%E6%95%8F&pin={PIN}")).await;
    assert_eq!((answer.status, answer.text.contains("张主任 已签收")), (StatusCode::CONFLICT, true));
}

#[tokio::test]
async fn where_nobody_has_a_pin_it_says_what_to_do() {
    let house = House::of(HOUSE, Vec::new()).await;
    house.add_incident().await;
    let page = house.get(&house.path("desk").await, None).await;
    assert!(page.text.contains("还没有设置签收 PIN") && !has_button(&page), "{}", page.text);
}

#[tokio::test]
async fn pins_are_not_guessed() {
    let house = house().await;
    let path = house.path("desk").await;
    let wrong = [("who", "王敏"), ("pin", "111119")];
    for _ in 0..5 {
        assert_eq!(house.tap(&path, &wrong).await.status, StatusCode::FORBIDDEN);
    }
    let answer = house.tap(&path, &[("who", "王敏"), ("pin", PIN)]).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "even the right one waits");
    assert!(
        answer.headers.contains_key(header::RETRY_AFTER) && answer.text.contains("16 分钟后再试"),
        "{}",
        answer.text
    );
    let another = house.fresh(ID, 0, "lilei");
    assert_eq!(house.get(&another, None).await.status, StatusCode::OK);
    house.wait(901);
    let fresh = house.fresh(ID, 0, "desk");
    for n in 0..5 {
        let answer = house.tap(&path, &wrong).await;
        let wanted = if n < 4 { StatusCode::FORBIDDEN } else { StatusCode::GONE };
        assert_eq!(answer.status, wanted, "{n}");
    }
    // The tenth has made the link dead, for ever; the incident waits on, and goes to the next in line.
    house.wait(901);
    for answer in [house.get(&path, None).await, house.submit(&path, &[], "form=x").await] {
        assert_eq!(answer.status, StatusCode::GONE);
        assert!(answer.text.contains("链接已停用") && answer.text.contains("逾时会通知下一级"), "{}", answer.text);
    }
    assert_eq!(house.incident().await.state, State::New);
    let answer = house.tap(&fresh, &[("who", "王敏"), ("pin", PIN)]).await;
    assert_eq!(answer.status, StatusCode::OK, "another message's link lives");
    assert_eq!(house.incident().await.acked_by.as_deref(), Some("王敏"));
}

#[tokio::test]
async fn guesses_with_many_links_are_counted_by_the_name() {
    let house = house().await;
    for n in 0..6 {
        house.wait(1);
        let answer = house.tap(&house.fresh(ID, 0, "desk"), &[("who", "王敏"), ("pin", "111119")]).await;
        let wanted = if n < 5 { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(answer.status, wanted, "{n}");
    }
}

#[tokio::test]
async fn nothing_but_the_page_itself_signs() {
    let house = house().await;
    let path = house.path("lilei").await;
    let right = format!("form={}", form(&house.get(&path, None).await.text));
    let of_another = format!("form={}", form(&house.get(&house.path("desk").await, None).await.text));
    let before = house.everything().await;
    let own = ("sec-fetch-site", "same-origin");
    for (headers, body, wanted) in [
        (vec![("sec-fetch-site", "cross-site")], right.as_str(), 403),
        (vec![("sec-fetch-site", "same-site")], &right, 403),
        (vec![("sec-fetch-site", "none")], &right, 403),
        (vec![("sec-fetch-site", "cross-site"), ("origin", "https://wanglou.example")], &right, 403),
        (vec![("origin", "https://evil.example")], &right, 403),
        (vec![("origin", "https://evil.example"), ("host", "wanglou.example")], &right, 403),
        (vec![("origin", "wanglou.example")], &right, 403),
        (vec![own], "", 403),
        (vec![own], "form=", 403),
        (vec![own], &of_another, 403),
        (vec![own], "form=AAAAAAAAAAAAAAAAAAAAAA", 403),
        (vec![], "", 403),
    ] {
        let answer = house.submit(&path, &headers, body).await;
        assert_eq!(answer.status.as_u16(), wanted, "{headers:?} {body}");
        assert!(answer.text.contains("没有签收"), "{}", answer.text);
    }
    for kind in ["application/json", "text/plain", "multipart/form-data; boundary=x"] {
        let request = Request::post(&path).header(header::CONTENT_TYPE, kind).body(Body::from(right.clone())).unwrap();
        assert_eq!(house.send(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{kind}");
    }
    let request = Request::post(&path).body(Body::from(right.clone())).unwrap();
    assert_eq!(house.send(request).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    assert_eq!(house.submit(&path, &[own], &"x".repeat(5 << 10)).await.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(house.everything().await, before);

    let (by_host, by_name) =
        ([("origin", "http://10.0.0.7:8080"), ("host", "10.0.0.7:8080")], [("origin", "https://wanglou.example")]);
    for headers in [&by_host[..], &by_name[..], &[("origin", "null")][..], &[][..]] {
        let answer = house.submit(&path, headers, &right).await;
        assert_eq!(answer.status, StatusCode::OK, "{headers:?}");
    }
}

#[tokio::test]
async fn what_is_closed_is_shown_and_not_signed() {
    let house = house().await;
    let paths = [house.path("lilei").await, house.path("desk").await];
    house.act("王敏", Command::FalseAlarm { text: "演习".into() }).await;
    let before = house.everything().await;
    for path in &paths {
        let page = house.get(path, None).await;
        assert_eq!((page.status, has_button(&page)), (StatusCode::OK, false));
        assert!(page.text.contains("事件已办结") && page.text.contains("抚琴街道今天又停水了"), "{}", page.text);
        let form = house.gateway.desk.links.form(&path[3..]);
        let answer = house.submit(path, &[], &format!("form={form}&who=%E7%8E%8B%E6%95%8F&pin={PIN}")).await;
        assert_eq!(
            (answer.status, answer.text.contains("事件已办结")),
            (StatusCode::CONFLICT, true),
            "{}",
            answer.text
        );
    }
    assert_eq!(house.everything().await, before);
}

#[tokio::test]
async fn an_old_link_signs_nothing_after_it_was_reopened() {
    let house = house().await;
    let paths = [house.path("lilei").await, house.path("desk").await];
    house.act("王敏", Command::FalseAlarm { text: "演习".into() }).await;
    house.act("王敏", Command::Reopen { text: "并非演习".into() }).await;
    let before = house.everything().await;
    for path in &paths {
        let page = house.get(path, None).await;
        assert!(page.text.contains("事件已重开, 此链接不再能签收") && !has_button(&page), "{}", page.text);
        let form = house.gateway.desk.links.form(&path[3..]);
        let answer = house.submit(path, &[], &format!("form={form}&who=%E7%8E%8B%E6%95%8F&pin={PIN}")).await;
        assert_eq!(
            (answer.status, answer.text.contains("事件已重开")),
            (StatusCode::CONFLICT, true),
            "{}",
            answer.text
        );
    }
    assert_eq!(house.everything().await, before);
    let fresh = house.fresh(ID, 1, "lilei");
    assert!(house.get(&fresh, None).await.text.contains("王敏 已签收"), "whoever reopens it signs it");
}

#[tokio::test]
async fn a_link_ends() {
    let house = house().await;
    let path = house.path("lilei").await;
    house.wait(86_399);
    assert_eq!(house.get(&path, None).await.status, StatusCode::OK);
    house.wait(1);
    let before = house.everything().await;
    let form = house.gateway.desk.links.form(&path[3..]);
    for answer in [house.get(&path, None).await, house.submit(&path, &[], &format!("form={form}")).await] {
        assert_eq!(answer.status, StatusCode::GONE);
        assert!(
            answer.text.contains("链接已过期") && answer.text.contains("https://wanglou.example"),
            "{}",
            answer.text
        );
        assert!(!answer.text.contains("停水"), "it shows nothing of the incident");
    }
    assert_eq!(house.everything().await, before);
}

#[tokio::test]
async fn what_is_no_link_opens_nothing() {
    let house = house().await;
    let path = house.path("lilei").await;
    let (mut changed, last) = (path.clone(), path.chars().last().unwrap());
    changed.pop();
    changed.push(if last == 'A' { 'Q' } else { 'A' });
    let unknown = house.fresh("20261124-0002", 0, "lilei");
    for path in [
        changed.as_str(),
        &path[..30],
        &format!("{path}/x"),
        &format!("{path}."),
        "/a/x",
        "/a/%FF%00",
        "/a/../api",
        &unknown,
    ] {
        for method in [Method::GET, Method::POST] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let answer = house.send(request).await;
            let is_ours = answer.text.contains("链接不完整或无效");
            assert!(is_ours || answer.status == StatusCode::BAD_REQUEST, "{path}: {} {}", answer.status, answer.text);
            assert!(answer.status.is_client_error() && !answer.text.contains("抚琴"), "{path}");
        }
    }
}

#[tokio::test]
async fn a_link_signs_its_own_incident_and_no_other() {
    let house = house().await;
    let identity = Identity { cluster: "c".into(), topic_id: "t".into() };
    house.gateway.desk.take(&[crate::samples::pulse("gas")], &identity, 0, 2).await.unwrap();
    let answer = house.tap(&house.fresh("20261124-0002", 0, "lilei"), &[("incident", ID)]).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(house.incident().await.state, State::New);
    let other = house.gateway.desk.records.incident("20261124-0002").await.unwrap().unwrap().incident;
    assert_eq!(other.acked_by.as_deref(), Some("李雷"));
}

#[tokio::test]
async fn two_sign_at_once_and_one_is_told_who_was_first() {
    let house = house().await;
    let (own, group) = (house.path("lilei").await, house.path("desk").await);
    let own_form = format!("form={}", form(&house.get(&own, None).await.text));
    let group_form = format!("form={}&who=%E7%8E%8B%E6%95%8F&pin={PIN}", form(&house.get(&group, None).await.text));
    let (first, second) = tokio::join!(house.submit(&own, &[], &own_form), house.submit(&group, &[], &group_form));
    let mut both = [first.status.as_u16(), second.status.as_u16()];
    both.sort_unstable();
    assert_eq!(both, [200, 409], "{} {}", first.text, second.text);
    let who = house.incident().await.acked_by.unwrap();
    let late = if first.status == StatusCode::OK { &second } else { &first };
    assert!(late.text.contains(&who), "{}", late.text);
    let history = house.gateway.desk.records.history(ID).await.unwrap();
    assert_eq!(history.iter().filter(|event| event.action == "acked").count(), 1);
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let house = House::of(&HOUSE.replace("王敏", "<王>&\\\"'"), Vec::new()).await;
    let mut pulse = crate::samples::pulse("water");
    let hostile = "</title><script>alert(1)</script><img src=x onerror=alert(1)>\"'&#x202e;<!--";
    pulse.topic.name = hostile.into();
    pulse.samples[0].excerpt = hostile.into();
    pulse.samples[0].source = "\"><a href=javascript:alert(1)>".into();
    let identity = Identity { cluster: "c".into(), topic_id: "t".into() };
    house.gateway.desk.take(&[pulse], &identity, 0, 1).await.unwrap();
    set_pin(&house, "<王>&\"'").await;
    for channel in ["desk", "lilei"] {
        let page = house.get(&house.path(channel).await, None).await;
        for tag in ["<script", "<img", "<a href=j", "<!--", "<王>"] {
            assert!(!page.text.contains(tag), "{tag}: {}", page.text);
        }
        assert!(page.text.contains("&lt;script&gt;alert(1)"));
        assert!(page.text.len() < 20 << 10, "{} bytes", page.text.len());
    }
    let answer = house.tap(&house.path("desk").await, &[("who", "<王>&\"'"), ("pin", "000001")]).await;
    assert!(answer.status == StatusCode::FORBIDDEN && !answer.text.contains("<王>"), "{}", answer.text);
    let answer = house.tap(&house.path("desk").await, &[("who", "<王>&\"'"), ("pin", PIN)]).await;
    assert!(answer.status == StatusCode::OK && !answer.text.contains("<王>"), "{}", answer.text);
}

#[tokio::test]
async fn a_process_that_stands_by_shows_and_does_not_sign() {
    let house = house().await;
    let path = house.path("lilei").await;
    house.gateway.desk.give_back().await.unwrap();
    assert_eq!(house.get(&path, None).await.status, StatusCode::OK);
    let answer = house.tap(&path, &[]).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.headers.contains_key(header::RETRY_AFTER) && answer.text.contains("未作任何改动"),
        "{}",
        answer.text
    );
    assert_eq!(house.incident().await.state, State::New);
}

#[tokio::test]
async fn links_begin_with_the_listening_address_where_there_is_no_public_one() {
    let listening = HOUSE.replace("public_url = \"https://wanglou.example\"", "listen = \"10.1.2.3:8080\"");
    let settings = Settings::parse(&listening, []).unwrap();
    let base = crate::base(&settings);
    let keys = vec![crate::link::Key::new(&[7; 32]).unwrap()];
    let link = crate::link::Links::of(&settings, keys, &base).write(ID, 0, "desk", crate::samples::moment()).unwrap();
    assert!(link.starts_with("http://10.1.2.3:8080/a/"), "{link}");
    let warned = crate::warnings(&settings).into_iter().map(|fault| fault.message).collect::<Vec<_>>().join("\n");
    assert!(warned.contains("public_url is missing"), "{warned}");
}

#[tokio::test]
async fn a_channel_that_became_anothers_voids_its_links() {
    let house = house().await;
    let path = house.path("lilei").await;
    let settings = Settings::parse(&HOUSE.replace("李雷", "韩梅梅"), []).unwrap();
    let keys = crate::link::keys(&house.gateway.desk.records, &|_| None).await.unwrap();
    let links = crate::link::Links::of(&settings, keys, "https://wanglou.example");
    assert_eq!(links.open(&path[3..], house.gateway.desk.now()), Err(crate::link::LinkError::Void));
    let later = house.gateway.desk.now() + SignedDuration::from_hours(1);
    assert!(house.gateway.desk.links.open(&path[3..], later).is_ok());
}
