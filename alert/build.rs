//! What is part of the program beside its Rust code: when it changes, or appears, the crate is built again.

use std::path::Path;

fn main() {
    // A path that is absent would make every build run this again, so the folder that it will appear in is watched.
    let console = if Path::new("console/dist").exists() { "console/dist" } else { "." };
    println!("cargo::rerun-if-changed={console}");
    println!("cargo::rerun-if-changed=src/records/migrations");
}
