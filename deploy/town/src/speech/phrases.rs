//! What people say of each matter: the tables from which the grammar in [`super`] builds.
//!
//! `{word}` is filled from [`SLOTS`] or from the place of the post, `{2-9}` with a number between the two.

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
            Self::Water => &WATER,
            Self::Gas => &GAS,
            Self::Property => &PROPERTY,
            Self::Noise => &NOISE,
            Self::Traffic => &TRAFFIC,
            Self::Lamps => &LAMPS,
            Self::Garbage => &GARBAGE,
            Self::School => &SCHOOL,
            Self::Hospital => &HOSPITAL,
            Self::Food => &FOOD,
            Self::Weather => &WEATHER,
            Self::SecondHand => &SECOND_HAND,
            Self::Help => &HELP,
            Self::Praise => &PRAISE,
        }
    }
}

impl Trouble {
    /// What is said of it.
    pub(crate) const fn phrases(self) -> &'static Phrases {
        match self {
            Self::WaterMain => &WATER_MAIN,
            Self::GasSmell => &GAS_SMELL,
            Self::RoadCave => &ROAD_CAVE,
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

const WATER: Phrases = Phrases {
    titles: &["{place}{when}水压低", "问下{place}停水吗", "{place}自来水有点黄", "{place}高层水压上不去"],
    cores: &[
        "{when}{place}{home}水压很低，热水器打不着火",
        "{place}{when}停水{2-5}个小时，没看到通知",
        "{place}放出来的自来水发黄，要放{3-9}分钟",
        "{place}{home}水压<0.{1-2}MPa，{3-28}楼根本上不去",
    ],
    details: &["洗衣机要洗{2-4}个小时", "二次供水的泵响得很", "只好买桶装水", "{kin}连澡都洗不成", "水费一分没少收"],
    asks: &["想知道是管网问题还是泵房问题", "请{who}去看看泵房", "停水能不能提前贴个通知？"],
    replies: &[
        "我们{place}水压也低",
        "{place}{when}也停水了，后来来了",
        "泵房{2-5}年没换了",
        "物业说是检修停水，提前没通知",
        "装个增压泵，水压低就靠它",
    ],
    tags: &["停水通知", "用水难"],
    mood: Mood::Sore,
};

const GAS: Phrases = Phrases {
    titles: &[
        "{place}燃气安检几点来",
        "{place}燃气表换新了吗",
        "{place}老房子燃气改造进度",
        "燃气打不着火是哪里的问题",
    ],
    cores: &[
        "{place}{home}通知燃气入户安检，{when}等了{2-5}个小时没人来",
        "{when}{place}换了新的燃气表，充值要跑{2-4}个地方",
        "{place}老院子燃气改造，立管装了{2-6}个月还没通气",
        "{place}{home}灶台打火要{3-9}次才着，{kin}说是电池",
    ],
    details: &["请了半天假白等", "楼道里管子都没刷漆", "一直用的罐子", "年前能通就好"],
    asks: &["有通气的邻居说一声", "请{who}给个准信", "哪里可以预约？"],
    replies: &[
        "我们{place}上个月通的",
        "换两节电池试试",
        "安检是免费的，不要买他的东西",
        "打服务热线约时间，{2-5}天内来",
    ],
    tags: &["老旧小区改造"],
    mood: Mood::Even,
};

const PROPERTY: Phrases = Phrases {
    titles: &[
        "{place}电梯坏了{2-9}天没人修",
        "{place}物业费又要涨",
        "{place}地下室漏水物业不管",
        "{place}公摊收益去哪了",
        "{place}小区门禁形同虚设",
    ],
    cores: &[
        "{place}{home}电梯{when}又困人，物业说在等配件",
        "{place}物业费从每平{1-2}块{2-9}涨到{3-4}块{1-9}，服务一点没变",
        "{place}地下车库漏水{2-9}个月，物业推给开发商",
        "{place}小区广告位和停车收益从来没公示过，业主群里一问就禁言",
        "{place}门口保安换了{2-5}茬，外卖快递随便进",
    ],
    details: &[
        "{kin}腿脚不好，天天爬{6-18}楼",
        "楼道灯坏了{2-8}盏",
        "绿化带都停成停车场了",
        "业委会选了{2-3}次没选成",
        "贴了催费单倒是快得很",
    ],
    asks: &["请{who}督促整改", "要求公开账目", "有一起找{who}的吗？", "业主大会到底什么时候开？"],
    replies: &[
        "我们{place}物业也是这样，收钱第一名",
        "成立业委会换物业",
        "电梯维保记录要公示的，去要",
        "{when}又停电梯，{kin}困在{3-18}楼",
        "公共收益归全体业主，打12345",
        "物业经理换得比门禁还快",
    ],
    tags: &["物业那些事", "小区治理"],
    mood: Mood::Sore,
};

const NOISE: Phrases = Phrases {
    titles: &[
        "{place}工地半夜还在打桩",
        "{place}施工噪音扰民",
        "{place}楼下烧烤摊吵到{1-3}点",
        "{place}装修从早砸到晚",
        "{place}广场舞音响太大",
    ],
    cores: &[
        "{place}旁边工地{when}还在打混凝土，窗户都在抖",
        "{when}{place}施工噪音{60-95}分贝，{kin}根本睡不着",
        "{place}楼下烧烤摊划拳到半夜{1-3}点，油烟直往{home}灌",
        "{place}{home}装修的从早上{6-7}点开始砸墙，周末也不停",
        "{place}坝坝舞三支队伍比音量",
    ],
    details: &[
        "孩子马上期末考试",
        "耳塞都买了{2-5}副",
        "报了警，走了又开工",
        "夜间施工许可证从来没看到过",
        "{kin}血压都高了",
    ],
    asks: &["请{who}来测一测噪音", "夜间施工有没有人管？", "能不能{9-10}点以后停工？"],
    replies: &[
        "{place}这边也听得到，塔吊灯照一晚上",
        "环保热线打了，说要取证",
        "白天睡觉晚上打桩，反过来了",
        "我家{kin}神经衰弱就是这么来的",
        "隔音窗也挡不住低频",
    ],
    tags: &["噪音扰民", "夜间施工"],
    mood: Mood::Sore,
};

const TRAFFIC: Phrases = Phrases {
    titles: &[
        "{place}早高峰堵得一动不动",
        "{place}红绿灯配时有问题",
        "{place}路口违停没人管",
        "{place}公交改线了？",
        "{place}修路围挡占了{1-2}条道",
    ],
    cores: &[
        "{when}{place}路口堵了{20-70}分钟，{2-3}公里走了一节课",
        "{place}左转灯只有{8-15}秒，一次过{3-6}辆车",
        "{place}学校门口双排违停，公交都过不去",
        "公交改线以后{place}到地铁站要走{15-30}分钟",
        "{place}修路围挡没有提示牌，{when}又追尾了",
    ],
    details: &["上班迟到{2-4}次了", "电瓶车逆行到处钻", "救护车都堵在里面", "导航还往这里带", "接{kin}都晚点"],
    asks: &["请交警优化一下信号灯", "{who}能不能派人疏导？", "围挡什么时候拆？", "有绕行路线推荐吗？"],
    replies: &[
        "{place}天天堵，习惯了",
        "绕{place}后面那条小路，快{5-15}分钟",
        "早上{7-8}点前出门还好",
        "建议改单行道",
        "违停拍照上传，有用的",
    ],
    tags: &["早高峰", "出行播报"],
    mood: Mood::Sore,
};

const LAMPS: Phrases = Phrases {
    titles: &["{place}路灯坏了一排", "{place}路灯白天亮晚上灭", "{place}晚上黑漆漆不敢走"],
    cores: &[
        "{place}到菜市场那段路灯坏了{3-12}盏，{when}差点摔跤",
        "{place}路灯白天亮着晚上灭，已经{2-9}天",
        "{place}天桥下没有灯，下晚自习的孩子害怕",
    ],
    details: &["{kin}都不敢出门散步", "井盖还翘起来一个", "树枝把灯全挡了", "手机电筒照着走"],
    asks: &["请{who}安排检修", "灯杆编号都拍了，发给谁？"],
    replies: &[
        "{place}那段黑了{2-5}个月",
        "报修小程序挺快的，{2-3}天就来了",
        "修了又坏，是不是线路问题",
        "女生晚上结伴走",
    ],
    tags: &["随手拍"],
    mood: Mood::Even,
};

const GARBAGE: Phrases = Phrases {
    titles: &["{place}垃圾堆了{2-6}天没人清", "{place}垃圾分类点臭得很", "{place}建渣乱倒", "{place}大件垃圾没人收"],
    cores: &[
        "{place}{home}垃圾桶满出来{2-6}天，清运车没来",
        "{place}垃圾分类投放点就在{home}窗户下面，{when}臭得不敢开窗",
        "{place}河边有人偷倒建渣，{2-4}车",
        "{place}大件垃圾收费{30-90}元一件还不上门",
    ],
    details: &["苍蝇蟑螂到处爬", "污水流到人行道", "{kin}天天戴口罩出门", "流浪猫翻得满地都是"],
    asks: &["请{who}协调清运", "投放点能不能挪一挪？", "清运时间能公示一下吗？"],
    replies: &[
        "{place}也是，逢下雨流一地",
        "清运改成{2-3}天一次了",
        "拍照发给网格员，{when}就来了",
        "垃圾分类最后一车拉走，看着心凉",
    ],
    tags: &["垃圾清运", "垃圾分类"],
    mood: Mood::Sore,
};

const SCHOOL: Phrases = Phrases {
    titles: &[
        "{place}小学划片变了吗",
        "孩子作业写到{9-11}点",
        "{place}延时服务收费问题",
        "{place}学校门口接送太乱",
        "资料费说是自愿",
    ],
    cores: &[
        "{place}幼升小划片今年是不是调整了，{kin}着急",
        "我家三年级的作业写到晚上{9-11}点，减负减到哪里去了",
        "{place}学校延时服务每学期{200-600}元，内容就是看自习",
        "{place}学校门口没有护学岗，车从人堆里穿",
        "{place}家长群让交{50-300}元资料费，说是自愿",
    ],
    details: &["睡眠不到{6-8}个小时", "老师也很辛苦", "每天{4-5}点就要去排队接", "食堂的菜还是冷的"],
    asks: &["教育部门能给个说法吗？", "有明白的家长说说", "哪里能查到政策？"],
    replies: &[
        "我们{place}学校也这样",
        "自愿两个字要打引号",
        "班主任人挺好的，沟通一下",
        "划片看{5-6}月的公告",
        "延时到{5-6}点，双职工没办法",
    ],
    tags: &["开学季", "家有学童"],
    mood: Mood::Even,
};

const HOSPITAL: Phrases = Phrases {
    titles: &[
        "医院排队{2-5}个小时看病几分钟",
        "儿科夜间急诊人太多",
        "{place}社区医院能打疫苗吗",
        "挂号系统又崩了",
        "看个病要爬多少层楼",
    ],
    cores: &[
        "{when}带{kin}看病，排队{2-5}个小时，看了{2-5}分钟",
        "儿科急诊前面还有{40-180}个号，孩子烧到{38-40}度",
        "{place}社区卫生中心疫苗预约要等{2-6}周",
        "挂号系统{when}一直转圈，号全没了",
        "缴费、检查、取报告跑了{4-9}趟楼，{kin}累得够呛",
    ],
    details: &["走廊都坐满了", "{kin}坐轮椅来回折腾", "医生连水都没空喝", "停车排了{30-80}分钟"],
    asks: &["能不能多开几个窗口？", "有经验的说说哪个时段人少", "请{who}关注一下儿科"],
    replies: &[
        "最近感冒的太多了",
        "{place}社区医院人少，小病去那里",
        "早上{6-7}点去排第一个",
        "护士态度挺好，就是人手不够",
        "互联网医院可以开药",
    ],
    tags: &["就医难", "看病"],
    mood: Mood::Sore,
};

const FOOD: Phrases = Phrases {
    titles: &["推荐{place}{shop}", "{shop}排队值不值", "{place}新开一家小馆子", "周末吃什么", "{shop}涨价了"],
    cores: &[
        "{place}{shop}的{dish}真的可以，{8-28}元吃饱",
        "{when}去{shop}吃{dish}，排队{15-60}分钟",
        "{place}新开的{dish}，味道像小时候",
        "求推荐{place}附近的{dish}，{kin}过来玩",
        "{shop}老板换了，{dish}分量少了一半",
    ],
    details: &["辣得安逸", "环境一般，味道在线", "{kin}都说好吃", "可以停车", "打包了{2-5}份"],
    asks: &["还有什么隐藏菜？", "有没有一起去的？", "晚上开到几点？"],
    replies: &[
        "{shop}的{dish}我吃了{3-9}年",
        "{place}那家关门了吧",
        "看饿了",
        "微辣就够了，信我",
        "{dish}还是要配冰豆浆",
        "排队太久了，去{place}那家",
    ],
    tags: &["吃在锦水", "苍蝇馆子"],
    mood: Mood::Glad,
};

const WEATHER: Phrases = Phrases {
    titles: &["{when}雾好大", "出太阳了！", "要降温{5-12}度，注意保暖", "{place}银杏黄了", "{place}下雨路滑"],
    cores: &[
        "{when}{place}雾大得看不到对面楼",
        "难得出太阳，{place}河边全是喝茶晒太阳的",
        "明天要大降温，{place}的{kin}记得加衣服",
        "{place}那排银杏黄了，早上{7-9}点光线最好",
        "下了一晚上雨，{place}路面湿滑",
    ],
    details: &["空气质量{60-180}", "被子终于晒透了", "骑车慢点", "花都开错季节了"],
    asks: &["周末会不会下雨？", "哪里还能拍？", "要不要开暖气？"],
    replies: &["{place}没有雾啊", "秋裤安排上", "狗都不想出门", "太阳只有{1-3}个小时", "拍了{20-90}张，选不出来"],
    tags: &["今日天气", "银杏"],
    mood: Mood::Glad,
};

const SECOND_HAND: Phrases = Phrases {
    titles: &["出闲置，{place}自提", "{place}收二手", "搬家清仓，便宜出", "{place}单间转租"],
    cores: &[
        "出一个{thing}，用了{2-18}个月，{30-400}元，{place}自提",
        "收二手{thing}，{place}附近最好，价格好商量",
        "搬家，{thing}、{thing}便宜出，{when}都在{place}",
        "{place}单间转租，{600-1500}元一个月，离地铁{5-15}分钟",
    ],
    details: &["九成新", "有发票", "{kin}不用了", "不包邮", "可小刀", "看过的都说值"],
    asks: &["要的私信", "非诚勿扰", "今晚能拿走的优先"],
    replies: &[
        "还在吗",
        "{20-200}出不出",
        "{place}可以送吗",
        "已私信",
        "同款，用了{2-5}年没坏",
        "想要，明天{5-9}点来拿",
    ],
    tags: &["闲置交易"],
    mood: Mood::Even,
};

const HELP: Phrases = Phrases {
    titles: &[
        "{place}捡到一串钥匙",
        "寻宠物，{place}走失",
        "求推荐靠谱的{place}师傅",
        "{place}有没有一起拼车的",
        "{place}哪里可以办居住证",
    ],
    cores: &[
        "{when}在{place}捡到一串钥匙，有{2-6}把，失主联系",
        "家里的{pet}{when}在{place}走丢了，脖子上有铃铛",
        "{place}有没有靠谱的开锁师傅，{kin}反锁在家",
        "每天{7-8}点{place}到软件园，找{1-3}个人拼车",
        "在{place}办居住证要带什么，跑了{2-3}趟都说差材料",
    ],
    details: &["先谢过各位", "急，今天就要", "群里问了一圈没人知道", "电话私信给我"],
    asks: &["看到的说一声", "麻烦大家扩散", "求联系方式"],
    replies: &[
        "帮顶，好人一生平安",
        "{place}门口好像看到过一只",
        "政务大厅{2-3}楼，带身份证和租房合同",
        "转到我们{home}群了",
        "找到了吗？",
    ],
    tags: &["互助", "寻物启事"],
    mood: Mood::Even,
};

const PRAISE: Phrases = Phrases {
    titles: &["感谢{place}的好心人", "给{place}公交司机点赞", "表扬{place}网格员", "{place}社区食堂真不错"],
    cores: &[
        "{when}{kin}在{place}摔倒，几个小伙子扶起来还送到医院",
        "{place}公交司机等{kin}坐稳才开车，细节暖人",
        "{place}反映的问题{1-3}天就解决了，网格员效率高",
        "{place}社区食堂{8-15}元一顿，{kin}吃得开心",
    ],
    details: &["没留名字就走了", "锦旗都做好了", "邻居都在夸", "城市有温度"],
    asks: &["希望能找到他们", "希望一直办下去"],
    replies: &["好人好事就该表扬", "{place}社区的确实负责", "我也遇到过这位师傅", "正能量，顶", "为{place}点赞"],
    tags: &["暖新闻", "表扬"],
    mood: Mood::Glad,
};

const WATER_MAIN: Phrases = Phrases {
    titles: &[
        "{corner}水管爆了！{place}全停水",
        "{place}突然停水，有人知道原因吗",
        "{corner}爆管，水都漫到人行道了",
        "{place}断水了！！！",
        "紧急：{place}停水，{kin}没水喝",
        "{place}水压越来越低，是不是爆管了",
        "{corner}路面喷水{2-5}米高",
        "停水{1-3}个小时没人通知，{place}",
    ],
    cores: &[
        "{now}{place}{home}停水了，一滴水都没有，物业电话打爆没人接",
        "{corner}自来水主管爆裂，水喷了{2-6}米高，马路成河，家里反倒停水",
        "{now}{place}断水，{kin}满头泡沫站在那里",
        "{place}{home}水压低到几乎没有，{now}彻底断水",
        "{corner}爆管，{now}还在冒水，这么多水白白流走，居民家里却停水",
        "{now}{place}整片停水，没有任何通知，群里全炸了",
        "{place}{when}就水压低，报修没人理，{now}果然爆管停水",
    ],
    details: &[
        "{kin}等着冲奶粉",
        "饭煮到一半",
        "超市的桶装水{10-30}分钟就抢光了",
        "厕所都冲不了",
        "车从积水里过，底盘都泡了",
        "{shop}只好关门",
        "热线排队{20-90}位",
        "{home}{30-200}户全没水",
        "医院透析室都受影响",
        "地下车库开始进水",
        "路上堵成一锅粥",
    ],
    asks: &[
        "什么时候恢复供水？",
        "自来水公司出来说句话！",
        "有没有送水车？",
        "停水为什么不提前通知？",
        "请{who}马上派人抢修！",
        "谁来赔偿损失？",
        "到底要断水多久？",
    ],
    replies: &[
        "{place}也停水了",
        "{place}{home}断水，{now}的事",
        "我们{place}水压低得可怜，马上要断水了",
        "停水{1-3}个小时了，没人管，{feeling}",
        "{corner}过来的，爆管的坑有{2-4}米宽",
        "桶装水没了，{place}超市抢空",
        "停水不通知，收水费倒准时",
        "{kin}在家没水，急死人",
        "自来水公司热线打不通，{feeling}",
        "{place}还有水，但是水压低，赶紧接几桶",
        "爆管那里{now}还在喷",
        "断水断到现在，厕所都臭了",
        "抢修的人来了{2-6}个，挖机还没到",
        "求送水车来{place}，{kin}走不动",
        "老管网早该换了，年年爆管年年停水",
        "停水+1，{3-28}楼",
        "有没有人知道哪里能打水？{place}停水好惨",
    ],
    tags: &["停水", "爆管", "断水"],
    mood: Mood::Sore,
};

const GAS_SMELL: Phrases = Phrases {
    titles: &[
        "{corner}小学门口好大燃气味！",
        "{place}燃气泄漏？孩子都跑出来了",
        "{corner}燃气异味，学校在疏散",
        "急！{place}闻到煤气味",
    ],
    cores: &[
        "{now}{corner}小学门口闻到很重的燃气味，孩子被带到操场",
        "{corner}疑似燃气泄漏，消防车来了{2-5}辆，{kin}还在学校",
        "{place}{home}也闻到燃气味，不敢开灯",
        "{corner}挖机施工挖到燃气管，{now}异味飘到学校",
        "学校{now}通知家长来接，说有燃气异味，电话都打不通",
    ],
    details: &[
        "有孩子说头晕恶心",
        "家长围在门口{50-300}人",
        "警戒线拉了{100-300}米",
        "{kin}吓得直哭",
        "周边{shop}都熄火关门",
        "上次泄漏才过了{2-5}个月",
    ],
    asks: &[
        "孩子们安全吗？",
        "到底漏没漏，给个准话！",
        "请{who}立刻通报情况！",
        "施工方有没有交底？",
        "今天还上不上课？",
    ],
    replies: &[
        "{place}也闻到燃气味了，{feeling}",
        "我家{kin}就在这个学校，担心死了",
        "燃气泄漏千万不要开关电器",
        "消防在测浓度，别围过去",
        "施工挖断燃气管，今年第{2-4}次了",
        "孩子接到了，说头晕",
        "老师组织得好，但学校通知太晚",
        "{now}味道还没散，燃气公司人呢",
        "{corner}封路了，绕行",
    ],
    tags: &["燃气泄漏", "校园安全"],
    mood: Mood::Sore,
};

const ROAD_CAVE: Phrases = Phrases {
    titles: &[
        "{corner}路面塌了一个坑！",
        "{corner}塌陷，堵到{place}",
        "{place}大堵车，前面路塌了",
        "{corner}地陷，一辆车掉进去",
    ],
    cores: &[
        "{now}{corner}路面塌陷，坑有{2-5}米深，一辆车半个轮子悬着",
        "{corner}塌陷封路，{place}堵了{30-90}分钟没动",
        "{place}所有车都往小路挤，救护车堵在里面",
        "{corner}上周就看到路面开裂，报了没人管，{now}真塌了",
    ],
    details: &[
        "公交全部绕行",
        "{kin}走路回家{40-80}分钟",
        "旁边就是地下施工",
        "围观的人站在坑边拍照",
        "晚高峰彻底瘫痪",
    ],
    asks: &["什么时候修好？", "请交警赶紧疏导！", "有没有人受伤？", "施工单位说句话！"],
    replies: &[
        "{place}也堵死了，{feeling}",
        "塌陷那里千万别靠近",
        "裂缝我{2-9}天前就拍了照",
        "绕{place}走，还能动",
        "公交{20-60}分钟没来一辆",
        "年年修年年塌",
        "堵在{corner}，{kin}在车上晕车",
    ],
    tags: &["路面塌陷", "拥堵"],
    mood: Mood::Sore,
};
