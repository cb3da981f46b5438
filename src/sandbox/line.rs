//! The sandbox's connections: accepting, serving, and breaking them on purpose.
//!
//! Promises: a break happens at the socket, at the very byte that was asked for, and a stop ends
//! every connection. Must not: know what the requests say.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;
use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that are open at once; further ones wait in the listener's queue.
const CONNECTIONS_MAX: usize = 4096;

/// The wait after a failed `accept`: it fails when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How a connection is broken.
#[derive(Debug)]
pub(super) enum Break {
    /// Closed in order, before any byte of the answer.
    Close,
    /// Reset (RST), before any byte of the answer.
    Reset,
    /// These bytes are written as they are, then it is closed.
    Cut(Vec<u8>),
}

/// The handle by which a request's handler breaks the connection that the request came on.
#[derive(Debug, Clone)]
pub(super) struct Line(mpsc::Sender<Break>);

impl Line {
    /// Breaks the connection; never returns, since the connection's task drops the caller.
    pub(super) async fn cut(&self, how: Break) -> Response {
        let _first_to_break = self.0.try_send(how).is_ok();
        pending().await
    }
}

/// Serves `app` until `stop`, then waits until the last connection is gone.
pub(super) async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting = async {
        while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _peer)) => {
                    let work = connection(stream, app.clone(), seat);
                    let stop = stop.clone();
                    tasks.spawn(async move { stop.run_until_cancelled(work).await });
                }
                Err(_no_descriptor) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    let _stopped = stop.run_until_cancelled(accepting).await.is_none();
    tasks.close();
    tasks.wait().await;
}

/// Serves one connection until the client leaves or a handler breaks it.
async fn connection(stream: TcpStream, app: Router, _seat: OwnedSemaphorePermit) {
    let (sender, mut breaks) = mpsc::channel(1);
    let service = TowerToHyperService::new(app.layer(Extension(Line(sender))));
    let mut served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    let how = tokio::select! {
        biased;
        Some(how) = breaks.recv() => how,
        // The client left or spoke no HTTP: neither is the sandbox's business.
        _end = &mut served => return,
    };
    let mut stream = served.into_parts().io.into_inner();
    let _broken = match how {
        Break::Close => Ok(()),
        Break::Reset => stream.set_zero_linger(),
        Break::Cut(bytes) => match stream.write_all(&bytes).await {
            Ok(()) => stream.shutdown().await,
            Err(gone) => Err(gone),
        },
    }
    .is_ok();
}
