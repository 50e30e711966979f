//! What every records database must do, as a suite that each one's tests run: `conformance::run(make)`.
//!
//! `make` yields settings that name records that no test has used before.

// A suite speaks by failing: unlike the rest of the crate it may panic.
#![allow(clippy::unwrap_used, clippy::panic, clippy::expect_used, missing_docs)]

use super::{CalendarFeed, Chain, Link, Page, Records, RecordsError, SavedSearch, Tx, User};
use crate::{
    clock::Happening,
    escalation::Ladder,
    incident::{Command, File},
    lease::{Candidate, Outcome},
    matter::{Matter, join},
    outbox::Spent,
    quiet::silence::{Scope, Silence},
    roster::{Change, change::Kind, handover::Handover},
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    kit::{
        auth::{Caller, Role},
        settings::Settings,
    },
    log::{Identity, Topic},
    records::{AuditEntry, DeliveryState, Incident, IncidentRecord, Level, Record, State, TopicKind, TopicRef},
};

/// Runs the whole suite, each part on records of its own.
pub async fn run(make: impl AsyncFn() -> Settings) {
    nothing_happens_without_a_commit(&make().await).await;
    an_incident_is_read_back_as_it_was_written(&make().await).await;
    incidents_are_listed_youngest_first(&make().await).await;
    two_writers_of_one_incident_are_told_apart(&make().await).await;
    ids_count_up_by_day(&make().await).await;
    the_feed_keeps_its_order(&make().await).await;
    pages_wait_are_sent_and_given_up(&make().await).await;
    pages_are_merged_and_passed_on(&make().await).await;
    what_quotas_were_spent_on_is_kept(&make().await).await;
    what_keeps_pages_back_is_kept(&make().await).await;
    what_is_due_is_found_until_it_is_signed(&make().await).await;
    topics_lead_to_the_incident_that_they_joined_last(&make().await).await;
    positions_are_kept_with_their_log(&make().await).await;
    users_and_sessions(&make().await).await;
    searches_are_kept_for_whoever_may_see_them(&make().await).await;
    the_roster_is_kept(&make().await).await;
    what_links_need_is_kept(&make().await).await;
    audit_entries_are_added_once(&make().await).await;
    the_audit_record_is_chained(&make().await).await;
    many_writers_lose_nothing(&make().await).await;
    no_text_is_refused(&make().await).await;
    one_holds_the_lease(&make().await).await;
    who_was_passed_over_changes_nothing(&make().await).await;
    nobody_takes_over_in_the_middle_of_a_change(&make().await).await;
    many_may_open_at_once(&make().await).await;
    a_newer_programs_records_are_refused(&make().await).await;
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

fn file(id: &str, topic: &str, opened: i64) -> File {
    let incident = Incident {
        id: id.into(),
        version: 0,
        title: "停水: 抚琴街道 '; DROP TABLE incidents; --".into(),
        level: Level::III,
        state: State::New,
        topic: TopicRef { id: topic.into(), kind: TopicKind::Watch, name: "停水".into() },
        opened_at: at(opened),
        updated_at: at(opened),
        ack_due_at: Some(at(opened + 900)),
        acked_by: None,
        acked_at: None,
        unit: None,
        unit_id: None,
        assisting: Vec::new(),
        unit_acked_by: None,
        unit_acked_at: None,
        proposed: Vec::new(),
        category: None,
        clocks: Vec::new(),
        related: Vec::new(),
        merged_into: None,
        split_from: None,
        false_alarm: false,
        drill: false,
        silenced_by: None,
        spikes: vec!["s1".into()],
        count: 18,
        peak: 18,
        negative_share: 0.875,
        reach: 42,
        surprise: 9.25,
        why: "黄色 III 级 🚰".into(),
        samples: Vec::new(),
    };
    let mut file = File { incident, matter: Matter::default(), seq: 0, revision: 0, fresh: Vec::new() };
    Ladder::of(None).follow(&mut file, Happening::Opened, at(opened));
    file.change(at(opened), "wanglou", "opened", "热度上升");
    file
}

/// Begins a change as the one process that is active.
async fn begin(records: &Records) -> Tx {
    let outcome = records.claim(&Candidate::new("suite"), None).await.unwrap();
    records.begin_in(outcome.epoch().unwrap()).await.unwrap()
}

async fn save(records: &Records, file: &mut File) {
    let mut tx = begin(records).await;
    tx.save(file).await.unwrap();
    tx.commit().await.unwrap();
}

async fn nothing_happens_without_a_commit(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let mut tx = begin(&records).await;
    tx.save(&mut file("20261124-0001", "water", 0)).await.unwrap();
    tx.move_position(Topic::TopicsPulse, &Identity { cluster: "c".into(), topic_id: "t".into() }, 0, 7).await.unwrap();
    drop(tx);
    assert!(records.incident("20261124-0001").await.unwrap().is_none());
    assert!(records.position(Topic::TopicsPulse).await.unwrap().is_none());
    assert!(records.feed(9).await.unwrap().is_none());
}

async fn an_incident_is_read_back_as_it_was_written(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let mut written = file("20261124-0001", "water", 0);
    save(&records, &mut written).await;
    let command = Command::assign("水务局", "请速处置");
    assert!(written.act(&Command::Ack, "王敏", None, at(5)).unwrap());
    assert!(written.act(&command, "王敏", None, at(6)).unwrap());
    save(&records, &mut written).await;
    records.close().await;

    let records = Records::open(settings).await.unwrap();
    assert_eq!(records.incident("20261124-0001").await.unwrap().unwrap(), written);
    let history = records.history("20261124-0001").await.unwrap();
    let told: Vec<_> = history.iter().map(|event| (event.seq, event.who.as_str(), event.action.as_str())).collect();
    assert_eq!(told, [(1, "wanglou", "opened"), (2, "王敏", "acked"), (3, "王敏", "assigned")]);
    assert_eq!(history[2].text, "交办 水务局: 请速处置");
}

async fn incidents_are_listed_youngest_first(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    for n in 1..=4_u32 {
        let mut file = file(&format!("20261124-000{n}"), &format!("t{n}"), i64::from(n));
        if n == 2 {
            file.incident.state = State::Closed;
        }
        save(&records, &mut file).await;
    }
    let ids = async |open, most| -> Vec<String> {
        let incidents = records.incidents(open, most).await.unwrap();
        incidents.iter().map(|incident| incident.id[9..].to_owned()).collect()
    };
    assert_eq!(ids(Some(true), 9).await, ["0004", "0003", "0001"]);
    assert_eq!(ids(Some(false), 9).await, ["0002"]);
    assert_eq!(ids(None, 2).await, ["0004", "0003"]);
    assert_eq!(records.open_incidents().await.unwrap(), 3);
    let mut tx = begin(&records).await;
    assert_eq!(tx.open_topics().await.unwrap(), ["t1", "t3", "t4"].map(str::to_owned).into());
    assert_eq!(tx.youngest_of("t2").await.unwrap().unwrap().incident.state, State::Closed);
    assert!(tx.youngest_of("t9").await.unwrap().is_none());
}

async fn two_writers_of_one_incident_are_told_apart(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let mut first = file("20261124-0001", "water", 0);
    save(&records, &mut first).await;
    let mut second = first.clone();
    first.act(&Command::Ack, "王敏", None, at(1)).unwrap();
    save(&records, &mut first).await;
    second.act(&Command::Ack, "李雷", None, at(1)).unwrap();
    let mut tx = begin(&records).await;
    assert!(matches!(tx.save(&mut second).await, Err(RecordsError::Raced(_))));
    drop(tx);
    assert_eq!(records.incident("20261124-0001").await.unwrap().unwrap().incident.acked_by.as_deref(), Some("王敏"));
}

async fn ids_count_up_by_day(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    for (n, last) in [(0, "20261124-0009"), (1, "20261124-9999"), (2, "20261124-10000"), (3, "20261123-0500")] {
        save(&records, &mut file(last, "water", n)).await;
    }
    let mut tx = begin(&records).await;
    assert_eq!(tx.next_id("20261124").await.unwrap(), "20261124-10001");
    assert_eq!(tx.next_id("20261123").await.unwrap(), "20261123-0501");
    assert_eq!(tx.next_id("20261125").await.unwrap(), "20261125-0001");
}

async fn the_feed_keeps_its_order(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let mut one = file("20261124-0001", "water", 0);
    one.act(&Command::Ack, "王敏", None, at(1)).unwrap();
    save(&records, &mut one).await;
    save(&records, &mut file("20261124-0002", "gas", 2)).await;
    let (through, fed) = records.feed(2).await.unwrap().unwrap();
    let told: Vec<_> = fed
        .iter()
        .map(|(id, record)| (id.as_str(), IncidentRecord::decode(record.as_bytes()).unwrap().event.action))
        .collect();
    assert_eq!(told, [("20261124-0001", "opened".to_owned()), ("20261124-0001", "acked".to_owned())]);
    let mut tx = begin(&records).await;
    tx.fed(through).await.unwrap();
    tx.commit().await.unwrap();
    let (through, fed) = records.feed(9).await.unwrap().unwrap();
    assert_eq!(fed[0].0, "20261124-0002");
    save(&records, &mut file("20261124-0003", "road", 3)).await;
    let mut tx = begin(&records).await;
    tx.fed(through).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.feed(9).await.unwrap().unwrap().1[0].0, "20261124-0003", "what came meanwhile stays");
}

async fn pages_wait_are_sent_and_given_up(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    save(&records, &mut file("20261124-0001", "water", 0)).await;
    let page = |key: &str, channel: &str, urgency| Page {
        key: key.into(),
        incident: Some("20261124-0001".into()),
        channel: channel.into(),
        reason: "opened".into(),
        urgency,
        body: "{\"文\":\"\u{7f}\"}".into(),
        created_at: at(1),
    };
    let mut tx = begin(&records).await;
    for page in [page("blue", "desk", 4), page("red", "desk", 1), page("other", "phone", 4), page("red", "phone", 3)] {
        tx.add_page(&page).await.unwrap();
    }
    tx.commit().await.unwrap();
    let keys = async |now, most| -> Vec<String> {
        records.waiting("desk", now, most).await.unwrap().into_iter().map(|page| page.key).collect()
    };
    assert_eq!(records.waiting_channels().await.unwrap().len(), 2);
    assert_eq!(keys(at(1), 9).await, ["red", "blue"], "a key is written down once");
    assert_eq!(keys(at(1), 1).await, ["red"]);
    assert!(keys(at(0), 9).await.is_empty());
    assert_eq!(records.page("red").await.unwrap().unwrap(), page("red", "desk", 1));

    let mut tx = begin(&records).await;
    assert!(tx.page_failed("red", "HTTP 503", Some(at(60))).await.unwrap());
    assert!(tx.page_sent("blue", at(3)).await.unwrap());
    assert!(!tx.page_sent("blue", at(4)).await.unwrap(), "it waits no more");
    assert!(tx.page_failed("other", "HTTP 404", None).await.unwrap());
    assert!(!tx.page_failed("other", "HTTP 404", Some(at(9))).await.unwrap(), "what is given up stays so");
    tx.commit().await.unwrap();
    assert!(keys(at(59), 9).await.is_empty());
    assert_eq!(records.waiting("desk", at(60), 9).await.unwrap()[0].attempts, 1);
    assert_eq!(records.pending().await.unwrap(), (1, Some(at(60))));
    let deliveries = records.deliveries("20261124-0001").await.unwrap();
    let told: Vec<_> = deliveries
        .iter()
        .map(|page| (page.key.as_str(), page.state, page.attempts, page.last_error.as_deref(), page.sent_at))
        .collect();
    assert_eq!(
        told,
        [
            ("blue", DeliveryState::Sent, 1, None, Some(at(3))),
            ("other", DeliveryState::Failed, 1, Some("HTTP 404"), None),
            ("red", DeliveryState::Pending, 1, Some("HTTP 503"), None),
        ]
    );
}

async fn pages_are_merged_and_passed_on(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    save(&records, &mut file("20261124-0001", "water", 0)).await;
    let page = |key: &str, urgency| Page {
        key: key.into(),
        incident: Some("20261124-0001".into()),
        channel: "desk".into(),
        reason: "opened".into(),
        urgency,
        body: "{}".into(),
        created_at: at(1),
    };
    let digest = Page { incident: None, reason: "digest".into(), ..page("digest/a", 3) };
    let mut tx = begin(&records).await;
    for page in [page("a", 4), page("b", 3), page("c", 4), digest] {
        tx.add_page(&page).await.unwrap();
    }
    tx.merge_page("a", "digest/a").await.unwrap();
    tx.merge_page("b", "digest/a").await.unwrap();
    assert!(matches!(tx.merge_page("b", "digest/c").await, Err(RecordsError::Raced(_))), "it is in one already");
    assert_eq!(tx.merged_in("digest/a").await.unwrap(), [page("b", 3), page("a", 4)]);
    assert_eq!(tx.told_channels("20261124-0001").await.unwrap(), ["desk"]);
    tx.commit().await.unwrap();
    let waiting = records.waiting("desk", at(1), 9).await.unwrap();
    let waiting: Vec<_> = waiting.iter().map(|page| (page.key.as_str(), page.is_digest)).collect();
    assert_eq!(waiting, [("digest/a", true), ("c", false)], "what is merged waits with its digest");
    assert_eq!(records.pending().await.unwrap().0, 2);
    assert_eq!(records.page("a").await.unwrap(), None);

    let mut tx = begin(&records).await;
    assert!(tx.page_sent("b", at(3)).await.unwrap());
    assert!(tx.page_passed_on("a", "HTTP 404", "leader").await.unwrap());
    assert!(!tx.page_passed_on("a", "HTTP 404", "leader").await.unwrap(), "it waits no more");
    assert!(tx.page_failed("c", "HTTP 503", Some(at(60))).await.unwrap());
    assert!(tx.merged_in("digest/a").await.unwrap().is_empty());
    assert_eq!(tx.page_state("a").await.unwrap(), Some(DeliveryState::Failed));
    assert_eq!(tx.page_state("c").await.unwrap(), Some(DeliveryState::Pending));
    assert_eq!(tx.page_state("x").await.unwrap(), None);
    tx.commit().await.unwrap();
    let told = records.deliveries("20261124-0001").await.unwrap();
    let told: Vec<_> =
        told.iter().map(|page| (page.key.as_str(), page.state, page.digest.as_deref(), page.then.as_deref())).collect();
    assert_eq!(
        told,
        [
            ("a", DeliveryState::Failed, None, Some("leader")),
            ("b", DeliveryState::Sent, Some("digest/a"), None),
            ("c", DeliveryState::Pending, None, None),
        ]
    );
    let stuck = records.stuck("desk", at(1), 9).await.unwrap();
    let stuck: Vec<_> = stuck.iter().map(|page| (page.key.as_str(), page.last_error.as_deref())).collect();
    assert_eq!(stuck, [("c", Some("HTTP 503"))], "though it is not due");
    assert!(records.stuck("desk", at(0), 9).await.unwrap().is_empty());
}

async fn what_quotas_were_spent_on_is_kept(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let mut tx = begin(&records).await;
    assert_eq!(tx.quota("群").await.unwrap(), Spent::default());
    let mut spent = Spent::default();
    for _ in 0..2 {
        spent.spend(2, at(0));
        spent.rest(at(60));
        tx.save_quota("群", &spent).await.unwrap();
    }
    assert_eq!(tx.quota("群").await.unwrap(), spent);
    tx.commit().await.unwrap();
    assert_eq!(records.quotas().await.unwrap(), [("群".to_owned(), spent)].into());
}

async fn what_keeps_pages_back_is_kept(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let mut tx = begin(&records).await;
    assert_eq!((tx.next_silence().await.unwrap(), tx.silence(1).await.unwrap()), (1, None));
    let silence = |n| Silence {
        n,
        scope: Scope::Source("论坛 '".into()),
        from: at(0),
        until: at(60),
        by: "王敏".into(),
        reason: "检修".into(),
        red: false,
        ended_at: None,
        ended_by: None,
        kept: Vec::new(),
    };
    tx.save_silence(&silence(1), false).await.unwrap();
    tx.save_silence(&silence(2), false).await.unwrap();
    assert_eq!((tx.next_silence().await.unwrap(), tx.silences().await.unwrap()), (3, vec![silence(1), silence(2)]));
    let ended = Silence { ended_at: Some(at(9)), kept: vec!["g".into()], ..silence(1) };
    tx.save_silence(&ended, true).await.unwrap();
    assert_eq!(tx.silence(1).await.unwrap(), Some(ended.clone()));
    assert_eq!(tx.silences().await.unwrap(), [silence(2)]);
    assert_eq!(tx.state::<Vec<u32>>("storm").await.unwrap(), None);
    for state in [vec![1_u32], vec![2, 3]] {
        tx.save_state("storm", &state).await.unwrap();
        assert_eq!(tx.state::<Vec<u32>>("storm").await.unwrap(), Some(state));
    }
    let mut drill = file("20261124-0003", "drill", 30);
    drill.incident.drill = true;
    for mut file in [file("20261124-0001", "water", 10), file("20261124-0002", "gas", 20), drill] {
        tx.save(&mut file).await.unwrap();
    }
    let mut opened = Vec::new();
    for (from, to) in [(0, 99), (10, 20), (11, 20), (21, 99)] {
        opened.push(tx.opened_between(at(from), at(to)).await.unwrap());
    }
    assert_eq!(opened, [2, 2, 1, 0], "what is only practised does not count");
    let page = |key: &str, channel: &str, reason: &str, urgency, second| Page {
        key: key.into(),
        incident: None,
        channel: channel.into(),
        reason: reason.into(),
        urgency,
        body: "{}".into(),
        created_at: at(second),
    };
    for page in [
        page("a", "群", "opened", 3, 1),
        page("b", "群", "opened", 1, 2),
        page("c", "群", "digest", 4, 3),
        page("d", "电话", "opened", 4, 4),
    ] {
        tx.add_page(&page).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(records.silences(true, 9).await.unwrap(), [silence(2)]);
    assert_eq!(records.silences(false, 9).await.unwrap(), [silence(2), ended]);
    assert_eq!(records.silences(false, 1).await.unwrap(), [silence(2)]);
    assert_eq!(records.state::<Vec<u32>>("storm").await.unwrap(), Some(vec![2, 3]));
    assert_eq!(records.open_incidents().await.unwrap(), 2);
    assert_eq!(records.incidents_since(at(20), 9).await.unwrap().len(), 2);
    assert_eq!(records.last_minor(at(3)).await.unwrap(), [("群".to_owned(), at(3))].into());
    assert_eq!(records.last_minor(at(4)).await.unwrap(), [].into(), "d is no digest, and was not sent");
    assert_eq!(
        (records.oldest_page().await.unwrap(), records.pages_since(at(0)).await.unwrap()),
        (Some(at(1)), (0, 0))
    );
    let mut tx = begin(&records).await;
    tx.page_sent("a", at(50)).await.unwrap();
    tx.page_failed("d", "HTTP 404", None).await.unwrap();
    tx.page_passed_on("c", "HTTP 500", "电话").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.last_minor(at(4)).await.unwrap(), [("群".to_owned(), at(50))].into());
    assert_eq!(
        (records.oldest_page().await.unwrap(), records.pages_since(at(0)).await.unwrap()),
        (Some(at(2)), (1, 1))
    );
}

async fn what_is_due_is_found_until_it_is_signed(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let mut signed = file("20261124-0001", "water", 0);
    let mut escalated = file("20261124-0002", "gas", 0);
    for file in [&mut signed, &mut escalated] {
        save(&records, file).await;
    }
    assert!(records.due(at(899)).await.unwrap().is_empty());
    assert_eq!(records.due(at(900)).await.unwrap().len(), 2);
    signed.act(&Command::Ack, "王敏", None, at(901)).unwrap();
    signed.matter.chain = None;
    escalated.matter.chain = None;
    for file in [&mut signed, &mut escalated] {
        save(&records, file).await;
    }
    assert!(records.due(at(999_999)).await.unwrap().is_empty());
    assert_eq!(records.open_with_due().await.unwrap().len(), 2, "both are open all the same");
}

async fn topics_lead_to_the_incident_that_they_joined_last(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let (mut water, mut gas) = (file("20261124-0001", "water", 0), file("20261124-0002", "gas", 5));
    for file in [&mut water, &mut gas] {
        save(&records, file).await;
    }
    let youngest = async |topic: &str| {
        let mut tx = begin(&records).await;
        tx.youngest_of(topic).await.unwrap().map(|file| file.incident.id)
    };
    assert_eq!(youngest("gas").await.as_deref(), Some("20261124-0002"));
    join::merge(&mut gas, &mut water, "王敏", "同一处施工", at(9)).unwrap();
    for file in [&mut water, &mut gas] {
        save(&records, file).await;
    }
    assert_eq!(youngest("gas").await.as_deref(), Some("20261124-0001"));
    let mut tx = begin(&records).await;
    assert_eq!(tx.open_topics().await.unwrap(), ["gas".to_owned(), "water".to_owned()].into());
    assert_eq!(tx.opened_since(at(1), 9).await.unwrap().len(), 0, "one is older, one closed");
    assert_eq!(tx.opened_since(at(0), 9).await.unwrap(), [water.clone()]);
    let mut new =
        join::split(&mut water, &["gas".to_owned()], "20261124-0003".into(), "王敏", "两回事", at(12)).unwrap();
    tx.leave("gas", "20261124-0001").await.unwrap();
    tx.save(&mut water).await.unwrap();
    tx.save(&mut new).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(youngest("gas").await.as_deref(), Some("20261124-0003"));
    assert_eq!(youngest("water").await.as_deref(), Some("20261124-0001"));
    let held = async |second| records.incident_of("gas", at(second)).await.unwrap().map(|incident| incident.id);
    assert_eq!(held(4).await, None, "before there was one");
    assert_eq!(held(11).await.as_deref(), Some("20261124-0002"), "its own, which says into which it was merged");
    assert_eq!(held(12).await.as_deref(), Some("20261124-0003"));
}

async fn positions_are_kept_with_their_log(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let identity = Identity { cluster: "c".into(), topic_id: "t".into() };
    for (part, next) in [(1, 5), (0, 3), (1, u64::from(u32::MAX) + 7)] {
        let mut tx = begin(&records).await;
        tx.move_position(Topic::TopicsPulse, &identity, part, next).await.unwrap();
        tx.commit().await.unwrap();
    }
    let stored = records.position(Topic::TopicsPulse).await.unwrap();
    assert_eq!(stored, Some((identity, vec![3, u64::from(u32::MAX) + 7])));
    assert_eq!(records.position(Topic::Audit).await.unwrap(), None);
}

async fn users_and_sessions(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let user = User { name: "王敏".into(), role: Role::Operator, password: "$argon2id$".into() };
    let mut tx = begin(&records).await;
    assert!(tx.add_user(&user, at(0)).await.unwrap());
    assert!(!tx.add_user(&User { role: Role::Admin, ..user.clone() }, at(0)).await.unwrap(), "the name is taken");
    tx.add_session("h1", "王敏", at(100), at(0)).await.unwrap();
    tx.add_session("h2", "王敏", at(100), at(0)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.users().await.unwrap(), std::slice::from_ref(&user));
    assert_eq!(records.user("王敏").await.unwrap(), Some(user));
    assert_eq!(records.user("李雷").await.unwrap(), None);
    let caller = Some(Caller { name: "王敏".into(), role: Role::Operator });
    assert_eq!(records.session("h1", at(99)).await.unwrap(), caller);
    assert_eq!(records.session("h1", at(100)).await.unwrap(), None);
    let mut tx = begin(&records).await;
    tx.end_session("h1").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.session("h1", at(1)).await.unwrap(), None);
    let mut tx = begin(&records).await;
    assert!(tx.set_password("王敏", "$new$").await.unwrap());
    assert!(!tx.set_password("李雷", "$new$").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(records.session("h2", at(1)).await.unwrap(), None, "a new password ends the sessions");
}

async fn searches_are_kept_for_whoever_may_see_them(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let search = |id: &str, owner: &str, name: &str, shared| SavedSearch {
        id: id.into(),
        owner: owner.into(),
        name: name.into(),
        query: "q=%E5%81%9C%E6%B0%B4&sort=heat".into(),
        shared,
        created_at: at(1),
        changed_at: at(1),
    };
    let (mine, own) = (search("1", "王敏", "z", false), search("2", "王敏", "a", true));
    let (theirs, hidden) = (search("3", "李雷", "0", true), search("4", "李雷", "0'; --", false));
    // Another process may do it, whoever is active: no lease is asked for.
    let mut tx = records.begin().await.unwrap();
    for search in [&mine, &own, &theirs, &hidden] {
        tx.save_search(search).await.unwrap();
    }
    assert_eq!(tx.searches_of("王敏").await.unwrap(), 2);
    tx.commit().await.unwrap();
    assert_eq!(records.searches("王敏", 9).await.unwrap(), [own.clone(), mine.clone(), theirs.clone()]);
    assert_eq!(records.searches("李雷", 9).await.unwrap(), [theirs.clone(), hidden.clone(), own.clone()]);
    assert_eq!(records.searches("赵倩", 1).await.unwrap(), std::slice::from_ref(&theirs), "no more than asked for");

    let changed = SavedSearch { name: "夜班".into(), shared: true, changed_at: at(5), ..mine.clone() };
    let mut tx = records.begin().await.unwrap();
    let forged = SavedSearch { owner: "李雷".into(), created_at: at(9), ..changed.clone() };
    tx.save_search(&forged).await.unwrap();
    assert_eq!(tx.search("1").await.unwrap(), Some(changed.clone()), "owner and beginning stay");
    assert!(tx.forget_search("3").await.unwrap());
    assert!(!tx.forget_search("3").await.unwrap(), "it is gone already");
    assert_eq!(tx.search("3").await.unwrap(), None);
    tx.commit().await.unwrap();
    assert_eq!(records.searches("赵倩", 9).await.unwrap(), [own, changed]);
}

async fn the_roster_is_kept(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let change = |n, roster: &str, until| Change {
        n,
        roster: roster.into(),
        kind: Kind::Override,
        from: at(0),
        to: at(until),
        person: "韩梅'; --".into(),
        instead_of: Some("李雷".into()),
        with: None,
        why: "探亲 🚰".into(),
        by: "张主任".into(),
        at: at(0),
        agreed_by: None,
        agreed_at: None,
        withdrawn_by: None,
        withdrawn_at: None,
    };
    let mut tx = begin(&records).await;
    assert_eq!((tx.next_change("desk").await.unwrap(), tx.next_handover("desk").await.unwrap()), (1, 1));
    let (one, two, other) = (change(1, "desk", 100), change(2, "desk", 50), change(1, "值班", 200));
    for change in [&two, &one, &other] {
        tx.save_roster_change(change).await.unwrap();
    }
    assert_eq!(tx.next_change("desk").await.unwrap(), 3);
    assert_eq!(tx.roster_change("desk", 2).await.unwrap(), Some(two.clone()));
    assert_eq!(tx.roster_change("desk", 3).await.unwrap(), None);
    let gone = Change { withdrawn_by: Some("x".into()), withdrawn_at: Some(at(9)), ..one.clone() };
    tx.save_roster_change(&gone).await.unwrap();
    assert_eq!(tx.roster_changes(at(50)).await.unwrap(), [gone.clone(), other.clone()]);
    tx.commit().await.unwrap();
    assert_eq!(records.roster_changes(at(49)).await.unwrap(), [gone, two, other]);

    let handover = |n, second| Handover {
        n,
        roster: "desk".into(),
        at: at(second),
        by: "李雷".into(),
        to: vec!["王敏".into()],
        note: "一件未办结\n见清单".into(),
        written_by: "李雷".into(),
        written_at: at(second),
        incidents: vec![file("20261124-0001", "water", 0).incident.into()],
        confirmed_by: None,
        confirmed_at: None,
    };
    let mut tx = begin(&records).await;
    let confirmed = Handover { confirmed_by: Some("王敏".into()), confirmed_at: Some(at(70)), ..handover(1, 60) };
    for handover in [&handover(1, 60), &handover(2, 90), &confirmed] {
        tx.save_handover(handover).await.unwrap();
    }
    assert_eq!(tx.next_handover("desk").await.unwrap(), 3);
    assert_eq!(tx.handover("desk", 1).await.unwrap(), Some(confirmed.clone()));
    assert_eq!(tx.handover("desk", 9).await.unwrap(), None);
    assert_eq!(tx.handovers(at(61)).await.unwrap(), [handover(2, 90)]);
    assert!(tx.tell_of_roster("findings/desk/2026-11-24", at(0)).await.unwrap());
    assert!(!tx.tell_of_roster("findings/desk/2026-11-24", at(1)).await.unwrap(), "it was told");
    tx.commit().await.unwrap();
    assert_eq!(records.handovers(at(60)).await.unwrap(), [confirmed, handover(2, 90)]);
    assert_eq!(records.roster_told(at(0)).await.unwrap().len(), 1);
    assert!(records.roster_told(at(1)).await.unwrap().is_empty());
    let mut tx = begin(&records).await;
    assert!(tx.tell_of_roster("x", at(31 * 86_400)).await.unwrap());
    assert!(
        tx.tell_of_roster("findings/desk/2026-11-24", at(31 * 86_400)).await.unwrap(),
        "it is forgotten after a month"
    );
    tx.commit().await.unwrap();

    let feed = CalendarFeed { owner: "王敏".into(), all: true, created_at: at(5) };
    let mut tx = records.begin().await.unwrap();
    tx.set_calendar_feed(&CalendarFeed { all: false, ..feed.clone() }, "first").await.unwrap();
    tx.set_calendar_feed(&feed, "second").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.calendar_feed("first").await.unwrap(), None);
    assert_eq!(records.calendar_feed("second").await.unwrap(), Some(feed.clone()));
    assert_eq!(records.calendar_feed_of("王敏").await.unwrap(), Some(feed));
    assert_eq!(records.calendar_feed_of("李雷").await.unwrap(), None);
    let mut tx = records.begin().await.unwrap();
    assert!(tx.revoke_calendar_feed("王敏").await.unwrap());
    assert!(!tx.revoke_calendar_feed("王敏").await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(records.calendar_feed("second").await.unwrap(), None);
}

async fn what_links_need_is_kept(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let (first, second) = tokio::join!(records.secret("link_key", "a"), records.secret("link_key", "b"));
    let (first, second) = (first.unwrap(), second.unwrap());
    assert!(first == second && ["a", "b"].contains(&first.as_str()), "made once, for all: {first} {second}");
    assert_eq!(Records::open(settings).await.unwrap().secret("link_key", "c").await.unwrap(), first);
    assert_eq!(records.secret("another", "d").await.unwrap(), "d");

    assert_eq!(records.pin("王敏").await.unwrap(), None);
    for pin in ["$argon2id$1", "$argon2id$2"] {
        let mut tx = records.begin().await.unwrap();
        tx.set_pin("王敏", pin, at(0)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(records.pin("王敏").await.unwrap().as_deref(), Some(pin));
    }
    assert_eq!(
        (records.pin("李雷").await.unwrap(), records.with_pin().await.unwrap()),
        (None, vec!["王敏".to_owned()])
    );

    let wrong = async |link: &str, now: i64| {
        let mut tx = records.begin().await.unwrap();
        tx.wrong_try(link, at(100), at(now)).await.unwrap();
        tx.commit().await.unwrap();
        records.wrong_tries(link).await.unwrap()
    };
    assert_eq!(records.wrong_tries("x").await.unwrap(), 0);
    assert_eq!((wrong("x", 0).await, wrong("x", 1).await, wrong("y", 99).await), (1, 2, 1));
    assert_eq!((wrong("z", 100).await, records.wrong_tries("x").await.unwrap()), (1, 0), "x has ended");

    let mut file = file("20261124-0001", "water", 0);
    save(&records, &mut file).await;
    let reason = || "原因".to_owned();
    for (command, times) in [
        (Command::Ack, 0),
        (Command::Close { text: reason() }, 0),
        (Command::Reopen { text: reason() }, 1),
        (Command::Close { text: reason() }, 1),
        (Command::Reopen { text: reason() }, 2),
    ] {
        file.act(&command, "王敏", None, at(1)).unwrap();
        save(&records, &mut file).await;
        assert_eq!(records.reopenings("20261124-0001").await.unwrap(), times);
        assert_eq!(begin(&records).await.reopenings("20261124-0001").await.unwrap(), times);
    }
    assert_eq!(records.reopenings("20261124-0002").await.unwrap(), 0);
    records.close().await;
}

async fn audit_entries_are_added_once(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let entry = |second, action: &str| AuditEntry {
        v: AuditEntry::VERSION,
        at: at(second),
        who: "分析员".into(),
        role: Role::Analyst,
        action: action.into(),
        object: String::new(),
        detail: "停水 OR '断水'".into(),
    };
    let mut tx = begin(&records).await;
    tx.audit("audit/0/1", &entry(1, "search")).await.unwrap();
    tx.audit("audit/0/2", &entry(2, "export")).await.unwrap();
    tx.audit("audit/0/1", &entry(3, "forged")).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.audit_entries(9).await.unwrap(), [entry(2, "export"), entry(1, "search")]);
}

async fn the_audit_record_is_chained(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let entry = |second| AuditEntry {
        v: AuditEntry::VERSION,
        at: at(second),
        who: "王敏".into(),
        role: Role::Operator,
        action: "acked".into(),
        object: format!("20261124-{second:04}"),
        detail: "签收\0".into(),
    };
    assert_eq!(records.verify_audit(None).await.unwrap(), Chain::Whole(Link::default()));
    // Many at the same time, some of them twice: one chain.
    let writers = (0..6).map(|writer| {
        let records = records.clone();
        async move {
            for n in 0..4 {
                let mut tx = records.begin().await.unwrap();
                tx.audit(&format!("{}", (writer * 4 + n) % 20), &entry(writer * 4 + n)).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
    let Chain::Whole(known) = records.verify_audit(None).await.unwrap() else { panic!("it is broken") };
    assert_eq!(known.seq, 20);
    let mut tx = records.begin().await.unwrap();
    tx.audit("later", &entry(99)).await.unwrap();
    tx.commit().await.unwrap();
    let whole = records.verify_audit(Some(&known)).await.unwrap();
    assert!(matches!(&whole, Chain::Whole(link) if link.seq == 21), "{whole:?}");
    // Nobody changes it by mistake.
    for statement in [
        "UPDATE audit SET who = 'x'",
        "DELETE FROM audit",
        "UPDATE audit_chain SET hash = 'x'",
        "DELETE FROM audit_chain",
    ] {
        assert!(sqlx::query(statement).execute(&records.pool).await.is_err(), "{statement}");
    }
    // And whoever does it all the same is found out.
    for table in ["audit", "audit_chain"] {
        for trigger in [format!("{table}_stands"), format!("{table}_stays")] {
            for statement in [format!("DROP TRIGGER {trigger}"), format!("DROP TRIGGER {trigger} ON {table}")] {
                let _ = sqlx::query(sqlx::AssertSqlSafe(statement)).execute(&records.pool).await;
            }
        }
    }
    let run = async |statement: &str| {
        sqlx::query(sqlx::AssertSqlSafe(statement.to_owned())).execute(&records.pool).await.unwrap();
    };
    let broken = async |seq: u64, what: &str| match records.verify_audit(Some(&known)).await.unwrap() {
        Chain::Broken { seq: at, what: is } => {
            assert_eq!(at, seq, "{is}");
            assert!(is.contains(what), "{is}");
        }
        whole @ Chain::Whole(_) => panic!("{whole:?}, and not {what}"),
    };
    run("UPDATE audit SET who = 'x' WHERE id = (SELECT id FROM audit_chain WHERE seq = 7)").await;
    broken(7, "not as it was written").await;
    run("UPDATE audit SET who = '王敏'").await;
    assert_eq!(records.verify_audit(Some(&known)).await.unwrap(), whole);
    run("INSERT INTO audit SELECT 'slipped in', at, who, role, action, object, detail FROM audit WHERE id = 'later'")
        .await;
    broken(22, "not in the chain").await;
    run("DELETE FROM audit WHERE id = 'slipped in'").await;
    run("DELETE FROM audit WHERE id = (SELECT id FROM audit_chain WHERE seq = 9)").await;
    broken(9, "gone").await;
    run("DELETE FROM audit_chain WHERE seq = 9").await;
    broken(9, "missing").await;
    // All written anew from the tenth on, or cut off: only whoever knows a later link sees it.
    run("DELETE FROM audit_chain WHERE seq >= 9").await;
    run("DELETE FROM audit WHERE NOT EXISTS (SELECT 1 FROM audit_chain WHERE audit_chain.id = audit.id)").await;
    broken(9, "end is missing").await;
    run("UPDATE audit_head SET seq = 8, hash = (SELECT hash FROM audit_chain WHERE seq = 8)").await;
    broken(9, "before the link that you know").await;
    assert!(matches!(records.verify_audit(None).await.unwrap(), Chain::Whole(link) if link.seq == 8));
}

/// Transactions that read, then write, at the same time: all succeed, one after the other.
async fn many_writers_lose_nothing(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    save(&records, &mut file("20261124-0001", "water", 0)).await;
    let epoch = records.claim(&Candidate::new("suite"), None).await.unwrap().epoch().unwrap();
    let writers = (0..8).map(|writer| {
        let records = records.clone();
        async move {
            for n in 0..5 {
                let mut tx = records.begin_in(epoch).await.unwrap();
                let mut file = tx.incident("20261124-0001").await.unwrap().unwrap();
                let note = Command::Note { text: format!("{writer}/{n}") };
                file.act(&note, "王敏", None, at(1) + SignedDuration::from_secs(n)).unwrap();
                tx.save(&mut file).await.unwrap();
                tx.commit().await.unwrap();
            }
        }
    });
    futures::future::join_all(writers).await;
    assert_eq!(records.history("20261124-0001").await.unwrap().len(), 41);
    assert_eq!(records.incident("20261124-0001").await.unwrap().unwrap().incident.version, 41);
}

/// What came from outside may hold anything.
async fn no_text_is_refused(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let nasty = "\0 \u{1} \u{ffff} \u{202e} '; -- \\ %_ 🚰";
    let kept = nasty.replace('\0', "\u{fffd}");
    let mut file = file("20261124-0001", nasty, 0);
    file.incident.title = nasty.into();
    file.change(at(1), nasty, "noted", nasty);
    let mut tx = begin(&records).await;
    tx.save(&mut file).await.unwrap();
    let entry = AuditEntry {
        v: AuditEntry::VERSION,
        at: at(1),
        who: nasty.into(),
        role: Role::Analyst,
        action: "search".into(),
        object: nasty.into(),
        detail: nasty.into(),
    };
    tx.audit("audit/0/1", &entry).await.unwrap();
    assert_eq!(tx.youngest_of(nasty).await.unwrap().unwrap(), file, "JSON writes a NUL as it wants");
    tx.commit().await.unwrap();
    assert_eq!(records.incident("20261124-0001").await.unwrap().unwrap().incident.title, nasty);
    let event = records.history("20261124-0001").await.unwrap().pop().unwrap();
    assert_eq!((event.who.as_str(), event.text.as_str()), (kept.as_str(), kept.as_str()));
    assert_eq!(records.audit_entries(1).await.unwrap()[0].detail, kept);
    assert!(records.incident(nasty).await.unwrap().is_none());
    assert!(records.history(nasty).await.unwrap().is_empty());
    assert!(records.deliveries(nasty).await.unwrap().is_empty());
    assert!(records.user(nasty).await.unwrap().is_none());
}

/// A candidate whose lease runs out at once, as if it had hung since.
fn hung(name: &str) -> Candidate {
    Candidate { lasts: std::time::Duration::ZERO, ..Candidate::new(name) }
}

async fn one_holds_the_lease(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let (first, second) = (Candidate::new("first"), Candidate::new("second"));
    let heir = Candidate { predecessor: Some("first".into()), ..Candidate::new("heir") };
    assert_eq!(records.claim(&first, None).await.unwrap(), Outcome::Take(1));
    assert_eq!(records.claim(&second, None).await.unwrap(), Outcome::Wait);
    assert_eq!(records.claim(&first, Some(1)).await.unwrap(), Outcome::Renew(1));
    records.give_back(1).await.unwrap();
    assert_eq!(records.claim(&second, None).await.unwrap(), Outcome::Take(2));
    records.give_back(1).await.unwrap();
    assert_eq!(records.claim(&first, None).await.unwrap(), Outcome::Wait, "what is another's can't be given back");
    assert_eq!(records.claim(&first, Some(1)).await.unwrap(), Outcome::Fenced);
    records.give_back(2).await.unwrap();
    assert_eq!(records.claim(&hung("first"), None).await.unwrap(), Outcome::Take(3));
    assert_eq!(records.claim(&first, Some(3)).await.unwrap(), Outcome::Renew(3), "nobody has taken over");
    assert_eq!(records.claim(&heir, None).await.unwrap(), Outcome::Take(4), "its predecessor is dead");
}

async fn who_was_passed_over_changes_nothing(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let stale = records.claim(&hung("first"), None).await.unwrap().epoch().unwrap();
    let mut tx = records.begin_in(stale).await.unwrap();
    tx.save(&mut file("20261124-0001", "water", 0)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(records.claim(&Candidate::new("second"), None).await.unwrap(), Outcome::Take(stale + 1));
    let refused = records.begin_in(stale).await.err().unwrap();
    assert!(matches!(refused, RecordsError::Fenced { .. }), "{refused}");
    assert!(records.begin_in(stale + 1).await.is_ok());
}

/// A change that has begun is finished before another takes over: it belongs to the old epoch.
async fn nobody_takes_over_in_the_middle_of_a_change(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    let stale = records.claim(&hung("first"), None).await.unwrap().epoch().unwrap();
    let mut tx = records.begin_in(stale).await.unwrap();
    let second = Candidate::new("second");
    let mut taking = std::pin::pin!(records.claim(&second, None));
    // From then on the answers to both may come in either order.
    let committed = std::cell::Cell::new(false);
    let change = async {
        tx.save(&mut file("20261124-0001", "water", 0)).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        committed.set(true);
        tx.commit().await.unwrap();
    };
    let take = async {
        let outcome = taking.as_mut().await;
        assert!(committed.get(), "{outcome:?} in the middle of a change");
        outcome.unwrap()
    };
    let ((), outcome) = futures::future::join(change, take).await;
    assert_eq!(outcome, Outcome::Take(stale + 1));
    assert!(records.incident("20261124-0001").await.unwrap().is_some());
}

async fn many_may_open_at_once(settings: &Settings) {
    let opened = futures::future::join_all((0..4).map(|_| Records::open(settings))).await;
    for records in opened {
        assert_eq!(records.unwrap().open_incidents().await.unwrap(), 0);
    }
}

async fn a_newer_programs_records_are_refused(settings: &Settings) {
    let records = Records::open(settings).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (99, 'from the future', TRUE, $1, 0)",
    )
    .bind(vec![7_u8])
    .execute(&records.pool)
    .await
    .unwrap();
    records.close().await;
    let error = Records::open(settings).await.err().unwrap();
    assert!(matches!(error, RecordsError::Newer(99, ours) if ours < 99), "{error}");
}
