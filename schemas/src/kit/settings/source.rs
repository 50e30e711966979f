//! `[[source]]`: a site to crawl.

use super::{FileSettings, KeyFault, Official, is_id, json::Json, log::duration};
use crate::records::Kind;
use serde::Deserialize;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// `[[source]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The id: part of every post's id, so it must never change.
    pub id: String,
    /// The name that people read.
    #[serde(default)]
    pub name: String,
    /// What kind of site it is. Without it the preset says.
    #[serde(default)]
    pub kind: SourceKind,
    /// The engine that the site runs on, such as `"discuz"`: how its pages are read is known then, and `list`, `thread`, `json`
    /// need hold only what is to be otherwise.
    pub preset: Option<String>,
    /// Where a visit begins: the newest-first list, the feed, the API. With a preset the address of the site is enough.
    #[serde(default)]
    pub url: String,
    /// With a preset: the part of the site, as its engine names it in addresses (a number, a name, a tag).
    pub board: Option<String>,
    /// The time between visits. It is fitted to what the source brings: less when posts come, more when it is quiet.
    #[serde(default = "every", with = "duration")]
    pub every: Duration,
    /// The least time between visits; a quarter of `every` without it, and at least a second.
    #[serde(default, deserialize_with = "duration::some")]
    pub fastest: Option<Duration>,
    /// The most time between visits; twice `every` without it.
    #[serde(default, deserialize_with = "duration::some")]
    pub slowest: Option<Duration>,
    /// The encoding, where the site states a wrong one.
    pub encoding: Option<String>,
    /// Allows this source's own host and port to lie in a private or loopback range. Links to others there are not followed.
    #[serde(default)]
    pub allow_private: bool,
    /// html: how a list page is read.
    pub list: Option<HtmlList>,
    /// html: how a thread page is read. Not needed where the rows of the list are posts themselves.
    pub thread: Option<HtmlThread>,
    /// rss: how a feed with several pages is read.
    #[serde(default)]
    pub feed: Feed,
    /// file: the folder that is watched.
    pub path: Option<PathBuf>,
    /// file: which of its files are read, by name; `*` stands for any characters, `?` for one.
    pub pattern: Option<String>,
    /// file: the door's key for each heading of a column, or key of a line; or `ignore`. The door's own keys, and the headings that
    /// hotlines use most, are understood without it.
    #[serde(default)]
    pub columns: BTreeMap<String, String>,
    /// file: how its files are read.
    #[serde(default)]
    pub file: FileSettings,
    /// Whose official voice it is.
    pub official: Option<Official>,
    /// json: how answers are read.
    pub json: Option<Json>,
    /// html: pages hide their content in comments, for a script to bring out.
    #[serde(default)]
    pub uncomment: bool,
    /// Query parameters that say nothing about the page and are taken out of links. Those of sessions always are.
    #[serde(default)]
    pub strip: Vec<String>,
}

/// What kind of site it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceKind {
    /// What the preset says.
    #[default]
    #[serde(skip)]
    Preset,
    /// Pages, read by CSS selectors.
    Html,
    /// RSS, Atom or JSON Feed.
    Rss,
    /// A folder that files are handed in by: JSON Lines, CSV, XLSX.
    File,
    /// An HTTP API that answers in JSON.
    Json,
}

/// How one value is taken from a page: a CSS selector, or a selector with more beside it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Field {
    /// The text of the first match; with `@name` at the end, an attribute of it: `"a.title@href"`.
    Selector(String),
    /// The first of several that yields something.
    FirstOf(Vec<Field>),
    /// A selector with more beside it.
    Detailed(Detailed),
}

/// A [`Field`] with more than a selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detailed {
    /// The selector, with `@name` for an attribute. Empty: the item itself.
    pub css: String,
    /// A regular expression: only elements that show such a text are looked at, such as a link by its `下一页`.
    pub shows: Option<String>,
    /// The value is JSON, as in an attribute `data-field`; this is the path to what is wanted of it.
    pub json: Option<String>,
    /// A regular expression; its first group, or else the whole match, is the value.
    pub regex: Option<String>,
    /// Matches what is left out of the text, such as quotations.
    pub without: Option<String>,
}

/// `[source.list]`: the newest-first list of threads.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HtmlList {
    /// Matches one thread's row.
    #[serde(default)]
    pub item: String,
    /// Within the row: the link to the thread, or to the post.
    pub link: Option<Field>,
    /// Within the row, where it is a post itself (a flat list): values by name as in `[source.thread.fields]`; `native_id`, `text` and
    /// `published_at` are required.
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
    /// What the rows of a flat list are: `post`, or `comment`.
    #[serde(default = "post")]
    pub kind: Kind,
    /// Within the row: what changes when somebody answers (such as the number of replies or the time of the last one), so
    /// that only threads with news are fetched.
    pub changed: Option<Field>,
    /// The link to the next, older page.
    pub next: Option<Field>,
    /// Where the newest stand at the end: the link to the last page, from which `next` leads backwards.
    pub last: Option<Field>,
    /// How many pages a visit goes back at most. What lies beyond is fetched by later visits, and is a gap until then.
    #[serde(default = "list_pages")]
    pub pages: u32,
    /// How rows write times, as in strftime; the common forms are understood without it.
    pub time_format: Option<String>,
}

impl Default for HtmlList {
    fn default() -> Self {
        Self {
            item: String::new(),
            link: None,
            fields: BTreeMap::new(),
            kind: post(),
            changed: None,
            next: None,
            last: None,
            pages: list_pages(),
            time_format: None,
        }
    }
}

/// `[source.feed]`: how a feed with several pages is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Feed {
    /// The query parameter that numbers the feed's pages, such as `paged`; feeds that link to their next page (RFC 5005) need none.
    pub page: Option<String>,
    /// How many pages a visit goes back at most.
    pub pages: u32,
}

impl Default for Feed {
    fn default() -> Self {
        Self { page: None, pages: list_pages() }
    }
}

/// In which order the comments of a thread stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The oldest first: new ones come at the end.
    #[default]
    Oldest,
    /// The newest first: new ones come on the first page.
    Newest,
}

/// `[source.thread]`: a thread page.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HtmlThread {
    /// The thread's id: a regular expression over its address, whose first group (or else the whole match) is the id. Without
    /// it the id is the post's `native_id`, or else the address itself.
    pub id: Option<String>,
    /// Matches the opening post, on the first page of a thread.
    #[serde(default)]
    pub post: String,
    /// Within the page: the title.
    pub title: Option<Field>,
    /// Within the post, values by name: `text` and `published_at` are required; `title`, `author`, `native_id`, `likes`,
    /// `replies`, `reposts`, `place` can be given.
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
    /// The comments.
    pub comments: Option<Comments>,
    /// The link to the thread's next page.
    pub next: Option<Field>,
    /// How many pages of one thread a visit reads at most.
    #[serde(default = "pages")]
    pub pages: u32,
    /// In which order the comments stand: `oldest` first, or `newest` first.
    #[serde(default)]
    pub order: Order,
    /// How the page writes times, as in strftime; RFC 3339 and the common forms are understood without it.
    pub time_format: Option<String>,
}

/// `[source.thread.comments]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comments {
    /// Matches one comment. What is the opening post is none, though it match too.
    #[serde(default)]
    pub item: String,
    /// Within the comment, values by name, as in a thread's `fields`, and `parent_id`; `native_id` is required. It need only be
    /// unique within the thread: the comment's own id is the thread's and this one.
    #[serde(default)]
    pub fields: BTreeMap<String, Field>,
}

fn every() -> Duration {
    Duration::from_secs(60)
}

pub(super) fn pages() -> u32 {
    5
}

pub(super) fn list_pages() -> u32 {
    20
}

fn post() -> Kind {
    Kind::Post
}

impl Source {
    /// The name that people read, the id where there is none.
    #[must_use]
    pub fn display_name(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }

    /// The least time between visits.
    #[must_use]
    pub fn fastest(&self) -> Duration {
        self.fastest.unwrap_or_else(|| (self.every / 4).max(Duration::from_secs(1)).min(self.every))
    }

    /// The most time between visits.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.slowest.unwrap_or(self.every * 2)
    }

    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if self.kind == SourceKind::File {
            return self.check_file();
        }
        if self.path.is_some()
            || self.pattern.is_some()
            || !self.columns.is_empty()
            || self.file != FileSettings::default()
        {
            faults.push((
                "kind",
                "path, pattern, columns and [source.file] have a meaning with kind = \"file\" alone".into(),
            ));
        }
        if !url::Url::parse(&self.url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host()) {
            faults.push(("url", format!("{:?} is no http or https address", self.url)));
        }
        if self.every < Duration::from_secs(1) {
            faults.push(("every", "must be at least a second".into()));
        }
        if self.fastest() < Duration::from_secs(1) || self.fastest() > self.every {
            faults.push(("fastest", "must be at least a second and at most `every`".into()));
        }
        if self.slowest() < self.every {
            faults.push(("slowest", "must be at least `every`".into()));
        }
        match (self.kind, &self.preset) {
            (SourceKind::Preset, None) => {
                faults.push(("kind", "missing key `kind`: \"html\", \"rss\" or \"json\"; or a `preset`".into()));
            }
            // What is missing the preset has; what it lacks is known when the two are put together.
            (_, Some(_)) => {}
            (SourceKind::Html, _) => match &self.list {
                None => faults.push(("kind", "an html source needs [source.list]".into())),
                Some(list) if list.fields.is_empty() && (self.thread.is_none() || list.link.is_none()) => {
                    faults.push((
                        "list",
                        "needs `link`, and the source [source.thread]; or [source.list.fields] where its rows are posts".into(),
                    ));
                }
                Some(_) => {}
            },
            (SourceKind::Json, _) if self.json.is_none() => {
                faults.push(("kind", "a json source needs [source.json]".into()));
            }
            (SourceKind::Rss | SourceKind::Json, _) if self.list.is_some() || self.thread.is_some() => {
                faults.push((
                    "kind",
                    "[source.list] and [source.thread] have a meaning with kind = \"html\" alone".into(),
                ));
            }
            (SourceKind::Rss, _) if self.json.is_some() => {
                faults.push(("kind", "[source.json] has a meaning with kind = \"json\" alone".into()));
            }
            _ => {}
        }
        self.check_official(&mut faults);
        if self.board.is_some() && self.preset.is_none() {
            faults.push(("board", "has a meaning with a preset alone".into()));
        }
        faults
    }

    fn check_file(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if self.path.as_ref().is_none_or(|path| path.as_os_str().is_empty()) {
            faults.push((
                "path",
                "a file source needs the folder that files are handed in by: path = \"/srv/hotline\"".into(),
            ));
        }
        if !self.url.is_empty() || self.list.is_some() || self.thread.is_some() {
            faults.push(("kind", "url, [source.list] and [source.thread] have no meaning with kind = \"file\"".into()));
        }
        if self.every < Duration::from_secs(1) {
            faults.push(("every", "must be at least a second".into()));
        }
        if let Some(source) = self.file.source.as_deref().filter(|source| !is_id(source)) {
            faults.push(("file", format!("source: {source:?} must be 1 to 64 letters, digits, '.', '_' or '-'")));
        }
        if self.file.header == Some(0) {
            faults.push(("file", "header: rows are counted from 1".into()));
        }
        if self
            .file
            .delimiter
            .as_ref()
            .is_some_and(|delimiter| !matches!(delimiter.as_bytes(), [byte] if byte.is_ascii()))
        {
            faults.push(("file", "delimiter: must be one ASCII character, such as \",\" or \"\\t\"".into()));
        }
        if let Some(zone) = self.file.timezone.as_deref().filter(|zone| jiff::tz::TimeZone::get(zone).is_err()) {
            faults.push(("file", format!("timezone: {zone:?} is no timezone such as \"Asia/Shanghai\"")));
        }
        self.check_official(&mut faults);
        faults
    }

    fn check_official(&self, faults: &mut Vec<KeyFault>) {
        if self.official.as_ref().is_some_and(|official| official.unit.trim().is_empty()) {
            faults.push(("official", "unit: is empty".into()));
        }
        if self.official.as_ref().is_some_and(|official| official.author.iter().any(|name| name.trim().is_empty())) {
            faults.push(("official", "author: a name is empty".into()));
        }
    }
}
