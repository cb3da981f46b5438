//! Tidings: from a feed to a post, each entry once.

pub mod domain;
