//! A real instance as a process of its own, and what tests ask of it.

#![allow(dead_code, missing_docs, unreachable_pub, clippy::unwrap_used, clippy::panic)] // each test file uses its part

pub mod control;
pub mod files;
pub mod watch;

use reqwest::StatusCode;
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub const PUSH: &str = "push-token-of-the-tests";
pub const ADMIN: &str = "admin-token-of-the-tests";
pub const VIEWER: &str = "viewer-token-of-the-tests";

/// How long anything may take that has to happen.
pub const SOON: Duration = Duration::from_secs(50);

/// A data folder with its config; instances come and go in it.
pub struct Site {
    folder: TempDir,
    /// The section of the log.
    log: String,
    /// Appended to the config.
    more: String,
}

impl Site {
    /// A site with the smallest config, and `more` of it.
    pub fn new(more: &str) -> Self {
        Self::over("kind = \"embedded\"", more)
    }

    /// The same over another log.
    pub fn over(log: &str, more: &str) -> Self {
        Self { folder: TempDir::new().unwrap(), log: log.to_owned(), more: more.to_owned() }
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn config(&self) -> PathBuf {
        let path = self.folder.path().join("wanglou.toml");
        let text = format!(
            r#"
data_dir = "{}"
timezone = "Asia/Shanghai"
[http]
listen = "127.0.0.1:0"
[[http.token]]
name = "feed"
role = "push"
env = "WANGLOU_PUSH_TOKEN"
[[http.token]]
name = "tests"
role = "admin"
env = "WANGLOU_ADMIN_TOKEN"
[[http.token]]
name = "board"
role = "viewer"
env = "WANGLOU_VIEWER_TOKEN"
[log]
{}
[records]
url = "sqlite:records.db"
[[watch]]
id = "water"
name = "停水"
query = "停水 OR 断水 OR (水压 AND 低)"
{}
"#,
            self.folder.path().join("data").display(),
            self.log,
            self.more
        );
        // In one step: a process that was started a moment ago may be reading it.
        schemas::kit::fs::write_atomically(&path, text.as_bytes()).unwrap();
        path
    }

    /// Puts the data folder on a file system of its own, of so many megabytes; `None` where this machine lets no test mount one.
    pub fn small_disk(&self, megabytes: u32) -> Option<SmallDisk> {
        let folder = self.folder.path().join("data");
        std::fs::create_dir_all(&folder).unwrap();
        let size = format!("size={megabytes}m");
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&folder).output();
        if !mount.is_ok_and(|mount| mount.status.success()) {
            #[allow(clippy::print_stderr)] // said to whoever reads the tests' output
            {
                eprintln!("skipped: no file system can be mounted here (root can)");
            }
            return None;
        }
        Some(SmallDisk { folder })
    }

    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wanglou"));
        command
            .env("WANGLOU_PUSH_TOKEN", PUSH)
            .env("WANGLOU_ADMIN_TOKEN", ADMIN)
            .env("WANGLOU_VIEWER_TOKEN", VIEWER)
            .current_dir(self.folder.path());
        command
    }

    /// Starts an instance and waits until it is ready.
    pub async fn start(&self) -> Instance {
        let mut command = self.command();
        command.args(["run", "--config"]).arg(self.config());
        let instance = Instance::spawn(command, "http://");
        instance.ready().await;
        instance
    }
}

/// A file system that is small enough to be filled.
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Fills it until about `free` bytes are left, as somebody else's files would.
    pub fn fill(&self, free: u64) {
        let space = schemas::kit::disk::Space::of(&self.folder).unwrap();
        let mut ballast = std::fs::File::create(self.folder.join("ballast")).unwrap();
        let block = vec![1; 4096];
        let mut left = space.free.saturating_sub(free);
        while left > 0 && std::io::Write::write_all(&mut ballast, &block).is_ok() {
            left = left.saturating_sub(block.len() as u64);
        }
    }

    /// Somebody makes room.
    pub fn make_room(&self) {
        std::fs::remove_file(self.folder.join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}

/// A running process; it is killed when it is dropped.
pub struct Instance {
    child: Child,
    pub base: String,
    pub client: reqwest::Client,
}

impl Instance {
    /// Starts a command and reads its output up to the line that tells the address.
    pub fn spawn(mut command: Command, before_address: &str) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let base = loop {
            let Some(Ok(line)) = lines.next() else {
                let status = child.wait().unwrap();
                panic!("the instance ended before it told its address: {status}");
            };
            if let Some((_, rest)) = line.split_once(before_address) {
                break format!("{before_address}{}", rest.trim_end_matches(['/', ' ']));
            }
        };
        // Goes on reading, so that the process never waits for us.
        std::thread::spawn(move || lines.for_each(drop));
        let client = schemas::kit::http::client().timeout(Duration::from_secs(30)).build().unwrap();
        Self { child, base, client }
    }

    pub async fn ready(&self) {
        wait_for("the instance to be ready", async || {
            let answer = self.client.get(format!("{}/readyz", self.base)).send().await.ok()?;
            answer.status().is_success().then_some(())
        })
        .await;
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub fn stop(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}{path}", self.base)).bearer_auth(ADMIN).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert!(status.is_success(), "GET {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    pub async fn act(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let answer =
            self.client.post(format!("{}{path}", self.base)).bearer_auth(ADMIN).json(body).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    pub async fn push(&self, body: impl Into<reqwest::Body>) -> reqwest::Result<(StatusCode, Value)> {
        let request = self.client.post(format!("{}/api/posts", self.base)).bearer_auth(PUSH);
        let answer = request.header("content-type", "application/x-ndjson").body(body).send().await?;
        Ok((answer.status(), answer.json().await.unwrap_or_default()))
    }

    /// The native id of every hit, page by page.
    pub async fn all_ids(&self) -> Vec<String> {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("/api/search?limit=200{cursor}")).await;
            let hits = page["hits"].as_array().unwrap().iter();
            ids.extend(hits.map(|hit| hit["native_id"].as_str().unwrap().to_owned()));
            match &page["next"] {
                Value::String(next) => cursor = format!("&cursor={next}"),
                _ => return ids,
            }
        }
    }

    /// A path that answers with text, whatever its status.
    pub async fn text(&self, path: &str) -> (StatusCode, String) {
        let answer = self.client.get(format!("{}{path}", self.base)).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    pub async fn search_total(&self, query: &str) -> Option<u64> {
        let request = self.client.get(format!("{}/api/search?limit=0{query}", self.base)).bearer_auth(ADMIN);
        request.send().await.ok()?.json::<Value>().await.ok()?["total"].as_u64()
    }

    pub async fn topic_total(&self, topic: &str) -> Option<u64> {
        let request = self.client.get(format!("{}/api/topics/{topic}/pulse", self.base)).bearer_auth(ADMIN);
        request.send().await.ok()?.json::<Value>().await.ok()?["total"].as_u64()
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again until there is an answer; fails when there is none in time.
pub async fn wait_for<T>(what: &str, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(begin.elapsed() < SOON, "waited {SOON:?} for {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A door line: every fifth post is about water.
pub fn line(number: u64, published_at: jiff::Timestamp) -> String {
    let text =
        if number.is_multiple_of(5) { "小区又停水了, 没人通知" } else { "路边的桂花开了, 很香" };
    serde_json::json!({
        "source": "feed", "native_id": number.to_string(), "kind": "post",
        "text": format!("{text} 第{number}条"), "author": format!("author {}", number % 97),
        "published_at": published_at.to_string(),
    })
    .to_string()
        + "\n"
}
