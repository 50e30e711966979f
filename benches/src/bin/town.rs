//! What is paged in a town, and what would have been by one who knows the truth:
//! `cargo run --release -p benches --bin town -- --seed 1 --days 60`.
//!
//! Draws a town from the seed (topics with their rhythms, events that must page; floods of copies, outages and backfills that must not),
//! lets it pass through trend, and through a detector that knows the true rates and has as many false alarms. Prints both. What is
//! drawn and how alarms are judged is said in `benches/src/town/`.

#![allow(clippy::print_stdout)] // a program for developers: it speaks

use analyze::trend::Config;
use benches::town::{
    Outcome,
    plan::{Plan, Settings},
    rhythm::Rhythm,
    table::table,
    watch,
};
use clap::Parser;
use jiff::tz::TimeZone;

#[derive(Debug, Parser)]
struct Options {
    /// What all chance comes from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Days that it lasts.
    #[arg(long, default_value_t = 60)]
    days: u32,
    /// Days in which nothing happens and no alarm counts.
    #[arg(long, default_value_t = 14)]
    warm_up: u32,
    /// Topics.
    #[arg(long, default_value_t = 500)]
    topics: u16,
    /// The fewest posts a minute of a topic, in the mean.
    #[arg(long, default_value_t = 0.01)]
    least: f64,
    /// The most.
    #[arg(long, default_value_t = 50.0)]
    most: f64,
    /// How rates go.
    #[arg(long, value_enum, default_value = "shared")]
    rhythm: Rhythm,
    /// Events.
    #[arg(long, default_value_t = 200)]
    events: u32,
    /// Floods of copies.
    #[arg(long, default_value_t = 40)]
    floods: u32,
    /// Sources.
    #[arg(long, default_value_t = 12)]
    sources: u8,
    /// Outages.
    #[arg(long, default_value_t = 20)]
    outages: u32,
    /// Backfills.
    #[arg(long, default_value_t = 20)]
    backfills: u32,
    /// False pages a night, over all topics, that the config allows.
    #[arg(long, default_value_t = 2.0)]
    false_pages: f64,
    /// Print each false alarm and each event that one of the two has not seen or seen much later.
    #[arg(long)]
    each: bool,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let plan = Plan::draw(Settings {
        seed: options.seed,
        days: options.days,
        warm_up: options.warm_up.min(options.days),
        topics: options.topics,
        rates: (options.least, options.most),
        rhythm: options.rhythm,
        events: options.events,
        floods: options.floods,
        sources: options.sources,
        outages: options.outages,
        backfills: options.backfills,
    });
    let config = Config {
        false_pages: options.false_pages,
        ..Config::of(watch::topics(&plan), TimeZone::get("Asia/Shanghai")?)
    };
    let outcome = benches::town::run(&plan, &config)?;
    println!("{}", table(&plan, &outcome, options.false_pages));
    if options.each {
        each(&plan, &outcome);
    }
    Ok(())
}

fn each(plan: &Plan, outcome: &Outcome) {
    let at = |second: u32| format!("day {:>2} {:02}:{:02}", second / 86_400, second / 3_600 % 24, second / 60 % 60);
    for (alarm, cause) in &outcome.ours.wrong {
        let course = &plan.topics[usize::from(alarm.topic)].course;
        println!("false, {cause:?}: {}, topic {} ({:.2}/min): {}", at(alarm.seen), alarm.topic, course.base, alarm.why);
    }
    for (index, event) in plan.events.iter().enumerate() {
        let (ours, oracle) = (outcome.ours.delays[index], outcome.oracle.delays[index]);
        let much_later = ours.is_some_and(|ours| oracle.is_some_and(|oracle| ours > 2 * oracle + 120));
        if ours.is_some() != oracle.is_some() || much_later {
            let written = |delay: Option<u32>| delay.map_or_else(|| "not".into(), |delay| format!("{delay}s"));
            println!(
                "{:?} of {:.1}, {} min from {}, topic {} ({:.2}/min), {:.0} more: seen after {}, by the oracle {}",
                event.shape,
                event.factor,
                event.end - event.begin,
                at(event.begin * 60),
                event.topic,
                plan.rate(event.topic, event.begin),
                event.excess,
                written(ours),
                written(oracle)
            );
        }
    }
}
