use crate::{
    query::Facts,
    understand::{Understanding, Understood},
};
use schemas::{
    kit::settings::{DistrictFile, Places},
    records::PlaceKind,
};
use std::sync::LazyLock;

static SHIPPED: LazyLock<Understanding> = LazyLock::new(|| Understanding::new([]).unwrap());

fn found(text: &str) -> Understood {
    SHIPPED.understand_text("", text)
}

fn names(found: &Understood) -> Vec<&str> {
    found.places.iter().map(|place| place.name.as_str()).collect()
}

#[test]
fn official_names_and_what_people_write_for_them_are_found() {
    for (text, wanted) in [
        ("抚琴街道今天又停水了", vec!["抚琴街道"]),
        ("抚琴街道办的人来看过", vec!["抚琴街道"]),
        ("抚琴街辦的人來看過", vec!["抚琴街道"]),
        ("住在九里堤这边的注意了", vec!["九里堤街道"]),
        ("金鱼街社区居委会电话没人接", vec!["金鱼街社区"]),
        ("曹家巷的老房子", vec!["曹家巷"]),
        ("金牛区和抚琴街道都有", vec!["抚琴街道", "金牛区"]),
        ("西安路的法桐真好看", vec!["西安路街道"]),
        ("西南交大门口堵车", vec!["西南交通大学"]),
    ] {
        let found = found(text);
        assert_eq!(names(&found), wanted, "{text}");
        assert_eq!(found.elsewhere, None, "{text}");
        assert!(found.places.iter().all(|place| place.unit.is_some()), "{text}: {:?}", found.places);
    }
}

#[test]
fn everyday_words_and_longer_words_are_no_places() {
    for text in ["我是金牛座的", "我们互助一下", "红星照我去战斗", "希望长久", "车站人好多", "五福临门", "同善"]
    {
        assert_eq!(names(&found(text)), [""; 0], "{text}");
    }
}

#[test]
fn a_post_about_elsewhere_is_known_for_it() {
    for (text, wanted) in [
        ("武汉今天下大雨", Some("武汉")),
        ("武侯区的地铁站又挤", Some("武侯区")),
        ("成都武侯区停水了", Some("武侯区")),
        ("长沙岳麓山，长沙真热，不如广州", Some("长沙")),
        ("成都和武汉哪个好", None),
        ("从武汉来抚琴街道出差", None),
        ("兰州拉面店卫生太差", None),
        ("南京东路的店", None),
        ("大同中学招生", None),
        ("四川省今年高考", None),
        ("停水了", None),
    ] {
        assert_eq!(found(text).elsewhere.as_deref(), wanted, "{text}");
    }
    assert!(found("武汉小区停水三天，物业不管").unit.is_none(), "elsewhere is no unit's of ours");
}

#[test]
fn the_place_that_a_source_states_helps_where_the_text_says_nothing() {
    let with =
        |text: &str, place: &str| SHIPPED.understand_with("", text, Facts { places: vec![place], ..Facts::default() });
    let stated = with("路灯坏了没人修", "四川省成都市金牛区茶店子街道");
    assert_eq!(names(&stated), ["茶店子街道", "金牛区"]);
    assert_eq!(names(&with("抚琴街道路灯坏了", "茶店子街道")), ["抚琴街道"]);
    assert_eq!(with("路灯坏了没人修", "湖北 武汉").elsewhere.as_deref(), Some("湖北"));
    assert_eq!(with("抚琴街道路灯坏了", "湖北 武汉").elsewhere, None);
}

const OWN: &str = r#"
district = "河东区"
city = "武汉"
neighbours = ["河西区"]
everyday = ["和平"]
local = ["城乡建设/城市建设和市政管理/环境卫生"]
[[unit]]
id = "centre"
name = "河东区中心"
level = "centre"
[[unit]]
id = "water"
name = "水务局"
level = "department"
parent = "centre"
categories = ["城乡建设/城市建设和市政管理/自来水供应"]
[[unit]]
id = "north"
name = "北门街道"
level = "street"
parent = "centre"
[[unit]]
id = "south"
name = "南门街道"
level = "street"
parent = "centre"
[[unit]]
id = "north-peace"
name = "和平社区"
level = "community"
parent = "north"
[[place]]
name = "阳光花园"
kind = "estate"
unit = "north"
[[place]]
name = "阳光花园二期"
kind = "estate"
aliases = ["阳光花园"]
unit = "south"
"#;

static OWN_FILE: LazyLock<Understanding> = LazyLock::new(|| {
    let places = Places::parse(OWN).unwrap();
    Understanding::with([], &crate::query::Names::default(), crate::understand::category::shipped().unwrap(), &places)
        .unwrap()
});

fn own(text: &str) -> Understood {
    OWN_FILE.understand_text("", text)
}

#[test]
fn an_ambiguous_name_is_shown_with_its_candidates_and_narrowed_by_what_is_near() {
    let both = own("阳光花园的垃圾没人清运");
    assert_eq!((both.places[0].name.as_str(), &both.places[0].unit), ("阳光花园", &None));
    assert_eq!(both.places[0].candidates, ["north", "south"]);
    assert_eq!(both.places[0].kind, PlaceKind::Estate);
    let narrowed = own("南门街道阳光花园的垃圾没人清运");
    assert_eq!(narrowed.places[0].unit.as_deref(), Some("south"));
    assert_eq!(narrowed.unit.unwrap().id, "south");
}

#[test]
fn units_are_proposed_by_the_table() {
    let unit = |text: &str| own(text).unit.map(|unit| (unit.id, unit.candidates));
    let told = |id: &str, candidates: &[&str]| Some((id.to_owned(), candidates.iter().map(|&id| id.into()).collect()));
    assert_eq!(unit("北门街道的垃圾桶旁边臭，垃圾没人清运"), told("north", &[]));
    assert_eq!(unit("和平社区的垃圾没人清运"), told("north", &["north-peace"]));
    assert_eq!(unit("北门街道又停水了，水压也低"), told("water", &["north"]));
    assert_eq!(unit("停水三天，自来水公司不管"), told("water", &[]));
    assert_eq!(unit("阳光花园停水三天"), told("water", &["north", "south"]));
    assert_eq!(unit("河西区停水三天"), None, "elsewhere");
    assert_eq!(unit("去南门街道吃火锅"), told("south", &[]));
    assert_eq!(unit("想吃火锅"), None);
}

#[test]
fn a_districts_own_places_stand_alone() {
    assert_eq!(names(&own("抚琴街道停水")), [""; 0]);
    assert_eq!(own("成都停水").elsewhere.as_deref(), Some("成都"));
    assert_eq!(own("武汉停水").elsewhere, None);
    assert_eq!(names(&own("河东区停水")), ["河东区"]);
}

#[test]
fn faults_are_named_with_their_lines() {
    let wrong = OWN.replace("unit = \"south\"", "unit = \"west\"").replace("parent = \"north\"", "parent = \"nobody\"");
    let wrong = wrong.replace("level = \"department\"", "level = \"office\"");
    let told: Vec<String> = Places::parse(&wrong).unwrap_err().iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|fault| fault.starts_with("config:14:") && fault.contains("office")), "{told:?}");
    let wrong = wrong.replace("level = \"office\"", "level = \"department\"");
    let told: Vec<String> = Places::parse(&wrong).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "config:31: there is no [[unit]] with the id \"nobody\"",
            "config:40: there is no [[unit]] with the id \"west\"",
        ]
    );
}

#[test]
fn faults_of_a_file_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("places.toml");
    let told = |places: Option<&str>| {
        places.into_iter().for_each(|text| std::fs::write(&file, text).unwrap());
        let config = format!("[understand]\nplaces = {:?}\n", file.display().to_string());
        let settings = schemas::kit::settings::Settings::parse(&config, []).unwrap();
        crate::check(&settings).iter().map(|fault| fault.in_file("wanglou.toml".as_ref())).collect::<Vec<_>>()
    };
    let missing = told(None);
    assert!(missing[0].starts_with(&format!("{}: cannot be read", file.display())), "{missing:?}");
    let wrong = told(Some(&OWN.replace("parent = \"north\"", "parent = \"nobody\"")));
    assert_eq!(wrong, [format!("{}:31: there is no [[unit]] with the id \"nobody\"", file.display())]);
    assert_eq!(told(Some(OWN)), [""; 0]);
}

#[test]
fn the_shipped_file_has_every_street_and_community() {
    let places = super::shipped().unwrap();
    let count = |level| places.unit.iter().filter(|unit| unit.get_ref().level == level).count();
    use schemas::kit::settings::UnitLevel::{Community, Department, Street};
    assert_eq!((count(Street), count(Community)), (13, 90));
    assert!(count(Department) >= 32);
    let taxonomy = crate::understand::category::shipped().unwrap();
    let known = |class: &str| {
        let parts: Vec<&str> = class.split('/').collect();
        taxonomy.level1.iter().map(|level1| level1.get_ref()).any(|level1| {
            level1.name == parts[0]
                && (parts.len() == 1
                    || level1.level2.iter().map(|level2| level2.get_ref()).any(|level2| {
                        level2.name == parts[1] && (parts.len() == 2 || level2.level3.contains_key(parts[2]))
                    }))
        })
    };
    let units = places.unit.iter().flat_map(|unit| &unit.get_ref().categories);
    for class in units.chain(&places.local) {
        assert!(known(class), "{class} is no class of the shipped taxonomy");
    }
    for level1 in &taxonomy.level1 {
        let name = &level1.get_ref().name;
        assert!(places.unit.iter().any(|unit| unit.get_ref().categories.contains(name)), "nobody answers for {name}");
    }
}
