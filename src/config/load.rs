//! The one way in: file and environment → checked config, or all complaints.
//!
//! Promises: never panics, whatever the file holds; reads a bounded number of bytes. Must not:
//! check anything itself.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::complaints::{Complaints, Origin, Talk};
use super::environment::Environment;
use super::{Config, check, groups, include, tree};

/// The largest config file. 10,000 profiles with their feeds fit well in.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Reads a config: defaults, then the file, then variables `TIDINGS__SECTION__KEY`.
///
/// # Errors
///
/// Everything that is wrong, at once.
pub fn load(path: &Path, environment: &Environment) -> Result<Config, Complaints> {
    let mut complaints = Complaints::of_config(path);
    match read(path) {
        Ok(text) => of_text(path, &text, environment),
        Err(fault) => {
            let origin = fault.line.map_or(Origin::File, Origin::Line);
            complaints.add(&origin, fault.what, fault.remedy);
            Err(complaints)
        }
    }
}

/// Reads a config from the text that stands, or would stand, in a file.
pub(super) fn of_text(
    path: &Path,
    text: &str,
    environment: &Environment,
) -> Result<Config, Complaints> {
    let mut complaints = Complaints::of_config(path);
    let Some(mut root) = tree::parse(text, Origin::Line, &mut complaints) else {
        return Err(complaints);
    };
    if root.is_empty() {
        complaints.add(
            &Origin::File,
            "the file holds no config",
            "config.example.toml shows every key",
        );
        return Err(complaints);
    }
    include::follow(path, &mut root, &mut complaints);
    tree::overlay(&mut root, environment, &mut complaints);
    let groups = groups::spread(&mut root, &mut complaints);
    let mut talk = Talk { complaints, warnings: Vec::new() };
    let config = check::config((path, groups), &root, environment, &mut talk);
    match config {
        Some(config) if talk.complaints.is_empty() => Ok(config),
        Some(_) | None => Err(talk.complaints),
    }
}

/// Why a file can't be read as text.
pub(super) struct Unreadable {
    /// The line, where it is known.
    pub(super) line: Option<usize>,
    /// What is wrong, as the end of a sentence.
    pub(super) what: String,
    /// What to do about it.
    pub(super) remedy: &'static str,
}

/// The text of a file.
pub(super) fn read(path: &Path) -> Result<String, Unreadable> {
    let whole = |what: &str, remedy| Unreadable { line: None, what: what.to_owned(), remedy };
    if path.is_dir() {
        return Err(whole("is a directory", "name the file in it, e.g. with `--config`"));
    }
    let bytes = File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = bytes.map_err(|error| {
        if error.kind() == ErrorKind::NotFound {
            let remedy = "copy config.example.toml there, or name another with `--config`";
            return whole("there is no such file", remedy);
        }
        let remedy = "give it to the user that runs tidings, readable";
        whole(&format!("can't be read: {error}"), remedy)
    })?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        return Err(whole(
            &format!("is larger than {} MiB", FILE_BYTES_MAX / 1024 / 1024),
            "this can't be a config of ours; `--config` names another",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let newlines = error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n');
        Unreadable {
            line: Some(newlines.count() + 1),
            what: "is not UTF-8".to_owned(),
            remedy: "save the file as UTF-8",
        }
    })
}
