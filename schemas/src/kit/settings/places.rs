//! The file of units and places that `[understand] places` names.
//!
//! ```toml
//! district = "金牛区"
//! city = "成都"
//! neighbours = ["青羊区"]                     # the city's other districts: a post that names them alone is elsewhere
//!
//! [[unit]]
//! id = "fuqin"
//! name = "抚琴街道"
//! level = "street"                            # centre, department, street or community
//! parent = "centre"
//! aliases = ["抚琴街办"]
//!
//! [[unit]]
//! id = "water"
//! name = "区水务局"
//! level = "department"
//! parent = "centre"
//! categories = ["城乡建设/城市建设和市政管理/自来水供应", "农村农业/水利水电"]
//!
//! [[place]]
//! name = "金鱼街社区"
//! kind = "community"                          # street, community, road, estate, school or landmark
//! aliases = ["金鱼街"]
//! unit = "fuqin"
//! ```
//!
//! A unit of level street or community is a place of that kind too and need not be written twice. From the name of one the
//! ending (街道, 街道办事处, 社区, 村) may be left out in a post, where what is left is no everyday word ([`Places::everyday`]).

use super::{DistrictFile, Fault, faults, is_id, taxonomy::empty_word};
use crate::records::PlaceKind;
use serde::Deserialize;
use serde_spanned::Spanned;
use std::collections::HashMap;

/// The units of a district as a tree, and its places, each with the unit that answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Places {
    /// The district: a post that names it is ours.
    pub district: String,
    /// Its city: a post that names it and nothing else may be ours.
    #[serde(default)]
    pub city: String,
    /// Names that are elsewhere beside the provinces and cities of the country: above all the city's other districts.
    #[serde(default)]
    pub neighbours: Vec<String>,
    /// What is left of a name without its ending and yet names no place by itself: 红星, 友联.
    #[serde(default)]
    pub everyday: Vec<String>,
    /// The classes that a street answers for itself where the place is known: `"一级"`, `"一级/二级"` or `"一级/二级/三级"`.
    #[serde(default)]
    pub local: Vec<String>,
    /// The units.
    #[serde(default)]
    pub unit: Vec<Spanned<Unit>>,
    /// The places.
    #[serde(default)]
    pub place: Vec<Spanned<GazetteerPlace>>,
}

/// At which level of the tree a unit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnitLevel {
    /// The district's centre, the root.
    Centre,
    /// A department of the district.
    Department,
    /// A street or town.
    Street,
    /// A community or village.
    Community,
}

/// `[[unit]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// The id in records.
    pub id: String,
    /// The name that people read.
    pub name: String,
    /// Where it stands.
    pub level: UnitLevel,
    /// The id of the unit above it; missing at the root.
    pub parent: Option<String>,
    /// Other names of it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The classes that it answers for: `"一级"`, `"一级/二级"` or `"一级/二级/三级"`.
    #[serde(default)]
    pub categories: Vec<String>,
}

/// `[[place]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GazetteerPlace {
    /// The name.
    pub name: String,
    /// What kind of place it is.
    pub kind: PlaceKind,
    /// Other names of it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The id of the unit that answers for it.
    pub unit: String,
}

impl DistrictFile for Places {
    fn check(&self, text: &str) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut fault = |span: std::ops::Range<usize>, key: &str, message: String| {
            faults.push(Fault::new(faults::place_of_key(text, span, key), message));
        };
        if self.district.trim().is_empty() {
            fault(0..0, "district", "is empty: write the district's name, such as \"金牛区\"".into());
        }
        for (key, words) in [("neighbours", &self.neighbours), ("everyday", &self.everyday)] {
            if let Some(message) = empty_word(words) {
                fault(0..0, key, message);
            }
        }
        for message in self.local.iter().filter_map(|category| no_class(category)) {
            fault(0..0, "local", message);
        }
        let mut units: HashMap<&str, &Unit> = HashMap::new();
        for unit in &self.unit {
            let Unit { id, name, aliases, .. } = unit.get_ref();
            if !is_id(id) {
                fault(unit.span(), "id", "must be 1 to 64 letters, digits, '.', '_' or '-'".into());
            } else if units.insert(id, unit.get_ref()).is_some() {
                fault(unit.span(), "id", format!("there is another [[unit]] with the id {id:?}"));
            }
            if name.trim().is_empty() {
                fault(unit.span(), "name", "is empty: a unit needs a name".into());
            }
            if let Some(message) = empty_word(aliases) {
                fault(unit.span(), "aliases", message);
            }
        }
        for unit in &self.unit {
            let Unit { id, parent, categories, .. } = unit.get_ref();
            let mut above = parent.as_deref();
            for step in 0.. {
                let Some(parent) = above else { break };
                let Some(next) = units.get(parent) else {
                    if step == 0 {
                        fault(unit.span(), "parent", format!("there is no [[unit]] with the id {parent:?}"));
                    }
                    break;
                };
                if parent == id || step > units.len() {
                    let message = format!("{id:?} would stand above itself: name the unit to which it belongs");
                    fault(unit.span(), "parent", message);
                    break;
                }
                above = next.parent.as_deref();
            }
            for message in categories.iter().filter_map(|category| no_class(category)) {
                fault(unit.span(), "categories", message);
            }
        }
        for place in &self.place {
            let GazetteerPlace { name, aliases, unit, .. } = place.get_ref();
            if name.trim().is_empty() {
                fault(place.span(), "name", "is empty: a place needs a name".into());
            }
            if let Some(message) = empty_word(aliases) {
                fault(place.span(), "aliases", message);
            }
            if !units.contains_key(unit.as_str()) {
                fault(place.span(), "unit", format!("there is no [[unit]] with the id {unit:?}"));
            }
        }
        faults
    }
}

fn no_class(category: &str) -> Option<String> {
    let mut parts = category.split('/');
    let wrong = parts.clone().count() > 3 || parts.any(|part| part.trim().is_empty());
    wrong.then(|| format!("{category:?} is no class: write \"一级\", \"一级/二级\" or \"一级/二级/三级\""))
}
