//! From the address of a site to its feed: asks what is likely, one after another, until one is a feed.
//!
//! Promises: a handful of requests at most, never two at once, and none after the server says that
//! it is too much or does not answer. Must not: keep anything, or be called at each poll.

use url::Url;

use super::discover::{by_rule, usual};
use super::fetch::{FailureKind, Fetched, New, Visit, fetch_anew};
use crate::http::shown;

/// Feeds named by a page that are asked.
const NAMED_MAX: usize = 4;

/// A feed that was found.
#[derive(Debug)]
pub struct Found {
    /// Its address.
    pub url: Url,
    /// How it was found.
    pub how: How,
    /// What else the page names, unasked.
    pub others: Vec<Url>,
    /// What it says.
    pub new: Box<New>,
}

/// How a feed was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// The address is a feed.
    Itself,
    /// The site keeps to a known rule.
    Rule,
    /// The page names it.
    Named,
    /// It lies where feeds usually lie.
    Usual,
}

impl How {
    /// For a person; completes "its feed is …".
    pub const fn words(self) -> &'static str {
        match self {
            Self::Itself => "the address itself",
            Self::Rule => "where this site has them",
            Self::Named => "named by the page",
            Self::Usual => "in a usual place",
        }
    }
}

/// No feed was found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Missing {
    /// What kind of trouble.
    pub kind: FailureKind,
    /// What happened, where, and what to do, for a person.
    pub why: String,
}

impl Missing {
    /// Whether another try, later, may well find one.
    pub fn may_pass(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Network
                | FailureKind::Timeout
                | FailureKind::TooMany
                | FailureKind::Server
                | FailureKind::Denied
        )
    }
}

/// Finds the feed of an address, which may be one itself.
///
/// # Errors
///
/// Where there is none, or the server can't be asked.
pub async fn find(visit: &Visit<'_>) -> Result<Found, Missing> {
    if let Some(url) = by_rule(visit.url)
        && let Fetched::New(new) = fetch_anew(&Visit { url: &url, ..*visit }).await
    {
        return Ok(Found { url, how: How::Rule, others: Vec::new(), new });
    }
    match fetch_anew(visit).await {
        Fetched::New(new) => {
            let url = visit.url.clone();
            Ok(Found { url, how: How::Itself, others: Vec::new(), new })
        }
        Fetched::Failed { kind: FailureKind::NotAFeed, named, why, .. } => {
            among(visit, named, true)
                .await
                .map_err(|missing| missing.unwrap_or(Missing { kind: FailureKind::NotAFeed, why }))
        }
        Fetched::Failed { kind, why, .. } => Err(Missing { kind, why }),
        Fetched::Gone => Err(Missing {
            kind: FailureKind::NotFound,
            why: format!("{} is gone for good (410)", shown(visit.url)),
        }),
        Fetched::Unchanged { .. } => Err(Missing {
            kind: FailureKind::Status,
            why: format!("{} answers as if it were known already", shown(visit.url)),
        }),
    }
}

/// Looks for the feed of a page that is none: what it names, and with `guess` also where feeds
/// usually lie.
///
/// # Errors
///
/// Where none is a feed; with the reason if a server stopped the search.
pub async fn among(
    visit: &Visit<'_>,
    named: Vec<Url>,
    guess: bool,
) -> Result<Found, Option<Missing>> {
    let usual = if guess { usual(visit.url) } else { Vec::new() };
    let places = named.iter().take(NAMED_MAX).map(|url| (url, How::Named));
    let mut last = None;
    for (url, how) in places.chain(usual.iter().map(|url| (url, How::Usual))) {
        match fetch_anew(&Visit { url, ..*visit }).await {
            Fetched::New(new) => {
                let others = named.iter().filter(|other| *other != url).cloned().collect();
                return Ok(Found { url: url.clone(), how, others, new });
            }
            Fetched::Failed { kind, why, .. } => {
                let stops = matches!(
                    kind,
                    FailureKind::Network
                        | FailureKind::Timeout
                        | FailureKind::TooMany
                        | FailureKind::Server
                );
                if stops {
                    return Err(Some(Missing { kind, why }));
                }
                // What became of a feed that the page names tells a person more than a guess.
                if how == How::Named {
                    last = last.or(Some(Missing { kind, why }));
                }
            }
            Fetched::Unchanged { .. } | Fetched::Gone => {}
        }
    }
    Err(last)
}
