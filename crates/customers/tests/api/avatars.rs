//! Pictures of customers.
//!
//! Rows of the endpoints and promises: B "planned: profile pictures" of seed 004.

use std::io::Cursor;
use std::time::Duration;

use fixtures::{actions, company, company_key, customer, key, path, register};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use platform::storage::ObjectName;
use platform::test::{TestApp, TestReply, on_both_engines, on_both_engines_with};
use serde_json::{Value, json};

use crate::common::features;

fn picture(format: ImageFormat, side: u32) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let image = RgbImage::from_fn(side, side + 10, |x, y| Rgb([x as u8, y as u8, 99]));
    DynamicImage::ImageRgb8(image).write_to(&mut file, format).unwrap();
    file.into_inner()
}

async fn put(app: &TestApp, token: &str, one: &Value, kind: &str, body: Vec<u8>) -> TestReply {
    app.put(path(one, "/avatar")).bearer(token).body(kind, body).send().await
}

/// How many files of pictures there are.
async fn files(app: &TestApp) -> usize {
    let all = ObjectName::new("avatars").unwrap();
    app.app.storage.list(&all, None, 1000).await.unwrap().len()
}

#[tokio::test]
async fn b_004_a_picture_is_kept_in_three_sizes_and_served_for_ever() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        assert_eq!(one["avatar"], Value::Null);
        app.get(path(&one, "/avatar")).bearer(&key).send().await.expect_error(404, "AVATAR_NOT_FOUND");
        let reply = put(app, &key, &one, "image/png", picture(ImageFormat::Png, 600)).await;
        let paths = reply.expect(200);
        let shown = app.get(path(&one, "")).bearer(&key).send().await;
        assert_eq!(shown.expect(200)["avatar"], paths);
        assert_eq!(shown.header("etag"), reply.header("etag"));
        assert_eq!(app.get(path(&one, "/avatar")).bearer(&key).send().await.expect(200), paths);
        for (size, pixels) in [("small", 64), ("medium", 256), ("large", 512)] {
            let file = paths[size].as_str().unwrap();
            let served = app.get(file).send().await;
            served.expect(200);
            assert_eq!(served.header("content-type"), "image/jpeg");
            assert_eq!(served.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(served.header("x-content-type-options"), "nosniff");
            assert_eq!(served.header("content-security-policy"), "default-src 'none'; sandbox");
            let image = image::load_from_memory(&served.bytes).unwrap();
            assert_eq!((image.width(), image.height()), (pixels, pixels));
            let again = app.get(file).header("if-none-match", served.header("etag")).send().await;
            again.expect(304);
        }
        let small = paths["small"].as_str().unwrap();
        for wrong in [
            small.replace("64.", "65."),
            small.replace(".jpg", ".png"),
            small.replace("avatars/0", "avatars/f"),
        ] {
            app.get(&wrong).send().await.expect_error(404, "AVATAR_NOT_FOUND");
        }
        // What is read can be sent back.
        app.patch(path(&one, "")).bearer(&key).json(shown.json()).send().await.expect(200);
        assert_eq!(actions(app, &one).await, ["customer.created", "customer.avatar_changed"]);
    })
    .await;
}

#[tokio::test]
async fn b_004_a_new_picture_has_new_paths_and_the_old_files_go() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let first = put(app, &key, &one, "image/gif", picture(ImageFormat::Gif, 90)).await.expect(200);
        let second = put(app, &key, &one, "image/webp", picture(ImageFormat::WebP, 90)).await.expect(200);
        assert_ne!(first, second);
        app.run_jobs().await;
        assert_eq!(files(app).await, 3);
        app.get(first["small"].as_str().unwrap()).send().await.expect(404);
        app.get(second["small"].as_str().unwrap()).send().await.expect(200);
        app.delete(path(&one, "/avatar")).bearer(&key).send().await.expect(204);
        app.delete(path(&one, "/avatar")).bearer(&key).send().await.expect_error(404, "AVATAR_NOT_FOUND");
        app.run_jobs().await;
        assert_eq!(files(app).await, 0);
        assert_eq!(app.get(path(&one, "")).bearer(&key).send().await.expect(200)["avatar"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn b_004_customers_change_their_own_picture_and_no_other() {
    on_both_engines(&features(), async |app| {
        company(app, "COMP-001").await;
        let staff = key(app, "employee").await;
        let foreign = company_key(app, "manager", "COMP-001").await;
        let viewer = company_key(app, "viewer", "COMP-001").await;
        let other = customer(app, &staff, "other@example.com").await;
        let (token, _) = register(app, "test@example.com").await;
        let own = app
            .post("/api/v1/customers/profile/create/")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        let image = || picture(ImageFormat::Jpeg, 80);
        let paths = put(app, &token, &own, "image/jpeg", image()).await.expect(200);
        assert_eq!(app.get("/api/v1/customers/me").bearer(&token).send().await.expect(200)["avatar"], paths);
        assert_eq!(app.get("/api/auth/profile/").bearer(&token).send().await.expect(200)["avatar"], paths);
        put(app, &token, &other, "image/jpeg", image()).await.expect_error(404, "CUSTOMER_NOT_FOUND");
        app.get(path(&other, "/avatar")).bearer(&token).send().await.expect_error(404, "CUSTOMER_NOT_FOUND");
        app.delete(path(&other, "/avatar"))
            .bearer(&token)
            .send()
            .await
            .expect_error(404, "CUSTOMER_NOT_FOUND");
        put(app, &foreign, &own, "image/jpeg", image()).await.expect_error(404, "CUSTOMER_NOT_FOUND");
        put(app, &viewer, &own, "image/jpeg", image()).await.expect_error(403, "PERMISSION_DENIED");
        let nobody = app.put(path(&own, "/avatar")).body("image/jpeg", image()).send().await;
        nobody.expect_error(401, "NOT_AUTHENTICATED");
        app.post(path(&own, "/deactivate"))
            .bearer(&key(app, "admin").await)
            .json(json!({}))
            .send()
            .await
            .expect(200);
        put(app, &token, &own, "image/jpeg", image()).await.expect_error(403, "CUSTOMER_INACTIVE");
        assert_eq!(files(app).await, 3);
    })
    .await;
}

#[tokio::test]
async fn b_004_what_is_no_picture_is_refused_and_leaves_nothing() {
    on_both_engines_with(&features(), &[("limits.avatar_bytes", "20000")], async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        let png = picture(ImageFormat::Png, 40);
        let svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec();
        for (kind, body, status, code) in [
            ("image/svg+xml", svg, 415, "IMAGE_TYPE_UNSUPPORTED"),
            ("application/octet-stream", png.clone(), 415, "IMAGE_TYPE_UNSUPPORTED"),
            ("application/json", b"{}".to_vec(), 415, "IMAGE_TYPE_UNSUPPORTED"),
            ("image/png", Vec::new(), 400, "BODY_EMPTY"),
            ("image/png", png[..png.len() / 2].to_vec(), 422, "IMAGE_BROKEN"),
            ("image/png", vec![0; 20_001], 413, "BODY_TOO_LARGE"),
        ] {
            put(app, &key, &one, kind, body).await.expect_error(status, code);
        }
        // The type that it is sent as means nothing, as long as it is an image.
        put(app, &key, &one, "image/jpeg", png).await.expect(200);
        assert_eq!(files(app).await, 3);
    })
    .await;
}

#[tokio::test]
async fn b_004_whoever_is_erased_has_no_picture_left() {
    on_both_engines(&features(), async |app| {
        let admin = key(app, "admin").await;
        let one = customer(app, &admin, "one@example.com").await;
        let paths = put(app, &admin, &one, "image/png", picture(ImageFormat::Png, 70)).await.expect(200);
        app.delete(path(&one, "/hard")).bearer(&admin).send().await.expect(204);
        let (token, _) = register(app, "test@example.com").await;
        let own = app
            .post("/api/v1/customers/profile/create/")
            .bearer(&token)
            .json(json!({}))
            .send()
            .await
            .expect(201);
        put(app, &token, &own, "image/png", picture(ImageFormat::Png, 70)).await.expect(200);
        app.delete("/api/v1/customers/profile/delete/").bearer(&token).send().await.expect(204);
        assert_eq!(
            app.get("/api/auth/profile/").bearer(&token).send().await.expect(200)["avatar"],
            Value::Null
        );
        app.run_jobs().await;
        assert_eq!(files(app).await, 0);
        app.get(paths["large"].as_str().unwrap()).send().await.expect(404);
    })
    .await;
}

#[tokio::test]
async fn b_004_files_without_an_owner_are_swept_after_a_day() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "employee").await;
        let one = customer(app, &key, "one@example.com").await;
        put(app, &key, &one, "image/png", picture(ImageFormat::Png, 70)).await.expect(200);
        let ctx = app.system();
        let lost = identity::users::model::AvatarName::random(ctx.random(), ctx.now(), false);
        app.app.storage.put(&lost.object(64).unwrap(), picture(ImageFormat::Jpeg, 9).into()).await.unwrap();
        let sweep = || customers::avatars::service::sweep(&ctx);
        sweep().await.unwrap();
        assert_eq!(files(app).await, 4, "it may still wait for its row");
        app.advance(Duration::from_secs(3 * 24 * 3600));
        sweep().await.unwrap();
        assert_eq!(files(app).await, 3);
    })
    .await;
}

#[tokio::test]
async fn a_picture_that_is_sent_again_with_its_key_is_taken_once() {
    on_both_engines(&features(), async |app| {
        let key = key(app, "admin").await;
        let one = customer(app, &key, "one@example.com").await;
        let image = picture(ImageFormat::Png, 70);
        for again in ["", "true"] {
            let put = app.put(path(&one, "/avatar")).bearer(&key).header("idempotency-key", "k");
            let put = put.body("image/png", image.clone()).send().await;
            put.expect(200);
            assert_eq!(put.header("idempotent-replayed"), again);
            app.run_jobs().await;
        }
        assert_eq!(files(app).await, 3, "what the repeat made is gone");
        assert_eq!(actions(app, &one).await, ["customer.created", "customer.avatar_changed"]);
    })
    .await;
}
