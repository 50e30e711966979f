//! Searches that people keep: who sees them, who changes them, and what is refused.

use super::{acts::fits, *};
use serde_json::json;

const QUERY: &str = "q=%E5%81%9C%E6%B0%B4&sentiment=negative";

impl House {
    async fn change(&self, method: Method, id: &str, role: Role, body: &Value) -> Answer {
        let request = request(method, &format!("/api/searches/{id}"), Some(role));
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap()).await
    }

    async fn keep(&self, role: Role, name: &str, shared: bool) -> String {
        let body = json!({ "name": name, "query": QUERY, "shared": shared });
        let answer = self.post("/api/searches", role, &body).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        fits("SavedSearch", &answer.json());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    async fn names(&self, role: Role) -> Vec<String> {
        let list = self.get("/api/searches", Some(role)).await.json();
        let searches = list["searches"].as_array().unwrap();
        searches.iter().for_each(|search| fits("SavedSearch", search));
        searches.iter().map(|search| search["name"].as_str().unwrap().to_owned()).collect()
    }
}

#[tokio::test]
async fn own_ones_and_those_that_others_share_are_seen() {
    let house = House::open().await;
    house.keep(Role::Analyst, "抚琴停水", false).await;
    house.keep(Role::Analyst, "公用: 供水", true).await;
    house.keep(Role::Operator, "夜班", false).await;
    assert_eq!(house.names(Role::Analyst).await, ["公用: 供水", "抚琴停水"]);
    assert_eq!(house.names(Role::Operator).await, ["夜班", "公用: 供水"]);
    assert_eq!(house.names(Role::Viewer).await, ["公用: 供水"]);
}

#[tokio::test]
async fn who_keeps_it_changes_it_and_an_administrator_may_delete_it() {
    let house = House::open().await;
    let (shared, hidden) =
        (house.keep(Role::Analyst, "供水", true).await, house.keep(Role::Analyst, "自用", false).await);
    let renamed = json!({ "name": " 供水\n投诉 ", "query": "?q=", "shared": true });
    let answer = house.change(Method::PUT, &shared, Role::Analyst, &renamed).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!((answer.json()["name"].as_str(), answer.json()["query"].as_str()), (Some("供水 投诉"), Some("q=")));
    for (method, id, role, status, code) in [
        (Method::PUT, &shared, Role::Operator, StatusCode::FORBIDDEN, "not_yours"),
        (Method::PUT, &shared, Role::Admin, StatusCode::FORBIDDEN, "not_yours"),
        (Method::DELETE, &shared, Role::Operator, StatusCode::FORBIDDEN, "not_yours"),
        (Method::PUT, &hidden, Role::Admin, StatusCode::NOT_FOUND, "not_found"),
    ] {
        let answer = house.change(method.clone(), id, role, &renamed).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{method} by {role:?}");
    }
    // What one does not see is not there, and stays.
    assert_eq!(house.change(Method::DELETE, &hidden, Role::Admin, &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.change(Method::DELETE, &shared, Role::Admin, &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.names(Role::Analyst).await, ["自用"]);
    assert_eq!(house.change(Method::DELETE, &hidden, Role::Analyst, &json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.change(Method::DELETE, &hidden, Role::Analyst, &json!({})).await.status, StatusCode::NO_CONTENT);
    assert!(house.names(Role::Analyst).await.is_empty());

    let audit = house.gateway.desk.records.audit_entries(9).await.unwrap();
    let mut told: Vec<_> =
        audit.iter().map(|entry| (entry.who.as_str(), entry.action.as_str(), entry.object.as_str())).collect();
    told.sort_unstable();
    let mut wanted = [
        ("Admin", "search_deleted", shared.as_str()),
        ("Analyst", "search_changed", &shared),
        ("Analyst", "search_deleted", &hidden),
        ("Analyst", "search_saved", &hidden),
        ("Analyst", "search_saved", &shared),
    ];
    wanted.sort_unstable();
    assert_eq!(told, wanted, "what came to nothing is not on the record");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_what_and_why() {
    let house = House::open().await;
    for (body, code, what) in [
        (json!({ "name": " \u{200b} ", "query": QUERY }), "name", "name:"),
        (json!({ "name": "一".repeat(61), "query": QUERY }), "too_long", "name:"),
        (json!({ "name": "x", "query": "" }), "query", "query:"),
        (json!({ "name": "x", "query": "q=停水" }), "query", "query:"),
        (json!({ "name": "x", "query": "q=\"><script>" }), "query", "query:"),
        (json!({ "name": "x", "query": "q=%20\n" }), "query", "query:"),
        (json!({ "name": "x", "query": "q".repeat(12_001) }), "too_long", "query:"),
        (json!({ "name": "x", "query": QUERY, "colour": 1 }), "malformed", "colour"),
        (json!({ "query": QUERY }), "malformed", "name"),
    ] {
        let answer = house.post("/api/searches", Role::Analyst, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, code), "{body}");
        assert!(answer.text.contains(what), "{}", answer.text);
    }
    assert!(house.names(Role::Analyst).await.is_empty());
}

#[tokio::test]
async fn one_person_keeps_so_many_and_no_more() {
    let house = House::open().await;
    for n in 0..200 {
        house.keep(Role::Analyst, &format!("第 {n} 个"), true).await;
    }
    let body = json!({ "name": "再一个", "query": QUERY });
    let answer = house.post("/api/searches", Role::Analyst, &body).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "too_many"));
    house.keep(Role::Operator, "别人的", false).await;
    assert_eq!(house.names(Role::Operator).await[0], "别人的", "one's own come first");
}
