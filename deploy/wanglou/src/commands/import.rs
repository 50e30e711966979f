//! `wanglou import`: the posts of a JSONL file, over HTTP into a running instance or, with `--config`, straight into the
//! log: of a stopped one, where it is embedded.

use anyhow::{Context, Result, bail};
use reqwest::StatusCode;
use schemas::{
    kit::{http::client, settings::secret},
    log,
    records::MAX_LINE_BYTES,
};
use serde::Deserialize;
use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
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
    /// Append to the log of this config's instance. With the embedded log it must be stopped.
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
    #[serde(default)]
    refused_unlisted: u64,
}

#[derive(Debug, Deserialize)]
struct Refused {
    line: u64,
    reason: String,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let total = match &options.config {
        Some(config) => into_log(config, &options.file).await?,
        None => {
            let token = secret(&options.token_env).with_context(|| {
                format!("{} is not set: it must hold a push token of the instance", options.token_env)
            })?;
            let file =
                File::open(&options.file).with_context(|| format!("{} cannot be read", options.file.display()))?;
            over_http(&options.to, &token, BufReader::with_capacity(1 << 20, file)).await?
        }
    };
    for refused in &total.refused {
        eprintln!("{}:{}: {}", options.file.display(), refused.line, refused.reason);
    }
    let refused = total.refused.len() as u64 + total.refused_unlisted;
    println!("accepted {}, duplicate {}, refused {refused}", total.accepted, total.duplicate);
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

async fn over_http(to: &str, token: &str, mut file: impl BufRead) -> Result<Accepted> {
    let client = client().timeout(Duration::from_secs(60)).build()?;
    let url = format!("{}/api/posts", to.trim_end_matches('/'));
    let mut total = Accepted::default();
    let mut before = 0;
    loop {
        let Part { body, lines, mut refused } = read_some(&mut file)?;
        if lines == 0 {
            return Ok(total);
        }
        let answer = post(&client, &url, token, body).await?;
        total.accepted += answer.accepted;
        total.duplicate += answer.duplicate;
        refused.extend(answer.refused);
        refused.sort_by_key(|refused| refused.line);
        total.refused.extend(refused.into_iter().map(|refused| Refused { line: before + refused.line, ..refused }));
        total.refused_unlisted += answer.refused_unlisted;
        before += lines;
    }
}

/// Some lines of a file, for one request.
#[derive(Debug, Default)]
struct Part {
    body: Vec<u8>,
    lines: u64,
    /// Lines that are longer than any door takes. They are not read into memory and not sent; a blank line stands in their
    /// place, so that the others keep their numbers.
    refused: Vec<Refused>,
}

fn read_some(file: &mut impl BufRead) -> Result<Part> {
    let mut part = Part::default();
    while part.lines < LINES as u64 && part.body.len() < BYTES {
        let begin = part.body.len();
        let read = file.by_ref().take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut part.body)?;
        if read == 0 {
            break;
        }
        part.lines += 1;
        if read > MAX_LINE_BYTES && !part.body.ends_with(b"\n") {
            part.body.truncate(begin);
            part.body.push(b'\n');
            let length = read as u64 + skip_line(file)?;
            let reason = format!("the line is {length} bytes long; at most {MAX_LINE_BYTES} are taken");
            part.refused.push(Refused { line: part.lines, reason });
        }
    }
    Ok(part)
}

/// Passes over the rest of a line, and counts it.
fn skip_line(file: &mut impl BufRead) -> Result<u64> {
    let mut skipped = 0;
    loop {
        let held = file.fill_buf()?;
        let (end, ended) = match held.iter().position(|&byte| byte == b'\n') {
            Some(at) => (at + 1, true),
            None => (held.len(), held.is_empty()),
        };
        file.consume(end);
        skipped += (end - usize::from(ended && end > 0)) as u64;
        if ended {
            return Ok(skipped);
        }
    }
}

/// Sends a request, again and again while the log cannot take it: the door is at-least-once and knows what it has seen.
async fn post(client: &reqwest::Client, url: &str, token: &str, body: Vec<u8>) -> Result<Accepted> {
    let body = bytes::Bytes::from(body);
    loop {
        let sent =
            client.post(url).bearer_auth(token).header("content-type", "application/x-ndjson").body(body.clone());
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

/// Appends a file's posts to the log of a stopped instance.
async fn into_log(config: &Path, file: &Path) -> Result<Accepted> {
    let settings = super::settings(config)?;
    let log = log::open(&settings).await?;
    let file = tokio::fs::File::open(file).await.with_context(|| format!("{} cannot be read", file.display()))?;
    let imported = async {
        let door = ingest::Door::open(&settings, log.clone()).await?;
        Ok::<_, anyhow::Error>(ingest::import(tokio::io::BufReader::new(file), &door, |_| {}).await?)
    }
    .await;
    log.close().await;
    let imported = imported?;
    let refused = imported.refused.into_iter().map(|refused| Refused { line: refused.line, reason: refused.reason });
    Ok(Accepted {
        accepted: imported.accepted,
        duplicate: imported.duplicate,
        refused: refused.collect(),
        refused_unlisted: imported.refused_unlisted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_is_refused_by_its_number_and_not_sent() {
        let long = "x".repeat(3 * MAX_LINE_BYTES + 17);
        let full = "y".repeat(MAX_LINE_BYTES);
        let text = format!("a\n{long}\nb\n{full}\n{long}");
        // A small buffer: lines lie across its ends.
        let part = read_some(&mut BufReader::with_capacity(7_001, text.as_bytes())).unwrap();
        assert_eq!(part.lines, 5);
        assert_eq!(part.body, format!("a\n\nb\n{full}\n\n").into_bytes());
        let refused: Vec<_> = part.refused.iter().map(|refused| refused.line).collect();
        assert_eq!(refused, [2, 5]);
        assert!(part.refused.iter().all(|refused| refused.reason.contains(&format!("{} bytes", long.len()))));
    }

    #[test]
    fn a_file_is_read_in_parts_and_to_its_end() {
        let text: String = (0..LINES + 1).map(|number| format!("{number}\n")).collect::<String>() + "last";
        let mut file = text.as_bytes();
        let (first, second) = (read_some(&mut file).unwrap(), read_some(&mut file).unwrap());
        assert_eq!((first.lines, second.lines), (LINES as u64, 2));
        assert_eq!([first.body, second.body].concat(), text.as_bytes());
        assert_eq!(read_some(&mut file).unwrap().lines, 0);
    }
}
