//! The keys that exist, by section.
//!
//! Promises: what is not listed here is refused with a suggestion, and what is listed stands in
//! `config.example.toml` (a test). Must not: know what a key means.

/// The sections that an environment variable can set keys of.
pub(super) const PLAIN_SECTIONS: [(&str, &[&str]); 7] = [
    ("ayrshare", &AYRSHARE),
    ("backup", &BACKUP),
    ("budget", &OVERALL_BUDGET),
    ("fetch", &FETCH),
    ("prices", &PRICES),
    ("store", &STORE),
    ("web", &WEB),
];

/// The top level.
pub(super) const TOP: [&str; 13] = [
    "alert", "ayrshare", "backup", "budget", "defaults", "feed", "fetch", "group", "include",
    "prices", "profile", "store", "web",
];
/// `[ayrshare]`
pub(super) const AYRSHARE: [&str; 7] = [
    "base_url",
    "api_key",
    "x_api_key",
    "x_api_secret",
    "timeout",
    "reconcile_after",
    "probe_after",
];
/// `[backup]`
pub(super) const BACKUP: [&str; 3] = ["path", "at", "keep"];
/// `[store]`
pub(super) const STORE: [&str; 2] = ["path", "min_free"];
/// `[fetch]`
pub(super) const FETCH: [&str; 12] = [
    "min_interval",
    "concurrency",
    "per_host",
    "host_gap",
    "group_hosts",
    "split_hosts",
    "timeout",
    "max_body",
    "contact",
    "allow_private",
    "proxy",
    "ca_file",
];
/// `[web]`
pub(super) const WEB: [&str; 5] = ["listen", "public_url", "password", "token", "hosts"];
/// `[prices]`
pub(super) const PRICES: [&str; 4] = ["post", "post_with_link", "alt_text", "delete"];
/// `[defaults]`
pub(super) const DEFAULTS: [&str; 2] = ["profile", "feed"];
/// `[[profile]]`
pub(super) const PROFILE: [&str; 26] = [
    "name",
    "group",
    "platforms",
    "profile_key",
    "x_api_key",
    "x_api_secret",
    "time_zone",
    "post_at",
    "min_gap",
    "max_per_hour",
    "max_per_day",
    "quiet_hours",
    "blackout",
    "jitter",
    "spread",
    "order",
    "breaking_ignores",
    "pace",
    "budget",
    "include",
    "exclude",
    "hold",
    "duplicates",
    "same_text",
    "repost",
    "options",
];
/// `[profile.pace.<platform>]`: those keys of a profile that its platforms can have as well.
pub(super) const PACE: [&str; 10] = [
    "post_at",
    "min_gap",
    "max_per_hour",
    "max_per_day",
    "quiet_hours",
    "blackout",
    "jitter",
    "spread",
    "order",
    "breaking_ignores",
];
/// `[defaults.profile]`
pub(super) fn profile_defaults() -> impl Iterator<Item = &'static str> {
    PROFILE.into_iter().filter(|key| *key != "name" && *key != "group")
}
/// `[group.NAME]`
pub(super) const GROUP: [&str; 3] = ["budget", "profile", "feed"];
/// `budget` of a profile or a feed.
pub(super) const BUDGET: [&str; 3] = ["usd", "per", "when_spent"];
/// `[budget]`, and that of a group.
pub(super) const OVERALL_BUDGET: [&str; 4] = ["usd", "per", "when_spent", "time_zone"];
/// `duplicates` of a profile.
pub(super) const DUPLICATES: [&str; 3] = ["window", "same_link", "like_title"];
/// `repost` of a profile.
pub(super) const REPOST: [&str; 2] = ["after", "max_per_month"];
/// `settle` of a feed, as a table.
pub(super) const SETTLE: [&str; 2] = ["wait", "unless"];
/// `media` of a feed.
pub(super) const MEDIA: [&str; 5] = ["from", "max", "fallback", "alt", "video"];
/// `digest` of a feed.
pub(super) const DIGEST: [&str; 4] = ["every", "max", "link", "title"];
/// `[[feed]]`
pub(super) const FEED: [&str; 33] = [
    "name",
    "url",
    "profiles",
    "interval",
    "cron",
    "adapt",
    "own",
    "allow_http",
    "first_run",
    "hold_above",
    "expire_after",
    "allow_mentions",
    "include",
    "exclude",
    "hold",
    "max_age",
    "language",
    "on_update",
    "settle",
    "priority",
    "breaking",
    "order",
    "min_gap",
    "max_per_hour",
    "max_per_day",
    "post_at",
    "quiet_hours",
    "embargo",
    "budget",
    "compose",
    "media",
    "options",
    "digest",
];
/// Keys of `[[feed]]` that belong to one feed alone: where it stands, and how it is reached. Its
/// credentials must never go to another one by inheritance.
pub(super) const FEED_OWN: [&str; 6] = ["folder", "auth", "headers", "cookies", "proxy", "ca_file"];
/// Whether a feed can have a key of this name.
pub fn is_of_feed(key: &str) -> bool {
    feed().any(|known| known == key)
}
/// Whether a key of a feed leads to secrets, or has others stand between its server and us: it is
/// taken from nobody but the operator.
pub fn is_of_access(key: &str) -> bool {
    key != "folder" && FEED_OWN.contains(&key)
}
/// All of `[[feed]]`
pub(super) fn feed() -> impl Iterator<Item = &'static str> {
    FEED.into_iter().chain(FEED_OWN)
}
/// `compose` of a feed, and of one platform in it.
pub(super) const COMPOSE: [&str; 8] =
    ["template", "link", "utm", "strip_tracking", "max_length", "long_posts", "hashtags", "values"];
/// The table in `compose` for the platforms that have none of their own.
pub(super) const COMPOSE_DEFAULT: &str = "default";
/// `utm` in `compose`, each without its `utm_`.
pub(super) const UTM: [&str; 5] = ["source", "medium", "campaign", "term", "content"];
/// `hashtags` in `compose`.
pub(super) const HASHTAGS: [&str; 5] = ["from", "map", "max", "deny", "case"];
/// `[defaults.feed]`
pub(super) fn feed_defaults() -> impl Iterator<Item = &'static str> {
    FEED.into_iter().filter(|key| *key != "name" && *key != "url")
}

/// `[[alert]]`
pub(super) const ALERT: [&str; 18] = [
    "name",
    "kind",
    "on",
    "min_severity",
    "profiles",
    "weekly",
    "time_zone",
    "format",
    "url",
    "token",
    "server",
    "port",
    "security",
    "user",
    "password",
    "from",
    "to",
    "command",
];
/// Of these, the ones of `kind = "webhook"`,
pub(super) const ALERT_WEBHOOK: [&str; 3] = ["format", "url", "token"];
/// of `kind = "email"`,
pub(super) const ALERT_EMAIL: [&str; 7] =
    ["server", "port", "security", "user", "password", "from", "to"];
/// and of `kind = "command"`.
pub(super) const ALERT_COMMAND: [&str; 1] = ["command"];

/// The networks that Ayrshare posts to, by its own names (contract, section 1.2).
pub(super) const PLATFORMS: [&str; 13] = [
    "bluesky",
    "facebook",
    "gmb",
    "instagram",
    "linkedin",
    "pinterest",
    "reddit",
    "snapchat",
    "telegram",
    "threads",
    "tiktok",
    "twitter",
    "youtube",
];

/// A word's length beyond which it resembles nothing.
const WORD_MAX: usize = 64;

/// The candidate that was most likely meant: equal but for capitals, or a few typing errors away.
pub(super) fn nearest<'a>(
    typed: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let typed: Vec<char> = typed.chars().take(WORD_MAX + 1).collect();
    if typed.len() > WORD_MAX {
        return None;
    }
    let typed: Vec<char> = typed.iter().flat_map(|c| c.to_lowercase()).collect();
    // A third of the letters may be wrong, three at most.
    let allowed = std::cmp::min(typed.len() / 3 + usize::from(typed.len() == 2), 3);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len().abs_diff(typed.len()) <= allowed)
        .map(|candidate| (distance(&typed, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Letters to insert, delete or replace to get from one word to the other; two letters that changed
/// places count once.
fn distance(typed: &[char], candidate: &str) -> usize {
    let candidate: Vec<char> = candidate.chars().flat_map(char::to_lowercase).collect();
    if are_swapped(typed, &candidate) {
        return 1;
    }
    let mut row: Vec<usize> = (0..=typed.len()).collect();
    for (line, letter) in candidate.iter().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        let mut next = vec![left];
        for (typed, above) in typed.iter().zip(row.iter().skip(1)) {
            let replaced = diagonal + usize::from(typed != letter);
            left = std::cmp::min(replaced, std::cmp::min(left, *above) + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(usize::MAX)
}

/// Whether the words differ only by two neighbours that changed places.
fn are_swapped(one: &[char], other: &[char]) -> bool {
    let differing: Vec<(usize, (&char, &char))> = one
        .iter()
        .zip(other)
        .enumerate()
        .filter(|(_, (one, other))| one != other)
        .take(3)
        .collect();
    matches!(
        differing.as_slice(),
        [(first, (a, b)), (second, (c, d))]
            if one.len() == other.len() && first + 1 == *second && a == d && b == c
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_key_and_nonsense_finds_none() {
        assert_eq!(nearest("intervall", FEED), Some("interval"));
        assert_eq!(nearest("PROFILES", FEED), Some("profiles"));
        assert_eq!(nearest("ulr", FEED), Some("url"));
        assert_eq!(nearest("colour", FEED), None);
        assert_eq!(nearest("", FEED), None);
        assert_eq!(nearest(&"x".repeat(100_000), FEED), None);
    }

    #[test]
    fn the_example_shows_every_key() {
        let example = include_str!("../../config.example.toml");
        let shown = |key: &str| {
            example.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ']);
                line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with('='))
            })
        };
        let missing: Vec<&str> = PLAIN_SECTIONS
            .iter()
            .flat_map(|(_, keys)| keys.iter().copied())
            .chain(PROFILE)
            .chain(feed().filter(|key| *key != "compose"))
            .chain(COMPOSE)
            .chain(ALERT)
            .filter(|key| !shown(key))
            .chain(
                BUDGET
                    .into_iter()
                    .chain(DUPLICATES)
                    .chain(REPOST)
                    .chain(SETTLE)
                    .chain(MEDIA)
                    .chain(DIGEST)
                    .chain(UTM)
                    .chain(HASHTAGS)
                    .filter(|key| !example.contains(*key)),
            )
            .collect();
        assert_eq!(missing, [""; 0]);
        for section in ["[defaults.profile]", "[defaults.feed]", "[feed.compose]"] {
            assert!(example.contains(section), "{section}");
        }
        for (section, _) in PLAIN_SECTIONS {
            assert!(example.contains(&format!("[{section}]")), "{section}");
        }
    }
}
