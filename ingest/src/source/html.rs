//! Kind `html`: a newest-first list of threads, thread pages, and the comments in them, by CSS selectors. From text to
//! values; nothing here fetches.

use super::{
    PathFault,
    draft::Draft,
    link::{address, stable},
    listing::{Context, Found, ListPage, Row, Thread, ThreadPage, exact},
    media, page,
    select::{self, Pick},
};
use jiff::fmt::strtime::BrokenDownTime;
use regex::Regex;
use schemas::{
    kit::settings::{Comments, Field, HtmlList, HtmlThread, Order},
    records::Kind,
};
use scraper::{ElementRef, Html, Node, Selector};
use std::{
    collections::{BTreeMap, HashSet},
    sync::LazyLock,
};
use url::Url;

/// Rows of a list page, and comments of a thread page, that are looked at.
const MAX_ITEMS: usize = 2_000;

/// A source's selectors, compiled.
#[derive(Debug)]
pub(crate) struct HtmlReader {
    item: Selector,
    link: Option<Pick>,
    changed: Option<Pick>,
    list_fields: Option<Fields>,
    list_kind: Kind,
    list_last: Option<Pick>,
    list_next: Option<Pick>,
    pub(crate) list_pages: u32,
    thread: Option<ThreadReader>,
    time_format: Option<String>,
    strip: Vec<String>,
    uncomment: bool,
}

/// The selectors of a thread page, compiled.
#[derive(Debug)]
struct ThreadReader {
    id: Option<Regex>,
    post: Selector,
    title: Option<Pick>,
    fields: Fields,
    comments: Option<(Selector, Fields)>,
    next: Option<Pick>,
    pages: u32,
    order: Order,
}

impl HtmlReader {
    /// # Errors
    /// Every fault, with the path of its key.
    pub(crate) fn new(list: &HtmlList, thread: Option<&HtmlThread>) -> Result<Self, Vec<PathFault>> {
        let mut faults = Faults(Vec::new());
        let item = faults.selector(&["list", "item"], &list.item);
        let link = list.link.as_ref().map(|field| faults.pick(&["list", "link"], field));
        let changed = list.changed.as_ref().map(|field| faults.pick(&["list", "changed"], field));
        let list_last = list.last.as_ref().map(|field| faults.pick(&["list", "last"], field));
        let list_next = list.next.as_ref().map(|field| faults.pick(&["list", "next"], field));
        let required = ["native_id", "text", "published_at"];
        let list_fields =
            (!list.fields.is_empty()).then(|| faults.fields(&["list", "fields"], &list.fields, &required));
        if !(1..=1_000).contains(&list.pages) {
            faults.add(&["list", "pages"], format!("{} is not between 1 and 1000", list.pages));
        }
        let time_format = list.time_format.as_ref().or(thread.and_then(|thread| thread.time_format.as_ref()));
        for (table, format) in
            [("list", list.time_format.as_ref()), ("thread", thread.and_then(|thread| thread.time_format.as_ref()))]
        {
            if let Some(Err(error)) = format.map(|format| check_format(format)) {
                faults.add(&[table, "time_format"], error);
            }
        }
        let thread = thread.map(|thread| ThreadReader::new(thread, &mut faults));
        let whole = (|| {
            Some(Self {
                item: item?,
                link: all(link)?,
                changed: all(changed)?,
                list_fields: all(list_fields)?,
                list_kind: list.kind,
                list_last: all(list_last)?,
                list_next: all(list_next)?,
                list_pages: list.pages,
                thread: all(thread)?,
                time_format: time_format.cloned(),
                strip: Vec::new(),
                uncomment: false,
            })
        })();
        match whole {
            Some(reader) if faults.0.is_empty() => Ok(reader),
            _ => Err(faults.0),
        }
    }

    /// With what links hold and pages hide: the source's `strip` and `uncomment`.
    #[must_use]
    pub(crate) fn minding(mut self, strip: &[String], uncomment: bool) -> Self {
        self.strip = strip.to_vec();
        self.uncomment = uncomment;
        self
    }

    fn parse(&self, text: &str) -> Result<Html, String> {
        if self.uncomment { page::parse(&text.replace("<!--", "").replace("-->", "")) } else { page::parse(text) }
    }

    /// A link that `pick` finds, as an address that stays the same.
    fn link(&self, pick: Option<&Pick>, item: ElementRef<'_>, base: &Url) -> Option<Url> {
        Some(stable(address(base, &pick?.from(item)?)?, &self.strip))
    }

    /// The next page; none when it is the same one again.
    fn next(&self, pick: Option<&Pick>, html: &Html, base: &Url, url: &Url) -> Option<Url> {
        self.link(pick, html.root_element(), base).filter(|next| next != url)
    }

    /// Pages of a thread that a visit reads at most.
    pub(crate) fn thread_pages(&self) -> u32 {
        self.thread.as_ref().map_or(0, |thread| thread.pages)
    }

    /// In which order the comments of a thread stand.
    pub(crate) fn thread_order(&self) -> Order {
        self.thread.as_ref().map_or_else(Order::default, |thread| thread.order)
    }

    /// Reads a list page.
    ///
    /// # Errors
    /// When the page is beyond what can be handled.
    pub(crate) fn list(&self, text: &str, url: &Url, context: &Context<'_>) -> Result<ListPage, String> {
        let html = self.parse(text)?;
        let base = base(&html, url);
        let mut page = ListPage {
            next: self.next(self.list_next.as_ref(), &html, &base, url),
            begin: self.next(self.list_last.as_ref(), &html, &base, url),
            ..ListPage::default()
        };
        let mut keys = HashSet::new();
        for item in html.select(&self.item).take(MAX_ITEMS) {
            // A thread may stand twice on a page, such as when it is pinned.
            if let Some(row) = self.row(item, &base, context)
                && keys.insert(row.key.clone())
            {
                page.rows.push(row);
            }
        }
        if self.list_last.is_some() {
            // The newest stand at the end of the last page.
            page.rows.reverse();
        }
        page.login = page.rows.is_empty() && asks_for_a_password(&html);
        Ok(page)
    }

    fn row(&self, item: ElementRef<'_>, base: &Url, context: &Context<'_>) -> Option<Row> {
        let link = self.link(self.link.as_ref(), item, base);
        let changed = self.changed.as_ref().and_then(|pick| pick.from(item));
        let Some(fields) = &self.list_fields else {
            let url = link?;
            return Some(Row {
                key: url.to_string(),
                changed,
                published_at: None,
                thread: Some(url),
                posts: Vec::new(),
            });
        };
        let mut draft = fields.draft(item, base);
        draft.url = link.as_ref().map(Url::to_string);
        let key = draft.native_id.clone().or_else(|| draft.url.clone())?;
        let found = self.finish(draft, self.list_kind, context);
        Some(Row {
            key,
            changed,
            published_at: found.as_ref().ok().and_then(exact),
            thread: link.filter(|_| self.thread.is_some()),
            posts: vec![found],
        })
    }

    /// Reads a page of a thread. Ids of comments are within the thread's, so that neither floor numbers nor two counters of
    /// one site can make two posts into one.
    ///
    /// # Errors
    /// When the page is beyond what can be handled.
    pub(crate) fn thread(
        &self,
        text: &str,
        url: &Url,
        thread: &Thread<'_>,
        context: &Context<'_>,
    ) -> Result<ThreadPage, String> {
        let Some(reader) = &self.thread else { return Err("the source has no threads".into()) };
        let html = self.parse(text)?;
        let base = base(&html, url);
        let (thread_id, drafts) = reader.drafts(&html, &base, url, thread);
        let posts: Vec<Found> = drafts.into_iter().map(|(kind, draft)| self.finish(draft, kind, context)).collect();
        Ok(ThreadPage {
            thread_id,
            login: posts.is_empty() && asks_for_a_password(&html),
            posts,
            next: self.next(reader.next.as_ref(), &html, &base, url),
        })
    }

    fn finish(&self, draft: Draft, kind: Kind, context: &Context<'_>) -> Found {
        draft.finish(context.source, kind, self.time_format.as_deref(), context.now, context.tz)
    }
}

impl ThreadReader {
    fn new(thread: &HtmlThread, faults: &mut Faults) -> Option<Self> {
        let id = thread.id.as_ref().map(|id| faults.note(&["thread", "id"], select::regex(id)));
        let post = faults.selector(&["thread", "post"], &thread.post);
        let title = thread.title.as_ref().map(|field| faults.pick(&["thread", "title"], field));
        let fields = faults.fields(&["thread", "fields"], &thread.fields, &["text", "published_at"]);
        let comments = thread.comments.as_ref().map(|Comments { item, fields }| {
            let item = faults.selector(&["thread", "comments", "item"], item);
            let required = ["native_id", "text", "published_at"];
            Some((item?, faults.fields(&["thread", "comments", "fields"], fields, &required)?))
        });
        let next = thread.next.as_ref().map(|field| faults.pick(&["thread", "next"], field));
        if !(1..=1_000).contains(&thread.pages) {
            faults.add(&["thread", "pages"], format!("{} is not between 1 and 1000", thread.pages));
        }
        Some(Self {
            id: all(id)?,
            post: post?,
            title: all(title)?,
            fields: fields?,
            comments: all(comments)?,
            next: all(next)?,
            pages: thread.pages,
            order: thread.order,
        })
    }

    fn drafts(&self, html: &Html, base: &Url, url: &Url, thread: &Thread<'_>) -> (Option<String>, Vec<(Kind, Draft)>) {
        let mut drafts = Vec::new();
        let mut opening = None;
        let mut thread_id = match thread {
            Thread::Later(id) => Some((*id).to_owned()),
            Thread::First(address) => self.id_in(address),
        };
        if let Thread::First(address) = thread
            && let Some(item) = html.select(&self.post).next()
        {
            opening = Some(item.id());
            let mut draft = self.fields.draft(item, base);
            let id = thread_id.take().or_else(|| draft.native_id.clone()).unwrap_or_else(|| address.to_string());
            let id = draft.native_id.get_or_insert(id).clone();
            draft.thread_id = Some(id.clone());
            draft.title = draft.title.or_else(|| self.title.as_ref()?.from(html.root_element()));
            draft.url = Some(address.to_string());
            thread_id = Some(id);
            drafts.push((Kind::Post, draft));
        }
        if let (Some((item, fields)), Some(thread_id)) = (&self.comments, &thread_id) {
            // Where posts and comments look alike, the first one is no comment on itself.
            for item in html.select(item).filter(|item| Some(item.id()) != opening).take(MAX_ITEMS) {
                let mut draft = fields.draft(item, base);
                let within = |id: String| format!("{thread_id}/{id}");
                draft.native_id = draft.native_id.map(within);
                draft.parent_id = Some(draft.parent_id.map_or_else(|| thread_id.clone(), within));
                draft.thread_id = Some(thread_id.clone());
                draft.url = Some(url.to_string());
                drafts.push((Kind::Comment, draft));
            }
        }
        (thread_id, drafts)
    }

    /// The id that a thread's address holds.
    fn id_in(&self, address: &Url) -> Option<String> {
        let found = self.id.as_ref()?.captures(address.as_str())?;
        Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
    }
}

/// Whether a page is a form for a log-in.
fn asks_for_a_password(html: &Html) -> bool {
    static PASSWORD: LazyLock<Option<Selector>> = LazyLock::new(|| Selector::parse("input[type=password]").ok());
    PASSWORD.as_ref().is_some_and(|password| html.select(password).next().is_some())
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
    // A page has at most one, so its elements are looked through as they lie in memory, and not by a selector.
    let href = html.tree.values().filter_map(Node::as_element).filter(|element| element.name() == "base");
    let href = href.filter_map(|element| element.attr("href")).next();
    href.and_then(|href| address(url, href)).unwrap_or_else(|| url.clone())
}

pub(crate) fn check_format(format: &str) -> Result<(), String> {
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
    fn draft(&self, item: ElementRef<'_>, base: &Url) -> Draft {
        let mut draft = Draft { media: media::within(item, base), ..Draft::default() };
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
        if css.trim().is_empty() {
            self.add(path, "is required".into());
            return None;
        }
        self.note(path, select::selector(css))
    }

    fn pick(&mut self, path: &[&str], field: &Field) -> Option<Pick> {
        self.note(path, Pick::new(field))
    }

    fn fields(&mut self, path: &[&str], fields: &BTreeMap<String, Field>, required: &[&str]) -> Option<Fields> {
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
    use jiff::tz::TimeZone;

    fn reader() -> HtmlReader {
        let field = |css: &str| Field::Selector(css.into());
        let list = HtmlList {
            item: "tr.row".into(),
            link: Some(field("a@href")),
            changed: Some(field(".last")),
            next: Some(field("a.next@href")),
            ..HtmlList::default()
        };
        HtmlReader::new(&list, Some(&thread())).unwrap()
    }

    fn thread() -> HtmlThread {
        let field = |css: &str| Field::Selector(css.into());
        let fields =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(name, css)| ((*name).to_owned(), field(css))).collect();
        HtmlThread {
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
            order: Order::Oldest,
            time_format: None,
        }
    }

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn context() -> Context<'static> {
        static TZ: TimeZone = TimeZone::UTC;
        Context { source: "forum", now: "2026-11-24T02:05:00Z".parse().unwrap(), tz: &TZ, link: None }
    }

    fn shown(row: &Row) -> (&str, Option<&str>) {
        (&row.key, row.changed.as_deref())
    }

    #[test]
    fn a_list_page() {
        let page = "<table><tr class=row><td><a href='/t/1#last'>停水</a><td class=last>10:05</tr>
            <tr class=row><td><a href='javascript:void(0)'>x</a></tr>
            <tr class=row><td><a href='/t/2'>路灯</a></tr><tr class=row><td><a href='/t/1'>停水</a></tr></table>
            <a class=next href='?page=2'>下一页</a>";
        let list = reader().list(page, &url("https://forum.example/list"), &context()).unwrap();
        let rows: Vec<_> = list.rows.iter().map(shown).collect();
        assert_eq!(rows, [("https://forum.example/t/1", Some("10:05")), ("https://forum.example/t/2", None)]);
        assert_eq!(list.rows[0].thread, Some(url("https://forum.example/t/1")));
        assert_eq!(list.next, Some(url("https://forum.example/list?page=2")));
        assert!(!list.login && list.rows.iter().all(|row| row.posts.is_empty()));
    }

    #[test]
    fn a_flat_list_has_its_posts_in_its_rows() {
        let field = |css: &str| Field::Selector(css.into());
        let list = HtmlList {
            item: ".row".into(),
            link: Some(field("a@href")),
            fields: [("native_id", "@data-id"), ("text", "p"), ("published_at", "time")]
                .map(|(name, css)| (name.to_owned(), field(css)))
                .into(),
            ..HtmlList::default()
        };
        let reader = HtmlReader::new(&list, None).unwrap();
        let page =
            "<div class=row data-id=9><a href=/p/9>x</a><p>停水<img src=a.png alt=水管></p><time>5分钟前</time></div>
            <div class=row data-id=8><p>无时间</p></div><div class=row><p>无号</p><time>刚刚</time></div>";
        let rows = reader.list(page, &url("https://blog.example/list"), &context()).unwrap().rows;
        assert_eq!(rows.iter().map(|row| row.key.as_str()).collect::<Vec<_>>(), ["9", "8"]);
        let post = rows[0].posts[0].as_ref().unwrap();
        assert_eq!((post.text.as_str(), post.media_alt.as_slice()), ("停水", ["水管".to_owned()].as_slice()));
        assert_eq!(rows[0].published_at, Some("2026-11-24T02:00:00Z".parse().unwrap()));
        assert!(rows[1].posts[0].is_err(), "it is set aside, and the list goes on");
        assert_eq!(rows[0].thread, None);
    }

    #[test]
    fn a_list_whose_newest_stand_on_its_last_page() {
        let field = |css: &str| Field::Selector(css.into());
        let list = HtmlList {
            item: "li".into(),
            link: Some(field("a@href")),
            last: Some(field("a.last@href")),
            next: Some(field("a.prev@href")),
            ..HtmlList::default()
        };
        let thread = HtmlThread { post: "p".into(), ..thread() };
        let reader = HtmlReader::new(&list, Some(&thread)).unwrap();
        let page =
            "<li><a href=/1>1</a><li><a href=/2>2</a><a class=prev href='?p=4'>‹</a><a class=last href='?p=9'>»</a>";
        let read = reader.list(page, &url("https://f.example/?p=5"), &context()).unwrap();
        assert_eq!(read.begin, Some(url("https://f.example/?p=9")));
        assert_eq!(read.next, Some(url("https://f.example/?p=4")));
        assert_eq!(read.rows[0].key, "https://f.example/2");
        let last = reader.list(page, &url("https://f.example/?p=9"), &context()).unwrap();
        assert_eq!(last.begin, None, "the same page again is no other one");
    }

    #[test]
    fn a_thread_page() {
        let page = "<h1>停水了</h1><div class=post><p class=body>抚琴街道<br>停水</p><i class=time>5分钟前</i><b class=who>张三</b></div>
            <div class=comment data-id=2><p class=body>我家也是</p><i class=time>刚刚</i></div>
            <div class=comment><p class=body>无号</p><i class=time>刚刚</i></div><a class=next href='/t/7'>same</a>";
        let address = url("https://forum.example/t/7");
        let thread = reader().thread(page, &address, &Thread::First(&address), &context()).unwrap();
        let post = thread.posts[0].as_ref().unwrap();
        assert_eq!((post.native_id.as_str(), post.thread_id.as_deref()), ("7", Some("7")));
        assert_eq!((post.title.as_deref(), post.text.as_str()), (Some("停水了"), "抚琴街道\n停水"));
        assert_eq!((post.author.as_deref(), post.likes, post.kind), (Some("张三"), None, Kind::Post));
        let comment = thread.posts[1].as_ref().unwrap();
        assert_eq!((comment.native_id.as_str(), comment.parent_id.as_deref()), ("7/2", Some("7")));
        assert!(thread.posts[2].as_ref().unwrap_err().reason.contains("native_id"));
        assert_eq!((thread.thread_id.as_deref(), thread.next), (Some("7"), None), "the same page again is no next one");
        let later =
            reader().thread(page, &url("https://forum.example/t/7?p=2"), &Thread::Later("7"), &context()).unwrap();
        let later = later.posts[0].as_ref().unwrap();
        assert_eq!(later.native_id, "7/2", "the opening post stands on the first page");
    }

    #[test]
    fn a_form_for_a_log_in_is_known_as_one() {
        let form = "<form><input name=u><input type=password name=p></form>";
        let address = url("https://forum.example/t/7");
        assert!(reader().list(form, &address, &context()).unwrap().login);
        assert!(reader().thread(form, &address, &Thread::First(&address), &context()).unwrap().login);
        let beside = format!("{form}<table><tr class=row><td><a href='/t/1'>x</a></table>");
        assert!(!reader().list(&beside, &address, &context()).unwrap().login, "many a forum has one beside its list");
    }

    #[test]
    fn links_are_relative_to_the_base_of_the_page() {
        let page = "<base href='https://other.example/x/'><table><tr class=row><td><a href='t/1'>x</a></tr></table>";
        let list = reader().list(page, &url("https://forum.example/list"), &context()).unwrap();
        assert_eq!(list.rows[0].key, "https://other.example/x/t/1");
    }
}
