//! The sources of the config, compiled: every selector, expression and encoding is judged once, when the stage starts (and
//! by `wanglou check`), with the line that it stands in.

pub(crate) mod draft;
pub(crate) mod feed;
pub(crate) mod html;
pub(crate) mod listing;
mod media;
mod page;
mod select;

use crate::{charset, crawl::Bounds};
use encoding_rs::Encoding;
use feed::FeedReader;
use html::HtmlReader;
use jiff::tz::TimeZone;
use listing::{Context, ListPage, Thread, ThreadPage};
use schemas::kit::settings::{Fault, Order, Settings, Source, SourceKind, Spanned};
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
    pub(crate) reader: Reader,
}

/// How its pages are read.
#[derive(Debug)]
pub(crate) enum Reader {
    Html(Box<HtmlReader>),
    Feed(FeedReader),
}

impl Reader {
    /// Reads a page of the list.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn list(&self, text: &str, url: &Url, context: &Context<'_>) -> Result<ListPage, String> {
        match self {
            Self::Html(reader) => reader.list(text, url, context),
            Self::Feed(reader) => reader.list(text, url, context),
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
        }
    }

    /// Pages of the list that a visit reads at most.
    pub(crate) fn list_pages(&self) -> u32 {
        match self {
            Self::Html(reader) => reader.list_pages,
            Self::Feed(reader) => reader.pages,
        }
    }

    /// Pages of one thread that a visit reads at most.
    pub(crate) fn thread_pages(&self) -> u32 {
        match self {
            Self::Html(reader) => reader.thread_pages(),
            Self::Feed(_) => 0,
        }
    }

    /// In which order the comments of a thread stand.
    pub(crate) fn thread_order(&self) -> Order {
        match self {
            Self::Html(reader) => reader.thread_order(),
            Self::Feed(_) => Order::default(),
        }
    }
}

/// What is wrong, and where in the source's table.
pub(crate) type PathFault = (Vec<String>, String);

impl Site {
    /// # Errors
    /// Every fault, with the path of its key within `[[source]]`.
    pub(crate) fn new(source: &Source, tz: TimeZone) -> Result<Self, Vec<PathFault>> {
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
        let reader = match (source.kind, &source.list, &source.thread) {
            (SourceKind::Rss, ..) => match FeedReader::new(&source.feed) {
                Ok(reader) => Some(Reader::Feed(reader)),
                Err(mut more) => {
                    faults.append(&mut more);
                    None
                }
            },
            (SourceKind::Html, Some(list), thread) => match HtmlReader::new(list, thread.as_ref()) {
                Ok(reader) => Some(Reader::Html(Box::new(reader))),
                Err(mut more) => {
                    faults.append(&mut more);
                    None
                }
            },
            // Named by the settings themselves.
            (SourceKind::Html, ..) => {
                faults.push((vec!["kind".into()], "an html source needs [source.list]".into()));
                None
            }
        };
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
        })
    }
}

/// All sources, compiled.
///
/// # Errors
/// Every fault, with its line.
pub(crate) fn sites(settings: &Settings) -> Result<Vec<Site>, Vec<Fault>> {
    let mut sites = Vec::new();
    let mut faults = Vec::new();
    for source in &settings.source {
        match Site::new(source.get_ref(), settings.tz()) {
            Ok(site) => sites.push(site),
            Err(wrong) => faults.extend(wrong.into_iter().map(|wrong| placed(settings, source, wrong))),
        }
    }
    if faults.is_empty() { Ok(sites) } else { Err(faults) }
}

fn placed(settings: &Settings, source: &Spanned<Source>, (path, message): PathFault) -> Fault {
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
