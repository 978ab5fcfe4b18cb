//! Guessing at passwords: what it costs who guesses, and what it does not cost the owner.

use database::{args, sql};
use identity::feature;
use platform::test::{TestApp, TestReply, on_both_engines};
use serde_json::{Value, json};

async fn register(app: &TestApp, email: &str) {
    let body = json!({"email": email, "first_name": "Test", "last_name": "User", "password": "Pass123!"});
    app.post("/api/auth/register/").json(body).send().await.expect(201);
}

fn access(reply: &Value) -> String {
    reply["tokens"]["access"].as_str().expect("a token").to_owned()
}

async fn login(app: &TestApp, email: &str, password: &str, device: &str) -> TestReply {
    let body = json!({"email": email, "password": password, "device_token": device});
    app.post("/api/auth/login/").json(body).send().await
}

fn device(reply: &Value) -> String {
    reply["device_token"].as_str().expect("a token").to_owned()
}

/// Guesses until it has to wait; how often, and how long it has to.
async fn guess(app: &TestApp, email: &str, device: &str) -> (u32, String) {
    for n in 0.. {
        let reply = login(app, email, "a wrong guess", device).await;
        if reply.status == 429 {
            reply.expect_error(429, "LOGIN_THROTTLED");
            return (n, reply.header("retry-after").to_owned());
        }
        reply.expect_error(401, "INVALID_CREDENTIALS");
    }
    unreachable!("it goes on for ever");
}

#[tokio::test]
async fn who_guesses_waits_and_the_owner_on_a_known_device_does_not() {
    on_both_engines(&[feature()], async |app| {
        register(app, "owner@example.com").await;
        register(app, "other@example.com").await;
        app.run_jobs().await;
        let known = device(&login(app, "owner@example.com", "Pass123!", "").await.expect(200));
        let others = device(&login(app, "other@example.com", "Pass123!", "").await.expect(200));
        // An account that is not there answers the same.
        for email in ["owner@example.com", "nobody@example.com"] {
            assert_eq!(guess(app, email, "").await, (10, "3".to_owned()), "{email}");
        }
        // The right password waits as well, with no device and with another user's.
        for device in ["", "nonsense", &others] {
            login(app, "owner@example.com", "Pass123!", device).await.expect_error(429, "LOGIN_THROTTLED");
        }
        let next = device(&login(app, "owner@example.com", "Pass123!", &known).await.expect(200));
        assert_ne!(next, known);
        // Each login gives a new one, and the one before is none any more.
        login(app, "owner@example.com", "Pass123!", &known).await.expect_error(429, "LOGIN_THROTTLED");
        // Neither does a known device help others, nor fail for them.
        assert_eq!(guess(app, "owner@example.com", &next).await, (10, "3".to_owned()));
        app.advance(std::time::Duration::from_secs(3));
        login(app, "owner@example.com", "Pass123!", "").await.expect(200);
        login(app, "owner@example.com", "Pass123!", &next).await.expect(200);
        let ctx = app.system();
        let mut tx = ctx.read().await.unwrap();
        let shown = sql!("SELECT count(*) AS n FROM login_device WHERE hash = $1" => i64);
        assert_eq!(tx.one(shown, args![next.as_bytes()]).await.unwrap(), 0, "stored as a hash");
    })
    .await;
}

#[tokio::test]
async fn guesses_at_once_are_no_more_than_guesses_in_a_row() {
    on_both_engines(&[feature()], async |app| {
        register(app, "owner@example.com").await;
        app.run_jobs().await;
        let all = (0..40).map(|_| login(app, "owner@example.com", "a wrong guess", ""));
        let replies = futures_util::future::join_all(all).await;
        assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
    })
    .await;
}

#[tokio::test]
async fn a_device_is_known_no_longer_than_its_owner_wants() {
    on_both_engines(&[feature()], async |app| {
        register(app, "owner@example.com").await;
        app.run_jobs().await;
        let devices = async || {
            let ctx = app.system();
            let mut tx = ctx.read().await.unwrap();
            tx.one(sql!("SELECT count(*) AS n FROM login_device" => i64), []).await.unwrap()
        };
        let log_in = async || login(app, "owner@example.com", "Pass123!", "").await.expect(200);
        let (one, two) = (log_in().await, log_in().await);
        app.post("/api/auth/logout").bearer(&access(&two)).send().await.expect(204);
        assert_eq!(devices().await, 2, "who logs out comes back");
        let three = log_in().await;
        let sessions = app.get("/api/auth/sessions").bearer(&access(&one)).send().await.expect(200);
        let mine = sessions["sessions"].as_array().unwrap().iter().find(|s| s["is_current"] == true);
        let ended = mine.unwrap()["id"].as_str().unwrap();
        app.delete(format!("/api/auth/sessions/{ended}")).bearer(&access(&three)).send().await.expect(204);
        assert_eq!(devices().await, 2, "the device of the session that was ended");
        app.delete("/api/auth/sessions").bearer(&access(&three)).send().await.expect(200);
        assert_eq!(devices().await, 1, "all but the one that asks");
        guess(app, "owner@example.com", "").await;
        login(app, "owner@example.com", "Pass123!", &device(&one)).await.expect_error(429, "LOGIN_THROTTLED");
        login(app, "owner@example.com", "Pass123!", &device(&three)).await.expect(200);
        app.advance(std::time::Duration::from_secs(181 * 24 * 3600));
        let purge = feature().periodic.iter().find(|task| task.job.name == "devices.purge").unwrap();
        (purge.job.run)(&app.system(), Value::Null).await.unwrap();
        assert_eq!(devices().await, 0);
    })
    .await;
}
