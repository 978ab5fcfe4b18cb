//! Sockets: several listeners, HTTP/1.1, bounds against slow and numerous clients, and a shutdown that lets
//! requests in flight finish.
//!
//! A reply that comes before its request was read whole, such as a 413, is followed by reading on for a while: closing
//! the socket at once would take it away from a client that is still sending.

use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Version, header};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service;

use crate::{Error, Result};

use super::connection_limit::{ConnectionLimit, ConnectionPermit, refuse};
use super::linger::{Bounds, Linger, TrackedBody};
use super::min_data_rate::{MinDataRate, MinDataRateStream};
use super::network;

/// The other end of the connection, in a request's extensions. Behind a proxy it is the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddr(pub SocketAddr);

/// In a request's extensions: it names no host, or several (RFC 9112 §3.2).
#[derive(Debug, Clone, Copy)]
pub(super) struct NoHost;

/// Bounds of the server.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Longest time for the head of a request to arrive; it also ends connections that are idle so long.
    pub head_timeout: Duration,
    /// Longest time that a client may take none of its reply.
    pub stall_timeout: Duration,
    /// Bytes a second of its reply that a client has to take in the long run.
    pub least_rate: u32,
    /// Largest head of a request in bytes (431 beyond it); HTTP needs at least 8192.
    pub max_head: usize,
    /// Most connections at once over all listeners; further ones wait to be accepted.
    pub max_connections: usize,
    /// How many of them one network may have; further ones are refused.
    pub max_per_network: usize,
    /// Who may have all of them: proxies, behind which many clients are.
    pub trusted_proxies: Vec<IpNet>,
    /// How long, and for how many bytes, a client may go on sending that has its reply already.
    pub linger_time: Duration,
    /// See `linger_time`.
    pub linger_bytes: usize,
    /// Longest time that requests in flight may take once the server is asked to stop.
    pub drain_timeout: Duration,
}

impl Default for ServerSettings {
    fn default() -> ServerSettings {
        ServerSettings {
            head_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(60),
            least_rate: 4096,
            max_head: 32 * 1024,
            max_connections: 10_000,
            max_per_network: 1000,
            trusted_proxies: Vec::new(),
            linger_time: Duration::from_secs(10),
            linger_bytes: 16 << 20,
            drain_timeout: Duration::from_secs(20),
        }
    }
}

impl ServerSettings {
    /// How many connections this address may have.
    fn share_of(&self, ip: IpAddr) -> usize {
        match network::is_in(&self.trusted_proxies, ip) {
            true => self.max_connections,
            false => self.max_per_network,
        }
    }
}

/// Listeners that are bound and not yet served.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
}

impl Server {
    /// Binds `HOST:PORT` each; port 0 takes a free one. Fails naming the address that cannot be had.
    pub async fn bind(addresses: &[String]) -> Result<Server> {
        let mut server = Server { listeners: Vec::new(), addresses: Vec::new() };
        for address in addresses {
            let failed = |e: std::io::Error| {
                Error::internal(format!("cannot listen on {address}: {e}")).with_source(e)
            };
            let listener = TcpListener::bind(address.as_str()).await.map_err(failed)?;
            server.addresses.push(listener.local_addr().map_err(failed)?);
            server.listeners.push(listener);
        }
        Ok(server)
    }

    /// The addresses that were bound, in the order asked for.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Serves until `stop` is done, then accepts nothing more and lets what is in flight finish. Gives the
    /// number of connections that had to be cut off.
    pub async fn run<S>(self, service: S, settings: ServerSettings, stop: impl Future<Output = ()>) -> usize
    where
        S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        let (shut_down, shutdown) = watch::channel(());
        let permits = Arc::new(Semaphore::new(settings.max_connections));
        let limit = ConnectionLimit::default();
        let mut acceptors = JoinSet::new();
        for listener in self.listeners {
            let acceptor = Acceptor {
                listener,
                service: service.clone(),
                settings: settings.clone(),
                permits: Arc::clone(&permits),
                limit: limit.clone(),
                shutdown: shutdown.clone(),
            };
            acceptors.spawn(acceptor.run());
        }
        stop.await;
        let _ = shut_down.send(());
        let mut cut = 0;
        while let Some(done) = acceptors.join_next().await {
            cut += done.unwrap_or_default();
        }
        cut
    }
}

/// One listener and the connections that came through it.
struct Acceptor<S> {
    listener: TcpListener,
    service: S,
    settings: ServerSettings,
    permits: Arc<Semaphore>,
    limit: ConnectionLimit,
    shutdown: watch::Receiver<()>,
}

impl<S> Acceptor<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    async fn run(self) -> usize {
        let mut connections = JoinSet::new();
        let mut stop = self.shutdown.clone();
        loop {
            let accepted = tokio::select! {
                _ = stop.changed() => break,
                // Finished connections are collected here, so that the set does not grow.
                Some(_) = connections.join_next() => continue,
                accepted = self.accept() => accepted,
            };
            let Some((stream, peer, permit)) = accepted else { continue };
            let serve = serve(
                stream,
                PeerAddr(peer),
                self.service.clone(),
                self.settings.clone(),
                self.shutdown.clone(),
            );
            connections.spawn(async move {
                serve.await;
                drop(permit);
            });
        }
        drop(self.listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        match tokio::time::timeout(self.settings.drain_timeout, drained).await {
            Ok(()) => 0,
            Err(_) => connections.len(),
        }
    }

    async fn accept(&self) -> Option<(TcpStream, SocketAddr, (ConnectionPermit, OwnedSemaphorePermit))> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, peer)) => match self.limit.take(peer.ip(), self.settings.share_of(peer.ip())) {
                Some(of_network) => Some((stream, peer, (of_network, permit))),
                None => {
                    refuse(stream);
                    None
                }
            },
            Err(e) => {
                // Usually no file descriptors are left: a moment later there may be some again.
                tracing::warn!(error = %e, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                None
            }
        }
    }
}

async fn serve<S>(
    stream: TcpStream,
    peer: PeerAddr,
    service: S,
    settings: ServerSettings,
    mut shutdown: watch::Receiver<()>,
) where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    // A reply is written at once; waiting to fill packets only adds latency.
    let _ = stream.set_nodelay(true);
    let min_data_rate =
        MinDataRate { grace_period: settings.stall_timeout, bytes_per_second: settings.least_rate };
    let unread = Arc::new(AtomicBool::new(false));
    let bounds = Bounds { time: settings.linger_time, bytes: settings.linger_bytes };
    let io =
        TokioIo::new(Linger::new(MinDataRateStream::new(stream, min_data_rate), Arc::clone(&unread), bounds));
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(settings.head_timeout);
    builder.max_header_size(settings.max_head).max_buf_size(settings.max_head.max(16 * 1024) + 8 * 1024);
    let connection = builder.serve_connection(io, Handler { service, peer, unread });
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        _ = shutdown.changed() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(e) = ended {
        // Clients go away in the middle all the time; that is not our failure.
        tracing::debug!(error = %e, "connection ended");
    }
}

struct Handler<S> {
    service: S,
    peer: PeerAddr,
    unread: Arc<AtomicBool>,
}

/// HTTP/1.1 wants exactly one, earlier versions at most one.
fn names_a_host(request: &hyper::Request<Incoming>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() < Version::HTTP_11,
        n => n == 1,
    }
}

impl<S> hyper::service::Service<hyper::Request<Incoming>> for Handler<S>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone,
{
    type Response = Response;
    type Error = Infallible;
    type Future = S::Future;

    fn call(&self, request: hyper::Request<Incoming>) -> S::Future {
        let host = names_a_host(&request);
        let mut request = request.map(|body| Body::new(TrackedBody::new(body, Arc::clone(&self.unread))));
        if !host {
            request.extensions_mut().insert(NoHost);
        }
        request.extensions_mut().insert(self.peer);
        self.service.clone().call(request)
    }
}
