//! The other stages, when they run apart: their part of the API, passed on to where they are.
//!
//! The gateway has found out who calls; it passes that on in an internal token ([`schemas::kit::internal`]) and takes out
//! everything else that a request says of identity: cookies, bearer tokens, `X-Wanglou-*`. Bodies stream both ways, so that
//! the slower side sets the pace ([`body`]); whoever calls and goes away is followed upstream, because the request there is
//! dropped with the one here.
//!
//! | what happens | the caller is told |
//! |---|---|
//! | the service answers | its answer |
//! | it cannot be reached, and there is another address | what that one answers |
//! | it breaks off before it answers, and the request only reads | what another address answers |
//! | it breaks off before it answers, and posts were under way | 503 with `Retry-After`: handing in again is safe |
//! | none can be reached, or nothing moves for [`SILENCE`] | 503 with `Retry-After`, naming the service |
//! | it does not believe the internal token | 503, and the log says what to look at: the keys, the clocks |
//! | the body is longer than any door takes | 413 |
//! | the body breaks off | 400: nothing was taken |

mod body;
mod ready;

use crate::Upstreams;
use axum::{
    Router,
    body::HttpBody,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header},
    response::Response,
    routing::{delete, get, post, put},
};
use body::{Lent, Outcome};
use jiff::Timestamp;
use schemas::kit::{
    apart::strip,
    auth::{Caller, MAY_CONFIGURE, MAY_EXPORT, MAY_PUSH, MAY_SEARCH, MAY_WATCH, guard},
    http::{Problem, client},
    internal::{self, InternalKey},
    settings::{Settings, Upstream as Addresses},
    shutdown::Shutdown,
};
use std::{sync::Arc, time::Duration};
use url::Url;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(3);
/// How long nothing at all may move, in either direction.
const SILENCE: Duration = Duration::from_secs(60);

/// A service that runs apart.
struct Upstream {
    /// `ingest` or `analyze`.
    name: &'static str,
    /// What people call it.
    title: &'static str,
    /// Where it is; the first that answers is asked.
    addresses: Vec<Url>,
    client: reqwest::Client,
    key: InternalKey,
}

impl Upstreams {
    /// The services that `[http.upstream]` names, called with tokens that `key` signs. Their readiness is asked for in the
    /// background until shutdown.
    ///
    /// # Errors
    /// When one of them is not named.
    pub fn apart(settings: &Settings, key: &InternalKey, shutdown: &Shutdown) -> anyhow::Result<Self> {
        let Addresses { ingest, analyze } = &settings.http.upstream;
        // Pages are passed on as they come, compressed or not; a redirect is none of ours to follow.
        let client = client()
            .connect_timeout(CONNECT)
            .no_gzip()
            .no_brotli()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let open = |name, title, addresses: &[String]| {
            anyhow::ensure!(
                !addresses.is_empty(),
                "the gateway alone must know where {name} is: set [http.upstream] {name} = \"http://host:port\""
            );
            let addresses = addresses.iter().map(|address| Url::parse(address)).collect::<Result<_, _>>()?;
            Ok(Arc::new(Upstream { name, title, addresses, client: client.clone(), key: key.clone() }))
        };
        let ingest = open("ingest", "采集服务", ingest)?;
        let analyze = open("analyze", "分析服务", analyze.as_slice())?;
        let ready = vec![ready::watch(&ingest, shutdown), ready::watch(&analyze, shutdown)];
        let (ingest, analyze) = routes(ingest, analyze);
        Ok(Self { ingest, analyze, ready })
    }
}

/// Which paths are whose. The role is asked for here already, and by the service again.
fn routes(ingest: Arc<Upstream>, analyze: Arc<Upstream>) -> (Router, Router) {
    let of_ingest = Router::new()
        .route("/api/posts", guard(MAY_PUSH, post(pass)))
        .route("/api/coverage", guard(MAY_WATCH, get(pass)));
    let of_analyze = Router::new()
        .route("/api/search", guard(MAY_SEARCH, get(pass)))
        .route("/api/search/export", guard(MAY_EXPORT, get(pass)))
        .route("/api/briefs", guard(MAY_EXPORT, get(pass)))
        .route("/api/threads", guard(MAY_SEARCH, get(pass)))
        .route("/api/topics", guard(MAY_WATCH, get(pass)))
        .route("/api/topics/hot", guard(MAY_WATCH, get(pass)))
        .route("/api/topics/{id}/pulse", guard(MAY_WATCH, get(pass)))
        .route("/api/topics/{id}/why", guard(MAY_WATCH, get(pass)))
        .route("/api/official", guard(MAY_WATCH, get(pass)))
        .route("/api/corrections", guard(MAY_WATCH, get(pass)).merge(guard(MAY_CONFIGURE, post(pass))))
        .route("/api/corrections/{post}", guard(MAY_CONFIGURE, delete(pass)))
        .route("/api/corrections/choices", guard(MAY_WATCH, get(pass)))
        .route("/api/corrections/export", guard(MAY_EXPORT, get(pass)))
        .route("/api/watch", guard(MAY_WATCH, get(pass)).merge(guard(MAY_CONFIGURE, post(pass))))
        .route("/api/watch/{id}", guard(MAY_CONFIGURE, put(pass).delete(pass)))
        .route("/api/words", guard(MAY_WATCH, get(pass)))
        .route("/api/words/{word}", guard(MAY_CONFIGURE, put(pass).delete(pass)));
    (of_ingest.with_state(ingest), of_analyze.with_state(analyze))
}

async fn pass(State(upstream): State<Arc<Upstream>>, caller: Caller, request: Request) -> Result<Response, Problem> {
    upstream.pass(&caller, request).await
}

impl Upstream {
    /// Passes a request on, and its answer back.
    async fn pass(&self, caller: &Caller, request: Request) -> Result<Response, Problem> {
        let (head, body) = request.into_parts();
        let mut headers = head.headers;
        strip(&mut headers);
        strip_hops(&mut headers);
        for own in [header::HOST, header::AUTHORIZATION, header::COOKIE, header::EXPECT] {
            headers.remove(own);
        }
        let has_body = !body.is_end_stream();
        let lent = Lent::new(body, &headers)?;
        for address in &self.addresses {
            let Some(url) = target(address, &head.uri) else {
                return Err(Problem::not_found("没有这个接口 / there is no such path: see /api/openapi.json"));
            };
            let mut headers = headers.clone();
            headers.insert(HeaderName::from_static(internal::HEADER), self.token(caller, &head.method, &url)?);
            let mut request = self.client.request(head.method.clone(), url).headers(headers);
            if has_body {
                request = request.body(reqwest::Body::wrap_stream(lent.stream()));
            }
            let error = tokio::select! {
                sent = request.send() => match sent {
                    Ok(answer) => return self.answer(answer),
                    Err(error) => error.without_url(),
                },
                () = lent.stalled(SILENCE) => return Err(self.away(&"nothing moved for a minute")),
            };
            match lent.outcome() {
                Outcome::TooLong => return Err(body::too_long()),
                Outcome::BrokenOff => return Err(body::broken_off()),
                // Not a byte of the body was asked for: whoever could not be reached has done nothing.
                Outcome::Untouched if error.is_connect() || is_safe(&head.method) => {
                    tracing::warn!(service = self.name, %address, error = told(&error), "an upstream is away");
                }
                Outcome::Untouched | Outcome::Begun => return Err(self.away(&told(&error))),
            }
        }
        Err(self.away(&"none of its addresses answers"))
    }

    fn token(&self, caller: &Caller, method: &Method, url: &Url) -> Result<HeaderValue, Problem> {
        let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
        let token = self.key.sign(caller, method.as_str(), target, Timestamp::now());
        HeaderValue::try_from(token).map_err(|error| Problem::internal(&error))
    }

    fn answer(&self, answer: reqwest::Response) -> Result<Response, Problem> {
        if answer.status() == StatusCode::UNAUTHORIZED {
            // Whoever calls is known to us: it is we who are not believed.
            tracing::error!(
                service = self.name,
                "it does not believe the gateway: look whether {} is the same for both, and their clocks agree",
                internal::KEY_VARIABLE
            );
            return Err(self.away(&"it does not believe the gateway"));
        }
        let mut response = Response::new(());
        *response.status_mut() = answer.status();
        *response.headers_mut() = answer.headers().clone();
        strip(response.headers_mut());
        strip_hops(response.headers_mut());
        Ok(response.map(|()| body::back(answer)))
    }

    fn away(&self, error: &dyn std::fmt::Display) -> Problem {
        tracing::warn!(service = self.name, %error, "a request could not be passed on");
        let Self { name, title, .. } = self;
        Problem::unavailable(format!(
            "{title}暂时不可用, 请稍后重试 / {name} is not available now: try again in a moment"
        ))
    }
}

/// An error with what it comes from, which says more.
fn told(error: &reqwest::Error) -> String {
    let mut told = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        told.push_str(&format!(": {error}"));
        source = error.source();
    }
    told
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD)
}

/// Where a request goes. None where an address would not arrive as it came in: the service would see another path than the
/// one that was looked at here.
fn target(base: &Url, uri: &Uri) -> Option<Url> {
    let is_dots = |segment: &str| {
        matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..") || segment.contains('\\')
    };
    if uri.path().split('/').any(is_dots) {
        return None;
    }
    let mut url = base.clone();
    url.set_path(uri.path());
    url.set_query(uri.query());
    Some(url)
}

/// Takes out what belongs to one connection and not to the message (RFC 9110, 7.6.1).
fn strip_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let always = [
        header::CONNECTION,
        HeaderName::from_static("keep-alive"),
        HeaderName::from_static("proxy-connection"),
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    for name in named.into_iter().chain(always) {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests;
