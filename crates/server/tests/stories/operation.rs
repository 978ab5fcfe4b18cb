//! What monitors and people who operate it read.

use serde_json::json;

use crate::deployment::on_both_engines;
use crate::raw;

/// Rows A13, A33, C13.
#[tokio::test]
async fn a13_a33_c13_health_tells_every_part() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let client = server.client();
        let health = client.get("/health").await.expect(200);
        assert_eq!(health["status"], "healthy", "{health}");
        assert_eq!(health["service"], "regulars");
        assert_eq!(health["components"]["database"]["kind"], deployment.engine.to_string());
        assert!(health["components"]["redis"].is_null(), "a part that is not built is not there: {health}");
        assert_eq!(health["components"]["jobs"]["backlog"], 0);
        assert!(health["version"].is_string() && health["timestamp"].is_string());
        // A13: version 1 had it here; one report serves both within its two seconds.
        let there = client.get("/api/v1/customers/health/").await.expect(200);
        assert_eq!(there["components"], health["components"]);
        assert_eq!(client.get("/livez").await.text, "ok");
        assert_eq!(client.get("/readyz").await.text, "ready");
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn a_part_that_fails_shows_in_health_and_readiness_but_not_in_liveness() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        std::fs::remove_dir_all(deployment.data().join("files")).unwrap();
        std::fs::write(deployment.data().join("files"), "in the way").unwrap();
        let health = server.client().get("/health").await.expect(503);
        assert_eq!(
            (&health["status"], &health["components"]["storage"]["status"]),
            (&"unhealthy".into(), &"unhealthy".into())
        );
        assert_eq!(health["components"]["database"]["status"], "healthy");
        let folder = deployment.folder().display().to_string();
        assert!(!health.to_string().contains(&folder), "paths stay inside: {health}");
        server.client().get("/readyz").await.expect_error(503, "NOT_READY");
        server.client().get("/livez").await.expect(200);
        server.stop().await;
    })
    .await;
}

/// Row C13.
#[tokio::test]
async fn c13_figures_are_in_the_format_of_prometheus() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        server.client().get("/api/auth/profile/").await.expect(401);
        let reply = server.client().get("/metrics").await;
        reply.expect(200);
        assert!(reply.header("content-type").starts_with("text/plain; version=0.0.4"));
        for line in [
            r#"http_requests_total{method="GET",route="/api/auth/profile",status="401"} 1"#,
            r#"http_request_duration_seconds_bucket{method="GET",route="/api/auth/profile",le="+Inf"} 1"#,
            r#"component_healthy{component="database"} 1"#,
            "jobs_unfinished 0",
            "# TYPE process_resident_memory_bytes gauge",
            "# TYPE process_uptime_seconds gauge",
        ] {
            assert!(reply.text.contains(line), "{line}\n{}", reply.text);
        }
        server.stop().await;
    })
    .await;
}

/// Row A57.
#[tokio::test]
async fn a57_the_documentation_works_offline_and_can_be_turned_off() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let page = server.client().get("/docs").await;
        page.expect(200);
        assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
        server.client().get("/docs/swagger-ui-bundle.js").await.expect(200);
        let document = server.client().get("/openapi.json").await.expect(200);
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        let printed = deployment.run(&["openapi"], "").await.out;
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), document);
        server.stop().await;
        // A process documents what it serves.
        let auth = deployment.serve(&["--services", "auth"]).await;
        let document = auth.client().get("/openapi.json").await.expect(200);
        assert!(document["paths"]["/api/v1/customers/health"].is_null());
        assert!(document["paths"]["/api/auth/login"].is_object());
        auth.stop().await;
        std::fs::write(deployment.folder().join("regulars.toml"), "[docs]\nenabled = false\n").unwrap();
        let server = deployment.serve(&[]).await;
        server.client().get("/docs").await.expect_error(404, "ROUTE_NOT_FOUND");
        server.client().get("/openapi.json").await.expect_error(404, "ROUTE_NOT_FOUND");
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn several_listeners_serve_the_same() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&["--listen", "127.0.0.1:0", "--listen", "[::1]:0"]).await;
        assert_eq!(server.addresses.len(), 2, "{}", server.said);
        for address in &server.addresses {
            let reply = raw::send(*address, raw::head("GET", "/livez", "").as_bytes()).await;
            assert_eq!((reply.status, reply.body.as_str()), (200, "ok"));
        }
        server.stop().await;
    })
    .await;
}

#[tokio::test]
async fn the_events_of_a_customer_are_found_by_either_id() {
    on_both_engines(async |deployment| {
        let server = deployment.serve(&[]).await;
        let staff = server.client().with(&deployment.api_key("admin", "story").await);
        let body = json!({ "first_name": "Ana", "last_name": "Mora", "email": "ana@example.com" });
        let created = staff.post("/api/v1/customers/", body).await.expect(201);
        for id in [&created["customer_id"], &created["id"]] {
            let path = format!("/api/v1/events?customer_id={}", id.as_str().unwrap());
            // On PostgreSQL the feed waits for every older transaction of the server, also of tests beside this one.
            let feed = loop {
                let feed = staff.get(&path).await.expect(200);
                if feed["events"] != json!([]) {
                    break feed;
                }
            };
            let event = &feed["events"][0];
            assert_eq!(event["action"], "customer.created", "{feed}");
            assert_eq!(event["customer_id"], created["customer_id"]);
            assert_eq!(
                (&event["actor"]["kind"], &event["actor"]["name"]),
                (&json!("api_key"), &json!("story"))
            );
            assert_eq!(event["changes"]["ip"], "127.0.0.1");
        }
        server.stop().await;
    })
    .await;
}
