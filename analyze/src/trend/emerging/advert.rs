//! Posts that sell: no voice of a matter, however many there are. What sells every day is learned as what is always there; these words
//! are for the first day.

/// Words of which two or more in a post say that it sells.
const SELLS: [&str; 34] = [
    "抽奖",
    "中奖",
    "有奖",
    "奖品",
    "转发有奖",
    "优惠券",
    "优惠",
    "包邮",
    "秒杀",
    "促销",
    "特价",
    "代购",
    "微商",
    "加盟",
    "招商",
    "兼职",
    "日结",
    "刷单",
    "返利",
    "佣金",
    "红包",
    "领取",
    "福利",
    "私信",
    "下单",
    "链接",
    "直播间",
    "旗舰店",
    "淘宝",
    "微信号",
    "加微信",
    "开票",
    "代开",
    "发票",
];

/// Whether a post with these terms sells.
pub(super) fn sells<'t>(terms: impl IntoIterator<Item = &'t str>) -> bool {
    terms.into_iter().filter(|term| SELLS.contains(term)).take(2).count() == 2
}
