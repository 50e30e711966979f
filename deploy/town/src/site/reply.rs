//! Answers: the charset, the ETag and the 304 that spares a page.

use axum::{
    body::Body as AxumBody,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use encoding_rs::GBK;
use jiff::fmt::rfc2822;

use super::html;
use crate::timestamp;

/// The body of an answer.
pub(super) enum Body {
    /// A page in GBK. What GBK lacks, such as little pictures, is written as character references, as old forums do.
    Gbk(String),
    /// A text of this type in UTF-8.
    Utf8(&'static str, String),
}

/// Answers with the body, or with 304 when the caller has it already.
///
/// The ETag stands for every byte. The date is that of the last word said, which likes do not move; so, as RFC 9110 has it,
/// the date counts only for a caller that sends no ETag.
pub(super) fn reply(request: &HeaderMap, body: Body, modified: Option<i64>) -> Response {
    let (kind, charset, bytes) = match body {
        Body::Gbk(text) => ("text/html", "gbk", GBK.encode(&text).0.into_owned()),
        Body::Utf8(kind, text) => (kind, "utf-8", text.into_bytes()),
    };
    let tag = format!("\"{:016x}\"", fingerprint(&bytes));
    let mut response = if is_known(request, &tag, modified) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        AxumBody::from(bytes).into_response()
    };
    let headers = response.headers_mut();
    let mut set = |name, value: String| {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    };
    set(header::CONTENT_TYPE, format!("{kind}; charset={charset}"));
    set(header::CACHE_CONTROL, "no-cache".into());
    set(header::ETAG, tag);
    if let Some(date) =
        modified.and_then(|unix| rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp(unix)).ok())
    {
        set(header::LAST_MODIFIED, date);
    }
    response
}

/// Whether the caller has this very page.
fn is_known(request: &HeaderMap, tag: &str, modified: Option<i64>) -> bool {
    let text = |name| request.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if let Some(tags) = text(header::IF_NONE_MATCH) {
        return tags
            .split(',')
            .any(|known| matches!(known.trim().trim_start_matches("W/"), known if known == tag || known == "*"));
    }
    let since =
        text(header::IF_MODIFIED_SINCE).and_then(|date| rfc2822::DateTimeParser::new().parse_timestamp(date).ok());
    matches!((modified, since), (Some(modified), Some(since)) if modified <= since.as_second())
}

/// FNV-1a: enough to tell two pages of this site apart.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// 404, as the forum says it.
pub(super) fn not_found() -> Response {
    let page = html::page("提示信息", "<div class=\"rules\"><p>您访问的页面不存在，或已被移动。</p></div>");
    let mut response = reply(&HeaderMap::new(), Body::Gbk(page), None);
    *response.status_mut() = StatusCode::NOT_FOUND;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::try_from(value).unwrap())])
    }

    fn status(request: &HeaderMap) -> StatusCode {
        reply(request, Body::Utf8("text/plain", "水".into()), Some(1_000_000_000)).status()
    }

    #[test]
    fn what_the_caller_has_is_not_sent_again() {
        let first = reply(&HeaderMap::new(), Body::Utf8("text/plain", "水".into()), Some(1_000_000_000));
        assert_eq!(first.headers()["last-modified"], "Sun, 09 Sep 2001 01:46:40 GMT");
        let tag = first.headers()["etag"].to_str().unwrap();
        let known = |value: &str| status(&with(header::IF_NONE_MATCH, value));
        assert_eq!(known(tag), StatusCode::NOT_MODIFIED);
        assert_eq!(known(&format!("\"x\", W/{tag}")), StatusCode::NOT_MODIFIED);
        assert_eq!(known("\"x\""), StatusCode::OK);
        let since = |value: &str| status(&with(header::IF_MODIFIED_SINCE, value));
        assert_eq!(since("Sun, 09 Sep 2001 01:46:40 GMT"), StatusCode::NOT_MODIFIED);
        assert_eq!(since("Sun, 09 Sep 2001 01:46:39 GMT"), StatusCode::OK);
        assert_eq!(since("gestern"), StatusCode::OK);
    }

    #[test]
    fn the_etag_counts_before_the_date() {
        let mut request = with(header::IF_MODIFIED_SINCE, "Sun, 09 Sep 2001 01:46:40 GMT");
        request.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"x\""));
        assert_eq!(status(&request), StatusCode::OK);
    }

    proptest::proptest! {
        /// Whatever is said, pictures and characters beyond GBK included, is read as it was written.
        #[test]
        fn words_survive_the_way_through_gbk(words in r"\PC{1,60}") {
            let page = html::page(&words, &format!("<p id=\"words\">{}</p>", html::escape(&words)));
            let bytes = GBK.encode(&page).0.into_owned();
            let (text, _, faulty) = GBK.decode(&bytes);
            let read = scraper::Html::parse_document(&text);
            let of = |css| read.select(&scraper::Selector::parse(css).unwrap()).next().unwrap().text().collect::<String>();
            proptest::prop_assert!(!faulty);
            proptest::prop_assert_eq!(&of("#words"), &words);
            proptest::prop_assert_eq!(of("title"), format!("{words} - 锦水论坛"));
        }
    }
}
