//! `wanglou source try`: fetches a source once, as a visit would (robots.txt, pace, no private addresses), and tells what would be
//! extracted, field by field, and what failed and why. Nothing is stored.
//!
//! | given | tried |
//! |---|---|
//! | the id of a source in the config | that source |
//! | an address and a preset | the preset there |
//! | an address alone | what its page turns out to be: a feed, a page that links to one, JSON or a page of a known engine |

mod add;
mod detect;
mod explain;
mod print;

pub use add::{AddError, add, id_of, table};
pub use explain::KeyFound;

use super::{Site, expanded, own_tables, preset};
use crate::{
    charset::{self, Decoded},
    door::admit,
    privacy::AuthorKey,
    source::listing::{Context as Reading, Found, Row, Thread},
    web::fetch::{Fetched, Fetcher, Page, Request, Validators},
};
use anyhow::{Context, Result, anyhow};
use detect::Detected;
use jiff::Timestamp;
use schemas::{
    kit::settings::{Settings, Source},
    records::{RawPost, Via},
};
use serde::Serialize;
use url::Url;

/// Threads that are looked into.
const THREADS: usize = 2;
/// Rows, and posts of a page, that are shown.
const SHOWN: usize = 5;

/// What is to be tried.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The id of a source in the config, or an address.
    pub target: String,
    /// With an address: the preset.
    pub preset: Option<String>,
    /// With an address: the board, by its number or its name.
    pub board: Option<String>,
    /// With an address: it may lie in a private range.
    pub allow_private: bool,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Trial {
    /// What was tried, and how it is known that it is that.
    pub what: String,
    /// The preset that was used.
    pub preset: Option<String>,
    /// The address of the list; with a preset, of the site.
    pub url: String,
    /// With a preset: the board.
    pub board: Option<String>,
    /// Whether the source's address lies in a private range and may.
    pub allow_private: bool,
    /// The pages that were fetched.
    pub pages: Vec<TriedPage>,
    /// What should be looked at.
    pub problems: Vec<String>,
}

/// A page that was fetched.
#[derive(Debug, Default, Serialize)]
pub struct TriedPage {
    /// `list`, or `thread`.
    pub role: &'static str,
    /// Where it was found in the end.
    pub url: String,
    /// Size, encoding, and what else its fetching told.
    pub fetched: String,
    /// How many rows, or posts, it holds.
    pub found: usize,
    /// The first rows of a list.
    pub rows: Vec<TriedRow>,
    /// The first posts, as the door would let them in, or the reason why it would not.
    pub posts: Vec<Result<RawPost, String>>,
    /// The next page.
    pub next: Option<String>,
    /// Key by key: what its selector or path finds.
    pub keys: Vec<KeyFound>,
}

/// A row of a list.
#[derive(Debug, Serialize)]
pub struct TriedRow {
    /// What names it for ever.
    pub key: String,
    /// What changes when somebody answers.
    pub changed: Option<String>,
    /// When it was published, where the list says so.
    pub published_at: Option<String>,
    /// The page behind it.
    pub thread: Option<String>,
}

impl Trial {
    /// Whether posts came out.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.pages.iter().any(|page| page.posts.iter().any(Result::is_ok))
    }
}

/// Tries a source.
///
/// # Errors
/// When there is nothing to be tried: no such source, a fault of its table, an address that cannot be read.
pub async fn try_source(settings: &Settings, wanted: &Wanted) -> Result<Trial> {
    let bench = Bench::new(settings)?;
    let mut trial = Trial::default();
    let source = match bench.source(wanted, &mut trial).await? {
        Some(source) => source,
        // What is wrong has been said.
        None => return Ok(trial),
    };
    let site = Site::new(&source, settings.tz()).map_err(|faults| {
        let faults: Vec<_> = faults.iter().map(|(path, message)| format!("{}: {message}", path.join("."))).collect();
        anyhow!("{}", faults.join("\n"))
    })?;
    bench.pages(&site, &source, &mut trial).await;
    Ok(trial)
}

/// What a trial needs.
struct Bench<'a> {
    settings: &'a Settings,
    fetcher: Fetcher,
    key: AuthorKey,
}

impl<'a> Bench<'a> {
    fn new(settings: &'a Settings) -> Result<Self> {
        let fetcher = Fetcher::new(&settings.crawl).context("the HTTP client")?;
        // Pseudonyms of a trial mean nothing, and none should be able to make them mean something.
        let key = AuthorKey::new(&rand::random::<[u8; 32]>())?;
        Ok(Self { settings, fetcher, key })
    }

    /// The source that is wanted; none when it is not to be found out, which the trial then tells.
    async fn source(&self, wanted: &Wanted, trial: &mut Trial) -> Result<Option<Source>> {
        if !wanted.target.contains("://") {
            let number = self.settings.source.iter().position(|source| source.get_ref().id == wanted.target);
            let number = number.with_context(|| {
                let known: Vec<_> = self.settings.source.iter().map(|source| source.get_ref().id.as_str()).collect();
                format!(
                    "there is no source {:?} in the config (it has: {}), and an address begins with https://",
                    wanted.target,
                    known.join(", ")
                )
            })?;
            let own = own_tables(self.settings).into_iter().nth(number).unwrap_or_default();
            let source =
                expanded(self.settings.source[number].get_ref(), &own).map_err(|faults| anyhow!("{faults:?}"))?;
            trial.what = format!("source {:?} of the config", source.id);
            trial.url.clone_from(&source.url);
            return Ok(Some(source));
        }
        let start = Url::parse(&wanted.target).with_context(|| format!("{:?} is no address", wanted.target))?;
        trial.allow_private = wanted.allow_private;
        let mut site = start.clone();
        let (name, why) = match &wanted.preset {
            Some(preset) => (preset.clone(), "as asked for".to_owned()),
            None => {
                let (page, decoded) = match self.fetch(&start, wanted.allow_private, trial).await {
                    Some(fetched) => fetched,
                    None => return Ok(None),
                };
                match detect::detect(&decoded.text, &page.url) {
                    Detected::Feed(url, why) => return Ok(Some(self.feed(&url, &why, wanted, trial)?)),
                    Detected::Engine { preset, home, why } => {
                        site = home;
                        (preset.to_owned(), why)
                    }
                    Detected::Unknown(why) => {
                        trial.problems.push(format!("{start}: {why}"));
                        return Ok(None);
                    }
                }
            }
        };
        let preset = preset::find(&name).map_err(anyhow::Error::msg)?;
        let mut board = wanted.board.clone();
        if let (Some(board), Some(known)) = (&mut board, preset.boards())
            && !board.bytes().all(|byte| byte.is_ascii_digit())
            && let Some((_, decoded)) = self.fetch(&preset::root(site.clone()), wanted.allow_private, trial).await
        {
            let boards = known.of(&decoded.text);
            match boards.iter().find(|(_, name)| name == board) {
                Some((number, _)) => board.clone_from(number),
                None => trial.problems.push(format!("there is no board {board:?} on {site}: {}", listed(&boards))),
            }
        }
        if let Err((_, message)) = preset.address(site.as_str(), board.as_deref()) {
            trial.problems.push(format!("{name}: {message}"));
            if let Some(known) = preset.boards()
                && let Some((_, decoded)) = self.fetch(&preset::root(site.clone()), wanted.allow_private, trial).await
            {
                trial.problems.push(format!("boards on {site}: {}", listed(&known.of(&decoded.text))));
            }
            return Ok(None);
        }
        trial.what = format!("preset {name} ({}), {why}", preset.about.about);
        (trial.preset, trial.board) = (Some(name), board);
        site.as_str().clone_into(&mut trial.url);
        let table = table("trial", "", trial).parse::<toml::Table>()?;
        let own = table.get("source").and_then(|sources| sources.get(0)?.as_table()).cloned().unwrap_or_default();
        Ok(Some(preset.source(&own).map_err(|(path, message)| anyhow!("{}: {message}", path.join(".")))?))
    }

    fn feed(&self, url: &Url, why: &str, wanted: &Wanted, trial: &mut Trial) -> Result<Source> {
        trial.what = format!("a feed, {why}");
        url.as_str().clone_into(&mut trial.url);
        trial.allow_private = wanted.allow_private;
        let settings = Settings::parse(&table("trial", "", trial), []).map_err(|faults| anyhow!("{faults:?}"))?;
        settings.source.into_iter().next().map(schemas::kit::settings::Spanned::into_inner).context("no source")
    }

    /// A page for finding out what it is.
    async fn fetch(&self, url: &Url, allow_private: bool, trial: &mut Trial) -> Option<(Page, Decoded)> {
        let validators = Validators::default();
        let request = Request { url, home: url, allow_private, validators: &validators, headers: &[], accept: None };
        match self.fetcher.fetch(&request).await {
            Ok(Fetched::Page(page)) => {
                let decoded = charset::decode(&page.body, None, page.charset.as_deref());
                Some((*page, decoded))
            }
            Ok(Fetched::NotModified) => None,
            Err(error) => {
                trial.problems.push(format!("{url}: {error}"));
                None
            }
        }
    }

    /// The list, and the first threads.
    async fn pages(&self, site: &Site, source: &Source, trial: &mut Trial) {
        let Some((page, decoded)) = self.fetch_of(site, &site.start, trial).await else { return };
        let now = Timestamp::now();
        let context = Reading { source: &site.id, now, tz: &site.tz, link: page.next.as_ref() };
        let mut tried = TriedPage {
            role: "list",
            fetched: told(&page, &decoded),
            url: page.url.to_string(),
            ..TriedPage::default()
        };
        tried.keys = explain::list(source, &decoded.text);
        let list = match site.reader.list(&decoded.text, &page.url, &context) {
            Ok(list) => list,
            Err(error) => {
                trial.problems.push(format!("{}: {error}", page.url));
                trial.pages.push(tried);
                return;
            }
        };
        tried.found = list.rows.len();
        tried.next = list.next.as_ref().map(Url::to_string);
        tried.rows = list.rows.iter().take(SHOWN).map(shown).collect();
        let carried: Vec<&Found> = list.rows.iter().flat_map(|row| &row.posts).collect();
        tried.posts = self.admitted(carried.iter().copied(), now);
        if list.rows.is_empty() {
            let why = if list.login { "it asks for a log-in" } else { "no rows" };
            trial.problems.push(format!("{}: {why}", page.url));
        }
        trial.problems.extend(tried.keys.iter().filter_map(KeyFound::problem));
        trial.pages.push(tried);
        let threads: Vec<Url> = list.rows.iter().filter_map(|row| row.thread.clone()).take(THREADS).collect();
        for thread in threads {
            self.thread(site, source, &thread, trial).await;
        }
    }

    async fn thread(&self, site: &Site, source: &Source, address: &Url, trial: &mut Trial) {
        let Some((page, decoded)) = self.fetch_of(site, address, trial).await else { return };
        let now = Timestamp::now();
        let context = Reading { source: &site.id, now, tz: &site.tz, link: page.next.as_ref() };
        let mut tried = TriedPage {
            role: "thread",
            fetched: told(&page, &decoded),
            url: page.url.to_string(),
            ..TriedPage::default()
        };
        tried.keys = explain::thread(source, &decoded.text);
        match site.reader.thread(&decoded.text, &page.url, &Thread::First(address), &context) {
            Ok(thread) => {
                tried.found = thread.posts.len();
                tried.next = thread.next.as_ref().map(Url::to_string);
                tried.posts = self.admitted(thread.posts.iter(), now);
                if thread.login {
                    trial.problems.push(format!("{address}: it asks for a log-in"));
                }
            }
            Err(error) => trial.problems.push(format!("{address}: {error}")),
        }
        for problem in tried.keys.iter().filter_map(KeyFound::problem) {
            if !trial.problems.contains(&problem) {
                trial.problems.push(problem);
            }
        }
        trial.pages.push(tried);
    }

    async fn fetch_of(&self, site: &Site, url: &Url, trial: &mut Trial) -> Option<(Page, Decoded)> {
        let validators = Validators::default();
        let request = Request {
            url,
            home: &site.start,
            allow_private: site.allow_private,
            validators: &validators,
            headers: &site.headers.0,
            accept: None,
        };
        match self.fetcher.fetch(&request).await {
            Ok(Fetched::Page(page)) => {
                let decoded = charset::decode(&page.body, site.encoding, page.charset.as_deref());
                Some((*page, decoded))
            }
            Ok(Fetched::NotModified) => None,
            Err(error) => {
                trial.problems.push(format!("{url}: {error}"));
                None
            }
        }
    }

    /// As the door would let them in: masked, authors as pseudonyms.
    fn admitted<'f>(&self, found: impl Iterator<Item = &'f Found>, now: Timestamp) -> Vec<Result<RawPost, String>> {
        let admitted = found.take(SHOWN).map(|found| match found {
            Ok(post) => admit(post.clone(), Via::Crawl, now, &self.key),
            Err(reject) => Err(reject.reason.clone()),
        });
        admitted.collect()
    }
}

fn shown(row: &Row) -> TriedRow {
    TriedRow {
        key: row.key.clone(),
        changed: row.changed.clone(),
        published_at: row.published_at.map(|at| at.to_string()),
        thread: row.thread.as_ref().map(Url::to_string),
    }
}

fn told(page: &Page, decoded: &Decoded) -> String {
    let broken = match decoded.broken {
        0 => String::new(),
        broken => format!(", {broken} broken places"),
    };
    format!("HTTP {}, {} bytes, {}{broken}", page.status, page.body.len(), decoded.encoding)
}

fn listed(boards: &[(String, String)]) -> String {
    if boards.is_empty() {
        return "its first page names none".into();
    }
    boards.iter().take(40).map(|(number, name)| format!("{number} {name}")).collect::<Vec<_>>().join(", ")
}
