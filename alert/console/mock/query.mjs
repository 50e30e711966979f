/** The query language as far as a mock needs it: what is wrong is told as the real one does, at its character. */
import { Problem } from "./desk.mjs";

const FIELDS = {
  来源: "source",
  source: "source",
  类型: "kind",
  kind: "kind",
  情感: "sentiment",
  sentiment: "sentiment",
  话题: "topic",
  topic: "topic",
  类别: "category",
  category: "category",
  街道: "place",
  地点: "place",
  place: "place",
  单位: "unit",
  unit: "unit",
  官方: "official",
  已删: "gone",
  时间: "time",
  点赞: "likes",
};
const WORDS = {
  kind: { 帖子: "post", 评论: "comment", 转发: "repost", 报送: "report" },
  sentiment: { 负面: "negative", 中性: "neutral", 正面: "positive" },
  official: { 是: "true", 否: "false" },
  gone: { 是: "true", 否: "false" },
};
const CLOSING = { '"': '"', "“": "”", "「": "」" };

const fault = (at, message) => new Problem(400, "bad_query", `q: at character ${at + 1}: ${message}`);

function tokens(text) {
  const characters = [...text];
  const list = [];
  let at = 0;
  const word = () => {
    const start = at;
    while (at < characters.length && !/[\s()|]/.test(characters[at]) && !CLOSING[characters[at]]) at += 1;
    return characters.slice(start, at).join("");
  };
  const quoted = () => {
    const start = at;
    const end = characters.indexOf(CLOSING[characters[at]], at + 1);
    if (end < 0) throw fault(start, "引号没有关上 / this quote is never closed: put one after the phrase");
    at = end + 1;
    return characters.slice(start + 1, end).join("");
  };
  while (at < characters.length) {
    const start = at;
    const character = characters[at];
    if (/\s/.test(character)) at += 1;
    else if ("()|".includes(character)) list.push({ kind: character === "|" ? "or" : character, at: at++ });
    else if (character === "-") list.push({ kind: "not", at: at++ });
    else if (CLOSING[character]) list.push({ kind: "term", at: start, text: quoted() });
    else {
      const text = word();
      const [name, ...rest] = text.split(":");
      if (rest.length > 0 && FIELDS[name]) {
        let value = rest.join(":");
        const begin = start + [...name].length + 1;
        if (!value && CLOSING[characters[at]]) value = quoted();
        if (!value) throw fault(start, `${name}: 后面要有值 / a value must follow`);
        const choices = WORDS[FIELDS[name]];
        if (choices) {
          const known = choices[value] ?? Object.values(choices).find((each) => each === value);
          if (!known) throw fault(begin, `${name}: 只能是 ${Object.keys(choices).join("、")} / one of these is needed`);
          value = known;
        }
        list.push({ kind: "field", at: start, field: FIELDS[name], value });
      } else if (/^~\d+$/.test(text)) list.push({ kind: "near", at: start, within: Number(text.slice(1)) });
      else {
        const operator = { and: "and", or: "or", 或: "or", not: "not", 非: "not" }[text.toLowerCase()];
        list.push(operator ? { kind: operator, at: start } : { kind: "term", at: start, text });
      }
    }
  }
  return { list, end: characters.length };
}

/** The query as a tree; `null` for all posts. */
export function parse(text) {
  const { list, end } = tokens(text);
  let at = 0;
  const next = () => list[at];
  const any = () => {
    const parts = [all()];
    while (next()?.kind === "or") {
      at += 1;
      parts.push(all());
    }
    return parts.length > 1 ? { any: parts } : parts[0];
  };
  const all = () => {
    const parts = [one()];
    while (next() && next().kind !== "or" && next().kind !== ")") {
      if (next().kind === "and") at += 1;
      parts.push(one());
    }
    return parts.length > 1 ? { all: parts } : parts[0];
  };
  const one = () => {
    const token = list[at++];
    if (!token) throw fault(end, "这里还缺一个词 / a word is missing here");
    if (token.kind === "not") return { not: one() };
    if (token.kind === "(") {
      const inside = any();
      if (next()?.kind !== ")") throw fault(token.at, "这个括号没有关上 / this bracket is never closed");
      at += 1;
      return inside;
    }
    if (token.kind === "field") return token;
    if (token.kind !== "term") throw fault(token.at, "这里应是一个词 / a word belongs here");
    let left = { term: token.text };
    while (next()?.kind === "near") {
      const { within } = list[at++];
      const other = one();
      left = { near: [left.term, other.term], within };
    }
    return left;
  };
  if (list.length === 0) return null;
  const tree = any();
  if (next()) throw fault(next().at, "这个括号没有对应的左括号 / this bracket closes nothing");
  return tree;
}

/** Whether a post matches; `has` answers for a field. */
export function matches(tree, post, has) {
  if (tree === null) return true;
  if (tree.any) return tree.any.some((part) => matches(part, post, has));
  if (tree.all) return tree.all.every((part) => matches(part, post, has));
  if (tree.not) return !matches(tree.not, post, has);
  if (tree.field) return has(post, tree.field, tree.value);
  const fields = [post.title ?? "", post.text];
  if (tree.near)
    return fields.some((text) => {
      const [one, other] = tree.near.map((term) => text.indexOf(term));
      return one >= 0 && other >= 0 && Math.abs(one - other) <= tree.within + tree.near[0].length + tree.near[1].length;
    });
  return fields.some((text) => text.includes(tree.term));
}

/** The words that are asked for. */
export function terms(tree) {
  if (tree === null || tree.not || tree.field) return [];
  if (tree.term) return [tree.term];
  return tree.near ?? (tree.any ?? tree.all).flatMap(terms);
}
