//! The console's build output is part of the program: when it changes, or appears, the crate is built again.

use std::path::Path;

fn main() {
    // A path that is absent would make every build run this again, so what is there is watched.
    let built = ["console/dist", "console", "build.rs"].into_iter().find(|path| Path::new(path).exists());
    println!("cargo::rerun-if-changed={}", built.unwrap_or("build.rs"));
}
