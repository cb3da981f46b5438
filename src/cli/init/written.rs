//! The files that a set-up writes: a commented config, and the place for the secrets.
//!
//! Promises: nothing that is there is overwritten unless the person says so, and a place for secrets
//! never; only its owner can read it. Must not: hold a secret.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use toml::Value;

use super::answers::Answers;
use crate::config::edit::inline;

/// The variables of the secrets, with where each is found.
const API_KEY: (&str, &str) = ("AYRSHARE_API_KEY", "Ayrshare's dashboard, API Key");
const X_PAIR: [(&str, &str); 2] = [
    ("X_API_KEY", "X developer console, your app, Keys and tokens: API Key (Consumer Key)"),
    ("X_API_SECRET", "the same page: API Key Secret (Consumer Secret)"),
];

/// The secrets that the answers call for.
fn secrets(answers: &Answers) -> Vec<(&'static str, &'static str)> {
    let mut secrets = vec![API_KEY];
    if answers.with_x() {
        secrets.extend(X_PAIR);
    }
    secrets
}

/// The config, but for its feeds, which come at the end.
pub(super) fn config(answers: &Answers, first_run: Option<&Value>, secrets_in: &Path) -> String {
    let text = |value: &str| inline(&Value::String(value.to_owned()));
    let platforms = answers.platforms.iter().cloned().map(Value::String).collect();
    let mut config = format!(
        "# Tidings' config, begun by `tidings init`. config.example.toml explains every key; `tidings\n\
         # check` says what is wrong, and on which line. Secrets never stand here: they are in\n\
         # {secrets}.\n\
         \n\
         # The database: what was seen and what was sent. Left out: tidings.db in the folder where\n\
         # tidings is started, or in systemd's state directory.\n\
         # [store]\n\
         # path = \"/var/lib/tidings/tidings.db\"\n\
         \n\
         # Where it goes, and when.\n\
         [[profile]]\n\
         name = {name}\n\
         platforms = {platforms}\n\
         time_zone = {zone}\n\
         # Left out, a post goes as soon as it may. Otherwise at fixed times, never at night, or with a\n\
         # gap to the one before:\n\
         # post_at = [\"Mon-Fri 08:30\", \"Mon-Fri 12:00\", \"Sat 10:00\"]\n\
         # quiet_hours = [\"22:00-07:00\"]\n\
         # min_gap = \"20m\"\n\
         # max_per_day = 12\n",
        secrets = secrets_in.display(),
        name = text(&answers.profile),
        platforms = inline(&Value::Array(platforms)),
        zone = text(answers.zone.name()),
    );
    match &answers.budget {
        Some(usd) => {
            let lines = format!(
                "# X bills $0.20 for a post with a link. When this is spent, posts wait for the next month.\n\
                 budget = {{ usd = {usd}, per = \"month\", when_spent = \"hold\" }}\n"
            );
            config.push_str(&lines);
        }
        None if answers.with_x() => {
            config.push_str("# budget = { usd = 20.0, per = \"month\", when_spent = \"hold\" }\n");
        }
        None => {}
    }
    config.push_str(
        "\n# What all feeds have in common. first_run says what becomes of the entries that a feed has\n\
         # already: \"none\" begins with the next one, { latest = 1 } posts the newest now.\n\
         [defaults.feed]\n",
    );
    let first_run = first_run.cloned().unwrap_or_else(|| Value::String("none".to_owned()));
    let lines = format!(
        "first_run = {}\n# interval = \"1h\"\n\n\
         # The feeds. `tidings feeds add ADDRESS` puts more here.\n",
        inline(&first_run)
    );
    config.push_str(&lines);
    config
}

/// The variables to fill in.
pub(super) fn env_template(answers: &Answers) -> String {
    let mut text =
        "# Tidings' secrets: one value behind each =. Keep this file to yourself.\n".to_owned();
    for (name, place) in secrets(answers) {
        text.push_str(&["\n# ", place, "\n", name, "=\n"].concat());
    }
    text
}

/// Where the secrets go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Vault {
    /// One file of variables.
    EnvFile(PathBuf),
    /// A folder with a file for each secret.
    Credentials(PathBuf),
}

impl Vault {
    pub(super) fn path(&self) -> &Path {
        match self {
            Self::EnvFile(path) | Self::Credentials(path) => path,
        }
    }

    /// Makes what is not there yet; gives what came of each file, for a person.
    pub(super) fn make(&self, answers: &Answers) -> Result<Vec<String>, anyhow::Error> {
        let files = match self {
            Self::EnvFile(path) => vec![(path.clone(), env_template(answers))],
            Self::Credentials(folder) => {
                DirBuilder::new()
                    .mode(0o700)
                    .recursive(true)
                    .create(folder)
                    .with_context(|| format!("cannot make the folder {}", folder.display()))?;
                let names = secrets(answers);
                names.iter().map(|(name, _)| (folder.join(name), String::new())).collect()
            }
        };
        let mut told = Vec::new();
        for (path, text) in files {
            let shown = path.display();
            told.push(if create(&path, &text, 0o600)? {
                format!("wrote     {shown} (only you can read it)")
            } else {
                format!("kept      {shown}, which was there")
            });
        }
        Ok(told)
    }

    /// What to do with it first.
    pub(super) fn step(&self, answers: &Answers) -> String {
        let names: Vec<&str> = secrets(answers).iter().map(|(name, _)| *name).collect();
        match self {
            Self::EnvFile(path) => format!(
                "put {} into {path}, then: set -a; . {path}; set +a",
                names.join(", "),
                path = inside(path)
            ),
            Self::Credentials(folder) => format!(
                "put one value into each file of {folder} ({}), then: export CREDENTIALS_DIRECTORY={folder}",
                names.join(", "),
                folder = folder.display()
            ),
        }
    }
}

/// A path that a shell's `.` finds.
fn inside(path: &Path) -> String {
    let shown = path.display().to_string();
    if shown.contains('/') { shown } else { format!("./{shown}") }
}

/// Makes a file; gives `false` where there is one already.
fn create(path: &Path, text: &str, mode: u32) -> Result<bool, anyhow::Error> {
    let mut file = match OpenOptions::new().write(true).create_new(true).mode(mode).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => {
            return Err(error).with_context(|| format!("cannot write {}", path.display()));
        }
    };
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}

/// Writes the config; `false` where there is one and it may not be replaced.
pub(super) fn save(path: &Path, text: &str, replace: bool) -> Result<bool, anyhow::Error> {
    if !replace {
        return create(path, text, 0o644);
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let beside = path.with_file_name(format!(".{name}.{}.new", std::process::id()));
    if !create(&beside, text, 0o644)? {
        anyhow::bail!("{} is in the way: remove it", beside.display());
    }
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(true)
}
