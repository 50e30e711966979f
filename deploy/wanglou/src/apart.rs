//! One stage in a process of its own. It meets the others on a log that processes share; people and programs call the
//! gateway, which alert serves, and the gateway calls the others ([`schemas::kit::apart`]).

use crate::process::{self, Started};
use alert::Upstreams;
use anyhow::{Context, Result};
use schemas::{
    kit::{apart, internal::InternalKey, service::Service, settings::Settings, shutdown::Shutdown, tokens::Tokens},
    log::SharedLog,
};
use std::{fmt, future::Future, net::SocketAddr};

/// A stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Ingest,
    Analyze,
    Alert,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ingest => "ingest",
            Self::Analyze => "analyze",
            Self::Alert => "alert",
        })
    }
}

/// Runs one stage until `shutdown`, or until it ends with an error. `up` is given the address.
pub(crate) async fn run<Up, Running>(stage: Stage, settings: &Settings, shutdown: Shutdown, up: Up) -> Result<()>
where
    Up: FnOnce(SharedLog, SocketAddr) -> Running,
    Running: Future<Output = Result<()>>,
{
    // Before anything is opened: what is missing is told at once, not after a broker was waited for.
    let key = InternalKey::load()?;
    match stage {
        Stage::Ingest => {
            let start = async |log: &SharedLog, shutdown: &Shutdown| {
                let service = ingest::start(settings, log.clone(), shutdown.clone()).await;
                Ok(alone(service.context("ingest cannot start")?, key, settings))
            };
            process::run(settings, shutdown, start, up).await
        }
        Stage::Analyze => {
            let start = async |log: &SharedLog, shutdown: &Shutdown| {
                let service = analyze::start(settings, log.clone(), shutdown.clone()).await;
                Ok(alone(service.context("analyze cannot start")?, key, settings))
            };
            process::run(settings, shutdown, start, up).await
        }
        Stage::Alert => {
            let upstreams = Upstreams::apart(settings, &key, &shutdown)?;
            let start = async |log: &SharedLog, shutdown: &Shutdown| {
                let service = alert::start(settings, log.clone(), upstreams, shutdown.clone()).await;
                let service = service.context("alert cannot start")?;
                Ok(Started { router: service.router.clone(), services: vec![service] })
            };
            process::run(settings, shutdown, start, up).await
        }
    }
}

/// A stage that answers the gateway alone.
fn alone(service: Service, key: InternalKey, settings: &Settings) -> Started {
    Started { router: apart::router(&service, key, Tokens::given(settings)), services: vec![service] }
}
