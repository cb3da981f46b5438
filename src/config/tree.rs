//! The config as typed: a tree in which every value knows the line or the variable it came from.
//!
//! Promises: lines come from the parser's spans; depth is bounded; a variable replaces the value of
//! its key as a whole. Must not: know what a key means, or quote a line of the source, which may
//! hold a secret.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::complaints::{Complaints, Origin};
use super::environment::Environment;
use super::keys;
use super::typed::Typed;

/// Names of variables that set a key begin so.
pub(super) const PREFIX: &str = "TIDINGS__";
/// Tables in tables; ours need four.
const DEPTH_MAX: usize = 12;
/// Of a larger file only the first syntax error is told: each costs memory.
const RECOVERABLE_BYTES_MAX: usize = 256 * 1024;
/// A value in a complaint is cut after this many characters.
const SHOWN_CHARS_MAX: usize = 60;

/// A table, by key.
pub(super) type Table = BTreeMap<String, Node>;

/// A value and where it came from.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// The line of its key, or of itself in a list; or its variable.
    pub(super) origin: Origin,
    /// The value as typed.
    pub(super) value: Value,
    /// Where and how a text with braces in it, such as a template, was typed.
    pub(super) typed: Option<Box<Typed>>,
}

/// A value as typed.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A whole or broken number, in decimal digits where it can be.
    Number(String),
    /// `true` or `false`.
    Flag(bool),
    /// A date, a time, or both.
    Date(String),
    /// A list.
    List(Vec<Node>),
    /// A table.
    Table(Table),
}

impl Node {
    /// What kind of value it is, for "found …".
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            Value::Text(_) => "a text",
            Value::Number(_) => "a number",
            Value::Flag(_) => "true or false",
            Value::Date(_) => "a date or time",
            Value::List(_) => "a list",
            Value::Table(_) => "a table",
        }
    }

    /// The value as a person would type it, cut where it is long.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Value::Text(text) => quoted(text),
            Value::Number(text) | Value::Date(text) => cut(text),
            Value::Flag(flag) => flag.to_string(),
            Value::List(_) => "[…]".to_owned(),
            Value::Table(_) => "{ … }".to_owned(),
        }
    }
}

/// A text in quotation marks, with control characters made visible, cut where it is long.
pub(super) fn quoted(text: &str) -> String {
    let escaped: String =
        text.chars().take(SHOWN_CHARS_MAX + 1).flat_map(char::escape_debug).collect();
    format!("\"{}\"", cut(&escaped))
}

fn cut(text: &str) -> String {
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(SHOWN_CHARS_MAX).collect();
    if chars.next().is_some() {
        return head + "…";
    }
    head
}

/// The lines of a file, by byte offset.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(
            text.bytes()
                .enumerate()
                .filter_map(|(at, byte)| (byte == b'\n').then_some(at))
                .collect(),
        )
    }

    /// The line, from 1.
    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|newline| *newline < offset) + 1
    }

    /// The column in bytes, from 1.
    fn column(&self, offset: usize) -> usize {
        let before = self.0.partition_point(|newline| *newline < offset);
        let start = before
            .checked_sub(1)
            .and_then(|last| self.0.get(last))
            .map_or(0, |newline| newline + 1);
        offset.saturating_sub(start) + 1
    }
}

/// Reads TOML. Where its syntax is wrong, complains and returns `None`: what could be salvaged
/// would only lead to complaints about things that nobody typed.
pub(super) fn parse(
    text: &str,
    place: impl Fn(usize) -> Origin,
    complaints: &mut Complaints,
) -> Option<Table> {
    let lines = Lines::of(text);
    let (root, errors) = if text.len() > RECOVERABLE_BYTES_MAX {
        match DeTable::parse(text) {
            Ok(root) => (root, Vec::new()),
            Err(error) => (Spanned::new(0..0, DeTable::new()), vec![error]),
        }
    } else {
        DeTable::parse_recoverable(text)
    };
    let mut last_line = 0;
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        let line = lines.line(at);
        // One slip often looks like several on its line.
        if line == last_line {
            continue;
        }
        last_line = line;
        let remedy = if error.message().starts_with("duplicate key") {
            "give each key and each [section] once; only [[profile]] and [[feed]] can come again"
        } else {
            "every line is `key = value`, `[section]` or `[[section]]`; texts stand in \"quotation marks\""
        };
        complaints.add(
            &place(line),
            format!("not TOML at column {}: {}", lines.column(at), error.message()),
            remedy,
        );
    }
    if !errors.is_empty() {
        return None;
    }
    let origin = |span: Range<usize>| place(lines.line(span.start));
    let typed = |span: Range<usize>| {
        let source = text.get(span.clone()).filter(|source| source.contains('{'))?;
        Some(Typed::new(lines.line(span.start), lines.column(span.start), source))
    };
    let mut reader = Reader { origin: &origin, typed: &typed, too_deep: None };
    let table = reader.table(root.into_inner(), 0);
    if let Some(origin) = reader.too_deep {
        complaints.add(
            &origin,
            format!("tables or lists nested more than {DEPTH_MAX} deep"),
            "no key of ours needs that",
        );
        return None;
    }
    Some(table)
}

/// The parser's tree → ours. The one goes as the other comes: with ten thousand feeds each of them has
/// tens of megabytes.
struct Reader<'a> {
    origin: &'a dyn Fn(Range<usize>) -> Origin,
    typed: &'a dyn Fn(Range<usize>) -> Option<Typed>,
    too_deep: Option<Origin>,
}

impl Reader<'_> {
    fn table(&mut self, table: DeTable<'_>, depth: usize) -> Table {
        table
            .into_iter()
            .map(|(key, value)| {
                let spans = (key.span(), value.span());
                let node = self.node(spans, value.into_inner(), depth + 1);
                (key.into_inner().into_owned(), node)
            })
            .collect()
    }

    fn list(&mut self, list: DeArray<'_>, depth: usize) -> Vec<Node> {
        list.into_iter()
            .map(|value| self.node((value.span(), value.span()), value.into_inner(), depth + 1))
            .collect()
    }

    fn node(
        &mut self,
        (at, value_at): (Range<usize>, Range<usize>),
        value: DeValue<'_>,
        depth: usize,
    ) -> Node {
        let origin = (self.origin)(at);
        if depth > DEPTH_MAX {
            self.too_deep.get_or_insert_with(|| origin.clone());
            return Node { origin, value: Value::Table(Table::new()), typed: None };
        }
        let value = match value {
            DeValue::String(text) => Value::Text(text.into_owned()),
            DeValue::Integer(number) => Value::Number(
                i128::from_str_radix(number.as_str(), number.radix())
                    .map_or_else(|_| number.to_string(), |number| number.to_string()),
            ),
            DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
            DeValue::Boolean(flag) => Value::Flag(flag),
            DeValue::Datetime(date) => Value::Date(date.to_string()),
            DeValue::Array(list) => Value::List(self.list(list, depth)),
            DeValue::Table(table) => Value::Table(self.table(table, depth)),
        };
        let typed = matches!(value, Value::Text(_)).then(|| (self.typed)(value_at)).flatten();
        Node { origin, value, typed: typed.map(Box::new) }
    }
}

/// Lays the variables `TIDINGS__SECTION__KEY` over the tree.
pub(super) fn overlay(root: &mut Table, environment: &Environment, complaints: &mut Complaints) {
    for (name, typed) in environment.iter() {
        let Some(rest) = name.strip_prefix(PREFIX) else {
            continue;
        };
        let origin = Origin::Variable(name.to_owned());
        let path = rest.to_ascii_lowercase();
        let Some((sections, key)) = known(&path) else {
            let (what, remedy) = unknown(&path);
            complaints.add(&origin, what, remedy);
            continue;
        };
        let node = Node { value: value_of_text(typed, &origin), origin, typed: None };
        put(root, &sections, key, node);
    }
}

/// Sections and key of a variable's path, if it may set one.
fn known(path: &str) -> Option<(Vec<&str>, &str)> {
    let (section, rest) = path.split_once("__")?;
    if section == "defaults" {
        let (inner, key) = rest.split_once("__")?;
        let exists = match inner {
            "profile" => keys::profile_defaults().any(|known| known == key),
            "feed" => keys::feed_defaults().any(|known| known == key),
            _ => false,
        };
        return exists.then(|| (vec![section, inner], key));
    }
    let (_, keys) = keys::PLAIN_SECTIONS.iter().find(|(name, _)| *name == section)?;
    keys.contains(&rest).then(|| (vec![section], rest))
}

/// What to say about a variable that sets nothing.
fn unknown(path: &str) -> (String, String) {
    if path.starts_with("profile__") || path.starts_with("feed__") {
        return (
            "profiles and feeds can't be set by a variable".to_owned(),
            format!(
                "write them into the file; what they have in common can be set, e.g. {PREFIX}DEFAULTS__PROFILE__TIME_ZONE"
            ),
        );
    }
    let plain = keys::PLAIN_SECTIONS
        .iter()
        .flat_map(|(section, keys)| keys.iter().map(move |key| format!("{section}__{key}")));
    let profile = keys::profile_defaults().map(|key| format!("defaults__profile__{key}"));
    let feed = keys::feed_defaults().map(|key| format!("defaults__feed__{key}"));
    let all: Vec<String> = plain.chain(profile).chain(feed).collect();
    let remedy = keys::nearest(path, all.iter().map(String::as_str)).map_or_else(
        || {
            format!(
                "variables are {PREFIX}SECTION__KEY with two underscores, e.g. {PREFIX}FETCH__TIMEOUT"
            )
        },
        |near| format!("did you mean {PREFIX}{}?", near.to_ascii_uppercase()),
    );
    ("no key has this name".to_owned(), remedy)
}

/// A list or table in TOML's notation, or else the text as it is.
pub(super) fn value_of_text(typed: &str, origin: &Origin) -> Value {
    let trimmed = typed.trim();
    if trimmed.starts_with(['[', '{'])
        && let Ok(value) = DeValue::parse(trimmed)
    {
        let everywhere = |_| origin.clone();
        let mut reader = Reader { origin: &everywhere, typed: &|_| None, too_deep: None };
        let node = reader.node((0..0, 0..0), value.into_inner(), 0);
        if reader.too_deep.is_none() {
            return node.value;
        }
    }
    Value::Text(typed.to_owned())
}

fn put(root: &mut Table, sections: &[&str], key: &str, node: Node) {
    let mut table = root;
    for section in sections {
        let inner = table.entry((*section).to_owned()).or_insert_with(|| Node {
            origin: node.origin.clone(),
            value: Value::Table(Table::new()),
            typed: None,
        });
        // A section that is no table is complained about when it is read.
        let Value::Table(inner) = &mut inner.value else {
            return;
        };
        table = inner;
    }
    table.insert(key.to_owned(), node);
}
