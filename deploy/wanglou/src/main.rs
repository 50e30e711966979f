//! Wanglou 望楼: the one binary. It holds no logic of its own: it reads the command line and puts the stages together.

#![allow(clippy::print_stdout, clippy::print_stderr)] // a command line speaks on both

mod all_in_one;
mod apart;
mod commands;
mod demo;
mod process;

use apart::Stage;
use clap::{Parser, Subcommand};
use std::{path::PathBuf, process::ExitCode};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Public-opinion monitoring around the clock: crawl, understand, find what rises, page, follow up.
#[derive(Debug, Parser)]
#[command(name = "wanglou", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Args)]
struct Config {
    /// The config file.
    #[arg(long, default_value = "wanglou.toml", env = "WANGLOU_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run all stages in one process.
    Run(Config),
    /// Run ingest alone (needs a Kafka log).
    Ingest(Config),
    /// Run analyze alone (needs a Kafka log).
    Analyze(Config),
    /// Run alert and the gateway alone (needs a Kafka log).
    Alert(Config),
    /// Run all stages on the demo town, a small site served on loopback and really crawled.
    Demo(demo::Options),
    /// Hand in the posts of a JSONL file: straight into the log of a stopped instance, or over HTTP into a running one.
    Import(commands::import::Options),
    /// Search the archive, whether an instance runs or not.
    Search(commands::search::Options),
    /// Draft a brief (快报, 日报, 周报) from the archive, as Word or HTML, whether an instance runs or not.
    Brief(commands::brief::Options),
    /// Print what people corrected, as `train sentiment --corrections` reads it, whether an instance runs or not.
    Corrections(Config),
    /// Print what is understood of each post of a JSONL file (or `-`), as JSONL.
    Understand(commands::understand::Options),
    /// Run the posts of a JSONL file through trend and tell what would have been paged, and when.
    Replay(commands::replay::Options),
    /// Copy everything into a folder, while the instance runs.
    Backup(commands::backup::Options),
    /// Put a backup into an empty data folder.
    Restore(commands::restore::Options),
    /// Build the archive anew, after a change of the dictionary, the model or the watch topics. Searches go on.
    Reindex(Config),
    /// Name every fault of the config, with its line. Exits with 2 when there is one.
    Check(Config),
    /// Try a source, and add it to the config.
    #[command(subcommand)]
    Source(commands::source::Command),
    /// Who may log in.
    #[command(subcommand)]
    User(commands::user::Command),
    /// Whether the record of who did what is as it was written.
    #[command(subcommand)]
    Audit(commands::audit::Command),
    /// Train a model.
    #[command(subcommand)]
    Train(commands::train::Command),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("wanglou: the operating system gives no threads: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match cli.command {
            Command::Run(config) => commands::run::all(&config.config).await,
            Command::Ingest(config) => commands::run::one(Stage::Ingest, &config.config).await,
            Command::Analyze(config) => commands::run::one(Stage::Analyze, &config.config).await,
            Command::Alert(config) => commands::run::one(Stage::Alert, &config.config).await,
            Command::Demo(options) => demo::run(options).await,
            Command::Import(options) => commands::import::run(options).await,
            Command::Search(options) => commands::search::run(&options),
            Command::Brief(options) => commands::brief::run(&options),
            Command::Corrections(config) => commands::corrections::run(&config),
            Command::Understand(options) => commands::understand::run(&options),
            Command::Replay(options) => commands::replay::run(&options),
            Command::Backup(options) => commands::backup::run(&options).await,
            Command::Restore(options) => commands::restore::run(&options),
            Command::Reindex(config) => commands::reindex::run(&config).await,
            Command::Check(config) => commands::check::run(&config.config),
            Command::Source(command) => commands::source::run(command).await,
            Command::User(command) => commands::user::run(command).await,
            Command::Audit(command) => commands::audit::run(command).await,
            Command::Train(command) => commands::train::run(&command),
        }
    });
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("wanglou: {error:#}");
            ExitCode::FAILURE
        }
    }
}
