//! The archive's disk is full while the log's is not: nothing is lost, the trouble is told, and it goes on by itself.

#![allow(clippy::unwrap_used)] // a test fails by it

use analyze::{
    archive::{self, corrections::Corrections},
    understand::Understanding,
};
use axum::body::{Body, to_bytes};
use http::Request;
use schemas::{
    kit::{
        auth::{Caller, Role},
        service::Service,
        settings::Settings,
        shutdown::Shutdown,
    },
    log::{Embedded, EmbeddedOptions, NewRecord, SharedLog, Topic},
    records::{RawPost, Record},
};
use serde_json::Value;
use std::{path::Path, process::Command, sync::Arc, time::Duration};
use tower::ServiceExt;

/// A file system of its own, where this machine lets tests mount one.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn at(folder: &'a Path) -> Option<Self> {
        std::fs::create_dir_all(folder).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=16m", "tmpfs"]).arg(folder).output();
        mount.is_ok_and(|mount| mount.status.success()).then_some(Self(folder))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.0).status();
    }
}

fn post(number: u64) -> NewRecord {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas/fixtures/raw_post.v1.json");
    let mut post = RawPost::decode(&std::fs::read(fixture).unwrap()).unwrap();
    post.native_id = number.to_string();
    post.id = schemas::records::post_id(&post.source, &post.native_id);
    NewRecord { partition: (number % 4) as u32, key: None, value: post.encode() }
}

async fn total(service: &Service) -> u64 {
    let mut request = Request::get("/api/search?limit=0").body(Body::empty()).unwrap();
    request.extensions_mut().insert(Caller { name: "somebody".into(), role: Role::Analyst });
    let response = service.router.clone().oneshot(request).await.unwrap();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    serde_json::from_slice::<Value>(&body).unwrap()["total"].as_u64().unwrap()
}

async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let until = tokio::time::Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(tokio::time::Instant::now() < until, "waited for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_archive_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("archive");
    let Some(_disk) = SmallDisk::at(&place) else {
        #[allow(clippy::print_stderr)] // said to whoever reads the tests' output
        {
            eprintln!("skipped: no file system can be mounted here (root can)");
        }
        return;
    };
    let log: SharedLog = Arc::new(Embedded::open(&EmbeddedOptions::new(folder.path().join("log"))).unwrap());
    let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
    let (understanding, shutdown) = (Arc::new(Understanding::new([]).unwrap()), Shutdown::new());
    let opened = archive::open(&settings, understanding, Corrections::default()).await.unwrap();
    let service = archive::start(&settings, log.clone(), opened, shutdown.clone()).await.unwrap();
    log.append(Topic::PostsRaw, (0..100).map(post).collect()).await.unwrap();
    wait_until("the first posts", async || total(&service).await == 100).await;

    // Somebody's files take all that is left, to the last page.
    let ballast = place.join("ballast");
    let mut file = std::fs::File::create(&ballast).unwrap();
    while std::io::Write::write_all(&mut file, &[1; 4096]).is_ok() {}
    log.append(Topic::PostsRaw, (100..400).map(post).collect()).await.unwrap();
    wait_until("the trouble to be told", async || service.ready.check().is_err()).await;
    assert_eq!(total(&service).await, 100, "what was committed can be found all the while");

    drop(file);
    std::fs::remove_file(ballast).unwrap();
    wait_until("all posts", async || total(&service).await == 400).await;
    wait_until("readiness", async || service.ready.check().is_ok()).await;
    shutdown.cancel();
    service.task.await.unwrap().unwrap();
}
