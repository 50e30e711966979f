//! The records' conformance suite against SQLite.

use alert::records::{Records, conformance};
use schemas::kit::settings::Settings;
use std::sync::Mutex;
use tempfile::TempDir;

fn settings(folder: &TempDir) -> Settings {
    Settings { data_dir: folder.path().join("with space % and #"), ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_does_what_records_must() {
    let folders = Mutex::new(Vec::new());
    conformance::run(|| {
        let folder = TempDir::new().unwrap();
        let settings = settings(&folder);
        folders.lock().unwrap().push(folder);
        settings
    })
    .await;
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
