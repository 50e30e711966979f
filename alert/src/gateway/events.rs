//! `GET /api/events`: what happens, as server-sent events.
//!
//! One task tails the topics from their ends and tells everybody through a bounded channel; nobody who reads slowly can
//! hold up the others. Whoever misses some is told to `reload`: events carry absolute states, so reading the other endpoints
//! anew makes up for all that was missed.

use super::Gateway;
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{
        Sse,
        sse::{Event, KeepAlive},
    },
};
use futures::{Stream, StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{
        auth::{Caller, Role},
        metrics,
        shutdown::Shutdown,
    },
    log::{LogError, Position, Reader, SharedLog, Topic},
    records::{IncidentRecord, Pulse, Record},
};
use std::{collections::HashMap, convert::Infallible, sync::Arc, time::Duration};
use tokio::{sync::broadcast, time::Instant};
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};
use tower::ServiceExt;

/// How many events a slow reader may be behind.
const BEHIND: usize = 512;
const MOST: usize = 200;
const WAIT: Duration = Duration::from_secs(1);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// How much of the time before is asked for again.
const OVERLAP: SignedDuration = SignedDuration::from_secs(2);
/// Sources that are told of at a time; who watches more of them change in a second sees them when they change again.
const MOST_SOURCES: usize = 2_000;
/// A stream ends after this time, and the browser opens the next one: so an ended session ends its stream too.
const LONGEST: Duration = Duration::from_secs(3600);

/// An event's name and its data, as JSON.
type Message = Arc<(&'static str, String)>;

/// Where events are told.
pub(super) struct Hub(broadcast::Sender<Message>);

impl Hub {
    pub(super) fn new() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }

    pub(super) fn tell(&self, name: &'static str, data: String) {
        // An error means that nobody listens.
        let _ = self.0.send(Arc::new((name, data)));
    }
}

struct Counted;

impl Counted {
    fn new() -> Self {
        metrics::HTTP_STREAMS.inc();
        Self
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        metrics::HTTP_STREAMS.dec();
    }
}

/// The stream of one reader.
pub(super) async fn subscribe(
    State(gateway): State<Arc<Gateway>>,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let counted = Counted::new();
    let messages = BroadcastStream::new(gateway.hub.0.subscribe()).map(|message| match message {
        Ok(message) => Event::default().event(message.0).data(&message.1),
        Err(BroadcastStreamRecvError::Lagged(_)) => Event::default().event("reload").data("{}"),
    });
    // The first bytes go out at once: the reader knows that it is connected.
    let begin = stream::once(async { Event::default().comment("wanglou") });
    let end = {
        let shutdown = gateway.shutdown.clone();
        async move {
            tokio::select! {
                () = shutdown.cancelled_owned() => {}
                () = tokio::time::sleep(LONGEST) => {}
            }
        }
    };
    let events = begin.chain(messages).take_until(Box::pin(end)).map(move |event| {
        let _ = &counted;
        Ok(event)
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Tails the topics until the stage stops.
pub(crate) async fn run(gateway: Arc<Gateway>, coverage: Router) {
    let (log, shutdown) = (&gateway.log, &gateway.shutdown);
    let pulses = follow::<Pulse>(&gateway, log, Topic::TopicsPulse, "pulse", shutdown);
    let incidents = follow::<IncidentRecord>(&gateway, log, Topic::Incidents, "incident", shutdown);
    let sources = sources(&gateway, log, &coverage, shutdown);
    let alerts = super::source_alerts::follow(&gateway);
    tokio::join!(pulses, incidents, sources, alerts);
}

async fn follow<R: Record>(gateway: &Gateway, log: &SharedLog, topic: Topic, name: &'static str, shutdown: &Shutdown) {
    let mut live = Live::new(log, topic);
    while let Some(values) = live.next(shutdown).await {
        for value in values {
            // What can't be read, whoever reads it for its effect sets aside.
            if let Ok(record) = R::decode(&value)
                && let Ok(data) = serde_json::to_string(&record)
            {
                gateway.hub.tell(name, data);
            }
        }
    }
}

/// Tells how sources stand when visits are reported: those that have changed, at most once a second.
async fn sources(gateway: &Gateway, log: &SharedLog, coverage: &Router, shutdown: &Shutdown) {
    let mut told: HashMap<String, String> = HashMap::new();
    let mut since = Timestamp::now();
    let mut live = Live::new(log, Topic::CrawlReports);
    while live.next(shutdown).await.is_some() {
        // Twice: ingest may be reading the same report at this very moment.
        for _ in 0..2 {
            let next = Instant::now() + WAIT;
            // A worker's clock may lie behind ours; what is told twice is told once.
            let asked = since.saturating_sub(OVERLAP).unwrap_or(Timestamp::MIN);
            let (at, states) = ask(coverage, asked).await.unwrap_or((since, Vec::new()));
            since = at;
            for (id, state) in states {
                if told.get(&id) != Some(&state) {
                    gateway.hub.tell("source", state.clone());
                    told.insert(id, state);
                }
            }
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep_until(next) => {}
            }
        }
    }
}

/// What is appended to a topic from now on. A log that can't be read now is tried again, from its end.
struct Live {
    log: SharedLog,
    topic: Topic,
    reader: Option<Box<dyn Reader>>,
}

impl Live {
    fn new(log: &SharedLog, topic: Topic) -> Self {
        Self { log: SharedLog::clone(log), topic, reader: None }
    }

    /// The next values; `None` when the stage stops.
    async fn next(&mut self, shutdown: &Shutdown) -> Option<Vec<bytes::Bytes>> {
        loop {
            let read = tokio::select! {
                () = shutdown.cancelled() => return None,
                read = self.read() => read,
            };
            match read {
                Ok(None) => {}
                Ok(Some(values)) => return Some(values),
                Err(LogError::Closed) => return None,
                Err(error) => {
                    tracing::warn!(topic = %self.topic, %error, "events wait");
                    self.reader = None;
                    tokio::time::sleep(WAIT).await;
                }
            }
        }
    }

    async fn read(&mut self) -> Result<Option<Vec<bytes::Bytes>>, LogError> {
        let reader = match &mut self.reader {
            Some(reader) => reader,
            None => self.reader.insert(from_the_end(&self.log, self.topic).await?),
        };
        let batch = reader.next(MOST, WAIT).await?;
        Ok(batch.map(|batch| batch.entries.into_iter().map(|entry| entry.value).collect()))
    }
}

async fn from_the_end(log: &SharedLog, topic: Topic) -> Result<Box<dyn Reader>, LogError> {
    let mut from = Vec::new();
    for partition in 0..log.describe(topic).await?.partitions {
        from.push(Position { partition, offset: log.bounds(topic, partition).await?.1 });
    }
    log.reader(topic, from).await
}

/// By id, the states of the sources that have changed since, from ingest's own answer, and when it was given.
async fn ask(coverage: &Router, since: Timestamp) -> Option<(Timestamp, Vec<(String, String)>)> {
    let path = format!("/api/coverage?changed_since={since}&limit={MOST_SOURCES}");
    let mut request = Request::get(path).body(Body::empty()).ok()?;
    request.extensions_mut().insert(Caller { name: crate::incident::PROGRAM.into(), role: Role::Admin });
    let response = coverage.clone().oneshot(request).await.ok()?;
    let body = to_bytes(response.into_body(), 8 << 20).await.ok()?;
    let answer: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let at = answer.get("at")?.as_str()?.parse().ok()?;
    let sources = answer.get("sources")?.as_array()?;
    let states = sources.iter().filter_map(|source| Some((source.get("id")?.as_str()?.to_owned(), source.to_string())));
    Some((at, states.collect()))
}
