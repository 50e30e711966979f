//! The duty roster as its callers see it: who sees it, who changes it, what is refused, and what calendar apps read.

use super::{acts::fits, *};
use serde_json::json;

/// 11:04 by local time when a test begins: the operator is on duty, and the supervisor comes on at 20:00.
pub(super) const ROSTER: &str = r#"
[[channel]]
id = "desk"
kind = "webhook"
url = "http://127.0.0.1:9/"
[[channel]]
id = "phone"
kind = "webhook"
url = "http://127.0.0.1:9/"
[[person]]
name = "Operator"
channels = ["phone"]
[[duty]]
id = "desk"
name = "值班席"
channels = ["desk"]
[[duty.shift]]
from = "08:00"
to = "20:00"
person = "Operator"
[[duty.shift]]
from = "20:00"
to = "08:00"
people = ["Supervisor"]
turn = "day"
starting = "2026-11-24"
channels = ["desk"]
"#;

impl House {
    async fn with_roster() -> Self {
        Self::of(&format!("{CONFIG}{ROSTER}"), Vec::new()).await
    }

    /// A swap that the operator proposes, and a hand-over to him, each with the number 1.
    pub(super) async fn add_roster(&self) {
        let answer = self.post(CHANGES, Role::Operator, &swap()).await;
        assert_eq!((answer.status, answer.json()["n"].as_i64()), (StatusCode::CREATED, Some(1)), "{}", answer.text);
        let answer = self.post(HANDOVERS, Role::Supervisor, &json!({ "note": "无事" })).await;
        assert_eq!((answer.status, answer.json()["n"].as_i64()), (StatusCode::CREATED, Some(1)), "{}", answer.text);
    }

    async fn bare(&self, method: Method, path: &str, role: Option<Role>) -> Answer {
        self.send(request(method, path, role).body(Body::empty()).unwrap()).await
    }
}

const CHANGES: &str = "/api/roster/desk/changes";
const HANDOVERS: &str = "/api/roster/desk/handovers";

fn swap() -> Value {
    json!({
        "kind": "swap", "from": "2026-11-25T08:00:00+08:00", "to": "2026-11-25T20:00:00+08:00", "person": "Operator",
        "with": { "from": "2026-11-26T20:00:00+08:00", "to": "2026-11-27T08:00:00+08:00", "person": "Supervisor" }, "why": "探亲",
    })
}

fn instead() -> Value {
    json!({
        "kind": "override", "from": "2026-11-25T08:00:00+08:00", "to": "2026-11-25T20:00:00+08:00", "person": "Supervisor",
        "instead_of": "Operator",
    })
}

#[tokio::test]
async fn the_week_is_seen_with_all_that_belongs_to_it() {
    let house = House::with_roster().await;
    house.add_incident().await;
    house.add_roster().await;
    let board = house.get("/api/roster", Some(Role::Viewer)).await.json();
    fits("Roster", &board["rosters"][0]);
    assert_eq!(
        (board["from"].as_str(), board["to"].as_str()),
        (Some("2026-11-22T16:00:00Z"), Some("2026-11-29T16:00:00Z"))
    );
    assert_eq!(board["people"], json!(["Unit", "Operator", "Supervisor"]));
    let roster = &board["rosters"][0];
    assert_eq!(roster["turns"].as_array().unwrap().len(), 15, "two a day, and the one that began on Sunday");
    assert_eq!(roster["now"][0]["person"], "Operator");
    assert_eq!(roster["now"][0]["channels"], json!(["phone"]));
    assert_eq!(roster["next"][0]["from"], "2026-11-24T12:00:00Z");
    assert_eq!(roster["next"][0]["channels"], json!(["desk"]));
    assert_eq!(roster["changes"][0]["agreed_at"], Value::Null);
    assert_eq!(roster["handovers"][0]["incidents"][0]["id"], "20261124-0001");
    let pending = &roster["pending"][0];
    assert_eq!(
        (pending["person"].as_str(), pending["state"].as_str(), pending["overdue"].as_bool()),
        (Some("Operator"), Some("unconfirmed"), Some(true))
    );
    assert_eq!(roster["findings"], json!([]));

    let day =
        house.get("/api/roster?from=2026-11-25T00:00:00Z&to=2026-11-25T01:00:00Z", Some(Role::Viewer)).await.json();
    assert_eq!(day["rosters"][0]["turns"].as_array().unwrap().len(), 1, "one ends when the other begins: {day}");
    for wrong in ["?from=2026-11-25T00:00:00Z&to=2026-11-25T00:00:00Z", "?to=2027-06-01T00:00:00Z"] {
        assert_eq!(house.get(&format!("/api/roster{wrong}"), Some(Role::Viewer)).await.code(), "span", "{wrong}");
    }
    assert_eq!(house.get("/api/roster?from=yesterday", Some(Role::Viewer)).await.code(), "query");
}

#[tokio::test]
async fn a_swap_is_proposed_agreed_to_and_withdrawn() {
    let house = House::with_roster().await;
    let proposed = house.post(CHANGES, Role::Operator, &swap()).await;
    assert_eq!(proposed.status, StatusCode::CREATED, "{}", proposed.text);
    fits("RosterChange", &proposed.json());
    let agree = format!("{CHANGES}/1/agree");
    assert_eq!(house.bare(Method::POST, &agree, Some(Role::Operator)).await.code(), "not_yours");
    let agreed = house.bare(Method::POST, &agree, Some(Role::Supervisor)).await;
    assert_eq!((agreed.status, agreed.json()["agreed_by"].as_str()), (StatusCode::OK, Some("Supervisor")));
    let board = house.get("/api/roster", Some(Role::Viewer)).await.json();
    let swapped =
        board["rosters"][0]["turns"].as_array().unwrap().iter().filter(|turn| turn["source"] == "swap").count();
    assert_eq!(swapped, 2);
    assert_eq!(house.bare(Method::DELETE, &format!("{CHANGES}/1"), Some(Role::Operator)).await.code(), "not_yours");
    let gone = house.bare(Method::DELETE, &format!("{CHANGES}/1"), Some(Role::Admin)).await;
    assert_eq!((gone.status, gone.json()["withdrawn_by"].as_str()), (StatusCode::OK, Some("Admin")));
    assert_eq!(house.bare(Method::POST, &agree, Some(Role::Supervisor)).await.code(), "withdrawn");
    let audit = house.gateway.desk.records.audit_entries(9).await.unwrap();
    let mut told: Vec<_> =
        audit.iter().map(|entry| (entry.who.as_str(), entry.action.as_str(), entry.object.as_str())).collect();
    told.sort_unstable();
    assert_eq!(
        told,
        [
            ("Admin", "roster_change_withdrawn", "desk/1"),
            ("Operator", "roster_change_proposed", "desk/1"),
            ("Supervisor", "roster_change_agreed", "desk/1")
        ]
    );
}

#[tokio::test]
async fn what_may_not_be_or_makes_no_sense_is_refused() {
    let house = House::with_roster().await;
    house.add_roster().await;
    assert_eq!(house.post(CHANGES, Role::Operator, &instead()).await.code(), "not_yours");
    let made = house.post(CHANGES, Role::Supervisor, &instead()).await;
    assert_eq!((made.status, made.json()["n"].as_i64()), (StatusCode::CREATED, Some(2)), "{}", made.text);
    let with = |key: &str, value: Value| {
        let mut body = instead();
        body[key] = value;
        body
    };
    for (body, code) in [
        (json!({}), "malformed"),
        (with("more", json!(1)), "malformed"),
        (with("kind", json!("holiday")), "malformed"),
        (with("from", json!("25日")), "malformed"),
        (with("person", json!("长".repeat(65))), "too_long"),
        (with("person", json!("Viewer")), "person"),
        (with("instead_of", json!("Viewer")), "not_on_duty"),
        (with("to", json!("2026-11-24T00:00:00Z")), "times"),
    ] {
        let answer = house.post(CHANGES, Role::Admin, &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (StatusCode::BAD_REQUEST, code), "{body}");
    }
    for path in ["/api/roster/nothing/changes", "/api/roster/nothing/handovers"] {
        let body = if path.ends_with("changes") { instead() } else { json!({ "note": "x" }) };
        assert_eq!(house.post(path, Role::Admin, &body).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    for path in ["changes/9/agree", "handovers/9/confirm"] {
        let answer = house.bare(Method::POST, &format!("/api/roster/desk/{path}"), Some(Role::Admin)).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(house.bare(Method::DELETE, &format!("{CHANGES}/x"), Some(Role::Admin)).await.code(), "number");
}

#[tokio::test]
async fn who_goes_writes_and_who_comes_confirms() {
    let house = House::with_roster().await;
    let written = house.post(HANDOVERS, Role::Operator, &json!({ "note": " 两件未办结\u{7}\n见清单 " })).await;
    assert_eq!(written.status, StatusCode::CREATED, "{}", written.text);
    fits("RosterHandover", &written.json());
    assert_eq!(
        (written.json()["note"].as_str(), &written.json()["to"]),
        (Some("两件未办结\n见清单"), &json!(["Supervisor"]))
    );
    assert_eq!(
        house.post(HANDOVERS, Role::Operator, &json!({ "note": "x", "by": "Supervisor" })).await.code(),
        "not_yours"
    );
    assert_eq!(house.post(HANDOVERS, Role::Admin, &json!({ "note": "x" })).await.code(), "not_on_duty");
    assert_eq!(house.post(HANDOVERS, Role::Operator, &json!({ "note": " \n" })).await.code(), "note");
    assert_eq!(house.post(HANDOVERS, Role::Operator, &json!({ "note": "长".repeat(4001) })).await.code(), "too_long");
    let confirm = format!("{HANDOVERS}/1/confirm");
    assert_eq!(house.bare(Method::POST, &confirm, Some(Role::Operator)).await.code(), "not_yours");
    let first = house.bare(Method::POST, &confirm, Some(Role::Supervisor)).await.json();
    house.wait(60);
    assert_eq!(house.bare(Method::POST, &confirm, Some(Role::Admin)).await.json(), first, "it stays as it was");
    let for_somebody =
        house.post(HANDOVERS, Role::Supervisor, &json!({ "note": "代写", "by": "Operator" })).await.json();
    assert_eq!(
        (for_somebody["by"].as_str(), for_somebody["written_by"].as_str()),
        (Some("Operator"), Some("Supervisor"))
    );
}

#[tokio::test]
async fn a_roster_is_read_as_a_calendar_until_its_address_is_revoked() {
    let house = House::with_roster().await;
    let own = house.get("/api/roster/desk.ics?person=Operator", Some(Role::Viewer)).await;
    assert_eq!(own.headers[header::CONTENT_TYPE], "text/calendar; charset=utf-8");
    assert!(
        own.text.starts_with("BEGIN:VCALENDAR\r\n") && own.text.contains("SUMMARY:值班: Operator (值班席)\r\n"),
        "{}",
        own.text
    );
    assert!(!own.text.contains("Supervisor"));
    assert!(house.get("/api/roster/desk.ics", Some(Role::Viewer)).await.text.contains("Supervisor"));
    assert_eq!(house.get("/api/roster/nothing.ics", Some(Role::Viewer)).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/api/roster/desk", Some(Role::Viewer)).await.status, StatusCode::NOT_FOUND);

    assert_eq!(house.get("/api/calendar", Some(Role::Operator)).await.json(), json!({ "feed": null }));
    let make = async |whose: &str| {
        let answer = house.post("/api/calendar", Role::Operator, &json!({ "whose": whose })).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text);
        answer.json()["address"].as_str().unwrap().strip_prefix("https://wanglou.example").unwrap().to_owned()
    };
    let first = make("mine").await;
    assert_eq!(first.len(), "/calendar/.ics".len() + 32);
    let read = house.get(&first, None).await;
    assert!(
        read.status == StatusCode::OK && read.text.contains("Operator") && !read.text.contains("Supervisor"),
        "{}",
        read.text
    );
    let standing = house.get("/api/calendar", Some(Role::Operator)).await;
    fits("CalendarFeed", &standing.json()["feed"]);
    assert!(!standing.text.contains(&first[10..42]), "the address is shown once");
    let second = make("all").await;
    assert_eq!(house.get(&first, None).await.status, StatusCode::NOT_FOUND, "a new one ends the one before");
    assert!(house.get(&second, None).await.text.contains("Supervisor"));
    assert_eq!(house.bare(Method::POST, &second, None).await.status, StatusCode::METHOD_NOT_ALLOWED, "read only");
    for _ in 0..2 {
        assert_eq!(
            house.bare(Method::DELETE, "/api/calendar", Some(Role::Operator)).await.status,
            StatusCode::NO_CONTENT
        );
        assert_eq!(house.get(&second, None).await.status, StatusCode::NOT_FOUND);
    }
    for path in ["/calendar/x.ics", "/calendar/.ics", &second[..42], "/calendar/%00.ics"] {
        assert_eq!(house.get(path, None).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let audit = house.gateway.desk.records.audit_entries(9).await.unwrap();
    assert!(audit.iter().all(|entry| !entry.detail.contains(&second[10..42])) && audit.len() == 3, "{audit:?}");
}
