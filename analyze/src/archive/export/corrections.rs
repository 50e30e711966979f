//! Corrected posts as lines of JSON, as `wanglou train sentiment --corrections` reads them: `text` is what a model learns from, and
//! `sentiment` is there where a person has corrected it. The other keys say what else was corrected.

use super::ExportError;
use crate::{
    archive::{
        Archive,
        search::{Search, Sort},
    },
    query::{Filter, Query, field::Flag},
};
use schemas::records::{AnalyzedPost, Category, Corrected, CorrectedField, Label, PlaceFound};
use serde::Serialize;
use std::io::{self, BufWriter, Write};

/// A line.
#[derive(Serialize)]
struct Line<'p> {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sentiment: Option<Label>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<Option<&'p Category>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    places: Option<&'p [PlaceFound]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<Option<&'p str>>,
    post: &'p str,
    by: &'p str,
    at: jiff::Timestamp,
}

impl Archive {
    /// Writes all posts that people have corrected, the oldest first. Returns how many.
    ///
    /// # Errors
    /// When they cannot be found or written.
    pub fn export_corrections(&self, out: impl Write) -> Result<u64, ExportError> {
        let mut out = BufWriter::with_capacity(1 << 16, out);
        let query = Flag::find("corrected").map_or(Query::All, |field| Query::Filter(Filter::Flag { field, is: true }));
        let rows = self.each(&Search { sort: Sort::Oldest, ..Search::new(query) }, |post, _| {
            let Some(line) = line(&post) else { return Ok(()) };
            serde_json::to_writer(&mut out, &line).map_err(io::Error::from)?;
            Ok(out.write_all(b"\n")?)
        })?;
        out.flush()?;
        Ok(rows)
    }
}

fn line(post: &AnalyzedPost) -> Option<Line<'_>> {
    let Corrected { by, at, fields, .. } = post.corrected.as_ref()?;
    let is = |field| fields.contains(&field);
    let text = match &post.title {
        Some(title) => format!("{title}\n{}", post.text),
        None => post.text.clone(),
    };
    Some(Line {
        text,
        sentiment: post.sentiment.filter(|_| is(CorrectedField::Sentiment)).map(|sentiment| sentiment.label),
        category: is(CorrectedField::Category).then_some(post.category.as_ref()),
        places: is(CorrectedField::Places).then_some(&post.places[..]),
        unit: is(CorrectedField::Unit).then_some(post.unit.as_ref().map(|unit| unit.id.as_str())),
        post: &post.id,
        by,
        at: *at,
    })
}
