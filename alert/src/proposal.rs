//! Which unit a matter is proposed to, and what class it is of: what its posts point to. A person confirms.
//!
//! Each post was understood for itself: place and class decide its unit (`analyze`). Here the posts that show what the incident is about are taken
//! together: a unit's confidence is the mean of what they say for it, those that say nothing counting as nought. So one sure post among five
//! proposes with a fifth of its confidence, and two units that share the posts show as such.

use schemas::records::{Sample, UnitProposal};
use std::collections::BTreeMap;

/// So many units are proposed: one that leads, and others that may assist.
const MOST: usize = 3;

/// The units that posts point to, the likeliest first.
#[must_use]
pub fn units(samples: &[Sample]) -> Vec<UnitProposal> {
    let mut found: BTreeMap<&str, (&str, f64, usize)> = BTreeMap::new();
    for unit in samples.iter().filter_map(|sample| sample.unit.as_ref()) {
        let entry = found.entry(&unit.id).or_insert((&unit.name, 0.0, 0));
        entry.1 += f64::from(unit.confidence).clamp(0.0, 1.0);
        entry.2 += 1;
    }
    let mut proposed: Vec<UnitProposal> = found
        .into_iter()
        .map(|(id, (name, confidence, posts))| UnitProposal {
            id: id.to_owned(),
            name: name.to_owned(),
            confidence: (confidence / samples.len() as f64 * 100.0).round() / 100.0,
            why: format!("{} 条样例中 {posts} 条按地点与类别指向 {name}", samples.len()),
        })
        .collect();
    proposed.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then_with(|| a.id.cmp(&b.id)));
    proposed.truncate(MOST);
    proposed
}

/// The class that most posts are of; of as many the first one named.
#[must_use]
pub fn category(samples: &[Sample]) -> Option<String> {
    let classes: Vec<&str> = samples.iter().filter_map(|sample| sample.category.as_deref()).collect();
    let count = |class: &str| classes.iter().filter(|other| **other == class).count();
    let most = classes.iter().map(|class| count(class)).max()?;
    classes.iter().find(|class| count(class) == most).map(|class| (*class).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::pulse;
    use schemas::records::UnitProposed;

    fn sample(unit: &str, confidence: f32, category: &str) -> Sample {
        let unit = (!unit.is_empty()).then(|| UnitProposed {
            id: unit.into(),
            name: format!("{unit}局"),
            confidence,
            candidates: Vec::new(),
        });
        let category = (!category.is_empty()).then(|| category.to_owned());
        Sample { unit, category, ..pulse("water").samples[0].clone() }
    }

    #[test]
    fn the_unit_that_most_posts_point_to_leads() {
        let samples = [
            sample("water", 0.9, "城乡建设/供水"),
            sample("water", 0.7, "城乡建设/供水"),
            sample("street", 0.8, "城乡建设"),
            sample("", 0.0, ""),
        ];
        let proposed = units(&samples);
        let found: Vec<(&str, f64)> = proposed.iter().map(|unit| (unit.id.as_str(), unit.confidence)).collect();
        assert_eq!(found, [("water", 0.4), ("street", 0.2)]);
        assert_eq!(proposed[0].why, "4 条样例中 2 条按地点与类别指向 water局");
        assert_eq!(category(&samples).as_deref(), Some("城乡建设/供水"));
    }

    #[test]
    fn nothing_is_proposed_where_posts_say_nothing() {
        assert_eq!(units(&[sample("", 0.0, "")]), []);
        assert_eq!((units(&[]), category(&[])), (Vec::new(), None));
        let absurd = units(&[sample("water", f32::NAN, "")]);
        assert_eq!(absurd.len(), 1, "a confidence that is no number does no harm");
    }
}
