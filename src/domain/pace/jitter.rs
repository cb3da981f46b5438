//! Delays that look drawn by lot, and are the same whenever they are asked for.
//!
//! Promises: a delay depends on the lane and on what it follows alone, so neither a restart nor a
//! second question changes it. Must not: draw random numbers.

use chrono::{DateTime, TimeDelta, Utc};

/// By how much sends of a lane may be delayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Jitter {
    /// The longest delay, in whole seconds.
    most: TimeDelta,
    seed: u64,
}

impl Jitter {
    /// No delay.
    pub const NONE: Self = Self { most: TimeDelta::zero(), seed: 0 };

    /// Up to `most`, in an order of its own for each `lane`.
    pub fn new(most: TimeDelta, lane: &str) -> Self {
        // FNV-1a: the same in each version of the program.
        let seed = lane.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        Self { most, seed }
    }

    /// The longest delay.
    pub const fn most(self) -> TimeDelta {
        self.most
    }

    /// Whether there is any.
    pub fn is_none(self) -> bool {
        self.most <= TimeDelta::zero()
    }

    /// The delay that belongs to an instant: in whole seconds, the longest included.
    pub fn after(self, instant: DateTime<Utc>) -> TimeDelta {
        let number = instant.timestamp_millis();
        let seconds = u64::try_from(self.most.num_seconds()).unwrap_or(0);
        let drawn = mixed(self.seed ^ number.cast_unsigned()) % (seconds + 1);
        TimeDelta::seconds(i64::try_from(drawn).unwrap_or(0))
    }
}

/// The finisher of `SplitMix64`: each bit of the number moves each bit of the answer.
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}
