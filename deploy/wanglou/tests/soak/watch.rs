//! The watch that is killed: its processes, each at an address of its own that stays the same.

use crate::{
    figures::Figures,
    stream::PROBES,
    support::{ADMIN, PUSH, wait_for},
};
use schemas::log::broker::{Broker, free_port};
use serde_json::Value;
use std::{
    fs::File,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::time::Instant;

/// Which processes make up the watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One, on the embedded log.
    AllInOne,
    /// Three, on a Kafka broker.
    Apart,
}

struct Process {
    /// The command, `run` or a stage's name.
    command: &'static str,
    address: String,
    child: Option<Child>,
}

pub struct Watch {
    folder: TempDir,
    processes: Vec<Process>,
    broker: Option<Broker>,
    client: reqwest::Client,
}

impl Watch {
    /// Starts all processes and waits until they are ready.
    pub async fn start(shape: Shape, channel: &str) -> Self {
        let commands: &[&'static str] = match shape {
            Shape::AllInOne => &["run"],
            Shape::Apart => &["ingest", "analyze", "alert"],
        };
        let process =
            |command: &&'static str| Process { command, address: format!("127.0.0.1:{}", free_port()), child: None };
        let client = schemas::kit::http::client().timeout(Duration::from_secs(30)).build().unwrap();
        let mut watch = Self {
            folder: TempDir::new().unwrap(),
            processes: commands.iter().map(process).collect(),
            broker: (shape == Shape::Apart).then(Broker::start),
            client,
        };
        watch.write_config(channel);
        (0..watch.processes()).for_each(|process| watch.spawn(process));
        watch.ready().await;
        watch
    }

    fn write_config(&self, channel: &str) {
        let mut config = "timezone = \"Asia/Shanghai\"\n\
             [[http.token]]\nname = \"feed\"\nrole = \"push\"\nenv = \"WANGLOU_PUSH_TOKEN\"\n\
             [[http.token]]\nname = \"tests\"\nrole = \"admin\"\nenv = \"WANGLOU_ADMIN_TOKEN\"\n\
             [[watch]]\nid = \"water\"\nname = \"停水\"\nquery = \"停水 OR 断水\"\n\
             [storm]\nincidents = 0\n" // a storm merges pages: here each is looked for by its own key
            .to_owned();
        for probe in 0..PROBES {
            config +=
                &format!("[[watch]]\nid = \"probe{probe}\"\nname = \"probe {probe}\"\nquery = \"probe{probe}x\"\n");
        }
        if let Some(broker) = &self.broker {
            config += &format!(
                "[log]\nkind = \"kafka\"\nbrokers = {:?}\nreplication = 1\n[http.upstream]\n",
                broker.address()
            );
            for Process { command, address, .. } in self.processes.iter().filter(|process| process.command != "alert") {
                config += &format!("{command} = \"http://{address}\"\n");
            }
        }
        std::fs::write(self.config(), config + channel).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("wanglou.toml")
    }

    fn log(&self, process: usize) -> PathBuf {
        self.folder.path().join(format!("{}.log", self.processes[process].command))
    }

    /// How many there are.
    pub fn processes(&self) -> usize {
        self.processes.len()
    }

    /// Where posts are handed in and everything is asked.
    pub fn gateway(&self) -> String {
        self.processes.last().map(|process| format!("http://{}", process.address)).unwrap()
    }

    /// Starts a process; it need not be ready when this returns.
    pub fn spawn(&mut self, process: usize) {
        let log = File::options().create(true).append(true).open(self.log(process)).unwrap();
        let Process { command, address, .. } = &self.processes[process];
        let child = Command::new(env!("CARGO_BIN_EXE_wanglou"))
            .args([command, "--config"])
            .arg(self.config())
            .env("WANGLOU__DATA_DIR", self.folder.path().join(command))
            .env("WANGLOU__HTTP__LISTEN", address)
            .env("WANGLOU_PUSH_TOKEN", PUSH)
            .env("WANGLOU_ADMIN_TOKEN", ADMIN)
            .env("WANGLOU_INTERNAL_KEY", "of the tests, of thirty-two bytes and more")
            .env("RUST_LOG", "warn")
            .current_dir(self.folder.path())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.processes[process].child = Some(child);
    }

    /// SIGKILL. One that has ended by itself fails the night.
    pub fn kill(&mut self, process: usize) {
        self.must_run();
        let mut child = self.processes[process].child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Whether it stands on a broker.
    pub fn has_broker(&self) -> bool {
        self.broker.is_some()
    }

    /// SIGKILL to the broker, which stays away for a time; it takes requests again when this returns.
    pub async fn kill_broker(&mut self, away: Duration) {
        let broker = self.broker.as_ref().unwrap();
        tokio::task::block_in_place(|| broker.kill());
        tokio::time::sleep(away).await;
        tokio::task::block_in_place(|| broker.restart());
    }

    /// Fails when a process has ended that nobody killed.
    fn must_run(&mut self) {
        for index in 0..self.processes.len() {
            let child = self.processes[index].child.as_mut();
            if let Some(status) = child.and_then(|child| child.try_wait().unwrap()) {
                let (command, told) = (self.processes[index].command, self.last_words(index));
                panic!("`wanglou {command}` ended by itself, {status}; the last that it said:\n{told}");
            }
        }
    }

    fn last_words(&self, process: usize) -> String {
        let log = std::fs::read_to_string(self.log(process)).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// Waits until every process says that it can do its work.
    pub async fn ready(&mut self) {
        for index in 0..self.processes.len() {
            let url = format!("http://{}/readyz", self.processes[index].address);
            let client = self.client.clone();
            wait_for(&format!("{url} of `wanglou {}`", self.processes[index].command), async || {
                self.must_run();
                let answer = client.get(&url).send().await.ok()?;
                answer.status().is_success().then_some(())
            })
            .await;
        }
    }

    /// Lets them work for a time, and looks now and then how far analyze is behind.
    pub async fn work_for(&mut self, time: Duration, figures: &mut Figures) {
        let end = Instant::now() + time;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            figures.most_behind = figures.most_behind.max(self.behind().await);
            tokio::time::sleep(left.min(Duration::from_millis(500))).await;
        }
    }

    /// The most records that wait to be read of any topic.
    async fn behind(&self) -> u64 {
        let mut most = 0;
        for process in &self.processes {
            let Ok(answer) = self.client.get(format!("http://{}/metrics", process.address)).send().await else {
                continue;
            };
            let text = answer.text().await.unwrap_or_default();
            let samples = text.lines().filter(|line| line.starts_with("wanglou_analyze_behind_records"));
            most = samples.filter_map(|line| line.rsplit(' ').next()?.parse().ok()).fold(most, u64::max);
        }
        most
    }

    pub async fn get(&self, path: &str) -> Value {
        let answer = self.client.get(format!("{}{path}", self.gateway())).bearer_auth(ADMIN).send().await.unwrap();
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "GET {path}: {status} {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// What the processes said that no kill explains.
    pub fn panics(&self) -> Vec<String> {
        let logs =
            (0..self.processes.len()).map(|process| std::fs::read_to_string(self.log(process)).unwrap_or_default());
        logs.flat_map(|log| log.lines().filter(|line| line.contains("panicked")).map(str::to_owned).collect::<Vec<_>>())
            .collect()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for child in self.processes.iter_mut().filter_map(|process| process.child.as_mut()) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
