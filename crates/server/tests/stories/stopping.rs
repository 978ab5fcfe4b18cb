//! Stopping: requests in flight are answered, new ones are refused, a second signal ends at once.

use database::Engine;
use database::driver::rusqlite;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::deployment::{Deployment, Server, on_both_engines};
use crate::raw::{Raw, head};

/// A registration of which the server has the head and waits for the body.
struct InFlight {
    stream: TcpStream,
    body: String,
}

impl InFlight {
    async fn begin(server: &Server) -> InFlight {
        let body = json!({
            "email": "late@example.com", "first_name": "Late", "last_name": "Comer", "password": "a long enough sentence",
        })
        .to_string();
        let headers = format!(
            "Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: {}\r\n",
            body.len()
        );
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        stream.write_all(head("POST", "/api/auth/register/", &headers).as_bytes()).await.unwrap();
        // The server says "continue" when the handler begins to read: now it is in flight for certain.
        let mut go = [0; 25];
        stream.read_exact(&mut go).await.unwrap();
        assert_eq!(&go, b"HTTP/1.1 100 Continue\r\n\r\n");
        InFlight { stream, body }
    }

    async fn finish(mut self) -> Raw {
        // Fails if the server is gone; the reply tells.
        let _ = self.stream.write_all(self.body.as_bytes()).await;
        Raw::read(self.stream).await
    }
}

/// Waits until nobody is let in any more.
async fn closed(server: &Server) {
    while TcpStream::connect(server.address()).await.is_ok() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_end() {
    on_both_engines(async |deployment| {
        for signal in ["TERM", "INT", "HUP"] {
            let mut server = deployment.serve(&[]).await;
            let in_flight = InFlight::begin(&server).await;
            server.signal(signal).await;
            closed(&server).await;
            let reply = in_flight.finish().await;
            let expected = if signal == "TERM" { 201 } else { 409 };
            assert_eq!(reply.status, expected, "{signal}: {reply:?}");
            assert_eq!(server.ended().await, Some(0));
            assert!(server.log().contains("another Ctrl-C ends at once"), "{}", server.log());
        }
    })
    .await;
}

/// Who copies the database file of a server that was stopped has everything.
#[tokio::test]
async fn what_was_written_is_in_the_database_file_after_the_end() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let mut server = deployment.serve(&[]).await;
    let in_flight = InFlight::begin(&server).await;
    assert_eq!(in_flight.finish().await.status, 201);
    server.signal("TERM").await;
    assert_eq!(server.ended().await, Some(0));
    let copy = deployment.folder().join("copy.db");
    std::fs::copy(deployment.data().join("regulars.db"), &copy).unwrap();
    let users = "SELECT count(*) FROM user_account WHERE email = 'late@example.com'";
    let found: i64 =
        rusqlite::Connection::open(copy).unwrap().query_row(users, [], |row| row.get(0)).unwrap();
    assert_eq!(found, 1, "{}", server.log());
    deployment.end().await;
}

/// A terminal that is closed sends SIGHUP itself and through its shell: the second one does not cut anybody off.
#[tokio::test]
async fn a_second_hangup_is_the_same_closed_terminal() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let mut server = deployment.serve(&[]).await;
    let in_flight = InFlight::begin(&server).await;
    server.signal("HUP").await;
    closed(&server).await;
    server.signal("HUP").await;
    assert_eq!(in_flight.finish().await.status, 201);
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    deployment.end().await;
}

/// With `nohup` somebody says that a closed terminal should not matter. If it did, SIGTERM would be the second signal,
/// and end it at once.
#[tokio::test]
async fn nohup_holds() {
    let deployment = Deployment::new(Engine::Sqlite).await;
    let mut server = deployment.launch_by(&["nohup"], &[]).ready().await;
    let in_flight = InFlight::begin(&server).await;
    server.signal("HUP").await;
    server.signal("TERM").await;
    closed(&server).await;
    assert_eq!(in_flight.finish().await.status, 201);
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    deployment.end().await;
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    on_both_engines(async |deployment| {
        let mut server = deployment.serve(&[]).await;
        let in_flight = InFlight::begin(&server).await;
        server.signal("INT").await;
        closed(&server).await;
        server.signal("INT").await;
        assert_eq!(server.ended().await, Some(130));
        assert_eq!(in_flight.finish().await.status, 0, "nobody answers");
    })
    .await;
}
