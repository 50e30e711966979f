//! A few recent posts that show what a topic is about and differ from each other.
//!
//! A pool of candidates. A post is worth more when it is negative, was answered much, and is recent; it enters in place of the
//! least worthy one, or of the one that it is nearly a copy of when it is worth more. Copies are told by the share of
//! character pairs in common (Jaccard). Effort is bounded: a flood of copies costs a comparison each only so many times a
//! second.

use jiff::Timestamp;
use schemas::records::{AnalyzedPost, Category, Label, Sample, UnitProposed};
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Candidates kept.
const POOL: usize = 8;
/// Samples shown.
const SHOWN: usize = 5;
/// Posts looked at closely in one second.
const TRIES: u32 = 32;
/// Characters of an excerpt.
const EXCERPT: usize = 120;
/// From this share of character pairs in common two posts are copies.
const COPY: f64 = 0.6;
/// So many seconds of age weigh as much as one step of reach (a factor of e).
const FADE: f64 = 600.0;
/// What being negative weighs, in the same unit.
const NEGATIVE: f64 = 2.0;
/// By so much a newcomer must be worth more than whom it drives out.
const MARGIN: f64 = 0.1;

/// A sample as snapshots hold it: with every field, for they are not self-describing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Candidate {
    id: String,
    source: String,
    url: Option<String>,
    pub(super) excerpt: String,
    published_at: Timestamp,
    sentiment: Option<Label>,
    reach: u64,
    /// Boxed: most posts are no matter of any unit.
    matter: Option<Box<Whose>>,
}

/// Whose matter a post is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Whose {
    category: Option<String>,
    /// Id, name, confidence.
    unit: Option<(String, String, f32)>,
}

impl Whose {
    fn of(category: Option<String>, unit: Option<&UnitProposed>) -> Option<Box<Self>> {
        let unit = unit.map(|unit| (unit.id.clone(), unit.name.clone(), unit.confidence));
        (category.is_some() || unit.is_some()).then(|| Box::new(Self { category, unit }))
    }

    fn held(&self) -> usize {
        let unit = self.unit.as_ref().map_or(0, |(id, name, _)| id.capacity() + name.capacity());
        size_of::<Self>() + self.category.as_ref().map_or(0, String::capacity) + unit
    }
}

impl Candidate {
    /// The bytes that it has on the heap.
    pub(super) fn held(&self) -> usize {
        self.id.capacity()
            + self.source.capacity()
            + self.excerpt.capacity()
            + self.url.as_ref().map_or(0, String::capacity)
            + self.matter.as_ref().map_or(0, |matter| matter.held())
    }

    /// Leaves out an address that is longer than this.
    pub(super) fn without_long_url(self, longest: usize) -> Self {
        Self { url: self.url.filter(|url| url.len() <= longest), ..self }
    }

    fn worth(&self, now: i64) -> f64 {
        worth(self.sentiment, self.reach, self.published_at.as_second(), now)
    }
}

fn worth(sentiment: Option<Label>, reach: u64, published: i64, now: i64) -> f64 {
    let negative = if sentiment == Some(Label::Negative) { NEGATIVE } else { 0.0 };
    negative + (reach as f64).ln_1p() - now.saturating_sub(published).max(0) as f64 / FADE
}

/// The candidates of one topic.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Samples {
    pool: Vec<Candidate>,
    second: i64,
    tries: u32,
}

impl Samples {
    /// Looks at a first-seen post.
    pub(super) fn offer(&mut self, post: &AnalyzedPost, now: i64) {
        let sentiment = post.sentiment.map(|sentiment| sentiment.label);
        let value = worth(sentiment, post.counts.sum(), post.published_at.as_second(), now);
        let least = self.pool.iter().map(|other| other.worth(now)).min_by(f64::total_cmp);
        if self.pool.len() >= POOL && least.is_some_and(|least| value < least + MARGIN) || !self.may_try(now) {
            return;
        }
        let candidate = candidate(post);
        let pairs = pairs(&candidate.excerpt);
        if let Some(copy) = self.pool.iter().position(|other| alike(&pairs, &self::pairs(&other.excerpt)) >= COPY) {
            if value >= self.pool[copy].worth(now) + MARGIN {
                self.pool[copy] = candidate;
            }
            return;
        }
        if self.pool.len() >= POOL {
            let worths = self.pool.iter().map(|other| other.worth(now)).enumerate();
            if let Some((least, _)) = worths.min_by(|a, b| a.1.total_cmp(&b.1)) {
                self.pool.swap_remove(least);
            }
        }
        self.pool.push(candidate);
    }

    /// Takes in a sample that was kept elsewhere, while there is room.
    pub(super) fn recall(&mut self, sample: &Sample) {
        if self.pool.len() < POOL {
            let Sample { id, source, url, excerpt, published_at, sentiment, reach, category, unit } = sample.clone();
            let matter = Whose::of(category, unit.as_ref());
            self.pool.push(Candidate { id, source, url, excerpt, published_at, sentiment, reach, matter });
        }
    }

    /// A post's likes, replies and reposts have changed.
    pub(super) fn revise(&mut self, id: &str, reach: u64) {
        if let Some(candidate) = self.pool.iter_mut().find(|candidate| candidate.id == id) {
            candidate.reach = reach;
        }
    }

    /// The best ones, the best first.
    pub(super) fn show(&self, now: i64) -> Vec<Sample> {
        let mut pool: Vec<&Candidate> = self.pool.iter().collect();
        pool.sort_by(|a, b| b.worth(now).total_cmp(&a.worth(now)).then_with(|| a.id.cmp(&b.id)));
        pool.into_iter().take(SHOWN).map(Sample::from).collect()
    }

    fn may_try(&mut self, now: i64) -> bool {
        if self.second != now {
            (self.second, self.tries) = (now, 0);
        }
        self.tries += 1;
        self.tries <= TRIES
    }
}

impl From<&Candidate> for Sample {
    fn from(candidate: &Candidate) -> Self {
        let Candidate { id, source, url, excerpt, published_at, sentiment, reach, matter } = candidate.clone();
        let (category, unit) = matter.map_or((None, None), |matter| (matter.category, matter.unit));
        let unit = unit.map(|(id, name, confidence)| UnitProposed { id, name, confidence, candidates: Vec::new() });
        Self { id, source, url, excerpt, published_at, sentiment, reach, category, unit }
    }
}

/// A post as a sample.
pub(super) fn candidate(post: &AnalyzedPost) -> Candidate {
    Candidate {
        id: post.id.clone(),
        source: post.source.clone(),
        url: post.url.clone(),
        excerpt: excerpt(post.title.as_deref(), &post.text),
        published_at: post.published_at,
        sentiment: post.sentiment.map(|sentiment| sentiment.label),
        reach: post.counts.sum(),
        matter: Whose::of(post.category.as_ref().map(class), post.unit.as_ref()),
    }
}

/// A class as one path: `一级/二级/三级`.
fn class(category: &Category) -> String {
    let deeper = [&category.level2, &category.level3].into_iter().flatten();
    deeper.fold(category.level1.clone(), |path, part| format!("{path}/{part}"))
}

/// Title and text on one line, without characters that do not show or that turn the writing round.
fn excerpt(title: Option<&str>, text: &str) -> String {
    let title = title.filter(|title| !title.trim().is_empty());
    let characters = title.into_iter().flat_map(|title| title.chars().chain(": ".chars())).chain(text.chars());
    let mut line = String::new();
    let mut length = 0;
    let mut space = false;
    for character in characters.filter(|&character| shows(character)) {
        if character.is_whitespace() {
            space = length > 0;
            continue;
        }
        let needed = 1 + usize::from(space);
        if length + needed > EXCERPT - 1 {
            line.push('…');
            return line;
        }
        if space {
            line.push(' ');
        }
        line.push(character);
        length += needed;
        space = false;
    }
    line
}

fn shows(character: char) -> bool {
    let turns_or_hides = matches!(character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}');
    (character.is_whitespace() || !character.is_control()) && !turns_or_hides
}

/// The pairs of neighbouring characters, sorted, each once.
fn pairs(text: &str) -> Vec<(char, char)> {
    let mut pairs: Vec<_> = text.chars().zip(text.chars().skip(1)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// The share of pairs in common. Two texts too short to have any are alike.
fn alike(one: &[(char, char)], other: &[(char, char)]) -> f64 {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < one.len() && j < other.len() {
        match one[i].cmp(&other[j]) {
            Ordering::Less => i += 1,
            Ordering::Greater => j += 1,
            Ordering::Equal => (i, j, common) = (i + 1, j + 1, common + 1),
        }
    }
    let all = one.len() + other.len() - common;
    if all == 0 { 1.0 } else { common as f64 / all as f64 }
}

#[cfg(test)]
mod tests {
    use super::{super::testing::post, *};
    use proptest::prelude::*;
    use schemas::records::{Counts, Sentiment};

    const NOW: i64 = 1_790_524_800;

    fn with(id: u64, text: &str, likes: u64, label: Label) -> AnalyzedPost {
        AnalyzedPost {
            text: text.into(),
            counts: Counts { likes, ..Counts::default() },
            sentiment: Some(Sentiment { label, negative: 0.0, neutral: 0.0, positive: 0.0 }),
            published_at: Timestamp::from_second(NOW).unwrap(),
            ..post(id)
        }
    }

    fn shown(samples: &Samples) -> Vec<String> {
        samples.show(NOW).into_iter().map(|sample| sample.excerpt).collect()
    }

    const TEXTS: [&str; 8] = [
        "抚琴街道今天又停水了",
        "西安路口水管爆裂淹了半条街",
        "请问什么时候来水",
        "茶店子自来水发黄能喝吗",
        "物业说明天检修水泵",
        "人民北路积水公交绕行",
        "孩子没法洗澡急死人",
        "九里堤水压太低上不来",
    ];

    #[test]
    fn copies_do_not_fill_it() {
        let mut samples = Samples::default();
        for i in 0..20 {
            samples.offer(&with(i, &format!("抚琴街道今天又停水了, 转发{i}"), i, Label::Negative), NOW);
        }
        samples.offer(&with(30, TEXTS[1], 0, Label::Neutral), NOW);
        let samples = samples.show(NOW);
        assert_eq!(samples.len(), 2);
        assert_eq!(samples[0].reach, 19, "of copies the one with the most reach stands for all");
    }

    #[test]
    fn negative_and_far_reaching_posts_come_first() {
        let mut samples = Samples::default();
        for (i, text) in (0..).zip(TEXTS) {
            samples.offer(&with(i, text, 0, Label::Neutral), NOW);
        }
        samples.offer(&with(20, "几百户居民都在骂自来水公司", 3, Label::Negative), NOW);
        samples.offer(&with(21, "官方微博通报抢修进展", 5_000, Label::Neutral), NOW);
        let shown = shown(&samples);
        assert_eq!(shown.len(), SHOWN);
        assert_eq!(shown[..2], ["官方微博通报抢修进展", "几百户居民都在骂自来水公司"]);
    }

    #[test]
    fn old_posts_give_way_to_new_ones() {
        let mut samples = Samples::default();
        for (i, text) in (0..).zip(TEXTS) {
            samples.offer(&with(i, text, 0, Label::Negative), NOW);
        }
        let later = Timestamp::from_second(NOW + 3_600).unwrap();
        samples.offer(&AnalyzedPost { published_at: later, ..with(20, "水来了", 0, Label::Neutral) }, NOW + 3_600);
        assert_eq!(samples.show(NOW + 3_600)[0].excerpt, "水来了");
    }

    #[test]
    fn revised_numbers_are_shown() {
        let mut samples = Samples::default();
        samples.offer(&with(1, TEXTS[0], 1, Label::Neutral), NOW);
        samples.revise(&post(1).id, 99);
        assert_eq!(samples.show(NOW)[0].reach, 99);
    }

    #[test]
    fn a_flood_is_looked_at_only_so_often() {
        let mut samples = Samples::default();
        for i in 0..10_000 {
            samples.offer(&with(i, TEXTS[0], i, Label::Negative), NOW);
        }
        assert!(samples.show(NOW)[0].reach < u64::from(TRIES));
    }

    #[test]
    fn an_excerpt_is_one_clean_line() {
        assert_eq!(excerpt(Some("停水\u{0}了"), "a\r\n\tb\u{202e}c\u{200b}d"), "停水了: a bcd");
        assert_eq!(excerpt(Some("  "), " 文 "), "文");
        assert_eq!(excerpt(None, &"长".repeat(200)).chars().count(), EXCERPT);
    }

    proptest! {
        #[test]
        fn any_text_gives_a_short_clean_line(title in any::<Option<String>>(), text in any::<String>()) {
            let line = excerpt(title.as_deref(), &text);
            prop_assert!(line.chars().count() <= EXCERPT);
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
