//! The presets on the real programs: WordPress from Debian's packages and Isso from PyPI.
#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper of a test fails the test")]

#[path = "common/site.rs"]
mod site;

use ingest::trial::{Trial, Wanted, try_source};
use schemas::{
    kit::settings::Settings,
    records::{Kind, RawPost},
};
use site::Site;

fn settings(more: &str) -> Settings {
    Settings::parse(&format!("[crawl]\npause = \"0s\"\n{more}"), []).unwrap()
}

async fn tried(target: &str, preset: Option<&str>) -> Trial {
    let wanted = Wanted {
        target: target.to_owned(),
        preset: preset.map(str::to_owned),
        allow_private: true,
        ..Wanted::default()
    };
    try_source(&settings(""), &wanted).await.unwrap()
}

/// The posts of a role's pages.
fn posts<'t>(trial: &'t Trial, role: &str) -> Vec<&'t RawPost> {
    let pages = trial.pages.iter().filter(|page| page.role == role);
    pages.flat_map(|page| &page.posts).map(|post| post.as_ref().unwrap()).collect()
}

fn shown(posts: &[&RawPost]) -> Vec<(String, Kind, String, Option<String>)> {
    posts.iter().map(|post| (post.native_id.clone(), post.kind, post.text.clone(), post.parent_id.clone())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn wordpress() {
    let site = Site::start("wordpress.sh");
    let made = site.tell(
        &["php", site.folder()],
        r#"
        $post = fn($title, $text, $at) => wp_insert_post(['post_title' => $title, 'post_content' => $text, 'post_status' => 'publish',
            'post_author' => 1, 'post_date_gmt' => $at, 'post_date' => get_date_from_gmt($at)]);
        $comment = fn($post, $who, $text, $parent, $at) => wp_insert_comment(['comment_post_ID' => $post, 'comment_author' => $who,
            'comment_content' => $text, 'comment_parent' => $parent, 'comment_date_gmt' => $at, 'comment_date' => get_date_from_gmt($at)]);
        $first = $post('停水 & 停气', '<p>抚琴街道<br>今晚停水，电话13812345678</p>', '2026-11-20 02:05:00');
        $second = $post('路灯', '<p>路灯不亮</p>', '2026-11-21 02:05:00');
        $asked = $comment($first, '张三', '几点来？', 0, '2026-11-20 03:00:00');
        $answered = $comment($first, '李四', '明早', $asked, '2026-11-20 04:00:00');
        echo "$first $second $asked $answered";"#,
    );
    let ids: Vec<&str> = made.split(' ').collect();
    let &[first, second, asked, answered] = ids.as_slice() else { panic!("{made}") };
    let comments = vec![
        (format!("c{asked}"), Kind::Comment, "几点来？".to_owned(), Some(first.to_owned())),
        (format!("c{answered}"), Kind::Comment, "明早".to_owned(), Some(format!("c{asked}"))),
    ];

    // The address alone: the engine is known by its mark.
    let trial = tried(&site.url, None).await;
    assert!(trial.is_good() && trial.problems.is_empty(), "{trial}");
    assert_eq!(trial.preset.as_deref(), Some("wordpress"));
    let found = posts(&trial, "list");
    let texts: Vec<_> =
        found.iter().map(|post| (post.native_id.as_str(), post.title.as_deref(), post.text.as_str())).collect();
    assert_eq!(
        texts,
        [(second, Some("路灯"), "路灯不亮"), (first, Some("停水 & 停气"), "抚琴街道\n今晚停水，电话138********")]
    );
    assert_eq!(found[1].published_at.to_string(), "2026-11-20T02:05:00Z");
    assert_eq!(shown(&posts(&trial, "thread")), comments);

    // All comments as one list, newest first.
    let trial = tried(&site.url, Some("wordpress-comments")).await;
    let mut newest_first = comments.clone();
    newest_first.reverse();
    assert_eq!(shown(&posts(&trial, "list")), newest_first, "{trial}");
    assert_eq!(posts(&trial, "list")[0].thread_id.as_deref(), Some(first));

    // The feeds.
    for (preset, expected) in [("wordpress-feed", "路灯不亮"), ("wordpress-comments-feed", "明早")] {
        let trial = tried(&site.url, Some(preset)).await;
        assert!(posts(&trial, "list")[0].text.contains(expected), "{trial}");
    }

    // The next page is where the header says; the API without pretty addresses is the same one.
    for api in ["wp-json/wp/v2/posts?per_page=1", "?rest_route=/wp/v2/posts&per_page=1"] {
        let url = format!("{}/{api}", site.url);
        let config =
            format!("[[source]]\nid = \"blog\"\npreset = \"wordpress\"\nurl = \"{url}\"\nallow_private = true\n");
        let wanted = Wanted { target: "blog".into(), ..Wanted::default() };
        let trial = try_source(&settings(&config), &wanted).await.unwrap();
        assert_eq!(posts(&trial, "list").len(), 1, "{trial}");
        assert!(trial.pages[0].next.as_ref().is_some_and(|next| next.contains("page=2")), "{trial}");
    }

    // What is not there is told.
    let trial = tried(&format!("{}/wp-json/wp/v2/nothing", site.url), Some("wordpress")).await;
    assert!(!trial.is_good() && trial.problems[0].contains("404"), "{trial}");
}

#[tokio::test(flavor = "multi_thread")]
async fn isso() {
    let site = Site::start("isso.sh");
    for (text, parent) in [("停水了 **急**", None), ("我家也是", Some("1")), ("来水了", None)] {
        let mut arguments = vec!["comment", &site.url, "/t/1/", "张三", text];
        arguments.extend(parent);
        site.tell(&arguments, "");
    }
    let trial = tried(&site.url, Some("isso")).await;
    let of =
        |id: &str, text: &str, parent: &str| (id.to_owned(), Kind::Comment, text.to_owned(), Some(parent.to_owned()));
    let newest_first = [of("3", "来水了", "/t/1/"), of("2", "我家也是", "1"), of("1", "停水了 急", "/t/1/")];
    assert_eq!(shown(&posts(&trial, "list")), newest_first, "{trial}");
    assert!(trial.problems.is_empty(), "{trial}");

    // One thread, with replies within replies; and the answer is known by its keys.
    let trial = tried(&format!("{}/?uri=/t/1/&nested_limit=1000", site.url), None).await;
    assert_eq!(trial.preset.as_deref(), Some("isso"), "{trial}");
    let mut ids: Vec<_> = posts(&trial, "list").iter().map(|post| post.native_id.clone()).collect();
    ids.sort();
    assert_eq!(ids, ["1", "2", "3"]);
}
