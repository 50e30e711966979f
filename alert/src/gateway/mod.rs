//! The gateway: the console at `/` and the whole API under `/api/`, for whoever may; and the pages of links in messages, under `/a/`.
//!
//! A request's way: it is counted, a panic becomes a 500, headers that browsers obey are set → under `/api` it is found out
//! who calls ([`identity`]) → the route's own guard asks for the role → the handler. Denying is the default: without a
//! caller every path under `/api` answers 401, with one an unknown path answers 404, and each route names its roles.

mod calendar;
mod console;
mod drills;
pub(crate) mod events;
mod identity;
mod incidents;
mod operation;
mod outage;
mod pin;
mod rejected;
mod roster;
mod searches;
mod session;
mod sign;
mod silences;
mod source_alerts;
mod throttle;
mod upstream;
mod why;

pub use sign::sign_pages;

use crate::engine::Desk;
use axum::{
    Json, Router,
    extract::{ConnectInfo, DefaultBodyLimit, Path, Request, State, rejection::JsonRejection},
    http::{HeaderValue, header, request::Parts},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{MethodRouter, any, delete, get, post, put},
};
use events::Hub;
use incidents::Act;
use schemas::{
    kit::{
        auth::{
            Caller, MAY_DRILL, MAY_HANDLE, MAY_PAUSE, MAY_ROSTER, MAY_SEARCH, MAY_SEE_INCIDENTS, MAY_SILENCE,
            MAY_SPEAK_FOR_UNIT, MAY_WATCH, Role, guard,
        },
        http::{Problem, counted, panicked},
        operation::health,
        service::Ready,
        settings::Settings,
        shutdown::Shutdown,
        tokens::Tokens,
    },
    log::SharedLog,
};
use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
    time::Duration,
};
use throttle::Throttle;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;

/// The longest body of everything but posts, whose door has limits of its own.
const LONGEST_BODY: usize = 1 << 20;
/// The longest body at the door of posts, unless ingest sets another.
const LONGEST_POSTS: usize = 64 << 20;
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      frame-ancestors 'none'; base-uri 'none'; form-action 'self'; object-src 'none'";

/// What handlers share.
pub(crate) struct Gateway {
    desk: Arc<Desk>,
    log: SharedLog,
    tokens: Tokens,
    throttle: Mutex<Throttle>,
    verifying: Semaphore,
    hub: Hub,
    ready: Vec<(&'static str, Ready)>,
    timezone: String,
    closes: String,
    session: Duration,
    secure: bool,
    shutdown: Shutdown,
}

impl Gateway {
    /// A gateway over a desk; `ready` is what `/readyz` asks.
    ///
    /// # Errors
    /// A token whose value is not in the environment.
    pub(crate) fn new(
        settings: &Settings,
        desk: Arc<Desk>,
        log: SharedLog,
        ready: Vec<(&'static str, Ready)>,
        shutdown: Shutdown,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            desk,
            log,
            tokens: Tokens::of(settings)?,
            throttle: Mutex::default(),
            verifying: Semaphore::new(2),
            hub: Hub::new(),
            ready,
            timezone: settings.timezone.clone(),
            closes: settings.calendar.closes().strftime("%H:%M").to_string(),
            session: settings.http.session,
            secure: settings.http.public_url.as_deref().is_some_and(|url| url.starts_with("https:")),
            shutdown,
        })
    }
}

/// The whole router: the gateway's own paths, and those of the other stages.
pub(crate) fn router(gateway: &Arc<Gateway>, ingest: Router, analyze: Router) -> Router {
    let own = Router::new()
        .route("/api/incidents", guard(MAY_SEE_INCIDENTS, get(incidents::list)))
        .route("/api/incidents/{id}", guard(MAY_SEE_INCIDENTS, get(incidents::one)))
        .route("/api/incidents/{id}/why", guard(MAY_WATCH, get(why::of_incident)))
        .route("/api/topics/{id}/paged", guard(MAY_WATCH, get(why::of_topic)))
        .route("/api/incidents/{id}/ack", acting(MAY_HANDLE, Act::ack))
        .route("/api/incidents/{id}/assign", acting(MAY_HANDLE, Act::assign))
        .route("/api/incidents/{id}/unit_ack", acting(MAY_SPEAK_FOR_UNIT, Act::unit_ack))
        .route("/api/incidents/{id}/note", acting(MAY_SPEAK_FOR_UNIT, Act::note))
        .route("/api/incidents/{id}/answer", acting(MAY_SPEAK_FOR_UNIT, Act::answer))
        .route("/api/incidents/{id}/return", acting(MAY_SPEAK_FOR_UNIT, Act::send_back))
        .route("/api/incidents/{id}/respond", acting(MAY_HANDLE, Act::respond))
        .route("/api/incidents/{id}/close", acting(MAY_HANDLE, Act::close))
        .route("/api/incidents/{id}/false_alarm", acting(MAY_HANDLE, Act::false_alarm))
        .route("/api/incidents/{id}/reopen", acting(MAY_HANDLE, Act::reopen))
        .route("/api/incidents/{id}/pause", acting(MAY_PAUSE, Act::pause))
        .route("/api/incidents/{id}/resume", acting(MAY_PAUSE, Act::resume))
        .route("/api/incidents/{id}/merge", guard(MAY_HANDLE, post(incidents::merge)))
        .route("/api/incidents/{id}/split", guard(MAY_HANDLE, post(incidents::split)))
        .route("/api/silences", guard(MAY_WATCH, get(silences::list)).merge(guard(MAY_SILENCE, post(silences::set))))
        .route("/api/drills", guard(MAY_DRILL, post(drills::begin)))
        .route("/api/silences/{id}", guard(MAY_SILENCE, delete(silences::end)))
        .route("/api/coverage/alerts", guard(MAY_WATCH, get(source_alerts::list)))
        .route("/api/events", guard(MAY_WATCH, get(events::subscribe)))
        .route("/api/rejected", guard(&[Role::Admin], get(rejected::list)))
        .route("/api/searches", guard(MAY_WATCH, get(searches::list)).merge(guard(MAY_SEARCH, post(searches::save))))
        .route("/api/searches/{id}", guard(MAY_SEARCH, put(searches::change).delete(searches::delete)))
        .route("/api/roster", guard(MAY_WATCH, get(roster::board)))
        .route("/api/roster/{id}", guard(MAY_WATCH, get(calendar::of_roster)))
        .route("/api/roster/{id}/changes", guard(MAY_ROSTER, post(roster::change)))
        .route("/api/roster/{id}/changes/{n}", guard(MAY_ROSTER, delete(roster::withdraw)))
        .route("/api/roster/{id}/changes/{n}/agree", guard(MAY_ROSTER, post(roster::agree)))
        .route("/api/roster/{id}/handovers", guard(MAY_ROSTER, post(roster::hand_over)))
        .route("/api/roster/{id}/handovers/{n}/confirm", guard(MAY_ROSTER, post(roster::take_over)))
        .route("/api/calendar", guard(MAY_WATCH, get(calendar::standing).post(calendar::make).delete(calendar::revoke)))
        .route(
            "/api/session",
            guard(&Role::ALL, get(session::who).delete(session::log_out)).merge(post(session::log_in)),
        )
        .route("/api/session/pin", guard(&Role::ALL, put(pin::set)))
        .route("/api/openapi.json", get(openapi))
        .with_state(Arc::clone(gateway));
    let api = own
        .merge(analyze)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .merge(ingest.layer(DefaultBodyLimit::max(LONGEST_POSTS)))
        .route("/api", any(unknown))
        .route("/api/", any(unknown))
        .route("/api/{*rest}", any(unknown))
        .layer(middleware::from_fn_with_state(Arc::clone(gateway), identity::identify));
    let outside = Router::new()
        .route("/healthz", get(health))
        .route("/readyz", get(operation::ready))
        .route("/metrics", get(operation::metrics))
        .route("/calendar/{file}", get(calendar::of_token))
        .with_state(Arc::clone(gateway));
    api.merge(outside)
        .merge(sign_pages(Arc::clone(&gateway.desk)))
        .fallback_service(get(console::serve))
        .layer(middleware::from_fn(manners))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(counted))
}

/// What somebody does; 签收 has nothing to say and needs no body.
type Body = Result<Option<Json<Act>>, JsonRejection>;

/// The route of one thing that people do to an incident.
fn acting(roles: &'static [Role], command: fn(Act) -> crate::incident::Command) -> MethodRouter<Arc<Gateway>> {
    guard(
        roles,
        post(async move |State(gateway): State<Arc<Gateway>>, Path(id): Path<String>, caller: Caller, body: Body| {
            incidents::act(gateway, id, caller, body, command).await
        }),
    )
}

/// How many of a list are asked for.
fn limit(asked: Option<u32>, usual: u32) -> Result<u32, Problem> {
    let limit = asked.unwrap_or(usual);
    if (1..=500).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::bad_request("limit", "limit must lie between 1 and 500"))
    }
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], schemas::OPENAPI).into_response()
}

async fn unknown() -> Problem {
    Problem::not_found("没有这个接口 / there is no such path: see /api/openapi.json")
}

/// Who is at the other end of the connection.
fn peer(head: &Parts) -> Option<IpAddr> {
    head.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip().to_canonical())
}

/// Headers that browsers obey.
async fn manners(request: Request, next: Next) -> Response {
    let is_api = request.uri().path().starts_with("/api");
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // A page that is no part of the console may say that it needs less.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if is_api {
        headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests;
