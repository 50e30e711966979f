//! The instance that is killed, and what it is asked.

use crate::{
    proof::{Proof, Stored},
    support::{ADMIN, PUSH, SOON, VIEWER},
};
use jiff::Timestamp;
use schemas::{
    log::{Embedded, EmbeddedOptions, Log as _, Position, Topic, broker::free_port},
    records::{CrawlReport, Record as _},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::Instant;

/// Visits to each source after which whatever it will find has been found.
const ENOUGH_VISITS: usize = 4;

pub struct Watch {
    folder: TempDir,
    address: String,
    child: Option<Child>,
    client: reqwest::Client,
}

impl Watch {
    /// Starts an instance that visits these sources.
    pub async fn start(sources: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let address = format!("127.0.0.1:{}", free_port());
        let config = format!(
            "data_dir = {:?}\ntimezone = \"Asia/Shanghai\"\n[http]\nlisten = \"{address}\"\n\
             [[http.token]]\nname = \"tests\"\nrole = \"admin\"\nenv = \"WANGLOU_ADMIN_TOKEN\"\n\
             [crawl]\npause = \"0s\"\ntimeout = \"2s\"\n{sources}",
            folder.path().join("data")
        );
        std::fs::write(folder.path().join("wanglou.toml"), config).unwrap();
        let client = schemas::kit::http::client().timeout(Duration::from_secs(30)).build().unwrap();
        let mut watch = Self { folder, address, child: None, client };
        watch.spawn();
        watch
    }

    /// Starts it; it need not be ready when this returns.
    pub fn spawn(&mut self) {
        let log = File::options().create(true).append(true).open(self.log()).unwrap();
        let command = Command::new(env!("CARGO_BIN_EXE_wanglou"))
            .args(["run", "--config", "wanglou.toml"])
            .envs([("WANGLOU_ADMIN_TOKEN", ADMIN), ("WANGLOU_PUSH_TOKEN", PUSH), ("WANGLOU_VIEWER_TOKEN", VIEWER)])
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.child = Some(command.unwrap());
    }

    /// SIGKILL. One that has ended by itself fails the day.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        if let Some(status) = child.try_wait().unwrap() {
            panic!("it ended by itself, {status}; what it said:\n{}", self.said());
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until each source has had a good visit that began after this moment.
    pub async fn has_visited(&self, sources: &[&str], since: Timestamp) {
        self.visited(sources, since, 1, async || false).await;
    }

    /// Waits until nothing is missing that can still be read, or the sources have been visited so often that nothing more is
    /// to be expected: then it is for the proof to say what is wrong.
    pub async fn settle(&self, proofs: Vec<Proof>, quiet: Timestamp) {
        let sources: Vec<&str> = proofs.iter().map(|proof| proof.face.id()).collect();
        self.visited(&sources, quiet, 1, async || false).await;
        self.visited(&sources, quiet, ENOUGH_VISITS, async || {
            let stored = self.stored(&sources).await;
            proofs.iter().all(|proof| proof.is_settled(&stored))
        })
        .await;
    }

    async fn visited(
        &self,
        sources: &[&str],
        since: Timestamp,
        times: usize,
        mut enough: impl AsyncFnMut() -> bool,
    ) {
        let begin = Instant::now();
        let mut visits: BTreeMap<String, BTreeSet<Timestamp>> = BTreeMap::new();
        loop {
            if let Some(coverage) = self.get("/api/coverage").await {
                for source in coverage["sources"].as_array().unwrap() {
                    let success = source["last_success_at"].as_str().and_then(|at| at.parse().ok());
                    let good = success.filter(|at: &Timestamp| *at > since);
                    visits.entry(source["id"].as_str().unwrap().to_owned()).or_default().extend(good);
                }
                let all = sources.iter().all(|source| visits.get(*source).is_some_and(|good| good.len() >= times));
                if all || enough().await {
                    return;
                }
            }
            assert!(begin.elapsed() < SOON, "no good visits: {visits:?}\n{}", self.said());
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }

    /// Everything of these sources in the archive.
    pub async fn stored(&self, sources: &[&str]) -> Vec<Stored> {
        let mut stored = Vec::new();
        for source in sources {
            let mut cursor = String::new();
            loop {
                let page = self.get(&format!("/api/search?limit=200&source={source}{cursor}")).await;
                let Some(page) = page else { break };
                stored.extend(page["hits"].as_array().unwrap().iter().map(Stored::new));
                match &page["next"] {
                    Value::String(next) => cursor = format!("&cursor={next}"),
                    _ => break,
                }
            }
        }
        stored
    }

    /// All reports of visits. The instance is stopped for it: its log is for one process alone.
    pub async fn reports(&mut self) -> Vec<CrawlReport> {
        self.kill();
        let log = Embedded::open(&EmbeddedOptions::new(self.folder.path().join("data/log"))).unwrap();
        let (offset, end) = log.bounds(Topic::CrawlReports, 0).await.unwrap();
        let mut reader = log.reader(Topic::CrawlReports, vec![Position { partition: 0, offset }]).await.unwrap();
        let mut reports = Vec::new();
        let mut next = offset;
        while next < end {
            let batch = reader.next(1_000, SOON).await.unwrap().unwrap();
            reports.extend(batch.entries.iter().map(|entry| CrawlReport::decode(&entry.value).unwrap()));
            next = batch.next;
        }
        reports
    }

    /// What it said that no kill explains.
    pub fn panics(&self) -> Vec<String> {
        self.said().lines().filter(|line| line.contains("panicked")).map(str::to_owned).collect()
    }

    async fn get(&self, path: &str) -> Option<Value> {
        let answer = self.client.get(format!("http://{}{path}", self.address)).bearer_auth(ADMIN).send().await.ok()?;
        let (status, text) = (answer.status(), answer.text().await.ok()?);
        // It starts, or is catching up.
        if status.is_server_error() {
            return None;
        }
        assert!(status.is_success(), "GET {path}: {status} {text}");
        serde_json::from_str(&text).ok()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("wanglou.log")
    }

    fn said(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
