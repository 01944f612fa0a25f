//! The network between two processes: it can be cut, stalled, and lose what goes one way.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From whoever dialled in.
    Out,
    /// To whoever dialled in.
    In,
}

/// Between two bytes that drip.
const DRIP: std::time::Duration = std::time::Duration::from_micros(200);

/// What happens to bytes that go one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Pass,
    /// They go one at a time, each in a packet of its own.
    Drip,
    /// They wait.
    Stall,
    /// They are lost, and nobody is told.
    Lose,
}

struct Wire {
    upstream: Mutex<Option<SocketAddr>>,
    flow: watch::Sender<(Flow, Flow)>,
    /// Cancelled by a cut; every connection has the one of its time.
    cut: Mutex<CancellationToken>,
    /// Whether new connections are refused.
    is_cut: watch::Sender<bool>,
}

/// A TCP proxy on a port of its own.
pub struct Proxy {
    address: SocketAddr,
    wire: Arc<Wire>,
    accepts: tokio::task::JoinHandle<()>,
}

impl Proxy {
    /// A proxy that leads nowhere yet.
    pub async fn start() -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(Wire {
            upstream: Mutex::new(None),
            flow: watch::Sender::new((Flow::Pass, Flow::Pass)),
            cut: Mutex::new(CancellationToken::new()),
            is_cut: watch::Sender::new(false),
        });
        let serving = Arc::clone(&wire);
        let accepts = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let upstream = *serving.upstream.lock().unwrap();
                if let Some(upstream) = upstream.filter(|_| !*serving.is_cut.borrow()) {
                    tokio::spawn(carry(Arc::clone(&serving), stream, upstream));
                }
            }
        });
        Proxy { address, wire, accepts }
    }

    /// Where to dial in.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where new connections lead.
    pub fn leads_to(&self, upstream: SocketAddr) {
        *self.wire.upstream.lock().unwrap() = Some(upstream);
    }

    /// Breaks every connection and refuses new ones, until [`heal`](Proxy::heal).
    pub fn cut(&self) {
        self.wire.is_cut.send_replace(true);
        self.blink();
    }

    /// Breaks every connection once.
    pub fn blink(&self) {
        let old = std::mem::take(&mut *self.wire.cut.lock().unwrap());
        old.cancel();
    }

    /// Lets what goes one way through byte by byte.
    pub fn drip(&self, direction: Direction) {
        self.set(direction, Flow::Drip);
    }

    /// Holds back what goes one way; connections stay.
    pub fn stall(&self, direction: Direction) {
        self.set(direction, Flow::Stall);
    }

    /// Loses what goes one way; connections stay and nobody is told.
    pub fn lose(&self, direction: Direction) {
        self.set(direction, Flow::Lose);
    }

    /// As it was. Connections that have lost something break.
    pub fn heal(&self) {
        let flow = *self.wire.flow.borrow();
        if flow.0 == Flow::Lose || flow.1 == Flow::Lose {
            self.blink();
        }
        self.wire.flow.send_replace((Flow::Pass, Flow::Pass));
        self.wire.is_cut.send_replace(false);
    }

    fn set(&self, direction: Direction, flow: Flow) {
        self.wire.flow.send_modify(|(out, back)| match direction {
            Direction::Out => *out = flow,
            Direction::In => *back = flow,
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepts.abort();
        self.blink();
    }
}

async fn carry(wire: Arc<Wire>, near: TcpStream, upstream: SocketAddr) {
    let cut = wire.cut.lock().unwrap().clone();
    let Ok(far) = TcpStream::connect(upstream).await else { return };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let out = pump(&wire, near_in, far_out, Direction::Out);
    let back = pump(&wire, far_in, near_out, Direction::In);
    // A side that has said all it has to say still listens; a cut ends both.
    let _ = cut.run_until_cancelled(async { tokio::join!(out, back) }).await;
}

async fn pump(wire: &Wire, mut from: OwnedReadHalf, mut to: OwnedWriteHalf, direction: Direction) {
    let mut flow = wire.flow.subscribe();
    let of = |(out, back): &(Flow, Flow)| if direction == Direction::Out { *out } else { *back };
    let mut buffer = vec![0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        if flow.wait_for(|flow| of(flow) != Flow::Stall).await.is_err() {
            return;
        }
        let now = of(&flow.borrow());
        let pieces = match now {
            Flow::Lose => continue,
            Flow::Drip => 1,
            Flow::Pass | Flow::Stall => count,
        };
        for piece in buffer[..count].chunks(pieces) {
            if to.write_all(piece).await.is_err() {
                return;
            }
            if now == Flow::Drip {
                tokio::time::sleep(DRIP).await;
            }
        }
    }
    let _ = to.shutdown().await;
}
