//! PINs: with what people sign from a group's link, where many see the same message. Hashed as passwords are ([`crate::password`]).
//!
//! | PIN | is |
//! |---|---|
//! | six ASCII digits, none of what follows | taken |
//! | anything else | no PIN |
//! | one digit throughout (000000), one up or down throughout (123456, 987654) | too easy |
//! | two or three digits again and again (121212, 123123), or each twice in a row (112233) | too easy |
//! | one of the numbers that everybody likes (520131, 201314) | too easy |

/// So many digits.
const DIGITS: usize = 6;
const LIKED: [&str; 6] = ["520131", "201314", "521314", "131421", "131452", "147258"];

/// What is wrong with a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// It is none.
    #[error("PIN 为六位数字 / a PIN has six digits")]
    Shape,
    /// It is among the first that anybody tries.
    #[error(
        "这个 PIN 太容易猜到 (如 000000、123456、121212), 请换一个 / this PIN is among the first that anybody tries: choose another"
    )]
    Weak,
}

/// Whether a text can be a PIN.
///
/// # Errors
/// What is wrong with it.
pub fn check(pin: &str) -> Result<(), PinError> {
    let digits = pin.as_bytes();
    if digits.len() != DIGITS || !digits.iter().all(u8::is_ascii_digit) {
        return Err(PinError::Shape);
    }
    let step = |pair: &[u8]| (10 + pair[1] - pair[0]) % 10;
    let is_run = digits.windows(2).all(|pair| step(pair) == 1) || digits.windows(2).all(|pair| step(pair) == 9);
    let is_repeated = [1, 2, 3].iter().any(|&length| digits.chunks(length).all(|chunk| *chunk == digits[..length]));
    let has_pairs = digits.chunks(2).all(|pair| pair[0] == pair[1]);
    let weak = is_run || is_repeated || has_pairs || LIKED.contains(&pin);
    if weak { Err(PinError::Weak) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The module's table, a row each.
    #[test]
    fn what_a_pin_is() {
        for good in ["480513", "907214", "111112", "123465", "002580"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for none in ["", "12345", "1234567", "12345a", " 48051", "４８０５１３", "48051\n", "-48051"] {
            assert_eq!(check(none), Err(PinError::Shape), "{none:?}");
        }
        let weak = [
            "000000", "999999", "123456", "012345", "567890", "987654", "543210", "121212", "123123", "520520",
            "112233", "001199", "520131", "201314",
        ];
        for weak in weak {
            assert_eq!(check(weak), Err(PinError::Weak), "{weak}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = check(&text);
        }

        /// What is refused is a handful: nearly every PIN that a person thinks of is taken.
        #[test]
        fn most_are_taken(pin in 0..1_000_000u32) {
            let distinct: std::collections::BTreeSet<char> = format!("{pin:06}").chars().collect();
            prop_assume!(distinct.len() == 4);
            prop_assert_eq!(check(&format!("{pin:06}")).err(), LIKED.contains(&format!("{pin:06}").as_str()).then_some(PinError::Weak));
        }
    }
}
