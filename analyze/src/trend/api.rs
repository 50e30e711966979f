//! `/api/topics`, `/api/topics/hot` and `/api/topics/{id}/pulse`.

use super::{
    curve::{Step, curve, step_seconds},
    state::Trend,
    topic::Topic,
};
use axum::{
    Json, Router,
    extract::{
        Path, Query, State,
        rejection::{PathRejection, QueryRejection},
    },
    routing::get,
};
use jiff::Timestamp;
use schemas::{
    kit::{
        auth::{MAY_WATCH, guard},
        http::Problem,
    },
    records::{Phase, Pulse, TopicRef},
};
use serde::{Deserialize, Serialize};
use std::{
    cmp::Ordering,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The trend, shared by the worker that counts and the handlers that look.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Trend>>);

impl Shared {
    pub(super) fn new(trend: Trend) -> Self {
        Self(Arc::new(Mutex::new(trend)))
    }

    /// Never held across an await. A holder that panicked has left counts that are whole: each post is counted in one call.
    pub(super) fn lock(&self) -> MutexGuard<'_, Trend> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn router(trend: Shared) -> Router {
    Router::new()
        .route("/api/topics", guard(MAY_WATCH, get(topics)))
        .route("/api/topics/hot", guard(MAY_WATCH, get(hot)))
        .route("/api/topics/{id}/pulse", guard(MAY_WATCH, get(pulse)))
        .with_state(trend)
}

#[derive(Serialize)]
struct Topics {
    topics: Vec<TopicState>,
}

#[derive(Serialize)]
struct TopicState {
    topic: TopicRef,
    query: Option<String>,
    pulse: Option<Pulse>,
}

impl TopicState {
    fn of(trend: &Trend, topic: &Topic, now: Timestamp) -> Self {
        Self { topic: topic.about.clone(), query: topic.query.clone(), pulse: trend.pulse(topic, now) }
    }
}

async fn topics(State(trend): State<Shared>) -> Json<Topics> {
    let (trend, now) = (trend.lock(), Timestamp::now());
    Json(Topics { topics: trend.topics().map(|topic| TopicState::of(&trend, topic, now)).collect() })
}

/// Topics that rise, or of which posts came in the last five minutes: those that rise first, then by surprise.
async fn hot(State(trend): State<Shared>) -> Json<Topics> {
    let (trend, now) = (trend.lock(), Timestamp::now());
    let rising = trend.topics().filter(|topic| topic.may_rise()).map(|topic| TopicState::of(&trend, topic, now));
    let mut hot: Vec<_> = rising.filter_map(|state| Some((heat(state.pulse.as_ref()?)?, state))).collect();
    hot.sort_by(|(a, _), (b, _)| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(Ordering::Equal));
    Json(Topics { topics: hot.into_iter().map(|(_, state)| state).collect() })
}

fn heat(pulse: &Pulse) -> Option<(bool, f64)> {
    let lives = pulse.phase != Phase::Quiet || pulse.windows.iter().any(|window| window.count > 0);
    lives.then(|| Topic::heat(pulse))
}

#[derive(Deserialize)]
struct Asked {
    #[serde(default = "two_hours")]
    minutes: i64,
}

fn two_hours() -> i64 {
    120
}

#[derive(Serialize)]
struct TopicCurve {
    topic: TopicRef,
    pulse: Option<Pulse>,
    total: u64,
    step_seconds: i64,
    series: Vec<Step>,
}

async fn pulse(
    State(trend): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    asked: Result<Query<Asked>, QueryRejection>,
) -> Result<Json<TopicCurve>, Problem> {
    let Path(id) = id.map_err(|error| Problem::bad_request("bad_path", error.body_text()))?;
    let Query(Asked { minutes }) = asked.map_err(|error| Problem::bad_request("bad_query", error.body_text()))?;
    if !(5..=10_080).contains(&minutes) {
        return Err(Problem::bad_request("bad_minutes", format!("minutes must lie between 5 and 10080, not {minutes}")));
    }
    let (trend, now) = (trend.lock(), Timestamp::now());
    let topic = trend.topic(&id).ok_or_else(|| Problem::not_found(format!("没有这个专题 / there is no topic {id:?}")))?;
    Ok(Json(TopicCurve {
        topic: topic.about.clone(),
        pulse: trend.pulse(topic, now),
        total: topic.total,
        step_seconds: step_seconds(minutes),
        series: curve(&trend, topic, minutes, now),
    }))
}
