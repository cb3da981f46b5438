//! A feed server on the loopback: each path has a script of answers, each request is recorded.

#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::{StreamExt as _, stream};
use url::Url;

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    stalls: bool,
    is_silent: bool,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: Vec::new(), body: body.into(), stalls: false, is_silent: false }
    }

    pub(crate) fn redirect(status: u16, to: &str) -> Self {
        Self::new(status, "").header("location", to)
    }

    pub(crate) fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    /// An image of this type, as a `HEAD` shows it.
    pub(crate) fn image(kind: &str) -> Self {
        Self::new(200, "pixels").header("content-type", kind)
    }

    /// No answer ever comes.
    pub(crate) fn silent() -> Self {
        Self { is_silent: true, ..Self::new(200, "") }
    }

    /// The body is followed by silence.
    pub(crate) fn stalling(mut self) -> Self {
        self.stalls = true;
        self
    }

    fn response(self) -> Response {
        let body = if self.stalls {
            let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from(self.body))]);
            Body::from_stream(first.chain(stream::pending()))
        } else {
            Body::from(self.body)
        };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).expect("status");
        for (name, value) in self.headers {
            response.headers_mut().append(
                HeaderName::try_from(name).expect("name"),
                HeaderValue::from_bytes(&value).expect("value"),
            );
        }
        response
    }
}

/// One request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, Vec<Answer>>,
    asked: Vec<Asked>,
}

/// The server; it ends with the test's runtime.
pub(crate) struct FeedServer {
    script: Arc<Mutex<Script>>,
    address: std::net::SocketAddr,
}

impl FeedServer {
    pub(crate) async fn start() -> Self {
        let script = Arc::new(Mutex::new(Script::default()));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("port");
        let address = listener.local_addr().expect("address");
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { script, address }
    }

    /// What a path answers: one after the other, the last one for ever.
    pub(crate) fn script(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        let answers: Vec<Answer> = answers.into_iter().collect();
        assert!(!answers.is_empty(), "a script has answers");
        self.script.lock().expect("script").answers.insert(path.to_owned(), answers);
    }

    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.address)).expect("url")
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().expect("script").asked.clone()
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let answer = next_answer(&script, &request);
    if answer.is_silent {
        std::future::pending::<()>().await;
    }
    answer.response()
}

fn next_answer(script: &Mutex<Script>, request: &Request) -> Answer {
    let mut script = script.lock().expect("script");
    let path = request.uri().to_string();
    script.asked.push(Asked {
        method: request.method().to_string(),
        path: path.clone(),
        headers: request.headers().clone(),
    });
    match script.answers.get_mut(&path) {
        Some(answers) if answers.len() > 1 => answers.remove(0),
        Some(answers) => answers[0].clone(),
        None => Answer::new(404, "no such path"),
    }
}
