//! tmp
use analyze::{replay::Replay, trend::{Config, emerging::Change}};
use schemas::{kit::settings::Settings, records::DoorPost};
use std::io::BufRead;
fn main() -> anyhow::Result<()> {
    let file = std::env::args().nth(2).unwrap();
    let mut posts: Vec<DoorPost> = std::io::BufReader::new(std::fs::File::open(file)?).lines().map(|l| serde_json::from_str(&l.unwrap()).unwrap()).collect();
    posts.sort_by_key(|p| p.published_at);
    let understanding = analyze::understand::Understanding::new([])?;
    let settings: Settings = toml_settings();
    let mut replay = Replay::new(&understanding, &Config::from(&settings));
    let mut spent = std::time::Duration::ZERO;
    for post in &posts {
        let t = std::time::Instant::now();
        let _ = replay.post(post);
        spent += t.elapsed();
        for (at, change) in std::mem::take(&mut replay.changes) {
            let day = at.to_string();
            match change {
                Change::Born { topic, .. } => {
                    let t = replay.emerging.topic(topic).unwrap();
                    println!("{} BORN #{topic} {} | {} | s={:.1} posts={} | {:?}", &day[..10], t.headline, t.why, t.surprise, t.posts, t.terms().collect::<Vec<_>>());
                    for e in t.excerpts() { println!("      - {}", e.chars().take(46).collect::<String>()); }
                }
                Change::Paged(n) | Change::Renamed(n) => { let t = replay.emerging.topic(n).unwrap(); println!("{} {change:?} {} posts={} {} {:.1}", &day[..10], t.headline, t.posts, t.why, t.surprise); }
                other => println!("{} {other:?}", &day[..10]),
            }
        }
    }
    eprintln!("{spent:?}");
    Ok(())
}
fn toml_settings() -> Settings { Settings::parse("", []).map_err(|e| format!("{e:?}")).unwrap() }
