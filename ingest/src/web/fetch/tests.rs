use super::*;
use axum::{
    Router,
    extract::Request as Incoming,
    http::{HeaderMap, StatusCode, Version},
    response::{IntoResponse, Redirect, Response},
    routing::get,
    serve::ListenerExt,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    service::TowerToHyperService,
};
use reqwest::header::{HeaderName, HeaderValue};
use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU32, Ordering},
};
use tokio::net::TcpListener;

/// What a site has seen of us.
#[derive(Debug, Default)]
struct Seen {
    connections: AtomicU32,
    requests: AtomicU32,
}

impl Seen {
    fn requests(&self) -> u32 {
        self.requests.load(Ordering::SeqCst)
    }
}

/// A site whose page answers by the number of the request, from 1 on. Its robots.txt is not counted and is not there.
async fn site<R: IntoResponse>(
    address: &str,
    page: impl Fn(u32) -> R + Clone + Send + Sync + 'static,
) -> (Url, Arc<Seen>) {
    let seen = Arc::<Seen>::default();
    let counted = seen.clone();
    let router = Router::new().route(
        "/page",
        get(move || {
            let answer = page(counted.requests.fetch_add(1, Ordering::SeqCst) + 1).into_response();
            async { answer }
        }),
    );
    let listener = TcpListener::bind((address, 0)).await.unwrap();
    let url = Url::parse(&format!("http://{}/page", listener.local_addr().unwrap())).unwrap();
    let counted = seen.clone();
    let listener = listener.tap_io(move |_| {
        counted.connections.fetch_add(1, Ordering::SeqCst);
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, seen)
}

fn fetcher() -> Fetcher {
    Fetcher::new(&crawl()).unwrap()
}

fn crawl() -> Crawl {
    Crawl { pause: Duration::ZERO, contact: Some("https://centre.example/crawl".into()), ..Crawl::default() }
}

async fn page(fetcher: &Fetcher, url: &Url) -> Result<Page, FetchError> {
    let validators = Validators::default();
    let asked = Request { url, home: url, allow_private: true, validators: &validators, headers: &[], accept: None };
    match fetcher.fetch(&asked).await? {
        Fetched::Page(page) => Ok(*page),
        Fetched::NotModified => panic!("nothing was known of it before"),
    }
}

#[test]
fn the_charset_of_a_content_type() {
    assert_eq!(charset_of("text/html; Charset=\"GBK\"").as_deref(), Some("GBK"));
    assert_eq!(charset_of("text/html"), None);
}

#[tokio::test]
async fn errors_that_may_pass_are_tried_again_and_the_page_is_had() {
    let (url, seen) = site("127.0.0.1", |n| match n {
        1 => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        2 => (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "1")]).into_response(),
        _ => "停水".into_response(),
    })
    .await;
    let page = page(&fetcher(), &url).await.unwrap();
    assert_eq!((page.body.as_slice(), page.status, page.redirected), ("停水".as_bytes(), 200, false));
    assert_eq!(seen.requests(), 3);
}

#[tokio::test]
async fn errors_that_stay_are_not() {
    for (status, requests) in [(404, 1), (403, 1), (501, 1), (500, TRIES)] {
        let (url, seen) = site("127.0.0.1", move |_| StatusCode::from_u16(status).unwrap()).await;
        assert_eq!(
            page(&fetcher(), &url).await.unwrap_err(),
            FetchError::Status { status, retry_after: None },
            "{status}"
        );
        assert_eq!(seen.requests(), requests, "{status}");
    }
}

#[tokio::test]
async fn a_site_that_wants_to_be_left_alone_is() {
    let (url, seen) = site("127.0.0.1", |_| (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, "600")])).await;
    let fetcher = fetcher();
    let wait = Some(Duration::from_secs(600));
    assert_eq!(page(&fetcher, &url).await.unwrap_err(), FetchError::Status { status: 429, retry_after: wait });
    assert!(matches!(page(&fetcher, &url).await.unwrap_err(), FetchError::Busy(left) if left.as_secs() > 590));
    assert_eq!(seen.requests(), 1);
}

#[tokio::test]
async fn a_site_that_fails_again_and_again_is_spared() {
    let (url, seen) = site("127.0.0.1", |_| StatusCode::BAD_GATEWAY).await;
    let fetcher = fetcher();
    let before = metrics::INGEST_BREAKERS.get();
    futures::future::join_all((0..4).map(|_| page(&fetcher, &url))).await;
    let error = page(&fetcher, &url).await.unwrap_err();
    assert!(error.to_string().contains("in a row, the last time with: HTTP 502; it is asked again in"), "{error}");
    // Those that were under way when it opened are the only ones beyond the threshold.
    assert!(seen.requests() <= super::super::breaker::THRESHOLD + 3, "{seen:?}");
    assert!(metrics::INGEST_BREAKERS.get() > before);
}

#[tokio::test]
async fn robots_txt_is_asked_for_once_however_many_want_to_know() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    let router = Router::new().route("/page", get("x")).route(
        "/robots.txt",
        get(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { "User-agent: wanglou\nDisallow: /secret\n" }
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/page", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    let fetcher = fetcher();
    let pages = futures::future::join_all((0..20).map(|_| page(&fetcher, &url))).await;
    assert!(pages.iter().all(Result::is_ok));
    let secret = page(&fetcher, &url.join("/secret").unwrap()).await;
    assert!(matches!(secret, Err(FetchError::RobotsDenied(_))), "{secret:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn robots_txt_that_fails_forbids_all_and_one_that_is_a_loop_nothing() {
    let router =
        Router::new().route("/page", get("x")).route("/robots.txt", get(|| async { Redirect::to("/robots.txt") }));
    let url = serve(router).await;
    assert!(page(&fetcher(), &url).await.is_ok(), "RFC 9309, 2.3.1.2: it counts as unavailable");
    let router = Router::new().route("/page", get("x")).route("/robots.txt", get(StatusCode::INTERNAL_SERVER_ERROR));
    let url = serve(router).await;
    assert!(matches!(page(&fetcher(), &url).await, Err(FetchError::RobotsUnreadable(_))));
}

async fn serve(router: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/page", listener.local_addr().unwrap())).unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn a_connection_is_used_again() {
    let (url, seen) =
        site("127.0.0.1", |n| if n == 2 { StatusCode::NOT_FOUND.into_response() } else { "x".into_response() }).await;
    let fetcher = fetcher();
    for n in 1..=10 {
        assert_eq!(page(&fetcher, &url).await.is_ok(), n != 2);
    }
    assert_eq!((seen.requests(), seen.connections.load(Ordering::SeqCst)), (10, 1));
}

#[tokio::test]
async fn https_goes_over_http_2_and_one_connection() {
    let key = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let seen = Arc::<Seen>::default();
    let counted = seen.clone();
    let router = Router::new().fallback(move |request: Incoming| {
        counted.requests.fetch_add(1, Ordering::SeqCst);
        async move {
            if request.version() == Version::HTTP_2 {
                "2".into_response()
            } else {
                StatusCode::NOT_FOUND.into_response()
            }
        }
    });
    let address = serve_tls(&key, router, seen.clone()).await;
    let certificate = reqwest::Certificate::from_der(key.cert.der()).unwrap();
    let fetcher = Fetcher::with(&crawl(), |client| client.tls_certs_only([certificate.clone()])).unwrap();
    let url = Url::parse(&format!("https://{address}/page")).unwrap();
    for _ in 0..10 {
        assert_eq!(page(&fetcher, &url).await.unwrap().body, b"2");
    }
    // The first request was for robots.txt.
    assert_eq!((seen.requests(), seen.connections.load(Ordering::SeqCst)), (11, 1));
    let stranger = page(&self::fetcher(), &url).await.unwrap_err();
    assert!(matches!(stranger, FetchError::RobotsUnreadable(_)), "whose certificate nobody vouches for: {stranger}");
}

async fn serve_tls(key: &rcgen::CertifiedKey<rcgen::KeyPair>, router: Router, seen: Arc<Seen>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let private = rustls::pki_types::PrivateKeyDer::try_from(key.signing_key.serialize_der()).unwrap();
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![key.cert.der().clone()], private)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, service) = (acceptor.clone(), TowerToHyperService::new(router.clone()));
            let seen = seen.clone();
            tokio::spawn(async move {
                // Who does not trust the certificate hangs up.
                let Ok(stream) = acceptor.accept(stream).await else { return };
                seen.connections.fetch_add(1, Ordering::SeqCst);
                let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                let _ = server.serve_connection(TokioIo::new(stream), service).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn secrets_go_to_the_source_s_own_host_and_port_alone() {
    let fetcher = fetcher();
    let home = Url::parse("https://api.example/v1/posts").unwrap();
    let headers = [(HeaderName::from_static("authorization"), HeaderValue::from_static("Bearer secret"))];
    let validators = Validators { etag: Some("\"1\"".into()), last_modified: None };
    let asked = Request {
        url: &home,
        home: &home,
        allow_private: true,
        validators: &validators,
        headers: &headers,
        accept: Some("application/json"),
    };
    assert!(!format!("{asked:?}").contains("secret"));
    let sent = |url: &str, is_page| {
        let url = Url::parse(url).unwrap();
        let host = fetcher.hosts.of(&url);
        let hop = Hop { url: &url, host: &host, asked: &asked, rate: fetcher.rate, is_page, most_bytes: 1 };
        fetcher.request(&hop).build().unwrap().headers().clone()
    };
    let at_home = sent("https://api.example/v1/next", true);
    assert!(at_home[header::AUTHORIZATION].is_sensitive());
    assert_eq!(
        (&at_home[header::ACCEPT], &at_home[header::IF_NONE_MATCH]),
        (&HeaderValue::from_static("application/json"), &HeaderValue::from_static("\"1\""))
    );
    for elsewhere in
        ["http://api.example/v1/posts", "https://api.example:8443/", "https://evil.example/", "https://x.api.example/"]
    {
        assert_eq!(sent(elsewhere, true).get(header::AUTHORIZATION), None, "{elsewhere}");
    }
    assert_eq!(sent("https://api.example/robots.txt", false), HeaderMap::new());
    let mut trail = Trail::from(&home);
    trail.follow(Url::parse("https://user:word@evil.example/").unwrap(), &asked).unwrap();
    assert_eq!(trail.here().as_str(), "https://evil.example/", "nor does a site make us send a name and a password");
}

#[tokio::test]
async fn we_say_who_we_are_and_how_to_reach_us() {
    let router = Router::new().route(
        "/page",
        get(|headers: HeaderMap| async move { headers[header::USER_AGENT].clone().as_bytes().to_vec() }),
    );
    let url = serve(router).await;
    let body = page(&fetcher(), &url).await.unwrap().body;
    assert_eq!(String::from_utf8(body).unwrap(), "Wanglou/0.1 (+https://centre.example/crawl)");
}

#[test]
fn redirects_that_go_in_circles_are_called_a_loop_and_long_ones_are_not() {
    let url = |n: usize| Url::parse(&format!("https://a.example/{n}#{n}")).unwrap();
    let (home, validators) = (url(0), Validators::default());
    let asked =
        Request { url: &home, home: &home, allow_private: false, validators: &validators, headers: &[], accept: None };
    let mut trail = Trail::from(&home);
    for n in 1..=MAX_REDIRECTS {
        assert_eq!(trail.follow(url(n), &asked), Ok(()));
    }
    assert!(matches!(trail.follow(url(2), &asked), Err(FetchError::Loop(_))));
    assert!(matches!(trail.follow(url(9), &asked), Err(FetchError::Redirects(_))));
}

#[tokio::test]
async fn our_clock_is_compared_with_those_of_the_servers() {
    let an_hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
    let date = httpdate::fmt_http_date(an_hour_ago);
    let fetcher = fetcher();
    assert_eq!(fetcher.clock(), None);
    for (n, address) in ["127.0.0.1", "127.0.0.2", "127.0.0.3"].into_iter().enumerate() {
        let date = date.clone();
        let answer = move |_| -> Response { ([(header::DATE, date.clone())], "x").into_response() };
        let (url, _) = site(address, answer).await;
        let page = page(&fetcher, &url).await.unwrap();
        let offset = page.clock_offset.unwrap().as_secs();
        assert!((-3660..=-3540).contains(&offset), "{offset}");
        // Its robots.txt, without a date of its own, told our time before.
        let clock = fetcher.clock().unwrap();
        assert_eq!((clock.hosts, clock.is_sure()), (n + 1, n == 2), "{clock:?}");
    }
}

#[test]
fn a_site_s_own_delay_counts_where_it_is_longer() {
    let fetcher = Fetcher::new(&Crawl { pause: Duration::from_secs(1), burst: 5, ..Crawl::default() }).unwrap();
    let rate = |seconds| fetcher.rate(Some(Duration::from_secs(seconds)));
    assert_eq!(rate(30), Rate { pause: Duration::from_secs(30), burst: NonZeroU32::MIN });
    assert_eq!(rate(0), fetcher.rate);
    assert_eq!(fetcher.rate(None).burst.get(), 5);
}

#[tokio::test]
async fn sites_with_long_pauses_hold_no_more_than_half_of_the_workers() {
    let fetcher = Fetcher::new(&Crawl { workers: 4, ..crawl() }).unwrap();
    let slow = Rate { pause: Duration::from_secs(300), burst: NonZeroU32::MIN };
    let url = |n: usize| Url::parse(&format!("http://127.0.0.{n}/")).unwrap();
    let hosts: Vec<_> = (1..=3).map(|n| (url(n), fetcher.hosts.of(&url(n)))).collect();
    let validators = Validators::default();
    let (asked_url, headers) = (url(1), []);
    let asked = Request {
        url: &asked_url,
        home: &asked_url,
        allow_private: true,
        validators: &validators,
        headers: &headers,
        accept: None,
    };
    let hops: Vec<_> = hosts
        .iter()
        .map(|(url, host)| Hop { url, host, asked: &asked, rate: slow, is_page: true, most_bytes: 1 })
        .collect();
    // The bucket takes up the new rate, and its first token is a pause away.
    let mut waiting: Vec<_> = hops.iter().map(|hop| Box::pin(fetcher.turn(hop))).collect();
    let states: Vec<_> =
        waiting.iter_mut().map(|turn| futures::FutureExt::now_or_never(turn.as_mut()).is_none()).collect();
    assert_eq!(states, [true, true, false], "the third is told to come back");
}
