//! Metrics: every name stands here, typed, with its help text. `wanglou_<stage>_<what>_<unit>`, counters end in `_total`,
//! base units are seconds and bytes.

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, core::Collector,
};
use std::sync::LazyLock;

/// The registry that `/metrics` shows.
static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    let registry = Registry::new();
    // Fails only where there is no /proc; then the process metrics are missing, no more.
    let _ = registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()));
    registry
});

fn register<C: Collector + Clone + 'static>(made: prometheus::Result<C>) -> C {
    // Names are constants of this file: a malformed or repeated one fails the first test that touches it.
    #[allow(clippy::expect_used)]
    let collector = made.expect("a metric's name is well formed");
    #[allow(clippy::expect_used)]
    REGISTRY.register(Box::new(collector.clone())).expect("a metric's name is used once");
    collector
}

/// Seconds from a millisecond to a minute.
const SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0];

macro_rules! metrics {
    ($($(#[doc = $doc:literal])+ $kind:ident $name:ident = $text:literal $labels:tt;)+) => {
        $($(#[doc = $doc])+
        pub static $name: LazyLock<metrics!(@type $kind $labels)> =
            LazyLock::new(|| register(metrics!(@make $kind $text $labels concat!($($doc),+))));)+

        /// Every metric's name, for checks of dashboards and alert rules.
        pub const NAMES: &[&str] = &[$($text),+];

        /// The labels of each, in the order of [`NAMES`].
        pub const LABELS: &[&[&str]] = &[$(&$labels),+];

        /// Makes every metric known, so that it shows from the start.
        pub fn touch() {
            $(LazyLock::force(&$name);)+
        }
    };
    (@type counter []) => { IntCounter };
    (@type counter [$($l:literal),+]) => { IntCounterVec };
    (@type gauge []) => { IntGauge };
    (@type gauge [$($l:literal),+]) => { IntGaugeVec };
    (@type histogram []) => { Histogram };
    (@make counter $n:literal [] $h:expr) => { IntCounter::new($n, $h.trim()) };
    (@make counter $n:literal [$($l:literal),+] $h:expr) => { IntCounterVec::new(Opts::new($n, $h.trim()), &[$($l),+]) };
    (@make gauge $n:literal [] $h:expr) => { IntGauge::new($n, $h.trim()) };
    (@make gauge $n:literal [$($l:literal),+] $h:expr) => { IntGaugeVec::new(Opts::new($n, $h.trim()), &[$($l),+]) };
    (@make histogram $n:literal [] $h:expr) => {
        Histogram::with_opts(HistogramOpts::new($n, $h.trim()).buckets(SECONDS.to_vec()))
    };
}

metrics! {
    /// Posts accepted, by door (push, import, file, crawl).
    counter INGEST_ACCEPTED = "wanglou_ingest_posts_accepted_total" ["via"];
    /// Lines refused at the doors.
    counter INGEST_REFUSED = "wanglou_ingest_lines_refused_total" ["via"];
    /// Posts that the memory of what was seen spared.
    counter INGEST_DUPLICATE = "wanglou_ingest_posts_duplicate_total" ["via"];
    /// Visits to sources, by outcome.
    counter INGEST_VISITS = "wanglou_ingest_visits_total" ["source", "outcome"];
    /// Sources that this worker visits: its share of them.
    gauge INGEST_SOURCES = "wanglou_ingest_sources" [];
    /// Sources of the config, by how they stand (ok, late, failing, waiting), as this worker knows from everybody's reports.
    gauge INGEST_SOURCES_BY_STATE = "wanglou_ingest_sources_by_state" ["state"];
    /// Gaps in what sources showed that are not closed.
    gauge INGEST_OPEN_GAPS = "wanglou_ingest_open_gaps" [];
    /// Pages fetched.
    counter INGEST_PAGES = "wanglou_ingest_pages_fetched_total" [];
    /// Bytes fetched.
    counter INGEST_BYTES = "wanglou_ingest_fetched_bytes_total" [];
    /// Time of a fetch, from request to last byte, with all its tries.
    histogram INGEST_FETCH = "wanglou_ingest_fetch_seconds" [];
    /// Requests that were made again after an error that may pass.
    counter INGEST_RETRIES = "wanglou_ingest_fetch_retries_total" [];
    /// Times that a host was spared because it failed again and again: its breaker opened.
    counter INGEST_BREAKERS = "wanglou_ingest_breaker_opened_total" [];
    /// Broken characters in pages, replaced by U+FFFD.
    counter INGEST_BROKEN = "wanglou_ingest_broken_characters_total" [];
    /// The servers' clocks less ours, the median over hosts of which at least three agree.
    gauge INGEST_CLOCK_OFFSET = "wanglou_ingest_clock_offset_seconds" [];

    /// Bytes that are free on the disk of data_dir.
    gauge DISK_FREE = "wanglou_disk_free_bytes" [];
    /// Bytes of it that are kept in reserve: below them no posts are taken.
    gauge DISK_RESERVE = "wanglou_disk_reserve_bytes" [];
    /// 1 while no posts are taken because the disk is full or read-only.
    gauge DISK_STOPPED = "wanglou_disk_intake_stopped" [];

    /// Raw records read, by verdict (first, revision, duplicate, gone, rejected, expired), and marks of posts that nobody knows (unknown).
    counter ANALYZE_POSTS = "wanglou_analyze_posts_total" ["verdict"];
    /// Jumps and steps back in positions: records that were lost before they were read.
    counter ANALYZE_JUMPS = "wanglou_analyze_position_jumps_total" ["topic"];
    /// Records of the log that wait to be read.
    gauge ANALYZE_BEHIND = "wanglou_analyze_behind_records" ["topic"];
    /// Time of understanding a batch.
    histogram ANALYZE_UNDERSTAND = "wanglou_analyze_understand_batch_seconds" [];
    /// Time of a commit of the archive.
    histogram ANALYZE_COMMIT = "wanglou_analyze_archive_commit_seconds" [];
    /// From being appended to posts.raw to being searchable.
    histogram ANALYZE_SEARCHABLE = "wanglou_analyze_searchable_lag_seconds" [];
    /// Documents in the archive.
    gauge ANALYZE_DOCUMENTS = "wanglou_analyze_archive_documents" [];
    /// Months of the archive that another version's dictionary or model has built: `wanglou reindex` builds them anew.
    gauge ANALYZE_OUTDATED = "wanglou_analyze_archive_outdated_months" [];
    /// Time of a search.
    histogram ANALYZE_SEARCH = "wanglou_analyze_search_seconds" [];
    /// Pulses written.
    counter ANALYZE_PULSES = "wanglou_analyze_pulses_total" [];
    /// Spikes begun.
    counter ANALYZE_SPIKES = "wanglou_analyze_spikes_total" [];

    /// Incidents opened, by level.
    counter ALERT_INCIDENTS = "wanglou_alert_incidents_opened_total" ["level"];
    /// Incidents that are not closed.
    gauge ALERT_OPEN = "wanglou_alert_incidents_open" [];
    /// Alerts about sources that were told, by kind (failing, layout, login, silent, gap, unreported, clock; of Wanglou itself lag, disk, canary).
    counter ALERT_SOURCE_ALERTS = "wanglou_alert_source_alerts_total" ["kind"];
    /// Alerts about sources that are not over, by kind.
    gauge ALERT_SOURCE_ALERTS_OPEN = "wanglou_alert_source_alerts_open" ["kind"];
    /// Pages tried, by channel and outcome (sent, digest for those told of in one, retry, passed_on to the next channel, failed).
    counter ALERT_PAGES = "wanglou_alert_pages_total" ["channel", "outcome"];
    /// Pages written down and not yet sent.
    gauge ALERT_PENDING = "wanglou_alert_pages_pending" [];
    /// Pages that are due and wait for the channel's quota.
    gauge ALERT_HELD = "wanglou_alert_pages_held" ["channel"];
    /// From a page's being due to the channel's confirmation.
    histogram ALERT_PAGE = "wanglou_alert_page_delivery_seconds" [];
    /// Jumps and steps back in positions.
    counter ALERT_JUMPS = "wanglou_alert_position_jumps_total" ["topic"];
    /// Escalation steps and repeats taken, by why (unsigned, idle: signed and nothing done since, undelivered).
    counter ALERT_ESCALATIONS = "wanglou_alert_escalations_total" ["why"];
    /// Clocks of incidents that ran out, by clock.
    counter ALERT_CLOCKS_EXPIRED = "wanglou_alert_clocks_expired_total" ["clock"];
    /// Incidents whose next step was due more than a minute ago, or is not written down: nought unless something is broken.
    gauge ALERT_OVERDUE = "wanglou_alert_incidents_overdue" [];
    /// 1 while this process is the active one, 0 while it stands by or is in doubt.
    gauge ALERT_ACTIVE = "wanglou_alert_active" [];
    /// Times that this process became the active one, its start included.
    counter ALERT_TAKEOVERS = "wanglou_alert_takeovers_total" [];
    /// Messages about incidents and sources that a silence kept back.
    counter ALERT_SILENCED = "wanglou_alert_pages_silenced_total" [];
    /// 1 while so many incidents open at once that pages of the lower levels are merged.
    gauge ALERT_STORM = "wanglou_alert_storm" [];
    /// Canaries: posts handed in at the door that must be found by the search, by outcome (ok, failed).
    counter ALERT_CANARIES = "wanglou_alert_canaries_total" ["outcome"];
    /// From handing a canary in to finding it.
    histogram ALERT_CANARY = "wanglou_alert_canary_seconds" [];
    /// Heartbeats to the address outside, by outcome (ok, failed, withheld because something is not well).
    counter ALERT_HEARTBEATS = "wanglou_alert_heartbeats_total" ["outcome"];
    /// When the last heartbeat was taken, in seconds since 1970.
    gauge ALERT_HEARTBEAT_AT = "wanglou_alert_heartbeat_last_success_timestamp_seconds" [];
    /// How long the oldest page has waited that is due.
    gauge ALERT_OLDEST = "wanglou_alert_oldest_pending_page_seconds" [];
    /// HTTP requests, by status class (2xx, 4xx, 5xx).
    counter HTTP_REQUESTS = "wanglou_http_requests_total" ["class"];
    /// Open streams of server-sent events.
    gauge HTTP_STREAMS = "wanglou_http_event_streams" [];
}

/// All metrics in Prometheus' text format.
#[must_use]
pub fn render() -> String {
    let mut text = String::new();
    // Writing to a string does not fail; a metric that can't be encoded is left out.
    let _ = prometheus::TextEncoder::new().encode_utf8(&REGISTRY.gather(), &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_rule_and_all_register() {
        touch();
        for name in NAMES {
            let stage = name.strip_prefix("wanglou_").and_then(|rest| rest.split('_').next()).unwrap();
            assert!(["ingest", "analyze", "alert", "http", "disk"].contains(&stage), "{name}");
        }
        INGEST_ACCEPTED.with_label_values(&["push"]).inc();
        assert!(render().contains("wanglou_ingest_posts_accepted_total{via=\"push\"} 1"));
    }
}
