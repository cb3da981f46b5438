//! Stories of the whole daemon in a world of our own, each by its topic.

mod agency;
mod anything;
mod arrivals;
mod clocks;
mod crashes;
mod deletions;
mod digests;
mod doubts;
mod faults;
mod fetches;
mod gathered;
mod hand;
mod lanes;
mod media;
mod money;
mod quarter;
mod selection;
mod stops;
mod turns;
mod wording;
