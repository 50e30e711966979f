//! Programs that run the web, from Debian's packages and from PyPI: posts and comments come in bursts of several pages, made through
//! the programs' own code and API, and wanglou is killed while they come.

use crate::{site::Site, support::wait_for, watch::Watch};
use jiff::Timestamp;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tokio::task::block_in_place;

/// What is missing after this will not come.
const PATIENCE: Duration = Duration::from_secs(40);

/// What was made: ids and texts.
type Made = BTreeMap<String, String>;

/// Waits until these are stored, each once and with its text, and nothing else but what `may` be.
async fn are_stored(watch: &Watch, source: &str, must: &Made, may: &Made) {
    let begin = Instant::now();
    let stored = wait_for(&format!("posts of {source}"), async || {
        let stored = watch.stored(&[source]).await?;
        let found: BTreeSet<_> = stored.iter().map(|post| &post.id).collect();
        (must.keys().all(|id| found.contains(id)) || begin.elapsed() > PATIENCE).then_some(stored)
    })
    .await;
    let found: Made = stored.iter().map(|post| (post.id.clone(), post.text.clone())).collect();
    assert_eq!(stored.len(), found.len(), "something is stored twice");
    let missing: Vec<_> = must.iter().filter(|(id, _)| !found.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), must.len());
    let strange: Vec<_> = found.iter().filter(|&(id, text)| must.get(id).or(may.get(id)) != Some(text)).collect();
    assert!(strange.is_empty(), "{strange:?}");
    assert_eq!(watch.panics(), Vec::<String>::new());
}

/// Twenty-five posts, the first of them with thirty comments, and a comment under the very first post of all.
const BURST: &str = r#"
    $made = ['posts' => [], 'comments' => [], 'late' => []];
    foreach (range(1, 25) as $turn) {
        $text = '路灯不亮 ' . strtr(bin2hex(random_bytes(6)), '0123456789', 'ghijklmnop');
        $post = wp_insert_post(['post_title' => '求助', 'post_content' => $text, 'post_status' => 'publish', 'post_author' => 1]);
        $made['posts']["$post"] = $text;
        $first ??= $post;
    }
    $old = get_posts(['order' => 'ASC', 'numberposts' => 1])[0]->ID;
    foreach ([...array_fill(0, 30, $first), $old] as $turn => $post) {
        $text = '我家也是 ' . strtr(bin2hex(random_bytes(6)), '0123456789', 'ghijklmnop');
        $comment = wp_insert_comment(['comment_post_ID' => $post, 'comment_author' => '老街坊', 'comment_content' => $text, 'comment_approved' => 1]);
        $made[$turn === 30 ? 'late' : 'comments']["c$comment"] = $text;
    }
    echo json_encode($made);"#;

#[tokio::test(flavor = "multi_thread")]
async fn wordpress() {
    let site = block_in_place(|| Site::start("wordpress.sh"));
    let mut made: BTreeMap<String, Made> = BTreeMap::new();
    let mut burst = || {
        let told = block_in_place(|| site.tell(&["php", site.folder()], BURST));
        for (what, more) in serde_json::from_str::<BTreeMap<String, Made>>(&told).unwrap() {
            made.entry(what).or_default().extend(more);
        }
    };
    burst();
    let source = |id: &str, preset: &str| {
        let url = &site.url;
        format!(
            "[[source]]\nid = \"{id}\"\npreset = \"{preset}\"\nurl = \"{url}\"\nevery = \"1s\"\nallow_private = true\n"
        )
    };
    let mut watch = Watch::start(&(source("blog", "wordpress") + &source("talk", "wordpress-comments"))).await;
    watch.has_visited(&["blog", "talk"], Timestamp::now()).await;
    burst();
    watch.kill();
    burst();
    watch.spawn();
    burst();
    let [posts, comments, late] = ["posts", "comments", "late"].map(|what| made.remove(what).unwrap());
    let all = |more: &Made| comments.clone().into_iter().chain(more.clone()).collect::<Made>();
    // The list of posts says nothing of comments: under an old one they are found when it is looked at again, minutes later.
    are_stored(&watch, "blog", &all(&posts), &late).await;
    are_stored(&watch, "talk", &all(&late), &Made::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn isso() {
    let site = block_in_place(|| Site::start("isso.sh"));
    let client = schemas::kit::http::client().build().unwrap();
    let mut expected = BTreeMap::new();
    let mut burst = async || {
        for turn in 0..40 {
            let text = format!("来水了，第{}条", expected.len());
            let body = serde_json::json!({ "author": "老街坊", "text": text, "title": "停水" });
            let request = client.post(format!("{}/new?uri=/t/{}/", site.url, turn % 7)).json(&body);
            let answer = request.header("origin", &site.url).send().await.unwrap().error_for_status().unwrap();
            let comment: serde_json::Value = answer.json().await.unwrap();
            expected.insert(comment["id"].to_string(), text);
        }
    };
    burst().await;
    let source = format!(
        "[[source]]\nid = \"comments\"\npreset = \"isso\"\nurl = \"{}\"\nevery = \"1s\"\nallow_private = true\n",
        site.url
    );
    let mut watch = Watch::start(&source).await;
    watch.has_visited(&["comments"], Timestamp::now()).await;
    burst().await;
    watch.kill();
    burst().await;
    watch.spawn();
    burst().await;
    are_stored(&watch, "comments", &expected, &Made::new()).await;
}
