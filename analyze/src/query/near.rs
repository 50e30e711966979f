//! Two terms beside each other: at most so many characters between them, in either order, not overlapping.

/// Whether both terms stand so near each other in a text.
#[must_use]
pub(crate) fn near(text: &str, left: &str, right: &str, within: u32) -> bool {
    let lefts = places(text, left);
    if lefts.is_empty() {
        return false;
    }
    let length = |term: &str| u32::try_from(term.chars().count()).unwrap_or(u32::MAX);
    any_near(&lefts, length(left), &places(text, right), length(right), within)
}

/// Whether one of the rising places in `lefts` is near one of those in `rights`. All in characters.
#[must_use]
pub(crate) fn any_near(lefts: &[u32], left_length: u32, rights: &[u32], right_length: u32, within: u32) -> bool {
    lefts.iter().any(|&left| {
        let end = left.saturating_add(left_length);
        let behind = rights.get(rights.partition_point(|&right| right < end));
        let before = rights[..rights.partition_point(|&right| right.saturating_add(right_length) <= left)].last();
        behind.is_some_and(|&right| right - end <= within)
            || before.is_some_and(|&right| left - right.saturating_add(right_length) <= within)
    })
}

/// Where a term begins, in characters; overlapping ones too.
fn places(text: &str, term: &str) -> Vec<u32> {
    let mut places = Vec::new();
    let step = term.chars().next().map_or(1, char::len_utf8);
    let (mut from, mut characters) = (0, 0);
    while let Some(at) = text.get(from..).and_then(|rest| rest.find(term)) {
        characters += text[from..from + at].chars().count() as u32;
        places.push(characters);
        from += at + step;
        characters += 1;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn in_either_order_not_overlapping_and_no_farther() {
        for (text, left, right, within, expected) in [
            ("抚琴停水", "停水", "抚琴", 0, true),
            ("停水的是抚琴", "停水", "抚琴", 1, false),
            ("停水的是抚琴", "停水", "抚琴", 2, true),
            ("停水管", "停水", "水管", 5, false),
            ("停水", "停水", "停水", 5, false),
            ("停水停水", "停水", "停水", 0, true),
            ("抚琴一二三停水一抚琴", "停水", "抚琴", 1, true),
            ("停水", "停水", "抚琴", 5, false),
        ] {
            assert_eq!(near(text, left, right, within), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_is_what_trying_all_pairs_says(
            text in "[aé停]{0,24}", left in "[aé停]{1,3}", right in "[aé停]{1,3}", within in 0_u32..6,
        ) {
            let characters: Vec<char> = text.chars().collect();
            let begins = |term: &str| -> Vec<usize> {
                let term: Vec<char> = term.chars().collect();
                (0..characters.len()).filter(|&at| characters[at..].starts_with(&term)).collect()
            };
            let (l, r) = (left.chars().count(), right.chars().count());
            let expected = begins(&left).iter().any(|&a| begins(&right).iter().any(|&b| {
                (b >= a + l && b - (a + l) <= within as usize) || (a >= b + r && a - (b + r) <= within as usize)
            }));
            prop_assert_eq!(near(&text, &left, &right, within), expected);
        }
    }
}
