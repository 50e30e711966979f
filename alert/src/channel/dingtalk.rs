//! A custom robot of DingTalk (钉钉自定义机器人).
//!
//! `POST …/robot/send?access_token=TOKEN[&timestamp=MS&sign=SIGN]` with `{"msgtype":"markdown","markdown":{"title":…,"text":…}}`, at most
//! 20,000 bytes, 20 a minute: whoever sends more is shut out for ten minutes. With a secret (加签) the request is signed: `SIGN` is
//! base64(HMAC-SHA256(key = secret, message = `"{MS}\n{secret}"`)), percent-encoded; the time must be right within an hour.
//!
//! | errcode | meaning | the page |
//! |---|---|---|
//! | 0 | taken | sent |
//! | 130101 `send too fast`, 410100, 90030 `webhook over limit` | too many | not now; the robot rests for ten minutes |
//! | 310000 | a security setting: sign, time, keyword or IP, as its errmsg says | never |
//! | 460101 | over 20,000 bytes | never; ours are cut to fit |
//! | 300001, 300005, 400101 token · 400013 group dissolved · 400102 robot off · 400106 no robot · 400105, 40035, 43004 form | | never |
//! | 430101 – 430104 | the content is not let through | never; another channel may |
//! | any other | such as -1, busy | not now |
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
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// Of the message's text; what stands around it takes some hundred bytes.
const MOST: Limit = Limit::Bytes(18_000);
const REST: Duration = Duration::from_secs(600);

/// A custom robot.
pub struct DingTalk {
    client: Client,
    url: Url,
    secret: Option<String>,
}

impl DingTalk {
    /// The robot at an address, which holds its token; requests are signed with the secret, if there is one.
    ///
    /// # Errors
    /// When the address is none, or no client can be made.
    pub fn new(url: &str, secret: Option<String>, timeout: Duration) -> anyhow::Result<Self> {
        Ok(Self { client: http::client(timeout)?, url: url.parse()?, secret })
    }

    /// Sends a page.
    ///
    /// # Errors
    /// Why it was not taken.
    pub async fn send(&self, page: &Page, now: Timestamp) -> Result<(), Failure> {
        let mut url = self.url.clone();
        if let Some(secret) = &self.secret {
            let time = now.as_millisecond().to_string();
            url.query_pairs_mut().append_pair("timestamp", &time).append_pair("sign", &signature(secret, &time));
        }
        judge(&http::exchange(self.client.post(url).json(&message(&Note::of(page)?))).await?)
    }
}

fn signature(secret: &str, time: &str) -> String {
    sign(secret.as_bytes(), format!("{time}\n{secret}").as_bytes())
}

fn message(note: &Note) -> Value {
    let title = fit::cut(&fit::plain(&note.headline), Limit::Characters(60));
    // A line break alone is none in its markdown.
    json!({
        "msgtype": "markdown",
        "markdown": { "title": title, "text": note.in_markdown("\n\n", MOST) },
        "at": { "isAtAll": false },
    })
}

fn judge(answer: &Answer) -> Result<(), Failure> {
    let Some((code, said)) = answer.code(&[("errcode", "errmsg")]) else { return Err(answer.of_a_stranger()) };
    let reason = |meaning: &str| format!("{meaning}: errcode {code} {said}");
    let never = |meaning: &str| Err(Failure::ForGood(reason(meaning)));
    match code {
        0 => answer.by_status(),
        130101 | 410100 | 90030 => Err(Failure::Throttled {
            reason: reason("发送过快, 停发 10 分钟 / too fast: shut out"),
            rest: REST,
        }),
        310000 => never("机器人安全设置不符 (加签, 关键词或 IP; 加签请核对本机时间) / a security setting of the robot"),
        460101 => never("消息过长 / the message is too long"),
        300001 | 300005 | 400101 => never("access_token 无效 / there is no such token"),
        400013 | 400102 | 400106 => never("机器人已停用或群已解散 / the robot or its group is gone"),
        40035 | 43004 | 400105 => never("消息不合格式 / the message is not as the robot wants it"),
        430101..=430104 => never("内容被钉钉拦截 / the content is not let through"),
        _ => Err(Failure::ForNow { reason: reason("钉钉未接收 / not taken"), after: None }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::{http::answer, note::tests::page};

    /// The vector that DingTalk's own example code yields.
    #[test]
    fn signatures_are_dingtalks() {
        assert_eq!(signature("SECtest", "1599360473000"), "9uMBwWNha8Pcr4QQCL9YQitwL0E0g2JIxycWz23gAkE=");
        let mut url: Url = "https://oapi.dingtalk.example/robot/send?access_token=t".parse().unwrap();
        url.query_pairs_mut().append_pair("sign", "a+b/c=");
        assert_eq!(url.query(), Some("access_token=t&sign=a%2Bb%2Fc%3D"));
    }

    /// The module's table, a row each.
    #[test]
    fn what_the_robot_answers_means() {
        let judged = |body: &str| judge(&answer(200, body));
        let with = |code: i64, said: &str| judged(&json!({ "errcode": code, "errmsg": said }).to_string());
        assert_eq!(with(0, "ok"), Ok(()));
        for (code, said) in [
            (130101, "send too fast, exceed 20 times per minute"),
            (410100, "发送速度太快而限流"),
            (90030, "webhook over limit"),
        ] {
            assert!(matches!(with(code, said), Err(Failure::Throttled { rest: REST, .. })), "{code}");
        }
        for said in ["keywords not in content", "sign not match", "ip 192.0.2.1 not in whitelist", "invalid timestamp"]
        {
            let Err(Failure::ForGood(reason)) = with(310000, said) else { panic!("{said}") };
            assert!(reason.contains(said), "{reason}");
        }
        for code in [460101, 300001, 300005, 400101, 400013, 400102, 400106, 40035, 43004, 400105, 430101, 430104] {
            assert!(matches!(with(code, "x"), Err(Failure::ForGood(_))), "{code}");
        }
        for code in [-1, 88, 430105, 12345678] {
            assert!(matches!(with(code, "x"), Err(Failure::ForNow { .. })), "{code}");
        }
        assert!(matches!(judged("<html>"), Err(Failure::ForNow { .. })));
        assert!(matches!(judge(&answer(404, "")), Err(Failure::ForGood(_))));
    }

    #[test]
    fn a_page_as_the_robot_shows_it() {
        let note = Note::of(&page("停水 [点我](https://evil.example) @所有人")).unwrap();
        let message = message(&note);
        insta::assert_snapshot!(message["markdown"]["text"].as_str().unwrap(), @"
        **【新舆情】蓝色 IV 级 停水 ［点我］（https:／／evil．example） ＠所有人**

        缘由: 蓝色 IV 级: 热度上升, 共 18 条; 5 分钟 18 条, 预期 1.5 条

        数量: 18 条, 5 分钟最高 18 条, 负面 88%, 互动 42

        样例: 「抚琴街道今天又停水了」 forum

        状态: 新发, 请于 11:19 前签收

        时间: 2026-11-24 11:04 （+08:00）

        [打开望楼](https://wanglou.example/incidents/20261124-0001)
        ");
        assert_eq!(message["markdown"]["title"], "【新舆情】蓝色 IV 级 停水 [点我](https:／／evil．example) ＠所有人");
        assert!(message.to_string().len() < 20_000);
    }
}
