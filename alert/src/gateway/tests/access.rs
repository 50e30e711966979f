//! Who may do what: the API's description is the table, and every path is tried with every role and with none.

use super::*;

#[tokio::test]
async fn every_path_is_open_to_whom_the_description_says_and_to_nobody_else() {
    let api: Value = serde_json::from_str(schemas::OPENAPI).unwrap();
    let house = House::of(&format!("{CONFIG}{}", roster::ROSTER), Vec::new()).await;
    house.add_incident().await;
    let acted = async |what: &str, body: Value| {
        house.post(&format!("/api/incidents/20261124-0001/{what}"), Role::Operator, &body).await.status
    };
    assert_eq!(acted("ack", serde_json::json!({})).await, StatusCode::OK);
    assert_eq!(acted("assign", serde_json::json!({ "unit": "水务局" })).await, StatusCode::OK);
    house.add_roster().await;
    let silence = serde_json::json!({ "below": "III", "reason": "检修", "until": house.gateway.desk.now() + jiff::SignedDuration::from_hours(1) });
    assert_eq!(house.post("/api/silences", Role::Operator, &silence).await.status, StatusCode::CREATED);
    let mut tried = 0;
    for (path, methods) in api["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let roles: Vec<&str> =
                operation["x-roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
            for role in Role::ALL.map(Some).into_iter().chain([None]) {
                let path = filled(path);
                let status = status(&house, method, &path, role).await;
                let name = role.map(|role| serde_json::to_value(role).unwrap());
                let wanted = match &name {
                    _ if roles.contains(&"open") => None,
                    None => Some(StatusCode::UNAUTHORIZED),
                    Some(_) if roles.contains(&"any") => None,
                    Some(name) if roles.contains(&name.as_str().unwrap()) => None,
                    Some(_) => Some(StatusCode::FORBIDDEN),
                };
                let what = format!("{method} {path} by {name:?}: {status}");
                match wanted {
                    Some(wanted) => assert_eq!(status, wanted, "{what}"),
                    None => assert!(!denied(status, &path), "{what}"),
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 100, "{tried}");
}

/// A path with something in the place of each parameter.
fn filled(path: &str) -> String {
    let roster = path.replace("/roster/{id}", "/roster/desk").replace("{n}", "1");
    let roster = roster.replace("/silences/{id}", "/silences/1");
    roster.replace("{id}", "20261124-0001").replace("{post}", "forum%3A1").replace("{word}", "%E8%83%8C%E8%A1%97")
}

/// A log-in with a wrong password answers 401 as it should, though it is open.
fn denied(status: StatusCode, path: &str) -> bool {
    let unauthorised = status == StatusCode::UNAUTHORIZED && path != "/api/session";
    unauthorised || matches!(status, StatusCode::FORBIDDEN | StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED)
}

async fn status(house: &House, method: &str, path: &str, role: Option<Role>) -> StatusCode {
    let method: Method = method.to_uppercase().parse().unwrap();
    let body = if path == "/api/session" { "{\"name\":\"x\",\"password\":\"y\"}" } else { "{}" };
    let body = if method == Method::POST { Body::from(body) } else { Body::empty() };
    let request = request(method, path, role).header(header::CONTENT_TYPE, "application/json").body(body).unwrap();
    house.router.clone().oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn a_units_people_see_and_do_what_is_theirs_and_nothing_else() {
    let house = House::open().await;
    house.add_incident().await;
    let one = "/api/incidents/20261124-0001";
    let listed =
        async |role| house.get("/api/incidents", Some(role)).await.json()["incidents"].as_array().unwrap().len();
    assert_eq!((listed(Role::Operator).await, listed(Role::Unit).await), (1, 0));
    assert_eq!(house.get(one, Some(Role::Unit)).await.status, StatusCode::NOT_FOUND);
    let note = serde_json::json!({ "text": "已到场" });
    assert_eq!(house.post(&format!("{one}/note"), Role::Unit, &note).await.status, StatusCode::NOT_FOUND);
    house.post(&format!("{one}/ack"), Role::Operator, &serde_json::json!({})).await;
    let hand = |unit: &str, assisting: &[&str]| serde_json::json!({ "unit": unit, "assisting": assisting });
    let assign = format!("{one}/assign");
    assert_eq!(house.post(&assign, Role::Operator, &hand("住建局", &["水务局"])).await.status, StatusCode::OK);
    assert_eq!(house.get(one, Some(Role::Unit)).await.status, StatusCode::OK, "it assists");
    assert_eq!(house.post(&assign, Role::Operator, &hand("水务局", &[])).await.status, StatusCode::OK);
    assert_eq!(listed(Role::Unit).await, 1);
    for (act, body, wanted) in [
        ("unit_ack", serde_json::json!({}), StatusCode::OK),
        ("note", note.clone(), StatusCode::OK),
        ("answer", note.clone(), StatusCode::OK),
        ("respond", note.clone(), StatusCode::FORBIDDEN),
        ("close", note.clone(), StatusCode::FORBIDDEN),
        ("return", note, StatusCode::OK),
    ] {
        assert_eq!(house.post(&format!("{one}/{act}"), Role::Unit, &body).await.status, wanted, "{act}");
    }
    assert_eq!(house.get(one, Some(Role::Unit)).await.status, StatusCode::NOT_FOUND, "it is not theirs any more");
}

#[tokio::test]
async fn incidents_are_merged_split_and_their_clocks_held() {
    let house = House::open().await;
    house.add_incident().await;
    let identity = Identity { cluster: "c".into(), topic_id: "t".into() };
    let mut pulse = crate::samples::pulse("gas");
    pulse.samples.clear();
    house.gateway.desk.take(&[pulse], &identity, 0, 2).await.unwrap();
    let (one, two) = ("20261124-0001", "20261124-0002");
    let act = async |id: &str, what: &str, role, body: Value| {
        house.post(&format!("/api/incidents/{id}/{what}"), role, &body).await
    };
    let why = serde_json::json!({ "clock": "response", "text": "等待检测报告" });
    assert_eq!(act(one, "pause", Role::Operator, why.clone()).await.status, StatusCode::FORBIDDEN);
    let held = act(one, "pause", Role::Supervisor, why).await;
    assert_eq!(held.json()["incident"]["clocks"][0]["paused"]["why"], "等待检测报告", "{}", held.text);
    let again = act(one, "resume", Role::Supervisor, serde_json::json!({ "clock": "press" })).await;
    assert_eq!((again.status, again.code().as_str()), (StatusCode::CONFLICT, "no_clock"));
    for (body, status, code) in [
        (serde_json::json!({ "into": two }), StatusCode::BAD_REQUEST, "missing"),
        (serde_json::json!({ "into": two, "text": "x", "version": 99 }), StatusCode::CONFLICT, "version"),
        (serde_json::json!({ "into": one, "text": "x" }), StatusCode::CONFLICT, "apart"),
        (serde_json::json!({ "into": "20261124-0009", "text": "x" }), StatusCode::NOT_FOUND, "not_found"),
    ] {
        let answer = act(one, "merge", Role::Operator, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
    }
    let merged =
        act(two, "merge", Role::Operator, serde_json::json!({ "into": one, "text": "同一处施工" })).await.json();
    assert_eq!((&merged["incident"]["id"], &merged["incident"]["related"][0]["id"]), (&one.into(), &"gas".into()));
    let gone = house.get(&format!("/api/incidents/{two}"), Some(Role::Viewer)).await.json();
    assert_eq!(gone["incident"]["merged_into"], one);
    let split =
        act(one, "split", Role::Operator, serde_json::json!({ "topics": ["gas"], "text": "两回事" })).await.json();
    assert_eq!((&split["incident"]["id"], &split["incident"]["split_from"]), (&"20261124-0003".into(), &one.into()));
}

#[tokio::test]
async fn what_is_not_described_is_denied_first_and_not_found_then() {
    let house = House::open().await;
    for path in ["/api", "/api/", "/api/nothing", "/api/incidents/x/y/z", "/api/session/x", "/api/../metrics"] {
        assert_eq!(house.get(path, None).await.status, StatusCode::UNAUTHORIZED, "{path}");
        let answer = house.get(path, Some(Role::Admin)).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::NOT_FOUND, "not_found"), "{path}");
    }
    let request = request(Method::DELETE, "/api/incidents", Some(Role::Admin)).body(Body::empty()).unwrap();
    assert_eq!(house.send(request).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn only_known_tokens_are_callers() {
    let house = House::open().await;
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic token-Admin",
        "token-Admin",
        "Bearer token-Admin x",
        "Bearer é",
    ] {
        let request = Request::get("/api/incidents").header(header::AUTHORIZATION, value.as_bytes());
        assert_eq!(
            house.send(request.body(Body::empty()).unwrap()).await.status,
            StatusCode::UNAUTHORIZED,
            "{value:?}"
        );
    }
    let request = Request::get("/api/incidents").header(header::AUTHORIZATION, "bearer token-Viewer");
    assert_eq!(house.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_is_not_in_the_environment_is_named() {
    let house = House::open().await;
    let config = "[[http.token]]\nname = \"feed\"\nrole = \"push\"\nenv = \"WANGLOU_TEST_NOT_SET\"\n";
    let settings = Settings::parse(config, []).unwrap();
    let (desk, log) = (Arc::clone(&house.gateway.desk), house.gateway.log.clone());
    let error = Gateway::new(&settings, desk, log, Vec::new(), Shutdown::new()).err().unwrap().to_string();
    assert!(error.contains("WANGLOU_TEST_NOT_SET") && error.contains("feed"), "{error}");
}

#[tokio::test]
async fn what_a_request_says_of_itself_is_taken_out() {
    let house = House::open().await;
    let request = request(Method::POST, "/api/posts", Some(Role::Push))
        .header("X-Wanglou-Caller", "admin")
        .header("x-wanglou-role", "admin")
        .body(Body::from("{}"))
        .unwrap();
    let answer = house.send(request).await;
    assert_eq!((answer.status, answer.text.as_str()), (StatusCode::OK, "Push 2"));
}
