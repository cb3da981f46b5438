//! The filters of a template.
//!
//! Promises: each gives a bounded text in bounded time, and says what it can't do. Must not: give a
//! part of a grapheme, or know of platforms.

use std::borrow::Cow;
use std::fmt::Write as _;

use chrono::format::{Item, StrftimeItems};
use minijinja::value::{Kwargs, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, State};
use regex::{Regex, RegexBuilder};
use unicode_segmentation::UnicodeSegmentation;

use super::{Moment, marks};
use crate::domain::compose::platform::{Rules, Weigh};
use crate::domain::cut;
use crate::domain::hashtags::{self, Case};

/// All filters, by name.
pub(super) const FILTERS: [&str; 15] = [
    "shrink",
    "truncate",
    "first_sentence",
    "default",
    "upper",
    "lower",
    "title",
    "capitalize",
    "replace",
    "regex_replace",
    "hashtag",
    "urlencode",
    "join",
    "first",
    "date",
];

/// Bytes that a filter may give.
const TEXT_BYTES_MAX: usize = 300_000;

/// Bytes that all filters of one rendering may read and give.
const WORK_BYTES_MAX: u64 = 8_000_000;

/// What a pattern of the user's may take as a program, in bytes, and what each byte of a text then
/// counts as work. `\s+` takes 1,000, `\w+` 54,000; the largest step through a text 30 times slower
/// than the smallest.
const PATTERN_SIZES: [(usize, usize); 3] = [(4_000, 1), (32_000, 4), (150_000, 16)];

/// What a pattern may take as tables while it runs.
const PATTERN_TABLES_BYTES_MAX: usize = 1_000_000;

/// Groups in groups of a pattern.
const PATTERN_DEPTH_MAX: u32 = 32;

/// What all patterns of one rendering may work. A pattern can look at the rest of a text once for
/// each match, so a text with many matches counts many times.
const PATTERN_WORK_MAX: u64 = 16_000_000;

/// Adds all filters.
pub(super) fn add_to(environment: &mut Environment<'static>) {
    environment.add_filter("shrink", shrink);
    environment.add_filter("truncate", truncate);
    environment.add_filter("first_sentence", first_sentence);
    environment.add_filter("default", default);
    environment.add_filter("upper", |state: &mut State<'_, '_>, value: &Value| {
        change(state, value, str::to_uppercase)
    });
    environment.add_filter("lower", |state: &mut State<'_, '_>, value: &Value| {
        change(state, value, str::to_lowercase)
    });
    environment.add_filter("title", |state: &mut State<'_, '_>, value: &Value| {
        change(state, value, titled)
    });
    environment.add_filter("capitalize", |state: &mut State<'_, '_>, value: &Value| {
        change(state, value, capitalized)
    });
    environment.add_filter("replace", replace);
    environment.add_filter("regex_replace", regex_replace);
    environment.add_filter("hashtag", hashtag);
    environment.add_filter("urlencode", |state: &mut State<'_, '_>, value: &Value| {
        change(state, value, |text| urlencoded(&marks::without(text)))
    });
    environment.add_filter("join", join);
    environment.add_filter("first", first);
    environment.add_filter("date", date);
}

fn refuse(what: impl Into<Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::InvalidOperation, what)
}

/// A value as text; the items of a list with a separator between them.
pub(super) fn text_of(value: &Value, separator: &str) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    if value.kind() != ValueKind::Seq {
        return Ok(if value.is_none() { String::new() } else { value.to_string() });
    }
    let mut text = String::new();
    for (index, item) in value.try_iter()?.enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        let item = item.as_str().map_or_else(|| item.to_string(), str::to_owned);
        text.push_str(&item);
        if text.len() > TEXT_BYTES_MAX {
            return Err(refuse("the list is too long"));
        }
    }
    Ok(text)
}

/// Counts work; refuses what is too much for one rendering.
pub(super) fn spend(
    state: &mut State<'_, '_>,
    kind: &'static str,
    bytes: usize,
    most: u64,
) -> Result<(), Error> {
    let spent = state.get_temp(kind).and_then(|value| u64::try_from(value).ok()).unwrap_or(0);
    let spent = spent.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    if spent > most {
        return Err(refuse("the template works through too much text: `truncate` it first"));
    }
    state.set_temp(kind, Value::from(spent));
    Ok(())
}

/// The text of a value, whose length is counted as work.
fn read(state: &mut State<'_, '_>, value: &Value) -> Result<String, Error> {
    let text = text_of(value, ", ")?;
    spend(state, "work", text.len() + 64, WORK_BYTES_MAX)?;
    Ok(text)
}

fn bounded(text: String) -> Result<String, Error> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(refuse(format!("a text of more than {TEXT_BYTES_MAX} bytes")));
    }
    Ok(text)
}

fn change(
    state: &mut State<'_, '_>,
    value: &Value,
    change: impl Fn(&str) -> String,
) -> Result<String, Error> {
    bounded(change(&read(state, value)?))
}

/// Marks what gives way where the post is too long: `shrink` first, then `shrink(2)`.
fn shrink(state: &mut State<'_, '_>, value: &Value, order: Option<u8>) -> Result<String, Error> {
    let order = order.unwrap_or(1);
    if !(1..=marks::ORDER_MAX).contains(&order) {
        return Err(refuse(format!("`shrink` takes 1 to {}", marks::ORDER_MAX)));
    }
    Ok(marks::shrinking(&marks::without(&read(state, value)?), order))
}

/// `truncate(80)`: to this length by X's count; `truncate(words=12)`: to so many words.
fn truncate(
    state: &mut State<'_, '_>,
    value: &Value,
    length: Option<u32>,
    options: Kwargs,
) -> Result<String, Error> {
    let mut text = read(state, value)?;
    let (count, options) = (options.args().count(), Value::from(options));
    let words = options.get_attr("words").ok().and_then(|words| usize::try_from(words).ok());
    if count > usize::from(words.is_some()) {
        return Err(refuse("`truncate` knows no other name than `words=`, a number"));
    }
    if length.is_none() && words.is_none() {
        return Err(refuse("`truncate` wants a length or `words=`"));
    }
    if let Some(words) = words
        && let Some((end, _)) = text
            .split_word_bound_indices()
            .filter(|(_, word)| word.starts_with(char::is_alphanumeric))
            .nth(words)
    {
        text = cut::ended(text.get(..end).unwrap_or_default());
    }
    if let Some(limit) = length {
        let rules = Rules { limit, allow_mentions: true, weigh: Weigh::X };
        if rules.weigh.length(&text) > limit {
            text = cut::shorten(&text, limit, rules, |_| true)
                .map_or_else(String::new, |cut| cut.text);
        }
    }
    Ok(text)
}

/// Up to the first full stop, question or exclamation mark that ends a sentence.
fn first_sentence(state: &mut State<'_, '_>, value: &Value) -> Result<String, Error> {
    let text = read(state, value)?;
    Ok(text.unicode_sentences().next().unwrap_or_default().trim_end().to_owned())
}

/// The value, or another where it is empty or not there.
fn default(value: Value, other: Value) -> Value {
    if value.is_undefined() || !value.is_true() { other } else { value }
}

/// Each word with a capital.
fn titled(text: &str) -> String {
    text.split_word_bounds().map(capitalized).collect()
}

/// The first character as a capital, the rest as it is.
fn capitalized(text: &str) -> String {
    let mut signs = text.chars();
    signs.next().map(char::to_uppercase).into_iter().flatten().chain(signs).collect()
}

fn replace(
    state: &mut State<'_, '_>,
    value: &Value,
    from: &str,
    to: &str,
) -> Result<String, Error> {
    let text = read(state, value)?;
    if from.is_empty() {
        return Ok(text);
    }
    let count = text.matches(from).count();
    let length = text.len().saturating_add(count.saturating_mul(to.len()));
    spend(state, "work", length, WORK_BYTES_MAX)?;
    if length > TEXT_BYTES_MAX {
        return Err(refuse("`replace` gives too long a text"));
    }
    Ok(text.replace(from, to))
}

/// A pattern of the user's with the work that it makes of a byte; or what is wrong with it.
pub(super) fn pattern(typed: &str) -> Result<(Regex, usize), String> {
    for (size, weight) in PATTERN_SIZES {
        let built = RegexBuilder::new(typed)
            .size_limit(size)
            .dfa_size_limit(PATTERN_TABLES_BYTES_MAX)
            .nest_limit(PATTERN_DEPTH_MAX)
            .build();
        match built {
            Ok(pattern) => return Ok((pattern, weight)),
            Err(regex::Error::CompiledTooBig(_)) => {}
            Err(error) => {
                // The last line says what is wrong; those in front of it draw the place.
                let shown = error.to_string();
                let last = shown.lines().last().unwrap_or_default().trim_start_matches("error: ");
                return Err(format!("not a pattern: {last}"));
            }
        }
    }
    Err("the pattern is too large: use fewer repetitions or shorter lists".to_owned())
}

fn regex_replace(
    state: &mut State<'_, '_>,
    value: &Value,
    typed: &str,
    to: Option<&str>,
) -> Result<String, Error> {
    let text = read(state, value)?;
    let to = to.unwrap_or_default();
    let (pattern, weight) = pattern(typed).map_err(refuse)?;
    spend(state, "pattern", (text.len() + 1_000).saturating_mul(weight), PATTERN_WORK_MAX)?;
    let mut changed = String::new();
    let mut done = 0;
    let mut at = 0;
    while let Some(groups) = text.get(at..).and_then(|_| pattern.captures_at(&text, at)) {
        let work = (text.len() - at).saturating_mul(weight);
        spend(state, "pattern", work, PATTERN_WORK_MAX)?;
        let Some(found) = groups.get(0) else { break };
        changed.push_str(text.get(done..found.start()).unwrap_or_default());
        groups.expand(to, &mut changed);
        changed = bounded(changed)?;
        done = found.end();
        // Behind an empty match the next one is looked for a character further.
        let step = text.get(done..).and_then(|rest| rest.chars().next()).map_or(1, char::len_utf8);
        at = if found.is_empty() { done + step } else { done };
    }
    changed.push_str(text.get(done..).unwrap_or_default());
    bounded(changed)
}

/// A hashtag of a text, or of each item of a list; nothing where no letter is in it.
fn hashtag(state: &mut State<'_, '_>, value: &Value, case: Option<&str>) -> Result<String, Error> {
    let case = match case {
        None => Case::Camel,
        Some(word) => Case::of(word)
            .ok_or_else(|| refuse("`hashtag` takes \"camel\", \"lower\" or \"keep\""))?,
    };
    let texts = if value.kind() == ValueKind::Seq {
        value.try_iter()?.map(|item| item.to_string()).collect()
    } else {
        vec![read(state, value)?]
    };
    let mut tags = String::new();
    for text in texts.iter().filter_map(|text| hashtags::tag(&marks::without(text), case)) {
        if !tags.is_empty() {
            tags.push(' ');
        }
        tags.push_str(&text);
    }
    bounded(tags)
}

/// Percent-encoded for a query.
fn urlencoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            write!(encoded, "%{byte:02X}").unwrap_or_default();
        }
    }
    encoded
}

fn join(value: &Value, separator: Option<&str>) -> Result<String, Error> {
    bounded(text_of(value, separator.unwrap_or_default())?)
}

/// The first item of a list; an empty text where there is none.
fn first(value: &Value) -> Result<Value, Error> {
    if value.kind() != ValueKind::Seq {
        return Err(refuse("`first` is for lists such as categories"));
    }
    Ok(value.try_iter()?.next().unwrap_or_else(|| Value::from("")))
}

/// The day as the format says it; an empty text where the entry has none.
fn date(value: &Value, format: &str) -> Result<String, Error> {
    let Some(moment) = value.downcast_object_ref::<Moment>() else {
        return if value.as_str() == Some("") {
            Ok(String::new())
        } else {
            Err(refuse("`date` is for the variable `date`"))
        };
    };
    date_format(format).map_err(refuse)?;
    Ok(moment.0.format(format).to_string())
}

/// Whether a format of dates is one.
pub(super) fn date_format(format: &str) -> Result<(), String> {
    if StrftimeItems::new(format).any(|item| item == Item::Error) {
        return Err(format!("{format:?} is not a format of dates, such as \"%d.%m.%Y\""));
    }
    Ok(())
}

/// A text in quotation marks as the engine reads it, as far as formats and patterns need it.
pub(super) fn unescaped(typed: &str) -> String {
    let mut text = String::with_capacity(typed.len());
    let mut signs = typed.chars();
    while let Some(sign) = signs.next() {
        if sign != '\\' {
            text.push(sign);
            continue;
        }
        match signs.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some(quote @ ('"' | '\'' | '\\' | '/')) => text.push(quote),
            Some(other) => text.extend(['\\', other]),
            None => {}
        }
    }
    text
}
