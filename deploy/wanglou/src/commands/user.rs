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
    /// Set the PIN with which somebody signs from a link in a group's message: a user, or somebody whom the config names as on duty
    /// and who cannot log in. The PIN, six digits, is the first line of standard input.
    Pin {
        /// The name.
        name: String,
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
            alert::users::add(&settings, &name, role.into(), &first_line("password")?).await?;
            println!("{name}: {role:?}");
        }
        Command::Pin { name, config } => {
            let settings = super::settings(&config.config)?;
            alert::users::set_pin(&settings, &name, &first_line("PIN")?).await?;
            println!("{name}: PIN");
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

/// The first line of standard input.
fn first_line(what: &str) -> Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).with_context(|| format!("standard input holds no {what}"))?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
