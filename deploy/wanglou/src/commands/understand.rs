//! `wanglou understand`: what is understood of each post.

use analyze::understand::{Understanding, print::print};
use anyhow::{Context, Result};
use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, stderr, stdin, stdout},
    path::PathBuf,
    process::ExitCode,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The file, one post a line; `-` is standard input.
    file: PathBuf,
    /// A config with watch topics and, under `[understand]`, the district's own taxonomy and places; without it no topic matches and the
    /// built-in files are used.
    #[arg(long)]
    config: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode> {
    let understanding = match &options.config {
        Some(config) => analyze::understanding(&super::settings(config)?)?,
        None => Understanding::new([])?,
    };
    let lines: Box<dyn BufRead> = if options.file.as_os_str() == "-" {
        Box::new(stdin().lock())
    } else {
        let file = File::open(&options.file).with_context(|| format!("{} cannot be read", options.file.display()))?;
        Box::new(BufReader::new(file))
    };
    let bad = print(&understanding, lines, BufWriter::new(stdout().lock()), stderr().lock())?;
    Ok(if bad == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
