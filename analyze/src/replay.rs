//! `wanglou replay`: history through understanding and trend, with the posts' own times as the clock: what would have been
//! paged, and when.
//!
//! The clock moves in steps. Without new posts little can happen, and between two posts there may be weeks:
//!
//! | now | the next step |
//! |---|---|
//! | something rises | a second, as a running instance's |
//! | posts came within [`SETTLED`] | a minute: what they began, joined or divided is seen |
//! | the next post is as near as [`ANEW`] | the next hour, with which every topic learns anew |
//! | else | on to [`ANEW`] before the next post: what is learned is learned from the whole history each time, so that of hours in which nothing came in the last ones are enough |
//! | an emerging topic ends before | as far as that |
//!
//! Steps are whole minutes from the last post on, so that everything has the same time as if each minute had been looked at.

use crate::{
    pipeline::clusters::{Clusters, Coming, passed_on},
    query::Facts,
    trend::{Config, Emerged, Trend},
    understand::Understanding,
};
use jiff::{SignedDuration, Timestamp};
use schemas::{
    log::Position,
    records::{AnalyzedPost, DoorPost, Phase, Pulse, Record, Spike, Verdict, post_id},
};
use serde::Serialize;
use std::collections::{HashMap, HashSet};

/// The clock moves in steps of this length, as the ticks of a running instance do.
const STEP: SignedDuration = SignedDuration::from_secs(1);
/// Where nothing rises the clock moves in longer steps, of whole minutes.
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
/// For so long after a post each minute is looked at, in seconds.
const SETTLED: i64 = 3 * MINUTE;
/// And so long before the next post each hour.
const ANEW: i64 = 2 * HOUR;

/// What would have been told to the alert stage: a rise begins, or ends.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Told {
    /// When it would have been told.
    pub at: Timestamp,
    /// The watch topic.
    pub topic: String,
    /// `page` when a rise begins, `quiet` when it is over.
    pub what: &'static str,
    /// The rise.
    pub spike: Spike,
}

/// Replays posts. Sort them by `published_at` first; one that comes out of order is counted where it belongs.
pub struct Replay<'a> {
    understanding: &'a Understanding,
    trend: Trend,
    clusters: Clusters,
    now: Option<Timestamp>,
    next_offset: u64,
    ids: HashSet<String>,
    rising: HashMap<String, Spike>,
    emerged: Vec<Emerged>,
    /// When the last post came.
    last: i64,
    /// Looks at each minute, whatever happens.
    each_minute: bool,
}

impl<'a> Replay<'a> {
    /// Begins without history.
    #[must_use]
    pub fn new(understanding: &'a Understanding, config: &Config) -> Self {
        Self {
            understanding,
            trend: Trend::new(config),
            clusters: Clusters::default(),
            now: None,
            next_offset: 0,
            ids: HashSet::new(),
            rising: HashMap::new(),
            emerged: Vec::new(),
            last: 0,
            each_minute: false,
        }
    }

    /// Moves the clock to the post's time, then takes the post in. Returns what would have been told on the way.
    pub fn post(&mut self, post: &DoorPost) -> Vec<Told> {
        let mut told = self.until(post.published_at);
        if self.ids.insert(post_id(&post.source, &post.native_id)) {
            let now = self.now.map_or(post.published_at, |now| now.max(post.published_at));
            self.last = now.as_second();
            let analyzed = self.analyzed(post);
            self.trend.observe(&analyzed, now);
            self.emerged.extend(self.trend.emerged());
            if self.trend.news() > 0 {
                told.extend(self.tick(now));
            }
        }
        told
    }

    /// What happened to emerging topics since this was last asked, in order.
    pub fn emerged(&mut self) -> Vec<Emerged> {
        std::mem::take(&mut self.emerged)
    }

    /// Moves the clock.
    pub fn until(&mut self, at: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        let mut now = *self.now.get_or_insert(at);
        while now < at {
            let step = if self.rising.is_empty() { self.idle_step(now.as_second(), at.as_second()) } else { STEP };
            now = now.checked_add(step).unwrap_or(at).min(at);
            told.extend(self.tick(now));
        }
        self.now = Some(now);
        told
    }

    /// How far the clock moves when nothing rises: see the module's table.
    fn idle_step(&self, now: i64, at: i64) -> SignedDuration {
        let since = now - self.last;
        let minutes = |seconds: i64| (seconds.max(1) + MINUTE - 1) / MINUTE * MINUTE;
        let step = match () {
            () if self.each_minute || since < SETTLED => MINUTE,
            () if at - now <= ANEW => minutes(HOUR - now.rem_euclid(HOUR)),
            () => minutes(at - now - ANEW),
        };
        // Topics end with the first look in a minute that is beyond their end.
        let ends = self.trend.ends().map_or(step, |ends| minutes(ends - now));
        SignedDuration::from_secs(step.min(ends))
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Told> {
        let pulses = self.trend.tick(now);
        self.emerged.extend(self.trend.emerged());
        pulses.into_iter().filter_map(|pulse| self.change(pulse)).collect()
    }

    /// What a pulse says that the one before did not.
    fn change(&mut self, pulse: Pulse) -> Option<Told> {
        let topic = pulse.topic.id;
        let (what, spike) = match (pulse.phase, pulse.spike) {
            (Phase::Quiet, _) => ("quiet", self.rising.remove(&topic)?),
            (_, Some(spike)) => {
                let before = self.rising.insert(topic.clone(), spike.clone());
                if before.is_some_and(|before| before.id == spike.id) {
                    return None;
                }
                ("page", spike)
            }
            (_, None) => return None,
        };
        Some(Told { at: pulse.at, topic, what, spike })
    }

    fn analyzed(&mut self, post: &DoorPost) -> AnalyzedPost {
        let facts = Facts {
            source: &post.source,
            kind: Some(post.kind),
            places: post.place.as_deref().into_iter().collect(),
            ..Facts::default()
        };
        let understood = self.understanding.understand_with(post.title.as_deref().unwrap_or(""), &post.text, facts);
        let offset = self.next_offset;
        self.next_offset += 1;
        let id = post_id(&post.source, &post.native_id);
        let cluster = self.clusters.place(Coming {
            id: &id,
            at: post.published_at.as_second(),
            fingerprint: &understood.fingerprint,
            passes_on: passed_on(post.kind, &post.source, post.parent_id.as_deref()).as_deref(),
        });
        AnalyzedPost {
            v: AnalyzedPost::VERSION,
            raw: Position { partition: 0, offset },
            verdict: Verdict::First,
            id,
            source: post.source.clone(),
            kind: post.kind,
            url: post.url.clone(),
            title: post.title.clone(),
            text: post.text.clone(),
            published_at: post.published_at,
            published_precision: post.published_precision.unwrap_or_default(),
            date_clamped: false,
            fetched_at: post.published_at,
            thread_id: post.thread_id.clone(),
            parent_id: post.parent_id.clone(),
            counts: post.counts(),
            previous: None,
            sentiment: Some(understood.sentiment),
            tones: understood.tones,
            keyphrases: understood.keyphrases,
            terms: understood.terms,
            topics: understood.topics,
            place: post.place.clone(),
            category: understood.category,
            places: understood.places,
            elsewhere: understood.elsewhere,
            unit: understood.unit,
            fingerprint: understood.fingerprint.hex(),
            cluster,
            official: None,
            addressed_to: None,
            corrected: None,
            gone_at: None,
            reply: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trend::WatchTopic;
    use jiff::tz::TimeZone;
    use schemas::kit::settings::Watch;

    /// Monday, 28 September 2026, 08:00 in Shanghai.
    const START: i64 = 1_790_524_800 + 8 * HOUR;
    const DAY: i64 = 24 * HOUR;

    fn post(number: usize, at: i64, title: &str, text: &str) -> DoorPost {
        serde_json::from_value(serde_json::json!({
            "source": "forum", "native_id": number.to_string(), "kind": "post", "title": title, "text": text,
            "published_at": Timestamp::from_second(at).unwrap().to_string(),
        }))
        .unwrap()
    }

    /// A quiet board over two months with pauses of days, a matter, and two bursts of a watch topic.
    fn board() -> Vec<DoorPost> {
        const EVERYDAY: [&str; 8] = [
            "公园的樱花开了, 周末去散步的人真多",
            "早餐店的包子味道不错, 就是排队太久",
            "地铁口的共享单车乱堆, 行人不好走",
            "快递总是放错地方, 邻居帮忙拿回来",
            "孩子的作业越来越多, 老师说要多运动",
            "菜场的水果涨价, 超市倒是打折",
            "电影院新装修, 座椅比从前舒服",
            "健身房倒闭, 会员卡里的余额怎么办",
        ];
        const MATTER: [(&str, &str); 5] = [
            ("长风花园旁的搅拌站夜里扬尘", "长风花园旁边的搅拌站夜里开工, 粉尘落满阳台, 孩子咳嗽"),
            ("长风花园搅拌站粉尘扰民", "搅拌站的罐车半夜进出长风花园路口, 粉尘和噪音让人睡不着"),
            ("请求搬迁长风花园搅拌站", "长风花园居民要求搅拌站搬迁, 窗台上每天一层粉尘"),
            ("长风花园业主反映搅拌站", "搅拌站离长风花园不到百米, 粉尘污染严重, 请环保部门查处"),
            ("搅拌站何时离开长风花园", "说好年底关停的搅拌站还在长风花园门口生产, 粉尘更大"),
        ];
        let mut posts = Vec::new();
        let mut at = START;
        for step in 0..240_usize {
            at += match step % 80 {
                79 => 8 * DAY + 1_234,
                40..44 => 3 * DAY / 2 + 77,
                _ => 2 * HOUR + 413 * (step as i64 % 7),
            };
            posts.push(post(posts.len(), at, "", &format!("{} ({step})", EVERYDAY[step * 5 % 8])));
            if (170..180).contains(&step) && step % 2 == 0 {
                let (title, text) = MATTER[step / 2 % 5];
                posts.push(post(posts.len(), at + 600, title, text));
            }
            if step == 100 || step == 225 {
                for voice in 0..40 {
                    let text = format!("{voice} 号楼停水, {}", EVERYDAY[voice % 8]);
                    posts.push(post(posts.len(), at + 700 + 9 * voice as i64, "", &text));
                }
            }
        }
        posts.sort_by_key(|post| post.published_at);
        posts
    }

    fn run(each_minute: bool) -> (Vec<Told>, Vec<Emerged>) {
        let watch = Watch { id: "water".into(), name: "停水".into(), query: "停水".into() };
        let understanding = Understanding::new([&watch]).unwrap();
        let config = Config::of(vec![WatchTopic::from(&watch)], TimeZone::get("Asia/Shanghai").unwrap());
        let mut replay = Replay { each_minute, ..Replay::new(&understanding, &config) };
        let (mut told, mut emerged) = (Vec::new(), Vec::new());
        let posts = board();
        for post in &posts {
            told.extend(replay.post(post));
            emerged.extend(replay.emerged());
        }
        let end = posts.last().unwrap().published_at + SignedDuration::from_hours(24 * 20);
        told.extend(replay.until(end));
        emerged.extend(replay.emerged());
        (told, emerged)
    }

    #[test]
    fn long_steps_find_what_short_ones_find_and_at_the_same_time() {
        let (each_told, each_emerged) = run(true);
        let (told, emerged) = run(false);
        // The figures in words may differ in the last digit: what is learned leans, a little, on what was learned an hour before.
        let of = |told: &[Told]| -> Vec<(Timestamp, String, &str, String)> {
            told.iter().map(|told| (told.at, told.topic.clone(), told.what, told.spike.id.clone())).collect()
        };
        assert_eq!(of(&told), of(&each_told));
        assert_eq!(emerged, each_emerged);
    }
}
