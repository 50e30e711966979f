/**
 * A stand-in for the gateway, for work on the console: serves dist/ and the API with living data, under the same content
 * security policy. No dependencies. `npm run mock`, then log in as 王敏 or 李雷 (operators), 赵倩 (analyst), 孙督
 * (supervisor), 访客 (viewer), or 陈工 and 周工 (of a unit each), password wanglou.
 *
 *   --port N        default 8081; 0 takes a free one
 *   --delay MS      when the water main breaks after the start, default 6000
 *   POST /mock/empty?window=1h  nothing is hot over this time from now on
 *   POST /mock/escalate?incident=ID  nobody has signed it: it is paged again
 *   POST /mock/drop?seconds=N   cuts every connection for N seconds, to see what the console says then
 */
import { randomBytes } from "node:crypto";
import { createReadStream, existsSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";
import { Archive } from "./archive.mjs";
import { Desk, Problem } from "./desk.mjs";
import { Quiet } from "./quiet.mjs";
import { Roster } from "./roster.mjs";
import { set } from "./topics.mjs";
import { Town } from "./town.mjs";
import { hotList, why } from "./trend.mjs";

const option = (name, fallback) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const DIST = join(import.meta.dirname, "..", "dist");
const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};
const USERS = {
  王敏: "operator",
  李雷: "operator",
  赵倩: "analyst",
  孙督: "supervisor",
  访客: "viewer",
  陈工: "unit",
  周工: "unit",
};

const streams = new Set();
const sessions = new Map();
let failedLogins = 0;
let downUntil = 0;
/** The times over which nothing is hot. */
const empty = new Set();

const publish = (name, data) => {
  for (const stream of streams) stream.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
};
const town = new Town(Date.now(), { delay: option("delay", 6_000) });
const desk = new Desk(town, Date.now(), publish);
const archive = new Archive(town, Date.now());
const roster = new Roster(desk, Date.now());
const quiet = new Quiet(desk, roster, Date.now());

setInterval(() => {
  const now = Date.now();
  for (const topic of [...town.topics, ...town.found, town.all]) publish("pulse", town.pulse(topic, now));
  desk.tick(now);
  quiet.tick(now);
}, 2_000);
setInterval(() => town.sources(Date.now()).forEach((source) => publish("source", source)), 5_000);
setInterval(() => streams.forEach((stream) => stream.write(": alive\n\n")), 15_000);

const json = (response, status, body, headers = {}) => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(body === undefined ? undefined : JSON.stringify(body));
};

async function read(request) {
  let text = "";
  for await (const chunk of request) text += chunk;
  return text ? JSON.parse(text) : {};
}

function login({ name, password }) {
  if (failedLogins >= 5) throw new Problem(429, "too_many", "尝试次数过多 / too many tries", { "retry-after": "20" });
  if (!USERS[name] || password !== "wanglou") {
    failedLogins += 1;
    if (failedLogins === 5) setTimeout(() => (failedLogins = 0), 20_000).unref();
    throw new Problem(401, "credentials", "姓名或密码不对 / wrong name or password");
  }
  failedLogins = 0;
  const key = randomBytes(16).toString("hex");
  sessions.set(key, { name, role: USERS[name], timezone: "Asia/Shanghai", closes: "17:00" });
  return key;
}

const MAY_SEARCH = ["operator", "analyst", "supervisor", "admin"];
const MAY_HANDLE = ["operator", "admin"];
const MAY_SPEAK_FOR_UNIT = ["unit", "operator", "admin"];
const MAY_PAUSE = ["supervisor", "admin"];
/** Who may do what to an incident; everything else is for those who handle it. */
const MAY_ACT = {
  ...Object.fromEntries(["unit_ack", "note", "answer", "return"].map((name) => [name, MAY_SPEAK_FOR_UNIT])),
  ...Object.fromEntries(["pause", "resume"].map((name) => [name, MAY_PAUSE])),
};
const MAY_TAKE = ["analyst", "supervisor", "admin"];

/** Refuses whoever has none of the roles. */
function only(roles, session) {
  if (!roles.includes(session.role))
    throw new Problem(403, "forbidden", "此角色无权限 / your role does not allow this");
}

/** What is the archive's, or of what people set; `undefined` for everything else. */
async function archived(request, response, url, path, session) {
  const query = url.searchParams;
  const { method } = request;
  const [room, id] = path;
  if (room === "search" && id === "export") {
    only(MAY_TAKE, session);
    const file = archive.file(query);
    const name = `wanglou-20261124-080000.${query.get("format")}`;
    response.writeHead(200, { "content-type": "text/csv", "content-disposition": `attachment; filename="${name}"` });
    return response.end(file);
  }
  if (room === "briefs") {
    only(MAY_TAKE, session);
    const page = archive.brief(query);
    const shown = query.get("format") === "html" ? "inline" : "attachment";
    const disposition = `${shown}; filename="wanglou-brief-20261124-080000.${query.get("format")}"`;
    response.writeHead(200, { "content-type": "text/html; charset=utf-8", "content-disposition": disposition });
    return response.end(page);
  }
  if (room === "search" || room === "threads") {
    only(MAY_SEARCH, session);
    return json(response, 200, room === "search" ? archive.search(query) : archive.thread(query));
  }
  if (room === "searches" && method === "GET") {
    const seen = archive.searches.filter(({ owner, shared }) => shared || owner === session.name);
    const mine = ({ owner }) => (owner === session.name ? 0 : 1);
    return json(response, 200, { searches: seen.sort((a, b) => mine(a) - mine(b) || (a.name < b.name ? -1 : 1)) });
  }
  if (room === "searches") return kept(request, response, id, session);
  if (room === "corrections" && id === "choices") return json(response, 200, archive.choices());
  if (room === "corrections") {
    only(MAY_TAKE, session);
    if (method === "DELETE") return json(response, 204, archive.takeBack(id));
    return json(response, 200, archive.correct(await read(request), session.name));
  }
  if (room === "watch") {
    if (method === "GET") return json(response, 200, { watch: archive.topics() });
    only(MAY_TAKE, session);
    if (method === "DELETE") return json(response, 204, void archive.watch.delete(id));
    return json(response, id ? 200 : 201, archive.setTopic(id, await read(request), session.name));
  }
  if (room === "words") {
    if (method === "GET") return json(response, 200, { words: [...archive.words.values()] });
    only(MAY_TAKE, session);
    if (method === "DELETE") return json(response, 204, void archive.words.delete(id));
    return json(response, 200, archive.addWord(id, session.name));
  }
}

/** A saved search is saved, changed or deleted. */
async function kept(request, response, id, session) {
  only(MAY_SEARCH, session);
  const now = new Date().toISOString();
  if (request.method === "POST") {
    const search = { id: randomBytes(4).toString("hex"), owner: session.name, created_at: now, changed_at: now };
    archive.searches.push(Object.assign(search, { shared: false }, await read(request)));
    return json(response, 201, search);
  }
  const search = archive.searches.find((each) => each.id === id);
  if (search && search.owner !== session.name && session.role !== "admin")
    throw new Problem(
      403,
      "not_yours",
      `这是 ${search.owner} 保存的检索, 只有本人能改 / ${search.owner} alone may change it`,
    );
  if (request.method === "DELETE") {
    archive.searches = archive.searches.filter((each) => each.id !== id);
    return json(response, 204);
  }
  if (!search) throw new Problem(404, "not_found", "没有这个检索 / there is no such search");
  return json(response, 200, Object.assign(search, await read(request), { changed_at: now }));
}

/** All topics, those that are hot, and of one its curve or why nobody was paged. */
function trend([id, what], query, now) {
  if (id === "hot") {
    const window = query.get("window") ?? "1h";
    if (!["1h", "24h", "7d"].includes(window)) throw new Problem(400, "bad_query", `unknown variant \`${window}\``);
    return { topics: empty.has(window) ? [] : hotList(town, window, Number(query.get("limit") ?? 50), now) };
  }
  if (id === undefined) {
    const emerging = town.found.filter(({ ref }) => ref.kind === "emerging");
    const all = [...town.topics, ...emerging, town.all];
    return { topics: all.map((topic) => ({ topic: topic.ref, query: topic.query, pulse: town.pulse(topic, now) })) };
  }
  const people = archive.watch.get(id);
  const topic = town.topic(id) ?? (people && set(people));
  if (!topic) throw new Problem(404, "not_found", "没有这个专题 / there is no such topic");
  if (what === "pulse") return town.curve(topic, Number(query.get("minutes") ?? 120), now);
  const at = query.has("at") ? Date.parse(query.get("at")) : now;
  if (Number.isNaN(at)) throw new Problem(400, "bad_query", "at is no time");
  if (at > now) throw new Problem(400, "bad_at", `at lies ahead: it is ${new Date(now).toISOString()} now`);
  return why(town, topic, at, now);
}

async function api(request, response, url) {
  const path = url.pathname.split("/").slice(2).map(decodeURIComponent);
  const key = /wanglou_session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
  const session = sessions.get(key);
  if (path[0] === "session" && request.method === "POST") {
    const made = login(await read(request));
    return json(response, 200, sessions.get(made), {
      "set-cookie": `wanglou_session=${made}; HttpOnly; SameSite=Strict; Path=/`,
    });
  }
  if (!session) throw new Problem(401, "unauthenticated", "请先登录 / log in, or send a bearer token");
  const now = Date.now();
  if (path[0] === "session" && path[1] === "pin" && request.method === "PUT") {
    const { password, pin } = await read(request);
    if (!/^[0-9]{6}$/.test(pin) || pin === "123456" || /^(.)\1*$/.test(pin))
      throw new Problem(400, "pin", "这个 PIN 太容易猜到, 请换一个 / this PIN is among the first that anybody tries");
    if (password !== "wanglou") throw new Problem(403, "wrong_password", "密码不对 / the password is wrong");
    return json(response, 204);
  }
  if (path[0] === "session") {
    if (request.method === "DELETE") sessions.delete(key);
    return request.method === "DELETE" ? json(response, 204) : json(response, 200, session);
  }
  // A unit's people have their incidents, and nothing else.
  if (session.role === "unit" && path[0] !== "incidents") only([], session);
  if (path[0] === "events") {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write(": hello\n\n");
    streams.add(response);
    return void request.on("close", () => streams.delete(response));
  }
  if (path[0] === "coverage" && path[1] === "alerts") return json(response, 200, { alerts: town.sourceAlerts(now) });
  if (path[0] === "coverage") {
    const id = url.searchParams.get("source");
    const all = town.sources(now);
    const states = ["ok", "late", "failing", "waiting"];
    return json(response, 200, {
      at: new Date(now).toISOString(),
      total: all.length,
      by_state: Object.fromEntries(states.map((state) => [state, all.filter((each) => each.state === state).length])),
      sources: id ? all.filter((source) => source.id === id) : all,
      ...(id ? { detail: town.detail(id, now) } : {}),
      next: null,
    });
  }
  const rooms = ["search", "threads", "briefs", "searches", "corrections", "watch", "words"];
  if (rooms.includes(path[0])) return archived(request, response, url, path, session);
  if (path[0] === "calendar") {
    const body = request.method === "POST" ? await read(request) : {};
    return json(response, ...roster.calendar(request.method, body, session, now));
  }
  if (path[0] === "roster" && path.length === 1) return json(response, 200, roster.board(url.searchParams, now));
  if (path[0] === "roster" && request.method !== "GET") {
    const body = request.method === "POST" ? await read(request) : {};
    const done = roster.act(path.slice(1), request.method, body, session, now);
    if (done) return json(response, ...done);
  }
  const quietly =
    ["silences", "drills"].includes(path[0]) || (["topics", "incidents"].includes(path[0]) && path.length === 3);
  if (quietly) {
    const body = ["silences", "drills"].includes(path[0]) && request.method === "POST" ? await read(request) : {};
    const done = quiet.answer(path, request.method, url.searchParams, body, session, now);
    if (done) return json(response, ...done);
  }
  if (path[0] === "topics") return json(response, 200, trend(path.slice(1), url.searchParams, now));
  if (path[0] === "incidents" && path.length === 1)
    return json(response, 200, { incidents: desk.list(url.searchParams.get("state") ?? "open", session) });
  if (path[0] === "incidents" && path.length === 2) return json(response, 200, desk.file(path[1], session));
  if (path[0] === "incidents" && request.method === "POST") {
    only(MAY_ACT[path[2]] ?? MAY_HANDLE, session);
    return json(response, 200, desk.act(path[1], path[2], session, await read(request)));
  }
  throw new Problem(404, "not_found", "没有这个接口 / no such endpoint");
}

function page(response, url) {
  const path = normalize(decodeURIComponent(url.pathname)).replace(/^([.]{2}[/\\])+/, "");
  const file = join(DIST, path);
  const found = path !== "/" && existsSync(file) && extname(file) ? file : join(DIST, "index.html");
  response.writeHead(200, {
    "content-type": TYPES[extname(found)] ?? "application/octet-stream",
    "content-security-policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
    "x-content-type-options": "nosniff",
  });
  createReadStream(found).pipe(response);
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://mock");
  if (Date.now() < downUntil) return void request.socket.destroy();
  if (url.pathname === "/mock/empty") {
    empty.add(url.searchParams.get("window") ?? "1h");
    return void response.writeHead(204).end();
  }
  if (url.pathname === "/mock/escalate") {
    desk.page(desk.file(url.searchParams.get("incident")), "escalation", Date.now());
    return void response.writeHead(204).end();
  }
  if (url.pathname === "/mock/drop") {
    downUntil = Date.now() + Number(url.searchParams.get("seconds") ?? 20) * 1000;
    response.writeHead(204).end();
    return streams.forEach((stream) => stream.destroy());
  }
  if (!url.pathname.startsWith("/api/")) return page(response, url);
  try {
    await api(request, response, url);
  } catch (error) {
    const { status = 500, code = "internal", message, headers } = error;
    json(response, status, { error: { code, message } }, headers);
  }
});
server.listen(option("port", 8081), "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
