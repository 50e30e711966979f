//! What a post sounds like or asks for, beside its sentiment: the tones that a duty desk cares for.
//!
//! | tone | from |
//! |---|---|
//! | anger 愤怒, worry 担忧, grief 悲伤 | the emotions of the sentiment model, learnt from labels |
//! | help 求助, complaint 投诉, thanks 感谢 | cues: our own list below, since no labels exist |
//!
//! A cue counts once, however often it stands there, with the log-odds that the list gives it; cues that take back another
//! (不用谢 holds 谢) count against it. For a complaint the odds that the post is negative count too, for thanks the odds that
//! it is positive. The sum, made a probability, is as sure as its hand-set odds are.

use super::sentiment::Emotions;
use super::sentiment::model::{ANGER, GRIEF, WORRY};
use aho_corasick::AhoCorasick;
use anyhow::Context;
use schemas::records::{Tone, ToneProbability};

/// Cues of one tone and the log-odds that each adds.
struct Cues {
    tone: Tone,
    log_odds: f32,
    /// Folded, as the texts are that they are looked for in.
    words: &'static [&'static str],
}

#[rustfmt::skip]
const CUES: [Cues; 11] = [
    // A request is said outright …
    Cues { tone: Tone::Help, log_odds: 3.2, words: &["求助", "求救", "救命", "救救", "急需", "恳请", "跪求", "请求帮", "帮帮我", "帮帮忙", "谁能帮",
        "能不能帮", "能否帮", "请帮忙", "求帮忙", "寻人", "请求领导", "请求政府", "请求有关", "请求相关", "强烈请求", "望领导", "望政府",
        "望有关", "望相关", "请领导", "请政府", "请有关", "请相关", "求扩散", "求转发", "求好心人", "请求解决", "请求尽快", "请求处理"] },
    // … or politely,
    Cues { tone: Tone::Help, log_odds: 1.7, words: &["请问", "咨询", "希望能", "希望有关", "希望相关", "希望政府", "希望领导", "尽快解决", "尽快处理",
        "予以解决", "给予解决", "帮忙解决", "怎么办理", "如何办理", "该找谁", "找谁解决", "怎么解决", "请尽快", "能否", "可否", "恳求", "盼回复",
        "望回复", "请回复", "请解决", "请核实", "请查处", "望解决", "什么时候能", "何时能", "尊敬的", "急急急"] },
    // and sometimes only half.
    Cues { tone: Tone::Help, log_odds: 0.8, words: &["怎么办", "帮忙", "请求", "希望", "何时", "什么时候", "请教", "建议", "领导"] },
    // These are jokes more often than requests.
    Cues { tone: Tone::Help, log_odds: -2.5, words: &["笑死", "救命哈", "救命啊哈", "救命太", "哈哈", "救救孩子"] },
    Cues { tone: Tone::Complaint, log_odds: 3.4, words: &["投诉", "举报", "维权", "不作为", "乱作为", "扰民", "违建", "违章", "乱收费", "推诿",
        "踢皮球", "偷工减料", "拖欠", "霸王条款", "黑心", "没人管", "无人管", "无人问津", "没有人管", "管不管", "物业不管", "讨要说法", "讨说法",
        "侵害", "欺骗业主", "烂尾", "强制消费", "豆腐渣", "违规", "违法", "严重影响"] },
    Cues { tone: Tone::Complaint, log_odds: 1.8, words: &["停水", "停电", "断水", "漏水", "噪音", "噪声", "臭味", "异味", "恶臭", "油烟", "污水", "粉尘",
        "占道", "乱停", "堵塞", "安全隐患", "得不到解决", "没有解决", "未解决", "一直没", "至今", "多次反映", "反映多次", "影响居民", "影响业主",
        "退款", "不给退", "不退", "虚假宣传", "欺诈", "骗子", "收费", "物业", "开发商", "业主", "态度恶劣", "服务态度", "监管", "整改", "查处", "城管"] },
    Cues { tone: Tone::Complaint, log_odds: 1.0, words: &["不管", "半夜", "凌晨", "反映", "反应", "太差", "垃圾", "坑人", "差评", "多次", "施工", "居民", "小区",
        "有关部门", "相关部门", "强烈", "要求"] },
    Cues { tone: Tone::Thanks, log_odds: 3.8, words: &["感谢", "谢谢", "多谢", "感激", "感恩", "致谢", "道谢", "谢过", "3q", "thanks", "thank you"] },
    Cues { tone: Tone::Thanks, log_odds: 1.6, words: &["辛苦了", "点赞", "致敬", "为你们", "锦旗", "表扬", "好样的", "谢"] },
    Cues { tone: Tone::Thanks, log_odds: -4.6, words: &["不用谢", "不谢", "谢绝", "谢谢你全家", "谢幕", "感谢信在哪", "谢个", "没有感谢", "没说谢谢",
        "不说谢谢", "谢什么谢", "凋谢", "代谢", "不感谢"] },
    // A letter to an office ends with thanks out of habit: 望解决,谢谢!
    Cues { tone: Tone::Thanks, log_odds: -3.4, words: &["望解决", "尽快解决", "尽快处理", "请问", "恳请", "咨询", "望领导", "请回复", "望回复", "投诉",
        "盼回复", "请相关", "请有关", "请解决", "请领导", "请求", "反映"] },
];

/// Where each of the tones by cues begins without any cue.
const PRIOR: [(Tone, f32); 3] = [(Tone::Help, -3.2), (Tone::Complaint, -4.0), (Tone::Thanks, -3.0)];
/// How much the odds of the sentiment count.
const SENTIMENT: f32 = 0.5;
/// How far the odds of the sentiment reach.
const MOST_ODDS: f32 = 3.0;
/// What is less probable is not told.
const LEAST: f32 = 0.5;
/// What is looked at of a text, in bytes: cues of a book are none of a post.
const MOST_BYTES: usize = 4 << 10;

/// Hears tones. Cheap to use from many threads.
#[derive(Debug)]
pub struct Tones {
    cues: AhoCorasick,
    /// For each cue, what it adds to which tone.
    odds: Vec<(Tone, f32)>,
}

impl Tones {
    /// With the cues that ship with the program.
    ///
    /// # Errors
    /// When the cues are too many for one automaton.
    pub fn new() -> anyhow::Result<Self> {
        let all = || CUES.iter().flat_map(|cues| cues.words.iter().map(|word| (*word, cues.tone, cues.log_odds)));
        let cues = AhoCorasick::new(all().map(|(word, ..)| word)).context("the cues of tones")?;
        Ok(Self { cues, odds: all().map(|(_, tone, odds)| (tone, odds)).collect() })
    }

    /// The tones of a post's own words (folded), the more probable first.
    #[must_use]
    pub fn hear(&self, texts: [&str; 2], emotions: &Emotions) -> Vec<ToneProbability> {
        let mut sums = PRIOR;
        for (tone, sum) in &mut sums {
            let sentiment = emotions.sentiment();
            let odds = |probability: f32| {
                (probability.max(1e-6) / (1.0 - probability).max(1e-6)).ln().clamp(-MOST_ODDS, MOST_ODDS)
            };
            *sum += match tone {
                Tone::Complaint => SENTIMENT * odds(sentiment.negative),
                Tone::Thanks => SENTIMENT * odds(sentiment.positive),
                _ => 0.0,
            };
        }
        for cue in self.cues_in(texts) {
            let (of, odds) = self.odds[cue];
            for (tone, sum) in &mut sums {
                if *tone == of {
                    *sum += odds;
                }
            }
        }
        let learnt = [(Tone::Anger, ANGER), (Tone::Grief, GRIEF), (Tone::Worry, WORRY)];
        let learnt = learnt.map(|(tone, class)| ToneProbability { tone, probability: emotions.0[class] });
        let by_cues = sums.map(|(tone, sum)| ToneProbability { tone, probability: 1.0 / (1.0 + (-sum).exp()) });
        let mut heard: Vec<ToneProbability> =
            learnt.into_iter().chain(by_cues).filter(|heard| heard.probability >= LEAST).collect();
        heard.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        heard
    }

    /// Each cue that occurs, once.
    fn cues_in(&self, texts: [&str; 2]) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for text in texts {
            let text = &text[..text.floor_char_boundary(MOST_BYTES)];
            found.extend(self.cues.find_overlapping_iter(text).map(|at| at.pattern().as_usize()));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understand::fold;

    /// What is heard when the sentiment says nothing, or that it is negative, or positive.
    fn heard(text: &str, emotions: [f32; 5]) -> Vec<Tone> {
        let folded = fold(text);
        Tones::new().unwrap().hear(["", &folded], &Emotions(emotions)).into_iter().map(|heard| heard.tone).collect()
    }

    const EVEN: [f32; 5] = [0.1, 0.1, 0.1, 0.4, 0.3];
    const BAD: [f32; 5] = [0.4, 0.3, 0.2, 0.08, 0.02];
    const GOOD: [f32; 5] = [0.02, 0.02, 0.02, 0.08, 0.86];

    #[test]
    fn made_up_posts_have_the_tones_that_a_person_hears() {
        for (text, emotions, tones) in [
            ("我要投诉这家物业，电梯坏了半个月无人管", BAD, &[Tone::Complaint][..]),
            ("求助！老人走失，请帮忙转发", EVEN, &[Tone::Help]),
            ("谢谢社区的小王，帮我把轮椅抬上楼", GOOD, &[Tone::Thanks]),
            ("楼下烧烤摊天天半夜扰民，恳请城管来管一管", BAD, &[Tone::Complaint, Tone::Help]),
            ("不用谢，应该的", EVEN, &[]),
            ("今天的云像一群羊", EVEN, &[]),
            ("哈哈哈哈救命太好笑了", GOOD, &[]),
            ("望相关部门尽快解决，谢谢", EVEN, &[Tone::Help]),
            ("", EVEN, &[]),
        ] {
            assert_eq!(heard(text, emotions), tones, "{text}");
        }
    }

    #[test]
    fn learnt_tones_are_told_when_more_probable_than_not() {
        assert_eq!(heard("嗯", [0.6, 0.1, 0.1, 0.1, 0.1]), [Tone::Anger]);
        assert_eq!(heard("嗯", [0.1, 0.6, 0.1, 0.1, 0.1]), [Tone::Grief]);
        assert_eq!(heard("嗯", [0.1, 0.1, 0.6, 0.1, 0.1]), [Tone::Worry]);
        assert_eq!(heard("嗯", BAD), [], "negative, but none of the three for sure");
    }

    #[test]
    fn cues_are_folded_as_texts_are() {
        for word in CUES.iter().flat_map(|cues| cues.words) {
            assert_eq!(fold(word), **word);
        }
    }

    #[test]
    fn a_flood_of_cues_counts_once_and_is_bounded() {
        let found = Tones::new().unwrap().hear(["", &"投诉".repeat(100_000)], &Emotions(EVEN));
        assert!(found.iter().all(|heard| heard.probability < 0.5), "one cue and no bad word is not enough: {found:?}");
    }
}
