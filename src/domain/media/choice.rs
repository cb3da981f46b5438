//! What was wished and what was seen → what to look at next, or the choice.
//!
//! Promises: asks for one thing at a time and never for the same twice, so that whoever looks may
//! stop at any time; the first place that gives anything usable is the last one asked. Must not:
//! look itself.

use std::collections::BTreeMap;

use super::limits::fault;
use super::{Attachment, Candidate, Kind, Place, Wish, name_of};

/// What looking at an address gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// A file is there.
    There {
        /// Where it is at the end of all redirects, as [`super::address`] gives it.
        url: String,
        /// Its type, as its host tells it.
        kind: Option<Kind>,
        /// Its size, as its host tells it.
        bytes: Option<u64>,
    },
    /// A page is there, and names these for previews, best first.
    Page(Vec<Candidate>),
    /// Nothing that could be used: why, as the end of a sentence.
    Not(String),
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Look at this file.
    Look(String),
    /// Read this page.
    Read(String),
    /// Nothing more has to be seen.
    Done(Choice),
}

/// What goes out, and why other things do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// In the order of showing.
    pub attachments: Vec<Attachment>,
    /// A sentence for each thing that was left out.
    pub notes: Vec<String>,
}

impl Choice {
    fn leave(&mut self, one: &Candidate, why: &str) {
        let (what, place) = (name_of(&one.url), one.place.word());
        self.notes.push(format!("image {what} ({place}) left out: {why}"));
    }

    fn is_full(&self, max: usize) -> bool {
        self.attachments.len() >= max || self.attachments.iter().any(|one| one.kind.goes_alone())
    }
}

/// What to look at next, or the choice.
pub fn next(wish: &Wish, seen: &BTreeMap<String, Look>) -> Next {
    let mut choice = Choice::default();
    for candidate in &wish.candidates {
        let settled = choice.attachments.first().is_some_and(|one| one.place != candidate.place);
        if settled || choice.is_full(wish.max) {
            break;
        }
        if candidate.place != Place::Page {
            if let Err(next) = offer(&mut choice, candidate, wish, seen) {
                return next;
            }
            continue;
        }
        match seen.get(&candidate.url) {
            None => return Next::Read(candidate.url.clone()),
            Some(Look::Page(found)) => {
                if found.is_empty() {
                    choice.leave(candidate, "the page names no image");
                }
                // They are copies of one picture for different networks: the first will do.
                for one in found {
                    if let Err(next) = offer(&mut choice, one, wish, seen) {
                        return next;
                    }
                    if !choice.attachments.is_empty() {
                        break;
                    }
                }
            }
            Some(Look::Not(why)) => choice.leave(candidate, why),
            Some(Look::There { .. }) => choice.leave(candidate, "it is no page"),
        }
    }
    Next::Done(choice)
}

/// Takes one candidate or leaves it out; the error says what has to be seen first.
fn offer(
    choice: &mut Choice,
    one: &Candidate,
    wish: &Wish,
    seen: &BTreeMap<String, Look>,
) -> Result<(), Next> {
    if let Some(why) = fault(one.kind, one.bytes, one.pixels) {
        choice.leave(one, &why);
        return Ok(());
    }
    let (url, kind, bytes) = match seen.get(&one.url) {
        None => return Err(Next::Look(one.url.clone())),
        Some(Look::Not(why)) => {
            choice.leave(one, why);
            return Ok(());
        }
        Some(Look::Page(_)) => {
            choice.leave(one, "it is a page");
            return Ok(());
        }
        Some(Look::There { url, kind, bytes }) => (url, kind.or(one.kind), *bytes),
    };
    let Some(kind) = kind else {
        choice.leave(one, "its host does not say of what type it is");
        return Ok(());
    };
    if let Some(why) = fault(Some(kind), bytes, one.pixels) {
        choice.leave(one, &why);
    } else if kind.is_video() && !wish.video {
        choice.leave(one, "it turned out to be a video");
    } else if kind.goes_alone() && !choice.attachments.is_empty() {
        choice.leave(one, "a GIF or a video goes out alone");
    } else if choice.attachments.iter().all(|it| it.url != *url) {
        let own = Some(one.alt.clone()).filter(|alt| !alt.is_empty());
        let alt = match &wish.alt {
            Some(title) if kind.is_image() => own.unwrap_or_else(|| title.clone()),
            Some(_) | None => String::new(),
        };
        choice.attachments.push(Attachment { url: url.clone(), kind, alt, place: one.place });
    }
    Ok(())
}
