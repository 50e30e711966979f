//! The nights, the deliveries and the stage, with their records in a file: as a machine of its own has them.

// A test speaks by failing.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

#[path = "nights/chain.rs"]
mod chain;
#[path = "nights/channels.rs"]
mod channels;
#[path = "nights/deadman.rs"]
mod deadman;
#[path = "nights/delivery.rs"]
mod delivery;
#[path = "nights/duty.rs"]
mod duty;
#[path = "nights/links.rs"]
mod links;
#[path = "nights/quotas.rs"]
mod quotas;
#[path = "nights/roster.rs"]
mod roster;
#[path = "nights/silence.rs"]
mod silence;
#[path = "nights/stage.rs"]
mod stage;
#[path = "nights/storm.rs"]
mod storm;
#[path = "nights/upkeep.rs"]
mod upkeep;
