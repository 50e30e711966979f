//! How people write: most plainly, some in traditional characters, some with full-width letters and figures.

use crate::dice::Dice;

/// A manner of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// As it comes.
    Plain,
    /// Traditional characters.
    Traditional,
    /// Full-width letters, figures and signs.
    FullWidth,
}

/// Simplified characters of the phrases, and below each the traditional one.
const SIMPLIFIED: &str = "压断水爆还没电热费喷满冲车库门关务线员学烧医护应该气热灯号单开业这边后来说话问题谁负责时间楼栋区风云头发马鱼鸟龙东西过进远运达连选还边华荷驷桥琴场处复备夺奋孙宁实审宽宾导层届岁岗岛币师帐带帮干广庆应店庙废开弃张弹强归当录彻征径忆态怀总恶悬惊惧惯愤愿戏户执扩扫扰抢护报担拥择挂挤挥损换据掷搅摄摆摇敌数斋斗断无旧时显晓晕暂术机杀杂权条来杨极构枪柜标栈栏树样档桥梦检楼欢欧";
const TRADITIONAL: &str = "壓斷水爆還沒電熱費噴滿沖車庫門關務線員學燒醫護應該氣熱燈號單開業這邊後來說話問題誰負責時間樓棟區風雲頭發馬魚鳥龍東西過進遠運達連選還邊華荷駟橋琴場處復備奪奮孫寧實審寬賓導層屆歲崗島幣師帳帶幫幹廣慶應店廟廢開棄張彈強歸當錄徹徵徑憶態懷總惡懸驚懼慣憤願戲戶執擴掃擾搶護報擔擁擇掛擠揮損換據擲攪攝擺搖敵數齋鬥斷無舊時顯曉暈暫術機殺雜權條來楊極構槍櫃標棧欄樹樣檔橋夢檢樓歡歐";

impl Style {
    /// A throw of the dice: three in a hundred write traditional characters, three full-width ones.
    pub(crate) fn thrown(dice: &mut Dice) -> Self {
        match dice.below(100) {
            0..3 => Self::Traditional,
            3..6 => Self::FullWidth,
            _ => Self::Plain,
        }
    }

    /// The text in this manner.
    pub(crate) fn apply(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Traditional => text.chars().map(traditional).collect(),
            Self::FullWidth => text.chars().map(full_width).collect(),
        }
    }
}

fn traditional(c: char) -> char {
    SIMPLIFIED.chars().position(|simplified| simplified == c).and_then(|at| TRADITIONAL.chars().nth(at)).unwrap_or(c)
}

fn full_width(c: char) -> char {
    match c {
        '0'..='9' | 'A'..='Z' | 'a'..='z' | '+' | '<' | '%' => char::from_u32(u32::from(c) + 0xfee0).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_lists_stand_side_by_side() {
        assert_eq!(SIMPLIFIED.chars().count(), TRADITIONAL.chars().count());
    }

    #[test]
    fn each_manner_is_written_as_it_should_be() {
        assert_eq!(Style::Traditional.apply("断水了, 水压低, 没人负责"), "斷水了, 水壓低, 沒人負責");
        assert_eq!(Style::FullWidth.apply("28楼+1"), "２８楼＋１");
        assert_eq!(Style::Plain.apply("停水"), "停水");
    }
}
