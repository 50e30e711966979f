//! Doubles of the platforms that pages go to. Each checks format, signature and size as the real one does, keeps its quota by the
//! time of the test, and answers with the real bodies; what it took it keeps.

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    http::{HeaderMap, Response, StatusCode},
    routing::post,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

/// The secret that the robots of DingTalk and Feishu are set up with, and the token of the gateway.
pub const SECRET: &str = "SEC0f1e2d3c";
const HOUR: i64 = 3_600_000;
const MINUTE: i64 = 60_000;

/// A message that a platform took.
#[derive(Debug, Clone)]
pub struct Taken {
    pub platform: &'static str,
    /// When, in milliseconds of the test's time.
    pub at: i64,
    /// What people read.
    pub text: String,
    pub body: Value,
}

/// An alert of Alertmanager: when it ends, and what it says.
#[derive(Debug, Clone)]
pub struct Alarm {
    pub ends: Timestamp,
    pub summary: String,
}

#[derive(Default)]
struct Inner {
    taken: Vec<Taken>,
    /// When each platform was sent to, whatever it answered.
    tried: HashMap<&'static str, Vec<i64>>,
    blocked_until: HashMap<&'static str, i64>,
    answers: HashMap<&'static str, VecDeque<(u16, String)>>,
    /// What DingTalk's and Feishu's robots want to see in every message.
    keyword: String,
    alarms: BTreeMap<BTreeMap<String, String>, Alarm>,
    /// Requests that the platform's own limits refused.
    pub refused: Vec<&'static str>,
}

#[derive(Clone)]
pub struct Robots {
    pub url: String,
    time: Arc<AtomicI64>,
    inner: Arc<Mutex<Inner>>,
}

type Reply = (u16, Value);

impl Robots {
    pub async fn start(time: Arc<AtomicI64>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let robots = Self { url: format!("http://{}", listener.local_addr().unwrap()), ..Self::aside(time) };
        let router = robots.router();
        tokio::spawn(async move { axum::serve(listener, router).await });
        robots
    }

    /// Robots that nobody can reach but by [`Robots::router`].
    pub fn aside(time: Arc<AtomicI64>) -> Self {
        Self { url: String::new(), time, inner: Arc::default() }
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/wecom/cgi-bin/webhook/send", post(wecom))
            .route("/dingtalk/robot/send", post(dingtalk))
            .route("/feishu/open-apis/bot/v2/hook/{token}", post(feishu))
            .route("/sms/send", post(sms))
            .route("/am/api/v2/alerts", post(alertmanager))
            .with_state(self.clone())
    }

    /// What a platform answers to the next messages, whatever they are; after that it judges them again.
    pub fn answers(&self, platform: &'static str, answers: impl IntoIterator<Item = (u16, Value)>) {
        let answers = answers.into_iter().map(|(status, body)| (status, body.to_string()));
        self.inner.lock().unwrap().answers.entry(platform).or_default().extend(answers);
    }

    /// The keyword that messages must hold from now on.
    pub fn want_keyword(&self, keyword: &str) {
        self.inner.lock().unwrap().keyword = keyword.to_owned();
    }

    /// What a platform took since it was asked last.
    pub fn taken(&self, platform: &str) -> Vec<Taken> {
        let mut inner = self.inner.lock().unwrap();
        let (taken, left) = std::mem::take(&mut inner.taken).into_iter().partition(|taken| taken.platform == platform);
        inner.taken = left;
        taken
    }

    /// How often a platform was sent to.
    pub fn tried(&self, platform: &str) -> usize {
        self.inner.lock().unwrap().tried.get(platform).map_or(0, Vec::len)
    }

    /// The platforms that refused a message because it came too soon.
    pub fn refused(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.inner.lock().unwrap().refused)
    }

    /// The alerts that fire now, by what tells them apart.
    pub fn firing(&self) -> BTreeMap<BTreeMap<String, String>, Alarm> {
        let now = self.now();
        let alarms = self.inner.lock().unwrap().alarms.clone();
        alarms.into_iter().filter(|(_, alarm)| alarm.ends.as_millisecond() > now).collect()
    }

    fn now(&self) -> i64 {
        self.time.load(Ordering::SeqCst)
    }

    /// Answers a message: as it was told to, or as the platform judges it.
    fn receive(&self, platform: &'static str, judge: impl FnOnce(&mut Inner, i64) -> Reply) -> Response<Body> {
        let now = self.now();
        let mut inner = self.inner.lock().unwrap();
        inner.tried.entry(platform).or_default().push(now);
        let (status, body) = match inner.answers.get_mut(platform).and_then(VecDeque::pop_front) {
            Some(told) => told,
            None => {
                let (status, body) = judge(&mut inner, now);
                (status, body.to_string())
            }
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response
    }
}

impl Inner {
    fn take(&mut self, platform: &'static str, at: i64, text: &str, body: &Value) {
        self.taken.push(Taken { platform, at, text: text.into(), body: body.clone() });
    }

    /// Whether so many within a time would be more than the platform allows.
    fn is_over(&mut self, platform: &'static str, now: i64, most: usize, within: i64) -> bool {
        let lately = self.taken_at(platform).into_iter().filter(|at| now - at < within).count();
        if lately >= most {
            self.refused.push(platform);
        }
        lately >= most
    }

    fn taken_at(&self, platform: &str) -> Vec<i64> {
        self.tried
            .get(platform)
            .cloned()
            .unwrap_or_default()
            .split_last()
            .map(|(_, before)| before.to_vec())
            .unwrap_or_default()
    }
}

fn signed(key: &str, message: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(message.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn wecom(
    State(robots): State<Robots>,
    Query(query): Query<HashMap<String, String>>,
    bytes: Bytes,
) -> Response<Body> {
    robots.receive("wecom", |inner, now| {
        let error = |code: i64, said: &str| (200, json!({ "errcode": code, "errmsg": format!("{said}, hint: [1], from ip: 192.0.2.1, more info at https://open.work.weixin.qq.com/devtool/query?e={code}") }));
        if query.get("key").map(String::as_str) != Some("KEY") {
            return error(93000, "invalid webhook url");
        }
        let Ok(body) = serde_json::from_slice::<Value>(&bytes) else { return error(40008, "invalid message type") };
        let (Some("markdown"), Some(text)) = (body["msgtype"].as_str(), body["markdown"]["content"].as_str()) else {
            return error(40008, "invalid message type");
        };
        if text.len() > 4096 {
            return error(40058, "markdown.content exceed max length 4096. invalid Request Parameter");
        }
        if text.is_empty() {
            return error(44004, "empty content");
        }
        if inner.is_over("wecom", now, 20, MINUTE) {
            return error(45009, "api freq out of limit");
        }
        inner.take("wecom", now, text, &body);
        (200, json!({ "errcode": 0, "errmsg": "ok" }))
    })
}

async fn dingtalk(
    State(robots): State<Robots>,
    Query(query): Query<HashMap<String, String>>,
    bytes: Bytes,
) -> Response<Body> {
    robots.receive("dingtalk", |inner, now| {
        let error = |code: i64, said: &str| (200, json!({ "errcode": code, "errmsg": said }));
        let field = |name: &str| query.get(name).cloned().unwrap_or_default();
        if field("access_token") != "TOKEN" {
            return error(300005, "token is not exist");
        }
        if bytes.len() > 20_000 {
            return error(460101, "description: body 大小不合法;solution:请保持大小在 20000bytes 以内;");
        }
        let Ok(body) = serde_json::from_slice::<Value>(&bytes) else { return error(40035, "缺少参数 json") };
        let (Some("markdown"), Some(title), Some(text)) =
            (body["msgtype"].as_str(), body["markdown"]["title"].as_str(), body["markdown"]["text"].as_str())
        else {
            return error(400105, "不支持的消息类型");
        };
        if title.is_empty() || body["at"]["isAtAll"] == true {
            return error(40035, "缺少参数 title");
        }
        let time = field("timestamp");
        if time.parse::<i64>().map_or(true, |time| (time - now).abs() > HOUR) {
            return error(310000, "invalid timestamp, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]");
        }
        if field("sign") != signed(SECRET, &format!("{time}\n{SECRET}")) {
            return error(310000, "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]");
        }
        if !text.contains(&inner.keyword) {
            return error(
                310000,
                "keywords not in content, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]",
            );
        }
        let blocked = inner.blocked_until.get("dingtalk").is_some_and(|until| *until > now);
        if blocked || inner.is_over("dingtalk", now, 20, MINUTE) {
            if !blocked {
                inner.blocked_until.insert("dingtalk", now + 10 * MINUTE);
            }
            return error(130101, "send too fast, exceed 20 times per minute");
        }
        inner.take("dingtalk", now, text, &body);
        (200, json!({ "errcode": 0, "errmsg": "ok" }))
    })
}

async fn feishu(State(robots): State<Robots>, Path(token): Path<String>, bytes: Bytes) -> Response<Body> {
    robots.receive("feishu", |inner, now| {
        let error = |code: i64, said: &str| (200, json!({ "code": code, "msg": said, "data": {} }));
        if token != "TOKEN" {
            return error(19001, "param invalid: incoming webhook access token invalid");
        }
        if bytes.len() > 20 << 10 {
            return error(19036, "The message exceeds the size limit of 30KB");
        }
        let Ok(body) = serde_json::from_slice::<Value>(&bytes) else { return error(9499, "Bad Request") };
        let time = body["timestamp"].as_str().unwrap_or_default();
        let is_now = time.parse::<i64>().is_ok_and(|time| (time * 1000 - now).abs() <= HOUR);
        if !is_now || body["sign"].as_str() != Some(signed(&format!("{time}\n{SECRET}"), "").as_str()) {
            return error(19021, "sign match fail or timestamp is not within one hour from current time");
        }
        let element = &body["card"]["elements"][0];
        let (Some("interactive"), Some("markdown"), Some(text)) =
            (body["msg_type"].as_str(), element["tag"].as_str(), element["content"].as_str())
        else {
            return error(19002, "param invalid: msg_type");
        };
        if !text.contains(&inner.keyword) {
            return error(19024, "Key Words Not Found");
        }
        if inner.is_over("feishu", now, 100, MINUTE) || inner.is_over("feishu", now, 5, 1_000) {
            return error(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]");
        }
        inner.take("feishu", now, text, &body);
        (200, json!({ "StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success" }))
    })
}

async fn sms(State(robots): State<Robots>, headers: HeaderMap, bytes: Bytes) -> Response<Body> {
    robots.receive("sms", |inner, now| {
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
        if bearer != Some(&format!("Bearer {SECRET}")) {
            return (401, json!({ "code": 401, "msg": "未授权" }));
        }
        let body: Value = serde_json::from_slice(&bytes).unwrap();
        let text = body["content"].as_str().unwrap();
        if text.chars().count() > 500 {
            return (200, json!({ "code": 33, "msg": "内容过长" }));
        }
        inner.take("sms", now, text, &body);
        (200, json!({ "code": 0, "msg": "OK" }))
    })
}

/// As the real one: alerts are known by their labels, times are checked, errors come as a text in JSON.
async fn alertmanager(State(robots): State<Robots>, bytes: Bytes) -> Response<Body> {
    robots.receive("alertmanager", |inner, now| {
        let Ok(body) = serde_json::from_slice::<Value>(&bytes) else {
            return (400, json!({ "code": 400, "message": "parsing alerts body from \"\" failed" }));
        };
        let Some(alerts) = body.as_array() else {
            return (422, json!({ "code": 602, "message": "alerts in body is required" }));
        };
        for alert in alerts {
            let labels: BTreeMap<String, String> = match serde_json::from_value(alert["labels"].clone()) {
                Ok(labels) => labels,
                Err(_) => return (422, json!({ "code": 602, "message": "0.labels in body is required" })),
            };
            let time = |key: &str| alert[key].as_str().and_then(|time| time.parse::<Timestamp>().ok());
            let (Some(starts), Some(ends)) = (time("startsAt"), time("endsAt")) else {
                return (422, json!({ "code": 601, "message": "startsAt in body must be of type date-time" }));
            };
            if starts > ends {
                return (400, json!("start time must be before end time"));
            }
            let named = |label: &String| {
                !label.starts_with(|c: char| c.is_ascii_digit())
                    && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            };
            if labels.is_empty() || !labels.keys().all(named) {
                return (400, json!("invalid label set: invalid name"));
            }
            let summary = alert["annotations"]["summary"].as_str().unwrap_or_default().to_owned();
            inner.alarms.insert(labels, Alarm { ends, summary });
        }
        inner.take("alertmanager", now, "", &body);
        (200, json!({}))
    })
}
