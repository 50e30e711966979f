//! The records database: incidents with their history, the outbox, positions, users, sessions and the audit record. The only
//! module that knows SQL.
//!
//! * One implementation for SQLite now and PostgreSQL later, by sqlx's `Any`: statements that both understand, `$1`
//!   placeholders, three column types. What every database must do is the suite in [`conformance`].
//! * A change is one transaction ([`Tx`]): an incident, its events, its pages, its feed and the position of the pulse that
//!   caused it are all there or none is.
//! * SQLite: WAL, `synchronous=FULL` (a commit is on disk when it returns), and write transactions that begin as writers
//!   (`BEGIN IMMEDIATE`), so that two of them wait for each other instead of failing half-way. A row's `revision` guards
//!   against two writers where a database lets both read first.

mod audit;
pub mod backup;
pub mod conformance;
mod incidents;
mod pages;
mod positions;
mod users;

pub use pages::Page;
pub use users::User;

use schemas::kit::settings::Settings;
use sqlx::{Any, AnyConnection, AnyPool, Connection, any::AnyPoolOptions, migrate::Migrator};
use std::{path::Path, time::Duration};

static MIGRATIONS: Migrator = sqlx::migrate!("src/records/migrations");

/// Why the records cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// Somebody else wrote the same row first: do it again from the start.
    #[error("somebody else changed {0} at the same moment: try again")]
    Raced(String),
    /// The address is wrong.
    #[error(
        "[records] url = {0:?} is no address of a records database: \"sqlite:FILE\" is wanted, such as \"sqlite:records.db\""
    )]
    Address(String),
    /// The database cannot be opened.
    #[error(
        "the records database {url} cannot be opened: {error}. Is the folder there and writable, and the file whole?"
    )]
    Open {
        /// Where it is.
        url: String,
        /// What the database says.
        error: sqlx::Error,
    },
    /// Its tables are not those of this program.
    #[error(
        "the records database's tables cannot be brought up to this program's version: {0}. A newer program may have written it: use that one"
    )]
    Migrate(#[from] sqlx::migrate::MigrateError),
    /// A statement failed.
    #[error("records: {0}")]
    Sql(#[from] sqlx::Error),
    /// A row holds what this program cannot read.
    #[error("records: {what} cannot be read: {error}")]
    Row {
        /// Which row.
        what: String,
        /// Why.
        error: serde_json::Error,
    },
}

/// The records database.
#[derive(Clone)]
pub struct Records {
    pool: AnyPool,
    begin: &'static str,
}

/// One change: all of it or nothing. Dropped without [`Tx::commit`], nothing has happened.
pub struct Tx {
    tx: sqlx::Transaction<'static, Any>,
}

impl Records {
    /// Opens the records that the settings name, makes them where they are absent, and brings their tables up to date.
    ///
    /// # Errors
    /// What is wrong with the address or the database.
    pub async fn open(settings: &Settings) -> Result<Self, RecordsError> {
        let url = absolute(&settings.records.url, &settings.data_dir)?;
        let failed = |error| RecordsError::Open { url: settings.records.url.clone(), error };
        std::fs::create_dir_all(&settings.data_dir).map_err(|error| failed(sqlx::Error::Io(error)))?;
        sqlx::any::install_default_drivers();
        // The pool would try a file that is no database again and again; one connection says at once what is wrong.
        let mut first = AnyConnection::connect(&url).await.map_err(failed)?;
        prepare(&mut first).await.map_err(failed)?;
        first.close().await.map_err(failed)?;
        let pool = AnyPoolOptions::new()
            .max_connections(8)
            .acquire_timeout(Duration::from_secs(30))
            .after_connect(|connection, _| Box::pin(prepare(connection)))
            .connect(&url)
            .await
            .map_err(failed)?;
        MIGRATIONS.run(&pool).await?;
        Ok(Self { pool, begin: "BEGIN IMMEDIATE" })
    }

    /// Begins a change.
    ///
    /// # Errors
    /// When the database cannot take it now.
    pub async fn begin(&self) -> Result<Tx, RecordsError> {
        Ok(Tx { tx: self.pool.begin_with(self.begin).await? })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

impl Tx {
    /// Makes the change durable.
    ///
    /// # Errors
    /// When it could not be made; nothing has happened then.
    pub async fn commit(self) -> Result<(), RecordsError> {
        Ok(self.tx.commit().await?)
    }
}

/// Sets a connection up.
async fn prepare(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    for pragma in [
        "PRAGMA busy_timeout = 10000",
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA foreign_keys = ON",
    ] {
        sqlx::query(pragma).execute(&mut *connection).await?;
    }
    Ok(())
}

/// `sqlite:FILE` with the file under the data folder, as the driver wants it.
fn absolute(url: &str, data_dir: &Path) -> Result<String, RecordsError> {
    let wrong = || RecordsError::Address(url.to_owned());
    let file = url.strip_prefix("sqlite:").ok_or_else(wrong)?.trim_start_matches("//");
    if file.is_empty() || file.contains(['?', '#']) || file == ":memory:" {
        return Err(wrong());
    }
    let path = std::path::absolute(data_dir.join(file)).map_err(|_| wrong())?;
    let escaped = path.to_str().ok_or_else(wrong)?.replace('%', "%25").replace('?', "%3F").replace('#', "%23");
    Ok(format!("sqlite://{escaped}?mode=rwc"))
}

/// Whether an address names a records database.
#[must_use]
pub fn is_address(url: &str) -> bool {
    absolute(url, Path::new(".")).is_ok()
}

/// A time of a column.
fn millis(at: jiff::Timestamp) -> i64 {
    at.as_millisecond()
}

fn time(millis: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(millis).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn json<T: serde::Serialize>(value: &T) -> String {
    // Records hold only strings, numbers, lists and maps with string keys: serde_json cannot fail on those.
    serde_json::to_string(value).unwrap_or_default()
}

fn unjson<T: serde::de::DeserializeOwned>(what: &str, text: &str) -> Result<T, RecordsError> {
    serde_json::from_str(text).map_err(|error| RecordsError::Row { what: what.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let folder = Path::new("/var/lib/wang lou%");
        assert_eq!(absolute("sqlite:records.db", folder).unwrap(), "sqlite:///var/lib/wang lou%25/records.db?mode=rwc");
        assert_eq!(absolute("sqlite:///srv/r.db", folder).unwrap(), "sqlite:///srv/r.db?mode=rwc");
        for bad in ["", "records.db", "postgres://x", "sqlite:", "sqlite:a?mode=ro", "sqlite::memory:"] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
