//! Our own reader: RSS of every version, Atom and their mixtures, well-formed or not.
//!
//! Promises: never fails on broken markup. An end tag closes down to its match, one without a match
//! is passed over, a new item closes the open one, and items count wherever they stand; known
//! vocabularies go by their URI, unknown ones by local name. Bounded in depth, items and bytes.
//! Must not: make up an id, a date or a link.

mod attached;
mod base64;
mod capture;
mod draft;
mod person;
mod site;
mod slot;
mod vocabulary;

use std::borrow::Cow;
use std::rc::Rc;

use url::Url;

use super::parse::{self, ParseFailure};
use super::references::decoded;
use super::tokens::{Token, Tokens, attribute, attributes};
use crate::domain::entry::ParsedFeed;
pub(super) use capture::tidy;
use capture::{Capture, Kind};
use draft::Draft;
pub(super) use person::{FEED_AUTHORS_MAX, name};
use site::Site;
use slot::Slot;
use vocabulary::{Vocabulary, local_name, prefix, same_local_name};

/// What the reader made of a text.
pub(super) struct Salvaged {
    /// The feed.
    pub feed: ParsedFeed,
    /// Where the text ends.
    pub end: End,
}

/// Where a text ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Where it should.
    Whole,
    /// Within the texts of an item that is known by all that stands before: it is kept without them.
    WithinTexts,
    /// Within an item that is left out.
    WithinItem,
    /// Within markup behind the last item or before the first one.
    BetweenItems,
}

/// What an open element is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// What items stand in: title and link are the feed's own.
    Channel,
    /// An item or entry.
    Item,
    /// A person, of an item or of the feed.
    Person,
    /// A Media RSS element that may hold others.
    Media,
    /// The feed's `skipHours` or `skipDays`.
    Skips,
    /// Whatever else.
    Other,
}

struct Frame<'a> {
    name: &'a str,
    role: Role,
    base: Rc<Url>,
    /// How many namespace bindings there were before this element.
    bindings: usize,
    /// How many media its item had before this element.
    media: usize,
}

struct Reader<'a> {
    stack: Vec<Frame<'a>>,
    bindings: Vec<(&'a str, Vocabulary)>,
    base: Rc<Url>,
    root: Option<String>,
    draft: Option<Draft>,
    capture: Option<Capture<'a>>,
    /// The text that stands in the open person itself.
    person: String,
    site: Site,
    feed: ParsedFeed,
    /// End tags that closed nothing.
    strays: usize,
}

/// After so many end tags that closed nothing, an end tag is taken for the innermost element's or for
/// nobody's: looking through all open elements each time would take seconds.
const STRAYS_MAX: usize = 100_000;

/// No document binds more prefixes at one time; further ones go by convention.
const BINDINGS_MAX: usize = 128;

/// Reads a text. `Err` only for what is no feed at all or exceeds a limit.
pub(super) fn read(text: &str, base: &Url) -> Result<Salvaged, ParseFailure> {
    let mut reader = Reader {
        stack: Vec::new(),
        bindings: Vec::new(),
        base: Rc::new(base.clone()),
        root: None,
        draft: None,
        capture: None,
        person: String::new(),
        site: Site::default(),
        feed: ParsedFeed::default(),
        strays: 0,
    };
    let mut cut = false;
    for token in Tokens::new(text) {
        match token {
            Token::Start { name, attributes, closed } => reader.start(name, attributes, closed)?,
            Token::End(name) => reader.end(name),
            Token::Text(text) => reader.text(text, false),
            Token::Data(text) => reader.text(text, true),
            Token::Cut => cut = true,
        }
    }
    // An item that is still open lacks an unknown part. It might come back with a guid next time, and
    // so as another entry: leave it out until it is whole, unless only its texts are cut.
    let open = reader.draft.is_some();
    reader.draft = reader.draft.take().filter(Draft::is_identified);
    let kept = reader.draft.is_some();
    if open || cut {
        reader.capture = None;
    }
    reader.close_down_to(0);
    let root = reader.root.unwrap_or_default();
    let known = ["rss", "rdf", "feed", "channel", "entry"].contains(&root.as_str());
    if root == "html" || (!known && reader.feed.items.is_empty()) {
        return Err(ParseFailure::NotAFeed);
    }
    let mut feed = reader.feed;
    reader.site.finish(&mut feed);
    let end = match (open, kept) {
        (true, true) => End::WithinTexts,
        (true, false) => End::WithinItem,
        (false, _) if cut => End::BetweenItems,
        (false, _) => End::Whole,
    };
    Ok(Salvaged { feed, end })
}

/// Elements of HTML that have no end tag.
const VOID: [&str; 10] =
    ["br", "img", "hr", "input", "wbr", "col", "embed", "param", "area", "source"];

/// Elements of HTML whose start ends one of their own kind.
const SELF_ENDING: [&str; 7] = ["p", "li", "dt", "dd", "tr", "td", "option"];

impl<'a> Reader<'a> {
    fn start(&mut self, name: &'a str, tag: &'a str, closed: bool) -> Result<(), ParseFailure> {
        let local = local_name(name);
        if self.capture.is_some() && SELF_ENDING.contains(&local.as_str()) {
            let same = self.stack.last().is_some_and(|top| top.name == name);
            if same {
                self.close_down_to(self.stack.len().saturating_sub(1));
            }
        }
        let bindings = self.bindings.len();
        self.bind(tag);
        let vocabulary = self.vocabulary(name);
        let is_item = vocabulary == Vocabulary::Core && matches!(local.as_str(), "item" | "entry");
        if is_item {
            self.leave_item();
        } else if let Some(capture) = &mut self.capture {
            capture.open_tag(name, tag, closed);
            if closed || VOID.contains(&local.as_str()) {
                self.bindings.truncate(bindings);
                return Ok(());
            }
        }
        if self.root.is_none() {
            self.root = Some(local.clone());
        }
        let base = self.base_of(tag)?;
        let media = self.draft.as_ref().map_or(0, |draft| draft.attached.len());
        let role = if is_item {
            if self.feed.items.len() >= parse::ITEMS_MAX {
                return Err(ParseFailure::TooManyItems);
            }
            self.draft = Some(Draft::new(tag, &base));
            Role::Item
        } else if self.capture.is_some() {
            Role::Other
        } else {
            self.element(vocabulary, &local, tag, &base)
        };
        self.take_language(role, tag);
        self.stack.push(Frame { name, role, base, bindings, media });
        if self.stack.len() > parse::DEPTH_MAX {
            return Err(ParseFailure::TooDeep);
        }
        if closed {
            self.close_down_to(self.stack.len().saturating_sub(1));
        }
        Ok(())
    }

    /// What an element outside of any text means, by where it stands.
    fn element(&mut self, words: Vocabulary, local: &str, tag: &str, base: &Rc<Url>) -> Role {
        let parent = self.stack.last().map(|frame| frame.role);
        let slot = match (parent, &mut self.draft) {
            (Some(Role::Item | Role::Media), Some(draft)) if words == Vocabulary::Media => {
                draft.attached.media(local, tag, base);
                self.take_text(slot::of_media(local), Kind::Markup, base);
                return Role::Media;
            }
            (Some(Role::Item), Some(draft)) => {
                if draft.takes_whole(words, local, tag, base) {
                    return Role::Other;
                }
                if words == Vocabulary::Core && local == "author" {
                    return Role::Person;
                }
                slot::of_item(words, local, tag)
            }
            (Some(Role::Person), _) if local == "name" => Some(Slot::Author(0)),
            (Some(Role::Skips), None) => slot::of_skips(local),
            (Some(Role::Channel), None) => match (words, local) {
                (Vocabulary::Core, "channel") => return Role::Channel,
                (Vocabulary::Core, "author") => return Role::Person,
                (Vocabulary::Core, "skiphours" | "skipdays") => return Role::Skips,
                (Vocabulary::Core, _) if self.site.takes_link(local, tag, base) => None,
                _ => slot::of_feed(words, local),
            },
            (None, _) => return Role::Channel,
            (Some(_), _) if local == "channel" => return Role::Channel,
            (Some(_), _) => None,
        };
        self.take_text(slot, slot::kind(words, local, tag), base);
        Role::Other
    }

    /// Gathers the text of the element that begins, if it has a place.
    fn take_text(&mut self, slot: Option<Slot>, kind: Kind, base: &Rc<Url>) {
        let depth = self.stack.len();
        self.capture = slot.map(|slot| Capture::new(depth, slot, kind, base));
    }

    /// `xml:lang` of the feed, of an item, or of a text of an item.
    fn take_language(&mut self, role: Role, tag: &str) {
        if !tag.contains("xml:lang") {
            return;
        }
        let Some(language) = attribute(tag, "xml:lang") else {
            return;
        };
        let text = self.capture.as_ref().map(|capture| capture.slot);
        match (role, &mut self.draft) {
            (Role::Channel, _) => self.site.language(language),
            (Role::Item, Some(draft)) => draft.language(language),
            (_, Some(draft)) if matches!(text, Some(Slot::Title(0) | Slot::Content(_))) => {
                draft.language(language);
            }
            (_, _) => {}
        }
    }

    fn end(&mut self, name: &'a str) {
        let innermost = self.stack.len().saturating_sub(1);
        let from = if self.strays > STRAYS_MAX { innermost } else { 0 };
        let open = self.stack.get(from..).unwrap_or_default();
        let exact = open.iter().rposition(|frame| frame.name == name);
        let found =
            exact.or_else(|| open.iter().rposition(|frame| same_local_name(frame.name, name)));
        match found {
            Some(at) => self.close_down_to(from + at),
            None => self.strays += 1,
        }
    }

    /// Closes all elements from the innermost down to the one at this depth.
    fn close_down_to(&mut self, depth: usize) {
        while self.stack.len() > depth
            && let Some(frame) = self.stack.pop()
        {
            self.bindings.truncate(frame.bindings);
            let at = self.stack.len();
            match self.capture.take() {
                Some(capture) if capture.depth == at => self.store(&capture),
                Some(mut capture) => {
                    capture.close_tag(frame.name);
                    self.capture = Some(capture);
                }
                None => {}
            }
            match (frame.role, &mut self.draft) {
                (Role::Person, draft) => {
                    let text = std::mem::take(&mut self.person);
                    match draft {
                        Some(draft) => draft.author(0, &text),
                        None => self.site.author(&text),
                    }
                }
                (Role::Media, Some(draft)) => draft.attached.end(at, frame.media),
                (Role::Item, Some(draft)) => {
                    draft.attached.end(at, 0);
                    self.feed.items.extend(self.draft.take().map(Draft::finish));
                }
                (_, _) => {}
            }
        }
    }

    /// A new item begins: whatever the one before left open is closed.
    fn leave_item(&mut self) {
        let open = self.stack.iter().position(|frame| frame.role == Role::Item);
        if let Some(at) = open.or_else(|| self.capture.as_ref().map(|capture| capture.depth)) {
            self.close_down_to(at);
        }
    }

    fn store(&mut self, capture: &Capture<'_>) {
        match &mut self.draft {
            Some(draft) => draft.store(capture),
            None => self.site.store(capture),
        }
    }

    fn text(&mut self, text: &'a str, data: bool) {
        if let Some(capture) = &mut self.capture {
            capture.text(text, data);
        } else if self.stack.last().is_some_and(|top| top.role == Role::Person) {
            let text = if data { text.into() } else { decoded(text) };
            self.person.push_str(&text);
        }
    }

    fn bind(&mut self, tag: &'a str) {
        if !tag.contains("xmlns") {
            return;
        }
        for (name, value) in attributes(tag) {
            let bound = match name.split_once(':') {
                Some(("xmlns", prefix)) => prefix,
                None if name == "xmlns" => "",
                Some(_) | None => continue,
            };
            if self.bindings.len() < BINDINGS_MAX {
                let root = self.stack.is_empty();
                let words = Vocabulary::of(value, bound, root);
                self.bindings.push((bound, words));
            }
        }
    }

    fn vocabulary(&self, name: &str) -> Vocabulary {
        let prefix = prefix(name);
        let bound = self.bindings.iter().rev().find(|(own, _)| *own == prefix);
        let words = bound.map(|(_, words)| *words);
        // The root's own vocabulary is that of the feed, whatever it is called.
        let of_root = self.stack.first().is_none_or(|root| vocabulary::prefix(root.name) == prefix);
        match words {
            Some(Vocabulary::Other) | None if of_root => Vocabulary::Core,
            Some(words) => words,
            None => Vocabulary::by_convention(prefix),
        }
    }

    fn base_of(&self, tag: &str) -> Result<Rc<Url>, ParseFailure> {
        let outer = self.stack.last().map_or(&self.base, |frame| &frame.base);
        let Some(value) = attribute(tag, "xml:base") else {
            return Ok(Rc::clone(outer));
        };
        if value.len() > parse::XML_BASE_MAX {
            return Err(ParseFailure::LongBase);
        }
        let value: Cow<'_, str> = decoded(value.trim());
        Ok(outer.join(&value).map_or_else(|_| Rc::clone(outer), Rc::new))
    }
}
