//! The HTML pages: lists of threads, a thread, and the pages that stand in their place when something is wrong.

use super::{
    wire::Request,
    world::{Said, Thread, World},
};
use crate::site::{escape, time};
use jiff::{
    Timestamp, ToSpan as _,
    tz::{Offset, TimeZone},
};
use std::fmt::Write as _;

/// Threads by their last answer.
pub(super) fn board(world: &World, request: &Request) -> String {
    let threads = world.board();
    let (rows, more) = request.part(&threads);
    let row = |thread: &&Thread| {
        let last = format!("{} / {}", thread.answers().len(), time(thread.last_at().as_second()));
        let pinned = if thread.pinned { " pinned" } else { "" };
        format!("<li class=\"row{pinned}\">{} <span class=\"last\">{last}</span></li>\n", link(thread, ""))
    };
    page("版面", &(list(rows.iter().map(row)) + &next("/board?", request, more)))
}

/// Threads by their begin, with what was said to open them, and when that was, in words.
pub(super) fn newest(world: &World, request: &Request, now: Timestamp) -> String {
    let threads = world.newest();
    let (rows, more) = request.part(&threads);
    let row = |thread: &&Thread| {
        let (opening, link) = (&thread.opening, link(thread, "?order=new"));
        let at = in_words(opening.at, now);
        let exact = time(opening.at.as_second());
        format!(
            "<li class=\"row\" id=\"{}\">{link} <cite>{}</cite> <time title=\"{exact}\">{at}</time><p>{}</p></li>\n",
            opening.number,
            opening.author,
            escape(opening.text())
        )
    };
    page("最新", &(list(rows.iter().map(row)) + &next("/new?", request, more)))
}

/// A page of a thread; times are written in words where its comments stand newest first.
pub(super) fn thread(world: &World, request: &Request, now: Timestamp) -> Option<String> {
    let thread = world.thread(request.thread()?)?;
    let mut comments = thread.answers();
    if request.newest_first {
        comments.reverse();
    }
    let (part, more) = request.part(&comments);
    if part.is_empty() && request.page > 1 {
        return None;
    }
    let at = |said: &Said| match request.newest_first {
        true => in_words(said.at, now),
        false => time(said.at.as_second()),
    };
    let mut body = format!("<h1>{}</h1>\n", escape(&thread.title()));
    if request.page == 1 {
        body += &said("opening", &thread.opening, &at(&thread.opening));
    }
    part.iter().for_each(|comment| body += &said("comment", comment, &at(comment)));
    let order = if request.newest_first { "order=new&" } else { "" };
    body += &next(&format!("/thread/{}?{order}", thread.number()), request, more);
    Some(page(&thread.title(), &body))
}

/// What stands in the place of every page when the layout has changed.
pub(super) fn emptied() -> String {
    page("改版通知", "<main>新版论坛正在上线，敬请期待。</main>")
}

/// The page that asks for a password.
pub(super) fn login() -> String {
    let form = "<form method=\"post\" action=\"/login\"><input name=\"username\"><input type=\"password\" name=\"password\">\
                <button>登录</button></form>";
    page("请先登录", form)
}

fn said(class: &str, said: &Said, at: &str) -> String {
    let answers = said.answers.map(|number| format!("<a class=\"answers\" href=\"#{number}\">回复</a>"));
    format!(
        "<article class=\"{class}\" id=\"{}\"><cite>{}</cite> <time>{at}</time> {}<p>{}</p></article>\n",
        said.number,
        said.author,
        answers.unwrap_or_default(),
        escape(said.text()),
    )
}

fn link(thread: &Thread, order: &str) -> String {
    format!("<a class=\"subject\" href=\"/thread/{}{order}\">{}</a>", thread.number(), escape(&thread.title()))
}

fn list(rows: impl Iterator<Item = String>) -> String {
    format!("<ul>\n{}</ul>\n", rows.collect::<String>())
}

fn next(address: &str, request: &Request, more: bool) -> String {
    let mut out = String::new();
    if more {
        let _ = write!(out, "<a class=\"next\" href=\"{}page={}\">下一页</a>", escape(address), request.page + 1);
    }
    out
}

fn page(title: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\n<body>\n{body}\n</body></html>\n"
    )
}

/// A time as people say it.
fn in_words(at: Timestamp, now: Timestamp) -> String {
    let zone = TimeZone::fixed(Offset::constant(8));
    let (then, today) = (at.to_zoned_datetime(zone.clone()), now.to_zoned_datetime(zone).date());
    let day = then.date();
    match now.duration_since(at).as_secs() {
        ..60 => "刚刚".into(),
        seconds @ 60..3600 => format!("{}分钟前", seconds / 60),
        seconds if day == today => format!("{}小时前", seconds / 3600),
        _ if day == today.saturating_sub(1.day()) => then.strftime("昨天 %H:%M").to_string(),
        _ if day == today.saturating_sub(2.days()) => then.strftime("前天 %H:%M").to_string(),
        _ => then.strftime("%Y-%m-%d %H:%M").to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_do() {
        let now: Timestamp = "2026-11-24T18:40:00+08:00".parse().unwrap();
        for (at, expected) in [
            ("2026-11-24T18:39:30+08:00", "刚刚"),
            ("2026-11-24T18:34:30+08:00", "5分钟前"),
            ("2026-11-24T16:34:30+08:00", "2小时前"),
            ("2026-11-23T08:30:00+08:00", "昨天 08:30"),
            ("2026-11-22T08:30:00+08:00", "前天 08:30"),
            ("2026-11-20T08:30:00+08:00", "2026-11-20 08:30"),
        ] {
            assert_eq!(in_words(at.parse().unwrap(), now), expected);
        }
    }
}
