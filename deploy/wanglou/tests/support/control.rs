//! What people set at runtime, as they see it who call the gateway.

use super::{ADMIN, Instance, wait_for};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

/// Calls the API as an administrator.
pub async fn call(instance: &Instance, method: Method, path: &str, body: Option<&Value>) -> (StatusCode, Value) {
    let request = instance.client.request(method, format!("{}{path}", instance.base)).bearer_auth(ADMIN);
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

fn gas(number: u64) -> String {
    let now = jiff::Timestamp::now();
    json!({
        "source": "desk", "native_id": format!("gas-{number}"), "kind": "post",
        "text": format!("楼下停气第{number}天"), "published_at": now.to_string(),
    })
    .to_string()
        + "\n"
}

/// Pushes a post that the topic of [`what_people_set_holds`] matches, and waits until so many are counted, and found beside the first,
/// which came before the topic.
pub async fn another_is_counted(instance: &Instance, topic: &str, total: u64) {
    instance.push(gas(total)).await.unwrap();
    wait_for("the topic to count it", async || (instance.topic_total(topic).await? == total).then_some(())).await;
    let found = async || (instance.search_total("&source=desk").await? == total + 1).then_some(());
    wait_for("it to be found", found).await;
}

/// A post is corrected and found as corrected; a topic is defined and matches the next post; a word is added. Returns the topic's id,
/// which has counted one post.
pub async fn what_people_set_holds(instance: &Instance) -> String {
    instance.push(gas(0)).await.unwrap();
    wait_for("the post", async || (instance.search_total("&source=desk").await? == 1).then_some(())).await;
    let label = instance.get("/api/search?source=desk").await["hits"][0]["sentiment"]["label"].clone();
    let other = if label == json!("positive") { "negative" } else { "positive" };
    let said = json!({"post": "desk:gas-0", "sentiment": other, "unit": null});
    let (status, standing) = call(instance, Method::POST, "/api/corrections", Some(&said)).await;
    assert_eq!((status, &standing["sentiment"]), (StatusCode::OK, &json!(other)), "{standing}");
    let found = format!("&source=desk&sentiment={other}&q=更正:是");
    wait_for("it to be found as corrected", async || (instance.search_total(&found).await? == 1).then_some(())).await;
    let hit = instance.get("/api/search?source=desk").await["hits"][0].clone();
    assert_eq!((&hit["corrected"]["judged"]["sentiment"]["label"], &hit["unit"]), (&label, &Value::Null), "{hit}");

    let topic = json!({"name": "停气", "query": "停气 -演练"});
    let (status, topic) = call(instance, Method::POST, "/api/watch", Some(&topic)).await;
    assert_eq!(status, StatusCode::CREATED, "{topic}");
    let topic = topic["id"].as_str().unwrap().to_owned();
    another_is_counted(instance, &topic, 1).await;
    wait_for("it to be found by its topic's name", async || {
        (instance.search_total("&q=话题:停气").await? == 1).then_some(())
    })
    .await;
    let faulty = json!({"name": "停电", "query": "停电 AND"});
    let (status, refused) = call(instance, Method::POST, "/api/watch", Some(&faulty)).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refused["error"]["message"].as_str().unwrap().starts_with("query: at character "), "{refused}");

    let (status, word) = call(instance, Method::PUT, "/api/words/嘎啦巷头", None).await;
    assert_eq!((status, &word["from"]), (StatusCode::OK, &json!("people")), "{word}");
    topic
}
