//! `wanglou user`: who may log in.

use anyhow::{Context, Result};
use clap::ValueEnum;
use schemas::kit::auth::Role;
use std::{io::BufRead, process::ExitCode};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Add a user, or give one a new password and role. The password is the first line of standard input.
    Add {
        /// The name.
        name: String,
        /// What they may do.
        #[arg(long, value_enum)]
        role: RoleName,
        #[command(flatten)]
        config: crate::Config,
    },
    /// List the users.
    List {
        #[command(flatten)]
        config: crate::Config,
    },
}

/// The roles of people; `push` is for programs, which have tokens.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    Viewer,
    Operator,
    Analyst,
    Unit,
    Supervisor,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Viewer => Self::Viewer,
            RoleName::Operator => Self::Operator,
            RoleName::Analyst => Self::Analyst,
            RoleName::Unit => Self::Unit,
            RoleName::Supervisor => Self::Supervisor,
            RoleName::Admin => Self::Admin,
        }
    }
}

pub(crate) async fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Add { name, role, config } => {
            let settings = super::settings(&config.config)?;
            let mut password = String::new();
            std::io::stdin().lock().read_line(&mut password).context("standard input holds no password")?;
            alert::users::add(&settings, &name, role.into(), password.trim_end_matches(['\r', '\n'])).await?;
            println!("{name}: {role:?}");
        }
        Command::List { config } => {
            let settings = super::settings(&config.config)?;
            for (name, role) in alert::users::list(&settings).await? {
                println!("{name}\t{role:?}");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
