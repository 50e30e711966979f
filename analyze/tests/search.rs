//! The search over HTTP, on posts that came through the pipeline.

#![allow(clippy::unwrap_used, clippy::panic)]

use analyze::{archive, understand::Understanding};
use axum::{
    body::{Body, to_bytes},
    http::{Request, StatusCode},
};
use schemas::{
    kit::{
        auth::{Caller, Role},
        service::Service,
        settings::Settings,
        shutdown::Shutdown,
    },
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{AuditEntry, Counts, Kind, Precision, RawPost, Record, Via, post_id},
};
use serde_json::Value;
use std::{collections::HashSet, sync::Arc, time::Duration};
use tower::ServiceExt;

const SOON: Duration = Duration::from_secs(60);

fn post(number: u64) -> RawPost {
    let native_id = number.to_string();
    RawPost {
        v: RawPost::VERSION,
        id: post_id("forum", &native_id),
        source: "forum".into(),
        native_id,
        kind: Kind::Post,
        url: None,
        title: Some(format!("第{number}栋")),
        text: "🚰自來水停了ＡＢ, <b>停水</b>".into(),
        author: None,
        published_at: format!("2026-11-24T07:00:{:02}Z", number % 60).parse().unwrap(),
        published_precision: Precision::Second,
        fetched_at: "2026-11-24T08:00:00Z".parse().unwrap(),
        thread_id: None,
        parent_id: None,
        counts: Counts { likes: number % 5, ..Counts::default() },
        place: None,
        media: Vec::new(),
        media_alt: Vec::new(),
        reply: None,
        official: None,
        addressed_to: None,
        via: Via::Push,
    }
}

struct Fixture {
    _folder: tempfile::TempDir,
    log: SharedLog,
    service: Service,
}

/// Posts that went through the whole pipeline. It has stopped, so all are committed; the search goes on.
async fn searchable(posts: u64) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
    let records =
        (0..posts).map(|number| NewRecord { partition: (number % 4) as u32, key: None, value: post(number).encode() });
    log.append(Topic::PostsRaw, records.collect()).await.unwrap();
    let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
    let shutdown = Shutdown::new();
    let understanding = Arc::new(Understanding::new([]).unwrap());
    let mut service = {
        let archive = archive::open(&settings, understanding, archive::corrections::Corrections::default()).await;
        archive::start(&settings, log.clone(), archive.unwrap(), shutdown.clone()).await.unwrap()
    };
    assert_eq!(service.ready.check(), Ok(()));
    read(&log, Topic::PostsAnalyzed, posts as usize).await;
    shutdown.cancel();
    (&mut service.task).await.unwrap().unwrap();
    Fixture { _folder: folder, log, service }
}

async fn read(log: &SharedLog, topic: Topic, count: usize) -> Vec<bytes::Bytes> {
    let info = log.describe(topic).await.unwrap();
    let mut reader = log.reader(topic, info.resume(None).unwrap()).await.unwrap();
    let mut values = Vec::new();
    while values.len() < count {
        let batch = reader.next(1_000, SOON).await.unwrap().expect("what is written can be read");
        values.extend(batch.entries.into_iter().map(|entry| entry.value));
    }
    values
}

impl Fixture {
    async fn get(&self, parameters: &str, role: Option<Role>) -> (StatusCode, Value) {
        let mut request = Request::get(format!("/api/search?{parameters}")).body(Body::empty()).unwrap();
        if let Some(role) = role {
            request.extensions_mut().insert(Caller { name: "somebody".into(), role });
        }
        let response = self.service.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    /// The status, the type and the bytes of any answer.
    async fn bytes(&self, path: &str, role: Role) -> (StatusCode, String, Vec<u8>) {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Caller { name: "somebody".into(), role });
        let response = self.service.router.clone().oneshot(request).await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status(), kind, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    async fn page(&self, parameters: &str) -> Value {
        let (status, body) = self.get(parameters, Some(Role::Analyst)).await;
        assert_eq!(status, StatusCode::OK, "{parameters}: {body}");
        body
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn finds_pages_and_marks() {
    let fixture = searchable(50).await;
    // Parameters as a form sends them, the empty ones too. The term is in the traditional script and full width.
    let page = fixture.page("q=%E8%87%AA%E4%BE%86%E6%B0%B4%E5%81%9C%E4%BA%86%EF%BC%A1&from=&to=&source=&limit=3").await;
    assert_eq!(page["total"], 50);
    let hit = &page["hits"][0];
    assert_eq!((&hit["id"], &hit["native_id"]), (&"forum:49".into(), &"49".into()));
    assert_eq!(hit["text"], "🚰自來水停了ＡＢ, <b>停水</b>", "the text stays as it was published");
    assert_eq!(hit["highlights"]["text"], serde_json::json!([[2, 8]]));
    assert_eq!(hit["likes"], 4);
    for sort in ["time", "relevance", "heat"] {
        let mut ids = HashSet::new();
        let mut cursor = String::new();
        loop {
            let page = fixture.page(&format!("q=%E5%81%9C%E6%B0%B4&sort={sort}&limit=7&cursor={cursor}")).await;
            for hit in page["hits"].as_array().unwrap() {
                assert!(ids.insert(hit["id"].as_str().unwrap().to_owned()), "{sort}: none twice");
            }
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => break,
            }
        }
        assert_eq!(ids.len(), 50, "{sort}");
    }
    let page = fixture.page("limit=0").await;
    assert_eq!((&page["total"], page["hits"].as_array().unwrap().len()), (&50.into(), 0));
    assert_eq!(fixture.page("unit=anybody").await["total"], 0);
    assert_eq!(fixture.page("from=2026-11-24T07:00:40Z&to=2026-11-24T15:00:45%2B08:00").await["total"], 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn refuses_what_is_wrong_and_says_why() {
    let fixture = searchable(3).await;
    for (parameters, code, says) in [
        ("q=%28%E5%81%9C%E6%B0%B4", "bad_query", "at character"),
        ("from=yesterday", "bad_time", "from: "),
        ("limit=201", "bad_limit", "0 to 200"),
        ("limit=-1", "bad_limit", "0 to 200"),
        ("sort=id", "bad_parameter", "time, oldest, relevance or heat"),
        ("facets=author", "bad_parameter", "there are source"),
        ("histogram=year", "bad_parameter", "histogram: "),
        ("collapse=maybe", "bad_parameter", "true or false"),
        ("official=1", "bad_parameter", "true or false"),
        ("top=101", "bad_limit", "0 to 100"),
        ("q=%E6%83%85%E6%84%9F:happy", "bad_query", "at character 4"),
        ("kind=tweet", "bad_parameter", "kind: "),
        ("sentiment=sad", "bad_parameter", "sentiment: "),
        ("cursor=xyz", "bad_cursor", "cursor"),
        ("q=a&q=b", "bad_query", "duplicate"),
    ] {
        let (status, body) = fixture.get(parameters, Some(Role::Analyst)).await;
        assert_eq!((status, &body["error"]["code"]), (StatusCode::BAD_REQUEST, &code.into()), "{parameters}: {body}");
        assert!(body["error"]["message"].as_str().unwrap().contains(says), "{parameters}: {body}");
    }
    let long = "%E6%B0%B4".repeat(1_001);
    assert_eq!(fixture.get(&format!("q={long}"), Some(Role::Analyst)).await.0, StatusCode::BAD_REQUEST);
    let next = fixture.page("limit=1").await["next"].as_str().unwrap().to_owned();
    let (status, body) = fixture.get(&format!("sort=heat&cursor={next}"), Some(Role::Analyst)).await;
    assert_eq!((status, &body["error"]["code"]), (StatusCode::BAD_REQUEST, &"bad_cursor".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_those_who_may_search_do_and_it_is_on_the_record() {
    let fixture = searchable(1).await;
    assert_eq!(fixture.get("", None).await.0, StatusCode::UNAUTHORIZED);
    for role in Role::ALL {
        let may = schemas::kit::auth::MAY_SEARCH.contains(&role);
        let expected = if may { StatusCode::OK } else { StatusCode::FORBIDDEN };
        assert_eq!(fixture.get("q=wifi", Some(role)).await.0, expected, "{role:?}");
    }
    let searches = schemas::kit::auth::MAY_SEARCH.len();
    for value in read(&fixture.log, Topic::Audit, searches).await {
        let entry = AuditEntry::decode(&value).unwrap();
        assert_eq!((&*entry.who, &*entry.action, &*entry.detail), ("somebody", "search", r#"{"q":"wifi"}"#));
    }
}

/// A query as it stands in an address.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn counts_by_field_and_time_and_collapses() {
    let fixture = searchable(12).await;
    let query = encoded("停水 点赞:>=1 类型:帖子");
    let page = fixture.page(&format!("q={query}&facets=source,kind&top=3&histogram=hour&collapse=true&limit=2")).await;
    assert_eq!((&page["total"], &page["texts"]), (&9.into(), &1.into()), "all say the same");
    assert_eq!(page["facets"]["source"], serde_json::json!([{ "value": "forum", "count": 9 }]));
    assert_eq!(page["facets"]["kind"][0]["value"], "post");
    assert_eq!(page["histogram"]["scale"], "hour");
    assert_eq!(page["histogram"]["buckets"], serde_json::json!([{ "from": "2026-11-24T07:00:00Z", "count": 9 }]));
    assert_eq!(page["hits"][0]["copies"], 9);
    assert_eq!(fixture.page("official=true").await["total"], 0);
    assert_eq!(fixture.page("gone=false&official=false").await["total"], 12);
    let (status, kind, body) = fixture.bytes("/api/threads?id=forum:3", Role::Operator).await;
    let thread: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &*kind, &thread["post"]["native_id"]), (StatusCode::OK, "application/json", &"3".into()));
    let path = format!("/api/threads?id=forum:3&q={}", encoded("停水 -演练"));
    let (_, _, body) = fixture.bytes(&path, Role::Operator).await;
    let thread: Value = serde_json::from_slice(&body).unwrap();
    assert!(!thread["post"]["highlights"]["text"].as_array().unwrap().is_empty(), "{thread}");
    let (status, _, body) =
        fixture.bytes(&format!("/api/threads?id=forum:3&q={}", encoded("停水)")), Role::Operator).await;
    assert!(status == StatusCode::BAD_REQUEST && String::from_utf8_lossy(&body).contains("at character 3"));
    let copies = fixture.page(&format!("q={query}&copies_of=forum:3&sort=oldest&limit=4")).await;
    assert_eq!((&copies["total"], copies["hits"].as_array().unwrap().len()), (&9.into(), 4));
    for understood in ["category", "places", "elsewhere", "unit", "tones"] {
        assert!(copies["hits"][0].as_object().unwrap().contains_key(understood), "{understood}");
    }
    let (status, _, body) = fixture.bytes("/api/threads?id=forum:nobody", Role::Operator).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "{}", String::from_utf8_lossy(&body));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_taken_away_by_those_who_may_and_that_is_on_the_record() {
    let fixture = searchable(30).await;
    let path = format!("/api/search/export?q={}&limit=3&format=", encoded("停水"));
    for role in Role::ALL {
        let may = schemas::kit::auth::MAY_EXPORT.contains(&role);
        let (status, ..) = fixture.bytes(&format!("{path}jsonl"), role).await;
        assert_eq!(status, if may { StatusCode::OK } else { StatusCode::FORBIDDEN }, "{role:?}");
    }
    let (_, kind, csv) = fixture.bytes(&format!("{path}csv"), Role::Analyst).await;
    let csv = String::from_utf8(csv).unwrap();
    assert_eq!(
        (kind.as_str(), csv.lines().count()),
        ("text/csv; charset=utf-8", 31),
        "all of them, whatever the limit"
    );
    assert!(csv.starts_with("\u{feff}发布时间,"), "{csv}");
    let (_, _, sheet) = fixture.bytes(&format!("{path}xlsx"), Role::Analyst).await;
    assert_eq!(&sheet[..2], b"PK");
    let (status, _, body) = fixture.bytes(&format!("{path}pdf"), Role::Analyst).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{}", String::from_utf8_lossy(&body));
    let exports = schemas::kit::auth::MAY_EXPORT.len() + 2;
    for value in read(&fixture.log, Topic::Audit, exports).await {
        let entry = AuditEntry::decode(&value).unwrap();
        assert_eq!((&*entry.who, &*entry.action), ("somebody", "export"));
        assert!(entry.detail.contains("\"q\":\"停水\"") && entry.detail.contains("\"format\""), "{}", entry.detail);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_brief_is_drafted_for_those_who_may_and_that_is_on_the_record() {
    let fixture = searchable(7).await;
    let get = |query: String, role| {
        let mut request = Request::get(format!("/api/briefs?{query}")).body(Body::empty()).unwrap();
        request.extensions_mut().insert(Caller { name: "somebody".into(), role });
        fixture.service.router.clone().oneshot(request)
    };
    let span = "from=2026-11-24T00:00:00%2B08:00&to=2026-11-25T00:00:00%2B08:00";
    let matter = |format: &str| format!("kind=matter&q={}&{span}&format={format}", encoded("停水"));
    for (role, status) in [
        (Role::Operator, StatusCode::FORBIDDEN),
        (Role::Analyst, StatusCode::OK),
        (Role::Supervisor, StatusCode::OK),
        (Role::Admin, StatusCode::OK),
    ] {
        assert_eq!(get(matter("docx"), role).await.unwrap().status(), status, "{role:?}");
    }
    let page = get(matter("html"), Role::Analyst).await.unwrap();
    let headers = page.headers().clone();
    assert_eq!(headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'; "));
    assert!(headers["content-disposition"].to_str().unwrap().ends_with(".html\""));
    let page = String::from_utf8(to_bytes(page.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap();
    assert!(page.contains("网络舆情快报") && page.contains(">7</a>") && page.contains("&lt;b&gt;停水"), "{page}");
    for query in
        ["kind=day&format=html", "kind=matter&format=html", "kind=day&date=2026-11-24", "kind=matter&q=(&format=docx"]
    {
        assert_eq!(get(query.to_owned(), Role::Analyst).await.unwrap().status(), StatusCode::BAD_REQUEST, "{query}");
    }
    for value in read(&fixture.log, Topic::Audit, 4).await {
        let entry = AuditEntry::decode(&value).unwrap();
        assert_eq!((&*entry.who, &*entry.action), ("somebody", "brief"));
        assert!(entry.detail.contains("停水") && entry.detail.contains("matter"), "{}", entry.detail);
    }
}
