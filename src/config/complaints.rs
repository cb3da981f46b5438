//! Complaints: everything that is wrong, told at once.
//!
//! Promises: each names its place, what is wrong and the remedy; the same complaint is told once,
//! in the order of the file; a flood is cut and counted. Must not: hold the value of a secret.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Complaints that are printed; the rest is counted.
const SHOWN_MAX: usize = 50;
/// Complaints that are kept, so that a hostile file can't fill the memory with them.
const KEPT_MAX: usize = 1_000;

/// Where something in the config comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The config file as a whole.
    File,
    /// A line of the config file, from 1.
    Line(usize),
    /// A line, from 1, of a file that the config includes.
    Included(Arc<str>, usize),
    /// A row of a CSV file that the config includes, by its line: every cell is a text.
    Row(Arc<str>, usize),
    /// An environment variable, by its name.
    Variable(String),
    /// A secret, by its reference.
    Secret(String),
}

impl Origin {
    /// Whether a value from there is a text also where it means a number or a flag.
    pub(super) const fn has_only_texts(&self) -> bool {
        matches!(self, Self::Variable(_) | Self::Row(..))
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Complaint {
    /// Where.
    pub origin: Origin,
    /// What is wrong, with section and key.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// What the complaints are about, for the closing line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Config,
    Secrets,
}

/// All that is wrong, as the text that a person reads.
#[derive(Debug, Clone)]
pub struct Complaints {
    file: String,
    subject: Subject,
    kept: BTreeSet<Complaint>,
    /// What stands there comes to several places, and is told at one.
    shared: BTreeSet<Origin>,
    dropped: usize,
}

impl Complaints {
    /// None yet, about a config file.
    pub(super) fn of_config(file: &std::path::Path) -> Self {
        Self {
            file: file.display().to_string(),
            subject: Subject::Config,
            kept: BTreeSet::new(),
            shared: BTreeSet::new(),
            dropped: 0,
        }
    }

    /// None yet, about the secrets that a config file refers to.
    pub(super) fn of_secrets(file: &std::path::Path) -> Self {
        Self { subject: Subject::Secrets, ..Self::of_config(file) }
    }

    /// Adds one.
    pub(super) fn add(
        &mut self,
        origin: &Origin,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let what = what.into();
        if self.is_shared(origin) && self.is_told(origin, &what) {
            return;
        }
        if self.kept.len() >= KEPT_MAX {
            self.dropped = self.dropped.saturating_add(1);
            return;
        }
        self.kept.insert(Complaint { origin: origin.clone(), what, remedy: remedy.into() });
    }

    /// What stands there is laid into several places: a fault of it is told once.
    pub(super) fn share(&mut self, origin: &Origin) {
        self.shared.insert(origin.clone());
    }

    /// Whether what stands there was laid into several places.
    pub(super) fn is_shared(&self, origin: &Origin) -> bool {
        self.shared.contains(origin)
    }

    /// Whether the same is said of another place: what follows the place's name is equal.
    fn is_told(&self, origin: &Origin, what: &str) -> bool {
        let fault = |what: &str| what.rsplit_once(": ").map(|(_, fault)| fault.to_owned());
        let new = fault(what);
        self.kept.iter().any(|it| it.origin == *origin && fault(&it.what) == new)
    }

    /// Whether more than enough is wrong already: then costly suggestions are not worth making.
    pub(super) fn overflows(&self) -> bool {
        self.kept.len() > SHOWN_MAX
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.kept.len().saturating_add(self.dropped)
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Each of them, in the order of the file; the environment comes after it. Of more than a
    /// thousand the rest is only counted.
    pub fn iter(&self) -> impl Iterator<Item = &Complaint> {
        self.kept.iter()
    }

    fn summary(&self) -> String {
        let count = self.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        let variables = |complaint: &Complaint| matches!(complaint.origin, Origin::Variable(_));
        let included = |complaint: &Complaint| {
            matches!(complaint.origin, Origin::Included(..) | Origin::Row(..))
        };
        let place = match self.subject {
            Subject::Secrets => "with the secrets".to_owned(),
            Subject::Config if self.kept.iter().all(variables) => "in the environment".to_owned(),
            Subject::Config if self.kept.iter().any(variables) => {
                format!("in {} and the environment", self.file)
            }
            Subject::Config if self.kept.iter().any(included) => {
                format!("in {} and what it includes", self.file)
            }
            Subject::Config => format!("in {}", self.file),
        };
        format!("{count} {noun} {place}; nothing was started")
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for complaint in self.kept.iter().take(SHOWN_MAX) {
            match &complaint.origin {
                Origin::File => write!(f, "{}: ", self.file)?,
                Origin::Line(line) => write!(f, "{}:{line}: ", self.file)?,
                Origin::Included(file, line) | Origin::Row(file, line) => {
                    write!(f, "{file}:{line}: ")?;
                }
                Origin::Variable(name) | Origin::Secret(name) => write!(f, "{name}: ")?,
            }
            writeln!(f, "{}", complaint.what)?;
            for line in complaint.remedy.lines() {
                writeln!(f, "    {line}")?;
            }
        }
        let untold = self.len().saturating_sub(SHOWN_MAX);
        if untold > 0 {
            writeln!(f, "and {untold} more")?;
        }
        f.write_str(&self.summary())
    }
}

impl std::error::Error for Complaints {}

/// What the checker says: complaints, which stop the program, and warnings, which don't.
#[derive(Debug)]
pub(super) struct Talk {
    /// What stops the program.
    pub(super) complaints: Complaints,
    /// What a person should hear.
    pub(super) warnings: Vec<String>,
}

impl Talk {
    /// Adds a warning; a flood is cut.
    pub(super) fn warn(&mut self, warning: String) {
        if self.warnings.len() < SHOWN_MAX {
            self.warnings.push(warning);
        }
    }
}

/// A problem with one value, before it is known where the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The end of the sentence.
    pub(super) what: String,
    /// What to do about it.
    pub(super) remedy: String,
    /// Whether the sentence begins with the value.
    pub(super) shown: Shown,
}

/// Whether a value may be shown in a complaint about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// As typed.
    Value,
    /// Only its key: the value is, or may be, a secret, or is of the wrong type.
    Key,
}

impl Fault {
    /// `key = value` and what is wrong with it.
    pub(super) fn value(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { what: what.into(), remedy: remedy.into(), shown: Shown::Value }
    }

    /// `key:` and what is wrong with it; the value is not shown.
    pub(super) fn key(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { shown: Shown::Key, ..Self::value(what, remedy) }
    }
}
