//! Pictures that are small as files and large in memory, on a server that has little of it.

use platform::test::pictures::{large_png, png_with_profile, progressive_jpeg};
use reqwest::Method;
use serde_json::json;

use crate::deployment::on_both_engines;

/// What the setting allows, and as much again for what the allocator keeps and the server does beside.
const MOST_KIB: u64 = 2 * 48 * 1024;

#[tokio::test]
async fn no_picture_takes_more_memory_than_the_setting_says() {
    on_both_engines(async |deployment| {
        std::fs::write(deployment.folder().join("small.toml"), "[avatars]\nmemory_mb = 48\n").unwrap();
        let server = deployment.serve(&["--log-level", "warn", "--config", "small.toml"]).await;
        let key = deployment.api_key("admin", "pictures").await;
        let staff = server.client().with(&key);
        let body = json!({"first_name": "Rosa", "last_name": "Quispe", "email": "rosa@example.com"});
        let one = staff.post("/api/v1/customers/", body).await.expect(201);
        let path = format!("/api/v1/customers/{}/avatar", one["customer_id"].as_str().unwrap());
        let before = server.most_memory();
        for (kind, picture, status) in [
            ("image/png", png_with_profile(100 << 20), 200),
            ("image/jpeg", progressive_jpeg(7071, 7071), 422),
            ("image/jpeg", progressive_jpeg(900, 900), 200),
            ("image/png", large_png(1100), 200),
        ] {
            let reply = staff.send_file(Method::PUT, &path, kind, picture).await;
            let problem = reply.expect(status);
            assert!(status == 200 || problem["error_code"] == "IMAGE_TOO_LARGE", "{problem}");
        }
        let taken = server.most_memory() - before;
        assert!(taken < MOST_KIB, "{taken} KiB");
        server.stop().await;
    })
    .await;
}
