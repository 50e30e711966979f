//! What a process costs, from `/proc`.

use std::time::Duration;

/// What a process has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// User and system time together.
    pub cpu: Duration,
    /// Anonymous memory that is resident now, in bytes.
    pub rss_anon: u64,
}

/// How long this thread has run, without the time that it waited for a core: what a busy machine does not spoil.
#[must_use]
pub fn on_core() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(stat.split_whitespace().next()?.parse().ok()?))
}

/// Reads what a process has used; `None` once it is gone.
#[must_use]
pub fn usage(pid: u32) -> Option<Usage> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in brackets may hold anything; fields count from behind it. utime and stime are the 14th and 15th.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let anon = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let rss_anon = anon.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024;
    // Linux reports in hundredths of a second whatever the kernel's own tick is.
    Some(Usage { cpu: Duration::from_millis(ticks * 10), rss_anon })
}
