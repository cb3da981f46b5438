//! What every request passes before anything is done: by which name it came, from whose page, and
//! whether it may; and what every answer carries.
//!
//! Promises: a page of a stranger can neither read nor do anything here, whatever the browser sends
//! with it. Must not: know what the requests are for.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use url::Host;

use super::Web;
use super::doors::{Visitor, cookie_of};
use super::trouble::Trouble;

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// The path of the page where one logs in.
pub(super) const LOGIN: &str = "/login";
/// Where the live events are.
const EVENTS: &str = "/events";

/// Nothing is loaded but from here; nothing runs that stands in a page; nobody frames us.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What every answer carries. The referrer stays with us alone: under `no-referrer` browsers would
/// call the origin of our own forms `null`.
const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Adds what every answer carries.
pub(super) async fn harden(mut response: Response) -> Response {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Lets a request through, or says why not.
pub(super) async fn guard(
    State(web): State<Arc<Web>>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let visitor = match admit(&web, &request) {
        Ok(visitor) => visitor,
        Err(refused) => return refused.answer(&path),
    };
    let session = visitor.is_new.then(|| visitor.session.clone());
    let is_https = came_by_https(request.headers());
    request.extensions_mut().insert(visitor);
    let answer = next.run(request);
    // Events go on for as long as somebody listens.
    let mut response = if path == EVENTS {
        answer.await
    } else {
        match tokio::time::timeout(ANSWER_TIMEOUT, answer).await {
            Ok(response) => response,
            Err(_too_slow) => Trouble::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "it took too long",
                "try again in a minute, and narrow it down to a profile",
            )
            .at(&path),
        }
    };
    if let Some(session) = session
        && is_page(&response)
        && let Ok(cookie) = HeaderValue::from_str(&cookie_of(&session, is_https))
    {
        response.headers_mut().entry(header::SET_COOKIE).or_insert(cookie);
    }
    response
}

/// Whether the browser came over https, as far as it says so.
pub(super) fn came_by_https(headers: &HeaderMap) -> bool {
    headers.get(header::ORIGIN).is_some_and(|origin| origin.as_bytes().starts_with(b"https://"))
}

fn is_page(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// No route fits.
pub(super) async fn nothing_here(request: Request) -> Response {
    Trouble::no_such_page().at(request.uri().path())
}

/// The route is there, but not for this method.
pub(super) async fn not_so(request: Request) -> Response {
    Trouble::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "it can't be asked like that",
        "look into /api/v1/openapi.json for the methods of each path",
    )
    .at(request.uri().path())
}

/// Why a request goes no further.
#[derive(Debug)]
enum Refused {
    Trouble(Trouble),
    /// A person has to log in.
    LogIn,
    /// A program has to show a token.
    Token,
}

impl Refused {
    fn answer(self, path: &str) -> Response {
        match self {
            Self::Trouble(trouble) => trouble.at(path),
            Self::LogIn => Redirect::to(LOGIN).into_response(),
            Self::Token => {
                let trouble = Trouble::new(
                    StatusCode::UNAUTHORIZED,
                    "a token or a session is missing",
                    "send the header `Authorization: Bearer TOKEN` with the token of `web.token`",
                );
                ([(header::WWW_AUTHENTICATE, "Bearer")], trouble.at(path)).into_response()
            }
        }
    }
}

fn admit(web: &Web, request: &Request) -> Result<Visitor, Refused> {
    let (path, headers) = (request.uri().path(), request.headers());
    let host = host_of(request).filter(|host| is_our_name(web, host));
    let Some(host) = host else {
        return Err(Refused::Trouble(Trouble::new(
            StatusCode::MISDIRECTED_REQUEST,
            "the page is not known by this name",
            "ask for it by its address, or add the name to `hosts` in [web]",
        )));
    };
    let visitor = web.doors.visitor(headers, web.daemon().now());
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    if !visitor.by_token && (changes || path == EVENTS) {
        is_from_us(headers, &host).map_err(Refused::Trouble)?;
    }
    let is_api = path.starts_with("/api/");
    if is_api && changes && !visitor.by_token && !is_json(headers) {
        // No form of a stranger's page can send this type without being asked by the browser first.
        return Err(Refused::Trouble(Trouble::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "the body is not said to be JSON",
            "send the header `Content-Type: application/json`",
        )));
    }
    let is_open = path == LOGIN || path.starts_with("/assets/");
    if visitor.may || is_open {
        return Ok(visitor);
    }
    let is_for_programs = is_api || path == EVENTS || path == "/metrics";
    Err(if is_for_programs { Refused::Token } else { Refused::LogIn })
}

/// The value of the one `Host` header.
fn host_of(request: &Request) -> Option<String> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None, None) = (hosts.next(), hosts.next(), request.uri().authority()) else {
        return None;
    };
    host.to_str().ok().map(str::to_ascii_lowercase)
}

/// Whether browsers may know us by this name: our address, or what the config names. A name that
/// somebody else points at us is no such name (DNS rebinding).
fn is_our_name(web: &Web, host: &str) -> bool {
    let Ok(authority) = host.parse::<axum::http::uri::Authority>() else { return false };
    if host.contains('@') {
        return false;
    }
    let name = authority.host();
    if web.sitting().config.web.doors.hosts.iter().any(|known| known == name) {
        return true;
    }
    let ours = web.address.ip();
    let is_near = ours.is_loopback() || ours.is_unspecified();
    let is_address = |address: IpAddr| {
        address == ours || ours.is_unspecified() || (is_near && address.is_loopback())
    };
    match Host::parse(name) {
        Ok(Host::Ipv4(address)) => is_address(address.into()),
        Ok(Host::Ipv6(address)) => is_address(address.into()),
        Ok(Host::Domain(name)) => is_near && name == "localhost",
        Err(_) => false,
    }
}

/// Whether a request that changes something comes from our own page, or from no page at all.
fn is_from_us(headers: &HeaderMap, host: &str) -> Result<(), Trouble> {
    let foreign = || {
        Trouble::new(
            StatusCode::FORBIDDEN,
            "the request comes from another page",
            "do it on the page of Tidings itself, or send a token",
        )
    };
    let mut sites = headers.get_all("sec-fetch-site").iter();
    let is_ours = |origin: &HeaderValue| {
        let origin = origin.to_str().unwrap_or_default().to_ascii_lowercase();
        let from = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
        from == Some(host)
    };
    let is_near = sites.all(|site| site.as_bytes() == b"same-origin");
    let is_near = is_near && headers.get_all(header::ORIGIN).iter().all(is_ours);
    if is_near { Ok(()) } else { Err(foreign()) }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).map(str::trim);
    kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
}
