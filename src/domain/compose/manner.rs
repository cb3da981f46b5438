//! How a feed's posts read, as its user set it.
//!
//! Promises: without any setting a post is the entry's title, a line break and its link. Must not:
//! know of entries.

use std::cmp;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::platform::{LONG_POST_LENGTH, Rules, rules_of};
use crate::domain::breaker::X;
use crate::domain::hashtags::Hashtags;
use crate::domain::template::Template;

/// What becomes of an entry's link.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LinkPolicy {
    /// It is the last line, unless the template has printed it elsewhere.
    #[default]
    Append,
    /// There is none, and no other link in the text either: X bills the post as one without.
    None,
    /// Where the template prints it, and nowhere else.
    Template,
}

/// How the posts of a feed read on one platform.
#[derive(Debug, Clone)]
pub struct Manner {
    /// `None` for the title, or what stands in for it.
    pub template: Option<Arc<Template>>,
    /// Custom values, for the template.
    pub values: Arc<BTreeMap<String, String>>,
    /// What becomes of the link.
    pub link: LinkPolicy,
    /// Parameters that are added to the link, such as `utm_source`, where it has none of the name.
    pub utm: Vec<(String, String)>,
    /// Whether parameters that only tell where a reader came from are taken off the link.
    pub strip_tracking: bool,
    /// A limit below the platform's own.
    pub max_length: Option<u32>,
    /// Whether the X account may send long posts (Premium).
    pub long_posts: bool,
    /// How categories become hashtags; `None` for no hashtags.
    pub hashtags: Option<Hashtags>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            template: None,
            values: Arc::default(),
            link: LinkPolicy::default(),
            utm: Vec::new(),
            // What a publisher writes behind the links of a feed says "came by the feed". It would
            // count the readers of a post as the feed's, and no page needs it.
            strip_tracking: true,
            max_length: None,
            long_posts: false,
            hashtags: None,
        }
    }
}

impl Manner {
    /// What a text has to keep to on a platform.
    pub fn rules(&self, platform: &str, allow_mentions: bool) -> Rules {
        let rules = rules_of(platform);
        let own = if self.long_posts && platform == X { LONG_POST_LENGTH } else { rules.limit };
        let limit = self.max_length.map_or(own, |length| cmp::min(length, own));
        Rules { limit, allow_mentions, ..rules }
    }
}

/// How the posts of a feed read on each platform.
#[derive(Debug, Clone, Default)]
pub struct Compose {
    /// Where nothing else is said.
    pub default: Manner,
    /// By platform, where it differs.
    pub platforms: BTreeMap<String, Manner>,
}

impl Compose {
    /// How posts read on a platform.
    pub fn manner(&self, platform: &str) -> &Manner {
        self.platforms.get(platform).unwrap_or(&self.default)
    }
}
