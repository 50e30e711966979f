//! The morning after: what must be there is counted, post by post and page by page.

use crate::{
    figures::Figures,
    phone::Phone,
    stream::{self, BATCH, HandedIn, LANES},
    support::wait_for,
    watch::Watch,
};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

pub async fn all_is_there(watch: &mut Watch, handed_in: &HandedIn, phone: &Phone, figures: &mut Figures) {
    archive(watch, handed_in).await;
    trend(watch, handed_in).await;
    pages(watch, handed_in, phone, figures).await;
    assert_eq!(watch.panics(), Vec::<String>::new(), "a panic is a fault, whatever was killed");
}

async fn total(watch: &Watch, query: &str) -> u64 {
    watch.get(&format!("/api/search?limit=0{query}")).await["total"].as_u64().unwrap()
}

/// Every acknowledged post once, in its last state, and no other.
async fn archive(watch: &Watch, handed_in: &HandedIn) {
    let posts = handed_in.posts();
    wait_for(&format!("{posts} posts to be searchable"), async || (total(watch, "").await >= posts).then_some(()))
        .await;
    let revised = handed_in.batches().map(|batch| stream::revised(batch).count() as u64).sum::<u64>();
    wait_for(&format!("{revised} revisions"), async || (total(watch, "&q=修订").await >= revised).then_some(())).await;
    let lanes = (0..LANES).map(|lane| ids(watch, lane));
    let found: Vec<u64> = futures::future::join_all(lanes).await.concat();
    let mut distinct = HashSet::new();
    let doubled: Vec<u64> = found.iter().copied().filter(|number| !distinct.insert(*number)).collect();
    for number in &doubled {
        println!("found twice: {}", watch.get(&format!("/api/search?q=第{number}条")).await["hits"]);
    }
    assert_eq!(doubled, Vec::<u64>::new(), "posts are found twice");
    assert_eq!((total(watch, "").await, total(watch, "&q=修订").await), (posts, revised), "posts and revisions");
    let water: u64 = handed_in.batches().map(stream::water).sum();
    assert_eq!(total(watch, "&q=停水").await, water, "posts about water");
    let mut expected = handed_in.batches().flat_map(|batch| batch * BATCH..(batch + 1) * BATCH);
    assert_eq!(expected.find(|number| !distinct.contains(number)), None, "an acknowledged post is missing");
    assert_eq!(distinct.len() as u64, posts);
}

/// The numbers of a lane's posts, page by page.
async fn ids(watch: &Watch, lane: u64) -> Vec<u64> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = watch.get(&format!("/api/search?limit=200&source=lane{lane}{cursor}")).await;
        ids.extend(
            page["hits"]
                .as_array()
                .unwrap()
                .iter()
                .map(|hit| hit["native_id"].as_str().unwrap().parse::<u64>().unwrap()),
        );
        match &page["next"] {
            Value::String(next) => cursor = format!("&cursor={next}"),
            _ => return ids,
        }
    }
}

/// Each topic has counted each post once.
async fn trend(watch: &Watch, handed_in: &HandedIn) {
    let counted = async |topic: &str| watch.get(&format!("/api/topics/{topic}/pulse")).await["total"].as_u64().unwrap();
    let posts = handed_in.posts();
    wait_for(&format!("trend to count {posts} posts"), async || (counted("all").await >= posts).then_some(())).await;
    assert_eq!(counted("all").await, posts);
    assert_eq!(counted("water").await, handed_in.batches().map(stream::water).sum::<u64>());
    for probe in handed_in.batches().filter_map(stream::probe) {
        assert_eq!(counted(&format!("probe{probe}")).await, stream::crossing(), "probe{probe}");
    }
}

/// Each topic that crossed the line has one incident, and each page that was written down has reached the phone, always as
/// the same message.
async fn pages(watch: &Watch, handed_in: &HandedIn, phone: &Phone, figures: &mut Figures) {
    let probes: HashSet<String> =
        handed_in.batches().filter_map(stream::probe).map(|probe| format!("probe{probe}")).collect();
    let incidents =
        async || watch.get("/api/incidents?state=all&limit=500").await["incidents"].as_array().unwrap().clone();
    let topic = |incident: &Value| incident["topic"]["id"].as_str().unwrap().to_owned();
    wait_for(&format!("an incident of each of {} topics", probes.len() + 1), async || {
        let found: HashSet<String> = incidents().await.iter().map(topic).collect();
        (probes.is_subset(&found) && found.contains("water")).then_some(())
    })
    .await;
    let due = wait_for("every page to be delivered", async || {
        let mut due = Vec::new();
        for incident in incidents().await {
            let file = watch.get(&format!("/api/incidents/{}", incident["id"].as_str()?)).await;
            let pages = file["deliveries"].as_array()?;
            assert_eq!(pages.iter().filter(|page| page["reason"] == json!("opened")).count(), 1, "{pages:?}");
            due.extend(pages.clone());
        }
        due.iter().all(|page| page["state"] == json!("sent")).then_some(due)
    })
    .await;
    let incidents = incidents().await;
    let mut of_topic: HashMap<String, usize> = HashMap::new();
    incidents.iter().for_each(|incident| *of_topic.entry(topic(incident)).or_default() += 1);
    let doubled: Vec<_> = of_topic.iter().filter(|(topic, count)| probes.contains(*topic) && **count > 1).collect();
    assert!(doubled.is_empty(), "one matter, one incident: {doubled:?}");

    let received = phone.received();
    for page in &due {
        let key = page["key"].as_str().unwrap();
        let messages = received.get(key).unwrap_or_else(|| panic!("{key} is marked as sent, and nothing came"));
        assert!(!messages.taken.is_empty(), "{key} is marked as sent, and was never taken");
        let mut all = messages.taken.iter().chain(&messages.refused);
        assert!(all.all(|message| *message == messages.taken[0]), "{key}: a repeat is another message");
    }
    (figures.incidents, figures.pages) = (incidents.len(), due.len());
    // What came meanwhile was written down meanwhile: it is asked for after it came.
    wait_for("every message to stand in the records", async || {
        let mut unknown: HashSet<String> = received.keys().cloned().collect();
        for incident in watch.get("/api/incidents?state=all&limit=500").await["incidents"].as_array()? {
            let file = watch.get(&format!("/api/incidents/{}", incident["id"].as_str()?)).await;
            file["deliveries"].as_array()?.iter().filter_map(|page| page["key"].as_str()).for_each(|key| {
                unknown.remove(key);
            });
        }
        unknown.is_empty().then_some(())
    })
    .await;
}
