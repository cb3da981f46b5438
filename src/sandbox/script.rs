//! What each fault does to a `POST /post`, step by step.
//!
//! Promises: every fault of a post has a script, and the refusals have the contract's words. Must
//! not: touch the books or a connection; `post` carries the script out.

use super::faults::Fault;
use super::gate::{XPair, suspended, too_many, unauthorized};
use super::order::{bad_media, long_post, too_long};
use super::wire::{Answer, Refusal};

/// How the answer reaches the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Delivery {
    /// As it should.
    #[default]
    Whole,
    /// Broken off in the middle of the body.
    Half,
    /// Not at all: the connection is closed in order.
    Closed,
    /// Not at all: the connection is reset.
    Reset,
    /// After so many seconds.
    After(u32),
    /// When the hangs are released.
    OnRelease,
    /// Never; when the hangs are released, the connection is closed.
    Never,
}

/// What happens to the idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum KeyRule {
    /// It is checked and kept.
    #[default]
    Checked,
    /// It counts as used.
    Reused,
    /// It is neither checked nor kept.
    Forgotten,
}

/// What a fault does; the default does nothing.
#[derive(Debug, Clone, Default)]
pub(super) struct Script {
    /// The answer of a request that is not even looked at.
    pub(super) before: Option<Answer>,
    /// What the key meets.
    pub(super) key: KeyRule,
    /// The refusal of an accepted post.
    pub(super) refused: Option<Refusal>,
    /// The answer that takes the true one's place.
    pub(super) instead: Option<Answer>,
    /// How the answer arrives.
    pub(super) delivery: Delivery,
}

impl Script {
    fn before(answer: Answer) -> Self {
        Self { before: Some(answer), ..Self::default() }
    }

    fn gate(refusal: &Refusal) -> Self {
        Self::before(refusal.answer(false, None))
    }

    fn refused(refusal: Refusal) -> Self {
        Self { refused: Some(refusal), ..Self::default() }
    }

    fn instead(answer: Answer) -> Self {
        Self { instead: Some(answer), ..Self::default() }
    }

    fn key(key: KeyRule) -> Self {
        Self { key, ..Self::default() }
    }

    fn delivered(delivery: Delivery) -> Self {
        Self { delivery, ..Self::default() }
    }

    fn deliver(self, delivery: Delivery) -> Self {
        Self { delivery, ..self }
    }

    /// The script of a fault; `None` for the faults of other requests.
    pub(super) fn of(fault: Fault, seconds: u32, platform: &str) -> Option<Self> {
        let script = match fault {
            Fault::LostAnswer => Self::delivered(Delivery::Closed),
            Fault::LostRefusal => Self::refused(generic(false)).deliver(Delivery::Closed),
            Fault::BrokenAnswer => Self::delivered(Delivery::Half),
            Fault::Slow => Self::delivered(Delivery::After(seconds)),
            Fault::Hang => Self::delivered(Delivery::OnRelease),
            Fault::ServerErrorAfter => Self::instead(Answer::html(500, "Internal Server Error")),
            Fault::GatewayTimeoutAfter => Self::instead(Answer::html(504, "Gateway Time-out")),
            Fault::EmptyAfter => Self::instead(Answer::text(200, "")),
            Fault::Garbage => Self::instead(garbage()),
            Fault::ResetBefore => Self::before(nothing()).deliver(Delivery::Reset),
            Fault::HangBefore => Self::before(nothing()).deliver(Delivery::Never),
            Fault::ServerErrorBefore => Self::gate(&server_error(500, "Internal Server Error")),
            Fault::BadGateway => Self::before(Answer::html(502, "Bad Gateway")),
            Fault::Unavailable => Self::gate(&server_error(503, "Service Unavailable")),
            Fault::EmptyBefore => Self::before(nothing()),
            Fault::Unauthorized => Self::gate(&unauthorized()),
            Fault::Unpaid => Self::gate(&unpaid()),
            Fault::Suspended => Self::gate(&suspended()),
            Fault::Callback => Self::gate(&callback()),
            Fault::KeysRefused => Self::refused(keys_refused()),
            Fault::HeadersMissing => Self::x_headers(XPair::Neither),
            Fault::HeaderMissing => Self::x_headers(XPair::OnlyKey),
            Fault::RateLimit => Self::gate(&too_many()),
            Fault::RateLimitRetryAfter => {
                let mut answer = too_many().answer(false, None);
                answer.retry_after = Some(seconds);
                Self::before(answer)
            }
            Fault::KeyReused => Self::key(KeyRule::Reused),
            Fault::KeyForgotten => Self::key(KeyRule::Forgotten),
            Fault::NoCredit => Self::refused(no_credit()),
            Fault::NoCreditNested => Self::refused(nested(no_credit())),
            Fault::SpendingLimit => Self::refused(spending_limit()),
            Fault::SpendingLimitNested => Self::refused(nested(spending_limit())),
            Fault::Permission => Self::refused(permission()),
            Fault::PermissionNested => Self::refused(nested(permission())),
            Fault::GenericRetryable => Self::refused(generic(true)),
            Fault::Generic => Self::refused(generic(false)),
            Fault::DuplicateStatus => Self::refused(duplicate_status()),
            Fault::LongPost => Self::refused(long_post()),
            Fault::TooLong => Self::refused(too_long(280, 506)),
            Fault::BadMedia => Self::refused(bad_media()),
            Fault::Similar => Self::refused(similar()),
            Fault::NotLinked => Self::refused(not_linked(platform)),
            Fault::WrongPlan => Self::refused(wrong_plan()),
            Fault::Relink => Self::refused(relink()),
            Fault::UnknownCode => Self::refused(unknown_code()),
            Fault::DeleteRefused
            | Fault::DeleteServerError
            | Fault::DeleteServerErrorAfter
            | Fault::DeleteLost
            | Fault::DeleteNotFound
            | Fault::DateOff
            | Fault::HistoryLag
            | Fault::HistoryServerError
            | Fault::HistoryEmpty
            | Fault::HistoryError
            | Fault::HistoryPending
            | Fault::HistoryLost => return None,
        };
        Some(script)
    }

    fn x_headers(pair: XPair) -> Self {
        pair.refusal().as_ref().map(Self::gate).unwrap_or_default()
    }
}

/// The same refusal by X inside `errors[]` of a 400, where others have it as the HTTP status.
fn nested(refusal: Refusal) -> Refusal {
    Refusal { http: 400, ..refusal }
}

fn nothing() -> Answer {
    Answer::text(200, "")
}

fn garbage() -> Answer {
    Answer {
        content_type: "application/json; charset=utf-8",
        ..Answer::text(200, r#"{"status":"success","errors":[],"postIds":[{"status":"#)
    }
}

fn server_error(status: u16, words: &str) -> Refusal {
    Refusal::gate(status, "request", words)
}

fn unpaid() -> Refusal {
    Refusal::gate(
        402,
        "authorization",
        "Payment required: your Ayrshare subscription is past due. Please update your payment method.",
    )
}

/// A refusal by X that comes under its own HTTP status.
fn by_status(status: u16, message: &str) -> Refusal {
    Refusal { http: status, ..Refusal::network(i64::from(status), message) }
}

fn no_credit() -> Refusal {
    by_status(
        402,
        "CreditsDepleted: Your enrolled account does not have any credits to fulfill this request.",
    )
}

fn spending_limit() -> Refusal {
    by_status(
        402,
        "SpendCapReached: Your enrolled account has reached its spending limit. Requests are blocked until the next billing cycle begins.",
    )
}

fn permission() -> Refusal {
    by_status(403, "Your client app is not configured with the appropriate OAuth1 app permissions.")
}

fn callback() -> Refusal {
    Refusal::gate(403, "authorization", "Callback URL not approved for this client application.")
}

/// X's own 401, inside `errors[]` of a 400.
fn keys_refused() -> Refusal {
    Refusal::network(401, "Unauthorized: Could not authenticate you.")
}

fn generic(retry_available: bool) -> Refusal {
    Refusal {
        retry_available,
        ..Refusal::network(101, "The social network could not process the post.")
    }
}

/// 110: X has this text already.
pub(super) fn duplicate_status() -> Refusal {
    Refusal::network(110, "Status is a duplicate.")
}

/// 169: the plan lacks a feature.
fn wrong_plan() -> Refusal {
    Refusal::checks(169, "A Premium or Business Plan is required to access this feature.")
}

/// A code that no list has.
fn unknown_code() -> Refusal {
    Refusal::network(987, "Something that nobody has seen before.")
}

/// 137: Ayrshare has this text, or one like it, already.
pub(super) fn similar() -> Refusal {
    Refusal::checks(
        137,
        "Duplicate or similar content posted within the same two day period. The social networks prohibit duplicate content and ban accounts that do not comply.",
    )
}

/// 156: the network is not linked.
pub(super) fn not_linked(platform: &str) -> Refusal {
    let mut letters = platform.chars();
    let name: String =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    Refusal::network(
        156,
        format!(
            "{name} is not linked with Ayrshare. Please confirm the linkage on the Social Accounts page in your dashboard."
        ),
    )
}

/// 272: X refuses the link.
pub(super) fn relink() -> Refusal {
    Refusal::network(
        272,
        "X (Twitter) authorization issue. Please unlink X and re-link it on the Social Accounts page.",
    )
}

/// The reuse of an idempotency key; its code and text are not documented.
pub(super) fn key_reused() -> Refusal {
    Refusal::checks(
        None,
        "Duplicate idempotencyKey: a post with this idempotency key was already submitted.",
    )
}
