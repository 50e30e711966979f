//! Users and their sessions. Passwords are stored as PHC strings, sessions as hashes: neither can be used when read.

use super::{Records, RecordsError, Tx, json, millis, text, unjson};
use jiff::Timestamp;
use schemas::kit::auth::{Caller, Role};
use sqlx::Row;

/// Somebody who may log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// The password as a PHC string.
    pub password: String,
}

impl Records {
    /// All users by name.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn users(&self) -> Result<Vec<User>, RecordsError> {
        let rows = sqlx::query("SELECT name, role, password FROM users ORDER BY name").fetch_all(&self.pool).await?;
        rows.iter().map(user).collect()
    }

    /// A user.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn user(&self, name: &str) -> Result<Option<User>, RecordsError> {
        let row = sqlx::query("SELECT name, role, password FROM users WHERE name = $1")
            .bind(text(name))
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(user).transpose()
    }

    /// Who holds a session that has not ended.
    ///
    /// # Errors
    /// When the database cannot answer.
    pub async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<Caller>, RecordsError> {
        let row = sqlx::query(
            "SELECT users.name AS name, users.role AS role, users.password AS password FROM sessions
             JOIN users ON users.name = sessions.name WHERE sessions.hash = $1 AND sessions.expires_at > $2",
        )
        .bind(hash)
        .bind(millis(now))
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.as_ref().map(user).transpose()?.map(|user| Caller { name: user.name, role: user.role }))
    }
}

fn user(row: &sqlx::any::AnyRow) -> Result<User, RecordsError> {
    let name: String = row.try_get("name")?;
    Ok(User { role: unjson(&name, row.try_get("role")?)?, password: row.try_get("password")?, name })
}

impl Tx {
    /// Adds a user; `false` when the name is taken.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn add_user(&mut self, user: &User, at: Timestamp) -> Result<bool, RecordsError> {
        let done = sqlx::query(
            "INSERT INTO users (name, role, password, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
        )
        .bind(text(&user.name))
        .bind(json(&user.role))
        .bind(&user.password)
        .bind(millis(at))
        .execute(&mut *self.tx)
        .await?;
        Ok(done.rows_affected() == 1)
    }

    /// Sets a password and ends the user's sessions; `false` when there is no such user.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn set_password(&mut self, name: &str, password: &str) -> Result<bool, RecordsError> {
        let done = sqlx::query("UPDATE users SET password = $2 WHERE name = $1")
            .bind(text(name))
            .bind(password)
            .execute(&mut *self.tx)
            .await?;
        sqlx::query("DELETE FROM sessions WHERE name = $1").bind(text(name)).execute(&mut *self.tx).await?;
        Ok(done.rows_affected() == 1)
    }

    /// Begins a session, and forgets those that have ended.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn add_session(
        &mut self,
        hash: &str,
        name: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<(), RecordsError> {
        sqlx::query("DELETE FROM sessions WHERE expires_at <= $1").bind(millis(now)).execute(&mut *self.tx).await?;
        sqlx::query("INSERT INTO sessions (hash, name, expires_at) VALUES ($1, $2, $3)")
            .bind(hash)
            .bind(text(name))
            .bind(millis(until))
            .execute(&mut *self.tx)
            .await?;
        Ok(())
    }

    /// Ends a session.
    ///
    /// # Errors
    /// When the database cannot take it.
    pub async fn end_session(&mut self, hash: &str) -> Result<(), RecordsError> {
        sqlx::query("DELETE FROM sessions WHERE hash = $1").bind(hash).execute(&mut *self.tx).await?;
        Ok(())
    }
}
