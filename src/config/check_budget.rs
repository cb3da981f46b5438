//! Budgets: of a profile, of a feed, and `[budget]` of all together.
//!
//! Promises: a budget lets something out. Must not: know what was spent.

use chrono_tz::Tz;

use super::complaints::{Complaints, Fault, Talk};
use super::section::Section;
use super::tree::{Table, Value, quoted};
use super::{Budget, Config, Feed, Period, Profile, WhenSpent, Whose, keys, times, values};
use crate::domain::breaker::{Lane, X};
use crate::domain::cost::{Prices, Usd};

const EXAMPLE: &str = "for example `budget = { usd = 20.0, per = \"month\" }`";

/// The `budget` of a profile or a feed, in the zone of nobody yet.
pub(super) fn of(
    section: &Section<'_>,
    whose: Whose,
    complaints: &mut Complaints,
) -> Option<Budget> {
    let node = section.node("budget")?;
    let inner = Section::new(node, format!("{}: budget", section.place), complaints);
    inner.only(keys::BUDGET, complaints);
    read(&inner, whose, complaints)
}

/// The `budget` of a group.
pub(super) fn of_group(section: &Section<'_>, complaints: &mut Complaints) -> Option<Budget> {
    let node = section.node("budget")?;
    let inner = Section::new(node, format!("{}: budget", section.place), complaints);
    with_zone(&inner, Whose::Group, complaints)
}

/// `[budget]`
pub(super) fn overall(root: &Table, complaints: &mut Complaints) -> Option<Budget> {
    if matches!(&root.get("budget")?.value, Value::Table(keys) if keys.is_empty()) {
        return None;
    }
    let section = Section::of(root, "budget", "[budget]", complaints);
    with_zone(&section, Whose::All, complaints)
}

/// A budget of several profiles, whose zones may differ.
fn with_zone(section: &Section<'_>, whose: Whose, complaints: &mut Complaints) -> Option<Budget> {
    section.only(keys::OVERALL_BUDGET, complaints);
    let zone = section.read("time_zone", complaints, |node| times::zone(node, true));
    let budget = read(section, whose, complaints)?;
    Some(Budget { zone: zone.unwrap_or(Tz::UTC), ..budget })
}

fn read(section: &Section<'_>, whose: Whose, complaints: &mut Complaints) -> Option<Budget> {
    section.missing("usd", EXAMPLE, complaints);
    let usd = section.read("usd", complaints, |node| {
        let usd = values::usd(node)?;
        if usd == Usd::ZERO {
            return Err(Fault::value(
                "lets nothing out",
                "leave the budget out for no limit, or use `tidings pause` to stop",
            ));
        }
        Ok(usd)
    });
    let per =
        section.read("per", complaints, |node| match values::text(node, "a text", EXAMPLE)? {
            "day" => Ok(Period::Day),
            "month" => Ok(Period::Month),
            _ => Err(Fault::value("is not a period", "accepted are \"day\" and \"month\"")),
        });
    let when_spent = section.read("when_spent", complaints, |node| {
        const ALL: &str = "\"hold\" lets posts wait for the next period, \"drop_link\" sends them without their link as long as that can be paid, \"digest\" makes one post of all that a feed has waiting, \"low_priority_first\" keeps the last 20 % for posts that aren't low, and the last 5 % for breaking ones";
        match values::text(node, "a text", EXAMPLE)? {
            "hold" => Ok(WhenSpent::Hold),
            "drop_link" => Ok(WhenSpent::DropLink),
            "low_priority_first" => Ok(WhenSpent::LowPriorityFirst),
            "digest" => Ok(WhenSpent::Digest),
            _ => Err(Fault::value("is not something that can be done", ALL)),
        }
    });
    Some(Budget {
        usd: usd?,
        per: per.unwrap_or(Period::Month),
        zone: Tz::UTC,
        when_spent: when_spent.unwrap_or_default(),
        whose,
    })
}

impl Config {
    /// The budgets that posts of a feed on a lane are paid from.
    pub fn budgets_of(&self, feed: &str, lane: &Lane) -> impl Iterator<Item = Budget> + use<> {
        let profile = self.profile(&lane.profile);
        let group = profile.and_then(|profile| self.group_budget(profile));
        let feed = self.feed(feed).and_then(|feed| feed.pace.budget);
        let own = profile.and_then(|profile| profile.budget);
        [own, group, self.budget, feed].into_iter().flatten()
    }

    /// Whether posts may be gathered anywhere.
    pub fn gathers(&self) -> bool {
        let of_feeds = self.feeds.iter().filter_map(|feed| feed.pace.budget);
        let of_profiles = self
            .profiles
            .iter()
            .flat_map(|profile| profile.budget.into_iter().chain(self.group_budget(profile)));
        let mut all = self.budget.into_iter().chain(of_profiles).chain(of_feeds);
        all.any(|budget| budget.when_spent == WhenSpent::Digest)
    }
}

/// A feed's budget counts in the zone of the first of its profiles.
pub(super) fn settle_zones(feeds: &mut [Feed], profiles: &[Profile]) {
    let zones: std::collections::HashMap<&str, Tz> =
        profiles.iter().map(|profile| (profile.name.as_str(), profile.pace.zone)).collect();
    for feed in feeds {
        let zone = feed.profiles.first().and_then(|name| zones.get(name.as_str()));
        if let (Some(budget), Some(zone)) = (&mut feed.pace.budget, zone) {
            budget.zone = *zone;
        }
    }
}

/// Says where a budget does not even pay for one post with a link, which would wait for ever, and where
/// nothing can be gathered.
pub(super) fn warn_of_odd_ones(
    (profiles, feeds): (&[Profile], &[Feed]),
    overall: Option<Budget>,
    prices: Prices,
    talk: &mut Talk,
) {
    for feed in feeds.iter().filter(|feed| feed.digest.is_some()) {
        if feed.pace.budget.is_some_and(|budget| budget.when_spent == WhenSpent::Digest) {
            talk.warn(format!(
                "feed {}: a budget with when_spent = \"digest\" only holds its posts: they are digests \
                 already, by the feed's own `digest`",
                quoted(&feed.name)
            ));
        }
    }
    let has_x = |profile: &&Profile| profile.platforms.iter().any(|platform| platform == X);
    let of_profiles = profiles.iter().filter(has_x).filter_map(|profile| {
        Some((format!("profile {}: a budget", quoted(&profile.name)), profile.budget?))
    });
    let of_feeds = feeds.iter().filter_map(|feed| {
        Some((format!("feed {}: a budget", quoted(&feed.name)), feed.pace.budget?))
    });
    let of_all = overall
        .filter(|_| profiles.iter().any(|profile| has_x(&profile)))
        .map(|budget| ("[budget]: one".to_owned(), budget));
    for (place, budget) in of_profiles.chain(of_feeds).chain(of_all) {
        if budget.usd < prices.post_with_link {
            talk.warn(format!(
                "{place} of {} does not pay for one post with a link ({})",
                budget.usd, prices.post_with_link
            ));
        }
    }
}
