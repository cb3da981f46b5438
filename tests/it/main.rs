//! Stories told from outside: the binary, the sandbox, a feed server, a clock moved by hand.

mod access;
mod cli;
mod config;
mod corpus;
mod feed_server;
mod finding;
mod fuzz;
mod fuzz_targets;
mod hostile;
mod house;
mod identity;
mod intake;
mod items;
mod kill;
mod life;
mod lists;
mod many;
mod polite;
mod previews;
mod process;
mod readme;
mod secrets;
mod stories;
mod websub;
mod world;
mod xtext;
