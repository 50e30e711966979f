//! Load programs and comparisons, each a command that prints its table. Criterion benches are in `benches/`.

pub mod forum;
pub mod hotsearch;
pub mod machine;
pub mod nab;
pub mod site;
pub mod texts;
pub mod town;

/// What the program itself uses.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
