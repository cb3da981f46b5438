//! What one error means: code first, then text, then HTTP status (contract, sections 2.4 and 3).
//!
//! Promises: messages may come in any language, so a known code is never overruled by a text, with
//! one exception: a used idempotency key always means that an earlier request was accepted.
//! Must not: weigh several errors against each other; that is `classify`'s.

use super::Sent;
use super::answer::Complaint;
use crate::domain::breaker::{Cause, Lane, Scope};

/// What one error means for the post.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::domain) enum Meaning {
    /// The idempotency key was used before.
    KeyUsed,
    /// The network, or Ayrshare, has the same text already.
    Duplicate,
    /// Even the one who answers can't tell whether it is published.
    Uncertain,
    /// Nothing will pass before somebody mends this.
    Stop(Cause),
    /// The same may pass later.
    Retry,
    /// The text can never pass: also not when it was sent before.
    DeadText,
    /// It can't pass as things are now.
    Dead,
    /// Its media can't be fetched or shown.
    BadMedia,
    /// A refusal that nobody knows.
    Unfamiliar,
}

/// What an error means, given the HTTP status that it came with and the lane that sent.
pub(in crate::domain) fn meaning(complaint: &Complaint, status: u16, lane: &Lane) -> Meaning {
    if names_used_key(&complaint.words) {
        return Meaning::KeyUsed;
    }
    by_code(complaint)
        .or_else(|| by_words(&complaint.words, complaint.code, status))
        .or_else(|| by_status(complaint, status, lane).map(Meaning::Stop))
        .unwrap_or(if complaint.retry { Meaning::Retry } else { Meaning::Unfamiliar })
}

/// Whether a code is one of those that concern a single post and never a whole lane.
pub(super) const fn is_of_dead_posts(code: i64) -> bool {
    matches!(code, 107 | 110 | 111 | 132 | 136 | 137 | 138)
}

/// Whether words say that the text is a duplicate.
pub(super) fn names_duplicate(words: &str) -> bool {
    has_any(words, &["duplicate content", "is a duplicate", "duplicate or similar"])
}

/// The shape of this answer is not known (contract, section 12), so any mention counts.
fn names_used_key(words: &str) -> bool {
    has_any(words, &["idempoten", "duplicate key", "duplicate_key"])
}

/// Codes with one meaning only. Those that repeat an HTTP status are not among them.
fn by_code(complaint: &Complaint) -> Option<Meaning> {
    Some(match complaint.code? {
        107 | 110 | 137 => Meaning::Duplicate,
        // 500 to 504 inside an answer are the network's own HTTP status.
        108 | 288 | 500..=504 => Meaning::Uncertain,
        101 if complaint.retry => Meaning::Retry,
        479 => Meaning::Retry,
        111 | 132 => Meaning::DeadText,
        136 => Meaning::BadMedia,
        101 | 138 => Meaning::Dead,
        156 => Meaning::Stop(Cause::NotLinked),
        161 | 272 => Meaning::Stop(Cause::Relink),
        169 => Meaning::Stop(Cause::Plan),
        _ => return None,
    })
}

fn by_words(words: &str, code: Option<i64>, status: u16) -> Option<Meaning> {
    // "suspended" must not count as "spend".
    let spending = words.replace("suspend", "");
    let forbidden = status == 403 || code == Some(403);
    let cause =
        if has_any(words, &["creditsdepleted", "credits depleted", "does not have any credits"]) {
            Cause::NoCredit
        } else if has_any(&spending, &["spend"]) && has_any(&spending, &["limit", "cap", "cycle"]) {
            Cause::SpendingLimit
        } else if has_any(words, &["oauth1 app permissions"]) {
            Cause::Permission
        } else if has_any(
            words,
            &[
                "x_credentials_required",
                "x-twitter-oauth1",
                "api-key but not api-secret",
                "api-secret but not api-key",
            ],
        ) {
            Cause::Headers
        } else if names_duplicate(words) {
            return Some(Meaning::Duplicate);
        } else if has_any(words, &["suspended", "suspension"])
            && (forbidden || has_any(words, &["account", "profile", "user"]))
        {
            Cause::Suspended
        } else if has_any(words, &["is not linked", "not linked with"]) {
            Cause::NotLinked
        } else if has_any(words, &["re-link", "relink", "unlink", "invalid or expired token"]) {
            Cause::Relink
        } else if has_any(words, &["plan is required", "plan required"]) {
            Cause::Plan
        } else if has_any(words, &["rate limit", "too many requests"]) {
            Cause::RateLimit
        } else if has_any(words, &["api key"])
            && has_any(words, &["not valid", "invalid", "missing"])
        {
            if has_any(words, &["twitter", "x api key", "oauth", "consumer"]) {
                Cause::Headers
            } else {
                Cause::ApiKey
            }
        } else if has_any(
            words,
            &[
                "timed out",
                "internal error",
                "internal server error",
                "service unavailable",
                "bad gateway",
            ],
        ) {
            return Some(Meaning::Uncertain);
        } else {
            return None;
        };
    Some(Meaning::Stop(cause))
}

/// The cause that a code which repeats an HTTP status stands for, or else the status itself.
fn by_status(complaint: &Complaint, status: u16, lane: &Lane) -> Option<Cause> {
    let own = complaint.code.and_then(|code| u16::try_from(code).ok());
    // An error inside an answer that was not refused as a whole is X's word, not Ayrshare's: then
    // it concerns the X keys of one lane, and not the whole account.
    let of_x = complaint.of_platform && lane.is_x() && own != Some(status);
    match own {
        // X forbids single posts for reasons of their own; three in a row stop the lane.
        Some(403) if of_x => None,
        Some(401) if of_x => Some(Cause::Headers),
        Some(402) if of_x => Some(Cause::NoCredit),
        Some(own @ (401..=403 | 419 | 429)) => status_cause(own),
        // A code of its own that nobody knows says that Ayrshare looked at the request.
        Some(own) if own != status && matches!(status, 404 | 405) => None,
        Some(_) | None => status_cause(status),
    }
}

/// The cause that an HTTP status alone stands for.
pub(super) fn status_cause(status: u16) -> Option<Cause> {
    Some(match status {
        401 => Cause::ApiKey,
        402 => Cause::Payment,
        // No post can be the reason why an address does not exist or a proxy wants a password.
        403 | 404 | 405 | 407 => Cause::Forbidden,
        419 => Cause::Headers,
        429 => Cause::RateLimit,
        _ => return None,
    })
}

/// How wide a stop of this cause reaches.
pub(super) fn scope(cause: Cause, sent: &Sent<'_>) -> Scope {
    let lane = sent.lane;
    match cause {
        // With a profile's own key in the request nobody knows which of the two was refused; one
        // client's bad key must not stop the others.
        Cause::ApiKey if sent.with_profile_key => Scope::Profile(lane.profile.clone()),
        Cause::ApiKey | Cause::Address | Cause::Payment | Cause::Paused | Cause::Unreachable => {
            Scope::All
        }
        Cause::Suspended | Cause::Forbidden | Cause::RateLimit => {
            Scope::Profile(lane.profile.clone())
        }
        // The X pair is the profile's own, so another profile may well pass.
        Cause::NoCredit
        | Cause::SpendingLimit
        | Cause::Permission
        | Cause::Headers
        | Cause::NotLinked
        | Cause::Relink
        | Cause::Plan
        | Cause::Refusals
        | Cause::Unanswered => Scope::Lane(lane.clone()),
    }
}

fn has_any(words: &str, needles: &[&str]) -> bool {
    needles.iter().any(|needle| words.contains(needle))
}
