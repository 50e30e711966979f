//! The records database: incidents with their history, the outbox, positions, users, sessions and the audit record. The only
//! module that knows SQL.
//!
//! * One implementation for SQLite and PostgreSQL, by sqlx's `Any`: statements that both understand, `$1` placeholders,
//!   three column types. What differs is in `dialect.rs`; what every database must do is the suite in [`conformance`].
//! * A change is one transaction ([`Tx`]): an incident, its events, its pages, its feed and the position of the pulse that
//!   caused it are all there or none is.
//! * [`Records::begin_in`] begins a change of the active process: it holds the lease's row, so such changes take turns on
//!   either database, and a process that was passed over changes nothing. [`Records::begin`] is for what any process may
//!   write: users, sessions, who logged in, PINs, and searches that people keep.
//! * A row's `revision` guards against two writers all the same.

mod address;
mod audit;
pub mod backup;
pub mod conformance;
mod dialect;
mod incidents;
mod lease;
mod links;
mod pages;
mod positions;
mod quiet;
mod quotas;
mod roster;
mod searches;
mod source_alerts;
mod users;

pub use audit::{Chain, Link};
pub use pages::Page;
pub use roster::CalendarFeed;
pub use searches::SavedSearch;
pub use users::User;

use address::Address;
use dialect::{Dialect, Trouble};
use schemas::kit::settings::Settings;
use sqlx::{Any, AnyConnection, AnyPool, Connection, any::AnyPoolOptions, migrate::MigrateError};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

const CONNECTIONS: u32 = 8;
/// How often a change is begun again that the database broke off.
const REPEATS: u32 = 3;
/// How long opening is tried while others are at it.
const OPENING: Duration = Duration::from_secs(10);
const OPENING_PAUSE: Duration = Duration::from_millis(20);

/// Why the records cannot be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    /// Somebody else wrote the same row first: do it again from the start.
    #[error("somebody else changed {0} at the same moment: try again")]
    Raced(String),
    /// Another process is active.
    #[error("this process stands by: another one is active")]
    Standby,
    /// Another process has taken over meanwhile.
    #[error("another process has taken over: the epoch is {theirs}, ours was {ours}")]
    Fenced {
        /// The epoch in which we were active.
        ours: i64,
        /// The one that runs.
        theirs: i64,
    },
    /// The address is wrong.
    #[error(
        "[records] url = {url:?} is no address of a records database: {why}. Wanted is \"sqlite:FILE\", such as \
         \"sqlite:records.db\", or \"postgres://USER@HOST:PORT/DATABASE\""
    )]
    Address {
        /// What was given, without a password.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database cannot be opened.
    #[error("the records database {url} cannot be opened: {error}. {hint}")]
    Open {
        /// Where it is, without a password.
        url: String,
        /// What the database says.
        error: sqlx::Error,
        /// What to look at.
        hint: &'static str,
    },
    /// A newer program has changed its tables.
    #[error(
        "the records database was brought to version {0} by a newer program; this one knows versions up to {1}. Start the \
         newer program, or restore a backup that is older"
    )]
    Newer(i64, i64),
    /// Its tables are not those of this program.
    #[error("the records database's tables cannot be brought up to this program's version: {0}")]
    Migrate(#[from] MigrateError),
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

impl RecordsError {
    /// Whether the database cannot be used now, and may be later.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Sql(error) if Trouble::of(error) != Trouble::Ours)
    }

    /// Whether the same again may succeed at once.
    pub(crate) fn is_broken_off(&self) -> bool {
        matches!(self, Self::Raced(_)) || matches!(self, Self::Sql(error) if Trouble::of(error) == Trouble::BrokenOff)
    }
}

/// The records database.
#[derive(Clone)]
pub struct Records {
    pool: AnyPool,
    /// One connection for the lease alone: a renewal must not wait behind a crowd of readers.
    lease: AnyPool,
    dialect: Dialect,
    /// SQLite's writers ask again and again for a lock that is taken, in no order: one of many could ask in vain for all of its time. Those of
    /// this process stand in line instead. None where the database itself serves them in turn.
    line: Option<Arc<Mutex<()>>>,
}

/// One change: all of it or nothing. Dropped without [`Tx::commit`], nothing has happened.
pub struct Tx {
    tx: sqlx::Transaction<'static, Any>,
    dialect: Dialect,
    /// Held until the change is done. Whoever begins another one before that waits for himself.
    _place: Option<OwnedMutexGuard<()>>,
}

impl Records {
    /// Opens the records that the settings name, makes them where they are absent, and brings their tables up to date.
    ///
    /// # Errors
    /// What is wrong with the address or the database.
    pub async fn open(settings: &Settings) -> Result<Self, RecordsError> {
        let address = Address::of(settings)?;
        let dialect = address.dialect;
        let hint = match dialect {
            Dialect::Sqlite => "Is the folder there and writable, and the file whole?",
            Dialect::Postgres => {
                "Does the server run, may this user enter (WANGLOU_RECORDS_PASSWORD), is the database made?"
            }
        };
        let failed = |error| RecordsError::Open { url: address.to_string(), error, hint };
        if dialect == Dialect::Sqlite {
            std::fs::create_dir_all(&settings.data_dir).map_err(|error| failed(sqlx::Error::Io(error)))?;
        }
        sqlx::any::install_default_drivers();
        // The pool would try a file that is no database again and again; one connection says at once what is wrong.
        let mut first = connect(&address).await.map_err(failed)?;
        migrate(&mut first, dialect).await?;
        first.close().await.map_err(failed)?;
        let pool = |connections| {
            AnyPoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(dialect.patience())
                .after_connect(move |connection, _| Box::pin(dialect.prepare(connection)))
                .connect_lazy(&address.url)
                .map_err(failed)
        };
        let line = (dialect == Dialect::Sqlite).then(Arc::default);
        Ok(Self { pool: pool(CONNECTIONS)?, lease: pool(1)?, dialect, line })
    }

    /// Begins a change that any process may make; see [`Records::begin_in`] for all others.
    ///
    /// # Errors
    /// When the database cannot take it now.
    pub async fn begin(&self) -> Result<Tx, RecordsError> {
        self.begin_on(&self.pool).await
    }

    /// Begins a change on a connection of a pool, when its turn has come.
    async fn begin_on(&self, pool: &AnyPool) -> Result<Tx, RecordsError> {
        let place = match &self.line {
            Some(line) => {
                let place = tokio::time::timeout(self.dialect.patience(), Arc::clone(line).lock_owned()).await;
                Some(place.map_err(|_| sqlx::Error::PoolTimedOut)?)
            }
            None => None,
        };
        Ok(Tx { tx: self.dialect.begin(pool).await?, dialect: self.dialect, _place: place })
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.lease.close().await;
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

/// Makes a change, and again when the database broke it off for another's sake (a deadlock). `change` must be one
/// transaction.
///
/// # Errors
/// What kept it from being made.
pub(crate) async fn repeat<T, E, F: Future<Output = Result<T, E>>>(
    is_broken_off: impl Fn(&E) -> bool,
    change: impl Fn() -> F,
) -> Result<T, E> {
    for _ in 1..REPEATS {
        match change().await {
            Err(error) if is_broken_off(&error) => {}
            done => return done,
        }
    }
    change().await
}

/// Opens a connection. SQLite refuses at once, and whatever the timeout, who opens a file while another makes it, or closes it:
/// that passes.
async fn connect(address: &Address) -> Result<AnyConnection, sqlx::Error> {
    let give_up_at = Instant::now() + OPENING;
    loop {
        let opened = async {
            let mut connection = AnyConnection::connect(&address.url).await?;
            address.dialect.prepare(&mut connection).await?;
            Ok(connection)
        };
        match opened.await {
            Err(error) if Trouble::of(&error) == Trouble::BrokenOff && Instant::now() < give_up_at => {
                tokio::time::sleep(OPENING_PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// Brings the tables up to date: all steps or none, one process after the other.
async fn migrate(connection: &mut AnyConnection, dialect: Dialect) -> Result<(), RecordsError> {
    let migrations = dialect.migrations();
    let known = migrations.iter().map(|step| step.version).max().unwrap_or_default();
    let mut tx = dialect.begin_migration(connection).await?;
    migrations.run_direct(None, &mut *tx, false).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) if version > known => RecordsError::Newer(version, known),
        error => RecordsError::Migrate(error),
    })?;
    audit::adopt(&mut tx).await?;
    Ok(tx.commit().await?)
}

/// What is wrong with the address in the settings, if anything is.
#[must_use]
pub fn fault(settings: &Settings) -> Option<String> {
    Address::of(settings).err().map(|error| error.to_string())
}

/// A text as both databases take it: PostgreSQL knows no NUL, and whoever sends one must not hold up the others.
fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
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
    use futures::{future::join_all, poll};
    use std::cell::RefCell;
    use tempfile::TempDir;

    /// Whoever comes first is served first: nobody asks in vain while others come and go.
    #[tokio::test]
    async fn writers_of_a_file_are_served_in_their_order() {
        let folder = TempDir::new().unwrap();
        let settings = Settings { data_dir: folder.path().to_owned(), ..Settings::default() };
        let records = Records::open(&settings).await.unwrap();
        let first = records.begin().await.unwrap();
        let served = RefCell::new(Vec::new());
        let write = async |writer: usize| {
            let tx = records.begin().await.unwrap();
            served.borrow_mut().push(writer);
            tx.commit().await.unwrap();
        };
        let mut writers: Vec<_> = (0..20).map(|writer| Box::pin(write(writer))).collect();
        // Each stands in line before the next one comes.
        for writer in &mut writers {
            assert!(poll!(writer.as_mut()).is_pending());
        }
        first.commit().await.unwrap();
        join_all(writers).await;
        assert_eq!(*served.borrow(), (0..20).collect::<Vec<_>>());
    }
}
