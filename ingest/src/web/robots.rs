//! robots.txt, by RFC 9309.
//!
//! | answer for robots.txt | what may be fetched |
//! |---|---|
//! | 2xx | what the rules of our group allow: the longest pattern wins, of two equally long ones `Allow` |
//! | 4xx but 429, more than five redirects | everything |
//! | 429, 5xx, none, and rules were read within thirty days | what these allow |
//! | 429, 5xx, none | nothing, until it answers |
//!
//! Our group is the one that names our product token, else `*`; groups of the same name count as one. `*` in a pattern is
//! any text, `$` at its end the end of the address. What is read is kept for a day, as the RFC says; after a failure it is
//! asked again in some seconds: visits to a site that fails come later and later by themselves.
//!
//! Where the RFC leaves a choice: 429 counts as unreachable, for a site that is asked too often has not said that all is
//! allowed. A site whose robots.txt cannot be read for thirty days is still not crawled; its visits fail with that reason, and a person
//! decides. `Crawl-delay` is no part of the RFC, but it is what a site asks for; like any other record it ends no group.

use memchr::memmem;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use url::Url;

/// Our name in robots.txt.
pub(crate) const PRODUCT_TOKEN: &str = "wanglou";
/// How much of a robots.txt is read. The RFC wants at least 500 KiB.
pub(crate) const MAX_BYTES: usize = 512 << 10;
/// How long the rules are kept.
pub(crate) const KEPT: Duration = Duration::from_secs(24 * 3600);
/// How long it is believed that robots.txt cannot be read.
pub(crate) const FAILURE_KEPT: Duration = Duration::from_secs(10);
/// How long rules outlive a robots.txt that cannot be read.
const OUTLIVES: Duration = Duration::from_secs(30 * 24 * 3600);
/// A delay beyond this would silence a source.
const MAX_DELAY: Duration = Duration::from_secs(3600);

/// What a site allows us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Robots {
    /// By rules.
    Rules(Rules),
    /// Everything: there is no robots.txt.
    Everything,
    /// Nothing: robots.txt cannot be read, for this reason.
    Nothing(String),
}

/// The rules of our group: their patterns one behind the other, where each ends, and whether it allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    patterns: String,
    ends: Vec<(u32, bool)>,
    delay: Option<Duration>,
}

/// What is known of a site's robots.txt, and until when.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) robots: Arc<Robots>,
    read_at: Instant,
    pub(crate) until: Instant,
}

impl Known {
    /// What is known after an answer. One that says nothing leaves what was read before in force for a while.
    pub(crate) fn after(before: Option<&Self>, answer: Robots, now: Instant) -> Self {
        match (before, answer) {
            (Some(before), Robots::Nothing(_))
                if !matches!(*before.robots, Robots::Nothing(_)) && now - before.read_at < OUTLIVES =>
            {
                Self { until: now + FAILURE_KEPT, ..before.clone() }
            }
            (_, answer) => Self { read_at: now, until: now + answer.kept(), robots: Arc::new(answer) },
        }
    }
}

impl Robots {
    /// What an answer for robots.txt means.
    pub(crate) fn from_answer(status: u16, body: &[u8]) -> Self {
        match status {
            200..=299 => Self::Rules(Rules::parse(body)),
            429 => Self::Nothing("robots.txt answers HTTP 429 (too many requests)".into()),
            400..=499 => Self::Everything,
            _ => Self::Nothing(format!("robots.txt answers HTTP {status}")),
        }
    }

    /// Whether an address may be fetched.
    ///
    /// # Errors
    /// Why not.
    pub(crate) fn check(&self, url: &Url) -> Result<(), String> {
        match self {
            Self::Everything => Ok(()),
            Self::Nothing(reason) => Err(format!("{reason}: nothing is fetched until it can be read")),
            Self::Rules(rules) if rules.allow(url) => Ok(()),
            Self::Rules(_) => Err(format!("robots.txt forbids {}", url.path())),
        }
    }

    /// The pause between requests that the site asks for.
    pub(crate) fn delay(&self) -> Option<Duration> {
        match self {
            Self::Rules(rules) => rules.delay,
            _ => None,
        }
    }

    /// How much memory it takes, roughly.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Rules(rules) => rules.patterns.len() + rules.ends.len() * size_of::<(u32, bool)>(),
            _ => 0,
        }
    }

    /// How long it is to be kept.
    fn kept(&self) -> Duration {
        if matches!(self, Self::Nothing(_)) { FAILURE_KEPT } else { KEPT }
    }
}

impl Rules {
    /// Reads a robots.txt. Anything can be read: what is no rule is skipped.
    pub(crate) fn parse(body: &[u8]) -> Self {
        let body = match body.get(..MAX_BYTES) {
            // A line that is cut off would say something else.
            Some(most) => &most[..most.iter().rposition(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(0)],
            None => body,
        };
        let text = String::from_utf8_lossy(body);
        let text = text.trim_start_matches('\u{feff}');
        let (mut ours, mut all) = (None::<Self>, Self::default());
        // A group is begun by lines that name agents and goes on up to the next such lines after a rule.
        let (mut in_ours, mut in_all, mut naming) = (false, false, false);
        for line in text.split(['\n', '\r', '\0']) {
            let line = line.split('#').next().unwrap_or_default();
            let Some((key, value)) = line.split_once(':') else { continue };
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim());
            match key.as_str() {
                "user-agent" => {
                    if !naming {
                        (in_ours, in_all, naming) = (false, false, true);
                    }
                    if value == "*" {
                        in_all = true;
                    } else if product_token(value).eq_ignore_ascii_case(PRODUCT_TOKEN) {
                        in_ours = true;
                        ours.get_or_insert_default();
                    }
                }
                "allow" | "disallow" | "crawl-delay" => {
                    // Other records end no group, and no list of its agents.
                    naming &= key == "crawl-delay";
                    let groups = [in_ours.then_some(ours.as_mut()).flatten(), in_all.then_some(&mut all)];
                    for group in groups.into_iter().flatten() {
                        group.take(&key, value);
                    }
                }
                // Sitemaps and whatever else belong to no group and end none.
                _ => {}
            }
        }
        let mut rules = ours.unwrap_or(all);
        rules.patterns.shrink_to_fit();
        rules.ends.shrink_to_fit();
        rules
    }

    fn take(&mut self, key: &str, value: &str) {
        if key == "crawl-delay" {
            let delay = value.parse::<f64>().ok().filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
            self.delay = delay.map(|seconds| Duration::from_secs_f64(seconds.min(MAX_DELAY.as_secs_f64())));
        } else if !value.is_empty() {
            // An empty Disallow forbids nothing.
            let (body, end) = value.strip_suffix('$').map_or((value, ""), |body| (body, "$"));
            self.patterns.push_str(&normalised(body, &['*']));
            self.patterns.push_str(end);
            // Fits: what is read is bounded, and three times as long at most.
            self.ends.push((self.patterns.len() as u32, key == "allow"));
        }
    }

    fn allow(&self, url: &Url) -> bool {
        let path = normalised(&url[url::Position::BeforePath..url::Position::AfterQuery], &[]);
        if path == "/robots.txt" {
            return true;
        }
        self.rules()
            .filter(|(pattern, _)| matches(pattern.as_bytes(), path.as_bytes()))
            .max_by_key(|(pattern, allow)| (pattern.len(), *allow))
            .is_none_or(|(_, allow)| allow)
    }

    fn rules(&self) -> impl Iterator<Item = (&str, bool)> {
        let mut from = 0;
        self.ends.iter().map(move |&(end, allow)| {
            let pattern = &self.patterns[from..end as usize];
            from = end as usize;
            (pattern, allow)
        })
    }
}

/// The product token that a User-agent line begins with: letters, `_` and `-`.
fn product_token(value: &str) -> &str {
    let end = value.find(|c: char| !(c.is_ascii_alphabetic() || matches!(c, '_' | '-'))).unwrap_or(value.len());
    &value[..end]
}

/// One way to write each path: what is percent-encoded without need is decoded, what must be encoded is encoded, and hex
/// digits are upper case. `special` are those of `*` and `$` that mean something here; else they are encoded, as a pattern
/// must write them that means the characters themselves. `/` and `?` mean something in a path and nothing behind its `?`.
fn normalised(path: &str, special: &[char]) -> String {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len());
    let (mut at, mut in_query) = (0, false);
    while let Some(&byte) = bytes.get(at) {
        let decoded = (byte == b'%').then(|| bytes.get(at + 1..at + 3).and_then(hex)).flatten();
        at += if decoded.is_some() { 3 } else { 1 };
        let value = decoded.unwrap_or(byte);
        let plain = match value {
            b'*' | b'$' => decoded.is_none() && special.contains(&char::from(value)),
            b'-' | b'.' | b'_' | b'~' | b':' | b'@' | b'[' | b']' => true,
            b'/' | b'?' if in_query => true,
            _ => value.is_ascii_alphanumeric() || (decoded.is_none() && (0x21..0x7f).contains(&value)),
        };
        in_query |= byte == b'?';
        if plain {
            out.push(char::from(value));
        } else {
            out.push_str(&format!("%{value:02X}"));
        }
    }
    out
}

fn hex(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    Some((digit(digits[0])? * 16 + digit(digits[1])?) as u8)
}

/// Whether a pattern matches the beginning of a path (all of it when it ends in `$`). Each `*` takes as little as it can,
/// which is enough: time grows with pattern × path, never beyond.
fn matches(pattern: &[u8], path: &[u8]) -> bool {
    let (pattern, to_the_end) = match pattern.strip_suffix(b"$") {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    let mut parts = pattern.split(|&byte| byte == b'*');
    let Some(mut rest) = parts.next().and_then(|first| path.strip_prefix(first)) else { return false };
    let parts: Vec<_> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return !to_the_end || rest.is_empty() };
    for part in middle {
        match find(rest, part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    if to_the_end { rest.ends_with(last) } else { find(rest, last).is_some() }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    memmem::find(text, part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn allowed(robots: &str, path: &str) -> bool {
        let url = Url::parse("https://forum.example").unwrap().join(path).unwrap();
        Rules::parse(robots.as_bytes()).allow(&url)
    }

    #[test]
    fn the_longest_pattern_wins_and_allow_wins_a_tie() {
        let robots =
            "User-agent: *\nDisallow: /\nAllow: /forum/\nDisallow: /forum/private\nAllow: /same\nDisallow: /same";
        assert!(allowed(robots, "/forum/1"));
        assert!(!allowed(robots, "/forum/private/1"));
        assert!(!allowed(robots, "/"));
        assert!(allowed(robots, "/same"));
        assert!(allowed(robots, "/robots.txt"));
        assert!(allowed("", "/anything"));
        assert!(allowed("User-agent: *\nDisallow:", "/anything"));
    }

    #[test]
    fn our_own_group_counts_before_all_others() {
        let robots = "User-agent: *\nDisallow: /\n\nUser-agent: Other\nUser-Agent: WangLou/0.1\nDisallow: /a\n\nuser-agent: wanglou\nDisallow: /b";
        assert!(allowed(robots, "/c"));
        assert!(!allowed(robots, "/a"), "a group may be named by several agents");
        assert!(!allowed(robots, "/b"), "groups of the same name count as one");
        assert!(allowed("User-agent: wangloubot\nDisallow: /", "/x"), "a longer token is another one");
    }

    #[test]
    fn wildcards() {
        for (pattern, path, expected) in [
            ("/*.php$", "/a/b.php", true),
            ("/*.php$", "/a/b.php?x=1", false),
            ("/*.php", "/a/b.php?x=1", true),
            ("/a*b*c", "/axxbxxc/d", true),
            ("/a*b*c", "/axxcxxb", false),
            ("/fish*", "/fish.html", true),
            ("/a$", "/a", true),
            ("/a$", "/ab", false),
            ("*", "/x", true),
            ("/a*$", "/abc", true),
            ("/论坛/", "/%E8%AE%BA%E5%9D%9B/1", true),
            ("/%e8%ae%ba", "/论坛", true),
            ("/a%2Fb", "/a%2fb", true),
            ("/a%2Fb", "/a/b", false),
            ("/~joe", "/%7Ejoe", true),
            // The table of the RFC's section 2.2.2, and 2.2.3 on special characters.
            ("/foo/bar?baz=quz", "/foo/bar?baz=quz", true),
            ("/foo/bar?baz=http://foo.bar", "/foo/bar?baz=http%3A%2F%2Ffoo.bar", true),
            ("/foo/bar?baz=http%3A%2F%2Ffoo.bar", "/foo/bar?baz=http://foo.bar", true),
            ("/foo/bar/ツ", "/foo/bar/%E3%83%84", true),
            ("/foo/bar/%E3%83%84", "/foo/bar/ツ", true),
            ("/foo/bar/%62%61%7A", "/foo/bar/baz", true),
            ("/path/file-with-a-%2A.html", "/path/file-with-a-*.html", true),
            ("/path/file-with-a-%2A.html", "/path/file-with-a-b.html", false),
            ("/path/foo-%24", "/path/foo-$", true),
            ("/path/foo-%24", "/path/foo-", false),
            ("/a$b", "/a$b", true),
            ("/*url=http://", "/go?url=http%3A%2F%2Fx", true),
        ] {
            let denied = !allowed(&format!("User-agent: *\nDisallow: {pattern}"), path);
            assert_eq!(denied, expected, "{pattern} {path}");
        }
    }

    #[test]
    fn other_records_and_empty_lines_end_no_group() {
        let merged = "User-agent: wanglou\n\nSitemap: https://x/\nCrawl-delay: 3\n# one group still\nUser-agent: b\nDisallow: /x";
        assert!(!allowed(merged, "/x"));
        assert_eq!(Rules::parse(merged.as_bytes()).delay, Some(Duration::from_secs(3)));
        let apart = "User-agent: wanglou\nAllow: /\nSitemap: https://x/\n\nUser-agent: b\nDisallow: /x";
        assert!(allowed(apart, "/x"));
        assert!(!allowed("Disallow: /y\nUser-agent: *\nNonsense\n: :\nDisallow: /x", "/x"));
        assert!(allowed("Disallow: /y\nUser-agent: *\nDisallow: /x", "/y"), "a rule before any group is none");
    }

    #[test]
    fn a_long_file_is_read_to_its_limit_and_no_half_line_counts() {
        let comment = format!("#{}\n", "x".repeat(99));
        let mut robots = "User-agent: *\n".to_owned();
        while robots.len() < 500 << 10 {
            robots.push_str(&comment);
        }
        robots.push_str("Disallow: /within\n");
        assert!(!allowed(&robots, "/within"), "500 KiB at least are read");
        let mut cut = robots.clone();
        while cut.len() < MAX_BYTES - "Disallow: /".len() {
            cut.push('\n');
        }
        cut.push_str("Disallow: /private\n");
        assert!(allowed(&cut, "/forum") && !allowed(&cut, "/within"));
    }

    #[test]
    fn rules_outlive_a_robots_txt_that_fails_for_thirty_days() {
        let (now, day) = (Instant::now(), Duration::from_secs(24 * 3600));
        let url = Url::parse("https://forum.example/x").unwrap();
        let nothing = || Robots::Nothing("HTTP 500".into());
        let read = Known::after(None, Robots::from_answer(200, b"User-agent: *\nDisallow: /y"), now);
        assert_eq!(read.until, now + KEPT);
        let failed = Known::after(Some(&read), nothing(), now + day);
        assert_eq!((failed.robots.check(&url), failed.until), (Ok(()), now + day + FAILURE_KEPT));
        let still = Known::after(Some(&failed), nothing(), now + day * 29);
        assert_eq!(still.robots.check(&url), Ok(()));
        let given_up = Known::after(Some(&still), nothing(), now + day * 30);
        assert!(given_up.robots.check(&url).is_err());
        let back = Known::after(Some(&given_up), Robots::Everything, now + day * 31);
        assert_eq!(back.robots.check(&url), Ok(()));
        assert!(Known::after(None, nothing(), now).robots.check(&url).is_err(), "nothing was ever read");
    }

    #[test]
    fn crawl_delay_is_read_and_bounded() {
        let delay = |text: &str| Rules::parse(format!("User-agent: *\nCrawl-delay: {text}").as_bytes()).delay;
        assert_eq!(delay("2.5"), Some(Duration::from_millis(2500)));
        assert_eq!(delay("1e300"), Some(MAX_DELAY));
        for bad in ["-1", "NaN", "inf", "soon"] {
            assert_eq!(delay(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_row_of_the_table() {
        let url = Url::parse("https://forum.example/x").unwrap();
        assert!(Robots::from_answer(200, b"User-agent: *\nDisallow: /x").check(&url).is_err());
        assert_eq!(Robots::from_answer(404, b"").check(&url), Ok(()));
        assert_eq!(Robots::from_answer(403, b"").check(&url), Ok(()));
        for status in [429, 500, 503] {
            let robots = Robots::from_answer(status, b"");
            assert!(robots.check(&url).is_err(), "{status}");
            assert_eq!(robots.kept(), FAILURE_KEPT);
        }
    }

    #[test]
    fn an_evil_pattern_takes_no_evil_time() {
        let robots = format!("User-agent: *\nDisallow: /{}", "*a".repeat(100_000));
        assert!(allowed(&robots, &format!("/{}", "a".repeat(4_000))));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(body in prop::collection::vec(any::<u8>(), 0..300), path in any::<String>()) {
            let rules = Rules::parse(&body);
            if let Ok(url) = Url::parse("http://h/").unwrap().join(&path) {
                let _ = rules.allow(&url);
            }
        }

        /// Greedy matching agrees with a regular expression.
        #[test]
        fn wildcards_agree_with_a_regular_expression(pattern in "/[ab*]{0,8}\\$?", path in "/[ab]{0,10}") {
            let body = pattern.strip_suffix('$');
            let mut expression = format!("^{}", body.unwrap_or(&pattern).replace('*', ".*"));
            if body.is_some() {
                expression.push('$');
            }
            let expected = regex::Regex::new(&expression).unwrap().is_match(&path);
            prop_assert_eq!(matches(pattern.as_bytes(), path.as_bytes()), expected);
        }
    }
}
