//! Connections: accepted, bounded in number and in patience.
//!
//! Promises: who sends slowly, or nothing, is let go; a stop ends idle connections and lets a request
//! in flight finish. Must not: know what the requests say.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections that are open at once; further ones wait in the listener's queue.
const CONNECTIONS_MAX: usize = 256;
/// How long the head of a request may take to arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// The wait after a failed `accept`: it fails when the process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Who is at the other end.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// Serves until the stop, and then what is in flight.
pub(super) async fn serve(listener: TcpListener, app: Router, stop: CancellationToken) {
    let tasks = TaskTracker::new();
    let seats = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting = async {
        while let Ok(seat) = Arc::clone(&seats).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let app = app.clone().layer(Extension(Peer(peer)));
                    let stop = stop.clone();
                    tasks.spawn(async move {
                        connection(stream, app, stop).await;
                        drop(seat);
                    });
                }
                Err(_no_descriptor) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
    };
    let _stopped = stop.run_until_cancelled(accepting).await.is_none();
    tasks.close();
    tasks.wait().await;
}

async fn connection(stream: TcpStream, app: Router, stop: CancellationToken) {
    let mut served = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD_TIMEOUT)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(app))
    );
    tokio::select! {
        // The client left, was too slow, or spoke no HTTP: none of it is the daemon's business.
        _end = served.as_mut() => return,
        () = stop.cancelled() => served.as_mut().graceful_shutdown(),
    }
    let _end = served.await;
}
