//! What came of a town, as a table.
//!
//! Recall is over all events, hopeless ones among them, so it says something only beside the oracle's. Delays are compared over the
//! events that both saw: whoever sees more, sees later ones.

use super::{
    Outcome,
    forecasts::Forecasts,
    judge::{Cause, Judgement},
    plan::{Event, Plan, Shape},
};
use std::fmt::Write;

/// What a row is about, and whether an event belongs to it.
type Row<'a> = (&'static str, Box<dyn Fn(&Event) -> bool + 'a>);

/// Recall and delays of some events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figures {
    /// How many.
    pub events: usize,
    /// How many trend saw.
    pub ours: usize,
    /// How many the oracle saw.
    pub oracle: usize,
    /// How many of those trend saw too.
    pub both: usize,
    /// Median and 95th percentile of the delay, in seconds, over those that both saw.
    pub our_delay: (f64, f64),
    /// The oracle's.
    pub oracle_delay: (f64, f64),
}

impl Figures {
    /// Of the events that belong.
    pub fn of(plan: &Plan, outcome: &Outcome, belongs: impl Fn(&Event) -> bool) -> Self {
        let indices: Vec<usize> = (0..plan.events.len()).filter(|&index| belongs(&plan.events[index])).collect();
        let seen = |judgement: &Judgement, index: usize| judgement.delays[index];
        let count = |judgement: &Judgement| indices.iter().filter(|&&index| seen(judgement, index).is_some()).count();
        let both: Vec<(u32, u32)> = indices
            .iter()
            .filter_map(|&index| Some((seen(&outcome.ours, index)?, seen(&outcome.oracle, index)?)))
            .collect();
        let delays = |of: &dyn Fn(&(u32, u32)) -> u32| {
            let mut delays: Vec<f64> = both.iter().map(|pair| f64::from(of(pair))).collect();
            delays.sort_by(f64::total_cmp);
            (quantile(&delays, 0.5), quantile(&delays, 0.95))
        };
        Self {
            events: indices.len(),
            ours: count(&outcome.ours),
            oracle: count(&outcome.oracle),
            both: both.len(),
            our_delay: delays(&|pair| pair.0),
            oracle_delay: delays(&|pair| pair.1),
        }
    }

    /// Recall against the oracle's.
    #[must_use]
    pub fn recall(&self) -> f64 {
        if self.oracle == 0 { 1.0 } else { self.ours as f64 / self.oracle as f64 }
    }

    /// Median delay against the oracle's.
    #[must_use]
    pub fn delay(&self) -> f64 {
        if self.both == 0 { 1.0 } else { self.our_delay.0 / self.oracle_delay.0.max(10.0) }
    }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    let at = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// The whole table. `false_pages` is what the config allows in a night of twelve hours over all topics.
#[must_use]
pub fn table(plan: &Plan, outcome: &Outcome, false_pages: f64) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write(&mut text, plan, outcome, false_pages);
    text
}

fn write(text: &mut String, plan: &Plan, outcome: &Outcome, false_pages: f64) -> std::fmt::Result {
    let settings = &plan.settings;
    let speed = outcome.posts as f64 / outcome.took.as_secs_f64().max(1e-9);
    writeln!(
        text,
        "seed {}: {} topics of {}-{} posts/min, rhythm {:?}, {} days ({} of warm-up), {} events, {} floods, {} outages, {} backfills",
        settings.seed,
        settings.topics,
        settings.rates.0,
        settings.rates.1,
        settings.rhythm,
        settings.days,
        settings.warm_up,
        plan.events.len(),
        plan.floods.len(),
        plan.outages.len(),
        plan.backfills.len()
    )?;
    writeln!(
        text,
        "{} posts, {speed:.0} a second through trend, which moves on each ten seconds and tells each minute\n",
        outcome.posts
    )?;
    writeln!(
        text,
        "{:<26}{:>7}{:>8}{:>8}{:>8}   {:>15}   {:>15}",
        "events", "number", "ours", "oracle", "both", "delay, ours", "oracle"
    )?;
    for (name, belongs) in rows(plan) {
        let figures = Figures::of(plan, outcome, belongs);
        if figures.events > 0 {
            writeln!(
                text,
                "{name:<26}{:>7}{:>8}{:>8}{:>8}   {:>15}   {:>15}",
                figures.events,
                figures.ours,
                figures.oracle,
                figures.both,
                delay(figures.our_delay),
                delay(figures.oracle_delay)
            )?;
        }
    }
    let all = Figures::of(plan, outcome, |_| true);
    writeln!(
        text,
        "\nrecall against the oracle's: {:.1} %; median delay: {:.2} of its\n",
        100.0 * all.recall(),
        all.delay()
    )?;
    let days = plan.minutes().len() as f64 / 1_440.0;
    let (nights, months) = (days * 2.0, days / 30.0 * f64::from(settings.topics));
    writeln!(text, "{:<34}{:>8}{:>8}", "in all", "ours", "oracle")?;
    let mut line = |name: &str, of: &dyn Fn(&Judgement) -> String| {
        writeln!(text, "{name:<34}{:>8}{:>8}", of(&outcome.ours), of(&outcome.oracle))
    };
    line("alarms that are an event's", &|judgement| judgement.right.to_string())?;
    line("again within a day after one", &|judgement| judgement.echoes.to_string())?;
    line("precision", &|judgement| format!("{:.3}", judgement.precision()))?;
    line("false alarms", &|judgement| judgement.wrong.len().to_string())?;
    for (name, cause) in [
        ("  by floods of copies", Cause::Flood),
        ("  by outages", Cause::Outage),
        ("  by backfills", Cause::Backfill),
        ("  by nothing", Cause::Nothing),
    ] {
        line(name, &|judgement| judgement.by(cause).to_string())?;
    }
    line("false alarms a topic and 30 days", &|judgement| format!("{:.3}", judgement.wrong.len() as f64 / months))?;
    line("false pages a night, all topics", &|judgement| format!("{:.2}", judgement.wrong.len() as f64 / nights))?;
    writeln!(text, "{:<34}{false_pages:>8.2}", "  allowed by the config")?;
    writeln!(text, "{:<34}{:>16.2}", "threshold of the oracle", outcome.threshold)?;
    let Forecasts { hours, within, error, as_last_hour, as_last_week, beside_last_week, .. } = &outcome.forecasts;
    writeln!(
        text,
        "\nforecasts of the next hour: {hours}; within the band {:.1} %; error {:.2} of \"as in the last hour\", {:.2} of \"as a week ago\"",
        100.0 * *within as f64 / (*hours).max(1) as f64,
        error / as_last_hour.max(1.0),
        beside_last_week / as_last_week.max(1.0)
    )
}

fn rows(plan: &Plan) -> Vec<Row<'_>> {
    let excess = |low: f64, high: f64| move |event: &Event| (low..high).contains(&event.excess);
    let factor = |low: f64, high: f64| move |event: &Event| (low..high).contains(&event.factor);
    let length = |low: u32, high: u32| move |event: &Event| (low..high).contains(&(event.end - event.begin));
    let rate = |low: f64, high: f64| {
        move |event: &Event| (low..high).contains(&plan.topics[usize::from(event.topic)].course.base)
    };
    let shape = |shape: Shape| move |event: &Event| event.shape == shape;
    vec![
        ("all", Box::new(|_| true)),
        ("excess below 5 posts", Box::new(excess(0.0, 5.0))),
        ("excess 5 to 15", Box::new(excess(5.0, 15.0))),
        ("excess 15 to 50", Box::new(excess(15.0, 50.0))),
        ("excess 50 to 200", Box::new(excess(50.0, 200.0))),
        ("excess 200 to 1000", Box::new(excess(200.0, 1_000.0))),
        ("excess from 1000 on", Box::new(excess(1_000.0, f64::INFINITY))),
        ("factor 1.5 to 2.5", Box::new(factor(0.0, 2.5))),
        ("factor 2.5 to 6", Box::new(factor(2.5, 6.0))),
        ("factor 6 to 20", Box::new(factor(6.0, f64::INFINITY))),
        ("10 to 40 min", Box::new(length(0, 40))),
        ("40 min to 3 h", Box::new(length(40, 180))),
        ("3 to 12 h", Box::new(length(180, u32::MAX))),
        ("below 0.1 posts/min", Box::new(rate(0.0, 0.1))),
        ("0.1 to 1 posts/min", Box::new(rate(0.1, 1.0))),
        ("1 to 10 posts/min", Box::new(rate(1.0, 10.0))),
        ("from 10 posts/min on", Box::new(rate(10.0, f64::INFINITY))),
        ("step", Box::new(shape(Shape::Step))),
        ("ramp", Box::new(shape(Shape::Ramp))),
        ("decay", Box::new(shape(Shape::Decay))),
    ]
}

fn delay((median, high): (f64, f64)) -> String {
    let written = |seconds: f64| match seconds {
        s if s < 600.0 => format!("{s:.0}s"),
        s if s < 36_000.0 => format!("{:.0}m", s / 60.0),
        s => format!("{:.1}h", s / 3_600.0),
    };
    format!("{} /{}", written(median), written(high))
}
