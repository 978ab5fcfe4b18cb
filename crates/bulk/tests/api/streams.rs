//! Replies that are made while they are sent: whole in every coding.

use std::io::Read;

use database::{args, sql};
use fixtures::key;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};

use crate::bulk::{accepted, bulk, people};
use crate::common::features;

/// What browsers and libraries ask for, and how the reply is coded then.
const CODINGS: [(&str, &str); 7] = [
    ("gzip", "gzip"),
    ("*", "*"),
    ("gzip, deflate, br, zstd", "gzip"),
    ("br", ""),
    ("deflate", ""),
    ("zstd", ""),
    ("identity", ""),
];

fn decoded(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match coding {
        "gzip" => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap()),
        "" => plain.extend(bytes),
        other => panic!("nobody asked for {other}"),
    }
    plain
}

/// How the exports of the log ended, in order.
async fn ended(app: &TestApp) -> Vec<bool> {
    let mut tx = app.system().read().await.unwrap();
    let all = sql!(
        "SELECT CAST(c.after AS text) AS note FROM event e JOIN event_change c ON c.event_seq = e.seq
         WHERE e.action = $1 ORDER BY e.seq" => String
    );
    let all = tx.all(all, args!["customers.exported"]).await.unwrap();
    let complete = |note: &String| serde_json::from_str::<Value>(note).unwrap()["complete"] == true;
    all.iter().map(complete).collect()
}

#[tokio::test]
async fn every_streamed_reply_is_whole_in_every_coding() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        // More than one page of an export.
        people(app, &key, &["Lima"; 12]).await;
        let job = accepted(&bulk(app, &key, json!({"all": true, "updates": {"notes": "x"}})).await);
        app.run_jobs().await;
        let mut exports = 0;
        for path in [
            "/api/v1/customers/export?".to_owned(),
            "/api/v1/customers/export?format=ndjson".to_owned(),
            "/api/v1/customers/export?city=nowhere&format=ndjson".to_owned(),
            format!("/api/v1/jobs/{job}/report?format=csv"),
            format!("/api/v1/jobs/{job}/report?format=ndjson"),
        ] {
            let ask = || app.get(&path).bearer(&key);
            let plain = ask().send().await;
            plain.expect(200);
            assert_eq!(plain.header("content-encoding"), "");
            assert!(path.contains("nowhere") || plain.text().lines().count() >= 12, "{path}");
            for (asked, coding) in CODINGS {
                let reply = ask().header("accept-encoding", asked).send().await;
                reply.expect(200);
                let coded = reply.header("content-encoding");
                assert!(coding == "*" || coded == coding, "{path}, {asked}: {coded}");
                assert_eq!(decoded(coded, &reply.bytes), plain.bytes, "{path}, {asked}");
            }
            exports += if path.contains("export") { CODINGS.len() + 1 } else { 0 };
            let head = app.request(axum::http::Method::HEAD, &path).bearer(&key);
            let head = head.header("accept-encoding", "gzip").send().await;
            head.expect(200);
            assert_eq!((head.bytes.len(), head.header("content-type")), (0, plain.header("content-type")));
        }
        // The ends are noted behind the replies. Nobody read those that were asked for their head alone.
        while ended(app).await.len() < exports + 3 {
            tokio::task::yield_now().await;
        }
        assert_eq!(ended(app).await.iter().filter(|complete| **complete).count(), exports);
    })
    .await;
}
