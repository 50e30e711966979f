//! What a page says: one screen of plain text, and the incident as JSON beside it.
//!
//! Crawled text is hostile: [`clean`] takes control characters, line breaks and characters that turn or hide text out of it
//! and bounds its length, before an incident keeps it. So whatever was posted, a message has the lines that stand here and
//! no others.

use crate::{
    outbox::{self, Reason},
    policy::level_name,
    records::Page,
};
use jiff::tz::TimeZone;
use schemas::records::{Incident, Level, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A text without control characters, line breaks and invisible characters, at most `most` characters long.
#[must_use]
pub fn clean(text: &str, most: usize) -> String {
    let mut cleaned: Vec<char> = Vec::new();
    let mut gap = false;
    for c in text.chars().filter(|&c| !is_invisible(c)) {
        if c.is_whitespace() || c.is_control() {
            gap = !cleaned.is_empty();
            continue;
        }
        if cleaned.len() + usize::from(gap) >= most {
            // The last place is for the mark that there was more.
            cleaned.truncate(most.saturating_sub(1));
            cleaned.push('…');
            break;
        }
        if gap {
            cleaned.push(' ');
            gap = false;
        }
        cleaned.push(c);
    }
    cleaned.into_iter().collect()
}

/// Characters that turn the direction of text, join or hide: they could make a message read as what it is not.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// A web address that may stand in a message; none for anything else.
#[must_use]
pub fn clean_link(link: &str) -> Option<String> {
    let web = ["http://", "https://"].iter().any(|scheme| link.starts_with(scheme));
    let plain = link.len() <= 1000 && !link.chars().any(|c| c.is_control() || c.is_whitespace() || is_invisible(c));
    (web && plain).then(|| link.to_owned())
}

/// The state as a person reads it.
#[must_use]
pub fn state_name(state: State) -> &'static str {
    match state {
        State::New => "新发",
        State::Acked => "已签收",
        State::Assigned => "已交办",
        State::Handling => "处置中",
        State::Responded => "已回应",
        State::Watching => "观察",
        State::Closed => "办结",
    }
}

/// The level's colour, in one character.
#[must_use]
pub fn level_mark(level: Level) -> &'static str {
    match level {
        Level::I => "红",
        Level::II => "橙",
        Level::III => "黄",
        Level::IV => "蓝",
    }
}

/// The level as programs write it.
#[must_use]
pub fn level_word(level: Level) -> &'static str {
    match level {
        Level::I => "I",
        Level::II => "II",
        Level::III => "III",
        Level::IV => "IV",
    }
}

/// Where links lead and in which timezone people read times.
#[derive(Debug, Clone)]
pub struct Style {
    /// What links begin with, without a slash at the end.
    pub base: String,
    /// The timezone.
    pub tz: TimeZone,
}

impl Style {
    /// The address of an incident's page.
    #[must_use]
    pub fn link(&self, incident: &Incident) -> String {
        format!("{}/incidents/{}", self.base, incident.id)
    }

    /// The page as text. Its last line is the link by which one signs, where there is one; else the incident's page.
    #[must_use]
    pub fn text(&self, reason: Reason, incident: &Incident, sign_link: Option<&str>) -> String {
        let time =
            |at: jiff::Timestamp, format: &str| at.to_zoned_datetime(self.tz.clone()).strftime(format).to_string();
        let headline = match reason {
            Reason::Escalation if incident.state == State::New => "无人签收",
            reason => reason.name(),
        };
        let mut lines = vec![
            format!(
                "{}【{headline}】{} {}",
                if incident.drill { "【演练】" } else { "" },
                level_name(incident.level),
                incident.title
            ),
            format!("缘由: {}", incident.why),
        ];
        if !incident.drill {
            lines.push(format!(
                "数量: {} 条, 5 分钟最高 {} 条, 负面 {:.0}%, 互动 {}",
                incident.count,
                incident.peak,
                incident.negative_share * 100.0,
                incident.reach
            ));
        }
        if let Some(sample) = incident.samples.first() {
            lines.push(format!("样例: 「{}」 {}", sample.excerpt, sample.source));
        }
        let due = incident.ack_due_at.map(|due| format!(", 请于 {} 前签收", time(due, "%H:%M"))).unwrap_or_default();
        let unit = incident.unit.as_ref().map(|unit| format!(", {} 承办", clean(unit, 100))).unwrap_or_default();
        lines.push(format!("状态: {}{due}{unit}", state_name(incident.state)));
        let deadlines: Vec<String> = incident
            .clocks
            .iter()
            .filter(|clock| clock.stopped_at.is_none() && clock.paused.is_none())
            .map(|clock| {
                let over = if clock.expired { " 已逾期" } else { "" };
                format!("{} {}{over}", clock.name, time(clock.due_at, "%m-%d %H:%M"))
            })
            .collect();
        if !deadlines.is_empty() {
            lines.push(format!("时限: {}", deadlines.join(", ")));
        }
        // A link that signs does not show whose it is.
        let number = sign_link.map(|_| format!(", 编号 {}", incident.id)).unwrap_or_default();
        lines.push(format!(
            "时间: {} ({}){number}",
            time(incident.updated_at, "%Y-%m-%d %H:%M"),
            time(incident.updated_at, "%:z")
        ));
        lines.push(sign_link.map_or_else(|| self.link(incident), str::to_owned));
        lines.join("\n")
    }

    /// The body that a webhook gets.
    #[must_use]
    pub fn body(&self, key: &str, reason: Reason, incident: &Incident) -> String {
        self.body_with(key, reason, incident, None)
    }

    /// The same, with the link by which whoever reads the channel signs, where there is one.
    #[must_use]
    pub fn body_with(&self, key: &str, reason: Reason, incident: &Incident, sign_link: Option<&str>) -> String {
        let mut body = json!({
            "key": key,
            "reason": reason.as_str(),
            "incident": incident,
            "text": self.text(reason, incident, sign_link),
            "link": self.link(incident),
        });
        if let Some(link) = sign_link {
            body["sign_link"] = link.into();
        }
        body.to_string()
    }
}

/// A page that a digest stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// The page's key.
    pub key: String,
    /// Its incident; none for a page about sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// How urgent it is.
    pub level: Level,
    /// Why it was to be sent.
    pub reason: String,
    /// Its first line.
    pub title: String,
    /// The link by which one signs it, where it awaits that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sign_link: Option<String>,
}

impl Told {
    /// What is told of a page: of its body the first line.
    #[must_use]
    pub fn of(page: &Page) -> Self {
        let body: Value = serde_json::from_str(&page.body).unwrap_or_default();
        let title = body["text"].as_str().and_then(|text| text.lines().next()).unwrap_or_default();
        Self {
            key: page.key.clone(),
            incident: page.incident.clone(),
            level: outbox::level_of(page.urgency),
            reason: page.reason.clone(),
            title: clean(title, 120),
            sign_link: body["sign_link"].as_str().map(str::to_owned),
        }
    }
}

/// The body of a digest: the pages that it stands for, and a text that names them all, a line each, and below it the link by which
/// one signs. `base` is what links begin with.
#[must_use]
pub fn digest_body(key: &str, told: &[Told], base: &str) -> String {
    let link = format!("{base}/incidents");
    let mut lines = vec![format!("【{}】{} 条通知, 发送额度不足, 合并为一条", Reason::Digest.name(), told.len())];
    for told in told {
        let id = told.incident.as_deref().unwrap_or("-");
        lines.push(format!("{} {id} {}", level_mark(told.level), told.title));
        lines.extend(told.sign_link.clone());
    }
    lines.push(link.clone());
    json!({ "key": key, "reason": Reason::Digest.as_str(), "pages": told, "text": lines.join("\n"), "link": link })
        .to_string()
}

/// The body of a page that another channel takes over: under its own key, and saying whose place it takes and why.
#[must_use]
pub fn passed_on(body: &str, key: &str, from: &str, why: &str) -> String {
    let Ok(Value::Object(mut body)) = serde_json::from_str(body) else { return body.to_owned() };
    note_in(&mut body, &format!("转发: 渠道 {from} 未能送达 ({})", clean(why, 160)));
    body.insert("key".into(), key.into());
    body.insert("instead_of".into(), json!({ "channel": from, "error": clean(why, 300) }));
    Value::Object(body).to_string()
}

/// The body of a page with another line above its link.
#[must_use]
pub fn noted(body: &str, note: &str) -> String {
    let Ok(Value::Object(mut body)) = serde_json::from_str(body) else { return body.to_owned() };
    note_in(&mut body, &clean(note, 300));
    Value::Object(body).to_string()
}

fn note_in(body: &mut serde_json::Map<String, Value>, note: &str) {
    let mut lines: Vec<String> =
        body.get("text").and_then(Value::as_str).unwrap_or_default().lines().map(str::to_owned).collect();
    // The link stays last.
    let ends_with_link = lines.last().is_some_and(|last| is_link(body, last));
    lines.insert(lines.len() - usize::from(ends_with_link), note.to_owned());
    body.insert("text".into(), lines.join("\n").into());
}

/// Whether a line is the link of a body.
fn is_link(body: &serde_json::Map<String, Value>, line: &str) -> bool {
    ["sign_link", "link"].iter().any(|name| body.get(*name).and_then(Value::as_str) == Some(line))
}

/// The body of a page with another channel's signing link, or without one. A link signs as whoever reads the channel that it was made
/// for, so that it must never go to another.
#[must_use]
pub fn relinked(body: &str, sign_link: Option<&str>) -> String {
    let Ok(Value::Object(mut body)) = serde_json::from_str(body) else { return body.to_owned() };
    let mut lines: Vec<String> =
        body.get("text").and_then(Value::as_str).unwrap_or_default().lines().map(str::to_owned).collect();
    let link = sign_link.or_else(|| body.get("link").and_then(Value::as_str)).map(str::to_owned);
    for line in lines.iter_mut().filter(|line| is_link(&body, line)) {
        line.clone_from(link.as_ref().unwrap_or(&String::new()));
    }
    match sign_link {
        Some(link) => body.insert("sign_link".into(), link.into()),
        None => body.remove("sign_link"),
    };
    body.insert("text".into(), lines.join("\n").into());
    Value::Object(body).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{file, moment};
    use proptest::prelude::*;

    fn style() -> Style {
        Style { base: "https://wanglou.example".into(), tz: TimeZone::get("Asia/Shanghai").unwrap() }
    }

    #[test]
    fn a_page_is_one_screen() {
        let text = style().text(Reason::Opened, &file("water").incident, None);
        insta::assert_snapshot!(text, @"
        【新舆情】蓝色 IV 级 停水: 抚琴街道今天又停水了
        缘由: 蓝色 IV 级: 热度上升, 共 18 条; 5 分钟 18 条, 预期 1.5 条
        数量: 18 条, 5 分钟最高 18 条, 负面 88%, 互动 42
        样例: 「抚琴街道今天又停水了」 forum
        状态: 新发, 请于 11:19 前签收
        时间: 2026-11-24 11:04 (+08:00)
        https://wanglou.example/incidents/20261124-0001
        ");
    }

    const SIGN: &str = "https://wanglou.example/a/AQFq";

    #[test]
    fn a_page_that_awaits_a_signature_ends_with_the_link_that_signs() {
        let text = style().text(Reason::Opened, &file("water").incident, Some(SIGN));
        insta::assert_snapshot!(text, @"
        【新舆情】蓝色 IV 级 停水: 抚琴街道今天又停水了
        缘由: 蓝色 IV 级: 热度上升, 共 18 条; 5 分钟 18 条, 预期 1.5 条
        数量: 18 条, 5 分钟最高 18 条, 负面 88%, 互动 42
        样例: 「抚琴街道今天又停水了」 forum
        状态: 新发, 请于 11:19 前签收
        时间: 2026-11-24 11:04 (+08:00), 编号 20261124-0001
        https://wanglou.example/a/AQFq
        ");
        let body = style().body_with("k", Reason::Opened, &file("water").incident, Some(SIGN));
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["link"], "https://wanglou.example/incidents/20261124-0001");
        assert_eq!((&body["sign_link"], &body["text"]), (&json!(SIGN), &json!(text)));
    }

    #[test]
    fn another_channel_gets_a_link_of_its_own() {
        let page = style().body_with("k", Reason::Opened, &file("water").incident, Some(SIGN));
        let last = |body: &str| {
            let body: Value = serde_json::from_str(body).unwrap();
            let last = body["text"].as_str().unwrap().lines().last().unwrap().to_owned();
            (last, body["sign_link"].as_str().map(str::to_owned))
        };
        let other = "https://wanglou.example/a/AQFr";
        let relinked = |link| super::relinked(&page, link);
        assert_eq!(last(&relinked(Some(other))), (other.to_owned(), Some(other.to_owned())));
        let console = "https://wanglou.example/incidents/20261124-0001";
        assert_eq!(last(&relinked(None)), (console.to_owned(), None));
        for link in [Some(other), None] {
            assert!(!relinked(link).contains(SIGN), "nothing of the first channel's link is left");
        }
        let passed = passed_on(&relinked(Some(other)), "k/leader", "desk", "HTTP 404");
        assert_eq!(last(&passed), (other.to_owned(), Some(other.to_owned())));
        assert_eq!(super::relinked("no JSON", None), "no JSON");
    }

    proptest! {
        #[test]
        fn cleaned_text_is_bounded_and_plain(text in any::<String>(), most in 1..50usize) {
            let cleaned = clean(&text, most);
            prop_assert!(cleaned.chars().count() <= most);
            prop_assert!(!cleaned.chars().any(|c| c.is_control() || is_invisible(c)));
            prop_assert_eq!(clean(&cleaned, most), cleaned, "cleaning again changes nothing");
        }

        /// Whatever was posted, a message has the same lines.
        #[test]
        fn hostile_text_adds_no_line(title in any::<String>(), excerpt in any::<String>()) {
            let mut incident = file("water").incident;
            let lines = style().text(Reason::Opened, &incident, None).lines().count();
            incident.title = clean(&title, 100);
            incident.samples[0].excerpt = clean(&excerpt, 160);
            prop_assert_eq!(style().text(Reason::Opened, &incident, None).lines().count(), lines);
        }
    }

    #[test]
    fn a_page_that_is_passed_on_says_whose_place_it_takes() {
        let body = style().body("i/1/desk", Reason::Opened, &file("water").incident);
        let passed: Value = serde_json::from_str(&passed_on(&body, "i/1/leader", "desk", "HTTP 404")).unwrap();
        assert_eq!(passed["key"], "i/1/leader");
        assert_eq!(passed["instead_of"], json!({ "channel": "desk", "error": "HTTP 404" }));
        let lines: Vec<&str> = passed["text"].as_str().unwrap().lines().collect();
        assert_eq!(lines[lines.len() - 2], "转发: 渠道 desk 未能送达 (HTTP 404)");
        assert_eq!(lines[lines.len() - 1], "https://wanglou.example/incidents/20261124-0001");
        assert_eq!(passed_on("no JSON", "k", "desk", "x"), "no JSON");
    }

    #[test]
    fn a_digest_names_its_pages() {
        let page = |incident: Option<&str>, urgency, body: &str| Page {
            key: "k".into(),
            incident: incident.map(str::to_owned),
            channel: "desk".into(),
            reason: "opened".into(),
            urgency,
            body: body.into(),
            created_at: moment(),
        };
        let told = Told::of(&page(Some("20261124-0001"), 3, "{\"text\":\"【新舆情】停水\\n缘由\"}"));
        assert_eq!((told.level, told.title.as_str()), (Level::III, "【新舆情】停水"));
        assert_eq!(Told::of(&page(None, 9, "no JSON")).level, Level::IV);
        let body: Value = serde_json::from_str(&digest_body("d", &[told], "https://w.example")).unwrap();
        assert_eq!(
            body["text"],
            "【合并通知】1 条通知, 发送额度不足, 合并为一条\n黄 20261124-0001 【新舆情】停水\nhttps://w.example/incidents"
        );
        assert_eq!(body["pages"][0]["incident"], "20261124-0001");
        let signed = format!("{{\"text\":\"【新舆情】停水\",\"sign_link\":\"{SIGN}\"}}");
        let told = Told::of(&page(Some("20261124-0001"), 3, &signed));
        let body: Value = serde_json::from_str(&digest_body("d", &[told], "https://w.example")).unwrap();
        let text = body["text"].as_str().unwrap();
        assert!(text.contains(&format!("\n黄 20261124-0001 【新舆情】停水\n{SIGN}\n")), "{text}");
    }

    #[test]
    fn only_web_links_are_kept() {
        assert_eq!(clean_link("https://a.example/t/1").as_deref(), Some("https://a.example/t/1"));
        for bad in [
            "javascript:alert(1)",
            "data:text/html,x",
            "https://a.example/\nX",
            "https://a.example/\u{202e}",
            "/t/1",
            "",
        ] {
            assert_eq!(clean_link(bad), None, "{bad:?}");
        }
        assert_eq!(clean_link(&format!("https://a.example/{}", "x".repeat(2_000))), None);
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark() {
        assert_eq!(clean("停水停水停水", 4), "停水停…");
        assert_eq!(clean(" 停\n\n水\t\u{0} ", 9), "停 水");
        assert_eq!(clean(&"词".repeat(1 << 20), 3), "词词…");
        assert_eq!(clean("停水", 2), "停水");
    }
}
