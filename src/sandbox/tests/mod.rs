//! The sandbox from outside, over real sockets.

mod admin;
mod faults;
mod history;
mod strictness;

use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{Options, Profile, Sandbox};
use crate::clock::Clock;

/// 2026-11-02 08:00 UTC.
const START: DateTime<Utc> = match DateTime::from_timestamp(1_793_606_400, 0) {
    Some(at) => at,
    None => DateTime::UNIX_EPOCH,
};

/// The hang that a test itself would otherwise be.
const PATIENCE: Duration = Duration::from_secs(20);

const API_KEY: &str = "API-SECRET-1";
const X_KEY: &str = "X-SECRET-2";
const X_SECRET: &str = "X-SECRET-3";
const ACME_KEY: &str = "PROFILE-SECRET-4";

/// A sandbox, a client of it, and the clock of both.
struct World {
    sandbox: Sandbox,
    client: Client,
    clock: Clock,
}

/// What came back.
struct Got {
    status: u16,
    body: Value,
}

impl World {
    async fn new() -> Self {
        Self::with(|_| ()).await
    }

    /// A sandbox that knows one API key, one X pair and the profile `acme`.
    async fn with(change: impl FnOnce(&mut Options)) -> Self {
        let clock = Clock::manual(START);
        let weigh = |text: &str| u32::try_from(text.chars().count()).unwrap();
        let mut options = Options {
            api_keys: vec![API_KEY.into()],
            x_pairs: vec![(X_KEY.into(), X_SECRET.into())],
            profiles: vec![Profile {
                key: ACME_KEY.into(),
                title: "acme".into(),
                linked: vec!["twitter".into()],
            }],
            ..Options::new(clock.clone(), weigh)
        };
        change(&mut options);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sandbox = Sandbox::start(listener, options).unwrap();
        let client = Client::builder()
            .no_proxy()
            // No TLS here: loading the system's roots for each client takes longer than the tests.
            .tls_certs_only([])
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self { sandbox, client, clock }
    }

    /// A request with no header at all.
    fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.sandbox.url()))
    }

    /// A request with the API key and the X pair.
    fn keyed(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.bare(method, path).bearer_auth(API_KEY);
        request
            .header("X-Twitter-OAuth1-Api-Key", X_KEY)
            .header("X-Twitter-OAuth1-Api-Secret", X_SECRET)
    }

    fn posting(&self, body: &Value) -> RequestBuilder {
        self.keyed(Method::POST, "/post").json(body)
    }

    async fn post(&self, body: &Value) -> Got {
        got(self.posting(body)).await
    }

    async fn post_as_acme(&self, body: &Value) -> Got {
        got(self.posting(body).header("Profile-Key", ACME_KEY)).await
    }

    async fn get(&self, path: &str) -> Got {
        got(self.keyed(Method::GET, path)).await
    }

    /// A request to the sandbox's own pages.
    async fn own(&self, method: Method, path: &str, body: &Value) -> Got {
        let address = format!("{}{path}", self.sandbox.admin_url());
        got(self.client.request(method, address).json(body)).await
    }

    fn published(&self) -> usize {
        self.sandbox.read_books(|books| books.published().count())
    }

    /// Waits until the books say so.
    async fn until(&self, done: impl Fn(&super::Books) -> bool) {
        let waiting = async {
            while !self.sandbox.read_books(&done) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("the books say so at last");
    }
}

async fn got(request: RequestBuilder) -> Got {
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    let text = response.text().await.expect("a whole answer");
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Got { status, body }
}

/// A post to X with its own reference and key.
fn tweet(text: &str) -> Value {
    json!({"post": text, "platforms": ["twitter"], "notes": format!("ref:{text}"), "idempotencyKey": format!("key:{text}")})
}

/// The JSON as a person reads it.
fn pretty(body: &Value) -> String {
    serde_json::to_string_pretty(body).unwrap()
}
