//! `/forum/thread-ID-N.html`: the opening post on the first page, and the comments, the oldest first.

use super::html;
use crate::{
    chronicle::Chronicle,
    post::{self, COMMENTS_PER_PAGE, Post},
};
use html::escape;
use std::fmt::Write as _;

/// The page at a moment, and when somebody last said something in the thread; nothing when there is no such page.
pub(super) fn render(chronicle: &Chronicle, number: u64, page: usize, now: i64) -> Option<(String, i64)> {
    let thread = chronicle.thread(number, now)?;
    let comments = thread.comments_at(now).len();
    let pages = comments.div_ceil(COMMENTS_PER_PAGE).max(1);
    if page > pages {
        return None;
    }
    let opening = post::opening(thread, now);
    let title = escape(&opening.words.title);
    let mut body = format!(
        "<div class=\"crumbs\">锦水论坛 › <a href=\"/forum/board-1-1.html\">城事杂谈</a> <span>回复 {comments}</span></div>\n\
         <h1 class=\"subject\">{title}</h1>\n"
    );
    if page == 1 {
        let replies = format!(" · 回复 <b class=\"replies\">{}</b>", opening.replies);
        write_post(&mut body, "opening", "楼主", &opening, &replies);
    }
    for place in (page - 1) * COMMENTS_PER_PAGE..comments.min(page * COMMENTS_PER_PAGE) {
        write_post(&mut body, "reply", &format!("{}楼", place + 2), &post::comment(thread, place, now), "");
    }
    body += &html::pages(page, pages, |page| post::thread_path(number, page));
    Some((html::page(&opening.words.title, &body), thread.last_at(now)))
}

fn write_post(out: &mut String, class: &str, floor: &str, post: &Post, replies: &str) {
    let _ = writeln!(
        out,
        "<table class=\"post {class}\" id=\"post_{id}\" cellspacing=\"0\">\n\
         <tr><td class=\"who\" rowspan=\"3\"><div class=\"face\">{initial}</div><cite class=\"author\">{author}</cite></td>\
         <td class=\"info\"><a class=\"anchor\" name=\"{id}\" href=\"#{id}\">{floor}</a> 发表于 <em class=\"time\">{time}</em></td></tr>\n\
         <tr><td class=\"message\">{text}</td></tr>\n\
         <tr><td class=\"marks\">赞 <b class=\"likes\">{likes}</b>{replies}</td></tr>\n\
         </table>",
        id = post.native_id,
        initial = escape(&post.words.author.chars().take(1).collect::<String>()),
        author = escape(&post.words.author),
        time = html::time(post.at),
        text = escape(&post.words.text),
        likes = post.likes,
    );
}
