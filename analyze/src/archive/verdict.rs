//! First seen, revision or duplicate: what analyze, and analyze alone, decides of a raw record.
//!
//! | the id is | text and official reply (content hash) | counts | verdict | what is stored |
//! |---|---|---|---|---|
//! | unknown | – | – | first | the post, in the month of its time |
//! | known | same | same | duplicate | nothing changes |
//! | known | same or not | changed | revision, with the counts as they were | the new post, in the same month |
//! | known | changed | same | revision, with the counts as they were | the new post, in the same month |
//!
//! A mark that a post is gone ([`judge_gone`]):
//!
//! | the id is | the post was seen | verdict | what is stored |
//! |---|---|---|---|
//! | unknown | – | none: the mark is dropped, and counted | – |
//! | gone already | – | duplicate | nothing changes: the first mark's time stands |
//! | known | after the mark's time | duplicate: the mark comes late, the post was there again | nothing changes |
//! | known | before it | gone | the post as it was, with the time since when it is gone |
//!
//! A post that is gone has a content hash that no text has ([`GONE`]), so it needs no rule of its own when it comes back: whatever
//! comes is a revision, whose document is not gone.
//!
//! When a post was published is fixed by its first-seen record: a revision keeps the time, its precision and the month.

use super::dates::Month;
use jiff::Timestamp;
use schemas::records::{Counts, Precision, Reply, Verdict};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// What the archive knows of a post that it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The month that it is stored in.
    pub month: Month,
    /// Hash of title and text.
    pub content: u64,
    /// Likes, replies and reposts.
    pub counts: Counts,
    /// When it was published.
    pub published_at: Timestamp,
    /// How exactly the source states that time.
    pub precision: Precision,
    /// Whether the source's word of it was absurd.
    pub clamped: bool,
}

/// A verdict, and what is known of the post from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// The verdict.
    pub verdict: Verdict,
    /// In a revision, the counts as they were.
    pub previous: Option<Counts>,
    /// What is known from now on.
    pub now: Known,
}

/// Judges what came (`came`) against what is known of its id.
#[must_use]
pub fn judge(known: Option<Known>, came: Known) -> Judgement {
    let Some(known) = known else { return Judgement { verdict: Verdict::First, previous: None, now: came } };
    if known.content == came.content && known.counts == came.counts {
        return Judgement { verdict: Verdict::Duplicate, previous: None, now: known };
    }
    let now = Known { content: came.content, counts: came.counts, ..known };
    Judgement { verdict: Verdict::Revision, previous: Some(known.counts), now }
}

/// The content hash of a post that is gone. One text in 2^64 has it too; its return would then be taken for a duplicate.
pub const GONE: u64 = 0;

/// Judges a mark that the post `known` is gone since `gone_at`, when it was last fetched at `fetched_at`.
#[must_use]
pub fn judge_gone(known: Known, fetched_at: Timestamp, gone_at: Timestamp) -> Judgement {
    if known.content == GONE || fetched_at > gone_at {
        return Judgement { verdict: Verdict::Duplicate, previous: None, now: known };
    }
    Judgement { verdict: Verdict::Gone, previous: None, now: Known { content: GONE, ..known } }
}

/// Hash of a post's id.
#[must_use]
pub fn id_hash(id: &str) -> u64 {
    xxh3_64(id.as_bytes())
}

/// The content hash of a post with the answer that came with it: who was answered since has another state of his post.
#[must_use]
pub fn with_reply(content: u64, reply: Option<&Reply>) -> u64 {
    let Some(reply) = reply else { return content };
    let mut hash = Xxh3::new();
    hash.update(&content.to_le_bytes());
    for text in [Some(reply.text.as_str()), reply.by.as_deref()] {
        hash.update(&text.map_or(u64::MAX, |text| text.len() as u64).to_le_bytes());
        hash.update(text.unwrap_or_default().as_bytes());
    }
    hash.update(&reply.published_at.map_or(i64::MIN, |at| at.as_second()).to_le_bytes());
    hash.digest()
}

/// Hash of a post's title and text.
#[must_use]
pub fn content_hash(title: Option<&str>, text: &str) -> u64 {
    let mut hash = Xxh3::new();
    if let Some(title) = title {
        hash.update(title.as_bytes());
    }
    // The length keeps a title's end apart from a text's beginning.
    hash.update(&title.map_or(u64::MAX, |title| title.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn came(text: &str, likes: u64, at: &str) -> Known {
        let at = at.parse().unwrap();
        Known {
            month: Month::of(at, &jiff::tz::TimeZone::UTC),
            content: content_hash(None, text),
            counts: Counts { likes, ..Counts::default() },
            published_at: at,
            precision: Precision::Second,
            clamped: false,
        }
    }

    const FIRST: &str = "2026-10-31T23:00:00Z";
    const LATER: &str = "2026-11-02T10:00:00Z";

    #[test]
    fn an_unknown_id_is_first_seen() {
        let first = came("停水", 0, FIRST);
        assert_eq!(judge(None, first), Judgement { verdict: Verdict::First, previous: None, now: first });
    }

    #[test]
    fn the_same_again_is_a_duplicate() {
        let judged = judge(Some(came("停水", 3, FIRST)), came("停水", 3, LATER));
        assert_eq!((judged.verdict, judged.previous), (Verdict::Duplicate, None));
    }

    #[test]
    fn another_text_or_other_counts_are_a_revision_in_the_month_of_the_first() {
        for revised in [came("来水了", 3, LATER), came("停水", 4, LATER), came("来水了", 4, LATER)] {
            let judged = judge(Some(came("停水", 3, FIRST)), revised);
            assert_eq!(judged.verdict, Verdict::Revision);
            assert_eq!(judged.previous.unwrap().likes, 3);
            assert_eq!(judged.now.month.to_string(), "2026-10");
            assert_eq!(judged.now.published_at, FIRST.parse().unwrap());
            assert_eq!((judged.now.content, judged.now.counts), (revised.content, revised.counts));
        }
    }

    #[test]
    fn a_mark_is_judged_by_its_table_and_a_return_is_a_revision() {
        let known = came("停水", 3, FIRST);
        let (before, mark, after): (Timestamp, _, _) = (FIRST.parse().unwrap(), LATER.parse().unwrap(), Timestamp::MAX);
        assert_eq!(judge_gone(known, after, mark).verdict, Verdict::Duplicate);
        let gone = judge_gone(known, before, mark);
        assert_eq!(
            (gone.verdict, gone.now.counts, gone.now.published_at),
            (Verdict::Gone, known.counts, known.published_at)
        );
        assert_eq!(judge_gone(gone.now, before, mark).verdict, Verdict::Duplicate);
        assert_eq!(judge(Some(gone.now), came("停水", 3, LATER)).verdict, Verdict::Revision);
    }

    #[test]
    fn an_answer_makes_it_another_state() {
        let content = content_hash(None, "停水了");
        let reply =
            |text: &str, by: Option<&str>| Reply { text: text.into(), published_at: None, by: by.map(str::to_owned) };
        let hashes = [
            with_reply(content, None),
            with_reply(content, Some(&reply("已抢修", None))),
            with_reply(content, Some(&reply("已抢修", Some("水务局")))),
            with_reply(content, Some(&reply("已抢修水务局", None))),
            with_reply(content, Some(&Reply { published_at: Some(Timestamp::UNIX_EPOCH), ..reply("已抢修", None) })),
        ];
        assert_eq!(hashes[0], content);
        assert_eq!(std::collections::HashSet::from(hashes).len(), hashes.len());
    }

    #[test]
    fn title_and_text_are_hashed_each_for_itself() {
        let hashes = [
            content_hash(Some("停水"), "了"),
            content_hash(Some("停"), "水了"),
            content_hash(Some(""), "停水了"),
            content_hash(None, "停水了"),
        ];
        let distinct: std::collections::HashSet<_> = hashes.into();
        assert_eq!(distinct.len(), hashes.len());
    }
}
