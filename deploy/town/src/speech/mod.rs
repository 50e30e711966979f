//! What people write: a small grammar over the tables in [`phrases`], so that thousands of posts differ as people do.
//!
//! A post is an opening, the complaint with its place and time, what follows from it, a feeling, a question, a tag and a face,
//! most of them only sometimes; a comment is one remark. Some people write traditional characters, some full-width
//! letters ([`style`]). Everything is a function of the seed: the same post always reads the same.
//!
//! A text has no line break and no two spaces in a row, and neither begins nor ends with one: so a crawler that folds white
//! space reads exactly what was written.

mod official;
mod phrases;
mod style;

pub(crate) use official::news;
pub(crate) use phrases::Matter;

use crate::{
    chronicle::Topic,
    dice::{Dice, mix},
    streets::STREETS,
};
use phrases::{ANYWHERE, FACES, FEELINGS, OPENINGS, Phrases, SLOTS};

/// What an item says, and who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// The title; empty in a comment.
    pub(crate) title: String,
    /// The text.
    pub(crate) text: String,
    /// The author's name.
    pub(crate) author: String,
}

/// The opening post of a thread.
pub(crate) fn post(topic: &Topic, street: usize, seed: u64) -> Spoken {
    if let Topic::Notice(scenario, step) = topic {
        return official::notice(scenario, *step);
    }
    let mut voice = Voice::new(topic, street, seed);
    let (phrases, mood) = (voice.phrases, voice.phrases.mood as usize);
    let heart = voice.dice.below(phrases.cores.len());
    let title = match topic {
        Topic::Everyday(_) => voice.one_of(&phrases.titles[heart..=heart]),
        _ => voice.one_of(phrases.titles),
    };
    let mut text = String::new();
    if voice.dice.chance(0.35) {
        text += voice.dice.word(OPENINGS[mood]);
        text += voice.dice.word(&["，", "：", "！"]);
    }
    text += &voice.one_of(&phrases.cores[heart..=heart]);
    let details = 1 + voice.dice.below(2);
    for _ in 0..details {
        let detail = voice.one_of(phrases.details);
        if !text.contains(&detail) {
            text.push('，');
            text += &detail;
        }
    }
    text += voice.dice.word(&["。", "。", "！", "……"]);
    if voice.dice.chance(0.5) {
        text += &sentence(voice.dice.word(FEELINGS[mood]));
    }
    if voice.dice.chance(0.7) {
        text += &sentence(&voice.one_of(phrases.asks));
    }
    voice.trimmings(&mut text, 0.3);
    voice.finish(&title, &text)
}

/// A comment in a thread.
pub(crate) fn comment(topic: &Topic, street: usize, seed: u64) -> Spoken {
    if let Topic::Notice(scenario, _) = topic {
        let mut voice = Voice::new(&Topic::Trouble(*scenario), street, seed);
        let text = voice.one_of(official::REPLIES);
        return voice.finish("", &text);
    }
    let mut voice = Voice::new(topic, street, seed);
    let (phrases, mood) = (voice.phrases, voice.phrases.mood as usize);
    let mut text = String::new();
    if voice.dice.chance(0.4) {
        text = voice.one_of(&[
            "回复{2-29}楼：",
            "楼主说得对，",
            "补充一下：",
            "顶楼主，",
            "我在{place}，",
            "坐标{place}，",
            "{place}的说一句：",
            "{place}{home}的，",
        ]);
    }
    // In trouble people talk of the trouble; in ordinary life often of anything.
    let off_topic = if matches!(topic, Topic::Trouble(_)) { 0.08 } else { 0.25 };
    let table = if voice.dice.chance(off_topic) { ANYWHERE[mood] } else { phrases.replies };
    text += &voice.one_of(table);
    if voice.dice.chance(0.45) {
        let more = if voice.dice.chance(0.5) { voice.one_of(phrases.details) } else { voice.one_of(phrases.asks) };
        text.push('，');
        text += &more;
    }
    if voice.dice.chance(0.25) && !text.ends_with(['？', '！']) {
        text += voice.dice.word(&["。", "！", "……", "！！"]);
    }
    voice.trimmings(&mut text, 0.08);
    voice.finish("", &text)
}

fn sentence(words: &str) -> String {
    if words.ends_with(['？', '！']) { words.to_owned() } else { format!("{words}。") }
}

/// Somebody who speaks of something, somewhere.
struct Voice {
    dice: Dice,
    phrases: &'static Phrases,
    street: usize,
    community: &'static str,
    corner: Option<[&'static str; 2]>,
    feelings: &'static [&'static str],
}

impl Voice {
    fn new(topic: &Topic, street: usize, seed: u64) -> Self {
        let (phrases, corner) = match topic {
            Topic::Everyday(matter) => (matter.phrases(), None),
            Topic::Trouble(scenario) | Topic::Notice(scenario, _) => {
                (scenario.trouble.phrases(), Some(scenario.corner))
            }
        };
        let mut dice = Dice::new(mix(seed, 0x7370_6565));
        let community = dice.word(STREETS[street].communities);
        Self { dice, phrases, street, community, corner, feelings: FEELINGS[phrases.mood as usize] }
    }

    fn one_of(&mut self, table: &[&str]) -> String {
        let pattern = self.dice.word(table).to_owned();
        self.fill(&pattern, 0)
    }

    /// Fills the slots of a pattern; a word may hold slots itself, three deep at most.
    fn fill(&mut self, pattern: &str, depth: u8) -> String {
        let mut out = String::with_capacity(pattern.len() * 2);
        let mut rest = pattern;
        while let Some((before, after)) = rest.split_once('{') {
            let (slot, after) = after.split_once('}').unwrap_or((after, ""));
            out += before;
            let word = self.slot(slot);
            out += &if depth < 3 { self.fill(&word, depth + 1) } else { word };
            rest = after;
        }
        out + rest
    }

    fn slot(&mut self, name: &str) -> String {
        match name {
            "place" => self.place(),
            "corner" => self.corner(),
            "feeling" => self.dice.word(self.feelings).trim_end_matches(['？', '！']).to_owned(),
            _ => match SLOTS.iter().find(|(slot, _)| *slot == name) {
                Some((_, words)) => self.dice.word(words).to_owned(),
                None => number(name, &mut self.dice).unwrap_or_default(),
            },
        }
    }

    /// Somebody speaks of one community, in many ways.
    fn place(&mut self) -> String {
        let (street, community) = (&STREETS[self.street], self.community);
        match self.dice.below(8) {
            0 => format!("{}街道", street.name),
            1 => format!("{}街道{community}社区", street.name),
            2 => format!("{community}社区"),
            3 => format!("{community}这边"),
            4 => format!("{}{community}", street.name),
            5 => format!("{}这一片", street.name),
            6 => community.to_owned(),
            _ => street.name.to_owned(),
        }
    }

    fn corner(&mut self) -> String {
        let Some([one, other]) = self.corner else { return self.place() };
        match self.dice.below(4) {
            0 => format!("{one}和{other}路口"),
            1 => format!("{one}口"),
            2 => format!("{}{one}路口", STREETS[self.street].name),
            _ => format!("{one}与{other}交界路口"),
        }
    }

    /// A tag before or after, a face at the end: how people trim a post.
    fn trimmings(&mut self, text: &mut String, tagged: f64) {
        let mood = self.phrases.mood as usize;
        if self.dice.chance(tagged) {
            let tag = self.dice.word(self.phrases.tags);
            if self.dice.chance(0.5) {
                text.insert_str(0, &format!("#{tag}#"));
            } else {
                *text += &format!(" #{tag}#");
            }
        }
        if self.dice.chance(0.3) {
            let face = self.dice.word(FACES[mood]);
            *text += &face.repeat(1 + usize::from(self.dice.chance(0.3)));
        }
    }

    fn finish(mut self, title: &str, text: &str) -> Spoken {
        let style = style::Style::thrown(&mut self.dice);
        Spoken { title: style.apply(title), text: style.apply(text), author: author(&mut self.dice) }
    }
}

/// A number for a slot such as `2-9`; nothing when the slot is no range.
fn number(slot: &str, dice: &mut Dice) -> Option<String> {
    let (low, high) = slot.split_once('-')?;
    let (low, high): (usize, usize) = (low.parse().ok()?, high.parse().ok()?);
    Some((low + dice.below(high.checked_sub(low)? + 1)).to_string())
}

/// A name that nobody bears.
fn author(dice: &mut Dice) -> String {
    const FIRST: [&str; 16] = [
        "爱吃串串的",
        "河边",
        "早起的",
        "不想上班的",
        "府河",
        "老",
        "小",
        "半坡",
        "西门",
        "北门",
        "晒太阳的",
        "骑车的",
        "三楼的",
        "巷子口",
        "锦水",
        "夜猫子",
    ];
    const LAST: [&str; 16] = [
        "阿毛",
        "路人甲",
        "茶客",
        "嬢嬢",
        "老汉儿",
        "豆花",
        "青蛙",
        "木匠",
        "石榴",
        "冬瓜",
        "麻雀",
        "银杏",
        "幺妹",
        "师傅",
        "枕头",
        "铜锅",
    ];
    match dice.below(5) {
        0 => format!("user_{}", 1000 + dice.below(9000)),
        1 => format!("{}{}{}", dice.word(&FIRST), dice.word(&LAST), dice.below(100)),
        2 => format!("{}_{}", dice.word(&LAST), dice.below(1000)),
        _ => format!("{}{}", dice.word(&FIRST), dice.word(&LAST)),
    }
}

#[cfg(test)]
mod tests;
