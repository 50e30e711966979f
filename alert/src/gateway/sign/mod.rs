//! `/a/{token}`: the page that a link in a message opens, on a phone, without a log-in. It shows one incident and signs it.
//!
//! GET and HEAD change nothing, whoever asks: chats open links to preview them. A POST signs, if it comes from the page itself: it is
//! a form with the page's own token in it, which another site or a preview does not know, and
//!
//! | `Sec-Fetch-Site` | `Origin` | outcome |
//! |---|---|---|
//! | `same-origin` | any | goes on |
//! | anything else | any | 403 |
//! | none: an old browser | none, or `null`, as `Referrer-Policy: no-referrer` makes it | goes on: the form's token decides |
//! | none | this host | goes on |
//! | none | another | 403 |
//!
//! What is answered, where GET and POST differ as GET / POST:
//!
//! | link | incident | answer |
//! |---|---|---|
//! | broken, or of an incident that there is not | – | 404 |
//! | expired, or void, or with ten wrong PINs | – | 410 |
//! | right | 新发 | 200 with the form / signed: 200 |
//! | right | signed by whoever asks | 200 |
//! | right | signed by another | 200 / 409 with the name |
//! | right | closed | 200 / 409 |
//! | right | reopened since | 200 / 409 |
//! | right, but no form | any | – / 415; without the page's token 403 |
//! | a group's: a name that is not on the list, or a wrong PIN | 新发 | – / 403, and once more |
//! | a group's: too many tries ([`super::throttle`]) | 新发 | – / 429 |
//! | right | the process stands by, or the database is away | 503 |
//!
//! Sessions and tokens mean nothing here: whoever is logged in gets the same page.

mod page;

use super::{outage::problem, peer, throttle::Throttle};
use crate::{
    engine::{
        Desk,
        desk::ActError,
        link::{ByLink, Signer, signed_by},
    },
    incident::{File, Refusal},
    link::{LinkError, MOST_WRONG, Opened},
    password,
    records::RecordsError,
};
use axum::{
    Router,
    body::Bytes,
    extract::{self, DefaultBodyLimit, Path},
    http::{StatusCode, header, request::Parts},
    response::Response,
    routing::get,
};
use page::{Ask, Said, Tone, View, notice};
use schemas::{kit::tokens::hash, records::State};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;

/// The longest form.
const LONGEST_FORM: usize = 4 << 10;

/// What the pages share.
struct Phone {
    desk: Arc<Desk>,
    throttle: Mutex<Throttle>,
    verifying: Semaphore,
}

/// The pages that links in messages open.
pub fn sign_pages(desk: Arc<Desk>) -> Router {
    let phone = Phone { desk, throttle: Mutex::default(), verifying: Semaphore::new(2) };
    Router::new()
        .route("/a/{*token}", get(show).post(sign))
        .layer(DefaultBodyLimit::max(LONGEST_FORM))
        .with_state(Arc::new(phone))
}

/// A link that opens an incident.
struct Found<'a> {
    token: &'a str,
    link: Opened<'a>,
    file: File,
    /// How often the incident was reopened until now.
    turn: u16,
}

impl Found<'_> {
    fn is_reopened(&self) -> bool {
        self.turn != self.link.turn
    }

    /// Whether there is anything to sign.
    fn awaits(&self) -> bool {
        self.file.incident.state == State::New && !self.is_reopened()
    }
}

/// `GET /a/{token}`
async fn show(extract::State(phone): extract::State<Arc<Phone>>, Path(token): Path<String>) -> Response {
    match phone.find(&token).await {
        Ok(found) => phone.page(&found, StatusCode::OK, None, None).await,
        Err(response) => response,
    }
}

/// `POST /a/{token}`
async fn sign(
    extract::State(phone): extract::State<Arc<Phone>>,
    Path(token): Path<String>,
    head: Parts,
    body: Bytes,
) -> Response {
    let found = match phone.find(&token).await {
        Ok(found) => found,
        Err(response) => return response,
    };
    match phone.sign(&found, &head, &body).await {
        Ok(response) | Err(response) => response,
    }
}

/// What a form brings.
#[derive(Debug, Default, PartialEq, Eq)]
struct Form {
    form: String,
    who: String,
    pin: String,
}

impl Form {
    /// Reads a form; none for a body that is no form.
    fn read(head: &Parts, body: &[u8]) -> Option<Self> {
        let kind = head.headers.get(header::CONTENT_TYPE)?.to_str().ok()?.split(';').next()?.trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return None;
        }
        let mut form = Self::default();
        for (name, value) in url::form_urlencoded::parse(body) {
            match &*name {
                "form" => form.form = value.into_owned(),
                "who" => form.who = value.into_owned(),
                "pin" => form.pin = value.trim().to_owned(),
                _ => {}
            }
        }
        Some(form)
    }
}

/// Whether a request may come from the page itself. The module's first table.
fn is_own(head: &Parts, base: &str) -> bool {
    let text = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let host =
        |address: &str| address.split_once("://").map(|(_, host)| host.trim_end_matches('/').to_ascii_lowercase());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, None | Some("null")) => true,
        (None, Some(origin)) => {
            let origin = host(origin);
            let here = text("host").map(str::to_ascii_lowercase);
            let public = host(base).and_then(|rest| rest.split('/').next().map(str::to_owned));
            origin.is_some() && (origin == here || origin == public)
        }
    }
}

impl Phone {
    fn console(&self, incident: &str) -> String {
        format!("{}/incidents/{incident}", self.desk.style.base)
    }

    fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a link opens; else the page that says why it opens nothing.
    async fn find<'a>(&'a self, token: &'a str) -> Result<Found<'a>, Response> {
        let desk = &self.desk;
        let link = desk.links.open(token, desk.now()).map_err(|error| self.opens_nothing(error))?;
        let away = |error: RecordsError| self.away(&error);
        if desk.records.wrong_tries(&hash(token)).await.map_err(away)? >= MOST_WRONG {
            return Err(self.dead(&link.incident));
        }
        let file = desk.records.incident(&link.incident).await.map_err(away)?;
        let file = file.ok_or_else(|| self.opens_nothing(LinkError::Broken))?;
        let turn = desk.records.reopenings(&link.incident).await.map_err(away)?;
        Ok(Found { token, link, file, turn })
    }

    /// Signs, if all is right.
    async fn sign(&self, found: &Found<'_>, head: &Parts, body: &[u8]) -> Result<Response, Response> {
        if !is_own(head, &self.desk.style.base) {
            return Err(self.foreign(found));
        }
        let form = Form::read(head, body).ok_or_else(|| self.no_form(found))?;
        if !self.desk.links.is_form(found.token, &form.form) {
            return Err(self.foreign(found));
        }
        if self.desk.epoch().is_none() {
            return Err(self.away(&RecordsError::Standby));
        }
        let who = match &found.link.audience.owner {
            Some(owner) => owner.clone(),
            // Nobody is asked for a PIN in vain; and without one nobody is who they say they are.
            None if !found.awaits() => return Ok(self.late(found, &form.who).await),
            None => self.by_pin(found, &form, peer(head)).await?,
        };
        let by = ByLink { turn: found.link.turn, audience: found.link.audience };
        match self.desk.sign_by_link(&found.link.incident, &who, &by).await {
            Ok(file) => Ok(self.signed(found, file, &who).await),
            Err(error) => Err(self.refused(found, &error).await),
        }
    }

    /// What a group is told that has nothing to sign any more.
    async fn late(&self, found: &Found<'_>, who: &str) -> Response {
        let incident = &found.file.incident;
        let is_twice = incident.state != State::Closed && incident.acked_by.as_deref() == Some(who);
        let status = if is_twice && !found.is_reopened() { StatusCode::OK } else { StatusCode::CONFLICT };
        self.page(found, status, None, None).await
    }

    /// Who of a group signs: a name of the list, with its PIN.
    async fn by_pin(&self, found: &Found<'_>, form: &Form, peer: Option<IpAddr>) -> Result<String, Response> {
        let (desk, link) = (&self.desk, hash(found.token));
        let now = desk.now();
        let name = crate::message::clean(&form.who, 64);
        let entered = self.throttle().enter_pin(&name, &link, peer, now);
        if let Err(seconds) = entered {
            return Err(self.too_many(found, &name, seconds).await);
        }
        let away = |error: RecordsError| self.away(&error);
        let signers = desk.signers(&found.file.incident, now).await.map_err(away)?;
        let known = signers.iter().any(|signer| signer.name == name);
        let stored = if known { desk.records.pin(&name).await.map_err(away)? } else { None };
        let given = form.pin.clone();
        let right = {
            // A few at a time: each takes a core and 19 MiB.
            let _turn = self.verifying.acquire().await.map_err(|_| self.away(&RecordsError::Standby))?;
            let verified = tokio::task::spawn_blocking(move || {
                given.len() <= password::LONGEST && password::verify(&given, stored.as_deref())
            });
            verified.await.unwrap_or(false)
        };
        if right {
            self.throttle().pin_was_right(&name, &link, peer);
            return Ok(name);
        }
        let from = peer.map(|peer| format!("; {peer}")).unwrap_or_default();
        let detail = format!("{}{from}", found.link.audience.told());
        let (incident, expires_at) = (&found.link.incident, found.link.expires_at);
        desk.wrong_pin(found.token, expires_at, incident, &name, detail).await.map_err(away)?;
        if desk.records.wrong_tries(&link).await.map_err(away)? >= MOST_WRONG {
            return Err(self.dead(incident));
        }
        let said = Said::new(
            Tone::Bad,
            "姓名或 PIN 不对",
            "请核对后再试。忘记 PIN: 请登录值班台重设, 或请管理员重设 (wanglou user pin)。",
            "Wrong name or PIN. Forgotten: set another one in the console, or ask the administrator",
        );
        Err(self.page(found, StatusCode::FORBIDDEN, Some(said), Some(&name)).await)
    }

    /// The incident, with whatever there is to sign.
    async fn page(&self, found: &Found<'_>, status: StatusCode, said: Option<Said>, chosen: Option<&str>) -> Response {
        let incident = &found.file.incident;
        let (console, form) = (self.console(&incident.id), self.desk.links.form(found.token));
        let mut view =
            View { incident, tz: &self.desk.style.tz, console: &console, said, ask: Ask::Nothing, form: &form };
        if !found.awaits() {
            view.said = view.said.or_else(|| Some(self.standing(found)));
            return view.show(status);
        }
        if let Some(owner) = &found.link.audience.owner {
            view.ask = Ask::Own(owner);
            return view.show(status);
        }
        let signers: Vec<Signer> = match self.desk.signers(incident, self.desk.now()).await {
            Ok(signers) => signers,
            Err(error) => return self.away(&error),
        };
        if signers.is_empty() {
            view.said = Some(Said::new(
                Tone::Bad,
                "此处还没有人能签收",
                "值班表上的人都还没有设置签收 PIN。请登录值班台签收, 并在用户菜单里设置 PIN。",
                "Nobody on the roster has a PIN yet. Log in at the console to sign, and set your PIN there",
            ));
        } else {
            view.ask = Ask::Group(&signers, chosen);
        }
        view.show(status)
    }

    /// Why there is nothing to sign.
    fn standing(&self, found: &Found<'_>) -> Said {
        let incident = &found.file.incident;
        if incident.state == State::Closed {
            return Said::new(
                Tone::Plain,
                "事件已办结",
                "无需再签收。如有新情况, 请登录值班台重开。",
                "It is closed, and there is nothing to sign. Reopen it in the console if there is news",
            );
        }
        if found.is_reopened() {
            return Said::new(
                Tone::Plain,
                "事件已重开, 此链接不再能签收",
                "请登录值班台办理, 或打开最新一条消息里的链接。",
                "It was reopened after this link was sent: go on in the console, or by the newest message's link",
            );
        }
        let who = incident.acked_by.clone().unwrap_or_default();
        let at = incident.acked_at.map(|at| page::time(&self.desk.style.tz, at)).unwrap_or_default();
        Said::new(
            Tone::Good,
            &format!("{who} 已签收"),
            format!("{at} 由 {who} 签收, 无需再签。"),
            format!("{who} signed it at {at}. There is nothing left to sign"),
        )
    }

    async fn signed(&self, found: &Found<'_>, file: File, who: &str) -> Response {
        let at = file.incident.acked_at.map(|at| page::time(&self.desk.style.tz, at)).unwrap_or_default();
        let next = "下一步: 登录值班台, 交办责任单位, 或记录处置情况。";
        let said = Said::new(
            Tone::Good,
            "签收成功",
            format!("{who} 于 {at} 签收。{next}"),
            format!("Signed by {who} at {at}. Next: log in at the console, and hand it to a unit or note what is done"),
        );
        let now = Found { token: found.token, link: found.link.clone(), file, turn: found.turn };
        self.page(&now, StatusCode::OK, Some(said), None).await
    }

    async fn refused(&self, found: &Found<'_>, error: &ActError) -> Response {
        match error {
            ActError::Records(error) => return self.away(error),
            ActError::Unknown => return self.opens_nothing(LinkError::Broken),
            ActError::Reopened | ActError::Refused(_) => {}
        }
        // It has changed since this page was asked for.
        let now = match self.find(found.token).await {
            Ok(now) => now,
            Err(response) => return response,
        };
        let said = signed_by(error).map(|who| {
            let at = now.file.incident.acked_at.map(|at| page::time(&self.desk.style.tz, at)).unwrap_or_default();
            Said::new(
                Tone::Plain,
                &format!("{who} 已先签收"),
                format!("{at} 由 {who} 签收, 您的签收没有记录。如需协同处置, 请与 {who} 联系或登录值班台。"),
                format!("{who} signed it first, at {at}. Yours was not recorded"),
            )
        });
        debug_assert!(!matches!(error, ActError::Refused(Refusal::Missing(_))), "签收 needs nothing");
        self.page(&now, StatusCode::CONFLICT, said, None).await
    }

    fn opens_nothing(&self, error: LinkError) -> Response {
        let base = &self.desk.style.base;
        let (status, said) = match error {
            LinkError::Broken => (
                StatusCode::NOT_FOUND,
                Said::new(
                    Tone::Bad,
                    "链接不完整或无效",
                    "请从原消息里重新打开, 或把整条链接复制完整; 也可登录值班台。",
                    "This link is broken or not whole. Open it from the message again, or log in at the console",
                ),
            ),
            LinkError::Expired => (
                StatusCode::GONE,
                Said::new(
                    Tone::Plain,
                    "链接已过期",
                    format!("请登录值班台查看: {base}"),
                    format!("This link has expired. Log in at {base}"),
                ),
            ),
            LinkError::Void => (
                StatusCode::GONE,
                Said::new(
                    Tone::Plain,
                    "链接已失效",
                    format!("发送它的渠道已停用或换了使用者。请登录值班台查看: {base}"),
                    format!("The channel of this link is another's now, or no more. Log in at {base}"),
                ),
            ),
        };
        notice(status, &said, base)
    }

    fn dead(&self, incident: &str) -> Response {
        let said = Said::new(
            Tone::Bad,
            "链接已停用",
            "PIN 输错次数过多, 此链接已停用。事件仍在等待签收, 逾时会通知下一级。请登录值班台签收。",
            "Too many wrong PINs: this link is dead. The incident still awaits a signature and will be escalated. Log in to sign",
        );
        notice(StatusCode::GONE, &said, &self.console(incident))
    }

    async fn too_many(&self, found: &Found<'_>, name: &str, seconds: u32) -> Response {
        let minutes = seconds.div_ceil(60);
        let said = Said::new(
            Tone::Bad,
            "尝试次数过多",
            format!("请 {minutes} 分钟后再试, 或登录值班台签收。"),
            format!("Too many tries: wait {minutes} minutes, or log in at the console to sign"),
        );
        let mut response = self.page(found, StatusCode::TOO_MANY_REQUESTS, Some(said), Some(name)).await;
        response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        response
    }

    fn foreign(&self, found: &Found<'_>) -> Response {
        let said = Said::new(
            Tone::Bad,
            "没有签收",
            "这次提交不是从签收页面发出的。请从消息里重新打开链接, 再点签收。",
            "Not signed: this did not come from the page itself. Open the link from the message again, then sign",
        );
        notice(StatusCode::FORBIDDEN, &said, &self.console(&found.link.incident))
    }

    fn no_form(&self, found: &Found<'_>) -> Response {
        let said = Said::new(
            Tone::Bad,
            "没有签收",
            "提交的不是签收页面的表单。请从消息里重新打开链接, 再点签收。",
            "Not signed: this is not the page's form. Open the link from the message again, then sign",
        );
        notice(StatusCode::UNSUPPORTED_MEDIA_TYPE, &said, &self.console(&found.link.incident))
    }

    fn away(&self, error: &RecordsError) -> Response {
        let problem = problem(error);
        let said = Said::new(
            Tone::Bad,
            "暂时不能签收",
            "系统暂时不可用, 未作任何改动。请稍候片刻, 刷新再试。",
            "Not now, and nothing was changed: wait a moment, then try again",
        );
        let mut response = notice(problem.status, &said, &self.desk.style.base);
        if let Some(seconds) = problem.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
