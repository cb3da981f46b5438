//! The pure middle: what to post, when, at which cost, and what an answer means.
//!
//! Promises: every function here takes values and returns values, and the same arguments always
//! give the same result. Must not: read a clock, the environment, the network, the disk or a
//! random source, log, or import anything else of this crate.

pub mod alert;
pub mod backoff;
pub mod breaker;
pub mod compose;
pub mod cost;
pub mod cut;
pub mod defuse;
pub mod deletion;
pub mod diagnosis;
pub mod digest;
pub mod emoji;
pub mod entry;
pub mod fold;
pub mod hand;
pub mod hashtags;
pub mod hex;
pub mod link;
pub mod linkless;
pub mod links;
pub mod lookup;
pub mod media;
pub mod options;
pub mod outcome;
pub mod pace;
pub mod plan;
pub mod polling;
pub mod post;
pub mod select;
pub mod similar;
pub mod template;
pub mod text;
pub mod tlds;
pub mod told;
pub mod visible;
pub mod weight;
