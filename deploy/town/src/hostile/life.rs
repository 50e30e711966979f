//! What happens in the forum.

use super::{
    PER_PAGE,
    world::{Thread, World},
};
use crate::dice::Dice;
use jiff::Timestamp;

/// Something that happens. Where it happens is thrown with the forum's dice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A thread is begun.
    Post,
    /// Three pages of threads are begun at once.
    Burst,
    /// A thread of the board's first page is answered.
    Comment,
    /// An old thread is answered.
    LateComment,
    /// A thread gets three pages of comments at once.
    CommentBurst,
    /// Somebody changes what he wrote in opening a thread.
    EditPost,
    /// Somebody changes a comment.
    EditComment,
    /// A thread disappears with its comments.
    DeleteThread,
    /// A comment disappears.
    DeleteComment,
    /// A thread is begun and deleted before anybody can have read it.
    Flash,
    /// A thread is pinned, or pinned no more.
    Pin,
}

pub(super) fn happen(event: Event, world: &mut World, dice: &mut Dice, now: Timestamp) {
    let first_page = world.board().iter().take(PER_PAGE).map(|thread| thread.number()).collect::<Vec<_>>();
    let all = world.newest().iter().map(|thread| thread.number()).collect::<Vec<_>>();
    let mut one_of = |threads: &[u64]| threads.get(dice.below(threads.len())).copied().unwrap_or_default();
    let (active, any) = (one_of(&first_page), one_of(&all));
    match event {
        Event::Post => _ = world.post(dice, now),
        Event::Burst => (0..3 * PER_PAGE).for_each(|_| _ = world.post(dice, now)),
        Event::Comment => world.comment(active, dice, now),
        Event::LateComment => world.comment(all.last().copied().unwrap_or_default(), dice, now),
        Event::CommentBurst => (0..3 * PER_PAGE).for_each(|_| world.comment(active, dice, now)),
        Event::EditPost => world.edit(any, None, now),
        Event::EditComment => {
            if let Some(comment) = some_comment(world, any, dice) {
                world.edit(any, Some(comment), now);
            }
        }
        Event::DeleteThread => world.delete(active, None, now),
        Event::DeleteComment => {
            if let Some(comment) = some_comment(world, any, dice) {
                world.delete(any, Some(comment), now);
            }
        }
        Event::Flash => {
            let number = world.post(dice, now);
            world.delete(number, None, now);
        }
        Event::Pin => world.turn_pin(any),
    }
}

fn some_comment(world: &World, thread: u64, dice: &mut Dice) -> Option<u64> {
    let comments = world.thread(thread).map(Thread::answers)?;
    comments.get(dice.below(comments.len())).map(|comment| comment.number)
}

/// Moves what stands on the pages of a list, or of a thread, exactly between two requests of somebody who reads them one after the
/// other: a row of a page that he has read is deleted, so that the first row of the page that he asks for slides up onto the
/// one before, where he will not look again; or rows come in above, and he reads some of them twice.
pub(super) fn shift(world: &mut World, dice: &mut Dice, thread: Option<u64>, page: usize, now: Timestamp) {
    let read = (page - 1) * PER_PAGE;
    match thread {
        Some(thread) => {
            let comments = world.thread(thread).map(Thread::answers).unwrap_or_default();
            let comment = comments.get(dice.below(read.min(comments.len()))).map(|comment| comment.number);
            if let Some(comment) = comment {
                world.delete(thread, Some(comment), now);
            }
        }
        None if dice.chance(0.5) => {
            let rows = world.board().iter().filter(|row| !row.pinned).map(|row| row.number()).collect::<Vec<_>>();
            if let Some(&row) = rows.get(dice.below(read.min(rows.len()))) {
                world.delete(row, None, now);
            }
        }
        None => (0..1 + dice.below(PER_PAGE / 2)).for_each(|_| _ = world.post(dice, now)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_can_happen_in_a_forum_that_is_empty() {
        let mut dice = Dice::new(1);
        for event in [
            Event::Comment,
            Event::LateComment,
            Event::CommentBurst,
            Event::EditPost,
            Event::EditComment,
            Event::DeleteThread,
            Event::DeleteComment,
            Event::Pin,
        ] {
            let mut world = World::with_history(&mut dice, Timestamp::UNIX_EPOCH);
            while let Some(number) = world.newest().first().map(|thread| thread.number()) {
                world.delete(number, None, Timestamp::UNIX_EPOCH);
            }
            happen(event, &mut world, &mut dice, Timestamp::UNIX_EPOCH);
            shift(&mut world, &mut dice, Some(1), 2, Timestamp::UNIX_EPOCH);
            assert!(world.newest().len() <= PER_PAGE / 2, "{event:?}");
        }
    }

    #[test]
    fn a_row_slides_up_over_the_boundary_of_two_pages() {
        let mut dice = Dice::new(3);
        let mut world = World::with_history(&mut dice, Timestamp::UNIX_EPOCH);
        let rows = |world: &World| world.board().iter().map(|thread| thread.number()).collect::<Vec<_>>();
        let before = rows(&world);
        while rows(&world).len() >= before.len() {
            shift(&mut world, &mut dice, None, 2, Timestamp::UNIX_EPOCH);
        }
        let first_page = rows(&world)[..PER_PAGE].to_vec();
        assert!(first_page.iter().any(|row| !before[..PER_PAGE].contains(row)));
    }
}
