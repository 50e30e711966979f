use super::*;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use schemas::records::DoorPost;

const TOWN: &str = r#"
items = "$.data[*]"
next = { cursor = "$.meta.next", parameter = "cursor" }
[fields]
native_id = "$.id"
text = ["$.text", "$.summary"]
title = "$.title"
published_at = "$.created_at"
changed = "$.edited"
url = "/posts/{id}"
author = "$.user.name"
likes = "$.likes"
kind = [{ path = "$.in_reply_to", as = "comment" }, "post"]
parent_id = "$.in_reply_to"
media = "$.pictures[*].src"
[comments]
url = "/api/comments?post={id}"
thread = 'post=(\d+)'
items = "$[*]"
next = { page = "page", full = 2 }
fields = { native_id = "c{id}", text = "$.text", published_at = "$.at", parent_id = ["c{parent}"] }
"#;

fn reader(text: &str) -> Result<JsonReader, Vec<PathFault>> {
    JsonReader::new(&toml::from_str(text).unwrap())
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn context() -> Context<'static> {
    static TZ: TimeZone = TimeZone::UTC;
    Context { source: "town", now: "2026-11-24T02:05:00Z".parse().unwrap(), tz: &TZ, link: None }
}

fn list(reader: &JsonReader, text: &str) -> Result<ListPage, String> {
    reader.list(text, &url("https://town.example/api/posts?n=2"), &context())
}

fn posts(page: &ListPage) -> Vec<&DoorPost> {
    page.rows.iter().flat_map(|row| &row.posts).map(|found| found.as_ref().unwrap()).collect()
}

#[test]
fn posts_with_the_address_of_their_comments() {
    let answer = r#"while(1);{"meta": {"next": "abc"}, "data": [
        {"id": 7, "title": "停水&amp;停气", "text": "<p>抚琴街道<br>停水</p>", "created_at": "2026-11-24T10:00:00+08:00", "edited": 3,
         "user": {"name": "张三"}, "likes": "1.2万", "pictures": [{"src": "https://town.example/a.jpg"}, {"src": "x"}], "in_reply_to": null},
        {"id": "6", "text": "", "summary": "a < b", "created_at": 1795485600.5, "in_reply_to": 5},
        {"id": 7, "text": "again", "created_at": 1795485600}]}"#;
    let page = list(&reader(TOWN).unwrap(), answer).unwrap();
    assert_eq!(page.next, Some(url("https://town.example/api/posts?n=2&cursor=abc")));
    let keys: Vec<_> = page.rows.iter().map(|row| (row.key.as_str(), row.changed.as_deref())).collect();
    assert_eq!(keys, [("7", Some("3")), ("6", None)]);
    let comments = page.rows[0].thread.as_ref().unwrap();
    assert_eq!(comments.as_str(), "https://town.example/api/comments?post=7");
    let posts = posts(&page);
    assert_eq!((posts[0].native_id.as_str(), posts[0].kind, posts[0].likes), ("7", Kind::Post, Some(12_000)));
    assert_eq!((posts[0].title.as_deref(), posts[0].text.as_str()), (Some("停水&停气"), "抚琴街道\n停水"));
    assert_eq!(posts[0].url.as_deref(), Some("https://town.example/posts/7"));
    assert_eq!(posts[0].media, ["https://town.example/a.jpg"]);
    assert_eq!((posts[1].kind, posts[1].parent_id.as_deref()), (Kind::Comment, Some("5")));
    assert!(posts.iter().all(|post| post.check().is_ok()), "{posts:?}");
}

#[test]
fn the_comments_under_a_post() {
    let reader = reader(TOWN).unwrap();
    let answer = r#"[{"id": 1, "text": "我家也是", "at": "2026-11-24 01:00:00", "parent": 0}, {"id": 2, "text": "+1", "at": 1795485600, "parent": 1}]"#;
    let address = url("https://town.example/api/comments?post=7");
    let page = reader.thread(answer, &address, &Thread::First(&address), &context()).unwrap();
    assert_eq!(page.thread_id.as_deref(), Some("7"));
    assert_eq!(page.next, Some(url("https://town.example/api/comments?post=7&page=2")));
    let of =
        |found: &Found| found.as_ref().map(|post| (post.native_id.clone(), post.kind, post.parent_id.clone())).unwrap();
    let ids: Vec<_> = page.posts.iter().map(of).collect();
    assert_eq!(ids, [("c1".into(), Kind::Comment, Some("7".into())), ("c2".into(), Kind::Comment, Some("c1".into()))]);
    let page = reader.thread("[]", &address, &Thread::First(&address), &context()).unwrap();
    assert!(page.posts.is_empty() && page.next.is_none());
}

#[test]
fn an_empty_list_is_none_and_another_answer_a_fault() {
    let reader = reader(TOWN).unwrap();
    assert!(list(&reader, r#"{"data": [], "meta": {}}"#).unwrap().rows.is_empty());
    let error = list(&reader, r#"{"code": 401, "message": "\u001bplease log in"}"#).unwrap_err();
    assert!(error.contains("$.data[*]") && error.contains("please log in") && !error.contains('\u{1b}'), "{error}");
    let error = list(&reader, "<html><title>x</title>").unwrap_err();
    assert!(error.contains("no JSON") && error.contains("<html>"), "{error}");
}

#[test]
fn the_oldest_first_within_an_answer() {
    let reader = reader(
        "items = '$[*]'\norder = 'oldest'\nfields = { native_id = '$.id', text = '$.id', published_at = '$.at' }",
    )
    .unwrap();
    let page = list(&reader, r#"[{"id": 1, "at": 1795485600}, {"id": 2, "at": 1795485601}]"#).unwrap();
    let keys: Vec<_> = page.rows.iter().map(|row| row.key.as_str()).collect();
    assert_eq!(keys, ["2", "1"]);
}

#[test]
fn a_list_of_changes_reaches_back_to_a_change() {
    let answer =
        r#"{"data": [{"id": 1, "text": "x", "created_at": "2020-01-01T00:00:00Z", "edited": "2026-11-24T01:00:00Z"}]}"#;
    let row = list(&reader(TOWN).unwrap(), answer).unwrap().rows.remove(0);
    assert_eq!(row.published_at.unwrap().to_string(), "2026-11-24T01:00:00Z");
}

#[test]
fn what_cannot_be_a_post_is_set_aside_and_known_again() {
    let answer = r#"{"data": [{"id": 1, "text": "x", "created_at": "some day"}]}"#;
    let (first, second) =
        (list(&reader(TOWN).unwrap(), answer).unwrap(), list(&reader(TOWN).unwrap(), answer).unwrap());
    assert!(first.rows[0].posts[0].as_ref().unwrap_err().reason.contains("some day"));
    assert_eq!(first.rows[0].key, second.rows[0].key);
}

#[test]
fn every_fault_is_named_with_its_key() {
    let text = "items = '$['\npages = 0\nnext = { page = 'p', link = true }\n[fields]\nnative_id = '{id'\ncolour = '$.c'\ntext = '$.t'\n\
        [comments]\nitems = '$[*]'\nthread = '['\n[comments.fields]\nnative_id = '$.id'\ntext = '$.t'\npublished_at = '$.at'";
    let mut paths: Vec<String> = reader(text).unwrap_err().into_iter().map(|(path, _)| path.join(".")).collect();
    paths.sort();
    let expected =
        ["comments.thread", "comments.url", "fields", "fields.colour", "fields.native_id", "items", "next", "pages"];
    assert_eq!(paths, expected.map(|path| format!("json.{path}")));
}

#[test]
fn hostile_answers() {
    let reader = reader(TOWN).unwrap();
    let deep = format!("{{\"data\":{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in ["", "null", "NaN", "{\"data\":1e999}", "{\"data\":[NaN]}", "\"\\ud800\"", deep.as_str()] {
        assert!(list(&reader, text).is_err(), "{text:.40}");
    }
    let many = format!("{{\"data\":[{}{{}}]}}", "{},".repeat(100_000));
    assert!(list(&reader, &many).unwrap().rows.len() <= MAX_ITEMS);
    let twice = r#"{"data":[{"id":1,"id":2,"text":"x","created_at":1795485600,"likes":-1e308}]}"#;
    assert_eq!(list(&reader, twice).unwrap().rows[0].posts[0].as_ref().unwrap().native_id, "2");
    let big = r#"{"data":[{"id":123456789012345678901234567890,"text":"x","created_at":99999999999999}]}"#;
    assert!(list(&reader, big).unwrap().rows[0].posts[0].is_err());
}

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        let key = prop_oneof![
            Just("data"),
            Just("id"),
            Just("text"),
            Just("created_at"),
            Just("meta"),
            Just("next"),
            Just("user"),
            Just("x")
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(key.prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>()) {
        let _ = list(&reader(TOWN).unwrap(), &text);
    }

    #[test]
    fn no_answer_makes_it_panic(answer in json(), cut in 0_usize..200) {
        let reader = reader(TOWN).unwrap();
        let mut text = serde_json::json!({"data": [answer], "meta": answer}).to_string();
        if let Ok(page) = list(&reader, &text) {
            prop_assert!(page.rows.len() <= 1);
        }
        let address = url("https://town.example/api/comments?post=7");
        let _ = reader.thread(&answer.to_string(), &address, &Thread::First(&address), &context());
        text.truncate(text.floor_char_boundary(cut));
        let _ = list(&reader, &text);
    }

    /// Whatever somebody writes into a config.
    #[test]
    fn no_path_makes_it_panic(path in "[$@.\\[\\]*?'a-z0-9{}:!=<>()\\\\ ]{0,30}") {
        let _ = Path::new(&path);
        let _ = Template::new(&path);
    }
}
