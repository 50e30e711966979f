//! The API tokens of the config: programs that call with `Authorization: Bearer`.

use super::{
    auth::Caller,
    settings::{Settings, secret},
};
use http::HeaderValue;
use sha2::{Digest, Sha256};

/// The hash of a token or session: what is stored and compared.
#[must_use]
pub fn hash(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The tokens that are known, each with its caller.
#[derive(Clone, Default)]
pub struct Tokens(Vec<(String, Caller)>);

impl Tokens {
    /// The tokens of the config.
    ///
    /// # Errors
    /// A token whose value is not in the environment.
    pub fn of(settings: &Settings) -> anyhow::Result<Self> {
        let tokens = settings.http.token.iter().map(|token| {
            let value = secret(&token.env).ok_or_else(|| {
                anyhow::anyhow!(
                    "[[http.token]] {:?}: the environment variable {} (or {1}_FILE) is not set",
                    token.name,
                    token.env
                )
            })?;
            Ok((value, Caller { name: token.name.clone(), role: token.role }))
        });
        Ok(Self::known(tokens.collect::<anyhow::Result<Vec<_>>>()?))
    }

    /// Those tokens of the config whose value this process is given. A service that runs apart needs none of them for its
    /// work.
    #[must_use]
    pub fn given(settings: &Settings) -> Self {
        Self::known(
            settings
                .http
                .token
                .iter()
                .filter_map(|token| Some((secret(&token.env)?, Caller { name: token.name.clone(), role: token.role }))),
        )
    }

    /// These, by their values.
    #[must_use]
    pub fn known(tokens: impl IntoIterator<Item = (String, Caller)>) -> Self {
        Self(tokens.into_iter().map(|(value, caller)| (hash(&value), caller)).collect())
    }

    /// Who sends this `Authorization` header.
    #[must_use]
    pub fn bearer(&self, header: &HeaderValue) -> Option<Caller> {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        if scheme.eq_ignore_ascii_case("bearer") { self.caller(token.trim()) } else { None }
    }

    /// Compares with every token, in a time that does not depend on where they differ.
    fn caller(&self, value: &str) -> Option<Caller> {
        let given = hash(value);
        let equal = |known: &str| known.bytes().zip(given.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0;
        self.0.iter().fold(None, |found, (known, caller)| if equal(known) { Some(caller.clone()) } else { found })
    }
}
