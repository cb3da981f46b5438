//! Stories told from outside: the binary, the sandbox, a feed server, a clock moved by hand.

mod cli;
mod config;
mod corpus;
mod feed_server;
mod house;
mod intake;
mod items;
mod kill;
mod life;
mod polite;
mod process;
mod readme;
mod secrets;
mod stories;
mod world;
mod xtext;
