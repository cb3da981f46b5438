//! The images of a piece of HTML: those of an entry's content, and the one that a page names.
//!
//! Promises: one pass in linear time over at most [`HTML_BYTES_MAX`]; absolute addresses; no counting
//! pixel, icon or avatar, as far as markup and address show it. Must not: fetch anything.

use html_escape::decode_html_entities;
use url::Url;

use super::tokens::{Token, Tokens, attribute};
use crate::domain::media::{Candidate, Place};

/// What is read of a text; the rest is passed over.
pub const HTML_BYTES_MAX: usize = 512 * 1024;
/// Images of one content.
const FOUND_MAX: usize = 16;
/// The widest image of a `srcset` that is preferred, in pixels: larger ones may exceed 5 MB.
const WIDTH_WANTED_MAX: u64 = 2_048;
/// Smaller sides are those of icons, buttons and smileys.
const SIDE_MIN: u32 = 48;

/// Parts of addresses that lead to counters, buttons, smileys and avatars rather than to a picture.
const NO_PICTURES: [&str; 18] = [
    "feeds.feedburner.com/~",
    "feedburner.google.com",
    "feedsportal.com",
    "doubleclick.net",
    "google-analytics.com",
    "pixel.wp.com",
    "stats.wordpress.com",
    "s.w.org/images/core/emoji",
    "/wp-includes/images/smilies/",
    "gravatar.com/avatar",
    "facebook.com/tr?",
    "scorecardresearch.com",
    "/pixel.gif",
    "/pixel.png",
    "/1x1.",
    "/blank.gif",
    "/spacer.gif",
    "/transparent.gif",
];

/// The images of an entry's content, in its order.
pub fn images_of(html: &str, base: Option<&Url>) -> Vec<Candidate> {
    let mut found: Vec<Candidate> = Vec::new();
    for token in Tokens::new(head_of(html)) {
        let Token::Start { name, attributes, .. } = token else {
            continue;
        };
        if !name.eq_ignore_ascii_case("img") {
            continue;
        }
        if let Some(image) = image(attributes, base)
            && found.iter().all(|one| one.url != image.url)
        {
            found.push(image);
        }
        if found.len() >= FOUND_MAX {
            break;
        }
    }
    found
}

/// The images that a page names for previews, best first: `og:image`, then `twitter:image`.
pub fn previews_of(html: &str, page: &Url) -> Vec<Candidate> {
    let mut found: [Option<String>; 2] = [None, None];
    let mut alts: [String; 2] = [String::new(), String::new()];
    for token in Tokens::new(head_of(html)) {
        let Token::Start { name, attributes, .. } = token else {
            continue;
        };
        if !name.eq_ignore_ascii_case("meta") {
            continue;
        }
        let named = attribute(attributes, "property").or_else(|| attribute(attributes, "name"));
        let named = named.unwrap_or_default().trim().to_ascii_lowercase();
        let content = decoded(attribute(attributes, "content").unwrap_or_default());
        let [og, twitter] = &mut found;
        let [og_alt, twitter_alt] = &mut alts;
        match named.as_str() {
            "og:image" | "og:image:url" | "og:image:secure_url" => {
                og.get_or_insert(content);
            }
            "twitter:image" | "twitter:image:src" => {
                twitter.get_or_insert(content);
            }
            "og:image:alt" if og_alt.is_empty() => *og_alt = content,
            "twitter:image:alt" if twitter_alt.is_empty() => *twitter_alt = content,
            _ => {}
        }
    }
    let named = found.into_iter().zip(alts);
    named
        .filter_map(|(written, alt)| {
            let url = page.join(written?.trim()).ok()?;
            Candidate::new(Place::Page, url.as_str(), &alt)
        })
        .collect()
}

/// The part of a text that is read, cut between characters.
fn head_of(html: &str) -> &str {
    let end =
        (0..=std::cmp::min(HTML_BYTES_MAX, html.len())).rev().find(|at| html.is_char_boundary(*at));
    html.get(..end.unwrap_or(0)).unwrap_or_default()
}

fn decoded(value: &str) -> String {
    decode_html_entities(value).into_owned()
}

/// One `img`, if it is a picture.
fn image(attributes: &str, base: Option<&Url>) -> Option<Candidate> {
    let side = |name| -> Option<u32> {
        let value = attribute(attributes, name)?.trim();
        value.strip_suffix("px").unwrap_or(value).parse().ok()
    };
    if [side("width"), side("height")].into_iter().flatten().any(|side| side < SIDE_MIN) {
        return None;
    }
    // Pages that load late have the true address elsewhere, and a placeholder in `src`.
    let written = ["data-src", "data-lazy-src", "data-original", "src"]
        .into_iter()
        .filter_map(|name| attribute(attributes, name).map(decoded))
        .find(|address| is_picture(address));
    let set = ["srcset", "data-srcset"].into_iter().find_map(|name| attribute(attributes, name));
    let written = written.or_else(|| widest(&decoded(set?)).filter(|url| is_picture(url)))?;
    let url = match base {
        Some(base) => base.join(written.trim()).ok()?,
        None => Url::parse(written.trim()).ok()?,
    };
    let alt = attribute(attributes, "alt").map(decoded).unwrap_or_default();
    Candidate::new(Place::Content, url.as_str(), &alt)
}

fn is_picture(address: &str) -> bool {
    let address = address.trim().to_ascii_lowercase();
    !address.is_empty()
        && !address.starts_with("data:")
        && !NO_PICTURES.iter().any(|part| address.contains(part))
}

/// The widest image of a `srcset` that is not wider than wanted; the first one where none says its
/// width.
fn widest(set: &str) -> Option<String> {
    let mut best: Option<(u64, &str)> = None;
    for one in set.split(", ").flat_map(|part| part.split(",\n")) {
        let mut words = one.trim().trim_end_matches(',').split_whitespace();
        let Some(url) = words.next() else { continue };
        let width = words.next().and_then(|size| size.strip_suffix('w')?.parse().ok()).unwrap_or(0);
        let fits = width <= WIDTH_WANTED_MAX;
        if best.is_none_or(|(widest, _)| fits && width > widest) {
            best = Some((width, url));
        }
    }
    best.map(|(_, url)| url.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(html: &str) -> Vec<String> {
        let base = Url::parse("https://blog.example/posts/1").expect("url");
        images_of(html, Some(&base)).into_iter().map(|one| one.url).collect()
    }

    #[test]
    fn pictures_are_found_and_everything_else_is_passed_over() {
        let cases = [
            ("<p><IMG SRC='/a.png' alt=x>", vec!["https://blog.example/a.png"]),
            ("<img src=\"b.jpg?x=1&amp;y=2\">", vec!["https://blog.example/posts/b.jpg?x=1&y=2"]),
            (
                "<img src=\"//cdn.example/c.webp\"><img src='//cdn.example/c.webp'>",
                vec!["https://cdn.example/c.webp"],
            ),
            ("<img src='http://old.example/d e.png'>", vec!["https://old.example/d%20e.png"]),
            ("<img src='data:image/gif;base64,R0'>", vec![]),
            (
                "<img src='data:image/gif;base64,R0' data-src='/late.jpg'>",
                vec!["https://blog.example/late.jpg"],
            ),
            ("<img src='/count.gif' width='1' height='1'>", vec![]),
            ("<img src='/face.png' width='32' height='32'>", vec![]),
            (
                "<img src='/wide.png' width='640px' height='200'>",
                vec!["https://blog.example/wide.png"],
            ),
            ("<img src='https://feeds.feedburner.com/~r/x/~4/1'>", vec![]),
            ("<img src='https://secure.gravatar.com/avatar/1?s=96'>", vec![]),
            (
                "<img srcset='/s.jpg 480w, /m.jpg 1200w, /l.jpg 4096w'>",
                vec!["https://blog.example/m.jpg"],
            ),
            ("<img srcset='/one.jpg, /two.jpg 2x'>", vec!["https://blog.example/one.jpg"]),
            ("<img src='javascript:x'><img src=''><img>", vec![]),
            ("<!-- <img src='/hidden.png'> --><script>\"<b>\"</script>", vec![]),
            ("<img src='/cut.png", vec![]),
        ];
        for (html, expected) in cases {
            assert_eq!(urls(html), expected, "{html}");
        }
    }

    #[test]
    fn a_page_names_its_preview_with_what_it_shows() {
        let html = "<head><meta name=\"twitter:image\" content=\"/card.png\">\
            <meta property='og:image' content='https://cdn.example/a.jpg?w=1&amp;h=2'>\
            <meta property='og:image' content='/second.jpg'>\
            <meta property='og:image:alt' content='A &lt;red&gt; house'></head>";
        let page = Url::parse("https://blog.example/1").expect("url");
        let found = previews_of(html, &page);
        let told: Vec<_> = found.iter().map(|one| (one.url.as_str(), one.alt.as_str())).collect();
        assert_eq!(
            told,
            [
                ("https://cdn.example/a.jpg?w=1&h=2", "A <red> house"),
                ("https://blog.example/card.png", "")
            ]
        );
        assert_eq!(previews_of("<title>None</title>", &page), []);
    }

    #[test]
    fn a_flood_of_images_ends() {
        let images: Vec<String> = (0..5_000).map(|n| format!("<img src='/{n}.png'>")).collect();
        let html = images.concat();
        assert_eq!(urls(&html).len(), FOUND_MAX);
        assert_eq!(head_of(&"ä".repeat(HTML_BYTES_MAX)).len(), HTML_BYTES_MAX);
    }
}
