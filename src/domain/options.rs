//! Ayrshare's own options of a post, passed through (contract, sections 1.2 and 1.3).
//!
//! Promises: only fields that the contract lists; none that would break what we promise (a second
//! key, a schedule of Ayrshare's own, another text or network). Must not: interpret a value beyond
//! its type and limits.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::breaker::X;
use super::compose::rules_of;

/// Options as they go into the body of a request: fields that are checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Options(Map<String, Value>);

/// What the value of a field has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// `true` or `false`.
    Flag,
    /// A text of at most so many characters, not empty.
    Text(usize),
    /// An https address.
    Address,
    /// One of these words.
    Word(&'static [&'static str]),
    /// Texts, at least one.
    Texts,
    /// A text, or texts.
    TextOrTexts,
    /// `true`, or `{ max, position }`.
    Hashtags,
    /// `{ comment, mediaUrls }`
    Comment,
    /// `{ duration, options }`
    Poll,
    /// The fields of X's own options.
    X,
    /// A table whose fields the contract does not list.
    Table,
}

/// The longest comment, in characters; networks allow less.
const COMMENT_CHARS_MAX: usize = 2_200;
/// A poll of X: minutes, answers, characters of an answer.
const POLL_MINUTES: std::ops::RangeInclusive<u64> = 5..=10_080;
const POLL_ANSWERS: std::ops::RangeInclusive<usize> = 2..=4;
const POLL_ANSWER_CHARS_MAX: usize = 25;

/// Fields beside the networks' own options.
const COMMON: [(&str, Shape); 5] = [
    ("autoHashtag", Shape::Hashtags),
    ("disableComments", Shape::Flag),
    ("firstComment", Shape::Comment),
    ("shortenLinks", Shape::Flag),
    ("unsplash", Shape::TextOrTexts),
];

/// The networks' own options, with the contract's capitals.
const OF_PLATFORM: [(&str, &str); 13] = [
    ("bluesky", "blueskyOptions"),
    ("facebook", "faceBookOptions"),
    ("gmb", "gmbOptions"),
    ("instagram", "instagramOptions"),
    ("linkedin", "linkedInOptions"),
    ("pinterest", "pinterestOptions"),
    ("reddit", "redditOptions"),
    ("snapchat", "snapchatOptions"),
    ("telegram", "telegramOptions"),
    ("threads", "threadsOptions"),
    ("tiktok", "tikTokOptions"),
    (X, X_OPTIONS),
    ("youtube", "youTubeOptions"),
];

/// X's own options.
pub const X_OPTIONS: &str = "twitterOptions";

const OF_X: [(&str, Shape); 10] = [
    ("allowCountries", Shape::Texts),
    ("blockCountries", Shape::Texts),
    ("longPost", Shape::Flag),
    ("longVideo", Shape::Flag),
    ("poll", Shape::Poll),
    ("replySettings", Shape::Word(&["following", "mentioned", "subscribers", "verified"])),
    ("subTitleLanguage", Shape::Text(20)),
    ("subTitleName", Shape::Text(150)),
    ("subTitleUrl", Shape::Address),
    ("subscribersOnly", Shape::Flag),
];

/// Networks on which comments can be turned off (contract, section 1.2).
const WITH_DISABLED_COMMENTS: [&str; 3] = ["instagram", "linkedin", "tiktok"];

/// Fields that the contract has and that are refused, each with the reason and what to do.
const REFUSED: [(&str, &str, &str); 18] = [
    ("post", "the text is composed from the entry", "leave it out"),
    (
        "platforms",
        "one request goes to one network",
        "name the networks in the profile's `platforms`",
    ),
    ("mediaUrls", "images are chosen for each entry", "use `media` of the feed"),
    ("isVideo", "it is set where a video goes out", "use `media = { video = true }` of the feed"),
    (
        "scheduleDate",
        "Ayrshare would have to keep the X keys until then",
        "use `post_at` of the profile",
    ),
    ("validateScheduled", "nothing is scheduled at Ayrshare", "leave it out"),
    (
        "autoSchedule",
        "Ayrshare would have to keep the X keys until then",
        "use `post_at` of the profile",
    ),
    ("autoRepost", "it would post the same entry again", "leave it out"),
    ("idempotencyKey", "it is what keeps a post from going out twice", "leave it out"),
    ("notes", "they hold the reference by which a lost answer is looked up", "leave it out"),
    (
        "requiresApproval",
        "the post would wait at Ayrshare, unseen",
        "hold it here: `hold_above = 0` of the feed",
    ),
    ("profileKeys", "one request goes to one profile", "use `profile_key` of the profile"),
    ("randomPost", "it is for tests of Ayrshare", "leave it out"),
    ("randomMediaUrl", "it is for tests of Ayrshare", "leave it out"),
    ("isLandscapeVideo", "it is for tests of Ayrshare", "leave it out"),
    ("isPortraitVideo", "it is for tests of Ayrshare", "leave it out"),
    ("source", "it is not documented", "leave it out"),
    ("xOptions", "only Ayrshare's MCP server has this name", "write `twitterOptions`"),
];

const REFUSED_OF_X: [(&str, &str, &str); 6] = [
    ("altText", "each image has its own", "use `media = { alt = true }` of the feed"),
    ("mediaUrls", "images are chosen for each entry", "use `media` of the feed"),
    (
        "quoteTweetId",
        "X takes quote posts from Enterprise customers only, so every post would fail",
        "leave it out",
    ),
    (
        "replyToId",
        "X takes replies only where somebody called for them, so every post would fail",
        "leave it out",
    ),
    ("thread", "a post has no blank line at which it could be split", "leave it out"),
    ("threadNumber", "a post is never a thread", "leave it out"),
];

/// Why a field is refused, and what to do.
pub fn refusal(field: &str, of_x: bool) -> Option<(&'static str, &'static str)> {
    let mut refused = if of_x { REFUSED_OF_X.iter() } else { REFUSED.iter() };
    refused.find(|(name, ..)| *name == field).map(|(_, why, remedy)| (*why, *remedy))
}

/// What a field has to be; `None` where the contract does not list it.
pub fn shape(field: &str, of_x: bool) -> Option<Shape> {
    let listed = if of_x { &OF_X[..] } else { &COMMON[..] };
    let own = listed.iter().find(|(name, _)| *name == field).map(|(_, shape)| *shape);
    own.or_else(|| match field {
        _ if of_x => None,
        X_OPTIONS => Some(Shape::X),
        _ => OF_PLATFORM.iter().any(|(_, name)| *name == field).then_some(Shape::Table),
    })
}

/// The names that can be given.
pub fn names(of_x: bool) -> Vec<&'static str> {
    if of_x {
        return OF_X.iter().map(|(name, _)| *name).collect();
    }
    let platforms = OF_PLATFORM.iter().map(|(_, name)| *name);
    COMMON.iter().map(|(name, _)| *name).chain(platforms).collect()
}

impl Shape {
    /// What is wrong with a value, as the end of "expected …"; `None` where it is right.
    pub fn fault(self, value: &Value) -> Option<String> {
        let text = |value: &Value, most: usize| {
            value
                .as_str()
                .is_some_and(|text| !text.trim().is_empty() && text.chars().count() <= most)
        };
        let texts = |value: &Value| {
            value
                .as_array()
                .is_some_and(|all| !all.is_empty() && all.iter().all(|one| text(one, 200)))
        };
        let (right, expected) = match self {
            Self::Flag => (value.is_boolean(), "true or false".to_owned()),
            Self::Text(most) => (text(value, most), format!("a text of 1 to {most} characters")),
            Self::Address => (is_address(value), "an https address".to_owned()),
            Self::Word(words) => (
                value.as_str().is_some_and(|word| words.contains(&word)),
                format!("one of \"{}\"", words.join("\", \"")),
            ),
            Self::Texts => (texts(value), "a list of texts".to_owned()),
            Self::TextOrTexts => (text(value, 200) || texts(value), "a text or a list of texts".to_owned()),
            Self::Hashtags => (
                value.is_boolean() || is_hashtags(value),
                "true, or { max = 1 to 10, position = \"auto\" or \"end\" }".to_owned(),
            ),
            Self::Comment => (
                only(value, &["comment", "mediaUrls"])
                    && value.get("comment").is_some_and(|comment| text(comment, COMMENT_CHARS_MAX))
                    && value.get("mediaUrls").is_none_or(|urls| {
                        urls.as_array().is_some_and(|urls| urls.iter().all(is_address))
                    }),
                "{ comment = \"…\", mediaUrls = [\"https://…\"] }".to_owned(),
            ),
            Self::Poll => (
                is_poll(value),
                "{ duration = 5 to 10080 minutes, options = 2 to 4 texts of at most 25 characters }"
                    .to_owned(),
            ),
            Self::X | Self::Table => (value.is_object(), "a table".to_owned()),
        };
        (!right).then_some(expected)
    }
}

fn only(value: &Value, fields: &[&str]) -> bool {
    value.as_object().is_some_and(|table| table.keys().all(|key| fields.contains(&key.as_str())))
}

fn is_address(value: &Value) -> bool {
    let url = value.as_str().and_then(|text| url::Url::parse(text).ok());
    url.is_some_and(|url| url.scheme() == "https" && url.has_host())
}

fn is_hashtags(value: &Value) -> bool {
    let max = value.get("max");
    let position = value.get("position");
    only(value, &["max", "position"])
        && max.is_none_or(|max| max.as_u64().is_some_and(|max| (1..=10).contains(&max)))
        && position.is_none_or(|word| matches!(word.as_str(), Some("auto" | "end")))
}

fn is_poll(value: &Value) -> bool {
    let answers = value.get("options").and_then(Value::as_array);
    let minutes = value.get("duration").and_then(Value::as_u64);
    only(value, &["duration", "options"])
        && minutes.is_some_and(|minutes| POLL_MINUTES.contains(&minutes))
        && answers.is_some_and(|answers| {
            POLL_ANSWERS.contains(&answers.len())
                && answers.iter().all(|one| {
                    one.as_str().is_some_and(|text| {
                        (1..=POLL_ANSWER_CHARS_MAX).contains(&text.chars().count())
                    })
                })
        })
}

impl Options {
    /// Of fields that were checked.
    pub const fn new(fields: Map<String, Value>) -> Self {
        Self(fields)
    }

    /// The fields.
    pub const fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// These over more general ones: a field wins over the other one of its name, and within a
    /// network's own options each field does.
    #[must_use]
    pub fn over(&self, general: &Self) -> Self {
        let mut joined = general.0.clone();
        for (name, value) in &self.0 {
            match (joined.get_mut(name), value) {
                (Some(Value::Object(below)), Value::Object(above)) if name.ends_with("Options") => {
                    below.extend(above.clone());
                }
                (_, value) => {
                    joined.insert(name.clone(), value.clone());
                }
            }
        }
        Self(joined)
    }

    /// What of these goes to one network: its own options, and what is common and works there. A
    /// comment on X would be a reply, which X refuses.
    #[must_use]
    pub fn on(&self, platform: &str) -> Self {
        let own = OF_PLATFORM.iter().find(|(name, _)| *name == platform).map(|(_, field)| *field);
        let goes = |field: &str| match field {
            "firstComment" => platform != X,
            "disableComments" => WITH_DISABLED_COMMENTS.contains(&platform),
            _ => Some(field) == own || COMMON.iter().any(|(name, _)| *name == field),
        };
        let fields = self.0.iter().filter(|(name, _)| goes(name));
        Self(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    /// With X's `longPost` where a text is longer than X lets everybody write. What the user says of
    /// it stays.
    #[must_use]
    pub fn for_length(mut self, platform: &str, weighted_length: u32) -> Self {
        if platform == X && weighted_length > rules_of(X).limit {
            let own = self.0.entry(X_OPTIONS).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(own) = own {
                own.entry("longPost").or_insert(Value::Bool(true));
            }
        }
        self
    }

    /// A field of X's own options.
    fn of_x(&self, field: &str) -> Option<&Value> {
        self.0.get(X_OPTIONS)?.get(field)
    }

    /// What of these can't go out together on one network: what, and what to do.
    pub fn clash(
        &self,
        with_media: bool,
        with_video: bool,
    ) -> Option<(&'static str, &'static str)> {
        let x = |field| self.of_x(field).is_some();
        if x("allowCountries") && x("blockCountries") {
            return Some((
                "allowCountries and blockCountries exclude each other",
                "leave one of them out",
            ));
        }
        if x("poll") && (with_media || self.0.contains_key("unsplash")) {
            return Some(("X shows a poll or an image, not both", "leave out `poll` or `media`"));
        }
        if with_media && self.0.contains_key("unsplash") {
            return Some(("`unsplash` and `media` both attach images", "leave out one of them"));
        }
        if !with_video && ["subTitleUrl", "subTitleName", "subTitleLanguage"].into_iter().any(x) {
            return Some((
                "subtitles need a video",
                "allow one: `media = { video = true }`, or leave them out",
            ));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn options(value: &Value) -> Options {
        serde_json::from_value(value.clone()).expect("options")
    }

    #[test]
    fn each_shape_takes_what_the_contract_says_and_nothing_else() {
        let right = [
            ("shortenLinks", json!(true)),
            ("autoHashtag", json!(true)),
            ("autoHashtag", json!({"max": 10, "position": "end"})),
            ("firstComment", json!({"comment": "More", "mediaUrls": ["https://a.example/b.png"]})),
            ("unsplash", json!("random")),
            ("unsplash", json!(["HubtZZb2fCM"])),
            ("redditOptions", json!({"title": "x", "subreddit": "test"})),
            ("twitterOptions", json!({})),
        ];
        for (field, value) in right {
            let shape = shape(field, false).expect(field);
            assert_eq!(shape.fault(&value), None, "{field} {value}");
        }
        let wrong = [
            ("shortenLinks", json!("true")),
            ("autoHashtag", json!({"max": 11})),
            ("autoHashtag", json!({"maximum": 2})),
            ("autoHashtag", json!({"position": "start"})),
            ("firstComment", json!("More")),
            ("firstComment", json!({"comment": " "})),
            ("firstComment", json!({"comment": "More", "mediaUrls": ["http://a.example/b.png"]})),
            ("unsplash", json!([])),
            ("faceBookOptions", json!(true)),
        ];
        for (field, value) in wrong {
            let shape = shape(field, false).expect(field);
            assert!(shape.fault(&value).is_some(), "{field} {value}");
        }
        let poll = |minutes, answers: &[&str]| json!({"duration": minutes, "options": answers});
        let poll_fault = |value: &Value| Shape::Poll.fault(value).is_some();
        assert!(!poll_fault(&poll(60, &["Yes", "No"])));
        assert!(poll_fault(&poll(1, &["Yes", "No"])));
        assert!(poll_fault(&poll(60, &["Yes"])));
        assert!(poll_fault(&poll(60, &["Yes", &"n".repeat(26)])));
    }

    #[test]
    fn no_field_is_both_taken_and_refused() {
        for of_x in [false, true] {
            for name in names(of_x) {
                assert!(shape(name, of_x).is_some(), "{name}");
                assert_eq!(refusal(name, of_x), None, "{name}");
            }
        }
        assert!(refusal("scheduleDate", false).is_some());
        assert!(refusal("quoteTweetId", true).is_some());
        assert_eq!(shape("quoteTweetId", true), None);
    }

    #[test]
    fn a_feeds_field_wins_over_its_profiles_and_each_network_gets_its_own() {
        let profile = options(&json!({
            "shortenLinks": true,
            "twitterOptions": {"replySettings": "following", "subscribersOnly": true},
            "linkedInOptions": {"visibility": "public"},
        }));
        let feed = options(&json!({
            "firstComment": {"comment": "More"},
            "disableComments": true,
            "twitterOptions": {"replySettings": "verified"},
        }));
        let joined = feed.over(&profile);
        let x = json!({
            "shortenLinks": true,
            "twitterOptions": {"replySettings": "verified", "subscribersOnly": true},
        });
        assert_eq!(joined.on(X), options(&x));
        let linkedin = json!({
            "shortenLinks": true,
            "firstComment": {"comment": "More"},
            "disableComments": true,
            "linkedInOptions": {"visibility": "public"},
        });
        assert_eq!(joined.on("linkedin"), options(&linkedin));
        let bluesky = json!({"shortenLinks": true, "firstComment": {"comment": "More"}});
        assert_eq!(joined.on("bluesky"), options(&bluesky));
    }

    #[test]
    fn only_a_long_text_on_x_is_marked_as_long_and_the_users_word_stays() {
        let own = options(&json!({"twitterOptions": {"replySettings": "verified"}}));
        let long =
            options(&json!({"twitterOptions": {"replySettings": "verified", "longPost": true}}));
        assert_eq!(own.clone().for_length(X, 281), long);
        assert_eq!(long.clone().for_length(X, 281), long);
        assert_eq!(own.clone().for_length(X, 280), own);
        assert_eq!(own.clone().for_length("linkedin", 281), own);
        let alone = options(&json!({"twitterOptions": {"longPost": true}}));
        assert_eq!(Options::default().for_length(X, 25_000), alone);
        let refused = options(&json!({"twitterOptions": {"longPost": false}}));
        assert_eq!(refused.clone().for_length(X, 281), refused);
    }

    #[test]
    fn what_fails_together_is_told() {
        let clash = |value: Value, media, video| options(&value).clash(media, video).is_some();
        let poll = json!({"twitterOptions": {"poll": {"duration": 60, "options": ["a", "b"]}}});
        assert!(clash(poll.clone(), true, false));
        assert!(!clash(poll, false, false));
        assert!(clash(json!({"unsplash": "random"}), true, false));
        let both = json!({"twitterOptions": {"allowCountries": ["DE"], "blockCountries": ["FR"]}});
        assert!(clash(both, false, false));
        let subtitles = json!({"twitterOptions": {"subTitleName": "English"}});
        assert!(clash(subtitles.clone(), true, false));
        assert!(!clash(subtitles, true, true));
    }
}
