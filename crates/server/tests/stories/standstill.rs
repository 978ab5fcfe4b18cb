//! A process, or the database, stands still for 40 s in the middle of a bulk update, with a second process beside: the work
//! is cancelled where it stood and goes on elsewhere, and nothing is done twice. By the clock, so `scripts/standstill` runs
//! them and the suite does not; `platform/tests/database/jobs/claims` has the same with a clock that is set.

use std::time::Duration;

use database::driver::rusqlite;
use database::{Engine, sql};
use serde_json::json;
use tokio::process::Command;

use crate::batches::{CUSTOMERS, number, open, people, until};
use crate::deployment::{Deployment, Server, on_both_engines};

/// Longer than the lease of a job, which is 30 s unless a setting says otherwise.
const STANDSTILL: Duration = Duration::from_secs(40);

/// A bulk update in the middle of which something stands still; what the processes log of their jobs.
async fn story(deployment: &Deployment, stand_still: impl AsyncFn(&Server)) -> String {
    let first = deployment.serve(&["--log-level", "warn"]).await;
    let key = deployment.api_key("admin", "bulk").await;
    let staff = first.client().with(&key);
    people(deployment, CUSTOMERS).await;
    let body = json!({ "filter": { "is_active": true }, "updates": { "city": "Ica", "tags": "moved" } });
    let job = staff.post("/api/v1/customers/bulk-update", body).await.expect(202);
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    until(&staff, &path, |job| job["progress"]["processed"] != 0).await;
    let second = deployment.serve(&["--log-level", "warn"]).await;
    assert!(number(deployment, "processed").await < CUSTOMERS, "it is in the middle of its work");
    stand_still(&first).await;
    let job = until(&second.client().with(&key), &path, |job| job["state"] == "done").await;
    assert_eq!(job["progress"]["updated"], CUSTOMERS, "{job}");
    assert_eq!(number(deployment, "events").await, CUSTOMERS);
    assert_eq!(number(deployment, "customers with one").await, CUSTOMERS);
    let mut told = String::new();
    for (name, server) in [("first", first), ("second", second)] {
        for line in server.log().lines().filter(|line| line.contains("::jobs::")) {
            told.push_str(&format!("{:?}, {name}: {line}\n", deployment.engine));
        }
        server.stop().await;
    }
    print!("{told}");
    told
}

#[tokio::test]
#[ignore = "takes two minutes: scripts/standstill"]
async fn a_job_whose_process_stands_still_is_done_once() {
    on_both_engines(async |deployment| {
        let told = story(deployment, async |server| {
            server.signal("STOP").await;
            tokio::time::sleep(STANDSTILL).await;
            server.signal("CONT").await;
        })
        .await;
        assert!(told.contains("a job was cancelled"), "{told}");
    })
    .await;
}

#[tokio::test]
#[ignore = "takes two minutes: scripts/standstill"]
async fn a_job_whose_database_is_away_is_done_once() {
    on_both_engines(async |deployment| {
        let told = story(deployment, async |_| away(deployment).await).await;
        assert!(
            told.contains("a job was cancelled") || told.contains("a job failed; it is tried again"),
            "{told}"
        );
    })
    .await;
}

/// Nobody gets an answer from the database for a while.
async fn away(deployment: &Deployment) {
    if deployment.engine == Engine::Sqlite {
        // Nobody writes as long as somebody else does.
        let other = rusqlite::Connection::open(deployment.data().join("regulars.db")).unwrap();
        other.busy_timeout(Duration::from_secs(10)).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        tokio::time::sleep(STANDSTILL).await;
        other.execute_batch("ROLLBACK").unwrap();
        return;
    }
    let db = open(deployment);
    let mut tx = db.read(&std::sync::Arc::default()).await.unwrap();
    // The server that accepts connections is the parent of those that serve them. Our own is stopped with the others.
    let of_database = sql!(
        postgres: "SELECT pid::bigint AS n FROM pg_stat_activity WHERE datname = current_database()" => i64
    );
    let sessions = tx.all(of_database, []).await.unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", sessions[0])).unwrap();
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().to_owned();
    let all: Vec<String> = [parent].into_iter().chain(sessions.iter().map(i64::to_string)).collect();
    signal("-STOP", &all).await;
    tokio::time::sleep(STANDSTILL).await;
    signal("-CONT", &all).await;
}

async fn signal(signal: &str, processes: &[String]) {
    // One that has ended meanwhile is none to wait for.
    Command::new("kill").arg(signal).args(processes).status().await.unwrap();
}

/// How many customers the index knows.
async fn indexed(deployment: &Deployment) -> i64 {
    let db = open(deployment);
    let mut tx = db.read(&std::sync::Arc::default()).await.unwrap();
    tx.one(sql!("SELECT count(*) AS n FROM search_entry" => i64), []).await.unwrap()
}

/// Who registers gets the mail at once, also while every customer is indexed anew: kinds of jobs have places of their own.
#[tokio::test]
#[ignore = "measured by the clock: scripts/standstill"]
async fn mail_goes_out_while_every_customer_is_indexed() {
    const INDEXED: i64 = 60_000;
    on_both_engines(async |deployment| {
        deployment.migrate().await;
        people(deployment, INDEXED).await;
        let server = deployment.serve(&["--log-level", "warn"]).await;
        while indexed(deployment).await == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let outbox = deployment.data().join("outbox");
        let mails = || std::fs::read_dir(&outbox).map_or(0, Iterator::count);
        let mut took = Vec::new();
        for n in 0..20 {
            let body = json!({
                "first_name": "Luz", "last_name": "Vega", "email": format!("luz{n}@example.com"),
                "password": "a long enough sentence",
            });
            server.client().post("/api/auth/register/", body).await.expect(201);
            let start = std::time::Instant::now();
            while mails() <= n {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            took.push(start.elapsed());
        }
        let done = indexed(deployment).await;
        took.sort_unstable();
        println!(
            "{:?}: {done} of {INDEXED} were indexed; mails: half within {:?}, all within {:?}",
            deployment.engine, took[10], took[19]
        );
        assert!(done < INDEXED, "the index was at work all the time");
        server.stop().await;
    })
    .await;
}
