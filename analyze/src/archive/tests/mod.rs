//! The archive as a whole, without a log: verdicts, commits and crashes, months, search.

mod answers;
mod briefs;
mod corrections;
mod recall;

use super::{
    Archive,
    dates::Month,
    search::{Page, Search, SearchError, Sort},
    verdict::{self, Known},
    writer::ArchiveWriter,
};
use crate::{
    archive::schema::FIELDS,
    query::{
        Filter, Query,
        field::{FLAGS, Keyword},
    },
    understand::{Normal, Understanding, Understood, fold},
};
use jiff::{Timestamp, tz::TimeZone};
use proptest::prelude::*;
use schemas::{
    log::{Identity, Position, TopicInfo},
    records::{AnalyzedPost, Counts, Kind, Label, Precision, Record, Sentiment, Verdict},
};
use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::TempDir;

const WRITER_BYTES: usize = 15_000_000;

fn info() -> TopicInfo {
    TopicInfo { identity: Identity { cluster: "c".into(), topic_id: "t".into() }, partitions: 2 }
}

fn understanding() -> Arc<Understanding> {
    Arc::new(Understanding::new([]).unwrap())
}

/// A post as a test tells it.
#[derive(Debug, Clone)]
struct Told {
    at: Position,
    id: String,
    title: Option<String>,
    text: String,
    likes: u64,
    published_at: Timestamp,
    topics: Vec<String>,
    kind: Kind,
    thread: Option<&'static str>,
    place: Option<&'static str>,
    official: bool,
}

fn told(partition: u32, offset: u64, id: &str, text: &str, published_at: &str) -> Told {
    Told {
        at: Position { partition, offset },
        id: format!("forum:{id}"),
        title: None,
        text: text.to_owned(),
        likes: 0,
        published_at: published_at.parse().unwrap(),
        topics: Vec::new(),
        kind: Kind::Post,
        thread: None,
        place: None,
        official: false,
    }
}

/// Judges and adds a post, as the pipeline does; `None` when a replay skips it.
fn take(writer: &mut ArchiveWriter, post: &Told) -> anyhow::Result<Option<(Verdict, Option<Counts>)>> {
    take_as(writer, post, |text| Normal { folded: text.to_lowercase(), words: text.to_lowercase() })
}

/// The same, with the text as `normal` makes it.
fn take_as(
    writer: &mut ArchiveWriter,
    post: &Told,
    normal: impl Fn(&str) -> Normal,
) -> anyhow::Result<Option<(Verdict, Option<Counts>)>> {
    let counts = Counts { likes: post.likes, ..Counts::default() };
    let came = Known {
        month: Month::of(post.published_at, &TimeZone::UTC),
        content: verdict::content_hash(post.title.as_deref(), &post.text),
        counts,
        published_at: post.published_at,
        precision: Precision::Second,
        clamped: false,
    };
    let id_hash = verdict::id_hash(&post.id);
    let judged = writer.judge(post.at, &post.id, id_hash, came)?;
    if let Some(judged) = judged.filter(|judged| judged.verdict != Verdict::Duplicate) {
        let mut analyzed = analyzed(post, counts, &judged);
        writer.archive.corrections.apply(&mut analyzed);
        let understood = Understood {
            title: normal(post.title.as_deref().unwrap_or("")),
            text: normal(&post.text),
            sentiment: analyzed.sentiment.unwrap(),
            tones: Vec::new(),
            category: None,
            places: Vec::new(),
            elsewhere: None,
            unit: None,
            fingerprint: crate::understand::Fingerprint::default(),
            keyphrases: Vec::new(),
            terms: Vec::new(),
            topics: post.topics.clone(),
        };
        let document =
            FIELDS.document(&analyzed, &analyzed.encode(), [&understood.title, &understood.text], id_hash, &judged.now);
        writer.add(&post.id, id_hash, &judged, document, post.text.len())?;
    }
    writer.advance(post.at.partition, post.at.offset + 1);
    Ok(judged.map(|judged| (judged.verdict, judged.previous)))
}

fn analyzed(post: &Told, counts: Counts, judged: &verdict::Judgement) -> AnalyzedPost {
    AnalyzedPost {
        v: AnalyzedPost::VERSION,
        raw: post.at,
        verdict: judged.verdict,
        id: post.id.clone(),
        source: "forum".into(),
        kind: post.kind,
        url: None,
        title: post.title.clone(),
        text: post.text.clone(),
        published_at: judged.now.published_at,
        published_precision: judged.now.precision,
        date_clamped: false,
        fetched_at: post.published_at,
        thread_id: post.thread.map(str::to_owned),
        parent_id: None,
        counts,
        previous: judged.previous,
        sentiment: Some(Sentiment { label: Label::Neutral, negative: 0.0, neutral: 1.0, positive: 0.0 }),
        tones: Vec::new(),
        keyphrases: Vec::new(),
        terms: Vec::new(),
        topics: post.topics.clone(),
        place: post.place.map(str::to_owned),
        category: None,
        places: Vec::new(),
        elsewhere: None,
        unit: None,
        fingerprint: None,
        cluster: None,
        official: post.official.then(|| "水务局".to_owned()),
        addressed_to: None,
        corrected: None,
        gone_at: None,
        reply: None,
    }
}

/// An archive in a folder of its own.
struct Fixture {
    folder: TempDir,
    archive: Arc<Archive>,
    writer: ArchiveWriter,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archive = Arc::new(Archive::open(folder.path(), understanding()).unwrap());
        let writer = ArchiveWriter::open(archive.clone(), &info(), WRITER_BYTES).unwrap();
        Self { folder, archive, writer }
    }

    /// Ends this life as a crash would, with whatever was not committed, and begins the next.
    fn crash(self) -> Self {
        let Self { folder, archive, writer } = self;
        drop(writer);
        drop(archive);
        let archive = Arc::new(Archive::open(folder.path(), understanding()).unwrap());
        let writer = ArchiveWriter::open(archive.clone(), &info(), WRITER_BYTES).unwrap();
        Self { folder, archive, writer }
    }

    fn take(&mut self, post: &Told) -> Option<(Verdict, Option<Counts>)> {
        take(&mut self.writer, post).unwrap()
    }

    /// Takes a post whose text is normalised as every post's is.
    fn take_folded(&mut self, post: &Told) {
        take_as(&mut self.writer, post, |text| Normal { folded: fold(text), words: String::new() }).unwrap();
    }

    fn take_all<'a>(&mut self, posts: impl IntoIterator<Item = &'a Told>) {
        for post in posts {
            self.take(post);
        }
    }

    fn verdict(&mut self, post: &Told) -> Option<Verdict> {
        self.take(post).map(|(verdict, _)| verdict)
    }

    /// Reads the log again from where the archive stands.
    fn replay(&mut self, log: &[Told]) {
        let from = self.writer.resume();
        for post in log.iter().filter(|post| post.at.offset >= from[post.at.partition as usize].offset) {
            self.take(post);
        }
        self.writer.commit().unwrap();
    }

    fn search(&self, search: &Search) -> Page {
        find(&self.archive, search).unwrap()
    }

    fn ids(&self, query: Query) -> Vec<String> {
        let page = self.search(&Search { limit: 200, ..looking_for(query) });
        assert_eq!(page.total, page.hits.len() as u64);
        page.hits.into_iter().map(|hit| hit.native_id).collect()
    }
}

fn find(archive: &Archive, search: &Search) -> Result<Page, SearchError> {
    archive.search(search, Instant::now() + Duration::from_secs(600))
}

fn looking_for(query: Query) -> Search {
    Search::new(query)
}

fn term(text: &str) -> Query {
    Query::Term(text.into())
}

const OCTOBER: &str = "2026-10-05T08:00:00Z";
const NOVEMBER: &str = "2026-11-24T08:00:00Z";

#[test]
fn verdicts_within_a_batch_after_a_commit_and_after_a_restart() {
    let mut fixture = Fixture::new();
    let first = told(0, 0, "1", "停水了", NOVEMBER);
    let again = |offset, likes| Told { likes, ..told(0, offset, "1", "停水了", OCTOBER) };
    assert_eq!(fixture.verdict(&first), Some(Verdict::First));
    assert_eq!(fixture.verdict(&again(1, 0)), Some(Verdict::Duplicate));
    let was = |likes| Some((Verdict::Revision, Some(Counts { likes, ..Counts::default() })));
    assert_eq!(fixture.take(&again(2, 5)), was(0));
    fixture.writer.commit().unwrap();
    assert_eq!(fixture.verdict(&again(3, 5)), Some(Verdict::Duplicate));
    assert_eq!(fixture.take(&again(4, 7)), was(5));
    fixture.writer.commit().unwrap();
    fixture = fixture.crash();
    assert_eq!(fixture.verdict(&again(5, 7)), Some(Verdict::Duplicate));
    assert_eq!(fixture.take(&again(6, 8)), was(7));
    fixture.writer.commit().unwrap();
    let page = fixture.search(&looking_for(Query::All));
    assert_eq!((page.total, page.hits[0].counts.likes), (1, 8));
    assert_eq!(page.hits[0].published_at, NOVEMBER.parse().unwrap(), "the first-seen record fixes the time");
    assert_eq!(
        std::fs::read_dir(fixture.folder.path().join("archive")).unwrap().count(),
        3,
        "one month, lock, position"
    );
}

#[test]
fn a_second_process_is_refused_with_the_reason_but_may_read() {
    let mut fixture = Fixture::new();
    fixture.take(&told(0, 0, "1", "停水了", NOVEMBER));
    fixture.writer.commit().unwrap();
    let refused = Archive::open(fixture.folder.path(), understanding()).err().unwrap().to_string();
    assert!(refused.contains("belongs to another running process"), "{refused}");
    let reading = Archive::open_read_only(fixture.folder.path(), understanding()).unwrap();
    assert_eq!(find(&reading, &looking_for(term("停水"))).unwrap().total, 1);
}

#[test]
fn an_archive_of_another_log_is_refused() {
    let mut fixture = Fixture::new();
    fixture.take(&told(0, 0, "1", "停水了", NOVEMBER));
    fixture.writer.commit().unwrap();
    let mut other = info();
    other.identity.topic_id = "another".into();
    for position_file in [true, false] {
        if !position_file {
            std::fs::remove_file(fixture.archive.folder().join(super::writer::POSITION)).unwrap();
        }
        let refused = ArchiveWriter::open(fixture.archive.clone(), &other, WRITER_BYTES).err().unwrap();
        let refused = format!("{refused:#}");
        assert!(refused.contains("Point [log] back to the log"), "{refused}");
    }
}

/// Posts of four months, mixed, with revisions and duplicates; more months than may be open.
fn a_log() -> Vec<Told> {
    let mut log = Vec::new();
    for n in 0..60_u64 {
        let month = 8 + n % 4;
        let at = format!("2026-{month:02}-{:02}T08:00:00Z", 1 + n % 28);
        let (partition, offset) = ((n % 2) as u32, n / 2);
        // Each third post comes again later, with another number of likes or unchanged.
        let id = if n >= 30 && n % 3 == 0 { n - 30 } else { n };
        let likes = u64::from(n >= 30 && n % 6 == 0);
        log.push(Told { likes, ..told(partition, offset, &id.to_string(), &format!("第{id}号停水"), &at) });
    }
    log
}

fn state(fixture: &Fixture) -> BTreeMap<String, (u64, String)> {
    let page = fixture.search(&Search { limit: 200, ..looking_for(Query::All) });
    assert_eq!(page.total, page.hits.len() as u64);
    let state: BTreeMap<_, _> =
        page.hits.iter().map(|hit| (hit.id.clone(), (hit.counts.likes, hit.published_at.to_string()))).collect();
    assert_eq!(state.len(), page.hits.len(), "each id is there once");
    state
}

#[test]
fn a_crash_at_any_step_of_any_commit_loses_nothing_and_repeats_nothing() {
    let log = a_log();
    let mut expected = Fixture::new();
    expected.replay(&log);
    let expected = state(&expected);
    assert_eq!(expected.len(), 50);
    // Commits after 20 and 40 posts; the second one, of four months, is cut short at each of its steps.
    for fuse in 0_u32.. {
        let mut fixture = Fixture::new();
        fixture.take_all(&log[..20]);
        fixture.writer.commit().unwrap();
        fixture.take_all(&log[20..40]);
        fixture.writer.fuse = Some(fuse);
        let survived = fixture.writer.commit().is_ok();
        let mut fixture = fixture.crash();
        fixture.replay(&log);
        assert_eq!(state(&fixture), expected, "cut short at step {fuse}");
        assert!(fixture.writer.resume().iter().all(|position| position.offset == 30));
        if survived {
            assert!(fuse >= 4, "each month and the position is a step");
            break;
        }
    }
}

#[test]
fn a_replay_skips_what_a_month_has_committed() {
    let mut fixture = Fixture::new();
    let october = told(0, 0, "1", "停水了", OCTOBER);
    let november = told(0, 1, "2", "来水了", NOVEMBER);
    fixture.take(&october);
    fixture.take(&november);
    fixture.writer.fuse = Some(1);
    fixture.writer.commit().unwrap_err();
    fixture = fixture.crash();
    let held = fixture.ids(Query::All);
    assert_eq!(held.len(), 1, "one month was committed before the crash");
    let (held, lost) = if held[0] == "1" { (&october, &november) } else { (&november, &october) };
    assert_eq!(fixture.verdict(held), None);
    assert_eq!(fixture.verdict(lost), Some(Verdict::First));
}

#[test]
fn after_the_log_was_set_back_what_comes_is_new() {
    let mut fixture = Fixture::new();
    for offset in 0..10 {
        fixture.take(&told(0, offset, &offset.to_string(), "停水", NOVEMBER));
    }
    fixture.writer.commit().unwrap();
    fixture.writer.set_back(0, 5);
    fixture.writer.commit().unwrap();
    fixture = fixture.crash();
    assert_eq!(fixture.writer.resume()[0].offset, 5);
    // A known id at an offset that was covered before: it must be judged, not skipped.
    assert_eq!(fixture.verdict(&told(0, 5, "1", "来水", NOVEMBER)), Some(Verdict::Revision));
    assert_eq!(fixture.verdict(&told(0, 6, "new", "来水", NOVEMBER)), Some(Verdict::First));
}

#[test]
fn operators_filters_and_times() {
    let mut fixture = Fixture::new();
    let posts = [
        Told {
            title: Some("关于停水".into()), topics: vec!["water".into()], ..told(0, 0, "1", "三天了", OCTOBER)
        },
        Told { kind: Kind::Comment, ..told(0, 1, "2", "停水又停电", "2026-11-01T00:00:00Z") },
        told(1, 0, "3", "停电, Wi-Fi too", NOVEMBER),
    ];
    fixture.take_all(&posts);
    fixture.writer.commit().unwrap();
    let not = |query| Query::Not(Box::new(query));
    for (query, expected) in [
        (Query::All, &["3", "2", "1"][..]),
        (term("停水"), &["2", "1"]),
        (term("水"), &["2", "1"]),
        (term(" "), &["3"]),
        (term("wi-fi t"), &["3"]),
        (term("停水三天"), &[]),
        (term("电停"), &[]),
        (Query::And(vec![term("停水"), term("停电")]), &["2"]),
        (Query::And(vec![term("停电"), not(term("停水"))]), &["3"]),
        (Query::Or(vec![term("三天"), term("wi")]), &["3", "1"]),
        (not(term("停电")), &["1"]),
        (not(not(term("停电"))), &["3", "2"]),
        (Query::And(vec![not(term("停电")), not(term("停水"))]), &[]),
        (Query::And(vec![]), &["3", "2", "1"]),
        (Query::Or(vec![]), &[]),
    ] {
        assert_eq!(fixture.ids(query.clone()), expected, "{query:?}");
    }
    let filtered = |filter: Filter| fixture.ids(Query::Filter(filter));
    let keyword = |name: &str, value: &str| filtered(Filter::keyword(Keyword::find(name).unwrap(), value));
    assert_eq!(keyword("kind", "comment"), ["2"]);
    assert_eq!(keyword("topic", "water"), ["1"]);
    assert_eq!(keyword("source", "forum"), ["3", "2", "1"]);
    for (name, value) in [("source", "feed"), ("sentiment", "negative"), ("unit", "水务局"), ("category", "供水")]
    {
        assert_eq!(keyword(name, value), Vec::<String>::new(), "{name}");
    }
    let published = |from, to| filtered(Filter::Time { from, to });
    let (from, to) = (Some("2026-11-01T00:00:00Z".parse().unwrap()), Some(NOVEMBER.parse().unwrap()));
    assert_eq!(published(from, None), ["3", "2"]);
    assert_eq!(published(None, to), ["2", "1"], "the end is not part of the range");
    assert_eq!(published(from, to), ["2"]);
    assert_eq!(published(Some(Timestamp::MIN), Some(Timestamp::MAX)), ["3", "2", "1"]);
    for flag in &FLAGS {
        assert_eq!(filtered(Filter::Flag { field: flag, is: true }), Vec::<String>::new());
        assert_eq!(filtered(Filter::Flag { field: flag, is: false }), ["3", "2", "1"]);
    }
}

#[test]
fn hits_show_where_they_match() {
    let mut fixture = Fixture::new();
    fixture.take(&Told { title: Some("🚰停水".into()), ..told(0, 0, "1", "又停水, 还停电", NOVEMBER) });
    fixture.writer.commit().unwrap();
    let query = Query::And(vec![term("停水"), Query::Not(Box::new(term("地震")))]);
    let page = fixture.search(&looking_for(query));
    assert_eq!(page.hits[0].highlights.title, [[2, 4]]);
    assert_eq!(page.hits[0].highlights.text, [[1, 3]]);
}

#[test]
fn sorts_by_relevance_and_by_heat() {
    let mut fixture = Fixture::new();
    // With the words of a segmenter: a post that has the word beats one that has only its characters.
    let posts = [
        told(0, 0, "word", "停水", OCTOBER),
        Told { likes: 9, ..told(0, 1, "part", "高峰期停水管道", NOVEMBER) },
        Told { likes: 3, title: Some("停水".into()), ..told(1, 0, "title", "停水", "2026-11-02T00:00:00Z") },
    ];
    fixture.take_all(&posts);
    fixture.writer.commit().unwrap();
    let sorted = |sort| -> Vec<String> {
        let page = fixture.search(&Search { sort, ..looking_for(term("停水")) });
        page.hits.into_iter().map(|hit| hit.native_id).collect()
    };
    assert_eq!(sorted(Sort::Relevance), ["title", "word", "part"]);
    assert_eq!(sorted(Sort::Heat), ["part", "title", "word"]);
    assert_eq!(sorted(Sort::Time), ["part", "title", "word"]);
}

#[test]
fn pages_neither_repeat_nor_miss_a_post_while_posts_arrive() {
    for sort in [Sort::Time, Sort::Relevance, Sort::Heat] {
        let mut fixture = Fixture::new();
        let mut offset = 0;
        let mut arrive = |fixture: &mut Fixture, count: u64| {
            for _ in 0..count {
                // Many posts share a time, a score and a heat: ties are the rule.
                let at = format!("2026-{:02}-10T08:00:{:02}Z", 9 + offset % 3, offset % 2);
                let post = told(0, offset, &offset.to_string(), ["停水", "停水 停电"][(offset % 2) as usize], &at);
                fixture.take(&Told { likes: offset % 4, ..post });
                offset += 1;
            }
            fixture.writer.commit().unwrap();
        };
        arrive(&mut fixture, 50);
        let before: HashSet<String> = fixture.ids(term("停水")).into_iter().collect();
        let mut seen = Vec::new();
        let mut search = Search { sort, limit: 7, ..looking_for(term("停水")) };
        loop {
            let page = fixture.search(&search);
            seen.extend(page.hits.into_iter().map(|hit| hit.native_id));
            arrive(&mut fixture, 3);
            search.cursor = page.next;
            if search.cursor.is_none() {
                break;
            }
        }
        let distinct: HashSet<String> = seen.iter().cloned().collect();
        assert_eq!(distinct.len(), seen.len(), "{sort:?}: none twice");
        assert!(before.is_subset(&distinct), "{sort:?}: none missed");
    }
}

fn many(count: u64) -> Vec<Told> {
    (0..count).map(|n| told(0, n, &n.to_string(), "停水", NOVEMBER)).collect()
}

#[test]
fn a_page_of_nothing_counts_and_has_no_next() {
    let mut fixture = Fixture::new();
    fixture.take_all(&many(5));
    fixture.writer.commit().unwrap();
    let page = fixture.search(&Search { limit: 0, ..looking_for(term("停水")) });
    assert_eq!((page.total, page.hits.len(), page.next), (5, 0, None));
    let page = fixture.search(&Search { limit: 5, ..looking_for(term("停水")) });
    assert_eq!((page.total, page.hits.len(), page.next), (5, 5, None), "the last page is known as the last");
}

#[test]
fn a_search_that_takes_too_long_is_ended() {
    let mut fixture = Fixture::new();
    fixture.take_all(&many(500));
    fixture.writer.commit().unwrap();
    let outcome = fixture.archive.search(&looking_for(Query::All), Instant::now());
    assert!(matches!(outcome, Err(SearchError::TooLong)));
}

#[test]
fn monstrous_posts_are_stored_and_found() {
    let mut fixture = Fixture::new();
    let word = "长".repeat(350_000);
    fixture.take(&told(0, 0, "word", &format!("{word}尾"), NOVEMBER));
    fixture.take(&told(0, 1, "nul", "a\0b\u{202e}c", NOVEMBER));
    let id = "x".repeat(4_000);
    fixture.take(&told(0, 2, &id, "长长的号", NOVEMBER));
    fixture.writer.commit().unwrap();
    assert_eq!(fixture.ids(term("长长长尾")), ["word"]);
    assert_eq!(fixture.ids(term("a\0b\u{202e}")), ["nul"]);
    assert_eq!(fixture.verdict(&told(0, 3, &id, "长长的号", NOVEMBER)), Some(Verdict::Duplicate));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Any substring of a stored post finds it, and every hit holds the substring.
    #[test]
    fn any_substring_finds_exactly_the_posts_that_hold_it(
        texts in prop::collection::vec("(停水|停电|哈|哈哈|體|国國|a|ab|1|12|[。，！]|🚰|👨‍👩‍👧|é|\\PC| ){0,12}", 1..30),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 1_usize..9), 20),
    ) {
        // The test folds nothing itself: original and normalised text are the same.
        let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        let mut fixture = Fixture::new();
        for (n, text) in texts.iter().enumerate() {
            let title = texts.get(n + 1).filter(|_| n.is_multiple_of(3)).cloned();
            fixture.take(&Told { title, ..told(0, n as u64, &n.to_string(), text, NOVEMBER) });
            if n == texts.len() / 2 {
                fixture.writer.commit().unwrap();
            }
        }
        fixture.writer.commit().unwrap();
        for (text, at, length) in cuts {
            let characters: Vec<char> = text.get(&texts).chars().collect();
            if characters.is_empty() {
                continue;
            }
            let from = at.index(characters.len());
            let cut: String = characters[from..characters.len().min(from + length)].iter().collect();
            let found: HashSet<String> = fixture.ids(term(&cut)).into_iter().collect();
            let holds = |n: usize| {
                texts[n].contains(&cut) || (n.is_multiple_of(3) && texts.get(n + 1).is_some_and(|title| title.contains(&cut)))
            };
            let expected: HashSet<String> = (0..texts.len()).filter(|&n| holds(n)).map(|n| n.to_string()).collect();
            prop_assert_eq!(found, expected, "{:?}", cut);
        }
    }
}
