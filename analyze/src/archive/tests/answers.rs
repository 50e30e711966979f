//! What is answered beside the hits: facets, histograms, copies, threads, files; and months of an earlier program.

use super::*;
use crate::{
    archive::{
        export::Format,
        search::{Thread, histogram::Scale},
    },
    query::{self, Context, Facts},
};
use std::io::Cursor as Reader;

fn context() -> Context {
    Context { tz: TimeZone::get("Asia/Shanghai").unwrap(), now: NOVEMBER.parse().unwrap(), ..Context::default() }
}

fn parsed(text: &str) -> Query {
    query::parse(text, &context()).unwrap()
}

/// A small archive of two months, with some of everything.
fn furnished() -> Fixture {
    let mut fixture = Fixture::new();
    let posts = [
        Told { place: Some("抚琴街道"), likes: 120, ..told(0, 0, "1", "抚琴小区又停水了", OCTOBER) },
        Told {
            place: Some("抚琴街道"), official: true, ..told(0, 1, "2", "停水三天, 抚琴的邻居们受不了", NOVEMBER)
        },
        Told { kind: Kind::Comment, thread: Some("2"), ..told(0, 2, "3", "=停水+1", "2026-11-24T09:00:00Z") },
        Told { kind: Kind::Comment, thread: Some("2"), ..told(0, 3, "4", "同求", "2026-11-24T08:30:00Z") },
        Told { place: Some("茶店子"), ..told(1, 0, "5", "抚琴小区又停水了", "2026-11-25T02:00:00Z") },
        told(1, 1, "6", "抚琴小区又停水了", "2026-11-25T03:00:00Z"),
    ];
    fixture.take_all(&posts);
    fixture.writer.commit().unwrap();
    fixture
}

#[test]
fn the_language_finds_what_it_says() {
    let fixture = furnished();
    for (text, expected) in [
        ("停水 街道:抚琴街道", &["2", "1"][..]),
        ("停水 -街道:抚琴街道", &["6", "5", "3"]),
        ("停水 ~3 抚琴", &["6", "5", "1"]),
        ("停水 ~4 抚琴", &["6", "5", "2", "1"]),
        ("抚琴 ~2 停水", &[]),
        ("-(停水 ~4 抚琴)", &["3", "4"]),
        ("点赞:>100", &["1"]),
        ("点赞:<=100 停水", &["6", "5", "3", "2"]),
        ("官方:是", &["2"]),
        ("停水 官方:否", &["6", "5", "3", "1"]),
        ("类型:评论", &["3", "4"]),
        ("时间:2026-10", &["1"]),
        ("时间:2026-11-24 或 点赞:>100", &["3", "4", "2", "1"]),
        ("来源:forum 情感:中性 停水", &["6", "5", "3", "2", "1"]),
        ("已删:是", &[]),
    ] {
        assert_eq!(fixture.ids(parsed(text)), expected, "{text}");
    }
}

#[test]
fn facets_and_histograms_count_the_whole_result() {
    let fixture = furnished();
    let search = Search {
        facets: vec!["place", "kind", "category"],
        histogram: Some((Scale::Day, context().tz)),
        limit: 1,
        ..Search::new(parsed("停水 时间:2026-11"))
    };
    let page = fixture.search(&search);
    assert_eq!((page.total, page.hits.len()), (4, 1));
    let counts = |name| -> Vec<(String, u64)> {
        page.facets[name].iter().map(|value| (value.value.clone(), value.count)).collect()
    };
    assert_eq!(counts("place"), [("抚琴街道".to_owned(), 1), ("茶店子".to_owned(), 1)]);
    assert_eq!(counts("kind"), [("post".to_owned(), 3), ("comment".to_owned(), 1)]);
    assert_eq!(counts("category"), []);
    let histogram = page.histogram.unwrap();
    let days: Vec<(String, u64)> =
        histogram.buckets.iter().map(|bucket| (bucket.from.to_string(), bucket.count)).collect();
    let expected = [("2026-11-23T16:00:00Z", 2), ("2026-11-24T16:00:00Z", 2)];
    assert_eq!(days, expected.map(|(from, count)| (from.to_owned(), count)));
    assert!(page.lacking.is_empty());
    let top = Search { facets: vec!["kind"], top: 1, limit: 0, ..Search::new(Query::All) };
    assert_eq!(fixture.search(&top).facets["kind"].len(), 1);
}

#[test]
fn the_first_stands_for_its_copies_across_months_and_pages() {
    let mut fixture = furnished();
    let mut search = Search { collapse: true, limit: 1, ..Search::new(parsed("停水")) };
    let mut seen = Vec::new();
    let mut offset = 10;
    loop {
        let page = fixture.search(&search);
        assert_eq!(page.texts, Some(3));
        seen.extend(page.hits.into_iter().map(|hit| (hit.native_id, hit.copies)));
        // Another copy, published later: it joins the first, wherever the pages are.
        fixture.take(&told(0, offset, &offset.to_string(), "抚琴小区又停水了", "2026-11-26T03:00:00Z"));
        fixture.writer.commit().unwrap();
        offset += 1;
        search.cursor = page.next;
        if search.cursor.is_none() {
            break;
        }
    }
    let seen: Vec<(&str, Option<u64>)> = seen.iter().map(|(id, copies)| (id.as_str(), *copies)).collect();
    assert_eq!(seen, [("3", Some(1)), ("2", Some(1)), ("1", Some(5))]);
    let plain = fixture.search(&Search::new(parsed("停水")));
    assert_eq!((plain.texts, plain.hits[0].copies), (None, None));

    // What was put together comes apart again: from any of the copies, page by page, and within the search.
    let mut copies = Search { copies_of: Some("forum:1".into()), sort: Sort::Oldest, ..Search::new(parsed("停水")) };
    let ids = |page: &Page| page.hits.iter().map(|hit| hit.native_id.clone()).collect::<Vec<_>>();
    let all = fixture.search(&copies);
    assert_eq!((all.total, ids(&all)[0].as_str(), all.hits.len()), (6, "1", 6));
    copies.copies_of = Some(format!("forum:{}", ids(&all)[3]));
    assert_eq!(ids(&fixture.search(&copies)), ids(&all));
    copies.limit = 4;
    let page = fixture.search(&copies);
    copies.cursor = page.next.clone();
    assert_eq!([ids(&page), ids(&fixture.search(&copies))].concat(), ids(&all));
    let count = |search: Search| fixture.search(&search).total;
    let of = |id: &str, query: &str| Search { copies_of: Some(id.into()), limit: 0, ..Search::new(parsed(query)) };
    assert_eq!(count(of("forum:1", "停水")), 6, "counted without a hit");
    assert_eq!(count(of("forum:1", "茶店子")), 0, "what does not match is no copy that was found");
    assert_eq!(count(of("forum:2", "停水")), 1);
    assert_eq!(count(of("forum:gone", "停水")), 0);
}

#[test]
fn a_thread_is_shown_in_order_from_any_of_its_posts() {
    let fixture = furnished();
    let marked = parsed("停水 -抚琴");
    let thread = |id: &str, limit, cursor| -> Option<Thread> {
        fixture.archive.thread(id, limit, cursor, &marked, Instant::now() + Duration::from_secs(600)).unwrap()
    };
    for id in ["forum:2", "forum:3", "forum:4"] {
        let found = thread(id, 200, None).unwrap();
        assert_eq!(found.post.unwrap().native_id, "2", "{id}");
        let marks = found.hits.iter().map(|hit| (hit.text.contains("停水"), !hit.highlights.text.is_empty()));
        assert!(marks.clone().all(|(holds, marked)| holds == marked) && marks.clone().any(|(holds, _)| holds), "{id}");
        assert_eq!(found.hits.iter().map(|hit| &*hit.native_id).collect::<Vec<_>>(), ["4", "3"], "{id}");
    }
    let first = thread("forum:2", 1, None).unwrap();
    let second = thread("forum:2", 1, first.next).unwrap();
    assert_eq!((second.hits[0].native_id.as_str(), second.total, second.next), ("3", 2, None));
    let alone = thread("forum:1", 200, None).unwrap();
    assert_eq!((alone.post.unwrap().native_id.as_str(), alone.total), ("1", 0));
    assert_eq!(thread("forum:7", 200, None), None);
}

fn file(fixture: &Fixture, search: &Search, format: Format) -> Vec<u8> {
    let mut bytes = Vec::new();
    let rows = fixture.archive.export(search, format, &context().tz, fixture.folder.path(), &mut bytes).unwrap();
    assert_eq!(rows, fixture.archive.count_rows(search, Instant::now() + Duration::from_secs(600)).unwrap());
    bytes
}

#[test]
fn a_file_holds_the_whole_result_and_no_formula() {
    let fixture = furnished();
    let search = Search::new(parsed("停水"));
    let csv = String::from_utf8(file(&fixture, &search, Format::Csv)).unwrap();
    let table = csv.strip_prefix('\u{feff}').unwrap();
    let mut reader = csv::Reader::from_reader(Reader::new(table));
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| header.iter().position(|other| other == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 5);
    let row = rows.iter().find(|row| &row[column("编号")] == "forum:3").unwrap();
    assert_eq!(&row[column("正文")], "'=停水+1");
    assert_eq!((&row[column("发布时间")], &row[column("类型")]), ("2026-11-24 17:00:00", "评论"));
    let row = rows.iter().find(|row| &row[column("编号")] == "forum:2").unwrap();
    assert_eq!((&row[column("街道")], &row[column("官方")], &row[column("点赞")]), ("抚琴街道", "是", "0"));

    let lines = String::from_utf8(file(&fixture, &search, Format::Jsonl)).unwrap();
    let ids: Vec<String> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["forum:6", "forum:5", "forum:3", "forum:2", "forum:1"]);

    let collapsed = Search { collapse: true, ..search };
    let csv = String::from_utf8(file(&fixture, &collapsed, Format::Csv)).unwrap();
    assert!(csv.contains("同文条数") && csv.lines().count() == 4, "{csv}");
    let sheet = file(&fixture, &collapsed, Format::Xlsx);
    assert_eq!(&sheet[..2], b"PK");
}

#[test]
fn what_the_archive_finds_is_what_the_query_says_of_each_post() {
    let fixture = furnished();
    let all = fixture.search(&Search { limit: 200, ..Search::new(Query::All) });
    assert_eq!(all.total, 6);
    let words =
        ["停水", "抚琴", "求", "停水 ~4 抚琴", "类型:评论", "街道:茶店子", "点赞:>0", "官方:是", "时间:2026-11"];
    for one in words {
        for other in words {
            for text in [format!("{one} {other}"), format!("{one} 或 {other}"), format!("{one} -({other})")] {
                let query = parsed(&text);
                let expected: Vec<String> = all
                    .hits
                    .iter()
                    .filter(|hit| {
                        let facts = Facts {
                            kind: Some(hit.kind),
                            places: hit.place.as_deref().into_iter().collect(),
                            official: hit.official.is_some(),
                            counts: hit.counts,
                            published_at: Some(hit.published_at),
                            ..Facts::default()
                        };
                        query.matches(hit.title.as_deref().unwrap_or(""), &hit.text, &facts)
                    })
                    .map(|hit| hit.native_id.clone())
                    .collect();
                assert_eq!(fixture.ids(query), expected, "{text}");
            }
        }
    }
}

#[test]
fn a_month_of_an_earlier_program_is_searched_and_says_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    let month = folder.path().join("archive").join("2026-11");
    std::fs::create_dir_all(&month).unwrap();
    let mut earlier = tantivy::schema::Schema::builder();
    for (_, entry) in FIELDS.schema.fields().take_while(|(_, entry)| entry.name() != "cluster") {
        earlier.add_field(entry.clone());
    }
    let directory = tantivy::directory::MmapDirectory::open(&month).unwrap();
    tantivy::Index::create(directory, earlier.build(), tantivy::IndexSettings::default()).unwrap();
    let archive = Arc::new(Archive::open(folder.path(), understanding()).unwrap());
    let writer = ArchiveWriter::open(archive.clone(), &info(), WRITER_BYTES).unwrap();
    let mut fixture = Fixture { folder, archive, writer };
    fixture.take(&Told { place: Some("抚琴街道"), ..told(0, 0, "1", "停水了", NOVEMBER) });
    fixture.take(&Told { place: Some("抚琴街道"), ..told(0, 1, "2", "停水了", OCTOBER) });
    fixture.writer.commit().unwrap();
    let found = |text: &str| {
        let page = fixture.search(&Search { facets: Vec::new(), ..Search::new(parsed(text)) });
        (page.hits.into_iter().map(|hit| hit.native_id).collect::<Vec<_>>(), page.lacking)
    };
    assert_eq!(found("停水"), (vec!["1".into(), "2".into()], vec![]));
    assert_eq!(found("街道:抚琴街道"), (vec!["2".into()], vec!["2026-11".into()]));
    assert_eq!(found("已删:否 来源:forum"), (vec!["1".into(), "2".into()], vec![]), "known without its flag");
    let page = fixture.search(&Search { facets: vec!["place"], collapse: true, ..Search::new(Query::All) });
    assert_eq!((page.facets["place"][0].count, page.lacking), (1, vec!["2026-11".to_owned()]));
    assert_eq!((page.texts, page.hits[0].copies), (Some(1), Some(2)), "copies by content, in any month");
}
