//! The values of secrets: read once, all problems at once.
//!
//! Promises: each reference is read once; a value is one line that fits into a header; complaints
//! and `Debug` never show one. Must not: read X's pair for a profile that does not post to X.

mod web;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::alerts::{AlertSecrets, needs_of_alerts};
use super::complaints::{Complaints, Origin};
use super::environment::Environment;
use super::secret::SecretRef;
use super::{Config, Feed, Profile};
use crate::domain::breaker::X;
pub use web::WebSecrets;

/// The longest value.
const VALUE_BYTES_MAX: usize = 8 * 1024;
/// Users of a secret that a complaint names.
const USERS_SHOWN_MAX: usize = 3;

/// All secrets that a config needs.
#[derive(Debug, Clone)]
pub struct Secrets {
    /// Ayrshare's key.
    pub api_key: SecretString,
    /// What a person should hear, e.g. that a file of secrets is open to others.
    pub warnings: Vec<String>,
    /// What feeds and proxies are shown.
    pub feeds: FeedSecrets,
    /// How the receivers of alerts are reached.
    pub alerts: AlertSecrets,
    /// What opens the page and the API.
    pub web: WebSecrets,
    profiles: BTreeMap<String, ProfileSecrets>,
}

/// The secrets that fetching needs, by their references. `Debug` shows only these.
#[derive(Debug, Clone, Default)]
pub struct FeedSecrets(BTreeMap<SecretRef, SecretString>);

impl FeedSecrets {
    /// Reads what asking these feeds needs, and `[fetch]`'s proxy; nothing else.
    ///
    /// # Errors
    ///
    /// Everything that is missing or unusable, at once; no value is in it.
    pub fn read<'a>(
        config: &'a Config,
        feeds: impl IntoIterator<Item = &'a Feed>,
        environment: &Environment,
    ) -> Result<Self, Complaints> {
        let mut needs = BTreeMap::new();
        needs_of_feeds(config, feeds, &mut needs);
        let (values, _) = values_of(&config.file, needs, environment)?;
        Ok(Self::of(&values))
    }

    fn of(values: &BTreeMap<&SecretRef, SecretString>) -> Self {
        Self(
            values.iter().map(|(reference, value)| ((*reference).clone(), value.clone())).collect(),
        )
    }

    /// The value of a reference that was read.
    pub fn value(&self, reference: &SecretRef) -> Option<&SecretString> {
        self.0.get(reference)
    }
}

/// The secrets of one profile.
#[derive(Debug, Clone)]
pub struct ProfileSecrets {
    /// Its `Profile-Key`, if it has one.
    pub profile_key: Option<SecretString>,
    /// The keys of its X app, if it posts to X.
    pub x: Option<XPair>,
}

/// Key and secret of an X app.
#[derive(Debug, Clone)]
pub struct XPair {
    /// Its API key.
    pub key: SecretString,
    /// Its API secret.
    pub secret: SecretString,
}

impl Secrets {
    /// Reads all that the config needs.
    ///
    /// # Errors
    ///
    /// Everything that is missing or unusable, at once; no value is in it.
    pub fn read(config: &Config, environment: &Environment) -> Result<Self, Complaints> {
        let (values, warnings) = values_of(&config.file, needs(config), environment)?;
        web::are_strong(config, &values)?;
        // All that is needed is there, or the complaints have been returned.
        Self::assemble(config, &values, warnings)
            .ok_or_else(|| Complaints::of_secrets(&config.file))
    }

    fn assemble(
        config: &Config,
        values: &BTreeMap<&SecretRef, SecretString>,
        warnings: BTreeSet<String>,
    ) -> Option<Self> {
        let value = |reference: &SecretRef| values.get(reference).cloned();
        let mut fetching = BTreeMap::new();
        needs_of_feeds(config, &config.feeds, &mut fetching);
        let of_feeds = fetching.into_keys().filter_map(|it| Some((it, value(it)?))).collect();
        let profile = |profile: &Profile| {
            let profile_key = match &profile.profile_key {
                Some(reference) => Some(value(reference)?),
                None => None,
            };
            let x = if posts_to_x(profile) {
                Some(XPair {
                    key: value(&profile.x_api_key)?,
                    secret: value(&profile.x_api_secret)?,
                })
            } else {
                None
            };
            Some((profile.name.clone(), ProfileSecrets { profile_key, x }))
        };
        Some(Self {
            api_key: value(&config.ayrshare.api_key)?,
            warnings: warnings.into_iter().collect(),
            feeds: FeedSecrets::of(&of_feeds),
            alerts: AlertSecrets::of(config, values),
            web: WebSecrets::of(config, values),
            profiles: config.profiles.iter().map(profile).collect::<Option<BTreeMap<_, _>>>()?,
        })
    }

    /// Stand-ins for the sandbox: nothing is read but what the feeds and the page need.
    ///
    /// # Errors
    ///
    /// As [`Secrets::read`].
    pub fn sandbox(config: &Config, environment: &Environment) -> Result<Self, Complaints> {
        let profile = |profile: &Profile| {
            let secrets = ProfileSecrets {
                profile_key: profile
                    .profile_key
                    .as_ref()
                    .map(|_| format!("sandbox-profile-{}", profile.name).into()),
                x: posts_to_x(profile).then(|| XPair {
                    key: "sandbox-x-key".into(),
                    secret: "sandbox-x-secret".into(),
                }),
            };
            (profile.name.clone(), secrets)
        };
        let mut needs = BTreeMap::new();
        needs_of_feeds(config, &config.feeds, &mut needs);
        web::needs(config, &mut needs);
        let (values, warnings) = values_of(&config.file, needs, environment)?;
        Ok(Self {
            api_key: "sandbox-api-key".into(),
            warnings: warnings.into_iter().collect(),
            feeds: FeedSecrets::of(&values),
            // A rehearsal tells nobody.
            alerts: AlertSecrets::default(),
            web: WebSecrets::of(config, &values),
            profiles: config.profiles.iter().map(profile).collect(),
        })
    }

    /// The secrets of the profile of this name.
    pub fn profile(&self, name: &str) -> Option<&ProfileSecrets> {
        self.profiles.get(name)
    }
}

fn posts_to_x(profile: &Profile) -> bool {
    profile.platforms.iter().any(|platform| platform == X)
}

/// Who needs a secret.
#[derive(Debug, Default)]
pub(super) struct Users {
    named: Vec<String>,
    count: usize,
}

impl Users {
    pub(super) fn add(&mut self, key: &str, place: &str) {
        self.count += 1;
        if self.named.len() < USERS_SHOWN_MAX {
            self.named.push(format!("{key} of {place}"));
        }
    }

    fn shown(&self) -> String {
        let more = self.count.saturating_sub(self.named.len());
        let named = self.named.join(", ");
        if more == 0 {
            return named;
        }
        format!("{named} and {more} more")
    }
}

fn needs(config: &Config) -> BTreeMap<&SecretRef, Users> {
    let mut needs: BTreeMap<&SecretRef, Users> = BTreeMap::new();
    needs.entry(&config.ayrshare.api_key).or_default().add("api_key", "[ayrshare]");
    for profile in &config.profiles {
        let name = &format!("profile \"{}\"", profile.name);
        if let Some(reference) = &profile.profile_key {
            needs.entry(reference).or_default().add("profile_key", name);
        }
        if posts_to_x(profile) {
            for (key, reference) in
                [("x_api_key", &profile.x_api_key), ("x_api_secret", &profile.x_api_secret)]
            {
                needs.entry(reference).or_default().add(key, name);
            }
        }
    }
    needs_of_feeds(config, &config.feeds, &mut needs);
    needs_of_alerts(config, &mut needs);
    web::needs(config, &mut needs);
    needs
}

/// What asking these feeds needs.
fn needs_of_feeds<'a>(
    config: &'a Config,
    feeds: impl IntoIterator<Item = &'a Feed>,
    needs: &mut BTreeMap<&'a SecretRef, Users>,
) {
    for (key, reference) in config.fetch.route.secrets() {
        needs.entry(reference).or_default().add(key, "[fetch]");
    }
    for feed in feeds {
        let place = format!("feed \"{}\"", feed.name);
        // A proxy that all feeds share is told once.
        let shared = feed.access.route.proxy == config.fetch.route.proxy;
        for (key, reference) in feed.access.secrets() {
            if !(shared && key == "proxy") {
                needs.entry(reference).or_default().add(key, &place);
            }
        }
    }
}

/// Reads what is needed; gives values and warnings, or all complaints.
pub(super) fn values_of<'a>(
    file: &Path,
    needs: BTreeMap<&'a SecretRef, Users>,
    environment: &Environment,
) -> Result<(BTreeMap<&'a SecretRef, SecretString>, BTreeSet<String>), Complaints> {
    let mut complaints = Complaints::of_secrets(file);
    let mut reader = Reader { environment, warnings: BTreeSet::new() };
    let mut values = BTreeMap::new();
    for (reference, users) in needs {
        match reader.value(reference) {
            Ok(value) => {
                values.insert(reference, value);
            }
            Err((what, remedy)) => complaints.add(
                &Origin::Secret(reference.to_string()),
                format!("{what}; needed as {}", users.shown()),
                remedy,
            ),
        }
    }
    if complaints.is_empty() { Ok((values, reader.warnings)) } else { Err(complaints) }
}

/// What is wrong with a secret, and the remedy.
type Problem = (String, String);

struct Reader<'a> {
    environment: &'a Environment,
    warnings: BTreeSet<String>,
}

impl Reader<'_> {
    fn value(&mut self, reference: &SecretRef) -> Result<SecretString, Problem> {
        match reference {
            SecretRef::Env(name) => self.variable(name),
            SecretRef::File(path) => self.file(path, ""),
            SecretRef::Credential(name) => {
                let directory = self.environment.get("CREDENTIALS_DIRECTORY");
                let Some(directory) = directory else {
                    return Err((
                        "$CREDENTIALS_DIRECTORY is not set".to_owned(),
                        format!("let systemd set it: `LoadCredential={name}:/path` in the unit"),
                    ));
                };
                self.named_file(&Path::new(directory).join(name))
            }
        }
    }

    /// The variable, the file that `NAME_FILE` names, or systemd's credential of the same name.
    fn variable(&mut self, name: &str) -> Result<SecretString, Problem> {
        if let Some(value) = self.environment.get(name) {
            return usable(value.as_bytes());
        }
        if let Some(path) = self.environment.get(&format!("{name}_FILE")) {
            return self.named_file(Path::new(path));
        }
        let credential = |directory: &str| -> Option<PathBuf> {
            [name.to_owned(), name.to_ascii_lowercase()]
                .iter()
                .map(|name| Path::new(directory).join(name))
                .find(|path| path.is_file())
        };
        if let Some(path) = self.environment.get("CREDENTIALS_DIRECTORY").and_then(credential) {
            return self.named_file(&path);
        }
        Err((
            "is not set".to_owned(),
            format!("set {name}, or {name}_FILE to the path of a file that holds the value"),
        ))
    }

    /// A file that the reference itself does not name.
    fn named_file(&mut self, path: &Path) -> Result<SecretString, Problem> {
        self.file(path, &format!("{} ", path.display()))
    }

    /// `shown` is the file's name for a complaint, where the reference does not show it already.
    fn file(&mut self, path: &Path, shown: &str) -> Result<SecretString, Problem> {
        let limit = u64::try_from(VALUE_BYTES_MAX).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| {
            self.warn_if_open_to_others(path, &file);
            // Trailing white space comes off before the length is judged.
            file.take(limit * 2).read_to_end(&mut bytes)
        });
        if let Err(error) = read {
            return Err((
                format!("{shown}can't be read: {error}"),
                "write the value into this file, readable by the user that runs tidings".to_owned(),
            ));
        }
        usable(&bytes)
    }

    #[cfg(unix)]
    fn warn_if_open_to_others(&mut self, path: &Path, file: &File) {
        use std::os::unix::fs::PermissionsExt;
        let open = |mode: u32| mode & 0o004 != 0;
        if file.metadata().is_ok_and(|metadata| open(metadata.permissions().mode())) {
            self.warnings.insert(format!(
                "every user of this machine can read the secret in {0}; `chmod o-r {0}` closes it",
                path.display()
            ));
        }
    }

    #[cfg(not(unix))]
    fn warn_if_open_to_others(&mut self, _path: &Path, _file: &File) {}
}

/// A value that can go into a header.
fn usable(bytes: &[u8]) -> Result<SecretString, Problem> {
    const REMEDY: &str = "copy the value again, as one line and without quotation marks";
    let problem = |what: &str| Err((what.to_owned(), REMEDY.to_owned()));
    let value = bytes.trim_ascii_end();
    if value.is_empty() {
        return problem("is empty");
    }
    if value.len() > VALUE_BYTES_MAX {
        return problem("is longer than 8 KiB");
    }
    if value.starts_with(b" ") || !value.iter().all(|byte| (b' '..=b'~').contains(byte)) {
        return problem(
            "holds what can't stand in a header: a line break, a leading space or a letter beyond ASCII",
        );
    }
    std::str::from_utf8(value).map_or_else(|_| problem("is not text"), |value| Ok(value.into()))
}
