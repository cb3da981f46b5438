//! WebSub as it stands on the wire: `Link` headers, requests to a hub, signatures of its pushes.
//!
//! Promises: a signature is compared in constant time; a hub's address is checked like a feed's
//! before it is asked; headers and answers are read within bounds. Must not: keep a subscription, or
//! take what a hub sends for more than a hint.

use hmac::{Hmac, Mac};
use ipnet::IpNet;
use reqwest::Client;
use sha1::Sha1;
use sha2::{Sha256, Sha384, Sha512};
use url::Url;

use super::parse::web_address;
use crate::http::{chain, check_address, shown};

/// How long a `Link` header may be, in bytes; a longer one says nothing.
const HEADER_MAX: usize = 16 * 1024;
/// Links of one answer that are looked at.
const LINKS_MAX: usize = 64;
/// Hubs of one feed that are kept.
const HUBS_MAX: usize = 4;

/// Where an answer, or a feed, says that its changes are announced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Announced {
    /// The hubs, the publisher's first choice first.
    pub hubs: Vec<Url>,
    /// The address under which the hubs know the feed (`rel="self"`).
    pub own: Option<Url>,
}

impl Announced {
    /// What the headers say goes before what the feed says.
    #[must_use]
    pub fn or(self, hubs: &[String], own: Option<&str>) -> Self {
        let parse = |text: &String| Url::parse(text).ok();
        Self {
            hubs: if self.hubs.is_empty() {
                hubs.iter().filter_map(parse).take(HUBS_MAX).collect()
            } else {
                self.hubs
            },
            own: self.own.or_else(|| Url::parse(own?).ok()),
        }
    }
}

/// The hubs and the own address among the values of an answer's `Link` headers (RFC 8288).
pub fn links<'a>(values: impl Iterator<Item = &'a str>, base: &Url) -> Announced {
    let mut found = Announced::default();
    let values = values.filter(|value| value.len() <= HEADER_MAX);
    for (target, relations) in values.flat_map(parts).take(LINKS_MAX) {
        let address = || web_address(target, base).and_then(|address| Url::parse(&address).ok());
        for relation in relations.split_ascii_whitespace() {
            if relation.eq_ignore_ascii_case("hub") && found.hubs.len() < HUBS_MAX {
                found.hubs.extend(address().filter(|hub| !found.hubs.contains(hub)));
            } else if relation.eq_ignore_ascii_case("self") && found.own.is_none() {
                found.own = address();
            }
        }
    }
    found
}

/// The links of one header: target, and relations as written.
fn parts(value: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = value;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let parameters = until_comma(after);
        rest = after.get(parameters.len()..).unwrap_or_default();
        let relation = parameters.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            name.trim().eq_ignore_ascii_case("rel").then(|| value.trim().trim_matches('"'))
        });
        Some((target, relation.unwrap_or_default()))
    })
}

/// A text up to its first comma outside quotes.
fn until_comma(text: &str) -> &str {
    let mut quoted = false;
    let end = text.find(|sign| {
        quoted ^= sign == '"';
        sign == ',' && !quoted
    });
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// What is asked of a hub.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// The hub.
    pub hub: &'a Url,
    /// The feed, by the address that the hub knows it under.
    pub topic: &'a str,
    /// Where the hub reaches us.
    pub callback: &'a str,
    /// With which it signs what it sends.
    pub secret: &'a str,
    /// For how long, in seconds; the hub decides.
    pub lease_seconds: i64,
}

/// Asks a hub for a subscription. The error says what happened, for a person.
pub async fn subscribe(
    client: &Client,
    request: &Request<'_>,
    allow_private: &[IpNet],
) -> Result<(), String> {
    let at = shown(request.hub);
    check_address(request.hub, allow_private).map_err(|error| error.to_string())?;
    let lease = request.lease_seconds.to_string();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("hub.mode", "subscribe")
        .append_pair("hub.topic", request.topic)
        .append_pair("hub.callback", request.callback)
        .append_pair("hub.secret", request.secret)
        .append_pair("hub.lease_seconds", &lease)
        .finish();
    let sent = client
        .post(request.hub.clone())
        .header(reqwest::header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await;
    let answer = sent.map_err(|error| format!("{at} can't be asked: {}", chain(&error)))?;
    if answer.status().is_success() {
        return Ok(());
    }
    Err(format!("{at} answers {}", answer.status()))
}

/// The secret of one subscription: made of the installation's key, so that it is the same after a
/// restart and stands nowhere.
pub fn secret_of(key: &[u8], token: &str) -> String {
    // A key of any length will do for an HMAC.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return String::new();
    };
    mac.update(b"tidings websub ");
    mac.update(token.as_bytes());
    format!("{:x}", mac.finalize().into_bytes())
}

/// Whether a push's `X-Hub-Signature` (`method=hex`) is made of its body with our secret.
pub fn verifies(secret: &[u8], signature: &str, body: &[u8]) -> bool {
    macro_rules! is_of {
        ($hash:ty, $given:expr) => {
            Hmac::<$hash>::new_from_slice(secret).is_ok_and(|mut mac| {
                mac.update(body);
                // Takes the same time wherever the two differ.
                mac.verify_slice($given).is_ok()
            })
        };
    }
    let Some((method, hex)) = signature.trim().split_once('=') else {
        return false;
    };
    let Some(given) = bytes_of(hex) else {
        return false;
    };
    match method.to_ascii_lowercase().as_str() {
        "sha1" => is_of!(Sha1, &given),
        "sha256" => is_of!(Sha256, &given),
        "sha384" => is_of!(Sha384, &given),
        "sha512" => is_of!(Sha512, &given),
        _ => false,
    }
}

/// The bytes that hexadecimal digits stand for; of 64 at most, as many as SHA-512 gives.
fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if hex.is_empty() || hex.len() > 128 || !hex.len().is_multiple_of(2) {
        return None;
    }
    let digits: Option<Vec<u32>> = hex.chars().map(|digit| digit.to_digit(16)).collect();
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    digits?.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[&str]) -> (Vec<String>, Option<String>) {
        let base = Url::parse("https://blog.example/feed").expect("url");
        let links = links(values.iter().copied(), &base);
        (links.hubs.into_iter().map(String::from).collect(), links.own.map(String::from))
    }

    #[test]
    fn link_headers_are_read_in_every_spelling() {
        let hub = || vec!["https://hub.example/".to_owned()];
        let own = || Some("https://blog.example/feed".to_owned());
        for (values, expected) in [
            (&["<https://hub.example/>; rel=\"hub\", </feed>; rel=self"][..], (hub(), own())),
            (
                &[
                    "<https://hub.example/>;rel=hub",
                    "<https://blog.example/feed>; title=\"a, b\"; REL=\"x SELF\"",
                ],
                (hub(), own()),
            ),
            (
                &[
                    "</feed>; rel=\"alternate self\"; type=\"a/b\",<https://hub.example>; rel=\"hub\"",
                ],
                (hub(), own()),
            ),
            (&["<https://hub.example/>; rel=hub, <https://hub.example>; rel=hub"], (hub(), None)),
            (
                &["<mailto:a@b>; rel=hub, <javascript:x>; rel=self", "<", "<>", "", "rel=hub"],
                (vec![], None),
            ),
            (&["</style.css>; rel=preload; as=style"], (vec![], None)),
        ] {
            assert_eq!(found(values), expected, "{values:?}");
        }
        let many =
            (0..100).map(|n| format!("<https://hub{n}.example/>; rel=hub")).collect::<Vec<_>>();
        assert_eq!(found(&[&many.join(",")]).0.len(), HUBS_MAX);
    }

    #[test]
    fn headers_go_before_the_feed() {
        let url = |text: &str| Url::parse(text).expect("url");
        let of_feed =
            (["https://of.feed/".to_owned(), "no address".to_owned()], "https://own.feed/");
        let headers = Announced { hubs: vec![url("https://of.header/")], own: None };
        let both = headers.or(&of_feed.0, Some(of_feed.1));
        assert_eq!(
            both,
            Announced {
                hubs: vec![url("https://of.header/")],
                own: Some(url("https://own.feed/"))
            }
        );
        let feed = Announced::default().or(&of_feed.0, None);
        assert_eq!(feed, Announced { hubs: vec![url("https://of.feed/")], own: None });
    }

    #[test]
    fn only_the_right_signature_verifies() {
        // RFC 4231, test case 2, and the same for SHA-1 (RFC 2202).
        let (secret, body) = (b"Jefe".as_slice(), b"what do ya want for nothing?".as_slice());
        let sha1 = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79";
        let sha256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        let sha384 = "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649";
        let sha512 = "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737";
        for (method, right) in
            [("sha1", sha1), ("sha256", sha256), ("SHA384", sha384), ("sha512", sha512)]
        {
            let signature = format!("{method}={right}");
            assert!(verifies(secret, &signature, body), "{method}");
            assert!(
                verifies(secret, &signature.replace(right, &right.to_uppercase()), body),
                "{method}"
            );
            assert!(!verifies(b"Jeff", &signature, body), "{method}");
            assert!(!verifies(secret, &signature, b"what"), "{method}");
            assert!(!verifies(secret, &signature.replacen(right, "00", 1), body), "{method}");
        }
        for wrong in [
            "",
            "sha1",
            "sha1=",
            "sha256=zz",
            "md5=00",
            sha256,
            "sha256=é",
            &format!("sha1={sha256}"),
        ] {
            assert!(!verifies(secret, wrong, body), "{wrong}");
        }
    }

    #[test]
    fn each_subscription_has_its_own_secret_and_keeps_it() {
        let one = secret_of(b"key", "token");
        assert_eq!(one.len(), 64);
        assert_eq!(one, secret_of(b"key", "token"));
        assert_ne!(one, secret_of(b"key", "another"));
        assert_ne!(one, secret_of(b"yek", "token"));
    }
}
