//! Holds the lease, and runs the engine's tasks while it does. What is decided is in [`crate::lease`].
//!
//! Standing by, it looks once a second. Active, it opens the readers at the positions that the database holds, runs the tasks,
//! and renews. Passed over, it lets the tasks end and stands by again. Stopping, it renews until the last task has ended,
//! then gives the lease back, so that another need not wait for its end.

use super::{
    BACKOFF, Desk,
    audit::Audit,
    clocks,
    deadman::{Deadman, Stages},
    feed,
    pulses::Pulses,
    sender::Sender,
    tail,
    upkeep::Reports,
};
use crate::{
    channel::Channel,
    holder::Holder,
    lease::{LOOK, Outcome, RENEW},
};
use schemas::{
    kit::{metrics, settings::Settings, shutdown::Shutdown},
    log::{ResumeError, SharedLog, Topic},
};
use std::{collections::HashMap, sync::Arc, time::Duration};

/// How long the database may take to answer for the lease. Whoever hears nothing asks again.
const PATIENCE: Duration = Duration::from_secs(2);

/// The keeper.
pub(crate) struct Keeper {
    desk: Arc<Desk>,
    log: SharedLog,
    channels: HashMap<String, Arc<Channel>>,
    holder: Holder,
    settings: Arc<Settings>,
    stages: Stages,
    shutdown: Shutdown,
}

impl Keeper {
    /// Asks for the lease once, so that a process that is alone is active when it has started.
    ///
    /// # Errors
    /// When a stored position belongs to another log, or the log or the database cannot be read.
    pub(crate) async fn start(
        desk: Arc<Desk>,
        log: SharedLog,
        channels: HashMap<String, Arc<Channel>>,
        holder: Holder,
        settings: Arc<Settings>,
        stages: Stages,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        for topic in [Topic::TopicsPulse, Topic::CrawlReports, Topic::Audit] {
            tail::place(&desk.records, &log, topic).await?;
        }
        let keeper = Self { desk, log, channels, holder, settings, stages, shutdown };
        keeper.ask().await;
        Ok(keeper)
    }

    /// Stands by and is active in turns, until the stage stops.
    ///
    /// # Errors
    /// When a stored position belongs to another log.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let mut done = Ok(());
        while done.is_ok() && self.is_active_by_and_by().await {
            done = self.reign().await;
        }
        if let Err(error) = self.desk.give_back().await {
            tracing::warn!(%error, "the lease cannot be given back: it runs out");
        }
        done
    }

    /// Waits until it is active; `false` when the stage stops.
    async fn is_active_by_and_by(&self) -> bool {
        while !self.shutdown.is_cancelled() {
            if self.desk.epoch().is_some() {
                return true;
            }
            tokio::select! {
                () = self.shutdown.cancelled() => break,
                () = tokio::time::sleep(LOOK) => {}
            }
            self.ask().await;
        }
        false
    }

    /// Runs the tasks until the stage stops or another takes over.
    async fn reign(&self) -> anyhow::Result<()> {
        let (stop, over) = (self.shutdown.child_token(), Shutdown::new());
        let work = async {
            let _over = over.clone().drop_guard();
            self.work(&stop).await
        };
        let (done, ()) = tokio::join!(work, self.renew(&stop, &over));
        done
    }

    /// Renews until the work is over; when another has taken over, stops it.
    async fn renew(&self, stop: &Shutdown, over: &Shutdown) {
        loop {
            tokio::select! {
                () = over.cancelled() => return,
                () = self.desk.doubted.notified() => {}
                () = tokio::time::sleep(RENEW) => {}
            }
            let outcome = tokio::select! {
                () = over.cancelled() => return,
                outcome = self.ask() => outcome,
            };
            if outcome == Some(Outcome::Fenced) {
                stop.cancel();
                return;
            }
        }
    }

    async fn work(&self, stop: &Shutdown) -> anyhow::Result<()> {
        let Some((pulses, reports, audit)) = self.open(stop).await? else { return Ok(()) };
        let deadman = Deadman::new(Arc::clone(&self.desk), self.stages.clone(), &self.settings)?;
        let sender = Sender::new(Arc::clone(&self.desk), self.channels.clone(), stop.clone());
        tokio::join!(
            pulses.run(Arc::clone(&self.desk), stop.clone()),
            reports.run(Arc::clone(&self.desk), stop.clone()),
            audit.run(Arc::clone(&self.desk), stop.clone()),
            sender.run(),
            clocks::run(Arc::clone(&self.desk), stop.clone()),
            deadman.run(stop.clone()),
            feed::run(Arc::clone(&self.desk), self.log.clone(), stop.clone()),
        );
        Ok(())
    }

    /// Opens the readers at the positions in the database; `None` when it is to stop before it succeeds. A log that is away
    /// is waited for; one that is another log is an error.
    async fn open(&self, stop: &Shutdown) -> anyhow::Result<Option<(Pulses, Reports, Audit)>> {
        for failures in 1.. {
            let opened = async {
                Ok((
                    Pulses::open(&self.desk, &self.log).await?,
                    Reports::open(&self.desk, &self.log, &self.settings).await?,
                    Audit::open(&self.desk, &self.log).await?,
                ))
            };
            match opened.await {
                Ok(readers) => return Ok(Some(readers)),
                Err(error) => {
                    let error: anyhow::Error = error;
                    if error.is::<ResumeError>() {
                        return Err(error);
                    }
                    tracing::error!(failures, %error, "the log or the records cannot be read now; trying again");
                }
            }
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(BACKOFF.wait(failures, rand::random())) => {}
            }
        }
        Ok(None)
    }

    /// Asks the database for the lease; `None` when it does not answer.
    async fn ask(&self) -> Option<Outcome> {
        match tokio::time::timeout(PATIENCE, self.desk.claim(&self.holder.candidate)).await {
            Ok(Ok(outcome)) => {
                match outcome {
                    Outcome::Take(epoch) => {
                        metrics::ALERT_TAKEOVERS.inc();
                        tracing::info!(epoch, "active: this process reads, pages and takes what people do");
                    }
                    Outcome::Fenced => tracing::warn!("another process has taken over: this one stands by"),
                    Outcome::Renew(_) | Outcome::Wait => {}
                }
                Some(outcome)
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the lease cannot be asked for now; trying again");
                None
            }
            Err(_) => {
                self.desk.unheard();
                tracing::warn!("the records database does not answer for the lease; trying again");
                None
            }
        }
    }
}
