//! The client of Ayrshare's API: one request, one [`Reply`], word for word.
//!
//! Promises: [`Reply::NotSent`] only if no byte of the request can have left; a secret goes into
//! the headers of the request that needs it and nowhere else. Must not: retry, follow, pool,
//! interpret an answer, or decide anything; policy is the daemon's and meaning the domain's.

pub mod feeds;
mod wire;

use std::fmt;

use chrono::{DateTime, Utc};
use reqwest::header::{
    ACCEPT, AUTHORIZATION, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
};
use reqwest::{Method, Response};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::domain::breaker::X;
use crate::domain::media::Attachment;
use crate::domain::options::Options;
use crate::domain::outcome::Reply;
use crate::http::{chain, shown};

/// The largest answer that is read, decompressed, in bytes; what goes beyond is cut off. A page of
/// the history with 25 long posts stays far below.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// Secrets shorter than this are not looked for in answers: they would tear words apart.
const SECRET_CHARS_MIN: usize = 8;

const PROFILE_KEY: HeaderName = HeaderName::from_static("profile-key");
const X_KEY: HeaderName = HeaderName::from_static("x-twitter-oauth1-api-key");
const X_SECRET: HeaderName = HeaderName::from_static("x-twitter-oauth1-api-secret");

/// A client for one base address.
///
/// The HTTP client given to it must not follow redirects nor retry: both could send a post twice.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base_url: Url,
}

/// The secrets of one profile. `Debug` shows only which of them there are.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Always the primary account's API key.
    pub api_key: &'a SecretString,
    /// The profile's key, if it is not the primary one.
    pub profile_key: Option<&'a SecretString>,
    /// The keys of the user's own X app, if the profile posts to X.
    pub x: Option<XPair<'a>>,
}

/// API key and secret of an X app.
#[derive(Clone, Copy)]
pub struct XPair<'a> {
    /// The API key (consumer key).
    pub key: &'a SecretString,
    /// The API secret (consumer secret).
    pub secret: &'a SecretString,
}

impl Credentials<'_> {
    /// The names of the headers that carry them, for telling what left; values never.
    pub fn header_names(&self) -> Vec<&'static str> {
        let mut names = vec!["Authorization"];
        if self.profile_key.is_some() {
            names.push("Profile-Key");
        }
        if self.x.is_some() {
            names.extend(["X-Twitter-OAuth1-Api-Key", "X-Twitter-OAuth1-Api-Secret"]);
        }
        names
    }
}

impl fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("profile_key", &self.profile_key.is_some())
            .field("x", &self.x.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for XPair<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("XPair").finish_non_exhaustive()
    }
}

/// One post for one platform.
#[derive(Debug, Clone, Copy)]
pub struct PostRequest<'a> {
    /// The final text.
    pub text: &'a str,
    /// Ayrshare's name of the network.
    pub platform: &'a str,
    /// Images or a video; empty for none.
    pub media: &'a [Attachment],
    /// Ayrshare's own options.
    pub options: &'a Options,
    /// Unique per send generation (contract, section 4).
    pub idempotency_key: &'a str,
    /// Our reference: never published, returned by the history.
    pub notes: &'a str,
}

impl Client {
    /// A client that asks `base_url` (with or without a slash at its end) through `http`.
    pub fn new(http: reqwest::Client, base_url: &Url) -> Self {
        Self { http, base_url: base_url.clone() }
    }

    fn address(&self, name: &str) -> Url {
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}/{name}", url.path().trim_end_matches('/')));
        url
    }

    /// `POST /post`: publishes. X headers go along only if the platform is X.
    pub async fn post(
        &self,
        credentials: Credentials<'_>,
        request: &PostRequest<'_>,
        now: DateTime<Utc>,
    ) -> Reply {
        let body = wire::Post::new(request);
        let builder = self.http.request(Method::POST, self.address("post")).json(&body);
        let for_x = request.platform == X;
        self.send(builder, credentials, for_x, now).await
    }

    /// `DELETE /post`: takes one published post down, by Ayrshare's id. X headers go along only if the
    /// platform is X (contract, sections 1.1 and 8.5).
    pub async fn delete(
        &self,
        credentials: Credentials<'_>,
        (platform, id): (&str, &str),
        now: DateTime<Utc>,
    ) -> Reply {
        let body = wire::Delete { id };
        let builder = self.http.request(Method::DELETE, self.address("post")).json(&body);
        self.send(builder, credentials, platform == X, now).await
    }

    /// `GET /history`: the newest posts of one platform.
    ///
    /// Without X headers, also for X: this is Ayrshare's own database; only the native history
    /// (`GET /history/twitter`) targets X (contract, sections 1.1, 4.3 and 5.3), and secrets travel
    /// only where they are needed.
    pub async fn history(
        &self,
        credentials: Credentials<'_>,
        (platform, last_days, limit): (&str, u32, usize),
        now: DateTime<Utc>,
    ) -> Reply {
        let mut url = self.address("history");
        url.query_pairs_mut()
            .append_pair("limit", &limit.to_string())
            .append_pair("platforms", platform)
            .append_pair("lastDays", &last_days.to_string());
        let builder = self.http.request(Method::GET, url);
        self.send(builder, credentials, false, now).await
    }

    /// `GET /user`: the profile and its linked networks; costs nothing at X.
    pub async fn user(&self, credentials: Credentials<'_>, now: DateTime<Utc>) -> Reply {
        let builder = self.http.request(Method::GET, self.address("user"));
        self.send(builder, credentials, false, now).await
    }

    /// As [`Client::user`], with the time that the answer says it is there (`Date`).
    pub async fn user_and_time(
        &self,
        credentials: Credentials<'_>,
        now: DateTime<Utc>,
    ) -> (Reply, Option<DateTime<Utc>>) {
        let builder = self.http.request(Method::GET, self.address("user"));
        self.send_dated(builder, credentials, false, now).await
    }

    /// `POST /validate/post`: what Ayrshare itself would say to a post; publishes nothing.
    pub async fn validate(
        &self,
        credentials: Credentials<'_>,
        (platform, text): (&str, &str),
        now: DateTime<Utc>,
    ) -> Reply {
        let body = serde_json::json!({ "post": text, "platforms": [platform] });
        let builder = self.http.request(Method::POST, self.address("validate/post")).json(&body);
        self.send(builder, credentials, platform == X, now).await
    }

    /// `POST /analytics/social`: reads the account at the network, which X bills.
    pub async fn analytics(
        &self,
        credentials: Credentials<'_>,
        platform: &str,
        now: DateTime<Utc>,
    ) -> Reply {
        let body = serde_json::json!({ "platforms": [platform] });
        let url = self.address("analytics/social");
        let builder = self.http.request(Method::POST, url).json(&body);
        self.send(builder, credentials, platform == X, now).await
    }

    /// `GET /feed`: the feeds that Ayrshare polls for the profile; [`feeds::listed`] reads the answer.
    pub async fn feeds(&self, credentials: Credentials<'_>, now: DateTime<Utc>) -> Reply {
        let builder = self.http.request(Method::GET, self.address("feed"));
        self.send(builder, credentials, false, now).await
    }

    async fn send(
        &self,
        builder: reqwest::RequestBuilder,
        credentials: Credentials<'_>,
        for_x: bool,
        now: DateTime<Utc>,
    ) -> Reply {
        self.send_dated(builder, credentials, for_x, now).await.0
    }

    async fn send_dated(
        &self,
        builder: reqwest::RequestBuilder,
        credentials: Credentials<'_>,
        for_x: bool,
        now: DateTime<Utc>,
    ) -> (Reply, Option<DateTime<Utc>>) {
        let headers = match headers(credentials, for_x) {
            Ok(headers) => headers,
            Err(why) => return (Reply::NotSent { why }, None),
        };
        let request = match builder.headers(headers).build() {
            Ok(request) => request,
            Err(error) => return (Reply::NotSent { why: chain(&error) }, None),
        };
        let url = request.url().clone();
        let reply = match self.http.execute(request).await {
            Ok(response) => {
                let date =
                    response.headers().get(DATE).and_then(|it| wire::date(it.to_str().ok()?));
                return (read(response, credentials, now).await, date);
            }
            Err(error) if never_left(&error, &url) => Reply::NotSent {
                why: format!("cannot connect to {}: {}", shown(&url), chain(&error)),
            },
            Err(error) => {
                Reply::Lost { why: format!("no answer from {}: {}", shown(&url), chain(&error)) }
            }
        };
        (reply, None)
    }
}

/// Whether no byte of the request can have left.
///
/// In hyper-util 0.1.21 an error of kind `Connect`, which is all that `is_connect` looks for, is
/// made in `connection_for` and `connect_to` alone: for DNS, TCP, proxy and TLS, before the request
/// is handed to a connection. What fails later is `SendRequest`, `Canceled` or `ChannelClosed`; a
/// connection lost in its HTTP handshake counts there too, and so as lost. A total time-out is
/// never of kind `Connect`, also when it strikes while connecting; the time-out of the connector
/// is. Should a client follow redirects after all, an error about another address comes after a
/// request that left.
fn never_left(error: &reqwest::Error, url: &Url) -> bool {
    (error.is_connect() || error.is_builder()) && error.url().is_none_or(|of| of == url)
}

fn headers(credentials: Credentials<'_>, for_x: bool) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    let bearer = format!("Bearer {}", credentials.api_key.expose_secret());
    headers.insert(AUTHORIZATION, sensitive(&SecretString::from(bearer), "the API key")?);
    if let Some(key) = credentials.profile_key {
        headers.insert(PROFILE_KEY, sensitive(key, "the profile key")?);
    }
    if let (true, Some(pair)) = (for_x, credentials.x) {
        headers.insert(X_KEY, sensitive(pair.key, "the X API key")?);
        headers.insert(X_SECRET, sensitive(pair.secret, "the X API secret")?);
    }
    Ok(headers)
}

/// A header's value that no `Debug` shows and no HTTP/2 table keeps.
fn sensitive(secret: &SecretString, name: &str) -> Result<HeaderValue, String> {
    let mut value = HeaderValue::from_str(secret.expose_secret())
        .map_err(|_| format!("{name} holds characters that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads an answer to its end, or up to the cap.
async fn read(mut response: Response, credentials: Credentials<'_>, now: DateTime<Utc>) -> Reply {
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| wire::retry_after(value.to_str().ok()?, now));
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = ANSWER_BYTES_MAX.saturating_sub(body.len());
                body.extend(chunk.iter().take(room));
                if chunk.len() > room {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => {
                return Reply::Lost {
                    why: format!("HTTP {status}, then its body broke off: {}", chain(&error)),
                };
            }
        }
    }
    Reply::Answered {
        status,
        retry_after,
        body: without_secrets(&String::from_utf8_lossy(&body), credentials),
    }
}

/// The body without the secrets that a server may echo ("API key … is not valid"): it is kept and
/// shown.
fn without_secrets(body: &str, credentials: Credentials<'_>) -> String {
    let Credentials { api_key, profile_key, x } = credentials;
    let pair = x.map(|XPair { key, secret }| [key, secret]);
    let mut body = body.to_owned();
    for secret in [Some(api_key), profile_key]
        .into_iter()
        .chain(pair.into_iter().flatten().map(Some))
        .flatten()
        .map(ExposeSecret::expose_secret)
    {
        if secret.len() >= SECRET_CHARS_MIN && body.contains(secret) {
            body = body.replace(secret, "[secret]");
        }
    }
    body
}

#[cfg(test)]
mod tests;
