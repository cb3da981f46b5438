//! What page and API do: one act each, through the desk that the command line uses too.
//!
//! Promises: what is typed is bounded and read before anything is done; the daemon acts on it at once.
//! Must not: write to the database itself.

use axum::http::StatusCode;
use chrono::{DateTime, NaiveDateTime, Utc};
use chrono_tz::Tz;

use super::Sitting;
use super::trouble::Trouble;
#[cfg(test)]
use super::view::card::Act;
use crate::daemon::desk::{Checked, Desk, Manner, Place};
use crate::domain::breaker::{Lane, Scope};
use crate::domain::hand::{By, Door};
use crate::domain::post::Event;
use crate::store::breakers::Breaker;
use crate::store::posts::Post;

/// The longest text that is looked at, in bytes.
const TEXT_BYTES_MAX: usize = 32 * 1024;
/// A time as a field for date and time gives it.
const FIELD: [&str; 2] = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];

/// What is to be done with a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Approve,
    Skip,
    Retry,
    SendNow,
    Edit(String),
    Move(Place),
    /// Not before then; `None`: as soon as may be.
    Reschedule(Option<DateTime<Utc>>),
}

/// What comes with the name of an act.
#[derive(Debug, Default)]
pub(super) struct Detail<'a> {
    pub(super) text: Option<&'a str>,
    pub(super) to: Option<&'a str>,
    /// The number of the post before which it goes.
    pub(super) before: Option<i64>,
    pub(super) at: Option<&'a str>,
}

impl Wish {
    /// Reads an act and what comes with it; times without an offset are in `zone`.
    pub(super) fn parse(act: &str, detail: &Detail<'_>, zone: Tz) -> Result<Self, Trouble> {
        Ok(match act {
            "approve" => Self::Approve,
            "skip" => Self::Skip,
            "retry" => Self::Retry,
            "send-now" => Self::SendNow,
            "edit" => match detail.text {
                // Browsers send two signs for one line break.
                Some(text) if text.len() <= TEXT_BYTES_MAX => {
                    Self::Edit(text.replace("\r\n", "\n"))
                }
                Some(_) => return Err(Trouble::wrong("the text is far too long", "shorten it")),
                None => return Err(Trouble::wrong("there is no text", "send it as `text`")),
            },
            "move" => Self::Move(match (detail.to, detail.before) {
                (Some("first"), None) => Place::First,
                (Some("last"), None) => Place::Last,
                (None, Some(other)) => Place::Before(other),
                _ => {
                    return Err(Trouble::wrong(
                        "it is not said where it is to stand",
                        "give `to` as \"first\" or \"last\", or `before` as a post's number",
                    ));
                }
            }),
            "reschedule" => Self::Reschedule(detail.at.map(|at| time(at, zone)).transpose()?),
            _ => return Err(Trouble::no_such_page()),
        })
    }

    /// What was done with a post, for a person.
    pub(super) fn done(act: &str, post: i64) -> Option<String> {
        let done = match act {
            "approve" => "is approved: it goes when its turn comes",
            "skip" => "is left out",
            "retry" => "is queued again",
            "send-now" => "is sent at once",
            "edit" => "has its new text",
            "move" => "has its new place",
            "reschedule" => "has its new time",
            _ => return None,
        };
        Some(format!("Post {post} {done}."))
    }
}

/// Reads a time: with an offset as it is, without one in a zone.
pub(super) fn time(text: &str, zone: Tz) -> Result<DateTime<Utc>, Trouble> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Ok(at.to_utc());
    }
    let local = FIELD.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    // A local time that comes twice is the first one; one that never comes is refused.
    local
        .and_then(|local| local.and_local_timezone(zone).earliest())
        .map(|at| at.to_utc())
        .ok_or_else(|| {
            Trouble::wrong(
                "the time can't be read, or it never comes in that zone",
                "give it like 2026-11-24T09:00, or with an offset like 2026-11-24T09:00:00+01:00",
            )
        })
}

/// Who acts: the page and the API know nobody by name.
fn by(door: Door) -> By {
    By::new(door, door.word())
}

impl Sitting {
    fn desk(&self, door: Door) -> Desk<'_> {
        Desk { store: &self.daemon.store, config: &self.config, now: self.now, by: by(door) }
    }

    /// The zone in which a person types times for a post.
    pub(super) async fn zone_of(&self, post: i64) -> Result<Tz, Trouble> {
        let post =
            self.daemon.store.post(post).await?.ok_or_else(|| Trouble::no_such_post(post))?;
        Ok(self.config.zone(&post.lane.profile))
    }

    /// The zone in which a person types times for a scope.
    pub(super) fn zone_for(&self, scope: &Scope) -> Tz {
        let first = || self.config.profiles.first().map_or(Tz::UTC, |it| it.pace.zone);
        match scope {
            Scope::Profile(name) | Scope::Lane(Lane { profile: name, .. }) => {
                self.config.zone(name)
            }
            Scope::All | Scope::Feed(_) => first(),
        }
    }

    /// Does something with a post; gives it as it is then.
    pub(super) async fn act(&self, id: i64, wish: Wish, door: Door) -> Result<Post, Trouble> {
        let desk = self.desk(door);
        let post = match wish {
            Wish::Approve => desk.act(id, &Event::Approve).await,
            Wish::Skip => desk.act(id, &Event::Skip).await,
            Wish::Retry => desk.act(id, &Event::Retry).await,
            Wish::SendNow => desk.act(id, &Event::SendNow).await,
            Wish::Edit(text) => desk.edit(id, &text).await,
            Wish::Move(place) => desk.move_post(id, place).await,
            Wish::Reschedule(at) => desk.reschedule(id, at).await,
        }?;
        self.daemon.look_again();
        Ok(post)
    }

    /// What a text would be as a post's.
    pub(super) async fn check(&self, id: i64, text: &str) -> Result<Checked, Trouble> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(Trouble::wrong("the text is far too long", "shorten it"));
        }
        let post = self.daemon.store.post(id).await?.ok_or_else(|| Trouble::no_such_post(id))?;
        let text = text.replace("\r\n", "\n");
        Ok(self.desk(Door::Page).check_text(&post, &text))
    }

    /// Approves all held posts, or those of a feed.
    pub(super) async fn approve_all(
        &self,
        feed: Option<&str>,
        door: Door,
    ) -> Result<usize, Trouble> {
        self.want_feed(feed)?;
        let posts = self.desk(door).approve_all(feed).await?;
        self.daemon.look_again();
        Ok(posts)
    }

    /// Has one feed asked again, or all of them; gives how many.
    pub(super) async fn refresh(&self, feed: Option<&str>, door: Door) -> Result<usize, Trouble> {
        self.want_feed(feed)?;
        let names: Vec<&str> = self
            .config
            .feeds
            .iter()
            .map(|it| it.name.as_str())
            .filter(|name| feed.is_none_or(|wanted| wanted == *name))
            .collect();
        self.desk(door).refresh(&names).await?;
        self.daemon.look_again();
        Ok(names.len())
    }

    /// Stops sending.
    pub(super) async fn pause(
        &self,
        scope: &Scope,
        until: Option<DateTime<Utc>>,
        (manner, door): (Manner, Door),
    ) -> Result<Breaker, Trouble> {
        if until.is_some_and(|until| until <= self.now) {
            return Err(Trouble::wrong("the time lies in the past", "give a later one, or none"));
        }
        let breaker = self.desk(door).pause(scope, until, manner).await?;
        self.daemon.look_again();
        Ok(breaker)
    }

    /// Ends stops; gives those that were open.
    pub(super) async fn resume(&self, scope: &Scope, door: Door) -> Result<Vec<Breaker>, Trouble> {
        let ended = self.desk(door).resume(scope).await?;
        self.daemon.look_again();
        Ok(ended)
    }

    fn want_feed(&self, feed: Option<&str>) -> Result<(), Trouble> {
        match feed {
            Some(name) if self.config.feed(name).is_none() => Err(Trouble::new(
                StatusCode::NOT_FOUND,
                format!("there is no feed {name:?} in the config"),
                "look at the feeds for their names",
            )),
            _ => Ok(()),
        }
    }
}

/// What is meant by a profile or a feed, or neither of them.
pub(super) fn scope(profile: Option<&str>, feed: Option<&str>) -> Result<Scope, Trouble> {
    match (profile, feed) {
        (None, None) => Ok(Scope::All),
        (Some(name), None) => Ok(Scope::Profile(name.to_owned())),
        (None, Some(name)) => Ok(Scope::Feed(name.to_owned())),
        (Some(_), Some(_)) => {
            Err(Trouble::wrong("a profile and a feed were given", "give one of them, or neither"))
        }
    }
}

/// The names of all acts on one post, as they stand in paths.
#[cfg(test)]
pub(super) const ACTS: [(&str, Act); 7] = [
    ("approve", Act::Approve),
    ("skip", Act::Skip),
    ("retry", Act::Retry),
    ("send-now", Act::SendNow),
    ("edit", Act::Edit),
    ("move", Act::Move),
    ("reschedule", Act::Reschedule),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_their_zone() {
        let zone = chrono_tz::Europe::Berlin;
        let read = |text: &str| time(text, zone).map(|at| at.to_rfc3339()).ok();
        assert_eq!(read("2026-11-24T09:00").as_deref(), Some("2026-11-24T08:00:00+00:00"));
        assert_eq!(read(" 2026-11-24T09:00:30 ").as_deref(), Some("2026-11-24T08:00:30+00:00"));
        assert_eq!(read("2026-11-24T09:00:00-05:00").as_deref(), Some("2026-11-24T14:00:00+00:00"));
        // Twice: the first one. Never: refused.
        assert_eq!(read("2026-10-25T02:30").as_deref(), Some("2026-10-25T00:30:00+00:00"));
        assert_eq!(read("2026-03-29T02:30"), None);
        for text in ["", "soon", "2026-11-24", "99999999-01-01T00:00"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn each_act_is_read_and_told() {
        let detail = Detail { text: Some("x"), to: Some("first"), ..Detail::default() };
        for (name, _) in ACTS {
            assert!(Wish::parse(name, &detail, Tz::UTC).is_ok(), "{name}");
            assert!(Wish::done(name, 1).is_some(), "{name}");
        }
        assert!(Wish::parse("dance", &detail, Tz::UTC).is_err());
        assert!(Wish::parse("move", &Detail::default(), Tz::UTC).is_err());
        assert_eq!(Wish::done("<script>", 1), None);
    }
}
