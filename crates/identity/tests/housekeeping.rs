//! What is deleted in time, and what erasing finds after that.

#![expect(clippy::unwrap_used, reason = "helpers of tests may unwrap as tests do")]

mod common;

use std::time::Duration;

use common::{access, link, register};
use database::{args, sql};
use identity::feature;
use identity::users::model::UserRef;
use identity::users::service as users;
use platform::access::Scope;
use platform::test::{TestApp, on_both_engines};
use serde_json::{Value, json};
use uuid::Uuid;

/// Runs one kind of housekeeping.
async fn periodic(app: &TestApp, name: &str) {
    let task = feature().periodic.iter().find(|task| task.job.name == name).unwrap();
    (task.job.run)(&app.system(), Value::Null).await.unwrap();
}

async fn count(app: &TestApp, statement: &'static database::Sql<0, i64>) -> i64 {
    app.system().read().await.unwrap().one(statement, []).await.unwrap()
}

/// Proves the address, logs in and logs out: every kind of event of a session.
async fn live(app: &TestApp, email: &str) -> Uuid {
    let reply: Value = register(app, email).await;
    app.run_jobs().await;
    let body = json!({"token": link(&app.mails()[0])});
    app.post("/api/auth/email/verify").bearer(&access(&reply)).json(body).send().await.expect(200);
    let refresh = |token: &Value| app.post("/api/auth/token/refresh/").json(json!({"refresh": token})).send();
    let first = reply["tokens"]["refresh"].clone();
    let second = refresh(&first).await.expect(200)["refresh"].clone();
    refresh(&second).await.expect(200);
    refresh(&first).await.expect(401);
    let login = json!({"email": email, "password": "Pass123!"});
    let reply = app.post("/api/auth/login").json(login).send().await.expect(200);
    app.post("/api/auth/logout/").bearer(&access(&reply)).send().await.expect(204);
    reply["user"]["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn erasing_finds_the_events_of_sessions_that_are_long_gone() {
    on_both_engines(&[feature()], async |app| {
        let id = live(app, "gone@example.com").await;
        let mut tx = app.system().read().await.unwrap();
        let events = tx
            .all(
                sql!("SELECT action FROM event WHERE action LIKE 'session.%' AND subject_type = 'user' AND subject_id = $1
                      AND subject_ref = 'USER-10000000' ORDER BY seq" => String),
                args![id],
            )
            .await
            .unwrap();
        drop(tx);
        assert_eq!(events, ["session.created", "session.refresh_reused", "session.created", "session.revoked"]);
        let traces = sql!(
            "SELECT count(*) AS n FROM event_change c JOIN event e ON e.seq = c.event_seq
             WHERE e.action <> 'user.erased' AND c.ip IS NOT NULL" => i64
        );
        assert!(count(app, traces).await > 0, "addresses are noted");
        app.advance(Duration::from_secs(400 * 86_400));
        periodic(app, "sessions.purge").await;
        assert_eq!(count(app, sql!("SELECT count(*) AS n FROM session" => i64)).await, 0);
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let found = users::find_in(&mut tx, &Scope::system("test"), UserRef::Id(id)).await.unwrap();
        users::erase_in(&ctx, &mut tx, &found.unwrap()).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(app, traces).await, 0);
        app.run_jobs().await;
    })
    .await;
}

fn hash(n: u32) -> Vec<u8> {
    platform::crypto::sha256(&n.to_be_bytes()).to_vec()
}

#[tokio::test]
async fn sessions_go_with_all_their_tokens_and_the_living_stay() {
    on_both_engines(&[feature()], async |app| {
        register(app, "busy@example.com").await;
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        let session = tx.one(sql!("SELECT id FROM session" => Uuid), []).await.unwrap();
        for n in 0..2100 {
            let statement =
                sql!("INSERT INTO refresh_token (hash, session_id, created_at) VALUES ($1, $2, $3)");
            tx.exec(statement, args![hash(n), session, ctx.now()]).await.unwrap();
        }
        tx.commit().await.unwrap();
        app.advance(Duration::from_secs(400 * 86_400));
        let login = json!({"email": "busy@example.com", "password": "Pass123!"});
        let living = app.post("/api/auth/login").json(login).send().await.expect(200);
        periodic(app, "sessions.purge").await;
        assert_eq!(count(app, sql!("SELECT count(*) AS n FROM session" => i64)).await, 1);
        assert_eq!(count(app, sql!("SELECT count(*) AS n FROM refresh_token" => i64)).await, 1);
        app.get("/api/auth/profile").bearer(&access(&living)).send().await.expect(200);
        app.run_jobs().await;
    })
    .await;
}

#[tokio::test]
async fn links_go_a_week_after_their_end_however_many() {
    on_both_engines(&[feature()], async |app| {
        let reply = register(app, "many@example.com").await;
        let user: Uuid = reply["user"]["id"].as_str().unwrap().parse().unwrap();
        let ctx = app.system();
        let mut tx = ctx.write().await.unwrap();
        for n in 0..2100 {
            let statement = sql!(
                "INSERT INTO mail_token (hash, user_id, purpose, email, email_key, created_at, expires_at)
                 VALUES ($1, $2, 'verify', 'a@example.com', 'a@example.com', $3, $3)"
            );
            tx.exec(statement, args![hash(n), user, ctx.now()]).await.unwrap();
        }
        tx.commit().await.unwrap();
        app.advance(Duration::from_secs(7 * 86_400));
        periodic(app, "claims.purge").await;
        // The link of the registration lives a day longer.
        assert_eq!(count(app, sql!("SELECT count(*) AS n FROM mail_token" => i64)).await, 1);
        app.run_jobs().await;
    })
    .await;
}

async fn erase(app: &TestApp, id: &Value) {
    let id: Uuid = id.as_str().unwrap().parse().unwrap();
    let ctx = app.system();
    let mut tx = ctx.write().await.unwrap();
    let found = users::find_in(&mut tx, &Scope::system("test"), UserRef::Id(id)).await.unwrap();
    users::erase_in(&ctx, &mut tx, &found.unwrap()).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn erasing_deletes_the_mails_that_were_written_to_files() {
    on_both_engines(&[feature()], async |app| {
        let gone = register(app, "gone@example.com").await;
        register(app, "stays@example.com").await;
        app.run_jobs().await;
        assert_eq!(app.mails().len(), 2);
        erase(app, &gone["user"]["id"]).await;
        app.run_jobs().await;
        let left = app.mails();
        assert_eq!(left.len(), 1);
        assert!(left[0].contains("stays@example.com"));
    })
    .await;
}

#[tokio::test]
async fn the_outbox_is_swept_of_what_is_old_or_of_nobody_or_was_left_behind() {
    on_both_engines(&[feature()], async |app| {
        let gone = register(app, "gone@example.com").await;
        register(app, "stays@example.com").await;
        app.run_jobs().await;
        let outbox = app.app.config.data_dir.join("outbox");
        let name_of = |text: &str| {
            let mut paths = std::fs::read_dir(&outbox).unwrap().map(|entry| entry.unwrap().path());
            paths.find(|path| std::fs::read_to_string(path).unwrap().contains(text)).unwrap()
        };
        // A mail of somebody who was erased while it was written, by a process that died after it.
        let late = name_of("gone@example.com");
        let mail = std::fs::read(&late).unwrap();
        erase(app, &gone["user"]["id"]).await;
        app.run_jobs().await;
        assert_eq!(app.mails().len(), 1);
        std::fs::write(&late, mail).unwrap();
        // One that was being written when its process died, and something of the operator's.
        let half = std::fs::File::create(outbox.join(".mail.half")).unwrap();
        half.set_modified(std::time::UNIX_EPOCH).unwrap();
        std::fs::write(outbox.join("notes.eml"), "").unwrap();
        periodic(app, "mail.sweep").await;
        assert!(!late.exists() && !outbox.join(".mail.half").exists());
        assert!(name_of("stays@example.com").exists());
        app.advance(Duration::from_secs(7 * 86_400));
        periodic(app, "mail.sweep").await;
        assert_eq!(app.mails(), [""], "what is none of ours stays");
    })
    .await;
}
