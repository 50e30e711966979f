/** What the mock's town talks about: the topics that were defined, those that were found, and the sentences that people say. */

const MINUTE = 60_000;

export const STREETS = ["抚琴", "西安路", "茶店子", "驷马桥", "金泉", "沙河源", "营门口", "荷花池"];

/** `{s}` is a street. */
export const SUBJECTS = {
  water: [
    "{s}街道又停水了, 从凌晨两点到现在一滴水都没有, 物业电话打不通, 家里有老人和小孩, 请问什么时候能恢复?",
    "有人知道{s}这边为什么停水吗? 水压从昨晚就很低, 现在彻底断水了",
    "停水也不提前通知, {s}整条街的早餐店都没法开门",
    "路口冒水, 水管好像爆了, {s}往西的车道已经淹了, 大家绕行",
    "刚刚打了热线, 说抢修队已经到{s}现场, 预计停水到中午",
  ],
  traffic: ["{s}早高峰又堵死了, 红绿灯配时能不能调一下", "{s}路口施工围挡占了一半车道, 没有人指挥"],
  noise: ["{s}工地半夜还在施工, 噪音扰民, 投诉三次没有用", "{s}广场舞音响到十点半还不停"],
  school: ["{s}小学门口接送时段太乱了, 电动车逆行", "{s}的学区划分公告什么时候出?"],
  property: ["{s}小区物业费涨了, 电梯还是天天坏", "{s}小区门禁坏了一个月没人修"],
  sinkhole: [
    "{s}地铁口旁边的人行道塌了一个坑, 有两米多深, 已经拉了警戒线",
    "路过{s}看到路面塌陷, 公交都绕行了, 有没有人受伤?",
    "塌陷的地方上周就有裂缝, 打过电话没有人来看, {s}的居民都知道",
  ],
  uniform: ["三年级校服一套收 680 元, 说是自愿, 不买的在班上被点名", "校服收费有没有标准? {s}好几个学校都在收"],
  charging: ["{s}小区的充电桩一到晚上就跳闸, 物业说等厂家", "充电桩旁边堆满纸箱, 着火了怎么办"],
  "category:生态环境:epb": ["{s}这几天一到夜里就有刺鼻气味, 关窗都没有用", "沙河水又发黑了, {s}桥下能闻到臭味"],
  "category:交通运输:traffic5": ["{s}的公交站台拆了三个月了, 老人只能站在车道上等车", "{s}共享单车堆满盲道"],
};

/** What a post's title says has gone wrong. */
export const NOUNS = {
  water: "停水",
  traffic: "堵车",
  noise: "噪音",
  school: "接送",
  property: "物业",
  sinkhole: "路面塌陷",
  uniform: "校服乱收费",
  charging: "充电桩跳闸",
  "category:生态环境:epb": "又有异味",
  "category:交通运输:traffic5": "站台没",
};

export const PHRASES = {
  water: ["停水", "抢修", "物业电话"],
  traffic: ["早高峰", "红绿灯"],
  noise: ["施工", "扰民"],
  school: ["接送"],
  property: ["物业费", "电梯"],
};

/**
 * The topics that were defined. `perMinute` is what is usual, `bump` what comes beyond it: so many a minute at its height, which it
 * holds and from which it fades, in minutes; `copies` is the share of near-copies.
 */
export const watched = (now) => [
  {
    ref: { id: "water", kind: "watch", name: "停水" },
    query: "停水 OR 断水 OR (水压 AND 低)",
    perMinute: 0.3,
    negative: 0.82,
    copies: 0.2,
  },
  {
    ref: { id: "traffic", kind: "watch", name: "交通拥堵" },
    query: "堵 OR 红绿灯",
    perMinute: 1.4,
    negative: 0.5,
    bump: { at: now - 22 * MINUTE, height: 5.5, holds: 9, fades: 12 },
  },
  { ref: { id: "noise", kind: "watch", name: "噪音扰民" }, query: "噪音 OR 扰民", perMinute: 0.8, negative: 0.7 },
  { ref: { id: "school", kind: "watch", name: "学校周边" }, query: "学区 OR 接送", perMinute: 0.5, negative: 0.3 },
  {
    ref: { id: "property", kind: "watch", name: "物业服务" },
    query: "物业 OR 门禁",
    perMinute: 0.7,
    negative: 0.6,
    bump: { at: now - 195 * MINUTE, height: 8, holds: 14, fades: 20 },
  },
];

/** Topics that nobody defined, and a category × unit; before it was born there was nothing of a topic. */
export const found = (now) => [
  {
    ref: { id: "sinkhole", kind: "emerging", name: "营门口地铁口人行道塌陷, 公交绕行" },
    query: null,
    perMinute: 0.02,
    negative: 0.74,
    copies: 0.31,
    born: now - 17 * MINUTE,
    bump: { at: now - 17 * MINUTE, height: 4.4, holds: 60, fades: 40 },
  },
  {
    ref: { id: "uniform", kind: "emerging", name: "三年级校服一套收费 680 元" },
    query: null,
    perMinute: 0.015,
    negative: 0.9,
    copies: 0.12,
    born: now - 70 * 60 * MINUTE,
    bump: { at: now - 70 * 60 * MINUTE, height: 2.1, holds: 90, fades: 300 },
  },
  {
    ref: { id: "category:生态环境:epb", kind: "category", name: "生态环境 · 区生态环境局" },
    query: null,
    perMinute: 0.28,
    negative: 0.66,
  },
  {
    ref: { id: "category:交通运输:traffic5", kind: "category", name: "交通运输 · 交警五分局" },
    query: null,
    perMinute: 0.42,
    negative: 0.44,
  },
];

/** A topic that people have set: little is posted on it. `born` is when it was set. */
export const set = ({ id, name, query, at }) => ({
  ref: { id, kind: "watch", name },
  query,
  perMinute: 0.06,
  negative: 0.5,
  born: Date.parse(at),
});
