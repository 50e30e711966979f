//! A copy of the log, of a running process or a stopped one.
//!
//! Each topic's copy is one moment of it (`VACUUM INTO` reads in one transaction and writes a compact file). Topics are copied
//! against the stream, what is derived before what it is derived from: whatever a copy says of another topic's
//! positions, the other's copy holds. So posts.raw is the last, and holds all that was acknowledged before.

use super::OpenError;
use crate::{kit::backup::copy_if_there, log::Topic};
use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// Against the stream.
const ORDER: [Topic; 8] = [
    Topic::Audit,
    Topic::Incidents,
    Topic::TopicsPulse,
    Topic::PostsRejected,
    Topic::PostsAnalyzed,
    Topic::CrawlReports,
    Topic::Control,
    Topic::PostsRaw,
];

/// Copies the log in `folder` into the folder `to`. Copy everything that holds a position in the log before.
///
/// # Errors
/// When there is no log, or it cannot be read or written.
pub fn backup(folder: &Path, to: &Path) -> Result<(), OpenError> {
    let io = |error: std::io::Error| OpenError::Io(folder.to_owned(), error);
    std::fs::create_dir_all(to).map_err(io)?;
    for topic in ORDER {
        let name = format!("{topic}.db");
        let path = folder.join(&name);
        copy(&path, &to.join(&name)).map_err(|error| OpenError::Store(path, error))?;
    }
    let copied = copy_if_there(&folder.join("cluster-id"), &to.join("cluster-id"));
    match copied.map_err(std::io::Error::other).map_err(io)? {
        true => Ok(()),
        false => Err(io(std::io::Error::new(std::io::ErrorKind::NotFound, "it has no cluster-id"))),
    }
}

fn copy(from: &Path, to: &Path) -> rusqlite::Result<()> {
    // Not read-only: when the process that wrote it was killed, SQLite has to recover the file first.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(from, flags)?;
    connection.busy_timeout(std::time::Duration::from_secs(10))?;
    // The copy gives freed space back, even when the file that it is made of was made before that was possible.
    connection.execute_batch("PRAGMA auto_vacuum = INCREMENTAL;")?;
    connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
    Ok(())
}
