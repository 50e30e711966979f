//! Where things happen: the district's streets with some of their communities, as the public register has them, and which
//! streets lie close enough that a fault in one is felt in the other.

/// A street (街道) of the district.
#[derive(Debug)]
pub(crate) struct Street {
    /// Without 街道 at the end.
    pub(crate) name: &'static str,
    /// Communities, without 社区 at the end.
    pub(crate) communities: &'static [&'static str],
    /// Streets nearby, by their place in [`STREETS`].
    pub(crate) near: &'static [usize],
}

const fn street(name: &'static str, communities: &'static [&'static str], near: &'static [usize]) -> Street {
    Street { name, communities, near }
}

/// 抚琴: here the first water main breaks.
pub(crate) const FUQIN: usize = 5;

/// All streets of the district.
pub(crate) const STREETS: [Street; 13] = [
    street("西安路", &["青羊北路", "枣子巷", "永陵", "白果林", "金琴南路", "马家花园", "花牌坊"], &[5, 2]),
    street("西华", &["金牛", "跃进", "青杠", "兴盛", "富家", "侯家", "府河新居"], &[9, 10]),
    street("荷花池", &["互助路", "荷花池", "北站", "城隍庙", "五丁"], &[3, 7]),
    street("驷马桥", &["树蓓街", "高笋塘", "红花", "工人村", "马鞍", "曹家巷"], &[2, 7]),
    street("茶店子", &["奥林", "化成", "育苗路", "锦城", "育新", "黄忠", "同善"], &[5, 8, 9]),
    street("抚琴", &["西北街", "西南街", "金鱼街", "圃园路", "铁路新村", "金沙路", "光荣小区"], &[8, 4, 0]),
    street("九里堤", &["西南交大", "九里堤北路", "康禧"], &[8, 7]),
    street("五块石", &["五福", "赛云台", "福源"], &[2, 6]),
    street("营门口", &["茶店", "银沙", "银桂", "长庆", "花照壁"], &[5, 4, 6]),
    street("金泉", &["迎宾路", "高家", "淳风桥", "清水河", "郎家", "金桥", "蜀西"], &[4, 1]),
    street("沙河源", &["古柏", "新桥", "陆家桥", "友联", "踏水桥", "王贾桥", "洞子口"], &[1, 7]),
    street("天回镇", &["金华", "大湾", "杜家碾", "木龙湾", "车站", "土门", "银杏园"], &[12, 10]),
    street("凤凰山", &["金韦", "凤翔"], &[11, 10]),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_exist_and_nobody_is_their_own() {
        for (index, street) in STREETS.iter().enumerate() {
            assert!(!street.communities.is_empty() && !street.near.is_empty(), "{}", street.name);
            assert!(street.near.iter().all(|&near| near < STREETS.len() && near != index), "{}", street.name);
        }
        assert_eq!(STREETS[FUQIN].name, "抚琴");
    }
}
