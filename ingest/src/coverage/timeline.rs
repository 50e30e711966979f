//! What is known of each second of a source's last thirty days, and what it comes to.
//!
//! A report is evidence about stretches of time: that a stretch was read without a gap, that a visit was promised for it, that
//! visits failed in it, that something in it could not be read. Evidence only adds up: reports may come in any order, from
//! two workers, twice, and the outcome is the same.
//!
//! | read | failed, or a gap | promised | state |
//! |---|---|---|---|
//! | yes | neither | yes | covered: everything is here, and it came in time |
//! | yes | neither | no | late: everything is here, but no visit came when one was due |
//! | yes | either | any | late: everything is here, but only a later visit, or the closing of the gap, brought it |
//! | no | a gap | any | gap: something of it is missing |
//! | no | failed | any | failing |
//! | no | neither | any | unwatched: the source was not known yet, or nobody was running |
//!
//! Late time is complete but for what was posted and deleted again before that visit came: nobody can have read it, and so such time
//! never counts as covered.
//!
//! Only what lies after the last report is judged by what time it is: see [`Tail`].
//!
//! Space is bounded. A stretch takes eight bytes, and a source that is well has one for thirty days. When there are more than
//! [`MOST`], the oldest are kept as sums only ([`Frozen`]): by the quarter of an hour within the last day, by the day before it. Where
//! the last hour alone has more, neighbours in its older half are joined, and the worse holds for both. What is learned later of
//! a time that is kept as sums counts for as much as must be so where it is good, and for as much as can be so where it is not:
//! a bound never turns into a claim that is not proven.

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use std::ops::{AddAssign, BitOr};

/// How many stretches are kept.
pub(super) const MOST: usize = 768;
/// How far back anything is kept.
pub(super) const KEPT: u32 = 31 * DAY;
/// A cell of the grid of a day.
pub(super) const QUARTER: u32 = 900;
/// What is kept second by second.
const EXACT: u32 = 3_600;
/// What is kept by the quarter of an hour at least.
const BY_QUARTERS: u32 = DAY + 3_600;
const DAY: u32 = 86_400;

/// A second, counted as Unix does; what lies before 1970 or after 2106 is moved there.
pub(super) fn second(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().max(0)).unwrap_or(u32::MAX)
}

/// The time of a second.
pub(super) fn time(second: u32) -> Timestamp {
    Timestamp::from_second(i64::from(second)).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// What is known of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Evidence(u8);

impl Evidence {
    /// A visit read it without a gap, or a gap in it was closed.
    pub(super) const READ: Self = Self(1);
    /// A visit was made, or the next one promised.
    pub(super) const PROMISED: Self = Self(2);
    /// A visit failed, and no other came before its end.
    pub(super) const FAILED: Self = Self(4);
    /// A visit could not reach back to it.
    pub(super) const GAP: Self = Self(8);

    const GOOD: u8 = Self::READ.0 | Self::PROMISED.0;

    fn has(self, what: Self) -> bool {
        self.0 & what.0 != 0
    }

    /// What holds for two stretches that are told apart no more.
    fn worse(self, other: Self) -> Self {
        Self((self.0 & other.0 & Self::GOOD) | ((self.0 | other.0) & !Self::GOOD))
    }

    /// The module's table; none for the last row.
    fn state(self) -> Option<State> {
        let troubled = self.has(Self::FAILED) || self.has(Self::GAP);
        if self.has(Self::READ) {
            Some(if troubled || !self.has(Self::PROMISED) { State::Late } else { State::Covered })
        } else if self.has(Self::GAP) {
            Some(State::Gap)
        } else {
            self.has(Self::FAILED).then_some(State::Failing)
        }
    }
}

impl BitOr for Evidence {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// How a second stands; the later, the worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum State {
    Covered,
    Late,
    Unwatched,
    Failing,
    Gap,
}

impl State {
    /// Its letter in a grid.
    pub(super) fn letter(self) -> char {
        match self {
            Self::Covered => 'c',
            Self::Late => 'l',
            Self::Unwatched => 'u',
            Self::Failing => 'f',
            Self::Gap => 'g',
        }
    }
}

/// Seconds by state. They add up to the stretch that they are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Seconds {
    pub(super) covered: u32,
    pub(super) late: u32,
    pub(super) gap: u32,
    pub(super) failing: u32,
    pub(super) unwatched: u32,
}

impl Seconds {
    fn of(&mut self, state: State) -> &mut u32 {
        match state {
            State::Covered => &mut self.covered,
            State::Late => &mut self.late,
            State::Gap => &mut self.gap,
            State::Failing => &mut self.failing,
            State::Unwatched => &mut self.unwatched,
        }
    }

    /// All of them.
    #[cfg(test)]
    pub(super) fn total(&self) -> u32 {
        self.covered + self.late + self.gap + self.failing + self.unwatched
    }

    /// The worst of which there is any.
    pub(super) fn worst(mut self) -> Option<State> {
        use State::*;
        [Gap, Failing, Unwatched, Late, Covered].into_iter().find(|&state| *self.of(state) > 0)
    }

    /// Moves as many as there are, at most `most`, from one state to another.
    fn shift(&mut self, from: State, to: State, most: u32) {
        let moved = most.min(*self.of(from));
        *self.of(from) -= moved;
        *self.of(to) += moved;
    }

    /// A part of them: nobody knows which, so it is the worst.
    fn part(mut self, length: u32) -> Self {
        use State::*;
        let (mut part, mut left) = (Self::default(), length);
        for state in [Gap, Failing, Unwatched, Late, Covered] {
            let taken = left.min(*self.of(state));
            *part.of(state) = taken;
            left -= taken;
        }
        part
    }
}

impl AddAssign for Seconds {
    fn add_assign(&mut self, other: Self) {
        self.covered += other.covered;
        self.late += other.late;
        self.gap += other.gap;
        self.failing += other.failing;
        self.unwatched += other.unwatched;
    }
}

/// How what is not known yet is judged, by what time it is: each state holds from its second to that of the next.
///
/// | since the last report | state |
/// |---|---|
/// | the next visit is not due, or by no more than the grace | that of the last visit |
/// | it is overdue, and this program was not running | unwatched |
/// | it is overdue, and this program is running | late |
#[derive(Debug, Clone, Default)]
pub(super) struct Tail(Vec<(u32, State)>);

impl Tail {
    /// The tail after a visit; `running` since when this program runs.
    pub(super) fn after(visit: u32, ended: State, due: u32, running: u32) -> Self {
        let steps = [(visit, ended), (due.max(visit), State::Unwatched), (due.max(visit).max(running), State::Late)];
        Self(steps.into())
    }

    /// Before the first report.
    pub(super) fn none() -> Self {
        Self::default()
    }
}

/// A day or a quarter of an hour of which only sums are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Frozen {
    from: u32,
    to: u32,
    seconds: Seconds,
}

impl Frozen {
    /// For how long it is a part of a stretch.
    fn overlap(&self, from: u32, to: u32) -> u32 {
        self.to.min(to).saturating_sub(self.from.max(from))
    }

    /// Takes what is learned later of a part of it.
    fn learn(&mut self, evidence: Evidence, overlap: u32) {
        use State::*;
        let seconds = &mut self.seconds;
        if evidence.has(Evidence::READ) {
            // It is not known which of its seconds were failing: no more are taken for read than must have been.
            let unread = (self.to - self.from) - overlap;
            for state in [Failing, Unwatched] {
                let sure = seconds.of(state).saturating_sub(unread);
                seconds.shift(state, Late, sure);
            }
        }
        if evidence.has(Evidence::GAP) {
            seconds.shift(Unwatched, Gap, overlap);
            seconds.shift(Failing, Gap, overlap);
            seconds.shift(Covered, Late, overlap);
        } else if evidence.has(Evidence::FAILED) {
            seconds.shift(Unwatched, Failing, overlap);
            seconds.shift(Covered, Late, overlap);
        }
    }
}

/// What is known of a source's time.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Timeline {
    /// From each second on, to that of the next, this is known. The last one knows nothing.
    marks: Vec<(u32, Evidence)>,
    /// What lies before the first mark.
    frozen: Vec<Frozen>,
}

impl Timeline {
    /// Adds evidence about a stretch, its end excluded. What lies longer back than [`KEPT`], or more than a day ahead, is cut off.
    pub(super) fn add(&mut self, from: u32, to: u32, evidence: Evidence, now: u32, tz: &TimeZone) {
        let (from, to) = (from.max(now.saturating_sub(KEPT)), to.min(now.saturating_add(DAY)));
        if from >= to {
            return;
        }
        for part in self.frozen.iter_mut().filter(|part| part.overlap(from, to) > 0) {
            part.learn(evidence, part.overlap(from, to));
        }
        let from = from.max(self.frozen_to());
        if from < to {
            let (first, last) = (self.cut(from), self.cut(to));
            for (_, known) in &mut self.marks[first..last] {
                *known = *known | evidence;
            }
            self.marks.dedup_by_key(|(_, known)| *known);
        }
        self.bound(now, tz);
    }

    /// A gap that lies in a time that is kept as sums was closed; elsewhere [`Self::add`] does it.
    pub(super) fn close_frozen(&mut self, from: u32, to: u32) {
        for part in &mut self.frozen {
            let overlap = part.overlap(from, to);
            part.seconds.shift(State::Gap, State::Late, overlap);
        }
    }

    /// Up to where only sums are kept.
    fn frozen_to(&self) -> u32 {
        self.frozen.last().map_or(0, |part| part.to)
    }

    /// The place of the mark at a second, which is made where there is none.
    fn cut(&mut self, at: u32) -> usize {
        self.marks.binary_search_by_key(&at, |(from, _)| *from).unwrap_or_else(|place| {
            let known = place.checked_sub(1).map_or(Evidence::default(), |before| self.marks[before].1);
            self.marks.insert(place, (at, known));
            place
        })
    }

    /// Forgets what is too old, and keeps the rest within bounds.
    fn bound(&mut self, now: u32, tz: &TimeZone) {
        let oldest = now.saturating_sub(KEPT);
        self.frozen.retain(|part| part.to > oldest);
        if self.marks.first().is_some_and(|(from, _)| *from < oldest) {
            let place = self.cut(oldest);
            self.marks.drain(..place);
        }
        while self.marks.len() > MOST {
            let Some(&(from, _)) = self.marks.first() else { return };
            let midnight = midnight_after(from, tz);
            let by_day = midnight.saturating_add(BY_QUARTERS) <= now;
            let to = if by_day { midnight } else { midnight.min((from - from % QUARTER).saturating_add(QUARTER)) };
            if to.saturating_add(EXACT) > now {
                self.join();
                continue;
            }
            let mut seconds = Seconds::default();
            self.each(from, to, &Tail::none(), |state, length| *seconds.of(state) += length);
            self.frozen.push(Frozen { from, to, seconds });
            let place = self.cut(to);
            self.marks.drain(..place);
            self.fold(now, tz);
        }
    }

    /// Makes one of the quarters of a day that lies far enough back.
    fn fold(&mut self, now: u32, tz: &TimeZone) {
        let mut folded: Vec<Frozen> = Vec::with_capacity(self.frozen.len());
        let mut midnight = 0;
        for part in self.frozen.drain(..) {
            match folded.last_mut() {
                Some(day)
                    if day.to == part.from && part.to <= midnight && midnight.saturating_add(BY_QUARTERS) <= now =>
                {
                    day.to = part.to;
                    day.seconds += part.seconds;
                }
                _ => {
                    midnight = midnight_after(part.from, tz);
                    folded.push(part);
                }
            }
        }
        self.frozen = folded;
    }

    /// Joins neighbours in the older half.
    fn join(&mut self) {
        let half = self.marks.len() / 2;
        for pair in self.marks[..half].chunks_exact_mut(2) {
            let worse = pair[0].1.worse(pair[1].1);
            pair[0].1 = worse;
            pair[1].1 = worse;
        }
        self.marks.dedup_by_key(|(_, known)| *known);
    }

    /// Shows every stretch between two seconds, in order: what is known of it, or else what the tail says.
    fn each(&self, from: u32, to: u32, tail: &Tail, mut show: impl FnMut(State, u32)) {
        let mut at = from;
        let first = self.marks.partition_point(|(mark, _)| *mark <= from);
        let mut known = first.checked_sub(1).map_or(Evidence::default(), |before| self.marks[before].1);
        let mut marks = self.marks[first..].iter();
        while at < to {
            let mark = marks.next();
            let end = mark.map_or(to, |(mark, _)| (*mark).min(to));
            match known.state() {
                Some(state) => show(state, end - at),
                None => unknown(at, end, tail, &mut show),
            }
            at = end;
            known = mark.map_or(Evidence::default(), |(_, known)| *known);
        }
    }

    /// What the seconds between two moments come to.
    pub(super) fn seconds(&self, from: u32, to: u32, tail: &Tail) -> Seconds {
        let mut sums = Seconds::default();
        let mut at = from;
        for part in self.frozen.iter().filter(|part| part.overlap(from, to) > 0) {
            // Nothing is known of what lies before the first and between them.
            sums.unwatched += part.from.saturating_sub(at);
            sums += part.seconds.part(part.overlap(from, to));
            at = part.to.min(to);
        }
        self.each(at, to, tail, |state, length| *sums.of(state) += length);
        sums
    }

    /// The worst state of each stretch between one bound and the next, as letters.
    pub(super) fn grid(&self, bounds: &[u32], tail: &Tail) -> String {
        let worst = |pair: &[u32]| self.seconds(pair[0], pair[1], tail).worst().unwrap_or(State::Unwatched).letter();
        bounds.windows(2).map(worst).collect()
    }

    /// Of a stretch, the parts that were not read. Of what is kept as sums nobody can say.
    pub(super) fn unread(&self, from: u32, to: u32) -> Vec<(u32, u32)> {
        let mut parts: Vec<(u32, u32)> = Vec::new();
        let from = from.max(self.frozen_to());
        let mut at = from;
        self.each(from, to, &Tail::none(), |state, length| {
            if !matches!(state, State::Covered | State::Late) {
                match parts.last_mut().filter(|last| last.1 == at) {
                    Some(last) => last.1 += length,
                    None => parts.push((at, at + length)),
                }
            }
            at += length;
        });
        parts
    }
}

fn unknown(from: u32, to: u32, tail: &Tail, show: &mut impl FnMut(State, u32)) {
    let mut at = from;
    let ends = tail.0.iter().skip(1).map(|(from, _)| *from).chain([u32::MAX]);
    let begin = tail.0.first().map_or(u32::MAX, |(from, _)| *from);
    for (state, end) in [(State::Unwatched, begin)].into_iter().chain(tail.0.iter().map(|(_, state)| *state).zip(ends))
    {
        let end = end.clamp(at, to);
        if end > at {
            show(state, end - at);
            at = end;
        }
    }
}

/// The first midnight after a second.
pub(super) fn midnight_after(at: u32, tz: &TimeZone) -> u32 {
    let next = time(at).to_zoned_datetime(tz.clone()).tomorrow().and_then(|tomorrow| tomorrow.start_of_day());
    next.map_or(at.saturating_add(DAY), |next| second(next.timestamp())).max(at.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u32 = 1_795_000_000;

    fn add(timeline: &mut Timeline, ago: (u32, u32), evidence: Evidence) {
        timeline.add(NOW - ago.0, NOW - ago.1, evidence, NOW, &TimeZone::UTC);
    }

    fn last(timeline: &Timeline, seconds: u32) -> Seconds {
        timeline.seconds(NOW - seconds, NOW, &Tail::none())
    }

    /// The module's table, a row each.
    #[test]
    fn what_evidence_comes_to() {
        use Evidence as E;
        for (evidence, state) in [
            (E::READ | E::PROMISED, Some(State::Covered)),
            (E::READ, Some(State::Late)),
            (E::READ | E::PROMISED | E::FAILED, Some(State::Late)),
            (E::READ | E::PROMISED | E::GAP, Some(State::Late)),
            (E::GAP | E::FAILED | E::PROMISED, Some(State::Gap)),
            (E::FAILED | E::PROMISED, Some(State::Failing)),
            (E::PROMISED, None),
            (E::default(), None),
        ] {
            assert_eq!(evidence.state(), state, "{evidence:?}");
        }
    }

    #[test]
    fn what_was_read_later_is_late_and_no_longer_failing() {
        let mut timeline = Timeline::default();
        add(&mut timeline, (1_000, 0), Evidence::PROMISED);
        add(&mut timeline, (1_000, 600), Evidence::READ);
        add(&mut timeline, (600, 300), Evidence::FAILED);
        let before = Seconds { covered: 400, failing: 300, unwatched: 300, ..Seconds::default() };
        assert_eq!(last(&timeline, 1_000), before);
        add(&mut timeline, (600, 0), Evidence::READ);
        assert_eq!(last(&timeline, 1_000), Seconds { covered: 700, late: 300, ..Seconds::default() });
    }

    #[test]
    fn the_tail_is_judged_by_the_time() {
        let tail = Tail::after(NOW - 1_000, State::Covered, NOW - 800, NOW - 300);
        let sums = Timeline::default().seconds(NOW - 1_200, NOW, &tail);
        assert_eq!(sums, Seconds { covered: 200, late: 300, unwatched: 700, ..Seconds::default() });
        let never_stopped = Tail::after(NOW - 1_000, State::Failing, NOW - 800, NOW - 9_000);
        let sums = Timeline::default().seconds(NOW - 1_000, NOW, &never_stopped);
        assert_eq!(sums, Seconds { failing: 200, late: 800, ..Seconds::default() });
    }

    #[test]
    fn a_source_that_is_well_takes_no_space() {
        let mut timeline = Timeline::default();
        for minute in (0..40_000).rev() {
            let at = NOW - minute * 60;
            timeline.add(at - 60, at, Evidence::READ, at, &TimeZone::UTC);
            timeline.add(at, at + 180, Evidence::PROMISED, at, &TimeZone::UTC);
        }
        assert!(timeline.marks.len() < 6 && timeline.frozen.is_empty(), "{timeline:?}");
        assert_eq!(last(&timeline, 86_400), Seconds { covered: 86_400, ..Seconds::default() });
    }

    /// Every other visit fails, once a minute, for a month: the space stays bounded, the last day exact, and the sums whole.
    #[test]
    fn a_source_that_flaps_stays_within_bounds() {
        let mut timeline = Timeline::default();
        for number in (0..31 * 480).rev() {
            let at = NOW - number * 180;
            timeline.add(at, at + 60, Evidence::FAILED, at, &TimeZone::UTC);
            timeline.add(at + 60, at + 180, Evidence::READ | Evidence::PROMISED, at, &TimeZone::UTC);
        }
        assert!(timeline.marks.len() <= MOST + 2, "{}", timeline.marks.len());
        let month = last(&timeline, 30 * 86_400);
        assert_eq!(month.total(), 30 * 86_400);
        let share = f64::from(month.failing) / f64::from(month.total());
        // The month begins within a day that is a sum: what it has of it is the worst of it.
        assert!((0.333..0.340).contains(&share), "{share}: a third");
        assert!(timeline.frozen.len() < 31 + 4 * 25, "{}", timeline.frozen.len());
        // A later visit that reads all of it makes all of it late.
        add(&mut timeline, (31 * 86_400, 0), Evidence::READ);
        assert_eq!(last(&timeline, 30 * 86_400).failing, 0);
    }

    #[test]
    fn of_a_day_that_is_a_sum_no_more_is_read_than_must_have_been() {
        let seconds = Seconds { covered: 50_000, failing: 36_400, ..Seconds::default() };
        let day = Frozen { from: NOW - 3 * DAY, to: NOW - 2 * DAY, seconds };
        let mut timeline = Timeline { marks: Vec::new(), frozen: vec![day] };
        assert_eq!(
            timeline.seconds(NOW - 3 * DAY, NOW - 2 * DAY - 40_000, &Tail::none()).failing,
            36_400,
            "the worst of it"
        );
        add(&mut timeline, (3 * DAY, 2 * DAY + 30_000), Evidence::READ);
        let sums = timeline.frozen[0].seconds;
        assert_eq!((sums.covered, sums.failing, sums.late), (50_000, 30_000, 6_400));
    }

    #[test]
    fn the_unread_parts_of_a_stretch() {
        let mut timeline = Timeline::default();
        add(&mut timeline, (800, 600), Evidence::READ);
        add(&mut timeline, (500, 400), Evidence::FAILED);
        assert_eq!(timeline.unread(NOW - 1_000, NOW), [(NOW - 1_000, NOW - 800), (NOW - 600, NOW)]);
    }

    fn evidence() -> impl Strategy<Value = Evidence> {
        prop_oneof![Just(Evidence::READ), Just(Evidence::PROMISED), Just(Evidence::FAILED), Just(Evidence::GAP)]
    }

    proptest! {
        /// Reports of two workers come in any order, overlap, come twice: the outcome is the same, and every second has one
        /// state.
        #[test]
        fn the_order_does_not_matter(
            stretches in prop::collection::vec((0..200_000_u32, 0..20_000_u32, evidence()), 0..60),
            seed in any::<u64>(),
        ) {
            let fill = |stretches: &[(u32, u32, Evidence)]| {
                let mut timeline = Timeline::default();
                for &(ago, length, evidence) in stretches {
                    timeline.add(NOW - ago, (NOW - ago).saturating_add(length), evidence, NOW, &TimeZone::UTC);
                }
                timeline
            };
            let ordered = fill(&stretches);
            let mut shuffled = stretches.clone();
            shuffled.extend_from_slice(&stretches[..stretches.len() / 2]);
            shuffled.sort_by_key(|(ago, length, _)| (u64::from(*ago) << 20 | u64::from(*length)).wrapping_mul(seed | 1));
            let other = fill(&shuffled);
            for ago in [0_u32, 3_600, 86_400, 199_999] {
                let tail = Tail::after(NOW - ago, State::Failing, NOW - ago / 2, NOW - ago / 3);
                let sums = ordered.seconds(NOW - 86_400, NOW, &tail);
                prop_assert_eq!(sums, other.seconds(NOW - 86_400, NOW, &tail));
                prop_assert_eq!(sums.total(), 86_400);
            }
        }

        /// Whatever times reports state: nothing breaks, the sums hold, the space is bounded.
        #[test]
        fn absurd_times_do_no_harm(
            stretches in prop::collection::vec((any::<u32>(), any::<u32>(), evidence(), any::<u32>()), 0..80),
        ) {
            let mut timeline = Timeline::default();
            for (from, to, evidence, now) in stretches {
                timeline.add(from, to, evidence, now, &TimeZone::UTC);
                timeline.close_frozen(from.min(to), to.max(from));
            }
            let tail = Tail::after(u32::MAX, State::Covered, 0, u32::MAX);
            prop_assert_eq!(timeline.seconds(NOW - 86_400, NOW, &tail).total(), 86_400);
            prop_assert!(timeline.marks.len() <= MOST + 2);
            let bounds: Vec<u32> = (0..=96).map(|quarter| NOW - 86_400 + quarter * 900).collect();
            prop_assert_eq!(timeline.grid(&bounds, &tail).len(), 96);
        }

        /// Nothing that is not read may look as if it were.
        #[test]
        fn bounds_never_claim_more(stretches in prop::collection::vec((0..90_000_u32, 1..200_u32, evidence()), 700..1_500)) {
            let mut timeline = Timeline::default();
            let mut seconds = vec![Evidence::default(); 90_000];
            for (ago, length, evidence) in stretches {
                timeline.add(NOW - ago, NOW - ago + length, evidence, NOW, &TimeZone::UTC);
                for second in &mut seconds[ago.saturating_sub(length) as usize..ago as usize] {
                    *second = *second | evidence;
                }
            }
            let truly = |state| seconds[..86_400].iter().filter(|known| known.state() == Some(state)).count() as u32;
            let sums = last(&timeline, 86_400);
            prop_assert!(sums.covered + sums.late <= truly(State::Covered) + truly(State::Late));
            prop_assert!(sums.covered <= truly(State::Covered));
        }
    }
}
