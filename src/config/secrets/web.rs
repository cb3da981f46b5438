//! The secrets of the page and the API: a password and a token.
//!
//! Promises: what is short enough to be guessed is refused. Must not: compare them; the page does.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::Users;
use crate::config::Config;
use crate::config::complaints::{Complaints, Origin};
use crate::config::secret::SecretRef;

/// The shortest password and the shortest token, in letters. Passwords are slow to try, tokens not.
const PASSWORD_MIN: usize = 10;
const TOKEN_MIN: usize = 24;

/// What opens the page and the API.
#[derive(Debug, Clone, Default)]
pub struct WebSecrets {
    /// The page's password, as it is or hashed.
    pub password: Option<SecretString>,
    /// The API's token.
    pub token: Option<SecretString>,
}

impl WebSecrets {
    pub(super) fn of(config: &Config, values: &BTreeMap<&SecretRef, SecretString>) -> Self {
        let doors = &config.web.doors;
        let value = |door: &Option<SecretRef>| values.get(door.as_ref()?).cloned();
        Self { password: value(&doors.password), token: value(&doors.token) }
    }
}

/// The page's doors that lead to a secret, where there is a page.
fn doors(config: &Config) -> impl Iterator<Item = (&'static str, &SecretRef)> {
    let doors = &config.web.doors;
    let both = [("password", &doors.password), ("token", &doors.token)];
    let open = config.web.listen.is_some();
    both.into_iter().filter_map(move |(key, door)| Some((key, door.as_ref().filter(|_| open)?)))
}

/// What the page needs.
pub(super) fn needs<'a>(config: &'a Config, needs: &mut BTreeMap<&'a SecretRef, Users>) {
    for (key, reference) in doors(config) {
        needs.entry(reference).or_default().add(key, "[web]");
    }
}

/// Refuses what could be guessed.
pub(super) fn are_strong(
    config: &Config,
    values: &BTreeMap<&SecretRef, SecretString>,
) -> Result<(), Complaints> {
    let mut complaints = Complaints::of_secrets(&config.file);
    for (key, reference) in doors(config) {
        let min = if key == "password" { PASSWORD_MIN } else { TOKEN_MIN };
        let length = values.get(reference).map_or(0, |value| value.expose_secret().len());
        if length < min {
            complaints.add(
                &Origin::Secret(reference.to_string()),
                format!("has {length} letters and could be guessed; needed as {key} of [web]"),
                format!("take a random one of {min} letters or more, such as `openssl rand -hex 16` makes"),
            );
        }
    }
    if complaints.is_empty() { Ok(()) } else { Err(complaints) }
}
