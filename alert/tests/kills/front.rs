//! The receivers, in a process that outlives the kills. In front of the doubles of the platforms stands whatever goes wrong on the way to them and in
//! them: of ten messages three fail, in every way that is documented.
//!
//! | what happens | the receiver has it | the sender can know that |
//! |---|---|---|
//! | it is taken, and the answer arrives | yes | yes |
//! | it is refused: an error of the platform, a status, a proxy's page | no | |
//! | nobody answers, or the connection is closed | yes or no | no |
//! | half an answer | yes | no |

use crate::{
    play::{PATIENCE, Play, dice},
    support::robots::Robots,
};
use axum::{Router, body::Body, http::Request, routing::post};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tower::ServiceExt;

/// An answer that takes longer may come too late on a busy machine: nobody knows whether it was seen.
const SURELY_SEEN: Duration = Duration::from_millis(400);

/// A message that has arrived.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub channel: String,
    /// The message without what differs from one try to the next: the time, and the signature over it.
    pub message: Value,
    pub at: Instant,
    /// Whether the receiver has taken it.
    pub taken: bool,
    /// Whether the sender has been told so, if it lived.
    pub seen: bool,
    pub what: &'static str,
}

/// What goes wrong.
#[derive(Debug, Clone)]
enum Mischief {
    Refused(&'static str, u16, Option<u32>, String),
    Silence { taken: bool },
    Closed { taken: bool },
    Half,
}

impl Mischief {
    fn name(&self) -> &'static str {
        match self {
            Self::Refused(name, ..) => name,
            Self::Silence { taken: true } => "taken, then silence",
            Self::Silence { .. } => "silence",
            Self::Closed { taken: true } => "taken, then closed",
            Self::Closed { .. } => "closed",
            Self::Half => "taken, half an answer",
        }
    }
}

struct Inner {
    seed: u64,
    count: AtomicU64,
    arrived: Mutex<Vec<Arrived>>,
    doubles: Router,
    /// The play's time, once it has begun.
    time: Arc<AtomicI64>,
    play: Mutex<Option<Play>>,
    news: Notify,
    /// Nothing goes wrong any more.
    calm: std::sync::atomic::AtomicBool,
}

#[derive(Clone)]
pub struct Front {
    pub url: String,
    inner: Arc<Inner>,
}

impl Front {
    pub async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let time = Arc::<AtomicI64>::default();
        let robots = Robots::aside(Arc::clone(&time));
        let doubles = ["/desk", "/hall", "/leader", "/unit"]
            .into_iter()
            .fold(robots.router(), |router, path| router.route(path, post(async || "")));
        let inner = Inner {
            seed,
            count: AtomicU64::default(),
            arrived: Mutex::default(),
            doubles,
            time,
            play: Mutex::default(),
            news: Notify::new(),
            calm: false.into(),
        };
        let front = Self { url, inner: Arc::new(inner) };
        let accepting = front.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let front = accepting.clone();
                // A connection that the killed process has left breaks off, and that is all.
                tokio::spawn(async move { front.serve(stream).await.ok() });
            }
        });
        front
    }

    /// From now on it is this play's time.
    pub fn begin(&self, play: &Play) {
        *self.inner.play.lock().unwrap() = Some(play.clone());
    }

    /// From now on all is taken.
    pub fn calm(&self) {
        self.inner.calm.store(true, Ordering::SeqCst);
    }

    pub fn take(&self) -> Vec<Arrived> {
        std::mem::take(&mut *self.inner.arrived.lock().unwrap())
    }

    /// Waits until a message is taken.
    pub async fn news(&self) {
        self.inner.news.notified().await;
    }

    async fn serve(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream).await? {
            if !self.answer(stream.get_mut(), request).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Returns whether the connection goes on.
    async fn answer(&self, stream: &mut TcpStream, request: Asked) -> std::io::Result<bool> {
        let at = Instant::now();
        let inner = &self.inner;
        if let Some(play) = &*inner.play.lock().unwrap() {
            inner.time.store(play.now().as_millisecond(), Ordering::SeqCst);
        }
        let (channel, path) = request.route();
        let n = inner.count.fetch_add(1, Ordering::SeqCst);
        let mischief = if inner.calm.load(Ordering::SeqCst) { None } else { mischief(inner.seed, n, &channel) };
        let message = message(&request.body);
        let arrived = |taken, seen, what| Arrived { channel, message, at, taken, seen, what };
        if let Some(Mischief::Refused(what, status, after, body)) = mischief {
            self.note(arrived(false, false, what));
            stream.write_all(response(status, after, body.as_bytes()).as_slice()).await?;
            return Ok(true);
        }
        let what = mischief.as_ref().map_or("taken", Mischief::name);
        if let Some(Mischief::Silence { taken: false } | Mischief::Closed { taken: false }) = mischief {
            self.note(arrived(false, false, what));
            if matches!(mischief, Some(Mischief::Silence { .. })) {
                tokio::time::sleep(2 * PATIENCE).await;
            }
            return Ok(false);
        }
        let (status, body) = self.judged(path, request).await;
        let taken = status == 200 && is_success(&body);
        let response = response(status, None, &body);
        let place = match mischief {
            Some(Mischief::Silence { .. }) => {
                self.note(arrived(taken, false, what));
                tokio::time::sleep(2 * PATIENCE).await;
                return Ok(false);
            }
            Some(Mischief::Closed { .. }) => {
                self.note(arrived(taken, false, what));
                return Ok(false);
            }
            Some(Mischief::Half) => {
                let half = response.len() - body.len() / 2 - 1;
                self.note(arrived(taken, false, what));
                stream.write_all(&response[..half]).await?;
                return Ok(false);
            }
            _ => {
                let place = self.note(arrived(taken, false, if taken { what } else { "refused by the platform" }));
                stream.write_all(&response).await?;
                place
            }
        };
        if at.elapsed() < SURELY_SEEN
            && let Some(arrived) = inner.arrived.lock().unwrap().get_mut(place)
        {
            arrived.seen = true;
        }
        Ok(true)
    }

    /// Before anything is answered: who has the answer finds it noted.
    fn note(&self, arrived: Arrived) -> usize {
        let mut all = self.inner.arrived.lock().unwrap();
        all.push(arrived);
        self.inner.news.notify_waiters();
        all.len() - 1
    }

    async fn judged(&self, path: String, request: Asked) -> (u16, Vec<u8>) {
        let mut asked = Request::post(path);
        for (name, value) in request.headers {
            asked = asked.header(name, value);
        }
        let response = self.inner.doubles.clone().oneshot(asked.body(Body::from(request.body)).unwrap()).await.unwrap();
        let status = response.status().as_u16();
        (status, axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
    }
}

struct Asked {
    path: String,
    headers: BTreeMap<String, Vec<u8>>,
    body: Vec<u8>,
}

impl Asked {
    /// The channel, and the path at its double.
    fn route(&self) -> (String, String) {
        let channel = self.path.trim_start_matches('/').split(['/', '?']).next().unwrap().to_owned();
        (channel, self.path.clone())
    }
}

/// The next request of a connection; none when it has ended.
async fn read(stream: &mut BufReader<TcpStream>) -> std::io::Result<Option<Asked>> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await? == 0 {
        return Ok(None);
    }
    let path = String::from_utf8_lossy(&line).split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = BTreeMap::new();
    loop {
        line.clear();
        stream.read_until(b'\n', &mut line).await?;
        let trimmed = line.trim_ascii();
        let Some(colon) = trimmed.iter().position(|byte| *byte == b':') else { break };
        let name = String::from_utf8_lossy(&trimmed[..colon]).to_lowercase();
        headers.insert(name, trimmed[colon + 1..].trim_ascii().to_vec());
    }
    let length = headers.get("content-length").and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).await?;
    Ok(Some(Asked { path, headers, body }))
}

fn response(status: u16, after: Option<u32>, body: &[u8]) -> Vec<u8> {
    let after = after.map(|after| format!("retry-after: {after}\r\n")).unwrap_or_default();
    let head = format!("HTTP/1.1 {status} -\r\ncontent-length: {}\r\n{after}\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// A message without what differs from one try to the next.
fn message(body: &[u8]) -> Value {
    let mut message: Value = serde_json::from_slice(body).unwrap();
    if message["msg_type"] == "interactive" {
        let fields = message.as_object_mut().unwrap();
        fields.remove("timestamp");
        fields.remove("sign");
        return message;
    }
    // To the byte.
    if message["key"].is_string() {
        json!({ "key": message["key"], "bytes": String::from_utf8_lossy(body) })
    } else {
        message
    }
}

/// Whether a double has taken a message: a webhook says nothing, a robot says nought.
fn is_success(body: &[u8]) -> bool {
    let Ok(body) = serde_json::from_slice::<Value>(body) else { return body.is_empty() };
    body["errcode"] == 0 || body["code"] == 0
}

/// What goes wrong with a message.
fn mischief(seed: u64, n: u64, channel: &str) -> Option<Mischief> {
    let roll = |what: &str, sides| dice(seed, &format!("{what} of message {n}"), sides);
    let refused = |what, status, after, body: &str| Some(Mischief::Refused(what, status, after, body.to_owned()));
    let robot = |what, code: i64, said: &str| {
        let body = if channel == "feishu" {
            json!({ "code": code, "msg": said, "data": {} })
        } else {
            json!({ "errcode": code, "errmsg": said })
        };
        Some(Mischief::Refused(what, 200, None, body.to_string()))
    };
    match roll("fate", 100) {
        0..5 => return Some(Mischief::Closed { taken: roll("taken", 2) == 0 }),
        5..8 => return Some(Mischief::Silence { taken: roll("taken", 2) == 0 }),
        8..30 => {}
        _ => return None,
    }
    let kind = roll("kind", 12);
    match (channel, kind) {
        (_, 0) => refused("503 with Retry-After", 503, Some(20), ""),
        (_, 1) => refused("429 with Retry-After", 429, Some(40), "too many requests"),
        (_, 2) => refused("500", 500, None, "<html>internal server error</html>"),
        (_, 3) => refused("502", 502, None, "<html>bad gateway</html>"),
        ("hall", 4) => refused("404 for good", 404, None, "no such page"),
        ("hall", 5) => refused("410 for good", 410, None, ""),
        ("desk" | "hall" | "leader" | "unit", _) => match kind % 3 {
            0 => refused("408", 408, None, ""),
            1 => refused("425", 425, None, ""),
            _ => refused("504", 504, None, ""),
        },
        (_, 4) => refused("a log-in page", 200, None, "<html>请先登录</html>"),
        (_, 5 | 6) => Some(Mischief::Half),
        ("wecom", 7) => robot("45009", 45009, "api freq out of limit"),
        ("wecom", 8) => robot("93000", 93000, "invalid webhook url"),
        ("wecom", 9) => robot("40058", 40058, "markdown.content exceed max length 4096. invalid Request Parameter"),
        ("dingtalk", 7) => robot("130101", 130101, "send too fast, exceed 20 times per minute"),
        ("dingtalk", 8) => robot("310000", 310000, "sign not match"),
        ("dingtalk", 9) => robot("430101", 430101, "content is not let through"),
        ("feishu", 7) => robot("11232", 11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"),
        ("feishu", 8) => robot("19021", 19021, "sign match fail or timestamp is not within one hour from current time"),
        ("feishu", 9) => robot("9499", 9499, "too many request"),
        (_, 10) => refused("an answer without a code", 200, None, "{}"),
        _ => robot("busy", -1, "system busy"),
    }
}
