//! Ayrshare and X: keys, links, headers and credit, by questions that publish nothing.
//!
//! Promises: each fault by its name; what costs money is asked only on request, and its price told;
//! after a fault of all nothing more is asked. Must not: show a secret, or post.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::StreamExt as _;

use super::report::Report;
use crate::ayrshare::{Client, Credentials, XPair};
use crate::clock::Clock;
use crate::config::secret::Secrets;
use crate::config::{Config, Profile};
use crate::domain::breaker::{Lane, X};
use crate::domain::cost::Usd;
use crate::domain::diagnosis::{ANALYTICS_COST, Fault, Question, Verdict, diagnose};
use crate::domain::told::length;
use crate::http;

/// Profiles that are asked about at once.
const AT_ONCE: usize = 4;
/// A clock that is further off breaks paces and signatures.
const SKEW_MAX: TimeDelta = TimeDelta::seconds(30);
/// What is validated. It is never published.
const TRIAL: &str = "Tidings checks its set-up.";

/// What one profile's answers showed.
#[derive(Debug, Default)]
struct Seen {
    /// Subject and verdict, in the order of asking.
    verdicts: Vec<(String, Question, Verdict)>,
    /// How far Ayrshare's clock is ahead of ours.
    skew: Option<TimeDelta>,
    cost: Usd,
}

impl Seen {
    fn is_of_all(&self) -> bool {
        self.verdicts.iter().any(
            |(_, _, verdict)| matches!(verdict, Verdict::Bad { fault, .. } if fault.is_of_all()),
        )
    }
}

struct Doctor<'a> {
    client: Client,
    secrets: &'a Secrets,
    analytics: bool,
}

/// Asks about every profile.
pub(super) async fn ayrshare(
    report: &mut Report,
    config: &Config,
    secrets: &Secrets,
    analytics: bool,
) -> Result<(), anyhow::Error> {
    let timeout = config.ayrshare.timeout.to_std().unwrap_or_default();
    let client = Client::new(http::ayrshare_client(timeout)?, &config.ayrshare.base_url);
    let doctor = Doctor { client, secrets, analytics };
    let mut profiles = config.profiles.iter();
    let Some(first) = profiles.next() else { return Ok(()) };
    // The first one alone: what is wrong for all need not be asked a hundred times.
    let seen = doctor.profile(first).await;
    tell_clock(report, seen.skew);
    let of_all = seen.is_of_all();
    let mut cost = seen.cost;
    tell(report, seen);
    if of_all {
        return Ok(());
    }
    let mut rest =
        futures_util::stream::iter(profiles.map(|it| doctor.profile(it))).buffered(AT_ONCE);
    while let Some(seen) = rest.next().await {
        cost = cost.plus(seen.cost);
        tell(report, seen);
    }
    if cost > Usd::ZERO {
        report.good("cost", format!("about {cost} at X, for reading (--analytics)"));
    }
    Ok(())
}

impl Doctor<'_> {
    async fn profile(&self, profile: &Profile) -> Seen {
        let mut seen = Seen::default();
        let Some(own) = self.secrets.profile(&profile.name) else { return seen };
        let x = own.x.as_ref().map(|pair| XPair { key: &pair.key, secret: &pair.secret });
        let with_key = own.profile_key.is_some();
        let credentials = Credentials {
            api_key: &self.secrets.api_key,
            profile_key: own.profile_key.as_ref(),
            x,
        };
        let asked = Clock::System.now();
        let (reply, date) = self.client.user_and_time(credentials, asked).await;
        seen.skew = date.map(|date| skew(date, asked, Clock::System.now()));
        let mut told = BTreeSet::new();
        for lane in profile.lanes() {
            let verdict = diagnose(Question::User, &reply, &lane, with_key);
            let is_linked = matches!(verdict, Verdict::Good { .. });
            if let Verdict::Bad { fault, .. } = &verdict
                && *fault != Fault::NotLinked
            {
                // It is about the profile, so it is told once.
                if told.insert(*fault) {
                    let subject = format!("profile {}", profile.name);
                    seen.verdicts.push((subject, Question::User, verdict));
                }
                continue;
            }
            seen.verdicts.push((lane.to_string(), Question::User, verdict));
            if is_linked {
                self.lane(&mut seen, credentials, &lane, with_key).await;
            }
        }
        seen
    }

    /// What is only worth asking where the network is linked.
    async fn lane(
        &self,
        seen: &mut Seen,
        credentials: Credentials<'_>,
        lane: &Lane,
        with_key: bool,
    ) {
        let now = Clock::System.now();
        let reply = self.client.validate(credentials, (&lane.platform, TRIAL), now).await;
        let verdict = diagnose(Question::Validate, &reply, lane, with_key);
        let passed = matches!(verdict, Verdict::Good { .. });
        seen.verdicts.push((lane.to_string(), Question::Validate, verdict));
        if passed && self.analytics && lane.platform == X {
            let reply = self.client.analytics(credentials, X, now).await;
            let verdict = diagnose(Question::Analytics, &reply, lane, with_key);
            seen.verdicts.push((lane.to_string(), Question::Analytics, verdict));
            seen.cost = seen.cost.plus(ANALYTICS_COST);
        }
    }
}

/// How far the other clock is ahead, by an answer that was made somewhere between two instants.
fn skew(date: DateTime<Utc>, asked: DateTime<Utc>, answered: DateTime<Utc>) -> TimeDelta {
    // A `Date` has whole seconds.
    let latest = date + TimeDelta::seconds(1);
    if latest < asked {
        latest - asked
    } else if date > answered {
        date - answered
    } else {
        TimeDelta::zero()
    }
}

fn tell_clock(report: &mut Report, skew: Option<TimeDelta>) {
    let Some(skew) = skew else { return };
    if skew.abs() <= SKEW_MAX {
        report.good("clock at Ayrshare", "agrees with this machine's");
        return;
    }
    let way = if skew > TimeDelta::zero() { "behind" } else { "ahead" };
    report.bad_with(
        "clock at Ayrshare",
        format!(
            "this machine's clock is {} {way}: posts go out at wrong times",
            length(skew.abs())
        ),
        vec!["do: timedatectl set-ntp true, or mend the clock of the host".to_owned()],
    );
}

fn tell(report: &mut Report, seen: Seen) {
    for (subject, question, verdict) in seen.verdicts {
        match verdict {
            Verdict::Bad { fault, said } => report.named(&subject, fault, &said),
            Verdict::Good { account } => {
                let whom = account.map(|name| format!(" as @{name}")).unwrap_or_default();
                report.good(
                    &subject,
                    match question {
                        Question::User => format!("the API key is good, and it is linked{whom}"),
                        Question::Validate => {
                            "Ayrshare would take a post, with the headers as they are".to_owned()
                        }
                        Question::Analytics => format!(
                            "X answers{whom}: keys, link and credit are good; whether the app may \
                             write shows with the first post"
                        ),
                    },
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_on_its_way_is_no_skew() {
        let at = |seconds| DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds);
        let of = |date| skew(at(date), at(100), at(110)).num_seconds();
        assert_eq!([of(99), of(100), of(105), of(110)], [0, 0, 0, 0]);
        assert_eq!([of(40), of(170)], [-59, 60]);
    }
}
