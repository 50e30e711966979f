//! What is promised of emerging topics, on made-up posts.

use super::{super::testing, *};
use std::collections::BTreeSet;

const DAY: i64 = 86_400;
/// Monday, 28 September 2026, 08:00 in Shanghai.
const START: i64 = 1_790_524_800 + 8 * 3_600;

/// Words of everyday posts.
const EVERYDAY: [&str; 60] = [
    "天气", "公园", "散步", "早餐", "包子", "地铁", "拥挤", "上班", "迟到", "咖啡", "电影", "周末", "爬山", "风景",
    "孩子", "作业", "老师", "食堂", "味道", "火锅", "排队", "超市", "打折", "水果", "新鲜", "快递", "邻居", "宠物",
    "小猫", "跑步", "健身", "减肥", "医院", "挂号", "感冒", "春雨", "樱花", "拍照", "手机", "电池", "游戏", "比赛",
    "球队", "赢球", "音乐", "演出", "门票", "旅行", "高铁", "酒店", "房租", "中介", "装修", "家具", "菜场", "涨价",
    "汽油", "堵车", "停车", "驾校",
];

struct Board {
    emerging: Emerging,
    lines: Lines,
    now: i64,
    offset: u64,
    random: u64,
    changes: Vec<Change>,
    headlines: Vec<String>,
}

impl Board {
    fn new(seed: u64) -> Self {
        let tz = TimeZone::get("Asia/Shanghai").unwrap();
        let lines = Lines { topic: TOPIC, voices: 5, false_pages: 0.67, tz };
        Self {
            emerging: Emerging::default(),
            lines,
            now: START,
            offset: 0,
            random: seed,
            changes: vec![],
            headlines: vec![],
        }
    }

    /// SplitMix64 (Steele et al. 2014).
    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn some(&mut self, words: &[&str], count: usize) -> Vec<String> {
        let mut some = BTreeSet::new();
        while some.len() < count {
            some.insert(words[self.random() as usize % words.len()].to_owned());
        }
        some.into_iter().collect()
    }

    fn make(&mut self, title: &str, terms: Vec<String>) -> AnalyzedPost {
        let offset = self.offset;
        self.offset += 1;
        let print = self.random();
        AnalyzedPost {
            title: Some(title.into()).filter(|title: &String| !title.is_empty()),
            text: terms.concat(),
            terms,
            fingerprint: Some(format!("{print:016x}")),
            published_at: Timestamp::from_second(self.now).unwrap(),
            ..testing::post(offset)
        }
    }

    fn take(&mut self, post: &AnalyzedPost) -> Option<u32> {
        let topic = self.emerging.observe(post, self.now, self.now, &self.lines);
        self.look();
        topic
    }

    fn look(&mut self) {
        for change in self.emerging.tick(self.now) {
            if let Change::Born { topic, .. } = &change {
                self.headlines.push(self.emerging.topic(*topic).unwrap().headline.clone());
            }
            self.changes.push(change);
        }
    }

    /// Lets everyday posts pass, one every so many seconds.
    fn pass(&mut self, seconds: i64, every: i64) {
        let end = self.now + seconds;
        while self.now < end {
            self.now += every;
            let terms = self.some(&EVERYDAY, 6);
            let post = self.make("", terms);
            self.take(&post);
        }
    }

    /// A voice of a matter: some of its words, among others.
    fn voice(&mut self, title: &str, words: &[&str]) -> AnalyzedPost {
        let mut terms: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        terms.extend(self.some(&EVERYDAY, 4));
        self.make(title, terms)
    }

    fn speak(&mut self, title: &str, words: &[&str]) -> Option<u32> {
        let post = self.voice(title, words);
        self.take(&post)
    }

    fn ids(&self) -> Vec<String> {
        self.emerging.topics().map(|(_, topic)| topic.id.clone()).collect()
    }
}

const MIXER: [&str; 4] = ["搅拌站", "新城花园", "粉尘", "噪音"];

fn mixer(board: &mut Board, voices: usize) {
    for voice in 0..voices {
        board.pass(300, 100);
        board.speak(&format!("新城花园旁的搅拌站粉尘噪音扰民 {voice}"), &MIXER);
    }
}

#[test]
fn everyday_posts_make_no_topic() {
    let mut board = Board::new(1);
    board.pass(20 * DAY, 600);
    assert_eq!(board.headlines, [""; 0]);
}

#[test]
fn a_matter_is_found_with_its_third_voice_and_paged_with_more() {
    let mut board = Board::new(2);
    board.pass(10 * DAY, 600);
    let first = board.offset + 3;
    mixer(&mut board, 3);
    assert_eq!(board.headlines.len(), 1);
    assert!(board.headlines[0].contains("搅拌站"), "{:?}", board.headlines);
    assert_eq!(board.ids(), [format!("emerging-0-{first}")], "named after its first post");
    assert!(!board.changes.iter().any(|change| matches!(change, Change::Paged(_))), "three voices page nobody");
    mixer(&mut board, 4);
    assert_eq!(board.changes.iter().filter(|change| matches!(change, Change::Paged(_))).count(), 1);
    let (_, topic) = board.emerging.topics().next().unwrap();
    assert_eq!((topic.posts, board.ids().len()), (7, 1));
    assert!(topic.excerpts().count() >= 3);
}

#[test]
fn a_slow_matter_on_a_quiet_board_is_found() {
    let mut board = Board::new(3);
    board.pass(200 * DAY, DAY / 2);
    for _ in 0..4 {
        board.pass(4 * DAY, DAY / 2);
        board.speak("老桥拆除改建商铺居民反对", &["老桥", "拆除", "商铺", "反对"]);
    }
    assert_eq!(board.headlines, ["老桥拆除改建商铺居民反对"]);
}

#[test]
fn two_matters_at_once_are_two_topics() {
    let mut board = Board::new(4);
    board.pass(10 * DAY, 600);
    for voice in 0..6 {
        board.pass(300, 100);
        board.speak(&format!("搅拌站粉尘 {voice}"), &MIXER);
        board.speak(&format!("实验小学学位不足 {voice}"), &["实验小学", "学位", "摇号", "划片"]);
    }
    assert_eq!(board.ids().len(), 2, "{:?}", board.headlines);
}

#[test]
fn what_comes_every_day_and_what_sells_is_no_topic() {
    let mut board = Board::new(5);
    let mut greeted = 0;
    for day in 0..20 {
        board.pass(DAY - 600, 600);
        for _ in 0..8 {
            board.now += 75;
            greeted += usize::from(board.speak("", &["早安", "阳光", "加油"]).is_some() && day > 10);
            board.speak("", &["抽奖", "转发有奖", "奖品", "手表"]);
        }
        if day == 10 {
            board.headlines.clear();
        }
    }
    assert_eq!(board.headlines, [""; 0]);
    assert!(!board.emerging.topics().any(|(_, topic)| topic.headline.contains("抽奖")));
    let _ = greeted;
}

#[test]
fn one_text_one_form_and_one_thread_are_one_voice() {
    let mut board = Board::new(6);
    board.pass(10 * DAY, 600);
    let form = board.voice("新城花园旁的搅拌站粉尘扰民", &MIXER);
    for copy in 0..200 {
        board.now += 5;
        // A form that is filled in: a few bits of its fingerprint differ.
        let mut post = board.voice("新城花园旁的搅拌站粉尘扰民", &MIXER);
        let print = u64::from_str_radix(form.fingerprint.as_deref().unwrap(), 16).unwrap();
        post.fingerprint = Some(format!("{:016x}", print ^ (copy % 64)));
        board.take(&post);
        let mut copied = board.voice("搅拌站", &MIXER);
        copied.cluster = Some(form.id.clone());
        board.take(&copied);
    }
    assert_eq!(board.headlines, [""; 0], "a copied flood");
    for _ in 0..50 {
        board.now += 5;
        let mut post = board.voice("学位摇号争吵", &["学位", "摇号", "划片", "实验小学"]);
        post.thread_id = Some("7".into());
        board.take(&post);
    }
    assert_eq!(board.headlines, [""; 0], "one thread");
}

#[test]
fn a_text_that_is_sent_again_on_other_days_is_a_matter() {
    let mut board = Board::new(13);
    board.pass(200 * DAY, DAY / 2);
    let petition = board.voice("老桥拆除改建商铺居民反对", &["老桥", "拆除", "商铺", "反对"]);
    for day in 0..4 {
        assert_eq!(board.headlines.len(), usize::from(day == 3), "found with its third voice");
        let id = format!("tieba:again-{day}");
        let published_at = Timestamp::from_second(board.now).unwrap();
        let again = AnalyzedPost { id, published_at, ..petition.clone() };
        board.take(&again);
        board.pass(5 * DAY, DAY / 2);
    }
}

#[test]
fn two_topics_that_turn_out_to_be_one_are_merged_into_the_elder() {
    let mut board = Board::new(7);
    board.pass(10 * DAY, 600);
    for _ in 0..4 {
        board.pass(300, 100);
        board.speak("搅拌站粉尘", &["搅拌站", "粉尘", "扬尘"]);
        board.speak("新城花园夜间噪音", &["新城花园", "夜间", "轰鸣"]);
    }
    assert_eq!(board.ids().len(), 2);
    let elder = board.ids()[0].clone();
    for _ in 0..60 {
        board.pass(300, 100);
        board.speak("新城花园旁搅拌站", &["搅拌站", "粉尘", "扬尘", "新城花园", "夜间", "轰鸣"]);
    }
    assert_eq!(board.ids(), [elder]);
    let (_, topic) = board.emerging.topics().next().unwrap();
    assert!(topic.events.iter().any(|event| event.what == What::Merged), "{:?}", topic.events);
}

#[test]
fn a_topic_that_is_two_is_split() {
    let mut board = Board::new(8);
    board.pass(10 * DAY, 600);
    for _ in 0..4 {
        board.pass(300, 100);
        board.speak("东湖片区学校与地铁", &["东湖", "片区", "学位", "摇号", "盾构", "沉降"]);
    }
    let whole = board.ids()[0].clone();
    for _ in 0..30 {
        board.pass(300, 100);
        board.speak("东湖片区学位摇号", &["东湖", "片区", "学位", "摇号"]);
        board.speak("东湖片区盾构沉降", &["东湖", "片区", "盾构", "沉降"]);
    }
    let split = board.changes.iter().any(|change| matches!(change, Change::Split(..)));
    assert!(split, "{:?} {:?}", board.headlines, board.ids());
    assert!(board.ids().contains(&whole) && board.ids().len() == 2, "{:?}", board.ids());
}

#[test]
fn restarts_change_nothing() {
    let run = |restart: bool| {
        let mut board = Board::new(9);
        for _ in 0..12 {
            board.pass(DAY, 900);
            if restart {
                let bytes = postcard::to_stdvec(&board.emerging).unwrap();
                board.emerging = postcard::from_bytes(&bytes).unwrap();
                board.emerging.restored();
            }
        }
        for voice in 0..8 {
            mixer(&mut board, 1);
            board.speak(&format!("学位 {voice}"), &["实验小学", "学位", "摇号", "划片"]);
            if restart {
                let bytes = postcard::to_stdvec(&board.emerging).unwrap();
                board.emerging = postcard::from_bytes(&bytes).unwrap();
                board.emerging.restored();
            }
        }
        board
    };
    let (one, other) = (run(false), run(true));
    assert_eq!(one.ids(), other.ids());
    assert_eq!(one.changes, other.changes);
    assert!(one.emerging == other.emerging && one.ids().len() == 2);
}

#[test]
fn it_ends_when_it_is_quiet() {
    let mut board = Board::new(10);
    board.pass(10 * DAY, 600);
    mixer(&mut board, 6);
    board.pass(4 * DAY, 1_800);
    assert_eq!(board.ids(), [""; 0]);
    assert!(board.changes.iter().any(|change| matches!(change, Change::Ended { .. })));
}

#[test]
fn a_hostile_flood_stays_within_memory_and_makes_no_topic() {
    let mut board = Board::new(11);
    board.pass(5 * DAY, 600);
    for post in 0..20_000_u64 {
        board.now += i64::from(post % 10 == 0);
        let terms = (0..40).map(|term| format!("词{:x}", post * 40 + term)).collect();
        let post = board.make("", terms);
        board.take(&post);
    }
    assert_eq!(board.headlines, [""; 0]);
    let held = board.emerging.held();
    assert!(held < Emerging::BOUND / 2, "{held} bytes");
    assert!(board.emerging.topics.len() <= MOST);
}

#[test]
fn old_posts_found_nothing() {
    let mut board = Board::new(12);
    board.pass(10 * DAY, 600);
    for voice in 0..10 {
        let post = board.voice(&format!("搅拌站 {voice}"), &MIXER);
        let at = board.now - 2 * DAY + voice;
        assert_eq!(board.emerging.observe(&post, at, board.now, &board.lines), None);
    }
    assert_eq!(board.ids(), [""; 0]);
}

#[test]
fn no_post_takes_more_than_the_bound_of_memory_says() {
    let mut board = Board::new(14);
    let terms = (0..50).map(|term| format!("词{term:030}")).collect();
    let mut post = board.make(&"题".repeat(500), terms);
    post.text = "文".repeat(1_000);
    post.url = Some(format!("https://forum.example/{}", "a".repeat(1_000)));
    post.topics = (0..100).map(|topic| format!("topic-{topic}")).collect();
    post.thread_id = Some("t".repeat(1_000));
    post.id = "i".repeat(memory::ID - post.source.len());
    let weighed = (0..KEPT as u64).map(|term| (term, 1.0)).collect();
    let held = remembered(&post, weighed, board.now).held();
    assert!(held <= memory::LARGEST, "{held} bytes");
    for number in 0..recent::MOST + 500 {
        board.now += 60;
        let terms = (0..50).map(|term| format!("词{:x}", number * 50 + term)).collect();
        let id = format!("{number}{}", "i".repeat(memory::ID - 20));
        board.take(&AnalyzedPost {
            id,
            terms,
            published_at: Timestamp::from_second(board.now).unwrap(),
            ..post.clone()
        });
    }
    assert!(board.emerging.recent.held() > 8 << 20, "they are remembered");
    assert!(board.emerging.held() < Emerging::BOUND, "{} bytes", board.emerging.held());
    post.id = "i".repeat(1_000_000);
    let before = board.emerging.recent.held();
    board.take(&post);
    assert!(board.emerging.recent.held() <= before, "an id that long is not remembered");
}

#[test]
fn a_kind_of_question_that_each_asks_of_his_own_town_is_no_topic() {
    let run = |towns: &[&str]| {
        let mut board = Board::new(15);
        board.pass(200 * DAY, DAY / 2);
        for voice in 0..6 {
            board.pass(3 * DAY, DAY / 2);
            board.speak(&format!("{}的社保卡挂失补办", towns[voice % towns.len()]), &["社保卡", "挂失", "补办"]);
        }
        board.headlines
    };
    assert_eq!(run(&["B市", "C市", "D3区", "E7县", "F市", "G市"]), [""; 0]);
    assert_eq!(run(&["B市"]).len(), 1, "all of one town: something is wrong there");
}

#[test]
fn parts_of_one_phrase_found_no_topic_alone_but_the_name_of_a_thing_does() {
    let run = |title: &str, words: &[&str]| {
        let mut board = Board::new(16);
        board.pass(200 * DAY, DAY / 2);
        for _ in 0..4 {
            board.pass(4 * DAY, DAY / 2);
            board.speak(title, words);
        }
        board.emerging.topics().map(|(_, topic)| topic.thing.clone()).collect::<Vec<_>>()
    };
    assert_eq!(run("购房补贴", &["购房补贴", "购房", "补贴"]), []);
    assert_eq!(run("长风花园", &["长风花园", "长风", "花园"]), [Some("长风花园".to_owned())]);
}

#[test]
fn one_text_under_titles_of_its_own_is_a_topic_and_pages_nobody() {
    for copied in [false, true] {
        let mut board = Board::new(17);
        board.pass(200 * DAY, DAY / 2);
        let petition = board.voice("", &["仁安医院", "挂床", "医保", "举报"]);
        let titles = ["举报仁安医院", "仁安医院无法无天, 谁来管管", "挂床套保的黑幕", "又是他们家", "请上级严查此事"];
        for (number, title) in titles.into_iter().cycle().take(40).enumerate() {
            board.now += 300;
            let post = AnalyzedPost {
                id: format!("forum:again-{number}"),
                title: Some(title.into()),
                cluster: (copied && number > 0).then(|| "forum:again-0".to_owned()),
                published_at: Timestamp::from_second(board.now).unwrap(),
                ..petition.clone()
            };
            board.take(&post);
            assert_eq!(board.headlines.len(), usize::from(number >= 2), "found with its third title: {number}");
        }
        assert!(!board.changes.iter().any(|change| matches!(change, Change::Paged(_))));
        assert_eq!(board.emerging.topics().next().unwrap().1.voices, 3);
    }
}

#[test]
fn what_is_shown_of_a_topic_says_where_it_is_and_what_became_of_it() {
    let mut board = Board::new(18);
    board.pass(10 * DAY, 600);
    for voice in 0..6 {
        board.pass(300, 100);
        let post = board.voice(&format!("新城花园旁的搅拌站粉尘噪音扰民 {voice}"), &MIXER);
        let place =
            PlaceFound { name: "新城街道".into(), kind: PlaceKind::Street, unit: None, candidates: Vec::new() };
        board.take(&AnalyzedPost { places: vec![place], ..post });
    }
    let shown = Shown::from(board.emerging.topics().next().unwrap().1);
    let place = shown.place.unwrap();
    assert_eq!((place.name.as_str(), place.share), ("新城街道", 1.0));
    assert_eq!((shown.unit, shown.posts, shown.events[0].what), (None, 6, What::Born));
    assert!(shown.thing.is_some() && shown.terms.iter().any(|term| term == "搅拌站"), "{:?}", shown.terms);
    assert!(shown.first_at <= shown.found_at && shown.found_at <= shown.last_at);
}
