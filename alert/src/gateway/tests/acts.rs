//! What people do to an incident, and that the answers are what the API describes.

use super::*;
use serde_json::json;

const ACK: &str = "/api/incidents/20261124-0001/ack";

/// Holds an answer against a type of the API's description.
pub(super) fn fits(name: &str, value: &Value) {
    let mut schema: Value = serde_json::from_str(schemas::OPENAPI).unwrap();
    schema["$ref"] = json!(format!("#/components/schemas/{name}"));
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(value), "{name}: {:?}", validator.validate(value).err());
}

async fn house() -> House {
    let house = House::open().await;
    house.add_incident().await;
    house
}

#[tokio::test]
async fn an_incident_goes_from_signature_to_close() {
    let house = house().await;
    let signed = house.post(ACK, Role::Operator, &json!({ "version": 1 })).await;
    assert_eq!(signed.status, StatusCode::OK, "{}", signed.text);
    fits("IncidentFile", &signed.json());
    assert_eq!(signed.json()["incident"]["acked_by"], "Operator");
    for (what, body, state) in [
        ("assign", json!({ "unit": "水务局", "text": "请速处置" }), "assigned"),
        ("note", json!({ "text": "已到场" }), "handling"),
        ("respond", json!({ "text": "预计 20 时恢复" }), "responded"),
        ("close", json!({ "text": "已恢复" }), "closed"),
    ] {
        let answer = house.post(&format!("/api/incidents/20261124-0001/{what}"), Role::Operator, &body).await;
        assert_eq!(answer.json()["incident"]["state"], state, "{}", answer.text);
        fits("IncidentFile", &answer.json());
    }
    let list = async |query: &str| {
        let answer = house.get(&format!("/api/incidents{query}"), Some(Role::Viewer)).await.json();
        answer["incidents"].as_array().unwrap().iter().for_each(|incident| fits("Incident", incident));
        answer["incidents"].as_array().unwrap().len()
    };
    assert_eq!((list("").await, list("?state=closed").await, list("?state=all&limit=1").await), (0, 1, 1));
}

#[tokio::test]
async fn it_comes_back_from_a_unit_is_none_and_is_one_after_all() {
    let house = house().await;
    let act = async |what: &str, body: Value| {
        let answer = house.post(&format!("/api/incidents/20261124-0001/{what}"), Role::Operator, &body).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        fits("IncidentFile", &answer.json());
        answer.json()["incident"].clone()
    };
    act("ack", json!({})).await;
    act("assign", json!({ "unit": "水务局" })).await;
    let back = act("return", json!({ "text": "不属本单位" })).await;
    assert_eq!((back["state"].as_str(), back.get("unit")), (Some("acked"), None));
    let none = act("false_alarm", json!({ "text": "演习" })).await;
    assert_eq!((none["state"].as_str(), none["false_alarm"].as_bool()), (Some("closed"), Some(true)));
    let again = act("reopen", json!({ "text": "并非演习" })).await;
    assert_eq!((again["state"].as_str(), again.get("false_alarm")), (Some("acked"), None));
    let open = house.get("/api/incidents", Some(Role::Viewer)).await.json();
    assert_eq!(open["incidents"].as_array().unwrap().len(), 1);
    let refused = house.post("/api/incidents/20261124-0001/reopen", Role::Operator, &json!({ "text": "x" })).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "open"));
}

#[tokio::test]
async fn signing_needs_no_body_and_twice_is_told_apart() {
    let house = house().await;
    let bare = request(Method::POST, ACK, Some(Role::Operator)).body(Body::empty()).unwrap();
    assert_eq!(house.send(bare).await.status, StatusCode::OK);
    let again = house.post(ACK, Role::Operator, &json!({ "version": 1 })).await;
    assert_eq!(again.status, StatusCode::OK, "a second tap");
    let other = house.post(ACK, Role::Admin, &json!({})).await;
    assert_eq!((other.status, other.code().as_str()), (StatusCode::CONFLICT, "signed_by_other"));
    assert!(other.text.contains("Operator"), "{}", other.text);
}

#[tokio::test]
async fn what_cannot_be_done_says_why() {
    let house = house().await;
    let path = |what: &str| format!("/api/incidents/20261124-0001/{what}");
    for (what, body, status, code) in [
        ("close", json!({ "text": "x" }), StatusCode::CONFLICT, "not_signed"),
        ("note", json!({ "text": "x", "version": 9 }), StatusCode::CONFLICT, "version"),
        ("note", json!({ "text": " " }), StatusCode::BAD_REQUEST, "missing"),
        ("assign", json!({ "text": "x" }), StatusCode::BAD_REQUEST, "missing"),
        ("note", json!({ "text": "水".repeat(4001) }), StatusCode::BAD_REQUEST, "too_long"),
        ("note", json!({ "txt": "x" }), StatusCode::BAD_REQUEST, "malformed"),
        ("note", json!({ "text": "x", "version": -1 }), StatusCode::BAD_REQUEST, "malformed"),
        ("note", json!([]), StatusCode::BAD_REQUEST, "missing"),
    ] {
        let answer = house.post(&path(what), Role::Operator, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{what} {body}: {}", answer.text);
        fits("Problem", &answer.json());
    }
    let unknown = house.post("/api/incidents/20261124-0009/ack", Role::Operator, &json!({})).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    assert_eq!(house.get("/api/incidents/..%2f..%2fetc", Some(Role::Viewer)).await.status, StatusCode::NOT_FOUND);
    for query in ["?state=new", "?limit=0", "?limit=501", "?limit=x"] {
        let answer = house.get(&format!("/api/incidents{query}"), Some(Role::Viewer)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        fits("Problem", &answer.json());
    }
}

#[tokio::test]
async fn long_bodies_are_refused_but_posts_have_limits_of_their_own() {
    let house = house().await;
    let long = json!({ "text": "x".repeat(1 << 20) });
    let answer = house.post("/api/incidents/20261124-0001/note", Role::Operator, &long).await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too_large"));
    let answer = house.post("/api/posts", Role::Push, &json!("x".repeat(4 << 20))).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn what_could_not_be_read_is_shown_to_administrators() {
    let house = house().await;
    let records = (0..3)
        .map(|n| schemas::records::Rejected {
            v: 1,
            at: crate::samples::moment() + jiff::SignedDuration::from_secs(n),
            stage: "analyze".into(),
            origin: format!("posts.raw 0/{n}"),
            reason: "no JSON".into(),
            bytes: "e30=".into(),
        })
        .map(|record| schemas::log::NewRecord {
            partition: 0,
            key: None,
            value: schemas::records::Record::encode(&record),
        })
        .chain([schemas::log::NewRecord { partition: 0, key: None, value: "not a record".into() }])
        .collect();
    house.gateway.log.append(schemas::log::Topic::PostsRejected, records).await.unwrap();
    let answer = house.get("/api/rejected?limit=3", Some(Role::Admin)).await.json();
    let origins: Vec<_> =
        answer["rejected"].as_array().unwrap().iter().map(|record| record["origin"].clone()).collect();
    assert_eq!(origins, ["posts.raw 0/2", "posts.raw 0/1"]);
    fits("Rejected", &answer["rejected"][0]);
}
