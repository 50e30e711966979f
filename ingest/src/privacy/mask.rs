//! Masks telephone and identity-card numbers in a text.
//!
//! A *run* is a stretch of digits (ASCII or full-width) with at most two separators between its groups. Within a run, what
//! begins and ends with a group is tried:
//!
//! | digits | grouping | becomes |
//! |---|---|---|
//! | identity card: 18, a date of birth in it, check digit right | any | all digits masked |
//! | mobile: 11, begin 13–19, after `86`, `+86`, `0086`, `0` or nothing | `11`, `3-4-4`, `3-8`, `7-4`, `4-4-3`, `4-3-4`, `3-3-5`, single digits | first three kept |
//! | landline: area code (3 or 4, begins 0) and 7 or 8, the first of them 2–9 | `code-7/8`, `code-4-4`, `code-3-4`, all in one | area code kept |
//!
//! Anything else stays: order numbers, dates, hotlines such as 12345 or 400 numbers. A masked digit becomes `*`, separators
//! stay, so that a reader still sees that a number stood there.

use std::borrow::Cow;

/// Fewer digits than this are no number that is masked (a landline with its area code has ten).
const LEAST_DIGITS: usize = 10;

#[derive(Debug, Clone, Copy)]
struct Digit {
    // 10 stands for the X that ends an identity card.
    value: u8,
    at: usize,
    len: usize,
}

/// A run's digits, and where its groups begin: `groups[i]..groups[i + 1]` are indices into `digits`.
#[derive(Debug, Default)]
struct Run {
    digits: Vec<Digit>,
    groups: Vec<usize>,
}

/// The text with its telephone and identity-card numbers masked.
#[must_use]
pub(crate) fn mask(text: &str) -> Cow<'_, str> {
    if !may_hold_a_number(text) {
        return Cow::Borrowed(text);
    }
    let mut hidden = Vec::new();
    let mut run = Run::default();
    let mut separators = 0;
    for (at, c) in text.char_indices() {
        if let Some(value) = digit(c) {
            if run.digits.is_empty() || separators > 0 {
                run.groups.push(run.digits.len());
            }
            separators = 0;
            run.digits.push(Digit { value, at, len: c.len_utf8() });
        } else if is_x(c) && separators == 0 && run.ends_like_a_card() {
            run.digits.push(Digit { value: 10, at, len: c.len_utf8() });
            // It ends the card: digits glued to it are another group.
            separators = 1;
        } else if is_invisible(c) {
            // Put between digits to fool filters.
        } else if is_separator(c) && separators < 2 && !run.digits.is_empty() {
            separators += 1;
        } else {
            run.finish(&mut hidden);
            separators = 0;
        }
    }
    run.finish(&mut hidden);
    if hidden.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut masked = String::with_capacity(text.len());
    let mut from = 0;
    for digit in hidden {
        masked.push_str(&text[from..digit.at]);
        masked.push('*');
        from = digit.at + digit.len;
    }
    masked.push_str(&text[from..]);
    Cow::Owned(masked)
}

/// A quick look at the bytes: most posts hold no long number at all.
fn may_hold_a_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ascii = bytes.iter().filter(|byte| byte.is_ascii_digit()).count();
    // Full-width digits are EF BC 90 to EF BC 99.
    let wide = bytes.iter().filter(|&&byte| byte == 0xbc).count();
    ascii + wide >= LEAST_DIGITS
}

fn digit(c: char) -> Option<u8> {
    match c {
        '0'..='9' => Some(c as u8 - b'0'),
        '０'..='９' => Some((c as u32 - '０' as u32) as u8),
        _ => None,
    }
}

fn is_x(c: char) -> bool {
    matches!(c, 'x' | 'X' | 'ｘ' | 'Ｘ')
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

fn is_separator(c: char) -> bool {
    matches!(
        c,
        ' ' | '\u{a0}'
            | '\u{3000}'
            | '\t'
            | '-'
            | '－'
            | '—'
            | '–'
            | '‐'
            | '‑'
            | '−'
            | '_'
            | '.'
            | '·'
            | '('
            | ')'
            | '（'
            | '）'
            | '/'
    )
}

impl Run {
    /// Whether the digits so far end in seventeen that could lead an identity card.
    fn ends_like_a_card(&self) -> bool {
        self.digits.len() >= 17
    }

    /// Adds the digits to hide to `hidden`, and begins anew.
    fn finish(&mut self, hidden: &mut Vec<Digit>) {
        if self.digits.len() >= LEAST_DIGITS {
            let mut group = 0;
            while group < self.groups.len() {
                match self.number_at(group) {
                    Some((kept, end, next_group)) => {
                        hidden.extend_from_slice(&self.digits[self.groups[group] + kept..end]);
                        group = next_group;
                    }
                    None => group += 1,
                }
            }
        }
        self.digits.clear();
        self.groups.clear();
    }

    /// The number that begins with a group: how many of its digits are kept, where its digits end, and the group after it.
    fn number_at(&self, first: usize) -> Option<(usize, usize, usize)> {
        let begin = self.groups[first];
        let mut sizes: Vec<usize> = Vec::new();
        // The longest first, so that a card is not mistaken for a landline.
        let mut found = None;
        for last in first..self.groups.len() {
            let end = self.groups.get(last + 1).copied().unwrap_or(self.digits.len());
            if end - begin > 18 {
                break;
            }
            sizes.push(end - self.groups[last]);
            let digits = &self.digits[begin..end];
            let kept =
                if is_card(digits) { Some(0) } else { mobile(digits, &sizes).or_else(|| landline(digits, &sizes)) };
            if let Some(kept) = kept {
                found = Some((kept, end, last + 1));
            }
        }
        found
    }
}

/// How many digits of a mobile number are kept, if it is one.
fn mobile(digits: &[Digit], sizes: &[usize]) -> Option<usize> {
    let values = |range: std::ops::Range<usize>| digits[range].iter().map(|digit| digit.value);
    let prefix = digits.len().checked_sub(11)?;
    let is_prefix = match prefix {
        0 => true,
        1 => values(0..1).eq([0]),
        2 => values(0..2).eq([8, 6]),
        4 => values(0..4).eq([0, 0, 8, 6]),
        _ => false,
    };
    let number = &digits[prefix..];
    if !is_prefix || number[0].value != 1 || number[1].value < 3 || number.iter().any(|digit| digit.value > 9) {
        return None;
    }
    // The prefix stands for itself or is glued to the first group.
    let mut sizes = sizes.to_vec();
    if prefix > 0 {
        match sizes[0].checked_sub(prefix)? {
            0 => drop(sizes.remove(0)),
            rest => sizes[0] = rest,
        }
    }
    let known: [&[usize]; 7] = [&[11], &[3, 4, 4], &[3, 8], &[7, 4], &[4, 4, 3], &[4, 3, 4], &[3, 3, 5]];
    (known.contains(&sizes.as_slice()) || sizes == [1; 11]).then_some(prefix + 3)
}

/// How many digits of a landline number are kept, if it is one.
fn landline(digits: &[Digit], sizes: &[usize]) -> Option<usize> {
    let (first, second) = (digits.first()?.value, digits.get(1)?.value);
    if first != 0 || second == 0 || digits.iter().any(|digit| digit.value > 9) {
        return None;
    }
    // 010 and 02x are three digits long and have numbers of eight; the others four, with seven or eight.
    let code = if second <= 2 { 3 } else { 4 };
    let rest = digits.len().checked_sub(code)?;
    if !(rest == 8 || (rest == 7 && code == 4)) || digits[code].value < 2 {
        return None;
    }
    let written = match sizes {
        [_] => true,
        [area, number @ ..] => *area == code && matches!(number, [7 | 8] | [4, 4] | [3, 4]),
        [] => false,
    };
    written.then_some(code)
}

/// GB 11643: region, date of birth, sequence, and a check digit by ISO 7064 MOD 11-2.
fn is_card(digits: &[Digit]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    if digits.len() != 18 || digits[..17].iter().any(|digit| digit.value > 9) {
        return false;
    }
    let number = |from: usize, to: usize| digits[from..to].iter().fold(0, |n, digit| n * 10 + u32::from(digit.value));
    let born = (1900..=2099).contains(&number(6, 10))
        && (1..=12).contains(&number(10, 12))
        && (1..=31).contains(&number(12, 14));
    let sum: u32 = digits.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit.value) * weight).sum();
    born && digits[0].value > 0 && (12 - sum % 11) % 11 == u32::from(digits[17].value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn telephones_are_masked_however_they_are_written() {
        for (written, masked) in [
            ("电话13812345678。", "电话138********。"),
            ("138-1234-5678", "138-****-****"),
            ("138 1234 5678", "138 **** ****"),
            ("138 12345678", "138 ********"),
            ("1381234 5678", "138**** ****"),
            ("+86 138 1234 5678", "+86 138 **** ****"),
            ("8613812345678", "86138********"),
            ("0086-13812345678", "0086-138********"),
            ("１３８１２３４５６７８", "１３８********"),
            ("1\u{200b}3812345678", "1\u{200b}38********"),
            ("1 3 8 1 2 3 4 5 6 7 8", "1 3 8 * * * * * * * *"),
            ("2026-11-24 13812345678", "2026-11-24 138********"),
            ("13812345678 13987654321", "138******** 139********"),
            ("13812345678/13987654321", "138********/139********"),
            ("028-87654321", "028-********"),
            ("（028）8765 4321", "（028）**** ****"),
            ("02887654321", "028********"),
            ("0838-2345678转8001", "0838-*******转8001"),
            ("010 66778899", "010 ********"),
        ] {
            assert_eq!(mask(written), masked, "{written}");
        }
    }

    #[test]
    fn identity_cards_are_masked_when_the_check_digit_is_right() {
        assert_eq!(mask("身份证11010519491231002X,"), "身份证******************,");
        assert_eq!(mask("11010519491231002x"), "******************");
        assert_eq!(mask("110105 19491231 002Ｘ"), "****** ******** ****");
        assert_eq!(mask("110105194912310021"), "110105194912310021");
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "拨打12345或12328",
            "400-820-8820",
            "订单20261124130512345678901",
            "2026-11-24 10:05:30",
            "2026年11月24日 2026-11-23",
            "价格 1380000 元, 共 25 万 6000",
            "028-12345",
            "QQ群 987654321",
            "12812345678",
            "138123456789",
            "",
        ] {
            assert_eq!(mask(text), text);
        }
    }

    /// An identity-card number with the right check digit.
    fn card(head: u64, year: u32, month: u32, day: u32, sequence: u32) -> String {
        let first = format!("{head:06}{year:04}{month:02}{day:02}{sequence:03}");
        let weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
        let sum: u32 = first.bytes().zip(weights).map(|(digit, weight)| u32::from(digit - b'0') * weight).sum();
        let check = "10X98765432".as_bytes()[(sum % 11) as usize];
        format!("{first}{}", char::from(check))
    }

    proptest! {
        #[test]
        fn every_mobile_is_masked(
            before in "[一-龥，。：]{0,8}", second in 3u8..=9, rest in "[0-9]{9}", after in "[一-龥，。]{0,8}",
            separator in prop::sample::select(vec!["", "-", " ", "－", "\u{3000}", "."]),
        ) {
            let number = format!("1{second}{rest}");
            let written = format!("{}{separator}{}{separator}{}", &number[..3], &number[3..7], &number[7..]);
            let masked = mask(&format!("{before}{written}{after}")).into_owned();
            prop_assert!(!masked.contains(&written));
            prop_assert!(masked.starts_with(&before) && masked.ends_with(&after));
            prop_assert_eq!(masked.matches('*').count(), 8);
        }

        #[test]
        fn every_card_is_masked(head in 110_000u64..660_000, year in 1900u32..2030, month in 1u32..=12, day in 1u32..=31, sequence in 0u32..1000) {
            let number = card(head, year, month, day, sequence);
            let masked = mask(&format!("号{number}号")).into_owned();
            prop_assert_eq!(masked, format!("号{}号", "*".repeat(18)));
        }

        /// Nothing but digits (and the X of a card) is ever changed, and masking twice changes nothing more.
        #[test]
        fn only_digits_change(text in "[0-9０-９xX \\-()一-龥\u{200b}+.]{0,60}") {
            let masked = mask(&text).into_owned();
            prop_assert_eq!(masked.chars().count(), text.chars().count());
            for (before, after) in text.chars().zip(masked.chars()) {
                prop_assert!(before == after || (after == '*' && (digit(before).is_some() || is_x(before))));
            }
            let twice = mask(&masked).into_owned();
            prop_assert_eq!(&twice, &masked);
        }

        #[test]
        fn it_never_panics(text in any::<String>()) {
            let _ = mask(&text);
        }
    }
}
