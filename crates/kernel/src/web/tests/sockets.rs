//! The server on real sockets.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Extension;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::*;
use crate::web::server::{PeerAddr, Server, ServerSettings};

struct Running {
    addresses: Vec<SocketAddr>,
    stop: oneshot::Sender<()>,
    done: JoinHandle<usize>,
}

async fn start(router: Router, settings: ServerSettings) -> Running {
    let server = Server::bind(&["127.0.0.1:0".to_owned(), "127.0.0.1:0".to_owned()]).await.unwrap();
    let addresses = server.addresses().to_vec();
    let (stop, stopped) = oneshot::channel();
    let edge = edge(router, super::settings());
    let done = tokio::spawn(server.run(edge, settings, async {
        let _ = stopped.await;
    }));
    Running { addresses, stop, done }
}

fn settings() -> ServerSettings {
    ServerSettings::default()
}

async fn connect(address: SocketAddr, head: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

async fn read_all(mut stream: TcpStream) -> String {
    let mut text = String::new();
    let _ = stream.read_to_string(&mut text).await;
    text
}

fn head(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn all_listeners_serve_and_say_who_called() {
    let router = Router::new()
        .route("/who", get(async |Extension(PeerAddr(peer)): Extension<PeerAddr>| peer.to_string()));
    let running = start(router, settings()).await;
    for address in running.addresses {
        let stream = connect(address, &head("/who")).await;
        let me = stream.local_addr().unwrap().to_string();
        let text = read_all(stream).await;
        assert!(text.starts_with("HTTP/1.1 200") && text.ends_with(&me), "{text}");
    }
}

#[tokio::test]
async fn a_connection_survives_a_panic() {
    let router = Router::new()
        .route("/panic", get(async || -> &'static str { panic!("oh") }))
        .route("/fine", get(async || "fine"));
    let running = start(router, settings()).await;
    let two = format!("GET /panic HTTP/1.1\r\nHost: x\r\n\r\n{}", head("/fine"));
    let text = read_all(connect(running.addresses[0], &two).await).await;
    assert!(
        text.starts_with("HTTP/1.1 500") && text.contains("HTTP/1.1 200") && text.ends_with("fine"),
        "{text}"
    );
}

#[tokio::test]
async fn requests_in_flight_finish_and_new_ones_are_refused() {
    let (arrived, go) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (here, wait) = (Arc::clone(&arrived), Arc::clone(&go));
    let handler = move || {
        let (here, wait) = (Arc::clone(&here), Arc::clone(&wait));
        async move {
            here.notify_one();
            wait.notified().await;
            "finished"
        }
    };
    let running = start(Router::new().route("/slow", get(handler)), settings()).await;
    let in_flight = tokio::spawn(read_all(connect(running.addresses[0], &head("/slow")).await));
    arrived.notified().await;
    running.stop.send(()).unwrap();
    while TcpStream::connect(running.addresses[1]).await.is_ok() {
        tokio::task::yield_now().await;
    }
    go.notify_one();
    let text = in_flight.await.unwrap();
    assert!(text.ends_with("finished"), "{text}");
    assert_eq!(running.done.await.unwrap(), 0);
}

#[tokio::test]
async fn what_does_not_finish_is_cut_off_and_counted() {
    let arrived = Arc::new(Notify::new());
    let here = Arc::clone(&arrived);
    let handler = move || {
        here.notify_one();
        std::future::pending::<&'static str>()
    };
    let short = ServerSettings { drain_timeout: Duration::from_millis(1), ..settings() };
    let running = start(Router::new().route("/never", get(handler)), short).await;
    let _stream = connect(running.addresses[0], &head("/never")).await;
    arrived.notified().await;
    running.stop.send(()).unwrap();
    assert_eq!(running.done.await.unwrap(), 1);
}

#[tokio::test]
async fn slow_and_long_heads_are_not_waited_for() {
    let short = ServerSettings { head_timeout: Duration::from_millis(20), ..settings() };
    let running = start(Router::new(), short).await;
    let text = read_all(connect(running.addresses[0], "GET / HTTP/1.1\r\nHost").await).await;
    assert!(!text.contains("200"), "{text}");
    let long = format!("GET / HTTP/1.1\r\nHost: x\r\nX-Long: {}\r\n\r\n", "a".repeat(64 * 1024));
    let text = read_all(connect(running.addresses[0], &long).await).await;
    assert!(text.is_empty() || text.starts_with("HTTP/1.1 431"), "{text}");
}

#[tokio::test]
async fn a_client_that_stops_reading_is_let_go() {
    struct Gone(Arc<Notify>);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let gone = Arc::new(Notify::new());
    let notify = Arc::clone(&gone);
    let handler = move || {
        let guard = Gone(Arc::clone(&notify));
        let endless = futures_util::stream::repeat_with(move || {
            let _ = &guard;
            Ok::<_, std::io::Error>(vec![b'x'; 64 * 1024])
        });
        std::future::ready(axum::response::Response::new(crate::web::stream::streamed(endless)))
    };
    let short = ServerSettings { stall_timeout: Duration::from_millis(20), ..settings() };
    let running = start(Router::new().route("/endless", get(handler)), short).await;
    let _unread = connect(running.addresses[0], &head("/endless")).await;
    // Ends only because the server gives up: nobody reads, and nobody closes.
    gone.notified().await;
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = Server::bind(&["127.0.0.1:0".to_owned()]).await.unwrap();
    let address = taken.addresses()[0].to_string();
    let error = Server::bind(std::slice::from_ref(&address)).await.unwrap_err();
    assert!(error.detail().contains(&address), "{error:?}");
}

#[tokio::test]
async fn a_request_names_one_host() {
    let running = start(Router::new().route("/fine", get(async || "fine")), settings()).await;
    let ask = async |head: &str| {
        let head = format!("GET /fine {head}\r\nConnection: close\r\n\r\n");
        read_all(connect(running.addresses[0], &head).await).await
    };
    for head in ["HTTP/1.1", "HTTP/1.1\r\nHost: a\r\nHost: a", "HTTP/1.0\r\nHost: a\r\nHost: b"] {
        let text = ask(head).await;
        assert!(text.contains(" 400 ") && text.contains("HOST_INVALID"), "{head}: {text}");
    }
    for head in ["HTTP/1.1\r\nHost: a", "HTTP/1.0"] {
        assert!(ask(head).await.contains(" 200 "), "{head}");
    }
}

/// A connection that was answered and stays open.
async fn open(address: SocketAddr) -> TcpStream {
    let mut stream = connect(address, "GET /fine HTTP/1.1\r\nHost: x\r\n\r\n").await;
    let mut buffer = vec![0; 4096];
    let mut read = 0;
    while !buffer[..read].ends_with(b"fine") {
        read += stream.read(&mut buffer[read..]).await.unwrap();
    }
    stream
}

#[tokio::test]
async fn nobody_takes_all_connections_but_a_proxy() {
    let router = || Router::new().route("/fine", get(async || "fine"));
    let small = ServerSettings { max_per_network: 2, max_connections: 4, ..settings() };
    let running = start(router(), small.clone()).await;
    let (one, _two) = (open(running.addresses[0]).await, open(running.addresses[1]).await);
    // Sent before the answer is read: what is closed is told so nevertheless.
    let text = read_all(connect(running.addresses[0], "").await).await;
    assert!(text.starts_with("HTTP/1.1 429") && text.contains("TOO_MANY_CONNECTIONS"), "{text}");
    drop(one);
    while !read_all(connect(running.addresses[0], &head("/fine")).await).await.ends_with("fine") {
        tokio::task::yield_now().await;
    }
    let trusted = ServerSettings { trusted_proxies: vec!["127.0.0.0/8".parse().unwrap()], ..small };
    let running = start(router(), trusted).await;
    for _ in 0..2 {
        std::mem::forget((open(running.addresses[0]).await, open(running.addresses[1]).await));
    }
}

#[tokio::test]
async fn a_refusal_is_read_by_who_is_still_sending() {
    let router = Router::new().route("/refuse", post(async || StatusCode::PAYLOAD_TOO_LARGE));
    let running = start(router.clone(), settings()).await;
    let size = 3 << 20;
    let head = format!("POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n");
    for _ in 0..5 {
        let mut stream = connect(running.addresses[0], &head).await;
        stream.write_all(&vec![b'x'; size]).await.unwrap();
        let text = read_all(stream).await;
        assert!(text.starts_with("HTTP/1.1 413"), "{text}");
    }
    // Nobody sends for ever.
    let linger_time = Duration::from_secs(3600);
    let running = start(router, ServerSettings { linger_time, linger_bytes: 64 * 1024, ..settings() }).await;
    let endless = "POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    let mut stream = connect(running.addresses[0], endless).await;
    while stream.write_all(b"400\r\n").await.is_ok() && stream.write_all(&[b'x'; 1024]).await.is_ok() {
        if stream.write_all(b"\r\n").await.is_err() {
            break;
        }
    }
}
