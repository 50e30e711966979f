//! People who may log in: what `wanglou user` does, beside a running service or without one.

use crate::{
    password,
    pin::{self, PinError},
    records::{Records, RecordsError, User},
};
use jiff::Timestamp;
use schemas::kit::{auth::Role, settings::Settings};

/// Why a user cannot be added or changed.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// The name can't be one.
    #[error("a name must have 1 to 64 characters, none of them a control character")]
    Name,
    /// The password is too easy to guess, or absurdly long.
    #[error("a password must have {} to {} characters", password::SHORTEST, password::LONGEST)]
    Password,
    /// There is such a user.
    #[error("there is a user named {0:?} already")]
    Taken(String),
    /// There is no such user.
    #[error("there is no user named {0:?}")]
    Unknown(String),
    /// Nobody of that name could sign.
    #[error("{0:?} is neither a user nor named in a [[person]] or a [[duty]] of the config")]
    Nobody(String),
    /// The PIN is none, or too easy to guess.
    #[error(transparent)]
    Pin(#[from] PinError),
    /// The hash cannot be computed.
    #[error("the password cannot be hashed: {0}")]
    Hash(String),
    /// The database cannot take it.
    #[error(transparent)]
    Records(#[from] RecordsError),
}

/// Adds a user.
///
/// # Errors
/// What is wrong with the name or the password.
pub async fn add(settings: &Settings, name: &str, role: Role, password: &str) -> Result<(), UserError> {
    if name.trim() != name || !(1..=64).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(UserError::Name);
    }
    let user = User { name: name.to_owned(), role, password: hash(password).await? };
    let records = Records::open(settings).await?;
    let mut tx = records.begin().await?;
    let added = tx.add_user(&user, Timestamp::now()).await?;
    tx.commit().await?;
    records.close().await;
    if added { Ok(()) } else { Err(UserError::Taken(name.to_owned())) }
}

/// All users by name, with their roles.
///
/// # Errors
/// When the records cannot be read.
pub async fn list(settings: &Settings) -> Result<Vec<(String, Role)>, UserError> {
    let records = Records::open(settings).await?;
    let users = records.users().await?;
    records.close().await;
    Ok(users.into_iter().map(|user| (user.name, user.role)).collect())
}

/// Sets a user's password and ends their sessions.
///
/// # Errors
/// What is wrong with the name or the password.
pub async fn set_password(settings: &Settings, name: &str, password: &str) -> Result<(), UserError> {
    let hashed = hash(password).await?;
    let records = Records::open(settings).await?;
    let mut tx = records.begin().await?;
    let done = tx.set_password(name, &hashed).await?;
    tx.commit().await?;
    records.close().await;
    if done { Ok(()) } else { Err(UserError::Unknown(name.to_owned())) }
}

/// Sets the PIN with which somebody signs from a group's link: a user, or somebody whom the config names without a log-in.
///
/// # Errors
/// What is wrong with the name or the PIN.
pub async fn set_pin(settings: &Settings, name: &str, pin: &str) -> Result<(), UserError> {
    pin::check(pin)?;
    let hashed = hashed(pin).await?;
    let records = Records::open(settings).await?;
    let known = is_named(settings, name) || records.user(name).await?.is_some();
    if known {
        let mut tx = records.begin().await?;
        tx.set_pin(name, &hashed, Timestamp::now()).await?;
        tx.commit().await?;
    }
    records.close().await;
    if known { Ok(()) } else { Err(UserError::Nobody(name.to_owned())) }
}

/// Whether the config names somebody who may have to sign.
fn is_named(settings: &Settings, name: &str) -> bool {
    let duties = || settings.duty.iter().map(|duty| duty.get_ref());
    settings.person.iter().any(|person| person.get_ref().name == name)
        || duties().flat_map(|duty| &duty.shift).any(|shift| shift.get_ref().members().any(|member| member == name))
        || duties().flat_map(|duty| &duty.escalation).any(|step| !name.is_empty() && step.person == name)
}

async fn hash(password: &str) -> Result<String, UserError> {
    if !(password::SHORTEST..=password::LONGEST).contains(&password.chars().count()) {
        return Err(UserError::Password);
    }
    hashed(password).await
}

async fn hashed(password: &str) -> Result<String, UserError> {
    let password = password.to_owned();
    tokio::task::spawn_blocking(move || password::hash(&password))
        .await
        .map_err(|error| UserError::Hash(error.to_string()))?
        .map_err(UserError::Hash)
}
