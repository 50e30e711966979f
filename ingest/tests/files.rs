//! Folders that are watched, on the real log: what is handed in, what is refused, what a restart goes on with.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper of a test fails the test")]

mod common;

use axum::{Router, body::Body, http::Request};
use common::{Reports, call, json, open_log, posts, rejected, settings};
use schemas::{
    kit::{auth::Role, shutdown::Shutdown},
    log::SharedLog,
    records::{CrawlOutcome, Kind, Via},
};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;

const TABLE: &str = "工单编号,诉求内容,来电时间,承办单位,答复内容,联系电话\n\
    1,抚琴街道停水,2026-11-24 10:05,水务局,已派人抢修,13812345678\n\
    2,路灯不亮 13812345678,2026-11-24 10:06,,,\n";

/// A stage with one folder, and what it left behind when it is started again.
struct Stage {
    data: TempDir,
    folder: PathBuf,
    log: SharedLog,
    reports: Reports,
}

struct Running {
    router: Router,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Stage {
    async fn new() -> Self {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("热线");
        fs::create_dir(&folder).unwrap();
        let log = open_log(data.path());
        let reports = Reports::of(&log).await;
        Self { data, folder, log, reports }
    }

    async fn start(&self, done: &str) -> Running {
        let source = format!(
            "[[source]]\nid = \"hotline\"\nname = \"热线\"\nkind = \"file\"\npath = {:?}\nevery = \"1s\"\n\
             [source.file]\nkind = \"report\"\ndone = \"{done}\"\n[source.columns]\n\"联系电话\" = \"ignore\"\n",
            self.folder.display().to_string()
        );
        let shutdown = Shutdown::new();
        let service =
            ingest::start(&settings(self.data.path(), &source), self.log.clone(), shutdown.clone()).await.unwrap();
        Running { router: service.router, shutdown, task: service.task }
    }

    fn hand_in(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.folder.join(name), content).unwrap();
    }

    fn has(&self, path: &str) -> bool {
        self.folder.join(path).exists()
    }
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }

    async fn coverage(&self) -> Value {
        let request = Request::get("/api/coverage").body(Body::empty()).unwrap();
        let (_, mut answer) = json(call(&self.router, Some(Role::Viewer), request).await).await;
        answer["sources"][0].take()
    }

    /// Waits until the source stands so: a report is on the log a moment before it is counted.
    async fn comes_to(&self, state: &str) {
        let reached = async {
            while self.coverage().await["state"] != state {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), reached).await.unwrap();
    }
}

#[tokio::test]
async fn a_hotlines_export_becomes_reports() {
    let mut stage = Stage::new().await;
    let running = stage.start("keep").await;
    stage.hand_in("工单.csv", TABLE);
    stage.hand_in("工单.csv.part", "half a fi");
    let report = stage.reports.until(|report| report.found > 0).await;
    assert_eq!((report.outcome, report.pages, report.found, report.new), (CrawlOutcome::Ok, 1, 2, 2));
    assert!(report.reason.is_none() && report.covered.is_some(), "{report:?}");
    let stored = posts(&stage.log).await;
    assert_eq!(stored.iter().map(|post| post.id.as_str()).collect::<Vec<_>>(), ["hotline:1", "hotline:2"]);
    assert!(stored.iter().all(|post| post.kind == Kind::Report && post.via == Via::Import));
    let reply = stored[0].reply.as_ref().unwrap();
    assert_eq!((reply.text.as_str(), reply.by.as_deref()), ("已派人抢修", Some("水务局")));
    assert_eq!((stored[1].text.as_str(), &stored[1].reply), ("路灯不亮 138********", &None));
    let next = stage.reports.next().await;
    assert_eq!((next.outcome, next.found), (CrawlOutcome::NotModified, 0), "each file is read once");
    let coverage = running.coverage().await;
    assert_eq!(
        (&coverage["kind"], &coverage["state"], &coverage["posts_24h"]),
        (&"file".into(), &"ok".into(), &2.into())
    );
    running.stop().await;
}

#[tokio::test]
async fn a_restart_goes_on_and_a_file_that_grows_is_read_again() {
    let mut stage = Stage::new().await;
    stage.hand_in("工单.csv", TABLE);
    let running = stage.start("keep").await;
    stage.reports.until(|report| report.found == 2).await;
    running.stop().await;
    let restarted = common::now();
    let running = stage.start("keep").await;
    let report = stage.reports.until(|report| report.started_at >= restarted).await;
    assert_eq!((report.outcome, report.found), (CrawlOutcome::NotModified, 0), "it is remembered");
    stage.hand_in("工单.csv", format!("{TABLE}3,井盖缺失,2026-11-24 10:07,,,\n"));
    let report = stage.reports.until(|report| report.found > 0).await;
    assert_eq!((report.found, report.new), (3, 1), "what was taken before is spared");
    assert_eq!(posts(&stage.log).await.len(), 3);
    running.stop().await;
}

#[tokio::test]
async fn what_is_read_is_put_away_and_what_is_bad_is_told() {
    let mut stage = Stage::new().await;
    stage.hand_in("a.csv", TABLE);
    stage.hand_in("b.csv", format!("{TABLE}3,井盖缺失,昨天,,,\n"));
    stage.hand_in("c.csv", "工单编号,诉求内容,来电时间,心情\n9,停水,2026-11-24 10:05,坏\n");
    stage.hand_in("d.xlsx", "no workbook");
    stage.hand_in("e.pdf", "stays");
    std::os::unix::fs::symlink("/etc/passwd", stage.folder.join("f.csv")).unwrap();
    let running = stage.start("move").await;
    let report = stage.reports.until(|report| report.pages > 0).await;
    assert_eq!((report.outcome, report.pages, report.found, report.new), (CrawlOutcome::LayoutChanged, 4, 5, 2));
    let reason = report.reason.unwrap();
    assert!(reason.contains("b.csv: row 4 refused: column 来电时间") && reason.contains("心情"), "{reason}");
    for there in ["done/a.csv", "failed/b.csv", "failed/c.csv", "failed/d.xlsx", "e.pdf", "f.csv"] {
        assert!(stage.has(there), "{there}");
    }
    for gone in ["a.csv", "b.csv", "c.csv", "d.xlsx"] {
        assert!(!stage.has(gone), "{gone}");
    }
    let told = fs::read_to_string(stage.folder.join("failed/b.csv.errors.txt")).unwrap();
    assert!(told.starts_with("b.csv: 2 rows were taken, 1 refused.\nrow 4: column 来电时间: \"昨天\""), "{told}");
    let told = fs::read_to_string(stage.folder.join("failed/c.csv.errors.txt")).unwrap();
    assert!(told.contains("column D (\"心情\")"), "{told}");
    assert_eq!(rejected(&stage.log).await.len(), 1, "the row that was refused is kept with its reason");
    running.stop().await;
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_finding_and_heals() {
    let mut stage = Stage::new().await;
    fs::remove_dir(&stage.folder).unwrap();
    let running = stage.start("keep").await;
    let report = stage.reports.next().await;
    assert_eq!(report.outcome, CrawlOutcome::Failed);
    assert!(report.reason.unwrap().contains("make the folder"));
    running.comes_to("failing").await;
    fs::create_dir(&stage.folder).unwrap();
    stage.hand_in("工单.csv", TABLE);
    stage.reports.until(|report| report.found == 2).await;
    running.comes_to("ok").await;
    running.stop().await;
}

/// A folder has one reader on its machine: two would hand everything in twice, and move files under each other's hands.
#[tokio::test]
async fn two_processes_do_not_read_one_folder() {
    let mut stage = Stage::new().await;
    let running = stage.start("keep").await;
    stage.reports.next().await;
    let taken = fs::File::open(&stage.folder).unwrap().try_lock().is_err();
    assert!(taken, "the folder is locked");
    assert!(Path::new(&stage.folder).read_dir().unwrap().next().is_none(), "and nothing is written into it");
    running.stop().await;
}
