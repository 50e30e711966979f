//! The instance that is killed, and what it is asked.

use crate::{
    proof::{Proof, Stored},
    support::{ADMIN, PUSH, SOON, wait_for},
};
use jiff::Timestamp;
use schemas::{
    log::{Embedded, EmbeddedOptions, Log as _, Position, Topic, broker::free_port},
    records::{CrawlReport, Record as _},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;

/// Visits to each source after which whatever it will find has been found. Where a list says nothing of comments, its threads, some
/// two hundred, are looked at again in turn, twenty a visit.
const ENOUGH_VISITS: usize = 15;

/// Marks are posts of a source of their own, so many that some are in each partition.
const MARK: &str = "mark";
const MARKS: u64 = 64;

/// The good visits to each source, by when they ended.
#[derive(Default)]
struct Visits(BTreeMap<String, BTreeSet<Timestamp>>);

impl Visits {
    /// Notes the last good visit to each source, where it ended after this moment.
    fn note(&mut self, coverage: &Value, since: Timestamp) {
        for source in coverage["sources"].as_array().into_iter().flatten() {
            let id = source["id"].as_str().unwrap_or_default();
            let at: Option<Timestamp> = source["last_success_at"].as_str().and_then(|at| at.parse().ok());
            self.0.entry(id.to_owned()).or_default().extend(at.filter(|at| *at > since));
        }
    }

    fn fewest(&self, sources: &[&str]) -> usize {
        sources.iter().map(|source| self.0.get(*source).map_or(0, BTreeSet::len)).min().unwrap_or_default()
    }
}

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
             [[http.token]]\nname = \"marks\"\nrole = \"push\"\nenv = \"WANGLOU_PUSH_TOKEN\"\n\
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
            .envs([("WANGLOU_ADMIN_TOKEN", ADMIN), ("WANGLOU_PUSH_TOKEN", PUSH)])
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
        let mut visits = Visits::default();
        wait_for("a good visit to each source", async || {
            visits.note(&self.get("/api/coverage").await?, since);
            (visits.fewest(sources) >= 1).then_some(())
        })
        .await;
    }

    /// Waits until nothing is missing that can still be read, or the sources have been visited so often that nothing more is
    /// to be expected. Returns everything in the archive: it is for the proof to say what is wrong.
    pub async fn settle(&self, proofs: &[Proof], quiet: Timestamp) -> Vec<Stored> {
        let sources: Vec<&str> = proofs.iter().map(|proof| proof.face.id()).collect();
        let mut visits = Visits::default();
        wait_for("good visits to each source", async || {
            visits.note(&self.get("/api/coverage").await?, quiet);
            let fewest = visits.fewest(&sources);
            if fewest == 0 {
                return None;
            }
            self.has_caught_up().await?;
            let stored = self.stored(&sources).await?;
            let all = proofs.iter().all(|proof| proof.is_settled(&stored));
            (all || fewest >= ENOUGH_VISITS).then_some(stored)
        })
        .await
    }

    /// Waits until whatever was accepted before is searchable: until posts are that come behind it in every partition.
    async fn has_caught_up(&self) -> Option<()> {
        let now = Timestamp::now();
        let marks = 0..MARKS;
        let line = |mark| {
            let id = format!("{}-{mark}", now.as_millisecond());
            json!({"source": MARK, "native_id": id, "kind": "post", "text": format!("标记{id}"), "published_at": now.to_string()})
        };
        let body: String = marks.map(|mark| line(mark).to_string() + "\n").collect();
        let request = self.client.post(format!("http://{}/api/posts", self.address)).bearer_auth(PUSH).body(body);
        request.header("content-type", "application/x-ndjson").send().await.ok()?.error_for_status().ok()?;
        wait_for("marks to be searchable", async || {
            let page = self.get(&format!("/api/search?limit=0&q=标记{}", now.as_millisecond())).await?;
            (page["total"].as_u64()? == MARKS).then_some(())
        })
        .await;
        Some(())
    }

    /// Everything of these sources in the archive.
    pub async fn stored(&self, sources: &[&str]) -> Option<Vec<Stored>> {
        let mut stored = Vec::new();
        for source in sources {
            let mut cursor = String::new();
            loop {
                let page = self.get(&format!("/api/search?limit=200&source={source}{cursor}")).await?;
                stored.extend(page["hits"].as_array()?.iter().map(Stored::new));
                match &page["next"] {
                    Value::String(next) => cursor = format!("&cursor={next}"),
                    _ => break,
                }
            }
        }
        Some(stored)
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
