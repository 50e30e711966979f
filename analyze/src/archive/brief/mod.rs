//! Briefs drafted from the archive: 快报 of one matter, 日报 and 周报 of a period, as HTML or Word.
//!
//! Every number is the answer to a search and links to it; nothing else is said. Parts:
//!
//! * [`order`]: what a brief is about, and over which time. Pure.
//! * [`ask`]: the search behind a number, and its address. Pure.
//! * [`draft()`]: figures, curve and samples from answers. Pure.
//! * [`html()`], [`docx()`]: a brief as a file; `clean`: what passes into both. Pure.

pub mod ask;
mod clean;
pub mod docx;
pub mod draft;
pub mod html;
pub mod order;

pub use docx::docx;
pub use draft::{Brief, draft};
pub use html::html;
pub use order::{BadOrder, Kind, Order, Wanted};

use super::{Archive, search::SearchError};
use crate::query::Context;
use ask::Ask;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// The longest query that the search page takes, in characters.
const LONGEST_QUERY: usize = 1_000;

/// How the file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// A page.
    Html,
    /// A Word file.
    Docx,
}

impl Format {
    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Docx => docx::MEDIA_TYPE,
        }
    }

    /// The ending of its files' names.
    #[must_use]
    pub fn ending(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Docx => "docx",
        }
    }

    /// A brief as a file of this format.
    ///
    /// # Errors
    /// When it cannot be zipped.
    pub fn write(self, brief: &Brief, links: &Links) -> Result<Vec<u8>, zip::result::ZipError> {
        match self {
            Self::Html => Ok(html(brief, links).into_bytes()),
            Self::Docx => docx(brief, links),
        }
    }
}

/// Where the console is, to which figures link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links(String);

impl Links {
    /// Those of `[http] public_url`. Without it they are relative, and open from a page of the console alone.
    #[must_use]
    pub fn to(public_url: Option<&str>) -> Self {
        Self(public_url.unwrap_or_default().trim_end_matches('/').to_owned())
    }

    /// The address of a search.
    #[must_use]
    pub fn of(&self, ask: &Ask) -> String {
        ask.address(&self.0)
    }

    /// What a reader must know of them.
    fn note(&self) -> Option<&'static str> {
        self.0.is_empty().then_some("未配置 [http] public_url：数字的链接只在望楼网页内打开时有效。")
    }
}

impl Archive {
    /// Drafts a brief, until `deadline` at the longest.
    ///
    /// # Errors
    /// See [`SearchError`].
    pub fn brief(&self, order: &Order, context: &Context, deadline: Instant) -> Result<Brief, SearchError> {
        draft(order, context, &mut |search| self.search(search, deadline))
    }
}
