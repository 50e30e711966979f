//! Names of things that a matter can hang on: a road, an estate, a school, a company. Posts that share one speak of one matter; posts that
//! share only a kind of question, each about a thing of its own, do not.
//!
//! | a term | is |
//! |---|---|
//! | has digits (a code of a block, a number), or is a place that was recognised in the post | a place |
//! | three characters or more, ends as the names of districts and towns do | an area; so is a short code such as b7 |
//! | three characters or more, ends as the names of roads, estates, schools, bodies do, and its beginning is no ordinary word | a thing |
//! | anything else | a word |

use schemas::records::AnalyzedPost;
use std::collections::BTreeMap;

/// How the names of areas end, and words that end so and are none.
const AREAS: &[&str] = &["市", "县", "区", "镇", "乡", "街道", "州"];
const NO_AREAS: &[&str] = &["小区", "社区", "地区", "片区", "园区", "校区", "超市", "库区", "城市", "新区", "门市"];
/// How the names of things end.
const THINGS: &[&str] = &[
    "路",
    "街",
    "巷",
    "大道",
    "桥",
    "隧道",
    "立交",
    "高速",
    "小区",
    "苑",
    "园",
    "花园",
    "家园",
    "公馆",
    "山庄",
    "广场",
    "大厦",
    "城",
    "府",
    "湾",
    "郡",
    "墅",
    "庄",
    "公寓",
    "国际",
    "小学",
    "中学",
    "大学",
    "学校",
    "学院",
    "幼儿园",
    "医院",
    "卫生院",
    "公司",
    "集团",
    "银行",
    "厂",
    "市场",
    "超市",
    "酒店",
    "站",
    "号线",
    "社区",
    "村",
    "组",
    "湖",
    "河",
    "江",
    "水库",
    "公园",
    "景区",
    "工业园",
    "楼",
    "庙",
    "寺",
    "山",
    "岭",
    "里",
];
/// The last characters of those: most words end otherwise, and are asked no further.
const LAST: &str = "路街巷道桥隧交速区苑园馆庄场厦城府湾郡墅寓际学校院司团行厂市店站线村组湖河江库楼庙寺山岭里";
/// What stands before such an end in words that name a kind and no thing: 物业公司, 公办幼儿园, 过街天桥.
const KINDS: &[&str] = &[
    "物业",
    "小区",
    "公办",
    "民办",
    "私立",
    "公立",
    "重点",
    "普通",
    "中心",
    "开发",
    "开发商",
    "房地产",
    "地产",
    "房产",
    "有限",
    "建筑",
    "自来水",
    "燃气",
    "天然气",
    "公交",
    "公交车",
    "出租车",
    "客运",
    "高速",
    "市政",
    "技术",
    "职业技术",
    "终点",
    "进修",
    "水果",
    "批发",
    "步行",
    "商业",
    "农贸",
    "菜",
    "停车",
    "停",
    "立",
    "过街",
    "人行",
    "天",
    "安置",
    "安置房",
    "保障房",
    "经济适用房",
    "还建",
    "住宅",
    "商住",
    "居民",
    "老",
    "旧",
    "新",
    "本",
    "该",
    "各",
    "我",
    "贵",
    "附近",
    "周边",
    "门口",
    "旁边",
    "道",
    "马",
    "公",
    "铁",
    "线",
    "网",
    "出",
    "思",
    "走",
    "修",
    "主干",
    "乡村",
    "农村",
    "乡镇",
    "入园",
    "校",
    "花",
    "家",
    "幼儿",
    "教育",
    "培训",
    "汽车",
    "火车",
    "地铁",
    "高铁",
    "汽车客运",
    "垃圾",
    "垃圾中转",
    "加油",
    "加气",
    "充电",
    "变电",
    "污水处理",
    "水",
    "城",
    "县",
    "市",
    "省",
    "区",
    "乡",
    "镇",
    "街",
    "商",
    "人民",
    "中医",
    "妇幼保健",
    "私人",
    "民营",
    "保险",
    "中介",
    "装修",
    "电力",
    "国有",
];

/// Whether a term says where, and not what: the name of a place, or a code with digits such as that of a road or a block.
pub(super) fn is_place(term: &str, post: &AnalyzedPost) -> bool {
    term.bytes().any(|byte| byte.is_ascii_digit())
        || post.places.iter().any(|place| place.name.contains(term) || term.contains(place.name.as_str()))
}

/// Whether a term has the form of an area's name: that of a district, a town, or a code such as that of a block.
pub(super) fn names_area(term: &str) -> bool {
    let length = term.chars().count();
    let code = length <= 4
        && term.bytes().any(|byte| byte.is_ascii_digit())
        && term.starts_with(|first: char| first.is_ascii_alphabetic());
    code || length >= 3
        && AREAS.iter().any(|end| term.ends_with(end))
        && !NO_AREAS.iter().any(|word| term.ends_with(word))
        && !matches!(term, "老城区" | "主城区")
}

/// A name without the end of the district's that the cut has left on it: 县长风湖 is 长风湖.
pub(super) fn bare(term: &str) -> &str {
    let bare = term.strip_prefix(['省', '市', '区', '县', '镇']).filter(|rest| rest.chars().nth(2).is_some());
    bare.unwrap_or(term)
}

/// The first area in a text that is named by a code: B7区, C市.
pub(super) fn coded_area(text: &str) -> Option<&str> {
    let text = &text[..text.floor_char_boundary(300)];
    text.char_indices().find_map(|(start, first)| {
        let named = first.is_ascii_alphabetic().then(|| &text[start + 1..])?;
        let rest = named.trim_start_matches(|c: char| c.is_ascii_digit());
        let end = rest.chars().next().filter(|end| matches!(end, '市' | '区' | '县' | '州'))?;
        Some(&text[start..text.len() - rest.len() + end.len_utf8()])
    })
}

/// How many of so many agree with the one that most name; who names none agrees with all.
pub(super) fn most_common(named: impl Iterator<Item = Option<u64>>, all: usize) -> usize {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    let mut some = 0;
    for name in named.flatten() {
        *counts.entry(name).or_default() += 1;
        some += 1;
    }
    counts.into_values().max().unwrap_or(0) + all.saturating_sub(some)
}

/// How many of these terms are no part of each other.
pub(super) fn apart(terms: &[&str]) -> usize {
    let mut groups: Vec<Vec<&str>> = Vec::new();
    for &term in terms {
        let touches = |group: &Vec<&str>| group.iter().any(|other| other.contains(term) || term.contains(other));
        let (touched, mut rest): (Vec<Vec<&str>>, Vec<Vec<&str>>) = groups.into_iter().partition(touches);
        rest.push(touched.into_iter().flatten().chain([term]).collect());
        groups = rest;
    }
    groups.len()
}

/// Whether a term has the form of a thing's name.
pub(super) fn names_thing(term: &str) -> bool {
    term.chars().nth(2).is_some()
        && term.chars().next_back().is_some_and(|last| LAST.contains(last))
        && !names_area(term)
        && !term.bytes().any(|byte| byte.is_ascii_digit())
        && THINGS.iter().filter_map(|end| term.strip_suffix(end)).all(|begin| !is_kind(begin))
        && THINGS.iter().filter_map(|end| term.strip_suffix(end)).any(|begin| begin.chars().nth(1).is_some())
}

/// Whether what stands before an end is made of ordinary words alone: 小区物业.
fn is_kind(begin: &str) -> bool {
    begin.is_empty() || KINDS.iter().filter_map(|kind| begin.strip_prefix(kind)).any(is_kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_end_of_a_thing_is_asked_about() {
        for end in THINGS {
            assert!(LAST.contains(end.chars().next_back().unwrap()), "{end}");
        }
    }

    #[test]
    fn the_table_holds() {
        for thing in ["和平大道", "东城花园", "实验小学", "仁安医院", "惠民物业公司", "石桥村", "长丰大桥", "南湖公寓"]
        {
            assert!(names_thing(thing), "{thing}");
        }
        for kind in [
            "物业公司",
            "公办幼儿园",
            "停车场",
            "菜市场",
            "马路",
            "幼儿园",
            "小区",
            "步行街",
            "住宅小区",
            "小区物业公司",
            "高速公路",
        ] {
            assert!(!names_thing(kind), "{kind}");
        }
        for area in ["东城区", "b7", "清水镇"] {
            assert!(names_area(area), "{area}");
        }
        assert!(!names_area("小区") && !names_area("超市") && !names_area("2019"));
    }

    #[test]
    fn areas_have_codes_where_they_are_not_to_be_told() {
        assert_eq!(coded_area("咨询B7区的入学政策"), Some("B7区"));
        assert_eq!(coded_area("C市的APP打不开"), Some("C市"));
        assert_eq!(coded_area("APP打不开, 3区"), None);
        assert_eq!((bare("县长风湖"), bare("市场"), bare("长风湖")), ("长风湖", "市场", "长风湖"));
        assert_eq!(most_common([Some(1), Some(1), None, Some(2)].into_iter(), 4), 3);
    }

    #[test]
    fn parts_of_one_phrase_are_one() {
        assert_eq!(apart(&["购房", "补贴", "购房补贴"]), 1);
        assert_eq!(apart(&["购房", "补贴", "人才"]), 3);
        assert_eq!(apart(&[]), 0);
    }

    proptest! {
        #[test]
        fn any_term_is_judged(term in any::<String>()) {
            prop_assert!(!(names_thing(&term) && names_area(&term)));
        }
    }
}
