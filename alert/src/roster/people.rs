//! The people of the config.

use schemas::kit::settings::Person;

/// The people of the config.
#[derive(Debug, Clone, Default)]
pub struct People(Vec<Person>);

impl People {
    /// The people of a config.
    #[must_use]
    pub fn of(people: impl IntoIterator<Item = Person>) -> Self {
        Self(people.into_iter().collect())
    }

    /// Somebody by name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.name == name)
    }

    /// Whose own a channel is.
    #[must_use]
    pub fn owner(&self, channel: &str) -> Option<&Person> {
        self.0.iter().find(|person| person.channels.iter().any(|own| own == channel))
    }

    /// Where somebody is reached alone.
    #[must_use]
    pub fn channels(&self, name: &str) -> &[String] {
        self.find(name).map_or(&[], |person| &person.channels)
    }

    /// Everybody's name, in the order of the config.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|person| person.name.as_str())
    }

    /// Who belongs to a unit, by its name or its id.
    pub fn of_unit<'a>(&'a self, name: Option<&'a str>, id: Option<&'a str>) -> impl Iterator<Item = &'a Person> {
        self.0
            .iter()
            .filter(move |person| person.unit.as_deref().is_some_and(|unit| Some(unit) == name || Some(unit) == id))
    }
}
