//! A template as it was typed, so that its faults can be told where they stand.
//!
//! Promises: line and column in the file, where the text came from one. Must not: know what a
//! template is for.

use super::complaints::{Complaints, Fault, Origin};
use super::section::Section;
use super::tree::Node;
use super::typed::Typed;
use super::values;
use crate::domain::template;

/// A template as typed.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) text: String,
    /// The section that it stands in, for complaints.
    pub(super) place: String,
    pub(super) origin: Origin,
    key: &'static str,
    typed: Option<Typed>,
}

impl Source {
    /// The text of a key, which must say something.
    ///
    /// # Errors
    ///
    /// Where it is empty or no text.
    pub(super) fn read(
        section: &Section<'_>,
        key: &'static str,
        node: &Node,
        remedy: &str,
    ) -> Result<Self, Fault> {
        let text = values::text(node, "a text", remedy)?;
        if text.trim().is_empty() {
            return Err(Fault::value("is empty", remedy));
        }
        Ok(Self {
            text: text.to_owned(),
            place: section.place.clone(),
            origin: node.origin.clone(),
            key,
            typed: node.typed.as_deref().cloned(),
        })
    }

    /// Tells a fault in it by line and column.
    pub(super) fn complain(&self, fault: &template::Fault, complaints: &mut Complaints) {
        let place = fault.at.and_then(|at| Some(self.typed.as_ref()?.place(at)));
        let (origin, column) = match (place, fault.at) {
            (Some((line, column)), _) => (Origin::Line(line), format!(", column {column}")),
            (None, Some(at)) => {
                let before = self.text.get(..at).unwrap_or_default();
                let line = before.matches('\n').count() + 1;
                let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
                (self.origin.clone(), format!(", line {line} of it, column {column}"))
            }
            (None, None) => (self.origin.clone(), String::new()),
        };
        let what = format!("{}: {}{column}: {}", self.place, self.key, fault.what);
        complaints.add(&origin, what, fault.remedy.clone());
    }
}
