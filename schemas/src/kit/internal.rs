//! The internal token: how the gateway tells a service that runs apart who calls.
//!
//! It names the caller and their role, holds for one method and one address, and for some seconds; all of it is signed with a
//! key that only Wanglou's own processes know. A service that runs apart believes nothing else: a request that reaches it
//! past the gateway has no token, and a token that is taken from one request opens no other.
//!
//! | token | outcome |
//! |---|---|
//! | signed with our key, for this method and address, not yet expired | its caller |
//! | the same, expired by less than [`SKEW`]: the clocks of two machines differ | its caller |
//! | expired longer ago, or beyond what the gateway ever grants | [`TokenError::Expired`] |
//! | for another method or address, signed with another key, or changed in any bit | [`TokenError::Forged`] |
//! | not of this form | [`TokenError::Malformed`] |
//!
//! What it does not do: it does not cover the body, and within its time the same request may be sent again. Whoever can read
//! the traffic between the processes can do that; where that is not a network of one's own, name the services by https.

use super::{auth::Caller, settings::secret};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;
use std::fmt;

/// The header that carries it.
pub const HEADER: &str = "x-wanglou-internal";
/// The environment variable that holds the key; with `_FILE` behind it, one that names a file.
pub const KEY_VARIABLE: &str = "WANGLOU_INTERNAL_KEY";
/// How long a token holds.
pub const LIFE: SignedDuration = SignedDuration::from_secs(30);
/// By how much the clocks of two machines may differ.
pub const SKEW: SignedDuration = SignedDuration::from_secs(30);
/// A shorter key can be tried out.
const SHORTEST_KEY: usize = 32;
/// A longer token is none of ours.
const LONGEST_TOKEN: usize = 4 << 10;

/// What it is all signed with. Neither shown nor logged.
#[derive(Clone)]
pub struct InternalKey(Hmac<Sha256>);

/// Why there is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It is not set.
    #[error(
        "services that run apart know each other by a common key: set {KEY_VARIABLE} (or {KEY_VARIABLE}_FILE) to the same \
         value for ingest, analyze and alert; `openssl rand -hex 32` makes one"
    )]
    Missing,
    /// It can be tried out.
    #[error(
        "{KEY_VARIABLE} holds {0} bytes, and one of less than {SHORTEST_KEY} can be tried out: `openssl rand -hex 32` makes \
         a good one"
    )]
    Short(usize),
}

/// Why a token is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token at all.
    #[error("it is no token of Wanglou's")]
    Malformed,
    /// Not signed with our key for this request.
    #[error("it is not signed for this request with this service's key")]
    Forged,
    /// Its time is over, or not ours.
    #[error("it has expired, or the clocks of the two machines differ by more than {} seconds", SKEW.as_secs())]
    Expired,
}

impl InternalKey {
    /// The key of the environment.
    ///
    /// # Errors
    /// When there is none, or it is too short to be one.
    pub fn load() -> Result<Self, KeyError> {
        secret(KEY_VARIABLE).ok_or(KeyError::Missing).and_then(|key| Self::new(key.as_bytes()))
    }

    /// A key from its bytes.
    ///
    /// # Errors
    /// When it is too short.
    pub fn new(key: &[u8]) -> Result<Self, KeyError> {
        if key.len() < SHORTEST_KEY {
            return Err(KeyError::Short(key.len()));
        }
        Hmac::new_from_slice(key).map(Self).map_err(|_| KeyError::Short(key.len()))
    }

    /// The token of a request: `target` is its path, with the query.
    #[must_use]
    pub fn sign(&self, caller: &Caller, method: &str, target: &str, now: Timestamp) -> String {
        let expires = now.as_second().saturating_add(LIFE.as_secs()).to_string();
        // A name and a role: serde_json writes both whatever they hold.
        let caller = URL_SAFE_NO_PAD.encode(serde_json::to_vec(caller).unwrap_or_default());
        let signature = self.mac(&caller, &expires, method, target).finalize().into_bytes();
        format!("1.{expires}.{caller}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// Who calls, if the token is to be believed.
    ///
    /// # Errors
    /// Why not. The caller of a service is told none of it: it goes to the log.
    pub fn verify(&self, token: &str, method: &str, target: &str, now: Timestamp) -> Result<Caller, TokenError> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenError::Malformed);
        }
        let mut parts = token.split('.');
        let (Some("1"), Some(expires), Some(caller), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(TokenError::Malformed);
        };
        let expires_at: i64 = expires.parse().map_err(|_| TokenError::Malformed)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Malformed)?;
        // In constant time; and before anything that the token says is believed.
        self.mac(caller, expires, method, target).verify_slice(&signature).map_err(|_| TokenError::Forged)?;
        let left = expires_at.saturating_sub(now.as_second());
        if left < -SKEW.as_secs() || left > (LIFE + SKEW).as_secs() {
            return Err(TokenError::Expired);
        }
        let caller = URL_SAFE_NO_PAD.decode(caller).map_err(|_| TokenError::Malformed)?;
        serde_json::from_slice(&caller).map_err(|_| TokenError::Malformed)
    }

    /// Over everything that must not change. None of the parts but the last can hold a line break, so none can run into
    /// another.
    fn mac(&self, caller: &str, expires: &str, method: &str, target: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in ["wanglou internal 1", caller, expires, method, target] {
            mac.update(part.as_bytes());
            mac.update(b"\n");
        }
        mac
    }
}

impl fmt::Debug for InternalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InternalKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kit::auth::Role;
    use proptest::prelude::*;

    fn key() -> InternalKey {
        InternalKey::new(b"a key for tests only, long enough").unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + second).unwrap()
    }

    fn caller() -> Caller {
        Caller { name: "王敏".into(), role: Role::Operator }
    }

    #[test]
    fn a_caller_arrives_as_who_they_are() {
        let token = key().sign(&caller(), "GET", "/api/search?q=a", at(0));
        assert_eq!(key().verify(&token, "GET", "/api/search?q=a", at(1)), Ok(caller()));
        assert!(token.is_ascii(), "it is a header's value");
    }

    #[test]
    fn it_opens_no_other_request_and_no_other_house() {
        let token = key().sign(&caller(), "GET", "/api/search?q=a", at(0));
        for (method, target) in [("POST", "/api/search?q=a"), ("GET", "/api/search?q=b"), ("GET", "/api/search")] {
            assert_eq!(key().verify(&token, method, target, at(1)), Err(TokenError::Forged), "{method} {target}");
        }
        let other = InternalKey::new(b"another key for tests, long enough").unwrap();
        assert_eq!(other.verify(&token, "GET", "/api/search?q=a", at(1)), Err(TokenError::Forged));
    }

    #[test]
    fn it_holds_for_its_time_and_the_clocks_difference() {
        let token = key().sign(&caller(), "GET", "/", at(0));
        let verify = |second| key().verify(&token, "GET", "/", at(second)).err();
        assert_eq!([-30, 0, 30, 60].map(verify), [None; 4]);
        assert_eq!([-31, 61, 1_000_000].map(verify), [Some(TokenError::Expired); 3]);
    }

    #[test]
    fn a_key_is_long_and_never_shown() {
        assert_eq!(InternalKey::new(b"short").err(), Some(KeyError::Short(5)));
        assert_eq!(format!("{:?}", key()), "InternalKey(…)");
        assert!(KeyError::Missing.to_string().contains("WANGLOU_INTERNAL_KEY_FILE"), "{}", KeyError::Missing);
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for token in
            ["", ".", "1...", "1.x.e30.AAAA", "2.1790000030.e30.AAAA", "1.1790000030.e30.AAAA.x", &"1.".repeat(9_000)]
        {
            assert_eq!(key().verify(token, "GET", "/", at(0)), Err(TokenError::Malformed), "{token:.40}");
        }
    }

    proptest! {
        /// Whoever calls whatever: it is they who arrive.
        #[test]
        fn any_caller_arrives(name in any::<String>(), role in 0..Role::ALL.len(), target in "/[ -~]{0,60}") {
            let caller = Caller { name, role: Role::ALL[role] };
            let token = key().sign(&caller, "POST", &target, at(0));
            prop_assume!(token.len() <= LONGEST_TOKEN);
            prop_assert_eq!(key().verify(&token, "POST", &target, at(0)), Ok(caller));
        }

        /// Not one character of a token can be another.
        #[test]
        fn no_changed_token_is_believed(at_byte in 0usize..200, with in any::<char>()) {
            let token = key().sign(&caller(), "GET", "/api/search", at(0));
            let mut changed: Vec<char> = token.chars().collect();
            let at_byte = at_byte % changed.len();
            prop_assume!(changed[at_byte] != with);
            changed[at_byte] = with;
            let changed: String = changed.into_iter().collect();
            prop_assert!(key().verify(&changed, "GET", "/api/search", at(0)).is_err());
        }

        #[test]
        fn no_text_makes_it_panic(token in any::<String>(), target in any::<String>()) {
            prop_assert!(key().verify(&token, "GET", &target, at(0)).is_err());
        }
    }
}
