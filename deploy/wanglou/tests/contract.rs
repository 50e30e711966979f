//! What a real instance answers is what `schemas/openapi.json` says it answers.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use serde_json::{Value, json};
use support::{Instance, Site, wait_for};

/// Checks an answer against the 200 (or 202) schema of a path and method.
fn fits(api: &Value, path: &str, method: &str, status: &str, answer: &Value) {
    let response = &api["paths"][path][method]["responses"][status];
    let response = match response["$ref"].as_str() {
        Some(reference) => api.pointer(reference.trim_start_matches('#')).unwrap(),
        None => response,
    };
    let mut schema = response["content"]["application/json"]["schema"].clone();
    assert!(schema.is_object(), "{method} {path} {status} is described");
    schema["components"] = api["components"].clone();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(answer).map(|fault| format!("{}: {fault}", fault.instance_path())).collect();
    assert!(faults.is_empty(), "{method} {path}: {faults:#?}\n{answer:#}");
}

async fn get_fits(api: &Value, instance: &Instance, path: &str, address: &str) -> Value {
    let answer = instance.get(address).await;
    fits(api, path, "get", "200", &answer);
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_fit_the_description() {
    let site = Site::new(
        "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/hook\"\n[[duty]]\nid = \"seat\"\nchannels = [\"desk\"]\n[[duty.shift]]\nfrom = \"00:00\"\nto = \"00:00\"\nperson = \"王敏\"\n",
    );
    let instance = site.start().await;
    let api: Value = serde_json::from_str(schemas::OPENAPI).unwrap();
    assert_eq!(instance.get("/api/openapi.json").await, api);

    let now = jiff::Timestamp::now();
    let body: String = (0..30).map(|number| support::line(number * 5, now)).collect();
    let (_, accepted) = instance.push(body + "nonsense\n").await.unwrap();
    fits(&api, "/api/posts", "post", "202", &accepted);
    let incident = wait_for("an incident", async || {
        let incidents = get_fits(&api, &instance, "/api/incidents", "/api/incidents").await;
        incidents["incidents"][0]["id"].as_str().map(str::to_owned)
    })
    .await;
    wait_for("search", async || (instance.search_total("").await? == 30).then_some(())).await;

    for address in [
        "/api/search",
        "/api/search?q=停水&limit=3",
        "/api/search?q=停水&sort=relevance",
        "/api/search?sort=heat",
        "/api/search?collapse=true&facets=source,sentiment,category,place,unit,kind&histogram=auto",
    ] {
        let page = get_fits(&api, &instance, "/api/search", address).await;
        assert!(!page["hits"].as_array().unwrap().is_empty());
    }
    let id = instance.get("/api/search?limit=1").await["hits"][0]["id"].as_str().unwrap().to_owned();
    get_fits(&api, &instance, "/api/threads", &format!("/api/threads?id={id}&q=停水")).await;
    let copies = get_fits(&api, &instance, "/api/search", &format!("/api/search?copies_of={id}&sort=oldest")).await;
    assert!(copies["hits"].as_array().unwrap().iter().any(|hit| hit["id"] == id.as_str()), "{copies}");
    let kept = json!({"name": "夜班", "query": "q=%E5%81%9C%E6%B0%B4&sort=heat", "shared": true});
    let (status, saved) = instance.act("/api/searches", &kept).await;
    assert_eq!(status, 201, "{saved}");
    fits(&api, "/api/searches", "post", "201", &saved);
    let list = get_fits(&api, &instance, "/api/searches", "/api/searches").await;
    assert_eq!(list["searches"][0]["name"], "夜班");
    for path in ["/api/topics", "/api/topics/hot", "/api/official", "/api/coverage", "/api/rejected", "/api/session"] {
        get_fits(&api, &instance, path, path).await;
    }
    for topic in ["all", "water"] {
        let address = format!("/api/topics/{topic}/pulse?minutes=60");
        get_fits(&api, &instance, "/api/topics/{id}/pulse", &address).await;
        get_fits(&api, &instance, "/api/topics/{id}/why", &address.replace("/pulse", "/why")).await;
        get_fits(&api, &instance, "/api/topics/{id}/paged", &format!("/api/topics/{topic}/paged")).await;
    }
    the_roster_fits(&api, &instance, now).await;
    what_is_set_fits(&api, &instance, &id).await;
    let address = format!("/api/incidents/{incident}");
    get_fits(&api, &instance, "/api/incidents/{id}", &address).await;
    for (act, body) in [
        ("ack", json!({})),
        ("note", json!({"text": "已联系抢修"})),
        ("assign", json!({"unit": "水务局"})),
        ("respond", json!({"text": "预计两小时恢复供水"})),
        ("close", json!({"text": "已恢复"})),
    ] {
        let (status, answer) = instance.act(&format!("{address}/{act}"), &body).await;
        assert_eq!(status, 200, "{act}: {answer}");
        fits(&api, &format!("/api/incidents/{{id}}/{act}"), "post", "200", &answer);
    }
    let (status, refused) = instance.act(&format!("{address}/ack"), &json!({})).await;
    assert_eq!(status, 409, "a closed incident is not signed: {refused}");
    fits(&api, "/api/incidents/{id}/ack", "post", "409", &refused);
}

async fn the_roster_fits(api: &Value, instance: &Instance, now: jiff::Timestamp) {
    let hours = |hours: i64| now + jiff::SignedDuration::from_hours(hours);
    let wanted = json!({"kind": "extra", "from": hours(24), "to": hours(30), "person": "王敏", "why": "防汛"});
    let (status, made) = instance.act("/api/roster/seat/changes", &wanted).await;
    assert_eq!(status, 201, "{made}");
    fits(api, "/api/roster/{id}/changes", "post", "201", &made);
    let (status, written) = instance.act("/api/roster/seat/handovers", &json!({"note": "无事", "by": "王敏"})).await;
    assert_eq!(status, 201, "{written}");
    fits(api, "/api/roster/{id}/handovers", "post", "201", &written);
    let (_, taken) = instance.act("/api/roster/seat/handovers/1/confirm", &json!({})).await;
    fits(api, "/api/roster/{id}/handovers/{n}/confirm", "post", "200", &taken);
    let board = get_fits(api, instance, "/api/roster", "/api/roster").await;
    assert_eq!(board["rosters"][0]["now"][0]["person"], "王敏");
    let kinds: Vec<_> = board["rosters"][0]["findings"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["double", "unreachable"], "{board}");
    let (_, gone) = support::control::call(instance, reqwest::Method::DELETE, "/api/roster/seat/changes/1", None).await;
    fits(api, "/api/roster/{id}/changes/{n}", "delete", "200", &gone);
    let (status, feed) = instance.act("/api/calendar", &json!({"whose": "all"})).await;
    assert_eq!(status, 201, "{feed}");
    fits(api, "/api/calendar", "post", "201", &feed);
    get_fits(api, instance, "/api/calendar", "/api/calendar").await;
}

async fn what_is_set_fits(api: &Value, instance: &Instance, post: &str) {
    let choices = get_fits(api, instance, "/api/corrections/choices", "/api/corrections/choices").await;
    let place = &choices["places"][0]["name"];
    let said = json!({"post": post, "sentiment": "neutral", "category": null, "places": [place], "note": "试"});
    let (status, standing) = instance.act("/api/corrections", &said).await;
    assert_eq!(status, 200, "{standing}");
    fits(api, "/api/corrections", "post", "200", &standing);
    let unit = json!({"post": post, "unit": choices["units"][0]["id"], "category": choices["categories"][3]});
    fits(api, "/api/corrections", "post", "200", &instance.act("/api/corrections", &unit).await.1);
    get_fits(api, instance, "/api/corrections", "/api/corrections").await;
    wait_for("it to be corrected", async || (instance.search_total("&q=更正:是").await? == 1).then_some(())).await;
    let page = get_fits(api, instance, "/api/search", "/api/search?q=更正:是").await;
    assert!(page["hits"][0]["corrected"].is_object(), "{page}");
    let (status, refused) = instance.act("/api/corrections", &json!({"post": "nothing"})).await;
    assert_eq!(status, 400, "{refused}");
    fits(api, "/api/corrections", "post", "400", &refused);

    let (status, topic) = instance.act("/api/watch", &json!({"name": "停气", "query": "停气"})).await;
    assert_eq!(status, 201, "{topic}");
    fits(api, "/api/watch", "post", "201", &topic);
    let path = format!("/api/watch/{}", topic["id"].as_str().unwrap());
    let changed = json!({"name": "停气了", "query": "停气"});
    let (_, changed) = support::control::call(instance, reqwest::Method::PUT, &path, Some(&changed)).await;
    fits(api, "/api/watch/{id}", "put", "200", &changed);
    get_fits(api, instance, "/api/watch", "/api/watch").await;
    let (_, word) = support::control::call(instance, reqwest::Method::PUT, "/api/words/嘎啦巷头", None).await;
    fits(api, "/api/words/{word}", "put", "200", &word);
    get_fits(api, instance, "/api/words", "/api/words").await;
}
