//! How long a text may be on each platform, and how that is measured.
//!
//! Promises: a text that keeps to the rules of its platform is not too long there. Must not: know
//! what is in a text.

use crate::domain::breaker::X;
use crate::domain::weight::weighted_length;

/// The longest post of an X Premium account (contract, section 1.3, `longPost`).
pub const LONG_POST_LENGTH: u32 = 25_000;

/// How a platform measures a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weigh {
    /// By X's weighted count.
    X,
    /// In UTF-16 code units, each link by its letters: never less than the characters or graphemes
    /// that other platforms count.
    Characters,
}

impl Weigh {
    /// How long a text is by this measure.
    pub fn length(self, text: &str) -> u32 {
        match self {
            Self::X => weighted_length(text),
            Self::Characters => u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX),
        }
    }
}

/// What a text has to keep to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The longest length, by `weigh`.
    pub limit: u32,
    /// Whether `@name` in a feed's text may mention somebody. Off unless the user asks for it.
    pub allow_mentions: bool,
    /// How length is measured.
    pub weigh: Weigh,
}

/// The rules of one of Ayrshare's platforms, by its name there (contract, section 1.2).
///
/// X counts by weight (contract, section 9.1). The other limits are the networks' own as they were
/// published; where a network has several, the one that holds without media is taken (Telegram's
/// captions of media end at 1,024) and for Reddit that of a title. `None` for an unknown name.
pub fn limit_of(platform: &str) -> Option<Rules> {
    let (limit, weigh) = match platform {
        X => (280, Weigh::X),
        "bluesky" | "reddit" => (300, Weigh::Characters),
        "facebook" => (63_206, Weigh::Characters),
        "gmb" => (1_500, Weigh::Characters),
        "instagram" | "tiktok" => (2_200, Weigh::Characters),
        "linkedin" => (3_000, Weigh::Characters),
        "pinterest" | "threads" => (500, Weigh::Characters),
        "snapchat" => (160, Weigh::Characters),
        "telegram" => (4_096, Weigh::Characters),
        "youtube" => (5_000, Weigh::Characters),
        _ => return None,
    };
    Some(Rules { limit, allow_mentions: false, weigh })
}

/// The rules of a platform; for one that nobody knows, the tightest that there are.
pub fn rules_of(platform: &str) -> Rules {
    limit_of(platform).unwrap_or(Rules {
        limit: 160,
        allow_mentions: false,
        weigh: Weigh::Characters,
    })
}
