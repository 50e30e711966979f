//! What stands around JSON so that a browser does not run it, or so that it does: `)]}'`, `while(1);`, `callback(…);`.

/// The JSON within.
pub(super) fn unwrapped(text: &str) -> &str {
    let mut text = text.trim_start_matches('\u{feff}').trim();
    for guard in [")]}',", ")]}'", "while(1);", "while (1);", "for(;;);", "for (;;);", "{}&&", "/**/"] {
        text = text.strip_prefix(guard).unwrap_or(text).trim_start();
    }
    called(text).unwrap_or(text)
}

/// The argument of a call that is all there is (JSONP).
fn called(text: &str) -> Option<&str> {
    let (name, rest) = text.split_once('(')?;
    let name = name.trim_end();
    let is_name = !name.is_empty()
        && name.len() <= 200
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.' | '[' | ']'));
    is_name.then(|| rest.trim_end().trim_end_matches(';').trim_end().strip_suffix(')').map(str::trim))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_around_json_is_taken_off() {
        for wrapped in [
            "[1]",
            "\u{feff} [1] ",
            ")]}',\n[1]",
            "while(1);[1]",
            "for (;;); [1]",
            "cb([1]);",
            "/**/jQuery.cb_1 ( [1] ) ;",
            "window.x[0]([1])",
        ] {
            assert_eq!(unwrapped(wrapped), "[1]", "{wrapped}");
        }
    }

    #[test]
    fn what_is_no_wrapping_stays() {
        for text in ["", "[1", "{\"a\": \"b(c)\"}", "<html>(x)", "\"f(1)\"", "cb([1]"] {
            assert_eq!(unwrapped(text), text);
        }
    }
}
