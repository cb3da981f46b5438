//! A line between the daemon and the sandbox that can be broken at any byte.
//!
//! Promises: the weather acts on connections that are open already, too, and each break is counted.
//! It has an address of the loopback network for itself, so that a port that is closed for a while
//! belongs to nobody else. Must not: understand what passes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::WriteHalf;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::sleep;

/// What happens on the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weather {
    /// Nothing.
    Fair,
    /// Nobody listens: connections are refused.
    Refused,
    /// Reset as soon as a request begins, which the other side never sees.
    ResetBefore,
    /// Half of a request passes; then both ends are reset.
    HalfRequest,
    /// The request passes; the answer is met by a reset.
    ResetAfter,
    /// So many bytes of the answer pass; then the connection is closed in order.
    Truncated(usize),
    /// The answer comes byte by byte.
    Drip,
}

/// All kinds of bad weather.
pub(crate) const BAD: [Weather; 8] = [
    Weather::Refused,
    Weather::ResetBefore,
    Weather::HalfRequest,
    Weather::ResetAfter,
    Weather::Truncated(0),
    Weather::Truncated(9),
    Weather::Truncated(200),
    Weather::Drip,
];

const DRIP: Duration = Duration::from_millis(1);
const BIND_AGAIN: Duration = Duration::from_millis(2);

static LINES: AtomicU32 = AtomicU32::new(0);

/// The line; it ends with the test's runtime.
pub(crate) struct Wire {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    /// How long each answer takes, in milliseconds.
    latency: Arc<AtomicU64>,
    broken: Arc<AtomicUsize>,
}

impl Wire {
    /// A line to `target`.
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let [.., high, low] = std::process::id().to_be_bytes();
        let [.., last] = LINES.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let own = Ipv4Addr::new(127, high | 0x80, low, last);
        let listener = TcpListener::bind((own, 0)).await.expect("port");
        let address = listener.local_addr().expect("address");
        let (weather, seen) = watch::channel(Weather::Fair);
        let (latency, broken) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicUsize::new(0)));
        let state =
            State { weather: seen, latency: Arc::clone(&latency), broken: Arc::clone(&broken) };
        tokio::spawn(serve(listener, target, state));
        Self { address, weather, latency, broken }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on: the weather, and how long each answer takes besides.
    pub(crate) fn becomes(&self, weather: Weather, latency_ms: u64) {
        self.latency.store(latency_ms, Ordering::Relaxed);
        self.weather.send_replace(weather);
    }

    /// How many connections it broke while something passed.
    pub(crate) fn broken(&self) -> usize {
        self.broken.load(Ordering::Relaxed)
    }
}

/// What all connections of a line look at.
#[derive(Clone)]
struct State {
    weather: watch::Receiver<Weather>,
    latency: Arc<AtomicU64>,
    broken: Arc<AtomicUsize>,
}

async fn serve(first: TcpListener, target: SocketAddr, state: State) {
    let mut weather = state.weather.clone();
    let address = first.local_addr().expect("address");
    let mut listener = Some(first);
    loop {
        if *weather.borrow_and_update() == Weather::Refused {
            listener = None;
            if weather.changed().await.is_err() {
                return;
            }
            continue;
        }
        let Some(open) = &listener else {
            match TcpListener::bind(address).await {
                Ok(bound) => listener = Some(bound),
                Err(_old_connections_close) => sleep(BIND_AGAIN).await,
            }
            continue;
        };
        tokio::select! {
            accepted = open.accept() => {
                if let Ok((client, _)) = accepted {
                    tokio::spawn(carry(client, target, state.clone()));
                }
            }
            changed = weather.changed() => {
                if changed.is_err() {
                    return;
                }
            }
        }
    }
}

/// Carries bytes both ways until an end closes or the weather breaks the connection.
async fn carry(mut client: TcpStream, target: SocketAddr, state: State) {
    let State { weather, latency, broken } = state;
    let Ok(mut server) = TcpStream::connect(target).await else { return };
    let is_reset = {
        let (mut from_client, mut to_client) = client.split();
        let (mut from_server, mut to_server) = server.split();
        let (mut up, mut down) = (vec![0; 16 * 1024], vec![0; 16 * 1024]);
        loop {
            tokio::select! {
                read = from_client.read(&mut up) => {
                    let Some(bytes) = passed(&read, &up) else { break false };
                    let now = *weather.borrow();
                    let part = match now {
                        Weather::ResetBefore => &[],
                        Weather::HalfRequest => bytes.get(..bytes.len() / 2).unwrap_or_default(),
                        Weather::Fair
                        | Weather::Refused
                        | Weather::ResetAfter
                        | Weather::Truncated(_)
                        | Weather::Drip => bytes,
                    };
                    if to_server.write_all(part).await.is_err() {
                        break false;
                    }
                    if part.len() < bytes.len() {
                        broken.fetch_add(1, Ordering::Relaxed);
                        break true;
                    }
                }
                read = from_server.read(&mut down) => {
                    let Some(bytes) = passed(&read, &down) else { break false };
                    sleep(Duration::from_millis(latency.load(Ordering::Relaxed))).await;
                    let now = *weather.borrow();
                    match answer(&mut to_client, bytes, now).await {
                        End::Open => {}
                        End::Gone => break false,
                        End::Closed => {
                            broken.fetch_add(1, Ordering::Relaxed);
                            break false;
                        }
                        End::Reset => {
                            broken.fetch_add(1, Ordering::Relaxed);
                            break true;
                        }
                    }
                }
            }
        }
    };
    if is_reset {
        for end in [&client, &server] {
            drop(end.set_zero_linger());
        }
    }
}

/// What becomes of the connection after a part of an answer.
enum End {
    Open,
    /// The client is not there any more.
    Gone,
    /// The weather closed it.
    Closed,
    /// The weather resets it.
    Reset,
}

/// Hands a part of an answer on, as the weather lets it.
async fn answer(client: &mut WriteHalf<'_>, bytes: &[u8], weather: Weather) -> End {
    let written = match weather {
        Weather::ResetAfter => return End::Reset,
        Weather::Truncated(length) => {
            let part = bytes.get(..length).unwrap_or(bytes);
            drop(client.write_all(part).await);
            return End::Closed;
        }
        Weather::Drip => drip(client, bytes).await,
        Weather::Fair | Weather::Refused | Weather::ResetBefore | Weather::HalfRequest => {
            client.write_all(bytes).await
        }
    };
    if written.is_ok() { End::Open } else { End::Gone }
}

async fn drip(client: &mut WriteHalf<'_>, bytes: &[u8]) -> std::io::Result<()> {
    for byte in bytes {
        client.write_all(&[*byte]).await?;
        sleep(DRIP).await;
    }
    Ok(())
}

/// What was read; nothing where the end is closed.
fn passed<'a>(read: &std::io::Result<usize>, buffer: &'a [u8]) -> Option<&'a [u8]> {
    match read {
        Ok(0) | Err(_) => None,
        Ok(length) => buffer.get(..*length),
    }
}
