//! Hostile inputs. `tests/hostile` measures each of them in an optimised build.

pub(crate) mod bombs;
pub(crate) mod inputs;
