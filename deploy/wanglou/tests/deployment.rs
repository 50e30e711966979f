//! The files that put Wanglou on a machine, checked by the programs that read them as far as that goes without an engine or
//! a running systemd: compose.yaml, Dockerfile, the units.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by it

mod support;

use serde_json::{Value, json};
use std::{collections::HashSet, process::Command};
use support::files::{compose, deploy, passes, text, yaml};

const STAGES: [&str; 3] = ["ingest", "analyze", "alert"];

fn services() -> serde_json::Map<String, Value> {
    yaml("compose.yaml")["services"].as_object().unwrap().clone()
}

#[test]
fn compose_reads_the_file() {
    passes(compose().arg("-f").arg(deploy("compose.yaml")).args(["config", "--quiet"]));
}

/// What the services are given is a config without a fault.
#[test]
fn its_config_is_right() {
    let check = ["check", "--config"];
    passes(Command::new(env!("CARGO_BIN_EXE_wanglou")).args(check).arg(deploy("compose.toml")));
    let config = text("compose.toml");
    for service in ["http://ingest:8080", "http://analyze:8080", "kafka:9092", "@postgres/"] {
        assert!(config.contains(service), "{service}");
    }
}

#[test]
fn each_service_is_probed_restarted_and_given_time_to_stop() {
    for (name, service) in services() {
        assert!(service["healthcheck"]["test"].is_array(), "{name} has no probe");
        assert_eq!(service["restart"], json!("unless-stopped"), "{name}");
        assert!(service["stop_grace_period"].is_string(), "{name}");
        for (other, on) in service["depends_on"].as_object().into_iter().flatten() {
            assert!(on["condition"].is_string(), "{name} waits for {other} without a condition");
        }
    }
    for stage in STAGES {
        let service = &services()[stage];
        assert_eq!(service["command"][0], json!(stage));
        assert!(service["healthcheck"]["test"].to_string().contains("/readyz"), "{stage}");
        assert_eq!(service["depends_on"]["kafka"]["condition"], json!("service_healthy"));
        assert_eq!((&service["read_only"], &service["cap_drop"]), (&json!(true), &json!(["ALL"])), "{stage}");
    }
}

#[test]
fn the_gateway_alone_is_published_and_to_this_machine_alone() {
    for (name, service) in services() {
        let ports = &service["ports"];
        assert_eq!(ports.is_array(), name == "alert", "{name}: {ports}");
        for port in ports.as_array().into_iter().flatten() {
            assert!(port.as_str().unwrap().starts_with("127.0.0.1:"), "{port}");
        }
    }
}

/// Data lies in volumes with names, secrets in files that no commit holds.
#[test]
fn nothing_is_lost_with_a_container_and_no_secret_stands_in_the_file() {
    let file = yaml("compose.yaml");
    let named: HashSet<&String> = file["volumes"].as_object().unwrap().keys().collect();
    let secrets = file["secrets"].as_object().unwrap();
    for (name, service) in services() {
        let volumes = service["volumes"].as_array().unwrap().iter().map(|volume| volume.as_str().unwrap());
        let holds_data =
            volumes.filter_map(|volume| volume.split(':').next()).any(|from| named.contains(&from.to_owned()));
        assert!(holds_data, "{name} keeps its data in the container");
        for secret in service["secrets"].as_array().into_iter().flatten() {
            assert!(secrets.contains_key(secret.as_str().unwrap()), "{name}: {secret}");
        }
        for (key, value) in service["environment"].as_object().unwrap() {
            let secret = ["PASSWORD", "TOKEN", "KEY", "SECRET"].iter().any(|word| key.contains(word));
            assert!(!secret || key.ends_with("_FILE"), "{name}: {key} = {value}");
        }
    }
    let ignored = text("../.gitignore");
    for (name, secret) in secrets {
        assert_eq!(secret["file"], json!(format!("./secrets/{name}")));
    }
    assert!(ignored.lines().any(|line| line == "/deploy/secrets"));
}

/// The broker of the tests and the one of compose.yaml are of one version.
#[test]
fn the_broker_is_the_one_that_the_tests_run() {
    let image = services()["kafka"]["image"].as_str().unwrap().to_owned();
    let version = image.strip_prefix("apache/kafka:").unwrap();
    assert!(text("kafka/pom.xml").contains(&format!("<kafka.version>{version}</kafka.version>")), "{image}");
}

#[test]
fn the_image_is_made_of_what_is_there() {
    let file = text("Dockerfile");
    let copies = file.lines().filter_map(|line| line.strip_prefix("COPY ")).filter(|line| !line.starts_with("--from="));
    let mut copied = 0;
    for copy in copies {
        let words: Vec<&str> = copy.split_whitespace().collect();
        for source in &words[..words.len() - 1] {
            assert!(deploy("..").join(source).exists(), "COPY {copy}: there is no {source}");
            copied += 1;
        }
    }
    assert!(copied >= 5, "{copied}");
    let last = file.rsplit("\nFROM ").next().unwrap();
    assert!(last.contains("\nUSER wanglou\n") && last.contains("HEALTHCHECK") && last.contains("/readyz"), "{last}");
}

/// Units as `systemd-analyze` sees them, with the program that was just built in the place of the installed one.
fn units() -> (tempfile::TempDir, Vec<std::path::PathBuf>) {
    let folder = tempfile::TempDir::new().unwrap();
    for unit in ["wanglou.service", "wanglou@.service"] {
        let text = text(&format!("systemd/{unit}"));
        assert!(text.contains("=/usr/local/bin/wanglou "), "{unit}");
        let text = text.replace("/usr/local/bin/wanglou ", concat!(env!("CARGO_BIN_EXE_wanglou"), " "));
        std::fs::write(folder.path().join(unit), text).unwrap();
    }
    let instances = STAGES.iter().map(|stage| format!("wanglou@{stage}.service"));
    let paths =
        ["wanglou.service".to_owned()].into_iter().chain(instances).map(|name| folder.path().join(name)).collect();
    (folder, paths)
}

#[test]
fn systemd_reads_the_units() {
    let (_folder, paths) = units();
    passes(Command::new("systemd-analyze").args(["verify", "--man=no"]).args(paths));
}

/// At most 2 of 10 on systemd's scale of what a service could do to its machine.
#[test]
fn the_units_are_confined() {
    let (folder, _) = units();
    for unit in ["wanglou.service", "wanglou@.service"] {
        let mut command = Command::new("systemd-analyze");
        passes(command.args(["security", "--offline=true", "--threshold=20"]).arg(folder.path().join(unit)));
    }
}

/// What differs between the two units is what must.
#[test]
fn the_units_differ_in_their_service_only() {
    let lines = |unit: &str| -> HashSet<String> {
        let file = text(&format!("systemd/{unit}"));
        file.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    let (all, one) = (lines("wanglou.service"), lines("wanglou@.service"));
    assert!(one.difference(&all).all(|line| line.contains("%i")), "{:?}", one.difference(&all));
    for line in all.difference(&one) {
        let key = line.split('=').next().unwrap();
        assert!(["Description", "ExecStart", "StateDirectory", "WorkingDirectory"].contains(&key), "{line}");
    }
}
