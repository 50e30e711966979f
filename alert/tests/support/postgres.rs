//! A real PostgreSQL: one server for all tests of a binary, a database for each that asks. The server ends with this process,
//! however that ends: the script that runs it reads from a pipe whose other end is ours.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::{
    io::{BufRead, BufReader},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

struct Server {
    url: String,
    /// Never read or waited for: holding its standard input is what keeps the server.
    _script: Child,
}

static SERVER: OnceLock<Server> = OnceLock::new();

fn start() -> Server {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../deploy/postgres/server.sh");
    let folder = std::env::temp_dir().join(format!("wanglou-postgres-{}", std::process::id()));
    let mut command = Command::new(script);
    // A group of its own: a signal that ends all of us (Ctrl-C) must leave it alive to clean up.
    command.arg("run").arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    let mut child = command.spawn().unwrap();
    let mut url = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    assert!(
        url.starts_with("postgres://"),
        "deploy/postgres/server.sh did not start a server; deploy/packages.sh installs what it needs"
    );
    Server { url: url.trim().into(), _script: child }
}

/// The url of a database that nobody has used before.
pub async fn database() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(start)).await.unwrap();
    let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
    execute(&server.url, &format!("CREATE DATABASE {name}")).await;
    let (of_server, _) = server.url.rsplit_once('/').unwrap();
    format!("{of_server}/{name}")
}

/// Nobody gets at a database any more, and whoever was in it is thrown out; `open` ends that.
pub async fn close(url: &str) {
    let (server, name) = (&SERVER.get().unwrap().url, url.rsplit('/').next().unwrap());
    execute(server, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false")).await;
    execute(server, &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")).await;
}

/// See [`close`].
pub async fn open(url: &str) {
    let name = url.rsplit('/').next().unwrap();
    execute(&SERVER.get().unwrap().url, &format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).await;
}

/// Does something behind Wanglou's back.
pub async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.unwrap();
    connection.execute(AssertSqlSafe(sql.to_owned())).await.unwrap();
    connection.close().await.unwrap();
}
