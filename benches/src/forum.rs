//! A forum to crawl: a list that always has twenty new threads, and thread pages of 65 KB with twenty posts, in markup such as
//! forum engines write it. It costs its server next to nothing: the pages are made once.

use axum::{
    Router,
    body::Bytes,
    extract::{Path, State},
    http::header,
    response::{Html, IntoResponse},
    routing::get,
};
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// Posts on a thread page: the opening one and its comments.
pub const POSTS: usize = 20;
/// Threads on a list page that were not on the one before.
pub const ROWS: u64 = 20;
/// How large a thread page is.
pub const PAGE_BYTES: usize = 65_000;

/// What ingest must know to read it, in the config of a source.
pub const SELECTORS: &str = r#"
[source.list]
item = "tbody.row"
link = "a.subject@href"
changed = "td.last em"
pages = 1
[source.thread]
id = "t/(\\d+)"
post = "div.post.first"
title = "h1#subject"
fields = { native_id = "@id", text = "td.message", author = "a.author", published_at = "em.posted", likes = "span.likes" }
[source.thread.comments]
item = "div.post.reply"
fields = { native_id = "@id", text = "td.message", author = "a.author", published_at = "em.posted", likes = "span.likes" }
"#;

/// The forum: `/b/{board}` is a list, `/t/{number}` a thread, all alike.
pub fn router() -> Router {
    let thread = Bytes::from(thread_page());
    let next = Arc::new(AtomicU64::new(0));
    Router::new().route("/b/{board}", get(list)).with_state(next).route(
        "/t/{number}",
        get(move || {
            let thread = thread.clone();
            async move { ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], thread).into_response() }
        }),
    )
}

async fn list(State(next): State<Arc<AtomicU64>>, Path(board): Path<String>) -> Html<String> {
    let from = next.fetch_add(ROWS, Ordering::Relaxed);
    let mut page = format!("<!DOCTYPE html><html><head><title>{board}</title></head><body><table>");
    // The newest first; the last row has been there before.
    for number in (from..from + ROWS).rev() {
        let _ = write!(
            page,
            "<tbody class=\"row\"><tr><td><a class=\"subject\" href=\"/t/{number}\">第{number}帖</a></td>\
             <td class=\"last\"><em>{number}</em></td></tr></tbody>"
        );
    }
    page.push_str("</table></body></html>");
    Html(page)
}

const SENTENCES: [&str; 8] = [
    "抚琴街道今天又停水了，居民反映水压很低，至今没有通知。",
    "打了三次热线，接线员都说已经转给水务公司，让再等等。",
    "楼上的老人提着桶去对面小区接水，电梯也坏了，实在不方便。",
    "希望有关部门能给个说法，到底什么时候能修好？",
    "昨天晚上十一点来过一次水，只有半个小时，还是黄的。",
    "隔壁小区没有停，是不是只有我们这一片的管道有问题。",
    "物业在群里说是主管道爆了，正在抢修，预计明天中午恢复。",
    "同问，我家在六楼，从早上到现在一滴水都没有。",
];

/// A thread page.
#[must_use]
pub fn thread_page() -> String {
    let mut page = String::with_capacity(PAGE_BYTES + 4096);
    page.push_str(
        "<!DOCTYPE html>\n<html lang=\"zh-CN\">\n<head>\n<meta charset=\"utf-8\">\n<title>又停水了 - 本地论坛</title>\n\
         <link rel=\"stylesheet\" href=\"/static/style.css?v=3\">\n<script>var forum={uid:0,hash:'a81f2c',cookiepre:'x_'};</script>\n\
         </head>\n<body id=\"nv\" class=\"pg_viewthread\">\n<div id=\"hd\"><ul class=\"nav\">",
    );
    for n in 0..24 {
        let _ = write!(
            page,
            "<li id=\"mn_{n}\"><a href=\"/forum-{n}-1.html\" hidefocus=\"true\" title=\"版块\">版块 {n}</a></li>"
        );
    }
    page.push_str("</ul></div>\n<h1 id=\"subject\">又停水了，有人管吗</h1>\n<div id=\"postlist\" class=\"pl\">\n");
    for n in 0..POSTS {
        post(&mut page, n);
    }
    page.push_str("</div>\n");
    // What such pages have beneath: links, scripts, and white space.
    while page.len() < PAGE_BYTES {
        let n = page.len();
        let _ = writeln!(
            page,
            "<div class=\"bm\"><ul><li><a href=\"/thread-{n}-1-1.html\" target=\"_blank\">相关主题 {n}</a>\
             <span class=\"y xg1\">2026-11-20</span></li></ul></div>"
        );
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn post(page: &mut String, n: usize) {
    let class = if n == 0 { "first" } else { "reply" };
    let _ = write!(
        page,
        "<div id=\"p{n}\" class=\"post {class}\"><table id=\"pid{n}\" summary=\"pid{n}\" cellspacing=\"0\" cellpadding=\"0\">\n\
         <tr><td class=\"pls\" rowspan=\"2\"><div class=\"pi\"><div class=\"authi\">\
         <a href=\"/space-uid-{n}.html\" target=\"_blank\" class=\"author xw1\">居民{n}</a></div></div>\n\
         <div class=\"avatar\"><a href=\"/space-uid-{n}.html\" class=\"avtm\" target=\"_blank\">\
         <img src=\"/uc/avatar.php?uid={n}&amp;size=middle\" alt=\"\" onerror=\"this.src='/static/noavatar.gif'\"></a></div>\n\
         <dl class=\"pil\"><dt>主题</dt><dd><a href=\"/home.php?uid={n}&amp;do=thread\">{n}</a></dd><dt>帖子</dt><dd>{n}</dd>\
         <dt>积分</dt><dd>{n}</dd></dl></td>\n\
         <td class=\"plc\"><div class=\"pti\"><div class=\"pdbt\"></div><div class=\"authi\">\
         <img class=\"authicn vm\" src=\"/static/online_member.gif\" alt=\"\"><em id=\"authorposton{n}\" class=\"posted\">\
         2026-11-{:02} {:02}:{:02}:00</em><span class=\"pipe\">|</span><a href=\"/thread.php?authorid={n}\" rel=\"nofollow\">只看该作者</a>\
         <span class=\"likes\">{}</span></div></div>\n<div class=\"pct\"><div class=\"pcb\"><div class=\"t_fsz\">\
         <table cellspacing=\"0\" cellpadding=\"0\"><tr><td class=\"message\" id=\"postmessage_{n}\">",
        1 + n % 20,
        n,
        (n * 7) % 60,
        n * 3
    );
    for k in 0..5 {
        let _ = writeln!(page, "{}<br>", SENTENCES[(n + k) % SENTENCES.len()]);
    }
    let _ = write!(
        page,
        "</td></tr></table></div><div id=\"comment_{n}\" class=\"cm\"></div></div></div></td></tr>\n\
         <tr><td class=\"plc plm\"><div class=\"po hin\"><div class=\"pob cl\"><em>\
         <a class=\"fastre\" href=\"/forum.php?mod=post&amp;action=reply&amp;repquote={n}\" onclick=\"showWindow('reply', this.href)\">回复</a></em>\
         <p><a href=\"javascript:;\" id=\"mgc_post_{n}\" onmouseover=\"showMenu(this.id)\" class=\"showmenu\">使用道具</a>\
         <a href=\"/misc.php?mod=report&amp;rid={n}\">举报</a></p></div></div></td></tr>\n<tr class=\"ad\"><td class=\"pls\"></td>\
         <td class=\"plc\"></td></tr></table></div>\n"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_page_is_as_large_as_is_said_and_has_its_posts() {
        let page = thread_page();
        assert!((PAGE_BYTES..PAGE_BYTES + 1_000).contains(&page.len()), "{}", page.len());
        assert_eq!(page.matches("class=\"message\"").count(), POSTS);
        let posts = page.rfind("postmessage_").unwrap();
        assert!(posts > PAGE_BYTES / 2, "most of it is posts: {posts}");
    }
}
