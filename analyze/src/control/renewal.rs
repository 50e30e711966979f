//! Builds what is understood anew when watch topics or words have changed, beside the stream, and puts it in place: posts are
//! understood with what stands meanwhile, and wait for nothing.
//!
//! | what changes | what happens |
//! |---|---|
//! | watch topics or words, by people | built anew, at once |
//! | the file of the user dictionary | read when it has settled ([`super::dictionary`]), and built anew |
//! | the file, and it is faulty or gone | its faults are told; what stands stays |
//! | a topic whose query this program cannot parse (a newer one took it) | left out, and told |

use super::{
    Controls, PoisonError,
    dictionary::{self, Watched},
    standing::WatchTopic,
};
use crate::{
    query::{Names, parse_watch},
    trend,
    understand::{Living, Understanding},
};
use anyhow::Context;
use schemas::kit::{
    settings::{Settings, Spanned, Watch},
    shutdown::Shutdown,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::watch;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(2);

/// Builds anew.
pub(crate) struct Renewal {
    controls: Controls,
    living: Living,
    topics: watch::Sender<Arc<Vec<trend::WatchTopic>>>,
    // What sources are called.
    sources: Names,
    file: Option<(PathBuf, Watched)>,
}

impl Renewal {
    /// Begins with what stands, on the ground of what the config alone makes of it.
    ///
    /// # Errors
    /// When it cannot be built, or the file of the user dictionary is faulty.
    pub(crate) async fn begin(
        settings: &Settings,
        of_config: Understanding,
        controls: Controls,
    ) -> anyhow::Result<Self> {
        let mut sources = Names::default();
        for source in settings.source.iter().map(Spanned::get_ref) {
            sources.add("source", &source.id, &source.name);
        }
        let file = settings.understand.dictionary.clone();
        // Looked at before it is read: what changes meanwhile is read again.
        let file = file.map(|path| (path.clone(), Watched::read(dictionary::look(&path))));
        let renewal = Self {
            controls,
            living: Living::from(Arc::new(of_config)),
            topics: watch::Sender::default(),
            sources,
            file,
        };
        renewal.renew().await?;
        Ok(renewal)
    }

    /// What is understood.
    pub(crate) fn living(&self) -> Living {
        self.living.clone()
    }

    /// The watch topics that stand, for trend.
    pub(crate) fn topics(&self) -> trend::WatchTopics {
        self.topics.subscribe()
    }

    /// Follows changes until shutdown.
    ///
    /// # Errors
    /// When what stands cannot be built.
    pub(crate) async fn run(mut self, shutdown: Shutdown) -> anyhow::Result<()> {
        let mut changes = self.controls.0.changes.subscribe();
        let (change, renewed) = (*changes.borrow_and_update(), *self.controls.0.renewed.borrow());
        if change != renewed {
            // Between its beginning and now.
            self.renew().await?;
        }
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return Ok(()),
                changed = changes.changed() => changed.context("nobody follows control any more")?,
                () = tokio::time::sleep(LOOK), if self.file.is_some() => {
                    if !self.read_file().await? {
                        continue;
                    }
                }
            }
            self.renew().await?;
        }
    }

    /// Reads the file again where it is time to; says whether its words are others.
    async fn read_file(&mut self) -> anyhow::Result<bool> {
        let Some((path, watched)) = &mut self.file else { return Ok(false) };
        let looked = path.clone();
        if !watched.look(tokio::task::spawn_blocking(move || dictionary::look(&looked)).await?) {
            return Ok(false);
        }
        let read = path.clone();
        match tokio::task::spawn_blocking(move || dictionary::load(&read)).await? {
            Ok(words) => {
                tracing::info!(file = %path.display(), words = words.len(), "the user dictionary was read again");
                let former = std::mem::replace(&mut *self.controls.file_words_mut(), words.clone());
                Ok(former != words)
            }
            Err(faults) => {
                for fault in faults.iter().take(10) {
                    tracing::error!(%fault, "the user dictionary is faulty: the words that stood before stay");
                }
                Ok(false)
            }
        }
    }

    async fn renew(&self) -> anyhow::Result<()> {
        let controls = &self.controls.0;
        // Read first: what changes meanwhile is a change of its own.
        let change = *controls.changes.borrow();
        let standing = self.controls.standing();
        let all = standing.watch(&controls.config);
        let words = standing.words(&self.controls.file_words()).into_iter().map(|word| word.word).collect::<Vec<_>>();
        let mut names = self.sources.clone();
        all.iter().for_each(|topic| names.add("topic", &topic.id, &topic.name));
        let readable: Vec<Watch> = all.into_iter().filter_map(|topic| readable(topic, &names)).collect();
        let topics = readable.iter().map(trend::WatchTopic::from).collect();
        // Trend knows a topic before any post is matched with it.
        self.topics.send_replace(Arc::new(topics));
        let living = self.living.clone();
        let build = move || living.get().renewed(&readable, &names, &words);
        let renewed = tokio::task::spawn_blocking(build).await?.context("what is understood cannot be built anew")?;
        self.living.replace(Arc::new(renewed));
        controls.renewed.send_replace(change);
        Ok(())
    }
}

fn readable(topic: WatchTopic, names: &Names) -> Option<Watch> {
    let WatchTopic { id, name, query, .. } = topic;
    match parse_watch(&query, names) {
        Ok(_) => Some(Watch { id, name, query }),
        Err(error) => {
            tracing::error!(topic = %id, %error, "the query of a watch topic cannot be read: the topic is left out");
            None
        }
    }
}

impl Controls {
    fn file_words_mut(&self) -> std::sync::RwLockWriteGuard<'_, Vec<String>> {
        self.0.file_words.write().unwrap_or_else(PoisonError::into_inner)
    }
}
