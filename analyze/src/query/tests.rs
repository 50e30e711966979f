use super::*;
use crate::understand::fold;
use proptest::prelude::*;

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
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.message.contains(word), "{text}: {error}");
    }
    assert_eq!(parse("停水 AND").unwrap_err().to_string().split(':').next(), Some("at character 7"));
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
    assert!(parse("-演练").is_ok(), "a search may only exclude");
}

#[test]
fn a_term_does_not_match_across_title_and_text() {
    let query = parse("停水").unwrap();
    assert!(!query.matches("今天停", "水没了"));
    assert!(query.matches("停水", "") && query.matches("", "又停水"));
    let matcher = Matcher::new([&query]).unwrap();
    assert!(matcher.matches("今天停", "水没了").is_empty());
}

#[test]
fn what_is_highlighted_leaves_out_what_is_forbidden() {
    assert_eq!(parse("停水 (小区 OR 街道) -演练").unwrap().terms(), ["停水", "小区", "街道"]);
}

fn queries() -> impl Strategy<Value = Query> {
    let leaf = prop_oneof![9 => "[abc]{1,3}".prop_map(Query::Term), 1 => Just(Query::All)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Query::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Query::Or),
            inner.prop_map(|query| Query::Not(Box::new(query))),
        ]
    })
}

proptest! {
    #[test]
    fn the_matcher_agrees_with_each_query(
        queries in prop::collection::vec(queries(), 0..12), title in "[abcd]{0,6}", text in "[abcd]{0,12}",
    ) {
        let wanted: Vec<usize> =
            (0..queries.len()).filter(|&number| queries[number].matches(&title, &text)).collect();
        prop_assert_eq!(Matcher::new(&queries).unwrap().matches(&title, &text), wanted);
    }

    #[test]
    fn what_needs_a_term_never_matches_without(query in queries()) {
        prop_assert!(!(query.needs_a_term() && query.matches("", "d")));
    }

    #[test]
    fn anything_parses_or_fails_within_its_bounds(text in "[ab()（）|&\"“” -非或notNOT\\PC]{0,40}") {
        match parse(&text) {
            Err(error) => prop_assert!(error.at >= 1 && error.at <= text.chars().count() + 1),
            Ok(query) => for term in query.terms() {
                prop_assert_eq!(fold(term), term);
            }
        }
    }
}
