//! How each feed is reached: its client, and what its own server is shown.
//!
//! Promises: one client for each way (proxy, certificates), made once; credentials are made of the
//! values that were read at the start. Must not: fetch.

use std::collections::HashMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use reqwest::Client;
use secrecy::SecretString;
use url::Url;

use super::{feed_limits, feed_options};
use crate::config::secret::{FeedSecrets, SecretRef};
use crate::config::{self, Auth, Config, HeaderText};
use crate::feed::fetch::{BadHeader, Credentials, Limits, Login, Visit};
use crate::http::{self, Route, RouteError};

/// The largest file of certificates, in bytes.
const CA_BYTES_MAX: u64 = 1024 * 1024;

/// Clients and credentials of all feeds.
#[derive(Debug)]
pub struct Access {
    clients: HashMap<config::Route, Client>,
    credentials: HashMap<String, Credentials>,
    /// For addresses that are no feed of the config.
    plain: (Client, Credentials),
}

/// Why feeds can't be reached as the config says.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The HTTP client can't be made.
    #[error("cannot set up HTTP")]
    Http(#[from] reqwest::Error),
    /// The file of certificates can't be read.
    #[error("cannot read the ca_file {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file of certificates is none.
    #[error("the ca_file {} can't be used", path.display())]
    Route {
        /// The file.
        path: PathBuf,
        /// Why.
        source: RouteError,
    },
    /// A header of a feed can't be made.
    #[error("feed {feed}")]
    Header {
        /// The feed's name.
        feed: String,
        /// Why.
        source: BadHeader,
    },
    /// A secret that the config refers to was not read.
    #[error("the {0} was not read")]
    Secret(SecretRef),
}

impl Access {
    /// Makes the clients and credentials of these feeds.
    ///
    /// # Errors
    ///
    /// Where a file of certificates can't be read, or a header can't be made.
    pub fn new<'a>(
        config: &'a Config,
        feeds: impl IntoIterator<Item = &'a config::Feed>,
        secrets: &FeedSecrets,
    ) -> Result<Self, AccessError> {
        let mut clients = HashMap::new();
        let mut credentials = HashMap::new();
        let plain = client(config, &config.fetch.route, secrets)?;
        clients.insert(config.fetch.route.clone(), plain.clone());
        for feed in feeds {
            let route = &feed.access.route;
            if !clients.contains_key(route) {
                clients.insert(route.clone(), client(config, route, secrets)?);
            }
            if feed.access.has_credentials() {
                credentials.insert(feed.name.clone(), shown_by(feed, secrets)?);
            }
        }
        let nobody = Credentials::none(&config.ayrshare.base_url);
        Ok(Self { clients, credentials, plain: (plain, nobody) })
    }

    /// How a feed of the config is visited at an address.
    pub fn visit<'a>(
        &'a self,
        config: &'a Config,
        feed: &config::Feed,
        url: &'a Url,
        now: DateTime<Utc>,
    ) -> Visit<'a> {
        let (plain, nobody) = &self.plain;
        Visit {
            client: self.clients.get(&feed.access.route).unwrap_or(plain),
            credentials: self.credentials.get(&feed.name).unwrap_or(nobody),
            limits: Limits { allow_http: feed.polling.allow_http, ..feed_limits(&config.fetch) },
            ..self.visit_any(config, url, now)
        }
    }

    /// The client that reaches what a feed's entries point to: by the feed's own way, and without
    /// its credentials.
    pub fn client_of(&self, feed: Option<&config::Feed>) -> &Client {
        feed.and_then(|feed| self.clients.get(&feed.access.route)).unwrap_or(&self.plain.0)
    }

    /// How an address that is no feed of the config is visited.
    pub fn visit_any<'a>(
        &'a self,
        config: &'a Config,
        url: &'a Url,
        now: DateTime<Utc>,
    ) -> Visit<'a> {
        let (client, credentials) = &self.plain;
        Visit { client, url, credentials, limits: feed_limits(&config.fetch), now }
    }
}

fn client(
    config: &Config,
    route: &config::Route,
    secrets: &FeedSecrets,
) -> Result<Client, AccessError> {
    let proxy = match &route.proxy {
        None => None,
        Some(config::Proxy { url, login }) => {
            let login = match login {
                None => None,
                Some((user, password)) => Some((user.clone(), value(secrets, password)?)),
            };
            Some(http::Proxy { url: url.clone(), login })
        }
    };
    let pem = route.ca_file.as_deref().map(read).transpose()?;
    let way = Route::new(proxy, pem.as_deref()).map_err(|source| AccessError::Route {
        path: route.ca_file.clone().unwrap_or_default(),
        source,
    })?;
    let options = http::Options { route: way, ..feed_options(&config.fetch) };
    Ok(http::feed_client(&options)?)
}

fn read(path: &Path) -> Result<Vec<u8>, AccessError> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(CA_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|source| AccessError::Read { path: path.to_owned(), source })?;
    Ok(bytes)
}

fn value(secrets: &FeedSecrets, reference: &SecretRef) -> Result<SecretString, AccessError> {
    secrets.value(reference).cloned().ok_or_else(|| AccessError::Secret(reference.clone()))
}

/// What a feed's own server is shown.
fn shown_by(feed: &config::Feed, secrets: &FeedSecrets) -> Result<Credentials, AccessError> {
    let login = match &feed.access.auth {
        None => None,
        Some(Auth::Basic { user, password }) => {
            Some(Login::Basic(user.clone(), value(secrets, password)?))
        }
        Some(Auth::Bearer(token)) => Some(Login::Bearer(value(secrets, token)?)),
    };
    let mut headers = Vec::new();
    for (name, text) in &feed.access.headers {
        let text = match text {
            HeaderText::Plain(text) => SecretString::from(text.as_str()),
            HeaderText::Secret(reference) => value(secrets, reference)?,
        };
        headers.push((name.clone(), text));
    }
    let mut cookies = Vec::new();
    for (name, reference) in &feed.access.cookies {
        cookies.push((name.clone(), value(secrets, reference)?));
    }
    Credentials::new(&feed.url, login, &headers, &cookies)
        .map_err(|source| AccessError::Header { feed: feed.name.clone(), source })
}
