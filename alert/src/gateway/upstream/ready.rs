//! Whether the services that run apart are ready: asked in the background, so that `/readyz` never waits for them.

use super::{CONNECT, Upstream};
use schemas::kit::{service::Ready, shutdown::Shutdown};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use url::Url;

/// Between two questions.
const EVERY: Duration = Duration::from_secs(2);
/// An answer that is longer than a few lines is none of ours.
const LONGEST: usize = 300;

/// Asks until shutdown; the readiness is what was answered last.
pub(super) fn watch(upstream: &Arc<Upstream>, shutdown: &Shutdown) -> (&'static str, Ready) {
    let last = Arc::new(Mutex::new(Err("unknown: it was not asked yet".to_owned())));
    let ready = Ready::elsewhere({
        let last = last.clone();
        move || last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    });
    let (name, upstream, shutdown) = (upstream.name, upstream.clone(), shutdown.clone());
    tokio::spawn(shutdown.run_until_cancelled_owned(async move {
        loop {
            let answer = upstream.ask().await;
            *last.lock().unwrap_or_else(PoisonError::into_inner) = answer;
            tokio::time::sleep(EVERY).await;
        }
    }));
    (name, ready)
}

impl Upstream {
    /// Whether all its addresses are ready; what those say that are not.
    async fn ask(&self) -> Result<(), String> {
        let missing: Vec<String> =
            futures::future::join_all(self.addresses.iter().map(|address| self.ask_one(address)))
                .await
                .into_iter()
                .filter_map(Result::err)
                .collect();
        if missing.is_empty() { Ok(()) } else { Err(missing.join("; ")) }
    }

    async fn ask_one(&self, address: &Url) -> Result<(), String> {
        let mut url = address.clone();
        url.set_path("/readyz");
        let asked = async {
            let answer = self.client.get(url).send().await?;
            let is_ready = answer.status().is_success();
            Ok::<_, reqwest::Error>((is_ready, answer.text().await?))
        };
        match tokio::time::timeout(CONNECT, asked).await {
            Ok(Ok((true, _))) => Ok(()),
            Ok(Ok((false, told))) => {
                let told: String = told.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
                Err(format!("{address} {told}"))
            }
            Ok(Err(_)) | Err(_) => Err(format!("{address} does not answer")),
        }
    }
}
