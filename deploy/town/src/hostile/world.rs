//! What the forum holds, and everything that it ever showed: nothing is forgotten here, the deleted is only hidden.

use super::PER_PAGE;
use crate::dice::Dice;
use jiff::{SignedDuration, Timestamp};

const WORDS: [&str; 6] = [
    "小区门口的路灯又不亮了",
    "金河路早高峰堵到桥头",
    "楼下夜市油烟很重",
    "公交改线以后上班要转两次车",
    "河边步道的栏杆松了",
    "物业费涨了没有人通知",
];
const AUTHORS: [&str; 5] = ["锦水散人", "老街坊", "河边钓鱼的", "一个路人", "早起的人"];

/// Threads before the first visitor comes: four pages of them.
const HISTORY: usize = 4 * PER_PAGE;

/// What was once shown to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The id: within its thread for a comment.
    pub id: String,
    /// The id of its thread, its own for a thread's opening post.
    pub thread: String,
    /// The comment that it answers.
    pub answers: Option<String>,
    /// Since when it is shown.
    pub at: Timestamp,
    /// Since when it is not any more.
    pub gone_at: Option<Timestamp>,
    /// What it said, and since when.
    pub texts: Vec<(Timestamp, String)>,
}

impl Shown {
    /// Whether it is a comment.
    #[must_use]
    pub fn is_comment(&self) -> bool {
        self.id != self.thread
    }
}

/// All threads, the oldest first.
#[derive(Debug)]
pub(super) struct World {
    threads: Vec<Thread>,
    next: u64,
}

/// A thread. Its number is its opening post's.
#[derive(Debug)]
pub(super) struct Thread {
    pub(super) opening: Said,
    /// The oldest first.
    pub(super) comments: Vec<Said>,
    pub(super) pinned: bool,
    /// By what the board is sorted.
    bumped: (Timestamp, u64),
}

/// A post or comment.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) number: u64,
    pub(super) answers: Option<u64>,
    pub(super) author: &'static str,
    pub(super) at: Timestamp,
    gone_at: Option<Timestamp>,
    texts: Vec<(Timestamp, String)>,
}

impl Said {
    pub(super) fn text(&self) -> &str {
        self.texts.last().map_or("", |(_, text)| text)
    }

    pub(super) fn is_there(&self) -> bool {
        self.gone_at.is_none()
    }

    fn delete(&mut self, now: Timestamp) {
        self.gone_at.get_or_insert(now);
    }

    fn edit(&mut self, now: Timestamp) {
        let text = format!("{}（修改{}）", self.text(), self.texts.len());
        self.texts.push((now, text));
    }
}

impl Thread {
    pub(super) fn number(&self) -> u64 {
        self.opening.number
    }

    pub(super) fn title(&self) -> String {
        format!("求助{}", self.number())
    }

    /// The comments that are there, the oldest first.
    pub(super) fn answers(&self) -> Vec<&Said> {
        self.comments.iter().filter(|comment| comment.is_there()).collect()
    }

    /// When somebody last said something that is still there.
    pub(super) fn last_at(&self) -> Timestamp {
        self.answers().last().map_or(self.opening.at, |comment| comment.at)
    }
}

impl World {
    /// Three days in which threads were begun and answered.
    pub(super) fn with_history(dice: &mut Dice, now: Timestamp) -> Self {
        let mut world = Self { threads: Vec::new(), next: 1 };
        let begin = now - SignedDuration::from_hours(72);
        let pause = now.duration_since(begin) / (HISTORY as i32 + 1);
        for place in 0..HISTORY {
            let at = begin + pause * (place as i32 + 1);
            let number = world.post(dice, at);
            // In order of time: the next thread begins later than the last of them.
            let answers = dice.below(3 * PER_PAGE);
            for answer in 0..answers {
                world.comment(number, dice, at + pause * (answer as i32 + 1) / (answers as i32 + 1));
            }
        }
        world
    }

    pub(super) fn thread(&self, number: u64) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.number() == number && thread.opening.is_there())
    }

    fn thread_mut(&mut self, number: u64) -> Option<&mut Thread> {
        self.threads.iter_mut().find(|thread| thread.number() == number && thread.opening.is_there())
    }

    /// The threads that are there, the newest first.
    pub(super) fn newest(&self) -> Vec<&Thread> {
        self.threads.iter().rev().filter(|thread| thread.opening.is_there()).collect()
    }

    /// The same, as the board has them.
    pub(super) fn board(&self) -> Vec<&Thread> {
        let mut threads = self.newest();
        threads.sort_by_key(|thread| std::cmp::Reverse((thread.pinned, thread.bumped)));
        threads
    }

    /// Begins a thread and returns its number.
    pub(super) fn post(&mut self, dice: &mut Dice, now: Timestamp) -> u64 {
        let opening = self.said(dice, None, now);
        let number = opening.number;
        self.threads.push(Thread { opening, comments: Vec::new(), pinned: false, bumped: (now, number) });
        number
    }

    /// Answers a thread, now and then a comment in it, which bumps it.
    pub(super) fn comment(&mut self, thread: u64, dice: &mut Dice, now: Timestamp) {
        let Some(answered) = self.thread(thread).map(Thread::answers) else { return };
        let answers = answered.get(dice.below(answered.len() * 2)).map(|comment| comment.number);
        let said = self.said(dice, answers, now);
        if let Some(thread) = self.thread_mut(thread) {
            thread.bumped = (now, said.number);
            thread.comments.push(said);
        }
    }

    pub(super) fn edit(&mut self, thread: u64, comment: Option<u64>, now: Timestamp) {
        if let Some(said) = self.said_mut(thread, comment) {
            said.edit(now);
        }
    }

    /// Deletes a comment, or a thread with all its comments.
    pub(super) fn delete(&mut self, thread: u64, comment: Option<u64>, now: Timestamp) {
        if comment.is_some() {
            if let Some(said) = self.said_mut(thread, comment) {
                said.delete(now);
            }
        } else if let Some(thread) = self.thread_mut(thread) {
            thread.comments.iter_mut().for_each(|comment| comment.delete(now));
            thread.opening.delete(now);
        }
    }

    pub(super) fn turn_pin(&mut self, thread: u64) {
        if let Some(thread) = self.thread_mut(thread) {
            thread.pinned = !thread.pinned;
        }
    }

    pub(super) fn shown(&self) -> Vec<Shown> {
        let of_thread = |thread: &Thread| {
            let id = thread.number().to_string();
            let said = std::iter::once(&thread.opening).chain(&thread.comments);
            said.map(|said| Shown {
                id: said.number.to_string(),
                thread: id.clone(),
                answers: said.answers.map(|number| number.to_string()),
                at: said.at,
                gone_at: said.gone_at,
                texts: said.texts.clone(),
            })
            .collect::<Vec<_>>()
        };
        self.threads.iter().flat_map(of_thread).collect()
    }

    fn said_mut(&mut self, thread: u64, comment: Option<u64>) -> Option<&mut Said> {
        let thread = self.thread_mut(thread)?;
        match comment {
            None => Some(&mut thread.opening),
            Some(number) => thread.comments.iter_mut().find(|said| said.number == number && said.is_there()),
        }
    }

    fn said(&mut self, dice: &mut Dice, answers: Option<u64>, now: Timestamp) -> Said {
        let number = self.next;
        self.next += 1;
        let text = format!("{}，第{number}帖", dice.word(&WORDS));
        Said { number, answers, author: dice.word(&AUTHORS), at: now, gone_at: None, texts: vec![(now, text)] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> (World, Dice) {
        let mut dice = Dice::new(7);
        (World::with_history(&mut dice, Timestamp::UNIX_EPOCH), dice)
    }

    #[test]
    fn a_comment_bumps_and_a_pin_stays_on_top() {
        let (mut world, mut dice) = world();
        let (oldest, second) = (world.threads[0].number(), world.threads[1].number());
        world.comment(oldest, &mut dice, Timestamp::UNIX_EPOCH);
        assert_eq!(world.board()[0].number(), oldest);
        world.turn_pin(second);
        assert_eq!([0, 1].map(|place| world.board()[place].number()), [second, oldest]);
        assert_ne!(world.newest()[0].number(), second, "the newest-first list knows no pins");
    }

    #[test]
    fn what_is_deleted_is_not_shown_and_not_forgotten() {
        let (mut world, _) = world();
        let (thread, all) = (world.threads[9].number(), world.shown());
        world.edit(thread, None, Timestamp::UNIX_EPOCH);
        world.delete(thread, None, Timestamp::UNIX_EPOCH);
        assert!(world.thread(thread).is_none() && world.board().len() == HISTORY - 1);
        let shown = world.shown();
        assert_eq!(shown.len(), all.len());
        let of_thread: Vec<_> = shown.iter().filter(|shown| shown.thread == thread.to_string()).collect();
        assert!(of_thread.len() > 1 && of_thread.iter().all(|shown| shown.gone_at.is_some()));
        assert_eq!(of_thread[0].texts.len(), 2);
        assert!(!of_thread[0].is_comment() && of_thread[1].is_comment());
    }
}
