//! What a feed's own server is shown: a login, headers, cookies.
//!
//! Promises: they go to the origin (scheme, host and port) of the feed's configured address and to no
//! other, whatever redirects say; no `Debug` shows a value. Must not: keep or log one.

use std::fmt;

use reqwest::RequestBuilder;
use reqwest::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use url::{Origin, Url};

/// Credentials for one origin.
#[derive(Clone)]
pub struct Credentials {
    origin: Origin,
    login: Option<Login>,
    headers: HeaderMap,
}

/// A login by the `Authorization` header.
#[derive(Clone)]
pub enum Login {
    /// User and password.
    Basic(String, SecretString),
    /// A token.
    Bearer(SecretString),
}

/// A header that can't be made of what was given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the header {0:?} can't be made of what was given for it")]
pub struct BadHeader(String);

impl Credentials {
    /// None, for an address that wants none.
    pub fn none(url: &Url) -> Self {
        Self { origin: url.origin(), login: None, headers: HeaderMap::new() }
    }

    /// A login, headers and cookies for the server of an address.
    ///
    /// # Errors
    ///
    /// Where a header can't hold its value.
    pub fn new(
        url: &Url,
        login: Option<Login>,
        headers: &[(String, SecretString)],
        cookies: &[(String, SecretString)],
    ) -> Result<Self, BadHeader> {
        let mut all = HeaderMap::new();
        for (name, value) in headers {
            let bad = || BadHeader(name.clone());
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
            all.append(header, secret(value.expose_secret()).ok_or_else(bad)?);
        }
        if !cookies.is_empty() {
            let pairs: Vec<String> = cookies
                .iter()
                .map(|(name, value)| format!("{name}={}", value.expose_secret()))
                .collect();
            let value = SecretString::from(pairs.join("; "));
            let value = secret(value.expose_secret());
            all.insert(COOKIE, value.ok_or_else(|| BadHeader("cookie".to_owned()))?);
        }
        Ok(Self { origin: url.origin(), login, headers: all })
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.login.is_none() && self.headers.is_empty()
    }

    /// Whether a server may see them.
    pub(super) fn are_for(&self, url: &Url) -> bool {
        self.origin == url.origin()
    }

    /// Puts them into a request to an address, if they are for its server.
    pub(super) fn shown_to(&self, url: &Url, request: RequestBuilder) -> RequestBuilder {
        if !self.are_for(url) {
            return request;
        }
        let request = request.headers(self.headers.clone());
        match &self.login {
            None => request,
            Some(Login::Basic(user, password)) => {
                request.basic_auth(user, Some(password.expose_secret()))
            }
            Some(Login::Bearer(token)) => request.bearer_auth(token.expose_secret()),
        }
    }
}

/// A header's value that no `Debug` shows and no HTTP/2 table keeps.
fn secret(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("login", &self.login.is_some())
            .field("headers", &self.headers.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Basic(..) => "Basic",
            Self::Bearer(_) => "Bearer",
        })
    }
}
