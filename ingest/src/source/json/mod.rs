//! Kind `json`: the posts of an HTTP API, and the comments under each, by JSONPath. From text to values; nothing here fetches.

pub(crate) mod field;
mod next;
pub(crate) mod path;
mod wrapping;

use super::{
    PathFault,
    draft::{Draft, short_id},
    feed::plain,
    html::check_format,
    link::address,
    listing::{Context, Found, ListPage, Row, Thread, ThreadPage, exact},
    media::Media,
    select,
};
use crate::times;
use field::{Pick, Template, is_none};
use next::Paging;
use path::Path;
use regex::Regex;
use schemas::{
    kit::settings::{Json, JsonComments, JsonField, Next, Order},
    records::Kind,
};
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use url::Url;

/// Items of an answer that are looked at, the newest of them.
const MAX_ITEMS: usize = 10_000;
const MAX_MEDIA: usize = 64;

/// A source's paths, compiled.
#[derive(Debug)]
pub(crate) struct JsonReader {
    items: Items,
    pub(crate) pages: u32,
    order: Order,
    comments: Option<Comments>,
}

/// How the items of an answer are read.
#[derive(Debug)]
struct Items {
    path: Path,
    written: String,
    fields: Fields,
    next: Option<Paging>,
    html: bool,
    time_format: Option<String>,
}

/// The comments under an item.
#[derive(Debug)]
struct Comments {
    url: Template,
    thread: Option<Regex>,
    items: Items,
    pages: u32,
}

/// The values of an item, compiled.
#[derive(Debug, Default)]
struct Fields {
    texts: Vec<(Slot, Pick)>,
    kind: Option<Pick>,
    changed: Option<Pick>,
    media: Option<Pick>,
}

type Slot = fn(&mut Draft) -> &mut Option<String>;

/// The names of values, and where they go. Beside them are `kind`, `changed` and `media`.
const NAMES: [(&str, Slot); 12] = [
    ("native_id", |draft| &mut draft.native_id),
    ("text", |draft| &mut draft.text),
    ("title", |draft| &mut draft.title),
    ("published_at", |draft| &mut draft.published_at),
    ("author", |draft| &mut draft.author),
    ("url", |draft| &mut draft.url),
    ("thread_id", |draft| &mut draft.thread_id),
    ("parent_id", |draft| &mut draft.parent_id),
    ("likes", |draft| &mut draft.likes),
    ("replies", |draft| &mut draft.replies),
    ("reposts", |draft| &mut draft.reposts),
    ("place", |draft| &mut draft.place),
];

impl JsonReader {
    /// # Errors
    /// Every fault, with the path of its key.
    pub(crate) fn new(json: &Json) -> Result<Self, Vec<PathFault>> {
        let mut faults = Vec::new();
        let Json { items, fields, next, html, time_format, .. } = json;
        let items = Items::new(&["json"], items, fields, next.as_ref(), *html, time_format.as_deref(), &mut faults);
        let comments = json.comments.as_ref().map(|comments| Comments::new(comments, json, &mut faults));
        if !(1..=1_000).contains(&json.pages) {
            add(&mut faults, &["json", "pages"], format!("{} is not between 1 and 1000", json.pages));
        }
        match items {
            Some(items) if faults.is_empty() => {
                Ok(Self { items, pages: json.pages, order: json.order, comments: comments.flatten() })
            }
            _ => Err(faults),
        }
    }

    /// Pages of one thread that a visit reads at most.
    pub(crate) fn thread_pages(&self) -> u32 {
        self.comments.as_ref().map_or(0, |comments| comments.pages)
    }

    /// Reads an answer with posts.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn list(&self, text: &str, url: &Url, context: &Context<'_>) -> Result<ListPage, String> {
        let answer = read(text)?;
        let mut items = self.items.of(&answer)?;
        let next = self.items.next.as_ref().and_then(|next| next.after(url, &answer, &items, context.link));
        if self.order == Order::Oldest {
            items.reverse();
        }
        items.truncate(MAX_ITEMS);
        let mut keys = HashSet::new();
        let rows = items.iter().map(|item| self.row(item, url, context));
        let mut rows: Vec<Row> = rows.filter(|row| keys.insert(row.key.clone())).collect();
        if self.order == Order::Oldest {
            // Some count as older what was not an answer to anything: only the time says which is the newest.
            rows.sort_by_key(|row| std::cmp::Reverse(row.published_at));
        }
        Ok(ListPage { rows, next, ..ListPage::default() })
    }

    fn row(&self, item: &Value, url: &Url, context: &Context<'_>) -> Row {
        let thread = self.comments.as_ref().and_then(|comments| address(url, &comments.url.fill_address(item)?));
        let found = self.items.post(item, None, url, context);
        let id = match &found {
            Ok(post) => post.native_id.clone(),
            // Even what cannot be a post is known again.
            Err(_) => short_id(&format!("?{:016x}", xxhash_rust::xxh3::xxh3_64(item.to_string().as_bytes()))),
        };
        let changed = self.items.fields.changed.as_ref().and_then(|pick| pick.from(item));
        // Where the list is one of changes, what it reaches back to is a change; anywhere else the later time claims less.
        let changed_at = changed.as_deref().and_then(|changed| times::read(changed, context.now, context.tz));
        let published_at = found.as_ref().ok().and_then(exact);
        let published_at = published_at.map(|at| changed_at.map_or(at, |(changed_at, _)| changed_at.max(at)));
        Row { key: id, changed, published_at, thread, posts: vec![found] }
    }

    /// Reads an answer with the comments under a post.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub(crate) fn thread(
        &self,
        text: &str,
        url: &Url,
        thread: &Thread<'_>,
        context: &Context<'_>,
    ) -> Result<ThreadPage, String> {
        let Some(comments) = &self.comments else { return Err("the source has no [source.json.comments]".into()) };
        let answer = read(text)?;
        let items = comments.items.of(&answer)?;
        let thread_id = match thread {
            Thread::First(address) => comments.id_in(address),
            Thread::Later(id) => Some((*id).to_owned()),
        };
        let next = comments.items.next.as_ref().and_then(|next| next.after(url, &answer, &items, context.link));
        let posts =
            items.iter().take(MAX_ITEMS).map(|item| comments.items.post(item, thread_id.as_deref(), url, context));
        let posts: Vec<Found> = posts.collect();
        let thread_id = thread_id.or_else(|| posts.iter().flatten().find_map(|post| post.thread_id.clone()));
        Ok(ThreadPage { thread_id, posts, next, login: false })
    }
}

impl Comments {
    fn new(comments: &JsonComments, json: &Json, faults: &mut Vec<PathFault>) -> Option<Self> {
        let path = ["json", "comments"];
        let JsonComments { items, fields, next, .. } = comments;
        let items = Items::new(&path, items, fields, next.as_ref(), json.html, json.time_format.as_deref(), faults);
        let url = note(faults, &[&path[..], &["url"]].concat(), required(&comments.url).and_then(Template::new));
        let thread = match &comments.thread {
            None => Some(None),
            Some(thread) => note(faults, &[&path[..], &["thread"]].concat(), select::regex(thread)).map(Some),
        };
        if !(1..=1_000).contains(&comments.pages) {
            add(faults, &["json", "comments", "pages"], format!("{} is not between 1 and 1000", comments.pages));
        }
        Some(Self { url: url?, thread: thread?, items: items?, pages: comments.pages })
    }

    fn id_in(&self, address: &Url) -> Option<String> {
        let found = self.thread.as_ref()?.captures(address.as_str())?;
        Some(found.get(1).or_else(|| found.get(0))?.as_str().to_owned())
    }
}

impl Items {
    fn new(
        path: &[&str],
        items: &str,
        fields: &BTreeMap<String, JsonField>,
        next: Option<&Next>,
        html: bool,
        time_format: Option<&str>,
        faults: &mut Vec<PathFault>,
    ) -> Option<Self> {
        let within = |key| [path, &[key]].concat();
        let compiled = note(faults, &within("items"), required(items).and_then(Path::new));
        let compiled_fields = Fields::new(&within("fields"), fields, faults);
        let compiled_next = match next {
            None => Some(None),
            Some(next) => note(faults, &within("next"), Paging::new(next)).map(Some),
        };
        if let Some(format) = time_format {
            note(faults, &["json", "time_format"], check_format(format));
        }
        Some(Self {
            path: compiled?,
            written: items.to_owned(),
            fields: compiled_fields,
            next: compiled_next?,
            html,
            time_format: time_format.map(str::to_owned),
        })
    }

    /// The items of an answer.
    fn of<'v>(&self, answer: &'v Value) -> Result<Vec<&'v Value>, String> {
        let items = self.path.all(answer);
        if items.is_empty() && !self.is_an_empty_list(answer) {
            return Err(format!("items: {} matches nothing: {}", self.written, path::shown(answer)));
        }
        Ok(items)
    }

    /// Whether there is a list where the items would be, without any: there is nothing to read, and nothing wrong.
    fn is_an_empty_list(&self, answer: &Value) -> bool {
        if answer.as_array().is_some_and(Vec::is_empty) {
            return true;
        }
        let Some((list, _)) = self.written.rsplit_once('[') else { return false };
        Path::new(list.trim_end_matches('.'))
            .is_ok_and(|list| list.all(answer).iter().any(|list| list.as_array().is_some_and(Vec::is_empty)))
    }

    fn post(&self, item: &Value, thread_id: Option<&str>, url: &Url, context: &Context<'_>) -> Found {
        let mut draft = self.fields.draft(item);
        let kind = match self.fields.kind.as_ref().and_then(|pick| pick.from(item)).as_deref() {
            Some("comment") => Kind::Comment,
            Some("repost") => Kind::Repost,
            Some("report") => Kind::Report,
            Some(_) => Kind::Post,
            None if thread_id.is_some() => Kind::Comment,
            None => Kind::Post,
        };
        for id in [&mut draft.thread_id, &mut draft.parent_id] {
            id.take_if(|id| is_none(id));
        }
        if kind == Kind::Comment {
            draft.thread_id = draft.thread_id.or_else(|| thread_id.map(str::to_owned));
            draft.parent_id = draft.parent_id.or_else(|| draft.thread_id.clone());
        }
        draft.url = draft.url.and_then(|link| address(url, &link)).map(String::from);
        if self.html {
            for text in [&mut draft.text, &mut draft.title, &mut draft.place].into_iter().flatten() {
                *text = plain(text);
            }
        }
        draft.finish(context.source, kind, self.time_format.as_deref(), context.now, context.tz)
    }
}

impl Fields {
    fn new(path: &[&str], fields: &BTreeMap<String, JsonField>, faults: &mut Vec<PathFault>) -> Self {
        let mut compiled = Self::default();
        for (name, field) in fields {
            let path = [path, &[name.as_str()]].concat();
            let slot = NAMES.iter().find(|(known, _)| known == name).map(|(_, slot)| *slot);
            if slot.is_none() && !["kind", "changed", "media"].contains(&name.as_str()) {
                let known: Vec<_> = NAMES.iter().map(|(known, _)| *known).collect();
                let known = known.join(", ");
                add(faults, &path, format!("unknown value `{name}`: known are {known}, kind, changed, media"));
                continue;
            }
            // Goes on after a fault: every one is to be named.
            let Some(pick) = note(faults, &path, Pick::new(field)) else { continue };
            match (slot, name.as_str()) {
                (Some(slot), _) => compiled.texts.push((slot, pick)),
                (None, "kind") => compiled.kind = Some(pick),
                (None, "changed") => compiled.changed = Some(pick),
                (None, _) => compiled.media = Some(pick),
            }
        }
        for name in ["native_id", "text", "published_at"].into_iter().filter(|name| !fields.contains_key(*name)) {
            add(faults, path, format!("`{name}` is required"));
        }
        compiled
    }

    fn draft(&self, item: &Value) -> Draft {
        let mut draft = Draft::default();
        for (slot, pick) in &self.texts {
            *slot(&mut draft) = pick.from(item);
        }
        let links = self.media.as_ref().map(|pick| pick.all(item)).unwrap_or_default();
        draft.media = links.into_iter().take(MAX_MEDIA).map(|link| Media { link, alt: String::new() }).collect();
        draft
    }
}

/// An answer as a value.
///
/// # Errors
/// Why it is none.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let text = wrapping::unwrapped(text);
    serde_json::from_str(text).map_err(|error| {
        let begin: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
        format!("the answer is no JSON: {error}; it begins {begin:?}")
    })
}

fn required(value: &str) -> Result<&str, String> {
    if value.is_empty() { Err("is required".into()) } else { Ok(value) }
}

fn add(faults: &mut Vec<PathFault>, path: &[&str], message: String) {
    faults.push((path.iter().map(|&key| key.to_owned()).collect(), message));
}

fn note<T>(faults: &mut Vec<PathFault>, path: &[&str], compiled: Result<T, String>) -> Option<T> {
    compiled.map_err(|message| add(faults, path, message)).ok()
}

#[cfg(test)]
mod tests;
