//! Kind `html`: a newest-first list of threads, thread pages, and the comments in them, by CSS selectors. From text to
//! values; nothing here fetches.

use super::{
    PathFault,
    draft::Draft,
    page,
    select::{self, Pick},
};
use jiff::fmt::strtime::BrokenDownTime;
use regex::Regex;
use schemas::kit::settings::{Comments, Field, HtmlList, HtmlThread};
use scraper::{ElementRef, Html, Selector};
use std::collections::HashMap;
use url::Url;

/// Rows of a list page, and comments of a thread page, that are looked at.
const MAX_ITEMS: usize = 2_000;

/// A source's selectors, compiled.
#[derive(Debug)]
pub(crate) struct HtmlReader {
    item: Selector,
    link: Pick,
    changed: Option<Pick>,
    list_next: Option<Pick>,
    pub(crate) list_pages: u32,
    thread_id: Option<Regex>,
    post: Selector,
    title: Option<Pick>,
    fields: Fields,
    comments: Option<(Selector, Fields)>,
    thread_next: Option<Pick>,
    pub(crate) thread_pages: u32,
    pub(crate) time_format: Option<String>,
}

/// A thread on a list page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) url: Url,
    /// What changes when somebody answers.
    pub(crate) changed: Option<String>,
}

/// What a list page holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ListPage {
    pub(crate) rows: Vec<Row>,
    pub(crate) next: Option<Url>,
}

/// What a thread page holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ThreadPage {
    /// The opening post, on the first page.
    pub(crate) post: Option<Draft>,
    pub(crate) comments: Vec<Draft>,
    pub(crate) next: Option<Url>,
}

impl HtmlReader {
    /// # Errors
    /// Every fault, with the path of its key.
    pub(crate) fn new(list: &HtmlList, thread: &HtmlThread) -> Result<Self, Vec<PathFault>> {
        let mut faults = Faults(Vec::new());
        let item = faults.selector(&["list", "item"], &list.item);
        let link = faults.pick(&["list", "link"], &list.link);
        let changed = list.changed.as_ref().map(|field| faults.pick(&["list", "changed"], field));
        let list_next = list.next.as_ref().map(|field| faults.pick(&["list", "next"], field));
        let thread_id = thread.id.as_ref().map(|id| faults.note(&["thread", "id"], select::regex(id)));
        let post = faults.selector(&["thread", "post"], &thread.post);
        let title = thread.title.as_ref().map(|field| faults.pick(&["thread", "title"], field));
        let fields = faults.fields(&["thread", "fields"], &thread.fields, &["text", "published_at"]);
        let comments = thread.comments.as_ref().map(|Comments { item, fields }| {
            let item = faults.selector(&["thread", "comments", "item"], item);
            let required = ["native_id", "text", "published_at"];
            (item, faults.fields(&["thread", "comments", "fields"], fields, &required))
        });
        let thread_next = thread.next.as_ref().map(|field| faults.pick(&["thread", "next"], field));
        if let Some(format) = &thread.time_format
            && let Err(error) = check_format(format)
        {
            faults.add(&["thread", "time_format"], error);
        }
        for (path, pages) in [(["list", "pages"], list.pages), (["thread", "pages"], thread.pages)] {
            if !(1..=1_000).contains(&pages) {
                faults.add(&path, format!("{pages} is not between 1 and 1000"));
            }
        }
        let comments = match comments {
            None => Some(None),
            Some((Some(item), Some(fields))) => Some(Some((item, fields))),
            Some(_) => None,
        };
        let whole = (|| {
            Some(Self {
                item: item?,
                link: link?,
                changed: all(changed)?,
                list_next: all(list_next)?,
                list_pages: list.pages,
                thread_id: all(thread_id)?,
                post: post?,
                title: all(title)?,
                fields: fields?,
                comments: comments?,
                thread_next: all(thread_next)?,
                thread_pages: thread.pages,
                time_format: thread.time_format.clone(),
            })
        })();
        match whole {
            Some(reader) if faults.0.is_empty() => Ok(reader),
            _ => Err(faults.0),
        }
    }

    /// Reads a list page.
    ///
    /// # Errors
    /// When the page is beyond what can be handled.
    pub(crate) fn list(&self, text: &str, url: &Url) -> Result<ListPage, String> {
        let html = page::parse(text)?;
        let base = base(&html, url);
        let mut rows: Vec<Row> = Vec::new();
        for item in html.select(&self.item).take(MAX_ITEMS) {
            let Some(url) = self.link.from(item).and_then(|link| address(&base, &link)) else { continue };
            // A thread may stand twice on a page, such as when it is pinned.
            if !rows.iter().any(|row| row.url == url) {
                rows.push(Row { url, changed: self.changed.as_ref().and_then(|pick| pick.from(item)) });
            }
        }
        Ok(ListPage { rows, next: next(self.list_next.as_ref(), &html, &base, url) })
    }

    /// Reads a page of a thread. Ids of comments are within the thread's, so that neither floor numbers nor two counters of
    /// one site can make two posts into one.
    ///
    /// # Errors
    /// When the page is beyond what can be handled.
    pub(crate) fn thread(&self, text: &str, url: &Url, thread: &Thread<'_>) -> Result<ThreadPage, String> {
        let html = page::parse(text)?;
        let base = base(&html, url);
        let mut post = None;
        if let Thread::First(address) = thread
            && let Some(item) = html.select(&self.post).next()
        {
            let mut draft = self.fields.draft(item);
            let own = || draft.native_id.clone().unwrap_or_else(|| address.to_string());
            let id = self.thread_id(address).unwrap_or_else(own);
            draft.native_id.get_or_insert_with(|| id.clone());
            draft.thread_id = draft.native_id.clone();
            draft.title = draft.title.or_else(|| self.title.as_ref()?.from(html.root_element()));
            draft.url = Some(address.to_string());
            post = Some(draft);
        }
        let thread_id = match thread {
            Thread::Later(id) => Some((*id).to_owned()),
            Thread::First(address) => {
                post.as_ref().and_then(|post| post.native_id.clone()).or_else(|| self.thread_id(address))
            }
        };
        let mut comments = Vec::new();
        if let (Some((item, fields)), Some(thread_id)) = (&self.comments, &thread_id) {
            for item in html.select(item).take(MAX_ITEMS) {
                let mut draft = fields.draft(item);
                let within = |id: String| format!("{thread_id}/{id}");
                draft.native_id = draft.native_id.map(within);
                draft.parent_id = Some(draft.parent_id.map_or_else(|| thread_id.clone(), within));
                draft.thread_id = Some(thread_id.clone());
                draft.url = Some(url.to_string());
                comments.push(draft);
            }
        }
        Ok(ThreadPage { post, comments, next: next(self.thread_next.as_ref(), &html, &base, url) })
    }

    /// The id that a thread's address holds.
    fn thread_id(&self, address: &Url) -> Option<String> {
        let found = self.thread_id.as_ref()?.captures(address.as_str())?;
        Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
    }
}

/// Which page of a thread it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Thread<'a> {
    /// The first one, found at this address of the list.
    First(&'a Url),
    /// A later one, of the thread with this id.
    Later(&'a str),
}

fn all<T>(compiled: Option<Option<T>>) -> Option<Option<T>> {
    match compiled {
        None => Some(None),
        Some(Some(value)) => Some(Some(value)),
        Some(None) => None,
    }
}

/// What links of a page are relative to.
fn base(html: &Html, url: &Url) -> Url {
    static BASE: std::sync::LazyLock<Option<Selector>> =
        std::sync::LazyLock::new(|| Selector::parse("base[href]").ok());
    let href = BASE.as_ref().and_then(|selector| html.select(selector).next()?.attr("href"));
    href.and_then(|href| address(url, href)).unwrap_or_else(|| url.clone())
}

/// A link of a page as an address: http or https, without a fragment.
fn address(base: &Url, link: &str) -> Option<Url> {
    let mut url = base.join(link.trim()).ok()?;
    url.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url.has_host() && url.as_str().len() <= 4 << 10).then_some(url)
}

/// The next page; none when it is the same one again.
fn next(pick: Option<&Pick>, html: &Html, base: &Url, url: &Url) -> Option<Url> {
    let link = pick?.from(html.root_element())?;
    address(base, &link).filter(|next| next != url)
}

fn check_format(format: &str) -> Result<(), String> {
    // Formatting knows the same directives as parsing, and needs no text to parse.
    let now = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    BrokenDownTime::from(&now)
        .to_string(format)
        .map(drop)
        .map_err(|error| format!("{format:?} is no time format as in strftime: {error}"))
}

/// The values of a post or comment, compiled.
#[derive(Debug)]
struct Fields(Vec<(Name, Pick)>);

type Name = fn(&mut Draft) -> &mut Option<String>;

/// The names of values, and where they go.
const NAMES: [(&str, Name); 10] = [
    ("text", |draft| &mut draft.text),
    ("title", |draft| &mut draft.title),
    ("published_at", |draft| &mut draft.published_at),
    ("author", |draft| &mut draft.author),
    ("native_id", |draft| &mut draft.native_id),
    ("parent_id", |draft| &mut draft.parent_id),
    ("likes", |draft| &mut draft.likes),
    ("replies", |draft| &mut draft.replies),
    ("reposts", |draft| &mut draft.reposts),
    ("place", |draft| &mut draft.place),
];

impl Fields {
    fn draft(&self, item: ElementRef<'_>) -> Draft {
        let mut draft = Draft::default();
        for (name, pick) in &self.0 {
            *name(&mut draft) = pick.from(item);
        }
        draft
    }
}

/// Gathers what is wrong.
struct Faults(Vec<PathFault>);

impl Faults {
    fn add(&mut self, path: &[&str], message: String) {
        self.0.push((path.iter().map(|&key| key.to_owned()).collect(), message));
    }

    fn note<T>(&mut self, path: &[&str], compiled: Result<T, String>) -> Option<T> {
        compiled.map_err(|message| self.add(path, message)).ok()
    }

    fn selector(&mut self, path: &[&str], css: &str) -> Option<Selector> {
        self.note(path, select::selector(css))
    }

    fn pick(&mut self, path: &[&str], field: &Field) -> Option<Pick> {
        self.note(path, Pick::new(field))
    }

    fn fields(&mut self, path: &[&str], fields: &HashMap<String, Field>, required: &[&str]) -> Option<Fields> {
        let mut compiled = Vec::new();
        for (name, field) in fields {
            let path = [path, &[name.as_str()]].concat();
            match NAMES.iter().find(|(known, _)| known == name) {
                // Goes on after a fault: every one is to be named.
                Some((_, slot)) => compiled.extend(self.pick(&path, field).map(|pick| (*slot, pick))),
                None => {
                    let known: Vec<_> = NAMES.iter().map(|(known, _)| *known).collect();
                    self.add(&path, format!("unknown value `{name}`: known are {}", known.join(", ")));
                }
            }
        }
        for name in required.iter().filter(|name| !fields.contains_key(**name)) {
            self.add(path, format!("`{name}` is required"));
        }
        Some(Fields(compiled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> HtmlReader {
        let field = |css: &str| Field::Selector(css.into());
        let fields =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, css)| ((*name).to_owned(), field(css))).collect();
        let list = HtmlList {
            item: "tr.row".into(),
            link: field("a@href"),
            changed: Some(field(".last")),
            next: Some(field("a.next@href")),
            pages: 3,
        };
        let thread = HtmlThread {
            id: Some(r"/t/(\d+)".into()),
            post: ".post".into(),
            title: Some(field("h1")),
            fields: fields(&[("text", ".body"), ("published_at", ".time"), ("author", ".who"), ("likes", ".likes")]),
            comments: Some(Comments {
                item: ".comment".into(),
                fields: fields(&[("native_id", "@data-id"), ("text", ".body"), ("published_at", ".time")]),
            }),
            next: Some(field("a.next@href")),
            pages: 2,
            time_format: None,
        };
        HtmlReader::new(&list, &thread).unwrap()
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_list_page() {
        let page = "<table><tr class=row><td><a href='/t/1#last'>停水</a><td class=last>10:05</tr>
            <tr class=row><td><a href='javascript:void(0)'>x</a></tr>
            <tr class=row><td><a href='/t/2'>路灯</a></tr><tr class=row><td><a href='/t/1'>停水</a></tr></table>
            <a class=next href='?page=2'>下一页</a>";
        let list = reader().list(page, &url("https://forum.example/list")).unwrap();
        assert_eq!(
            list.rows,
            [
                Row { url: url("https://forum.example/t/1"), changed: Some("10:05".into()) },
                Row { url: url("https://forum.example/t/2"), changed: None }
            ]
        );
        assert_eq!(list.next, Some(url("https://forum.example/list?page=2")));
    }

    #[test]
    fn a_thread_page() {
        let page = "<h1>停水了</h1><div class=post><p class=body>抚琴街道<br>停水</p><i class=time>5分钟前</i><b class=who>张三</b></div>
            <div class=comment data-id=2><p class=body>我家也是</p><i class=time>刚刚</i></div>
            <div class=comment><p class=body>无号</p><i class=time>刚刚</i></div><a class=next href='/t/7'>same</a>";
        let address = url("https://forum.example/t/7");
        let thread = reader().thread(page, &address, &Thread::First(&address)).unwrap();
        let post = thread.post.unwrap();
        assert_eq!((post.native_id.as_deref(), post.thread_id.as_deref()), (Some("7"), Some("7")));
        assert_eq!((post.title.as_deref(), post.text.as_deref()), (Some("停水了"), Some("抚琴街道\n停水")));
        assert_eq!((post.author.as_deref(), post.likes), (Some("张三"), None));
        let ids: Vec<_> = thread.comments.iter().map(|draft| draft.native_id.as_deref()).collect();
        assert_eq!(ids, [Some("7/2"), None]);
        assert_eq!(thread.comments[0].parent_id.as_deref(), Some("7"));
        assert_eq!(thread.next, None, "the same page again is no next one");
        let later = reader().thread(page, &url("https://forum.example/t/7?p=2"), &Thread::Later("7")).unwrap();
        assert_eq!(later.post, None, "the opening post stands on the first page");
        assert_eq!(later.comments[0].native_id.as_deref(), Some("7/2"));
    }

    #[test]
    fn links_are_relative_to_the_base_of_the_page() {
        let page = "<base href='https://other.example/x/'><table><tr class=row><td><a href='t/1'>x</a></tr></table>";
        let list = reader().list(page, &url("https://forum.example/list")).unwrap();
        assert_eq!(list.rows[0].url, url("https://other.example/x/t/1"));
    }
}
