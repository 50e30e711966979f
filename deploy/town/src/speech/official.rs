//! What the authorities and the press write: notices in the forum, reports in the feed. Nobody real is named.

use super::Spoken;
use crate::{
    chronicle::NewsTopic,
    dice::{Dice, mix},
    scenario::{Scenario, Step, Trouble},
    streets::STREETS,
};

/// Where a scenario happened, as an official text writes it.
fn spot(scenario: &Scenario) -> String {
    let [one, other] = scenario.corner;
    format!("{}街道{one}社区与{other}社区交界路口", STREETS[scenario.street].name)
}

/// A notice of the authorities about a scenario.
pub(super) fn notice(scenario: &Scenario, step: Step) -> Spoken {
    let (spot, street) = (spot(scenario), STREETS[scenario.street].name);
    let author = match scenario.trouble {
        Trouble::WaterMain => "自来水公司客服",
        Trouble::GasSmell => "区应急发布",
        Trouble::RoadCave => "区城建发布",
    };
    let (title, text) = match (scenario.trouble, step) {
        (Trouble::WaterMain, Step::Flash | Step::Statement) => (
            format!("【停水公告】关于{street}街道供水主管抢修的通知"),
            format!(
                "因{spot}一根DN600供水主管破裂，{street}街道及周边部分区域停水或水压降低。抢修人员已到场关阀止水，预计4小时内恢复供水。已安排送水车6台，给您带来不便，敬请谅解。供水服务热线24小时受理。"
            ),
        ),
        (Trouble::WaterMain, Step::Progress) => (
            format!("【抢修进展】{street}街道供水主管抢修情况"),
            format!("{spot}破裂管段已完成开挖，正在更换管件；高区用户由临时加压车供水，送水点设在各社区服务中心。"),
        ),
        (Trouble::WaterMain, Step::Closed) => (
            format!("【恢复供水】{street}街道供水已逐步恢复"),
            format!(
                "{spot}供水主管抢修完成，供水正在逐步恢复，初期可能出现水黄，放水数分钟后即可正常使用。事故原因正在调查，结果将向社会公布。"
            ),
        ),
        (Trouble::GasSmell, Step::Flash | Step::Statement) => (
            format!("【情况通报】{street}街道一学校附近燃气异味处置情况"),
            format!(
                "接群众反映{spot}一学校附近有燃气异味，消防、燃气、教育等部门已到场处置，师生已有序转移至安全区域，暂无人员受伤，现场浓度检测正在进行。"
            ),
        ),
        (Trouble::GasSmell, Step::Progress) => (
            format!("【情况通报】{street}街道燃气管线检测进展"),
            format!("经排查，{spot}一处燃气支管因施工扰动松动，已关闭上游阀门并更换接头，周边浓度降至安全范围。"),
        ),
        (Trouble::GasSmell, Step::Closed) => (
            format!("【处置完毕】{street}街道燃气异味已排除"),
            format!("{spot}燃气支管修复并通过保压试验，学校恢复正常教学秩序，对施工单位的调查同步进行。"),
        ),
        (Trouble::RoadCave, Step::Flash | Step::Statement) => (
            format!("【交通提示】{street}街道路面塌陷，请绕行"),
            format!(
                "{spot}发生路面塌陷，面积约12平方米，已封闭双向车道，无人员伤亡。交警现场疏导，公交临时绕行，请过往车辆提前改道。"
            ),
        ),
        (Trouble::RoadCave, Step::Progress) => (
            format!("【抢修进展】{street}街道路面塌陷处置情况"),
            format!("{spot}塌陷区已完成雷达探测，正在回填加固，预计今日恢复单向通行。"),
        ),
        (Trouble::RoadCave, Step::Closed) => (
            format!("【恢复通行】{street}街道塌陷路段恢复通行"),
            format!("{spot}塌陷路段完成修复并恢复通行，周边管线普查已经启动。"),
        ),
    };
    Spoken { title, text, author: author.into() }
}

/// What people answer to a notice; patterns for the grammar.
pub(super) const REPLIES: &[&str] = &[
    "终于等到通报了，{place}的希望快点",
    "为什么{1-3}个小时才通报？{feeling}",
    "辛苦一线的师傅们",
    "{place}还没好，{kin}等着呢",
    "希望说到做到",
    "赔偿怎么算，只字不提",
    "原因要查清楚，不能每次都这样",
    "已转发到{home}群",
];

/// A report in the feed.
pub(crate) fn news(topic: &NewsTopic, seed: u64) -> Spoken {
    match topic {
        NewsTopic::Trouble(scenario, Step::Flash) => {
            let (spot, street) = (spot(scenario), STREETS[scenario.street].name);
            let (title, text) = match scenario.trouble {
                Trouble::WaterMain => (
                    format!("突发！{street}街道供水主管爆裂，周边小区停水"),
                    format!(
                        "记者从现场获悉，{spot}一处供水主管爆裂，路面大量积水，周边多个小区停水，居民反映事前没有收到通知。抢修原因和恢复时间有待有关部门通报。"
                    ),
                ),
                Trouble::GasSmell => (
                    format!("{street}街道一学校附近出现燃气异味，师生疏散"),
                    format!(
                        "今日，多名家长反映{spot}一学校附近出现浓烈燃气异味，学校已组织师生疏散，消防到场处置，具体情况待通报。"
                    ),
                ),
                Trouble::RoadCave => (
                    format!("{street}街道一路口路面塌陷，周边交通拥堵"),
                    format!("{spot}发生路面塌陷，附近道路严重拥堵，交警正在疏导，是否与地下施工有关尚待调查。"),
                ),
            };
            Spoken { title, text, author: "城事速递记者".into() }
        }
        NewsTopic::Trouble(scenario, step) => {
            let notice = notice(scenario, *step);
            let text = format!("本报讯 {}发布消息：{}", notice.author, notice.text);
            Spoken { title: notice.title, text, author: "城事速递".into() }
        }
        NewsTopic::Everyday => everyday(seed),
    }
}

/// A report on ordinary life.
fn everyday(seed: u64) -> Spoken {
    const STORIES: &[(&str, &str)] = &[
        (
            "{s}街道社区食堂开业，老人吃上热乎饭",
            "{s}街道{c}社区食堂今日开门迎客，首日供餐{n}份，一荤两素定价12元，老年居民凭卡另有优惠。",
        ),
        (
            "{s}街道老旧院落改造启动，涉及{n}户",
            "{s}街道{c}社区老旧院落改造正式进场，内容包括屋面防水、管线下地和加装照明，涉及居民{n}户，工期约90天。",
        ),
        (
            "本周降温明显，{s}街道开放取暖点",
            "受冷空气影响，本周最低气温降至5度左右，{s}街道在{c}社区等处开放取暖点，提供热水和应急药品。",
        ),
        ("{s}街道调整三条公交线路", "自下周一起，途经{c}的三条公交线路走向调整，新增两个站点，预计惠及{n}名通勤居民。"),
        (
            "{c}社区志愿者帮独居老人修灯",
            "{s}街道{c}社区的志愿者队伍连续第三年上门检修照明线路，今年已走访{n}户独居老人。",
        ),
        ("{s}街道银杏进入最佳观赏期", "{c}一带的银杏本周进入最佳观赏期，街道提示市民错峰出行、不要攀折。"),
        (
            "菜价小幅回落，{s}农贸市场供应充足",
            "记者走访{s}街道{c}农贸市场，叶类菜价格比上周下降约8%，日供应量{n}公斤左右。",
        ),
        (
            "{s}街道开展电瓶车充电安全检查",
            "{s}街道联合消防对{c}社区等处的充电棚进行检查，发现隐患{n}处，均已限期整改。",
        ),
    ];
    let mut dice = Dice::new(mix(seed, 0x6e65_7773));
    let street = &STREETS[dice.below(STREETS.len())];
    let community = dice.word(street.communities);
    let number = (60 + dice.below(900)).to_string();
    let (title, text) = STORIES[dice.below(STORIES.len())];
    let fill = |pattern: &str| pattern.replace("{s}", street.name).replace("{c}", community).replace("{n}", &number);
    Spoken { title: fill(title), text: fill(text), author: "城事速递".into() }
}
