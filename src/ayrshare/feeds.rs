//! What `GET /feed` lists: the feeds that Ayrshare itself polls for a profile.
//!
//! Promises: every shape that the contract knows (section 7.1) is read, and an entry that can't be
//! is counted. Must not: ask an address, or decide what becomes of a feed.

use serde_json::Value;
use url::Url;

/// Feeds of one profile that are taken.
const LISTED_MAX: usize = 1_000;
/// The longest title, in characters.
const TITLE_MAX: usize = 200;

/// One feed that Ayrshare polls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its title; may be empty.
    pub title: String,
    /// The feed, where it is told (`rssURL`, `feedURL`, `url`), or else its site (`websiteLink`, `link`).
    pub url: Url,
    /// Whether `url` is told to be the feed itself; Ayrshare takes sites there too.
    pub is_feed: bool,
    /// `useFirstImage`
    pub first_image: bool,
    /// `autoHashtag`: how many at most, where it is on.
    pub hashtags: Option<u64>,
}

/// All that was listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// In its order.
    pub feeds: Vec<Listed>,
    /// Entries without any address, by title or id.
    pub without_address: Vec<String>,
}

/// Reads the body of an answer with status 200; `None` where it lists no feeds at all.
pub fn listed(body: &str) -> Option<Listing> {
    let answer: Value = serde_json::from_str(body).ok()?;
    let rows = answer.get("feeds").unwrap_or(&answer).as_array()?;
    let mut listing = Listing::default();
    for row in rows.iter().take(LISTED_MAX) {
        let title = text(row, "title").unwrap_or_default();
        let title: String = title.chars().filter(|it| !it.is_control()).take(TITLE_MAX).collect();
        let feed = ["rssURL", "feedURL", "url"].iter().find_map(|key| address(row, key));
        let site = ["websiteLink", "link"].iter().find_map(|key| address(row, key));
        let is_feed = feed.is_some();
        match feed.or(site) {
            Some(url) => listing.feeds.push(Listed {
                title,
                url,
                is_feed,
                first_image: row.get("useFirstImage").is_some_and(is_on),
                hashtags: row.get("autoHashtag").filter(|it| is_on(it)).map(most),
            }),
            None if title.is_empty() => {
                listing.without_address.push(text(row, "id").unwrap_or_default().to_owned());
            }
            None => listing.without_address.push(title),
        }
    }
    Some(listing)
}

/// How many hashtags Ayrshare's feeds add at most, unless they say so.
const HASHTAGS: u64 = 3;
/// How many may be asked for (contract, section 1.2).
const HASHTAGS_MAX: u64 = 10;

fn most(value: &Value) -> u64 {
    value.get("max").and_then(Value::as_u64).unwrap_or(HASHTAGS).clamp(1, HASHTAGS_MAX)
}

/// `true`, the word for it, or a table of settings.
fn is_on(value: &Value) -> bool {
    match value {
        Value::Bool(on) => *on,
        Value::String(word) => word.eq_ignore_ascii_case("true"),
        Value::Object(_) => true,
        Value::Null | Value::Number(_) | Value::Array(_) => false,
    }
}

fn text<'a>(row: &'a Value, key: &str) -> Option<&'a str> {
    row.get(key)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

fn address(row: &Value, key: &str) -> Option<Url> {
    let typed = text(row, key)?;
    // Ayrshare's own examples name a site without a scheme.
    let url = Url::parse(typed).or_else(|_| Url::parse(&format!("https://{typed}"))).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.has_host()).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_read() {
        let body = r#"{"status":"success","feeds":[
            {"autoHashtag":false,"id":"1","image":{"url":"https://a.example/i.png","link":"https://a.example"},
             "link":"https://a.example","title":"Site only"},
            {"id":"2","title":"R","websiteLink":"https://b.example","rssURL":"https://b.example/feed","useFirstImage":true,"autoHashtag":true},
            {"id":"3","title":"F","feedURL":"https://c.example/feed","autoHashtag":{"max":2}},
            {"id":"4","title":null,"url":"nytimes.com","type":"rss","useFirstImage":"true"},
            {"id":"5","title":"None"},{"id":"6"},7]}"#;
        let listing = listed(body).expect("a list");
        let rows: Vec<String> = listing
            .feeds
            .iter()
            .map(|it| {
                let Listed { title, url, is_feed, first_image, hashtags } = it;
                format!("{title:?} {url} {is_feed} {first_image} {hashtags:?}")
            })
            .collect();
        assert_eq!(
            rows,
            [
                r#""Site only" https://a.example/ false false None"#,
                r#""R" https://b.example/feed true true Some(3)"#,
                r#""F" https://c.example/feed true false Some(2)"#,
                r#""" https://nytimes.com/ true true None"#,
            ]
        );
        assert_eq!(listing.without_address, ["None", "6", ""]);
        let bare = listed(r#"[{"url":"https://a.example/feed"}]"#).expect("a list");
        assert_eq!(bare.feeds.len(), 1);
        for none in ["", "{}", r#"{"status":"error","code":1}"#, r#"{"feeds":{}}"#] {
            assert_eq!(listed(none), None, "{none}");
        }
    }
}
