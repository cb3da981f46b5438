//! The sample site of the demo: one feed of each format, with titles of the kinds that hurt.
//!
//! Promises: answers conditional requests with 304, as a good host does. Must not: be reachable
//! from elsewhere; whoever starts it gives it a loopback listener.

use std::io;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The feeds, by path, with their types.
const FEEDS: [(&str, &str, &str); 3] = [
    ("blog.xml", "application/rss+xml; charset=utf-8", include_str!("site/blog.xml")),
    ("news.atom", "application/atom+xml; charset=utf-8", include_str!("site/news.atom")),
    ("notes.json", "application/feed+json", include_str!("site/notes.json")),
];

/// The sample site; it stops when it is dropped.
#[derive(Debug)]
pub struct Site {
    address: SocketAddr,
    served: JoinHandle<()>,
}

impl Site {
    /// Serves on the listener.
    ///
    /// # Errors
    ///
    /// Where the listener has no address.
    pub fn start(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let routes = Router::new().route("/", get(home)).route("/{feed}", get(feed));
        let served = tokio::spawn(async move {
            // A listener that fails ends the site; whoever asks it then says so.
            drop(axum::serve(listener, routes).await);
        });
        Ok(Self { address, served })
    }

    /// The address of one of its feeds: `blog.xml`, `news.atom` or `notes.json`; of its home page,
    /// which names the blog, for an empty name.
    pub fn url(&self, feed: &str) -> String {
        format!("http://{}/{feed}", self.address)
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.served.abort();
    }
}

/// The home page. It names its feeds as sites do; the first one is the main one.
async fn home() -> Html<String> {
    let links: Vec<String> = FEEDS
        .iter()
        .map(|(path, kind, _)| {
            let kind = kind.split(';').next().unwrap_or_default();
            format!("<link rel=\"alternate\" type=\"{kind}\" href=\"/{path}\">")
        })
        .collect();
    Html(format!(
        "<!doctype html><html lang=\"en\"><head><title>The Lamplighter</title>{}</head><body><p>A sample site.</p></body></html>",
        links.concat()
    ))
}

async fn feed(Path(name): Path<String>, headers: HeaderMap) -> Response {
    let Some((name, kind, body)) = FEEDS.into_iter().find(|(feed, _, _)| *feed == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let etag = format!("\"sample-{name}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == etag.as_bytes()) {
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::ETAG, etag)];
    (headers, body).into_response()
}
