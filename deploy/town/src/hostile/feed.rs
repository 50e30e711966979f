//! The feed: RSS of the newest threads. Its older pages are there for whoever asks for them by number, as many blogs have it.

use super::{
    wire::{Page, Request},
    world::{Thread, World},
};
use crate::site::escape;
use jiff::fmt::rfc2822;

/// A page of the feed; nothing behind its end.
pub(super) fn render(world: &World, request: &Request) -> Option<Page> {
    let threads = world.newest();
    let (part, _) = request.part(&threads);
    if part.is_empty() && request.page > 1 {
        return None;
    }
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
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<rss version=\"2.0\"><channel><title>最新</title>\n{items}</channel></rss>\n"
    );
    Some(("application/rss+xml", text))
}
