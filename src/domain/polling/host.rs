//! Which feeds share a host, and how long a host wants to be left alone.
//!
//! Promises: the same address always has the same host. Must not: resolve names.

use chrono::TimeDelta;
use url::Url;

use crate::domain::backoff::ASKED_MAX;

/// Which names count as one host, and which addresses count alone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grouping {
    /// Domains that are one host with everything below them, in lower case.
    pub together: Vec<String>,
    /// Hosts on which each address counts alone, in lower case: bridges that ask many others.
    pub apart: Vec<String>,
}

/// The host of an address: what has one connection at a time, and waits as one.
pub fn host_of(url: &Url, grouping: &Grouping) -> String {
    let host = url.host_str().unwrap_or_default();
    if grouping.apart.iter().any(|apart| apart == host) {
        return format!("{host}{}", url.path());
    }
    let below = |domain: &&String| {
        host.strip_suffix(domain.as_str())
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    grouping.together.iter().find(below).map_or_else(|| host.to_owned(), Clone::clone)
}

/// For how long a whole host is left alone after this status: as long as a 429 or 503 asks, a day at
/// most; after a 429 that asks for nothing, `shortest`.
pub fn host_wait(status: u16, asked: Option<TimeDelta>, shortest: TimeDelta) -> Option<TimeDelta> {
    let wait = match status {
        429 => Some(asked.unwrap_or(shortest)),
        503 => asked,
        _ => None,
    };
    wait.map(|wait| std::cmp::min(wait, ASKED_MAX))
}
