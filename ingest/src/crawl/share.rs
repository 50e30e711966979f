//! Which sources this worker visits: those whose partition, by their id, is in its share ([`schemas::log::Share`]).
//!
//! | source | its partition is in our share | outcome |
//! |---|---|---|
//! | not visited here | yes | begin |
//! | not visited here | no | nothing |
//! | visited here | yes | goes on, undisturbed |
//! | visited here | no | leave: another worker may be told to begin as soon as we have |

use schemas::log::partition_of;
use std::collections::BTreeSet;

/// What is to be done when the share has changed.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    /// Sources to begin with.
    pub(crate) begin: BTreeSet<String>,
    /// Sources to leave.
    pub(crate) leave: BTreeSet<String>,
}

/// What is to be done: of `sources`, those in `running` are visited here, and `share` is ours of so many `partitions`.
pub(crate) fn change<'a>(
    sources: impl Iterator<Item = &'a str>,
    running: &BTreeSet<String>,
    share: &[u32],
    partitions: u32,
) -> Change {
    let ours: BTreeSet<String> =
        sources.filter(|id| share.contains(&partition_of(id, partitions))).map(str::to_owned).collect();
    Change { begin: ours.difference(running).cloned().collect(), leave: running.difference(&ours).cloned().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PARTITIONS: u32 = 4;

    fn sources() -> Vec<String> {
        (0..40).map(|n| format!("s{n}")).collect()
    }

    fn of(share: &[u32]) -> BTreeSet<String> {
        sources().into_iter().filter(|id| share.contains(&partition_of(id, PARTITIONS))).collect()
    }

    fn turn(running: &BTreeSet<String>, share: &[u32]) -> Change {
        change(sources().iter().map(String::as_str), running, share, PARTITIONS)
    }

    #[test]
    fn each_row_of_the_table() {
        let begun = turn(&BTreeSet::new(), &[0, 1]);
        assert_eq!(begun, Change { begin: of(&[0, 1]), leave: BTreeSet::new() });
        assert!(!begun.begin.is_empty());
        assert_eq!(turn(&of(&[0, 1]), &[0, 1]), Change::default());
        assert_eq!(turn(&of(&[0, 1]), &[1, 2]), Change { begin: of(&[2]), leave: of(&[0]) });
        assert_eq!(turn(&of(&[0, 1]), &[]), Change { begin: BTreeSet::new(), leave: of(&[0, 1]) });
    }

    proptest! {
        /// However often the shares change: workers that share all partitions visit every source, and each source once.
        #[test]
        fn nobody_is_left_out_and_nobody_visited_twice(owners in prop::collection::vec(0usize..3, PARTITIONS as usize),
                                                        before in prop::collection::vec(0usize..3, PARTITIONS as usize)) {
            let share = |owners: &[usize], worker: usize| -> Vec<u32> {
                (0..PARTITIONS).filter(|&partition| owners[partition as usize] == worker).collect()
            };
            let mut visited = Vec::new();
            for worker in 0..3 {
                let running = of(&share(&before, worker));
                let change = turn(&running, &share(&owners, worker));
                prop_assert!(change.begin.is_disjoint(&running) && change.leave.is_subset(&running));
                visited.extend(running.difference(&change.leave).cloned().chain(change.begin));
            }
            visited.sort();
            let mut all = sources();
            all.sort();
            prop_assert_eq!(visited, all);
        }
    }
}
