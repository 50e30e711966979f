//! The text as it is searched and matched: half and full width, case, traditional and simplified characters, and every
//! kind of white space are made one.
//!
//! | character | becomes |
//! |---|---|
//! | `Ａ`, `①`, `⽔` (a form of another character) | `a`, `1`, `水` |
//! | `A`, `É` (upper case) | `a`, `é` |
//! | `體` (traditional, or a variant) | `体` |
//! | tab, line break, zero-width space, control character | a space |
//! | anything else, and whatever would become two characters | itself |
//!
//! Exactly one character stands for each, so that a place in the folded text is a place in the original; and it depends
//! on nothing but itself, so that a term folds as it does within any text. The price is that 乾隆 is folded to 干隆 like
//! 乾淨 to 干净: fine for finding, and what is shown is always the original.

use std::sync::LazyLock;
use unicode_normalization::char::decompose_compatible;

/// Folds a text, character by character.
#[must_use]
pub fn fold(text: &str) -> String {
    let table = &*TABLE;
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        folded.push(table.get(c as usize).copied().unwrap_or_else(|| fold_char(c)));
    }
    folded
}

/// What each character of the basic plane is folded to; surrogates are no characters and never asked for.
static TABLE: LazyLock<Box<[char]>> =
    LazyLock::new(|| (0..=0xffff).map(|code| char::from_u32(code).map_or('\0', fold_char)).collect());

/// Folds one character, until nothing changes any more: one step may open the way for the next (`Ａ`, `A`, `a`).
fn fold_char(c: char) -> char {
    let mut folded = c;
    for _ in 0..4 {
        let next = simplified(lower(plain_form(spaced(folded))));
        if next == folded {
            break;
        }
        folded = next;
    }
    folded
}

fn spaced(c: char) -> char {
    // Zero-width joiners stay: they hold emoji together.
    let blank = c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{ad}');
    if blank { ' ' } else { c }
}

/// The character of which `c` is a form (Unicode's compatibility decomposition), where it is one character.
fn plain_form(c: char) -> char {
    let (mut count, mut last) = (0, c);
    // Taken apart canonically, é would lose its accent; what counts is whether one character comes out.
    decompose_compatible(c, |part| {
        count += 1;
        last = part;
    });
    if count == 1 { last } else { c }
}

fn lower(c: char) -> char {
    let mut lower = c.to_lowercase();
    if lower.len() == 1 { lower.next().unwrap_or(c) } else { c }
}

fn simplified(c: char) -> char {
    if c < '\u{3400}' || KEPT.contains(&c) {
        return c;
    }
    if let Some(&(_, to)) = AMENDED.iter().find(|&&(from, _)| from == c) {
        return to;
    }
    let mut buffer = [0; 4];
    let mut converted = fast2s::convert(c.encode_utf8(&mut buffer)).chars().collect::<Vec<_>>();
    if converted.len() == 1 { converted.remove(0) } else { c }
}

/// Characters of the simplified standard that fast2s takes for variants of others: 捍卫, 彷徨, 呵呵 must stay.
const KEPT: [char; 14] = ['磐', '仝', '祗', '黏', '阪', '薰', '吒', '捍', '煅', '煆', '呵', '呱', '彷', '疋'];

/// Where fast2s knows nothing, or another simplified character than the usual one.
#[rustfmt::skip]
const AMENDED: [(char, char); 28] = [
    ('瀋', '沈'), ('疊', '叠'), ('諮', '咨'), ('嶠', '峤'), ('逕', '径'), ('嚐', '尝'), ('羣', '群'), ('峯', '峰'),
    ('眞', '真'), ('敎', '教'), ('鎭', '镇'), ('糉', '粽'), ('睏', '困'), ('譭', '毁'), ('囌', '苏'), ('懞', '蒙'),
    ('闇', '暗'), ('遡', '溯'), ('妳', '你'), ('牠', '它'), ('凈', '净'), ('査', '查'), ('彆', '别'), ('畵', '画'),
    ('卽', '即'), ('旣', '既'), ('枴', '拐'), ('祇', '只'),
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_of_a_character_are_made_one() {
        for (text, folded) in [
            ("ＡｂＣ１２３，！", "abc123,!"),
            ("停水　了\r\n\t\u{200b}\0", "停水 了     "),
            ("自來水公司停電後臺灣", "自来水公司停电后台湾"),
            ("乾淨 頭髮 發生 瀋陽 羣眾", "干净 头发 发生 沈阳 群众"),
            ("著名 捍卫 彷徨 呵呵 黏 慰藉 答覆", "著名 捍卫 彷徨 呵呵 黏 慰藉 答覆"),
            ("①⽔ ÉCOLE İ ß ㎡ ﷺ", "1水 école İ ß ㎡ ﷺ"),
            ("👨‍👩‍👧[泪]😭", "👨‍👩‍👧[泪]😭"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn simplified_text_is_left_alone() {
        // The characters of GB 2312's first level that matter most: no everyday one may change.
        let everyday = "的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动同工也能下过子说产种\
            面而方后多定行学法所民得经十三之进着等部度家电力里如水化高自二理起小物现实加量都两体制机当使点从业本去把性好应开它合还因由\
            其些然前外天政四日那社义事平形相全表间样与关各重新线内数正心反你明看原又么利比或但质气第向道命此变条只没结解问意建月公无系\
            军很情者最立代想已通并提直题党程展五果料象员革位入常文总次品式活设及管特件长求老头基资边流路级少图山统接知较将组见计别她手\
            角期根论运农指几九区强放决西被干做必战先回则任取据处队南给色光门即保治北造百规热领七海口东导器压志世金增争济阶油思术极交受\
            联什认六共权收证改清己美再采转更单风切打白教速花带安场身车例真务具万每目至达走积示议声报斗完类八离华名确才科张信马节话米整空\
            元况今集温传土许步群广石记需段研界拉林律叫且究观越织装影算低持音众书布复容儿须际商非验连断深难近矿千周委素技备半办青省列习响约支般史感劳便团往酸历市克何除消构府称太准精值号率族维划选标写存候毛亲快效斯院查江型眼王按格养易置派层片始却专状育厂京识适属圆包火住调满县局照参红细引听该铁价严";
        assert_eq!(fold(everyday), everyday.replace(char::is_whitespace, " "));
    }

    #[test]
    fn every_character_of_the_basic_plane_is_folded_once_and_for_all() {
        for c in (0..=u32::from(u16::MAX)).filter_map(char::from_u32) {
            let folded = fold_char(c);
            assert_eq!(fold_char(folded), folded, "{c:?}");
            assert_eq!(fold(&c.to_string()), folded.to_string(), "{c:?}");
        }
    }

    proptest! {
        #[test]
        fn one_character_for_each_and_idempotent(text in any::<String>()) {
            let folded = fold(&text);
            prop_assert_eq!(folded.chars().count(), text.chars().count());
            prop_assert_eq!(&fold(&folded), &folded);
        }

        #[test]
        fn a_text_is_folded_piece_by_piece(one in any::<String>(), other in any::<String>()) {
            prop_assert_eq!(fold(&(one.clone() + &other)), fold(&one) + &fold(&other));
        }
    }
}
