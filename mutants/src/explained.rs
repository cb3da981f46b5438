//! mutants/explained.txt: the mutants that may survive, each with its reason.
//!
//! A line names the mutant as the report does, but without the line number; the indented lines below it
//! say why no test can notice it.

use std::path::Path;

use crate::Failure;

pub(crate) struct Explained(Vec<String>);

impl Explained {
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let text = if path.exists() { std::fs::read_to_string(path)? } else { String::new() };
        let mut keys: Vec<(String, bool)> = Vec::new();
        for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
            match keys.last_mut() {
                Some((_, reasoned)) if line.starts_with(' ') => *reasoned = true,
                _ => keys.push((line.trim().to_owned(), false)),
            }
        }
        if let Some((key, _)) = keys.iter().find(|(_, reasoned)| !reasoned) {
            return Err(format!("mutants/explained.txt gives no reason for: {key}").into());
        }
        Ok(Self(keys.into_iter().map(|(key, _)| key).collect()))
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|it| it == key)
    }

    /// Those of the mutated paths that name none of these survivors.
    pub(crate) fn without(&self, survivors: &[String], paths: &[String]) -> Vec<&String> {
        let asked = |key: &&String| paths.iter().any(|path| key.starts_with(path.as_str()));
        self.0.iter().filter(asked).filter(|key| !survivors.contains(key)).collect()
    }
}
