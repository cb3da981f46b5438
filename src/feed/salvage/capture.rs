//! The text of one element as it is gathered, and what is made of it.
//!
//! Promises: a value without control characters, trimmed and bounded; markup stays markup, and what
//! the publisher says is none can't become any. Must not: know where a value goes.

use std::borrow::Cow;
use std::rc::Rc;

use url::Url;

use super::base64;
use super::slot::Slot;
use super::vocabulary::local_name;
use crate::feed::parse::TEXT_MAX;
use crate::feed::references::decoded;

/// What the publisher says a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Plain text: a `<` in it is a `<`.
    Plain,
    /// Markup, as all texts of RSS are.
    Markup,
    /// Markup in base64.
    Base64,
}

/// The text of one element as it is gathered.
pub(super) struct Capture<'a> {
    pub(super) depth: usize,
    pub(super) slot: Slot,
    kind: Kind,
    pub(super) base: Rc<Url>,
    pieces: Vec<Piece<'a>>,
}

/// What stands in an element, as written.
enum Piece<'a> {
    Text(&'a str),
    Data(&'a str),
    Open { name: &'a str, attributes: &'a str, closed: bool },
    Close(&'a str),
}

impl<'a> Capture<'a> {
    pub(super) fn new(depth: usize, slot: Slot, kind: Kind, base: &Rc<Url>) -> Self {
        Self { depth, slot, kind, base: Rc::clone(base), pieces: Vec::new() }
    }

    pub(super) fn open_tag(&mut self, name: &'a str, attributes: &'a str, closed: bool) {
        self.pieces.push(Piece::Open { name, attributes, closed });
    }

    pub(super) fn close_tag(&mut self, name: &'a str) {
        self.pieces.push(Piece::Close(name));
    }

    pub(super) fn text(&mut self, text: &'a str, data: bool) {
        self.pieces.push(if data { Piece::Data(text) } else { Piece::Text(text) });
    }

    /// The value: inner markup where there was any; else the text, escaped where the publisher says
    /// that it is no markup and nothing speaks against it.
    pub(super) fn value(&self) -> String {
        if self.pieces.iter().any(|piece| matches!(piece, Piece::Open { .. })) {
            return tidy(&self.markup());
        }
        let text = match self.pieces.as_slice() {
            [Piece::Text(text)] => decoded(text),
            [Piece::Data(text)] => Cow::Borrowed(*text),
            pieces => Cow::Owned(pieces.iter().map(Piece::plain).collect()),
        };
        if self.kind == Kind::Base64
            && let Some(bytes) = base64::bytes(&text)
        {
            // What is no text, such as an inline picture, has no place among texts.
            return String::from_utf8(bytes).map_or_else(|_| String::new(), |text| tidy(&text));
        }
        let looks_like_markup = text.contains("</") || text.contains("/>") || text.contains("<br");
        if self.kind == Kind::Plain && text.contains('<') && !looks_like_markup {
            tidy(&text.replace('<', "&lt;"))
        } else {
            tidy(&text)
        }
    }

    fn markup(&self) -> String {
        let mut out = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) | Piece::Data(text) => out.push_str(text),
                Piece::Open { name, attributes, closed } => {
                    let end = if *closed { "/>" } else { ">" };
                    out.extend(["<", &local_name(name), *attributes, end]);
                }
                Piece::Close(name) => out.extend(["</", &local_name(name), ">"]),
            }
        }
        out
    }
}

impl<'a> Piece<'a> {
    fn plain(&self) -> Cow<'a, str> {
        match self {
            Self::Text(text) => decoded(text),
            Self::Data(text) => Cow::Borrowed(text),
            Self::Open { .. } | Self::Close(_) => Cow::Borrowed(""),
        }
    }
}

/// The text without control characters, trimmed and cut to a bound; characters that only exist
/// because windows-1252 was taken for Latin-1 are what they were meant to be.
pub(in crate::feed) fn tidy(text: &str) -> String {
    let text = text.trim();
    let signs = Signs::of(text);
    if text.len() <= TEXT_MAX && !signs.controls {
        let undoubled = signs.latin.then(|| undoubled(text)).flatten();
        return undoubled.unwrap_or_else(|| text.to_owned());
    }
    let text: String = text
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

/// What the bytes of a text tell of it.
struct Signs {
    /// There are control characters other than tab and line feed.
    controls: bool,
    /// There are letters of the upper half of Latin-1.
    latin: bool,
}

impl Signs {
    fn of(text: &str) -> Self {
        let mut signs = Self { controls: false, latin: false };
        let mut before = 0;
        for byte in text.bytes() {
            signs.controls |= (byte < 0x20 && byte != b'\t' && byte != b'\n')
                || byte == 0x7f
                || (before == 0xc2 && byte < 0xa0);
            signs.latin |= byte == 0xc3;
            before = byte;
        }
        signs
    }
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
