//! Bytes to text. Sites state wrong encodings, or none; a post is worth more than a purist's error.
//!
//! In this order: what the config says; a byte-order mark; what the header, and then the page itself, states; what the bytes
//! look like. A statement that is plainly wrong is overruled: bytes that are no such encoding but valid UTF-8 (or nearly
//! so), or that a guess reads with fewer errors. What still cannot be read becomes U+FFFD and is counted.
//!
//! Whatever states GB2312 or GBK is read as GB18030, of which they are parts: encoding_rs reads all of it, the codes of four
//! bytes too, by the WHATWG's table. That is the one of GB18030-2022, which gave eighteen codes of the user area (A6D9 and others) their
//! characters of today; a page that means the user area of 2005 shows the same signs by them. What the WHATWG's table, and so every
//! browser, leaves out (HZ, ISO-2022-CN) is not read.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{BIG5, Encoding, GB18030, GBK, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use schemas::kit::metrics;
use std::sync::LazyLock;

/// How far into a page its own statement is looked for.
const HEAD_BYTES: usize = 4 << 10;
/// So many characters of several bytes, all valid UTF-8, are no accident.
const SURE_UTF8: usize = 3;
/// Nor are so many of them for each broken place: of Chinese text in GBK not a third is valid UTF-8.
const NEARLY_UTF8: usize = 8;
/// What is stated and reads so many characters beyond ASCII for each broken place is right; the page is broken.
const PLAUSIBLE: usize = 20;
/// How much of a page is looked at to see whether it is nearly UTF-8.
const SAMPLE: usize = 64 << 10;

/// A page as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
    /// Broken places that became U+FFFD.
    pub(crate) broken: usize,
}

/// The encoding of a name that people and sites use.
pub(crate) fn named(name: &str) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label(name.trim().as_bytes())?;
    // GB18030 is GBK with more characters: what states GBK often holds them.
    Some(if encoding == GBK { GB18030 } else { encoding })
}

/// Decodes a page. `configured` is the config's word, `header` that of the Content-Type header.
pub(crate) fn decode(bytes: &[u8], configured: Option<&'static Encoding>, header: Option<&str>) -> Decoded {
    let decoded = best(bytes, configured, header);
    metrics::INGEST_BROKEN.inc_by(decoded.broken as u64);
    decoded
}

fn best(bytes: &[u8], configured: Option<&'static Encoding>, header: Option<&str>) -> Decoded {
    if let Some(encoding) = configured {
        return with(encoding, bytes);
    }
    if let Some((encoding, _)) = Encoding::for_bom(bytes) {
        return with(encoding, bytes);
    }
    if let Some(encoding) = unmarked_utf16(bytes) {
        return with(encoding, bytes);
    }
    if is_surely_utf8(bytes) || is_nearly_utf8(bytes) {
        return with(UTF_8, bytes);
    }
    // Latin-1 is what a server states when nobody has set it, and it reads any bytes without an error.
    let stated = header.and_then(named).or_else(|| stated_inside(bytes)).filter(|&encoding| encoding != WINDOWS_1252);
    let mut best = stated.map(|encoding| with(encoding, bytes));
    if best.as_ref().is_none_or(|decoded| decoded.broken > 0 && !decoded.is_plausible(PLAUSIBLE)) {
        for encoding in [UTF_8, guess(bytes)] {
            let other = with(encoding, bytes);
            if best.as_ref().is_none_or(|best| other.broken < best.broken) {
                best = Some(other);
            }
        }
    }
    best.unwrap_or_else(|| with(UTF_8, bytes))
}

impl Decoded {
    /// Whether so many characters beyond ASCII are read for each broken place.
    fn is_plausible(&self, each: usize) -> bool {
        self.text.chars().filter(|&c| !c.is_ascii() && c != '\u{fffd}').count() >= each * self.broken
    }
}

fn with(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, encoding, had_errors) = encoding.decode(bytes);
    let broken = if had_errors { text.matches('\u{fffd}').count() } else { 0 };
    Decoded { text: text.into_owned(), encoding: encoding.name(), broken }
}

/// UTF-16 without a mark: what begins a page or a feed, or white space before it, with a nought beside it.
fn unmarked_utf16(bytes: &[u8]) -> Option<&'static Encoding> {
    let begins = |byte: u8| matches!(byte, b'<' | b' ' | b'\t' | b'\r' | b'\n' | b'{' | b'[');
    let (pairs, _) = bytes.as_chunks::<2>();
    let mut pairs = pairs.iter().take(2);
    match (pairs.next()?, pairs.next()?) {
        ([first, 0], [_, 0]) if begins(*first) => Some(UTF_16LE),
        ([0, first], [0, _]) if begins(*first) => Some(UTF_16BE),
        _ => None,
    }
}

fn is_surely_utf8(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| text.chars().filter(|c| !c.is_ascii()).take(SURE_UTF8).count() == SURE_UTF8)
}

/// A broken byte in a page, or the end of the sample within a character, makes it no other encoding.
fn is_nearly_utf8(bytes: &[u8]) -> bool {
    let decoded = with(UTF_8, &bytes[..bytes.len().min(SAMPLE)]);
    !decoded.text.is_ascii() && decoded.is_plausible(NEARLY_UTF8)
}

/// What a page states in its first lines: `<meta charset=…>`, `content="text/html; charset=…"`, `<?xml encoding="…"?>`.
fn stated_inside(bytes: &[u8]) -> Option<&'static Encoding> {
    #[allow(clippy::expect_used, reason = "a constant, compiled by the tests")]
    static STATED: LazyLock<regex::bytes::Regex> = LazyLock::new(|| {
        regex::bytes::Regex::new(r#"(?i)<(?:meta[^>]*?charset|\?xml[^>]*?encoding)\s*=\s*["']?\s*([a-z0-9_:.-]+)"#)
            .expect("the expression is well formed")
    });
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let name = std::str::from_utf8(STATED.captures(head)?.get(1)?.as_bytes()).ok()?;
    let encoding = named(name)?;
    // A page whose ASCII can be read here is not in UTF-16, whatever it says.
    Some(if encoding.is_ascii_compatible() { encoding } else { UTF_8 })
}

/// What the bytes look like. The detector rules out whatever has one broken byte; so where it sees nothing Chinese, it is
/// asked again without those that GB18030 cannot read, if they are few.
fn guess(bytes: &[u8]) -> &'static Encoding {
    let first = detect(bytes);
    if first == UTF_8 || first == GB18030 {
        return first;
    }
    let read = with(GB18030, bytes);
    if read.broken == 0 || !read.is_plausible(PLAUSIBLE) {
        return first;
    }
    let mended = read.text.replace('\u{fffd}', "");
    let (mended, ..) = GB18030.encode(&mended);
    if detect(&mended) == GB18030 { GB18030 } else { first }
}

fn detect(bytes: &[u8]) -> &'static Encoding {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // The sites of a district: between two that fit, the Chinese one.
    let encoding = detector.guess(Some(b"cn"), Utf8Detection::Allow);
    if encoding != GBK {
        return encoding;
    }
    // Nobody writes in the user area: what reads so is Big5, if it can be.
    let in_user_area = with(GB18030, bytes).text.contains(|c| matches!(c, '\u{e000}'..='\u{f8ff}'));
    if in_user_area && detector.guess(Some(b"tw"), Utf8Detection::Allow) == BIG5 { BIG5 } else { GB18030 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "抚琴街道今天又停水了，居民反映水压低，至今没有通知。";

    fn gbk(text: &str) -> Vec<u8> {
        GBK.encode(text).0.into_owned()
    }

    #[test]
    fn the_stated_encoding_is_used() {
        let page = gbk(&format!("<meta charset=gb2312><p>{TEXT}"));
        assert!(decode(&page, None, None).text.contains(TEXT));
        assert!(decode(&gbk(TEXT), None, Some("GBK")).text.contains(TEXT));
        let xml = gbk(&format!("<?xml version='1.0' encoding='GBK'?><a>{TEXT}</a>"));
        assert!(decode(&xml, None, None).text.contains(TEXT));
        assert_eq!(decode(&BIG5.encode("今天停水了").0, None, Some("big5")).text, "今天停水了");
    }

    #[test]
    fn a_wrong_statement_is_overruled() {
        for header in ["utf-8", "iso-8859-1", "klingon"] {
            assert_eq!(decode(&gbk(TEXT), None, Some(header)).text, TEXT, "{header}");
        }
        assert_eq!(decode(TEXT.as_bytes(), None, Some("gbk")).text, TEXT);
        assert_eq!(decode(TEXT.as_bytes(), None, None).encoding, "UTF-8");
        let mark = [b"\xef\xbb\xbf", TEXT.as_bytes()].concat();
        assert_eq!(decode(&mark, None, Some("gbk")).text, TEXT);
    }

    #[test]
    fn what_the_config_says_stands() {
        assert_eq!(decode(TEXT.as_bytes(), named("utf8"), Some("gbk")).text, TEXT);
        assert!(decode(TEXT.as_bytes(), named("gbk"), None).text != TEXT);
        assert_eq!(named("klingon"), None);
    }

    #[test]
    fn broken_bytes_are_replaced_and_counted() {
        let mut page = TEXT.as_bytes().to_vec();
        page.splice(6..6, [0xff, 0xfe]);
        let decoded = decode(&page, None, Some("utf-8"));
        assert!(decoded.text.ends_with("至今没有通知。") && decoded.broken >= 1, "{decoded:?}");
    }

    #[test]
    fn a_broken_byte_makes_a_page_no_other_encoding() {
        let text = TEXT.repeat(3);
        for header in [None, Some("gbk"), Some("utf-8")] {
            let mut page = gbk(&text);
            page.splice(8..8, [0xff]);
            let decoded = decode(&page, None, header);
            assert!(decoded.text.ends_with(TEXT) && decoded.broken == 1, "{header:?} {decoded:?}");
            let mut page = text.clone().into_bytes();
            page.splice(9..9, [0xff]);
            let decoded = decode(&page, None, header);
            assert!(decoded.text.ends_with(TEXT) && decoded.broken == 1, "{header:?} {decoded:?}");
        }
    }

    #[test]
    fn gb18030_is_read_in_full_whatever_part_of_it_is_stated() {
        // One byte, two, four; of the basic plane and beyond it: all that Unicode has.
        let text = "停水㐂村𠮷野家😀ꀀ㎡—€ḿǹ龻鿫";
        let page = GB18030.encode(text).0.into_owned();
        for header in ["gb18030", "gbk", "gb2312", "GB_2312-80", "x-gbk", "chinese"] {
            let decoded = decode(&page, None, Some(header));
            assert_eq!((decoded.text.as_str(), decoded.broken), (text, 0), "{header}");
        }
        assert_eq!(decode(b"\x81\x30\x81\x30\xe3\x32\x9a\x35", named("gb18030"), None).text, "\u{80}\u{10ffff}");
    }

    #[test]
    fn gb18030_is_that_of_2022() {
        // In 2000 and 2005 these were U+E78D and others of the user area.
        let decoded = decode(b"\xa6\xd9\xa6\xda\xa6\xec\xfe\x59\xfe\x61", named("gb18030"), None);
        assert_eq!((decoded.text.as_str(), decoded.broken), ("︐︒︗龴龵", 0));
    }

    #[test]
    fn big5_is_read_when_stated_and_when_not() {
        let text = "社區今天又停水了，居民反映水壓很低，至今沒有收到任何通知，請有關單位儘快處理。";
        let page = BIG5.encode(text).0.into_owned();
        assert_eq!(decode(&page, None, Some("big5")).text, text);
        assert_eq!(decode(&page, None, None).text, text);
        assert_eq!(decode(b"\x87\x40", named("big5-hkscs"), None).broken, 0, "with the characters of Hong Kong");
    }

    #[test]
    fn utf_16_is_read_with_a_mark_by_its_statement_and_by_its_look() {
        let page = format!("<p>{TEXT}</p>");
        let little: Vec<u8> = page.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = page.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for (bytes, mark, label) in [(&little, b"\xff\xfe", "utf-16le"), (&big, b"\xfe\xff", "utf-16be")] {
            assert_eq!(decode(&[mark, bytes.as_slice()].concat(), None, Some("gbk")).text, page, "{label} with a mark");
            assert_eq!(decode(bytes, None, Some("gbk")).text, page, "{label} by its look");
            assert_eq!(decode(&bytes[6..], None, Some(label)).text, page[3..], "{label} stated");
        }
        let half = decode(&[little.as_slice(), b"\x00\xd8"].concat(), None, Some("utf-16le"));
        assert_eq!(half.broken, 1, "half a pair of surrogates");
    }

    #[test]
    fn what_browsers_no_longer_read_is_no_reason_to_lose_a_page() {
        let decoded = decode(b"<p>~{VPND~}</p>", None, Some("hz-gb-2312"));
        assert_eq!((decoded.text.as_str(), decoded.broken), ("<p>~{VPND~}</p>", 0));
    }

    proptest! {
        #[test]
        fn it_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..300), header in any::<Option<String>>()) {
            let _ = decode(&bytes, None, header.as_deref());
        }

        /// Whatever a byte is broken into, the text around it is kept.
        #[test]
        fn broken_bytes_cost_only_themselves(at in 0_usize..20, byte in 0x80_u8..=0xff) {
            let before = "a".repeat(at);
            let page = [before.as_bytes(), &[byte], "<p>停水了，抚琴街道</p>".as_bytes()].concat();
            let decoded = decode(&page, None, Some("utf-8"));
            prop_assert!(decoded.text.starts_with(&before) && decoded.text.ends_with("停水了，抚琴街道</p>"), "{:?}", decoded);
            prop_assert_eq!(decoded.broken, 1);
        }

        /// All of Unicode goes through GB18030 and back, but for the user area, which the table of 2022 has moved.
        #[test]
        fn gb18030_loses_nothing(text in "[^\u{e000}-\u{f8ff}]{1,30}") {
            let page = GB18030.encode(&text).0.into_owned();
            prop_assert_eq!(decode(&page, named("gb18030"), None).text, text);
        }

        #[test]
        fn stated_gbk_and_unstated_utf8_are_read_as_they_were_written(text in "[一-龥，。]{3,40}") {
            let read = decode(text.as_bytes(), None, None).text;
            prop_assert_eq!(&read, &text);
            let page = gbk(&text);
            // Some GBK texts are valid UTF-8 too; no reader can tell.
            if std::str::from_utf8(&page).is_err() {
                prop_assert_eq!(decode(&page, None, Some("gbk")).text, text);
            }
        }
    }
}
