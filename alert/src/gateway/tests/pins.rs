//! One's own PIN, set in the console.

use super::*;

/// Logs 王敏 in; the session's cookie.
async fn session(house: &House) -> String {
    house.add_user().await;
    let body = serde_json::json!({ "name": "王敏", "password": PASSWORD }).to_string();
    let request = Request::post("/api/session").header(header::CONTENT_TYPE, "application/json");
    let answer = house.send(request.body(Body::from(body)).unwrap()).await;
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

async fn set(house: &House, cookie: &str, site: &str, password: &str, pin: &str) -> Answer {
    let body = serde_json::json!({ "password": password, "pin": pin }).to_string();
    let request = Request::put("/api/session/pin")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONTENT_LENGTH, body.len())
        .header(header::COOKIE, cookie)
        .header("sec-fetch-site", site);
    house.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_person_sets_their_own_with_their_password() {
    let house = House::open().await;
    let cookie = session(&house).await;
    for (password, pin, status, code) in [
        ("another password", "480513", 403, "wrong_password"),
        (PASSWORD, "123456", 400, "pin"),
        (PASSWORD, "4805", 400, "pin"),
    ] {
        let answer = set(&house, &cookie, "same-origin", password, pin).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code));
    }
    assert_eq!(set(&house, &cookie, "cross-site", PASSWORD, "480513").await.status, StatusCode::FORBIDDEN);
    let records = &house.gateway.desk.records;
    assert_eq!(records.pin("王敏").await.unwrap(), None);
    assert_eq!(set(&house, &cookie, "same-origin", PASSWORD, "480513").await.status, StatusCode::NO_CONTENT);
    let stored = records.pin("王敏").await.unwrap().unwrap();
    assert!(crate::password::verify("480513", Some(&stored)));
    let audit = records.audit_entries(9).await.unwrap();
    let actions: Vec<&str> = audit.iter().map(|entry| entry.action.as_str()).collect();
    assert!(actions.contains(&"pin_set") && actions.contains(&"pin_refused"), "{actions:?}");
    assert!(!format!("{audit:?}").contains("480513"), "the audit record does not say what it is");
}

#[tokio::test]
async fn programs_have_none() {
    let house = House::open().await;
    house.add_user().await;
    let body = serde_json::json!({ "password": PASSWORD, "pin": "480513" }).to_string();
    for role in Role::ALL {
        let request =
            request(Method::PUT, "/api/session/pin", Some(role)).header(header::CONTENT_TYPE, "application/json");
        let answer = house.send(request.body(Body::from(body.clone())).unwrap()).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::CONFLICT, "no_user"), "{role:?}");
    }
}

#[tokio::test]
async fn the_password_is_not_guessed_here_either() {
    let house = House::open().await;
    let cookie = session(&house).await;
    for _ in 0..5 {
        let answer = set(&house, &cookie, "same-origin", "another password", "480513").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
    }
    let answer = set(&house, &cookie, "same-origin", PASSWORD, "480513").await;
    assert_eq!((answer.status, answer.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "too_many_tries"));
}
