//! What is measured: Wanglou in one process or three, on a folder of its own, and the broker beneath it.

use crate::machine::{Usage, usage};
use anyhow::{Context, Result, bail, ensure};
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

/// Which log it runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Log {
    /// In the data folder.
    Embedded,
    /// Apache Kafka.
    Kafka,
}

/// What to measure.
#[derive(Debug, clap::Args)]
#[group(id = "site")]
pub struct Options {
    /// The log that it runs on.
    #[arg(long, value_enum, default_value_t = Log::Embedded)]
    pub log: Log,
    /// Kafka: brokers that are there already; without them deploy/kafka/broker.sh starts one.
    #[arg(long)]
    brokers: Option<String>,
    /// Kafka: ingest, analyze and alert as processes of their own.
    #[arg(long)]
    apart: bool,
    /// The program that is measured.
    #[arg(long, default_value = "target/release/wanglou")]
    binary: PathBuf,
}

/// It runs; it stops, and its folder is removed, when this is dropped.
#[derive(Debug)]
pub struct Site {
    /// Where its gateway is.
    pub base: String,
    folder: PathBuf,
    processes: Vec<Child>,
    broker: Option<Child>,
}

impl Site {
    /// Starts it with this config, to which the log is added. It need not be ready when this returns.
    ///
    /// # Errors
    /// What did not start, and what to do.
    pub fn start(options: &Options, config: &str, environment: &[(&str, &str)]) -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("wanglou-load-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("the folder {}", folder.display()))?;
        let mut site = Self { base: String::new(), folder, processes: Vec::new(), broker: None };
        let log = match (options.log, &options.brokers) {
            (Log::Embedded, None) if !options.apart => "kind = \"embedded\"".to_owned(),
            (Log::Embedded, _) => bail!("--brokers and --apart need --log kafka"),
            (Log::Kafka, Some(brokers)) => kafka(brokers),
            (Log::Kafka, None) => kafka(&site.start_broker()?),
        };
        let path = site.folder.join("wanglou.toml");
        std::fs::write(&path, format!("{config}[log]\n{log}\n"))?;
        let start = |command: &str, upstreams: &[(&str, String)]| {
            let mut process = Command::new(&options.binary);
            process.args([command, "--config"]).arg(&path).envs(environment.iter().copied());
            process.envs(upstreams.iter().map(|(name, base)| (name, base)));
            process.env("WANGLOU__DATA_DIR", site.folder.join(command)).env("WANGLOU__HTTP__LISTEN", "127.0.0.1:0");
            process
                .env("WANGLOU_INTERNAL_KEY", "the load program's, of thirty-two bytes and more")
                .env("RUST_LOG", "warn");
            let child = process
                .stdout(Stdio::piped())
                .spawn()
                .with_context(|| format!("{} (cargo build --release -p wanglou makes it)", options.binary.display()))?;
            address_of(child)
        };
        let mut upstreams = Vec::new();
        if options.apart {
            for (command, variable) in
                [("ingest", "WANGLOU__HTTP__UPSTREAM__INGEST"), ("analyze", "WANGLOU__HTTP__UPSTREAM__ANALYZE")]
            {
                let (child, base) = start(command, &[])?;
                site.processes.push(child);
                upstreams.push((variable, base));
            }
        }
        let (child, base) = start(if options.apart { "alert" } else { "run" }, &upstreams)?;
        site.processes.push(child);
        site.base = base;
        Ok(site)
    }

    fn start_broker(&mut self) -> Result<String> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/kafka/broker.sh");
        let mut command = Command::new(&script);
        command.arg("run").arg(self.folder.join("kafka")).arg(port.to_string()).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| script.display().to_string())?;
        let mut line = String::new();
        let told = child.stdout.take().map(|output| BufReader::new(output).read_line(&mut line));
        self.broker = Some(child);
        ensure!(matches!(told, Some(Ok(1..))), "the broker did not start: see above");
        Ok(line.trim().to_owned())
    }

    /// What all its processes have used, the broker's left out.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.processes
            .iter()
            .filter_map(|process| usage(process.id()))
            .fold(Usage::default(), |sum, one| Usage { cpu: sum.cpu + one.cpu, rss_anon: sum.rss_anon + one.rss_anon })
    }

    /// What the broker that was started has used.
    #[must_use]
    pub fn broker_usage(&self) -> Option<Usage> {
        let pid = std::fs::read_to_string(self.folder.join("kafka/pid")).ok()?;
        usage(pid.trim().parse().ok()?)
    }

    /// What it has written and kept.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        folder_bytes(&self.folder)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
        if let Some(broker) = &mut self.broker {
            // The script sees the end of its input, and stops the broker.
            drop(broker.stdin.take());
            let _ = broker.wait();
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn kafka(brokers: &str) -> String {
    format!("kind = \"kafka\"\nbrokers = {brokers:?}\nreplication = 1\nprefix = \"load{}.\"", std::process::id())
}

/// Reads the output up to the line that tells the address.
fn address_of(mut child: Child) -> Result<(Child, String)> {
    let Some(output) = child.stdout.take() else { bail!("the program's output is not piped") };
    let mut lines = BufReader::new(output).lines();
    let base = lines
        .by_ref()
        .map_while(Result::ok)
        .find_map(|line| Some(line[line.find("http://")?..].trim_end_matches('/').to_owned()));
    // Goes on reading, so that the program never waits for us.
    std::thread::spawn(move || lines.for_each(drop));
    match base {
        Some(base) => Ok((child, base)),
        None => bail!("the program ended before it told its address ({})", child.wait()?),
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .filter_map(Result::ok)
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => folder_bytes(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
