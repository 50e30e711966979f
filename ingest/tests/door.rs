//! The doors for programs and files, on the real log.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper of a test fails the test")]

mod common;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, StatusCode, header},
};
use common::{Flaky, call, json, line, open_log, posts, settings};
use ingest::{Door, import, import_lines};
use proptest::prelude::*;
use schemas::{
    kit::{auth::Role, shutdown::Shutdown},
    log::SharedLog,
    records::{MAX_LINE_BYTES, Via},
};
use serde_json::{Value, json};
use std::{io, path::Path, sync::Arc};

async fn stage(folder: &Path, log: SharedLog) -> Router {
    ingest::start(&settings(folder, ""), log, Shutdown::new()).await.unwrap().router
}

fn request(body: impl Into<Body>) -> Request<Body> {
    Request::post("/api/posts").body(body.into()).unwrap()
}

async fn push(router: &Router, body: impl Into<Body>) -> (StatusCode, Value) {
    json(call(router, Some(Role::Push), request(body)).await).await
}

#[tokio::test]
async fn one_bad_line_never_costs_the_good_ones_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let router = stage(folder.path(), log.clone()).await;
    let body = [
        "\u{feff}".to_owned() + &line("forum", "1", "停水了，电话13812345678"),
        String::new(),
        "{\"source\":\"forum\"".into(),
        line("forum", "2", "路灯不亮").replace('}', ",\"lkes\":1}"),
        line("forum", "3", "  "),
        line("forum", "1", "停水了，电话13812345678"),
        line("forum", "1", "停水了，已恢复") + "\r",
        "   \t".into(),
        line("forum", "4", "没有换行"),
    ]
    .join("\n");
    let (status, answer) = push(&router, body.clone()).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(3), &json!(1)), "{answer}");
    let refused: Vec<_> = answer["refused"].as_array().unwrap().iter().map(|refused| refused["line"].clone()).collect();
    assert_eq!(refused, [3, 4, 5]);
    assert!(answer["refused"][1]["reason"].as_str().unwrap().contains("unknown key `lkes`"), "{answer}");
    let stored = posts(&log).await;
    let texts: Vec<_> = stored.iter().map(|post| (post.id.as_str(), post.text.as_str())).collect();
    assert_eq!(
        texts,
        [("forum:1", "停水了，电话138********"), ("forum:1", "停水了，已恢复"), ("forum:4", "没有换行")],
        "an edited post is not a duplicate"
    );
    let (_, again) = push(&router, line("forum", "4", "没有换行")).await;
    assert_eq!((&again["accepted"], &again["duplicate"]), (&json!(0), &json!(1)));
    let (status, empty) = push(&router, "").await;
    assert_eq!((status, &empty["accepted"]), (StatusCode::ACCEPTED, &json!(0)));
}

#[tokio::test]
async fn a_post_that_returns_to_an_earlier_state_is_appended_again() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let router = stage(folder.path(), log.clone()).await;
    let body = ["一", "二", "一", "一"].map(|text| line("forum", "1", text)).join("\n");
    let (_, answer) = push(&router, body).await;
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(3), &json!(1)));
    assert_eq!(posts(&log).await.last().unwrap().text, "一");
}

#[tokio::test]
async fn roles_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    let router = stage(folder.path(), open_log(folder.path())).await;
    let coverage = || Request::get("/api/coverage").body(Body::empty()).unwrap();
    for (role, pushed, seen) in [
        (None, StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED),
        (Some(Role::Push), StatusCode::ACCEPTED, StatusCode::FORBIDDEN),
        (Some(Role::Viewer), StatusCode::FORBIDDEN, StatusCode::OK),
        (Some(Role::Unit), StatusCode::FORBIDDEN, StatusCode::FORBIDDEN),
        (Some(Role::Admin), StatusCode::ACCEPTED, StatusCode::OK),
    ] {
        assert_eq!(call(&router, role, request("")).await.status(), pushed, "{role:?}");
        assert_eq!(call(&router, role, coverage()).await.status(), seen, "{role:?}");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused_as_a_whole() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let router = stage(folder.path(), log.clone()).await;
    let pieces: Vec<io::Result<Bytes>> =
        vec![Ok((line("forum", "1", "停水") + "\n").into()), Err(io::Error::from(io::ErrorKind::ConnectionReset))];
    let (status, answer) = push(&router, Body::from_stream(futures::stream::iter(pieces))).await;
    assert_eq!((status, &answer["error"]["code"]), (StatusCode::BAD_REQUEST, &json!("broken_off")));
    assert!(posts(&log).await.is_empty());
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_stated_or_not() {
    let folder = tempfile::tempdir().unwrap();
    let router = stage(folder.path(), open_log(folder.path())).await;
    let mut stated = request("");
    stated.headers_mut().insert(header::CONTENT_LENGTH, (64 << 20 | 1).to_string().parse().unwrap());
    assert_eq!(call(&router, Some(Role::Push), stated).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let piece = Bytes::from(vec![b'\n'; 1 << 20]);
    let endless = futures::stream::repeat_with(move || Ok::<_, io::Error>(piece.clone()));
    let (status, _) = push(&router, Body::from_stream(endless)).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut packed = request("x");
    packed.headers_mut().insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
    assert_eq!(call(&router, Some(Role::Push), packed).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
}

#[tokio::test]
async fn a_body_of_nothing_but_nonsense_makes_no_endless_answer() {
    let folder = tempfile::tempdir().unwrap();
    let router = stage(folder.path(), open_log(folder.path())).await;
    let (status, answer) = push(&router, "x\n".repeat(30_000)).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!(answer["refused"].as_array().unwrap().len(), ingest::MAX_LISTED);
    assert_eq!(answer["refused_unlisted"], json!(30_000 - ingest::MAX_LISTED));
}

#[tokio::test]
async fn hostile_lines_are_refused_or_made_harmless() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let router = stage(folder.path(), log.clone()).await;
    let good = |id: &str| line("forum", id, "好");
    let mut body = Vec::new();
    for bad in [
        b"{\"source\":\"forum\",\"native_id\":\"\xff\"}".to_vec(),
        line("forum", "a", &"长".repeat(1 << 20)).into_bytes(),
        good("b").replace("\"post\"", "\"rumour\"").into_bytes(),
        good("c").replace('}', ",\"likes\":1e999}").into_bytes(),
        good("d").replace('}', &format!(",\"media\":{}1{}}}", "[".repeat(9_999), "]".repeat(9_999))).into_bytes(),
        good("e").replace("2026-11-24", "2026-02-30").into_bytes(),
        good("f").replace("forum", "a:b").into_bytes(),
        b"null".to_vec(),
        b"\x00\x00\x00".to_vec(),
    ] {
        body.extend_from_slice(&bad);
        body.extend_from_slice(b"\n");
        body.extend_from_slice(line("forum", &body.len().to_string(), "停\u{0}水\u{1b}[2J").as_bytes());
        body.extend_from_slice(b"\n");
    }
    let (status, answer) = push(&router, body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!((&answer["accepted"], answer["refused"].as_array().unwrap().len()), (&json!(9), 9), "{answer}");
    assert!(posts(&log).await.iter().all(|post| post.text == "停水[2J"));
}

#[tokio::test]
async fn while_the_log_takes_nothing_the_door_says_so_and_remembers_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let flaky = Flaky::new(log.clone());
    let router = stage(folder.path(), flaky.clone()).await;
    flaky.set_down(true);
    let response = call(&router, Some(Role::Push), request(line("forum", "1", "停水"))).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(response.headers().contains_key(header::RETRY_AFTER));
    flaky.set_down(false);
    let (_, answer) = push(&router, line("forum", "1", "停水")).await;
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn what_was_seen_is_remembered_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let body: Vec<String> = (0..5_000).map(|n| line("forum", &n.to_string(), "停水")).collect();
    {
        let (log, shutdown) = (open_log(folder.path()), Shutdown::new());
        let service = ingest::start(&settings(folder.path(), ""), log.clone(), shutdown.clone()).await.unwrap();
        let (_, answer) = push(&service.router, body.join("\n")).await;
        assert_eq!(answer["accepted"], json!(5_000));
        shutdown.cancel();
        service.task.await.unwrap().unwrap();
        log.close().await;
    }
    let log = open_log(folder.path());
    let router = stage(folder.path(), log.clone()).await;
    let (_, answer) = push(&router, body.join("\n") + "\n" + &line("forum", "new", "停水")).await;
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(1), &json!(5_000)));
    let source = loop {
        let request = Request::get("/api/coverage").body(Body::empty()).unwrap();
        let (_, coverage) = json(call(&router, Some(Role::Viewer), request).await).await;
        let source = coverage["sources"][0].clone();
        // What was pushed just now is counted as it comes by on the log.
        if source["posts_24h"] != json!(5_000) {
            break source;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (&source["id"], &source["kind"], &source["posts_24h"]),
        (&json!("forum"), &json!("push"), &json!(5_001))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_push_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let router = Arc::new(stage(folder.path(), log.clone()).await);
    let pushes = (0..20).map(|client| {
        let router = router.clone();
        tokio::spawn(async move {
            let body: Vec<_> = (0..200).map(|n| line("forum", &format!("{client}-{n}"), "停水")).collect();
            push(&router, body.join("\n")).await.1["accepted"].as_u64().unwrap()
        })
    });
    let accepted: u64 = futures::future::join_all(pushes).await.into_iter().map(Result::unwrap).sum();
    let mut ids: Vec<_> = posts(&log).await.into_iter().map(|post| post.id).collect();
    ids.dedup();
    assert_eq!((accepted, ids.len()), (4_000, 4_000));
}

#[tokio::test]
async fn a_file_is_imported_and_its_bad_lines_are_numbered() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let door = Door::open(&settings(folder.path(), ""), log.clone()).await.unwrap();
    let mut file = Vec::new();
    for n in 1..=30_000 {
        match n {
            7 | 29_999 => file.extend_from_slice(b"nonsense\r\n"),
            // Longer than any line may be, and than any batch.
            15_000 => file.extend(std::iter::repeat_n(b'x', 5 * MAX_LINE_BYTES).chain([b'\n'])),
            20_000 => file.extend_from_slice(b"\n"),
            _ => file.extend_from_slice(format!("{}\r\n", line("forum", &n.to_string(), "停水")).as_bytes()),
        }
    }
    file.extend_from_slice(line("forum", "last", "没有换行").as_bytes());
    let mut told = 0;
    let outcome = import(file.as_slice(), &door, |so_far| told = so_far.accepted).await.unwrap();
    let refused: Vec<_> = outcome.refused.iter().map(|refused| refused.line).collect();
    assert_eq!((outcome.accepted, outcome.duplicate, outcome.lines), (29_997, 0, 30_001));
    assert_eq!(refused, [7, 15_000, 29_999]);
    assert_eq!(told, 29_997);
    assert!(posts(&log).await.iter().all(|post| post.via == Via::Import));
    let again = import(file.as_slice(), &door, |_| ()).await.unwrap();
    assert_eq!((again.accepted, again.duplicate), (0, 29_997));
}

/// Else what it remembers would keep posts out of a log that does not hold them.
#[tokio::test]
async fn a_log_that_is_made_anew_is_given_everything_again() {
    let folder = tempfile::tempdir().unwrap();
    let lines = || Bytes::from((0..50).map(|n| line("forum", &n.to_string(), "停水") + "\n").collect::<String>());
    for _ in 0..2 {
        let log = open_log(folder.path());
        for (accepted, duplicate) in [(50, 0), (0, 50)] {
            let door = Door::open(&settings(folder.path(), ""), log.clone()).await.unwrap();
            let outcome = door.take_lines(lines(), Via::Push).await.unwrap();
            assert_eq!((outcome.accepted, outcome.duplicate), (accepted, duplicate));
        }
        log.close().await;
        std::fs::remove_dir_all(folder.path().join("log")).unwrap();
    }
}

/// A worker starts again: it remembers what another one has appended since.
#[tokio::test]
async fn what_another_worker_has_appended_is_read_back() {
    let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let log = open_log(ours.path());
    let take = async |folder: &Path, from: u64| {
        // One key for both, as workers have.
        std::fs::write(folder.join("author-key"), "a key that is for tests and nothing else").unwrap();
        let door = Door::open(&settings(folder, ""), log.clone()).await.unwrap();
        let lines = (from..from + 20).map(|n| line("forum", &n.to_string(), "停水") + "\n").collect::<String>();
        let outcome = door.take_lines(lines.into(), Via::Push).await.unwrap();
        (outcome.accepted, outcome.duplicate)
    };
    assert_eq!(take(ours.path(), 0).await, (20, 0));
    assert_eq!(take(theirs.path(), 20).await, (20, 0));
    assert_eq!(take(ours.path(), 10).await, (0, 20));
}

#[tokio::test]
async fn generated_lines_are_imported() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let door = Door::open(&settings(folder.path(), ""), log.clone()).await.unwrap();
    let lines = futures::stream::iter((0..10_000).map(|n| Bytes::from(line("town", &n.to_string(), "停水"))));
    let outcome = import_lines(lines, &door, |_| ()).await.unwrap();
    assert_eq!((outcome.accepted, outcome.lines), (10_000, 10_000));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever comes in: every line that is not blank is accepted, a duplicate or refused, and what is accepted is stored.
    #[test]
    fn every_line_is_accounted_for(lines in prop::collection::vec(prop_oneof![
        any::<Vec<u8>>().prop_map(|mut bytes| { bytes.retain(|&byte| byte != b'\n'); bytes }),
        "[ab]{1,2}".prop_map(|id| line("forum", &id, "停水").into_bytes()),
        any::<String>().prop_map(|text| line("forum", "t", &text).into_bytes()),
    ], 0..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let folder = tempfile::tempdir().unwrap();
            let log = open_log(folder.path());
            let door = Door::open(&settings(folder.path(), ""), log.clone()).await.unwrap();
            let filled = lines.iter().filter(|line| !line.trim_ascii().is_empty()).count() as u64;
            let outcome = door.take_lines(lines.join(&b'\n').into(), Via::Push).await.unwrap();
            assert_eq!(outcome.accepted + outcome.duplicate + outcome.refused_count(), filled);
            assert_eq!(posts(&log).await.len() as u64, outcome.accepted);
            log.close().await;
        });
    }
}

/// A hotline system pushes a report, and again when it is answered. It cannot make itself anybody's official voice.
#[tokio::test]
async fn a_hotline_pushes_reports_and_their_replies() {
    let folder = tempfile::tempdir().unwrap();
    let log = open_log(folder.path());
    let own = "[[source]]\nid = \"hall\"\nkind = \"file\"\npath = \"/nowhere\"\nofficial = { unit = \"水务局\" }\n";
    let service = ingest::start(&settings(folder.path(), own), log.clone(), Shutdown::new()).await.unwrap();
    let asked = json!({
        "source": "hotline", "native_id": "1", "kind": "report", "text": "停水了", "published_at": "2026-11-24T10:05:00+08:00",
    });
    let mut answered = asked.clone();
    answered["reply"] =
        json!({"text": "已抢修，详询028-87654321", "published_at": "2026-11-24T12:00:00+08:00", "by": "水务局"});
    let mut claims = asked.clone();
    claims["official"] = "水务局".into();
    let mut under_its_name = asked.clone();
    under_its_name["source"] = "hall".into();
    under_its_name["kind"] = "post".into();
    let body = [&asked, &answered, &answered, &claims, &under_its_name].map(Value::to_string).join("\n");
    let (status, answer) = push(&service.router, body).await;
    assert_eq!(status, StatusCode::ACCEPTED);
    assert_eq!((&answer["accepted"], &answer["duplicate"]), (&json!(3), &json!(1)), "{answer}");
    assert_eq!(answer["refused"][0]["line"], 4);
    assert!(answer["refused"][0]["reason"].as_str().unwrap().contains("unknown key `official`"), "{answer}");
    let stored = posts(&log).await;
    assert!(stored.iter().all(|post| post.official.is_none()), "{stored:?}");
    let replies: Vec<_> = stored.iter().filter_map(|post| post.reply.as_ref()).collect();
    assert_eq!((replies.len(), replies[0].by.as_deref()), (1, Some("水务局")));
    assert_eq!(replies[0].text, "已抢修，详询028-********", "numbers are masked in answers too");
}
