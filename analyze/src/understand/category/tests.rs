use crate::understand::Understanding;
use schemas::kit::settings::{DistrictFile, Taxonomy};
use schemas::records::Category;
use std::sync::LazyLock;

static SHIPPED: LazyLock<Understanding> = LazyLock::new(|| Understanding::new([]).unwrap());

fn category(title: &str, text: &str) -> Option<Category> {
    SHIPPED.understand_text(title, text).category
}

/// Messages of our own, one or more for each first-level class, those that the labelled set has none of too.
const MATTERS: [(&str, &str); 30] = [
    ("我们小区又停水三天了，物业不管", "城乡建设/城市建设和市政管理/自来水供应"),
    ("楼上违章搭建阳光房，城管来了也没拆", "城乡建设/城乡规划/违章建筑"),
    ("开发商延期交房，房产证也办不下来", "城乡建设/住房保障与房地产"),
    ("党支部什么时候开始发展党员？组织关系怎么转", "党务政务/党的建设"),
    ("小区旁边修了寺庙，宗教事务归谁管", "党务政务/民族宗教/宗教事务"),
    ("征地补偿款两年没有发，失地农民的保险也没落实", "国土资源/土地征收"),
    ("采石场天天放炮，山体滑坡怎么办", "国土资源/矿产资源管理"),
    ("化工厂夜里偷排废水，河里都是死鱼", "环境保护/环境污染/水污染"),
    ("工地凌晨还在打桩，噪音扰民", "环境保护/环境污染/噪音污染"),
    ("村支书贪污扶贫款，纪委为什么不查", "纪检监察"),
    ("窗口工作人员互相推诿，官僚主义严重", "纪检监察/干部作风/官僚主义"),
    ("出租车不打表，一口价还拒载", "交通运输/出租车管理"),
    ("快递公司把包裹弄丢了不赔", "交通运输/邮政管理/快递市场管理"),
    ("银行卡被乱扣钱，信用社贷款利息太高", "经济管理/金融财税/金融管理"),
    ("理财公司非法集资跑路，血本无归", "经济管理/金融财税/集资融资"),
    ("宽带三天两头断，手机信号也差，中国移动不修", "科技与信息产业/电信"),
    ("我的专利被人侵权，知识产权局能管吗", "科技与信息产业/知识产权"),
    ("低保户的审批太慢，民政局让等", "民政/社会救助"),
    ("退伍军人的安置什么时候落实，士官安置有岗位吗", "民政/复退安置"),
    ("宅基地纠纷多年，村委会不给审批建房", "农村农业/土地承包经营/宅基地纠纷"),
    ("水渠坏了没法灌溉，水库的水也放不下来", "农村农业/水利水电"),
    ("景区门票乱涨价，导游强制消费", "商贸旅游/旅游管理"),
    ("超市卖假冒伪劣的酒，工商局不管", "商贸旅游/市场监管/商品质量"),
    ("医生误诊耽误了治疗，医疗事故怎么鉴定", "卫生计生/医患纠纷/医疗事故争议"),
    ("独生子女费退休后领不到", "卫生计生/人口计生/独生子女父母奖励政策"),
    ("民警出警太慢，入室盗窃报案后不立案", "政法"),
    ("法院判决两年了，老赖还是不还钱，执行难", "政法/仲裁与调解/生效法律文书执行"),
    ("学校强制购买教辅，补课费一学期两千", "教育文体/教育收费/乱收费"),
    ("县里的图书馆为什么周末不开放，公共文化投入太少", "教育文体/文化/公共文化"),
    ("老板拖欠工资三个月，不签劳动合同", "劳动和社会保障"),
];

#[test]
fn matters_of_every_first_level_class_are_known() {
    for (text, wanted) in MATTERS {
        for (title, text) in [("", text), (text, "")] {
            let found = category(title, text).unwrap_or_else(|| panic!("no category: {text}{title}"));
            let parts = [Some(found.level1), found.level2, found.level3];
            let path = parts.into_iter().flatten().collect::<Vec<_>>().join("/");
            assert!(path.starts_with(wanted), "{text}{title}: {path}, wanted {wanted}");
        }
    }
}

#[test]
fn chat_is_no_matter() {
    for text in [
        "今天天气真好，和朋友去爬山",
        "老师今天好温柔哈哈",
        "昨晚的电影真好看，推荐给大家",
        "想吃火锅",
        "男朋友生日送什么好呢",
        "😭😭😭",
        "",
    ] {
        assert_eq!(category("", text), None, "{text}");
    }
}

#[test]
fn confidence_is_a_probability_and_grows_with_evidence() {
    let little = category("", "停水了").unwrap().confidence;
    let much = category("小区停水", "自来水公司停水三天，物业说水管爆了").unwrap().confidence;
    assert!(little > 1.0 / 15.0 && little < much && much <= 1.0, "{little} {much}");
}

#[test]
fn a_districts_own_taxonomy_stands_alone() {
    let own = "[[level1]]\nname = \"河湖\"\nkeywords = [\"水华\"]\n[[level1.level2]]\nname = \"藻类\"\n\
        level3 = { \"蓝藻\" = [\"蓝藻\"] }\n";
    let taxonomy = Taxonomy::parse(own).unwrap();
    let understanding = Understanding::with(
        [],
        &crate::query::Names::default(),
        &taxonomy,
        crate::understand::places::shipped().unwrap(),
    )
    .unwrap();
    let found = understanding.understand_text("", "湖里有藍藻，水华了").category.unwrap();
    assert_eq!(
        (found.level1.as_str(), found.level2.as_deref(), found.level3.as_deref()),
        ("河湖", Some("藻类"), Some("蓝藻"))
    );
    assert_eq!(understanding.understand_text("", "停水三天，物业不管").category, None);
}
