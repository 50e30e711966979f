//! `wanglou replay`: what would have been paged, and when.

use analyze::{
    replay::{Replay, Told},
    trend::{Config, Emerged, emerging::What},
};
use anyhow::{Context, Result, bail};
use schemas::{
    kit::settings::Settings,
    records::{DoorPost, Spike},
};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file, one post a line.
    file: PathBuf,
    /// How fast: so many times the posts' own pace, or `max`.
    #[arg(long, default_value = "max", value_parser = speed)]
    speed: Speed,
    /// Print JSONL: one line for each page, and for each event in the life of an emerging topic (`event`).
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: crate::Config,
}

#[derive(Debug, Clone, Copy)]
enum Speed {
    Max,
    Times(f64),
}

fn speed(text: &str) -> Result<Speed, String> {
    match text.parse() {
        _ if text == "max" => Ok(Speed::Max),
        Ok(times) if times > 0.0 && f64::is_finite(times) => Ok(Speed::Times(times)),
        _ => Err("a number above 0, or max".into()),
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let settings = super::settings(&options.config.config)?;
    let (posts, bad) = read(&options.file)?;
    let understanding = analyze::understanding(&settings)?;
    let mut replay = Replay::new(&understanding, &Config::from(&settings));
    let mut pages = 0;
    let mut before = None;
    for post in &posts {
        if let (Speed::Times(times), Some(before)) = (options.speed, before.replace(post.published_at)) {
            let pause = Duration::try_from(post.published_at.duration_since(before)).unwrap_or_default();
            std::thread::sleep(pause.div_f64(times));
        }
        pages += tell(&settings, options.json, &replay.post(post))?;
        emerged(&settings, options.json, &replay.emerged())?;
    }
    if let Some(last) = posts.last() {
        // What rises at the end of the file is given the time to end.
        pages += tell(&settings, options.json, &replay.until(last.published_at + Duration::from_secs(3600)))?;
        emerged(&settings, options.json, &replay.emerged())?;
    }
    if !options.json {
        println!("{} posts, {pages} pages, {bad} lines that could not be read", posts.len());
    }
    Ok(ExitCode::SUCCESS)
}

fn tell(settings: &Settings, json: bool, told: &[Told]) -> Result<usize> {
    let mut pages = 0;
    for told in told {
        let is_page = told.what == "page";
        pages += usize::from(is_page);
        if json {
            if is_page {
                println!("{}", serde_json::to_string(told)?);
            }
            continue;
        }
        let at = told.at.to_zoned_datetime(settings.tz()).strftime("%F %T").to_string();
        let Spike { why, count, peak, .. } = &told.spike;
        if is_page {
            println!("{at}  {:<12} 告警  {why}", told.topic);
        } else {
            println!("{at}  {:<12} 平息  共 {count} 条, 五分钟最多 {peak} 条", told.topic);
        }
    }
    Ok(pages)
}

/// The life of emerging topics.
fn emerged(settings: &Settings, json: bool, events: &[Emerged]) -> Result<()> {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        event: &'a Emerged,
    }
    for event in events {
        if json {
            println!("{}", serde_json::to_string(&Line { event })?);
            continue;
        }
        let Emerged { at, what, topic, headline, posts, voices, why, other, .. } = event;
        let other = other.as_deref().unwrap_or_default();
        let what = match what {
            What::Born => format!("新话题 {headline}: {why}"),
            What::Renamed => format!("改称   {headline}"),
            What::Merged => format!("并入   {other}, 共 {posts} 条"),
            What::Split => format!("分出   {headline}, 自 {other}"),
            What::Paged => format!("值得告警 {headline}: {why}"),
            What::Explained => format!("不另告警, 多数帖属于正在上升的专题 {other}"),
            What::Ended => format!("结束   {headline}, 共 {posts} 条, 最多 {voices} 个来帖"),
        };
        let at = at.to_zoned_datetime(settings.tz()).strftime("%F %T").to_string();
        println!("{at}  {topic:<12} {what}");
    }
    Ok(())
}

/// The posts in the order of their times, and the number of lines that could not be read.
fn read(path: &std::path::Path) -> Result<(Vec<DoorPost>, usize)> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let (mut posts, mut bad) = (Vec::new(), 0);
    for (index, line) in BufReader::new(file).lines().enumerate() {
        match serde_json::from_str::<DoorPost>(&line.with_context(|| format!("{}:{}", path.display(), index + 1))?) {
            Ok(post) => posts.push(post),
            Err(error) => {
                bad += 1;
                eprintln!("{}:{}: {error}", path.display(), index + 1);
            }
        }
    }
    if posts.is_empty() {
        bail!("{} holds no post", path.display());
    }
    posts.sort_by_key(|post| post.published_at);
    Ok((posts, bad))
}
