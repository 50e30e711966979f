//! The hot search of Weibo: which entries rise, told while they rise, and what became of them.
//!
//! [`mod@file`] reads snapshots of the list, [`watch`] follows its entries and tells rises, [`odds`] learns from what became of rises before,
//! [`judge`] says afterwards what a flag was worth. Nothing of a later snapshot enters a flag.
//!
//! | an entry of a snapshot | outcome |
//! |---|---|
//! | on the list for the first time, or again after [`watch::AWAY`] | a life begins; nothing is known of it yet, it is not told |
//! | below the highest heat of its life, or below [`watch::ROSE`] times its first | it does not rise |
//! | higher, but those before it of that hour, heat and rank seldom went on to [`judge::ON`] times theirs | it rises; not told |
//! | higher, and they did often enough | told, once in its life |
//! | off the list: the file goes on to carry its last heat, marked as gone | not looked at |
//!
//! The gauge of trend does not fit here: it wants a series of counts over days, and its custom takes days to learn. Heat is an index that
//! already fades, an entry is on the list for an hour and a half at the median, and has three readings then. What it does next hangs on
//! the hour (what is on at six in the morning rises with the city) and on where in the list it stands, less on how fast it grew: its
//! growth between two readings says next to nothing about the next two.

pub mod file;
pub mod judge;
pub mod odds;
pub mod watch;
