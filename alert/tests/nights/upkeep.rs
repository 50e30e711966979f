//! Nights in which sources are not covered: reports come, time moves, the desk is told once, and again when it is over.

use crate::support::Night;
use jiff::SignedDuration;
use schemas::{
    log::Topic,
    records::{ClosedGap, CrawlOutcome, CrawlReport, Record, Span},
};

const ONE: &str = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"{hook}/desk\"\n";

/// A report of a visit now.
fn report(night: &Night, source: &str, outcome: CrawlOutcome) -> CrawlReport {
    CrawlReport {
        reason: (outcome != CrawlOutcome::Ok).then(|| "HTTP 503".into()),
        pages: 1,
        next_visit_at: night.now() + SignedDuration::from_secs(60),
        ..CrawlReport::of(source, &format!("{source} 论坛"), outcome, night.now())
    }
}

/// A visit of each source in each minute.
async fn minutes(night: &mut Night, sources: &[&str], outcomes: &[CrawlOutcome]) {
    for outcome in outcomes {
        for source in sources {
            let report = report(night, source, *outcome);
            night.append_to(Topic::CrawlReports, report.encode()).await;
        }
        night.keep_up().await;
        night.wait(1).await;
    }
}

use CrawlOutcome::{Failed, LayoutChanged, Ok as Good};

#[tokio::test]
async fn a_source_fails_flaps_and_recovers_and_the_desk_is_told_twice() {
    let mut night = Night::begin(ONE).await;
    minutes(
        &mut night,
        &["forum"],
        &[Good, Failed, Failed, Failed, Failed, Failed, Failed, Failed, Failed, Failed, Failed],
    )
    .await;
    night.expect_nothing();
    minutes(&mut night, &["forum"], &[Failed, Failed]).await;
    let page = night.expect("desk", "source_alert");
    assert!(page.text().starts_with("【信源告警】forum 论坛 访问失败\n自: 2026-11-24 22:01"), "{}", page.text());
    assert_eq!(page.body["link"], "https://wanglou.example/coverage?source=forum");
    assert_eq!(page.body["alerts"][0]["reason"], "HTTP 503");
    // It flaps; and the process is killed in the middle of it.
    minutes(&mut night, &["forum"], &[Good, Failed, Good, Good, Failed]).await;
    night.crash().await;
    minutes(&mut night, &["forum"], &[Failed, Good, Good, Good, Good, Good]).await;
    night.expect_nothing();
    assert_eq!(night.desk.records.source_alerts(true, 9).await.unwrap().len(), 1);
    minutes(&mut night, &["forum"], &[Good]).await;
    let page = night.expect("desk", "source_resolved");
    assert!(page.text().starts_with("【信源恢复】forum 论坛 访问失败\n"), "{}", page.text());
    assert!(night.desk.records.source_alerts(true, 9).await.unwrap().is_empty());
    assert!(night.desk.records.source_alerts(false, 9).await.unwrap()[0].resolved_at.is_some());
    assert!(night.desk.records.standings().await.unwrap().is_empty(), "a source that is well needs no row");
}

#[tokio::test]
async fn a_changed_layout_is_another_finding() {
    let mut night = Night::begin(&format!("[coverage]\nlayout_after = \"3m\"\nresolve_after = \"1m\"\n{ONE}")).await;
    minutes(&mut night, &["forum"], &[LayoutChanged; 5]).await;
    let page = night.expect("desk", "source_alert");
    assert!(page.text().contains("版面变化") && page.text().contains("选择器"), "{}", page.text());
    minutes(&mut night, &["forum"], &[Good; 2]).await;
    night.expect("desk", "source_resolved");
}

#[tokio::test]
async fn an_outage_of_all_and_a_dead_crawler_are_one_message_each() {
    let mut night = Night::begin(ONE).await;
    let sources = ["a", "b", "c", "d", "e"];
    minutes(&mut night, &sources, &[Failed; 12]).await;
    let page = night.expect("desk", "source_alert");
    assert!(page.text().starts_with("【信源告警】5 / 5 个信源访问失败: "), "{}", page.text());
    minutes(&mut night, &sources, &[Good; 7]).await;
    night.expect("desk", "source_resolved");
    for _ in 0..14 {
        night.keep_up().await;
        night.wait(1).await;
    }
    let page = night.expect("desk", "source_alert");
    assert!(page.text().starts_with("【信源告警】5 / 5 个信源无人访问: "), "{}", page.text());
    minutes(&mut night, &sources, &[Good]).await;
    night.expect("desk", "source_resolved");
}

#[tokio::test]
async fn a_gap_is_told_and_its_closing_too() {
    let mut night = Night::begin(&format!("[coverage]\ngap_after = \"5m\"\n{ONE}")).await;
    let (from, to) = (night.now() - SignedDuration::from_mins(20), night.now() - SignedDuration::from_mins(10));
    let mut overflown = report(&night, "forum", Good);
    overflown.gap = Some(Span { from, to });
    overflown.gap_reason = Some("列表翻到第 5 页仍全是新帖".into());
    night.append_to(Topic::CrawlReports, overflown.encode()).await;
    night.keep_up().await;
    minutes(&mut night, &["forum"], &[Good; 7]).await;
    let page = night.expect("desk", "source_alert");
    assert!(page.text().contains("有漏采") && page.text().contains("第 5 页"), "{}", page.text());
    let mut closing = report(&night, "forum", Good);
    closing.closed = vec![ClosedGap { from, to, proof: "page 9 reached a post seen before".into() }];
    night.append_to(Topic::CrawlReports, closing.encode()).await;
    night.keep_up().await;
    night.deliver().await;
    night.expect("desk", "source_resolved");
}

/// Reports that come while nobody judges: what is over when they are read tells nobody.
#[tokio::test]
async fn a_backlog_tells_only_what_still_is() {
    let mut night = Night::begin(ONE).await;
    for minute in 0..600_i64 {
        let outcome = if (10..500).contains(&minute) { Failed } else { Good };
        let mut report = report(&night, "forum", outcome);
        report.started_at += SignedDuration::from_mins(minute);
        report.finished_at = report.started_at;
        report.next_visit_at = report.started_at + SignedDuration::from_mins(1);
        night.append_to(Topic::CrawlReports, report.encode()).await;
    }
    night.wait(600).await;
    night.keep_up().await;
    night.deliver().await;
    night.expect_nothing();
}
