//! The images, or the video, that go out with a post: what the user wants → what may be asked for.
//!
//! Promises: candidates stand in the user's order; each address is one that Ayrshare can be given
//! (https, percent-encoded, without a password). Must not: fetch anything, or know how an entry's
//! content is marked up.

mod choice;
mod limits;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use url::{Host, Url};

use super::entry::{Item, Media as Attached, Role};
use super::template::Template;
use super::text::plain;
pub use choice::{Choice, Look, Next, next};
pub use limits::{Kind, PIXELS_MIN};

/// Images of one post (contract, section 9.4).
pub const IMAGES_MAX: usize = 4;
/// The longest alt text, in characters (contract, section 1.3).
pub const ALT_CHARS_MAX: usize = 1_000;
/// Candidates that one place may give; looking at more would hold up the post.
const OF_ONE_PLACE_MAX: usize = 6;
/// The longest address of an image, in bytes.
const ADDRESS_BYTES_MAX: usize = 2_048;

/// Where an image may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The entry's enclosures and attachments.
    Enclosure,
    /// `media:content`, `media:thumbnail`, `itunes:image`, JSON Feed's `image`.
    Media,
    /// The images of the entry's content.
    Content,
    /// The image that the entry's page names for previews; the page is fetched for it.
    Page,
    /// The image that the user gave for entries without one.
    Fallback,
}

impl Place {
    /// Those that a user can put in order.
    pub const ALL: [Self; 4] = [Self::Enclosure, Self::Media, Self::Content, Self::Page];

    /// The word in the config and in notes.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Enclosure => "enclosure",
            Self::Media => "media",
            Self::Content => "content",
            Self::Page => "page",
            Self::Fallback => "fallback",
        }
    }

    /// Reads what [`Place::word`] wrote, of those that a user can put in order.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|place| place.word() == word)
    }
}

/// What a feed's posts show beside their text; the default is nothing.
#[derive(Debug, Clone, Default)]
pub struct MediaRules {
    /// Where to look, in this order; the first place that gives anything is the last one asked.
    pub from: Vec<Place>,
    /// Images of one post, 1 to [`IMAGES_MAX`].
    pub max: usize,
    /// For entries that have none; an address that [`address`] gave.
    pub fallback: Option<String>,
    /// How images are described; X bills each alt text.
    pub alt: Alt,
    /// Whether a video may be taken.
    pub video: bool,
}

/// What describes an image for which the publisher has no words of its own.
#[derive(Debug, Clone, Default)]
pub enum Alt {
    /// Nothing: no image gets an alt text.
    #[default]
    Off,
    /// The entry's title.
    Title,
    /// What the user's template makes of the entry.
    Template(Arc<Template>),
}

/// An image or video that may be taken, before anybody looked at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Where it stood.
    pub place: Place,
    /// Its address, as [`address`] gave it; at [`Place::Page`] in a wish the page's own.
    pub url: String,
    /// What it shows, in the publisher's words, plain; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alt: String,
    /// Its type, as far as the feed or its address tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Its size in bytes, where the feed tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Width and height, where the feed tells both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixels: Option<(u32, u32)>,
}

impl Candidate {
    /// A candidate of which only its address and its description are known. `None` where the address
    /// can't be given to Ayrshare.
    pub fn new(place: Place, written: &str, alt: &str) -> Option<Self> {
        let url = address(written)?;
        let kind = Kind::of_address(&url);
        let alt = shortened(&plain(alt));
        Some(Self { place, url, alt, kind, bytes: None, pixels: None })
    }
}

/// What a post would like to show: to be looked at before its first request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// In the order of preference, by place.
    pub candidates: Vec<Candidate>,
    /// Images of one post.
    pub max: usize,
    /// Whether a video may be taken.
    #[serde(default)]
    pub video: bool,
    /// The alt text of an image without a description of its own; `None`: no alt texts at all.
    pub alt: Option<String>,
}

/// An image or video that goes out with a post.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its address.
    pub url: String,
    /// Its type.
    pub kind: Kind,
    /// Its alt text; empty for none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alt: String,
    /// Where it stood.
    pub place: Place,
}

/// What a post shows beside its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Media {
    /// Nothing.
    #[default]
    None,
    /// Nobody has looked at the candidates yet.
    Wished(Wish),
    /// What goes out, settled before the first request; may be empty.
    Chosen(Vec<Attachment>),
}

impl Media {
    /// What goes out, once it is settled.
    pub fn attachments(&self) -> &[Attachment] {
        match self {
            Self::None | Self::Wished(_) => &[],
            Self::Chosen(attachments) => attachments,
        }
    }

    /// How many alt texts X will bill; the most that can be while nobody has looked.
    pub fn alt_texts(&self) -> usize {
        match self {
            Self::None | Self::Wished(Wish { alt: None, .. }) => 0,
            Self::Wished(wish) => std::cmp::min(wish.max, wish.candidates.len()),
            Self::Chosen(attachments) => {
                alt_texts(attachments).iter().filter(|alt| !alt.is_empty()).count()
            }
        }
    }
}

/// The alt texts of what goes out, one for each, as X wants them: none at all beside a video, which
/// would make the post fail, or where no image has any.
pub fn alt_texts(attachments: &[Attachment]) -> Vec<&str> {
    let spoken = attachments.iter().any(|one| !one.alt.is_empty());
    if !spoken || attachments.iter().any(|one| one.kind.is_video()) {
        return Vec::new();
    }
    attachments.iter().map(|one| one.alt.as_str()).collect()
}

/// What an entry offers of what the user wants. `content` is what was found in its markup, `rendered`
/// what the template of [`Alt::Template`] makes of the entry; without it the title stands in.
pub fn wish(
    item: &Item,
    content: &[Candidate],
    rules: &MediaRules,
    rendered: Option<&str>,
) -> Media {
    let mut candidates: Vec<Candidate> = Vec::new();
    for place in &rules.from {
        let found: Vec<Candidate> = match place {
            Place::Enclosure => attached(item, &[Role::Enclosure]),
            Place::Media => attached(item, &[Role::Content, Role::Picture, Role::Thumbnail]),
            Place::Content => content.to_vec(),
            Place::Page => page(item).into_iter().collect(),
            Place::Fallback => Vec::new(),
        };
        let mut taken = 0;
        for one in found {
            let wanted =
                one.kind.is_none_or(|kind| kind.is_image() || rules.video && kind.is_video());
            if wanted && taken < OF_ONE_PLACE_MAX && candidates.iter().all(|it| it.url != one.url) {
                candidates.push(one);
                taken += 1;
            }
        }
    }
    let fallback = rules.fallback.as_deref();
    candidates.extend(fallback.and_then(|url| Candidate::new(Place::Fallback, url, "")));
    if candidates.is_empty() {
        return Media::None;
    }
    let alt = match (&rules.alt, rendered) {
        (Alt::Off, _) => None,
        (Alt::Template(_), Some(text)) => Some(shortened(text)),
        (Alt::Title | Alt::Template(_), _) => Some(shortened(&plain(&item.title))),
    };
    Media::Wished(Wish { candidates, max: rules.max.clamp(1, IMAGES_MAX), video: rules.video, alt })
}

/// What stands in these elements, role by role. A thumbnail is the small copy of something else.
fn attached(item: &Item, roles: &[Role]) -> Vec<Candidate> {
    let of_role = |role: &Role| {
        let role = *role;
        item.media.iter().filter(move |one| one.role == role).filter_map(candidate)
    };
    roles.iter().flat_map(of_role).collect()
}

fn candidate(media: &Attached) -> Option<Candidate> {
    let place = if media.role == Role::Enclosure { Place::Enclosure } else { Place::Media };
    if media.pixels.is_some_and(|(width, height)| width < PIXELS_MIN || height < PIXELS_MIN) {
        return None;
    }
    let bare = Candidate::new(place, &media.url, &media.alt)?;
    let kind = media.kind.as_deref().and_then(Kind::of_mime).or(bare.kind);
    Some(Candidate {
        kind,
        bytes: media.bytes.filter(|bytes| *bytes > 0),
        pixels: media.pixels,
        ..bare
    })
}

fn page(item: &Item) -> Option<Candidate> {
    let link = Url::parse(item.link.as_deref()?).ok()?;
    matches!(link.scheme(), "http" | "https").then(|| Candidate {
        place: Place::Page,
        url: link.into(),
        alt: String::new(),
        kind: None,
        bytes: None,
        pixels: None,
    })
}

/// An address that Ayrshare can be given, made of a written one.
///
/// `http` becomes `https`: a host that has no https fails the look that follows. Only on this very
/// machine, where a simulated Ayrshare may be, `http` stays. `None` for everything else.
pub fn address(written: &str) -> Option<String> {
    let mut url = Url::parse(written.trim()).ok()?;
    let has_user = !url.username().is_empty() || url.password().is_some();
    if url.host_str().is_none_or(str::is_empty) || has_user {
        return None;
    }
    if url.scheme() == "http" && !is_here(&url) {
        url.set_scheme("https").ok()?;
    }
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    url.set_path(&encoded(url.path()));
    let query = url.query().map(encoded);
    url.set_query(query.as_deref());
    let url = String::from(url);
    (url.len() <= ADDRESS_BYTES_MAX).then_some(url)
}

/// Whether an address can only mean this machine.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    }
}

/// A path or query in which only what RFC 3986 allows there stands as it is.
fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        let ahead = rest.clone().take(2).filter(char::is_ascii_hexdigit).count();
        let is_escape = letter == '%' && ahead == 2;
        if is_escape || letter.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?".contains(letter) {
            encoded.push(letter);
            continue;
        }
        let mut bytes = [0; 4];
        for byte in letter.encode_utf8(&mut bytes).bytes() {
            encoded.push('%');
            for half in [byte >> 4, byte & 0xf] {
                let digit = char::from_digit(u32::from(half), 16).unwrap_or('0');
                encoded.push(digit.to_ascii_uppercase());
            }
        }
    }
    encoded
}

/// The name of a file, for a person: the last part of its address.
pub fn name_of(url: &str) -> String {
    const NAME_CHARS_MAX: usize = 60;
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    name.chars().take(NAME_CHARS_MAX).collect()
}

/// A text of at most [`ALT_CHARS_MAX`] characters, cut between graphemes.
fn shortened(text: &str) -> String {
    let text = text.trim();
    if text.chars().count() <= ALT_CHARS_MAX {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut length = 0;
    for grapheme in text.graphemes(true) {
        length += grapheme.chars().count();
        if length >= ALT_CHARS_MAX {
            break;
        }
        kept.push_str(grapheme);
    }
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
mod tests;
