//! Passwords: argon2id with the parameters of its authors' second recommendation, as PHC strings.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use std::sync::LazyLock;

/// The fewest characters.
pub(crate) const SHORTEST: usize = 10;
/// The most characters: beyond that somebody wants to keep the processor busy.
pub(crate) const LONGEST: usize = 256;

/// The PHC string of a password. Takes tens of milliseconds of a core.
///
/// # Errors
/// When the operating system gives no random salt.
pub(crate) fn hash(password: &str) -> Result<String, String> {
    Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// Whether a password is the one of the PHC string. Without a string (there is no such user) it takes as long and says no.
pub(crate) fn verify(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody has this password").unwrap_or_default());
    let text = stored.unwrap_or(&NOBODY);
    let matches =
        PasswordHash::new(text).is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
    matches && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_matches() {
        let stored = hash("a long password").unwrap();
        assert!(stored.starts_with("$argon2id$"), "{stored}");
        assert!(verify("a long password", Some(&stored)));
        assert!(!verify("another password", Some(&stored)));
        assert!(!verify("nobody has this password", None));
        assert!(!verify("", Some("not a PHC string")));
    }
}
