//! The token of a link: what it is good for, written small enough for an SMS, and signed.
//!
//! | bytes | hold |
//! |---|---|
//! | 1 | the version of this layout: 1 |
//! | 1 | what it is for: 1 reads one incident and signs it |
//! | 4, 4 | when it was made and when it ends, in seconds since 1970 |
//! | 2 | how often the incident had been reopened |
//! | 8 | whom it was sent to: the audience's mark ([`super::Audience`]) |
//! | the rest | the incident's id |
//! | 16 | the first half of an HMAC-SHA256 over all of the above |
//!
//! as base64url without padding: 66 characters for an id such as `20261124-0007`.
//!
//! | token | outcome |
//! |---|---|
//! | signed with the key or one before it, before its end | what it says |
//! | the same at its end or later | expired |
//! | any character is another one; signed with another key; of another layout or purpose; no token at all | broken |
//!
//! Nothing that a token says is looked at before its signature is right, and that is compared in constant time.

use super::LinkError;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use sha2::Sha256;
use std::fmt;

const VERSION: u8 = 1;
/// What a token is for: to read one incident and sign it. There is nothing else that one is good for.
const SIGN: u8 = 1;
/// Of the HMAC, in bytes: 128 bits can't be guessed.
const MAC: usize = 16;
/// Of what stands before the id, in bytes.
const HEAD: usize = 20;
/// A longer token is none of ours, in characters.
const LONGEST: usize = 200;
/// The longest id that goes into a token, in bytes.
const LONGEST_ID: usize = 64;

/// What a key signs, so that a signature made for one thing is none for another.
const OF_LINKS: &[u8] = b"wanglou link 1\n";
const OF_FORMS: &[u8] = b"wanglou form 1\n";

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The incident that it reads and signs.
    pub incident: String,
    /// How often that had been reopened: after another time the token signs no more.
    pub turn: u16,
    /// Whom it was sent to.
    pub audience: [u8; 8],
    /// When it was made, to the second.
    pub issued_at: Timestamp,
    /// From when on it opens nothing.
    pub expires_at: Timestamp,
}

/// A key that links are signed with. Neither shown nor logged.
#[derive(Clone)]
pub struct Key(Hmac<Sha256>);

impl Key {
    /// The fewest bytes of a key.
    pub const SHORTEST: usize = 32;

    /// A key from its bytes; none when it is so short that it could be tried out.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let long = bytes.len() >= Self::SHORTEST;
        long.then(|| Hmac::new_from_slice(bytes).ok()).flatten().map(Self)
    }

    /// Writes a token; none for an id that is too long to be one, or a time that is not of our days.
    #[must_use]
    pub fn write(&self, token: &Token) -> Option<String> {
        if token.incident.len() > LONGEST_ID {
            return None;
        }
        let second = |at: Timestamp| u32::try_from(at.as_second()).ok();
        let mut bytes = vec![VERSION, SIGN];
        bytes.extend(second(token.issued_at)?.to_be_bytes());
        bytes.extend(second(token.expires_at)?.to_be_bytes());
        bytes.extend(token.turn.to_be_bytes());
        bytes.extend(token.audience);
        bytes.extend(token.incident.as_bytes());
        let mac = self.mac(OF_LINKS, &bytes).finalize().into_bytes();
        bytes.extend(&mac[..MAC]);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The form token of a link's page: whoever posts it has been shown that page.
    #[must_use]
    pub fn form(&self, token: &str) -> String {
        URL_SAFE_NO_PAD.encode(&self.mac(OF_FORMS, token.as_bytes()).finalize().into_bytes()[..MAC])
    }

    /// Whether it is the form token of a link's page.
    #[must_use]
    pub fn is_form(&self, token: &str, form: &str) -> bool {
        let given = URL_SAFE_NO_PAD.decode(form).ok().filter(|given| given.len() == MAC);
        given.is_some_and(|given| self.mac(OF_FORMS, token.as_bytes()).verify_truncated_left(&given).is_ok())
    }

    fn signed(&self, said: &[u8], mac: &[u8]) -> bool {
        self.mac(OF_LINKS, said).verify_truncated_left(mac).is_ok()
    }

    fn mac(&self, of: &[u8], said: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(of);
        mac.update(said);
        mac
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// Reads a token that one of the keys has signed.
///
/// # Errors
/// Why it opens nothing.
pub(super) fn read(keys: &[Key], text: &str, now: Timestamp) -> Result<Token, LinkError> {
    let bytes = Some(text).filter(|text| text.len() <= LONGEST).and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
    let bytes = bytes.ok_or(LinkError::Broken)?;
    let (said, mac) = bytes.len().checked_sub(MAC).map(|at| bytes.split_at(at)).ok_or(LinkError::Broken)?;
    if !keys.iter().any(|key| key.signed(said, mac)) {
        return Err(LinkError::Broken);
    }
    let (head, incident) = said.split_at_checked(HEAD).ok_or(LinkError::Broken)?;
    let [VERSION, SIGN, rest @ ..] = head else { return Err(LinkError::Broken) };
    let number = |at: usize| rest.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
    let second = |at: usize| number(at).and_then(|second| Timestamp::from_second(i64::from(second)).ok());
    let turn = rest.get(8..10).and_then(|bytes| bytes.try_into().ok()).map(u16::from_be_bytes);
    let audience = rest.get(10..18).and_then(|bytes| bytes.try_into().ok());
    let (Some(issued_at), Some(expires_at), Some(turn), Some(audience)) = (second(0), second(4), turn, audience) else {
        return Err(LinkError::Broken);
    };
    if now >= expires_at {
        return Err(LinkError::Expired);
    }
    let incident = String::from_utf8(incident.to_vec()).map_err(|_| LinkError::Broken)?;
    Ok(Token { incident, turn, audience, issued_at, expires_at })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;
    use proptest::prelude::*;

    fn key(name: &str) -> Key {
        Key::new(format!("{name}: a key for tests only, long enough").as_bytes()).unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + second).unwrap()
    }

    fn token() -> Token {
        Token {
            incident: "20261124-0007".into(),
            turn: 0,
            audience: *b"audience",
            issued_at: at(0),
            expires_at: at(86_400),
        }
    }

    /// Signs bytes as they stand, as if they were a token.
    fn signed(key: &Key, mut bytes: Vec<u8>) -> String {
        let mac = key.mac(OF_LINKS, &bytes).finalize().into_bytes();
        bytes.extend(&mac[..MAC]);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn said(key: &Key) -> Vec<u8> {
        let mut bytes = URL_SAFE_NO_PAD.decode(key.write(&token()).unwrap()).unwrap();
        bytes.truncate(bytes.len() - MAC);
        bytes
    }

    /// The module's second table, a row each.
    #[test]
    fn what_a_token_opens() {
        let (key, old, other) = (key("now"), key("before"), key("of another house"));
        let keys = [key.clone(), old.clone()];
        let text = key.write(&token()).unwrap();
        assert_eq!(text.len(), 66, "{text}");
        assert_eq!(read(&keys, &text, at(86_399)), Ok(token()));
        assert_eq!(read(&keys, &old.write(&token()).unwrap(), at(0)), Ok(token()), "the key before it is still read");
        for late in [86_400, 86_401, 100_000_000] {
            assert_eq!(read(&keys, &text, at(late)), Err(LinkError::Expired), "{late}");
        }
        assert_eq!(read(&keys, &other.write(&token()).unwrap(), at(0)), Err(LinkError::Broken));
        assert_eq!(
            read(&keys, &other.write(&token()).unwrap(), at(100_000)),
            Err(LinkError::Broken),
            "nor is it expired"
        );
        assert_eq!(read(&keys, &signed(&key, said(&key)), at(0)), Ok(token()), "as the next two are made");
        for byte in [0, 1] {
            let mut bytes = said(&key);
            bytes[byte] = 2;
            assert_eq!(read(&keys, &signed(&key, bytes), at(0)), Err(LinkError::Broken), "layout or purpose 2");
        }
        for text in ["", "x", ".", "a b", &"A".repeat(66), &"A".repeat(100_000), &format!("{text}="), "停水"] {
            assert_eq!(read(&keys, text, at(0)), Err(LinkError::Broken), "{text:.40}");
        }
        assert_eq!(read(&[], &text, at(0)), Err(LinkError::Broken), "without a key nothing is believed");
        for short in [0, 1, HEAD - 1] {
            assert_eq!(read(&keys, &signed(&key, said(&key)[..short].to_vec()), at(0)), Err(LinkError::Broken));
        }
    }

    #[test]
    fn a_key_is_long_and_never_shown() {
        assert!(Key::new(&[7; 31]).is_none() && Key::new(&[7; 32]).is_some());
        assert_eq!(format!("{:?}", key("x")), "Key(…)");
    }

    #[test]
    fn a_form_belongs_to_one_link() {
        let key = key("now");
        let form = key.form("a");
        assert!(key.is_form("a", &form));
        assert!(!key.is_form("b", &form) && !self::key("other").is_form("a", &form));
        for wrong in ["", "A", &form[1..], &format!("{form}A"), "停水"] {
            assert!(!key.is_form("a", wrong), "{wrong}");
        }
        let link = key.write(&token()).unwrap();
        assert!(!key.is_form("a", &link[link.len() - 22..]), "a link's signature is no form's");
    }

    #[test]
    fn what_cannot_be_written_is_not() {
        let long = Token { incident: "x".repeat(65), ..token() };
        let early = Token { issued_at: Timestamp::UNIX_EPOCH - SignedDuration::from_secs(1), ..token() };
        for token in [long, early] {
            assert_eq!(key("now").write(&token), None);
        }
    }

    proptest! {
        /// Whatever it says arrives, and it is short enough for an SMS.
        #[test]
        fn what_is_written_is_read(incident in "[0-9]{8}-[0-9]{4,9}", turn in any::<u16>(), audience in any::<[u8; 8]>(), from in 0..1_000_000i64, life in 1..3_000_000i64) {
            let token = Token { incident, turn, audience, issued_at: at(from), expires_at: at(from + life) };
            let text = key("now").write(&token).unwrap();
            prop_assert!(text.len() <= 80 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)), "{}", text);
            prop_assert_eq!(read(&[key("now")], &text, at(from + life - 1)), Ok(token));
            prop_assert_eq!(read(&[key("now")], &text, at(from + life)), Err(LinkError::Expired));
        }

        /// Not one character of a token can be another.
        #[test]
        fn no_changed_token_is_believed(place in 0..66usize, with in "[A-Za-z0-9_-]") {
            let text = key("now").write(&token()).unwrap();
            prop_assume!(text[place..=place] != with);
            let changed = format!("{}{with}{}", &text[..place], &text[place + 1..]);
            prop_assert_eq!(read(&[key("now")], &changed, at(0)), Err(LinkError::Broken));
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>(), bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(read(&[key("now")], &text, at(0)).is_err());
            let _ = read(&[key("now")], &signed(&key("now"), bytes), at(0));
        }
    }
}
