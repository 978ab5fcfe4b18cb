//! Several processes on one database.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::deployment::on_both_engines;

/// Migration, master key and signing keys are made once, whoever comes first; each accepts the other's tokens.
#[tokio::test]
async fn processes_start_at_the_same_moment_on_an_empty_database() {
    on_both_engines(async |deployment| {
        let starting: Vec<_> = (0..3).map(|_| deployment.launch(&[])).collect();
        let mut servers = Vec::new();
        for one in starting {
            servers.push(one.ready().await);
        }
        let registered = servers[0].client().register("rosa@example.com").await;
        let token = registered["tokens"]["access"].as_str().unwrap();
        let keys = servers[0].client().get("/.well-known/jwks.json").await.expect(200);
        for server in &servers {
            server.client().with(token).get("/api/auth/profile/").await.expect(200);
            assert_eq!(server.client().get("/.well-known/jwks.json").await.expect(200), keys);
        }
        for server in servers {
            server.stop().await;
        }
    })
    .await;
}

/// SPEC 1: revocations reach other processes within 2 s.
#[tokio::test]
async fn a_logout_is_seen_by_the_other_process_within_two_seconds() {
    on_both_engines(async |deployment| {
        let one = deployment.serve(&["--services", "auth"]).await;
        let other = deployment.serve(&["--services", "customers"]).await;
        let registered = one.client().register("rosa@example.com").await;
        let token = registered["tokens"]["access"].as_str().unwrap();
        let there = other.client().with(token);
        // The other process knows the token now and could go on believing it.
        there.get("/api/v1/customers/profile/").await.expect(404);
        one.client().with(token).post("/api/auth/logout/", json!({})).await;
        one.client().with(token).get("/api/auth/profile/").await.expect(401);
        let since = Instant::now();
        loop {
            let asked = since.elapsed();
            let reply = there.get("/api/v1/customers/profile/").await;
            if reply.status == 401 {
                break;
            }
            assert!(asked <= Duration::from_secs(2), "still believed after {asked:?}: {reply:?}");
        }
        one.stop().await;
        other.stop().await;
    })
    .await;
}
