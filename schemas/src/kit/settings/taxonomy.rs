//! The file of the classes of matters that `[understand] taxonomy` names.
//!
//! ```toml
//! appeals = ["请问", "投诉"]
//! everyday = ["学校"]
//!
//! [[level1]]
//! name = "城乡建设"
//! keywords = ["物业", "楼盘"]
//! hints = ["居民"]
//!
//! [[level1.level2]]
//! name = "城市建设和市政管理"
//! keywords = ["市政"]
//!
//! [level1.level2.level3]
//! "自来水供应" = ["停水", "水压"]
//! ```

use super::{DistrictFile, Fault, faults};
use serde::Deserialize;
use serde_spanned::Spanned;
use std::collections::{BTreeMap, HashSet};

/// The classes of matters, three levels of them, and the words by which they are known.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxonomy {
    /// Words of one who speaks to the government: his post is a matter with less evidence.
    #[serde(default)]
    pub appeals: Vec<String>,
    /// Keywords that are in everybody's mouth: alone they make no matter of a post.
    #[serde(default)]
    pub everyday: Vec<String>,
    /// The first-level classes.
    pub level1: Vec<Spanned<Level1>>,
}

/// `[[level1]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level1 {
    /// The name, which is a keyword too.
    pub name: String,
    /// Words by which it is known.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// Words that lean towards it.
    #[serde(default)]
    pub hints: Vec<String>,
    /// The classes within it.
    #[serde(default)]
    pub level2: Vec<Spanned<Level2>>,
}

/// `[[level1.level2]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Level2 {
    /// The name, which is a keyword too unless it says that it is the rest (其他).
    pub name: String,
    /// Words by which it is known.
    #[serde(default)]
    pub keywords: Vec<String>,
    /// The classes within it by name, each with the words by which it is known.
    #[serde(default)]
    pub level3: BTreeMap<String, Vec<String>>,
}

impl DistrictFile for Taxonomy {
    fn check(&self, text: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |span: std::ops::Range<usize>, key: &str, message: String| {
            faults.push(Fault::new(faults::place_of_key(text, span, key), message));
        };
        if self.level1.is_empty() {
            fault(0..0, "level1", "holds no class: write a [[level1]] with its name and keywords".into());
        }
        for (key, words) in [("appeals", &self.appeals), ("everyday", &self.everyday)] {
            if let Some(message) = empty_word(words) {
                fault(0..0, key, message);
            }
        }
        let mut names = HashSet::new();
        for level1 in &self.level1 {
            let (span, class) = (level1.span(), level1.get_ref());
            if class.name.trim().is_empty() {
                fault(span.clone(), "name", "is empty: a class needs a name".into());
            } else if !names.insert(&class.name) {
                fault(span.clone(), "name", format!("there is another [[level1]] {:?}: make one of them", class.name));
            }
            for (key, words) in [("keywords", &class.keywords), ("hints", &class.hints)] {
                if let Some(message) = empty_word(words) {
                    fault(span.clone(), key, message);
                }
            }
            let mut within = HashSet::new();
            for level2 in &class.level2 {
                let (span, part) = (level2.span(), level2.get_ref());
                if part.name.trim().is_empty() {
                    fault(span.clone(), "name", "is empty: a class needs a name".into());
                } else if !within.insert(&part.name) {
                    let message = format!("there is another [[level1.level2]] {:?} in {:?}", part.name, class.name);
                    fault(span.clone(), "name", message + ": make one of them");
                }
                if let Some(message) = empty_word(&part.keywords) {
                    fault(span.clone(), "keywords", message);
                }
                for (name, words) in &part.level3 {
                    if let Some(message) = empty_word(words) {
                        let start = text[span.start.min(text.len())..].find(&format!("\"{name}\""));
                        let at = span.start + start.unwrap_or(0);
                        let line = text[..at.min(text.len())].rfind('\n').map_or(0, |newline| newline + 1);
                        fault(line..line, "", format!("{name:?}: {message}"));
                    }
                }
            }
        }
        faults
    }
}

/// What is wrong with a list of words.
pub(super) fn empty_word(words: &[String]) -> Option<String> {
    words
        .iter()
        .any(|word| word.trim().is_empty())
        .then(|| "holds an empty word, which would be found everywhere: take it out".to_owned())
}
