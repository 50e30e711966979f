//! Bodies that are passed on: never held as a whole, never longer than is taken anywhere, never silent for ever.

use super::{super::LONGEST_POSTS, SILENCE};
use axum::{
    body::{Body, BodyDataStream, Bytes},
    http::{HeaderMap, StatusCode, header},
};
use futures::{Stream, StreamExt};
use schemas::kit::http::Problem;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;

/// The longest answer that is passed back: an export of a million posts of some length.
const LONGEST_ANSWER: u64 = 4 << 30;

/// A body that is lent to a request: when that could not even begin, it is lent to the next.
pub(super) struct Lent(Arc<Mutex<Under>>);

struct Under {
    body: BodyDataStream,
    passed: u64,
    outcome: Outcome,
    moved: Instant,
}

/// What has become of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nobody has asked for any of it.
    Untouched,
    /// Some of it, or all, was passed on.
    Begun,
    /// It is longer than is taken.
    TooLong,
    /// The caller broke it off.
    BrokenOff,
}

impl Lent {
    /// # Errors
    /// When it says of itself that it is too long.
    pub(super) fn new(body: Body, headers: &HeaderMap) -> Result<Self, Problem> {
        let stated = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        if stated.is_some_and(|length| length > LONGEST_POSTS as u64) {
            return Err(too_long());
        }
        let body = body.into_data_stream();
        Ok(Self(Arc::new(Mutex::new(Under { body, passed: 0, outcome: Outcome::Untouched, moved: Instant::now() }))))
    }

    fn under(&self) -> MutexGuard<'_, Under> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn outcome(&self) -> Outcome {
        self.under().outcome
    }

    /// The body, for one request.
    pub(super) fn stream(&self) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
        let lent = Self(self.0.clone());
        futures::stream::poll_fn(move |context| Pin::new(&mut *lent.under()).poll_next(context))
    }

    /// Returns when nothing has moved for so long.
    pub(super) async fn stalled(&self, silence: Duration) {
        loop {
            let until = self.under().moved + silence;
            if Instant::now() >= until {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}

impl Stream for Under {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.outcome == Outcome::Untouched {
            self.outcome = Outcome::Begun;
        }
        let Poll::Ready(next) = self.body.poll_next_unpin(context) else { return Poll::Pending };
        self.moved = Instant::now();
        let piece = match next {
            None => return Poll::Ready(None),
            Some(Ok(piece)) => piece,
            Some(Err(error)) => {
                self.outcome = Outcome::BrokenOff;
                return Poll::Ready(Some(Err(io::Error::other(error))));
            }
        };
        self.passed += piece.len() as u64;
        if self.passed > LONGEST_POSTS as u64 {
            self.outcome = Outcome::TooLong;
            return Poll::Ready(Some(Err(io::Error::other("too long"))));
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

/// The body of an answer. One that falls silent or never ends is cut off, and the caller sees that it was.
pub(super) fn back(answer: reqwest::Response) -> Body {
    let pieces = answer.bytes_stream().map(|piece| piece.map_err(|error| io::Error::other(error.without_url())));
    Body::from_stream(bounded(pieces, SILENCE, LONGEST_ANSWER))
}

fn bounded(
    pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static,
    silence: Duration,
    longest: u64,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    futures::stream::try_unfold((Box::pin(pieces), 0), move |(mut pieces, passed)| async move {
        let next = tokio::time::timeout(silence, pieces.next()).await.map_err(io::Error::other)?;
        let Some(piece) = next.transpose()? else { return Ok(None) };
        let passed = passed + piece.len() as u64;
        if passed > longest {
            return Err(io::Error::other("the answer does not end"));
        }
        Ok(Some((piece, (pieces, passed))))
    })
}

pub(super) fn too_long() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too_large",
        format!("the body is larger than {} MiB: hand it in in parts", LONGEST_POSTS >> 20),
    )
}

pub(super) fn broken_off() -> Problem {
    Problem::bad_request("broken_off", "the body broke off; nothing was taken: send it again")
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::TryStreamExt;

    fn pieces(sizes: &[usize]) -> Body {
        let pieces: Vec<io::Result<Bytes>> = sizes.iter().map(|&size| Ok(Bytes::from(vec![b'x'; size]))).collect();
        Body::from_stream(futures::stream::iter(pieces))
    }

    #[tokio::test]
    async fn a_body_is_untouched_until_somebody_asks_for_it() {
        let lent = Lent::new(pieces(&[1, 2]), &HeaderMap::new()).unwrap();
        drop(lent.stream());
        assert_eq!(lent.outcome(), Outcome::Untouched);
        let passed: Vec<Bytes> = lent.stream().try_collect().await.unwrap();
        assert_eq!((passed.concat().len(), lent.outcome()), (3, Outcome::Begun));
    }

    #[tokio::test]
    async fn a_body_that_is_too_long_or_breaks_off_is_known_as_such() {
        let lent = Lent::new(pieces(&[LONGEST_POSTS, 1]), &HeaderMap::new()).unwrap();
        assert!(lent.stream().try_collect::<Vec<_>>().await.is_err());
        assert_eq!(lent.outcome(), Outcome::TooLong);
        let broken = Body::from_stream(futures::stream::iter([Ok(Bytes::from("x")), Err(io::Error::other("gone"))]));
        let lent = Lent::new(broken, &HeaderMap::new()).unwrap();
        assert!(lent.stream().try_collect::<Vec<_>>().await.is_err());
        assert_eq!(lent.outcome(), Outcome::BrokenOff);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, (LONGEST_POSTS + 1).into());
        assert_eq!(Lent::new(Body::empty(), &headers).err().unwrap().status, StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn silence_is_noticed_and_an_answer_that_does_not_end_is_cut_off() {
        let lent = Lent::new(Body::from_stream(futures::stream::pending::<io::Result<Bytes>>()), &HeaderMap::new());
        lent.unwrap().stalled(Duration::ZERO).await;
        let silent = bounded(futures::stream::pending(), Duration::ZERO, 10);
        assert!(silent.try_collect::<Vec<_>>().await.is_err());
        let endless = futures::stream::repeat_with(|| Ok(Bytes::from("four")));
        assert!(bounded(endless, SILENCE, 10).try_collect::<Vec<_>>().await.is_err());
    }
}
