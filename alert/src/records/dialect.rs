//! What SQLite and PostgreSQL do not have in common. Everything else is one statement for both.
//!
//! | | SQLite | PostgreSQL |
//! |---|---|---|
//! | writers take turns | `BEGIN IMMEDIATE`; those of one process stand in line | the lease's row, locked by whoever may write (`lease.rs`) |
//! | a commit is on disk | WAL, `synchronous=FULL` | the server's `synchronous_commit`, on by default |
//! | waiting for a lock | `busy_timeout` | `lock_timeout` |
//! | a writer that hangs | its file lock lives as long as its process | `idle_in_transaction_session_timeout` ends its transaction |
//! | two that bring the tables up to date | `BEGIN IMMEDIATE` | an advisory lock |
//! | text | any | no NUL: see `records::text` |

use sqlx::{Any, AnyConnection, AnyPool, Transaction, migrate::Migrator};
use std::time::Duration;

static SQLITE: Migrator = sqlx::migrate!("src/records/migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("src/records/migrations/postgres");

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// What an error means to whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Broken off for another's sake: the same again will do.
    BrokenOff,
    /// The database can't be used now: away, full, overloaded.
    Unavailable,
    /// The statement or its data are wrong.
    Ours,
}

impl Dialect {
    /// Sets a connection up.
    pub(super) async fn prepare(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        let statements: &[&str] = match self {
            Self::Sqlite => &[
                "PRAGMA busy_timeout = 10000",
                "PRAGMA journal_mode = WAL",
                "PRAGMA synchronous = FULL",
                "PRAGMA foreign_keys = ON",
            ],
            // A process that hangs in the middle of a change must let go of the lease's row before its lease runs out.
            Self::Postgres => &[
                "SET lock_timeout = '10s'",
                "SET statement_timeout = '30s'",
                "SET idle_in_transaction_session_timeout = '4s'",
                "SET default_transaction_isolation = 'read committed'",
            ],
        };
        for statement in statements {
            sqlx::query(*statement).execute(&mut *connection).await?;
        }
        Ok(())
    }

    /// How long a request waits for a connection. A server that is away is told of soon; a file is never away.
    pub(super) fn patience(self) -> Duration {
        match self {
            Self::Sqlite => Duration::from_secs(30),
            Self::Postgres => Duration::from_secs(5),
        }
    }

    /// Begins a change.
    pub(super) async fn begin(self, pool: &AnyPool) -> Result<Transaction<'static, Any>, sqlx::Error> {
        match self {
            Self::Sqlite => pool.begin_with("BEGIN IMMEDIATE").await,
            Self::Postgres => pool.begin().await,
        }
    }

    /// Begins the change that brings the tables up to date; others that want the same wait for its end.
    pub(super) async fn begin_migration(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Transaction<'_, Any>, sqlx::Error> {
        use sqlx::Connection;
        match self {
            Self::Sqlite => connection.begin_with("BEGIN IMMEDIATE").await,
            Self::Postgres => {
                let mut tx = connection.begin().await?;
                // Another may be at work on many rows.
                sqlx::query("SET LOCAL lock_timeout = 0").execute(&mut *tx).await?;
                sqlx::query("SET LOCAL statement_timeout = 0").execute(&mut *tx).await?;
                // "wanglou" on a telephone's keys.
                sqlx::query("SELECT pg_advisory_xact_lock(9264568)").execute(&mut *tx).await?;
                Ok(tx)
            }
        }
    }

    /// The steps that bring the tables up to date. No step is ever changed once it was released.
    pub(super) fn migrations(self) -> &'static Migrator {
        match self {
            Self::Sqlite => &SQLITE,
            Self::Postgres => &POSTGRES,
        }
    }

    /// Reads the lease and what time it is by the database's clock, and makes others who ask wait for our commit.
    pub(super) fn lease(self) -> &'static str {
        match self {
            Self::Sqlite => {
                "SELECT epoch, holder, ends_at, CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now
                 FROM lease WHERE name = 'alert'"
            }
            Self::Postgres => {
                "SELECT epoch, holder, ends_at, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now
                 FROM lease WHERE name = 'alert' FOR UPDATE"
            }
        }
    }
}

impl Trouble {
    /// What an error means.
    pub(super) fn of(error: &sqlx::Error) -> Self {
        use sqlx::Error;
        match error {
            Error::Database(error) => error.code().map_or(Self::Ours, |code| Self::of_code(&code)),
            Error::Io(_) | Error::Tls(_) | Error::PoolTimedOut | Error::PoolClosed | Error::WorkerCrashed => {
                Self::Unavailable
            }
            // What a connection says that died in the middle of an answer.
            Error::Protocol(_) | Error::BeginFailed => Self::Unavailable,
            _ => Self::Ours,
        }
    }

    /// SQLSTATE has five characters; SQLite's numbers have fewer, and their last byte says what happened.
    fn of_code(code: &str) -> Self {
        if code.len() != 5 {
            return match code.parse::<u32>().unwrap_or_default() & 0xff {
                5 | 6 => Self::BrokenOff,              // busy, locked
                8 | 10 | 13 | 14 => Self::Unavailable, // read-only, I/O error, full, cannot be opened
                _ => Self::Ours,
            };
        }
        match code {
            "40001" | "40P01" => Self::BrokenOff, // serialization failure, deadlock
            "55000" | "55P03" | "25P03" | "25006" | "57014" => Self::Unavailable, // closed, time-outs, read-only
            _ => match &code[..2] {
                "08" | "28" | "3D" | "53" | "57" | "58" => Self::Unavailable,
                _ => Self::Ours,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_codes_mean() {
        for (code, trouble) in [
            ("5", Trouble::BrokenOff),
            ("517", Trouble::BrokenOff),
            ("13", Trouble::Unavailable),
            ("1032", Trouble::Unavailable),
            ("1555", Trouble::Ours),
            ("40001", Trouble::BrokenOff),
            ("40P01", Trouble::BrokenOff),
            ("57P01", Trouble::Unavailable),
            ("53300", Trouble::Unavailable),
            ("08006", Trouble::Unavailable),
            ("23505", Trouble::Ours),
            ("22021", Trouble::Ours),
            ("", Trouble::Ours),
            ("一二三", Trouble::Ours),
        ] {
            assert_eq!(Trouble::of_code(code), trouble, "{code}");
        }
    }

    /// A step that is on one database and not on the other would be a step that is forgotten.
    #[test]
    fn both_have_the_same_steps() {
        let steps = |of: &Migrator| of.iter().map(|step| (step.version, step.description.clone())).collect::<Vec<_>>();
        assert_eq!(steps(&SQLITE), steps(&POSTGRES));
    }
}
