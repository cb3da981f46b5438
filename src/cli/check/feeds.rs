//! The feeds: each asked once, as the daemon would ask it.
//!
//! Promises: what is known from the last fetch goes along, so that a feed without news costs its
//! publisher a line; nothing is kept. Must not: stop at a feed that fails.

use chrono::{DateTime, Utc};
use url::Url;

use super::report::Report;
use crate::cli::feeds::NO_FEEDS;
use crate::cli::out;
use crate::cli::progress::Progress;
use crate::clock::Clock;
use crate::config::secret::FeedSecrets;
use crate::config::{self, Config, Environment};
use crate::daemon::access::Access;
use crate::feed::fetch::{Ask, Fetched, Validators, fetch};
use crate::feed::find::{Found, How, Missing, find};
use crate::http::{self, shown};
use crate::store::Store;
use crate::store::feeds::FeedState;

pub(super) async fn feeds(report: &mut Report, config: &Config, env: &Environment) {
    if config.feeds.is_empty() {
        report.bad("feeds", NO_FEEDS);
    }
    let known = known(config).await;
    let mut progress = Progress::new("feed", config.feeds.len());
    for feed in &config.feeds {
        let subject = format!("feed {}", feed.name);
        // A feed whose secrets are missing stops no other one from being looked at.
        let Ok(secrets) = FeedSecrets::read(config, [feed], env) else {
            report.bad(&subject, "not asked, since its secrets are not there");
            continue;
        };
        let access = match Access::new(config, [feed], &secrets) {
            Ok(access) => access,
            Err(error) => {
                report.bad(&subject, http::chain(&error));
                continue;
            }
        };
        progress.next(&feed.name);
        let now = Clock::System.now();
        let before = known.iter().find(|it| it.name == feed.name && it.url == feed.url.as_str());
        if let Some(since) = unchanged(config, feed, (&access, before), now).await {
            progress.clear();
            report.good(&subject, since);
            continue;
        }
        let visit = access.visit(config, feed, &feed.url, now);
        let found = find(&visit).await;
        progress.clear();
        tell(report, &subject, found);
    }
}

/// What the database knows of the feeds, where there is one that can be read.
async fn known(config: &Config) -> Vec<FeedState> {
    if !config.store.path.exists() {
        return Vec::new();
    }
    match Store::open(&config.store.path).await {
        Ok(store) => store.feeds().await.unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

/// Asks with what the last fetch left; `None` where there is nothing to send along, or something else
/// came than "unchanged".
async fn unchanged(
    config: &Config,
    feed: &config::Feed,
    (access, before): (&Access, Option<&FeedState>),
    now: DateTime<Utc>,
) -> Option<String> {
    let before = before?;
    let validators =
        Validators { etag: before.etag.clone(), last_modified: before.last_modified.clone() };
    let url = Url::parse(before.asked()).ok().filter(|_| !validators.is_empty())?;
    let visit = access.visit(config, feed, &url, now);
    let ask = Ask {
        url: visit.url,
        validators: &validators,
        validators_url: before.validators_url.as_deref(),
        body_hash: before.body_hash.as_deref(),
        limits: visit.limits,
        credentials: visit.credentials,
        now,
    };
    match fetch(visit.client, &ask).await {
        Fetched::Unchanged { .. } => {
            let since = before.last_good_at.map(|at| format!(" since {}", out::distance(at, now)));
            Some(format!("unchanged{}", since.unwrap_or_default()))
        }
        Fetched::New(_) | Fetched::Gone | Fetched::Failed { .. } => None,
    }
}

fn tell(report: &mut Report, subject: &str, found: Result<Found, Missing>) {
    match found {
        Ok(Found { url, how, new, .. }) => {
            let mut details = Vec::new();
            if how != How::Itself {
                details.push(format!("its feed is {}, {}", shown(&url), how.words()));
            }
            details.extend(new.repairs.iter().cloned());
            let entries = out::count(new.feed.items.len(), "entry");
            report.good_with(subject, format!("{entries}, read by {}", new.reader.word()), details);
        }
        Err(missing) => report.bad(subject, missing.to_string()),
    }
}
