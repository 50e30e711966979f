//! `wanglou search`: the archive from the shell, whether an instance runs or not.

use analyze::{
    archive::{
        Archive,
        search::{Filter, Search, Sort},
    },
    query,
};
use anyhow::{Context, Result};
use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a search may take.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Substrings with AND, OR, NOT, brackets and "phrases".
    query: String,
    /// Print the page as JSON, as the API does.
    #[arg(long)]
    json: bool,
    /// Hits to print, at most 200.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=200))]
    limit: u16,
    #[command(flatten)]
    config: crate::Config,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let settings = super::settings(&options.config.config)?;
    let archive = Archive::open_read_only(&settings.data_dir, Arc::new(analyze::understanding(&settings)?))?;
    let search = Search {
        query: query::parse(&options.query).with_context(|| format!("in the query {:?}", options.query))?,
        filter: Filter::default(),
        sort: Sort::Time,
        limit: options.limit.into(),
        cursor: None,
    };
    let page = archive.search(&search, Instant::now() + PATIENCE)?;
    if options.json {
        println!("{}", serde_json::to_string(&page)?);
        return Ok(ExitCode::SUCCESS);
    }
    for hit in &page.hits {
        let at = hit.published_at.to_zoned_datetime(settings.tz()).strftime("%F %T").to_string();
        // Crawled text may hold escape codes that rewrite a terminal.
        let text = [hit.title.as_deref().unwrap_or(""), &hit.text].join(" ");
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(120).collect();
        println!("{at}  {:<10} {}", hit.source, text.trim());
    }
    println!("{} hits", page.total);
    Ok(ExitCode::SUCCESS)
}
