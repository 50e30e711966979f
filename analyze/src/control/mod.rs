//! What people set at runtime: corrections, watch topics, words. It is read here from `control`, from its first record on, and set
//! here too: this stage knows the posts, the classes, the places and the query language, so it alone can say whether what somebody
//! wants to set makes sense.
//!
//! ```text
//! API ─▶ checked ─▶ audit ─▶ control ─▶ follow ─┬▶ corrections ─▶ the archive's writing thread
//!                                               └▶ standing ─▶ renewal ─▶ understanding (the next batch), trend (the next record)
//! ```
//!
//! * [`standing`]: which watch topics and words stand. Pure.
//! * [`dictionary`]: the file of `[understand] dictionary`, and when it is read again. Pure.
//! * [`follow`]: reads `control`; nothing of the stage begins before it has read what was set before.
//! * [`renewal`]: builds what is understood anew when words or topics have changed, beside the stream, and puts it in place.
//! * [`api`]: what people call.
//!
//! A topic is told to trend before posts are matched with it, so trend knows each topic that a post names. After a restart both begin
//! with what stands.

mod api;
pub(crate) mod dictionary;
mod follow;
mod renewal;
mod standing;

pub(crate) use api::router;
pub(crate) use follow::{Follower, corrections};
pub(crate) use renewal::Renewal;

use crate::archive::corrections::Corrections;
use jiff::tz::TimeZone;
use schemas::{
    kit::{
        http::Problem,
        settings::{Settings, Spanned, Watch},
    },
    log::{LogError, NewRecord, SharedLog, Topic},
    records::{Control, Record},
};
use standing::Standing;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::sync::{Mutex, MutexGuard, watch};

/// How long whoever has set something waits until it is read back.
const READ_BACK: Duration = Duration::from_secs(5);

/// What people have set so far, and the way to set more.
#[derive(Clone)]
pub(crate) struct Controls(Arc<Inner>);

struct Inner {
    log: SharedLog,
    tz: TimeZone,
    // The watch topics of the config, and the words of the file.
    config: Vec<Watch>,
    file_words: RwLock<Vec<String>>,
    corrections: Corrections,
    standing: RwLock<Standing>,
    // The offset before which everything was read.
    read: watch::Sender<u64>,
    // Counts changes of `standing`.
    changes: watch::Sender<u64>,
    // The change up to which all is in effect.
    renewed: watch::Sender<u64>,
    // The offset behind what was set last.
    set: Mutex<u64>,
}

/// One who sets: nobody else does meanwhile, and all that was set before is known.
pub(crate) struct Turn<'c> {
    controls: &'c Controls,
    set: MutexGuard<'c, u64>,
}

impl Controls {
    fn new(settings: &Settings, log: SharedLog, file_words: Vec<String>) -> Self {
        Self(Arc::new(Inner {
            log,
            tz: settings.tz(),
            config: settings.watch.iter().map(Spanned::get_ref).cloned().collect(),
            file_words: RwLock::new(file_words),
            corrections: Corrections::default(),
            standing: RwLock::default(),
            read: watch::Sender::new(0),
            changes: watch::Sender::new(0),
            renewed: watch::Sender::new(0),
            set: Mutex::new(0),
        }))
    }

    /// The corrections.
    pub(crate) fn corrections(&self) -> &Corrections {
        &self.0.corrections
    }

    fn standing(&self) -> Standing {
        self.0.standing.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits for its turn to set something that depends on what stands.
    ///
    /// # Errors
    /// When what was set last cannot be read back.
    async fn turn(&self) -> Result<Turn<'_>, Problem> {
        let set = self.0.set.lock().await;
        self.read_back(*set).await?;
        Ok(Turn { controls: self, set })
    }

    fn file_words(&self) -> Vec<String> {
        self.0.file_words.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn read_back(&self, until: u64) -> Result<(), Problem> {
        reaches(&self.0.read, until).await
    }

    /// Waits until the watch topics and words that stand are in effect.
    async fn in_effect(&self) -> Result<(), Problem> {
        let until = *self.0.changes.borrow();
        reaches(&self.0.renewed, until).await
    }
}

async fn reaches(count: &watch::Sender<u64>, until: u64) -> Result<(), Problem> {
    let mut count = count.subscribe();
    match tokio::time::timeout(READ_BACK, count.wait_for(|count| *count >= until)).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(Problem::unavailable(
            "已写入, 但尚未生效, 请稍后再看 / it is written and not in effect yet: look again in a moment",
        )),
    }
}

impl Turn<'_> {
    /// Sets it, and returns when it stands.
    ///
    /// # Errors
    /// When the log cannot take it, or it cannot be read back.
    async fn set(mut self, control: &Control) -> Result<(), Problem> {
        let record = NewRecord { partition: 0, key: Some(control.key().into()), value: control.encode() };
        let log = &self.controls.0.log;
        let positions = log.append(Topic::Control, vec![record]).await.map_err(|error| match error {
            LogError::Unavailable(_) | LogError::Closed => {
                tracing::warn!(%error, "control cannot take what somebody sets");
                Problem::unavailable(
                    "日志暂不可写, 未作更改 / the log cannot take it now: nothing was changed, try again",
                )
            }
            LogError::Refused(_) => Problem::internal(&error),
        })?;
        *self.set = positions.last().map_or(*self.set, |position| position.offset + 1);
        self.controls.read_back(*self.set).await
    }
}
