//! What a fetch is asked for and what may come of it.
//!
//! Promises: every way a fetch can end has its own value. Must not: do anything.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use ipnet::IpNet;
use reqwest::header::{ETAG, HeaderMap, HeaderName, LAST_MODIFIED};
use url::Url;

use super::credentials::Credentials;
use crate::domain::entry::ParsedFeed;
use crate::feed::parse::Reader;
use crate::feed::websub::Announced;

/// What a server gave to recognise its answer by, byte for byte.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`
    pub etag: Option<Vec<u8>>,
    /// `Last-Modified`
    pub last_modified: Option<Vec<u8>>,
}

impl Validators {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let bytes = |name: HeaderName| headers.get(name).map(|value| value.as_bytes().to_vec());
        Self { etag: bytes(ETAG), last_modified: bytes(LAST_MODIFIED) }
    }

    /// Whether there is nothing to send along.
    pub const fn is_empty(&self) -> bool {
        self.etag.is_none() && self.last_modified.is_none()
    }
}

/// What to fetch, and what is known of it from before.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The feed's address.
    pub url: &'a Url,
    /// From the last answer.
    pub validators: &'a Validators,
    /// The final address that the validators came from: only there they mean something.
    pub validators_url: Option<&'a str>,
    /// The mark of the last body that was read whole.
    pub body_hash: Option<&'a [u8]>,
    /// Within which bounds.
    pub limits: Limits<'a>,
    /// What the feed's own server is shown.
    pub credentials: &'a Credentials,
    /// The present.
    pub now: DateTime<Utc>,
}

/// What a fetch must keep to.
#[derive(Debug, Clone, Copy)]
pub struct Limits<'a> {
    /// Of all hops together, from the first connection to the last byte.
    pub timeout: Duration,
    /// The largest body, unpacked, in bytes.
    pub max_body: usize,
    /// Networks that feeds may lie in although they are not public.
    pub allow_private: &'a [IpNet],
    /// Whether a redirect from https to http is followed.
    pub allow_http: bool,
}

/// What came of a fetch.
#[derive(Debug)]
pub enum Fetched {
    /// A body that was not seen before.
    New(Box<New>),
    /// The same as last time.
    Unchanged {
        /// To keep: those of the answer, on a 304 filled up with the old ones.
        validators: Validators,
        /// Where the answer came from.
        final_url: Url,
        /// Where the feed says it has moved to for good, as in [`New`].
        moved_to: Option<Url>,
        /// For how long not to ask again.
        fresh_for: Option<TimeDelta>,
        /// How we know.
        how: Sameness,
    },
    /// 410: the feed was taken away for good.
    Gone,
    /// No feed this time.
    Failed {
        /// What kind of trouble.
        kind: FailureKind,
        /// What happened, where, and what to do, for a person.
        why: String,
        /// For how long the server asks us to stay away, uncapped.
        retry_after: Option<TimeDelta>,
        /// HTTP status, if there was an answer.
        status: Option<u16>,
        /// The feeds that a web page in the place of the feed names, the likeliest first.
        named: Vec<Url>,
        /// Who refused, if somebody did: after redirects not the address that was asked.
        refused_by: Option<Url>,
    },
}

/// A feed with a body that was not seen before.
#[derive(Debug)]
pub struct New {
    /// The feed.
    pub feed: ParsedFeed,
    /// Who read it.
    pub reader: Reader,
    /// What was wrong with it, one sentence each.
    pub repairs: Vec<String>,
    /// To keep; they replace the old ones, also where there are none.
    pub validators: Validators,
    /// Where the answer came from.
    pub final_url: Url,
    /// Where the feed says it has moved to for good: the end of redirects that are all permanent.
    pub moved_to: Option<Url>,
    /// Where it says that changes are announced.
    pub announced: Announced,
    /// The mark of the unpacked body.
    pub body_hash: Vec<u8>,
    /// Length of the unpacked body.
    pub bytes: usize,
    /// For how long not to ask again.
    pub fresh_for: Option<TimeDelta>,
}

/// How we know that nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sameness {
    /// The server said so: 304.
    NotModified,
    /// The body is the same, byte for byte.
    SameBody,
}

impl Sameness {
    /// How we know, for a person.
    pub const fn words(self) -> &'static str {
        match self {
            Self::NotModified => "not modified",
            Self::SameBody => "the same body",
        }
    }
}

/// The kinds of trouble that a caller treats in different ways.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The address may not be asked: private network, or neither http nor https.
    Address,
    /// No connection, or it broke.
    Network,
    /// Out of time.
    Timeout,
    /// Redirects that lead nowhere or from https to http.
    Redirect,
    /// 401 or 403.
    Denied,
    /// A check that only browsers pass (`cf-mitigated: challenge`), whatever the status.
    Challenge,
    /// 404.
    NotFound,
    /// 429.
    TooMany,
    /// 5xx.
    Server,
    /// Any other status.
    Status,
    /// The body is larger than allowed.
    TooLarge,
    /// The body is empty.
    Empty,
    /// The body is no feed, most often a web page.
    NotAFeed,
    /// The body exceeds what a feed may demand of a reader.
    Refused,
}

/// The failure while it travels up to the end of a fetch.
pub(in crate::feed) struct Failure {
    pub(super) kind: FailureKind,
    pub(in crate::feed) why: String,
    pub(super) retry_after: Option<TimeDelta>,
    pub(super) status: Option<u16>,
    pub(super) named: Vec<Url>,
    pub(super) refused_by: Option<Box<Url>>,
}

impl Failure {
    pub(super) const fn new(kind: FailureKind, why: String) -> Self {
        Self { kind, why, retry_after: None, status: None, named: Vec::new(), refused_by: None }
    }
}
