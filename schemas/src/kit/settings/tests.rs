use super::*;

const SMALLEST: &str = r#"
data_dir = "data"
timezone = "Asia/Shanghai"
[http]
listen = "127.0.0.1:8080"
[[http.token]]
name = "feed"
role = "push"
env  = "WANGLOU_PUSH_TOKEN"
[log]
kind = "embedded"
[records]
url = "sqlite:records.db"
[[watch]]
id = "water"
name = "停水"
query = "停水 OR 断水 OR (水压 AND 低)"
[[channel]]
id = "desk"
kind = "webhook"
url = "http://127.0.0.1:9099/hook"
"#;

fn parse(text: &str) -> Result<Settings, Vec<Fault>> {
    Settings::parse(text, [])
}

fn faults(text: &str) -> Vec<(usize, String)> {
    parse(text)
        .unwrap_err()
        .into_iter()
        .map(|fault| match fault.place {
            Place::Line(line) => (line, fault.message),
            place => panic!("{place:?}: {}", fault.message),
        })
        .collect()
}

#[test]
fn the_smallest_config_is_read() {
    let settings = parse(SMALLEST).unwrap();
    assert_eq!(settings.http.token[0].role, crate::kit::auth::Role::Push);
    assert_eq!(settings.watch[0].get_ref().name, "停水");
    assert_eq!(settings.channel[0].get_ref().kind, ChannelKind::Webhook);
}

#[test]
fn an_empty_config_has_defaults() {
    let settings = parse("").unwrap();
    assert_eq!(settings.http.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.log.kind, LogKind::Embedded);
}

#[test]
fn every_fault_is_named_with_its_line() {
    let text = r#"
datadir = "x"
[http]
listen = "nowhere"
port = 80
[[watch]]
id = "water"
query = "停水"
[[watch]]
id = "gas"
name = "燃气"
query = "燃气"
colour = "red"
[log]
partitions = "four"
"#;
    let found = faults(text);
    let lines: Vec<_> = found.iter().map(|(line, _)| *line).collect();
    assert_eq!(lines, [2, 4, 5, 6, 13, 15], "{found:#?}");
    assert!(found[0].1.contains("unknown key `datadir`"), "{found:#?}");
    assert!(found[3].1.contains("missing key `name`"), "{found:#?}");
}

#[test]
fn broken_toml_is_named_with_its_line() {
    let found = faults("data_dir = \"x\"\n[http\nlisten = 1\n");
    assert_eq!(found[0].0, 2, "{found:#?}");
}

#[test]
fn what_does_not_fit_together_is_named_with_its_line() {
    let text = r#"
timezone = "Mars/Olympus"
[log]
partitions = 0
[[watch]]
id = "water"
name = "停水"
query = "停水"
[[watch]]
id = "water"
name = "断水"
query = "断水"
[[channel]]
id = "desk"
kind = "webhook"
url = "desk"
[[duty]]
id = "night"
channels = ["phone"]
[[policy]]
topics = ["gas"]
duty = "day"
"#;
    let lines: Vec<_> = faults(text).into_iter().map(|(line, _)| line).collect();
    assert_eq!(lines, [2, 4, 10, 16, 19, 21, 22]);
}

#[test]
fn the_environment_overrides() {
    let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let settings = Settings::parse(
        SMALLEST,
        [
            set("WANGLOU__HTTP__LISTEN", "127.0.0.1:9"),
            set("WANGLOU__LOG__PARTITIONS", "2"),
            set("WANGLOU__DATA_DIR", "/var/lib/wanglou"),
            set("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(settings.http.listen.port(), 9);
    assert_eq!(settings.log.partitions, 2);
    assert_eq!(settings.data_dir, Path::new("/var/lib/wanglou"));
    assert_eq!(settings.http.token.len(), 1, "what is not overridden stays");
    let error = Settings::parse(SMALLEST, [set("WANGLOU__WATCH__ID", "x")]).unwrap_err();
    assert!(matches!(&error[0].place, Place::Environment(name) if name == "WANGLOU__WATCH__ID"), "{error:?}");
}

#[test]
fn durations_as_people_write_them() {
    for (text, seconds) in [("20s", 20), ("5m", 300), ("1h 30m", 5400), ("7d", 604_800)] {
        assert_eq!(log::duration::parse(text).unwrap().as_secs(), seconds, "{text}");
    }
    for bad in ["", "20", "-5m", "soon", "99999999999999d"] {
        assert_eq!(log::duration::parse(bad), None, "{bad}");
    }
}

#[test]
fn a_fault_within_a_table_is_named_with_the_line_of_its_key() {
    let text = r##"
[[source]]
id = "a"
kind = "html"
url = "https://a.example/"
list = { item = "li", link = "a@href" }
[source.thread]
post = "#post"
  [source.thread.fields]
  text = "p"
  published_at = "time"

[[source]]
id = "b"
kind = "html"
url = "https://b.example/"
[source.list]
item = "li"
link = "a@href"
[source.thread]
post = "#post"
fields = { text = "p", published_at = "time" }
"##;
    let settings = parse(text).unwrap();
    let line = |source: usize, path: &[&str]| match settings
        .fault_within("source", &settings.source[source], path, "")
        .place
    {
        Place::Line(line) => line,
        place => panic!("{place:?}"),
    };
    assert_eq!(line(0, &["list", "link"]), 6);
    assert_eq!(line(0, &["thread", "post"]), 8);
    assert_eq!(line(0, &["thread", "fields", "text"]), 10);
    assert_eq!(line(0, &["thread", "fields", "place"]), 9);
    assert_eq!(line(1, &["list", "link"]), 19);
    assert_eq!(line(1, &["thread", "fields", "text"]), 22);
    assert_eq!(line(1, &["thread", "comments", "item"]), 20);
}

proptest::proptest! {
    /// Whatever somebody saves half-way: no panic, and every fault lies on a line that the file has.
    #[test]
    fn a_config_that_was_cut_or_garbled_is_told_line_by_line(cut in 0_usize..600, length in 0_usize..80, put in "[\\[\\]=\"\n\\PC]{0,12}") {
        let mut chars: Vec<char> = SMALLEST.chars().collect();
        let start = cut.min(chars.len());
        let end = (start + length).min(chars.len());
        chars.splice(start..end, put.chars());
        let text: String = chars.into_iter().collect();
        if let Err(faults) = parse(&text) {
            let lines = text.split('\n').count();
            for fault in faults {
                if let Place::Line(line) = fault.place {
                    proptest::prop_assert!((1..=lines).contains(&line), "{} of {lines}: {}", line, fault.message);
                }
            }
        }
    }
}

#[test]
fn upstreams_are_base_addresses() {
    let settings = parse("[http.upstream]\ningest = \"http://a:1\"\nanalyze = \"https://b/\"\n").unwrap();
    assert_eq!(settings.http.upstream.ingest, ["http://a:1"]);
    let settings = parse("[http.upstream]\ningest = [\"http://a:1\", \"http://b:1\"]\n").unwrap();
    assert_eq!(settings.http.upstream.ingest.len(), 2);
    assert!(parse("").unwrap().http.upstream.is_empty());
    for (line, bad) in [
        (2, "ingest = \"a:1\""),
        (2, "ingest = [\"http://a:1\", \"http://b/path\"]"),
        (3, "\nanalyze = \"http://user@b\""),
        (2, "analyze = \"ftp://b\""),
        (2, "ingest = 7"),
    ] {
        let found = faults(&format!("[http.upstream]\n{bad}\n"));
        assert_eq!(found.len(), 1, "{bad}: {found:?}");
        assert!(found[0].0 == line && found[0].1.contains("address"), "{bad}: {found:?}");
    }
}

#[test]
fn kafka_is_named_whole_and_one_copy_is_warned_of() {
    let faults = |text: &str| match Settings::parse(text, []) {
        Ok(_) => String::new(),
        Err(faults) => faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
    };
    let kafka = "[log]\nkind = \"kafka\"\nbrokers = \"a:9092, b:9092\"\n";
    assert_eq!(faults(kafka), "");
    assert!(faults("[log]\nkind = \"kafka\"\n").contains("brokers = \"host:port,…\""));
    assert!(faults("[log]\nkind = \"kafka\"\nbrokers = \"a\"\n").contains("host:port"));
    assert!(faults(&format!("{kafka}client = {{ acks = \"0\" }}\n")).contains("set by Wanglou"));
    assert!(faults(&format!("{kafka}client = {{ \"sasl.password\" = \"x\" }}\n")).contains("client_secret"));
    assert!(faults(&format!("{kafka}prefix = \"a b\"\n")).contains("at most 100 letters"));
    assert!(faults("[log]\nbrokers = \"a:9092\"\n").contains("no meaning"));
    let warned = |text: &str| Settings::parse(text, []).unwrap().warnings().len();
    assert_eq!(warned(kafka), 0);
    assert_eq!(warned(&format!("{kafka}replication = 1\n")), 1);
    let source = "[[source]]\nid = \"f\"\nkind = \"rss\"\nurl = \"https://feed.example/\"\n";
    assert_eq!(warned(source), 1, "sites cannot tell whom to ask");
    assert_eq!(warned(&format!("[crawl]\ncontact = \"crawl@centre.example\"\n{source}")), 0);
    assert_eq!(warned(&format!("{source}allow_private = true\n")), 0);
}

#[test]
fn people_have_channels_of_their_own() {
    let text = format!(
        "{SMALLEST}\n[[person]]\nname = \"王敏\"\nchannels = [\"desk\"]\n[[duty]]\nid = \"d\"\n[[duty.shift]]\nfrom = \"08:00\"\nto = \"20:00\"\nperson = \"王敏\"\n"
    );
    assert_eq!(parse(&text).unwrap().person[0].get_ref().channels, ["desk"]);
    let wrong = format!(
        "{text}[[person]]\nname = \"王敏\"\n[[person]]\nname = \"李雷\"\nchannels = [\"desk\", \"nowhere\"]\nleads = true\n"
    );
    let found: Vec<String> = faults(&wrong).into_iter().map(|(_, message)| message).collect();
    for words in ["another [[person]]", "王敏's own", "\"nowhere\"", "leads which unit"] {
        assert!(found.iter().any(|message| message.contains(words)), "{words}: {found:?}");
    }
}

/// The table of `roster.rs`, and what is refused, with its line.
#[test]
fn shifts_are_one_persons_or_go_round() {
    let with = |shift: &str| {
        format!(
            "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"http://h/\"\n[[duty]]\nid = \"d\"\nchannels = [\"desk\"]\n[[duty.shift]]\nfrom = \"20:00\"\nto = \"08:00\"\n{shift}"
        )
    };
    let shift = |text: &str| parse(&with(text)).unwrap().duty[0].get_ref().shift[0].get_ref().clone();
    assert_eq!(shift("person = \"王敏\"\n").members().collect::<Vec<_>>(), ["王敏"]);
    let week = shift("people = [\"王敏\", \"李雷\"]\nturn = \"week\"\nstarting = \"2026-11-23\"\n");
    assert_eq!((week.turn, week.members().count()), (Some(Span::Week), 2));
    let days = shift("people = [\"王敏\"]\nturn = 3\nstarting = \"2026-11-23\"\ndays = [\"mon\", \"fri\"]\n");
    assert_eq!((days.turn, days.days.as_slice()), (Some(Span::Days(3)), [Day::Mon, Day::Fri].as_slice()));
    assert_eq!(shift("people = [\"王敏\"]\nturn = \"day\"\nstarting = \"2026-11-23\"\n").turn, Some(Span::Days(1)));

    let several = "people = [\"王敏\"]\nturn = \"day\"\n";
    for (text, line, words) in [
        (String::new(), 8, "who is on duty"),
        ("person = \"王敏\"\npeople = [\"李雷\"]\n".into(), 11, "exclude each other"),
        ("people = [\"李雷\"]\nstarting = \"2026-11-23\"\n".into(), 11, "turn = "),
        (several.into(), 11, "starting = "),
        ("person = \"王敏\"\nturn = \"week\"\n".into(), 12, "several in turn"),
        ("person = \" \"\n".into(), 11, "must not be empty"),
        (format!("{several}starting = \"2026-11-22\"\ndays = [\"mon\"]\n"), 13, "day of the week"),
        (format!("{several}starting = \"2026-11-31\"\n"), 13, ""),
        ("people = [\"王敏\"]\nturn = \"month\"\n".into(), 12, "\"week\""),
        ("people = [\"王敏\"]\nturn = 0\n".into(), 12, "366"),
        ("person = \"王敏\"\ndays = [\"monday\"]\n".into(), 12, "mon"),
    ] {
        let found = faults(&with(&text));
        assert!(found.iter().any(|(at, message)| *at == line && message.contains(words)), "{text}: {found:?}");
    }
}

#[test]
fn links_that_sign_last_for_minutes_to_weeks() {
    let with = |life: &str| format!("[http]\nsign_link = \"{life}\"\n");
    for good in ["5m", "24h", "30d"] {
        assert!(parse(&with(good)).is_ok(), "{good}");
    }
    for bad in ["1m", "31d"] {
        let found = faults(&with(bad));
        assert!(found.iter().any(|(_, message)| message.contains("5 minutes at least")), "{bad}: {found:?}");
    }
}
