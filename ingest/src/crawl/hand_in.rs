//! What a visit found, to the door: waiting for as long as the log cannot take it, and counting how late it comes.

use super::visit::{Stop, Visit};
use crate::{
    door::{Gone, Rejectable},
    source::listing::{Found, exact},
};
use jiff::Timestamp;
use schemas::{
    kit::backoff::Backoff,
    log::LogError,
    records::{DoorPost, lag_bucket},
};
use std::time::Instant;

/// How long the door is waited for between tries.
const DOOR_BACKOFF: Backoff =
    Backoff { first: std::time::Duration::from_millis(500), longest: std::time::Duration::from_secs(30) };

impl Visit<'_> {
    /// Hands in what was found. `is_known` says of a native id whether its post was seen before, so that an edit does not
    /// count as late. Returns whether there was anything new.
    pub(super) async fn hand_in(&mut self, found: Vec<Found>, is_known: impl Fn(&str) -> bool) -> Result<bool, Stop> {
        if found.is_empty() {
            return Ok(false);
        }
        let (posts, rejects) = parted(found);
        self.found += (posts.len() + rejects.len()) as u32;
        if let Some(reject) = rejects.first() {
            let all = posts.len() + rejects.len();
            self.trouble(format!("{} of {all} could not be read: {}", rejects.len(), reject.reason));
        }
        let (mut failures, waiting_since) = (0, Instant::now());
        loop {
            let error = match self.door.take_crawled(&self.site.id, posts.clone(), rejects.clone()).await {
                Ok(accepted) => {
                    self.new += accepted.accepted as u32;
                    for &line in &accepted.taken {
                        if let Some(post) = posts.get(line as usize - 1).filter(|post| !is_known(&post.native_id)) {
                            self.count_lag(post);
                        }
                    }
                    return Ok(accepted.accepted > 0);
                }
                Err(error @ LogError::Unavailable(_)) => error,
                Err(error) => return Err(Stop::Log(error)),
            };
            failures += 1;
            self.wait_for_the_door(&error, failures, waiting_since).await;
        }
    }

    /// Tells that posts are gone from the source.
    pub(super) async fn tell_gone(&mut self, native_ids: Vec<String>, reason: &str) -> Result<(), Stop> {
        let now = Timestamp::now();
        let source = &self.site.id;
        let gone: Vec<Gone> = native_ids
            .into_iter()
            .map(|native_id| Gone { source: source.clone(), native_id, seen_gone_at: now, reason: reason.to_owned() })
            .collect();
        let (mut failures, waiting_since) = (0, Instant::now());
        loop {
            let error = match self.door.gone(&gone).await {
                Ok(told) => {
                    self.gone += told as u32;
                    return Ok(());
                }
                Err(error @ LogError::Unavailable(_)) => error,
                Err(error) => return Err(Stop::Log(error)),
            };
            failures += 1;
            self.wait_for_the_door(&error, failures, waiting_since).await;
        }
    }

    async fn wait_for_the_door(&self, error: &LogError, failures: u32, since: Instant) {
        let waited = since.elapsed().as_secs();
        tracing::warn!(source = %self.site.id, %error, waited, "the log does not take posts: the crawl waits");
        tokio::time::sleep(DOOR_BACKOFF.wait(failures, rand::random())).await;
    }

    /// How late a post was stored. What was there before the source was watched is not late.
    fn count_lag(&mut self, post: &DoorPost) {
        if let (Some(at), Some(since)) = (exact(post), self.memory.state.ledger.since)
            && at > since
        {
            let lag = Timestamp::now().duration_since(at);
            *self.lags.entry(lag_bucket(lag.as_secs())).or_default() += 1;
        }
    }
}

/// Posts, and what could not become one.
fn parted(found: Vec<Found>) -> (Vec<DoorPost>, Vec<Rejectable>) {
    let (mut posts, mut rejects) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Ok(post) => posts.push(post),
            Err(reject) => rejects.push(reject),
        }
    }
    (posts, rejects)
}
