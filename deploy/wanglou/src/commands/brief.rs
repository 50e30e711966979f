//! `wanglou brief`: a 快报, 日报 or 周报 from the archive, whether an instance runs or not.

use analyze::{
    archive::{
        Archive,
        brief::{Format, Links, Wanted},
    },
    query::Context as Words,
};
use anyhow::{Context, Result};
use jiff::Timestamp;
use std::{
    fs::File,
    io::Write,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long all searches of a brief may take.
const PATIENCE: Duration = Duration::from_secs(300);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// matter (快报, of one query), day (日报) or week (周报).
    #[arg(long)]
    kind: String,
    /// What it is about, in the query language; a matter needs it.
    #[arg(long)]
    query: Option<String>,
    /// The day, or one of the week: 2026-11-28.
    #[arg(long)]
    date: Option<String>,
    /// Of a matter: from when, as 2026-11-24T08:00:00+08:00; 24 hours before its end when left out.
    #[arg(long)]
    from: Option<String>,
    /// Of a matter: before when; now when left out.
    #[arg(long)]
    to: Option<String>,
    /// html or docx.
    #[arg(long, value_parser = format)]
    format: Format,
    /// The file, which must not exist yet.
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    config: crate::Config,
}

fn format(text: &str) -> Result<Format, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let settings = super::settings(&options.config.config)?;
    let words = Words { now: Timestamp::now(), tz: settings.tz(), names: analyze::names(&settings) };
    let wanted = Wanted {
        kind: Some(options.kind.clone()),
        q: options.query.clone(),
        from: options.from.clone(),
        to: options.to.clone(),
        date: options.date.clone(),
        format: None,
    };
    let order = wanted.order(&words)?;
    let archive = Archive::open_read_only(&settings.data_dir, Arc::new(analyze::understanding(&settings)?))?;
    let brief = archive.brief(&order, &words, Instant::now() + PATIENCE)?;
    if settings.http.public_url.is_none() {
        eprintln!("warning: [http] public_url is missing: the links of figures open from a page of the console alone");
    }
    let file = options.format.write(&brief, &Links::to(settings.http.public_url.as_deref()))?;
    let unwritable = || format!("the file {} cannot be written", options.out.display());
    File::create_new(&options.out).and_then(|mut out| out.write_all(&file)).with_context(unwritable)?;
    let posts = brief.totals.rows.first().map_or(0, |row| row.now.value);
    println!("{posts} posts told of in {}", options.out.display());
    Ok(ExitCode::SUCCESS)
}
