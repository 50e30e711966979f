//! `/feed.xml`, RSS 2.0 in UTF-8 with the newest thirty reports, and `/news/ID.html`, a report.

use super::html::{self, escape};
use crate::{
    chronicle::Chronicle,
    post::{self, Post},
    timestamp,
};
use jiff::fmt::rfc2822;
use std::fmt::Write as _;

/// Reports in the feed.
const NEWEST: usize = 30;

/// The feed at a moment, with links to `host`, and when it last changed.
pub(super) fn feed(chronicle: &Chronicle, host: &str, now: i64) -> (String, Option<i64>) {
    let base = format!("http://{}", escape(host));
    let news = chronicle.news_at(now);
    let mut items = String::new();
    for news in news.iter().rev().take(NEWEST) {
        let Post { native_id, at, words, .. } = post::report(news);
        let date = rfc2822::to_string(&timestamp(at).to_zoned_datetime(jiff::tz::TimeZone::UTC)).unwrap_or_default();
        let _ = writeln!(
            items,
            "<item>\n<title>{}</title>\n<link>{base}{}</link>\n<guid isPermaLink=\"false\">{native_id}</guid>\n\
             <pubDate>{date}</pubDate>\n<dc:creator>{}</dc:creator>\n<description>{}</description>\n</item>",
            escape(&words.title),
            post::news_path(news.number),
            escape(&words.author),
            escape(&words.text),
        );
    }
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <rss version=\"2.0\" xmlns:dc=\"http://purl.org/dc/elements/1.1/\">\n<channel>\n<title>城事速递</title>\n\
         <link>{base}/</link>\n<description>锦水新闻, 即时更新</description>\n<language>zh-cn</language>\n{items}</channel>\n</rss>\n"
    );
    (xml, news.last().map(|news| news.at))
}

/// A report's page at a moment, and when it was written; nothing when there is no such report.
pub(super) fn render(chronicle: &Chronicle, number: u64, now: i64) -> Option<(String, i64)> {
    let news = chronicle.news_at(now);
    let place = news.binary_search_by_key(&number, |news| news.number).ok()?;
    let Post { at, words, .. } = post::report(&news[place]);
    let page = format!(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title} - 城事速递</title>\n\
         <link rel=\"stylesheet\" href=\"/style.css\">\n</head>\n<body>\n<div class=\"wrap\" id=\"main\">\n<article class=\"news\">\n\
         <h1>{title}</h1>\n<p class=\"meta\">{author} · {time}</p>\n<p>{text}</p>\n<p><a href=\"/\">返回门户</a></p>\n\
         </article>\n</div>\n</body>\n</html>\n",
        title = escape(&words.title),
        author = escape(&words.author),
        time = html::time(at),
        text = escape(&words.text),
    );
    Some((page, at))
}
