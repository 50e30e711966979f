//! A newcomer's first two minutes: the demo town, the console in a real Chromium, from the first post to the signature.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use std::process::Command;
use support::Instance;

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_sees_the_watch_within_two_minutes() {
    let folder = tempfile::tempdir().unwrap();
    let console = concat!(env!("CARGO_MANIFEST_DIR"), "/../../alert/console");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_wanglou"));
    demo.args(["demo", "--listen", "127.0.0.1:0", "--password", "a-password-of-the-tests", "--data-dir"])
        .arg(folder.path().join("demo"));
    let instance = Instance::spawn(demo, "http://");
    let (base, pictures) = (instance.base.clone(), folder.path().join("pictures"));
    let watched = tokio::task::spawn_blocking(move || {
        Command::new("node")
            .args(["e2e/watch.mjs", &base, "--user", "duty", "--password", "a-password-of-the-tests"])
            .args(["--timeout-seconds", "120", "--out"])
            .arg(pictures)
            .current_dir(console)
            .status()
            .expect("node runs the browser")
    })
    .await
    .unwrap();
    assert!(watched.success(), "the console did not show what the README promises");
    assert!(instance.stop().success());
}
