//! `wanglou import`: the posts of a JSONL file, over HTTP into a running instance or, with `--config`, straight into the log
//! of a stopped one.

use anyhow::{Context, Result, bail};
use reqwest::StatusCode;
use schemas::kit::{http::client, settings::secret};
use serde::Deserialize;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

/// Lines of one request.
const LINES: usize = 2_000;
/// Bytes of one request, about.
const BYTES: usize = 8 << 20;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file, one post a line.
    file: PathBuf,
    /// Append to the log of this config's instance, which must be stopped.
    #[arg(long)]
    config: Option<PathBuf>,
    /// The running instance.
    #[arg(long, default_value = "http://127.0.0.1:8080", conflicts_with = "config")]
    to: String,
    /// The environment variable that holds the push token.
    #[arg(long, default_value = "WANGLOU_PUSH_TOKEN", conflicts_with = "config")]
    token_env: String,
}

/// What came of a file.
#[derive(Debug, Default, Deserialize)]
struct Accepted {
    accepted: u64,
    duplicate: u64,
    refused: Vec<Refused>,
}

#[derive(Debug, Deserialize)]
struct Refused {
    line: u64,
    reason: String,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let file = File::open(&options.file).with_context(|| format!("{} cannot be read", options.file.display()))?;
    let file = BufReader::with_capacity(1 << 20, file);
    let total = match &options.config {
        Some(config) => into_log(config, file).await?,
        None => {
            let token = secret(&options.token_env)
                .with_context(|| format!("{} is not set: it must hold a push token of the instance", options.token_env))?;
            over_http(&options.to, &token, file).await?
        }
    };
    for refused in &total.refused {
        eprintln!("{}:{}: {}", options.file.display(), refused.line, refused.reason);
    }
    println!("accepted {}, duplicate {}, refused {}", total.accepted, total.duplicate, total.refused.len());
    Ok(if total.refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn over_http(to: &str, token: &str, mut file: impl BufRead) -> Result<Accepted> {
    let client = client().timeout(Duration::from_secs(60)).build()?;
    let url = format!("{}/api/posts", to.trim_end_matches('/'));
    let mut total = Accepted::default();
    let mut before = 0;
    loop {
        let (body, lines) = read_some(&mut file)?;
        if lines == 0 {
            return Ok(total);
        }
        let answer = post(&client, &url, token, body).await?;
        total.accepted += answer.accepted;
        total.duplicate += answer.duplicate;
        total.refused.extend(answer.refused.into_iter().map(|refused| Refused { line: before + refused.line, ..refused }));
        before += lines;
    }
}

/// Some lines, and how many they are.
fn read_some(file: &mut impl BufRead) -> Result<(Vec<u8>, u64)> {
    let (mut body, mut lines) = (Vec::new(), 0);
    while lines < LINES as u64 && body.len() < BYTES && file.read_until(b'\n', &mut body)? > 0 {
        lines += 1;
    }
    Ok((body, lines))
}

/// Sends a request, again and again while the log cannot take it: the door is at-least-once and knows what it has seen.
async fn post(client: &reqwest::Client, url: &str, token: &str, body: Vec<u8>) -> Result<Accepted> {
    let body = bytes::Bytes::from(body);
    loop {
        let sent = client.post(url).bearer_auth(token).header("content-type", "application/x-ndjson").body(body.clone());
        let answer = sent.send().await.with_context(|| format!("{url} does not answer"))?;
        match answer.status() {
            StatusCode::ACCEPTED => return answer.json().await.context("the instance answers something unknown"),
            StatusCode::SERVICE_UNAVAILABLE => {
                let seconds = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                eprintln!("the instance cannot take posts now; trying again");
                tokio::time::sleep(Duration::from_secs(seconds.unwrap_or(2))).await;
            }
            status => bail!("{url} answers {status}: {}", answer.text().await.unwrap_or_default()),
        }
    }
}

async fn into_log(config: &std::path::Path, file: impl BufRead + Send) -> Result<Accepted> {
    let settings = super::settings(config)?;
    let log = crate::all_in_one::open_log(&settings)?;
    let _ = (log, file);
    bail!("to be joined with ingest")
}
