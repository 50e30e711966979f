//! For tests: a real Kafka broker of their own, through `deploy/kafka/broker.sh`.

// Tests speak by failing: unlike the rest of the crate it may panic.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used)]

use super::Kafka;
use crate::kit::settings::{LogKind, LogSettings};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

/// A broker. It stops when this is dropped, and when the process ends.
#[derive(Debug)]
pub struct Broker {
    script: Child,
    folder: PathBuf,
    port: u16,
    prefixes: AtomicU32,
}

fn script() -> Command {
    Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/kafka/broker.sh"))
}

/// A port that nobody listens on, with the one after it: a broker's, and its controller's. It lies below those that the system
/// gives to outgoing connections: it must still be free when whoever listened on it was killed and comes back, and a client
/// that tries all the while must not meet itself there.
#[must_use]
pub fn free_port() -> u16 {
    let is_free = |port: &u16| [*port, port + 1].iter().all(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    std::iter::repeat_with(|| rand::random_range(10_000..32_000)).find(is_free).expect("it goes on for ever")
}

impl Broker {
    /// Starts one and waits until it takes requests.
    #[must_use]
    pub fn start() -> Self {
        Self::with_properties("")
    }

    /// Starts one with more lines in its `server.properties`.
    #[must_use]
    pub fn with_properties(properties: &str) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("wanglou-kafka-{}-{port}", std::process::id()));
        let mut command = script();
        command.arg("run").arg(&folder).arg(port.to_string()).env("KAFKA_PROPERTIES", properties);
        let mut script = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("broker.sh can be run");
        let mut line = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.starts_with("127.0.0.1:"), "the broker did not start: see above");
        Self { script, folder, port, prefixes: AtomicU32::new(0) }
    }

    /// One that all tests of a binary share. It stops when the process ends.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Broker> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A prefix of topics that nobody has used: a log of one's own.
    pub fn prefix(&self) -> String {
        format!("t{}.", self.prefixes.fetch_add(1, Ordering::Relaxed))
    }

    /// The settings of a log of one's own on this broker, with two partitions in the topics of posts.
    pub fn settings(&self) -> LogSettings {
        LogSettings {
            kind: LogKind::Kafka,
            brokers: Some(self.address()),
            partitions: 2,
            replication: 1,
            prefix: self.prefix(),
            ..LogSettings::default()
        }
    }

    /// Opens a log on it.
    pub async fn open(&self, settings: &LogSettings) -> Kafka {
        Kafka::open(settings).await.unwrap()
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.signal("-KILL");
        while self.is_running() {
            std::thread::yield_now();
        }
    }

    /// SIGSTOP: it holds its connections and answers nothing.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    /// SIGCONT.
    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    /// Starts it again after [`Broker::kill`], with its data and on its port, and waits until it takes requests.
    pub fn restart(&self) {
        let started = script().arg("start").arg(&self.folder).arg(self.port.to_string()).stdout(Stdio::null()).status();
        assert!(started.unwrap().success(), "the broker did not start again: see above");
    }

    fn pid(&self) -> String {
        std::fs::read_to_string(self.folder.join("pid")).unwrap().trim().to_owned()
    }

    fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.pid()]).status().unwrap().success());
    }

    fn is_running(&self) -> bool {
        // A process that has ended and is not yet waited for is a zombie, and runs no more.
        let state = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        state.is_ok_and(|stat| !stat.rsplit(')').next().unwrap_or_default().trim_start().starts_with('Z'))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // The script sees the end of its input, and stops the broker.
        drop(self.script.stdin.take());
        let _ = self.script.wait();
    }
}
