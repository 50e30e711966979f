use super::{
    field::{FLAGS, KEYWORDS, Keyword},
    *,
};
use crate::understand::fold;
use proptest::prelude::*;
use schemas::records::{Counts, Kind, Label};

/// A Tuesday noon in Shanghai, where one source has a name and two share one.
fn context() -> Context {
    let mut names = Names::default();
    names.add("source", "jinshui", "锦水论坛");
    names.add("source", "hotline1", "热线");
    names.add("source", "hotline2", "热线");
    names.add("topic", "water", "供水");
    let tz = jiff::tz::TimeZone::get("Asia/Shanghai").unwrap();
    Context { now: "2026-11-24T12:00:00+08:00".parse().unwrap(), tz, names }
}

fn parse(text: &str) -> Result<Query, QueryError> {
    super::parse(text, &context())
}

fn parse_watch(text: &str) -> Result<Query, QueryError> {
    super::parse_watch(text, &context().names)
}

fn keyword(name: &str, value: &str) -> Query {
    Query::Filter(Filter::keyword(Keyword::find(name).unwrap(), value))
}

fn near(left: &str, right: &str, within: u32) -> Query {
    Query::Near { left: left.into(), right: right.into(), within }
}

fn term(text: &str) -> Query {
    Query::Term(text.into())
}

fn not(query: Query) -> Query {
    Query::Not(Box::new(query))
}

#[test]
fn precedence_is_not_then_and_then_or() {
    let wanted = Query::Or(vec![term("停水"), term("断水"), Query::And(vec![term("水压"), not(term("演练"))])]);
    for text in [
        "停水 OR 断水 OR (水压 AND NOT 演练)",
        "停水 or 断水 or 水压 -演练",
        "停水|断水||水压&非 演练",
        "停水 或 断水 或 （水压 ＆ －演练）",
        "「停水」或“断水”或\"水压\"not演练".replace("not演练", " not 演练").as_str(),
    ] {
        assert_eq!(parse(text).as_ref(), Ok(&wanted), "{text}");
    }
}

#[test]
fn terms_are_folded_and_quotes_keep_operators_and_spaces() {
    assert_eq!(parse("臺北ＡＢＣ"), Ok(term("台北abc")));
    assert_eq!(parse("\"A  and B\""), Ok(term("a  and b")));
    assert_eq!(parse("covid-19"), Ok(term("covid-19")));
    assert_eq!(parse("非法集资"), Ok(term("非法集资")), "非 within a word is no operator");
    assert_eq!(parse("停水或断水"), Ok(term("停水或断水")), "或 within a word is no operator");
    assert_eq!(parse("  \u{3000}\n"), Ok(Query::All));
    assert_eq!(parse("not not 水"), Ok(term("水")));
}

#[test]
fn errors_point_at_the_character() {
    for (text, at, word) in [
        ("停水 AND", 7, "missing"),
        ("AND 停水", 1, "between"),
        ("停水 或 或 断水", 6, "between"),
        ("(停水", 1, "never closed"),
        ("停水)", 3, "closes nothing"),
        ("停水 ()", 4, "nothing between"),
        ("停水 （ ）", 4, "nothing between"),
        ("停水 “断水", 4, "never closed"),
        ("停水 \" \"", 4, "nothing between"),
        ("停水 - 演练", 4, "directly before"),
        ("停水 OR )", 7, "before this bracket"),
        ("停水 ~5", 6, "missing after ~5"),
        ("~5 停水", 1, "between two words"),
        ("停水 ~5 情感:负面", 6, "missing after ~5"),
        ("停水 ~501 抚琴", 4, "at most 500"),
        ("情感：", 4, "a value is missing"),
        ("(来源: )", 5, "a value is missing"),
        ("停水 情感:生气", 7, "负面、中性、正面"),
        ("类型:微博", 4, "one of post"),
        ("时间:明年", 4, "no time"),
        ("时间:2026-11-24..2026-11-01", 4, "before it begins"),
        ("点赞:很多", 4, "a number or a range"),
        ("点赞:9..1", 4, "no number in this range"),
        ("官方:也许", 4, "yes or no"),
        ("来源:“锦水", 4, "never closed"),
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(word), "{text}: {error}");
    }
    assert!(parse("停水 AND").unwrap_err().to_string().starts_with("at character 7: "));
}

#[test]
fn depth_and_length_are_bounded() {
    let error = parse(&"(".repeat(9_999)).unwrap_err();
    assert_eq!(error.at, MAX_DEPTH + 1);
    assert_eq!(parse(&"(".repeat(100_000)).unwrap_err().at, MAX_CHARS + 1);
    assert_eq!(parse(&"非 ".repeat(4_000)).unwrap_err().at, 2 * MAX_DEPTH + 1);
    let nested = format!("{}水{}", "(".repeat(MAX_DEPTH), ")".repeat(MAX_DEPTH));
    assert_eq!(parse(&nested), Ok(term("水")));
}

#[test]
fn a_watch_topic_requires_a_term() {
    for text in ["", " ", "-演练", "非 (演练 或 测试)", "停水 OR -演练", "NOT (演练 AND 测试)"] {
        assert!(parse_watch(text).is_err(), "{text}");
    }
    for text in ["停水", "停水 -演练", "停水 OR 断水", "NOT (演练 OR NOT 停水)"] {
        assert!(parse_watch(text).is_ok(), "{text}");
    }
    for text in ["情感:负面", "类型:评论 -演练", "停水 或 情感:负面", "官方:是"] {
        assert!(parse_watch(text).unwrap_err().message.contains("name at least one word"), "{text}");
    }
    for text in ["情感:负面 街道:抚琴", "类别:供水", "停水 -官方:是 情感:负面", "来源:锦水论坛", "停水 ~5 抚琴"]
    {
        assert!(parse_watch(text).is_ok(), "{text}");
    }
    for (text, at) in
        [("停水 时间:今天", 4), ("停水 话题:water", 4), ("停水 -(抚琴 或 点赞:>5)", 11), ("停水 已删:是", 4)]
    {
        let error = parse_watch(text).unwrap_err();
        assert_eq!(error.at, at, "{text}");
        assert!(error.message.contains("watch topic") || error.message.contains("gone"), "{text}: {error}");
    }
    assert!(parse("-演练").is_ok(), "a search may only exclude");
}

#[test]
fn a_term_does_not_match_across_title_and_text() {
    let query = parse("停水").unwrap();
    let facts = Facts::default();
    assert!(!query.matches("今天停", "水没了", &facts));
    assert!(query.matches("停水", "", &facts) && query.matches("", "又停水", &facts));
    let matcher = Matcher::new([&query, &near("停", "水", 5)]).unwrap();
    assert!(matcher.matches("今天停", "水没了", &facts).is_empty());
}

#[test]
fn what_is_highlighted_leaves_out_what_is_forbidden() {
    assert_eq!(parse("停水 (小区 OR 街道) -演练 情感:负面").unwrap().terms(), ["停水", "小区", "街道"]);
    assert_eq!(parse("停水 ~5 抚琴").unwrap().terms(), ["停水", "抚琴"]);
}

#[test]
fn fields_have_chinese_and_english_names_and_values() {
    for (texts, wanted) in [
        (
            &["情感:负面", "情感：负面", "sentiment:negative", "Sentiment: 负", "情感:“负面”"][..],
            keyword("sentiment", "negative"),
        ),
        (&["类型:评论", "kind:comment", "类型：回复"], keyword("kind", "comment")),
        (&["来源:jinshui", "来源:锦水论坛", "source: 「锦水論壇」"], keyword("source", "jinshui")),
        (&["来源:Other-Forum"], keyword("source", "Other-Forum")),
        (&["来源:\"a b\""], keyword("source", "a b")),
        (&["话题:供水", "topic:water"], keyword("topic", "water")),
        (&["街道:撫琴", "place:抚琴", "地点：抚琴"], keyword("place", "抚琴")),
        (&["类别:供水", "category:供水"], keyword("category", "供水")),
        (&["单位:水务局", "unit:水務局"], keyword("unit", "水务局")),
    ] {
        for text in texts {
            assert_eq!(parse(text), Ok(wanted.clone()), "{text}");
        }
    }
    let either = Query::Or(vec![keyword("source", "hotline1"), keyword("source", "hotline2")]);
    assert_eq!(parse("来源:热线"), Ok(either));
    assert_eq!(parse("-情感:负面"), Ok(not(keyword("sentiment", "negative"))));
    for text in ["12:30", "通知:停水", "http://a.cn/b", "x来源:b", "\"来源:b\""] {
        assert!(matches!(parse(text), Ok(Query::Term(_))), "{text} is text");
    }
}

#[test]
fn numbers_times_and_flags() {
    let counts = |text: &str| match parse(text) {
        Ok(Query::Filter(Filter::Count { field, least, most })) => (field.name, least, most),
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(counts("点赞:>100"), ("likes", 101, u64::MAX));
    assert_eq!(counts("转发：≥１００"), ("reposts", 100, u64::MAX));
    assert_eq!(counts("评论:<5"), ("replies", 0, 4));
    assert_eq!(counts("replies:<=5"), ("replies", 0, 5));
    assert_eq!(counts("likes:10..50"), ("likes", 10, 50));
    assert_eq!(counts("赞:1万"), ("likes", 10_000, 10_000));
    for text in ["点赞:<0", "点赞:>18446744073709551615", "点赞:99999999999999999万", "点赞:-1", "点赞:1.5万"]
    {
        assert!(parse(text).is_err(), "{text}");
    }
    let day = ("2026-11-24T00:00:00+08:00".parse().ok(), "2026-11-25T00:00:00+08:00".parse().ok());
    assert_eq!(parse("停水 时间:今天").unwrap().published(), day);
    assert_eq!(parse("停水 或 时间:今天").unwrap().published(), (None, None));
    assert_eq!(parse("时间:>=2026-11-24 时间:<=2026-11-24").unwrap().published(), day);
    assert_eq!(parse("时间:2026-11-24 或 时间:2026").unwrap().published(), parse("时间:2026").unwrap().published());
    assert_eq!(parse("官方：是"), Ok(Query::Filter(Filter::Flag { field: &FLAGS[0], is: true })));
    assert_eq!(parse("gone:no"), Ok(Query::Filter(Filter::Flag { field: &FLAGS[1], is: false })));
}

#[test]
fn near_binds_the_words_beside_it() {
    assert_eq!(parse("停水 ~5 抚琴"), Ok(near("停水", "抚琴", 5)));
    assert_eq!(parse("停水 ～５ “抚 琴”"), Ok(near("停水", "抚 琴", 5)));
    assert_eq!(parse("-停水 ~0 抚琴"), Ok(not(near("停水", "抚琴", 0))));
    let chain = Query::And(vec![near("a", "b", 1), near("b", "c", 2)]);
    assert_eq!(parse("a ~1 b ~2 c"), Ok(chain));
    assert_eq!(parse("好~5分"), Ok(term("好~5分")), "within a word it is text");
    assert_eq!(parse("\"~5\""), Ok(term("~5")));
}

#[test]
fn a_query_is_printed_as_it_would_be_typed() {
    for (text, printed) in [
        ("停水 and (断水 OR 水压) not 演练", "停水 (断水 或 水压) -演练"),
        ("停水 OR 断水 水压 NOT (a 或 b)", "停水 或 断水 水压 -(a 或 b)"),
        ("SENTIMENT:negative likes:>100 place:'抚琴'", "情感:负面 点赞:>=101 街道:'抚琴'"),
        ("时间:今天", "时间:2026-11-23T16:00:00Z..2026-11-24T16:00:00Z"),
        ("“或” \"-a\" 「~5」 \"情感:x\"", "\"或\" \"-a\" \"~5\" \"情感:x\""),
        ("「a \"b\"」", "“a \"b\"”"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), printed);
    }
}

fn queries() -> impl Strategy<Value = Query> {
    let word = || "[abc]{1,3}";
    let leaf = prop_oneof![
        9 => word().prop_map(Query::Term),
        1 => Just(Query::All),
        2 => (word(), word(), 0_u32..4).prop_map(|(left, right, within)| Query::Near { left, right, within }),
        3 => (0..KEYWORDS.len(), "[abc]|negative|post").prop_map(|(field, value)| keyword(KEYWORDS[field].name, &value)),
        1 => (0_u64..3, 0_u64..3).prop_map(|(least, more)| {
            Query::Filter(Filter::Count { field: &super::field::COUNTS[0], least, most: least + more })
        }),
        1 => any::<bool>().prop_map(|is| Query::Filter(Filter::Flag { field: &FLAGS[0], is })),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Query::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Query::Or),
            inner.prop_map(|query| Query::Not(Box::new(query))),
        ]
    })
}

/// What a post may be, by a number.
fn facts(number: u8) -> Facts<'static> {
    let bit = |at: u8| number & (1 << at) != 0;
    Facts {
        source: if bit(0) { "a" } else { "b" },
        kind: bit(1).then_some(Kind::Post),
        sentiment: bit(2).then_some(Label::Negative),
        places: if bit(3) { vec!["a", "C"] } else { Vec::new() },
        units: if bit(4) { vec!["b"] } else { Vec::new() },
        category: [bit(5).then_some("a"), bit(6).then_some("b"), None],
        official: bit(7),
        counts: Counts { likes: u64::from(number % 3), ..Counts::default() },
        ..Facts::default()
    }
}

proptest! {
    #[test]
    fn the_matcher_agrees_with_each_query(
        queries in prop::collection::vec(queries(), 0..12), title in "[abcd]{0,6}", text in "[abcd]{0,12}", number in any::<u8>(),
    ) {
        let facts = facts(number);
        let wanted: Vec<usize> =
            (0..queries.len()).filter(|&number| queries[number].matches(&title, &text, &facts)).collect();
        prop_assert_eq!(Matcher::new(&queries).unwrap().matches(&title, &text, &facts), wanted);
    }

    #[test]
    fn what_is_narrow_never_matches_a_post_that_holds_nothing_of_it(query in queries(), number in any::<u8>()) {
        // All but what does not narrow: kind, sentiment, flags and counts.
        let facts = Facts { source: "d", places: vec![], units: vec![], category: [None; 3], ..facts(number) };
        prop_assert!(!(query.is_narrow() && query.matches("", "d", &facts)));
    }

    #[test]
    fn anything_parses_or_fails_within_its_bounds(text in TEXT) {
        for parsed in [parse(&text), parse_watch(&text)] {
            match parsed {
                Err(error) => prop_assert!(error.at >= 1 && error.at <= text.chars().count() + 1),
                Ok(query) => for term in query.terms() {
                    prop_assert_eq!(fold(term), term);
                }
            }
        }
    }

    #[test]
    fn what_is_printed_is_read_as_the_same_query(text in TEXT) {
        if let Ok(query) = parse(&text) {
            let printed = query.to_string();
            prop_assert_eq!(parse(&printed), Ok(query), "{}", printed);
        }
    }
}

/// Queries, nearly queries, and anything at all.
const TEXT: &str = "([ab()（）|&\"“”「」『』 :：~～-]| 或 | 非 | not | ~5 |停水|情感[:：]负面|来源:|街道:\"|时间:今天|点赞:>|\\PC){0,16}";

#[test]
fn a_source_is_hidden_unless_it_is_asked_for_by_name() {
    let hidden = |text: &str| parse(text).unwrap().hiding("wanglou-canary").to_string();
    let same = |text: &str| assert_eq!(hidden(text), parse(text).unwrap().to_string());
    let but = parse("-来源:wanglou-canary").unwrap().to_string();
    assert_eq!(hidden(""), but);
    for text in ["停水", "停水 缴费", "停水 OR 停电", "来源:forum"] {
        assert!(hidden(text).ends_with(&but), "{text}: {}", hidden(text));
    }
    same("来源:wanglou-canary");
    same("停水 来源:wanglou-canary");
    assert!(hidden("停水 -来源:wanglou-canary").contains(&but));
}
