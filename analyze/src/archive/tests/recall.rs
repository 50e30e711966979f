//! The archive against a search of the texts themselves: what a post holds finds it, and nothing else does.

use super::*;
use crate::query::{self, Context};
use std::path::PathBuf;

const POSTS: usize = 2_000;
const SUBSTRINGS: usize = 500;

/// Numbers that are the same each time (SplitMix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % end.max(1) as u64) as usize
    }
}

/// Texts of people, where the shared data lies beside the repository.
#[allow(clippy::print_stderr)] // whoever runs it should know
fn real() -> Vec<String> {
    let beside = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data"));
    let folder = std::env::var_os("WANGLOU_SHARED_DATA").map_or_else(beside, PathBuf::from);
    let Ok(lines) = std::fs::read_to_string(folder.join("messages/messages_with_replies.jsonl")) else {
        eprintln!("no shared data: texts are made up alone");
        return Vec::new();
    };
    let text = |line: &str| Some(serde_json::from_str::<serde_json::Value>(line).ok()?["text"].as_str()?.to_owned());
    lines.lines().filter_map(text).collect()
}

/// Any characters: of scripts that are folded, of several code units, and those that mean something in a query.
fn made_up(dice: &mut Dice) -> String {
    const CHARACTERS: &[char] = &[
        '停', '水', '電', '电', '體', '乾', '，', '。', ' ', '　', '\n', 'Ａ', 'a', 'É', 'ß', '１', '①', '🚰', '👨',
        '\u{200d}', '"', '“', '”', '「', '(', '）', '-', '~', ':', '：', '&', '|', '或', '非', '\0', '\u{301}',
        '\u{202e}', '㎡', 'ﷺ',
    ];
    let length = 1 + dice.below(60);
    let any = |dice: &mut Dice| match dice.below(4) {
        0 => char::from_u32(dice.below(0x11_0000) as u32).unwrap_or('水'),
        1 => char::from_u32(0x4e00 + dice.below(0x5000) as u32).unwrap_or('水'),
        _ => CHARACTERS[dice.below(CHARACTERS.len())],
    };
    (0..length).map(|_| any(dice)).collect()
}

/// The text in quotes that it does not hold itself, if there are any.
fn quoted(text: &str) -> Option<String> {
    let pairs = [('"', '"'), ('“', '”'), ('「', '」'), ('『', '』')];
    let folded = fold(text);
    let (open, close) = pairs.into_iter().find(|(_, close)| !folded.contains(*close))?;
    (!folded.trim().is_empty()).then(|| format!("{open}{text}{close}"))
}

#[test]
fn every_substring_finds_exactly_the_posts_that_hold_it() {
    let (mut dice, real) = (Dice(20_261_124), real());
    let mut fixture = Fixture::new();
    let mut texts = Vec::new();
    for n in 0..POSTS {
        let text = match dice.below(3) {
            0 => made_up(&mut dice),
            _ => real.get(dice.below(real.len())).cloned().unwrap_or_else(|| made_up(&mut dice)),
        };
        let at = format!("2026-{:02}-{:02}T08:00:00Z", 7 + n % 5, 1 + n % 28);
        fixture.take_folded(&told((n % 2) as u32, n as u64 / 2, &n.to_string(), &text, &at));
        texts.push(text);
        // Many small segments, so that some are merged and others are not.
        if n % 97 == 0 {
            fixture.writer.commit().unwrap();
        }
    }
    // Every tenth is revised: the old text must not find it any more.
    for n in (0..POSTS).step_by(10) {
        let text = made_up(&mut dice);
        let offset = (POSTS / 2 + n) as u64;
        fixture.take_folded(&told(0, offset, &n.to_string(), &text, NOVEMBER));
        texts[n] = text;
    }
    fixture.writer.commit().unwrap();
    let folded: Vec<String> = texts.iter().map(|text| fold(text)).collect();
    let mut asked = 0;
    while asked < SUBSTRINGS {
        let characters: Vec<char> = texts[dice.below(POSTS)].chars().collect();
        let length = (2 + dice.below(7)).min(characters.len());
        let from = dice.below(characters.len() - length + 1);
        let substring: String = characters[from..from + length].iter().collect();
        let Some(phrase) = quoted(&substring) else { continue };
        asked += 1;
        let query = query::parse(&phrase, &Context::default()).unwrap();
        let mut found = Vec::new();
        let take = |post: AnalyzedPost, _| -> Result<(), SearchError> {
            found.push(post.id.strip_prefix("forum:").unwrap().parse::<usize>().unwrap());
            Ok(())
        };
        let deadline = Instant::now() + Duration::from_secs(600);
        let next = fixture.archive.take_from(&Search::new(query), POSTS, deadline, take).unwrap();
        assert_eq!(next, None);
        found.sort_unstable();
        let wanted = fold(&substring);
        let expected: Vec<usize> = (0..POSTS).filter(|&n| folded[n].contains(&wanted)).collect();
        assert!(!expected.is_empty());
        assert_eq!(found, expected, "{substring:?}");
    }
}
