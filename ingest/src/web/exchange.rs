//! One request and its answer, bounded in each phase and in size. The size is that after decompression, so that a
//! decompression bomb does not go off; the bound on the whole stops a server that drips.
//!
//! | phase | bound | said when it is over |
//! |---|---|---|
//! | name, connection, TLS | `connect` | no connection |
//! | until the head of the answer | `first_byte` | nothing came |
//! | between two pieces of the body | `idle` | nothing more came |
//! | all of it | `whole` | the rest came too slowly |

use super::{error::FetchError, link};
use bytes::BytesMut;
use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    RequestBuilder, Response,
    header::{self, HeaderMap, HeaderName},
};
use schemas::kit::metrics;
use std::time::{Duration, Instant};
use tokio::time::timeout;
use url::Url;

/// How much of an answer is read that is no page: as much as keeps the connection usable.
const SMALL: usize = 16 << 10;

/// How long each phase may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    pub(crate) first_byte: Duration,
    pub(crate) idle: Duration,
    pub(crate) whole: Duration,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// Whether the body is all that there was.
    pub(crate) whole: bool,
    /// The server's clock less ours, and how exact that is.
    pub(crate) clock: Option<(SignedDuration, Duration)>,
}

impl Answer {
    /// A header, where it is plain text.
    pub(crate) fn text(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where the header `Link` says that the next page is.
    pub(crate) fn next(&self, from: &Url) -> Option<Url> {
        let links = self.headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
        links.into_iter().find_map(|links| from.join(link::next(links)?).ok())
    }

    /// How long the site asks us to wait: `Retry-After`, in seconds or as a date, at most so long.
    pub(crate) fn retry_after(&self, longest: Duration) -> Option<Duration> {
        retry_after(self.text(header::RETRY_AFTER)?, Timestamp::now()).map(|wait| wait.min(longest))
    }

    /// Where it sends us on to.
    ///
    /// # Errors
    /// When it does not say where.
    pub(crate) fn redirect(&self, from: &Url) -> Result<Option<Url>, FetchError> {
        if !matches!(self.status, 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let next = self.headers.get(header::LOCATION).and_then(|value| from.join(&location(value.as_bytes())).ok());
        next.map(Some)
            .ok_or_else(|| FetchError::NoHttp(format!("HTTP {} without a valid address to go on to", self.status)))
    }
}

/// Sends a request and reads what comes, up to `most` bytes of a page.
///
/// # Errors
/// Why there is no answer.
pub(crate) async fn exchange(request: RequestBuilder, limits: Limits, most: usize) -> Result<Answer, FetchError> {
    let (sent, began) = (Timestamp::now(), Instant::now());
    let late = |what: &str, limit: Duration| {
        FetchError::Network(format!("no answer in time: {what} within {} s", limit.as_secs_f32()))
    };
    let too_slow = || late("the rest came too slowly, it was not all there", limits.whole);
    let head = (limits.connect + limits.first_byte).min(limits.whole);
    let response = match timeout(head, request.send()).await {
        Ok(response) => response.map_err(|error| FetchError::of(&error))?,
        Err(_) if limits.whole <= limits.first_byte => return Err(late("nothing came", limits.whole)),
        Err(_) => return Err(late("nothing came", limits.first_byte)),
    };
    let clock = clock(&response, sent, began.elapsed());
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let is_page = (200..300).contains(&status);
    let room = if is_page { most } else { SMALL.min(most) };
    let mut stream = response.bytes_stream();
    let (mut body, mut whole) = (BytesMut::new(), true);
    loop {
        let left = limits.whole.saturating_sub(began.elapsed());
        let piece = match timeout(limits.idle.min(left), stream.next()).await {
            Ok(Some(Ok(piece))) => piece,
            Ok(None) => break,
            // What an answer that is no page says beside its status is not worth a failure.
            _ if !is_page => break,
            Ok(Some(Err(error))) => return Err(FetchError::of(&error)),
            Err(_) if left <= limits.idle => return Err(too_slow()),
            Err(_) => return Err(late("nothing more came", limits.idle)),
        };
        metrics::INGEST_BYTES.inc_by(piece.len() as u64);
        let fits = piece.len().min(room - body.len());
        body.extend_from_slice(&piece[..fits]);
        if fits < piece.len() {
            whole = false;
            break;
        }
    }
    Ok(Answer { status, headers, body: body.into(), whole, clock })
}

/// The server's clock less ours, and how exact that is. A date is cut off to the second: on average it is half a second
/// later there. Of an answer from a cache the age is added (RFC 9111).
fn clock(response: &Response, sent: Timestamp, took: Duration) -> Option<(SignedDuration, Duration)> {
    let text = |name| response.headers().get(name)?.to_str().ok();
    let date = httpdate::parse_http_date(text(header::DATE)?).ok()?;
    let age = text(header::AGE).map_or(Some(0), |age| age.trim().parse::<u32>().ok())?;
    let theirs = Timestamp::try_from(date).ok()?;
    let theirs = theirs.checked_add(SignedDuration::from_millis(500) + SignedDuration::from_secs(age.into())).ok()?;
    let middle = sent.checked_add(SignedDuration::try_from(took / 2).ok()?).ok()?;
    Some((theirs.duration_since(middle), Duration::from_millis(500) + took / 2))
}

/// `Location` as an address: bytes that are no ASCII, in whatever encoding, are percent-encoded.
fn location(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    if let Ok(seconds) = value.trim().parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = Timestamp::try_from(httpdate::parse_http_date(value.trim()).ok()?).ok()?;
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn retry_after_in_seconds_and_as_a_date_in_each_of_its_forms() {
        let now = "2026-11-24T10:00:00Z".parse().unwrap();
        let wait = |value| retry_after(value, now).map(|wait| wait.as_secs());
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("99999999999"), Some(99_999_999_999));
        assert_eq!(wait("Tue, 24 Nov 2026 10:05:00 GMT"), Some(300));
        assert_eq!(wait("Tuesday, 24-Nov-26 10:05:00 GMT"), Some(300));
        assert_eq!(wait("Tue Nov 24 10:05:00 2026"), Some(300));
        assert_eq!(wait("Tue, 24 Nov 2020 10:05:00 GMT"), Some(0));
        for bad in ["soon", "-1", "", "1e3"] {
            assert_eq!(wait(bad), None, "{bad}");
        }
    }

    #[test]
    fn an_address_in_any_encoding_is_followed() {
        assert_eq!(location("/论坛?a=b".as_bytes()), "/%E8%AE%BA%E5%9D%9B?a=b");
        assert_eq!(location(b"/\xc2\xdb"), "/%C2%DB");
    }

    fn dated(headers: &[(HeaderName, &str)]) -> Option<(i128, u128)> {
        let mut response = http::Response::builder();
        for (name, value) in headers {
            response = response.header(name, *value);
        }
        let response = Response::from(response.body("").unwrap());
        let clock = clock(&response, "2026-11-24T10:00:00Z".parse().unwrap(), Duration::from_secs(2));
        clock.map(|(offset, uncertainty)| (offset.as_millis(), uncertainty.as_millis()))
    }

    #[test]
    fn a_server_s_clock_is_compared_with_the_middle_of_the_request() {
        let date = "Tue, 24 Nov 2026 10:00:01 GMT";
        assert_eq!(dated(&[(header::DATE, date)]), Some((500, 1_500)));
        assert_eq!(dated(&[(header::DATE, date), (header::AGE, "30")]), Some((30_500, 1_500)), "from a cache");
    }

    #[test]
    fn nonsense_for_a_date_says_nothing() {
        for nonsense in ["", "yesterday", "Tue, 99 Nov 2026 10:00:01 GMT", "0", "Tue, 24 Nov 99999 10:00:01 GMT"] {
            assert_eq!(dated(&[(header::DATE, nonsense)]), None, "{nonsense}");
        }
        assert!(dated(&[(header::DATE, "Fri, 31 Dec 9999 23:59:59 GMT")]).is_none_or(|(offset, _)| offset > 0));
        assert_eq!(dated(&[]), None);
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic(value in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = retry_after(&value, Timestamp::UNIX_EPOCH);
            prop_assert!(location(&bytes).is_ascii());
        }
    }
}
