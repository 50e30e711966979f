//! People who may log in: what `wanglou user` does, beside a running service or without one.

use crate::{
    password,
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

async fn hash(password: &str) -> Result<String, UserError> {
    if !(password::SHORTEST..=password::LONGEST).contains(&password.chars().count()) {
        return Err(UserError::Password);
    }
    let password = password.to_owned();
    tokio::task::spawn_blocking(move || password::hash(&password))
        .await
        .map_err(|error| UserError::Hash(error.to_string()))?
        .map_err(UserError::Hash)
}
