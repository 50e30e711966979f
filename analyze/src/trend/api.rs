//! `/api/topics`, `/api/topics/hot`, `/api/topics/{id}/pulse` and `/api/topics/{id}/why`.

use super::{
    WatchTopics,
    curve::{Step, curve, step_seconds},
    emerging::Shown,
    hot::{Heat, Period},
    state::Trend,
    topic::Topic,
    why::Why,
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
    records::{Pulse, TopicKind, TopicRef},
};
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The trend, shared by the worker that counts and the handlers that look. Whoever looks sees the watch topics that stand.
#[derive(Clone)]
pub(super) struct Shared(Arc<(Mutex<Trend>, Mutex<WatchTopics>)>);

impl Shared {
    /// `watched` is marked as seen: the trend was made with its topics.
    pub(super) fn new(trend: Trend, watched: WatchTopics) -> Self {
        Self(Arc::new((Mutex::new(trend), Mutex::new(watched))))
    }

    /// Never held across an await. A holder that panicked has left counts that are whole: each post is counted in one call.
    pub(super) fn lock(&self) -> MutexGuard<'_, Trend> {
        let (trend, watched) = &*self.0;
        let mut trend = trend.lock().unwrap_or_else(PoisonError::into_inner);
        let mut watched = watched.lock().unwrap_or_else(PoisonError::into_inner);
        // An error says that they change no more.
        if watched.has_changed().unwrap_or(false) {
            let watch = watched.borrow_and_update().clone();
            trend.watch(&watch, Timestamp::now());
        }
        trend
    }
}

pub(super) fn router(trend: Shared) -> Router {
    Router::new()
        .route("/api/topics", guard(MAY_WATCH, get(topics)))
        .route("/api/topics/hot", guard(MAY_WATCH, get(hot)))
        .route("/api/topics/{id}/pulse", guard(MAY_WATCH, get(pulse)))
        .route("/api/topics/{id}/why", guard(MAY_WATCH, get(why)))
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
    /// Of an emerging topic.
    emerging: Option<Shown>,
}

impl TopicState {
    fn of(trend: &Trend, topic: &Topic, now: Timestamp) -> Self {
        let is_found = topic.about.kind == TopicKind::Emerging;
        Self {
            topic: topic.about.clone(),
            query: topic.query.clone(),
            pulse: trend.pulse(topic, now),
            emerging: is_found.then(|| trend.found(&topic.about.id)).flatten().map(Shown::from),
        }
    }
}

async fn topics(State(trend): State<Shared>) -> Json<Topics> {
    let (trend, now) = (trend.lock(), Timestamp::now());
    Json(Topics { topics: trend.topics().map(|topic| TopicState::of(&trend, topic, now)).collect() })
}

#[derive(Deserialize)]
struct HotAsked {
    #[serde(default)]
    window: Period,
    #[serde(default = "fifty")]
    limit: usize,
}

fn fifty() -> usize {
    50
}

#[derive(Serialize)]
struct HotTopics {
    topics: Vec<HotTopic>,
}

#[derive(Serialize)]
struct HotTopic {
    #[serde(flatten)]
    state: TopicState,
    heat: Heat,
}

/// Topics with posts in the time that is asked for, the hottest first, with what makes them so.
async fn hot(
    State(trend): State<Shared>,
    asked: Result<Query<HotAsked>, QueryRejection>,
) -> Result<Json<HotTopics>, Problem> {
    let Query(HotAsked { window, limit }) =
        asked.map_err(|error| Problem::bad_request("bad_query", error.body_text()))?;
    let (trend, now) = (trend.lock(), Timestamp::now());
    let hot = super::hot::hot(&trend, window, limit.min(500), now).into_iter();
    let topics = hot.map(|hot| HotTopic { state: TopicState::of(&trend, hot.topic, now), heat: hot.heat }).collect();
    Ok(Json(HotTopics { topics }))
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
        return Err(Problem::bad_request(
            "bad_minutes",
            format!("minutes must lie between 5 and 10080, not {minutes}"),
        ));
    }
    let (trend, now) = (trend.lock(), Timestamp::now());
    let topic =
        trend.topic(&id).ok_or_else(|| Problem::not_found(format!("没有这个专题 / there is no topic {id:?}")))?;
    Ok(Json(TopicCurve {
        topic: topic.about.clone(),
        pulse: trend.pulse(topic, now),
        total: topic.total,
        step_seconds: step_seconds(minutes),
        series: curve(&trend, topic, minutes, now),
    }))
}

#[derive(Deserialize)]
struct WhyAsked {
    at: Option<Timestamp>,
}

#[derive(Serialize)]
struct WhyAnswer {
    topic: TopicRef,
    #[serde(flatten)]
    why: Why,
}

/// Why nobody was paged at a moment, or that somebody was; now, when no moment is named.
async fn why(
    State(trend): State<Shared>,
    id: Result<Path<String>, PathRejection>,
    asked: Result<Query<WhyAsked>, QueryRejection>,
) -> Result<Json<WhyAnswer>, Problem> {
    let Path(id) = id.map_err(|error| Problem::bad_request("bad_path", error.body_text()))?;
    let Query(WhyAsked { at }) = asked.map_err(|error| Problem::bad_request("bad_query", error.body_text()))?;
    let (trend, now) = (trend.lock(), Timestamp::now());
    let at = at.unwrap_or(now);
    if at > now {
        return Err(Problem::bad_request("bad_at", format!("at lies ahead: it is {now} now")));
    }
    let topic =
        trend.topic(&id).ok_or_else(|| Problem::not_found(format!("没有这个专题 / there is no topic {id:?}")))?;
    Ok(Json(WhyAnswer {
        topic: topic.about.clone(),
        why: super::why::why(&trend, topic, at.as_second(), now.as_second()),
    }))
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            series::MINUTE,
            testing::{Town, config},
        },
        *,
    };
    use axum::{
        body::{Body, to_bytes},
        http::{Request, StatusCode},
    };
    use schemas::kit::auth::{Caller, Role};
    use serde_json::{Value, json};
    use tower::ServiceExt;

    /// A town of this moment: twenty posts on water, three on roads, one on nothing.
    fn town() -> Trend {
        let mut town = Town::new(&["roads", "water", "parks"], 0);
        town.now = Timestamp::now().as_second();
        for i in 0..20 {
            town.push("water", town.now - i);
        }
        for i in 0..3 {
            town.push("roads", town.now - i);
        }
        town.push("", town.now - 10 * MINUTE);
        town.tick();
        town.trend
    }

    async fn get(trend: Trend, role: Option<Role>, path: &str) -> (StatusCode, Value) {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        if let Some(role) = role {
            request.extensions_mut().insert(Caller { name: "test".into(), role });
        }
        let response =
            router(Shared::new(trend, tokio::sync::watch::channel(Arc::default()).1)).oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap_or_else(|_| panic!("no JSON: {body:?}")))
    }

    async fn see(trend: Trend, path: &str) -> Value {
        let (status, body) = get(trend, Some(Role::Viewer), path).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    }

    fn ids(body: &Value) -> Vec<&str> {
        body["topics"].as_array().unwrap().iter().map(|state| state["topic"]["id"].as_str().unwrap()).collect()
    }

    #[tokio::test]
    async fn topics_stand_in_the_order_of_the_config() {
        let body = see(town(), "/api/topics").await;
        assert_eq!(ids(&body), ["roads", "water", "parks", "all"]);
        assert_eq!(body["topics"][1]["query"], "water");
        assert_eq!(body["topics"][1]["pulse"]["phase"], "rising");
        assert_eq!(body["topics"][3]["query"], Value::Null);
        assert_eq!(body["topics"][3]["pulse"]["total"], 24);
    }

    #[tokio::test]
    async fn before_the_first_record_there_is_no_pulse() {
        let body = see(Trend::new(&config(&["water"])), "/api/topics").await;
        assert_eq!(
            body["topics"][0],
            json!({
                "topic": {"id": "water", "kind": "watch", "name": "专题 water"},
                "query": "water",
                "pulse": null,
                "emerging": null
            })
        );
    }

    #[tokio::test]
    async fn the_hottest_topic_is_first_and_silent_ones_are_not_hot() {
        assert_eq!(ids(&see(town(), "/api/topics/hot").await), ["water", "roads"]);
    }

    #[tokio::test]
    async fn a_curve_has_no_holes() {
        for (minutes, step, steps) in [(5, 60, 5), (120, 60, 120), (1_440, 60, 1_440), (10_080, 300, 2_016)] {
            let body = see(town(), &format!("/api/topics/all/pulse?minutes={minutes}")).await;
            let series = body["series"].as_array().unwrap();
            assert_eq!((body["step_seconds"].as_i64(), series.len()), (Some(step), steps));
            let at: Vec<i64> = series
                .iter()
                .map(|step| step["at"].as_str().unwrap().parse::<Timestamp>().unwrap().as_second())
                .collect();
            assert!(at.windows(2).all(|pair| pair[1] - pair[0] == step));
            let count: u64 = series.iter().map(|step| step["count"].as_u64().unwrap()).sum();
            assert_eq!(count, if minutes == 5 { 23 } else { 24 });
            assert!(series.iter().all(|step| step["upper"].as_f64() > step["expected"].as_f64()));
        }
        assert_eq!(see(town(), "/api/topics/water/pulse").await["series"].as_array().unwrap().len(), 120);
    }

    #[tokio::test]
    async fn what_cannot_be_answered_says_why() {
        for (path, status, code) in [
            ("/api/topics/nothing/pulse", StatusCode::NOT_FOUND, "not_found"),
            ("/api/topics/water/pulse?minutes=4", StatusCode::BAD_REQUEST, "bad_minutes"),
            ("/api/topics/water/pulse?minutes=10081", StatusCode::BAD_REQUEST, "bad_minutes"),
            ("/api/topics/water/pulse?minutes=many", StatusCode::BAD_REQUEST, "bad_query"),
            ("/api/topics/%ff/pulse", StatusCode::BAD_REQUEST, "bad_path"),
        ] {
            let (found, body) = get(town(), Some(Role::Viewer), path).await;
            assert_eq!((found, body["error"]["code"].as_str()), (status, Some(code)), "{path}: {body}");
        }
    }

    #[tokio::test]
    async fn only_those_who_may_watch_see_it() {
        for path in ["/api/topics", "/api/topics/hot", "/api/topics/all/pulse"] {
            assert_eq!(get(town(), None, path).await.0, StatusCode::UNAUTHORIZED);
            for role in Role::ALL {
                let expected = if MAY_WATCH.contains(&role) { StatusCode::OK } else { StatusCode::FORBIDDEN };
                assert_eq!(get(town(), Some(role), path).await.0, expected, "{path} {role:?}");
            }
        }
    }
}
