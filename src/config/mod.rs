//! The config: raw, as typed → checked, with all complaints at once.
//!
//! Promises: nothing after [`load()`] can find the config invalid; every complaint names file, line
//! where there is one, key, value and remedy. Must not: keep the value of a secret anywhere but in
//! a `SecretString`.

mod access;
pub mod alerts;
mod check;
mod check_alert;
mod check_backup;
mod check_budget;
mod check_compose;
mod check_digest;
mod check_feed;
mod check_filter;
mod check_media;
mod check_options;
mod check_pace;
mod check_polling;
mod check_profile;
mod check_repost;
mod check_select;
mod check_web;
mod complaints;
pub mod edit;
mod environment;
mod groups;
mod include;
mod keys;
mod load;
mod named;
mod rows;
pub mod secret;
mod secrets;
mod section;
mod source;
mod times;
mod tree;
mod typed;
mod values;
mod zone;

use std::path::PathBuf;
use std::sync::Arc;

use chrono::TimeDelta;
use chrono_tz::Tz;
use ipnet::IpNet;
use url::Url;

use crate::domain::breaker::Lane;
use crate::domain::compose::rules_of;
use crate::domain::cost::{Prices, Usd};
use crate::domain::digest::Digest;
use crate::domain::media::{Media, MediaRules};
use crate::domain::options::Options;
use crate::domain::pace::{Pace, PostAt, QuietHours};
use crate::domain::plan::Priority;
use crate::domain::polling::{Grouping, Rhythm};
use crate::domain::select::filter::{Filter, Subject};
use secret::SecretRef;

pub use access::{Access, Auth, HeaderText, Proxy, Route};
pub use check_repost::Repost;
pub use complaints::{Complaint, Complaints, Origin};
pub use environment::Environment;
pub use keys::{is_of_access, is_of_feed};
pub use load::load;
pub use named::Named;
pub(crate) use values::parse_duration as span;
pub use zone::zone_here;

/// The whole config, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file that it came from.
    pub file: PathBuf,
    /// `[ayrshare]`
    pub ayrshare: Ayrshare,
    /// `[store]`
    pub store: Store,
    /// `[backup]`: by the calendar; `None` for none.
    pub backup: Option<Backup>,
    /// `[fetch]`
    pub fetch: Fetch,
    /// `[web]`
    pub web: Web,
    /// `[prices]`
    pub prices: Prices,
    /// `[budget]`: of all profiles together.
    pub budget: Option<Budget>,
    /// `[group.NAME]`: the clients of an agency.
    pub groups: Vec<Group>,
    /// `[[profile]]`, at least one, names unique.
    pub profiles: Named<Profile>,
    /// `[[feed]]`, names unique.
    pub feeds: Named<Feed>,
    /// `[[alert]]`, names unique.
    pub alerts: Vec<alerts::Receiver>,
    /// What is allowed and yet hardly meant; for the person who starts the program.
    pub warnings: Vec<String>,
}

/// `[ayrshare]`
#[derive(Debug, Clone)]
pub struct Ayrshare {
    /// `base_url`, without a trailing slash.
    pub base_url: Url,
    /// `api_key`
    pub api_key: SecretRef,
    /// `x_api_key`, for profiles that give none.
    pub x_api_key: SecretRef,
    /// `x_api_secret`, for profiles that give none.
    pub x_api_secret: SecretRef,
    /// `timeout` of one request.
    pub timeout: TimeDelta,
    /// `reconcile_after`: between the two look-ups that must both find nothing.
    pub reconcile_after: TimeDelta,
    /// `probe_after`: before the first probe of a stop; doubled after each failed one.
    pub probe_after: TimeDelta,
}

/// `[store]`
#[derive(Debug, Clone)]
pub struct Store {
    /// `path` of the database.
    pub path: PathBuf,
    /// `min_free`: with less room on its disk there is an alert, in bytes.
    pub min_free: u64,
}

/// `[backup]`
#[derive(Debug, Clone)]
pub struct Backup {
    /// `path`: the folder of the copies.
    pub path: PathBuf,
    /// `at`, in the zone of the first profile.
    pub at: PostAt,
    /// `keep`: copies that are kept.
    pub keep: usize,
}

/// `[fetch]`
#[derive(Debug, Clone)]
pub struct Fetch {
    /// `min_interval`: no feed is asked more often.
    pub min_interval: TimeDelta,
    /// `concurrency`: fetches at once.
    pub concurrency: usize,
    /// `per_host`: connections to one host at once.
    pub per_host: usize,
    /// `host_gap`, `group_hosts`, `split_hosts`
    pub hosts: Hosts,
    /// `timeout` of one fetch, from connecting to the last byte.
    pub timeout: TimeDelta,
    /// `max_body`: the largest body, decompressed, in bytes.
    pub max_body: usize,
    /// `contact`: who runs this, for the User-Agent.
    pub contact: Option<String>,
    /// `allow_private`: private networks that feeds may lie in.
    pub allow_private: Vec<IpNet>,
    /// `proxy` and `ca_file`, for feeds that give none.
    pub route: Route,
}

/// How requests to one host keep apart.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// `host_gap`: between two requests to one host.
    pub gap: TimeDelta,
    /// `group_hosts` and `split_hosts`: what counts as one host.
    pub grouping: Grouping,
}

/// `[web]`
#[derive(Debug, Clone)]
pub struct Web {
    /// `listen`; `None` when turned off.
    pub listen: Option<std::net::SocketAddr>,
    /// `public_url`: under which hubs (WebSub) reach `listen`, with a slash at its end.
    pub public_url: Option<Url>,
    /// `password`, `token`, `hosts`
    pub doors: Doors,
}

/// Who may come to the page and the API.
#[derive(Debug, Clone, Default)]
pub struct Doors {
    /// `password` of the page, as it is or as `tidings web password` hashed it.
    pub password: Option<SecretRef>,
    /// `token` of the API and the metrics.
    pub token: Option<SecretRef>,
    /// `hosts`: the names under which browsers may ask, beside the address itself; without ports.
    pub hosts: Vec<String>,
}

/// `[group.NAME]`
#[derive(Debug, Clone)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// `budget` of all its profiles together.
    pub budget: Option<Budget>,
}

/// `[[profile]]`
#[derive(Debug, Clone)]
pub struct Profile {
    /// `name`
    pub name: String,
    /// `group`, if it is in one; it exists.
    pub group: Option<String>,
    /// `platforms`, at least one, each at most once, all known to Ayrshare.
    pub platforms: Vec<String>,
    /// `profile_key`
    pub profile_key: Option<SecretRef>,
    /// `x_api_key`, its own or `[ayrshare]`'s.
    pub x_api_key: SecretRef,
    /// `x_api_secret`, its own or `[ayrshare]`'s.
    pub x_api_secret: SecretRef,
    /// `time_zone` and the keys of pace, where no platform has its own.
    pub pace: Pace,
    /// `[profile.pace.<platform>]`: the pace of each of `platforms`, in their order.
    pub lane_paces: Vec<LanePace>,
    /// `budget`
    pub budget: Option<Budget>,
    /// `include`, `exclude`, `hold`, `duplicates`, `same_text`
    pub select: LaneSelection,
    /// `repost`: limits of repeating by hand.
    pub repost: Repost,
    /// `options`: Ayrshare's own, for all its posts.
    pub options: Options,
}

impl Profile {
    /// Its lanes, in the order of `platforms`.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        self.platforms.iter().map(|platform| Lane::new(&self.name, platform))
    }

    /// The pace on one of its platforms.
    pub fn pace_on(&self, platform: &str) -> Option<&LanePace> {
        self.lane_paces.iter().find(|pace| pace.platform == platform)
    }
}

/// The pace of one platform of a profile.
#[derive(Debug, Clone)]
pub struct LanePace {
    /// The platform.
    pub platform: String,
    /// When it may send.
    pub pace: Pace,
    /// `order`: whether the newest post of a feed goes first.
    pub newest_first: bool,
}

pub use crate::domain::plan::{Budget, Period, WhenSpent, Whose};

/// `[[feed]]`
#[derive(Debug, Clone)]
pub struct Feed {
    /// `name`
    pub name: String,
    /// `url`: of the feed.
    pub url: Url,
    /// `profiles`: names of profiles, at least one, all existing.
    pub profiles: Vec<String>,
    /// `interval`, not below `fetch.min_interval` unless the feed is the operator's own.
    pub interval: TimeDelta,
    /// `cron`, `adapt`, `own`, `allow_http`
    pub polling: Polling,
    /// `first_run`
    pub first_run: FirstRun,
    /// `hold_above`: a fetch with more new entries than this is held for a person.
    pub hold_above: usize,
    /// `expire_after`: a post that waited longer than this is not sent.
    pub expire_after: Option<TimeDelta>,
    /// `allow_mentions`: leave `@name` as it is.
    pub allow_mentions: bool,
    /// `include`, `exclude`, `hold`, `max_age`, `language`, `on_update`, `settle`
    pub select: Selection,
    /// `media`: what its posts show beside their text.
    pub media: MediaRules,
    /// `options`: Ayrshare's own; they win over those of a profile.
    pub options: Options,
    /// `folder`: where it stands among the others, for a person.
    pub folder: Option<String>,
    /// `auth`, `headers`, `cookies`, `proxy`, `ca_file`
    pub access: Access,
    /// `compose`: how its posts read.
    pub compose: Compose,
    /// The keys of pace that a feed can have.
    pub pace: FeedPace,
    /// `digest`: several entries in one post.
    pub digest: Option<Digest>,
}

/// When the posts of a feed go out, where that differs from the pace of its profiles.
#[derive(Debug, Clone, Default)]
pub struct FeedPace {
    /// `priority`, of what is not breaking.
    pub priority: Priority,
    /// `breaking`: what goes before all others.
    pub breaking: Option<Arc<Filter>>,
    /// `order`, in place of the profile's.
    pub newest_first: Option<bool>,
    /// `min_gap` between two posts of this feed on one lane.
    pub min_gap: Option<TimeDelta>,
    /// `max_per_hour` on one lane.
    pub max_per_hour: Option<u32>,
    /// `max_per_day` on one lane.
    pub max_per_day: Option<u32>,
    /// `post_at`, in place of the profile's.
    pub post_at: Option<Vec<PostAt>>,
    /// `quiet_hours`, in place of the profile's.
    pub quiet_hours: Option<Vec<QuietHours>>,
    /// `embargo`: how long a post waits before it may go.
    pub embargo: TimeDelta,
    /// `budget` on all lanes together.
    pub budget: Option<Budget>,
}

impl FeedPace {
    /// How urgent an entry is.
    pub fn priority_of(&self, subject: &Subject) -> Priority {
        let is_breaking = self.breaking.as_ref().is_some_and(|filter| filter.holds(subject));
        if is_breaking { Priority::Breaking } else { self.priority }
    }
}

pub use crate::domain::compose::Compose;

pub use crate::domain::select::FirstRun;
pub use crate::domain::select::rules::Selection;
pub use crate::domain::select::twins::LaneSelection;

/// How a feed is asked, beside its interval.
#[derive(Debug, Clone)]
pub struct Polling {
    /// `interval` as it was given, for this feed or for all.
    pub given: Option<TimeDelta>,
    /// `cron`, in place of an interval; in the zone of the feed's first profile.
    pub cron: Option<PostAt>,
    /// `adapt`: the interval follows the feed's own pace.
    pub adapt: bool,
    /// `own`: the feed is the operator's own, so `fetch.min_interval` does not bind.
    pub own: bool,
    /// `allow_http`: a redirect from https to http is followed.
    pub allow_http: bool,
    /// A mark of all the feed's settings, by which a change of any is noticed.
    pub settings: String,
}

impl Config {
    /// The profile of this name.
    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles.named(name)
    }

    /// The budget of a profile's group.
    pub fn group_budget(&self, profile: &Profile) -> Option<Budget> {
        let group = profile.group.as_ref()?;
        self.groups.iter().find(|it| it.name == *group)?.budget
    }

    /// The names of a group's profiles.
    pub fn members(&self, group: &str) -> Vec<&str> {
        let is_member = |profile: &&Profile| profile.group.as_deref() == Some(group);
        self.profiles.iter().filter(is_member).map(|profile| profile.name.as_str()).collect()
    }

    /// The feed of this name.
    pub fn feed(&self, name: &str) -> Option<&Feed> {
        self.feeds.named(name)
    }

    /// The zone of a profile; of one that is gone, UTC.
    pub fn zone(&self, profile: &str) -> Tz {
        self.profile(profile).map_or(Tz::UTC, |profile| profile.pace.zone)
    }

    /// The zone of times that are of no profile: the first one's.
    pub fn home_zone(&self) -> Tz {
        self.profiles.first().map_or(Tz::UTC, |profile| profile.pace.zone)
    }

    /// What one attempt on a lane costs by the present prices.
    pub fn cost(&self, lane: &Lane, has_link: bool, media: &Media) -> Usd {
        let (prices, is_x) = (&self.prices, lane.is_x());
        prices.attempt(is_x, has_link).plus(prices.alt_texts(is_x, media.alt_texts()))
    }

    /// How long the posts of a feed may be on a platform; of a feed that is gone, what the platform
    /// allows.
    pub fn length_limit(&self, feed: &str, platform: &str) -> u32 {
        let rules = self.feed(feed).map_or_else(
            || rules_of(platform),
            |feed| feed.compose.manner(platform).rules(platform, feed.allow_mentions),
        );
        rules.limit
    }

    /// How the config has a feed asked; cron expressions are in the zone of its first profile.
    pub fn rhythm(&self, feed: &Feed) -> Rhythm {
        let zone = feed.profiles.first().map_or(Tz::UTC, |name| self.zone(name));
        Rhythm {
            interval: feed.interval,
            is_set: feed.polling.given.is_some(),
            cron: feed.polling.cron.clone().map(|cron| (zone, cron)),
            adapt: feed.polling.adapt,
            own: feed.polling.own,
            min_interval: self.fetch.min_interval,
        }
    }

    /// Whether a lane is one of its profiles' platforms.
    pub fn has_lane(&self, lane: &Lane) -> bool {
        self.profile(&lane.profile)
            .is_some_and(|profile| profile.platforms.contains(&lane.platform))
    }

    /// All lanes of all profiles, in the config's order.
    pub fn lanes(&self) -> impl Iterator<Item = Lane> + '_ {
        self.profiles.iter().flat_map(Profile::lanes)
    }
}
