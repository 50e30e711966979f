//! `wanglou source add`: a `[[source]]` into the config, whose comments and order stay.

use super::Trial;
use schemas::kit::settings::is_id;
use std::{
    io::Write,
    path::{Path, PathBuf},
};
use toml_edit::{ArrayOfTables, DocumentMut, Item, Table, value};

/// Why a source is not added.
#[derive(Debug, thiserror::Error)]
pub enum AddError {
    /// The id is no id.
    #[error("{0:?} cannot be an id: 1 to 64 letters, digits, '.', '_' or '-' are wanted; name one with --id")]
    Id(String),
    /// The config has a source of that id.
    #[error("{} has a source {id:?} already: name another with --id", path.display())]
    Taken {
        /// The config.
        path: PathBuf,
        /// The id.
        id: String,
    },
    /// `source` in the config is no list of tables.
    #[error("{} has a `source` that is no [[source]]", .0.display())]
    NoList(PathBuf),
    /// The config cannot be read as TOML.
    #[error("{}: {error}", path.display())]
    Toml {
        /// The config.
        path: PathBuf,
        /// What is wrong.
        error: Box<toml_edit::TomlError>,
    },
    /// The config cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// The config.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// An id for what was tried: its host, and its board.
#[must_use]
pub fn id_of(trial: &Trial) -> String {
    let host = url::Url::parse(&trial.url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let board = trial.board.as_deref().unwrap_or_default();
    let id = format!("{}-{board}", host.trim_start_matches("www."));
    let id: String = id.chars().map(|c| if c.is_alphanumeric() || c == '.' { c } else { '-' }).take(64).collect();
    id.trim_matches(['-', '.']).to_owned()
}

/// The `[[source]]` of what was tried, as TOML.
#[must_use]
pub fn table(id: &str, name: &str, trial: &Trial) -> String {
    let mut document = DocumentMut::new();
    let mut list = ArrayOfTables::new();
    list.push(keys(id, name, trial));
    document.insert("source", Item::ArrayOfTables(list));
    document.to_string()
}

fn keys(id: &str, name: &str, trial: &Trial) -> Table {
    let mut keys = Table::new();
    keys.insert("id", value(id));
    if !name.is_empty() {
        keys.insert("name", value(name));
    }
    match &trial.preset {
        Some(preset) => keys.insert("preset", value(preset)),
        None => keys.insert("kind", value("rss")),
    };
    keys.insert("url", value(&trial.url));
    if let Some(board) = &trial.board {
        keys.insert("board", value(board));
    }
    if trial.allow_private {
        keys.insert("allow_private", value(true));
    }
    keys
}

/// Writes the `[[source]]` of what was tried into a config, in one step. A config that is not there is made.
///
/// # Errors
/// Why it is not added; the config is then as it was.
pub fn add(path: &Path, id: &str, name: &str, trial: &Trial) -> Result<(), AddError> {
    if !is_id(id) {
        return Err(AddError::Id(id.to_owned()));
    }
    let file = |error| AddError::File { path: path.to_owned(), error };
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(file(error)),
    };
    let mut document: DocumentMut =
        text.parse().map_err(|error| AddError::Toml { path: path.to_owned(), error: Box::new(error) })?;
    let sources = document.entry("source").or_insert_with(|| Item::ArrayOfTables(ArrayOfTables::new()));
    let Some(sources) = sources.as_array_of_tables_mut() else { return Err(AddError::NoList(path.to_owned())) };
    if sources.iter().any(|source| source.get("id").and_then(Item::as_str) == Some(id)) {
        return Err(AddError::Taken { path: path.to_owned(), id: id.to_owned() });
    }
    let mut own = keys(id, name, trial);
    if !text.is_empty() {
        own.decor_mut().set_prefix("\n");
    }
    sources.push(own);
    written(path, &document.to_string()).map_err(file)
}

/// In one step: whoever reads it sees the old text or the new one. It stays as readable as it was.
fn written(path: &Path, text: &str) -> std::io::Result<()> {
    // A link stays one: what it leads to is replaced.
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = folder.join(format!(".{}.new", path.file_name().unwrap_or_default().to_string_lossy()));
    let written = (|| {
        let mut file = std::fs::File::create(&beside)?;
        if let Ok(before) = std::fs::metadata(&path) {
            file.set_permissions(before.permissions())?;
        }
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)?;
        std::fs::File::open(folder)?.sync_all()
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial() -> Trial {
        Trial {
            preset: Some("discuz".into()),
            url: "https://www.bbs.example/".into(),
            board: Some("2".into()),
            allow_private: true,
            ..Trial::default()
        }
    }

    #[test]
    fn a_source_is_added_and_everything_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wanglou.toml");
        let before = "# ours\ndata_dir = 'x' # here\n\n[[source]] # the first\nid = \"feed\"\nkind = \"rss\"\nurl = \"https://f.example/\"\n\n[http]\nlisten = \"127.0.0.1:1\"\n";
        std::fs::write(&path, before).unwrap();
        add(&path, "bbs", "论坛 \"一\"", &trial()).unwrap();
        let after = std::fs::read_to_string(&path).unwrap();
        let own = "\n[[source]]\nid = \"bbs\"\nname = '论坛 \"一\"'\npreset = \"discuz\"\nurl = \"https://www.bbs.example/\"\nboard = \"2\"\nallow_private = true\n";
        assert!(after.contains(own), "{after}");
        assert_eq!(after.replacen(own, "", 1), before);
        let settings = schemas::kit::settings::Settings::parse(&after, []).unwrap();
        assert_eq!(settings.source.len(), 2);
        assert!(matches!(add(&path, "bbs", "", &trial()), Err(AddError::Taken { .. })));
        assert!(matches!(add(&path, "a b", "", &trial()), Err(AddError::Id(_))));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), after);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_config_is_made_and_a_broken_one_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.toml");
        add(&path, "bbs", "", &trial()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), table("bbs", "", &trial()));
        for broken in ["[http", "source = 1"] {
            std::fs::write(&path, broken).unwrap();
            assert!(add(&path, "x", "", &trial()).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), broken);
        }
    }

    #[test]
    fn ids_are_made_of_host_and_board() {
        assert_eq!(id_of(&trial()), "bbs.example-2");
        assert_eq!(id_of(&Trial { url: "http://127.0.0.1:8/".into(), ..Trial::default() }), "127.0.0.1");
        assert_eq!(id_of(&Trial { board: Some("/a b/".into()), ..trial() }), "bbs.example--a-b");
    }
}
