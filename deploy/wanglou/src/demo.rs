//! `wanglou demo`: all stages on the demo town, a small site served on loopback and really crawled.
//!
//! First the town's history of some days is laid in through the import door, backdated, so that the baselines are learned and
//! not faked. Then the town lives by the clock, and within the first minute a water main breaks.

use crate::{all_in_one, commands};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use futures::StreamExt;
use schemas::{
    kit::{auth::Role, settings::Settings, shutdown, shutdown::Shutdown, telemetry},
    log,
};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
};
use tokio::net::TcpListener;
use town::Town;

/// A folder that holds this file was made by the demo, and may be made anew by it.
const MARK: &str = "this-is-a-demo";
const DAYS: u32 = 7;
const CONFIG: &str = include_str!("../../demo/demo.toml");

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Where the demo keeps its data; made anew at each start.
    #[arg(long, default_value = "data-demo")]
    data_dir: PathBuf,
    /// The console's address.
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// The password of the user `duty`; a random one without it.
    #[arg(long)]
    password: Option<String>,
    /// The town's seed: the same seed, the same town.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    telemetry::start_with("warn");
    make_folder(&options.data_dir)?;
    let shutdown = shutdown::on_signal()?;
    let listener = TcpListener::bind("127.0.0.1:0").await.context("the town needs an address on loopback")?;
    let town_url = format!("http://{}", listener.local_addr()?);
    let config = write_config(&options, &town_url)?;
    let settings = commands::settings(&config)?;

    let town = Town::new(options.seed, jiff::Timestamp::now(), DAYS);
    println!("laying in {DAYS} days of the town's history …");
    lay_in(&settings, &town, &town_url).await?;
    let password = options.password.clone().unwrap_or_else(|| format!("{:010x}", rand::random::<u64>() >> 24));
    alert::users::add(&settings, "duty", Role::Operator, &password).await?;

    let phone = town::Phone::new();
    let townsfolk = tokio::spawn(town::serve(listener, town, phone.clone(), shutdown.clone()));
    let ringing = tokio::spawn(ring(phone, shutdown.clone()));
    let outcome = all_in_one::run(&settings, shutdown.clone(), async |_, address| {
        println!("望楼 Wanglou  http://{address}/");
        println!("log in        duty / {password}");
        println!("the phone     {town_url}/phone");
        println!("the forum     {town_url}/forum/board-1-1.html");
        println!("In a few seconds a water main breaks in 抚琴街道. Ctrl-C stops.");
        Ok(())
    })
    .await;
    shutdown.cancel();
    townsfolk.await??;
    ringing.await?;
    outcome.map(|()| ExitCode::SUCCESS)
}

/// Makes the demo's folder anew; never one that is not the demo's.
fn make_folder(folder: &Path) -> Result<()> {
    if folder.exists() {
        let empty = folder.read_dir().with_context(|| format!("{} is no folder", folder.display()))?.next().is_none();
        if !empty && !folder.join(MARK).exists() {
            bail!(
                "{} is not empty and was not made by the demo: name another folder with --data-dir",
                folder.display()
            );
        }
        std::fs::remove_dir_all(folder).with_context(|| format!("{} cannot be made anew", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    std::fs::write(folder.join(MARK), "wanglou demo makes this folder anew at each start\n")?;
    Ok(())
}

fn write_config(options: &Options, town_url: &str) -> Result<PathBuf> {
    let own = CONFIG
        .replace("$DATA", &options.data_dir.join("data").to_string_lossy())
        .replace("$LISTEN", &options.listen.to_string())
        .replace("$TOWN", town_url);
    let path = options.data_dir.join("wanglou.toml");
    std::fs::write(&path, own + &town::sources(town_url))?;
    Ok(path)
}

/// Imports the town's history straight into the log.
async fn lay_in(settings: &Settings, town: &Town, town_url: &str) -> Result<()> {
    let log = log::open(settings).await?;
    let lines = futures::stream::iter(town::history(town, town_url)).map(Bytes::from);
    let imported = async {
        let door = ingest::Door::open(settings, log.clone()).await?;
        Ok::<_, anyhow::Error>(ingest::import_lines(lines, &door, |_| {}).await?)
    }
    .await;
    log.close().await;
    let imported = imported?;
    if let Some(refused) = imported.refused.first() {
        bail!("the town's history is refused: {}", refused.reason);
    }
    println!("{} posts laid in", imported.accepted);
    Ok(())
}

/// Tells on the terminal when the phone gets a message.
async fn ring(phone: town::Phone, shutdown: Shutdown) {
    let mut pages = phone.rings();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            page = pages.recv() => match page {
                // The text quotes posts, and posts may hold escape codes that rewrite a terminal.
                Ok(page) => {
                    let line = page.text.lines().next().unwrap_or_default();
                    println!("the phone     {}", line.chars().filter(|c| !c.is_control()).collect::<String>());
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    }
}
