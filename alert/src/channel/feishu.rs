//! A custom robot of Feishu (飞书自定义机器人).
//!
//! `POST …/open-apis/bot/v2/hook/TOKEN` with a card, at most 20 KB, 100 a minute and 5 a second. With a secret (签名校验) the body
//! holds `timestamp` in seconds, right within an hour, and `sign`: base64(HMAC-SHA256(key = `"{seconds}\n{secret}"`, message = "")).
//!
//! Whatever happens, the HTTP status is 200; the body says what:
//!
//! | code (StatusCode of old) | meaning | the page |
//! |---|---|---|
//! | 0 | taken | sent |
//! | 11232 `frequency limited`; 9499 `too many request` | too many, or the platform is busy | not now; the robot rests for half a minute |
//! | 19001 token · 19002 form · 19021 sign or time · 19022 IP · 19024 keyword · 19036 size | the robot's settings, or our message | never |
//! | 9499 otherwise, `Bad Request` | not a message as it wants it | never |
//! | any other | such as 500000, inner errors | not now |
//! | no such answer | a proxy or a log-in page stands between | by its HTTP status; 2xx: not now |

use super::{
    fit::{self, Limit},
    http::{self, Answer},
    note::Note,
    sign,
};
use crate::{outbox::Failure, records::Page};
use jiff::Timestamp;
use reqwest::Client;
use schemas::records::Level;
use serde_json::{Value, json};
use std::time::Duration;

/// Of the message's text; the card around it takes less than a thousand bytes.
const MOST: Limit = Limit::Bytes(18_000);
const REST: Duration = Duration::from_secs(30);

/// A custom robot.
pub struct Feishu {
    client: Client,
    url: String,
    secret: Option<String>,
}

impl Feishu {
    /// The robot at an address, which holds its token; messages are signed with the secret, if there is one.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(url: String, secret: Option<String>, timeout: Duration) -> anyhow::Result<Self> {
        Ok(Self { client: http::client(timeout)?, url, secret })
    }

    /// Sends a page.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, page: &Page, now: Timestamp) -> Result<(), Failure> {
        let mut message = message(&Note::of(page)?);
        if let Some(secret) = &self.secret {
            let time = now.as_second().to_string();
            message["sign"] = signature(secret, &time).into();
            message["timestamp"] = time.into();
        }
        judge(&http::exchange(self.client.post(&self.url).json(&message)).await?)
    }
}

fn signature(secret: &str, time: &str) -> String {
    sign(format!("{time}\n{secret}").as_bytes(), b"")
}

/// A card: its head is plain text in the level's colour, its body markdown.
fn message(note: &Note) -> Value {
    let colour = if note.is_over() {
        "green"
    } else {
        match note.level() {
            Level::I => "red",
            Level::II => "orange",
            Level::III => "yellow",
            Level::IV => "blue",
        }
    };
    let title = fit::cut(&fit::plain(&note.headline), Limit::Characters(100));
    json!({
        "msg_type": "interactive",
        "card": {
            "config": { "wide_screen_mode": true },
            "header": { "template": colour, "title": { "tag": "plain_text", "content": title } },
            "elements": [{ "tag": "markdown", "content": note.in_markdown("\n", MOST) }],
        },
    })
}

fn judge(answer: &Answer) -> Result<(), Failure> {
    let Some((code, said)) = answer.code(&[("code", "msg"), ("StatusCode", "StatusMessage")]) else {
        return Err(answer.of_a_stranger());
    };
    let reason = |meaning: &str| format!("{meaning}: code {code} {said}");
    let never = |meaning: &str| Err(Failure::ForGood(reason(meaning)));
    match code {
        0 => answer.by_status(),
        11232 => Err(Failure::Throttled { reason: reason("发送过快 / over the robot's quota"), rest: REST }),
        9499 if said.to_lowercase().contains("too many") => {
            Err(Failure::Throttled { reason: reason("发送过快 / over the robot's quota"), rest: REST })
        }
        19001 => never("机器人地址无效 / there is no such robot"),
        19021 => never("签名不符, 请核对密钥与本机时间 / the sign or our clock is wrong"),
        19022 => never("本机 IP 不在机器人白名单 / our address is not on the robot's list"),
        19024 => never("缺少机器人要求的关键词 / the robot's keyword is missing"),
        19036 => never("消息过长 / the message is too long"),
        19002 | 9499 => never("消息不合格式 / the message is not as the robot wants it"),
        _ => Err(Failure::ForNow { reason: reason("飞书未接收 / not taken"), after: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{http::answer, note::tests::page};

    /// The vector that Feishu's own example code yields.
    #[test]
    fn signatures_are_feishus() {
        assert_eq!(signature("SECtest", "1599360473"), "bMjxHlJJlXMW0yjKHZsmMvrFnAOfMlmWpRUsH3qMAek=");
    }

    /// The module's table, a row each.
    #[test]
    fn what_the_robot_answers_means() {
        let judged = |body: &str| judge(&answer(200, body));
        let with = |code: i64, said: &str| judged(&json!({ "code": code, "msg": said, "data": {} }).to_string());
        assert_eq!(judged(r#"{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}"#), Ok(()));
        assert_eq!(judged(r#"{"Extra":null,"StatusCode":0,"StatusMessage":"success"}"#), Ok(()));
        for (code, said) in
            [(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"), (9499, "too many request")]
        {
            assert!(matches!(with(code, said), Err(Failure::Throttled { rest: REST, .. })), "{code}");
        }
        for (code, said) in [
            (19001, "param invalid: incoming webhook access token invalid"),
            (19002, "param invalid: msg_type"),
            (19021, "sign match fail or timestamp is not within one hour from current time"),
            (19022, "Ip Not Allowed"),
            (19024, "Key Words Not Found"),
            (19036, "The message exceeds the size limit of 30KB"),
            (9499, "Bad Request"),
        ] {
            let Err(Failure::ForGood(reason)) = with(code, said) else { panic!("{code}") };
            assert!(reason.contains(said), "{reason}");
        }
        assert!(matches!(with(500_000, "inner error"), Err(Failure::ForNow { .. })));
        assert!(matches!(judged(r#"{"StatusCode":9499,"StatusMessage":"Bad Request"}"#), Err(Failure::ForGood(_))));
        assert!(matches!(judged("<html>"), Err(Failure::ForNow { .. })));
    }

    #[test]
    fn a_page_as_the_robot_shows_it() {
        let note = Note::of(&page("停水 <at id=all></at> [点我](https://evil.example)")).unwrap();
        let message = message(&note);
        assert_eq!(message["msg_type"], "interactive");
        let header = &message["card"]["header"];
        assert_eq!(header["template"], "blue");
        assert_eq!(header["title"]["tag"], "plain_text");
        assert_eq!(
            header["title"]["content"],
            "【新舆情】蓝色 IV 级 停水 <at id=all></at> [点我](https:／／evil．example)"
        );
        let text = message["card"]["elements"][0]["content"].as_str().unwrap();
        let head = "**【新舆情】蓝色 IV 级 停水 ＜at id=all＞＜/at＞ ［点我］（https:／／evil．example）**\n缘由: ";
        assert!(text.starts_with(head), "{text}");
        assert!(text.ends_with("\n[打开望楼](https://wanglou.example/incidents/20261124-0001)"), "{text}");
    }
}
