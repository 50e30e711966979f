//! The records' conformance suite against SQLite and against a real PostgreSQL, and what each of them has of its own.

// A test speaks by failing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use alert::records::{Chain, Records, RecordsError, conformance};
use schemas::{kit::settings::Settings, log::Topic, records::State};
use std::sync::Mutex;
use support::postgres;
use tempfile::TempDir;

fn settings(folder: &TempDir) -> Settings {
    Settings { data_dir: folder.path().join("with space % and #"), ..Settings::default() }
}

fn on_server(url: String) -> Settings {
    let mut settings = Settings { data_dir: "never made".into(), ..Settings::default() };
    settings.records.url = url;
    settings
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_does_what_records_must() {
    let folders = Mutex::new(Vec::new());
    conformance::run(async || {
        let folder = TempDir::new().unwrap();
        let settings = settings(&folder);
        folders.lock().unwrap().push(folder);
        settings
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_does_what_records_must() {
    conformance::run(async || on_server(postgres::database().await)).await;
}

/// SQLite refuses at once who comes while another makes the file, or closes it as the last one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_file_that_others_make_and_close_is_opened() {
    for _ in 0..10 {
        let folder = TempDir::new().unwrap();
        let settings = settings(&folder);
        let opened = (0..8).map(|_| {
            let settings = settings.clone();
            tokio::spawn(async move { Records::open(&settings).await.unwrap().close().await })
        });
        for opened in opened.collect::<Vec<_>>() {
            opened.await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let folder = TempDir::new().unwrap();
    let settings = settings(&folder);
    std::fs::create_dir_all(&settings.data_dir).unwrap();
    std::fs::write(settings.data_dir.join("records.db"), "not a database, and long enough to be looked at".repeat(100))
        .unwrap();
    let error = Records::open(&settings).await.err().unwrap().to_string();
    assert!(error.contains("sqlite:records.db") && error.contains("not a database"), "{error}");
}

#[tokio::test]
async fn a_server_that_does_not_let_in_is_named_without_the_password() {
    let url = postgres::database().await;
    let (head, tail) = url.split_once('@').unwrap();
    let (user, password) = head.rsplit_once(':').unwrap();
    let wrong = Records::open(&on_server(format!("{user}:s3cret@{tail}"))).await.err().unwrap().to_string();
    assert!(wrong.contains(&format!("{user}@{tail}")) && wrong.contains("WANGLOU_RECORDS_PASSWORD"), "{wrong}");
    let refused =
        Records::open(&on_server("postgres://u:s3cret@127.0.0.1:1/d".into())).await.err().unwrap().to_string();
    let absent = Records::open(&on_server(format!("{url}_absent"))).await.err().unwrap().to_string();
    let no_tls = Records::open(&on_server(format!("{url}?sslmode=require"))).await.err().unwrap().to_string();
    assert!(no_tls.contains("TLS"), "{no_tls}");
    for error in [wrong, refused, absent, no_tls] {
        assert!(!error.contains("s3cret") && !error.contains(password), "{error}");
    }
}

/// As it was written by the version before the lease.
#[tokio::test]
async fn records_of_the_first_version_are_brought_up_to_date() {
    use sqlx::{Connection, Executor};
    let folder = TempDir::new().unwrap();
    let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
    let url = format!("sqlite://{}/records.db?mode=rwc", folder.path().display());
    let mut file = sqlx::SqliteConnection::connect(&url).await.unwrap();
    file.execute(include_str!("fixtures/records-0001.sql")).await.unwrap();
    file.close().await.unwrap();

    let records = Records::open(&settings).await.unwrap();
    let incidents = records.incidents(None, 9).await.unwrap();
    let states: Vec<_> = incidents.iter().map(|incident| (incident.id.as_str(), incident.state)).collect();
    assert_eq!(states, [("20261124-0002", State::New), ("20261124-0001", State::Acked)]);
    assert_eq!(records.history("20261124-0001").await.unwrap().len(), 3);
    assert_eq!(records.deliveries("20261124-0001").await.unwrap().len(), 1);
    assert_eq!(records.users().await.unwrap()[0].name, "王敏");
    assert!(records.position(Topic::TopicsPulse).await.unwrap().is_some());
    let outcome = records.claim(&alert::lease::Candidate::new("new"), None).await.unwrap();
    assert_eq!(outcome.epoch(), Some(1));
    let chain = records.verify_audit(None).await.unwrap();
    assert!(matches!(&chain, Chain::Whole(link) if link.seq == 1), "{chain:?}");
}

/// The server breaks every connection off, as when it is started anew: what is asked next is an outage, and then it works again.
#[tokio::test]
async fn a_connection_that_breaks_is_an_outage_and_passes() {
    let url = postgres::database().await;
    let records = Records::open(&on_server(url.clone())).await.unwrap();
    let mut tx = records.begin().await.unwrap();
    postgres::execute(
        &url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .await;
    let error = tx.end_session("x").await.err().unwrap();
    assert!(error.is_outage(), "{error}");
    drop(tx);
    assert_eq!(records.open_incidents().await.unwrap(), 0);
}

/// A change that waits for ever would hold the lease's row for ever: the server ends it, well before a lease runs out.
#[tokio::test]
async fn a_change_that_hangs_lets_go_of_the_lease() {
    let records = Records::open(&on_server(postgres::database().await)).await.unwrap();
    let hung = alert::lease::Candidate { lasts: std::time::Duration::ZERO, ..alert::lease::Candidate::new("hung") };
    let epoch = records.claim(&hung, None).await.unwrap().epoch().unwrap();
    let tx = records.begin_in(epoch).await.unwrap();
    let taken = records.claim(&alert::lease::Candidate::new("next"), None).await.unwrap();
    assert_eq!(taken.epoch(), Some(epoch + 1));
    let error = tx.commit().await.err().unwrap();
    assert!(matches!(&error, RecordsError::Sql(_)) && error.is_outage(), "{error}");
}
