//! The feed: RSS of the newest threads, with the link to its next page where one asks for pages (RFC 5005).

use super::{
    wire::{Page, Request},
    world::{Thread, World},
};
use crate::site::escape;
use jiff::fmt::rfc2822;

/// The feed's page; nothing behind its end. Without `paged` it has one page, and nobody learns of what fell off it.
pub(super) fn render(world: &World, request: &Request) -> Option<Page> {
    let threads = world.newest();
    let (part, more) = request.part(&threads);
    if part.is_empty() && request.page > 1 {
        return None;
    }
    let next = match (request.is_paged, more) {
        (true, true) => {
            format!("<atom:link rel=\"next\" href=\"/feed.xml?paged={}\"/>", request.page + 1)
        }
        _ => String::new(),
    };
    let item = |thread: &&Thread| {
        let at = rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&thread.opening.at);
        format!(
            "<item><guid isPermaLink=\"false\">{}</guid><title>{}</title><link>/thread/{}</link><pubDate>{}</pubDate><description>{}</description></item>\n",
            thread.number(),
            escape(&thread.title()),
            thread.number(),
            at.unwrap_or_default(),
            escape(thread.opening.text()),
        )
    };
    let items: String = part.iter().map(item).collect();
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\" xmlns:atom=\"http://www.w3.org/2005/Atom\"><channel><title>最新</title>{next}\n{items}</channel></rss>\n"
    );
    Some(("application/rss+xml", text))
}
