//! What keeps pages back, and what tells that all is well: pure, each with its table. Around them: `engine::quiet`, `engine::storm`,
//! `engine::deadman`.

pub mod alarm;
pub mod canary;
pub mod daily;
pub mod silence;
pub mod storm;
pub mod why;
