//! Serves a town by itself, to look at: `cargo run -p town --example town [ADDRESS]`. With `--history` it prints the
//! history as lines for the door instead.
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use jiff::Timestamp;
use town::{Phone, Town};

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let town = Town::new(2026, Timestamp::now(), 7);
    let argument = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9099".into());
    if argument == "--history" {
        town::history(&town, "http://127.0.0.1:9099").for_each(|line| println!("{line}"));
        return Ok(());
    }
    let listener = tokio::net::TcpListener::bind(argument).await?;
    println!("http://{}/", listener.local_addr()?);
    town::serve(listener, town, Phone::new(), tokio_util::sync::CancellationToken::new()).await
}
