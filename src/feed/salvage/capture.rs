//! The text of one element as it is gathered, and what is made of it.
//!
//! Promises: a value without control characters, trimmed and bounded; markup stays markup, and what
//! the publisher says is none can't become any. Must not: know where a value goes.

use std::rc::Rc;

use html_escape::decode_html_entities;
use url::Url;

use super::slot::Slot;
use crate::feed::parse::TEXT_MAX;

/// What the publisher says a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Plain text: a `<` in it is a `<`.
    Plain,
    /// Markup, as all texts of RSS are.
    Markup,
}

/// The text of one element as it is gathered.
pub(super) struct Capture {
    pub(super) depth: usize,
    pub(super) slot: Slot,
    kind: Kind,
    pub(super) base: Rc<Url>,
    plain: String,
    markup: String,
    tags: bool,
}

impl Capture {
    pub(super) fn new(depth: usize, slot: Slot, kind: Kind, base: &Rc<Url>) -> Self {
        Self {
            depth,
            slot,
            kind,
            base: Rc::clone(base),
            plain: String::new(),
            markup: String::new(),
            tags: false,
        }
    }

    pub(super) fn open_tag(&mut self, local: &str, attributes: &str, closed: bool) {
        self.tags = true;
        for part in ["<", local, attributes, if closed { "/>" } else { ">" }] {
            self.markup.push_str(part);
        }
    }

    pub(super) fn close_tag(&mut self, local: &str) {
        for part in ["</", local, ">"] {
            self.markup.push_str(part);
        }
    }

    pub(super) fn text(&mut self, text: &str, data: bool) {
        self.markup.push_str(text);
        if data {
            self.plain.push_str(text);
        } else {
            self.plain.push_str(&decode_html_entities(text));
        }
    }

    /// The value: inner markup where there was any; else the text, escaped where the publisher says
    /// that it is no markup and nothing speaks against it.
    pub(super) fn value(self) -> String {
        let text = if self.tags { self.markup } else { self.plain };
        let looks_like_markup = text.contains("</") || text.contains("/>") || text.contains("<br");
        let text = if self.kind == Kind::Plain && !self.tags && !looks_like_markup {
            text.replace('<', "&lt;")
        } else {
            text
        };
        tidy(&text)
    }
}

/// The text without control characters, trimmed and cut to a bound; characters that only exist
/// because windows-1252 was taken for Latin-1 are what they were meant to be.
pub(in crate::feed) fn tidy(text: &str) -> String {
    let text: String = text
        .trim()
        .chars()
        .filter_map(|c| match c {
            '\t' | '\n' => Some(c),
            '\r' => Some('\n'),
            '\u{80}'..='\u{9f}' => {
                let byte = [u8::try_from(u32::from(c)).ok()?];
                let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte);
                text.chars().next().filter(|c| !c.is_control())
            }
            c if c.is_control() => None,
            c => Some(c),
        })
        .take(TEXT_MAX)
        .collect();
    undoubled(text.trim()).unwrap_or_else(|| text.trim().to_owned())
}

/// Text that was UTF-8, was taken for windows-1252 and encoded again, as it was at first. Only where
/// *all* that is beyond ASCII reads as UTF-8 once more, which no sane text does.
fn undoubled(text: &str) -> Option<String> {
    if !text.contains(['Ã', 'Â', 'â', 'Å', 'Ä', 'Ð', 'Ñ']) {
        return None;
    }
    let (bytes, _, unmappable) = encoding_rs::WINDOWS_1252.encode(text);
    if unmappable {
        return None;
    }
    String::from_utf8(bytes.into_owned()).ok()
}
