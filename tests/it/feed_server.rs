//! A feed server on the loopback: each path has a script of answers, each request is recorded.

#![expect(clippy::indexing_slicing, reason = "a test may fail by panicking, in its helpers too")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt as _, stream};
use std::net::SocketAddr;
use std::time::Duration;
use tidings::clock::Clock;
use url::Url;

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    stalls: bool,
    is_silent: bool,
    late: Duration,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: body.into(),
            stalls: false,
            is_silent: false,
            late: Duration::ZERO,
        }
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

    /// The same with another status.
    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// The body is followed by silence.
    pub(crate) fn stalling(mut self) -> Self {
        self.stalls = true;
        self
    }

    /// The answer takes its time.
    pub(crate) fn late(mut self, by: Duration) -> Self {
        self.late = by;
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
    /// The end of the connection that it came on.
    pub(crate) peer: SocketAddr,
    /// When, by the server's clock.
    pub(crate) at: DateTime<Utc>,
}

impl Asked {
    /// One header, as text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        Some(String::from_utf8_lossy(self.headers.get(name)?.as_bytes()).into_owned())
    }
}

/// What a path answers to a request.
type Behaviour = Box<dyn FnMut(&Asked) -> Answer + Send>;

struct Script {
    clock: Clock,
    answers: HashMap<String, Vec<Answer>>,
    behaviours: HashMap<String, Behaviour>,
    asked: Vec<Asked>,
}

/// The server; it ends with the test's runtime.
pub(crate) struct FeedServer {
    script: Arc<Mutex<Script>>,
    address: SocketAddr,
}

impl FeedServer {
    pub(crate) async fn start() -> Self {
        Self::under(Clock::System).await
    }

    /// A server whose requests are dated by this clock.
    pub(crate) async fn under(clock: Clock) -> Self {
        let script = Script {
            clock,
            answers: HashMap::new(),
            behaviours: HashMap::new(),
            asked: Vec::new(),
        };
        let script = Arc::new(Mutex::new(script));
        let address = serve(Arc::clone(&script), "127.0.0.1").await;
        Self { script, address }
    }

    /// The same server as another host: the n-th of the loopback network.
    pub(crate) async fn host(&self, n: u8) -> Url {
        let address = serve(Arc::clone(&self.script), &format!("127.0.0.{n}")).await;
        Url::parse(&format!("http://{address}/")).expect("url")
    }

    /// How a path answers from now on.
    pub(crate) fn behave(&self, path: &str, how: impl FnMut(&Asked) -> Answer + Send + 'static) {
        self.script.lock().expect("script").behaviours.insert(path.to_owned(), Box::new(how));
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

    /// The requests for one path so far.
    pub(crate) fn asked_for(&self, path: &str) -> Vec<Asked> {
        self.asked().into_iter().filter(|asked| asked.path == path).collect()
    }

    /// The requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().expect("script").asked.clone()
    }
}

async fn serve(script: Arc<Mutex<Script>>, host: &str) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind((host, 0)).await.expect("port");
    let address = listener.local_addr().expect("address");
    let router = Router::new().fallback(answer).with_state(script);
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move { axum::serve(listener, service).await });
    address
}

async fn answer(
    State(script): State<Arc<Mutex<Script>>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let answer = {
        let mut script = script.lock().expect("script");
        let path = request.uri().to_string();
        let at = script.clock.now();
        let method = request.method().to_string();
        let asked = Asked { method, path, headers: request.headers().clone(), peer, at };
        script.asked.push(asked.clone());
        if let Some(behaviour) = script.behaviours.get_mut(&asked.path) {
            behaviour(&asked)
        } else {
            match script.answers.get_mut(&asked.path) {
                Some(answers) if answers.len() > 1 => answers.remove(0),
                Some(answers) => answers[0].clone(),
                None => Answer::new(404, "no such path"),
            }
        }
    };
    if answer.is_silent {
        std::future::pending::<()>().await;
    }
    if !answer.late.is_zero() {
        tokio::time::sleep(answer.late).await;
    }
    answer.response()
}
