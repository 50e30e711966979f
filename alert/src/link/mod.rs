//! 签收链接: links in messages that open one incident on a phone, without a log-in, and sign it.
//!
//! A link is bound to the incident, to how often that was reopened, and to its audience: the channel that it was sent over and whose
//! own that is. Whoever opens it is believed to be of that audience, and nobody else:
//!
//! | the channel | now | who signs |
//! |---|---|---|
//! | is a person's own | still is | that person, with one tap |
//! | is nobody's own | still is | whoever of the roster gives their PIN |
//! | belongs to another now, or to nobody any more, or is no more | – | nobody: the link is void |
//!
//! So a page that goes over to another channel must get a link of that channel's own ([`crate::engine`] sees to it): in a group, the
//! link of a personal channel would let everybody sign as that person.

mod token;

pub use token::{Key, Token};

use crate::records::{Records, RecordsError};
use jiff::{SignedDuration, Timestamp};
use schemas::kit::settings::{ChannelKind, Settings};
use sha2::{Digest, Sha256};

/// The variable that holds the key; with `_FILE` appended, the file that does. Without it a key is made once and kept in the records.
pub const KEY_VARIABLE: &str = "WANGLOU_LINK_KEY";
/// The variable that holds the key before it: links that it has signed still open.
pub const OLD_KEY_VARIABLE: &str = "WANGLOU_LINK_KEY_OLD";
/// So many wrong PINs make a link dead.
pub const MOST_WRONG: u32 = 10;
/// The path that links begin with, after the host.
pub const PATH: &str = "/a/";

/// Under which name the key that was made is kept.
const MADE_KEY: &str = "link_key";

/// Why a link opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// It is none of ours, or not whole.
    #[error("it is no link of Wanglou's, or not the whole of one")]
    Broken,
    /// Its time is over.
    #[error("its time is over")]
    Expired,
    /// The channel that it was sent over is another's now, or no more.
    #[error("the channel that it was sent over is another's now, or no more")]
    Void,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It can be tried out.
    #[error(
        "{0} holds less than {least} bytes, and such a key can be tried out: `openssl rand -hex 32` makes a good one",
        least = Key::SHORTEST
    )]
    Short(&'static str),
    /// The records can't be read.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// The keys: the first signs, all are believed.
///
/// # Errors
/// A key that is too short; or when the one that was made can neither be read nor kept.
pub async fn keys(records: &Records, secret: &(dyn Fn(&str) -> Option<String> + Sync)) -> Result<Vec<Key>, KeyError> {
    let key = |name, value: String| Key::new(value.as_bytes()).ok_or(KeyError::Short(name));
    let (own, old) = (secret(KEY_VARIABLE), secret(OLD_KEY_VARIABLE));
    let own = match own {
        Some(value) => key(KEY_VARIABLE, value)?,
        None => key("the key in the records", records.secret(MADE_KEY, &made()).await?)?,
    };
    let old = old.map(|value| key(OLD_KEY_VARIABLE, value)).transpose()?;
    Ok(std::iter::once(own).chain(old).collect())
}

/// A new key.
fn made() -> String {
    format!("{:032x}{:032x}", rand::random::<u128>(), rand::random::<u128>())
}

/// Who reads a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The channel's id.
    pub channel: String,
    /// Whose own it is; none for a group's.
    pub owner: Option<String>,
    /// How the history calls a link that came this way.
    pub way: &'static str,
    mark: [u8; 8],
}

impl Audience {
    fn of(channel: &str, kind: ChannelKind, owner: Option<&str>) -> Self {
        // Neither an id nor a name holds a NUL.
        let hash = Sha256::digest(format!("{channel}\0{}", owner.unwrap_or_default()).as_bytes());
        let mut mark = [0; 8];
        mark.copy_from_slice(&hash[..8]);
        Self { channel: channel.to_owned(), owner: owner.map(str::to_owned), way: way(kind, owner.is_some()), mark }
    }

    /// What the history and the audit record say of a signature.
    #[must_use]
    pub fn told(&self) -> String {
        format!("经{}, 渠道 {}", self.way, self.channel)
    }
}

fn way(kind: ChannelKind, is_own: bool) -> &'static str {
    match kind {
        ChannelKind::Gateway => "短信链接",
        ChannelKind::Mail => "邮件链接",
        ChannelKind::Wecom | ChannelKind::DingTalk | ChannelKind::Feishu if is_own => "机器人链接",
        ChannelKind::Wecom | ChannelKind::DingTalk | ChannelKind::Feishu => "群机器人链接",
        ChannelKind::Webhook | ChannelKind::Alertmanager => "消息链接",
    }
}

/// A link that was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The incident.
    pub incident: String,
    /// How often that had been reopened when the link was made.
    pub turn: u16,
    /// Whom it was sent to.
    pub audience: &'a Audience,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Makes links and opens them.
#[derive(Debug, Clone, Default)]
pub struct Links {
    keys: Vec<Key>,
    audiences: Vec<Audience>,
    everybody: Vec<String>,
    base: String,
    life: SignedDuration,
}

impl Links {
    /// The links of a config; `base` is what they begin with, without a slash at the end. Without a key there are none.
    #[must_use]
    pub fn of(settings: &Settings, keys: Vec<Key>, base: &str) -> Self {
        let people = || settings.person.iter().map(|person| person.get_ref());
        let owner =
            |channel: &String| people().find(|person| person.channels.contains(channel)).map(|person| &*person.name);
        let channels = settings.channel.iter().map(|channel| channel.get_ref());
        Self {
            keys,
            audiences: channels.map(|channel| Audience::of(&channel.id, channel.kind, owner(&channel.id))).collect(),
            everybody: people().map(|person| person.name.clone()).collect(),
            base: base.to_owned(),
            life: SignedDuration::try_from(settings.http.sign_link).unwrap_or(SignedDuration::from_hours(24)),
        }
    }

    /// Whether there are any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// All people of the config, by name.
    #[must_use]
    pub fn everybody(&self) -> &[String] {
        &self.everybody
    }

    /// The address that a channel gets of an incident, to sign it until its time is over.
    #[must_use]
    pub fn write(&self, incident: &str, turn: u16, channel: &str, now: Timestamp) -> Option<String> {
        let key = self.keys.first()?;
        let audience = self.audiences.iter().find(|audience| audience.channel == channel)?.mark;
        let expires_at = now.checked_add(self.life).ok()?;
        let token = Token { incident: incident.to_owned(), turn, audience, issued_at: now, expires_at };
        Some(format!("{}{PATH}{}", self.base, key.write(&token)?))
    }

    /// Opens a link by its token.
    ///
    /// # Errors
    /// Why it opens nothing.
    pub fn open(&self, token: &str, now: Timestamp) -> Result<Opened<'_>, LinkError> {
        let Token { incident, turn, audience, expires_at, .. } = token::read(&self.keys, token, now)?;
        let audience = self.audiences.iter().find(|known| known.mark == audience).ok_or(LinkError::Void)?;
        Ok(Opened { incident, turn, audience, expires_at })
    }

    /// The form token of a link's page.
    #[must_use]
    pub fn form(&self, token: &str) -> String {
        self.keys.first().map(|key| key.form(token)).unwrap_or_default()
    }

    /// Whether a form token is that of a link's page.
    #[must_use]
    pub fn is_form(&self, token: &str, form: &str) -> bool {
        self.keys.iter().any(|key| key.is_form(token, form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const CONFIG: &str = "[[channel]]\nid = \"lilei\"\nkind = \"gateway\"\nurl = \"http://h/{phone}?m={text}\"\nto = [\"13800000000\"]\n\
        [[channel]]\nid = \"desk\"\nkind = \"wecom\"\nurl = \"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=k\"\n\
        [[person]]\nname = \"李雷\"\nchannels = [\"lilei\"]\n[[person]]\nname = \"王敏\"\n";
    const KEY: &str = "a key for tests only, long enough";

    fn links(config: &str) -> Links {
        let settings = Settings::parse(config, []).unwrap();
        Links::of(&settings, vec![Key::new(KEY.as_bytes()).unwrap()], "https://w.example")
    }

    fn now() -> Timestamp {
        crate::samples::moment()
    }

    fn token(link: &str) -> &str {
        link.strip_prefix("https://w.example/a/").unwrap()
    }

    /// The module's table, a row each.
    #[test]
    fn whom_a_link_is_for() {
        let links = links(CONFIG);
        let own = links.write("20261124-0001", 0, "lilei", now()).unwrap();
        let group = links.write("20261124-0001", 3, "desk", now()).unwrap();
        assert!(own.len() <= "https://w.example".len() + 100, "{own}");
        let opened = links.open(token(&own), now()).unwrap();
        assert_eq!((opened.audience.owner.as_deref(), opened.turn), (Some("李雷"), 0));
        assert_eq!(opened.audience.told(), "经短信链接, 渠道 lilei");
        let opened = links.open(token(&group), now()).unwrap();
        assert_eq!((opened.audience.owner.as_deref(), opened.turn), (None, 3));
        assert_eq!(opened.audience.told(), "经群机器人链接, 渠道 desk");
        assert_eq!(links.write("20261124-0001", 0, "nowhere", now()), None);
        for changed in [
            CONFIG.replace("李雷", "张红"),
            CONFIG.replace("channels = [\"lilei\"]\n", ""),
            CONFIG.replace("\"lilei\"", "\"li\""),
        ] {
            assert_eq!(self::links(&changed).open(token(&own), now()), Err(LinkError::Void), "{changed}");
        }
    }

    #[test]
    fn a_link_lasts_as_long_as_the_config_says() {
        for (config, life) in [(CONFIG.to_owned(), 86_400), (format!("[http]\nsign_link = \"30m\"\n{CONFIG}"), 1_800)] {
            let links = links(&config);
            let link = links.write("20261124-0001", 0, "desk", now()).unwrap();
            let after = |seconds| links.open(token(&link), now() + SignedDuration::from_secs(seconds)).err();
            assert_eq!((after(life - 1), after(life)), (None, Some(LinkError::Expired)));
        }
    }

    #[test]
    fn without_a_key_there_are_none() {
        let none = Links::default();
        assert!(none.is_empty() && none.write("20261124-0001", 0, "desk", now()).is_none());
        assert_eq!(none.open("", now()), Err(LinkError::Broken));
        assert!(!none.is_form("", ""));
    }

    #[tokio::test]
    async fn the_key_is_the_environments_or_made_once() {
        let folder = TempDir::new().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::parse(CONFIG, []).unwrap() };
        let records = Records::open(&settings).await.unwrap();
        let link = |keys| Links::of(&settings, keys, "https://w.example").write("20261124-0001", 0, "desk", now());
        let made = link(keys(&records, &|_| None).await.unwrap());
        assert_eq!(made, link(keys(&records, &|_| None).await.unwrap()), "another process has the same");
        let given = |name: &str| (name == KEY_VARIABLE).then(|| KEY.to_owned());
        assert_ne!(made, link(keys(&records, &given).await.unwrap()));
        let rotated = |name: &str| match name {
            KEY_VARIABLE => Some("another key for tests, long enough".to_owned()),
            OLD_KEY_VARIABLE => Some(KEY.to_owned()),
            _ => None,
        };
        let (before, after) = (keys(&records, &given).await.unwrap(), keys(&records, &rotated).await.unwrap());
        let old = link(before).unwrap();
        let links = Links::of(&settings, after, "https://w.example");
        assert!(links.open(token(&old), now()).is_ok(), "what the key before has signed is still read");
        assert_ne!(links.write("20261124-0001", 0, "desk", now()), Some(old), "and signs no more");
        let short = keys(&records, &|_| Some("short".into())).await.unwrap_err().to_string();
        assert!(short.contains("WANGLOU_LINK_KEY ") && short.contains("openssl rand"), "{short}");
    }
}
