//! What a document of the archive is made of, and how one is made of a post.
//!
//! | field | indexed | column | stored | for |
//! |---|---|---|---|---|
//! | `id` | as one term | | | verdicts, revisions |
//! | `id_hash` | | u64 | | the filters of seen ids; breaks ties when sorting |
//! | `content`, `likes`, `replies`, `reposts`, `published_at`, `precision`, `clamped` | | each | | verdicts; sorting, ranges |
//! | `source`, `kind`, `sentiment`, `topic` | as one term each | | | filters |
//! | `title_chars`, `text_chars` | characters, with positions | | | finding any substring |
//! | `title_words`, `text_words` | words, with frequencies | | | relevance |
//! | `post` | | | yes | the record of posts.analyzed, as it stands on the wire |
//! | `cluster` | | u64 | | collapsing near-copies: hash of the founding post's id |
//! | `thread`, `parent` | as one term each | | | the thread view: the source's own ids |
//! | `flag` | as one term each | | | filters: those of [`FLAGS`] that are so |
//! | a field for each level of [`KEYWORDS`] that has none above | as one term each | | | filters, facets |
//!
//! The stored record is versioned like any record of the log, so a new optional key of it needs no new index.
//!
//! A new field goes to the end. A month that was made before it is searched, and takes posts, without it ([`is_earlier`], [`fitted`]) until
//! it is built anew; a query that asks for the field must ask the month whether it has it. Any other change of the schema
//! would need the archive to be built from the log.

use super::{tokens, verdict, verdict::Known};
use crate::{
    query::{
        Facts,
        field::{FLAGS, KEYWORDS},
    },
    understand::Normal,
};
use schemas::records::{AnalyzedPost, Counts, Precision};
use std::sync::LazyLock;
use tantivy::{
    Index, SegmentReader, TantivyDocument,
    columnar::Column,
    schema::{BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions},
};

/// A post as the index takes it.
pub(crate) type Document = TantivyDocument;

/// The fields, by name as in the table above.
pub(crate) struct Fields {
    pub(super) schema: Schema,
    pub(super) id: Field,
    pub(super) id_hash: Field,
    pub(super) content: Field,
    pub(super) likes: Field,
    pub(super) replies: Field,
    pub(super) reposts: Field,
    pub(super) published_at: Field,
    pub(super) precision: Field,
    pub(super) clamped: Field,
    pub(super) title_chars: Field,
    pub(super) text_chars: Field,
    pub(super) title_words: Field,
    pub(super) text_words: Field,
    pub(super) post: Field,
    pub(super) cluster: Field,
    pub(super) thread: Field,
    pub(super) parent: Field,
    pub(super) flag: Field,
    // For each level of each row of KEYWORDS, its name and field.
    keywords: Vec<(&'static str, Field)>,
}

/// A longer value is no name of anything: it is left out of its field.
const LONGEST_VALUE: usize = 1_000;

/// The one schema of all months.
pub(crate) static FIELDS: LazyLock<Fields> = LazyLock::new(Fields::new);

impl Fields {
    fn new() -> Self {
        let mut schema = Schema::builder();
        let column = || NumericOptions::default().set_fast();
        let tokens = |tokenizer: &str, option, norms| {
            let indexing = TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option);
            TextOptions::default().set_indexing_options(indexing.set_fieldnorms(norms))
        };
        let term = || tokens("raw", IndexRecordOption::Basic, false);
        let chars = || tokens("characters", IndexRecordOption::WithFreqsAndPositions, false);
        let words = || tokens("words", IndexRecordOption::WithFreqs, true);
        let mut fields = Self {
            id: schema.add_text_field("id", term()),
            id_hash: schema.add_u64_field("id_hash", column()),
            content: schema.add_u64_field("content", column()),
            likes: schema.add_u64_field("likes", column()),
            replies: schema.add_u64_field("replies", column()),
            reposts: schema.add_u64_field("reposts", column()),
            published_at: schema.add_i64_field("published_at", column()),
            precision: schema.add_u64_field("precision", column()),
            clamped: schema.add_bool_field("clamped", column()),
            keywords: ["source", "kind", "sentiment", "topic"]
                .map(|name| (name, schema.add_text_field(name, term())))
                .to_vec(),
            title_chars: schema.add_text_field("title_chars", chars()),
            text_chars: schema.add_text_field("text_chars", chars()),
            title_words: schema.add_text_field("title_words", words()),
            text_words: schema.add_text_field("text_words", words()),
            post: schema.add_bytes_field("post", BytesOptions::default().set_stored()),
            cluster: schema.add_u64_field("cluster", column()),
            thread: schema.add_text_field("thread", term()),
            parent: schema.add_text_field("parent", term()),
            flag: schema.add_text_field("flag", term()),
            schema: Schema::builder().build(),
        };
        // Last, so that a row that is added to the table later adds its field at the end.
        for level in KEYWORDS.iter().flat_map(|field| field.levels) {
            if fields.keyword(level.name).is_none() {
                fields.keywords.push((level.name, schema.add_text_field(level.name, term())));
            }
        }
        fields.schema = schema.build();
        fields
    }

    /// The field of a level of [`KEYWORDS`].
    pub(super) fn keyword(&self, level: &str) -> Option<Field> {
        self.keywords.iter().find(|(name, _)| *name == level).map(|(_, field)| *field)
    }

    /// A document of a post: `post` as it is stored, `wire` its bytes, its title and text normalised, `known` what verdicts will need.
    pub(crate) fn document(
        &self,
        post: &AnalyzedPost,
        wire: &[u8],
        [title, body]: [&Normal; 2],
        id_hash: u64,
        known: &Known,
    ) -> Document {
        let mut document = TantivyDocument::new();
        document.add_text(self.id, &post.id);
        document.add_u64(self.id_hash, id_hash);
        document.add_u64(self.content, known.content);
        document.add_u64(self.likes, known.counts.likes);
        document.add_u64(self.replies, known.counts.replies);
        document.add_u64(self.reposts, known.counts.reposts);
        document.add_i64(self.published_at, super::dates::nanos(known.published_at));
        document.add_u64(self.precision, precision_to_u64(known.precision));
        document.add_bool(self.clamped, known.clamped);
        let facts = Facts::of(post);
        for field in &KEYWORDS {
            for level in field.levels {
                let Some(of_index) = self.keyword(level.name) else { continue };
                for value in (level.values)(&facts).into_iter().filter(|value| value.len() <= LONGEST_VALUE) {
                    document.add_text(of_index, field.normal(value));
                }
            }
        }
        if let Some(founder) = facts.cluster {
            document.add_u64(self.cluster, verdict::id_hash(founder));
        }
        document.add_text(self.thread, thread_of(post));
        if let Some(parent) = &post.parent_id {
            document.add_text(self.parent, parent);
        }
        for flag in FLAGS.iter().filter(|flag| (flag.of)(&facts)) {
            document.add_text(self.flag, flag.name);
        }
        let mut text = |normal: &Normal, chars, words| {
            if !normal.folded.is_empty() {
                document.add_text(chars, &normal.folded);
                document.add_text(words, &normal.words);
            }
        };
        text(title, self.title_chars, self.title_words);
        text(body, self.text_chars, self.text_words);
        document.add_bytes(self.post, wire);
        document
    }
}

/// Whether an index of the schema `found` can be used where `wanted` is today's: it has the first fields of it, or all.
pub(super) fn is_earlier(found: &Schema, wanted: &Schema) -> bool {
    found.num_fields() <= wanted.num_fields()
        && found.fields().zip(wanted.fields()).all(|(found, wanted)| found == wanted)
}

/// A document without the fields that an earlier schema does not have.
pub(super) fn fitted(document: Document, schema: &Schema) -> Document {
    let has = |field: Field| (field.field_id() as usize) < schema.num_fields();
    if document.field_values().all(|(field, _)| has(field)) {
        return document;
    }
    let mut fitted = TantivyDocument::new();
    for (field, value) in document.field_values().filter(|(field, _)| has(*field)) {
        fitted.add_field_value(field, value);
    }
    fitted
}

/// Gives an index the tokenizers that the schema names.
pub(super) fn register_tokenizers(index: &Index) {
    index.tokenizers().register("characters", tokens::Characters::default());
    index.tokenizers().register("words", tokens::Words::default());
}

/// The source's own id of the thread that a post is in; one that opens a thread may name none, and is it.
pub(super) fn thread_of(post: &AnalyzedPost) -> &str {
    post.thread_id.as_deref().unwrap_or_else(|| native_id(post))
}

/// The source's own id of a post.
pub(super) fn native_id(post: &AnalyzedPost) -> &str {
    post.id.strip_prefix(&post.source).and_then(|rest| rest.strip_prefix(':')).unwrap_or(&post.id)
}

fn precision_to_u64(precision: Precision) -> u64 {
    match precision {
        Precision::Second => 0,
        Precision::Minute => 1,
        Precision::Hour => 2,
        Precision::Day => 3,
    }
}

fn precision_from_u64(value: u64) -> Precision {
    match value {
        1 => Precision::Minute,
        2 => Precision::Hour,
        3 => Precision::Day,
        _ => Precision::Second,
    }
}

/// The columns of a segment that verdicts read.
pub(super) struct VerdictColumns {
    content: Column<u64>,
    counts: [Column<u64>; 3],
    published_at: Column<i64>,
    precision: Column<u64>,
    clamped: Column<bool>,
}

impl VerdictColumns {
    pub(super) fn open(segment: &SegmentReader) -> tantivy::Result<Self> {
        let columns = segment.fast_fields();
        Ok(Self {
            content: columns.u64("content")?,
            counts: [columns.u64("likes")?, columns.u64("replies")?, columns.u64("reposts")?],
            published_at: columns.i64("published_at")?,
            precision: columns.u64("precision")?,
            clamped: columns.bool("clamped")?,
        })
    }

    /// What is known of a document of the segment.
    pub(super) fn known(&self, month: super::dates::Month, doc: u32) -> Known {
        let count = |column: &Column<u64>| column.first(doc).unwrap_or(0);
        let published_at = self.published_at.first(doc).unwrap_or(0);
        Known {
            month,
            content: count(&self.content),
            counts: Counts {
                likes: count(&self.counts[0]),
                replies: count(&self.counts[1]),
                reposts: count(&self.counts[2]),
            },
            // Every i64 of nanoseconds is a time that jiff can hold.
            published_at: jiff::Timestamp::from_nanosecond(published_at.into()).unwrap_or(jiff::Timestamp::UNIX_EPOCH),
            precision: precision_from_u64(count(&self.precision)),
            clamped: self.clamped.first(doc).unwrap_or(false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_later_row_adds_comes_behind_everything() {
        let names: Vec<&str> = FIELDS.schema.fields().map(|(_, entry)| entry.name()).collect();
        let first = ["id", "id_hash", "content", "likes", "replies", "reposts", "published_at", "precision", "clamped"];
        let then =
            ["source", "kind", "sentiment", "topic", "title_chars", "text_chars", "title_words", "text_words", "post"];
        let last = ["cluster", "thread", "parent", "flag", "category", "category2", "category3", "place", "unit"];
        assert_eq!(names, [&first[..], &then, &last].concat(), "an order that was released stays; new ones come last");
    }

    #[test]
    fn a_month_of_an_earlier_schema_is_used_without_the_fields_it_lacks() {
        let first = |count: usize| {
            let mut schema = Schema::builder();
            for (_, entry) in FIELDS.schema.fields().take(count) {
                schema.add_field(entry.clone());
            }
            schema.build()
        };
        let all = FIELDS.schema.num_fields();
        assert!(is_earlier(&first(all), &FIELDS.schema) && is_earlier(&first(all - 1), &FIELDS.schema));
        assert!(!is_earlier(&FIELDS.schema, &first(all - 1)), "one of a newer program");
        let mut other = Schema::builder();
        other.add_u64_field("id", NumericOptions::default());
        assert!(!is_earlier(&other.build(), &FIELDS.schema), "one where a field means something else");
        let mut document = TantivyDocument::new();
        document.add_text(FIELDS.id, "forum:1");
        document.add_bytes(FIELDS.post, b"{}");
        assert_eq!(fitted(document.clone(), &FIELDS.schema), document);
        let fitted = fitted(document, &first(FIELDS.post.field_id() as usize));
        assert_eq!(fitted.field_values().map(|(field, _)| field).collect::<Vec<_>>(), [FIELDS.id]);
    }

    #[test]
    fn precisions_survive_their_column() {
        for value in [Precision::Second, Precision::Minute, Precision::Hour, Precision::Day] {
            assert_eq!(precision_from_u64(precision_to_u64(value)), value);
        }
    }
}
