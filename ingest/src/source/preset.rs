//! Presets: how the common engines write their pages, as plain TOML (`ingest/presets`). With one a source needs the site's address
//! and a board; what its own table says overrides what the preset says, key by key.
//!
//! | preset | reads | `board` |
//! |---|---|---|
//! | `discuz` | Discuz! X 2.5–3.5: a board's threads and floors, classic and touch layout | the board's number (`fid`) |
//! | `phpbb` | phpBB 3 with its own style: a forum's topics and posts | the forum's number (`f`) |
//! | `tieba` | a Tieba-like bar: threads, floors, replies to floors | the bar's name |
//! | `wordpress` | posts by REST, the last changed first, and the comments under each | a category's number, or none |
//! | `wordpress-posts` | the posts alone | a category's number, or none |
//! | `wordpress-comments` | all comments as one list by REST, newest first | a post's number, or none |
//! | `wordpress-feed` | the feed of posts, page by page | a category's name, or none |
//! | `wordpress-comments-feed` | the feed of comments, page by page | – |
//! | `mastodon` | a public timeline | `local` (as without), `public`, or a tag |
//! | `weibo` | a Weibo-mobile-like feed of cards | its `containerid` |
//! | `isso` | the latest comments of an Isso server | none, or a thread's `uri` |
//!
//! A `url` that names the list itself already (`…/forum-2-1.html`) is taken as it is.

use super::{
    PathFault,
    json::path::Path,
    page,
    select::{self, Pick},
};
use regex::Regex;
use schemas::kit::settings::{Field, Source};
use scraper::Html;
use serde::Deserialize;
use std::collections::BTreeMap;
use toml::{Table, Value};
use url::Url;

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        /// Every preset's name and text.
        const ALL: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../presets/", $name, ".toml")))),*];
    };
}

presets![
    "discuz",
    "phpbb",
    "tieba",
    "wordpress",
    "wordpress-posts",
    "wordpress-comments",
    "wordpress-feed",
    "wordpress-comments-feed",
    "mastodon",
    "weibo",
    "isso",
];

/// Tables that are put together key by key; any other value is replaced as a whole.
const STRUCTURE: [&str; 7] = ["list", "thread", "json", "feed", "comments", "fields", "headers"];

/// A preset: how to find a board's address, and the keys of a source.
#[derive(Debug)]
pub(crate) struct Preset {
    pub(crate) about: About,
    keys: Table,
}

/// `[preset]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct About {
    /// What it reads.
    pub(crate) about: String,
    /// An address that matches this expression is the list already.
    whole: String,
    /// The list's address without a board, relative to the site's.
    url: Option<String>,
    /// The list's address with a board.
    board: Option<String>,
    /// What a board is, where one is needed.
    needs: Option<String>,
    /// Boards with an address of their own.
    #[serde(default)]
    boards: BTreeMap<String, String>,
    /// Selectors of what only this engine's pages have.
    #[serde(default)]
    marks: Vec<String>,
    /// On such a page: where the engine is installed, where that is not the page's own folder.
    home: Option<Field>,
    /// A path that finds something in this engine's answers alone.
    answer: Option<String>,
    /// On the first page of the site: the links to its boards, and the expression whose first group is a board's number.
    index: Option<Index>,
}

/// `[preset.index]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Index {
    link: String,
    number: String,
}

impl Index {
    /// The boards that a page links to: number and name.
    pub(crate) fn of(&self, text: &str) -> Vec<(String, String)> {
        let (Ok(html), Ok(link), Ok(number)) =
            (page::parse(text), select::selector(&self.link), select::regex(&self.number))
        else {
            return Vec::new();
        };
        let mut boards: Vec<(String, String)> = Vec::new();
        for link in html.select(&link) {
            let found = link.attr("href").and_then(|href| number.captures(href));
            let number = found.and_then(|found| Some(found.get(1)?.as_str().to_owned()));
            let name = select::text(link);
            if let Some(number) =
                number.filter(|number| !name.is_empty() && !boards.iter().any(|(known, _)| known == number))
            {
                boards.push((number, name));
            }
        }
        boards
    }
}

/// The names of all presets.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// A preset by its name.
///
/// # Errors
/// When there is none.
pub(crate) fn find(name: &str) -> Result<Preset, String> {
    let Some((_, text)) = ALL.iter().find(|(known, _)| *known == name) else {
        return Err(format!("there is no preset {name:?}: known are {}", names().collect::<Vec<_>>().join(", ")));
    };
    // The tests read every preset.
    let broken = |error: toml::de::Error| format!("the preset {name:?} is broken: {error}");
    let mut keys: Table = text.parse().map_err(broken)?;
    let about = keys.remove("preset").unwrap_or(Value::Table(Table::new())).try_into().map_err(broken)?;
    Ok(Preset { about, keys })
}

impl Preset {
    /// The first mark of the engine that a page has.
    pub(crate) fn mark_in(&self, html: &Html) -> Option<&str> {
        let has = |mark: &&String| select::selector(mark).is_ok_and(|mark| html.select(&mark).next().is_some());
        self.about.marks.iter().find(has).map(String::as_str)
    }

    /// Where a page says that the engine is installed.
    pub(crate) fn home(&self, html: &Html) -> Option<String> {
        Pick::new(self.about.home.as_ref()?).ok()?.from(html.root_element())
    }

    /// Whether an answer is one of this engine.
    pub(crate) fn answers(&self, answer: &serde_json::Value) -> bool {
        let path = self.about.answer.as_deref().and_then(|path| Path::new(path).ok());
        path.is_some_and(|path| !path.all(answer).is_empty())
    }

    /// How the site's first page lists its boards.
    pub(crate) fn boards(&self) -> Option<&Index> {
        self.about.index.as_ref()
    }

    /// Which kind of source it makes.
    pub(crate) fn kind(&self) -> &'static str {
        match self.keys.get("kind").and_then(Value::as_str) {
            Some("json") => "json",
            Some("rss") => "rss",
            _ => "html",
        }
    }

    /// The source that a table and its preset together describe.
    ///
    /// # Errors
    /// What is wrong, with the path of the key.
    pub(crate) fn source(&self, own: &Table) -> Result<Source, PathFault> {
        let text = |key: &str| own.get(key).and_then(Value::as_str);
        let url = self.address(text("url").unwrap_or_default(), text("board"))?;
        let mut keys = self.keys.clone();
        overlay(&mut keys, own);
        keys.insert("url".into(), Value::String(url));
        keys.remove("board");
        keys.remove("preset");
        Source::deserialize(keys).map_err(|error| (vec!["preset".into()], error.message().to_owned()))
    }

    /// The address of a board's list.
    ///
    /// # Errors
    /// What is wrong, with the path of the key.
    pub(crate) fn address(&self, site: &str, board: Option<&str>) -> Result<String, PathFault> {
        let fault = |key: &str, message: String| (vec![key.to_owned()], message);
        let whole = Regex::new(&self.about.whole).map_err(|error| fault("preset", error.to_string()))?;
        if whole.is_match(site) {
            return Ok(site.to_owned());
        }
        let About { url, board: with_board, needs, boards, .. } = &self.about;
        let relative = match board {
            None => url.clone().ok_or_else(|| {
                fault("board", format!("is needed: {}", needs.as_deref().unwrap_or("the part of the site to read")))
            })?,
            Some(board) => match boards.get(board) {
                Some(address) => address.clone(),
                None => with_board
                    .as_ref()
                    .ok_or_else(|| fault("board", "has no meaning with this preset".into()))?
                    .replace("{board}", &encoded(board.trim_start_matches('#'))),
            },
        };
        let no_address = |error: url::ParseError| fault("url", format!("{site:?} is no address: {error}"));
        Ok(root(Url::parse(site).map_err(no_address)?).join(&relative).map_err(no_address)?.into())
    }
}

/// A board's name as it stands in an address.
fn encoded(board: &str) -> String {
    url::form_urlencoded::byte_serialize(board.as_bytes()).collect::<String>().replace('+', "%20")
}

/// The folder that an engine is installed in: `https://bbs.example/forum/index.php?x=1` is `https://bbs.example/forum/`.
pub(crate) fn root(mut url: Url) -> Url {
    url.set_query(None);
    url.set_fragment(None);
    let path = url.path().to_owned();
    let (folder, last) = path.rsplit_once('/').unwrap_or(("", &path));
    // What has a dot is a file.
    let folder = if last.is_empty() || last.contains('.') { format!("{folder}/") } else { format!("{path}/") };
    url.set_path(&folder);
    url
}

/// Puts the keys of `own` over those of a preset.
fn overlay(keys: &mut Table, own: &Table) {
    for (key, value) in own {
        match (keys.get_mut(key), value) {
            (Some(Value::Table(inner)), Value::Table(own)) if STRUCTURE.contains(&key.as_str()) => overlay(inner, own),
            _ => {
                keys.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Whether a table has the key of a path, or one of the tables around it holds another value in its place.
pub(crate) fn states(own: &Table, path: &[String]) -> bool {
    match path.split_first() {
        None => true,
        Some((first, rest)) => match own.get(first) {
            None => false,
            Some(Value::Table(inner)) => states(inner, rest),
            Some(_) => true,
        },
    }
}

#[cfg(test)]
mod engines;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Site;
    use jiff::tz::TimeZone;

    fn source(preset: &str, own: &str) -> Result<Source, PathFault> {
        find(preset).unwrap().source(&own.parse().unwrap())
    }

    /// Every preset is well formed, and complete with an address and a board.
    #[test]
    fn every_preset_is_a_source() {
        for name in names() {
            let preset = find(name).unwrap();
            assert!(!preset.about.about.is_empty());
            assert_eq!(preset.about.needs.is_some(), preset.about.url.is_none(), "{name}");
            let board = if preset.about.board.is_some() { "board = '2'" } else { "" };
            let source = source(name, &format!("id = 'x'\nurl = 'https://site.example'\n{board}")).unwrap();
            let site = Site::new(&source, TimeZone::UTC);
            assert!(site.is_ok(), "{name}: {site:#?}");
            let About { marks, home, answer, index, .. } = &preset.about;
            assert!(marks.iter().all(|mark| select::selector(mark).is_ok()), "{name}");
            assert!(home.iter().all(|home| Pick::new(home).is_ok()), "{name}");
            assert!(answer.iter().all(|answer| Path::new(answer).is_ok()), "{name}");
            assert!(
                index.iter().all(|index| select::selector(&index.link).is_ok() && select::regex(&index.number).is_ok())
            );
        }
    }

    #[test]
    fn the_table_above_names_every_preset() {
        let above: Vec<&str> = include_str!("preset.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `")?.split('`').next())
            .collect();
        assert_eq!(above, names().collect::<Vec<_>>());
    }

    #[test]
    fn the_address_of_a_board() {
        let address =
            |preset: &str, site: &str, board: Option<&str>| find(preset).unwrap().address(site, board).unwrap();
        for (preset, site, board, expected) in [
            ("discuz", "https://bbs.example", Some("2"), "https://bbs.example/forum.php?mod=forumdisplay&fid=2"),
            (
                "discuz",
                "https://bbs.example/bbs/index.php?x=1",
                Some("2"),
                "https://bbs.example/bbs/forum.php?mod=forumdisplay&fid=2",
            ),
            ("discuz", "https://bbs.example/forum-2-1.html", None, "https://bbs.example/forum-2-1.html"),
            ("phpbb", "https://f.example/phpbb", Some("7"), "https://f.example/phpbb/viewforum.php?f=7"),
            (
                "tieba",
                "https://t.example/",
                Some("抚琴 街"),
                "https://t.example/f?kw=%E6%8A%9A%E7%90%B4%20%E8%A1%97&ie=utf-8",
            ),
            ("mastodon", "https://m.example", Some("#水"), "https://m.example/api/v1/timelines/tag/%E6%B0%B4?limit=40"),
            ("mastodon", "https://m.example", Some("public"), "https://m.example/api/v1/timelines/public?limit=40"),
            ("wordpress-feed", "https://w.example/blog/", None, "https://w.example/blog/feed/"),
            ("isso", "https://c.example", Some("/a b/"), "https://c.example/?uri=%2Fa%20b%2F&nested_limit=1000"),
        ] {
            assert_eq!(address(preset, site, board), expected);
        }
        let (path, message) = find("discuz").unwrap().address("https://bbs.example", None).unwrap_err();
        assert!(path == ["board"] && message.contains("fid"), "{message}");
        assert!(find("discus").unwrap_err().contains("wordpress"));
    }

    #[test]
    fn what_the_config_says_overrides_the_preset() {
        let own = "id = 'x'\nurl = 'https://f.example'\nboard = '2'\n[list]\npages = 3\nnext = 'a.n@href'\n[thread.comments.fields]\ntext = { css = '.b' }";
        let source = source("phpbb", own).unwrap();
        let list = source.list.unwrap();
        assert_eq!((list.pages, list.item.as_str()), (3, "li.row:has(a.topictitle)"));
        let fields = source.thread.unwrap().comments.unwrap().fields;
        let expected = schemas::kit::settings::Detailed { css: ".b".into(), ..Default::default() };
        assert_eq!(fields["text"], schemas::kit::settings::Field::Detailed(expected), "a value is replaced whole");
        assert!(fields.contains_key("native_id"));
    }
}
