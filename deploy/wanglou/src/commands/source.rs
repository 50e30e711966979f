//! `wanglou source`: try a source, and add it to the config.

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use ingest::trial::{self, Trial, Wanted};
use schemas::kit::settings::Settings;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Fetch a source once and print what would be extracted, field by field, and what fails and why. Exits with 0 only when
    /// posts come out.
    Try(Try),
    /// Try a source, and write its `[[source]]` into the config.
    Add(Add),
}

#[derive(Debug, Args)]
pub(crate) struct What {
    /// The preset, such as discuz; without it the page is looked at.
    #[arg(long)]
    preset: Option<String>,
    /// The board: its number or its name, a tag.
    #[arg(long)]
    board: Option<String>,
    /// The site may lie in a private range.
    #[arg(long)]
    allow_private: bool,
    /// The config file.
    #[arg(long, default_value = "wanglou.toml", env = "WANGLOU_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Try {
    /// The id of a source of the config, or an address.
    #[arg(value_name = "URL_OR_ID")]
    target: String,
    #[command(flatten)]
    what: What,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The address of the site.
    url: String,
    #[command(flatten)]
    what: What,
    /// The source's id; without it, one is made of host and board.
    #[arg(long)]
    id: Option<String>,
    /// The name that people read.
    #[arg(long, default_value = "")]
    name: String,
    /// Print the `[[source]]` and leave the config alone.
    #[arg(long)]
    print: bool,
}

pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Try(options) => {
            let trial = tried(options.target, &options.what).await?;
            if options.json {
                println!("{}", serde_json::to_string_pretty(&trial)?);
            } else {
                print!("{trial}");
            }
            Ok(if trial.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::Add(options) => add(options).await,
    }
}

async fn add(options: Add) -> Result<ExitCode> {
    if !options.url.contains("://") {
        bail!("{:?} is no address: it begins with https://", options.url);
    }
    let trial = tried(options.url, &options.what).await?;
    eprint!("{trial}");
    if !trial.is_good() {
        eprintln!("nothing is added");
        return Ok(ExitCode::FAILURE);
    }
    let id = options.id.unwrap_or_else(|| trial::id_of(&trial));
    if options.print {
        print!("{}", trial::table(&id, &options.name, &trial));
        return Ok(ExitCode::SUCCESS);
    }
    trial::add(&options.what.config, &id, &options.name, &trial)?;
    println!("{}: added the source {id}", options.what.config.display());
    Ok(ExitCode::SUCCESS)
}

async fn tried(target: String, what: &What) -> Result<Trial> {
    let settings = settings(&what.config)?;
    let wanted =
        Wanted { target, preset: what.preset.clone(), board: what.board.clone(), allow_private: what.allow_private };
    trial::try_source(&settings, &wanted).await
}

/// The config; without one, what every key is by default.
fn settings(path: &Path) -> Result<Settings> {
    if path.exists() { super::settings(path) } else { Ok(Settings::default()) }
}
