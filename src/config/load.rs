//! The one way in: file and environment → checked config, or all complaints.
//!
//! Promises: never panics, whatever the file holds; reads a bounded number of bytes. Must not:
//! check anything itself.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::complaints::{Complaints, Origin, Talk};
use super::environment::Environment;
use super::{Config, check, tree};

/// The largest config file. 10,000 profiles with their feeds fit well in.
const FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Reads a config: defaults, then the file, then variables `TIDINGS__SECTION__KEY`.
///
/// # Errors
///
/// Everything that is wrong, at once.
pub fn load(path: &Path, environment: &Environment) -> Result<Config, Complaints> {
    let mut complaints = Complaints::of_config(path);
    match read(path, &mut complaints) {
        Some(text) => of_text(path, &text, environment),
        None => Err(complaints),
    }
}

/// Reads a config from the text that stands, or would stand, in a file.
pub(super) fn of_text(
    path: &Path,
    text: &str,
    environment: &Environment,
) -> Result<Config, Complaints> {
    let mut complaints = Complaints::of_config(path);
    let Some(mut root) = tree::parse(text, &mut complaints) else {
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
    tree::overlay(&mut root, environment, &mut complaints);
    let mut talk = Talk { complaints, warnings: Vec::new() };
    let config = check::config(path, &root, environment, &mut talk);
    match config {
        Some(config) if talk.complaints.is_empty() => Ok(config),
        Some(_) | None => Err(talk.complaints),
    }
}

fn read(path: &Path, complaints: &mut Complaints) -> Option<String> {
    let mut add = |origin: &Origin, what: String, remedy: &str| {
        complaints.add(origin, what, remedy);
    };
    if path.is_dir() {
        add(
            &Origin::File,
            "is a directory".to_owned(),
            "name the file in it, e.g. with `--config`",
        );
        return None;
    }
    let bytes = File::open(path).and_then(|file| {
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    });
    let bytes = match bytes {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            add(
                &Origin::File,
                "there is no such file".to_owned(),
                "copy config.example.toml there, or name another with `--config`",
            );
            return None;
        }
        Err(error) => {
            add(
                &Origin::File,
                format!("can't be read: {error}"),
                "give it to the user that runs tidings, readable",
            );
            return None;
        }
    };
    if u64::try_from(bytes.len()).is_ok_and(|length| length > FILE_BYTES_MAX) {
        add(
            &Origin::File,
            format!("is larger than {} MiB", FILE_BYTES_MAX / 1024 / 1024),
            "this can't be a config of ours; `--config` names another",
        );
        return None;
    }
    match String::from_utf8(bytes) {
        Ok(text) => Some(text),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let newlines = error.as_bytes().iter().take(good);
            let line = newlines.filter(|byte| **byte == b'\n').count() + 1;
            add(&Origin::Line(line), "is not UTF-8".to_owned(), "save the file as UTF-8");
            None
        }
    }
}
