//! Sends what the outbox chooses. First written, then sent, then marked: a page is sent at least once, and a repeat bears
//! the same key.

use super::{Desk, insist};
use crate::{
    channel::Channel,
    outbox::{self, Failure},
    records::{Page, RecordsError},
};
use schemas::kit::{metrics, shutdown::Shutdown};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::task::{self, JoinError, JoinSet};

/// How many waiting pages of a channel are looked at; more than can be in flight.
const LOOK_AT: u32 = 32;
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// The sender.
pub struct Sender {
    desk: Arc<Desk>,
    channels: HashMap<String, Arc<Channel>>,
    in_flight: HashMap<task::Id, (String, String)>,
    sending: JoinSet<()>,
    shutdown: Shutdown,
}

impl Sender {
    /// A sender over channels by id, until `shutdown`.
    #[must_use]
    pub fn new(desk: Arc<Desk>, channels: HashMap<String, Arc<Channel>>, shutdown: Shutdown) -> Self {
        Self { desk, channels, in_flight: HashMap::new(), sending: JoinSet::new(), shutdown }
    }

    /// Sends until the stage stops; what is in flight then is finished.
    pub async fn run(mut self) {
        let shutdown = self.shutdown.clone();
        while !shutdown.is_cancelled() {
            if let Err(error) = self.begin_due().await {
                tracing::error!(%error, "the outbox is held up; trying again");
            }
            let desk = Arc::clone(&self.desk);
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = desk.to_send.notified() => {}
                Some(done) = self.sending.join_next_with_id() => self.landed(done),
                () = tokio::time::sleep(LONGEST_SLEEP) => {}
            }
        }
        while let Some(done) = self.sending.join_next_with_id().await {
            self.landed(done);
        }
    }

    /// Sends everything that is due now and waits for the answers; for whoever moves the time by hand.
    ///
    /// # Errors
    /// When the database could not answer.
    pub async fn step(&mut self) -> Result<(), RecordsError> {
        self.begin_due().await?;
        while let Some(done) = self.sending.join_next_with_id().await {
            self.landed(done);
            self.begin_due().await?;
        }
        Ok(())
    }

    fn landed(&mut self, done: Result<(task::Id, ()), JoinError>) {
        let id = match done {
            Ok((id, ())) => id,
            Err(error) => {
                tracing::error!(%error, "a page's task failed: it still waits and will be sent again");
                error.id()
            }
        };
        self.in_flight.remove(&id);
    }

    async fn begin_due(&mut self) -> Result<(), RecordsError> {
        let now = self.desk.now();
        let mut waiting = Vec::new();
        for channel in self.desk.records.waiting_channels().await? {
            waiting.extend(self.desk.records.waiting(&channel, now, LOOK_AT).await?);
        }
        metrics::ALERT_PENDING.set(self.desk.records.pending().await?.0);
        let in_flight = self.in_flight.values().cloned().collect();
        for chosen in outbox::choose(&waiting, &in_flight, now) {
            let Some(page) = self.desk.records.page(&chosen.key).await? else { continue };
            let (name, attempt) = ((chosen.key.clone(), chosen.channel.clone()), chosen.attempts + 1);
            let (desk, channel) = (Arc::clone(&self.desk), self.channels.get(&page.channel).cloned());
            let shutdown = self.shutdown.clone();
            let task = self.sending.spawn(async move {
                let answer = send(&desk, channel.as_deref(), &page).await;
                // Until it is noted the page counts as under way: a database that can't take it makes nobody's phone ring
                // again and again.
                insist("noting an answer", &shutdown, || desk.settle(&page, attempt, &answer)).await;
            });
            self.in_flight.insert(task.id(), name);
        }
        Ok(())
    }
}

async fn send(desk: &Desk, channel: Option<&Channel>, page: &Page) -> Result<(), Failure> {
    match channel {
        Some(channel) => channel.send(page, desk.now()).await,
        None => Err(Failure::ForGood(format!("there is no [[channel]] with the id {:?} any more", page.channel))),
    }
}
