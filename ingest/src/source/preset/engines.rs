//! The presets on the markup that their engines really write (`ingest/tests/fixtures`).

use super::find;
use crate::source::{
    Site,
    listing::{Context, Found, ListPage, Thread, ThreadPage},
};
use jiff::tz::TimeZone;
use schemas::records::{DoorPost, Kind};
use url::Url;

fn site(preset: &str) -> Site {
    let own = "id = 'x'\nurl = 'https://site.example/'\nboard = '2'".parse().unwrap();
    Site::new(&find(preset).unwrap().source(&own).unwrap(), TimeZone::get("Asia/Shanghai").unwrap()).unwrap()
}

fn list(preset: &str, text: &str) -> ListPage {
    let site = site(preset);
    let now = "2026-11-24T10:05:00+08:00".parse().unwrap();
    site.reader.list(text, &site.start, &Context { source: "x", now, tz: &site.tz, link: None }).unwrap()
}

fn thread(preset: &str, text: &str, address: &str) -> ThreadPage {
    let site = site(preset);
    let (now, address) = ("2026-11-24T10:05:00+08:00".parse().unwrap(), Url::parse(address).unwrap());
    let context = Context { source: "x", now, tz: &site.tz, link: None };
    site.reader.thread(text, &address, &Thread::First(&address), &context).unwrap()
}

fn rows(page: &ListPage) -> Vec<(&str, Option<&str>)> {
    page.rows.iter().map(|row| (row.key.as_str(), row.changed.as_deref())).collect()
}

/// Id, author, time and text.
fn shown(found: &[Found]) -> Vec<(String, String, String, String)> {
    let shown = |post: &DoorPost| {
        let at = post.published_at.strftime("%H:%M:%S").to_string();
        (post.native_id.clone(), post.author.clone().unwrap_or_default(), at, post.text.clone())
    };
    found.iter().map(|found| shown(found.as_ref().unwrap())).collect()
}

fn four(id: &str, author: &str, at: &str, text: &str) -> (String, String, String, String) {
    (id.into(), author.into(), at.into(), text.into())
}

#[test]
fn discuz_with_its_tables() {
    let page = list("discuz", include_str!("../../../tests/fixtures/discuz-list.html"));
    assert_eq!(
        rows(&page),
        [
            ("https://site.example/forum.php?mod=viewthread&tid=3", Some("0")),
            ("https://site.example/thread-12-1-1.html", Some("35"))
        ]
    );
    assert_eq!(page.next.unwrap().as_str(), "https://site.example/forum-2-2.html");
    let text = include_str!("../../../tests/fixtures/discuz-thread.html");
    for address in ["https://site.example/thread-12-1-1.html", "https://site.example/forum.php?mod=viewthread&tid=12"] {
        let page = thread("discuz", text, address);
        assert_eq!(
            shown(&page.posts),
            [
                four("12", "居民", "00:05:30", "又停水了，没有通知。\n电话 13812345678"),
                four("12/102", "邻居", "02:01:07", "我家也是")
            ]
        );
        let opening = page.posts[0].as_ref().unwrap();
        assert_eq!((opening.title.as_deref(), opening.kind), (Some("抚琴街道又停水了"), Kind::Post));
        assert_eq!(opening.media, ["https://site.example/data/attachment/forum/a.jpg"]);
        assert_eq!(page.next.unwrap().as_str(), "https://site.example/thread-12-2-1.html");
    }
}

#[test]
fn discuz_on_a_telephone() {
    let page = list("discuz", include_str!("../../../tests/fixtures/discuz-touch-list.html"));
    assert_eq!(
        rows(&page),
        [
            ("https://site.example/forum.php?mod=viewthread&tid=12&mobile=2", Some("35")),
            ("https://site.example/forum.php?mod=viewthread&tid=11&mobile=2", Some("3"))
        ]
    );
    assert_eq!(page.next.unwrap().as_str(), "https://site.example/forum.php?mod=forumdisplay&fid=2&page=2&mobile=2");
    let text = include_str!("../../../tests/fixtures/discuz-touch-thread.html");
    let page = thread("discuz", text, "https://site.example/forum.php?mod=viewthread&tid=12&mobile=2");
    assert_eq!(
        shown(&page.posts),
        [four("12", "居民", "00:05:00", "又停水了，没有通知。"), four("12/102", "邻居", "02:01:00", "我家也是")]
    );
    assert_eq!(page.posts[0].as_ref().unwrap().title.as_deref(), Some("抚琴街道又停水了"));
    assert_eq!(page.next.unwrap().query(), Some("mod=viewthread&tid=12&page=2&mobile=2"));
}

#[test]
fn phpbb() {
    let page = list("phpbb", include_str!("../../../tests/fixtures/phpbb-forum.html"));
    assert_eq!(rows(&page), [("https://site.example/viewtopic.php?f=2&t=12", Some("102"))]);
    assert_eq!(page.next.unwrap().as_str(), "https://site.example/viewforum.php?f=2&start=25");
    let text = include_str!("../../../tests/fixtures/phpbb-topic.html");
    let page = thread("phpbb", text, "https://site.example/viewtopic.php?f=2&t=12");
    assert_eq!(
        shown(&page.posts),
        [
            four("12", "resident", "00:05:30", "Third time this week.\nCall me: 13812345678"),
            four("12/102", "neighbour", "02:01:00", "Same here.")
        ]
    );
    assert_eq!(page.posts[0].as_ref().unwrap().title.as_deref(), Some("No water again"));
    assert_eq!(page.next.unwrap().as_str(), "https://site.example/viewtopic.php?f=2&t=12&start=10");
}

#[test]
fn tieba() {
    let page = list("tieba", include_str!("../../../tests/fixtures/tieba-list.html"));
    assert_eq!(rows(&page), [("https://site.example/p/8012", Some("35"))]);
    assert_eq!(page.next.unwrap().as_str(), "https://tieba.example/f?kw=x&ie=utf-8&pn=50");
    let text = include_str!("../../../tests/fixtures/tieba-thread.html");
    let page = thread("tieba", text, "https://site.example/p/8012");
    assert_eq!(
        shown(&page.posts),
        [
            four("8012", "居民", "00:05:00", "又停水了\n没有通知"),
            four("8012/102", "邻居", "02:01:00", "我家也是"),
            four("8012/501", "居民", "02:03:00", "几楼的？")
        ]
    );
    let opening = page.posts[0].as_ref().unwrap();
    assert_eq!((opening.place.as_deref(), opening.title.as_deref()), (Some("四川"), Some("又停水了")));
    assert_eq!(page.next.unwrap().as_str(), "https://site.example/p/8012?pn=2");
}

#[test]
fn weibo() {
    let page = list("weibo", include_str!("../../../tests/fixtures/weibo.json"));
    let posts: Vec<_> = page.rows.iter().flat_map(|row| &row.posts).cloned().collect();
    assert_eq!(
        shown(&posts),
        [
            four("4901234567890125", "居民", "02:01:07", "抚琴街道@供水又停水了\n没有通知"),
            four("4901234567890124", "邻居", "02:00:00", "转发微博")
        ]
    );
    let post = posts[0].as_ref().unwrap();
    assert_eq!((post.likes, post.replies, post.place.as_deref()), (Some(99), Some(12_000), Some("四川")));
    assert_eq!(post.url.as_deref(), Some("https://site.example/detail/4901234567890125"));
    assert_eq!(post.media, ["https://img.example/l.jpg"]);
    let repost = posts[1].as_ref().unwrap();
    assert_eq!((repost.kind, repost.parent_id.as_deref()), (Kind::Repost, Some("4901234567890100")));
    assert!(page.next.unwrap().query().unwrap().ends_with("since_id=4901234567890123"));
}

#[test]
fn mastodon() {
    let page = list("mastodon", include_str!("../../../tests/fixtures/mastodon.json"));
    assert_eq!(rows(&page), [("113535000000000002", None), ("113535000000000001", Some("2026-11-24T01:00:00.000Z"))]);
    let posts: Vec<_> = page.rows.iter().flat_map(|row| &row.posts).cloned().collect();
    assert_eq!(
        shown(&posts),
        [
            four("113535000000000002", "n", "02:01:07", "@r 我家也是"),
            four("113535000000000001", "r", "00:05:30", "又停水了")
        ]
    );
    let reply = posts[0].as_ref().unwrap();
    assert_eq!((reply.kind, reply.parent_id.as_deref()), (Kind::Comment, Some("113535000000000001")));
    assert_eq!(reply.media, ["https://m.example/a.png"]);
    assert_eq!(
        posts[1].as_ref().unwrap().url.as_deref(),
        Some("https://m.example/users/r/statuses/113535000000000001")
    );
    assert!(page.next.unwrap().query().unwrap().ends_with("max_id=113535000000000001"));
}
