//! What must not be stored: who somebody is. Authors become keyed hashes ([`AuthorKey`]); telephone and identity-card
//! numbers are masked ([`mask()`]). Both happen at the door, before anything is appended.

mod author;
mod mask;

pub(crate) use author::{AuthorKey, KEY_FILE};
pub(crate) use mask::mask;
