//! Random input for everything that reads what a site has sent: encodings, pages, feeds, JSON, times. Whatever comes, nothing
//! panics, and what is found can be handed in.
//!
//! Input is grown from whole documents: pieces of several kinds follow one another and nest, then bytes are broken, cut,
//! doubled and moved, and all of it goes the way of a fetched page: bytes → text → rows and posts → the door. A source of
//! another kind joins by its table in [`SOURCES`] and its pieces in [`PIECES`].
//!
//! `make test` runs as many cases as last about a minute on the slowest machine in use; `make soak` the same for as many
//! minutes as `WANGLOU_FUZZ` says. What has once failed is kept in `ingest/proptest-regressions` and tried first.

use crate::{
    charset,
    door::line,
    privacy::AuthorKey,
    seen::Hashing,
    source::{
        self, Site,
        listing::{Context, Found, Thread},
    },
    times,
};
use encoding_rs::Encoding;
use jiff::{Timestamp, tz::TimeZone};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{FileFailurePersistence, TestRunner},
};
use schemas::{kit::settings::Settings, records::Via};
use std::{
    sync::LazyLock,
    time::{Duration, Instant},
};

/// One source of each kind.
const SOURCES: &str = r##"
[[source]]
id = "forum"
kind = "html"
url = "https://forum.example/f/2?page=1"
[source.list]
item = "tr, li, .row"
link = "a@href"
changed = ".last, td"
next = "a.next@href"
[source.thread]
id = "/t/(\\d+)"
post = ".post, article"
title = "h1"
next = "a.next@href"
fields = { text = ".body, p", published_at = ["time@datetime", ".time"], author = ".who", likes = ".likes" }
[source.thread.comments]
item = ".comment, li"
fields = { native_id = "@data-id", text = ".body, p", published_at = ".time", parent_id = "@data-parent" }

[[source]]
id = "flat"
kind = "html"
url = "https://flat.example/"
[source.list]
item = "div, tr"
link = "a@href"
time_format = "%Y-%m-%d %H:%M"
fields = { native_id = "@data-id", text = ".body, p", published_at = ".time" }

[[source]]
id = "feed"
kind = "rss"
url = "https://feed.example/rss"

[[source]]
id = "api"
kind = "json"
url = "https://api.example/posts?limit=40"
[source.json]
items = "$.data.list[*]"
next = { cursor = "$.data.cursor", parameter = "cursor" }
[source.json.fields]
native_id = "$.id"
text = ["$.text", "$.title"]
published_at = "$.created_at"
author = "$.user.name"
url = "https://api.example/p/{id}"
media = "$.pics[*]"
likes = "$.likes"
[source.json.comments]
url = "/comments?post={id}"
items = "$..list[*]"
fields = { native_id = "c{id}", text = "$.text", published_at = "$.created_at" }

[[source]]
id = "mastodon"
preset = "mastodon"
url = "https://social.example/"

[[source]]
id = "discuz"
preset = "discuz"
board = "2"
url = "https://bbs.example/"
"##;

static SITES: LazyLock<Vec<Site>> = LazyLock::new(|| {
    let settings = Settings::parse(SOURCES, []).unwrap();
    source::sites(&settings).unwrap_or_else(|faults| panic!("{faults:?}"))
});
static KEY: LazyLock<AuthorKey> = LazyLock::new(|| AuthorKey::new(b"a key for tests only").unwrap());

/// Whole documents, to be broken.
const DOCUMENTS: &[&str] = &[
    "<!doctype html><html><head><meta charset=gbk><base href='/x/'><title>板块</title></head><body><table>\
     <tr class=row><td><a href='/t/1#last'>停水</a><td class=last>10:05</tr><tr class=row data-id=2><td><a href=/t/2>路灯</a>\
     <p class=body>不亮</p><span class=time>昨天 08:30</span></tr></table><a class=next href='?page=2'>下一页</a></body></html>",
    "<article class=post data-id=1><h1>抚琴街道又停水</h1><b class=who>张三</b><time class=time datetime='2026-11-24T10:05:00+08:00'>\
     5分钟前</time><div class=body>第三天了<img src=a.png alt='水管'><blockquote>引用</blockquote></div><i class=likes>1.2万</i></article>\
     <ul><li class=comment data-id=9 data-parent=1><p class=body>同问</p><span class=time>半小时前</span></li></ul>",
    "<?xml version='1.0' encoding='GB2312'?><rss version='2.0' xmlns:dc='http://purl.org/dc/elements/1.1/' \
     xmlns:content='http://purl.org/rss/1.0/modules/content/' xmlns:media='http://search.yahoo.com/mrss/'><channel><title>x</title>\
     <item><guid isPermaLink='false'>a1</guid><title>停水&lt;b&gt;</title><link>https://feed.example/1</link><dc:creator>张三</dc:creator>\
     <content:encoded><![CDATA[<p>今晚<br>停水</p>]]></content:encoded><media:content url='//img.example/a.jpg' type='image/jpeg'/>\
     <pubDate>Tue, 24 Nov 2026 02:05:00 GMT</pubDate></item></channel></rss>",
    "<feed xmlns='http://www.w3.org/2005/Atom'><title>x</title><id>f</id><link rel='next' href='/rss?p=2'/><updated>2026-11-24T02:00:00Z\
     </updated><entry><id>e1</id><title type='html'>停气</title><link href='/e/1'/><published>2026-11-24T02:05:00Z</published>\
     <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>停气</p></div></content></entry></feed>",
    "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/'><channel rdf:about='x'><title>x\
     </title></channel><item rdf:about='https://feed.example/1'><title>停电</title><link>https://feed.example/1</link></item></rdf:RDF>",
    r#"{"version":"https://jsonfeed.org/version/1.1","title":"x","next_url":"https://f.example/2","items":[{"id":"j1","url":
     "https://f.example/1","content_html":"<p>路灯不亮","date_published":"2026-11-24T10:00:00+08:00","attachments":[{"url":"a","mime_type":"image/png"}]}]}"#,
    r#"{"data":{"list":[{"id":1,"text":"停水","created_at":"Tue Nov 24 10:05:00 +0800 2026","user":{"name":"张三"},"pics":[]}],"cursor":"x"}}"#,
    r#"[{"id":"7","content":"<p>停水 <a href=x>#抚琴</a></p>","created_at":"2026-11-24T02:05:00.000Z","account":{"acct":"zhang"},"visibility":"public",
     "url":"https://social.example/@zhang/7","in_reply_to_id":null,"reblog":null,"media_attachments":[{"url":"https://m.example/a.png","description":"水管"}]}]"#,
];

/// What is put in between and around.
const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml",
    "?>",
    "<!doctype",
    "&",
    "&#",
    "&#x110000;",
    "&#0;",
    "&#xD800;",
    "&nbsp",
    "&notin",
    "&amp;lt;",
    "'",
    "\"",
    "=",
    "\0",
    "\u{feff}",
    "\u{fffd}",
    "\u{202e}",
    "\u{200d}",
    "\r\n",
    "\t",
    " ",
    "<table>",
    "<tr class=row>",
    "<td>",
    "</table>",
    "<li class=comment>",
    "<div data-id=1>",
    "</div>",
    "<p>",
    "</p>",
    "<a href='",
    "<a>",
    "<b>",
    "<i>",
    "</b>",
    "<svg>",
    "<math>",
    "<template>",
    "<select>",
    "<script>",
    "</script>",
    "<style>",
    "<textarea>",
    "<plaintext>",
    "<iframe srcdoc='",
    "<noscript>",
    "<frameset>",
    "<form>",
    "<img src=x alt=",
    "<base href='http://[::1]/'>",
    "<meta charset=utf-16>",
    "<input type=password>",
    "<item>",
    "</item>",
    "<entry>",
    "<x:y xmlns:x='",
    "<guid/>",
    "<pubDate>",
    "</pubDate>",
    "<updated>",
    "<!ENTITY a 'b'>",
    "&a;",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "-0",
    "1e999",
    "\\u0000",
    "\\ud800",
    "\"items\":",
    "\"id\":{}",
    "停水",
    "抚琴街道",
    "𠮷",
    "👨‍👩‍👧",
    "é",
    "ｗ",
    "http://",
    "javascript:",
    "//",
    "?",
    "#",
    "%",
    "%00",
    "..",
    "data:,",
    ":99999",
];

/// What times are made of, and what looks like it.
const TIMES: &[&str] = &[
    "刚刚",
    "刚才",
    "秒前",
    "分钟前",
    "小时前",
    "天前",
    "周前",
    "个月前",
    "年前",
    "半",
    "几",
    "两",
    "十",
    "今天",
    "昨天",
    "前天",
    "大前天",
    "星期一",
    "(周三)",
    "凌晨",
    "上午",
    "中午",
    "下午",
    "晚上",
    "AM",
    "pm",
    "年",
    "月",
    "日",
    "号",
    "时",
    "点",
    "分",
    "秒",
    "以前",
    "之前",
    "Tue, ",
    " Nov ",
    " GMT",
    " +0800",
    "+99:99",
    "-00:00",
    "T",
    "Z",
    "[Asia/Shanghai]",
    "[",
    "]",
    ":",
    "-",
    "/",
    ".",
    ",",
    " ",
    "\u{3000}",
    "：",
    "０",
    "٣",
    "०",
    "²",
    "0",
    "1",
    "9",
    "00",
    "12",
    "13",
    "24",
    "29",
    "30",
    "31",
    "32",
    "59",
    "60",
    "99",
    "365",
    "1795483500",
    "9999999999999",
    "2026",
    "1970",
    "0000",
    "9999",
    "10000",
    "-1",
    "999999",
    "18446744073709551616",
    "just now",
    "发表于 ",
];

const ENCODINGS: &[&str] =
    &["utf-8", "gb18030", "gbk", "big5", "shift_jis", "euc-kr", "iso-2022-jp", "windows-1252", "koi8-r"];
const HEADERS: &[&str] = &[
    "utf-8",
    "gb2312",
    "GBK",
    "utf-16le",
    "utf-16be",
    "iso-8859-1",
    "x-user-defined",
    "replacement",
    "",
    " \"utf8\" ",
    "停",
];

/// A change to bytes.
#[derive(Debug, Clone)]
enum Break {
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize, usize),
    Move(Index, usize, Index),
    Flip(Index, u8),
    Put(Index, Vec<u8>),
}

impl Break {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let at = |index: &Index, bytes: &Vec<u8>| index.index(bytes.len() + 1);
        let range = |index: &Index, length: usize, bytes: &Vec<u8>| {
            let from = at(index, bytes);
            from..(from + length).min(bytes.len())
        };
        match self {
            Self::Cut(index) => bytes.truncate(at(index, bytes)),
            Self::Remove(index, length) => drop(bytes.drain(range(index, *length, bytes))),
            Self::Repeat(index, length, times) => {
                let range = range(index, *length, bytes);
                let again = bytes[range.clone()].repeat(*times);
                bytes.splice(range.end..range.end, again);
            }
            Self::Move(index, length, to) => {
                let moved: Vec<u8> = bytes.drain(range(index, *length, bytes)).collect();
                let to = at(to, bytes);
                bytes.splice(to..to, moved);
            }
            Self::Flip(index, mask) => {
                let at = at(index, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= mask;
                }
            }
            Self::Put(index, more) => {
                let at = at(index, bytes);
                bytes.splice(at..at, more.iter().copied());
            }
        }
    }
}

/// A text of pieces and times, nested now and then.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![4 => select(PIECES), 2 => select(TIMES), 1 => select(DOCUMENTS)].prop_map(str::to_owned);
    let leaf = prop_oneof![9 => piece, 1 => any::<String>()];
    leaf.prop_recursive(4, 60, 6, |inner| {
        prop_oneof![
            3 => vec(inner.clone(), 1..6).prop_map(|parts| parts.concat()),
            1 => (inner.clone(), 1usize..80).prop_map(|(part, times)| part.repeat(times)),
            2 => (select(DOCUMENTS), any::<Index>(), inner).prop_map(|(document, at, part)| {
                let at = document.floor_char_boundary(at.index(document.len() + 1));
                format!("{}{part}{}", &document[..at], &document[at..])
            }),
        ]
    })
}

fn breaks() -> impl Strategy<Value = Vec<Break>> {
    let index = any::<Index>;
    let one = prop_oneof![
        1 => index().prop_map(Break::Cut),
        3 => (index(), 1usize..40).prop_map(|(at, length)| Break::Remove(at, length)),
        2 => (index(), 1usize..200, 1usize..40).prop_map(|(at, length, times)| Break::Repeat(at, length, times)),
        2 => (index(), 1usize..100, index()).prop_map(|(at, length, to)| Break::Move(at, length, to)),
        3 => (index(), 1u8..).prop_map(|(at, mask)| Break::Flip(at, mask)),
        2 => (index(), select(PIECES)).prop_map(|(at, piece)| Break::Put(at, piece.into())),
        1 => (index(), vec(any::<u8>(), 1..6)).prop_map(|(at, bytes)| Break::Put(at, bytes)),
    ];
    vec(one, 0..6)
}

/// A body as a site might send it: in an encoding or two, and broken.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let part = (pieces(), select(ENCODINGS)).prop_map(|(text, encoding)| encode(&text, encoding));
    (vec(part, 1..3), breaks()).prop_map(|(parts, breaks)| {
        let mut bytes = parts.concat();
        breaks.iter().for_each(|change| change.apply(&mut bytes));
        bytes
    })
}

fn encode(text: &str, encoding: &str) -> Vec<u8> {
    Encoding::for_label(encoding.as_bytes()).unwrap().encode(text).0.into_owned()
}

fn now() -> impl Strategy<Value = Timestamp> {
    let (least, most) = (Timestamp::MIN.as_second(), Timestamp::MAX.as_second());
    prop_oneof![
        8 => 1_700_000_000_i64..1_900_000_000,
        1 => least..=most,
        1 => select(vec![least, most, 0]),
    ]
    .prop_map(|second| Timestamp::from_second(second).unwrap())
}

/// From bytes to what is appended, by way of every kind of source.
fn read_body(
    bytes: &[u8],
    header: Option<&str>,
    configured: Option<&str>,
    now: Timestamp,
) -> Result<(), TestCaseError> {
    let decoded = charset::decode(bytes, configured.and_then(charset::named), header);
    prop_assert!(decoded.broken <= bytes.len(), "{} of {}", decoded.broken, bytes.len());
    for site in SITES.iter() {
        let context = Context { source: &site.id, now, tz: &site.tz, link: None };
        if let Ok(list) = site.reader.list(&decoded.text, &site.start, &context) {
            for row in list.rows {
                prop_assert!(!row.key.is_empty());
                hand_in(row.posts, now)?;
            }
        }
        for thread in [Thread::First(&site.start), Thread::Later("1")] {
            if let Ok(page) = site.reader.thread(&decoded.text, &site.start, &thread, &context) {
                hand_in(page.posts, now)?;
            }
        }
    }
    Ok(())
}

/// What a reader calls a post the door takes, but for a time that lies in the future: that is no matter of form.
fn hand_in(found: Vec<Found>, now: Timestamp) -> Result<(), TestCaseError> {
    for post in found.into_iter().flatten() {
        let handed = format!("{post:?}");
        if let Ok(admitted) = line::admit(post, Via::Crawl, now, &KEY) {
            let _ = Hashing::new(7).fingerprint(&admitted);
            prop_assert!(!admitted.id.is_empty(), "{}", handed);
        }
    }
    Ok(())
}

fn pages() -> impl Strategy<Value = (Vec<u8>, Option<&'static str>, Option<&'static str>, Timestamp)> {
    let (header, configured) = (prop::option::of(select(HEADERS)), prop::option::weighted(0.1, select(ENCODINGS)));
    (body(), header, configured, now())
}

fn read_time(text: &str, format: &str, now: Timestamp, zone: &str) {
    let tz = TimeZone::get(zone).unwrap();
    let _ = times::read(text, now, &tz);
    let _ = times::read_as(format, text, now, &tz);
}

fn stated() -> impl Strategy<Value = (String, &'static str, Timestamp, &'static str)> {
    let text = prop_oneof![
        5 => vec(select(TIMES), 0..14).prop_map(|parts| parts.concat()),
        1 => any::<String>(),
        1 => (vec(select(TIMES), 0..5), any::<String>()).prop_map(|(parts, more)| parts.concat() + &more),
    ];
    let format =
        select(&["%Y-%m-%d %H:%M", "%Y年%m月%d日 %H时%M分", "%s", "%m/%d/%y %I:%M %p", "%A, %d %B %Y", "%c", "%"][..]);
    (text, format, now(), select(&["Asia/Shanghai", "UTC", "Asia/Urumqi", "America/St_Johns", "Pacific/Apia"][..]))
}

fn line_of_json() -> impl Strategy<Value = Vec<u8>> {
    let value = prop_oneof![select(PIECES), select(TIMES)].prop_map(|piece| format!("{piece:?}"));
    let key =
        select(&["source", "native_id", "kind", "text", "published_at", "url", "likes", "media", "reply", "x"][..]);
    let pair = (key, prop_oneof![value, pieces()]).prop_map(|(key, value)| format!("{key:?}:{value}"));
    (vec(pair, 0..12), breaks()).prop_map(|(pairs, breaks)| {
        let mut bytes = format!("{{{}}}", pairs.join(",")).into_bytes();
        breaks.iter().for_each(|change| change.apply(&mut bytes));
        bytes
    })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        cases,
        source_file: Some(file!()),
        failure_persistence: Some(Box::new(FileFailurePersistence::SourceParallel("proptest-regressions"))),
        ..ProptestConfig::default()
    }
}

fn run_pages(cases: u32) {
    let read = |(bytes, header, configured, now): (Vec<u8>, _, _, _)| read_body(&bytes, header, configured, now);
    TestRunner::new(config(cases)).run(&pages(), read).unwrap_or_else(|failure| panic!("{failure}"));
}

fn run_times(cases: u32) {
    let read = |(text, format, now, zone): (String, _, _, _)| {
        read_time(&text, format, now, zone);
        Ok(())
    };
    TestRunner::new(config(cases)).run(&stated(), read).unwrap_or_else(|failure| panic!("{failure}"));
}

fn run_lines(cases: u32) {
    let read = |bytes: Vec<u8>| {
        if let Ok(post) = line::read(&bytes) {
            hand_in(vec![Ok(post)], Timestamp::UNIX_EPOCH)?;
        }
        Ok(())
    };
    TestRunner::new(config(cases)).run(&line_of_json(), read).unwrap_or_else(|failure| panic!("{failure}"));
}

#[test]
fn no_page_makes_a_reader_panic() {
    run_pages(30_000);
}

#[test]
fn no_time_makes_its_reader_panic() {
    run_times(50_000);
}

#[test]
fn no_line_makes_the_door_panic() {
    run_lines(20_000);
}

/// The documents themselves are read, each by the source of its kind: else all of the above would break nothing.
#[test]
fn the_documents_are_what_they_are_taken_for() {
    let now: Timestamp = "2026-11-24T12:00:00+08:00".parse().unwrap();
    let mut found = vec![0; SITES.len()];
    for (site, found) in SITES.iter().zip(&mut found) {
        let context = Context { source: &site.id, now, tz: &site.tz, link: None };
        for document in DOCUMENTS {
            let rows = site.reader.list(document, &site.start, &context).map_or(0, |list| list.rows.len());
            let thread = site.reader.thread(document, &site.start, &Thread::First(&site.start), &context);
            *found += rows + thread.map_or(0, |page| page.posts.iter().flatten().count());
        }
    }
    // The last one is an engine's whole layout: other tests have its pages.
    assert!(found.iter().take(SITES.len() - 1).all(|&found| found > 0), "{found:?}");
}

/// For as many minutes as `WANGLOU_FUZZ` says.
#[test]
#[ignore = "as long as one likes: make soak"]
fn for_a_long_time() {
    let minutes = std::env::var("WANGLOU_FUZZ").ok().and_then(|minutes| minutes.parse().ok()).unwrap_or(0);
    let (began, mut rounds) = (Instant::now(), 0_u64);
    while began.elapsed() < Duration::from_secs(minutes * 60) {
        run_pages(1_000);
        run_times(2_000);
        run_lines(1_000);
        rounds += 1;
    }
    #[allow(clippy::print_stdout, reason = "whoever waited for hours wants to know")]
    let () = println!("{rounds} rounds of 4,000 cases in {} minutes", began.elapsed().as_secs() / 60);
}
