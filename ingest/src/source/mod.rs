//! The sources of the config, compiled: every selector, expression and encoding is judged once, when the stage starts (and
//! by `wanglou check`), with the line that it stands in.

pub(crate) mod draft;
pub(crate) mod feed;
pub(crate) mod headers;
pub(crate) mod html;
pub(crate) mod json;
mod link;
pub(crate) mod listing;
mod media;
mod page;
mod preset;
mod select;
pub mod trial;

use crate::{charset, crawl::Bounds};
use encoding_rs::Encoding;
use feed::FeedReader;
use headers::Headers;
use html::HtmlReader;
use jiff::tz::TimeZone;
use json::JsonReader;
use listing::{Context, ListPage, Thread, ThreadPage};
use schemas::kit::settings::{Fault, Order, Settings, Source, SourceKind, Spanned, secret};
use std::{collections::HashMap, sync::Arc};
use toml::{Table, Value};
use url::Url;

/// A source, ready to be visited.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) start: Url,
    pub(crate) pace: Bounds,
    pub(crate) encoding: Option<&'static Encoding>,
    pub(crate) allow_private: bool,
    pub(crate) tz: TimeZone,
    pub(crate) reader: Arc<Reader>,
    pub(crate) headers: Headers,
}

/// How its pages are read.
#[derive(Debug)]
pub(crate) enum Reader {
    Html(Box<HtmlReader>),
    Feed(FeedReader),
    Json(Box<JsonReader>),
}

impl Reader {
    /// # Errors
    /// Every fault, with the path of its key within `[[source]]`.
    fn new(source: &Source) -> Result<Self, Vec<PathFault>> {
        let missing = |what: &str| Err(vec![(vec!["kind".to_owned()], what.to_owned())]);
        match (source.kind, &source.list, &source.json) {
            (SourceKind::Rss, ..) => FeedReader::new(&source.feed).map(Self::Feed),
            (SourceKind::Html, Some(list), _) => HtmlReader::new(list, source.thread.as_ref())
                .map(|reader| Self::Html(Box::new(reader.minding(&source.strip, source.uncomment)))),
            (SourceKind::Json, _, Some(json)) => JsonReader::new(json).map(|reader| Self::Json(Box::new(reader))),
            // Named by the settings themselves.
            (SourceKind::Html, None, _) => missing("an html source needs [source.list]"),
            (SourceKind::Json, _, None) => missing("a json source needs [source.json]"),
            (SourceKind::Preset, ..) => missing("missing key `kind`"),
            (SourceKind::File, ..) => missing("a folder is no site to crawl"),
        }
    }

    /// Reads a page of the list.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn list(&self, text: &str, url: &Url, context: &Context<'_>) -> Result<ListPage, String> {
        match self {
            Self::Html(reader) => reader.list(text, url, context),
            Self::Feed(reader) => reader.list(text, url, context),
            Self::Json(reader) => reader.list(text, url, context),
        }
    }

    /// Reads a page of a thread.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn thread(
        &self,
        text: &str,
        url: &Url,
        thread: &Thread<'_>,
        context: &Context<'_>,
    ) -> Result<ThreadPage, String> {
        match self {
            Self::Html(reader) => reader.thread(text, url, thread, context),
            Self::Feed(_) => Err("a feed has no threads".into()),
            Self::Json(reader) => reader.thread(text, url, thread, context),
        }
    }

    /// Pages of the list that a visit reads at most.
    pub(crate) fn list_pages(&self) -> u32 {
        match self {
            Self::Html(reader) => reader.list_pages,
            Self::Feed(reader) => reader.pages,
            Self::Json(reader) => reader.pages,
        }
    }

    /// Pages of one thread that a visit reads at most.
    pub(crate) fn thread_pages(&self) -> u32 {
        match self {
            Self::Html(reader) => reader.thread_pages(),
            Self::Feed(_) => 0,
            Self::Json(reader) => reader.thread_pages(),
        }
    }

    /// In which order the comments of a thread stand.
    pub(crate) fn thread_order(&self) -> Order {
        match self {
            Self::Html(reader) => reader.thread_order(),
            Self::Feed(_) | Self::Json(_) => Order::default(),
        }
    }
}

/// What is wrong, and where in the source's table.
pub(crate) type PathFault = (Vec<String>, String);

/// Readers that were compiled: ten thousand sources of one engine share one.
#[derive(Default)]
struct Readers(HashMap<String, Arc<Reader>>);

impl Readers {
    fn get(&mut self, source: &Source) -> Result<Arc<Reader>, Vec<PathFault>> {
        let Source { kind, list, thread, feed, json, uncomment, strip, .. } = source;
        // All that a reader is made of.
        let key = format!("{:?}", (kind, list, thread, feed, json, uncomment, strip));
        if let Some(reader) = self.0.get(&key) {
            return Ok(reader.clone());
        }
        let reader = Arc::new(Reader::new(source)?);
        self.0.insert(key, reader.clone());
        Ok(reader)
    }
}

impl Site {
    /// # Errors
    /// Every fault, with the path of its key within `[[source]]`.
    pub(crate) fn new(source: &Source, tz: TimeZone) -> Result<Self, Vec<PathFault>> {
        Self::sharing(source, tz, &mut Readers::default())
    }

    fn sharing(source: &Source, tz: TimeZone, readers: &mut Readers) -> Result<Self, Vec<PathFault>> {
        let mut faults = Vec::new();
        let encoding = source.encoding.as_deref().and_then(|name| {
            let encoding = charset::named(name);
            if encoding.is_none() {
                faults
                    .push((vec!["encoding".into()], format!("{name:?} is no encoding, such as \"gbk\" or \"utf-8\"")));
            }
            encoding
        });
        let start = Url::parse(&source.url);
        if let Err(error) = &start {
            faults.push((vec!["url".into()], format!("{:?} is no address: {error}", source.url)));
        }
        let reader = readers.get(source).map_err(|mut more| faults.append(&mut more)).ok();
        let headers = source.json.as_ref().map(|json| &json.headers);
        let headers = headers.map_or_else(|| Ok(Headers::default()), |headers| Headers::new(headers, secret));
        let headers = headers.map_err(|mut more| faults.append(&mut more)).unwrap_or_default();
        let (Ok(start), Some(reader), []) = (start, reader, faults.as_slice()) else { return Err(faults) };
        Ok(Self {
            id: source.id.clone(),
            name: source.display_name().to_owned(),
            start,
            pace: Bounds { fastest: source.fastest(), usual: source.every, slowest: source.slowest() },
            encoding,
            allow_private: source.allow_private,
            tz,
            reader,
            headers,
        })
    }
}

/// All sources that are sites, compiled.
///
/// # Errors
/// Every fault, with its line.
pub(crate) fn sites(settings: &Settings) -> Result<Vec<Site>, Vec<Fault>> {
    let mut sites = Vec::new();
    let mut faults = Vec::new();
    let (own, mut readers) = (own_tables(settings), Readers::default());
    for (number, source) in settings.source.iter().enumerate() {
        if source.get_ref().kind == SourceKind::File {
            continue;
        }
        let own = own.get(number).cloned().unwrap_or_default();
        match site(source.get_ref(), &own, settings.tz(), &mut readers) {
            Ok(site) => sites.push(site),
            Err(wrong) => faults.extend(wrong.into_iter().map(|wrong| placed(settings, source, wrong))),
        }
    }
    if faults.is_empty() { Ok(sites) } else { Err(faults) }
}

/// A source's kind by name, its preset's where the source does not say.
pub(crate) fn kind(source: &Source) -> &'static str {
    match source.kind {
        SourceKind::Html => "html",
        SourceKind::Rss => "rss",
        SourceKind::Json => "json",
        SourceKind::File => "file",
        SourceKind::Preset => {
            let preset = source.preset.as_deref().and_then(|name| preset::find(name).ok());
            preset.map_or("html", |preset| preset.kind())
        }
    }
}

/// The keys of the sources as they are written, without any defaults: only these override a preset's.
fn own_tables(settings: &Settings) -> Vec<Table> {
    // The text was read when the settings were.
    let mut document: Table = settings.text.parse().unwrap_or_default();
    match document.remove("source") {
        Some(Value::Array(sources)) => {
            sources.into_iter().map(|source| source.try_into().unwrap_or_default()).collect()
        }
        _ => Vec::new(),
    }
}

/// A source with what its preset knows; `own` holds the keys that are written.
///
/// # Errors
/// What is wrong, with the path of the key.
fn expanded(source: &Source, own: &Table) -> Result<Source, Vec<PathFault>> {
    let Some(name) = &source.preset else { return Ok(source.clone()) };
    let preset = preset::find(name).map_err(|message| vec![(vec!["preset".into()], message)])?;
    preset.source(own).map_err(|fault| vec![fault])
}

/// A source of the config, compiled. A fault of a key that only its preset has stands at `preset`, and names it.
fn site(source: &Source, own: &Table, tz: TimeZone, readers: &mut Readers) -> Result<Site, Vec<PathFault>> {
    Site::sharing(&expanded(source, own)?, tz, readers).map_err(|faults| {
        let Some(name) = &source.preset else { return faults };
        let named = |(path, message): PathFault| match preset::states(own, &path) {
            true => (path, message),
            false => (vec!["preset".into()], format!("preset {name:?}, {}: {message}", path.join("."))),
        };
        faults.into_iter().map(named).collect()
    })
}

pub(crate) fn placed(settings: &Settings, source: &Spanned<Source>, (path, message): PathFault) -> Fault {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    settings.fault_within("source", source, &path, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::kit::settings::Place;

    #[test]
    fn every_fault_of_a_source_is_named_with_its_line() {
        let text = r#"
[[source]]
id = "forum"
kind = "html"
url = "https://forum.example/"
encoding = "klingon"
[source.list]
item = "li["
link = "a@href"
next = { css = "a", regex = "(" }
[source.thread]
id = "["
post = ".post"
time_format = "%Y %!"
[source.thread.fields]
text = "p:nope"
colour = "b"
[source.thread.comments]
item = ".comment"
[source.thread.comments.fields]
text = "p"
published_at = "time"
"#;
        let settings = Settings::parse(text, []).unwrap();
        let mut faults = sites(&settings).unwrap_err();
        faults.sort();
        let lines: Vec<_> = faults
            .iter()
            .map(|fault| match fault.place {
                Place::Line(line) => line,
                _ => 0,
            })
            .collect();
        // Missing are the post's published_at and the comment's native_id.
        assert_eq!(lines, [6, 8, 10, 12, 14, 15, 16, 17, 20], "{faults:#?}");
    }

    #[test]
    fn faults_with_a_preset_are_named_with_their_line_and_where_they_are() {
        let text = r#"
[[source]]
id = "a"
preset = "discuz"
url = "https://bbs.example/"
[[source]]
id = "b"
preset = "discus"
url = "https://bbs.example/"
[[source]]
id = "c"
preset = "phpbb"
board = "2"
url = "https://bbs.example/"
[source.list]
item = "li["
[[source]]
id = "d"
preset = "mastodon"
url = "https://m.example/"
[source.json.headers]
Authorization = "Bearer $NO_SUCH_VARIABLE_IS_SET"
[[source]]
id = "e"
preset = "wordpress"
url = "https://w.example/"
kind = "html"
"#;
        let settings = Settings::parse(text, []).unwrap();
        let mut faults = sites(&settings).unwrap_err();
        faults.sort();
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        for (told, expected) in told.iter().zip([
            "2: is needed",
            "8: there is no preset",
            "16: \"li[\"",
            "22: NO_SUCH_VARIABLE_IS_SET is not set",
            "27: ",
        ]) {
            assert!(told.contains(&format!("config:{expected}")), "{expected}: {told}");
        }
        assert_eq!(told.len(), 5, "{told:#?}");
    }

    #[test]
    fn a_good_source_is_compiled() {
        let text = r#"
[[source]]
id = "feed"
kind = "rss"
url = "https://feed.example/rss"
"#;
        let settings = Settings::parse(text, []).unwrap();
        let sites = sites(&settings).unwrap();
        assert_eq!((sites[0].id.as_str(), sites[0].allow_private), ("feed", false));
    }
}
