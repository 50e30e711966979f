//! The frame of a page, and how outside words become HTML.

use crate::timestamp;
use jiff::tz::{Offset, TimeZone};
use std::fmt::Write as _;

/// Makes a text harmless in HTML and XML, between tags and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}

/// A time as the forum writes it: Asia/Shanghai, to the second.
pub(crate) fn time(unix: i64) -> String {
    let zone = TimeZone::fixed(Offset::constant(8));
    timestamp(unix).to_zoned_datetime(zone).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A page of the forum: head, banner, the body, foot. The title is escaped, the body is HTML already.
pub(super) fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        r#"<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html lang="zh-CN">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=gbk" />
<title>{title} - 锦水论坛</title>
<link rel="stylesheet" type="text/css" href="/style.css" />
<link rel="alternate" type="application/rss+xml" title="城事速递" href="/feed.xml" />
</head>
<body>
<div id="head"><div class="wrap"><a class="logo" href="/forum/">锦水论坛</a><span class="slogan">锦水边的家长里短</span></div></div>
<div id="nav"><div class="wrap"><a href="/">门户</a><a class="here" href="/forum/board-1-1.html">城事杂谈</a><a href="/feed.xml">城事速递</a></div></div>
<div class="wrap" id="main">
{body}
</div>
<div id="foot"><div class="wrap">锦水论坛 · 虚构的小城，为演示而作 · GMT+8</div></div>
</body>
</html>
"#
    )
}

/// The row of page numbers, with links to the page before and the next; `address` yields the address of a page.
pub(super) fn pages(page: usize, pages: usize, address: impl Fn(usize) -> String) -> String {
    if pages <= 1 {
        return String::new();
    }
    let mut out = String::from("<div class=\"pages\">");
    let mut link = |class: &str, to: usize, label: &str| {
        // Writing to a String does not fail.
        let _ = write!(out, "<a class=\"{class}\" href=\"{}\">{label}</a>", escape(&address(to)));
    };
    if page > 1 {
        link("prev", page - 1, "‹ 上一页");
    }
    for number in page.saturating_sub(3).max(1)..=(page + 3).min(pages) {
        link(if number == page { "here" } else { "page" }, number, &number.to_string());
    }
    if page < pages {
        link("next", page + 1, "下一页 ›");
    }
    out + &format!("<span>共 {pages} 页</span></div>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_words_cannot_leave_their_place() {
        assert_eq!(escape(r#"<a href="x" on='y'>&"#), "&lt;a href=&quot;x&quot; on=&#39;y&#39;&gt;&amp;");
        assert!(page("</title><script>", "").contains("<title>&lt;/title&gt;&lt;script&gt; - "));
    }

    #[test]
    fn times_are_those_of_the_town() {
        assert_eq!(time(1_795_601_107), "2026-11-25 18:05:07");
    }

    #[test]
    fn only_what_exists_is_linked() {
        let row = |page, count| pages(page, count, |page| format!("p{page}"));
        assert_eq!(row(1, 1), "");
        assert!(row(1, 2).contains("class=\"next\" href=\"p2\"") && !row(1, 2).contains("prev"));
        assert!(row(2, 2).contains("class=\"prev\" href=\"p1\"") && !row(2, 2).contains("next"));
    }
}
