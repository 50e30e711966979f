//! The records' JSON Schema files and golden fixtures, and the API's description, agree with the types.
//!
//! `UPDATE=1 cargo test -p schemas --test records` writes the generated files anew.

#![allow(clippy::unwrap_used)] // a test fails by it

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use schemas::records::*;
use serde_json::Value;
use std::{collections::BTreeMap, fs, path::PathBuf};

fn path(rest: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(rest)
}

fn agrees(file: &str, wanted: &Value) {
    let path = path(file);
    let wanted = serde_json::to_string_pretty(wanted).unwrap() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "{file} is not what the types say: run UPDATE=1 cargo test -p schemas --test records");
}

fn schema<T: JsonSchema>() -> Schema {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>()
}

macro_rules! each_record {
    ($do:ident) => {
        $do!(RawPost, Gone, AnalyzedPost, Pulse, IncidentRecord, CrawlReport, Rejected, Control, AuditEntry);
    };
}

#[test]
fn the_schema_files_are_those_of_the_types() {
    macro_rules! check {
        ($($type:ty),+) => {
            $(agrees(&format!("json/{}.json", <$type>::NAME), schema::<$type>().as_value());)+
        };
    }
    each_record!(check);
    agrees("json/door_post.json", schema::<DoorPost>().as_value());
}

/// Every version ever written is still read, and what this version writes fits its own schema file.
#[test]
fn golden_fixtures_are_read_and_fit_the_schemas() {
    fn check<T: Record>() {
        let schema: Value =
            serde_json::from_slice(&fs::read(path(&format!("json/{}.json", T::NAME))).unwrap()).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        for version in 1..=T::VERSION {
            let file = path(&format!("fixtures/{}.v{version}.json", T::NAME));
            let text = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{} is missing", file.display()));
            let record = T::decode(text.as_bytes()).unwrap();
            let written: Value = serde_json::from_slice(&record.encode()).unwrap();
            if version == T::VERSION {
                assert!(validator.is_valid(&written), "{}: {:?}", T::NAME, validator.validate(&written).err());
                assert_eq!(written, serde_json::from_str::<Value>(&text).unwrap(), "{}", T::NAME);
            }
        }
    }
    macro_rules! all {
        ($($type:ty),+) => { $(check::<$type>();)+ };
    }
    each_record!(all);
}

#[test]
fn unknown_keys_are_ignored_and_newer_versions_set_aside() {
    let text = fs::read_to_string(path("fixtures/raw_post.v1.json")).unwrap();
    let mut value: Value = serde_json::from_str(&text).unwrap();
    value["colour"] = "red".into();
    assert!(RawPost::decode(value.to_string().as_bytes()).is_ok());
    value["v"] = 2.into();
    assert_eq!(RawPost::decode(value.to_string().as_bytes()), Err(DecodeError::TooNew { found: 2, known: 1 }));
    let malformed = RawPost::decode(b"{\"v\":1}");
    assert!(matches!(malformed, Err(DecodeError::Malformed(_))), "{malformed:?}");
}

/// The record types that the API shows stand in `openapi.json` as the types have them.
#[test]
fn the_api_description_shows_the_types() {
    let file = path("openapi.json");
    let mut api: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let mut generated = BTreeMap::new();
    macro_rules! add {
        ($($type:ty),+) => {$({
            let mut generator = SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
                .into_generator();
            let name = <$type>::schema_name().into_owned();
            generator.subschema_for::<$type>();
            generated.extend(generator.take_definitions(true));
            assert!(generated.contains_key(&name) , "{name}");
        })+};
    }
    add!(
        DoorPost,
        Pulse,
        Rejected,
        IncidentRecord,
        Delivery,
        Sentiment,
        Kind,
        Corrected,
        Correction,
        ToneProbability,
        schemas::kit::auth::Role
    );
    let written = api["components"]["schemas"].as_object_mut().unwrap();
    written.extend(generated);
    agrees("openapi.json", &api);
}

/// A stage of an older version and one of a newer work side by side. What the newer one adds, the older passes over, wherever it
/// stands; what the older one does not write, the newer fills in; what the older one would misunderstand, it sets aside.
#[test]
fn each_record_rolls_between_versions() {
    /// Adds an unknown key to every object.
    fn add_unknown(value: &mut Value) {
        match value {
            Value::Object(object) => {
                object.values_mut().for_each(add_unknown);
                object.insert("a_key_of_tomorrow".into(), serde_json::json!({"deep": [1, "二"]}));
            }
            Value::Array(values) => values.iter_mut().for_each(add_unknown),
            _ => {}
        }
    }
    fn check<T: Record + PartialEq + std::fmt::Debug>() {
        let schema: Value =
            serde_json::from_slice(&fs::read(path(&format!("json/{}.json", T::NAME))).unwrap()).unwrap();
        let required: Vec<&str> = schema["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        for version in 1..=T::VERSION {
            let text = fs::read_to_string(path(&format!("fixtures/{}.v{version}.json", T::NAME))).unwrap();
            let known = T::decode(text.as_bytes()).unwrap();
            let written: Value = serde_json::from_str(&text).unwrap();
            let mut newer = written.clone();
            add_unknown(&mut newer);
            assert_eq!(T::decode(newer.to_string().as_bytes()).as_ref(), Ok(&known), "{}: unknown keys", T::NAME);
            for key in written.as_object().unwrap().keys().filter(|key| !required.contains(&key.as_str())) {
                let mut older = written.clone();
                older.as_object_mut().unwrap().remove(key);
                let read = T::decode(older.to_string().as_bytes());
                assert!(read.is_ok(), "{} without {key}: {read:?}", T::NAME);
            }
            let mut too_new = written;
            too_new["v"] = (T::VERSION + 1).into();
            let outcome = T::decode(too_new.to_string().as_bytes());
            assert_eq!(outcome, Err(DecodeError::TooNew { found: T::VERSION + 1, known: T::VERSION }), "{}", T::NAME);
        }
    }
    macro_rules! all {
        ($($type:ty),+) => { $(check::<$type>();)+ };
    }
    each_record!(all);
}

/// Nobody forgets a fixture: each file is that of a version of a record.
#[test]
fn every_fixture_is_of_a_version_that_is_read() {
    let mut wanted = std::collections::BTreeSet::new();
    macro_rules! names {
        ($($type:ty),+) => {
            $(wanted.extend((1..=<$type>::VERSION).map(|version| format!("{}.v{version}.json", <$type>::NAME)));)+
        };
    }
    each_record!(names);
    let found = fs::read_dir(path("fixtures")).unwrap();
    let found: std::collections::BTreeSet<String> =
        found.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(found, wanted);
}
