//! Sends what the outbox chooses. First written, then sent, then marked: a page is sent at least once, and a repeat bears
//! the same key. What a quota is spent on is written before it is sent, too.

use super::{Desk, insist};
use crate::{
    channel::Channel,
    outbox::{self, Choice, Failure, InFlight, Limit, Minor, Taken, Waiting},
    records::{Page, RecordsError},
};
use jiff::Timestamp;
use schemas::kit::{metrics, shutdown::Shutdown};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::Duration,
};
use tokio::task::{self, JoinError, JoinSet};

/// How many waiting pages of a channel are looked at; more than can be in flight, or stand in a digest.
const LOOK_AT: u32 = 128;
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
        // What is merged or goes over is chosen from anew. That ends: each page is merged once, and chains of channels are finite.
        while !self.begin_once().await? {}
        Ok(())
    }

    /// Returns whether nothing was merged or passed on, and what was chosen has begun.
    async fn begin_once(&mut self) -> Result<bool, RecordsError> {
        let now = self.desk.now();
        let (mut waiting, mut stuck) = (Vec::new(), Vec::new());
        for channel in self.desk.records.waiting_channels().await? {
            waiting.extend(self.desk.records.waiting(&channel, now, LOOK_AT).await?);
            let route = self.desk.plan.routes.get(&channel);
            if let Some(before) = route.and_then(|route| route.looks_before(now)) {
                stuck.extend(self.desk.records.stuck(&channel, before, LOOK_AT).await?);
            }
        }
        let limits = self.limits(now).await?;
        let in_flight: InFlight = self.in_flight.values().cloned().collect();
        let choice = outbox::choose(&waiting, &in_flight, &limits, now);
        self.show_held(&choice);
        let goes_over = self.go_over(&choice, &stuck, &in_flight, now);
        for waiting in &goes_over {
            if let Some(page) = self.desk.records.page(&waiting.key).await? {
                self.desk.pass_on(&page, waiting).await?;
            }
        }
        let is_over = |page: &Waiting| goes_over.iter().any(|other| other.key == page.key);
        let mut has_merged = false;
        for merged in &choice.merge {
            let pages: Vec<&Waiting> = merged.iter().copied().filter(|page| !is_over(page)).collect();
            if pages.len() > 1 {
                self.desk.merge(&pages).await?;
                has_merged = true;
            }
        }
        if has_merged || !goes_over.is_empty() {
            return Ok(false);
        }
        self.spend(&choice).await?;
        for chosen in choice.send {
            self.begin(chosen).await?;
        }
        Ok(true)
    }

    /// How much each channel takes now.
    async fn limits(&self, now: Timestamp) -> Result<HashMap<String, Limit>, RecordsError> {
        let minor = self.desk.minor(now).await?;
        let spent = self.desk.records.quotas().await?;
        let routes = self.desk.plan.routes.iter();
        Ok(routes
            .map(|(channel, route)| {
                let room = spent.get(channel).cloned().unwrap_or_default().room(route.quota, now);
                let minor = minor.get(channel).copied().unwrap_or_default();
                let digest = if minor == Minor::AsAlways { route.digest } else { route.digest_in_storm };
                (channel.clone(), Limit { room, digest, minor })
            })
            .collect())
    }

    /// The pages that go over to another channel: those that were tried for too long, and those that were held for too long.
    fn go_over(&self, choice: &Choice<'_>, stuck: &[Waiting], in_flight: &InFlight, now: Timestamp) -> Vec<Waiting> {
        let route = |page: &Waiting| self.desk.plan.routes.get(&page.channel);
        let gives_way =
            |page: &Waiting, can_be_sent| route(page).is_some_and(|route| route.gives_way(page, can_be_sent, now));
        let is_under_way = |page: &Waiting| in_flight.iter().any(|(key, _)| *key == page.key);
        let tried = stuck.iter().filter(|page| gives_way(page, true) && !is_under_way(page));
        let held = choice.held.iter().copied().filter(|page| page.attempts == 0 && gives_way(page, false));
        tried.chain(held).cloned().collect()
    }

    fn show_held(&self, choice: &Choice<'_>) {
        for channel in &self.desk.plan.channels {
            let held = choice.held.iter().filter(|page| page.channel == *channel).count();
            metrics::ALERT_HELD.with_label_values(&[channel]).set(i64::try_from(held).unwrap_or(i64::MAX));
        }
    }

    /// Spends the tokens of what is sent now, where the channel has a quota.
    async fn spend(&self, choice: &Choice<'_>) -> Result<(), RecordsError> {
        let mut tokens: BTreeMap<&str, usize> = BTreeMap::new();
        for page in &choice.send {
            if self.desk.plan.routes.get(&page.channel).is_some_and(|route| route.quota.is_some()) {
                *tokens.entry(&page.channel).or_default() += 1;
            }
        }
        let tokens: Vec<(String, usize)> = tokens.into_iter().map(|(channel, n)| (channel.to_owned(), n)).collect();
        self.desk.spend(&tokens).await
    }

    async fn begin(&mut self, chosen: &Waiting) -> Result<(), RecordsError> {
        let Some(page) = self.desk.records.page(&chosen.key).await? else { return Ok(()) };
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
        Ok(())
    }
}

async fn send(desk: &Desk, channel: Option<&Channel>, page: &Page) -> Result<Taken, Failure> {
    match channel {
        Some(channel) => channel.send(page, desk.now()).await,
        None => Err(Failure::ForGood(format!("there is no [[channel]] with the id {:?} any more", page.channel))),
    }
}
