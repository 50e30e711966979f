//! Words that carry no matter of their own: a headline is not made of them.

use rustc_hash::FxHashSet;
use std::sync::LazyLock;

/// Whether a folded word is one of them.
pub(super) fn is_stop_word(word: &str) -> bool {
    SET.contains(word)
}

static SET: LazyLock<FxHashSet<&str>> = LazyLock::new(|| WORDS.split_whitespace().collect());

const WORDS: &str = "
    的 地 得 了 着 过 是 在 有 和 与 及 或 而 且 但 则 就 才 都 也 还 又 再 很 太 更 最 挺 好 真 多 少 大 小 上 下 里 中 内 外 前 后
    左 右 来 去 到 从 向 往 给 被 把 让 叫 使 对 为 以 于 由 因 所 其 此 该 这 那 哪 谁 啥 么 吗 呢 吧 啊 呀 哦 哈 嗯 嘛 哇 唉 哎 啦 哟 呵 嘿 喂
    我 你 您 他 她 它 们 咱 俺 自 己 人 个 一 二 三 四 五 六 七 八 九 十 百 千 万 亿 两 几 些 点 次 种 件 条 位 名 年 月 日 号 时 分 秒 天 元 块
    不 没 无 别 未 要 会 能 可 想 应 须 将 已 曾 正 便 却 只 仅 光 说 看 做 用 等 如 像 像是 之 者 第 每 各 某 当 跟 同 向 按 比 那么 这么 起 完 成 出 进 回 开 行 请 求 望
    这个 那个 哪个 这些 那些 这样 那样 怎样 这里 那里 哪里 这儿 那儿 哪儿 这么 那么 怎么 什么 为什么 怎么样 怎么办 为何 如何 多少 几个 一个 一些 一下 一点 一样 一直 一起 一定 一种 一次 一天
    我们 你们 他们 她们 它们 咱们 自己 别人 人家 大家 有人 各位 本人 个人
    因为 所以 但是 可是 不过 然而 而且 并且 或者 还是 以及 如果 要是 虽然 尽管 即使 只要 只有 除了 由于 因此 于是 然后 接着 否则 无论 不管 不仅 不但 甚至 以为 关于 对于 根据 按照 通过 为了
    可以 可能 能够 应该 应当 必须 需要 不能 不会 不是 不要 不用 不知 不知道 不想 没有 没 有没有 是不是 能不能 会不会 要不要 可不可以 就是 就要 就会 都是 也是 还有 还没 还没有 还要 还会 只是 只能 真是 真的 其实 当然 确实
    已经 曾经 正在 刚刚 刚才 马上 立刻 现在 目前 当时 以前 以后 之前 之后 后来 今天 昨天 明天 今年 去年 明年 时候 时间 每天 最近 近日 日前 下午 上午 早上 晚上 中午 昨晚 今晚 小时 分钟 一年 两年 三年 多年
    非常 特别 十分 比较 更加 最 越来越 有点 有些 几乎 差不多 大概 也许 大约 左右 完全 根本 到底 究竟 终于 居然 竟然 突然 难道 反正 总是 经常 有时 从来 再次 又 再 太 好像 似乎 感觉 觉得 认为 知道 希望 看到 看见 听说 发现 表示 出现 进行 开始 继续 成为 作为 属于 以上 以下 其中 其他 其它 另外 此外 之间 之一 方面 问题 东西 事情 地方 情况 样子 有关 相关
    这种 那种 哪种 各种 某种 多种 没事 的话 估计 不怎么 一天到晚 不少 很多 许多 尤其 整个 所有 任何 全部 部分 分别 同时 直接 主要 一般 不了 不到 不得 无法 不再 依然 仍然 一样 一方面 来说 而言 之类
    谢谢 您好 你好 请问 麻烦 尊敬 领导 反映 咨询 转发 微博 视频 网页 链接 全文 展开 查看 图片 评论 用户 回复 分享 来自 哈哈 哈哈哈 呵呵 嘻嘻 嗯嗯
    the of is and to in that we for an are by be as on with can if from which you it this then at have all not one has or a i my me so do but was your no http https www com cn html rt
";
