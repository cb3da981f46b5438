//! One section of the config: unknown keys, wrong types, and one reader for every kind of value.
//!
//! Promises: each fault becomes a complaint at the line of its key or list item, and the rest is
//! read on. Must not: know which keys there are; the caller brings them.

use super::complaints::{Complaints, Fault, Origin, Shown};
use super::keys;
use super::tree::{Node, Table, Value, quoted};

/// Items that a list may have.
const LIST_MAX: usize = 1_000;

/// A table with a name for complaints.
pub(super) struct Section<'a> {
    /// Its name in complaints: `[fetch]`, `feed "blog"`.
    pub(super) place: String,
    /// Where it begins.
    pub(super) origin: Origin,
    table: Option<&'a Table>,
}

impl<'a> Section<'a> {
    /// The section of this name in a table, empty if it is not there.
    pub(super) fn of(
        parent: &'a Table,
        key: &str,
        place: &str,
        complaints: &mut Complaints,
    ) -> Self {
        parent.get(key).map_or_else(
            || Self { place: place.to_owned(), origin: Origin::File, table: None },
            |node| Self::new(node, place.to_owned(), complaints),
        )
    }

    /// A section from a value, which should be a table.
    pub(super) fn new(node: &'a Node, place: String, complaints: &mut Complaints) -> Self {
        let table = if let Value::Table(table) = &node.value {
            Some(table)
        } else {
            complaints.add(
                &node.origin,
                format!("{place}: expected a table, found {}", node.kind()),
                "a table is a `[section]` with lines `key = value`, or `{ key = value }`",
            );
            None
        };
        Self { place, origin: node.origin.clone(), table }
    }

    /// Complains about each key that is not among the known ones; values are not shown.
    pub(super) fn only(
        &self,
        known: impl IntoIterator<Item = &'static str>,
        complaints: &mut Complaints,
    ) {
        let known: Vec<&str> = known.into_iter().collect();
        for (key, node) in self.table.into_iter().flatten() {
            if known.contains(&key.as_str()) {
                continue;
            }
            let remedy = keys::nearest(key, known.iter().copied()).map_or_else(
                || format!("the keys here are {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let shown = quoted(key);
            let shown = shown.trim_matches('"');
            complaints.add(&node.origin, format!("{}: unknown key `{shown}`", self.place), remedy);
        }
    }

    /// The value of a key as typed.
    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.table?.get(key)
    }

    /// The value of a key, read; `None` where it is absent or wrong.
    pub(super) fn read<T>(
        &self,
        key: &str,
        complaints: &mut Complaints,
        read: impl FnOnce(&Node) -> Result<T, Fault>,
    ) -> Option<T> {
        let node = self.node(key)?;
        match read(node) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.complain(key, node, &fault, complaints);
                None
            }
        }
    }

    /// The items of a list, each read; `None` where the list is absent or no list.
    pub(super) fn list<T>(
        &self,
        key: &str,
        example: &str,
        complaints: &mut Complaints,
        read: impl Fn(&Node) -> Result<T, Fault>,
    ) -> Option<Vec<T>> {
        let node = self.node(key)?;
        let Value::List(items) = &node.value else {
            let fault = Fault::key(
                format!("expected a list of texts, found {}", node.kind()),
                format!("for example `{key} = {example}`"),
            );
            self.complain(key, node, &fault, complaints);
            return None;
        };
        if items.len() > LIST_MAX {
            let fault = Fault::key(
                format!("a list of {} items", items.len()),
                format!("{LIST_MAX} are the most"),
            );
            self.complain(key, node, &fault, complaints);
        }
        let mut values = Vec::new();
        for item in items.iter().take(LIST_MAX) {
            match read(item) {
                Ok(value) => values.push(value),
                Err(fault) => self.complain(key, item, &fault, complaints),
            }
        }
        Some(values)
    }

    /// Complains about the value of a key.
    pub(super) fn complain(
        &self,
        key: &str,
        node: &Node,
        fault: &Fault,
        complaints: &mut Complaints,
    ) {
        let what = match fault.shown {
            Shown::Value => format!("{}: {key} = {} {}", self.place, node.shown(), fault.what),
            Shown::Key => format!("{}: {key}: {}", self.place, fault.what),
        };
        complaints.add(&node.origin, what, fault.remedy.clone());
    }

    /// Complains that a key is not there.
    pub(super) fn missing(&self, key: &str, remedy: &str, complaints: &mut Complaints) {
        if self.table.is_some() && self.node(key).is_none() {
            complaints.add(
                &self.origin,
                format!("{}: the key `{key}` is missing", self.place),
                remedy,
            );
        }
    }
}
