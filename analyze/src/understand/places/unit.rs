//! Which unit is proposed to answer (交办), from what a post is about and where. A person confirms.
//!
//! A department answers for the classes that its entry names, the most exact entry first; `local` are the classes that a street answers for
//! itself.
//!
//! | the class is | places lie in | the unit is | its confidence |
//! |---|---|---|---|
//! | – | the post is about elsewhere | none | – |
//! | the street's own | one street | the street | the class's |
//! | the street's own | n streets, or one of n | the first named, none when a name is ambiguous alone | the class's / n |
//! | the street's own | no street | the department, if one answers for it | half the class's |
//! | a department's | anywhere | the department | the class's × 0.9, 0.8 or 0.65 for an entry of three, two or one levels |
//! | nobody's, or there is none | anywhere; it names a department | that department | 0.4 |
//! | nobody's, or there is none | one street | the street | 0.3 |
//!
//! Whatever else may be meant stands among the candidates: streets beside a department, the community within a street.

use super::{Gazetteer, Located};
use schemas::{
    kit::settings::UnitLevel,
    records::{Category, PlaceKind, UnitProposed},
};

/// At most so many other candidates.
const MOST: usize = 5;

impl Gazetteer {
    /// Proposes a unit.
    pub(in crate::understand) fn propose(
        &self,
        located: &Located,
        category: Option<&Category>,
    ) -> Option<UnitProposed> {
        if located.elsewhere.is_some() {
            return None;
        }
        let number = |id: &str| self.units.iter().position(|unit| unit.id == id);
        let (mut streets, mut within, mut doubtful) = (Vec::new(), Vec::new(), Vec::new());
        for place in located.places.iter().filter(|place| place.kind != PlaceKind::District) {
            let sure = place.unit.iter();
            for unit in sure.filter_map(|id| number(id)) {
                let Some(street) = self.street(unit) else { continue };
                push(&mut streets, street);
                if unit != street {
                    push(&mut within, unit);
                }
            }
            for unit in place.candidates.iter().filter_map(|id| number(id)) {
                push(&mut doubtful, self.street(unit).unwrap_or(unit));
            }
        }
        let sure = category.map_or(0.0, |category| category.confidence);
        let department = category.and_then(|category| self.department(category));
        let exact = department.map_or(0, |(_, levels)| levels);
        let is_local = category
            .is_some_and(|category| self.local.iter().any(|class| class.len() >= exact && holds(class, category)));
        let others = streets.len().max(doubtful.len()).max(1) as f32;
        let (unit, confidence) = match (streets.first(), department, located.department) {
            (Some(&street), ..) if is_local => (street, sure / others),
            (None, Some((department, _)), _) if is_local => (department, sure / 2.0),
            (_, Some((department, levels)), _) => (
                department,
                sure * match levels {
                    1 => 0.65,
                    2 => 0.8,
                    _ => 0.9,
                },
            ),
            (.., Some(named)) => (named, 0.4),
            (Some(&street), ..) => (street, 0.3 / others),
            (None, None, None) => return None,
        };
        let mut candidates = Vec::new();
        let all = streets.iter().chain(&within).chain(&doubtful).copied();
        let all = all.chain(department.map(|(department, _)| department)).chain(located.department);
        for other in all.filter(|&other| other != unit) {
            push(&mut candidates, other);
        }
        let id = |unit: usize| self.units[unit].id.clone();
        Some(UnitProposed {
            id: id(unit),
            name: self.units[unit].name.clone(),
            confidence,
            candidates: candidates.into_iter().take(MOST).map(id).collect(),
        })
    }

    /// The department whose entry matches a class most exactly, and how many levels the entry has.
    fn department(&self, category: &Category) -> Option<(usize, usize)> {
        let mut best: Option<(usize, usize)> = None;
        for (class, unit) in &self.answers {
            let better = best.is_none_or(|(_, levels)| class.len() > levels);
            if better && self.units[*unit].level == UnitLevel::Department && holds(class, category) {
                best = Some((*unit, class.len()));
            }
        }
        best
    }
}

/// Whether a class of one, two or three levels holds a category.
fn holds(class: &[String], category: &Category) -> bool {
    let levels = [Some(&category.level1), category.level2.as_ref(), category.level3.as_ref()];
    class.iter().zip(levels).all(|(one, level)| Some(one) == level)
}

fn push(units: &mut Vec<usize>, unit: usize) {
    if !units.contains(&unit) {
        units.push(unit);
    }
}
