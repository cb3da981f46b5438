//! The fence in front of `feed-rs`: one pass that recurses nowhere.
//!
//! Promises: what it lets through is nested at most [`DEPTH_MAX`] deep, has no `xml:base` longer
//! than [`XML_BASE_MAX`] and at most [`ITEMS_MAX`] items, so that `feed-rs` can neither overflow
//! the stack nor take minutes; what it calls broken, `feed-rs` does not get. Must not: read what the
//! feed says.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::parse::{DEPTH_MAX, ITEMS_MAX, ParseFailure, XML_BASE_MAX};

/// Texts and references count once, elements twice. With more of them, `feed-rs` would take longer than
/// any feed deserves, and our own reader reads alone.
const PIECES_MAX: usize = 200_000;
/// Bytes of all attributes of one element; the same holds.
const ATTRIBUTES_MAX: usize = 512 * 1024;

/// Bytes of a whole document; the same holds.
const DOCUMENT_MAX: usize = 8_000_000;

/// What the fence says of a text within the limits.
pub(super) enum Scan {
    /// Well-formed as far as `feed-rs` will see it, with so many items.
    Sound(usize),
    /// Not well-formed: nothing for `feed-rs`.
    Broken(String),
}

/// Scans a document.
pub(super) fn fence(text: &str) -> Result<Scan, ParseFailure> {
    if text.len() > DOCUMENT_MAX {
        return Ok(Scan::Broken("it is larger than 8 MB".to_owned()));
    }
    let mut reader = Reader::from_str(text);
    let mut depth = 0_usize;
    let mut items = 0_usize;
    let mut pieces = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag) | Event::Empty(tag))
                if tag.attributes_raw().len() > ATTRIBUTES_MAX =>
            {
                return Ok(Scan::Broken("the attributes of one element are too long".to_owned()));
            }
            Ok(Event::Start(tag)) => {
                pieces += 1;
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(ParseFailure::TooDeep);
                }
                items += look_at(&tag)?;
            }
            Ok(Event::Empty(tag)) => {
                pieces += 1;
                items += look_at(&tag)?;
            }
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Decl(_)) => {
                return Ok(Scan::Broken("an XML declaration stands in its midst".to_owned()));
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => return Ok(Scan::Broken(error.to_string())),
        }
        if items > ITEMS_MAX {
            return Err(ParseFailure::TooManyItems);
        }
        pieces += 1;
        if pieces > PIECES_MAX {
            return Ok(Scan::Broken("it is made of too many pieces".to_owned()));
        }
    }
    Ok(if depth == 0 {
        Scan::Sound(items)
    } else {
        Scan::Broken("the document breaks off".to_owned())
    })
}

/// 1 for the start of an item.
fn look_at(tag: &BytesStart<'_>) -> Result<usize, ParseFailure> {
    // Looking for the letters first keeps attributes unparsed in all but a few elements.
    let long = tag.attributes_raw().contains("xml:base")
        && tag.attributes().with_checks(false).flatten().any(|found| {
            let name: &str = found.key.as_ref();
            name == "xml:base" && found.value.len() > XML_BASE_MAX
        });
    if long {
        return Err(ParseFailure::LongBase);
    }
    let name = tag.local_name();
    let name: &str = name.as_ref();
    Ok(usize::from(matches!(name, "item" | "entry")))
}
