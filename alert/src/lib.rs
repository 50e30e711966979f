//! Policy, incidents, duty roster, escalation, channels, and the gateway with the console.
//!
//! Must not know: how posts are fetched, segmented or indexed. It reads `topics.pulse`, `crawl.reports`, `posts.rejected` and
//! `audit`, writes `incidents`, and imports nothing of the other stages: their APIs come to the gateway as routers
//! ([`Upstreams`]).
//!
//! Pure cores, each with its table of outcomes: [`policy`] (which level), [`matter`] (one incident per matter),
//! [`incident`] (what people may do), [`clock`] (deadlines, by [`calendar`]), [`proposal`] (which unit), [`roster`] (who is on duty), [`escalation`] (when
//! nobody signs), [`outbox`] (what is sent next), [`message`] (what a page says), [`upkeep`] (which source is not covered), [`quiet`] (what keeps pages back, and
//! what proves that all is alive), [`link`] (whom a link in a message lets sign), [`lease`] (which of several processes is active). Around them: [`records`] (the only SQL), [`engine`] (the tasks), [`channel`]
//! (how a page reaches people), `gateway` (the API).

pub mod audit;
pub mod calendar;
pub mod channel;
pub mod clock;
pub mod engine;
pub mod escalation;
mod gateway;
mod holder;
pub mod incident;
pub mod lease;
pub mod link;
pub mod matter;
pub mod message;
pub mod outbox;
mod password;
pub mod pin;
pub mod policy;
pub mod proposal;
pub mod quiet;
pub mod records;
pub mod roster;
#[cfg(test)]
mod samples;
pub mod upkeep;
pub mod users;

use axum::Router;
use engine::{Desk, Plan, deadman::Stages, keeper::Keeper};
use gateway::Gateway;
pub use gateway::sign_pages;
use link::Links;
use message::Style;
use records::Records;
use schemas::{
    kit::{
        holidays,
        service::{Ready, Service},
        settings::{Duty, Fault, LogKind, Settings, secret},
        shutdown::Shutdown,
    },
    log::SharedLog,
};
use std::sync::{Arc, atomic::Ordering};

/// The other stages' parts of the API: their own routers when they run in this process, proxies when they run apart. The
/// gateway authenticates, puts the caller into the request, and passes it on.
pub struct Upstreams {
    /// `POST /api/posts`, `GET /api/coverage`.
    pub ingest: Router,
    /// `GET /api/search`, `GET /api/topics…`.
    pub analyze: Router,
    /// Whether the other stages can do their work, by name: what `/readyz` shows beside this one.
    pub ready: Vec<(&'static str, Ready)>,
}

/// Faults of the config that only this stage can judge.
#[must_use]
pub fn check(settings: &Settings) -> Vec<Fault> {
    let mut faults = Vec::new();
    if let Some(fault) = records::fault(settings) {
        faults.push(settings.section_fault("records", "url", fault));
    }
    faults.extend(channel::faults(settings));
    faults
}

/// What is no fault, and will be regretted all the same.
#[must_use]
pub fn warnings(settings: &Settings) -> Vec<Fault> {
    let mut warnings = Vec::new();
    let public = settings.http.public_url.as_deref();
    if settings.channel.is_empty() {
        warnings.push(settings.section_fault(
            "channel",
            "",
            "warning: there is no [[channel]]: incidents open, and nobody is told",
        ));
    } else if !public.is_some_and(opens_on_a_phone) {
        let message =
            "warning: [http] public_url is missing or a loopback address: links in messages will not open on a phone";
        warnings.push(settings.section_fault("http", "public_url", message));
    }
    warnings.extend(channel::missing(settings, &secret));
    warnings.extend(of_upstreams(settings));
    warnings.extend(of_clocks(settings, jiff::Timestamp::now()));
    warnings.extend(of_rosters(settings, jiff::Timestamp::now()));
    warnings
}

/// What is wrong with the fortnight ahead of the rosters, as far as the config alone shows it.
fn of_rosters(settings: &Settings, now: jiff::Timestamp) -> Vec<Fault> {
    use roster::findings::{Kind, findings};
    let people = roster::People::of(settings.person.iter().map(|person| person.get_ref().clone()));
    let all: Vec<&Duty> = settings.duty.iter().map(|duty| duty.get_ref()).collect();
    let tz = settings.tz();
    let local = |at: jiff::Timestamp, format: &str| at.to_zoned_datetime(tz.clone()).strftime(format).to_string();
    let mut warnings = Vec::new();
    for table in &settings.duty {
        for found in findings(table.get_ref(), &all, &[], &people, now, &tz) {
            let (from, to) = (local(found.from, "%H:%M"), local(found.to, "%H:%M"));
            let (first, times) = (local(found.from, "%Y-%m-%d"), found.times);
            let person = found.person.as_deref().unwrap_or_default();
            let what = match (found.kind, &found.other) {
                (Kind::Gap, _) => {
                    "nobody is on duty who can be reached: add a shift, or channels to the roster".to_owned()
                }
                (Kind::Double, Some(other)) => format!(
                    "{person:?} is on duty here and in {other:?} at once: let one of the two be somebody else's"
                ),
                (Kind::Double, None) => {
                    format!("{person:?} has two turns at once: let one of the two be somebody else's")
                }
                (Kind::Unreachable, _) => format!(
                    "{person:?} is on duty and cannot be reached: add [[person]] name = {person:?} with channels, or channels to the shift"
                ),
                (Kind::Stale | Kind::Overlap, _) => continue,
            };
            let id = &table.get_ref().id;
            let message =
                format!("warning: {id:?}: from {from} to {to} {what} ({times} times within 14 days, first on {first})");
            warnings.push(settings.fault(table, "shift", message));
        }
    }
    warnings
}

/// Deadlines in working time count by days off that the program knows up to a day; a config may know more.
fn of_clocks(settings: &Settings, now: jiff::Timestamp) -> Vec<Fault> {
    let today = settings.tz().to_datetime(now).date();
    let soon = today.saturating_add(jiff::ToSpan::days(60));
    let set = settings.calendar.holidays.iter().chain(&settings.calendar.workdays).copied();
    let through = holidays::known_through().into_iter().chain(set).max();
    match through {
        Some(through) if through < soon && clock::Clocks::of(settings).count_working_time() => {
            let message = format!(
                "warning: days off and worked weekends are known up to {through} only: add those of the next notice, or deadlines \
                 in working time count holidays as working days"
            );
            vec![settings.section_fault("calendar", "holidays", message)]
        }
        _ => Vec::new(),
    }
}

/// What the gateway will miss when it runs apart, or has in vain when all runs in one process.
fn of_upstreams(settings: &Settings) -> Vec<Fault> {
    let upstream = &settings.http.upstream;
    let warning = |key, message: &str| settings.section_fault("http.upstream", key, format!("warning: {message}"));
    match settings.log.kind {
        LogKind::Embedded if !upstream.is_empty() => {
            vec![warning("", "[http.upstream] has no meaning with the embedded log: all stages run in one process")]
        }
        LogKind::Kafka if upstream.is_empty() => Vec::new(),
        LogKind::Kafka => [("ingest", upstream.ingest.is_empty()), ("analyze", upstream.analyze.is_none())]
            .into_iter()
            .filter(|(_, missing)| *missing)
            .map(|(name, _)| {
                warning(name, &format!("`wanglou alert` will not start: [http.upstream] {name} is missing"))
            })
            .collect(),
        LogKind::Embedded => Vec::new(),
    }
}

/// Whether an address leads anywhere but to the machine that it is opened on.
fn opens_on_a_phone(url: &str) -> bool {
    url.parse::<http::Uri>().ok().and_then(|url| url.host().map(str::to_owned)).is_some_and(|host| {
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host != "localhost" && !address.is_ok_and(|address| address.is_loopback())
    })
}

/// What links begin with.
fn base(settings: &Settings) -> String {
    let own = || format!("http://{}", settings.http.listen);
    settings.http.public_url.clone().unwrap_or_else(own).trim_end_matches('/').to_owned()
}

/// Starts the stage. Its router is the whole gateway: the console at `/` and everything under `/api/`. Serve it with
/// `into_make_service_with_connect_info::<SocketAddr>()`: log-in and `/metrics` ask who is at the other end.
///
/// # Errors
/// What keeps it from starting, and what to do.
pub async fn start(
    settings: &Settings,
    log: SharedLog,
    mut upstreams: Upstreams,
    shutdown: Shutdown,
) -> anyhow::Result<Service> {
    let channels = channel::open(settings, &secret, channel::TIMEOUT)?;
    let records = Records::open(settings).await?;
    let holder = holder::enter(&settings.data_dir);
    let links = Links::of(settings, link::keys(&records, &secret).await?, &base(settings));
    let style = Style { base: base(settings), tz: settings.tz() };
    let desk = Desk::new(records.clone(), Plan::of(settings), style, engine::wall_clock()).with_links(links);
    let desk = Arc::new(desk);
    let (ingest, analyze, ready) = (upstreams.ingest.clone(), upstreams.analyze.clone(), upstreams.ready.clone());
    let stages = Stages { ingest, analyze, ready };
    let own = Arc::new(settings.clone());
    let keeper = Keeper::start(Arc::clone(&desk), log.clone(), channels, holder, own, stages, shutdown.clone()).await?;

    let ready = Ready::new({
        let (desk, shutdown) = (Arc::clone(&desk), shutdown.clone());
        move || {
            if shutdown.is_cancelled() {
                Err("stopping".into())
            } else if !desk.usable.load(Ordering::Relaxed) {
                Err("the records database cannot be used now: see the log".into())
            } else if !desk.is_active() {
                Err("standby: another process is active, and this one takes over when that one is gone".into())
            } else {
                Ok(())
            }
        }
    });
    upstreams.ready.push(("alert", ready.clone()));
    let gateway = Gateway::new(settings, desk, log, upstreams.ready, shutdown)?;
    let gateway = Arc::new(gateway);
    let router = gateway::router(&gateway, upstreams.ingest.clone(), upstreams.analyze);
    let events = gateway::events::run(gateway, upstreams.ingest);

    let task = tokio::spawn(async move {
        // Nothing waits for the events' end; the keeper's is the stage's.
        let events = async {
            events.await;
            std::future::pending::<std::convert::Infallible>().await
        };
        let kept = tokio::select! {
            kept = keeper.run() => kept,
            never = events => match never {},
        };
        records.close().await;
        kept
    });
    Ok(Service { name: "alert", router, ready, task })
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemas::kit::settings::Place;

    fn settings(text: &str) -> Settings {
        Settings::parse(text, []).unwrap()
    }

    const CHANNEL: &str = "[[channel]]\nid = \"desk\"\nkind = \"webhook\"\nurl = \"http://127.0.0.1:9/\"\n";

    #[test]
    fn a_records_address_that_is_none_is_a_fault() {
        assert!(check(&settings("")).is_empty());
        let faults = check(&settings("[records]\nurl = \"mysql://x\"\n"));
        assert!(faults[0].message.contains("sqlite:FILE"), "{faults:?}");
        assert_eq!(faults[0].place, Place::Line(2));
        assert!(
            check(&settings("[records]\nurl = \"postgres://wanglou@db/records?sslmode=verify-full\"\n")).is_empty()
        );
    }

    #[test]
    fn a_template_that_is_none_is_a_fault_and_a_secret_that_is_missing_a_warning() {
        let config = "[[channel]]\nid = \"sms\"\nkind = \"gateway\"\nto = [\"13800000000\"]\n\
            url = \"http://h/{phone}?key={env.WANGLOU_NOT_SET}\"\nbody = '{\"text\":\"{message}\"}'\n";
        let faults = check(&settings(config));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].message.contains("no placeholder {message}"), "{faults:?}");
        assert_eq!(faults[0].place, Place::Line(6));
        let right = config.replace("{message}", "{text}");
        assert!(check(&settings(&right)).is_empty());
        let warned: Vec<_> = warnings(&settings(&right)).into_iter().map(|warning| warning.message).collect();
        assert!(warned.iter().any(|warning| warning.contains("WANGLOU_NOT_SET_FILE")), "{warned:?}");
    }

    #[test]
    fn a_calendar_that_ends_is_warned_of_where_a_clock_counts_by_it() {
        let at = |day: &str| format!("{day}T00:00:00Z").parse().unwrap();
        let working = "[[clock]]\nid = \"response\"\nname = \"回应\"\nuntil = \"responded\"\nwithin = \"16h\"\ntime = \"working\"\n";
        assert!(of_clocks(&settings(working), at("2026-06-01")).is_empty());
        let warned = of_clocks(&settings(working), at("2026-11-29"));
        assert!(warned[0].message.contains("2026-12-31"), "{warned:?}");
        assert!(of_clocks(&settings(""), at("2030-01-01")).is_empty(), "no clock counts by it");
        let known = format!("{working}[calendar]\nholidays = [\"2027-10-07\"]\n");
        assert!(of_clocks(&settings(&known), at("2026-11-29")).is_empty());
    }

    #[test]
    fn what_will_be_regretted_is_warned_of() {
        let warned = |config: &str| {
            let warnings = warnings(&settings(config));
            warnings.into_iter().map(|warning| warning.message).collect::<Vec<_>>().join("\n")
        };
        assert!(warned("").contains("nobody is told"));
        assert!(warned(CHANNEL).contains("public_url is missing"));
        let local = format!("[http]\npublic_url = \"http://localhost:8080\"\n{CHANNEL}");
        assert!(warned(&local).contains("will not open on a phone"));
        let public = format!("[http]\npublic_url = \"https://wanglou.example/\"\n{CHANNEL}");
        assert_eq!(warned(&public), "");
        assert_eq!(base(&settings(&public)), "https://wanglou.example");
        let upstream = format!("{public}[http.upstream]\ningest = \"http://a:1\"\n");
        assert!(warned(&upstream).contains("no meaning with the embedded log"));
        let apart = format!("{upstream}[log]\nkind = \"kafka\"\nbrokers = \"a:9092\"\n");
        assert!(warned(&apart).contains("[http.upstream] analyze is missing"), "{}", warned(&apart));
        let shift = "[[duty.shift]]\nfrom = \"08:00\"\nto = \"20:00\"\nperson = \"王敏\"\nchannels = [\"desk\"]\n";
        let roster = format!("{public}[[duty]]\nid = \"d\"\n{shift}");
        assert!(warned(&roster).contains("from 20:00 to 08:00 nobody is on duty"), "{}", warned(&roster));
        let day = shift.replace("channels = [\"desk\"]\n", "");
        let nowhere = format!("{public}[[duty]]\nid = \"d\"\nchannels = [\"desk\"]\n{day}{day}");
        let warned = warned(&nowhere);
        for words in ["has two turns at once", "add [[person]] name = \"王敏\"", "14 times within 14 days"] {
            assert!(warned.contains(words), "{words}: {warned}");
        }
    }
}
