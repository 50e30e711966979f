//! What people set at runtime, through the stage as it runs: corrections, watch topics, words.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by it

use axum::body::{Body, to_bytes};
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use schemas::{
    kit::{
        auth::{Caller, Role},
        service::Service,
        settings::Settings,
        shutdown::Shutdown,
    },
    log::{Embedded, EmbeddedOptions, NewRecord, Position, SharedLog, Topic},
    records::{AuditEntry, Counts, Kind, Precision, RawPost, Record, Via, post_id},
};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tempfile::TempDir;
use tower::ServiceExt;

fn post(native_id: &str, text: &str) -> RawPost {
    RawPost {
        v: RawPost::VERSION,
        id: post_id("forum", native_id),
        source: "forum".into(),
        native_id: native_id.into(),
        kind: Kind::Post,
        url: None,
        title: Some("随手记".into()),
        text: text.into(),
        author: None,
        published_at: Timestamp::now(),
        published_precision: Precision::Second,
        fetched_at: Timestamp::now(),
        thread_id: None,
        parent_id: None,
        counts: Counts::default(),
        place: None,
        media: Vec::new(),
        media_alt: Vec::new(),
        reply: None,
        official: None,
        addressed_to: None,
        via: Via::Push,
    }
}

/// A folder with a log; stages come and go in it.
struct Site {
    folder: TempDir,
    log: SharedLog,
    more: String,
}

struct Running {
    service: Service,
    shutdown: Shutdown,
}

impl Site {
    fn new(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
        Self { folder, log, more: more.to_owned() }
    }

    fn settings(&self) -> Settings {
        let watch =
            "[archive]\ncommit_every = \"50ms\"\n[[watch]]\nid = \"water\"\nname = \"停水\"\nquery = \"停水\"\n";
        let mut settings = Settings::parse(&format!("{}\n{watch}", self.more), []).unwrap();
        settings.data_dir = self.folder.path().to_owned();
        settings
    }

    async fn start(&self) -> Running {
        let shutdown = Shutdown::new();
        let service = analyze::start(&self.settings(), self.log.clone(), shutdown.clone()).await.unwrap();
        Running { service, shutdown }
    }

    async fn push(&self, post: RawPost) {
        let record = NewRecord { partition: 0, key: None, value: post.encode() };
        self.log.append(Topic::PostsRaw, vec![record]).await.unwrap();
    }

    async fn audit(&self) -> Vec<AuditEntry> {
        let (from, end) = self.log.bounds(Topic::Audit, 0).await.unwrap();
        let mut reader = self.log.reader(Topic::Audit, vec![Position { partition: 0, offset: from }]).await.unwrap();
        let (mut next, mut entries) = (from, Vec::new());
        while next < end {
            let batch = reader.next(1_000, Duration::from_secs(30)).await.unwrap().unwrap();
            next = batch.next;
            entries.extend(batch.entries.iter().map(|entry| AuditEntry::decode(&entry.value).unwrap()));
        }
        entries
    }
}

impl Running {
    async fn call(&self, method: &str, path: &str, role: Role, body: Option<Value>) -> (StatusCode, String) {
        let method: Method = method.parse().unwrap();
        let is_plain = |c: char| c.is_ascii() && c != ' ';
        let encode = |c: char| {
            if is_plain(c) { c.to_string() } else { c.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect() }
        };
        let path: String = path.chars().map(encode).collect();
        let mut request = Request::builder().method(method).uri(path).header("content-type", "application/json");
        request.extensions_mut().unwrap().insert(Caller { name: "小李".into(), role });
        let body = body.map_or(Body::empty(), |body| Body::from(body.to_string()));
        let response = self.service.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let status = response.status();
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let (status, text) = self.call(method, path, Role::Analyst, body).await;
        (status, serde_json::from_str(&text).unwrap_or(Value::Null))
    }

    async fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.ask("POST", path, Some(body)).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    async fn refused(&self, method: &str, path: &str, body: Option<Value>) -> (u16, String, String) {
        let (status, answer) = self.ask(method, path, body).await;
        let text = |key: &str| answer["error"][key].as_str().unwrap_or_default().to_owned();
        (status.as_u16(), text("code"), text("message"))
    }

    async fn found(&self, parameters: &str, total: u64) -> Value {
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.get(&format!("/api/search?{parameters}")).await;
            if page["total"] == total {
                return page;
            }
            assert!(tokio::time::Instant::now() < until, "{parameters}: {total} wanted: {page}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn counted(&self, topic: &str, total: u64) {
        let until = tokio::time::Instant::now() + Duration::from_secs(60);
        while self.get(&format!("/api/topics/{topic}/pulse")).await["total"] != total {
            assert!(tokio::time::Instant::now() < until, "{topic}: {total} wanted");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn stop(self) {
        self.shutdown.cancel();
        self.service.task.await.unwrap().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_correction_is_believed_exported_and_taken_back() {
    let site = Site::new("");
    let stage = site.start().await;
    site.push(post("1", "抚琴街道今天又停水了, 真是谢谢了")).await;
    site.push(post("2", "路灯修好了")).await;
    stage.found("", 2).await;
    let choices = stage.get("/api/corrections/choices").await;
    let mut categories = choices["categories"].as_array().unwrap().iter().filter_map(Value::as_str);
    let category = categories.rfind(|path| path.split('/').count() == 3).unwrap().to_owned();
    let unit = choices["units"][1].clone();

    let said = json!({"post": "forum:1", "sentiment": "positive", "category": category, "note": "说的是反话"});
    let standing = stage.post("/api/corrections", said).await;
    assert_eq!((&standing["by"], &standing["category"]), (&json!("小李"), &json!(category)));
    let page = stage.found("sentiment=positive&q=更正:是", 1).await;
    let corrected = &page["hits"][0]["corrected"];
    assert_eq!(corrected["fields"], json!(["sentiment", "category"]));
    assert_ne!(corrected["judged"]["sentiment"]["label"], Value::Null);
    // Threads and files too.
    assert_eq!(stage.get("/api/threads?id=forum:1").await["post"]["sentiment"]["label"], "positive");
    let (_, file) = stage.call("GET", "/api/search/export?format=csv&q=更正:是", Role::Analyst, None).await;
    assert!(file.contains("正面") && file.contains(category.rsplit('/').next().unwrap()), "{file}");
    // What comes leaves standing what it does not name, by its id or its name alike.
    let more = json!({"post": "forum:1", "unit": unit["name"], "places": ["抚琴街道"]});
    let standing = stage.post("/api/corrections", more).await;
    assert_eq!((&standing["sentiment"], &standing["unit"]["id"]), (&json!("positive"), &unit["id"]));
    assert_eq!(standing["note"], "说的是反话");
    let hit =
        stage.found(&format!("unit={}&place=抚琴街道", unit["name"].as_str().unwrap()), 1).await["hits"][0].clone();
    assert_eq!(hit["category"]["level3"], category.rsplit('/').next().unwrap());
    assert_eq!(stage.get("/api/corrections").await["total"], 1);

    stage.post("/api/corrections", json!({"post": "forum:2", "category": null, "places": []})).await;
    stage.found("q=更正:是", 2).await;
    let first = stage.get("/api/corrections?limit=1").await;
    assert_eq!(first["corrections"][0]["post"], "forum:2", "the newest first");
    assert_eq!(first["corrections"][0]["category"], Value::Null);
    let next = stage.get(&format!("/api/corrections?limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((&next["corrections"][0]["post"], &next["next"]), (&json!("forum:1"), &Value::Null));

    // The file is the trainer's: a text whose sentiment was corrected, with its label; the other is passed over.
    let (status, lines) = stage.call("GET", "/api/corrections/export", Role::Analyst, None).await;
    assert_eq!((status, lines.lines().count()), (StatusCode::OK, 2), "{lines}");
    let file = site.folder.path().join("corrections.jsonl");
    std::fs::write(&file, &lines).unwrap();
    let examples = analyze::understand::sentiment::data::read_corrections(&file, &mut Default::default()).unwrap();
    assert_eq!(examples.len(), 1);
    assert!(examples[0].text.contains("真是谢谢了") && examples[0].text.contains("随手记"));
    assert_eq!(examples[0].label, schemas::records::Label::Positive);

    // A revision, a restart, and what was judged stands again when it is taken back.
    let mut revised = post("1", "抚琴街道今天又停水了, 真是谢谢了, 修好了");
    revised.counts.likes = 3;
    site.push(revised).await;
    stage.found("q=修好了 更正:是 点赞:3&sentiment=positive", 1).await;
    stage.stop().await;
    let stage = site.start().await;
    stage.found("sentiment=positive&q=更正:是", 1).await;
    let (status, _) = stage.ask("DELETE", "/api/corrections/forum%3A1", None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let hit = stage.found("q=更正:否", 1).await["hits"][0].clone();
    assert_eq!((&hit["native_id"], &hit["corrected"]), (&json!("1"), &Value::Null));
    assert_eq!(stage.refused("DELETE", "/api/corrections/forum%3A1", None).await.0, 404);
    let acts: Vec<String> = site.audit().await.into_iter().map(|entry| entry.action).collect();
    for (act, times) in [("correct", 3), ("take_back_correction", 1), ("corrections_export", 1)] {
        assert_eq!(acts.iter().filter(|found| *found == act).count(), times, "{act}: {acts:?}");
    }
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_with_what_to_do() {
    let site = Site::new("");
    let stage = site.start().await;
    site.push(post("1", "停水了")).await;
    stage.found("", 1).await;
    let of = |more: Value| {
        let mut body = json!({"post": "forum:1"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Some(body)
    };
    for (body, status, code, word) in [
        (Some(json!({"post": "forum:9", "sentiment": "negative"})), 404, "not_found", "post"),
        (of(json!({})), 400, "bad_correction", "sentiment"),
        (of(json!({"sentiment": "angry"})), 400, "bad_body", "angry"),
        (of(json!({"mood": "negative"})), 400, "bad_body", "mood"),
        (of(json!({"category": "天上的事"})), 400, "bad_correction", "category: "),
        (of(json!({"places": ["月球"]})), 400, "bad_correction", "月球"),
        (of(json!({"unit": "月球办事处"})), 400, "bad_correction", "unit: "),
        (of(json!({"category": null, "note": "长".repeat(501)})), 400, "bad_correction", "note: "),
    ] {
        let refused = stage.refused("POST", "/api/corrections", body.clone()).await;
        assert!(refused.0 == status && refused.1 == code && refused.2.contains(word), "{body:?}: {refused:?}");
    }
    let topic = |name: &str, query: &str| Some(json!({"name": name, "query": query}));
    for (body, status, code, word) in [
        (topic("停气", "停气 AND ("), 400, "bad_query", "query: at character "),
        (topic("一切", "-停水"), 400, "bad_query", "query: at character 1"),
        (topic("昨天", "停气 时间:今天"), 400, "bad_query", "query: at character 4"),
        (topic(" ", "停气"), 400, "bad_name", "name: "),
        (topic("停水", "停气"), 409, "name_taken", "water"),
    ] {
        let refused = stage.refused("POST", "/api/watch", body.clone()).await;
        assert!(refused.0 == status && refused.1 == code && refused.2.contains(word), "{body:?}: {refused:?}");
    }
    for (method, path, body, status, code) in [
        ("PUT", "/api/watch/water", topic("水", "水"), 409, "of_config"),
        ("DELETE", "/api/watch/water", None, 409, "of_config"),
        ("PUT", "/api/watch/nothing", topic("水", "水管"), 404, "not_found"),
        ("DELETE", "/api/watch/nothing", None, 404, "not_found"),
        ("PUT", "/api/words/ab", None, 400, "bad_word"),
        ("DELETE", "/api/words/%E8%83%8C%E8%A1%97", None, 404, "not_found"),
        ("GET", "/api/corrections?limit=0", None, 400, "bad_limit"),
        ("GET", "/api/corrections?cursor=x", None, 400, "bad_cursor"),
    ] {
        let refused = stage.refused(method, path, body).await;
        assert!(refused.0 == status && refused.1 == code, "{method} {path}: {refused:?}");
    }
    for (method, path) in [
        ("POST", "/api/corrections"),
        ("DELETE", "/api/corrections/forum%3A1"),
        ("POST", "/api/watch"),
        ("PUT", "/api/watch/x"),
        ("DELETE", "/api/watch/x"),
        ("PUT", "/api/words/x"),
        ("DELETE", "/api/words/x"),
    ] {
        let (status, _) = stage.call(method, path, Role::Operator, Some(json!({}))).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path}");
    }
    for path in ["/api/corrections", "/api/corrections/choices", "/api/watch", "/api/words"] {
        assert_eq!(stage.call("GET", path, Role::Viewer, None).await.0, StatusCode::OK, "{path}");
    }
    let acts = site.audit().await;
    assert!(acts.iter().all(|entry| entry.action == "search"), "nothing was done: {acts:?}");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_topic_is_matched_and_counted_from_the_next_post_on() {
    let site = Site::new("");
    let stage = site.start().await;
    site.push(post("1", "小区停气了")).await;
    stage.counted("all", 1).await;
    let (status, topic) = stage.ask("POST", "/api/watch", Some(json!({"name": "停气", "query": "停气"}))).await;
    assert_eq!((status, &topic["from"], &topic["by"]), (StatusCode::CREATED, &json!("people"), &json!("小李")));
    let id = topic["id"].as_str().unwrap().to_owned();
    site.push(post("2", "又停气了")).await;
    stage.counted(&id, 1).await;
    let hit = stage.found("q=话题:停气", 1).await["hits"][0].clone();
    assert_eq!((&hit["native_id"], &hit["topics"]), (&json!("2"), &json!([id])), "by its name too");
    let topics = stage.get("/api/topics").await;
    let names: Vec<&str> =
        topics["topics"].as_array().unwrap().iter().filter_map(|topic| topic["topic"]["name"].as_str()).collect();
    assert_eq!(names, ["停水", "停气", "全部"]);

    // With another name it goes on; after a restart too.
    let (status, _) =
        stage.ask("PUT", &format!("/api/watch/{id}"), Some(json!({"name": "断气", "query": "停气"}))).await;
    assert_eq!(status, StatusCode::OK);
    site.push(post("3", "还停气")).await;
    stage.counted(&id, 2).await;
    stage.stop().await;
    let stage = site.start().await;
    stage.counted(&id, 2).await;
    site.push(post("4", "停气停水")).await;
    stage.counted(&id, 3).await;
    // With another query it is another topic.
    stage.ask("PUT", &format!("/api/watch/{id}"), Some(json!({"name": "断气", "query": "煤气"}))).await;
    site.push(post("5", "停气, 没有煤气")).await;
    site.push(post("6", "停气停水")).await;
    stage.counted("water", 2).await;
    stage.counted(&id, 1).await;

    let (status, _) = stage.ask("DELETE", &format!("/api/watch/{id}"), None).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    site.push(post("7", "没有煤气, 停水")).await;
    stage.counted("water", 3).await;
    assert_eq!(stage.refused("GET", &format!("/api/topics/{id}/pulse"), None).await.0, 404);
    stage.found(&format!("topic={id}"), 4).await;
    let again = stage.post("/api/watch", json!({"name": "断气", "query": "煤气"})).await;
    assert_ne!(again["id"], id, "an id is never given to another");
    stage.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_are_learned_while_it_runs_from_people_and_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("words.txt");
    std::fs::write(&file, "# 本区\n锦绣里东苑\n").unwrap();
    let site = Site::new(&format!("[understand]\ndictionary = {file:?}"));
    let stage = site.start().await;
    let words = async || -> Vec<(String, String)> {
        let words = stage.get("/api/words").await;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        words["words"].as_array().unwrap().iter().map(|word| (text(&word["word"]), text(&word["from"]))).collect()
    };
    let path = |word: &str| format!("/api/words/{word}");
    // Cut by the dictionary that ships, it is no word.
    site.push(post("0", "嘎啦巷头漏水, 嘎啦巷头没灯, 大家都绕开嘎啦巷头")).await;
    let before = stage.found("q=嘎啦巷头", 1).await["hits"][0]["keyphrases"].clone();
    assert_eq!(stage.ask("PUT", &path("嘎啦巷头"), None).await.0, StatusCode::OK);
    site.push(post("1", "嘎啦巷头漏水, 嘎啦巷头没灯, 大家都绕开嘎啦巷头")).await;
    let after = stage.found("q=嘎啦巷头", 2).await["hits"][0]["keyphrases"].clone();
    assert_ne!(before, after, "posts are cut with it from the next one on");
    assert_eq!(stage.ask("DELETE", &path("嘎啦巷头"), None).await.0, StatusCode::NO_CONTENT);
    let (status, word) = stage.ask("PUT", &path("惠民菜篮子"), None).await;
    assert_eq!((status, &word["word"]), (StatusCode::OK, &json!("惠民菜篮子")));
    let of = |word: &str, from: &str| (word.to_owned(), from.to_owned());
    assert_eq!(words().await, [of("锦绣里东苑", "file"), of("惠民菜篮子", "people")]);
    assert_eq!(stage.refused("DELETE", &path("锦绣里东苑"), None).await.1, "of_file");

    std::fs::write(&file, "锦绣里西苑\n惠民菜篮子\n").unwrap();
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    while words().await != [of("锦绣里西苑", "file"), of("惠民菜篮子", "file")] {
        assert!(tokio::time::Instant::now() < until, "{:?}", words().await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // A faulty file changes nothing while it runs, and is named when it starts.
    std::fs::write(&file, "锦绣里西苑\n?\n").unwrap();
    stage.stop().await;
    let error = analyze::start(&site.settings(), site.log.clone(), Shutdown::new()).await.err().unwrap();
    assert!(format!("{error:#}").contains("words.txt:2: "), "{error:#}");
    assert_eq!(analyze::check(&site.settings()).len(), 1);
}
