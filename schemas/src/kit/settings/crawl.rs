//! `[crawl]`: how sources are visited.

use super::{KeyFault, log::duration};
use serde::Deserialize;
use std::time::Duration;

/// `[crawl]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Crawl {
    /// Workers: how many visits run at once.
    pub workers: usize,
    /// The shortest pause between two requests to one host.
    #[serde(with = "duration")]
    pub pause: Duration,
    /// The longest wait for an answer.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// The largest page, in bytes after decompression.
    pub page_bytes: usize,
    /// How sites can reach whoever runs this; part of the User-Agent.
    pub contact: Option<String>,
    /// How many posts are remembered as seen, at least; an eighth more at most. Each costs 18 bytes of disk and 1.2 of memory.
    pub seen_ids: u64,
}

impl Default for Crawl {
    fn default() -> Self {
        Self {
            workers: 8,
            pause: Duration::from_secs(1),
            timeout: Duration::from_secs(20),
            page_bytes: 4 << 20,
            contact: None,
            seen_ids: 100_000_000,
        }
    }
}

impl Crawl {
    pub(super) fn check(&self) -> Vec<KeyFault> {
        let mut faults = Vec::new();
        if !(1..=256).contains(&self.workers) {
            faults.push(("workers", format!("{} is not between 1 and 256", self.workers)));
        }
        if !((64 << 10)..=(64 << 20)).contains(&self.page_bytes) {
            faults.push(("page_bytes", "must lie between 65536 (64 KiB) and 67108864 (64 MiB)".into()));
        }
        if !(100_000..=1_000_000_000).contains(&self.seen_ids) {
            faults.push(("seen_ids", format!("{} is not between 100000 and 1000000000", self.seen_ids)));
        }
        if let Some(contact) = &self.contact
            && (contact.len() > 200 || !contact.chars().all(|c| c.is_ascii_graphic() || c == ' '))
        {
            faults.push(("contact", "must be a short ASCII text: it is part of a header".into()));
        }
        faults
    }
}
