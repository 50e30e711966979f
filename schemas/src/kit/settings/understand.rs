//! `[understand]`: the district's own files of what posts are about and where.
//!
//! ```toml
//! [understand]
//! taxonomy = "/etc/wanglou/taxonomy.toml"     # classes of matters; see `Taxonomy`
//! places = "/etc/wanglou/places.toml"         # units and places; see `Places`
//! dictionary = "/etc/wanglou/words.txt"       # words that the dictionary which ships does not have, one a line
//! ```
//!
//! Without `taxonomy` or `places` the file that ships with the program is used; with it that one alone. The words of `dictionary` come to
//! those that ship.

use super::{Fault, Place, faults};
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// `[understand]`
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Understand {
    /// The file of the classes of matters; relative to the working folder.
    pub taxonomy: Option<PathBuf>,
    /// The file of units and places; relative to the working folder.
    pub places: Option<PathBuf>,
    /// The file of the user dictionary, one word a line, `#` before a remark; read again when it changes. Relative to the working folder.
    pub dictionary: Option<PathBuf>,
}

/// A file that a key of `[understand]` names: read from TOML, and checked for what does not fit together.
pub trait DistrictFile: DeserializeOwned {
    /// What does not fit together, with lines of `text`.
    fn check(&self, text: &str) -> Vec<Fault>;

    /// Reads a text.
    ///
    /// # Errors
    /// Every fault, with its line.
    fn parse(text: &str) -> Result<Self, Vec<Fault>> {
        let read: Self = faults::deserialize(text)?;
        faults::no_fault(read.check(text))?;
        Ok(read)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Every fault, with the file and its line.
    fn load(path: &Path) -> Result<Self, Vec<Fault>> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            let message = format!(
                "cannot be read: {error}. Give the path of a file, or leave the key out for the one that ships with the program"
            );
            vec![Fault::new(Place::OfFile(path.to_owned(), None), message)]
        })?;
        Self::parse(&text).map_err(|faults| faults.into_iter().map(|fault| fault.of_file(path)).collect())
    }
}
