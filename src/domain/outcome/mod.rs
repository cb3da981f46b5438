//! What an answer of `POST /post` means: HTTP status, codes and text → one [`Outcome`].
//!
//! Promises: every possible answer, however broken, gets exactly one meaning, and whatever can't
//! be told for sure is [`Outcome::Unknown`]. Must not: decide what happens to the post (that is
//! `post`), nor when to try again beyond what the answer itself says.

pub(in crate::domain) mod answer;
pub(in crate::domain) mod meaning;
#[cfg(test)]
pub(in crate::domain) mod tests;
pub(in crate::domain) mod value;

use chrono::TimeDelta;

use super::breaker::{Cause, Scope};
use answer::{Answer, Complaint};
use meaning::{Meaning, meaning, scope, status_cause};
use value::{Shape, one_line};

/// What came of one request, before anybody interpreted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer arrived whole.
    Answered {
        /// HTTP status.
        status: u16,
        /// How long the answer asked us to wait (`Retry-After`), already as a duration.
        retry_after: Option<TimeDelta>,
        /// The body, as text (invalid UTF-8 replaced), capped in size by the client.
        body: String,
    },
    /// No byte of the request can have left: the connection was never made.
    NotSent {
        /// The chain of causes, for a person.
        why: String,
    },
    /// The request, or a part of it, may have left and no whole answer came back.
    Lost {
        /// The chain of causes, for a person.
        why: String,
    },
}

/// A refusal, as far as the answer told it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Ayrshare's code, if one was found at any of the places where it may lie.
    pub code: Option<i64>,
    /// The message for a person: Ayrshare's own, or ours where it gave none. One line, at most 500
    /// characters, no control characters.
    pub message: String,
}

/// What a success told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receipt {
    /// Ayrshare's id of the post.
    pub ayrshare_id: Option<String>,
    /// The network's own id of the post; numbers are kept as text.
    pub network_id: Option<String>,
    /// The address of the post on the network: opaque, may be missing.
    pub url: Option<String>,
}

/// What the sender knew when the answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent<'a> {
    /// The lane that sent.
    pub lane: &'a super::breaker::Lane,
    /// Whether an earlier attempt under the same idempotency key had an unknown outcome. Then 110,
    /// 137 and a key-reuse answer are evidence that the first one got in.
    pub doubtful_before: bool,
    /// Whether the request carried a `Profile-Key`: a 401 may then be about that key alone.
    pub with_profile_key: bool,
    /// Whether images or a video of ours went along: without them it may pass.
    pub with_media: bool,
}

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is published.
    Posted(Receipt),
    /// Certainly not published, and the same post may be tried again later under a new key.
    Retry {
        /// The wait that the answer asked for, if any.
        after: Option<TimeDelta>,
        /// What was said.
        refusal: Refusal,
    },
    /// The request never left: the same key may be used again.
    Unsent(Refusal),
    /// Certainly not published because of its media: the same text may be tried at once without
    /// them, under a new key.
    WithoutMedia(Refusal),
    /// Certainly not published, and this post can never pass as it is.
    Dead(Refusal),
    /// Certainly not published, and nothing on `scope` will be until `cause` is mended.
    Stop {
        /// Why.
        cause: Cause,
        /// How wide.
        scope: Scope,
        /// The wait that the answer asked for, if any (429).
        after: Option<TimeDelta>,
        /// What was said.
        refusal: Refusal,
    },
    /// Nobody knows whether it is published: reconcile before anything else.
    Unknown {
        /// Whether the answer itself is evidence that an earlier request was accepted (the key was
        /// used already, or X has the same text). Then it is never sent again without a person.
        accepted_before: bool,
        /// What was said.
        refusal: Refusal,
    },
}

impl Refusal {
    /// Whether it is one of the refusals that concern a single post (contract, section 3.2). Several
    /// others in a row say that something is wrong with more than one post.
    pub fn is_familiar(&self) -> bool {
        self.code.is_some_and(meaning::is_of_dead_posts)
            || meaning::names_duplicate(&self.message.to_lowercase())
    }

    /// An error of an answer as a refusal; `ours` is told where it came without a message.
    pub(in crate::domain) fn of(complaint: &Complaint, status: Option<u16>, ours: &str) -> Self {
        let message = match (complaint.message.is_empty(), complaint.code) {
            (false, _) => complaint.message.clone(),
            (true, Some(code)) => one_line(&format!("{ours} (code {code})")),
            (true, None) => one_line(ours),
        };
        Self { status, code: complaint.code, message }
    }

    fn ours(status: u16, message: &str) -> Self {
        Self { status: Some(status), code: None, message: one_line(message) }
    }
}

/// What an answer of `POST /post` means for the lane that sent: the one place that says so.
///
/// Only HTTP 2xx can be a success, and only with evidence for the lane's platform and without any
/// error. Where several errors come together the most careful meaning wins: unknown, then a stop
/// (the widest first), then retry, then dead. What is refused while an earlier request under the
/// same key is in doubt, stays in doubt unless the text itself can never pass: the refusal may be
/// a used key in words that nobody knows yet, or the world may have changed in between.
pub fn classify(reply: &Reply, sent: &Sent<'_>) -> Outcome {
    match reply {
        Reply::NotSent { why } => {
            Outcome::Unsent(Refusal { message: one_line(why), ..Refusal::default() })
        }
        Reply::Lost { why } => Outcome::Unknown {
            accepted_before: false,
            refusal: Refusal { message: one_line(why), ..Refusal::default() },
        },
        Reply::Answered { status, retry_after, body } => {
            let case = Case {
                status: *status,
                after: *retry_after,
                answer: Answer::read(body, &sent.lane.platform),
                sent,
            };
            match *status {
                200..=299 => case.accepted(),
                300..=399 => case.redirected(),
                // Time-outs on the other side: the request may have gone on.
                408 | 499 => case.doubted(),
                400..=498 => case.refused(),
                _ => case.doubted(),
            }
        }
    }
}

/// One answer, with all that its meaning depends on.
struct Case<'a> {
    status: u16,
    after: Option<TimeDelta>,
    answer: Answer,
    sent: &'a Sent<'a>,
}

impl Case<'_> {
    /// HTTP 2xx.
    fn accepted(&self) -> Outcome {
        let Answer { complaints, shape, .. } = &self.answer;
        let refused = complaints.iter().any(|complaint| complaint.explicit);
        let errors = self.answer.said_error || !complaints.is_empty();
        let evidence = self.answer.published.is_some()
            || (self.answer.said_success && self.answer.id.is_some() && !self.answer.elsewhere);
        if *shape != Shape::Object {
            self.unknown(&shape.describe(self.status))
        } else if let Some(said) = &self.answer.said_other {
            self.unknown(&format!("Ayrshare says that the post is \"{said}\""))
        } else if errors && (self.answer.published.is_some() || self.answer.said_success) {
            self.unknown("the answer reports both a success and an error")
        } else if refused {
            self.judged()
        } else if errors {
            self.unknown("the answer reports an error without a reason")
        } else if evidence {
            Outcome::Posted(self.answer.receipt())
        } else {
            self.unknown("the answer does not show that the post is published")
        }
    }

    /// HTTP 3xx: nobody follows it, so nothing is published. Not one post is at fault but the
    /// address, and it is the same for all lanes: stop everything rather than burn the queue.
    fn redirected(&self) -> Outcome {
        self.wrong_address("redirects elsewhere")
    }

    /// Anything that leaves open what happened.
    fn doubted(&self) -> Outcome {
        self.unknown(&self.answer.shape.describe(self.status))
    }

    /// HTTP 4xx.
    fn refused(&self) -> Outcome {
        let answer = &self.answer;
        if answer.published.is_some() || answer.said_success || answer.said_other.is_some() {
            return self.unknown("the answer refuses the request and reports a success as well");
        }
        if answer.complaints.is_empty() {
            if answer.elsewhere {
                return self.unknown("the answer tells of other networks only");
            }
            // A cut answer may have told more than its status.
            if answer.shape == Shape::BrokenJson && status_cause(self.status).is_none() {
                return self.doubted();
            }
        }
        // Ayrshare's own 404 can be about the profile; anybody else's is about the address.
        let page = self.status == 403 && matches!(answer.shape, Shape::Html(_));
        if (page || matches!(self.status, 404 | 405 | 407)) && !answer.said_error {
            let own_code = |complaint: &Complaint| {
                complaint.code.is_some_and(|code| code != i64::from(self.status))
            };
            if !answer.complaints.iter().any(own_code) {
                return self.wrong_address("is not Ayrshare's");
            }
        }
        self.judged()
    }

    fn wrong_address(&self, what: &str) -> Outcome {
        Outcome::Stop {
            cause: Cause::Address,
            scope: Scope::All,
            after: self.after,
            refusal: Refusal::ours(
                self.status,
                &format!(
                    "{}; the address {what}: check `base_url` and the proxy",
                    self.said().unwrap_or_else(|| self.answer.shape.describe(self.status))
                ),
            ),
        }
    }

    /// The most careful meaning of all errors of the answer.
    fn judged(&self) -> Outcome {
        let nameless = Complaint::default();
        let mut meanings: Vec<(Meaning, &Complaint)> = self
            .answer
            .complaints
            .iter()
            .map(|complaint| {
                let meaning = meaning(complaint, self.status, self.sent.lane);
                (meaning, complaint)
            })
            .collect();
        if meanings.is_empty() {
            let meaning = meaning(&nameless, self.status, self.sent.lane);
            meanings.push((meaning, &nameless));
        }
        // "Bad request" around an error that is known says nothing more.
        if meanings.iter().any(|(meaning, _)| *meaning != Meaning::Unfamiliar) {
            meanings.retain(|(meaning, _)| *meaning != Meaning::Unfamiliar);
        }
        // These statuses stop whatever the post did; 403 may well be about one post.
        if matches!(self.status, 401 | 402 | 419 | 429)
            && !meanings.iter().any(|(meaning, _)| matches!(meaning, Meaning::Stop(_)))
        {
            let first = self.answer.complaints.first().unwrap_or(&nameless);
            meanings.extend(status_cause(self.status).map(|cause| (Meaning::Stop(cause), first)));
        }
        meanings
            .into_iter()
            .map(|(meaning, complaint)| self.outcome(meaning, complaint))
            .min_by_key(rank)
            .unwrap_or_else(|| self.doubted())
    }

    fn outcome(&self, meaning: Meaning, complaint: &Complaint) -> Outcome {
        let ours = self.answer.shape.describe(self.status);
        let refusal = Refusal::of(complaint, Some(self.status), &ours);
        let doubtful = self.sent.doubtful_before;
        let unknown = |accepted_before, refusal| Outcome::Unknown { accepted_before, refusal };
        match meaning {
            Meaning::KeyUsed => unknown(true, refusal),
            Meaning::Duplicate if doubtful => unknown(true, refusal),
            Meaning::Uncertain => unknown(false, refusal),
            Meaning::Dead | Meaning::BadMedia | Meaning::Unfamiliar if doubtful => {
                unknown(false, refusal)
            }
            Meaning::BadMedia if self.sent.with_media => Outcome::WithoutMedia(refusal),
            Meaning::Duplicate
            | Meaning::DeadText
            | Meaning::Dead
            | Meaning::BadMedia
            | Meaning::Unfamiliar => Outcome::Dead(refusal),
            Meaning::Retry => Outcome::Retry { after: self.after, refusal },
            Meaning::Stop(cause) => {
                Outcome::Stop { cause, scope: scope(cause, self.sent), after: self.after, refusal }
            }
        }
    }

    /// Unknown, with Ayrshare's message where there is one and ours where not.
    fn unknown(&self, ours: &str) -> Outcome {
        let key_used = self
            .answer
            .complaints
            .iter()
            .find(|one| meaning(one, self.status, self.sent.lane) == Meaning::KeyUsed);
        let first = key_used.or_else(|| self.answer.complaints.first());
        let refusal = first.map_or_else(
            || Refusal::ours(self.status, ours),
            |one| Refusal::of(one, Some(self.status), ours),
        );
        Outcome::Unknown { accepted_before: key_used.is_some(), refusal }
    }

    /// What the answer said, with its status.
    fn said(&self) -> Option<String> {
        let first = self.answer.complaints.first()?;
        (!first.message.is_empty()).then(|| format!("HTTP {}: {}", self.status, first.message))
    }
}

/// The most careful first.
fn rank(outcome: &Outcome) -> u8 {
    match outcome {
        Outcome::Unknown { accepted_before: true, .. } => 0,
        Outcome::Unknown { accepted_before: false, .. } => 1,
        Outcome::Stop { scope: Scope::All, .. } => 2,
        Outcome::Stop { scope: Scope::Profile(_), .. } => 3,
        Outcome::Stop { scope: Scope::Lane(_) | Scope::Feed(_), .. } => 4,
        Outcome::Retry { .. } => 5,
        Outcome::Dead(_) => 6,
        Outcome::WithoutMedia(_) => 7,
        Outcome::Unsent(_) => 8,
        Outcome::Posted(_) => 9,
    }
}
