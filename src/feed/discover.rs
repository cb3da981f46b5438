//! Where the feed of a site is: what its page names, what its address alone tells, what is usual.
//!
//! Promises: only http(s) addresses, absolute, the likeliest first: feeds that are not of comments
//! before those that are, else in the page's order; at most [`FOUND_MAX`]. Must not: fetch anything.

use html_escape::decode_html_entities;
use url::Url;

use super::parse::web_address;
use super::tokens::{Token, Tokens, attribute};

/// More than these are of no use to a person.
pub const FOUND_MAX: usize = 8;
/// Where feeds usually lie on a site, the likeliest first.
const USUAL: [&str; 7] =
    ["feed", "feed.xml", "rss.xml", "atom.xml", "index.xml", "feed.json", "rss"];
/// Tags of a page that are looked at.
const TAGS_MAX: usize = 20_000;
/// Parts of a title or address that tell a feed of comments.
const COMMENTS: [&str; 5] = ["comment", "kommentar", "comentario", "commento", "reactie"];

/// The addresses of `<link rel="alternate">` with a feed's type, and that of a channel of `YouTube`.
pub fn feeds_of(page: &str, address: &Url) -> Vec<Url> {
    let mut base = address.clone();
    let mut found: Vec<(bool, Url)> = Vec::new();
    let mut channel = None;
    let is_youtube = bare_host(address) == "youtube.com";
    let starts = Tokens::new(page).filter_map(|token| match token {
        Token::Start { name, attributes, .. } => Some((name, attributes)),
        Token::End(_) | Token::Text(_) | Token::Data(_) | Token::Cut => None,
    });
    for (name, attributes) in starts.take(TAGS_MAX) {
        if is_youtube && channel.is_none() {
            channel = channel_in(name, attributes);
        }
        let href = attribute(attributes, "href").map(decode_html_entities);
        let Some(href) = href else { continue };
        if name.eq_ignore_ascii_case("base") {
            base = base.join(&href).unwrap_or(base);
        } else if name.eq_ignore_ascii_case("link")
            && names_a_feed(attributes)
            && let Some(url) = web_address(&href, &base).and_then(|url| Url::parse(&url).ok())
            && !found.iter().any(|(_, known)| *known == url)
        {
            found.push((is_of_comments(attributes, &url), url));
        }
        if found.len() >= FOUND_MAX {
            break;
        }
    }
    if found.is_empty()
        && let Some(url) = channel.and_then(|id| youtube("channel_id", &id))
    {
        found.push((false, url));
    }
    // Stable: the page's own order stays within both groups.
    found.sort_by_key(|(of_comments, _)| *of_comments);
    found.into_iter().map(|(_, url)| url).collect()
}

fn names_a_feed(attributes: &str) -> bool {
    let word = |name| attribute(attributes, name).map(str::to_ascii_lowercase);
    let alternate =
        word("rel").is_some_and(|rel| rel.split_whitespace().any(|rel| rel == "alternate"));
    let kind = word("type").unwrap_or_default();
    alternate
        && ["application/rss+xml", "application/atom+xml", "application/feed+json"]
            .iter()
            .any(|known| kind.trim().starts_with(known))
}

fn is_of_comments(attributes: &str, url: &Url) -> bool {
    let title = attribute(attributes, "title").unwrap_or_default().to_lowercase();
    let path = url.path().to_ascii_lowercase();
    COMMENTS.iter().any(|word| title.contains(word)) || path.contains("/comments")
}

/// The id of the channel that a page of `YouTube` is about.
fn channel_in(name: &str, attributes: &str) -> Option<String> {
    let value = |key: &str, wanted: &str| {
        attribute(attributes, key).is_some_and(|value| value.eq_ignore_ascii_case(wanted))
    };
    let id = if name.eq_ignore_ascii_case("meta") && value("itemprop", "identifier") {
        attribute(attributes, "content")?
    } else if name.eq_ignore_ascii_case("link") && value("rel", "canonical") {
        attribute(attributes, "href")?.split_once("/channel/")?.1
    } else {
        return None;
    };
    is_channel(id).then(|| id.to_owned())
}

fn is_channel(id: &str) -> bool {
    id.starts_with("UC")
        && id.len() == 24
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

fn youtube(key: &str, value: &str) -> Option<Url> {
    let mut url = Url::parse("https://www.youtube.com/feeds/videos.xml").ok()?;
    url.query_pairs_mut().append_pair(key, value);
    Some(url)
}

/// The host without `www.` and the like.
fn bare_host(url: &Url) -> &str {
    let host = url.host_str().unwrap_or_default();
    ["www.", "m.", "old.", "new."].iter().find_map(|head| host.strip_prefix(head)).unwrap_or(host)
}

/// The feed of an address whose site keeps to a known rule: `YouTube`, Reddit, GitHub, Medium,
/// Substack. `None` for all others, and for what is a feed's address already.
pub fn by_rule(url: &Url) -> Option<Url> {
    let segments: Vec<&str> = url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let path = segments.as_slice();
    let host = bare_host(url);
    let with_path = |path: &str| {
        let mut feed = url.clone();
        feed.set_path(path);
        feed.set_query(None);
        feed.set_fragment(None);
        Some(feed)
    };
    match (host, path) {
        ("youtube.com", ["channel", id, ..]) if is_channel(id) => youtube("channel_id", id),
        ("youtube.com", ["user", name, ..]) => youtube("user", name),
        ("youtube.com", ["playlist" | "watch"]) => {
            let (_, list) = url.query_pairs().find(|(key, _)| key == "list")?;
            youtube("playlist_id", &list)
        }
        ("reddit.com", ["r" | "user" | "u", _, ..]) if !url.path().contains(".rss") => {
            with_path(&format!("/{}/.rss", path.join("/")))
        }
        ("github.com", [owner, repository]) => {
            with_path(&format!("/{owner}/{repository}/releases.atom"))
        }
        ("github.com", [owner, repository, kind @ ("releases" | "tags")]) => {
            with_path(&format!("/{owner}/{repository}/{kind}.atom"))
        }
        ("medium.com", [name]) if *name != "feed" => with_path(&format!("/feed/{name}")),
        (host, []) if host.ends_with(".substack.com") || host.ends_with(".medium.com") => {
            with_path("/feed")
        }
        _ => None,
    }
}

/// Where the feed of a page may lie that names none, the likeliest first, at most [`FOUND_MAX`].
pub fn usual(url: &Url) -> Vec<Url> {
    let path = url.path().trim_end_matches('/');
    let mut paths: Vec<String> = Vec::new();
    // Mastodon and its kin.
    if path.starts_with("/@") {
        paths.push(format!("{path}.rss"));
    }
    if !path.is_empty() {
        paths.extend([format!("{path}/feed"), format!("{path}/index.xml")]);
    }
    paths.extend(USUAL.iter().map(|name| format!("/{name}")));
    paths
        .into_iter()
        .take(FOUND_MAX)
        .map(|path| {
            let mut url = url.clone();
            url.set_path(&path);
            url.set_query(None);
            url.set_fragment(None);
            url
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(page: &str, at: &str) -> Vec<String> {
        let at = Url::parse(at).expect("url");
        feeds_of(page, &at).into_iter().map(String::from).collect()
    }

    #[test]
    fn a_pages_feeds_are_found_in_order() {
        let page = "<!doctype html><html><head><base href='/sub/'>\
            <link rel=stylesheet href=x.css><LINK REL='alternate' TYPE=application/rss+xml HREF='feed.xml?a=1&amp;b=2'>\
            <link rel=\"alternate\" hreflang=de href=/de/><link rel=\"alternate home\" type=\"application/atom+xml\" href=\"//other.example/atom\">\
            <link rel=alternate type=application/rss+xml href=javascript:x>";
        assert_eq!(
            found(page, "https://blog.example/"),
            ["https://blog.example/sub/feed.xml?a=1&b=2", "https://other.example/atom"]
        );
    }

    #[test]
    fn feeds_of_comments_come_last() {
        let link = |title: &str, href: &str| {
            format!("<link rel=alternate type=application/rss+xml title='{title}' href='{href}'>")
        };
        let page = [
            link("Kommentare zu allem", "/k"),
            link("Blog", "/comments/feed/"),
            link("Blog", "/feed/"),
            link("Podcast", "/podcast"),
        ]
        .concat();
        assert_eq!(
            found(&page, "https://a.example/"),
            [
                "https://a.example/feed/",
                "https://a.example/podcast",
                "https://a.example/k",
                "https://a.example/comments/feed/"
            ]
        );
    }

    #[test]
    fn a_channel_is_found_on_its_page() {
        let id = "UCabcdefghijklmnopqrst-_";
        for page in [
            format!("<meta itemprop=\"identifier\" content=\"{id}\">"),
            format!("<link rel=\"canonical\" href=\"https://www.youtube.com/channel/{id}\">"),
        ] {
            let feed = format!("https://www.youtube.com/feeds/videos.xml?channel_id={id}");
            assert_eq!(found(&page, "https://www.youtube.com/@somebody"), [feed]);
            assert_eq!(found(&page, "https://elsewhere.example/@somebody"), [""; 0]);
        }
    }

    #[test]
    fn known_sites_tell_their_feed_by_the_address() {
        let rule = |text: &str| by_rule(&Url::parse(text).expect("url")).map(String::from);
        for (site, feed) in [
            (
                "https://www.youtube.com/channel/UCabcdefghijklmnopqrst-_/videos",
                "https://www.youtube.com/feeds/videos.xml?channel_id=UCabcdefghijklmnopqrst-_",
            ),
            ("https://youtube.com/user/x", "https://www.youtube.com/feeds/videos.xml?user=x"),
            (
                "https://m.youtube.com/playlist?list=PL1",
                "https://www.youtube.com/feeds/videos.xml?playlist_id=PL1",
            ),
            ("https://www.reddit.com/r/rust/", "https://www.reddit.com/r/rust/.rss"),
            ("https://old.reddit.com/r/rust/new", "https://old.reddit.com/r/rust/new/.rss"),
            ("https://github.com/a/b", "https://github.com/a/b/releases.atom"),
            ("https://github.com/a/b/tags", "https://github.com/a/b/tags.atom"),
            ("https://medium.com/@me?x=1", "https://medium.com/feed/@me"),
            ("https://me.medium.com/", "https://me.medium.com/feed"),
            ("https://me.substack.com", "https://me.substack.com/feed"),
        ] {
            assert_eq!(rule(site).as_deref(), Some(feed), "{site}");
            assert_eq!(rule(feed), None, "{feed} is a feed already");
        }
        for none in [
            "https://www.youtube.com/@somebody",
            "https://www.youtube.com/channel/short",
            "https://www.youtube.com/watch?v=1",
            "https://github.com/a",
            "https://github.com/a/b/issues",
            "https://substack.com/",
            "https://blog.example/",
            "https://notyoutube.com/user/x",
        ] {
            assert_eq!(rule(none), None, "{none}");
        }
    }

    #[test]
    fn usual_places_are_few() {
        let at = |text: &str| -> Vec<String> {
            usual(&Url::parse(text).expect("url")).into_iter().map(String::from).collect()
        };
        assert_eq!(at("https://a.example/?x#y").len(), USUAL.len());
        assert_eq!(at("https://a.example/?x#y").first().expect("one"), "https://a.example/feed");
        let deep = at("https://a.example/@me/");
        assert_eq!(deep.len(), FOUND_MAX);
        assert_eq!(deep.first().expect("one"), "https://a.example/@me.rss");
    }
}
