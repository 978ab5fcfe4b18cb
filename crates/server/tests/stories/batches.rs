//! `kill -9` in the middle of a bulk update: after the restart it finishes, and nothing is done twice.
//!
//! Rows of the endpoints and promises: C19.

use database::{Db, Options};
use database::{args, sql};
use kernel::clock::Clock;
use kernel::id::Random;
use serde_json::{Value, json};

use crate::client::Client;
use crate::deployment::{Deployment, on_both_engines};

/// Customers, which make ten chunks.
pub const CUSTOMERS: i64 = 5000;

#[tokio::test]
async fn a_killed_bulk_update_finishes_and_does_nothing_twice() {
    on_both_engines(async |deployment| {
        let mut server = deployment.serve(&["--log-level", "warn"]).await;
        let key = deployment.api_key("admin", "bulk").await;
        let staff = server.client().with(&key);
        people(deployment, CUSTOMERS).await;
        let body = json!({ "filter": { "is_active": true }, "updates": { "city": "Ica", "tags": "moved" } });
        let job = staff.post("/api/v1/customers/bulk-update", body).await.expect(202);
        let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
        until(&staff, &path, |job| job["progress"]["processed"] != 0).await;
        server.signal("KILL").await;
        assert_eq!(server.ended().await, None);
        let done = number(deployment, "processed").await;
        assert!(done > 0 && done < CUSTOMERS, "killed in the middle: {done}");
        lease_runs_out(deployment).await;

        let again = deployment.serve(&["--log-level", "warn"]).await;
        let staff = again.client().with(&key);
        let job = until(&staff, &path, |job| job["state"] == "done").await;
        assert_eq!(job["progress"]["updated"], CUSTOMERS, "{job}");
        assert_eq!(number(deployment, "events").await, CUSTOMERS);
        assert_eq!(number(deployment, "customers with one").await, CUSTOMERS);
        let stats = staff.get("/api/v1/customers/stats").await.expect(200);
        assert_eq!(stats["customers_by_city"]["Ica"], CUSTOMERS);
        let tagged = staff.get("/api/v1/customers/?tag=moved&limit=1").await.expect(200);
        assert_eq!(tagged["total"], CUSTOMERS);
        let report = staff.get(&format!("{path}/report?format=ndjson&verdict=updated")).await;
        let lines: Vec<Value> = report.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let numbers: std::collections::BTreeSet<_> =
            lines.iter().map(|line| line["customer_id"].as_str()).collect();
        assert_eq!((lines.len() as i64, numbers.len() as i64), (CUSTOMERS, CUSTOMERS));
        again.stop().await;
    })
    .await;
}

/// Asks until it is so; a job that failed is not waited for.
pub async fn until(staff: &Client, path: &str, so: impl Fn(&Value) -> bool) -> Value {
    loop {
        let job = staff.get(path).await.expect(200);
        if so(&job) {
            return job;
        }
        assert!(matches!(job["state"].as_str(), Some("waiting" | "running")), "{job}");
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

pub fn open(deployment: &Deployment) -> Db {
    Db::open(&Options::new(deployment.target())).unwrap()
}

/// What is in the database while no server runs, and beside one.
pub async fn number(deployment: &Deployment, what: &str) -> i64 {
    let db = open(deployment);
    let mut tx = db.read(&std::sync::Arc::default()).await.unwrap();
    let statement = match what {
        "processed" => sql!("SELECT processed AS n FROM batch" => i64),
        "events" => sql!("SELECT count(*) AS n FROM event WHERE action = 'customer.updated'" => i64),
        _ => sql!(
            "SELECT count(*) AS n FROM (SELECT subject_id FROM event WHERE action = 'customer.updated'
               GROUP BY subject_id HAVING count(*) = 1) AS once" => i64
        ),
    };
    tx.one(statement, []).await.unwrap()
}

/// Half a minute later, without waiting for it.
async fn lease_runs_out(deployment: &Deployment) {
    let db = open(deployment);
    let mut tx = db.write(&std::sync::Arc::default()).await.unwrap();
    let running = sql!("UPDATE job SET lease_ms = 0 WHERE state = 'running' AND kind = 'batch.run'");
    // None, if the kill came between two slices: then the next one waits in the queue.
    assert!(tx.exec(running, []).await.unwrap() <= 1);
    tx.commit().await.unwrap();
}

/// Customers by the thousand, put into the database: creating them is another story.
pub async fn people(deployment: &Deployment, n: i64) {
    let db = open(deployment);
    let mut tx = db.write(&std::sync::Arc::default()).await.unwrap();
    let now = Clock::System.now();
    let rows: Vec<_> = (0..n)
        .map(|n| (n, Random::System.uuid(now), format!("person{n}"), format!("CUST_{n:08X}")))
        .collect();
    let users: Vec<_> = rows.iter().map(|(n, id, name, _)| args![*id, *n, *name, now]).collect();
    tx.exec_many(
        sql!(
            "INSERT INTO user_account (id, unique_no, username, email, email_key, email_verified, first_name, last_name, name_key,
               phone_verified, role, is_active, created_at, updated_at, version)
             VALUES ($1, $2, $3, $3 || '@example.com', $3 || '@example.com', false, 'Ana', $3, $3, false, 'customer', true, $4, $4, 1)"
        ),
        &users,
    )
    .await
    .unwrap();
    let customers: Vec<_> = rows.iter().map(|(_, id, _, number)| args![*id, *number, now]).collect();
    tx.exec_many(
        sql!(
            "INSERT INTO customer (id, customer_id, user_id, is_active, is_verified, customer_since, total_services,
               preferred_contact_method, notification_preferences, marketing_emails, marketing_sms, tags, metadata, created_at,
               updated_at, version)
             VALUES ($1, $2, $1, true, false, $3, 0, 'email', '{}', true, false, '', '{}', $3, $3, 1)"
        ),
        &customers,
    )
    .await
    .unwrap();
    tx.commit().await.unwrap();
}
