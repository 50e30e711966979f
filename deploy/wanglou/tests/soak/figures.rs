//! What a night comes to, in figures.

use crate::{phone::Phone, stream::HandedIn};
use std::time::Duration;

#[derive(Debug, Default)]
pub struct Figures {
    /// Processes killed.
    pub kills: u32,
    /// Brokers killed.
    pub broker_kills: u32,
    /// From the new start of what was killed until all was ready, where the next kill did not come before.
    pub recovered: Vec<Duration>,
    /// From the broker's taking requests again until all was ready.
    pub broker_recovered: Vec<Duration>,
    /// The most records that waited to be read.
    pub most_behind: u64,
    /// Incidents, and the pages that were due for them.
    pub incidents: usize,
    pub pages: usize,
    /// From the last acknowledgement until all was searchable and counted, and its pages delivered.
    pub caught_up: Duration,
}

fn spread(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    match times.last() {
        Some(most) => format!("{:.2?} p50, {most:.2?} most (of {})", times[times.len() / 2], times.len()),
        None => "none".to_owned(),
    }
}

impl Figures {
    pub fn print(&self, handed_in: &HandedIn, phone: &Phone) {
        let received = phone.received();
        let taken: usize = received.values().map(|messages| messages.taken.len()).sum();
        let refused: usize = received.values().map(|messages| messages.refused.len()).sum();
        let repeated = taken - received.values().filter(|messages| !messages.taken.is_empty()).count();
        let seconds = handed_in.lasted.as_secs_f64();
        println!(
            "posts acknowledged        {:>8} in {seconds:.0} s, {:.0}/s",
            handed_in.posts(),
            handed_in.posts() as f64 / seconds
        );
        println!(
            "requests sent again       {:>8}, the latest acknowledged {:.2?} late",
            handed_in.again, handed_in.latest
        );
        println!(
            "kills                     {:>8}, ready {} after the new start",
            self.kills,
            spread(self.recovered.clone())
        );
        println!(
            "kills of the broker       {:>8}, ready {} after the new start",
            self.broker_kills,
            spread(self.broker_recovered.clone())
        );
        println!("most records behind       {:>8}", self.most_behind);
        println!("caught up after           {:>8.2?}", self.caught_up);
        println!("incidents, pages due      {:>8}, {}", self.incidents, self.pages);
        println!("messages taken, repeats   {taken:>8}, {repeated} with the same key; {refused} turned away");
    }
}
