//! From an address to a parsed feed: fetch, decode, parse.
//!
//! Promises: whatever a server sends, a fetch ends in time and in bounded memory with a value that
//! says what came of it; no feed can panic or abort the process. Must not: decide what is new,
//! keep anything, or import more of this crate than `http`, `clock` and `domain`.

pub mod dates;
pub mod decode;
pub mod discover;
pub mod fetch;
pub mod find;
pub mod freshness;
mod json;
mod library;
pub mod look;
pub mod opml;
pub mod page;
pub mod parse;
mod references;
mod salvage;
pub mod sameness;
mod scan;
mod tokens;
pub mod websub;
