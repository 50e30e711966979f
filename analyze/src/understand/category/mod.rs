//! What a post is about: the government's class of the matter, in three levels.
//!
//! Each keyword that a post holds is evidence for the classes it is a keyword of ([`Taxonomy`]); nothing is learnt from labelled
//! posts, so a class of which nobody has labelled any works like the others.
//!
//! | what | counts |
//! |---|---|
//! | a keyword of n characters, 2 ≤ n ≤ 6 | 1 + (n - 2) / 2 |
//! | of k first-level classes | 1/k of it in each; a hint weighs a third beside a keyword |
//! | in the title | 2.5 times, once |
//! | c times in the first 400 characters of the text | log2(1 + c) times, less in a longer text (by the root of its hundreds of characters) |
//! | within a longer keyword | not |
//!
//! The first-level class with most evidence is taken, within it the second with most, within that the third. How probable it is, is the
//! softmax of the evidence ([`TEMPERATURE`]).
//!
//! | the post | its best class, everyday keywords counting a third, has evidence | category |
//! |---|---|---|
//! | speaks to the government (请问, 投诉, …) | any | yes |
//! | does not | a whole keyword of two characters or more | yes |
//! | either | less | none: it is no matter of government |

use super::lexicon::{Found, Terms, longest};
use rustc_hash::{FxHashMap, FxHashSet};
use schemas::{
    kit::settings::{DistrictFile, Fault, Spanned, Taxonomy},
    records::Category,
};
use std::sync::LazyLock;

/// The taxonomy that ships with the program.
pub const SHIPPED: &str = include_str!("../../../defaults/taxonomy.toml");

/// How much a hint weighs beside a keyword, and an everyday keyword where it is asked whether the post is a matter at all.
const HINT: f32 = 0.35;
const EVERYDAY: f32 = 0.3;
const TITLE: f32 = 2.5;
/// The text is read up to here, in bytes: 400 Chinese characters.
const READ: usize = 1200;
/// The evidence that makes a matter of a post which speaks to the government, and of any other.
const APPEALS: f32 = 0.3;
const MATTER: f32 = 0.95;
/// By how much the evidence is divided before it is made a probability: fitted on half of the labelled messages.
const TEMPERATURE: f32 = 1.4;

/// The classes, ready to be found.
#[derive(Debug)]
pub(super) struct Classes {
    names: Vec<Level1>,
    keywords: FxHashMap<u32, Keyword>,
    appeals: FxHashSet<u32>,
}

#[derive(Debug)]
struct Level1 {
    name: String,
    level2: Vec<(String, Vec<String>)>,
}

/// Of which classes a word is a keyword.
#[derive(Debug, Default)]
struct Keyword {
    /// First-level classes, with the evidence.
    level1: Vec<(usize, f32)>,
    /// Classes within them: first, second and third level.
    within: Vec<(usize, usize, Option<usize>)>,
    weight: f32,
    everyday: bool,
}

/// Reads the taxonomy that ships with the program.
///
/// # Errors
/// When it is faulty: a fault of the build.
pub fn shipped() -> anyhow::Result<&'static Taxonomy> {
    static READ: LazyLock<Result<Taxonomy, Vec<Fault>>> = LazyLock::new(|| Taxonomy::parse(SHIPPED));
    READ.as_ref().map_err(|faults| anyhow::anyhow!("the taxonomy that was built in: {faults:?}"))
}

impl Classes {
    /// All classes, each with those above it: `一级/二级/三级`.
    pub(super) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        for Level1 { name: one, level2 } in &self.names {
            paths.push(one.clone());
            for (two, level3) in level2 {
                paths.push(format!("{one}/{two}"));
                paths.extend(level3.iter().map(|three| format!("{one}/{two}/{three}")));
            }
        }
        paths
    }

    pub(super) fn new(taxonomy: &Taxonomy, terms: &mut Terms) -> Self {
        let mut keywords: FxHashMap<u32, Keyword> = FxHashMap::default();
        let mut names = Vec::new();
        for (one, level1) in taxonomy.level1.iter().map(Spanned::get_ref).enumerate() {
            let mut enter = |word: &str, weight: f32, within: Option<(usize, Option<usize>)>| {
                let keyword = keywords.entry(terms.number(word)).or_default();
                match keyword.level1.iter_mut().find(|(class, _)| *class == one) {
                    Some((_, stands)) => *stands = stands.max(weight),
                    None => keyword.level1.push((one, weight)),
                }
                if let Some((two, three)) = within
                    && !keyword.within.contains(&(one, two, three))
                {
                    keyword.within.push((one, two, three));
                }
            };
            enter(&level1.name, 1.0, None);
            level1.keywords.iter().for_each(|word| enter(word, 1.0, None));
            level1.hints.iter().for_each(|word| enter(word, HINT, None));
            let mut level2s = Vec::new();
            for (two, level2) in level1.level2.iter().map(Spanned::get_ref).enumerate() {
                own_name(&level2.name).into_iter().for_each(|word| enter(word, 1.0, Some((two, None))));
                level2.keywords.iter().for_each(|word| enter(word, 1.0, Some((two, None))));
                for (three, (name, words)) in level2.level3.iter().enumerate() {
                    let words = words.iter().map(String::as_str).chain(own_name(name));
                    words.for_each(|word| enter(word, 1.0, Some((two, Some(three)))));
                }
                level2s.push((level2.name.clone(), level2.level3.keys().cloned().collect()));
            }
            names.push(Level1 { name: level1.name.clone(), level2: level2s });
        }
        for (&term, keyword) in &mut keywords {
            keyword.weight = length_weight(terms.text(term));
            let all: f32 = keyword.level1.iter().map(|(_, stands)| stands).sum();
            for (_, stands) in &mut keyword.level1 {
                *stands *= keyword.weight * *stands / all;
            }
        }
        for word in &taxonomy.everyday {
            if let Some(keyword) = keywords.get_mut(&terms.number(word)) {
                keyword.everyday = true;
            }
        }
        let appeals = taxonomy.appeals.iter().map(|word| terms.number(word)).collect();
        Self { names, keywords, appeals }
    }

    /// The category of a post of whose title and text these words were found; `length` is the text's, in bytes.
    pub(super) fn judge(&self, title: &[Found], text: &[Found], length: usize) -> Option<Category> {
        let in_text = &text[..text.partition_point(|found| found.at.start < READ)];
        let evidence = self.evidence(title, in_text, length);
        let mut scores = vec![0.0f32; self.names.len()];
        let mut matter = vec![0.0f32; self.names.len()];
        for (keyword, times) in &evidence {
            for &(class, stands) in &keyword.level1 {
                scores[class] += times * stands;
                matter[class] += times * stands * if keyword.everyday { EVERYDAY } else { 1.0 };
            }
        }
        let appeals = title.iter().chain(in_text).any(|found| self.appeals.contains(&found.term));
        let wanted = if appeals { APPEALS } else { MATTER };
        if matter.iter().copied().fold(0.0, f32::max) < wanted {
            return None;
        }
        let one = best(scores.iter().copied())?;
        let all: f32 = scores.iter().map(|score| ((score - scores[one]) / TEMPERATURE).exp()).sum();
        let Level1 { name, level2 } = &self.names[one];
        let mut second = vec![0.0f32; level2.len()];
        for (keyword, times) in &evidence {
            let mut last = None;
            for &(_, two, _) in keyword.within.iter().filter(|(class, ..)| *class == one) {
                // Once for each class, in however many parts of it the keyword stands.
                if last != Some(two) {
                    second[two] += times * keyword.weight;
                }
                last = Some(two);
            }
        }
        let two = best(second.iter().copied());
        let three = two.and_then(|two| {
            let mut third = vec![0.0f32; level2[two].1.len()];
            for (keyword, times) in &evidence {
                for &(class, within, three) in &keyword.within {
                    if let (true, Some(three)) = (class == one && within == two, three) {
                        third[three] += times * keyword.weight;
                    }
                }
            }
            best(third.iter().copied()).map(|three| level2[two].1[three].clone())
        });
        Some(Category {
            level1: name.clone(),
            level2: two.map(|two| level2[two].0.clone()),
            level3: three,
            confidence: 1.0 / all,
        })
    }

    /// Each keyword that was found, and how many times it counts.
    fn evidence(&self, title: &[Found], text: &[Found], length: usize) -> Vec<(&Keyword, f32)> {
        let keywords = |found: &&Found| self.keywords.contains_key(&found.term);
        let mut found: Vec<(u32, bool)> =
            longest(title.iter().filter(keywords)).map(|found| (found.term, true)).collect();
        found.extend(longest(text.iter().filter(keywords)).map(|found| (found.term, false)));
        found.sort_unstable();
        let longer = (length as f32 / 300.0).max(1.0).sqrt();
        let groups = found.chunk_by(|one, next| one.0 == next.0);
        groups
            .filter_map(|group| {
                let keyword = self.keywords.get(&group[0].0)?;
                let text = group.iter().filter(|(_, title)| !title).count();
                let title = if text < group.len() { TITLE } else { 0.0 };
                Some((keyword, title + (1.0 + text as f32).log2() / longer))
            })
            .collect()
    }
}

/// A name as a keyword; what says only that it is the rest is none.
fn own_name(name: &str) -> Option<&str> {
    (!name.starts_with("其他")).then_some(name)
}

fn length_weight(word: &str) -> f32 {
    match word.chars().count() {
        0 | 1 => 0.6,
        _ if word.is_ascii() => 1.0,
        count => 1.0 + (count.min(6) - 2) as f32 / 2.0,
    }
}

/// The place of the largest number that is more than nothing; of equal ones the first.
fn best(scores: impl Iterator<Item = f32>) -> Option<usize> {
    let mut best: Option<(usize, f32)> = None;
    for (place, score) in scores.enumerate() {
        if score > best.map_or(0.0, |(_, score)| score) {
            best = Some((place, score));
        }
    }
    best.map(|(place, _)| place)
}

#[cfg(test)]
mod tests;
