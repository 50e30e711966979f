//! Follows the entries of the list from snapshot to snapshot, and tells those that rise. The table of what is told is in [`super`].

use super::{
    file::Snapshot,
    judge::ON,
    odds::{Odds, Place},
};
use std::collections::BTreeMap;

/// An entry that was off the list for longer, in seconds, begins anew.
pub const AWAY: i64 = 6 * 3_600;
/// It rises from so many times the heat that it had when it came.
pub const ROSE: f64 = 1.2;
/// What has not gone on after so long, in seconds, did not; nor what is off the list for [`LEFT`].
const SETTLED: i64 = 24 * 3_600;
const LEFT: i64 = 3 * 3_600;

/// One stay of an entry on the list, with all of its readings.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    /// What it is called.
    pub title: String,
    /// Second and heat of each reading, in order; never empty.
    pub readings: Vec<(i64, u64)>,
    /// Where it was told, by the number of the reading, and the odds that it went on.
    pub flag: Option<(usize, f64)>,
}

impl Life {
    /// The heat with which it came.
    #[must_use]
    pub fn first(&self) -> u64 {
        self.readings.first().map_or(0, |(_, heat)| *heat)
    }

    /// The highest heat from a reading on.
    #[must_use]
    pub fn peak(&self, from: usize) -> u64 {
        self.readings.iter().skip(from).map(|(_, heat)| *heat).max().unwrap_or(0)
    }
}

/// A rise of which it is not known yet whether it went on.
#[derive(Debug, Clone)]
struct Open {
    at: i64,
    place: Place,
}

/// Everything that was on the list.
#[derive(Debug, Clone)]
pub struct Watch {
    line: f64,
    odds: Odds,
    /// Of each title the lives, the newest last, and the open rises of that one.
    entries: BTreeMap<String, (Vec<Life>, Vec<Open>)>,
}

impl Watch {
    /// Tells rises whose odds to go on are so high or higher.
    #[must_use]
    pub fn new(line: f64) -> Self {
        Self { line, odds: Odds::default(), entries: BTreeMap::new() }
    }

    /// Takes in a snapshot. Rises are judged by what was settled before it.
    pub fn take(&mut self, snapshot: &Snapshot) {
        self.settle(snapshot);
        let count = snapshot.entries.len().max(1) as f64;
        for (rank, entry) in snapshot.entries.iter().enumerate() {
            let (lives, open) = self.entries.entry(entry.title.clone()).or_default();
            let begins =
                lives.last().and_then(|life| life.readings.last()).is_none_or(|(last, _)| snapshot.at - last > AWAY);
            if begins {
                lives.push(Life { title: entry.title.clone(), readings: vec![(snapshot.at, entry.heat)], flag: None });
                continue;
            }
            let Some(life) = lives.last_mut() else { continue };
            let rises = entry.heat > life.peak(0) && entry.heat as f64 >= ROSE * life.first() as f64;
            life.readings.push((snapshot.at, entry.heat));
            if !rises {
                continue;
            }
            let place = Place { hour: snapshot.hour, heat: entry.heat, rank: rank as f64 / count };
            let odds = self.odds.of(place);
            if life.flag.is_none() && odds >= self.line {
                life.flag = Some((life.readings.len() - 1, odds));
            }
            open.push(Open { at: snapshot.at, place });
        }
    }

    /// Learns from the rises of which this snapshot says what became.
    fn settle(&mut self, snapshot: &Snapshot) {
        let heat: BTreeMap<&str, u64> =
            snapshot.entries.iter().map(|entry| (entry.title.as_str(), entry.heat)).collect();
        for (title, (lives, open)) in &mut self.entries {
            let heat = heat.get(title.as_str()).copied().unwrap_or(0);
            let last = lives.last().and_then(|life| life.readings.last()).map_or(0, |(at, _)| *at);
            let left = heat == 0 && snapshot.at - last > LEFT;
            open.retain(|rise| {
                let went_on = heat as f64 >= ON * rise.place.heat as f64;
                let settled = went_on || left || snapshot.at - rise.at > SETTLED;
                if settled {
                    self.odds.learn(rise.place, went_on);
                }
                !settled
            });
        }
    }

    /// Every life, in order of the titles.
    pub fn lives(&self) -> impl Iterator<Item = &Life> {
        self.entries.values().flat_map(|(lives, _)| lives)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::file::Entry, *};

    /// One entry among forty that stand still, a snapshot every half hour; none where it is off the list.
    fn flag(heat: &[u64], line: f64) -> Option<usize> {
        let lives = lives(heat, line);
        assert_eq!(lives.len(), 1);
        lives[0].flag.map(|(reading, _)| reading)
    }

    fn lives(heat: &[u64], line: f64) -> Vec<Life> {
        let mut watch = Watch::new(line);
        for (step, &heat) in (0_i64..).zip(heat) {
            let still = (0..40).map(|number| Entry { title: format!("其他 {number}"), heat: 1_000 });
            let own = (heat > 0).then(|| Entry { title: "本条".into(), heat });
            watch.take(&Snapshot { at: step * 1_800, hour: 9.0, entries: still.chain(own).collect() });
        }
        watch.lives().filter(|life| life.title == "本条").cloned().collect()
    }

    #[test]
    fn the_table_holds() {
        assert_eq!(flag(&[1_000], 0.0), None, "nothing is known of what has just come");
        assert_eq!(flag(&[1_000, 1_100, 1_190], 0.0), None, "it hardly rises");
        assert_eq!(flag(&[1_000, 800, 1_000, 900], 0.0), None, "it falls, and comes back to where it was");
        assert_eq!(flag(&[1_000, 1_100, 1_300, 2_000], 0.0), Some(2), "told once, with its first rise");
        assert_eq!(flag(&[1_000, 2_000, 3_000], 0.9), None, "nobody knows that it goes on");
    }

    #[test]
    fn what_was_away_for_long_begins_anew() {
        let away = [0; 13];
        let lives = lives(&[&[1_000_u64, 3_000][..], &away, &[2_000, 2_100]].concat(), 0.0);
        assert_eq!(lives.iter().map(|life| life.flag.is_some()).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn rises_that_go_on_and_on_raise_the_odds_of_the_next() {
        let mut watch = Watch::new(0.6);
        let told = |watch: &Watch, title: &str| watch.lives().any(|life| life.title == title && life.flag.is_some());
        for day in 0..30_i64 {
            for step in 0..6 {
                let heat = 50_000 * 2_u64.pow(step);
                let entries = vec![Entry { title: format!("第 {day} 天"), heat }];
                watch.take(&Snapshot { at: day * 86_400 + i64::from(step) * 1_800, hour: 6.0, entries });
            }
        }
        assert!(!told(&watch, "第 0 天") && told(&watch, "第 29 天"));
    }

    #[test]
    fn nothing_of_what_comes_later_enters() {
        let heat = [1_000, 1_500, 1_600, 2_500, 900, 3_000];
        for cut in 1..heat.len() {
            let (part, whole) = (flag(&heat[..cut], 0.0), flag(&heat, 0.0));
            assert!(part.is_none() || part == whole);
        }
    }
}
