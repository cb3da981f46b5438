//! Marks in a rendered text that say whose each part is; they never leave this folder.
//!
//! Promises: parts are in order and together are the text without its marks. Must not: trust a mark
//! that stands in an entry: [`without`] takes them out before rendering.
//!
//! The marks are private characters of the last plane, which no font shows and no feed needs.

use crate::domain::visible;

const LINK: char = '\u{10F000}';
const TAGS: char = '\u{10F001}';
const FEED: char = '\u{10F002}';
const END: char = '\u{10F003}';
const SHRINK_END: char = '\u{10F004}';
/// Behind it come the marks of the orders 1 to 9.
const SHRINK: u32 = 0x10_F010;
/// The highest order of shrinking.
pub(super) const ORDER_MAX: u8 = 9;

/// Whose a part of a text is, and what may be done to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The user's own words: never cut, and what they mention or link is meant.
    Own,
    /// The feed's words: defused, and cut in this order where asked for.
    Feed {
        /// From 1, which gives way first.
        shrink: Option<u8>,
    },
    /// The entry's link: never cut.
    Link,
    /// Hashtags with blanks between them: left off one by one, from the last.
    Tags,
}

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its text.
    pub text: String,
    /// Whose it is.
    pub kind: Kind,
}

/// Whether a character is a mark.
pub(super) fn is_mark(sign: char) -> bool {
    ('\u{10F000}'..='\u{10F01F}').contains(&sign)
}

/// A text without marks.
pub(super) fn without(text: &str) -> String {
    text.chars().filter(|sign| !is_mark(*sign)).collect()
}

/// A text that gives way in this order.
pub(super) fn shrinking(text: &str, order: u8) -> String {
    let mark = char::from_u32(SHRINK + u32::from(order)).unwrap_or(SHRINK_END);
    format!("{mark}{text}{SHRINK_END}")
}

/// A text between the marks of its kind.
pub(super) fn marked(kind: Kind, text: &str) -> String {
    match kind {
        Kind::Own => without(text),
        Kind::Feed { .. } => {
            let inner: String = text
                .chars()
                .filter(|sign| order(*sign).is_some() || *sign == SHRINK_END || !is_mark(*sign))
                .collect();
            format!("{FEED}{inner}{END}")
        }
        Kind::Link => format!("{LINK}{}{END}", without(text)),
        Kind::Tags => format!("{TAGS}{}{END}", without(text)),
    }
}

/// The order that a mark stands for.
fn order(sign: char) -> Option<u8> {
    u32::from(sign)
        .checked_sub(SHRINK)
        .and_then(|order| u8::try_from(order).ok())
        .filter(|order| (1..=ORDER_MAX).contains(order))
}

/// The parts of a rendered text: each line tidied, empty lines left out.
pub(super) fn parts(rendered: &str) -> Vec<Part> {
    let lines: Vec<String> =
        rendered.split(['\n', '\r']).map(visible::tidy).filter(|line| !line.is_empty()).collect();
    let mut parts: Vec<Part> = Vec::new();
    let mut kind = Kind::Own;
    let mut is_new_link = false;
    for sign in lines.join("\n").chars() {
        match sign {
            LINK => (kind, is_new_link) = (Kind::Link, true),
            TAGS => kind = Kind::Tags,
            FEED => kind = Kind::Feed { shrink: None },
            END => kind = Kind::Own,
            SHRINK_END if matches!(kind, Kind::Feed { .. }) => {
                kind = Kind::Feed { shrink: None };
            }
            _ if is_mark(sign) => {
                if let (Kind::Feed { .. }, shrink @ Some(_)) = (kind, order(sign)) {
                    kind = Kind::Feed { shrink };
                }
            }
            _ => match parts.last_mut() {
                // Two values side by side stay two parts only where they differ in kind, or are links,
                // which would become one.
                Some(part) if part.kind == kind && !is_new_link => part.text.push(sign),
                Some(_) | None => {
                    is_new_link = false;
                    parts.push(Part { text: sign.to_string(), kind });
                }
            },
        }
    }
    parts
}
