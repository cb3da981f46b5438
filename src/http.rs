//! The one place that builds HTTP clients, and the address guard in front of every feed.
//!
//! Promises: a feed client connects to no address outside the public internet unless the operator
//! allowed its network, whatever DNS or a redirect says; no client keeps cookies, sends a referrer,
//! follows a redirect or repeats a request by itself. Must not: know of feeds or of Ayrshare's
//! answers, or put the query or password of an address into an error.

mod guard;
mod route;

use std::error::Error;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

pub use guard::{AddressError, check_address, is_public};
pub use route::{Proxy, Route, RouteError};

/// What a feed client is built from.
#[derive(Debug, Clone)]
pub struct Options {
    /// `User-Agent`, the same in every request.
    pub user_agent: String,
    /// Of one request, from connecting to the last byte of its answer.
    pub timeout: Duration,
    /// Of connecting alone, TLS included.
    pub connect_timeout: Duration,
    /// Networks that feeds may lie in although they are not public.
    pub allow_private: Vec<IpNet>,
    /// By which way, and whom to trust on it.
    pub route: Route,
}

/// The client that fetches feeds.
///
/// It takes no proxy from the environment: a proxy resolves names itself and so walks around the
/// address guard. Where the operator names one, the guard sees only literal addresses, and what
/// names resolve to is the proxy's to judge. Literal addresses in URLs never reach a resolver, so
/// whoever sends with this client checks every URL with [`check_address`] first.
pub fn feed_client(options: &Options) -> Result<reqwest::Client, reqwest::Error> {
    let builder = common()
        .user_agent(&options.user_agent)
        .timeout(options.timeout)
        .connect_timeout(options.connect_timeout)
        .tls_certs_merge(options.route.certificates.iter().cloned());
    match &options.route.proxy {
        Some(proxy) => builder.proxy(proxy.for_client()?).build(),
        None => {
            builder.no_proxy().dns_resolver(guard::Resolver::new(&options.allow_private)).build()
        }
    }
}

/// The client that talks to Ayrshare: each request on a connection of its own, since a kept one that
/// the other side has just closed would turn a clean send into an unknown outcome.
pub fn ayrshare_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    common()
        .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
        .timeout(timeout)
        .pool_max_idle_per_host(0)
        .build()
}

/// The client that tells webhooks of alerts. The operator named their addresses, so they may lie in a
/// private network, and a proxy of the environment is taken.
pub fn alert_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    common()
        .user_agent(concat!("tidings/", env!("CARGO_PKG_VERSION")))
        .timeout(timeout)
        .pool_max_idle_per_host(0)
        .build()
}

/// The client that asks a daemon on this machine how it is.
pub fn loopback_client(timeout: Duration) -> Result<reqwest::Client, reqwest::Error> {
    common().timeout(timeout).no_proxy().build()
}

/// What holds for every client.
fn common() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_rustls()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
}

/// What reqwest and hyper say for every error of their kind.
const LAYERS: [&str; 4] = [
    "error sending request",
    "client error (Connect)",
    "client error (SendRequest)",
    "tcp connect error",
];

/// The error and all its causes in one line, without the addresses that reqwest adds to its own
/// text: they may hold a password or a token.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        let text = bare(error);
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    // The library's own layers tell a person nothing, as long as something else is left.
    if parts.iter().any(|part| !LAYERS.contains(&part.as_str())) {
        parts.retain(|part| !LAYERS.contains(&part.as_str()));
    }
    parts.join(": ")
}

/// The error's own text, without the address it was about.
fn bare(error: &(dyn Error + 'static)) -> String {
    let text = error.to_string();
    match error.downcast_ref::<reqwest::Error>().and_then(reqwest::Error::url) {
        Some(url) => text.replace(&format!(" for url ({url})"), ""),
        None => text,
    }
}

/// An address as it may stand in an error or a log: no user, no password, no query, no fragment.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that can hold neither user nor password.
    let _cannot_have_any = url.set_username("").and_then(|()| url.set_password(None)).is_err();
    let had_query = url.query().is_some();
    url.set_query(None);
    url.set_fragment(None);
    if had_query { format!("{url}?…") } else { url.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(allow: &[&str]) -> Options {
        Options {
            user_agent: "tidings/test".into(),
            timeout: Duration::from_secs(5),
            connect_timeout: Duration::from_secs(2),
            allow_private: allow.iter().map(|net| net.parse().expect("net")).collect(),
            route: Route::default(),
        }
    }

    #[tokio::test]
    async fn a_name_that_resolves_into_a_private_network_is_refused_by_name_of_the_setting() {
        let client = feed_client(&options(&[])).expect("client");
        let error = client
            .get("http://user:hunter2@localhost:9/feed?token=s3cret")
            .send()
            .await
            .expect_err("loopback is refused");
        let text = chain(&error);
        assert!(text.contains("fetch.allow_private"), "{text}");
        assert!(text.contains("localhost"), "{text}");
        assert!(!text.contains("s3cret") && !text.contains("hunter2"), "{text}");
    }

    #[test]
    fn the_ayrshare_client_can_be_built() {
        assert!(ayrshare_client(Duration::from_mins(2)).is_ok());
    }

    #[test]
    fn shown_addresses_hold_no_secrets() {
        let url = Url::parse("https://me:pw@example.com/feed?key=1#x").expect("url");
        assert_eq!(shown(&url), "https://example.com/feed?…");
    }
}
