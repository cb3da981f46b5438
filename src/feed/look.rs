//! One look at an image, or at a page that names one.
//!
//! Promises: an image is asked for by `HEAD`, as Ayrshare itself will do, so that what it would
//! refuse is found out here; every address is checked before it is asked, after redirects too; ends
//! with a value that says what was seen, within ten seconds for each hop. Must not: load an
//! image, choose, or try again.

use std::time::Duration;

use ipnet::IpNet;
use reqwest::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName};
use reqwest::{Client, Method, Response};
use url::Url;

use super::decode;
use super::fetch::{HOPS_MAX, broken, redirect};
use super::page::{HTML_BYTES_MAX, previews_of};
use crate::domain::media::{Kind, Look, address};
use crate::http::check_address;

/// Of one request.
const LOOK_TIMEOUT: Duration = Duration::from_secs(10);

/// Looks at a file.
pub async fn look(client: &Client, url: &str, allow_private: &[IpNet]) -> Look {
    let (response, url) = match ask(client, Method::HEAD, url, allow_private).await {
        Ok(arrival) => arrival,
        Err(why) => return Look::Not(why),
    };
    let status = response.status();
    if matches!(status.as_u16(), 405 | 501) {
        return Look::Not("its host refuses HEAD, by which Ayrshare looks at it".to_owned());
    }
    if !status.is_success() {
        return Look::Not(format!("its host answers {status}"));
    }
    let Some(address) = address(url.as_str()) else {
        return Look::Not("it leads to an address that Ayrshare can't be given".to_owned());
    };
    let headers = response.headers();
    let kind = text(headers, &CONTENT_TYPE).and_then(|mime| Kind::of_mime(&mime));
    let bytes = text(headers, &CONTENT_LENGTH).and_then(|length| length.trim().parse().ok());
    // Many hosts tell no length in answer to a HEAD, and a few say zero.
    let bytes = bytes.filter(|bytes| *bytes > 0);
    Look::There { kind: kind.or_else(|| Kind::of_address(&address)), bytes, url: address }
}

/// Reads a page for the image that it names.
pub async fn read_page(client: &Client, url: &str, allow_private: &[IpNet]) -> Look {
    let (mut response, url) = match ask(client, Method::GET, url, allow_private).await {
        Ok(arrival) => arrival,
        Err(why) => return Look::Not(why),
    };
    let status = response.status();
    if !status.is_success() {
        return Look::Not(format!("the page answers {status}"));
    }
    let content_type = text(response.headers(), &CONTENT_TYPE);
    if content_type.as_deref().is_some_and(|kind| !kind.to_ascii_lowercase().contains("html")) {
        return Look::Not("it is no web page".to_owned());
    }
    let mut body = Vec::new();
    while body.len() < HTML_BYTES_MAX {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = HTML_BYTES_MAX.saturating_sub(body.len());
                body.extend(chunk.iter().take(room));
            }
            Ok(None) => break,
            Err(error) => return Look::Not(broken(&error, &url).why),
        }
    }
    Look::Page(previews_of(&decode::decode(&body, content_type.as_deref()), &url))
}

/// Asks, and follows redirects by hand so that each address is checked before it is asked.
async fn ask(
    client: &Client,
    method: Method,
    url: &str,
    allow_private: &[IpNet],
) -> Result<(Response, Url), String> {
    let mut url = Url::parse(url).map_err(|error| format!("it is no address: {error}"))?;
    for _ in 0..=HOPS_MAX {
        check_address(&url, allow_private).map_err(|error| error.to_string())?;
        let request =
            client.request(method.clone(), url.clone()).header(ACCEPT, "*/*").timeout(LOOK_TIMEOUT);
        let response = request.send().await.map_err(|error| broken(&error, &url).why)?;
        match redirect(&response, &url, false).map_err(|failure| failure.why)? {
            None => return Ok((response, url)),
            Some(next) => url = next,
        }
    }
    Err(format!("it redirects more than {HOPS_MAX} times"))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
}
