//! A district as its files have it: classes of matters, places and units, ready to be found in posts and to be named by people.

use super::{
    category::Classes,
    fold,
    lexicon::{Lexicon, Terms},
    places::Gazetteer,
};
use schemas::{
    kit::settings::{Places, Taxonomy},
    records::{PlaceFound, PlaceKind, UnitNamed},
};
use serde::Serialize;

/// The classes, places and units of a district. It is built once and shared by each renewal of what is understood.
pub struct District {
    pub(super) terms: Terms,
    pub(super) lexicon: Lexicon,
    pub(super) classes: Classes,
    pub(super) gazetteer: Gazetteer,
    names: Vec<String>,
}

/// What people can choose from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Choices {
    /// All classes, each with those above it: `一级/二级/三级`.
    pub categories: Vec<String>,
    /// All places.
    pub places: Vec<PlaceChoice>,
    /// All units.
    pub units: Vec<UnitNamed>,
}

/// A place that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceChoice {
    /// Its name.
    pub name: String,
    /// What kind of place it is.
    pub kind: PlaceKind,
    /// The unit that answers for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl District {
    pub(super) fn new(taxonomy: &Taxonomy, places: &Places) -> anyhow::Result<Self> {
        let names = places.place.iter().map(|place| &place.get_ref().name);
        let names = names.chain(places.unit.iter().map(|unit| &unit.get_ref().name)).map(|name| fold(name)).collect();
        let mut terms = Terms::default();
        let classes = Classes::new(taxonomy, &mut terms);
        let gazetteer = Gazetteer::new(places, &mut terms);
        Ok(Self { lexicon: terms.lexicon()?, terms, classes, gazetteer, names })
    }

    /// Names that the dictionary should hold, folded.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.names.iter()
    }

    /// All that can be named.
    #[must_use]
    pub fn choices(&self) -> Choices {
        Choices {
            categories: self.classes.paths(),
            places: self.gazetteer.choices(),
            units: self.gazetteer.units().collect(),
        }
    }

    /// The class that somebody names: by its levels (`一级/二级`), or by its own name where only one class bears it.
    ///
    /// # Errors
    /// What is wrong and what would be right.
    pub fn category(&self, named: &str) -> Result<String, String> {
        let named = named.split('/').map(str::trim).collect::<Vec<_>>().join("/");
        let paths = self.classes.paths();
        if paths.contains(&named) {
            return Ok(named);
        }
        let bearers: Vec<&String> =
            paths.iter().filter(|path| path.rsplit('/').next() == Some(named.as_str())).collect();
        match bearers[..] {
            [one] => Ok(one.clone()),
            [] => Err(format!(
                "没有类别 {named:?} / there is no class {named:?}: GET /api/corrections/choices lists them"
            )),
            _ => {
                let bearers: Vec<&str> = bearers.iter().map(|path| path.as_str()).collect();
                Err(format!(
                    "类别 {named:?} 不止一个, 请写全 / several classes are called {named:?}: name one of {}",
                    bearers.join(", ")
                ))
            }
        }
    }

    /// The places that somebody names.
    ///
    /// # Errors
    /// The first that is no place of the district.
    pub fn places(&self, named: &[String]) -> Result<Vec<PlaceFound>, String> {
        let terms = named.iter().map(|name| {
            let term = self.terms.find(name).filter(|term| self.gazetteer.is_ours(*term));
            term.ok_or_else(|| {
                format!("没有地点 {name:?} / there is no place {name:?}: GET /api/corrections/choices lists them; others stand in the file of [understand] places")
            })
        });
        Ok(self.gazetteer.resolve(&self.terms, &terms.collect::<Result<Vec<_>, _>>()?))
    }

    /// The unit that somebody names, by its id or its name.
    ///
    /// # Errors
    /// When there is none.
    pub fn unit(&self, named: &str) -> Result<UnitNamed, String> {
        let wanted = fold(named.trim());
        let is_it = |unit: &UnitNamed| unit.id == named.trim() || fold(&unit.name) == wanted;
        self.gazetteer.units().find(is_it).ok_or_else(|| {
            format!("没有单位 {named:?} / there is no unit {named:?}: GET /api/corrections/choices lists them; others stand in the file of [understand] places")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::kit::settings::DistrictFile;

    const TAXONOMY: &str = r#"
        [[level1]]
        name = "城乡建设"
        [[level1.level2]]
        name = "市政"
        [level1.level2.level3]
        "供水" = ["停水"]
        "其他" = ["路灯"]
        [[level1]]
        name = "交通"
        [[level1.level2]]
        name = "其他"
    "#;
    const PLACES: &str = r#"
        district = "东城区"
        city = "某市"
        [[unit]]
        id = "centre"
        name = "东城区中心"
        level = "centre"
        [[unit]]
        id = "south"
        name = "南街街道"
        level = "street"
        parent = "centre"
        [[unit]]
        id = "north"
        name = "北街街道"
        level = "street"
        parent = "centre"
        [[place]]
        name = "平安里"
        kind = "estate"
        unit = "south"
        [[place]]
        name = "平安里"
        kind = "estate"
        unit = "north"
    "#;

    fn district() -> District {
        District::new(&Taxonomy::parse(TAXONOMY).unwrap(), &Places::parse(PLACES).unwrap()).unwrap()
    }

    #[test]
    fn a_class_is_named_by_its_levels_or_by_its_own_name_where_that_is_enough() {
        let district = district();
        assert_eq!(district.category("供水").unwrap(), "城乡建设/市政/供水");
        assert_eq!(district.category(" 城乡建设 / 市政 ").unwrap(), "城乡建设/市政");
        let several = district.category("其他").unwrap_err();
        assert!(several.contains("城乡建设/市政/其他, 交通/其他"), "{several}");
        assert!(district.category("天气").is_err() && district.category("").is_err());
    }

    #[test]
    fn places_and_units_are_those_of_the_file() {
        let district = district();
        let found = district.places(&["南街".into(), "平安里".into()]).unwrap();
        let units: Vec<_> = found.iter().map(|place| (place.name.as_str(), place.unit.as_deref())).collect();
        assert_eq!(units, [("平安里", Some("south")), ("南街街道", Some("south"))], "the street settles which one");
        let doubtful = &district.places(&["平安里".into()]).unwrap()[0];
        assert_eq!((doubtful.unit.as_deref(), doubtful.candidates.len()), (None, 2));
        assert!(district.places(&["月球".into()]).unwrap_err().contains("月球"));
        assert_eq!(district.unit("南街街道").unwrap().id, "south");
        assert_eq!(district.unit(" north ").unwrap().name, "北街街道");
        assert!(district.unit("水务局").is_err());
        let choices = district.choices();
        assert_eq!(choices.categories.len(), 6);
        assert_eq!(choices.units.len(), 3);
        let place = choices.places.iter().find(|place| place.name == "平安里").unwrap();
        assert_eq!((place.kind, place.unit.as_deref()), (PlaceKind::Estate, None));
    }
}
