//! The page: for now, health for monitors and containers, and the callback of hubs.
//!
//! Promises: `/healthz` is 200 only while the loops turn and the database answers; `/websub/` is
//! there only where `web.public_url` is set. Must not: show anything of a feed or a secret.

mod push;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::daemon::Daemon;
use crate::daemon::reload::Present;

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
    let daemon = present.get();
    let drain = daemon.stop.drain.clone();
    let health = Router::new().route("/healthz", get(healthz)).route("/readyz", get(healthz));
    let routes = match daemon.config.web.public_url {
        Some(_) => health.route("/websub/{token}", get(push::verify).post(push::push)),
        None => health,
    };
    axum::serve(listener, routes.with_state(present))
        .with_graceful_shutdown(async move { drain.cancelled().await })
        .await
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
