//! Kind `rss`: RSS, Atom and JSON Feed. From text to posts; nothing here fetches.

use super::{
    PathFault, draft,
    link::address,
    listing::{Context, ListPage, Row, exact},
    page, select,
};
use crate::times;
use feed_rs::{model::Entry, parser};
use jiff::Timestamp;
use schemas::{
    kit::settings::Feed,
    records::{DoorPost, Kind, Precision, is_web_link},
};
use std::time::SystemTime;
use url::Url;

/// Entries of a feed that are looked at.
const MAX_ENTRIES: usize = 2_000;
/// A feed nests a handful of elements; its reader goes into each by recursion.
const MAX_NESTING: usize = 200;
const MAX_MEDIA: usize = 64;

/// How a feed is read.
#[derive(Debug, Default)]
pub(crate) struct FeedReader {
    /// The query parameter that numbers its pages, and the number of the second one.
    page: Option<String>,
    pub(crate) pages: u32,
}

impl FeedReader {
    /// # Errors
    /// Every fault, with the path of its key.
    pub(crate) fn new(feed: &Feed) -> Result<Self, Vec<PathFault>> {
        if (1..=1_000).contains(&feed.pages) {
            return Ok(Self { page: feed.page.clone(), pages: feed.pages });
        }
        Err(vec![(vec!["feed".into(), "pages".into()], format!("{} is not between 1 and 1000", feed.pages))])
    }

    /// Reads a feed, in the order in which it stands. An entry without a time gets that of the visit, and is not exact.
    ///
    /// # Errors
    /// Why it is no feed.
    pub(crate) fn list(&self, text: &str, url: &Url, context: &Context<'_>) -> Result<ListPage, String> {
        if page::nesting(text) > MAX_NESTING {
            return Err(format!("the feed nests more than {MAX_NESTING} elements: it is broken, or means harm"));
        }
        let (now, zone) = (context.now, context.tz.clone());
        let parser = parser::Builder::new()
            .base_uri(Some(url.as_str()))
            .timestamp_parser(move |text| {
                let (at, _) = times::read(text, now, &zone)?;
                Some(SystemTime::try_from(at).ok()?.into())
            })
            .build();
        let feed = parser.parse(without_declaration(text).as_bytes()).map_err(|error| error.to_string())?;
        // RFC 5005: an archived or paged feed names the document with the older entries.
        let older = |rel: Option<&str>| matches!(rel, Some("next" | "prev-archive"));
        let linked =
            feed.links.iter().find(|link| older(link.rel.as_deref())).and_then(|link| address(url, &link.href));
        let rows: Vec<Row> = feed.entries.into_iter().take(MAX_ENTRIES).map(|entry| row(entry, context)).collect();
        let next = linked.or_else(|| self.numbered(url).filter(|_| !rows.is_empty()));
        Ok(ListPage { rows, next: next.filter(|next| next != url), ..ListPage::default() })
    }

    /// The address of the next page by its number.
    fn numbered(&self, url: &Url) -> Option<Url> {
        let name = self.page.as_deref()?;
        let number = url.query_pairs().find(|(key, _)| key == name).and_then(|(_, value)| value.parse::<u32>().ok());
        let rest: Vec<_> = url.query_pairs().into_owned().filter(|(key, _)| key != name).collect();
        let mut next = url.clone();
        next.query_pairs_mut()
            .clear()
            .extend_pairs(rest)
            .append_pair(name, &number.unwrap_or(1).checked_add(1)?.to_string());
        Some(next)
    }
}

fn row(entry: Entry, context: &Context<'_>) -> Row {
    let updated = entry.updated.map(|at| at.timestamp().to_string());
    let post = post(entry, context.source, context.now);
    Row {
        key: post.native_id.clone(),
        changed: updated,
        published_at: exact(&post),
        thread: None,
        posts: vec![Ok(post)],
    }
}

/// The text is UTF-8 by now, whatever its declarations say: without them, wherever they stand. The reader of XML panics at
/// one that stands where none may.
fn without_declaration(text: &str) -> String {
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    let mut out = String::with_capacity(rest.len());
    while let Some((before, declaration)) = rest.split_once("<?xml") {
        out.push_str(before);
        rest = declaration.split_once("?>").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    out
}

fn post(entry: Entry, source: &str, now: Timestamp) -> DoorPost {
    let link = entry.links.iter().find(|link| link.rel.as_deref().is_none_or(|rel| rel == "alternate"));
    let link = link.or(entry.links.first()).map(|link| link.href.clone());
    let stated = entry.published.or(entry.updated).and_then(|at| Timestamp::try_from(SystemTime::from(at)).ok());
    let (published_at, precision) = stated.map_or_else(|| draft::unstated(now), |at| (at, Precision::Second));
    let body = entry.content.and_then(|content| content.body).or(entry.summary.map(|summary| summary.content));
    let media = entry.media.iter().flat_map(|media| &media.content).filter_map(|content| content.url.as_ref());
    DoorPost {
        source: source.to_owned(),
        // feed-rs makes an id of link and title where there is none.
        native_id: draft::short_id(&entry.id),
        kind: Kind::Post,
        // An entry is not lost for a bad link.
        url: link.filter(|link| is_web_link(link)),
        title: entry.title.map(|title| plain(&title.content)),
        text: body.map(|body| plain(&body)).unwrap_or_default(),
        author: entry.authors.into_iter().filter_map(|person| person.name).find(|name| !name.trim().is_empty()),
        published_at,
        published_precision: Some(precision),
        fetched_at: Some(now),
        thread_id: None,
        parent_id: None,
        likes: None,
        replies: None,
        reposts: None,
        place: None,
        media: media.map(Url::to_string).filter(|link| is_web_link(link)).take(MAX_MEDIA).collect(),
        media_alt: Vec::new(),
        reply: None,
    }
}

/// Feeds carry HTML in titles and bodies.
pub(super) fn plain(text: &str) -> String {
    if !text.contains(['<', '&']) {
        return text.trim().to_owned();
    }
    // What cannot be parsed is better kept with its tags than lost.
    page::parse(text).map_or_else(|_| text.to_owned(), |html| select::text(html.root_element()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn list(text: &str) -> Result<ListPage, String> {
        let url = Url::parse("https://feed.example/rss").unwrap();
        let now = "2026-11-24T10:05:00+08:00".parse().unwrap();
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        let reader = FeedReader { page: Some("paged".into()), pages: 5 };
        reader.list(text, &url, &Context { source: "feed", now, tz: &tz, link: None })
    }

    fn posts(text: &str) -> Result<Vec<DoorPost>, String> {
        Ok(list(text)?.rows.into_iter().flat_map(|row| row.posts).map(Result::unwrap).collect())
    }

    #[test]
    fn rss() {
        let feed = r#"<?xml version="1.0" encoding="gbk"?><rss version="2.0"><channel><title>x</title>
            <item><guid>a1</guid><title>停水&lt;b&gt;通知&lt;/b&gt;</title><link>https://feed.example/1</link>
              <description><![CDATA[<p>抚琴街道<br>今晚停水</p><script>x</script>]]></description>
              <pubDate>Tue, 24 Nov 2026 02:05:00 GMT</pubDate></item>
            <item><title>无时间</title><link>https://feed.example/2</link><description>y</description></item>
            <item><guid>a3</guid><title>本地时间</title><description>z</description><pubDate>2026-11-24 09:00:00</pubDate></item>
            </channel></rss>"#;
        let posts = posts(feed).unwrap();
        assert_eq!(posts[0].native_id, "a1");
        assert_eq!((posts[0].title.as_deref(), posts[0].text.as_str()), (Some("停水通知"), "抚琴街道\n今晚停水"));
        assert_eq!(posts[0].published_at.to_string(), "2026-11-24T02:05:00Z");
        assert_eq!(posts[1].published_precision, Some(Precision::Day));
        assert!(!posts[1].native_id.is_empty());
        assert_eq!(posts[2].published_at.to_string(), "2026-11-24T01:00:00Z");
        assert!(posts.iter().all(|post| post.check().is_ok()), "{posts:?}");
    }

    #[test]
    fn atom_and_json_feed() {
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><id>f</id><updated>2026-11-24T02:00:00Z</updated>
            <entry><id>e1</id><title>停气</title><link href="javascript:alert(1)"/><updated>2026-11-24T02:05:00Z</updated>
            <author><name>张三</name></author><content type="html">&lt;p&gt;停气&lt;/p&gt;</content></entry></feed>"#;
        let posts_of_atom = posts(atom).unwrap();
        assert_eq!((posts_of_atom[0].text.as_str(), posts_of_atom[0].author.as_deref()), ("停气", Some("张三")));
        assert_eq!(posts_of_atom[0].url, None);
        let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"x","items":[{"id":"j1","url":"https://f.example/1",
            "content_text":"路灯不亮","date_published":"2026-11-24T10:00:00+08:00"}]}"#;
        assert_eq!(posts(json).unwrap()[0].native_id, "j1");
    }

    #[test]
    fn older_entries_are_on_the_next_page() {
        let entry = "<entry><id>e1</id><title>停气</title><updated>2026-11-24T02:05:00Z</updated></entry>";
        let head = "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>x</title><id>f</id>";
        let linked = list(&format!("{head}<link rel=\"next\" href=\"/rss?before=e1\"/>{entry}</feed>")).unwrap();
        assert_eq!(linked.next.unwrap().as_str(), "https://feed.example/rss?before=e1");
        assert_eq!(linked.rows[0].changed.as_deref(), Some("1795485900"));
        let numbered = list(&format!("{head}{entry}</feed>")).unwrap().next.unwrap();
        assert_eq!(numbered.as_str(), "https://feed.example/rss?paged=2");
        let reader = FeedReader { page: Some("paged".into()), pages: 5 };
        let third = reader.numbered(&numbered).unwrap();
        assert_eq!(third.as_str(), "https://feed.example/rss?paged=3");
        assert_eq!(list(&format!("{head}</feed>")).unwrap().next, None, "an empty page is the last one");
    }

    #[test]
    fn a_declaration_in_the_middle_does_no_harm() {
        let item = "<item><guid>a1</guid><title>停水</title></item>";
        let feed =
            format!("<rss version=\"2.0\"><channel><?xml version=\"1.0\" encoding=\"gbk\"?>{item}</channel></rss>");
        assert_eq!(posts(&feed).unwrap()[0].title.as_deref(), Some("停水"));
    }

    #[test]
    fn what_is_no_feed_is_refused() {
        let deep = format!("<rss version=\"2.0\">{}", "<a>".repeat(100_000));
        let json = format!("{{\"version\":\"https://jsonfeed.org/version/1\",\"items\":{}", "[".repeat(100_000));
        for text in ["", "<html><body>x</body></html>", "{}", deep.as_str(), json.as_str()] {
            assert!(posts(text).is_err());
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), inner in any::<String>()) {
            let _ = posts(&text);
            let _ = posts(&format!("<rss version=\"2.0\"><channel><item><guid>1</guid><pubDate>{inner}</pubDate></item></channel></rss>"));
        }
    }
}
