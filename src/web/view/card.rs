//! One post as its readers will see it, and what can be done with it.
//!
//! Promises: an act is offered only where the state machine takes it. Must not: load an image.

use serde::Serialize;

use super::{Moment, Money, View, web_address};
use crate::domain::links;
use crate::domain::media::{Media, name_of};
use crate::domain::options::Options;
use crate::domain::plan::{Priority, Row};
use crate::domain::post::State;
use crate::store::posts::Post;

/// A post.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Card {
    pub(in crate::web) post: i64,
    pub(in crate::web) entry: i64,
    pub(in crate::web) feed: String,
    pub(in crate::web) profile: String,
    pub(in crate::web) platform: String,
    pub(in crate::web) state: &'static str,
    /// Why it stands there; empty where there is nothing to say.
    pub(in crate::web) reason: String,
    pub(in crate::web) needs_person: bool,
    pub(in crate::web) text: String,
    /// The text, cut where its links are.
    #[serde(skip)]
    pub(in crate::web) pieces: Vec<Piece>,
    pub(in crate::web) weighted_length: u32,
    pub(in crate::web) limit: u32,
    pub(in crate::web) has_link: bool,
    pub(in crate::web) edited: bool,
    #[serde(rename = "cost_usd_micros")]
    pub(in crate::web) cost: Money,
    pub(in crate::web) priority: &'static str,
    pub(in crate::web) generation: u32,
    pub(in crate::web) queued_at: Moment,
    pub(in crate::web) changed_at: Moment,
    pub(in crate::web) not_before: Moment,
    pub(in crate::web) expires_at: Option<Moment>,
    pub(in crate::web) posted_at: Option<Moment>,
    pub(in crate::web) next_lookup_at: Option<Moment>,
    /// When its turn is, and why then.
    pub(in crate::web) turn: Option<Turn>,
    /// Why it has no turn, where it is queued and has none.
    pub(in crate::web) waits: Option<String>,
    /// Where it is, once it is out.
    pub(in crate::web) url: Option<String>,
    pub(in crate::web) notes: Vec<String>,
    pub(in crate::web) media: Beside,
    pub(in crate::web) options: Options,
    pub(in crate::web) acts: Vec<Act>,
    /// What was typed in place of the text and can't be sent, with its length.
    #[serde(skip)]
    pub(in crate::web) typed: Option<String>,
    #[serde(skip)]
    pub(in crate::web) typed_length: Option<u32>,
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::web) struct Piece {
    pub(in crate::web) text: String,
    /// Whether the network will make a link of it.
    pub(in crate::web) is_link: bool,
}

/// When a post goes.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Turn {
    pub(in crate::web) at: Moment,
    pub(in crate::web) why: String,
    pub(in crate::web) without_link: bool,
}

/// What a post shows beside its text.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Beside {
    /// Whether it is settled which of them go out.
    pub(in crate::web) settled: bool,
    pub(in crate::web) items: Vec<Shown>,
}

/// An image or a video.
#[derive(Debug, Clone, Serialize)]
pub(in crate::web) struct Shown {
    pub(in crate::web) name: String,
    pub(in crate::web) place: &'static str,
    pub(in crate::web) alt: String,
    pub(in crate::web) url: Option<String>,
    pub(in crate::web) is_video: bool,
}

/// What a person can do with a post.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::web) enum Act {
    Approve,
    Edit,
    Move,
    Reschedule,
    SendNow,
    Retry,
    Skip,
}

impl Act {
    /// What can be done with a post in a state.
    pub(in crate::web) const fn of(state: State) -> &'static [Self] {
        match state {
            State::Held => {
                &[Self::Approve, Self::SendNow, Self::Edit, Self::Reschedule, Self::Skip]
            }
            State::Queued => &[Self::SendNow, Self::Edit, Self::Move, Self::Reschedule, Self::Skip],
            State::Failed => &[Self::Retry, Self::SendNow, Self::Skip],
            State::Unconfirmed => &[Self::Skip, Self::Retry],
            State::Skipped | State::Expired => &[Self::Retry, Self::SendNow],
            State::Sending | State::Posted => &[],
        }
    }
}

impl Card {
    pub(in crate::web) fn can(&self, act: Act) -> bool {
        self.acts.contains(&act)
    }

    /// Whether nobody can tell if it is out.
    pub(in crate::web) fn is_in_doubt(&self) -> bool {
        self.needs_person && self.state == State::Unconfirmed.word()
    }

    /// Whether it was composed at all.
    pub(in crate::web) fn has_text(&self) -> bool {
        !self.text.is_empty()
    }

    /// What stands in the field for the text.
    pub(in crate::web) fn in_hand(&self) -> &str {
        self.typed.as_deref().unwrap_or(&self.text)
    }

    /// How long that is.
    pub(in crate::web) fn length_in_hand(&self) -> u32 {
        self.typed_length.unwrap_or(self.weighted_length)
    }

    /// When it may go at the earliest, as a field for date and time wants it.
    pub(in crate::web) fn earliest(&self) -> &str {
        let turn = self.turn.as_ref().map(|turn| &turn.at);
        &turn.filter(|at| at.at > self.not_before.at).unwrap_or(&self.not_before).field
    }

    /// The beginning of its text, on one line.
    pub(in crate::web) fn short(&self) -> String {
        const SHORT_CHARS: usize = 110;
        let line = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.is_empty() {
            return "(no text)".to_owned();
        }
        if line.chars().count() <= SHORT_CHARS {
            return line;
        }
        line.chars().take(SHORT_CHARS).chain(['…']).collect()
    }
}

impl View<'_> {
    /// A post as a card, without its turn.
    pub(in crate::web) fn card(&self, post: &Post) -> Card {
        let moment = |at| self.moment(at, &post.lane);
        let acts = Act::of(post.life.state);
        Card {
            post: post.id,
            entry: post.entry_id,
            feed: post.feed.clone(),
            profile: post.lane.profile.clone(),
            platform: post.lane.platform.clone(),
            state: post.life.state.word(),
            reason: post.life.reason.clone(),
            needs_person: post.life.needs_person(),
            text: post.text.clone(),
            pieces: pieces(&post.text),
            weighted_length: post.weighted_length,
            limit: self.config.length_limit(&post.feed, &post.lane.platform),
            has_link: post.has_link,
            edited: post.edited,
            cost: Money(self.outlook().cost_of(post)),
            priority: Priority::ALL
                .get(usize::from(post.priority))
                .map_or(Priority::Low.word(), |priority| priority.word()),
            generation: post.life.generation,
            queued_at: moment(post.queued_at),
            changed_at: moment(post.changed_at),
            not_before: moment(post.life.not_before),
            expires_at: post.life.expires_at.map(moment),
            posted_at: post.life.posted_at.map(moment),
            next_lookup_at: post.life.lookups.next_at.map(moment),
            turn: None,
            waits: None,
            url: post.life.receipt.url.as_deref().and_then(web_address),
            notes: post.notes.lines().map(str::to_owned).collect(),
            media: shown(&post.media),
            options: post.options.clone(),
            acts: if post.text.is_empty() {
                acts.iter().copied().filter(|act| *act == Act::Skip).collect()
            } else {
                acts.to_vec()
            },
            typed: None,
            typed_length: None,
        }
    }

    /// A post as a card, with its turn as the plan has it.
    pub(in crate::web) fn card_in_turn(&self, post: &Post, row: &Row) -> Card {
        let turn = Turn {
            at: self.moment(row.at, &post.lane),
            why: row.rule.sentence(),
            without_link: row.without_link,
        };
        Card { turn: Some(turn), cost: Money(row.cost), ..self.card(post) }
    }
}

/// A text, cut where its links are.
fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut end = 0;
    let mut add = |range: std::ops::Range<usize>, is_link| {
        let piece = text.get(range).unwrap_or_default();
        if !piece.is_empty() {
            pieces.push(Piece { text: piece.to_owned(), is_link });
        }
    };
    for link in links::links(text) {
        add(end..link.start, false);
        end = link.end;
        add(link, true);
    }
    add(end..text.len(), false);
    pieces
}

fn shown(media: &Media) -> Beside {
    let one = |url: &str, place, alt: &str, is_video| Shown {
        name: name_of(url),
        place,
        alt: alt.to_owned(),
        url: web_address(url),
        is_video,
    };
    match media {
        Media::None => Beside { settled: true, items: Vec::new() },
        Media::Wished(wish) => {
            let candidates = wish.candidates.iter();
            let items = candidates.map(|it| one(&it.url, it.place.word(), &it.alt, false));
            Beside { settled: false, items: items.collect() }
        }
        Media::Chosen(attachments) => {
            let attachments = attachments.iter();
            let one = |it: &crate::domain::media::Attachment| {
                one(&it.url, it.place.word(), &it.alt, it.kind.is_video())
            };
            Beside { settled: true, items: attachments.map(one).collect() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::backoff::{Backoff, Jitter};
    use crate::domain::outcome::Receipt;
    use crate::domain::post::{Event, Life, Lookups, Rules, step};

    #[test]
    fn a_text_is_cut_at_its_links_and_stays_whole() {
        let text = "Read https://a.example.com/1 or so, now";
        let cut = pieces(text);
        let links: Vec<&str> =
            cut.iter().filter(|piece| piece.is_link).map(|piece| piece.text.as_str()).collect();
        assert_eq!(cut.iter().map(|piece| piece.text.as_str()).collect::<String>(), text);
        assert_eq!(links, ["https://a.example.com/1"]);
    }

    #[test]
    fn each_act_that_is_offered_can_be_done() {
        let now = chrono::DateTime::UNIX_EPOCH;
        let wait = chrono::TimeDelta::minutes(3);
        let rules = Rules {
            reconcile_after: wait,
            retry: Backoff { first: wait, max: wait },
            jitter: Jitter::NONE,
        };
        let mut tried = 0;
        for state in State::ALL {
            let life = Life {
                state,
                generation: 1,
                doubtful: false,
                accepted_before: false,
                refusals: 0,
                sends: 0,
                not_before: now,
                expires_at: None,
                send_now: false,
                released: false,
                timed: false,
                reason: String::new(),
                lookups: Lookups::default(),
                receipt: Receipt::default(),
                posted_at: None,
            };
            for act in Act::of(state) {
                let event = match act {
                    Act::Approve => Event::Approve,
                    Act::SendNow => Event::SendNow,
                    Act::Retry => Event::Retry,
                    Act::Skip => Event::Skip,
                    Act::Edit | Act::Move | Act::Reschedule => continue,
                };
                assert!(step(&life, &event, &rules, now).is_ok(), "{state:?} {event:?}");
                tried += 1;
            }
        }
        assert_eq!(tried, 14);
    }
}
