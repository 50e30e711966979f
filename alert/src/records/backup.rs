//! A copy of the records, while they are written.

use super::{RecordsError, address::Address};
use schemas::kit::settings::Settings;
use sqlx::{AnyConnection, Connection};
use std::path::{Path, PathBuf};

/// What became of the records in a backup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// They are in the backup, as the file [`FILE`].
    Here,
    /// There are none yet.
    Absent,
    /// They are a database server's, whose own tools must copy them: how.
    Elsewhere(String),
}

/// The name of the copy.
pub const FILE: &str = "records.db";

/// Copies the records into the folder `to`, as of one moment.
///
/// # Errors
/// When they cannot be read, or the copy not written.
pub async fn backup(settings: &Settings, to: &Path) -> Result<Copied, RecordsError> {
    let url = &settings.records.url;
    let Some(file) = file(settings) else {
        return Ok(Copied::Elsewhere(format!(
            "the records are not in this backup: {} copies them (pg_dump --format=custom, then pg_restore into an empty database). \
             Take that copy BEFORE the backup, so that no page is missed",
            url.split("://").next().unwrap_or_default()
        )));
    };
    if !file.exists() {
        return Ok(Copied::Absent);
    }
    let hint = "Is the file whole?";
    let failed = |error| RecordsError::Open { url: url.clone(), error, hint };
    sqlx::any::install_default_drivers();
    let mut connection = AnyConnection::connect(&Address::of(settings)?.url).await.map_err(failed)?;
    sqlx::query("PRAGMA busy_timeout = 10000").execute(&mut connection).await?;
    let copy = to.join(FILE).to_string_lossy().into_owned();
    sqlx::query("VACUUM INTO $1").bind(copy).execute(&mut connection).await?;
    connection.close().await?;
    Ok(Copied::Here)
}

/// The file that the settings keep the records in; none when a server keeps them.
#[must_use]
pub fn file(settings: &Settings) -> Option<PathBuf> {
    let file = settings.records.url.strip_prefix("sqlite:")?.trim_start_matches("//");
    std::path::absolute(settings.data_dir.join(file)).ok()
}
