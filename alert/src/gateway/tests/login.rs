//! Sessions: logging in, what a browser may be tricked into, and guessing.

use super::*;

async fn log_in(house: &House, name: &str, password: &str) -> Answer {
    let body = serde_json::json!({ "name": name, "password": password }).to_string();
    let request = Request::post("/api/session").header(header::CONTENT_TYPE, "application/json");
    house.send(request.body(Body::from(body)).unwrap()).await
}

/// The cookie of a new session.
async fn session(house: &House) -> String {
    house.add_user().await;
    let answer = log_in(house, "王敏", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap().to_owned();
    for attribute in ["; HttpOnly", "; SameSite=Strict", "; Path=/", "; Secure", "; Max-Age=43200"] {
        assert!(cookie.contains(attribute), "{cookie}");
    }
    cookie.split(';').next().unwrap().to_owned()
}

async fn with(house: &House, method: Method, path: &str, cookie: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header(header::COOKIE, format!("a=b; {cookie}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if !body.is_empty() {
        request = request.header(header::CONTENT_LENGTH, body.len());
    }
    house.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_session_lasts_until_it_is_ended_or_runs_out() {
    let house = House::open().await;
    let cookie = session(&house).await;
    let who = async || with(&house, Method::GET, "/api/session", &cookie, &[], "").await;
    let answer = who().await;
    let known =
        serde_json::json!({ "name": "王敏", "role": "operator", "timezone": "Asia/Shanghai", "closes": "17:00" });
    assert_eq!(answer.json(), known);
    house.wait(12 * 3600 - 1);
    assert_eq!(who().await.status, StatusCode::OK);
    house.wait(1);
    assert_eq!(who().await.status, StatusCode::UNAUTHORIZED);

    let again = log_in(&house, "王敏", PASSWORD).await;
    let cookie = again.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
    let own = [("sec-fetch-site", "same-origin")];
    let out = with(&house, Method::DELETE, "/api/session", &cookie, &own, "").await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(with(&house, Method::GET, "/api/session", &cookie, &[], "").await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn other_sites_cannot_act_through_a_browser() {
    let house = House::open().await;
    house.add_incident().await;
    let cookie = session(&house).await;
    let json = ("content-type", "application/json");
    let text = "{\"text\":\"x\"}";
    for (headers, wanted) in [
        (vec![json], StatusCode::FORBIDDEN),
        (vec![json, ("sec-fetch-site", "cross-site")], StatusCode::FORBIDDEN),
        (vec![json, ("sec-fetch-site", "same-site")], StatusCode::FORBIDDEN),
        (vec![json, ("sec-fetch-site", "cross-site"), ("origin", "https://a"), ("host", "a")], StatusCode::FORBIDDEN),
        (vec![json, ("origin", "https://evil.example"), ("host", "wanglou.example")], StatusCode::FORBIDDEN),
        (vec![json, ("origin", "null"), ("host", "wanglou.example")], StatusCode::FORBIDDEN),
        (vec![("sec-fetch-site", "same-origin")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (vec![("sec-fetch-site", "same-origin"), ("content-type", "text/plain")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (vec![json, ("sec-fetch-site", "same-origin")], StatusCode::OK),
        (vec![json, ("sec-fetch-site", "none")], StatusCode::OK),
        (vec![json, ("origin", "https://wanglou.example"), ("host", "wanglou.example")], StatusCode::OK),
    ] {
        let path = "/api/incidents/20261124-0001/note";
        let answer = with(&house, Method::POST, path, &cookie, &headers, text).await;
        assert_eq!(answer.status, wanted, "{headers:?}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_wrong_token_is_not_made_good_by_a_session() {
    let house = House::open().await;
    let cookie = session(&house).await;
    let answer = with(&house, Method::GET, "/api/session", &cookie, &[("authorization", "Bearer wrong")], "").await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_written_down() {
    let house = House::open().await;
    house.add_user().await;
    for _ in 0..5 {
        let answer = log_in(&house, "王敏", "a wrong password").await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::UNAUTHORIZED, "wrong_password"));
    }
    let answer = log_in(&house, "王敏", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers[header::RETRY_AFTER], "901");
    house.wait(901);
    assert_eq!(log_in(&house, "王敏", PASSWORD).await.status, StatusCode::OK);
    let entries = house.gateway.desk.records.audit_entries(99).await.unwrap();
    let told: Vec<_> = entries.iter().map(|entry| (entry.who.as_str(), entry.action.as_str())).collect();
    assert_eq!(told[0], ("王敏", "login"));
    assert_eq!(told[1..], [("王敏", "login_failed"); 5]);
}

#[tokio::test]
async fn an_unknown_name_is_answered_like_a_wrong_password() {
    let house = House::open().await;
    house.add_user().await;
    let (unknown, wrong) = (log_in(&house, "李雷", PASSWORD).await, log_in(&house, "王敏", "x").await);
    assert_eq!((unknown.status, unknown.text), (wrong.status, wrong.text));
}

#[tokio::test]
async fn what_is_no_log_in_is_refused() {
    let house = House::open().await;
    for (body, kind, wanted) in [
        ("{", "application/json", StatusCode::BAD_REQUEST),
        ("{\"name\":\"x\"}", "application/json", StatusCode::BAD_REQUEST),
        ("{\"name\":\"x\",\"password\":\"y\",\"role\":\"admin\"}", "application/json", StatusCode::BAD_REQUEST),
        ("name=x&password=y", "application/x-www-form-urlencoded", StatusCode::UNSUPPORTED_MEDIA_TYPE),
    ] {
        let request = Request::post("/api/session").header(header::CONTENT_TYPE, kind).body(Body::from(body)).unwrap();
        assert_eq!(house.send(request).await.status, wanted, "{body}");
    }
    let cross = Request::post("/api/session").header(header::CONTENT_TYPE, "application/json");
    let cross =
        cross.header("sec-fetch-site", "cross-site").body(Body::from("{\"name\":\"x\",\"password\":\"y\"}")).unwrap();
    assert_eq!(house.send(cross).await.status, StatusCode::FORBIDDEN);
}
