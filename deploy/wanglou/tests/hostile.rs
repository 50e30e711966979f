//! Hostile input at the doors: a clear refusal, never a panic, never a stuck stage.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use serde_json::json;
use support::{Site, line, wait_for};

#[tokio::test(flavor = "multi_thread")]
async fn bad_lines_are_refused_one_by_one_and_the_good_ones_taken() {
    let site = Site::new("");
    let instance = site.start().await;
    let now = jiff::Timestamp::now();
    let with = |key: &str, value: serde_json::Value| {
        let mut post: serde_json::Value = serde_json::from_str(&line(999_999, now)).unwrap();
        post[key] = value;
        post.to_string() + "\n"
    };
    let bad = [
        "{\"source\":\"feed\",\n".to_owned(),
        "[]\n".into(),
        "nonsense\n".into(),
        "\u{0}\u{0}\u{0}\n".into(),
        format!("{}1{}\n", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{{\"source\":{}1{}}}\n", "{\"a\":".repeat(50_000), "}".repeat(50_000)),
        with("lkes", json!(1)),
        with("source", json!("../../etc")),
        with("native_id", json!("")),
        with("kind", json!("tweet")),
        with("published_at", json!("yesterday")),
        with("published_at", json!("99999-01-01T00:00:00Z")),
        with("url", json!("javascript:alert(1)")),
        with("likes", json!(-1)),
        with("likes", json!(1e300)),
        with("text", json!("长".repeat(400_000))),
    ];
    let mut body = Vec::new();
    let mut expected = Vec::new();
    let mut number = 0;
    for (index, bad) in bad.iter().enumerate() {
        body.extend_from_slice(line(index as u64, now).as_bytes());
        body.extend_from_slice(bad.as_bytes());
        number += 2;
        expected.push(number);
    }
    body.extend_from_slice(b"{\"source\":\"feed\",\"native_id\":\"\xff\xfe\"}\n");
    expected.push(number + 1);
    let (status, answer) = instance.push(body).await.unwrap();
    assert_eq!(status, 202, "{answer}");
    assert_eq!(answer["accepted"], json!(bad.len()), "{answer}");
    let refused = answer["refused"].as_array().unwrap();
    let lines: Vec<_> = refused.iter().map(|refused| refused["line"].as_i64().unwrap() as i32).collect();
    assert_eq!(lines, expected, "{answer}");
    assert!(refused.iter().all(|refused| refused["reason"].as_str().is_some_and(|reason| !reason.is_empty())));
    let unknown = refused.iter().find(|refused| refused["line"] == json!(14)).unwrap();
    assert!(unknown["reason"].as_str().unwrap().contains("lkes"), "the unknown key is named: {unknown}");
    let good = bad.len() as u64;
    wait_for("the good ones", async || (instance.search_total("").await? == good).then_some(())).await;
}

/// Posts that are odd but allowed pass through every stage, and a plain one behind them still comes out.
#[tokio::test(flavor = "multi_thread")]
async fn odd_posts_do_not_stop_the_line() {
    let site = Site::new("");
    let instance = site.start().await;
    let odd = [
        ("停水\u{0}停水", "2026-11-24T01:00:00Z"),
        ("<script>alert('停水')</script>", "0001-01-01T00:00:00Z"),
        ("=HYPERLINK(\"http://x\")", "9999-12-30T22:00:00Z"),
        ("\u{202e}\u{200f}倒\u{fffd}\u{1f469}\u{200d}\u{1f467}", "1970-01-01T00:00:00Z"),
        (&"a".repeat(250_000), "2026-11-24T01:00:00Z"),
        (&"停".repeat(80_000), "2026-11-24T01:00:00Z"),
        (&"\u{1f4a7}".repeat(60_000), "2026-11-24T01:00:00Z"),
    ];
    let body: String = odd
        .iter()
        .enumerate()
        .map(|(index, (text, at))| {
            let id = format!("odd{index}");
            json!({"source": "feed", "native_id": id, "kind": "post", "text": text, "published_at": at}).to_string()
                + "\n"
        })
        .collect();
    let (status, answer) = instance.push(body).await.unwrap();
    assert_eq!((status.as_u16(), &answer["accepted"]), (202, &json!(odd.len())), "{answer}");
    instance.push(line(1, jiff::Timestamp::now())).await.unwrap();
    let all = odd.len() as u64 + 1;
    wait_for("all of them", async || (instance.search_total("").await? == all).then_some(())).await;
    wait_for("trend", async || (instance.topic_total("all").await? == all).then_some(())).await;
    assert_eq!(instance.search_total("&q=第1条").await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_too_large_or_break_off() {
    let site = Site::new("");
    let instance = site.start().await;
    let ten_megabytes = "x".repeat(10 << 20);
    let (status, answer) = instance.push(ten_megabytes).await.unwrap();
    assert_eq!(status, 202, "a line of ten megabytes is one refused line: {answer}");
    assert_eq!(answer["refused"][0]["line"], json!(1));
    let huge = vec![b'\n'; 80 << 20];
    match instance.push(huge).await {
        Ok((status, _)) => assert_eq!(status, 413),
        Err(error) => assert!(!error.is_timeout(), "the door hangs up on what it will not read: {error}"),
    }
    // A body that breaks off: the length promises more than comes.
    let address = instance.base.trim_start_matches("http://").to_owned();
    tokio::task::spawn_blocking(move || {
        use std::io::Write;
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        let head = format!(
            "POST /api/posts HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-length: 9999\r\n\r\n",
            support::PUSH
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(b"{\"source\":\"feed\",").unwrap();
    })
    .await
    .unwrap();
    let (status, _) = instance.push(line(1, jiff::Timestamp::now())).await.unwrap();
    assert_eq!(status, 202);
    wait_for("the one good post", async || (instance.search_total("").await? == 1).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_token() {
    let site = Site::new("");
    let instance = site.start().await;
    for path in [
        "/api/posts",
        "/api/search",
        "/api/incidents",
        "/api/events",
        "/api/coverage",
        "/api/topics/hot",
        "/api/no-such",
    ] {
        let answer = instance.client.get(format!("{}{path}", instance.base)).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{path}");
    }
    let pushed =
        instance.client.get(format!("{}/api/search", instance.base)).bearer_auth(support::PUSH).send().await.unwrap();
    assert_eq!(pushed.status(), 403, "a program that hands in may not read");
    for path in ["/healthz", "/readyz", "/metrics", "/api/openapi.json", "/"] {
        let answer = instance.client.get(format!("{}{path}", instance.base)).send().await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
}
