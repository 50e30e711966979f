use super::*;
use crate::scenario::{Scenario, Step};
use std::collections::HashSet;

fn topics() -> Vec<Topic> {
    let mut topics: Vec<Topic> = Matter::ALL.iter().map(|&(matter, _)| Topic::Everyday(matter)).collect();
    for index in 0..3 {
        let scenario = Scenario::nth(1, 0, index);
        topics.push(Topic::Trouble(scenario));
        topics.extend(Step::ALL.map(|(_, step)| Topic::Notice(scenario, step)));
    }
    topics
}

#[test]
fn every_slot_of_every_table_is_known() {
    let mut voice = Voice::new(&Topic::Everyday(Matter::Water), 0, 1);
    let check = |voice: &mut Voice, table: &[&str]| {
        for pattern in table {
            for slot in pattern.split('{').skip(1) {
                let name = slot.split_once('}').unwrap_or_else(|| panic!("{pattern}: an open bracket")).0;
                assert!(!voice.slot(name).is_empty(), "{pattern}: nothing fills {{{name}}}");
            }
        }
    };
    for topic in topics() {
        let p = Voice::new(&topic, 0, 1).phrases;
        for table in [p.titles, p.cores, p.details, p.asks, p.replies, p.tags] {
            assert!(!table.is_empty());
            check(&mut voice, table);
        }
    }
    for (_, table) in SLOTS {
        check(&mut voice, table);
    }
    check(&mut voice, official::REPLIES);
    for tables in [OPENINGS, FEELINGS, FACES, ANYWHERE] {
        tables.iter().for_each(|table| check(&mut voice, table));
    }
}

#[test]
fn in_ordinary_life_each_title_has_its_core() {
    for (matter, _) in Matter::ALL {
        assert_eq!(matter.phrases().titles.len(), matter.phrases().cores.len(), "{matter:?}");
    }
}

#[test]
fn texts_are_clean_whole_and_the_same_again() {
    for topic in topics() {
        for seed in 0..200 {
            let street = seed as usize % STREETS.len();
            for spoken in [post(&topic, street, seed), comment(&topic, street, seed)] {
                for words in [&spoken.title, &spoken.text, &spoken.author] {
                    assert!(!words.contains(['{', '}']) && !words.contains("  "), "{words}");
                    assert!(words.chars().all(|c| c == ' ' || !(c.is_whitespace() || c.is_control())), "{words}");
                    assert_eq!(words.trim(), words);
                }
                assert!(!spoken.text.is_empty() && !spoken.author.is_empty());
            }
            assert_eq!(post(&topic, street, seed), post(&topic, street, seed));
        }
    }
}

#[test]
fn thousands_of_posts_differ() {
    let water = Topic::Trouble(Scenario::nth(1, 0, 0));
    for (say, share) in [(post as fn(&Topic, usize, u64) -> Spoken, 0.99), (comment, 0.85)] {
        let texts: HashSet<String> = (0..3000).map(|seed| say(&water, 5, seed).text).collect();
        assert!(texts.len() as f64 > 3000.0 * share, "{} of 3000 differ", texts.len());
    }
}

/// The demo watches for these words: most of what is said while the main is broken must hold one.
#[test]
fn trouble_is_spoken_of_in_its_own_words() {
    let water = Topic::Trouble(Scenario::nth(1, 0, 0));
    let hits = |say: fn(&Topic, usize, u64) -> Spoken| {
        (0..1000)
            .map(|seed| say(&water, 5, seed))
            .filter(|s| ["停水", "断水", "水压", "爆管", "斷水", "水壓"].iter().any(|word| s.text.contains(word)))
            .count()
    };
    let (posts, comments) = (hits(post), hits(comment));
    assert!(posts > 930 && comments > 600, "{posts} posts and {comments} comments of 1000");
}

/// A sample to look at when the tables change.
#[test]
fn what_it_reads_like() {
    let water = Topic::Trouble(Scenario::nth(1, 0, 0));
    let (first, second, food) = (post(&water, 5, 1), comment(&water, 8, 2), post(&Topic::Everyday(Matter::Food), 0, 3));
    let texts = [first.title, first.text, second.text, food.text];
    assert_eq!(
        texts,
        [
            "停水1个小时没人通知，金鱼街",
            "投诉无门只好来发帖：抚琴院子水压低到几乎没有，洗澡洗到一半彻底断水，热线排队46位，饭煮到一半…… #爆管#",
            "停水+1，19楼，地下车库开始进水",
            "阿毛串串老板换了，烤苕皮分量少了一半，环境一般，味道在线！好评！ #苍蝇馆子#",
        ]
    );
}
