//! What becomes of pages on their way, each as one transaction: taken, refused, merged, passed on to the next channel, given up.
//! [`crate::outbox`] decides; this loads, saves and writes the incident's history.

use super::Desk;
use crate::{
    incident::{File, PROGRAM},
    message::{Told, clean, digest_body, passed_on, relinked},
    outbox::{self, Failure, Fate, Reason, Taken, Waiting},
    records::{Page, RecordsError, Tx},
};
use jiff::Timestamp;
use schemas::{kit::metrics, records::DeliveryState};

/// What is said of a page that waited for its channel's quota until it had to go over.
const NO_ROOM: &str = "渠道发送额度已用尽 / no room in the channel's quota";

impl Desk {
    /// Notes what a channel said to a page.
    ///
    /// # Errors
    /// When the database could not take it: the page still waits, and will be sent again with the same key.
    pub async fn settle(&self, page: &Page, attempt: u32, answer: &Result<Taken, Failure>) -> Result<(), RecordsError> {
        let mut tx = self.begin().await?;
        let now = self.now();
        match answer {
            Ok(taken) => self.taken(&mut tx, page, taken, now).await?,
            Err(failure) => {
                if let Failure::Throttled { rest, .. } = failure {
                    let mut spent = tx.quota(&page.channel).await?;
                    spent.rest(now.checked_add(*rest).unwrap_or(now));
                    tx.save_quota(&page.channel, &spent).await?;
                }
                let patience = self.plan.routes.get(&page.channel).and_then(|route| route.patience(page.urgency));
                let error = clean(&failure.to_string(), 300);
                match outbox::fate(failure, page.created_at, attempt, patience, now, rand::random()) {
                    Fate::Again(at) => {
                        tracing::warn!(page = %page.key, attempt, error, "not delivered; trying again");
                        tx.page_failed(&page.key, &error, Some(at)).await?;
                        count(&page.channel, "retry");
                    }
                    Fate::GoesOver => self.goes_over(&mut tx, page, &error, now).await?,
                    Fate::GivenUp => {
                        for page in whole(&mut tx, page).await? {
                            self.give_up(&mut tx, &page, &error, now).await?;
                        }
                    }
                }
            }
        }
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    async fn taken(&self, tx: &mut Tx, page: &Page, taken: &Taken, now: Timestamp) -> Result<(), RecordsError> {
        let but = taken.but.as_ref().map(|but| clean(but, 300));
        if let Some(but) = &but {
            tracing::warn!(page = %page.key, error = but, "delivered, but not to everybody");
        }
        // The digest itself comes last: a crash of this transaction leaves all of them waiting.
        for one in whole(tx, page).await? {
            let in_digest = one.key != page.key;
            if !tx.page_sent(&one.key, now).await? {
                continue;
            }
            if let Some(mut file) = file_of(tx, &one).await? {
                let how = if in_digest { "已合并送达" } else { "已送达" };
                let but = but.as_ref().map(|but| format!("; 未达: {but}")).unwrap_or_default();
                file.record(now, PROGRAM, "page_sent", format!("{how} {}{but}", what(&one)));
                tx.save(&mut file).await?;
            }
            count(&one.channel, if in_digest { "digest" } else { "sent" });
            metrics::ALERT_PAGE.observe(now.duration_since(one.created_at).as_secs_f64().max(0.0));
        }
        Ok(())
    }

    /// Hands a page that waited too long to the next channel.
    ///
    /// # Errors
    /// When the database could not take it: the page still waits.
    pub async fn pass_on(&self, page: &Page, waiting: &Waiting) -> Result<(), RecordsError> {
        let mut tx = self.begin().await?;
        let now = self.now();
        let error = waiting.last_error.as_deref().unwrap_or(NO_ROOM);
        self.goes_over(&mut tx, page, error, now).await?;
        tx.commit().await?;
        self.wake();
        Ok(())
    }

    async fn goes_over(&self, tx: &mut Tx, page: &Page, error: &str, now: Timestamp) -> Result<(), RecordsError> {
        // Of a digest each page goes over by itself: the other channel may have room for it, and merges as it can.
        for one in whole(tx, page).await? {
            if one.reason == Reason::Digest.as_str() {
                let then = self.plan.routes.get(&one.channel).and_then(|route| route.then.clone());
                tx.page_passed_on(&one.key, error, then.as_deref().unwrap_or_default()).await?;
                count(&one.channel, "passed_on");
                continue;
            }
            let Some(to) = self.next_channel(tx, &one, error, now).await? else {
                self.give_up(tx, &one, error, now).await?;
                continue;
            };
            tracing::warn!(page = %one.key, to, error, "not delivered; another channel takes over");
            if tx.page_passed_on(&one.key, error, &to).await?
                && let Some(mut file) = file_of(tx, &one).await?
            {
                let text = format!("未能送达 {}: {error}; 改由 {to} 发送", what(&one));
                file.record(now, PROGRAM, "page_passed_on", text);
                tx.save(&mut file).await?;
            }
            count(&one.channel, "passed_on");
        }
        Ok(())
    }

    /// The next channel of the chain that has not failed with this page already; it has the page afterwards, under the key that a page
    /// of the same event has there.
    async fn next_channel(
        &self,
        tx: &mut Tx,
        page: &Page,
        error: &str,
        now: Timestamp,
    ) -> Result<Option<String>, RecordsError> {
        let stem = page.key.strip_suffix(&page.channel).unwrap_or(&page.key);
        let mut next = self.plan.routes.get(&page.channel).and_then(|route| route.then.as_ref());
        while let Some(channel) = next {
            let key = format!("{stem}{channel}");
            match tx.page_state(&key).await? {
                Some(DeliveryState::Pending | DeliveryState::Sent) => return Ok(Some(channel.clone())),
                Some(DeliveryState::Failed) => {}
                None => {
                    let link = match file_of(tx, page).await? {
                        Some(file) => self.sign_link(tx, &file.incident, channel, now).await?,
                        None => None,
                    };
                    let body = passed_on(&relinked(&page.body, link.as_deref()), &key, &page.channel, error);
                    let page = Page { key, channel: channel.clone(), body, created_at: now, ..page.clone() };
                    tx.add_page(&page).await?;
                    return Ok(Some(channel.clone()));
                }
            }
            next = self.plan.routes.get(channel).and_then(|route| route.then.as_ref());
        }
        Ok(None)
    }

    async fn give_up(&self, tx: &mut Tx, page: &Page, error: &str, now: Timestamp) -> Result<(), RecordsError> {
        tracing::error!(page = %page.key, error, "not delivered, and given up");
        if tx.page_failed(&page.key, error, None).await?
            && let Some(mut file) = file_of(tx, page).await?
        {
            file.record(now, PROGRAM, "page_failed", format!("未能送达 {}: {error}", what(page)));
            if !self.hurry(tx, &mut file, event_of(page), now).await? {
                tx.save(&mut file).await?;
            }
        }
        count(&page.channel, "failed");
        Ok(())
    }

    /// Merges pages of a channel into a digest. Its key is that of its first page: no page is ever the first of two.
    ///
    /// # Errors
    /// When the database could not take it: the pages wait as before.
    pub async fn merge(&self, pages: &[&Waiting]) -> Result<(), RecordsError> {
        let (Some(first), Some(urgency)) = (pages.first(), pages.iter().map(|page| page.urgency).min()) else {
            return Ok(());
        };
        let key = format!("{}/{}", Reason::Digest.as_str(), first.key);
        let mut tx = self.begin().await?;
        let now = self.now();
        for page in pages {
            tx.merge_page(&page.key, &key).await?;
        }
        let merged = tx.merged_in(&key).await?;
        let told: Vec<Told> = merged.iter().map(Told::of).collect();
        tx.add_page(&Page {
            incident: None,
            channel: first.channel.clone(),
            reason: Reason::Digest.as_str().into(),
            urgency,
            body: digest_body(&key, &told, &self.style.base),
            created_at: now,
            key,
        })
        .await?;
        tx.commit().await
    }

    /// Spends tokens of channels, before the messages are sent.
    ///
    /// # Errors
    /// When the database could not take it: nothing may be sent then.
    pub async fn spend(&self, tokens: &[(String, usize)]) -> Result<(), RecordsError> {
        if tokens.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        let now = self.now();
        for (channel, tokens) in tokens {
            let mut spent = tx.quota(channel).await?;
            spent.spend(*tokens, now);
            tx.save_quota(channel, &spent).await?;
        }
        tx.commit().await
    }
}

/// A page with those that wait with it, if it is a digest.
async fn whole(tx: &mut Tx, page: &Page) -> Result<Vec<Page>, RecordsError> {
    let mut pages = if page.reason == Reason::Digest.as_str() { tx.merged_in(&page.key).await? } else { Vec::new() };
    pages.push(page.clone());
    Ok(pages)
}

async fn file_of(tx: &mut Tx, page: &Page) -> Result<Option<File>, RecordsError> {
    match &page.incident {
        Some(incident) => tx.incident(incident).await,
        None => Ok(None),
    }
}

/// The number of the event that a page tells of: it stands in the key.
fn event_of(page: &Page) -> u64 {
    page.key.split('/').nth(1).and_then(|seq| seq.parse().ok()).unwrap_or(0)
}

fn what(page: &Page) -> String {
    format!("{} ({})", page.channel, page.reason)
}

fn count(channel: &str, outcome: &str) {
    metrics::ALERT_PAGES.with_label_values(&[channel, outcome]).inc();
}
