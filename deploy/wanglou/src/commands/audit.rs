//! `wanglou audit`: whether the record of who did what is as it was written.

use alert::records::{Chain, Link};
use anyhow::Result;
use std::process::ExitCode;

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Reckon the chain of the audit record again, from the first entry to the last; exit code 1 where it is broken.
    Verify {
        /// A link that an earlier run printed and somebody has kept elsewhere: the chain must pass through it.
        #[arg(long, value_name = "NUMBER:HASH")]
        known: Option<Link>,
        #[command(flatten)]
        config: crate::Config,
    },
}

pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    let Command::Verify { known, config } = command;
    let settings = super::settings(&config.config)?;
    Ok(match alert::audit::verify(&settings, known.as_ref()).await? {
        Chain::Whole(link) if link.seq == 0 => {
            println!("the audit record is empty");
            ExitCode::SUCCESS
        }
        Chain::Whole(link) => {
            println!("{} entries, the chain is whole. Keep this elsewhere:", link.seq);
            println!("{link}");
            ExitCode::SUCCESS
        }
        Chain::Broken { seq, what } => {
            eprintln!("the audit record is broken at entry {seq}: {what}");
            ExitCode::FAILURE
        }
    })
}
