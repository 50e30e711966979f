//! A run: marks in the order of their ids, in a file that is written once and never changed.
//!
//! ```text
//! header   a page: magic and format, how many entries, how many words the filter has, checksum of index and filter
//! entries  16 bytes each, id and content; 256 to a page
//! index    the first id of each page of entries
//! filter   a Bloom filter of the ids
//! ```
//!
//! Numbers are little-endian words. Index and filter live in memory, 9.25 bits an id; an entry is found by reading its page.
//! The header is written last, so that a file that is torn is no run. Entries have no checksum and need none: a mark counts
//! only when both its hashes agree, so damage makes a run forget and never takes a new post for a known one. For the same
//! reason a run may be dropped at any time.

use crate::seen::Fingerprint;
use fastbloom::BloomFilter;
use std::{
    fs::File,
    hash::{BuildHasherDefault, DefaultHasher},
    io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::Path,
    sync::Arc,
};
use xxhash_rust::xxh3::Xxh3;

/// The last byte is the format. It changes with the filter's way of hashing too: a test below knows today's.
const MAGIC: u64 = u64::from_le_bytes(*b"wl.seen\x01");
const PAGE: u64 = 4096;
const ENTRY: u64 = 16;
const PER_PAGE: u64 = PAGE / ENTRY;
/// Bits of the filter for an id, and probes: of a hundred ids that a run does not hold, 1.3 are looked up in vain.
const BITS: u64 = 9;
const PROBES: u32 = 6;
/// Entries that are read at a time when all are read.
const BLOCK: u64 = 4096;

/// Ids are hashes already: the hasher is never asked.
type Filter = BloomFilter<BuildHasherDefault<DefaultHasher>>;

/// A run, open. Its file may be removed meanwhile.
pub(super) struct Run {
    file: File,
    count: u64,
    index: Vec<u64>,
    filter: Filter,
}

impl Run {
    /// Opens a run.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged where that can be told.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the file is torn or damaged");
        let file = File::open(path)?;
        let mut reader = BufReader::with_capacity(1 << 16, &file);
        let header = read_words(&mut reader, 4, &mut Xxh3::new())?;
        let &[MAGIC, count, words, sum] = header.as_slice() else { return Err(damaged()) };
        let pages = count.div_ceil(PER_PAGE);
        let tail = count.checked_mul(ENTRY).and_then(|entries| entries.checked_add(PAGE)).ok_or_else(damaged)?;
        let bytes = pages.checked_add(words).and_then(|words| words.checked_mul(8)?.checked_add(tail));
        if bytes != Some(file.metadata()?.len()) || count == 0 || words == 0 {
            return Err(damaged());
        }
        reader.seek(SeekFrom::Start(tail))?;
        let mut found = Xxh3::new();
        let index = read_words(&mut reader, pages, &mut found)?;
        let words = read_words(&mut reader, words, &mut found)?;
        if found.digest() != sum {
            return Err(damaged());
        }
        Ok(Self { filter: filter(words), file, count, index })
    }

    /// How many marks it holds.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The content that an id was marked with. Of most ids that it does not hold this is told without reading.
    ///
    /// # Errors
    /// When its file cannot be read.
    pub(super) fn get(&self, id: u64) -> io::Result<Option<u64>> {
        if !self.filter.contains_hash(id) {
            return Ok(None);
        }
        let Some(page) = self.index.partition_point(|&first| first <= id).checked_sub(1) else { return Ok(None) };
        let first = page as u64 * PER_PAGE;
        let mut bytes = [0; PAGE as usize];
        let entries = self.read(first, PER_PAGE, &mut bytes)?;
        let found = entries.binary_search_by_key(&id, |entry| decode(*entry).id);
        Ok(found.ok().map(|at| decode(entries[at]).content))
    }

    /// Entries from one on, as many as there are up to `most`.
    fn read<'a>(&self, first: u64, most: u64, bytes: &'a mut [u8]) -> io::Result<&'a [[u8; 16]]> {
        let here = most.min(self.count.saturating_sub(first));
        let bytes = &mut bytes[..(here * ENTRY) as usize];
        self.file.read_exact_at(bytes, PAGE + first * ENTRY)?;
        Ok(bytes.as_chunks().0)
    }
}

fn filter(words: Vec<u64>) -> Filter {
    BloomFilter::from_vec(words).hasher(BuildHasherDefault::default()).hashes(PROBES)
}

fn read_words(from: &mut impl Read, count: u64, sum: &mut Xxh3) -> io::Result<Vec<u64>> {
    let mut words = Vec::with_capacity(count as usize);
    for _ in 0..count {
        let mut word = [0; 8];
        from.read_exact(&mut word)?;
        sum.update(&word);
        words.push(u64::from_le_bytes(word));
    }
    Ok(words)
}

fn encode(mark: Fingerprint) -> [u8; 16] {
    (u128::from(mark.id) | u128::from(mark.content) << 64).to_le_bytes()
}

fn decode(entry: [u8; 16]) -> Fingerprint {
    let both = u128::from_le_bytes(entry);
    Fingerprint { id: both as u64, content: (both >> 64) as u64 }
}

/// A run that is being written.
pub(super) struct Writer {
    file: BufWriter<File>,
    count: u64,
    index: Vec<u64>,
    filter: Filter,
}

impl Writer {
    /// Begins a run of at most so many marks.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub(super) fn create(path: &Path, most: u64) -> io::Result<Self> {
        let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
        let mut file = BufWriter::with_capacity(1 << 18, file);
        file.write_all(&[0; PAGE as usize])?;
        let words = (most.max(1) * BITS).div_ceil(64) as usize;
        Ok(Self { file, count: 0, index: Vec::new(), filter: filter(vec![0; words]) })
    }

    /// Adds a mark whose id lies beyond those before it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn push(&mut self, mark: Fingerprint) -> io::Result<()> {
        if self.count.is_multiple_of(PER_PAGE) {
            self.index.push(mark.id);
        }
        self.filter.insert_hash(mark.id);
        self.count += 1;
        self.file.write_all(&encode(mark))
    }

    /// Ends it. All of it is on the disk when this returns; its name is the folder's, which is the caller's to sync.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(mut self) -> io::Result<Run> {
        let mut sum = Xxh3::new();
        for word in self.index.iter().chain(self.filter.as_slice()) {
            sum.update(&word.to_le_bytes());
            self.file.write_all(&word.to_le_bytes())?;
        }
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_data()?;
        let header = [MAGIC, self.count, self.filter.as_slice().len() as u64, sum.digest()];
        file.write_all_at(header.map(u64::to_le_bytes).as_flattened(), 0)?;
        file.sync_all()?;
        self.index.shrink_to_fit();
        Ok(Run { file, count: self.count, index: self.index, filter: self.filter })
    }
}

/// Marks of which the last of each id counts, in the order of their ids.
pub(super) fn sort(marks: &mut Vec<Fingerprint>) {
    marks.reverse();
    // Stable: the last of each id comes first.
    marks.sort_by_key(|mark| mark.id);
    marks.dedup_by_key(|mark| mark.id);
}

/// Runs that become one, a step at a time. Where several hold an id, the youngest is right.
pub(super) struct Merge {
    /// The oldest first.
    inputs: Vec<Entries>,
    output: Writer,
}

impl Merge {
    /// Begins to merge runs, the oldest first.
    ///
    /// # Errors
    /// When the output cannot be made.
    pub(super) fn begin(runs: &[Arc<Run>], path: &Path) -> io::Result<Self> {
        let output = Writer::create(path, runs.iter().map(|run| run.count).sum())?;
        let inputs =
            runs.iter().map(|run| Entries { run: run.clone(), at: 0, block: Vec::new().into_iter() }).collect();
        Ok(Self { inputs, output })
    }

    /// Writes so many marks. Returns whether there are more.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn step(&mut self, marks: usize) -> io::Result<bool> {
        for _ in 0..marks {
            let mut least: Option<Fingerprint> = None;
            for input in &mut self.inputs {
                least = match (least, input.peek()) {
                    (Some(least), Some(mark)) if mark.id <= least.id => Some(mark),
                    (None, mark) => mark,
                    (least, _) => least,
                };
            }
            let Some(least) = least else { return Ok(false) };
            for input in &mut self.inputs {
                if input.peek().is_some_and(|mark| mark.id == least.id) {
                    input.block.next();
                }
            }
            self.output.push(least)?;
        }
        Ok(true)
    }

    /// Ends it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn finish(self) -> io::Result<Run> {
        self.output.finish()
    }
}

/// The marks of a run, one after the other.
struct Entries {
    run: Arc<Run>,
    at: u64,
    block: std::vec::IntoIter<Fingerprint>,
}

impl Entries {
    /// The next mark. What cannot be read is passed over: a merge that fails would fail for ever.
    fn peek(&mut self) -> Option<Fingerprint> {
        while self.block.as_slice().is_empty() && self.at < self.run.count {
            let mut bytes = vec![0; (BLOCK * ENTRY) as usize];
            let entries = match self.run.read(self.at, BLOCK, &mut bytes) {
                Ok(entries) => entries,
                Err(error) => {
                    tracing::warn!(%error, "some of what was seen cannot be read and is forgotten: posts may be appended again");
                    &[]
                }
            };
            self.at += BLOCK;
            self.block = entries.iter().copied().map(decode).collect::<Vec<_>>().into_iter();
        }
        self.block.as_slice().first().copied()
    }
}
