//! One month of the archive on disk: a tantivy index in a folder of its own, and the reader that searches share.

use super::{
    coverage::Coverage,
    dates::Month,
    generation::Generation,
    payload::Payload,
    schema::{self, FIELDS, VerdictColumns},
    seen::Seen,
    verdict::Known,
};
use anyhow::Context;
use schemas::records::{AnalyzedPost, Record};
use std::path::Path;
use tantivy::{
    DocAddress, DocSet, Index, IndexReader, IndexSettings, ReloadPolicy, Searcher, TERMINATED, TantivyDocument, Term,
    directory::MmapDirectory,
    schema::{IndexRecordOption, Value},
    store::{Compressor, ZstdCompressor},
};

/// Blocks of the document store that a segment's reader keeps decompressed: 16 KiB each.
const STORE_CACHE_BLOCKS: usize = 8;

/// zstd takes a third less room for posts than lz4 does, which leaves room for `pairs`.
fn settings() -> IndexSettings {
    let docstore_compression = Compressor::Zstd(ZstdCompressor::default());
    IndexSettings { docstore_compression, ..IndexSettings::default() }
}

/// A month's index, open for reading.
pub(super) struct MonthIndex {
    pub(super) month: Month,
    pub(super) generation: Generation,
    pub(super) index: Index,
    reader: IndexReader,
}

impl MonthIndex {
    /// Opens a month's index, or makes it.
    pub(super) fn open_or_create(generation: &Generation) -> anyhow::Result<Self> {
        let folder = &generation.path;
        let open = || -> anyhow::Result<Self> {
            std::fs::create_dir_all(folder)?;
            let directory = MmapDirectory::open(folder)?;
            let index = match Index::exists(&directory)? {
                true => Index::open(directory)?,
                false => Index::create(directory, FIELDS.schema.clone(), settings())?,
            };
            Self::with(generation, index)
        };
        open().with_context(|| unusable(folder))
    }

    /// Opens a month's index if there is one, for reading only.
    pub(super) fn open(generation: &Generation) -> anyhow::Result<Option<Self>> {
        let folder = &generation.path;
        let open = || -> anyhow::Result<Option<Self>> {
            let directory = MmapDirectory::open(folder)?;
            if !Index::exists(&directory)? {
                return Ok(None);
            }
            Self::with(generation, Index::open(directory)?).map(Some)
        };
        open().with_context(|| unusable(folder))
    }

    fn with(generation: &Generation, index: Index) -> anyhow::Result<Self> {
        let usable = schema::is_earlier(&index.schema(), &FIELDS.schema);
        anyhow::ensure!(usable, "it was made by a newer version of this program, or by one that is too old");
        schema::register_tokenizers(&index);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .doc_store_cache_num_blocks(STORE_CACHE_BLOCKS)
            .try_into()?;
        Ok(Self { month: generation.month, generation: generation.clone(), index, reader })
    }

    /// The month as of the last [`reload`](Self::reload).
    pub(super) fn searcher(&self) -> Searcher {
        self.reader.searcher()
    }

    /// Shows searches what was committed.
    pub(super) fn reload(&self) -> tantivy::Result<()> {
        self.reader.reload()
    }

    /// What the month's last commit says.
    pub(super) fn payload(&self) -> anyhow::Result<Option<Payload>> {
        let Some(payload) = self.index.load_metas()?.payload else { return Ok(None) };
        let payload = Payload::decode(&payload).with_context(|| format!("the commit of month {}", self.month))?;
        Ok(Some(payload))
    }

    /// The filter of the ids that the month holds.
    pub(super) fn seen(&self) -> tantivy::Result<Seen> {
        let searcher = self.searcher();
        let documents: u32 = searcher.segment_readers().iter().map(tantivy::SegmentReader::max_doc).sum();
        let mut seen = Seen::with_room_for(documents as usize);
        for segment in searcher.segment_readers() {
            let hashes = segment.fast_fields().u64("id_hash")?;
            (0..segment.max_doc()).filter_map(|doc| hashes.first(doc)).for_each(|hash| seen.insert(hash));
        }
        Ok(seen)
    }

    /// Looks an id up.
    pub(super) fn find(&self, id: &str) -> tantivy::Result<Option<Known>> {
        Ok(self.locate(&self.searcher(), id)?.map(|(known, _)| known))
    }

    /// What is stored of a post, with what is known of it.
    pub(super) fn stored(&self, id: &str) -> anyhow::Result<Option<(Known, AnalyzedPost)>> {
        let searcher = self.searcher();
        let Some((known, address)) = self.locate(&searcher, id)? else { return Ok(None) };
        let stored: TantivyDocument = searcher.doc(address)?;
        let bytes = stored.get_first(FIELDS.post).and_then(|value| value.as_bytes()).unwrap_or_default();
        Ok(Some((known, AnalyzedPost::decode(bytes).context("a stored post")?)))
    }

    fn locate(&self, searcher: &Searcher, id: &str) -> tantivy::Result<Option<(Known, DocAddress)>> {
        let term = Term::from_field_text(FIELDS.id, id);
        for (ordinal, segment) in (0..).zip(searcher.segment_readers()) {
            let Some(mut postings) =
                segment.inverted_index(FIELDS.id)?.read_postings(&term, IndexRecordOption::Basic)?
            else {
                continue;
            };
            while postings.doc() != TERMINATED {
                if !segment.is_deleted(postings.doc()) {
                    let doc = postings.doc();
                    let known = VerdictColumns::open(segment)?.known(self.month, doc);
                    return Ok(Some((known, DocAddress::new(ordinal, doc))));
                }
                postings.advance();
            }
        }
        Ok(None)
    }
}

/// What the last commit of the index in a folder says.
pub(super) fn payload(folder: &Path) -> anyhow::Result<Option<Payload>> {
    let read = || -> anyhow::Result<Option<Payload>> {
        let directory = MmapDirectory::open(folder)?;
        if !Index::exists(&directory)? {
            return Ok(None);
        }
        let payload = Index::open(directory)?.load_metas()?.payload;
        Ok(payload.as_deref().map(Payload::decode).transpose()?)
    };
    read().with_context(|| unusable(folder))
}

/// What the last commit of the index in a folder covers.
pub(super) fn covered(folder: &Path) -> anyhow::Result<Option<Coverage>> {
    Ok(payload(folder)?.map(|payload| payload.coverage))
}

fn unusable(folder: &Path) -> String {
    format!(
        "the archive's folder {} cannot be used. Restore it from a backup, or move the whole archive folder aside: it is \
         built anew from what the log still keeps",
        folder.display()
    )
}
