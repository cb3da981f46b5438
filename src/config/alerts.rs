//! `[[alert]]`, checked: who is told when something is wrong, and by which way.
//!
//! Promises: addresses of webhooks, tokens and passwords show in no `Debug`. Must not: send.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use lettre::message::Mailbox;
use secrecy::SecretString;

use super::Config;
use super::complaints::Complaints;
use super::environment::Environment;
use super::secret::SecretRef;
use super::secrets::{Users, values_of};
use crate::domain::alert::{Kind, Severity};
use crate::domain::pace::PostAt;

/// `[[alert]]`: a receiver of alerts.
#[derive(Debug, Clone)]
pub struct Receiver {
    /// `name`
    pub name: String,
    /// `on`: the kinds that it is told.
    pub on: Vec<Kind>,
    /// `min_severity`: what is less bad it is not told.
    pub min_severity: Severity,
    /// `profiles`: only alerts of these; none: all alerts.
    pub profiles: Vec<String>,
    /// `weekly`: when it is told how the week was.
    pub weekly: Option<PostAt>,
    /// `time_zone` of its times.
    pub zone: Tz,
    /// `kind`, and the keys that go with it.
    pub way: Way,
}

impl Receiver {
    /// Whether it is told of such an alert. One that concerns no profile in particular is nothing for
    /// a receiver of some profiles.
    pub fn hears(&self, kind: Kind, severity: Severity, profiles: &[String]) -> bool {
        let concerns =
            self.profiles.is_empty() || profiles.iter().any(|name| self.profiles.contains(name));
        concerns && severity >= self.min_severity && self.on.contains(&kind)
    }

    /// The secrets that it needs, each by its key.
    pub fn secrets(&self) -> impl Iterator<Item = (&'static str, &SecretRef)> {
        let (first, second) = match &self.way {
            Way::Webhook(Webhook { url, token, .. }) => {
                let url = match url {
                    Address::Given(_) => None,
                    Address::Secret(reference) => Some(("url", reference)),
                };
                (url, token.as_ref().map(|it| ("token", it)))
            }
            Way::Email(email) => (email.login.as_ref().map(|it| ("password", &it.password)), None),
            Way::Command(_) => (None, None),
        };
        first.into_iter().chain(second)
    }
}

/// How a receiver is reached.
#[derive(Debug, Clone)]
pub enum Way {
    /// `kind = "webhook"`
    Webhook(Webhook),
    /// `kind = "email"`
    Email(Email),
    /// `kind = "command"`: `command`, a program and its arguments; no shell.
    Command(Vec<String>),
}

/// `kind = "webhook"`. Its address is the operator's own word, so it may lie in a private network.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// `format`
    pub format: Format,
    /// `url`
    pub url: Address,
    /// `token`, sent as `Authorization: Bearer`.
    pub token: Option<SecretRef>,
}

/// What a webhook understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON with everything.
    Json,
    /// Slack, Mattermost, Rocket.Chat.
    Slack,
    /// Discord.
    Discord,
    /// ntfy.
    Ntfy,
}

/// An address that may itself be a secret.
#[derive(Debug, Clone)]
pub enum Address {
    /// As typed.
    Given(SecretString),
    /// Elsewhere.
    Secret(SecretRef),
}

/// `kind = "email"`
#[derive(Debug, Clone)]
pub struct Email {
    /// `server`
    pub server: String,
    /// `port`
    pub port: u16,
    /// `security`
    pub security: Security,
    /// `user` and `password`
    pub login: Option<Login>,
    /// `from`
    pub from: Mailbox,
    /// `to`, at least one.
    pub to: Vec<Mailbox>,
}

/// Who a mail server is told that we are.
#[derive(Debug, Clone)]
pub struct Login {
    /// `user`
    pub user: String,
    /// `password`
    pub password: SecretRef,
}

/// How a mail server is talked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// In the open first, then TLS or nothing.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// In the open; only to this machine.
    None,
}

/// The secrets of all receivers, by their references. `Debug` shows only these.
#[derive(Debug, Clone, Default)]
pub struct AlertSecrets(BTreeMap<SecretRef, SecretString>);

impl AlertSecrets {
    /// Reads what telling the receivers needs; nothing else.
    ///
    /// # Errors
    ///
    /// Everything that is missing or unusable, at once; no value is in it.
    pub fn read(config: &Config, environment: &Environment) -> Result<Self, Complaints> {
        let mut needs = BTreeMap::new();
        needs_of_alerts(config, &mut needs);
        let (values, _) = values_of(&config.file, needs, environment)?;
        Ok(Self::of(config, &values))
    }

    /// What the receivers need of all values.
    pub(super) fn of(config: &Config, values: &BTreeMap<&SecretRef, SecretString>) -> Self {
        let needed = config.alerts.iter().flat_map(Receiver::secrets);
        let value = |(_, it): (_, &SecretRef)| Some((it.clone(), values.get(it)?.clone()));
        Self(needed.filter_map(value).collect())
    }

    /// The value of a reference that was read.
    pub fn value(&self, reference: &SecretRef) -> Option<&SecretString> {
        self.0.get(reference)
    }
}

/// What telling the receivers of alerts needs.
pub(super) fn needs_of_alerts<'a>(config: &'a Config, needs: &mut BTreeMap<&'a SecretRef, Users>) {
    for receiver in &config.alerts {
        let place = format!("alert \"{}\"", receiver.name);
        for (key, reference) in receiver.secrets() {
            needs.entry(reference).or_default().add(key, &place);
        }
    }
}
