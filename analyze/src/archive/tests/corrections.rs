//! Corrections against everything that may happen to a stored post.

use super::*;
use crate::archive::{
    corrections::{Corrections, Standing},
    reindex,
};
use schemas::records::{CorrectedField, Correction};

/// An archive whose corrections outlive its lives, as `control` does.
struct Desk {
    folder: TempDir,
    corrections: Corrections,
    archive: Option<Arc<Archive>>,
    writer: Option<ArchiveWriter>,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut desk = Self { folder, corrections: Corrections::default(), archive: None, writer: None };
        desk.begin();
        desk
    }

    /// Ends this life as a crash would, with whatever was not committed, and begins the next.
    fn begin(&mut self) {
        (self.writer, self.archive) = (None, None);
        let opened = Archive::open_corrected(self.folder.path(), understanding(), self.corrections.clone());
        let archive = Arc::new(opened.unwrap());
        self.writer = Some(ArchiveWriter::open(archive.clone(), &info(), WRITER_BYTES).unwrap());
        self.archive = Some(archive);
        self.corrections.queue_all();
    }

    fn writer(&mut self) -> &mut ArchiveWriter {
        self.writer.as_mut().unwrap()
    }

    fn take(&mut self, post: &Told) -> Option<Verdict> {
        take(self.writer(), post).unwrap().map(|(verdict, _)| verdict)
    }

    fn commit(&mut self) {
        self.writer().commit().unwrap();
    }

    /// Somebody says that a post is positive, or takes that back.
    fn say(&self, id: &str, label: Option<Label>, second: i64) {
        let post = format!("forum:{id}");
        let standing = label.map(|label| Standing {
            correction: Correction { post: post.clone(), sentiment: Some(label), ..Correction::default() },
            by: "分析员".into(),
            at: Timestamp::from_second(second).unwrap(),
        });
        self.corrections.set(&post, standing);
    }

    /// The writing thread does what is queued; says how many documents were made anew.
    fn correct(&mut self) -> usize {
        let ids = self.corrections.take(usize::MAX);
        ids.iter().filter(|id| self.writer().correct(id).unwrap()).count()
    }

    fn page(&self, value: &str) -> Page {
        let query = Query::Filter(Filter::keyword(Keyword::find("sentiment").unwrap(), value));
        let search = Search { facets: vec!["sentiment"], limit: 200, ..Search::new(query) };
        find(self.archive.as_ref().unwrap(), &search).unwrap()
    }

    fn ids(&self, value: &str) -> Vec<String> {
        let page = self.page(value);
        assert_eq!(page.total, page.hits.len() as u64);
        page.hits.into_iter().map(|hit| hit.native_id).collect()
    }
}

#[test]
fn it_is_found_shown_and_counted_as_corrected_and_no_position_moves() {
    let mut desk = Desk::new();
    desk.take(&told(0, 0, "1", "谢谢啊, 又停水", NOVEMBER));
    desk.take(&told(0, 1, "2", "停水", NOVEMBER));
    desk.commit();
    let before = desk.writer().resume();
    desk.say("1", Some(Label::Negative), 1);
    assert_eq!(desk.correct(), 1);
    assert_eq!(desk.ids("negative"), [""; 0], "not before the commit");
    assert!(desk.writer().is_dirty());
    desk.commit();
    assert_eq!(desk.writer().resume(), before);
    let page = desk.page("negative");
    assert_eq!((page.total, page.facets["sentiment"][0].count), (1, 1));
    let hit = &page.hits[0];
    let corrected = hit.corrected.as_ref().unwrap();
    assert_eq!((hit.native_id.as_str(), corrected.by.as_str()), ("1", "分析员"));
    assert_eq!(corrected.fields, [CorrectedField::Sentiment]);
    assert_eq!(corrected.judged.sentiment.unwrap().label, Label::Neutral);
    assert_eq!(desk.ids("neutral"), ["2"]);
    let archive = desk.archive.clone().unwrap();
    let flag = Filter::Flag { field: crate::query::field::Flag::find("corrected").unwrap(), is: true };
    assert_eq!(find(&archive, &Search::new(Query::Filter(flag))).unwrap().total, 1);
    assert_eq!(find(&archive, &looking_for(term("又停水"))).unwrap().total, 1, "its text is found as before");
    // The same again, and for a post that nobody knows, there is nothing to do.
    desk.corrections.queue_all();
    desk.say("9", Some(Label::Negative), 2);
    assert_eq!(desk.correct(), 0);
    assert!(!desk.writer().is_dirty());
    // The log again, from its beginning: each is known.
    assert_eq!(desk.take(&told(0, 2, "1", "谢谢啊, 又停水", NOVEMBER)), Some(Verdict::Duplicate));
}

#[test]
fn one_that_is_read_before_its_post_waits_for_it() {
    let mut desk = Desk::new();
    desk.say("1", Some(Label::Positive), 1);
    assert_eq!(desk.correct(), 0);
    desk.take(&told(0, 0, "1", "停水", NOVEMBER));
    desk.commit();
    assert_eq!(desk.ids("positive"), ["1"]);
    assert_eq!(
        desk.page("positive").hits[0].corrected.as_ref().unwrap().judged.sentiment.unwrap().label,
        Label::Neutral
    );
}

#[test]
fn it_outlasts_revisions_and_holds_for_a_post_that_is_not_committed_yet() {
    let mut desk = Desk::new();
    desk.take(&told(0, 0, "1", "停水", NOVEMBER));
    // Not committed: what is stored can't be read before.
    desk.say("1", Some(Label::Positive), 1);
    assert_eq!(desk.correct(), 1);
    assert_eq!(desk.take(&told(0, 1, "1", "停水三天", NOVEMBER)), Some(Verdict::Revision));
    desk.say("1", Some(Label::Negative), 2);
    assert_eq!(desk.correct(), 1);
    desk.commit();
    let hit = desk.page("negative").hits.remove(0);
    assert_eq!((hit.text.as_str(), desk.page("positive").total), ("停水三天", 0));
    assert_eq!(desk.take(&Told { likes: 4, ..told(0, 2, "1", "停水三天", NOVEMBER) }), Some(Verdict::Revision));
    desk.commit();
    let hit = desk.page("negative").hits.remove(0);
    assert_eq!((hit.counts.likes, hit.corrected.unwrap().judged.sentiment.unwrap().label), (4, Label::Neutral));
}

#[test]
fn what_is_taken_back_leaves_what_was_judged() {
    let mut desk = Desk::new();
    desk.take(&told(0, 0, "1", "停水", NOVEMBER));
    desk.commit();
    desk.say("1", Some(Label::Positive), 1);
    assert_eq!(desk.correct(), 1);
    // Before the commit, and after it.
    desk.say("1", None, 2);
    assert_eq!(desk.correct(), 1);
    desk.commit();
    let hit = desk.page("neutral").hits.remove(0);
    assert_eq!((hit.corrected, desk.page("positive").total), (None, 0));
    desk.say("1", Some(Label::Positive), 3);
    assert_eq!(desk.correct(), 1);
    desk.commit();
    // While nobody ran.
    desk.say("1", None, 4);
    desk.begin();
    assert_eq!(desk.correct(), 1);
    desk.commit();
    assert_eq!((desk.ids("neutral"), desk.page("positive").total), (vec!["1".to_owned()], 0));
}

#[test]
fn a_crash_at_any_step_of_the_commit_loses_none() {
    let months = ["2026-08-05T08:00:00Z", "2026-09-05T08:00:00Z", OCTOBER, NOVEMBER];
    for fuse in 0_u32.. {
        let mut desk = Desk::new();
        for (offset, at) in (0..).zip(months) {
            desk.take(&told(0, offset, &offset.to_string(), "停水", at));
        }
        desk.commit();
        for offset in 0..4 {
            desk.say(&offset.to_string(), Some(Label::Positive), offset);
        }
        assert_eq!(desk.correct(), 4, "more months than may be open");
        desk.writer().fuse = Some(fuse);
        let whole = desk.writer().commit().is_ok();
        desk.begin();
        let again = desk.correct();
        assert!(if whole { again == 0 } else { again <= 4 }, "{again} after {fuse} steps");
        desk.commit();
        assert_eq!(desk.page("positive").total, 4, "{fuse}");
        assert_eq!(desk.page("neutral").total, 0, "{fuse}");
        if whole {
            return;
        }
    }
}

#[test]
fn a_month_that_is_built_anew_meanwhile_bears_it() {
    const POSTS: u64 = 600;
    let mut desk = Desk::new();
    for number in 0..POSTS {
        desk.take(&told(0, number, &number.to_string(), "水管坏了", NOVEMBER));
    }
    for number in 0..10 {
        desk.say(&number.to_string(), Some(Label::Positive), 1);
    }
    desk.correct();
    desk.commit();
    reindex::request(desk.folder.path(), Timestamp::now()).unwrap();
    // It copies in a thread of its own; whatever it has copied when a correction comes, the new month bears it.
    let mut second = 2_i64;
    while desk.writer().reindex().unwrap() {
        second += 1;
        let number = (second * 37).cast_unsigned() % POSTS;
        desk.say(&number.to_string(), (!number.is_multiple_of(5)).then_some(Label::Positive), second);
        desk.correct();
        if second % 3 == 0 {
            desk.commit();
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    desk.commit();
    assert!(std::fs::exists(desk.folder.path().join("archive/2026-11.2")).unwrap());
    let check = |desk: &Desk| {
        let standing: HashSet<String> =
            desk.corrections.standing().iter().map(|standing| standing.correction.post.clone()).collect();
        assert!(standing.len() > 8);
        let archive = desk.archive.as_ref().unwrap();
        let mut wrong = Vec::new();
        for number in 0..POSTS {
            let post = archive.post(&format!("forum:{number}")).unwrap().unwrap();
            if !desk.corrections.is_borne_by(&post) || post.corrected.is_some() != standing.contains(&post.id) {
                wrong.push(post.id);
            }
        }
        assert_eq!(wrong, [""; 0], "of {} corrections", standing.len());
        let flag = Filter::Flag { field: crate::query::field::Flag::find("corrected").unwrap(), is: true };
        assert_eq!(find(archive, &Search::new(Query::Filter(flag))).unwrap().total, standing.len() as u64);
    };
    check(&desk);
    desk.begin();
    assert_eq!(desk.correct(), 0, "nothing was left to do");
    check(&desk);
}

#[test]
fn a_post_that_is_gone_is_gone_as_corrected() {
    let mut desk = Desk::new();
    desk.take(&told(0, 0, "1", "停水", NOVEMBER));
    desk.commit();
    desk.say("1", Some(Label::Positive), 1);
    assert_eq!(desk.correct(), 1);
    let gone = schemas::records::Gone {
        v: schemas::records::Gone::VERSION,
        id: "forum:1".into(),
        source: "forum".into(),
        native_id: "1".into(),
        gone_at: Timestamp::now(),
        reason: "HTTP 404".into(),
    };
    desk.commit();
    let at = Position { partition: 0, offset: 1 };
    let super::super::writer::Mark::Gone(marked) = desk.writer().judge_gone(at, &gone).unwrap() else { panic!() };
    let marked = *marked;
    desk.writer().add("forum:1", marked.id_hash, &marked.judgement, marked.document, marked.bytes).unwrap();
    desk.commit();
    let hit = desk.page("positive").hits.remove(0);
    assert!(hit.gone_at.is_some() && hit.corrected.is_some());
}
