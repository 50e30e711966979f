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
    /// The pause between two requests to one host, in the long run: the rate at which its token bucket fills. A longer
    /// `Crawl-delay` of its robots.txt counts instead.
    #[serde(with = "duration")]
    pub pause: Duration,
    /// How many requests may go to one host at once after a quiet time: the size of its token bucket. 1: each waits for the
    /// pause.
    pub burst: u32,
    /// The longest that one request may take, from its beginning to the last byte.
    #[serde(with = "duration")]
    pub timeout: Duration,
    /// Of that: the longest that finding the address, connecting and agreeing on the encryption may take.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// The longest wait for the first byte of the answer.
    #[serde(with = "duration")]
    pub first_byte_timeout: Duration,
    /// The longest wait for more of it.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
    /// The longest that a page may take with its redirects and with the tries after errors that may pass, waiting for the host's pace
    /// left out.
    #[serde(with = "duration")]
    pub page_timeout: Duration,
    /// The largest page, in bytes after decompression.
    pub page_bytes: usize,
    /// How sites can reach whoever runs this; part of the User-Agent.
    pub contact: Option<String>,
    /// How many posts are remembered as seen, at most; when there are more, the oldest eighth is forgotten. A hundred million cost
    /// 1.8 GB of disk and 200 MiB of memory.
    pub seen_ids: u64,
}

impl Default for Crawl {
    fn default() -> Self {
        Self {
            workers: 8,
            pause: Duration::from_secs(1),
            burst: 1,
            timeout: Duration::from_secs(20),
            connect_timeout: Duration::from_secs(10),
            first_byte_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(10),
            page_timeout: Duration::from_secs(60),
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
        if !(1..=1_000).contains(&self.burst) {
            faults.push(("burst", format!("{} is not between 1 and 1000", self.burst)));
        }
        for (key, limit) in [
            ("timeout", self.timeout),
            ("connect_timeout", self.connect_timeout),
            ("first_byte_timeout", self.first_byte_timeout),
            ("idle_timeout", self.idle_timeout),
            ("page_timeout", self.page_timeout),
        ] {
            if !(Duration::from_millis(100)..=Duration::from_secs(600)).contains(&limit) {
                faults.push((key, "must lie between 0.1 and 600 seconds".into()));
            }
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
