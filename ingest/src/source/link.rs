//! Links of pages as addresses that stay the same: what a site adds for the session or the way somebody came is taken out, since
//! an address names a thread for ever.

use std::borrow::Cow;
use url::Url;

/// Longer addresses are no links.
const MAX_BYTES: usize = 4 << 10;
/// Query parameters that hold a session, whatever they hold.
const SESSIONS: [&str; 4] = ["phpsessid", "jsessionid", "aspsessionid", "sessionid"];

/// A link of a page as an address: http or https, without a fragment.
pub(crate) fn address(base: &Url, link: &str) -> Option<Url> {
    let mut url = base.join(link.trim()).ok()?;
    url.set_fragment(None);
    (matches!(url.scheme(), "http" | "https") && url.has_host() && url.as_str().len() <= MAX_BYTES).then_some(url)
}

/// The address without the parameters of `strip`, and without those of a session.
pub(crate) fn stable(mut url: Url, strip: &[String]) -> Url {
    if let Some(at) = url.path().to_ascii_lowercase().find(";jsessionid=") {
        let path = url.path()[..at].to_owned();
        url.set_path(&path);
    }
    let Some(query) = url.query() else { return url };
    let is_out = |pair: &str| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        strip.iter().any(|strip| strip == name) || is_session(name, value)
    };
    // Pair by pair as they are written: encoding them anew would change addresses that are fine.
    let kept: Vec<&str> = query.split('&').filter(|pair| !is_out(pair)).collect();
    let kept: Cow<'_, str> = kept.join("&").into();
    if kept.len() != query.len() {
        let kept = kept.into_owned();
        url.set_query((!kept.is_empty()).then_some(&kept));
    }
    url
}

/// `sid` may be anything's number; phpBB's and Discuz!'s session is longer than any.
fn is_session(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SESSIONS.contains(&name.as_str())
        || (matches!(name.as_str(), "sid" | "s")
            && value.len() == 32
            && value.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_a_session_adds_is_taken_out() {
        let strip = ["extra".to_owned()];
        for (link, expected) in [
            (
                "./viewtopic.php?f=2&t=12&sid=0123456789abcdef0123456789abcdef#p9",
                "https://f.example/b/viewtopic.php?f=2&t=12",
            ),
            ("viewtopic.php?sid=0123456789abcdef0123456789abcdef", "https://f.example/b/viewtopic.php"),
            ("viewtopic.php?sid=12&t=1", "https://f.example/b/viewtopic.php?sid=12&t=1"),
            ("forum.php?mod=viewthread&tid=12&extra=page%3D1", "https://f.example/b/forum.php?mod=viewthread&tid=12"),
            ("/t.jsp;jsessionid=AB12?t=1&PHPSESSID=x", "https://f.example/t.jsp?t=1"),
            ("/t?q=%E6%B0%B4+x&&b", "https://f.example/t?q=%E6%B0%B4+x&&b"),
        ] {
            let base = Url::parse("https://f.example/b/").unwrap();
            assert_eq!(stable(address(&base, link).unwrap(), &strip).as_str(), expected, "{link}");
        }
    }

    proptest! {
        #[test]
        fn no_link_makes_it_panic_and_what_is_stable_stays(link in any::<String>(), query in "[a-zA-Z0-9=&;%+]{0,60}") {
            let base = Url::parse("https://f.example/b/").unwrap();
            let strip = ["a".to_owned()];
            for link in [link, format!("/x;jsessionid=1?{query}")] {
                let Some(url) = address(&base, &link) else { continue };
                let once = stable(url, &strip);
                prop_assert_eq!(stable(once.clone(), &strip), once);
            }
        }
    }
}
