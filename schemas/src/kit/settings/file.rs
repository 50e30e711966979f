//! What a `[[source]]` of kind `file` is told beside `path`, `pattern`, `encoding` and `[source.columns]`; and `[source.official]`.
//!
//! A hotline's export, as it may stand in a config:
//!
//! ```toml
//! [[source]]
//! id = "hotline"
//! name = "12345热线"
//! kind = "file"
//! path = "/srv/hotline"           # .jsonl, .ndjson, .csv, .tsv and .xlsx are read, and no folder within it
//! pattern = "工单*"
//! every = "30s"
//!
//! [source.file]
//! kind = "report"
//! time_formats = ["%Y/%m/%d %H:%M"]
//! done = "move"
//!
//! [source.columns]                # a heading, and the door's key that it is; "ignore" for what is not to be taken
//! "工单编号" = "native_id"
//! "诉求内容" = "text"
//! "来电时间" = "published_at"
//! "承办单位" = "reply.by"
//! "答复内容" = "reply.text"
//! "答复时间" = "reply.published_at"
//! "联系电话" = "ignore"
//! ```
//!
//! Hand a file in under a name that begins with a dot or ends in `.tmp`, `.part` or `.filepart` and rename it when it is whole;
//! or write it under its own name: it is read once its size and time have not changed from one look to the next.

use crate::records::Kind;
use serde::Deserialize;

/// `[source.file]`
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FileSettings {
    /// What a row is, where none of its columns says so: post, comment, repost or report; a post when this is missing.
    pub kind: Option<Kind>,
    /// The source that rows are of, where none of their columns says so; this source's own id when it is missing.
    pub source: Option<String>,
    /// The place that rows state, where none of their columns does.
    pub place: Option<String>,
    /// xlsx: the sheet's name; the first sheet when it is missing.
    pub sheet: Option<String>,
    /// csv and xlsx: the row that holds the headings, from 1; the first that is not blank when it is missing.
    pub header: Option<u32>,
    /// csv: what stands between two values, one character; found out from the headings when it is missing.
    pub delimiter: Option<String>,
    /// The timezone that times are written in; the config's own when it is missing.
    pub timezone: Option<String>,
    /// How times are written, as in strftime, tried in this order. RFC 3339, the common Chinese forms and dates as spreadsheets keep
    /// them are understood without it.
    pub time_formats: Vec<String>,
    /// What becomes of a file that has been read.
    pub done: Done,
}

/// What becomes of a file that has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Done {
    /// It stays where it is, and is remembered.
    #[default]
    Keep,
    /// It goes to `done/` within the folder; one that holds anything that was refused goes to `failed/`, with a report beside it.
    Move,
}

/// `[source.official]`: the source is the official voice (官方号) of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Official {
    /// The unit's id.
    pub unit: String,
    /// The names under which the unit writes. Needed where others post on the site too, and for the unit's answers to be known
    /// from the comments beside them; without it all posts are the unit's, and all comments are other people's.
    #[serde(default)]
    pub author: Vec<String>,
}
