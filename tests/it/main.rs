//! Stories told from outside: the binary, the sandbox, a feed server, a clock moved by hand.

mod cli;
mod config;
mod corpus;
mod feed_server;
mod fuzz;
mod fuzz_targets;
mod hostile;
mod house;
mod identity;
mod intake;
mod items;
mod kill;
mod life;
mod process;
mod readme;
mod secrets;
mod stories;
mod websub;
mod world;
mod xtext;
