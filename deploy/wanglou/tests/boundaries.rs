//! The shape of the workspace, from `cargo metadata`: stages share only `schemas`, and one crate alone speaks to each
//! outside library that a boundary hides.

#![allow(clippy::unwrap_used)] // a test fails by it

use cargo_metadata::MetadataCommand;
use std::collections::{BTreeMap, BTreeSet};

const STAGES: [&str; 3] = ["ingest", "analyze", "alert"];

/// Every workspace crate with its direct dependencies of all kinds.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let metadata =
        MetadataCommand::new().manifest_path(manifest).no_deps().other_options(vec!["--offline".into()]).exec();
    metadata
        .unwrap()
        .workspace_packages()
        .into_iter()
        .map(|package| {
            let names = package.dependencies.iter().map(|dependency| dependency.name.clone()).collect();
            (package.name.to_string(), names)
        })
        .collect()
}

#[test]
fn stages_never_depend_on_each_other() {
    let dependencies = dependencies();
    for stage in STAGES {
        let of_stage = &dependencies[stage];
        assert!(of_stage.contains("schemas"), "{stage} meets the others through schemas");
        for other in dependencies.keys().filter(|name| *name != "schemas") {
            assert!(!of_stage.contains(other), "{stage} must not depend on {other}");
        }
    }
}

#[test]
fn schemas_knows_nobody_and_nobody_knows_the_binary() {
    let dependencies = dependencies();
    for (name, of_crate) in &dependencies {
        assert!(!of_crate.contains("wanglou") && !of_crate.contains("benches"), "{name} depends on a program");
        if name == "schemas" || name == "town" {
            let known = dependencies.keys().filter(|other| of_crate.contains(*other)).collect::<Vec<_>>();
            assert!(known.iter().all(|other| name == "town" && *other == "schemas"), "{name} depends on {known:?}");
        }
    }
}

#[test]
fn what_a_boundary_hides_one_crate_alone_imports() {
    let dependencies = dependencies();
    for (library, owner) in [
        ("rusqlite", "schemas"),
        ("rdkafka", "schemas"),
        ("prometheus", "schemas"),
        ("sqlx", "alert"),
        ("lettre", "alert"),
        ("tantivy", "analyze"),
        ("jieba-rs", "analyze"),
        ("scraper", "ingest"),
        ("feed-rs", "ingest"),
    ] {
        for (name, of_crate) in &dependencies {
            // The town's tests read its own pages.
            let may =
                name == owner || (name == "town" && matches!(library, "scraper" | "feed-rs")) || name == "benches";
            assert!(may || !of_crate.contains(library), "{name} must not use {library}: that is {owner}'s");
        }
    }
}
