//! `wanglou reindex`: the archive built anew, by the running instance or, when none runs, by this process.

use analyze::archive::reindex;
use anyhow::Result;
use schemas::log;
use std::{process::ExitCode, time::Duration};

/// How often it is looked how far the running instance has got.
const LOOK: Duration = Duration::from_millis(500);

pub(crate) async fn run(config: &crate::Config) -> Result<ExitCode> {
    let settings = super::settings(&config.config)?;
    let understanding = analyze::understanding(&settings)?;
    let now = jiff::Timestamp::now();
    reindex::request(&settings.data_dir, now)?;
    if !reindex::is_in_use(&settings.data_dir)? {
        let log = log::open(&settings).await?;
        let rebuilt = async {
            let understanding = analyze::understanding_now(&settings, &log).await?;
            reindex::rebuild(&settings, &log, understanding).await
        };
        let rebuilt = rebuilt.await;
        log.close().await;
        rebuilt?;
        println!("the archive was built anew");
        return Ok(ExitCode::SUCCESS);
    }
    println!("the running instance builds the archive anew, with the config that it was started with; searches go on");
    let mut told = None;
    while let Some((done, all)) = reindex::progress(&settings.data_dir, understanding.version())? {
        if told.replace(done) != Some(done) {
            println!("{done} of {all} months");
        }
        tokio::time::sleep(LOOK).await;
    }
    println!("the archive was built anew");
    Ok(ExitCode::SUCCESS)
}
