//! The page, the JSON API, the metrics, health, and the callback of hubs.
//!
//! Promises: whoever is not on this machine needs a password or a token; nothing of a feed is shown but
//! as text; each listing, body, wait and number of connections is bounded. Must not: decide anything;
//! acts go through the same desk as those of the command line.

mod acts;
mod api;
mod doors;
mod events;
mod guard;
mod html;
mod metrics;
mod password;
mod push;
mod serve;
mod sessions;
mod throttle;
mod trouble;
mod view;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router, middleware};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::daemon::Daemon;
use crate::daemon::reload::Present;
use doors::Doors;
pub use password::hash as hash_password;
use view::View;

/// The largest body that a person or a program may send, in bytes; hubs push under a limit of their
/// own.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// What every request works with.
#[derive(Debug)]
struct Web {
    /// Asked by [`Web::daemon`] alone.
    present: Present,
    doors: Doors,
    /// Where it listens.
    address: SocketAddr,
    /// Seats for those who listen to events.
    seats: Arc<Semaphore>,
}

/// Daemon, config and time of one request.
struct Sitting {
    daemon: Arc<Daemon>,
    config: Arc<Config>,
    now: DateTime<Utc>,
}

impl Web {
    fn new(present: Present, address: SocketAddr) -> Self {
        let doors = Doors::new(present.get().doors());
        Self { present, doors, address, seats: Arc::new(Semaphore::new(events::LISTENERS_MAX)) }
    }

    /// The daemon as it is now: the one place where a request takes it, and with it the config, from.
    fn daemon(&self) -> Arc<Daemon> {
        self.present.get()
    }

    fn sitting(&self) -> Sitting {
        let daemon = self.daemon();
        Sitting { config: Arc::clone(&daemon.config), now: daemon.now(), daemon }
    }
}

impl Sitting {
    fn view(&self) -> View<'_> {
        View { store: &self.daemon.store, config: &self.config, now: self.now }
    }
}

/// Listens; done before the daemon says that it is ready.
///
/// # Errors
///
/// Where the address can't be had.
pub async fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Serves until the daemon drains.
///
/// # Errors
///
/// Where the listener fails.
pub async fn serve(listener: TcpListener, present: Present) -> std::io::Result<()> {
    let drain = present.get().stop.drain.clone();
    let address = listener.local_addr()?;
    serve::serve(listener, routes(present, address), drain).await;
    Ok(())
}

fn routes(present: Present, address: SocketAddr) -> Router {
    let web = Arc::new(Web::new(present.clone(), address));
    let guarded = html::routes()
        .merge(api::routes())
        .route("/events", get(events::events))
        .route("/metrics", get(metrics::metrics))
        .fallback(guard::nothing_here)
        .method_not_allowed_fallback(guard::not_so)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(Arc::clone(&web), guard::guard))
        .with_state(web);
    // Monitors and hubs come by whatever name reaches us, and have nothing that opens doors.
    let health = Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz));
    let open = match present.get().config.web.public_url {
        Some(_) => health.route("/websub/{token}", get(push::verify).post(push::push)),
        None => health,
    };
    open.with_state(present).merge(guarded).layer(middleware::map_response(guard::harden))
}

/// Each request meets the config of its moment: a handler takes `State<Arc<Daemon>>`.
impl FromRef<Present> for Arc<Daemon> {
    fn from_ref(present: &Present) -> Self {
        present.get()
    }
}

async fn healthz(State(daemon): State<Arc<Daemon>>) -> (StatusCode, Json<Value>) {
    match daemon.ailing().await {
        None => (StatusCode::OK, Json(json!({ "status": "ok" }))),
        Some(why) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "ailing", "why": why })))
        }
    }
}

async fn readyz(State(daemon): State<Arc<Daemon>>) -> (StatusCode, Json<Value>) {
    if daemon.stop.drain.is_cancelled() {
        let why = json!({ "status": "stopping", "why": "it was told to stop" });
        return (StatusCode::SERVICE_UNAVAILABLE, Json(why));
    }
    healthz(State(daemon)).await
}
