//! Stories told from outside: the binary, the sandbox, a feed server, a clock moved by hand.

mod config;
mod corpus;
mod feed_server;
mod intake;
mod items;
mod stories;
mod world;
mod xtext;
