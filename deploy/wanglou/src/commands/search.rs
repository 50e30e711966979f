//! `wanglou search`: the archive from the shell, whether an instance runs or not.

use analyze::{
    archive::{
        Archive,
        export::Format,
        search::{Page, Search, Sort, histogram::Scale},
    },
    query::{self, Context as Words, field::KEYWORDS},
};
use anyhow::{Context, Result, bail};
use jiff::{Timestamp, tz::TimeZone};
use serde::de::DeserializeOwned;
use std::{
    fs::File,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

/// How long a search may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest bar of a histogram, in characters.
const BAR: u64 = 50;

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Words with AND, OR, NOT, brackets and "phrases", 停水 ~5 抚琴, and filters: 情感:负面 时间:近7天 来源:锦水论坛 点赞:>100.
    query: String,
    /// Print the page as JSON, as the API does.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Hits to print, at most 200.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(0..=200))]
    limit: u16,
    /// Which come first: time (the newest), oldest, relevance or heat.
    #[arg(long, default_value = "time", value_parser = word::<Sort>)]
    sort: Sort,
    /// One post stands for all its copies.
    #[arg(long)]
    collapse: bool,
    /// Count the values of fields over the whole result: source,sentiment,category,place,unit,kind,topic.
    #[arg(long, value_delimiter = ',', value_parser = facet)]
    facets: Vec<&'static str>,
    /// Count over time: minute, hour, day, week, month or auto.
    #[arg(long, value_parser = word::<Scale>)]
    histogram: Option<Scale>,
    /// Write the whole result to a file: csv, xlsx or jsonl.
    #[arg(long, requires = "out", value_parser = word::<Format>)]
    format: Option<Format>,
    /// The file, which must not exist yet.
    #[arg(long, requires = "format")]
    out: Option<PathBuf>,
    #[command(flatten)]
    config: crate::Config,
}

fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(text.into()).map_err(|error| error.to_string())
}

fn facet(text: &str) -> Result<&'static str, String> {
    let levels: Vec<&'static str> = KEYWORDS.iter().flat_map(|field| field.levels).map(|level| level.name).collect();
    let found = levels.iter().find(|level| **level == text).copied();
    found.ok_or_else(|| format!("there are {}", levels.join(", ")))
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let settings = super::settings(&options.config.config)?;
    let words = Words { now: Timestamp::now(), tz: settings.tz(), names: analyze::names(&settings) };
    let query = query::parse(&options.query, &words).with_context(|| format!("in the query {:?}", options.query))?;
    let archive = Archive::open_read_only(&settings.data_dir, Arc::new(analyze::understanding(&settings)?))?;
    let search = Search {
        sort: options.sort,
        collapse: options.collapse,
        facets: options.facets.clone(),
        histogram: options.histogram.map(|scale| (scale, settings.tz())),
        limit: options.limit.into(),
        ..Search::new(query)
    };
    if let (Some(format), Some(out)) = (options.format, &options.out) {
        return export(&archive, &search, format, out, &settings.tz());
    }
    let page = archive.search(&search, Instant::now() + PATIENCE)?;
    if options.json {
        println!("{}", serde_json::to_string(&page)?);
    } else {
        print(&page, &settings.tz());
    }
    Ok(ExitCode::SUCCESS)
}

fn print(page: &Page, tz: &TimeZone) {
    let at = |at: Timestamp, form: &str| at.to_zoned_datetime(tz.clone()).strftime(form).to_string();
    for hit in &page.hits {
        let text = [hit.title.as_deref().unwrap_or(""), &hit.text].join(" ");
        let text: String = plain(&text).chars().take(120).collect();
        let copies = hit.copies.filter(|copies| *copies > 1).map(|copies| format!(" (×{copies})")).unwrap_or_default();
        println!("{}  {:<10} {}{copies}", at(hit.published_at, "%F %T"), hit.source, text.trim());
    }
    for (name, values) in &page.facets {
        println!("{name}");
        for value in values {
            println!("{:>9}  {}", value.count, plain(&value.value));
        }
    }
    if let Some(histogram) = &page.histogram {
        let most = histogram.buckets.iter().map(|bucket| bucket.count).max().unwrap_or(1).max(1);
        for bucket in &histogram.buckets {
            let bar = "█".repeat(usize::try_from((bucket.count * BAR).div_ceil(most)).unwrap_or_default());
            println!("{}  {:>9} {bar}", at(bucket.from, "%F %R"), bucket.count);
        }
    }
    match page.texts {
        Some(texts) => println!("{} hits, {texts} different texts", page.total),
        None => println!("{} hits", page.total),
    }
    if !page.lacking.is_empty() {
        let months = page.lacking.join(", ");
        println!("{months}: made before a field that was asked for; `wanglou reindex` builds them anew");
    }
}

/// Crawled text may hold escape codes that rewrite a terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn export(archive: &Archive, search: &Search, format: Format, out: &PathBuf, tz: &TimeZone) -> Result<ExitCode> {
    archive.count_rows(search, Instant::now() + PATIENCE)?;
    let unwritable = || format!("the file {} cannot be written", out.display());
    let file = File::create_new(out).with_context(unwritable)?;
    match archive.export(search, format, tz, &std::env::temp_dir(), file) {
        Ok(rows) => println!("{rows} posts in {}", out.display()),
        Err(error) => {
            // Half a file must not look like a whole one.
            let _ = std::fs::remove_file(out);
            bail!("{error}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
