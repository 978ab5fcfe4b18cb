//! What goes wrong while a reply is sent.

use std::io;
use std::task::Poll;

use axum::response::Response;
use axum::routing::get;
use futures_util::stream;

use super::conventions::Log;
use super::*;
use crate::web::stream::streamed;

/// A reply whose second piece is bad.
fn broken(second: fn() -> io::Result<String>) -> Response {
    let mut first = true;
    let pieces = stream::poll_fn(move |_| {
        let piece = if std::mem::take(&mut first) { Ok("a,b\n".repeat(1000)) } else { second() };
        Poll::Ready(Some(piece))
    });
    let mut response = Response::new(streamed(pieces));
    response.headers_mut().insert("content-type", "text/csv".parse().unwrap());
    response
}

#[tokio::test]
async fn a_reply_that_breaks_off_is_logged_and_counted() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || sink.clone()).with_ansi(false).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let _figures = metrics::set_default_local_recorder(&recorder);
    let router = Router::new()
        .route("/panic", get(async || broken(|| panic!("over the second piece"))))
        .route("/error", get(async || broken(|| Err(io::Error::other("the disk is gone")))))
        .route("/whole", get(async || streamed(stream::iter([Ok::<_, io::Error>("all of it")]))));
    let edge = edge(router, settings());
    for (path, coding) in
        [("/panic", ""), ("/panic", "gzip"), ("/error", ""), ("/error", "gzip"), ("/whole", "gzip")]
    {
        let request = Request::get(path).header("accept-encoding", coding).header("x-request-id", "r-7");
        let response = edge.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        let read = response.into_body().collect().await;
        assert_eq!(read.is_ok(), path == "/whole", "{path} {coding}");
    }
    let text = String::from_utf8(log.0.lock().clone()).unwrap();
    assert_eq!(text.matches("panic: over the second piece").count(), 2, "{text}");
    assert_eq!(text.matches("the disk is gone").count(), 2, "{text}");
    assert_eq!(text.matches(r#"request failed request_id="r-7""#).count(), 4, "{text}");
    let metrics = recorder.handle().render();
    for why in ["panic", "error"] {
        assert!(metrics.contains(&format!("http_replies_broken_off_total{{why=\"{why}\"}} 2")), "{metrics}");
    }
}
