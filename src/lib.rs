//! Tidings: from a feed to a post, each entry once.

pub mod ayrshare;
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
