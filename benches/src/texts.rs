//! Texts to measure with: of a file of real posts where there is one, else of a small grammar.

use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

const PLACES: &[&str] =
    &["抚琴街道", "茶店子", "九里堤", "荷花池", "沙河源", "天回镇", "凤凰山", "五块石", "西华街道", "营门口"];
const MATTERS: &[&str] = &[
    "路灯坏了好几天没人修",
    "垃圾站的味道很大",
    "早高峰堵得动不了",
    "广场舞声音太吵",
    "电梯又坏了",
    "新开的面馆味道不错",
    "幼儿园门口停满了车",
    "地铁口的共享单车乱堆",
    "菜市场的价格涨了",
    "社区组织了义诊",
    "河边的步道修好了",
    "快递总是放错地方",
    "物业费涨价没有说明",
    "施工队半夜还在打桩",
    "公园的桂花开了",
    "医院挂号排了两个小时",
    "外卖小哥帮忙扶老人过马路",
    "楼上漏水没人管",
];
const FEELINGS: &[&str] = &[
    "真的很无语",
    "希望有人管一管",
    "谢谢工作人员",
    "已经打过电话了",
    "大家怎么看",
    "等了三天没有答复",
    "心情都变好了",
    "孩子晚上睡不着",
    "太让人生气了",
    "给他们点个赞",
    "不知道该找谁",
    "求解决",
];

/// An endless source of texts of about a given length.
pub struct Texts {
    random: StdRng,
    real: Vec<String>,
}

impl Texts {
    /// Texts of about `bytes` bytes; of the `text` fields of a JSONL file where one is given and can be read.
    #[must_use]
    pub fn new(seed: u64, file: Option<&Path>, bytes: usize) -> Self {
        let real = file.and_then(|file| File::open(file).ok()).map(|file| read(file, bytes)).unwrap_or_default();
        Self { random: StdRng::seed_from_u64(seed), real }
    }

    /// Another text.
    pub fn another(&mut self) -> String {
        if self.real.is_empty() {
            let random = &mut self.random;
            let (place, first, second, feeling) =
                (pick(random, PLACES), pick(random, MATTERS), pick(random, MATTERS), pick(random, FEELINGS));
            return format!(
                "{place}{first}，{feeling}。{second}，{}号楼{}单元。",
                random.random_range(1..99),
                random.random_range(1..9)
            );
        }
        let index = self.random.random_range(0..self.real.len());
        self.real[index].clone()
    }
}

fn pick<'a>(random: &mut impl Rng, from: &[&'a str]) -> &'a str {
    from[random.random_range(0..from.len())]
}

fn read(file: File, bytes: usize) -> Vec<String> {
    #[derive(serde::Deserialize)]
    struct Line {
        text: String,
    }
    let mut texts = Vec::new();
    let mut run = String::new();
    for line in BufReader::new(file).lines().map_while(Result::ok) {
        let Ok(Line { text }) = serde_json::from_str(&line) else { continue };
        run.push_str(&text);
        while run.len() >= bytes {
            let at = run.floor_char_boundary(bytes);
            let rest = run.split_off(at);
            texts.push(std::mem::replace(&mut run, rest));
        }
    }
    texts
}
