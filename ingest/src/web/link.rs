//! The header `Link` (RFC 8288): `<https://town.example/posts?page=2>; rel="next", <…>; rel="prev"`.

/// The address of the next page.
pub(super) fn next(header: &str) -> Option<&str> {
    let mut rest = header;
    // Commas and semicolons may stand in an address: it is cut out first.
    while let Some((_, after)) = rest.split_once('<') {
        let (address, after) = after.split_once('>')?;
        let (parameters, others) =
            after.split_once('<').map_or((after, ""), |(parameters, _)| (parameters, &after[parameters.len()..]));
        if parameters.split([';', ',']).any(is_next) {
            return Some(address.trim());
        }
        rest = others;
    }
    None
}

fn is_next(parameter: &str) -> bool {
    let Some((name, value)) = parameter.split_once('=') else { return false };
    name.trim().eq_ignore_ascii_case("rel")
        && value.trim().trim_matches('"').split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_next_page_among_others() {
        for (header, expected) in [
            (
                "<https://a.example/?p=1>; rel=\"prev\", <https://a.example/?p=3,4;5>; rel=\"next\"",
                Some("https://a.example/?p=3,4;5"),
            ),
            ("</x>; title=\"a, b\"; rel=next", Some("/x")),
            ("</x>;REL=\"last Next\"", Some("/x")),
            ("</x>; rel=prev", None),
            ("</x>; rel=prev, </y>", None),
            ("<x; rel=next", None),
            ("", None),
        ] {
            assert_eq!(next(header), expected, "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(header in "[<>;,= a-z\"é]{0,60}") {
            let _ = next(&header);
        }
    }
}
