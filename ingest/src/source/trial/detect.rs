//! What a page is: a feed, the answer of an API that is known, a page of an engine that is known.

use crate::source::{feed::FeedReader, json, link::address, listing::Context, page, preset, select};
use jiff::{Timestamp, tz::TimeZone};
use schemas::kit::settings::Feed;
use url::Url;

/// What a page turned out to be.
#[derive(Debug)]
pub(super) enum Detected {
    /// A feed, here or where the page says, and how that is known.
    Feed(Url, String),
    /// A page of an engine, where that is installed, and how it is known.
    Engine { preset: &'static str, home: Url, why: String },
    /// Nothing that is known, and what it looks like.
    Unknown(String),
}

pub(super) fn detect(text: &str, url: &Url) -> Detected {
    if is_feed(text, url) {
        return Detected::Feed(url.clone(), "by its form".into());
    }
    if let Ok(answer) = json::read(text) {
        let engine = preset::names().find(|name| preset::find(name).is_ok_and(|preset| preset.answers(&answer)));
        return match engine {
            Some(preset) => Detected::Engine { preset, home: url.clone(), why: "by the keys of its answer".into() },
            None => Detected::Unknown(format!(
                "it answers in JSON that no preset knows ({}): write a source of kind = \"json\" with [source.json]",
                json::path::shown(&answer)
            )),
        };
    }
    let html = match page::parse(text) {
        Ok(html) => html,
        Err(error) => return Detected::Unknown(error),
    };
    for name in preset::names() {
        let Ok(preset) = preset::find(name) else { continue };
        if let Some(mark) = preset.mark_in(&html) {
            let home = preset.home(&html).and_then(|home| address(url, &home)).unwrap_or_else(|| url.clone());
            return Detected::Engine { preset: name, home, why: format!("by its mark {mark}") };
        }
    }
    let feed = "link[rel~='alternate'][type='application/rss+xml'], link[rel~='alternate'][type='application/atom+xml'], \
                link[rel~='alternate'][type='application/feed+json']";
    let linked = select::selector(feed)
        .ok()
        .and_then(|feed| html.select(&feed).find_map(|link| address(url, link.attr("href")?)));
    match linked {
        Some(feed) => Detected::Feed(feed, "which the page links to".into()),
        None => Detected::Unknown(
            "it is no feed, links to none, and bears the mark of no engine that a preset knows: write a source of kind = \"html\"".into(),
        ),
    }
}

fn is_feed(text: &str, url: &Url) -> bool {
    let context = Context { source: "trial", now: Timestamp::now(), tz: &TimeZone::UTC, link: None };
    FeedReader::new(&Feed::default()).is_ok_and(|reader| reader.list(text, url, &context).is_ok())
}
