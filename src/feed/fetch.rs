//! One polite fetch of one feed: ask, follow, read within bounds, hand over to the readers.
//!
//! Promises: ends with a value that says what came of it, within the time-out of all hops together;
//! validators go back byte for byte and only to the address they came from; every hop's address is
//! checked before it is asked; a body is counted as it is unpacked. Must not: try again, wait, keep
//! anything, or take a page or an empty body for a feed without items.

mod credentials;
mod outcome;

use chrono::{DateTime, Utc};
use reqwest::header::{
    ACCEPT, CONTENT_TYPE, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LINK, LOCATION,
};
use reqwest::{Client, Response, StatusCode};
use url::Url;

use super::freshness::{fresh_for, retry_after};
use super::parse::{BREAKS_OFF, Parsed, parse};
use super::sameness::mark;
use super::{decode, discover, websub};
use crate::http::{AddressError, chain, check_address, shown};
pub use credentials::{BadHeader, Credentials, Login};
use outcome::Failure;
pub use outcome::{Ask, FailureKind, Fetched, Limits, New, Sameness, Validators};

/// More redirects than these lead nowhere.
pub const HOPS_MAX: usize = 5;

/// The types of feeds, best first; anything else is taken as a last resort, since many servers
/// label their feeds wrongly.
const FEED_TYPES: &str = "application/atom+xml, application/rss+xml, application/feed+json, \
     application/rdf+xml;q=0.9, application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.1";

/// The answer at the end of all redirects.
struct Arrival {
    response: Response,
    url: Url,
    moved_to: Option<Url>,
    conditional: bool,
}

/// Fetches a feed once.
pub async fn fetch(client: &Client, ask: &Ask<'_>) -> Fetched {
    match attempt(client, ask).await {
        Ok(fetched) => fetched,
        Err(failure) => Fetched::Failed {
            kind: failure.kind,
            why: failure.why,
            retry_after: failure.retry_after,
            status: failure.status,
            named: failure.named,
            refused_by: failure.refused_by.map(|url| *url),
        },
    }
}

/// An address to ask as though nothing of it were known.
#[derive(Debug, Clone, Copy)]
pub struct Visit<'a> {
    /// Asks by this way.
    pub client: &'a Client,
    /// What is asked.
    pub url: &'a Url,
    /// What its server is shown.
    pub credentials: &'a Credentials,
    /// Within which bounds.
    pub limits: Limits<'a>,
    /// The present.
    pub now: DateTime<Utc>,
}

/// Asks a feed as though nothing of it were known.
pub async fn fetch_anew(visit: &Visit<'_>) -> Fetched {
    let nothing = Validators::default();
    let ask = Ask {
        url: visit.url,
        validators: &nothing,
        validators_url: None,
        body_hash: None,
        limits: visit.limits,
        credentials: visit.credentials,
        now: visit.now,
    };
    fetch(visit.client, &ask).await
}

async fn attempt(client: &Client, ask: &Ask<'_>) -> Result<Fetched, Failure> {
    let late = || {
        let seconds = ask.limits.timeout.as_secs_f32();
        let why = format!("{} did not answer in full within {seconds} s", shown(ask.url));
        Failure::new(FailureKind::Timeout, why)
    };
    let (arrival, bytes) = tokio::time::timeout(ask.limits.timeout, receive(client, ask))
        .await
        .unwrap_or_else(|_| Err(late()))?;
    match arrival.response.status() {
        StatusCode::OK => read(arrival, bytes, ask).await,
        StatusCode::NOT_MODIFIED if arrival.conditional => Ok(not_modified(&arrival, ask)),
        StatusCode::GONE => Ok(Fetched::Gone),
        _ => Err(refusal(&arrival, ask)),
    }
}

/// The answer, with its body where it is a 200.
async fn receive(client: &Client, ask: &Ask<'_>) -> Result<(Arrival, Vec<u8>), Failure> {
    let mut arrival = follow(client, ask).await?;
    let mut bytes = Vec::new();
    if arrival.response.status() == StatusCode::OK {
        bytes = body(&mut arrival.response, &arrival.url, ask.limits.max_body)
            .await
            .map_err(|failure| Failure { status: Some(200), ..failure })?;
    }
    Ok((arrival, bytes))
}

/// Asks, and follows redirects by hand so that each address is checked before it is asked.
async fn follow(client: &Client, ask: &Ask<'_>) -> Result<Arrival, Failure> {
    let mut url = ask.url.clone();
    let mut permanent = true;
    for hop in 0..=HOPS_MAX {
        check_address(&url, ask.limits.allow_private)
            .map_err(|error| Failure::new(FailureKind::Address, error.to_string()))?;
        let conditional = ask.validators_url == Some(url.as_str()) && !ask.validators.is_empty();
        let mut request = client.get(url.clone()).header(ACCEPT, FEED_TYPES);
        if conditional {
            let pairs = [
                (IF_NONE_MATCH, &ask.validators.etag),
                (IF_MODIFIED_SINCE, &ask.validators.last_modified),
            ];
            for (name, bytes) in pairs {
                let value = bytes.as_deref().map(HeaderValue::from_bytes);
                if let Some(Ok(value)) = value {
                    request = request.header(name, value);
                }
            }
        }
        request = ask.credentials.shown_to(&url, request);
        let response = request.send().await.map_err(|error| broken(&error, &url))?;
        let Some(next) = redirect(&response, &url, ask.limits.allow_http)? else {
            return Ok(Arrival {
                response,
                moved_to: (permanent && hop > 0).then(|| url.clone()),
                url,
                conditional,
            });
        };
        permanent &= matches!(
            response.status(),
            StatusCode::MOVED_PERMANENTLY | StatusCode::PERMANENT_REDIRECT
        );
        url = next;
    }
    Err(Failure::new(
        FailureKind::Redirect,
        format!(
            "{} redirects more than {HOPS_MAX} times; give the address that it should end at",
            shown(ask.url)
        ),
    ))
}

/// Where an answer sends us, if it does.
pub(super) fn redirect(
    response: &Response,
    from: &Url,
    allow_http: bool,
) -> Result<Option<Url>, Failure> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let fail = |why: String| Failure {
        status: Some(response.status().as_u16()),
        ..Failure::new(FailureKind::Redirect, why)
    };
    let location = response
        .headers()
        .get(LOCATION)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .ok_or_else(|| fail(format!("{} redirects to nowhere", shown(from))))?;
    let next = from
        .join(location.trim())
        .map_err(|_| fail(format!("{} redirects to something that is no address", shown(from))))?;
    if from.scheme() == "https" && next.scheme() == "http" && !allow_http {
        return Err(fail(format!(
            "{} redirects from https to http ({}), which is refused: anybody on the way could change the feed; set `allow_http = true` for this feed if that is meant",
            shown(from),
            shown(&next)
        )));
    }
    Ok(Some(next))
}

/// A request that gave no answer, or an answer that broke off.
pub(super) fn broken(error: &reqwest::Error, url: &Url) -> Failure {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<AddressError>() {
            return Failure::new(FailureKind::Address, error.to_string());
        }
        cause = error.source();
    }
    let host = url.host_str().unwrap_or_default();
    if error.is_timeout() {
        return Failure::new(
            FailureKind::Timeout,
            format!("{host} did not answer in time ({})", chain(error)),
        );
    }
    Failure::new(FailureKind::Network, format!("{} can't be fetched: {}", shown(url), chain(error)))
}

fn not_modified(arrival: &Arrival, ask: &Ask<'_>) -> Fetched {
    let headers = arrival.response.headers();
    let carried = Validators::of(headers);
    Fetched::Unchanged {
        validators: Validators {
            etag: carried.etag.or_else(|| ask.validators.etag.clone()),
            last_modified: carried.last_modified.or_else(|| ask.validators.last_modified.clone()),
        },
        final_url: arrival.url.clone(),
        moved_to: arrival.moved_to.clone(),
        fresh_for: fresh_for(headers, ask.now),
        how: Sameness::NotModified,
    }
}

/// A status that is neither a feed nor "unchanged" nor "gone".
fn refusal(arrival: &Arrival, ask: &Ask<'_>) -> Failure {
    let status = arrival.response.status();
    let headers = arrival.response.headers();
    let at = shown(&arrival.url);
    let is_challenge = headers.get("cf-mitigated").is_some_and(|it| it.as_bytes() == b"challenge");
    let (kind, why) = match status.as_u16() {
        _ if is_challenge => (
            FailureKind::Challenge,
            format!(
                "{at} hides behind Cloudflare's browser check; ask its owner to let feed readers through"
            ),
        ),
        401 | 403 => {
            (FailureKind::Denied, format!("{at} answers {status}; {}", denied(arrival, ask)))
        }
        404 => (
            FailureKind::NotFound,
            format!("{at} answers {status}; check the address, or look on the site for a new one"),
        ),
        429 => (
            FailureKind::TooMany,
            format!("{at} answers {status}: we ask too often; raise the feed's `interval`"),
        ),
        500..=599 => {
            (FailureKind::Server, format!("{at} answers {status}; nothing to do but wait"))
        }
        _ => (FailureKind::Status, format!("{at} answers {status}, which is no feed")),
    };
    Failure {
        retry_after: retry_after(headers, ask.now),
        status: Some(status.as_u16()),
        refused_by: Some(Box::new(arrival.url.clone())),
        ..Failure::new(kind, why)
    }
}

/// What to do about a server that wants to know who asks.
fn denied(arrival: &Arrival, ask: &Ask<'_>) -> &'static str {
    if ask.credentials.is_empty() {
        "check that the address may be read without logging in, or give the feed `auth`, `headers` or `cookies`"
    } else if ask.credentials.are_for(&arrival.url) {
        "what the feed gives as `auth`, `headers` or `cookies` is not accepted: check it"
    } else {
        "it was not shown the feed's `auth`, `headers` or `cookies`, since these go only to the server of its `url`: give the address that it redirects to"
    }
}

/// The body, unpacked, up to its largest size.
async fn body(response: &mut Response, url: &Url, max: usize) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > max => {
                return Err(Failure::new(
                    FailureKind::TooLarge,
                    format!(
                        "{} is larger than {max} bytes unpacked; raise `fetch.max_body` if that is meant",
                        shown(url)
                    ),
                ));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(broken(&error, url)),
        }
    }
}

/// Reads a 200.
async fn read(arrival: Arrival, bytes: Vec<u8>, ask: &Ask<'_>) -> Result<Fetched, Failure> {
    let url = arrival.url;
    let headers = arrival.response.headers();
    let validators = Validators::of(headers);
    let fresh_for = fresh_for(headers, ask.now);
    let hash = mark(&bytes);
    if ask.body_hash == Some(&hash) {
        return Ok(Fetched::Unchanged {
            validators,
            final_url: url,
            moved_to: arrival.moved_to,
            fresh_for,
            how: Sameness::SameBody,
        });
    }
    let content_type = headers
        .get(CONTENT_TYPE)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let lines = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let announced = websub::links(lines, &url);
    let length = bytes.len();
    let base = url.clone();
    let parsing =
        tokio::task::spawn_blocking(move || understand(&bytes, content_type.as_deref(), &base));
    let parsed = parsing.await.unwrap_or_else(|_| {
        Err(Failure::new(
            FailureKind::Refused,
            format!("reading {} went wrong inside Tidings; please report it", shown(&url)),
        ))
    })?;
    Ok(Fetched::New(Box::new(New {
        announced: announced.or(&parsed.feed.hubs, parsed.feed.own_address.as_deref()),
        feed: parsed.feed,
        reader: parsed.reader,
        repairs: parsed.repairs,
        validators,
        final_url: url,
        moved_to: arrival.moved_to,
        body_hash: hash.to_vec(),
        bytes: length,
        fresh_for,
    })))
}

/// Decodes and parses, or says what the body is instead of a feed.
fn understand(body: &[u8], content_type: Option<&str>, url: &Url) -> Result<Parsed, Failure> {
    use super::parse::ParseFailure as Why;
    let at = shown(url);
    let fail = |kind, why: String| Failure { status: Some(200), ..Failure::new(kind, why) };
    let text = decode::decode(body, content_type);
    if text.is_empty() {
        return Err(fail(
            FailureKind::Empty,
            format!("{at} answers with an empty body, which is no feed"),
        ));
    }
    let parsed = parse(&text, url).map_err(|why| match why {
        Why::NotAFeed if is_page(&text, content_type) => {
            let named = discover::feeds_of(&text, url);
            let why = page_instead(&named, url);
            Failure { named, ..fail(FailureKind::NotAFeed, why) }
        }
        Why::NotAFeed | Why::Json(_) => {
            fail(FailureKind::NotAFeed, format!("{at} is not a feed: {why}; check the address"))
        }
        Why::TooDeep | Why::TooManyItems | Why::TooManyValues | Why::LongBase => {
            fail(FailureKind::Refused, format!("{at} is refused for safety: {why}"))
        }
    })?;
    if parsed.feed.items.is_empty() && parsed.repairs.iter().any(|it| it.starts_with(BREAKS_OFF)) {
        return Err(fail(
            FailureKind::NotAFeed,
            format!("{at} breaks off before its first item; nothing to do but wait"),
        ));
    }
    Ok(parsed)
}

fn is_page(text: &str, content_type: Option<&str>) -> bool {
    let labelled = content_type.is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    let head: String = text.chars().take(1024).collect::<String>().to_ascii_lowercase();
    labelled || head.contains("<html") || head.contains("<!doctype html")
}

fn page_instead(named: &[Url], url: &Url) -> String {
    let at = shown(url);
    let found: Vec<&str> = named.iter().map(Url::as_str).collect();
    if found.is_empty() {
        format!("{at} is a web page, not a feed, and names no feed; look for its feed's address")
    } else {
        let found = found.join(" or ");
        format!("{at} is a web page, not a feed; its feed is at {found}")
    }
}
