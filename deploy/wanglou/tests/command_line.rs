//! The commands that need no running instance.

#![allow(clippy::unwrap_used)] // a test fails by it

mod support;

use serde_json::Value;
use std::process::Output;
use support::{Site, line};

fn run(site: &Site, args: &[&str]) -> Output {
    let config = site.config();
    site.command().args(args).arg("--config").arg(config).output().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn check_finds_no_fault_in_the_smallest_config() {
    let output = run(&Site::new(""), &["check"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn check_warns_of_links_that_no_phone_can_open() {
    let channel = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9099/hook\"\n";
    let warned = |site: &Site, config: &str| {
        let path = site.path().join("other.toml");
        std::fs::write(&path, config).unwrap();
        let output = site.command().args(["check", "--config"]).arg(path).output().unwrap();
        assert!(output.status.success(), "a warning is no fault");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let site = Site::new(channel);
    let config = std::fs::read_to_string(site.config()).unwrap();
    assert!(warned(&site, &config).contains("other.toml:4: warning: [http] public_url"), "{}", warned(&site, &config));
    let public = config.replace("[http]\n", "[http]\npublic_url = \"https://wanglou.example\"\n");
    assert_eq!(warned(&site, &public), "");
    let loopback = config.replace("[http]\n", "[http]\npublic_url = \"http://127.0.0.1:8080\"\n");
    assert!(warned(&site, &loopback).contains("other.toml:5: warning"), "{}", warned(&site, &loopback));
}

#[test]
fn check_names_every_fault_with_file_and_line() {
    let site = Site::new(
        "[[watch]]\nid = \"gas\"\nname = \"燃气\"\nquery = \"燃气 OR (煤气\"\n[[channel]]\nid = \"x\"\nkind = \"webhook\"\nurl = \"ftp://x\"\n\
         [[source]]\nid = \"s\"\nkind = \"html\"\nurl = \"http://x/\"\n[source.list]\nitem = \"tr[\"\nlink = \"a@href\"\n\
         [source.thread]\npost = \"div\"\nfields = { text = \"p\", published_at = \"i\" }\n",
    );
    let output = run(&site, &["check"]);
    assert_eq!(output.status.code(), Some(2));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let config = site.config();
    let text = std::fs::read_to_string(&config).unwrap();
    // What only settings can judge comes first; stages judge what settings could read.
    let line_of = |wanted: &str| text.lines().position(|line| line.starts_with(wanted)).unwrap() + 1;
    assert!(told.contains(&format!("{}:{}: ", config.display(), line_of("url = \"ftp"))), "{told}");
    std::fs::write(&config, text.replace("ftp://", "http://")).unwrap();
    let output = site.command().args(["check", "--config"]).arg(&config).output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2));
    for wanted in ["query = \"燃气 OR", "item = "] {
        assert!(told.contains(&format!("{}:{}: ", config.display(), line_of(wanted))), "{wanted}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_imported_understood_and_found() {
    let site = Site::new("");
    let file = site.path().join("posts.jsonl");
    let now = jiff::Timestamp::now();
    let lines: String = (0..100).map(|number| line(number, now)).collect();
    std::fs::write(&file, lines + "{\"source\":1}\n").unwrap();
    let file = file.to_str().unwrap();

    let imported = run(&site, &["import", file]);
    assert_eq!(imported.status.code(), Some(1), "one line is refused");
    assert!(out(&imported).contains("accepted 100, duplicate 0, refused 1"), "{}", out(&imported));
    assert!(String::from_utf8_lossy(&imported.stderr).contains(":101: "));

    let instance = site.start().await;
    support::wait_for("the import", async || (instance.search_total("").await? == 100).then_some(())).await;
    // The archive can be searched beside the running instance.
    let found = run(&site, &["search", "停水 第15条", "--json"]);
    let page: Value = serde_json::from_str(&out(&found)).unwrap();
    assert_eq!((&page["total"], &page["hits"][0]["native_id"]), (&1.into(), &"15".into()));
    assert!(out(&run(&site, &["search", "停水"])).contains("又停水了"));
    let counted =
        out(&run(&site, &["search", "停水", "--facets", "kind", "--histogram", "day", "--collapse", "--limit", "1"]));
    assert!(counted.contains("kind") && counted.contains("█") && counted.contains("different texts"), "{counted}");
    let file_out = site.path().join("result.csv");
    let file_out = file_out.to_str().unwrap();
    let written = run(&site, &["search", "停水", "--format", "csv", "--out", file_out]);
    assert!(out(&written).contains(&format!("20 posts in {file_out}")), "{}", out(&written));
    assert!(std::fs::read_to_string(file_out).unwrap().lines().count() == 21, "a head, and a line for each");
    let refused = run(&site, &["search", "停水", "--format", "csv", "--out", file_out]);
    assert!(!refused.status.success(), "a file that is there is not written over");

    for (format, begins) in [("html", "<!DOCTYPE html>"), ("docx", "PK")] {
        let file_out = site.path().join("brief").with_extension(format);
        let order = ["brief", "--kind", "matter", "--query", "停水", "--format", format, "--out"];
        let drafted = run(&site, &[&order[..], &[file_out.to_str().unwrap()]].concat());
        assert!(out(&drafted).contains("20 posts told of in"), "{}", out(&drafted));
        assert!(std::fs::read(file_out).unwrap().starts_with(begins.as_bytes()), "{format}");
    }

    let base = instance.base.clone();
    let again = site.command().args(["import", file, "--to", &base]).output().unwrap();
    assert!(out(&again).contains("accepted 0, duplicate 100, refused 1"), "{}", out(&again));
}

#[test]
fn understand_prints_what_it_understood_of_each_post() {
    let site = Site::new("");
    let file = site.path().join("posts.jsonl");
    std::fs::write(
        &file,
        "{\"text\":\"小区又停水了, 太让人生气了!\"}\nnonsense\n{\"text\":\"谢谢师傅, 水来了, 真好\"}\n",
    )
    .unwrap();
    let output =
        site.command().args(["understand", file.to_str().unwrap(), "--config"]).arg(site.config()).output().unwrap();
    let lines: Vec<Value> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["sentiment"]["label"], "negative");
    assert_eq!(lines[1]["sentiment"]["label"], "positive");
    assert_eq!(lines[1]["tones"][0]["tone"], "thanks");
    assert_eq!(lines[0]["topics"], serde_json::json!(["water"]));
    assert_eq!(lines[0]["category"]["level3"], "自来水供应");
    assert_eq!(lines[0]["unit"]["id"], "区水务局");
    assert_eq!(lines[0]["fingerprint"].as_str().map(str::len), Some(16));
    assert_eq!((&lines[1]["elsewhere"], &lines[1]["places"]), (&Value::Null, &serde_json::json!([])));
    assert!(String::from_utf8_lossy(&output.stderr).contains('2'), "the bad line is named");
}

#[test]
fn replay_tells_what_would_have_been_paged() {
    let site = Site::new("");
    let file = site.path().join("posts.jsonl");
    let start: jiff::Timestamp = "2026-11-01T02:00:00Z".parse().unwrap();
    // A post about water every six hours, then forty in two minutes.
    let quiet = (0..40_u64).map(|i| line(i * 5, start + jiff::SignedDuration::from_hours(6 * i as i64)));
    let burst_at = start + jiff::SignedDuration::from_hours(6 * 40);
    // In words of their own: copies of one text are no voices.
    let voice = |i: u64| {
        let who = ["老人", "孩子", "租客", "店主", "邻居"][i as usize % 5];
        let what =
            ["做不了饭", "洗不了澡", "电话没人接", "要去提水", "马桶冲不了", "生意做不成", "等到半夜", "只好买水"];
        let since = ["清早", "中午", "昨晚", "下班", "刚才"][i as usize / 8];
        format!("{since}起停水, {who}{}", what[i as usize % 8])
    };
    let burst = (0..40_u64).map(|i| {
        let at = burst_at + jiff::SignedDuration::from_secs(3 * i as i64);
        let mut post: Value = serde_json::from_str(&line(1_000 + i * 5, at)).unwrap();
        post["text"] = voice(i).into();
        format!("{post}\n")
    });
    std::fs::write(&file, quiet.chain(burst).collect::<String>()).unwrap();
    let output = site
        .command()
        .args(["replay", file.to_str().unwrap(), "--json", "--config"])
        .arg(site.config())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let pages: Vec<Value> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(pages.len(), 1, "one rise, one page: {pages:#?}");
    assert_eq!(pages[0]["topic"], "water");
    let at: jiff::Timestamp = pages[0]["at"].as_str().unwrap().parse().unwrap();
    assert!(at >= burst_at && at < burst_at + jiff::SignedDuration::from_mins(2), "{at}");
}

/// A phpBB board as it writes itself, with one forum and one topic in it.
async fn board() -> String {
    use axum::{Router, response::Html, routing::get};
    const FORUM: &str = include_str!("../../../ingest/tests/fixtures/phpbb-forum.html");
    const TOPIC: &str = include_str!("../../../ingest/tests/fixtures/phpbb-topic.html");
    const INDEX: &str = "<html><body id=phpbb><a href='./viewforum.php?f=1' class=forumtitle>News</a> <a href='./viewforum.php?f=2' \
                         class=forumtitle>Water</a></body></html>";
    let router = Router::new()
        .route("/", get(|| async { Html(INDEX) }))
        .route("/viewforum.php", get(|| async { Html(FORUM) }))
        .route("/viewtopic.php", get(|| async { Html(TOPIC) }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_tried_and_added() {
    let site = Site::new("[crawl]\npause = \"0s\"\n");
    let board = board().await;
    let source = |arguments: &[&str]| run(&site, &[&["source"], arguments].concat());

    // Who names no board is shown them.
    let tried = source(&["try", &board, "--allow-private"]);
    assert_eq!(tried.status.code(), Some(1), "{}", out(&tried));
    assert!(out(&tried).contains("1 News, 2 Water"), "{}", out(&tried));
    let private = source(&["try", &board, "--board", "2"]);
    assert!(!private.status.success() && out(&private).contains("private range"), "{}", out(&private));

    let tried = source(&["try", &board, "--board", "Water", "--allow-private"]);
    let told = out(&tried);
    assert!(tried.status.success(), "{told}");
    for expected in [
        "preset phpbb",
        "by its mark body#phpbb",
        "row http://",
        "changed: 102",
        "text: Third time this week.⏎Call me: 138********",
        "(a pseudonym)",
        "2026-11-24T00:05:30Z (to the second)",
        "next page: http://",
        "posts come out: 2",
    ] {
        assert!(told.contains(expected), "{expected}: {told}");
    }
    assert!(!told.contains("resident") && !told.contains("13812345678"), "{told}");
    let json = source(&["try", &board, "--preset", "phpbb", "--board", "2", "--allow-private", "--json"]);
    let json: Value = serde_json::from_str(&out(&json)).unwrap();
    assert_eq!(json["pages"][1]["posts"][0]["Ok"]["native_id"], "12");

    let add = ["add", &board, "--board", "Water", "--allow-private", "--id", "water-board", "--name", "停水版"];
    let printed = source(&[&add[..], &["--print"]].concat());
    assert!(out(&printed).starts_with("[[source]]\nid = \"water-board\"\n"), "{}", out(&printed));
    // `Site::config` writes the file anew each time.
    let config = site.config();
    let source = |arguments: &[&str]| {
        site.command().args(["source"]).args(arguments).arg("--config").arg(&config).output().unwrap()
    };
    let before = std::fs::read_to_string(&config).unwrap();
    assert!(source(&add).status.success());
    let after = std::fs::read_to_string(&config).unwrap();
    assert!(
        after.starts_with(&before) && after.contains("preset = \"phpbb\"") && after.contains("board = \"2\""),
        "{after}"
    );
    assert!(site.command().args(["check", "--config"]).arg(&config).output().unwrap().status.success());
    let again = source(&add);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("already"));
    // What was added can be tried by its id.
    assert!(source(&["try", "water-board"]).status.success());
}

#[test]
fn the_audit_record_is_verified() {
    let site = Site::new("");
    let empty = run(&site, &["audit", "verify"]);
    assert!(empty.status.success() && out(&empty).contains("empty"), "{empty:?}");
    let known = format!("3:{}", "0".repeat(64));
    let short = run(&site, &["audit", "verify", "--known", &known]);
    assert_eq!(short.status.code(), Some(1), "{short:?}");
    let told = String::from_utf8_lossy(&short.stderr);
    assert!(told.contains("ends before the link that you know"), "{told}");
    let wrong = run(&site, &["audit", "verify", "--known", "three"]);
    let told = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(2) && told.contains("NUMBER:HASH"), "{told}");
}

#[test]
fn a_pin_is_read_from_standard_input_and_easy_ones_are_refused() {
    use std::{io::Write, process::Stdio};
    let site = Site::new("[[person]]\nname = \"王敏\"\n");
    let set = |name: &str, pin: &str| {
        let mut command = site.command();
        command.args(["user", "pin", name, "--config"]).arg(site.config());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{pin}\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.success(), out(&output) + &String::from_utf8_lossy(&output.stderr))
    };
    let (done, told) = set("王敏", "480513");
    assert!(done && told.contains("王敏") && !told.contains("480513"), "{told}");
    for (name, pin, words) in
        [("王敏", "123456", "太容易猜到"), ("王敏", "4805", "六位数字"), ("路人", "480513", "neither a user")]
    {
        let (done, told) = set(name, pin);
        assert!(!done && told.contains(words), "{name} {pin}: {told}");
    }
}
