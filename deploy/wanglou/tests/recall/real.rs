//! Programs that run the web, from Debian's packages and from PyPI: posts and comments come in bursts of several pages, made through
//! the programs' own code and API, and wanglou is killed while they come.

use crate::{site::Site, support::wait_for, watch::Watch};
use jiff::Timestamp;
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::task::block_in_place;

/// What is missing after this will not come.
const PATIENCE: Duration = Duration::from_secs(40);

/// Waits until these are stored, each once and with its text, and nothing else is.
async fn are_stored(watch: &Watch, source: &str, expected: &BTreeMap<String, String>) {
    let begin = Instant::now();
    let stored = wait_for(&format!("posts of {source}"), async || {
        let stored = watch.stored(&[source]).await?;
        (stored.len() >= expected.len() || begin.elapsed() > PATIENCE).then_some(stored)
    })
    .await;
    let found: BTreeMap<_, _> = stored.iter().map(|post| (post.id.clone(), post.text.clone())).collect();
    let missing: Vec<_> = expected.iter().filter(|(id, _)| !found.contains_key(*id)).collect();
    assert!(missing.is_empty(), "{} of {} are missing: {missing:?}", missing.len(), expected.len());
    assert_eq!(&found, expected);
    assert_eq!(stored.len(), expected.len(), "something is stored twice");
    assert_eq!(watch.panics(), Vec::<String>::new());
}

/// Twenty-five posts, the first of them with thirty comments, and a comment under the very first post of all.
const BURST: &str = r#"
    $made = [];
    foreach (range(1, 25) as $turn) {
        $text = '路灯不亮 ' . bin2hex(random_bytes(6));
        $post = wp_insert_post(['post_title' => '求助', 'post_content' => $text, 'post_status' => 'publish', 'post_author' => 1]);
        $made["$post"] = $text;
        $first ??= $post;
    }
    $old = get_posts(['order' => 'ASC', 'numberposts' => 1])[0]->ID;
    foreach ([...array_fill(0, 30, $first), $old] as $post) {
        $text = '我家也是 ' . bin2hex(random_bytes(6));
        $comment = wp_insert_comment(['comment_post_ID' => $post, 'comment_author' => '老街坊', 'comment_content' => $text, 'comment_approved' => 1]);
        $made["c$comment"] = $text;
    }
    echo json_encode($made);"#;

#[tokio::test(flavor = "multi_thread")]
async fn wordpress() {
    let site = block_in_place(|| Site::start("wordpress.sh"));
    let mut expected = BTreeMap::new();
    let mut burst = || {
        let made = block_in_place(|| site.tell(&["php", site.folder()], BURST));
        expected.extend(serde_json::from_str::<BTreeMap<String, String>>(&made).unwrap());
    };
    burst();
    let source = format!(
        "[[source]]\nid = \"blog\"\npreset = \"wordpress\"\nurl = \"{}\"\nevery = \"1s\"\nallow_private = true\n",
        site.url
    );
    let mut watch = Watch::start(&source).await;
    watch.has_visited(&["blog"], Timestamp::now()).await;
    burst();
    watch.kill();
    burst();
    watch.spawn();
    burst();
    are_stored(&watch, "blog", &expected).await;
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
    are_stored(&watch, "comments", &expected).await;
}
