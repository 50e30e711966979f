//! What goes wrong with a request. Pure: the moment and the dice come in.
//!
//! | what is set | what the caller meets, the first that applies |
//! |---|---|
//! | `down` | a connection that is closed without a word |
//! | `robots_broken` | 503 for `/robots.txt` |
//! | (`/robots.txt` and `/login` meet nothing of what follows) | the page |
//! | `rate` | 429 with `Retry-After: 1` when so many requests came in this second |
//! | `errors`, `resets`, `stalls` | with this probability each: 5xx; half a page and a closed connection; half a page and then nothing |
//! | `login` | a redirect to a page that asks for a password |
//! | `emptied` | the page without anything that a selector could match |
//! | `shifts` | the page; but with this probability rows have moved since the page before it (`life::shift`) |
//! | `clock_skew` | all answers are dated so much later |

use crate::dice::Dice;
use jiff::{SignedDuration, Timestamp};

/// What goes wrong. Nothing does to begin with.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    /// No answer at all.
    pub down: bool,
    /// `robots.txt` cannot be read.
    pub robots_broken: bool,
    /// Requests that are answered in a second.
    pub rate: Option<u32>,
    /// The share of requests that meet a 5xx.
    pub errors: f64,
    /// The share of answers that break off.
    pub resets: f64,
    /// The share of answers that never end.
    pub stalls: f64,
    /// Everything asks for a log-in.
    pub login: bool,
    /// Pages have another layout.
    pub emptied: bool,
    /// How often rows move between two pages of one walk.
    pub shifts: f64,
    /// How much the site's clock is ahead.
    pub clock_skew: SignedDuration,
}

/// What a request meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Answer,
    Closed,
    Refused(u16),
    TooMany,
    Reset,
    Stall,
    Login,
    Emptied,
}

/// The requests so far.
#[derive(Debug, Default)]
pub(super) struct Load {
    pub(super) requests: u64,
    pub(super) spoilt: u64,
    second: i64,
    in_second: u32,
}

impl Load {
    /// What the next request, for a page at this path, meets.
    pub(super) fn fate(&mut self, faults: &Faults, path: &str, now: Timestamp, dice: &mut Dice) -> Fate {
        self.requests += 1;
        if self.second != now.as_second() {
            (self.second, self.in_second) = (now.as_second(), 0);
        }
        self.in_second += 1;
        let fate = self.judge(faults, path, dice);
        self.spoilt += u64::from(fate != Fate::Answer);
        fate
    }

    fn judge(&self, faults: &Faults, path: &str, dice: &mut Dice) -> Fate {
        if faults.down {
            return Fate::Closed;
        }
        if matches!(path, "/robots.txt" | "/login") {
            let is_broken = faults.robots_broken && path == "/robots.txt";
            return if is_broken { Fate::Refused(503) } else { Fate::Answer };
        }
        if faults.rate.is_some_and(|rate| self.in_second > rate) {
            return Fate::TooMany;
        }
        if dice.chance(faults.errors) {
            return Fate::Refused([500, 502, 503, 504][dice.below(4)]);
        }
        if dice.chance(faults.resets) {
            return Fate::Reset;
        }
        if dice.chance(faults.stalls) {
            return Fate::Stall;
        }
        match (faults.login, faults.emptied) {
            (true, _) => Fate::Login,
            (_, true) => Fate::Emptied,
            _ => Fate::Answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fate(faults: &Faults, path: &str) -> Fate {
        Load::default().fate(faults, path, Timestamp::UNIX_EPOCH, &mut Dice::new(1))
    }

    #[test]
    fn each_row_of_the_table() {
        let all = Faults {
            down: true,
            robots_broken: true,
            errors: 1.0,
            resets: 1.0,
            stalls: 1.0,
            login: true,
            emptied: true,
            ..Faults::default()
        };
        let mut faults = all;
        assert_eq!(fate(&faults, "/robots.txt"), Fate::Closed);
        faults.down = false;
        assert_eq!(fate(&faults, "/robots.txt"), Fate::Refused(503));
        assert_eq!(fate(&faults, "/login"), Fate::Answer);
        assert!(matches!(fate(&faults, "/new"), Fate::Refused(500..=504)));
        faults.errors = 0.0;
        assert_eq!(fate(&faults, "/new"), Fate::Reset);
        faults.resets = 0.0;
        assert_eq!(fate(&faults, "/new"), Fate::Stall);
        faults.stalls = 0.0;
        assert_eq!(fate(&faults, "/new"), Fate::Login);
        faults.login = false;
        assert_eq!(fate(&faults, "/new"), Fate::Emptied);
        assert_eq!(fate(&Faults::default(), "/new"), Fate::Answer);
    }

    #[test]
    fn so_many_requests_are_answered_in_a_second() {
        let faults = Faults { rate: Some(2), ..Faults::default() };
        let (mut load, mut dice) = (Load::default(), Dice::new(1));
        let mut ask = |second| load.fate(&faults, "/new", Timestamp::from_second(second).unwrap(), &mut dice);
        assert_eq!([ask(1), ask(1), ask(1), ask(2)], [Fate::Answer, Fate::Answer, Fate::TooMany, Fate::Answer]);
        assert_eq!((load.requests, load.spoilt), (4, 1));
    }
}
