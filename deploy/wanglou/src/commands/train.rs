//! `wanglou train`: models, trained anew, and their figures.

use analyze::understand::sentiment::{Samples, data::FOLDS, train, train::THIN};
use anyhow::Result;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Train the sentiment model and print figures: each text is scored by a model that was not trained on it.
    Sentiment {
        /// The folder with the labelled sets.
        #[arg(long)]
        data: PathBuf,
        /// What people corrected: lines of JSON with "text" and "sentiment" (negative, neutral, positive).
        #[arg(long)]
        corrections: Option<PathBuf>,
        /// Where the model goes, which is trained on everything; without it the figures alone are printed.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

pub(crate) fn run(command: &Command) -> Result<ExitCode> {
    let Command::Sentiment { data, corrections, out } = command;
    let corrections = corrections.as_deref();
    match out {
        Some(out) => println!("{}", train(data, corrections, out)?),
        None => println!("{}", Samples::read(data, corrections, THIN)?.cross_validate(0..FOLDS)),
    }
    Ok(ExitCode::SUCCESS)
}
