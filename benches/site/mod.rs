//! A site with any number of feeds on loopback, for the benchmarks.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use tokio::net::TcpListener;

/// Entries of a feed.
pub(crate) const ENTRIES: u64 = 20;

/// Gives a feed at each path, until the runtime ends.
pub(crate) async fn serve(listener: TcpListener, site: Arc<Site>) -> std::io::Result<()> {
    axum::serve(listener, Router::new().fallback(answer).with_state(site)).await
}

/// The feeds.
#[derive(Debug, Default)]
pub(crate) struct Site {
    /// How many entries each feed got since the start.
    pub(crate) more: AtomicU64,
    /// Gives no validators, and so never a 304.
    pub(crate) forgets: AtomicBool,
    /// Waits so many milliseconds with each answer.
    pub(crate) latency: AtomicU64,
    /// Bodies that it gave.
    pub(crate) whole: AtomicU64,
    /// And 304s.
    pub(crate) unchanged: AtomicU64,
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response {
    tokio::time::sleep(Duration::from_millis(site.latency.load(Ordering::Relaxed))).await;
    let newest = ENTRIES + site.more.load(Ordering::Relaxed);
    let etag = format!("\"{newest}\"");
    let forgets = site.forgets.load(Ordering::Relaxed);
    let known = request.headers().get(header::IF_NONE_MATCH);
    if !forgets && known.is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        site.unchanged.fetch_add(1, Ordering::Relaxed);
        return StatusCode::NOT_MODIFIED.into_response();
    }
    site.whole.fetch_add(1, Ordering::Relaxed);
    let body = feed(request.uri().path(), newest);
    let kind = (header::CONTENT_TYPE, "application/rss+xml".to_owned());
    if forgets {
        return ([kind], body).into_response();
    }
    ([kind, (header::ETAG, etag)], body).into_response()
}

/// A feed of about 25 kB with its newest entries.
fn feed(path: &str, newest: u64) -> String {
    let words =
        "<p>Some words of an entry, with <a href=\"/x\">a link</a> &amp; more.</p>".repeat(14);
    let mut body = format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>Feed {path}</title>\
         <link>https://example.com{path}</link>"
    );
    for number in (newest - ENTRIES + 1..=newest).rev() {
        // Writing to a string can't fail.
        let _always_ok = write!(
            body,
            "<item><title>Entry {number} of {path}</title><guid isPermaLink=\"false\">{path}:{number}\
             </guid><link>https://example.com{path}/{number}</link><category>one</category>\
             <pubDate>Thu, 01 Jan 2026 00:{:02}:00 GMT</pubDate><description><![CDATA[{words}]]>\
             </description></item>",
            number % 60
        )
        .is_ok();
    }
    body.push_str("</channel></rss>");
    body
}
