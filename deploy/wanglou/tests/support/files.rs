//! The files under deploy/, and the programs that check them.

use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The path of a file under deploy/.
pub fn deploy(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join(file)
}

pub fn text(file: &str) -> String {
    let path = deploy(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A YAML file with its anchors followed and its `<<` merged.
pub fn yaml(file: &str) -> Value {
    let mut value: serde_yaml_ng::Value = serde_yaml_ng::from_str(&text(file)).unwrap();
    value.apply_merge().unwrap();
    serde_json::to_value(value).unwrap()
}

/// Runs a program that must find nothing wrong.
pub fn passes(command: &mut Command) {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error} (deploy/packages.sh installs what the tests need)"));
    let told = [output.stdout, output.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat();
    assert!(output.status.success(), "{command:?}:\n{told}");
}

/// promtool: the machine's, or the one that deploy/packages.sh took out of Debian's package.
pub fn promtool() -> Command {
    let unpacked = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("tools/promtool");
    Command::new(if unpacked.exists() { unpacked } else { "promtool".into() })
}

/// Docker's compose, as a plugin of the client or as a program of its own. Neither needs an engine to read a file.
pub fn compose() -> Command {
    let plugin = Command::new("docker").args(["compose", "version"]).output().is_ok_and(|told| told.status.success());
    if !plugin {
        return Command::new("docker-compose");
    }
    let mut command = Command::new("docker");
    command.arg("compose");
    command
}
