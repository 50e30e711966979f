//! What a page says, for channels that write it in a form of their own. It is read from the page's body, so that every try, and
//! every channel that takes over, says the same.

use super::fit::{self, Limit, fit, list};
use crate::{
    message::{Told, level_mark},
    outbox::{self, Failure, Reason},
    records::Page,
    upkeep::Alert,
};
use schemas::records::{Incident, Level};
use serde::Deserialize;

/// What the first line may take of a message, in characters: a title is 100 at most.
const MOST_OF_HEAD: usize = 160;

/// So much of a title at least stands beside a link in a digest.
const LEAST_TITLE: &str = " 停水: 抚琴街道今天又停水";

/// The parts of a body.
#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    text: String,
    #[serde(default)]
    link: String,
    sign_link: Option<String>,
    incident: Option<Incident>,
    #[serde(default)]
    alerts: Vec<Alert>,
    #[serde(default)]
    pages: Vec<Told>,
}

/// What a page says.
#[derive(Debug, Clone)]
pub(super) struct Note {
    /// The idempotency key.
    pub(super) key: String,
    /// Why it is sent.
    pub(super) reason: String,
    /// What a person reads first.
    pub(super) headline: String,
    /// What follows, a line each.
    pub(super) lines: Vec<String>,
    /// Where one signs, where it awaits that; else where more is to be seen.
    pub(super) link: String,
    /// Where more is to be seen, for whoever logs in.
    pub(super) console: String,
    /// Whether one signs at the link.
    signs: bool,
    /// The incident, where it tells of one.
    pub(super) incident: Option<Incident>,
    /// The alerts about sources, where it tells of those.
    pub(super) alerts: Vec<Alert>,
    /// The pages that a digest stands for.
    told: Vec<Told>,
    urgency: u8,
}

impl Note {
    /// What a page says.
    ///
    /// # Errors
    /// When another version has written the body, in a way that this one does not understand.
    pub(super) fn of(page: &Page) -> Result<Self, Failure> {
        let body: Body = serde_json::from_str(&page.body)
            .map_err(|error| Failure::ForGood(format!("what is to be sent cannot be read: {error}")))?;
        let is_link = |line: &str| line == body.link || Some(line) == body.sign_link.as_deref();
        let mut lines = body.text.lines().filter(|line| !is_link(line)).map(str::to_owned);
        let headline = lines.next().unwrap_or_default();
        Ok(Self {
            key: page.key.clone(),
            reason: body.reason,
            headline,
            lines: lines.collect(),
            signs: body.sign_link.is_some(),
            link: body.sign_link.clone().unwrap_or_else(|| body.link.clone()),
            console: body.link,
            incident: body.incident,
            alerts: body.alerts,
            told: body.pages,
            urgency: page.urgency,
        })
    }

    /// How urgent it is, as a level.
    pub(super) fn level(&self) -> Level {
        self.incident.as_ref().map_or_else(|| outbox::level_of(self.urgency), |incident| incident.level)
    }

    /// Its first line, for places that show no more.
    pub(super) fn title(&self) -> String {
        fit::cut(&fit::plain(&self.headline), Limit::Characters(MOST_OF_HEAD))
    }

    /// Whether it says that something is over.
    pub(super) fn is_over(&self) -> bool {
        [Reason::Closed, Reason::SourceResolved, Reason::CanaryOver, Reason::AlarmOver]
            .iter()
            .any(|reason| reason.as_str() == self.reason)
    }

    /// The message in markdown: a bold first line, the others, and the link; `between` is how the platform breaks lines.
    pub(super) fn in_markdown(&self, between: &str, limit: Limit) -> String {
        let head = format!("**{}**", fit::cut(&fit::markdown(&self.headline), Limit::Characters(MOST_OF_HEAD)));
        let link = fit::markdown_link(if self.signs { "查看并签收" } else { "打开望楼" }, &self.link);
        fit(
            &head,
            &self.body_lines(&head, &link, between, limit, fit::markdown, fit::markdown_link),
            &link,
            between,
            limit,
        )
    }

    /// The message as plain text.
    pub(super) fn as_text(&self, between: &str, limit: Limit) -> String {
        let head = self.title();
        let linked = |id: &str, link: &str| format!("{id} {link}");
        fit(&head, &self.body_lines(&head, &self.link, between, limit, fit::plain, linked), &self.link, between, limit)
    }

    /// The lines between head and link: a digest's list fits whole, whatever else does not; each with the link that signs, where
    /// there is room for all of these and something of the titles.
    fn body_lines(
        &self,
        head: &str,
        link: &str,
        between: &str,
        limit: Limit,
        safe: impl Fn(&str) -> String,
        linked: impl Fn(&str, &str) -> String,
    ) -> Vec<String> {
        if self.told.is_empty() {
            return self.lines.iter().map(|line| safe(line)).collect();
        }
        let entries = |with_links: bool| -> Vec<(String, String)> {
            let named = |told: &Told| match (&told.incident, &told.sign_link) {
                (Some(id), Some(link)) if with_links => format!(" {}", linked(&safe(id), link)),
                (Some(id), _) => format!(" {}", safe(id)),
                (None, _) => String::new(),
            };
            let told = self.told.iter();
            told.map(|told| (format!("{}{}", level_mark(told.level), named(told)), safe(&told.title))).collect()
        };
        let taken = limit.length(head) + limit.length(link) + 2 * limit.length(between);
        let room = limit.most().saturating_sub(taken);
        let with_links = entries(true);
        let least =
            |(name, _): &(String, String)| limit.length(name) + limit.length(between) + limit.length(LEAST_TITLE);
        if with_links.iter().map(least).sum::<usize>() <= room {
            return list(&with_links, room, between, limit);
        }
        list(&entries(false), room, between, limit)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        message::{Style, digest_body},
        samples::{file, moment},
    };
    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    fn style() -> Style {
        Style { base: "https://wanglou.example".into(), tz: TimeZone::get("Asia/Shanghai").unwrap() }
    }

    /// A page about an incident with a title.
    pub(in crate::channel) fn page(title: &str) -> Page {
        let mut incident = file("water").incident;
        incident.title = title.into();
        let key = "20261124-0001/1/desk".to_owned();
        Page {
            body: style().body(&key, Reason::Opened, &incident),
            incident: Some(incident.id),
            channel: "desk".into(),
            reason: "opened".into(),
            urgency: 4,
            created_at: moment(),
            key,
        }
    }

    #[test]
    fn what_another_version_wrote_is_given_up_and_said() {
        let failure = Note::of(&Page { body: "not JSON".into(), ..page("停水") }).unwrap_err();
        assert!(matches!(&failure, Failure::ForGood(reason) if reason.contains("cannot be read")), "{failure}");
        let note = Note::of(&Page { body: "{\"text\":\"停水\",\"more\":1}".into(), ..page("停水") }).unwrap();
        assert_eq!((note.headline.as_str(), note.lines.len(), note.level()), ("停水", 0, Level::IV));
    }

    proptest! {
        /// Every digest names all its incidents in every channel, whatever their titles.
        #[test]
        fn a_digest_names_all(titles in proptest::collection::vec(any::<String>(), 1..=30)) {
            let told: Vec<Told> = titles.iter().enumerate().map(|(n, title)| Told {
                key: format!("k{n}"), incident: Some(format!("20261124-{n:04}")), level: Level::III, reason: "opened".into(), title: title.clone(),
                sign_link: (n % 3 > 0).then(|| format!("https://wanglou.example/a/{n:066}")),
            }).collect();
            let page = Page { body: digest_body("digest/1/desk", &told, "https://wanglou.example"), incident: None, ..page("") };
            let note = Note::of(&page).unwrap();
            let mut texts = vec![note.in_markdown("\n", Limit::Bytes(4096)), note.in_markdown("\n\n", Limit::Bytes(18_000)), note.as_text("\n", Limit::Bytes(18_000))];
            for text in &texts {
                prop_assert!(text.len() <= 18_000 && text.contains("https://wanglou.example/incidents"));
            }
            prop_assert!(texts[0].len() <= 4096);
            if told.len() <= 10 {
                texts.push(note.as_text("\n", Limit::Characters(500)));
                prop_assert!(texts[3].chars().count() <= 500);
            }
            for (told, text) in told.iter().flat_map(|told| texts.iter().map(move |text| (told, text))) {
                prop_assert!(text.contains(told.incident.as_deref().unwrap()), "{text}");
            }
        }
    }
}
