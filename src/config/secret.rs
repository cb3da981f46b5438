//! Secrets: references in the config, values only in memory.
//!
//! Promises: `Debug` and `Display` show where a secret comes from and never what it is; a secret
//! typed in the place of a reference is refused without being repeated. Must not: read a secret
//! that nobody asked for.

use std::fmt;
use std::path::PathBuf;

use super::complaints::Fault;
use super::tree::{Node, Table, Value};

/// The variable of Ayrshare's key, unless the config says otherwise.
pub(super) const API_KEY: &str = "AYRSHARE_API_KEY";
/// The variable of the X app's key, unless the config says otherwise.
pub(super) const X_API_KEY: &str = "X_API_KEY";
/// The variable of the X app's secret, unless the config says otherwise.
pub(super) const X_API_SECRET: &str = "X_API_SECRET";
/// The variable of the page's password that complaints suggest.
pub(super) const WEB_PASSWORD: &str = "TIDINGS_WEB_PASSWORD";
/// The variable of the API's token that complaints suggest.
pub(super) const WEB_TOKEN: &str = "TIDINGS_WEB_TOKEN";
/// The longest name of a variable or credential.
const NAME_BYTES_MAX: usize = 128;

/// Where a secret comes from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretRef {
    /// `{ env = "NAME" }`: an environment variable; `NAME_FILE` works too.
    Env(String),
    /// `{ file = "PATH" }`: the content of a file, without trailing white space.
    File(PathBuf),
    /// `{ credential = "NAME" }`: a file of this name in `$CREDENTIALS_DIRECTORY` (systemd).
    Credential(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Credential(name) => write!(f, "credential {name}"),
        }
    }
}

/// Reads a reference. `name` is a variable for the remedy. Nothing that is typed in the place of a
/// reference is ever repeated: it may be the secret itself.
pub(super) fn reference(node: &Node, name: &str) -> Result<SecretRef, Fault> {
    let file = name.to_ascii_lowercase();
    let one = format!(
        "write {{ env = \"{name}\" }}, {{ file = \"/run/secrets/{file}\" }} or {{ credential = \"{file}\" }}"
    );
    let table: &Table = match &node.value {
        Value::Table(table) => table,
        Value::Text(_) | Value::Number(_) | Value::Flag(_) | Value::Date(_) | Value::List(_) => {
            return Err(Fault::key(
                format!("expected a reference to a secret, found {} (not shown here)", node.kind()),
                format!(
                    "secrets don't belong in the config: put it into the environment variable {name} and {one}"
                ),
            ));
        }
    };
    let mut entries = table.iter();
    let (Some((kind, target)), None) = (entries.next(), entries.next()) else {
        return Err(Fault::key(
            "a reference to a secret has exactly one of env, file and credential",
            one,
        ));
    };
    let Value::Text(target) = &target.value else {
        return Err(Fault::key(
            format!("expected a text in the reference, found {}", target.kind()),
            one,
        ));
    };
    match kind.as_str() {
        "env" if is_variable(target) => Ok(SecretRef::Env(target.clone())),
        "env" => Err(Fault::key(
            "the name in env is not a name of a variable (not shown here)",
            format!(
                "capital letters, digits and underscores, so that a pasted secret isn't taken for a name: {one}"
            ),
        )),
        "credential" if is_credential(target) => Ok(SecretRef::Credential(target.clone())),
        "credential" => Err(Fault::key(
            "the name in credential is not one (not shown here)",
            format!(
                "small letters, digits, \"-\", \"_\" and \".\", so that a pasted secret isn't taken for a name: {one}"
            ),
        )),
        "file" if !target.trim().is_empty() && !target.contains('\0') => {
            Ok(SecretRef::File(PathBuf::from(target)))
        }
        "file" => Err(Fault::key("the path in file is empty", one)),
        _ => Err(Fault::key("the key of the reference is unknown", one)),
    }
}

fn is_variable(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && !name.is_empty()
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Names in one case only: keys of X mix them, keys of Ayrshare are capitals with dashes.
fn is_credential(name: &str) -> bool {
    let small = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
    };
    let names = name.len() <= NAME_BYTES_MAX && !name.starts_with('.');
    names && !name.is_empty() && (name.bytes().all(small) || is_variable(name))
}

pub use super::secrets::{FeedSecrets, ProfileSecrets, Secrets, WebSecrets, XPair};
