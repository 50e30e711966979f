//! Which level a matter has, and why.
//!
//! A level is reached when any of its figures is. Where `[policy.level.X]` gives a figure, it stands in place of the
//! default:
//!
//! | level | posts since the rise began | likes, replies, reposts | 5 minutes, times the expectation | surprise | 5 minutes, times the mean of the hour before |
//! |---|---|---|---|---|---|
//! | 蓝 IV | any rise | | | | |
//! | 黄 III | 50 | 500 | 20 | 40 | 10 |
//! | 橙 II | 200 | 5,000 | 60 | 150 | 30 |
//! | 红 I | 1,000 | 50,000 | 200 | 600 | |
//!
//! * The multiple is taken of at least one expected post: fifteen posts on a topic that is silent otherwise are a rise, not
//!   150 times anything.
//! * Growth counts from 30 posts in five minutes on.
//! * Where `[policy.weight]` gives the matter's class a weight, its posts and its reach count so many times.
//! * When three of five of at least 30 posts are negative, the level is one higher, up to 橙 II: red is for figures, not for
//!   tone. `[policy.negative]` sets it otherwise.

use schemas::{
    kit::settings::{LevelRule, Policy, Tone},
    records::{Incident, Level, Pulse},
};
use std::collections::BTreeMap;

/// What a level is judged by.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Figures {
    /// First-seen posts since the rise began.
    pub count: u64,
    /// Likes, replies and reposts.
    pub reach: u64,
    /// The five-minute count.
    pub recent: u64,
    /// What was expected of it.
    pub expected: f64,
    /// -log10 of the probability of so much.
    pub surprise: f64,
    /// Negative share, 0 to 1.
    pub negative: f64,
    /// The five-minute count as a multiple of the mean of the hour before it; nought where that is not known.
    pub growth: f64,
}

impl Figures {
    /// The figures of a pulse; its count is that of its own rise.
    #[must_use]
    pub fn of(pulse: &Pulse) -> Self {
        let window = pulse.windows.iter().find(|window| window.seconds == 300).or(pulse.windows.last());
        Self {
            count: pulse.spike.as_ref().map_or(0, |spike| spike.count),
            reach: pulse.reach,
            recent: window.map_or(0, |window| window.count),
            expected: finite(window.map_or(0.0, |window| window.expected)),
            surprise: finite(pulse.windows.iter().map(|window| window.surprise).fold(0.0, f64::max)),
            negative: finite(pulse.negative_share).clamp(0.0, 1.0),
            growth: growth(pulse).unwrap_or(0.0),
        }
    }

    /// The same, for all the rises that the incident holds.
    #[must_use]
    pub fn with(self, incident: &Incident) -> Self {
        Self { count: incident.count, surprise: incident.surprise.max(self.surprise), ..self }
    }

    fn factor(&self) -> f64 {
        self.recent as f64 / self.expected.max(1.0)
    }
}

/// Of at least one post in five minutes before.
fn growth(pulse: &Pulse) -> Option<f64> {
    let count = |seconds| pulse.windows.iter().find(|window| window.seconds == seconds).map(|window| window.count);
    let (recent, hour) = (count(300)?, count(3600)?);
    let before = hour.saturating_sub(recent) as f64 / 11.0;
    Some(recent as f64 / before.max(1.0))
}

/// JSON has no infinity, but a writer's bug must not become a reader's.
fn finite(number: f64) -> f64 {
    if number.is_finite() { number.max(0.0) } else { 0.0 }
}

/// The levels' thresholds for a topic.
#[derive(Debug, Clone)]
pub struct Thresholds {
    rules: [(Level, LevelRule); 3],
    weight: BTreeMap<String, f64>,
    tone: Tone,
}

const ENOUGH_TO_GROW: u64 = 30;

impl Default for Thresholds {
    fn default() -> Self {
        let rule = |count, reach, factor, surprise, growth| LevelRule {
            count: Some(count),
            reach: Some(reach),
            factor: Some(factor),
            surprise: Some(surprise),
            growth,
        };
        let rules = [
            (Level::I, rule(1_000, 50_000, 200.0, 600.0, None)),
            (Level::II, rule(200, 5_000, 60.0, 150.0, Some(30.0))),
            (Level::III, rule(50, 500, 20.0, 40.0, Some(10.0))),
        ];
        Self { rules, weight: BTreeMap::new(), tone: Tone::default() }
    }
}

impl Thresholds {
    /// The defaults, with what a policy says in their place.
    #[must_use]
    pub fn of(policy: Option<&Policy>) -> Self {
        let mut thresholds = Self::default();
        for (level, rule) in &mut thresholds.rules {
            if let Some(said) = policy.and_then(|policy| policy.level.get(level)) {
                rule.count = said.count.or(rule.count);
                rule.reach = said.reach.or(rule.reach);
                rule.factor = said.factor.or(rule.factor);
                rule.surprise = said.surprise.or(rule.surprise);
                rule.growth = said.growth.or(rule.growth);
            }
        }
        if let Some(policy) = policy {
            (thresholds.weight, thresholds.tone) = (policy.weight.clone(), policy.negative);
        }
        thresholds
    }

    /// What a class weighs: what is said of it, or of the class around it.
    fn weight(&self, category: Option<&str>) -> Option<(&str, f64)> {
        let mut class = category?;
        loop {
            if let Some((class, weight)) = self.weight.get_key_value(class) {
                return Some((class, *weight));
            }
            class = class.rsplit_once('/')?.0;
        }
    }

    /// The level of a matter of a class, and why in words.
    #[must_use]
    pub fn judge(&self, figures: &Figures, category: Option<&str>) -> (Level, String) {
        let weighed = self.weight(category);
        let weight = weighed.map_or(1.0, |(_, weight)| weight);
        let heavy = |figure: u64| (figure as f64 * weight) as u64;
        let figures = &Figures { count: heavy(figures.count), reach: heavy(figures.reach), ..*figures };
        let reached = self.rules.iter().find_map(|(level, rule)| Some((*level, reached(rule, figures)?)));
        let (mut level, mut why) = reached.unwrap_or_else(|| (Level::IV, format!("热度上升, 共 {} 条", figures.count)));
        if let Some((class, weight)) = weighed {
            why += &format!("; {class} 权重 {weight}, 条数与互动按此折算");
        }
        let tone = self.tone;
        if figures.negative >= tone.share && figures.count >= tone.count && level < tone.up_to {
            level = next(level);
            why += &format!("; 负面占 {:.0}%, 升一级", figures.negative * 100.0);
        }
        why += &format!("; 5 分钟 {} 条, 预期 {:.1} 条", figures.recent, figures.expected);
        (level, format!("{}: {why}", level_name(level)))
    }
}

fn next(level: Level) -> Level {
    match level {
        Level::IV => Level::III,
        Level::III => Level::II,
        Level::II | Level::I => Level::I,
    }
}

/// Which figure reaches the level, in words.
fn reached(rule: &LevelRule, figures: &Figures) -> Option<String> {
    let factor = figures.factor();
    match rule {
        LevelRule { count: Some(line), .. } if figures.count >= *line => {
            Some(format!("共 {} 条, 达到 {line} 条", figures.count))
        }
        LevelRule { reach: Some(line), .. } if figures.reach >= *line => {
            Some(format!("互动 {} 次, 达到 {line} 次", figures.reach))
        }
        LevelRule { factor: Some(line), .. } if factor >= *line => {
            Some(format!("5 分钟为预期的 {factor:.0} 倍, 达到 {line:.0} 倍"))
        }
        LevelRule { surprise: Some(line), .. } if figures.surprise >= *line => {
            Some(format!("异常度 {:.0}, 达到 {line:.0}", figures.surprise))
        }
        LevelRule { growth: Some(line), .. } if figures.growth >= *line && figures.recent >= ENOUGH_TO_GROW => {
            Some(format!("5 分钟为前一小时均值的 {:.0} 倍, 达到 {line:.0} 倍", figures.growth))
        }
        _ => None,
    }
}

/// The level as a person reads it.
#[must_use]
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::IV => "蓝色 IV 级",
        Level::III => "黄色 III 级",
        Level::II => "橙色 II 级",
        Level::I => "红色 I 级",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(figures: Figures) -> Level {
        Thresholds::default().judge(&figures, None).0
    }

    /// The module's table: just below each line, and on it.
    #[test]
    fn every_figure_reaches_its_level() {
        for (wanted, below, [count, reach, factor, surprise]) in [
            (Level::III, Level::IV, [50, 500, 20, 40]),
            (Level::II, Level::III, [200, 5_000, 60, 150]),
            (Level::I, Level::II, [1_000, 50_000, 200, 600]),
        ] {
            for (on, under) in [
                (Figures { count, ..Figures::default() }, Figures { count: count - 1, ..Figures::default() }),
                (Figures { reach, ..Figures::default() }, Figures { reach: reach - 1, ..Figures::default() }),
                (
                    Figures { recent: factor, ..Figures::default() },
                    Figures { recent: factor - 1, ..Figures::default() },
                ),
                (
                    Figures { surprise: surprise as f64, ..Figures::default() },
                    Figures { surprise: surprise as f64 - 0.1, ..Figures::default() },
                ),
            ] {
                assert_eq!((level(on), level(under)), (wanted, below), "{on:?}");
            }
        }
        assert_eq!(level(Figures { count: 15, ..Figures::default() }), Level::IV);
    }

    #[test]
    fn a_silent_topic_does_not_make_a_multiple() {
        assert_eq!(level(Figures { count: 15, recent: 15, expected: 0.01, ..Figures::default() }), Level::IV);
        assert_eq!(level(Figures { count: 40, recent: 40, expected: 2.0, ..Figures::default() }), Level::III);
    }

    #[test]
    fn tone_raises_by_one_but_never_to_red() {
        let angry = |count| Figures { count, negative: 0.6, ..Figures::default() };
        assert_eq!(level(angry(29)), Level::IV, "too few to judge the tone");
        assert_eq!(level(angry(30)), Level::III);
        assert_eq!(level(angry(50)), Level::II);
        assert_eq!(level(angry(999)), Level::II);
        assert_eq!(level(Figures { negative: 0.59, ..angry(30) }), Level::IV);
    }

    #[test]
    fn a_policy_replaces_the_figures_that_it_gives() {
        let policy: Policy = toml::from_str("[level.I]\ncount = 10\n[level.III]\nreach = 1\n").unwrap();
        let thresholds = Thresholds::of(Some(&policy));
        assert_eq!(thresholds.judge(&Figures { count: 10, ..Figures::default() }, None).0, Level::I);
        assert_eq!(thresholds.judge(&Figures { reach: 1, ..Figures::default() }, None).0, Level::III);
        assert_eq!(
            thresholds.judge(&Figures { reach: 50_000, ..Figures::default() }, None).0,
            Level::I,
            "the default stands"
        );
    }

    #[test]
    fn a_class_that_weighs_more_reaches_a_level_sooner() {
        let policy: Policy = toml::from_str("[weight]\n\"城乡建设\" = 2.0\n\"城乡建设/供水\" = 4.0\n").unwrap();
        let thresholds = Thresholds::of(Some(&policy));
        let of = |category| thresholds.judge(&Figures { count: 20, ..Figures::default() }, category);
        assert_eq!(of(None).0, Level::IV);
        assert_eq!(of(Some("城乡建设/物业")).0, Level::IV, "40");
        let (level, why) = of(Some("城乡建设/供水/停水"));
        assert_eq!(level, Level::III, "80");
        assert!(why.contains("城乡建设/供水 权重 4"), "{why}");
    }

    #[test]
    fn a_steep_rise_reaches_a_level_before_its_count_does() {
        let mut pulse = crate::samples::pulse("water");
        let window = pulse.windows[0];
        let mut grown = |recent, hour| {
            pulse.windows = vec![
                schemas::records::Window { count: recent, ..window },
                schemas::records::Window { seconds: 3600, count: hour, ..window },
            ];
            let figures = Figures { expected: 1e6, surprise: 0.0, negative: 0.0, ..Figures::of(&pulse) };
            level(figures)
        };
        assert_eq!(grown(30, 30 + 33), Level::III, "ten times three in five minutes");
        assert_eq!(grown(30, 30 + 34), Level::IV);
        assert_eq!(grown(29, 29), Level::IV, "too few to speak of growth");
        assert_eq!(grown(30, 30), Level::II, "thirty times one");
    }

    #[test]
    fn the_tone_can_be_set() {
        let policy: Policy = toml::from_str("[negative]\nshare = 0.9\ncount = 5\nup_to = \"I\"\n").unwrap();
        let thresholds = Thresholds::of(Some(&policy));
        let of = |negative, count| thresholds.judge(&Figures { negative, count, ..Figures::default() }, None).0;
        assert_eq!((of(0.89, 300), of(0.9, 300), of(0.9, 4)), (Level::II, Level::I, Level::IV));
    }

    #[test]
    fn it_says_why() {
        let figures = Figures { count: 62, recent: 18, expected: 1.5, negative: 0.875, ..Figures::default() };
        let (_, why) = Thresholds::default().judge(&figures, None);
        assert_eq!(why, "橙色 II 级: 共 62 条, 达到 50 条; 负面占 88%, 升一级; 5 分钟 18 条, 预期 1.5 条");
    }
}
