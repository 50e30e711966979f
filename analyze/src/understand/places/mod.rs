//! Where a post is: places of the district that it names, or that it is about elsewhere.
//!
//! All names and aliases ([`Places`]) are found at once, at each place the longest, and none within a longer word of the dictionary
//! (金牛 is not in 金牛座). Streets and communities are known by what is left of their names without the ending too.
//!
//! | a name is borne by | it is |
//! |---|---|
//! | one place | that place |
//! | a street and what lies in it (荷花池街道, 荷花池社区) | the street: true of both |
//! | several, one of which lies in a street that the post names too | that one |
//! | several | shown with the units of all of them; nothing is guessed |
//!
//! | the text names | the place that the source states | places | elsewhere |
//! |---|---|---|---|
//! | a place of ours, whatever else it names | – | ours | – |
//! | only the district, or nothing | names a place of ours | ours | – |
//! | a neighbouring district | – | none | that district |
//! | our city, and other cities | – | none | – |
//! | other provinces and cities | – | none | the one named most, the first of those |
//! | nothing | is elsewhere | none | that |

mod country;
mod unit;

use super::{
    Cut, Segmenter,
    district::PlaceChoice,
    lexicon::{Found, Terms, longest},
};
use rustc_hash::FxHashMap;
use schemas::{
    kit::settings::{DistrictFile, Fault, Places, Spanned, Unit, UnitLevel},
    records::{PlaceFound, PlaceKind, UnitNamed},
};
use std::sync::LazyLock;

/// The file that ships with the program.
pub const SHIPPED: &str = include_str!("../../../defaults/places.toml");

/// At most so many places of a post are told.
const MOST: usize = 8;

/// Endings of streets and communities that people leave out, and what they write instead.
const ENDINGS: [&str; 12] = [
    "社区居委会",
    "社区居民委员会",
    "居委会",
    "村委会",
    "街道办事处",
    "街道办",
    "街道",
    "街办",
    "社区",
    "村",
    "镇",
    "乡",
];

/// The units and places of a district, ready to be found.
#[derive(Debug)]
pub(super) struct Gazetteer {
    units: Vec<Office>,
    /// Classes with the units that answer for them, and the classes that are the streets' own.
    answers: Vec<(Vec<String>, usize)>,
    local: Vec<Vec<String>>,
    spots: Vec<Spot>,
    names: FxHashMap<u32, Name>,
}

#[derive(Debug)]
struct Office {
    id: String,
    name: String,
    level: UnitLevel,
    parent: Option<usize>,
}

/// A place.
#[derive(Debug)]
struct Spot {
    name: String,
    kind: PlaceKind,
    unit: Option<usize>,
}

/// What a name is.
#[derive(Debug)]
enum Name {
    /// Of places of ours, by number.
    Ours(Vec<usize>),
    /// Of a department, by the number of its unit.
    Department(usize),
    /// Of our own city or province: neither a place nor elsewhere.
    City,
    Neighbour,
    Far,
}

/// Where a post is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Located {
    pub(super) places: Vec<PlaceFound>,
    pub(super) elsewhere: Option<String>,
    /// A department that it names.
    department: Option<usize>,
}

/// The names in a text.
#[derive(Debug, Default)]
struct Named {
    ours: Vec<u32>,
    department: Option<usize>,
    city: bool,
    neighbours: Vec<String>,
    far: Vec<String>,
}

/// Reads the file that ships with the program.
///
/// # Errors
/// When it is faulty: a fault of the build.
pub fn shipped() -> anyhow::Result<&'static Places> {
    static READ: LazyLock<Result<Places, Vec<Fault>>> = LazyLock::new(|| Places::parse(SHIPPED));
    READ.as_ref().map_err(|faults| anyhow::anyhow!("the places that were built in: {faults:?}"))
}

impl Gazetteer {
    pub(super) fn new(places: &Places, terms: &mut Terms) -> Self {
        let files: Vec<&Unit> = places.unit.iter().map(Spanned::get_ref).collect();
        let number = |id: &str| files.iter().position(|unit| unit.id == id);
        let units: Vec<Office> = files
            .iter()
            .map(|unit| Office {
                id: unit.id.clone(),
                name: unit.name.clone(),
                level: unit.level,
                parent: unit.parent.as_deref().and_then(number),
            })
            .collect();
        let mut new =
            Self { units, answers: Vec::new(), local: Vec::new(), spots: Vec::new(), names: FxHashMap::default() };
        new.local = places.local.iter().map(|class| path(class)).collect();
        for (unit, file) in files.iter().enumerate() {
            new.answers.extend(file.categories.iter().map(|class| (path(class), unit)));
        }
        new.enter_far(places, terms);
        let root = files.iter().position(|unit| unit.level == UnitLevel::Centre);
        let stem = places.district.strip_suffix(['区', '县', '市']).filter(|stem| usable(stem, places));
        new.enter(terms, &places.district, PlaceKind::District, root, stem.map(str::to_owned).into_iter());
        for (unit, file) in files.iter().enumerate() {
            let kind = match file.level {
                UnitLevel::Street => PlaceKind::Street,
                UnitLevel::Community => PlaceKind::Community,
                UnitLevel::Department => {
                    for name in [&file.name, &file.id].into_iter().chain(&file.aliases) {
                        new.names.entry(terms.number(name)).or_insert(Name::Department(unit));
                    }
                    continue;
                }
                UnitLevel::Centre => continue,
            };
            let shorter = shorter_names(&file.name, kind, places);
            new.enter(terms, &file.name, kind, Some(unit), shorter.into_iter().chain(file.aliases.iter().cloned()));
        }
        for place in places.place.iter().map(Spanned::get_ref) {
            let aliases = place.aliases.iter().cloned();
            new.enter(terms, &place.name, place.kind, number(&place.unit), aliases);
        }
        new
    }

    fn enter(
        &mut self,
        terms: &mut Terms,
        name: &str,
        kind: PlaceKind,
        unit: Option<usize>,
        aliases: impl Iterator<Item = String>,
    ) {
        let spot = self.spots.len();
        self.spots.push(Spot { name: name.to_owned(), kind, unit });
        for alias in std::iter::once(name.to_owned()).chain(aliases) {
            match self.names.entry(terms.number(&alias)).or_insert_with(|| Name::Ours(Vec::new())) {
                Name::Ours(bearers) => {
                    if !bearers.contains(&spot) {
                        bearers.push(spot);
                    }
                }
                // What is ours is ours, whatever else bears the name.
                other => *other = Name::Ours(vec![spot]),
            }
        }
    }

    fn enter_far(&mut self, places: &Places, terms: &mut Terms) {
        let city = places.city.strip_suffix('市').unwrap_or(&places.city);
        for line in country::NAMES.lines() {
            let own = !city.is_empty() && line.split(' ').any(|name| name == city);
            for (place, name) in line.split(' ').enumerate() {
                let is_own = own && (place == 0 || name == city);
                self.names.insert(terms.number(name), if is_own { Name::City } else { Name::Far });
            }
        }
        if !city.is_empty() {
            self.names.insert(terms.number(city), Name::City);
        }
        for name in &places.neighbours {
            self.names.insert(terms.number(name), Name::Neighbour);
        }
    }

    /// Where a post is, by the names found in its title and text and in the place that it states.
    pub(super) fn locate(
        &self,
        terms: &Terms,
        segmenter: &Segmenter,
        fields: [(&Cut<'_>, &[Found]); 2],
        stated: Option<(&Cut<'_>, &[Found])>,
    ) -> Located {
        let mut told = Named::default();
        for (cut, found) in fields {
            self.names_in(terms, segmenter, cut, found, &mut told);
        }
        let exact = told
            .ours
            .iter()
            .any(|&term| self.bearers(term).iter().any(|&spot| self.spots[spot].kind != PlaceKind::District));
        if let Some((cut, found)) = stated
            && !exact
            && told.far.is_empty()
            && told.neighbours.is_empty()
        {
            let mut source = Named::default();
            self.names_in(terms, segmenter, cut, found, &mut source);
            told.ours.append(&mut source.ours);
            told.city |= source.city;
            (told.far, told.neighbours) = (source.far, source.neighbours);
        }
        let places = self.resolve(terms, &told.ours);
        let elsewhere = match () {
            () if !told.ours.is_empty() => None,
            () if !told.neighbours.is_empty() => most_named(&told.neighbours),
            () if told.city => None,
            () => most_named(&told.far),
        };
        Located { places, elsewhere, department: told.department }
    }

    fn bearers(&self, term: u32) -> &[usize] {
        match self.names.get(&term) {
            Some(Name::Ours(bearers)) => bearers,
            _ => &[],
        }
    }

    fn names_in(&self, terms: &Terms, segmenter: &Segmenter, cut: &Cut<'_>, found: &[Found], told: &mut Named) {
        let mut tokens = cut.tokens.iter();
        let mut token = 0..0;
        let mut word = "";
        for Found { term, at } in longest(found.iter().filter(|found| self.names.contains_key(&found.term))) {
            while token.end <= at.start {
                let Some(next) = tokens.next() else { break };
                token = token.end..token.end + next.len();
                word = next;
            }
            let within = token.start <= at.start && at.end <= token.end && at.len() < token.len();
            if within && segmenter.knows(word) {
                continue;
            }
            match &self.names[term] {
                Name::Ours(_) => {
                    if !told.ours.contains(term) {
                        told.ours.push(*term);
                    }
                }
                Name::Department(unit) => told.department = told.department.or(Some(*unit)),
                _ if country::NOT_THE_CITY.iter().any(|next| cut.folded[at.end..].starts_with(next)) => {}
                Name::City => told.city = true,
                Name::Neighbour => told.neighbours.push(terms.text(*term).to_owned()),
                Name::Far => told.far.push(terms.text(*term).to_owned()),
            }
        }
    }

    /// All places; one whose name several bear is told once, without a unit.
    pub(super) fn choices(&self) -> Vec<PlaceChoice> {
        let mut choices: Vec<PlaceChoice> = Vec::new();
        let mut known: FxHashMap<&str, usize> = FxHashMap::default();
        for Spot { name, kind, unit } in &self.spots {
            match known.get(name.as_str()) {
                Some(&at) => choices[at].unit = None,
                None => {
                    known.insert(name, choices.len());
                    let unit = unit.map(|unit| self.units[unit].id.clone());
                    choices.push(PlaceChoice { name: name.clone(), kind: *kind, unit });
                }
            }
        }
        choices
    }

    /// All units.
    pub(super) fn units(&self) -> impl Iterator<Item = UnitNamed> {
        self.units.iter().map(|unit| UnitNamed { id: unit.id.clone(), name: unit.name.clone() })
    }

    /// Whether a word is the name of a place of ours.
    pub(super) fn is_ours(&self, term: u32) -> bool {
        !self.bearers(term).is_empty()
    }

    /// Makes places of names.
    pub(super) fn resolve(&self, terms: &Terms, names: &[u32]) -> Vec<PlaceFound> {
        let settled: Vec<Option<usize>> = names.iter().map(|&term| self.widest(self.bearers(term))).collect();
        let streets: Vec<usize> = settled
            .iter()
            .flatten()
            .filter(|&&spot| self.spots[spot].kind != PlaceKind::District)
            .filter_map(|&spot| self.street(self.spots[spot].unit?))
            .collect();
        let mut places: Vec<PlaceFound> = Vec::new();
        for (&term, settled) in names.iter().zip(settled) {
            let bearers = self.bearers(term);
            let settled = settled.or_else(|| {
                let in_street = |&&spot: &&usize| {
                    self.spots[spot]
                        .unit
                        .and_then(|unit| self.street(unit))
                        .is_some_and(|street| streets.contains(&street))
                };
                let near: Vec<usize> = bearers.iter().filter(in_street).copied().collect();
                self.widest(&near)
            });
            let id = |spot: usize| self.spots[spot].unit.map(|unit| self.units[unit].id.clone());
            let place = match settled {
                Some(spot) => {
                    let Spot { name, kind, .. } = &self.spots[spot];
                    PlaceFound { name: name.clone(), kind: *kind, unit: id(spot), candidates: Vec::new() }
                }
                None => {
                    let mut candidates: Vec<String> = bearers.iter().filter_map(|&spot| id(spot)).collect();
                    candidates.dedup();
                    let Some(&first) = bearers.first() else { continue };
                    PlaceFound {
                        name: terms.text(term).to_owned(),
                        kind: self.spots[first].kind,
                        unit: None,
                        candidates,
                    }
                }
            };
            if !places.contains(&place) {
                places.push(place);
            }
        }
        places.sort_by_key(|place| match place.kind {
            PlaceKind::Estate | PlaceKind::School | PlaceKind::Landmark => 0,
            PlaceKind::Road => 1,
            PlaceKind::Community => 2,
            PlaceKind::Street => 3,
            PlaceKind::District => 4,
        });
        places.truncate(MOST);
        places
    }

    /// The one place, or the one within whose unit all the others lie.
    fn widest(&self, bearers: &[usize]) -> Option<usize> {
        if let [one] = bearers {
            return Some(*one);
        }
        let unit = |spot: usize| self.spots[spot].unit;
        bearers.iter().copied().find(|&wide| {
            let Some(wide) = unit(wide) else { return false };
            bearers.iter().all(|&other| unit(other).is_some_and(|unit| self.lies_in(unit, wide)))
        })
    }

    fn lies_in(&self, unit: usize, wide: usize) -> bool {
        self.line(unit).any(|above| above == wide)
    }

    /// A unit and those above it.
    fn line(&self, unit: usize) -> impl Iterator<Item = usize> {
        // The file was checked for circles; the bound holds whatever it says.
        std::iter::successors(Some(unit), |&unit| self.units[unit].parent).take(16)
    }

    /// The street in which a unit lies.
    fn street(&self, unit: usize) -> Option<usize> {
        self.line(unit).find(|&unit| self.units[unit].level == UnitLevel::Street)
    }
}

/// A class as its levels.
fn path(class: &str) -> Vec<String> {
    class.split('/').map(|part| part.trim().to_owned()).collect()
}

/// Whether what is left of a name names the place.
fn usable(stem: &str, places: &Places) -> bool {
    stem.chars().nth(1).is_some() && !places.everyday.iter().any(|word| word == stem)
}

/// What people write for a street or community: without its ending, or with another.
fn shorter_names(name: &str, kind: PlaceKind, places: &Places) -> Vec<String> {
    let Some(stem) = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)).filter(|stem| !stem.is_empty()) else {
        return Vec::new();
    };
    let endings: &[&str] = match kind {
        PlaceKind::Street => &["街道办事处", "街道办", "街办"],
        _ => &["社区居委会", "居委会", "社区居民委员会", "村委会"],
    };
    let mut names: Vec<String> = endings.iter().map(|ending| format!("{stem}{ending}")).collect();
    if usable(stem, places) {
        names.push(stem.to_owned());
    }
    names
}

/// The name that occurs most often, the first of those that do.
fn most_named(names: &[String]) -> Option<String> {
    let times = |name: &String| names.iter().filter(|other| *other == name).count();
    // Of equal ones `max_by_key` takes the last.
    names.iter().take(64).rev().max_by_key(|name| times(name)).cloned()
}

#[cfg(test)]
mod tests;
