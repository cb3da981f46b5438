//! The faults that can be asked for, by name.
//!
//! Promises: each has one stable name and one sentence, and a rule's text reads back as the same
//! rule. Must not: carry a fault out; that is `post`'s and `history`'s part.

use std::fmt;
use std::str::FromStr;

/// Which requests a fault can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// `POST /post`.
    Post,
    /// `DELETE /post`.
    Delete,
    /// `GET /history`.
    History,
    /// `GET /user`.
    User,
    /// `POST /validate/post`.
    Validate,
    /// `POST /analytics/social`.
    Analytics,
}

impl Target {
    /// All of them, with the words by which a rule names them.
    const WORDS: [(Self, &'static str); 6] = [
        (Self::Post, "post"),
        (Self::Delete, "delete"),
        (Self::History, "history"),
        (Self::User, "user"),
        (Self::Validate, "validate"),
        (Self::Analytics, "analytics"),
    ];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(target, _)| *target == self).map_or("", |(_, word)| word)
    }

    fn named(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(target, _)| *target)
    }
}

/// Makes the enum, its names and its sentences from one list, so that none can be missing.
macro_rules! faults {
    ($($variant:ident, $target:ident, $name:literal, $sentence:literal;)+) => {
        /// One way in which the sandbox misbehaves.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fault {
            $(#[doc = $sentence] $variant,)+
        }

        impl Fault {
            /// All of them, in the order of the listing.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name by which it is asked for.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// What happens, in one sentence.
            pub const fn sentence(self) -> &'static str {
                match self { $(Self::$variant => $sentence,)+ }
            }

            /// Which requests it meets.
            pub const fn target(self) -> Target {
                match self { $(Self::$variant => Target::$target,)+ }
            }
        }
    };
}

faults! {
    LostAnswer, Post, "lost-answer", "Published; then the connection is closed before any byte of the answer.";
    LostRefusal, Post, "lost-refusal", "Refused by the network and in the history as an error; then the connection is closed before any byte of the answer.";
    BrokenAnswer, Post, "broken-answer", "Published; the answer breaks off in the middle of its body.";
    Slow, Post, "slow", "Published; the answer comes SECONDS later.";
    Hang, Post, "hang", "Published; the answer comes only after `POST /sandbox/release`.";
    ServerErrorAfter, Post, "500-after", "Published; answered with 500 and a page of HTML.";
    GatewayTimeoutAfter, Post, "504-after", "Published; answered with 504 and a page of HTML.";
    EmptyAfter, Post, "empty-200", "Published; answered with 200 and no body.";
    Garbage, Post, "garbage", "Published; answered with 200 and broken JSON.";
    ResetBefore, Post, "reset-before", "Not published; the connection is reset.";
    HangBefore, Post, "hang-before", "Not published; never answered, and closed by `POST /sandbox/release`.";
    ServerErrorBefore, Post, "500-before", "Not published; answered with 500.";
    BadGateway, Post, "502-html", "Not published; answered with 502 and a page of HTML.";
    Unavailable, Post, "503", "Not published; answered with 503.";
    EmptyBefore, Post, "empty-200-before", "Not published; answered with 200 and no body.";
    Unauthorized, Post, "401", "Not published; the API key is refused.";
    NoCredit, Post, "402", "Refused by X for want of credit, as HTTP status 402.";
    NoCreditNested, Post, "402-nested", "Refused by X for want of credit, inside errors of a 400.";
    SpendingLimit, Post, "402-limit", "Refused by X because the spending limit is reached, as HTTP status 402.";
    SpendingLimitNested, Post, "402-limit-nested", "Refused by X because the spending limit is reached, inside errors of a 400.";
    Unpaid, Post, "402-ayrshare", "Not published; Ayrshare asks for payment.";
    Permission, Post, "403-permission", "Refused by X because the app may not write, as HTTP status 403.";
    PermissionNested, Post, "403-permission-nested", "Refused by X because the app may not write, inside errors of a 400.";
    Suspended, Post, "403-suspended", "Not published; the profile is suspended.";
    Callback, Post, "403-callback", "Not published; answered as though X did not know the callback addresses.";
    KeysRefused, Post, "401-x", "Refused by X: it does not take the key pair.";
    HeadersMissing, Post, "419", "Not published; answered as though both X headers were missing.";
    HeaderMissing, Post, "400-header", "Not published; answered as though one X header were missing.";
    GenericRetryable, Post, "101-retryable", "Refused with code 101 and retryAvailable.";
    Generic, Post, "101", "Refused with code 101.";
    DuplicateStatus, Post, "110", "Refused by X: status is a duplicate.";
    LongPost, Post, "111", "Refused: a long post without X Premium.";
    TooLong, Post, "132", "Refused: too long.";
    BadMedia, Post, "136", "Refused: the media can't be fetched.";
    Similar, Post, "137", "Refused: the same or a similar text within two days.";
    NotLinked, Post, "156", "Refused: the network is not linked.";
    WrongPlan, Post, "169", "Refused: the plan lacks a feature.";
    Relink, Post, "272", "Refused by X: unlink and link again.";
    UnknownCode, Post, "unknown-code", "Refused with a code that nobody knows.";
    RateLimit, Post, "429", "Not published; too many requests.";
    RateLimitRetryAfter, Post, "429-retry-after", "Not published; too many requests, with a Retry-After of SECONDS.";
    KeyReused, Post, "key-reused", "Answered as though the idempotency key had been used; not published.";
    KeyForgotten, Post, "key-forgotten", "The idempotency key is neither looked at nor kept.";
    DeleteRefused, Delete, "delete-refused", "Not deleted; refused by the network.";
    DeleteServerError, Delete, "delete-500", "Not deleted; answered with 500 and a page of HTML.";
    DeleteServerErrorAfter, Delete, "delete-500-after", "Deleted; answered with 500 and a page of HTML.";
    DeleteLost, Delete, "delete-lost", "Deleted; then the connection is closed before any byte of the answer.";
    DeleteNotFound, Delete, "delete-404", "Not deleted; answered as though the post had never been there.";
    DateOff, User, "date-off", "Answered well, with a Date that is SECONDS ahead.";
    HistoryLag, History, "history-lag", "Shows only posts that are at least SECONDS old.";
    HistoryServerError, History, "history-500", "Answered with 500 and a page of HTML.";
    HistoryEmpty, History, "history-empty", "Answered as though nothing had ever been posted.";
    HistoryError, History, "history-error", "Shows every post as an error, also those that were published.";
    HistoryPending, History, "history-pending", "Shows every post as still processing.";
    HistoryLost, History, "history-lost", "The connection is closed before any byte of the answer.";
}

impl Fault {
    /// Whether it needs a number of seconds.
    pub const fn takes_seconds(self) -> bool {
        matches!(self, Self::Slow | Self::RateLimitRetryAfter | Self::HistoryLag | Self::DateOff)
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|fault| fault.name() == name)
    }
}

/// How often a rule still acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// So many more times.
    Left(u32),
    /// Until it is taken away.
    Always,
}

/// A fault that was asked for: what, how often, and for whom.
///
/// As text: `NAME[@SECONDS][:COUNT][,platform=P][,profile=P][,after=N][,on=REQUEST]`; without a COUNT
/// once, with `*` for ever; `after` lets the first N matching requests pass; `on` turns a refusal of a
/// post upon another request: `user`, `validate`, `analytics` or `delete`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// The number after the `@`; zero where the fault takes none.
    pub seconds: u32,
    /// How often still.
    pub times: Times,
    /// Matching requests that pass first.
    pub after: u32,
    /// Only requests that name this network.
    pub platform: Option<String>,
    /// Only requests of this profile (its name in the books).
    pub profile: Option<String>,
    /// The requests that it meets, if not those that the fault is made for.
    pub on: Option<Target>,
}

/// Why a text is no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    /// No fault has this name.
    #[error("no fault is called '{0}'")]
    Name(String),
    /// The fault needs a number of seconds, or takes none.
    #[error(
        "'{0}' wants seconds as in 'slow@30', and only slow, 429-retry-after, history-lag and date-off take them"
    )]
    Seconds(String),
    /// The count is neither a number nor `*`.
    #[error("the count '{0}' is neither a number nor '*'")]
    Count(String),
    /// A condition that does not exist.
    #[error("the condition '{0}' is none of platform=, profile=, after= and on=")]
    Condition(String),
}

impl FromStr for Rule {
    type Err = BadRule;

    fn from_str(text: &str) -> Result<Self, BadRule> {
        let mut pieces = text.split(',');
        let head = pieces.next().unwrap_or_default().trim();
        let (what, times) = match head.split_once(':') {
            None => (head, Times::Left(1)),
            Some((what, "*")) => (what, Times::Always),
            Some((what, count)) => match count.parse() {
                Ok(count) => (what, Times::Left(count)),
                Err(_not_a_number) => return Err(BadRule::Count(count.to_owned())),
            },
        };
        let (name, seconds) = match what.split_once('@') {
            None => (what, None),
            Some((name, seconds)) => (name, Some(seconds)),
        };
        let fault = Fault::named(name).ok_or_else(|| BadRule::Name(name.to_owned()))?;
        let seconds = match (fault.takes_seconds(), seconds.map(str::parse)) {
            (false, None) => 0,
            (true, Some(Ok(seconds))) => seconds,
            (true | false, _) => return Err(BadRule::Seconds(what.to_owned())),
        };
        let mut rule =
            Self { fault, seconds, times, after: 0, platform: None, profile: None, on: None };
        for piece in pieces {
            let unknown = || BadRule::Condition(piece.to_owned());
            match piece.trim().split_once('=').ok_or_else(unknown)? {
                ("platform", value) => rule.platform = Some(value.to_owned()),
                ("profile", value) => rule.profile = Some(value.to_owned()),
                ("on", value) if fault.target() == Target::Post => {
                    rule.on = Some(Target::named(value).ok_or_else(unknown)?);
                }
                ("after", value) => {
                    rule.after = value.parse().map_err(|_not_a_number| unknown())?;
                }
                _ => return Err(unknown()),
            }
        }
        Ok(rule)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.fault.name())?;
        if self.fault.takes_seconds() {
            write!(f, "@{}", self.seconds)?;
        }
        match self.times {
            Times::Left(count) => write!(f, ":{count}")?,
            Times::Always => f.write_str(":*")?,
        }
        if let Some(platform) = &self.platform {
            write!(f, ",platform={platform}")?;
        }
        if let Some(profile) = &self.profile {
            write!(f, ",profile={profile}")?;
        }
        if let Some(on) = self.on {
            write!(f, ",on={}", on.word())?;
        }
        if self.after > 0 {
            write!(f, ",after={}", self.after)?;
        }
        Ok(())
    }
}

/// A request as the rules see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// What it is.
    pub(super) target: Target,
    /// The networks that it names; none means all.
    pub(super) platforms: &'a [String],
    /// The profile that it acts for.
    pub(super) profile: &'a str,
}

impl Rule {
    fn matches(&self, asked: Asked<'_>) -> bool {
        let on_platform =
            |wanted: &String| asked.platforms.is_empty() || asked.platforms.contains(wanted);
        self.on.unwrap_or_else(|| self.fault.target()) == asked.target
            && self.platform.as_ref().is_none_or(on_platform)
            && self.profile.as_deref().is_none_or(|wanted| wanted == asked.profile)
    }
}

/// The fault that this request meets, if any: the first matching rule's, which it uses up once.
pub(super) fn take(rules: &mut Vec<Rule>, asked: Asked<'_>) -> Option<Rule> {
    let mut taken = None;
    for rule in rules.iter_mut().filter(|rule| rule.matches(asked)) {
        if rule.after > 0 {
            rule.after -= 1;
            continue;
        }
        if rule.times == Times::Left(0) {
            continue;
        }
        taken = Some(rule.clone());
        if let Times::Left(count) = &mut rule.times {
            *count -= 1;
        }
        break;
    }
    rules.retain(|rule| rule.times != Times::Left(0));
    taken
}

/// The listing: each fault with its sentence.
pub fn listing() -> String {
    let lines = Fault::ALL.iter().map(|fault| {
        let parameter = if fault.takes_seconds() { "@SECONDS" } else { "" };
        let name = format!("{}{parameter}", fault.name());
        format!("  {name:<26}{}\n", fault.sentence())
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_asked_for_by_its_own_name() {
        assert!(Fault::ALL.len() > 40);
        for fault in Fault::ALL {
            let seconds = if fault.takes_seconds() { "@7" } else { "" };
            for tail in ["", ":3", ":*", ":1,platform=twitter,profile=acme,after=2"] {
                let rule: Rule =
                    format!("{}{seconds}{tail}", fault.name()).parse().expect("a rule");
                assert_eq!(rule.fault, *fault);
                assert_eq!(rule.to_string().parse(), Ok(rule));
            }
            assert!(listing().contains(fault.sentence()));
        }
    }

    #[test]
    fn a_text_that_is_no_rule_says_why() {
        let why = |text: &str| text.parse::<Rule>().expect_err("no rule").to_string();
        assert_eq!(why("nothing"), "no fault is called 'nothing'");
        assert_eq!(why("hang:often"), "the count 'often' is neither a number nor '*'");
        assert!(why("slow").contains("'slow' wants seconds"));
        assert!(why("hang@3").contains("'hang@3' wants seconds"));
        assert!(why("hang,when=now").contains("none of platform="));
    }

    #[test]
    fn a_rule_is_used_up_by_the_requests_that_it_is_for() {
        let mut rules: Vec<Rule> =
            vec!["hang:1,platform=linkedin".parse().unwrap(), "503:2,after=1".parse().unwrap()];
        let platforms = ["twitter".to_owned()];
        let asked = Asked { target: Target::Post, platforms: &platforms, profile: "primary" };
        let mut meets = || take(&mut rules, asked).map(|rule| rule.fault.name());
        assert_eq!([meets(), meets(), meets(), meets()], [None, Some("503"), Some("503"), None]);
        assert_eq!(rules.len(), 1, "the rule for linkedin waits");
    }
}
