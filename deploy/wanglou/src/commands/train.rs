//! `wanglou train`: models, trained anew, and their figures.

use analyze::understand::sentiment::{Model, evaluate, train};
use anyhow::Result;
use std::{path::PathBuf, process::ExitCode};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Train the sentiment model and print its figures on what it was not trained on.
    Sentiment {
        /// The folder with the labelled sets.
        #[arg(long)]
        data: PathBuf,
        /// Where the model goes; without it the model that ships with the program is scored, and nothing is trained.
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

pub(crate) fn run(command: &Command) -> Result<ExitCode> {
    let Command::Sentiment { data, out } = command;
    match out {
        Some(out) => println!("{}", evaluate(&train(data, out)?, data)?),
        None => println!("{}", evaluate(Model::shipped()?, data)?),
    }
    Ok(ExitCode::SUCCESS)
}
