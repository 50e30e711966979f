//! Silences, drills and the question why: who may, what is refused, and that the answers are what the API describes.

use super::{acts::fits, *};
use serde_json::json;

fn until(house: &House, hours: i64) -> String {
    (house.gateway.desk.now() + jiff::SignedDuration::from_hours(hours)).to_string()
}

#[tokio::test]
async fn silences_are_set_listed_and_ended() {
    let house = House::open().await;
    let wanted = json!({ "topic": "water", "until": until(&house, 8), "reason": "管网检修" });
    let set = house.post("/api/silences", Role::Operator, &wanted).await;
    assert_eq!(set.status, StatusCode::CREATED, "{}", set.text);
    fits("Silence", &set.json());
    assert_eq!(
        (&set.json()["id"], &set.json()["by"], &set.json()["active"]),
        (&json!("1"), &json!("Operator"), &json!(true))
    );
    house.add_incident().await;
    let incident = house.get("/api/incidents/20261124-0001", Some(Role::Viewer)).await.json();
    assert_eq!(incident["incident"]["silenced_by"], "1", "the board shows it");
    let listed = async |query: &str| {
        let answer = house.get(&format!("/api/silences{query}"), Some(Role::Viewer)).await;
        answer.json()["silences"].as_array().map(Vec::len)
    };
    assert_eq!((listed("").await, listed("?state=all").await), (Some(1), Some(1)));
    let end = async || {
        let request = request(Method::DELETE, "/api/silences/1", Some(Role::Operator));
        house.send(request.body(Body::empty()).unwrap()).await
    };
    let ended = end().await;
    fits("Silence", &ended.json());
    assert_eq!((&ended.json()["ended_by"], &ended.json()["active"]), (&json!("Operator"), &json!(false)));
    assert_eq!(end().await.json()["ended_at"], ended.json()["ended_at"], "what is over stays as it is");
    assert_eq!((listed("").await, listed("?state=all").await), (Some(0), Some(1)));
}

#[tokio::test]
async fn what_may_not_be_silenced_is_refused() {
    let house = House::open().await;
    for (role, body, status) in [
        (Role::Viewer, json!({}), StatusCode::FORBIDDEN),
        (Role::Operator, json!({ "topic": "water", "until": until(&house, 1) }), StatusCode::BAD_REQUEST),
        (Role::Operator, json!({ "topic": "water", "reason": "检修" }), StatusCode::BAD_REQUEST),
        (Role::Operator, json!({ "until": until(&house, 1), "reason": "检修" }), StatusCode::BAD_REQUEST),
        (
            Role::Operator,
            json!({ "topic": "water", "until": until(&house, 9), "reason": "检修" }),
            StatusCode::BAD_REQUEST,
        ),
        (
            Role::Supervisor,
            json!({ "topic": "water", "until": until(&house, 9), "reason": "检修" }),
            StatusCode::CREATED,
        ),
        (
            Role::Operator,
            json!({ "below": "IV", "until": until(&house, 1), "reason": "检修" }),
            StatusCode::BAD_REQUEST,
        ),
    ] {
        let answer = house.post("/api/silences", role, &body).await;
        assert_eq!(answer.status, status, "{body}: {}", answer.text);
    }
    let request = request(Method::DELETE, "/api/silences/7", Some(Role::Operator)).body(Body::empty()).unwrap();
    assert_eq!(house.send(request).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_drill_is_an_incident_that_says_so() {
    let house = House::open().await;
    let begun = house.post("/api/drills", Role::Supervisor, &json!({ "level": "II", "text": "季度演练" })).await;
    assert_eq!(begun.status, StatusCode::CREATED, "{}", begun.text);
    fits("Incident", &begun.json());
    assert_eq!((&begun.json()["drill"], &begun.json()["title"]), (&json!(true), &json!("演练: 季度演练")));
    let long = json!({ "level": "II", "text": "长".repeat(201) });
    assert_eq!(house.post("/api/drills", Role::Supervisor, &long).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(
        house.post("/api/drills", Role::Operator, &json!({ "level": "II" })).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn why_has_an_answer_for_everybody_and_any_time() {
    let house = House::of(&format!("{CONFIG}{}", roster::ROSTER), Vec::new()).await;
    house.add_incident().await;
    let codes = async |query: &str| {
        let path = format!("/api/incidents/20261124-0001/why{query}");
        let answer = house.get(&path, Some(Role::Viewer)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        fits("WhyPaged", &answer.json());
        let reasons = answer.json()["reasons"].as_array().unwrap().clone();
        reasons.iter().map(|reason| reason["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert!(codes("").await.contains(&"waiting".to_owned()), "{:?}", codes("").await);
    assert_eq!(codes("?at=2020-01-01T00:00:00Z").await, ["not_yet"]);
    assert_eq!(codes("?channel=nowhere").await, ["not_addressed"]);
    assert!(codes("?person=%E8%B7%AF%E4%BA%BA").await.contains(&"unknown_person".to_owned()));
    let nobody = house.get("/api/incidents/20261124-0009/why", Some(Role::Viewer)).await;
    assert_eq!(nobody.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn why_has_an_answer_for_a_topic() {
    let house = House::of(&format!("{CONFIG}{}", roster::ROSTER), Vec::new()).await;
    let asked = async |topic: &str, query: &str| {
        let answer = house.get(&format!("/api/topics/{topic}/paged{query}"), Some(Role::Viewer)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        fits("WhyPaged", &answer.json());
        let answer = answer.json();
        (answer["incident"].as_str().map(str::to_owned), answer["reasons"][0]["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(asked("water", "").await, (None, "no_incident".into()));
    house.add_incident().await;
    let incident = Some("20261124-0001".to_owned());
    assert_eq!(asked("water", "").await, (incident.clone(), "waiting".into()));
    assert_eq!(asked("water", "?at=2020-01-01T00:00:00Z").await, (None, "no_incident".into()), "before it");
    assert_eq!(asked("water", "?channel=nowhere").await, (incident.clone(), "not_addressed".into()));
    assert_eq!(asked("smoke", "").await, (None, "no_incident".into()));
    let act = json!({ "text": "节目效果", "version": 1 });
    let none = house.post("/api/incidents/20261124-0001/false_alarm", Role::Operator, &act).await;
    assert_eq!(none.status, StatusCode::OK, "{}", none.text);
    house.wait(60);
    assert_eq!(asked("water", "").await, (incident, "closed".into()));
    let wrong = house.get("/api/topics/water/paged?at=yesterday", Some(Role::Viewer)).await;
    assert_eq!(wrong.status, StatusCode::BAD_REQUEST);
}
