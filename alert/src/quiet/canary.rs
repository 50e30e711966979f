//! The canary: a marked post that is handed in at the real door and must come out of the search, door → log → understanding → archive → search.
//!
//! | canary | time | outcome |
//! |---|---|---|
//! | none is out | the next one is not due | nothing |
//! | none is out | it is due; at the first look `every` from now | one is handed in |
//! | out, and the door has not taken it | within its time | it is handed in again, under the same id |
//! | out, and the door has taken it | within its time | it is looked for |
//! | out | found | well: it is out no more, and what was told of is over |
//! | out | its time has passed | failed at the stage where it was seen last: told once, until one comes out again |
//! | out | the clock has gone back behind its beginning | forgotten: how long it took cannot be said |
//! | none wanted any more, but some told of | any | over |

use jiff::{SignedDuration, Timestamp};
use schemas::kit::settings;
use serde::{Deserialize, Serialize};

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// One each time; none where it is nought.
    every: SignedDuration,
    /// It must be found within.
    within: SignedDuration,
}

impl Rules {
    /// The rules of a config.
    #[must_use]
    pub fn of(settings: &settings::Canary) -> Self {
        let time = |time| SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
        Self { every: time(settings.every), within: time(settings.within) }
    }

    /// Whether there are canaries at all.
    #[must_use]
    pub fn are_on(self) -> bool {
        !self.every.is_zero()
    }
}

/// A canary that is out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Out {
    /// The source's own id of the post.
    pub id: String,
    /// When it was first handed in.
    pub at: Timestamp,
    /// Whether the door has taken it.
    pub taken: bool,
    /// What was said where it was seen last.
    pub said: String,
}

/// What is remembered of canaries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Canaries {
    /// The one that is out.
    pub out: Option<Out>,
    /// When the next one is due.
    pub next_at: Option<Timestamp>,
    /// Those that came out since the last daily message.
    pub ok: u64,
    /// Those that did not.
    pub failed: u64,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Rest,
    /// Hand in the post of this id, made then.
    HandIn(String, Timestamp),
    /// Look for the post of this id.
    Look(String),
    /// It did not come out: since when, and what was seen last.
    Failed(Timestamp, String),
}

impl Canaries {
    /// What is to be done now, by the module's table.
    pub fn step(&mut self, rules: Rules, now: Timestamp) -> Step {
        if !rules.are_on() {
            (self.out, self.next_at) = (None, None);
            return Step::Rest;
        }
        let after = |at: Timestamp| at.saturating_add(rules.every).unwrap_or(Timestamp::MAX);
        if self.out.as_ref().is_some_and(|out| out.at > now) {
            self.out = None;
        }
        if let Some(out) = &self.out {
            if now.duration_since(out.at) > rules.within {
                let failed = Step::Failed(out.at, out.last_seen());
                self.failed += 1;
                self.out = None;
                return failed;
            }
            return if out.taken { Step::Look(out.id.clone()) } else { Step::HandIn(out.id.clone(), out.at) };
        }
        let next = *self.next_at.get_or_insert_with(|| after(now));
        // A clock that was set back must not put the next one off for long.
        if next > now && next <= after(now) {
            return Step::Rest;
        }
        self.next_at = Some(after(now));
        let id = now.strftime("%Y%m%dT%H%M").to_string();
        self.out = Some(Out { id: id.clone(), at: now, taken: false, said: String::new() });
        Step::HandIn(id, now)
    }

    /// What the door said.
    pub fn handed_in(&mut self, said: Result<(), String>) {
        let Some(out) = &mut self.out else { return };
        match said {
            Ok(()) => (out.taken, out.said) = (true, String::new()),
            Err(said) => out.said = said,
        }
    }

    /// What the search said; how long it took where it was found.
    pub fn looked(&mut self, found: Result<bool, String>, now: Timestamp) -> Option<SignedDuration> {
        match found {
            Ok(true) => {
                self.ok += 1;
                self.out.take().map(|out| now.duration_since(out.at))
            }
            Ok(false) => {
                if let Some(out) = &mut self.out {
                    out.said.clear();
                }
                None
            }
            Err(said) => {
                if let Some(out) = &mut self.out {
                    out.said = said;
                }
                None
            }
        }
    }
}

impl Out {
    /// Where it was seen last, as people read it.
    fn last_seen(&self) -> String {
        match (self.taken, self.said.is_empty()) {
            (false, true) => "未能交入口 (ingest)".to_owned(),
            (false, false) => format!("入口 (ingest) 未接收: {}", self.said),
            (true, true) => "入口已接收并落盘, 检索中未出现: 分析 (analyze) 停顿或落后".to_owned(),
            (true, false) => format!("入口已接收并落盘, 检索 (analyze) 无应答: {}", self.said),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    const RULES: Rules = Rules { every: SignedDuration::from_mins(5), within: SignedDuration::from_mins(2) };

    /// The module's table, a row each.
    #[test]
    fn from_the_door_to_the_search() {
        let mut canaries = Canaries::default();
        let step = |canaries: &mut Canaries, second| canaries.step(RULES, at(second));
        assert_eq!(step(&mut canaries, 0), Step::Rest);
        assert_eq!(step(&mut canaries, 299), Step::Rest);
        let Step::HandIn(id, made) = step(&mut canaries, 300) else { panic!() };
        assert_eq!(made, at(300));
        canaries.handed_in(Err("HTTP 503".into()));
        assert_eq!(step(&mut canaries, 301), Step::HandIn(id.clone(), at(300)), "again, and it is the same post");
        canaries.handed_in(Ok(()));
        assert_eq!(step(&mut canaries, 302), Step::Look(id.clone()));
        assert_eq!(canaries.looked(Ok(false), at(302)), None);
        assert_eq!(canaries.looked(Ok(true), at(304)), Some(SignedDuration::from_secs(4)));
        assert_eq!(step(&mut canaries, 305), Step::Rest);
        assert_eq!((canaries.ok, canaries.failed), (1, 0));
        assert!(matches!(step(&mut canaries, 600), Step::HandIn(other, _) if other != id));
        canaries.handed_in(Ok(()));
        assert!(matches!(step(&mut canaries, 720), Step::Look(_)));
        assert!(
            matches!(step(&mut canaries, 721), Step::Failed(since, said) if since == at(600) && said.contains("analyze"))
        );
        assert_eq!(step(&mut canaries, 722), Step::Rest);
        assert_eq!((canaries.ok, canaries.failed), (1, 1));
        assert!(matches!(step(&mut canaries, 900), Step::HandIn(..)));
        assert!(
            matches!(step(&mut canaries, 0), Step::HandIn(..)),
            "the clock has gone back: the next one is not put off"
        );
        let off = Rules { every: SignedDuration::ZERO, ..RULES };
        assert_eq!(canaries.step(off, at(9_000)), Step::Rest);
    }

    #[test]
    fn where_it_was_seen_last() {
        for (taken, said, words) in [
            (false, "", "未能交入口"),
            (false, "HTTP 503", "入口 (ingest) 未接收: HTTP 503"),
            (true, "", "检索中未出现"),
            (true, "HTTP 502", "无应答: HTTP 502"),
        ] {
            let out = Out { id: "x".into(), at: at(0), taken, said: said.into() };
            assert!(out.last_seen().contains(words), "{}", out.last_seen());
        }
    }

    proptest! {
        /// However time moves and whatever is answered: at most one is out, and each that was out has failed or come out.
        #[test]
        fn each_comes_out_or_fails(moves in proptest::collection::vec((0..200_i64, 0..4_u8), 1..200)) {
            let (mut canaries, mut now, mut begun) = (Canaries::default(), 0, 0_u64);
            for (seconds, answer) in moves {
                now += seconds;
                let had = canaries.out.clone();
                match canaries.step(RULES, at(now)) {
                    Step::HandIn(..) => {
                        begun += u64::from(had.is_none());
                        canaries.handed_in(if answer == 0 { Err("x".into()) } else { Ok(()) });
                    }
                    Step::Look(_) => { canaries.looked(if answer == 1 { Err("x".into()) } else { Ok(answer == 2) }, at(now)); }
                    Step::Rest | Step::Failed(..) => {}
                }
                prop_assert_eq!(begun, canaries.ok + canaries.failed + u64::from(canaries.out.is_some()));
            }
        }
    }
}
