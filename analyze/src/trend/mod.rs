//! Across posts: counts, expectation, surprise, spikes, pulses.
