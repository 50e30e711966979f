//! A group robot of WeCom (企业微信群机器人).
//!
//! `POST …/cgi-bin/webhook/send?key=KEY` with `{"msgtype":"markdown","markdown":{"content":…}}`, at most 4,096 bytes of UTF-8, 20 a
//! minute. It answers `{"errcode":0,"errmsg":"ok"}`; what went wrong stands there too, whatever the HTTP status:
//!
//! | errcode | meaning | the page |
//! |---|---|---|
//! | 0 | taken | sent |
//! | 45009 `api freq out of limit` | more than 20 within a minute | not now; the robot rests for a minute |
//! | 93000 `invalid webhook url` | the key is wrong or the robot was removed | never |
//! | 40008, 40058 `markdown.content exceed max length 4096` | not a message as it wants it | never; ours are cut to fit |
//! | any other | such as -1, busy | not now |
//! | no such answer | a proxy or a log-in page stands between | by its HTTP status; 2xx: not now |

use super::{
    fit::Limit,
    http::{self, Answer},
    note::Note,
};
use crate::{outbox::Failure, records::Page};
use reqwest::Client;
use serde_json::{Value, json};
use std::time::Duration;

const MOST: Limit = Limit::Bytes(4096);
const REST: Duration = Duration::from_secs(60);

/// A group robot.
pub struct Wecom {
    client: Client,
    url: String,
}

impl Wecom {
    /// The robot at an address, which holds its key.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(url: String, timeout: Duration) -> anyhow::Result<Self> {
        Ok(Self { client: http::client(timeout)?, url })
    }

    /// Sends a page.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, page: &Page) -> Result<(), Failure> {
        let message = message(&Note::of(page)?);
        judge(&http::exchange(self.client.post(&self.url).json(&message)).await?)
    }
}

fn message(note: &Note) -> Value {
    json!({ "msgtype": "markdown", "markdown": { "content": note.in_markdown("\n", MOST) } })
}

fn judge(answer: &Answer) -> Result<(), Failure> {
    let Some((code, said)) = answer.code(&[("errcode", "errmsg")]) else { return Err(answer.of_a_stranger()) };
    let reason = |meaning: &str| format!("{meaning}: errcode {code} {said}");
    match code {
        0 => answer.by_status(),
        45009 => Err(Failure::Throttled { reason: reason("发送过快 / over the robot's quota"), rest: REST }),
        93000 => Err(Failure::ForGood(reason("机器人地址或密钥无效 / the robot's key is wrong, or it was removed"))),
        40008 | 40058 => Err(Failure::ForGood(reason("消息不合格式 / the message is not as the robot wants it"))),
        _ => Err(Failure::ForNow { reason: reason("企业微信未接收 / not taken"), after: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{http::answer, note::tests::page};

    /// The module's table, a row each.
    #[test]
    fn what_the_robot_answers_means() {
        let judged = |status, body: &str| judge(&answer(status, body));
        assert_eq!(judged(200, r#"{"errcode":0,"errmsg":"ok"}"#), Ok(()));
        assert!(matches!(
            judged(200, r#"{"errcode":45009,"errmsg":"api freq out of limit"}"#),
            Err(Failure::Throttled { rest: REST, .. })
        ));
        for body in [
            r#"{"errcode":93000,"errmsg":"invalid webhook url, hint: [1], from ip: 192.0.2.1"}"#,
            r#"{"errcode":40058,"errmsg":"markdown.content exceed max length 4096. invalid Request Parameter"}"#,
        ] {
            assert!(matches!(judged(200, body), Err(Failure::ForGood(_))), "{body}");
            assert!(matches!(judged(403, body), Err(Failure::ForGood(_))), "{body}");
        }
        for (status, body) in [
            (200, r#"{"errcode":-1,"errmsg":"system busy"}"#),
            (200, r#"{"errcode":12345678,"errmsg":"nobody knows"}"#),
            (200, "<html>请先登录</html>"),
            (200, ""),
            (200, "[]"),
            (200, r#"{"errcode":"0"}"#),
            (502, "<html>"),
            (502, r#"{"errcode":0,"errmsg":"ok"}"#),
        ] {
            assert!(matches!(judged(status, body), Err(Failure::ForNow { .. })), "{status} {body}");
        }
        assert!(matches!(judged(404, "no such page"), Err(Failure::ForGood(_))));
        let shown = judged(200, r#"{"errcode":93000,"errmsg":"invalid webhook url"}"#).unwrap_err().to_string();
        assert!(shown.contains("93000 invalid webhook url") && shown.starts_with("机器人"), "{shown}");
    }

    #[test]
    fn a_page_as_the_robot_shows_it() {
        let note = Note::of(&page("停水 [点我](https://evil.example) @all")).unwrap();
        insta::assert_snapshot!(message(&note)["markdown"]["content"].as_str().unwrap(), @"
        **【新舆情】蓝色 IV 级 停水 ［点我］（https:／／evil．example） ＠all**
        缘由: 蓝色 IV 级: 热度上升, 共 18 条; 5 分钟 18 条, 预期 1.5 条
        数量: 18 条, 5 分钟最高 18 条, 负面 88%, 互动 42
        样例: 「抚琴街道今天又停水了」 forum
        状态: 新发, 请于 11:19 前签收
        时间: 2026-11-24 11:04 （+08:00）
        [打开望楼](https://wanglou.example/incidents/20261124-0001)
        ");
    }
}
