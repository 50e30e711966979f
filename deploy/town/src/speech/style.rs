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

/// Simplified characters of the phrases, each with the traditional one.
const PAIRS: &str = "\
    压壓 断斷 还還 没沒 电電 热熱 费費 喷噴 满滿 冲沖 车車 库庫 门門 关關 务務 线線 员員 学學 烧燒 医醫 护護 应應 气氣 灯燈 号號 单單 开開 业業 这這 边邊 后後 来來 \
    说說 话話 问問 题題 谁誰 负負 责責 时時 间間 楼樓 栋棟 区區 风風 云雲 发發 马馬 鱼魚 鸟鳥 龙龍 东東 过過 进進 远遠 运運 达達 连連 选選 驷駟 桥橋 场場 复復 备備 \
    对對 个個 们們 为為 给給 让讓 经經 两兩 从從 听聽 见見 觉覺 认認 识識 请請 调調 钱錢 银銀 铁鐵 铃鈴 锅鍋 饭飯 馆館 饿餓 湿濕 温溫 渍漬 涨漲 烂爛 爷爺 爱愛 独獨 \
    猫貓 环環 现現 画畫 疗療 监監 盘盤 确確 种種 节節 约約 级級 组組 细細 终終 结結 绕繞 统統 续續 联聯 脑腦 脚腳 脱脫 脸臉 药藥 虽雖 虫蟲 补補 观觀 规規 视視 计計 \
    讨討 记記 讲講 许許 论論 设設 访訪 证證 评評 诉訴 试試 该該 详詳 语語 误誤 读讀 谈談 谢謝 财財 贵貴 资資 赔賠 赶趕 轮輪 软軟 轻輕 较較 辆輛 输輸 迟遲 递遞 邮郵 \
    邻鄰 释釋 针針 钥鑰 铺鋪 锁鎖 错錯 闭閉 闻聞 阀閥 队隊 阳陽 际際 陆陸 险險 随隨 难難 顶頂 顺順 须須 顾顧 领領 频頻 颜顏 飞飛 养養 验驗 骑騎 总總 严嚴 丢丟 举舉 \
    乐樂 习習 书書 买買 乱亂 亲親 仅僅 价價 优優 会會 伤傷 体體 侧側 儿兒 兴興 农農 决決 况況 净淨 减減 几幾 击擊 则則 刚剛 创創 别別 办辦 动動 势勢 劳勞 华華 卖賣 \
    卫衛 却卻 厂廠 厅廳 厕廁 历歷 双雙 变變 台臺 吓嚇 吗嗎 响響 园園 围圍 国國 图圖 块塊 坏壞 坛壇 坝壩 垫墊 声聲 处處 够夠 头頭 妈媽 妇婦 宠寵 寻尋 将將 层層 岁歲 \
    师師 带帶 帮幫 干乾 广廣 庆慶 废廢 张張 强強 归歸 当當 录錄 态態 恶惡 惊驚 愤憤 愿願 户戶 执執 扩擴 扫掃 扰擾 抢搶 报報 担擔 拥擁 择擇 换換 损損 据據 摆擺 旧舊 \
    显顯 晓曉 晕暈 暂暫 机機 权權 条條 极極 树樹 样樣 梦夢 检檢 欢歡 残殘 沟溝 沥瀝 泪淚 洁潔 济濟 测測 浓濃 涌湧 润潤 渐漸 灾災 炉爐 点點 烟煙 烦煩 状狀 犹猶 疯瘋 \
    痒癢 码碼 稳穩 竖豎 笔筆 类類 粮糧 紧緊 红紅 纪紀 纯純 纳納 纸紙 练練 绝絕 绿綠 网網";

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
    let pair = PAIRS.split_whitespace().find_map(|pair| pair.strip_prefix(c));
    pair.and_then(|rest| rest.chars().next()).unwrap_or(c)
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
    fn each_character_has_one_other() {
        let mut seen = std::collections::HashSet::new();
        for pair in PAIRS.split_whitespace() {
            assert_eq!(pair.chars().count(), 2, "{pair}");
            assert!(seen.insert(pair.chars().next()), "{pair}");
        }
        assert!(!encoding_rs::GBK.encode(PAIRS).2, "a forum in GBK can write them all");
    }

    #[test]
    fn each_manner_is_written_as_it_should_be() {
        assert_eq!(Style::Traditional.apply("断水了, 水压低, 没人负责"), "斷水了, 水壓低, 沒人負責");
        assert_eq!(Style::FullWidth.apply("28楼+1"), "２８楼＋１");
        assert_eq!(Style::Plain.apply("停水"), "停水");
    }
}
