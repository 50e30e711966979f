//! What watches the watch: Prometheus' rules and Grafana's dashboard name metrics and labels that exist, every metric is on
//! the dashboard, and promtool finds no fault.

#![allow(clippy::unwrap_used, clippy::panic)] // a test fails by it

mod support;

use schemas::kit::metrics::{LABELS, NAMES};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use support::{
    Site,
    files::{deploy, passes, promtool, text, yaml},
    line, wait_for,
};

const RULES: &str = "prometheus/wanglou.rules.yml";
const DASHBOARD: &str = "grafana/wanglou.json";

/// Metrics that are on no panel on purpose, each with the reason.
const ON_NO_PANEL: &[(&str, &str)] = &[];

/// What a scrape adds to every metric.
const SCRAPED: [&str; 3] = ["instance", "job", "service"];

/// Words of a text that look like metrics of ours.
fn metrics_in(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| word.starts_with("wanglou_")).collect()
}

/// The labels of a metric as it is queried, a histogram's parts included.
fn labels_of(metric: &str) -> Option<BTreeSet<&'static str>> {
    let found = |name: &str| NAMES.iter().position(|known| *known == name).map(|index| LABELS[index]);
    if let Some(labels) = found(metric) {
        return Some(labels.iter().copied().collect());
    }
    let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| metric.strip_suffix(part))?;
    found(base).map(|labels| labels.iter().copied().chain(metric.ends_with("_bucket").then_some("le")).collect())
}

/// Labels that an expression selects by or groups by.
fn labels_in(expression: &str) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    let names = |list: &str| -> Vec<String> {
        list.split(',')
            .filter_map(|part| part.split(['=', '!', '~']).next())
            .map(|name| name.trim().to_owned())
            .collect()
    };
    for (open, close) in [("{", '}'), ("by (", ')')] {
        for rest in expression.split(open).skip(1) {
            labels.extend(names(rest.split(close).next().unwrap()).into_iter().filter(|name| !name.is_empty()));
        }
    }
    labels
}

/// Labels that a template shows: `{{ $labels.topic }}` in annotations, `{{topic}}` in legends.
fn labels_shown(template: &str) -> BTreeSet<String> {
    let inner = template.split("{{").skip(1).filter_map(|rest| rest.split("}}").next()).map(str::trim);
    inner
        .filter(|name| !name.starts_with("$value"))
        .map(|name| name.strip_prefix("$labels.").unwrap_or(name).to_owned())
        .collect()
}

/// An expression, and the templates that show its outcome.
struct Query {
    place: String,
    expression: String,
    templates: Vec<String>,
}

fn rules() -> Vec<Value> {
    let file = yaml(RULES);
    let groups = file["groups"].as_array().unwrap().iter();
    groups.flat_map(|group| group["rules"].as_array().unwrap().clone()).collect()
}

fn panels() -> Vec<Value> {
    let dashboard: Value = serde_json::from_str(&text(DASHBOARD)).unwrap();
    dashboard["panels"].as_array().unwrap().clone()
}

fn queries_of_rules() -> Vec<Query> {
    let queries = rules().into_iter().map(|rule| Query {
        place: rule["alert"].as_str().unwrap().to_owned(),
        expression: rule["expr"].as_str().unwrap().to_owned(),
        templates: rule["annotations"]
            .as_object()
            .unwrap()
            .values()
            .map(|text| text.as_str().unwrap().into())
            .collect(),
    });
    queries.collect()
}

fn queries_of_dashboard() -> Vec<Query> {
    let mut queries = Vec::new();
    for panel in panels() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries.push(Query {
                place: panel["title"].as_str().unwrap().to_owned(),
                expression: target["expr"].as_str().unwrap().replace("$__rate_interval", "1m"),
                templates: vec![target["legendFormat"].as_str().unwrap().to_owned()],
            });
        }
    }
    queries
}

#[test]
fn what_is_asked_for_exists() {
    let queries = queries_of_rules().into_iter().chain(queries_of_dashboard());
    let mut asked = 0;
    for Query { place, expression, templates } in queries {
        let mut labels: BTreeSet<&str> = SCRAPED.into();
        for metric in metrics_in(&expression) {
            labels.extend(labels_of(metric).unwrap_or_else(|| panic!("{place}: there is no metric {metric}")));
            asked += 1;
        }
        let shown = templates.iter().flat_map(|template| labels_shown(template));
        for label in labels_in(&expression).into_iter().chain(shown) {
            assert!(labels.contains(label.as_str()), "{place}: no label {label:?} in {expression}");
        }
    }
    assert!(asked > NAMES.len(), "{asked}");
    let tested = text("prometheus/wanglou.rules.test.yml");
    for metric in metrics_in(&tested).into_iter().filter(|word| *word != "wanglou_rules") {
        assert!(labels_of(metric).is_some(), "the rules' tests feed {metric}, which does not exist");
    }
}

#[test]
fn every_metric_is_on_the_dashboard() {
    let queries = queries_of_dashboard();
    let shown: BTreeSet<&str> = queries.iter().flat_map(|query| metrics_in(&query.expression)).collect();
    let missing: Vec<&&str> = NAMES
        .iter()
        .filter(|name| !shown.iter().any(|shown| shown == *name || shown.strip_suffix("_bucket") == Some(name)))
        .filter(|name| !ON_NO_PANEL.iter().any(|(exempt, _)| exempt == *name))
        .collect();
    assert!(missing.is_empty(), "deploy/{DASHBOARD} shows nothing of {missing:?}");
    for (name, reason) in ON_NO_PANEL {
        assert!(NAMES.contains(name) && !reason.is_empty(), "{name} is exempt, but does not exist");
    }
}

/// What a running instance exposes is what the constants say, labels included.
#[tokio::test(flavor = "multi_thread")]
async fn a_running_instance_shows_them() {
    let site = Site::new("");
    let instance = site.start().await;
    let body: String = (0..20).map(|number| line(number * 5, jiff::Timestamp::now())).collect();
    instance.push(body.clone() + "{}\n").await.unwrap();
    instance.push(body).await.unwrap();
    let incident = async || {
        let incidents = instance.get("/api/incidents").await;
        (!incidents["incidents"].as_array()?.is_empty()).then_some(())
    };
    wait_for("an incident", incident).await;
    let exposed = instance.client.get(format!("{}/metrics", instance.base)).send().await.unwrap().text().await.unwrap();

    let mut shown: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for sample in exposed.lines().filter(|line| !line.starts_with('#')) {
        let metric = sample.split(['{', ' ']).next().unwrap();
        shown.entry(metric).or_default().extend(labels_in(sample));
    }
    for (metric, labels) in &shown {
        if metric.starts_with("wanglou_") {
            let known = labels_of(metric).unwrap_or_else(|| panic!("/metrics shows {metric}, which is no constant"));
            assert!(labels.iter().all(|label| known.contains(label.as_str())), "{metric}: {labels:?}");
        }
    }
    for (name, labels) in NAMES.iter().zip(LABELS) {
        let histogram = format!("{name}_bucket");
        let there = shown.contains_key(name) || shown.contains_key(histogram.as_str());
        // One with labels appears with its first count.
        assert!(there || !labels.is_empty(), "/metrics shows no {name}");
    }
    for (name, label) in [("wanglou_ingest_posts_accepted_total", "via"), ("wanglou_ingest_lines_refused_total", "via")]
    {
        assert!(shown[name].contains(label), "{name}");
    }
    // Those of the process come from a library: what is asked for must be there.
    let queries: Vec<Query> = queries_of_rules().into_iter().chain(queries_of_dashboard()).collect();
    for query in &queries {
        let words = query.expression.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for metric in words.filter(|word| word.starts_with("process_")) {
            assert!(shown.contains_key(metric), "{}: /metrics shows no {metric}", query.place);
        }
    }
}

#[test]
fn promtool_finds_no_fault() {
    passes(promtool().args(["check", "config", "--syntax-only"]).arg(deploy("prometheus/prometheus.yml")));
    passes(promtool().args(["check", "rules", "--lint-fatal"]).arg(deploy(RULES)));
    passes(promtool().args(["test", "rules"]).arg(deploy("prometheus/wanglou.rules.test.yml")));
}

/// The dashboard's expressions are read by promtool too, as rules that record.
#[test]
fn the_dashboard_speaks_promql() {
    let rules: Vec<Value> = (0..)
        .zip(queries_of_dashboard())
        .map(|(number, query): (u32, Query)| json!({"record": format!("panel:{number}"), "expr": query.expression}))
        .collect();
    let folder = tempfile::TempDir::new().unwrap();
    let path = folder.path().join("panels.yml");
    // JSON is YAML.
    std::fs::write(&path, json!({"groups": [{"name": "panels", "rules": rules}]}).to_string()).unwrap();
    passes(promtool().args(["check", "rules"]).arg(path));
}

#[test]
fn panels_have_titles_and_do_not_overlap() {
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    for panel in panels() {
        assert!(!panel["title"].as_str().unwrap().is_empty() && ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(x < 24 && taken.insert((x, y)), "{} lies on another", panel["title"]);
            }
        }
    }
}

/// An alert that does not say what to do wakes somebody for nothing; one that no test fires may never fire.
#[test]
fn every_alert_says_what_to_do_in_both_languages_and_is_fired_by_a_test() {
    let tested = text("prometheus/wanglou.rules.test.yml");
    for rule in rules() {
        let name = rule["alert"].as_str().unwrap();
        let said = |key: &str| rule["annotations"][key].as_str().unwrap_or_else(|| panic!("{name} has no {key}"));
        let chinese = |text: &str| text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
        let (zh, en) = said("summary").split_once(" / ").unwrap_or_else(|| panic!("{name}: one language only"));
        assert!(chinese(zh) && !chinese(en), "{name}: {zh} / {en}");
        let (zh, en) = said("description").split_once('\n').unwrap_or_else(|| panic!("{name}: one language only"));
        assert!(chinese(zh) && !en.is_empty() && !chinese(en), "{name}: {zh} / {en}");
        assert!(["page", "ticket"].contains(&rule["labels"]["severity"].as_str().unwrap_or_default()), "{name}");
        assert!(tested.contains(&format!("alertname=\"{name}\"")), "no test fires {name}");
    }
}
