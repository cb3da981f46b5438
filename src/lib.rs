//! Tidings: from a feed to a post, each entry once.
//!
//! The map of the house; imports point from the top of this list to its end, and a test holds them
//! to it:
//!
//! * [`cli`] reads the command line and is the only place that prints;
//! * [`daemon`] does what is due: polls, queues, publishes, looks up; [`web`] tells how it is;
//! * [`config`] and [`store`] hold what the operator wants and what happened so far;
//! * [`feed`] and [`ayrshare`] speak to the two sides, [`sandbox`] plays the second one;
//! * [`http`] and [`clock`] are the only ways to the network and to the time;
//! * [`domain`] decides, and is pure: values in, values out.
//!
//! [`killpoint`] stands beside it: places at which a test may end the process.
//! `ARCHITECTURE.md` walks one entry through all of it.

pub mod ayrshare;
pub mod cli;
pub mod clock;
pub mod config;
pub mod daemon;
pub mod domain;
pub mod feed;
pub mod http;
pub mod killpoint;
pub mod sandbox;
pub mod store;
pub mod web;
