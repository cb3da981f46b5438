//! Diagnosis: what Ayrshare's answers to questions that publish nothing say about a set-up.
//!
//! Promises: each fault has one name, one sentence, and what to click where; what a refusal means is
//! `outcome`'s word, as for posts. Must not: ask, or say "good" where an answer proves nothing.

use serde_json::{Map, Value};

use super::breaker::{Cause, Lane};
use super::cost::Usd;
use super::lookup::{UserAnswer, about_user};
use super::outcome::{Outcome, Refusal, Reply, Sent, classify};

/// What X bills for the one read behind `POST /analytics/social` (contract, section 9.2).
pub const ANALYTICS_COST: Usd = Usd::from_micros(10_000);

/// What was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    /// `GET /user`: the keys of Ayrshare, and what is linked.
    User,
    /// `POST /validate/post`: what Ayrshare itself checks of a post, the X headers among it.
    Validate,
    /// `POST /analytics/social`: reads at X with the key pair and the link.
    Analytics,
}

/// What an answer shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing wrong, as far as this question goes.
    Good {
        /// The account's name on the network, where it was told.
        account: Option<String>,
    },
    /// Something is wrong.
    Bad {
        /// What.
        fault: Fault,
        /// The other side's own words, on one line; may be empty.
        said: String,
    },
}

/// Makes the enum with name, sentence and steps of each fault from one list, so that none is missing.
macro_rules! faults {
    ($($variant:ident, $name:literal, $sentence:expr, [$($step:literal),+];)+) => {
        /// What can be wrong between this machine, Ayrshare and X.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = $name] $variant,)+
        }

        impl Fault {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name, in listings and JSON.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What is wrong, in one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// What to do, step by step.
            pub const fn steps(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($step),+],)+ }
            }
        }
    };
}

faults! {
    ApiKey, "api-key", Cause::ApiKey.sentence(), [
        "Ayrshare's dashboard, API Key: copy the key of the primary account",
        "put it into AYRSHARE_API_KEY, whole and without quotes or spaces"
    ];
    ProfileKey, "profile-key", "Ayrshare knows no profile with this Profile-Key", [
        "Ayrshare's dashboard, User Profiles: open the profile and copy its Profile Key",
        "put it where the profile's `profile_key` points to; the primary account needs none"
    ];
    HeadersMissing, "missing-header", "Ayrshare got no X keys with the request", [
        "see that X_API_KEY and X_API_SECRET are set where Tidings runs",
        "a proxy between here and Ayrshare may take headers away: ask without it"
    ];
    PairMismatch, "pair-mismatch", "Ayrshare got only one of the two X keys", [
        "give both: X_API_KEY is the API Key (Consumer Key), X_API_SECRET the API Key Secret (Consumer Secret)",
        "both stand in the X developer console, Apps, your app, Keys and tokens"
    ];
    WrongApp, "wrong-app", "X refuses the key pair: it is mistyped, or of another app than the one X was linked under", [
        "X developer console, Apps, your app, Keys and tokens: compare API Key and API Key Secret; Client ID and Bearer Token are others",
        "if the app or its keys are new: Ayrshare's dashboard, Social Accounts: unlink X and link it with this pair"
    ];
    CallbackUrls, "callback-urls", "X does not know the addresses to which linking returns", [
        "X developer console, Apps, your app, User authentication settings, Edit",
        "enter both Callback URLs: https://profile.ayrshare.com/social-accounts and https://app.ayrshare.com/social-accounts",
        "save, then link X again on Ayrshare's Social Accounts page"
    ];
    ReadOnly, "read-only", Cause::Permission.sentence(), [
        "X developer console, Apps, your app, User authentication settings: set App permissions to Read and write and Direct message, and save",
        "Ayrshare's dashboard, Social Accounts: unlink X and link it again, since a link keeps the permissions it was made with"
    ];
    Relink, "relink", Cause::Relink.sentence(), [
        "Ayrshare's dashboard, Social Accounts: unlink X, then link it again with your own app's two keys",
        "links from before you had an app of your own never work again; each profile needs its own"
    ];
    NotLinked, "not-linked", Cause::NotLinked.sentence(), [
        "Ayrshare's dashboard, Social Accounts: link the network (of the profile in question, with several)",
        "if linking X ends with 403 Callback URL not approved: enter both callback URLs in the X app, as for callback-urls"
    ];
    Credits, "credits", Cause::NoCredit.sentence(), [
        "X developer console, Billing, Credits: buy credit ($5 at least)",
        "auto-recharge there, with a spending limit, keeps it from happening again"
    ];
    SpendingLimit, "spending-limit", Cause::SpendingLimit.sentence(), [
        "X developer console, Billing: raise the limit, or wait for the next billing cycle"
    ];
    Payment, "payment", Cause::Payment.sentence(), [
        "Ayrshare's dashboard, Billing: settle the subscription"
    ];
    Suspended, "suspended", Cause::Suspended.sentence(), [
        "ask Ayrshare's support for the reason; a thousand refusals by the rate limit in a day are one"
    ];
    Plan, "plan", "the Ayrshare plan is too small for this", [
        "Ayrshare's dashboard, Billing: the API takes a Premium plan, profiles with a Profile-Key take Launch or a larger one"
    ];
    RateLimit, "rate-limit", Cause::RateLimit.sentence(), [
        "wait five minutes and ask again"
    ];
    Forbidden, "forbidden", Cause::Forbidden.sentence(), [
        "read Ayrshare's words above: it tells no known reason"
    ];
    Address, "address", Cause::Address.sentence(), [
        "check `ayrshare.base_url`; left out, it is Ayrshare's own",
        "a proxy or a captive portal may answer in its place: try curl with the same address"
    ];
    Unreachable, "unreachable", Cause::Unreachable.sentence(), [
        "check this machine's network, name service and firewall: HTTPS to api.ayrshare.com must get out"
    ];
    Unclear, "unclear", "Ayrshare gave no answer that says anything", [
        "ask again in a few minutes; Ayrshare's status page tells of outages"
    ];
}

impl Fault {
    /// Whether asking for other profiles would only meet it again.
    pub const fn is_of_all(self) -> bool {
        matches!(self, Self::ApiKey | Self::Payment | Self::Address | Self::Unreachable)
    }

    /// The fault behind a stop. One cause is told apart further where the steps differ.
    fn of(cause: Cause, refusal: &Refusal, with_profile_key: bool) -> Self {
        let words = refusal.message.to_lowercase();
        match cause {
            Cause::ApiKey if with_profile_key => Self::ProfileKey,
            Cause::ApiKey => Self::ApiKey,
            Cause::Headers if words.contains("but not") => Self::PairMismatch,
            Cause::Headers if refusal.code == Some(401) => Self::WrongApp,
            Cause::Headers => Self::HeadersMissing,
            Cause::Permission => Self::ReadOnly,
            Cause::Relink => Self::Relink,
            Cause::NotLinked => Self::NotLinked,
            Cause::NoCredit => Self::Credits,
            Cause::SpendingLimit => Self::SpendingLimit,
            Cause::Payment => Self::Payment,
            Cause::Suspended => Self::Suspended,
            Cause::Plan => Self::Plan,
            Cause::RateLimit => Self::RateLimit,
            Cause::Forbidden if words.contains("callback") => Self::CallbackUrls,
            Cause::Forbidden if with_profile_key && words.contains("profile-key") => {
                Self::ProfileKey
            }
            Cause::Forbidden => Self::Forbidden,
            Cause::Address => Self::Address,
            Cause::Unreachable => Self::Unreachable,
            // No answer means these; they are counted over several posts, or set by a person.
            Cause::Paused | Cause::Refusals | Cause::Unanswered => Self::Unclear,
        }
    }
}

/// What the answer to a question says about one lane.
pub fn diagnose(question: Question, reply: &Reply, lane: &Lane, with_profile_key: bool) -> Verdict {
    let value = match reply {
        Reply::Answered { body, .. } => serde_json::from_str(body).unwrap_or(Value::Null),
        Reply::NotSent { .. } | Reply::Lost { .. } => Value::Null,
    };
    let bad = |reply: &Reply| refused(reply, lane, with_profile_key);
    match (question, value.as_object()) {
        (Question::User, _) => match about_user(reply, &lane.platform) {
            UserAnswer::Linked { username } => Verdict::Good { account: username },
            UserAnswer::NotLinked => Verdict::Bad { fault: Fault::NotLinked, said: String::new() },
            UserAnswer::KeyRefused(_) | UserAnswer::Suspended(_) | UserAnswer::NoAnswer(_) => {
                bad(reply)
            }
        },
        (Question::Validate, Some(body)) if succeeded(reply, body) => match body.get("warnings") {
            Some(warnings) => warned(warnings, lane, with_profile_key),
            None => Verdict::Good { account: None },
        },
        (Question::Analytics, Some(body)) => match part(body, lane) {
            Some(part) if part.get("analytics").is_some_and(Value::is_object) && good(reply) => {
                let name = part.get("analytics").and_then(|it| it.get("username"));
                let account = name.and_then(Value::as_str).map(super::outcome::value::one_line);
                Verdict::Good { account: account.filter(|name| !name.is_empty()) }
            }
            Some(part) => bad(&as_refusal(part, lane)),
            None => bad(reply),
        },
        (Question::Validate | Question::Analytics, _) => bad(reply),
    }
}

const fn good(reply: &Reply) -> bool {
    matches!(reply, Reply::Answered { status: 200..=299, .. })
}

fn succeeded(reply: &Reply, body: &Map<String, Value>) -> bool {
    let said = body.get("status").and_then(Value::as_str);
    good(reply)
        && said.is_some_and(|it| it.eq_ignore_ascii_case("success"))
        && body.get("errors").is_none_or(|it| it.as_array().is_some_and(Vec::is_empty))
}

/// What an answer tells of the lane's network alone.
fn part<'a>(body: &'a Map<String, Value>, lane: &Lane) -> Option<&'a Map<String, Value>> {
    let names = [lane.platform.as_str(), if lane.is_x() { "x" } else { "" }];
    names.into_iter().find_map(|name| body.get(name)?.as_object())
}

/// What an answer tells of one network, as the refusal by that network which it is: HTTP may say that the
/// whole went well.
fn as_refusal(part: &Map<String, Value>, lane: &Lane) -> Reply {
    let mut part = part.clone();
    part.insert("platform".to_owned(), Value::String(lane.platform.clone()));
    Reply::Answered { status: 400, retry_after: None, body: Value::Object(part).to_string() }
}

/// A post that would pass with warnings: those that mean a stop are faults, the others are not ours.
fn warned(warnings: &Value, lane: &Lane, with_profile_key: bool) -> Verdict {
    let body = serde_json::json!({ "status": "error", "errors": warnings });
    let reply = Reply::Answered { status: 400, retry_after: None, body: body.to_string() };
    match refused(&reply, lane, with_profile_key) {
        Verdict::Bad { fault: Fault::Unclear, .. } | Verdict::Good { .. } => {
            Verdict::Good { account: None }
        }
        bad @ Verdict::Bad { .. } => bad,
    }
}

fn refused(reply: &Reply, lane: &Lane, with_profile_key: bool) -> Verdict {
    let sent = Sent { lane, doubtful_before: false, with_profile_key, with_media: false };
    let (fault, refusal) = match classify(reply, &sent) {
        Outcome::Stop { cause, refusal, .. } => {
            (Fault::of(cause, &refusal, with_profile_key), refusal)
        }
        Outcome::Unsent(refusal) => (Fault::Unreachable, refusal),
        // X's own 403 may be about one post; here there is none.
        Outcome::Dead(refusal) if refusal.code == Some(403) => {
            (Fault::of(Cause::Forbidden, &refusal, with_profile_key), refusal)
        }
        Outcome::Dead(refusal)
        | Outcome::WithoutMedia(refusal)
        | Outcome::Retry { refusal, .. }
        | Outcome::Unknown { refusal, .. } => (Fault::Unclear, refusal),
        Outcome::Posted(_) => (Fault::Unclear, Refusal::default()),
    };
    Verdict::Bad { fault, said: refusal.message }
}

#[cfg(test)]
mod tests;
