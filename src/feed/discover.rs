//! The feeds that a web page names.
//!
//! Promises: only http(s) addresses, absolute, in the page's order, at most [`FOUND_MAX`]. Must not:
//! fetch anything.

use html_escape::decode_html_entities;
use url::Url;

use super::parse::web_address;
use super::tokens::{Token, Tokens, attribute};

/// More than these are of no use to a person.
pub const FOUND_MAX: usize = 8;

/// The addresses of `<link rel="alternate">` with a feed's type.
pub fn feeds_of(page: &str, address: &Url) -> Vec<Url> {
    let mut base = address.clone();
    let mut found: Vec<Url> = Vec::new();
    for token in Tokens::new(page) {
        let Token::Start { name, attributes, .. } = token else {
            continue;
        };
        let href = attribute(attributes, "href").map(decode_html_entities);
        let Some(href) = href else { continue };
        if name.eq_ignore_ascii_case("base") {
            base = base.join(&href).unwrap_or(base);
        } else if name.eq_ignore_ascii_case("link")
            && names_a_feed(attributes)
            && let Some(url) = web_address(&href, &base).and_then(|url| Url::parse(&url).ok())
            && !found.contains(&url)
        {
            found.push(url);
        }
        if found.len() >= FOUND_MAX {
            break;
        }
    }
    found
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pages_feeds_are_found_in_order() {
        let page = "<!doctype html><html><head><base href='/sub/'>\
            <link rel=stylesheet href=x.css><LINK REL='alternate' TYPE=application/rss+xml HREF='feed.xml?a=1&amp;b=2'>\
            <link rel=\"alternate\" hreflang=de href=/de/><link rel=\"alternate home\" type=\"application/atom+xml\" href=\"//other.example/atom\">\
            <link rel=alternate type=application/rss+xml href=javascript:x>";
        let at = Url::parse("https://blog.example/").expect("url");
        let found: Vec<String> = feeds_of(page, &at).into_iter().map(String::from).collect();
        assert_eq!(
            found,
            ["https://blog.example/sub/feed.xml?a=1&b=2", "https://other.example/atom"]
        );
    }
}
