//! Every channel against the double of its platform: what goes out is what the platform takes, and what each of its errors does to
//! the page.

use crate::support::Night;
use alert::incident::Command;
use schemas::records::{DeliveryState, Phase};
use serde_json::{Value, json};

const ID: &str = "20261124-0001";
const WECOM: &str =
    "[[channel]]\nid = \"wecom\"\nkind = \"wecom\"\nurl = \"{robots}/wecom/cgi-bin/webhook/send?key=KEY\"\n";
const DINGTALK: &str = "[[channel]]\nid = \"dingtalk\"\nkind = \"dingtalk\"\nurl = \"{robots}/dingtalk/robot/send?access_token=TOKEN\"\n\
    secret_env = \"ROBOT_SECRET\"\n";
const FEISHU: &str = "[[channel]]\nid = \"feishu\"\nkind = \"feishu\"\nurl = \"{robots}/feishu/open-apis/bot/v2/hook/TOKEN\"\n\
    secret_env = \"ROBOT_SECRET\"\n";
const SMS: &str = "[[channel]]\nid = \"sms\"\nkind = \"gateway\"\nurl = \"{robots}/sms/send\"\nto = [\"13800000000\", \"13900000000\"]\n\
    headers = { Authorization = \"Bearer {env.ROBOT_SECRET}\" }\n\
    body = '{\"mobile\":\"{phone}\",\"content\":\"{text}\",\"id\":\"{id}\",\"level\":\"{level}\"}'\n\
    success = { pointer = \"/code\", equals = \"0\" }\n";
const ALERTMANAGER: &str =
    "[[channel]]\nid = \"am\"\nkind = \"alertmanager\"\nurl = \"{robots}/am/\"\nlabels = { district = \"金牛\" }\n";

async fn state(night: &Night) -> (DeliveryState, u32, String) {
    let page = night.desk.records.deliveries(ID).await.unwrap().remove(0);
    (page.state, page.attempts, page.last_error.unwrap_or_default())
}

/// A pulse whose texts try what a post can try.
async fn hostile(night: &mut Night, size: usize) {
    let mut pulse = night.make("water", "s1", 18, Phase::Rising);
    pulse.topic.name = "停水 [点我](https://evil.example) <@all> **红** # 头".into();
    pulse.samples[0].excerpt =
        format!("@所有人 <at id=all></at> ![图](http://evil.example/x.png) {}", "又停水了".repeat(size));
    night.send(&pulse).await;
}

#[tokio::test]
async fn the_robots_take_what_is_sent_and_nothing_in_it_means_anything() {
    for (config, robot) in [(WECOM, "wecom"), (DINGTALK, "dingtalk"), (FEISHU, "feishu")] {
        let mut night = Night::begin(config).await;
        hostile(&mut night, 2_000).await;
        assert_eq!(state(&night).await, (DeliveryState::Sent, 1, String::new()), "{robot}");
        let taken = night.robots.taken(robot);
        assert_eq!(taken.len(), 1, "{robot}");
        let (text, link) = taken[0].text.rsplit_once("[查看并签收](https://wanglou.example/a/").unwrap();
        let token = link.strip_suffix(')').unwrap();
        assert!(token.len() < 80 && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{link}");
        assert!(!text.contains(['[', ']', '(', '<', '@', '#', '`']) && !text.contains("://"), "{text}");
        assert!(text.starts_with("**【新舆情】") && text.contains("缘由: "), "{text}");
    }
}

/// One row of a robot's table: what it answers, and what becomes of the page.
async fn one_error(config: &str, robot: &'static str, body: Value, expected: DeliveryState, words: &str) {
    let mut night = Night::begin(config).await;
    night.robots.answers(robot, [(200, body.clone())]);
    night.pulse("water", "s1", 18).await;
    let (state, attempts, error) = state(&night).await;
    assert_eq!((state, attempts), (expected, 1), "{body}");
    assert!(error.contains(words), "{error}");
    night.wait(11).await;
    let taken = night.robots.taken(robot).len();
    assert_eq!(taken, usize::from(expected == DeliveryState::Pending), "{body}: tried again, or never");
}

#[tokio::test]
async fn what_the_robots_errors_do_to_a_page() {
    use DeliveryState::{Failed, Pending};
    for (code, words, expected) in [
        (45009, "api freq out of limit", Pending),
        (-1, "system busy", Pending),
        (93000, "invalid webhook url, hint: [1], from ip: 192.0.2.1", Failed),
        (40058, "markdown.content exceed max length 4096", Failed),
    ] {
        one_error(WECOM, "wecom", json!({ "errcode": code, "errmsg": words }), expected, words).await;
    }
    for (code, words, expected) in [
        (130101, "send too fast, exceed 20 times per minute", Pending),
        (310000, "keywords not in content", Failed),
        (310000, "ip 192.0.2.1 not in whitelist", Failed),
        (460101, "body 大小不合法", Failed),
        (300005, "token is not exist", Failed),
    ] {
        one_error(DINGTALK, "dingtalk", json!({ "errcode": code, "errmsg": words }), expected, words).await;
    }
    for (code, words, expected) in [
        (11232, "frequency limited", Pending),
        (9499, "too many request", Pending),
        (9499, "Bad Request", Failed),
        (19021, "sign match fail or timestamp is not within one hour from current time", Failed),
        (19024, "Key Words Not Found", Failed),
    ] {
        one_error(FEISHU, "feishu", json!({ "code": code, "msg": words, "data": {} }), expected, words).await;
    }
}

/// The doubles judge by themselves: a wrong key, a wrong secret, a missing keyword.
#[tokio::test]
async fn wrong_settings_are_said_by_the_robot() {
    for (config, words) in [
        (WECOM.replace("key=KEY", "key=other"), "93000"),
        (DINGTALK.replace("TOKEN", "other"), "300005"),
        (DINGTALK.replace("ROBOT_SECRET", "MAIL_PASSWORD"), "sign not match"),
        (FEISHU.replace("TOKEN", "other"), "19001"),
        (FEISHU.replace("ROBOT_SECRET", "MAIL_PASSWORD"), "19021"),
    ] {
        let mut night = Night::begin(&config).await;
        night.pulse("water", "s1", 18).await;
        let (state, attempts, error) = state(&night).await;
        assert_eq!((state, attempts), (DeliveryState::Failed, 1), "{words}");
        assert!(error.contains(words), "{error}");
        assert_eq!(night.history(ID).await, ["opened", "page_failed"]);
    }
    for (config, words) in [(DINGTALK, "keywords not in content"), (FEISHU, "Key Words Not Found")] {
        let mut night = Night::begin(config).await;
        night.robots.want_keyword("值班");
        night.pulse("water", "s1", 18).await;
        assert!(state(&night).await.2.contains(words));
    }
}

#[tokio::test]
async fn a_secret_that_is_not_in_the_environment_is_named() {
    let settings = schemas::kit::settings::Settings::parse(&DINGTALK.replace("{robots}", "http://h"), []).unwrap();
    let error = alert::channel::open(&settings, &|_| None, crate::support::PATIENCE).err().unwrap().to_string();
    assert!(error.contains("\"dingtalk\"") && error.contains("ROBOT_SECRET_FILE"), "{error}");
}

#[tokio::test]
async fn a_gateway_gets_the_request_that_the_config_describes() {
    let mut night = Night::begin(SMS).await;
    hostile(&mut night, 2_000).await;
    assert_eq!(state(&night).await.0, DeliveryState::Sent);
    let taken = night.robots.taken("sms");
    let body = &taken[0].body;
    assert_eq!((&body["mobile"], &body["level"]), (&json!("13800000000,13900000000"), &json!("IV")));
    assert_eq!(body["id"].as_str().unwrap().len(), 32);
    let (text, link) = taken[0].text.rsplit_once('\n').unwrap();
    assert!(taken[0].text.chars().count() <= 500, "{}", taken[0].text);
    assert!(link.starts_with("https://wanglou.example/a/"), "{link}");
    assert!(!taken[0].text.contains("evil.example"), "{text}");

    let mut night = Night::begin(SMS).await;
    night.robots.answers("sms", [(200, json!({ "code": 22, "msg": "余额不足" }))]);
    night.pulse("water", "s1", 18).await;
    let (waiting, _, error) = state(&night).await;
    assert_eq!(waiting, DeliveryState::Pending);
    assert!(error.contains("余额不足") && !error.contains("SEC"), "{error}");
    night.wait_seconds(1).await;
    assert_eq!(state(&night).await.0, DeliveryState::Sent);
    let key = night.robots.taken("sms")[0].body["id"].clone();
    assert_eq!(key, body["id"], "a repeat bears the same");
}

#[tokio::test]
async fn alertmanager_fires_until_the_incident_is_closed() {
    let mut night = Night::begin(ALERTMANAGER).await;
    let firing = |night: &Night| {
        let firing = night.robots.firing().into_keys().map(|labels| {
            assert_eq!(
                (labels["alertname"].as_str(), labels["district"].as_str(), labels["incident"].as_str()),
                ("WanglouIncident", "金牛", ID)
            );
            labels["level"].clone()
        });
        firing.collect::<Vec<_>>()
    };
    night.pulse("water", "s1", 18).await;
    assert_eq!(firing(&night), ["IV"]);
    night.wait(1).await;
    night.pulse("water", "s1", 300).await;
    assert_eq!(firing(&night), ["I"], "the lower level has ended");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Respond { text: "正在抢修".into(), press: true }).await.unwrap();
    night.wait(24 * 60).await;
    assert_eq!(firing(&night), ["I"], "nobody need repeat it");
    night.act("王敏", ID, Command::Close { text: "已恢复供水".into() }).await.unwrap();
    night.deliver().await;
    night.wait_seconds(1).await;
    assert_eq!(firing(&night), Vec::<String>::new());
    let reasons: Vec<String> =
        night.desk.records.deliveries(ID).await.unwrap().into_iter().map(|page| page.reason).collect();
    assert_eq!(reasons, ["opened", "level", "closed"]);

    night.robots.answers("alertmanager", [(400, json!("start time must be before end time"))]);
    night.pulse("gas", "s2", 18).await;
    let page = night.desk.records.deliveries("20261125-0001").await.unwrap().remove(0);
    assert_eq!(page.state, DeliveryState::Failed);
    assert!(page.last_error.unwrap().contains("start time"));
}

/// A webhook is told of the end by nobody: it would not know what to make of it.
#[tokio::test]
async fn only_channels_that_keep_alarms_are_told_of_the_end() {
    let mut night = Night::begin("[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\n").await;
    night.pulse("water", "s1", 18).await;
    night.expect("desk", "opened");
    night.act("王敏", ID, Command::Ack).await.unwrap();
    night.act("王敏", ID, Command::Close { text: "已恢复".into() }).await.unwrap();
    night.wait(1).await;
    night.expect_nothing();
}
