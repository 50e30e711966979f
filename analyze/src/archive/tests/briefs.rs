//! Briefs: every number is what its search answers, hostile text is text, and both files hold the figures.

use super::*;
use crate::{
    archive::brief::{Brief, Format, Links, Wanted},
    query::{Context, Names},
};
use quick_xml::{Reader, events::Event};
use std::io::Read;

const CONSOLE: &str = "https://wanglou.example";

fn context() -> Context {
    let mut names = Names::default();
    names.add("topic", "water", "停水断水");
    names.add("source", "forum", "锦水论坛");
    Context { now: "2026-11-28T04:00:00Z".parse().unwrap(), tz: TimeZone::get("Asia/Shanghai").unwrap(), names }
}

/// Some days of posts, hostile ones among them.
fn furnished() -> Fixture {
    let mut fixture = Fixture::new();
    let topics = || vec!["water".to_owned()];
    let hostile = "<script>alert(1)</script>\u{202e}\u{1b}[2J]]>&\"'\u{0}\u{ffff}停水";
    let posts = [
        Told {
            place: Some("抚琴街道"),
            likes: 120,
            topics: topics(),
            ..told(0, 0, "1", "抚琴小区又停水了", "2026-11-27T01:10:00Z")
        },
        Told {
            place: Some("抚琴街道"), topics: topics(), ..told(0, 1, "2", "停水三天了", "2026-11-27T01:50:00Z")
        },
        Told {
            title: Some(hostile.to_owned()),
            likes: 7,
            place: Some("</w:t> 或 \"停水"),
            ..told(0, 2, "3", hostile, "2026-11-27T12:00:00Z")
        },
        Told { kind: Kind::Comment, ..told(0, 3, "4", "=停水+1", "2026-11-27T15:59:59Z") },
        Told {
            place: Some("茶店子"), topics: topics(), ..told(1, 0, "5", "昨天也停水", "2026-11-26T02:00:00Z")
        },
        told(1, 1, "6", "与此无关", "2026-11-26T03:00:00Z"),
        told(1, 2, "7", "后一天停水", "2026-11-27T16:00:00Z"),
    ];
    fixture.take_all(&posts);
    fixture.writer.commit().unwrap();
    fixture
}

fn wanted(kind: &str, q: &str, date: &str) -> Wanted {
    let some = |text: &str| Some(text.to_owned());
    Wanted { kind: some(kind), q: some(q), date: some(date), ..Wanted::default() }
}

fn brief(fixture: &Fixture, wanted: &Wanted) -> Brief {
    let order = wanted.order(&context()).unwrap();
    fixture.archive.brief(&order, &context(), Instant::now() + Duration::from_secs(600)).unwrap()
}

/// What the page that an address leads to would show: the number of posts, and the first of them.
fn asked_again(fixture: &Fixture, address: &str) -> Page {
    let query = address.strip_prefix(&format!("{CONSOLE}/search?")).unwrap();
    let mut filters = (None, None);
    let mut search = None;
    let mut sort = Sort::Time;
    for pair in query.split('&') {
        let (name, value) = pair.split_once('=').unwrap();
        let value = decoded(value);
        match name {
            "q" => search = Some(crate::query::parse(&value, &context()).unwrap()),
            "from" => filters.0 = Some(value.parse().unwrap()),
            "to" => filters.1 = Some(value.parse().unwrap()),
            "sort" => sort = serde_json::from_value(value.into()).unwrap(),
            name => panic!("{name}"),
        }
    }
    let query = search.unwrap().and([Filter::Time { from: filters.0, to: filters.1 }]);
    fixture.search(&Search { sort, limit: 50, ..Search::new(query) })
}

fn decoded(text: &str) -> String {
    let mut bytes = text.bytes();
    let mut plain = Vec::new();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b'%' => {
                let digits = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    String::from_utf8(plain).unwrap()
}

fn table<'b>(brief: &'b Brief, title: &str) -> Vec<(&'b str, u64, u64)> {
    let tables = std::iter::once(&brief.totals).chain(&brief.tables);
    let rows = tables.filter(|table| table.title == title).flat_map(|table| &table.rows);
    rows.map(|row| (row.name.as_str(), row.now.value, row.before.value)).collect()
}

#[test]
fn a_day_is_told_with_the_day_before() {
    let brief = brief(&furnished(), &wanted("day", "", "2026-11-27"));
    assert_eq!(brief.title, "网络舆情日报（2026年11月27日）");
    assert_eq!(table(&brief, "总量与情感"), [("全部", 4, 2), ("负面", 0, 0), ("中性", 4, 2), ("正面", 0, 0)]);
    assert_eq!(table(&brief, "监测话题"), [("停水断水", 2, 1)]);
    assert_eq!(table(&brief, "来源"), [("锦水论坛", 4, 2)]);
    assert_eq!(table(&brief, "街道")[0], ("抚琴街道", 2, 0));
    assert_eq!(brief.curve.len(), 24, "hours without posts too");
    assert_eq!((brief.curve[9].label.as_str(), brief.curve[9].figure.value), ("11-27 09:00", 2));
    assert_eq!(brief.curve.iter().map(|bar| bar.figure.value).sum::<u64>(), 4);
    assert_eq!(brief.samples[0].title, "抚琴小区又停水了", "the one with the most likes");
    assert_eq!(brief.samples[0].counts[0], ("点赞", 120));
    assert_eq!(brief.samples[0].source, "锦水论坛");
}

#[test]
fn every_number_is_what_its_search_answers() {
    let fixture = furnished();
    let links = Links::to(Some("https://wanglou.example/"));
    for wanted in [
        wanted("day", "", "2026-11-27"),
        wanted("day", "停水 或 -抚琴", "2026-11-27"),
        wanted("week", "-演练", "2026-11-24"),
        wanted("day", "", "2026-11-28"),
        wanted("matter", "停水 时间:近7天", ""),
        Wanted { from: Some("2026-11-01T00:00:00+08:00".into()), ..wanted("matter", "停水", "") },
        Wanted { from: Some("2026-01-01T00:30:00+08:00".into()), ..wanted("matter", "停水 点赞:>=0", "") },
    ] {
        let brief = brief(&fixture, &wanted);
        assert!(brief.figures().len() > 20 && !brief.is_empty(), "{wanted}");
        for figure in brief.figures() {
            assert_eq!(asked_again(&fixture, &links.of(&figure.ask)).total, figure.value, "{wanted}: {figure:?}");
        }
        let all = brief.totals.rows[0].now.value;
        assert_eq!(brief.curve.iter().map(|bar| bar.figure.value).sum::<u64>(), all, "{wanted}");
        let first = asked_again(&fixture, &links.of(&brief.samples_ask)).hits.remove(0);
        assert_eq!(first.counts.likes, brief.samples[0].counts[0].1);
        for sample in &brief.samples {
            let page = asked_again(&fixture, &links.of(&sample.ask));
            let likes: Vec<u64> = page.hits.iter().map(|hit| hit.counts.likes).collect();
            assert_eq!(likes, [sample.counts[0].1], "the post alone");
        }
    }
}

#[test]
fn a_period_without_posts_says_so() {
    let brief = brief(&furnished(), &wanted("day", "", "2026-11-25"));
    assert!(brief.is_empty() && brief.curve.is_empty() && brief.samples.is_empty() && brief.tables.is_empty());
    let links = Links::to(Some(CONSOLE));
    let page = String::from_utf8(Format::Html.write(&brief, &links).unwrap()).unwrap();
    assert!(page.contains("本期没有符合条件的帖子。") && page.contains(">0</a>"), "{page}");
    assert!(
        part(&Format::Docx.write(&brief, &links).unwrap(), "word/document.xml").contains("本期没有符合条件的帖子。")
    );
}

fn part(file: &[u8], name: &str) -> String {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(file)).unwrap();
    let mut text = String::new();
    zip.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// An element and its attributes.
type Element = (String, BTreeMap<String, String>);

/// The elements of an XML text with their attributes, and its words; panics where it is not well formed.
fn parsed(xml: &str) -> (Vec<Element>, String) {
    let mut reader = Reader::from_str(xml);
    let (mut elements, mut words) = (Vec::new(), String::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Eof => break,
            Event::Start(element) | Event::Empty(element) => {
                let attributes = element.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    let name = attribute.key.0.to_owned();
                    (name, attribute.value.replace("&amp;", "&"))
                });
                let name = element.name().0.to_owned();
                elements.push((name, attributes.collect()));
            }
            Event::Text(text) => words.push_str(&text),
            _ => {}
        }
    }
    (elements, words)
}

#[test]
fn a_word_file_holds_the_figures_and_their_links() {
    let fixture = furnished();
    let brief = brief(&fixture, &wanted("day", "停水", "2026-11-27"));
    let file = Format::Docx.write(&brief, &Links::to(Some(CONSOLE))).unwrap();
    for name in ["[Content_Types].xml", "_rels/.rels", "word/styles.xml"] {
        parsed(&part(&file, name));
    }
    let document = part(&file, "word/document.xml");
    let (elements, words) = parsed(&document);
    assert!(words.contains("网络舆情日报（2026年11月27日）") && words.contains("抚琴小区又停水了"), "{words}");
    let (relationships, _) = parsed(&part(&file, "word/_rels/document.xml.rels"));
    let targets: BTreeMap<&str, &str> = relationships
        .iter()
        .filter(|(_, attributes)| attributes.get("TargetMode").is_some_and(|mode| mode == "External"))
        .map(|(_, attributes)| (attributes["Id"].as_str(), attributes["Target"].as_str()))
        .collect();
    let links: Vec<&str> = elements
        .iter()
        .filter(|(name, _)| name == "w:hyperlink")
        .map(|(_, attributes)| targets[attributes["r:id"].as_str()])
        .collect();
    assert_eq!(links.len(), targets.len());
    for figure in brief.figures() {
        let number = targets.iter().find(|(_, target)| **target == figure.ask.address(CONSOLE)).unwrap().0;
        let shown = format!(
            "r:id=\"{number}\"><w:r><w:rPr><w:rStyle w:val=\"Hyperlink\"/></w:rPr><w:t xml:space=\"preserve\">"
        );
        let at = document.find(&shown).unwrap() + shown.len();
        assert!(document[at..].starts_with(&format!("{}</w:t>", figure.value)));
    }
    for hostile in ["w:instrText", "w:fldSimple", "w:altChunk", "w:object", "script"] {
        assert!(!elements.iter().any(|(name, _)| name == hostile), "{hostile}");
    }
    assert!(document.contains("&lt;script&gt;"));
    assert!(!document.contains(['\u{202e}', '\u{1b}', '\0', '\u{ffff}']));
}

#[test]
fn a_page_is_one_file_without_scripts_whatever_posts_say() {
    let fixture = furnished();
    let brief = brief(&fixture, &wanted("day", "", "2026-11-27"));
    let page = String::from_utf8(Format::Html.write(&brief, &Links::default()).unwrap()).unwrap();
    assert!(page.contains("lang=\"zh-CN\"") && page.contains("@page{size:A4"));
    assert!(!page.contains("<script") && page.contains("&lt;script&gt;"), "{page}");
    assert!(!page.contains(['\u{202e}', '\u{1b}', '\0', '\u{ffff}']));
    assert!(!page.contains("src=") && !page.contains("<link") && !page.contains("url("), "nothing is fetched");
    for figure in brief.figures() {
        let address = figure.ask.address("").replace('&', "&amp;");
        assert!(page.contains(&format!("href=\"{address}\"")), "{figure:?}");
    }
    assert!(page.contains("未配置 [http] public_url"), "relative links are told of");
}
