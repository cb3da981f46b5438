//! Filters as they are typed: words, regular expressions, and trees of them.
//!
//! Promises: a wrong pattern is told at its own line, and none is left that could take long or much
//! memory. Must not: know which keys take a filter.

use std::sync::Arc;

use super::complaints::{Complaints, Fault};
use super::section::Section;
use super::tree::{Node, Value};
use super::{keys, values};
use crate::domain::select::filter::{Field, Filter};
use crate::domain::select::pattern::{BadPattern, Pattern, WORDS_CHARS_MAX};

/// Words and regular expressions in one filter.
const PATTERNS_MAX: usize = 500;
const FILTER_REMEDY: &str = "write a list of words such as [\"sponsored\", \"/advert(s|isement)?/i\"], or a table such as { category = \"sport\" }";

/// What was given: a value, or the word that lifts what is inherited.
#[derive(Debug, Clone)]
pub(super) enum Given<T> {
    /// The word that lifts it.
    Nothing,
    /// A value.
    Value(T),
}

impl<T> Given<T> {
    /// The value, if there is one.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Nothing => None,
            Self::Value(value) => Some(value),
        }
    }
}

/// The filter of a key: a list, of which any may hold, or a table, of which all must.
pub(super) fn filter(
    section: &Section<'_>,
    key: &str,
    complaints: &mut Complaints,
) -> Option<Given<Arc<Filter>>> {
    let node = section.node(key)?;
    match &node.value {
        Value::List(items) if items.is_empty() => return Some(Given::Nothing),
        Value::List(_) | Value::Table(_) => {}
        Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Date(_) => {
            let fault = values::wrong_type(node, "a list or a table", FILTER_REMEDY);
            section.complain(key, node, &fault, complaints);
            return None;
        }
    }
    let mut reader = Reader { section, key, complaints, patterns: 0 };
    let filter = reader.filter(node);
    if reader.patterns > PATTERNS_MAX {
        let fault = Fault::key(
            format!("{} words and regular expressions", reader.patterns),
            format!(
                "{PATTERNS_MAX} are the most in one filter; one regular expression can stand for many words: \"/ad|promo|sale/i\""
            ),
        );
        section.complain(key, node, &fault, complaints);
        return None;
    }
    filter.map(|filter| Given::Value(Arc::new(filter)))
}

/// Reads one filter; each complaint is told at the line of its own value.
struct Reader<'a, 's> {
    section: &'a Section<'s>,
    key: &'a str,
    complaints: &'a mut Complaints,
    patterns: usize,
}

impl Reader<'_, '_> {
    fn complain<T>(&mut self, node: &Node, fault: &Fault) -> Option<T> {
        self.section.complain(self.key, node, fault, self.complaints);
        None
    }

    fn filter(&mut self, node: &Node) -> Option<Filter> {
        match &node.value {
            Value::Text(_) => self.has(Field::Anywhere, node),
            Value::List(items) => self.list(node, items).map(Filter::Any),
            Value::Table(table) => {
                // Every part is read, so that every fault is told.
                let parts: Vec<Option<Filter>> =
                    table.iter().map(|(name, node)| self.part(name, node)).collect();
                if parts.is_empty() {
                    let fault = Fault::key("an empty table means nothing", FILTER_REMEDY);
                    return self.complain(node, &fault);
                }
                let mut parts: Vec<Filter> = parts.into_iter().collect::<Option<_>>()?;
                if parts.len() == 1 { parts.pop() } else { Some(Filter::All(parts)) }
            }
            Value::Number(_) | Value::Flag(_) | Value::Date(_) => {
                let fault = values::wrong_type(node, "a text, a list or a table", FILTER_REMEDY);
                self.complain(node, &fault)
            }
        }
    }

    fn list(&mut self, node: &Node, items: &[Node]) -> Option<Vec<Filter>> {
        if items.is_empty() {
            let fault = Fault::key("an empty list in a filter means nothing", "leave it out");
            return self.complain(node, &fault);
        }
        let filters: Vec<Option<Filter>> = items.iter().map(|item| self.filter(item)).collect();
        filters.into_iter().collect()
    }

    /// One key of a table: `any`, `all`, `not`, or a field.
    fn part(&mut self, name: &str, node: &Node) -> Option<Filter> {
        if let Some((_, field)) = Field::NAMED.into_iter().find(|(known, _)| *known == name) {
            let Value::List(items) = &node.value else {
                return self.has(field, node);
            };
            if items.is_empty() {
                return self.list(node, items).map(Filter::Any);
            }
            let patterns: Vec<Option<Filter>> =
                items.iter().map(|item| self.has(field, item)).collect();
            return patterns.into_iter().collect::<Option<_>>().map(Filter::Any);
        }
        match (name, &node.value) {
            ("not", _) => self.filter(node).map(|filter| Filter::Not(Arc::new(filter))),
            ("any", Value::List(items)) => self.list(node, items).map(Filter::Any),
            ("all", Value::List(items)) => self.list(node, items).map(Filter::All),
            ("any" | "all", _) => {
                let fault = values::wrong_type(node, "a list", FILTER_REMEDY);
                self.complain(node, &fault)
            }
            _ => {
                let known = Field::NAMED.map(|(known, _)| known);
                let known = known.into_iter().chain(["any", "all", "not"]);
                let remedy = keys::nearest(name, known.clone()).map_or_else(
                    || format!("a filter knows {}", known.collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let shown = super::tree::quoted(name);
                self.complain(node, &Fault::key(format!("unknown key {shown}"), remedy))
            }
        }
    }

    fn has(&mut self, field: Field, node: &Node) -> Option<Filter> {
        self.patterns = self.patterns.saturating_add(1);
        let typed = match values::text(node, "a text", FILTER_REMEDY) {
            Ok(typed) => typed,
            Err(fault) => return self.complain(node, &fault),
        };
        // Beyond the limit the filter is refused anyway, and compiling takes time.
        if self.patterns > PATTERNS_MAX {
            return None;
        }
        match Pattern::parse(typed) {
            Ok(pattern) => Some(Filter::Has(field, pattern)),
            Err(bad) => {
                let remedy = match &bad {
                    BadPattern::Empty => "write a word, a phrase or a \"/regular expression/\"".to_owned(),
                    BadPattern::TooLong => format!(
                        "a phrase may have {WORDS_CHARS_MAX} characters and a regular expression 1000 bytes; put several into a list"
                    ),
                    BadPattern::MatchesAll => "ask for one character at least: \"/a+/\" instead of \"/a*/\"".to_owned(),
                    BadPattern::TooLarge => "make its repetitions {…} smaller".to_owned(),
                    BadPattern::Syntax(_) => "it is written as for Rust's regex, without look-around and back-references; a text between slashes is always one".to_owned(),
                };
                self.complain(node, &Fault::value(bad.to_string(), remedy))
            }
        }
    }
}
