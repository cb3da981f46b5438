//! Stories told from outside: the binary, the sandbox, a feed server, a clock moved by hand.

mod access;
mod cli;
mod config;
mod corpus;
mod feed_server;
mod finding;
mod house;
mod intake;
mod items;
mod kill;
mod life;
mod lists;
mod many;
mod previews;
mod process;
mod readme;
mod secrets;
mod stories;
mod world;
mod xtext;
