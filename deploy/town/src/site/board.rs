//! `/forum/board-1-N.html`: the threads, the one that was answered last first.

use super::html;
use crate::{chronicle::Chronicle, post};
use html::escape;
use std::fmt::Write as _;

/// Threads on a page.
pub(crate) const THREADS_PER_PAGE: usize = 20;

/// The page at a moment, and when it last changed; nothing when there is no such page.
pub(super) fn render(chronicle: &Chronicle, page: usize, now: i64) -> Option<(String, i64)> {
    let count = chronicle.thread_count(now);
    let pages = count.div_ceil(THREADS_PER_PAGE).max(1);
    if page > pages {
        return None;
    }
    let threads = chronicle.latest(now, (page - 1) * THREADS_PER_PAGE, THREADS_PER_PAGE);
    let mut rows = String::new();
    for thread in &threads {
        let opening = post::opening(thread, now);
        let (path, id) = (post::thread_path(thread.number, 1), &opening.native_id);
        let last = thread.last_at(now);
        let last_by = match thread.comments_at(now).len() {
            0 => opening.words.author.clone(),
            n => post::comment(thread, n - 1, now).words.author,
        };
        let hot = if opening.replies >= 15 { "<span class=\"hot\">热</span>" } else { "" };
        let _ = writeln!(
            rows,
            "<tr class=\"thread\" id=\"{id}\"><td class=\"icon\"></td>\
             <td class=\"subject\"><a class=\"title\" href=\"{path}\">{}</a>{hot}</td>\
             <td class=\"by\"><cite>{}</cite><span>{}</span></td>\
             <td class=\"replies\">{}</td>\
             <td class=\"lastpost\"><cite>{}</cite><em>{}</em></td></tr>",
            escape(&opening.words.title),
            escape(&opening.words.author),
            html::time(opening.at),
            opening.replies,
            escape(&last_by),
            html::time(last),
        );
    }
    let numbers = html::pages(page, pages, |page| format!("/forum/board-1-{page}.html"));
    let body = format!(
        r#"<div class="crumbs">锦水论坛 › 城事杂谈 <span>主题 {count}</span></div>
<table class="threadlist" cellspacing="0">
<tr class="head"><th></th><th>主题</th><th>作者</th><th>回复</th><th>最后发表</th></tr>
<tr class="notice"><td class="icon"></td><td class="subject"><a href="/forum/rules.html">【置顶】本版版规，发帖必读</a></td><td class="by"><cite>管理员</cite></td><td class="replies">-</td><td class="lastpost">-</td></tr>
{rows}</table>
{numbers}"#
    );
    let modified = threads.first().map_or(now, |thread| thread.last_at(now));
    Some((html::page("城事杂谈", &body), modified))
}
