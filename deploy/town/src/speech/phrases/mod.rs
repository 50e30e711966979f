//! What people say of each matter: the tables from which the grammar in [`super`] builds.
//!
//! `{word}` is filled from [`SLOTS`] or from the place of the post, `{2-9}` with a number between the two.

mod life;
mod trouble;

use crate::scenario::Trouble;

/// What a thread is about in ordinary life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the phrases say it")]
pub(crate) enum Matter {
    Water,
    Gas,
    Property,
    Noise,
    Traffic,
    Lamps,
    Garbage,
    School,
    Hospital,
    Food,
    Weather,
    SecondHand,
    Help,
    Praise,
}

/// Everything that is said of one matter.
#[derive(Debug)]
pub(crate) struct Phrases {
    /// Titles of threads. In ordinary life the first title goes with the first core, and so on.
    pub(crate) titles: &'static [&'static str],
    /// The heart of a post.
    pub(crate) cores: &'static [&'static str],
    /// What follows from it.
    pub(crate) details: &'static [&'static str],
    /// What people want.
    pub(crate) asks: &'static [&'static str],
    /// Comments.
    pub(crate) replies: &'static [&'static str],
    /// 话题, without #.
    pub(crate) tags: &'static [&'static str],
    /// The feeling in it.
    pub(crate) mood: Mood,
}

/// The feeling in a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Angry or worried.
    Sore,
    /// Neither.
    Even,
    /// Glad.
    Glad,
}

impl Matter {
    /// All matters, with how often of a hundred they come up.
    pub(crate) const ALL: [(Self, u32); 14] = [
        (Self::Water, 4),
        (Self::Gas, 2),
        (Self::Property, 9),
        (Self::Noise, 8),
        (Self::Traffic, 10),
        (Self::Lamps, 5),
        (Self::Garbage, 7),
        (Self::School, 7),
        (Self::Hospital, 7),
        (Self::Food, 13),
        (Self::Weather, 9),
        (Self::SecondHand, 8),
        (Self::Help, 7),
        (Self::Praise, 4),
    ];

    /// What is said of it.
    pub(crate) const fn phrases(self) -> &'static Phrases {
        match self {
            Self::Water => &life::WATER,
            Self::Gas => &life::GAS,
            Self::Property => &life::PROPERTY,
            Self::Noise => &life::NOISE,
            Self::Traffic => &life::TRAFFIC,
            Self::Lamps => &life::LAMPS,
            Self::Garbage => &life::GARBAGE,
            Self::School => &life::SCHOOL,
            Self::Hospital => &life::HOSPITAL,
            Self::Food => &life::FOOD,
            Self::Weather => &life::WEATHER,
            Self::SecondHand => &life::SECOND_HAND,
            Self::Help => &life::HELP,
            Self::Praise => &life::PRAISE,
        }
    }
}

impl Trouble {
    /// What is said of it.
    pub(crate) const fn phrases(self) -> &'static Phrases {
        match self {
            Self::WaterMain => &trouble::WATER_MAIN,
            Self::GasSmell => &trouble::GAS_SMELL,
            Self::RoadCave => &trouble::ROAD_CAVE,
        }
    }
}

/// Words that fit anywhere, by the name of their slot.
pub(crate) const SLOTS: &[(&str, &[&str])] = &[
    (
        "when",
        &[
            "今天早上",
            "刚刚",
            "昨晚",
            "中午",
            "下午",
            "从早上{6-9}点多",
            "最近",
            "这两天",
            "这周",
            "前天",
            "从昨天开始",
            "半夜{1-4}点",
        ],
    ),
    (
        "now",
        &["刚刚", "就刚才", "突然", "半小时前", "十几分钟前", "正在做饭", "洗澡洗到一半", "下班回来", "这会儿", "现在"],
    ),
    ("home", &["小区", "院子", "楼栋", "单元", "我们这栋楼", "整栋楼", "{2-9}栋", "{1-6}单元", "{3-28}楼"]),
    ("kin", &["老人", "孩子", "我妈", "我爸", "婆婆", "爷爷", "一家人", "邻居", "租客", "月子里的媳妇"]),
    ("shop", &["阿毛串串", "老槐树面馆", "三妹豆花", "青瓦小馆", "半坡茶坊", "胖婶冒菜", "巷尾烧烤", "四季小吃"]),
    ("dish", &["冒菜", "蛋烘糕", "豆花面", "兔头", "锅盔", "钵钵鸡", "肥肠粉", "冰粉", "甜水面", "烤苕皮"]),
    ("thing", &["婴儿车", "自行车", "书桌", "空气炸锅", "显示器", "跑步机", "折叠床", "电饭煲", "鱼缸", "儿童书"]),
    ("pet", &["橘猫", "小泰迪", "柯基", "三花猫", "玄凤鹦鹉", "小土狗"]),
    ("who", &["社区", "街道", "物业", "有关部门", "主管部门", "网格员", "12345"]),
];

/// Openings by mood.
pub(crate) const OPENINGS: [&[&str]; 3] = [
    &[
        "有没有人管管",
        "实在忍不了了",
        "求曝光",
        "真的服了",
        "投诉无门只好来发帖",
        "大家评评理",
        "反映一个问题",
        "又来了",
        "我就想问一句",
        "气得睡不着",
    ],
    &["问一下", "请教各位", "说个事", "路过的看一眼", "新人报到", "有人知道吗", "冒个泡", "刷到这里顺便问问"],
    &["必须夸一下", "今天心情好", "分享一下", "来晒一个", "给大家推荐", "好人好事"],
];

/// Feelings by mood.
pub(crate) const FEELINGS: [&[&str]; 3] = [
    &[
        "太让人寒心了",
        "简直离谱",
        "气死我了",
        "真的很无语",
        "这日子没法过了",
        "谁来负责？",
        "烦死了",
        "太过分了",
        "越想越气",
        "忍无可忍",
    ],
    &["先谢谢了", "在线等", "随便聊聊", "求指点", "不急", "有懂的说说"],
    &["好评！", "真的很暖心", "点赞", "下次还来", "太安逸了", "巴适得很"],
];

/// Little pictures by mood, as forums and phones write them.
pub(crate) const FACES: [&[&str]; 3] = [
    &["[怒]", "[泪]", "[裂开]", "😡", "😭", "🤬", "[抓狂]", "💢"],
    &["[思考]", "[疑问]", "🤔", "[喝茶]", "🙏", "[抱拳]"],
    &["[赞]", "[鲜花]", "😄", "👍", "❤️", "[太阳]"],
];

/// Comments that fit any thread, by mood.
pub(crate) const ANYWHERE: [&[&str]; 3] = [
    &[
        "同一个{home}的，顶上去",
        "{place}的路过，一样的情况",
        "支持楼主，{who}出来说句话",
        "打了{2-9}次电话都没人接",
        "这个问题反映{2-6}年了",
        "拍了照片，晚点发",
        "楼上的+1，{feeling}",
    ],
    &[
        "帮顶",
        "同问，{place}这边也想知道",
        "楼主后来怎么样了？",
        "蹲一个答案",
        "收藏了",
        "路过{place}，帮你问问",
        "我家{kin}也问过这个",
        "{when}也看到有人问",
    ],
    &["确实不错，{place}离得近", "支持", "看着就开心", "沾沾喜气", "{kin}也说好", "{when}我也去了", "下次带{kin}一起"],
];
