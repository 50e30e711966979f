//! Which stretch of time a visit covers. A claim that is made here is what "nothing was missed" rests on.
//!
//! | covered so far | the list was read back to | covered | gap | covered from now on |
//! |---|---|---|---|---|
//! | nothing | anything | the moment of the visit | – | to the visit |
//! | up to `c` | something seen before, or its end | `c` to the visit | – | to the visit |
//! | up to `c` | something of the time `t`, all of it new | `t` to the visit | `c` to `t` | to the visit |
//! | any | but some of it could not be fetched | nothing | – | as before |

use jiff::Timestamp;
use schemas::records::Span;

/// How far back a visit read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    /// To something that was seen before, or to the end.
    ToTheKnown,
    /// To this time, if that is known, and there is more behind it.
    To(Option<Timestamp>),
}

/// What a visit can claim.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) covered: Option<Span>,
    pub(crate) gap: Option<Span>,
    pub(crate) covered_to: Option<Timestamp>,
}

/// What a visit that began at `began` can claim; `complete` when everything that it listed could be fetched.
pub(crate) fn claim(covered_to: Option<Timestamp>, back: Back, complete: bool, began: Timestamp) -> Stretch {
    if !complete {
        return Stretch { covered: None, gap: None, covered_to };
    }
    let (from, gap) = match (covered_to, back) {
        (None, _) => (began, None),
        (Some(known), Back::ToTheKnown) => (known.min(began), None),
        (Some(known), Back::To(reached)) => {
            let known = known.min(began);
            // Pages state absurd times too.
            let reached = reached.unwrap_or(began).clamp(known, began);
            (reached, (reached > known).then_some(Span { from: known, to: reached }))
        }
    };
    Stretch { covered: Some(Span { from, to: began }), gap, covered_to: Some(began) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn span(from: i64, to: i64) -> Option<Span> {
        Some(Span { from: at(from), to: at(to) })
    }

    #[test]
    fn each_row_of_the_table() {
        let stretch = |covered, gap, to: i64| Stretch { covered, gap, covered_to: Some(at(to)) };
        assert_eq!(claim(None, Back::To(Some(at(50))), true, at(100)), stretch(span(100, 100), None, 100));
        assert_eq!(claim(Some(at(40)), Back::ToTheKnown, true, at(100)), stretch(span(40, 100), None, 100));
        let gap = claim(Some(at(40)), Back::To(Some(at(70))), true, at(100));
        assert_eq!(gap, stretch(span(70, 100), span(40, 70), 100));
        let incomplete = claim(Some(at(40)), Back::ToTheKnown, false, at(100));
        assert_eq!(incomplete, Stretch { covered: None, gap: None, covered_to: Some(at(40)) });
    }

    #[test]
    fn absurd_times_make_no_absurd_claims() {
        assert_eq!(claim(Some(at(40)), Back::To(Some(Timestamp::MAX)), true, at(100)).gap, span(40, 100));
        assert_eq!(claim(Some(at(40)), Back::To(Some(Timestamp::MIN)), true, at(100)).gap, None);
        assert_eq!(claim(Some(at(40)), Back::To(None), true, at(100)).gap, span(40, 100));
        assert_eq!(claim(Some(at(200)), Back::ToTheKnown, true, at(100)).covered, span(100, 100));
    }
}
