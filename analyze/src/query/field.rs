//! The fields that filters name. To add one, add its row: the parser, watch topics, the index, facets and the API follow.
//!
//! | field | written | compares | in a watch topic |
//! |---|---|---|---|
//! | [`KEYWORDS`] | `来源:锦水论坛`, `sentiment:negative` | a word | but for 话题 |
//! | [`COUNTS`] | `点赞:>100`, `评论:10..50` | a number | no: a post is matched when it is first seen, before anybody answers |
//! | [`FLAGS`] | `官方:是` | yes or no | 官方 alone |
//! | time | `时间:近7天` | see [`time`](super::time) | no: it is matched when it comes |

use super::facts::Facts;
use crate::understand::fold;
use schemas::records::{Counts, Kind, Label};
use std::{borrow::Cow, fmt};

/// A field that holds words.
pub struct Keyword {
    /// What it is called in queries, the API and the index.
    pub name: &'static str,
    /// What an analyst types, the usual one first.
    pub chinese: &'static [&'static str],
    /// The values that there are, each with what people call it; empty where any value may be.
    pub choices: &'static [(&'static str, &'static [&'static str])],
    /// Whether values are names that are compared as text is, and not ids, which are compared as they are.
    pub is_folded: bool,
    /// How many posts a value lets through, roughly: which part of a watch topic is looked at first. None: so many that a watch
    /// topic must ask for something else beside.
    pub commonness: Option<u64>,
    /// Why it is no filter of a watch topic.
    pub not_in_watch: Option<&'static str>,
    /// What is looked at: the field, or one for each level. Each can be counted as a facet.
    pub levels: &'static [Level],
}

/// A level of a field.
pub struct Level {
    /// What the facet and the field of the index are called.
    pub name: &'static str,
    /// A post's values.
    pub values: for<'p> fn(&Facts<'p>) -> Vec<&'p str>,
}

/// Every field that holds words.
pub static KEYWORDS: [Keyword; 7] = [
    Keyword {
        name: "source",
        chinese: &["来源"],
        choices: &[],
        is_folded: false,
        commonness: Some(10_000),
        not_in_watch: None,
        levels: &[Level { name: "source", values: |facts| vec![facts.source] }],
    },
    Keyword {
        name: "kind",
        chinese: &["类型"],
        choices: &[
            ("post", &["帖子", "主帖"]),
            ("comment", &["评论", "回复"]),
            ("repost", &["转发"]),
            ("report", &["报送", "信息报送"]),
        ],
        is_folded: false,
        commonness: None,
        not_in_watch: None,
        levels: &[Level { name: "kind", values: |facts| facts.kind.map(kind).into_iter().collect() }],
    },
    Keyword {
        name: "sentiment",
        chinese: &["情感"],
        choices: &[("negative", &["负面", "负"]), ("neutral", &["中性", "中"]), ("positive", &["正面", "正"])],
        is_folded: false,
        commonness: None,
        not_in_watch: None,
        levels: &[Level { name: "sentiment", values: |facts| facts.sentiment.map(label).into_iter().collect() }],
    },
    Keyword {
        name: "topic",
        chinese: &["话题"],
        choices: &[],
        is_folded: false,
        commonness: None,
        not_in_watch: Some(
            "监测话题之间不能互相引用 / a watch topic cannot ask for a watch topic: write out what that one asks for",
        ),
        levels: &[Level { name: "topic", values: |facts| facts.topics.clone() }],
    },
    Keyword {
        name: "category",
        chinese: &["类别"],
        choices: &[],
        is_folded: true,
        commonness: Some(1_000),
        not_in_watch: None,
        levels: &[
            Level { name: "category", values: |facts| facts.category[0].into_iter().collect() },
            Level { name: "category2", values: |facts| facts.category[1].into_iter().collect() },
            Level { name: "category3", values: |facts| facts.category[2].into_iter().collect() },
        ],
    },
    Keyword {
        name: "place",
        chinese: &["街道", "地点", "社区"],
        choices: &[],
        is_folded: true,
        commonness: Some(1_000),
        not_in_watch: None,
        levels: &[Level { name: "place", values: |facts| facts.places.clone() }],
    },
    Keyword {
        name: "unit",
        chinese: &["单位"],
        choices: &[],
        is_folded: true,
        commonness: Some(1_000),
        not_in_watch: None,
        levels: &[Level { name: "unit", values: |facts| facts.units.clone() }],
    },
];

/// A field that holds a number.
pub struct Count {
    /// What it is called in queries and the index.
    pub name: &'static str,
    /// What an analyst types, the usual one first.
    pub chinese: &'static [&'static str],
    /// Its value.
    pub of: fn(Counts) -> u64,
}

/// Every field that holds a number.
pub static COUNTS: [Count; 3] = [
    Count { name: "likes", chinese: &["点赞", "赞"], of: |counts| counts.likes },
    Count { name: "replies", chinese: &["评论", "回复"], of: |counts| counts.replies },
    Count { name: "reposts", chinese: &["转发"], of: |counts| counts.reposts },
];

/// A field that holds yes or no.
pub struct Flag {
    /// What it is called in queries and the API.
    pub name: &'static str,
    /// What an analyst types, the usual one first.
    pub chinese: &'static [&'static str],
    /// Its value.
    pub of: fn(&Facts<'_>) -> bool,
    /// Why it is no filter of a watch topic.
    pub not_in_watch: Option<&'static str>,
}

/// Every field that holds yes or no.
pub static FLAGS: [Flag; 3] = [
    Flag { name: "official", chinese: &["官方"], of: |facts| facts.official, not_in_watch: None },
    Flag {
        name: "gone",
        chinese: &["已删", "已删除"],
        of: |facts| facts.gone,
        not_in_watch: Some("帖子刚到时不会已删 / a post that comes is not gone: leave this filter out"),
    },
    Flag {
        name: "corrected",
        chinese: &["更正", "已更正"],
        of: |facts| facts.corrected,
        not_in_watch: Some("帖子刚到时还没有更正 / nobody has corrected a post that comes: leave this filter out"),
    },
];

/// A field, by any of its names.
#[derive(Clone, Copy)]
pub(super) enum Named {
    Keyword(&'static Keyword),
    Count(&'static Count),
    Flag(&'static Flag),
    Time,
}

/// The field of a (folded) name.
pub(super) fn named(name: &str) -> Option<Named> {
    let is = |english: &str, chinese: &[&str]| name == english || chinese.contains(&name);
    if is("time", &["时间"]) {
        return Some(Named::Time);
    }
    let keyword = KEYWORDS.iter().find(|field| is(field.name, field.chinese)).map(Named::Keyword);
    let count = || COUNTS.iter().find(|field| is(field.name, field.chinese)).map(Named::Count);
    let flag = || FLAGS.iter().find(|field| is(field.name, field.chinese)).map(Named::Flag);
    keyword.or_else(count).or_else(flag)
}

impl Keyword {
    /// The field of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        KEYWORDS.iter().find(|field| field.name == name)
    }

    /// A value as it is compared: folded, where it is a name.
    #[must_use]
    pub fn normal<'v>(&self, value: &'v str) -> Cow<'v, str> {
        if self.is_folded { fold(value).into() } else { value.into() }
    }

    /// Whether the post has this value, which is normalised, at any level.
    #[must_use]
    pub fn has(&self, facts: &Facts<'_>, wanted: &str) -> bool {
        self.levels.iter().flat_map(|level| (level.values)(facts)).any(|value| self.normal(value) == wanted)
    }
}

impl Flag {
    /// The field of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        FLAGS.iter().find(|field| field.name == name)
    }
}

/// Fields are what their names are.
macro_rules! known_by_name {
    ($($field:ty),*) => {$(
        impl PartialEq for $field {
            fn eq(&self, other: &Self) -> bool {
                self.name == other.name
            }
        }
        impl Eq for $field {}
        impl fmt::Debug for $field {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name)
            }
        }
    )*};
}
known_by_name!(Keyword, Count, Flag);

/// The word for a kind, as on the wire.
pub(crate) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Post => "post",
        Kind::Comment => "comment",
        Kind::Repost => "repost",
        Kind::Report => "report",
    }
}

/// The word for a label, as on the wire.
pub(crate) fn label(label: Label) -> &'static str {
    match label {
        Label::Negative => "negative",
        Label::Neutral => "neutral",
        Label::Positive => "positive",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn words_are_those_of_the_wire() {
        for value in [Kind::Post, Kind::Comment, Kind::Repost, Kind::Report] {
            assert_eq!(serde_json::to_value(value).unwrap(), kind(value));
        }
        for value in [Label::Negative, Label::Neutral, Label::Positive] {
            assert_eq!(serde_json::to_value(value).unwrap(), label(value));
        }
    }

    #[test]
    fn no_two_fields_share_a_name_and_names_are_folded() {
        let mut names = HashSet::from(["time", "时间"]);
        let keywords = KEYWORDS.iter().map(|field| (field.name, field.chinese));
        let counts = COUNTS.iter().map(|field| (field.name, field.chinese));
        let flags = FLAGS.iter().map(|field| (field.name, field.chinese));
        for (english, chinese) in keywords.chain(counts).chain(flags) {
            for name in chinese.iter().chain([&english]) {
                assert!(names.insert(name), "{name}");
                assert_eq!(fold(name), **name);
                assert!(named(name).is_some());
            }
        }
        let levels: Vec<&str> = KEYWORDS.iter().flat_map(|field| field.levels).map(|level| level.name).collect();
        assert_eq!(levels.iter().collect::<HashSet<_>>().len(), levels.len());
        for field in &KEYWORDS {
            assert_eq!(field.name, field.levels[0].name, "the first level is the field");
            for (value, words) in field.choices {
                assert!(words.iter().chain([value]).all(|word| fold(word) == **word));
            }
        }
    }
}
