//! The nights, the deliveries and the stage once more, with their records on a real PostgreSQL: `support::records_url` sees by
//! the name of this file that it is asked from here.

#[path = "delivery.rs"]
mod delivery;
#[path = "duty.rs"]
mod duty;
#[path = "stage.rs"]
mod stage;
